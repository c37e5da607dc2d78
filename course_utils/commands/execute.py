"""``course.py execute``: run lectures from a clean kernel and keep the outputs, as they are committed."""

import argparse
import datetime
import json
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import nbformat
from jupyter_client.provisioning import LocalProvisioner
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

from course_utils import kernels
from course_utils.commands import keep_progress_apart
from course_utils.data.docstrings.corpus import load_docs
from course_utils.data.number_words import load_number_words
from course_utils.files import EXPERIMENTS, NOTEBOOKS, write_atomically
from course_utils.folders import locked
from course_utils.publishing.notebooks import read_runs
from course_utils.refusals import Stop, check_file, read_notebook


def run(arguments: argparse.Namespace) -> int:
    """Run the named lectures and keep their outputs; give the exit status."""
    notebooks = find_lectures(arguments.lectures)
    for notebook in notebooks:  # before the first of them takes its minutes
        check_file(notebook)
        read_notebook(notebook)
    for load in (load_number_words, load_docs):  # else a cell builds them, and keeps that bar as its output
        load()
    for notebook in notebooks:
        run_notebook(notebook, save=True)
    return 0


def find_lectures(names: Sequence[str]) -> list[Path]:
    """Turn `02`, `02_bahdanau_attention` or a path into that notebook's file; no names mean all, experiments last."""
    lectures, experiments = sorted(NOTEBOOKS.glob("*.ipynb")), sorted(EXPERIMENTS.glob("*.ipynb"))
    found = []
    for name in names:
        meant = experiments if EXPERIMENTS.name in Path(name).parts else lectures
        matching = [path for path in meant if path.stem.startswith(Path(name).stem)]
        if len(matching) != 1:
            listed = ", ".join(path.stem for path in meant)
            raise Stop(f"No one lecture is meant by {name!r}. There are: {listed or 'none in notebooks/'}.")
        found += matching
    return found or [*lectures, *experiments]


class _Client(NotebookClient):
    """Shows what the cells print while they run."""

    def process_message(self, msg, cell, cell_index):
        if msg["msg_type"] == "stream":
            print(msg["content"]["text"], end="", flush=True)
        return super().process_message(msg, cell, cell_index)


def run_notebook(path: Path, save: bool, first: str = "") -> None:
    """Run a notebook from a clean kernel, showing what its cells print; write it back, whole, only when asked to.

    The kernel runs ``first`` before the cells, and nobody waits for what it says.

    Raises
    ------
    Stop
        If the file is damaged, a cell fails or the kernel dies; then the file is as it was.
    """
    memory: list[int | None] = []

    def note_memory(**_cell):
        kernel = client.km.provisioner if client.km else None
        if isinstance(kernel, LocalProvisioner) and kernel.pid:
            memory.append(peak_memory(kernel.pid))

    def begin(**_notebook):
        if first and client.kc:
            client.kc.execute(first, silent=True)

    keep_progress_apart()
    print(f"\n=== {path.name}", flush=True)
    start = time.monotonic()
    notebook = read_notebook(path)
    client = _Client(
        notebook,
        kernel_name="python3",
        timeout=None,
        record_timing=True,  # taken out again below: the file is the same after each run
        on_notebook_start=begin,
        on_cell_executed=note_memory,
        coalesce_streams=True,  # of a progress bar only the last state is kept
        resources={"metadata": {"path": str(path.parent)}},
    )
    try:
        kernels.execute(client)
    except (CellExecutionError, DeadKernelError) as error:
        raise Stop(f"{error}\n{path.name} did not run to its end; the file is as it was.") from None
    if save:
        cells = take_seconds(notebook)
        write_atomically(path, f"{nbformat.writes(notebook)}\n".encode())
        if path.parent.name != EXPERIMENTS.name:
            note_run(path, round(time.monotonic() - start), cells, memory[-1] if memory else None)
    print(f"=== {path.name}: {time.monotonic() - start:.0f} s", flush=True)


def take_seconds(notebook: nbformat.NotebookNode) -> dict[str, int]:
    """Take the times out of a notebook that was run, and give the whole seconds of each cell that took one or more."""
    seconds = {}
    for cell in notebook.cells:
        times = cell.metadata.pop("execution", {})
        if "shell.execute_reply" in times:
            end, start = (
                datetime.datetime.fromisoformat(times[name]) for name in ("shell.execute_reply", "iopub.execute_input")
            )
            seconds[cell["id"]] = int((end - start).total_seconds())
    return {name: taken for name, taken in seconds.items() if taken}


def note_run(path: Path, seconds: int, cell_seconds: dict[str, int], mebibytes: int | None) -> None:
    """Keep what a lecture's last clean run took; CLAIMS.md and the speaker's notes of the slides tell it."""
    noted = path.parent / "experiments" / "runs.json"
    noted.parent.mkdir(exist_ok=True)
    with locked(noted.parent):  # two windows may run a lecture each
        try:
            runs = read_runs(noted)
        except FileNotFoundError:
            runs = {}
        except Stop as stop:  # the outputs are kept, and nothing is written over what may be mended
            print(f"{stop}\nWhat this run took is not noted there.", file=sys.stderr)
            return
        runs[path.stem] = {"seconds": seconds, "cell_seconds": cell_seconds, "peak_mebibytes": mebibytes}
        write_atomically(noted, f"{json.dumps(runs, indent=1, sort_keys=True)}\n".encode())


def peak_memory(pid: int) -> int | None:
    """Give the most memory that a process held at once, in mebibytes, where the system tells (Linux); else None."""
    try:
        status = Path("/proc", str(pid), "status").read_text(encoding="utf-8")
    except OSError:
        return None
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return round(int(found[1]) / 1024) if found else None
