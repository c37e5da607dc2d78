"""Runs a learner's answers, each in a process of its own, and hands back plain results; it knows no right answer.

``python -m course_utils.exercises.answering`` reads requests and writes replies, both with their length in front. What
was asked comes pickled from `course_utils.exercises.classroom`; what a learner's code computes goes back as JSON and is
never unpickled. Where the system has Landlock (Linux 5.13 or newer), the process of an answer may write to its own
empty folder alone, and read Python, the packages, the system's libraries, the data sets and the course's package
without its exercises; elsewhere it may read and write what its user may. Its time, memory, files and processes are
limited, and what it started ends with it.
"""

import codeop
import contextlib
import copy
import ctypes
import errno
import json
import linecache
import os
import pickle
import pkgutil
import resource
import select
import shutil
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil
import torch

from course_utils import exercises
from course_utils.data.storage import cache_folder
from course_utils.exercises import guard
from course_utils.exercises.plain import encode
from course_utils.exercises.reading import N_GRADIENTS, gradients
from course_utils.files import CHECKOUT, EXPERIMENTS, PICTURES

MEMORY = 4 << 30  # bytes of data for each answer
LARGEST_FILE = 100 << 20  # bytes
LARGEST_FOLDER = 256 << 20  # bytes of all files of an answer; an empty one counts as a block
BLOCK = 4096
MOST_PROCESSES = 100  # that an answer may have started and not ended
LOOK = 0.1  # seconds after which it is looked what an answer uses
SECONDS_TO_END = 60  # for ending what an answer has started
LARGEST_REPLY = 64 << 20  # bytes
LONGEST_TEXT = 600  # characters
LENGTH = struct.Struct("!Q")


@dataclass(frozen=True)
class Request:
    """What is asked of an answer.

    ``program`` is run first, (cell, source) by (cell, source), and ``expression`` gives the answer; a function is
    called with each of the ``draws``, and a value is taken as it is. ``seconds`` is the limit for all of it, of the
    processor; by the clock it may be more (`guard.uses_up`). For the arguments at the places ``gradients_of``,
    gradients are sent back through the first of the draws.
    """

    program: Sequence[tuple[int, str]]
    expression: str
    is_function: bool
    draws: Sequence[tuple]
    seconds: float
    gradients_of: Sequence[int] = ()


