"""A mistake that many exercises share is named in each of them, in whatever style it is written."""

import gc
import inspect
import itertools
import math
import os
import re
import sys
import threading
import time
from collections.abc import Sequence
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

pytestmark = pytest.mark.thorough

LOWEST = torch.finfo(torch.float32).min
FUNCTIONS = [name for name, exercise in EXERCISES.items() if exercise.asks_for == "function"]
forked = pytest.mark.skipif(sys.platform != "linux", reason="only Linux rehearses in a forked copy")


@pytest.fixture
def in_one_process(monkeypatch):
    """Save a fork for each of many answers that are known to end, and let the search end on a busy machine, too."""
    monkeypatch.setattr(guard, "REHEARSE", False)
    monkeypatch.setattr(checks, "TIME_LIMIT", 600.0)  # the searches count towards it
    monkeypatch.setattr(checks, "SEARCH_LIMIT", 6.0)
    gc.freeze()  # to look for garbage among all objects of the tests takes longer than a changed answer may
    yield
    gc.unfreeze()


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


def _with_weights(weights, values):
    return weights @ values, weights


def _over_words(weights, states):
    return (weights[..., None] * states).sum(1)


def _into_the_cell(weights, word, state, states, cell):
    return cell(torch.cat([word, _over_words(weights, states)], 1), state), weights


# exercise → an answer in which ``f``: (scores, mask) -> weights takes the place of the right one
ATTENDING = {
    "02_softmax_axis": lambda f: lambda q, k, v, m: _with_weights(f(q @ k.mT, m[:, None]) * 1.0, v),
    "02_decoder_step": lambda f: (
        lambda word, state, states, m, score, cell: _into_the_cell(
            f(score(states, state[:, None])[:, 0], m) * 1.0, word, state, states, cell
        )
    ),
    "03_learned_query": lambda f: lambda s, m, W, b, u: _over_words(f(torch.tanh(s @ W.T + b) @ u, m), s),
}
IN_OTHER_WORDS = {  # where an exercise lists the mistake in words of its own
    ("02_decoder_step", "inverted, then masked"): "once?.* inverted|first time inverted",
    ("02_decoder_step", "equal weights"): "same weight",
    ("02_decoder_step", "best alone"): "best encoder state alone",
    ("00_practice", "not normalised"): "do not sum to one",
    ("00_practice", "equal weights"): "plain mean",
    ("00_practice", "best alone"): "dropped the others",
    ("06_edge_softmax", "mean for sum"): "1/n_edges times",
    ("06_edge_softmax", "wrong axis"): "over the heads",
    ("06_update_all", "mean for sum"): "1/n_edges times",
    ("06_update_all", "equal weights"): "Both results are the mean",
    ("06_update_all", "empty row averages"): "equally low",
    **{
        (name, f"afterwards{how}"): "over all edges"
        for name in ("06_edge_softmax", "06_update_all")
        for how in ("", ", by a fill")
    },
}


def _is_named(exercise, kind, answer):
    sentence = diagnose(exercise, answer)
    pattern = IN_OTHER_WORDS.get((exercise, kind), MASKS[kind][1])
    assert sentence != CORRECT, kind
    assert re.search(pattern, sentence), f"{kind}: {sentence}"


def test_the_tables_name_exercises_and_kinds_that_there_are():
    tables = (EDGES, ATTENDING, UNMASKED, BY_TARGET, AVERAGING, IN_OTHER_WORDS, OTHER_RESULTS)
    named = {key if isinstance(key, str) else key[0] for table in tables for key in table}
    assert named | WITHOUT_EDGES <= set(EXERCISES)
    assert {kind for _, kind in IN_OTHER_WORDS} <= set(MASKS)
    with_a_softmax = {*ATTENDING, *UNMASKED, *BY_TARGET}
    for name in FUNCTIONS:  # whoever attends stands in a table
        masked = any(parameter.name == "mask" for parameter in kinds.parameters(EXERCISES[name]))
        assert not masked or name in {*ATTENDING, *AVERAGING}, name
        source = inspect.getsource(EXERCISES[name].reference)
        attends = re.search("softmax|attend\\(|_look_with|_asked|_weighted", source)
        assert not attends or name in with_a_softmax | {"02_unreachable_key"}, name


@pytest.mark.parametrize("exercise", ATTENDING)
@pytest.mark.usefixtures("in_one_process")
def test_each_way_to_mistake_a_mask_is_named_in_each_exercise_that_has_one(exercise):
    for kind, (weigh, _) in MASKS.items():
        _is_named(exercise, kind, ATTENDING[exercise](weigh))


