"""What stands in a reader's way, in one sentence: what the system refuses, and files that are damaged or out of place.

Commands are carried out here, so that no refusal ends in a traceback, and look here where they will write before they
work. A refusal that is not known yet gets its sentence in ``SENTENCES``.
"""

import contextlib
import errno
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_utils.files import CHECKOUT

if TYPE_CHECKING:
    from nbformat import NotebookNode

ELSEWHERE = "Copy the course to a folder of your own, or name a folder where you may write"
SENTENCES = {  # errno -> what the reader should know of it, and do
    errno.ENOSPC: (
        "The disk is full, or what the output goes to takes no more: make room and run the same command again."
    ),
    errno.EDQUOT: "Your quota on this disk is used up: make room and run the same command again.",
    errno.EFBIG: "This shell limits the size of files (ulimit -f): lift the limit and run the same command again.",
    errno.EROFS: f"A folder ({{path}}) cannot be written to. {ELSEWHERE}.",
    errno.EACCES: f"A file or folder ({{path}}) cannot be read or cannot be written to by you. {ELSEWHERE}.",
    errno.EPERM: f"The system does not allow to write here ({{path}}). {ELSEWHERE}.",
    errno.ENOENT: (
        "{path} is not there. If you named it, correct the name; if it belongs to the course, take it from the "
        "repository again (git checkout -- FILE)."
    ),
    errno.ENOTDIR: "A part of {path} is a file, where a folder is needed: name another place, or move the file away.",
    errno.EISDIR: "{path} is a folder, where a file is needed: name another place, or move the folder away.",
    errno.EEXIST: "{path} is there already, as something else: name another place, or move it away.",
    errno.ENOTEMPTY: "{path} holds something already: name another place, or move it away.",
    errno.ENAMETOOLONG: "A name is longer than this disk allows ({path}): name a shorter one.",
    errno.ELOOP: "{path} is a link that leads back to itself: name another place, or remove the link.",
    errno.EMFILE: "Too many files are open at once (ulimit -n): lift the limit and run the same command again.",
    errno.ENFILE: "Too many files are open on this machine: close programs and run the same command again.",
    errno.ENOMEM: "No memory is left: close other programs and run the same command again.",
    errno.EAGAIN: "No further process may be started (ulimit -u): close programs and run the same command again.",
    errno.EBUSY: "{path} is in use by the system: name another place.",
    errno.EIO: "The disk gives an error at {path}. Copy the course to another disk and run the same command there.",
    errno.ESTALE: "The disk that holds {path} was disconnected: connect it and run the same command again.",
    errno.EADDRINUSE: "The port is taken by another program: name another one.",
}


class Stop(Exception):
    """Ends a command with one message for the reader."""


class Damaged(Stop, ValueError):
    """A file of the course is not what it should be: to a command a reason to stop, to a lecture a wrong value."""


def explain(error: OSError) -> str | None:
    """Say in one sentence what the system refused and what to do; None where the refusal is not known."""
    sentence = SENTENCES.get(error.errno or 0)
    path = error.filename2 or error.filename or CHECKOUT
    return sentence and sentence.format(path=os.fsdecode(path) if isinstance(path, bytes) else path)


# carrying out a command


