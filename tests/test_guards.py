"""Each guarded sentence of the course agrees with its record; a sentence that does not is named with what is wrong."""

import nbformat
import pytest

from course_utils.evidence import record as records
from course_utils.evidence.guards import (
    faults_of_notebook,
    faults_of_text,
    guarded_sentences,
    measured_numbers,
    unguarded_numbers,
)
from course_utils.evidence.record import Claim, Record
from course_utils.files import CHECKOUT, NOTEBOOKS

EVERY_NOTEBOOK = sorted([*NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"), *NOTEBOOKS.glob("experiments/[0-9][0-9]_*.ipynb")])
PAGES = sorted([*CHECKOUT.glob("*.md"), *CHECKOUT.glob("datasets/*.md"), *CHECKOUT.glob("course_utils/**/*.md")])
PAGES = [path for path in PAGES if path.name != "teaching.md"]  # its comments name mistakes, as test_teaching.py tests


@pytest.mark.parametrize("path", EVERY_NOTEBOOK, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_guarded_sentence_of_a_notebook_is_supported(path):
    faults = faults_of_notebook(path)
    assert not faults, "\n".join(map(str, faults))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_guarded_sentence_of_a_page_is_supported(path):
    faults = faults_of_text(path.read_text(encoding="utf-8"), path.name)
    assert not faults, "\n".join(map(str, faults))


@pytest.mark.parametrize("path", EVERY_NOTEBOOK, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_notebook_has_no_measured_number_without_a_guard(path):
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]
    loose = [f"cell {cell.get('id')}: {sentence}" for cell in cells for sentence in unguarded_numbers(cell.source)]
    assert not loose, "\n".join(loose)


@pytest.fixture(autouse=True)
def written(request, tmp_path, monkeypatch):
    """One record beside which the small sentences below are held."""
    if "path" in request.fixturenames:
        return
    claims = [
        Claim("a beats b", "BLEU", "big, wide", "n-gram b", "c", 0.05),
        Claim("a learns", "recall at 10", "big, wide", "n-gram b", "c", success_at=0.9),
    ]
    values = {
        "big, wide": {
            "BLEU": [0.351, 0.354, 0.35],
            "recall at 10": [1.0, 0.95, 0.2],
            "1 − AER": [0.5, 0.6, 0.7],
            "by length": [[0.9, 0.41], [0.9, 0.43], [0.9, 0.48]],
        },
        "n-gram b": {"BLEU": [0.25, 0.253, 0.252], "recall at 10": [0.1, 0.1, 0.2], "milliseconds": [57.2, 57.3, 57.4]},
        "c": {"BLEU": [0.2, 0.2, 0.2], "recall at 10": [0.1, 0.1, 0.1]},
    }
    record = Record("99_x", claims, [0, 1, 2], values, {"HEADS": 8, "RATE": 0.005}, "", [], "", "", {})
    record.write(tmp_path / "99_x.json")
    monkeypatch.setattr(records, "RECORDS", tmp_path)


def why(text: str, cells=(), number: int = 0) -> str:
    return "\n".join(map(str, faults_of_text(text, "a page", cells, number)))


@pytest.mark.parametrize(
    "text",
    [
        "Big wins. <!-- 99_x: big, wide > n-gram b in BLEU: holds -->",
        "Big wins by more than 5 points. <!-- 99_x: big, wide > n-gram b in BLEU: holds -->",
        "It learns. <!-- 99_x: big, wide > n-gram b in recall at 10: unclear -->",
        "It reaches 35.2 BLEU. <!-- 99_x: big, wide BLEU 35.2 -->",
        "It reaches 35 BLEU. <!-- 99_x: big, wide BLEU 35 -->",
        "It reaches 35.2 ± 0.2 BLEU. <!-- 99_x: big, wide BLEU 35.2 ± 0.2 -->",
        "A fraction of 0.35. <!-- 99_x: big, wide BLEU 0.35 -->",
        "It takes 57.3 ms, or 57 points. <!-- 99_x: n-gram b milliseconds 57.3; 99_x: n-gram b milliseconds 57 -->",
        "It gains 10.0 points. <!-- 99_x: big, wide − n-gram b BLEU +10.0 -->",
        "It gains 10.0 points. <!-- 99_x: big, wide - n-gram b BLEU 10.0 -->",
        "It loses 10.0 points. <!-- 99_x: n-gram b − big, wide BLEU −10.0 -->",
        "It gains 10.0 [9.6, 10.4] points. <!-- 99_x: big, wide − n-gram b BLEU +10.0 [+9.6, +10.4] -->",
        "It aligns 60 % of them. <!-- 99_x: big, wide 1 − AER 60 % -->",
        "It ends at 44 %. <!-- 99_x: big, wide by length[-1] 44 -->",
        "It learned in 2 of 3 seeds. <!-- 99_x: big, wide recall at 10 2 of 3 -->",
        "Two: 35.2 and 25.2 BLEU. <!-- 99_x: big, wide BLEU 35.2 --> <!-- 99_x: n-gram b BLEU 25.2 -->",
        "Eight heads, rate 0.005. <!-- 99_x: HEADS = 8; 99_x: RATE = 0.005 -->",
        "Nobody et al. (2017) report 28.4 BLEU. <!-- cited: 28.4 -->",
        "Its 95 % interval lies high. <!-- 99_x: big, wide > n-gram b in BLEU: holds -->",
        "A number of 9.9 before. Then it wins. <!-- 99_x: big, wide > n-gram b in BLEU: holds -->",
        "| big | 35.2 % |\n| small | 25.2 % |\n\n<!-- 99_x: big, wide BLEU 35.2; 99_x: n-gram b BLEU 25.2 -->",
        "Nothing here is a guard. <!-- end of claims -->",
        "```\nA guard in code. <!-- 99_x: nonsense -->\n```",
    ],
)
def test_a_sentence_that_its_record_supports_passes(text):
    assert why(text) == ""


@pytest.mark.parametrize(
    ("guard", "expected"),
    [
        (
            "99_x: big, wide > n-gram b in BLEU: does not hold",
            "says big, wide > n-gram b in BLEU: holds, not 'does not",
        ),
        (
            "99_x: big, wide > n-gram b: holds",
            "has 2 claims 'big, wide > n-gram b'; it has: big, wide > n-gram b in BLEU",
        ),
        ("99_x: n-gram b > big, wide: holds", "has no claim 'n-gram b > big, wide'"),
        ("99_x: big, wide BLEU 35.1", "says big, wide BLEU, mean: 35.2 (as a fraction 0.3517), not 35.1"),
        ("99_x: big, wide BLEU 0", "not 0"),
        ("99_x: big, wide BLEU 35.2 ± 0.3", "spread: 0.2"),
        ("99_x: big, wide BLEU -35.2", "not -35.2"),
        ("99_x: big, wide − n-gram b BLEU −10.0", "mean: 10.0"),
        ("99_x: big, wide − n-gram b BLEU +10.0 [+9.6, +10.3]", "high: 10.4"),
        ("99_x: big, wide by length[-1] 43", "says big, wide by length[-1], mean: 44"),
        ("99_x: big, wide by length[2] 44", "has no point 2 in 'big, wide by length'"),
        ("99_x: big, wide BLEU[-1] 35", "has no point -1 in 'big, wide BLEU'"),
        ("99_x: big, wide recall at 10 3 of 3", "2 of 3, not 3 of 3"),
        ("99_x: big, wide BLEU 3 of 3", "success_at"),
        ("99_x: narrow BLEU 35.2", "has no 'narrow BLEU'; it has: big, wide 1 − AER; big, wide BLEU"),
        ("99_x: big, wide accuracy 35.2", "has no 'big, wide accuracy'"),
        ("98_y: big, wide BLEU 35.2", "No record named '98_y'"),
        ("99_x: HEADS = 4", "says HEADS = 8, not 4"),
        ("99_x: TAILS = 4", "keeps no setting 'TAILS'; it keeps HEADS, RATE"),
        ("99_x big, wide BLEU 35.2", "malformed"),
        ("99_x: big, wide BLEU", "malformed"),
        ("99_x:", "malformed"),
        ("printed", "malformed"),
        ("printed: about 3", "malformed"),
        ("printed for you: 3", "malformed"),
        ("cited: 28.4", "names no source"),
    ],
)
def test_a_guard_that_is_wrong_or_malformed_is_named_with_place_sentence_and_reason(guard, expected):
    cells = [nbformat.v4.new_code_cell("x", outputs=[nbformat.v4.new_output("stream", text="3")])]
    said = why(f"First this. Then it wins. <!-- {guard} -->", cells, 1)
    assert said.startswith("a page: “Then it wins.”: ")
    assert expected in said


@pytest.mark.parametrize(
    "sentence", ["It has 35.3 BLEU.", "It has 35.2 BLEU, 7 points more.", "A loss of 0.25, 35.2 %."]
)
def test_a_number_that_no_guard_of_its_sentence_names_is_told(sentence):
    assert "no guard names" in why(f"{sentence} <!-- 99_x: big, wide BLEU 35.2 -->")


def cells_with_outputs():
    cells = [
        nbformat.v4.new_code_cell(
            "step = -0.25", outputs=[nbformat.v4.new_output("stream", text="weights [0.4223, 0.5777]\n")]
        ),
        nbformat.v4.new_markdown_cell("Here."),
        nbformat.v4.new_code_cell("2"),
        nbformat.v4.new_code_cell("3", outputs=[nbformat.v4.new_output("execute_result", {"text/plain": "-1.5"})]),
        nbformat.v4.new_code_cell("x = 0.125", outputs=[nbformat.v4.new_output("stream", text="0.99")]),
    ]
    cells[4]["id"] = "far"
    return cells


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Weights are 0.42 and 0.58. <!-- printed: 0.42, 0.58 -->", ""),
        ("The score is −1.5. <!-- printed: −1.5 -->", ""),
        ("It is 0.99. <!-- printed by far: 0.99 -->", ""),
        ("Let the step be 0.25. <!-- code: 0.25 -->", ""),
        ("Let the step be 0.125. <!-- code of far: 0.125 -->", ""),
        ("Let the step be 0.3. <!-- code: 0.3 -->", "0.3 is not in what the cell is written with"),
        ("The score is −0.42. <!-- printed: −0.42 -->", "−0.42 is not in what the cell prints"),
        ("It is 0.43. <!-- printed: 0.43 -->", "0.43 is not in what the cell prints"),
        ("It is 0.99. <!-- printed: 0.99 -->", "0.99 is not in what the cell prints"),
        ("It is 0.42. <!-- printed by far: 0.42 -->", "0.42 is not in what the cell prints"),
        ("It is 0.42. <!-- printed by nowhere: 0.42 -->", "names a cell that does not exist"),
    ],
)
def test_a_number_worked_by_hand_is_tied_to_the_cell_that_prints_it(text, expected):
    said = why(text, cells_with_outputs(), 1)
    assert (expected in said) if expected else said == ""


def test_a_page_without_cells_prints_nothing_to_be_tied_to():
    assert "has no code cell that it could mean" in why("It is 0.42. <!-- printed: 0.42 -->")


def test_a_notebooks_fault_names_file_cell_and_sentence(tmp_path):
    cell = nbformat.v4.new_markdown_cell(
        "It wins by 9.9 points. <!-- 99_x: big, wide − n-gram b BLEU +9.9 -->", id="abc"
    )
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "07_name.ipynb")
    (fault,) = faults_of_notebook(tmp_path / "07_name.ipynb")
    assert str(fault).startswith("07_name.ipynb, cell 0 (abc): “It wins by 9.9 points.”: 99_x says")