def _last_asks(f):
    def step(x, W_Q, W_K, W_V, keys, values):
        keys, values = torch.cat([keys, (x @ W_K)[None]]), torch.cat([values, (x @ W_V)[None]])
        return f((x @ W_Q)[None] @ keys.T / keys.shape[1] ** 0.5)[0] @ values, keys, values

    return step


def _looks(f):
    def look(embedded, state, states, W):
        question = torch.cat([embedded, state], 1) @ W.T
        weights = f((states @ question[..., None])[..., 0])
        return _over_words(weights, states), weights

    return look


# exercise → the same for ``f``: scores -> weights, where nothing is hidden
UNMASKED = {
    "00_practice": lambda f: lambda scores, values: f(scores[None])[0] @ values,
    "02_blind_look": _looks,
    "05_cross_attention": lambda f: (
        lambda x, memory, Q, K, V: _with_weights(f(x @ Q @ (memory @ K).T / Q.shape[1] ** 0.5), memory @ V)
    ),
    "05_cached_step": _last_asks,
}
OF_SOFTMAX = [
    *("not normalised", "mean for sum", "one more below", "equal weights", "sigmoid", "sign of the scores"),
    *("best alone", "wrong axis"),
]


@pytest.mark.parametrize("exercise", UNMASKED)
@pytest.mark.usefixtures("in_one_process")
def test_each_way_to_mistake_a_softmax_is_named_in_each_exercise_that_has_one(exercise):
    for kind in OF_SOFTMAX:
        if kind == "wrong axis" and exercise in ("00_practice", "05_cached_step"):
            continue  # a single query has no other axis
        weigh = MASKS[kind][0]
        answer = UNMASKED[exercise](lambda s, weigh=weigh: weigh(s, torch.ones_like(s, dtype=torch.bool)) * 1.0)
        _is_named(exercise, kind, answer)


def _shares_per_target(f):
    def share(scores, sources, targets, n_nodes):
        into = (targets == torch.arange(n_nodes)[:, None])[:, None].expand(-1, scores.shape[1], -1)
        weights = f(scores.T.expand(n_nodes, -1, -1), into) * 1.0  # (n_nodes, n_heads, n_edges)
        return weights[targets, :, torch.arange(len(targets))]

    return share


def _reads_neighbours(f):
    def read(sources, targets, n_nodes, values, a_query, a_key):
        into = targets == torch.arange(n_nodes)[:, None]
        scores = F.leaky_relu((values @ a_query)[targets] + (values @ a_key)[sources], 0.2)
        mean = into / into.sum(1, keepdim=True).clamp(min=1)
        return mean @ values[sources], f(scores.expand(n_nodes, -1), into) * 1.0 @ values[sources]

    return read


# exercise → the same for weights that sum to one over the edges into each node, and the kinds that apply to it alone
BY_TARGET = {
    "06_edge_softmax": (_shares_per_target, ["afterwards", "afterwards, by a fill"]),
    "06_update_all": (_reads_neighbours, ["empty row averages", "empty row is NaN", "empty row is 0/0"]),
}


@pytest.mark.parametrize("exercise", BY_TARGET)
@pytest.mark.usefixtures("in_one_process")
def test_each_way_to_mistake_a_softmax_over_edges_is_named(exercise):
    answer_with, more = BY_TARGET[exercise]
    for kind in [*OF_SOFTMAX, *more]:
        if (exercise, kind) != ("06_update_all", "wrong axis"):  # it has no other axis, one head alone
            _is_named(exercise, kind, answer_with(MASKS[kind][0]))


# kind → (numbers, mask) -> their average, and what the sentence says
AVERAGES = {
    "inverted": (lambda x, m: (x * ~m).sum(-1) / (~m).sum(-1).clamp(min=1), "wrong way round|exchanged"),
    "no mask": (lambda x, m: (x + 0 * m).mean(-1), "Padding counts|read all others"),
    "divided by all": (lambda x, m: (x * m).mean(-1), "divide by its places|number of all nodes"),
    "one more below": (lambda x, m: (x * m).sum(-1) / (m.sum(-1) + 1), "one more than there are"),
}


def _loss_by(average):
    def loss(logits, target, mask):
        surprise = F.cross_entropy(logits.flatten(0, 1), target.flatten(), reduction="none")
        return average(surprise, mask.flatten())

    return loss


