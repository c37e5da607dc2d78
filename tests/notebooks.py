"""Read the course's notebooks without running them whole."""

import ast
import linecache
from types import ModuleType

import nbformat

from course_utils.exercises.classroom import is_definition
from course_utils.files import NOTEBOOKS


def load(name: str) -> nbformat.NotebookNode:
    """Read a notebook by its name without the extension."""
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)


def code_cells(name: str) -> list[nbformat.NotebookNode]:
    """Give the code cells of a notebook, in order."""
    return [cell for cell in load(name).cells if cell.cell_type == "code"]


def definitions(name: str) -> ModuleType:
    """Execute only what a notebook defines: imports, functions, classes and UPPER_CASE constants.

    So a test can hold the very code that the lecture shows against a trusted implementation, without training anything.
    """
    module = ModuleType(f"lecture_{name}")
    for number, cell in enumerate(code_cells(name)):
        file = f"<{name}, code cell {number}>"
        linecache.cache[file] = (len(cell.source), None, cell.source.splitlines(keepends=True), file)
        tree = ast.parse(cell.source)
        tree.body = [node for node in tree.body if is_definition(node)]
        exec(compile(tree, file, "exec"), module.__dict__)
    return module
