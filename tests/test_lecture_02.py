"""Lecture 02: the code it shows is attention, hides padding, asks with the old state and never sees the future."""

import ast

import pytest
import torch
from torch.nn import functional as F

from course_utils import attention
from course_utils.data.batches import Vocabulary, pad
from course_utils.data.number_words import translate
from course_utils.training import set_seed

from .benchmarks.translation_throughput import plain_logits, plain_loss
from .closeness import assert_likeliest
from .notebooks import code_cells, definitions

lecture = definitions("02_bahdanau_attention")
N_SOURCE, N_TARGET = 23, 29


@pytest.fixture
def corpus():
    return translate([7, 19, 345_678, 20_011, 981, 45, 700_300, 1_000_002], "de")


def sentences(lengths, n_words):
    return [torch.randint(4, n_words, (length,)) for length in lengths]


def vocabulary(n_words):
    return Vocabulary([[f"word {i}" for i in range(n_words - len(Vocabulary.special))]])


def translator(look_back=True):
    set_seed(0)
    return lecture.Translator(vocabulary(N_SOURCE), vocabulary(N_TARGET), look_back).eval()


def inputs_with_an_empty_row(seed):
    generator = torch.Generator().manual_seed(seed)
    query, keys = torch.randn(3, 5, 11, generator=generator), torch.randn(3, 7, 11, generator=generator)
    values = torch.randn(3, 7, 13, generator=generator)
    mask = torch.rand(3, 5, 7, generator=generator) < 0.5
    mask[1, 2] = False
    return query, keys, values, mask


@pytest.mark.parametrize("seed", range(5))
def test_attend_of_the_lecture_is_attend_of_the_package(seed):
    query, keys, values, mask = inputs_with_an_empty_row(seed)
    for some_mask in (mask, None):
        ours = lecture.attend(query, keys, values, attention.dot_score, some_mask)
        theirs = attention.attend(query, keys, values, attention.dot_score, some_mask)
        torch.testing.assert_close(ours[0], theirs[0])
        torch.testing.assert_close(ours[1], theirs[1])


@pytest.mark.parametrize("seed", range(5))
def test_attend_of_the_lecture_is_pytorchs_attention_where_something_may_be_seen(seed):
    query, keys, values, mask = inputs_with_an_empty_row(seed)
    context, _ = lecture.attend(query, keys, values, attention.scaled_dot_score, mask)
    trusted = F.scaled_dot_product_attention(query, keys, values, attn_mask=mask)
    some = mask.any(dim=-1)
    torch.testing.assert_close(context[some], trusted[some])


def test_an_empty_row_gets_zeros_and_a_finite_gradient():
    scores = torch.randn(2, 3, 5, requires_grad=True)
    mask = torch.ones(2, 3, 5, dtype=torch.bool)
    mask[1] = False
    weights = lecture.masked_softmax(scores, mask)
    assert (weights[1] == 0).all()
    weights.square().sum().backward()
    assert torch.isfinite(scores.grad).all()
    assert (scores.grad[1] == 0).all()


def test_a_key_that_scores_minus_infinity_gets_no_weight_where_another_is_allowed():
    scores = torch.tensor([[-torch.inf, 1.0, 2.0, -torch.inf], [-torch.inf, 0.0, 3.0, 1.0]], requires_grad=True)
    mask = torch.tensor([[True, True, False, True], [True, True, True, False]])
    weights = lecture.masked_softmax(scores, mask)
    torch.testing.assert_close(weights, attention.masked_softmax(scores, mask))
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(2))
    assert (weights[scores.isinf() | ~mask] == 0).all()
    weights.square().sum().backward()
    assert scores.grad.isfinite().all()


def test_the_two_traps_of_the_lecture_are_traps():
    scores, nothing = torch.randn(1, 7), torch.zeros(1, 7, dtype=torch.bool)
    assert scores.masked_fill(~nothing, -torch.inf).softmax(-1).isnan().all()
    torch.testing.assert_close(scores.masked_fill(~nothing, -1e9).softmax(-1), torch.full((1, 7), 1 / 7))


def test_scoring_one_query_is_the_additive_score_of_the_package():
    set_seed(0)
    score = attention.AdditiveScore(d_query=11, d_key=13, d_attention=17)
    keys, query = torch.randn(7, 13), torch.randn(1, 11)
    parameters = score.project_query.weight, score.project_keys.weight, score.reduce.weight[0]
    torch.testing.assert_close(lecture.score_one_query(keys, query, *parameters), score(keys, query))


def test_the_encoder_reads_a_padded_sentence_as_if_it_stood_alone():
    set_seed(0)
    encoder = lecture.Encoder(N_SOURCE)
    batch = sentences([7, 3, 5], N_SOURCE)
    states, ends = encoder(pad(batch))
    for i, ids in enumerate(batch):
        trusted, last = encoder.gru(encoder.embedding(ids)[None])
        torch.testing.assert_close(states[i, : len(ids)], trusted[0])
        torch.testing.assert_close(ends[i], torch.cat([last[0, 0], last[1, 0]]))


