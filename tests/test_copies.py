"""A learner's own copies: nothing we run overwrites one, and an update carries answers and own cells over."""

import random
import re
import shutil
import subprocess

import nbformat
import pytest
from nbformat.sign import NotebookNotary

from course_utils.exercises import copies
from course_utils.exercises.catalogue import EXERCISES
from course_utils.exercises.copies import YOUR_VERSION, carry_over, copy_of, make_copies, update
from course_utils.files import CHECKOUT, EXPERIMENT_NOTEBOOKS, LECTURES, NOTEBOOKS, START, START_AND_LECTURES

ALL = (*START_AND_LECTURES, *EXPERIMENT_NOTEBOOKS)


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Play a checkout of our own, whose lectures may change; give its lectures."""
    notebooks = tmp_path / "course" / "notebooks"
    shutil.copytree(NOTEBOOKS, notebooks)
    for name in ("NOTEBOOKS", "PICTURES", "START_AND_LECTURES", "EXPERIMENT_NOTEBOOKS"):
        ours = getattr(copies, name)
        moved = (
            [notebooks / path.relative_to(NOTEBOOKS) for path in ours]
            if isinstance(ours, list)
            else notebooks / ours.relative_to(NOTEBOOKS)
        )
        monkeypatch.setattr(copies, name, moved)
    monkeypatch.setenv("COURSE_COPIES", str(tmp_path / "mine"))
    return [notebooks / path.name for path in START_AND_LECTURES]


def code(source, *tags, name=None):
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)} if tags else {})
    return nbformat.from_dict({**cell, "id": name} if name else cell)


def text(source, name=None):
    cell = nbformat.v4.new_markdown_cell(source)
    return nbformat.from_dict({**cell, "id": name} if name else cell)


def notebook(*cells):
    return nbformat.from_dict(nbformat.v4.new_notebook(cells=list(cells)))


def lecture():
    return notebook(
        text("# Masks", "title"),
        text("Hide the padding.", "question"),
        code("def hide(scores, mask):\n    raise NotImplementedError", "exercise", name="stub"),
        code('check("02_hide", hide)', name="check"),
        text("Why it matters.", "why"),
        code("SEED = 1", name="seed"),
        text("The end.", "end"),
    )


def sources(book):
    return [cell.source for cell in book.cells]


def cell_of(book, name):
    return next(cell for cell in book.cells if cell.id == name)


ANSWER = "def hide(scores, mask):\n    return scores.masked_fill(~mask, -1e9)"


def test_an_answer_is_carried_to_its_exercise_wherever_that_is_now():
    mine, new = lecture(), lecture()
    cell_of(mine, "stub").source = ANSWER
    moved = [cell for cell in new.cells if cell.id in ("question", "stub", "check")]
    new.cells = [cell for cell in new.cells if cell not in moved] + moved
    new.cells[0].source = "# Masks and their traps"
    cell_of(new, "stub").id = "another-id"
    carried = carry_over(lecture(), mine, new)
    assert carried.answers == ["02_hide"]
    assert sources(carried.notebook) == [
        "# Masks and their traps", "Why it matters.", "SEED = 1", "The end.",
        "Hide the padding.", ANSWER, 'check("02_hide", hide)',
    ]  # fmt: skip
    assert not carried.look_again


def test_an_answer_keeps_what_it_printed():
    mine, new = lecture(), lecture()
    cell_of(mine, "stub").source = ANSWER
    cell_of(mine, "stub").outputs = [nbformat.v4.new_output("stream", text="tried it\n")]
    new.cells[0].source = "# Other"
    assert cell_of(carry_over(lecture(), mine, new).notebook, "stub").outputs[0].text == "tried it\n"


def test_a_question_that_has_changed_is_named():
    mine, new = lecture(), lecture()
    cell_of(mine, "stub").source = ANSWER
    cell_of(new, "question").source = "Hide the padding; a sentence may be empty."
    assert carry_over(lecture(), mine, new).look_again == ["02_hide"]


def test_an_answer_in_a_cell_of_its_own_follows_the_stub():
    mine, new = lecture(), lecture()
    mine.cells.insert(3, code(ANSWER, name="own"))
    new.cells.insert(1, text("A new paragraph.", "paragraph"))
    carried = carry_over(lecture(), mine, new)
    assert carried.answers == ["02_hide"]
    assert sources(carried.notebook)[3:6] == [cell_of(lecture(), "stub").source, ANSWER, 'check("02_hide", hide)']


def test_an_answer_is_found_where_a_tool_has_taken_ids_and_tags_away():
    mine, new = lecture(), lecture()
    cell_of(mine, "stub").source = ANSWER
    new.cells[0].source = "# Other"
    mine.nbformat_minor = 4
    for cell in mine.cells:
        del cell["id"]
        cell.metadata = {}
    carried = carry_over(lecture(), nbformat.from_dict(mine), new)
    assert carried.answers == ["02_hide"]
    assert cell_of(carried.notebook, "stub").source == ANSWER
    assert len(carried.notebook.cells) == len(new.cells)


def test_own_cells_follow_the_cells_that_they_followed():
    mine, new = lecture(), lecture()
    mine.cells.insert(0, text("My notes."))
    mine.cells.insert(6, code("try_it()"))
    mine.cells.append(text("To ask: why ~?"))
    new.cells.insert(1, text("A new paragraph.", "paragraph"))
    found = sources(carry_over(lecture(), mine, new).notebook)
    assert found[0] == "My notes."
    assert found[-1] == "To ask: why ~?"
    assert found[found.index("Why it matters.") + 1] == "try_it()"


def test_a_changed_cell_stays_changed_where_the_course_has_left_it_alone():
    mine, new = lecture(), lecture()
    cell_of(mine, "seed").source = "SEED = 7"
    new.cells[0].source = "# Other"
    assert cell_of(carry_over(lecture(), mine, new).notebook, "seed").source == "SEED = 7"


@pytest.mark.parametrize("dropped", [False, True])
def test_a_changed_cell_that_the_course_has_changed_or_dropped_becomes_text_and_is_not_run(dropped):
    mine, new = lecture(), lecture()
    cell_of(mine, "seed").source = "SEED = 7"
    if dropped:
        new.cells = [cell for cell in new.cells if cell.id != "seed"]
    else:
        cell_of(new, "seed").source = "SEED = 2017"
    cells = carry_over(lecture(), mine, new).notebook.cells
    kept = next(cell for cell in cells if "SEED = 7" in cell.source)
    assert kept.cell_type == "raw"
    assert kept.source.startswith(YOUR_VERSION)


def test_an_exercise_that_is_gone_leaves_its_answer_as_text():
    mine, new = lecture(), lecture()
    cell_of(mine, "stub").source = ANSWER
    new.cells = [cell for cell in new.cells if cell.id not in ("question", "stub", "check")]
    carried = carry_over(lecture(), mine, new)
    assert [cell.cell_type for cell in carried.notebook.cells if ANSWER in cell.source] == ["raw"]
    assert not carried.answers


def test_carried_over_once_more_nothing_appears_twice():
    mine, new = lecture(), lecture()
    cell_of(mine, "stub").source = ANSWER
    mine.cells.insert(5, code("try_it()"))
    new.cells.insert(1, text("A new paragraph.", "paragraph"))
    once = carry_over(lecture(), mine, new).notebook
    killed_before_the_base_was_written = carry_over(lecture(), once, new).notebook
    assert sources(once) == sources(carry_over(new, once, new).notebook) == sources(killed_before_the_base_was_written)


@pytest.mark.parametrize("seed", range(40))
def test_whatever_was_written_is_in_the_new_copy(seed):
    luck = random.Random(seed)
    base = nbformat.read(luck.choice(LECTURES), as_version=4)
    mine, new = nbformat.from_dict(base), nbformat.from_dict(base)
    written = []
    for round_ in range(12):
        place = luck.randrange(len(mine.cells))
        mark = f"# written {seed}-{round_}"
        match luck.randrange(4):
            case 0:
                mine.cells.insert(place, code(mark))
            case 1:
                mine.cells.insert(place, text(mark))
            case 2:
                mine.cells[place].source += f"\n{mark}"
            case 3:
                mine.cells.insert(place, nbformat.from_dict({**mine.cells[place], "source": mark}))  # the id twice
        written.append(mark)
    mine = nbformat.from_dict(mine)
    written = [mark for mark in written if any(mark in cell.source for cell in mine.cells)]
    for _ in range(12):
        place = luck.randrange(len(new.cells))
        match luck.randrange(4):
            case 0:
                new.cells.insert(place, text("new"))
            case 1:
                new.cells[place].source += "\n# changed"
            case 2:
                del new.cells[place]
            case 3:
                new.cells.insert(0, new.cells.pop(place))
    new = nbformat.from_dict(new)
    carried = carry_over(base, mine, new).notebook
    nbformat.validate(carried)
    assert len({cell.id for cell in carried.cells}) == len(carried.cells)
    for mark in written:
        assert any(re.search(rf"{mark}\b", cell.source) for cell in carried.cells), mark


def test_copies_are_made_once_and_never_written_again(course):
    assert make_copies() == []
    mine = copy_of(course[2])
    mine.write_text(mine.read_text().replace("raise NotImplementedError", "return 7"))
    before = mine.read_bytes()
    assert make_copies() == []
    assert mine.read_bytes() == before


def test_copies_outside_the_checkout_have_pictures_of_their_own_since_jupyter_serves_nothing_from_elsewhere(course):
    make_copies()
    beside = copies.copies_folder() / "pictures"
    assert not beside.is_symlink()
    picture = next(beside.iterdir())
    picture.write_bytes(b"of an older course")
    make_copies()
    assert picture.read_bytes() == (copies.PICTURES / picture.name).read_bytes()


def test_copies_inside_the_checkout_share_the_courses_pictures(course, tmp_path, monkeypatch):
    monkeypatch.setattr(copies, "CHECKOUT", tmp_path.resolve())
    make_copies()
    assert (copies.copies_folder() / "pictures").is_symlink()
    monkeypatch.setattr(copies, "CHECKOUT", tmp_path / "moved away")
    make_copies()
    assert not (copies.copies_folder() / "pictures").is_symlink()
    assert (copies.copies_folder() / "pictures" / "one_function.svg").is_file()


@pytest.fixture
def is_trusted(tmp_path, monkeypatch):
    """Say whether this user, who has trusted nothing before, trusts a notebook."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    return lambda path: NotebookNotary().check_signature(nbformat.read(path, as_version=4))


