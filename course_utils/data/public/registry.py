"""Public data sets: found in your own folder or downloaded once, and always checked by hash."""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pooch
import requests
from tqdm import tqdm

from course_utils.data.storage import cache_folder
from course_utils.files import CHECKOUT, alone, clear_traces

REGISTRY = CHECKOUT / "datasets" / "registry.json"
FIELDS = {"kind", "about", "licence", "openly_licensed", "citation", "without", "files"}
FIELDS_OF_A_FILE = {"file", "url", "sha256", "bytes"}


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
    downloaded again. A download that was interrupted goes on where it stopped. Of two processes that fetch one set at
    once, one downloads and the other waits.

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
        The name is not known, a file in ``COURSE_DATA`` or from the network is not the one in the registry, a file
        cannot be read, or there is no network. Nothing half-written is ever taken for a file of the set.
    """
    clear_traces(_downloads(), name)
    paths, missing = _find(name)
    if missing and offline:
        path = _downloads() / missing[0]["file"]
        what = f"is here, in {path}, but damaged (another sha256)" if path.exists() else "is not here"
        raise DataError(_how_to_get(name, missing[0], f"{what}, and the network is not to be asked"))
    if missing:
        with _only_one_downloads(name):
            paths, missing = _find(name)  # whoever was waited for may have downloaded it
            _download_all(name, missing, progress)
    return paths


def _find(name: str) -> tuple[dict[str, Path], list[dict[str, Any]]]:
    """Give the path of each file, where it is or where it will be, and the files that must be downloaded."""
    own = _own_folder()
    paths, missing = {}, []
    for file in entry(name)["files"]:
        path = own / file["file"] if own else None
        if path is None or not _is_file(path):
            path = _downloads() / file["file"]
            if not _is_intact(path, file):
                missing.append(file)
        elif not _is_intact(path, file):
            raise DataError(
                f"{name}: {path} is not the file this course was made with (its sha256 is not {file['sha256']}). "
                f"Replace it by the one from {file['url']}, remove it, or unset COURSE_DATA."
            )
        paths[path.name] = path
    return paths, missing


@contextlib.contextmanager
def _only_one_downloads(name: str) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(
                alone(_downloads() / name, f"Another window is fetching {name}; waiting until it is done ...")
            )
        except OSError as error:
            raise _cannot_write(name, error) from error
        yield


def _download_all(name: str, files: list[dict[str, Any]], progress: bool) -> None:
    known = entry(name)
    if files and not known["openly_licensed"]:
        print(f"{known['about']}\nLicence: {known['licence']}\nCite: {known['citation']}")
    total = sum(file["bytes"] for file in files)
    quiet = not (progress and files)
    with tqdm(total=total, desc=name, disable=quiet, file=sys.stdout, ncols=80, unit="B", unit_scale=True) as bar:
        for file in files:
            _download(name, file, bar)


def _download(name: str, file: dict[str, Any], bar: tqdm) -> None:
    with contextlib.suppress(OSError):  # a killed download leaves pooch's own file, still empty; we have the lock
        for trace in (_downloads() / file["file"]).parent.glob("tmp????????"):
            if trace.is_file() and not trace.stat().st_size:
                trace.unlink()
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
        raise _cannot_write(name, error) from error


def _cannot_write(name: str, error: OSError) -> DataError:
    return DataError(
        f"{name}: cannot write {error.filename or _downloads()} ({error.strerror or error}). "
        "Set COURSE_CACHE to a folder with space that you may write."
    )


def _resuming(part: Path, expected: int, bar: tqdm) -> Callable[[str, str, pooch.Pooch], None]:
    """Make a downloader for pooch that keeps what has come in ``part``, and asks only for what is missing.

    What is longer than ``expected`` bytes is not the file: nothing beyond is written.
    """

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
            written = there if goes_on else 0
            with part.open("ab" if goes_on else "wb") as file:
                for chunk in answer.iter_content(2**12):
                    written += len(chunk)
                    if written > expected:
                        break
                    file.write(chunk)
                    bar.update(len(chunk))
        if written > expected:
            part.unlink()
            raise ValueError(f"{url} is longer than {expected} bytes")
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
    try:
        known = json.loads(REGISTRY.read_text(encoding="utf-8"))
        for name, about in known.items():
            if lacking := FIELDS - set(about):
                raise ValueError(f"{name} lacks {', '.join(sorted(lacking))}")
            for file in about["files"]:
                if lacking := FIELDS_OF_A_FILE - set(file):
                    raise ValueError(f"a file of {name} lacks {', '.join(sorted(lacking))}")
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{REGISTRY} cannot be read ({error}). Take it from the repository again: "
            "git checkout -- datasets/registry.json"
        ) from error
    return known


def _downloads() -> Path:
    return cache_folder() / "downloads"


def _own_folder() -> Path | None:
    named = os.environ.get("COURSE_DATA")
    if not named:
        return None
    folder = Path(os.path.expanduser(named))
    if not folder.is_dir():
        raise DataError(f"COURSE_DATA is {named}, but there is no such folder; correct it or unset it.")
    return folder


def place(file: str) -> Path | None:
    """Find a file (``"cora/ind.cora.x"``) in the reader's own folder or in the cache; None where it is in neither."""
    own = _own_folder()
    for folder in (own, _downloads()) if own else (_downloads(),):
        if _is_file(folder / file):
            return folder / file
    return None


def _size(file: str) -> int | None:
    path = place(file)
    return path.stat().st_size if path else None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError as error:  # a folder on the way must not be entered
        raise _cannot_read(path, error) from error


def _is_intact(path: Path, file: dict[str, Any]) -> bool:
    if not _is_file(path) or path.stat().st_size != file["bytes"]:
        return False
    try:
        return pooch.file_hash(str(path), alg="sha256") == file["sha256"]
    except OSError as error:
        raise _cannot_read(path, error) from error


def _cannot_read(path: Path, error: OSError) -> DataError:
    return DataError(
        f"{path} cannot be read ({error.strerror or error}). Get the right to read it, remove it, or have COURSE_DATA "
        "and COURSE_CACHE name folders that you may read."
    )
