"""Lecture 05: the Transformer: what is asked, our answers, and the mistakes that are known."""

from collections.abc import Callable
from itertools import pairwise

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from course_utils.attention import attend, causal_mask, scaled_dot_score
from course_utils.exercises import weighing
from course_utils.exercises.exercise import Answer, Entry, Exercise, WrongAnswer, primes, single_slips, table


def cross_attention(
    x: Float[Tensor, "tgt_len d_model"],
    memory: Float[Tensor, "src_len d_model"],
    W_Q: Float[Tensor, "d_model d_k"],
    W_K: Float[Tensor, "d_model d_k"],
    W_V: Float[Tensor, "d_model d_k"],
) -> tuple[Float[Tensor, "tgt_len d_k"], Float[Tensor, "tgt_len src_len"]]:
    """Let the target words ask and the source words answer."""
    context, weights = attend(x @ W_Q, memory @ W_K, memory @ W_V, scaled_dot_score)
    assert weights is not None  # as they are where need_weights is left at True
    return context, weights


def _draw_cross(*lengths: int) -> tuple:
    tgt_len, src_len, d_model, d_k = primes(4)
    tgt_len, src_len = lengths or (tgt_len, src_len)
    projections = torch.randn(3, d_model, d_k) / d_model**0.5
    return torch.randn(tgt_len, d_model), torch.randn(src_len, d_model), *projections


def _cross_by(score: Answer, weigh: Answer, finish: Answer) -> Answer:
    """Attend from one sentence to another by scores, weights and an average of one's choice."""

    def cross(x: Tensor, memory: Tensor, W_Q: Tensor, W_K: Tensor, W_V: Tensor) -> tuple:
        scores = score(x @ W_Q, memory @ W_K, x.shape[1])
        return finish(weigh(scores), memory @ W_V, scores, memory)

    return cross


def _scaled(query: Tensor, keys: Tensor, _d_model: int) -> Tensor:
    return scaled_dot_score(keys, query)


