"""Turns the package's shape annotations into run-time checks, and makes the tests the same on every machine."""

import os
import signal
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")  # as course.py does; DGL's samplers repeat themselves on one thread only

import hypothesis
import pytest
from jaxtyping import install_import_hook

install_import_hook("course_utils", "beartype.beartype")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in a shell's background; what we start would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No deadline, because a busy machine is not an error; the same examples everywhere, because a reader's first run is no
# place for a new discovery; no data base of earlier failures, because the checkout may be read-only.
hypothesis.settings.register_profile("course", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("course")


@pytest.hookimpl(tryfirst=True)  # before -m chooses by marks
def pytest_collection_modifyitems(items):
    """Mark as numeric what another processor may round otherwise: each test whose module imports PyTorch."""
    for item in items:
        if hasattr(getattr(item, "module", None), "torch"):  # a notebook's cell has no module
            item.add_marker(pytest.mark.numeric)


@pytest.fixture(autouse=True)
def progress_of_nobody(tmp_path, monkeypatch):
    """Let no test read or write the progress of whoever runs it."""
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))


@pytest.fixture(autouse=True, scope="session")
def an_alarm_may_ring_in_a_destructor():
    """Keep a check's alarm, which rings again, from being told as an error where Python happened to clean up."""
    told = sys.unraisablehook

    def tell(unraisable):
        if unraisable.exc_type.__name__ != "OutOfTime":
            told(unraisable)

    sys.unraisablehook = tell
    yield
    sys.unraisablehook = told
