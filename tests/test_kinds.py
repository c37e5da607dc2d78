"""A mistake that many exercises share is named in each of them, in whatever style it is written."""

import itertools
import math
import os
import re
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from course_utils.data.batches import Vocabulary
from course_utils.exercises import checks, guard, kinds
from course_utils.exercises.catalogue import EXERCISES
from course_utils.exercises.checks import CORRECT, diagnose
from course_utils.exercises.lecture_01 import last_state

LOWEST = torch.finfo(torch.float32).min
FUNCTIONS = [name for name, exercise in EXERCISES.items() if exercise.asks_for == "function"]
forked = pytest.mark.skipif(sys.platform != "linux", reason="only Linux rehearses in a forked copy")


@pytest.fixture
def in_one_process(monkeypatch):
    """Save a fork for each of many answers that are known to end, and let the search end on a busy machine, too."""
    monkeypatch.setattr(guard, "REHEARSE", False)
    monkeypatch.setattr(checks, "SEARCH_LIMIT", 6.0)


# Draws


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_size_differs_from_draw_to_draw(name):
    draws, _ = checks._draws(EXERCISES[name])
    for where in set(checks._sizes(draws[0])).intersection(*map(checks._sizes, draws)):
        assert len({checks._sizes(arguments)[where] for arguments in draws}) > 1, where


def _axis(name):
    return lambda arguments, at: {v.shape[p.axes.index(name)] for p, v in at if name in p.axes}


def _value(name):
    return lambda arguments, at: {v for p, v in at if p.name == name}


def _rows(how):
    return lambda arguments, at: {how(v) for p, v in at if p.name == "mask"}


def _empty(mask):
    return not bool(mask.any(-1).all())


def _full(mask):
    return bool(mask.all())


def _filled(arguments, _):
    _, target, mask = arguments
    return {bool((target[~mask] != Vocabulary.pad).any())}


def _largest(name):
    return lambda arguments, at: {bool(v.abs().max() > 25) for p, v in at if p.name == name}


# exercise → what some draw must have: where to look, and what must be found there
EDGES = {
    "00_practice": [(_axis("k_len"), 1), (_largest("scores"), True)],
    "01_last_state": [
        (_axis("batch"), 1),
        (lambda a, _: {int(a[1].max())}, 1),
        (lambda a, _: {bool((a[1] == a[0].shape[1]).all())}, True),
    ],
    "01_mixed_batch": [
        (_axis("batch"), 1),
        (_axis("length"), 1),
        (lambda a, _: {a[0].shape[0] == a[0].shape[1]}, True),
    ],
    "01_masked_loss": [
        (_axis("batch"), 1),
        (_axis("tgt_len"), 1),
        (_rows(_empty), True),
        (_rows(_full), True),
        (_filled, True),
    ],
    "01_greedy": [
        (_value("max_words"), 1),
        (lambda a, _: {EXERCISES["01_greedy"].reference(*a) == [Vocabulary.eos]}, True),
    ],
    "02_additive_score": [
        (_axis("q_len"), 1),
        (_axis("k_len"), 1),
        (_largest("keys"), True),
        (_largest("query"), True),
    ],
    "02_softmax_axis": [
        (_rows(_empty), True),
        (_rows(_full), True),
        (lambda a, _: {bool((a[0] @ a[1].mT).abs().max() > 15)}, True),
    ],
    "02_decoder_step": [(_axis("batch"), 1), (_axis("src_len"), 1), (_rows(_empty), True), (_rows(_full), True)],
    "02_blind_look": [(_axis("batch"), 1), (_axis("src_len"), 1), (lambda a, _: {a[2].shape[1] > a[2].shape[2]}, True)],
    "02_unreachable_key": [(_axis("k_len"), 2), (_axis("k_len"), 4)],
    "03_learned_query": [(_rows(_empty), True), (_rows(_full), True)],
    "03_delete_top": [(lambda a, _: {len(a[1])}, 1), (_value("share"), 0.25), (_value("share"), 0.5)],
    "03_other_weights": [(lambda a, _: {len(a[0]) - a[0].shape[1]}, 2)],
    "03_indifferent_query": [(_axis("n_words"), 2)],
    "04_marker_filters": [(_value("n_words"), 1)],
    "04_causal_convolution": [
        *((_axis("kernel_size"), size) for size in (1, 2, 3, 4, 5)),
        (_value("dilation"), 1),
        (lambda a, _: {(a[1].shape[2] - 1) * a[2] > a[0].shape[2]}, True),
    ],
    "04_twins": [(lambda a, _: {len(a[0])}, 3)],
    "05_cross_attention": [(_axis("src_len"), 1), (_axis("tgt_len"), 1), (lambda a, _: {len(a[0]) == len(a[1])}, True)],
    "05_mask_of_last": [(_value("q_len"), 1), (_value("k_len"), 1), (lambda a, _: {a[0] == a[1] > 1}, True)],
    "05_rotate": [(_axis("length"), 1), (_axis("half"), 1)],
    "05_cached_step": [(_axis("t"), 0), (_axis("t"), 1)],
    "05_who_sees_whom": [(_axis("length"), 1)],
    "06_edge_softmax": [
        (lambda a, _: {bool(a[0].max() > 250 and a[0].min() < -250)}, True),
        (lambda a, _: {len(a[2].unique())}, 1),
        (lambda a, _: {len(a[2].unique()) < a[3]}, True),
    ],
    "06_dynamic_scores": [(_axis("q_len"), 1), (_axis("k_len"), 1), (lambda a, _: {len(a[0]) == len(a[1])}, True)],
    "06_layers_until_alike": [
        (_value("share"), 1.0),
        (_axis("d_in"), 1),
        (lambda a, _: {float(a[0].std(0).max())}, 0.0),
    ],
}
WITHOUT_EDGES = {"06_update_all"}  # a node without edges and a double edge are in every draw


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_exercise_is_tried_on_its_edges(name):
    draws, hard = checks._draws(EXERCISES[name])
    assert name in {**EDGES, **dict.fromkeys(WITHOUT_EDGES)}
    parameters = kinds.parameters(EXERCISES[name])
    every = [(arguments, list(zip(parameters, arguments, strict=True))) for arguments in (*draws, *hard.values())]
    for place, (look, wanted) in enumerate(EDGES.get(name, [])):
        assert any(wanted in look(*one) for one in every), (place, wanted)


