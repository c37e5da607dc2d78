"""Lecture 05: the Transformer: what is asked, our answers, and the mistakes that are known."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from course_utils.attention import attend, dot_score, scaled_dot_score
from course_utils.exercises.exercise import Exercise, WrongAnswer


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


EXERCISES: dict[str, Exercise] = {
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
}
