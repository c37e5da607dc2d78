"""The launcher: what it decides, what it tells the reader, and that nothing half-made is taken for whole.

No test makes a real environment or asks the network: installing is replaced by a step that leaves what it would leave.
"""

import errno
import http.server
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import pytest

import course

SOURCE = Path(course.__file__).read_text(encoding="utf-8")
PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
OTHER_PYTHONS = sorted(
    str(path) for path in (*PYENV.glob("*/bin/python"), *Path("/usr/bin").glob("python[23].[0-9]*[0-9]"))
)


@pytest.fixture(autouse=True)
def _leave_the_process_as_it_was(monkeypatch):
    for name in ("CONDA_PREFIX", "COURSE_DATA", "COURSE_CACHE", "COURSE_TORCH", "UV_PYTHON", *course.OF_ANOTHER_PYTHON):
        monkeypatch.delenv(name, raising=False)
    with mock.patch.dict(os.environ):
        yield


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """Give a small checkout of its own to the launcher."""
    (tmp_path / "requirements.lock").write_text("dgl==1.1.3\ntorch==2.13.0\n", encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    monkeypatch.setattr(course, "ROOT", tmp_path)
    monkeypatch.setattr(course, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(course, "UV", tmp_path / ".uv" / "bin" / "uv")
    monkeypatch.setattr(course, "LOCK", tmp_path / "requirements.lock")
    return tmp_path


class Installer:
    """Stands for the installation: remembers its steps and leaves a Python that works."""

    def __init__(self):
        self.steps = []
        self.commands = []
        self.fail_at = None

    def __call__(self, step, command, prefix=None):
        number = step[1]
        self.steps.append(number)
        self.commands.append(command)
        prefix = prefix or course.VENV
        if number == "1" and str(prefix) in command:
            (prefix / "bin").mkdir(parents=True)
            (prefix / "bin" / "python").symlink_to(sys.executable)
            (prefix / "pyvenv.cfg").write_text("version = 3.11.7\n", encoding="utf-8")
        (prefix / f"left-by-step-{number}").touch()
        if number == self.fail_at:
            raise KeyboardInterrupt


@pytest.fixture
def installer(monkeypatch):
    monkeypatch.setattr(course, "install", installer := Installer())
    monkeypatch.setattr(course, "pytorch_wheels", lambda: [])
    return installer


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a command line as the shell would, but stay in this process; give its status and what it wrote."""

    monkeypatch.setattr(course.signal, "signal", lambda *_: None)
    monkeypatch.setattr(course.signal, "pthread_sigmask", lambda *_: None)
    monkeypatch.setattr(course.os, "execv", mock.Mock(side_effect=AssertionError("would leave this process")))

    def run(*command_line):
        status = course.main(list(command_line))
        written = capsys.readouterr()
        return SimpleNamespace(status=status, out=written.out, err=written.err)

    return run


@pytest.fixture
def only_another_python(checkout, monkeypatch):
    """Hide every Python that fits, and uv."""
    monkeypatch.setattr(course.sys, "version_info", (3, 13, 0))
    monkeypatch.setattr(course.platform, "python_version", lambda: "3.13.0")
    monkeypatch.setenv("PATH", str(checkout))


# --- any Python can start it ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("python", OTHER_PYTHONS)
def test_each_python_starts_the_launcher_or_says_in_one_sentence_what_is_needed(python, tmp_path):
    version = subprocess.run([python, "-c", "import sys; print(sys.version_info[:2] >= (3, 7))"], capture_output=True)
    told = subprocess.run([python, course.__file__, "--help"], cwd=tmp_path, capture_output=True, text=True)
    if version.stdout.strip() == b"True":
        assert told.returncode == 0
        assert "doctor" in told.stdout
    else:
        assert told.returncode == 1
        (sentence,) = told.stderr.splitlines()
        assert sentence.startswith("The course needs Python 3.11 or 3.12")


def test_the_launcher_is_written_so_that_python_2_could_read_it():
    # Where no such Python is at hand, these tell at least the usual ways in which it could not.
    assert not re.search(r"\bf[\"']|:=|from None|\bnonlocal\b|\[\*|, \*[a-z]", SOURCE)
    assert "from __future__ import print_function" in SOURCE


def test_the_launcher_imports_nothing_but_the_standard_library():
    imported = re.findall(r"^\s*(?:import|from) (\w+)", SOURCE, re.MULTILINE)
    assert "subprocess" in imported
    assert set(imported) <= sys.stdlib_module_names


def test_the_launcher_prints_plain_ascii():
    assert SOURCE.isascii()


def test_a_python_that_can_fetch_nothing_is_told_the_one_package_to_install(only_another_python, run, monkeypatch):
    asked = []
    monkeypatch.setattr(course, "succeeds", lambda *command, **limits: asked.append(command[-1]))
    result = run("lab")
    assert result.status == 1
    assert len(result.err.strip().splitlines()) == 1
    assert result.out == ""
    assert "3.13.0" in result.err
    assert "sudo apt install python3-venv" in result.err
    assert {"import pip", "import ensurepip"} <= set(asked)
    assert not course.is_ready(course.VENV)


def test_a_python_too_old_to_fetch_uv_is_told_the_other_ways(only_another_python, run, monkeypatch):
    monkeypatch.setattr(course.sys, "version_info", (3, 7, 16))
    result = run("lab")
    assert result.status == 1
    for way in ("python3.11-venv", "python3.12-venv", "brew install", "conda env create"):
        assert way in result.err


@pytest.mark.parametrize("name", ["python3.11", "python3.12"])
def test_a_python_that_does_not_work_is_passed_over_for_the_next_on_the_path(name, tmp_path, monkeypatch):
    broken, good = tmp_path / "shims", tmp_path / "bin"
    for folder in (broken, good):
        folder.mkdir()
    (broken / name).write_text("#!/bin/sh\nexit 127\n", encoding="utf-8")
    (broken / name).chmod(0o755)
    (good / name).symlink_to(sys.executable)
    monkeypatch.setattr(course.sys, "version_info", (3, 13, 0))
    monkeypatch.setenv("PATH", f"{broken}:{good}")
    assert course.fitting_python() == str(good / name)


def test_uv_makes_the_environment_where_no_python_fits(only_another_python, checkout, installer):
    (checkout / "uv").write_text("#!/bin/sh\n", encoding="utf-8")
    (checkout / "uv").chmod(0o755)
    course.make_environment(course.VENV)
    command = installer.commands[0]
    assert command[:2] == [str(checkout / "uv"), "venv"]
    assert command[command.index("--python") + 1] == "3.11"
    assert "--seed" in command  # the launcher goes on with pip
    assert course.is_ready(course.VENV)


@pytest.mark.parametrize("pip_is_here", [True, False])
def test_uv_is_fetched_into_a_folder_of_the_course_with_pip_or_else_with_ensurepip(
    pip_is_here, only_another_python, checkout, installer, monkeypatch
):
    works = course.succeeds
    monkeypatch.setattr(course, "succeeds", lambda *c: pip_is_here if c[-2:] == ("pip", "--version") else works(*c))
    monkeypatch.setenv("UV_PYTHON", "/opt/python3.11")
    course.make_environment(course.VENV)
    folder = str(checkout / ".uv")
    *before, fetch, make = installer.commands[: installer.steps.index("2")]
    if pip_is_here:
        assert before == []
        assert fetch[:4] == [sys.executable, "-m", "pip", "install"]
        assert fetch[fetch.index("--target") + 1] == folder
    else:
        assert before == [[sys.executable, "-m", "venv", folder]]
        assert fetch[:4] == [f"{folder}/bin/python", "-m", "pip", "install"]
        assert "--target" not in fetch
    assert fetch[-1] == "uv"
    assert make[:2] == [f"{folder}/bin/uv", "venv"]
    assert make[make.index("--python") + 1] == "/opt/python3.11"
    assert course.is_ready(course.VENV)


def test_a_uv_that_was_fetched_by_half_is_fetched_again(only_another_python, checkout, installer):
    course.UV.parent.mkdir(parents=True)
    course.UV.write_bytes(b"")
    course.UV.chmod(0o755)
    course.make_environment(course.VENV)
    assert [command[-1] for command in installer.commands].count("uv") == 1


@pytest.mark.parametrize(
    ("system", "platform", "machine", "supported"),
    [
        ("nt", "win32", "AMD64", False),
        ("posix", "darwin", "x86_64", False),
        ("posix", "darwin", "arm64", True),
        ("posix", "linux", "x86_64", True),
    ],
)
def test_windows_and_intel_macs_are_told_where_the_course_runs(system, platform, machine, supported, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(course.os, "name", system)
        patch.setattr(course.sys, "platform", platform)
        patch.setattr(course.platform, "machine", lambda: machine)
        told = course.unsupported_machine()
    assert told == (None if supported else course.MACHINES)
    assert "wsl --install" in course.MACHINES
    assert "Apple silicon" in course.MACHINES


def test_nothing_is_made_on_a_machine_that_is_not_supported(checkout, installer, run, monkeypatch):
    monkeypatch.setattr(course, "unsupported_machine", lambda: course.MACHINES)
    result = run("lab")
    assert result.status == 1
    assert course.MACHINES in result.err
    assert not course.VENV.exists()


# --- the environment --------------------------------------------------------------------------------------------------


def test_the_first_use_makes_the_environment_and_the_second_leaves_it_alone(checkout, installer):
    course.make_environment(course.VENV)
    assert installer.steps == ["1", "2", "3"]
    assert course.is_ready(course.VENV)
    course.make_environment(course.VENV)
    assert installer.steps == ["1", "2", "3"]


@pytest.mark.parametrize("step", ["1", "2", "3"])
def test_an_interrupted_installation_is_noticed_and_made_again_from_nothing(step, checkout, installer, run):
    installer.fail_at = step
    stopped = run("lab")
    assert stopped.status == 130
    assert not course.is_ready(course.VENV)
    trace = course.VENV / f"left-by-step-{step}"
    trace.write_text("half", encoding="utf-8")
    installer.fail_at, installer.steps = None, []
    course.make_environment(course.VENV)
    assert installer.steps == ["1", "2", "3"]
    assert trace.read_text(encoding="utf-8") == ""
    assert course.is_ready(course.VENV)


@pytest.mark.parametrize("name", ["requirements.lock", "pyproject.toml"])
def test_a_changed_lock_or_pyproject_updates_the_environment_without_making_it_anew(name, checkout, installer):
    course.make_environment(course.VENV)
    with (checkout / name).open("a") as file:
        file.write("# changed\n")
    assert not course.is_ready(course.VENV)
    installer.steps.clear()
    course.make_environment(course.VENV)
    assert installer.steps == ["2", "3"]
    assert course.is_ready(course.VENV)


def test_a_moved_checkout_installs_itself_again(checkout, installer, monkeypatch):
    course.make_environment(course.VENV)
    before = course.expected_stamp(course.VENV)
    monkeypatch.setattr(course, "ROOT", checkout.rename(checkout.with_name("moved")))
    monkeypatch.setattr(course, "LOCK", course.ROOT / "requirements.lock")
    assert course.expected_stamp(course.ROOT / ".venv") != before


def test_an_environment_whose_python_is_gone_is_made_again(checkout, installer):
    course.make_environment(course.VENV)
    (course.VENV / "bin" / "python").unlink()
    (course.VENV / "bin" / "python").symlink_to("/nowhere/python3.11")
    assert not course.is_ready(course.VENV)
    installer.steps.clear()
    course.make_environment(course.VENV)
    assert installer.steps == ["1", "2", "3"]


def test_the_environment_silences_the_news_and_the_warning_of_each_kernel(checkout, installer):
    course.make_environment(course.VENV)
    kernel = json.loads((course.VENV / "etc/ipython/ipython_kernel_config.json").read_text(encoding="utf-8"))
    settings = json.loads((course.VENV / "share/jupyter/lab/settings/overrides.json").read_text(encoding="utf-8"))
    assert kernel["IPKernelApp"]["log_level"] == 40
    assert settings["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"


def test_the_server_leaves_out_the_extension_that_advertises_itself(checkout, installer):
    course.make_environment(course.VENV)
    written = (course.VENV / "etc/jupyter/jupyter_server_config.d/nbclassic.json").read_text(encoding="utf-8")
    assert json.loads(written)["ServerApp"]["jpserver_extensions"] == {"nbclassic": False}


def test_an_active_conda_environment_of_the_course_is_used_as_long_as_there_is_no_venv(checkout, monkeypatch):
    assert course.environment_folder() == course.VENV
    monkeypatch.setenv("CONDA_PREFIX", "/opt/conda/envs/another")
    assert course.environment_folder() == course.VENV
    monkeypatch.setenv("CONDA_PREFIX", f"/opt/conda/envs/{course.CONDA_NAME}")
    assert course.environment_folder() == Path("/opt/conda/envs", course.CONDA_NAME)
    (course.VENV / "bin").mkdir(parents=True)
    (course.VENV / "bin" / "python").touch()
    assert course.environment_folder() == course.VENV


def test_a_conda_environment_is_filled_up_and_never_emptied(checkout, installer, tmp_path):
    prefix = tmp_path / course.CONDA_NAME
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin" / "python").symlink_to(sys.executable)
    (prefix / course.STAMP).write_text(course.UNFINISHED, encoding="utf-8")
    (prefix / "of-conda").touch()
    course.make_environment(prefix)
    assert installer.steps == ["2", "3"]
    assert (prefix / "of-conda").exists()
    assert course.is_ready(prefix)


def test_a_conda_environment_with_another_python_is_told_by_the_command_and_by_doctor(
    checkout, installer, run, tmp_path, monkeypatch
):
    prefix = tmp_path / course.CONDA_NAME
    prefix.mkdir()
    monkeypatch.setenv("CONDA_PREFIX", str(prefix))
    for told in (run("lab"), run("doctor")):
        assert told.status == 1
        assert "conda env create -f environment.yml" in told.err + told.out
    assert installer.steps == []
    assert list(prefix.iterdir()) == []


def test_the_same_command_line_goes_on_inside_with_absolute_data_folders(checkout, installer, run, monkeypatch):
    calls = []
    monkeypatch.setattr(course.os, "execv", lambda *call: calls.append(call))
    monkeypatch.chdir(checkout)
    monkeypatch.setenv("COURSE_DATA", "data")
    monkeypatch.setenv("COURSE_CACHE", "~/cache")
    monkeypatch.setenv("HOME", str(checkout / "home"))
    monkeypatch.setenv("PYTHONPATH", "/of/another/python")
    monkeypatch.setenv("PYTHONOPTIMIZE", "2")
    run("test", "-k", "mask")
    python = str(checkout / ".venv" / "bin" / "python")
    assert calls == [(python, [python, "-P", "-m", "course_utils.commands", "test", "-k", "mask"])]
    assert os.environ["COURSE_DATA"] == str(checkout / "data")
    assert os.environ["COURSE_CACHE"] == str(checkout / "home" / "cache")
    assert "PYTHONPATH" not in os.environ
    assert "PYTHONOPTIMIZE" not in os.environ


def test_everything_runs_on_one_thread_unless_the_user_says_otherwise(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    course.settle_environment_variables()
    assert os.environ["OMP_NUM_THREADS"] == "4"
    monkeypatch.delenv("OMP_NUM_THREADS")
    course.settle_environment_variables()
    assert os.environ["OMP_NUM_THREADS"] == "1"


def test_a_module_stands_in_for_graphbolt_where_dgl_would_look_for_it(checkout, installer):
    course.make_environment(course.VENV)
    packages = course.VENV / "lib" / "python3.12" / "site-packages"
    packages.mkdir(parents=True)
    course.LOCK.write_text("dgl==2.1.0\n", encoding="utf-8")
    course.make_environment(course.VENV)
    assert (packages / "course-graphbolt.pth").read_text(encoding="utf-8") == course.GRAPHBOLT
    code = f"import sys; sys.version_info = (3, 12); exec({course.GRAPHBOLT!r}); print('dgl.graphbolt' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "True"


@pytest.mark.parametrize(
    ("wanted", "card", "answers", "cpu_only"),
    [
        ("", False, True, True),
        ("", False, False, False),  # a network that refuses it: the ordinary wheel does as well
        ("", True, True, False),
        ("gpu", False, True, False),
        ("cpu", True, True, True),
    ],
)
def test_pytorch_comes_without_gpu_libraries_where_no_card_is_found(wanted, card, answers, cpu_only, monkeypatch):
    asked = []
    monkeypatch.setenv("COURSE_TORCH", wanted)
    with monkeypatch.context() as patch:
        patch.setattr(course.sys, "platform", "linux")
        patch.setattr(course.os.path, "exists", lambda path: card and path == "/dev/nvidia0")
        patch.setattr(course, "answers", lambda address: asked.append(address) or answers)
        told = course.pytorch_wheels()
    assert told == (["--extra-index-url", course.CPU_WHEELS] if cpu_only else [])
    assert bool(asked) == ((wanted or ("gpu" if card else "cpu")) == "cpu")


def test_macs_get_the_only_pytorch_there_is_for_them(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(course.sys, "platform", "darwin")
        patch.setattr(course, "answers", mock.Mock(side_effect=AssertionError("asked the network")))
        assert course.pytorch_wheels() == []


def test_a_wish_for_pytorch_that_is_not_understood_is_answered(checkout, monkeypatch):
    monkeypatch.setenv("COURSE_TORCH", "cuda")
    monkeypatch.setattr(course, "install", mock.Mock(side_effect=AssertionError("begins before the answer")))
    with pytest.raises(course.Stop, match="COURSE_TORCH is cpu or gpu, not 'cuda'"):
        course.make_environment(course.VENV)


def test_an_address_that_answers_is_recognised(tmp_path):
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert course.answers(f"http://127.0.0.1:{server.server_port}/", seconds=60)
        assert not course.answers(f"http://127.0.0.1:{server.server_port}/nothing/here", seconds=60)
        server.shutdown()


def test_the_reader_is_told_when_pytorch_comes_with_4_gb_that_are_of_no_use(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_TORCH", "cpu")
    monkeypatch.setattr(course, "answers", lambda _: False)
    monkeypatch.setattr(course.sys, "platform", "linux")
    assert course.pytorch_wheels() == []
    assert "4 GB more" in capsys.readouterr().out


def test_an_address_that_does_not_answer_is_given_up():
    assert not course.answers("http://127.0.0.1:9/")  # the port `discard`, where nobody listens
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, and never says a word
        assert not course.answers(f"http://127.0.0.1:{silent.getsockname()[1]}/", seconds=1)


@pytest.mark.parametrize("what", ["a file", "a broken link"])
def test_what_is_in_the_place_of_the_environment_and_no_folder_is_told_by_the_command_and_by_doctor(
    what, checkout, run
):
    course.VENV.touch() if what == "a file" else course.VENV.symlink_to("/nowhere/venv")
    for told in (run("lab"), run("doctor")):
        assert told.status == 1
        assert ".venv is a file or a broken link" in told.err + told.out


def test_pips_own_settings_for_other_purposes_do_not_reach_the_installation(checkout, monkeypatch):
    for name in ("USER", "TARGET", "PREFIX", "REQUIRE_VIRTUALENV", "NO_DEPS"):
        monkeypatch.setenv(f"PIP_{name}", "1")
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    code = "import os, sys; sys.exit(' '.join(k + '=' + v for k, v in os.environ.items() if k[:4] == 'PIP_') + '|')"
    with pytest.raises(course.Stop) as stop:
        course.install("[2/4] Installing", [sys.executable, "-c", code], checkout)
    seen = set(str(stop.value).split("|")[0].split())
    assert {"PIP_USER=0", "PIP_INDEX_URL=https://mirror.example/simple"} <= seen
    assert not [name for name in seen if re.match("PIP_(TARGET|PREFIX|REQUIRE|NO_DEPS)", name)]


# --- what goes wrong, in one sentence ---------------------------------------------------------------------------------

PIP_OFFLINE = """WARNING: Retrying (Retry(total=1, connect=None)) after connection broken by 'NewConnectionError('<pip.
_vendor.urllib3.HTTPSConnection object>: Failed to establish a new connection: [Errno -2] Name or service not known')'
ERROR: Could not find a version that satisfies the requirement alabaster==1.0.0 (from versions: none)
ERROR: No matching distribution found for alabaster==1.0.0"""
PIP_DISK_FULL = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
PIP_READ_ONLY = "ERROR: Could not install packages due to an OSError: [Errno 30] Read-only file system: '/course/.venv'"
PIP_NO_BUILD = """ERROR: Could not find a version that satisfies the requirement torch==2.13.0 (from versions: none)
ERROR: No matching distribution found for torch==2.13.0"""
PIP_TOO_LARGE = "ERROR: Could not install packages due to an OSError: [Errno 27] File too large"
UV_NO_PYTHON = """error: Request failed after 3 retries in 11.5s
  cause: Failed to download `https://github.com/astral-sh/python-build-standalone/releases/download/cpython-3.11.18`
  cause: error sending request for url (https://github.com/astral-sh/python-build-standalone/releases/download/x)"""
UV_OFFLINE = """error: Request failed after 3 retries
  Caused by: error sending request for url (https://pypi.org/simple/pip/)"""


@pytest.mark.parametrize(
    ("complaint", "sentence"),
    [
        (PIP_OFFLINE, "package index cannot be reached"),
        (UV_OFFLINE, "package index cannot be reached"),
        (UV_NO_PYTHON, "its download of Python 3.11 from github.com did not come through"),
        (PIP_TOO_LARGE, "ulimit -f"),
        (PIP_DISK_FULL, "disk is full. The environment takes 1.6 GB (5.8 GB where"),
        (PIP_READ_ONLY, "cannot be written to"),
        (PIP_NO_BUILD, "no build for this machine"),
    ],
)
def test_a_failed_step_is_told_in_one_sentence_with_what_to_do(complaint, sentence, checkout):
    fails = [sys.executable, "-c", f"import sys; sys.exit({complaint!r})"]
    with pytest.raises(course.Stop) as stop:
        course.install("[2/4] Installing", fails, checkout)
    assert sentence in str(stop.value)
    assert "ERROR" not in str(stop.value)
    assert "\n" not in str(stop.value)


def test_a_step_that_fails_silently_on_a_full_disk_is_told_as_a_full_disk(checkout, monkeypatch):
    monkeypatch.setattr(course.shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000_000))
    with pytest.raises(course.Stop, match="disk is full"):
        course.install("[1/4] Making .venv", [sys.executable, "-c", "raise SystemExit(1)"], checkout)


def test_a_failure_that_is_not_known_is_told_in_its_own_words(checkout):
    with pytest.raises(course.Stop, match="a wheel rolled away"):
        course.install(
            "[2/4] Installing", [sys.executable, "-c", "import sys; sys.exit('a wheel rolled away')"], checkout
        )


PIP_TALKS = """import sys, time
for i in range(200):
    print("Collecting package%d" % i, flush=True)
print("  Downloading https://files.example/torch-2.13.0.whl (192.0 MB)", flush=True)
sys.stderr.write("WARNING: this is no error\\n")
sys.stderr.flush()
{}
"""


def test_a_step_says_a_few_lines_and_keeps_the_rest_in_a_file(checkout, capsys):
    course.install("[2/4] Installing the packages", [sys.executable, "-c", PIP_TALKS.format("")], checkout)
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "[2/4] Installing the packages ..."
    assert told[-1].startswith("      done after")
    assert len(told) <= 3
    log = (checkout / "install.log").read_text(encoding="utf-8")
    assert "Collecting package199" in log
    assert "WARNING: this is no error" in log


def test_on_a_terminal_a_step_is_one_line_that_tells_how_far_it_is(checkout):
    """The step goes on until its line has told of the download, which it finds in what it wrote to the terminal."""
    seen = checkout / "seen"
    waits = PIP_TALKS.format(f"import os\nwhile not os.path.exists({str(seen)!r}): time.sleep(0.05)")
    code = f"import course; course.install('[2/4] Installing', [{sys.executable!r}, '-c', {waits!r}], course.Path('.'))"
    ours, theirs = pty.openpty()
    environment = os.environ | {"PYTHONPATH": str(course.ROOT.parent) + os.pathsep + os.path.dirname(course.__file__)}
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=checkout, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        told = b""
        while True:
            try:
                told += os.read(ours, 10_000)
            except OSError:  # so a terminal says that nobody writes any more
                break
            if b"torch-2.13.0.whl (192.0 MB)" in told:
                seen.touch()
    os.close(ours)
    assert process.returncode == 0
    lines = told.decode().replace("\r\n", "\n").strip("\n").split("\n")
    assert len(lines) == 1
    states = [state.strip() for state in lines[0].split("\r") if state.strip()]
    assert all(len(state) < 80 for state in states)
    assert re.fullmatch(r"\[2/4\] Installing: \.\.\., \d+ s", states[0])
    assert any(
        re.search(r"(\d+) of \1 packages collected, torch-2\.13\.0\.whl \(192\.0 MB\)", state) for state in states
    )
    assert states[-1].startswith("[2/4] Installing: done after")


def test_a_failure_shows_the_lines_that_tell_and_where_the_rest_is(checkout, capsys):
    fails = PIP_TALKS.format("print('ERROR: the wheel rolled away'); print('bye'); sys.exit(1)")
    with pytest.raises(course.Stop) as stop:
        course.install("[2/4] Installing the packages", [sys.executable, "-c", fails], checkout)
    told = str(stop.value).splitlines()
    assert "ERROR: the wheel rolled away" in told
    assert "Collecting package7" not in told
    assert len(told) <= 12
    assert str(checkout / "install.log") in told[-1]
    assert capsys.readouterr().out.splitlines()[-1].strip() == "failed"


@pytest.mark.parametrize("said_by", ["the environment", "a file"])
def test_a_pip_that_is_told_to_look_elsewhere_is_not_taken_for_a_machine_without_builds(said_by, checkout, monkeypatch):
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    if said_by == "the environment":
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        wanted = "PIP_NO_INDEX"
    else:
        (checkout / "pip.conf").write_text("[global]\nno-index = true\n", encoding="utf-8")
        monkeypatch.setenv("PIP_CONFIG_FILE", str(checkout / "pip.conf"))
        wanted = "no-index in pip.conf"
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "a-package-that-is-not-here==1.0"]
    with pytest.raises(
        course.Stop, match=rf"look for packages elsewhere \({wanted}\).*a-package-that-is-not-here==1\.0"
    ):
        course.install("[2/4] Installing", command, checkout)


@pytest.mark.parametrize("moment", ["at once", "while the command is imported"])
def test_ctrl_c_in_the_first_moments_leaves_no_traceback(moment, checkout):
    """At once: while the launcher is imported. Later: it is kept for the command, which is there a moment later."""
    if moment == "at once":
        code = (
            "import os, runpy, signal, sys\n"
            "class Finder:\n"
            "    def find_spec(self, name, *_):\n"
            "        if name == 'hashlib': os.kill(os.getpid(), signal.SIGINT)\n"
            "for name in ('hashlib', 'random', 'tempfile'): sys.modules.pop(name, None)\n"
            "sys.meta_path.insert(0, Finder())\n"
            f"sys.argv = ['course.py', 'doctor']\nrunpy.run_path({course.__file__!r}, run_name='__main__')"
        )
    else:
        code = (
            "import os, signal\n"
            "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])\n"
            "os.kill(os.getpid(), signal.SIGINT)\n"
            "from course_utils.refusals import carry_out\n"
            "raise SystemExit(carry_out(lambda: 0))"
        )
    ended = subprocess.run([sys.executable, "-c", code], cwd=os.path.dirname(course.__file__), capture_output=True)
    assert ended.returncode in (-signal.SIGINT, 130)
    assert b"Traceback" not in ended.stderr
    assert len(ended.stderr.decode().split("\n")) <= 3


@pytest.mark.parametrize("command", ["doctor", "lab"])
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_an_output_that_takes_no_more_is_one_sentence(command, tmp_path):
    copied = tmp_path / "course"
    for name in (
        "course_utils/commands",
        "course_utils/command_line.py",
        "course.py",
        *("requirements.lock", "pyproject.toml"),
    ):
        (copied / name).parent.mkdir(parents=True, exist_ok=True)
        (copied / name).symlink_to(Path(course.__file__).parent / name)
    (copied / "course.py").unlink()
    (copied / "course.py").write_text(SOURCE, encoding="utf-8")
    line = f'"{sys.executable}" "{copied}/course.py" {command} > /dev/full'
    environment = os.environ | {"COURSE_TORCH": "gpu"}  # asks no address
    ended = subprocess.run(["sh", "-c", line], env=environment, capture_output=True, text=True)
    told = ended.stderr.strip()
    assert ended.returncode == 1
    assert told.startswith("What the output goes to takes no more")
    assert "Traceback" not in told
    assert "Exception ignored" not in told


def test_the_launcher_alone_says_that_it_is_one_file_of_the_course(tmp_path):
    alone = tmp_path / "course.py"
    alone.write_text(SOURCE, encoding="utf-8")
    ended = subprocess.run([sys.executable, str(alone), "lab"], capture_output=True, text=True)
    assert ended.returncode == 1
    assert "clone the whole repository" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.EROFS, "cannot be written to"),
        (errno.EACCES, "cannot be written to"),
        (errno.ENOSPC, "disk is full"),
        (errno.EFBIG, "ulimit -f"),
    ],
)
def test_a_folder_that_cannot_be_written_is_one_sentence_and_no_traceback(number, sentence, checkout, monkeypatch, run):
    def refuse(path, **_):
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(course.Path, "mkdir", refuse)
    result = run("test")
    assert result.status == 1
    assert sentence in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize("name", ["requirements.lock", "pyproject.toml"])
