"""What grading gives back: lines, totals, feedback, and the grades in the form that Moodle and Canvas import."""

import csv
import html
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import PurePath

from course_utils.languages.speaking import said

RESULTS = ("correct", "not yet", "not attempted", "not run")  # said to learners in the language of their notebook
FORMULAS = ("=", "+", "-", "@", "\t")
# as "Download all submissions" of Moodle and "Download Submissions" of Canvas name files and folders
MOODLE_NAME = re.compile(r"(?P<name>[^_]+)_(?P<number>\d+)_assignsubmission_file_")
CANVAS_NAME = re.compile(r"(?P<name>[^_]+)_(?:LATE_)?(?P<number>\d+)_\d+_")


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


def as_csv(table: Sequence[Sequence[object]]) -> bytes:
    """Give a table as CSV, UTF-8 with a mark that spreadsheets understand."""
    text = io.StringIO()
    # a spreadsheet takes a cell that begins with one of these for a formula; what a learner named must stay text
    shown = ([printable(cell) if isinstance(cell, str) else cell for cell in row] for row in table)
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


def feedback(rows: Sequence[Row], language: str = "") -> str:
    """Write what one learner is to read, in the notebook's language: each exercise, its result, what the check says."""
    number = sum(row.result == "correct" for row in rows)
    told = said(f"{number} of {len(rows)} correct", language) if rows[0].exercise else said("not run", language)
    lines = [f"{printable(rows[0].file)}: {told}", ""]
    for row in rows:
        message = row.message.removeprefix("not yet. ") if row.result not in ("correct", "not attempted") else ""
        message = f" {said(message, language)}" if message else ""
        lines.append(f"- {row.exercise or said('the notebook', language)}: {said(row.result, language)}.{message}")
    return "\n".join(lines) + "\n"


def summary(rows: Sequence[Row]) -> str:
    """Tell for each notebook how much is correct."""
    lines = []
    for file in dict.fromkeys(row.file for row in rows):
        mine = [row for row in rows if row.file == file]
        reasons = {row.message for row in mine if row.result == "not run"}
        told = f"{sum(row.result == 'correct' for row in mine)} of {len(mine)} correct"
        told = told if mine[0].exercise else "not run"
        lines.append(f"{printable(file)}: {told}{''.join(f' ({reason})' for reason in sorted(reasons))}")
    return "\n".join(lines)


def one_line(words: object) -> str:
    return printable(" ".join(str(words).split()))[:600] or type(words).__name__


def printable(text: str) -> str:
    """Replace what a terminal or a spreadsheet might obey; a learner may have put it into a file's name."""
    return "".join(c if c.isprintable() else "?" for c in text)


# for the systems in which grades are kept


@dataclass(frozen=True)
class Learner:
    """Who returned a notebook, as its name tells: a login, or what Moodle or Canvas have put in front of it."""

    name: str
    moodle: str = ""
    canvas: str = ""


def learner(file: str) -> Learner:
    """Tell from a returned notebook's path whose it is.

    Moodle and Canvas name what is downloaded there; otherwise it is the folder's name, or the file's without the
    lecture (``kim_02.ipynb`` is from kim).
    """
    first, *inner = PurePath(file).parts
    if of_moodle := MOODLE_NAME.match(first):
        return Learner(of_moodle["name"], moodle=of_moodle["number"])
    if of_canvas := CANVAS_NAME.match(first):
        return Learner(of_canvas["name"], canvas=of_canvas["number"])
    return Learner(first if inner else re.sub(r"[_ -]+0\d\b.*|[_ -]+0\d_.*", "", PurePath(first).stem))


def points(rows: Sequence[Row]) -> dict[Learner, dict[str, int]]:
    """Give learner → exercise → points: 1 for a correct answer, 0 for any other; what was not run has none yet.

    Where somebody returned an exercise twice, the better result counts.
    """
    given: dict[Learner, dict[str, int]] = {}
    for row in rows:
        mine = given.setdefault(learner(row.file), {})
        if row.exercise and row.result != "not run":
            mine[row.exercise] = max(mine.get(row.exercise, 0), int(row.result == "correct"))
    return given


def moodle(rows: Sequence[Row], languages: Mapping[str, str] | None = None) -> list[list[object]]:
    """Give what Moodle imports; ``languages`` are those of the notebooks, in which feedback is written.

    Where every notebook is named as Moodle names what is downloaded: the grading worksheet of an assignment, with the
    sum and the feedback. Otherwise a table for the import of grades (CSV), with a column for each exercise.
    """
    given = points(rows)
    asked = sorted({exercise for mine in given.values() for exercise in mine})
    if given and all(who.moodle for who in given):
        table: list[list[object]] = [
            ["Identifier", "Full name", "Grade", "Maximum Grade", "Last modified (grade)", "Feedback comments"]
        ]
        for who, mine in given.items():
            returned = [row for row in rows if learner(row.file) == who]
            told = feedback(returned, (languages or {}).get(returned[0].file, ""))
            told = "<br>".join(html.escape(line) for line in told.splitlines() if line)  # Moodle shows it as a page
            table.append([f"Participant {who.moodle}", who.name, sum(mine.values()), len(asked), "", told])
        return table
    table = [["Username", *asked, "Sum"]]
    return table + [
        [who.name, *(mine.get(exercise, "") for exercise in asked), sum(mine.values())] for who, mine in given.items()
    ]


def canvas(rows: Sequence[Row]) -> list[list[object]]:
    """Give what Canvas's gradebook imports: an assignment for each exercise, and the points that it can bring."""
    given = points(rows)
    asked = sorted({exercise for mine in given.values() for exercise in mine})
    table: list[list[object]] = [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *asked],
        ["    Points Possible", "", "", "", "", *(1 for _ in asked)],
    ]
    for who, mine in given.items():
        login = "" if who.canvas else who.name
        table.append([who.name, who.canvas, "", login, "", *(mine.get(exercise, "") for exercise in asked)])
    return table
