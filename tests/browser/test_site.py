"""Each page of the site, as a reader sees it: with a mouse, with a keyboard, in the dark, on a phone."""

import gzip
import io
import re
from html.parser import HTMLParser
from urllib.parse import quote, unquote, urljoin, urlsplit

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from pypdf import PdfReader

from course_utils.files import EXPERIMENT_NOTEBOOKS, LECTURES
from course_utils.languages.catalogues import released
from course_utils.publishing.site import OF_THE_THEME, build

from .conftest import Watched, screenshot
from .explorer import EXPLORED, walk_through
from .stages import STAGED, play

LECTURE_PAGES = [f"lectures/{path.stem}" for path in LECTURES]
PAGES = [
    *LECTURE_PAGES,
    *(f"lectures/exercises/{path.stem}" for path in LECTURES[:2]),
    "index",
    "lectures/index",
    "lectures/exercises/index",
    "lectures/experiments/index",
    "lectures/00_start_here",
    "using",
    "play",
    "teaching",
    "beyond",
    "claims",
    "data",
    "glossary",
    "reference",
    "cite",
    "search",
    "genindex",
]
ALIKE = [f"lectures/exercises/{path.stem}" for path in LECTURES[2:]]  # made as those above: only loaded once
ALIKE += [f"lectures/experiments/{path.stem}" for path in EXPERIMENT_NOTEBOOKS]
# What a page may weigh in bytes without its pictures; a stage on numbers brings the weights of its models.
WEIGHED = {name: 1e6 if name.startswith(("lectures/02", "lectures/05")) else 0.7e6 for name in LECTURE_PAGES}
WEIGHED |= {"index": 0.6e6, "play": 0.9e6}
PUBLISHED = "https://example.org/course"
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
    "preload": False,  # it would ask for style sheets again, with addresses that are wrong
    "resultTypes": ["violations"],
}
# What a reader searches for → the lecture and the section that teach it.
TAUGHT = {
    "attention": ("02_bahdanau_attention", "colder-and-colder"),
    "어텐션": ("02_bahdanau_attention", "colder-and-colder"),
    "softmax": ("02_bahdanau_attention", "colder-and-colder"),
    "mask": ("02_bahdanau_attention", "padding-must-get-no-weight"),
    "GAT": ("06_graph_attention", "d-scores-highest"),
    "BLEU": ("experiments/02_bahdanau_attention", "real-sentences"),
    "gradient": ("01_sequence_to_sequence", "why-what-came-first-is-hard-to-learn"),
    "HAN": ("03_document_attention", "the-same-step-twice"),
    "padding": ("02_bahdanau_attention", "padding-must-get-no-weight"),
    "teacher forcing": ("01_sequence_to_sequence", "trained-on-the-right-words"),
    "positional encoding": ("05_transformer", "positions-are-told"),
    "beam search": ("01_sequence_to_sequence", "greedy-decoding"),
}


@pytest.fixture(scope="module")
def folder(chromium, tmp_path_factory):  # without a browser it is not built once more
    folder = tmp_path_factory.mktemp("site") / "site"
    assert build(folder, PUBLISHED) == 0, "Sphinx warns, as told above"
    return folder


@pytest.fixture(scope="module")
def address(serve, folder):
    return serve(folder)


@pytest.fixture(scope="module", params=PAGES)
def shown(request, chromium, address):
    """Open a page once for all tests of it."""
    with chromium.new_context(viewport=DESK, color_scheme="light") as context:
        watched = Watched(context.new_page())
        watched.page.goto(f"{address}/{request.param}.html", wait_until="load")
        formulas_are_set(watched.page)
        watched.page.add_style_tag(content="* { transition: none !important; }")  # no colour is met half-way
        watched.name = request.param
        yield watched


of_a_lecture = pytest.mark.parametrize("shown", LECTURE_PAGES, indirect=True)


