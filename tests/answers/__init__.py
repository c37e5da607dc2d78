"""Answers to the exercises as people write them, in eight sets; none was seen when the checks were written.

What five of them gave before anything was mended for them, judged by eye. The author of all but the last two had read
the kinds of mistakes that the checks know; the strangers had read the notebooks alone:

================  =====  ========  =====  ======  =====  ========
set               wrong  rejected  named  misled  right  accepted
by_other_means      136       136    129       1     68        67
slips_of_the_pen    120       119    100       0      0         0
afterwards           49        49     46       0      7         7
sealed, first       180       179    170       1     72        68
sealed, second       72        72     56       2      0         0
sealed, third        36        36     28       0      0         0
sealed, fourth       36        36     27       0      0         0
strangers, first    108       108    100       2     36        36
strangers, second   107       105     91       2     36        36
================  =====  ========  =====  ======  =====  ========

Of the sealed sets, which became ever stranger, and of the strangers' only those answers are here that found something;
each sealed set was written after what the one before had found was mended. Two of the right ones that were refused
wrote 0 and 1 for truth values, which are accepted now. A wrong answer that repeats one of an earlier set word for word
is left out of the later ones; three that were taken for right at first, about deletion, are among the wrong ones.

Each set is a module that registers its answers: `wrong` with a pattern of the sentence that names the cause, or with
``UNNAMED`` where only the place of a difference is told, and `right`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

UNNAMED = ""


@dataclass(frozen=True)
class Given:
    """An answer: the exercise, whether it is right, a pattern for the sentence about it, and the answer itself."""

    exercise: str
    is_right: bool
    pattern: str
    answer: Any


GIVEN: list[Given] = []


def _register(exercise: str, is_right: bool, pattern: str, answers: tuple) -> Callable[[Any], Any]:
    GIVEN.extend(Given(exercise, is_right, pattern, answer) for answer in answers)

    def one_more(answer: Any) -> Any:
        GIVEN.append(Given(exercise, is_right, pattern, answer))
        return answer

    return one_more


def right(exercise: str, *answers: Any) -> Callable[[Any], Any]:
    """Register right answers; also a decorator, for one that is a function of its own."""
    return _register(exercise, True, UNNAMED, answers)


def wrong(exercise: str, pattern: str, *answers: Any) -> Callable[[Any], Any]:
    """Register wrong answers, with a pattern for their sentence; also a decorator."""
    return _register(exercise, False, pattern, answers)
