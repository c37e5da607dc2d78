"""Lecture 05: the Transformer: what is asked, our answers, and the mistakes that are known."""

from collections.abc import Callable
from itertools import pairwise

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from course_utils.attention import attend, causal_mask, dot_score, scaled_dot_score
from course_utils.exercises.exercise import Answer, Exercise, WrongAnswer, prediction, primes


def cross_attention(
    x: Float[Tensor, "tgt_len d_model"],
    memory: Float[Tensor, "src_len d_model"],
    W_Q: Float[Tensor, "d_model d_k"],
    W_K: Float[Tensor, "d_model d_k"],
    W_V: Float[Tensor, "d_model d_k"],
) -> tuple[Float[Tensor, "tgt_len d_k"], Float[Tensor, "tgt_len src_len"]]:
    """Let the target words ask and the source words answer."""
    context, weights = attend(x @ W_Q, memory @ W_K, memory @ W_V, scaled_dot_score)
    assert weights is not None
    return context, weights


def _draw_cross() -> tuple:
    tgt_len, src_len, d_model, d_k = primes(4)
    projections = torch.randn(3, d_model, d_k) / d_model**0.5
    return torch.randn(tgt_len, d_model), torch.randn(src_len, d_model), *projections


def _softmax_over_target(x: Tensor, memory: Tensor, W_Q: Tensor, W_K: Tensor, W_V: Tensor) -> tuple:
    weights = scaled_dot_score(memory @ W_K, x @ W_Q).softmax(0)
    return weights @ (memory @ W_V), weights


def _unscaled(x: Tensor, memory: Tensor, W_Q: Tensor, W_K: Tensor, W_V: Tensor) -> tuple:
    return attend(x @ W_Q, memory @ W_K, memory @ W_V, dot_score)


def _scaled_by_d_model(x: Tensor, memory: Tensor, W_Q: Tensor, W_K: Tensor, W_V: Tensor) -> tuple:
    return attend(x @ W_Q, memory @ W_K, memory @ W_V, lambda k, q: dot_score(k, q) / len(W_K) ** 0.5)


def _keys_as_values(x: Tensor, memory: Tensor, W_Q: Tensor, W_K: Tensor, W_V: Tensor) -> tuple:
    return cross_attention(x, memory, W_Q, W_K, W_K)


def _scores_as_weights(x: Tensor, memory: Tensor, W_Q: Tensor, W_K: Tensor, W_V: Tensor) -> tuple:
    scores = scaled_dot_score(memory @ W_K, x @ W_Q)
    return scores.softmax(-1) @ (memory @ W_V), scores


def mask_of_last(q_len: int, k_len: int) -> Bool[Tensor, "q_len k_len"]:
    """Let the last words of a sentence see themselves and all before them."""
    return causal_mask(k_len)[k_len - q_len :]


def rotate(x: Float[Tensor, "length d_k"], turn: Float[Tensor, "half"]) -> Float[Tensor, "length d_k"]:
    """Turn each pair of neighbouring components by place times speed."""
    angle = torch.arange(len(x))[:, None] * turn
    return _turned(x, angle)


def _turned(x: Tensor, angle: Tensor) -> Tensor:
    turned = torch.view_as_complex(x.unflatten(1, (-1, 2)).contiguous()) * torch.polar(torch.ones_like(angle), angle)
    return torch.view_as_real(turned).flatten(1)


def _draw_rotation() -> tuple:
    length, half = primes(2)
    return torch.randn(length, 2 * half), torch.rand(half) + 0.1


def _halves(x: Tensor, turn: Tensor) -> Tensor:
    first, second = rotate(torch.stack(x.chunk(2, 1), 2).flatten(1), turn).unflatten(1, (-1, 2)).unbind(2)
    return torch.cat([first, second], 1)


def _split_apart(x: Tensor, turn: Tensor) -> Tensor:
    turned = rotate(x, turn)
    return torch.cat([turned[:, ::2], turned[:, 1::2]], 1)


def _added(x: Tensor, turn: Tensor) -> Tensor:
    angle = torch.arange(len(x))[:, None] * turn
    return x + torch.stack([angle.sin(), angle.cos()], -1).flatten(1)


