"""For those who teach a class: lectures without solutions, and a table of what came back.

``python3 course.py handout [FOLDER]`` and ``python3 course.py grade FOLDER``. Grading runs the learners' code with your
rights: do it on a machine, or as a user, that has nothing to lose.
"""

import argparse
import ast
import contextlib
import csv
import io
import os
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from IPython.display import display
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from tqdm import tqdm

from course_utils import kernels
from course_utils.command_line import parse
from course_utils.exercises.catalogue import EXERCISES
from course_utils.exercises.checks import CORRECT, NOT_ATTEMPTED, diagnose
from course_utils.files import START_AND_LECTURES, write_atomically
from course_utils.folders import locked, private_folder
from course_utils.notebooks import is_definition
from course_utils.refusals import Shown, Stop, carry_out, check_file, check_folder, read_notebook

FOUND = "application/vnd.attention-course.exercise+json"  # how a kernel tells what it found, apart from what it prints
CHECKED = re.compile(r"""\bcheck\(\s*["'](\w+)["']""")


# handing out


def handout(folder: Path) -> list[Path]:
    """Write the lectures without their solutions into a folder, all or none; nothing that is there is overwritten.

    Raises
    ------
    FileExistsError
        If something else of a lecture's name is there already; then nothing at all is written.
    Stop
        If a lecture is damaged, or the folder is a file.
    """
    folder = check_folder(folder)
    made = {path.name: nbformat.writes(without_solutions(read_notebook(path))) for path in START_AND_LECTURES}
    folder.mkdir(parents=True, exist_ok=True)
    with private_folder(folder, "handout") as work:
        for name, text in made.items():
            (work / name).write_text(text, encoding="utf-8")
        with locked(folder):
            there = [name for name in made if os.path.lexists(folder / name)]
            # a handout that was killed half-way left some of these very files
            there = [name for name in there if not _holds(folder / name, made[name])]
            if there:
                raise FileExistsError(
                    f"{folder} holds {', '.join(there)} already; nothing was written. Name another folder."
                )
            _move_all(work, folder, [name for name in made if not os.path.lexists(folder / name)])
    return [folder / name for name in made]


def _move_all(work: Path, folder: Path, names: Sequence[str]) -> None:
    """Move files into a folder that has none of their names; refused in the middle, take back those that are there."""
    moved = []
    try:
        for name in names:
            os.replace(work / name, folder / name)
            moved.append(folder / name)
    except BaseException:
        for path in moved:
            path.unlink(missing_ok=True)
        raise


def _holds(path: Path, text: str) -> bool:
    with contextlib.suppress(OSError, ValueError):
        return path.is_file() and not path.is_symlink() and path.read_text(encoding="utf-8") == text
    return False


def without_solutions(notebook: NotebookNode) -> NotebookNode:
    """Give a notebook without the cells that are tagged as solutions; hints stay."""
    notebook = nbformat.from_dict(notebook)
    notebook.cells = [cell for cell in notebook.cells if "solution" not in cell.metadata.get("tags", [])]
    return notebook


# grading


@dataclass(frozen=True)
class Row:
    """What was found for one exercise of one returned notebook.

    ``result`` is *correct*, *not yet*, *not attempted*, or *not run*; ``message`` is what the learner would have read,
    or the reason; ``seconds`` is the time that the whole notebook took.
    """

    file: str
    exercise: str
    result: str
    message: str
    seconds: float


