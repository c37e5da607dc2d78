"""Results as plain JSON and back: tensors, numbers, texts, lists; of anything else only its type is told.

What comes back from a learner's process is data and never code: nothing is unpickled, and sizes are checked.
"""

import base64
import binascii
import fractions
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

LARGEST = 4_000_000  # numbers in a tensor
LONGEST = 10_000  # characters in a text
LARGEST_INT = 1000  # bits; a float holds a number of this size
DEEPEST = 20
_NAMES = "bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64 complex128"
DTYPES = {name: getattr(torch, name) for name in _NAMES.split()}  # of others, bytes alone make no tensor: it may crash


class Opaque:
    """A result of which only the type is known; a type of that name stands for it, so that messages can name it."""

    def __repr__(self) -> str:
        return type(self).__name__


def encode(value: Any, depth: int = 0) -> Any:
    """Describe a value so that JSON can hold it."""
    if depth > DEEPEST:
        return {"opaque": "something nested without end"}
    if value is None or isinstance(value, bool):
        return value
    if value is ...:
        return {"opaque": "..."}
    if isinstance(value, str):  # also NumPy's
        return {"str": str(value)[:LONGEST]}
    if isinstance(value, Tensor | np.ndarray | np.generic):
        try:
            if isinstance(value, Tensor):
                return _encode_tensor(value)
            native = np.asarray(value).astype(value.dtype.newbyteorder("="))  # a copy: no negative strides
            return _encode_tensor(torch.as_tensor(native)) | {"numpy": isinstance(value, np.ndarray)}
        except (RuntimeError, TypeError, ValueError, MemoryError):  # nested, texts: no plain block of numbers
            return {"opaque": "nested tensor" if isinstance(value, Tensor) else type(value).__name__}
    if isinstance(value, int):
        return {"int": str(int(value))} if value.bit_length() < LARGEST_INT else {"opaque": "a very large int"}
    if isinstance(value, float):
        return {"float": repr(float(value))}
    if (
        isinstance(value, fractions.Fraction)
        and max(value.numerator, value.denominator, key=abs).bit_length() < LARGEST_INT
    ):
        return {"fraction": [encode(value.numerator), encode(value.denominator)]}
    if isinstance(value, list | tuple | range) and len(value) <= LARGEST:
        kind = "list" if isinstance(value, list) else "tuple"
        return {kind: [encode(item, depth + 1) for item in value]}
    if isinstance(value, Mapping):
        return {"dict": [[encode(k, depth + 1), encode(v, depth + 1)] for k, v in value.items()]}
    return {"opaque": type(value).__name__}


def _encode_tensor(value: Tensor) -> dict[str, Any]:
    with torch._C.DisableTorchFunctionSubclass():  # a subclass tells its own stories
        value = value.detach()
        shape = list(value.shape)
        if value.device.type == "meta" or math.prod(shape) > LARGEST:
            return {"opaque": f"tensor{tuple(shape)}" + " without numbers" * (value.device.type == "meta")}
        if value.is_quantized:
            value = value.dequantize()
        if value.dtype not in DTYPES.values():
            value = value.to(torch.float32)
        if value.layout != torch.strided:
            value = value.to_dense()
        dtype = str(value.dtype).removeprefix("torch.")
        data = value.cpu().resolve_conj().resolve_neg().contiguous().reshape(-1).view(torch.uint8)
    return {"tensor": dtype, "shape": shape, "data": base64.b64encode(data.numpy().tobytes()).decode()}


def decode(plain: Any, depth: int = 0) -> Any:
    """Make the value anew.

    Raises
    ------
    ValueError
        If this is nothing that `encode` could have given.
    """
    if depth > DEEPEST + 1:
        raise ValueError("decode: nested too deep.")
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
            case "fraction":
                return fractions.Fraction(*(int(decode(part)) for part in content))
            case "list" | "tuple":
                items = [decode(item, depth + 1) for item in content]
                return items if kind == "list" else tuple(items)
            case "dict":
                return {decode(key, depth + 1): decode(item, depth + 1) for key, item in content}
    except (TypeError, KeyError, AttributeError, ZeroDivisionError, OverflowError) as error:
        raise ValueError(f"decode: this is no result ({error}).") from None
    raise ValueError(f"decode: expected a result, got {type(plain).__name__}.")


def _decode_tensor(plain: Mapping[str, Any]) -> Any:
    dtype, shape = DTYPES[plain["tensor"]], [int(size) for size in plain["shape"]]
    try:
        data = bytearray(base64.b64decode(plain["data"], validate=True))
    except binascii.Error as error:
        raise ValueError(f"decode: this is no tensor ({error}).") from None
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(data):
        raise ValueError(f"decode: {len(data)} bytes do not fill a tensor{tuple(shape)} of {dtype}.")
    flat = torch.frombuffer(data, dtype=dtype) if data else torch.empty(0, dtype=dtype)
    value = flat.reshape(shape)
    if "numpy" not in plain:
        return value
    return value.numpy() if plain["numpy"] else value.numpy()[()]
