"""What an answer gave back, read safely whatever it is, and compared with ours.

Whole numbers and truth values are compared as such, real numbers with room for another order of sums.
"""

import copy
import itertools
import math
import numbers
import reprlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

RTOL, ATOL = 1e-4, 1e-5  # wide enough for another order of sums and for half the digits of another dtype
HALF = (torch.float16, torch.bfloat16)
LARGEST = 4_000_000  # numbers in a tensor
LONGEST_LIST = 10_000
MOST_PARTS = 100_000  # of a list in lists; one that holds itself twice has no end of them
DEEPEST = 20
N_GRADIENTS = 2  # draws on which gradients are compared, where an exercise asks for them
_NAMES = "bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 bfloat16 float32 float64"
DTYPES = {name: getattr(torch, name) for name in _NAMES.split()}  # all others are read as float32
_NUMBERS: dict[str, type] = {"b": bool, "i": int, "u": int, "f": float, "c": complex}

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 80
_short.maxlong, _short.maxlevel = 40, 2


class Unreadable:
    """A result that holds no numbers we could compare; ``why`` is what to tell its author."""

    def __init__(self, why: str):
        """Keep the reason."""
        self.why = why


def read(result: Any) -> Any:
    """Copy a result, so that nothing that is written later changes it, into plain tensors, numbers and sequences.

    Arrays become tensors, sparse and quantized tensors dense ones, scalars of NumPy and fractions become numbers; what
    holds nothing to compare, or refuses to be read, becomes `Unreadable`. What was read stays as it is when it is read
    again.
    """
    try:
        return _read(result, 0, iter(range(MOST_PARTS)))
    except StopIteration:
        return Unreadable("Your result is nested without end.")
    except Exception as error:  # what is asked of an object is somebody's code too
        return Unreadable(f"Your result cannot be read: it raised {type(error).__name__}.")


def _read(result: Any, depth: int, room: Iterator[int]) -> Any:
    if isinstance(result, Tensor | np.ndarray):
        try:
            return _plain(result) if isinstance(result, Tensor) else _of_array(result)
        except Exception as error:  # a tensor can be of many kinds, and most refuse most questions
            return Unreadable(f"Your result is a tensor that cannot be read ({type(error).__name__}).")
    if isinstance(result, Sequence) and not isinstance(result, str | bytes | bytearray | memoryview):
        if depth > DEEPEST:
            return Unreadable("Your result is nested without end.")
        if len(result) > LONGEST_LIST:
            return Unreadable(f"Your result is a {type(result).__name__} of {len(result)}, far too long.")
        parts = []
        for part in result:
            next(room)
            parts.append(_read(part, depth + 1, room))
        return parts if isinstance(result, list) else tuple(parts)
    if isinstance(result, np.generic) and result.dtype.kind in _NUMBERS:
        return _NUMBERS[result.dtype.kind](result)
    if isinstance(result, numbers.Rational) and not isinstance(result, numbers.Integral):
        try:
            return float(result)
        except OverflowError:
            return Unreadable("Your number is too large.")
    return result


def _of_array(result: np.ndarray) -> Any:
    if result.dtype.kind not in _NUMBERS:  # texts, objects
        return read(result.tolist()) if result.ndim < 2 else Unreadable("Your array does not hold numbers.")
    return _plain(torch.from_numpy(result.astype(result.dtype.newbyteorder("="), order="C")))


def _plain(result: Tensor) -> Tensor | Unreadable:
    with torch._C.DisableTorchFunctionSubclass():  # a subclass may answer anything to any question
        if result.is_meta:
            return Unreadable("Your tensor holds no numbers (its device is meta).")
        if result.is_nested:
            return Unreadable("Your tensor is nested, with rows of several lengths; expected an ordinary one.")
        if result.numel() > LARGEST:
            return Unreadable(f"Your result is tensor{tuple(result.shape)}: far more numbers than are asked for.")
        result = result.detach()
        if result.is_quantized:
            result = result.dequantize()
        if result.layout is not torch.strided:
            result = result.to_dense()
        if result.is_complex():
            if result.imag.any():
                return Unreadable("Your result holds complex numbers; expected real ones.")
            result = result.real
        dtype = result.dtype if result.dtype in DTYPES.values() else torch.float32
        return torch.empty(result.shape, dtype=dtype).copy_(result)