def test_a_guard_belongs_to_the_sentence_before_it_and_several_belong_to_one():
    text = (
        "One. Two (Nobody et al. 2017) goes\non. <!-- 99_x: a --> <!-- 99_x: b; 99_x: c -->\n\n- Three <!-- 99_x: d -->"
    )
    assert [(entry.sentence, entry.guards) for entry in guarded_sentences(text)] == [
        ("Two (Nobody et al. 2017) goes on.", ["99_x: a", "99_x: b", "99_x: c"]),
        ("Three", ["99_x: d"]),
    ]


def test_measured_are_decimals_and_what_stands_before_percent_points_or_bleu():
    text = "5 seeds, 3 layers, 12 %, 1,234 points, −0.5, $0.3$, `0.4`, version 2.1.3, [a](b_0.7), 40 BLEU, 7 per cent"
    assert measured_numbers(text) == {"12", "1234", "0.5", "40", "7"}


def test_numbers_without_guard_are_counted_sentence_by_sentence():
    text = (
        "It gains 5.1 points. It has 35.2 BLEU. <!-- 99_x: big, wide BLEU 35.2 --> Then 7 %. "
        "Nobody et al. report 28.4. No number.\n\n```\n0.5\n```"
    )
    assert unguarded_numbers(text) == ["It gains 5.1 points.", "Then 7 %."]
