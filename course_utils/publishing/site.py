"""The course as a static site, from the notebooks as they are committed: ``python3 course.py site [--open]``.

Nothing is executed and nothing is fetched: the pages are made of the notebooks' stored outputs, the records and the
package's docstrings, and they ask for nothing outside.
"""

import argparse
import contextlib
import re
import shutil
import sys
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from sphinx.application import Sphinx
from sphinx.errors import SphinxError
from sphinx.util.docutils import docutils_namespace, patch_docutils

from course_utils.command_line import parse
from course_utils.files import (
    CHECKOUT,
    CLAIMS,
    EXPERIMENT_NOTEBOOKS,
    EXPERIMENTS,
    LECTURES,
    NOTEBOOKS,
    PICTURES,
    README,
    START_AND_LECTURES,
)
from course_utils.folders import foreign, manifest, private_folder, put, refuse
from course_utils.publishing.assets import copy_mathjax
from course_utils.publishing.server import serve
from course_utils.refusals import Damaged, Stop, carry_out, check_folder, damaged, read_notebook, read_text

NAME = "site"
OF_A_PAGES_BRANCH = ("CNAME", "LICENSE", "README.md")  # what may be in a folder before the first build, beside .git
FIRST = ("index.html", "objects.inv")  # known before the work: a site that was not built by this command has them
SOURCES = Path(__file__).with_name("site_sources")
CARDS = CHECKOUT / "datasets" / "README.md"


def build(folder: Path) -> int:
    """Build the site; a warning is an error, and then the site that was there stays. Gives Sphinx's exit status.

    Only what the last build wrote is replaced or removed; all else in the folder stays.

    Raises
    ------
    Stop
        If something is in the way that no build wrote; then nothing was changed.
    """
    folder = check_folder(folder)
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if not manifest(folder, NAME).exists():
            refuse_unless_for_a_site(folder)
        refuse(folder, NAME, foreign(folder, NAME, FIRST))
        with private_folder(folder, NAME) as work:
            sources, pages = work / "sources", work / "pages"
            gather(sources)
            status = make_pages(sources, pages, work / "doctrees")
            if status == 0:
                (pages / ".buildinfo").unlink(missing_ok=True)  # for the next build into the same pages, which is none
                put(pages, folder, NAME)
    finally:
        if is_new:
            with contextlib.suppress(OSError):  # something is in it
                folder.rmdir()
    return status


def make_pages(sources: Path, pages: Path, doctrees: Path) -> int:
    """Run Sphinx and give its exit status; Ctrl-C and what the system refuses come through as they are."""
    try:
        with patch_docutils(sources), docutils_namespace():
            options: dict[str, Any] = {"status": None, "warning": sys.stderr, "warningiserror": True, "parallel": 2}
            app = Sphinx(sources, sources, pages, doctrees, "html", **options)
            app.build()
            return app.statuscode
    except SphinxError as error:
        print(f"{error.category}: {error}", file=sys.stderr)
        return 2


