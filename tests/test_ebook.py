"""The EPUB, opened and read as a reading app does: every page XML, every file listed, every link and formula there."""

import posixpath
import re
import subprocess
import sys
import zipfile
from types import SimpleNamespace
from xml.etree import ElementTree

import nbformat
import pytest
from sphinx.errors import SphinxError

from course_utils.files import CHECKOUT, LECTURES
from course_utils.publishing import ebook
from course_utils.publishing.book import main
from course_utils.publishing.chapters import prepared
from course_utils.publishing.ebook import as_chapter, as_xml, mathml, parts_of
from course_utils.refusals import Stop

FORMULA = re.compile(r"\$\$(.+?)\$\$|(?<![\\$\w])\$(?! )([^$\n]+?)(?<! )\$(?!\d)", re.DOTALL)
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
CHOSEN = [path for path in LECTURES if path.stem[:2] in ("02", "05")]  # formulas, maps, stages, links to each other
HTML = "{http://www.w3.org/1999/xhtml}"
MATHML = "{http://www.w3.org/1998/Math/MathML}"
DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"
PACKAGE = "{http://www.idpf.org/2007/opf}"


def made(folder, *arguments):
    """Make a book as a reader does, in a process of its own since Sphinx leaves traces in it, and open it."""
    file = folder / "book.epub"
    command = [sys.executable, "-m", "course_utils.commands", "book", *arguments, "--epub", "--to", str(file)]
    subprocess.run(command, cwd=CHECKOUT, check=True)
    archive = zipfile.ZipFile(file)
    pages = {name: ElementTree.fromstring(archive.read(name)) for name in archive.namelist() if name.endswith(".xhtml")}
    package = ElementTree.fromstring(archive.read("content.opf"))
    return SimpleNamespace(archive=archive, pages=pages, package=package, size=file.stat().st_size)


@pytest.fixture(scope="module")
def english(tmp_path_factory):
    return made(tmp_path_factory.mktemp("english"), *[path.stem for path in CHOSEN])


@pytest.fixture(scope="module")
def korean(tmp_path_factory):
    return made(tmp_path_factory.mktemp("korean"), CHOSEN[-1].stem, "--language", "ko")


def formulas(notebook):
    prose = (CODE.sub("", cell.source) for cell in notebook.cells if cell.cell_type == "markdown")
    return [(found[1] or found[2], bool(found[1])) for text in prose for found in FORMULA.finditer(text)]


def test_every_formula_of_every_lecture_becomes_mathml_that_shows_no_tex():
    found = [formula for path in LECTURES for formula in formulas(nbformat.read(path, as_version=4))]
    assert len(found) > 400
    for tex, displayed in found:
        written = ElementTree.fromstring(as_xml(mathml(tex, displayed)))
        assert written.get("alttext").split() == tex.split()
        assert written.get("display", "inline") == ("block" if displayed else "inline")
        assert not re.search(r"[\\$&{}^]", "".join(written.itertext())), tex


def test_every_formula_is_on_its_page(english):
    for path in CHOSEN:
        shown = [*english.pages[f"{path.stem}.xhtml"].iter(f"{MATHML}math")]
        asked = formulas(prepared(nbformat.read(path, as_version=4)))
        parts = [part for tex, displayed in asked for part in (parts_of(tex) if displayed else [tex])]
        assert sorted(formula.get("alttext").split() for formula in shown) == sorted(part.split() for part in parts)


def test_a_formula_that_cannot_be_written_is_named():
    with pytest.raises(SphinxError, match=r"\\unheard x: Unknown LaTeX command"):
        mathml(r"\unheard x", displayed=False)


def test_a_prime_is_a_sign_of_a_formula_and_an_apostrophe_one_of_its_text():
    formula = mathml(r"k' = \text{the key's value}", displayed=False)
    shown = "".join(ElementTree.fromstring(as_xml(formula)).itertext())
    assert " ".join(shown.split()) == "k ′ = the key's value"


def test_the_archive_begins_with_its_type_and_the_package_lists_each_file_once(english):
    first = english.archive.infolist()[0]
    assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
    assert english.archive.read("mimetype").strip() == b"application/epub+zip"
    listed = [item.get("href") for item in english.package.iter(f"{PACKAGE}item")]
    outside = ("mimetype", "META-INF/container.xml", "content.opf")
    assert sorted(listed) == sorted({*english.archive.namelist()} - {*outside})
    assert not [name for name in listed if name.endswith(".js")]
    assert english.size < 4_000_000


def test_the_package_tells_which_pages_have_formulas(english):
    told = {item.get("href") for item in english.package.iter(f"{PACKAGE}item") if item.get("properties") == "mathml"}
    assert told == {name for name, page in english.pages.items() if page.find(f".//{MATHML}math") is not None}
    assert len(told) == 1 + len(CHOSEN)


