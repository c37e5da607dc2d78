"""What is handed out holds no solution, and whatever comes back becomes a row, never a crash and never a gift."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import unicodedata
from dataclasses import replace
from fractions import Fraction
from html.parser import HTMLParser

import nbformat
import numpy as np
import psutil
import pytest
import torch
from nbconvert.filters import markdown2html
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_utils.exercises import answering, classroom, guard
from course_utils.exercises.answering import Request
from course_utils.exercises.catalogue import EXERCISES, of_lecture
from course_utils.exercises.classroom import grade, handout, main
from course_utils.exercises.plain import decode, encode
from course_utils.exercises.tables import (
    Learner,
    Row,
    as_csv,
    by_learner,
    by_question,
    canvas,
    feedback,
    learners,
    moodle,
    points,
    rows_table,
    summary,
)
from course_utils.files import CHECKOUT, LECTURES, NOTEBOOKS, START_AND_LECTURES
from course_utils.languages.catalogues import released
from course_utils.refusals import Stop

from .solutions import exercises, solution_code

pytestmark = pytest.mark.thorough

RIGHT = "def last_state(states, lengths):\n    return states[torch.arange(len(states)), lengths - 1]"
ONE_LINE = "lambda states, lengths: states[torch.arange(len(states)), lengths - 1]"
WRONG = "def last_state(states, lengths):\n    return states[:, -1]"
STUB = "def last_state(states, lengths):\n    raise NotImplementedError"
CHECK = 'check("01_last_state", last_state)'
IMPORTS = "import torch\nfrom course_utils.exercises.checks import check"
ANSWERING = classroom.Answering()  # one process for all tests; where a test brings it down, the next gets a new one


@pytest.fixture(scope="module", autouse=True)
def _ends_what_runs_answers():
    yield
    ANSWERING.close()


def returned(*sources, answer=None):
    cells = [new_code_cell(source) for source in sources]
    if answer is not None:
        cells.insert(1, new_code_cell(answer, metadata={"tags": ["exercise"]}))
    return new_notebook(cells=cells)


def graded(folder, notebook, **options):
    nbformat.write(notebook, folder / "kim.ipynb")
    rows = grade(folder, **{"seconds": 20, "whole": False, "answering": ANSWERING, **options})
    return {row.exercise: row for row in rows}


def graded_by_the_command(folder):
    """Grade in a process of its own: in the tests, functions that check types, which no pickle holds, replace ours."""
    command = [sys.executable, "-m", "course_utils.exercises.classroom", "grade", str(folder), "--seconds", "60"]
    subprocess.run(command, check=True, capture_output=True, cwd=CHECKOUT)
    return read((folder / "grades.csv").read_bytes())[1:]


def graded_apart(folder, notebook):
    nbformat.write(notebook, folder / "kim.ipynb")
    return {exercise: (result, message) for _, exercise, result, message, _ in graded_by_the_command(folder)}


def result(folder, *sources, exercise="01_last_state", **options):
    row = graded(folder, returned(*sources), **options)[exercise]
    return row.result, row.message


def test_what_is_handed_out_has_everything_but_the_solutions(tmp_path):
    for path, lecture in zip(handout(tmp_path), START_AND_LECTURES, strict=True):
        ours, theirs = nbformat.read(lecture, 4).cells, nbformat.read(path, 4).cells
        kept = [cell for cell in ours if "solution" not in cell.metadata.get("tags", [])]
        assert [cell.id for cell in theirs] == [cell.id for cell in kept] != [cell.id for cell in ours]
        assert [cell for cell in theirs if cell.cell_type == "code"] == [c for c in kept if c.cell_type == "code"]
        assert "<summary>Solution" not in path.read_text(encoding="utf-8")


def test_a_handout_does_not_speak_of_solutions_that_are_not_in_it(tmp_path):
    other = ("the same solution: its last digit", "writes the lectures without solutions")  # no exercise's
    for path in handout(tmp_path):
        for cell in nbformat.read(path, 4).cells:
            text = cell.source
            for words in other:
                text = text.replace(words, "")
            assert not re.search(r"\bsolutions?\b", text, re.IGNORECASE), f"{path.name}: {text}"


def test_handing_out_into_a_folder_that_holds_an_answer_writes_nothing(tmp_path):
    (tmp_path / LECTURES[2].name).write_text("mine", encoding="utf-8")
    with pytest.raises(FileExistsError, match=LECTURES[2].name):
        handout(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [LECTURES[2].name]
    assert (tmp_path / LECTURES[2].name).read_text(encoding="utf-8") == "mine"


class Pictures(HTMLParser):
    """Collects where the pictures of some HTML are."""

    def __init__(self, markup):
        super().__init__()
        self.found = []
        self.feed(markup)

    def handle_starttag(self, tag, attrs):
        self.found += [dict(attrs)["src"]] if tag == "img" else []


def pictures(notebook):
    for cell in notebook.cells:
        shown = [markdown2html(cell.source)] if cell.cell_type == "markdown" else []
        shown += ["".join(output.get("data", {}).get("text/html", "")) for output in cell.get("outputs", [])]
        yield from Pictures("".join(shown)).found


@pytest.mark.parametrize("language", ["", *released()])
def test_a_handout_has_each_picture_that_it_shows_and_no_other(tmp_path, language):
    written, shown = handout(tmp_path, language), set()
    for path in written:
        beside = {source for source in pictures(nbformat.read(path, 4)) if not source.startswith("data:")}
        assert not [source for source in beside if not (path.parent / source).is_file()], path.name
        shown |= beside
    assert len(shown) > 40
    assert shown == {f"pictures/{picture.name}" for picture in (tmp_path / "pictures").iterdir()}
    assert all((tmp_path / source).read_bytes() == (NOTEBOOKS / source).read_bytes() for source in shown)
    assert classroom.find_returned(tmp_path) == written  # a teacher may grade what lies in such a folder


@pytest.fixture
def one_lecture(monkeypatch):
    monkeypatch.setattr(classroom, "START_AND_LECTURES", [LECTURES[0]])


@pytest.mark.parametrize("is_link", [False, True])
def test_a_handout_replaces_no_picture_of_somebody_else_and_follows_no_link(tmp_path, one_lecture, is_link):
    theirs, folder = tmp_path / "theirs", tmp_path / "out"
    theirs.mkdir()
    (theirs / "01_unrolled.svg").write_text("mine", encoding="utf-8")
    folder.mkdir()
    if is_link:
        (folder / "pictures").symlink_to(theirs)
    else:
        theirs.rename(folder / "pictures")
    with pytest.raises(FileExistsError, match="holds pictures already; nothing was written"):
        handout(folder)
    assert [path.name for path in folder.iterdir()] == ["pictures"]
    assert [path.read_text(encoding="utf-8") for path in (folder / "pictures").iterdir()] == ["mine"]


def test_a_handout_that_is_refused_at_its_pictures_leaves_nothing_behind(tmp_path, one_lecture, monkeypatch):
    replace = os.replace

    def refuses_the_last(old, new):
        if new.name == "01_unrolled.svg":
            raise PermissionError("refused")
        replace(old, new)

    monkeypatch.setattr(os, "replace", refuses_the_last)
    with pytest.raises(PermissionError, match="refused"):
        handout(tmp_path)
    assert not [*tmp_path.iterdir()]


def test_right_wrong_and_missing_answers_are_told_apart(tmp_path):
    nbformat.write(returned(IMPORTS, CHECK, answer=RIGHT), tmp_path / "right.ipynb")
    nbformat.write(returned(IMPORTS, CHECK, answer=WRONG), tmp_path / "wrong.ipynb")
    nbformat.write(
        returned(IMPORTS, CHECK, answer="def last_state(*a):\n    raise NotImplementedError"), tmp_path / "x.ipynb"
    )
    (tmp_path / ".ipynb_checkpoints").mkdir()
    nbformat.write(returned(IMPORTS, CHECK, answer=WRONG), tmp_path / ".ipynb_checkpoints" / "right-checkpoint.ipynb")
    rows = [row for row in grade(tmp_path, 20, False, None, ANSWERING) if row.exercise == "01_last_state"]
    assert [(row.file, row.result) for row in rows] == [
        ("right.ipynb", "correct"),
        ("wrong.ipynb", "not yet"),
        ("x.ipynb", "not attempted"),
    ]
    assert any(wrong.message in rows[1].message for wrong in EXERCISES["01_last_state"].wrong_answers.values())


def test_every_exercise_of_the_lecture_gets_a_row_and_a_deleted_check_is_asked_all_the_same(tmp_path):
    rows = graded_apart(tmp_path, returned(IMPORTS, '# check("01_last_state")', answer=RIGHT))
    assert list(rows) == of_lecture("01")
    assert rows.pop("01_last_state")[0] == "correct"
    assert {result for result, _ in rows.values()} == {"not yet"}
    assert all("deleted" in message for _, message in rows.values())


def test_our_own_solutions_are_correct_and_our_own_stubs_are_not_attempted(tmp_path):
    for path in START_AND_LECTURES:
        ours = nbformat.read(path, as_version=4)
        nbformat.write(ours, tmp_path / f"{path.stem[:2]}_untouched.ipynb")
        answers = {cells.stub.id: solution_code(cells) for cells in exercises(path.stem)}
        for cell in ours.cells:
            cell.source = answers.get(cell.id, cell.source)
        nbformat.write(ours, tmp_path / f"{path.stem[:2]}_solved.ipynb")
    rows = graded_by_the_command(tmp_path)
    wanted = {
        (f"{name[:2]}_{state}.ipynb", name): result
        for name in EXERCISES
        for state, result in (("solved", "correct"), ("untouched", "not attempted"))
    }
    assert {(file, exercise): result for file, exercise, result, *_ in rows} == wanted, rows


# --- what learners do to cells ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sources",
    [
        pytest.param((IMPORTS, STUB, RIGHT, CHECK), id="the answer in a new cell"),
        pytest.param((IMPORTS, STUB, CHECK, RIGHT), id="the answer below the check"),
        pytest.param((IMPORTS, CHECK, STUB, RIGHT), id="the check above all"),
        pytest.param(
            (IMPORTS, RIGHT.replace("last_state", "mine"), 'check("01_last_state", mine)'), id="renamed with its check"
        ),
        pytest.param(
            (IMPORTS, "mine = lambda s, n: s[torch.arange(len(s)), n - 1]", 'check(answer=mine, name="01_last_state")'),
            id="by keyword",
        ),
        pytest.param((IMPORTS, f"%%time\n{RIGHT}", CHECK), id="timed by a cell magic"),
        pytest.param((IMPORTS, f"%matplotlib inline\n!ls\n{RIGHT}\n%timeit 1", CHECK), id="among magics"),
        pytest.param((IMPORTS, f"name = input('who?')\n{RIGHT}", CHECK), id="beside input()"),
        pytest.param((IMPORTS, f"1 / 0\n{RIGHT}", CHECK), id="behind an error"),
        pytest.param((IMPORTS, "def broken(:", RIGHT, CHECK), id="behind a cell that Python cannot read"),
        pytest.param((IMPORTS, "while True: pass", RIGHT, CHECK), id="behind a loop without end"),
        pytest.param((IMPORTS, "import os\nos._exit(3)", RIGHT, CHECK), id="behind the kernel's end"),
        pytest.param(
            (IMPORTS, "shift = 1", "pick = lambda n: n - shift", RIGHT.replace("lengths - 1", "pick(lengths)"), CHECK),
            id="helpers in other cells",
        ),
        pytest.param(
            (IMPORTS, "shifts = []\nshifts.append(1)", RIGHT.replace("lengths - 1", "lengths - shifts[0]"), CHECK),
            id="a helper that is filled",
        ),
        pytest.param(
            (IMPORTS, "try:\n    import no\nexcept ImportError:\n    no = 1", RIGHT.replace("- 1", "- no"), CHECK),
            id="a helper in a try",
        ),
        pytest.param(
            ("import torch\nfrom course_utils.exercises.checks import *", RIGHT, CHECK), id="everything imported"
        ),
        pytest.param(
            (IMPORTS, "from functools import cache\n@torch.no_grad()\n" + RIGHT, CHECK), id="with a decorator"
        ),
        pytest.param(
            (IMPORTS, "shifts = {}\nfor i in range(3):\n    shifts[i] = i", RIGHT.replace("- 1", "- shifts[1]"), CHECK),
            id="a helper that is filled in a loop",
        ),
        pytest.param(
            (IMPORTS, "shift = torch.tensor([0])\nshift.view(-1).add_(1)", RIGHT.replace("- 1", "- shift"), CHECK),
            id="a helper that is changed through a view",
        ),
        pytest.param(
            (IMPORTS, "def start():\n    global shift\n    shift = 1\nstart()", RIGHT.replace("- 1", "- shift"), CHECK),
            id="a global that a function assigns",
        ),
        pytest.param(
            (IMPORTS, "from __future__ import annotations", RIGHT.replace("states, lengths)", "states: T, lengths: T)"),
             CHECK),
            id="annotations that nobody evaluates",
        ),
        pytest.param(
            (IMPORTS, "@torch.jit.script\n" + RIGHT.replace("lengths)", "lengths: torch.Tensor)", 1), CHECK),
            id="compiled from its source",
        ),
        pytest.param((IMPORTS, WRONG, CHECK, RIGHT, CHECK), id="tried again below"),
        pytest.param((IMPORTS, WRONG, CHECK, RIGHT), id="tried again below and checked above"),
        pytest.param((IMPORTS, RIGHT, CHECK, WRONG), id="spoilt below"),
        pytest.param((IMPORTS, f"{RIGHT}\n{CHECK}\ndel last_state"), id="deleted behind its check"),
        pytest.param((IMPORTS, f"{RIGHT}\n{CHECK}\nlast_state = 3"), id="another value behind its check"),
        pytest.param((IMPORTS, f"def run():\n    {CHECK}\n{RIGHT}\nrun()"), id="checked in a function"),
        pytest.param((IMPORTS, RIGHT, """print(f"{check('01_last_state', last_state)}")"""), id="checked in a text"),
        pytest.param(
            (IMPORTS, RIGHT,
             "import os, time\ndef forks(s, n):\n    if os.fork() == 0: time.sleep(99)\n    return last_state(s, n)",
             CHECK.replace(", last_state", ", forks")),
            id="leaves a process behind",
        ),
    ],
)  # fmt: skip
def test_a_right_answer_is_found_wherever_it_is(tmp_path, sources):
    assert result(tmp_path, *sources) == ("correct", "correct.")


def test_a_prediction_in_a_new_cell_counts(tmp_path):
    check = 'check("01_gradient_left", predicted_share)'
    answer = EXERCISES["01_gradient_left"].reference()
    found = result(
        tmp_path, IMPORTS, "predicted_share = ...", f"predicted_share = {answer!r}", check, exercise="01_gradient_left"
    )
    assert found[0] == "correct"


def test_a_name_that_is_local_in_an_answer_brings_no_other_cell_with_it(tmp_path):
    trains = "states_again = open('/nothing/here')"
    local = RIGHT.replace("    return", "    states_again = states\n    return")
    assert result(tmp_path, IMPORTS, trains, local, CHECK)[0] == "correct"


def test_two_lectures_in_one_file_are_both_graded(tmp_path):
    other = 'check("02_softmax_axis", attend_in_rows)\ncheck("02_additive_score", additive_score)'
    found = graded(tmp_path, returned(IMPORTS, RIGHT, CHECK, 'check("01_greedy", greedy)', other))
    assert list(found) == [*of_lecture("01"), *of_lecture("02")]
    assert found["01_last_state"].result == "correct"


def test_what_a_text_cell_mentions_is_no_check(tmp_path):
    notebook = returned(IMPORTS, RIGHT, CHECK)
    notebook.cells += [new_markdown_cell(f'check("{name}", x)') for name in of_lecture("02")]
    assert list(graded(tmp_path, notebook)) == of_lecture("01")


def test_lost_checks_and_lost_tags_lose_no_answer(tmp_path):
    ours = nbformat.read(LECTURES[0], as_version=4)
    answers = {cells.stub.id: solution_code(cells) for cells in exercises(LECTURES[0].stem)}
    for cell in ours.cells:
        cell.source = answers.get(cell.get("id"), cell.source)
        cell.metadata = {}
    ours.cells = [cell for cell in ours.cells if not cell.source.startswith("check(")]
    assert {result for result, _ in graded_apart(tmp_path, ours).values()} == {"correct"}


def test_what_else_a_notebook_does_is_not_run_unless_asked(tmp_path):
    by_a_loop = f"for _ in range(1):\n    globals()['last_state'] = eval({ONE_LINE!r})"
    assert result(tmp_path, IMPORTS, by_a_loop, CHECK)[0] == "not yet"
    assert result(tmp_path, IMPORTS, by_a_loop, CHECK, whole=True)[0] == "correct"
    assert result(tmp_path, IMPORTS, "raise SystemExit", RIGHT, CHECK, whole=True)[0] == "correct"


@pytest.mark.parametrize(
    ("answer", "result_", "message"),
    [
        ("def last_state(states, lengths)\n    return 1", "not yet", "cannot read the cell of this exercise"),
        ("helper = 1 / 0\ndef last_state(s, n):\n    return s * helper", "not yet", "NameError: name 'helper'"),
        ("def last_state(states, lengths):\n    while True: pass", "not run", "stopped at its limit"),
        ("def last_state(states, lengths):\n    return sum(iter(int, 1))", "not run", "stopped at its limit"),
        ("def last_state(states, lengths):\n    return 1 / 0", "not yet", "raised ZeroDivisionError"),
        ("def last_state(states, lengths):\n    raise KeyboardInterrupt", "not yet", "raised KeyboardInterrupt"),
        ("def last_state(states, lengths):\n    raise SystemExit(0)", "not yet", "raised SystemExit"),
        ("def last_state(states, lengths):\n    raise ValueError('x' * 10**6)", "not yet", "raised ValueError"),
        ("def last_state(states, lengths):\n    import os; os._exit(0)", "not run", "ended its own process"),
        ("def last_state(states, lengths):\n    return states.to_sparse()", "not yet", ""),
        ("def last_state(states, lengths):\n    return torch.empty(10**13)", "not yet", "raised RuntimeError"),
        ("def last_state(states, lengths):\n    return torch.zeros(1).expand(10**12)", "not yet", ""),
        ("def last_state(states, lengths):\n    x = []; x.append(x); return x", "not yet", ""),
        ("def last_state(states, lengths):\n    return 10 ** 100000", "not yet", ""),
        ("def last_state(s, n):\n    s.zero_(); return s[:, 0]", "not yet", "changes its arguments"),
        ("last_state = 3", "not yet", "Expected a function, found int"),
        ("last_state = torch.zeros(3)", "not yet", "Expected a function, found Tensor"),
        ("def last_state(s, n):\n    yield 1", "not yet", "found generator"),
        ("async def last_state(s, n):\n    return 1", "not yet", "found coroutine"),
        ("def last_state(s, n):\n    return torch.nested.nested_tensor([s[0], s[0, :2]])", "not yet", "nested"),
        ("def last_state(s, n):\n    return s.flip(0).numpy()[::-1]", "not yet", "as it came in"),
    ],
)  # fmt: skip
def test_an_answer_that_fails_is_a_row_that_says_why(tmp_path, answer, result_, message):
    found = result(tmp_path, IMPORTS, answer, CHECK, seconds=3)
    assert found[0] == result_
    assert message in found[1]
    assert len(found[1]) <= 600


def test_an_answer_that_fails_takes_no_other_with_it(tmp_path):
    beam = EXERCISES["01_gradient_left"].reference()
    cells = (
        IMPORTS, "def last_state(s, n):\n    import os; os._exit(1)", CHECK,
        f"predicted_share = {beam!r}", 'check("01_gradient_left", predicted_share)',
    )  # fmt: skip
    found = graded(tmp_path, returned(*cells))
    assert (found["01_last_state"].result, found["01_gradient_left"].result) == ("not run", "correct")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no notebook"),
        ("{", "no notebook"),
        ("[]", "no notebook"),
        ('{"cells": 3, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "no notebook"),
        ("<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> theirs\n", "conflict markers"),
    ],
)
def test_what_is_no_notebook_is_a_row(tmp_path, content, message):
    (tmp_path / "broken.ipynb").write_text(content, encoding="utf-8")
    (row,) = grade(tmp_path, 20, False, None, ANSWERING)
    assert (row.file, row.exercise, row.result) == ("broken.ipynb", "", "not run")
    assert message in row.message


def test_the_mark_that_windows_editors_write_in_front_is_no_obstacle(tmp_path):
    text = nbformat.writes(returned(IMPORTS, RIGHT, CHECK))
    (tmp_path / "kim.ipynb").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert [row.result for row in grade(tmp_path, 20, False, None, ANSWERING) if row.exercise == "01_last_state"] == [
        "correct"
    ]


def test_a_notebook_of_another_course_is_a_row(tmp_path):
    nbformat.write(new_notebook(cells=[new_markdown_cell("check this"), new_code_cell("1 / 0")]), tmp_path / "a.ipynb")
    (row,) = grade(tmp_path, 20, False, None, ANSWERING)
    assert "No exercise of this course" in row.message


# --- what hostile ones do to graders ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sources",
    [
        pytest.param(
            ("import course_utils.exercises.catalogue as c\nlast_state = c.EXERCISES['01_last_state'].reference",),
            id="our own answer",
        ),
        pytest.param(
            ("import course_utils.exercises.lecture_01 as x\nlast_state = x.last_state",), id="our own module"
        ),
        pytest.param(
            (f"torch.allclose = torch.Tensor.softmax = lambda *a, **k: True\n{WRONG}",), id="another comparison"
        ),
        pytest.param(
            (
                "import course_utils.exercises.checks as c\nc.diagnose = c.compare = c.check = lambda *a: 'correct.'",
                f"c.diagnose('', 0)\n{WRONG}\nc.x = 1",
            ),
            id="another check",
        ),
        pytest.param(
            (
                "class Yes(torch.Tensor):\n    @classmethod\n    def __torch_function__(cls, f, t, a=(), k=None):\n"
                "        return True",
                "def last_state(s, n):\n    return s[:, -1].as_subclass(Yes)",
            ),
            id="a tensor that always agrees",
        ),
        pytest.param(
            ("def last_state(s, n):\n    import os\n    for f in range(3, 64):\n        try: os.write(f, b'x' * 99)\n"
             "        except OSError: pass\n    return s[:, -1]",),
            id="writes into every open pipe",
        ),
        pytest.param(
            ("def last_state(s, n):\n    import os, signal\n    os.kill(os.getppid(), 9)\n    return s[:, -1]",),
            id="kills the grader",
        ),
    ],
)  # fmt: skip
def test_a_cheat_earns_nothing_and_the_next_notebook_is_graded(tmp_path, sources):
    nbformat.write(returned(IMPORTS, *sources, CHECK), tmp_path / "a.ipynb")
    nbformat.write(returned(IMPORTS, RIGHT, CHECK), tmp_path / "b.ipynb")
    rows = [row for row in grade(tmp_path, 20, False, None, ANSWERING) if row.exercise == "01_last_state"]
    assert rows[0].result in ("not yet", "not run")
    assert rows[1].result == "correct"


def test_a_package_of_our_name_beside_a_notebook_is_not_taken_for_ours(tmp_path, monkeypatch):
    (tmp_path / "course_utils").mkdir()
    (tmp_path / "course_utils" / "__init__.py").write_text("raise SystemExit('not ours')")
    monkeypatch.chdir(tmp_path)
    assert result(tmp_path, IMPORTS, RIGHT, CHECK)[0] == "correct"


def has_landlock():
    child = os.fork()
    if child == 0:
        shut = False
        try:
            shut = answering.shut_off(os.getcwd())
        finally:
            os._exit(0 if shut else 1)  # this copy of the tests must not go on with them
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_an_answer_can_write_into_no_other_folder_than_its_own(tmp_path):
    if not has_landlock():
        pytest.skip("this system has no Landlock")
    victim = tmp_path / "victim.ipynb"
    nbformat.write(returned(IMPORTS, RIGHT, CHECK), victim)
    before = victim.read_bytes()
    writes = (
        "def last_state(states, lengths):\n    import os\n    open('mine', 'w').close()\n"
        f"    for act in (lambda: open({str(victim)!r}, 'w'), lambda: os.remove({str(victim)!r}),\n"
        f"                lambda: open({str(tmp_path / 'grades.csv')!r}, 'w')):\n"
        "        try: act()\n        except PermissionError: continue\n        raise ValueError('written')\n"
        "    return states[torch.arange(len(states)), lengths - 1]"
    )
    nbformat.write(returned(IMPORTS, writes, CHECK), tmp_path / "attack.ipynb")
    rows = [row for row in grade(tmp_path, 20, False, None, ANSWERING) if row.exercise == "01_last_state"]
    assert [row.result for row in rows] == ["correct", "correct"]
    assert victim.read_bytes() == before
    assert not (tmp_path / "grades.csv").exists()


def test_an_answer_can_read_no_right_answer_no_other_notebook_and_no_home(tmp_path):
    if not has_landlock():
        pytest.skip("this system has no Landlock")
    victim, home = tmp_path / "victim.ipynb", tmp_path / "home"
    nbformat.write(returned(IMPORTS, RIGHT, CHECK), victim)
    home.write_text("my diary")
    answers = [CHECKOUT / "course_utils/exercises/lecture_01.py", CHECKOUT / "tests/solutions.py", *LECTURES]
    reads = (
        "def last_state(states, lengths):\n    import os\n    open('mine', 'w').write('x')\n"
        "    assert open('mine').read() in ('', 'x')\n"
        f"    for path in {[str(path) for path in (victim, home, *answers)]!r}:\n"
        "        try: open(path).close()\n        except PermissionError: continue\n        raise ValueError(path)\n"
        f"    for path in {[str(tmp_path), os.path.expanduser('~')]!r}:\n"
        "        try: os.listdir(path)\n        except PermissionError: continue\n        raise ValueError(path)\n"
        "    return states[torch.arange(len(states)), lengths - 1]"
    )
    nbformat.write(returned(IMPORTS, reads, CHECK), tmp_path / "attack.ipynb")
    rows = [row for row in grade(tmp_path, 20, False, None, ANSWERING) if row.exercise == "01_last_state"]
    assert [(row.result, row.message) for row in rows] == [("correct", "correct.")] * 2


@pytest.mark.skipif(
    sys.platform != "linux" or os.uname().machine not in answering.ARCHITECTURES, reason="sockets are refused there"
)
def test_an_answer_opens_no_socket_of_any_kind(tmp_path):
    opens = (
        "def last_state(states, lengths):\n    import socket, multiprocessing\n"
        "    for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):\n"
        "        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):\n"
        "            try: socket.socket(family, kind)\n            except PermissionError: continue\n"
        "            raise ValueError('opened')\n"
        "    try: socket.socketpair(type=socket.SOCK_DGRAM)\n    except PermissionError: pass\n"
        "    else: raise ValueError('a pair of datagrams')\n"
        "    [end.close() for end in (*socket.socketpair(), *multiprocessing.Pipe())]\n"
        "    return states[torch.arange(len(states)), lengths - 1]"
    )
    assert result(tmp_path, IMPORTS, opens, CHECK) == ("correct", "correct.")


def test_what_an_answer_imports_is_there_though_it_may_not_read_all(tmp_path):
    imports = (
        "def last_state(states, lengths):\n    import dgl, zoneinfo\n"
        "    from course_utils.data.docstrings.corpus import load_docs\n"
        "    from course_utils.evidence.record import stored\n"
        "    import matplotlib.pyplot as plt; plt.plot([1]); plt.savefig('mine.png')\n"
        "    assert stored('02_scores')\n"
        "    return states[torch.arange(len(states)), lengths - 1]"
    )
    assert result(tmp_path, IMPORTS, imports, CHECK, seconds=600) == ("correct", "correct.")


LOSS = "def masked_loss(logits, target, mask):\n    {}F.cross_entropy(logits[mask], target[mask]){}"


@pytest.mark.parametrize(
    ("before", "behind", "message"),
    [
        ("return ", "", "correct."),
        ("return ", ".detach()", "detached"),
        ("return torch.tensor(", ".item())", "detached"),
        ("with torch.no_grad(): return ", "", "detached"),
        ("return ", " + 0 * logits.sum() + logits[~mask].sum() - logits.detach()[~mask].sum()", "gradient"),
    ],
)
def test_gradients_are_compared_where_an_exercise_asks_for_them(tmp_path, before, behind, message):
    answer = LOSS.format(before, behind)
    check = 'check("01_masked_loss", masked_loss)'
    imports = f"{IMPORTS}\nimport torch.nn.functional as F"
    _, told = result(tmp_path, imports, answer, check, exercise="01_masked_loss", seconds=300)
    assert message in told


def test_what_an_answer_has_started_ends_with_it(tmp_path):
    mark = f"31{os.getpid()}"
    starts = (
        f"import subprocess\ndef last_state(s, n):\n    subprocess.Popen(['sleep', '{mark}'], start_new_session=True)\n"
        "    return s"
    )
    result(tmp_path, IMPORTS, starts, CHECK)
    deadline = time.monotonic() + 10
    while any(mark in (p.info["cmdline"] or []) for p in psutil.process_iter(["cmdline"])):
        assert time.monotonic() < deadline, "it lives on"
        time.sleep(0.1)


def acts(first, then=""):
    """Write an answer that does something, one time, before it is right."""
    return (
        "import os, time\ndef act(done=[]):\n    if done: return\n    done.append(1)\n"
        f"    {first}\n{RIGHT.replace('    return', f'    act(){then}' + chr(10) + '    return')}"
    )


@pytest.mark.parametrize(
    ("act", "message"),
    [
        pytest.param(
            "for _ in range(150):\n        if not os.fork(): time.sleep(99)\n    time.sleep(99)",
            "processes",
            id="many children",
        ),
        pytest.param("for _ in range(8): os.fork()\n    time.sleep(99)", "processes", id="children of children"),
        pytest.param(
            "for _ in range(20_000):\n        if os.fork(): os._exit(0)\n    time.sleep(99)",
            "processes|ended its own process",
            id="one after the other",
        ),
        pytest.param(
            "for i in range(60): os.posix_fallocate(os.open(str(i), os.O_RDWR | os.O_CREAT), 0, 8 << 20)\n"
            "    time.sleep(99)",
            "MB of files",
            id="large files",
        ),
        pytest.param(
            "for i in range(60):\n        os.posix_fallocate(os.open('x', os.O_RDWR | os.O_CREAT), 0, 8 << 20)\n"
            "        os.remove('x')\n    time.sleep(99)",
            "MB of files",
            id="files without a name",
        ),
        pytest.param(
            "for i in range(100_000): os.close(os.open(str(i), os.O_RDWR | os.O_CREAT))\n    time.sleep(99)",
            "MB of files",
            id="many files",
        ),
        pytest.param(
            "for _ in range(3000): os.mkdir('d'); os.chdir('d')\n    time.sleep(99)", "MB of files", id="deep folders"
        ),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is open")
def test_an_answer_that_floods_the_machine_is_stopped_and_nothing_of_it_is_left(tmp_path, act, message):
    found = result(tmp_path, IMPORTS, acts(act), CHECK, seconds=30)
    assert found[0] == "not run"
    assert re.search(message, found[1]), found
    if ANSWERING.process:
        assert not psutil.Process(ANSWERING.process.pid).children(recursive=True)
    assert result(tmp_path, IMPORTS, RIGHT, CHECK)[0] == "correct"


def test_folders_deeper_than_pythons_stack_are_removed(tmp_path):
    folder = tmp_path / "deep"
    folder.mkdir()
    subprocess.run([sys.executable, "-c", "import os\nfor _ in range(3000): os.mkdir('d'); os.chdir('d')"], cwd=folder)
    answering._remove(str(folder))
    assert not folder.exists()


def test_seconds_of_the_processor_count_so_that_a_busy_machine_costs_no_right_answer(tmp_path):
    partly = (  # it computes a quarter of the time, however fast or busy the machine is
        "begun = time.monotonic()\n    while (now := time.monotonic()) < begun + {}:\n"
        "        sum(range(10_000)) if time.process_time() < (now - begun) / 4 else time.sleep(0.01)"
    )
    assert result(tmp_path, IMPORTS, acts(partly.format(2)), CHECK, seconds=1)[0] == "correct"
    message = "stopped at its limit"
    assert message in result(tmp_path, IMPORTS, acts(partly.format(99)), CHECK, seconds=1)[1]
    assert message in result(tmp_path, IMPORTS, acts("time.sleep(99)"), CHECK, seconds=1)[1]


def test_what_comes_back_is_only_read_and_never_unpickled(tmp_path, monkeypatch):
    for reply in (
        b"[]",
        b'{"kind": "results", "results": [{"tensor": "float32", "shape": [-1], "data": ""}]}',
        b"\x80",
    ):
        monkeypatch.setattr(classroom, "receive", lambda _stream, reply=reply: reply)
        found = result(tmp_path, IMPORTS, RIGHT, CHECK, answering=None)
        assert found[0] == "not run"
        assert "could not be graded" in found[1]


@pytest.mark.parametrize("dtype", ["quint8", "qint32", "bits8", "uint4", "nonsense"])
def test_bytes_that_no_tensor_can_hold_are_refused(dtype):
    with pytest.raises(ValueError, match="decode"):
        decode({"tensor": dtype, "shape": [4], "data": "AAAAAA=="})


def test_a_result_of_any_kind_comes_back_as_a_value_or_as_its_kind():
    for value, back in (
        (np.str_("a"), "a"), (np.arange(3)[::-1], "tensor([2, 1, 0])"), (np.arange(2, dtype=">i4"), "tensor([0, 1]"),
        (np.array([None]), "[None]"), (10**4400, "a very large int"), (Fraction(10**4400, 3), "Unreadable"),
        (torch.ones(2, dtype=torch.float8_e4m3fn), "tensor([1., 1.])"), (-0.0, "-0.0"), ({1: 2}.keys(), "dict_keys"),
        (torch.ones(2).max(0), "(tensor(1.), tensor(0))"), (np.longdouble(0.5), "0.5"),
        (torch.ones(()).expand(9, 9**9), "Unreadable"),
    ):  # fmt: skip
        assert back in repr(decode(json.loads(json.dumps(encode(value)))))


def test_a_process_that_was_stopped_keeps_nobody_waiting(tmp_path, monkeypatch):
    assert result(tmp_path, IMPORTS, RIGHT, CHECK)[0] == "correct"
    monkeypatch.setattr(classroom, "SECONDS_TO_START", 0)
    monkeypatch.setattr(guard, "CLOCK", 1)
    ANSWERING.process.send_signal(signal.SIGSTOP)
    ANSWERING.process.terminate = ANSWERING.process.kill  # a stopped one hears nothing else, and ten seconds are long
    assert result(tmp_path, IMPORTS, RIGHT, CHECK, seconds=1)[0] == "not run"


def test_what_cannot_be_sent_is_no_reason_for_another_process(tmp_path):
    assert result(tmp_path, IMPORTS, RIGHT, CHECK)[0] == "correct"
    process = ANSWERING.process
    with pytest.raises(TypeError, match="pickle"):
        ANSWERING._reply(Request([], "last_state", True, [(threading.Lock(),)], 1.0))
    assert ANSWERING.process is process


def test_a_link_to_anothers_notebook_earns_nothing(tmp_path):
    nbformat.write(returned(IMPORTS, RIGHT, CHECK), tmp_path / "lee.ipynb")
    (tmp_path / "kim.ipynb").symlink_to("lee.ipynb")
    first, *others = grade(tmp_path, 20, False, None, ANSWERING)
    assert (first.file, first.result) == ("kim.ipynb", "not run")
    assert "link" in first.message
    assert others[0].file == "lee.ipynb"


# --- what is given back -----------------------------------------------------------------------------------------------


def test_the_graders_own_progress_is_left_alone(tmp_path, monkeypatch):
    progress = tmp_path / "progress.json"
    monkeypatch.setenv("COURSE_PROGRESS", str(progress))
    graded(tmp_path, returned(IMPORTS, RIGHT, CHECK), whole=True)
    assert not progress.exists()


ROWS = [
    Row("=kim.ipynb", "01_a", "correct", "correct.", 1.5),
    Row("=kim.ipynb", "01_b", "not yet", "not yet. The mask is inverted.", 1.0),
    Row("lee.ipynb", "01_a", "not yet", "not yet. The mask is inverted.", 1.0),
    Row("lee.ipynb", "01_b", "not attempted", "not attempted yet.", 1.0),
    Row("no.ipynb", "", "not run", "This is no notebook", 0.0),
]


def read(content):
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def test_the_table_has_a_header_and_no_formulas():
    header, first, *_ = read(as_csv(rows_table(ROWS)))
    assert header == ["file", "exercise", "result", "message", "seconds"]
    assert first == ["'=kim.ipynb", "01_a", "correct", "correct.", "1.5"]


def test_totals_are_given_by_learner_and_by_question():
    assert by_learner(ROWS) == [
        ["file", "correct", "of", "01_a", "01_b"],
        ["=kim.ipynb", 1, 2, "correct", "not yet"],
        ["lee.ipynb", 0, 2, "not yet", "not attempted"],
        ["no.ipynb", 0, 0, "", ""],
    ]
    assert by_question(ROWS)[1:] == [
        ["01_a", 1, 1, 0, 0, "not yet. The mask is inverted.", 1],
        ["01_b", 0, 1, 1, 0, "not yet. The mask is inverted.", 1],
    ]


def test_each_learner_gets_a_text_to_read():
    assert (
        feedback(ROWS[:2]) == "=kim.ipynb: 1 of 2 correct\n\n- 01_a: correct.\n- 01_b: not yet. The mask is inverted.\n"
    )


def test_the_summary_counts_by_notebook_and_gives_reasons():
    assert summary(ROWS).splitlines() == [
        "=kim.ipynb: 1 of 2 correct", "lee.ipynb: 0 of 2 correct", "no.ipynb: not run (This is no notebook)"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "whose"),
    [
        ("kim_02.ipynb", Learner("kim")),
        ("02_kim.ipynb", Learner("kim")),
        ("kim 02_bahdanau_attention.ipynb", Learner("kim")),
        ("02_bahdanau_attention_kim-Copy1.ipynb", Learner("kim")),
        ("maria-garcia-02.ipynb", Learner("maria-garcia")),
        ("kim/02_bahdanau_attention.ipynb", Learner("kim")),
        ("kim/lecture_02.ipynb", Learner("kim")),
        ("kim/my_notebooks/02_bahdanau_attention.ipynb", Learner("kim")),
        ("kim/02_bahdanau_attention-Copy1.ipynb", Learner("kim")),
        ("김민수_02강.ipynb", Learner("김민수")),
        ("김민수/02강.ipynb", Learner("김민수")),
        (unicodedata.normalize("NFD", "김민수_02주차.ipynb"), Learner("김민수")),  # as a Mac names it
        ("week2/kim_02.ipynb", Learner("week2/kim")),
        ("week2/kim.ipynb", Learner("week2/kim")),
        ("a_07_b.ipynb", Learner("a_07_b")),
        ("student_05.ipynb", Learner("student_05")),  # the fifth of a class: it is lecture 02
        ("s0203.ipynb", Learner("s0203")),
        ("Ada Lovelace_4711_assignsubmission_file_/02.ipynb", Learner("Ada Lovelace", moodle="4711")),
        ("Ada Lovelace_4711_assignsubmission_file/02.ipynb", Learner("Ada Lovelace", moodle="4711")),
        ("week2/Ada Lovelace_4711_assignsubmission_file/02.ipynb", Learner("Ada Lovelace", moodle="4711")),
        ("Ada Lovelace_4711_assignsubmission_file_kim_02.ipynb", Learner("Ada Lovelace", moodle="4711")),
        ("lovelaceada_815_92235_02.ipynb", Learner("lovelaceada", canvas="815")),
        ("week2/lovelaceada_815_92235_02.ipynb", Learner("lovelaceada", canvas="815")),
        ("lovelaceada_LATE_815_92235_kim_02-1.ipynb", Learner("lovelaceada", canvas="815")),
        ("अमितकुमार_815_92235_02_b.ipynb", Learner("अमितकुमार", canvas="815")),
        # nobody's number at Canvas
        ("kim_20231234_02_bahdanau_attention.ipynb", Learner("kim_20231234")),
        ("lee_2_02_bahdanau_attention.ipynb", Learner("lee_2")),
        ("anon_12345_92235_02.ipynb", Learner("anon_12345_92235")),
    ],
)
def test_the_name_of_a_notebook_tells_whose_it_is(file, whose):
    assert learners([Row(file, "02_a", "correct", "", 1.0)]) == {file: whose}


@pytest.mark.parametrize(
    "whose",
    [
        # a folder for each learner
        {"kim/02_bahdanau_attention.ipynb": "kim", "lee/02_bahdanau_attention.ipynb": "lee"},
        {"kim/02_bahdanau_attention.ipynb": "kim", "kim/03_document_attention.ipynb": "kim"},
        {"kim/02.ipynb": "kim", "kim/notes.ipynb": "kim/notes"},
        {"kim/answers.ipynb": "kim/answers", "lee/answers.ipynb": "lee/answers"},
        {"kim/hw_02.ipynb": "kim/hw", "kim/hw_03.ipynb": "kim/hw", "lee/hw_03.ipynb": "lee/hw"},
        {"week2/kim/02.ipynb": "week2/kim", "week3/kim/03.ipynb": "week3/kim"},
        # a folder for each lecture, section, or for the latecomers
        {"week2/kim.ipynb": "week2/kim", "week2/lee.ipynb": "week2/lee", "week3/kim_03.ipynb": "week3/kim"},
        {"a/kim_02.ipynb": "a/kim", "a/lee_02.ipynb": "a/lee", "b/kim_03.ipynb": "b/kim", "b/no_03.ipynb": "b/no"},
        {"late/02_kim.ipynb": "late/kim", "late/03_lee.ipynb": "late/lee"},
        # as downloaded from two letters
        {"week2/02.ipynb": "week2/02", "week2/02 (1).ipynb": "week2/02 (1)"},
        {"02.ipynb": "02", "02 (1).ipynb": "02 (1)"},
        # numbers that are no lecture's
        {"student_01.ipynb": "student_01", "student_04.ipynb": "student_04"},
        {"hw_2_20231234_hong.ipynb": "hw_2_20231234_hong", "hw_2_20235678_lee.ipynb": "hw_2_20235678_lee"},
        {"과제_2_20231234_김.ipynb": "과제_2_20231234_김", "과제_2_20235678_박.ipynb": "과제_2_20235678_박"},
    ],
)
def test_no_two_learners_are_taken_for_one(whose):
    rows = [
        Row(file, f"0{3 if '03' in file else 2}_a", result, "", 1.0)
        for file in whose
        for result in ("correct", "not yet")
    ]
    assert {file: who.name for file, who in learners(rows).items()} == whose
    assert len(canvas(rows)) - 2 == len(moodle(rows)) - 1 == len(set(whose.values()))


def test_of_a_notebook_that_could_not_be_run_the_name_alone_tells_the_lecture():
    files = {"kim_03.ipynb": "kim", "kim/03.ipynb": "kim", "student_12.ipynb": "student_12"}
    assert {file: who.name for file, who in learners([Row(f, "", "not run", "", 0.0) for f in files]).items()} == files


def named(*names):
    """Rename the learners of ROWS, in their order."""
    files = dict(zip(dict.fromkeys(row.file for row in ROWS), names, strict=True))
    return [replace(row, file=files[row.file]) for row in ROWS]


def test_canvas_gets_the_columns_that_its_importer_asks_for_and_the_points_of_each_exercise():
    rows = named("kim_01.ipynb", "lovelaceada_815_92235_02.ipynb", "no.ipynb")
    assert canvas(rows) == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "01_a", "01_b"],
        ["    Points Possible", "", "", "", "", 1, 1],
        ["kim", "", "", "kim", "", 1, 0],
        ["lovelaceada", "815", "", "", "", 0, 0],
        ["no", "", "", "no", "", "", ""],  # what was not run has no points yet
    ]


def test_moodle_gets_a_table_by_login_or_the_worksheet_of_the_assignment_it_came_from():
    assert moodle(named("kim_01.ipynb", "lee_01.ipynb", "no.ipynb")) == [
        ["Username", "01_a", "01_b", "Sum"],
        ["kim", 1, 0, 1],
        ["lee", 0, 0, 0],
        ["no", "", "", 0],
    ]
    names = [
        f"{name}_{number}_assignsubmission_file_/02.ipynb" for name, number in (("Kim", 7), ("Lee", 11), ("No", 13))
    ]
    header, first, *_ = moodle(named(*names))
    assert {"Identifier", "Grade", "Last modified (grade)"} <= set(header)  # without these Moodle refuses a worksheet
    assert first[:5] == ["Participant 7", "Kim", 1, 2, ""]
    assert "<br>- 01_b: not yet. The mask is inverted." in first[5]


def test_of_an_exercise_that_came_back_twice_the_better_result_counts():
    twice = [Row("kim_02.ipynb", "02_a", "correct", "", 1.0), Row("kim_02 (1).ipynb", "02_a", "not yet", "", 1.0)]
    assert points(twice) == points(twice[::-1]) == {Learner("kim"): {"02_a": 1}}


def test_any_spreadsheet_reads_what_a_learner_printed(tmp_path):
    shown = "def last_state(s, n):\n    raise ValueError('=1+1\\t\\n\\x00\\x1b[31m' + '\\ud800' + 'x' * 200_000)"
    graded(tmp_path, returned(IMPORTS, shown, CHECK))
    rows = grade(tmp_path, 20, False, None, ANSWERING)
    cells = [cell for line in read(as_csv(rows_table(rows))) for cell in line]
    assert all(len(cell) <= 600 for cell in cells)
    assert all(cell.isprintable() for cell in cells)


def test_the_command_writes_tables_and_feedback_and_says_where(tmp_path, capsys):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "broken.ipynb").write_text("{", encoding="utf-8")
    assert main(["grade", str(tmp_path), "--workers", "1"]) == 0
    assert "broken.ipynb" in (tmp_path / "grades.csv").read_text(encoding="utf-8")
    beside = tmp_path / "grades_feedback"
    assert (beside / "by_learner.csv").is_file()
    assert (beside / "by_question.csv").is_file()
    assert (beside / "moodle.csv").is_file()
    assert (beside / "canvas.csv").is_file()
    assert not list(tmp_path.glob(".*"))  # what was kept in case it is stopped
    assert "not run" in (beside / "a" / "broken.txt").read_text(encoding="utf-8")
    assert str(tmp_path / "grades.csv") in (told := capsys.readouterr().out)
    assert "1 notebooks" in told
    assert main(["grade", str(tmp_path), "--workers", "1"]) == 0  # once more, in the place of the first


def test_where_landlock_is_not_in_force_grading_says_so_once(tmp_path, capsys, monkeypatch):
    assert answering.can_shut_off() == has_landlock()
    (tmp_path / "free.txt").write_text("this process is as it was", encoding="utf-8")
    for name in "ab":
        (tmp_path / f"{name}.ipynb").write_text("{", encoding="utf-8")

    def told():
        assert main(["grade", str(tmp_path), "--workers", "1"]) == 0
        return capsys.readouterr().out

    monkeypatch.setattr(answering, "shut_off", lambda _: True)
    assert "Landlock" not in told()
    monkeypatch.setattr(answering, "shut_off", lambda _: False)
    assert told().count("Landlock is not in force here") == 1
    for language in released():
        monkeypatch.setenv("COURSE_LANGUAGE", language)
        assert re.findall(r"Landlock( is not)?", told()) == [""]


def test_every_notebook_has_a_text_whatever_its_name(tmp_path, capsys):
    names = ("a.ipynb", "A/a.IPYNB", "b.ipynb", "b.IPYNB", "c.txt/x.ipynb", "c.ipynb", "by_learner.csv/x.ipynb",
             "\x1b[31m=\n.ipynb")  # fmt: skip
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{", encoding="utf-8")
    assert main(["grade", str(tmp_path), "--workers", "1"]) == 0
    texts = [path for path in (tmp_path / "grades_feedback").rglob("*.txt*") if path.is_file()]
    assert len(texts) == len(names)
    told = capsys.readouterr().out
    assert "?[31m=?.ipynb: not run" in told
    assert "\x1b" not in told + (tmp_path / "grades.csv").read_text(encoding="utf-8")


def test_a_folder_that_is_missing_is_named_and_a_handout_counted(tmp_path, capsys, monkeypatch):
    with pytest.raises(Stop, match="There is no folder"):
        main(["grade", str(tmp_path / "nothing here")])
    monkeypatch.setattr(classroom, "handout", lambda folder, language: ["one"])
    assert main(["handout", str(tmp_path)]) == 0
    assert "1 lectures without solutions" in capsys.readouterr().out


def test_the_table_is_the_same_whatever_the_order(tmp_path, monkeypatch):
    for name, answer in (("a", RIGHT), ("b", WRONG), ("c", STUB)):
        nbformat.write(returned(IMPORTS, answer, CHECK), tmp_path / f"{name}.ipynb")
    paths = classroom.find_returned(tmp_path)
    tables = []
    for order in (paths, paths[::-1]):
        monkeypatch.setattr(classroom, "find_returned", lambda _, order=order: order)
        rows = grade(tmp_path, 20, False, None, ANSWERING)
        assert [row.file for row in rows if row.exercise == "01_last_state"] == [path.name for path in order]
        tables.append({(row.file, row.exercise): (row.result, row.message) for row in rows})
    assert tables[0] == tables[1]
    results = [tables[0][f"{name}.ipynb", "01_last_state"][0] for name in "abc"]
    assert results == ["correct", "not yet", "not attempted"]


# --- many of them -----------------------------------------------------------------------------------------------------


def a_class(folder, number):
    """Write notebooks in turn right, wrong, without end, and such that the process of the answer dies."""
    dies = "def last_state(s, n):\n    import os; os._exit(1)"
    hangs = "def last_state(s, n):\n    while True: pass"
    for i in range(number):
        nbformat.write(returned(IMPORTS, (RIGHT, WRONG, hangs, dies)[i % 4], CHECK), folder / f"{i}.ipynb")
    return ["correct", "not yet", "not run", "not run"]


def test_two_processes_give_the_table_of_one_and_an_answer_that_hangs_or_dies_costs_no_other(tmp_path):
    results = a_class(tmp_path, 4)
    folders = tmp_path / "one", tmp_path / "two"
    for folder, workers in zip(folders, "12", strict=True):
        folder.mkdir()
        table = folder / "grades.csv"
        options = ["--seconds", "20", "--workers", workers, "--csv", str(table)]
        command = [sys.executable, "-m", "course_utils.commands", "grade", str(tmp_path), *options]
        told = subprocess.run(command, check=True, capture_output=True, cwd=CHECKOUT, text=True).stdout
        assert f"s each; up to {workers} at a time." in told
    tables = [
        [line[:3] for line in read((folder / "grades.csv").read_bytes())[1:] if line[1] == "01_last_state"]
        for folder in folders
    ]
    assert tables[0] == tables[1] == [[f"{i}.ipynb", "01_last_state", result] for i, result in enumerate(results)]


def test_a_notebook_that_ends_the_process_which_grades_it_is_a_row_and_the_others_are_graded(monkeypatch):
    def dies_of_one(_seconds, _whole, notebook):
        if notebook[0] == "bad.ipynb":
            os.kill(os.getpid(), signal.SIGKILL)
        return [Row(notebook[0], "", "not run", "graded", 0.0)]

    monkeypatch.setattr(classroom, "_grade_one", dies_of_one)
    waiting = dict.fromkeys(("a.ipynb", "bad.ipynb", "c.ipynb", "d.ipynb", "e.ipynb"), "content")
    found = {name: rows[0].message for name, rows in classroom._grade_in_processes(waiting, 3, False, 2)}
    assert found.pop("bad.ipynb") == "Grading it ended the process that did so."
    assert found == dict.fromkeys(waiting.keys() - {"bad.ipynb"}, "graded")


def test_what_hangs_outside_an_answer_is_given_up_and_costs_one_row(tmp_path, monkeypatch):
    monkeypatch.setattr(classroom, "SECONDS_TO_START", 5)  # the alarm rings again after as long: all else ends before
    monkeypatch.setattr(classroom, "LONGEST", 0)
    monkeypatch.setattr(classroom, "_of_this_process", [ANSWERING])
    calls = []

    def hangs_once(_notebook, exercise, *_rest):
        calls.append(exercise)
        while len(calls) == 1:
            time.sleep(0.1)
        return "correct", "correct."

    monkeypatch.setattr(classroom, "grade_answer", hangs_once)
    before = signal.getsignal(signal.SIGALRM)
    try:
        first, *others = classroom._grade_one(1, False, ("kim.ipynb", returned(IMPORTS, RIGHT, CHECK)))
    finally:
        signal.signal(signal.SIGALRM, before)
    assert first.result == "not run"
    assert "given up after 5 seconds" in first.message
    assert {row.result for row in others} == {"correct"}


def test_what_was_graded_before_it_was_stopped_is_not_graded_again_unless_it_has_changed(tmp_path, monkeypatch):
    kept = tmp_path / ".kept"
    for name in "abc":
        nbformat.write(returned(IMPORTS, RIGHT, f"# {name}", CHECK), tmp_path / f"{name}.ipynb")
    graded, stops = [], ["c.ipynb"]

    def grade_notebook(_content, name, *_rest):
        graded.append(name)
        if name in stops:
            stops.remove(name)
            raise KeyboardInterrupt
        return [Row(name, "01_a", "correct", "correct.", 1.0)]

    monkeypatch.setattr(classroom, "grade_notebook", grade_notebook)
    rows: list[Row] = []
    with pytest.raises(KeyboardInterrupt):
        grade(tmp_path, 20, False, rows, ANSWERING, kept=kept)
    assert [row.file for row in rows] == ["a.ipynb", "b.ipynb"]
    with kept.open("a") as file:
        file.write('{"key": "half a li')
    nbformat.write(returned(IMPORTS, WRONG, CHECK), tmp_path / "b.ipynb")
    rows = grade(tmp_path, 20, False, None, ANSWERING, kept=kept)
    assert graded == ["a.ipynb", "b.ipynb", "c.ipynb", "b.ipynb", "c.ipynb"]
    assert [row.file for row in rows] == ["a.ipynb", "b.ipynb", "c.ipynb"]
    graded.clear()
    grade(tmp_path, 20, False, None, ANSWERING, kept=kept)
    assert not graded  # what came behind the half line is whole
    grade(tmp_path, 21, False, None, ANSWERING, kept=kept)  # another limit is another question
    assert len(graded) == 3


def test_as_many_are_graded_at_once_as_memory_and_processors_allow(monkeypatch):
    for processors, gibibytes, workers in ((2, 24, 2), (16, 16, 3), (8, 2, 1), (None, 64, 1)):
        monkeypatch.setattr(os, "cpu_count", lambda processors=processors: processors)
        memory = type("Memory", (), {"total": gibibytes << 30})
        monkeypatch.setattr(psutil, "virtual_memory", lambda memory=memory: memory)
        assert classroom.workers_for_this_machine() == workers


def test_what_cells_have_printed_is_not_kept_in_memory(tmp_path):
    notebook = returned(IMPORTS, RIGHT, CHECK)
    notebook.cells[1].outputs = [nbformat.v4.new_output("stream", text="x" * 100_000)]
    nbformat.write(notebook, tmp_path / "kim.ipynb")
    assert len(json.dumps(classroom._content(tmp_path / "kim.ipynb"))) < 5_000
