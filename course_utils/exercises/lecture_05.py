"""Lecture 05: the Transformer: what is asked, our answers, and the mistakes that are known."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from course_utils.attention import attend, masked_softmax, scaled_dot_score
from course_utils.exercises import weighing
from course_utils.exercises.exercise import Answer, Exercise, WrongAnswer, primes, single_slips, truth_table

Attention = Callable[[Tensor], Tensor]


def scaled_dot_attention(
    query: Float[Tensor, "batch q_len d_k"],
    keys: Float[Tensor, "batch k_len d_k"],
    values: Float[Tensor, "batch k_len d_value"],
    mask: Bool[Tensor, "batch q_len k_len"],
) -> Float[Tensor, "batch q_len d_value"]:
    """Average the values by softmax(q·k / √d_k) over the keys that the mask allows."""
    return attend(query, keys, values, scaled_dot_score, mask)[0]


def _draw_attention(with_empty: bool = False, scale: float = 1.0) -> tuple:
    """Draw a mask with something allowed and something hidden for each query, unless one may see nothing."""
    batch, q_len, k_len, d_k, d_value = primes(5)
    mask = torch.rand(batch, q_len, k_len) < 0.6
    seen = torch.randint(k_len, (batch, q_len, 1))
    mask = mask.scatter(2, seen, True).scatter(2, (seen + 1) % k_len, False)
    if with_empty:
        mask[1, -1], mask[0] = False, False
    query, keys = scale * torch.randn(batch, q_len, d_k), torch.randn(batch, k_len, d_k)
    return query, keys, torch.randn(batch, k_len, d_value), mask


def _attend_by(score: Answer, weigh: Answer, average: Answer) -> Answer:
    """Attend by a score, weights and an average of one's choice."""

    def attend_wrongly(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        scores = score(query, keys, values)
        return average(weigh(scores, mask), values, scores, keys, query)

    return attend_wrongly


def _products(divide: Callable[..., Any]) -> Answer:
    return lambda q, k, v: q @ k.mT / divide(q, k, v)


_ATTENTION_SLOTS = (
    (
        lambda q, k, v: q @ k.mT / q.shape[-1] ** 0.5,
        {
            "no scale": (
                _products(lambda q, k, v: 1.0),
                "The scale is missing: the variance of q·k grows with d_k, and a softmax of large scores saturates.",
            ),
            "divided by d_k": (
                _products(lambda q, k, v: q.shape[-1]),
                "You divide by d_k. The variance grows as d_k, so the standard deviation grows as something smaller.",
            ),
            "multiplied by the root": (
                _products(lambda q, k, v: q.shape[-1] ** -0.5),
                "You multiply by √d_k; the scale divides, so that large widths do not make large scores.",
            ),
            "root of the values' width": (
                _products(lambda q, k, v: v.shape[-1] ** 0.5),
                "You scale by the root of the values' width, d_value; a score sums d_k products.",
            ),
            "root of k_len": (
                _products(lambda q, k, v: k.shape[-2] ** 0.5),
                "You scale by the root of the number of keys, k_len (the wrong axis); a score sums d_k products.",
            ),
            "root of q_len": (
                _products(lambda q, k, v: q.shape[-2] ** 0.5),
                "You scale by the root of the number of queries, q_len (the wrong axis); a score sums d_k products.",
            ),
            "root of the batch": (
                _products(lambda q, k, v: len(q) ** 0.5),
                "You scale by the root of the batch's size (the wrong axis); a score sums d_k products.",
            ),
            "root cut off": (
                _products(lambda q, k, v: int(q.shape[-1] ** 0.5)),
                "Your scale is a whole number: the root of d_k is cut off (int or //). Keep its fraction.",
            ),
            "scaled twice": (
                _products(lambda q, k, v: q.shape[-1] ** 1.5),
                "The scale is there more than once: too much is divided.",
            ),
            "fourth root": (
                _products(lambda q, k, v: q.shape[-1] ** 0.25),
                "Only one of query and keys is scaled, by the fourth root of d_k: the scale is incomplete.",
            ),
            "logarithm": (
                _products(lambda q, k, v: torch.tensor(float(q.shape[-1])).log()),
                "You scale by the logarithm of d_k; it should be the standard deviation of a sum of d_k products.",
            ),
            "one fewer": (
                _products(lambda q, k, v: (q.shape[-1] - 1) ** 0.5),
                "You scale by √(d_k − 1): off by one.",
            ),
            "cosine": (
                lambda q, k, v: torch.cosine_similarity(q[:, :, None], k[:, None], dim=-1),
                "You compare directions alone (a cosine, normalised by lengths); the scale is √d_k.",
            ),
        },
    ),
    (
        masked_softmax,
        {
            **weighing.of_masks("a key", "what is hidden"),
            **weighing.of_rows(nothing="the query with nothing to attend to"),
            "softmax over queries": (
                weighing.along(-2),
                "The softmax runs over the queries: each key shares itself out, and no query's weights sum to one.",
            ),
            "over the batch": (weighing.along(0), "The softmax runs over the batch (the wrong axis)."),
            "over the whole map": (weighing.at_once, "The softmax runs over the whole map at once (both axes)."),
        },
    ),
    (
        lambda w, v, s, k, q: w @ v,
        {
            "scores as result": (
                lambda w, v, s, k, q: w,
                "You return the weights; the result is the average of the values.",
            ),
            "scaled after the softmax": (
                lambda w, v, s, k, q: w @ v / q.shape[-1] ** 0.5,
                "You divide by √d_k after the softmax (too): the scale belongs to the scores.",
            ),
            "averages the keys": (
                lambda w, v, s, k, q: w @ k,
                "You average the keys; the result is the average of the values.",
            ),
            "transposed": (
                lambda w, v, s, k, q: (w @ v).mT,
                "Your result is transposed: one row per query, one column per component of the values.",
            ),
            "residual": (
                lambda w, v, s, k, q: w @ v + v.mean(-2, keepdim=True),
                "You add the mean of the values as well; the result is the weighted average alone.",
            ),
        },
    ),
)


def _scaled_after(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
    return masked_softmax(query @ keys.mT, mask) @ values / query.shape[-1] ** 0.5


def query_keys_values(
    x: Float[Tensor, "length d_model"], W: Float[Tensor, "d_model d_together"]
) -> tuple[Float[Tensor, "length d_k"], Float[Tensor, "length d_k"], Float[Tensor, "length d_k"]]:
    """Project x by W_Q, W_K and W_V, which stand side by side in one matrix."""
    query, keys, values = (x @ W).chunk(3, dim=1)
    return query, keys, values


def _keys_are_queries(x: Tensor, W: Tensor) -> tuple:
    query, _, values = query_keys_values(x, W)
    return query, query, values


def _values_are_keys(x: Tensor, W: Tensor) -> tuple:
    query, keys, _ = query_keys_values(x, W)
    return query, keys, keys


def _only_one_projection(x: Tensor, W: Tensor) -> tuple:
    query, _, _ = query_keys_values(x, W)
    return query, query, query


def _keys_first(x: Tensor, W: Tensor) -> tuple:
    query, keys, values = query_keys_values(x, W)
    return keys, query, values


def _cut_between_words(x: Tensor, W: Tensor) -> tuple:
    return (x @ W).chunk(3, dim=0)


def _every_third_column(x: Tensor, W: Tensor) -> tuple:
    return (x @ W).unflatten(1, (-1, 3)).unbind(-1)


def _three_by_reshape(x: Tensor, W: Tensor) -> tuple:
    return tuple((x @ W).reshape(3, len(x), -1))


def _projections_times_heads(x: Tensor, W: Tensor) -> tuple:
    query, keys, values = query_keys_values(x, W)
    return query.mT, keys.mT, values.mT


_ORDERS = {
    "query, values, keys": (0, 2, 1),
    "values, keys, query": (2, 1, 0),
    "keys, values, query": (1, 2, 0),
    "values, query, keys": (2, 0, 1),
}


def _draw_projections() -> tuple:
    length, d_model, d_k = primes(3)
    return torch.randn(length, d_model), torch.randn(d_model, 3 * d_k) / d_model**0.5


def head_scores(
    query: Float[Tensor, "q_len d_model"], keys: Float[Tensor, "k_len d_model"], n_heads: int
) -> Float[Tensor, "n_heads q_len k_len"]:
    """Score each key against each query in every head: q·k / √d_k, with the head's own slice of the width."""
    return scaled_dot_score(_by_head(keys, n_heads), _by_head(query, n_heads))


def _by_head(x: Tensor, n_heads: int) -> Tensor:
    return x.unflatten(-1, (n_heads, -1)).transpose(-3, -2)


def _draw_heads(n_heads: int = 0) -> tuple:
    q_len, k_len, d_k, other = primes(4)
    n_heads = n_heads or other
    return torch.randn(q_len, n_heads * d_k), torch.randn(k_len, n_heads * d_k), n_heads


def _draw_widths() -> tuple:
    batch, length, d_k, n_heads = primes(4)
    return torch.randn(batch, length, n_heads * d_k), n_heads


def _scaled_by(divide: Callable[[Tensor, Tensor, int], float]) -> Answer:
    """Score heads with another divisor than √d_k."""
    return lambda query, keys, n: _by_head(query, n) @ _by_head(keys, n).mT / divide(query, keys, n)


def _full_width_in_each(query: Tensor, keys: Tensor, n_heads: int) -> Tensor:
    d_k = query.shape[1] // n_heads
    return (query @ keys.T / d_k**0.5).expand(n_heads, -1, -1)


def _first_head_keys(query: Tensor, keys: Tensor, n_heads: int) -> Tensor:
    first = _by_head(keys, n_heads)[:1]
    return scaled_dot_score(first.expand(n_heads, -1, -1), _by_head(query, n_heads))


def _rescaled(power_of_heads: float, power_of_d_k: float = 0.0):
    """Make the reference's mistaken twin: its scores times powers of the number of heads and of d_k."""

    def scores(query: Tensor, keys: Tensor, n_heads: int) -> Tensor:
        d_k = query.shape[1] // n_heads
        return head_scores(query, keys, n_heads) * n_heads**power_of_heads * d_k**power_of_d_k

    return scores


def _interleaved_scores(query: Tensor, keys: Tensor, n_heads: int) -> Tensor:
    def every(x: Tensor) -> Tensor:
        return x.unflatten(-1, (-1, n_heads)).permute(2, 0, 1)

    return scaled_dot_score(every(keys), every(query))


def _viewed_scores(query: Tensor, keys: Tensor, n_heads: int) -> Tensor:
    return scaled_dot_score(keys.view(n_heads, len(keys), -1), query.view(n_heads, len(query), -1))


def split_heads(x: Float[Tensor, "batch length d_model"], n_heads: int) -> Float[Tensor, "batch n_heads length d_k"]:
    """Cut the width of each word into heads."""
    return _by_head(x, n_heads)


def _viewed(x: Tensor, n_heads: int) -> Tensor:
    return x.view(len(x), n_heads, x.shape[1], -1)


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


def _word_zeroed(x: Tensor, j: int) -> Tensor:
    changed = x.clone()
    changed[j] = 0
    return changed


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
    "05_what_order_changes": truth_table(
        (True, False, True, False, True),
        (
            "Statement 1: the context is a sum over the memory's words. Does a sum ask in which order its terms come?",
            "Statement 2: the causal mask speaks about places, whoever stands there. Does it travel with the words?",
            "Statement 3: each output moves to another place. What does an average over all places make of that?",
            "Statement 4: the places are added after the shuffle. Do the words meet the places that they had before?",
            "Statement 5: word and place are one sum before anything is shuffled. Can attention see in which row it "
            "is?",
        ),
        {
            "all the same": (
                (True, True, True, True, True),
                "You say that order never matters. That holds for attention alone; some of the five contain something "
                "that speaks about places.",
            ),
            "nothing the same": (
                (False, False, False, False, False),
                "You say that order always matters. Go through the four steps of attention and look for the one that "
                "uses the index of a word.",
            ),
            "only with places": (
                (False, False, False, True, True),
                "You have it the wrong way round: the vectors of places do not protect against a shuffle, they are "
                "what lets the model notice one.",
            ),
            "the opposite": (
                (False, True, False, True, False),
                "Yours is the exact opposite (inverted): True means that the statement holds.",
            ),
            "only without places": (
                (True, True, True, False, False),
                "You go by whether places are in it at all. The mask is about places, too, and a place that was added "
                "before the shuffle moves along with its word.",
            ),
            "only attention over a memory": (
                (True, False, False, False, False),
                "You trust the sum over a memory alone. Self-attention is the same sum, for each word that asks.",
            ),
        },
    ),
    "05_scaled_dot_attention": Exercise(
        scaled_dot_attention,
        _draw_attention,
        {
            **single_slips(_attend_by, _ATTENTION_SLOTS),
            "scaled after instead": WrongAnswer(
                _scaled_after,
                "You scale after the softmax instead of before it: divide the scores, not the weights or the result.",
            ),
        },
        hard={
            "where a query has nothing to attend to": lambda: _draw_attention(with_empty=True),
            "where scores are large": lambda: _draw_attention(with_empty=True, scale=5.0),
        },
        slots=_ATTENTION_SLOTS,
        assemble=_attend_by,
    ),
    "05_query_keys_values": Exercise(
        query_keys_values,
        _draw_projections,
        {
            **{
                f"in the order {names}": WrongAnswer(
                    lambda x, W, order=order: tuple(query_keys_values(x, W)[i] for i in order),
                    f"Your three results are in the order {names}; expected query, keys, values.",
                )
                for names, order in _ORDERS.items()
            },
            "W cut by reshape": WrongAnswer(
                lambda x, W: tuple(x @ part for part in W.reshape(3, len(W), -1)),
                "You cut W with reshape or view: it reads row after row, so each part is made of rows of all three "
                "matrices. They stand side by side: cut the columns.",
            ),
            "everything in three": WrongAnswer(
                lambda x, W: tuple((x @ W).flatten().chunk(3)),
                "You cut the flattened numbers in three; the three matrices stand side by side in the width.",
            ),
            "not cut": WrongAnswer(
                lambda x, W: (x @ W,) * 3,
                "All three results have the full width: each should have its own third of the columns.",
            ),
            "one column too far": WrongAnswer(
                lambda x, W: tuple((x @ W).roll(-1, 1).chunk(3, 1)),
                "Your cuts are one column too far (off by one).",
            ),
            "scaled": WrongAnswer(
                lambda x, W: tuple(part / part.shape[1] ** 0.5 for part in query_keys_values(x, W)),
                "You divide by √d_k already; the projections are returned as they are.",
            ),
            "query scaled": WrongAnswer(
                lambda x, W: ((x @ W).chunk(3, 1)[0] / (W.shape[1] / 3) ** 0.5, *(x @ W).chunk(3, 1)[1:]),
                "You divide the query by √d_k already; the projections are returned as they are.",
            ),
            "values are queries": WrongAnswer(
                lambda x, W: (*(x @ W).chunk(3, 1)[:2], (x @ W).chunk(3, 1)[0]),
                "Now the values are the queries: W_V is never used.",
            ),
            "stacked": WrongAnswer(
                lambda x, W: torch.stack((x @ W).chunk(3, 1), 1),
                "You return one tensor that holds all three along its second axis; expected three tensors.",
            ),
            "keys are queries": WrongAnswer(
                _keys_are_queries,
                "You have kept the bug: keys and queries are still the same vectors, so i scores j exactly as j scores "
                "i, and W_K is never trained.",
            ),
            "values are keys": WrongAnswer(
                _values_are_keys,
                "Now the values are the keys: what a word is found by is not what it gives, and W_V is never trained.",
            ),
            "one projection": WrongAnswer(
                _only_one_projection,
                "All three are the same projection: a word would ask, be found and give by one and the same vector.",
            ),
            "query and keys exchanged": WrongAnswer(
                _keys_first,
                "Query and keys are exchanged: the score matrix comes out transposed, and who asks is asked.",
            ),
            "cut between the words": WrongAnswer(
                _cut_between_words,
                "You cut along the sentence: the first words ask and the last words give. The three matrices stand "
                "side by side in the width.",
            ),
            "every third column": WrongAnswer(
                _every_third_column,
                "You deal the columns out in turn, like cards; but all columns of W_Q come first, then all of W_K.",
            ),
            "reshape": WrongAnswer(
                _three_by_reshape,
                "The shape is right, the contents are not: a reshape reads row after row, so the query of one word is "
                "made of another word's keys and values.",
            ),
            "transposed": WrongAnswer(
                _projections_times_heads,
                "Each part is transposed: one row a word, one column a component.",
            ),
        },
    ),
    "05_head_scores": Exercise(
        head_scores,
        _draw_heads,
        {
            "root of q_len": WrongAnswer(
                _scaled_by(lambda query, keys, n: len(query) ** 0.5),
                "You divide by the root of q_len (the wrong axis): a score sums d_k products.",
            ),
            "root of k_len": WrongAnswer(
                _scaled_by(lambda query, keys, n: len(keys) ** 0.5),
                "You divide by the root of k_len (the wrong axis): a score sums d_k products.",
            ),
            "d_k from the wrong axis": WrongAnswer(
                _scaled_by(lambda query, keys, n: max(1, len(query) // n) ** 0.5),
                "Your d_k is taken from the wrong axis: q_len is divided by n_heads in place of d_model.",
            ),
            "d_k from the keys' axis": WrongAnswer(
                _scaled_by(lambda query, keys, n: max(1, len(keys) // n) ** 0.5),
                "Your d_k is taken from the wrong axis: k_len is divided by n_heads in place of d_model.",
            ),
            "multiplied": WrongAnswer(
                _rescaled(0.0, 1.0),
                "You multiply by √d_k; the scale divides.",
            ),
            "divided by d_model": WrongAnswer(
                _rescaled(-1.0, -0.5),
                "You divide by d_model, the full width, and without a root.",
            ),
            "divided by the number of heads": WrongAnswer(
                _rescaled(-1.0, 0.5),
                "You divide by the number of heads; a score does not know how many other heads there are.",
            ),
            "root cut off": WrongAnswer(
                _scaled_by(lambda query, keys, n: int((query.shape[1] // n) ** 0.5)),
                "Your scale is a whole number: the root of d_k is cut off (int or //). Keep its fraction.",
            ),
            "full width in each": WrongAnswer(
                _full_width_in_each,
                "Every head compares the full width, so all heads are alike: each has its own slice of it.",
            ),
            "first head's keys": WrongAnswer(
                _first_head_keys,
                "All heads compare with the first head's keys: each has its own slice of query and keys.",
            ),
            "heads last": WrongAnswer(
                lambda query, keys, n_heads: head_scores(query, keys, n_heads).permute(1, 2, 0),
                "The heads are the last axis of your result; they should be the first.",
            ),
            "mean over heads": WrongAnswer(
                lambda query, keys, n_heads: head_scores(query, keys, n_heads).mean(0),
                "You take the mean over the heads: each has scores of its own.",
            ),
            "heads reversed": WrongAnswer(
                lambda query, keys, n_heads: head_scores(query, keys, n_heads).flip(0),
                "Your heads come in the opposite order: the first is the first slice.",
            ),
            "query alone cut as view": WrongAnswer(
                lambda query, keys, n: scaled_dot_score(_by_head(keys, n), query.reshape(n, len(query), -1)),
                "The query is cut by view or reshape straight into heads: that mixes words. The keys are cut rightly.",
            ),
            "keys alone cut as view": WrongAnswer(
                lambda query, keys, n: scaled_dot_score(keys.reshape(n, len(keys), -1), _by_head(query, n)),
                "The keys are cut by view or reshape straight into heads: that mixes words. The query is cut rightly.",
            ),
            "d_model": WrongAnswer(
                _rescaled(-0.5),
                "You have kept the bug: the scores are divided as if each head compared the full width, so the more "
                "heads, the closer all weights come to uniform.",
            ),
            "no scale": WrongAnswer(
                _rescaled(0.0, 0.5),
                "Now nothing is divided: the variance of a score is the number of products that are summed, and wide "
                "heads saturate before they have learned anything.",
            ),
            "divided by d_k": WrongAnswer(
                _rescaled(0.0, -0.5),
                "You divide by the variance. What brings a spread to one is the standard deviation.",
            ),
            "number of heads": WrongAnswer(
                _rescaled(-0.5, 0.5),
                "You divide by the root of the number of heads; a score does not know how many other heads there are.",
            ),
            "scaled twice": WrongAnswer(
                _rescaled(-0.5, -0.5),
                "The scale is there twice, right and wrong: take the old one away.",
            ),
            "interleaved": WrongAnswer(
                _interleaved_scores,
                "A head takes every n-th component; here a head is a slice of neighbouring components, the first head "
                "the first d_k.",
            ),
            "view": WrongAnswer(
                _viewed_scores,
                "The shape is right, but your heads are cut across the words: before an axis can be the first, the "
                "width has to be cut where it stands.",
            ),
            "transposed": WrongAnswer(
                lambda query, keys, n_heads: head_scores(query, keys, n_heads).mT,
                "Rows and columns are exchanged: one row a query, one column a key.",
            ),
            "weights": WrongAnswer(
                lambda query, keys, n_heads: head_scores(query, keys, n_heads).softmax(-1),
                "These are weights; the scores before the softmax are asked for.",
            ),
            "summed over heads": WrongAnswer(
                lambda query, keys, n_heads: head_scores(query, keys, n_heads).sum(0),
                "The heads are added up: each head needs a softmax of its own, or they all look at the same words.",
            ),
        },
        hard={"where there is one head": lambda: _draw_heads(1)},
    ),
    "05_split_heads": Exercise(
        split_heads,
        _draw_widths,
        {
            "heads reversed": WrongAnswer(
                lambda x, n_heads: split_heads(x, n_heads).flip(1),
                "Your heads come in the opposite order (reversed): the first is the first slice of each word.",
            ),
            "words reversed": WrongAnswer(
                lambda x, n_heads: split_heads(x, n_heads).flip(2),
                "The words come in the opposite order in each head.",
            ),
            "n_heads and d_k exchanged": WrongAnswer(
                lambda x, n_heads: x.unflatten(-1, (-1, n_heads)).transpose(1, 2),
                "n_heads and d_k are exchanged: you cut the width into d_k heads of n_heads components each.",
            ),
            "heads last": WrongAnswer(
                lambda x, n_heads: x.unflatten(-1, (n_heads, -1)).transpose(2, 3),
                "The heads are the last axis; they should be the second, before the words.",
            ),
            "a list": WrongAnswer(
                lambda x, n_heads: list(x.chunk(n_heads, dim=-1)),
                "You return a list of heads; expected one tensor with an axis for the heads (stack).",
            ),
            "joined in the batch": WrongAnswer(
                lambda x, n_heads: torch.cat(x.chunk(n_heads, -1), 0),
                "The heads are joined to the batch (cat) in place of getting an axis of their own (stack).",
            ),
            "first head for all": WrongAnswer(
                lambda x, n_heads: split_heads(x, n_heads)[:, :1].expand(-1, n_heads, -1, -1),
                "All your heads are the first slice: each has its own.",
            ),
            "view": WrongAnswer(
                _viewed,
                "You have kept the bug: the shape is right, but the numbers of one word are spread over several places "
                "of a head, and a head no longer sees every word.",
            ),
            "no transpose": WrongAnswer(
                lambda x, n_heads: x.unflatten(-1, (n_heads, -1)),
                "The width is cut, but words and heads stand in the wrong order: attend would let the heads of one "
                "word attend to each other.",
            ),
            "interleaved": WrongAnswer(
                lambda x, n_heads: x.unflatten(-1, (-1, n_heads)).permute(0, 3, 1, 2),
                "Your first head takes every n-th number of a word. That is a fair cut, but not this one: here each "
                "head is a run of neighbouring numbers, as the rows of W_Q are stacked.",
            ),
            "heads before the batch": WrongAnswer(
                lambda x, n_heads: x.unflatten(-1, (n_heads, -1)).permute(2, 0, 1, 3),
                "Heads stand before the batch. The cut is right; mind the order of the axes.",
            ),
            "heads in the batch": WrongAnswer(
                lambda x, n_heads: split_heads(x, n_heads).flatten(0, 1),
                "The heads are folded into the batch. attend takes any number of batch axes, so keep them apart: then "
                "one mask can serve all heads.",
            ),
            "words and numbers exchanged": WrongAnswer(
                lambda x, n_heads: split_heads(x, n_heads).mT,
                "The last two axes are exchanged: attend wants words before components.",
            ),
            "transposed, then viewed": WrongAnswer(
                lambda x, n_heads: x.mT.reshape(len(x), n_heads, x.shape[1], -1),
                "You transpose, but before the cut, and then the wrong axis is cut: words and components are mixed "
                "inside each head.",
            ),
            "full width": WrongAnswer(
                lambda x, n_heads: x[:, None].expand(-1, n_heads, -1, -1),
                "Every head gets the whole word. Heads share the width out; that is why many heads cost no more than "
                "one.",
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
