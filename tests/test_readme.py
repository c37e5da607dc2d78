"""What README and CLAIMS.md take from records and notebooks is written there, and nothing else in them is touched."""

import ast
import base64
import collections
import dataclasses
import json
import re

import pytest

from course_utils.evidence.record import Claim, Record
from course_utils.files import CHECKOUT, CLAIMS, EXPERIMENT_NOTEBOOKS, LECTURES, README, RUNS, START_AND_LECTURES
from course_utils.publishing import addresses, readme
from course_utils.refusals import read_notebook

PAGES = [*sorted(CHECKOUT.glob("*.md")), CHECKOUT / "datasets" / "README.md"]
MARKS = "<!-- claims: written by python -m course_utils.publishing.readme -->", "<!-- end of claims -->"


def recorded(values, **changed):
    claim = Claim(says="a beats b.", metric="accuracy", treatment="a", baseline="b", control="c", at_least=0.1)
    values = {name: {"accuracy": numbers} for name, numbers in values.items()}
    record = Record("99_test", [claim], [0, 1, 2], values, {}, "", [], "", "", {})
    return dataclasses.replace(record, **changed)


BETTER = {"a": [0.9, 0.91, 0.92], "b": [0.5, 0.5, 0.5], "c": [0.49, 0.5, 0.5]}


def test_a_claim_tells_its_word_its_sentence_its_means_and_its_three_intervals():
    record = recorded(BETTER)
    assert readme.claim_lines(record, record.claims[0]) == (
        "✓ **holds** · a beats b.  \n"
        "a − b: +41.0 [+38.5, +43.5]; a − c: +41.3 [+39.9, +42.8]; c − b: −0.3 [−1.8, +1.1] · accuracy, 3 seeds, "
        "more than 10 points asked, exploratory. Means: a 91.0 %, b 50.0 %, c (control) 49.7 %. *99_test*"
    )


@pytest.mark.parametrize(
    ("treatment", "mark"), [([0.9, 0.91, 0.92], "✓ **holds** "), ([0.5, 0.51, 0.5], "✗ **does not hold** ")]
)
def test_a_word_never_stands_without_its_symbol(treatment, mark):
    record = recorded({**BETTER, "a": treatment})
    assert readme.claim_lines(record, record.claims[0]).startswith(mark)


def test_claims_are_grouped_under_the_titles_of_their_lectures(tmp_path):
    for name in ("02_b", "01_a", "02_a"):
        recorded(BETTER, name=name).write(tmp_path / f"{name}.json")
    lines = readme.claims_list(tmp_path).splitlines()
    headings = [readme.title(path) for path in LECTURES[:2]]
    assert [line for line in lines if line.startswith("### ")] == [f"### {heading}" for heading in headings]
    assert re.findall(r"\*(\d\d_\w)\*$", "\n".join(lines), flags=re.MULTILINE) == ["01_a", "02_a", "02_b"]


def test_only_what_stands_between_the_marks_is_replaced():
    begin, end = MARKS
    assert readme.between(f"a\n{begin}\nold\n{end}\nz", "claims", "new") == f"a\n{begin}\n\nnew\n\n{end}\nz"


@pytest.mark.parametrize("text", ["no marks", MARKS[0], MARKS[1], "".join(MARKS) * 2])
def test_a_text_without_both_marks_once_is_refused(text):
    with pytest.raises(ValueError, match="marks"):
        readme.between(text, "claims", "new")


def notebook_of(cells):
    """Write a notebook of these cells, as text."""
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})


@pytest.fixture
def lecture(tmp_path):
    shown = f'<img src="data:image/png;base64,{base64.b64encode(b"PNG").decode()}" alt="x &lt; 1">'
    data = {"text/html": [shown[:30], shown[30:]]}
    figure = {"output_type": "display_data", "metadata": {}, "data": data}
    code = {"cell_type": "code", "execution_count": None, "source": "", "outputs": [figure]}
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# 07 · Title\n", "more"]},
        code | {"metadata": {"tags": ["signature"]}},
    ]
    path = tmp_path / "07_name.ipynb"
    path.write_text(notebook_of(cells), encoding="utf-8")
    return path


def test_a_lectures_picture_comes_with_its_title_and_description(lecture):
    assert readme.signature(lecture) == ("07 · Title", "x < 1", b"PNG")


OLD = "### [old](notebooks/07_name.ipynb)\n\n![](notebooks/pictures/07_name.png)\n"


def test_title_and_description_are_brought_up_to_date_and_the_finding_is_left_alone(lecture):
    assert readme.with_lectures(f"a\n{OLD}It works.\n<!-- 07_a: b > c: holds -->\n", [lecture]) == (
        "a\n### [07 · Title](notebooks/07_name.ipynb)\n\n![x < 1](notebooks/pictures/07_name.png)\n"
        "It works.\n<!-- 07_a: b > c: holds -->\n"
    )


@pytest.mark.parametrize("text", ["", OLD.splitlines()[0], OLD.splitlines()[2], OLD * 2])
def test_a_lecture_that_readme_does_not_show_once_is_named(lecture, text):
    with pytest.raises(ValueError, match="07_name"):
        readme.with_lectures(text, [lecture])


