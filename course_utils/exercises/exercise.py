"""What an exercise is: a reference answer, inputs to try it on, and the mistakes that people make."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Answer = Callable[..., Any]


@dataclass(frozen=True)
class WrongAnswer:
    """A mistake that people make: what it computes, and what to tell its author without giving the answer away."""

    computes: Answer
    message: str


@dataclass(frozen=True)
class Exercise:
    """A question that `course_utils.exercises.checks.check` can decide.

    Attributes
    ----------
    reference
        Our answer: a function of what ``draw`` gives.
    draw
        Makes one set of arguments with PyTorch's global generator, which `check` seeds and puts back: another prime for
        every axis, moderate scores (a saturated softmax hides a missing scale), a row with nothing to attend to.
    wrong_answers
        Name → mistake, each with its own message.
    asks_for
        ``"function"``, or ``"value"`` where the learner predicts: then ``reference`` and ``computes`` take no arguments
        and the stub holds ``...``.
    fault
        For questions with many right answers ("find an input for which …"): ``fault(result, *arguments)`` says what is
        wrong with a result, or gives None. Without it a result must equal the reference's.
    """

    reference: Answer
    draw: Callable[[], tuple]
    wrong_answers: Mapping[str, WrongAnswer]
    asks_for: str = "function"
    fault: Callable[..., str | None] | None = None


def prediction(value: Any, wrong: Mapping[str, tuple[Any, str]]) -> Exercise:
    """Make an exercise in which a value is predicted before the code is run.

    Parameters
    ----------
    value
        What is right: a number, a string, a bool, or a tuple of them.
    wrong
        Name → (the wrong value, what to tell its author).
    """
    wrong_answers = {
        name: WrongAnswer(lambda mistaken=mistaken: mistaken, message) for name, (mistaken, message) in wrong.items()
    }
    return Exercise(lambda: value, tuple, wrong_answers, asks_for="value")
