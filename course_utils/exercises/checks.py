"""``check("name", answer)`` compares an answer with ours and, where it is wrong, names the misconception.

An answer that differs is held against wrong functions: those that the exercise lists, then those that
`course_utils.exercises.kinds` makes from its reference. It has made a mistake if it computes what the wrong function
computes, on every draw; only where nothing fits is the place told where it differs. What is right on ordinary draws
meets the exercise's special ones (an empty row, an even width), each of which says what is special about it. What the
exercises ask is in ``course_utils.exercises``.
"""

import copy
import itertools
import signal
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from IPython.display import display
from torch import Tensor

from course_utils.exercises import cells, guard, kinds, progress, reading, repair
from course_utils.exercises.catalogue import EXERCISES
from course_utils.exercises.exercise import Exercise, WrongAnswer
from course_utils.exercises.plain import encode
from course_utils.exercises.praise import praise
from course_utils.exercises.reading import Unreadable, equal, kind, read, same, shown
from course_utils.languages.speaking import said

CELLS = cells.watch()
N_DRAWS = 5
TIME_LIMIT = 10.0  # seconds, for all draws together
SEARCH_LIMIT = 1.0  # seconds of the processor, for the search of one slip
LONGEST = 600  # characters of a sentence
Draws = list[tuple]
CORRECT, NOT_ATTEMPTED = "correct.", "not attempted yet."
CHANGES_ARGUMENTS = (
    "not yet. Your function changes its arguments; make a new tensor instead of writing into a given one."
)