def gradients(function: Callable, arguments: tuple, which: Sequence[int]) -> list[Tensor] | None:
    """Send a gradient back through a function's result, the same for every function; None where the result is detached.

    Parameters
    ----------
    function
        What is called with the arguments.
    arguments
        They are left as they are.
    which
        For which of the arguments the gradient is wanted.
    """
    given = list(copy.deepcopy(arguments))
    for i in which:
        given[i] = given[i].requires_grad_()
    result = function(*given)
    if not isinstance(result, Tensor) or not result.requires_grad:
        return None
    generator = torch.Generator().manual_seed(7)
    weights = torch.randn(result.shape, generator=generator, dtype=torch.float32).to(result.dtype)
    found = torch.autograd.grad((result * weights).sum(), [given[i] for i in which], allow_unused=True)
    return [torch.zeros_like(given[i]) if g is None else g.detach() for i, g in zip(which, found, strict=True)]


def shown(value: Any) -> str:
    """Describe a value in a few characters: a tensor by its shape, everything else by the beginning of its repr."""
    try:
        return _shown(value)
    except Exception:  # a repr is somebody's code too
        return f"an object of type {type(value).__name__}"


def _shown(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"tensor{tuple(value.shape)}"
    if isinstance(value, np.ndarray):
        return f"array{value.shape}"
    if isinstance(value, Unreadable):
        return "something that cannot be compared"
    if type(value) in (list, tuple) and any(isinstance(part, Tensor | Unreadable) for part in value):
        parts = ", ".join(map(shown, value[:4])) + (", …" if len(value) > 4 else "")
        return f"({parts})" if type(value) is tuple else f"[{parts}]"
    return _short.repr(value)


def kind(value: Any) -> str:
    """Describe what is expected, without its numbers."""
    if isinstance(value, Tensor):
        return f"a tensor{tuple(value.shape)}"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}" if isinstance(value, list) else f"a tuple of {len(value)}"
    return f"a value of type {type(value).__name__}"


def same(given: Any, before: Any) -> bool:
    """Say whether arguments are what they were before the call."""
    if isinstance(before, Tensor):
        return isinstance(given, Tensor) and given.shape == before.shape and torch.equal(given, before)
    if isinstance(before, dict):
        return given.keys() == before.keys() and all(same(given[key], before[key]) for key in before)
    if isinstance(before, list | tuple):
        return len(given) == len(before) and all(map(same, given, before))
    return callable(before) or bool(given == before)


def as_tensor(found: Any) -> Any:
    """Make a tensor of a number and of numbers in lists of any depth; leave the rest."""
    if isinstance(found, bool | int | float) or (type(found) in (list, tuple) and found and not _holds_tensors(found)):
        try:
            return torch.tensor(found)
        except (ValueError, TypeError, RuntimeError, OverflowError):  # rows of several lengths, words
            return found
    return found


def _holds_tensors(found: Any) -> bool:
    return any(isinstance(part, Tensor | Unreadable) for part in found)


def equal(expected: Any, found: Any) -> bool:
    """Compare a result that was read with ours."""
    if isinstance(expected, Unreadable):
        return False
    if isinstance(expected, Tensor):
        found = as_tensor(found)
        return isinstance(found, Tensor) and found.shape == expected.shape and _equal_numbers(expected, found)
    if isinstance(found, Tensor):
        found = found.tolist()
    if isinstance(expected, str):
        return isinstance(found, str) and " ".join(found.split()).casefold() == expected.casefold()
    if isinstance(expected, Sequence):
        is_sequence = isinstance(found, Sequence) and not isinstance(found, str)
        return is_sequence and len(found) == len(expected) and all(map(equal, expected, found))
    if isinstance(expected, bool) and type(found) is int:
        return found == expected  # 0 and 1 for False and True
    if isinstance(expected, bool) or not isinstance(expected, int | float):
        return type(found) is type(expected) and bool(found == expected)
    if isinstance(found, bool) or not isinstance(found, numbers.Real):
        return False
    try:
        number = float(found)
    except (OverflowError, ValueError):
        return False
    if isinstance(expected, int):
        return number == expected
    return math.isclose(number, expected, rel_tol=1e-3, abs_tol=ATOL)


