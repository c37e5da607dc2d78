"""A learner's own copy of the notebooks, which git does not see, and how an update of the course carries it over.

``course.py lab`` makes the copies that are missing and changes none that is there. ``course.py update`` brings a copy
up to date once the course has moved on: with the answers, by exercise, and with the cells that a learner has added or
changed. What was there before is set aside, never overwritten.
"""

import argparse
import contextlib
import datetime
import json
import os
import re
import sqlite3
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.corpus.words import generate_corpus_id
from nbformat.sign import NotebookNotary

from course_utils.command_line import parse
from course_utils.files import (
    CHECKOUT,
    COPIES_NAME,
    EXPERIMENT_NOTEBOOKS,
    NOTEBOOKS,
    PICTURES,
    START_AND_LECTURES,
    alone,
    write_atomically,
)
from course_utils.languages.catalogues import checked
from course_utils.languages.weave import woven
from course_utils.refusals import Stop, carry_out, explain, read_notebook

ASKED = re.compile(r"""^check\(\s*["'](\w+)["'],\s*(\w+)\s*\)""", flags=re.MULTILINE)
YOUR_VERSION = "Your version of the cell above, which has changed in the course since:\n\n"


def copies_folder() -> Path:
    """Name the folder of the copies: ``COURSE_COPIES``, or ``my_notebooks`` in the checkout, where git ignores it."""
    return Path(os.environ.get("COURSE_COPIES") or CHECKOUT / COPIES_NAME).expanduser().absolute()


def copy_of(original: Path) -> Path:
    """Name the copy of a notebook."""
    return copies_folder() / original.relative_to(NOTEBOOKS)


def _base(original: Path) -> Path:
    """Name the file that keeps the notebook as it was when its copy was made, without outputs."""
    return copies_folder() / ".course" / original.relative_to(NOTEBOOKS)


def language(asked: str = "") -> str:
    """Give the language of the copies, the one that was asked for last; empty for English.

    Raises
    ------
    Stop
        If the course is not there in this language.
    """
    file = copies_folder() / ".course" / "language"
    if asked:
        checked(asked)
        write_atomically(file, asked.encode())
    with contextlib.suppress(OSError, UnicodeDecodeError, Stop):
        return checked(file.read_text(encoding="utf-8").strip())
    return ""


def _original(path: Path) -> NotebookNode:
    """Read a notebook of the course in the language of the copies."""
    return woven(read_notebook(path), path, language())


def make_copies() -> list[Path]:
    """Make the copies that are missing, and leave alone those that are there, unless they are in another language.

    Returns
    -------
    The notebooks of the course that have changed since their copies were made.

    Raises
    ------
    OSError
        If the folder cannot be written.
    Stop
        If a notebook of the course is damaged.
    """
    changed = []
    with alone(copies_folder() / "copies", "Another window is making your copies; waiting until it is done ..."):
        _link_pictures()
        for original in (*START_AND_LECTURES, *EXPERIMENT_NOTEBOOKS):
            if not os.path.lexists(copy_of(original)):
                _write(original, _original(original))
                continue
            if _language_of_copy(original) != language():
                print(update(original))
                continue
            trust(copy_of(original), original)
            if has_changed(original):
                changed.append(original)
    return changed


def has_changed(original: Path) -> bool:
    """Tell whether the course has changed a notebook since its copy was made."""
    try:
        base = read_notebook(_base(original))
    except (OSError, Stop):  # what the copy was made from is not known any more
        return True
    return _content(base) != _content(_original(original))


def _language_of_copy(original: Path) -> str:
    """Tell in which language a copy was made; where that is not known, in the one that is wanted."""
    try:
        return str(read_notebook(_base(original)).metadata.get("language", ""))
    except (OSError, Stop):
        return language()


def _content(notebook: NotebookNode) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(cell.cell_type, cell.source, tuple(cell.metadata.get("tags", []))) for cell in notebook.cells]


