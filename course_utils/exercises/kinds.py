"""Kinds of mistakes that many exercises share, computed from an exercise's own reference and arguments.

A kind is a wrong function, made from the right one: with a mask inverted, a matrix transposed, a result halved. An
answer has made that mistake if it computes what the wrong function computes, on every draw, in whatever style it is
written; so a sentence is never a guess.
"""

import copy
import inspect
import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from course_utils.exercises.exercise import Exercise
from course_utils.exercises.reading import ATOL, RTOL, equal, shown


class Parameter(NamedTuple):
    """An argument of the reference: its name, and the names of its axes where they are written down."""

    name: str
    axes: tuple[str, ...]


def parameters(exercise: Exercise) -> list[Parameter]:
    """Read names and axes from the reference's signature."""
    return [
        Parameter(name, axes_of(parameter.annotation))
        for name, parameter in inspect.signature(exercise.reference).parameters.items()
    ]


def axes_of(annotation: Any) -> tuple[str, ...]:
    """Read the names of the axes from a jaxtyping annotation."""
    return tuple(getattr(annotation, "dim_str", "").split())


def result_axes(exercise: Exercise) -> tuple[str, ...]:
    """Name the axes of a result that is one tensor."""
    return axes_of(inspect.signature(exercise.reference).return_annotation)


Change = tuple[Callable[[list], list | None], str]


def _at(i: int, change: Any) -> Callable[[list], list | None]:
    def changed(arguments: list) -> list | None:
        new = list(arguments)
        new[i] = change(arguments[i])
        return new

    return changed


# words that fill a hole of a sentence
WHICH_AXIS = {-1: "last", -2: "last but one", -3: "third from the end"}
WHICH_END = {0: "first", -1: "last"}
HOW_MOVED = {False: "early", True: "late"}


def of_arguments(exercise: Exercise, example: tuple) -> Iterator[Change]:
    """Give changes of the arguments with which the reference makes a mistake that people make."""
    listed = parameters(exercise)
    if len(listed) != len(example):
        return
    for i, ((name, axes), value) in enumerate(zip(listed, example, strict=True)):
        if isinstance(value, Tensor) and value.dtype == torch.bool:
            yield from _of_masks(i, name, axes, value.dim())
        elif isinstance(value, Tensor):
            yield from _of_tensors(i, name, axes, value)
        elif type(value) is int:
            yield _at(i, lambda n: n - 1), f"You are off by one: your result is the one for {name} − 1."
            yield _at(i, lambda n: n + 1), f"You are off by one: your result is the one for {name} + 1."
        elif type(value) is list:
            yield _at(i, lambda v: v[:1]), f"Your result depends on the first entry of `{name}` alone."
            yield _at(i, lambda v: v[-1:]), f"Your result depends on the last entry of `{name}` alone."
            yield _at(i, lambda v: v[1:]), f"You leave out the first entry of `{name}`."
            yield _at(i, lambda v: v[:-1]), f"You leave out the last entry of `{name}`."
            yield _at(i, lambda v: v[::-1]), f"You go through `{name}` in the opposite order."
    for i, j in itertools.combinations(range(len(listed)), 2):
        if isinstance(example[i], Tensor) and isinstance(example[j], Tensor):
            sentence = f"`{listed[i].name}` and `{listed[j].name}` are exchanged, where the shapes allow it."
            yield _exchanged(i, j), sentence
            one, other = listed[i].axes[:1], listed[j].axes[:1]
            if one and one == other:
                a, b = listed[i].name, listed[j].name
                yield (
                    _both(i, j, lambda t: t[:1].expand_as(t)),
                    f"You use the first row of `{a}` and `{b}` for all rows; each has its own.",
                )
                yield _both(i, j, lambda t: t.flip(0)), f"The rows of `{a}` and `{b}` are taken in the opposite order."
                for step in (1, -1):
                    yield _both(i, j, lambda t, s=step: t.roll(s, 0)), f"The rows of `{a}` and `{b}` are one place off."


def _both(i: int, j: int, change: Any) -> Callable[[list], list | None]:
    def changed(arguments: list) -> list | None:
        new = list(arguments)
        new[i], new[j] = change(new[i]), change(new[j])
        return new

    return changed


def _exchanged(i: int, j: int) -> Callable[[list], list | None]:
    def changed(arguments: list) -> list | None:
        new = list(arguments)
        new[i], new[j] = new[j], new[i]
        return new if new[i].shape == new[j].shape and new[i].dtype == new[j].dtype else None

    return changed


def _of_masks(i: int, name: str, axes: tuple[str, ...], n: int) -> Iterator[Change]:
    for axis in range(n):
        called = axes[axis] if len(axes) == n else f"axis {axis}"
        yield (
            _at(i, lambda m, a=axis: m.narrow(a, 0, 1).expand_as(m)),
            f"Along {called} you use the first of `{name}` for all; each has its own.",
        )
        for how in (torch.any, torch.all):
            yield (
                _at(i, lambda m, a=axis, how=how: how(m, dim=a, keepdim=True).expand_as(m)),
                f"You join `{name}` along {called} (any or all); it counts place by place.",
            )
    yield _at(i, torch.ones_like), f"`{name}` is not used: your result is as if it were True everywhere."
    yield _at(i, torch.logical_not), f"True and False are exchanged in `{name}`: True marks what counts."
    yield _at(i, lambda m: m.mT if m.dim() > 1 else m), f"You use `{name}` transposed: rows and columns are exchanged."
    yield from _of_rows(i, name, axes)
    yield _at(i, _one_shorter), f"`{name}` ends one position too early: the last of those that count is left out."
    yield _at(i, _one_longer), f"`{name}` ends one position too late: one that does not count is let in."
    yield _at(i, torch.zeros_like), f"Your result is as if `{name}` were False everywhere: nothing is let through."


def _one_shorter(mask: Tensor) -> Tensor:
    return mask & torch.cat([mask[..., 1:], torch.zeros_like(mask[..., :1])], -1)


def _one_longer(mask: Tensor) -> Tensor:
    return mask | torch.cat([mask[..., :1], mask[..., :-1]], -1)


def _of_rows(i: int, name: str, axes: tuple[str, ...]) -> Iterator[Change]:
    per = f" of each {axes[0]} index" if axes and axes[0] != "batch" else " of the batch" if axes else ""
    yield (
        _at(i, lambda t: t[:1].expand_as(t)),
        f"You use the first row of `{name}` for all rows{per}; each has its own.",
    )
    yield _at(i, lambda t: t.flip(0)), f"The rows of `{name}` are taken in the opposite order."


