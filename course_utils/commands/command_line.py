"""The command line of ``course.py``, described once.

The launcher reads it as well, before there is an environment, so that a word that is not understood is answered before
anything is installed: standard library only, and no syntax newer than Python 3.7.
"""

import argparse
import sys

# these read the rest of their command line themselves
PASSED_ON = ("update", "progress", "handout", "grade", "slides", "site", "data")


def port(word):
    """Read the number of a port."""
    if not word.isdecimal() or not 1 <= int(word) <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 1 to 65535, not %s; 8888 is usual" % word)
    return int(word)


def parse(command_line):
    """Read the command line; what follows `test` belongs to pytest, and what follows PASSED_ON to another module."""
    parser = argparse.ArgumentParser(
        prog="course.py",
        description="The attention course. The first use makes its environment in .venv.",
        epilog="python3 course.py COMMAND --help tells more.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(name, says, **options):
        return commands.add_parser(name, help=says, description=says, **options)

    opened = add("lab", "open the course in JupyterLab: your own copies of the lectures, which git does not see")
    opened.add_argument("--edit", action="store_true", help="for contributors: the lectures themselves")
    opened.add_argument("--no-browser", action="store_true", help="only print the address")
    opened.add_argument("--port", type=port, help="listen on this port (otherwise 8888 or the next free one)")
    says = "check everything: lint, unit tests, all notebooks; with arguments (test -k mask) only pytest with these; "
    says += "--machines plays other machines, which takes long (--machines --short: three minutes)"
    add("test", says, usage="course.py test [--machines [--short] | pytest arguments ...]")
    measured = add("evidence", "measure again what the claims rest on, from clean kernels, and write the records")
    measured.add_argument("names", nargs="*", metavar="RECORD", help="as in experiments/records (otherwise all)")
    measured.add_argument(
        "--device", help="where the translation of Multi30k trains, such as cuda (otherwise, and all else, on the CPU)"
    )
    measured.add_argument("--quick", action="store_true", help="one seed each, as a trial; replaces no record")
    executed = add("execute", "for contributors: run lectures from a clean kernel and keep the outputs")
    executed.add_argument("lectures", nargs="*", metavar="LECTURE", help="such as 02 (otherwise all)")
    add("update", "bring your copies up to date with the course; your answers and cells are carried over")
    add("progress", "show which exercises are solved; --export FILE, --reset")
    add("handout", "for a class: write the lectures without solutions into a folder")
    add("grade", "for a class: run the checks on the notebooks in a folder and write a table")
    add("data", "the data sets: data build, data list, data fetch NAME, data verify")
    add("slides", "make a slide deck of each lecture; --open shows it")
    add("site", "build the course as a static site; --open shows it")
    add("doctor", "say what is here, what is missing, and what to do")

    if not command_line:
        parser.print_help(sys.stderr)
        parser.exit(2)
    command, rest = "".join(command_line[:1]), command_line[1:]
    passed_on = command in PASSED_ON or (command == "test" and rest not in (["--help"], ["-h"]))
    arguments = parser.parse_args([command] if passed_on else command_line)
    arguments.rest = rest if passed_on else []
    return arguments
