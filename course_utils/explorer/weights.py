"""The translators that pages carry: their weights in few bits, packed for a script and read back for a test.

A file is JSON and is never unpickled: a block of whole numbers, deflated and written in base64, with the names and
shapes that PyTorch gives the parameters. ``live/weights.js`` reads it in the page.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

STORED = Path(__file__).with_name("translators.json")  # of lectures 01 and 02
STORED_TRANSFORMER = Path(__file__).with_name("transformer.json")  # of lecture 05


class Weights(NamedTuple):
    """A model without its class: what it learned, and the words that its numbers stand for."""

    source_words: Sequence[str]
    target_words: Sequence[str]
    parameters: Mapping[str, Float[Tensor, "..."]]


def pack(models: Mapping[str, Weights], steps: Mapping[str, float]) -> dict[str, Any]:
    """Write models as whole numbers with one scale per parameter: a byte for each entry of a matrix, two for a bias.

    Parameters
    ----------
    models
        By the name they have in the page.
    steps
        For each model, the distance of two neighbouring values of a matrix, in standard deviations of its entries. A
        matrix whose largest entry would not fit into a byte gets larger steps. Coarser steps deflate better.

    Returns
    -------
    What `json.dump` can write: ``models`` with words, shapes and scales, the ``numbers``, and their ``sha256``.

    Raises
    ------
    ValueError
        If a parameter has neither one axis nor two.
    """
    described = {}
    entries = bytearray()
    for name, model in models.items():
        tensors = {}
        for parameter, values in model.parameters.items():
            if values.ndim not in (1, 2):
                raise ValueError(f"pack: {parameter} has the shape {tuple(values.shape)}; expected one axis or two.")
            values = values.detach().double()
            most = values.abs().max().item()
            if values.ndim == 1:
                scale, kind, order = most / 32767, torch.int16, "<i2"
            else:
                scale, kind, order = max(steps[name] * values.std().item(), most / 127), torch.int8, "i1"
            scale = float(f"{scale:.6g}") or 1.0
            tensors[parameter] = [scale, *values.shape]
            entries += (values / scale).round().to(kind).numpy().astype(order).tobytes()
        described[name] = {
            "source_words": list(model.source_words),
            "target_words": list(model.target_words),
            "tensors": tensors,
        }
    deflate = zlib.compressobj(9, strategy=zlib.Z_HUFFMAN_ONLY)  # weights repeat no phrases, only frequent values
    block = deflate.compress(bytes(entries)) + deflate.flush()
    numbers = base64.b64encode(block).decode("ascii")
    return {"models": described, "numbers": numbers, "sha256": hashlib.sha256(numbers.encode("ascii")).hexdigest()}


def unpack(stored: Mapping[str, Any], file: Path = STORED) -> dict[str, Weights]:
    """Read what `pack` wrote, as the page reads it; ``file`` is where it was stored.

    Raises
    ------
    ValueError
        If the numbers are not the ones whose sha256 is beside them.
    """
    found = hashlib.sha256(stored["numbers"].encode("ascii")).hexdigest()
    if found != stored["sha256"]:
        raise ValueError(
            f"The stored weights have the sha256 {found[:12]}…, expected {stored['sha256'][:12]}…; take {file.name} "
            "from the repository again."
        )
    block = bytearray(zlib.decompress(base64.b64decode(stored["numbers"])))
    models, start = {}, 0
    for name, model in stored["models"].items():
        parameters = {}
        for parameter, (scale, *shape) in model["tensors"].items():
            count = torch.Size(shape).numel()
            kind = torch.int16 if len(shape) == 1 else torch.int8
            entries = torch.frombuffer(block, dtype=kind, count=count, offset=start)
            parameters[parameter] = entries.reshape(shape).double() * scale
            start += count * kind.itemsize
        models[name] = Weights(model["source_words"], model["target_words"], parameters)
    return models


def stored_translators(file: Path = STORED) -> dict[str, Any]:
    """Read a committed file: the packed models, how they were trained, and what their rounding costs."""
    return json.loads(file.read_text(encoding="utf-8"))
