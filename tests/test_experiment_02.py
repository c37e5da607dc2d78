"""Experiments 02: the truth is counted right, scores are those of the package, and variants differ in one thing."""

import pytest
import torch
from sklearn.metrics import f1_score
from torch.nn import functional as F

from course_utils import attention
from course_utils.data.batches import Vocabulary, pad
from course_utils.data.number_words import load_number_words, translate
from course_utils.training import set_seed

from .closeness import assert_likeliest
from .notebooks import definitions
from .test_lecture_02 import N_SOURCE, N_TARGET, sentences, vocabulary

lecture, experiment = definitions("02_bahdanau_attention"), definitions("experiments/02_bahdanau_attention")


@pytest.fixture
def corpus():
    return translate([7, 19, 345_678, 20_011, 981, 45, 700_300, 1_000_002], "de")


@pytest.mark.parametrize("kind", ["Translator", "AskAfterUpdate"])
@pytest.mark.parametrize("name", ["additive", "dot"])
def test_teacher_forcing_gives_what_step_by_step_gives(name, kind):
    model = scored(name, kind)
    source, previous = pad(sentences([7, 5, 3], N_SOURCE)), torch.stack(sentences([11, 11, 11], N_TARGET))
    logits, weights = model(source, previous)
    memory, state = model.read(source)
    for t, word in enumerate(previous.unbind(dim=1)):
        state, seen, looked = model.step(model.embedding(word), state, memory, model.score)
        torch.testing.assert_close(logits[:, t], model.to_words(seen))
        torch.testing.assert_close(weights[:, t], looked)


def test_shuffled_scores_are_the_same_weights_at_other_real_places():
    set_seed(0)
    source = pad(sentences([7, 3], N_SOURCE))
    keys, query = torch.randn(2, 7, 11), torch.randn(2, 5, 11)
    mask = source.mask[:, None, :]
    shuffled = experiment.shuffled_score(attention.dot_score, source, seed=1)
    weights = lecture.masked_softmax(attention.dot_score(keys, query), mask)
    moved = lecture.masked_softmax(shuffled(keys, query), mask)
    assert (moved[1, :, 3:] == 0).all()
    torch.testing.assert_close(moved.sort(dim=-1).values, weights.sort(dim=-1).values)
    assert not torch.allclose(moved[0], weights[0])


def test_the_truth_itself_scores_one_and_a_shift_zero(corpus):
    truth = [[min(true) for true in alignment] for alignment in corpus.alignments]
    assert experiment.share_on_truth(truth, corpus) == 1.0
    assert experiment.share_on_truth(truth, corpus, shift=100) == 0.0
    late = [[look + 1 for look in looks] for looks in truth]
    assert experiment.share_on_truth(late, corpus, "hundert", shift=1) == 1.0
    assert experiment.share_on_truth(late, corpus, "hundert") < 1.0


def test_the_diagonal_runs_from_the_first_source_word_to_the_last(corpus):
    for looks, source, target in zip(experiment.diagonal_looks(corpus), corpus.source, corpus.target, strict=True):
        assert len(looks) == len(target)
        assert looks == sorted(looks)
        assert looks[0] >= 0
        assert looks[-1] <= len(source) - 1


@pytest.mark.parametrize("language", ["de", "fr", "ko"])
def test_agreement_of_links_is_the_f1_score_of_all_possible_links(language):
    pairs = translate([345_678, 171, 20_011, 98, 1_000_100], language)
    looks = experiment.diagonal_looks(pairs)
    found, true = [], []
    for i, alignment in enumerate(pairs.alignments):
        for t, positions in enumerate(alignment):
            found += [j == looks[i][t] for j in range(len(pairs.source[i]))]
            true += [j in positions for j in range(len(pairs.source[i]))]
    assert experiment.link_agreement(looks, pairs) == pytest.approx(f1_score(true, found))


