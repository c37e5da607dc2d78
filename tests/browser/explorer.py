"""Uses the attention explorer as a reader would, wherever it is shown."""

from playwright.sync_api import Locator

EXPLORED = ("02", "03", "05", "06")  # the lectures that show it: translation, documents, heads, graph


def walk_through(explorer: Locator) -> None:
    """Reach the queries by keyboard, walk on with the arrow, go back with the mouse, and choose another map."""
    queries = explorer.get_by_role("radio")
    told = explorer.locator(".explorer-told")
    count = queries.count()
    queries.nth(0).focus()
    said = [told.inner_text()]
    assert said[0].startswith(queries.nth(0).inner_text())
    for number in range(1, count):
        explorer.page.keyboard.press("ArrowDown")
        assert queries.nth(number).evaluate("query => query === document.activeElement")
        assert queries.nth(number).get_attribute("aria-checked") == "true"
        said.append(told.inner_text())
        assert said[-1].startswith(queries.nth(number).inner_text())
    assert len(set(said)) == count or count != len(set(queries.all_inner_texts()))
    explorer.page.keyboard.press("ArrowDown")  # from the last to the first
    assert told.inner_text() == said[0]
    queries.nth(count - 1).hover()
    assert told.inner_text() == said[-1]
    for select in explorer.get_by_role("combobox").all():
        select.select_option(index=1)
        assert select.input_value() == "1"
    table = explorer.locator("details table").first
    assert not table.is_visible()
    explorer.locator("details > summary").click()
    assert table.locator("tbody tr").count() == count
    assert table.is_visible()
    explorer.locator("details > summary").click()