def _of_tensors(i: int, name: str, axes: tuple[str, ...], value: Tensor) -> Iterator[Change]:
    real = value.is_floating_point()
    if real:
        yield _at(i, lambda t: 0 * t), f"`{name}` takes no part: your result is as if it were zero."
        yield _at(i, lambda t: -t), f"The sign of `{name}` is the wrong way round."
        yield _at(i, lambda t: 2 * t), f"`{name}` counts twice."
        yield _at(i, lambda t: t / 2), f"`{name}` counts by half only."
        yield _at(i, torch.ones_like), f"`{name}` takes no part: your result is as if it were 1 everywhere."
        yield _at(i, torch.abs), f"You use the absolute value of `{name}`; its sign counts."
        yield _at(i, torch.tanh), f"You put a tanh around `{name}` first; it comes in as it is."
        yield _at(i, torch.relu), f"You put a ReLU around `{name}` first; it comes in as it is."
        for axis in (0, -1) if value.dim() > 1 else (0,) if value.dim() else ():
            called = axes[axis] if len(axes) == value.dim() else f"axis {axis}"
            yield (
                _at(i, lambda t, a=axis: torch.nn.functional.normalize(t, dim=a)),
                f"You bring `{name}` to length one (normalise) along {called}; it comes in as it is.",
            )
            yield _at(i, lambda t, a=axis: t.softmax(a)), f"You take a softmax of `{name}`; it comes in as it is."
            yield (
                _at(i, lambda t, a=axis: t - t.mean(a, keepdim=True)),
                f"You subtract the mean of `{name}` along {called}; it comes in as it is.",
            )
    else:
        yield _at(i, lambda t: t + 1), f"You are off by one: your result is the one for `{name}` + 1."
        yield _at(i, lambda t: t - 1), f"You are off by one: your result is the one for `{name}` − 1."
        yield _at(i, lambda t: (t - 1).clamp(min=1)), f"You are off by one: you use `{name}` − 1."
        yield _at(i, lambda t: t.max().expand_as(t)), f"You use the largest of `{name}` for all."
        yield _at(i, lambda t: t.min().expand_as(t)), f"You use the smallest of `{name}` for all."
    if value.dim() >= 1:
        yield from _of_rows(i, name, axes)
        if real:
            for falling in (False, True):
                yield (
                    _at(i, lambda t, d=falling: t.sort(0, descending=d).values),
                    f"You sort `{name}` and do not put it back.",
                )
    for axis in range(value.dim()):
        called = axes[axis] if len(axes) == value.dim() else f"axis {axis}"
        if axis:
            yield (
                _at(i, lambda t, a=axis: t.flip(a)),
                f"Along {called} you take `{name}` from its end to its beginning.",
            )
        yield _at(i, lambda t, a=axis: t.roll(1, a)), f"Along {called} you are one place off in `{name}`."
        yield _at(i, lambda t, a=axis: t.roll(-1, a)), f"Along {called} you are one place off in `{name}`."
        if real:
            yield (
                _at(i, lambda t, a=axis: t.mean(a, keepdim=True).expand_as(t)),
                f"You average `{name}` over {called}: what differs along it is lost.",
            )
            yield (
                _at(i, lambda t, a=axis: t.sum(a, keepdim=True).expand_as(t)),
                f"You add `{name}` up over {called}: what differs along it is lost.",
            )
    for a, b in itertools.combinations(range(value.dim()), 2):
        yield (
            _at(i, lambda t, a=a, b=b: t.transpose(a, b) if t.shape[a] == t.shape[b] else None),
            f"You use `{name}` transposed: two of its axes have one size, so no shape tells you.",
        )
        yield (
            _at(i, lambda t, a=a, b=b: t.transpose(a, b).reshape(t.shape) if t.shape[a] != t.shape[b] else None),
            f"You transpose `{name}` and bring it back into shape by view or reshape, which mixes its numbers.",
        )
        yield (
            _at(i, lambda t, a=a, b=b: t.reshape(t.transpose(a, b).shape).transpose(a, b)),
            f"You bring `{name}` into the shape of its transpose by view or reshape, which moves no number.",
        )


# what was done to a result


def of_results() -> Iterator[tuple[Any, str]]:
    """Give what people do to a right result: function of the right result, and the sentence."""
    yield torch.neg, "Right but for the sign: all your numbers have the opposite one."
    for axis in (-1, -2, -3):
        which = WHICH_AXIS[axis]
        yield (lambda t, a=axis: t.softmax(a)), f"A softmax over the {which} axis is too many: the rest is right."
        yield (lambda t, a=axis: t.log_softmax(a)), f"A log_softmax over the {which} axis is too many."
        yield (lambda t, a=axis: t / t.sum(a, keepdim=True)), f"You divide by the sum over the {which} axis as well."
        yield (lambda t, a=axis: t / t.norm(dim=a, keepdim=True)), f"You bring the {which} axis to length one as well."
        yield (lambda t, a=axis: t - t.mean(a, keepdim=True)), f"You subtract the mean over the {which} axis as well."
        yield (lambda t, a=axis: t.cumsum(a)), f"A running sum over the {which} axis is too many."
        yield (lambda t, a=axis: t.flip(a)), f"The {which} axis comes out in the opposite order."
        yield (lambda t, a=axis: t.sort(a).values), f"The {which} axis comes out sorted, from small to large."
        yield (
            lambda t, a=axis: t.sort(a, descending=True).values,
            f"The {which} axis comes out sorted, from large to small.",
        )
        for step in (1, -1):
            word = HOW_MOVED[step == 1]
            yield (
                lambda t, a=axis, s=step: t.roll(s, a),
                f"Your numbers are right and one place too {word} along the {which} axis, with the end moved round.",
            )
            yield (
                lambda t, a=axis, s=step: _shifted(t, s, a),
                f"Your numbers are right and come one place too {word} along the {which} axis.",
            )
        for name, reduce in (("sum", torch.sum), ("mean", torch.mean), ("maximum", torch.amax)):
            yield (
                lambda t, a=axis, r=reduce: r(t, dim=a),
                f"You take the {name} over the {which} axis of the right result: that axis should be there.",
            )
            yield (
                lambda t, a=axis, r=reduce: r(t, dim=a, keepdim=True),
                f"You take the {name} over the {which} axis of the right result: that axis should be there.",
            )
            yield (
                lambda t, a=axis, r=reduce: r(t, dim=a, keepdim=True).expand_as(t),
                f"You take the {name} over the {which} axis: what differs along it in the right result is lost.",
            )
        for place, called in WHICH_END.items():
            yield (
                lambda t, a=axis, p=place: t.select(a, p).unsqueeze(a).expand_as(t),
                f"Along the {which} axis you repeat its {called} entry: each should be its own.",
            )
        yield (lambda t, a=axis: t.select(a, 0)), f"Of the {which} axis you return the first entry alone."
        yield (lambda t, a=axis: t.select(a, -1)), f"Of the {which} axis you return the last entry alone."
        yield (
            lambda t, a=axis: t.narrow(a, 0, t.shape[a] - 1),
            f"Along the {which} axis the last entry is missing; the others are right.",
        )
        yield (
            lambda t, a=axis: t.narrow(a, 1, t.shape[a] - 1),
            f"Along the {which} axis the first entry is missing; the others are right.",
        )
        yield (lambda t, a=axis: t.argmax(a)), f"You return the place of the largest along the {which} axis."
    for name, function in FUNCTIONS.items():
        yield function, f"{name} is applied to the right result: leave it out."
    yield (lambda t: t.sum()), "You return the sum of all numbers of the right result."
    yield (lambda t: t.mean()), "You return the mean of all numbers of the right result."
    yield (lambda t: t[..., None]), "Your result is right but for one axis of length 1 too many, at its end."
    yield (lambda t: t[None]), "Your result is right but for one axis of length 1 too many, at its front."
    yield (lambda t: t.flatten()), "Your numbers are right, but all axes are flattened into one."
    yield (lambda t: t.flatten(0, 1)), "Your numbers are right, but the first two axes are joined into one."
    yield (lambda t: t.flatten(-2)), "Your numbers are right, but the last two axes are joined into one."


FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "A tanh": torch.tanh,
    "A sigmoid": torch.sigmoid,
    "A ReLU": torch.relu,
    "An exponential": torch.exp,
    "A logarithm": torch.log,
    "An absolute value": torch.abs,
    "A square": torch.square,
    "A square root": torch.sqrt,
    "A leaky ReLU": torch.nn.functional.leaky_relu,
    "An ELU": torch.nn.functional.elu,
    "A rounding": torch.round,
}


def _shifted(t: Tensor, step: int, axis: int) -> Tensor:
    zeros = torch.zeros_like(t.narrow(axis, 0, 1))
    length = t.shape[axis] - 1
    parts = [zeros, t.narrow(axis, 0, length)] if step == 1 else [t.narrow(axis, 1, length), zeros]
    return torch.cat(parts, axis)


def relation(expected: list[Any], found: list[Any], draws: list[tuple], exercise: Exercise) -> str | None:
    """Name what was done to the right results where that explains every draw."""
    if all(isinstance(e, tuple) for e in expected):
        return _relation_of_parts(expected, found, draws, exercise)
    n = len(found[0]) if isinstance(found[0], tuple | list) else 0
    if 1 < n < 5 and all(isinstance(f, tuple | list) and len(f) == n for f in found):
        for i in range(n):
            if _all_equal(expected, [f[i] for f in found], lambda t: t):
                return one_is_right(n, i)
    if all(isinstance(e, int | float) and not isinstance(e, bool) for e in expected):
        return _of_numbers(expected, found, draws, exercise)
    if all(isinstance(e, list) and isinstance(f, list | tuple) for e, f in zip(expected, found, strict=True)):
        return _of_lists(expected, found)
    if not all(
        isinstance(e, Tensor) and isinstance(f, Tensor) and e.numel() for e, f in zip(expected, found, strict=True)
    ):
        return None
    if all(e.dtype == torch.bool for e in expected):
        return _of_truth_values(expected, found, draws, exercise)
    if not all(e.is_floating_point() for e in expected):
        return _transposed(expected, found) or _by_constant(expected, found, draws, exercise)
    for change, sentence in of_results():
        if _all_equal(expected, found, change):
            return sentence
    return (
        _transposed(expected, found)
        or _by_constant(expected, found, draws, exercise)
        or _sharpened(expected, found, draws, exercise)
        or _let_in(expected, found)
        or _by_row(expected, found)
        or _of_an_argument(found, draws, exercise)
        or _with_an_argument(expected, found, draws, exercise)
        or _cut_or_longer(expected, found, exercise)
        or _moved(expected, found, exercise)
        or _joined(expected, found)
        or _reordered(expected, found)
        or _not_added(expected, found)
        or _one_for_all(expected, found)
        or _part_right(expected, found)
    )


def _of_truth_values(expected: list[Tensor], found: list[Tensor], draws: list[tuple], exercise: Exercise) -> str | None:
    if _all_equal(expected, found, torch.logical_not):
        return "True and False are exchanged: your result is inverted."
    moved = _transposed(expected, found)
    if moved or any(e.shape != f.shape for e, f in zip(expected, found, strict=True)):
        return moved
    if any(((f != 0) & (f != 1)).any() for f in found):
        return None
    pairs = [(e.bool(), f.bool()) for e, f in zip(expected, found, strict=True)]
    if not any(f.any() for _, f in pairs):
        return "Your result is False everywhere."
    if all(f.all() for _, f in pairs):
        return "Your result is True everywhere."
    if all(torch.equal(f, e & torch.eye(*e.shape, dtype=torch.bool)) for e, f in pairs if e.dim() == 2):
        return "Your result is True on the diagonal alone: what differs from place to place beside it is lost."
    triangle = _triangle(pairs, draws, exercise)
    if triangle:
        return triangle
    for end, called in WHICH_END.items():
        if all(_right_rows(e, f) == [range(len(e))[end]] for e, f in pairs if e.dim()):
            return f"Only your {called} row is right: which of your lines speak of the others?"
    for lacking, sentence in (
        (lambda e, f: e & ~f, "All your True are right, but some are missing: {} should be True."),
        (lambda e, f: f & ~e, "All that should be True is True in yours, but so is more: {} should be False."),
    ):
        if not any(lacking(f, e).any() for e, f in pairs):
            place = next(lacking(e, f).nonzero()[0].tolist() for e, f in pairs if lacking(e, f).any())
            return sentence.format(f"{place}, for one,")
    return None


def _right_rows(e: Tensor, f: Tensor) -> list[int]:
    return (e == f).reshape(len(e), -1).all(1).nonzero().flatten().tolist()


def _triangle(pairs: list[tuple[Tensor, Tensor]], draws: list[tuple], exercise: Exercise) -> str | None:
    """See whether a lower triangle is in the wrong place: how many places its first row has, and should have."""
    rows, theirs_all = [], []
    for e, f in pairs:
        if e.dim() != 2:
            return None
        places = [[d for d in range(-len(t), t.shape[1]) if torch.equal(t, torch.ones_like(t).tril(d))] for t in (e, f)]
        if not all(places):
            return None
        rows.append([p[0] + 1 for p in places])
        theirs_all.append(places[1])
    sizes = [{**_sizes(exercise, arguments), "": 0.0} for arguments in draws]
    for size, more in itertools.product(sizes[0], range(-3, 4)):
        if all(s[size] + more in places for s, places in zip(sizes, theirs_all, strict=True)):
            diagonal = f"{size} {'+' if more > 0 else '−'} {abs(more)}" if size and more else size or more
            return (
                f"Yours is a triangle, but in another place: its diagonal is {diagonal} in every call. That fits one "
                "example; of which sizes is it made in general?"
            )
    ours, theirs = rows[0]
    return (
        f"Yours is a triangle, but in another place: by your mask the first query of the first call sees "
        f"{max(theirs, 0)} of {pairs[0][0].shape[1]} keys, and should see {ours}."
    )


