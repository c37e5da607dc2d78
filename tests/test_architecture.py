"""The house stands: each room imports only from below, a lesson loads little, and every wing says why it is there."""

import ast
import graphlib
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from course_utils.files import CHECKOUT, EXPERIMENTS, LECTURES, START_AND_LECTURES

PACKAGE = "course_utils"

# From the ground up. A room (a folder or a module of course_utils) imports from itself and from the floors below it.
FLOORS = (
    {"files", "palette", "command_line"},
    {"refusals"},
    {"folders"},
    {"languages"},
    {"attention", "training", "plotting", "data", "drawings", "notebooks", "kernels"},
    {"explorer"},
    {"evidence"},
    {"tasks"},
    {"exercises"},
    {"publishing"},
    {"commands"},
)
HEIGHT = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}

# What a lesson imports, apart from its exercises and its records.
OF_A_LESSON = (
    *("attention", "training", "plotting", "explorer"),
    *(f"data.{name}" for name in ("pairs", "documents", "graphs", "number_words", "batches")),
)

MAY_IMPORT_DGL = (
    "notebooks/06_graph_attention.ipynb",
    "notebooks/experiments/06_graph_attention.ipynb",
    "tests/test_lecture_06.py",
    "tests/test_experiment_06.py",
    "tests/test_attention.py",  # holds attend against DGL's own layer
    "tests/benchmarks/gat_epoch.py",
    "tests/answers/many_styles.py",  # answers to its exercises
)


def module_name(path: Path) -> str:
    """Name the module in a file of the package: ``course_utils.data.pairs``."""
    return ".".join(path.relative_to(CHECKOUT).with_suffix("").parts).removesuffix(".__init__")


FILES = {module_name(path): path for path in sorted((CHECKOUT / PACKAGE).rglob("*.py"))}


def imported(source: str) -> Iterator[str]:
    """Name every module that a source imports, wherever in it; ``from a import b`` may name the module a.b."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def arrows(name: str) -> set[str]:
    """Name the modules of the package that a module imports, without itself and without the package's root."""
    return (set(imported(FILES[name].read_text(encoding="utf-8"))) & set(FILES)) - {name, PACKAGE}


def room(name: str) -> str:
    """Name the room of a module: ``data`` for ``course_utils.data.pairs``."""
    return name.split(".")[1]


def sources() -> Iterator[tuple[str, str]]:
    """Give (path in the checkout, source) of all Python: package, launcher, tests, and the code of every notebook."""
    scripts = [*FILES.values(), CHECKOUT / "course.py", *sorted((CHECKOUT / "tests").rglob("*.py"))]
    for path in scripts:
        yield path.relative_to(CHECKOUT).as_posix(), path.read_text(encoding="utf-8")
    for path in [*START_AND_LECTURES, *sorted(EXPERIMENTS.glob("*.ipynb"))]:
        cells = nbformat.read(path, as_version=4).cells
        code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
        yield path.relative_to(CHECKOUT).as_posix(), code


@pytest.mark.parametrize("name", FILES)
def test_the_package_names_what_it_imports_in_full(name):
    assert not re.search(r"^\s*from \.", FILES[name].read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_no_modules_import_each_other_in_a_circle():
    try:
        graphlib.TopologicalSorter({name: arrows(name) for name in FILES}).prepare()
    except graphlib.CycleError as error:
        pytest.fail("these import each other in a circle: " + " → ".join(reversed(error.args[1])))


@pytest.mark.parametrize("name", [name for name in FILES if name != PACKAGE])
def test_a_module_imports_only_from_its_own_room_and_from_the_floors_below(name):
    assert room(name) in HEIGHT, f"the room {room(name)} is on no floor: say on which, here and in CONTRIBUTING.md"
    below = {other for other in arrows(name) if room(other) == room(name) or HEIGHT[room(other)] < HEIGHT[room(name)]}
    assert arrows(name) == below, f"{name} imports from its own floor or from above"


def test_attention_imports_torch_alone():
    roots = {name.split(".")[0] for name in imported(FILES[f"{PACKAGE}.attention"].read_text(encoding="utf-8"))}
    assert roots - set(sys.stdlib_module_names) == {"torch", "jaxtyping"}  # jaxtyping writes the shapes


def test_only_the_graph_lecture_its_experiment_and_their_tests_import_dgl():
    importing = {path for path, source in sources() if "dgl" in {name.split(".")[0] for name in imported(source)}}
    assert "notebooks/06_graph_attention.ipynb" in importing
    assert importing <= set(MAY_IMPORT_DGL)


def test_no_module_imports_a_notebook_and_no_lecture_an_experiment():
    notebook = re.compile(rf"{PACKAGE}\.notebooks\.(lecture|experiment)_\d\d")
    lectures = {path.relative_to(CHECKOUT).as_posix() for path in LECTURES}
    for path, source in sources():
        kinds = {found[1] for name in imported(source) if (found := notebook.match(name))}
        if path.startswith(f"{PACKAGE}/"):
            assert not kinds, f"{path} imports a {kinds}: only notebooks and tests may"
        if path in lectures:
            assert "experiment" not in kinds, f"{path} imports an experiment; a lecture reads the record instead"


def lines_of_code(source: str) -> int:
    """Count the lines that hold code: no blank lines, comments or docstrings."""
    tree = ast.parse(source)
    documentation: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            documentation |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    silent = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in silent:
            code |= set(range(token.start[0], token.end[0] + 1))
    return len(code - documentation)


def test_lines_of_code_are_counted_without_blank_lines_comments_and_docstrings():
    source = '"""Doc.\n\nMore."""\n\n# comment\nx = """a\n\nb"""  # three\n\n\n'
    source += 'def f():\n    """Doc."""\n    return (\n        1\n    )\n'
    assert lines_of_code(source) == 3 + 4


def test_what_lessons_import_is_small_enough_to_be_read():
    counted = {name: lines_of_code(FILES[f"{PACKAGE}.{name}"].read_text(encoding="utf-8")) for name in OF_A_LESSON}
    assert sum(counted.values()) <= 1500, counted


@pytest.mark.parametrize("name", [name for name, path in FILES.items() if path.name == "__init__.py"])
def test_a_wing_says_in_its_first_line_why_it_exists(name):
    documentation = ast.get_docstring(ast.parse(FILES[name].read_text(encoding="utf-8"))) or ""
    first = documentation.split("\n")[0]
    assert len(first) > 50
    assert first.endswith("."), "one sentence, on one line"


def test_every_room_is_on_the_map_for_newcomers():
    text = (CHECKOUT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rooms = re.findall(r"^    ([\w/.]+) {2,}\S", text.split("```")[1].split("course_utils/\n")[1], flags=re.MULTILINE)
    inside = {path.name for path in (CHECKOUT / PACKAGE).iterdir() if not path.name.startswith("__")}
    rooms = {name.rstrip("/").removesuffix(".py") for name in rooms if name.count("/") < 2}
    assert {name.removesuffix(".py") for name in inside} <= rooms