def formulas_are_set(page):
    page.wait_for_function("!window.MathJax || (MathJax.Hub && MathJax.Hub.queue.pending === 0)")
    page.evaluate("document.fonts.ready.then(() => true)")  # until then, words have the width of another face


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


@pytest.mark.parametrize("shown", [name for name in PAGES if name not in ("search", "genindex")], indirect=True)
def test_a_page_says_what_it_is_to_those_who_link_to_it(shown):
    described = shown.page.locator('meta[name="description"]')
    assert described.count() == 1
    assert len(described.get_attribute("content")) > 30
    assert shown.page.locator('meta[property="og:title"]').get_attribute("content").strip()
    assert shown.page.locator('meta[property="og:url"]').get_attribute("content") == f"{PUBLISHED}/{shown.name}.html"


@of_a_lecture
def test_lines_have_a_length_that_can_be_read_and_code_fits_its_column(shown):
    lengths = shown.page.evaluate("""[...document.querySelectorAll(".bd-article > section section > p")].map((p) => {
        const range = document.createRange();
        range.selectNodeContents(p);
        const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.bottom / 20))).size;
        return [p.innerText.length, lines, Boolean(p.querySelector("svg"))];
    }).filter(([signs, lines, formula]) => lines > 3 && !formula).map(([signs, lines]) => signs / (lines - 0.5))""")
    assert len(lengths) >= 5
    assert 62 <= sum(lengths) / len(lengths) <= 76
    cut = shown.page.evaluate("""[...document.querySelectorAll(".bd-article .cell_input pre")]
        .filter((code) => code.scrollWidth > code.clientWidth + 1).map((code) => code.innerText.slice(0, 80))""")
    assert not cut


@pytest.mark.parametrize("shown", [*LECTURE_PAGES, "lectures/00_start_here"], indirect=True)
def test_a_lecture_has_numbered_equations_its_neighbours_and_the_explorer_where_it_belongs(shown):
    assert shown.page.locator(".eqno").count() >= 1
    assert shown.page.locator(".prev-next-area a").count() >= 1
    explorers = shown.page.locator(".attention-explorer")
    assert bool(explorers.count()) == shown.name.removeprefix("lectures/").startswith(EXPLORED)
    for explorer in explorers.all():
        explorer.scroll_into_view_if_needed()
        walk_through(explorer)
    assert not shown.problems


def test_the_stages_can_be_played_with_where_they_belong(shown):
    stages = shown.page.locator(".attention-live")
    assert bool(stages.count()) == (shown.name in {"index", "play", *(f"lectures/{name}" for name in STAGED)})
    for stage in stages.all():
        stage.scroll_into_view_if_needed()
        play(stage)
    assert not shown.problems


@of_a_lecture
def test_a_lecture_offers_what_can_be_done_with_it(shown):
    offered = shown.page.locator(".actions a").all_inner_texts()
    assert [word for word in offered if word not in ("Binder", "Source")] == [
        *("Download", "Slides", "Exercises", "Experiment", "Cite")
    ]
    assert re.search(r"\d+ min to read · \d+ min for \d exercises · ", shown.page.locator(".effort").inner_text())
    assert shown.page.locator("a.term").count() >= 5
    assert shown.page.locator("a.term").first.get_attribute("title")
    assert shown.page.locator("section a", has_text="Stub, hints and solution").count() >= 4


def opened(watch, url, **options):
    watched = watch(**options)
    watched.page.goto(url, wait_until="load")
    return watched


def test_no_page_of_the_site_goes_unlooked_at(address, folder, watch):
    made = {str(page.relative_to(folder).with_suffix("")) for page in folder.rglob("*.html")}
    decks = {f"slides/{path.stem}" for path in LECTURES}
    translated = {f"{code}/{name}" for code in released() for name in (*PAGES, *ALIKE, *decks, "py-modindex")}
    assert made - decks - {"404", "py-modindex"} == {*PAGES, *ALIKE, *translated}
    watched = watch()
    for name in (*ALIKE, *sorted(translated)):
        watched.page.goto(f"{address}/{name}.html", wait_until="load")
        formulas_are_set(watched.page)
    assert not watched.problems