def numbers_for_truth(expected: Any, found: Any) -> bool:
    """Say whether numbers are given where a tensor of truth values is asked for, as in a mask."""
    return isinstance(expected, Tensor) and expected.dtype == torch.bool and as_tensor(found).dtype != torch.bool


def _equal_numbers(expected: Tensor, found: Tensor) -> bool:
    if not expected.is_floating_point():
        return bool((found.double() == expected.double()).all())
    if found.dtype == torch.bool or found.dtype in HALF:
        return False
    return torch.allclose(found.double(), expected.double(), rtol=RTOL, atol=ATOL, equal_nan=True)


def wrong_form(expected: Any, found: Any) -> str | None:
    """Say what is wrong with the form of a predicted value, whatever it says."""
    if isinstance(found, Tensor):
        found = found.tolist()
    if isinstance(expected, str):
        return None if isinstance(found, str) else f"Expected a string, in quotation marks, found {shown(found)}."
    if isinstance(expected, Sequence):
        return _wrong_form_of_sequence(expected, found)
    if isinstance(found, str):
        return "This is a string: write the value itself, without quotation marks."
    if isinstance(found, list | tuple):
        return "Expected one value alone: write it without brackets."
    if isinstance(expected, bool):
        is_truth = isinstance(found, bool) or (type(found) is int and found in (0, 1))
        return None if is_truth else f"Expected True or False, found {shown(found)}."
    if isinstance(found, bool) or not isinstance(found, int | float):
        return f"Expected a number, found {shown(found)}."
    return None


def _wrong_form_of_sequence(expected: Sequence, found: Any) -> str | None:
    if isinstance(found, str) or not isinstance(found, Sequence):
        return f"Expected a tuple of {len(expected)}, in brackets and with commas, found {shown(found)}."
    if len(found) != len(expected) and all(isinstance(e, bool) for e in expected):
        return f"Expected {len(expected)} entries, each True or False, found {len(found)}."
    if len(found) != len(expected):
        return f"Expected {len(expected)} entries, found {len(found)}."
    for i, (e, f) in enumerate(zip(expected, found, strict=True)):
        told = wrong_form(e, f)
        if told:
            return f"{OPENING_ORDINALS[i]} entry: {told}"
    return None


def right_but_for(expected: Any, found: Any) -> str | None:
    """Say what was done to a predicted value as a whole: per cent for fractions, or the entries in another order."""
    found = found.tolist() if isinstance(found, Tensor) else found
    several = isinstance(expected, Sequence) and not isinstance(expected, str)
    ours, theirs = (expected, found) if several else ([expected], [found])
    if not isinstance(theirs, list | tuple) or len(theirs) != len(ours):
        return None
    off = [(e, f) for e, f in zip(ours, theirs, strict=True) if not equal(e, f)]
    if off and all(type(e) is float and equal(100 * e, f) for e, f in off):
        return "You write per cent where a fraction is asked for: 100 % is 1."
    if any(isinstance(e, bool) for e in ours) or any(equal(*two) for two in itertools.combinations(ours, 2)):
        return None
    if any(equal(tuple(order), tuple(theirs)) for order in itertools.permutations(ours)):
        return "Your entries are the right ones, in another order than they are asked for."
    return None


# words that fill a hole of a sentence
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")
OPENING_ORDINALS = ("First", "Second", "Third", "Fourth", "Fifth", "Sixth")


def difference(expected: Any, found: Any, axes: Sequence[str] = ()) -> str:
    """Name the first thing in which a result differs: type, length, shape, dtype, or place."""
    if isinstance(found, Unreadable):
        return found.why
    if found is None:
        return "Your function returned None: is there a return at its end?"
    if isinstance(expected, tuple):
        if isinstance(found, Tensor) or not isinstance(found, tuple | list) or len(found) != len(expected):
            return f"Expected {len(expected)} results, found {shown(found)}."
        part = next(i for i, (e, f) in enumerate(zip(expected, found, strict=True)) if not equal(e, f))
        return f"In result {part + 1} of {len(expected)}: {difference(expected[part], found[part])}"
    if not isinstance(expected, Tensor):
        return _difference_of_values(expected, found)
    found = as_tensor(found)
    if not isinstance(found, Tensor):
        return f"Expected a tensor, found {_what(found)}."
    if found.shape != expected.shape:
        if not expected.dim():
            return f"Expected one number, found tensor{tuple(found.shape)}."
        named = f" ({', '.join(axes)})" if len(axes) == expected.dim() else ""
        return f"Expected shape {tuple(expected.shape)}{named}, found {tuple(found.shape)}."
    return _difference_of_numbers(expected, found)


