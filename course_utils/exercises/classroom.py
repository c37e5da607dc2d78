"""For those who teach a class: lectures without solutions, and a table of what came back.

``python3 course.py handout [FOLDER]`` and ``python3 course.py grade FOLDER``. Answers are run in processes that know no
right answer, on arguments that nobody has seen, and what they compute is compared here, gradients too where an exercise
asks for them. Where Linux offers Landlock these processes cannot read the course's answers, other notebooks or a home
folder. What remains: an answer that somebody else has written is a right answer, and without Landlock code can look
ours up in the course's files.
"""

import argparse
import builtins
import contextlib
import csv
import io
import json
import os
import re
import secrets
import select
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import cloudpickle
import nbformat
import torch
from nbformat import NotebookNode
from tqdm import tqdm

from course_utils.command_line import parse
from course_utils.exercises.answering import Request, receive, send
from course_utils.exercises.catalogue import EXERCISES, of_lecture
from course_utils.exercises.checks import (
    CHANGES_ARGUMENTS,
    CORRECT,
    N_DRAWS,
    NOT_ATTEMPTED,
    asks_for_gradients,
    compare,
    diagnose,
    shown_argument,
    special_draws,
)
from course_utils.exercises.exercise import Exercise
from course_utils.exercises.plain import decode
from course_utils.exercises.reading import N_GRADIENTS
from course_utils.exercises.returned import Returned
from course_utils.files import CHECKOUT, START_AND_LECTURES, write_atomically
from course_utils.folders import locked, private_folder, put
from course_utils.refusals import Shown, Stop, carry_out, check_file, check_folder, read_notebook

LARGEST_NOTEBOOK = 200 << 20  # bytes
RESULTS = ("correct", "not yet", "not attempted", "not run")
MISSING = "missing"  # no answer at this place; another one may have it
BETTER = ("correct", "not yet", "not run", "not attempted", MISSING)  # which of several results counts
SECONDS_TO_START = 120  # what the process that runs answers may take beside an answer
SPEAKS_OF_SOLUTIONS = {  # what the lectures say of their solutions -> what a handout says in its place
    "has five cells: the question, a stub to fill in, a check, hints, and the solution.": (
        "has four cells: the question, a stub to fill in, a check, and hints."
    ),
    "Hints and solution are folded;": "Hints are folded;",
    " A solution read too early costs you the exercise.": "",
    " The solution has the code to try it.": "",
    " Then run the solution's code.": "",
}
FORMULAS = ("=", "+", "-", "@", "\t")


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
    """Give a notebook without the cells that are tagged as solutions, and without a word of them; hints stay."""
    notebook = nbformat.from_dict(notebook)
    notebook.cells = [cell for cell in notebook.cells if "solution" not in cell.metadata.get("tags", [])]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for ours, handed_out in SPEAKS_OF_SOLUTIONS.items():
                cell.source = cell.source.replace(ours, handed_out)
    return notebook


# grading


