#!/usr/bin/env python3
"""Starts the course: finds or makes its environment, explains what stands in the way, and hands over.

What a command does is in course_utils/commands and runs inside the environment; three files there, and
course_utils/command_line.py, are read from here, before there is one. Standard library only, no syntax that Python 2.7
could not read, so that any Python can at least say in one sentence what is needed; plain ASCII, so that any terminal
can show it.
"""

from __future__ import print_function

import signal
import sys

INTERRUPT = signal.getsignal(signal.SIGINT)
if __name__ == "__main__" and callable(INTERRUPT):
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a traceback until main can say a word
if sys.version_info < (3, 7):
    sys.exit(
        "The course needs Python 3.11 or 3.12, or one from 3.8 on that can fetch it; this is Python %d.%d (%s), which "
        "is too old: install a newer python3 and start the course with it." % (sys.version_info[:2] + (sys.executable,))
    )

import hashlib
import json
import os
import platform
import runpy
import shutil
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
UV = ROOT / ".uv" / "bin" / "uv"  # fetched where neither a fitting Python nor uv is found
LOCK = ROOT / "requirements.lock"
CONDA_NAME = "attention-course"  # the name in environment.yml
PYTHONS = ((3, 11), (3, 12))
FITS = "import ensurepip, sys; sys.exit(sys.version_info[:2] not in %r)" % (PYTHONS,)
CPU_WHEELS = "https://download.pytorch.org/whl/cpu"
STAMP, UNFINISHED = "course-stamp", "unfinished"
SETTINGS = {  # written into the environment: no warning at each kernel start, no news pop-up, no advertisement
    "etc/ipython/ipython_kernel_config.json": {"IPKernelApp": {"log_level": 40}},
    "etc/jupyter/jupyter_server_config.d/nbclassic.json": {"ServerApp": {"jpserver_extensions": {"nbclassic": False}}},
    "share/jupyter/lab/settings/overrides.json": {
        "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}
    },
}
# DGL 2.1, the only one for Python 3.12, imports its graphbolt, whose library exists for no recent PyTorch and which the
# course does not use. Each start of the environment's Python puts an empty module in its place, before any import.
GRAPHBOLT = (
    'import sys, types; sys.modules.setdefault("dgl.graphbolt", types.ModuleType("dgl.graphbolt"))'
    " if sys.version_info >= (3, 12) else None\n"
)
OF_ANOTHER_PYTHON = ("PYTHONHOME", "PYTHONPATH", "PYTHONOPTIMIZE", "PYTHONSTARTUP")
PARTS = ROOT / "course_utils" / "commands"
if not (PARTS / "advice.py").exists():
    sys.exit("%s is one file of the course: clone the whole repository and start it there." % __file__)


def part(name):
    """Give what a file of course_utils/commands defines; the package itself needs the environment."""
    return runpy.run_path(str(PARTS / (name + ".py")))


ADVICE = part("advice")
MACHINES = ADVICE["MACHINES"]


class Stop(Exception):
    """Ends the launcher with one message for the reader."""


# --- a Python for the environment ------------------------------------------------------------------------------------


def succeeds(*command, **limits):
    """Say whether a command exists and ends well, and in time where there is a limit (timeout=seconds); silently."""
    try:
        return subprocess.call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **limits) == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def fitting_python():
    """Find a Python that the environment can be made with: this one, or one on the PATH; None where there is none."""
    names = ["python%d.%d" % version for version in PYTHONS]
    candidates = [sys.executable] if sys.version_info[:2] in PYTHONS else []
    if candidates and sys.prefix != sys.base_prefix:  # started from an environment, which may be the one to replace
        candidates.insert(0, os.path.join(sys.base_prefix, "bin", "python%d.%d" % sys.version_info[:2]))
    candidates += [os.path.join(folder, name) for name in names for folder in os.get_exec_path()]
    return next((python for python in candidates if succeeds(python, "-c", FITS)), None)


def working_uv():
    """Find uv on the PATH, or where the course fetched it; None where it is missing or, half fetched, does not run."""
    return next((uv for uv in (shutil.which("uv"), str(UV)) if uv and succeeds(uv, "--version")), None)


def no_way():
    """Say why no Python for the environment can be found or fetched, and what to do; None where one can."""
    if fitting_python() or working_uv():
        return None
    told = {"version": platform.python_version(), "path": sys.executable}
    if sys.version_info < (3, 8):
        return ADVICE["TOO_OLD"].format(**told)
    can_fetch = any(succeeds(sys.executable, "-c", "import " + module) for module in ("pip", "ensurepip"))
    return None if can_fetch else ADVICE["NO_WAY"].format(**told)


