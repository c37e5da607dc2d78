"""Lecture 02: Bahdanau attention: what is asked, our answers, and the mistakes that are known."""

import torch
from jaxtyping import Float
from torch import Tensor

from course_utils.exercises.exercise import Exercise, WrongAnswer


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


EXERCISES: dict[str, Exercise] = {
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
}
