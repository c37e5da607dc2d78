"""The page for those who teach names sections, exercises and mistakes as they are called in the course."""

import re

import nbformat
import pytest

from course_utils.exercises.catalogue import EXERCISES, of_lecture
from course_utils.exercises.praise import POINTS
from course_utils.files import LECTURES
from course_utils.publishing.site import SOURCES

PAGE = (SOURCES / "teaching.md").read_text(encoding="utf-8")
PLANS = re.findall(r"^### ((\d\d) · [^\n]+)\n(.*?)(?=^##|\Z)", PAGE, flags=re.MULTILINE | re.DOTALL)


def headings(number):
    """Give the title of a lecture, and its sections without their numbers."""
    (path,) = [path for path in LECTURES if path.stem.startswith(number)]
    text = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown")
    found = re.findall(r"^(#{1,2}) (?:\d+ · (?=[^\d]))?(.+)$", text, flags=re.MULTILINE)
    return found[0][1], [title for level, title in found if level == "##"]


def named(plan, label):
    """Give what is in italics behind a label in bold, up to the next one."""
    (text,) = re.findall(rf"\*\*{label}\*\*(.*?)(?=\*\*|\n|\Z)", plan)
    return re.findall(r"\*([^*]+)\*", text)


def test_there_is_a_plan_for_every_lecture():
    assert [number for _, number, _ in PLANS] == [path.stem[:2] for path in LECTURES]


@pytest.mark.parametrize(("title", "number", "plan"), PLANS, ids=[number for _, number, _ in PLANS])
def test_a_plan_names_sections_and_exercises_that_its_lecture_has(title, number, plan):
    lecture, sections = headings(number)
    assert title == f"{number} · {lecture.removeprefix(f'{number} · ')}"
    short, long = named(plan, "In 45 minutes:"), named(plan, "In 90, also:")
    assert 2 <= len(short) <= 5
    assert set(short) | set(long) <= set(sections)
    exercises = {POINTS[name][0] for name in of_lecture(number)}
    assert len(named(plan, "In class:")) == 2
    assert set(named(plan, "In class:")) <= exercises
    assert set(named(plan, "At home:")) <= exercises | set(sections)


@pytest.mark.parametrize(("title", "number", "plan"), PLANS, ids=[number for _, number, _ in PLANS])
def test_a_misconception_is_one_that_a_check_knows_by_name(title, number, plan):
    (expected,) = re.findall(r"\*\*Expect:\*\*(.*)", plan)
    mistakes = re.findall(r"<!-- (\w+): (.+?) -->", expected)
    assert len(mistakes) >= 3
    for exercise, mistake in mistakes:
        assert exercise.startswith(number)
        assert mistake in EXERCISES[exercise].wrong_answers
    assert re.sub(r"<!--.*?-->", "", expected).strip().endswith(".")


@pytest.mark.parametrize(("title", "number", "plan"), PLANS, ids=[number for _, number, _ in PLANS])
def test_a_question_names_the_section_in_which_it_is_asked(title, number, plan):
    (line,) = re.findall(r"\*\*Ask:\*\* (.*)", plan)
    assert line.count("<!--") >= 2
    assert line.endswith("-->")
    assert set(re.findall(r"<!-- (.+?) -->", line)) <= set(headings(number)[1])
    assert all(question.strip().endswith("?") for question in re.split(r"<!--.*?-->", line)[:-1])


def test_a_plan_for_three_days_leaves_out_only_what_no_later_lecture_needs():
    (days,) = re.findall(r"^\| day \|.*?(?=\n\n)", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert re.findall(r"lecture (\d\d)", days) == ["01", "02", "03", "05", "06"]