def find_returned(folder: Path) -> list[Path]:
    """Find the notebooks in a folder and below; hidden ones are an editor's.

    Raises
    ------
    Stop
        If the folder is missing, is a file, or holds no notebook.
    """
    if not folder.exists():
        raise Stop(f"There is no folder {folder}: name the one in which the returned notebooks are.")
    if not folder.is_dir():
        raise Stop(f"{folder} is a file: name the folder in which the returned notebooks are.")
    os.listdir(folder)  # a folder that may not be read would look empty
    paths = [
        path
        for path in sorted(folder.rglob("*.ipynb"))
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    if not paths:
        raise Stop(f"There is no notebook (*.ipynb) in {folder}.")
    return paths


def grade(folder: Path, seconds: int, whole: bool, rows: list[Row] | None = None) -> list[Row]:
    """Run the checks on each notebook in a folder and below, in a fresh kernel each.

    Parameters
    ----------
    folder
        Where the returned notebooks lie, named as their authors like.
    seconds
        Time limit for one notebook.
    whole
        Run every cell as it stands. Otherwise only what a notebook defines (imports, functions, classes, constants) and
        its exercises are run, which trains nothing and takes seconds.
    rows
        Where to put the rows as they come, so that what was graded is known when it is stopped.
    """
    rows = [] if rows is None else rows
    for path in tqdm(find_returned(folder), desc="notebooks", file=Shown(), ncols=80):
        rows += grade_notebook(path, str(path.relative_to(folder)), seconds, whole)
    return rows


def grade_notebook(path: Path, name: str, seconds: int, whole: bool) -> list[Row]:
    """Give one row for each exercise of the lecture that a notebook belongs to; its reason where it cannot be run."""
    try:
        if not path.is_file():  # opening a pipe would wait for ever
            raise ValueError("it is no file")
        returned = nbformat.read(path, as_version=4)
        answers = answers_asked_for(returned)
    except Exception as error:  # whatever a returned file holds, it is a row
        return [Row(name, "", "not run", f"This is no notebook that can be read: {_one_line(error)}", 0.0)]
    if not answers:
        return [Row(name, "", "not run", "No exercise of this course is in it.", 0.0)]
    start = time.monotonic()
    executed = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in _sources(returned, answers, whole)]
    )
    trouble = _execute(executed, path.parent, start + seconds)
    found = dict(_found(executed.cells))
    taken = round(time.monotonic() - start, 1)
    trouble = trouble or "The kernel gave no answer."
    return [Row(name, exercise, *found.get(exercise, ("not run", trouble)), taken) for exercise in answers]


def answers_asked_for(returned: NotebookNode) -> dict[str, str]:
    """Find the lecture that a notebook belongs to, by its checks, and what our own lecture hands to each check.

    What a learner did to the checks themselves does not count.
    """
    lectures = Counter(
        name[:2] for cell in returned.cells for name in CHECKED.findall(cell.source) if name in EXERCISES
    )
    if not lectures:
        return {}
    number = lectures.most_common(1)[0][0]
    ours = next(path for path in START_AND_LECTURES if path.stem.startswith(number))
    code = [cell.source for cell in read_notebook(ours).cells if cell.cell_type == "code"]
    asked = re.compile(r'^check\("(\w+)", (\w+)\)', flags=re.MULTILINE)
    return {match[1]: match[2] for source in code for match in asked.finditer(source)}


def definitions(source: str) -> str:
    """Keep what a cell defines, imports, functions, classes and UPPER_CASE constants; one with an error stays whole."""
    try:
        tree = ast.parse(TransformerManager().transform_cell(source))
    except SyntaxError:
        return source
    tree.body = [node for node in tree.body if is_definition(node)]
    return ast.unparse(tree)


def _sources(returned: NotebookNode, answers: dict[str, str], whole: bool) -> Iterator[str]:
    """Give what is to be run: each exercise is asked where its check stood, or at the end where that was deleted."""
    waiting = dict(answers)
    for cell in returned.cells:
        if cell.cell_type == "code":
            is_answer = "exercise" in cell.metadata.get("tags", [])
            yield cell.source if whole or is_answer else definitions(cell.source)
            for exercise in CHECKED.findall(cell.source):
                if exercise in waiting:
                    yield _question(exercise, waiting.pop(exercise))
    yield from (_question(exercise, answer) for exercise, answer in waiting.items())


def _question(exercise: str, answer: str) -> str:
    return f"from course_utils.exercises.classroom import report\nreport({exercise!r}, lambda: {answer})"


def report(exercise: str, answer: Callable[[], Any]) -> None:
    """Tell, from inside a kernel, what the check finds."""
    try:
        sentence = diagnose(exercise, answer())
    except NameError as error:
        sentence = f"not yet. {error}: was the cell of this exercise deleted, or does it fail?"
    result = {CORRECT: "correct", NOT_ATTEMPTED: "not attempted"}.get(sentence, "not yet")
    display({FOUND: [exercise, result, sentence]}, raw=True)


