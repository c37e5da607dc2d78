"""Notebooks as modules: what they define can be imported, and nothing else of them is executed."""

import json
import pickle
import subprocess
import sys
import traceback

import pytest

from course_utils import notebooks
from course_utils.evidence.fingerprint import fingerprint
from course_utils.files import CHECKOUT


def write(path, *cells):
    path.parent.mkdir(parents=True, exist_ok=True)
    made = [{"cell_type": "code", "source": source.splitlines(keepends=True)} for source in cells]
    path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": ["# Title"]}, *made]}), encoding="utf-8")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A course of one's own: lectures and experiments are looked for in tmp_path."""
    monkeypatch.setattr(notebooks, "FOLDERS", {"lecture": tmp_path, "experiment": tmp_path / "experiments"})
    kept = {name: module for name, module in sys.modules.items() if notebooks.is_notebook(name)}
    for name in kept:
        del sys.modules[name]
    yield tmp_path
    for name in [name for name in sys.modules if notebooks.is_notebook(name)]:
        del sys.modules[name]
    sys.modules.update(kept)


def test_importing_executes_definitions_and_nothing_else(folder):
    write(
        folder / "07_seven.ipynb",
        "import math\nSTEPS, RATE = 3, 0.5\nhistory = train()",
        "print('never')\n\ndef double(x):\n    return 2 * x\n\nclass Model:\n    pass\n\ndouble(undefined)",
    )
    from course_utils.notebooks import lecture_07
    from course_utils.notebooks.lecture_07 import STEPS, double

    assert (STEPS, double(2)) == (3, 4)
    assert not hasattr(lecture_07, "history")
    assert pickle.loads(pickle.dumps(lecture_07.Model)) is lecture_07.Model


def test_an_experiment_is_found_beside_the_lecture_of_its_number(folder):
    write(folder / "07_seven.ipynb", "A = 1")
    write(folder / "experiments" / "07_seven.ipynb", "from course_utils.notebooks.lecture_07 import A\nB = (A, 2)")
    from course_utils.notebooks.experiment_07 import B

    assert B == (1, 2)


def test_an_error_names_the_cell_and_quotes_its_line(folder):
    write(folder / "07_seven.ipynb", "A = 1", "B = 2\nclass Late(computed_elsewhere):\n    pass")
    with pytest.raises(NameError) as raised:
        import course_utils.notebooks.lecture_07  # noqa: F401
    told = "".join(traceback.format_exception(raised.value))
    assert "cell 2 of 07_seven.ipynb" in told
    assert "class Late(computed_elsewhere):" in told


def test_a_cell_that_is_no_python_is_named(folder):
    write(folder / "07_seven.ipynb", "def f(:\n    pass")
    with pytest.raises(SyntaxError, match="This is cell 1 of 07_seven") as raised:
        import course_utils.notebooks.lecture_07  # noqa: F401
    assert raised.value.text == "def f(:\n"


@pytest.mark.parametrize("name", ["lecture_09", "experiment_07", "lecture_7", "helpers"])
def test_a_name_that_is_no_notebook_is_refused_with_those_that_are(folder, name):
    write(folder / "07_seven.ipynb", "A = 1")
    with pytest.raises(ModuleNotFoundError, match=f"{name}.*there are: lecture_07"):
        __import__(f"course_utils.notebooks.{name}")


def test_half_a_file_is_no_notebook(folder):
    (folder / "07_seven.ipynb").write_text('{"cells": [', encoding="utf-8")
    with pytest.raises(ValueError, match=r"07_seven\.ipynb is not a whole notebook"):
        import course_utils.notebooks.lecture_07  # noqa: F401


LECTURE = "N = 3\n\ndef helper(x):\n    return x + N\n\nclass Model:\n    def run(self, x):\n        return helper(x)"
EXPERIMENT = "def experiment(seed):\n    return Model().run(seed)"


def experiment_after(folder, lecture: str, importing: str, experiment: str = EXPERIMENT):
    for name in [name for name in sys.modules if notebooks.is_notebook(name)]:
        del sys.modules[name]
    write(folder / "07_seven.ipynb", lecture)
    write(folder / "experiments" / "07_seven.ipynb", importing, experiment)
    return __import__("course_utils.notebooks.experiment_07", fromlist=["experiment"]).experiment


def test_the_fingerprint_follows_an_imported_name_as_if_it_stood_here(folder):
    importing = "from course_utils.notebooks.lecture_07 import Model"
    split = fingerprint(experiment_after(folder, LECTURE, importing))
    together = fingerprint(experiment_after(folder, "A = 1", LECTURE))
    assert split == together


@pytest.mark.parametrize(
    ("old", "new"), [("N = 3", "N = 4"), ("x + N", "x - N"), ("return helper(x)", "return -helper(x)")]
)
def test_the_fingerprint_changes_with_what_the_lecture_defines(folder, old, new):
    importing = "from course_utils.notebooks.lecture_07 import Model"
    before = fingerprint(experiment_after(folder, LECTURE, importing))
    assert fingerprint(experiment_after(folder, LECTURE.replace(old, new), importing)) != before


def test_two_notebooks_may_mean_different_things_by_one_name(folder):
    importing = "from course_utils.notebooks.lecture_07 import Model\nN = {}"
    experiment = "def experiment(seed):\n    return Model().run(seed) + N"
    prints = {
        fingerprint(experiment_after(folder, LECTURE.replace("N = 3", f"N = {a}"), importing.format(b), experiment))
        for a, b in [(3, 4), (4, 3), (3, 5), (5, 4)]
    }
    assert len(prints) == 4


def test_a_notebook_imported_whole_is_refused_since_it_could_not_be_followed(folder):
    importing = "from course_utils.notebooks import lecture_07"
    experiment = "def experiment(seed):\n    return lecture_07.Model().run(seed)"
    with pytest.raises(ValueError, match="import the names it needs"):
        fingerprint(experiment_after(folder, LECTURE, importing, experiment))


def test_every_lecture_can_be_imported_by_a_fresh_python():
    code = "from course_utils.notebooks.lecture_01 import FixedVector; print(FixedVector.__module__)"
    printed = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "course_utils.notebooks.lecture_01"
