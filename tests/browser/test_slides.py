"""Each slide of each deck, as a projector shows it."""

import io
import re

import pytest
from pypdf import PdfReader

from course_utils.files import LECTURES
from course_utils.languages.catalogues import released
from course_utils.palette import DARK, LIGHT
from course_utils.publishing.slides import make_decks

from .conftest import Watched, screenshot
from .explorer import EXPLORED, walk_through
from .stages import STAGED, play

every_deck = pytest.mark.parametrize("name", [path.stem for path in LECTURES])
FRAME = "Ada Lovelace · Reading machines · 1 May 2027"
SCREENS = [{"width": 1280, "height": 720}, {"width": 1920, "height": 1080}]
AS_NEW = """() => { for (const slide of Reveal.getSlides()) {
    delete slide.dataset.fitted;
    slide.classList.remove("few", "alone", "tight");
    for (const name of ["--figure", "--drawing"]) slide.style.removeProperty(name);
} }"""
WHERE = "[Reveal.getIndices().h, Reveal.getIndices().v]"
TURN_TO = """part => {
    const {h, v} = Reveal.getIndices(part.closest("section"));
    Reveal.slide(h, v, 99);
    return [h, v];
}"""
MEASURE = """async () => {
  const slide = Reveal.getCurrentSlide();
  const size = Reveal.getComputedSlideSize();
  const shown = (selector) => [...slide.querySelectorAll(selector)].filter((part) => part.offsetParent !== null);
  const words = (part) => (part.innerText || part.alt || "").slice(0, 60);
  return {
    title: words(slide.querySelector("h1, h2, h3") || slide),
    height: slide.scrollHeight, allowed: size.height, width: slide.scrollWidth, wide: size.width,
    cut: shown("pre, code, table, .explorer-stage")
      .filter((part) => part.scrollWidth > part.clientWidth + 1 && part.clientWidth > 0)
      .map(words),
    tex: shown("p, li, td, h1, h2, h3").map(words).filter((text) => /\\$|\\\\\\(|\\\\frac/.test(text)),
    broken: shown(".MathJax_Error, .merror").map(words),
    empty: !slide.innerText.trim() && !slide.querySelector("img"),
    small: shown("img").filter((image) => image.clientWidth < 0.98 * Number(image.getAttribute("width")))
      .map((image) => `${image.clientWidth} of ${image.getAttribute("width")} px: ${words(image)}`),
    unsaid: shown("img").filter((image) => !image.alt).length,
    minutes: [...slide.querySelectorAll("aside.notes")]
      .some((notes) => /About \\d+ min.*clock/.test(notes.textContent)),
    constants: shown("p, li, td, h1, h2, h3").map((part) => part.innerText.match(/\\b[A-Z]+_[A-Z_]+\\b/))
      .filter(Boolean).map(String),
    bars: shown("pre").map(words).filter((text) => /\\d%\\||it\\/s\\]/.test(text)),
    faint: await faint(slide),
  };
  // Text that the last row cannot read, in pixels of a projector of 1280 x 720.
  async function faint(slide) {
    const LEAST = {text: 24, stage: 18, table: 17, picture: 14};
    const found = [];
    const read = (least, pixels, text) => {
      const whole = Math.round(10 * pixels * 1280 / innerWidth) / 10;
      if (whole < least) found.push(`${whole} of ${least} px: ${text.trim().slice(0, 30)}`);
    };
    const walker = document.createTreeWalker(slide, NodeFilter.SHOW_TEXT);
    for (let text = walker.nextNode(); text; text = walker.nextNode()) {
      const part = text.parentElement;
      const unseen = part.closest("aside, script, style, option, .keys, .MathJax_Preview, .MathJax_SVG");
      if (!text.data.trim() || unseen || !part.checkVisibility({visibilityProperty: true})) continue;
      const range = document.createRange();
      range.selectNodeContents(text);
      const {width, height} = range.getBoundingClientRect();
      if (width < 2 || height < 2) continue; // there to be heard
      const least = part.closest("svg, sub, sup, .live-small") ? LEAST.picture
        : part.closest("pre, code, table") ? LEAST.table
        : part.closest("figure, [role=group]") ? LEAST.stage : LEAST.text;
      const scale = part.ownerSVGElement ? part.getScreenCTM().a : Reveal.getScale();
      read(least, scale * parseFloat(getComputedStyle(part).fontSize), text.data);
    }
    for (const image of shown("img")) {
      if (!image.src.endsWith(".svg")) {
        read(LEAST.picture, 11 * image.getBoundingClientRect().width / image.naturalWidth * 220 / 72, image.alt);
        continue;
      }
      const held = document.createElement("div");
      held.attachShadow({mode: "open"}).innerHTML = await (await fetch(image.src)).text();
      document.body.append(held);
      const drawing = held.shadowRoot.querySelector("svg");
      const {width, height} = image.getBoundingClientRect();
      const {width: wide, height: high} = drawing.viewBox.baseVal;
      for (const part of drawing.querySelectorAll("text, tspan")) {
        const size = parseFloat(getComputedStyle(part).fontSize);
        const shrunk = Math.min(width / wide, height / high);
        if (part.textContent.trim()) read(LEAST.picture, size * shrunk, part.textContent);
      }
      held.remove();
    }
    return found;
  }
}"""


