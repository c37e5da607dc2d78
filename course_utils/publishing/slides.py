"""One deck per lecture, from the notebook's own slide metadata: ``python3 course.py slides [LECTURE …] [--open]``.

A deck is one HTML file beside a folder of assets; it asks for nothing outside. Behind the title come an agenda with
minutes and the course's table with the lecture's row lit. The right arrow walks through all of it, S opens the
speaker's window with the minutes of each slide and the clock, D changes between light and dark, G goes to a slide by
its number, and ``?print-pdf`` in the address lays it out for printing to PDF. ``--author``, ``--course`` and ``--date``
are written on the title and at the foot of each slide.
"""

import argparse
import errno
import html
import math
import os
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
from course_utils.files import LECTURES, PICTURES, README
from course_utils.folders import foreign, private_folder, put, refuse
from course_utils.languages.catalogues import checked
from course_utils.languages.speaking import said
from course_utils.languages.weave import say_outputs, woven, woven_page
from course_utils.publishing.assets import copy_mathjax, copy_reveal, write_look
from course_utils.publishing.notebooks import (
    picture,
    put_pictures_into_files,
    read_runs,
    table,
    with_values_for_constants,
    without_what_passes,
)
from course_utils.publishing.server import serve
from course_utils.publishing.teaching import asked_in
from course_utils.refusals import Stop, carry_out, check_folder, read_notebook, read_text

NAME = "slides"
TEMPLATE = Path(__file__).with_name("slides_template")
WORDS_A_MINUTE = 110  # spoken, with pauses
SECONDS_A_LINE = 5  # of code that is read aloud
SECONDS_A_FIGURE = 45
NOT_SAID = re.compile(r"<!--.*?-->|(?<!`)</?[a-z][a-z0-9]*(?:\s[^<>]*)?>", re.DOTALL)  # comments and tags
MARKS = set("#|:*->·–")
SITES_PICTURES = "_images"  # where Sphinx puts them
HIDDEN = ("skip", "notes")
KEPT = ("#", "![")  # of a cell whose prose is left to the speaker: titles and drawings
DRAWING = re.compile(rf'src="{PICTURES.name}/([^"/]+)"')
KEYS = (
    '<p class="keys"><kbd>→</kbd> next · <kbd>S</kbd> speaker · '
    "<kbd>D</kbd> light or dark · <kbd>G</kbd> go to · <kbd>Esc</kbd> all</p>"
)
TWO_EMPTY_LINES = re.compile(r"\n{3,}")  # a slide has room for one
LINK_TO_NOTEBOOK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!https?:)[^)]*\.ipynb[^)]*\)")  # leads nowhere from a deck


def make_decks(lectures: Sequence[Path], folder: Path, frame: str = "", language: str = "") -> list[Path]:
    """Write the decks of these notebooks and what they need into a folder.

    Only what an earlier call wrote there is replaced. A notebook that is damaged has no deck, and a line says so.

    Parameters
    ----------
    lectures
        The notebooks.
    folder
        Where the decks go.
    frame
        Who speaks, where and when: on the title, and at the foot of each slide.
    language
        Of titles, text and notes; English by default.

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
    with private_folder(folder, NAME) as made:
        names = write_decks(lectures, made, frame, language=language)
        put(made, folder, NAME, keep=True)
    return [folder / name for name in names]


def write_decks(
    lectures: Sequence[Path], made: Path, frame: str = "", shared: Path | None = None, language: str = ""
) -> list[str]:
    """Write decks into a new folder and give the names of their files.

    What decks share with the pages of a site (faces, colours, formulas, figures) is in the site's folder ``shared``;
    without one it goes into a folder of their own. Decks of a site in other languages use what its English ones show
    themselves with.
    """
    made.mkdir(parents=True, exist_ok=True)
    assets = (shared.parent / made.name if shared and language else made) / "assets"
    common, address = (assets, assets.name) if shared is None else (shared, os.path.relpath(shared, made))
    if shared is None:
        copy_mathjax(common / "mathjax")
        write_look(common)
    if assets.parent == made:
        copy_reveal(assets / "reveal")
        for name in ("slides.css", "slides.js"):
            shutil.copyfile(TEMPLATE / name, assets / name)
    exporter = SlidesExporter(template_name=TEMPLATE.name, extra_template_basedirs=[str(TEMPLATE.parent)])
    seconds = seconds_of_cells()
    names = []
    for lecture in lectures:
        try:
            notebook = read_notebook(lecture)
        except Stop as stop:
            print(stop, file=sys.stderr)
            continue
        translated = woven(notebook, lecture, language, anchors=False)
        say_outputs(translated, language)
        shown = prepared(translated, seconds.get(lecture.stem, {}), frame, lecture.stem[:2], language, notebook)
        put_pictures_into_files(shown, common / "figures", f"{address}/figures", lazy=False)
        told = {
            "shared": address,
            "assets": os.path.relpath(assets, made),
            "frame": frame,
            "language": language or "en",
        }
        page, _ = exporter.from_notebook_node(shown, resources=told)
        names.append(f"{lecture.stem}.html")
        (made / names[-1]).write_text(_with_drawings(page, made, shared), encoding="utf-8")
    return names


def _with_drawings(page: str, made: Path, shared: Path | None) -> str:
    """Put a deck's drawings beside it, as they are beside the lectures, or let it use those of the site."""

    def placed(found: re.Match) -> str:
        if shared is not None and (shared.parent / SITES_PICTURES / found[1]).is_file():
            return f'src="{os.path.relpath(shared.parent / SITES_PICTURES, made)}/{found[1]}"'
        if (PICTURES / found[1]).is_file():
            (made / PICTURES.name).mkdir(exist_ok=True)
            shutil.copyfile(PICTURES / found[1], made / PICTURES.name / found[1])
        return found[0]

    return DRAWING.sub(placed, page)


