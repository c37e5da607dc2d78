"""Lecture 04's networks hear what the formula says, and padding, the future and the noise stay in their place."""

import random
from itertools import combinations, pairwise, product

import pytest
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from torch import nn
from torch.nn import functional as F

from course_utils.attention import attend, window_mask, zero_score
from course_utils.data.batches import Batch, Vocabulary
from course_utils.data.docstrings.corpus import Docs
from course_utils.data.documents import FOLDS, LabelledDocuments, load_documents
from course_utils.data.splits import deal_by_class
from course_utils.exercises.catalogue import EXERCISES

from .notebooks import definitions
from .public_sets import needs

BATCH, LENGTH, D_MODEL, N_WORDS, N_CLASSES, N_FILTERS = 3, 23, 37, 31, 7, 11
STACKS = [(3, (1, 1)), (5, (1, 3)), (2, (1, 2, 4)), (7, (1,)), (3, (2, 2))]


@pytest.fixture(scope="module")
def lecture():
    return definitions("04_convolution_limits")


@pytest.fixture(scope="module")
def experiment():
    return definitions("experiments/04_convolution_limits")


@pytest.fixture
def textcnn(lecture):
    torch.manual_seed(0)
    return lecture.TextCNN(N_WORDS, N_CLASSES, d_model=D_MODEL, n_filters=N_FILTERS).eval()


@pytest.fixture
def charcnn(experiment):
    """A character network whose normalisation has seen data, so that a zero is not what padding would give anyway."""
    torch.manual_seed(0)
    model = experiment.CharacterCNN(N_WORDS, N_CLASSES, d_model=13, n_filters=N_FILTERS)
    for norm in model.norms:
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.uniform_(norm.bias, -0.5, 0.5)
    model(batch(torch.randint(4, N_WORDS, (29, 41)), [41] * 29))
    return model.eval()


def batch(ids: torch.Tensor, lengths: list[int]) -> Batch:
    return Batch(ids, torch.arange(ids.shape[1]) < torch.tensor(lengths)[:, None])


def receptive_field(width: int, dilations: tuple[int, ...]) -> int:
    """Find by PyTorch's own convolutions how long an input must be to give one output without padding."""
    stack = nn.Sequential(*(nn.Conv1d(1, 1, width, dilation=dilation) for dilation in dilations))
    needed = 1
    while True:
        try:
            stack(torch.zeros(1, 1, needed))
        except RuntimeError:
            needed += 1
        else:
            return needed


# What a network hears.


@pytest.mark.parametrize(("width", "dilations"), STACKS)
def test_the_last_word_hears_as_far_back_as_a_convolution_without_padding_needs(lecture, width, dilations):
    torch.manual_seed(0)
    sizes = lecture.gradient_by_input(lecture.CausalConvolutions(D_MODEL, width, dilations), LENGTH, D_MODEL)
    field = receptive_field(width, dilations)
    assert field == 1 + (width - 1) * sum(dilations)
    assert sizes.shape == (LENGTH,)
    assert (sizes[:-field] == 0).all()
    assert sizes[-field] > 0
    taps = [[tap * dilation for tap in range(width)] for dilation in dilations]
    assert set(sizes.nonzero()[:, 0].tolist()) == {LENGTH - 1 - sum(way) for way in product(*taps)}


def test_a_gradient_is_followed_without_changing_the_network(lecture):
    network = lecture.Recurrent(D_MODEL)
    lecture.gradient_by_input(network, LENGTH, D_MODEL)
    assert all(p.dtype == torch.float32 and p.grad is None for p in network.parameters())


@pytest.mark.parametrize("name", ["width 3, dilations 1 1 1", "width 3, dilations 1 3 9", "recurrent"])
def test_no_output_of_a_causal_network_depends_on_a_later_word(experiment, name):
    torch.manual_seed(0)
    network = experiment.networks()[name]
    before = torch.randn(BATCH, LENGTH, experiment.D_MODEL)
    after = before.clone()
    after[:, 17:] += 1
    torch.testing.assert_close(network(before)[:, :17], network(after)[:, :17])
    assert not torch.allclose(network(before)[:, 17:], network(after)[:, 17:])


def test_the_control_reaches_exactly_as_far_as_the_baseline(lecture, experiment):
    torch.manual_seed(0)
    networks = experiment.networks()
    heard = {
        name: lecture.gradient_by_input(networks[name], LENGTH, experiment.D_MODEL) > 1e-12  # in float64, of about 1
        for name in ("attention", "attention, same reach", "width 3, dilations 1 1 1")
    }
    assert torch.equal(heard["attention, same reach"], heard["width 3, dilations 1 1 1"])
    assert heard["attention, same reach"].sum() == experiment.REACH + 1
    assert heard["attention"].all()


def test_equal_weights_hear_every_word_and_not_their_order(experiment):
    torch.manual_seed(0)
    network = experiment.EqualWeights(D_MODEL)
    inputs = torch.randn(BATCH, LENGTH, D_MODEL)
    mean = network.project_values(inputs).mean(dim=1)
    torch.testing.assert_close(network(inputs)[:, -1], inputs[:, -1] + mean)


