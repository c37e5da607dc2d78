"""``check("name", answer)`` compares an answer with ours and, where it is wrong, names the misconception.

An answer that differs is first held against the exercise's list of wrong answers; only an unknown one gets the place
where it differs. What the exercises ask is in ``course_utils.exercises``.
"""

import copy
import math
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from course_utils.exercises import progress
from course_utils.exercises.catalogue import EXERCISES
from course_utils.exercises.exercise import Answer, Exercise

N_DRAWS = 5
TIME_LIMIT = 10.0  # seconds, for all draws together
CORRECT, NOT_ATTEMPTED = "correct.", "not attempted yet."
CHANGES_ARGUMENTS = (
    "not yet. Your function changes its arguments; make a new tensor instead of writing into a given one."
)
RTOL, ATOL = 1e-4, 1e-5  # wide enough for another order of sums and for half the digits of another dtype


def check(name: str, answer: Any) -> None:
    """Say whether an answer is correct, not attempted yet, or which mistake it makes; keep what was solved.

    Parameters
    ----------
    name
        The exercise.
    answer
        Your function, or, where a prediction is asked, your value.

    Raises
    ------
    KeyError
        If there is no exercise of this name.
    """
    sentence = diagnose(name, answer)
    print(f"{name}: {sentence}")
    if sentence != NOT_ATTEMPTED:
        progress.note(name, solved=sentence == CORRECT)


def diagnose(name: str, answer: Any) -> str:
    """Give the sentence that `check` prints."""
    if name not in EXERCISES:
        raise KeyError(f"check: no exercise is called {name!r}; there are {', '.join(EXERCISES)}.")
    exercise = EXERCISES[name]
    if answer is ...:
        return NOT_ATTEMPTED
    if exercise.asks_for == "value":
        if callable(answer):
            return "not yet. Expected a value, found a function: call it, or write what you predict."
        draws, given = [()], lambda: answer
    else:
        if not callable(answer):
            return (
                f"not yet. Expected a function, found {type(answer).__name__}: hand over the function itself, without "
                "calling it."
            )
        draws, given = _draws(exercise), answer
    results, obstacle = _results(given, draws)
    return obstacle or compare(exercise, draws, results)


def _draws(exercise: Exercise) -> list[tuple]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2017)
        return [exercise.draw() for _ in range(N_DRAWS)]


def _results(answer: Answer, draws: list[tuple]) -> tuple[list[Any], str | None]:
    """Run an answer on all draws; give the results, or what stood in the way."""
    results = []
    try:
        with torch.random.fork_rng(devices=[]), _time_limit(TIME_LIMIT):
            for arguments in draws:
                given = copy.deepcopy(arguments)
                results.append(answer(*given))
                if not _same(given, arguments):
                    return results, CHANGES_ARGUMENTS
    except _OutOfTime:
        return results, (
            f"not yet. Your function was stopped after {TIME_LIMIT:.0f} seconds; ours takes a fraction of one. Does a "
            "loop never end?"
        )
    except (Exception, SystemExit) as error:  # the learner's code may raise anything; what it raised is the diagnosis
        if type(error) is NotImplementedError and not error.args:  # the stub; PyTorch's own errors bring a message
            return results, NOT_ATTEMPTED
        shown = ", ".join(_shown(argument) for argument in arguments)
        return results, f"not yet. Your function raised {type(error).__name__}: {error} (arguments: {shown})"
    return results, None


def _shown(argument: Any) -> str:
    return f"tensor{tuple(argument.shape)}" if isinstance(argument, Tensor) else repr(argument)


class _OutOfTime(BaseException):
    """Raised by the alarm; no ``except Exception`` of the learner's swallows it."""


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # only the main thread hears signals
        yield
        return
    running = True

    def stop(*_signal_and_frame: Any) -> None:
        if running:
            raise _OutOfTime

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.1)  # again and again, for a bare except swallows the first
    try:
        yield
    finally:
        running = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def compare(exercise: Exercise, draws: list[tuple], results: list[Any]) -> str:
    """Say what is wrong with the results of an answer, or that they are correct."""
    expected = [exercise.reference(*arguments) for arguments in draws]
    if exercise.fault is None:
        faults = [
            None if _equal(e, r) else _difference(e, r, exercise.asks_for)
            for e, r in zip(expected, results, strict=True)
        ]
    else:
        faults = [
            _fault(exercise.fault, r, e, arguments) for r, e, arguments in zip(results, expected, draws, strict=True)
        ]
    first = next((fault for fault in faults if fault), None)
    if first is None:
        return CORRECT
    for wrong in exercise.wrong_answers.values():
        if all(_equal(wrong.computes(*a), r) for a, r in zip(draws, results, strict=True)):
            return f"not yet. {wrong.message}"
    return f"not yet. {first}"


