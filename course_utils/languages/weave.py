"""A notebook or a page in another language: what is code, output or figure stays as it is, byte for byte.

Text of which there is no translation, or one of an earlier English, is shown in English, with a note below it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from pathlib import Path

from nbformat import NotebookNode

from course_utils.languages import package
from course_utils.languages.catalogues import COURSE, name_of, says_something, translations
from course_utils.languages.speaking import said, speaker

HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
OURS = re.compile(r'class="attention-|role="(group|status)"')  # maps and stages, cards and what checks say
CODE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def woven(notebook: NotebookNode, path: Path, language: str, anchors: bool = True) -> NotebookNode:
    """Give a copy of a notebook in a language.

    Parameters
    ----------
    notebook
        In English, as it is in the course, or without some of its cells.
    path
        Where it is in the course.
    language
        Its code; English, which is the empty text, changes nothing.
    anchors
        Whether each heading gets the name by which links find it, which is made of the English one.
    """
    notebook = deepcopy(notebook)
    if not language:
        return notebook
    known = translations(language, name_of(path))
    notebook.metadata["language"] = language
    taken: dict[str, int] = {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            names = [unique(slug(title), taken) for _, title in headings(cell.source)]
            is_english = cell.source not in known
            cell.source = in_language(cell.source, known, language)
            if anchors and not is_english:  # an English heading has its name
                cell.source = with_anchors(cell.source, names)
    return notebook


def woven_page(page: str, language: str, headings: bool = True) -> str:
    """Give a page of Markdown in a language, block by block; without its headings where these are looked for."""
    if not language:
        return page
    known = translations(language, COURSE)
    page = package.TITLES.sub(lambda found: f"{known.get(found[1], found[1])} <{found[2]}>", page)
    for block in sorted(set(package.blocks(page)), key=len, reverse=True):
        if block in known and (headings or not block.startswith("#")):
            page = re.sub(rf"^{re.escape(block)}$", known[block].replace("\\", r"\\"), page, flags=re.MULTILINE)
    return page


def say_outputs(notebook: NotebookNode, language: str) -> None:
    """Let maps, stages and cards speak a language, in place, for a page on which no cell is run."""
    if language:
        change_markup(notebook, lambda markup: speaker(language).shown(markup) if OURS.search(markup) else markup)


def change_markup(notebook: NotebookNode, change: Callable[[str], str]) -> None:
    """Change, in place, the HTML that a notebook's cells have shown."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            shown = output.get("data", {}).get("text/html")
            if shown is not None:
                output["data"]["text/html"] = change("".join(shown))


def in_language(source: str, known: Mapping[str, str], language: str) -> str:
    """Give a text in a language, or in English with a note."""
    if source in known or not says_something(source):
        return known.get(source, source)
    note = said("This part has not been translated yet.", language)
    return f'{source}\n\n<small class="untranslated">{note}</small>'


# the names by which links find a heading


def headings(source: str) -> Iterator[tuple[int, str]]:
    """Give level and title of each heading in a cell, code left out."""
    for marks, title in HEADING.findall(CODE.sub("", source)):
        yield len(marks), title


def slug(heading: str) -> str:
    """Give the name by which a link finds a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def unique(name: str, taken: dict[str, int]) -> str:
    """Number a name that was there before, as GitHub does."""
    taken[name] = taken.get(name, -1) + 1
    return f"{name}-{taken[name]}" if taken[name] else name


def with_anchors(source: str, names: list[str]) -> str:
    """Put before each heading the name that its English has; that of a notebook's title is not needed."""
    left = iter(names)

    def marked(found: re.Match) -> str:
        if not found["heading"]:
            return found[0]
        name = next(left, "")
        return found[0] if found["heading"].startswith("# ") or not name else f'<a id="{name}"></a>\n\n{found[0]}'

    return re.sub(rf"{CODE.pattern}|(?P<heading>^#+ [^\n]+$)", marked, source, flags=re.DOTALL | re.MULTILINE)
