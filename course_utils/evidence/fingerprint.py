"""A hash of an experiment: of all code and settings in its notebook that decide what it measures."""

import ast
import dis
import hashlib
import inspect
import json
import linecache
import sys
from collections.abc import Callable
from types import CodeType, FunctionType, ModuleType
from typing import Any

from course_utils.notebooks import is_notebook


def fingerprint(experiment: Callable) -> str:
    """Hash an experiment's source with all functions, classes and UPPER_CASE constants it reaches in its notebook.

    What is imported from another notebook counts as if it stood in this one. Comments and layout do not count; what the
    package or a library does is told by the recorded versions. Of data that the package builds, the recipe counts:
    ``RECIPE`` of the module whose loader the experiment calls.

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
            codes = _codes(thing)
            sources[key] = _source(thing.__name__, codes)
            home = vars(sys.modules[thing.__module__]) if is_notebook(thing.__module__) else experiment.__globals__
            waiting += [(used, home) for used in sorted({used for code in codes for used in _names(code)})]
            waiting += [(base.__name__, home) for base in getattr(thing, "__bases__", ())]  # super() names none
        elif isinstance(thing, FunctionType) and hasattr(sys.modules.get(thing.__module__), "RECIPE"):
            settings[f"recipe of {key}"] = sys.modules[thing.__module__].RECIPE
    return sources, settings


def _codes(thing: FunctionType | type) -> list[CodeType]:
    members = [thing] if isinstance(thing, FunctionType) else vars(thing).values()
    plain = [getattr(member, "fget", None) or getattr(member, "__func__", member) for member in members]
    # under a decorator such as @torch.no_grad() lies the function that the notebook shows
    functions = [inspect.unwrap(function) for function in plain if isinstance(function, FunctionType)]
    return [function.__code__ for function in functions]


def _names(code: CodeType) -> set[str]:
    """Give the global names that code looks up; a name behind a dot is not one."""
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    looked_up = {step.argval for step in dis.get_instructions(code) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    return looked_up.union(*(_names(c) for c in inner))


def _source(name: str, codes: list[CodeType]) -> str:
    """Give the source of a top-level definition without comments, found through the file of its own code."""
    for file in dict.fromkeys(code.co_filename for code in codes):
        for node in ast.parse("".join(linecache.getlines(file)) or "").body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
                return ast.unparse(node)
    return name
