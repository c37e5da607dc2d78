"""Each page of the site, as a reader sees it: with a mouse, with a keyboard, in the dark, on a phone."""

from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe

from course_utils.files import LECTURES
from course_utils.publishing.site import build

from .conftest import Watched, screenshot
from .explorer import EXPLORED, walk_through

PAGES = [f"lectures/{path.stem}" for path in LECTURES]
PAGES += [
    "index",
    "lectures/index",
    "lectures/00_start_here",
    "using",
    "claims",
    "data",
    "glossary",
    "reference",
    "search",
    "genindex",
]
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
    "preload": False,  # it would ask for style sheets again, with addresses that are wrong
    "resultTypes": ["violations"],
}


@pytest.fixture(scope="module")
def address(serve, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "site"
    assert build(folder) == 0, "Sphinx warns, as told above"
    return serve(folder)


@pytest.fixture(scope="module", params=PAGES)
def shown(request, chromium, address):
    """Open a page once for all tests of it."""
    with chromium.new_context(viewport=DESK, color_scheme="light") as context:
        watched = Watched(context.new_page())
        watched.page.goto(f"{address}/{request.param}.html", wait_until="load")
        watched.page.wait_for_function("!window.MathJax || (MathJax.Hub && MathJax.Hub.queue.pending === 0)")
        watched.page.add_style_tag(content="* { transition: none !important; }")  # no colour is met half-way
        watched.name = request.param
        yield watched


def violations(page, **options):
    found = Axe().run(page, options={**RULES, **options}).response["violations"]
    return [f"{rule['id']}: {node['target']} {node['html'][:150]}" for rule in found for node in rule["nodes"]]


def test_a_page_asks_nothing_outside_and_has_one_title_and_words_for_each_picture(shown):
    assert not shown.problems
    assert shown.page.locator("h1").count() == 1
    assert shown.page.locator("img:not([alt]), img[alt='']").count() == 0
    assert not shown.page.locator(".MathJax_Error, .merror").count()


def test_a_page_can_be_read_by_anyone(shown):
    screenshot(shown.page, "site", "light", shown.name)
    assert not violations(shown.page)


def test_a_page_can_be_read_in_the_dark(shown):
    shown.page.evaluate("document.documentElement.dataset.theme = 'dark'")
    screenshot(shown.page, "site", "dark", shown.name)
    try:
        assert not violations(shown.page, runOnly={"type": "rule", "values": ["color-contrast"]})
    finally:
        shown.page.evaluate("document.documentElement.dataset.theme = 'light'")


def test_a_phone_shows_a_page_without_scrolling_sideways(shown):
    shown.page.set_viewport_size(PHONE)
    screenshot(shown.page, "site", "phone", shown.name)
    try:
        assert shown.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert shown.page.evaluate("parseFloat(getComputedStyle(document.querySelector('.bd-main')).fontSize)") >= 15
    finally:
        shown.page.set_viewport_size(DESK)


def test_a_lecture_has_numbered_equations_its_neighbours_and_the_explorer_where_it_belongs(shown):
    if not shown.name.startswith("lectures/0"):
        return
    assert shown.page.locator(".eqno").count() >= 1
    assert shown.page.locator(".prev-next-area a").count() == 2
    explorers = shown.page.locator(".attention-explorer")
    assert bool(explorers.count()) == shown.name.removeprefix("lectures/").startswith(EXPLORED)
    for explorer in explorers.all():
        explorer.scroll_into_view_if_needed()
        walk_through(explorer)
    assert not shown.problems


def opened(watch, url):
    watched = watch()
    watched.page.goto(url, wait_until="load")
    return watched


def test_no_page_of_the_site_goes_unlooked_at(address, watch):
    watched = opened(watch, f"{address}/index.html")
    linked = watched.page.evaluate("""[...document.querySelectorAll("a.internal, .bd-header a")]
        .map(link => new URL(link.href)).filter(url => url.origin === location.origin)
        .map(url => url.pathname.slice(1).replace(/\\.html$/, ""))""")
    assert set(linked) - {""} <= set(PAGES)


@pytest.mark.parametrize("word", ["attention", "어텐션"])
def test_search_finds(word, watch, address):
    watched = opened(watch, f"{address}/search.html?q={quote(word)}")
    watched.page.locator("#search-results li a", has_text="Glossary").first.wait_for()
    assert not watched.problems


def test_solutions_are_folded_until_they_are_asked_for(watch, address):
    watched = opened(watch, f"{address}/{PAGES[0]}.html")
    solution = watched.page.locator("details", has_text="Solution").first
    assert not solution.evaluate("details => details.open")
    solution.locator("summary").first.click()
    assert solution.locator("pre, p").first.is_visible()


def test_the_reader_chooses_light_or_dark(watch, address):
    watched = opened(watch, f"{address}/index.html")
    for theme in ("dark", "light"):
        watched.page.locator(".theme-switch-button:visible").first.click()
        watched.page.locator(f".theme-change-button[data-mode={theme}]:visible").first.click()
        assert watched.page.evaluate("document.documentElement.dataset.theme") == theme