class _Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found: list[str] = []
        self.names: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if name in ("href", "src") and value and tag != "base"]
        self.names |= {value for name, value in attrs if name == "id" and value}


def test_every_link_within_the_site_leads_to_a_page_and_a_place_on_it(folder):
    pages = {}
    for path in folder.rglob("*.html"):
        if path.name != "404.html":
            pages[str(path.relative_to(folder))] = parser = _Links()
            parser.feed(path.read_text(encoding="utf-8"))
    broken = []
    for name, parser in pages.items():
        for target in parser.found:
            where = urlsplit(target)
            if where.scheme or where.netloc:
                continue
            place, anchor = unquote(urljoin(name, where.path) if where.path else name), unquote(where.fragment)
            known = (folder / place).is_file() and (
                not anchor or place not in pages or "slides/" in place or anchor in pages[place].names
            )
            broken += [] if known else [f"{name}: {target}"]
    assert not broken
    assert sum(len(parser.found) for parser in pages.values()) > 2000


def test_the_site_is_light(folder):
    sizes = {path: path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    translated = [
        sum(size for path, size in sizes.items() if path.is_relative_to(folder / code)) for code in released()
    ]
    assert sum(sizes.values()) - sum(translated) < 12e6, "in English alone"
    assert all(size < 5.5e6 for size in translated), "a language costs its text, and shares all else"
    assert not (folder / "jupyter_execute").exists()
    assert all(sizes[folder / f"{name}.html"] < 1e6 for name in LECTURE_PAGES)
    pictures = [
        tag for name in LECTURE_PAGES for tag in re.findall(r"<img [^>]*>", (folder / f"{name}.html").read_text())
    ]
    assert len(pictures) > 20
    assert all("loading=" in tag for tag in pictures)
    assert not [tag for tag in pictures if "data:image/png" in tag]  # what a stage shows without a script is a drawing


def sent(watched, folder, address):
    """Give the bytes that a page asks for, without its pictures, as hosts send them: compressed where that helps."""
    files = {urlsplit(url).path[1:]: kind for url, kind in watched.asked if url.startswith(address)}
    bodies = [(folder / path).read_bytes() for path, kind in files.items() if kind != "image"]
    assert len(bodies) > 15
    return sum(min(len(body), len(gzip.compress(body))) for body in bodies)


@pytest.mark.parametrize("shown", WEIGHED, indirect=True)
def test_a_page_weighs_little_before_its_pictures(shown, folder, address):
    assert sent(shown, folder, address) < WEIGHED[shown.name]


@pytest.mark.parametrize("code", released())
@pytest.mark.parametrize("name", WEIGHED)
def test_a_translated_page_weighs_no_more_than_that(name, code, folder, address, watch):
    watched = opened(watch, f"{address}/{code}/{name}.html", **DESK)
    formulas_are_set(watched.page)
    assert sent(watched, folder, address) < WEIGHED[name]


def test_search_engines_and_the_lost_find_their_way(folder):
    found = re.findall(r"<loc>(.+?)</loc>", (folder / "sitemap.xml").read_text(encoding="utf-8"))
    assert f"{PUBLISHED}/{LECTURE_PAGES[0]}.html" in found
    assert f"{PUBLISHED}/404.html" not in found
    assert all((folder / place.removeprefix(f"{PUBLISHED}/")).is_file() for place in found)
    assert f'href="{PUBLISHED}/"' in (folder / "404.html").read_text(encoding="utf-8")


DRAWN = """([sign, other]) => {
  const drawn = (text) => {
    const paper = Object.assign(document.createElement("canvas"), {width: 40, height: 40}).getContext("2d");
    paper.font = `30px ${getComputedStyle(document.body).fontFamily}`;
    paper.fillText(text, 2, 32);
    return paper.canvas.toDataURL();
  };
  return drawn(sign) !== drawn(other);
}"""


@pytest.mark.parametrize("code", released())
def test_a_translated_page_says_its_language_and_leads_to_the_same_section_in_english(code, watch, address):
    place = f"{LECTURE_PAGES[1]}.html#the-equation-score-softmax-average"
    watched = opened(watch, f"{address}/{code}/{place}")
    assert watched.page.evaluate("document.documentElement.lang") == code
    assert re.search("[가-힣]", watched.page.inner_text("h1"))
    assert watched.page.evaluate(DRAWN, ["가", "힣"]), "no face here has Hangul (course.py doctor says how to get one)"
    watched.page.wait_for_load_state("networkidle")
    watched.page.click("a.language:visible")
    watched.page.wait_for_url(f"{address}/{place}")
    assert watched.page.evaluate("document.querySelector(location.hash).tagName") == "SECTION"
    assert not watched.problems


@pytest.mark.parametrize("code", released())
def test_no_word_of_the_theme_is_left_in_english(code, folder):
    for page in (folder / code).rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not [words for words in OF_THE_THEME if f">{words}<" in text or f'"{words}"' in text], page


@pytest.mark.parametrize("code", released())
@pytest.mark.parametrize("name", ["index", LECTURE_PAGES[1], "play", "claims", "glossary"])
def test_a_phone_shows_a_translated_page_without_scrolling_sideways(name, code, watch, address):
    watched = watch(**PHONE)
    watched.page.goto(f"{address}/{code}/{name}.html", wait_until="load")
    formulas_are_set(watched.page)
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    screenshot(watched.page, "site", code, name.replace("/", "-"))
    assert not watched.problems


@pytest.mark.parametrize(
    ("word", "place"),
    [
        ("어텐션", "02_bahdanau_attention.html#colder-and-colder"),
        ("빔 탐색", "01_sequence_to_sequence.html#greedy-decoding"),
        ("어텐션은", "02_bahdanau_attention.html"),  # a particle is left out where words of the text are looked for
    ],
)
def test_search_in_korean_leads_first_to_what_teaches_the_thing(word, place, watch, address):
    watched = opened(watch, f"{address}/ko/search.html?q={quote(word)}")
    first = watched.page.locator("#search-results li a").first
    first.wait_for()
    assert place in unquote(first.get_attribute("href"))


def test_search_leads_first_to_the_section_that_teaches_the_thing(watch, address):
    watched = opened(watch, f"{address}/search.html")
    wrong = []
    for word, (lecture, section) in TAUGHT.items():
        watched.page.goto(f"{address}/search.html?q={quote(word)}")
        first = watched.page.locator("#search-results li a").first
        first.wait_for()
        link = first.get_attribute("href")
        if f"/{lecture}.html#{section}" not in link:
            wrong.append(f"{word}: {link}")
        if ">" not in first.inner_text():
            wrong.append(f"{word}: the hit names no section, only {first.inner_text()}")
    assert not wrong
    watched.page.goto(urljoin(f"{address}/", link))
    formulas_are_set(watched.page)
    top = watched.page.evaluate("document.querySelector(location.hash).getBoundingClientRect().top")
    assert 0 <= top < 300
    # a page that is left does not wait for the icon of its tab
    assert not [problem for problem in watched.problems if not problem.endswith("/_static/mark.svg")]


def lit(page):
    """Tell which model is drawn, and which of its parts are lit."""
    model = page.locator(".model:visible")
    assert model.count() == 1
    parts = model.locator(".part").evaluate_all(
        "parts => parts.filter(p => getComputedStyle(p).opacity === '1').map(p => p.classList[1])"
    )
    return model.get_attribute("data-model"), set(parts)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_the_table_lights_up_where_each_part_is_in_the_model_of_a_row(script, watch, address):
    watched = opened(watch, f"{address}/index.html", java_script_enabled=script)
    page = watched.page
    every = {"q", "K", "V", "f", "mask", "weights", "sum"}
    assert lit(page) == ("1", every)
    page.locator("#row-1").focus()
    for number in range(2, 7):
        page.keyboard.press("ArrowDown")
        assert lit(page) == (str(number), every)
    page.keyboard.press("ArrowDown")
    assert lit(page)[0] == "1"
    page.locator('[name="part"][value="all"]').focus()
    for part in ("q", "K", "V", "f", "mask"):
        page.keyboard.press("ArrowRight")
        assert lit(page) == ("1", {part})
    if script:
        page.locator('[data-row="6"] [data-part="mask"]').click()
        page.locator('[data-row="5"] [data-part="q"]').click()
        assert lit(page) == ("5", {"q"})
        screenshot(page, "site", "table")
    dropped = r"(?!)" if script else r"request failed: \S+\.js\b"  # scripts that a page asks for ahead of their use
    assert not [said for said in watched.problems if not re.match(dropped, said)]


def test_the_idea_stands_above_the_fold(watch, address):
    watched = opened(watch, f"{address}/index.html", width=1280, height=900)
    for part in (".eqno", ".attention-explorer .explorer-map", ".ways a >> nth=2"):
        box = watched.page.locator(part).first.bounding_box()
        assert box["y"] + box["height"] <= 900, part
    walk_through(watched.page.locator(".attention-explorer").first)
    assert watched.page.locator(".card-lecture").count() == len(LECTURES)


def test_claims_are_lines_that_unfold_and_can_be_chosen_by_their_verdict(watch, address):
    watched = opened(watch, f"{address}/claims.html", java_script_enabled=False)
    claims = watched.page.locator(".claim")
    assert watched.page.locator(".claim:visible").count() == claims.count() > 50
    for word in ("does not hold", "unclear", "holds"):
        watched.page.locator(f'[name="verdict"][value="{word}"]').check()
        shown = watched.page.locator(".claim:visible")
        assert 0 < shown.count() < claims.count()
        assert set(shown.evaluate_all("lines => lines.map(line => line.dataset.word)")) == {word}
    first = watched.page.locator(".claim:visible").first
    assert not first.locator("a").is_visible()
    first.locator("summary").click()
    assert re.search(r"experiments/01_\w+\.html#", first.locator("a").get_attribute("href"))
    assert "Means:" in first.inner_text()


def test_solutions_are_folded_until_they_are_asked_for(watch, address):
    watched = opened(watch, f"{address}/lectures/exercises/{LECTURES[0].stem}.html")
    solution = watched.page.locator("details", has_text="Solution").first
    assert not solution.evaluate("details => details.open")
    solution.locator("summary").first.click()
    assert solution.locator("pre, p").first.is_visible()


def test_print_loses_no_code(watch, address):
    path = LECTURES[5]
    watched = opened(watch, f"{address}/lectures/{path.stem}.html")
    printed = PdfReader(io.BytesIO(watched.page.pdf(format="A5")))
    text = re.sub(r"\s", "", "".join(page.extract_text() for page in printed.pages))
    lines = [
        line
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "code"
        and not {"exercise"} & set(cell.metadata.get("tags", []))
        and not cell.source.startswith("check(")
        for line in cell.source.splitlines()
        if line.isascii()
    ]
    longest = sorted(lines, key=len)[-20:]
    assert len(longest[-1]) > 70
    assert [line for line in longest if re.sub(r"\s", "", line) not in text] == []


def test_the_reader_chooses_light_or_dark(watch, address):
    watched = opened(watch, f"{address}/index.html")
    for theme in ("dark", "light"):
        watched.page.locator(".theme-switch-button:visible").first.click()
        watched.page.locator(f".theme-change-button[data-mode={theme}]:visible").first.click()
        assert watched.page.evaluate("document.documentElement.dataset.theme") == theme