def test_what_the_course_stores_in_a_copy_is_shown_at_once_also_to_a_user_who_did_not_make_it(
    course, is_trusted, tmp_path, monkeypatch
):
    make_copies()
    assert is_trusted(copy_of(course[0]))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "of another user"))
    assert not is_trusted(copy_of(course[0]))
    make_copies()
    assert is_trusted(copy_of(course[0]))


def test_what_somebody_else_stored_in_a_copy_is_left_for_the_reader_to_trust(course, is_trusted):
    make_copies()
    mine = nbformat.read(copy_of(course[0]), as_version=4)
    script = nbformat.v4.new_output("display_data", data={"text/html": "<script>alert(7)</script>"})
    next(cell for cell in mine.cells if cell.cell_type == "code").outputs = [script]
    nbformat.write(mine, copy_of(course[0]))
    make_copies()
    assert not is_trusted(copy_of(course[0]))


def test_a_copy_finds_pictures_experiments_and_the_other_lectures(course):
    make_copies()
    for original in ALL:
        copy = copies.copies_folder() / original.relative_to(NOTEBOOKS)
        for cell in nbformat.read(copy, as_version=4).cells:
            for link in re.findall(r"\]\(((?:pictures|experiments)/[^)#]+|\d\d_\w+\.ipynb)", cell.source):
                assert (copy.parent / link).is_file(), f"{copy.name}: {link}"


