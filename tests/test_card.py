"""A verdict's card says the claim, the word and the three differences, in HTML that every viewer lets through."""

import math
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from course_utils.evidence.card import COLOURS, CONTEXT, SYMBOLS, Scale, card_markdown, cards, forest
from course_utils.evidence.record import Claim, Record, records_of
from course_utils.evidence.rule import Interval
from course_utils.evidence.verdict import judge

CLAIM = Claim(says="a < b & more", metric="accuracy", treatment="a", baseline="b", control="c", at_least=0.05)
HIGH, LOW, NONE = (0.9, 0.91, 0.92, 0.9, 0.92), (0.5,) * 5, (0.49, 0.5, 0.5, 0.5, 0.5)


def record(a=HIGH, b=LOW, c=NONE, claim=CLAIM) -> Record:
    values = {name: {"accuracy": list(v)} for name, v in {"a": a, "b": b, "c": c}.items()}
    return Record("99_test", [claim], list(range(len(a))), values, {}, "", [], "", "", {})


class Parts(HTMLParser):
    """Collects tags, style properties and visible text; complains where a tag is not closed."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags, self.attributes, self.properties, self.text, self.open = set(), set(), set(), "", []
        self.feed(markup)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.open.append(tag)
        self.attributes |= {name for name, _ in attrs}
        styles = [value for name, value in attrs if name == "style"]
        self.properties |= {entry.split(":")[0].strip() for style in styles for entry in style.split(";")}

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_a_card_says_claim_word_symbol_kind_seeds_and_all_three_differences():
    said = Parts(cards(record()).markup).text
    for expected in (
        "✓ holds", "a < b & more", "exploratory claim", "accuracy", "5 seeds", "a − b", "a − c", "c − b",
        "+41.0 [+39.8, +42.2]", "+41.2 [+40.2, +42.2]", "−0.2 [−0.8, +0.4]", "more than 5 points",
        "c (control) 49.8\u00a0%",
    ):  # fmt: skip
        assert expected in said


def test_a_primary_claim_says_so_with_its_corrected_p_value(tmp_path, monkeypatch):
    monkeypatch.setattr("course_utils.evidence.record.RECORDS", tmp_path)
    said = Parts(cards(record(claim=replace(CLAIM, primary=True))).markup).text
    assert "primary claim" in said
    assert re.search(r"p = \d.*Holm", said)


def test_the_floor_is_named_as_one_among_the_means():
    floored = record(claim=replace(CLAIM, floor="c", control="d"))
    floored.values["d"] = {"accuracy": list(NONE)}
    assert "c (floor) 49.8\u00a0%" in Parts(cards(floored).markup).text


def test_successes_are_drawn_as_dots_and_told_as_counts():
    claim = replace(CLAIM, at_least=0.0, success_at=0.9)
    parts = Parts(cards(record(a=(1, 1, 1, 1, 0), claim=claim)).markup)
    assert "4 of 5 seeds" in parts.text
    assert "0 of 5 seeds" in parts.text
    assert "[" not in parts.text
    assert "a: 4 of 5 seeds" in card_markdown(record(a=(1, 1, 1, 1, 0), claim=claim), claim)


# a part of what the sanitiser of JupyterLab 4 lets through
LET_THROUGH = """
align-items background-color border border-left border-radius border-top bottom box-sizing color display flex flex-basis
flex-wrap font-family font-size font-weight gap height left line-height margin margin-left margin-right margin-top
max-width min-width opacity padding padding-bottom padding-top position right text-align top white-space width
"""
SEVERAL = [
    (record(), CLAIM),
    (record(), replace(CLAIM, says="second", at_least=0.0)),
    (record((0.9,), (0.5,), (0.5,)), CLAIM),
]


@pytest.mark.parametrize("markup", [cards(record()).markup, forest(SEVERAL).markup])
def test_a_card_uses_only_what_a_notebook_that_is_not_trusted_may_show(markup):
    parts = Parts(markup)
    assert parts.tags <= {"div", "span", "b", "sub"}
    assert parts.attributes <= {"style", "role", "aria-label"}
    assert parts.properties <= set(LET_THROUGH.split())
    assert "nan" not in markup
    assert "inf" not in markup


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colour", [*COLOURS.values(), CONTEXT])
def test_lines_are_seen_on_light_and_dark_pages(colour):
    assert contrast(colour, "#ffffff") >= 3
    assert contrast(colour, "#14181e") >= 3


@pytest.mark.parametrize("word", COLOURS)
def test_a_word_is_read_on_its_colour_and_told_by_a_symbol_besides(word):
    assert contrast(COLOURS[word], "#ffffff") >= 4.5
    assert len({SYMBOLS[w] for w in COLOURS}) == len(COLOURS)


def test_the_plain_twin_of_a_card_is_the_block_that_print_gives():
    assert repr(cards(record())) == str(record())


def test_judging_shows_cards_and_outside_of_a_notebook_their_twin(capsys):
    judge(record())
    assert "Verdict: holds." in capsys.readouterr().out


def test_the_claims_on_one_metric_can_be_shown_alone():
    other = replace(CLAIM, metric="recall", says="another claim")
    values = {name: {**metrics, "recall": metrics["accuracy"]} for name, metrics in record().values.items()}
    both = replace(record(), claims=[CLAIM, other], values=values)
    assert cards(both).markup.count('role="group"') == 2
    alone = cards(both, "recall")
    assert alone.markup.count('role="group"') == 1
    assert "another claim" in alone.markup
    assert CLAIM.says not in repr(alone)
    with pytest.raises(ValueError, match="has no claim on 'BLEU'; it has claims on accuracy, recall"):
        cards(both, "BLEU")


def test_a_scale_holds_every_bound_that_is_finite():
    scale = Scale.over([Interval(0.1, -math.inf, math.inf), Interval(0.3, 0.2, 0.4)], [0.0])
    assert 0 < scale.percent(0.0) < scale.percent(0.1) < scale.percent(0.4) < 100
    flat = Scale.over([Interval(0.0, 0.0, 0.0)], [0.0])
    assert flat.percent(0.0) == pytest.approx(50)


def test_a_forest_has_a_row_for_each_claim_and_a_line_of_text():
    shown = forest(SEVERAL)
    assert shown.markup.count('role="img"') == 3
    first, second, third = repr(shown).splitlines()
    assert first == "✓ a < b & more holds: a − b: +41.0 [+39.8, +42.2]"
    assert second.startswith("✓ second holds")
    assert third.startswith("? a < b & more unclear: a − b: +40.0")
    with pytest.raises(ValueError, match="at least one claim"):
        forest([])


def test_the_twin_in_markdown_is_the_claim_and_one_line():
    assert card_markdown(record(), CLAIM) == (
        "✓ **holds** · a < b & more.  \n"
        "a − b: +41.0 [+39.8, +42.2]; a − c: +41.2 [+40.2, +42.2]; c − b: −0.2 [−0.8, +0.4] · accuracy, 5 seeds, "
        "more than 5 points asked, exploratory. Means: a 91.0 %, b 50.0 %, c (control) 49.8 %."
    )


def test_a_claim_that_looks_like_markup_is_shown_as_it_is_written():
    parts = Parts(cards(record(claim=replace(CLAIM, says="a <i> b"))).markup)
    assert "a <i> b" in parts.text
    assert "i" not in parts.tags


def test_an_index_is_set_below_the_line():
    claim = replace(CLAIM, says="s_i asks, not s_{i-1}")
    assert "s<sub>i</sub> asks, not s<sub>i−1</sub>" in cards(record(claim=claim)).markup
    assert "s<sub>i</sub> asks, not s<sub>i−1</sub>" in card_markdown(record(claim=claim), claim)


def test_a_score_in_bleu_is_no_percentage_and_a_negative_mean_has_a_minus():
    claim = replace(CLAIM, metric="BLEU")
    kept = record(c=(-0.01,) * 5)
    scored = replace(kept, claims=[claim], values={name: {"BLEU": v["accuracy"]} for name, v in kept.values.items()})
    assert card_markdown(scored, claim).endswith("Means: a 91.0, b 50.0, c (control) −1.0.")
    assert "  a              91.0 ± 1.0\n" in str(scored)


@pytest.mark.parametrize("record", records_of("01"), ids=lambda record: record.name)
def test_a_card_and_its_twin_round_a_mean_alike(record):
    for claim in record.claims:
        if claim.success_at is None:
            for name in claim.compared:
                line = rf"^  {re.escape(name)}(?: \(\w+\))? +(−?\d+\.\d)( |$)"
                told = re.search(line, str(replace(record, claims=[claim])), re.MULTILINE)
                assert re.search(rf"{re.escape(name)}(?: \(\w+\))? {told[1]}( %)?[,.]", card_markdown(record, claim))


def test_a_small_difference_gets_the_whole_line_and_what_lies_beyond_it_an_arrow():
    small = record(a=(0.501, 0.502, 0.503, 0.502, 0.502), c=(0.1,) * 5, claim=replace(CLAIM, at_least=0.0))
    markup = cards(small).markup
    assert markup.count("▸") == 1  # a − c
    assert markup.count("◂") == 1  # c − b
    scale = Scale.around(Interval(0.2, 0.1, 0.3), [Interval(0.5, 0.4, 0.6)], (0.0, 0.05))
    assert scale.percent(0.6) < 100, "a difference that can be seen beside the others keeps their scale"


def test_a_claim_of_no_loss_says_how_much_may_be_lost():
    said = Parts(cards(record(claim=replace(CLAIM, at_least=-0.01))).markup).text
    assert "loses less than 1 point" in said
