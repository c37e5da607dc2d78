"""Faults that need processes of their own: two at once, a kill, Ctrl-C, an output that is closed."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from course_utils.commands import execute
from course_utils.exercises import classroom
from course_utils.files import CHECKOUT
from course_utils.folders import manifest, private_folder, put

pytestmark = pytest.mark.thorough

PROCESSES = get_context("fork")  # what a test has replaced is replaced in them, too


def put_pages(folder: Path, text: str) -> None:
    """Put twenty pages into a folder, again and again."""
    for turn in range(10):
        with private_folder(folder, "site") as work:
            for page in range(20):
                (work / f"{page}.html").write_text(f"{text} {turn}", encoding="utf-8")
            put(work, folder, "site")


def test_two_builds_at_once_leave_one_whole_result_and_touch_nothing_else(tmp_path):
    (tmp_path / "CNAME").write_text("mine", encoding="utf-8")
    with ProcessPoolExecutor(2, mp_context=PROCESSES) as pool:
        for done in [pool.submit(put_pages, tmp_path, text) for text in ("one", "two")]:
            done.result()
    pages = {path.read_text(encoding="utf-8") for path in tmp_path.glob("*.html")}
    assert len(pages) == 1
    assert (tmp_path / "CNAME").read_text(encoding="utf-8") == "mine"
    listed = json.loads(manifest(tmp_path, "site").read_text(encoding="utf-8"))
    assert set(listed) == {f"{page}.html" for page in range(20)}
    assert sorted(path.name for path in tmp_path.glob(".*")) == [".course-site.json"]


def test_what_a_killed_process_left_is_removed_and_what_one_is_using_is_not(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from course_utils.folders import private_folder\n"
        "with private_folder(Path(sys.argv[1]), 'site') as work:\n"
        "    (work / 'half.html').write_text('half', encoding='utf-8'); print(work, flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, encoding="utf-8") as process:
        theirs = Path(process.stdout.readline().strip())
        with private_folder(tmp_path, "site") as ours:
            left_alone = theirs.exists()
        process.kill()
    assert left_alone
    assert theirs.exists()
    assert not ours.exists()
    with private_folder(tmp_path, "site"):
        assert not theirs.exists()
    assert list(tmp_path.iterdir()) == []


def hand_out(folder: Path) -> str:
    """Hand out, and say what came of it."""
    try:
        return f"{len(classroom.handout(folder))} lectures"
    except FileExistsError as error:
        return str(error)


def test_two_handouts_at_once_are_one(tmp_path):
    with ProcessPoolExecutor(2, mp_context=PROCESSES) as pool:
        told = list(pool.map(hand_out, [tmp_path / "out"] * 2))
    assert told == [f"{len(classroom.START_AND_LECTURES)} lectures"] * 2
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [*(path.name for path in classroom.START_AND_LECTURES), "pictures"]


def note(folder: Path, number: int) -> None:
    """Note what several lectures took."""
    for turn in range(10):
        execute.note_run(folder / f"{number}{turn}_lecture.ipynb", turn, {}, None)


def test_what_lectures_took_is_noted_for_all_that_run_at_once(tmp_path):
    with ProcessPoolExecutor(3, mp_context=PROCESSES) as pool:
        for done in [pool.submit(note, tmp_path, number) for number in range(3)]:
            done.result()
    noted = json.loads((tmp_path / "experiments" / "runs.json").read_text(encoding="utf-8"))
    assert len(noted) == 30


def test_a_damaged_note_of_earlier_runs_is_named_and_left_alone(tmp_path, capsys):
    runs = tmp_path / "experiments" / "runs.json"
    runs.parent.mkdir()
    runs.write_text('{"01_lect', encoding="utf-8")
    execute.note_run(tmp_path / "01_lecture.ipynb", 3, {}, None)
    assert re.search(r"runs\.json is damaged .* not noted", capsys.readouterr().err.replace("\n", " "))
    assert runs.read_text(encoding="utf-8") == '{"01_lect'


RUNS = {
    "execute": (
        "from course_utils.commands import execute, __main__\n"
        "execute.find_lectures = lambda names: [Path(sys.argv[1])]\n"
        "sys.exit(__main__.main(['execute']))"
    ),
    "grade": (
        "from course_utils.commands import __main__\n"
        "sys.exit(__main__.main(['grade', str(Path(sys.argv[1]).parent), '--whole', '--seconds', '600']))"
    ),
}


@pytest.mark.parametrize(
    ("command", "number"), [("execute", signal.SIGINT), ("execute", signal.SIGTERM), ("grade", signal.SIGINT)]
)
def test_ctrl_c_in_a_cell_is_one_line_and_leaves_no_kernel(command, number, tmp_path):
    """The cell starts a program that the test can find: it is there while the cell runs, and gone afterwards."""
    mark = f"600.{os.getpid()}{number}"
    cell = f"import subprocess\nsubprocess.run(['sleep', '{mark}'])"
    path = tmp_path / "class" / "01_lecture.ipynb"
    path.parent.mkdir()
    nbformat.write(new_notebook(cells=[new_code_cell(cell), new_code_cell('check("01_last_state", x)')]), path)
    before = path.read_bytes()
    line = [sys.executable, "-c", f"import sys\nfrom pathlib import Path\n{RUNS[command]}", str(path)]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8"}
    with subprocess.Popen(line, cwd=CHECKOUT, start_new_session=True, **streams) as process:
        while not is_running(mark):
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(number)
        told = process.communicate()[0]
    assert process.returncode == 130
    assert "Traceback" not in told
    assert "Error" not in told
    assert told.splitlines()[-1] == "Stopped. The same command goes on, or begins anew."
    assert len(told.splitlines()) <= 8  # with the bar, the summary so far and empty lines
    assert path.read_bytes() == before
    assert not is_running(mark)


def is_running(mark: str) -> bool:
    """Look for a program with this mark in its command line."""
    lines = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    return any(line[:1] == ["sleep"] and mark in line for line in lines)


@pytest.mark.parametrize(
    ("command", "redirection", "says"),
    [
        ("slides 99", ">&-", "No lecture"),
        ("slides 99", "2>&- >&-", ""),
        ("progress", "> /dev/full", "takes no more"),
        ("progress", "| head -1", ""),
    ],
)
def test_an_output_that_is_closed_or_full_ends_in_no_traceback(command, redirection, says):
    if "/dev/full" in redirection and not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    line = f'"{sys.executable}" -P -m course_utils.commands {command} {redirection}'
    ended = subprocess.run(["sh", "-c", line], cwd=CHECKOUT, capture_output=True)
    told = ended.stderr.decode(errors="replace")
    assert "Traceback" not in told
    assert says in told