def test_an_update_carries_an_answer_in_each_lecture_and_keeps_the_old_copy(course):
    make_copies()
    answered = {}
    for original in course:
        book = nbformat.read(copy_of(original), as_version=4)
        for name, stub in copies._stubs(book).items():
            stub.source = f"# my answer to {name}\n{stub.source}"
            answered[name] = stub.source
        nbformat.write(book, copy_of(original))
        newer = nbformat.read(original, as_version=4)
        newer.cells.insert(1, text("What is new."))
        newer.cells.append(newer.cells.pop(2))
        nbformat.write(newer, original)
    assert answered.keys() == EXERCISES.keys()
    assert make_copies() == course  # told, and nothing done
    before = {original: copy_of(original).read_bytes() for original in course}
    for original in course:
        update(original)
        stubs = copies._stubs(nbformat.read(copy_of(original), as_version=4))
        assert all(stub.source == answered[name] for name, stub in stubs.items())
        assert "What is new." in sources(nbformat.read(copy_of(original), as_version=4))
    aside = {path.read_bytes() for path in (copies.copies_folder() / "set_aside").iterdir()}
    assert aside == set(before.values())
    assert make_copies() == []


def test_a_damaged_copy_is_named_and_left_as_it_is_and_the_others_are_updated(course, capsys):
    make_copies()
    for original in course[1:3]:
        newer = nbformat.read(original, as_version=4)
        newer.cells.insert(1, text("What is new."))
        nbformat.write(newer, original)
    copy_of(course[1]).write_text("<<<<<<< HEAD")
    assert copies.main(["update"]) == 1
    assert copy_of(course[1]).name in capsys.readouterr().err
    assert copy_of(course[1]).read_text() == "<<<<<<< HEAD"
    assert "What is new." in copy_of(course[2]).read_text()