def _layers_by(average):
    def layers(features, mask, share):
        def spread():
            return (features.amax(0) - features.amin(0)).amax()

        n, wanted = 0, share * spread()
        while spread() > wanted:
            features, n = average(features.T[:, None].expand(-1, len(features), -1), mask).T, n + 1
        return n

    return layers


AVERAGING = {"01_masked_loss": _loss_by, "06_layers_until_alike": _layers_by}


@pytest.mark.parametrize("exercise", AVERAGING)
@pytest.mark.usefixtures("in_one_process")
def test_each_way_to_mistake_the_mask_of_an_average_is_named(exercise):
    for kind, (average, pattern) in AVERAGES.items():
        sentence = diagnose(exercise, AVERAGING[exercise](average))
        assert re.search(pattern, sentence), f"{kind}: {sentence}"


def _moved(s, m):
    s = s.masked_fill(~m, -1e30)
    return _joined((s - s.amax(-1, keepdim=True)).exp() * m).nan_to_num(0.0)


RIGHT_MASKS = [
    lambda s, m: s.masked_fill(~m, -torch.inf).softmax(-1).nan_to_num(0.0),
    lambda s, m: torch.where(m.any(-1, keepdim=True), s.masked_fill(~m, -torch.inf).softmax(-1), 0.0),
    lambda s, m: (s.double().masked_fill(~m, -1e300).softmax(-1) * m).float(),
    _moved,
]


@pytest.mark.parametrize("exercise", ATTENDING)
def test_each_right_way_to_mask_is_accepted(exercise):
    for weigh in RIGHT_MASKS:
        assert diagnose(exercise, ATTENDING[exercise](weigh)) == CORRECT


@pytest.mark.parametrize("exercise", [*UNMASKED, *BY_TARGET])
def test_each_right_softmax_is_accepted_where_nothing_is_hidden(exercise):
    def everything(scores):
        return RIGHT_MASKS[0](scores, torch.ones_like(scores, dtype=torch.bool))

    answer = UNMASKED[exercise](everything) if exercise in UNMASKED else BY_TARGET[exercise][0](RIGHT_MASKS[0])
    assert diagnose(exercise, answer) == CORRECT


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


def _greedily(f):
    return lambda *arguments: f(EXERCISES["01_greedy"].reference(*arguments))


def _both(f):
    return lambda *arguments: tuple(map(f, EXERCISES["02_blind_look"].reference(*arguments)))


def _seen(f):
    return lambda *arguments: f(EXERCISES["05_mask_of_last"].reference(*arguments))


# exercise, what was done to its result → an answer, and what the sentence says: a list, a pair, a table of truth values
OTHER_RESULTS = {
    ("01_greedy", "too long"): (_greedily(lambda words: [*words, 7]), "too long"),
    ("01_greedy", "too short"): (_greedily(lambda words: words[:-1]), "end mark|too early|left out|dropped"),
    ("01_greedy", "turned round"): (_greedily(lambda words: words[::-1]), "opposite order"),
    ("01_greedy", "first too many"): (_greedily(lambda words: [1, *words]), "begin mark"),
    ("01_greedy", "a tensor in a list"): (_greedily(lambda words: [torch.tensor(words)]), "list|Expected|nested"),
    ("02_blind_look", "sign"): (_both(torch.neg), "sign"),
    ("02_blind_look", "doubled"): (_both(lambda t: 2 * t), "twice|2 times"),
    ("02_blind_look", "one axis more"): (_both(lambda t: t[:, None]), "axis"),
    ("02_blind_look", "other order"): (
        lambda *arguments: EXERCISES["02_blind_look"].reference(*arguments)[::-1],
        "order|exchanged",
    ),
    ("02_blind_look", "one alone"): (
        lambda *arguments: EXERCISES["02_blind_look"].reference(*arguments)[0],
        "alone|both|two",
    ),
    ("02_blind_look", "half"): (_both(lambda t: t.half()), "torch.float16"),
    ("05_mask_of_last", "inverted"): (_seen(torch.logical_not), "inverted|exchanged|opposite"),
    ("05_mask_of_last", "transposed"): (_seen(lambda t: t.T), "transposed|columns"),
    ("05_mask_of_last", "numbers"): (_seen(lambda t: t.float()), "True and False"),
    ("05_mask_of_last", "all"): (_seen(torch.ones_like), "All keys are seen"),
}


