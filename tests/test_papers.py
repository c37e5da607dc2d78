"""Published numbers beside ours: the verdict follows from the record and the paper's spread, and from nothing else."""

import json
import re

import pytest

from course_utils.evidence.papers import PUBLISHED, Published, beside_papers, compare, papers_table
from course_utils.evidence.record import RECORDS, Record


def record(*values):
    return Record("99_x", [], list(range(len(values))), {"ours": {"accuracy": list(values)}}, {}, "", [], "", "", {})


def published(value, spread):
    return Published("99_x", "ours", "accuracy", "Model on data", value, spread, "Nobody (1999), Table 1", "the moon")


@pytest.mark.parametrize(
    ("value", "spread", "word"),
    [
        (0.83, 0.007, "reproduced"),  # ours is 0.825, half a point below
        (0.83, 0.004, "below"),
        (0.82, 0.004, "above"),
        (0.833, None, "reproduced"),  # our own standard deviation is 0.01
        (0.836, None, "below"),
        (0.814, None, "above"),
    ],
)
def test_a_number_is_reproduced_within_the_papers_spread_and_without_one_within_ours(value, spread, word):
    verdict, difference = compare(published(value, spread), record(0.815, 0.825, 0.835))
    assert verdict == word
    assert difference == pytest.approx(0.825 - value)


def test_the_table_gives_a_reason_where_a_number_was_not_reproduced(tmp_path):
    record(0.815, 0.825, 0.835).write(tmp_path / "99_x.json")
    entries = [vars(published(0.83, 0.007)), vars(published(0.814, None))]
    (tmp_path / "published.json").write_text(json.dumps(entries), encoding="utf-8")
    _, _, first, second = papers_table(tmp_path / "published.json", tmp_path).splitlines()
    ours = "82.5 ± 1.0 over 3 seeds"
    assert first == f"| Model on data | 83.0 ± 0.7 | {ours} | **reproduced** (−0.5) | Nobody (1999), Table 1 |"
    assert (
        second
        == f"| Model on data | 81.4 | {ours} | **above** (+1.1), likely because the moon | Nobody (1999), Table 1 |"
    )


def test_a_lecture_prints_what_was_published_beside_its_record_and_nothing_else(tmp_path, capsys):
    other = {**vars(published(0.83, 0.007)), "record": "98_other"}
    entries = [other, vars(published(0.83, 0.007)), vars(published(0.814, None))]
    (tmp_path / "published.json").write_text(json.dumps(entries), encoding="utf-8")
    beside_papers(record(0.815, 0.825, 0.835), published=tmp_path / "published.json")
    ours = "82.5 ± 1.0 over 3 seeds"
    assert capsys.readouterr().out.splitlines() == [
        "Model on data: published 83.0 ± 0.7 (Nobody (1999), Table 1)",
        f"  here {ours}: reproduced (-0.5)",
        "Model on data: published 81.4 (Nobody (1999), Table 1)",
        f"  here {ours}: above (+1.1)",
        "  likely because the moon",
    ]
    (tmp_path / "published.json").write_text(json.dumps(entries[:1]), encoding="utf-8")
    with pytest.raises(ValueError, match="no number beside 99_x; it has some beside 98_other"):
        beside_papers(record(0.815, 0.825, 0.835), published=tmp_path / "published.json")


def test_every_published_number_stands_beside_a_record():
    for entry in json.loads(PUBLISHED.read_text(encoding="utf-8")):
        number = Published(**entry)
        assert 0 < number.value < 1
        assert re.search(r"Table \d|section \d|notebook \d", number.source)
        assert Record.read(RECORDS / f"{number.record}.json").of(number.condition, number.metric).size >= 3
