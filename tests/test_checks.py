"""Each exercise accepts every right answer and names every mistake it knows."""

import ast
import contextlib
import copy
import inspect
import signal
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from course_utils.exercises import checks, guard, progress
from course_utils.exercises.catalogue import EXERCISES
from course_utils.exercises.checks import check, diagnose
from course_utils.exercises.exercise import Exercise, WrongAnswer, prediction
from course_utils.exercises.lecture_01 import last_state


def handed(exercise, computes):
    """Give what a learner would hand over: a function, or, where a value is asked, what they predict."""
    return computes() if exercise.asks_for == "value" else computes


@pytest.mark.parametrize("name", EXERCISES)
def test_the_reference_is_correct(name):
    assert diagnose(name, handed(EXERCISES[name], EXERCISES[name].reference)) == "correct."


@pytest.mark.parametrize("name", [name for name, exercise in EXERCISES.items() if exercise.fault])
def test_where_many_answers_are_right_ours_is_on_whatever_is_drawn(name):
    exercise = EXERCISES[name]
    torch.manual_seed(0)
    for draw in [exercise.draw, *exercise.hard.values()] * 100:
        arguments = draw()
        assert exercise.fault(exercise.reference(*copy.deepcopy(arguments)), *arguments) is None


@pytest.mark.parametrize("name", EXERCISES)
def test_each_known_mistake_gets_its_own_message_or_that_of_one_that_computes_the_same(name, monkeypatch):
    monkeypatch.setattr(guard, "REHEARSE", False)  # our own mistakes end
    exercise = EXERCISES[name]
    plain, hard = ([()], {}) if exercise.asks_for == "value" else checks._draws(exercise)
    others = {}
    for mistake, wrong in exercise.wrong_answers.items():
        sentence = diagnose(name, handed(exercise, wrong.computes))
        if sentence != f"not yet. {wrong.message}":
            others[mistake] = sentence
    alike = [*plain, *hard.values()]
    for mistake, sentence in others.items():
        named = [other for other in exercise.wrong_answers.values() if sentence == f"not yet. {other.message}"]
        assert named, f"{mistake}: {sentence}"
        wrong = exercise.wrong_answers[mistake]
        assert checks._agrees(named[0], alike, checks._computed(wrong, alike)), f"{mistake}: {sentence}"


def test_no_name_stands_for_two_mistakes():
    """A mapping that takes up another one must not have a name of it again: the second would replace the first."""
    for module in (sys.modules[f"course_utils.exercises.lecture_0{i}"] for i in range(7)):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            names = []
            for key, value in zip(*(getattr(node, field, ()) for field in ("keys", "values")), strict=False):
                if isinstance(key, ast.Constant):
                    names.append(key.value)
                elif key is None:
                    with contextlib.suppress(NameError):  # a local one
                        names += eval(ast.unparse(value), dict(vars(module)))
            assert len(names) == len(set(names)), Counter(names).most_common(1)


@pytest.mark.parametrize("name", EXERCISES)
def test_no_two_mistakes_share_a_message(name):
    messages = [wrong.message for wrong in EXERCISES[name].wrong_answers.values()]
    assert len(set(messages)) == len(messages) >= 5


@pytest.mark.parametrize("name", EXERCISES)
def test_a_stub_is_not_attempted_yet(name):
    def stub(*_arguments):
        raise NotImplementedError

    untouched = ... if EXERCISES[name].asks_for == "value" else stub
    assert diagnose(name, untouched) == "not attempted yet."


def test_loops_another_dtype_and_non_contiguous_results_are_accepted():
    def loops(states, mask, W, b, u):
        weights = [(torch.tanh(s[m] @ W.T + b) @ u).softmax(0) for s, m in zip(states, mask, strict=True)]
        return torch.stack([w @ s[m] for w, s, m in zip(weights, states, mask, strict=True)]).double()

    assert diagnose("03_learned_query", loops) == "correct."

    def einsum(x, memory, W_Q, W_K, W_V):
        scores = torch.einsum("qd,de,kf,fe->kq", x, W_Q, memory, W_K) / W_K.shape[1] ** 0.5
        weights = torch.softmax(scores, dim=0).transpose(0, 1)
        return torch.einsum("qk,kv->vq", weights, memory @ W_V).transpose(0, 1), weights

    assert diagnose("05_cross_attention", einsum) == "correct."


