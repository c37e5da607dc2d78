"""What is handed out holds no solution, and whatever comes back becomes a row, never a crash."""

import csv
import io

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_utils.exercises import classroom
from course_utils.exercises.catalogue import EXERCISES, of_lecture
from course_utils.exercises.classroom import Row, as_csv, definitions, grade, handout, main, summary
from course_utils.files import LECTURES, START_AND_LECTURES
from course_utils.refusals import Stop

RIGHT = "def last_state(states, lengths):\n    return states[torch.arange(len(states)), lengths - 1]"
WRONG = "def last_state(states, lengths):\n    return states[:, -1]"
STUB = "def last_state(states, lengths):\n    raise NotImplementedError"
CHECK = 'check("01_last_state", last_state)'
IMPORTS = "import torch\nfrom course_utils.exercises.checks import check"


def returned(*sources, answer=None):
    cells = [new_code_cell(source) for source in sources]
    if answer is not None:
        cells.insert(1, new_code_cell(answer, metadata={"tags": ["exercise"]}))
    return new_notebook(cells=cells)


def graded(folder, notebook, **options):
    nbformat.write(notebook, folder / "kim.ipynb")
    rows = grade(folder, **{"seconds": 60, "whole": False, **options})
    return {row.exercise: row for row in rows}


def test_what_is_handed_out_has_everything_but_the_solutions(tmp_path):
    for path, lecture in zip(handout(tmp_path), START_AND_LECTURES, strict=True):
        ours = nbformat.read(lecture, 4).cells
        assert nbformat.read(path, 4).cells == [c for c in ours if "solution" not in c.metadata.get("tags", [])]
        assert any("solution" in c.metadata.get("tags", []) for c in ours)
        assert "<summary>Solution" not in path.read_text(encoding="utf-8")


def test_handing_out_into_a_folder_that_holds_an_answer_writes_nothing(tmp_path):
    (tmp_path / LECTURES[2].name).write_text("mine", encoding="utf-8")
    with pytest.raises(FileExistsError, match=LECTURES[2].name):
        handout(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [LECTURES[2].name]
    assert (tmp_path / LECTURES[2].name).read_text(encoding="utf-8") == "mine"


def test_right_wrong_and_missing_answers_are_told_apart(tmp_path):
    nbformat.write(returned(IMPORTS, CHECK, answer=RIGHT), tmp_path / "right.ipynb")
    nbformat.write(returned(IMPORTS, CHECK, answer=WRONG), tmp_path / "wrong.ipynb")
    nbformat.write(
        returned(IMPORTS, CHECK, answer="def last_state(*a):\n    raise NotImplementedError"), tmp_path / "x.ipynb"
    )
    (tmp_path / ".ipynb_checkpoints").mkdir()
    nbformat.write(returned(IMPORTS, CHECK, answer=WRONG), tmp_path / ".ipynb_checkpoints" / "right-checkpoint.ipynb")
    rows = [row for row in grade(tmp_path, 60, whole=False) if row.exercise == "01_last_state"]
    assert [(row.file, row.result) for row in rows] == [
        ("right.ipynb", "correct"),
        ("wrong.ipynb", "not yet"),
        ("x.ipynb", "not attempted"),
    ]
    assert EXERCISES["01_last_state"].wrong_answers["last column"].message in rows[1].message


def test_every_exercise_of_the_lecture_gets_a_row_and_a_deleted_check_is_asked_all_the_same(tmp_path):
    notebook = returned(IMPORTS, '# check("01_last_state")', answer=RIGHT)
    rows = graded(tmp_path, notebook)
    assert list(rows) == of_lecture("01")
    assert rows["01_last_state"].result == "correct"
    others = [row for name, row in rows.items() if name != "01_last_state"]
    assert all(row.result == "not yet" and "deleted" in row.message for row in others)


def test_what_else_a_notebook_does_is_not_run_unless_asked(tmp_path):
    training = f"open('trained', 'w')\n{CHECK}"
    assert graded(tmp_path, returned(IMPORTS, training, answer=RIGHT))["01_last_state"].result == "correct"
    assert not (tmp_path / "trained").exists()
    graded(tmp_path, returned(IMPORTS, training, answer=RIGHT), whole=True)
    assert (tmp_path / "trained").exists()


def test_an_answer_may_use_what_the_notebook_defines(tmp_path):
    helper = "FIRST = 0\n\ndef rows(states):\n    return torch.arange(FIRST, len(states))"
    answer = "def last_state(states, lengths):\n    return states[rows(states), lengths - 1]"
    assert graded(tmp_path, returned(IMPORTS, helper, CHECK, answer=answer))["01_last_state"].result == "correct"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("def last_state(states, lengths)\n    return 1", "is not defined"),
        ("1 / 0\n" + RIGHT, "is not defined"),
        ("def last_state(states, lengths):\n    while True: pass", "stopped after"),
        ("def last_state(states, lengths):\n    return 1 / 0", "raised ZeroDivisionError"),
    ],
)
def test_an_answer_that_fails_is_a_row(tmp_path, answer, message):
    row = graded(tmp_path, returned(IMPORTS, CHECK, answer=answer))["01_last_state"]
    assert row.result == "not yet"
    assert message in row.message