def _link_pictures() -> None:
    """Let a copy find the pictures, which nobody edits, where it looks for them: beside itself.

    Copies outside the checkout get copies of the pictures as well, for Jupyter serves no file outside its own folder.
    """
    beside = copies_folder() / PICTURES.name
    target = os.path.relpath(PICTURES, copies_folder())
    inside = copies_folder().resolve().is_relative_to(CHECKOUT)
    if beside.is_symlink() and not (inside and os.readlink(beside) == target):
        beside.unlink()
    if inside and not os.path.lexists(beside):
        beside.symlink_to(target, target_is_directory=True)
    if not inside:
        for picture in PICTURES.iterdir():
            content = picture.read_bytes()
            if not (beside / picture.name).is_file() or (beside / picture.name).read_bytes() != content:
                write_atomically(beside / picture.name, content)


def _write(original: Path, copy: NotebookNode) -> None:
    """Write a copy and what it was made from.

    A copy's first version comes last: killed in between, it is made again. A later one comes first: killed in between,
    the next update finds nothing to carry twice.
    """
    with contextlib.suppress(OSError, sqlite3.Error):  # as in `trust`; what a learner ran was signed when it was saved
        NotebookNotary().sign(copy)
    bare = _original(original)
    for cell in bare.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    written = [(copy_of(original), copy), (_base(original), bare)]
    for path, notebook in written if os.path.lexists(copy_of(original)) else reversed(written):
        write_atomically(path, nbformat.writes(notebook).encode())


def trust(path: Path, original: Path) -> None:
    """Let JupyterLab show what a notebook stores at once, the maps too, if it stores only what the course brings.

    JupyterLab keeps the signatures of the notebooks that this user trusts, and runs no script in any other. It signs
    a notebook in which all was run or trusted whenever it saves one. What else a notebook may store, of whatever
    origin, is left for the reader to trust.
    """
    with contextlib.suppress(OSError, sqlite3.Error, Stop):  # then a cell shows its map once it has run
        notary, notebook = NotebookNotary(), read_notebook(path)
        if not notary.check_signature(notebook) and _outputs(notebook) <= _outputs(read_notebook(original)):
            notary.sign(notebook)


def _outputs(notebook: NotebookNode) -> set[str]:
    """Give all that a notebook's cells store as their output."""
    stored = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    return {json.dumps(output, sort_keys=True) for outputs in stored for output in outputs}


# carrying over


@dataclass
class Carried:
    """A new copy, and what of the old one is in it.

    ``look_again`` names the exercises whose question or stub has changed since they were answered.
    """

    notebook: NotebookNode
    answers: list[str] = field(default_factory=list)
    own_cells: int = 0
    look_again: list[str] = field(default_factory=list)