def test_perfect_looks_agree_wholly_where_each_word_has_one_source_and_not_where_it_has_two():
    for language, whole in (("de", True), ("ko", False)):
        pairs = translate([345_678], language)
        looks = [[min(true) for true in alignment] for alignment in pairs.alignments]
        assert (experiment.link_agreement(looks, pairs) == 1.0) == whole


HOUSE = [("the house", "das Haus"), ("the book", "das Buch"), ("a book", "ein Buch")]


def batches_of(pairs):
    """Make the two batches of a few pairs, with ids from 4 on, in the order in which words come."""
    words = [list(dict.fromkeys(word for pair in pairs for word in pair[side].split())) for side in (0, 1)]
    source, target = (
        pad([torch.tensor([4 + words[side].index(word) for word in pair[side].split()]) for pair in pairs])
        for side in (0, 1)
    )
    return words, source, target


@pytest.mark.parametrize(("rounds", "by_hand"), [(1, 1 / 2), (2, 7 / 11), (3, 0.7479)])
def test_model_1_agrees_with_em_by_hand(rounds, by_hand, monkeypatch):
    monkeypatch.setattr(experiment, "ROUNDS", rounds)
    (_, german), source, target = batches_of(HOUSE)
    table = experiment.model_1(target, source)  # English for German, as Koehn (2010) works it, figure 4.4
    assert table[4, 4 + german.index("das")].item() == pytest.approx(by_hand, abs=1e-4)
    real = table[4:, 4:]
    torch.testing.assert_close(real.sum(dim=0), torch.ones(len(german)))


def test_model_1_does_not_read_padding():
    _, source, target = batches_of([*HOUSE, ("a", "ein"), ("the book a house", "das Buch ein Haus")])
    table = experiment.model_1(source, target)
    assert (table[Vocabulary.pad] == 0).all()
    assert (table[:, Vocabulary.pad] == 0).all()


def test_model_1_looks_at_the_word_it_counted_and_between_equal_words_at_the_nearer():
    (english, german), source, target = batches_of([("the book the book", "das Buch das Buch"), *HOUSE])
    looks = experiment.model_1_looks(experiment.model_1(source, target), source, target)
    assert looks[0] == [0, 1, 2, 3]
    assert [row[:2] for row in looks[1:]] == [[0, 1]] * 3
    assert len(english) == len(german)


def test_another_numbers_looks_are_those_of_the_next_one_with_as_many_words():
    pairs = translate([21, 34, 700, 56, 800], "de")
    looks = [[i] for i in range(5)]
    assert experiment.looks_of_another(looks, pairs) == [[1], [3], [4], [0], [2]]


def test_a_number_of_its_own_length_keeps_its_own_looks():
    pairs = translate([21, 345_678, 34], "de")
    assert experiment.looks_of_another([[0], [1], [2]], pairs) == [[2], [1], [0]]


def test_a_free_word_may_link_to_its_unit_and_may_also_be_left_out():
    pairs = translate([45], "de")  # fünf und vierzig
    assert pairs.target == (("fünf", "und", "vierzig"),)
    to_ten, to_unit, elsewhere = ([[1, link, 0]] for link in (0, 1, 7))
    assert experiment.link_agreement(to_ten, pairs) == 1
    assert experiment.link_agreement(to_unit, pairs) == pytest.approx(2 / 3)
    assert experiment.link_agreement(to_ten, pairs, free="und") == 1
    assert experiment.link_agreement(to_unit, pairs, free="und") == 1
    assert experiment.link_agreement(elsewhere, pairs, free="und") == pytest.approx(4 / 5)


@pytest.mark.parametrize("places", [True, False])
def test_an_encoder_of_words_knows_no_neighbours_and_order_only_by_places(places):
    set_seed(0)
    encoder = experiment.WordEncoder(N_SOURCE, places)
    (ids,) = sentences([7], N_SOURCE)
    changed = ids.clone()
    changed[3] = 4 + (changed[3] - 3) % (N_SOURCE - 4)
    states, ends = encoder(pad([ids, ids[:3]]))
    others, _ = encoder(pad([changed]))
    torch.testing.assert_close(states[0, [0, 1, 2, 4, 5, 6]], others[0, [0, 1, 2, 4, 5, 6]])
    torch.testing.assert_close(ends[1], states[1, :3].mean(dim=0))  # no padding in it
    backward, _ = encoder(pad([ids.flip(0)]))
    assert torch.allclose(backward[0].flip(0), states[0]) != places


