"""The course as a static site, from the notebooks as they are committed: ``python3 course.py site``.

Nothing is executed and nothing is fetched: the pages are made of the notebooks' stored outputs, the records and the
package's docstrings, and they ask for nothing outside.
"""

import argparse
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
from sphinx.cmd.build import build_main

from course_utils.files import CHECKOUT
from course_utils.publishing.assets import copy_mathjax

NOTEBOOKS = CHECKOUT / "notebooks"
SOURCES = Path(__file__).with_name("site_sources")
README = CHECKOUT / "README.md"
CARDS = CHECKOUT / "datasets" / "README.md"


def gather(folder: Path) -> None:
    """Lay out what Sphinx reads: pages of our own, lectures, claims and data cards."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(SOURCES, folder)
    copy_mathjax(folder / "_static" / "mathjax")
    lectures = folder / "lectures"
    lectures.mkdir()
    for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")):
        nbformat.write(as_page(nbformat.read(path, as_version=4)), lectures / path.name)
    (folder / "claims.md").write_text(claims(README.read_text(encoding="utf-8")), encoding="utf-8")
    (folder / "data.md").write_text(CARDS.read_text(encoding="utf-8"), encoding="utf-8")


def as_page(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Give a copy as it is read on a page: without marks for tests, and pictures with their description."""
    notebook = nbformat.from_dict(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = cell.source.removeprefix("# NBVAL_CHECK_OUTPUT\n")
    return notebook


def claims(readme: str) -> str:
    """Take the claims with their verdicts out of README, where they are written from the records."""
    section = re.search(r"^## Claims.*?(?=^## )", readme, flags=re.DOTALL | re.MULTILINE)[0]
    return "#" + re.sub(r"<!--.*?-->\n?", "", section)[2:]


def build(folder: Path) -> int:
    """Build the site; a warning is an error. Gives Sphinx's exit status."""
    sources = folder.with_name(f"{folder.name}-sources")
    gather(sources)
    shutil.rmtree(folder, ignore_errors=True)
    return build_main(["-b", "html", "-W", "--keep-going", "-q", "-j", "2", str(sources), str(folder)])


def main(command_line: Sequence[str]) -> int:
    """Build; give the exit status."""
    parser = argparse.ArgumentParser(prog="course.py site", description="Build the course as a static site.")
    parser.add_argument("--to", type=Path, default=CHECKOUT / "build" / "site", metavar="FOLDER")
    arguments = parser.parse_args(command_line)
    status = build(arguments.to)
    if status == 0:
        print(arguments.to / "index.html")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