# The table of kinds and exercises: each is (scores, mask) -> weights in a style of its own


def _joined(e):
    return e / e.sum(-1, keepdim=True)


MASKS = {
    "inverted, lowest number": (lambda s, m: s.masked_fill(m, LOWEST).softmax(-1), "inverted"),
    "inverted, −1e9": (lambda s, m: torch.where(m, -1e9, s).softmax(-1), "inverted"),
    "inverted, −∞": (lambda s, m: s.masked_fill(m, -torch.inf).softmax(-1), "inverted"),
    "inverted, subtracted": (lambda s, m: (s - 1e9 * m).softmax(-1), "inverted"),
    "inverted, then masked": (lambda s, m: s.masked_fill(m, LOWEST).softmax(-1) * m, "inverted"),
    "inverted, afterwards": (lambda s, m: s.softmax(-1) * ~m, "inverted"),
    "afterwards": (lambda s, m: s.softmax(-1) * m, "after the softmax"),
    "afterwards, by a fill": (lambda s, m: s.softmax(-1).masked_fill(~m, 0.0), "after the softmax"),
    "scores times mask": (lambda s, m: (s * m).softmax(-1), "e⁰"),
    "scores times mask, then masked": (lambda s, m: (s * m).softmax(-1) * m, "e⁰"),
    "1e-9 for −1e9": (lambda s, m: s.masked_fill(~m, 1e-9).softmax(-1), "e⁰"),
    "added": (lambda s, m: (s + m).softmax(-1), "You add the mask"),
    "wrong sign of the fill": (lambda s, m: s.masked_fill(~m, 1e9).softmax(-1), "wrong sign"),
    "no mask": (lambda s, m: s.softmax(-1), "not used"),
    "empty row averages": (lambda s, m: s.masked_fill(~m, -1e9).softmax(-1), "large negative number"),
    "empty row is NaN": (lambda s, m: s.masked_fill(~m, -torch.inf).softmax(-1), "NaN"),
    "empty row is 0/0": (lambda s, m: _joined(s.exp() * m), "NaN"),
    "not normalised": (lambda s, m: s.exp() * m, "normalised"),
    "mean for sum": (lambda s, m: s.masked_fill(~m, LOWEST).softmax(-1) * m / s.shape[-1], "mean for a sum|divide"),
    "one more below": (lambda s, m: s.exp() * m / (1 + (s.exp() * m).sum(-1, keepdim=True)), "add 1"),
    "equal weights": (lambda s, m: 0 * s + m / m.sum(-1, keepdim=True).clamp(min=1), "equal"),
    "sigmoid": (lambda s, m: s.masked_fill(~m, -1e9).sigmoid(), "sigmoid"),
    "sign of the scores": (lambda s, m: (-s).masked_fill(~m, LOWEST).softmax(-1) * m, "sign"),
    "best alone": (lambda s, m: F.one_hot(s.masked_fill(~m, LOWEST).argmax(-1), s.shape[-1]) * m, "argmax"),
    "wrong axis": (lambda s, m: s.masked_fill(~m, LOWEST).softmax(-2) * m, "axis|queries|batch|sentences"),
    "masked by the first row": (lambda s, m: s.masked_fill(~m[:1], LOWEST).softmax(-1) * m[:1], "first"),
}


