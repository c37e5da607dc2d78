"""Faults that readers and their machines bring: what each must say on the screen, and that nothing is harmed by it.

A fault is one row of ``FAULTS``: what is done first, the command, what must stand on the screen, the exit status, and
what may change. Whatever else is in the place, the reader's files and ours, must be as it was, no trace of the work may
be left behind, and no traceback may be seen.
"""

import errno
import re
import resource
import shlex
import sys
from dataclasses import dataclass
from types import ModuleType

import pytest

from course_utils import refusals
from course_utils.commands import __main__
from course_utils.exercises import classroom
from course_utils.exercises.checks import check
from course_utils.exercises.progress import show_progress
from course_utils.publishing import site, slides
from tests.faults.place import REFUSED, Given, Place, differences

pytestmark = pytest.mark.thorough


def nothing(_place: Place) -> None:
    """Do nothing first."""


@dataclass(frozen=True)
class Fault:
    """A row of the table.

    Attributes
    ----------
    name
        What goes wrong, as a sentence.
    command
        The command line after ``course.py``; ``check`` and ``show_progress`` are the calls in a notebook.
    says
        What must be found on the screen, as a pattern.
    given
        What is done first.
    status
        How the command must end.
    may_change
        Patterns of paths in the place that may appear or change.
    ran
        Which notebooks must have been worked on, where that matters.
    """

    name: str
    command: str
    says: str
    given: Given = nothing
    status: int = 1
    may_change: tuple[str, ...] = ()
    ran: tuple[str, ...] | None = None


SITE, DECKS = ("out", "out/*"), ("out", "out/*")
TABLE = ("class/grades.csv", "class/grades_feedback", "class/grades_feedback/*")
PROGRESS = ("progress/*",)
DAMAGED = {
    "cut": '{"format": 1, "exer',
    "empty": "",
    "of zero bytes": "\0\0\0",
    "not UTF-8": b"\xff\xfe{",
    "of a newer course": '{"format": 2, "exercises": {}}',
    "a list": "[]",
    "null": "null",
    "a number of 5,000 digits": "9" * 5000,
    "100,000 levels deep": "[" * 100_000,
    "with tries as text": '{"format": 1, "exercises": {"01_last_state": {"tries": "3", "solved": null}}}',
    "with tries null": '{"format": 1, "exercises": {"01_last_state": {"tries": null}}}',
    "with tries below zero": '{"format": 1, "exercises": {"01_last_state": {"tries": -3}}}',
    "with tries true": '{"format": 1, "exercises": {"01_last_state": {"tries": true}}}',
    "with a day that is none": '{"format": 1, "exercises": {"01_last_state": {"tries": 1, "solved": "soon"}}}',
    "with a number as day": '{"format": 1, "exercises": {"01_last_state": {"tries": 1, "solved": 7}}}',
    "with attempts as a list": '{"format": 1, "exercises": {"01_last_state": [1, null]}}',
    "with letters that are none": '{"format": 1, "exercises": {"a": {"\\ud800": 1}}}',
}
NOT_A_NOTEBOOK = {
    "cut": '{"cells": [{"cell_type"',
    "empty": "",
    "a page of the web": "<!DOCTYPE html>",
    "a list": "[]",
    "without cells": '{"metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
    "with an empty cell": '{"cells": [{"cell_type": "code"}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
    "with cells that are none": '{"cells": [3], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
    "binary": b"\x89PNG\xff",
    "100,000 levels deep": "[" * 100_000,
}


def notebook(content: str | bytes) -> Given:
    """Put this in the place of lecture 01."""
    return lambda place: place.write("course/notebooks/01_lecture.ipynb", content)


def progress(content: str | bytes) -> Given:
    """Put this in the place of the reader's progress."""
    return lambda place: place.write(place.progress, content)


def refused(path: str, number: int = errno.EROFS) -> Given:
    """Let the system refuse to write there."""
    return lambda place: place.refuse(path, number)


def all_of(*steps: Given) -> Given:
    """Do one thing after the other."""
    return lambda place: [step(place) for step in steps]