def send(stream: IO[bytes], content: bytes) -> None:
    """Write a message with its length in front."""
    stream.write(LENGTH.pack(len(content)) + content)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes | None:
    """Read a message; None where the other side has ended."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    length = LENGTH.unpack(head)[0]
    content = stream.read(length)
    return content if len(content) == length else None


def main() -> None:
    """Answer requests until there are no more."""
    torch.set_num_threads(1)
    signal.signal(signal.SIGTERM, lambda *_signal_and_frame: sys.exit())  # through `finally`, which ends the answer
    requests, replies = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing else may be taken for a reply
    with contextlib.suppress(AttributeError, OSError):  # Linux alone: what an answer leaves behind becomes our child
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
    while (asked := receive(requests)) is not None:
        send(replies, in_a_process(pickle.loads(asked)))  # from the grader, never from a learner


def in_a_process(request: Request) -> bytes:
    """Run one answer in a process of its own, and end whatever it has started."""
    read, write = os.pipe()
    folder = tempfile.mkdtemp(prefix="course-answer-")
    child = os.fork()
    if child == 0:
        try:
            shut_in(folder, request.seconds, write)
            reply = json.dumps(answer(request)).encode()
            with os.fdopen(write, "wb") as pipe:
                send(pipe, reply)
        finally:
            os._exit(0)
    os.close(write)
    try:
        content = _read(read, request.seconds, folder)
    finally:
        os.close(read)
        _end_all()
        _remove(folder)
    return content or _reply("died")


def _remove(folder: str) -> None:
    try:
        shutil.rmtree(folder, ignore_errors=True)
    except RecursionError:  # folders in folders, deeper than Python's stack
        subprocess.run(["rm", "-rf", folder], check=False)


def _reply(kind: str, **more: Any) -> bytes:
    return json.dumps({"kind": kind, **more}).encode()


def _read(descriptor: int, seconds: float, folder: str) -> bytes:
    """Read a message, not to the pipe's end, which another process may hold open.

    Where the answer uses more time, processes or room than it may, a message that says so takes its place.
    """
    content, begun = b"", time.monotonic()
    look = begun + LOOK
    while True:
        if len(content) >= LENGTH.size:
            end = LENGTH.size + LENGTH.unpack(content[: LENGTH.size])[0]
            if end > LARGEST_REPLY:
                return _reply("too large")
            if len(content) >= end:
                return content[LENGTH.size : end]
        if select.select([descriptor], [], [], max(0.0, look - time.monotonic()))[0]:
            part = os.read(descriptor, 1 << 20)
            if not part:
                return b""
            content += part
        if (now := time.monotonic()) >= look:
            if too_much := _too_much(seconds, now - begun, folder):
                return _reply(too_much)
            look = time.monotonic() + max(LOOK, 10 * (time.monotonic() - now))  # looking takes time, too


def _too_much(seconds: float, elapsed: float, folder: str) -> str:
    """Say of what the answer that is running uses too much: its time, processes, or room for files; or nothing."""
    processes = psutil.Process().children(recursive=True)
    if len(processes) > MOST_PROCESSES:
        return "too many processes"
    if _written(folder, processes) > LARGEST_FOLDER:
        return "too many files"
    busy = 0.0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            busy += sum(process.cpu_times()[:4])  # its own, and of those of its children that have ended
    return "out of time" if guard.uses_up(seconds, elapsed, busy) else ""


def _written(folder: str, processes: Sequence[psutil.Process]) -> int:
    """Count the bytes on disk below a folder, and of files that have no name any more and are held open.

    A folder that cannot be looked through, for its path is too long or it is locked, counts as too large. What is only
    mapped into memory, without a name and without a descriptor, is not seen.
    """
    number, folders = 0, [folder]
    while folders and number <= LARGEST_FOLDER:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    with contextlib.suppress(FileNotFoundError):  # gone since it was listed
                        number += max(BLOCK, _on_disk(entry.stat(follow_symlinks=False)))
                        if entry.is_dir(follow_symlinks=False):
                            folders.append(entry.path)
        except FileNotFoundError:
            pass
        except OSError:
            number = LARGEST_FOLDER + 1
    nameless: dict[tuple[int, int], int] = {}
    for process in processes:
        with contextlib.suppress(OSError), os.scandir(f"/proc/{process.pid}/fd") as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    found = os.stat(entry.path)
                    if stat.S_ISREG(found.st_mode) and not found.st_nlink:
                        nameless[found.st_dev, found.st_ino] = _on_disk(found)
    return number + sum(nameless.values())


def _on_disk(found: os.stat_result) -> int:
    return 512 * found.st_blocks  # a file with holes is smaller there than it says


def _end_all() -> None:
    """End whatever an answer has started, until nothing is left: one may start another while it is looked for."""
    deadline = time.monotonic() + SECONDS_TO_END
    while (children := psutil.Process().children(recursive=True)) and time.monotonic() < deadline:
        for child in children:
            with contextlib.suppress(psutil.Error, OSError):
                if not child.is_running():  # its number may be another's by now
                    continue
                if (group := os.getpgid(child.pid)) != os.getpgrp():
                    os.killpg(group, signal.SIGKILL)  # all at once: none of them can start another meanwhile
                child.kill()
        psutil.wait_procs(children, timeout=0.02)


def shut_in(folder: str, seconds: float, reply: int) -> None:
    """Take from this process what an answer does not need; the descriptor of its reply stays open."""
    os.closerange(3, reply)
    os.closerange(reply + 1, 1 << 16)
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.chdir(folder)
    os.environ.update(HOME=folder, TMPDIR=folder, MPLBACKEND="agg", COURSE_PROGRESS=os.path.join(folder, "p.json"))
    tempfile.tempdir = folder
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # 200 MB of output are nobody's reading
        os.dup2(nothing, stream)
    for limit, value in (
        (resource.RLIMIT_DATA, MEMORY),
        (resource.RLIMIT_FSIZE, LARGEST_FILE),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, int(seconds) + 5),
    ):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(limit, (value, value))
    close_answers()
    with contextlib.suppress(AttributeError, OSError):  # Linux alone: whoever ends our parent ends with it
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
    refuse_sockets()
    shut_off(folder)


def close_answers() -> None:
    """Keep an answer from what compares it; a check, which is in many a cell, says nothing here."""
    for module in pkgutil.iter_modules(exercises.__path__):
        sys.modules[f"{exercises.__name__}.{module.name}"] = None  # type: ignore[assignment]  # importing it fails
    for name in ("checks", "progress"):
        silent = types.ModuleType(f"{exercises.__name__}.{name}")
        silent.check = silent.show_progress = lambda *_args, **_options: None  # type: ignore[attr-defined]
        sys.modules[silent.__name__] = silent


READ_FILE, READ_FOLDER, WRITE_FILE, REFER, TRUNCATE = 1 << 2, 1 << 3, 1 << 1, 1 << 13, 1 << 14
CHANGE_FOLDERS = sum(1 << bit for bit in range(4, 13))  # make and remove files, folders, links, sockets, devices
NO_NETWORK, NO_SIGNALS_OUT = 0b11, 0b11
OURS = CHECKOUT / "course_utils"
HIDDEN = (OURS / "exercises", CHECKOUT / "tests", *CHECKOUT.glob("notebooks/*.ipynb"))  # right answers are in them
SYSTEM = (
    *("/usr", "/lib", "/lib32", "/lib64", "/bin", "/nix/store", "/proc", "/sys/devices/system"),
    *(f"/dev/{name}" for name in ("null", "zero", "random", "urandom")),
    *(f"/etc/{name}" for name in ("ld.so.cache", "ld.so.conf", "localtime", "passwd", "group", "fonts", "mime.types")),
)


def readable() -> list[str]:
    """Name what an answer needs: Python, packages, the system's libraries, data, our package without answers."""
    libraries = os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    paths = [path for path in sys.path if Path(path or ".").resolve() != CHECKOUT]
    data = (CHECKOUT / "datasets", cache_folder(), EXPERIMENTS / "records", PICTURES)
    wanted: tuple[str | Path, ...] = (sys.prefix, sys.base_prefix, *paths, *libraries, *SYSTEM, OURS, *data)
    return [str(path) for place in wanted if place for path in _without_hidden(Path(place).resolve())]