def test_textcnn_reads_the_whole_marked_sentence_and_starts_small(experiment):
    torch.manual_seed(0)
    model = experiment.WholeSentence(N_WORDS).train()
    assert model.network.embedding.weight.abs().max() <= 0.25
    ids = torch.randint(N_WORDS, (BATCH, LENGTH))
    torch.testing.assert_close(model(ids), model(ids), msg="dropout is at work")
    whole = Batch(ids, torch.ones(BATCH, LENGTH, dtype=torch.bool))
    torch.testing.assert_close(model(ids), model.network.eval()(whole))


def test_models_of_the_whole_sentence_answer_with_two_classes_and_the_longer_one_trains_longer(experiment, monkeypatch):
    experiment.vocabulary = range(N_WORDS)
    models = experiment.whole_sentence_models()
    ids = torch.randint(N_WORDS, (BATCH, LENGTH))
    for model in models.values():
        assert model(ids).shape == (BATCH, 2)
    epochs = {}
    curve = [0.5] * (len(experiment.DISTANCES) - 1) + [0.25]
    monkeypatch.setattr(
        experiment, "trained_by_distance", lambda model, seed, n: epochs.setdefault(id(model), n) and curve
    )
    monkeypatch.setattr(experiment, "whole_sentence_models", lambda: models)
    results = experiment.whole_sentences(seed=0)
    for name, model in models.items():
        assert epochs[id(model)] == experiment.EPOCHS * (experiment.LONGER if name.endswith("longer") else 1)
        assert results[name] == {"accuracy at 32 words": 0.25, "by distance": curve}


def test_every_edge_is_tested_with_the_two_distances_behind_it(lecture, experiment):
    for width, dilations in experiment.STACKS:
        edge = receptive_field(width, dilations) - 1
        assert {edge, edge + 1, edge + 2} <= set(lecture.DISTANCES)
        assert lecture.called(width, dilations) in experiment.networks()
    assert len(experiment.networks()) == len(experiment.STACKS) + 3


@pytest.mark.parametrize("distance", [1, 7, 11, 26, 27])
def test_paths_measured_by_gradients_are_as_long_as_the_receptive_fields_say(lecture, distance):
    torch.manual_seed(0)
    found = {name: lecture.operations_needed(build, distance) for name, build in lecture.BUILD.items()}
    assert found["recurrent"] == distance + 1
    assert found["attention"] == 1
    for kind, width in (("contiguous", 3), ("contiguous", 9), ("dilated", 3), ("dilated", 9)):
        layers = found[f"{kind}, k = {width}"]
        dilations = tuple(width**layer if kind == "dilated" else 1 for layer in range(layers))
        assert receptive_field(width, dilations) > distance
        assert receptive_field(width, dilations[:-1]) <= distance


def test_a_slope_is_fitted_on_the_axis_that_the_formula_names(lecture, experiment):
    for name, formula in (("recurrent", 1), ("attention", 0), ("contiguous, k = 9", 1 / 8)):
        path = [2 + formula * n for n in lecture.HOW_FAR]
        assert experiment.slope_of(name, path) == pytest.approx((formula, formula), abs=1e-9)
    path = torch.tensor(lecture.HOW_FAR).log() / torch.tensor(9.0).log()
    assert experiment.slope_of("dilated, k = 9", path.tolist()) == pytest.approx((1, 1), abs=1e-5)


# The layers, against PyTorch's own.


def test_causal_convolutions_are_conv1d_with_its_right_side_cut_off(lecture):
    torch.manual_seed(0)
    stack = lecture.CausalConvolutions(D_MODEL, 5, (1, 3))
    inputs = torch.randn(BATCH, LENGTH, D_MODEL)
    hidden = inputs.transpose(1, 2)
    for layer, dilation in zip(stack.layers, (1, 3), strict=True):
        trusted = nn.Conv1d(D_MODEL, D_MODEL, 5, dilation=dilation, padding=4 * dilation)
        trusted.load_state_dict(layer.state_dict())
        hidden = hidden + trusted(hidden)[:, :, :LENGTH].relu()
    torch.testing.assert_close(stack(inputs), hidden.transpose(1, 2))


@pytest.mark.parametrize("radius", [None, 5])
def test_self_attention_is_pytorchs_scaled_dot_product_attention(lecture, radius):
    torch.manual_seed(0)
    layer = lecture.SelfAttention(D_MODEL, radius)
    inputs = torch.randn(BATCH, LENGTH, D_MODEL)
    position = torch.arange(LENGTH)
    mask = None if radius is None else (position[:, None] - position).abs() <= radius
    expected = inputs + F.scaled_dot_product_attention(
        layer.project_query(inputs), layer.project_keys(inputs), layer.project_values(inputs), attn_mask=mask
    )
    torch.testing.assert_close(layer(inputs), expected)