def _leaky_scores(h, W, a):
    return F.leaky_relu((h @ W @ a[: W.shape[1]])[:, None] + (h @ W @ a[W.shape[1] :])[None], 0.2)


def _with_weights(weights, values):
    return weights @ values, weights


def _over_words(weights, states):
    return (weights[..., None] * states).sum(1)


ATTENDING = {
    "02_softmax_axis": lambda f: lambda q, k, v, m: _with_weights(f(q @ k.mT, m[:, None]) * 1.0, v),
    "03_learned_query": lambda f: lambda s, m, W, b, u: _over_words(f(torch.tanh(s @ W.T + b) @ u, m), s),
    "05_scaled_dot_attention": lambda f: lambda q, k, v, m: f(q @ k.mT / q.shape[-1] ** 0.5, m) * 1.0 @ v,
    "06_graph_attention": lambda f: lambda h, W, a, m: f(_leaky_scores(h, W, a), m),
}


@pytest.mark.parametrize("exercise", [name for name in ATTENDING if name in EXERCISES])
@pytest.mark.usefixtures("in_one_process")
def test_each_way_to_mistake_a_mask_is_named_in_each_exercise_that_has_one(exercise):
    for kind, (weigh, pattern) in MASKS.items():
        sentence = diagnose(exercise, ATTENDING[exercise](weigh))
        assert sentence != CORRECT, kind
        if (exercise, kind) == ("06_graph_attention", "masked by the first row"):
            continue  # there a row is a node, not a document of a batch
        assert re.search(pattern, sentence), f"{kind}: {sentence}"


@pytest.mark.parametrize("exercise", [name for name in ATTENDING if name in EXERCISES])
def test_each_right_way_to_mask_is_accepted(exercise):
    def moved(s, m):
        s = s.masked_fill(~m, -1e30)
        return _joined((s - s.amax(-1, keepdim=True)).exp() * m).nan_to_num(0.0)

    for weigh in (
        lambda s, m: s.masked_fill(~m, -torch.inf).softmax(-1).nan_to_num(0.0),
        lambda s, m: torch.where(m.any(-1, keepdim=True), s.masked_fill(~m, -torch.inf).softmax(-1), 0.0),
        lambda s, m: (s.double().masked_fill(~m, -1e300).softmax(-1) * m).float(),
        moved,
    ):
        assert diagnose(exercise, ATTENDING[exercise](weigh)) == CORRECT


# What is recognised without being listed


def _by(f):
    return lambda states, lengths: f(last_state(states, lengths))