def test_readme_and_claims_show_the_lectures_and_the_records_as_they_are():
    set_in_pyproject = addresses.setting("Repository")
    writers = (
        (README, readme.with_lectures),
        (README, lambda text: readme.with_badges(text, set_in_pyproject)),
        (CLAIMS, readme.with_claims),
    )
    for path, write in writers:
        text = path.read_text(encoding="utf-8")
        assert write(text) == text, "run: .venv/bin/python -m course_utils.publishing.readme"


@pytest.mark.parametrize("elsewhere", ["", "https://codeberg.org/ada/course"])
def test_badges_come_and_go_with_the_address_that_is_set(elsewhere):
    text = "# T\n\nFirst.\n"
    marked = readme.with_badges(text, "https://github.com/ada/course")
    assert readme.with_badges(marked, "https://github.com/ada/course") == marked
    line = marked.splitlines()[2]
    assert "(https://github.com/ada/course/actions/workflows/test.yml)" in line
    assert "(https://mybinder.org/v2/gh/ada/course/HEAD?labpath=notebooks%2F00_start_here.ipynb)" in line
    assert readme.with_badges(marked, elsewhere) == text


def test_readme_is_short_enough_to_be_read():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 150


def test_every_lecture_shows_a_picture_and_a_finding_that_its_records_guard():
    text = README.read_text(encoding="utf-8")
    for path in LECTURES:
        _, part = text.split(f"](notebooks/{path.name})\n", 1)
        part = part.split("\n### ")[0]
        assert re.search(r"^!\[.{40,}\]\(", part, flags=re.MULTILINE)
        guards = re.findall(r"^<!-- (\d\d)_\w+: .+ -->$", part, flags=re.MULTILINE)
        assert guards
        assert set(guards) == {path.stem[:2]}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_what_a_page_links_to_is_there(path):
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not link.startswith("http")]
    for link in links:
        file, _, anchor = link.partition("#")
        target = path.parent / file if file else path
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), flags=re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", name.lower()).strip().replace(" ", "-") for name in headings}


def test_a_lecture_without_signature_figure_is_named(tmp_path):
    cells = [{"cell_type": "markdown", "metadata": {}, "source": "# T"}]
    (tmp_path / "07_name.ipynb").write_text(notebook_of(cells), encoding="utf-8")
    with pytest.raises(ValueError, match=r"07_name\.ipynb: expected one figure tagged 'signature', found 0"):
        readme.signature(tmp_path / "07_name.ipynb")


def test_the_cards_name_every_record_that_was_measured_on_a_public_set():
    table = re.findall(
        r"^\| .+? \| `course_utils.+?\(\"(\w+)\"\)` \| once \| (.+?) \|$",
        PAGES[-1].read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
    assert len(table) > 8
    measured = collections.defaultdict(set)
    for path in EXPERIMENT_NOTEBOOKS:
        source = "\n".join(cell.source for cell in read_notebook(path).cells if cell.cell_type == "code")
        functions = {getattr(node, "name", ""): ast.unparse(node) for node in ast.parse(source).body}
        for record, experiment in re.findall(r"measure\(\s*name=\"(\w+)\",\s*experiment=(\w+)", source):
            called = set(re.findall(r"(\w+)\(", functions[experiment])) & functions.keys()
            text = "\n".join(functions[name] for name in {experiment, *called})
            for by_name, alone in re.findall(r"load_(?:corpus|documents)\('(\w+)'|load_(cora|coauthor_cs)\(", text):
                measured[by_name or alone].add(record)
    assert {name: set(re.findall(r"`(\w+)`", named)) for name, named in table if named != "–"} == measured


def test_no_lecture_needs_more_memory_than_a_small_server_gives():
    runs = json.loads(RUNS.read_text(encoding="utf-8"))
    assert sorted(runs) == [path.stem for path in START_AND_LECTURES]
    measured = [run["peak_mebibytes"] for run in runs.values() if run["peak_mebibytes"] is not None]  # Linux tells
    assert all(200 < mebibytes <= 1536 for mebibytes in measured)


def test_the_table_of_runs_shows_what_was_noted(tmp_path):
    noted = {
        "02_b": {"seconds": 7, "peak_mebibytes": 1234},
        "01_a": {"seconds": 30, "peak_mebibytes": 512},
        "03_c": {"seconds": 9, "peak_mebibytes": None},
    }
    (tmp_path / "runs.json").write_text(json.dumps(noted), encoding="utf-8")
    first, second, third = readme.runs_table(tmp_path / "runs.json").splitlines()[2:]
    assert (first, second, third) == ("| 01_a | 30 | 512 |", "| 02_b | 7 | 1,234 |", "| 03_c | 9 | not measured |")


def test_the_table_of_records_adds_up_what_each_took(tmp_path):
    for name, seconds in {"02_b": [30.0, 60.0], "01_a": [3600.0, 1800.0, 60.0]}.items():
        Record(name, [], list(range(len(seconds))), {}, {}, "", seconds, "", "", {}).write(tmp_path / f"{name}.json")
    rows = readme.records_table(tmp_path).splitlines()[2:]
    assert rows == ["| 01_a | 3 | 91.0 |", "| 02_b | 2 | 1.5 |", "| all | | 92 (1.5 hours) |"]
