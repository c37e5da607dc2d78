"""The page for those who outgrow a laptop: its figures follow from the records and from the measured runs."""

import heapq
import json
import re

import pytest

from course_utils.command_line import parse
from course_utils.evidence.record import RECORDS, Record
from course_utils.files import CHECKOUT, RUNS

PAGE = (CHECKOUT / "course_utils" / "publishing" / "site_sources" / "beyond.md").read_text(encoding="utf-8")
MEASURED = [Record.read(path) for path in sorted(RECORDS.glob("*.json"))]


def measures_time(record):
    return any("second" in metric for metrics in record.values.values() for metric in metrics)


def hours(cores):
    """Give how long all records take one after the other, each with its seeds on so many cores."""
    total = 0.0
    for record in MEASURED:
        busy_until = [0.0] * (1 if measures_time(record) else cores)
        for seconds in record.seconds:
            heapq.heapreplace(busy_until, busy_until[0] + seconds)
        total += max(busy_until)
    return total / 3600


def test_hours_are_computed_from_the_seconds_of_the_records():
    said = {
        int(cores): float(told) for cores, told in re.findall(r"^\| (\d+) \| ([\d.]+) \|", PAGE, flags=re.MULTILINE)
    }
    assert set(said) == {1, 2, 16, 64}
    for cores, told in said.items():
        assert told == pytest.approx(hours(cores), rel=0.1), f"{cores} cores: {hours(cores):.1f} hours by the records"


def test_learners_per_machine_follow_from_the_measured_memory():
    lecture, server = map(int, re.search(r"takes (\d+) MiB, and JupyterLab about (\d+) MiB", PAGE).groups())
    peak = max(run["peak_mebibytes"] for run in json.loads(RUNS.read_text(encoding="utf-8")).values())
    assert lecture == pytest.approx(peak, rel=0.05)
    assert f"SERVER = {server} " in (CHECKOUT / ".hub" / "jupyterhub_config.py").read_text(encoding="utf-8")
    system = int(re.search(r"If (\d+) GiB are left to the system", PAGE)[1])
    for learners, memory in re.findall(r"(\d+) (?:learners fit )?into (\d+) GiB", PAGE):
        assert int(learners) == ((int(memory) - system) * 1024) // (lecture + server)


def test_every_command_on_the_page_is_one():
    commands = re.findall(r"^python3 course\.py (.+)$", PAGE, flags=re.MULTILINE)
    assert len(commands) >= 3
    for command in commands:
        assert parse(command.split()).command == command.split()[0]