RESULTS = {
    "sign": (_by(torch.neg), "sign"),
    "transposed": (_by(lambda t: t.T), "transposed"),
    "turned": (_by(lambda t: t.flip(0)), "opposite order"),
    "doubled": (_by(lambda t: 2 * t), "twice|2 times"),
    "divided by a size": (lambda s, n: last_state(s, n) / s.shape[1] ** 0.5, "1/√length"),
    "softmax": (_by(lambda t: t.softmax(-1)), "softmax"),
    "tanh": (_by(torch.tanh), "tanh"),
    "moved": (_by(lambda t: t.roll(1, 0)), "one place"),
    "one axis more": (_by(lambda t: t[:, None]), "axis"),
    "size written in": (lambda s, n: s[torch.arange(5), n - 1], "size 5 is written"),
    "root of a size written in": (lambda s, n: last_state(s, n) * s.shape[2] ** 0.5 / 11**0.5, "size 11 is written"),
    "one slip": (lambda s, n: s[torch.arange(len(s)), n - 3 + 1], "one place|slip|early"),
    "random": (lambda s, n: last_state(s, n) + torch.rand(1), "random"),
    "argument unused": (lambda s, n: s[:, s.shape[1] // 2], "`lengths`"),
    "half": (_by(lambda t: t.half()), "torch.float16"),
    "complex": (_by(lambda t: t.to(torch.complex64) + 0.5j), "complex"),
    "meta": (_by(lambda t: t.to("meta")), "meta"),
    "nested": (_by(lambda t: torch.nested.nested_tensor(list(t))), "nested"),
    "a list of tensors": (_by(lambda t: list(t)), "list of"),
    "an integer without end": (lambda s, n: 10**100000, "Expected a tensor"),
    "a class": (dict, "class"),
}


@pytest.mark.parametrize("kind", RESULTS)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("in_one_process")
def test_what_was_done_to_a_result_is_named(kind):
    answer, pattern = RESULTS[kind]
    sentence = diagnose("01_last_state", answer)
    assert re.search(pattern, sentence), sentence
    assert len(sentence) <= checks.LONGEST


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if EXERCISES[name].fault is None])
@pytest.mark.parametrize("disturb", [lambda t: torch.rand(t.shape), lambda t: 0 * t, lambda t: t[..., :-1]])
def test_no_search_for_what_was_done_to_a_result_fails(name, disturb):
    draws, _ = checks._draws(EXERCISES[name])
    expected = [EXERCISES[name].reference(*arguments) for arguments in draws]
    for more in (lambda t: t, lambda t: t[None]):

        def other(t, more=more):
            t = torch.as_tensor(t)
            return disturb(more(t if t.dim() else t[None]))

        found = [tuple(map(other, e)) if isinstance(e, tuple) else other(e) for e in expected]
        told = kinds.relation(expected, found, draws, EXERCISES[name])
        assert told is None or told


@pytest.mark.usefixtures("in_one_process")
def test_a_search_outlives_a_change_that_makes_a_loop_endless():
    def layers_until_alike(features, mask, share):
        average, n, first = mask / mask.sum(1, keepdim=True), 0, None
        while True:
            spread = (features.amax(0) - features.mean(0)).max()
            first = spread if first is None else first
            if spread <= share * first:
                return n
            features, n = average @ features, n + 1

    assert "`mean`" in diagnose("06_layers_until_alike", layers_until_alike)


def test_a_slip_is_sought_for_any_way_to_write_a_function():
    def with_a_slip(scores, values):
        weights = scores.softmax(0)
        total = torch.zeros(values.shape[1])
        for i in range(0, len(scores), 2):
            total = total + weights[i] * values[i]
        return total

    assert "range(0, len(scores), 2)" in diagnose("00_practice", with_a_slip)


@pytest.mark.parametrize(
    "convert",
    [torch.Tensor.double, torch.Tensor.numpy, torch.Tensor.to_sparse, lambda t: t.T.contiguous().T],
    ids=["double", "numpy", "sparse", "another layout"],
)
def test_a_right_result_is_right_as_an_array_too(convert):
    assert diagnose("01_last_state", _by(convert)) == CORRECT


@pytest.mark.parametrize(
    ("exercise", "value"),
    [
        ("01_gradient_left", Fraction(1, 16)),
        ("01_gradient_left", np.float32(1 / 16)),
        ("02_soft_dictionary", np.int64(14)),
        ("02_soft_dictionary", torch.tensor([[14.0]])),
        ("03_document_twice", np.array([False, True, True, True, True])),
        ("03_document_twice", [np.bool_(i > 0) for i in range(5)]),
        ("04_layers_needed", (np.int64(25), np.int64(3))),
        ("04_layers_needed", np.array([25, 3])),
    ],
)
def test_a_right_value_is_right_in_any_type(exercise, value):
    assert diagnose(exercise, value) == CORRECT


