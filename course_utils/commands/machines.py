"""Play other machines on this one: other instructions and numbers of threads, load, order, language, time zone, folder.

``python -m course_utils.commands.machines`` runs every variation, a line each; it takes hours. ``--short`` runs the
numeric tests and the quickest lecture as the weakest processor rounds, on two threads. Names of variations run these.

A test is *numeric* where the last digits of what it computes depend on the processor: each test whose module imports
PyTorch, and those that carry the mark ``numeric`` themselves (tests/conftest.py).
"""

import argparse
import contextlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from course_utils.commands.test import NBVAL, TWO_AT_A_TIME
from course_utils.files import CHECKOUT, LECTURES, RUNS, START
from course_utils.publishing.notebooks import read_runs
from course_utils.refusals import Stop, carry_out

# The instructions that PyTorch's own kernels, oneDNN and MKL may use; without a setting each takes the best it finds.
INSTRUCTIONS = {
    "default": {
        "ATEN_CPU_CAPABILITY": "default",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
        "MKL_CBWR": "COMPATIBLE",
    },
    "avx2": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "MKL_CBWR": "AVX2",
    },
    "best": {},
}
THREADS = (1, 2, 4)
RESTRICTED = {name for settings in INSTRUCTIONS.values() for name in settings}
PYTEST = (sys.executable, "-m", "pytest", "-q")
GLOBALLY = ("--random-order", "--random-order-bucket=global")  # all tests, and not only within their files
LONG = "--nbval-cell-timeout=1200"  # four threads on one core, beside busy processes


@dataclass(frozen=True)
class Variation:
    """Another machine: what its environment says, what it runs, and where.

    ``tests`` is an expression of marks, as pytest's ``-m`` takes it; ``notebooks`` are paths in the checkout.
    """

    name: str
    says: str
    environment: dict[str, str] = field(default_factory=dict)
    tests: str = "numeric and not browser"
    notebooks: Sequence[str] = ("notebooks",)
    busy: int = 0
    shuffled: bool = False
    far: bool = False
    read_only_home: bool = False


def variations() -> list[Variation]:
    """List all machines that are played, the weakest first."""
    machines = [
        Variation(
            f"{name}-{threads}",
            f"{name} instructions, {threads} thread{'s' * (threads > 1)}",
            {**settings, "OMP_NUM_THREADS": str(threads)},
        )
        for name, settings in INSTRUCTIONS.items()
        for threads in THREADS
    ]
    everything = partial(Variation, tests="not browser", notebooks=quickest())
    plain = {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}  # so that open() means ASCII
    return [
        *machines,
        Variation("busy", "beside two processes that never rest", busy=2),
        Variation("shuffled", "tests in random order", tests="not browser", notebooks=(), shuffled=True),
        everything("language", "LANG=C, where text is ASCII unless said otherwise", plain),
        everything("time-zone", "on the other side of the date line", {"TZ": "Pacific/Kiritimati"}),
        everything("home", "a home folder that cannot be written", read_only_home=True),
        everything("folder", "a folder with spaces and Korean letters", far=True),
    ]


def short() -> Variation:
    """Give the one variation that finds most: the weakest processor, two threads, the quickest lecture."""
    weakest = variations()[THREADS.index(2)]
    quick = f"{weakest.tests} and not thorough"
    return Variation("short", f"{weakest.says}, one lecture", weakest.environment, quick, quickest())


def quickest() -> tuple[str, ...]:
    """Give the path of the lecture whose last clean run took the fewest seconds."""
    try:
        seconds = {name: run["seconds"] for name, run in read_runs(RUNS).items()}
    except (Stop, OSError):  # any lecture will do
        seconds = {}
    lecture = min(LECTURES, key=lambda path: seconds.get(path.stem, float("inf")), default=START)
    return (lecture.relative_to(CHECKOUT).as_posix(),)


@dataclass(frozen=True)
class Outcome:
    """What a run of pytest found."""

    passed: int
    failed: tuple[str, ...]
    skipped: int
    output: str


def play(variation: Variation, seed: int) -> list[Outcome]:
    """Run the tests and the notebooks of a variation, and give what each run found."""
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        environment = settings_of(variation, scratch)
        root = copied(scratch / "한국어 강의 attention course") if variation.far else CHECKOUT
        # before what is installed, which is the course in its own folder
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(root), environment.get("PYTHONPATH")]))
        stack.enter_context(busy_processes(variation.busy))
        # a shuffled run is in one process: two would each shuffle its own part
        order = [*GLOBALLY, f"--random-order-seed={seed}"] if variation.shuffled else TWO_AT_A_TIME
        commands = [[*order, "-m", variation.tests, "tests"]]
        if variation.notebooks:
            commands.append([*NBVAL, LONG, *TWO_AT_A_TIME, *variation.notebooks])
        return [run(command, root, environment, scratch / f"{i}.xml") for i, command in enumerate(commands)]