def _all_equal(expected: list[Any], found: list[Any], change: Any) -> bool:
    for e, f in zip(expected, found, strict=True):
        try:
            changed = change(e)
        except Exception:  # not every change suits every result
            return False
        if not equal(changed, f):
            return False
    return True


def _relation_of_parts(expected: list[tuple], found: list[Any], draws: list[tuple], exercise: Exercise) -> str | None:
    n = len(expected[0])
    if not all(isinstance(f, tuple | list) and len(f) == n for f in found):
        for i in range(n):
            if _all_equal([e[i] for e in expected], found, lambda t: t):
                return f"You return result {i + 1} of {n} alone; expected all {n}."
        return None
    for order in itertools.permutations(range(n)):
        if order != tuple(range(n)) and _all_equal(expected, [tuple(f[i] for i in order) for f in found], lambda t: t):
            return f"Your {n} results are right, but in another order."
    wrong = [i for i in range(n) if not _all_equal([e[i] for e in expected], [f[i] for f in found], lambda t: t)]
    sentences: dict[int, str] = {}
    for i in wrong:
        sentence = relation([e[i] for e in expected], [f[i] for f in found], draws, exercise)
        if sentence is None:
            copied = [
                j
                for j in range(n)
                if j != i and _all_equal([e[j] for e in expected], [f[i] for f in found], lambda t: t)
            ]
            if copied:
                sentence = f"This is what should be result {copied[0] + 1}."
        if sentence is not None:
            sentences[i] = sentence
    if len(set(sentences.values())) == 1 and len(sentences) == n:
        return sentences[0]
    rest = [str(i + 1) for i in wrong if i not in sentences]
    told = [f"In result {i + 1} of {n}: {s}" for i, s in sentences.items()]
    if told and len(rest) == 1:
        told.append(f"Mend that first; result {rest[0]} differs too.")
    elif told and rest:
        told.append(f"Mend that first; results {', '.join(rest)} differ too.")
    return " ".join(told) or None


def _transposed(expected: list[Tensor], found: list[Tensor]) -> str | None:
    n = expected[0].dim()
    for order in itertools.permutations(range(n)):
        if order != tuple(range(n)) and n < 5 and _all_equal(expected, found, lambda t, o=order: t.permute(o)):
            return "Your numbers are right, but your result is transposed: its axes are in another order."
    for a, b in itertools.combinations(range(n), 2):
        if _all_equal(expected, found, lambda t, a=a, b=b: t.transpose(a, b).reshape(t.shape)):
            return "Your result has the right numbers in wrong places: view or reshape does not transpose."
    return None


def _ratio(e: Tensor, f: Tensor) -> float | None:
    """Give the one factor between two tensors, or None."""
    if e.shape != f.shape or not f.isfinite().all() or e.abs().max() < 1e-6:
        return None
    e, f = e.double(), f.double()
    c = float((e * f).sum() / (e * e).sum())
    return c if torch.allclose(f, c * e, rtol=RTOL, atol=ATOL * max(1.0, abs(c))) and abs(c) > 1e-6 else None


def _sizes(exercise: Exercise, arguments: tuple) -> dict[str, float]:
    sizes: dict[str, float] = {}
    listed = parameters(exercise)
    if len(listed) != len(arguments):
        return sizes
    for (name, axes), value in zip(listed, arguments, strict=True):
        if isinstance(value, Tensor):
            named = axes if len(axes) == value.dim() else tuple(f"{name}.shape[{i}]" for i in range(value.dim()))
            sizes.update({a: float(s) for a, s in zip(named, value.shape, strict=True) if not a.isdigit()})
            if value.dtype == torch.bool:
                sizes[f"{name}.sum()"] = float(value.sum())
        elif type(value) is int:
            sizes[name] = float(value)
        elif type(value) is list:
            sizes[f"len({name})"] = float(len(value))
    return sizes


def _by_constant(expected: list[Tensor], found: list[Tensor], draws: list[tuple], exercise: Exercise) -> str | None:
    ratios = [_ratio(e, f) for e, f in zip(expected, found, strict=True)]
    if all(r is not None for r in ratios):
        named = _named_number([float(r) for r in ratios if r is not None], draws, exercise)
        if named is None:
            if any(e.numel() < 3 for e in expected):  # of one number, everything is a multiple
                return None
            return (
                "Every number is right but for one factor, another one in each call: what you divide by, or multiply "
                "with, is another number than it should be (a sum of something else, a size of the wrong axis, "
                "a number that is written in)."
            )
        return f"Every number is right but for one factor: yours are {named} times what they should be."
    gaps = []
    for e, f in zip(expected, found, strict=True):
        if e.shape != f.shape or not f.isfinite().all():
            return None
        gap = f.double() - e.double()
        if (gap - gap.mean()).abs().max() > 1e-4:
            return None
        gaps.append(float(gap.mean()))
    named = _named_number(gaps, draws, exercise) if all(abs(g) > 1e-4 for g in gaps) else None
    if named is None:
        return None
    return f"Every number differs from ours by the same amount: you add {named} too many."


def times(computed: list[Any], found: list[Any], draws: list[tuple], exercise: Exercise) -> str | None:
    """Name the factor, one for all draws or a size, by which results differ from others that were computed."""
    if not all(
        isinstance(c, Tensor) and isinstance(f, Tensor) and c.is_floating_point() and c.numel()
        for c, f in zip(computed, found, strict=True)
    ):
        return None
    ratios = [_ratio(c, f) for c, f in zip(computed, found, strict=True)]
    named = None if None in ratios else _named_number([float(r) for r in ratios if r is not None], draws, exercise)
    if any(c.numel() < 3 for c in computed) and named and named.lstrip("−")[:1].isalpha():
        return None  # of one number, much is a multiple by chance; nobody multiplies a mean by a size
    return None if named in (None, "1") else f"all of that is multiplied by {named}."


def afterwards(computed: list[Any], found: list[Any], draws: list[tuple], exercise: Exercise) -> str | None:
    """Name what else was done to results that another mistake gives: their axes or order, or one too many."""
    if all(isinstance(c, tuple) and isinstance(f, tuple | list) for c, f in zip(computed, found, strict=True)):
        for order in itertools.permutations(range(len(computed[0]))):
            if list(order) != sorted(order) and _all_equal(computed, found, lambda t, o=order: tuple(t[i] for i in o)):
                return "your results come in another order."
    elif all(isinstance(c, Tensor) and isinstance(f, Tensor) for c, f in zip(computed, found, strict=True)):
        n = computed[0].dim()
        for order in itertools.permutations(range(n if n < 5 else 0)):
            if list(order) != sorted(order) and _all_equal(computed, found, lambda t, o=order: t.permute(o)):
                return "the axes of your result are in another order (transposed)."
    elif all(type(n) is int for n in [*computed, *found]) and (len(found) == 1 or len(set(found)) > 2):
        for one, told in ((1, "your number is one too many."), (-1, "your number is one too few.")):
            if all(f - c == one for c, f in zip(computed, found, strict=True)):
                return told
    return None


