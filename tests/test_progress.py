"""Progress is kept whole: nothing that is written, damaged or older takes away what was solved."""

import json
from concurrent.futures import ProcessPoolExecutor

import pytest

from course_utils.exercises import progress
from course_utils.exercises.catalogue import EXERCISES, of_lecture
from course_utils.exercises.progress import Attempts, main, note, progress_file, read, show_progress, summary
from course_utils.refusals import Stop


def test_nothing_was_tried_at_first():
    assert read() == {}
    assert not progress_file().exists()


def test_tries_are_counted_and_a_solved_exercise_stays_solved():
    note("01_last_state", solved=False)
    assert read() == {"01_last_state": Attempts(1, None)}
    note("01_last_state", solved=True)
    day = read()["01_last_state"].solved
    note("01_last_state", solved=False)
    assert read() == {"01_last_state": Attempts(3, day)}


def test_an_exercise_that_an_update_renamed_is_kept():
    note("01_of_an_older_course", solved=True)
    note("01_last_state", solved=True)
    assert set(read()) == {"01_of_an_older_course", "01_last_state"}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '{"format": 0, "exercises": {}}',
        '{"format": 1, "exercises": []}',
        '{"format": 1, "exercises": {"a": {"x": 1}}}',
    ],
)
def test_a_damaged_or_older_file_is_set_aside_whole(content, capsys):
    progress_file().write_text(content, encoding="utf-8")
    note("01_last_state", solved=True)
    assert list(read()) == ["01_last_state"]
    aside = list(progress_file().parent.glob("progress.*.json"))
    assert [path.read_text(encoding="utf-8") for path in aside] == [content]
    assert aside[0].name in capsys.readouterr().out


def test_two_files_set_aside_do_not_overwrite_each_other():
    for content in ("{", "["):
        progress_file().write_text(content, encoding="utf-8")
        read()
    assert len(list(progress_file().parent.glob("progress.*.json"))) == 2


def test_an_interrupted_write_leaves_the_old_file(monkeypatch):
    note("01_last_state", solved=True)
    before = progress_file().read_bytes()

    def interrupted(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        note("02_additive_score", solved=True)
    assert progress_file().read_bytes() == before


def test_a_folder_that_cannot_be_written_costs_the_progress_and_nothing_else(monkeypatch, capsys, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "file" / "progress.json"))
    note("01_last_state", solved=True)
    assert "could not be kept" in capsys.readouterr().out


def _solve(name):
    for _ in range(5):
        note(name, solved=True)


def test_notebooks_that_are_solved_at_the_same_time_do_not_lose_each_others_progress():
    names = list(EXERCISES)[:4]
    with ProcessPoolExecutor(4) as pool:
        list(pool.map(_solve, names))
    assert {name: attempts.tries for name, attempts in read().items()} == dict.fromkeys(names, 5)


def test_a_lecture_shows_how_much_is_solved_and_what_is_next(capsys):
    names = of_lecture("03")
    show_progress("03")
    assert capsys.readouterr().out == f"Exercises of lecture 03: 0 of {len(names)} solved. Next: {names[0]}\n"
    for name in names:
        note(name, solved=True)
    show_progress("03")
    assert capsys.readouterr().out == f"Exercises of lecture 03: {len(names)} of {len(names)} solved.\n"


def test_the_summary_tells_solved_from_tried_and_untouched():
    first, second = list(EXERCISES)[:2]
    note(first, solved=True)
    note(second, solved=False)
    lines = {line.split()[0]: line for line in summary().splitlines() if line.startswith("    ")}
    assert list(lines) == list(EXERCISES)
    assert "solved on 2" in lines[first]
    assert lines[first].endswith("1 try")
    assert "tried, 1 try" in lines[second]
    assert "solved" not in lines[second]


def test_export_copies_and_never_overwrites(tmp_path, capsys):
    assert main(["--export", str(tmp_path / "copy.json")]) == 0
    assert "nothing to do" in capsys.readouterr().out
    note("01_last_state", solved=True)
    copy = tmp_path / "elsewhere" / "copy.json"
    assert main(["--export", str(copy)]) == 0
    assert json.loads(copy.read_text(encoding="utf-8")) == json.loads(progress_file().read_text(encoding="utf-8"))
    copy.write_text("mine", encoding="utf-8")
    with pytest.raises(Stop, match="left alone"):
        main(["--export", str(copy)])
    assert copy.read_text(encoding="utf-8") == "mine"


def test_reset_begins_anew_and_keeps_the_old_file(capsys):
    note("01_last_state", solved=True)
    before = progress_file().read_text(encoding="utf-8")
    assert main(["--reset"]) == 0
    assert read() == {}
    aside = next(iter(progress_file().parent.glob("progress.*.json")))
    assert aside.read_text(encoding="utf-8") == before
    assert aside.name in capsys.readouterr().out


def test_the_command_prints_the_summary(capsys):
    assert main([]) == 0
    assert capsys.readouterr().out == summary() + "\n"


def test_git_ignores_the_file():
    ignored = (progress.CHECKOUT / ".gitignore").read_text(encoding="utf-8").split("\n")
    assert "/progress*.json" in ignored
