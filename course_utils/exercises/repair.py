"""Finds the one slip in a function that is otherwise right: changes one thing in it and sees whether it becomes right.

What is changed is the compiled function, so it does not matter how it is written or whether its text can be found: a
number, the name of a function or a variable, an operator, a ``~`` or a ``-``. The sentence names the place and never
what belongs there.
"""

import dis
import linecache
import math
import time
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

Changed = tuple[types.CodeType, str]

FAMILIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "how it reduces: sum, mean, maximum or minimum",
        ("sum", "mean", "amax", "amin", "max", "min", "median", "prod", "logsumexp"),
    ),
    (
        "which nonlinearity it is",
        ("tanh", "sigmoid", "relu", "elu", "leaky_relu", "gelu", "softplus", "sin", "exp", "log", "silu"),
    ),
    ("any or all", ("any", "all")),
    ("whether probabilities or their logarithms are meant", ("softmax", "log_softmax", "softmin", "sigmoid")),
    ("largest or smallest", ("argmax", "argmin", "max", "min", "maximum", "minimum")),
    ("which axis is joined, cut or moved", ("stack", "cat", "concat")),
    ("whether numbers are repeated as a block or one by one", ("repeat_interleave", "repeat", "tile")),
    ("ones or zeros", ("ones", "zeros", "ones_like", "zeros_like", "new_ones", "new_zeros")),
    ("above or below the diagonal", ("tril", "triu")),
    ("transposed or not", ("T", "mT", "real")),
    ("whether something is moved or only seen in another shape", ("view", "reshape", "transpose", "permute")),
)
OPERATORS = ("+", "-", "*", "/", "//", "%", "@", "&", "|", "**", "^")
LONGEST = 400  # changes that are tried
LARGEST = 64  # a number beyond this is no size of an example


def repaired(answer: Any, is_right: Callable[[Any], bool], seconds: float, sorts: Sequence[Any] = ()) -> str | None:
    """Name the one place in a function which, changed, makes it right; None where there is no such place.

    Parameters
    ----------
    answer
        The function.
    is_right
        Says of a changed function whether it is right; it must stop by itself.
    seconds
        How much of the processor's time to spend.
    sorts
        What each argument is: nobody takes a mask for a state.
    """
    function = answer.__func__ if isinstance(answer, types.MethodType) else answer
    if not isinstance(function, types.FunctionType):
        return None
    end = time.process_time() + seconds
    for number, (code, sentence) in enumerate(_changes(function.__code__, sorts)):
        if number > LONGEST or time.process_time() > end:
            return None
        changed = types.FunctionType(
            code, function.__globals__, function.__name__, function.__defaults__, function.__closure__
        )
        changed.__kwdefaults__ = function.__kwdefaults__
        if is_right(changed):
            return sentence
    return None


def written_in(answer: Any, sizes: list[dict[str, int]], is_right: Callable[[Any, int], bool]) -> str | None:
    """Name a number that stands for a size: with the argument's own size in its place, the function is right.

    Parameters
    ----------
    answer
        The function.
    sizes
        The sizes of each draw, by where they stand.
    is_right
        Says of a changed function whether it is right on the draw of a number.
    """
    function = answer.__func__ if isinstance(answer, types.MethodType) else answer
    if not isinstance(function, types.FunctionType):
        return None
    numbers = sorted({n for n in _numbers(function.__code__) if _as_size(n)}, key=str)[:6]
    for number in numbers:
        size, back = _as_size(number)
        for axis in set(sizes[0]).intersection(*sizes):
            for shift in (0, -1, 1):
                if all(
                    s[axis] + shift > 0 and is_right(_with(function, number, back(s[axis] + shift)), i)
                    for i, s in enumerate(sizes)
                ):
                    return (
                        f"The size {size} is written into your function. It was one example's; sizes differ from call "
                        "to call, so take it from the arguments."
                    )
    return None