def settings_of(variation: Variation, scratch: Path) -> dict[str, str]:
    """Give the environment of a variation: of the reader's own, what would decide instead of it is left out."""
    environment = {name: value for name, value in os.environ.items() if name not in RESTRICTED}
    environment |= {
        "OMP_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "PASSIVE",  # threads that wait do not keep a core from those that work
        "COURSE_PROGRESS": str(scratch / "progress.json"),
        **variation.environment,
    }
    if variation.read_only_home:
        home = scratch / "home"
        home.mkdir(mode=0o500)
        # nothing is forbidden to root but what the kernel itself refuses
        environment["HOME"] = "/sys" if os.geteuid() == 0 and os.path.isdir("/sys") else str(home)
        # every kernel writes here, by default in the home folder; course.py sees to it by itself
        environment |= {"JUPYTER_RUNTIME_DIR": str(scratch / "jupyter"), "IPYTHONDIR": str(scratch / "ipython")}
    return environment


def copied(folder: Path) -> Path:
    """Copy what git knows or would take into another folder, and give it."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        names = subprocess.run(listed, cwd=CHECKOUT, stdout=subprocess.PIPE, check=True).stdout.decode().split("\0")
    except (OSError, subprocess.CalledProcessError) as error:
        raise Stop(
            f"git, which knows what belongs to the course, does not answer ({error}): install it, or clone."
        ) from None
    for name in filter(None, names):
        if (CHECKOUT / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, target)
    return folder


@contextlib.contextmanager
def busy_processes(number: int) -> Iterator[None]:
    """Keep this many cores busy for a while."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def run(command: Sequence[str], root: Path, environment: dict[str, str], report: Path) -> Outcome:
    """Run pytest in a folder and read its report; a pytest that breaks without one is a failure of its own."""
    line = [*PYTEST, *command, f"--junitxml={report}"]
    ended = subprocess.run(
        line,
        cwd=root,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output = ended.stdout.decode(errors="replace")
    cases = list(xml.etree.ElementTree.parse(report).iter("testcase")) if report.exists() else []
    failed, skipped = [], 0
    for case in cases:
        skipped += case.find("skipped") is not None
        if case.find("failure") is not None or case.find("error") is not None:
            failed.append(f"{case.get('classname')}::{case.get('name')}")
    passed = len(cases) - len(failed) - skipped
    if ended.returncode and not failed:
        failed.append(f"pytest ended with exit status {ended.returncode}")
    return Outcome(passed, tuple(failed), skipped, output)


def tell(variation: Variation, outcomes: Sequence[Outcome], seconds: float, again: str) -> bool:
    """Print a variation's line and, where something failed, what it was and how to run it alone; say if all is well."""
    failed = [name for outcome in outcomes for name in outcome.failed]
    passed, skipped = (sum(getattr(outcome, what) for outcome in outcomes) for what in ("passed", "skipped"))
    counts = f"{passed:,} passed, {len(failed)} failed, {skipped} skipped"
    print(f"{variation.name:10} {'FAILED' if failed else 'ok':7}{seconds:6.0f} s   {counts}   ({variation.says})")
    if failed:
        print(*(outcome.output for outcome in outcomes if outcome.failed), sep="\n")
        print(f"{variation.name}: failed", *failed, f"this variation alone: {again}", sep="\n    ")
    sys.stdout.flush()
    return not failed


def main(command_line: Sequence[str]) -> int:
    """Play the machines that are asked for, and give 1 if something failed on any of them."""
    known = {variation.name: variation for variation in [*variations(), short()]}
    parser = argparse.ArgumentParser(
        prog="python -m course_utils.commands.machines", description="Play other machines."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these of {', '.join(known)}")
    parser.add_argument("--short", action="store_true", help="the weakest processor on two threads, one lecture")
    parser.add_argument("--seed", type=int, help="of the random order (otherwise a new one)")
    arguments = parser.parse_args(command_line)
    if unknown := set(arguments.names) - known.keys():
        parser.error(f"no machine is called {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    names = arguments.names or (["short"] if arguments.short else [name for name in known if name != "short"])
    seed = random.randrange(10**6) if arguments.seed is None else arguments.seed
    fine = True
    for name in names:
        variation = known[name]
        start = time.monotonic()
        outcomes = play(variation, seed)
        again = f"{sys.executable} -m course_utils.commands.machines {name}{f' --seed {seed}' * variation.shuffled}"
        fine &= tell(variation, outcomes, time.monotonic() - start, again)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(carry_out(lambda: main(sys.argv[1:])))
