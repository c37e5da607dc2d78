"""Read the docstrings of the installed libraries as a citation network; run as a child process by ``corpus.py``.

The work needs some thousand modules that a lecture has no use for, so it happens in a process of its own:
``python -m course_utils.data.docstrings.extraction`` writes one JSON message a line, ``{"percent": 40}`` while it
works and ``{"corpus": ...}`` at the end. Nothing here may depend on what else is installed, on the order of a set, or
on a hash.
"""

import importlib
import inspect
import json
import os
import pkgutil
import re
import sys
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from importlib.machinery import BuiltinImporter, FrozenImporter, ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from numpydoc.docscrape import NumpyDocString

from course_utils.data.docstrings.prose import Sentence, sentences

# The only part made by hand: which packages belong to which subject area. The longest fitting entry counts.
SUBJECTS = {
    "arrays & tensors": (
        "numpy",
        "numpy.char",
        "numpy.lib",
        "numpy.ma",
        "numpy.matrixlib",
        "numpy.rec",
        "numpy.strings",
        "torch",
        "torch.functional",
    ),
    "graphs": ("networkx", "scipy.sparse.csgraph"),
    "plotting": ("matplotlib", "mpl_toolkits", "sympy.plotting"),
    "special functions": ("scipy.special", "sympy.functions", "torch.special"),
    "statistics": ("numpy.random", "scipy.stats", "sympy.stats", "torch.distributions"),
    "signal & fourier": ("numpy.fft", "scipy.fft", "scipy.fftpack", "scipy.signal", "torch.fft", "torch.signal"),
    "linear algebra": ("numpy.linalg", "scipy.linalg", "scipy.sparse", "sympy.matrices", "torch.linalg"),
    "interpolate & polynomials": ("numpy.polynomial", "scipy.interpolate", "sympy.polys"),
    "neural networks": ("torch.nn",),
    "optimise & integrate": (
        "scipy.differentiate",
        "scipy.integrate",
        "scipy.optimize",
        "sympy.integrals",
        "torch.optim",
    ),
    "images & space": ("scipy.cluster", "scipy.ndimage", "scipy.spatial"),
}
SUBJECT_OF = {package: subject for subject, packages in SUBJECTS.items() for package in packages}
# Of these only the top-level names are read, and a submodule without an entry above has no subject.
TOP_LEVEL_ONLY = ("numpy", "scipy", "sympy", "torch")
ROOTS = ("matplotlib", "mpl_toolkits", "networkx", *TOP_LEVEL_ONLY)
# matplotlib.backends wants window systems, pylab repeats pyplot, and the others are not documentation.
LEFT_OUT_MODULES = {"backends", "benchmarks", "conftest", "pylab", "setup", "testing", "tests"}
# Their docstrings are made from a set and differ from run to run.
LEFT_OUT_DOCUMENTS = {"scipy.stats.Logistic", "scipy.stats.Uniform"}
# What the libraries need to be imported. Anything else is hidden, so that the corpus does not depend on it.
REQUIRED = {
    "contourpy",
    "cycler",
    "dateutil",
    "filelock",
    "fontTools",
    "fsspec",
    "jinja2",
    "kiwisolver",
    "markupsafe",
    "mpmath",
    "packaging",
    "PIL",
    "pyparsing",
    "six",
    "typing_extensions",
    "torchgen",
    *ROOTS,
}
# Words that would give the label away: packages, whatever is made of their names (matplotlibrc), their usual short
# names, and each part of a path in SUBJECTS.
GIVEAWAY = re.compile(
    "|".join(
        [
            ".*(?:matplotlib|mpmath|networkx|numpy|scipy|sympy|torch).*",
            *("mpl", "ndarrays?", "np", "nx", "plt", "pyplot", "sp", "ufuncs?"),
            *sorted({part for package in SUBJECT_OF for part in package.split(".")}),
        ]
    )
)
MIN_WORDS = 12
MIN_CLASS = 60
PROSE_SECTIONS = ("Summary", "Extended Summary", "Explanation", "Notes")
BOILERPLATE = 5  # a sentence that stands word for word in so many documents says nothing about any of them


@dataclass
class Documented:
    """One object with a docstring, under all its public names."""

    text: str
    home: str | None
    aliases: list[str] = field(default_factory=list)
    name: str = ""
    subject: str | None = None

    def settle(self) -> None:
        """Choose the name to show, and the subject area, from all names."""
        above = [alias for alias in self.aliases if f"{self.home}.".startswith(f"{_parent(alias)}.")]
        self.name = min(above or self.aliases, key=_by_length)
        if self.home is None or re.match(r"\w+\._", self.home):  # torch._C._nn, where all compiled code is
            self.subject = subject_of(map(_parent, self.aliases))
        else:
            self.subject = subject_of([self.home])