def make_venv(prefix):
    """Make .venv: with a fitting Python, or else with uv, which brings one and is fetched where it is missing."""
    python = fitting_python()
    if python:
        install("[1/4] Making .venv", [python, "-m", "venv", str(prefix)], prefix)
        return
    if not working_uv():
        folder = str(UV.parent.parent)
        pip = [sys.executable, "-m", "pip"]
        into = ["--upgrade", "--target", folder]
        if not succeeds(*(pip + ["--version"])):  # Debian packs pip apart, but ensurepip with venv
            install("[1/4] No Python 3.11 or 3.12 here: preparing to fetch it", [sys.executable, "-m", "venv", folder])
            pip, into = [os.path.join(folder, "bin", "python"), "-m", "pip"], ["--force-reinstall"]
        quietly = ["install", "--quiet", "--disable-pip-version-check", "--no-input", "--retries", "2"]
        install("[1/4] No Python 3.11 or 3.12 here: fetching uv, which brings one", pip + quietly + into + ["uv"])
    wanted = os.environ.get("UV_PYTHON") or "3.11"
    command = [
        working_uv() or str(UV),
        "venv",
        "--quiet",
        "--seed",
        "--allow-existing",
        "--python",
        wanted,
        str(prefix),
    ]
    install("[1/4] Making .venv with uv", command, prefix)
    if not succeeds(python_in(prefix), "-c", FITS):
        raise Stop("uv made .venv with a Python that does not fit (UV_PYTHON is %r): unset UV_PYTHON." % wanted)


# --- the environment -------------------------------------------------------------------------------------------------


def environment_folder():
    """Say where the course's packages lie: in .venv, or in the active conda environment made for the course."""
    conda = os.environ.get("CONDA_PREFIX", "")
    if Path(conda).name == CONDA_NAME and not os.path.exists(python_in(VENV)):
        return Path(conda)
    return VENV


def python_in(prefix):
    """Name the environment's Python."""
    return str(prefix / "bin" / "python")


def unsupported_machine():
    """Say which machines the course runs on, where this is none of them; else None."""
    intel_mac = (sys.platform, platform.machine()) == ("darwin", "x86_64")  # PyTorch stopped building for it
    return MACHINES if os.name == "nt" or intel_mac else None


def in_the_way(prefix):
    """Say what is in the environment's place that is none and cannot become one; else None."""
    if prefix != VENV and not can_be_filled(prefix):
        return "%s has no Python 3.11 or 3.12 with pip: make it with conda env create -f environment.yml." % prefix
    if prefix.is_dir() or not os.path.lexists(str(prefix)):
        return None
    return "%s is a file or a broken link, where the course's folder of packages belongs: move it away." % prefix


