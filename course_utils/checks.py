"""Exercises: ``check("name", answer)`` compares an answer with ours and, where it is wrong, names the misconception.

Each exercise draws inputs with another prime for every axis, moderate scores (a saturated softmax hides a missing
scale), random weights, and a row with nothing to attend to. An answer that differs is first held against the
exercise's list of wrong answers; only an unknown one gets the place where it differs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from course_utils.attention import attend, dot_score, masked_softmax, scaled_dot_score, zero_score

Answer = Callable[..., Any]
N_DRAWS = 5


@dataclass(frozen=True)
class WrongAnswer:
    """A mistake that people make: what it computes, and what to tell its author without giving the answer away."""

    computes: Answer
    message: str


@dataclass(frozen=True)
class Exercise:
    """A reference solution, inputs to try it on, and the mistakes that are known.

    Attributes
    ----------
    reference
        Our solution.
    draw
        Makes one set of arguments with PyTorch's global generator, which `check` seeds and puts back.
    wrong_answers
        Name → mistake, each with its own message.
    """

    reference: Answer
    draw: Callable[[], tuple]
    wrong_answers: Mapping[str, WrongAnswer]


def check(name: str, answer: Answer) -> None:
    """Say whether an answer is correct, not attempted yet, or which mistake it makes.

    Parameters
    ----------
    name
        The exercise.
    answer
        Your function.

    Raises
    ------
    KeyError
        If there is no exercise of this name.
    """
    print(f"{name}: {diagnose(name, answer)}")


def diagnose(name: str, answer: Answer) -> str:
    """Give the sentence that `check` prints."""
    if name not in EXERCISES:
        raise KeyError(f"check: no exercise is called {name!r}; there are {', '.join(EXERCISES)}.")
    exercise = EXERCISES[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2017)
        draws = [exercise.draw() for _ in range(N_DRAWS)]
    results = []
    for arguments in draws:
        given = _copies(arguments)
        try:
            result = answer(*given)
        except NotImplementedError:
            return "not attempted yet."
        except Exception as error:  # the learner's code may raise anything; what it raised is the diagnosis
            shapes = ", ".join(str(tuple(a.shape)) if isinstance(a, Tensor) else repr(a) for a in arguments)
            return f"not yet. Your function raised {type(error).__name__}: {error} (arguments: {shapes})"
        if not _same(given, arguments):
            return (
                "not yet. Your function changes its arguments; make a new tensor instead of writing into a given one."
            )
        results.append(result)
    expected = [exercise.reference(*arguments) for arguments in draws]
    if all(_equal(e, r) for e, r in zip(expected, results, strict=True)):
        return "correct."
    for wrong in exercise.wrong_answers.values():
        if all(_equal(wrong.computes(*a), r) for a, r in zip(draws, results, strict=True)):
            return f"not yet. {wrong.message}"
    pairs = zip(expected, results, strict=True)
    return f"not yet. {next(_difference(e, r) for e, r in pairs if not _equal(e, r))}"


def _copies(arguments: tuple) -> tuple:
    return tuple(a.clone() if isinstance(a, Tensor) else a for a in arguments)


def _same(given: tuple, arguments: tuple) -> bool:
    return all(torch.equal(g, a) if isinstance(a, Tensor) else g == a for g, a in zip(given, arguments, strict=True))


def _equal(expected: Any, found: Any) -> bool:
    if not isinstance(expected, Tensor):
        return not isinstance(found, Tensor) and found == expected
    return (
        isinstance(found, Tensor)
        and found.shape == expected.shape
        and torch.allclose(found.to(expected.dtype), expected, rtol=1e-4, atol=1e-5, equal_nan=True)
    )


def _difference(expected: Any, found: Any) -> str:
    """Name the first thing in which a result differs: type, shape, or row."""
    if found is None:
        return "Your function returned None: is there a return at its end?"
    if not isinstance(expected, Tensor):
        return f"Expected {expected!r}, found {found!r}."
    if not isinstance(found, Tensor):
        return f"Expected a tensor, found {type(found).__name__}."
    if found.shape != expected.shape:
        return f"Expected shape {tuple(expected.shape)}, found {tuple(found.shape)}."
    if torch.isnan(found).any():
        return "There is NaN in your result: does a row without anything to attend to divide zero by zero?"
    off = ~torch.isclose(found.to(expected.dtype), expected, rtol=1e-4, atol=1e-5)
    place = tuple(int(i) for i in off.nonzero()[0])
    return (
        f"The first difference is at index {list(place)}: expected {expected[place].item():.4f}, "
        f"found {found[place].item():.4f}; {int(off.sum())} of {off.numel()} numbers differ."
    )


# 01: the fixed vector


def last_state(
    states: Float[Tensor, "batch length d_hidden"], lengths: Int[Tensor, "batch"]
) -> Float[Tensor, "batch d_hidden"]:
    """Pick the state at the last real position of each sequence."""
    return states[torch.arange(len(states)), lengths - 1]


def _draw_states() -> tuple:
    return torch.randn(5, 7, 11), torch.tensor([7, 3, 1, 5, 2])[torch.randperm(5)]


def _one_past_the_end(states: Tensor, lengths: Tensor) -> Tensor:
    return states[torch.arange(len(states)), lengths.clamp(max=states.shape[1] - 1)]


# 02: the additive score


def additive_score(
    keys: Float[Tensor, "k_len d_key"],
    query: Float[Tensor, "q_len d_query"],
    W: Float[Tensor, "d_attention d_query"],
    U: Float[Tensor, "d_attention d_key"],
    v: Float[Tensor, "d_attention"],
) -> Float[Tensor, "q_len k_len"]:
    """Score each key against each query: vᵀ tanh(W q + U k)."""
    return torch.tanh((query @ W.T)[:, None, :] + (keys @ U.T)[None, :, :]) @ v


def _draw_additive() -> tuple:
    return torch.randn(7, 11), torch.randn(5, 13), torch.randn(3, 13) / 3, torch.randn(3, 11) / 3, torch.randn(3)


def _hidden(keys: Tensor, query: Tensor, W: Tensor, U: Tensor) -> Tensor:
    return (query @ W.T)[:, None, :] + (keys @ U.T)[None, :, :]


# 03: mean pooling over what is real


def masked_mean(
    states: Float[Tensor, "batch length d_hidden"], mask: Bool[Tensor, "batch length"]
) -> Float[Tensor, "batch d_hidden"]:
    """Average the states at real positions; a sequence without any gives zeros."""
    context, _ = attend(states[:, :1], states, states, zero_score, mask[:, None])
    return context[:, 0]


def _draw_masked() -> tuple:
    lengths = torch.tensor([7, 3, 0, 5, 1])[torch.randperm(5)]
    return torch.randn(5, 7, 11), torch.arange(7) < lengths[:, None]


def _sum_of_real(states: Tensor, mask: Tensor) -> Tensor:
    return (states * mask[..., None]).sum(1)


# 04: how far a stack of convolutions can see


def receptive_field(kernel_size: int, dilations: list[int]) -> int:
    """Count the input positions that one output of a stack of convolutions depends on."""
    return 1 + (kernel_size - 1) * sum(dilations)


def _draw_stack() -> tuple:
    layers = int(torch.randint(2, 5, ()))
    return 2 * int(torch.randint(1, 4, ())) + 1, torch.randint(1, 9, (layers,)).tolist()


# 05: scaled dot-product attention


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


# 06: who looks at whom in a graph


def graph_attention_weights(
    features: Float[Tensor, "n_nodes d_in"],
    W: Float[Tensor, "d_in d_head"],
    a: Float[Tensor, "2*d_head"],
    mask: Bool[Tensor, "n_nodes n_nodes"],
) -> Float[Tensor, "n_nodes n_nodes"]:
    """Give each node's weights over its neighbours: softmax of LeakyReLU(aᵀ[W h_i ‖ W h_j])."""
    return masked_softmax(F.leaky_relu(_pair_scores(features, W, a), 0.2), mask)


