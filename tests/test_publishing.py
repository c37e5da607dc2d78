"""Decks and site as they are made, before any browser looks at them."""

import base64
import io
import json
import re
import runpy
import shutil
import subprocess
from xml.etree import ElementTree

import nbformat
import pytest
import torch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from PIL import Image

from course_utils.drawings import six_rows
from course_utils.evidence.card import SYMBOLS, cards
from course_utils.evidence.record import records_of
from course_utils.files import CLAIMS, EXPERIMENT_NOTEBOOKS, EXPERIMENTS, LECTURES, NOTEBOOKS, README, START
from course_utils.languages.catalogues import released
from course_utils.languages.weave import woven
from course_utils.palette import shade
from course_utils.publishing import addresses, claims, glossary, home, lighter, notebooks, site, slides, teaching
from course_utils.publishing.notebooks import picture, without_comments
from course_utils.refusals import Stop, carry_out

GLOSSARY = re.findall(
    r"^\| \*\*(.+?)\*\* \| (.+?) \| (.+?) \| \[(\d\d) · .+?\]\(lectures/(.+?)\.ipynb#(.+?)\) \|$",
    (site.SOURCES / "glossary.md").read_text(encoding="utf-8"),
    flags=re.MULTILINE,
)


def cell(kind, source, place="-", **metadata):
    made = {"markdown": new_markdown_cell, "code": new_code_cell}[kind](source)
    made.metadata.update(slideshow={"slide_type": place}, **metadata)
    return made


