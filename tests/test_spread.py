"""Seeds as tasks: the same numbers wherever they are measured, and what is lost when something dies."""

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from joblib.externals.loky import get_reusable_executor

from course_utils.command_line import parse
from course_utils.evidence import record as records
from course_utils.evidence import spread
from course_utils.evidence.measure import measure
from course_utils.evidence.record import Claim, Record
from course_utils.evidence.spread import _refused, _unlike, cluster, course_version, place_here
from course_utils.files import CHECKOUT
from course_utils.refusals import Stop

pytestmark = pytest.mark.thorough

CLAIM = Claim(says="a beats b", metric="accuracy", treatment="a", baseline="b", control="c")
WITH_DASK = pytest.mark.skipif(
    not importlib.util.find_spec("distributed"), reason="Dask is not installed: pip install attention-course[cluster]"
)
NOTEBOOK = """
import torch
from torch import nn

WIDTH = 7

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        return torch.tanh(self.layer(x))

def trained(seed):
    torch.manual_seed(seed)
    net, x = Net(), torch.randn(11, WIDTH)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(20):
        loss = (net(x) - x).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()

def experiment(seed):
    return {name: {"accuracy": trained(10 * seed + i)} for i, name in enumerate("abc")}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "RECORDS", tmp_path)
    for name in ("EVIDENCE", "EVIDENCE_QUICK", "DEVICE", "WORKERS", "SCHEDULER"):
        monkeypatch.delenv(f"COURSE_{name}", raising=False)
    return tmp_path


@pytest.fixture
def two_processes(monkeypatch):
    monkeypatch.setenv("COURSE_WORKERS", "2")


def of_a_notebook():
    """Define an experiment as a kernel does: in a module that no other process can import."""
    namespace = {"__name__": "__main__"}
    exec(NOTEBOOK, namespace)
    return namespace["experiment"]


def told(log, first=None):
    """Make an experiment that notes in a file which process measured which seed; ``first`` acts before it does."""

    def experiment(seed):
        if first:
            first(seed)
        with open(log, "a", encoding="utf-8") as file:
            file.write(f"{seed} {os.getpid()}\n")
        return {name: {"accuracy": seed / 10} for name in "abc"}

    return experiment


def noted(log):
    return [tuple(map(int, line.split())) for line in log.read_text(encoding="utf-8").splitlines()]


def timed(seed):
    start = time.process_time()
    return {name: {"accuracy": os.getpid() + 0 * (time.process_time() - start)} for name in "abc"}


# --- processes of this machine ----------------------------------------------------------------------------------------


def test_two_processes_give_the_numbers_of_one(folder, monkeypatch):
    alone = measure("99_test", of_a_notebook(), range(4), [CLAIM], rerun=True)
    monkeypatch.setenv("COURSE_WORKERS", "2")
    spread_out = measure("99_test", of_a_notebook(), range(4), [CLAIM], rerun=True)
    assert alone.values == spread_out.values
    assert len(set(alone.values["a"]["accuracy"])) == 4
    assert (alone.machine, alone.versions) == (spread_out.machine, spread_out.versions)


def test_seeds_are_measured_elsewhere_and_each_once_and_progress_is_shown(folder, two_processes, capsys):
    log = folder / "log"
    made = measure("99_test", told(log), range(5), [CLAIM], rerun=True)
    seeds, processes = zip(*noted(log), strict=True)
    assert sorted(seeds) == [0, 1, 2, 3, 4]
    assert os.getpid() not in processes
    assert made.values["a"]["accuracy"] == [0, 0.1, 0.2, 0.3, 0.4]  # in the order of the seeds, whichever came first
    assert "5/5" in capsys.readouterr().out


def test_an_interrupted_measurement_goes_on_with_the_seeds_that_are_missing(folder, two_processes):
    log = folder / "log"

    def fail_once(seed):
        if seed == 3 and not (folder / "failed").exists():
            while not any((folder / "partial").glob("*.json")):  # something is kept by then
                time.sleep(0.01)
            (folder / "failed").touch()
            raise ValueError("of seed 3")

    experiment = told(log, fail_once)
    with pytest.raises(ValueError, match="of seed 3"):
        measure("99_test", experiment, range(4), [CLAIM], rerun=True)
    (kept,) = (folder / "partial").glob("*.json")
    before = sorted(map(int, json.loads(kept.read_text())))
    assert before
    log.unlink()
    measure("99_test", experiment, range(4), [CLAIM], rerun=True)
    assert sorted(seed for seed, _ in noted(log)) == sorted(set(range(4)) - set(before))


def test_a_process_that_is_killed_is_told_in_a_sentence_and_what_was_measured_is_kept(folder, two_processes):
    def die_once(seed):
        if seed == 2 and not (folder / "killed").exists():
            while not any((folder / "partial").glob("*.json")):
                time.sleep(0.01)
            (folder / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(Stop, match=r"was ended, perhaps for want of memory\. What was measured so far is kept"):
        measure("99_test", told(folder / "log", die_once), range(3), [CLAIM], rerun=True)
    (kept,) = (folder / "partial").glob("*.json")
    before = {int(seed) for seed in json.loads(kept.read_text())}
    assert before
    (folder / "log").unlink()
    measure("99_test", told(folder / "log", die_once), range(3), [CLAIM], rerun=True)
    assert {seed for seed, _ in noted(folder / "log")} == set(range(3)) - before


def test_the_processes_that_start_early_are_those_that_measure(folder, two_processes, monkeypatch):
    log = folder / "loaded"
    (folder / "slow_to_load.py").write_text(
        "import os, time\nfrom pathlib import Path\n"
        f"log = Path({str(log)!r})\n"
        "with log.open('a', encoding='utf-8') as file:\n    file.write(f'{os.getpid()}\\n')\n"
        "while len(log.read_text(encoding='utf-8').split()) < 2:\n    time.sleep(0.01)\n"  # each takes one
    )
    monkeypatch.syspath_prepend(folder)
    get_reusable_executor().shutdown(wait=True)  # those of other tests know another path
    spread.start_early("slow_to_load")
    measure("99_test", told(folder / "log"), range(4), [CLAIM], rerun=True)
    early = set(map(int, log.read_text(encoding="utf-8").split()))
    assert len(early) == 2
    assert {process for _, process in noted(folder / "log")} <= early


def test_a_process_is_not_replaced_because_a_seed_needs_more_memory_than_loading(folder, two_processes):
    def large(seed):
        time.sleep(1.1)  # loky looks once a second
        spread.held = bytearray(400 * 2**20)

    get_reusable_executor().shutdown(wait=True)
    spread.start_early("json")
    measure("99_test", told(folder / "log", large), range(6), [CLAIM], rerun=True)
    assert len({process for _, process in noted(folder / "log")}) <= 2


def test_what_cannot_be_loaded_early_stops_no_measurement(folder, two_processes):
    spread.start_early("course_utils.notebooks.lecture_99")
    made = measure("99_test", told(folder / "log"), range(3), [CLAIM], rerun=True)
    assert made.values["a"]["accuracy"] == [0, 0.1, 0.2]


def test_nothing_starts_early_where_one_process_measures(folder):
    spread.start_early("this")
    assert not spread._loading


def test_what_measures_time_is_measured_here_and_alone(two_processes, capsys):
    made = measure("99_test", timed, range(3), [CLAIM], rerun=True)
    assert made.values["a"]["accuracy"] == [os.getpid()] * 3
    assert "one after the other" in capsys.readouterr().out


def test_processes_end_with_the_one_that_started_them(folder):
    script = folder / "script.py"
    script.write_text(
        "import os, sys, time\nfrom pathlib import Path\nfrom course_utils.evidence import record\n"
        "from course_utils.evidence.measure import measure\n"
        "folder = Path(sys.argv[1])\nrecord.RECORDS = folder / 'records'\n"
        "def experiment(seed):\n    (folder / f'seed{seed}').write_text(str(os.getpid()))\n    time.sleep(600)\n"
        "measure('99_test', experiment, range(3), [], rerun=True)\n"
    )
    environment = os.environ | {"COURSE_WORKERS": "2", "PYTHONPATH": path_to_course()}
    parent = subprocess.Popen([sys.executable, script, folder], env=environment, stdout=subprocess.DEVNULL)
    begun = [folder / "seed0", folder / "seed1"]
    try:
        wait_until(lambda: all(file.exists() and file.read_text() for file in begun))
    finally:
        parent.kill()
        parent.wait()
    wait_until(lambda: not any(psutil.pid_exists(int(file.read_text())) for file in begun))


def wait_until(so):
    deadline = time.monotonic() + 120
    while not so():
        assert time.monotonic() < deadline, "that never came"
        time.sleep(0.05)


def path_to_course(course=CHECKOUT):
    return os.pathsep.join([str(course), os.environ.get("PYTHONPATH", "")])


def test_another_version_of_a_package_or_another_processor_begins_anew(folder, monkeypatch):
    log = folder / "log"

    def stop_once(seed):
        if seed == 1 and not (folder / "stopped").exists():
            (folder / "stopped").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure("99_test", told(log, stop_once), range(3), [CLAIM], rerun=True)
    monkeypatch.setattr(spread, "_processor", lambda device: "abacus")
    measure("99_test", told(log, stop_once), range(3), [CLAIM], rerun=True)
    assert [seed for seed, _ in noted(log)] == [0, 0, 1, 2]


# --- a Dask cluster ---------------------------------------------------------------------------------------------------


class Cluster:
    """A scheduler on loopback, and workers that a test starts and kills."""

    def __init__(self, folder):
        self.file = folder / "scheduler.json"
        self.started = []

    def begin(self, monkeypatch):
        self.start("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        wait_until(self.is_told)
        self.address = json.loads(self.file.read_text())["address"]
        monkeypatch.setenv("COURSE_SCHEDULER", self.address)

    def is_told(self):
        """Say whether the scheduler has written where it is: the file is there before its content."""
        try:
            return bool(json.loads(self.file.read_text()))
        except (OSError, ValueError):
            return False

    def start(self, what, *options, course=CHECKOUT):
        command = [sys.executable, "-m", f"distributed.cli.{what}", "--scheduler-file", str(self.file), *options]
        environment = os.environ | {"PYTHONPATH": path_to_course(course), "OMP_NUM_THREADS": "1"}
        log = open(self.file.with_name(f"{len(self.started)}.log"), "wb")  # noqa: SIM115
        with log:
            process = subprocess.Popen(command, cwd=self.file.parent, env=environment, stdout=log, stderr=log)
        self.started.append(process)

    def workers(self, number, threads=1, course=CHECKOUT):
        from distributed import Client

        for _ in range(number):
            options = ("--host", "127.0.0.1", "--nthreads", str(threads), "--no-nanny", "--no-dashboard")
            self.start("dask_worker", *options, course=course)
        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(number, timeout=120)

    def end_the_last(self):
        """Kill the worker that was started last, and wait until the scheduler has noticed it."""
        from distributed import Client

        process = self.started.pop()
        process.kill()
        process.wait()
        with Client(self.address, set_as_default=False) as client:
            wait_until(lambda: not client.nthreads())

    def end(self):
        for process in self.started:
            process.kill()
            process.wait()


@pytest.fixture
def dask(folder, monkeypatch):
    here = Cluster(folder)
    try:
        here.begin(monkeypatch)
        yield here
    finally:
        here.end()


@WITH_DASK
def test_a_cluster_gives_the_numbers_of_one_process_and_both_workers_work(folder, dask, monkeypatch, capsys):
    dask.workers(2)
    there = measure("99_test", of_a_notebook(), range(4), [CLAIM], rerun=True)
    assert "4/4" in capsys.readouterr().out
    measure("99_test", told(folder / "log", lambda seed: time.sleep(1)), range(4), [CLAIM], rerun=True)
    seeds, processes = zip(*noted(folder / "log"), strict=True)
    assert sorted(seeds) == [0, 1, 2, 3]
    assert set(processes) == {process.pid for process in dask.started[1:]}
    monkeypatch.delenv("COURSE_SCHEDULER")
    assert measure("99_test", of_a_notebook(), range(4), [CLAIM], rerun=True).values == there.values


@WITH_DASK
def test_a_worker_that_dies_loses_the_seed_it_was_measuring_and_no_other(folder, dask):
    dask.workers(2)

    def die_last(seed):
        if seed == 1 and not (folder / "killed").exists():
            while len(json.loads(next((folder / "partial").glob("*.json"), Path(os.devnull)).read_text() or "{}")) < 4:
                time.sleep(0.01)
            (folder / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)

    made = measure("99_test", told(folder / "log", die_last), range(5), [CLAIM], rerun=True)
    assert made == Record.read(folder / "99_test.json")
    assert (folder / "killed").exists()
    assert sum(process.poll() is not None for process in dask.started) == 1
    assert sorted(seed for seed, _ in noted(folder / "log")) == [0, 1, 2, 3, 4]  # each whole once


@WITH_DASK
def test_on_a_cluster_an_interrupted_measurement_goes_on_too(folder, dask):
    dask.workers(1)

    def fail_once(seed):
        if seed == 2 and not (folder / "failed").exists():
            (folder / "failed").touch()
            raise ValueError("of seed 2")

    with pytest.raises(ValueError, match="of seed 2"):
        measure("99_test", told(folder / "log", fail_once), range(3), [CLAIM], rerun=True)
    measure("99_test", told(folder / "log", fail_once), range(3), [CLAIM], rerun=True)
    assert sorted(seed for seed, _ in noted(folder / "log")) == [0, 1, 2]


@WITH_DASK
def test_a_worker_with_another_version_of_the_course_or_without_it_is_refused(folder, dask):
    other = folder / "other"
    for name in ("course_utils", "notebooks"):
        shutil.copytree(CHECKOUT / name, other / name, ignore=shutil.ignore_patterns("*.svg", "*.png", "__pycache__"))
    with (other / "course_utils" / "training.py").open("a", encoding="utf-8") as file:
        file.write("# a change\n")
    dask.workers(1, course=other)
    with pytest.raises(Stop, match="has another version of the course: check out the same one"), cluster(dask.address):
        pass
    dask.end_the_last()  # else it might be taken for the next one
    (folder / "none" / "course_utils").mkdir(parents=True)
    (folder / "none" / "course_utils" / "__init__.py").write_text("raise ImportError('no course here')")
    dask.workers(1, course=folder / "none")
    with pytest.raises(Stop, match=r"cannot load the course \(.*no course here.*\): start it"), cluster(dask.address):
        pass


@WITH_DASK
def test_a_cluster_without_workers_or_with_threads_that_share_a_process_is_refused(dask):
    with pytest.raises(Stop, match="has no worker: start some with dask worker tcp://"), cluster(dask.address):
        pass
    dask.workers(1, threads=2)
    with pytest.raises(Stop, match="has 2 threads"), cluster(dask.address):
        pass


@WITH_DASK
def test_where_no_scheduler_answers_that_is_said(monkeypatch):
    monkeypatch.setattr(spread, "SECONDS_TO_ANSWER", 1)
    with pytest.raises(Stop, match="No Dask scheduler answers at tcp://127"), cluster("tcp://127.0.0.1:9"):
        pass


def test_what_a_worker_lacks_is_said_in_one_sentence():
    ours = place_here() | {"course": course_version(), "threads": "1"}
    assert _refused("w", ours, ours) == _unlike("w", ours, ours) == ""
    for change, said in (
        ({"dgl": "missing"}, "has dgl missing, and here it is"),
        ({"torch": "1.0"}, "has torch 1.0, and here it is"),
        ({"Python": "3.10"}, "has Python 3.10"),
        ({"course": "0"}, "another version of the course"),
    ):
        assert said in _refused("w", ours | change, ours)
    assert _refused("w", ours | {"processor": "abacus"}, ours) == ""  # as long as all workers are alike
    assert "another kind of machine (abacus)" in _unlike("w", ours | {"processor": "abacus"}, ours)


def test_the_version_of_the_course_changes_with_its_code_and_not_with_what_notebooks_printed(tmp_path, monkeypatch):
    (tmp_path / "course_utils").mkdir()
    (tmp_path / "course_utils" / "a.py").write_text("a = 1")
    notebook = {"cells": [{"cell_type": "code", "source": ["x = 1"], "outputs": []}]}
    monkeypatch.setattr(spread, "CHECKOUT", tmp_path)
    monkeypatch.setattr(spread, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(spread, "EXPERIMENTS", tmp_path / "none")

    def version():
        (tmp_path / "01_a.ipynb").write_text(json.dumps(notebook))
        return course_version.__wrapped__()

    first = version()
    notebook["cells"][0]["outputs"] = ["1"]
    assert version() == first
    notebook["cells"][0]["source"] = ["x = 2"]
    assert (second := version()) != first
    (tmp_path / "course_utils" / "a.py").write_text("a = 2")
    assert version() not in (first, second)


@pytest.mark.parametrize("options", [("--workers", "0"), ("--workers", "two"), ("--workers", "2", "--scheduler", "x")])
def test_workers_are_a_number_and_a_cluster_is_something_else(options, capsys):
    with contextlib.suppress(SystemExit):
        parse(["evidence", *options])
        pytest.fail("it was taken")
    assert "--workers" in capsys.readouterr().err
