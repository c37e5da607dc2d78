"""Verdict cards on a page: nothing overflows, nothing is too small to read, and every mark stays inside."""

from dataclasses import replace

import pytest

from course_utils.evidence.card import cards, forest
from course_utils.evidence.record import Record, stored

from .conftest import PATIENCE


def shown() -> str:
    """Give cards of every kind, and a forest plot, of the course's own records."""
    graphs = stored("06_cora")
    pairs = [(graphs, claim) for claim in graphs.claims]
    recall = stored("01_recall")
    counted = [replace(claim, at_least=0.0, success_at=0.8) for claim in recall.claims]
    every = [cards(graphs), cards(stored("03_movie_reviews")), cards(replace(recall, claims=counted)), forest(pairs)]
    return "".join(entry.markup for entry in [*every, cards(quick_look(graphs))])


ROWS = """[...document.querySelectorAll('[aria-label^=Verdict]')].map(card => {
    const tracks = [...card.querySelectorAll('[role=img]')].filter(one => one.style.position === 'relative');
    const places = tracks.map(one => one.getBoundingClientRect());
    const label = tracks.length && tracks.at(-1).parentElement.nextElementSibling.lastElementChild;
    const words = [...(label ? label.querySelectorAll('span') : [])].map(one => [
        one.innerText.trim(), one.getBoundingClientRect().left, one.getBoundingClientRect().right]);
    const lines = tracks.map(one => [...one.children].map(mark => mark.getBoundingClientRect().left).slice(0, 2));
    const ends = label ? [label.getBoundingClientRect().left, label.getBoundingClientRect().right] : [];
    return {places: places.map(one => [one.left, one.right]), ends, words, lines}})"""


@pytest.mark.parametrize("font", ["system-ui", "'DejaVu Sans'"])
@pytest.mark.parametrize("width", [390, 700, 1280])
def test_the_rows_of_a_card_share_their_columns_and_its_labels_name_their_lines(chromium, width, font):
    page = chromium.new_page(viewport={"width": width, "height": 900})
    page.set_default_timeout(PATIENCE)
    markup = shown().replace("system-ui", font)
    page.set_content(f"<!doctype html><body style='margin:16px;font-size:14px'>{markup}</body>")
    rows = [row for row in page.evaluate(ROWS) if row["lines"] and row["words"]]
    assert len(rows) > 4
    for row in rows:
        for place in [*row["places"], row["ends"]]:
            assert place == pytest.approx(row["places"][0], abs=0.5)
        threshold, zero = row["lines"][0]
        for word, left, right in row["words"]:
            if word == "0":
                assert zero - 6 < right <= zero + 1
            elif word == "→":
                assert right == pytest.approx(row["ends"][1], abs=1)
            elif row["words"][-1][0] != "→":
                assert threshold - 1 <= left < threshold + 6
    page.close()


def quick_look(record: Record) -> Record:
    """Give a record of one seed, whose intervals have no bounds."""
    values = {name: {metric: v[:1] for metric, v in metrics.items()} for name, metrics in record.values.items()}
    return replace(record, seeds=record.seeds[:1], values=values)


@pytest.mark.parametrize("width", [390, 700, 1280])
def test_cards_fit_their_page_and_can_be_read(chromium, width):
    page = chromium.new_page(viewport={"width": width, "height": 900})
    page.set_default_timeout(PATIENCE)
    page.set_content(f"<!doctype html><body style='margin:16px;font-size:14px'>{shown()}</body>")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    sizes = page.evaluate(
        "[...document.querySelectorAll('div, span, b')].filter(e => e.innerText.trim())"
        ".map(e => parseFloat(getComputedStyle(e).fontSize))"
    )
    assert min(sizes) >= 11
    outside = page.evaluate(
        "[...document.querySelectorAll('[role=group]')].flatMap(card => { const c = card.getBoundingClientRect();"
        "return [...card.querySelectorAll('*')].map(e => e.getBoundingClientRect())"
        ".filter(r => r.width && (r.left < c.left - 1 || r.right > c.right + 1)).map(r => [r.left, r.right]) })"
    )
    assert not outside
    page.close()
