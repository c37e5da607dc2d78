"""Fingerprints: an experiment that would measure something else has another one, and nothing else has."""

import ast
import json
import linecache
import os
import subprocess
import sys
from types import ModuleType

import pytest

from course_utils.evidence.fingerprint import fingerprint
from course_utils.files import CHECKOUT, LECTURES

from .notebooks import code_cells

NOTEBOOK = """
import torch

STEPS = 7

def helper(x):
    return x + STEPS

@torch.no_grad()
def decorated(x):
    return helper(x) * 2

class Base:
    @property
    def factor(self):
        return 3

class Model(Base):
    @torch.no_grad()
    def run(self, seed):
        return decorated(seed) + self.factor

def experiment(seed):
    return {"a": {"accuracy": Model().run(seed)}}
"""


def notebook(source: str, name: str = "first"):
    module = ModuleType("notebook")
    file = f"<test notebook {name}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    exec(compile(source, file, "exec"), module.__dict__)
    return module.experiment


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("STEPS = 7", "STEPS = 8"),
        ("x + STEPS", "x - STEPS"),
        ("decorated(seed)", "decorated(seed + 1)"),
        ("helper(x) * 2", "helper(x)"),
        ("return 3", "return 4"),
        ('"a"', '"b"'),
    ],
)
def test_the_fingerprint_changes_with_everything_the_experiment_reaches(old, new):
    assert fingerprint(notebook(NOTEBOOK.replace(old, new), new)) != fingerprint(notebook(NOTEBOOK))


def test_the_fingerprint_changes_with_the_recipe_of_the_data(monkeypatch):
    corpus = ModuleType("corpus")
    monkeypatch.setitem(sys.modules, "corpus", corpus)
    exec("def load_corpus(): return 1\n\nRECIPE = 1", corpus.__dict__)
    experiment = notebook("def experiment(seed):\n    return load_corpus()\n", "recipe")
    experiment.__globals__["load_corpus"] = corpus.load_corpus
    before = fingerprint(experiment)
    corpus.RECIPE = 2
    assert fingerprint(experiment) != before


def test_a_function_that_is_named_like_an_attribute_does_not_count():
    text = "def experiment(seed):\n    return model.train()\n"
    other = text + "\ndef train():\n    pass\n"
    assert fingerprint(notebook(text, "plain")) == fingerprint(notebook(other, "other"))


def test_the_fingerprint_ignores_comments_layout_and_what_is_not_reached():
    other = NOTEBOOK.replace("return x + STEPS", "return (x\n        + STEPS)  # a sum") + "\ndef unused():\n    pass\n"
    assert fingerprint(notebook(other, "other")) == fingerprint(notebook(NOTEBOOK))


@pytest.mark.parametrize(
    "begin", ["def helper(x):", "class Model(Base):", "def run(self, seed):", "def experiment(seed):"]
)
def test_a_docstring_may_be_corrected_and_the_fingerprint_stays(begin):
    indent = " " * (8 if begin.startswith("def run") else 4)
    other = NOTEBOOK.replace(begin, f'{begin}\n{indent}"""What it does,\n{indent}in two lines."""\n')
    assert other != NOTEBOOK
    assert fingerprint(notebook(other, begin)) == fingerprint(notebook(NOTEBOOK))


def test_a_string_that_is_returned_is_no_docstring():
    texts = ['def experiment(seed):\n    return "a"\n', 'def experiment(seed):\n    return "b"\n']
    assert fingerprint(notebook(texts[0], "a")) != fingerprint(notebook(texts[1], "b"))


# What versions of Python compile or write out in their own ways: a cell, and what the records hold of it.
SPELLINGS = [
    (
        """def f(x): return f"{' '.join(x)}: {LOW:.2f} {x!r:>{WIDTH}} {{}}" """,
        """def f(x):\n    return f"{' '.join(x)}: {LOW:.2f} {x!r:>{WIDTH}} {{}}\"""",
        {"LOW", "WIDTH"},
    ),
    (
        """def f(x): return f'{x["a"]}' + f"it's {x} \\n" f'{1}'""",
        """def f(x):\n    return f"{x['a']}" + f"it's {x} \\n{1}\"""",
        set(),
    ),
    (
        """def f(x): return f'''{f"{x['a']}"}'''""",
        '''def f(x):\n    return f"""{f"{x['a']}"}"""''',
        set(),
    ),
    (
        "def f(x): return [STEPS + y for y in sorted(x, key=lambda z: z * LOW)]",
        "def f(x):\n    return [STEPS + y for y in sorted(x, key=lambda z: z * LOW)]",
        {"STEPS", "LOW", "sorted"},
    ),
    (
        "class f(Base):\n  def g(self, x: int = LOW):\n    for i in range(3):\n      yield super().g(i, self.train)",
        "class f(Base):\n\n    def g(self, x: int=LOW):\n        for i in range(3):\n"
        "            yield super().g(i, self.train)",
        {"range", "super"},
    ),
]
READ = """
import json, linecache, sys
from course_utils.evidence.fingerprint import _definition

answers = []
for name, cell in json.load(sys.stdin):
    linecache.cache["<cell>"] = (len(cell), None, cell.splitlines(keepends=True), "<cell>")
    text, names = _definition(name, ["<cell>"])
    answers.append([text, sorted(names)])
json.dump(answers, sys.stdout)
"""


def read(definitions, python):
    """Read the source and the names of each (name, cell) in a Python that needs no package for it."""
    told = subprocess.run(
        [python, "-c", READ],
        input=json.dumps(definitions),
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stderr
    return [(text, set(names)) for text, names in json.loads(told.stdout)]


@pytest.fixture(params=["3.11", "3.12"])
def python(request):
    """Give another Python of this version; one that is on the PATH may still refuse to start."""
    name = f"python{request.param}"
    if subprocess.run(f"{name} -c ''", shell=True, capture_output=True).returncode:
        pytest.skip(f"no {name} on the PATH")
    return name


def test_f_strings_and_names_are_read_as_the_records_have_them():
    assert read([("f", cell) for cell, *_ in SPELLINGS], sys.executable) == [tuple(found) for _, *found in SPELLINGS]


def test_another_python_reads_the_same_from_every_definition(python):
    definitions = [
        (node.name, cell.source)
        for lecture in LECTURES
        for cell in code_cells(lecture.stem)
        for node in ast.parse(cell.source).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]
    definitions += [("f", cell) for cell, *_ in SPELLINGS]
    assert read(definitions, python) == read(definitions, sys.executable)