def test_truth_values_are_compared_as_such():
    def how_much(attention, x):
        changes = [
            (attention(x.index_fill(0, torch.tensor(j), 3.0)) - attention(x)).abs().sum(1) for j in range(len(x))
        ]
        return torch.stack(changes, 1)

    assert "True and False" in diagnose("05_who_sees_whom", how_much)


def test_gradients_are_compared_where_an_exercise_is_about_them():
    def loss(logits, target, mask):
        return F.cross_entropy(logits[mask], target[mask])

    assert diagnose("01_masked_loss", loss) == CORRECT
    assert "detached" in diagnose("01_masked_loss", lambda *a: torch.tensor(loss(*a).item()))
    assert "detached" in diagnose("01_masked_loss", lambda logits, *a: loss(logits.detach(), *a))

    def detached_at_each_step(inputs, W, U):
        state, states = torch.zeros(len(inputs), len(U)), []
        for word in inputs.unbind(1):
            state = torch.tanh(word @ W.T + state.detach() @ U.T)
            states.append(state)
        return torch.stack(states, 1)

    assert "gradient" in diagnose("01_mixed_batch", detached_at_each_step)


@pytest.mark.parametrize(("exercise", "size"), [("03_document_twice", 5)])
def test_every_wrong_table_of_truth_values_gets_a_reason(exercise, size):
    for table in itertools.product([False, True], repeat=size):
        sentence = diagnose(exercise, table)
        assert sentence == CORRECT or re.search(r"not right yet|You|Yours", sentence)


# Whatever an answer does


class Unspeakable(Exception):
    """An error whose message cannot be read."""

    def __str__(self):
        raise ValueError


def raises(error):
    def answer(states, lengths):
        raise error

    return answer


@pytest.mark.parametrize("error", [KeyboardInterrupt(), GeneratorExit(), Unspeakable(), SystemExit(3)])
def test_an_answer_may_raise_anything(error):
    assert f"raised {type(error).__name__}" in diagnose("01_last_state", raises(error))


def test_no_sentence_is_endless():
    assert len(diagnose("01_last_state", raises(ValueError("x" * 100_000)))) <= checks.LONGEST
    assert len(diagnose("01_last_state", lambda s, n: "x" * 1_000_000)) <= checks.LONGEST


def test_what_an_answer_prints_is_bounded_and_shown_once(capsys):
    def talks(states, lengths):
        print("shape", states.shape)
        for _ in range(10_000):
            print("and more")
        return last_state(states, lengths)

    assert diagnose("01_last_state", talks) == CORRECT
    printed = capsys.readouterr().out
    assert printed.count("shape") == 1
    assert len(printed) < 2 * guard.PRINTED


def test_settings_that_an_answer_changes_are_put_back():
    def in_double(inputs, W, U):
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        state, states = torch.zeros(len(inputs), len(U)), []
        for word in inputs.double().unbind(1):
            state = torch.tanh(word @ W.double().T + state @ U.double().T)
            states.append(state)
        return torch.stack(states, 1)

    assert diagnose("01_mixed_batch", in_double) == CORRECT
    assert torch.get_default_dtype() == torch.float32
    assert torch.is_grad_enabled()


def test_a_notebook_that_computes_in_double_is_checked_all_the_same():
    torch.set_default_dtype(torch.float64)
    try:
        assert diagnose("01_mixed_batch", EXERCISES["01_mixed_batch"].reference) == CORRECT
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


def test_one_buffer_may_serve_every_call():
    buffer = torch.zeros(100, 100)

    def into_the_buffer(states, lengths):
        result = last_state(states, lengths)
        buffer[: result.shape[0], : result.shape[1]] = result
        return buffer[: result.shape[0], : result.shape[1]]

    assert diagnose("01_last_state", into_the_buffer) == CORRECT


def _in_place(states, lengths):
    leaf = torch.nn.Parameter(states)
    leaf[0] = 0
    return leaf


def _starts_a_thread(states, lengths):
    threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
    return states


def _endless(states, lengths):
    found = []
    found.append(found)
    return found


