"""Start here: one exercise for practice, small enough to solve while learning how exercises work."""

import torch
from jaxtyping import Float
from torch import Tensor

from course_utils.exercises import weighing
from course_utils.exercises.exercise import Answer, Exercise, WrongAnswer, primes, single_slips


def soft_average(
    scores: Float[Tensor, "k_len"],
    values: Float[Tensor, "k_len d_value"],
) -> Float[Tensor, "d_value"]:
    """Turn the scores into weights with a softmax, and average the values by them."""
    return scores.softmax(dim=0) @ values


def _draw() -> tuple[Tensor, Tensor]:
    k_len, d_value = primes(2)
    return torch.randn(k_len), torch.randn(k_len, d_value)


def _by(weigh: Answer, average: Answer) -> Answer:
    return lambda scores, values: average(weigh(scores), values)


_SLOTS = (
    (lambda scores: scores.softmax(0), weighing.of_softmax()),
    (
        lambda weights, values: weights @ values,
        {
            **weighing.of_averages(context="average"),
            "summed over the wrong axis": (
                lambda weights, values: (weights[:, None] * values).sum(1),
                "You add up over the components of each value (the wrong axis); add up over the values.",
            ),
            "weights alone": (
                lambda weights, values: weights,
                "You return the weights; the average of the values by them is asked for.",
            ),
            "axis left": (
                lambda weights, values: (weights @ values)[None],
                "The axis of the one query, of length 1, is still there: take it away.",
            ),
        },
    ),
)


PRACTICE = Exercise(
    soft_average,
    _draw,
    {
        "no softmax": WrongAnswer(
            lambda scores, values: scores @ values,
            "You multiplied the values by the raw scores. Scores may be negative and need not sum to one: turn them "
            "into weights first.",
        ),
        "mean of the values": WrongAnswer(
            lambda scores, values: values.mean(dim=0),
            "This is the plain mean: every value counts the same, whatever its score. The scores should decide.",
        ),
        "only the best": WrongAnswer(
            lambda scores, values: values[scores.argmax()],
            "You picked the value with the highest score and dropped the others. A soft average lets all of them "
            "count, each by its weight.",
        ),
        "divided by the sum": WrongAnswer(
            lambda scores, values: scores / scores.sum() @ values,
            "Your weights sum to one, but a negative score still gives a negative weight. A softmax first makes every "
            "number positive.",
        ),
        "exponentials alone": WrongAnswer(
            lambda scores, values: scores.exp() @ values,
            "Your weights are positive, but they do not sum to one: divide them by their sum.",
        ),
        "averaged twice": WrongAnswer(
            lambda scores, values: scores.softmax(dim=0) @ values / len(scores),
            "You divided by the number of values as well. The weights already sum to one.",
        ),
        "softmax of the values": WrongAnswer(
            lambda scores, values: scores @ values.softmax(dim=0),
            "You took the softmax of the values. They are what is averaged; the weights come from the scores.",
        ),
        "weighted, not added up": WrongAnswer(
            lambda scores, values: scores.softmax(dim=0)[:, None] * values,
            "You weighted each value, but did not add them up: the result has one row per value instead of one vector.",
        ),
        **single_slips(_by, _SLOTS),
    },
    hard={
        "where scores are large": lambda: (torch.tensor([30.0, -30.0, 29.0, 0.0, 28.0]), torch.randn(5, 3)),
        "where all scores are low": lambda: (torch.randn(5) - 6, torch.randn(5, 3)),
        "where there is one value": lambda: (torch.randn(1), torch.randn(1, 3)),
    },
    slots=_SLOTS,
    assemble=_by,
)

EXERCISES = {"00_practice": PRACTICE}
