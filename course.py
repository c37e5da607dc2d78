#!/usr/bin/env python3
"""Starts the course: makes its environment on first use, then runs in it what you ask for.

Standard library only, and no syntax newer than Python 3.8, so that any Python can at least say what is missing.
It prints plain ASCII, so that any terminal can show it.
"""

import argparse
import datetime
import hashlib
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
NOTEBOOKS = ROOT / "notebooks"
FIRST_LECTURE = "notebooks/01_sequence_to_sequence.ipynb"
CONDA_NAME = "attention-course"  # the name in environment.yml
STAMP, UNFINISHED = "course-stamp", "unfinished"
SETTINGS = {  # written into the environment: no warning at each kernel start, no news pop-up
    "etc/ipython/ipython_kernel_config.json": {"IPKernelApp": {"log_level": 40}},
    "share/jupyter/lab/settings/overrides.json": {
        "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}
    },
}

MACHINES = (
    "The course runs on Linux (x86_64 or aarch64, glibc), on Macs with Apple silicon and macOS 14 or newer, and on "
    "Windows inside WSL (in PowerShell: wsl --install; then clone the course in its Ubuntu and start it there)."
)
WAYS = """The course needs Python 3.11 with its venv module: DGL has no build for other versions. This is Python
{version} ({path}), and neither a usable python3.11 nor uv was found.
Any one of these helps; then run the same command again:
  python3.11  Debian, Ubuntu: sudo apt install python3.11 python3.11-venv    macOS: brew install python@3.11
  uv          https://docs.astral.sh/uv/getting-started/installation (it fetches Python 3.11 by itself)
  conda       conda env create -f environment.yml && conda activate attention-course
  WSL         on Windows: wsl --install, and work inside it"""
FAILURES = (  # what a failed step says -> what the reader should know; the first that fits is shown
    (
        r"Errno 28|Errno 122|No space left|[Qq]uota exceeded",
        "The disk is full. The environment takes about 2 GB (7 GB where pip brings PyTorch's GPU libraries), in this "
        "folder and for a while in the folder for temporary files; make room and run the same command again.",
    ),
    (
        r"Errno 30|Errno 13|Read-only file system|[Pp]ermission denied",
        "This folder cannot be written to ({root}). Copy the course to a folder of your own and run it there.",
    ),
    (
        r"NewConnectionError|NameResolution|ConnectTimeout|ReadTimeout|ProxyError|Network is unreachable|SSLError"
        r"|Temporary failure in name resolution|dns error|error sending request",
        "The package index cannot be reached, so the environment is not finished. Connect to the internet (in a "
        "company network: set HTTPS_PROXY, PIP_CERT) and run the same command again; what was downloaded is kept.",
    ),
    (r"No matching distribution|not a supported wheel", "A package has no build for this machine. " + MACHINES),
)


class Stop(Exception):
    """Ends the launcher with one message for the reader."""


def explain(complaint):
    """Turn the words of a failed step into one sentence, or None where they are not known."""
    for pattern, sentence in FAILURES:
        if re.search(pattern, complaint):
            return sentence.format(root=ROOT)
    return None


def wait_for(process):
    """Wait for a child; on Ctrl-C, which reaches it as well, let it end in its own way first."""
    try:
        return process.wait()
    except BaseException:
        try:
            process.wait(timeout=5)
        except BaseException:
            process.terminate()
        raise


# --- the environment -------------------------------------------------------------------------------------------------


def environment_folder():
    """Say where the course's packages live: in .venv, or in the active conda environment made for the course."""
    conda = os.environ.get("CONDA_PREFIX", "")
    if Path(conda).name == CONDA_NAME and not os.path.exists(python_in(VENV)):
        return Path(conda)
    return VENV


def python_in(prefix):
    """Name the environment's Python."""
    return str(prefix / "bin" / "python")