@pytest.mark.parametrize(("exercise", "kind"), OTHER_RESULTS)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("in_one_process")
def test_what_was_done_to_a_result_of_another_shape_is_named(exercise, kind):
    answer, pattern = OTHER_RESULTS[exercise, kind]
    sentence = diagnose(exercise, answer)
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


@pytest.mark.usefixtures("in_one_process")
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


class Refuses:
    """An object that answers no question."""

    def __getattribute__(self, name):
        raise ValueError(name)


class Touchy:
    """A right answer whose attributes may not be asked for."""

    def __getattr__(self, name):
        raise ValueError(name)

    def __call__(self, states, lengths):
        return last_state(states, lengths)


class WithoutLength(Sequence):
    """A sequence that does not say how long it is."""

    def __len__(self):
        raise ValueError

    def __getitem__(self, i):
        return i


class ListWithoutLength(list):
    def __len__(self):
        raise ValueError


def _twice_itself():
    found = []
    found += [found, found]
    return found


UNREADABLE = {
    "an object that answers no question": Refuses(),
    "such an object in a list": [Refuses()],
    "a sequence without length": WithoutLength(),
    "a list without length": ListWithoutLength(),
    "a list that holds itself twice": _twice_itself(),
    "a callable that answers no question": type("Asked", (Touchy,), {"__call__": lambda self, *_: 0})(),
}


@pytest.mark.parametrize("what", UNREADABLE)
@pytest.mark.parametrize("name", ["01_last_state", "01_greedy", "03_document_twice", "01_gradient_left", "04_twins"])
@pytest.mark.usefixtures("in_one_process")
def test_what_refuses_to_be_read_is_told_in_one_sentence_wherever_it_is(name, what):
    value = UNREADABLE[what]
    given = value if EXERCISES[name].asks_for == "value" else lambda *_: value
    for answer in (given, value):
        sentence = diagnose(name, answer)
        assert sentence.startswith("not yet. ")
        assert len(sentence) <= checks.LONGEST


def test_a_right_answer_whose_attributes_may_not_be_asked_for_is_right():
    assert diagnose("01_last_state", Touchy()) == CORRECT


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
def test_what_hardly_computes_and_never_ends_is_stopped_by_the_clock(monkeypatch):
    def never_ends(states, lengths):
        begun, busy = time.monotonic(), time.process_time()
        while True:  # it computes a twelfth of the time, however fast or busy the machine is
            if time.process_time() - busy < (time.monotonic() - begun) / 12:
                sum(range(1_000))
            else:
                time.sleep(0.002)

    monkeypatch.setattr(checks, "TIME_LIMIT", 0.5)
    assert re.search("stopped after [3-9] seconds", diagnose("01_last_state", never_ends))  # six times its limit


def test_an_answer_has_used_up_its_time_by_the_processor_by_waiting_or_by_the_clock():
    for elapsed, busy, over in (
        *((9, 9, False), (10, 10, True), (10, 0.1, True), (10, 5, False)),
        *((59, 9.9, False), (59, 10, True), (60, 2, True)),
    ):
        assert guard.uses_up(10.0, float(elapsed), float(busy)) == over, (elapsed, busy)


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


# What a function hands to its arguments, and what comes after another mistake


def _layers(step, spread=lambda x, _: x, most=90):
    def layers_until_alike(features, mask, share):
        x = first = features
        for n in range(most):
            compared = spread(first, x)
            if (x.amax(0) - x.amin(0)).max() <= share * (compared.amax(0) - compared.amin(0)).max():
                return n
            x = step(x, mask, features)
        return most

    return layers_until_alike


def _mean(x, mask, _):
    return mask / mask.sum(1, keepdim=True) @ x


def _summed_until_nan(features, mask, share):
    n, wanted = 0, share * (features.amax(0) - features.amin(0)).max()
    while (features.amax(0) - features.amin(0)).max() > wanted:
        features, n = mask.float() @ features, n + 1
    return n


def _said(first=Vocabulary.bos, read=lambda word: word, kept=lambda new, old: new):
    def greedy(step, state, max_words):
        word, said = first, []
        while len(said) < max_words and (not said or said[-1] != Vocabulary.eos):
            logits, new = step(word, state)
            said.append(int(logits.argmax()))
            word, state = read(said[-1]), kept(new, state)
        return said[:-1]  # the end is missing as well

    return greedy