def _parent(path: str) -> str:
    return path.rpartition(".")[0]


def _by_length(path: str) -> tuple[int, int, str]:
    return path.count("."), len(path), path


def subject_of(modules: Iterable[str]) -> str | None:
    """Look up the subject area of an object that lives in one of these modules; the most specific entry counts."""
    entries = [entry for module in modules if (entry := _entry(module)) is not None]
    return SUBJECT_OF[min(entries, key=lambda entry: (-entry.count("."), entry))] if entries else None


def _entry(module: str) -> str | None:
    public = re.split(r"\._", module)[0]
    entry = public
    while entry and entry not in SUBJECT_OF:
        entry = _parent(entry)
    return None if not entry or (entry in TOP_LEVEL_ONLY and entry != public) else entry


# --- walking ---------------------------------------------------------------------------------------------------------


class OnlyRequired:
    """A finder to which optional packages look as if they were not installed."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Find a module of the standard library or of a required package; of others say that there is none."""
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or top in REQUIRED or top.startswith("_"):
            return PathFinder.find_spec(name, path, target)
        return None


def public_modules(report: Callable[[float], None]) -> Iterator[tuple[str, ModuleType]]:
    """Import every public module under ROOTS that has a subject area; ``report`` gets the part done, 0 to 1."""
    packages = [*TOP_LEVEL_ONLY, *sorted(SUBJECT_OF)]
    seen = set()
    for done, package in enumerate(packages):
        report(done / len(packages))
        waiting = [package]
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            try:
                module = importlib.import_module(name)
            except ImportError:  # it wants something optional, which is hidden from everybody alike
                continue
            yield name, module
            if name not in TOP_LEVEL_ONLY:
                inside = pkgutil.iter_modules(getattr(module, "__path__", []), f"{name}.")
                waiting += [info.name for info in inside if _is_public(info.name)]


def _is_public(path: str) -> bool:
    last = path.rpartition(".")[2]
    return not last.startswith("_") and last not in LEFT_OUT_MODULES


def documented_objects(modules: Iterable[tuple[str, ModuleType]]) -> list[Documented]:
    """Collect the functions, classes and instances that have a docstring of their own, each once, sorted by name."""
    found: dict[int, Documented] = {}
    for module_name, module in modules:
        for attribute, thing in sorted(vars(module).items()):
            text = getattr(thing, "__doc__", None)
            if attribute.startswith("_") or inspect.ismodule(thing) or not isinstance(text, str):
                continue
            is_definition = inspect.isclass(thing) or inspect.isroutine(thing)
            if not is_definition and text == type(thing).__doc__:
                continue
            home = getattr(thing, "__module__", None)
            home = home if isinstance(home, str) else None
            if home and home.partition(".")[0] not in ROOTS:
                continue
            entry = found.setdefault(id(thing), Documented(inspect.cleandoc(text), home))
            entry.aliases.append(f"{module_name}.{attribute}")
    for entry in found.values():
        entry.settle()
    usable = [
        entry
        for entry in found.values()
        if entry.text and "%(" not in entry.text and entry.name not in LEFT_OUT_DOCUMENTS
    ]
    return sorted(usable, key=lambda entry: entry.name)


class Parsed(NumpyDocString):
    """A docstring in sections. Knows SymPy's section "Explanation" and takes what is malformed as it comes."""

    sections: dict[str, Any] = {**NumpyDocString.sections, "Explanation": []}  # noqa: RUF012 (numpydoc's own form)

    def _error_location(self, msg: str, error: bool = True) -> None:
        """Neither warn nor raise: an odd heading costs us that section, not the document."""


# --- references ------------------------------------------------------------------------------------------------------

ROLE = re.compile(r":(?:py:)?(?:func|class|meth|obj|data|exc):`(?:[^`<]*<)?[~!.]*([\w.]+)(?:\(\))?>?`")
BACKTICKS = re.compile(r"(?<![`:\w])`[~!.]*([A-Za-z_][\w.]*)(?:\(\))?`(?![`_\w])")


def mentions(document: Documented, parsed: Parsed) -> list[str]:
    """List the names a docstring points to: See Also, Sphinx roles, and names in backticks.

    A name in backticks that is one of the object's own parameters, or that has one or two letters, is a variable.
    PyTorch writes every variable in backticks and its references as roles, so there only dotted names count.
    """
    names = [name.strip("~!.") for group, _ in parsed["See Also"] for name, _ in group]
    names += ROLE.findall(document.text)
    variables = {
        name.strip(" *")
        for section in ("Parameters", "Other Parameters", "Attributes", "Returns")
        for parameter in parsed[section]
        for name in parameter.name.split(",")
    }
    for name in BACKTICKS.findall(document.text):
        if "." in name or (len(name) > 2 and name not in variables and not document.name.startswith("torch.")):
            names.append(name)
    return names


