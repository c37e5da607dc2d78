"""Where the seeds of a record are measured: one after the other, in processes of this machine, or on a Dask cluster.

``course.py evidence`` says it in ``COURSE_WORKERS`` or ``COURSE_SCHEDULER``. One seed is one task, in a process of its
own with one thread. All seeds of a record are measured on one kind of processor, with the same packages.
"""

import contextlib
import hashlib
import importlib
import json
import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import cloudpickle

from course_utils.files import CHECKOUT, EXPERIMENTS, NOTEBOOKS
from course_utils.refusals import Stop

RECORDED_VERSIONS = ("torch", "dgl", "numpy", "scipy", "scikit-learn")
SECONDS_TO_ANSWER = 30  # what a scheduler may take
KEPT = "What was measured so far is kept: the same command goes on from there."

Task = Callable[[int], dict[str, Any]]
Item = TypeVar("Item")
Result = TypeVar("Result")


class Engine(NamedTuple):
    """What runs the seeds: on what kind of machine, and how, each seed with its result as it comes."""

    place: Mapping[str, str]
    run: Callable[[Task, Sequence[int]], Iterator[tuple[int, dict[str, Any]]]]


@contextlib.contextmanager
def engine(one_by_one: bool) -> Iterator[Engine]:
    """Give what runs the seeds, as the environment asks; one by one where an experiment measures time.

    Raises
    ------
    Stop
        If the cluster does not answer, or its workers are not what a record needs.
    """
    scheduler, workers = os.environ.get("COURSE_SCHEDULER"), int(os.environ.get("COURSE_WORKERS") or 1)
    if one_by_one and (scheduler or workers > 1):
        print("This experiment measures time: its seeds run here, one after the other, and nothing runs beside them.")
        with contextlib.suppress(Exception):  # the seeds run here: a process that died while loading is no loss
            _loaded()
    elif scheduler:
        with cluster(scheduler) as (client, place):
            yield Engine({name: place[name] for name in place_here()}, partial(_on_cluster, client, place))
        return
    elif workers > 1:
        yield Engine(place_here(), partial(_seeds_in_processes, workers))
        return
    yield Engine(place_here(), lambda task, seeds: ((seed, task(seed)) for seed in seeds))


# --- what decides the digits of a number ------------------------------------------------------------------------------


def place_here() -> dict[str, str]:
    """Say what decides the digits that are computed here: device, processor, Python and packages."""
    device = os.environ.get("COURSE_DEVICE", "cpu")
    python = ".".join(platform.python_version_tuple()[:2])
    place = {"device": device, "processor": _processor(device), "Python": python}
    return place | {package: _version(package) for package in RECORDED_VERSIONS}


def _version(package: str) -> str:
    try:
        return version(package).split("+")[0]
    except PackageNotFoundError:
        return "missing"


