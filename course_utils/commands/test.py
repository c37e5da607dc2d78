"""``course.py test``: does the course work here? A line for each stage, and the counts in the last line.

What is *thorough* is left out unless ``--all`` asks for it: whether the tests and checks themselves see everything that
may be handed to them does not depend on a reader's machine (the mark is explained in pyproject.toml).
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from course_utils.commands import end, keep_progress_apart
from course_utils.files import CHECKOUT

PYTEST = (sys.executable, "-m", "pytest")
RUFF = (sys.executable, "-m", "ruff")
# No worker takes the place of one that crashed: it would be handed the files that are done, too, and wait for ever.
TWO_AT_A_TIME = ("-n", "2", "--dist", "loadfile", "--max-worker-restart=0")
IN_ORDER = "--no-loadscope-reorder"  # else files with few tests come last, such as the long one on JupyterLab
PATIENCE = "--nbval-cell-timeout=800"  # the longest takes a minute where nothing else runs; pytest ends any after 900
NBVAL = ("--nbval-lax", "--nbval-current-env", "--nbval-sanitize-with=tests/nbval.cfg")
MACHINES = "course_utils.commands.machines"
LONGEST_SILENCE = 1800  # seconds after which a stage that writes nothing is ended; a test that hangs is ended before
LAST_LINES = 30  # of a stage that did not come to its end


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
        counts = next(_elements(self.report, "testsuite"), None)
        if counts is None:
            return (0, 1, 0) if self.status else (1, 0, 0)
        failed = int(counts.get("failures", 0)) + int(counts.get("errors", 0))
        skipped = int(counts.get("skipped", 0))
        return int(counts.get("tests", 0)) - failed - skipped, max(failed, int(self.status != 0)), skipped

    @property
    def reasons(self) -> Counter[str]:
        """Count the reasons for which tests were skipped."""
        return Counter(element.get("message", "no reason given") for element in _elements(self.report, "skipped"))


@dataclass
class Running:
    """A stage that runs, and the file to which it writes."""

    stage: Stage
    process: subprocess.Popen
    descriptor: int
    heard: float  # when it last wrote
    size: int = 0
    farewell: str = ""

    def silence(self) -> float:
        """Give the seconds since it last wrote."""
        size = os.fstat(self.descriptor).st_size
        if size != self.size:
            self.size, self.heard = size, time.monotonic()
        return time.monotonic() - self.heard

    def written(self) -> str:
        """Read what it has written, without moving the place where it writes."""
        return os.pread(self.descriptor, os.fstat(self.descriptor).st_size, 0).decode(errors="replace")


def _elements(report: Path | None, tag: str) -> Iterator[xml.etree.ElementTree.Element]:
    """Give the elements of a report by their tag; none of one that is not there or was cut off."""
    with contextlib.suppress(OSError, xml.etree.ElementTree.ParseError):
        yield from xml.etree.ElementTree.parse(report or os.devnull).iter(tag)


def run(arguments: argparse.Namespace) -> int:
    """Run the checks, with ``--all`` the thorough ones too, or only pytest with other arguments; give the status."""
    keep_progress_apart()
    os.chdir(CHECKOUT)
    if arguments.rest[:1] == ["--machines"]:
        return show([sys.executable, "-m", MACHINES, *arguments.rest[1:]])
    everything = arguments.rest == ["--all"]
    if arguments.rest and not everything:
        return show([*PYTEST, *arguments.rest])
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        groups = stages(Path(folder), everything)
        for group in groups:
            run_side_by_side(group)
            for stage in group:
                tell(stage)
        if not everything:
            print("\nThorough tests, which prove the checks themselves, are left out: python3 course.py test --all")
        return summarise([stage for group in groups for stage in group], time.monotonic() - start)


def show(command: Sequence[str]) -> int:
    """Run one command with its output in sight, and give its exit status."""
    process = subprocess.Popen(command)
    try:
        return process.wait()
    except BaseException:
        end(process)
        raise


def stages(folder: Path, everything: bool = False) -> list[list[Stage]]:
    """List the checks in order; what stands in one inner list runs at the same time, one process each."""
    which = "" if everything else " and not thorough"

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
        [pytest("unit tests", "-m", f"not browser{which}", *TWO_AT_A_TIME, "tests")],
        [pytest("notebooks", *NBVAL, PATIENCE, *TWO_AT_A_TIME, "notebooks")],
        [pytest("browser", "-m", f"browser{which}", *TWO_AT_A_TIME, IN_ORDER, "tests/browser")],
    ]


def run_side_by_side(group: Sequence[Stage]) -> None:
    """Run stages at the same time, and note for each its exit status, its seconds and what it wrote.

    Where one falls silent, it is ended and has failed; where this process is stopped, the last lines of each are shown.
    """
    start = time.monotonic()
    with contextlib.ExitStack() as open_files:
        waiting = []
        for stage in group:
            file = open_files.enter_context(tempfile.TemporaryFile())
            process = subprocess.Popen(stage.command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT)
            waiting.append(Running(stage, process, file.fileno(), start))
        try:
            while waiting:
                time.sleep(0.1)
                for each in waiting:
                    if each.silence() > LONGEST_SILENCE:
                        end(each.process)
                        each.farewell = f"\nended, for it had written nothing for {LONGEST_SILENCE} s"
                ended = [each for each in waiting if each.process.poll() is not None]
                for each in ended:
                    each.stage.status, each.stage.seconds = each.process.returncode, time.monotonic() - start
                    each.stage.output = each.written() + each.farewell
                waiting = [each for each in waiting if each not in ended]
        except BaseException:
            for each in waiting:
                with contextlib.suppress(OSError):
                    last = "\n".join(each.written().splitlines()[-LAST_LINES:])
                    print(f"\n=== {each.stage.name} did not end; the last that it wrote:\n{last}", flush=True)
                end(each.process)
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
    for case in _elements(report, "testcase"):
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
