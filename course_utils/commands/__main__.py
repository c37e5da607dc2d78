"""Runs one command of ``course.py`` inside the environment: ``python -m course_utils.commands COMMAND …``."""

import importlib
import signal
import sys
from collections.abc import Sequence

from course_utils.command_line import parse
from course_utils.commands import do_without_a_home
from course_utils.refusals import carry_out

MODULES = {  # command -> the module that runs it
    "lab": "course_utils.commands.lab",
    "test": "course_utils.commands.test",
    "evidence": "course_utils.commands.evidence",
    "execute": "course_utils.commands.execute",
    "update": "course_utils.exercises.copies",
    "progress": "course_utils.exercises.progress",
    "handout": "course_utils.exercises.classroom",
    "grade": "course_utils.exercises.classroom",
    "data": "course_utils.data.__main__",
    "slides": "course_utils.publishing.slides",
    "site": "course_utils.publishing.site",
    "book": "course_utils.publishing.book",
}


def main(command_line: Sequence[str]) -> int:
    """Run one command; give the exit status."""
    arguments = parse(list(command_line))
    signal.signal(signal.SIGTERM, signal.default_int_handler)

    def prepared_run() -> int:
        do_without_a_home()
        return run(arguments)

    return carry_out(prepared_run)


def run(arguments) -> int:
    """Import what runs the command, and run it."""
    return importlib.import_module(MODULES[arguments.command]).run(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
