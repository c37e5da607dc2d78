"""The lectures as one book, a PDF, from the notebooks as they are committed: ``python3 course.py book [LECTURE …]``.

A Chromium prints it. Nothing is executed and nothing is fetched.
"""

import argparse
import io
import itertools
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode
from pygments.formatters import HtmlFormatter
from pypdf import PdfReader, PdfWriter

from course_utils.command_line import parse
from course_utils.files import LECTURES, PICTURES, write_atomically
from course_utils.publishing.assets import copy_mathjax
from course_utils.publishing.browser import WANTED, started
from course_utils.publishing.notebooks import PROGRESS_BAR, filled, without_printed
from course_utils.publishing.slides import hides_code
from course_utils.refusals import Stop, carry_out, check_file, read_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Page

SOURCES = Path(__file__).with_name("book_sources")
TITLE = "Attention, from sequence to sequence to graphs"
NO_BROWSER = (
    "The book is printed by a Chromium or Chrome, and none was found: install one (Debian: apt install chromium), "
    f"or name its path in {WANTED}."
)
HEADING = re.compile(r'<h([1-6])(?: id="([^"]*)")?>(.*?)</h\1>', re.DOTALL)
LINK = re.compile(r'<a href="(?!https?:|mailto:)([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
SOLVED = re.compile(r"^Exercises of lecture \d\d: .*\n?", re.MULTILINE)  # for whoever sits before the screen
IN_CONTENTS = 2  # levels of headings
READY = """() => new Promise(resolve => MathJax.Hub.Queue(() => document.fonts.ready.then(() => resolve(true))))"""
HEADINGS = """() => [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].map(heading => heading.id)"""
NUMBER = """pages => document.querySelectorAll("nav a").forEach(
    entry => { entry.querySelector(".page").textContent = pages[entry.hash.slice(1)] ?? ""; })"""
FOOT = '<div style="width: 100%; text-align: center; font: 8pt sans-serif"><span class="pageNumber"></span></div>'


def make_book(lectures: Sequence[Path]) -> bytes:
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
        write_pages(lectures, folder)
        page = browser.new_page(color_scheme="light")
        page.set_default_timeout(0)  # a busy machine is no error
        page.goto((folder / "book.html").as_uri())
        page.evaluate(READY)
        return with_page_numbers(page)


def with_page_numbers(page: "Page") -> bytes:
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
    writer.add_metadata({"/Title": TITLE})
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


def write_pages(lectures: Sequence[Path], folder: Path) -> None:
    """Write ``book.html`` and what it shows into a folder."""
    copy_mathjax(folder / "mathjax")
    shutil.copytree(PICTURES, folder / PICTURES.name)
    shutil.copyfile(SOURCES / "book.css", folder / "book.css")
    exporter = HTMLExporter(template_name="basic", anchor_link_text="")
    exporter.exclude_input_prompt = exporter.exclude_output_prompt = exporter.exclude_anchor_links = True
    chapters = []
    for lecture in lectures:
        body, _ = exporter.from_notebook_node(prepared(read_notebook(lecture)))
        chapters.append(f"<section>{linked(body, lecture.stem[:2], [path.stem[:2] for path in lectures])}</section>")
    parts = {
        "colours of code": f"<style>{HtmlFormatter(style='default').get_style_defs('.highlight')}</style>",
        "contents": contents("".join(chapters)),
        "lectures": "\n".join(chapters),
    }
    text = (SOURCES / "book.html").read_text(encoding="utf-8")
    (folder / "book.html").write_text(filled(text, parts), encoding="utf-8")


def prepared(notebook: NotebookNode) -> NotebookNode:
    """Give a copy as it is printed: no checks, no code that draws, hints and solutions at the end, unfolded."""
    notebook = deepcopy(notebook)
    cells: list[NotebookNode] = []
    behind: list[NotebookNode] = []
    title = ""
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "markdown":
            cell.source = re.sub(r"<details>", "<details open>", cell.source)
            title = (re.findall(r"^### (.+)$", cell.source, flags=re.MULTILINE) or [title])[-1]
        if "hints" in tags:
            behind += [nbformat.v4.new_markdown_cell(f"### {title}"), cell]
        elif "solution" in tags:
            behind.append(cell)
        elif cell.cell_type != "code" or not cell.source.startswith("check("):
            if hides_code(cell):
                cell.metadata.transient = {"remove_source": True}
            cells.append(cell)
    heading = [nbformat.v4.new_markdown_cell("## Hints and solutions")] if behind else []
    notebook.cells = [*cells, *heading, *behind]
    for pattern in (SOLVED, PROGRESS_BAR):
        without_printed(notebook, pattern)
    return notebook


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


def main(command_line: Sequence[str]) -> int:
    """Run ``course.py book`` with the rest of its command line; give the exit status."""
    return run(parse(["book", *command_line]))


def run(arguments: argparse.Namespace) -> int:
    """Print the book; give the exit status."""
    chosen = [path for path in LECTURES if not arguments.lectures or path.stem.startswith(tuple(arguments.lectures))]
    if not chosen:
        raise Stop(f"No lecture begins with {arguments.lectures}: {', '.join(path.stem for path in LECTURES)}")
    check_file(arguments.to)
    print("Printing, which takes a minute or two ...", flush=True)
    write_atomically(arguments.to, make_book(chosen))
    print(arguments.to)
    return 0


if __name__ == "__main__":
    sys.exit(carry_out(lambda: main(sys.argv[1:])))
