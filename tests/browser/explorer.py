"""Uses the attention explorer as a reader would, wherever it is shown."""

import re

from playwright.sync_api import Locator

from course_utils.files import LECTURES

CALL = re.compile(r'^\s*"explore\(', re.MULTILINE)
EXPLORED = tuple(path.stem for path in LECTURES if CALL.search(path.read_text(encoding="utf-8")))
OVERFLOWS = """explorer => [explorer, ...explorer.querySelectorAll(".explorer-stage, .explorer-map, .explorer-text")]
    .filter(part => part.scrollWidth > part.clientWidth + 1).map(part => part.className)"""


def walk_through(explorer: Locator) -> None:
    """Walk through queries and keys by keyboard, keep one by a click, let it go, and choose another map."""
    assert explorer.evaluate(OVERFLOWS) == []
    keyboard = explorer.page.keyboard
    told = explorer.locator(".explorer-told")
    queries = explorer.locator(".explorer-query button, .explorer-bar button")
    keys = explorer.locator(".explorer-key button")
    for buttons, verb in ((queries, "looks at"), (keys, "is looked at by")):
        count = buttons.count()  # a running text has no buttons for its words
        for number in range(count):
            if number == 0:
                buttons.first.focus()
            else:
                keyboard.press("ArrowDown")
            assert buttons.nth(number).evaluate("button => button === document.activeElement")
            assert told.inner_text().startswith(f"{buttons.nth(number).text_content()} {verb} ")
        if count:
            last = told.inner_text()
            keyboard.press("Home")
            first = told.inner_text()
            keyboard.press("End")
            assert told.inner_text() == last
            keyboard.press("ArrowDown")  # from the last to the first
            assert told.inner_text() == first
    queries.last.click()
    kept = told.inner_text()
    assert queries.last.get_attribute("aria-pressed") == "true"
    queries.first.hover()
    assert told.inner_text() == kept
    queries.last.press("Escape")
    assert explorer.locator('[aria-pressed="true"]').count() == 0
    queries.last.click()
    queries.last.click()
    assert explorer.locator('[aria-pressed="true"]').count() == 0
    for select in explorer.get_by_role("combobox").all():
        select.select_option(index=1)
        assert select.input_value() == "1"