def one_is_right(n: int, i: int) -> str:
    """Say that, of several results where one is asked for, one is right."""
    return f"Of the {n} results that you return, result {i + 1} is right: return it alone."


def is_a_part(told: str) -> bool:
    """Say whether a sentence of `relation` explains some of several results and leaves the others."""
    return "Mend that first" in told or "This is what should be result" in told


def wrong_size(exercise: Exercise, found: Any, example: Any, arguments: tuple) -> str | None:
    """Say which axis is left in a row of numbers where another one is asked for."""
    ours, sizes = result_axes(exercise), _sizes(exercise, arguments)
    if not (isinstance(found, Tensor) and isinstance(example, Tensor)):
        return None
    if not found.dim() == example.dim() == len(ours) == 1:
        return None
    theirs = [name for name, size in sizes.items() if size == len(found) and name != ours[0]]
    if len(theirs) != 1 or len(found) == len(example):
        return None
    return (
        f"Yours has {len(found)} numbers, one for each {theirs[0]} index, and should have {len(example)}, one for each "
        f"{ours[0]} index: the wrong axis is left."
    )


def _named_number(numbers: list[float], draws: list[tuple], exercise: Exercise) -> str | None:
    sizes = [_sizes(exercise, arguments) for arguments in draws]
    forms: dict[str, Callable[[float], float]] = {
        "{}": lambda n: n,
        "1/{}": lambda n: 1 / n,
        "√{}": lambda n: n**0.5,
        "1/√{}": lambda n: n**-0.5,
        "({} − 1)": lambda n: n - 1,
        "({} + 1)": lambda n: n + 1,
        "1/({} + 1)": lambda n: 1 / (n + 1),
        "1/({} − 1)": lambda n: 1 / (n - 1) if n != 1 else math.nan,
        "−{}": lambda n: -n,
        "−1/{}": lambda n: -1 / n,
        "{}²": lambda n: n * n,
    }
    common = set(sizes[0]).intersection(*sizes) if sizes else set()
    if max(numbers) - min(numbers) > 1e-3 * max(1e-9, abs(numbers[0])):
        for size in sorted(common):
            for form, function in forms.items():
                values = [function(s[size]) if s[size] > 0 else math.nan for s in sizes]
                if all(math.isclose(v, n, rel_tol=1e-3) for v, n in zip(values, numbers, strict=True)):
                    return form.format(size.strip("*"))
        for first, second in itertools.combinations(sorted(common), 2):
            for a, b in ((first, second), (second, first)):
                for form, power in (("{}/{}", 1.0), ("√({}/{})", 0.5)):
                    if all(
                        s[b] > 0 and math.isclose((s[a] / s[b]) ** power, n, rel_tol=1e-3)
                        for s, n in zip(sizes, numbers, strict=True)
                    ):
                        return form.format(a, b)
        return None
    return f"{numbers[0]:.4g}"


def _by_row(expected: list[Tensor], found: list[Tensor]) -> str | None:
    """See whether each row of the last axis is right but for a factor of its own."""
    sums: list[tuple[float, float] | None] = []
    for e, f in zip(expected, found, strict=True):
        if e.shape != f.shape or e.dim() < 1 or e.shape[-1] < 2 or not f.isfinite().all():
            return None
        e, f = e.double(), f.double()
        squared = (e * e).sum(-1, keepdim=True)
        empty = squared[..., 0] < 1e-9
        if empty.all() or f[empty].any():
            return None
        c = (e * f).sum(-1, keepdim=True) / squared.clamp(min=1e-9)
        if not torch.allclose(f, c * e, rtol=1e-3, atol=1e-4):
            return None
        ours, theirs = e.sum(-1)[~empty], f.sum(-1)[~empty]
        if not torch.allclose(ours, torch.ones_like(ours), atol=1e-3):
            sums.append(None)
        else:
            sums.append((float(theirs.min()), float(theirs.max())))
    if all(s is not None for s in sums):
        low, high = min(s[0] for s in sums if s), max(s[1] for s in sums if s)
        return (
            "Your weights have the right proportions, but they do not sum to one (normalise: divide by the sum over "
            f"the row): the sums are between {low:.3g} and {high:.3g}."
        )
    return "Each row is right but for a factor of its own: it is divided, or normalised, by the wrong number."


def _sharpened(expected: list[Tensor], found: list[Tensor], draws: list[tuple], exercise: Exercise) -> str | None:
    """See whether weights are a softmax of the right scores, times a factor."""
    factors = []
    for e, f in zip(expected, found, strict=True):
        if e.shape != f.shape or not e.dim() or not f.isfinite().all() or (f < 0).any() or (e < 0).any():
            return None
        if not torch.allclose(f.sum(-1), e.sum(-1).to(f.dtype), atol=1e-3) or e.sum() < 1e-3:
            return None
        counts = (e > 1e-6) & (f > 1e-6)
        ours, theirs = (torch.where(counts, t.double(), 1.0).log() for t in (e, f))
        ours, theirs = (t - t.sum(-1, keepdim=True) / counts.sum(-1, keepdim=True).clamp(min=1) for t in (ours, theirs))
        factor = float((ours * theirs * counts).sum() / (ours * ours * counts).sum().clamp(min=1e-12))
        if factor <= 0 or not ((theirs - factor * ours) * counts).abs().max() < 1e-2 * (1 + factor):
            return None
        factors.append(factor)
    if all(math.isclose(factor, 1, rel_tol=1e-2) for factor in factors):
        return None
    return _scale(_named_number(factors, draws, exercise), "your scores are {} times what they should be")


def _let_in(expected: list[Tensor], found: list[Tensor]) -> str | None:
    """See whether weights are right but for what should be hidden, which gets a share."""
    most = 0.0
    for e, f in zip(expected, found, strict=True):
        if e.shape != f.shape or not e.dim() or not f.isfinite().all() or (f < 0).any() or (e < 0).any():
            return None
        e, f = e.double(), f.double()
        seen, inside = e.sum(-1) > 0.5, (f * (e > 0)).sum(-1, keepdim=True)
        if not torch.allclose(e.sum(-1)[seen], torch.ones_like(e.sum(-1)[seen]), atol=1e-3):
            return None
        proportions = f * (e > 0) / inside.clamp(min=1e-12)
        sums = f.sum(-1)[seen]
        if not (torch.allclose(proportions[seen], e[seen], atol=1e-4) and torch.allclose(sums, torch.ones_like(sums))):
            return None
        most = max([most, *(f * (e == 0)).sum(-1)[seen].tolist()])
    if most < 1e-4:
        return None
    return (
        f"What is hidden gets weight as well, in one row {most:.2g} of 1; among the rest the proportions are right: "
        "is the mask applied to the scores, and is what it fills in low enough?"
    )


