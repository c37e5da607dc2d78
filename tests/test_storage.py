"""Caches: keyed, written whole or not at all, and rebuilt when damaged."""

import json

import pytest

from course_utils import files
from course_utils.data import storage


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))


class Builder:
    """Counts how often it is asked."""

    def __init__(self, result):
        self.result, self.calls = result, 0

    def __call__(self):
        self.calls += 1
        return self.result


def only_file():
    (file,) = storage.cache_folder().iterdir()
    return file


def test_a_second_call_reads_what_the_first_one_built():
    build = Builder({"words": ["größer", "셋"], "numbers": (1, 2)})
    first = storage.cached("corpus", {"recipe": 1}, build)
    second = storage.cached("corpus", {"recipe": 1}, build)
    assert build.calls == 1
    assert first == second == {"words": ["größer", "셋"], "numbers": [1, 2]}


def test_another_key_is_built_anew():
    build = Builder([1])
    storage.cached("corpus", {"numpy": "2.0"}, build)
    storage.cached("corpus", {"numpy": "2.1"}, build)
    assert build.calls == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-5],
        lambda text: text.replace("seven", "eight"),
        lambda text: "",
        lambda text: text.split("\n")[1],
        lambda text: text.replace('"key": "', '"key": "0'),
    ],
    ids=["cut short", "edited", "empty", "without header", "of another recipe"],
)
def test_a_damaged_cache_is_noticed_and_rebuilt(damage):
    build = Builder(["seven"])
    storage.cached("corpus", {}, build)
    only_file().write_text(damage(only_file().read_text(encoding="utf-8")), encoding="utf-8")
    assert storage.cached("corpus", {}, build) == ["seven"]
    assert build.calls == 2
    assert storage.cached("corpus", {}, build) == ["seven"]
    assert build.calls == 2


def test_an_interrupted_build_leaves_nothing_behind():
    def build():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        storage.cached("corpus", {}, build)
    assert not storage.cache_folder().exists() or not any(storage.cache_folder().iterdir())


def test_an_interrupted_write_keeps_the_older_file_and_leaves_no_part(monkeypatch, tmp_path):
    path = tmp_path / "file.json"
    path.write_text("old", encoding="utf-8")
    monkeypatch.setattr(files.os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        files.write_atomically(path, b"new")
    assert path.read_text(encoding="utf-8") == "old"
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["file.json"]


def test_a_stored_file_is_plain_json_below_its_header():
    storage.cached("corpus", {}, Builder({"a": 1}))
    header, payload = only_file().read_text(encoding="utf-8").splitlines()
    assert set(json.loads(header)) == {"key", "sha256"}
    assert json.loads(payload) == {"a": 1}