def check(name: str, answer: Any) -> None:
    """Say whether an answer is correct, not attempted yet, or which mistake it makes; keep what was solved.

    In a notebook an answer is not looked at if the newest cell that defines it has failed: it is an older one.

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
    older = CELLS.failure(name) if CELLS and name in EXERCISES else None
    if older:
        print(f"{name}: {said(f'not yet. {older}')}")
        return
    sentence = diagnose(name, answer)
    if sentence == CORRECT:
        display(praise(name))
    else:
        print(f"{name}: {said(sentence)}")
    if sentence != NOT_ATTEMPTED:
        progress.note(name, solved=sentence == CORRECT)


def diagnose(name: str, answer: Any) -> str:
    """Give the sentence that `check` prints."""
    if name not in EXERCISES:
        raise KeyError(f"check: no exercise is called {name!r}; there are {', '.join(EXERCISES)}.")
    exercise = EXERCISES[name]
    if answer is ...:
        return NOT_ATTEMPTED
    try:
        sentence = _of_value(exercise, answer) if exercise.asks_for == "value" else _of_function(exercise, answer)
    except _Obstacle as obstacle:
        sentence = obstacle.sentence
    if sentence is None:
        return CORRECT
    return sentence if sentence == NOT_ATTEMPTED else _cut(f"not yet. {sentence}")


def special_draws(exercise: Exercise) -> list[tuple]:
    """Draw the special arguments of an exercise, each kind once."""
    return [draw() for draw in exercise.hard.values()]


def compare(exercise: Exercise, draws: list[tuple], results: list[Any], gradients: Sequence[Any] = ()) -> str:
    """Say what is wrong with the results of an answer that is not here, or that they are correct.

    The draws are ordinary ones; those of `special_draws` may follow them. ``gradients`` are those of the first draws,
    in an exercise that asks for them.
    """
    found = [read(result) for result in results]
    expected = [exercise.reference(*copy.deepcopy(arguments)) for arguments in draws]
    if exercise.asks_for == "value":
        sentence = _of_value(exercise, found[0])
        return CORRECT if sentence is None else _cut(f"not yet. {sentence}")
    wrong = [not _right(exercise, a, r, e) for a, r, e in zip(draws, found, expected, strict=True)]
    if not any(wrong):
        told = _compare_gradients(exercise, draws, gradients)
        return CORRECT if told is None else _cut(f"not yet. {told}")
    place = _place(exercise, draws, found, expected, wrong.index(True))
    told, special = None, wrong.index(True) - N_DRAWS
    if special >= 0:
        told = f"Right for ordinary arguments, but not {list(exercise.hard)[special]}. {place}"
        for mistake in exercise.wrong_answers.values():
            if _agrees(mistake, draws[N_DRAWS:], found[N_DRAWS:]) and (
                exercise.fault is not None or _agrees(mistake, draws[:N_DRAWS], expected[:N_DRAWS])
            ):
                told = mistake.message
                break
    else:
        ordinary = draws[:N_DRAWS], found[:N_DRAWS]
        told = _listed(exercise, None, draws[:N_DRAWS], {}, found[:N_DRAWS], expected[:N_DRAWS])
        if not told and exercise.fault is None:
            told = (
                _of_kinds(exercise, _kinds(exercise, draws), *ordinary)
                or _searched(lambda: kinds.relation(expected[:N_DRAWS], *ordinary[::-1], exercise))
                or _pairs(exercise, *ordinary)
            )
    return _cut(f"not yet. {told or place}")


def _place(exercise: Exercise, draws: Draws, results: list[Any], expected: list[Any], i: int) -> str:
    """Tell the place where one result differs."""
    if exercise.fault is not None:
        return _fault(exercise, results[i], expected[i], draws[i])
    return reading.difference(expected[i], results[i], kinds.result_axes(exercise))


def _cut(sentence: str) -> str:
    return sentence if len(sentence) <= LONGEST else sentence[: LONGEST - 1] + "…"


def _of_value(exercise: Exercise, value: Any) -> str | None:
    if callable(value) and not isinstance(value, type(...)):
        return "Expected a value, found a function: call it, or write what you predict."
    result, expected = read(value), exercise.reference()
    if isinstance(result, Tensor) and result.numel() == 1 and isinstance(expected, int | float):
        result = result.item()  # what is computed may come with axes of length 1
    if _right(exercise, (), result, expected):
        return None
    for wrong in exercise.wrong_answers.values():
        if equal(wrong.computes(), result):
            return wrong.message
    told = reading.right_but_for(expected, result)
    if told:
        return told
    if exercise.fault is not None:
        return _fault(exercise, result, expected, ())
    return _kind_of_value(expected, result, value)


def _kind_of_value(expected: Any, found: Any, value: Any) -> str:
    """Say what kind of value is expected, first where only the kind is wrong."""
    wanted = "a sequence" if isinstance(expected, Sequence) and not isinstance(expected, str) else None
    wanted = wanted or {str: "a string", bool: "True or False"}.get(type(expected), "a number")
    if isinstance(found, Unreadable):
        return found.why
    form = reading.wrong_form(expected, found)
    return form or f"{shown(value)} is not it (expected: {wanted}). Work it out on paper first; a hint is folded below."


class _Obstacle(Exception):
    """What stands in the way of a result; ``sentence`` says it."""

    def __init__(self, sentence: str):
        super().__init__(sentence)
        self.sentence = sentence


class _Answer:
    """A learner's function, called so that nothing goes wrong outside: its results are read, its prints bounded."""

    def __init__(self, function: Callable[..., Any]):
        self.function = _not_compiled(function)
        self._printed, self._calls, self._seconds = guard.PRINTED, 0, 0.0

    def __call__(self, arguments: tuple) -> Any:
        given = copy.deepcopy(arguments)
        room, self._printed = self._printed, 0
        begun = time.process_time()
        try:
            with guard.undisturbed(room), _own_interrupts():
                self._calls += 1
                torch.manual_seed(self._calls)  # what is random differs from call to call
                result = read(self.function(*given))
        except (guard.OutOfTime, _Interrupted):
            raise
        except BaseException as error:  # the learner's code may raise anything; what it raised is the diagnosis
            if type(error) is NotImplementedError and not error.args:  # the stub; PyTorch's own errors bring a message
                raise _Obstacle(NOT_ATTEMPTED) from None
            raise _Obstacle(_raised(error, arguments)) from None
        finally:
            self._seconds += time.process_time() - begun
        if not _unchanged(given, arguments):
            raise _Obstacle(CHANGES_ARGUMENTS.removeprefix("not yet. "))
        return result

    def much_longer(self, calls: int) -> float:
        """Give more seconds of the processor than so many calls should take."""
        return 0.02 + 3 * calls * self._seconds / self._calls


