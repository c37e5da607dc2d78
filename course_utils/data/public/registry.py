"""Public data sets: found in your own folder or downloaded once, and always checked by hash."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pooch
import requests
from tqdm import tqdm

from course_utils.data.storage import cache_folder
from course_utils.files import CHECKOUT

REGISTRY = CHECKOUT / "datasets" / "registry.json"


class DataError(RuntimeError):
    """A public data set cannot be had; the message says what, where we looked, and what to do."""


def datasets() -> list[str]:
    """Name the data sets that the registry knows."""
    return list(_registry())


def entry(name: str) -> dict[str, Any]:
    """Give what the registry holds of a data set: kind, about, licence, citation, files and more."""
    known = _registry()
    if name not in known:
        raise DataError(f"There is no data set {name!r}; choose one of {', '.join(known)}.")
    return known[name]


def is_available(name: str) -> bool:
    """Tell whether all files of a data set lie here already, with the right size; asks no network."""
    return all(_size(file["file"]) == file["bytes"] for file in entry(name)["files"])


def state(name: str) -> dict[str, str]:
    """Say of each file of a data set whether it is ``intact``, ``damaged`` (another sha256) or ``missing``."""
    states = {}
    for file in entry(name)["files"]:
        path = place(file["file"])
        states[file["file"]] = "missing" if path is None else "intact" if _is_intact(path, file) else "damaged"
    return states


def fetch(name: str, progress: bool = True, offline: bool = False) -> dict[str, Path]:
    """Find the files of a data set, download those that are missing, and check them all by sha256.

    A file is looked for in the folder that ``COURSE_DATA`` names (which is only read, never written), then in
    ``downloads`` in the course's cache. What is in neither is downloaded into the cache; a damaged file in the cache is
    downloaded again. A download that was interrupted goes on where it stopped.

    Parameters
    ----------
    name
        One of ``datasets()``.
    progress
        Show a progress bar while downloading.
    offline
        Ask no network: what is missing is an error.

    Returns
    -------
    The path of each file, by its name without folder (``"ind.cora.x"``).

    Raises
    ------
    DataError
        The name is not known, a file in ``COURSE_DATA`` or from the network is not the one in the registry, or there is
        no network. Nothing half-written is ever taken for a file of the set.
    """
    known = entry(name)
    own = _own_folder()
    paths, missing = {}, []
    for file in known["files"]:
        path = own / file["file"] if own else None
        if path is None or not path.is_file():
            path = _downloads() / file["file"]
            if not _is_intact(path, file):
                missing.append(file)
        elif not _is_intact(path, file):
            raise DataError(
                f"{name}: {path} is not the file this course was made with (its sha256 is not {file['sha256']}). "
                f"Replace it by the one from {file['url']}, remove it, or unset COURSE_DATA."
            )
        paths[path.name] = path
    if missing and offline:
        raise DataError(_how_to_get(name, missing[0], "is not here, and the network is not to be asked"))
    if missing and not known["openly_licensed"]:
        print(f"{known['about']}\nLicence: {known['licence']}\nCite: {known['citation']}")
    total = sum(file["bytes"] for file in missing)
    quiet = not (progress and missing)
    with tqdm(total=total, desc=name, disable=quiet, file=sys.stdout, ncols=80, unit="B", unit_scale=True) as bar:
        for file in missing:
            _download(name, file, bar)
    return paths


def _download(name: str, file: dict[str, Any], bar: tqdm) -> None:
    pooch.get_logger().setLevel("WARNING")
    store = pooch.create(
        path=_downloads(),
        base_url="",
        registry={file["file"]: f"sha256:{file['sha256']}"},
        urls={file["file"]: file["url"]},
    )
    try:
        store.fetch(file["file"], downloader=_resuming(_downloads() / f"{file['file']}.part", file["bytes"], bar))
    except requests.RequestException as error:
        answer = getattr(error.response, "status_code", None)
        reason = f"the server answered {answer}" if answer else f"no connection, {type(error).__name__}"
        raise DataError(_how_to_get(name, file, f"could not be downloaded ({reason})")) from error
    except ValueError as error:
        raise DataError(_how_to_get(name, file, "was downloaded, but is not the file in the registry")) from error
    except OSError as error:
        raise DataError(
            f"{name}: cannot write {error.filename or _downloads()} ({error.strerror or error}). "
            "Set COURSE_CACHE to a folder with space that you may write."
        ) from error


def _resuming(part: Path, expected: int, bar: tqdm) -> Callable[[str, str, pooch.Pooch], None]:
    """Make a downloader for pooch that keeps what has come in ``part``, and asks only for what is missing."""

    def download(url: str, output_file: str, _store: pooch.Pooch) -> None:
        part.parent.mkdir(parents=True, exist_ok=True)
        there = part.stat().st_size if part.is_file() else 0
        headers = {"Accept-Encoding": "identity"}  # a range counts the bytes of the file itself
        if 0 < there < expected:
            headers["Range"] = f"bytes={there}-"
        with requests.get(url, headers=headers, stream=True, timeout=30) as answer:
            answer.raise_for_status()
            goes_on = answer.status_code == requests.codes.partial_content
            bar.update(there if goes_on else 0)
            with part.open("ab" if goes_on else "wb") as file:
                for chunk in answer.iter_content(2**12):
                    file.write(chunk)
                    bar.update(len(chunk))
        part.replace(output_file)

    return download


def _how_to_get(name: str, file: dict[str, Any], what: str) -> str:
    own = _own_folder()
    looked = f"{own} (from COURSE_DATA) and {_downloads()}" if own else f"{_downloads()} (COURSE_DATA is not set)"
    return (
        f"{name}: {file['url']} {what}. Looked in {looked}. When you are online, call again; or put the file at "
        f"{file['file']} in a folder of yours and set COURSE_DATA to that folder. All six notebooks run without the "
        f"public sets: what they train on, number words and docs, needs no network. {entry(name).get('without', '')}"
    ).rstrip()


def _registry() -> dict[str, Any]:
    return json.loads(REGISTRY.read_text(encoding="utf-8"))


def _downloads() -> Path:
    return cache_folder() / "downloads"


def _own_folder() -> Path | None:
    named = os.environ.get("COURSE_DATA")
    if not named:
        return None
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise DataError(f"COURSE_DATA is {named}, but there is no such folder; correct it or unset it.")
    return folder


def place(file: str) -> Path | None:
    """Find a file (``"cora/ind.cora.x"``) in the reader's own folder or in the cache; None where it is in neither."""
    own = _own_folder()
    for folder in (own, _downloads()) if own else (_downloads(),):
        if (folder / file).is_file():
            return folder / file
    return None


def _size(file: str) -> int | None:
    path = place(file)
    return path.stat().st_size if path else None


def _is_intact(path: Path, file: dict[str, Any]) -> bool:
    return (
        path.is_file()
        and path.stat().st_size == file["bytes"]
        and pooch.file_hash(str(path), alg="sha256") == file["sha256"]
    )
