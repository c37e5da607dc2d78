"""The commands of ``course.py``: what each runs inside the environment, and what it tells the reader."""

import errno
import importlib
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import nbformat
import pytest

from course_utils import commands, refusals
from course_utils.commands import __main__, doctor, evidence, execute, lab, test
from course_utils.files import CHECKOUT, START
from course_utils.refusals import Stop


@pytest.fixture(autouse=True)
def _leave_the_process_as_it_was(monkeypatch):
    monkeypatch.chdir(CHECKOUT)  # and back afterwards, wherever a command goes
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with mock.patch.dict(os.environ):
        yield


@pytest.fixture
def run(capsys):
    """Run a command line in this process; give its status and what it wrote."""

    def run(*command_line):
        status = __main__.main(list(command_line))
        written = capsys.readouterr()
        return SimpleNamespace(status=status, out=written.out, err=written.err)

    return run


# --- all commands -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", __main__.MODULES)
def test_each_command_has_a_module_with_something_to_run(command):
    assert callable(importlib.import_module(__main__.MODULES[command]).run)


def test_what_follows_a_command_reaches_its_module(run, monkeypatch):
    seen = []
    module = SimpleNamespace(run=lambda arguments: seen.append(arguments) or 3)
    wanted = __main__.MODULES["handout"]
    monkeypatch.setattr(__main__.importlib, "import_module", lambda asked: module if asked == wanted else None)
    assert run("handout", "out").status == 3
    assert seen[0].folder == Path("out")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full"),
        (OSError(errno.EROFS, "Read-only file system", "/course/build"), "(/course/build) cannot be written to"),
        (OSError(errno.EACCES, "Permission denied", "/course/build"), "(/course/build) cannot be read or"),
        (OSError(errno.EFBIG, "File too large"), "ulimit -f"),
        (Stop("All is said."), "All is said."),
    ],
)
def test_what_a_reader_can_help_is_a_sentence_and_no_traceback(error, sentence, run, monkeypatch):
    monkeypatch.setattr(__main__, "run", mock.Mock(side_effect=error))
    monkeypatch.setattr(refusals, "give_up_output", lambda: None)
    result = run("slides")
    assert result.status == 1
    assert sentence in result.err


def test_a_reader_who_has_seen_enough_is_no_error(run, monkeypatch):
    monkeypatch.setattr(__main__, "run", mock.Mock(side_effect=BrokenPipeError))
    monkeypatch.setattr(refusals, "give_up_output", given_up := mock.Mock())
    assert run("data", "list").status == 0
    given_up.assert_called_once()


def test_ctrl_c_ends_a_command_with_a_word_and_the_usual_status(run, monkeypatch):
    monkeypatch.setattr(__main__, "run", mock.Mock(side_effect=KeyboardInterrupt))
    result = run("site")
    assert result.status == 130
    assert "Stopped." in result.err