def test_where_nothing_is_known_of_the_version_that_was_copied_every_difference_is_the_learners(course):
    make_copies()
    book = nbformat.read(copy_of(course[1]), as_version=4)
    name, stub = next(iter(copies._stubs(book).items()))
    stub.source = "# mine"
    nbformat.write(book, copy_of(course[1]))
    shutil.rmtree(copies.copies_folder() / ".course")
    assert course[1] in make_copies()
    update(course[1])
    assert copies._stubs(nbformat.read(copy_of(course[1]), as_version=4))[name].source == "# mine"


def killed(*_arguments):
    raise KeyboardInterrupt


@pytest.mark.parametrize("done", [0, 1])
def test_killed_while_a_copy_is_made_it_is_made_again_and_no_change_is_told(course, monkeypatch, done):
    write, written = copies.write_atomically, []
    monkeypatch.setattr(
        copies, "write_atomically", lambda *a: killed() if len(written) == done else written.append(write(*a))
    )
    with pytest.raises(KeyboardInterrupt):
        make_copies()
    monkeypatch.setattr(copies, "write_atomically", write)
    assert make_copies() == []


@pytest.mark.parametrize("done", [0, 1, 2])
def test_killed_between_any_two_writes_an_update_is_finished_by_the_next(course, monkeypatch, done):
    make_copies()
    mine, newer = nbformat.read(copy_of(course[1]), as_version=4), nbformat.read(course[1], as_version=4)
    mine.cells.insert(3, code("own = 4712"))
    mine.cells[5].source += "\n4713"
    newer.cells[4].source += "\nnew"  # the very cell that the learner has changed
    nbformat.write(mine, copy_of(course[1]))
    nbformat.write(newer, course[1])
    write, written = copies.write_atomically, []
    monkeypatch.setattr(
        copies, "write_atomically", lambda *a: killed() if len(written) == done else written.append(write(*a))
    )
    with pytest.raises(KeyboardInterrupt):
        update(course[1])
    monkeypatch.setattr(copies, "write_atomically", write)
    update(course[1])
    found = "\0".join(sources(nbformat.read(copy_of(course[1]), as_version=4)))
    assert [found.count(word) for word in ("4712", "4713", "\nnew")] == [1, 1, 1]
    assert make_copies() == []


@pytest.mark.parametrize("base", ["{", "[]", '{"cells": 3, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}'])
def test_what_is_damaged_behind_a_copy_keeps_nobody_from_working(course, base):
    make_copies()
    copies._base(course[1]).write_text(base)
    assert make_copies() == [course[1]]
    assert "updated" in update(course[1])
    assert make_copies() == []


def test_a_copy_that_cannot_be_read_is_told_and_the_others_are_updated(course, tmp_path, capsys):
    make_copies()
    copy_of(course[1]).unlink()
    copy_of(course[1]).symlink_to(tmp_path / "nowhere.ipynb")
    for original in course[1:3]:
        newer = nbformat.read(original, as_version=4)
        newer.cells.insert(1, text("What is new."))
        nbformat.write(newer, original)
    assert copies.main(["update"]) == 1
    assert "is not there" in capsys.readouterr().err
    assert "What is new." in copy_of(course[2]).read_text()


@pytest.mark.parametrize("changed", [False, True])
def test_a_picture_that_was_pasted_into_a_text_is_carried_with_it(changed):
    mine, new = lecture(), lecture()
    cell_of(mine, "why").update(source="![](attachment:a.png)", attachments={"a.png": {"image/png": "QQ=="}})
    cell_of(new, "why").source += " And more." * changed
    cells = carry_over(lecture(), mine, new).notebook.cells
    assert [cell.get("attachments") for cell in cells if "attachment:a.png" in cell.source] == [
        {"a.png": {"image/png": "QQ=="}}
    ]


def test_a_home_is_understood_in_the_name_of_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("COURSE_COPIES", "~/my course")
    assert copies.copies_folder() == tmp_path / "my course"


def test_git_does_not_see_the_copies():
    seen = subprocess.run(
        ["git", "-C", str(CHECKOUT), "check-ignore", "-q", "my_notebooks/01_sequence_to_sequence.ipynb"], check=False
    )
    if seen.returncode == 128:
        pytest.skip("this is no git checkout")
    assert seen.returncode == 0


def test_an_unknown_lecture_is_named(course):
    with pytest.raises(copies.Stop, match="No lecture begins with 9"):
        copies.main(["update", "9"])
    assert START.name.startswith("00")
