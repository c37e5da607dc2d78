"""The registry: right files or a clear error, nothing half-written, your own folder only read. All on 127.0.0.1."""

import errno
import hashlib
import json
import os
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from course_utils.data import __main__ as command_line
from course_utils.data.public import registry
from course_utils.data.public.registry import DataError, datasets, fetch, is_available

PARTS = {"toy/one.txt": b"eins\n" * 17, "toy/two.txt": b"zwei\n" * 23}


class Server(ThreadingHTTPServer):
    """Answers with what ``answers`` holds and remembers what it was asked for."""

    def __init__(self):
        self.answers, self.asked, self.ranges, self.knows_ranges = {}, [], [], True
        self.waits = None
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path.lstrip("/"))
        if self.server.waits is not None:
            self.server.waits.wait(60)
        status, body, promised = self.server.answers.get(self.path.lstrip("/"), (404, b"no such file", None))
        wanted = self.headers.get("Range")
        self.server.ranges.append(wanted)
        if wanted and self.server.knows_ranges:
            status, body = 206, body[int(wanted.removeprefix("bytes=").removesuffix("-")) :]
        self.send_response(status)
        self.send_header("Content-Length", str(promised or len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1")
    server = Server()
    server.answers = {file: (200, content, None) for file, content in PARTS.items()}
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def downloads(tmp_path, monkeypatch, server):
    """A registry with one data set, toy, an empty cache, and no folder of one's own."""
    write_registry(tmp_path, monkeypatch, server.server_port)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("COURSE_DATA", raising=False)
    return tmp_path / "cache" / "downloads"


@pytest.fixture
def own(tmp_path, monkeypatch, downloads):
    """A folder of one's own that holds both files."""
    folder = tmp_path / "own"
    monkeypatch.setenv("COURSE_DATA", str(folder))
    fill(folder)
    return folder


def write_registry(folder, monkeypatch, port, openly_licensed=True):
    files = [
        {
            "file": file,
            "url": f"http://127.0.0.1:{port}/{file}",
            "sha256": hashlib.sha256(content).hexdigest(),
            "bytes": len(content),
        }
        for file, content in PARTS.items()
    ]
    about = {"about": "Toy words", "licence": "terms of a toy", "citation": "Nobody (1999)"}
    without = "Lecture 09 runs without it."
    entry = {**about, "openly_licensed": openly_licensed, "kind": "pairs", "without": without, "files": files}
    (folder / "registry.json").write_text(json.dumps({"toy": entry}), encoding="utf-8")
    monkeypatch.setattr(registry, "REGISTRY", folder / "registry.json")


def fill(folder):
    (folder / "toy").mkdir(parents=True)
    for file, content in PARTS.items():
        (folder / file).write_bytes(content)


def files_in(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_data_set_is_downloaded_once(downloads, server):
    paths = fetch("toy", progress=False)
    assert paths == {"one.txt": downloads / "toy/one.txt", "two.txt": downloads / "toy/two.txt"}
    assert files_in(downloads) == PARTS
    assert fetch("toy", progress=False) == paths
    assert server.asked == list(PARTS)


def test_a_file_with_another_hash_is_refused_and_nothing_is_left(downloads, server):
    server.answers["toy/one.txt"] = (200, b"acht\n" * 17, None)
    with pytest.raises(DataError, match=r"toy/one\.txt was downloaded, but is not the file in the registry"):
        fetch("toy", progress=False)
    assert files_in(downloads) == {}


def test_an_answer_cut_short_is_not_taken_for_the_file(downloads, server):
    server.answers["toy/two.txt"] = (200, PARTS["toy/two.txt"][:19], len(PARTS["toy/two.txt"]))
    with pytest.raises(DataError, match=r"toy/two\.txt"):
        fetch("toy", progress=False)
    assert {file for file in files_in(downloads) if not file.endswith(".part")} == {"toy/one.txt"}
    assert not is_available("toy")


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_an_interrupted_download_goes_on_where_it_stopped(knows_ranges, downloads, server):
    (downloads / "toy").mkdir(parents=True)
    (downloads / "toy/two.txt.part").write_bytes(PARTS["toy/two.txt"][:19])
    server.knows_ranges = knows_ranges  # a server that does not sends everything again
    fetch("toy", progress=False)
    assert server.ranges == [None, "bytes=19-"]
    assert files_in(downloads) == PARTS


def test_a_part_that_belongs_to_another_file_is_noticed_and_thrown_away(downloads, server):
    (downloads / "toy").mkdir(parents=True)
    (downloads / "toy/two.txt.part").write_bytes(b"acht\n")
    with pytest.raises(DataError, match="not the file in the registry"):
        fetch("toy", progress=False)
    assert list(files_in(downloads)) == ["toy/one.txt"]
    fetch("toy", progress=False)
    assert files_in(downloads) == PARTS


def test_offline_nothing_is_asked_and_what_is_missing_is_said(downloads, server):
    with pytest.raises(DataError, match=r"is not here, and the network is not to be asked.*Lecture 09 runs without it"):
        fetch("toy", offline=True)
    assert server.asked == []
    fill(downloads)
    assert len(fetch("toy", offline=True)) == 2


def test_the_state_of_each_file_is_told(downloads):
    fill(downloads)
    (downloads / "toy/two.txt").write_bytes(b"acht\n" * 23)  # as long as the right one
    assert registry.state("toy") == {"toy/one.txt": "intact", "toy/two.txt": "damaged"}
    (downloads / "toy/two.txt").unlink()
    assert registry.state("toy") == {"toy/one.txt": "intact", "toy/two.txt": "missing"}


def test_a_missing_page_says_what_where_and_how(downloads, server):
    del server.answers["toy/one.txt"]
    with pytest.raises(DataError) as error:
        fetch("toy", progress=False)
    message = str(error.value)
    assert (
        f"http://127.0.0.1:{server.server_port}/toy/one.txt could not be downloaded (the server answered 404)"
        in message
    )
    assert f"Looked in {downloads} (COURSE_DATA is not set)" in message
    assert "put the file at toy/one.txt in a folder of yours and set COURSE_DATA to that folder" in message
    assert "All six notebooks run without" in message
    assert files_in(downloads) == {}


def test_without_a_network_the_error_is_as_clear(downloads, tmp_path, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but not listening: a connection is refused
        write_registry(tmp_path, monkeypatch, taken.getsockname()[1])
        with pytest.raises(DataError, match=r"could not be downloaded \(no connection, ConnectionError\)"):
            fetch("toy", progress=False)
    assert files_in(downloads) == {}


def test_a_damaged_file_in_the_cache_is_downloaded_again(downloads, server):
    fetch("toy", progress=False)
    (downloads / "toy/two.txt").write_bytes(b"zwe")
    fetch("toy", progress=False)
    assert files_in(downloads) == PARTS
    assert server.asked == [*PARTS, "toy/two.txt"]


def test_a_cache_that_cannot_be_written_is_said(downloads, tmp_path, monkeypatch):
    (tmp_path / "occupied").write_text("a file where the folder should be", encoding="utf-8")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "occupied"))
    with pytest.raises(DataError, match="Set COURSE_CACHE to a folder with space that you may write"):
        fetch("toy", progress=False)


def test_a_folder_of_ones_own_is_read_and_nothing_is_asked_or_written(own, downloads, server):
    assert fetch("toy") == {"one.txt": own / "toy/one.txt", "two.txt": own / "toy/two.txt"}
    assert files_in(own) == PARTS
    assert server.asked == []
    assert not downloads.exists()


def test_a_wrong_file_in_a_folder_of_ones_own_is_named_and_left_alone(own, server):
    (own / "toy/two.txt").write_bytes(b"acht\n" * 23)
    with pytest.raises(
        DataError, match=r"own/toy/two\.txt is not the file this course was made with.*unset COURSE_DATA"
    ):
        fetch("toy", progress=False)
    assert (own / "toy/two.txt").read_bytes() == b"acht\n" * 23
    assert server.asked == []


def test_what_a_folder_of_ones_own_does_not_hold_is_downloaded_into_the_cache(own, downloads):
    (own / "toy/one.txt").unlink()
    assert fetch("toy", progress=False) == {"one.txt": downloads / "toy/one.txt", "two.txt": own / "toy/two.txt"}
    assert list(files_in(own)) == ["toy/two.txt"]
    assert list(files_in(downloads)) == ["toy/one.txt"]


def test_a_misspelled_folder_is_said(downloads, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "misspelled"))
    for ask in (fetch, is_available):
        with pytest.raises(DataError, match="misspelled, but there is no such folder; correct it or unset it"):
            ask("toy")


def test_availability_is_told_without_asking_the_network(downloads, server):
    assert not is_available("toy")
    fill(downloads)
    assert is_available("toy")
    (downloads / "toy/two.txt").write_bytes(b"zwe")
    assert not is_available("toy")
    assert server.asked == []


def test_availability_sees_a_folder_of_ones_own(own):
    assert is_available("toy")
    (own / "toy/one.txt").unlink()
    assert not is_available("toy")


def test_the_licence_is_shown_before_a_download_that_is_not_open(downloads, server, tmp_path, monkeypatch, capsys):
    write_registry(tmp_path, monkeypatch, server.server_port, openly_licensed=False)
    fetch("toy", progress=False)
    assert capsys.readouterr().out == "Toy words\nLicence: terms of a toy\nCite: Nobody (1999)\n"
    fetch("toy")
    assert capsys.readouterr().out == ""


def test_an_open_download_shows_its_progress_only_and_on_stdout(downloads, capsys):
    fetch("toy")
    shown = capsys.readouterr()
    assert "toy: 100%" in shown.out
    assert "Licence" not in shown.out
    assert shown.err == ""


def test_an_unknown_name_lists_the_known_ones():
    for ask in (fetch, is_available):
        with pytest.raises(DataError, match="'corra'; choose one of cora, multi30k, movie_reviews"):
            ask("corra")


def test_every_file_in_the_registry_is_pinned():
    assert datasets()[:3] == ["cora", "multi30k", "movie_reviews"]
    entries = json.loads(registry.REGISTRY.read_text(encoding="utf-8"))
    for name, entry in entries.items():
        assert set(entry) == {"kind", "about", "licence", "openly_licensed", "citation", "without", "files"}
        assert entry["kind"] in {"pairs", "documents", "graph"}
        assert entry["without"].endswith(".")
        for file in entry["files"]:
            folder = name.removesuffix("_train")
            assert re.fullmatch(rf"{folder}/[\w.-]+", file["file"])
            assert re.fullmatch(r"https://raw\.githubusercontent\.com/[\w.-]+/[\w.-]+/[0-9a-f]{40}/\S+", file["url"])
            assert re.fullmatch(r"[0-9a-f]{64}", file["sha256"])
            assert file["bytes"] > 0


def test_two_who_fetch_one_set_at_once_download_it_once(downloads, server, capsys):
    server.waits = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(fetch, "toy", progress=False) for _ in range(2)]
        while "Another window is fetching toy; waiting until it is done" not in capsys.readouterr().out:
            assert not all(one.done() for one in both)
            time.sleep(0.01)
        server.waits.set()
        assert both[0].result() == both[1].result()
    assert server.asked == list(PARTS)
    assert files_in(downloads) == PARTS


