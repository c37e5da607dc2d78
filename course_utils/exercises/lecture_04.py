"""Lecture 04: convolution: what is asked, our answers, and the mistakes that are known."""

import torch

from course_utils.exercises.exercise import Exercise, WrongAnswer


def receptive_field(kernel_size: int, dilations: list[int]) -> int:
    """Count the input positions that one output of a stack of convolutions depends on."""
    return 1 + (kernel_size - 1) * sum(dilations)


def _draw_stack() -> tuple:
    layers = int(torch.randint(2, 5, ()))
    return 2 * int(torch.randint(1, 4, ())) + 1, torch.randint(1, 9, (layers,)).tolist()


EXERCISES: dict[str, Exercise] = {
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
}
