"""The launcher: what it decides, what it tells the reader, and that nothing half-made is taken for whole.

No test makes a real environment or asks the network: installing is replaced by a step that leaves what it would leave.
"""

import ast
import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import nbformat
import pytest

import course

SOURCE = Path(course.__file__).read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _leave_the_process_as_it_was(monkeypatch):
    for name in ("CONDA_PREFIX", "COURSE_DATA", "COURSE_CACHE", "PYTHONPATH", "PYTHONHOME"):
        monkeypatch.delenv(name, raising=False)
    with mock.patch.dict(os.environ):
        yield


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """Give a small checkout of its own to the launcher."""
    (tmp_path / "requirements.lock").write_text("dgl==1.1.3\ntorch==2.13.0\n")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "registry.json").write_text(
        '{"cora": {"files": [{"file": "cora/x"}, {"file": "cora/y"}]}}'
    )
    (tmp_path / "notebooks").mkdir()
    monkeypatch.setattr(course, "ROOT", tmp_path)
    monkeypatch.setattr(course, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(course, "LOCK", tmp_path / "requirements.lock")
    monkeypatch.setattr(course, "NOTEBOOKS", tmp_path / "notebooks")
    return tmp_path


class Installer:
    """Stands for the installation: remembers its steps and leaves a Python that works."""

    def __init__(self):
        self.steps = []
        self.fail_at = None

    def __call__(self, step, command, prefix):
        number = step[1]
        self.steps.append(number)
        if number == "1":
            (prefix / "bin").mkdir(parents=True)
            (prefix / "bin" / "python").symlink_to(sys.executable)
            (prefix / "pyvenv.cfg").write_text("version = 3.11.7\n")
        (prefix / f"left-by-step-{number}").touch()
        if number == self.fail_at:
            raise KeyboardInterrupt


@pytest.fixture
def installer(monkeypatch):
    monkeypatch.setattr(course, "install", installer := Installer())
    return installer


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a command line as the shell would, but stay in this process; give its status and what it wrote."""

    monkeypatch.setattr(course.signal, "signal", lambda *_: None)
    monkeypatch.setattr(course.os, "execv", mock.Mock(side_effect=AssertionError("would leave this process")))

    def run(*command_line):
        status = course.main(list(command_line))
        written = capsys.readouterr()
        return SimpleNamespace(status=status, out=written.out, err=written.err)

    return run


@pytest.fixture
def entered(monkeypatch, run):
    """Catch the commands that the launcher runs inside the environment instead of running them."""
    commands = []
    monkeypatch.chdir(course.ROOT)  # and back afterwards, wherever the launcher goes
    monkeypatch.setattr(course, "enter_environment", lambda _: None)
    monkeypatch.setattr(course, "run_stage", lambda command: commands.append(command) or 0)
    monkeypatch.setattr(course.os, "execv", lambda _, command: commands.append(command))
    return commands


# --- any Python can start it ------------------------------------------------------------------------------------------


def test_the_launcher_has_no_syntax_newer_than_python_3_8():
    ast.parse(SOURCE, feature_version=(3, 8))


def test_the_launcher_imports_nothing_but_the_standard_library_at_its_start():
    imported = [node for node in ast.parse(SOURCE).body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = [getattr(node, "module", None) or node.names[0].name for node in imported]
    assert "argparse" in names
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


def test_the_launcher_prints_plain_ascii():
    assert SOURCE.isascii()


def test_a_python_that_cannot_be_used_is_told_all_ways_in_one_message(checkout, monkeypatch, run):
    monkeypatch.setattr(course.sys, "version_info", (3, 13, 0))
    monkeypatch.setattr(course.platform, "python_version", lambda: "3.13.0")
    monkeypatch.setenv("PATH", str(checkout))
    result = run("lab")
    assert result.status == 1
    for way in ("3.13.0", "python3.11", "uv ", "conda env create", "wsl --install"):
        assert way in result.err
    assert "Traceback" not in result.err
    assert not course.is_ready(course.VENV)


def test_a_python3_11_that_does_not_work_is_passed_over_for_the_next_on_the_path(tmp_path, monkeypatch):
    broken, good = tmp_path / "shims", tmp_path / "bin"
    for folder in (broken, good):
        folder.mkdir()
    (broken / "python3.11").write_text("#!/bin/sh\nexit 127\n")
    (broken / "python3.11").chmod(0o755)
    (good / "python3.11").symlink_to(sys.executable)
    monkeypatch.setattr(course.sys, "version_info", (3, 13, 0))
    monkeypatch.setenv("PATH", f"{broken}:{good}:/usr/bin:/bin")
    assert course.venv_command()[0] == str(good / "python3.11")


def test_uv_makes_the_environment_where_there_is_no_python3_11(tmp_path, monkeypatch):
    (tmp_path / "uv").write_text("#!/bin/sh\n")
    (tmp_path / "uv").chmod(0o755)
    monkeypatch.setattr(course.sys, "version_info", (3, 13, 0))
    monkeypatch.setenv("PATH", str(tmp_path))
    command = course.venv_command()
    assert command[:2] == ["uv", "venv"]
    assert "3.11" in command
    assert "--seed" in command  # the launcher goes on with pip


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
    trace.write_text("half")
    installer.fail_at, installer.steps = None, []
    course.make_environment(course.VENV)
    assert installer.steps == ["1", "2", "3"]
    assert trace.read_text() == ""
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
    kernel = json.loads((course.VENV / "etc/ipython/ipython_kernel_config.json").read_text())
    settings = json.loads((course.VENV / "share/jupyter/lab/settings/overrides.json").read_text())
    assert kernel["IPKernelApp"]["log_level"] == 40
    assert settings["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"


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
    (prefix / course.STAMP).write_text(course.UNFINISHED)
    (prefix / "of-conda").touch()
    course.make_environment(prefix)
    assert installer.steps == ["2", "3"]
    assert (prefix / "of-conda").exists()
    assert course.is_ready(prefix)


def test_the_same_command_line_goes_on_inside_with_absolute_data_folders(checkout, installer, monkeypatch):
    calls = []
    monkeypatch.setattr(course.os, "execv", lambda *call: calls.append(call))
    monkeypatch.chdir(checkout)
    monkeypatch.setenv("COURSE_DATA", "data")
    monkeypatch.setenv("PYTHONPATH", "/of/another/python")
    course.enter_environment(["test", "-k", "mask"])
    python = str(checkout / ".venv" / "bin" / "python")
    assert calls == [(python, [python, str(checkout / "course.py"), "test", "-k", "mask"])]
    assert os.environ["COURSE_DATA"] == str(checkout / "data")
    assert "PYTHONPATH" not in os.environ


# --- what goes wrong, in one sentence ---------------------------------------------------------------------------------

PIP_OFFLINE = """WARNING: Retrying (Retry(total=1, connect=None)) after connection broken by 'NewConnectionError('<pip.
_vendor.urllib3.HTTPSConnection object>: Failed to establish a new connection: [Errno -2] Name or service not known')'
ERROR: Could not find a version that satisfies the requirement alabaster==1.0.0 (from versions: none)
ERROR: No matching distribution found for alabaster==1.0.0"""
PIP_DISK_FULL = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
PIP_READ_ONLY = "ERROR: Could not install packages due to an OSError: [Errno 30] Read-only file system: '/course/.venv'"
PIP_NO_BUILD = """ERROR: Could not find a version that satisfies the requirement torch==2.13.0 (from versions: none)
ERROR: No matching distribution found for torch==2.13.0"""
UV_OFFLINE = """error: Request failed after 3 retries
  Caused by: error sending request for url (https://pypi.org/simple/pip/)"""


@pytest.mark.parametrize(
    ("complaint", "sentence"),
    [
        (PIP_OFFLINE, "package index cannot be reached"),
        (UV_OFFLINE, "package index cannot be reached"),
        (PIP_DISK_FULL, "disk is full"),
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


@pytest.mark.parametrize(
    ("number", "sentence"),
    [(errno.EROFS, "cannot be written to"), (errno.EACCES, "cannot be written to"), (errno.ENOSPC, "disk is full")],
)
def test_a_folder_that_cannot_be_written_is_one_sentence_and_no_traceback(number, sentence, checkout, monkeypatch, run):
    def refuse(path, **_):
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(course.Path, "mkdir", refuse)
    result = run("test")
    assert result.status == 1
    assert sentence in result.err
    assert "Traceback" not in result.err


def test_a_failed_installation_is_not_taken_for_whole(checkout, installer, run, monkeypatch):
    def stop_at_the_packages(step, command, prefix):
        if step.startswith("[2"):
            raise course.Stop("The package index cannot be reached.")
        installer(step, command, prefix)

    monkeypatch.setattr(course, "install", stop_at_the_packages)
    assert run("lab").status == 1
    assert (course.VENV / course.STAMP).read_text() == course.UNFINISHED
    assert not course.is_ready(course.VENV)


# --- lab and test -----------------------------------------------------------------------------------------------------


def test_lab_opens_the_first_lecture_on_this_machine_only_and_keeps_the_token(entered, run):
    run("lab")
    line = " ".join(entered[0])
    assert "--ip=127.0.0.1" in line
    assert course.FIRST_LECTURE == "notebooks/01_sequence_to_sequence.ipynb"
    assert f"/lab/tree/{course.FIRST_LECTURE}" in line
    assert not re.search(r"token|password|--no-browser|--port", line)


def test_everything_runs_on_one_thread_unless_the_user_says_otherwise(entered, run, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    run("lab")
    assert os.environ["OMP_NUM_THREADS"] == "4"
    monkeypatch.delenv("OMP_NUM_THREADS")
    run("lab")
    assert os.environ["OMP_NUM_THREADS"] == "1"


def test_lab_takes_a_port_and_can_leave_the_browser_alone(entered, run):
    run("lab", "--no-browser", "--port", "8899")
    assert {"--no-browser", "--port=8899"} <= set(entered[0])


@pytest.mark.parametrize(("user", "allowed"), [(0, True), (1009, False)])
def test_only_root_needs_leave_to_start_jupyterlab(user, allowed, entered, run, monkeypatch):
    monkeypatch.setattr(course.os, "geteuid", lambda: user)
    run("lab")
    assert ("--allow-root" in entered[0]) is allowed


def test_arguments_after_test_go_to_pytest_and_nothing_else_runs(entered, run):
    run("test", "-k", "mask", "-x")
    assert [command[1:] for command in entered] == [["-m", "pytest", "-k", "mask", "-x"]]


def test_without_arguments_test_runs_every_stage_in_order(entered, run):
    result = run("test")
    published = ["course_utils.publishing.slides", "course_utils.publishing.site"]
    assert [command[2] for command in entered] == ["ruff", "ruff", "course_utils.data", *published, *["pytest"] * 3]
    unit, notebooks, browser = map(" ".join, entered[-3:])
    assert "--nbval-lax --nbval-current-env --nbval-cell-timeout=300 -n 2 --dist loadfile" in notebooks
    assert "-m not browser tests" in unit
    assert "-m browser -n 2 --dist loadfile tests/browser" in browser
    assert result.status == 0


REPORT = """<testsuites><testsuite tests="7" failures="{failures}" errors="0" skipped="2">
<testcase classname="notebooks.02_bahdanau_attention.ipynb" name="Cell 0" time="3.5"/>
<testcase classname="notebooks.02_bahdanau_attention.ipynb" name="Cell 1" time="7.25"/>
<testcase classname="notebooks.06_graph_attention.ipynb" name="Cell 0" time="11.0"/></testsuite></testsuites>"""


@pytest.mark.parametrize(("failures", "counts"), [(0, "20 passed, 0 failed, 6 skipped"), (3, "17 passed, 3 failed")])
def test_the_last_line_counts_all_stages_and_each_notebook_has_its_seconds(failures, counts, entered, run, monkeypatch):
    def stage(command):
        reports = [part.split("=", 1)[1] for part in command if part.startswith("--junitxml=")]
        failed = failures if "notebooks" in command else 0
        for report in reports:
            Path(report).write_text(REPORT.format(failures=failed))
        return int(failed > 0)

    monkeypatch.setattr(course, "run_stage", stage)
    result = run("test")
    lines = result.out.splitlines()
    assert counts in lines[-1]
    assert result.status == (1 if failures else 0)
    assert f"notebooks: {'FAILED' if failures else 'ok'}" in lines[-2]
    assert re.search(r"02_bahdanau_attention +10\.8 s", result.out)
    assert re.search(r"06_graph_attention +11\.0 s", result.out)


@pytest.mark.parametrize(
    "failing", ["check", "course_utils.data", "course_utils.publishing.site", "tests", "notebooks", "tests/browser"]
)
def test_one_failing_stage_fails_the_run_but_stops_no_other(failing, entered, run, monkeypatch):
    seen = []
    monkeypatch.setattr(course, "run_stage", lambda command: seen.append(command) or int(failing in command))
    result = run("test")
    assert result.status == 1
    assert len(seen) == 8
    assert result.out.count("FAILED") == 1
    assert "7 passed, 1 failed" in result.out.splitlines()[-1]


def test_a_pytest_that_breaks_without_a_failed_test_counts_as_one_failure(tmp_path):
    report = tmp_path / "unit.xml"
    report.write_text(REPORT.format(failures=0))
    assert course.outcome(2, str(report)) == (5, 1, 2)


# --- doctor -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def ready(checkout, installer, monkeypatch):
    """Give a checkout whose environment is ready, and the answers of its Python."""
    course.make_environment(course.VENV)
    with course.LOCK.open("a") as lock:
        lock.write("numpy==2.4.6\nscipy==1.17.1\nmatplotlib==3.11.2\njupyterlab==4.6.6\n")
    course.make_environment(course.VENV)
    answers = dict(line.split("==") for line in course.LOCK.read_text().split())
    answers |= {"import torch": "works", "import dgl": "works"}

    def answer(_, code):
        return answers[
            code.split(";")[0] if code.startswith("import ") and "metadata" not in code else code.split("'")[1]
        ]

    monkeypatch.setattr(course, "last_line", answer)
    return answers


def test_doctor_says_that_nothing_stands_in_the_way(ready, run):
    result = run("doctor")
    assert result.status == 0
    assert "!!" not in result.out
    assert re.search(r"ok torch +2\.13\.0", result.out)
    assert re.search(r"ok import dgl +works", result.out)
    for subject in ("Python", "cores", "memory", "disk", "folder", "cora"):
        assert subject in result.out


def test_doctor_works_before_there_is_an_environment_and_says_what_makes_it(checkout, run):
    result = run("doctor")
    assert result.status == 0
    assert "not made yet\n     -> python3 course.py lab" in result.out


def _windows(patch, _):
    patch.setattr(course, "unsupported_machine", lambda: course.MACHINES)


def _no_python(patch, _):
    patch.setattr(course, "is_ready", lambda _: False)
    patch.setattr(course, "venv_command", lambda: None)


def _torch_broken(_, answers):
    answers["import torch"] = "ImportError: libtorch.so: cannot open shared object file"


def _other_dgl(_, answers):
    answers["dgl"] = "2.1.0"


def _full_disk(patch, _):
    patch.setattr(course.shutil, "disk_usage", lambda _: SimpleNamespace(free=2e8))


def _read_only(patch, _):
    patch.setattr(course.os, "access", lambda *_: False)


def _wrong_data_folder(patch, _):
    patch.setenv("COURSE_DATA", "/nowhere/data")


@pytest.mark.parametrize(
    ("problem", "found", "advice"),
    [
        (_windows, "!! machine", "wsl --install"),
        (_no_python, "!! Python", "conda env create"),
        (_torch_broken, "!! import torch   ImportError", "Delete"),
        (_other_dgl, "!! dgl            2.1.0", "The course pins 1.1.3. Delete"),
        (_full_disk, "!! disk           0.2 GB free", "Make room"),
        (_read_only, "!! folder", "Copy the course to a folder of your own"),
        (_wrong_data_folder, "!! COURSE_DATA    /nowhere/data", "unset COURSE_DATA"),
    ],
)
def test_doctor_says_for_each_problem_what_to_do(problem, found, advice, ready, run, monkeypatch):
    problem(monkeypatch, ready)
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


def test_data_sets_are_found_in_the_readers_folder_and_in_the_cache(checkout, monkeypatch):
    def found():
        return next(finding for subject, finding, *_ in course.look_for_data() if subject == "cora")

    assert found().startswith("0 of 2")
    for place in (checkout / "datasets/cache/downloads/cora/x", checkout / "mine/cora/y"):
        place.parent.mkdir(parents=True)
        place.touch()
    assert found().startswith("1 of 2")
    monkeypatch.setenv("COURSE_DATA", str(checkout / "mine"))
    assert found().startswith("2 of 2")


# --- evidence and execute ---------------------------------------------------------------------------------------------


def write_notebook(path, *sources):
    """Write a notebook of one Markdown cell, which mentions measure("of_the_prose"), and these code cells."""
    cells = [nbformat.v4.new_markdown_cell('Call `measure("of_the_prose", …)`.')]
    cells += [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


@pytest.fixture
def two_lectures(checkout):
    folder = checkout / "notebooks"
    first = write_notebook(folder / "01_one.ipynb", 'record = measure("01_lengths", run, [0, 1, 2], claims)')
    second = write_notebook(
        folder / "02_two.ipynb",
        'record = measure(\n    "02_inversion", run, range(3), claims\n)',
        'earlier = stored("01_lengths")\nmeasure(name="02_scores", experiment=run)',
    )
    return first, second


def test_every_record_is_found_in_the_lecture_that_measures_it(two_lectures):
    first, second = two_lectures
    assert course.find_records([]) == {"01_lengths": first, "02_inversion": second, "02_scores": second}
    assert course.find_records(["02_scores"]) == {"02_scores": second}


def test_an_unknown_record_is_answered_with_the_list_of_those_there_are(two_lectures, entered, run):
    result = run("evidence", "02_scores", "07_nothing")
    assert result.status == 1
    assert "07_nothing" in result.err
    for name in ("01_lengths", "02_inversion", "02_scores"):
        assert name in result.err
    assert "of_the_prose" not in result.err


@pytest.mark.parametrize(
    ("asked", "notebooks", "quick", "device"),
    [
        (["02_scores", "02_inversion"], ["02_two"], None, None),
        ([], ["01_one", "02_two"], None, None),
        (["--quick"], ["01_one", "02_two"], "1", None),
        (["--device=cuda"], ["01_one", "02_two"], None, "cuda"),
    ],
)
def test_evidence_runs_each_lecture_once_and_saves_none(
    asked, notebooks, quick, device, two_lectures, entered, run, monkeypatch
):
    ran = []
    monkeypatch.delenv("COURSE_DEVICE", raising=False)
    monkeypatch.setattr(course, "run_notebook", lambda path, save: ran.append((path.stem, save)))
    assert run("evidence", *asked).status == 0
    assert ran == [(name, False) for name in notebooks]
    wanted = [name for name in asked if not name.startswith("--")] or ["01_lengths", "02_inversion", "02_scores"]
    assert os.environ["COURSE_EVIDENCE"].split(",") == wanted
    assert os.environ.get("COURSE_EVIDENCE_QUICK") == quick
    assert os.environ.get("COURSE_DEVICE") == device


@pytest.mark.parametrize("name", ["02", "02_two", "notebooks/02_two.ipynb"])
def test_a_lecture_is_found_by_its_number_its_name_or_its_path(name, two_lectures):
    assert course.find_lectures([name]) == [two_lectures[1]]
    assert course.find_lectures([]) == list(two_lectures)


@pytest.mark.parametrize("name", ["07", "0"])
def test_a_name_that_means_no_one_lecture_is_answered_with_the_list(name, two_lectures, entered, run):
    result = run("execute", name)
    assert result.status == 1
    assert "01_one, 02_two" in result.err


def test_execute_keeps_the_outputs_of_one_clean_run_and_of_progress_bars_the_last_state(tmp_path, capsys):
    bar = "import sys\nfor i in range(3):\n    print(f'\\rstep {i}', end='', file=sys.stderr)"
    path = write_notebook(tmp_path / "01_one.ipynb", bar, "6 * 7")
    course.run_notebook(path, save=True)
    course.run_notebook(path, save=True)
    first, second = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert [output.text for output in first.outputs] == ["step 2"]
    assert second.outputs[0].data["text/plain"] == "42"
    assert (first.execution_count, second.execution_count) == (1, 2)
    assert "execution" not in second.metadata
    assert "step 1" in capsys.readouterr().out  # shown while it ran
    assert sorted(os.listdir(tmp_path)) == ["01_one.ipynb", "runs.json"]


def test_execute_notes_what_each_lecture_took_in_seconds_and_in_memory(tmp_path):
    large = "import time\nblock = bytearray(300 * 2**20)\nblock[::4096] = b'x' * len(block[::4096])\ndel block"
    for name in ("02_two.ipynb", "01_one.ipynb"):
        path = write_notebook(tmp_path / name, large, "time.sleep(1.2)", "6 * 7")
        course.run_notebook(path, save=True)
    runs = json.loads((tmp_path / "runs.json").read_text())
    assert list(runs) == ["01_one", "02_two"]
    *_, slow, quick = nbformat.read(path, as_version=4).cells
    assert runs["01_one"]["cell_seconds"][slow.id] >= 1
    assert quick.id not in runs["01_one"]["cell_seconds"]
    assert runs["01_one"]["seconds"] >= 1
    if sys.platform == "linux":  # the peak counts, though the memory was given back
        assert 300 < runs["01_one"]["peak_mebibytes"] < 500


def test_a_lecture_that_fails_is_left_as_it_was(tmp_path):
    path = write_notebook(tmp_path / "01_one.ipynb", "print('before')", "raise ValueError('in the lecture')")
    before = path.read_bytes()
    with pytest.raises(course.Stop, match="in the lecture"):
        course.run_notebook(path, save=True)
    assert path.read_bytes() == before


# --- the command line -------------------------------------------------------------------------------------------------


def test_help_tells_every_command_and_needs_no_environment(tmp_path):
    told = subprocess.run([sys.executable, course.__file__, "--help"], cwd=tmp_path, capture_output=True, text=True)
    assert told.returncode == 0
    for command in ("lab", "test", "data", "slides", "site", "evidence", "execute", "doctor"):
        assert re.search(rf"^    {command} +\w", told.stdout, re.MULTILINE)


@pytest.mark.parametrize("line", [[], ["open"], ["lab", "--prot", "1"]])
def test_a_command_line_that_is_not_understood_is_answered_with_its_usage(line, capsys):
    with pytest.raises(SystemExit):
        course.main(line)
    assert "usage:" in capsys.readouterr().err
