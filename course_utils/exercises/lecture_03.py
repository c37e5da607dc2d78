"""Lecture 03: documents: what is asked, our answers, and the mistakes that are known."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from course_utils.attention import attend, zero_score
from course_utils.exercises.exercise import Exercise, WrongAnswer


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


EXERCISES: dict[str, Exercise] = {
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
}
