"""What grading gives back: lines, totals, feedback, and the grades in the form that Moodle and Canvas import."""

import csv
import html
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import PurePath

from course_utils.files import COPIES_NAME, START_AND_LECTURES
from course_utils.languages.speaking import said

RESULTS = ("correct", "not yet", "not attempted", "not run")  # said to learners in the language of their notebook
FORMULAS = ("=", "+", "-", "@", "\t")
# as "Download all submissions" of Moodle names folders or files: mod/assign/classes/downloader.php
MOODLE_NAME = re.compile(r"(?P<name>[^_]+)_(?P<number>\d+)_assignsubmission_file(?:_|$)")
# as "Download Submissions" of Canvas names files: lib/content_zipper.rb. A file's number is a large one there; what has
# a lecture or a year in its place is no such name, and a grade for somebody else's number would be worse than none.
CANVAS_NAME = re.compile(r"(?!anon_)(?P<name>[^_\s]+)_(?:LATE_|late_)?(?P<number>[1-9]\d*)_[1-9]\d{4,}_")
TITLES = "|".join(path.stem[3:] for path in START_AND_LECTURES)
LECTURE = re.compile(rf"(?:^|(?<=[ _-]))(?:[Ll]ecture[ _-]*)?(0\d)(?:_(?:{TITLES}))?(?:강|장|주차|과제)?(?![^\W_])")
COPY = re.compile(r"(?:[ _-]*(?:\(\d+\)|[Cc]opy\d*|\d\b))+$")  # what browsers and JupyterLab put behind a name


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


def learners(rows: Sequence[Row]) -> dict[str, Learner]:
    """Tell from its path whose each returned notebook is; nobody in two folders is taken for one person.

    1. What Moodle or Canvas have put in front of a name counts first.
    2. A name beside the lecture is the learner's: ``kim_02.ipynb`` and ``02_kim.ipynb`` are from kim.
    3. A notebook that is named after its lecture alone is its folder's, where each lecture is there once:
       ``kim/02_bahdanau_attention.ipynb`` is from kim.
    4. Otherwise the notebook's name is the learner's.

    In 2 and 4 a folder goes before the name, such as ``week2/kim``: who is in two folders has two rows.
    """
    lectures = {row.file: set[str]() for row in rows}
    for row in rows:
        lectures[row.file] |= {row.exercise[:2]} - {""}
    whose = {file: _of_moodle(file) for file in lectures}
    whose |= _of_canvas({file: lectures[file] for file, who in whose.items() if who is None})
    paths = {file: PurePath(unicodedata.normalize("NFC", file)) for file, who in whose.items() if who is None}
    own = {file: _own_name(path.stem, lectures[file]) for file, path in paths.items()}
    called_alike = Counter((paths[file].parent, lecture) for file, (name, lecture) in own.items() if not name)
    for file, path in paths.items():
        name, lecture = own[file]
        folder = path.parent.parent if path.parent.name == COPIES_NAME else path.parent
        is_the_folders = folder.name and not name and called_alike[path.parent, lecture] == 1
        whose[file] = Learner((folder if is_the_folders else folder / (name or path.stem)).as_posix())
    return {file: who for file, who in whose.items() if who}


def _of_moodle(file: str) -> Learner | None:
    """Give the learner whom Moodle names in a path, None where it does not."""
    for part in PurePath(file).parts:
        if found := MOODLE_NAME.match(part):
            return Learner(found["name"], moodle=found["number"])
    return None


def _of_canvas(lectures: Mapping[str, set[str]]) -> dict[str, Learner | None]:
    """Give the learners whom Canvas names; none where that leads to two names or two answers for one number."""
    found = {file: CANVAS_NAME.match(PurePath(file).name) for file in lectures}
    whose = {file: Learner(match["name"], canvas=match["number"]) if match else None for file, match in found.items()}
    people = {who for who in whose.values() if who}
    files_of = [[lectures[file] for file in lectures if whose[file] == who] for who in people]
    if len({who.canvas for who in people}) == len(people) and all(map(_are_apart, files_of)):
        return whose
    return dict.fromkeys(lectures)


def _own_name(stem: str, lectures: set[str]) -> tuple[str, str]:
    """Give what a notebook is called beside its lecture, and the lecture's number; "" for what its name lacks.

    A number is a lecture's if the notebook holds that lecture, or if nothing is known of what it holds.
    """
    found = LECTURE.search(stem)
    if not found or (lectures and found[1] not in lectures):
        return stem, ""
    before = stem[: found.start()].strip(" _-")
    return before or COPY.sub("", stem[found.end() :]).strip(" _-"), found[1]


def _are_apart(sets: Sequence[set[str]]) -> bool:
    """Say whether no two of the sets share a member."""
    return sum(map(len, sets)) == len(set().union(*sets))


def points(rows: Sequence[Row]) -> dict[Learner, dict[str, int]]:
    """Give learner → exercise → points: 1 for a correct answer, 0 for any other; what was not run has none yet.

    Where somebody returned an exercise twice, the better result counts.
    """
    given: dict[Learner, dict[str, int]] = {}
    whose = learners(rows)
    for row in rows:
        mine = given.setdefault(whose[row.file], {})
        if row.exercise and row.result != "not run":
            mine[row.exercise] = max(mine.get(row.exercise, 0), int(row.result == "correct"))
    return given


def moodle(rows: Sequence[Row], languages: Mapping[str, str] | None = None) -> list[list[object]]:
    """Give what Moodle imports; ``languages`` are those of the notebooks, in which feedback is written.

    Where every notebook is named as Moodle names what is downloaded: the grading worksheet of an assignment, with the
    sum and the feedback. Otherwise a table for the import of grades (CSV), with a column for each exercise.
    """
    given, whose = points(rows), learners(rows)
    asked = sorted({exercise for mine in given.values() for exercise in mine})
    if given and all(who.moodle for who in given):
        table: list[list[object]] = [
            ["Identifier", "Full name", "Grade", "Maximum Grade", "Last modified (grade)", "Feedback comments"]
        ]
        for who, mine in given.items():
            returned = [row for row in rows if whose[row.file] == who]
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