def _as_size(number: Any) -> Any:
    """Give the size that a constant may stand for, and how to make the constant from a size; else None."""
    if type(number) is int and 2 <= number <= LARGEST:
        return number, int
    if type(number) is float and number > 0:
        for power in (0.5, -0.5, -1.0, 1.0):
            size = number ** (1 / power)
            if 2 <= size <= LARGEST and math.isclose(size, round(size), rel_tol=1e-3):
                return round(size), lambda s, p=power: float(max(s, 1)) ** p
    return None


def _numbers(code: types.CodeType) -> Iterator[Any]:
    for constant in code.co_consts:
        if type(constant) in (int, float):
            yield constant
        elif type(constant) is tuple:
            yield from (part for part in constant if type(part) in (int, float))
        elif isinstance(constant, types.CodeType):
            yield from _numbers(constant)


def _with(function: types.FunctionType, old: Any, new: Any) -> types.FunctionType:
    def replaced(constant: Any) -> Any:
        if isinstance(constant, types.CodeType):
            return constant.replace(co_consts=tuple(map(replaced, constant.co_consts)))
        if type(constant) is tuple:
            return tuple(map(replaced, constant))
        return new if type(constant) is type(old) and constant == old else constant

    changed = types.FunctionType(
        replaced(function.__code__),
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    changed.__kwdefaults__ = function.__kwdefaults__
    return changed


def _changes(code: types.CodeType, sorts: Sequence[Any] = ()) -> Iterator[Changed]:
    instructions = list(dis.get_instructions(code))
    yield from _of_operators(code, instructions)
    yield from _of_signs(code, instructions)
    yield from _of_names(code, instructions)
    yield from _of_constants(code, instructions)
    yield from _of_comparisons(code, instructions)
    yield from _of_variables(code, instructions, sorts)
    for i, constant in enumerate(code.co_consts):
        if isinstance(constant, types.CodeType):
            for inner, sentence in _changes(constant):
                yield _replaced_constant(code, i, inner), sentence


def _replaced_constant(code: types.CodeType, i: int, new: Any) -> types.CodeType:
    return code.replace(co_consts=(*code.co_consts[:i], new, *code.co_consts[i + 1 :]))


def _of_constants(code: types.CodeType, instructions: list[dis.Instruction]) -> Iterator[Changed]:
    """Change one use of a constant; other uses of the same one stay."""
    for i in instructions:
        if i.opname == "LOAD_CONST" and len(code.co_consts) < 255 and not isinstance(i.argval, types.CodeType):
            shown = f"{i.argval:g}" if type(i.argval) is float else i.argval
            for new, sentence in _other_constants(i.argval, _where(code, i, shown)):
                with_new = code.replace(co_consts=(*code.co_consts, new))
                yield _patched(with_new, i.offset, None, len(code.co_consts)), sentence


def _other_constants(constant: Any, where: str) -> Iterator[tuple[Any, str]]:
    if type(constant) is int and -4 <= constant <= 4:
        for new in (-3, -2, -1, 0, 1, 2, 3):
            if new != constant:
                yield (
                    new,
                    f"There is one slip, and it is in a small number: the {where} (an axis, an index, a count) should "
                    "be another one.",
                )
    elif type(constant) is int:
        for new in (constant - 1, constant + 1):
            yield new, f"Off by one: the {where} should be its neighbour."
    elif type(constant) is bool:
        yield not constant, f"The {where} should be {not constant}."
    elif type(constant) is float:
        for other in (-constant, 0.5, -0.5, 1.0, 2.0, 1.0 / constant if constant else 0.0, constant / 2, 0.2, 0.01):
            if other != constant:
                yield other, f"There is one slip, and it is in a number: the {where} should be another one."
    elif type(constant) is tuple and 0 < len(constant) < 5 and all(type(part) is int for part in constant):
        yield constant[::-1], f"There is one slip, in the numbers {where}: their order."
        for j, part in enumerate(constant):
            for new in (-2, -1, 0, 1, 2, 3):
                if new != part:
                    yield (
                        (*constant[:j], new, *constant[j + 1 :]),
                        f"There is one slip, in the numbers {where}: one of them should be another.",
                    )


def _of_names(code: types.CodeType, instructions: list[dis.Instruction]) -> Iterator[Changed]:
    where = {i.argval: _where(code, i, f"`{i.argval}`") for i in reversed(instructions) if i.argval in code.co_names}
    for i, name in enumerate(code.co_names):
        for what, family in FAMILIES:
            if name not in family:
                continue
            for other in family:
                if other != name:
                    yield (
                        code.replace(co_names=(*code.co_names[:i], other, *code.co_names[i + 1 :])),
                        f"There is one slip, and it is {where.get(name, f'`{name}`')}: ask yourself {what}.",
                    )


def _patched(code: types.CodeType, offset: int, op: int | None, arg: int) -> types.CodeType:
    raw = bytearray(code.co_code)
    if op is not None:
        raw[offset] = op
    raw[offset + 1] = arg
    return code.replace(co_code=bytes(raw))


def _of_operators(code: types.CodeType, instructions: list[dis.Instruction]) -> Iterator[Changed]:
    table = {name: i for i, (_, name) in enumerate(getattr(dis, "_nb_ops", ()))}
    for i in instructions:
        if i.opname != "BINARY_OP" or i.argrepr.rstrip("=") not in OPERATORS or i.argrepr not in table:
            continue
        ending = "=" if i.argrepr.endswith("=") else ""
        for other in OPERATORS:
            if other + ending != i.argrepr and other + ending in table:
                yield (
                    _patched(code, i.offset, None, table[other + ending]),
                    f"There is one slip, and it is the operator {_where(code, i, f'`{i.argrepr}`')}: another one "
                    "belongs there.",
                )


def _of_signs(code: types.CodeType, instructions: list[dis.Instruction]) -> Iterator[Changed]:
    nop = dis.opmap["NOP"]
    for i in instructions:
        if i.opname == "UNARY_INVERT":
            yield (
                _patched(code, i.offset, nop, 0),
                f"There is one slip, and it is the {_where(code, i, '`~`')}: your mask is inverted, True and False are "
                "exchanged.",
            )
        elif i.opname == "UNARY_NEGATIVE":
            yield _patched(code, i.offset, nop, 0), f"There is one slip, and it is the sign {_where(code, i, '`-`')}."


def _of_comparisons(code: types.CodeType, instructions: list[dis.Instruction]) -> Iterator[Changed]:
    names = list(dis.cmp_op)
    for i in instructions:
        if i.opname == "COMPARE_OP" and i.arg is not None and i.argval in names:
            shift = i.arg // max(1, names.index(i.argval)) if names.index(i.argval) else 1
            step = 16 if shift >= 16 else 1
            for j, other in enumerate(names):
                if other != i.argval:
                    arg = i.arg - names.index(i.argval) * step + j * step
                    if 0 <= arg < 256:
                        yield (
                            _patched(code, i.offset, None, arg),
                            f"There is one slip, and it is the comparison {_where(code, i, f'`{i.argval}`')}.",
                        )


def _of_variables(code: types.CodeType, instructions: list[dis.Instruction], sorts: Sequence[Any]) -> Iterator[Changed]:
    n_arguments = code.co_argcount
    for i in instructions:
        if i.opname == "LOAD_FAST" and i.arg is not None and i.arg < len(code.co_varnames):
            for other in range(min(n_arguments, len(code.co_varnames))):
                unlike = max(i.arg, other) < len(sorts) and sorts[i.arg] != sorts[other]
                if other != i.arg and not unlike:
                    yield (
                        _patched(code, i.offset, None, other),
                        f"There is one slip, and it is {_where(code, i, f'`{i.argval}`')}: another of your variables "
                        "belongs in that place.",
                    )


def _where(code: types.CodeType, instruction: dis.Instruction, what: object) -> str:
    """Say of something in which line it stands: by the line's text, or counted from the function's first."""
    position = getattr(instruction, "positions", None)
    if position is None or position.lineno is None:
        return f"{what}"
    text = linecache.getline(code.co_filename, position.lineno).strip()
    text = text if len(text) <= 60 else text[:57] + "…"
    line = position.lineno - code.co_firstlineno + 1
    return f"{what} in the line `{text}`" if text else f"{what} in line {line}"
