"""Plays with a stage as a reader would, wherever it is shown."""

import re

from playwright.sync_api import Locator, expect

from course_utils.files import LECTURES

CALL = re.compile(r'^\s*"(?:\w+ = )?stage\(', re.MULTILINE)
STAGED = tuple(path.stem for path in LECTURES if CALL.search(path.read_text(encoding="utf-8")))
OVERFLOWS = """figure => [figure, ...figure.querySelectorAll("*")].filter(part => !part.matches("pre, svg *, option"))
    .filter(part => part.scrollWidth > part.clientWidth + 1 && part.clientWidth > 0
        && getComputedStyle(part).overflowX !== "visible" && getComputedStyle(part).clipPath === "none")
    .map(part => `${part.tagName} ${part.className} ${part.textContent.slice(0, 30)}`)"""


def answer(figure: Locator) -> None:
    """Guess, by keyboard, and see the answer."""
    answers = figure.locator(".live-answers button")
    expect(answers.first).to_be_visible()
    assert figure.locator("fieldset:disabled").count() == 1
    answers.first.focus()
    figure.page.keyboard.press("ArrowRight")
    figure.page.keyboard.press("Enter")
    expect(figure.locator(".live-verdict")).to_contain_text("You said")
    assert figure.locator("fieldset:disabled").count() == 0


def play(figure: Locator) -> None:
    """Guess, then use every control once by keyboard; each time the sentence says something else."""
    answer(figure)
    told = figure.locator(".live-told")
    keyboard = figure.page.keyboard
    for slider in figure.get_by_role("slider").all():
        if slider.is_visible():
            before = told.inner_text()
            slider.focus()
            keyboard.press("ArrowRight")
            expect(told).not_to_have_text(before)
    for select in figure.get_by_role("combobox").all():
        before = told.inner_text()
        options = select.locator("option").evaluate_all("options => options.map(option => option.value)")
        select.select_option(next(value for value in reversed(options) if value not in (select.input_value(), "own")))
        expect(told).not_to_have_text(before)
    for group in figure.locator(".live-toggles").all():
        before = told.inner_text()
        group.locator('[aria-pressed="false"]').last.press("Enter")
        expect(told).not_to_have_text(before)
    for kind in (".live-map th button", ".live-small th button", ".live-looking button", "thead button"):
        buttons = figure.locator(kind)
        if buttons.count() > 1 and buttons.first.is_visible():
            before = told.inner_text()
            buttons.first.focus()
            keyboard.press("End")
            keyboard.press("Enter")
            expect(told).not_to_have_text(before)
    for field in figure.get_by_role("textbox").all():
        field.fill("21")
        expect(told).to_contain_text("21, 2 digits")
