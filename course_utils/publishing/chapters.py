"""What PDF and EPUB have in common: a title, and lectures as chapters."""

import re
from copy import deepcopy
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_utils.languages.speaking import said
from course_utils.languages.weave import say_outputs, woven, woven_page
from course_utils.palette import LIGHT
from course_utils.publishing.assets import in_styles
from course_utils.publishing.notebooks import without_what_passes
from course_utils.publishing.slides import hides_code
from course_utils.refusals import read_notebook, read_text

SOURCES = Path(__file__).with_name("book_sources")
FRONT = SOURCES / "front.md"
TITLE = "Attention, from sequence to sequence to graphs"


def style(name: str) -> str:
    """Read the style sheet of a book, with the course's colours filled in: not every e-reader knows names for them."""
    colours = in_styles(LIGHT)
    return re.sub(r"var\(--([\w-]+)\)", lambda found: colours.get(found[1], found[0]), read_text(SOURCES / name))


def front_page(language: str = "") -> str:
    """Give the text before the lectures, in a language."""
    return woven_page(read_text(FRONT), language)


def chapter(lecture: Path, language: str = "") -> NotebookNode:
    """Read a lecture and give it as it is printed, in a language, its outputs too."""
    notebook = prepared(woven(read_notebook(lecture), lecture, language, anchors=False), language)
    say_outputs(notebook, language)
    return notebook


def prepared(notebook: NotebookNode, language: str = "") -> NotebookNode:
    """Give a copy as it is printed: no checks, no code that draws, hints and solutions at the end, unfolded."""
    notebook = deepcopy(notebook)
    cells: list[NotebookNode] = []
    behind: list[NotebookNode] = []
    title = headed = ""
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "markdown":
            cell.source = re.sub(r"<details>", "<details open>", cell.source)
            title = (re.findall(r"^### (.+)$", cell.source, flags=re.MULTILINE) or [title])[-1]
        if {"hints", "solution"} & set(tags):
            behind += [nbformat.v4.new_markdown_cell(f"### {title}")] * (title != headed) + [cell]
            headed = title
        elif cell.cell_type != "code" or not cell.source.startswith("check("):
            if hides_code(cell):
                cell.metadata.transient = {"remove_source": True}
            cells.append(cell)
    heading = [nbformat.v4.new_markdown_cell(f"## {said('Hints and solutions', language)}")] if behind else []
    notebook.cells = [*cells, *heading, *behind]
    without_what_passes(notebook)
    return notebook
