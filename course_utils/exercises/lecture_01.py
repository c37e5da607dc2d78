"""Lecture 01: sequence to sequence: what is asked, our answers, and the mistakes that are known."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from course_utils.exercises.exercise import Exercise, WrongAnswer


def last_state(
    states: Float[Tensor, "batch length d_hidden"], lengths: Int[Tensor, "batch"]
) -> Float[Tensor, "batch d_hidden"]:
    """Pick the state at the last real position of each sequence."""
    return states[torch.arange(len(states)), lengths - 1]


def _draw_states() -> tuple:
    return torch.randn(5, 7, 11), torch.tensor([7, 3, 1, 5, 2])[torch.randperm(5)]


def _one_past_the_end(states: Tensor, lengths: Tensor) -> Tensor:
    return states[torch.arange(len(states)), lengths.clamp(max=states.shape[1] - 1)]


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
}