@pytest.mark.parametrize("language", [name for _, name in experiment.LANGUAGES])
def test_every_place_of_a_source_sentence_has_its_embedding(language):
    longest = max(translate([777_777_777_777, 373_373_373_373], language).source, key=len)
    assert len(longest) <= experiment.MOST_WORDS


@pytest.mark.parametrize("kind", [kind for _, kind, _ in experiment.CONDITIONS])
def test_each_condition_trains_as_many_updates_and_looks_four_times_per_epoch(kind, corpus, monkeypatch):
    seen = []
    monkeypatch.setattr(experiment, "WATCHED", 2)
    monkeypatch.setattr(
        experiment, "exact_matches", lambda model, _: seen.append(model.to_words.bias.clone()) or [True]
    )
    model = experiment.build(kind, corpus)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    curve = experiment.train_watched(model, corpus.subset([*range(8)] * 33), 0, 2, corpus)
    assert len(curve) == len(seen) == 2 * experiment.LOOKS + 1
    assert torch.equal(seen[0], before["to_words.bias"])  # before the first update, and after the last
    assert torch.equal(seen[-1], model.to_words.bias)
    assert any(not torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_watching_changes_nothing_in_the_training(corpus, monkeypatch):
    monkeypatch.setattr(experiment, "WATCHED", 2)
    set_seed(1)
    watched = experiment.build("attention", corpus)
    experiment.train_watched(watched, corpus, 1, 2, corpus)
    plain = lecture.trained(corpus, 1, epochs=2)  # the same operations on the same shapes
    assert all(torch.equal(plain.state_dict()[name], value) for name, value in watched.state_dict().items())


def test_the_number_on_the_maps_is_in_no_training_set():
    assert experiment.NUMBER not in load_number_words("de", digits=lecture.MAX_DIGITS, progress=False).numbers
    few = [load_number_words(language, lecture.MAX_DIGITS, n_pairs=97).numbers for _, language in experiment.LANGUAGES]
    assert few[0] == few[1] == few[2], "every language says the same numbers"


def test_each_korean_syllable_has_its_own_latin_letters():
    numbers = [digit * 10**power for digit in range(1, 10) for power in range(lecture.MAX_DIGITS)]
    assert {syllable for words in translate(numbers, "ko").target for syllable in words} <= set(experiment.ROMAN)
    assert len(set(experiment.ROMAN.values())) == len(experiment.ROMAN)


def scored(name, kind="Translator"):
    set_seed(0)
    model = getattr(experiment, kind)(vocabulary(N_SOURCE), vocabulary(N_TARGET)).eval()
    experiment.choose_score(model, name)
    return model


def weights_of(model, query, states):
    return lecture.attend(query, model.project_keys(states), states, model.score)[1]


def test_general_projects_the_keys_once_and_is_the_general_score_of_the_package():
    query, states = torch.randn(2, 5, lecture.D_DECODER), torch.randn(2, 7, 2 * lecture.D_ENCODER)
    model, trusted = scored("general"), attention.GeneralScore(lecture.D_DECODER, 2 * lecture.D_ENCODER)
    trusted.project_keys = model.project_keys
    torch.testing.assert_close(weights_of(model, query, states), trusted(states, query).softmax(dim=-1))


def test_concat_is_the_additive_score_with_its_matrix_cut_in_two():
    query, states = torch.randn(2, 5, lecture.D_DECODER), torch.randn(2, 7, 2 * lecture.D_ENCODER)
    additive, concat = scored("additive"), scored("concat")
    whole = torch.cat([additive.score.project_query.weight, additive.project_keys.weight], dim=1)
    concat.score.project.weight = torch.nn.Parameter(whole)
    concat.score.reduce = additive.score.reduce
    torch.testing.assert_close(weights_of(concat, query, states), weights_of(additive, query, states))


def test_with_f_zero_the_context_is_the_mean_of_the_real_states():
    model = scored("mean (f = 0)")
    source, previous = pad(sentences([7, 3], N_SOURCE)), torch.stack(sentences([5, 5], N_TARGET))
    _, weights = model(source, previous)
    torch.testing.assert_close(weights, (source.mask / source.lengths[:, None])[:, None].expand(2, 5, 7))


@pytest.mark.parametrize("name", experiment.SCORES)
def test_no_score_looks_at_padding_and_each_gives_a_finite_gradient(name):
    model = scored(name)
    source, target = pad(sentences([7, 3], N_SOURCE)), pad(sentences([5, 11], N_TARGET))
    _, weights = model(source, lecture.shifted(target))
    assert (weights[1, :, 3:] == 0).all()
    lecture.batch_loss(model, source, target).backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters())


