"""Runs somebody's function so that nothing it does outlives it: time, memory, settings, prints, random numbers.

Before an answer is run here, a forked copy of this process runs it: what never ends inside C, eats the machine's memory
or ends Python does so there, and is stopped. Where there is no fork (outside Linux), a timer alone watches, which
Python hears between two of its own steps only.
"""

import builtins
import contextlib
import io
import os
import select
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

MEMORY = 8 * 2**30  # bytes of address space that an answer may take beyond what there is already
CLOCK = 6  # after so many times its limit an answer is stopped, however little it has computed
PRINTED = 2000  # characters of an answer's own prints that are shown
REHEARSE = sys.platform == "linux"  # elsewhere a fork is not safe once threads have run


class OutOfTime(BaseException):
    """Raised by the alarm; no ``except Exception`` of the learner's swallows it."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `OutOfTime` after some seconds, again and again; outside the main thread nothing watches.

    On a busy machine, seconds of the processor count, so that an answer is not stopped for what others do; one that
    only waits is stopped by the clock, and so is any after several times its limit.
    """
    begun, busy = time.monotonic(), time.process_time()

    def is_over() -> bool:
        return uses_up(seconds, time.monotonic() - begun, time.process_time() - busy)

    with _alarm(signal.SIGALRM, signal.ITIMER_REAL, seconds, is_over):
        yield


@contextmanager
def processor_limit(seconds: float) -> Iterator[None]:
    """Raise `OutOfTime` once this process has computed for some seconds."""
    with _alarm(signal.SIGPROF, signal.ITIMER_PROF, seconds, lambda: True):
        yield


class _Stop:
    """Raises when the alarm rings, as long as it is wanted."""

    def __init__(self, is_over: Callable[[], bool]):
        self.running, self._is_over = True, is_over

    def __call__(self, *_signal_and_frame: Any) -> None:
        if self.running and self._is_over():
            raise OutOfTime