def test_no_page_has_a_script_or_a_style_of_its_own_and_all_it_shows_is_in_the_book(english):
    for name, page in english.pages.items():
        for node in page.iter():
            assert node.tag not in {f"{HTML}{tag}" for tag in ("script", "style", "iframe", "select", "button")}
            if shown := node.get("src") or (node.tag == f"{HTML}link" and node.get("href")):
                assert posixpath.normpath(posixpath.join(posixpath.dirname(name), shown)) in english.archive.namelist()
        for picture in page.iter(f"{HTML}img"):
            assert len(picture.get("alt")) > 20
    drawings = [english.archive.read(name) for name in english.archive.namelist() if name.endswith(".svg")]
    assert drawings
    assert not [drawing for drawing in drawings if b"prefers-color-scheme" in drawing]


def test_every_link_leads_to_a_section_of_the_book_or_openly_outside(english):
    places = {name: {node.get("id") for node in page.iter()} for name, page in english.pages.items()}
    within = []
    for name, page in english.pages.items():
        names = [node.get("id") for node in page.iter() if node.get("id")]
        assert len(names) == len(set(names))
        for link in page.iter(f"{HTML}a"):
            address = link.get("href", "")
            if not address.startswith("https://"):
                file, _, place = address.partition("#")
                within.append(address)
                assert file or place, name
                assert (place or None) in places[file or name] | {None}, (name, address)
    chapter = english.pages[f"{CHOSEN[1].stem}.xhtml"]
    assert f"{CHOSEN[0].stem}.xhtml" in [link.get("href") for link in chapter.iter(f"{HTML}a")]
    assert len([address for address in within if "#" in address]) > 20  # the contents


def test_maps_stand_still_and_code_that_draws_is_left_out(english):
    for path in CHOSEN:
        page = english.pages[f"{path.stem}.xhtml"]
        assert [node.get("class") for node in page.iter(f"{HTML}table")].count(None) == 0
        assert len([node for node in page.iter(f"{HTML}table") if "explorer-map" in node.get("class")]) >= 2
        code = {False: [], True: []}
        for cell in prepared(nbformat.read(path, as_version=4)).cells:
            if cell.cell_type == "code":
                code["transient" in cell.metadata].append("".join(cell.source.split()))
        shown = "".join("".join(page.itertext()).split())
        assert len(code[False]) > 20
        assert [source for source in code[False] if source not in shown] == []
        assert [source for source in code[True] if source in shown] == []


def test_a_library_is_told_title_authors_language_licence_and_an_identifier(english, korean):
    told = [
        {node.tag.removeprefix(DUBLIN_CORE): node.text for node in book.package.iter()} for book in (english, korean)
    ]
    assert told[0]["title"] == "Attention, from sequence to sequence to graphs"
    assert told[0]["creator"] == "the attention course contributors"
    assert told[0]["rights"] == "Text and figures: CC BY 4.0. Code: MIT"
    assert [book["language"] for book in told] == ["en", "ko"]
    assert told[0]["identifier"] != told[1]["identifier"]
    assert told[0]["identifier"].startswith("urn:uuid:")


def test_the_identifier_is_made_of_the_address_and_stays(monkeypatch):
    names = {"": ebook.settings(LECTURES)["epub_identifier"]}
    for address in ("https://a.org", "https://b.org"):
        monkeypatch.setattr(ebook.addresses, "site", lambda address=address: address)
        names[address] = ebook.settings(LECTURES)["epub_identifier"]
        assert ebook.settings(LECTURES)["epub_identifier"] == names[address] != ebook.settings(LECTURES, "ko")
    assert len(set(names.values())) == 3


def test_the_korean_book_is_korean_from_its_title_to_its_solutions(korean):
    shown = {name: "".join(page.itertext()) for name, page in korean.pages.items()}
    assert "힌트와 풀이" in shown["nav.xhtml"]
    for name, text in shown.items():
        assert len(re.findall("[가-힣]", text)) > 60, name
        assert korean.pages[name].get("lang") == "ko", name
    assert "Hints and solutions" not in "".join(shown.values())


def test_guards_and_links_to_what_is_not_in_the_book_are_text(tmp_path):
    source = (
        "See [02](02_b.ipynb), [there](02_b.ipynb#c), [05](05_d.ipynb#e), [measured](experiments/02_b.ipynb#f), "
        "[all](https://a.org#g). <!-- 02_a: b -- c -->\n"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(source)])
    chapter = as_chapter(notebook, tmp_path, ["02_b.ipynb"]).cells[0].source
    assert chapter == "See [02](02_b.ipynb), [there](02_b.ipynb), 05, measured, [all](https://a.org#g).\n"


def test_what_html_leaves_open_is_closed_and_names_of_signs_become_signs():
    page = '<p>a&nbsp;&amp;&ensp;b<br>c<img src="x" alt="c"><hr/></p><details open><summary>d</summary></details>'
    page = as_xml(page + '<script type="application/json">{"a": "<b>"}</script>')
    assert "".join(ElementTree.fromstring(f"<body>{page}</body>").itertext()) == "a\u00a0&\u2002bcd"


def test_a_book_that_sphinx_cannot_make_leaves_the_old_one(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(ebook, "make_pages", lambda *_: 1)
    old = tmp_path / "book.epub"
    old.write_bytes(b"an older book")
    with pytest.raises(Stop, match="one that was there is as it was"):
        main(["02", "--epub", "--to", str(old)])
    assert old.read_bytes() == b"an older book"
