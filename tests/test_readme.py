"""What README shows is written from records and notebooks, and nothing else in it is touched."""

import base64
import json

import pytest

from course_utils.evidence.record import Claim, Record
from course_utils.files import LECTURES, RUNS
from course_utils.publishing import readme

MARKS = "<!-- claims: written by python -m course_utils.publishing.readme -->", "<!-- end of claims -->"


def test_the_table_of_claims_is_made_of_records_alone(tmp_path):
    claim = Claim(says="a beats b", metric="accuracy", treatment="a", baseline="b", control="c")
    values = {"a": [0.9, 0.91, 0.92], "b": [0.5, 0.5, 0.5], "c": [0.49, 0.5, 0.5]}
    Record(
        name="99_test",
        claims=[claim],
        seeds=[0, 1, 2],
        values={name: {"accuracy": numbers} for name, numbers in values.items()},
        settings={},
        fingerprint="",
        seconds=[],
        made="",
        machine="",
        versions={},
    ).write(tmp_path / "99_test.json")
    (_, _, row) = readme.claims_table(tmp_path).splitlines()
    assert row == (
        "| 99 | a beats b | accuracy: a 91.0 %, b 50.0 %; difference +41.0 [+38.5, +43.5] points "
        "over 3 seeds, more than 0.0 asked | c 49.7 % | **holds** |"
    )


def test_only_what_stands_between_the_marks_is_replaced():
    begin, end = MARKS
    assert readme.between(f"a\n{begin}\nold\n{end}\nz", "claims", "new") == f"a\n{begin}\nnew\n{end}\nz"


@pytest.mark.parametrize("text", ["no marks", MARKS[0], MARKS[1], "".join(MARKS) * 2])
def test_a_text_without_both_marks_once_is_refused(text):
    with pytest.raises(ValueError, match="marks"):
        readme.between(text, "claims", "new")


def test_a_lectures_picture_comes_with_its_title_and_description(tmp_path):
    shown = f'<img src="data:image/png;base64,{base64.b64encode(b"PNG").decode()}" alt="x &lt; 1">'
    data = {"text/html": [shown[:30], shown[30:]]}
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# 07 · Title\n", "more"]},
        {"cell_type": "code", "metadata": {"tags": ["signature"]}, "source": "", "outputs": [{"data": data}]},
    ]
    (tmp_path / "07_name.ipynb").write_text(json.dumps({"cells": cells}))
    assert readme.signature(tmp_path / "07_name.ipynb") == ("07 · Title", "x < 1", b"PNG")
    assert readme.lectures([tmp_path / "07_name.ipynb"]) == (
        "### [07 · Title](notebooks/07_name.ipynb)\n\n![x < 1](notebooks/pictures/07_name.png)"
    )


def test_a_lecture_without_signature_figure_is_named(tmp_path):
    (tmp_path / "07_name.ipynb").write_text(json.dumps({"cells": [{"metadata": {}, "source": "# T"}]}))
    with pytest.raises(ValueError, match=r"07_name\.ipynb: expected one figure tagged 'signature', found 0"):
        readme.signature(tmp_path / "07_name.ipynb")


def test_no_lecture_needs_more_memory_than_a_small_server_gives():
    runs = json.loads(RUNS.read_text(encoding="utf-8"))
    assert sorted(runs) == [path.stem for path in LECTURES]
    measured = [run["peak_mebibytes"] for run in runs.values() if run["peak_mebibytes"] is not None]  # Linux tells
    assert all(200 < mebibytes <= 1536 for mebibytes in measured)


def test_the_table_of_runs_shows_what_was_noted(tmp_path):
    noted = {
        "02_b": {"seconds": 7, "peak_mebibytes": 1234},
        "01_a": {"seconds": 30, "peak_mebibytes": 512},
        "03_c": {"seconds": 9, "peak_mebibytes": None},
    }
    (tmp_path / "runs.json").write_text(json.dumps(noted))
    first, second, third = readme.runs_table(tmp_path / "runs.json").splitlines()[2:]
    assert (first, second, third) == ("| 01_a | 30 | 512 |", "| 02_b | 7 | 1,234 |", "| 03_c | 9 | not measured |")


def test_the_table_of_records_adds_up_what_each_took(tmp_path):
    for name, seconds in {"02_b": [30.0, 60.0], "01_a": [3600.0, 1800.0, 60.0]}.items():
        Record(name, [], list(range(len(seconds))), {}, {}, "", seconds, "", "", {}).write(tmp_path / f"{name}.json")
    rows = readme.records_table(tmp_path).splitlines()[2:]
    assert rows == ["| 01_a | 3 | 91.0 |", "| 02_b | 2 | 1.5 |", "| all | | 92 (1.5 hours) |"]