def test_a_download_stops_at_the_size_in_the_registry(downloads, server, monkeypatch):
    written = []
    monkeypatch.setattr(registry.tqdm, "update", lambda _, n=1: written.append(n))
    server.answers["toy/one.txt"] = (200, PARTS["toy/one.txt"] + 10**6 * b"more", None)
    with pytest.raises(DataError, match=r"toy/one\.txt was downloaded, but is not the file in the registry"):
        fetch("toy", progress=False)
    assert sum(written) <= len(PARTS["toy/one.txt"])
    assert files_in(downloads) == {}


def test_what_a_killed_download_left_is_cleared_but_no_file_of_the_readers(downloads):
    (downloads / "toy").mkdir(parents=True)
    (downloads / "toy/tmpab12_xyz").touch()  # as pooch names it
    (downloads / "toy/tmp_my_note").write_text("keep me")
    fetch("toy", progress=False)
    assert files_in(downloads) == PARTS | {"toy/tmp_my_note": b"keep me"}


def test_offline_a_damaged_file_is_called_damaged_and_not_missing(downloads, server):
    fill(downloads)
    (downloads / "toy/two.txt").write_bytes(b"acht\n" * 23)
    with pytest.raises(
        DataError,
        match=r"is here, in .*two\.txt, but damaged \(another sha256\), and the network",
    ):
        fetch("toy", offline=True)
    assert server.asked == []


