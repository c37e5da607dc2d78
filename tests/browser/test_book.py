"""One lecture, printed as the book is: nothing is cut off, and the contents tell the right pages."""

import io
import re

import nbformat
import pytest
from pypdf import PdfReader

from course_utils.files import LECTURES
from course_utils.publishing.book import HEADINGS, READY, with_page_numbers, write_pages
from course_utils.publishing.chapters import prepared

LECTURE = next(path for path in LECTURES if path.stem.startswith("04"))
TOO_WIDE = """() => [...document.querySelectorAll("main :is(svg, img, table, pre, figure)")]
    .filter(part => part.getBoundingClientRect().right > document.body.getBoundingClientRect().right + 1)
    .map(part => part.outerHTML.slice(0, 200))"""
A4_BETWEEN_THE_MARGINS = 643  # CSS pixels in 170 mm


@pytest.fixture(scope="module")
def printed(chromium, tmp_path_factory):
    """Print one lecture; give the PDF, the ids of its headings, what is wider than the page, and what it asked for."""
    folder = tmp_path_factory.mktemp("book")
    write_pages([LECTURE], folder)
    page = chromium.new_page(viewport={"width": A4_BETWEEN_THE_MARGINS, "height": 900}, color_scheme="light")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_default_timeout(600_000)
    page.goto((folder / "book.html").as_uri())
    page.evaluate(READY)
    page.emulate_media(media="print")
    too_wide, headings = page.evaluate(TOO_WIDE), page.evaluate(HEADINGS)
    yield PdfReader(io.BytesIO(with_page_numbers(page))), headings, too_wide, asked
    page.close()


def squeezed(text):
    return re.sub(r"[\s\x01]", "", text)  # some fonts give a blank as \x01


def test_nothing_is_wider_than_the_page_and_nothing_comes_from_outside(printed):
    _, _, too_wide, asked = printed
    assert too_wide == []
    assert {url.partition(":")[0] for url in asked} <= {"file", "data"}


def test_every_line_of_code_is_on_paper(printed):
    book, *_ = printed
    on_paper = squeezed("".join(page.extract_text() for page in book.pages))
    cells = prepared(nbformat.read(LECTURE, as_version=4)).cells
    shown = [cell for cell in cells if cell.cell_type == "code" and not cell.metadata.get("transient")]
    lines = [squeezed(line) for cell in shown for line in cell.source.splitlines()]
    assert len(lines) > 200
    assert [line for line in lines if line not in on_paper] == []
    assert "notattemptedyet" not in on_paper


def test_the_contents_tell_the_page_of_each_section_and_lead_there(printed):
    book, headings, *_ = printed
    texts = [squeezed(page.extract_text()) for page in book.pages]
    entries = re.findall(r"^(.+?) *\n? *(\d+)$", book.pages[1].extract_text(), flags=re.MULTILINE)[:-1]
    assert len(entries) >= 12
    for title, number in entries:
        assert squeezed(title) in texts[int(number) - 1], (title, number)
    leads = [note for page in book.pages[1:2] for note in page.get("/Annots", []) if "/Dest" in str(note.get_object())]
    assert len(leads) >= len(entries)
    assert book.outline
    assert len(headings) == len(set(headings))