@pytest.mark.parametrize("kind", ["missing", "a folder"])
def test_a_file_of_the_course_that_is_missing_is_told_by_the_command_and_by_doctor(
    name, kind, checkout, installer, run
):
    course.make_environment(course.VENV)
    (checkout / name).unlink()
    if kind == "a folder":
        (checkout / name).mkdir()
    for told in (run("lab"), run("doctor")):
        assert told.status == 1
        assert "take it from the repository again (git checkout -- .)" in told.err + told.out
        assert name in told.err + told.out
        assert "Traceback" not in told.err


@pytest.mark.parametrize("stamp", [b"\xff\xfe", b"", b"\0" * 64])
def test_a_damaged_stamp_is_that_of_an_environment_to_make_again(stamp, checkout, installer):
    course.make_environment(course.VENV)
    (course.VENV / course.STAMP).write_bytes(stamp)
    assert not course.is_ready(course.VENV)
    course.make_environment(course.VENV)
    assert course.is_ready(course.VENV)


def test_a_folder_in_the_place_of_the_stamp_is_named(checkout, run):
    (course.VENV / course.STAMP).mkdir(parents=True)
    told = run("lab")
    assert told.status == 1
    assert "move it away" in told.err
    assert course.STAMP in told.err


def test_a_failed_installation_is_not_taken_for_whole(checkout, installer, run, monkeypatch):
    def stop_at_the_packages(step, command, prefix):
        if step.startswith("[2"):
            raise course.Stop("The package index cannot be reached.")
        installer(step, command, prefix)

    monkeypatch.setattr(course, "install", stop_at_the_packages)
    assert run("lab").status == 1
    assert (course.VENV / course.STAMP).read_text(encoding="utf-8") == course.UNFINISHED
    assert not course.is_ready(course.VENV)