def _not_compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give what was compiled, for compiling takes longer than we wait."""
    try:
        compiled = getattr(function, "_torchdynamo_orig_callable", None)
        plain: Callable[..., Any] = getattr(function, "_orig_mod", function)
        return plain if compiled is None else compiled
    except Exception:  # an object's attributes are somebody's code too
        return function


def _unchanged(given: tuple, arguments: tuple) -> bool:
    try:
        return same(given, arguments)
    except Exception:  # what was done to them may make them incomparable
        return False


def _raised(error: BaseException, arguments: tuple) -> str:
    given = ", ".join(shown_argument(argument) for argument in arguments)
    try:
        text = " ".join(str(error).split())
    except Exception:  # a message is somebody's code too
        text = "(its message cannot be read)"
    text = text if len(text) <= 250 else text[:249] + "…"
    return f"Your function raised {type(error).__name__}: {text} (arguments: {given})"


def shown_argument(argument: Any) -> str:
    """Describe an argument of an answer in a few characters."""
    return "a function" if callable(argument) else shown(argument)


class _Interrupted(BaseException):
    """Whoever sits at the keyboard has interrupted."""


def _interrupt(*_signal_and_frame: Any) -> None:
    raise _Interrupted


@contextmanager
def _own_interrupts() -> Iterator[None]:
    """Tell an interrupt from outside, which ends the check, from a KeyboardInterrupt that an answer raises itself."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before if before is not None else signal.default_int_handler)


def _draws(exercise: Exercise) -> tuple[Draws, dict[str, tuple]]:
    """Draw the ordinary arguments, and the special ones by what is special about them."""
    dtype = torch.get_default_dtype()
    with torch.random.fork_rng(devices=[]):
        torch.set_default_dtype(torch.float32)
        try:
            torch.manual_seed(2017)
            return [exercise.draw() for _ in range(N_DRAWS)], {what: draw() for what, draw in exercise.hard.items()}
        finally:
            torch.set_default_dtype(dtype)


_EXPECTED: dict[Hashable, list[Any]] = {}


def _expected(exercise: Exercise, draws: Draws, which: str = "ordinary") -> list[Any]:
    """Give the right results of the draws of a check, which are the same each time and need not be computed again."""
    key = (exercise.reference, exercise.draw, *exercise.hard.values(), which)
    if key not in _EXPECTED:
        _EXPECTED[key] = [exercise.reference(*copy.deepcopy(arguments)) for arguments in draws]
    return _EXPECTED[key]


def _of_function(exercise: Exercise, given: Any) -> str | None:
    if not callable(given):
        return f"Expected a function, found {type(given).__name__}: hand over the function itself, without calling it."
    if issubclass(type(given), type):  # asking the object itself might run somebody's code
        return f"Expected a function, found the class {given.__name__}: make an object of it, if that can be called."
    draws, hard = _draws(exercise)
    answer = _Answer(given)

    def all_once() -> None:
        for arguments in itertools.chain(draws, hard.values()):
            answer.function(*copy.deepcopy(arguments))

    stopped = guard.rehearse(all_once, TIME_LIMIT)
    if stopped:
        return stopped
    begun = time.monotonic()
    try:
        with guard.time_limit(TIME_LIMIT):
            sentence = _first_fault(exercise, answer, draws, hard)
    except guard.OutOfTime:
        return guard.too_long(time.monotonic() - begun)
    except _Interrupted:
        raise KeyboardInterrupt from None
    return sentence


