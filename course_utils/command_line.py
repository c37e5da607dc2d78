"""The command line of ``course.py``, described once.

The launcher reads it as well, before there is an environment, so that ``--help`` and a word that is not understood are
answered before anything is installed: standard library only, and no syntax newer than Python 3.7.
"""

import argparse
import sys
from pathlib import Path

BUILD = Path(__file__).resolve().parents[1] / "build"


def port(word):
    """Read the number of a port."""
    if not word.isdecimal() or not 1 <= int(word) <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 1 to 65535, not %s; 8888 is usual" % word)
    return int(word)


def number(word):
    """Read how many."""
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError("expected a number from 1 on, not %s" % word)
    return int(word)


def path(word):
    """Read the name of a file or folder; an empty one, as an unset variable of the shell gives, is none."""
    if not word:
        raise argparse.ArgumentTypeError("the name of a file or folder is empty")
    return Path(word)


def parse(command_line):
    """Read the command line; what follows `test` belongs to pytest."""
    parser = argparse.ArgumentParser(
        prog="course.py",
        description="The attention course. The first use makes its environment in .venv.",
        epilog="python3 course.py COMMAND --help tells more.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(name, says, **options):
        return commands.add_parser(name, help=says, description=says, **options)

    def add_language(command, says):
        command.add_argument("--language", default="", metavar="CODE", help=says + " (en, ko, ...)")

    opened = add("lab", "open the course in JupyterLab: your own copies of the lectures, which git does not see")
    opened.add_argument("--edit", action="store_true", help="for contributors: the lectures themselves")
    opened.add_argument("--no-browser", action="store_true", help="only print the address")
    add_language(opened, "of the lectures and of what is said about your answers; it is remembered")
    opened.add_argument("--port", type=port, help="listen on this port (otherwise 8888 or the next free one)")
    says = "check that all of it works here: lint, tests, all notebooks; with --all also the tests of the checks; "
    says += "with other arguments (test -k mask) only pytest with these; "
    says += "--machines plays other machines, which takes long (--machines --short: three minutes)"
    add("test", says, usage="course.py test [--all | --machines [--short] | pytest arguments ...]")
    measured = add("evidence", "measure again what the claims rest on, from clean kernels, and write the records")
    measured.add_argument("names", nargs="*", metavar="RECORD", help="such as 05_heads in CLAIMS.md (otherwise all)")
    measured.add_argument(
        "--device", help="where the translation of Multi30k trains, such as cuda (otherwise, and all else, on the CPU)"
    )
    where = measured.add_mutually_exclusive_group()
    says = "measure so many seeds at once, each in a process of its own with one thread"
    where.add_argument("--workers", type=number, metavar="N", help=says)
    says = "send the seeds to a Dask cluster, such as tcp://10.0.0.1:8786"
    where.add_argument("--scheduler", metavar="ADDRESS", help=says)
    measured.add_argument("--quick", action="store_true", help="one seed each, as a trial; replaces no record")
    executed = add("execute", "for contributors: run lectures from a clean kernel and keep the outputs")
    executed.add_argument("lectures", nargs="*", metavar="LECTURE", help="such as 02 (otherwise all)")
    says = "bring your copies up to date with the course: your answers and your own cells are carried over, each "
    newer = add("update", says + "old copy is set aside; save and close them first")
    newer.add_argument("lectures", nargs="*", metavar="LECTURE", help="such as 02 (otherwise all)")
    shown = add("progress", "show which exercises are solved")
    shown.add_argument("--export", type=path, metavar="FILE", help="write a copy to FILE, which must not exist yet")
    shown.add_argument("--reset", action="store_true", help="begin anew; the old file is kept under another name")
    out = add("handout", "for a class: write the lectures without their solutions into a folder")
    out.add_argument("folder", nargs="?", type=path, default=BUILD / "handout", help="(otherwise build/handout)")
    add_language(out, "of the lectures")
    says = "for a class: run the answers in returned notebooks, compare what they compute with ours, and write tables; "
    says += "this runs the learners' code with your rights; where Linux has Landlock, that code writes only into a "
    says += "folder of its own and cannot read our answers"
    back = add("grade", says)
    back.add_argument("folder", type=path)
    back.add_argument("--csv", type=path, help="where the table goes (otherwise FOLDER/grades.csv)")
    back.add_argument("--seconds", type=int, default=20, help="time limit for one answer (20)")
    says = "grade so many notebooks at once (otherwise as many as processors and memory allow)"
    back.add_argument("--workers", type=number, metavar="N", help=says)
    back.add_argument("--whole", action="store_true", help="run every cell, also those that train (slower)")
    _add_data(add("data", "the data sets: data build, data list, data fetch NAME, data verify"))
    decks = add("slides", "make a slide deck of each lecture")
    decks.add_argument("lectures", nargs="*", metavar="LECTURE", help="such as 02 (otherwise all)")
    decks.add_argument("--to", type=path, default=BUILD / "slides", metavar="FOLDER", help="(otherwise build/slides)")
    add_language(decks, "of titles, text and notes; another than English has a folder of its own in FOLDER")
    decks.add_argument("--author", default="", help="who speaks; on the title, and at the foot of each slide")
    decks.add_argument("--course", default="", help="where, such as the name of your course")
    decks.add_argument("--date", default="", help="when")
    decks.add_argument("--open", action="store_true", help="show the first deck in the browser, on 127.0.0.1")
    pages = add("site", "build the course as a static site")
    pages.add_argument("--to", type=path, default=BUILD / "site", metavar="FOLDER", help="(otherwise build/site)")
    says = "build it beside English, also where its translation is not complete; those that are complete always are"
    add_language(pages, says)
    pages.add_argument("--open", action="store_true", help="show it in the browser, on 127.0.0.1")
    says = "where it will be published; then it has a map for search engines and cards for links to it"
    pages.add_argument("--address", default="", metavar="URL", help=says)
    printed = add("book", "print the lectures as one PDF, with a Chromium or Chrome, or make an EPUB of them")
    printed.add_argument("lectures", nargs="*", metavar="LECTURE", help="such as 02 (otherwise all)")
    printed.add_argument("--epub", action="store_true", help="an EPUB, for e-readers; it needs no browser")
    says = "(otherwise build/attention.pdf or .epub, and of lecture 02 alone build/attention-02.pdf)"
    printed.add_argument("--to", type=path, metavar="FILE", help=says)
    add_language(printed, "of its text")
    add("doctor", "say what is here, what is missing, and what to do")

    if not command_line:
        parser.print_help(sys.stderr)
        parser.exit(2)
    of_pytest = command_line[0] == "test" and command_line[1:] not in (["--help"], ["-h"])
    arguments = parser.parse_args(["test"] if of_pytest else command_line)
    arguments.rest = command_line[1:] if of_pytest else []
    return arguments


def _add_data(data):
    commands = data.add_subparsers(dest="what", metavar="COMMAND", required=True)
    for name, says in (
        ("build", "build the corpora that need no network, so that lessons and tests find them ready"),
        ("list", "list the public sets: size, where they lie, licence, and what the course does without them"),
        ("fetch", "fetch sets, all if none is named; what one of them lacks stops no other"),
        ("verify", "compare every file with its sha256; a damaged file fails, and a missing one if its set was named"),
    ):
        command = commands.add_parser(name, help=says, description=says)
        if name != "build":
            command.add_argument("names", nargs="*", metavar="NAME", help="data sets, as data list names them")
        if name == "fetch":
            command.add_argument("--offline", action="store_true", help="ask no network; say what is missing")
