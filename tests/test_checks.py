"""Each exercise accepts every right answer and names every mistake it knows."""

import re

import pytest
import torch

from course_utils import checks
from course_utils.checks import EXERCISES, check, diagnose

from .notebooks import LECTURES, definitions, load

mistakes = [(name, mistake) for name, exercise in EXERCISES.items() for mistake in exercise.wrong_answers]


@pytest.mark.parametrize("name", EXERCISES)
def test_the_reference_is_correct(name):
    assert diagnose(name, EXERCISES[name].reference) == "correct."


@pytest.mark.parametrize(("name", "mistake"), mistakes)
def test_each_known_mistake_gets_its_own_message(name, mistake):
    wrong = EXERCISES[name].wrong_answers[mistake]
    assert diagnose(name, wrong.computes) == f"not yet. {wrong.message}"


@pytest.mark.parametrize("name", EXERCISES)
def test_no_two_mistakes_share_a_message(name):
    messages = [wrong.message for wrong in EXERCISES[name].wrong_answers.values()]
    assert len(set(messages)) == len(messages) >= 5


@pytest.mark.parametrize("name", EXERCISES)
def test_a_stub_is_not_attempted_yet(name):
    def stub(*_arguments):
        raise NotImplementedError

    assert diagnose(name, stub) == "not attempted yet."


def test_loops_another_dtype_and_non_contiguous_results_are_accepted():
    def loops(states, mask):
        rows = [s[m].mean(0) if m.any() else torch.zeros(s.shape[-1]) for s, m in zip(states, mask, strict=True)]
        return torch.stack(rows).double()

    assert diagnose("03_masked_mean", loops) == "correct."

    def einsum(query, keys, values, mask):
        scores = torch.einsum("bqd,bkd->bkq", query, keys) / query.shape[-1] ** 0.5
        scores = scores.masked_fill(~mask.transpose(1, 2), -1e30)
        weights = torch.softmax(scores, dim=1).transpose(1, 2) * mask
        return torch.einsum("bqk,bkv->bvq", weights, values).transpose(1, 2)

    assert diagnose("05_scaled_dot_attention", einsum) == "correct."


def test_an_unknown_mistake_gets_the_first_place_where_it_differs():
    def nearly(states, lengths):
        result = checks.last_state(states, lengths)
        result[3, 2] += 1
        return result

    assert "index [3, 2]" in diagnose("01_last_state", nearly)
    assert "1 of 55 numbers differ" in diagnose("01_last_state", nearly)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda states, lengths: None, "returned None"),
        (lambda states, lengths: states[0, :, 0].tolist(), "Expected a tensor, found list"),
        (lambda states, lengths: states[:, :, 0], r"Expected shape (5, 11), found (5, 7)"),
        (lambda states, lengths: states[:, 99], "raised IndexError"),
        (lambda states, lengths: states.mul_(2)[:, 0], "changes its arguments"),
        (lambda states, lengths: states[:, 0] * torch.nan, "NaN"),
    ],
)
def test_what_is_no_answer_at_all_gets_its_own_sentence(answer, message):
    assert message in diagnose("01_last_state", answer)


def test_checking_leaves_the_learners_random_numbers_alone():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    diagnose("01_last_state", checks.last_state)
    assert torch.equal(torch.rand(3), expected)


def test_an_unknown_exercise_lists_those_that_exist():
    with pytest.raises(KeyError, match="01_last_state"):
        check("99_nothing", checks.last_state)


@pytest.mark.parametrize("name", [path.stem for path in LECTURES])
def test_each_lectures_solution_is_correct_when_put_in_the_place_of_its_stub(name):
    cells = load(name).cells
    stubs = [i for i, cell in enumerate(cells) if "exercise" in cell.metadata.get("tags", [])]
    assert stubs, "the lecture has no exercise"
    for i in stubs:
        question, stub, checking, solution = cells[i - 1 : i + 3]
        assert question.cell_type == "markdown"
        assert "solution" in solution.metadata.tags
        assert "<details>" in solution.source
        assert "raise NotImplementedError" in stub.source
        code = solution.source.split("```python\n")[1].split("```")[0]
        namespace = dict(vars(definitions(name)))
        exec(code, namespace)
        exercise, function = re.match(r'check\("(\w+)", (\w+)\)', checking.source).groups()
        assert diagnose(exercise, namespace[function]) == "correct."
