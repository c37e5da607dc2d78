"""Lecture 05: the Transformer: what is asked, our answers, and the mistakes that are known."""

from collections.abc import Callable
from itertools import pairwise

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from course_utils.attention import attend, dot_score, scaled_dot_score
from course_utils.exercises.exercise import Exercise, WrongAnswer, prediction

Attention = Callable[[Tensor], Tensor]


def scaled_dot_attention(
    query: Float[Tensor, "batch q_len d_k"],
    keys: Float[Tensor, "batch k_len d_k"],
    values: Float[Tensor, "batch k_len d_value"],
    mask: Bool[Tensor, "batch q_len k_len"],
) -> Float[Tensor, "batch q_len d_value"]:
    """Average the values by softmax(q·k / √d_k) over the keys that the mask allows."""
    return attend(query, keys, values, scaled_dot_score, mask)[0]


def _draw_attention() -> tuple:
    mask = torch.rand(3, 5, 7) < 0.6
    mask[..., 2] = True
    mask[1, 3] = False
    return torch.randn(3, 5, 11), torch.randn(3, 7, 11), torch.randn(3, 7, 13), mask


def _masked_after(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
    return (scaled_dot_score(keys, query).softmax(-1) * mask) @ values


def _very_negative(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
    return scaled_dot_score(keys, query).masked_fill(~mask, -1e9).softmax(-1) @ values


def _minus_infinity(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
    return scaled_dot_score(keys, query).masked_fill(~mask, -torch.inf).softmax(-1) @ values


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


def head_scores(
    query: Float[Tensor, "q_len d_model"], keys: Float[Tensor, "k_len d_model"], n_heads: int
) -> Float[Tensor, "n_heads q_len k_len"]:
    """Score each key against each query in every head: q·k / √d_k, with the head's own slice of the width."""
    return scaled_dot_score(_by_head(keys, n_heads), _by_head(query, n_heads))


def _by_head(x: Tensor, n_heads: int) -> Tensor:
    return x.unflatten(-1, (n_heads, -1)).transpose(-3, -2)


def _draw_heads() -> tuple:
    return torch.randn(5, 33), torch.randn(7, 33), 3


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


def _draw_leaks() -> tuple:
    """Draw self-attention whose mask is random and not symmetric: two words that see nothing, one whom nobody sees."""
    mask = torch.rand(7, 7) < 0.4
    mask[:, 2] = True
    mask[[1, 4]] = False
    mask[:, 5] = False
    W_q, W_k, W_v = torch.randn(3, 5, 5) / 2

    def attention(x: Tensor) -> Tensor:
        return attend(x @ W_q, x @ W_k, x @ W_v, scaled_dot_score, mask)[0]

    return attention, torch.randn(7, 5)


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
    "05_what_order_changes": prediction(
        (True, False, True, False, True),
        {
            "memory in another order": (
                (False, False, True, False, True),
                "Look at the first statement again. The context is a sum over the memory's words: does a sum ask in "
                "which order its terms come?",
            ),
            "mask moves along": (
                (True, True, True, False, True),
                "Look at the second statement again. You let the causal mask travel with the words; but it speaks "
                "about places, whoever stands there.",
            ),
            "mean of the outputs": (
                (True, False, False, False, True),
                "Look at the third statement again. Each output moves to another place. What does an average over all "
                "places make of that?",
            ),
            "places move along": (
                (True, False, True, True, True),
                "Look at the fourth statement again. The places are added after the shuffle, so the words meet other "
                "places than before.",
            ),
            "a place is an index": (
                (True, False, True, False, False),
                "Look at the fifth statement again. Word and place are one sum before anything is shuffled, and "
                "attention reads vectors: it cannot see which row of the matrix they are in.",
            ),
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
        },
    ),
    "05_scaled_dot_attention": Exercise(
        scaled_dot_attention,
        _draw_attention,
        {
            "no scale": WrongAnswer(
                lambda q, k, v, mask: attend(q, k, v, dot_score, mask)[0],
                "The scale is missing: the variance of q·k grows with d_k, and a softmax of large scores saturates.",
            ),
            "divided by d_k": WrongAnswer(
                lambda q, k, v, mask: attend(q, k, v, lambda k, q: dot_score(k, q) / k.shape[-1], mask)[0],
                "You divide by d_k. The variance grows as d_k, so the standard deviation grows as something smaller.",
            ),
            "softmax over queries": WrongAnswer(
                lambda q, k, v, mask: (scaled_dot_score(k, q).masked_fill(~mask, -1e9).softmax(-2) * mask) @ v,
                "The softmax runs over the queries: each key shares itself out, and no query's weights sum to one.",
            ),
            "mask after the softmax": WrongAnswer(
                _masked_after,
                "You mask after the softmax: hidden keys still take their share of the sum, so the rest is too small.",
            ),
            "mask inverted": WrongAnswer(
                lambda q, k, v, mask: scaled_dot_attention(q, k, v, ~mask),
                "The mask is inverted: True means may attend (nn.MultiheadAttention means the opposite).",
            ),
            "no mask": WrongAnswer(
                lambda q, k, v, mask: attend(q, k, v, scaled_dot_score)[0],
                "The mask is not used: padding is attended to.",
            ),
            "-1e9": WrongAnswer(
                _very_negative,
                "Right but for the query with nothing to attend to: a large negative number everywhere is the same "
                "everywhere, so its softmax averages over all it should not see.",
            ),
            "-inf": WrongAnswer(
                _minus_infinity,
                "Right but for the query with nothing to attend to: the softmax of −∞ everywhere is NaN.",
            ),
            "scores as result": WrongAnswer(
                lambda q, k, v, mask: attend(q, k, v, scaled_dot_score, mask)[1],
                "You return the weights; the result is the average of the values.",
            ),
        },
    ),
    "05_query_keys_values": Exercise(
        query_keys_values,
        lambda: (torch.randn(7, 5), torch.randn(5, 33) / 2),
        {
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
    ),
    "05_split_heads": Exercise(
        split_heads,
        lambda: (torch.randn(3, 7, 55), 5),
        {
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
    ),
}