def test_the_decoder_that_asks_after_its_update_gives_what_a_loop_over_pytorchs_parts_gives():
    model = scored("dot", "AskAfterUpdate")
    (source,), (previous,) = sentences([7], N_SOURCE), sentences([5], N_TARGET)
    logits, weights = model(pad([source]), previous[None])
    states, ends = model.encoder(pad([source]))
    state, context = torch.tanh(model.first_state(ends))[0], torch.zeros(2 * lecture.D_ENCODER)
    for t, word in enumerate(previous):
        state = model.cell(torch.cat([model.embedding(word), context])[None], state[None])[0]
        alpha = (states[0] @ state).softmax(dim=0)
        context = alpha @ states[0]
        torch.testing.assert_close(weights[0, t], alpha)
        torch.testing.assert_close(logits[0, t], model.to_words(torch.cat([state, model.embedding(word), context])))


def test_the_new_state_has_read_the_word_just_written():
    model = scored("additive", "AskAfterUpdate")
    source, previous = pad(sentences([7, 5], N_SOURCE)), torch.stack(sentences([11, 11], N_TARGET))
    changed = previous.clone()
    changed[:, 5] = (changed[:, 5] + 1) % N_TARGET
    (_, looked), (_, looked_after) = model(source, previous), model(source, changed)
    torch.testing.assert_close(looked[:, :5], looked_after[:, :5])
    assert not torch.isclose(looked[:, 5], looked_after[:, 5]).all()


def test_the_new_state_asks_with_as_many_parameters_as_the_old(corpus):
    old, new = scored("additive").state_dict(), scored("additive", "AskAfterUpdate").state_dict()
    assert list(old) == list(new)
    assert all(torch.equal(old[name], new[name]) for name in old)


def test_a_score_keeps_memory_for_what_it_builds_for_each_pair_of_query_and_key(corpus):
    def kept(name):
        set_seed(0)
        model = lecture.Translator(Vocabulary(corpus.source), Vocabulary(corpus.target))
        experiment.choose_score(model, name)
        return experiment.kept_megabytes(model, corpus)

    pairs = len(corpus) * max(map(len, corpus.source)) * (1 + max(map(len, corpus.target)))
    more = 1e6 * (kept("additive") - kept("dot"))
    assert more > 4 * pairs * lecture.D_ATTENTION
    assert 1e6 * (kept("concat") - kept("dot")) > 4 * pairs * (lecture.D_DECODER + 2 * lecture.D_ENCODER)