def _never_twice_in_a_row(step, state, max_words):
    word, said = Vocabulary.bos, []
    while len(said) < max_words and word != Vocabulary.eos:
        logits, state = step(word, state)
        word = int(logits.scatter(0, torch.tensor([word]), -1e9).argmax())
        said.append(word)
    return said


def _gives_first(step, state, max_words):
    word, said = Vocabulary.bos, []
    while len(said) < max_words and word != Vocabulary.eos:
        state, logits = step(word, state)
        said.append(word := int(logits.argmax()))
    return said


def _step_of_decoder(query=lambda word, state, new: state, before=lambda state: state, front=lambda word: word):
    def decoder_step(word, state, states, mask, score, cell):
        new = cell(torch.cat([word, states.mean(1)], 1), state)
        s = score(states, query(word, state, new)[:, None])[:, 0].masked_fill(~mask, LOWEST)
        weights = s.softmax(1) * mask
        context = (weights[..., None] * states).sum(1)
        return cell(torch.cat([front(word), context], 1), before(state)), 2 * weights

    return decoder_step


def _score_asked_first(word, state, states, mask, score, cell):
    s = score(state[:, None], states).reshape(mask.shape).masked_fill(~mask, LOWEST)
    weights = s.softmax(1) * mask
    return cell(torch.cat([word, (weights[..., None] * states).sum(1)], 1), state), weights


def _loss_of_sums(logits, target, mask):
    return F.log_softmax(logits, -1).gather(-1, target[..., None])[..., 0][mask].sum() / len(mask)


def _cached(scale, front):
    def cached_step(x, W_Q, W_K, W_V, keys, values):
        keys, values = (torch.cat([(x @ w)[None], c][:: 1 if front else -1]) for w, c in ((W_K, keys), (W_V, values)))
        return (keys @ (x @ W_Q) / scale(keys)).softmax(0) @ values, keys, values

    return cached_step


def _other_weights(change):
    def other_weights(states, weights):
        u = torch.linalg.svd(torch.cat([states, torch.ones(len(states), 1)], 1).T).Vh[-1]
        return change(weights, (weights[u < 0] / -u[u < 0]).min() * u)

    return other_weights


def _dense(scores, sources, targets, n_nodes):
    table = torch.zeros(n_nodes, n_nodes, scores.shape[1]).index_put((targets, sources), scores)
    return table.softmax(1)[targets, sources]


def _node_by_node(scores, sources, targets, n_nodes):
    weights = torch.zeros_like(scores)
    for node in range(n_nodes - 1):
        weights[targets == node] = scores[targets == node].softmax(0)
    return weights


def _first_twice(inputs, W, U):
    state, states = torch.tanh(inputs[:, 0] @ W.T), []
    for word in inputs.unbind(1):
        states.append(state := torch.tanh(word @ W.T + state @ U.T))
    return torch.stack(states, 1)


def _looked_at(embedded, state, states, W):
    question = torch.cat([embedded, state], 1) @ W.reshape(W.shape[::-1])
    weights = (states @ question[..., None])[..., 0].softmax(1)
    return (weights[..., None] * states).sum(1), weights


def _eye_filters(axes=(0, 1, 2), order=(0, 1, 2)):
    def marker_filters(n_words):
        filters = torch.zeros(4, n_words + 4, 3)
        filters[:, n_words:, 0] = torch.eye(4)
        parts = filters.permute(axes), -torch.ones(4), 1.5
        return tuple(parts[i] for i in order)

    return marker_filters


def _dropped(weights, _):
    left = torch.cat([weights[:1] * 0, weights[1:]])
    return left / left.sum()