class Resolver:
    """Finds the document a name means, from where it is mentioned."""

    def __init__(self, documents: list[Documented]):
        self.documents = documents
        self.by_path = {alias: i for i, document in enumerate(documents) for alias in document.aliases}
        self.by_last_part: dict[str, list[str]] = defaultdict(list)
        for path in self.by_path:
            self.by_last_part[path.rpartition(".")[2]].append(path)

    def __call__(self, name: str, mentioned_in: int) -> int | None:
        """Try the full path, then the mentioning object's class, module and packages, then a unique ending.

        A bare name never leaves its library; a dotted one may.
        """
        document = self.documents[mentioned_in]
        scopes = []
        for scope in (document.name, document.home):
            while scope:
                scopes.append(scope)
                scope = _parent(scope)
        scopes.sort(key=lambda scope: -scope.count("."))
        for path in (name, *(f"{scope}.{name}" for scope in scopes)):
            if path in self.by_path:
                return self.by_path[path]
        library = document.name.partition(".")[0]
        endings = [path for path in self.by_last_part[name.rpartition(".")[2]] if path.endswith(f".{name}")]
        meant = {self.by_path[path] for path in endings}
        meant_here = {i for i in meant if self.documents[i].name.startswith(f"{library}.")}
        for candidates in (meant, meant_here) if "." in name else (meant_here,):
            if len(candidates) == 1:
                return next(iter(candidates))
        return None


# --- the corpus ------------------------------------------------------------------------------------------------------


def select(
    documents: list[Documented], texts: list[list[Sentence]], references: set[tuple[int, int]]
) -> dict[str, Any]:
    """Keep what can be learned from: enough words of its own, a subject area, a reference to another such document.

    Returns
    -------
    ``names``, ``texts`` (per document a list of sentences, words separated by blanks), ``labels``, ``classes``, and
    ``pairs`` (positions of documents that refer to each other), of JSON types.
    """
    candidates = [i for i, document in enumerate(documents) if document.subject is not None]
    occurrences = Counter(sentence for i in candidates for sentence in set(texts[i]))
    own = {i: [s for s in texts[i] if occurrences[s] < BOILERPLATE] for i in candidates}
    first_with_text: dict[Sentence, int] = {}
    for i in candidates:
        words = tuple(word for sentence in own[i] for word in sentence)
        if len(words) >= MIN_WORDS:
            first_with_text.setdefault(words, i)
    kept = set(first_with_text.values())
    kept = _with_reference(kept, references)
    sizes = Counter(documents[i].subject for i in kept)
    kept = {i for i in kept if sizes[documents[i].subject] >= MIN_CLASS}
    order = sorted(_with_reference(kept, references))
    classes: list[str | None] = [subject for subject in SUBJECTS if sizes[subject] >= MIN_CLASS]
    position = {i: place for place, i in enumerate(order)}
    return {
        "names": [documents[i].name for i in order],
        "texts": [[" ".join(sentence) for sentence in own[i]] for i in order],
        "labels": [classes.index(documents[i].subject) for i in order],
        "classes": classes,
        "pairs": sorted([position[a], position[b]] for a, b in references if a in position and b in position),
    }


def _with_reference(kept: set[int], references: set[tuple[int, int]]) -> set[int]:
    return {end for pair in references if kept.issuperset(pair) for end in pair}


def extract(report: Callable[[float], None]) -> dict[str, Any]:
    """Walk the libraries, read every docstring, and select the corpus; ``report`` gets the part done, 0 to 1."""
    documents = documented_objects(public_modules(lambda part: report(part * 0.6)))
    resolve = Resolver(documents)
    texts, references = [], set()
    for i, document in enumerate(documents):
        if i % 100 == 0:
            report(0.6 + 0.4 * i / len(documents))
        parsed = Parsed(document.text)
        texts.append([s for section in PROSE_SECTIONS for s in sentences(parsed[section], GIVEAWAY)])
        for name in mentions(document, parsed):
            meant = resolve(name, i)
            if meant is not None and meant != i:
                references.add((min(i, meant), max(i, meant)))
    return select(documents, texts, references)


def main() -> None:
    """Extract the corpus in this process and write it to standard output, which stays free of anything else."""
    messages = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    warnings.simplefilter("ignore")
    sys.meta_path[:] = [BuiltinImporter, FrozenImporter, OnlyRequired]

    def send(**message: Any) -> None:
        print(json.dumps(message), file=messages, flush=True)

    send(corpus=extract(lambda part: send(percent=int(100 * part))))


if __name__ == "__main__":
    main()