def test_a_recurrent_layer_with_few_steps_is_a_gru_that_begins_late(lecture):
    torch.manual_seed(0)
    layer = lecture.Recurrent(D_MODEL, steps=7)
    inputs = torch.randn(BATCH, LENGTH, D_MODEL)
    trusted = nn.GRU(D_MODEL, D_MODEL, batch_first=True)
    trusted.load_state_dict(layer.gru.state_dict())
    torch.testing.assert_close(layer(inputs), trusted(inputs[:, 16:])[0])
    layer.steps = None
    torch.testing.assert_close(layer(inputs), trusted(inputs)[0])


def test_what_is_timed_beside_a_layer_computes_the_same(experiment):
    torch.manual_seed(0)
    layers = experiment.timed_layers()
    inputs = torch.randn(2, experiment.SHORT + 19, experiment.TIMED_WIDTH)
    recurrent = layers["recurrent"]
    torch.testing.assert_close(experiment.Chained(recurrent)(inputs), recurrent(inputs))
    torch.testing.assert_close(layers["attention, fused"](inputs), layers["attention"](inputs))


def test_timing_goes_forward_and_back_and_gives_the_median_of_both_clocks(experiment, monkeypatch):
    layer, read = nn.Linear(experiment.TIMED_WIDTH, 1), iter(range(1000))
    ticks = [(t, t * t) for t in range(100)]
    monkeypatch.setattr(experiment, "clocks", lambda device: ticks[next(read)])
    n_passes = experiment.REPEATS
    later = [2 * (2 * i) + 1 for i in range(1, 1 + n_passes)]  # (t + 1)² − t² at the passes after the first
    assert experiment.seconds(layer, 2, 5) == [1, sorted(later)[n_passes // 2]]
    assert layer.weight.grad is not None
    assert experiment.LONG % experiment.SHORT == 0
    assert {experiment.SHORT, experiment.LONG} <= set(experiment.LENGTHS)


def test_calls_are_counted_forward_and_back_and_only_a_chain_calls_more_for_more_words(experiment):
    layers = experiment.timed_layers()
    number = {name: [experiment.calls(layer, n) for n in (11, 23, 35)] for name, layer in layers.items()}
    first, second, third = number.pop("recurrent")
    assert third - second == second - first > 12 * 10
    for name, counted in number.items():
        assert counted[0] == counted[1] == counted[2] > 10, name
    assert layers["convolution"].layers[0].weight.grad is not None


# Which part of a convolution is a row of the table.


def test_a_positive_kernel_that_sums_to_one_is_attention_by_offset(lecture):
    values = torch.randn(LENGTH, D_MODEL)
    context, _ = attend(values, values, values, lecture.offset_score, window_mask(LENGTH, 1))
    kernel = torch.tensor([0.25, 0.5, 0.25]).expand(D_MODEL, 1, 3)
    convolved = F.conv1d(values.T, kernel, groups=D_MODEL).T
    torch.testing.assert_close(context[1:-1], convolved)


@pytest.mark.parametrize("width", [3, 5])
def test_any_convolution_is_a_sum_of_rows_one_for_each_offset(lecture, width):
    torch.manual_seed(0)
    convolution = nn.Conv1d(D_MODEL, 13, width, padding=width // 2, bias=False)
    inputs = torch.randn(LENGTH, D_MODEL)
    rows = 0
    for tap in range(width):
        values = inputs @ convolution.weight[:, :, tap].T
        rows += attend(inputs, inputs, values, zero_score, lecture.one_offset(LENGTH, tap - width // 2))[0]
    torch.testing.assert_close(rows, convolution(inputs.T).T, atol=1e-5, rtol=1e-4)


def test_one_offset_shows_one_position_or_none(lecture):
    mask = lecture.one_offset(LENGTH, -3)
    assert torch.equal(mask, torch.ones(LENGTH - 3).diag(diagonal=-3).bool())


# TextCNN and the character network.


def test_padding_never_changes_what_textcnn_answers(textcnn):
    padding_changes_nothing(textcnn, short=1)


def test_a_small_start_draws_vectors_a_seventh_as_long_and_changes_nothing_else(lecture):
    torch.manual_seed(0)
    small, large = lecture.small_start(N_WORDS, N_CLASSES), lecture.TextCNN(N_WORDS, N_CLASSES)
    assert 0.24 < small.embedding.weight.abs().max() <= 0.25
    assert small.embedding.weight.std().item() == pytest.approx(large.embedding.weight.std().item() / 7, rel=0.1)
    assert [p.shape for p in small.parameters()] == [p.shape for p in large.parameters()]


def test_padding_never_changes_what_the_character_network_answers(charcnn):
    padding_changes_nothing(charcnn, short=2)


def padding_changes_nothing(model, short):
    ids = torch.randint(4, N_WORDS, (BATCH, LENGTH))
    lengths = [LENGTH, 13, short]
    expected = model(batch(ids, lengths))
    longer = torch.cat([ids, torch.randint(4, N_WORDS, (BATCH, 6))], dim=1)
    torch.testing.assert_close(model(batch(longer, lengths)), expected)
    other = torch.where(batch(ids, lengths).mask, ids, torch.randint(4, N_WORDS, ids.shape))
    torch.testing.assert_close(model(batch(other, lengths)), expected)
    for row, length in enumerate(lengths):
        alone = model(batch(ids[row : row + 1, :length], [length]))
        torch.testing.assert_close(alone[0], expected[row])


def test_textcnns_features_are_its_definition_written_as_loops(textcnn):
    ids = torch.randint(4, N_WORDS, (1, 17))
    words = F.pad(textcnn.embedding(ids)[0].T, (0, 4))
    features = []
    for convolution in textcnn.convolutions:
        width = convolution.kernel_size[0]
        answers = [(convolution.weight * words[:, i : i + width]).sum((1, 2)) + convolution.bias for i in range(17)]
        features.append(torch.stack(answers).relu().max(dim=0).values)
    expected = textcnn.classify(torch.cat(features))
    torch.testing.assert_close(textcnn(batch(ids, [17]))[0], expected, atol=1e-5, rtol=1e-4)


def test_the_character_network_is_the_stack_of_pytorch_layers_that_the_table_names(charcnn):
    ids = torch.randint(4, N_WORDS, (BATCH, 41))
    layers = []
    for width, pool in ((7, 3), (7, 3), (3, 1)):
        convolution = nn.Conv1d(N_FILTERS if layers else 13, N_FILTERS, width, padding="same")
        layers += [convolution, nn.BatchNorm1d(N_FILTERS), nn.ReLU(), nn.MaxPool1d(pool, ceil_mode=True)]
    trusted = nn.Sequential(*layers, nn.AdaptiveMaxPool1d(1), nn.Flatten(), charcnn.classify).eval()
    for i, (convolution, norm) in enumerate(zip(charcnn.convolutions, charcnn.norms, strict=True)):
        trusted[4 * i].load_state_dict(convolution.state_dict())
        trusted[4 * i + 1].load_state_dict(norm.state_dict())
    expected = trusted(charcnn.embedding(ids).transpose(1, 2))
    torch.testing.assert_close(charcnn(batch(ids, [41] * BATCH)), expected)


def test_a_document_without_words_gets_a_finite_answer(textcnn, charcnn):
    for model in (textcnn, charcnn):
        assert torch.isfinite(model(batch(torch.zeros(1, 5, dtype=torch.long), [0]))).all()


# Training on documents.


def test_all_models_read_the_same_first_words_and_no_document_is_in_two_parts(lecture):
    texts = tuple(((f"word{i}", *["filler"] * i),) for i in range(199))
    edges = torch.zeros(0, dtype=torch.long)
    corpus = Docs(tuple(map(str, range(199))), texts, torch.arange(199) % 3, ("a", "b", "c"), edges, edges)
    parts = lecture.parts(corpus, seed=5)
    names = [text[0] for texts, _ in parts for text in texts]
    assert sorted(names) == sorted(f"word{i}" for i in range(199))
    for texts, labels in parts:
        assert [int(text[0][4:]) % 3 for text in texts] == labels.tolist()
        assert max(map(len, texts)) == lecture.MAX_WORDS


def test_words_and_characters_are_cut_from_the_same_text(lecture, experiment):
    assert list(lecture.as_words(("a", "bc"))) == ["a", "bc"]
    assert list(experiment.as_characters(("a", "bc"))) == ["a", " ", "b", "c"]


def toy_documents(n, seed):
    """Two subjects with words of their own among words of both."""
    chance = random.Random(seed)
    labels = torch.arange(n) % 2
    own = (("filter", "signal"), ("graph", "node"))
    return [(*chance.choices(["the", "of", "is"], k=9), chance.choice(own[label])) for label in labels], labels


@pytest.mark.parametrize(("network", "cut"), [("TextCNN", "as_words"), ("CharacterCNN", "as_characters")])
def test_a_network_learns_from_words_or_letters_and_repeats_itself(lecture, experiment, network, cut):
    training, validation = toy_documents(192, 0), toy_documents(31, 1)
    texts, labels = toy_documents(67, 2)

    def answers(seed):
        torch.manual_seed(99 + seed)  # what happened before must not matter
        made = getattr(experiment, network), getattr(experiment, cut)
        return lecture.train_network(*made, training, validation, seed, epochs=4)(texts)

    found = answers(0)
    assert lecture.accuracy(found, labels) > 0.95
    assert torch.equal(found, answers(0))


def test_the_linear_model_is_sklearns_with_the_strength_that_validates_best(experiment):
    training, validation = toy_documents(53, 0), toy_documents(31, 1)
    texts, _ = toy_documents(67, 2)
    vectors = TfidfVectorizer(analyzer=list)
    answer = experiment.train_linear(vectors, training, validation)
    assert not hasattr(vectors, "vocabulary_"), "the caller's object was fitted"
    models = [
        make_pipeline(TfidfVectorizer(analyzer=list), LogisticRegression(C=c, max_iter=1000)).fit(*training)
        for c in experiment.STRENGTHS
    ]
    best = max(models, key=lambda model: model.score(*validation))
    assert (answer(texts) == best.predict(texts)).all()


# The two markers.


def test_marked_sentences_say_nothing_but_by_both_ends(experiment):
    experiment.running_text = torch.randint(4, N_WORDS, (997,))
    experiment.vocabulary = range(N_WORDS)
    before = experiment.running_text.clone()
    ids, same = experiment.marked_sentences(4000, 9, torch.Generator().manual_seed(0))
    assert ids.shape == (4000, 10)
    assert torch.equal(ids[:, 0] == ids[:, -1], same == 1)
    assert (ids[:, [0, -1]] >= N_WORDS).all()
    assert (ids[:, 1:-1] < N_WORDS).all()
    for end in (0, -1):  # one end alone tells nothing: each marker is followed by "same" half of the time
        for marker in range(experiment.N_MARKERS):
            chosen = same[ids[:, end] == N_WORDS + marker].float()
            assert abs(chosen.mean() - 0.5) < 0.06
            assert len(chosen) > 800
    assert torch.equal(experiment.running_text, before), "the text was written into"


@pytest.mark.parametrize("distance", [1, 2, 7, 501])
def test_four_filters_set_by_hand_in_the_lectures_textcnn_find_both_markers(lecture, distance):
    n_words, n_markers = 29, 4
    model = lecture.TextCNN(n_words + n_markers, 2, n_words + n_markers, widths=(3,), n_filters=n_markers).eval()
    filters, weight, bias = EXERCISES["04_marker_filters"].reference(n_words)
    model.embedding.weight.data = torch.eye(n_words + n_markers)
    model.convolutions[0].weight.data, model.convolutions[0].bias.data = filters, torch.zeros(n_markers)
    model.classify.weight.data = torch.stack([-weight, weight])
    model.classify.bias.data = torch.tensor([-bias, bias])
    ids = torch.randint(n_words, (97, distance + 1), generator=torch.Generator().manual_seed(0))
    ids[:, [0, -1]] = n_words + torch.randint(n_markers, (97, 2), generator=torch.Generator().manual_seed(1))
    same = (ids[:, 0] == ids[:, -1]).long()
    assert 0 < same.sum() < 97
    assert torch.equal(model(batch(ids, [distance + 1] * 97)).argmax(dim=-1), same)


# Associative recall.


def test_a_dictionary_has_different_keys_and_any_value_with_each(experiment):
    keys, values = experiment.dictionaries(4001, 7, torch.Generator().manual_seed(0))
    assert keys.shape == values.shape == (4001, 7)
    assert (keys.sort(dim=1).values.diff(dim=1) > 0).all()
    together = torch.stack([keys.flatten(), values.flatten()], dim=1)
    pairs, count = together.unique(dim=0, return_counts=True)
    assert len(pairs) == experiment.N_KEYS * experiment.N_VALUES
    assert count.min() > 0.85 * count.float().mean(), "a pair is rarer than others"
    assert max(experiment.PAIRS) <= experiment.N_KEYS


def readers(experiment):
    torch.manual_seed(0)
    return experiment.readers_of_dictionaries()


def test_every_reader_answers_a_key_alike_wherever_its_pair_is_but_for_the_gru(experiment):
    keys, values = experiment.dictionaries(13, 7, torch.Generator().manual_seed(0))
    order = torch.randperm(7, generator=torch.Generator().manual_seed(1))
    for name, model in readers(experiment).items():
        answers = model(keys, values)
        assert answers.shape == (13, 7, experiment.N_VALUES)
        alike = torch.allclose(model(keys[:, order], values[:, order]), answers[:, order], atol=1e-5)
        assert alike == (not name.startswith("GRU")), name


def test_a_question_does_not_hear_which_other_keys_are_asked_for(experiment):
    keys, values = experiment.dictionaries(13, 7, torch.Generator().manual_seed(0))
    for name, model in readers(experiment).items():
        asked = model.keys(keys)
        pairs = F.relu(model.join(torch.cat([asked, model.values(values)], dim=-1)))
        torch.testing.assert_close(model.way(asked[:, 4:5], pairs), model.way(asked, pairs)[:, 4:5], msg=name)


def test_a_summary_is_as_wide_as_its_name_says_and_does_not_look_at_the_question(experiment):
    asked, other, pairs = torch.randn(3, 13, 7, experiment.RECALL_WIDTH)
    for name, model in readers(experiment).items():
        context = model.way(asked, pairs)
        width = [int(word) for word in name.replace(",", "").split() if word.isdigit()]
        assert context.shape[2] == (width[0] if width else experiment.RECALL_WIDTH)
        same = torch.allclose(model.way(other, pairs), context, atol=1e-6)
        assert same == (name != "attention"), name


def test_equal_weights_are_the_mean_and_the_maximum_is_over_pairs(experiment):
    asked, pairs = torch.randn(2, 13, 7, experiment.RECALL_WIDTH)
    ways = {name: model.way for name, model in readers(experiment).items()}
    mean = ways["equal weights"]
    torch.testing.assert_close(mean(asked, pairs)[:, 0], mean.project_values(pairs).mean(dim=1))
    strongest = ways["maximum, 8 filters"]
    expected = strongest.filters(pairs).relu().detach().numpy().max(axis=1)
    torch.testing.assert_close(strongest(asked, pairs)[:, 5].detach(), torch.from_numpy(expected))


def test_a_reader_that_knows_the_dictionary_recalls_all_and_the_most_frequent_value_is_counted(experiment):
    keys, values = torch.tensor([[3, 5, 1]]), torch.tensor([[2, 0, 2]])
    assert experiment.most_frequent(keys, values).tolist() == [[2, 2, 2]]
    assert experiment.recalled(lambda keys, values: values, 7) == 1
    assert experiment.recalled(experiment.most_frequent, 1) == 1
    blind = experiment.recalled(experiment.most_frequent, 8)
    assert 1 / experiment.N_VALUES < blind < 0.6


def test_recall_keeps_a_curve_for_each_reader_and_trains_summaries_twice_as_long(experiment, monkeypatch):
    epochs = {}

    def recall_curve(model, seed, n):
        epochs[id(model)] = n
        return [0.1, 0.2, 0.3, 0.4]

    made = readers(experiment)
    monkeypatch.setattr(experiment, "recall_curve", recall_curve)
    monkeypatch.setattr(experiment, "readers_of_dictionaries", lambda: made)
    results = experiment.recall(seed=0)
    assert set(results) == {"most frequent value", *made}
    assert results["GRU, state 8"] == {"accuracy at 8 pairs": 0.4, "by pairs": [0.1, 0.2, 0.3, 0.4]}
    for name, model in made.items():
        assert epochs[id(model)] == (10 if name == "attention" else 20)


# Typing errors, and the other kinds of noise.

TEXTS = [("a", "all", "signals"), ("zz", *["filter"] * 501, "ab")]


@pytest.mark.parametrize("word", ["a", "zz", "all", "filter"])
def test_a_typing_error_is_one_edit_and_always_an_error(experiment, word):
    chance = random.Random(0)
    typed = [experiment.mistype(word, chance) for _ in range(400)]
    assert "" not in typed
    assert word not in typed
    assert {len(t) - len(word) for t in typed} == ({0, 1} if word == "a" else {-1, 0, 1})
    for t in typed:
        assert one_edit_apart(word, t), (word, t)
    if word == "filter":
        assert any(sorted(t) == sorted(word) for t in typed), "letters are never swapped"


def one_edit_apart(a, b):
    if len(a) == len(b):
        wrong = [i for i in range(len(a)) if a[i] != b[i]]
        if len(wrong) == 2:
            i, j = wrong
            return j == i + 1 and a[i] + a[j] == b[j] + b[i]
        return len(wrong) == 1
    shorter, longer = sorted((a, b), key=len)
    return any(longer[:i] + longer[i + 1 :] == shorter for i in range(len(longer)))


def test_a_garbled_word_keeps_its_length_alone(experiment):
    chance = random.Random(0)
    garbled = [experiment.garble("filter", chance) for _ in range(300)]
    assert {len(word) for word in garbled} == {6}
    kept = sum(a == b for word in garbled for a, b in zip(word, "filter", strict=True)) / 1800
    assert kept < 2 / 26


@pytest.mark.parametrize("rate", [0.0, 0.2])
def test_the_asked_share_of_words_is_spoiled_and_a_seed_repeats_it(experiment, rate):
    spoiled = experiment.spoil(TEXTS, rate, experiment.mistype, seed=3)
    assert [len(text) for text in spoiled] == [len(text) for text in TEXTS]
    pairs = [(a, b) for old, new in zip(TEXTS, spoiled, strict=True) for a, b in zip(old, new, strict=True)]
    assert abs(sum(a != b for a, b in pairs) / len(pairs) - rate) < 0.05
    assert spoiled == experiment.spoil(TEXTS, rate, experiment.mistype, seed=3)
    assert (spoiled == TEXTS) == (rate == 0)
    assert (spoiled == experiment.spoil(TEXTS, rate, experiment.mistype, seed=4)) == (rate == 0)


def test_swapped_words_are_the_same_bag_of_words_in_another_order(experiment):
    texts = [tuple(f"word{i % 29}" for i in range(length)) for length in (1, 7, 53)]
    swapped = experiment.swap_neighbours(texts, 0.2, seed=3)
    assert swapped != texts
    assert [sorted(text) for text in swapped] == [sorted(text) for text in texts]
    vectors = TfidfVectorizer(analyzer=list, sublinear_tf=True).fit(texts)
    assert (vectors.transform(texts) != vectors.transform(swapped)).nnz == 0
    assert experiment.swap_neighbours(texts, 0.0, seed=3) == texts


def test_a_mistyped_word_is_unknown_and_most_of_its_letters_are_not(lecture, experiment):
    words = Vocabulary([["filter", "signal"]])
    letters = Vocabulary(["filter signal"])
    typed = experiment.spoil([("filter",)], 1.0, experiment.mistype, seed=0)[0]
    assert words.encode(lecture.as_words(typed)).tolist() == [words.unk]
    assert (letters.encode(experiment.as_characters(typed)) != letters.unk).sum() >= 5


def test_the_two_networks_of_words_differ_in_their_start_alone(lecture, experiment, monkeypatch):
    asked = []

    def note(network, *rest):
        asked.append((network, rest[1:]))

    monkeypatch.setattr(experiment, "train_network", note)
    monkeypatch.setattr(experiment, "train_linear", lambda *rest: None)
    names = list(experiment.readers("training", "validation", 5))
    small, large = (asked[names.index(name) - 2] for name in ("TextCNN, words", "TextCNN, large start"))
    assert small[1] == large[1]
    torch.manual_seed(0)
    models = [network(N_WORDS, N_CLASSES) for network, _ in (small, large)]
    assert models[0].embedding.weight.abs().max() <= 0.25 < models[1].embedding.weight.std()
    assert str(models[0]) == str(models[1])


# The public sets: parts, what is counted, and words that move.


def sentences_in_folds(n=199, n_folds=10):
    """Two classes of sentences; one in five stands there twice, in one fold, as the loader deals them."""
    texts = tuple(f"word{i - 2 if i % 10 > 7 else i} of kind{i % 2}" for i in range(n))
    labels = tuple(i % 2 for i in range(n))
    return LabelledDocuments(texts, labels, ("no", "yes"), deal_by_class(texts, labels, FOLDS[:n_folds]))


def as_texts(part):
    return [" ".join(words) for words in part[0]]


def test_kims_network_has_the_sizes_of_the_paper_and_small_random_vectors(experiment):
    torch.manual_seed(0)
    model = experiment.kims_textcnn(N_WORDS, N_CLASSES)
    assert [tuple(c.weight.shape) for c in model.convolutions] == [(100, 300, width) for width in (3, 4, 5)]
    assert model.dropout.p == 0.5
    assert model.classify.out_features == N_CLASSES
    assert model.embedding.weight.shape == (N_WORDS, 300)
    assert model.embedding.weight.requires_grad
    assert 0.249 < model.embedding.weight.abs().max() <= 0.25
    assert model.embedding.weight.std().item() == pytest.approx(0.25 / 3**0.5, rel=0.02)


def test_each_sentence_is_tested_in_one_fold_and_no_text_is_in_two_parts(experiment):
    corpus = sentences_in_folds()
    tested = []
    for fold in sorted(set(corpus.split)):
        parts = experiment.parts_of_fold(corpus, fold, seed=5)
        together = sorted(text for part in parts for text in as_texts(part))
        assert together == sorted(corpus.texts)
        for a, b in combinations(parts, 2):
            assert not set(as_texts(a)) & set(as_texts(b))
        for texts, labels in parts:
            assert [int(text[2][4:]) for text in texts] == labels.tolist(), "a label has lost its text"
        training, validation, test = parts
        different = [len(set(as_texts(part))) for part in (training, validation)]
        assert different[1] == pytest.approx(sum(different) / 10, abs=2)  # each class is rounded up
        assert abs(validation[1].float().mean() - 0.5) < 0.2, "one class is chosen more often for validation"
        tested += as_texts(test)
    assert sorted(tested) == sorted(corpus.texts)


def test_the_seed_draws_the_validation_and_never_the_fold_that_is_tested(experiment):
    corpus = sentences_in_folds()
    (_, validation, test), (_, other, same) = (experiment.parts_of_fold(corpus, "3", seed) for seed in (0, 1))
    assert as_texts(test) == as_texts(same)
    assert as_texts(validation) != as_texts(other)
    assert set(as_texts(test)) == {t for t, fold in zip(corpus.texts, corpus.split, strict=True) if fold == "3"}


def test_published_parts_are_taken_as_they_are(experiment):
    corpus = LabelledDocuments(
        ("a b !", "c", "d e", "f"), (2, 0, 1, 2), ("x", "y", "z"), ("test", "train", "val", "train")
    )
    training, validation, (texts, labels) = experiment.published_parts(corpus, str.split)
    assert training[0] == [("c",), ("f",)]
    assert training[1].tolist() == [0, 2]
    assert validation[0] == [("d", "e")]
    assert (texts, labels.tolist()) == ([("a", "b", "!")], [2])


@pytest.mark.parametrize("longest", [1, 2])
def test_phrases_are_counted_as_sklearn_counts_them_in_text(experiment, longest):
    texts = [("not", "good", "."), ("good", ",", "not", "bad"), (".",)]
    expected = TfidfVectorizer(token_pattern=r"\S+", ngram_range=(1, longest), sublinear_tf=True, lowercase=False)
    counted = experiment.counted(longest)
    difference = counted.fit_transform(texts) - expected.fit_transform(" ".join(text) for text in texts)
    assert abs(difference).max() < 1e-12
    assert (counted.get_feature_names_out() == expected.get_feature_names_out()).all()


def test_the_control_of_the_counters_learns_from_the_same_labels_in_another_order(experiment, monkeypatch):
    seen = []
    monkeypatch.setattr(experiment, "train_linear", lambda vectors, training, validation: seen.append(training))
    texts, labels = toy_documents(97, 0)
    before = labels.clone()
    for _ in range(2):
        assert list(experiment.counters((texts, labels), None, seed=3)) == [
            "n-gram TF-IDF",
            "single-word TF-IDF",
            "n-gram TF-IDF, labels by lot",
        ]
    assert torch.equal(labels, before), "the caller's labels were changed"
    for trained, expected in zip(seen[:2], (labels, labels), strict=True):
        assert trained[1] is expected
    by_lot = seen[2][1]
    assert sorted(by_lot.tolist()) == sorted(labels.tolist())
    assert 0.3 < (by_lot == labels).float().mean() < 0.7
    assert torch.equal(by_lot, seen[5][1]), "a seed does not repeat it"


@pytest.mark.parametrize("length", [1, 2, 3, 8, 23])
def test_exchanged_halves_move_every_word_and_break_one_pair_of_neighbours(experiment, length):
    text = tuple(f"word{i}" for i in range(length))
    moved = experiment.exchange_halves(text)
    assert sorted(moved) == sorted(text)
    pairs = set(pairwise(text))
    assert len(pairs - set(pairwise(moved))) == min(length - 1, 1)
    if length > 1:
        assert all(a != b for a, b in zip(text, moved, strict=True))


def told_by_order(n, seed):
    """Sentences of the same words, whose class is told by the order of two neighbours alone."""
    chance = random.Random(seed)
    labels = torch.arange(n) % 2
    pairs = (("not", "good"), ("good", "not"))
    return [(*chance.choices(["the", "of", "is"], k=8), *pairs[label], "so") for label in labels.tolist()], labels


def test_moved_words_cost_a_reader_of_order_and_cost_a_counter_of_words_nothing(experiment, monkeypatch):
    for name, value in {"KIM_WIDTH": 13, "KIM_FILTERS": 7, "SENTENCE_EPOCHS": 5}.items():
        monkeypatch.setattr(experiment, name, value)
    training, validation, test = told_by_order(293, 0), told_by_order(61, 1), told_by_order(199, 2)
    results = experiment.on_sentences(training, validation, test, seed=0)
    for name in ("TextCNN-rand", "n-gram TF-IDF"):
        assert results[name]["accuracy"] > 0.95
        assert results[f"{name}, words shuffled"]["accuracy lost"] > 0.2
        assert results[f"{name}, halves exchanged"]["accuracy lost"] < 0.05
    assert results["single-word TF-IDF"]["accuracy"] < 0.65
    for change in ("words shuffled", "halves exchanged"):
        assert results[f"single-word TF-IDF, {change}"]["accuracy lost"] == 0
    assert results["n-gram TF-IDF, labels by lot"]["accuracy"] < 0.8
    for claim in experiment.sentence_claims("x"):
        assert all(claim.metric in results[name] for name in (claim.treatment, claim.baseline, claim.control))


def test_cross_validation_averages_over_the_folds_and_tests_each_once(experiment, monkeypatch):
    corpus, tested = sentences_in_folds(n_folds=5), []

    def on_sentences(training, validation, test, seed):
        tested.append(as_texts(test))
        return {name: {"accuracy": len(tested) ** 2} for name in (*experiment.READERS, "control")}

    monkeypatch.setattr(experiment, "load_documents", lambda name, progress: {"mr": corpus}[name])
    monkeypatch.setattr(experiment, "on_sentences", on_sentences)
    results = experiment.mr(seed=0)
    assert sorted(text for part in tested for text in part) == sorted(corpus.texts)
    for name in experiment.READERS:
        assert results[name] == {"accuracy": (1 + 4 + 9 + 16 + 25) / 5, "by fold": [1, 4, 9, 16, 25]}
    assert results["control"] == {"accuracy": 11}


@needs("mr")
def test_a_round_of_mr_tests_a_tenth_of_it_and_chooses_the_epoch_on_others(experiment):
    corpus = load_documents("mr", progress=False)
    parts = experiment.parts_of_fold(corpus, "0", seed=0)
    assert [len(texts) for texts, _ in parts] == [8634, 960, 1068]
    assert max(len(text) for texts, _ in parts for text in texts) == 59
