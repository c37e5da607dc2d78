"""What an exercise is: a reference answer, inputs to try it on, and the mistakes that people make."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from course_utils.exercises.reading import OPENING_ORDINALS, ORDINALS, equal, wrong_form

Answer = Callable[..., Any]
Choices = Mapping[str, tuple[Any, str]]


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
        Our answer: a function of what ``draw`` gives. Where its signature says the axes, so do the messages.
    draw
        Makes one set of ordinary arguments with PyTorch's global generator, which `check` seeds and puts back: all
        sizes anew each time, another prime for every axis, moderate scores (a saturated softmax hides a missing scale),
        in every row something that counts and something that does not.
    wrong_answers
        Name → mistake, each with its own message. What all exercises share (a mask inverted, a matrix transposed, a
        result halved, a size written in) is recognised without being listed.
    asks_for
        ``"function"``, or ``"value"`` where the learner predicts: then ``reference`` and ``computes`` take no arguments
        and the stub holds ``...``.
    fault
        For questions with many right answers ("find an input for which …"): ``fault(result, *arguments)`` says what is
        wrong with a result, or gives None. Without it a result must equal the reference's.
    hard
        What is special → draws such arguments: the end of "Right for ordinary arguments, but not …", as in "where a
        sentence has no words".
    gradient_of
        Names of the arguments with respect to which the gradient must be right as well.
    needs_gradient
        Whether a result without any gradient is wrong.
    overhears
        ``overhears(call, draws)`` looks at what a wrong answer hands to its arguments that are functions, and says what
        is wrong there; ``call`` takes a tuple of arguments.
    slots
        For mistakes that are made together: each slot is a mapping of choices, as in `combinations`.
    assemble
        Makes a function from one choice for each slot.
    """

    reference: Answer
    draw: Callable[[], tuple]
    wrong_answers: Mapping[str, WrongAnswer]
    asks_for: str = "function"
    fault: Callable[..., str | None] | None = None
    hard: Mapping[str, Callable[[], tuple]] = field(default_factory=dict)
    gradient_of: tuple[str, ...] = ()
    needs_gradient: bool = False
    overhears: Callable[[Answer, list[tuple]], str | None] | None = None
    slots: Sequence[tuple[Any, Choices]] = ()
    assemble: Answer | None = None

    def together(self) -> Iterator[WrongAnswer]:
        """Give the mistakes of two slots at a time."""
        if self.assemble is None:
            return
        right = [slot[0] for slot in self.slots]
        for i, j in itertools.combinations(range(len(self.slots)), 2):
            for (one, first), (two, second) in itertools.product(self.slots[i][1].values(), self.slots[j][1].values()):
                chosen = [*right[:i], one, *right[i + 1 : j], two, *right[j + 1 :]]
                yield WrongAnswer(self.assemble(*chosen), f"There are two things. {first} And: {second}")


def single_slips(assemble: Answer, slots: Sequence[tuple[Any, Choices]]) -> dict[str, WrongAnswer]:
    """Make a wrong answer from each wrong choice, all other choices being right.

    Parameters
    ----------
    assemble
        Makes a function from one choice for each slot.
    slots
        For each slot the right choice, and name → (wrong choice, what to tell its author).
    """
    right = [slot[0] for slot in slots]
    names = [name for _, choices in slots for name in choices]
    if len(set(names)) < len(names):
        raise ValueError(f"single_slips: two slots have a choice of one name, {max(names, key=names.count)!r}.")
    return {
        name: WrongAnswer(assemble(*right[:i], choice, *right[i + 1 :]), message)
        for i, (_, choices) in enumerate(slots)
        for name, (choice, message) in choices.items()
    }


PRIMES = (3, 5, 7, 11, 13)


def primes(count: int, of: Sequence[int] = PRIMES) -> list[int]:
    """Draw so many different sizes, for axes that must not be mistaken for each other."""
    return [of[i] for i in torch.randperm(len(of))[:count].tolist()]


def prediction(
    value: Any, wrong: Mapping[str, tuple[Any, str]], fault: Callable[[Any], str | None] | None = None
) -> Exercise:
    """Make an exercise in which a value is predicted before the code is run.

    Parameters
    ----------
    value
        What is right: a number, a string, a bool, or a tuple of them.
    wrong
        Name → (the wrong value, what to tell its author).
    fault
        Says what is wrong with any other value, or gives None where it is right.
    """
    wrong_answers = {
        name: WrongAnswer(lambda mistaken=mistaken: mistaken, message) for name, (mistaken, message) in wrong.items()
    }
    return Exercise(lambda: value, tuple, wrong_answers, asks_for="value", fault=fault)


@dataclass(frozen=True)
class Entry:
    """One entry of a predicted tuple.

    Attributes
    ----------
    right
        What is right: a number, a string, or a bool.
    ask
        What to ask whoever has it wrong.
    known
        A wrong value → what to tell its author in place of that.
    among
        Between which values to choose, where there is a choice.
    """

    right: Any
    ask: str
    known: Mapping[Any, str] = field(default_factory=dict)
    among: tuple[Any, ...] = ()

    def told(self, found: Any, place: int) -> str:
        """Say what is wrong with another value in this place."""
        for value, sentence in self.known.items():
            if equal(value, found):
                return sentence
        if self.among and not any(equal(value, found) for value in self.among):
            return f"{OPENING_ORDINALS[place]} entry: choose one of {', '.join(map(repr, self.among))}."
        if not isinstance(self.right, int | float) or isinstance(self.right, bool):
            return self.ask
        if isinstance(self.right, int) and found != int(found):
            return f"The {ORDINALS[place]} number should be a whole one. {self.ask}"
        if found > self.right:
            return f"The {ORDINALS[place]} number is too large. {self.ask}"
        return f"The {ORDINALS[place]} number is too small. {self.ask}"


def table(entries: Sequence[Entry], wrong: Mapping[str, tuple[tuple, str]]) -> Exercise:
    """Make a prediction of several values; of what is wrong, the first two entries are told.

    Parameters
    ----------
    entries
        What is right in each place, and what to tell otherwise.
    wrong
        Name → (a wrong tuple, what to tell its author), where a tuple as a whole says more.
    """
    value = tuple(entry.right for entry in entries)

    def fault(found: Any) -> str | None:
        found = found.tolist() if isinstance(found, torch.Tensor) else found
        if isinstance(found, list | tuple):
            found = [part.item() if isinstance(part, torch.Tensor) and not part.dim() else part for part in found]
        form = wrong_form(value, found)
        if form:
            return form
        slips = [i for i, (right, given) in enumerate(zip(value, found, strict=True)) if not equal(right, given)]
        if not slips:
            return None
        told = " ".join(entries[i].told(found[i], i) for i in slips[:2])
        if len(slips) == 1:
            return f"One of the {len(value)} is not right yet. {told}"
        return f"{len(slips)} of the {len(value)} are not right yet. {told}"

    return prediction(value, wrong, fault)


def truth_table(
    value: tuple[bool, ...], reasons: Sequence[str], wrong: Mapping[str, tuple[tuple[bool, ...], str]]
) -> Exercise:
    """Make a prediction of truth values, with one reason for each statement."""
    return table([Entry(right, reason) for right, reason in zip(value, reasons, strict=True)], wrong)