def _difference_of_values(expected: Any, found: Any) -> str:
    if isinstance(found, Tensor) and found.numel() <= 1 + 100 * isinstance(expected, Sequence):
        found = found.tolist()
    if isinstance(expected, list) and isinstance(found, list | tuple):
        alike = [equal(e, f) for e, f in zip(expected, found, strict=False)]
        where = alike.index(False) if False in alike else len(alike)
        return f"Expected {shown(expected)}, found {shown(found)}: they part at place {where}."
    if isinstance(expected, list) and isinstance(found, str):
        return f"Expected a list such as {shown(expected)}, found a string, {shown(found)}."
    if type(expected) is int and isinstance(found, float) and math.isfinite(found) and found != round(found):
        return f"Expected a whole number, {expected}, found {found:.4f}."
    if isinstance(expected, float):
        expected = round(expected, 4)
    return f"Expected {shown(expected)}, found {shown(found)}."


def _what(found: Any) -> str:
    if type(found) in (list, tuple) and found and all(isinstance(part, Tensor) for part in found):
        if type(found) is list:
            return f"a list of {len(found)} tensors: stack or concatenate them"
        return f"a tuple of {len(found)} tensors: stack or concatenate them"
    return f"{type(found).__name__}"


def _difference_of_numbers(expected: Tensor, found: Tensor) -> str:
    if expected.is_floating_point() and not found.is_floating_point():
        return f"Expected floating-point numbers, found {found.dtype}."
    if found.dtype in HALF:
        if torch.allclose(found.double(), expected.double(), rtol=2e-2, atol=2e-2):
            return f"Your numbers are rounded: their dtype is {found.dtype}, expected torch.float32."
        return f"Your dtype is {found.dtype}, expected torch.float32; and some numbers are far off."
    if found.is_floating_point() and torch.isnan(found).any():
        count = int(torch.isnan(found).sum())
        return (
            f"There is NaN in your result ({count} of {found.numel()} numbers): is zero divided by zero somewhere, or "
            "an infinite number multiplied by zero, as by a mask after the fact?"
        )
    if not expected.is_floating_point() and found.is_floating_point() and (found != found.round()).any():
        wanted = "True and False" if expected.dtype == torch.bool else "whole numbers"
        return f"Expected {wanted}, found fractions such as {found[found != found.round()][0].item():.4f}."
    if numbers_for_truth(expected, found) and equal(expected, found):
        return (
            f"Right but for the dtype, {found.dtype}: 0 and 1 are numbers, and as a mask they are read otherwise (`~` "
            "of them is no opposite). Make them True and False (bool)."
        )
    exact = not expected.is_floating_point()
    if expected.dtype == torch.bool and ((found != 0) & (found != 1)).any():
        return f"Expected True and False, found numbers such as {found[(found != 0) & (found != 1)][0].item():g}."
    off = found.double() != expected.double() if exact else ~_close(expected, found)
    if not off.any():
        return "Your result differs in nothing that can be named."
    place = tuple(int(i) for i in off.nonzero()[0])
    ours, theirs = expected[place].item(), found[place].item()
    both = (
        f"xpected {ours}, found {_of_kind(theirs, expected.dtype)}"
        if exact
        else f"xpected {ours:.4f}, found {theirs:.4f}"
    )
    if not place:
        return f"E{both}."
    return f"The first difference is at index {list(place)}: e{both}; {int(off.sum())} of {off.numel()} differ."


def _of_kind(number: Any, dtype: torch.dtype) -> Any:
    return bool(number) if dtype == torch.bool and number in (0, 1) else f"{number:g}"


def _close(expected: Tensor, found: Tensor) -> Tensor:
    return torch.isclose(found.double(), expected.double(), rtol=RTOL, atol=ATOL, equal_nan=True)