def succeeds(*command):
    """Say whether a command exists and ends well, silently."""
    try:
        return subprocess.call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def venv_command():
    """Find a Python 3.11, or uv, and give the command that makes .venv with it; None where there is neither."""
    candidates = [sys.executable] if sys.version_info[:2] == (3, 11) else []
    if candidates and sys.prefix != sys.base_prefix:  # started from an environment, which may be the one to replace
        candidates.insert(0, os.path.join(sys.base_prefix, "bin", "python3.11"))
    candidates += [os.path.join(folder, "python3.11") for folder in os.get_exec_path()]
    for python in candidates:
        if succeeds(python, "-c", "import ensurepip, sys; sys.exit(sys.version_info[:2] != (3, 11))"):
            return [python, "-m", "venv", str(VENV)]
    if shutil.which("uv"):
        return ["uv", "venv", "--seed", "--allow-existing", "--python", "3.11", str(VENV)]
    return None


def ways():
    """Tell the ways to a Python that the course can use."""
    return WAYS.format(version=platform.python_version(), path=sys.executable)


def unsupported_machine():
    """Say which machines the course runs on, where this is none of them; else None."""
    intel_mac = (sys.platform, platform.machine()) == ("darwin", "x86_64")  # PyTorch stopped building for it
    return MACHINES if os.name == "nt" or intel_mac else None