def refuse_unless_for_a_site(folder: Path) -> None:
    """Stop where a folder, in which no site was built before, is used for something else."""
    others = [path.name for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    others = [name for name in others if name not in OF_A_PAGES_BRANCH]
    if others:
        raise Stop(
            f"{folder} holds something else than a site built by this command ({', '.join(others[:3])}); nothing was "
            "written. Name an empty or a new folder with --to, or move away what is there."
        )


def gather(folder: Path) -> None:
    """Lay out what Sphinx reads: pages of our own, the notebooks, the table, the claims and the data cards."""
    shutil.copytree(SOURCES, folder)
    copy_mathjax(folder / "_static" / "mathjax")
    readme = read_text(README)
    index = folder / "index.md"
    index.write_text(index.read_text(encoding="utf-8").replace("<!-- the table -->", table(readme)), encoding="utf-8")
    (folder / "claims.md").write_text(claims(read_text(CLAIMS)), encoding="utf-8")
    (folder / "data.md").write_text(read_text(CARDS), encoding="utf-8")
    shutil.copytree(PICTURES, folder / "lectures" / "pictures")
    (folder / "lectures" / "index.md").write_text(lectures(readme), encoding="utf-8")
    (folder / "lectures" / EXPERIMENTS.name).mkdir()
    for path in (*START_AND_LECTURES, *EXPERIMENT_NOTEBOOKS):
        page = as_page(read_notebook(path), "-".join(path.relative_to(NOTEBOOKS).with_suffix("").parts))
        nbformat.write(page, folder / "lectures" / path.relative_to(NOTEBOOKS))


def as_page(notebook: NotebookNode, name: str) -> NotebookNode:
    """Give a copy as it is read on a page: without guards, its displayed equations numbered, by a name of its own."""
    notebook = deepcopy(notebook)
    equations = 0

    def numbered(match: re.Match) -> str:
        nonlocal equations
        equations += 1
        return f"{match[0]} (equation-{name}-{equations})"

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            source = without_comments(cell.source)
            cell.source = re.sub(r"^\$\$.+?\$\$$", numbered, source, flags=re.DOTALL | re.MULTILINE)
    return notebook


def lectures(readme: str) -> str:
    """Take the lectures, each with its picture and its finding, out of README."""
    shown = section(readme, "Six lectures").replace("\n### ", "\n## ").replace("](notebooks/", "](")
    shown = shown.replace("](CLAIMS.md)", "](../claims.md)")
    pages = (*START_AND_LECTURES, *EXPERIMENT_NOTEBOOKS)
    names = "\n".join(str(path.relative_to(NOTEBOOKS).with_suffix("")) for path in pages)
    return f"# The lectures\n{shown}\n```{{toctree}}\n:hidden:\n\n{names}\n```\n"


def table(readme: str) -> str:
    """Take the course's table out of README, each row with a link to its lecture."""
    rows = section(readme, "One table")
    if "| lecture |" not in rows:
        raise Damaged(damaged(README, "it lacks the course's table"))
    rows = rows[rows.index("| lecture |") : rows.rindex("|\n") + 2]
    for path in LECTURES:
        rows = re.sub(
            rf"^\| ({path.stem[:2]} [^|(]*[^|( ])", rf"| [\1](lectures/{path.name})", rows, flags=re.MULTILINE
        )
    return rows


def claims(page: str) -> str:
    """Give the page of claims, each lecture's heading with a link to it."""
    for path in LECTURES:
        page = re.sub(rf"^### ({path.stem[:2]} .*)$", rf"### [\1](lectures/{path.name})", page, flags=re.MULTILINE)
    return without_comments(page)


def section(text: str, title: str) -> str:
    """Take what follows a heading of the second level, up to the next one, without the comments that guard it."""
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", without_comments(text), flags=re.DOTALL | re.MULTILINE)
    if found is None:
        raise Damaged(damaged(README, f"it lacks the section {title!r}"))
    return found[1]


def without_comments(text: str) -> str:
    """Leave out HTML comments: guards of sentences, and marks of what is written from the records."""
    return re.sub(r"<!--.*?-->\n?", "", text, flags=re.DOTALL)


def main(command_line: Sequence[str]) -> int:
    """Run ``course.py site`` with the rest of its command line; give the exit status."""
    return run(parse(["site", *command_line]))


def run(arguments: argparse.Namespace) -> int:
    """Build the site, and show it; give the exit status."""
    status = build(arguments.to)
    if status:
        print("The site was not built, as told above; one that was there is as it was.", file=sys.stderr)
        return status
    print(arguments.to / "index.html", flush=True)
    if arguments.open:
        serve(arguments.to, "index.html")
    return 0


if __name__ == "__main__":
    sys.exit(carry_out(lambda: main(sys.argv[1:])))
