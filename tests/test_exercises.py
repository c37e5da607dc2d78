"""Every exercise is asked, checked, hinted at and solved in the same five cells, and its solution passes its check."""

import ast
import re
from collections import Counter

import pytest

from course_utils.exercises.catalogue import EXERCISES, of_lecture
from course_utils.exercises.checks import CORRECT, NOT_ATTEMPTED, diagnose
from course_utils.files import LECTURES

from .mutation import EQUIVALENT, survivors
from .notebooks import definitions
from .solutions import exercises, kind, solution_code

pytestmark = pytest.mark.numeric  # each check computes, though this module does not
NAMES = [path.stem for path in LECTURES]
every_lecture = pytest.mark.parametrize("lecture", NAMES)
ALL = [cells for lecture in NAMES for cells in exercises(lecture)]
every_exercise = pytest.mark.parametrize("cells", ALL, ids=lambda cells: cells.exercise)


@every_lecture
def test_a_lecture_has_four_to_six_exercises_and_asks_those_of_the_catalogue(lecture):
    asked = [cells.exercise for cells in exercises(lecture)]
    assert sorted(asked) == sorted(of_lecture(lecture[:2]))
    assert 4 <= len(asked) <= 6


def test_there_are_enough_of_each_kind():
    count = Counter(map(kind, ALL))
    assert set(count) == {"predict", "implement", "break it", "find the bug"}
    assert len(ALL) >= 28
    assert count["find the bug"] >= 6


@pytest.mark.parametrize("cells", [c for c in ALL if kind(c) == "find the bug"], ids=lambda cells: cells.exercise)
def test_a_bug_and_its_symptom_are_shown_before_it_is_asked_for(cells):
    code = [cell for cell in cells.shown if cell.cell_type == "code"]
    assert any("def " in cell.source for cell in code)
    assert any(cell.outputs for cell in code)


@every_exercise
def test_an_exercise_is_five_cells(cells):
    assert cells.question.cell_type == "markdown"
    assert len(cells.question.source) > 80
    tree = ast.parse(cells.stub.source)
    if EXERCISES[cells.exercise].asks_for == "value":
        assert ast.unparse(tree.body[-1]) == f"{cells.answer} = ..."
    else:
        function = tree.body[-1]
        assert function.name == cells.answer
        assert ast.unparse(function.body[-1]) == "raise NotImplementedError"
    assert cells.hints.metadata.tags == ["hints"]
    assert re.findall(r"<summary>(.*?)</summary>", cells.hints.source) == ["Hint 1", "Hint 2"]
    assert cells.solution.metadata.tags == ["solution"]
    assert re.findall(r"<summary>(.*?)</summary>", cells.solution.source) == ["Solution"]
    for cell in (cells.hints, cells.solution):
        assert cell.source.count("<details>") == cell.source.count("</details>")


@every_exercise
def test_the_shipped_notebook_says_not_attempted_yet(cells):
    assert "".join(output.text for output in cells.check.outputs) == f"{cells.exercise}: {NOT_ATTEMPTED}\n"


@every_exercise
def test_a_hint_does_not_hold_the_solution(cells):
    lines = {line.strip() for line in solution_code(cells).splitlines() if len(line.strip()) > 20}
    lines -= {line for line in lines if line.startswith(("def ", "#", "return (", "import "))}
    assert not [line for line in lines if line in cells.hints.source]


@every_exercise
def test_six_mistakes_are_known(cells):
    assert len(EXERCISES[cells.exercise].wrong_answers) >= 6


@every_lecture
def test_the_solutions_are_correct_in_the_place_of_their_stubs(lecture):
    for cells in exercises(lecture):
        namespace = dict(vars(definitions(lecture)))
        exec(solution_code(cells), namespace)
        assert diagnose(cells.exercise, namespace[cells.answer]) == CORRECT, cells.exercise


def test_what_is_explained_of_a_change_is_of_an_exercise_that_there_is():
    assert set(EQUIVALENT) <= set(EXERCISES)


@pytest.mark.thorough
def test_the_checks_notice_nearly_every_small_change_to_a_solution_and_the_rest_is_explained(monkeypatch):
    monkeypatch.setattr("course_utils.exercises.checks.TIME_LIMIT", 2.0)
    total, alive = survivors()
    assert total > 300
    assert sum(map(len, alive.values())) <= 0.025 * total  # those that change nothing are among them
    unexplained = {
        name: [line for line in lines if line not in EQUIVALENT.get(name, {})] for name, lines in alive.items()
    }
    assert not any(unexplained.values()), unexplained