def test_an_unknown_mistake_gets_the_first_place_where_it_differs():
    def nearly(states, lengths):
        result = last_state(states, lengths)
        result[1, 2] = 9
        return result

    assert "index [1, 2]" in diagnose("01_last_state", nearly)
    assert "differ." in diagnose("01_last_state", nearly)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda states, lengths: None, "returned None"),
        (lambda states, lengths: states[0, :, 0].tolist(), "Expected shape ("),
        (lambda states, lengths: {"a": 1}, "Expected a tensor, found dict"),
        (lambda states, lengths: states[:, :1, :1], r"Expected shape ("),
        (lambda states, lengths: states[:, 99], "raised IndexError"),
        (lambda states, lengths: states.mul_(2)[:, 0], "changes its arguments"),
        (lambda states, lengths: states[:, 0] * torch.nan, "NaN"),
    ],
)
def test_what_is_no_answer_at_all_gets_its_own_sentence(answer, message):
    assert message in diagnose("01_last_state", answer)


@pytest.fixture
def invented(monkeypatch):
    """Put an exercise of the test's own into the catalogue."""
    return lambda exercise: monkeypatch.setitem(EXERCISES, "99_invented", exercise)


def never_ends(states, lengths):
    while True:
        pass


def test_a_loop_that_never_ends_is_stopped(monkeypatch):
    monkeypatch.setattr(checks, "TIME_LIMIT", 0.2)
    before = signal.getsignal(signal.SIGALRM)
    assert "stopped after" in diagnose("01_last_state", never_ends)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is before


def test_the_alarm_rings_again_where_a_bare_except_swallowed_it(monkeypatch):
    rings = []

    def swallows_twice(states, lengths):
        while len(rings) < 2:
            try:
                while True:
                    pass
            except:  # noqa: E722 - what a learner might write
                rings.append(1)
        while True:
            pass

    monkeypatch.setattr(checks, "TIME_LIMIT", 1.0)  # a busy machine may keep it from its first line for a while
    monkeypatch.setattr(guard, "REHEARSE", False)  # as where there is no fork
    assert "stopped after" in diagnose("01_last_state", swallows_twice)
    assert len(rings) == 2


def test_a_search_that_takes_too_long_costs_the_cause_and_not_the_place(monkeypatch):
    def searches_too_long(*_arguments):
        raise guard.OutOfTime

    monkeypatch.setattr(checks, "_why_wrong", searches_too_long)
    assert "The first difference is at index" in diagnose("01_last_state", lambda states, lengths: states[:, 0])


def test_outside_the_main_thread_an_answer_is_checked_without_the_alarm():
    with ThreadPoolExecutor() as pool:
        assert pool.submit(diagnose, "01_last_state", last_state).result() == "correct."


def test_leaving_python_is_an_error_of_the_answer():
    assert "raised SystemExit" in diagnose("01_last_state", lambda states, lengths: sys.exit(3))


def test_an_error_of_pytorch_is_not_taken_for_a_stub():
    def not_for_integers(states, lengths):
        raise NotImplementedError("'softmax' not implemented for 'Long'")

    assert "raised NotImplementedError: 'softmax'" in diagnose("01_last_state", not_for_integers)


def test_the_result_in_place_of_the_function_gets_its_own_sentence():
    assert "hand over the function itself" in diagnose("01_last_state", torch.zeros(5, 11))


def test_a_class_or_module_that_can_be_called_is_an_answer():
    class LastState(torch.nn.Module):
        def forward(self, states, lengths):
            return last_state(states, lengths)

    assert diagnose("01_last_state", LastState()) == "correct."


def test_writing_into_an_intermediate_result_is_accepted():
    def in_place(states, mask, W, b, u):
        weights = (torch.tanh(states @ W.T + b) @ u).exp()
        weights *= mask
        weights /= weights.sum(1, keepdim=True).clamp(min=1e-9)
        return torch.einsum("bl,bld->bd", weights, states)

    assert diagnose("03_learned_query", in_place) == "correct."