def carry_over(base: NotebookNode, mine: NotebookNode, new: NotebookNode) -> Carried:
    """Put a learner's answers and cells into the new version of a notebook.

    Parameters
    ----------
    base
        The course's notebook that the learner's copy was made from.
    mine
        The learner's copy.
    new
        The course's notebook now.

    Returns
    -------
    The new version. In it each answer is in its exercise's stub, wherever that is now. A cell of the learner's own
    follows the cell that it followed. A cell that the learner has changed stays changed; where the course has changed
    it as well, or has dropped it, the learner's version follows as text, and nothing of it is run.
    """
    result = Carried(nbformat.from_dict(new))
    here = {cell.id: cell for cell in result.notebook.cells}
    before = {cell.id: cell for cell in base.cells}
    old, now = _stubs(base), _stubs(new)
    exercise_of = {stub.id: exercise for exercise, stub in old.items()}
    behind: dict[str | None, list[NotebookNode]] = defaultdict(list)
    last = None  # the cell of the new version that was met last
    for cell, origin in zip(mine.cells, _origins(base, mine, new), strict=True):
        exercise = exercise_of.get(origin)
        place = now[exercise].id if exercise in now else origin
        ours, was = here.get(place), before.get(origin, here.get(origin))  # the course's cell now, and at the time
        last = place if ours is not None else last
        if (was is not None and _same(cell, was)) or (ours is not None and _same(cell, ours)):
            continue  # the learner has not touched it
        if was is None:
            behind[last] += [_own(cell, here)] if cell.source.strip() else []
            result.answers += [name for name in old if exercise is None and _binds(cell, _answer(mine, name))]
        elif ours is not None and ours.cell_type == cell.cell_type and (exercise in now or _same(was, ours)):
            ours.source = cell.source
            if "attachments" in cell:  # pictures that were pasted into a text
                ours.attachments = cell.attachments
            if cell.cell_type == "code":
                ours.outputs, ours.execution_count = cell.outputs, cell.execution_count
            result.answers += [exercise] if exercise in now else []
        else:
            kept = nbformat.v4.new_raw_cell(YOUR_VERSION + cell.source)
            kept.update({"attachments": cell.attachments} if "attachments" in cell else {})
            behind[last].append(kept)
    result.own_cells = sum(map(len, behind.values()))
    result.notebook.cells = [*behind[None]]
    for cell in new.cells:
        result.notebook.cells += [here[cell.id], *behind[cell.id]]
    result.answers = list(dict.fromkeys(result.answers))
    result.look_again = [name for name in result.answers if _question(base, name) != _question(new, name)]
    return result


def _stubs(notebook: NotebookNode) -> dict[str, NotebookNode]:
    """Find each exercise's stub: the last cell tagged as one above its check."""
    stubs: dict[str, NotebookNode] = {}
    last = None
    for cell in notebook.cells:
        if "exercise" in cell.metadata.get("tags", []):
            last = cell
        for match in _checks(cell):
            if last is not None:
                stubs.setdefault(match[1], last)
    return stubs


def _checks(cell: NotebookNode) -> Iterator[re.Match]:
    return ASKED.finditer(cell.source) if cell.cell_type == "code" else iter(())


def _answer(notebook: NotebookNode, exercise: str) -> str:
    """Give the name that an exercise's check is handed, or an empty text."""
    return next((match[2] for cell in notebook.cells for match in _checks(cell) if match[1] == exercise), "")


def _question(notebook: NotebookNode, exercise: str) -> list[str]:
    """Give the text of an exercise: its stub and the cell above."""
    stub = _stubs(notebook).get(exercise)
    place = next((i for i, cell in enumerate(notebook.cells) if cell is stub), -1)
    return [cell.source for cell in notebook.cells[max(0, place - 1) : place + 1]]


def _origins(base: NotebookNode, mine: NotebookNode, new: NotebookNode) -> list[str | None]:
    """Tell for each cell of a copy which cell of the course it was: by its id, its text, or its place above a check."""
    known = {cell.id for cell in (*base.cells, *new.cells)}
    origins: list[str | None] = []
    for cell in mine.cells:
        mark = cell.get("id")
        origins.append(mark if mark in known and mark not in origins else None)
    for i, cell in enumerate(mine.cells):  # a tool has taken the ids away
        if origins[i] is None:
            same = (one.id for one in base.cells if one.id not in origins and _same(one, cell))
            origins[i] = next(same, None)
    stubs = _stubs(base)
    for i, cell in enumerate(mine.cells):
        for match in _checks(cell):
            if match[1] in stubs and stubs[match[1]].id not in origins:
                above = [j for j in range(i) if origins[j] is None and _binds(mine.cells[j], match[2])]
                if above:
                    origins[above[-1]] = stubs[match[1]].id
    return origins


def _same(cell: NotebookNode, other: NotebookNode) -> bool:
    return cell.cell_type == other.cell_type and cell.source.rstrip() == other.source.rstrip()


