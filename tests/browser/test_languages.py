"""The site and a deck in the language that nobody speaks: nothing overflows, and each page leads to its twin."""

import re

import pytest

from course_utils.files import LECTURES
from course_utils.languages import catalogues
from course_utils.languages.speaking import speaker
from course_utils.publishing import site
from course_utils.publishing.site import SHARED, build
from course_utils.publishing.slides import make_decks
from tests.pseudo import CODE, MARK, translate

from .conftest import screenshot
from .test_site import PHONE
from .test_slides import MEASURE, complaints, opened

PAGES = ["lectures/02_bahdanau_attention", "lectures/exercises/02_bahdanau_attention", "index", "play", "glossary"]


@pytest.fixture(scope="module")
def translated(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalogues, "LANGUAGES", tmp_path_factory.mktemp("languages"))
        patch.setattr(site, "released", list)  # Korean is looked at in test_site
        for name in catalogues.names():
            translate(name)
        speaker.cache_clear()
        yield
    speaker.cache_clear()


@pytest.fixture(scope="module")
def folder(chromium, translated, tmp_path_factory):  # without a browser it is not built
    folder = tmp_path_factory.mktemp("site") / "site"
    assert build(folder, languages=[CODE]) == 0, "Sphinx warns, as told above"
    return folder


@pytest.fixture(scope="module")
def address(serve, folder):
    return serve(folder)


@pytest.mark.thorough
def test_each_slide_fits_in_a_longer_language(watch, serve, translated, tmp_path):
    make_decks(LECTURES[1:2], tmp_path, language=CODE)
    watched = opened(watch, f"{serve(tmp_path)}/{LECTURES[1].stem}.html")
    wrong = []
    for number, (h, v) in enumerate(
        watched.page.evaluate("Reveal.getSlides().map(Reveal.getIndices).map(({h, v}) => [h, v])"), start=1
    ):
        watched.page.evaluate("([h, v]) => Reveal.slide(h, v || 0, 99)", [h, v])
        seen = watched.page.evaluate(MEASURE)
        screenshot(watched.page, "slides", CODE, f"{number:02}")
        wrong += [f"slide {number}: {said}" for said in complaints(seen) if "minutes" not in said]
    assert not wrong, "\n".join(wrong)
    assert not watched.problems


@pytest.mark.thorough
@pytest.mark.parametrize("name", PAGES)
def test_a_phone_shows_a_longer_language_without_scrolling_sideways(name, watch, address):
    watched = watch(**PHONE)
    watched.page.goto(f"{address}/{CODE}/{name}.html")
    screenshot(watched.page, "site", CODE, name.replace("/", "-"))
    assert watched.page.evaluate("document.documentElement.lang") == CODE
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert MARK in watched.page.inner_text("h1")
    assert not watched.problems


def test_a_page_leads_to_the_same_section_in_the_other_language_and_back(watch, address):
    watched = watch()
    place = f"{PAGES[0]}.html#the-equation-score-softmax-average"
    watched.page.goto(f"{address}/{place}")
    for there in (f"{CODE}/{place}", place):
        watched.page.wait_for_load_state("networkidle")  # whoever leaves sooner breaks off the formulas' type
        watched.page.click("a.language:visible")
        watched.page.wait_for_url(f"{address}/{there}")
        assert watched.page.evaluate("document.querySelector(location.hash).tagName") == "SECTION"
    assert not watched.problems


def test_sections_have_the_same_names_in_both_languages(folder):
    pages = [page.relative_to(folder / CODE) for page in (folder / CODE).rglob("*.html") if "slides" not in page.parts]
    assert len(pages) > 30
    for page in pages:
        english, other = (
            re.findall(r'<section id="([^"]+)"', (root / page).read_text(encoding="utf-8"))
            for root in (folder, folder / CODE)
        )
        assert english == other, page


def test_pictures_and_styles_are_stored_once(folder):
    twice = [
        file.relative_to(folder)
        for shared in SHARED
        for file in (folder / CODE / shared).rglob("*")
        if file.is_file() and (twin := folder / file.relative_to(folder / CODE)).exists()
        if file.read_bytes() == twin.read_bytes()
    ]
    assert not twice
    assert not list((folder / CODE).rglob("*.webp"))
    assert not list((folder / CODE).rglob("reveal.js"))


def test_a_second_language_costs_its_own_text(folder):
    assert not (folder / "jupyter_execute").exists()
    sizes = {path: path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    assert sum(size for path, size in sizes.items() if path.is_relative_to(folder / CODE)) < 5.8e6
