"""Finds the answers in a notebook that a learner has returned, whatever else was done to it.

Nothing of the notebook is run here. An answer is looked for by its check, by the name that the lecture gives it, and in
the cell of its stub; with it goes what it needs, statement by statement, and nothing that only trains or draws.
"""

import ast
import re
import symtable
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

from course_utils.exercises.catalogue import EXERCISES
from course_utils.files import START_AND_LECTURES
from course_utils.refusals import read_notebook

CHECKED = re.compile(r"""^[^#\n]*\bcheck\(\s*(?:name\s*=\s*)?["'](\w+)["']""", re.MULTILINE)
TIMED = re.compile(r"\s*%%(?:time|timeit|capture|prun)\b[^\n]*\n")  # cell magics that run the rest of their cell
OTHER_MAGIC = re.compile(r"\s*%%")
LINE_MAGIC = re.compile(r"^\s*[%!].*$", re.MULTILINE)


@dataclass(frozen=True)
class Statement:
    """One top-level statement of a returned notebook: its cell, what it binds or changes, and what it needs."""

    cell: int
    source: str
    gives: frozenset[str]
    needs: frozenset[str]


@dataclass(frozen=True)
class Ours:
    """An exercise as our own lecture asks it: the name of the answer, the id of the stub's cell, and wrong examples."""

    answer: str
    stub: str
    examples: tuple[str, ...] = ()


class Returned:
    """A returned notebook, taken apart.

    Parameters
    ----------
    notebook
        What was read from the file: a mapping with ``cells``.

    Attributes
    ----------
    statements
        All top-level statements of its code cells, in order.
    broken
        Cell → why Python cannot read it.
    """

    def __init__(self, notebook: Mapping[str, Any]) -> None:
        self.cells = [cell for cell in notebook["cells"] if cell.get("cell_type") == "code"]
        self.sources = [_plain("".join(cell.get("source", ""))) for cell in self.cells]
        self.statements: list[Statement] = []
        self.broken: dict[int, str] = {}
        self.asked: dict[str, list[tuple[int, str]]] = {}  # exercise -> statements up to its check, and what is checked
        for place, source in enumerate(self.sources):
            try:
                statements = list(_statements(place, source))
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                self.broken[place] = f"{type(error).__name__}: {error}"
                for match in CHECKED.finditer(source):
                    self.asked.setdefault(match[1], []).append((len(self.statements), ""))
                continue
            for statement in statements:
                self.statements.append(statement)
                for exercise, answer in _checks(statement.source):
                    self.asked.setdefault(exercise, []).append((len(self.statements), answer))
        self._follow_globals()

    def _follow_globals(self) -> None:
        """Let a call of a function that assigns ``global`` names give these names."""
        assigns: dict[str, frozenset[str]] = {}
        for i, statement in enumerate(self.statements):
            if defined := re.match(r"def (\w+)", statement.source):
                assigns[defined[1]] = statement.gives - {defined[1]}
            if called := re.match(r"(\w+)\(", statement.source):
                self.statements[i] = replace(statement, gives=statement.gives | assigns.get(called[1], frozenset()))

    def lectures(self) -> list[str]:
        """Give the numbers of the lectures that are in it: by their checks, or else by their stubs and answers."""
        checks = Counter(exercise[:2] for exercise in self.asked if exercise in EXERCISES)
        if not checks:
            checks = Counter(name[:2] for name, ours in asked_by_us().items() if self._is_here(ours))
        most = max(checks.values(), default=0)
        # one check of another lecture is a note, and not a second lecture
        return sorted(lecture for lecture, number in checks.items() if number > 1 or number == most)

    def _is_here(self, ours: Ours) -> bool:
        tagged = {i for i, cell in enumerate(self.cells) if "exercise" in _tags(cell)}
        return any(cell.get("id") == ours.stub for cell in self.cells) or any(
            ours.answer in statement.gives and statement.cell in tagged for statement in self.statements
        )

    def candidates(self, exercise: str) -> list[tuple[int, str]]:
        """Give where an answer may be: (the number of statements to be run, an expression), the likeliest first.

        Of several checks the last is the likeliest: whoever tries again below leaves the first try where it is.
        """
        ours, end = asked_by_us()[exercise], len(self.statements)
        asked = self.asked.get(exercise, [])[::-1]
        checked = [(at, answer) for at, answer in asked if answer not in ("", *ours.examples)]
        found = [*checked, *((at, ours.answer) for at, _ in asked)]
        found += [*((end, answer) for _, answer in checked), (end, ours.answer)]
        found += [(end, name) for name in self._names_in_stub(ours, asked[-1][0] if asked else 0)]
        return list(dict.fromkeys(found))

    def _names_in_stub(self, ours: Ours, until: int) -> list[str]:
        """Give what is defined in the stub's cell, or else in the one tagged above the check, the last first."""
        stubs = [i for i, cell in enumerate(self.cells) if cell.get("id") == ours.stub]
        check = self.statements[until - 1].cell if until else -1
        stubs = stubs or [i for i, cell in enumerate(self.cells[: check + 1]) if "exercise" in _tags(cell)][-1:]
        return [name for s in reversed(self.statements) if s.cell in stubs for name in sorted(s.gives)]

    def why_missing(self, exercise: str) -> str:
        """Say which cell cannot be read where an answer was to be expected; an empty text where all can be."""
        ours = asked_by_us()[exercise]
        for place, error in self.broken.items():
            if self.cells[place].get("id") == ours.stub or re.search(rf"\b{ours.answer}\b", self.sources[place]):
                return f"Python cannot read the cell of this exercise: {error}"
        return ""

    def program(self, until: int, expression: str) -> list[tuple[int, str]]:
        """Give what an expression needs, as (cell, source) in the order of the notebook.

        A statement is needed if it binds or changes a name that the expression, or another needed statement, reads.
        """
        within = self.statements[:until]
        try:
            needed = _names(expression)[1]
        except SyntaxError:
            return []
        kept: set[int] = set()
        while True:
            more = {i for i, s in enumerate(within) if i not in kept and (s.gives & needed or "*" in s.gives)}
            if not more:
                return [(within[i].cell, within[i].source) for i in sorted(kept)]
            kept |= more
            needed = needed.union(*(within[i].needs for i in more))

    def everything(self, until: int) -> list[tuple[int, str]]:
        """Give the first statements, as they are."""
        return [(statement.cell, statement.source) for statement in self.statements[:until]]


