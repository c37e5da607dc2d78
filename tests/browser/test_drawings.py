"""The drawings as chromium sets them: words stay on the sheet, in their boxes and clear of one another."""

from functools import partial

import pytest
from matplotlib.image import imread

from course_utils.drawings import six_rows
from course_utils.drawings.gallery import DRAWINGS
from course_utils.palette import DARK, LIGHT

from .conftest import PATIENCE

MEASURE = """() => {
    const box = (one) => { const b = one.getBBox(); return [b.x, b.y, b.x + b.width, b.y + b.height]; };
    const all = (tag) => [...document.querySelectorAll(tag)];
    return {
        sheet: [0, 0, document.documentElement.viewBox.baseVal.width, document.documentElement.viewBox.baseVal.height],
        words: all('text').map((one) => [one.textContent, box(one)]),
        boxes: all('rect').map(box),
    };
}"""


SHEETS = {**DRAWINGS, **{row.name: partial(six_rows.draw, row) for row in six_rows.SIX}}


@pytest.mark.parametrize("name", SHEETS)
def test_words_stay_in_their_boxes_and_clear_of_one_another(chromium, tmp_path, name):
    (tmp_path / "drawing.svg").write_text(SHEETS[name]().svg(), encoding="utf-8")
    page = chromium.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto((tmp_path / "drawing.svg").as_uri())
    found = page.evaluate(MEASURE)
    page.close()

    for number, (text, box) in enumerate(found["words"]):
        assert _within(box, found["sheet"]), f"{text} leaves the sheet"
        middle = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2] * 2
        around = min((one for one in found["boxes"] if _within(middle, one)), key=_area)
        assert around[0] <= box[0] <= box[2] <= around[2], f"{text} is wider than its box"
        for other, taken in found["words"][:number]:
            across = min(box[2], taken[2]) - max(box[0], taken[0])
            down = min(box[3], taken[3]) - max(box[1], taken[1])
            line = min(box[3] - box[1], taken[3] - taken[1])  # faces leave room above and below their letters
            assert across <= 0 or down <= 0.35 * line, f"{text} and {other} meet"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_drawing_follows_the_theme_of_its_page_whatever_the_system_prefers(chromium, tmp_path, scheme):
    name = next(iter(DRAWINGS))
    (tmp_path / "drawing.svg").write_text(DRAWINGS[name]().svg(), encoding="utf-8")
    page = chromium.new_page(color_scheme="light" if scheme == "dark" else "dark")
    page.set_default_timeout(PATIENCE)
    (tmp_path / "page.html").write_text(
        f'<html style="color-scheme: {scheme}"><img src="drawing.svg"></html>', encoding="utf-8"
    )
    page.goto((tmp_path / "page.html").as_uri())
    page.locator("img").screenshot(path=tmp_path / "seen.png")
    page.close()
    paper = (LIGHT if scheme == "light" else DARK)["paper"]
    red, green, blue, *_ = (round(255 * float(part)) for part in imread(tmp_path / "seen.png")[4, 40])
    assert f"#{red:02x}{green:02x}{blue:02x}" == paper


def _within(inner: list[int | float], outer: list[int | float]) -> bool:
    return inner[0] >= outer[0] and inner[1] >= outer[1] and inner[2] <= outer[2] and inner[3] <= outer[3]


def _area(box: list[int | float]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