def _execute(notebook: NotebookNode, folder: Path, deadline: float) -> str | None:
    """Run all cells, going on after those that fail; give the reason where the kernel did not reach the end."""

    def remaining(_cell: NotebookNode) -> int:
        return max(1, round(deadline - time.monotonic()))

    with tempfile.TemporaryDirectory() as scratch:
        environment = {**os.environ, "COURSE_PROGRESS": str(Path(scratch) / "progress.json"), "MPLBACKEND": "agg"}
        client = NotebookClient(
            notebook,
            kernel_name="python3",
            timeout_func=remaining,
            allow_errors=True,
            record_timing=False,
            resources={"metadata": {"path": str(folder)}},
        )
        try:
            kernels.execute(client, env=environment)
        except CellTimeoutError:
            return "The notebook was stopped at its time limit."
        except DeadKernelError:
            return "The kernel died: out of memory, or the notebook ended it."
        except Exception as error:  # one notebook's trouble is its row, and the others are still graded
            return f"The notebook could not be run: {_one_line(error)}"
    return None


def _found(cells: Sequence[NotebookNode]) -> Iterator[tuple[str, tuple[str, str]]]:
    for cell in cells:
        for output in cell.outputs:
            if FOUND in output.get("data", {}):
                exercise, result, sentence = output.data[FOUND]
                yield exercise, (result, sentence)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


def as_csv(rows: Sequence[Row]) -> bytes:
    """Give the rows as a CSV table with a header, UTF-8 with a mark that spreadsheets understand."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(field.name for field in fields(Row))
    # a spreadsheet takes a cell that begins with one of these for a formula; what a learner named must stay text
    table.writerows(
        [f"'{cell}" if str(cell)[:1] in "=+-@" and cell != "" else cell for cell in astuple(r)] for r in rows
    )
    return text.getvalue().encode("utf-8-sig", "backslashreplace")  # a file's name may be no text


def summary(rows: Sequence[Row]) -> str:
    """Tell for each notebook how much is correct."""
    lines = []
    for file in dict.fromkeys(row.file for row in rows):
        mine = [row for row in rows if row.file == file]
        reasons = {row.message for row in mine if row.result == "not run"}
        told = f"{sum(row.result == 'correct' for row in mine)} of {len(mine)} correct"
        lines.append(f"{file}: {told if mine[0].exercise else 'not run'}{''.join(f' ({r})' for r in sorted(reasons))}")
    return "\n".join(lines)


def main(command_line: Sequence[str]) -> int:
    """Run ``course.py handout`` or ``course.py grade``; give the exit status."""
    return run(parse(command_line))


def run(arguments: argparse.Namespace) -> int:
    """Hand out, or grade; give the exit status."""
    if arguments.command == "handout":
        try:
            written = handout(arguments.folder)
        except FileExistsError as error:
            raise Stop(str(error)) from None
        print(f"{len(written)} lectures without solutions are in {arguments.folder}.")
        return 0
    find_returned(arguments.folder)
    table = arguments.csv or arguments.folder / "grades.csv"
    check_file(table)
    if table.exists() and not table.read_bytes().startswith(as_csv([]).rstrip()):
        raise Stop(f"{table} is there already and is no table of this command; name another file with --csv.")
    rows: list[Row] = []
    try:
        grade(arguments.folder, arguments.seconds, arguments.whole, rows)
    except KeyboardInterrupt:
        print(f"{summary(rows)}\nStopped before the end: no table was written.")
        raise
    give(rows, table)
    return 0


def give(rows: Sequence[Row], table: Path) -> None:
    """Print the summary and write the table; where one of them is refused, the other one is there all the same."""
    try:
        print(summary(rows), flush=True)
    finally:
        try:
            write_atomically(table, as_csv(rows))
        except OSError:
            print(f"The table could not be written to {table}. It is:\n{as_csv(rows).decode('utf-8-sig')}")
            raise
    print(f"The table is in {table}.")


if __name__ == "__main__":
    sys.exit(carry_out(lambda: main(sys.argv[1:])))
