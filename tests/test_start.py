"""The notebook that shows a newcomer around: short, run clean, a map of all lectures, an exercise that works."""

import re

import nbformat
import pytest
import torch

from course_utils.exercises.catalogue import EXERCISES
from course_utils.exercises.checks import CORRECT, NOT_ATTEMPTED, diagnose
from course_utils.exercises.classroom import grade
from course_utils.files import LECTURES, NOTEBOOKS, START

CELLS = nbformat.read(START, as_version=4).cells
CODE = [cell for cell in CELLS if cell.cell_type == "code"]
PROSE = "\n\n".join(cell.source for cell in CELLS if cell.cell_type == "markdown")
QUESTION = next(i for i, cell in enumerate(CELLS) if "exercise" in cell.metadata.get("tags", [])) - 1


def solution():
    return CELLS[QUESTION + 4].source.split("```python\n")[1].split("```")[0]


def printed(cell):
    return "".join(output.get("text", "") for output in cell.outputs)


def test_it_can_be_read_in_five_minutes():
    assert len(CELLS) <= 25
    assert len(re.sub(r"<[^>]*>|\|", " ", PROSE).split()) <= 1100


def test_its_outputs_come_from_one_clean_run():
    assert [cell.execution_count for cell in CODE] == list(range(1, len(CODE) + 1))
    assert not [output for cell in CODE for output in cell.outputs if output.output_type == "error"]
    assert not [output for cell in CODE for output in cell.outputs if output.get("name") == "stderr"]


def test_the_map_shows_every_lecture_with_a_picture_a_finding_and_its_guard():
    for path in LECTURES:
        (row,) = re.findall(rf"^\| \[{path.stem[:2]} · .+\]\({path.name}\) \|.*$", PROSE, flags=re.MULTILINE)
        picture, alternative = re.search(r'<img src="([^"]+)" alt="([^"]{30,})"', row).groups()
        assert (NOTEBOOKS / picture).is_file()
        rests_on = rf"^<!-- {path.stem[:2]}_\w+: (.+ > .+: holds|.+ [\d.]+) -->$"  # a verdict, or a number
        assert re.search(rests_on, PROSE, flags=re.MULTILINE), alternative


def test_the_practice_exercise_is_five_cells_and_its_solution_is_correct():
    question, stub, check, hints, answer = CELLS[QUESTION : QUESTION + 5]
    assert "*Kind: implement*" in question.source
    assert printed(check) == f"00_practice: {NOT_ATTEMPTED}\n"
    assert stub.source.endswith("raise NotImplementedError")
    assert hints.metadata.tags == ["hints"]
    assert answer.metadata.tags == ["solution"]
    namespace = {}
    exec(solution(), namespace)
    assert diagnose("00_practice", namespace["soft_average"]) == CORRECT
    context = namespace["soft_average"](torch.tensor([1.0, 3.0]).log(), torch.tensor([[4.0], [8.0]]))
    torch.testing.assert_close(context, torch.tensor([7.0]))  # the example that the question works out


def test_a_wrong_answer_is_shown_with_the_sentence_that_a_reader_would_get():
    (shown,) = [cell for cell in CODE if "answer=hasty_average" in cell.source]
    message = EXERCISES["00_practice"].wrong_answers["no softmax"].message
    assert printed(shown) == f"00_practice: not yet. {message}\n"


@pytest.mark.parametrize(("answer", "result"), [(solution(), "correct"), (CELLS[QUESTION + 1].source, "not attempted")])
def test_a_returned_notebook_is_graded_by_the_readers_answer_and_not_by_the_wrong_one_that_is_shown(
    answer, result, tmp_path
):
    notebook = nbformat.read(START, as_version=4)
    notebook.cells[QUESTION + 1].source = answer
    nbformat.write(notebook, tmp_path / "anybody.ipynb")
    assert [(row.exercise, row.result) for row in grade(tmp_path, 120, whole=False)] == [("00_practice", result)]
