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
import functools
import hashlib
import json
import os
import re
import secrets
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

import cloudpickle
import nbformat
import psutil
import torch
from nbformat import NotebookNode
from tqdm import tqdm

from course_utils.command_line import parse
from course_utils.evidence.spread import course_version, in_processes
from course_utils.exercises import guard
from course_utils.exercises.answering import (
    LARGEST_FOLDER,
    MEMORY,
    MOST_PROCESSES,
    SECONDS_TO_END,
    Request,
    can_shut_off,
    receive,
    send,
)
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
from course_utils.exercises.tables import (
    Row,
    as_csv,
    by_learner,
    by_question,
    canvas,
    feedback,
    moodle,
    one_line,
    rows_table,
    summary,
)
from course_utils.files import CHECKOUT, PICTURES, START_AND_LECTURES, write_atomically
from course_utils.folders import locked, private_folder, put
from course_utils.languages.catalogues import checked
from course_utils.languages.speaking import said
from course_utils.languages.weave import woven
from course_utils.refusals import Shown, Stop, carry_out, check_file, check_folder, read_notebook

LARGEST_NOTEBOOK = 200 << 20  # bytes
MISSING = "missing"  # no answer at this place; another one may have it
BETTER = ("correct", "not yet", "not run", "not attempted", MISSING)  # which of several results counts
MEMORY_TO_GRADE = 1 << 30  # bytes that the two processes which grade a notebook need beside the answer's
LONGEST = 60  # a notebook may take so many times the limit of one answer, by the clock
SECONDS_TO_START = 120  # what the process that runs answers may take beside an answer
PICTURE = re.compile(rf'(?:\]\(|\bsrc="){PICTURES.name}/([^)"\s]+)')  # in a lecture's text
SPEAKS_OF_SOLUTIONS = {  # what the lectures say of their solutions -> what a handout says in its place
    "has a question, a stub to fill in, a check, hints, and the solution.": (
        "has a question, a stub to fill in, a check, and hints."
    ),
    "Hints and solution are folded;": "Hints are folded;",
    " A solution read too early costs you the exercise.": "",
    " The solution has the code to try it.": "",
    " Then run the solution's code.": "",
}


# handing out


def handout(folder: Path, language: str = "") -> list[Path]:
    """Write the lectures without their solutions into a folder, all or none; nothing that is there is overwritten.

    In another language than English each cell of text is its translation. The pictures that the lectures show are
    beside them, in a folder of their own.

    Returns
    -------
    The lectures.

    Raises
    ------
    FileExistsError
        If something else of a lecture's or a picture's name is there already; then nothing at all is written.
    Stop
        If a lecture is damaged, or the folder is a file.
    """
    folder = check_folder(folder)
    lectures = {
        path.name: without_solutions(woven(read_notebook(path), path, language), language)
        for path in START_AND_LECTURES
    }
    made = {name: nbformat.writes(lecture).encode() for name, lecture in lectures.items()}
    shown = sorted(set().union(*map(_pictures_in, lectures.values())))
    made |= {f"{PICTURES.name}/{name}": (PICTURES / name).read_bytes() for name in shown}
    folder.mkdir(parents=True, exist_ok=True)
    with private_folder(folder, "handout") as work:
        for name, content in made.items():
            (work / name).parent.mkdir(exist_ok=True)
            (work / name).write_bytes(content)
        with locked(folder):
            there = [name for name in made if os.path.lexists(folder / name)]
            # a handout that was killed half-way left some of these very files
            there = [name for name in there if not _holds(folder / name, made[name])]
            there += [PICTURES.name] if shown and _is_no_folder(folder / PICTURES.name) else []
            if there:
                named = ", ".join(dict.fromkeys(name.partition("/")[0] for name in there))
                raise FileExistsError(f"{folder} holds {named} already; nothing was written. Name another folder.")
            _move_all(work, folder, [name for name in made if not os.path.lexists(folder / name)])
    return [folder / name for name in lectures]


def _pictures_in(notebook: NotebookNode) -> set[str]:
    """Name the files of ``notebooks/pictures`` that a notebook's text shows."""
    return {name for cell in notebook.cells if cell.cell_type == "markdown" for name in PICTURE.findall(cell.source)}


