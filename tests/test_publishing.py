"""Decks and site as they are made, before any browser looks at them."""

import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_utils.files import LECTURES, NOTEBOOKS, START
from course_utils.publishing import site, slides
from course_utils.publishing.notebooks import picture
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


def with_picture(made):
    made.outputs = [
        nbformat.v4.new_output("display_data", {"text/html": '<img src="data:image/png;base64,AA==" alt="a">'})
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


def test_code_that_is_hidden_takes_no_time_to_read():
    long = "\n".join(["step()"] * 13)
    assert slides.minutes_of([cell("code", long)], {}) == 2
    assert slides.minutes_of([cell("code", long, tags=["hide-input"])], {}) == 1


def test_every_slide_ends_with_the_minutes_in_the_speakers_notes(notebook):
    shown = slides.prepared(notebook, {})
    notes = [made for made in shown.cells if made.source.startswith("**About")]
    assert len(notes) == 3
    assert all(made.metadata.slideshow.slide_type == "notes" for made in notes)
    assert shown.cells[2].source == "**About 1 min.**"


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


def test_each_displayed_equation_of_a_page_gets_a_number_and_no_price_does(notebook):
    notebook.cells[2].source = "a\n\n$$x = 1$$\n\nand $y$, or $$ in text\n\n$$\n\\begin{aligned}a\\end{aligned}\n$$\n"
    source = site.as_page(notebook, "07").cells[2].source
    assert re.findall(r"\(equation-[^)]*\)", source) == ["(equation-07-1)", "(equation-07-2)"]
    assert "$$x = 1$$ (equation-07-1)" in source


def test_the_table_has_a_link_from_each_row_to_its_lecture():
    rows = site.table(site.README.read_text(encoding="utf-8")).splitlines()
    assert len([row for row in rows if row.startswith("|")]) == 8
    for path in LECTURES:
        (row,) = [row for row in rows if f"](lectures/{path.name})" in row]
        assert row.startswith(f"| [{path.stem[:2]} ")


def test_every_claim_stands_on_the_site_with_its_verdict_under_its_lecture():
    text = site.CLAIMS.read_text(encoding="utf-8")
    page = site.claims(text)
    claims = r"^[✓✗?] \*\*(holds|does not hold|unclear)\*\* · "
    assert len(re.findall(claims, page, flags=re.MULTILINE)) == len(re.findall(claims, text, flags=re.MULTILINE)) > 50
    for path in LECTURES:
        assert re.search(rf"^### \[{path.stem[:2]} .+\]\(lectures/{path.name}\)$", page, flags=re.MULTILINE)
    assert "<!--" not in page


def test_the_lectures_stand_on_the_site_with_their_findings_and_without_the_guards():
    page = site.lectures(site.README.read_text(encoding="utf-8"))
    assert re.findall(r"^#+ \[?(\S+)", page, flags=re.MULTILINE) == ["The", *(path.stem[:2] for path in LECTURES)]
    assert "<!--" not in page
    assert "](notebooks/" not in page
    for path in (START, *LECTURES):
        assert f"]({path.name})" in page
        assert f"\n{path.stem}\n" in page


def test_a_section_that_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"README\.md is damaged \(it lacks the section 'Two'\)"):
        site.section("# T\n\n## One\n\ntext\n", "Two")


def test_a_folder_that_holds_something_else_is_not_overwritten(tmp_path):
    (tmp_path / "thesis.txt").write_text("all of it", encoding="utf-8")
    with pytest.raises(Stop, match="something else"):
        site.main(["--to", str(tmp_path)])
    assert (tmp_path / "thesis.txt").read_text(encoding="utf-8") == "all of it"


def test_a_site_with_a_broken_reference_fails_and_leaves_the_old_one(tmp_path, monkeypatch, capfd):
    page = "# Title\n"

    def gather(folder):
        folder.mkdir()
        (folder / "conf.py").write_text('extensions = ["myst_parser"]\n', encoding="utf-8")
        (folder / "index.md").write_text(page, encoding="utf-8")

    monkeypatch.setattr(site, "gather", gather)
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
    assert picture(output) == ("a", b"\x00")
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