def test_a_change_deep_inside_an_argument_is_noticed():
    def appends(words):
        words.append(words[0])
        return [words[0], words[1], words[0]], [words[0], words[1], words[0], words[1], words[0]]

    assert "changes its arguments" in diagnose("04_twins", appends)


def test_whole_numbers_where_fractions_were_expected_are_named(invented):
    invented(Exercise(lambda x: x / 2, lambda: (torch.randn(3, 5),), {}))
    assert "Expected floating-point numbers, found torch.int64" in diagnose("99_invented", lambda x: x.long())


def test_of_several_results_the_wrong_one_is_named(invented):
    invented(Exercise(lambda x: (x, x + 1), lambda: (torch.randn(3, 5),), {}))
    assert diagnose("99_invented", lambda x: [x, x + 1]) == "correct."
    assert "In result 2 of 2: The first difference is at index [0, 0]" in diagnose(
        "99_invented", lambda x: (x, x**2 + 7 * x)
    )
    assert "Expected 2 results, found tensor(3, 5)" in diagnose("99_invented", lambda x: x**3)
    assert "You return result 1 of 2 alone" in diagnose("99_invented", lambda x: x)


PREDICTIONS = {"one too few": ((2, 5), "Count again."), "text": ("no", "Not a word.")}


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (..., "not attempted yet."),
        ((3, 5), "correct."),
        ([3, 5], "correct."),
        (torch.Size([3, 5]), "correct."),
        (torch.tensor([3, 5]), "correct."),
        ((2, 5), "not yet. Count again."),
        ("No ", "not yet. Not a word."),
        ((3, 5, 1), "not yet. Expected 2 entries, found 3."),
        (lambda: (3, 5), "not yet. Expected a value, found a function"),
    ],
)
def test_a_prediction_is_a_value(invented, value, sentence):
    invented(prediction((3, 5), PREDICTIONS))
    assert diagnose("99_invented", value).startswith(sentence)


@pytest.mark.parametrize(
    ("right", "given", "fine"),
    [
        (0.25, 0.2501, True),
        (0.25, 0.26, False),
        (1, True, False),
        (True, True, True),
        (True, 1, True),
        (True, 2, False),
        (True, 0.5, False),
        ("mean", "Mean", True),
        ("mean", "means", False),
        (7, torch.tensor(7), True),
    ],
)
def test_predictions_are_compared_by_their_kind(invented, right, given, fine):
    invented(prediction(right, {}))
    assert (diagnose("99_invented", given) == "correct.") is fine


def test_a_question_with_many_right_answers_asks_for_a_fault(invented):
    def fault(result, x):
        return None if result.sum() > x.sum() else "The sum must grow."

    wrong = {"the same": WrongAnswer(lambda x: x, "This is the input.")}
    invented(Exercise(lambda x: x + 1, lambda: (torch.rand(3, 5),), wrong, fault=fault))
    assert diagnose("99_invented", lambda x: x + 2) == "correct."
    assert diagnose("99_invented", lambda x: x - 2) == "not yet. The sum must grow."
    assert diagnose("99_invented", lambda x: x) == "not yet. This is the input."
    assert "Expected a tensor(3, 5), found 'x'" in diagnose("99_invented", lambda x: "x")


def test_only_an_attempt_is_counted_as_progress():
    def stub(states, lengths):
        raise NotImplementedError

    check("01_last_state", stub)
    assert progress.read() == {}
    check("01_last_state", lambda states, lengths: None)
    assert progress.read()["01_last_state"].solved is None
    check("01_last_state", last_state)
    assert progress.read()["01_last_state"].tries == 2
    assert progress.read()["01_last_state"].solved


def test_checking_leaves_the_learners_random_numbers_alone():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    diagnose("01_last_state", lambda states, lengths: last_state(states + torch.rand(1), lengths))
    assert torch.equal(torch.rand(3), expected)


def test_an_unknown_exercise_lists_those_that_exist():
    with pytest.raises(KeyError, match="01_last_state"):
        check("99_nothing", last_state)