@pytest.mark.parametrize("home", ["missing", "a file"])
def test_a_home_folder_that_cannot_be_written_is_replaced_for_jupyter_and_ipython(home, tmp_path, monkeypatch):
    if home == "a file":
        (tmp_path / home).touch()
    monkeypatch.setenv("HOME", str(tmp_path / home))
    monkeypatch.setattr(commands.tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("JUPYTER_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("IPYTHONDIR", "/where/the/reader/wants/it")
    commands.do_without_a_home()
    assert Path(os.environ["JUPYTER_RUNTIME_DIR"]).parent.parent == tmp_path
    assert os.environ["IPYTHONDIR"] == "/where/the/reader/wants/it"


def test_a_home_folder_that_can_be_written_is_used(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("JUPYTER_RUNTIME_DIR", raising=False)
    commands.do_without_a_home()
    assert "JUPYTER_RUNTIME_DIR" not in os.environ
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["home", "progress"])
def test_temporary_folders_of_killed_processes_are_removed_and_those_in_use_are_not(name, tmp_path, monkeypatch):
    monkeypatch.setattr(commands.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(commands.atexit, "register", lambda *_, **__: None)
    monkeypatch.delenv("JUPYTER_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "missing"))
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    killed, in_use, of_others = (
        tmp_path / folder
        for folder in (f"course-{name}-{gone.pid}-x", f"course-{name}-{os.getpid()}-x", "course-home-x")
    )
    for folder in (killed, in_use, of_others):
        folder.mkdir()
    commands.do_without_a_home()
    commands.keep_progress_apart()
    assert [folder.exists() for folder in (killed, in_use, of_others)] == [False, True, True]
    assert {path.name.rpartition("-")[0] for path in tmp_path.iterdir()} >= {
        f"course-home-{os.getpid()}",
        f"course-progress-{os.getpid()}",
    }


# --- lab --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def opened(run, monkeypatch, tmp_path):
    """Open the course where the output is no terminal, and give the server's command line."""
    monkeypatch.setattr(lab.copies, "copies_folder", lambda: tmp_path / "mine")
    monkeypatch.setattr(lab.copies, "EXPERIMENT_NOTEBOOKS", [])
    monkeypatch.setattr(lab.copies, "START_AND_LECTURES", [START])

    def opened(*arguments):
        monkeypatch.setattr(lab.os, "execv", replaced := mock.Mock(side_effect=SystemExit))
        with pytest.raises(SystemExit):
            run("lab", *arguments)
        return replaced.call_args.args[1]

    return opened


def test_lab_opens_the_first_lecture_on_this_machine_only_and_keeps_the_token(opened):
    line = " ".join(opened())
    assert "--ip=127.0.0.1" in line
    assert not re.search(r"token|password|--no-browser|--port", line)


def test_lab_opens_a_copy_that_it_has_made_and_to_those_who_edit_the_lectures_themselves(opened, tmp_path):
    line = " ".join(opened())
    assert (tmp_path / "mine" / START.name).is_file()
    assert f"root_dir={tmp_path / 'mine'} " in line
    assert f"/lab/tree/{START.name} " in line
    (tmp_path / "mine" / START.name).unlink()
    line = " ".join(opened("--edit"))
    assert not (tmp_path / "mine" / START.name).exists()
    assert f"root_dir={CHECKOUT} " in line
    assert f"/lab/tree/notebooks/{START.name} " in line


def test_lab_opens_copies_that_are_in_the_checkout_from_the_checkout(opened, monkeypatch, tmp_path):
    monkeypatch.setattr(lab, "CHECKOUT", tmp_path)
    line = " ".join(opened())
    assert f"root_dir={tmp_path} " in line
    assert f"/lab/tree/mine/{START.name} " in line


def test_lab_says_which_lectures_have_changed_since_they_were_copied(opened, monkeypatch, capsys):
    opened()
    assert "python3 course.py update" not in capsys.readouterr().out
    monkeypatch.setattr(lab.copies, "has_changed", lambda original: True)
    opened()
    assert f"{START.name}. To carry your answers over: python3 course.py update" in capsys.readouterr().out


def test_the_browser_is_handed_the_address_and_no_file_that_it_might_not_see(opened):
    assert "--ServerApp.use_redirect_file=False" in opened()


def test_lab_takes_a_port_and_can_leave_the_browser_alone(opened):
    assert {"--no-browser", "--port=8899"} <= set(opened("--no-browser", "--port", "8899"))


def test_a_port_that_was_asked_for_is_not_exchanged_for_the_next_free_one(opened):
    assert "--ServerApp.port_retries=0" in opened("--port", "8899")
    assert not any("port_retries" in word for word in opened())


def test_lab_keeps_its_layout_and_its_settings_apart_from_those_of_the_readers_other_work(
    opened, tmp_path, monkeypatch
):
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "/the/readers/own")
    (layouts,) = [Path(word.partition("=")[2]) for word in opened() if word.startswith("--LabApp.workspaces_dir=")]
    assert layouts.is_relative_to(tmp_path / "mine")
    (layout,) = layouts.iterdir()
    assert '"current": "@jupyterlab/toc:plugin"' in layout.read_text(encoding="utf-8")
    ours, others = os.environ["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    assert others == "/the/readers/own"
    for settings in Path(ours).rglob("*.json"):
        assert json.loads(settings.read_text(encoding="utf-8"))
    layout.write_text('{"data": {"mine": 1}, "metadata": {"id": "default"}}', encoding="utf-8")
    opened()
    assert "mine" in layout.read_text(encoding="utf-8")  # the reader has moved the panels since
    layout.write_text('{"data"', encoding="utf-8")
    opened()
    assert "@jupyterlab/toc:plugin" in layout.read_text(encoding="utf-8")


def test_json_is_out_of_sight_to_a_learner_and_in_sight_to_those_who_edit(opened):
    assert any("hide_globs" in word and "*.json" in word for word in opened())
    assert not any("hide_globs" in word for word in opened("--edit"))


def test_notebooks_that_are_edited_show_their_stored_maps_at_once(opened, monkeypatch):
    monkeypatch.setattr(lab.copies, "trust", trust := mock.Mock())
    monkeypatch.setattr(lab, "START_AND_LECTURES", [START])
    monkeypatch.setattr(lab, "EXPERIMENT_NOTEBOOKS", [])
    opened("--edit")
    trust.assert_called_once_with(START, START)


@pytest.mark.parametrize(("user", "allowed"), [(0, True), (1009, False)])
def test_only_root_needs_leave_to_start_jupyterlab(user, allowed, opened, monkeypatch):
    monkeypatch.setattr(lab.os, "geteuid", lambda: user)
    assert ("--allow-root" in opened()) is allowed


def test_last_words_leave_out_what_only_informs(tmp_path):
    (tmp_path / "log").write_text("[I 08:37 ServerApp] loaded\n[C 08:37 ServerApp] port 1 is not available\n")
    assert lab.last_words(tmp_path / "log") == "[C 08:37 ServerApp] port 1 is not available"


SERVER = "import sys, time; print('much that nobody asked for'); sys.stdout.flush(); time.sleep({}); sys.exit({})"


@pytest.fixture
def logs(tmp_path, monkeypatch):
    monkeypatch.setattr(lab.tempfile, "tempdir", str(tmp_path))
    return lambda: list(tmp_path.glob("course-lab-*.log"))


def test_on_a_terminal_lab_says_four_lines_and_ends_with_ctrl_c(logs, capfd, monkeypatch):
    servers = []

    def running():
        return [{"pid": servers[0].pid, "url": "http://127.0.0.1:8888/", "token": "t0ken"}] if servers else []

    def start(*args, **options):
        servers.append(popen(*args, **options))
        monkeypatch.setattr(servers[0], "wait", mock.Mock(side_effect=[KeyboardInterrupt, 0]))
        return servers[0]

    popen, ended = subprocess.Popen, subprocess.Popen.wait
    monkeypatch.setattr(lab, "list_running_servers", running)
    monkeypatch.setattr(lab.subprocess, "Popen", start)
    assert lab.serve([sys.executable, "-c", SERVER.format(600, 0)], "mine/00.ipynb", no_browser=False) == 0
    told = capfd.readouterr().out
    said, closed = told.split("\n\n")
    assert said.count("\n") == 3
    assert "http://127.0.0.1:8888/lab/tree/mine/00.ipynb?token=t0ken" in said
    assert "Ctrl-C" in said
    assert "course-lab-" in said
    assert "closed" in closed
    assert "nobody asked" not in told
    assert logs() == []
    assert ended(servers[0]) == -signal.SIGTERM


CLOSED_WINDOW = """
import os, signal, subprocess, sys
from course_utils.commands import lab
servers, popen = [], subprocess.Popen
def close_the_window():
    os.kill(os.getpid(), signal.SIGHUP)
    return []
lab.list_running_servers = close_the_window
lab.subprocess.Popen = lambda *args, **options: servers.append(popen(*args, **options)) or servers[0]
status = lab.serve([sys.executable, "-c", "import time; time.sleep(60)"], "mine/00.ipynb", no_browser=True)
print("ended by", -servers[0].wait())
"""


def test_a_closed_window_ends_the_server_too(tmp_path):
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    said = subprocess.run([sys.executable, "-c", CLOSED_WINDOW], env=environment, capture_output=True, text=True)
    assert said.stdout.splitlines()[-1:] == [f"ended by {signal.SIGTERM.value}"]


def test_a_server_that_does_not_start_is_told_with_its_last_words_and_its_log_is_kept(logs, monkeypatch):
    monkeypatch.setattr(lab, "list_running_servers", lambda: [])
    with pytest.raises(Stop, match="did not start") as stop:
        lab.serve([sys.executable, "-c", SERVER.format(0, 3)], "mine/00.ipynb", no_browser=True)
    assert "much that nobody asked for" in str(stop.value)
    assert str(logs()[0]) in str(stop.value)


DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"


def test_what_does_not_end_when_it_is_asked_is_ended_by_force(monkeypatch):
    monkeypatch.setattr(commands, "LAST_PATIENCE", 1)
    with subprocess.Popen([sys.executable, "-c", DEAF], stdout=subprocess.PIPE) as process:
        process.stdout.readline()  # it is deaf now
        commands.end(process, 1)
        assert process.returncode == -signal.SIGKILL


# --- test -------------------------------------------------------------------------------------------------------------

FAILING = [sys.executable, "-c", "print('what went wrong'); raise SystemExit(1)"]
REPORT = """<testsuites><testsuite tests="7" failures="{failures}" errors="0" skipped="2">
<testcase classname="notebooks.02_bahdanau_attention.ipynb" name="Cell 0" time="3.5"/>
<testcase classname="notebooks.02_bahdanau_attention.ipynb" name="Cell 1" time="7.25"/>
<testcase classname="tests.test_x" name="a" time="0"><skipped message="no chromium is installed"/></testcase>
<testcase classname="tests.test_x" name="b" time="0"><skipped message="no chromium is installed"/></testcase>
<testcase classname="notebooks.06_graph_attention.ipynb" name="Cell 0" time="11.0"/>
<testcase classname="notebooks.experiments.06_graph_attention.ipynb" name="Cell 0" time="2.5"/>
</testsuite></testsuites>"""


@pytest.fixture
def entered(monkeypatch):
    """Note the stages instead of running them; a name that is added to `failing` makes that stage fail."""
    noted = SimpleNamespace(groups=[], failing=set(), failures=0, shown=[])

    def run_side_by_side(group):
        noted.groups.append([stage.name for stage in group])
        for stage in group:
            stage.status = int(stage.name in noted.failing)
            stage.output = "what the stage wrote"
            if stage.report:
                stage.report.write_text(REPORT.format(failures=noted.failures * stage.status), encoding="utf-8")

    monkeypatch.setattr(test, "run_side_by_side", run_side_by_side)
    monkeypatch.setattr(test, "show", lambda command: noted.shown.append(command[1:]) or 0)
    return noted


def test_arguments_after_test_go_to_pytest_and_nothing_else_runs(entered, run):
    run("test", "-k", "mask", "-x")
    assert entered.shown == [["-m", "pytest", "-k", "mask", "-x"]]
    assert entered.groups == []


def test_other_machines_are_played_whole_on_demand(entered, run):
    run("test", "--machines")
    run("test", "--machines", "--short")
    assert entered.shown == [
        ["-m", "course_utils.commands.machines"],
        ["-m", "course_utils.commands.machines", "--short"],
    ]


def test_without_arguments_test_runs_every_stage_in_order(entered, run):
    assert run("test").status == 0
    assert entered.groups == [
        ["lint", "layout", "types"],
        ["data"],
        ["slides", "site"],
        ["unit tests"],
        ["notebooks"],
        ["browser"],
    ]


def test_each_stage_runs_what_its_name_says(tmp_path):
    lines = {stage.name: " ".join(stage.command[1:]) for group in test.stages(tmp_path) for stage in group}
    assert lines["data"] == "-m course_utils.data build"
    assert lines["slides"] == "-m course_utils.publishing.slides"
    two = "-n 2 --dist loadfile --max-worker-restart=0"
    assert lines["unit tests"].startswith(f"-m pytest -m not browser and not thorough {two} tests ")
    assert "--nbval-lax --nbval-current-env --nbval-sanitize-with=tests/nbval.cfg" in lines["notebooks"]
    assert f"--nbval-cell-timeout=800 {two}" in lines["notebooks"]
    assert f"-m browser and not thorough {two} --no-loadscope-reorder tests/browser" in lines["browser"]


@pytest.mark.thorough
def test_a_test_that_hangs_shows_where_and_ends_the_run_also_when_all_other_files_are_done(tmp_path):
    for name in ("first", "second", "third"):
        (tmp_path / f"test_{name}.py").write_text("def test_ends():\n    pass\n\ndef test_ends_too():\n    pass\n")
    (tmp_path / "test_hangs.py").write_text("import time\n\ndef test_hangs():\n    time.sleep(600)\n")
    settings = ["-c", str(CHECKOUT / "pyproject.toml"), "--confcutdir", str(tmp_path), "-o", "faulthandler_timeout=10"]
    command = [*test.PYTEST, *settings, *test.TWO_AT_A_TIME, str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=tmp_path, timeout=300)
    assert ended.returncode == 1
    assert "line 4 in test_hangs" in ended.stderr
    assert "crashed and worker restarting disabled" in ended.stdout
    assert "1 failed, 6 passed" in ended.stdout


def test_all_leaves_nothing_out_and_without_it_what_is_left_out_is_said(entered, run, tmp_path):
    lines = {stage.name: " ".join(stage.command[1:]) for group in test.stages(tmp_path, True) for stage in group}
    assert not any("thorough" in line for line in lines.values())
    hint = "python3 course.py test --all"
    assert hint in run("test").out
    asked = run("test", "--all")
    assert asked.status == 0
    assert hint not in asked.out
    assert entered.groups[: len(entered.groups) // 2] == entered.groups[len(entered.groups) // 2 :]


def test_no_test_knows_of_the_readers_progress(entered, run):
    run("test")
    assert str(os.getpid()) in os.environ["COURSE_PROGRESS"]


@pytest.mark.parametrize(("failures", "counts"), [(0, "20 passed, 0 failed, 6 skipped"), (3, "17 passed, 3 failed")])
def test_the_last_line_counts_all_stages_and_each_notebook_has_its_seconds(failures, counts, entered, run):
    entered.failures, entered.failing = failures, {"notebooks"} if failures else set()
    result = run("test")
    lines = result.out.splitlines()
    assert counts.replace("20", "21").replace("17", "18") in lines[-1]  # and five stages that count as one
    assert result.status == (1 if failures else 0)
    assert f"notebooks: {'FAILED' if failures else 'ok'}" in lines[-2]
    assert re.search(r"02_bahdanau_attention +10\.8 s", result.out)
    assert re.search(r"^06_graph_attention +11\.0 s", result.out, re.MULTILINE)
    assert re.search(r"^experiments/06_graph_attention +2\.5 s", result.out, re.MULTILINE)
    assert ("what the stage wrote" in result.out) is bool(failures)


def test_why_tests_were_skipped_is_said_even_where_all_is_well(entered, run):
    assert run("test").out.count("2 skipped: no chromium is installed") == 3


@pytest.mark.parametrize("failing", ["lint", "types", "data", "site", "unit tests", "notebooks", "browser"])
def test_one_failing_stage_fails_the_run_but_stops_no_other(failing, entered, run):
    entered.failing, entered.failures = {failing}, 1
    result = run("test")
    assert result.status == 1
    assert sum(map(len, entered.groups)) == 9
    assert f"{failing}: FAILED" in result.out.splitlines()[-2]
    assert ", 1 failed, " in result.out.splitlines()[-1]


def test_a_pytest_that_breaks_without_a_failed_test_counts_as_one_failure(tmp_path):
    report = tmp_path / "unit.xml"
    report.write_text(REPORT.format(failures=0), encoding="utf-8")
    assert test.Stage("unit tests", [], report, status=2).counts == (5, 1, 2)


def test_a_report_that_was_cut_off_counts_as_one_failure(tmp_path):
    report = tmp_path / "unit.xml"
    report.write_text(REPORT.format(failures=0)[:200], encoding="utf-8")
    stage = test.Stage("unit tests", [], report, status=2)
    assert stage.counts == (0, 1, 0)
    assert not stage.reasons
    assert test.seconds_per_notebook(report) == {}


def test_stages_side_by_side_keep_apart_what_they_write_and_how_they_end(capsys):
    group = [test.Stage("good", [sys.executable, "-c", "print('all well')"]), test.Stage("bad", FAILING)]
    test.run_side_by_side(group)
    assert [stage.status for stage in group] == [0, 1]
    assert [stage.output.strip() for stage in group] == ["all well", "what went wrong"]
    for stage in group:
        test.tell(stage)
    told = capsys.readouterr().out
    assert "all well" not in told
    assert "what went wrong" in told
    assert [line.split()[:2] for line in told.splitlines()[:2]] == [["good", "ok"], ["bad", "FAILED"]]


SPEAKS_ONCE = [sys.executable, "-c", "import time; print('the last word', flush=True); time.sleep(600)"]


def test_a_stage_that_falls_silent_is_ended_and_has_failed_and_its_words_are_shown(monkeypatch, capsys):
    monkeypatch.setattr(test, "LONGEST_SILENCE", 8)  # on a busy machine Python takes a while to its first word
    monkeypatch.setattr(test, "end", lambda process: (process.kill(), process.wait()))
    speaks = "import time\nfor _ in range(40): time.sleep(0.25); print('.', flush=True)"
    group = [test.Stage("silent", SPEAKS_ONCE), test.Stage("speaks", [sys.executable, "-c", speaks])]
    test.run_side_by_side(group)
    assert [stage.status for stage in group] == [-signal.SIGKILL, 0]
    assert group[1].output == ".\n" * 40
    test.tell(group[0])
    assert "the last word\n\nended, for it had written nothing for 8 s" in capsys.readouterr().out


def test_where_the_run_is_stopped_each_stage_that_runs_shows_its_last_lines(monkeypatch, capsys):
    processes, sleep = [], test.time.sleep
    monkeypatch.setattr(test, "end", lambda process: (processes.append(process), process.kill(), process.wait()))

    def stopped(seconds):
        sleep(seconds)
        if any("the last word" in running.written() for running in running_stages):
            raise KeyboardInterrupt

    running_stages, running = [], test.Running
    monkeypatch.setattr(test, "Running", lambda *given: running_stages.append(running(*given)) or running_stages[-1])
    monkeypatch.setattr(test.time, "sleep", stopped)
    with pytest.raises(KeyboardInterrupt):
        test.run_side_by_side([test.Stage("unit tests", SPEAKS_ONCE)])
    assert "unit tests did not end; the last that it wrote:\nthe last word\n" in capsys.readouterr().out
    assert len(processes) == 1


# --- doctor, inside ---------------------------------------------------------------------------------------------------


@pytest.fixture
def answers(monkeypatch, tmp_path):
    """Give what is found installed and what importing answers; to be changed by a test."""
    monkeypatch.delenv("COURSE_DATA", raising=False)
    pinned = doctor.pins((CHECKOUT / "requirements.lock").read_text(encoding="utf-8"))
    known = {**pinned, "import torch": "works", "import dgl": "works"}
    known["torch"] += "+cpu"
    monkeypatch.setattr(doctor, "installed", lambda name: known[name])
    monkeypatch.setattr(doctor, "last_line", lambda code: known[code.split(";")[0]])
    return known


def test_doctor_compares_what_is_installed_with_the_lock(answers, capsys):
    assert doctor.main() == 0
    told = capsys.readouterr().out
    assert "!!" not in told
    assert re.search(r"ok torch +2\.13\.0\+cpu", told)
    assert re.search(r"ok import dgl +works", told)
    assert "cora" in told


@pytest.mark.parametrize(
    ("subject", "found", "advice"),
    [
        ("import torch", "ImportError: libtorch.so: cannot open shared object file", "Delete"),
        ("dgl", "0.9.1", "The course pins"),
        ("numpy", "is missing", "The course pins"),
    ],
)
def test_doctor_says_for_each_problem_inside_what_to_do(subject, found, advice, answers, capsys):
    answers[subject] = found
    assert doctor.main() == 1
    told = capsys.readouterr().out
    assert advice in told[told.index(f"!! {subject:15}{found}") :]
    assert told.count("!!") == 1


@pytest.mark.parametrize(("listed", "told"), [("NanumGothic,나눔고딕\n", "ok Hangul"), ("", "apt install fonts-nanum")])
def test_doctor_names_the_face_with_hangul_or_the_command_that_installs_one(listed, told, monkeypatch, capsys):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(doctor.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, listed))
    monkeypatch.setattr(doctor, "look_at_packages", list)
    monkeypatch.setattr(doctor, "look_for_data", list)
    assert doctor.main() == 0
    assert told in capsys.readouterr().out


def test_a_data_folder_that_is_not_there_is_a_problem(answers, capsys, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "/nowhere/data")
    assert doctor.main() == 1
    assert "unset COURSE_DATA" in capsys.readouterr().out


def test_the_lock_is_read_for_this_python():
    lock = 'dgl==1.1.3 ; python_version < "3"\ndgl==2.1.0 ; python_version >= "3"\ntorch==2.13.0\n'
    assert doctor.pins(lock) == {"dgl": "2.1.0", "torch": "2.13.0"}


def test_what_importing_says_last_is_told_be_it_an_error():
    assert doctor.last_line("print('first'); print('works')") == "works"
    assert doctor.last_line("raise ImportError('no library')") == "ImportError: no library"
    assert doctor.last_line("raise SystemExit(3)") == "no answer, exit status 3"
    assert doctor.installed("no-such-package-anywhere") == "is missing"


def test_data_sets_are_found_in_the_readers_folder_and_in_the_cache(tmp_path, monkeypatch):
    (tmp_path / "registry.json").write_text(
        '{"cora": {"files": [{"file": "cora/x"}, {"file": "cora/y"}]}}', encoding="utf-8"
    )
    monkeypatch.setattr(doctor, "REGISTRY", tmp_path / "registry.json")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("COURSE_DATA", raising=False)

    def found():
        (line,) = doctor.look_for_data()
        return line[1]

    assert found() == "not here: cora"
    for place in (tmp_path / "cache/downloads/cora/x", tmp_path / "mine/cora/y"):
        place.parent.mkdir(parents=True)
        place.touch()
    assert found().startswith("1 of 2")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "mine"))
    assert found().startswith("2 of 2")


# --- evidence and execute ---------------------------------------------------------------------------------------------


def write_notebook(path, *sources):
    """Write a notebook of one Markdown cell, which mentions measure("of_the_prose"), and these code cells."""
    cells = [nbformat.v4.new_markdown_cell('Call `measure("of_the_prose", …)`.')]
    cells += [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


@pytest.fixture
def two_lectures(tmp_path, monkeypatch):
    folder = tmp_path / "notebooks"
    (folder / "experiments").mkdir(parents=True)
    for module in (evidence, execute):
        monkeypatch.setattr(module, "NOTEBOOKS", folder)
        monkeypatch.setattr(module, "EXPERIMENTS", folder / "experiments")
    first = write_notebook(folder / "01_one.ipynb", 'record = measure("01_lengths", run, [0, 1, 2], claims)')
    second = write_notebook(
        folder / "02_two.ipynb",
        'record = measure(\n    "02_inversion", run, range(3), claims\n)',
        'earlier = stored("01_lengths")\nmeasure(name="02_scores", experiment=run)',
    )
    return first, second


def test_every_record_is_found_in_the_lecture_that_measures_it(two_lectures):
    first, second = two_lectures
    assert evidence.find_records([]) == ({"01_lengths": first, "02_inversion": second, "02_scores": second}, [])
    assert evidence.find_records(["02_scores"]) == ({"02_scores": second}, [])


def test_an_unknown_record_is_answered_with_the_list_of_those_there_are(two_lectures, run):
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
    asked, notebooks, quick, device, two_lectures, run, monkeypatch
):
    ran = []
    monkeypatch.delenv("COURSE_DEVICE", raising=False)
    monkeypatch.setattr(execute, "run_notebook", lambda path, save, first="": ran.append((path.stem, save)))
    assert run("evidence", *asked).status == 0
    assert ran == [(name, False) for name in notebooks]
    wanted = [name for name in asked if not name.startswith("--")] or ["01_lengths", "02_inversion", "02_scores"]
    assert os.environ["COURSE_EVIDENCE"].split(",") == wanted
    assert os.environ.get("COURSE_EVIDENCE_QUICK") == quick
    assert os.environ.get("COURSE_DEVICE") == device


@pytest.mark.parametrize(
    ("asked", "workers", "scheduler"),
    [((), None, None), (("--workers", "3"), "3", None), (("--scheduler", "tcp://a:1"), None, "tcp://a:1")],
)
def test_evidence_tells_the_kernels_where_seeds_are_measured(asked, workers, scheduler, two_lectures, run, monkeypatch):
    told = {}
    names = ("COURSE_WORKERS", "COURSE_SCHEDULER")
    for name in names:
        os.environ.pop(name, None)
    monkeypatch.setattr(
        execute, "run_notebook", lambda path, save, first="": told.update({n: os.environ.get(n) for n in names})
    )
    client = SimpleNamespace(nthreads=lambda: {"w1": 1, "w2": 1})
    monkeypatch.setattr(evidence, "cluster", lambda address: nullcontext((client, {"processor": f"of {address}"})))
    result = run("evidence", "01_lengths", *asked)
    assert result.status == 0
    assert told == {"COURSE_WORKERS": workers, "COURSE_SCHEDULER": scheduler}
    assert ("2 workers at tcp://a:1: of tcp://a:1." in result.out) == bool(scheduler)


def test_a_cluster_that_is_refused_is_one_sentence_and_nothing_runs(two_lectures, run, monkeypatch):
    def refused(address):
        raise Stop(f"No Dask scheduler answers at {address}.")

    monkeypatch.setattr(evidence, "cluster", refused)
    monkeypatch.setattr(execute, "run_notebook", lambda path, save, first="": pytest.fail("it ran"))
    result = run("evidence", "01_lengths", "--scheduler", "tcp://a:1")
    assert (result.status, result.err.strip()) == (1, "No Dask scheduler answers at tcp://a:1.")


@pytest.mark.parametrize("name", ["02", "02_two", "notebooks/02_two.ipynb"])
def test_a_lecture_is_found_by_its_number_its_name_or_its_path(name, two_lectures):
    assert execute.find_lectures([name]) == [two_lectures[1]]


def test_no_name_means_all_lectures_and_after_them_the_experiments(two_lectures):
    folder = two_lectures[0].parent
    start = write_notebook(folder / "00_start_here.ipynb", "1")
    experiments = [write_notebook(folder / "experiments" / f"{name}.ipynb", "1") for name in ("01_one", "02_two")]
    assert execute.find_lectures([]) == [start, *two_lectures, *experiments]


@pytest.mark.parametrize("name", ["07", "0"])
def test_a_name_that_means_no_one_lecture_is_answered_with_the_list(name, two_lectures, run):
    result = run("execute", name)
    assert result.status == 1
    assert "01_one, 02_two" in result.err


def test_execute_keeps_the_outputs_of_one_clean_run_and_of_progress_bars_the_last_state(tmp_path, capsys):
    bar = "import sys\nfor i in range(3):\n    print(f'\\rstep {i}', end='', file=sys.stderr)"
    path = write_notebook(tmp_path / "01_one.ipynb", bar, "6 * 7")
    execute.run_notebook(path, save=True)
    execute.run_notebook(path, save=True)
    first, second = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert [output.text for output in first.outputs] == ["step 2"]
    assert second.outputs[0].data["text/plain"] == "42"
    assert (first.execution_count, second.execution_count) == (1, 2)
    assert "execution" not in second.metadata
    assert "step 1" in capsys.readouterr().out  # shown while it ran
    assert sorted(os.listdir(tmp_path)) == ["01_one.ipynb", "experiments"]


def test_a_kernel_runs_what_comes_first_before_the_cells_and_does_not_count_it(tmp_path):
    path = write_notebook(tmp_path / "01_one.ipynb", "print(early)")
    execute.run_notebook(path, save=True, first="early = 'was here'")
    *_, cell = nbformat.read(path, as_version=4).cells
    assert [output.text for output in cell.outputs] == ["was here\n"]
    assert cell.execution_count == 1


def test_execute_notes_what_each_lecture_took_in_seconds_and_in_memory(tmp_path):
    large = "import time\nblock = bytearray(300 * 2**20)\nblock[::4096] = b'x' * len(block[::4096])\ndel block"
    for name in ("02_two.ipynb", "01_one.ipynb"):
        path = write_notebook(tmp_path / name, large, "time.sleep(1.2)", "6 * 7")
        execute.run_notebook(path, save=True)
    runs = json.loads((tmp_path / "experiments" / "runs.json").read_text(encoding="utf-8"))
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
    with pytest.raises(Stop, match="in the lecture"):
        execute.run_notebook(path, save=True)
    assert path.read_bytes() == before
