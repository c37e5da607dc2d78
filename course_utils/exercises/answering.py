"""Runs a learner's answers, each in a process of its own, and hands back plain results; it knows no right answer.

``python -m course_utils.exercises.answering`` reads requests and writes replies, both with their length in front. What
was asked comes pickled from `course_utils.exercises.classroom`; what a learner's code computes goes back as JSON and is
never unpickled. Where the system has Landlock (Linux 5.13 or newer), the process of an answer may write to its own
empty folder alone, and read Python, the packages, the system's libraries, the data sets and the course's package
without its exercises; elsewhere it may read and write what its user may. Its time, memory and files are limited, and
what it started ends with it.
"""

import codeop
import contextlib
import copy
import ctypes
import json
import linecache
import os
import pickle
import pkgutil
import resource
import select
import shutil
import signal
import struct
import sys
import tempfile
import time
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil
import torch

from course_utils import exercises
from course_utils.data.storage import cache_folder
from course_utils.exercises.plain import encode
from course_utils.exercises.reading import N_GRADIENTS, gradients
from course_utils.files import CHECKOUT, EXPERIMENTS, PICTURES

MEMORY = 4 << 30  # bytes of data for each answer
LARGEST_FILE = 100 << 20  # bytes
LARGEST_REPLY = 64 << 20  # bytes
LONGEST_TEXT = 600  # characters
LENGTH = struct.Struct("!Q")


@dataclass(frozen=True)
class Request:
    """What is asked of an answer.

    ``program`` is run first, (cell, source) by (cell, source), and ``expression`` gives the answer; a function is
    called with each of the ``draws``, and a value is taken as it is. ``seconds`` is the limit for all of it. For the
    arguments at the places ``gradients_of``, gradients are sent back through the first of the draws.
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
        content, in_time = _read(read, time.monotonic() + request.seconds)
    finally:
        os.close(read)
        _end_all()
        shutil.rmtree(folder, ignore_errors=True)
    if not in_time:
        return _reply("out of time")
    return content or _reply("died")


def _reply(kind: str, **more: Any) -> bytes:
    return json.dumps({"kind": kind, **more}).encode()


def _read(descriptor: int, deadline: float) -> tuple[bytes, bool]:
    """Read a message, not to the pipe's end, which another process may hold open; tell whether that was in time."""
    content = b""
    while True:
        if len(content) >= LENGTH.size:
            end = LENGTH.size + LENGTH.unpack(content[: LENGTH.size])[0]
            if end > LARGEST_REPLY:
                return _reply("too large"), True
            if len(content) >= end:
                return content[LENGTH.size : end], True
        if not select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return b"", False
        part = os.read(descriptor, 1 << 20)
        if not part:
            return b"", True
        content += part


def _end_all() -> None:
    for _ in range(3):  # one may start another while it is looked for
        children = psutil.Process().children(recursive=True)
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        psutil.wait_procs(children, timeout=5)


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
    """Let this process and its children write below one folder alone and read there and what is `readable`.

    They reach no network and signal nobody else. Landlock, a part of Linux since 5.13, does it without any rights;
    later versions refuse more. https://docs.kernel.org/userspace-api/landlock.html

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
