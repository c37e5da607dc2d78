"""Where built corpora and downloads lie, and how a built corpus is found again."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from course_utils.files import CHECKOUT, write_atomically


def cache_folder() -> Path:
    """Name the folder for built corpora and downloads: ``COURSE_CACHE``, or ``datasets/cache`` in the checkout."""
    return Path(os.environ.get("COURSE_CACHE") or CHECKOUT / "datasets" / "cache")


def library_versions(names: Iterable[str]) -> dict[str, str]:
    """Look up the installed version of each distribution, for cache keys and records."""
    return {name: version(name) for name in names}


def cached(name: str, key: dict[str, Any], build: Callable[[], Any]) -> Any:
    """Return the stored result of ``build()`` for this key, or build and store it.

    Parameters
    ----------
    name
        What is stored; the file is ``<cache>/<name>-<hash of key>.json``.
    key
        Everything the result depends on (settings, library versions, a version of the recipe).
    build
        Makes the result, of JSON types only; called when nothing usable is stored.

    Returns
    -------
    What ``build`` returned, after one round through JSON either way, so that a first and a later call give the
    same types. A damaged file (cut short, edited, written by another recipe) is noticed by its checksum and built
    anew.
    """
    digest = _checksum(key)
    path = cache_folder() / f"{name}-{digest[:16]}.json"
    stored = _read(path, digest)
    if stored is not None:
        return stored
    payload = json.dumps(build(), ensure_ascii=False, separators=(",", ":"))
    header = json.dumps({"key": digest, "sha256": hashlib.sha256(payload.encode()).hexdigest()})
    write_atomically(path, f"{header}\n{payload}\n".encode())
    return json.loads(payload)


def _read(path: Path, digest: str) -> Any | None:
    try:
        header, payload = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
        expected = json.loads(header)
    except (OSError, ValueError):
        return None
    if expected != {"key": digest, "sha256": hashlib.sha256(payload.encode()).hexdigest()}:
        return None
    return json.loads(payload)


def _checksum(key: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