@pytest.fixture(scope="session")
def address(serve, tmp_path_factory):
    folder = tmp_path_factory.mktemp("slides")
    make_decks(LECTURES, folder, FRAME)
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 6e6
    return serve(folder)


def opened(watch, url, width=1280, height=720):
    watched = watch(width, height)
    started(watched.page, url)
    return watched


def started(page, url):
    page.goto(url)
    page.wait_for_function("window.Reveal && Reveal.isReady()")


@pytest.fixture(scope="module", params=[path.stem for path in LECTURES])
def deck(request, chromium, address):
    """Open a deck once for all tests of it; each begins on its first slide."""
    with chromium.new_context(viewport=SCREENS[0]) as context:
        watched = Watched(context.new_page())
        started(watched.page, f"{address}/{request.param}.html")
        watched.name = request.param
        yield watched


@pytest.fixture
def shown(deck):
    deck.page.evaluate("Reveal.slide(0, 0)")
    return deck


def complaints(seen):
    """Say what is wrong with one slide."""
    lists = ("cut", "tex", "broken", "small", "constants", "bars", "faint")
    said = [f"{what}: {seen[what]}" for what in lists if seen[what]]
    if seen["height"] > seen["allowed"]:
        said.append(f"{seen['height'] - seen['allowed']} px too high")
    if seen["width"] > seen["wide"]:
        said.append(f"{seen['width'] - seen['wide']} px too wide")
    said += [what for what in ("empty", "unsaid") if seen[what]]
    return said + ([] if seen["minutes"] else ["no minutes in the speaker's notes"])


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: str(screen["width"]))
def test_each_slide_fits_and_nothing_is_asked_of_the_outside(screen, shown):
    page = shown.page
    page.set_viewport_size(screen)
    page.evaluate(AS_NEW)
    places = page.evaluate("Reveal.getSlides().map(slide => Reveal.getIndices(slide)).map(({h, v}) => [h, v])")
    wrong = []
    for number, (h, v) in enumerate(reversed(places)):  # away from the one that is shown, which is fitted already
        page.evaluate("([h, v]) => Reveal.slide(h, v || 0, 99)", [h, v])
        seen = page.evaluate(MEASURE)
        wrong += [f"slide {len(places) - number} ({seen['title']}): {said}" for said in complaints(seen)]
        if screen == SCREENS[0]:
            screenshot(page, "slides", shown.name, f"{len(places) - number:02}")
    page.set_viewport_size(SCREENS[0])
    assert not wrong, "\n".join(wrong)
    assert not shown.problems
    assert 17 <= len(places) <= 27  # agenda and table beside the lecture's own


@pytest.mark.thorough
@every_deck
@pytest.mark.parametrize("code", released())
def test_each_slide_of_a_translated_deck_fits(code, name, watch, serve, tmp_path):
    make_decks([path for path in LECTURES if path.stem == name], tmp_path, language=code)
    watched = opened(watch, f"{serve(tmp_path)}/{name}.html")
    assert watched.page.evaluate("document.documentElement.lang") == code
    places = watched.page.evaluate("Reveal.getSlides().map(Reveal.getIndices).map(({h, v}) => [h, v])")
    wrong = []
    for number, (h, v) in enumerate(places, start=1):
        watched.page.evaluate("([h, v]) => Reveal.slide(h, v || 0, 99)", [h, v])
        screenshot(watched.page, "slides", code, name, f"{number:02}")
        said = [what for what in complaints(watched.page.evaluate(MEASURE)) if "minutes" not in what]
        wrong += [f"slide {number}: {what}" for what in said]
    assert not wrong, "\n".join(wrong)
    assert not watched.problems


def in_rgb(colour):
    """Write #rrggbb as a browser tells it."""
    return f"rgb({', '.join(str(part) for part in bytes.fromhex(colour[1:]))})"


