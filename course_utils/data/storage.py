"""Where built corpora and downloads lie, and how a built corpus is found again."""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from course_utils.files import CHECKOUT, alone, clear_traces, write_atomically

NOT_KEPT: list[str] = []  # what this process has built and could not keep


def cache_folder() -> Path:
    """Name the folder for built corpora and downloads: ``COURSE_CACHE``, or ``datasets/cache`` in the checkout."""
    # not Path.expanduser, which fails where there is no such home
    return Path(os.path.expanduser(os.environ.get("COURSE_CACHE") or CHECKOUT / "datasets" / "cache"))


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
    anew. Of two processes that need it at once, one builds and the other waits. Where the result cannot be kept (the
    folder is read-only, the disk full), a line says so, and the result is used all the same.
    """
    digest = _checksum(key)
    path = cache_folder() / f"{name}-{digest[:16]}.json"
    clear_traces(path.parent, f"{name}-*.json")
    stored = _read(path, digest)
    if stored is not None:
        return stored
    problem = None
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(alone(path, f"Another window is building {name}; waiting until it is done ..."))
            stored = _read(path, digest)  # whoever was waited for has built it
        except OSError as error:
            problem = error
        if stored is not None:
            return stored
        payload = json.dumps(build(), ensure_ascii=False, separators=(",", ":"))
        header = json.dumps({"key": digest, "sha256": hashlib.sha256(payload.encode()).hexdigest()})
        if problem is None:
            try:
                write_atomically(path, f"{header}\n{payload}\n".encode())
            except OSError as error:
                problem = error
    if problem is not None:
        NOT_KEPT.append(name)
        why = "its folder is a file" if isinstance(problem, FileExistsError) else problem.strerror or problem
        print(
            f"{name} is ready and is used, but it cannot be kept in {path} ({why}), so that it "
            "will be built again next time; set COURSE_CACHE to a folder with space where you may write."
        )
    return json.loads(payload)


def _read(path: Path, digest: str) -> Any | None:
    try:
        if not path.is_file():  # a named pipe would wait for ever
            return None
        header, payload = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
        expected = json.loads(header)
    except (OSError, ValueError, RecursionError):
        return None
    if expected != {"key": digest, "sha256": hashlib.sha256(payload.encode()).hexdigest()}:
        return None
    return json.loads(payload)


def _checksum(key: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
