"""The place in which faults are played."""

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.place import REFUSED, UNREADABLE, Place


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """Give a place, and undo afterwards what went wrong in it."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    folder = tmp_path / "place"
    folder.mkdir()
    yield Place(folder, monkeypatch)
    resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    REFUSED.clear()
    UNREADABLE.clear()