def _first_fault(exercise: Exercise, answer: _Answer, draws: Draws, hard: Mapping[str, tuple]) -> str | None:
    results: list[Any] = []
    try:
        for arguments in draws:
            results.append(answer(arguments))
    except _Obstacle as obstacle:
        if obstacle.sentence == NOT_ATTEMPTED:
            raise
        return _why_raised(exercise, answer, draws, hard, obstacle.sentence)
    with guard.undisturbed(guard.PRINTED):
        expected = _expected(exercise, draws)
        wrong = [not _right(exercise, a, r, e) for a, r, e in zip(draws, results, expected, strict=True)]
        if any(wrong):
            try:
                return _why_wrong(exercise, answer, draws, hard, results, expected, wrong)
            except guard.OutOfTime:  # it was our search that took so long
                return _place(exercise, draws, results, expected, wrong.index(True))
        return _at_the_edges(exercise, answer, draws, hard, expected) or _of_gradients(exercise, answer, draws)


def _right(exercise: Exercise, arguments: tuple, result: Any, expected: Any) -> bool:
    if exercise.fault is None:
        return equal(expected, result) and not reading.numbers_for_truth(expected, result)
    try:
        return exercise.fault(copy.deepcopy(result), *arguments) is None
    except Exception:
        return False


def _fault(exercise: Exercise, result: Any, example: Any, arguments: tuple) -> str:
    """Ask the exercise what is wrong with a result; what it cannot even read is told by type and shape."""
    if isinstance(result, Unreadable):
        return result.why
    try:
        sentence = exercise.fault(result, *arguments) if exercise.fault else None
    except Exception:
        sentence = None
    if exercise.asks_for == "function":
        sentence = _right_in_part(exercise, result, example, arguments) or sentence
    return (
        sentence
        or kinds.wrong_size(exercise, result, example, arguments)
        or (f"Expected {kind(example)}, found {shown(result)}.")
    )


def _right_in_part(exercise: Exercise, result: Any, example: Any, arguments: tuple) -> str | None:
    """See whether what answers a question with many answers is there, in another order or among something else."""

    def is_right(part: Any) -> bool:
        return _right(exercise, arguments, part, example)

    if isinstance(result, tuple | list) and isinstance(example, tuple) and len(result) == len(example):
        if any(is_right(order) for order in itertools.permutations(result)):
            return f"Your {len(result)} results are right, but in another order."
    elif isinstance(result, tuple | list) and isinstance(example, Tensor) and 1 < len(result) < 5:
        for i, part in enumerate(result):
            if isinstance(part, Tensor) and is_right(part):
                return kinds.one_is_right(len(result), i)
    elif isinstance(result, Tensor) and isinstance(example, Tensor) and result.dim() == example.dim() + 1:
        if not len(result) or not is_right(result[-1]):
            return None
        if len(result) == 1:
            return "Your result is right but for one axis of length 1 too many, at its front."
        return "The last row of your result is right: return it alone."
    return None


def _is_right_on(exercise: Exercise, function: Callable, draws: Draws, expected: list[Any]) -> bool:
    """Say whether a changed function is right on all draws."""
    changed = _Answer(function)
    changed._printed = 0
    try:
        return all(_right(exercise, a, changed(a), e) for a, e in zip(draws, expected, strict=True))
    except _Obstacle:
        return False


def _is_soon_right_on(
    exercise: Exercise, answer: _Answer, function: Callable, draws: Draws, expected: list[Any]
) -> bool:
    """Say the same of one whose change may have made a loop endless, which the first draw shows."""
    try:
        for some in (slice(1), slice(1, None)):
            with guard.processor_limit(answer.much_longer(len(draws[some]))):
                if not _is_right_on(exercise, function, draws[some], expected[some]):
                    return False
    except guard.OutOfTime:
        return False
    return True


def _sizes(arguments: tuple) -> dict[str, int]:
    """Give every size and whole number among the arguments, by where it stands."""
    sizes = {}
    for i, argument in enumerate(arguments):
        if isinstance(argument, Tensor):
            sizes.update({f"{i}.{axis}": size for axis, size in enumerate(argument.shape)})
        elif type(argument) is int:
            sizes[f"{i}"] = argument
        elif isinstance(argument, list):
            sizes[f"{i}"] = len(argument)
    return sizes


