"""One deck a lecture, from the notebook's own slide metadata: ``python3 course.py slides [LECTURE …] [--open]``.

A deck is one HTML file beside a folder of assets; it asks for nothing outside. In the deck, S opens the speaker's
window with the minutes of each slide, D changes between light and dark, and ``?print-pdf`` in the address lays it out
for printing to PDF.
"""

import argparse
import errno
import math
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path

import nbformat
from nbconvert.exporters import SlidesExporter
from nbformat import NotebookNode

from course_utils.command_line import parse
from course_utils.files import LECTURES, PICTURES
from course_utils.folders import foreign, private_folder, put, refuse
from course_utils.publishing.assets import copy_mathjax, copy_reveal
from course_utils.publishing.notebooks import picture, read_runs
from course_utils.publishing.server import serve
from course_utils.refusals import Stop, carry_out, check_folder, read_notebook

NAME = "slides"
TEMPLATE = Path(__file__).with_name("slides_template")
WORDS_A_MINUTE = 110  # spoken, with pauses
SECONDS_A_LINE = 5  # of code that is read aloud
SECONDS_A_FIGURE = 45
LINK_TO_NOTEBOOK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!https?:)[^)]*\.ipynb[^)]*\)")  # leads nowhere from a deck


def make_decks(lectures: Sequence[Path], folder: Path) -> list[Path]:
    """Write the decks of these notebooks and what they need into a folder.

    Only what an earlier call wrote there is replaced. A notebook that is damaged has no deck, and a line says so.

    Returns
    -------
    The HTML files.

    Raises
    ------
    Stop
        If something is in the way that was not written here; then nothing was changed.
    """
    if not TEMPLATE.is_dir():
        raise FileNotFoundError(errno.ENOENT, "No such folder", str(TEMPLATE))
    folder = check_folder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    refuse(folder, NAME, foreign(folder, NAME, [f"{lecture.stem}.html" for lecture in lectures]))
    exporter = SlidesExporter(template_name=TEMPLATE.name, extra_template_basedirs=[str(TEMPLATE.parent)])
    seconds = seconds_of_cells()
    decks = []
    with private_folder(folder, NAME) as made:
        copy_reveal(made / "assets" / "reveal")
        copy_mathjax(made / "assets" / "mathjax")
        for name in ("slides.css", "slides.js"):
            shutil.copyfile(TEMPLATE / name, made / "assets" / name)
        shutil.copytree(PICTURES, made / PICTURES.name)  # beside the decks, as they lie beside the lectures
        for lecture in lectures:
            try:
                notebook = read_notebook(lecture)
            except Stop as stop:
                print(stop, file=sys.stderr)
                continue
            html, _ = exporter.from_notebook_node(prepared(notebook, seconds.get(lecture.stem, {})))
            (made / f"{lecture.stem}.html").write_text(html, encoding="utf-8")
            decks.append(folder / f"{lecture.stem}.html")
        put(made, folder, NAME, keep=True)
    return decks


def seconds_of_cells() -> dict[str, dict[str, int]]:
    """Give lecture → cell id → seconds of the last clean run; nothing where the file is damaged, and a line says so."""
    try:
        return {lecture: run["cell_seconds"] for lecture, run in read_runs().items()}
    except Stop as stop:
        print(f"{stop} The speaker's minutes leave out the time that cells run.", file=sys.stderr)
    except FileNotFoundError as error:
        print(f"{error.filename} is missing: the speaker's minutes leave out the time that cells run.", file=sys.stderr)
    return {}


def prepared(notebook: NotebookNode, seconds: Mapping[str, int]) -> NotebookNode:
    """Give a copy as it is shown: no links to notebooks, no code that only draws, minutes in the speaker's notes."""
    notebook = deepcopy(notebook)
    title = next(cell.source for cell in notebook.cells if cell.source.startswith("# "))
    notebook.metadata.title = title.removeprefix("# ").split("\n")[0]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = LINK_TO_NOTEBOOK.sub(r"\1", cell.source)
        if hides_code(cell) and "hide-input" not in cell.metadata.setdefault("tags", []):
            cell.metadata.tags.append("hide-input")
    cells = []
    for slide in slides(notebook):
        minutes = nbformat.v4.new_markdown_cell(f"**About {minutes_of(slide, seconds)} min.**")
        minutes.metadata.slideshow = {"slide_type": "notes"}
        cells += [*slide, minutes]
    notebook.cells = cells
    return notebook


def slides(notebook: NotebookNode) -> Iterator[list[NotebookNode]]:
    """Group the cells by slide; what is skipped stays with the slide it stands in."""
    group: list[NotebookNode] = []
    for cell in notebook.cells:
        if slide_type(cell) in ("slide", "subslide") and group:
            yield group
            group = []
        group.append(cell)
    yield group


def slide_type(cell: NotebookNode) -> str:
    """Tell a cell's place: slide, subslide, fragment, skip, notes, or ``-`` (goes on)."""
    return cell.metadata.get("slideshow", {}).get("slide_type", "-")


def minutes_of(slide: Sequence[NotebookNode], seconds: Mapping[str, int]) -> int:
    """Estimate how long a slide takes: its words spoken, its code read, its figures looked at, its cells run."""
    total = 0.0
    for cell in slide:
        if slide_type(cell) == "skip":
            continue
        if cell.cell_type == "markdown":
            total += 60 * len(cell.source.split()) / WORDS_A_MINUTE
        elif not hides_code(cell):
            total += SECONDS_A_LINE * len(cell.source.splitlines())
        total += SECONDS_A_FIGURE * _figures(cell) + seconds.get(cell.id, 0)
    return max(1, math.ceil(total / 60))


def hides_code(cell: NotebookNode) -> bool:
    """Say whether a cell's code is left out of the slides: by its tag, or because it draws."""
    return cell.cell_type == "code" and ("hide-input" in cell.metadata.get("tags", []) or _figures(cell) > 0)


def _figures(cell: NotebookNode) -> int:
    return sum(picture(output) is not None for output in cell.get("outputs", []))


def main(command_line: Sequence[str]) -> int:
    """Run ``course.py slides`` with the rest of its command line; give the exit status."""
    return run(parse(["slides", *command_line]))


def run(arguments: argparse.Namespace) -> int:
    """Make the decks, and show them; give the exit status."""
    chosen = [path for path in LECTURES if not arguments.lectures or path.stem.startswith(tuple(arguments.lectures))]
    if not chosen:
        print(f"No lecture begins with {arguments.lectures}: {', '.join(p.stem for p in LECTURES)}", file=sys.stderr)
        return 1
    decks = make_decks(chosen, arguments.to)
    print(*decks, sep="\n")
    if arguments.open and decks:
        serve(arguments.to, decks[0].name)
    return 0 if len(decks) == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(carry_out(lambda: main(sys.argv[1:])))