def _binds(cell: NotebookNode, name: str) -> bool:
    """Tell whether a cell defines or assigns a name."""
    pattern = rf"^(?:(?:async )?def {name}\b|class {name}\b|{name}\s*(?::[^=\n]+)?=(?!=))"
    return bool(name) and cell.cell_type == "code" and bool(re.search(pattern, cell.source, re.MULTILINE))


def _own(cell: NotebookNode, taken: dict[str, NotebookNode]) -> NotebookNode:
    """Give a learner's cell an id that no other cell has."""
    own = nbformat.from_dict(cell)
    if own.get("id", "") in ("", *taken):
        own.id = generate_corpus_id()
    taken[own.id] = own
    return own


# the command


def update(original: Path) -> str:
    """Bring one copy up to date; give a line that says what was done.

    Raises
    ------
    Stop
        If the copy or the course's notebook is damaged; then nothing was changed.
    """
    copy, new = copy_of(original), _original(original)
    name = copy.relative_to(copies_folder())
    if not os.path.lexists(copy):
        _write(original, new)
        return f"{name}: new."
    if not has_changed(original):
        return f"{name}: up to date."
    mine = read_notebook(copy)
    try:
        base = read_notebook(_base(original))
    except (OSError, Stop):  # then every cell that differs is taken for the learner's
        base = new
    carried = carry_over(base, mine, new)
    if base.metadata.get("language") != new.metadata.get("language"):  # the question is the same, in other words
        carried.look_again = []
    aside = _set_aside(copy)
    _write(original, carried.notebook)
    told = [f"{len(carried.answers)} answers" if len(carried.answers) != 1 else "1 answer"]
    told += [f"{carried.own_cells} cells of yours" if carried.own_cells != 1 else "1 cell of yours"]
    line = f"{name}: updated; {' and '.join(told)} carried over. Your copy as it was: {aside}"
    if carried.look_again:
        line += f"\n  The question has changed, look at your answer again: {', '.join(carried.look_again)}"
    return line


def _set_aside(copy: Path) -> Path:
    """Keep a copy under another name; it stays where it is, too, until the new one takes its place."""
    moment = datetime.datetime.now().strftime("%Y-%m-%d-%H%M%S-%f")
    aside = copies_folder() / "set_aside" / f"{copy.stem}.{moment}.ipynb"
    write_atomically(aside, copy.read_bytes())
    return aside


def news(changed: Sequence[Path]) -> str:
    """Say which notebooks the course has changed, and what to do; an empty text where there are none."""
    if not changed:
        return ""
    names = ", ".join(str(path.relative_to(NOTEBOOKS)) for path in changed)
    return f"Changed in the course since you began: {names}. To carry your answers over: python3 course.py update"


def main(command_line: Sequence[str]) -> int:
    """Run ``course.py update``; give the exit status."""
    return run(parse(command_line))


def run(arguments: argparse.Namespace) -> int:
    """Bring the copies up to date; give the exit status."""
    known = (*START_AND_LECTURES, *EXPERIMENT_NOTEBOOKS)
    unknown = [word for word in arguments.lectures if not any(path.stem.startswith(word) for path in known)]
    if unknown:
        listed = ", ".join(path.stem for path in START_AND_LECTURES)
        raise Stop(f"No lecture begins with {', '.join(unknown)}. There are {listed}.")
    wanted = tuple(arguments.lectures) or ("",)
    status = 0
    with alone(copies_folder() / "copies", "Another window is working on your copies; waiting until it is done ..."):
        _link_pictures()
        for original in [path for path in known if path.stem.startswith(wanted)]:
            try:
                print(update(original))
            except (Stop, OSError) as error:  # the others can still be brought up to date
                told = explain(error) if isinstance(error, OSError) else None
                print(told or error, file=sys.stderr)
                status = 1
    return status


if __name__ == "__main__":
    sys.exit(carry_out(lambda: main(["update", *sys.argv[1:]])))
