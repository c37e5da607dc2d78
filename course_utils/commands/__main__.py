"""Runs one command of ``course.py`` inside the environment: ``python -m course_utils.commands COMMAND …``."""

import errno
import importlib
import os
import signal
import sys
from collections.abc import Sequence

from course_utils.commands import Stop, do_without_a_home
from course_utils.commands.command_line import parse
from course_utils.files import CHECKOUT

# command -> the module that runs it, and what its own command line begins with
MODULES = {
    "lab": ("course_utils.commands.lab", []),
    "test": ("course_utils.commands.test", []),
    "evidence": ("course_utils.commands.evidence", []),
    "execute": ("course_utils.commands.execute", []),
    "progress": ("course_utils.exercises.progress", []),
    "handout": ("course_utils.exercises.classroom", ["handout"]),
    "grade": ("course_utils.exercises.classroom", ["grade"]),
    "data": ("course_utils.data.__main__", []),
    "slides": ("course_utils.publishing.slides", []),
    "site": ("course_utils.publishing.site", []),
}
CANNOT_WRITE = "cannot be written to. Copy the course to a folder of your own, or name a folder where you may write"
SENTENCES = {  # errno -> what the reader should know of it
    errno.ENOSPC: "The disk is full: make room and run the same command again.",
    errno.EDQUOT: "Your quota on this disk is used up: make room and run the same command again.",
    errno.EFBIG: "This shell limits the size of files (ulimit -f): lift the limit and run the same command again.",
    errno.EROFS: f"A folder ({{path}}) {CANNOT_WRITE}.",
    errno.EACCES: f"A file or folder ({{path}}) {CANNOT_WRITE}.",
}


def main(command_line: Sequence[str]) -> int:
    """Run one command; give the exit status."""
    arguments = parse(list(command_line))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        do_without_a_home()
        status = run(arguments)
        if sys.stdout is not None:  # closed by whoever started the course
            sys.stdout.flush()
        return status
    except Stop as stop:
        print(f"\n{stop}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on, or begins anew.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read along (| head) has seen enough
        give_up_output()
        return 0
    except OSError as error:
        if error.errno not in SENTENCES:
            raise
        print(f"\n{SENTENCES[error.errno].format(path=error.filename or CHECKOUT)}\n({error})", file=sys.stderr)
        give_up_output()
    return 1


def run(arguments) -> int:
    """Import what runs the command, and run it; the commands of this folder get their arguments read already."""
    name, begins_with = MODULES[arguments.command]
    module = importlib.import_module(name)
    return module.run(arguments) if hasattr(module, "run") else module.main([*begins_with, *arguments.rest])


def give_up_output() -> None:
    """Let the interpreter's last flush of the standard output fail no more."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