def _processor(device: str) -> str:
    if device.startswith("cuda"):
        import torch  # here: whatever needs it not starts sooner without

        return torch.cuda.get_device_name(device) if torch.cuda.is_available() else "none"
    model, wide = platform.processor() or platform.machine(), ""
    with contextlib.suppress(OSError, StopIteration):  # Linux alone
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        wide = ", AVX-512" if " avx512f " in text else ""
        model = next(line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name"))
    return f"{model}{wide}"


@cache  # a worker speaks of what it has loaded, not of what git has laid in its place since
def course_version() -> str:
    """Hash the package and the code of all notebooks: what a worker loads must be what is measured here."""
    digest = hashlib.sha256()
    for path in sorted((CHECKOUT / "course_utils").rglob("*.py")):
        digest.update(f"{path.relative_to(CHECKOUT).as_posix()}\0".encode() + path.read_bytes())
    for path in sorted([*NOTEBOOKS.glob("*.ipynb"), *EXPERIMENTS.glob("*.ipynb")]):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        digest.update(json.dumps([cell["source"] for cell in cells if cell["cell_type"] == "code"]).encode())
    return digest.hexdigest()[:12]


# --- processes of this machine ----------------------------------------------------------------------------------------


def start_early(module: str) -> None:
    """Let the processes that will measure seeds load a module now, while a notebook runs its first cells.

    Loading PyTorch and a lecture takes each of them as long as it takes a notebook, and could as well begin with it.
    """
    workers = int(os.environ.get("COURSE_WORKERS") or 1)
    if workers > 1 and not os.environ.get("COURSE_SCHEDULER"):
        _loading.append(in_processes(workers, _load, [module] * workers))


_loading: list[Iterator[Any]] = []  # held until it is done: joblib ends what nobody waits for


def _load(module: str) -> None:
    with contextlib.suppress(Exception):  # what cannot be loaded is told where it is needed
        importlib.import_module(module)


def _loaded() -> None:
    """Wait for what was started early."""
    while _loading:
        for _ in _loading.pop():
            pass


def in_processes(number: int, task: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[tuple[Item, Result]]:
    """Run a task for each item in processes of this machine, from now on; give each item with its result as it comes.

    Items are taken in their order, no more than ``number`` at once.

    Raises
    ------
    TerminatedWorkerError
        If a process was ended; what the others were doing is lost with it.
    """
    from joblib import Parallel, delayed, parallel_config  # here, since lectures only read records

    with parallel_config("loky", inner_max_num_threads=1):
        spread = Parallel(
            n_jobs=max(number, 2),  # one would be this very process
            return_as="generator_unordered",
            batch_size=1,
            pre_dispatch=number,
            max_nbytes=None,  # an array that a task may change is its own, not a file that all of them share
            initializer=_end_with,
            initargs=(os.getpid(),),
        )
        begun: Iterator[tuple[Item, Result]] = spread(delayed(_item_and_result)(task, item) for item in items)
    return begun


def _item_and_result(task: Callable[[Item], Result], item: Item) -> tuple[Item, Result]:
    return item, task(item)


def _end_with(parent: int) -> None:
    """End this process when the one that started it is gone: nobody waits for its result any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that started it
    from joblib.externals.loky import process_executor

    # loky takes what a task holds beyond what the first one held for a leak, and replaces the process; here the first
    # task may have been to load a lecture, and a seed needs more than that
    process_executor._MAX_MEMORY_LEAK_SIZE = sys.maxsize

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _seeds_in_processes(number: int, task: Task, seeds: Sequence[int]) -> Iterator[tuple[int, dict[str, Any]]]:
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    try:
        _loaded()
        yield from in_processes(number, task, seeds)
    except TerminatedWorkerError as error:
        raise Stop(f"A process that measured a seed was ended, perhaps for want of memory. {KEPT}") from error


# --- a Dask cluster ---------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def cluster(address: str) -> Iterator[tuple[Any, dict[str, str]]]:
    """Connect to a Dask scheduler; give the client, and what kind of machine all its workers are.

    Raises
    ------
    Stop
        If Dask is missing here, nothing answers, there is no worker, or one of them is not what a record needs.
    """
    try:
        from distributed import Client
    except ImportError:
        raise Stop(
            "Dask is not installed here: pip install distributed, in the version that requirements.lock names."
        ) from None
    try:
        client = Client(address, timeout=SECONDS_TO_ANSWER, set_as_default=False)
    except (OSError, ValueError) as error:
        raise Stop(f"No Dask scheduler answers at {address} ({error or type(error).__name__}).") from None
    with client:
        found = client.run(_place_of_worker, os.environ.get("COURSE_DEVICE", "cpu"), on_error="return")
        if not found:
            raise Stop(f"The scheduler at {address} has no worker: start some with dask worker {address} --nthreads 1.")
        first = next(iter(found.values()))
        ours = place_here() | {"course": course_version(), "threads": "1"}
        for worker, place in found.items():
            if why := _refused(worker, place, ours) or _unlike(worker, place, first):
                raise Stop(why)
        yield client, first


def _place_of_worker(device: str, dask_worker: Any) -> dict[str, str]:
    os.environ["COURSE_DEVICE"] = device
    os.environ.update(DGLBACKEND="pytorch", OMP_NUM_THREADS="1")  # before anything reads them
    return place_here() | {"course": course_version(), "threads": str(dask_worker.state.nthreads)}


def _refused(worker: str, place: Mapping[str, str] | Exception, ours: Mapping[str, str]) -> str:
    """Say in one sentence why a worker cannot measure for us; nothing where it can."""
    if isinstance(place, Exception):
        return f"The worker {worker} cannot load the course ({place}): start it in the course's environment."
    if place["threads"] != "1":
        return f"The worker {worker} has {place['threads']} threads, which share their random numbers: --nthreads 1."
    for package in ("Python", *RECORDED_VERSIONS):
        if place[package] != ours[package]:
            has, here = place[package], ours[package]
            return f"The worker {worker} has {package} {has}, and here it is {here}: install requirements.lock there."
    if place["course"] != ours["course"]:
        return f"The worker {worker} has another version of the course: check out the same one, and start it anew."
    return ""


def _unlike(worker: str, place: Mapping[str, str], first: Mapping[str, str]) -> str:
    if place == first:
        return ""
    return (
        f"The worker {worker} is another kind of machine ({place['processor']}) than the first ({first['processor']}): "
        "a record is measured on one kind."
    )


def _on_cluster(
    client: Any, place: Mapping[str, str], task: Task, seeds: Sequence[int]
) -> Iterator[tuple[int, dict[str, Any]]]:
    from distributed import CancelledError, KilledWorker, as_completed

    sent = cloudpickle.dumps(task)  # definitions of a notebook travel as they are
    futures = {client.submit(_on_worker, place, sent, seed, pure=False): seed for seed in seeds}
    try:
        for future in as_completed(futures, loop=client.loop):
            yield futures[future], future.result()
    except KilledWorker as error:
        raise Stop(f"Several workers died of the same seed, perhaps for want of memory. {KEPT}") from error
    except CancelledError as error:
        raise Stop(f"The scheduler has gone. {KEPT}") from error
    finally:
        client.cancel(list(futures))


def _on_worker(place: Mapping[str, str], sent: bytes, seed: int) -> dict[str, Any]:
    """Run one seed on a worker, which may have come after the others were looked at."""
    from distributed import get_worker

    worker = get_worker()
    mine = _place_of_worker(place["device"], worker)
    if why := _refused(worker.address, mine, place) or _unlike(worker.address, mine, place):
        raise Stop(f"{why} {KEPT}")
    task = cloudpickle.loads(sent)
    if torch := sys.modules.get("torch"):  # the task has loaded it
        torch.set_num_threads(1)
    return task(seed)