def test_a_file_that_must_not_be_read_is_named(own, monkeypatch):
    def refuse(path, **_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    monkeypatch.setattr(registry.pooch, "file_hash", refuse)
    with pytest.raises(DataError, match=r"one\.txt cannot be read \(Permission denied\)\. Get the right to read it"):
        fetch("toy")


def test_a_folder_that_must_not_be_entered_is_named(own, monkeypatch):
    def refuse(self):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))

    monkeypatch.setattr(type(own), "is_file", refuse)
    for ask in (fetch, is_available, registry.state):
        with pytest.raises(DataError, match=r"toy/one\.txt cannot be read \(Permission denied\)"):
            ask("toy")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"toy": 3}', '{"toy": {"files": []}}', 100_000 * "[", '{"toy": null}']
)
def test_a_damaged_registry_is_named_and_stops_only_what_needs_it(content, downloads, monkeypatch, capsys):
    registry.REGISTRY.write_text(content)
    with pytest.raises(DataError, match=r"registry\.json cannot be read .*git checkout -- datasets/registry\.json"):
        fetch("toy")
    for command in ("list", "fetch", "verify"):
        assert command_line.main([command]) == 1
        assert capsys.readouterr().err.count("registry.json cannot be read") == 1
    monkeypatch.setattr(command_line, "build", lambda _: 0)
    assert command_line.main(["build"]) == 0


