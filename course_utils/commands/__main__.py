"""Runs one command of ``course.py`` inside the environment: ``python -m course_utils.commands COMMAND …``."""

import importlib
import signal
import sys
from collections.abc import Sequence

from course_utils.commands import do_without_a_home
from course_utils.commands.command_line import parse
from course_utils.refusals import carry_out

# command -> the module that runs it, and what its own command line begins with
MODULES = {
    "lab": ("course_utils.commands.lab", []),
    "test": ("course_utils.commands.test", []),
    "evidence": ("course_utils.commands.evidence", []),
    "execute": ("course_utils.commands.execute", []),
    "update": ("course_utils.exercises.copies", []),
    "progress": ("course_utils.exercises.progress", []),
    "handout": ("course_utils.exercises.classroom", ["handout"]),
    "grade": ("course_utils.exercises.classroom", ["grade"]),
    "data": ("course_utils.data.__main__", []),
    "slides": ("course_utils.publishing.slides", []),
    "site": ("course_utils.publishing.site", []),
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
    """Import what runs the command, and run it; the commands of this folder get their arguments read already."""
    name, begins_with = MODULES[arguments.command]
    module = importlib.import_module(name)
    return module.run(arguments) if hasattr(module, "run") else module.main([*begins_with, *arguments.rest])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