# --- doctor -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def ready(checkout, installer, monkeypatch):
    """Give a checkout whose environment is ready, and replace what its own Python looks at."""
    course.make_environment(course.VENV)
    monkeypatch.setattr(course.subprocess, "call", inside := mock.Mock(return_value=0))
    return inside


def test_doctor_says_that_nothing_stands_in_the_way(ready, run):
    result = run("doctor")
    assert result.status == 0
    assert "!!" not in result.out
    for subject in ("machine", "Python", "environment", "cores", "memory", "disk", "folder"):
        assert subject in result.out
    python = str(course.VENV / "bin" / "python")
    ready.assert_called_once_with([python, "-P", "-m", "course_utils.commands.doctor"])


def test_doctor_counts_what_is_wrong_inside_the_environment(ready, run):
    ready.return_value = 2
    result = run("doctor")
    assert result.status == 1
    assert "2 problem(s)" in result.out.splitlines()[-1]


def test_doctor_works_before_there_is_an_environment_and_says_what_makes_it(checkout, run):
    result = run("doctor")
    assert result.status == 0
    assert "not made yet\n     -> python3 course.py lab" in result.out


def test_doctor_says_that_uv_brings_a_python_and_what_else_helps_where_it_may_not(only_another_python, run):
    result = run("doctor")
    assert result.status == 0
    assert " - Python         3.13.0\n     -> uv brings Python 3.11" in result.out
    assert "conda env create" in result.out


