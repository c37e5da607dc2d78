"""A correct answer is told its point and what comes next, and an older answer than the one on the screen is not judged.

The second half runs in a real kernel: there IPython decides what a cell that fails leaves behind.
"""

import re

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel

from course_utils.exercises.catalogue import EXERCISES, of_lecture
from course_utils.exercises.cells import defined
from course_utils.exercises.checks import check
from course_utils.exercises.lecture_00 import soft_average
from course_utils.exercises.praise import POINTS, praise
from course_utils.exercises.progress import note, read
from course_utils.files import START_AND_LECTURES

HEADING = re.compile(r"^### (?:(?:Exercise )?(?:\d )?· |Exercise · |\d · )?(.+)$", re.MULTILINE)


def titles_in_the_lectures():
    """Give exercise → the last heading above its check."""
    found = {}
    for path in START_AND_LECTURES:
        title = None
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "markdown":
                title = (HEADING.findall(cell.source) or [title])[-1]
            asked = re.match(r'check\("(\w+)", \w+\)', cell.source)
            if asked:
                found[asked[1]] = re.sub(r"^(?:Exercise )?(?:\d+ )?· ", "", title)
    return found


def test_each_exercise_has_the_title_of_its_lecture_and_a_point_in_one_line():
    assert {name: title for name, (title, _) in POINTS.items()} == titles_in_the_lectures()
    assert set(POINTS) == set(EXERCISES)
    assert not [point for _, point in POINTS.values() if not 40 <= len(point) <= 115 or not point.endswith(".")]


def test_a_correct_answer_is_told_what_it_was_how_much_is_done_and_what_comes_next(capsys):
    note("02_additive_score", solved=True)
    told = praise("02_soft_dictionary")
    assert told.standing == "Lecture 02: 2 of 6 exercises done. Next: Columns that sum to one."
    assert repr(told) == f"02_soft_dictionary: correct. {told.point}\n{told.standing}"
    assert told.point in told._repr_html_()
    check("00_practice", soft_average)
    assert capsys.readouterr().out == f"{praise('00_practice')!r}\n"
    assert read()["00_practice"].solved


def test_what_was_left_out_before_comes_when_nothing_is_left_behind():
    first, *others = of_lecture("03")
    for name in others:
        note(name, solved=True)
    assert f"Next: {POINTS[first][0]}." in praise(others[-1]).standing


@pytest.mark.parametrize(
    ("lecture", "then"), [("00", "first lecture"), ("03", "04_convolution_limits.ipynb"), ("06", "last lecture")]
)
def test_the_last_exercise_of_a_lecture_leads_on(lecture, then):
    for name in of_lecture(lecture):
        note(name, solved=True)
    assert then in praise(of_lecture(lecture)[0]).standing


def test_a_mistake_is_not_praised(capsys):
    check("00_practice", lambda scores, values: values.mean(dim=0))
    assert capsys.readouterr().out.startswith("00_practice: not yet. This is the plain mean")


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("def answer(x:\n    y = 1", {"answer"}),
        ("async def answer(x): pass", {"answer"}),
        ("class Answer(:", {"Answer"}),
        ("guess = (1,", {"guess"}),
        ("guess: int = 3", {"guess"}),
        ("first, second = 1, 2", {"first", "second"}),
        ("%%time\nguess = 3", {"guess"}),
        ("for a in guess: b = 3\nguess\n\n= 3", set()),
        ("guess == 3\nprint(x, end='')\n    inner = 2", set()),
    ],
)
def test_what_a_cell_defines_is_found_even_where_it_is_no_python(source, names):
    assert defined(source) == names


# --- in a real kernel -------------------------------------------------------------------------------------------------

IMPORTS = "from course_utils.exercises.checks import check"
RIGHT = "def soft_average(scores, values):\n    return scores.softmax(0) @ values"
HALF = "def soft_average(scores, values:\n    return scores.softmax(0) @ values"
PRACTICE = 'check("00_practice", soft_average)'
PREDICTION = 'check("02_soft_dictionary", predicted_answer)'


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """Start a kernel, and give what runs a cell in it and gives what the reader sees: text, and then the page."""
    manager, client = start_new_kernel(startup_timeout=600)

    def run(source):
        seen = {"text": "", "html": ""}

        def hear(message):
            content = message["content"]
            if message["msg_type"] == "stream":
                seen["text"] += content["text"]
            if message["msg_type"] in ("display_data", "execute_result"):
                seen["text"] += content["data"]["text/plain"]
                seen["html"] += content["data"].get("text/html", "")

        client.execute_interactive(source, output_hook=hear, timeout=600)
        return seen

    run(f"import os; os.environ['COURSE_PROGRESS'] = {str(tmp_path_factory.mktemp('progress') / 'progress.json')!r}")
    run(IMPORTS)
    yield run
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_an_older_answer_is_not_praised_after_a_cell_that_is_no_python_until_it_is_mended(kernel):
    kernel(RIGHT)
    praised = kernel(PRACTICE)
    assert "✓ correct" in praised["html"]
    assert praised["text"].startswith("00_practice: correct. ")
    kernel(HALF)
    told = kernel(PRACTICE)["text"]
    assert told.startswith("00_practice: not yet. The newest cell that defines `soft_average` has failed (SyntaxError")
    assert "line 1" in told
    assert kernel(PRACTICE)["text"] == told  # and once more
    kernel(RIGHT)
    assert "correct." in kernel(PRACTICE)["text"]


def test_an_older_answer_is_not_judged_after_a_cell_that_raised_before_it_came_to_the_definition(kernel):
    kernel(RIGHT)
    kernel(f"nobody_defined_this\n{RIGHT}")
    assert "(NameError: name 'nobody_defined_this'" in kernel(PRACTICE)["text"]
    kernel(RIGHT)


def test_an_answer_that_a_failing_cell_did_define_is_judged(kernel):
    kernel(HALF)
    kernel(f"{RIGHT}\n\nnobody_defined_this")
    assert "correct." in kernel(PRACTICE)["text"]


def test_a_check_in_the_cell_that_defines_the_answer_sees_the_newest(kernel):
    kernel(HALF)
    assert "correct." in kernel(f"{RIGHT}\n\n\n{PRACTICE}")["text"]


def test_a_failed_cell_of_another_name_stands_in_nobodys_way(kernel):
    kernel(RIGHT)
    kernel("def average(scores, values:\n    pass")
    assert "correct." in kernel(PRACTICE)["text"]


def test_a_predicted_value_is_watched_as_well(kernel):
    kernel("predicted_answer = 14")
    assert "correct." in kernel(PREDICTION)["text"]
    kernel("predicted_answer = 14 +")
    assert "`predicted_answer` has failed (SyntaxError" in kernel(PREDICTION)["text"]
    kernel("predicted_answer = 15")
    assert "failed" not in kernel(PREDICTION)["text"]