@pytest.mark.parametrize("lengths", [[7, 0, 5], [0, 0]])
def test_an_empty_sentence_is_read_and_gives_a_context_of_zeros(lengths):
    model = translator()
    source = pad(sentences(lengths, N_SOURCE))
    states, ends = model.encoder(source)
    assert states.isfinite().all()
    assert ends.isfinite().all()
    memory, state = model.read(source)
    word = model.embedding(torch.full((len(lengths),), Vocabulary.bos))
    _, seen, weights = model.step(word, state, memory, model.score)
    context = seen[:, -2 * lecture.D_ENCODER :]
    assert seen.isfinite().all()
    empty = [i for i, length in enumerate(lengths) if length == 0]
    assert (weights[empty] == 0).all()
    assert (context[empty] == 0).all()


def test_a_watched_loss_changes_nothing_in_the_training(corpus):
    seen = []

    def watched(model, source, target):
        seen.append(lecture.decode_greedily(model, source))
        return lecture.batch_loss(model, source, target)

    plain = lecture.trained(corpus, 1, epochs=2).state_dict()
    watch = lecture.trained(corpus, 1, epochs=2, loss=watched).state_dict()
    assert seen
    assert all(torch.equal(plain[name], watch[name]) for name in plain)  # the same operations on the same shapes


@pytest.mark.parametrize("kind", ["EncoderDecoder", "Translator"])
def test_the_classes_of_the_translator_have_fewer_than_25_lines_each(kind):
    (source,) = [cell.source for cell in code_cells("02_bahdanau_attention") if f"class {kind}(" in cell.source]
    (written,) = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    assert sum(bool(line.strip()) for line in ast.get_source_segment(source, written).splitlines()) < 25


def test_the_decoder_updates_with_pytorchs_own_cell():
    model = translator()
    assert type(model.cell) is torch.nn.GRUCell
    assert model.cell.input_size == lecture.D_EMBEDDING + 2 * lecture.D_ENCODER


def test_the_decoder_gives_what_a_loop_over_pytorchs_parts_gives():
    model = translator()
    (source,), (previous,) = sentences([7], N_SOURCE), sentences([5], N_TARGET)
    logits, weights = model(pad([source]), previous[None])
    states, ends = model.encoder(pad([source]))
    state = torch.tanh(model.first_state(ends))[0]
    for t, word in enumerate(previous):
        projected = model.score.project_query.weight @ state + states[0] @ model.project_keys.weight.T
        alpha = (torch.tanh(projected) @ model.score.reduce.weight[0]).softmax(dim=0)
        seen = torch.cat([model.embedding(word), alpha @ states[0]])
        state = model.cell(seen[None], state[None])[0]
        torch.testing.assert_close(weights[0, t], alpha)
        torch.testing.assert_close(logits[0, t], model.to_words(torch.cat([state, seen])))


def test_the_plain_loop_of_the_benchmark_computes_what_the_lecture_computes():
    model = translator()
    source, target = pad(sentences([7, 5, 3], N_SOURCE)), pad(sentences([3, 11, 5], N_TARGET))
    previous = lecture.shifted(target)
    torch.testing.assert_close(plain_logits(model, source, previous), model(source, previous)[0])
    gradients = []
    for loss in (plain_loss, lecture.batch_loss):
        model.zero_grad()
        loss(model, source, target).backward()
        gradients.append([parameter.grad.clone() for parameter in model.parameters()])
    for plain, ours in zip(*gradients, strict=True):
        torch.testing.assert_close(plain, ours)


@pytest.mark.parametrize("look_back", [True, False])
def test_padding_changes_no_output(look_back):
    model = translator(look_back)
    sources, targets = sentences([7, 3], N_SOURCE), sentences([5, 5], N_TARGET)
    together, weights = model(pad(sources), torch.stack(targets))
    alone, _ = model(pad(sources[1:]), targets[1][None])
    torch.testing.assert_close(together[1], alone[0])
    if look_back:
        assert (weights[1, :, 3:] == 0).all()


def test_a_word_changes_what_comes_after_it_and_nothing_before():
    model = translator()
    source, previous = pad(sentences([7, 5], N_SOURCE)), torch.stack(sentences([11, 11], N_TARGET))
    changed = previous.clone()
    changed[:, 5] = (changed[:, 5] + 1) % N_TARGET
    (before, looked), (after, looked_after) = model(source, previous), model(source, changed)
    torch.testing.assert_close(before[:, :5], after[:, :5])
    assert not torch.isclose(before[:, 5:], after[:, 5:]).all(dim=-1).any()
    # the query is the old state: it has not read word 5 yet
    torch.testing.assert_close(looked[:, :6], looked_after[:, :6])
    assert not torch.isclose(looked[:, 6:], looked_after[:, 6:]).all(dim=-1).any()