@cache
def asked_by_us() -> dict[str, Ours]:
    """Find how our own lectures ask each exercise."""
    asked: dict[str, Ours] = {}
    for path in START_AND_LECTURES:
        stub = ""
        for cell in read_notebook(path).cells:
            stub = cell.id if "exercise" in _tags(cell) else stub
            if cell.cell_type == "code":
                for exercise, answer in _checks(cell.source):
                    known = asked.get(exercise)
                    asked[exercise] = replace(known, examples=(answer,)) if known else Ours(answer, stub)
    return asked


def _tags(cell: Mapping[str, Any]) -> Sequence[str]:
    tags = cell.get("metadata", {}).get("tags", [])
    return tags if isinstance(tags, list) else []


def _plain(source: str) -> str:
    """Give a cell's Python, without what IPython adds to it."""
    timed = TIMED.match(source)
    if timed:
        source = source[timed.end() :]
    elif OTHER_MAGIC.match(source):
        return ""
    try:
        return TransformerManager().transform_cell(source)
    except Exception:  # it gives up on some hundred magics in one cell
        return LINE_MAGIC.sub("", source)


def _statements(cell: int, source: str) -> Iterator[Statement]:
    with warnings.catch_warnings(action="ignore"):
        tree = ast.parse(source)
        for node in tree.body:
            text = ast.unparse(node)
            gives, needs = _names(text)
            # what is taken away (del x) is nothing that an answer needs
            gives = _changes(node) if isinstance(node, ast.Delete) else gives | _changes(node)
            yield Statement(cell, text, frozenset(gives), frozenset(needs))


def _names(source: str) -> tuple[set[str], set[str]]:
    """Give the names that a statement binds, and those that it reads from outside, also inside its functions.

    What a function declares ``global`` and assigns is bound by it; ``*`` stands for anything.
    """
    table = symtable.symtable(source, "<cell>", "exec")
    gives = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported() or s.is_namespace()}
    needs = {s.get_name() for s in table.get_symbols() if s.is_referenced()}
    waiting = list(table.get_children())
    while waiting:
        inner = waiting.pop()
        waiting += inner.get_children()
        needs |= {s.get_name() for s in inner.get_symbols() if s.is_global()}
        gives |= {s.get_name() for s in inner.get_symbols() if s.is_declared_global() and s.is_assigned()}
    return gives | ({"*"} if re.match(r"from (__future__|.* import \*)", source) else set()), needs


def _changes(node: ast.stmt) -> set[str]:
    """Give the names whose values a statement may change, also in its loops and branches.

    ``x[0] = …``, ``x.y = …``, ``x.append(…)``, ``x.view(-1).add_(…)``, ``del x[0]``. What a function of another name
    does to what it is handed is not followed.
    """
    targets: list[ast.expr] = []
    waiting: list[ast.AST] = [node]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        waiting += [part for part in ast.iter_child_nodes(inner) if not isinstance(part, ast.expr)]
        if isinstance(inner, ast.Assign):
            targets += inner.targets
        elif isinstance(inner, ast.Delete):
            targets += [target for target in inner.targets if not isinstance(target, ast.Name)]
        elif isinstance(inner, ast.AugAssign | ast.AnnAssign):
            targets.append(inner.target)
        elif (
            isinstance(inner, ast.Expr)
            and isinstance(inner.value, ast.Call)
            and isinstance(inner.value.func, ast.Attribute)
        ):
            targets.append(inner.value.func)
    return {name for target in targets for name in _base(target)}


def _base(target: ast.expr) -> Iterator[str]:
    while isinstance(target, ast.Attribute | ast.Subscript | ast.Call):
        target = target.func if isinstance(target, ast.Call) else target.value
    if isinstance(target, ast.Name):
        yield target.id


def _checks(source: str) -> Iterator[tuple[str, str]]:
    """Find the calls of `check` in a statement: the exercise, and the expression that is checked."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        given = dict(zip(("name", "answer"), node.args, strict=False)) | {k.arg: k.value for k in node.keywords}
        exercise = given.get("name")
        if name == "check" and isinstance(exercise, ast.Constant) and isinstance(exercise.value, str):
            yield exercise.value, ast.unparse(given["answer"]) if "answer" in given else ""