@dataclass(frozen=True)
class Row:
    """What was found for one exercise of one returned notebook.

    ``result`` is *correct*, *not yet*, *not attempted*, or *not run*; ``message`` is what the learner would have read,
    or the reason; ``seconds`` is the time that this answer took.
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
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() == ".ipynb"  # some systems write it in capitals
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    if not paths:
        raise Stop(f"There is no notebook (*.ipynb) in {folder}.")
    return paths


def grade(
    folder: Path,
    seconds: int,
    whole: bool,
    rows: list[Row] | None = None,
    answering: "Answering | None" = None,
) -> list[Row]:
    """Run the answers of each notebook in a folder and below, and compare what they compute with ours.

    Parameters
    ----------
    folder
        Where the returned notebooks lie, named as their authors like.
    seconds
        Time limit for one answer.
    whole
        Run every cell above an answer, as it stands. Otherwise only what the answer needs is run, which trains nothing.
    rows
        Where to put the rows as they come, so that what was graded is known when it is stopped.
    answering
        What runs the answers, where there is one already.
    """
    rows = [] if rows is None else rows
    paths = find_returned(folder)
    # all are read before the first is run: whatever an answer does to the others' files, it comes too late
    contents = [_content(path) for path in paths]
    with contextlib.nullcontext(answering) if answering else contextlib.closing(Answering()) as process:
        for path, content in tqdm(zip(paths, contents, strict=True), "notebooks", len(paths), file=Shown(), ncols=80):
            rows += grade_notebook(content, str(path.relative_to(folder)), seconds, whole, process)
    return rows


def _content(path: Path) -> bytes | str:
    """Read a file; where that cannot be done, give the reason."""
    try:
        if path.is_symlink():
            raise ValueError("it is a link, perhaps to another learner's: put the file itself here")
        if not path.is_file():  # opening a pipe would wait for ever
            raise ValueError("it is no file")
        if path.stat().st_size > LARGEST_NOTEBOOK:
            raise ValueError(f"it is larger than {LARGEST_NOTEBOOK >> 20} MB")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        return _one_line(error)


def grade_notebook(content: bytes | str, name: str, seconds: int, whole: bool, answering: "Answering") -> list[Row]:
    """Give one row for each exercise of the lectures in a notebook; its reason where it cannot be run."""
    try:
        if isinstance(content, str):
            raise ValueError(content)
        text = content.decode("utf-8-sig")
        if re.search(r"^<{7} ", text, re.MULTILINE):
            raise ValueError("it holds conflict markers of git: keep one of the two versions at each of them")
        notebook = Returned(nbformat.reads(text, as_version=4))
        lectures = notebook.lectures()
    except Exception as error:  # whatever a returned file holds, it is a row
        return [Row(name, "", "not run", f"This is no notebook that can be read: {_one_line(error)}", 0.0)]
    if not lectures:
        return [Row(name, "", "not run", "No exercise of this course is in it.", 0.0)]
    rows = []
    for exercise in [exercise for lecture in lectures for exercise in of_lecture(lecture)]:
        start = time.monotonic()
        try:
            result, message = grade_answer(notebook, exercise, seconds, whole, answering)
        except Exception as error:  # one answer's trouble is its row, and the others are still graded
            result, message = "not run", f"This answer could not be graded: {_one_line(error)}"
        rows.append(Row(name, exercise, result, _one_line(message), round(time.monotonic() - start, 1)))
    return rows


def grade_answer(
    notebook: Returned, exercise: str, seconds: int, whole: bool, answering: "Answering"
) -> tuple[str, str]:
    """Look for an answer in the likeliest places, one after the other, until one is right; give result and message."""
    best: tuple[str, str] | None = None
    tried = []
    for until, expression in notebook.candidates(exercise):
        program = notebook.everything(until) if whole else notebook.program(until, expression)
        if (program, expression) in tried:
            continue
        tried.append((program, expression))
        found = answering.ask(exercise, program, expression, seconds)
        if best is None or BETTER.index(found[0]) < BETTER.index(best[0]):
            best = found
        if best[0] == "correct" or (whole and best[0] not in ("not attempted", MISSING)):  # all of it takes its time
            break
    result, message = best or (MISSING, "")
    if result == MISSING:
        reason = notebook.why_missing(exercise)
        return ("not yet", f"not yet. {reason}" if reason else message) if message or reason else ("not attempted", "")
    return result, message


class Answering:
    """The process that runs answers. It knows none of ours; where one brings it down, the next gets a new process."""

    def __init__(self) -> None:
        self.process: subprocess.Popen | None = None

    def ask(self, exercise: str, program: Sequence[tuple[int, str]], expression: str, seconds: int) -> tuple[str, str]:
        """Run one answer on new draws; give *correct*, *not yet*, *not attempted*, *not run* or MISSING, and why."""
        ours = EXERCISES[exercise]
        is_function = ours.asks_for == "function"
        draws = _new_draws(ours) if is_function else [()]
        gradients: list[Any] = []
        which = asks_for_gradients(ours)
        reply = self._reply(Request(program, expression, is_function, draws, float(seconds), which))
        match reply["kind"]:
            case "out of time":
                return "not run", f"The answer was stopped at its limit of {seconds} seconds. Does a loop never end?"
            case "died":
                return "not run", "The answer ended its own process, or took more memory than there is for one."
            case "too large":
                return "not run", "The answer gave more than 64 MB."
            case "missing":
                failed = f" A cell that it needs failed: {reply['failed']}." if reply["failed"] else ""
                return MISSING, f"not yet. {reply['error']}.{failed} Was the cell of this exercise deleted?"
            case "not attempted":
                return "not attempted", NOT_ATTEMPTED
            case "raised":
                shown = ", ".join(map(shown_argument, draws[int(reply["draw"])]))
                return "not yet", f"not yet. Your function raised {reply['error']} (arguments: {shown})"
            case "changed":
                return "not yet", CHANGES_ARGUMENTS
            case "value":
                given = decode(reply["result"])
                if given is ...:
                    return "not attempted", NOT_ATTEMPTED
                if is_function or reply["callable"]:
                    sentence = diagnose(exercise, len if reply["callable"] else given)
                    return "not yet", sentence
                results = [given]
            case _:
                results = [decode(result) for result in reply["results"]]
                gradients = [decode(result) for result in reply["gradients"]]
                if len(gradients) != (N_GRADIENTS if which else 0):
                    raise ValueError("what came back is no result")
        sentence = compare(ours, draws, results, gradients)
        return ("correct" if sentence == CORRECT else "not yet"), sentence

    def _reply(self, request: Request) -> dict[str, Any]:
        """Send a request and wait for what comes back, which may be anything."""
        asked = cloudpickle.dumps(request)  # what cannot be sent is no reason to start anew
        if self.process is None:
            self.process = _start()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            send(self.process.stdin, asked)
            # an answer may have stopped the process that watches over it, which then tells nothing
            waited = select.select([self.process.stdout], [], [], SECONDS_TO_START + request.seconds)[0]
            content = receive(self.process.stdout) if waited else None
        except BrokenPipeError:
            content = None
        except BaseException:  # a reply that was not waited for must not be taken for the next one
            self.close()
            raise
        if content is None:
            self.close()
            return {"kind": "died"}
        reply = json.loads(content)
        if not isinstance(reply, dict) or "kind" not in reply:
            raise ValueError("what came back is no result")
        return reply

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.terminate()  # it ends the answer that it runs, and what that has started
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            for stream in (self.process.stdin, self.process.stdout):  # no reading to an end: an answer may hold it open
                with contextlib.suppress(OSError):  # a request that nobody reads any more
                    stream.close()  # type: ignore[union-attr]  # both are pipes
            self.process = None


def _start() -> subprocess.Popen:
    """Start the process that runs answers, with our package in its path and nothing of a learner's."""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTHONSAFEPATH": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "course_utils.exercises.answering"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,  # Ctrl-C is ours to answer
    )