def _without_hidden(place: Path) -> list[Path]:
    """Give a folder whole or, where something hidden is below it, what else there is in it."""
    if not os.path.exists(place) or any(place.is_relative_to(hidden) for hidden in HIDDEN):
        return []
    if not any(hidden.is_relative_to(place) for hidden in HIDDEN):
        return [place]
    return [path for below in sorted(place.iterdir()) for path in _without_hidden(below)]


def shut_off(folder: str) -> bool:
    """Let this thread and what it starts write below one folder alone and read there and what is `readable`.

    They signal nobody else. Landlock, a part of Linux since 5.13, does it without any rights; later versions refuse
    more. https://docs.kernel.org/userspace-api/landlock.html

    Returns
    -------
    bool
        Whether that is so now.
    """
    if sys.platform != "linux":  # there, these numbers are other calls
        return False
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        version = libc.syscall(444, None, ctypes.c_size_t(0), 1)
        if version < 1:
            return False
        writing = WRITE_FILE | CHANGE_FOLDERS | (REFER if version > 1 else 0) | (TRUNCATE if version > 2 else 0)
        files = READ_FILE | READ_FOLDER | writing
        rules = struct.pack("QQQ", files, NO_NETWORK, NO_SIGNALS_OUT)[: 8 if version < 4 else 16 if version < 6 else 24]
        ruleset = libc.syscall(444, rules, ctypes.c_size_t(len(rules)), 0)
        places = {
            **{path: READ_FILE | READ_FOLDER if os.path.isdir(path) else READ_FILE for path in readable()},
            str(OURS): READ_FOLDER,  # an import looks through the names
            os.devnull: READ_FILE | WRITE_FILE,  # no terminal, no shared memory
            folder: files,
        }
        for place, allowed in places.items():
            below = os.open(place, os.O_PATH)
            if libc.syscall(445, ruleset, 1, struct.pack("=Qi", allowed, below), 0):
                return False
            os.close(below)
        shut = libc.prctl(38, 1, 0, 0, 0) == 0 and libc.syscall(446, ruleset, 0) == 0  # 38: no new rights
        os.close(ruleset)
    except (AttributeError, OSError):
        return False
    return shut


# name in the kernel, numbers of socket() and socketpair()
ARCHITECTURES = {"x86_64": (0xC000003E, 41, 53), "aarch64": (0xC00000B7, 198, 199)}
IO_URING_SETUP, OTHER_ABI = 425, 0x40000000  # opens sockets, too; a second set of calls of x86-64