@contextmanager
def _alarm(number: int, timer: int, seconds: float, is_over: Callable[[], bool]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # only the main thread hears signals
        yield
        return
    stop = _Stop(is_over)
    before = signal.signal(number, stop)
    signal.setitimer(timer, seconds, 0.1)  # again and again, for a bare except swallows the first
    try:
        yield
    finally:
        stop.running = False
        signal.setitimer(timer, 0)
        signal.signal(number, before)


def uses_up(limit: float, elapsed: float, busy: float) -> bool:
    """Say whether an answer has used up its seconds: it has computed for so long, or only waits, or never ends."""
    return elapsed >= limit and (busy >= limit or _only_waits(elapsed, busy) or elapsed >= CLOCK * limit)


def _only_waits(elapsed: float, busy: float) -> bool:
    return busy < elapsed / 50


class _Bounded(io.TextIOBase):
    """Hands on the first characters that are written to it and drops the rest."""

    def __init__(self, to: Any, room: int):
        self._to, self._room = to, room

    def write(self, text: str) -> int:
        if self._room > 0:
            self._to.write(text[: self._room])
            self._room -= len(text)
            if self._room <= 0:
                self._to.write("\n(What your function prints after this is not shown.)\n")
        return len(text)

    def flush(self) -> None:
        self._to.flush()

    def writable(self) -> bool:
        return True


@contextmanager
def undisturbed(printed: int) -> Iterator[None]:
    """Put back random numbers, default dtype and gradient mode; show so many characters of what is printed."""
    dtype, grad = torch.get_default_dtype(), torch.is_grad_enabled()
    out, err = _Bounded(sys.stdout, printed), _Bounded(sys.stderr, printed)
    with (
        torch.random.fork_rng(devices=[]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        warnings.catch_warnings(),
    ):
        if not printed:
            warnings.simplefilter("ignore")
        torch.set_default_dtype(torch.float32)
        torch.set_grad_enabled(True)
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)
            torch.set_grad_enabled(grad)


def rehearse(run: Callable[[], Any], seconds: float) -> str | None:
    """Run a function in a forked copy of this process; say what stopped it where it did not come to its own end.

    An exception is an end of its own: it will be met again where it can be shown. None also where there is no fork.
    """
    if not REHEARSE:
        return None
    reading, writing = os.pipe()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python warns of a fork beside threads; the copy uses none
            child = os.fork()
    except OSError:  # no room for another process: then without
        os.close(reading)
        os.close(writing)
        return None
    if child == 0:
        _in_the_copy(run, writing)
    os.close(writing)
    try:
        begun, wait, elapsed, busy = time.monotonic(), seconds, 0.0, 0.0
        while not (ready := select.select([reading], [], [], wait)[0]):
            elapsed, busy = time.monotonic() - begun, _state_and_busy(child)[1]
            if uses_up(seconds, elapsed, busy):
                break
            wait = 0.1
        told = os.read(reading, 1) if ready else b""
        waits = not ready and _only_waits(elapsed, busy) and _waits(child)
    finally:
        with contextlib.suppress(OSError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reading)
    if told == b"m":
        return f"Your function asks for more than {MEMORY / 2**30:.0f} GB of memory; ours takes hardly any."
    if told:
        return None
    if ready:
        return "Your function ended Python itself, or crashed it."
    if waits:
        return None  # for something that does not come, perhaps because it is a copy: the alarm can end that here
    return too_long(elapsed)


def too_long(seconds: float) -> str:
    return (
        f"Your function was stopped after {seconds:.0f} seconds; ours takes a fraction of one. Does a loop never end?"
    )


def _state_and_busy(process: int) -> tuple[str, float]:
    """Give a process's state, a letter, and the seconds for which its threads have computed; "" where it is gone."""
    try:
        with open(f"/proc/{process}/stat", encoding="ascii", errors="replace") as stat:
            state, *numbers = stat.read().rsplit(")", 1)[1].split()
        return state, sum(map(int, numbers[10:12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return "", 0.0


def _waits(process: int) -> bool:
    """Say whether a process sleeps, however often it is looked at, rather than computes or wants to."""
    for _ in range(5):
        if _state_and_busy(process)[0] != "S":
            return False
        time.sleep(0.01)
    return True


def _in_the_copy(run: Callable[[], Any], writing: int) -> None:
    """Run, tell in one letter how it ended, and be gone without any of Python's farewells."""
    told = b"f"
    try:
        for which in (signal.SIGALRM, signal.SIGTERM):
            signal.signal(which, signal.SIG_DFL)
        _silence()
        _bound_memory()
        torch.set_num_threads(1)  # the threads of a forked process are not there
        run()
    except MemoryError:
        told = b"m"
    except RuntimeError as error:
        with contextlib.suppress(BaseException):
            told = b"m" if "allocate memory" in str(error) and _is_modest(str(error)) else b"f"
    except BaseException:  # it will be raised again where it can be shown
        pass
    finally:
        with contextlib.suppress(BaseException):
            os.write(writing, told)
        os._exit(0)


def _is_modest(error: str) -> bool:
    """Tell a tensor that this machine might have room for from one that no machine has: PyTorch refuses that itself."""
    digits = [int(word) for word in error.replace(".", " ").split() if word.isdigit() and len(word) > 6]
    return not digits or max(digits) < 2**40


def _silence() -> None:
    def no_input(*_prompt: Any) -> str:
        raise EOFError

    builtins.input = no_input
    sys.breakpointhook = lambda *_a, **_k: None
    sys.stdin = io.StringIO()
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - closed with the process
    with contextlib.suppress(Exception):  # where there is no notebook, nothing is displayed
        shell = sys.modules["IPython"].get_ipython()
        shell.display_pub.publish = lambda *_a, **_k: None


def _bound_memory() -> None:
    import resource

    with contextlib.suppress(Exception):
        with open("/proc/self/statm", encoding="ascii") as statm:
            now = int(statm.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        limit = now + MEMORY if hard == resource.RLIM_INFINITY else min(now + MEMORY, hard)
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