@pytest.mark.thorough
def test_a_deck_can_be_read_in_the_dark(shown):
    page = shown.page
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.keyboard.press("d")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    screenshot(page, "slides", shown.name, "dark")
    page.keyboard.press("d")
    assert (light, dark) == (in_rgb(LIGHT["paper"]), in_rgb(DARK["paper"]))
    assert not shown.problems


@pytest.mark.thorough
@every_deck
def test_a_deck_prints_one_slide_a_page(name, watch, address):
    watched = opened(watch, f"{address}/{name}.html?print-pdf")
    watched.page.wait_for_selector(".pdf-page")
    watched.page.wait_for_function("Reveal.getSlides().every((slide) => slide.dataset.fitted)")  # the last step
    slides = watched.page.evaluate("Reveal.getTotalSlides()")
    printed = watched.page.pdf(prefer_css_page_size=True, print_background=True)
    assert len(PdfReader(io.BytesIO(printed)).pages) == slides


def test_the_explorer_works_in_a_deck_and_its_arrow_keys_turn_no_page(shown):
    explorers = shown.page.locator(".attention-explorer")
    assert bool(explorers.count()) == shown.name.startswith(EXPLORED)
    for explorer in explorers.all():
        place = explorer.evaluate(TURN_TO)
        walk_through(explorer)
        assert shown.page.evaluate(WHERE) == place
    assert not shown.problems


def test_the_stages_of_a_lecture_work_in_its_deck_and_their_keys_turn_no_page(shown):
    page = shown.page
    stages = page.locator(".attention-live")
    assert bool(stages.count()) == (shown.name in STAGED)
    for stage in stages.all():
        place = stage.evaluate(TURN_TO)
        play(stage)
        assert page.evaluate(WHERE) == place
        for field in stage.get_by_role("textbox").all():
            field.fill("777777777777")
        assert page.evaluate("Reveal.getCurrentSlide().scrollHeight") <= 720, "it fits when it is played with"
        assert page.evaluate(MEASURE)["faint"] == []
    assert not shown.problems


def test_a_deck_is_framed_and_the_right_arrow_walks_through_all_of_it(shown):
    page = shown.page
    page.evaluate("document.activeElement?.blur()")  # a control of the explorer would keep the keys
    title = page.evaluate("Reveal.getCurrentSlide().innerText")
    assert FRAME in title
    assert "next" in title
    assert FRAME in page.locator(".foot").inner_text()
    seen = []
    slides = page.evaluate("Reveal.getTotalSlides()")
    for _ in range(400):
        number = page.evaluate("Reveal.getSlidePastCount() + 1")
        if not seen or seen[-1] != number:
            seen.append(number)
            if number == 2:
                agenda = page.evaluate("Reveal.getCurrentSlide().innerText")
                assert re.search(r"The way through, \d+ minutes", agenda)
                assert agenda.count("\n") > 5
            if number == 3:
                assert page.locator(".present .rows .here").inner_text().startswith(shown.name[:2])
        if number == slides:
            break
        page.keyboard.press("ArrowRight")
    assert seen == list(range(1, slides + 1))
    assert not shown.problems


def test_g_and_a_number_lead_to_a_slide_as_the_title_says(watch, address):
    page = opened(watch, f"{address}/{LECTURES[0].stem}.html").page
    assert "G go to" in page.locator(".keys").inner_text()
    page.keyboard.press("g")
    page.keyboard.type("5")
    page.keyboard.press("Enter")
    page.wait_for_function("Reveal.getSlidePastCount() + 1 === 5")


def test_the_window_of_the_speaker_opens_with_minutes_and_formulas(watch, address):
    watched = opened(watch, f"{address}/{LECTURES[4].stem}.html")
    page = watched.page
    where = page.evaluate("""() => {
        const slide = Reveal.getSlides().find((one) => one.querySelector("aside.notes .MathJax_SVG"));
        const {h, v} = Reveal.getIndices(slide);
        Reveal.slide(h, v, 99);
        return slide.querySelectorAll("aside.notes .MathJax_SVG").length;
    }""")
    with page.expect_popup() as window:
        page.keyboard.press("s")
    window.value.wait_for_function("document.body.innerText.includes('min.')")
    formulas = window.value.locator(".speaker-controls-notes .MathJax_SVG svg")
    formulas.first.wait_for()
    assert formulas.count() == where
    drawn = formulas.evaluate_all("""every => every.map((one) => {
        const uses = [...one.querySelectorAll("use")];
        const outline = (use) => document.querySelector(use.getAttribute("href") || use.getAttribute("xlink:href"));
        const known = uses.every(outline);
        return known && Boolean(one.querySelector("path, use")) && one.getBoundingClientRect().width > 3;
    })""")
    assert all(drawn)