TOLD = [
    ("06_layers_until_alike", _summed_until_nan, "add up neighbours"),
    ("06_layers_until_alike", _layers(lambda x, mask, _: mask.float() @ x), "add up neighbours"),
    ("06_layers_until_alike", _layers(lambda x, mask, given: _mean(given, mask, given)), "the given features"),
    ("06_layers_until_alike", _layers(_mean, lambda _, x: x), "a limit of your own"),
    (
        "06_layers_until_alike",
        _layers(lambda x, mask, _: (x @ x.T).masked_fill(~mask, LOWEST).softmax(1) @ x, most=160),
        "come from a score",
    ),
    ("06_layers_until_alike", _layers(lambda *a: _mean(*a).relu()), "a ReLU around each layer"),
    ("06_layers_until_alike", _layers(lambda *a: _mean(*a).tanh()), "a tanh around each layer"),
    ("06_layers_until_alike", _layers(_mean, most=10), "right up to 10 and never larger"),
    ("06_layers_until_alike", lambda *a: float(a[2]) + 0.5, "Expected a whole number"),
    (
        "06_layers_until_alike",
        lambda f, mask, s: 1 + _layers(_mean)(f, mask & ~torch.eye(len(mask), dtype=torch.bool), s),
        "There are two things.*self-loops.*one too many",
    ),
    ("06_edge_softmax", _dense, "no edge"),
    ("06_edge_softmax", _node_by_node, "into the last node"),
    (
        "06_dynamic_scores",
        lambda query, keys, a: F.leaky_relu(query @ a, 0.2)[:, None] + F.leaky_relu(keys @ a, 0.2)[None],
        "one number of the query and one of the key",
    ),
    ("01_greedy", _said(first=Vocabulary.eos), "first word that you hand to `step` is"),
    ("01_greedy", _said(read=lambda *_: Vocabulary.bos), "In call 2 of `step` you hand it word"),
    ("01_greedy", _said(kept=lambda new, old: old), "do not hand it the state"),
    ("01_greedy", _never_twice_in_a_row, "twice in a row"),
    ("01_greedy", _gives_first, "in another order than it comes"),
    ("01_greedy", lambda *a: (EXERCISES["01_greedy"].reference(*a), a[1]), "result 1 is right: return it alone"),
    ("01_greedy", lambda *a: " ".join(map(str, EXERCISES["01_greedy"].reference(*a))), "Expected a list .* a string"),
    ("01_mixed_batch", _first_twice, "first word is read twice"),
    ("01_masked_loss", _loss_of_sums, "There are two things.*sum over the words.*1/batch"),
    ("02_decoder_step", _step_of_decoder(lambda word, state, new: new), "is not the old state"),
    ("02_decoder_step", _step_of_decoder(), "call the cell twice"),
    ("02_decoder_step", _score_asked_first, "You call `score` with its two arguments exchanged"),
    (
        "02_decoder_step",
        lambda *a: _step_of_decoder()(*a[:5], lambda inputs, state: a[5](-inputs, state)),
        "does not begin with the word|call the cell twice",
    ),
    ("02_blind_look", _looked_at, "into the shape of its transpose by view or reshape"),
    (
        "02_additive_score",
        lambda keys, query, W, U, v: (((query @ W.T)[:, None] + keys @ U.T).sigmoid() @ v).T,
        "There are two things.*sigmoid.*transposed",
    ),
    (
        "02_softmax_axis",
        lambda q, k, v, m: ATTENDING["02_softmax_axis"](lambda s, m: s.masked_fill(m, LOWEST).softmax(-1) * ~m)(
            q / q.shape[-1] ** 0.5, k, v, m
        ),
        "There are two things.*√d.*inverted",
    ),
    ("02_unreachable_key", lambda keys: keys.mean(1), "the wrong axis is left"),
    ("02_unreachable_key", lambda keys: torch.cat([keys, keys.mean(0)[None]]), "The last row of your result is right"),
    ("03_other_weights", _other_weights(lambda weights, change: change), "sum to 0"),
    ("03_other_weights", _other_weights(lambda weights, _: weights.roll(2)), "same weights to other words"),
    ("03_other_weights", _other_weights(_dropped), "share it out"),
    ("04_marker_filters", _eye_filters(axes=(0, 2, 1)), "axes of your filters"),
    ("04_marker_filters", _eye_filters(order=(1, 0, 2)), "3 results are right, but in another order"),
    ("05_cached_step", _cached(lambda keys: 1.0, front=True), "There are two things.*scale is missing.*in front"),
    ("05_cached_step", _cached(len, front=False), "number of keys .*no root"),
    ("03_two_levels", ("edges", 24, 100), "per cent"),
    ("01_gradient_left", 6.25, "per cent"),
    ("03_two_levels", (0.24, "edges", 1.0), "in another order"),
    ("04_pairs_in_a_state", (64, 16, 2048), "in another order"),
    ("03_document_twice", (2, 3, 4, 5), "each True or False"),
]


@pytest.mark.parametrize("place", range(len(TOLD)))
@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("in_one_process")
def test_what_an_answer_hands_over_or_does_besides_is_told(place):
    exercise, answer, pattern = TOLD[place]
    sentence = diagnose(exercise, answer)
    assert re.search(pattern, sentence), sentence
    assert len(sentence) <= checks.LONGEST
