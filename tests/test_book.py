"""The book's pages before they are printed: what is left out, what moves to the end, and where links lead."""

import re
from types import SimpleNamespace

import nbformat
import pytest

from course_utils.files import LECTURES
from course_utils.palette import LIGHT
from course_utils.publishing import book
from course_utils.publishing.book import contents, linked, main
from course_utils.publishing.chapters import SOURCES, prepared, style
from course_utils.refusals import Stop


def code(source, *outputs, tags=()):
    return nbformat.v4.new_code_cell(source, outputs=list(outputs), metadata={"tags": list(tags)})


def printed(text):
    return nbformat.v4.new_output("stream", name="stdout", text=text)


def text(source, *tags):
    return nbformat.v4.new_markdown_cell(source, metadata={"tags": list(tags)})


def test_checks_are_left_out_and_hints_and_solutions_come_last_unfolded_under_their_exercise():
    cells = [
        text("# 02 · A lecture"),
        text("### Exercise 1 · Write it"),
        code("def f(): ...", tags=["exercise"]),
        code('check("02_f", f)', printed("02_f: not attempted yet.\n")),
        text("<details><summary>Hint 1</summary>\n\nThink.\n\n</details>", "hints"),
        text("<details><summary>Solution</summary>\n\nThus.\n\n</details>", "solution"),
        text("## References"),
    ]
    made = [cell.source for cell in prepared(nbformat.v4.new_notebook(cells=cells)).cells]
    assert made[:3] == [cells[0].source, cells[1].source, cells[2].source]
    assert made[3:6] == ["## References", "## Hints and solutions", "### Exercise 1 · Write it"]
    assert [source[:22] for source in made[6:]] == ["<details open><summary"] * 2
    assert "<details>" in cells[4].source  # the notebook itself is as it was


def test_a_solution_without_hints_is_under_the_title_of_its_own_exercise():
    cells = [
        text("### Exercise 1 · With hints"),
        code("...", tags=["exercise"]),
        text("Hint 1", "hints"),
        text("Solution 1", "solution"),
        text("### Exercise 2 · Without"),
        code("...", tags=["exercise"]),
        text("Solution 2", "solution"),
    ]
    made = [cell.source for cell in prepared(nbformat.v4.new_notebook(cells=cells)).cells]
    behind = made[made.index("## Hints and solutions") + 1 :]
    assert behind == [cells[0].source, "Hint 1", "Solution 1", cells[4].source, "Solution 2"]


def test_bars_and_the_readers_progress_are_left_out_and_what_a_cell_has_said_is_kept():
    bar = "Transformer: 100%|████████| 3/3 [01:12<00:00, 24.15s/it, loss 0.003]\n"
    cells = [
        code("show_progress('05')", printed("Exercises of lecture 05: 0 of 6 solved. Next: 05_rotate\n")),
        code("mine = try_score(my_score)", printed("three tasks: not attempted yet.\n")),
        code("train()", printed(f"{bar}175,080 parameters\n")),
        code("train()", printed(bar)),
    ]
    made = prepared(nbformat.v4.new_notebook(cells=cells)).cells
    assert [[output.text for output in cell.outputs] for cell in made] == [[], [], ["175,080 parameters\n"], []]


@pytest.mark.parametrize("name", ["book.css", "ebook.css"])
def test_a_book_has_the_colours_of_site_and_decks(name):
    assert not re.search(r"#[0-9a-f]{3,8}\b", (SOURCES / name).read_text(encoding="utf-8"))
    shown = style(name)
    assert LIGHT["weight"] in shown
    assert set(re.findall(r"var\(--([\w-]+)\)", shown)) <= {"mono"}


def test_links_lead_to_chapters_that_are_printed_and_others_become_text():
    body = (
        '<h1>02 · A</h1><h2>B</h2><a href="01_x.ipynb">one</a> <a href="05_y.ipynb#z">five</a> '
        '<a href="experiments/01_x.ipynb">measured</a> <a href="https://arxiv.org" rel="x">paper</a>'
    )
    made = linked(body, "02", ["01", "02"])
    assert made == (
        '<h1 id="02-0">02 · A</h1><h2 id="02-1">B</h2><a href="#01-0">one</a> five measured '
        '<a href="https://arxiv.org" rel="x">paper</a>'
    )
    assert re.findall(r'href="#([^"]+)"><span>([^<]+)<', contents(made)) == [("02-0", "02 · A"), ("02-1", "B")]


def test_without_a_browser_one_sentence_says_what_to_do_and_a_book_that_was_there_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_BROWSER", str(tmp_path / "no browser"))
    monkeypatch.setattr(book, "write_pages", lambda *_: pytest.fail("it worked before it looked"))
    old = tmp_path / "book.pdf"
    old.write_bytes(b"an older book")
    with pytest.raises(Stop, match="apt install chromium"):
        main(["--to", str(old)])
    assert old.read_bytes() == b"an older book"


def test_a_browser_that_does_not_start_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_BROWSER", "false")  # a program that ends at once
    with pytest.raises(Stop, match=r"false does not start .*COURSE_BROWSER"):
        main(["02", "--to", str(tmp_path / "book.pdf")])
    assert list(tmp_path.iterdir()) == []


def test_a_book_that_fails_halfway_replaces_nothing(tmp_path, monkeypatch):
    def fails(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(book, "make_book", fails)
    (tmp_path / "book.pdf").write_bytes(b"an older book")
    with pytest.raises(KeyboardInterrupt):
        main(["--to", str(tmp_path / "book.pdf")])
    assert [path.name for path in tmp_path.iterdir()] == ["book.pdf"]
    assert (tmp_path / "book.pdf").read_bytes() == b"an older book"


@pytest.mark.parametrize(
    ("asked", "file"),
    [
        ([], "attention.pdf"),
        (["02"], "attention-02.pdf"),
        (["05", "02", "--language", "ko"], "attention-02-05-ko.pdf"),
        ([path.stem for path in LECTURES], "attention.pdf"),
        (["--language", "ko"], "attention-ko.pdf"),
        (["02", "--epub"], "attention-02.epub"),
        (["--epub"], "attention.epub"),
    ],
)
def test_a_part_has_a_name_of_its_own_so_that_the_whole_book_stays(asked, file, tmp_path, monkeypatch):
    monkeypatch.setattr(book, "BUILD", tmp_path)
    for make in ("make_book", "make_ebook"):
        monkeypatch.setattr(book, make, lambda *_: b"a book")
    assert main(asked) == 0
    assert [path.name for path in tmp_path.iterdir()] == [file]


def test_one_lecture_can_be_printed_and_a_word_that_names_none_is_told(tmp_path, monkeypatch, capsys):
    asked = SimpleNamespace(lectures=None)
    monkeypatch.setattr(book, "make_book", lambda lectures, _: setattr(asked, "lectures", lectures) or b"%PDF")
    assert main(["02", "--to", str(tmp_path / "book.pdf")]) == 0
    assert asked.lectures == [path for path in LECTURES if path.stem.startswith("02")]
    assert str(tmp_path / "book.pdf") in capsys.readouterr().out
    with pytest.raises(Stop, match="No lecture begins with"):
        main(["09"])