def _is_no_folder(path: Path) -> bool:
    return os.path.lexists(path) and (path.is_symlink() or not path.is_dir())


def _move_all(work: Path, folder: Path, names: Sequence[str]) -> None:
    """Move files into a folder that has none of their names; refused in the middle, take back those that are there."""
    moved = []
    beside = folder / PICTURES.name
    made_beside = not beside.exists()
    try:
        for name in names:
            (folder / name).parent.mkdir(exist_ok=True)
            os.replace(work / name, folder / name)
            moved.append(folder / name)
    except BaseException:
        for path in moved:
            path.unlink(missing_ok=True)
        if made_beside:
            with contextlib.suppress(OSError):  # there was no picture yet
                beside.rmdir()
        raise


def _holds(path: Path, content: bytes) -> bool:
    with contextlib.suppress(OSError):
        return path.is_file() and not path.is_symlink() and path.read_bytes() == content
    return False


def without_solutions(notebook: NotebookNode, language: str = "") -> NotebookNode:
    """Give a notebook without the cells that are tagged as solutions, and without a word of them; hints stay."""
    notebook = nbformat.from_dict(notebook)
    notebook.cells = [cell for cell in notebook.cells if "solution" not in cell.metadata.get("tags", [])]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for ours, handed_out in SPEAKS_OF_SOLUTIONS.items():
                cell.source = cell.source.replace(said(ours, language), said(handed_out, language))
    return notebook