def _new_draws(exercise: Exercise) -> list[tuple]:
    """Draw arguments that nobody has seen; a function among them travels by its code, not by its module's name."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(secrets.randbits(63))
        return [*(exercise.draw() for _ in range(N_DRAWS)), *special_draws(exercise)]


for _module in {sys.modules[exercise.draw.__module__] for exercise in EXERCISES.values()} - {builtins}:
    cloudpickle.register_pickle_by_value(_module)


def _one_line(words: object) -> str:
    return _printable(" ".join(str(words).split()))[:600] or type(words).__name__


def _printable(text: str) -> str:
    """Replace what a terminal or a spreadsheet might obey; a learner may have put it into a file's name."""
    return "".join(c if c.isprintable() else "?" for c in text)


# what is given back


def as_csv(table: Sequence[Sequence[object]]) -> bytes:
    """Give a table as CSV, UTF-8 with a mark that spreadsheets understand."""
    text = io.StringIO()
    # a spreadsheet takes a cell that begins with one of these for a formula; what a learner named must stay text
    shown = ([_printable(cell) if isinstance(cell, str) else cell for cell in row] for row in table)
    csv.writer(text).writerows([f"'{cell}" if str(cell)[:1] in FORMULAS else cell for cell in row] for row in shown)
    return text.getvalue().encode("utf-8-sig", "backslashreplace")  # a file's name may be no text


def rows_table(rows: Sequence[Row]) -> list[list[object]]:
    """Give a header and a line for each answer."""
    return [[field.name for field in fields(Row)], *(list(astuple(row)) for row in rows)]


