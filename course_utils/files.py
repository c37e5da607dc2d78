"""Where things lie in the checkout, and how the course writes a file: beside, then renamed, never half."""

import contextlib
import errno
import fcntl
import glob
import os
import re
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
README = CHECKOUT / "README.md"
CLAIMS = CHECKOUT / "CLAIMS.md"
NOTEBOOKS = CHECKOUT / "notebooks"
EXPERIMENTS = NOTEBOOKS / "experiments"
START = NOTEBOOKS / "00_start_here.ipynb"  # shows a newcomer around; no lecture: no deck, no claim, no row of the table
LECTURES = sorted(path for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb") if path != START)
START_AND_LECTURES = [START, *LECTURES]
COPIES_NAME = "my_notebooks"  # of the folder of a reader's own copies
EXPERIMENT_NOTEBOOKS = sorted(EXPERIMENTS.glob("[0-9][0-9]_*.ipynb"))  # how each lecture's claims were measured
RUNS = EXPERIMENTS / "runs.json"  # what each lecture's last clean run took, written by course.py execute
PICTURES = NOTEBOOKS / "pictures"  # the signature figures, written by python -m course_utils.publishing.readme

NO_LOCKS_HERE = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)  # some network disks know none


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old one or the new one, never a part of it.

    The part is ``.NAME.<process id>`` beside the file. A killed process leaves it behind; the next one to write the
    file clears it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    clear_traces(path.parent, glob.escape(path.name))
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(content)
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def clear_traces(folder: Path, names: str) -> None:
    """Remove the parts and locks that killed processes left: ours by their name, and only of processes that are gone.

    Parameters
    ----------
    folder
        Where to look; nothing happens where it is missing or cannot be written.
    names
        Which files' parts, as a pattern: ``"docs-*.json"`` stands for ``.docs-….json.<process id>`` and for
        ``.docs-….json.lock``.
    """
    try:
        traces = list(folder.glob(f".{names}.*"))
    except OSError:  # the folder went away while it was read
        return
    for trace in traces:
        process = trace.name.rpartition(".")[2]
        with contextlib.suppress(OSError):
            if re.fullmatch(r"[1-9][0-9]*", process) and trace.is_file() and not is_alive(int(process)):
                trace.unlink()
            if process == "lock":
                with trace.open("r") as file:
                    if hold(file.fileno(), wait=False) and _is_still(file.fileno(), trace):
                        trace.unlink()


def is_alive(process: int) -> bool:
    """Tell whether a process of this machine has this number."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # it is another user's
        return True
    return True


def hold(descriptor: int, wait: bool = True) -> bool | None:
    """Lock an open file or folder for this process, until it is closed; the system frees it also after a kill.

    Returns
    -------
    True once it is held, False where another process holds it and is not waited for, None where the disk knows no
    locks.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in NO_LOCKS_HERE:
            raise
        return None
    return True


@contextlib.contextmanager
def alone(path: Path, meanwhile: str = "") -> Iterator[bool]:
    """Let one process at a time work on a file; the others wait.

    The system frees the lock when a process ends, also when it is killed. The lock is a file ``.NAME.lock`` beside the
    file, removed at the end.

    Parameters
    ----------
    path
        What is worked on; its folder is made where it is missing, and removed if nothing was kept there.
    meanwhile
        What to print, once, where another process is at work; nothing where that takes but a moment.

    Yields
    ------
    bool
        Whether it had to wait: then the other process may have done the work.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    made_folder = not path.parent.exists()
    lock = path.with_name(f".{path.name}.lock")
    waited = False
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = lock.open("a")
        except FileNotFoundError:  # whoever was here a moment ago has removed the folder
            continue
        with file:
            if hold(file.fileno(), wait=False) is False:
                if meanwhile and not waited:
                    print(meanwhile, flush=True)
                waited = True
                hold(file.fileno())
            if not _is_still(file.fileno(), lock):  # whoever had it has removed it: begin anew
                continue
            try:
                yield waited
            finally:
                lock.unlink(missing_ok=True)
                if made_folder:
                    with contextlib.suppress(OSError):  # something was kept there
                        path.parent.rmdir()
            return


def _is_still(open_file: int, path: Path) -> bool:
    """Tell whether an open file is the one that has this name now."""
    try:
        return os.path.samestat(os.fstat(open_file), path.stat())
    except FileNotFoundError:
        return False