def refuse_sockets() -> bool:
    """Let this thread and what it starts open no socket: no TCP, no UDP, none of those on which D-Bus or Docker listen.

    The filter is a program of the kernel's seccomp, which needs no rights; calls of another architecture are refused
    altogether. Connected pairs, with which a process talks to its own children, are left.
    https://docs.kernel.org/userspace-api/seccomp_filter.html

    Returns
    -------
    bool
        Whether that is so now.
    """
    if sys.platform != "linux" or os.uname().machine not in ARCHITECTURES:
        return False
    architecture, socket, socketpair = ARCHITECTURES[os.uname().machine]
    load, mask, equal, at_least, give = 0x20, 0x54, 0x15, 0x35, 0x06
    allow, refuse = 0x7FFF0000, 0x00050000 | errno.EPERM
    program = [  # what to do, steps ahead if so, steps ahead if not, with which number
        (load, 0, 0, 4),  # the architecture of the call
        (equal, 0, 9, architecture),
        (load, 0, 0, 0),  # its number
        (at_least, 7, 0, OTHER_ABI),
        (equal, 6, 0, socket),
        (equal, 5, 0, IO_URING_SETUP),
        (equal, 0, 3, socketpair),
        (load, 0, 0, 24),  # its second argument: the kind of the pair; one of datagrams could send elsewhere
        (mask, 0, 0, 0xF),
        (equal, 0, 1, 1),
        (give, 0, 0, allow),
        (give, 0, 0, refuse),
    ]
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        steps = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in program))
        listed = ctypes.create_string_buffer(struct.pack("@HP", len(program), ctypes.addressof(steps)))
        return libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, listed, 0, 0) == 0  # 38: no new rights
    except (AttributeError, OSError):
        return False


def can_shut_off() -> bool:
    """Say whether answers are shut off on this system, by trying it: in a thread, which alone is bound, and ends."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as thread:
        return thread.submit(shut_off, folder).result()


def answer(request: Request) -> dict[str, Any]:
    """Run the program, then the answer; give what it computes, or what stood in the way."""
    namespace: dict[str, Any] = {"__name__": "__main__", "display": lambda *_args, **_options: None}
    errors: dict[int, str] = {}
    compiled = codeop.Compile()  # remembers ``from __future__ import …``, as a notebook does
    for number, (cell, source) in enumerate(request.program):
        name = f"<cell {cell}, statement {number}>"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)  # for torch.jit.script
        try:
            exec(compiled(source, name, "exec"), namespace)
        except BaseException as error:  # whatever a learner's cell raises, what follows is still looked at
            errors.setdefault(cell, told(error))
    try:
        given = eval(request.expression, namespace)
    except BaseException as error:
        failed = "; ".join(errors.values())[:LONGEST_TEXT]
        return {"kind": "missing", "error": told(error), "failed": failed}
    if not request.is_function or not callable(given):
        return {"kind": "value", "callable": callable(given), "result": encode(given)}
    reply = run_on_draws(given, request.draws)
    which = request.gradients_of
    return reply | {"gradients": [sent_back(given, draw, which) for draw in request.draws[:N_GRADIENTS] if which]}


def sent_back(function: Callable[..., Any], arguments: tuple, which: Sequence[int]) -> Any:
    """Give the gradients of a function's result, None where there are none, or the kind of what stood in the way."""
    try:
        return encode(gradients(function, arguments, which))
    except BaseException as error:
        return {"opaque": type(error).__name__}


def run_on_draws(function: Callable[..., Any], draws: Sequence[tuple]) -> dict[str, Any]:
    """Call a function with each of the draws; stop at the first that fails."""
    results: list[Any] = []
    reply: dict[str, Any] = {"kind": "results", "results": results}
    for number, arguments in enumerate(draws):
        given = copy.deepcopy(arguments)
        try:
            results.append(encode(function(*given)))
            if encode(given) != encode(arguments):
                return reply | {"kind": "changed"}
        except BaseException as error:
            bare = type(error) is NotImplementedError and not error.args
            return reply | {"kind": "not attempted" if bare else "raised", "error": told(error), "draw": number}
    return reply


def told(error: BaseException) -> str:
    """Give an error's type and words; an error of a learner's own may have none that can be read."""
    try:
        return f"{type(error).__name__}: {error}"[:LONGEST_TEXT]
    except BaseException:
        return type(error).__name__


if __name__ == "__main__":
    main()
