"""Read the course's notebooks without running them whole."""

import re
from functools import cache
from importlib import import_module
from types import ModuleType

import nbformat

from course_utils.files import NOTEBOOKS


def load(name: str) -> nbformat.NotebookNode:
    """Read a notebook by its path below ``notebooks``, without the extension."""
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)


_kept = cache(load)  # only to be read from


def prose(name: str) -> list[str]:
    """Give the text cells of a notebook, in order."""
    return [cell.source for cell in _kept(name).cells if cell.cell_type == "markdown"]


def markdown(name: str) -> str:
    """Give all text of a notebook."""
    return "\n\n".join(prose(name))


def headings(name: str) -> list[tuple[int, str]]:
    """Give level and title of each heading."""
    text = re.sub(r"```.*?```", "", markdown(name), flags=re.DOTALL)
    return [(len(marks), title.strip()) for marks, title in re.findall(r"^(#+) (.+)$", text, flags=re.MULTILINE)]


def section(name: str, title: str) -> str:
    """Give what follows a heading of the second level."""
    return re.split(r"^## ", markdown(name).split(f"\n## {title}\n")[1], flags=re.MULTILINE)[0]


def rows(text: str) -> list[str]:
    """Find the rows of the course's table."""
    return re.findall(r"^\| 0[1-6] .*\|$", text, flags=re.MULTILINE)


def code_cells(name: str) -> list[nbformat.NotebookNode]:
    """Give the code cells of a notebook, in order."""
    return [cell for cell in load(name).cells if cell.cell_type == "code"]


def definitions(name: str) -> ModuleType:
    """Import what a notebook defines, by the same name as `load` reads it."""
    kind, number = ("experiment", name[12:14]) if name.startswith("experiments/") else ("lecture", name[:2])
    return import_module(f"course_utils.notebooks.{kind}_{number}")