def _over(root: float, weights: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    return weights / root @ values, weights / root


_CROSS_SLOTS = (
    (_scaled, weighing.of_scale()),
    (
        lambda scores: scores.softmax(-1),
        {
            **weighing.of_softmax(),
            "over the target words": (
                lambda scores: scores.softmax(0),
                "The softmax runs over the target words (the wrong axis): each source word shares itself out, and no "
                "query's weights sum to one.",
            ),
            "over everything": (
                lambda scores: scores.flatten().softmax(0).view_as(scores),
                "Your softmax runs over the whole table at once; the weights of each query must sum to one.",
            ),
            "causal": (
                lambda scores: scores.masked_fill(torch.ones_like(scores).triu(1).bool(), -1e30).softmax(-1),
                "You hide later words with a causal mask. The source was read as a whole: every target word may see "
                "all of it.",
            ),
        },
    ),
    (
        lambda weights, values, scores, memory: (weights @ values, weights),
        {
            **{
                name: slip
                for name, slip in weighing.adapted(
                    weighing.of_averages_by_query(),
                    lambda f: lambda weights, values, scores, memory: (f(weights, values[None]), weights),
                ).items()
                if name != "added up over all rows"  # all rows meet the same values
            },
            "scores for weights": (
                lambda weights, values, scores, memory: (weights @ values, scores),
                "The context is right, but the second tensor holds the scores; its rows should sum to one.",
            ),
            "scaled after the softmax": (
                lambda weights, values, scores, memory: (lambda root: _over(root, (scores * root).softmax(-1), values))(
                    values.shape[1] ** 0.5
                ),
                "You scale after the softmax: √d_k divides the scores, before it, and weights sum to one.",
            ),
            "scaled before and after the softmax": (
                lambda weights, values, scores, memory: _over(values.shape[1] ** 0.5, weights, values),
                "You scale twice: √d_k divides the scores, before the softmax, and not the weights, which sum to one.",
            ),
            "scaled context": (
                lambda weights, values, scores, memory: (weights @ values / values.shape[1] ** 0.5, weights),
                "You divide the context by √d_k: the scale belongs to the scores.",
            ),
            "memory averaged": (
                lambda weights, values, scores, memory: (weights @ memory, weights),
                "You average the memory itself: it goes through W_V first, which takes no part in yours.",
            ),
            "transposed weights": (
                lambda weights, values, scores, memory: (weights @ values, weights.T),
                "The context is right, but your weights are transposed: one row a target word.",
            ),
            "weighted mean": (
                lambda weights, values, scores, memory: (weights @ values / len(values), weights),
                "You divide the context by the number of source words (mean for sum); the weights sum to one already.",
            ),
            "values alone": (
                lambda weights, values, scores, memory: (values.mean(0).expand(len(weights), -1), weights),
                "Your weights are right, and your context does not use them: it is the plain mean of the values.",
            ),
        },
    ),
)


def mask_of_last(q_len: int, k_len: int) -> Bool[Tensor, "q_len k_len"]:
    """Let the last words of a sentence see themselves and all before them."""
    return causal_mask(k_len)[k_len - q_len :]


def rotate(x: Float[Tensor, "length d_k"], turn: Float[Tensor, "half"]) -> Float[Tensor, "length d_k"]:
    """Turn each pair of neighbouring components by position times speed."""
    angle = torch.arange(len(x))[:, None] * turn
    turned = torch.view_as_complex(x.unflatten(1, (-1, 2)).contiguous()) * torch.polar(torch.ones_like(angle), angle)
    return torch.view_as_real(turned).flatten(1)


def _draw_rotation() -> tuple:
    length, half = primes(2)
    return torch.randn(length, 2 * half), torch.rand(half) + 0.1


def _angles(length: int, turn: Tensor) -> Tensor:
    return torch.arange(length)[:, None] * turn


def _of_pairs(x: Tensor) -> tuple[Tensor, Tensor]:
    return x[:, ::2], x[:, 1::2]


def _side_by_side(first: Tensor, second: Tensor) -> Tensor:
    return torch.stack([first, second], -1).flatten(1)


def _rotate_by(angles: Answer, pair: Answer, rotation: Answer, back: Answer) -> Answer:
    """Rotate by angles, pairs, a rotation and an order of one's choice."""

    def rotated(x: Tensor, turn: Tensor) -> Tensor:
        angle = angles(len(x), turn)
        return back(*rotation(*pair(x), angle.cos(), angle.sin()))

    return rotated


_ROTATE_SLOTS = (
    (
        _angles,
        {
            "places from one": (
                lambda n, turn: _angles(n + 1, turn)[1:],
                "Your positions count from 1: the row at position 0 should stay as it is.",
            ),
            "all alike": (
                lambda n, turn: turn.expand(n, -1),
                "Every row is turned by the same angle: the position has no part in it.",
            ),
            "place alone": (
                lambda n, turn: _angles(n, torch.ones_like(turn)),
                "All pairs of a row are turned by the same angle: `turn` has no part in it.",
            ),
            "one speed": (
                lambda n, turn: _angles(n, turn[:1].expand(len(turn))),
                "All pairs turn at the speed of the first; each has its own.",
            ),
            "place plus speed": (
                lambda n, turn: torch.arange(n)[:, None] + turn,
                "You add position and speed; the angle is their product.",
            ),
            "place over speed": (
                lambda n, turn: torch.arange(n)[:, None] / turn,
                "You divide the position by the speed; the angle is their product.",
            ),
            "place squared": (
                lambda n, turn: torch.arange(n)[:, None] ** 2 * turn,
                "You square the position; the angle is position times speed.",
            ),
            "running sum": (
                lambda n, turn: _angles(n, turn).cumsum(0),
                "You add up the angles of all positions (cumsum); the angle is position times speed.",
            ),
            "logarithm of the place": (
                lambda n, turn: torch.arange(1, n + 1).log()[:, None] * turn,
                "You take the logarithm of the position; the angle is position times speed.",
            ),
            "power": (
                lambda n, turn: turn ** torch.arange(n)[:, None],
                "You raise the speed to the power of the position; the angle is their product.",
            ),
            "degrees": (
                lambda n, turn: torch.deg2rad(_angles(n, turn)),
                "You turn degrees into radians: t · turn[i] is the angle as sin and cos want it.",
            ),
            "to degrees": (
                lambda n, turn: torch.rad2deg(_angles(n, turn)),
                "You turn the angle into degrees; sin and cos want it as it is, in radians.",
            ),
            "whole turns": (
                lambda n, turn: 2 * torch.pi * _angles(n, turn),
                "You multiply by 2π: `turn` is the angle of one position already, not a number of whole turns.",
            ),
            "times π": (lambda n, turn: torch.pi * _angles(n, turn), "You multiply the angle by π; it is t · turn[i]."),
            "half": (lambda n, turn: _angles(n, turn) / 2, "Your angles are half of what they should be."),
            "double": (lambda n, turn: 2 * _angles(n, turn), "Your angles are twice what they should be."),
            "places from the end": (
                lambda n, turn: _angles(n, turn).flip(0),
                "Your positions count from the end of the sentence: the first row is at position 0.",
            ),
            "speeds in the opposite order": (
                lambda n, turn: _angles(n, turn.flip(0)),
                "The speeds are in the opposite order: turn[i] belongs to the components 2i and 2i + 1.",
            ),
            "share of the length": (
                lambda n, turn: _angles(n, turn) / n,
                "You divide the position by the length: positions are whole numbers, 0, 1, 2, …",
            ),
            "the paper's speeds": (
                lambda n, turn: _angles(n, 10_000 ** (-torch.arange(len(turn)) / len(turn))),
                "You compute speeds of your own; `turn` takes no part.",
            ),
        },
    ),
    (
        _of_pairs,
        {
            "halves": (
                lambda x: x.chunk(2, 1),
                "Component i is paired with component i + d_k / 2, and the result is in another order than the rows "
                "came in. Here the pairs are neighbours.",
            ),
        },
    ),
    (
        lambda a, b, cos, sin: (a * cos - b * sin, a * sin + b * cos),
        {
            "the other way round": (
                lambda a, b, cos, sin: (a * cos + b * sin, b * cos - a * sin),
                "You turn the other way round. Inner products would be the same, but the matrix in the text has its "
                "minus sign in the first row.",
            ),
            "reflected": (
                lambda a, b, cos, sin: (a * cos - b * sin, a * sin - b * cos),
                "A sign is wrong in the second component: the length stays right, but position 0 is not left alone.",
            ),
            "no minus": (
                lambda a, b, cos, sin: (a * cos + b * sin, a * sin + b * cos),
                "There is no minus sign: a rotation has one, and without it the length of a pair changes.",
            ),
            "both minus": (
                lambda a, b, cos, sin: (a * cos - b * sin, b * cos - a * sin),
                "There are two minus signs: a rotation has one, and with two the length of a pair changes.",
            ),
            "sin and cos exchanged": (
                lambda a, b, cos, sin: (a * sin - b * cos, a * cos + b * sin),
                "sin and cos are exchanged: at position 0 the angle is 0, sin 0 is 0, and the row should stay.",
            ),
            "overwritten": (
                lambda a, b, cos, sin: (a * cos - b * sin, (a * cos - b * sin) * sin + b * cos),
                "The second component is computed from the first one *after* its turn; keep the old one until both "
                "are there.",
            ),
            "components exchanged": (
                lambda a, b, cos, sin: (a * sin + b * cos, a * cos - b * sin),
                "The two components of each pair are exchanged in the result.",
            ),
            "each by itself": (
                lambda a, b, cos, sin: (a * cos, b * sin),
                "The two components of a pair do not meet: each new one is made from both old ones.",
            ),
            "cosines alone": (
                lambda a, b, cos, sin: (a * cos, b * cos),
                "There is no sine in yours: each new component is made from both old ones.",
            ),
            "tangents": (
                lambda a, b, cos, sin: (a * cos - b * sin / cos, a * sin / cos + b * cos),
                "A tangent stands where a sine belongs.",
            ),
            "sines alone": (
                lambda a, b, cos, sin: (a - b * sin, b + a * sin),
                "There is no cosine in yours: each old component comes in times the cosine, or times the sine.",
            ),
            "divided": (
                lambda a, b, cos, sin: ((a * cos - b * sin) / 2, (a * sin + b * cos) / 2),
                "You halve the result: a rotation keeps the length.",
            ),
            "first alone": (
                lambda a, b, cos, sin: (a * cos - b * sin, b),
                "You turn the first component of each pair alone; the second one stays as it was.",
            ),
        },
    ),
    (
        _side_by_side,
        {
            "split apart": (
                lambda first, second: torch.cat([first, second], 1),
                "The rotation is right, but you put all first components before all second ones; the pairs should stay "
                "where they were.",
            ),
            "not flattened": (
                lambda first, second: torch.stack([first, second], -1),
                "The rotation is right, but the pairs still have an axis of their own: flatten it.",
            ),
        },
    ),
)


def _added(x: Tensor, turn: Tensor) -> Tensor:
    angle = _angles(len(x), turn)
    return x + _side_by_side(angle.sin(), angle.cos())


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


def _draw_step(n: int | None = None) -> tuple:
    n_cached, d_model, d_k = primes(3)
    n_cached = n_cached if n is None else n
    projections = torch.randn(3, d_model, d_k) / d_model**0.5
    return torch.randn(d_model), *projections, *torch.randn(2, n_cached, d_k)


def _step_by(score: Answer, weigh: Answer, average: Answer, hand_over: Answer) -> Answer:
    """Make a step by scores, weights, an average and caches of one's choice."""

    def step(x: Tensor, W_Q: Tensor, W_K: Tensor, W_V: Tensor, keys: Tensor, values: Tensor) -> tuple:
        longer_keys, longer_values = cached_step(x, W_Q, W_K, W_V, keys, values)[1:]
        weights = weigh(score((x @ W_Q)[None], longer_keys, len(x))[0])
        return average(weights, longer_values), *hand_over(longer_keys, longer_values)

    return step


_STEP_SLOTS = (
    (_scaled, weighing.of_scale()),
    (lambda scores: scores.softmax(0), weighing.of_softmax()),
    (
        lambda weights, values: weights @ values,
        {
            **weighing.of_averages(),
            "axis left": (
                lambda weights, values: (weights @ values)[None],
                "The axis of the one query, of length 1, is still there in the context: take it away.",
            ),
            "scaled": (
                lambda weights, values: weights @ values / values.shape[1] ** 0.5,
                "You scale after the softmax: √d_k divides the scores, before it.",
            ),
            "weights": (lambda weights, values: weights, "You return the weights in place of the context."),
            "newest value": (
                lambda weights, values: values[-1],
                "The word attends to itself alone, and what was cached has no part in its context.",
            ),
        },
    ),
    (
        lambda keys, values: (keys, values),
        {
            "old cache": (
                lambda keys, values: (keys[:-1], values[:-1]),
                "The context is right, but you return the caches as they were: the next word would not see this one.",
            ),
            "appended in front": (
                lambda keys, values: (keys.roll(1, 0), values.roll(1, 0)),
                "The context is right, but the new row stands in front of the old ones; the cache keeps the order of "
                "the sentence.",
            ),
            "values first": (
                lambda keys, values: (values, keys),
                "The two caches are exchanged: keys first, then values.",
            ),
            "new rows alone": (
                lambda keys, values: (keys[-1:], values[-1:]),
                "You hand over the new row alone: the cache keeps all rows of the sentence.",
            ),
            "new vectors alone": (
                lambda keys, values: (keys[-1], values[-1]),
                "You hand over the new key and value alone: the cache keeps all of the sentence.",
            ),
            "oldest dropped": (
                lambda keys, values: (keys[1:], values[1:]),
                "You drop the oldest row of each cache: it grows by one row with every word.",
            ),
            "keys twice": (lambda keys, values: (keys, keys), "You return the keys twice; the values are missing."),
        },
    ),
)


def _asks_before_it_appends(x: Tensor, W_Q: Tensor, W_K: Tensor, W_V: Tensor, keys: Tensor, values: Tensor) -> tuple:
    return _asked(x @ W_Q, keys, values), *cached_step(x, W_Q, W_K, W_V, keys, values)[1:]


def _projects_the_cache_again(x: Tensor, W_Q: Tensor, W_K: Tensor, W_V: Tensor, keys: Tensor, values: Tensor) -> tuple:
    longer_keys, longer_values = cached_step(x, W_Q, W_K, W_V, keys, values)[1:]
    return _asked(x @ W_Q, longer_keys @ W_K.T @ W_K, longer_values @ W_V.T @ W_V), longer_keys, longer_values


def _own_value_lost(x: Tensor, W_Q: Tensor, W_K: Tensor, W_V: Tensor, keys: Tensor, values: Tensor) -> tuple:
    _, longer_keys, longer_values = cached_step(x, W_Q, W_K, W_V, keys, values)
    weights = scaled_dot_score(longer_keys, (x @ W_Q)[None])[0].softmax(0)
    return weights[:-1] @ values, longer_keys, longer_values


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
            **single_slips(_cross_by, _CROSS_SLOTS),
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
            "values are keys": WrongAnswer(
                lambda x, memory, W_Q, W_K, W_V: cross_attention(x, memory, W_Q, W_K, W_K),
                "The values are the keys: what a word is found by is not what it gives.",
            ),
            "values projected twice": WrongAnswer(
                lambda x, memory, W_Q, W_K, W_V: cross_attention(x, memory, W_Q, W_K, W_V @ W_V.T @ W_V),
                "Your values are projected more than once; W_V acts once.",
            ),
            "query added": WrongAnswer(
                lambda x, memory, W_Q, W_K, W_V: (
                    cross_attention(x, memory, W_Q, W_K, W_V)[0] + x @ W_Q,
                    cross_attention(x, memory, W_Q, W_K, W_V)[1],
                ),
                "You add the query to the context (a residual): the context alone is asked for.",
            ),
            "keys by W_Q": WrongAnswer(
                lambda x, memory, W_Q, W_K, W_V: cross_attention(x, memory, W_Q, W_Q, W_V),
                "The keys are projected with W_Q; W_K takes no part.",
            ),
            "queries by W_K": WrongAnswer(
                lambda x, memory, W_Q, W_K, W_V: cross_attention(x, memory, W_K, W_K, W_V),
                "The queries are projected with W_K; W_Q takes no part.",
            ),
            "weights first": WrongAnswer(
                lambda *given: cross_attention(*given)[::-1],
                "Context and weights are exchanged: the context comes first.",
            ),
        },
        hard={
            "where the source has one word": lambda: _draw_cross(5, 1),
            "where one word asks": lambda: _draw_cross(1, 3),
            "where source and target are equally long": lambda: _draw_cross(5, 5),
        },
        slots=_CROSS_SLOTS,
        assemble=_cross_by,
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
            "the word before alone": WrongAnswer(
                lambda q_len, k_len: torch.eye(k_len, dtype=torch.bool)[k_len - q_len :].roll(-1, 1),
                "Each query sees the word before it alone; it may see itself and all words before.",
            ),
            "a window": WrongAnswer(
                lambda q_len, k_len: mask_of_last(q_len, k_len) & mask_of_last(q_len, k_len).flip(0, 1),
                "Your queries see a window of words before them: the words before it are hidden, and known.",
            ),
            "a window of q_len words": WrongAnswer(
                lambda q_len, k_len: (
                    mask_of_last(q_len, k_len)
                    & (torch.arange(k_len) > torch.arange(k_len - q_len, k_len)[:, None] - q_len)
                ),
                "Your queries see a window of q_len words: the words before it are known as well.",
            ),
            "counted from the first word": WrongAnswer(
                lambda q_len, k_len: torch.ones(q_len, k_len, dtype=torch.bool).tril(1),
                "Your triangle begins near the upper left corner, as if the queries were the first words of the "
                "sentence.",
            ),
            "itself alone": WrongAnswer(
                lambda q_len, k_len: torch.eye(k_len, dtype=torch.bool)[k_len - q_len :],
                "Each query sees itself alone; it may see all words before it as well.",
            ),
            "diagonal shifted back": WrongAnswer(
                lambda q_len, k_len: torch.ones(q_len, k_len, dtype=torch.bool).tril(q_len - k_len),
                "Your triangle is shifted the wrong way: the sign of k_len − q_len is exchanged.",
            ),
            "others hidden": WrongAnswer(
                lambda q_len, k_len: torch.arange(k_len).expand(q_len, -1) < k_len - q_len,
                "Your queries see the words before the first of them, and not each other or themselves.",
            ),
            "last columns": WrongAnswer(
                lambda q_len, k_len: torch.ones(q_len, q_len, dtype=torch.bool).tril(),
                "Your mask has a column for each query alone; it needs one for every word of the sentence.",
            ),
            "earlier words hidden": WrongAnswer(
                lambda q_len, k_len: mask_of_last(q_len, k_len) & (torch.arange(k_len) >= k_len - q_len),
                "Your queries see only each other: the words before them are known, and hidden.",
            ),
            "queries turned": WrongAnswer(
                lambda q_len, k_len: mask_of_last(q_len, k_len).flip(0),
                "Your rows are in the opposite order: the first row is the earliest of the last words.",
            ),
            "keys turned": WrongAnswer(
                lambda q_len, k_len: mask_of_last(q_len, k_len).flip(1),
                "Your columns are in the opposite order: the first column is the first word.",
            ),
            "the last query for all": WrongAnswer(
                lambda q_len, k_len: mask_of_last(q_len, k_len)[:1].expand(q_len, -1),
                "Every query has the mask of the first one: each next query sees one word more.",
            ),
            "numbers": WrongAnswer(
                lambda q_len, k_len: torch.zeros(q_len, k_len).masked_fill(~mask_of_last(q_len, k_len), -torch.inf),
                "This is what is added to scores, 0 and −∞; a mask of True and False is asked for.",
            ),
            "the whole sentence asks": WrongAnswer(
                lambda q_len, k_len: causal_mask(k_len),
                "You give every word of the sentence a row; only the last q_len of them ask.",
            ),
        },
        hard={
            "where the whole sentence asks": lambda: (5, 5),
            "where the last word asks alone": lambda: (1, 7),
            "where there is one word": lambda: (1, 1),
        },
    ),
    "05_rotate": Exercise(
        rotate,
        _draw_rotation,
        {
            **single_slips(_rotate_by, _ROTATE_SLOTS),
            "halves throughout": WrongAnswer(
                _rotate_by(_angles, lambda x: x.chunk(2, 1), _ROTATE_SLOTS[2][0], lambda *both: torch.cat(both, 1)),
                "Component i is paired with component i + d_k / 2, as in some libraries. Here the pairs are "
                "neighbours, 2i and 2i + 1.",
            ),
            "added": WrongAnswer(
                _added,
                "You add the sinusoidal positions. Here nothing is added: the vector that is there is turned.",
            ),
        },
        hard={
            "where there is a single row": lambda: (torch.randn(1, 6), torch.rand(3) + 0.1),
            "where there is a single pair": lambda: (torch.randn(5, 2), torch.rand(1) + 0.1),
        },
        slots=_ROTATE_SLOTS,
        assemble=_rotate_by,
    ),
    "05_cached_step": Exercise(
        cached_step,
        _draw_step,
        {
            **single_slips(_step_by, _STEP_SLOTS),
            "asks too early": WrongAnswer(
                _asks_before_it_appends,
                "You ask before the new key and value are in the cache, so the word cannot see itself; behind a causal "
                "mask it can.",
            ),
            "own value lost": WrongAnswer(
                _own_value_lost,
                "The newest word takes its share of the weights, but its value is left out of the context.",
            ),
            "values are keys": WrongAnswer(
                lambda x, W_Q, W_K, W_V, *caches: cached_step(x, W_Q, W_K, W_K, *caches),
                "Your new value is the key of the word; it has a projection of its own.",
            ),
            "first word not cached": WrongAnswer(
                lambda x, W_Q, W_K, W_V, keys, values: (
                    cached_step(x, W_Q, W_K, W_V, keys, values) if len(keys) else (x @ W_V, keys, values)
                ),
                "You return before the first word is in the cache: the second would not see it. Does an empty cache "
                "need a case of its own?",
            ),
            "query cached": WrongAnswer(
                lambda x, W_Q, W_K, W_V, *caches: cached_step(x, W_Q, W_Q, W_V, *caches),
                "You put the query into the cache of the keys. A query is used once; the key is what later words ask.",
            ),
            "last row replaced": WrongAnswer(
                lambda x, W_Q, W_K, W_V, keys, values: cached_step(x, W_Q, W_K, W_V, keys[:-1], values[:-1]),
                "You put the new row in the place of the last one; the cache grows by one row.",
            ),
            "old rows zeroed": WrongAnswer(
                lambda x, W_Q, W_K, W_V, keys, values: cached_step(x, W_Q, W_K, W_V, 0 * keys, 0 * values),
                "The cached rows are zeros in yours: what was cached is lost.",
            ),
            "key added": WrongAnswer(
                lambda x, W_Q, W_K, W_V, keys, values: (lambda k, v: (_asked(x @ W_Q, k, v), k, v))(
                    keys + x @ W_K, values + x @ W_V
                ),
                "You add the new key to all cached ones; append it as a row of its own (cat).",
            ),
            "asks with the key": WrongAnswer(
                lambda x, W_Q, W_K, W_V, *caches: (
                    cached_step(x, W_K, W_K, W_V, *caches)[0],
                    *cached_step(x, W_Q, W_K, W_V, *caches)[1:],
                ),
                "Your question is the word's key, x W_K; the query has a projection of its own, W_Q.",
            ),
            "keys averaged": WrongAnswer(
                lambda *given: (
                    _asked(given[0] @ given[1], *[cached_step(*given)[1]] * 2),
                    *cached_step(*given)[1:],
                ),
                "You average the keys; the context is the average of the values.",
            ),
            "projected twice": WrongAnswer(
                _projects_the_cache_again,
                "You project what is in the cache again. It was projected when it was new; that is what is saved.",
            ),
        },
        hard={
            "where nothing is cached yet": lambda: _draw_step(0),
            "where one word is cached": lambda: _draw_step(1),
        },
        slots=_STEP_SLOTS,
        assemble=_step_by,
    ),
    "05_base_model": table(
        (
            Entry(
                1_048_576,
                "All heads side by side are as wide as the model, and an attention has four matrices, each as high as "
                "it is wide.",
                {
                    786_432: "Your attention has three matrices. There is a fourth, which mixes the heads.",
                    131_072: "You counted one head. Eight of them, side by side, are as wide as the model.",
                    8_388_608: "You gave every head the full width. The heads share it out.",
                    262_144: "That is one matrix; an attention has four.",
                },
            ),
            Entry(
                2_097_152,
                "A feed-forward part has two matrices, from 512 to 2,048 and back.",
                {1_048_576: "Your feed-forward part has one matrix: it goes up to 2,048 and has to come down again."},
            ),
            Entry(
                44_040_192,
                "Count what stands in one layer of each stack (the decoder's has one attention more) and take each six "
                "times.",
                {
                    18_874_368: "You counted the encoder alone; the decoder has six layers as well.",
                    25_165_824: "You counted the decoder alone; the encoder has six layers as well.",
                    37_748_736: "Your decoder layers have one attention. The drawing shows two of them.",
                    7_340_032: "You counted one layer of each stack; there are six.",
                    50_331_648: "You gave the encoder's layers two attentions; only the decoder's have a second one.",
                },
            ),
            Entry(1_024, "Set 4 n d_model² equal to 2 n² d_model and divide by what both have."),
        ),
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
                "You find no change anywhere: was a word changed before the second call, and by enough for your "
                "comparison to notice?",
            ),
            "the neighbour before is changed": WrongAnswer(
                _compared(lambda after, before: (after != before).any(1), lambda x, j: _changed(x, [(j - 1) % len(x)])),
                "You change the word before the one that the column is about: off by one.",
            ),
            "much coarser": WrongAnswer(
                _compared(lambda after, before: ((after - before).abs() > 1.0).any(1)),
                "Your threshold is far too coarse: an output that changes by less than 1 has changed.",
            ),
            "coarse, on average": WrongAnswer(
                _compared(lambda after, before: (after - before).abs().mean(1) > 0.1),
                "You look at the mean change and a coarse threshold: an output that changes a little has changed.",
            ),
            "rising alone": WrongAnswer(
                _compared(lambda after, before: (after > before).any(1)),
                "You ask whether a component grows; one that falls has changed as well.",
            ),
            "all rising": WrongAnswer(
                _compared(lambda after, before: (after > before).all(1)),
                "You ask whether all components grow; one that changes, up or down, is enough.",
            ),
            "one component changed": WrongAnswer(
                _compared(
                    lambda after, before: (after != before).any(1),
                    lambda x, j: torch.cat([-x[:, :1], x[:, 1:]], 1),
                ),
                "You change one component of all words at a time; then nobody knows which word was heard.",
            ),
            "NaN put in": WrongAnswer(
                _compared(
                    lambda after, before: (after != before).any(1),
                    lambda x, j: x.index_fill(0, torch.tensor(j), torch.nan),
                ),
                "You put NaN into the word: 0 times NaN is NaN, so even what a mask hides gets through. Change it to "
                "another number.",
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
            "always causal": WrongAnswer(
                lambda attention, x: torch.ones(len(x), len(x), dtype=torch.bool).tril(),
                "Your map is a lower triangle, whatever the attention does: it must be found by trying.",
            ),
            "everything": WrongAnswer(
                lambda attention, x: torch.ones(len(x), len(x), dtype=torch.bool),
                "Your map is True everywhere, whatever the attention does: compare output by output, word by word.",
            ),
            "weights by their outputs": WrongAnswer(
                lambda attention, x: who_sees_whom(attention, x) | who_sees_whom(attention, x).T,
                "Your map is symmetric: that word i hears word j does not say that j hears i.",
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