def png_of(colour_of):
    stream = io.BytesIO()
    image = Image.new("RGB", (64, 48))
    image.putdata([colour_of(place % 64, place // 64) for place in range(64 * 48)])
    image.save(stream, "png")
    return stream.getvalue()


PNG = png_of(lambda x, y: (x * 4, y * 5, 7))


def with_picture(made):
    coded = base64.b64encode(PNG).decode()
    made.outputs = [
        nbformat.v4.new_output("display_data", {"text/html": f'<img src="data:image/png;base64,{coded}" alt="a">'})
    ]
    return made


@pytest.fixture
def notebook():
    return new_notebook(
        cells=[
            cell("markdown", "# 07 · Title\n\nfirst", "slide"),
            cell("code", "import torch", "skip"),
            cell("markdown", "## Idea", "slide"),
            with_picture(cell("code", "show(fig)", "fragment")),
            cell("markdown", " ".join(["word"] * 195), "notes"),
            cell("code", "one()\ntwo()", "subslide"),
        ]
    )


# --- slides -----------------------------------------------------------------------------------------------------------


def test_cells_are_grouped_by_slide_and_what_is_skipped_stays_where_it_stands(notebook):
    assert [len(group) for group in slides.slides(notebook)] == [2, 3, 1]


def test_a_slide_takes_its_words_spoken_its_code_read_its_figures_looked_at_and_its_cells_run(notebook):
    title, idea, code = slides.slides(notebook)
    assert slides.minutes_of(title, {}) == 1
    assert slides.minutes_of(title, {title[1].id: 600}) == 1  # what is skipped is not run before the class
    # 2 words of the heading and 195 in the notes at 110 a minute, two lines of code, and one figure: the third minute
    assert slides.minutes_of(idea, {}) == 3
    assert slides.minutes_of([made for made in idea if made.cell_type == "markdown"], {}) == 2
    without_figure = [*idea[:1], cell("code", idea[1].source), *idea[2:]]
    assert slides.minutes_of(without_figure, {}) == 2
    assert slides.minutes_of(code, {}) == 1
    assert slides.minutes_of(code, {code[0].id: 125}) == 3


@pytest.mark.parametrize(
    ("markdown", "words"),
    [
        ("## One title\n\nand two *more* words. <!-- 02_a: b c 0.42 -->\n<!-- d\ne -->", 6),
        ("| a | b c |\n|---|:--|\n| d | 5 |", 5),
        ('<p class="keys"><kbd>→</kbd> next · <kbd>S</kbd> speaker</p>', 4),
        ("- one\n- $p(y_t | y_{<t}, x)$ after `<bos>`, read - and told > once", 10),
    ],
)
def test_words_are_counted_as_they_are_said(markdown, words):
    assert slides.words_said(markdown) == words
    assert slides.minutes_of([cell("markdown", "\n\n".join([markdown] * 110))], {}) == words


def test_code_that_is_hidden_takes_no_time_to_read():
    long = "\n".join(["step()"] * 13)
    assert slides.minutes_of([cell("code", long)], {}) == 2
    assert slides.minutes_of([cell("code", long, tags=["hide-input"])], {}) == 1


def test_every_slide_ends_with_the_minutes_in_the_speakers_notes(notebook):
    shown = slides.prepared(notebook, {})
    notes = [made for made in shown.cells if made.source.startswith("**About")]
    assert len(notes) == 4  # the agenda is a slide, too
    assert all(made.metadata.slideshow.slide_type == "notes" for made in notes)
    assert shown.cells[3].source.startswith("**About 1 min.**")


def test_a_speaker_is_told_what_to_say_what_to_ask_and_which_mistakes_to_expect(notebook, monkeypatch):
    asked = teaching.Asked({"Idea": ["Why?", "And?"]}, {"07_two": ["one for two", "none"]})
    monkeypatch.setattr(slides, "asked_in", {"07": asked}.get)
    notebook.cells.append(cell("code", 'check("07_two", two)', "skip"))
    slides.add_questions(notebook, "07")
    notes = [made.source for made in notebook.cells if slides.slide_type(made) == "notes"]
    assert notes[0].startswith("**Say:**\n\nword")
    assert notes[1:] == ["**Ask:** Why? And?", "**Expect:** one for two; none."]


def test_prose_that_a_cell_leaves_to_the_speaker_is_in_the_notes_and_not_on_the_slide(notebook):
    prose = cell("markdown", "### A title\n\nSaid.\n\n![A drawing](pictures/a.svg)\n\n$$x$$", "subslide")
    prose.metadata.slideshow.prose = "notes"
    notebook.cells.append(prose)
    shown = slides.prepared(notebook, {})
    at = next(i for i, made in enumerate(shown.cells) if made.source.startswith("### A title"))
    assert shown.cells[at].source == "### A title\n\n![A drawing](pictures/a.svg)"
    assert slides.slide_type(shown.cells[at + 1]) == "notes"
    assert shown.cells[at + 1].source == "**Say:**\n\nSaid.\n\n$$x$$"
    assert prose.source.endswith("$$x$$"), "the notebook keeps it"


@pytest.mark.parametrize("language", ["", *released()])
@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_each_question_of_the_page_for_those_who_teach_is_in_the_notes_of_one_slide(path, language):
    number = path.stem[:2]
    asked, english = teaching.asked_in(number, language), nbformat.read(path, as_version=4)
    assert asked.questions.keys() == teaching.asked_in(number).questions.keys()
    notebook = woven(english, path, language, anchors=False)
    shown = slides.prepared(notebook, {}, number=number, language=language, english=english)
    notes = "\n".join(made.source for made in shown.cells if slides.slide_type(made) == "notes")
    parts = [*asked.questions.values(), *asked.mistakes.values()]
    assert sum(map(len, parts)) >= 5
    for part in parts:
        for sentence in part:
            assert notes.count(sentence) == 1, sentence


def test_code_that_only_draws_is_hidden(notebook):
    shown = slides.prepared(notebook, {})
    drawing = next(made for made in shown.cells if "show(fig)" in made.source)
    assert drawing.source == "show(fig)"
    assert "hide-input" in drawing.metadata.tags
    assert "tags" not in notebook.cells[3].metadata


def test_an_unknown_lecture_is_answered_with_the_list_of_those_there_are(tmp_path, capsys):
    assert slides.main(["07", "--to", str(tmp_path / "decks")]) == 1
    assert LECTURES[0].stem in capsys.readouterr().err
    assert not (tmp_path / "decks").exists()


def test_a_deck_names_no_address_outside_and_brings_all_it_loads(tmp_path):
    assert slides.main(["01", "--to", str(tmp_path)]) == 0
    html = (tmp_path / f"{LECTURES[0].stem}.html").read_text(encoding="utf-8")
    loaded = re.findall(r'<(?:script|link)[^>]+(?:src|href)="([^"]+)"', html)
    assert len(loaded) >= 6
    for address in set(loaded) - {"data:,"}:
        assert (tmp_path / address).is_file(), address


# --- site -------------------------------------------------------------------------------------------------------------


def test_what_is_behind_a_comment_stays_on_its_own_line():
    text = "- one. <!-- a: b -->\n- two.\n  <!-- c -->\n<!-- d --> <!-- e\n f -->\n<!-- g --> three <!-- h --> four\n"
    assert without_comments(text) == "- one.\n- two.\n three four\n"


def test_each_displayed_equation_of_a_page_gets_a_number_and_no_price_does(notebook):
    notebook.cells[2].source = "a\n\n$$x = 1$$\n\nand $y$, or $$ in text\n\n$$\n\\begin{aligned}a\\end{aligned}\n$$\n"
    source = site.as_page(notebook, "07").cells[2].source
    assert re.findall(r"\(equation-[^)]*\)", source) == ["(equation-07-1)", "(equation-07-2)"]
    assert "$$x = 1$$ (equation-07-1)" in source


@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_no_page_says_what_its_reader_has_solved(path):
    notebook = nbformat.read(path, as_version=4)
    for shown in (site.as_page(notebook, "01"), slides.prepared(notebook, {})):
        printed = [output.get("text", "") for made in shown.cells for output in made.get("outputs", [])]
        assert not [text for text in printed if " solved" in text or "tasks: not attempted" in text]


def test_the_first_page_keeps_the_line_of_progress_that_it_explains():
    page = site.as_page(nbformat.read(START, as_version=4), "00")
    printed = [output.get("text", "") for made in page.cells for output in made.get("outputs", [])]
    assert any(text.startswith("Exercises of lecture 00: 0 of 1 solved.") for text in printed)


def test_the_table_has_a_row_with_a_link_and_a_drawing_for_each_lecture():
    rows = notebooks.table(README.read_text(encoding="utf-8"))
    assert [len(row) for row in rows] == [6] * 7
    pages = [f"lectures/{path.stem}.html" for path in LECTURES]
    shown = home.one_table(rows, pages)
    for number, page in enumerate(pages, start=1):
        assert shown.count(f'href="{page}"') == 1
        assert shown.count(f'class="model" data-model="{number}"') == 1
    assert shown.count(" checked") == 2  # the first row, all of it
    assert "$" not in shown


def test_every_claim_has_its_line_under_its_lecture_with_verdict_effect_and_the_place_where_it_was_measured():
    styles = lighter.Styles()
    read = {path: nbformat.read(path, as_version=4) for path in (*LECTURES, *EXPERIMENT_NOTEBOOKS)}
    page, words = claims.page(CLAIMS.read_text(encoding="utf-8"), styles, str, read)
    known = [(record, claim) for path in LECTURES for record in records_of(path.stem[:2]) for claim in record.claims]
    lines = re.findall(r'<details class="claim" data-word="(.+?)"><summary>(.*?)</summary>(.*?)</details>', page)
    assert len(lines) == len(known) > 50
    for (record, claim), (word, line, rest) in zip(known, lines, strict=True):
        verdict = record.verdict(claim)
        assert word == verdict.word
        assert f"{SYMBOLS[word]} {word}" in line
        assert verdict.over_baseline.points(verdict.digits)[0] in line or verdict.successes is not None
        assert f"{EXPERIMENTS.name}/" in rest
        assert record.name in rest
    for path in LECTURES:
        assert re.search(rf"^### \[{path.stem[:2]} .+\]\(lectures/{path.name}\)$", page, flags=re.MULTILINE)
    assert f"all {len(known)}<" in page
    assert [int(count) for count in re.findall(r"flex-grow:(\d+)", claims.bar(words))] == [
        sum(word == wanted for word, *_ in lines) for wanted in SYMBOLS
    ]
    assert "<!--" not in page
    assert "Beside the papers" in page


@pytest.mark.parametrize("language", ["", "ko"])
def test_the_card_of_a_page_names_the_page_in_its_own_language(language, tmp_path):
    sources = tmp_path / "sources"
    sources.mkdir()
    told = {"title": "Attention", "project": "Attention", "authors": "Ada", "licences": "free", "language": language}
    told |= {"address": "https://a.org/b", "languages": ["", "ko"]}
    (sources / "course.json").write_text(json.dumps(told), encoding="utf-8")
    shutil.copy(site.SOURCES / "conf.py", sources)
    known = {"glossary": "", "lectures": {}, "names": {}, "descriptions": {}, "description": "What it is."}
    settings = {
        "extensions": ["myst_parser", "course_utils.publishing.links"],
        "course_site": {**told, **known, "pictures": {"index": "_static/figures/x.webp"}},
        "html_baseurl": runpy.run_path(str(sources / "conf.py"))["html_baseurl"],
    }
    (sources / "index.md").write_text("# T\n\ntext\n", encoding="utf-8")
    assert site.make_pages(sources, tmp_path / "pages", tmp_path / "doctrees", settings=settings) == 0
    page = (tmp_path / "pages" / "index.html").read_text(encoding="utf-8")
    card = dict(re.findall(r'<meta property="(og:\w+)" content="(.*?)"', page))
    assert card["og:url"] == f"https://a.org/b/{language}/index.html".replace("b//", "b/")
    assert f'<link rel="canonical" href="{card["og:url"]}"' in page
    assert card["og:image"] == "https://a.org/b/_static/figures/x.webp", "which the languages share"


def test_a_record_is_measured_where_it_is_made_and_not_where_it_is_named_again():
    made = new_notebook(
        cells=[
            cell("markdown", "## Before"),
            cell("code", 'known = stored("07_a")'),
            cell("markdown", "## Measured here"),
            cell("code", 'a = measure(\n    name="07_a", seeds=range(5))\nb = measure("07_b", f, range(5), [])'),
            cell("markdown", "## Behind"),
            cell("code", 'show(stored("07_a"))'),
        ]
    )
    found = claims.measured_in(NOTEBOOKS / "experiments" / "07_x.ipynb", made)
    assert found == {"07_a": "Measured here", "07_b": "Measured here"}


def test_styles_of_cards_are_written_once_and_none_is_lost():
    markup = "".join(part for record in records_of("06")[:3] for part in [cards(record).markup])
    styles = lighter.Styles()
    lighter_markup = styles.taken_from(markup)
    rules = dict(re.findall(r"^\.bd-article \.(card-\d+) \{ (.+) \}$", styles.sheet(), flags=re.MULTILINE))
    assert len(set(rules.values())) == len(rules) < 60

    def back(found):
        return f' style="{";".join(filter(None, (found[2], rules[found[1]])))}"'

    def parts(text):
        return [sorted(style.split(";")) for style in re.findall(r'style="([^"]+)"', text)]

    again = re.sub(r' class="(card-\d+)"(?: style="([^"]+)")?', back, lighter_markup)
    assert parts(again) == parts(markup)
    assert len(lighter_markup) < 0.6 * len(markup)
    other = '<div class="attention-explorer" style="color:red">'
    assert styles.taken_from(other) == other


def test_pages_carry_no_marks_scripts_and_icons_without_effect(tmp_path):
    styles = tmp_path / "_static" / "styles"
    styles.mkdir(parents=True)
    code = (
        '<pre><span class="n">a</span> <span class="o">=</span> <span class="mi">1</span></pre><i class="fa-bars"></i>'
    )
    script = '<script src="_static/searchtools.js?v=1"></script>'
    (tmp_path / "slides").mkdir()
    data = f'<script type="application/json">{"9" * 100_000}</script>'
    for name in ("index.html", "search.html", "slides/01.html"):
        (tmp_path / name).write_text(f"{code}{script}{data}", encoding="utf-8")
    rules = 'a{b:c}.fa-bars,.fa-navicon{--fa:"\\f0c9"}.fa-2{--fa:"\\32"}.fa-lg{size:1}'
    (styles / "theme.css").write_text(rules, encoding="utf-8")
    lighter.lighten(tmp_path)
    (kept,) = (tmp_path / "_static").glob("*.js")
    assert data[9:-10] in kept.read_text(encoding="utf-8").replace('\\"', '"')
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    rest = f'<pre>a = <span class="mi">1</span></pre><i class="fa-bars"></i><script src="_static/{kept.name}"></script>'
    assert page == rest
    assert f'src="../_static/{kept.name}"' in (tmp_path / "slides" / "01.html").read_text(encoding="utf-8")
    assert script in (tmp_path / "search.html").read_text(encoding="utf-8")
    assert (styles / "theme.css").read_text(encoding="utf-8") == rules.replace('.fa-2{--fa:"\\32"}', "")


def test_a_long_script_or_style_of_many_pages_is_stored_once(tmp_path):
    (tmp_path / "_static" / "styles").mkdir(parents=True)
    (tmp_path / "ko").mkdir()
    script, style = "f();" * 1000, "a{b:c}" * 1000
    for name in ("index.html", "ko/index.html"):
        page = f"<style>{style}</style><script>{script}</script><script>g();</script>"
        (tmp_path / name).write_text(page, encoding="utf-8")
    lighter.lighten(tmp_path)
    (js,), (css,) = ((tmp_path / "_static").glob(f"*.{kind}") for kind in ("js", "css"))
    assert (js.read_text(encoding="utf-8"), css.read_text(encoding="utf-8")) == (script, style)
    for name, up in (("index.html", ""), ("ko/index.html", "../")):
        assert (tmp_path / name).read_text(encoding="utf-8") == (
            f'<link rel="stylesheet" href="{up}_static/{css.name}"><script src="{up}_static/{js.name}"></script>'
            "<script>g();</script>"
        )


@pytest.mark.parametrize("row", six_rows.SIX, ids=lambda row: row.name)
def test_the_drawing_of_a_row_has_all_parts_and_says_where_most_of_its_weight_is(row):
    shares = six_rows.weights(row)
    assert sum(shares) == pytest.approx(1)
    assert all(share == 0 for share, may in zip(shares, row.allowed, strict=True) if not may)
    kept = torch.tensor([score if may else -torch.inf for score, may in zip(row.scores, row.allowed, strict=True)])
    torch.testing.assert_close(torch.tensor(shares), kept.softmax(dim=0), atol=1e-6, rtol=0)
    shown = six_rows.draw(row).inline()
    assert re.findall(r'<g class="part (\w+)">', shown) == ["q", "K", "f", "mask", "weights", "V", "sum"]
    assert "<style" not in shown
    assert " id=" not in shown
    assert f"{max(shares):.2f}, is on {row.words[shares.index(max(shares))]}." in six_rows.draw(row).description


@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_a_card_has_a_finding_of_one_sentence_and_what_the_lecture_asks_for(path):
    told = home.finding(README.read_text(encoding="utf-8"), path)
    assert re.fullmatch(r"[A-Z][^<>\[\]]{40,300}[.]", told)
    asked = home.effort(nbformat.read(path, as_version=4), path.name)
    assert 30 <= asked.reading <= 90
    assert 30 <= asked.solving <= 90
    assert asked.exercises >= 5
    assert asked.needs == {"1": (), "2": ("01",)}.get(path.stem[1], asked.needs)
    assert all(needed < path.stem for needed in asked.needs)
    assert home.question(nbformat.read(path, as_version=4)).endswith("?")


def test_minutes_are_read_in_words_and_in_digits_and_are_asked_for_where_they_are_missing():
    text = "**Time:** fifty-five minutes to read, forty for the six exercises. **You need:** [lecture 03](03_x.ipynb)."
    made = new_notebook(cells=[cell("markdown", "# T"), cell("markdown", text), cell("code", "x", tags=["exercise"])])
    assert home.effort(made, "04_y.ipynb") == home.Effort(55, 40, 1, ("03",))
    made.cells[1].source = text.replace("fifty-five", "50").replace("forty", "45")
    assert str(home.effort(made, "04_y.ipynb")) == "50 min to read · 45 min for 1 exercises · needs 03"
    made.cells[1].source = text.replace("fifty-five", "one hundred and five").replace(
        "forty", "a hundred, or one hundred"
    )
    assert home.effort(made, "04_y.ipynb") == home.Effort(105, 100, 1, ("03",))
    made.cells[1].source = "You need nothing for the exercises."
    with pytest.raises(ValueError, match=r"04_y\.ipynb: expected its minutes"):
        home.effort(made, "04_y.ipynb")


def test_a_section_that_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"README\.md is damaged \(it lacks the section 'Two'\)"):
        notebooks.section("# T\n\n## One\n\ntext\n", "Two")


def test_exercises_move_to_a_page_of_their_own_and_the_question_stays():
    made = new_notebook(
        cells=[
            cell("markdown", "# 07 · Title\n\ntext"),
            cell(
                "markdown", "### Exercise 1 · Do it\n\nSee [there](08_other.ipynb#x), [here](#y), [out](https://a.b)."
            ),
            cell("code", "given = 1"),
            cell("code", "...", tags=["exercise"]),
            cell("code", 'check("07_do", do)'),
            cell("markdown", "<details><summary>Hint 1</summary> ![d](pictures/x.svg)</details>", tags=["hints"]),
            cell("markdown", "<details><summary>Solution</summary></details>", tags=["solution"]),
            cell("markdown", "## Next"),
        ]
    )
    path = NOTEBOOKS / "07_title.ipynb"
    tasks = site.exercises(made, path)
    assert [one.source.split("\n")[0] for one in made.cells] == [
        "# 07 · Title",
        "### Exercise 1 · Do it",
        "given = 1",
        "[Stub, hints and solution](exercises/07_title.ipynb#exercise-1--do-it)",
        "## Next",
    ]
    text = "\n".join(one.source for one in tasks.cells)
    assert "## Exercise 1 · Do it\n" in text
    assert "](../08_other.ipynb#x)" in text
    assert "](../07_title.ipynb#y)" in text
    assert "](https://a.b)" in text
    assert "](../pictures/x.svg)" in text
    assert "check(" not in text
    assert [one.source for one in tasks.cells if one.cell_type == "code"] == ["given = 1", "..."]


def test_what_moves_to_the_page_of_exercises_keeps_its_code_and_its_pictures_and_takes_nothing_of_the_next():
    code_block = "```python\n# a comment\nf = scores[0](keys)\n```"
    made = new_notebook(
        cells=[
            cell("markdown", "# 07 · Title"),
            cell("markdown", "### Exercise 1 · First"),
            cell("code", "first = ...", tags=["exercise"]),
            cell("code", 'check("07_first", first)'),
            cell("markdown", f"Solution 1\n\n{code_block}", tags=["solution"]),
            cell("markdown", 'Between <img src="../_static/figures/a.webp" alt="a">'),
            cell("markdown", f'### Exercise 2 · Second\n\n<img src="../_static/figures/b.webp">\n\n{code_block}'),
            cell("code", "second = ...", tags=["exercise"]),
            cell("code", 'check("07_second", second)'),
            cell("markdown", "Hint 2", tags=["hints"]),
            cell("markdown", "Solution 2", tags=["solution"]),
        ]
    )
    tasks = [one.source for one in site.exercises(made, NOTEBOOKS / "07_title.ipynb").cells[1:]]
    assert tasks == [
        "## Exercise 1 · First",
        "first = ...",
        f"Solution 1\n\n{code_block}",
        f'## Exercise 2 · Second\n\n<img src="../../_static/figures/b.webp">\n\n{code_block}',
        "second = ...",
        "Hint 2",
        "Solution 2",
    ]
    assert [one.source.split("\n")[0].split("]")[0] for one in made.cells[2:]] == [
        "[Stub, hints and solution",
        'Between <img src="../_static/figures/a.webp" alt="a">',
        "### Exercise 2 · Second",
        "[Stub, hints and solution",
    ]


def test_an_address_is_written_into_the_map_of_the_site_as_xml(tmp_path, monkeypatch):
    (tmp_path / "lectures").mkdir()
    (tmp_path / "index.html").write_text("<p>a</p>", encoding="utf-8")
    for part in ("write_decks", "lighten"):
        monkeypatch.setattr(site, part, lambda *_, **__: None)
    site.finish(tmp_path, "https://a.org/?of=b&c=<d>")
    places = [place.text for place in ElementTree.parse(tmp_path / "sitemap.xml").iter() if place.tag.endswith("loc")]
    assert places == ["https://a.org/?of=b&c=<d>/index.html"]
    assert 'href="https://a.org/?of=b&amp;c=&lt;d&gt;/"' in (tmp_path / "404.html").read_text(encoding="utf-8")


# --- what both have in common -----------------------------------------------------------------------------------------


def test_a_map_of_weights_is_told_from_a_drawn_figure(tmp_path):
    def weights(x, y):
        code = shade(x / 63) if 8 < y < 40 else "#ffffff"
        return tuple(int(code[at : at + 2], 16) for at in (1, 3, 5))

    lines = png_of(lambda x, y: (0, 114, 178) if x == y else (0, 0, 0) if x < 2 else (255, 255, 255))
    assert notebooks.picture_file(png_of(weights), tmp_path)[1] == "weights"
    assert notebooks.picture_file(lines, tmp_path)[1] == "drawn"


def test_pictures_leave_the_page_without_loss_once_each(tmp_path, notebook):
    notebook.cells[0].source = f"# T\n\n![words](pictures/{LECTURES[1].stem}.png)\n\n![kept](pictures/01_unrolled.svg)"
    notebook.cells[0].source += f'\n\n<img src="pictures/{LECTURES[1].stem}.png" alt="words" width="220">'
    notebooks.put_pictures_into_files(notebook, tmp_path, "../figures", lazy=True)
    shown = notebook.cells[3].outputs[0].data["text/html"]
    (name,) = re.findall(r'src="\.\./figures/(\w+\.webp)"', shown)
    assert 'loading="lazy"' in shown
    assert shown.endswith('alt="a">')
    with Image.open(tmp_path / name) as again, Image.open(io.BytesIO(PNG)) as before:
        assert again.convert("RGB").tobytes() == before.tobytes()
    assert notebook.cells[0].source.count('<img class="weights" loading="lazy" src="../figures/') == 2
    assert "![kept](pictures/01_unrolled.svg)" in notebook.cells[0].source
    assert len(list(tmp_path.iterdir())) == 2


def test_progress_bars_and_names_of_constants_do_not_reach_a_slide(notebook):
    notebook.cells[5].source = "N_UNITS = 1_024  # of a state\nSHARE = 0.1\nMADE = make()\nTIED = True"
    bar = "GAT: 100%|████| 20/20 [00:05<00:00,  3.88it/s, loss 2.125]\n"
    notebook.cells[5].outputs = [
        nbformat.v4.new_output("stream", name="stdout", text=f"{bar}175,080 parameters\n"),
        nbformat.v4.new_output("stream", name="stderr", text=bar),
    ]
    notebook.cells[2].source = "## Idea\n\n`N_UNITS` numbers, `SHARE` of them, `MADE`, `TIED` and `code`"
    shown = slides.prepared(notebook, {})
    text = "\n".join(made.source for made in shown.cells)
    assert "1,024 numbers, 0.1 of them, `MADE`, True and `code`" in text
    (output,) = next(made for made in shown.cells if "N_UNITS" in made.source).outputs
    assert output.text == "175,080 parameters\n"


def test_the_agenda_adds_up_and_the_clock_runs_to_its_end(notebook):
    shown = slides.prepared(notebook, {}, "Ada · Course", "02")
    assert "Ada · Course" in shown.cells[2].source
    agenda = next(made.source for made in shown.cells if made.source.startswith("## The way through"))
    minutes = [int(number) for number in re.findall(r"\| (\d+) \|", agenda)]
    assert f"{sum(minutes)} minutes" in agenda
    assert "| Idea | 4 |" in agenda
    clocks = [re.findall(r"\d+", made.source) for made in shown.cells if made.source.startswith("**About")]
    passed = 0
    for taken, so_far, _ in clocks:
        passed += int(taken)
        assert int(so_far) == passed
    assert {int(whole) for *_, whole in clocks} == {passed} == {sum(minutes)}
    assert next(made for made in shown.cells if "we are in row 02" in made.source).source.count('class="here"') == 1


def checkout(tmp_path, urls="", origin=None):
    (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "x"\n{urls}', encoding="utf-8")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    if origin:
        subprocess.run(["git", "-C", str(tmp_path), "remote", "add", "origin", origin], check=True)
    return tmp_path


@pytest.mark.parametrize(
    ("origin", "page"),
    [
        ("https://github.com/ada/course.git", "https://github.com/ada/course"),
        ("git@github.com:ada/course.git", "https://github.com/ada/course"),
        ("git@github.com:/ada/course.git", "https://github.com/ada/course"),
        ("ssh://git@github.com:22/ada/course.git", "https://github.com/ada/course"),
        ("ssh://git@codeberg.org/ada/course", "https://codeberg.org/ada/course"),
        ("https://github.com:443/ada/course.git", "https://github.com/ada/course"),
        ("https://GitHub.com/ada/course.git/", "https://github.com/ada/course"),
        ("https://github.com/ada/course.py.git", "https://github.com/ada/course.py"),
        ("https://ada:secret@gitlab.com/group/sub/course.git", "https://gitlab.com/group/sub/course"),
        ("/srv/git/course.git", ""),
        ("https://example.org/course.git", ""),
        ("https://github.com.example.org/ada/course", ""),
        ("https://github.com:8443/ada/course", ""),
        ("https://github.com/ada", ""),
        ("github.com:ada/course", ""),
        (None, ""),
    ],
)
def test_the_repository_is_where_git_says_and_nowhere_without_an_origin(origin, page, tmp_path):
    found = addresses.repository(checkout(tmp_path, origin=origin))
    assert found == page
    assert addresses.source(found, "notebooks/a b.ipynb") == (page and f"{page}/blob/HEAD/notebooks/a%20b.ipynb")
    asked = addresses.binder(found, "notebooks/a.ipynb")
    on_binder = f"https://mybinder.org/v2/gh/{found[19:]}/HEAD?labpath=notebooks%2Fa.ipynb"
    assert asked == (on_binder if "github.com/" in page else "")


@pytest.mark.parametrize(
    ("given", "page"),
    [
        ("https://github.com/b/c/", "https://github.com/b/c"),
        ("https://github.com/b/c.git", "https://github.com/b/c"),
        ("https://GitHub.com/b/c", "https://github.com/b/c"),
        ("https://git.b.org/c.git", "https://git.b.org/c"),
    ],
)
def test_the_setting_goes_before_git(given, page, tmp_path):
    urls = f'[project.urls]\nRepository = "{given}"\nHomepage = "https://b.org/c/"\n'
    made = checkout(tmp_path, urls, "https://github.com/ada/course")
    assert addresses.repository(made) == page
    assert addresses.site(made) == "https://b.org/c"


def test_a_folder_that_holds_something_else_is_not_overwritten(tmp_path):
    (tmp_path / "thesis.txt").write_text("all of it", encoding="utf-8")
    with pytest.raises(Stop, match="something else"):
        site.main(["--to", str(tmp_path)])
    assert (tmp_path / "thesis.txt").read_text(encoding="utf-8") == "all of it"


def test_a_site_with_a_broken_reference_fails_and_leaves_the_old_one(tmp_path, monkeypatch, capfd):
    page = "# Title\n"

    def gather(folder, *_others):
        folder.mkdir()
        (folder / "conf.py").write_text('extensions = ["myst_parser"]\n', encoding="utf-8")
        (folder / "index.md").write_text(page, encoding="utf-8")

    monkeypatch.setattr(site, "gather", gather)
    monkeypatch.setattr(site, "released", list)  # no extension of ours names the sections of this page
    assert site.main(["--to", str(tmp_path / "site")]) == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    page += "\n[to nowhere](nothing.md)\n"
    assert site.main(["--to", str(tmp_path / "site")]) != 0
    assert "nothing.md" in capfd.readouterr().err
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it lacks the section 'One table'"),
        (b"## One table\n", "it lacks the course's table"),
        (b"\xff", "invalid start byte"),
    ],
)
def test_a_damaged_readme_is_named_and_nothing_is_written(content, why, tmp_path, monkeypatch, capfd):
    (tmp_path / "README.md").write_bytes(content)
    monkeypatch.setattr(site, "README", tmp_path / "README.md")
    assert carry_out(lambda: site.main(["--to", str(tmp_path / "site")])) == 1
    told = capfd.readouterr().err
    assert f"README.md is damaged ({why}" in told.replace("'utf-8' codec can't decode byte 0xff in position 0: ", "")
    assert "Traceback" not in told
    assert not (tmp_path / "site").exists()


def test_a_template_of_decks_that_is_missing_is_named(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(slides, "TEMPLATE", tmp_path / "slides_template")
    assert carry_out(lambda: slides.main(["01", "--to", str(tmp_path / "decks")])) == 1
    assert "slides_template is not there" in capfd.readouterr().err
    assert not (tmp_path / "decks").exists()


# --- glossary ---------------------------------------------------------------------------------------------------------


def sections(path):
    """Give slug → text of each section of a lecture, code and subsections left out."""
    text = "\n\n".join(
        made.source if made.cell_type == "markdown" else "" for made in nbformat.read(path, as_version=4).cells
    )
    parts = re.split(r"^#+ (.+)$", text, flags=re.MULTILINE)
    slugs = [re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in parts[1::2]]
    return dict(zip(slugs, map(str.__add__, parts[1::2], parts[2::2]), strict=True))


def test_the_glossary_is_a_list_of_terms_in_both_languages():
    text = (site.SOURCES / "glossary.md").read_text(encoding="utf-8")
    known = glossary.terms(text)
    assert len(known) == len(GLOSSARY)
    (network,) = [term for term in known if "HAN" in term.names]
    assert network.names == ("hierarchical attention network", "HAN")
    assert network.korean == ("계층적 어텐션 네트워크",)
    assert network.page == "lectures/03_document_attention"
    page = glossary.as_page(text)
    assert "\nhierarchical attention network\nHAN\n계층적 어텐션 네트워크\n  attention over words" in page
    assert "| term |" not in page


def test_the_glossary_is_complete_and_in_order():
    lines = (site.SOURCES / "glossary.md").read_text(encoding="utf-8").splitlines()
    assert len(GLOSSARY) == sum(line.startswith("| **") for line in lines) > 50
    terms = [term.lower() for term, *_ in GLOSSARY]
    assert terms == sorted(set(terms))


@pytest.mark.parametrize(("term", "korean", "meaning", "number", "lecture", "section"), GLOSSARY)
def test_a_term_has_a_korean_word_and_is_spoken_of_where_its_link_leads(
    term, korean, meaning, number, lecture, section
):
    assert re.search("[가-힣]", korean)
    assert lecture.removeprefix("experiments/").startswith(number)
    text = sections(NOTEBOOKS / f"{lecture}.ipynb")[section].lower()
    words = [word for word in re.findall(r"\w+", term.lower()) if len(word) > 2 and word not in ("and", "network")]
    assert any(word[:5] in text for word in words)


def test_what_is_shown_is_a_copy(notebook):
    before = nbformat.writes(notebook)
    slides.prepared(notebook, {})
    site.as_page(notebook, "01")
    assert nbformat.writes(notebook) == before


def test_a_figure_is_known_by_its_description_and_other_outputs_are_none(notebook):
    (output,) = notebook.cells[3].outputs
    assert picture(output) == ("a", PNG)
    assert picture({"data": {"text/html": "<table>"}}) is None
    assert picture({"output_type": "stream", "text": "x"}) is None


def test_a_deck_has_its_drawings_beside_it_and_no_link_to_a_notebook(notebook, tmp_path):
    notebook.cells[0].source += " ![d](pictures/01_unrolled.svg) [lecture 02](02_bahdanau_attention.ipynb#padding)"
    path = tmp_path / "07_name.ipynb"
    nbformat.write(notebook, path)
    (deck,) = slides.make_decks([path], tmp_path / "decks")
    page = deck.read_text(encoding="utf-8")
    assert 'src="pictures/01_unrolled.svg"' in page
    assert (deck.parent / "pictures" / "01_unrolled.svg").exists()
    assert "lecture 02" in page
    assert ".ipynb" not in page
