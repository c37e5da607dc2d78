"""Importing the package means one thread, unless whoever imports it has chosen another number."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

import course_utils
from course_utils.files import CHECKOUT

CORES = 7
NAMES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")


class Library:
    """What the package sees of PyTorch or of DGL, on a machine with more cores than the one that runs the tests."""

    def __init__(self, threads):
        self.threads = threads
        self.utils = self

    def get_num_threads(self):
        return self.threads

    def set_num_threads(self, threads):
        self.threads = threads


@pytest.fixture
def threads_after(monkeypatch):
    """Give the threads of PyTorch, of DGL and of what is started, after the package was imported behind the two."""

    def import_behind(torch, dgl=CORES, environment=()):
        for name in NAMES:
            monkeypatch.delenv(name, raising=False)
        for name in environment:
            monkeypatch.setenv(name, "5")
        libraries = {"torch": torch and Library(torch), "dgl": dgl and Library(dgl)}
        monkeypatch.setattr(course_utils, "sys", SimpleNamespace(modules=libraries))
        monkeypatch.setattr(course_utils.os, "sched_getaffinity", lambda _: set(range(CORES)), raising=False)
        course_utils._use_one_thread_unless_chosen()
        found = [library and library.threads for library in libraries.values()]
        return [*found, *(os.environ.get(name) for name in NAMES)]

    return import_behind


@pytest.mark.parametrize("default", [CORES, CORES // 2])
def test_a_library_that_was_imported_before_computes_on_one_thread(default, threads_after):
    assert threads_after(torch=default) == [1, 1, "1", None]
    assert threads_after(torch=default, dgl=None) == [1, None, "1", None]


def test_a_number_of_threads_that_was_set_before_is_kept(threads_after):
    assert threads_after(torch=5) == [5, CORES, None, None]


@pytest.mark.parametrize("name", NAMES)
def test_a_number_of_threads_in_the_environment_is_kept(name, threads_after):
    kept = [5 if name == other else None for other in NAMES]
    assert threads_after(CORES, environment=[name]) == [CORES, CORES, *(str(n) if n else None for n in kept)]
    assert threads_after(None, dgl=None, environment=[name])[2:] == [str(n) if n else None for n in kept]


def told(code):
    """Give what a Python of its own prints, in which nobody has chosen a number of threads."""
    environment = {name: value for name, value in os.environ.items() if name not in NAMES}
    environment |= {"PYTHONPATH": str(CHECKOUT), "DGLBACKEND": "pytorch"}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def test_the_real_libraries_compute_on_one_thread_when_they_were_imported_before():
    code = "import dgl, torch, course_utils; print(torch.get_num_threads(), dgl.utils.get_num_threads())"
    assert told(code) == "1 1"


def test_the_package_imports_neither_and_both_compute_on_one_thread_when_they_come_later():
    code = "import sys, course_utils; print({'torch', 'dgl'} & sys.modules.keys()); "
    assert told(code + "import torch; print(torch.get_num_threads())").split("\n") == ["set()", "1"]