def expected_stamp(prefix):
    """Hash everything that decides what the environment must hold, its Python, and where the course lies."""
    made_by = prefix / "pyvenv.cfg"
    parts = [LOCK.read_bytes(), (ROOT / "pyproject.toml").read_bytes(), json.dumps(SETTINGS).encode()]
    parts += [made_by.read_bytes() if made_by.exists() else b"", str(ROOT).encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def is_ready(prefix):
    """Say whether the environment was finished, for these very files, and its Python is still there."""
    stamp = prefix / STAMP
    return stamp.exists() and stamp.read_text() == expected_stamp(prefix) and os.path.exists(python_in(prefix))


def make_environment(prefix):
    """Make the environment, or finish, update or replace it; its stamp is written at the very end."""
    import fcntl  # not on Windows, where the course stops before

    start = time.monotonic()
    prefix.mkdir(exist_ok=True)
    with open(str(prefix / STAMP), "a+") as stamp:
        try:
            fcntl.flock(stamp, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another window is installing; waiting until it is done ...", flush=True)
            fcntl.flock(stamp, fcntl.LOCK_EX)
        if is_ready(prefix):
            return
        stamp.seek(0)
        half_made = stamp.read() == UNFINISHED
        usable = succeeds(python_in(prefix), "-c", "import pip, sys; sys.exit(sys.version_info[:2] != (3, 11))")
        if prefix == VENV and (half_made or not usable):
            command = venv_command()
            if command is None:
                raise Stop(ways())
            mark(stamp, UNFINISHED)
            make_empty(prefix, all_but=STAMP)
            install("[1/4] Making .venv", command, prefix)
        mark(stamp, UNFINISHED)
        pip = [python_in(prefix), "-m", "pip", "install", "--no-compile", "--disable-pip-version-check", "--no-input"]
        install("[2/4] Installing the packages", [*pip, "--retries", "2", "-r", str(LOCK)], prefix)
        itself = [*pip, "--quiet", "--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
        install("[3/4] Installing the course itself", itself, prefix)
        print("[4/4] Writing settings", flush=True)
        for name, content in SETTINGS.items():
            (prefix / name).parent.mkdir(parents=True, exist_ok=True)
            (prefix / name).write_text(json.dumps(content, indent=1) + "\n")
        mark(stamp, expected_stamp(prefix))
    print(f"The environment is ready after {time.monotonic() - start:.0f} s.\n", flush=True)


def mark(stamp, content):
    """Write the open stamp anew."""
    stamp.truncate(0)
    stamp.write(content)
    stamp.flush()


def make_empty(folder, all_but):
    """Delete what a folder holds, except one file."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(str(entry))
        elif entry.name != all_but:
            entry.unlink()


def install(step, command, prefix):
    """Run one step of the installation: show its output, count packages, and explain its failure."""
    print(step, "...", flush=True)
    start = time.monotonic()
    done = threading.Event()
    threading.Thread(target=count_packages, args=(prefix, start, done), daemon=True).start()
    with subprocess.Popen(command, cwd=str(ROOT), stderr=subprocess.PIPE, text=True, errors="replace") as process:
        try:
            complaints = process.stderr.read()
        except BaseException:
            process.terminate()
            raise
        finally:
            done.set()
    if process.returncode:
        if shutil.disk_usage(str(ROOT)).free < 50e6:
            complaints += "\nNo space left"  # venv does not pass on why it failed
        words = "\n".join(complaints.splitlines()[-15:])
        raise Stop(explain(complaints) or f"{words}\n\n{step[6:]} failed, as told above. Run the same command again.")
    print(f"      done after {time.monotonic() - start:.0f} s", flush=True)


def count_packages(prefix, start, done):
    """Say every few seconds how many packages are there, because pip is silent while it unpacks."""
    total = len(LOCK.read_text().split())
    packages = "lib/python3.11/site-packages/*.dist-info"
    shown = len(list(prefix.glob(packages)))
    while not done.wait(5):
        there = len(list(prefix.glob(packages)))
        if there > shown + 2:
            shown = there
            print(f"      {min(there, total)} of {total} packages, {time.monotonic() - start:.0f} s", flush=True)


def enter_environment(command_line):
    """Go on inside the environment, made where it is missing: the same command line, run by its Python."""
    if unsupported_machine():
        raise Stop(unsupported_machine())
    prefix = environment_folder()
    if not is_ready(prefix):
        make_environment(prefix)
    for name in ("COURSE_DATA", "COURSE_CACHE"):  # notebooks run in their own folder
        if os.environ.get(name):
            os.environ[name] = os.path.abspath(os.environ[name])
    if not os.path.samefile(sys.prefix, str(prefix)):
        for name in ("PYTHONHOME", "PYTHONPATH"):  # they belong to the Python that was left
            os.environ.pop(name, None)
        sys.stdout.flush()
        os.execv(python_in(prefix), [python_in(prefix), str(ROOT / "course.py"), *command_line])


# --- commands --------------------------------------------------------------------------------------------------------


def lab(arguments):
    """Open the course in JupyterLab."""
    enter_environment(arguments.command_line)
    os.chdir(str(ROOT))
    command = lab_command(arguments)
    os.execv(command[0], command)


def lab_command(arguments):
    """Give JupyterLab's command line: this machine only, token on, first lecture open."""
    command = [sys.executable, "-m", "jupyterlab", "--ip=127.0.0.1", f"--ServerApp.root_dir={ROOT}"]
    command += [f"--LabApp.default_url=/lab/tree/{FIRST_LECTURE}"]
    command += [f"--port={arguments.port}"] if arguments.port else []
    command += ["--no-browser"] if arguments.no_browser else []
    return command + (
        ["--allow-root"] if os.geteuid() == 0 else []
    )  # root needs it; with token and loopback it is safe


def test(arguments):
    """Run every check, or, with arguments, only pytest with these."""
    enter_environment(arguments.command_line)
    keep_progress_apart()
    pytest = [sys.executable, "-m", "pytest"]
    if arguments.rest:
        return run_stage([*pytest, *arguments.rest])
    ruff = [sys.executable, "-m", "ruff"]
    two_at_a_time = ["-n", "2", "--dist", "loadfile"]
    nbval = ["--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=300", *two_at_a_time]
    unmarked, marked = ["-m", "not browser"], ["-m", "browser", *two_at_a_time]
    start = time.monotonic()
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        unit, notebooks, browser = (os.path.join(folder, f"{name}.xml") for name in ("unit", "notebooks", "browser"))
        for name, command, report in (
            ("lint", [*ruff, "check", "."], None),
            ("layout", [*ruff, "format", "--check", "."], None),
            ("data", [sys.executable, "-m", "course_utils.data", "build"], None),
            ("slides", [sys.executable, "-m", "course_utils.publishing.slides"], None),
            ("site", [sys.executable, "-m", "course_utils.publishing.site"], None),
            ("unit tests", [*pytest, *unmarked, "tests", f"--junitxml={unit}"], unit),
            ("notebooks", [*pytest, *nbval, "notebooks", f"--junitxml={notebooks}"], notebooks),
            ("browser", [*pytest, *marked, "tests/browser", f"--junitxml={browser}"], browser),
        ):
            print(f"\n=== {name}: {' '.join(command[2:])}", flush=True)
            outcomes.append((name, *outcome(run_stage(command), report)))
        seconds = seconds_per_notebook(notebooks)
    return summarise(outcomes, seconds, time.monotonic() - start)


def keep_progress_apart():
    """Let what runs from here on neither read nor write the reader's own progress."""
    os.environ["COURSE_PROGRESS"] = os.path.join(tempfile.gettempdir(), f"course-{os.getpid()}", "progress.json")


def run_stage(command):
    """Run one command in the checkout and give its exit status."""
    return wait_for(subprocess.Popen(command, cwd=str(ROOT)))


def outcome(status, report):
    """Count (passed, failed, skipped) of one stage, from its exit status and, for pytest, its report."""
    if report is None or not os.path.exists(report):
        return (0, 1, 0) if status else (1, 0, 0)
    counts = xml.etree.ElementTree.parse(report).getroot().find("testsuite").attrib
    failed = int(counts["failures"]) + int(counts["errors"])
    skipped = int(counts["skipped"])
    return int(counts["tests"]) - failed - skipped, max(failed, int(status != 0)), skipped


def seconds_per_notebook(report):
    """Add up the seconds of each notebook's cells, its kernel's start included."""
    seconds = {}
    if os.path.exists(report):
        for case in xml.etree.ElementTree.parse(report).iter("testcase"):
            notebook = case.get("classname").split(".")[-2]
            seconds[notebook] = seconds.get(notebook, 0.0) + float(case.get("time"))
    return seconds


def summarise(outcomes, seconds, total):
    """Print the seconds of each notebook, the stages, and, as pytest does, the counts in the last line."""
    for notebook in sorted(seconds):
        print(f"{notebook:32}{seconds[notebook]:6.1f} s")
    print(" | ".join(f"{name}: {'FAILED' if failed else 'ok'}" for name, _, failed, _ in outcomes))
    passed, failed, skipped = (sum(row[column] for row in outcomes) for column in (1, 2, 3))
    print(f"=== {passed} passed, {failed} failed, {skipped} skipped in {total:.0f}s ===")
    return 1 if failed else 0


def evidence(arguments):
    """Measure again: run the lectures in which the records are made, which writes them anew."""
    records = find_records(arguments.names)
    enter_environment(arguments.command_line)
    os.environ["COURSE_EVIDENCE"] = ",".join(records)
    if arguments.device:
        os.environ["COURSE_DEVICE"] = arguments.device
    if arguments.quick:
        os.environ["COURSE_EVIDENCE_QUICK"] = "1"
        print("A quick look, one seed each: no record is replaced.")
    for notebook in sorted(set(records.values())):
        run_notebook(notebook, save=False)
    if not arguments.quick:
        print("The records are in notebooks/experiments/records; `execute` brings the lectures' outputs up to date.")
    return 0


def find_records(names):
    """Find where the named records (no names mean all) are measured: name -> notebook."""
    known = {}
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                for name in re.findall(r"\bmeasure\(\s*(?:name\s*=\s*)?[\"']([^\"']+)", "".join(cell["source"])):
                    known[name] = path
    unknown = [name for name in names if name not in known]
    if unknown or not known:
        listed = "\n  ".join(known) or "nothing"
        raise Stop(f"No lecture measures {', '.join(unknown) or 'anything'}. What the lectures measure:\n  {listed}")
    return {name: known[name] for name in names or known}


def execute(arguments):
    """Run lectures from a clean kernel and keep the outputs, as they are committed."""
    notebooks = find_lectures(arguments.lectures)
    enter_environment(arguments.command_line)
    for notebook in notebooks:
        run_notebook(notebook, save=True)
    return 0


def find_lectures(names):
    """Turn `02`, `02_bahdanau_attention` or a path into that lecture's file; no names mean all lectures."""
    lectures = sorted(NOTEBOOKS.glob("*.ipynb"))
    found = []
    for name in names:
        matching = [path for path in lectures if path.stem.startswith(Path(name).stem)]
        if len(matching) != 1:
            listed = ", ".join(path.stem for path in lectures)
            raise Stop(f"No one lecture is meant by {name!r}. There are: {listed or 'none in notebooks/'}.")
        found += matching
    return found or lectures


def run_notebook(path, save):
    """Run a notebook from a clean kernel, showing what its cells print; write it back, whole, only when asked to."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    from course_utils.files import write_atomically

    class Client(NotebookClient):
        def process_message(self, msg, cell, cell_index):
            if msg["msg_type"] == "stream":
                print(msg["content"]["text"], end="", flush=True)
            return super().process_message(msg, cell, cell_index)

    memory = []

    def note_memory(**_cell):
        memory.append(peak_memory(client.km.provisioner.pid))

    keep_progress_apart()
    print(f"\n=== {path.name}", flush=True)
    start = time.monotonic()
    notebook = nbformat.read(str(path), as_version=4)
    client = Client(
        notebook,
        kernel_name="python3",
        timeout=None,
        record_timing=True,  # taken out again below: the file is the same after each run
        on_cell_executed=note_memory,
        coalesce_streams=True,  # of a progress bar only the last state is kept
        resources={"metadata": {"path": str(path.parent)}},
    )
    try:
        client.execute()
    except Exception as error:
        if hasattr(client, "_async_cleanup_kernel_future"):  # nbclient has it after Ctrl-C only
            raise KeyboardInterrupt from None
        if not isinstance(error, (CellExecutionError, DeadKernelError)):
            raise
        raise Stop(f"{error}\n{path.name} did not run to its end; the file is as it was.") from None
    if save:
        cells = take_seconds(notebook)
        write_atomically(path, f"{nbformat.writes(notebook)}\n".encode())
        note_run(path, round(time.monotonic() - start), cells, memory[-1] if memory else None)
    print(f"=== {path.name}: {time.monotonic() - start:.0f} s", flush=True)


def take_seconds(notebook):
    """Take the times out of a notebook that was run, and give the whole seconds of each cell that took one or more."""
    seconds = {}
    for cell in notebook.cells:
        times = cell.metadata.pop("execution", {})
        if "shell.execute_reply" in times:
            end, start = (
                datetime.datetime.fromisoformat(times[name].replace("Z", "+00:00"))
                for name in ("shell.execute_reply", "iopub.execute_input")
            )
            seconds[cell["id"]] = int((end - start).total_seconds())
    return {name: taken for name, taken in seconds.items() if taken}


def note_run(path, seconds, cell_seconds, mebibytes):
    """Keep beside a notebook what its last clean run took; README and the speaker's notes of the slides tell it."""
    from course_utils.files import write_atomically

    beside = path.parent / "experiments" / "runs.json"
    runs = json.loads(beside.read_text(encoding="utf-8")) if beside.exists() else {}
    runs[path.stem] = {"seconds": seconds, "cell_seconds": cell_seconds, "peak_mebibytes": mebibytes}
    write_atomically(beside, f"{json.dumps(runs, indent=1, sort_keys=True)}\n".encode())


def peak_memory(pid):
    """Give the most memory that a process held at once, in mebibytes, where the system tells (Linux); else None."""
    try:
        status = Path("/proc", str(pid), "status").read_text()
    except OSError:
        return None
    return round(int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) / 1024)


def progress(arguments):
    """Show, export or reset which exercises are solved."""
    return pass_on(arguments, "course_utils.exercises.progress")


def handout(arguments):
    """Write the lectures without solutions, for a class."""
    return pass_on(arguments, "course_utils.exercises.classroom", "handout")


def grade(arguments):
    """Run the checks on returned notebooks and write a table."""
    return pass_on(arguments, "course_utils.exercises.classroom", "grade")


def data(arguments):
    """List, fetch or verify the public data sets."""
    return pass_on(arguments, "course_utils.data")


def slides(arguments):
    """Make a slide deck of each lecture."""
    return pass_on(arguments, "course_utils.publishing.slides")


def site(arguments):
    """Build the course as a static site."""
    return pass_on(arguments, "course_utils.publishing.site")


def pass_on(arguments, *module):
    """Run a module of the course with what follows the command, in the folder in which the reader stands."""
    enter_environment(arguments.command_line)
    return wait_for(subprocess.Popen([sys.executable, "-m", *module, *arguments.rest]))


def doctor(arguments):
    """Look at everything the course stands on, and say for each problem what to do."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # so that `doctor | head` ends quietly
    problems = 0
    for subject, finding, stops, advice in look():
        sign = "ok" if not advice else "!!" if stops else " -"
        print(f"{sign} {subject:15}{finding}")
        if advice:
            print("     -> " + advice.replace("\n", "\n        "))
        sys.stdout.flush()
        problems += bool(advice and stops)
    print(f"{problems} problem(s) to solve first." if problems else "Nothing stands in the way.")
    return 1 if problems else 0


def look():
    """Give (subject, finding, whether it stops the course, what to do or None) for one thing after the other."""
    yield "machine", f"{platform.system()} {platform.machine()}", True, unsupported_machine()
    if unsupported_machine():
        return
    prefix = environment_folder()
    ready = is_ready(prefix)
    yield "Python", platform.python_version(), True, None if ready or venv_command() else ways()
    if ready:
        yield "environment", f"{prefix} is ready", False, None
        yield from look_inside(prefix)
    else:
        state = (
            "is not finished, or older than this checkout" if os.path.exists(python_in(prefix)) else "is not made yet"
        )
        yield "environment", f"{prefix} {state}", False, "python3 course.py lab makes it (a minute or more)."
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield "cores", str(cores), False, None if cores > 1 else "Everything runs, in about twice the time."
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    advice = None if memory > 3.5 else "Close other programs, and keep one lecture open at a time."
    yield "memory", f"{memory:.1f} GB", False, advice
    free, needed = shutil.disk_usage(str(ROOT)).free / 1e9, 0.5 if ready else 3.0
    yield "disk", f"{free:.1f} GB free", True, None if free > needed else f"Make room: {needed} GB are needed here."
    writable = os.access(str(ROOT), os.W_OK)
    advice = None if writable else explain("Read-only file system")
    yield "folder", f"{ROOT} is {'' if writable else 'not '}writable", True, advice
    yield from look_for_data()


def look_inside(prefix):
    """Compare the main packages with the lock, and import torch and dgl as the lectures do."""
    again = f"Delete {prefix} and run python3 course.py lab."
    pinned = dict(line.split("==") for line in LOCK.read_text().split())
    for name in ("torch", "dgl", "numpy", "scipy", "matplotlib", "jupyterlab"):
        found = last_line(prefix, f"import importlib.metadata as m; print(m.version({name!r}))")
        same = found.split("+")[0] == pinned[name]
        yield name, found, True, None if same else f"The course pins {pinned[name]}. {again}"
    for name in ("torch", "dgl"):
        words = last_line(prefix, f"import {name}; print('works')")
        yield f"import {name}", words, True, None if words == "works" else again


def last_line(prefix, code):
    """Run a line of code with the environment's Python and give the last line it writes, be it an error."""
    command = [python_in(prefix), "-c", code]
    process = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    return (process.stdout.strip().splitlines() or [f"no answer, exit status {process.returncode}"])[-1]


def look_for_data():
    """Say of each data set in the registry where its files lie; lectures run without them."""
    own = os.environ.get("COURSE_DATA")
    if own and not os.path.isdir(own):
        yield "COURSE_DATA", own, True, "There is no such folder: correct it, or unset COURSE_DATA."
    cache = Path(os.environ.get("COURSE_CACHE") or ROOT / "datasets" / "cache")
    folders = [cache / "downloads", Path(own or cache)]
    for name, entry in json.loads((ROOT / "datasets" / "registry.json").read_text(encoding="utf-8")).items():
        there = [any((folder / file["file"]).is_file() for folder in folders) for file in entry["files"]]
        advice = "Lectures run without it; it is downloaded when a recorded result is measured again."
        yield name, f"{sum(there)} of {len(there)} files are here", False, None if all(there) else advice


# --- the command line ------------------------------------------------------------------------------------------------


# these read the rest of their command line themselves
PASSED_ON = [[name] for name in ("progress", "handout", "grade", "slides", "site", "data")]


def parse(command_line):
    """Read the command line; what follows `test` belongs to pytest, and what follows PASSED_ON to another module."""
    parser = argparse.ArgumentParser(
        prog="course.py",
        description="The attention course. The first use makes its environment in .venv.",
        epilog="python3 course.py COMMAND --help tells more.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(run, says, **options):
        command = commands.add_parser(run.__name__, help=says, description=says, **options)
        command.set_defaults(run=run)
        return command

    opened = add(lab, "open the course in JupyterLab, on the first lecture")
    opened.add_argument("--no-browser", action="store_true", help="only print the address")
    opened.add_argument("--port", type=int, help="listen on this port (otherwise 8888 or the next free one)")
    says = "check everything: lint, unit tests, all notebooks; with arguments (test -k mask) only pytest with these"
    add(test, says, usage="course.py test [pytest arguments ...]")
    measured = add(evidence, "measure again what the claims stand on, from clean kernels, and write the records")
    measured.add_argument("names", nargs="*", metavar="RECORD", help="as in experiments/records (otherwise all)")
    measured.add_argument(
        "--device", help="where the translation of Multi30k trains, such as cuda (otherwise, and all else, on the CPU)"
    )
    measured.add_argument("--quick", action="store_true", help="one seed each, as a trial; replaces no record")
    executed = add(execute, "for contributors: run lectures from a clean kernel and keep the outputs")
    executed.add_argument("lectures", nargs="*", metavar="LECTURE", help="such as 02 (otherwise all)")
    add(progress, "show which exercises are solved; --export FILE, --reset")
    add(handout, "for a class: write the lectures without solutions into a folder")
    add(grade, "for a class: run the checks on the notebooks in a folder and write a table")
    add(data, "the public data sets: data list, data fetch NAME, data verify")
    add(slides, "make a slide deck of each lecture; --open shows it")
    add(site, "build the course as a static site; --open shows it")
    add(doctor, "say what is here, what is missing, and what to do")

    command, rest = command_line[:1], command_line[1:]
    passed_on = command in PASSED_ON or (command == ["test"] and rest != ["--help"])
    arguments = parser.parse_args(command if passed_on else command_line)
    arguments.rest = rest if passed_on else []
    arguments.command_line = command_line
    return arguments


def main(command_line):
    """Run one command and give the exit status."""
    arguments = parse(command_line)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.environ.update(DGLBACKEND="pytorch", JUPYTER_PREFER_ENV_PATH="1", PYTHONNOUSERSITE="1")
    # One thread gives the numbers that are committed, and on a shared machine threads that wait for each other crawl.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        return arguments.run(arguments)
    except Stop as stop:
        print(f"\n{stop}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on, or begins anew.", file=sys.stderr)
        return 130
    except OSError as error:
        sentence = explain(str(error))
        if sentence is None:
            raise
        print(f"\n{sentence}\n({error})", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
