"""Fingerprints: an experiment that would measure something else has another one, and nothing else has."""

import linecache
import sys
from types import ModuleType

import pytest

from course_utils.evidence.fingerprint import fingerprint

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
