"""The lectures as one book, a PDF, from the notebooks as they are committed: ``python3 course.py book [LECTURE …]``.

A Chromium prints it; ``ebook`` makes an EPUB of the same. Nothing is executed and nothing is fetched.
"""

import argparse
import io
import itertools
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbconvert.exporters import HTMLExporter
from nbformat.v4 import new_markdown_cell, new_notebook
from pygments.formatters import HtmlFormatter
from pypdf import PdfReader, PdfWriter

from course_utils.command_line import BUILD, parse
from course_utils.files import LECTURES, PICTURES, write_atomically
from course_utils.languages.catalogues import checked
from course_utils.languages.speaking import said
from course_utils.publishing.assets import copy_mathjax
from course_utils.publishing.browser import WANTED, started
from course_utils.publishing.chapters import SOURCES, TITLE, chapter, front_page, style
from course_utils.publishing.ebook import make_ebook
from course_utils.publishing.notebooks import filled
from course_utils.refusals import Stop, carry_out, check_file

if TYPE_CHECKING:
    from playwright.sync_api import Page

NO_BROWSER = (
    "The book is printed by a Chromium or Chrome, and none was found: install one (Debian: apt install chromium), "
    f"or name its path in {WANTED}."
)
HEADING = re.compile(r'<h([1-6])(?: id="([^"]*)")?>(.*?)</h\1>', re.DOTALL)
LINK = re.compile(r'<a href="(?!https?:|mailto:)([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
IN_CONTENTS = 2  # levels of headings
READY = """() => new Promise(resolve => MathJax.Hub.Queue(() => document.fonts.ready.then(() => resolve(true))))"""
HEADINGS = """() => [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].map(heading => heading.id)"""
NUMBER = """pages => document.querySelectorAll("nav a").forEach(
    entry => { entry.querySelector(".page").textContent = pages[entry.hash.slice(1)] ?? ""; })"""
FOOT = '<div style="width: 100%; text-align: center; font: 8pt sans-serif"><span class="pageNumber"></span></div>'


def make_book(lectures: Sequence[Path], language: str = "") -> bytes:
    """Print lectures as one PDF: a title, contents with page numbers, the lectures, each with its solutions behind it.

    Raises
    ------
    Stop
        If there is no Chromium, or a notebook is damaged.
    """
    with tempfile.TemporaryDirectory(prefix="course-book-") as name, started() as browser:
        if browser is None:
            raise Stop(NO_BROWSER)
        folder = Path(name)
        write_pages(lectures, folder, language)
        page = browser.new_page(color_scheme="light")
        page.set_default_timeout(0)  # a busy machine is no error
        page.goto((folder / "book.html").as_uri())
        page.evaluate(READY)
        return with_page_numbers(page, said(TITLE, language))


def with_page_numbers(page: "Page", title: str = TITLE) -> bytes:
    """Print, look on which page each heading came to be, write that into the contents, and print again."""
    anchors = page.evaluate(HEADINGS)
    numbers: dict[str, int] = {}
    for _ in range(4):  # two, unless the numbers themselves move a heading
        page.evaluate(NUMBER, numbers)
        printed = page.pdf(
            format="A4",
            margin={"top": "18mm", "bottom": "20mm", "left": "20mm", "right": "20mm"},
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=FOOT,
            print_background=True,
            outline=True,
            tagged=True,
        )
        reader = PdfReader(io.BytesIO(printed))
        places = [reader.get_destination_page_number(entry) for entry in flat(reader.outline)]
        found = {anchor: place + 1 for anchor, place in zip(anchors, places, strict=True) if place is not None}
        if found == numbers:
            break
        numbers = found
    writer = PdfWriter(clone_from=reader)
    writer.add_metadata({"/Title": title})
    writer.page_mode = "/UseOutlines"
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def flat(outline: list[Any]) -> Iterator[Any]:
    """Give the entries of a PDF's outline in the order of its pages."""
    for entry in outline:
        if isinstance(entry, list):
            yield from flat(entry)
        else:
            yield entry


# the page that is printed


def write_pages(lectures: Sequence[Path], folder: Path, language: str = "") -> None:
    """Write ``book.html`` and what it shows into a folder."""
    copy_mathjax(folder / "mathjax")
    shutil.copytree(PICTURES, folder / PICTURES.name)
    (folder / "book.css").write_text(style("book.css"), encoding="utf-8")
    exporter = HTMLExporter(template_name="basic", anchor_link_text="")
    exporter.exclude_input_prompt = exporter.exclude_output_prompt = exporter.exclude_anchor_links = True
    chapters = []
    for lecture in lectures:
        body, _ = exporter.from_notebook_node(chapter(lecture, language))
        chapters.append(f"<section>{linked(body, lecture.stem[:2], [path.stem[:2] for path in lectures])}</section>")
    parts = {
        "colours of code": f"<style>{HtmlFormatter(style='default').get_style_defs('.highlight')}</style>",
        "contents": contents("".join(chapters)),
        "lectures": "\n".join(chapters),
        "language": language or "en",
        "title": said(TITLE, language),
        "heading of the contents": said("Contents", language),
        "front": exporter.from_notebook_node(new_notebook(cells=[new_markdown_cell(front_page(language))]))[0],
    }
    text = (SOURCES / "book.html").read_text(encoding="utf-8")
    (folder / "book.html").write_text(filled(text, parts), encoding="utf-8")


def linked(body: str, lecture: str, lectures: Sequence[str]) -> str:
    """Name every heading, let links between lectures lead there, and undo those that lead nowhere on paper."""
    numbers = itertools.count()

    def heading(found: re.Match) -> str:
        return f'<h{found[1]} id="{lecture}-{next(numbers)}">{found[3]}</h{found[1]}>'

    def link(found: re.Match) -> str:
        page = re.match(r"(\d\d)_\w+\.ipynb", found[1])
        return f'<a href="#{page[1]}-0">{found[2]}</a>' if page and page[1] in lectures else found[2]

    return LINK.sub(link, HEADING.sub(heading, body))


def contents(chapters: str) -> str:
    """List the headings, with a place for the page of each."""
    entries = [
        f'<a class="level-{level}" href="#{anchor}"><span>{title}</span><span class="page"></span></a>'
        for level, anchor, title in HEADING.findall(chapters)
        if int(level) <= IN_CONTENTS
    ]
    return f"<nav>{''.join(entries)}</nav>"


def name_of(lectures: Sequence[Path], language: str = "") -> str:
    """Name the file of a book; one of some lectures alone does not take the place of the whole."""
    parts = [] if list(lectures) == LECTURES else [path.stem[:2] for path in lectures]
    return "-".join(filter(None, ("attention", *parts, language)))


def main(command_line: Sequence[str]) -> int:
    """Run ``course.py book`` with the rest of its command line; give the exit status."""
    return run(parse(["book", *command_line]))


def run(arguments: argparse.Namespace) -> int:
    """Print the book; give the exit status."""
    chosen = [path for path in LECTURES if not arguments.lectures or path.stem.startswith(tuple(arguments.lectures))]
    if not chosen:
        raise Stop(f"No lecture begins with {arguments.lectures}: {', '.join(path.stem for path in LECTURES)}")
    language = checked(arguments.language)
    kind, make, takes = ("pdf", make_book, "Printing, which takes a minute or two ...")
    if arguments.epub:
        kind, make, takes = "epub", make_ebook, "Making the EPUB, which takes a minute ..."
    to = arguments.to or BUILD / f"{name_of(chosen, language)}.{kind}"
    check_file(to)
    print(takes, flush=True)
    write_atomically(to, make(chosen, language))
    print(to)
    return 0


if __name__ == "__main__":
    sys.exit(carry_out(lambda: main(sys.argv[1:])))