def _why_raised(exercise: Exercise, answer: _Answer, draws: Draws, hard: Mapping[str, tuple], raised: str) -> str:
    """Explain an error: by a size that is written in, by one slip that mends it, or by its own words."""
    if "NotImplementedError" in raised:
        return raised
    told = (
        _in_another_order(exercise, answer, draws)
        or _calls_in_another_order(exercise, answer, draws)
        or _written_in(exercise, answer, draws)
        or _slip(exercise, answer, draws, hard)
    )
    return f"{told} ({raised[:300]})" if told else raised


def _exchanged(function: Callable, i: int, j: int, *given: Any) -> Any:
    order = [j if k == i else i if k == j else k for k in range(len(given))]
    return function(*(given[k] for k in order))


def _in_another_order(exercise: Exercise, answer: _Answer, draws: Draws) -> str | None:
    """See whether an answer is right once two of its arguments change places."""
    listed, expected = kinds.parameters(exercise), _expected(exercise, draws)
    if len(listed) != len(draws[0]):
        return None
    for i, j in itertools.combinations(range(len(listed)), 2):
        exchanged = partial(_exchanged, answer.function, i, j)
        if _is_soon_right_on(exercise, answer, exchanged, draws, expected):
            return (
                f"`{listed[i].name}` and `{listed[j].name}` have changed places in your function: look at the order of "
                "its parameters, and at where each of them is used."
            )
    return None


def _turned(function: Callable, *given: Any, **named: Any) -> Any:
    return function(*given[1::-1], *given[2:], **named)


def _gives_turned(function: Callable, *given: Any, **named: Any) -> Any:
    result = function(*given, **named)
    return result[::-1] if isinstance(result, tuple) else result


def _calls_in_another_order(exercise: Exercise, answer: _Answer, draws: Draws) -> str | None:
    """See whether an answer is right once a function among its arguments takes, or gives, its first two exchanged."""
    listed, expected = kinds.parameters(exercise), _expected(exercise, draws)
    for i in [i for i, argument in enumerate(draws[0]) if callable(argument) and len(listed) == len(draws[0])]:
        name = listed[i].name
        for turned, sentence in (
            (_turned, f"You call `{name}` with its two arguments exchanged: look at the order in which it takes them."),
            (_gives_turned, f"You take what `{name}` returns in another order than it comes: which result is first?"),
        ):

            def handed_over(*given: Any, i: int = i, turned: Callable = turned) -> Any:
                return answer.function(*given[:i], partial(turned, given[i]), *given[i + 1 :])

            if _is_soon_right_on(exercise, answer, handed_over, draws, expected):
                return sentence
    return None


def _written_in(exercise: Exercise, answer: _Answer, draws: Draws) -> str | None:
    """Find a size that is written into an answer."""
    expected = _expected(exercise, draws)

    def is_right(function: Callable, i: int) -> bool:
        return _is_right_on(exercise, function, draws[i : i + 1], expected[i : i + 1])

    return _searched(lambda: repair.written_in(answer.function, list(map(_sizes, draws)), is_right))


def _slip(exercise: Exercise, answer: _Answer, draws: Draws, hard: Mapping[str, tuple]) -> str | None:
    """Find the one change that mends an answer on every draw."""
    every = [*draws, *hard.values()]
    expected = [*_expected(exercise, draws), *_expected(exercise, list(hard.values()), "special")]

    try:
        return repair.repaired(
            answer.function,
            lambda f: _is_soon_right_on(exercise, answer, f, every, expected),
            SEARCH_LIMIT,
            [getattr(argument, "dtype", type(argument)) for argument in draws[0]],
        )
    except Exception:  # whatever goes wrong in a search, the rest is still told
        return None


def _searched(search: Callable[[], str | None]) -> str | None:
    """Look for something more to say, for a while; whatever goes wrong in that, the rest is still told."""
    try:
        with guard.undisturbed(0), guard.processor_limit(2 * SEARCH_LIMIT):
            return search()
    except (guard.OutOfTime, Exception):
        return None


