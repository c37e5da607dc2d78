"""Read the course's notebooks without running them whole."""

from importlib import import_module
from types import ModuleType

import nbformat

from course_utils.files import NOTEBOOKS


def load(name: str) -> nbformat.NotebookNode:
    """Read a notebook by its path below ``notebooks``, without the extension."""
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)


def code_cells(name: str) -> list[nbformat.NotebookNode]:
    """Give the code cells of a notebook, in order."""
    return [cell for cell in load(name).cells if cell.cell_type == "code"]


def definitions(name: str) -> ModuleType:
    """Import what a notebook defines, by the same name as `load` reads it."""
    kind, number = ("experiment", name[12:14]) if name.startswith("experiments/") else ("lecture", name[:2])
    return import_module(f"course_utils.notebooks.{kind}_{number}")