def test_doctor_asks_for_no_other_python_where_the_environment_only_needs_an_update(ready, run, monkeypatch):
    course.LOCK.write_text("torch==2.14.0\n", encoding="utf-8")
    monkeypatch.setattr(course, "no_way", lambda: "Use conda env create.")
    monkeypatch.setattr(course, "succeeds", lambda *command, **limits: command[0] == course.python_in(course.VENV))
    result = run("doctor")
    assert "ok Python" in result.out
    assert "older than this checkout" in result.out


def _windows(patch):
    patch.setattr(course, "unsupported_machine", lambda: course.MACHINES)


def _no_python(patch):
    patch.setattr(course, "is_ready", lambda _: False)
    patch.setattr(course, "can_be_filled", lambda _: False)
    patch.setattr(course, "no_way", lambda: "Use conda env create.")


def _full_disk(patch):
    patch.setattr(course.shutil, "disk_usage", lambda _: SimpleNamespace(free=2e8))


def _read_only(patch):
    patch.setattr(course.os, "access", lambda *_: False)


@pytest.mark.parametrize(
    ("problem", "found", "advice"),
    [
        (_windows, "!! machine", "wsl --install"),
        (_no_python, "!! Python", "conda env create"),
        (_full_disk, "!! disk           0.2 GB free", "Make room"),
        (_read_only, "!! folder", "Copy the course to a folder of your own"),
    ],
)
def test_doctor_says_for_each_problem_what_to_do(problem, found, advice, ready, run, monkeypatch):
    problem(monkeypatch)
    result = run("doctor")
    assert result.status == 1
    place = result.out.index(found)
    assert advice in result.out[place:]
    assert result.out.count("!!") == 1
    assert "1 problem(s)" in result.out.splitlines()[-1]