def _why_wrong(
    exercise: Exercise,
    answer: _Answer,
    draws: Draws,
    hard: Mapping[str, tuple],
    results: list[Any],
    expected: list[Any],
    wrong: list[bool],
) -> str:
    """Name the mistake of an answer that is wrong on ordinary draws."""
    first = wrong.index(True)
    listed = _listed(exercise, answer, draws, hard, results, expected)
    if listed:
        return listed
    place = _place(exercise, draws, results, expected, first)
    if any(result is None or isinstance(result, Unreadable) for result in results) or all(
        map(equal, expected, results)
    ):
        return place
    if exercise.fault is not None and isinstance(expected[0], tuple) and _parts(results[0]) != len(expected[0]):
        return place
    restless = _restless(answer, draws, results)
    if restless:
        return restless
    written = _written_in(exercise, answer, draws)
    if written:
        return written
    turned = _calls_in_another_order(exercise, answer, draws)
    if turned:
        return turned
    if exercise.fault is not None:
        return place
    if any(t.dtype in reading.HALF for result in results for t in _tensors(result)) or "found fractions" in place:
        return place
    overheard = exercise.overhears and _searched(partial(exercise.overhears, answer, draws))
    if overheard:
        return overheard
    told = None if all(map(_has_nan, results)) else _of_kinds(exercise, _known_kinds(exercise, draws), draws, results)
    told = told or _searched(lambda: kinds.relation(expected, results, draws, exercise))
    if told and not kinds.is_a_part(told):
        return told
    return (
        _pairs(exercise, draws, results, known=True)
        or _searched(lambda: _after_a_listed(exercise, draws, results))
        or told
        or _searched(lambda: kinds.scaled(expected, results, draws, exercise))
        or _slip(exercise, answer, draws, hard)
        or _symptom(exercise, answer, draws, place)
    )


def _parts(result: Any) -> int:
    return len(result) if isinstance(result, tuple | list) else 1


def _listed(
    exercise: Exercise,
    answer: _Answer | None,
    draws: Draws,
    hard: Mapping[str, tuple],
    results: list[Any],
    expected: list[Any],
) -> str | None:
    """Give the message of the listed mistake that an answer makes on all ordinary draws.

    Of several that cannot be told apart there, the one is meant that agrees on the special draws too.
    """
    possible: Iterable[WrongAnswer] = exercise.wrong_answers.values()
    if answer is None:
        fitting = [
            wrong
            for wrong in possible
            if _agrees(wrong, draws, results) and not all(map(equal, expected, _computed(wrong, draws)))
        ]
    else:
        fitting = [
            wrong
            for wrong in possible
            if all(equal(_on_a_draw(wrong, i, draws), result) for i, result in enumerate(results))
            and not all(equal(e, _on_a_draw(wrong, i, draws)) for i, e in enumerate(expected))
        ]
    if len({wrong.message for wrong in fitting}) > 1 and hard and answer is not None:
        try:
            special = [answer(arguments) for arguments in hard.values()]
        except _Obstacle:
            return fitting[0].message
        fitting = [wrong for wrong in fitting if _agrees(wrong, list(hard.values()), special)] or fitting
    return fitting[0].message if fitting else None


_ON_DRAWS: dict[tuple[WrongAnswer, int], Any] = {}


def _on_a_draw(wrong: WrongAnswer, i: int, draws: Draws) -> Any:
    """Give what a mistake computes on a draw of a check: they are the same each time, so it is computed once."""
    if (wrong, i) not in _ON_DRAWS:
        try:
            _ON_DRAWS[wrong, i] = read(wrong.computes(*copy.deepcopy(draws[i])))
        except Exception:  # a mistake need not be possible on every draw
            _ON_DRAWS[wrong, i] = Unreadable("")
    return _ON_DRAWS[wrong, i]


def _computed(wrong: WrongAnswer, draws: Draws) -> list[Any]:
    return [read(wrong.computes(*copy.deepcopy(arguments))) for arguments in draws]


