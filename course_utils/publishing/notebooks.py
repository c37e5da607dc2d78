"""What README, decks and site have in common in reading the notebooks."""

import ast
import base64
import hashlib
import html
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from PIL import Image

from course_utils.files import LECTURES, PICTURES, README, RUNS
from course_utils.languages.weave import change_markup
from course_utils.palette import NOTHING, WEIGHT
from course_utils.refusals import Damaged, Stop, damaged, read_json

PICTURE = re.compile(r'<img src="data:image/png;base64,([^"]+)" alt="([^"]+)"')
EMBEDDED = re.compile(r'<img src="data:image/png;base64,([^"]+)"')
BESIDE = re.compile(rf"!\[([^\]]*)\]\({PICTURES.name}/([^)]+\.png)\)")
WRITTEN = re.compile(rf'<img src="{PICTURES.name}/([^"]+\.png)"')
CONSTANT = re.compile(r"^([A-Z][A-Z0-9_]*[A-Z0-9]) = (\S.*?)(?:  #.*)?$", re.MULTILINE)
COMMENT = re.compile(r"^[ \t]*(?:<!--(?:(?!-->).)*-->[ \t]*)+\n|[ \t]*<!--.*?-->", re.DOTALL | re.MULTILINE)
PROGRESS_BAR = re.compile(r"^.*\d%\|.*\|.*\n?", re.MULTILINE)  # as tqdm writes them
ANSWERS = re.compile(r"^(?:Exercises of lecture (?!00)\d\d: .*|three tasks: not attempted yet\.)\n?", re.MULTILINE)


def picture(output: Mapping[str, Any]) -> tuple[str, bytes] | None:
    """Give the description and the PNG of a figure that ``plotting.show`` put on the page; None for other outputs."""
    found = PICTURE.match("".join(output.get("data", {}).get("text/html", "")))
    return (html.unescape(found[2]), base64.b64decode(found[1])) if found else None


def put_pictures_into_files(notebook: NotebookNode, folder: Path, address: str, lazy: bool) -> None:
    """Take the pictures out of a notebook: a page is light, and loads a picture when it comes into sight.

    Parameters
    ----------
    notebook
        Changed in place: the pictures in its outputs, and those of ``notebooks/pictures`` in its text that are no SVG.
    folder
        Where the files go.
    address
        Of the folder, as seen from the page.
    lazy
        Whether the browser may wait until a picture is near.
    """
    wait = ' loading="lazy"' if lazy else ""

    def embedded(found: re.Match) -> str:
        name, kind = picture_file(base64.b64decode(found[1]), folder)
        return f'<img class="{kind}"{wait} src="{address}/{name}"'

    def beside(found: re.Match) -> str:
        name, kind = picture_file((PICTURES / found[2]).read_bytes(), folder)
        return f'<img class="{kind}"{wait} src="{address}/{name}" alt="{html.escape(found[1])}">'

    def written(found: re.Match) -> str:
        name, kind = picture_file((PICTURES / found[1]).read_bytes(), folder)
        return f'<img class="{kind}"{wait} src="{address}/{name}"'

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = WRITTEN.sub(written, BESIDE.sub(beside, cell.source))
    change_markup(notebook, lambda markup: EMBEDDED.sub(embedded, markup))


def picture_file(png: bytes, folder: Path) -> tuple[str, str]:
    """Write a picture as WebP without loss, named by its content, unless it is there; give its name and its kind."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{hashlib.sha256(png).hexdigest()[:16]}.webp"
    with Image.open(io.BytesIO(png)) as opened:
        if not (folder / name).exists():
            opened.convert("RGB").save(folder / name, lossless=True, method=4)
        return name, kind_of_picture(opened)


def kind_of_picture(image: Image.Image) -> str:
    """Tell a map of weights, whose colours keep their meaning in the dark, from a drawn figure, which turns over."""
    small = image.convert("RGB").resize((160, 120), Image.Resampling.NEAREST)
    colours: Any = small.getcolors(160 * 120)
    low, high = ([int(end[at : at + 2], 16) for at in (1, 3, 5)] for end in (NOTHING, WEIGHT))
    line = [b - a for a, b in zip(low, high, strict=True)]
    on_scale = 0
    for count, colour in colours:
        offset = [c - a for c, a in zip(colour, low, strict=True)]
        share = sum(o * s for o, s in zip(offset, line, strict=True)) / sum(s * s for s in line)
        away = max(abs(o - share * s) for o, s in zip(offset, line, strict=True))
        on_scale += count * (away < 6 and -0.01 <= share <= 1.01)
    return "weights" if on_scale > 0.05 * 160 * 120 else "drawn"


def without_what_passes(notebook: NotebookNode) -> None:
    """Leave out, in place, what was printed for whoever runs the cells; an output that held nothing else goes too.

    These are progress bars, and what has been solved, which is nothing where no one answers. The first page of all
    shows such a line as an example, and keeps it.
    """
    for cell in notebook.cells:
        if cell.cell_type == "code":
            for output in cell.outputs:
                if output.output_type == "stream":
                    output.text = ANSWERS.sub("", PROGRESS_BAR.sub("", output.text))
            cell.outputs = [made for made in cell.outputs if made.output_type != "stream" or made.text.strip()]


def with_values_for_constants(notebook: NotebookNode) -> None:
    """Put, in place, a constant's value where the prose names the constant: a slide does not show where it is set."""
    values: dict[str, str] = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            for name, value in CONSTANT.findall(cell.source):
                try:
                    known = ast.literal_eval(value)
                except (ValueError, SyntaxError):
                    continue
                values[name] = f"{known:,}" if type(known) is int else f"{known}"
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(
                r"`([A-Z][A-Z0-9_]*[A-Z0-9])`", lambda found: values.get(found[1], found[0]), cell.source
            )


def table(readme: str) -> list[list[str]]:
    """Take the course's table out of README: its head and its six rows, each a list of cells in Markdown."""
    found = section(readme, "One table")
    rows = [line.strip().strip("|") for line in found.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in row.split("|")] for row in rows if not set(row) <= set("|-")]
    if len(cells) != 1 + len(LECTURES) or any(len(row) != 6 for row in cells):
        raise Damaged(damaged(README, "it lacks the course's table"))
    return cells


def section(text: str, title: str) -> str:
    """Take what follows a heading of the second level, up to the next one, without the comments that guard it."""
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", without_comments(text), flags=re.DOTALL | re.MULTILINE)
    if found is None:
        raise Damaged(damaged(README, f"it lacks the section {title!r}"))
    return found[1]


def filled(text: str, parts: Mapping[str, str]) -> str:
    """Put parts in the places of a page that comments mark with their names, such as ``<!-- the table -->``."""
    for name, part in parts.items():
        text = text.replace(f"<!-- {name} -->", part)
    return text


def without_comments(text: str) -> str:
    """Leave out HTML comments: guards of sentences, and marks of what is written from the records."""
    return COMMENT.sub("", text)


def read_runs(path: Path = RUNS) -> dict[str, dict[str, Any]]:
    """Read what each lecture's last clean run took: lecture → seconds, cell_seconds (cell id → s), peak_mebibytes.

    Raises
    ------
    Stop
        If the file is damaged.
    """
    runs = read_json(path)
    for lecture, run in runs.items():
        try:
            numbers = [run["seconds"], run["peak_mebibytes"] or 0, *run.setdefault("cell_seconds", {}).values()]
            whole = all(type(number) in (int, float) for number in numbers)
        except (KeyError, TypeError, AttributeError):
            whole = False
        if not whole:
            raise Stop(damaged(path, f"what it says of {lecture} is no run"))
    return runs
