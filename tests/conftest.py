"""Turns the package's shape annotations into run-time checks, and keeps the author's own progress out of the tests."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # as course.py does; DGL's samplers repeat themselves on one thread only

import pytest
from jaxtyping import install_import_hook

install_import_hook("course_utils", "beartype.beartype")


@pytest.fixture(autouse=True)
def progress_of_nobody(tmp_path, monkeypatch):
    """Let no test read or write the progress of whoever runs it."""
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