def by_learner(rows: Sequence[Row]) -> list[list[object]]:
    """Give a line for each notebook: the number correct, and the result of each exercise."""
    asked = sorted({row.exercise for row in rows if row.exercise})
    table: list[list[object]] = [["file", "correct", "of", *asked]]
    for file in dict.fromkeys(row.file for row in rows):
        mine = {row.exercise: row.result for row in rows if row.file == file}
        results = [mine.get(exercise, "") for exercise in asked]
        table.append([file, results.count("correct"), len(mine) - ("" in mine), *results])
    return table


def by_question(rows: Sequence[Row]) -> list[list[object]]:
    """Give a line for each exercise: how many have it right, and what the others were told most often."""
    table: list[list[object]] = [["exercise", *RESULTS, "told most often", "times"]]
    for exercise in sorted({row.exercise for row in rows if row.exercise}):
        these = [row for row in rows if row.exercise == exercise]
        counts = Counter(row.result for row in these)
        told = Counter(row.message for row in these if row.result == "not yet").most_common(1)
        table.append([exercise, *(counts[result] for result in RESULTS), *(told[0] if told else ("", 0))])
    return table


def feedback(rows: Sequence[Row]) -> str:
    """Write what one learner is to read: each exercise with its result and what the check says."""
    number = sum(row.result == "correct" for row in rows)
    file = _printable(rows[0].file)
    lines = [f"{file}: {number} of {len(rows)} correct" if rows[0].exercise else f"{file}: not run", ""]
    for row in rows:
        message = row.message.removeprefix("not yet. ") if row.result not in ("correct", "not attempted") else ""
        lines.append(f"- {row.exercise or 'the notebook'}: {row.result}.{f' {message}' if message else ''}")
    return "\n".join(lines) + "\n"


def summary(rows: Sequence[Row]) -> str:
    """Tell for each notebook how much is correct."""
    lines = []
    for file in dict.fromkeys(row.file for row in rows):
        mine = [row for row in rows if row.file == file]
        reasons = {row.message for row in mine if row.result == "not run"}
        told = f"{sum(row.result == 'correct' for row in mine)} of {len(mine)} correct"
        told = told if mine[0].exercise else "not run"
        lines.append(f"{_printable(file)}: {told}{''.join(f' ({reason})' for reason in sorted(reasons))}")
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
    if table.exists() and not table.read_bytes().startswith(as_csv(rows_table([])).rstrip()):
        raise Stop(f"{table} is there already and is no table of this command; name another file with --csv.")
    rows: list[Row] = []
    start = time.monotonic()
    try:
        grade(arguments.folder, arguments.seconds, arguments.whole, rows)
    except KeyboardInterrupt:
        print(f"{summary(rows)}\nStopped before the end: no table was written.")
        raise
    number = len({row.file for row in rows})
    print(f"{number} notebooks, {(time.monotonic() - start) / number:.1f} s each.")
    give(rows, table)
    return 0


def give(rows: Sequence[Row], table: Path) -> None:
    """Print the summary and write the tables; where one of them is refused, the others are there all the same."""
    try:
        print(summary(rows), flush=True)
    finally:
        try:
            write_atomically(table, as_csv(rows_table(rows)))
        except OSError:
            print(f"The table could not be written to {table}. It is:\n{as_csv(rows_table(rows)).decode('utf-8-sig')}")
            raise
    print(f"The table is in {table}.")
    beside = table.parent / f"{table.stem}_feedback"
    with private_folder(table.parent, "grade") as work:
        files = dict.fromkeys(row.file for row in rows)
        # the deepest first: then every folder is there before a file could take its name
        for file in sorted(files, key=lambda file: -len(Path(file).parts)):
            path = work / Path(file).with_suffix(".txt")
            _write_beside(path, feedback([row for row in rows if row.file == file]).encode("utf-8", "backslashreplace"))
        _write_beside(work / "by_learner.csv", as_csv(by_learner(rows)))
        _write_beside(work / "by_question.csv", as_csv(by_question(rows)))
        beside.mkdir(exist_ok=True)
        put(work, beside, "grade")
    print(f"Totals by learner and by question, and a text to hand back to each learner, are in {beside}.")


def _write_beside(path: Path, content: bytes) -> None:
    """Write a file; where its name is taken (``a.ipynb`` beside ``a.IPYNB``), under one with a stroke behind."""
    while os.path.lexists(path):
        path = path.with_name(f"{path.name}_")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


if __name__ == "__main__":
    sys.exit(carry_out(lambda: main(sys.argv[1:])))
