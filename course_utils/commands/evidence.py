"""``course.py evidence``: measure again what the claims rest on, from clean kernels, and write the records."""

import argparse
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

from course_utils.commands import Stop, execute
from course_utils.files import EXPERIMENTS, NOTEBOOKS

MEASURES = re.compile(r"\bmeasure\(\s*(?:name\s*=\s*)?[\"']([^\"']+)")


def run(arguments: argparse.Namespace) -> int:
    """Run the notebooks in which the named records are made, which writes them anew; give the exit status."""
    records = find_records(arguments.names)
    os.environ["COURSE_EVIDENCE"] = ",".join(records)
    if arguments.device:
        os.environ["COURSE_DEVICE"] = arguments.device
    if arguments.quick:
        os.environ["COURSE_EVIDENCE_QUICK"] = "1"
        print("A quick look, one seed each: no record is replaced.")
    for notebook in sorted(set(records.values())):
        execute.run_notebook(notebook, save=False)
    if not arguments.quick:
        print("The records are in notebooks/experiments/records; `execute` brings the lectures' outputs up to date.")
    return 0


def find_records(names: Sequence[str]) -> dict[str, Path]:
    """Find where the named records (no names mean all) are measured: name → notebook."""
    known = {}
    for path in [*sorted(NOTEBOOKS.glob("*.ipynb")), *sorted(EXPERIMENTS.glob("*.ipynb"))]:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                known |= dict.fromkeys(MEASURES.findall("".join(cell["source"])), path)
    unknown = [name for name in names if name not in known]
    if unknown or not known:
        listed = "\n  ".join(known) or "nothing"
        raise Stop(f"No notebook measures {', '.join(unknown) or 'anything'}. What is measured:\n  {listed}")
    return {name: known[name] for name in names or known}
