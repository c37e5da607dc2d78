"""A small course in a folder of its own, things that go wrong in it, and what must be unharmed afterwards."""

import errno
import hashlib
import os
import sys
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_utils.commands import doctor, evidence, execute, machines
from course_utils.exercises import classroom
from course_utils.exercises.classroom import Row
from course_utils.publishing import notebooks, site, slides

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
REFUSED: dict[str, int] = {}  # path -> the number of the error with which the system refuses to write there
UNREADABLE: set[str] = set()


def _refuse(event: str, arguments: tuple) -> None:
    """Play a system that refuses: called by Python before it opens, makes, renames or removes anything."""
    if event == "open":
        touched = [arguments[0]] if (arguments[2] or 0) & WRITES and not isinstance(arguments[0], int) else []
        if str(arguments[0]) in UNREADABLE:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(arguments[0]))
    elif event in ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink"):
        touched = [path for path in arguments if isinstance(path, str | os.PathLike)]
    elif event in ("os.listdir", "os.scandir") and str(arguments[0]) in UNREADABLE:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(arguments[0]))
    else:
        return
    for path in map(os.path.abspath, touched):
        for folder, number in REFUSED.items():
            if path == folder or path.startswith(f"{folder}/"):
                raise OSError(number, os.strerror(number), path)


sys.addaudithook(_refuse)  # for the rest of the process; it does nothing while nothing is refused


def lecture(number: str) -> nbformat.NotebookNode:
    """Make a lecture as small as it can be: a title, an exercise, a measurement, a slide."""
    cells = [
        new_markdown_cell(f"# {number} · Title", metadata={"slideshow": {"slide_type": "slide"}}),
        new_code_cell("def last_state(states, lengths):\n    raise NotImplementedError"),
        new_code_cell('check("01_last_state", last_state)'),
        new_code_cell("solution = 1", metadata={"tags": ["solution"]}),
        new_code_cell(f'record = measure("{number}_record", run, [0, 1, 2], claims)'),
    ]
    for i, cell in enumerate(cells):
        cell.id = f"cell-{number}-{i}"
    return new_notebook(cells=cells)


class Place:
    """The folder in which a fault is played: ``course`` is the checkout, ``own`` holds what belongs to the reader."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch):
        self.folder, self.monkeypatch = folder, monkeypatch
        self.course, self.own = folder / "course", folder / "own"
        self.notebooks, self.runs = self.course / "notebooks", self.course / "notebooks" / "experiments" / "runs.json"
        self.progress = folder / "progress" / "progress.json"
        self.ran: list[str] = []
        self._make()
        self._use()

    def _make(self) -> None:
        for path in (self.own, self.notebooks / "experiments" / "records", self.notebooks / "pictures"):
            path.mkdir(parents=True)
        for number in ("00", "01", "02"):
            nbformat.write(lecture(number), self.notebooks / f"{number}_lecture.ipynb")
        nbformat.write(lecture("91"), self.notebooks / "experiments" / "01_lecture.ipynb")
        self.write(self.runs, '{"01_lecture": {"seconds": 1, "cell_seconds": {}, "peak_mebibytes": 1}}')
        self.write(self.course / "registry.json", '{"cora": {"files": [{"file": "cora/x"}]}}')
        self.write(self.progress, '{"format": 1, "exercises": {"01_last_state": {"tries": 3, "solved": null}}}')
        self.write(self.own / "mine.txt", "the reader's own")

    def _use(self) -> None:
        """Let the commands take this course for theirs, and leave out what takes long."""
        lectures = sorted(self.notebooks.glob("0[12]_*.ipynb"))
        everything = sorted(self.notebooks.glob("*.ipynb"))
        patch = self.monkeypatch.setattr
        for module in (evidence, execute):
            patch(module, "NOTEBOOKS", self.notebooks)
            patch(module, "EXPERIMENTS", self.notebooks / "experiments")
        patch(evidence, "RECORDS", self.notebooks / "experiments" / "records")
        patch(execute, "run_notebook", lambda path, save, first="": self.ran.append(path.stem))
        patch(slides, "LECTURES", lectures)
        patch(slides, "PICTURES", self.notebooks / "pictures")
        patch(slides, "read_runs", lambda: notebooks.read_runs(self.runs))
        patch(machines, "RUNS", self.runs)
        patch(site, "gather", _small_site)
        patch(site, "released", list)  # one language
        patch(classroom, "START_AND_LECTURES", everything)
        patch(classroom, "workers_for_this_machine", lambda: 1)  # nothing of this place is seen by another process
        patch(classroom, "grade_notebook", lambda path, name, *_: [self._graded(name)])
        patch(doctor, "REGISTRY", self.course / "registry.json")
        patch(doctor, "look_at_packages", lambda: [])
        self.monkeypatch.setenv("COURSE_PROGRESS", str(self.progress))
        self.monkeypatch.chdir(self.folder)

    def _graded(self, name: str) -> Row:
        self.ran.append(name)
        return Row(name, "01_last_state", "correct", "correct.", 1.0)

    # what goes wrong

    def write(self, path: Path | str, text: str | bytes) -> Path:
        """Put a file there."""
        path = self.folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def cut(self, path: Path | str) -> None:
        """Leave the first half of a file."""
        content = (self.folder / path).read_bytes()
        self.write(path, content[: len(content) // 2])

    def refuse(self, path: Path | str, number: int) -> None:
        """From now on the system refuses to write there, in this process."""
        REFUSED[str(self.folder / path)] = number

    def unreadable(self, path: Path | str) -> None:
        """From now on a file or folder is another user's."""
        UNREADABLE.add(str(self.folder / path))

    def returned(self, *names: str) -> None:
        """Let notebooks come back from a class."""
        for name in names:
            self.write(f"class/{name}", nbformat.writes(lecture("01")))

    def output(self, kind: str) -> None:
        """Lead the standard output into a full disk, to a reader who has gone, or nowhere."""
        if kind == "full":
            stream = open("/dev/full", "w", encoding="utf-8")  # noqa: SIM115
        elif kind == "gone":
            reading, writing = os.pipe()
            os.close(reading)
            stream = open(writing, "w", encoding="utf-8")  # noqa: SIM115
        elif kind == "ascii":
            stream = open(self.folder / "progress" / "output", "w", encoding="ascii")  # noqa: SIM115
        else:
            stream = None
        self.monkeypatch.setattr(sys, "stdout", stream)

    # what must be unharmed

    def state(self) -> dict[str, str]:
        """Give path → what lies there, of all that is in the folder."""
        found, hidden = {}, UNREADABLE.copy()
        UNREADABLE.clear()
        for path in sorted(self.folder.rglob("*")):
            name = str(path.relative_to(self.folder))
            if path.is_symlink():
                found[name] = f"link to {os.readlink(path)}"
            elif path.is_file():
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
            else:
                found[name] = "folder" if path.is_dir() else "device"
        UNREADABLE.update(hidden)
        return found


def differences(before: dict[str, str], after: dict[str, str], allowed: tuple[str, ...]) -> list[str]:
    """Name what appeared, vanished or changed and was not allowed to."""
    names = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    return [name for name in names if not any(fnmatch(name, pattern) for pattern in allowed)]


def _small_site(folder: Path, *_how: object) -> None:
    folder.mkdir()
    (folder / "conf.py").write_text('extensions = ["myst_parser"]\nhtml_theme = "basic"\n', encoding="utf-8")
    (folder / "index.md").write_text("# Title\n", encoding="utf-8")


Given = Callable[[Place], object]