def test_a_registry_whose_file_lacks_its_hash_is_named(downloads):
    entries = json.loads(registry.REGISTRY.read_text())
    del entries["toy"]["files"][1]["sha256"]
    registry.REGISTRY.write_text(json.dumps(entries))
    with pytest.raises(DataError, match="a file of toy lacks sha256"):
        fetch("toy")


def test_a_folder_in_the_place_of_a_file_is_named(downloads):
    (downloads / "toy/one.txt").mkdir(parents=True)
    with pytest.raises(DataError, match=r"cannot write .*one\.txt \(Is a directory\)"):
        fetch("toy", progress=False)


# --- the command line -------------------------------------------------------------------------------------------------


def test_data_list_tells_size_place_licence_and_what_does_without(downloads, server, capsys):
    assert command_line.main(["list"]) == 0
    told = capsys.readouterr().out
    assert "0 of 2 files, not here" in told
    assert "terms of a toy" in told
    assert "Lecture 09 runs without it." in told
    fill(downloads)
    command_line.main(["list", "toy"])
    assert f"2 of 2 files, in {downloads / 'toy'}" in capsys.readouterr().out
    assert server.asked == []


def test_data_fetch_gets_what_it_can_and_fails_if_something_is_missing(downloads, server, capsys):
    assert command_line.main(["fetch", "--offline"]) == 1
    assert "the network is not to be asked" in capsys.readouterr().err
    assert server.asked == []
    assert command_line.main(["fetch", "toy"]) == 0
    assert "2 files, each with the right sha256" in capsys.readouterr().out
    assert files_in(downloads) == PARTS


def test_data_verify_fails_for_a_damaged_file_and_for_a_named_set_that_is_missing(downloads, capsys):
    assert command_line.main(["verify"]) == 0  # nothing is here, and nothing was named
    assert command_line.main(["verify", "toy"]) == 1
    fill(downloads)
    assert command_line.main(["verify", "toy"]) == 0
    assert "2 intact" in capsys.readouterr().out
    (downloads / "toy/one.txt").write_bytes(b"acht\n" * 17)
    assert command_line.main(["verify"]) == 1
    assert "toy/one.txt is not the file in the registry: remove it, then fetch toy" in capsys.readouterr().out


def test_data_answers_an_unknown_name_in_one_line(downloads, capsys):
    for command in ("list", "verify"):
        assert command_line.main([command, "corra"]) == 1
        assert capsys.readouterr().err.count("\n") == 1