STRANGE = {  # what an answer gives or does → what is said of it
    "generator": (lambda s, n: (row for row in s), "generator"),
    "string": (lambda s, n: "a" * 9999, "str"),
    "huge int": (lambda s, n: 10**5000, "Expected a tensor"),
    "NaN": (lambda s, n: last_state(s, n) * math.nan, "NaN"),
    "one NaN": (lambda s, n: math.nan, "shape|Expected"),
    "None": (lambda s, n: None, "None"),
    "module": (lambda s, n: torch, "module"),
    "function": (lambda s, n: last_state, "function"),
    "dict": (lambda s, n: {"states": s}, "dict"),
    "itself": (_endless, "nested without end|Expected"),
    "recursion": (lambda s, n: _again(s, n), "RecursionError"),
    "sys.exit": (lambda s, n: sys.exit("gone"), "SystemExit"),
    "sparse": (lambda s, n: s[:, 0].to_sparse(), "first"),
    "meta": (lambda s, n: last_state(s, n).to("meta"), "meta"),
    "complex": (lambda s, n: last_state(s, n) + 1j, "complex"),
    "bool": (lambda s, n: last_state(s, n) > 0, "floating-point"),
    "whole numbers": (lambda s, n: last_state(s, n).long(), "floating-point"),
    "leaf in place": (_in_place, "RuntimeError"),
    "thread": (_starts_a_thread, "as it came in|shape|axis"),
    "expanded without end": (lambda s, n: s[0, 0, 0].expand(10**6, 10**6), "far more numbers"),
    "long list": (lambda s, n: [0.0] * 20_000, "far too long"),
    "quantized": (lambda s, n: torch.quantize_per_tensor(s[:, 0], 0.1, 0, torch.qint8), "differ|rounded"),
    "an array of words": (lambda s, n: np.array(["a", "b"]), "Expected a tensor"),
    "an array of the other order": (lambda s, n: s[:, 0].numpy().astype(">f4"), "first"),
    "wrong number of arguments": (lambda s: s, "TypeError"),
    "a tensor in place of a function": (torch.ones(3), "Expected a function"),
}


def _again(states, lengths):
    return _again(states, lengths)


@pytest.mark.parametrize("what", STRANGE)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("in_one_process")
def test_whatever_an_answer_gives_is_told_in_one_sentence(what, capsys):
    answer, pattern = STRANGE[what]
    sentence = diagnose("01_last_state", answer)
    assert sentence.startswith("not yet. ")
    assert re.search(pattern, sentence), sentence
    assert len(sentence) <= checks.LONGEST
    assert "Traceback" not in sentence + capsys.readouterr().out


@pytest.mark.parametrize("name", EXERCISES)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("in_one_process")
def test_no_exercise_stumbles_over_what_is_no_answer(name):
    asked = EXERCISES[name].asks_for == "value"
    for given in (
        None,
        math.nan,
        10**5000,
        "a" * 9999,
        torch,
        [[]],
        (),
        {},
        1j,
        torch.ones(2, device="meta"),
        range(3),
    ):
        sentence = diagnose(name, given if asked else lambda *_, given=given: given)
        assert sentence.startswith("not yet. ")
        assert len(sentence) <= checks.LONGEST


@forked
@pytest.mark.parametrize(
    "never_ends",
    [lambda *_: sum(itertools.repeat(1)), lambda *_: max(itertools.cycle([1]))],
    ids=["sum", "max"],
)
def test_what_never_ends_inside_c_is_stopped(never_ends, monkeypatch):
    monkeypatch.setattr(checks, "TIME_LIMIT", 0.5)
    assert "stopped after" in diagnose("01_last_state", never_ends)


@forked
def test_what_never_ends_is_stopped_in_a_thread_too(monkeypatch):
    def never_ends(states, lengths):
        while True:
            pass

    monkeypatch.setattr(checks, "TIME_LIMIT", 0.5)
    with ThreadPoolExecutor() as pool:
        assert "stopped after" in pool.submit(diagnose, "01_last_state", never_ends).result()


@forked
def test_what_ends_python_or_eats_the_memory_is_told(monkeypatch):
    assert "ended Python" in diagnose("01_last_state", lambda *_: os._exit(0))
    monkeypatch.setattr(guard, "MEMORY", 2**28)
    assert "memory" in diagnose("01_last_state", lambda *_: bytearray(2**30))
