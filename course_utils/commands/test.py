"""``course.py test``: every check, a line for each stage, and the counts in the last line."""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from course_utils.commands import end, keep_progress_apart
from course_utils.files import CHECKOUT

PYTEST = (sys.executable, "-m", "pytest")
RUFF = (sys.executable, "-m", "ruff")
TWO_AT_A_TIME = ("-n", "2", "--dist", "loadfile")
IN_ORDER = "--no-loadscope-reorder"  # else files with few tests come last, such as the long one on JupyterLab
NBVAL = ("--nbval-lax", "--nbval-current-env", "--nbval-sanitize-with=tests/nbval.cfg")
MACHINES = "course_utils.commands.machines"


@dataclass
class Stage:
    """One check, and what came of it."""

    name: str
    command: Sequence[str]
    report: Path | None = None  # where pytest writes what it ran
    status: int = 0
    seconds: float = 0.0
    output: str = ""

    @property
    def counts(self) -> tuple[int, int, int]:
        """Count (passed, failed, skipped), from the exit status and, for pytest, its report."""
        if self.report is None or not self.report.exists():
            return (0, 1, 0) if self.status else (1, 0, 0)
        counts = next(xml.etree.ElementTree.parse(self.report).iter("testsuite")).attrib
        failed = int(counts["failures"]) + int(counts["errors"])
        skipped = int(counts["skipped"])
        return int(counts["tests"]) - failed - skipped, max(failed, int(self.status != 0)), skipped

    @property
    def reasons(self) -> Counter[str]:
        """Count the reasons for which tests were skipped."""
        if self.report is None or not self.report.exists():
            return Counter()
        skipped = xml.etree.ElementTree.parse(self.report).iter("skipped")
        return Counter(element.get("message", "no reason given") for element in skipped)


def run(arguments: argparse.Namespace) -> int:
    """Run every check, or, with arguments, only pytest with these; give the exit status."""
    keep_progress_apart()
    os.chdir(CHECKOUT)
    if arguments.rest[:1] == ["--machines"]:
        return show([sys.executable, "-m", MACHINES, *arguments.rest[1:]])
    if arguments.rest:
        return show([*PYTEST, *arguments.rest])
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        groups = stages(Path(folder))
        for group in groups:
            run_side_by_side(group)
            for stage in group:
                tell(stage)
        return summarise([stage for group in groups for stage in group], time.monotonic() - start)


def show(command: Sequence[str]) -> int:
    """Run one command with its output in sight, and give its exit status."""
    process = subprocess.Popen(command)
    try:
        return process.wait()
    except BaseException:
        end(process)
        raise


def stages(folder: Path) -> list[list[Stage]]:
    """List the checks in order; what stands in one inner list runs at the same time, one process each."""

    def pytest(name: str, *command: str) -> Stage:
        report = folder / f"{name.replace(' ', '_')}.xml"
        return Stage(name, [*PYTEST, *command, f"--junitxml={report}"], report)

    def module(name: str, *command: str) -> Stage:
        return Stage(name, [sys.executable, "-m", *command])

    return [
        [
            Stage("lint", [*RUFF, "check", "."]),
            Stage("layout", [*RUFF, "format", "--check", "."]),
            module("types", "mypy"),
        ],
        [module("data", "course_utils.data", "build")],  # all that follows finds it ready
        [module("slides", "course_utils.publishing.slides"), module("site", "course_utils.publishing.site")],
        [pytest("unit tests", "-m", "not browser", *TWO_AT_A_TIME, "tests")],
        [pytest("notebooks", *NBVAL, "--nbval-cell-timeout=300", *TWO_AT_A_TIME, "notebooks")],
        [pytest("browser", "-m", "browser", *TWO_AT_A_TIME, IN_ORDER, "tests/browser")],
    ]


def run_side_by_side(group: Sequence[Stage]) -> None:
    """Run stages at the same time, and note for each its exit status, its seconds and what it wrote."""
    start = time.monotonic()
    with contextlib.ExitStack() as open_files:
        waiting = []
        for stage in group:
            file = open_files.enter_context(tempfile.TemporaryFile())
            process = subprocess.Popen(stage.command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT)
            waiting.append((stage, process, file))
        try:
            while waiting:
                time.sleep(0.1)
                ended = [each for each in waiting if each[1].poll() is not None]
                for stage, process, file in ended:
                    stage.status, stage.seconds = process.returncode, time.monotonic() - start
                    file.seek(0)
                    stage.output = file.read().decode(errors="replace")
                waiting = [each for each in waiting if each not in ended]
        except BaseException:
            for _, process, _ in waiting:
                end(process)
            raise


def tell(stage: Stage) -> None:
    """Print a stage's line, why it skipped what it skipped, and, where it failed, all that it wrote."""
    passed, failed, skipped = stage.counts
    counted = f"   {passed:,} passed, {failed} failed, {skipped} skipped" if stage.report else ""
    print(f"{stage.name:12}{'FAILED' if failed else 'ok':8}{stage.seconds:5.0f} s{counted}", flush=True)
    for reason, count in stage.reasons.most_common():
        print(f"{'':12}{count} skipped: {reason}", flush=True)
    if failed:
        print(f"\n=== {stage.name}: {' '.join(stage.command[2:])}\n{stage.output}", flush=True)


def seconds_per_notebook(report: Path) -> dict[str, float]:
    """Add up the seconds of each notebook's cells, its kernel's start included, by its path below ``notebooks``."""
    seconds: dict[str, float] = {}
    if report.exists():
        for case in xml.etree.ElementTree.parse(report).iter("testcase"):
            dotted = case.get("classname", "")  # the path, with dots for its slashes
            name = dotted.removeprefix("notebooks.").removesuffix(".ipynb").replace(".", "/")
            seconds[name] = seconds.get(name, 0.0) + float(case.get("time", 0))
    return seconds


def summarise(ran: Sequence[Stage], total: float) -> int:
    """Print the seconds of each notebook, the stages, and, as pytest does, the counts in the last line."""
    print()
    for stage in ran:
        if stage.name == "notebooks" and stage.report:
            for notebook, seconds in sorted(seconds_per_notebook(stage.report).items()):
                print(f"{notebook:36}{seconds:6.1f} s")
    counts = [stage.counts for stage in ran]
    words = ["FAILED" if failed else "ok" for _, failed, _ in counts]
    print(" | ".join(f"{stage.name}: {word}" for stage, word in zip(ran, words, strict=True)))
    passed, failed, skipped = map(sum, zip(*counts, strict=True))
    print(f"=== {passed} passed, {failed} failed, {skipped} skipped in {total:.0f}s ===")
    return 1 if failed else 0