def _scale(named: str | None, what: str) -> str:
    if named is None:
        return (
            f"A softmax of scores of another size: {what.format('more or less than 1')}. Which size do you divide by?"
        )
    return f"The scale before the softmax is another one: {what.format(named)}."


def scaled(expected: list[Any], found: list[Any], draws: list[tuple], exercise: Exercise) -> str | None:
    """Name an argument that, times one number, makes the reference compute what the answer does."""
    if not all(any(t.is_floating_point() for t in _tensors(e)) for e in expected):
        return None
    for i, (name, _) in enumerate(parameters(exercise)):
        if not isinstance(draws[0][i], Tensor) or not draws[0][i].is_floating_point():
            continue
        factors = []
        for arguments, result in zip(draws, found, strict=True):
            factor = _fitted(exercise, arguments, i, result)
            if factor is None:
                break
            factors.append(factor)
        else:
            named = _named_number(factors, draws, exercise)
            if named == f"{math.log(10):.4g}":
                return f"Powers of 10 stand where e is raised to the power of `{name}`: use the exponential."
            if named is not None and named != "1":
                return (
                    f"Your result is the one for {named} times `{name}`: a scale is missing, too many, or by another "
                    "size."
                )
    return None


def _fitted(exercise: Exercise, arguments: tuple, i: int, result: Any) -> float | None:
    """Find the factor of one argument with which the reference gives a result, or None."""

    def off(log_factor: float) -> float:
        with_factor = (*arguments[:i], arguments[i] * math.exp(log_factor), *arguments[i + 1 :])
        return sum(
            float((t.double() - r.double()).square().sum())
            for t, r in zip(_tensors(_run(exercise, with_factor)), _tensors(result), strict=True)
        )

    places = [step / 4 for step in range(-14, 15)]
    try:
        gaps = [off(place) for place in places]
        if min(gaps) > 0.1 * sum(float(t.double().square().sum()) for t in _tensors(result)):
            return None
        low = places[gaps.index(min(gaps))] - 0.25
        high = low + 0.5
        while high - low > 1e-5:  # a golden section
            first, second = high - 0.618034 * (high - low), low + 0.618034 * (high - low)
            low, high = (low, second) if off(first) < off(second) else (first, high)
    except (RuntimeError, ValueError):  # another shape, another number of results
        return None
    factor = math.exp((low + high) / 2)
    computed = _run(exercise, (*arguments[:i], arguments[i] * factor, *arguments[i + 1 :]))
    alike = all(
        t.shape == r.shape and torch.allclose(t.double(), r.double(), rtol=1e-3, atol=1e-3)
        for t, r in zip(_tensors(computed), _tensors(result), strict=True)
    )
    return factor if alike else None


def _of_an_argument(found: list[Tensor], draws: list[tuple], exercise: Exercise) -> str | None:
    """See whether a result is an argument as it came in, or its sum, mean or end along an axis."""
    known = _argument(found, draws, exercise)
    if known is None:
        return None
    name, what, called = known
    if not what:
        return f"Your result is `{name}` as it came in."
    return f"Your result is the {what} of `{name}` along {called}, whatever the rest says."


def _argument(found: list[Tensor], draws: list[tuple], exercise: Exercise) -> tuple[str, str, str] | None:
    """Name the argument that was found, and what of it along which axis; empty where it is as it came in."""
    for i, (name, axes) in enumerate(parameters(exercise)):
        value = draws[0][i]
        if not isinstance(value, Tensor) or not value.is_floating_point():
            continue
        given = [arguments[i] for arguments in draws]
        if _all_equal(given, found, lambda t: t):
            return name, "", ""
        for axis in range(value.dim()):
            called = axes[axis] if len(axes) == value.dim() else f"axis {axis}"
            for what, reduce in REDUCTIONS.items():
                if _all_equal(given, found, lambda t, a=axis, r=reduce: r(t, a)):
                    return name, what, called
    return None


def _with_an_argument(
    expected: list[Tensor], found: list[Tensor], draws: list[tuple], exercise: Exercise
) -> str | None:
    """See whether something of an argument was added to the right result, or averaged with it."""
    if any(e.shape != f.shape or not f.isfinite().all() for e, f in zip(expected, found, strict=True)):
        return None
    for rest, what in (
        ([f - e for e, f in zip(expected, found, strict=True)], "You add something to the right result."),
        ([e - f for e, f in zip(expected, found, strict=True)], "You subtract something from the right result."),
        ([2 * f - e for e, f in zip(expected, found, strict=True)], "You average the right result with something."),
    ):
        if any(t.abs().max() < 1e-4 for t in rest if t.numel()):
            continue
        known = _argument([t.to(torch.float32) for t in rest], draws, exercise)
        if known:
            name, reduction, called = known
            it = f"It is the {reduction} of `{name}` along {called}: leave it out."
            return f"{what} {it if reduction else f'It is `{name}` as it came in: leave it out.'}"
    return None


def _cut_or_longer(expected: list[Tensor], found: list[Tensor], exercise: Exercise) -> str | None:
    """See whether a result is a piece of the right one along one axis, or the right one is a piece of it."""
    axes = result_axes(exercise)
    filled = [(e, f) for e, f in zip(expected, found, strict=True) if f.numel()]  # of nothing, any place is right
    if len(filled) < 2:
        return None
    expected, found = [e for e, _ in filled], [f for _, f in filled]
    for axis in range(expected[0].dim()):
        called = axes[axis] if len(axes) == expected[0].dim() else f"axis {axis}"
        places = [_piece(e, f, axis) for e, f in zip(expected, found, strict=True)]
        if all(place is not None for place in places):
            return (
                f"Your numbers are right, but along {called} some are missing: in the first call yours are those from "
                f"place {places[0]} on, {found[0].shape[axis]} of {expected[0].shape[axis]}."
            )
        places = [_piece(f, e, axis) for e, f in zip(expected, found, strict=True)]
        if all(place is not None for place in places):
            return (
                f"Along {called} there are too many: in the first call the right ones stand from place {places[0]} on, "
                f"{expected[0].shape[axis]} of your {found[0].shape[axis]}."
            )
    return None