def built(command: str) -> Given:
    """Run a command first, as it should be."""

    def given(place: Place) -> None:
        assert __main__.main(shlex.split(command)) == 0

    return given


def written(path: str, content: str = "mine") -> Given:
    """Put a file of the reader's there."""
    return lambda place: place.write(path, content)


def returned(*names: str) -> Given:
    """Let notebooks come back from a class."""
    return lambda place: place.returned(*(names or ("kim.ipynb", "lee.ipynb")))


def link(path: str, target: str) -> Given:
    """Make a symbolic link."""

    def given(place: Place) -> None:
        (place.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (place.folder / path).symlink_to(target)

    return given


def pipe(path: str) -> Given:
    """Make a named pipe, which waits for ever when it is read."""
    import os

    def given(place: Place) -> None:
        (place.folder / path).unlink(missing_ok=True)
        os.mkfifo(place.folder / path)

    return given


def folder(path: str) -> Given:
    """Make a folder, in the place of a file where there is one."""

    def given(place: Place) -> None:
        (place.folder / path).unlink(missing_ok=True)
        (place.folder / path).mkdir(parents=True)

    return given


def output(kind: str) -> Given:
    """Lead the output elsewhere."""
    return lambda place: place.output(kind)


def fills(path: str, module: ModuleType) -> Given:
    """Let the disk be full right after a command has looked where it will write."""

    def given(place: Place) -> None:
        def check_folder(folder):
            found = refusals.check_folder(folder)
            place.refuse(path, errno.ENOSPC)
            return found

        place.monkeypatch.setattr(module, "check_folder", check_folder)

    return given


def half_built(place: Place) -> None:
    """Let a build of the site be refused while its pages are put in place."""
    place.refuse("out/search.html", errno.EIO)
    assert __main__.main(["site", "--to", "out"]) == 1
    REFUSED.clear()


def small_files(_place: Place) -> None:
    """Limit the size of files as ``ulimit -f 8`` does; what is printed into a file is shorter."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


# command -> what it needs first, and what it may write into the folder that it is told
WRITING = {
    "slides --to {}": (nothing, "out"),
    "site --to {}": (nothing, "out"),
    "handout {}": (nothing, "out"),
    "grade class --csv {}/grades.csv": (returned(), "out"),
    "progress --export {}/copy.json": (nothing, "out"),
}
REFUSALS = {
    errno.EROFS: r"cannot be written to",
    errno.EACCES: r"cannot be read or cannot be written to by you",
    errno.EPERM: r"does not allow to write here",
    errno.ENOSPC: r"disk is full",
    errno.EDQUOT: r"quota",
    errno.EIO: r"disk gives an error",
    errno.EMFILE: r"Too many files are open",
}

FAULTS = [
    # where a command is to write: looked at before it works
    *(
        Fault(
            f"{command.split()[0]} where the system refuses ({errno.errorcode[number]})",
            command.format("out"),
            says,
            all_of(first, folder("out"), refused("out", number)),
            ran=(),
        )
        for command, (first, _) in WRITING.items()
        for number, says in REFUSALS.items()
    ),
    *(
        Fault(
            f"{command.split()[0]} into a folder that cannot be made",
            command.format("own/new/deeper"),
            r"own.* cannot be written to",
            all_of(first, refused("own")),
            ran=(),
        )
        for command, (first, _) in WRITING.items()
    ),
    *(
        Fault(
            f"{command.split()[0]} into a file",
            command.format("own/mine.txt"),
            r"own/mine\.txt is no folder.*name another place",
            first,
            ran=(),
        )
        for command, (first, _) in WRITING.items()
    ),
    *(
        Fault(
            f"{command.split()[0]} below a file",
            command.format("own/mine.txt/out"),
            r"own/mine\.txt is no folder.*name another place",
            first,
            ran=(),
        )
        for command, (first, _) in WRITING.items()
    ),
    *(
        Fault(
            f"{command.split()[0]} into a link to nothing that may be made there",
            command.format("own/link"),
            r"(is no folder|cannot be written to)",
            all_of(first, link("own/link", "mine.txt/x")),
            ran=(),
        )
        for command, (first, _) in WRITING.items()
    ),
    *(
        Fault(
            f"{command.split()[0]} into a link that leads to itself",
            command.format("own/loop"),
            r"(is no folder|leads back to itself)",
            all_of(first, link("own/loop", "loop")),
            ran=(),
        )
        for command, (first, _) in WRITING.items()
    ),
    *(
        Fault(
            f"{command.split()[0]} into a name that is too long",
            command.format("n" * 300),
            r"name is longer than this disk allows",
            first,
            ran=(),
        )
        for command, (first, _) in WRITING.items()
    ),
    *(
        Fault(f"{command.split()[0]} into a device", command.format("/dev/null"), r"is no folder", first, ran=())
        for command, (first, _) in WRITING.items()
    ),
    # what a command writes into is not its own alone
    Fault("site into a folder with something else", "site --to own", r"something else .*mine\.txt.*--to"),
    Fault("site over another site", "site --to out", r"something else.*--to", written("out/objects.inv")),
    Fault(
        "site over a page of the reader's",
        "site --to out",
        r"did not write.*index\.html",
        all_of(built("site --to out"), written("out/index.html", "my own")),
    ),
    Fault(
        "site again with an own page among its own",
        "site --to out",
        r"index\.html",
        all_of(built("site --to out"), written("out/own.html"), written("out/.git/config")),
        0,
        (
            "out/searchindex.js",
            "out/.course-site.json",
            "out/*.html.x",
            "out/index.html",
            "out/genindex.html",
            "out/search.html",
            "out/objects.inv",
        ),
    ),
    Fault(
        "site into a new branch of pages",
        "site --to out",
        r"index\.html",
        all_of(written("out/.git/config"), written("out/CNAME")),
        0,
        ("out/_*", "out/*.html", "out/*.js", "out/objects.inv", "out/.course-site.json"),
    ),
    Fault(
        "site whose list was damaged",
        "site --to out",
        r"something else|did not write",
        all_of(built("site --to out"), written("out/.course-site.json", "{")),
    ),
    Fault(
        "site whose list names files outside",
        "site --to out",
        r"index\.html",
        all_of(built("site --to out"), lambda place: names_outside(place)),
        0,
        SITE,
    ),
    Fault(
        "site through a link in its folder",
        "site --to out",
        r"did not write.*_static",
        all_of(built("site --to out"), lambda place: links_static(place)),
    ),
    Fault(
        "site that is stopped by a killed one's traces",
        "site --to out",
        r"index\.html",
        written("out/.course-site-abcdef/pages/x"),
        0,
        SITE,
    ),
    Fault(
        "slides over a file of the reader's",
        "slides --to out",
        r"did not write.*01_lecture\.html.*--to",
        written("out/01_lecture.html"),
    ),
    Fault(
        "slides over a style of the reader's",
        "slides --to out",
        r"did not write.*slides\.css.*--to",
        written("out/assets/slides.css"),
    ),
    Fault(
        "slides over a deck that was changed",
        "slides --to out",
        r"changed since.*01_lecture\.html.*--to",
        all_of(built("slides --to out"), written("out/01_lecture.html", "my own")),
    ),
    Fault(
        "slides beside a killed one's traces",
        "slides --to out",
        r"01_lecture\.html",
        written("out/.course-slides-abcdef/x"),
        0,
        DECKS,
    ),
    Fault(
        "handout over an answer",
        "handout out",
        r"01_lecture\.ipynb already; nothing was written. Name another",
        written("out/01_lecture.ipynb"),
    ),
    Fault(
        "handout over a link to nothing",
        "handout out",
        r"02_lecture\.ipynb already",
        link("out/02_lecture.ipynb", "nowhere"),
    ),
    Fault("handout a second time", "handout out", r"3 lectures", built("handout out"), 0),
    Fault(
        "handout after one that was killed half-way",
        "handout out",
        r"3 lectures",
        all_of(
            built("handout out"),
            lambda place: (place.folder / "out/02_lecture.ipynb").unlink(),
            written("out/.course-handout-abcdef/x"),
        ),
        0,
        ("out/02_lecture.ipynb", "out/.course-handout-*"),
    ),
    Fault(
        "grade into a table of the reader's",
        "grade class --csv class/roster.csv",
        r"no table of this command.*--csv",
        all_of(returned(), written("class/roster.csv", "name,mark\n")),
        ran=(),
    ),
    Fault(
        "grade over a notebook that came back",
        "grade class --csv class/kim.ipynb",
        r"no table of this command",
        returned(),
        ran=(),
    ),
    Fault("grade onto a folder", "grade class --csv class", r"is a folder: name a file", returned(), ran=()),
    Fault("grade onto a device", "grade class --csv /dev/full", r"no file that could be replaced", returned(), ran=()),
    Fault("progress exported over a file", "progress --export own/mine.txt", r"left alone; name another file"),
    Fault(
        "progress exported over a link to nothing",
        "progress --export own/link",
        r"left alone; name another file",
        link("own/link", "nowhere"),
    ),
    # a table and a summary are not lost after the work
    Fault(
        "grade whose table can no longer be written",
        "grade class",
        r"kim\.ipynb: 1 of 1 correct[\s\S]*"
        r"could not be written to class/grades\.csv[\s\S]*kim\.ipynb,01_last_state,correct",
        lambda place: too_late(place),
        ran=("kim.ipynb", "lee.ipynb"),
    ),
    Fault("grade > /dev/full", "grade class", r"takes no more", all_of(returned(), output("full")), 1, TABLE),
    Fault("grade | head", "grade class", r"^$", all_of(returned(), output("gone")), 0, TABLE),
    Fault("grade >&-", "grade class", r"^$", all_of(returned(), output("closed")), 0, TABLE),
    Fault(
        "grade a Korean name on a terminal of ASCII",
        "grade class",
        r"^$",
        all_of(returned("김.ipynb"), output("ascii")),
        0,
        (*TABLE, *PROGRESS),
        ("김.ipynb",),
    ),
    Fault("grade a name that is no text", "grade class", r"1 of 1 correct", returned("k\udcffm.ipynb"), 0, TABLE),
    Fault("grade under ulimit -f", "grade class", r"1 of 1 correct", all_of(returned(), small_files), 0, TABLE),
    Fault(
        "grade, stopped",
        "grade class",
        r"kim\.ipynb: 1 of 1 correct\nStopped before the end: no table[\s\S]*Stopped\.",
        lambda place: stopped_after_one(place),
        130,
        ("class/.grades.csv.kept",),
        ran=("kim.ipynb",),
    ),
    # refused after the first look: nothing is half-written, and what was there stays
    Fault(
        "handout refused in the middle",
        "handout out",
        r"cannot be written to",
        refused("out/02_lecture.ipynb"),
        may_change=("out",),
    ),
    Fault("handout where the disk fills", "handout out", r"disk is full", fills("out", classroom), may_change=("out",)),
    Fault(
        "slides where the disk fills",
        "slides --to out",
        r"disk is full",
        all_of(built("slides --to out"), fills("out", slides)),
    ),
    Fault(
        "site where the disk fills",
        "site --to out",
        r"disk is full",
        all_of(built("site --to out"), fills("out", site)),
    ),
    Fault(
        "site after one that was refused in the middle",
        "site --to out",
        r"index\.html",
        all_of(built("site --to out"), lambda place: half_built(place)),
        0,
        SITE,
    ),
    Fault("execute, one notebook cut", "execute", r"01_lecture\.ipynb is damaged", notebook("{"), ran=()),
    Fault(
        "execute another notebook than the one that is cut", "execute 02", r"^$", notebook("{"), 0, ran=("02_lecture",)
    ),
    # what a class hands in
    Fault("grade a folder that is not there", "grade clas", r"There is no folder clas: name"),
    Fault("grade one file", "grade own/mine.txt", r"is a file: name the folder"),
    Fault("grade an empty folder", "grade own", r"There is no notebook"),
    Fault(
        "grade a folder of another user",
        "grade class",
        r"cannot be read",
        all_of(returned(), lambda place: place.unreadable("class")),
        ran=(),
    ),
    # output that goes nowhere
    *(
        Fault(f"{command} > {kind}", command, says, output(kind), status)
        for command in ("progress", "slides 99", "doctor inside")
        for kind, says, status in (("full", r"takes no more|99|doctor", 1), ("gone", "", 0), ("closed", "", 0))
        if command == "progress"
    ),
    Fault("slides under ulimit -f", "slides --to out", r"ulimit -f", small_files, 1, ("out",)),
    Fault("handout under ulimit -f", "handout out", r"3 lectures", small_files, 0, ("out", "out/*")),
    # notebooks, runs, registry: what is damaged is named, and only what depends on it stops
    *(
        Fault(
            f"{command}, one notebook {kind}",
            command,
            rf"01_lecture\.ipynb is damaged .*{more}",
            notebook(content),
            status,
            changes,
            ran,
        )
        for kind, content in NOT_A_NOTEBOOK.items()
        for command, status, changes, ran, more in (
            ("evidence 02_record", 0, (), ("02_lecture",), ""),
            ("evidence 01_record", 1, (), (), ""),
            ("slides --to out", 1, DECKS, (), ""),
            ("handout out", 1, (), (), ""),
        )
    ),
    Fault(
        "all evidence, one notebook cut",
        "evidence",
        r"01_lecture\.ipynb is damaged[\s\S]*left out",
        notebook("{"),
        1,
        ran=("00_lecture", "02_lecture", "01_lecture"),
    ),
    Fault(
        "a notebook is a pipe",
        "slides --to out",
        r"is damaged \(it is no file\)",
        pipe("course/notebooks/01_lecture.ipynb"),
        1,
        DECKS,
    ),
    Fault(
        "a notebook is a folder",
        "slides --to out",
        r"is damaged \(it is no file\)",
        folder("course/notebooks/01_lecture.ipynb"),
        1,
        DECKS,
    ),
    Fault(
        "execute a notebook of another user",
        "execute 01",
        r"cannot be (read|written)",
        refused("course/notebooks", errno.EACCES),
        ran=(),
    ),
    *(
        Fault(
            f"slides, runs.json {kind}",
            "slides --to out",
            r"runs\.json is damaged .*minutes",
            lambda place, content=content: place.write(place.runs, content),
            0,
            DECKS,
        )
        for kind, content in {
            "cut": '{"01_lec',
            "a list": "[]",
            "of another kind": '{"01_lecture": 3}',
            "null": "null",
            "with seconds as text": '{"01_lecture": {"seconds": "1", "cell_seconds": {}, "peak_mebibytes": 1}}',
            "with a cell's seconds null": '{"01_lecture": {"seconds": 1, "cell_seconds": {"a": null}}}',
        }.items()
    ),
    Fault(
        "slides, runs.json missing",
        "slides --to out",
        r"runs\.json is missing",
        lambda place: place.runs.unlink(),
        0,
        DECKS,
    ),
    *(
        Fault(
            f"doctor, registry {kind}",
            "doctor inside",
            r"registry\.json is damaged",
            lambda place, content=content: place.write("course/registry.json", content),
        )
        for kind, content in {
            "cut": '{"cora": {"fil',
            "a list": "[]",
            "without files": '{"cora": {}}',
            "empty": "",
            "with files as text": '{"cora": {"files": ["x"]}}',
            "null inside": '{"cora": null}',
        }.items()
    ),
    Fault(
        "doctor, registry missing",
        "doctor inside",
        r"registry\.json is not there",
        lambda place: (place.course / "registry.json").unlink(),
    ),
    # progress: whatever is wrong with it, the answer is checked and the lecture goes on
    *(
        Fault(
            f"{call}, progress {kind}",
            call,
            r"could not be used \(.*kept as progress\.",
            progress(content),
            0,
            (*PROGRESS, "progress"),
        )
        for kind, content in DAMAGED.items()
        for call in ("check", "show_progress", "progress")
    ),
    *(
        Fault(
            f"{call}, progress damaged and its folder read-only",
            call,
            r"Your progress (cannot be read|could not be kept)",
            all_of(progress("{"), refused("progress")),
            0,
        )
        for call in ("check", "show_progress", "progress")
    ),
    *(
        Fault(
            f"{call}, progress is {kind}",
            call,
            r"Your progress (cannot be read|could not be kept)",
            given,
            0,
            ("progress/.progress.json.lock",),
        )
        for kind, given in {
            "a folder": folder("progress/progress.json"),
            "a pipe": pipe("progress/progress.json"),
            "another user's": lambda place: place.unreadable(place.progress),
        }.items()
        for call in ("check", "show_progress", "progress")
    ),
    *(
        Fault(
            f"check, progress refused ({errno.errorcode[number]})",
            "check",
            r"correct[\s\S]*could not be kept",
            refused("progress", number),
            0,
        )
        for number in REFUSALS
    ),
    Fault("progress --reset in a read-only folder", "progress --reset", r"cannot be written to", refused("progress")),
    Fault(
        "progress --export of a folder",
        "progress --export out/copy.json",
        r"is a folder, where a file is needed",
        folder("progress/progress.json"),
        may_change=("out",),
    ),
]


def names_outside(place: Place) -> None:
    """Let a list claim files above its folder and files of the reader's."""
    import hashlib
    import json

    path = place.folder / "out" / ".course-site.json"
    mine = hashlib.sha256((place.own / "mine.txt").read_bytes()).hexdigest()
    stored = json.loads(path.read_text(encoding="utf-8"))
    stored |= {"../own/mine.txt": [mine], str(place.own / "mine.txt"): [mine], "_static/../../own/mine.txt": [mine]}
    place.write(path, json.dumps(stored))


def links_static(place: Place) -> None:
    """Move a folder of the site elsewhere, and leave a link."""
    (place.folder / "out" / "_static").rename(place.own / "static")
    (place.folder / "out" / "_static").symlink_to(place.own / "static")


def too_late(place: Place) -> None:
    """Let the disk fill while notebooks are graded."""
    place.returned("kim.ipynb", "lee.ipynb")
    graded = classroom.grade_notebook

    def grade(*arguments):
        place.refuse("class", errno.ENOSPC)
        return graded(*arguments)

    place.monkeypatch.setattr(classroom, "grade_notebook", grade)


def stopped_after_one(place: Place) -> None:
    """Let Ctrl-C come while the second notebook is graded."""
    place.returned("kim.ipynb", "lee.ipynb")
    graded = classroom.grade_notebook

    def grade(*arguments):
        if place.ran:
            raise KeyboardInterrupt
        return graded(*arguments)

    place.monkeypatch.setattr(classroom, "grade_notebook", grade)


def last_state(states, lengths):
    """Answer the exercise that is checked."""
    import torch

    return states[torch.arange(len(states)), lengths - 1]


def play(command: str) -> int:
    """Run a command line, or one of the calls in a notebook."""
    from course_utils.commands import doctor

    calls = {
        "check": lambda: check("01_last_state", last_state),
        "show_progress": lambda: show_progress("01"),
        "doctor inside": doctor.main,
    }
    return calls[command]() or 0 if command in calls else __main__.main(shlex.split(command))


def test_no_two_rows_have_one_name():
    names = [fault.name for fault in FAULTS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_told_and_harms_nothing(fault, place, capsys, monkeypatch):
    monkeypatch.setattr("signal.signal", lambda *_: None)
    fault.given(place)
    if sys.stdout is not None and hasattr(sys.stdout, "getvalue"):
        capsys.readouterr()
    place.ran.clear()
    before = place.state()
    status = play(fault.command)
    written = capsys.readouterr()
    told = written.out + written.err
    assert re.search(fault.says, told), told
    assert "Traceback" not in told
    assert status == fault.status, told
    assert differences(before, place.state(), fault.may_change) == []
    if fault.ran is not None:
        assert tuple(place.ran) == fault.ran
    traces = [path for path in place.folder.rglob(".*") if re.search(r"^\.course-\w+-|\.\d+$", path.name)]
    assert traces == []