def test_a_second_start_is_the_same_score_from_other_weights_on_the_same_batches(corpus, monkeypatch):
    begun, timed = {}, []

    def watched(model, train, seed, epochs):
        begun[len(begun)] = (model, model.to_words.weight.clone(), seed, train)

    monkeypatch.setattr(experiment, "load_number_words", lambda *_, **__: corpus)
    monkeypatch.setattr(experiment, "FEW_TEST", 2)
    monkeypatch.setattr(experiment, "train_translator", watched)
    monkeypatch.setattr(
        experiment, "seconds_in_turn", lambda models, *_: timed.append(models) or dict.fromkeys(models, 1.0)
    )
    results = experiment.experiment_scores(5)
    named = dict(zip(timed[0], begun.values(), strict=True))
    for claim in experiment.SCORE_CLAIMS:
        assert all("exact match" in results[name] for name in claim.compared)
        once, again = named[claim.baseline], named[claim.control]
        assert claim.control == f"{claim.baseline}, again"
        assert type(once[0].score) is type(again[0].score)
        assert not torch.equal(once[1], again[1])
        assert (once[2], once[3]) == (again[2], again[3]), "the same batches"
    assert len({weights.sum().item() for name, (_, weights, *_) in named.items() if "again" not in name}) == 1


def test_updates_are_timed_in_turn_and_the_first_rounds_do_not_count(corpus, monkeypatch):
    spent, order = [0.0], []
    names = ("dot", "additive")
    models = {name: experiment.Translator(*map(Vocabulary, (corpus.source, corpus.target))) for name in names}
    for name, model in models.items():
        experiment.choose_score(model, name)

    def slow(model, source, target):
        order.append(next(name for name, other in models.items() if other is model))
        spent[0] += 100.0 if len(order) <= 2 * experiment.UNTIMED else {"dot": 1.0, "additive": 3.0}[order[-1]]
        return lecture.batch_loss(model, source, target)

    monkeypatch.setattr(experiment, "batch_loss", slow)
    monkeypatch.setattr(experiment.time, "process_time", lambda: spent[0])
    monkeypatch.setattr(lecture, "BATCH_SIZE", 1)
    pairs = corpus.subset([*range(len(corpus))] * 4)
    seconds = experiment.seconds_in_turn(models, pairs, 3)
    updates = experiment.FEW_EPOCHS * len(pairs)
    assert seconds == pytest.approx({"dot": updates * 1.0, "additive": updates * 3.0})
    rounds = [tuple(order[i : i + 2]) for i in range(0, len(order), 2)]
    assert len(rounds) == experiment.UNTIMED + experiment.TIMED
    assert {tuple(sorted(some)) for some in rounds} == {("additive", "dot")}
    assert len({*rounds}) == 2, "in another order"


def wide(look_back=True, seed=0):
    set_seed(seed)
    return experiment.WideTranslator(N_SOURCE, N_TARGET, look_back).eval()


def as_batches(source_lengths, target_lengths):
    torch.manual_seed(1)
    return pad(sentences(source_lengths, N_SOURCE)), pad(sentences(target_lengths, N_TARGET))


