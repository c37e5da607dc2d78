"""Caches: keyed, written whole or not at all, and rebuilt when damaged."""

import errno
import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from course_utils import files, refusals
from course_utils.data import __main__ as command_line
from course_utils.data import storage
from course_utils.files import CHECKOUT


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


# --- two at once, traces of a kill, and folders where nothing can be kept ---------------------------------------------


def gone():
    """Give the number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_of_two_who_need_a_corpus_at_once_one_builds_it(capsys):
    begun, go_on, calls = threading.Event(), threading.Event(), []

    def build():
        calls.append(1)
        begun.set()
        go_on.wait(60)
        return ["seven"]

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(storage.cached, "corpus", {}, build)
        assert begun.wait(60)
        second = pool.submit(storage.cached, "corpus", {}, build)
        while "Another window is building corpus; waiting until it is done" not in capsys.readouterr().out:
            assert not second.done()
            time.sleep(0.01)
        go_on.set()
        assert first.result() == second.result() == ["seven"]
    assert calls == [1]
    assert only_file().suffix == ".json"  # the lock is gone


def test_who_waited_for_a_build_that_was_interrupted_builds_itself():
    begun, go_on = threading.Event(), threading.Event()

    def interrupted():
        begun.set()
        go_on.wait(60)
        raise KeyboardInterrupt

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(storage.cached, "corpus", {}, interrupted)
        assert begun.wait(60)
        second = pool.submit(storage.cached, "corpus", {}, Builder(["seven"]))
        go_on.set()
        assert isinstance(first.exception(), KeyboardInterrupt)
        assert second.result() == ["seven"]


def test_a_lock_of_a_killed_process_stops_nobody(tmp_path):
    path = tmp_path / "corpus.json"
    code = "import os, sys; from pathlib import Path; from course_utils.files import alone\n"
    code += "with alone(Path(sys.argv[1]), 'waiting'): os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", code, str(path)], cwd=CHECKOUT, check=False)
    assert (tmp_path / ".corpus.json.lock").exists()
    with files.alone(path, "waiting") as waited:
        assert not waited
    assert list(tmp_path.iterdir()) == []


def test_what_killed_processes_left_is_cleared_and_nothing_else():
    folder = storage.cache_folder()
    folder.mkdir()
    ours = [f".corpus-0123.json.{gone()}", f".corpus-of-old-versions.json.{gone()}", ".corpus-0123.json.lock"]
    others = [
        f".corpus-0123.json.{os.getppid()}", ".corpus-0123.json.backup", ".corpus-0123.json.0",
        f"corpus-1.json.{gone()}",
        f".other-0123.json.{gone()}", f".corpus-0123.txt.{gone()}",
    ]  # fmt: skip
    for name in ours + others:
        (folder / name).write_text("half a corp")
    with files.alone(folder / "corpus-9.json", "waiting"):
        storage.cached("corpus", {}, Builder([1]))
        assert (folder / ".corpus-9.json.lock").exists()  # it is held
    left = {path.name for path in folder.iterdir() if not path.name.startswith("corpus-") or path.name in others}
    assert left == set(others)


def test_writing_a_file_clears_what_a_killed_process_left_of_it(tmp_path):
    (tmp_path / f".99_toy.json.{gone()}").write_text("half")
    (tmp_path / f".99_other.json.{gone()}").write_text("half")
    files.write_atomically(tmp_path / "99_toy.json", b"{}")
    assert sorted(path.name.split(".json")[0] for path in tmp_path.iterdir()) == [".99_other", "99_toy"]


def a_file_as_cache(folder):
    folder.write_text("")


def a_folder_in_the_place_of_the_corpus(folder):
    digest = storage._checksum({"recipe": 1})
    (folder / f"corpus-{digest[:16]}.json").mkdir(parents=True)


@pytest.mark.parametrize("fault", [a_file_as_cache, a_folder_in_the_place_of_the_corpus])
def test_a_corpus_that_cannot_be_kept_is_used_and_a_line_says_so(fault, capsys):
    fault(storage.cache_folder())
    assert storage.cached("corpus", {"recipe": 1}, Builder(["seven"])) == ["seven"]
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert said.startswith("corpus is ready and is used, but it cannot be kept in ")
    assert "set COURSE_CACHE to a folder with space where you may write." in said


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_a_full_or_read_only_disk_costs_no_corpus(number, monkeypatch, capsys):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(storage, "write_atomically", refuse)
    assert storage.cached("corpus", {}, Builder(["seven"])) == ["seven"]
    assert f"({os.strerror(number)})" in capsys.readouterr().out


def test_an_error_of_the_build_itself_is_not_taken_for_one_of_the_cache():
    def build():
        raise FileNotFoundError("a library's file")

    with pytest.raises(FileNotFoundError, match="a library's file"):
        storage.cached("corpus", {}, build)


def test_a_cache_in_ones_home_may_be_named_by_a_tilde(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("COURSE_CACHE", "~/my cache")
    assert storage.cache_folder() == tmp_path / "my cache"


def test_data_build_says_what_was_not_kept(monkeypatch, capsys):
    monkeypatch.setattr(command_line, "load_number_words", lambda: storage.cached("number-words", {}, lambda: [1]))
    monkeypatch.setattr(storage, "NOT_KEPT", [])
    monkeypatch.setattr(command_line, "NOT_KEPT", storage.NOT_KEPT)
    a_file_as_cache(storage.cache_folder())
    docs = type("Docs", (), {"sources": [1, 2], "__len__": lambda _: 1})()
    monkeypatch.setattr(command_line, "load_docs", lambda: docs)
    assert command_line.main(["build"]) == 1
    said = capsys.readouterr().out
    assert "number words: 1 pairs, English and German, not kept" in said


@pytest.mark.parametrize("kind", [ValueError, refusals.Stop])
def test_a_damaged_file_of_the_repository_is_named(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(refusals, "CHECKOUT", tmp_path)
    for content in (b'{"01": ', b"\xff\xfe", b"", 100_000 * b"[", b"[]"):
        (tmp_path / "runs.json").write_bytes(content)
        with pytest.raises(kind, match=r"runs\.json is damaged .*: take it from the repository again \(git checkout"):
            refusals.read_json(tmp_path / "runs.json")


def test_a_file_that_should_hold_a_list_is_damaged_where_it_holds_an_object(tmp_path):
    (tmp_path / "published.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match=r"published\.json is damaged \(expected a list, found a dict\)"):
        refusals.read_json(tmp_path / "published.json", list)
    (tmp_path / "published.json").write_text("[1]", encoding="utf-8")
    assert refusals.read_json(tmp_path / "published.json", list) == [1]