def _reflected(x: Tensor, turn: Tensor) -> Tensor:
    angle = torch.arange(len(x))[:, None] * turn
    first, second = x[:, ::2], x[:, 1::2]
    return torch.stack(
        [first * angle.cos() - second * angle.sin(), first * angle.sin() - second * angle.cos()], -1
    ).flatten(1)


def _overwritten(x: Tensor, turn: Tensor) -> Tensor:
    angle = torch.arange(len(x))[:, None] * turn
    first, second = x[:, ::2], x[:, 1::2]
    first = first * angle.cos() - second * angle.sin()
    return torch.stack([first, first * angle.sin() + second * angle.cos()], -1).flatten(1)


def cached_step(
    x: Float[Tensor, "d_model"],
    W_Q: Float[Tensor, "d_model d_k"],
    W_K: Float[Tensor, "d_model d_k"],
    W_V: Float[Tensor, "d_model d_k"],
    keys: Float[Tensor, "t d_k"],
    values: Float[Tensor, "t d_k"],
) -> tuple[Float[Tensor, "d_k"], Float[Tensor, "longer d_k"], Float[Tensor, "longer d_k"]]:
    """Attend from the newest word to itself and to what was cached, and give both caches one row longer."""
    keys, values = torch.cat([keys, (x @ W_K)[None]]), torch.cat([values, (x @ W_V)[None]])
    return _asked(x @ W_Q, keys, values), keys, values