def _moved(expected: list[Tensor], found: list[Tensor], exercise: Exercise) -> str | None:
    """See whether the right numbers come several places too early or too late along an axis, in every draw."""
    axes = result_axes(exercise)
    for axis in range(expected[0].dim()):
        called = axes[axis] if len(axes) == expected[0].dim() else f"axis {axis}"
        for late in (False, True):
            places = [_places(e, f, axis, late) for e, f in zip(expected, found, strict=True)]
            if None not in places:
                return (
                    f"Your numbers are right, but along {called} they come too {HOW_MOVED[late]}: by "
                    f"{', '.join(map(str, places))} places in our calls."
                )
    return None


def _places(e: Tensor, f: Tensor, axis: int, late: bool) -> int | None:
    """Count by how many places one tensor comes after, or before, another, where enough of it is seen."""
    if e.shape != f.shape:
        return None
    n = e.shape[axis]
    ours, theirs = (e, f) if late else (f, e)
    for step in range(1, n - 1):
        part = ours.narrow(axis, 0, n - step)
        varies = part.numel() >= 12 and bool((part != part.narrow(axis, 0, 1)).any())
        if varies and equal(part, theirs.narrow(axis, step, n - step)):
            return step
    return None


def _of_lists(expected: list[Any], found: list[Any]) -> str | None:
    """Name what is too many or missing in a list that is right otherwise."""
    pairs = [(list(e), list(f)) for e, f in zip(expected, found, strict=True) if list(e) != list(f)]
    for sentence, fits in (
        ("Your list begins as it should and goes on too long: {} in place of {}.", lambda e, f: f[: len(e)] == e),
        ("Your list begins as it should and ends too early: {} in place of {}.", lambda e, f: f and e[: len(f)] == f),
        ("Your list is right but for what comes first, which is too many: {} in place of {}.", _ends_with),
        ("The beginning of your list is missing: {} in place of {}.", lambda e, f: f and _ends_with(f, e)),
        ("Your list is in the opposite order: {} in place of {}.", lambda e, f: f == e[::-1]),
        ("Your list has the right entries in another order: {} in place of {}.", _rearranged),
        ("Repeated entries are missing from your list: {} in place of {}.", lambda e, f: f == list(dict.fromkeys(e))),
    ):
        if all(fits(e, f) for e, f in pairs):
            e, f = pairs[0]
            return sentence.format(shown(f), shown(e))
    return None


def _ends_with(e: list, f: list) -> bool:
    return f[len(f) - len(e) :] == e and len(f) > len(e)


def _rearranged(e: list, f: list) -> bool:
    return all(type(entry) is int for entry in f) and sorted(f) == sorted(e)


def _piece(whole: Tensor, part: Tensor, axis: int) -> int | None:
    """Find where along an axis a shorter tensor stands in a longer one."""
    if whole.dim() != part.dim() or not 0 < part.shape[axis] < whole.shape[axis]:
        return None
    if any(a != b for i, (a, b) in enumerate(zip(whole.shape, part.shape, strict=True)) if i != axis):
        return None
    n = part.shape[axis]
    return next((i for i in range(whole.shape[axis] - n + 1) if equal(whole.narrow(axis, i, n), part)), None)


def _joined(expected: list[Tensor], found: list[Tensor]) -> str | None:
    """See whether the numbers are right and their axes joined or cut in another way."""
    if any(e.numel() != f.numel() or e.shape == f.shape for e, f in zip(expected, found, strict=True)):
        return None
    for order in itertools.permutations(range(expected[0].dim())):
        pairs = zip(expected, found, strict=True)
        if all(equal(e.permute(order).reshape(f.shape), f) for e, f in pairs):
            return (
                f"Your numbers are right, but their axes are joined (cat) or cut in another way: tensor"
                f"{tuple(found[0].shape)} in place of tensor{tuple(expected[0].shape)}."
            )
    return None


def _of_numbers(expected: list[Any], found: list[Any], draws: list[tuple], exercise: Exercise) -> str | None:
    """Name the factor or the distance between plain numbers, where it is one in all calls, or a size."""
    if not all(isinstance(n, int | float) or (isinstance(n, Tensor) and n.numel() == 1) for n in found):
        return None
    ours, theirs = [float(n) for n in expected], [float(n) for n in found]
    most = max(theirs)
    if theirs.count(most) > 1 and most < max(ours) and theirs == [min(n, most) for n in ours]:
        return f"Your number is right up to {most:g} and never larger: what stops it there?"
    if len({round(n, 6) for n in ours}) < 3:
        return None
    forms = (
        ([t / o if o else 1.0 for o, t in zip(ours, theirs, strict=True)], "{} times"),
        (
            [t - o for o, t in zip(ours, theirs, strict=True)],
            "{} more than",
        ),
    )
    for numbers, form in forms:
        named = _named_number(numbers, draws, exercise)
        if named is not None and named not in ("1", "0"):
            return f"Your number is {form.format(named)} what it should be, in every call."
    return None


REDUCTIONS: dict[str, Callable[[Tensor, int], Tensor]] = {
    "mean": lambda t, axis: t.mean(axis),
    "sum": lambda t, axis: t.sum(axis),
    "maximum": lambda t, axis: t.amax(axis),
    "first": lambda t, axis: t.select(axis, 0),
    "last": lambda t, axis: t.select(axis, -1),
}


def _reordered(expected: list[Tensor], found: list[Tensor]) -> str | None:
    for axis in range(expected[0].dim()):
        if all(
            e.shape == f.shape and e.shape[axis] > 1 and _same_rows(e, f, axis)
            for e, f in zip(expected, found, strict=True)
        ):
            return (
                f"Along axis {axis} you have all the right entries in another order: was something sorted or moved and "
                "not put back?"
            )
    return None


def _same_rows(e: Tensor, f: Tensor, axis: int) -> bool:
    e, f = (t.double().movedim(axis, 0).reshape(t.shape[axis], -1) for t in (e, f))
    alike = torch.isclose(e[:, None], f[None], rtol=RTOL, atol=ATOL).all(-1)
    return bool((alike.sum(0) >= 1).all() and (alike.sum(1) >= 1).all())


def _not_added(expected: list[Tensor], found: list[Tensor]) -> str | None:
    n = expected[0].dim()
    if n == 0:
        return _not_reduced(expected, found)
    if not all(f.dim() == n + 1 for f in found):
        return None
    for axis in range(n + 1):
        if all(f.shape[axis] == 1 and equal(e, f.squeeze(axis)) for e, f in zip(expected, found, strict=True)):
            return f"Your numbers are right, but axis {axis}, of length 1, is too many: take it away."
        if all(equal(e, f.sum(axis)) for e, f in zip(expected, found, strict=True)):
            return f"The sum over axis {axis} is missing: you weigh or multiply, but you do not add up."
        if all(equal(e, f.mean(axis)) for e, f in zip(expected, found, strict=True)):
            return f"The mean over axis {axis} is missing."
    for a, b in itertools.combinations(range(n + 1), 2):
        if all(
            f.shape[a] == f.shape[b] and equal(e, f.diagonal(dim1=a, dim2=b).movedim(-1, a))
            for e, f in zip(expected, found, strict=True)
        ):
            return (
                "You combine every row with every index, so one axis is there twice; the right numbers are on its "
                "diagonal: each row should be paired with its own index."
            )
    return None