def _fault(fault: Callable[..., str | None], result: Any, example: Any, arguments: tuple) -> str | None:
    """Ask the exercise what is wrong with a result; what it cannot even read is told by type and shape."""
    try:
        return fault(result, *arguments)
    except Exception:
        return f"Expected {_kind(example)}, found {_shown(result)}."


def _kind(value: Any) -> str:
    """Describe a result of ours without showing it."""
    if isinstance(value, Tensor):
        return f"a tensor{tuple(value.shape)}"
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a value of type {type(value).__name__}"


def _same(given: Any, before: Any) -> bool:
    if isinstance(before, Tensor):
        return given.shape == before.shape and torch.equal(given, before)
    if isinstance(before, Mapping):
        return given.keys() == before.keys() and all(_same(given[key], before[key]) for key in before)
    if isinstance(before, list | tuple):
        return len(given) == len(before) and all(map(_same, given, before))
    return bool(given == before)


def _equal(expected: Any, found: Any) -> bool:
    if isinstance(expected, Tensor):
        return (
            isinstance(found, Tensor)
            and found.shape == expected.shape
            and torch.allclose(_like(found, expected), expected, rtol=RTOL, atol=ATOL, equal_nan=True)
        )
    if isinstance(found, Tensor):
        found = found.tolist()
    if isinstance(expected, str):
        return isinstance(found, str) and found.strip().casefold() == expected.casefold()
    if isinstance(expected, Sequence):
        is_sequence = isinstance(found, Sequence) and not isinstance(found, str)
        return is_sequence and len(found) == len(expected) and all(map(_equal, expected, found))
    if isinstance(expected, bool) or not isinstance(expected, int | float):
        return type(found) is type(expected) and found == expected
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    return is_number and math.isclose(found, expected, rel_tol=1e-3, abs_tol=1e-3)


def _like(found: Tensor, expected: Tensor) -> Tensor:
    return found.detach().to(expected.device, expected.dtype)


def _difference(expected: Any, found: Any, asks_for: str) -> str:
    """Name the first thing in which a result differs: type, length, shape, dtype, or place."""
    if asks_for == "value":
        kind = "a sequence" if isinstance(expected, Sequence) and not isinstance(expected, str) else None
        kind = kind or {str: "a string", bool: "True or False"}.get(type(expected), "a number")
        return f"{found!r} is not it (expected: {kind}). Work it out on paper first; a hint is folded below."
    if found is None:
        return "Your function returned None: is there a return at its end?"
    if isinstance(expected, tuple):
        if not isinstance(found, tuple | list) or len(found) != len(expected):
            return f"Expected {len(expected)} results, found {_shown(found)}."
        part = next(i for i, (e, f) in enumerate(zip(expected, found, strict=True)) if not _equal(e, f))
        return f"In result {part + 1} of {len(expected)}: {_difference(expected[part], found[part], asks_for)}"
    if not isinstance(expected, Tensor):
        return f"Expected {expected!r}, found {_shown(found)}."
    if not isinstance(found, Tensor):
        return f"Expected a tensor, found {type(found).__name__}."
    if found.shape != expected.shape:
        return f"Expected shape {tuple(expected.shape)}, found {tuple(found.shape)}."
    if expected.is_floating_point() and not found.is_floating_point():
        return f"Expected floating-point numbers, found {found.dtype}."
    if torch.isnan(found).any():
        return "There is NaN in your result: does a row without anything to attend to divide zero by zero?"
    off = ~torch.isclose(_like(found, expected), expected, rtol=RTOL, atol=ATOL)
    place = tuple(int(i) for i in off.nonzero()[0])
    return (
        f"The first difference is at index {list(place)}: expected {expected[place].item():.4f}, "
        f"found {found[place].item():.4f}; {int(off.sum())} of {off.numel()} numbers differ."
    )
