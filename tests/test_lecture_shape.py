"""The shape of a lecture: what its first screen holds, how long it is, what its headings say."""

import re
from itertools import pairwise

import pytest

from course_utils.files import LECTURES, NOTEBOOKS, README

from .notebooks import code_cells, headings, load, prose, rows, section

FORM_ONLY = [  # the first edition's headings, in their order
    "The question",
    "Before you start",
    "The claim",
    "The idea",
    "The code",
    "Experiment",
    "What we measured",
    "Limits",
    "Exercises",
]
every_lecture = pytest.mark.parametrize("name", [path.stem for path in LECTURES])


def first_screen(name: str) -> str:
    """Give what is read before the first section."""
    return "\n\n".join(prose(name)).split("\n## ")[0]


@every_lecture
def test_it_has_one_title_and_no_heading_that_names_only_a_form(name):
    found = headings(name)
    assert found[0][0] == 1
    assert found[0][1].startswith(f"{name[:2]} · ")
    assert [level for level, _ in found].count(1) == 1
    assert not {title for _, title in found} & set(FORM_ONLY)
    assert all(after <= before + 1 for before, after in pairwise(level for level, _ in found)), "a level is skipped"


@every_lecture
def test_the_first_screen_shows_a_picture_objectives_and_the_lectures_row(name):
    screen = first_screen(name)
    before, picture, _ = screen.partition(f"](pictures/{name}.png)")
    assert picture, "the result is shown first"
    assert len(before.split()) <= 200
    assert len(re.findall(r"^- ", screen, flags=re.MULTILINE)) >= 3, "three objectives"
    assert re.search(r"minutes", screen)
    assert len(rows(screen)) == 1
    assert rows(screen)[0].startswith(f"| {name[:2]} ")
    assert rows(screen)[0] in rows(README.read_text(encoding="utf-8"))


@every_lecture
def test_the_summary_shows_the_table_so_far(name):
    assert [row[2:4] for row in rows(section(name, "Summary"))] == [f"{n:02}" for n in range(1, int(name[:2]) + 1)]
    assert rows(section(name, "Summary"))[-1:] == rows(first_screen(name))


@every_lecture
def test_every_reference_has_a_link(name):
    entries = re.findall(r"^- .+$", section(name, "References"), flags=re.MULTILINE)
    assert len(entries) >= 5
    assert not [entry for entry in entries if not re.search(r"\]\(https?://", entry)]


@every_lecture
def test_exercises_stand_beside_what_they_practise(name):
    cells = load(name).cells
    places = [i for i, cell in enumerate(cells) if "exercise" in cell.metadata.get("tags", [])]
    assert len([place for place in places if place < 2 / 3 * len(cells)]) >= 3
    assert not re.search("^## Exercises", "\n".join(prose(name)), flags=re.MULTILINE)


@every_lecture
def test_it_fits_into_ninety_minutes(name):
    text = re.sub(r"```.*?```|\$\$.*?\$\$|<!--.*?-->|<[^>]+>", " ", "\n\n".join(prose(name)), flags=re.DOTALL)
    code = [line for cell in code_cells(name) for line in cell.source.splitlines() if line.strip()]
    assert 100 <= len(load(name).cells) <= 140
    assert len(text.split()) <= 5000
    assert len(code) <= 450
    assert max(map(len, code)) <= 80


@every_lecture
def test_no_two_code_cells_follow_each_other_but_an_exercise_and_its_check(name):
    for before, after in pairwise(load(name).cells):
        if before.cell_type == after.cell_type == "code":
            assert "exercise" in before.metadata.get("tags", []), after.source[:80]


@every_lecture
def test_every_drawing_it_shows_is_there_and_described(name):
    shown = re.findall(r"!\[([^\]]*)\]\((pictures/[^)]+)\)", "\n".join(prose(name)))
    for description, path in shown:
        assert (NOTEBOOKS / path).is_file()
        assert len(description) > 40