def carry_out(run: Callable[[], int]) -> int:
    """Run a command and give the exit status; what stands in its way is one sentence and status 1, no traceback."""
    open_closed_streams()
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])  # the launcher holds back what comes before
        status = run()
        sys.stdout.flush()
        return status
    except Stop as stop:
        told = str(stop)
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):
            print("\nStopped. The same command goes on, or begins anew.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read along (| head) has seen enough
        give_up_output()
        return 0
    except OSError as error:
        sentence = explain(error)
        if sentence is None:
            raise
        told = f"{sentence}\n({error})"
        give_up_output()
    with contextlib.suppress(OSError):
        print(f"\n{told}", file=sys.stderr)
    return 1


def open_closed_streams() -> None:
    """Lead what was closed (``>&-``) nowhere, and let any file's name be printed on any terminal.

    Otherwise the next file that is opened would take the place of the output, and get what is printed.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")


def give_up_output() -> None:
    """Let the interpreter's last flush of the standard output fail no more."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Shown:
    """The standard output for a progress bar: what cannot be shown is left out, and the work goes on."""

    def write(self, text: str) -> None:
        """Show a text where that is possible."""
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.write(text)

    def flush(self) -> None:
        """Show it now where that is possible."""
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()


# where a command will write


def check_folder(folder: Path) -> Path:
    """Try, before any work, whether files can be written into a folder, which need not be there yet.

    Returns
    -------
    The folder's own path, links followed.

    Raises
    ------
    Stop
        If a file or a broken link is in its place, or in the place of a folder above it.
    OSError
        What the system refuses.
    """
    folder = Path(os.path.realpath(folder))
    there = folder
    while not _is_there(there):
        there = there.parent
    if not there.is_dir():
        raise Stop(f"{there} is no folder, so nothing can be written into it: name another place, or move it away.")
    try:
        with tempfile.TemporaryFile(dir=there) as probe:
            probe.write(b"x" * 4096)  # a full disk still takes an empty file
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(there)) from None  # not the name of the probe
    return folder


def _is_there(path: Path) -> bool:
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def check_file(path: Path) -> None:
    """Try, before any work, whether a file can be written; its folder need not be there yet.

    Raises
    ------
    Stop
        If a folder or a device is in its place, or a file in the place of a folder above it.
    OSError
        What the system refuses.
    """
    if path.is_dir():
        raise Stop(f"{path} is a folder: name a file, such as {path / 'table.csv'}.")
    if path.exists() and not path.is_file():
        raise Stop(f"{path} is no file that could be replaced: name another.")
    check_folder(path.parent)
    _is_there(path)  # the name may be too long


# reading back what was written


def damaged(path: Path, why: object) -> str:
    """Say that a file cannot be used, why, and where a whole one is."""
    inside = path.is_relative_to(CHECKOUT)
    shown = path.relative_to(CHECKOUT) if inside else path
    remedy = f"take it from the repository again (git checkout -- {shown})" if inside else "replace it by a whole one"
    return f"{shown} is damaged ({_in_one_line(why)}): {remedy}."


def _in_one_line(why: object) -> str:
    return " ".join(str(why).encode("ascii", "backslashreplace").decode().split())[:200]


def read_text(path: Path) -> str:
    """Read a text of the course.

    Raises
    ------
    Damaged
        If it is damaged; the message names it.
    OSError
        If it is missing or cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise Damaged(damaged(path, error)) from None


def read_json(path: Path, expected: type = dict) -> Any:
    """Read a JSON object, or the list that is expected in its place, from a file of ours.

    Raises
    ------
    Damaged
        If it is damaged; the message names it.
    OSError
        If it is missing or cannot be read.
    """
    if path.exists() and not path.is_file():  # opening a pipe would wait for ever
        raise Damaged(damaged(path, "it is no file"))
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise Damaged(damaged(path, error)) from None
    if not isinstance(content, expected):
        wanted = "an object" if expected is dict else f"a {expected.__name__}"
        raise Damaged(damaged(path, f"expected {wanted}, found a {type(content).__name__}"))
    return content


def read_notebook(path: Path) -> "NotebookNode":
    """Read a notebook.

    Raises
    ------
    Stop
        If it is damaged; the message names it.
    OSError
        If it is missing or cannot be read.
    """
    import nbformat  # here, since lectures import from this package, too, and need none of it

    content = read_json(path)
    try:
        nbformat.validate(content)  # reading alone would accept cells that are none
        return nbformat.reads(json.dumps(content), as_version=4)
    except Exception as error:  # whatever stands in the file, it is no notebook
        raise Stop(damaged(path, str(error).split("\n")[0])) from None
