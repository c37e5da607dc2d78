"""Lectures and experiments as modules: ``from course_utils.notebooks.lecture_02 import Translator``.

So that what is measured is what was taught: an experiment imports the lecture's own definitions, and a test holds them
against a trusted implementation. Importing a notebook executes its imports, functions, classes and UPPER_CASE
constants, as they are saved in its file, and nothing else: no training, no output. ``lecture_02`` is
``notebooks/02_….ipynb``, ``experiment_02`` is ``notebooks/experiments/02_….ipynb``.
"""

import ast
import json
import linecache
import re
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from course_utils.files import CHECKOUT, EXPERIMENTS, NOTEBOOKS

FOLDERS = {"lecture": NOTEBOOKS, "experiment": EXPERIMENTS}


def is_notebook(module_name: str) -> bool:
    """Tell whether a module of this name is a notebook that was imported."""
    return module_name.startswith(f"{__name__}.")


def is_definition(statement: ast.stmt) -> bool:
    """Tell whether a statement imports, defines a function or a class, or sets UPPER_CASE constants."""
    if isinstance(statement, ast.Assign):
        names = [node for target in statement.targets for node in ast.walk(target) if isinstance(node, ast.Name)]
        parts = ast.Name | ast.Tuple | ast.expr_context
        return all(name.id.isupper() for name in names) and all(
            isinstance(node, parts) for target in statement.targets for node in ast.walk(target)
        )
    return isinstance(statement, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef)


def notebook_path(module_name: str) -> Path:
    """Find the notebook that a module's last name means.

    Parameters
    ----------
    module_name
        Such as ``lecture_02`` or ``experiment_06``.

    Raises
    ------
    ModuleNotFoundError
        If the name is of another form, or not exactly one notebook has this number.
    """
    kind = re.fullmatch(rf"({'|'.join(FOLDERS)})_(\d\d)", module_name)
    found = list(FOLDERS[kind[1]].glob(f"{kind[2]}_*.ipynb")) if kind else []
    if len(found) != 1:
        there = sorted(
            f"{name}_{path.stem[:2]}" for name in FOLDERS for path in FOLDERS[name].glob("[0-9][0-9]_*.ipynb")
        )
        raise ModuleNotFoundError(
            f"{module_name!r} names {len(found) or 'no'} notebook{'s' * (len(found) > 1)}; there are: "
            f"{', '.join(sorted(there))}.",
            name=f"{__name__}.{module_name}",
        )
    return found[0]


class _Notebooks(MetaPathFinder, Loader):
    """Finds notebooks by their number, and executes what they define."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not is_notebook(fullname):
            return None
        return ModuleSpec(fullname, self, origin=str(notebook_path(fullname.rpartition(".")[2])))

    def exec_module(self, module: ModuleType) -> None:
        execute_definitions(notebook_path(module.__name__.rpartition(".")[2]), module)


def execute_definitions(path: Path, module: ModuleType) -> None:
    """Execute what the notebook at ``path`` defines, in the namespace of ``module``.

    Raises
    ------
    ValueError
        If the file is no notebook.
    Exception
        Whatever a definition raises, with a note that names its cell.
    """
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path.name} is not a whole notebook ({error}); take it from the repository again.") from None
    shown = path.relative_to(CHECKOUT) if path.is_relative_to(CHECKOUT) else path.name
    for position, cell in enumerate(cells):
        if cell["cell_type"] != "code":
            continue
        source = "".join(cell["source"])
        file = f"<{shown}, cell {position}>"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)  # tracebacks quote from it
        try:
            tree = ast.parse(source, file)
            tree.body = [statement for statement in tree.body if is_definition(statement)]
            exec(compile(tree, file, "exec"), module.__dict__)
        except Exception as error:
            error.add_note(
                f"This is cell {position} of {shown} (counted from 0). Importing a notebook executes its imports, "
                "functions, classes and UPPER_CASE constants alone: a definition cannot use what other cells compute."
            )
            raise


sys.meta_path.append(_Notebooks())