def test_the_fixed_vector_has_one_value_and_its_score_cannot_matter():
    model = translator(look_back=False)
    source, previous = pad(sentences([7, 5], N_SOURCE)), torch.stack(sentences([3, 3], N_TARGET))
    logits, weights = model(source, previous)
    torch.testing.assert_close(weights, torch.ones(2, 3, 1))
    torch.testing.assert_close(logits, model(source, previous, score=attention.zero_score)[0])


def test_both_models_have_the_same_parameters_to_start_from():
    ours, baseline = translator(True).state_dict(), translator(False).state_dict()
    assert list(ours) == list(baseline)
    assert all(torch.equal(ours[name], baseline[name]) for name in ours)


def test_every_parameter_gets_a_finite_gradient():
    model = translator()
    source, target = pad(sentences([7, 5], N_SOURCE)), pad(sentences([3, 11], N_TARGET))
    lecture.batch_loss(model, source, target).backward()
    for name, parameter in model.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_the_decoder_reads_the_target_one_word_late():
    target = pad(sentences([5, 3], N_TARGET))
    read = lecture.shifted(target)
    assert (read[:, 0] == Vocabulary.bos).all()
    assert torch.equal(read[:, 1:], target.ids[:, :-1])


def test_the_loss_is_a_mean_over_real_words_alone():
    model = translator()
    source, target = sentences([7, 5], N_SOURCE), sentences([3, 11], N_TARGET)
    alone = [lecture.batch_loss(model, pad([s]), pad([t])) for s, t in zip(source, target, strict=True)]
    together = lecture.batch_loss(model, pad(source), pad(target))
    torch.testing.assert_close(together, (3 * alone[0] + 11 * alone[1]) / 14)


def test_greedy_decoding_writes_the_words_that_teacher_forcing_finds_likeliest():
    model = translator()
    source = pad(sentences([7, 5, 3], N_SOURCE))
    words = lecture.decode_greedily(model, source)
    previous = torch.cat([torch.full((3, 1), Vocabulary.bos), words[:, :-1]], dim=1)
    assert_likeliest(words, model(source, previous)[0])


def test_training_with_the_same_seed_repeats(corpus, monkeypatch):
    monkeypatch.setattr(lecture, "BATCH_SIZE", 3)
    first, again, other = (lecture.trained(corpus, seed, epochs=1).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)  # the same operations on the same shapes
    assert not torch.equal(first["to_words.weight"], other["to_words.weight"])


def test_a_batch_holds_targets_of_like_length_and_each_pair_is_in_one():
    set_seed(0)
    numbers = torch.randperm(7 * lecture.BATCH_SIZE).tolist()
    source, target = ([torch.full((1 + n % kinds,), n) for n in numbers] for kinds in (5, 7))
    batches = lecture.batches(source, target, torch.Generator().manual_seed(0))
    seen = []
    for some_source, some_target in batches:
        assert some_target.mask.all(), "7 lengths in 7 batches: no padding"
        assert torch.equal(some_source.ids[:, 0], some_target.ids[:, 0])
        seen += some_source.ids[:, 0].tolist()
    assert sorted(seen) == sorted(numbers)


LONGEST = {"de": 777_777_777_777, "fr": 497_497_497_497, "ko": 777_777_777_777}


@pytest.mark.parametrize("language", LONGEST)
def test_no_sentence_is_longer_than_greedy_decoding_may_write(language):
    longest = translate([LONGEST[language]], language)
    assert max(len(longest.target[0]), len(longest.source[0])) < lecture.MAX_WORDS


def test_weights_read_along_a_translation_are_those_of_the_model(corpus):
    set_seed(0)
    model = lecture.Translator(Vocabulary(corpus.source), Vocabulary(corpus.target))
    weights = lecture.teacher_forced_weights(model, corpus)
    for i, (source, target) in enumerate(zip(corpus.source, corpus.target, strict=True)):
        torch.testing.assert_close(weights[i, : len(target) + 1].sum(dim=-1), torch.ones(len(target) + 1))
        assert (weights[i, :, len(source) :] == 0).all()


def test_the_temperature_limit_of_a_soft_lookup_is_the_dictionary():
    keys, values = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([10.0, 20.0, 40.0])
    weights = (-(keys - 2.0).abs() / 1e-3).softmax(dim=0)
    torch.testing.assert_close(weights @ values, torch.tensor(20.0))


def test_without_the_tanh_the_query_does_not_matter():
    def flat(keys, query):
        return keys.sum(dim=-1)[:, None, :] + query.sum(dim=-1)[:, :, None]

    keys, query = torch.randn(2, 7, 11), torch.randn(2, 5, 3)
    _, weights = lecture.attend(query, keys, keys, flat)
    torch.testing.assert_close(weights, weights[:, :1].expand_as(weights))