@pytest.mark.parametrize("look_back", [True, False])
def test_padding_changes_nothing_in_the_wide_translator(look_back):
    model = wide(look_back)
    source, target = as_batches([7, 3, 5], [4, 4, 4])
    together = model(source, lecture.shifted(target))
    for i, length in enumerate(source.lengths):
        alone = model(pad([source.ids[i, :length]]), lecture.shifted(target)[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone, atol=1e-5, rtol=1e-4)


def test_an_empty_sentence_passes_through_the_wide_translator():
    model = wide()
    source, target = as_batches([7, 0, 5], [4, 4, 4])
    assert model(source, lecture.shifted(target)).isfinite().all()


@pytest.mark.parametrize("look_back", [True, False])
def test_the_wide_translator_does_not_see_the_word_it_must_write(look_back):
    model = wide(look_back)
    source, target = as_batches([7, 3, 5], [6, 6, 6])
    changed = target.ids.clone()
    changed[:, 3:] = 4 + (changed[:, 3:] - 3) % (N_TARGET - 4)
    before, after = (model(source, lecture.shifted(target._replace(ids=ids))) for ids in (target.ids, changed))
    torch.testing.assert_close(before[:, :4], after[:, :4])
    assert not torch.isclose(before[:, 4:], after[:, 4:]).all(dim=-1).any()


def test_the_wide_translators_differ_in_one_argument_and_start_from_the_same_numbers():
    attending, fixed = wide(True).state_dict(), wide(False).state_dict()
    assert attending.keys() == fixed.keys()
    assert all(torch.equal(attending[name], fixed[name]) for name in attending)


def test_the_fixed_vector_is_all_that_the_wide_decoder_without_attention_gets():
    model = wide(look_back=False)
    source, _ = as_batches([7, 3, 5], [4, 4, 4])
    (_, values, mask), _ = model.read(source)
    assert values.shape == (3, 1, 2 * experiment.WIDE)
    assert mask is None
    last = model.encoder.gru(model.encoder.embedding(source.ids[:1]))[1]
    torch.testing.assert_close(values[0, 0], last.flatten())  # both directions, the whole sentence


def test_the_wide_translator_reads_and_scores_target_words_with_one_matrix():
    model = wide()
    assert model.to_words[1].weight is model.embedding[0].weight
    attentive = sum(parameter.numel() for parameter in model.score.parameters())
    assert attentive == experiment.WIDE * experiment.WIDE + experiment.WIDE


def test_the_wide_decoder_remembers_what_it_has_written():
    model = wide(look_back=False)  # so that nothing but the state can tell two steps apart
    source, _ = as_batches([7, 3, 5], [4, 4, 4])
    memory, state = model.read(source)
    word = torch.randn(3, experiment.WIDE)
    once, *_ = model.step(word, state, memory, model.score)
    twice, *_ = model.step(word, once, memory, model.score)
    assert not torch.isclose(once, twice).all(dim=-1).any()
    inputs = torch.cat([word, memory[1][:, 0]], dim=-1)
    torch.testing.assert_close(once, model.cell(inputs, state))


def test_translating_step_by_step_writes_what_teacher_forcing_finds_likeliest():
    model = wide()
    with torch.no_grad():  # an untrained model would write one word again and again
        for parameter in model.cell.parameters():
            parameter *= 6
    source, _ = as_batches([7, 3, 5], [4, 4, 4])
    words = model.translate(source)
    assert words.shape == (3, lecture.MAX_WORDS)
    assert (words[:, 1:] != words[:, :-1]).any(dim=1).all()
    assert_likeliest(words, model(source, F.pad(words[:, :-1], (1, 0), value=Vocabulary.bos)))


def test_a_translator_that_looks_elsewhere_keeps_its_weights_but_not_their_places():
    model = wide()
    with torch.no_grad():  # an untrained score is nearly flat: make places matter
        model.score.reduce.weight *= 50
        model.project_keys.weight *= 20
    elsewhere = experiment.LooksElsewhere(model, seed=3)
    source, _ = as_batches([7, 1, 5], [4, 4, 4])
    true, shuffled = model.translate(source), elsewhere.translate(source)
    assert torch.equal(true[1], shuffled[1])  # one word: there is no other place
    assert not torch.equal(true[0], shuffled[0])
    blind = experiment.shuffled_score(model.score, source, 3)
    assert torch.equal(
        shuffled, lecture.decode_greedily(model, source, blind)
    )  # the same operations on the same shapes
    memory, state = model.read(source)
    word = torch.zeros(3, experiment.WIDE)
    blind = experiment.shuffled_score(model.score, source, 3)
    *_, weights = model.step(word, state, memory, model.score)
    *_, dealt = model.step(word, state, memory, blind)
    assert not dealt[~source.mask].any()
    torch.testing.assert_close(dealt.sort(dim=-1).values, weights.sort(dim=-1).values)
    assert not torch.allclose(dealt[0], weights[0])


def test_the_bins_of_source_lengths_leave_no_sentence_out():
    edges = experiment.SOURCE_LENGTHS
    assert list(edges) == sorted(set(edges))
    assert edges[0] == 1
    assert edges[-1] > 46  # the longest sentence of Multi30k
