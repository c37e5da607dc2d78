"""What a learner has solved: one small file on this machine. Nothing leaves it.

``python3 course.py progress`` shows it, ``--export FILE`` copies it, ``--reset`` begins anew.
"""

import argparse
import datetime
import errno
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from course_utils.command_line import parse
from course_utils.exercises.catalogue import EXERCISES, of_lecture
from course_utils.files import CHECKOUT, alone, write_atomically
from course_utils.refusals import Stop, carry_out, check_file

FORMAT = 1


@dataclass(frozen=True)
class Attempts:
    """How often an exercise was tried, and the day it was solved (ISO date), or None."""

    tries: int = 0
    solved: str | None = None

    @classmethod
    def read(cls, stored: Any) -> "Attempts":
        """Read what was stored; it raises an error, of several kinds, where that is nothing we wrote."""
        tries, solved = stored.get("tries", 0), stored.get("solved")
        if type(tries) is not int or tries < 0 or stored.keys() - {"tries", "solved"}:
            raise ValueError("it holds something else than attempts")
        if solved is not None:
            datetime.date.fromisoformat(solved)
        return cls(tries, solved)


def progress_file() -> Path:
    """Name the file: ``COURSE_PROGRESS``, or ``progress.json`` in the checkout, where git ignores it."""
    return Path(os.environ.get("COURSE_PROGRESS") or CHECKOUT / "progress.json")


def read() -> dict[str, Attempts]:
    """Read exercise → attempts.

    A file that is damaged, or has another format, is set aside under another name, never overwritten. Where the system
    refuses to read it, a line says so, and nothing is known.
    """
    try:
        return _read()
    except OSError as error:
        print(f"(Your progress cannot be read: {_why(error)}.)")
        return {}


def solved() -> set[str]:
    """Name the exercises that are solved; none where the system refuses to read the file, without a word."""
    try:
        return {name for name, attempts in _read().items() if attempts.solved}
    except OSError:
        return set()


def _read() -> dict[str, Attempts]:
    path = progress_file()
    if path.exists() and not path.is_file():  # opening a pipe would wait for ever
        raise OSError(errno.EEXIST, f"{path} is no file; move it away")
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored["format"] != FORMAT:
            raise ValueError(f"its format is {stored['format']}, expected {FORMAT}")
        return {name: Attempts.read(attempts) for name, attempts in stored["exercises"].items()}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        aside, why = _set_aside(path), _in_plain_words(error)
        print(f"{path.name} could not be used ({why}); it is kept as {aside.name}, and a new one begins.")
        return {}


def _in_plain_words(error: Exception) -> str:
    """Give an error's words, which the damaged file may have had a part in, so that any terminal can show them."""
    return " ".join(str(error).encode("ascii", "backslashreplace").decode().split())[:200]


def _why(error: OSError) -> str:
    return str(error.strerror or error)


def note(name: str, solved: bool) -> None:
    """Count one attempt; once solved, an exercise stays solved."""
    try:
        with alone(progress_file()):
            exercises = _read()
            before = exercises.get(name, Attempts())
            day = before.solved or (datetime.date.today().isoformat() if solved else None)
            exercises[name] = Attempts(before.tries + 1, day)
            content = {"format": FORMAT, "exercises": {n: asdict(a) for n, a in sorted(exercises.items())}}
            write_atomically(progress_file(), json.dumps(content, indent=1).encode())
    except OSError as error:  # a full disk or a read-only folder must not take the answer's diagnosis away
        print(f"(Your progress could not be kept: {_why(error)}.)")


def show_progress(lecture: str) -> None:
    """Print one line: how many exercises of a lecture, such as ``"02"``, are solved, and which is next."""
    stored = read()
    mine = of_lecture(lecture)
    todo = [name for name in mine if not stored.get(name, Attempts()).solved]
    line = f"Exercises of lecture {lecture}: {len(mine) - len(todo)} of {len(mine)} solved."
    print(f"{line} Next: {todo[0]}" if todo else line)


def summary() -> str:
    """Give a table of all exercises, lecture by lecture."""
    stored = read()
    lines = []
    for lecture in sorted({name[:2] for name in EXERCISES}):
        mine = of_lecture(lecture)
        solved = sum(bool(stored.get(name, Attempts()).solved) for name in mine)
        lines.append(f"{lecture}  {solved} of {len(mine)} solved")
        for name in mine:
            attempts = stored.get(name, Attempts())
            state = f"solved on {attempts.solved}" if attempts.solved else "tried" if attempts.tries else "-"
            tries = f", {attempts.tries} {'try' if attempts.tries == 1 else 'tries'}" if attempts.tries else ""
            lines.append(f"    {name:32}{state}{tries}")
    return "\n".join(lines)


def _set_aside(path: Path) -> Path:
    moment = datetime.datetime.now().strftime("%Y%m%d-%H%M%S-%f")
    aside = path.with_name(f"{path.stem}.{moment}{path.suffix}")
    os.replace(path, aside)
    return aside


def main(command_line: Sequence[str]) -> int:
    """Run ``course.py progress`` with the rest of its command line; give the exit status."""
    return run(parse(["progress", *command_line]))


def run(arguments: argparse.Namespace) -> int:
    """Show, export or reset the progress; give the exit status."""
    path = progress_file()
    if (arguments.export or arguments.reset) and not path.exists():
        print("There is no progress yet: nothing to do.")
        return 0
    if arguments.export:
        if os.path.lexists(arguments.export):
            raise Stop(f"{arguments.export} is there already and was left alone; name another file.")
        check_file(arguments.export)
        write_atomically(arguments.export, path.read_bytes())
        print(f"Written to {arguments.export}.")
    if arguments.reset:
        print(f"Begun anew; what was there is kept as {_set_aside(path).name}.")
    if not (arguments.export or arguments.reset):
        print(summary())
    return 0


if __name__ == "__main__":
    sys.exit(carry_out(lambda: main(sys.argv[1:])))
