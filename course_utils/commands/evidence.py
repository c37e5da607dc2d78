"""``course.py evidence``: measure again what the claims rest on, from clean kernels, and write the records."""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from course_utils.commands import execute
from course_utils.evidence.record import RECORDS
from course_utils.evidence.spread import cluster
from course_utils.files import EXPERIMENTS, NOTEBOOKS
from course_utils.refusals import Stop, check_folder, read_notebook

EARLY = "from course_utils.evidence.spread import start_early as _; _('course_utils.notebooks.lecture_{}'); del _"
MEASURES = re.compile(r"\bmeasure\(\s*(?:name\s*=\s*)?[\"']([^\"']+)")


def run(arguments: argparse.Namespace) -> int:
    """Run the notebooks in which the named records are made, which writes them anew; give the exit status."""
    records, damaged = find_records(arguments.names)
    print(*damaged, sep="\n", file=sys.stderr, end="\n" * bool(damaged))
    check_folder(RECORDS)
    os.environ["COURSE_EVIDENCE"] = ",".join(records)
    if arguments.device:
        os.environ["COURSE_DEVICE"] = arguments.device
    if arguments.workers:
        os.environ["COURSE_WORKERS"] = str(arguments.workers)
    if arguments.scheduler:
        os.environ["COURSE_SCHEDULER"] = arguments.scheduler
        with cluster(arguments.scheduler) as (client, place):  # refused before a kernel starts
            print(f"{len(client.nthreads())} workers at {arguments.scheduler}: {place['processor']}.")
    if arguments.quick:
        os.environ["COURSE_EVIDENCE_QUICK"] = "1"
        print("A quick look, one seed each: no record is replaced.")
    for notebook in sorted(set(records.values())):
        execute.run_notebook(notebook, save=False, first=EARLY.format(notebook.name[:2]))
    if not arguments.quick:
        print("The records are in notebooks/experiments/records; `execute` brings the lectures' outputs up to date.")
    if damaged and not arguments.names:
        print("What the damaged notebooks measure was left out.", file=sys.stderr)
        return 1
    return 0


def find_records(names: Sequence[str]) -> tuple[dict[str, Path], list[str]]:
    """Find where the named records (no names mean all) are measured.

    Returns
    -------
    Name → notebook, and a sentence for each notebook that is damaged: nothing is known of what it measures.

    Raises
    ------
    Stop
        If no notebook measures one of the names.
    """
    known: dict[str, Path] = {}
    damaged = []
    for path in [*sorted(NOTEBOOKS.glob("*.ipynb")), *sorted(EXPERIMENTS.glob("*.ipynb"))]:
        try:
            cells = read_notebook(path).cells
        except Stop as stop:
            damaged.append(str(stop))
            continue
        for cell in cells:
            if cell.cell_type == "code":
                known |= dict.fromkeys(MEASURES.findall(cell.source), path)
    unknown = [name for name in names if name not in known]
    if unknown or not known:
        listed = "\n  ".join(known) or "nothing"
        unread = "".join(f"\n{sentence}" for sentence in damaged)
        raise Stop(f"No notebook measures {', '.join(unknown) or 'anything'}. What is measured:\n  {listed}{unread}")
    return {name: known[name] for name in names or known}, damaged
