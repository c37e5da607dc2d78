"""What was read of a result as plain JSON and back; of anything but numbers and texts only its type is told.

What comes back from a learner's process is data and never code: nothing is unpickled, and sizes are checked.
"""

import base64
import binascii
import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from course_utils.exercises.reading import DTYPES, Unreadable, read

LONGEST = 10_000  # characters in a text
LARGEST_INT = 1000  # bits; a float holds a number of this size


class Opaque:
    """A result of which only the type is known; a type of that name stands for it, so that messages can name it."""

    def __repr__(self) -> str:
        return type(self).__name__


def encode(value: Any) -> Any:
    """Read a value and describe it so that JSON can hold it."""
    return _encode(read(value))


def _encode(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if value is ...:
        return {"opaque": "..."}
    if isinstance(value, str):  # also NumPy's
        return {"str": str(value)[:LONGEST]}
    if isinstance(value, Tensor):
        data = base64.b64encode(value.reshape(-1).view(torch.uint8).numpy().tobytes()).decode()
        return {"tensor": str(value.dtype).removeprefix("torch."), "shape": list(value.shape), "data": data}
    if isinstance(value, int):
        return {"int": str(int(value))} if value.bit_length() < LARGEST_INT else {"opaque": "a very large int"}
    if isinstance(value, float):
        return {"float": repr(float(value))}
    if isinstance(value, list | tuple):
        return {"list" if isinstance(value, list) else "tuple": [_encode(item) for item in value]}
    if isinstance(value, Unreadable):
        return {"unreadable": value.why}
    return {"opaque": type(value).__name__}


def decode(plain: Any) -> Any:
    """Make the value anew.

    Raises
    ------
    ValueError
        If this is nothing that `encode` could have given.
    """
    if plain is None or isinstance(plain, bool):
        return plain
    try:
        if "tensor" in plain:
            return _decode_tensor(plain)
        (kind, content), *_ = plain.items()
        match kind:
            case "int":
                return int(content)  # Python itself reads 4300 digits at most
            case "float":
                return float(content)
            case "str":
                return str(content)
            case "opaque":
                return ... if content == "..." else type(str(content)[:100], (Opaque,), {})()
            case "unreadable":
                return Unreadable(str(content))
            case "list" | "tuple":
                items = [decode(item) for item in content]
                return items if kind == "list" else tuple(items)
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"decode: this is no result ({error}).") from None
    raise ValueError(f"decode: expected a result, got {type(plain).__name__}.")


def _decode_tensor(plain: Mapping[str, Any]) -> Tensor:
    dtype, shape = DTYPES[plain["tensor"]], [int(size) for size in plain["shape"]]
    try:
        data = bytearray(base64.b64decode(plain["data"], validate=True))
    except binascii.Error as error:
        raise ValueError(f"decode: this is no tensor ({error}).") from None
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(data):
        raise ValueError(f"decode: {len(data)} bytes do not fill a tensor{tuple(shape)} of {dtype}.")
    flat = torch.frombuffer(data, dtype=dtype) if data else torch.empty(0, dtype=dtype)
    return flat.reshape(shape)