def _agrees(wrong: WrongAnswer, draws: Draws, results: list[Any]) -> bool:
    try:
        return all(equal(read(wrong.computes(*copy.deepcopy(a))), r) for a, r in zip(draws, results, strict=True))
    except Exception:  # a mistake need not be possible on every draw
        return False


_Kinds = list[tuple[Callable, str, Any]]  # a change, the sentence, and what it makes of the first draw
_KINDS: dict[Hashable, _Kinds] = {}


def _kinds(exercise: Exercise, draws: Draws) -> _Kinds:
    return [
        (change, sentence, _changed(exercise, change, draws[0]))
        for change, sentence in kinds.of_arguments(exercise, draws[0])
    ]


def _known_kinds(exercise: Exercise, draws: Draws) -> _Kinds:
    """Give the kinds on the draws of a check, of which the first is computed once."""
    key = exercise.reference, exercise.draw
    if key not in _KINDS:
        _KINDS[key] = _kinds(exercise, draws)
    return _KINDS[key]


def _of_kinds(exercise: Exercise, listed: _Kinds, draws: Draws, results: list[Any]) -> str | None:
    """Name the change of the arguments with which the reference computes what the answer does."""
    for change, sentence, computed in listed:
        if equal(computed, results[0]) and all(
            equal(_changed(exercise, change, a), r) for a, r in zip(draws[1:], results[1:], strict=True)
        ):
            return sentence
    return None


def _changed(exercise: Exercise, change: Callable, arguments: tuple) -> Any:
    """Give what the reference computes with changed arguments."""
    try:
        changed = change(copy.deepcopy(list(arguments)))
        if changed is None or any(argument is None for argument in changed):
            return Unreadable("")
        return exercise.reference(*changed)
    except Exception:  # not every change suits every argument
        return Unreadable("")


_TOGETHER: dict[Hashable, tuple[list[WrongAnswer], Iterator[WrongAnswer]]] = {}


def _known_pairs(exercise: Exercise, draws: Draws, results: list[Any]) -> Iterator[tuple[WrongAnswer, bool]]:
    """Give each pair, and whether it agrees on the first draw of a check, for which it is computed once."""
    key = exercise.reference, exercise.draw
    known, others = _TOGETHER.setdefault(key, ([], exercise.together()))
    for wrong in itertools.chain(tuple(known), _kept(key, known, others)):
        yield wrong, equal(_on_a_draw(wrong, 0, draws), results[0])


def _kept(key: Hashable, known: list[WrongAnswer], others: Iterator[WrongAnswer]) -> Iterator[WrongAnswer]:
    try:
        for wrong in others:
            known.append(wrong)
            yield wrong
    except (guard.OutOfTime, Exception):  # what was interrupted gives nothing more: begin anew next time
        _TOGETHER.pop(key, None)
        raise


def _pairs(exercise: Exercise, draws: Draws, results: list[Any], known: bool = False) -> str | None:
    """Name two mistakes that are made together, where the exercise says how to combine them."""
    end = time.process_time() + SEARCH_LIMIT / 2
    possible = _known_pairs(exercise, draws, results) if known else ((wrong, True) for wrong in exercise.together())
    for wrong, maybe in possible:
        if maybe and _agrees(wrong, draws, results):
            return wrong.message
        if time.process_time() > end:
            break
    return None


def _after_a_listed(exercise: Exercise, draws: Draws, results: list[Any]) -> str | None:
    """Name a listed mistake to whose results something else was done: a factor, another order, one too many."""
    for what in (kinds.times, kinds.afterwards):
        for wrong in exercise.wrong_answers.values():
            if what([_on_a_draw(wrong, 0, draws)], results[:1], draws[:1], exercise):
                second = what([_on_a_draw(wrong, i, draws) for i in range(len(draws))], results, draws, exercise)
                if second:
                    return f"There are two things. {wrong.message} And: {second}"
    return None


