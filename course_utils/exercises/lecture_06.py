"""Lecture 06: graph attention: what is asked, our answers, and the mistakes that are known."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from course_utils.attention import masked_softmax
from course_utils.exercises.exercise import Exercise, WrongAnswer


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