def _not_reduced(expected: list[Tensor], found: list[Tensor]) -> str | None:
    reductions: tuple[tuple[str, Callable[[Tensor], Tensor]], ...] = (
        ("mean", torch.mean),
        ("sum", torch.sum),
        ("mean", lambda t: t.sum() / (t != 0).sum()),  # of those that count
    )
    for name, reduce in reductions:
        if all(f.dim() and equal(e, reduce(f)) for e, f in zip(expected, found, strict=True)):
            return f"You return many numbers, tensor{tuple(found[0].shape)}; one is asked for, their {name}."
    return None


def _one_for_all(expected: list[Tensor], found: list[Tensor]) -> str | None:
    if all(
        e.dim() > 1 and e.shape == f.shape and len(f) > 1 and equal(e[0], f[0]) and (f == f[:1]).all()
        for e, f in zip(expected, found, strict=True)
    ):
        return "All your rows are equal: each is what the first should be."
    return None


def _part_right(expected: list[Tensor], found: list[Tensor]) -> str | None:
    """See whether exactly the first or the last entry along an axis is wrong, in every draw."""
    n = expected[0].dim()
    for axis in range(n):
        ends = set()
        for e, f in zip(expected, found, strict=True):
            if e.shape != f.shape or e.shape[axis] < 3:
                return None
            off = ~torch.isclose(e.double(), f.double(), rtol=RTOL, atol=ATOL)
            rows = off.movedim(axis, 0).reshape(off.shape[axis], -1).any(1)
            places = rows.nonzero().flatten().tolist()
            ends.add(
                WHICH_END[0]
                if places == [0]
                else WHICH_END[-1]
                if places == [len(rows) - 1]
                else "ends"
                if places == [0, len(rows) - 1]
                else None
            )
        if len(ends) == 1 and None not in ends:
            which = ends.pop()
            if which == "ends":
                return f"Only the first and the last entry along axis {axis} are wrong: look at both ends."
            return f"Only the {which} entry along axis {axis} is wrong: look at that end."
    return None


# what an answer looks at


def uncalled(exercise: Exercise, draws: list[tuple], call: Callable[[tuple], Any]) -> str | None:
    """Name a function among the arguments that an answer never calls."""
    calls: Counter[int] = Counter()

    def counted(i: int, function: Callable) -> Callable:
        def counting(*given: Any, **named: Any) -> Any:
            calls[i] += 1
            return function(*given, **named)

        return counting

    functions = [i for i, argument in enumerate(draws[0]) if callable(argument)]
    if functions:
        for arguments in draws:
            call(tuple(counted(i, a) if i in functions else a for i, a in enumerate(arguments)))
    for i in functions:
        if not calls[i]:
            return f"You never call `{parameters(exercise)[i].name}`: your result cannot depend on it."
    return None


def blind_to(exercise: Exercise, draws: list[tuple], call: Callable[[tuple], Any]) -> str | None:
    """Name an argument that the reference's result depends on and the answer's does not."""
    listed = parameters(exercise)
    if len(listed) != len(draws[0]):
        return None
    for i, (name, _) in enumerate(listed):
        for arguments in [*draws, *draws]:
            other = _disturbed(arguments, i)
            if other is None:
                break
            try:
                ours = not equal(
                    exercise.reference(*copy.deepcopy(arguments)), exercise.reference(*copy.deepcopy(other))
                )
            except Exception:
                break
            if not ours or not equal(call(arguments), call(other)):
                break
        else:
            return f"Your result does not change when `{name}` does: it takes no part."
    return None


def _disturbed(arguments: tuple, i: int) -> tuple | None:
    value = arguments[i]
    if not isinstance(value, Tensor) or not value.numel():
        return None
    if value.dtype == torch.bool:
        changed = torch.rand(value.shape) < 0.5
    elif value.is_floating_point():
        changed = value + torch.randn_like(value)
    else:
        changed = value.flatten()[torch.randint(value.numel(), value.shape)]
    return (*arguments[:i], changed, *arguments[i + 1 :])


def leaks(exercise: Exercise, draws: list[tuple], call: Callable[[tuple], Any]) -> str | None:
    """Name what should have no influence and has: other rows of the batch, or what a mask hides."""
    listed = parameters(exercise)
    if len(listed) != len(draws[0]):
        return None
    arguments = draws[0]
    masks = [(p, v) for p, v in zip(listed, arguments, strict=True) if isinstance(v, Tensor) and v.dtype == torch.bool]
    for mask, hides in masks:
        for i, (name, axes) in enumerate(listed):
            value = arguments[i]
            if not isinstance(value, Tensor) or not value.is_floating_point() or len(axes) != value.dim():
                continue
            if axes[: hides.dim()] != mask.axes:
                continue
            noise = torch.randn_like(value)
            hidden = ~hides.reshape(*hides.shape, *[1] * (value.dim() - hides.dim()))
            other = (*arguments[:i], value + noise * hidden, *arguments[i + 1 :])
            if _unmoved(exercise, arguments, other) and not equal(call(arguments), call(other)):
                return (
                    f"What `{mask.name}` hides has an influence: change `{name}` where it is False, and your result "
                    f"changes."
                )
    batched = [i for i, (_, axes) in enumerate(listed) if axes and axes[0] == "batch"]
    if not batched:
        return None
    changed = list(arguments)
    for i in batched:
        value = arguments[i].clone()
        value[0] = value[0] + torch.randn_like(value[0]) if value.is_floating_point() else value[-1]
        changed[i] = value
    ours, theirs = (
        (r if isinstance(r, tuple) else (r,)) for r in (_run(exercise, arguments), _run(exercise, tuple(changed)))
    )
    if not all(isinstance(t, Tensor) and t.dim() and equal(t[1:], u[1:]) for t, u in zip(ours, theirs, strict=True)):
        return None
    before, after = (_tensors(call(a)) for a in (arguments, tuple(changed)))
    if any(
        t.shape == u.shape == o.shape and not equal(t[1:], u[1:]) for t, u, o in zip(before, after, ours, strict=False)
    ):
        return "The rows of a batch influence each other: change the first, and your results for others change."
    return None


def _tensors(result: Any) -> list[Tensor]:
    results = result if isinstance(result, tuple | list) else [result]
    return [r for r in results if isinstance(r, Tensor)]


def _run(exercise: Exercise, arguments: tuple) -> Any:
    return exercise.reference(*copy.deepcopy(arguments))


def _unmoved(exercise: Exercise, arguments: tuple, other: tuple) -> bool:
    return equal(_run(exercise, arguments), _run(exercise, other))