def test_a_notebook_that_never_ends_is_a_row_and_the_next_one_is_graded(tmp_path):
    nbformat.write(returned(IMPORTS, CHECK, answer="while True: pass"), tmp_path / "a.ipynb")
    nbformat.write(returned(IMPORTS, CHECK, answer=RIGHT), tmp_path / "b.ipynb")
    # long enough for the second one to start beside other work; the first takes all of it
    rows = [row for row in grade(tmp_path, 25, whole=False) if row.exercise == "01_last_state"]
    assert [row.result for row in rows] == ["not run", "correct"]
    assert "time limit" in rows[0].message


def test_a_kernel_that_dies_is_a_row(tmp_path):
    row = graded(tmp_path, returned(IMPORTS, CHECK, answer="import os\nos._exit(3)"))["01_last_state"]
    assert row.result == "not run"
    assert "kernel died" in row.message


@pytest.mark.parametrize("content", ["", "{", "[]", '{"cells": 3, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}'])
def test_what_is_no_notebook_is_a_row(tmp_path, content):
    (tmp_path / "broken.ipynb").write_text(content, encoding="utf-8")
    (row,) = grade(tmp_path, 60, whole=False)
    assert (row.file, row.exercise, row.result) == ("broken.ipynb", "", "not run")


def test_a_notebook_of_another_course_is_a_row(tmp_path):
    nbformat.write(new_notebook(cells=[new_markdown_cell("check this"), new_code_cell("1 / 0")]), tmp_path / "a.ipynb")
    (row,) = grade(tmp_path, 60, whole=False)
    assert "No exercise of this course" in row.message


def test_the_graders_own_progress_is_left_alone(tmp_path, monkeypatch):
    progress = tmp_path / "progress.json"
    monkeypatch.setenv("COURSE_PROGRESS", str(progress))
    graded(tmp_path, returned(IMPORTS, CHECK, answer=RIGHT), whole=True)
    assert not progress.exists()


def test_only_definitions_of_a_cell_are_kept_magics_and_all():
    source = "%matplotlib inline\nimport math\nN, M = 3, 4\nx = math.sin(1)\nmodel.train()\ndef f():\n    return x\n"
    assert definitions(source) == "import math\nN, M = (3, 4)\n\ndef f():\n    return x"
    assert definitions("def f(:") == "def f(:"


def test_the_table_has_a_header_and_no_formulas():
    row = Row("=kim.ipynb", "01_last_state", "not yet", 'a, "b"\n', 1.5)
    header, cells = csv.reader(io.StringIO(as_csv([row]).decode("utf-8-sig")))
    assert header == ["file", "exercise", "result", "message", "seconds"]
    assert cells == ["'=kim.ipynb", "01_last_state", "not yet", 'a, "b"\n', "1.5"]


def test_the_summary_counts_by_notebook_and_gives_reasons():
    rows = [
        Row("a", "x", "correct", "", 1.0),
        Row("a", "y", "not yet", "", 1.0),
        Row("b", "", "not run", "broken", 0.0),
    ]
    assert summary(rows) == "a: 1 of 2 correct\nb: not run (broken)"


def test_the_commands_write_the_table_and_say_where(tmp_path, capsys, monkeypatch):
    (tmp_path / "broken.ipynb").write_text("{", encoding="utf-8")
    assert main(["grade", str(tmp_path)]) == 0
    assert "broken.ipynb" in (tmp_path / "grades.csv").read_text(encoding="utf-8")
    assert str(tmp_path / "grades.csv") in capsys.readouterr().out
    with pytest.raises(Stop, match="There is no folder"):
        main(["grade", str(tmp_path / "nothing here")])
    monkeypatch.setattr(classroom, "handout", lambda folder: ["one"])
    assert main(["handout", str(tmp_path)]) == 0
    assert "1 lectures without solutions" in capsys.readouterr().out