def seconds_of_cells() -> dict[str, dict[str, int]]:
    """Give lecture → cell id → seconds of the last clean run; nothing where the file is damaged, and a line says so."""
    try:
        return {lecture: run["cell_seconds"] for lecture, run in read_runs().items()}
    except Stop as stop:
        print(f"{stop} The speaker's minutes leave out the time that cells run.", file=sys.stderr)
    except FileNotFoundError as error:
        print(f"{error.filename} is missing: the speaker's minutes leave out the time that cells run.", file=sys.stderr)
    return {}


def prepared(
    notebook: NotebookNode,
    seconds: Mapping[str, int],
    frame: str = "",
    number: str = "",
    language: str = "",
    english: NotebookNode | None = None,
) -> NotebookNode:
    """Give a copy as it is shown: framed, without links to notebooks and code that draws, with minutes in the notes.

    ``english`` is the notebook before it was translated; by its titles questions find their slides.
    """
    english = english or notebook
    notebook = deepcopy(notebook)
    title = next(cell.source for cell in notebook.cells if cell.source.startswith("# "))
    notebook.metadata.title = title.removeprefix("# ").split("\n")[0]
    with_values_for_constants(notebook)
    without_what_passes(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = LINK_TO_NOTEBOOK.sub(r"\1", cell.source)
        elif cell.cell_type == "code":
            cell.source = TWO_EMPTY_LINES.sub("\n\n", cell.source)
        if hides_code(cell) and "hide-input" not in cell.metadata.setdefault("tags", []):
            cell.metadata.tags.append("hide-input")
    leave_prose_to_the_speaker(notebook)
    add_questions(notebook, number, language, english)
    first, *others = slides(notebook)
    first.append(_slide(f'<p class="frame">{html.escape(frame)}</p>\n\n{said(KEYS, language)}', "-"))
    way = _slide(agenda(0, others, [0] * len(others), language))  # as many words as with the minutes, which count it
    opening = [first, [way], *([_slide(rows)] for rows in [lit_table(number, language)] if rows)]
    groups = [*opening, *others]
    minutes = [minutes_of(slide, seconds) for slide in groups]
    way.source = agenda(sum(minutes[: len(opening)]), others, minutes[len(opening) :], language)
    cells, passed = [], 0
    for slide, taken in zip(groups, minutes, strict=True):
        passed += taken
        clock = said(f"**About {taken} min.** The clock afterwards: {passed} of {sum(minutes)}.", language)
        cells += [*slide, _slide(clock, "notes")]
    notebook.cells = cells
    return notebook


def _slide(source: str, kind: str = "slide") -> NotebookNode:
    cell = nbformat.v4.new_markdown_cell(source)
    cell.metadata.slideshow = {"slide_type": kind}
    return cell


def leave_prose_to_the_speaker(notebook: NotebookNode) -> None:
    """Move, in place, prose to the notes where a cell's slideshow metadata says ``"prose": "notes"``.

    Such a slide shows the cell's titles and drawings alone, so that code and figures beside them can be read from the
    last row; the notebook keeps the cell whole.
    """
    cells: list[NotebookNode] = []
    for cell in notebook.cells:
        cells.append(cell)
        if cell.metadata.get("slideshow", {}).get("prose") == "notes":
            blocks = cell.source.split("\n\n")
            cell.source = "\n\n".join(block for block in blocks if block.startswith(KEPT))
            cells.append(_slide("\n\n".join(block for block in blocks if not block.startswith(KEPT)), "notes"))
    notebook.cells = cells


def add_questions(notebook: NotebookNode, number: str, language: str = "", english: NotebookNode | None = None) -> None:
    """Tell a speaker, in place, in a slide's notes what to say, what to ask the class, and which mistakes to expect."""
    asked, cells = asked_in(number, language), []
    for slide, named in zip(slides(notebook), slides(english or notebook), strict=True):
        text = "\n".join(cell.source for cell in named)
        titles = re.findall(r"^## (?:\d+ · )?(.+)$", text, flags=re.MULTILINE)
        exercises = re.findall(r'^check\("(\w+)"', text, flags=re.MULTILINE)
        questions = [question for title in titles for question in asked.questions.get(title, [])]
        mistakes = [mistake for exercise in exercises for mistake in asked.mistakes.get(exercise, [])]
        lines = [f"{said('**Ask:**', language)} {' '.join(questions)}"] if questions else []
        lines += [f"{said('**Expect:**', language)} {'; '.join(mistakes)}."] if mistakes else []
        notes = next((cell for cell in slide if slide_type(cell) == "notes"), None)
        if notes is not None:
            notes.source = f"{said('**Say:**', language)}\n\n{notes.source}"
        cells += [*slide, *([_slide("\n\n".join(lines), "notes")] if lines else [])]
    notebook.cells = cells


def agenda(opening: int, groups: Sequence[Sequence[NotebookNode]], minutes: Sequence[int], language: str = "") -> str:
    """List the sections of a deck with the minutes of their slides; ``opening`` are those of the slides before them."""
    rows: list[tuple[str, int]] = [(said("What it is about", language), opening)]
    for slide, taken in zip(groups, minutes, strict=True):
        shown = [cell.source for cell in slide if cell.cell_type == "markdown" and slide_type(cell) not in HIDDEN]
        heading = re.search(r"^## (.+)$", "\n".join(shown), flags=re.MULTILINE)
        if heading:
            rows.append((heading[1], 0))
        rows[-1] = (rows[-1][0], rows[-1][1] + taken)
    listed = "".join(f"\n| {name} | {number} |" for name, number in rows)
    title = said(f"The way through, {opening + sum(minutes)} minutes", language)
    return f"## {title}\n\n| | {said('min', language)} |\n|---|---|{listed}"


def lit_table(number: str, language: str = "") -> str:
    """Give the course's table as a slide, the row of this lecture lit; nothing for a notebook that has no row."""
    head, *rows = table(woven_page(read_text(README), language, headings=False))
    if not any(row[0].startswith(f"{number} ") for row in rows):
        return ""
    lines = [_row("th", head, "")]
    lines += [_row("td", row, ' class="here"' if row[0].startswith(f"{number} ") else "") for row in rows]
    title = said(f"One function, six rows: we are in row {number}", language)
    return f'## {title}\n\n<table class="rows">{"".join(lines)}</table>'


def _row(tag: str, cells: Sequence[str], kind: str) -> str:
    shown = (re.sub(r"\*(.+?)\*", r"<em>\1</em>", html.escape(cell, quote=False)) for cell in cells)
    return f"<tr{kind}>{''.join(f'<{tag}>{cell}</{tag}>' for cell in shown)}</tr>"


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
            total += 60 * words_said(cell.source) / WORDS_A_MINUTE
        elif not hides_code(cell):
            total += SECONDS_A_LINE * len(cell.source.splitlines())
        total += SECONDS_A_FIGURE * _figures(cell) + seconds.get(cell.id, 0)
    return max(1, math.ceil(total / 60))


def words_said(markdown: str) -> int:
    """Count the words of a text that are said: not its comments, its tags, and the marks of lists and tables."""
    return sum(not set(word) <= MARKS for word in NOT_SAID.sub(" ", markdown).split())


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
    frame = " · ".join(filter(None, (arguments.author, arguments.course, arguments.date)))
    language = checked(arguments.language)
    folder = arguments.to / language
    decks = make_decks(chosen, folder, frame, language)
    print(*decks, sep="\n")
    if arguments.open and decks:
        serve(folder, decks[0].name)
    return 0 if len(decks) == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(carry_out(lambda: main(sys.argv[1:])))