# grading


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
    workers: int = 1,
    kept: Path | None = None,
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
        Where to put the rows, so that what was graded is known when it is stopped.
    answering
        What runs the answers, where there is one already.
    workers
        How many notebooks to grade at once, each in a process of its own; 1 means in this process.
    kept
        A file for what was graded so far. Notebooks that are in it already, word by word, are not graded again.
    """
    rows = [] if rows is None else rows
    paths = find_returned(folder)
    # all are read before the first is run: whatever an answer does to the others' files, it comes too late
    contents = {str(path.relative_to(folder)): _content(path) for path in paths}
    found: dict[str, list[Row]] = {}
    keys = {name: _key(name, content, seconds, whole) for name, content in contents.items()}
    if kept:
        before = _read_kept(kept)
        found = {name: before[key] for name, key in keys.items() if key in before}
    waiting = {name: content for name, content in contents.items() if name not in found}
    if workers > 1:
        graded = _grade_in_processes(waiting, seconds, whole, workers)
    else:
        graded = _grade_here(waiting, seconds, whole, answering)
    try:
        with tqdm(desc="notebooks", total=len(contents), initial=len(found), file=Shown(), ncols=80) as progress:
            for name, its_rows in graded:
                found[name] = its_rows
                if kept:
                    _keep(kept, keys[name], its_rows)
                progress.update()
    finally:
        rows += [row for name in contents for row in found.get(name, [])]
    return rows


def workers_for_this_machine() -> int:
    """Say how many notebooks may be graded at once: one per processor, and no more than their memory allows."""
    return max(1, min(os.cpu_count() or 1, psutil.virtual_memory().total // (MEMORY + MEMORY_TO_GRADE)))


def _grade_here(
    waiting: Mapping[str, NotebookNode | str], seconds: int, whole: bool, answering: "Answering | None"
) -> Iterator[tuple[str, list[Row]]]:
    with contextlib.nullcontext(answering) if answering else contextlib.closing(Answering()) as process:
        for name, content in waiting.items():
            yield name, grade_notebook(content, name, seconds, whole, process)


def _grade_in_processes(
    waiting: Mapping[str, NotebookNode | str], seconds: int, whole: bool, workers: int
) -> Iterator[tuple[str, list[Row]]]:
    """Grade several notebooks at once; one that ends the process in which it is graded gets a row, and no other does.

    After such an end, those that were under way are graded again one at a time, which shows whose it was.
    """
    from joblib.externals.loky import get_reusable_executor
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    left = dict(waiting)
    while left:
        try:
            for (name, _), rows in in_processes(
                workers, functools.partial(_grade_one, seconds, whole), [*left.items()]
            ):
                del left[name]
                yield name, rows
        except TerminatedWorkerError:
            under_way = {name: left.pop(name) for name in list(left)[:workers]}
            for name, content in under_way.items():
                if len(under_way) > 1:
                    yield from _grade_in_processes({name: content}, seconds, whole, 1)
                else:
                    yield name, [Row(name, "", "not run", "Grading it ended the process that did so.", 0.0)]
    if waiting:  # they would wait for more, and we for them
        get_reusable_executor(reuse=True).shutdown(wait=True, kill_workers=True)


_of_this_process: "list[Answering]" = []  # what runs answers, in a process that grades


def _grade_one(seconds: int, whole: bool, notebook: tuple[str, NotebookNode | str]) -> list[Row]:
    """Grade one notebook in a process that does nothing else; where it hangs, what hangs is given up."""

    def give_up(*_signal_and_frame: object) -> None:
        raise TimeoutError(f"it was given up after {limit} seconds")

    limit = SECONDS_TO_START + LONGEST * seconds
    if not _of_this_process:
        _of_this_process.append(Answering())
    signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, limit, limit)
    try:
        return grade_notebook(notebook[1], notebook[0], seconds, whole, _of_this_process[0])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _key(name: str, content: NotebookNode | str, seconds: int, whole: bool) -> str:
    """Hash what decides a notebook's rows: what is in it, how it is graded, and our own code."""
    text = json.dumps([name, content, seconds, whole, course_version()], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _read_kept(kept: Path) -> dict[str, list[Row]]:
    """Read what was graded before; a line that was not written to its end counts for nothing."""
    found = {}
    with contextlib.suppress(OSError):
        for line in kept.read_text(encoding="utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError, TypeError, KeyError):
                one = json.loads(line)
                found[one["key"]] = [Row(*row) for row in one["rows"]]
    return found


def _keep(kept: Path, key: str, rows: Sequence[Row]) -> None:
    with contextlib.suppress(OSError), kept.open("a", encoding="utf-8") as file:  # a full disk stops no grading
        # in front, too: the line before may not have been written to its end
        file.write("\n" + json.dumps({"key": key, "rows": [astuple(row) for row in rows]}) + "\n")


def _content(path: Path) -> NotebookNode | str:
    """Read a notebook without what its cells have printed, which may be large; where it cannot be read, say why."""
    try:
        if path.is_symlink():
            raise ValueError("it is a link, perhaps to another learner's: put the file itself here")
        if not path.is_file():  # opening a pipe would wait for ever
            raise ValueError("it is no file")
        if path.stat().st_size > LARGEST_NOTEBOOK:
            raise ValueError(f"it is larger than {LARGEST_NOTEBOOK >> 20} MB")
        text = path.read_bytes().decode("utf-8-sig")
        if re.search(r"^<{7} ", text, re.MULTILINE):
            raise ValueError("it holds conflict markers of git: keep one of the two versions at each of them")
        notebook = nbformat.reads(text, as_version=4)
        for cell in notebook["cells"]:
            cell.pop("outputs", None)
            cell.pop("attachments", None)
        return notebook
    except Exception as error:  # whatever a returned file holds, it is a row
        return one_line(error)


def grade_notebook(
    content: NotebookNode | str, name: str, seconds: int, whole: bool, answering: "Answering"
) -> list[Row]:
    """Give one row for each exercise of the lectures in a notebook; its reason where it cannot be run."""
    try:
        if isinstance(content, str):
            raise ValueError(content)
        notebook = Returned(content)
        lectures = notebook.lectures()
    except Exception as error:
        return [Row(name, "", "not run", f"This is no notebook that can be read: {one_line(error)}", 0.0)]
    if not lectures:
        return [Row(name, "", "not run", "No exercise of this course is in it.", 0.0)]
    rows = []
    for exercise in [exercise for lecture in lectures for exercise in of_lecture(lecture)]:
        start = time.monotonic()
        try:
            result, message = grade_answer(notebook, exercise, seconds, whole, answering)
        except Exception as error:  # one answer's trouble is its row, and the others are still graded
            result, message = "not run", f"This answer could not be graded: {one_line(error)}"
        rows.append(Row(name, exercise, result, one_line(message), round(time.monotonic() - start, 1)))
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
            case "too many processes":
                return "not run", f"The answer started more than {MOST_PROCESSES} processes."
            case "too many files":
                return "not run", f"The answer wrote more than {LARGEST_FOLDER >> 20} MB of files."
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
            longest = SECONDS_TO_START + guard.CLOCK * request.seconds
            waited = select.select([self.process.stdout], [], [], longest)[0]
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
                self.process.wait(timeout=SECONDS_TO_END + 10)
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


# what is given back


def main(command_line: Sequence[str]) -> int:
    """Run ``course.py handout`` or ``course.py grade``; give the exit status."""
    return run(parse(command_line))


def run(arguments: argparse.Namespace) -> int:
    """Hand out, or grade; give the exit status."""
    if arguments.command == "handout":
        try:
            written = handout(arguments.folder, checked(arguments.language))
        except FileExistsError as error:
            raise Stop(str(error)) from None
        print(
            f"{len(written)} lectures without solutions are in {arguments.folder}, and their pictures in "
            f"{arguments.folder / PICTURES.name}: hand out both."
        )
        return 0
    find_returned(arguments.folder)
    table = arguments.csv or arguments.folder / "grades.csv"
    check_file(table)
    if table.exists() and not table.read_bytes().startswith(as_csv(rows_table([])).rstrip()):
        raise Stop(f"{table} is there already and is no table of this command; name another file with --csv.")
    kept = table.with_name(f".{table.name}.kept")
    workers = arguments.workers or workers_for_this_machine()
    rows: list[Row] = []
    if not can_shut_off():
        print(
            said(
                "Landlock is not in force here (Linux has it from 5.13 on): an answer may read and write all that you "
                "may, and look the right answers up. Grade as a user, or on a machine, that has nothing to lose."
            ),
            flush=True,
        )
    start = time.monotonic()
    try:
        grade(arguments.folder, arguments.seconds, arguments.whole, rows, None, workers, kept)
    except KeyboardInterrupt:
        print(f"{summary(rows)}\nStopped before the end: no table was written. The same command goes on from here.")
        raise
    taken, number = time.monotonic() - start, len({row.file for row in rows})
    print(f"{number} notebooks in {taken:.0f} s, {taken / number:.1f} s each; up to {workers} at a time.")
    give(rows, table, kept, {row.file: language_of(arguments.folder / row.file) for row in rows})
    return 0


def language_of(path: Path) -> str:
    """Tell in which language a notebook was handed out; English where that cannot be told."""
    content = _content(path)
    if isinstance(content, str):
        return ""
    with contextlib.suppress(Exception):  # whatever a returned file holds
        return checked(content["metadata"].get("language", ""))
    return ""


def give(rows: Sequence[Row], table: Path, kept: Path, languages: Mapping[str, str]) -> None:
    """Print the summary and write the tables; where one of them is refused, the others are there all the same.

    What was kept, in case grading is stopped, is removed as soon as the table is written.
    """
    try:
        print(summary(rows), flush=True)
    finally:
        try:
            write_atomically(table, as_csv(rows_table(rows)))
            kept.unlink(missing_ok=True)
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
            told = feedback([row for row in rows if row.file == file], languages[file])
            _write_beside(path, told.encode("utf-8", "backslashreplace"))
        _write_beside(work / "by_learner.csv", as_csv(by_learner(rows)))
        _write_beside(work / "by_question.csv", as_csv(by_question(rows)))
        _write_beside(work / "moodle.csv", as_csv(moodle(rows, languages)))
        _write_beside(work / "canvas.csv", as_csv(canvas(rows)))
        beside.mkdir(exist_ok=True)
        put(work, beside, "grade")
    print(
        f"Totals by learner and by question, grades for Moodle and Canvas, and a text to hand back to each learner, "
        f"are in {beside}."
    )


def _write_beside(path: Path, content: bytes) -> None:
    """Write a file; where its name is taken (``a.ipynb`` beside ``a.IPYNB``), under one with a stroke behind."""
    while os.path.lexists(path):
        path = path.with_name(f"{path.name}_")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


if __name__ == "__main__":
    sys.exit(carry_out(lambda: main(sys.argv[1:])))
