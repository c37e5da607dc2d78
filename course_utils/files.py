"""Where things lie in the checkout, and how the course writes a file: beside, then renamed, never half."""

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
README = CHECKOUT / "README.md"
CLAIMS = CHECKOUT / "CLAIMS.md"
NOTEBOOKS = CHECKOUT / "notebooks"
EXPERIMENTS = NOTEBOOKS / "experiments"
START = NOTEBOOKS / "00_start_here.ipynb"  # shows a newcomer around; no lecture: no deck, no claim, no row of the table
LECTURES = sorted(path for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb") if path != START)
START_AND_LECTURES = [START, *LECTURES]
EXPERIMENT_NOTEBOOKS = sorted(EXPERIMENTS.glob("[0-9][0-9]_*.ipynb"))  # how each lecture's claims were measured
RUNS = EXPERIMENTS / "runs.json"  # what each lecture's last clean run took, written by course.py execute
PICTURES = NOTEBOOKS / "pictures"  # the signature figures, written by python -m course_utils.publishing.readme


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old one or the new one, never a part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(content)
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