def _asked(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    return attend(query[None], keys, values, scaled_dot_score)[0][0]


def _draw_step() -> tuple:
    n_cached, d_model, d_k = primes(3)
    projections = torch.randn(3, d_model, d_k) / d_model**0.5
    return torch.randn(d_model), *projections, *torch.randn(2, n_cached, d_k)


def _asks_before_it_appends(x: Tensor, W_Q: Tensor, W_K: Tensor, W_V: Tensor, keys: Tensor, values: Tensor) -> tuple:
    return _asked(x @ W_Q, keys, values), *cached_step(x, W_Q, W_K, W_V, keys, values)[1:]


def _appends_in_front(x: Tensor, W_Q: Tensor, W_K: Tensor, W_V: Tensor, keys: Tensor, values: Tensor) -> tuple:
    context, longer_keys, longer_values = cached_step(x, W_Q, W_K, W_V, keys, values)
    return context, longer_keys.roll(1, 0), longer_values.roll(1, 0)


def _caches_the_word(x: Tensor, W_Q: Tensor, W_K: Tensor, W_V: Tensor, keys: Tensor, values: Tensor) -> tuple:
    return cached_step(x, W_Q, W_K, W_K, keys, values)


def _caches_the_query(x: Tensor, W_Q: Tensor, W_K: Tensor, W_V: Tensor, keys: Tensor, values: Tensor) -> tuple:
    return cached_step(x, W_Q, W_Q, W_V, keys, values)


def _returns_the_old_cache(x: Tensor, W_Q: Tensor, W_K: Tensor, W_V: Tensor, keys: Tensor, values: Tensor) -> tuple:
    return cached_step(x, W_Q, W_K, W_V, keys, values)[0], keys, values


def _forgets_the_scale(x: Tensor, W_Q: Tensor, W_K: Tensor, W_V: Tensor, keys: Tensor, values: Tensor) -> tuple:
    return cached_step(x, W_Q * W_Q.shape[1] ** 0.5, W_K, W_V, keys, values)


def _projects_the_cache_again(x: Tensor, W_Q: Tensor, W_K: Tensor, W_V: Tensor, keys: Tensor, values: Tensor) -> tuple:
    longer_keys, longer_values = cached_step(x, W_Q, W_K, W_V, keys, values)[1:]
    return _asked(x @ W_Q, longer_keys @ W_K.T @ W_K, longer_values @ W_V.T @ W_V), longer_keys, longer_values


def _only_itself(x: Tensor, W_Q: Tensor, W_K: Tensor, W_V: Tensor, keys: Tensor, values: Tensor) -> tuple:
    return x @ W_V, *cached_step(x, W_Q, W_K, W_V, keys, values)[1:]


def _values_first(x: Tensor, W_Q: Tensor, W_K: Tensor, W_V: Tensor, keys: Tensor, values: Tensor) -> tuple:
    context, longer_keys, longer_values = cached_step(x, W_Q, W_K, W_V, keys, values)
    return context, longer_values, longer_keys


Attention = Callable[[Tensor], Tensor]


def who_sees_whom(attention: Attention, x: Float[Tensor, "length d_model"]) -> Bool[Tensor, "length length"]:
    """Mark whose output changes when one word changes: row an output, column a word."""
    # The same operation on the same shapes: what does not see the word comes out bit for bit as before.
    return torch.stack([(attention(_changed(x, [j])) != attention(x)).any(1) for j in range(len(x))], dim=1)


def _changed(x: Tensor, places: list[int]) -> Tensor:
    changed = x.clone()
    changed[places] *= -1
    return changed


def _draw_leaks(mask: Tensor | None = None, dead: int | None = None, opposite: bool = False) -> tuple:
    """Draw self-attention whose mask is random and not symmetric: one word sees nothing, one is seen by nobody.

    ``dead`` is a component of the outputs that never changes; ``opposite`` makes two that cancel each other.
    """
    length, d_model, d_value = primes(3)
    if mask is None:
        mask = torch.rand(length, length) < 0.4
        mask[:, 1] = True
        mask[0] = False
        mask[:, -1] = False
    length = len(mask)
    W_q, W_k = torch.randn(2, d_model, d_model) / d_model**0.5
    W_v = torch.randn(d_model, d_value)
    if dead is not None:
        W_v[:, dead] = 0
    if opposite:
        W_v = torch.stack([W_v[:, 0], -W_v[:, 0]], 1)

    def attention(x: Tensor) -> Tensor:
        return attend(x @ W_q, x @ W_k, x @ W_v, scaled_dot_score, mask)[0]

    return attention, torch.randn(length, d_model)


def _forgetful() -> tuple:
    """Draw an operation that looks at nothing but the word before, and of one word at nothing."""
    length, d_model = primes(2)

    def shifted(x: Tensor) -> Tensor:
        return torch.cat([torch.zeros(1, x.shape[1]), x[:-1]])[:, :1].expand(-1, 2) + torch.zeros(length, 2)

    return shifted, torch.randn(length, d_model)


def _compared(tell: Answer, change: Answer = lambda x, j: _changed(x, [j])) -> Answer:
    """Make a test for leaks that changes a word and tells outputs apart in its own way."""

    def test(attention: Attention, x: Tensor) -> Tensor:
        before = attention(x)
        return torch.stack([tell(attention(change(x, j)), before) for j in range(len(x))], dim=1)

    return test


def _never_put_back(attention: Attention, x: Tensor) -> Tensor:
    columns = [(attention(_changed(x, list(range(j + 1)))) != attention(x)).any(1) for j in range(len(x))]
    return torch.stack(columns, dim=1)


def _against_the_one_before(attention: Attention, x: Tensor) -> Tensor:
    outputs = [attention(x)] + [attention(_changed(x, [j])) for j in range(len(x))]
    columns = [(after != before).any(1) for before, after in pairwise(outputs)]
    return torch.stack(columns, dim=1)


def _everybody_at_once(attention: Attention, x: Tensor) -> Tensor:
    return who_sees_whom(attention, x).any(0).expand(len(x), -1)


def _all_others_changed(attention: Attention, x: Tensor) -> Tensor:
    others = [[k for k in range(len(x)) if k != j] for j in range(len(x))]
    return torch.stack([(attention(_changed(x, places)) != attention(x)).any(1) for places in others], dim=1)


EXERCISES: dict[str, Exercise] = {
    "05_cross_attention": Exercise(
        cross_attention,
        _draw_cross,
        {
            "sides exchanged": WrongAnswer(
                lambda x, memory, W_Q, W_K, W_V: cross_attention(memory, x, W_Q, W_K, W_V),
                "The sides are exchanged: you let the source words ask. Who is about to write, and who has been read?",
            ),
            "self-attention": WrongAnswer(
                lambda x, memory, W_Q, W_K, W_V: cross_attention(x, x, W_Q, W_K, W_V),
                "This is self-attention: the memory is never looked at.",
            ),
            "values from the target": WrongAnswer(
                lambda x, memory, W_Q, W_K, W_V: cross_attention(memory, memory, W_Q, W_K, W_V),
                "Query, keys and values all come from the memory: the encoder asks itself, and the target words have "
                "no part in it.",
            ),
            "softmax over the target words": WrongAnswer(
                _softmax_over_target,
                "The softmax runs over the target words: each source word shares itself out, and no query's weights "
                "sum to one.",
            ),
            "no scale": WrongAnswer(
                _unscaled,
                "The scale is missing: q·k has a variance of d_k.",
            ),
            "scaled by d_model": WrongAnswer(
                _scaled_by_d_model,
                "You divide by √d_model. How many products does one score add up?",
            ),
            "values are keys": WrongAnswer(
                _keys_as_values,
                "The values are the keys: what a word is found by is not what it gives.",
            ),
            "scores for weights": WrongAnswer(
                _scores_as_weights,
                "The context is right, but the second tensor holds the scores; its rows should sum to one.",
            ),
            "weights first": WrongAnswer(
                lambda *given: cross_attention(*given)[::-1],
                "Context and weights are exchanged: the context comes first.",
            ),
        },
    ),
    "05_mask_of_last": Exercise(
        mask_of_last,
        lambda: tuple(sorted(primes(2))),
        {
            "upper left corner": WrongAnswer(
                lambda q_len, k_len: torch.ones(q_len, k_len, dtype=torch.bool).tril(),
                "You have kept the bug: the triangle begins in the upper left corner, as if the queries were the first "
                "words of the sentence.",
            ),
            "not itself": WrongAnswer(
                lambda q_len, k_len: torch.ones(q_len, k_len, dtype=torch.bool).tril(k_len - q_len - 1),
                "Nearly: a word may see itself, and yours does not.",
            ),
            "one too far": WrongAnswer(
                lambda q_len, k_len: torch.ones(q_len, k_len, dtype=torch.bool).tril(k_len - q_len + 1),
                "Your queries see one word too many: the next one, which they are asked to predict.",
            ),
            "everything": WrongAnswer(
                lambda q_len, k_len: torch.ones(q_len, k_len, dtype=torch.bool),
                "All keys are seen. That is right for the last query alone; the others must not see the words that "
                "come after them.",
            ),
            "inverted": WrongAnswer(
                lambda q_len, k_len: ~mask_of_last(q_len, k_len),
                "The mask is inverted: True means may attend.",
            ),
            "transposed": WrongAnswer(
                lambda q_len, k_len: mask_of_last(q_len, k_len).T,
                "Rows and columns are exchanged: one row per query, one column per key.",
            ),
            "upper right": WrongAnswer(
                lambda q_len, k_len: torch.ones(q_len, k_len, dtype=torch.bool).triu(k_len - q_len),
                "This triangle shows the future and hides the past.",
            ),
            "the whole sentence asks": WrongAnswer(
                lambda q_len, k_len: causal_mask(k_len),
                "You give every word of the sentence a row; only the last q_len of them ask.",
            ),
        },
    ),
    "05_rotate": Exercise(
        rotate,
        _draw_rotation,
        {
            "the other way round": WrongAnswer(
                lambda x, turn: rotate(x, -turn),
                "You turn the other way round. Inner products would be the same, but the matrix in the text has its "
                "minus sign in the first row.",
            ),
            "places from one": WrongAnswer(
                lambda x, turn: rotate(torch.cat([x[:1], x]), turn)[1:],
                "Your places count from 1: the row at place 0 should stay as it is.",
            ),
            "halves": WrongAnswer(
                _halves,
                "You pair component i with component i + d_k / 2, as many programs do. Here the pairs are neighbours.",
            ),
            "halves put back": WrongAnswer(
                _split_apart,
                "The rotation is right, but you put all first components before all second ones; the pairs should stay "
                "where they were.",
            ),
            "all alike": WrongAnswer(
                lambda x, turn: _turned(x, turn.expand(len(x), -1)),
                "Every row is turned by the same angle: the place has no part in it.",
            ),
            "one speed": WrongAnswer(
                lambda x, turn: rotate(x, turn[:1].expand(len(turn))),
                "All pairs turn at the speed of the first; each has its own.",
            ),
            "added": WrongAnswer(
                _added,
                "You add the sinusoidal positions. Here nothing is added: the vector that is there is turned.",
            ),
            "reflected": WrongAnswer(
                _reflected,
                "A sign is wrong in the second component: the length stays right, but place 0 is not left alone.",
            ),
            "overwritten": WrongAnswer(
                _overwritten,
                "The second component is computed from the first one *after* its turn; keep the old one until both "
                "are there.",
            ),
        },
    ),
    "05_cached_step": Exercise(
        cached_step,
        _draw_step,
        {
            "asks too early": WrongAnswer(
                _asks_before_it_appends,
                "You ask before the new key and value are in the cache, so the word cannot see itself; behind a causal "
                "mask it can.",
            ),
            "appended in front": WrongAnswer(
                _appends_in_front,
                "The context is right, but the new row stands in front of the old ones; the cache keeps the order of "
                "the sentence.",
            ),
            "values are keys": WrongAnswer(
                _caches_the_word,
                "Your new value is the key of the word; it has a projection of its own.",
            ),
            "query cached": WrongAnswer(
                _caches_the_query,
                "You put the query into the cache of the keys. A query is used once; the key is what later words ask.",
            ),
            "old cache": WrongAnswer(
                _returns_the_old_cache,
                "The context is right, but you return the caches as they were: the next word would not see this one.",
            ),
            "no scale": WrongAnswer(
                _forgets_the_scale,
                "The scale is missing: q·k has a variance of d_k.",
            ),
            "projected twice": WrongAnswer(
                _projects_the_cache_again,
                "You project what is in the cache again. It was projected when it was new; that is what is saved.",
            ),
            "only itself": WrongAnswer(
                _only_itself,
                "The word attends to itself alone, and what was cached has no part in its context.",
            ),
            "values first": WrongAnswer(
                _values_first,
                "The two caches are exchanged: keys first, then values.",
            ),
        },
    ),
    "05_base_model": prediction(
        (1_048_576, 2_097_152, 44_040_192, 1_024),
        {
            "no W_O": (
                (786_432, 2_097_152, 39_321_600, 1_024),
                "Your attention has three matrices. There is a fourth, which mixes the heads.",
            ),
            "one head": (
                (131_072, 2_097_152, 27_525_120, 1_024),
                "You counted one head. Eight of them, side by side, are as wide as the model.",
            ),
            "every head as wide as the model": (
                (8_388_608, 2_097_152, 176_160_768, 1_024),
                "You gave every head the full width. The heads share it out.",
            ),
            "one matrix of the feed-forward part": (
                (1_048_576, 1_048_576, 31_457_280, 1_024),
                "Your feed-forward part has one matrix: it goes up to 2,048 and has to come down again.",
            ),
            "no cross-attention": (
                (1_048_576, 2_097_152, 37_748_736, 1_024),
                "Your decoder layers have one attention. The drawing shows two of them.",
            ),
            "one layer of each": (
                (1_048_576, 2_097_152, 7_340_032, 1_024),
                "You counted one layer of each stack; there are six.",
            ),
            "scores or averages": (
                (1_048_576, 2_097_152, 44_040_192, 2_048),
                "The first three are right. For the last, 2 n² d_model counts scores and averages together already; "
                "set it equal to 4 n d_model².",
            ),
            "d_model": (
                (1_048_576, 2_097_152, 44_040_192, 512),
                "The first three are right. For the last, set 4 n d_model² equal to 2 n² d_model and divide by what "
                "both have.",
            ),
        },
    ),
    "05_who_sees_whom": Exercise(
        who_sees_whom,
        _draw_leaks,
        {
            "all components": WrongAnswer(
                _compared(lambda after, before: (after != before).all(1)),
                "You ask whether all components of an output have changed; one that changes is enough (any, not all).",
            ),
            "first component": WrongAnswer(
                _compared(lambda after, before: (after != before)[:, 0]),
                "You look at the first component of each output alone; any of them may change.",
            ),
            "last component": WrongAnswer(
                _compared(lambda after, before: (after != before)[:, -1]),
                "You look at the last component of each output alone; any of them may change.",
            ),
            "sum of the outputs": WrongAnswer(
                _compared(lambda after, before: (after - before).sum(1).abs() > 1e-3),
                "You add up the components before you compare: changes of opposite sign cancel, or small ones vanish.",
            ),
            "coarse": WrongAnswer(
                _compared(lambda after, before: ((after - before).abs() > 0.1).any(1)),
                "Your threshold is too coarse: an output that changes a little has changed.",
            ),
            "how much": WrongAnswer(
                _compared(lambda after, before: (after - before).abs().sum(1)),
                "You return how much the outputs change; expected True and False (bool).",
            ),
            "nothing is changed": WrongAnswer(
                _compared(lambda after, before: (after != before).any(1), lambda x, j: x.clone()),
                "You compare the same input twice: no word was changed before the second call.",
            ),
            "the neighbour is changed": WrongAnswer(
                _compared(lambda after, before: (after != before).any(1), lambda x, j: _changed(x, [(j + 1) % len(x)])),
                "You change another word than the one that the column is about: off by one.",
            ),
            "the rest is changed": WrongAnswer(
                _compared(
                    lambda after, before: (after != before).any(1), lambda x, j: _changed(x, list(range(j, len(x))))
                ),
                "You change the word and all words after it; change one alone.",
            ),
            "everything is zeroed": WrongAnswer(
                _compared(lambda after, before: (after != before).any(1), lambda x, j: -x),
                "You change all words at a time; then nobody knows which of them was heard.",
            ),
            "the past alone": WrongAnswer(
                lambda attention, x: who_sees_whom(attention, x).tril(),
                "You mark only what lies on or below the diagonal: the future is where leaks are.",
            ),
            "transposed": WrongAnswer(
                lambda attention, x: who_sees_whom(attention, x).T,
                "Rows and columns are exchanged: a row is an output, a column the word that was changed. Read as it "
                "is, your map calls a leak what is none.",
            ),
            "never put back": WrongAnswer(
                _never_put_back,
                "The words that you have changed stay changed: each column shows what all words up to there do "
                "together. Begin with the given sentence each time.",
            ),
            "against the one before": WrongAnswer(
                _against_the_one_before,
                "You compare each output with that of the trial before, so two words are different at a time. Compare "
                "with the output for the given sentence.",
            ),
            "everybody at once": WrongAnswer(
                _everybody_at_once,
                "You ask whether anything at all has changed, so a column is all True or all False. Each output is "
                "asked by itself.",
            ),
            "inverted": WrongAnswer(
                lambda attention, x: ~who_sees_whom(attention, x),
                "The map is inverted: True where an output does change.",
            ),
            "the future alone": WrongAnswer(
                lambda attention, x: who_sees_whom(attention, x).triu(1),
                "You mark only what lies above the diagonal. The map is to show all of it; what counts as a leak is "
                "decided by whoever reads it.",
            ),
            "not itself": WrongAnswer(
                lambda attention, x: who_sees_whom(attention, x) & ~torch.eye(len(x), dtype=torch.bool),
                "You leave out what a word does to its own output; even a mask that forbids it cannot hide that it "
                "was this word that asked.",
            ),
            "the others changed": WrongAnswer(
                _all_others_changed,
                "You change all words but one; then nobody knows which of them was heard.",
            ),
        },
        hard={
            "where one component of the outputs never changes": lambda: _draw_leaks(dead=1),
            "where the first component of the outputs never changes": lambda: _draw_leaks(dead=0),
            "where the last component of the outputs never changes": lambda: _draw_leaks(dead=-1),
            "where two components change in opposite directions": lambda: _draw_leaks(opposite=True),
            "where the attention is causal": lambda: _draw_leaks(torch.ones(7, 7, dtype=torch.bool).tril()),
            "where everybody sees everybody": lambda: _draw_leaks(torch.ones(5, 5, dtype=torch.bool)),
            "where each output sees the word before alone": _forgetful,
            "where there is a single word": lambda: _draw_leaks(torch.ones(1, 1, dtype=torch.bool)),
        },
    ),
}