def expected_stamp(prefix):
    """Hash everything that decides what the environment must hold, its Python, and where the course lies."""
    made_by = prefix / "pyvenv.cfg"
    parts = [LOCK.read_bytes(), (ROOT / "pyproject.toml").read_bytes(), json.dumps(SETTINGS).encode()]
    parts += [GRAPHBOLT.encode(), made_by.read_bytes() if made_by.exists() else b"", str(ROOT).encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def is_ready(prefix):
    """Say whether the environment was finished, for these very files, and its Python is still there."""
    stamp = prefix / STAMP
    if not stamp.is_file() or stamp.read_bytes() != expected_stamp(prefix).encode():
        return False
    return os.path.exists(python_in(prefix))


def can_be_filled(prefix):
    """Say whether the environment has a Python that fits and its pip, so that it need not be made anew."""
    return succeeds(python_in(prefix), "-c", "import pip; " + FITS)


def make_environment(prefix):
    """Make the environment, or finish, update or replace it; its stamp is written at the very end."""
    import fcntl  # not on Windows, where the course stops before

    start = time.monotonic()
    if in_the_way(prefix):
        raise Stop(in_the_way(prefix))
    prefix.mkdir(exist_ok=True)
    with open(str(prefix / STAMP), "a+", encoding="utf-8", errors="replace") as stamp:
        try:
            fcntl.flock(stamp, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another window is installing; waiting until it is done ...", flush=True)
            fcntl.flock(stamp, fcntl.LOCK_EX)
        if is_ready(prefix):
            return
        stamp.seek(0)
        half_made = stamp.read() == UNFINISHED
        anew = prefix == VENV and (half_made or not can_be_filled(prefix))
        if anew and no_way():
            raise Stop(no_way())
        wheels = pytorch_wheels()  # asked before anything changes
        mark(stamp, UNFINISHED)
        if anew:
            make_empty(prefix, all_but=STAMP)
            make_venv(prefix)
        pip = [python_in(prefix), "-m", "pip", "install", "--no-compile", "--disable-pip-version-check", "--no-input"]
        packages = ["--retries", "2", "-r", str(LOCK)] + wheels
        install("[2/4] Installing the packages", pip + packages, prefix)
        itself = ["--quiet", "--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
        install("[3/4] Installing the course itself", pip + itself, prefix)
        print("[4/4] Writing settings", flush=True)
        for name, content in SETTINGS.items():
            (prefix / name).parent.mkdir(parents=True, exist_ok=True)
            (prefix / name).write_text(json.dumps(content, indent=1) + "\n")
        for folder in prefix.glob("lib/python3.*/site-packages"):
            (folder / "course-graphbolt.pth").write_text(GRAPHBOLT)
        # compiled now: the first lesson starts sooner, and DGL's own syntax warnings are seen by nobody
        succeeds(python_in(prefix), "-W", "ignore", "-c", "import dgl")
        mark(stamp, expected_stamp(prefix))
    print("The environment is ready after %.0f s.\n" % (time.monotonic() - start), flush=True)


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


def pytorch_wheels():
    """Give pip's option for PyTorch without its 4 GB for NVIDIA cards, on a Linux that has none; else nothing."""
    wanted = os.environ.get("COURSE_TORCH", "")
    if wanted not in ("", "cpu", "gpu"):
        raise Stop("COURSE_TORCH is cpu or gpu, not %r; unset, it is gpu where an NVIDIA card is found." % wanted)
    card = any(
        os.path.exists(path) for path in ("/dev/nvidia0", "/proc/driver/nvidia/version", "/usr/lib/wsl/lib/nvidia-smi")
    )
    if sys.platform != "linux" or (wanted or ("gpu" if card else "cpu")) == "gpu":
        return []
    if answers(CPU_WHEELS + "/torch/"):
        return ["--extra-index-url", CPU_WHEELS]
    # a certificate of a company, a proxy, no network: the package index remains
    print(
        "download.pytorch.org does not answer: PyTorch may come with its libraries for NVIDIA cards, 4 GB more.",
        flush=True,
    )
    return []


def answers(address, seconds=5):
    """Say whether an address answers soon; asked by a process of its own, since looking up a name knows no limit."""
    ask = "import sys, urllib.request as web; web.urlopen(web.Request(sys.argv[1], method='HEAD'))"
    return succeeds(sys.executable, "-c", ask, address, timeout=seconds)


def install(step, command, prefix=None):
    """Run one step of the installation: a line tells how far it is, a file keeps the rest, a failure is explained."""
    failure = part("steps")["run"](step, command, prefix or VENV, LOCK, ROOT)
    if failure:
        raise Stop(failure)


def hand_over(command_line):
    """Go on inside the environment, made where it is missing: the same command line, run by its Python."""
    if unsupported_machine():
        raise Stop(unsupported_machine())
    prefix = environment_folder()
    if not is_ready(prefix):
        make_environment(prefix)
    sys.stdout.flush()
    # Ctrl-C waits until the command is there to say a word (refusals.carry_out lets it through)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    # -P: a file of the reader's folder that is named like a module must not take its place
    os.execv(python_in(prefix), [python_in(prefix), "-P", "-m", "course_utils.commands"] + command_line)


# --- the start -------------------------------------------------------------------------------------------------------


def settle_environment_variables():
    """Set for all that follows what the course counts on."""
    os.environ.update(DGLBACKEND="pytorch", JUPYTER_PREFER_ENV_PATH="1", PYTHONNOUSERSITE="1")
    # One thread gives the numbers that are committed, and on a shared machine threads that wait for each other crawl.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for name in OF_ANOTHER_PYTHON:
        os.environ.pop(name, None)
    for name in ("COURSE_DATA", "COURSE_CACHE"):  # notebooks run in their own folder
        if os.environ.get(name):
            os.environ[name] = os.path.abspath(os.path.expanduser(os.environ[name]))


def main(command_line):
    """Check the command line, then run it in the environment; give the exit status."""
    if sys.stdout is None:  # started with its output closed
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    command_line = list(command_line)
    try:
        signal.signal(signal.SIGINT, INTERRUPT)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        command = part("../command_line")["parse"](command_line).command
        settle_environment_variables()
        if command == "doctor":
            return part("first_look")["doctor"](sys.modules[__name__])
        return hand_over(command_line)
    except Stop as stop:
        print("\n%s" % stop, file=sys.stderr)
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on, or begins anew.", file=sys.stderr)
        return 130
    except OSError as error:
        sentence = ADVICE["explain"](str(error), ROOT) if error.filename else ADVICE["OUTPUT_FULL"]
        if sentence is None:
            raise
        if not error.filename:  # nor will it take what is still to be written at the end
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        print("\n%s\n(%s)" % (sentence, error), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
