"""Folders that are not ours alone: only what the course wrote into one is ever replaced or removed."""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from course_utils.files import hold, write_atomically
from course_utils.refusals import Stop


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let one process at a time change a folder; the others wait. The system frees the lock when a process ends."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        hold(descriptor)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def private_folder(folder: Path, name: str) -> Iterator[Path]:
    """Give a hidden folder inside another one, for this process alone, and remove it in the end.

    What a killed process left behind is removed first; a lock, which ends with its process, tells which these are.
    """
    with locked(folder):
        for left in folder.glob(f".course-{name}-*/"):
            _remove_unless_in_use(left)
        mine = Path(tempfile.mkdtemp(prefix=f".course-{name}-", dir=folder))
        lock = os.open(mine, os.O_RDONLY)
        hold(lock)
    try:
        yield mine
    finally:
        shutil.rmtree(mine, ignore_errors=True)
        os.close(lock)


def _remove_unless_in_use(left: Path) -> None:
    with contextlib.suppress(OSError):  # in use, or not ours to remove
        descriptor = os.open(left, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            if hold(descriptor, wait=False):
                shutil.rmtree(left, ignore_errors=True)
        finally:
            os.close(descriptor)


def manifest(folder: Path, name: str) -> Path:
    """Name the file that lists what a command wrote into a folder."""
    return folder / f".course-{name}.json"


def put(made: Path, folder: Path, name: str, keep: bool = False) -> None:
    """Move files into a folder, in the place of those that the same command wrote there before; touch nothing else.

    Parameters
    ----------
    made
        Where the files are now; on the same disk.
    folder
        Where they go.
    name
        The command. It keeps a list of its files, with their sha256, in the folder.
    keep
        Leave what the command wrote before and has not made anew.

    Raises
    ------
    Stop
        If something that the command did not write is in the way; then nothing was changed.
    """
    with locked(folder):
        before = _written(folder, name)
        new = {path.relative_to(made).as_posix(): [_sha256(path)] for path in sorted(made.rglob("*")) if path.is_file()}
        known = {file: list(dict.fromkeys(before.get(file, []) + new.get(file, []))) for file in {**before, **new}}
        refuse(folder, name, [file for file in new if _is_foreign(folder, file, known[file])])
        _list(folder, name, known)  # killed in the middle, the next one knows the old files and the new
        for file in new:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            os.replace(made / file, folder / file)
        if not keep:
            for file in before.keys() - new.keys():
                _remove(folder, file, before[file])
        _list(folder, name, {**before, **new} if keep else new)


def foreign(folder: Path, name: str, files: Sequence[str]) -> list[str]:
    """Name those of the files that are in the folder and were not written there, as they are, by the command."""
    written = _written(folder, name)
    return [file for file in files if _is_foreign(folder, file, written.get(file, []))]


def refuse(folder: Path, name: str, files: Sequence[str]) -> None:
    """Stop where there are files in the way."""
    if files:
        shown = ", ".join(sorted(files)[:3]) + (f" and {len(files) - 3} more" if len(files) > 3 else "")
        raise Stop(
            f"{folder} holds files that {name} did not write, or that were changed since: {shown}. They were left as "
            "they are, and nothing was written. Move them away, or name another folder with --to."
        )


def _is_foreign(folder: Path, file: str, known: Sequence[str]) -> bool:
    """Tell whether something in the place of a file, or of a folder above it, is not one of the known files."""
    for above in PurePosixPath(file).parents:
        place = folder / above
        if place != folder and os.path.lexists(place) and (place.is_symlink() or not place.is_dir()):
            return True
    place = folder / file
    if not os.path.lexists(place):
        return False
    return place.is_symlink() or not place.is_file() or _sha256(place) not in known


def _remove(folder: Path, file: str, known: Sequence[str]) -> None:
    """Remove a file that the command wrote, and the folders that are empty then."""
    if not os.path.lexists(folder / file) or _is_foreign(folder, file, known):
        return
    (folder / file).unlink()
    for above in PurePosixPath(file).parents:
        if above.parts:
            with contextlib.suppress(OSError):  # something else is in it
                (folder / above).rmdir()


def _written(folder: Path, name: str) -> dict[str, list[str]]:
    """Read file → sha256 of what the command wrote; a list that is missing or damaged says nothing."""
    try:
        stored = json.loads(manifest(folder, name).read_text(encoding="utf-8"))
        inside = {file for file in stored if ".." not in PurePosixPath(file).parts and not file.startswith("/")}
        return {file: list(map(str, stored[file])) for file in inside if isinstance(stored[file], list)}
    except (OSError, ValueError, RecursionError, AttributeError, TypeError):
        return {}


def _list(folder: Path, name: str, files: dict[str, list[str]]) -> None:
    write_atomically(manifest(folder, name), f"{json.dumps(files, indent=0, sort_keys=True)}\n".encode())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