def _pair_scores(features: Tensor, W: Tensor, a: Tensor) -> Tensor:
    a_query, a_key = a.chunk(2)
    hidden = features @ W
    return (hidden @ a_query)[:, None] + (hidden @ a_key)[None, :]


def _draw_graph() -> tuple:
    mask = torch.rand(7, 7) < 0.4
    mask[:, 1] = True
    mask[4] = False
    return torch.randn(7, 5), torch.randn(5, 3) / 2, torch.randn(6), mask


EXERCISES: dict[str, Exercise] = {
    "01_last_state": Exercise(
        last_state,
        _draw_states,
        {
            "last column": WrongAnswer(
                lambda states, lengths: states[:, -1],
                "You take the last column of the rectangle: in a short sentence that is the state after padding.",
            ),
            "one past the end": WrongAnswer(
                _one_past_the_end,
                "You are one position too far: a sentence of length 3 has its last word at index 2.",
            ),
            "first state": WrongAnswer(
                lambda states, lengths: states[:, 0],
                "You take the first state: a forward network has read only one word there.",
            ),
            "mean": WrongAnswer(
                lambda states, lengths: states.mean(1),
                "You average all states; here exactly one state of each sentence is kept.",
            ),
            "same length for all": WrongAnswer(
                lambda states, lengths: states[:, int(lengths[0]) - 1],
                "You use the first sentence's length for all of them; each row has its own.",
            ),
        },
    ),
    "02_additive_score": Exercise(
        additive_score,
        _draw_additive,
        {
            "no tanh": WrongAnswer(
                lambda keys, query, W, U, v: _hidden(keys, query, W, U) @ v,
                "There is no tanh between the two layers: without it the query adds the same number to every key's "
                "score, the softmax takes it out again, and the weights no longer depend on what was asked.",
            ),
            "no v": WrongAnswer(
                lambda keys, query, W, U, v: torch.tanh(_hidden(keys, query, W, U)).sum(-1),
                "You add up the hidden units with equal weight; the learned vector v decides how much each counts.",
            ),
            "softmax already": WrongAnswer(
                lambda *a: additive_score(*a).softmax(-1),
                "These are weights, not scores: the softmax comes afterwards, in attend.",
            ),
            "difference": WrongAnswer(
                lambda keys, query, W, U, v: torch.tanh((query @ W.T)[:, None] - (keys @ U.T)[None]) @ v,
                "You subtract the key's part from the query's part; the score adds them.",
            ),
            "tanh of each part": WrongAnswer(
                lambda keys, query, W, U, v: (torch.tanh(query @ W.T)[:, None] + torch.tanh(keys @ U.T)[None]) @ v,
                "You squash the two parts before adding them, so they never meet inside the tanh: the query again adds "
                "the same number to every key's score.",
            ),
            "transposed": WrongAnswer(
                lambda *a: additive_score(*a).T,
                "Rows and columns are exchanged: one row a query, one column a key.",
            ),
        },
    ),
    "03_masked_mean": Exercise(
        masked_mean,
        _draw_masked,
        {
            "padding averaged": WrongAnswer(
                lambda states, mask: states.mean(1),
                "Padding is averaged as if it were words: the mask is not used.",
            ),
            "divided by the full length": WrongAnswer(
                lambda states, mask: _sum_of_real(states, mask) / states.shape[1],
                "The sum is right, but you divide by the length of the rectangle: short documents shrink.",
            ),
            "sum": WrongAnswer(_sum_of_real, "This is the sum; long documents get longer vectors. Divide by how many."),
            "zero by zero": WrongAnswer(
                lambda states, mask: _sum_of_real(states, mask) / mask.sum(1, keepdim=True),
                "An empty document divides zero by zero and gives NaN, which spreads to every weight it meets.",
            ),
            "mask inverted": WrongAnswer(
                lambda states, mask: masked_mean(states, ~mask),
                "You average the padding and leave out the words: True means real.",
            ),
            "one count for all": WrongAnswer(
                lambda states, mask: _sum_of_real(states, mask) * len(mask) / mask.sum(),
                "You divide every document by the same count; each has its own number of words.",
            ),
        },
    ),
    "04_receptive_field": Exercise(
        receptive_field,
        _draw_stack,
        {
            "kernel times layers": WrongAnswer(
                lambda kernel_size, dilations: kernel_size * len(dilations),
                "Stacked windows overlap: a second layer adds only what lies beyond the first one's window.",
            ),
            "dilation ignored": WrongAnswer(
                lambda kernel_size, dilations: 1 + (kernel_size - 1) * len(dilations),
                "This is right for dilation 1; a dilated kernel steps over positions and reaches further.",
            ),
            "own position forgotten": WrongAnswer(
                lambda kernel_size, dilations: (kernel_size - 1) * sum(dilations),
                "One too few: the position itself is seen as well.",
            ),
            "kernel not reduced": WrongAnswer(
                lambda kernel_size, dilations: 1 + kernel_size * sum(dilations),
                "A kernel of k positions reaches k − 1 steps, not k: count the gaps, not the posts.",
            ),
            "one side": WrongAnswer(
                lambda kernel_size, dilations: 1 + (kernel_size - 1) // 2 * sum(dilations),
                "You count one side only; a centred kernel sees both.",
            ),
            "last layer only": WrongAnswer(
                lambda kernel_size, dilations: 1 + (kernel_size - 1) * dilations[-1],
                "You count the last layer alone; each layer below widens what it sees.",
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
    "06_graph_attention": Exercise(
        graph_attention_weights,
        _draw_graph,
        {
            "no LeakyReLU": WrongAnswer(
                lambda h, W, a, mask: masked_softmax(_pair_scores(h, W, a), mask),
                "There is no LeakyReLU: the query adds the same to all its neighbours, and the softmax takes that out.",
            ),
            "halves exchanged": WrongAnswer(
                lambda h, W, a, mask: graph_attention_weights(h, W, torch.cat(a.chunk(2)[::-1]), mask),
                "The halves of a are exchanged: the first meets the node that asks, the second its neighbour.",
            ),
            "mask transposed": WrongAnswer(
                lambda h, W, a, mask: graph_attention_weights(h, W, a, mask.T),
                "The mask is transposed: nodes attend to those they point to, not to those that point to them.",
            ),
            "ReLU": WrongAnswer(
                lambda h, W, a, mask: masked_softmax(F.relu(_pair_scores(h, W, a)), mask),
                "This is ReLU: all negative scores become equal and pass no gradient. The leak keeps their order.",
            ),
            "softmax over the wrong nodes": WrongAnswer(
                lambda h, W, a, mask: masked_softmax(F.leaky_relu(_pair_scores(h, W, a), 0.2).T, mask.T).T,
                "The columns sum to one instead of the rows: normalise over the neighbours of the node that asks.",
            ),
            "all nodes": WrongAnswer(
                lambda h, W, a, mask: F.leaky_relu(_pair_scores(h, W, a), 0.2).softmax(-1),
                "Every node attends to every node: the edges are not used.",
            ),
            "mask after the softmax": WrongAnswer(
                lambda h, W, a, mask: F.leaky_relu(_pair_scores(h, W, a), 0.2).softmax(-1) * mask,
                "You mask after the softmax: nodes that are no neighbours still take their share of the sum.",
            ),
        },
    ),
}
