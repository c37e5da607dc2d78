"""A hash of an experiment: of all code and settings in its notebook that decide what it measures."""

import ast
import hashlib
import inspect
import json
import linecache
import re
import symtable
import sys
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any, TypeVar

from course_utils.notebooks import is_notebook

Definition = TypeVar("Definition", ast.FunctionDef, ast.ClassDef)


def fingerprint(experiment: Callable) -> str:
    """Hash an experiment's source with all functions, classes and UPPER_CASE constants it reaches in its notebook.

    What is imported from another notebook counts as if it stood in this one. Comments, docstrings and layout do not
    count; what the package or a library does is told by the recorded versions. Of data that the package builds, the
    recipe counts: ``RECIPE`` of the module whose loader the experiment calls.

    Raises
    ------
    ValueError
        If the experiment reads from a notebook that was imported whole: what it uses of it could not be followed.
    """
    sources, settings = _reachable(experiment)
    text = json.dumps([sorted(sources.items()), sorted((k, repr(v)) for k, v in settings.items())])
    return hashlib.sha256(text.encode()).hexdigest()


def settings_of(experiment: Callable) -> dict[str, Any]:
    """Give the constants that an experiment reads, and the recipe of each data set that it loads."""
    return _reachable(experiment)[1]


def reads_a_clock(experiment: Callable) -> bool:
    """Tell whether an experiment measures time itself: what runs beside it would be measured too."""
    clocks = re.compile(r"\b(process_time|perf_counter|monotonic)\b")
    return any(clocks.search(source) for source in _reachable(experiment)[0].values())


def _reachable(experiment: Callable) -> tuple[dict[str, str], dict[str, Any]]:
    """Collect name → source of definitions, and name → value of constants, that an experiment reaches."""
    here = experiment.__globals__["__name__"]
    sources: dict[str, str] = {}
    settings: dict[str, Any] = {}
    seen: dict[str, Any] = {}
    waiting = [(experiment.__name__, experiment.__globals__)]
    while waiting:
        name, namespace = waiting.pop()
        thing = namespace.get(name)
        key = name
        if seen.setdefault(name, thing) is not thing:  # another notebook means something else by this name
            key = f"{'here' if namespace is experiment.__globals__ else namespace['__name__']}: {name}"
        if {key, f"recipe of {key}"} & (sources.keys() | settings.keys()):
            continue
        if isinstance(thing, ModuleType) and is_notebook(thing.__name__):
            raise ValueError(
                f"fingerprint: {experiment.__name__} uses the notebook {thing.__name__} as a whole; import the names "
                f"it needs instead (from {thing.__name__} import ...), so that a change in them is noticed."
            )
        if name.isupper() and isinstance(thing, bool | int | float | str | tuple):
            settings[key] = thing
        elif isinstance(thing, FunctionType | type) and (thing.__module__ == here or is_notebook(thing.__module__)):
            sources[key], names = _definition(thing.__name__, _files(thing))
            home = vars(sys.modules[thing.__module__]) if is_notebook(thing.__module__) else experiment.__globals__
            waiting += [(used, home) for used in sorted(names)]
            waiting += [(base.__name__, home) for base in getattr(thing, "__bases__", ())]  # super() names none
        elif isinstance(thing, FunctionType) and hasattr(sys.modules.get(thing.__module__), "RECIPE"):
            settings[f"recipe of {key}"] = sys.modules[thing.__module__].RECIPE
    return sources, settings


def _files(thing: FunctionType | type) -> list[str]:
    members = [thing] if isinstance(thing, FunctionType) else vars(thing).values()
    plain = [getattr(member, "fget", None) or getattr(member, "__func__", member) for member in members]
    # under a decorator such as @torch.no_grad() lies the function that the notebook shows
    functions = [inspect.unwrap(function) for function in plain if isinstance(function, FunctionType)]
    return list(dict.fromkeys(function.__code__.co_filename for function in functions))


def _definition(name: str, files: list[str]) -> tuple[str, set[str]]:
    """Give a top-level definition without comments and docstrings, and the global names that its functions look up.

    Both are read from the text, never from bytecode: each version of Python compiles otherwise.
    """
    for file in files:
        text = "".join(linecache.getlines(file))
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
                table = next(t for t in symtable.symtable(text, file, "exec").get_children() if t.get_name() == name)
                functions = [table] if isinstance(node, ast.FunctionDef) else _functions_in(table)
                return ast.unparse(_Plain().visit(node)), set().union(*map(_names, functions))
    return name, set()


def _functions_in(table: symtable.SymbolTable) -> list[symtable.SymbolTable]:
    return [child for child in table.get_children() if child.get_type() == "function"]


def _names(table: symtable.SymbolTable) -> set[str]:
    """Give the global names that a function and all within it look up; a name behind a dot is not one."""
    own = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global() and symbol.is_referenced()}
    return own.union(*map(_names, table.get_children()))


class _Plain(ast.NodeTransformer):
    """Leave docstrings out, and spell each f-string as Python 3.11 does, in quotes that none of its expressions uses.

    Python 3.12 uses the same quotes again.
    """

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        return self._without_docstring(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        return self._without_docstring(node)

    def _without_docstring(self, node: Definition) -> Definition:
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        self.generic_visit(node)
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.Name:
        text = "".join(map(self._spelled, node.values))
        quotes = [q for q in ("'", '"', '"""', "'''") if q not in text and not text.endswith(q[0])]
        quote = next(iter(quotes), "'")
        return ast.Name(f"f{quote}{text}{quote}", ast.Load())  # a name is written out as it is

    def _spelled(self, part: ast.expr) -> str:
        if isinstance(part, ast.FormattedValue):
            part.value = self.visit(part.value)  # and not its format, which is an f-string without quotes
            alone = ast.unparse(ast.JoinedStr([part]))
            return alone[alone.index("{") : alone.rindex("}") + 1]
        text = ast.literal_eval(part).replace("{", "{{").replace("}", "}}")
        return "".join(c.encode("unicode_escape").decode() if c == "\\" or not c.isprintable() else c for c in text)