def _restless(answer: _Answer, draws: Draws, results: list[Any]) -> str | None:
    try:
        again = answer(draws[0])
        alike = equal(results[0], again) or encode(results[0]) == encode(again)  # of an object, its type
    except Exception:
        return None
    if alike or _has_nan(again):
        return None
    return (
        "Two calls with the same arguments give two results: something is random, or is kept from one call to the next."
    )


def _has_nan(result: Any) -> bool:
    return any(not t.isfinite().all() for t in _tensors(result))


def _tensors(result: Any) -> list[Tensor]:
    """Give the tensors of a result, which may be one or several."""
    return [part for part in (result if isinstance(result, tuple | list) else [result]) if isinstance(part, Tensor)]


def _symptom(exercise: Exercise, answer: _Answer, draws: Draws, place: str) -> str:
    """Say what an answer depends on, or does not, before the place where it differs."""
    looks = (kinds.uncalled, kinds.blind_to, kinds.leaks)
    told = next(filter(None, (_searched(partial(look, exercise, draws, answer)) for look in looks)), None)
    return f"{told} {place}" if told else place


def _at_the_edges(
    exercise: Exercise, answer: _Answer, draws: Draws, hard: Mapping[str, tuple], ordinary: list[Any]
) -> str | None:
    """Try what is right on ordinary draws on the special ones."""
    results = {}
    for what, arguments in hard.items():
        try:
            results[what] = answer(arguments)
        except _Obstacle as obstacle:
            return f"Right for ordinary arguments, but not {what}. {obstacle.sentence}"
    expected = dict(zip(hard, _expected(exercise, list(hard.values()), "special"), strict=True))
    wrong = [what for what in hard if not _right(exercise, hard[what], results[what], expected[what])]
    if not wrong:
        return None
    for some in (list(hard), wrong):  # rather one that agrees on all of them than one that agrees where it is wrong
        for mistake in exercise.wrong_answers.values():
            if _agrees(mistake, [hard[what] for what in some], [results[what] for what in some]) and (
                exercise.fault is not None or _agrees(mistake, draws, ordinary)
            ):
                return mistake.message
    what = wrong[0]
    i = list(hard).index(what)
    place = _place(exercise, list(hard.values()), list(results.values()), list(expected.values()), i)
    return f"Right for ordinary arguments, but not {what}. {place}"


def asks_for_gradients(exercise: Exercise) -> list[int]:
    """Give the places of the arguments whose gradients must be right as well."""
    names = [parameter.name for parameter in kinds.parameters(exercise)]
    return [names.index(name) for name in exercise.gradient_of]


def _of_gradients(exercise: Exercise, answer: _Answer, draws: Draws) -> str | None:
    """Compare gradients, in exercises that are about them, of a result that is right."""
    which = asks_for_gradients(exercise)
    found: list[Any] = []
    for arguments in draws[: reading.N_GRADIENTS] if which else ():
        try:
            with guard.undisturbed(0):
                found.append(reading.gradients(answer.function, arguments, which))
        except Exception as error:
            found.append(error)
    return _compare_gradients(exercise, draws, found)


def _compare_gradients(exercise: Exercise, draws: Draws, found: Sequence[Any]) -> str | None:
    """Say what is wrong with gradients: a list for each draw, None where there is none, or what stood in the way."""
    which = asks_for_gradients(exercise)
    for arguments, theirs in zip(draws, found, strict=False):
        if not isinstance(theirs, list):
            if not exercise.needs_gradient:
                return None
            if theirs is None:
                return (
                    "Right as a number, but it is detached: no gradient comes back through it, so nothing is learned."
                )
            return (
                "Right as a number, but no gradient comes back through it (are .item(), .numpy() or .detach() in the "
                f"way?): {type(theirs).__name__}."
            )
        ours = reading.gradients(exercise.reference, arguments, which) or []
        for name, mine, yours in zip(exercise.gradient_of, ours, theirs, strict=True):
            if not equal(mine, yours):
                return (
                    f"The numbers are right, but the gradient with respect to `{name}` is not: is something detached "
                    f"on the way? {reading.difference(mine, yours)}"
                )
    return None