def test_one_core_and_little_memory_are_told_but_stop_nothing(ready, run, monkeypatch):
    monkeypatch.setattr(course.os, "sched_getaffinity", lambda _: {0}, raising=False)
    monkeypatch.setattr(course.os, "sysconf", lambda name: 4096 if name == "SC_PAGE_SIZE" else 500_000)
    result = run("doctor")
    assert result.status == 0
    assert " - cores          1\n     -> " in result.out
    assert " - memory         2.0 GB\n     -> " in result.out


# --- the command line -------------------------------------------------------------------------------------------------


def test_help_tells_every_command_and_needs_no_environment(tmp_path):
    told = subprocess.run([sys.executable, course.__file__, "--help"], cwd=tmp_path, capture_output=True, text=True)
    assert told.returncode == 0
    for command in ("lab", "test", "data", "slides", "site", "evidence", "execute", "doctor"):
        assert re.search(rf"^    {command} +\w", told.stdout, re.MULTILINE)


def test_without_a_command_the_list_of_commands_is_shown(capsys):
    with pytest.raises(SystemExit) as ended:
        course.main([])
    assert ended.value.code == 2
    assert re.search("^    doctor +say what", capsys.readouterr().err, re.MULTILINE)


@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize(
    "command", ["lab", "test", "evidence", "execute", "progress", "handout", "grade", "data", "data fetch", "site"]
)
def test_help_on_a_command_needs_no_environment(command, option, checkout, monkeypatch, capsys):
    monkeypatch.setattr(course, "make_environment", mock.Mock(side_effect=AssertionError))
    with pytest.raises(SystemExit) as ended:
        course.main([*command.split(), option])
    assert not ended.value.code
    assert f"usage: course.py {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "line",
    [
        [],
        ["open"],
        ["lab", "--prot", "1"],
        ["lab", "--port", "80000"],
        ["lab", "--port", "0"],
        ["data"],
        ["data", "get"],
        ["grade"],
        ["slides", "--port", "1"],
    ],
)
def test_a_command_line_that_is_not_understood_is_answered_with_its_usage(line, capsys):
    with pytest.raises(SystemExit):
        course.main(line)
    assert "usage:" in capsys.readouterr().err
