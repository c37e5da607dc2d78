"""What README, decks and site have in common in reading the notebooks."""

import base64
import html
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from course_utils.files import RUNS
from course_utils.refusals import Stop, damaged, read_json

PICTURE = re.compile(r'<img src="data:image/png;base64,([^"]+)" alt="([^"]+)"')


def picture(output: Mapping[str, Any]) -> tuple[str, bytes] | None:
    """Give the description and the PNG of a figure that ``plotting.show`` put on the page; None for other outputs."""
    found = PICTURE.match("".join(output.get("data", {}).get("text/html", "")))
    return (html.unescape(found[2]), base64.b64decode(found[1])) if found else None


def read_runs(path: Path = RUNS) -> dict[str, dict[str, Any]]:
    """Read what each lecture's last clean run took: lecture → seconds, cell_seconds (cell id → s), peak_mebibytes.

    Raises
    ------
    Stop
        If the file is damaged.
    """
    runs = read_json(path)
    for lecture, run in runs.items():
        try:
            numbers = [run["seconds"], run["peak_mebibytes"] or 0, *run.setdefault("cell_seconds", {}).values()]
            whole = all(type(number) in (int, float) for number in numbers)
        except (KeyError, TypeError, AttributeError):
            whole = False
        if not whole:
            raise Stop(damaged(path, f"what it says of {lecture} is no run"))
    return runs
