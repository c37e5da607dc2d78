"""Answers that nobody had seen: every wrong one is rejected and nearly all are named; every right one is accepted."""

import gc
import importlib
import re

import pytest

from course_utils.exercises import checks, guard
from course_utils.exercises.catalogue import EXERCISES
from course_utils.exercises.checks import CORRECT, diagnose

from .answers import GIVEN, UNNAMED

for name in (
    "many_styles",
    "other_kinds",
    "in_a_hurry",
    "by_other_means",
    "slips_of_the_pen",
    "afterwards",
    "sealed",
    "strangers",
):
    importlib.import_module(f"tests.answers.{name}")

ONLY_THE_PLACE = re.compile(
    r"not yet\. ((In result \d of \d: )?The first difference|Expected \S+, found|.* is not it )"
)
pytestmark = [pytest.mark.numeric, pytest.mark.thorough]  # each check computes, though this module does not
ONE_SLIP = "There is one slip"  # it was found, and its line is told
of_an_exercise = pytest.mark.parametrize("exercise", EXERCISES)


@pytest.fixture(autouse=True)
def in_one_process(monkeypatch):
    """Save a fork for each of many answers that are known to end."""
    monkeypatch.setattr(guard, "REHEARSE", False)
    monkeypatch.setattr(checks, "TIME_LIMIT", 600.0)  # whatever else the machine does
    monkeypatch.setattr(checks, "SEARCH_LIMIT", 6.0)
    gc.freeze()  # to look for garbage among all objects of the tests takes longer than a changed answer may
    yield
    gc.unfreeze()


@of_an_exercise
@pytest.mark.filterwarnings("ignore")
def test_wrong_answers_are_rejected_and_their_cause_is_named(exercise):
    for given in GIVEN:
        if given.exercise == exercise and not given.is_right:
            sentence = diagnose(exercise, given.answer)
            assert sentence != CORRECT, given
            assert len(sentence) <= checks.LONGEST
            if given.pattern is not UNNAMED:
                assert re.search(f"{given.pattern}|{ONE_SLIP}", sentence, re.IGNORECASE), f"{given}: {sentence}"
                assert not ONLY_THE_PLACE.match(sentence), f"{given}: {sentence}"


@of_an_exercise
@pytest.mark.filterwarnings("ignore")
def test_right_answers_in_any_style_are_accepted(exercise):
    right = [given.answer for given in GIVEN if given.exercise == exercise and given.is_right]
    assert len(right) >= 4
    for answer in right:
        assert diagnose(exercise, answer) == CORRECT, answer


def test_nearly_every_wrong_answer_has_its_cause_named():
    wrong = [given for given in GIVEN if not given.is_right]
    assert len(wrong) > 700
    assert sum(given.pattern is UNNAMED for given in wrong) <= 0.1 * len(wrong)
    assert {given.exercise for given in wrong} == set(EXERCISES)
