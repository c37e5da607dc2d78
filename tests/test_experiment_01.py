"""Experiments 01: gradients are powers, gates keep, a mistake is found where it is, and order reaches a GRU alone."""

import math

import pytest
import torch
from torch import nn

from course_utils.data.batches import Batch, Vocabulary, pad
from course_utils.data.number_words import translate
from course_utils.training import set_seed

from . import copying
from .closeness import assert_likeliest
from .copying import D_EMBEDDING, D_STATE, N_SOURCE, N_TARGET
from .notebooks import definitions

lecture, experiment = definitions("01_sequence_to_sequence"), definitions("experiments/01_sequence_to_sequence")


@pytest.fixture
def model() -> nn.Module:
    return copying.untrained()[0]


@pytest.fixture
def batch() -> tuple[Batch, Batch]:
    return copying.untrained()[1]


@pytest.fixture(scope="module")
def half_learned() -> tuple[nn.Module, Batch, Batch]:
    return copying.half_learned()


def test_an_open_forget_gate_and_a_shut_input_gate_keep_the_memory_unharmed(monkeypatch):
    torch.manual_seed(17)
    monkeypatch.setattr(experiment, "GATE_BIAS", 100.0)
    lstm = experiment.open_gate(nn.LSTM(5, 7, batch_first=True), experiment.FORGET)
    with torch.no_grad():
        lstm.bias_ih_l0[:7] = -100.0
    state, memory = torch.randn(1, 3, 7), torch.randn(1, 3, 7)
    torch.testing.assert_close(lstm(torch.randn(3, 11, 5), (state, memory))[1][1], memory)


def test_opening_a_gate_opens_the_update_gate_of_a_gru_and_the_output_gate_of_an_lstm(monkeypatch):
    torch.manual_seed(19)
    monkeypatch.setattr(experiment, "GATE_BIAS", 100.0)
    gru = experiment.open_gate(nn.GRU(5, 7, batch_first=True), experiment.UPDATE)
    state, inputs = torch.randn(1, 3, 7), torch.randn(3, 11, 5)
    torch.testing.assert_close(gru(inputs, state)[1], state)
    states, (_, memory) = experiment.open_gate(nn.LSTM(5, 7, batch_first=True), experiment.OUTPUT)(inputs)
    torch.testing.assert_close(states[:, -1], memory[0].tanh())


@pytest.mark.parametrize("radius", [0.9, 1.0, 1.1])
def test_the_gradient_of_a_linear_recurrence_is_a_power_of_its_spectral_radius(radius):
    torch.manual_seed(23)
    read = experiment.plain_reader(radius, nn.Identity())
    found = experiment.by_distance(experiment.input_gradient(read, torch.randn(3, 51, experiment.N_UNITS)))
    expected = [radius**d for d in experiment.DISTANCES]
    assert [10**power for power in found["log10 norm"]] == pytest.approx(expected, rel=1e-3)
    assert float(found["gradient kept"]) == pytest.approx(min(expected[-1], 1 / expected[-1]), rel=1e-3)


def test_the_gradient_is_that_of_the_last_state_in_any_direction_and_leaves_the_inputs_alone():
    torch.manual_seed(29)
    inputs = torch.randn(3, 51, experiment.N_UNITS)
    gradient = experiment.input_gradient(lambda x: 7 * x[:, -1] + x[:, 0], inputs)
    norms = gradient.norm(dim=-1)
    torch.testing.assert_close(norms[:, [0, 1, -1]], torch.tensor([1.0, 0.0, 7.0]).expand(3, -1))
    assert not inputs.requires_grad


def test_the_symbol_to_recall_is_shown_once_at_the_given_distance():
    torch.manual_seed(37)
    symbols, answers = experiment.recall_batch(53, 11)
    assert symbols.shape == (53, 12)
    assert torch.equal(symbols[:, 0], answers)
    assert (symbols[:, 1:] >= experiment.N_SYMBOLS).all()
    assert symbols.max() < 2 * experiment.N_SYMBOLS
    assert set(answers.tolist()) == set(range(experiment.N_SYMBOLS))


def test_recall_is_learned_at_a_short_distance_and_not_from_random_answers(monkeypatch):
    monkeypatch.setattr(experiment, "RECALL_STEPS", 61)
    assert experiment.recall(3, 2, nn.GRU, experiment.UPDATE) > 0.9
    guessed = experiment.recall(3, 2, nn.GRU, experiment.UPDATE, random=True)
    assert guessed < 0.4
    assert experiment.recall(3, 2, nn.GRU, experiment.UPDATE, random=True) == guessed


def test_random_answers_are_drawn_anew_for_every_batch_and_owe_nothing_to_the_symbols(monkeypatch):
    monkeypatch.setattr(experiment, "RECALL_STEPS", 43)
    seen, cross_entropy = [], experiment.F.cross_entropy
    monkeypatch.setattr(
        experiment.F, "cross_entropy", lambda logits, answers: seen.append(answers) or cross_entropy(logits, answers)
    )
    shown, recall_batch = [], experiment.recall_batch
    monkeypatch.setattr(experiment, "recall_batch", lambda *sizes: shown.append(recall_batch(*sizes)) or shown[-1])
    torch.manual_seed(59)
    for random in (False, True):
        seen.clear(), shown.clear()
        experiment.learn_recall(experiment.Recall(nn.GRU), 3, random)
        answers, right = torch.stack(seen), torch.stack([batch[1] for batch in shown])
        share = (answers == right).float().mean(dim=1)  # of each batch
        assert random or (share == 1).all()
        if random:  # permuted answers would be those of the batch, in another order
            assert share.mean() == pytest.approx(1 / experiment.N_SYMBOLS, abs=0.03)
            assert set(answers.flatten().tolist()) == set(range(experiment.N_SYMBOLS))
            assert any(not torch.equal(a.sort()[0], b.sort()[0]) for a, b in zip(answers, right, strict=True))


def test_a_rotating_rnn_starts_with_a_rotation_and_is_an_rnn_in_all_else():
    torch.manual_seed(53)
    plain = nn.RNN(5, 7, batch_first=True)
    torch.manual_seed(53)
    rotating = experiment.rotating_rnn(5, 7, batch_first=True)
    torch.testing.assert_close(rotating.weight_hh_l0 @ rotating.weight_hh_l0.T, torch.eye(7))
    small = experiment.rotating_rnn(5, 7, radius=0.3).weight_hh_l0
    torch.testing.assert_close(small @ small.T, 0.09 * torch.eye(7))
    assert type(rotating) is nn.RNN
    assert rotating.batch_first
    for name, weight in plain.state_dict().items():
        assert torch.equal(rotating.state_dict()[name], weight) == (name != "weight_hh_l0"), name


def test_a_beam_of_width_one_is_greedy_and_a_wide_one_finds_the_most_probable_sentence(half_learned):
    model, source, _ = half_learned
    contexts = model.encode(source).detach()
    for number, context in enumerate(contexts[:11]):
        step = experiment.next_word(model, context[None])
        found, _ = experiment.beam_search(step, context[None], 1, 7)
        words = torch.tensor([found])
        assert_likeliest(words, model(Batch(source.ids[[number]], source.mask[[number]]), lecture.shift_right(words)))
        assert found[-1] == Vocabulary.eos or len(found) == 7
    _, one = experiment.beam_search(step, context[None], 1, 2)
    _, all_of_them = experiment.beam_search(step, context[None], N_SOURCE, 2)
    first, state = step(Vocabulary.bos, context[None])
    best = max(
        first[i].item() + (0.0 if i == Vocabulary.eos else step(i, state)[0].max().item()) for i in range(N_SOURCE)
    )
    assert all_of_them == pytest.approx(best, abs=1e-5)
    assert all_of_them >= one - 1e-6


def test_guided_by_all_the_right_words_is_teacher_forcing_and_by_none_free_running(half_learned):
    model, source, target = half_learned
    words = lecture.shift_right(target.ids)
    mine = torch.ones_like(target.mask)
    forced, free = experiment.guided(model, source, words, ~mine), experiment.guided(model, source, words, mine)
    torch.testing.assert_close(forced, model(source, words), rtol=0, atol=1e-5)
    assert_likeliest(lecture.translate(model, source, target.ids.shape[1]), free)
    mixed = torch.arange(words.shape[1]) > 2  # the teacher leaves after the third word
    torch.testing.assert_close(experiment.guided(model, source, words, mixed.expand_as(mine))[:, :3], forced[:, :3])


def test_a_pupil_reads_own_words_in_the_share_it_is_given_and_only_while_training(half_learned):
    taught, source, target = half_learned
    pupil = experiment.Pupil(N_SOURCE, N_SOURCE, 19, 23)
    pupil.load_state_dict(taught.state_dict())
    words = lecture.shift_right(target.ids)
    forced, free = taught(source, words), experiment.guided(taught, source, words, torch.ones_like(target.mask))
    torch.testing.assert_close(pupil.train()(source, words), forced)
    pupil.own = 1.0
    torch.testing.assert_close(pupil(source, words), free)
    pupil.own = 0.5
    differs = (pupil(source, words) - forced).abs().amax(dim=(1, 2)) > 1e-3
    assert 0 < differs.sum() < ((free - forced).abs().amax(dim=(1, 2)) > 1e-3).sum()
    torch.testing.assert_close(pupil.eval()(source, words), forced)


def test_a_false_teacher_reads_out_the_words_of_the_batch_to_others_and_only_while_training(batch):
    source, target = batch
    set_seed(0)
    model = experiment.FalseTeacher(N_SOURCE, N_TARGET, D_EMBEDDING, D_STATE)
    words = lecture.shift_right(target.ids)
    set_seed(1)
    false = model(source, words)
    set_seed(1)
    order = torch.randperm(3)
    assert not torch.equal(order, torch.arange(3))
    honest = model.eval()(source, words)
    assert not torch.allclose(false, honest)
    torch.testing.assert_close(false, model(source, words[order]))
    torch.testing.assert_close(honest, lecture.FixedVector.forward(model, source, words))


def test_the_first_mistake_is_where_a_translation_leaves_the_right_one_and_something_follows_it(half_learned):
    model, source, target = half_learned
    wrong, place, words = experiment.first_mistakes(model, source, target)
    said = lecture.translate(model, source, target.ids.shape[1])
    assert 0 < wrong.sum() < len(said)
    for i, ids in enumerate(target.ids):
        n, at = int(target.lengths[i]), int(place[i])
        if said[i, :n].equal(ids[:n]):
            assert not wrong[i]
            continue
        assert said[i, :at].equal(ids[:at])
        later = n - 1 - (at + 1)  # words after this place, without the end mark
        assert wrong[i] == (said[i, at] != Vocabulary.eos and later > 0)
        own, right, other = (words[name][i] for name in ("own mistake", "mistake corrected", "another wrong word"))
        assert (own, right) == (said[i, at], ids[at])
        assert other not in (own, right, Vocabulary.eos)


def fewest_edits(one: list, other: list) -> int:
    """Try everything: the definition of edit distance, as a recursion."""
    if not one or not other:
        return len(one) + len(other)
    same = fewest_edits(one[1:], other[1:]) + (one[0] != other[0])
    return min(same, 1 + fewest_edits(one[1:], other), 1 + fewest_edits(one, other[1:]))


@pytest.mark.parametrize("seed", range(13))
def test_the_edit_distance_is_the_fewest_words_to_insert_delete_or_replace(seed):
    torch.manual_seed(seed)
    one, other = (torch.randint(3, (length,)).tolist() for length in torch.randint(6, (2,)))
    assert experiment.edit_distance(one, other) == fewest_edits(one, other)


class Reciter(nn.Module):
    """Say what the script says after each word, whatever the source is: a word follows from the one before."""

    def __init__(self, script: dict[int, int]):
        super().__init__()
        self.script = script

    def encode(self, source):
        return torch.zeros(len(source.ids), 1, 1)

    def decode(self, context, state, words):
        following = torch.tensor([[self.script.get(int(word), Vocabulary.eos) for word in row] for row in words])
        return nn.functional.one_hot(following, 31).float(), state

    def forward(self, source, words):
        return self.decode(None, None, words)[0]


RIGHT = [10, 11, 12, 13, 14, 15]


@pytest.mark.parametrize(
    ("said", "errors"),
    [
        ([10, 20, 12, 13, 14, 15], 0),  # only the mistake itself
        ([10, 20, 11, 12, 13, 14, 15], 0),  # one word too many, all the rest as it should be
        ([10, 12, 13, 14, 15], 0),  # one too few
        ([10, 20, 12, 13, 21, 15], 1),
        ([10, 20, 12, 13, 14, 15, 21, 22], 2),  # it goes on beyond the right end
        ([10, 20, 12], 3),  # it ends too early
        ([10, 20, 21, 22, 23, 24], 4),
    ],
)
def test_a_shift_costs_nothing_after_a_first_mistake_and_every_further_error_does(said, errors):
    target = pad([torch.tensor([*RIGHT, Vocabulary.eos])])
    model = Reciter(dict(zip([Vocabulary.bos, *said], said, strict=False)))
    wrong, place, words = experiment.first_mistakes(model, target, target)
    assert (bool(wrong), int(place)) == (True, 1)
    found = experiment.go_on(model, target, target, wrong, place, words["own mistake"])
    assert found["right after the mistake"] == pytest.approx(1 - errors / 4)
    assert found["further errors"].index(1) == min(errors, experiment.MOST)


def test_going_on_after_a_word_is_what_the_decoder_says_when_it_reads_that_word(half_learned):
    model, source, target = half_learned
    wrong, place, words = experiment.first_mistakes(model, source, target)
    width = 2 * target.ids.shape[1]
    free = lecture.translate(model, source, width)
    for name, word in words.items():
        errors, later = 0, 0
        for i in wrong[:, 0].nonzero()[:, 0].tolist():
            at, right = int(place[i]), target.ids[i, : int(target.lengths[i]) - 1].tolist()
            said, state = right[:at], None
            one = Batch(
                source.ids[i : i + 1, : int(source.lengths[i])], source.mask[i : i + 1, : int(source.lengths[i])]
            )
            context = model.encode(one)
            state = context.transpose(0, 1)
            for read in [Vocabulary.bos, *right[:at]]:
                _, state = model.decode(context, state, torch.tensor([[read]]))
            said.append(int(word[i]))
            while len(said) < width:
                logits, state = model.decode(context, state, torch.tensor([said[-1:]]))
                if int(logits.argmax()) == Vocabulary.eos:
                    break
                said.append(int(logits.argmax()))
            if name == "own mistake":
                assert said == experiment.until_end(free[i])
            errors += fewest_edits(said[at:], right[at:]) - (name != "mistake corrected")
            later += len(right) - at - 1
        found = experiment.go_on(model, source, target, wrong, place, word)
        assert found["right after the mistake"] == pytest.approx(1 - errors / later)
        assert sum(found["further errors"]) == pytest.approx(1)
        assert found["right, place by place"] <= 1


def test_a_search_of_width_one_translates_exactly_what_greedy_does(half_learned):
    model, source, target = half_learned
    few = Batch(source.ids[:23], source.mask[:23]), Batch(target.ids[:23], target.mask[:23])
    exact = lecture.exact_match(model, *few).float().mean()
    one, three = (experiment.searched(model, *few, experiment.beam_search, width) for width in (1, 3))
    assert one["exact match, longest"] == pytest.approx(float(exact))
    assert three["log-probability"] > one["log-probability"]


def test_samples_come_in_the_model_s_own_shares_and_the_most_probable_one_is_kept():
    shares = {Vocabulary.bos: {7: 0.7, 8: 0.3}, 7: {Vocabulary.eos: 1.0}, 8: {8: 0.5, Vocabulary.eos: 0.5}}

    def step(word, state):
        log_p = torch.full((11,), -torch.inf)
        for following, share in shares[word].items():
            log_p[following] = math.log(share)
        return log_p, state

    torch.manual_seed(61)
    drawn = [experiment.best_of_samples(step, None, 1, 3) for _ in range(601)]
    assert sum(words == [7, Vocabulary.eos] for words, _ in drawn) / 601 == pytest.approx(0.7, abs=0.06)
    assert {tuple(words): total for words, total in drawn} == pytest.approx(
        {
            (7, Vocabulary.eos): math.log(0.7),
            (8, Vocabulary.eos): math.log(0.15),
            (8, 8, Vocabulary.eos): math.log(0.075),
            (8, 8, 8): math.log(0.075),  # stopped
        }
    )
    best = [experiment.best_of_samples(step, None, 4, 3)[0] for _ in range(601)]
    assert sum(words == [7, Vocabulary.eos] for words in best) / 601 == pytest.approx(1 - 0.3**4, abs=0.02)


def test_all_teachings_are_as_many_updates_on_the_same_batches(monkeypatch):
    monkeypatch.setattr(experiment, "load_number_words", lambda *_, **__: translate([*range(60, 267), 10**11]))
    monkeypatch.setattr(experiment, "FORCING_TESTS", 37)
    monkeypatch.setattr(experiment, "FORCING_DIGITS", 3)
    seen = []

    def watched(model, batch):
        seen.append((model.own, batch[0].ids.sum().item()))
        return batch_loss(model, batch)

    batch_loss = lecture.batch_loss
    monkeypatch.setattr(lecture, "batch_loss", watched)
    for _, shares in experiment.TEACHINGS:
        model, test, long = experiment.taught(2, experiment.Pupil, shares)
        assert (len(test[0].ids), model.training) == (37, False)
        assert 0 < len(long[0].ids) < 37
    runs = [seen[i : i + len(seen) // 3] for i in range(0, len(seen), len(seen) // 3)]
    assert {tuple(words for _, words in run) for run in runs} == {tuple(words for _, words in runs[0])}
    assert [tuple(dict.fromkeys(own for own, _ in run)) for run in runs] == [(0.0,), (0.0, 0.5, 1.0), (1.0,)]


def test_the_curves_of_a_run_are_counted_by_number_of_digits():
    digits = torch.tensor([n for n in lecture.DIGIT_COUNTS for _ in range(2)])
    words = digits + 1
    right = words.clone()
    right[digits == 12] -= torch.tensor([0, 4])
    curves = experiment.curves(digits, words, right, (right == words).float())
    assert [float(x) for x in curves["by digits"]] == [1.0] * 9 + [0.5]
    assert [float(x) for x in curves["word accuracy by digits"]] == pytest.approx([1.0] * 9 + [22 / 26])
    assert [float(x) for x in curves["words by digits"]] == [n + 1 for n in lecture.DIGIT_COUNTS]
    assert float(curves["word accuracy, short"]) == 1.0


def test_words_are_counted_by_length_and_place_and_padding_is_not(monkeypatch):
    monkeypatch.setattr(experiment, "FIRST", 2)
    monkeypatch.setattr(experiment, "PLACES", 3)
    digits = torch.tensor([12, 12, 8, 3])
    mask = torch.tensor([[True] * 4, [True] * 3 + [False], [True, True, False, False], [True, False, False, False]])
    right = mask & torch.tensor([[1, 0, 1, 1], [1, 1, 0, 1], [1, 0, 1, 1], [0, 1, 1, 1]]).bool()
    found = experiment.word_accuracies(right, mask, digits)
    accuracy = {name: float(results["word accuracy"]) for name, results in found.items() if "word accuracy" in results}
    assert accuracy == pytest.approx({"1–8 digits": 1 / 3, "12 digits": 5 / 7, "12 digits, first words": 3 / 4})
    assert [float(x) for x in found["12 digits"]["by place"]] == [1, 0.5, 0.5]
    assert [float(x) for x in found["8 digits"]["by place"]] == [1, 0]
    assert {*experiment.WORDS_CLAIM.compared} == {*accuracy}


def test_a_number_is_right_when_all_its_words_are_and_both_are_counted_by_length(half_learned, monkeypatch):
    model, source, target = half_learned
    monkeypatch.setattr(experiment, "ROOM_DIGITS", (5, 1))
    found = experiment.by_length(model, source, target, source.lengths)
    right, exact = lecture.right_words(model, source, target), lecture.exact_match(model, source, target)
    for i, n in enumerate((5, 1)):
        rows = source.lengths == n
        accuracy = right[rows].sum() / target.mask[rows].sum()
        torch.testing.assert_close(found["word accuracy by digits"][i], accuracy)
        torch.testing.assert_close(found["exact match by digits"][i], exact[rows].float().mean())
        assert float(found["words by digits"][i]) == n + 1
    assert found["word accuracy"] == found["word accuracy by digits"][-1]
    assert found["exact match"] == found["exact match by digits"][-1] > 0


def test_the_looks_at_a_training_are_at_the_epochs_asked_for_and_at_a_mean_that_lags_behind(monkeypatch):
    pairs = translate([*range(1000, 1211)])
    monkeypatch.setattr(experiment, "load_number_words", lambda *_, **__: pairs)
    monkeypatch.setattr(experiment, "ROOM_DIGITS", (4,))
    monkeypatch.setattr(experiment, "ROOM_TESTS", 37)
    monkeypatch.setattr(experiment, "LOOKS", (1, 3))
    monkeypatch.setattr(experiment, "FITTED", 5)
    seen = {}
    for kept in (0.0, 1.0):
        monkeypatch.setattr(experiment, "KEPT", kept)
        seen[kept] = experiment.learn(7, 5, 11, 3, 4)
        assert len(seen[kept]) == 2
    first, last = seen[0.0]
    assert last["word accuracy"] > first["word accuracy"]  # the latest weights have learned
    first, last = seen[1.0]
    assert last["word accuracy"] == first["word accuracy"]  # the first copy is kept for ever
    assert last["processor seconds"] > first["processor seconds"] > 0


def test_every_condition_that_the_claim_on_room_compares_is_measured(monkeypatch):
    looks = [{"word accuracy": n, "exact match": n, "trained on": n} for n in experiment.LOOKS]
    monkeypatch.setattr(
        experiment, "learn", lambda seed, *sizes: [look for look in looks if look["word accuracy"] <= sizes[-1]]
    )
    results = experiment.room_experiment(5)
    carried = {name: sizes for name, *sizes in experiment.CARRIED}
    for condition in experiment.ROOM_CLAIM.compared:
        name, epochs = condition.rsplit(", ", 1)
        assert results[condition]["word accuracy"] == int(epochs.split()[0]) == carried[name][-1]
        assert results[f"{name}, 3 epochs"]["word accuracy"] == 3
    assert results["16 numbers"]["exact match by look"] == [1, 2, 3, 4, 6, 8, 10, 12]
    assert results["128 numbers"]["trained on by look"] == [1, 2, 3, 4, 6]


@pytest.mark.parametrize("d_vector", [3, 11])
def test_as_many_numbers_as_asked_are_carried_and_a_vector_of_full_width_starts_as_a_rotation(d_vector):
    set_seed(5)
    model = experiment.Carried(N_SOURCE, N_TARGET, D_EMBEDDING, 11, d_vector)
    source = pad([torch.randint(4, N_SOURCE, (length,)) for length in torch.randint(1, 7, (47,))])
    state = lecture.FixedVector.encode(model, source)[:, 0]
    carried = model.encode(source)[:, 0]
    assert carried.shape == state.shape == (47, 11)
    assert torch.linalg.matrix_rank(carried, rtol=1e-4) == d_vector
    longer = torch.linalg.norm(carried, dim=1) / torch.linalg.norm(state, dim=1)
    assert (longer < 1 + 1e-5).all()
    if d_vector == 11:
        torch.testing.assert_close(carried @ carried.T, state @ state.T, rtol=1e-4, atol=1e-5)


def test_the_control_of_the_claim_on_room_has_the_weights_of_the_wide_vector_and_the_numbers_of_the_narrow_one():
    carried = {name: sizes for name, *sizes, _ in experiment.CARRIED}

    def weights(name: str) -> int:
        return sum(weight.numel() for weight in experiment.Carried(34, 38, *carried[name]).parameters())

    claim = experiment.ROOM_CLAIM
    wide, narrow, control = (name.rsplit(", ", 1)[0] for name in (claim.treatment, claim.baseline, claim.control))
    assert weights(control) == pytest.approx(weights(wide), rel=0.005)
    assert weights(narrow) < 0.95 * weights(wide)
    (_, *sizes), (_, *others) = carried[narrow], carried[control]
    assert sizes == others  # the embeddings alone are wider
    assert carried[wide][1] == sizes[0]  # the network around is the same


def test_a_bag_of_words_is_the_mean_of_the_real_embeddings_in_any_order(batch):
    set_seed(41)
    model = experiment.BagOfWords(N_SOURCE, N_TARGET, D_STATE, D_STATE)
    source, _ = batch
    expected = torch.stack([model.embed_source(ids[real]).mean(0) for ids, real in zip(*source, strict=True)])
    torch.testing.assert_close(model.encode(source)[:, 0], expected, rtol=0, atol=1e-6)
    real = [ids[mask] for ids, mask in zip(*source, strict=True)]
    mixed = pad(experiment.shuffled(real, torch.Generator().manual_seed(43)))
    torch.testing.assert_close(model.encode(mixed), model.encode(source), rtol=0, atol=1e-6)


def test_order_reaches_the_vector_of_a_gru_and_shuffling_keeps_the_words(model, batch):
    source, _ = batch
    real = [ids[mask] for ids, mask in zip(*source, strict=True)]
    mixed = experiment.shuffled(real, torch.Generator().manual_seed(43))
    assert [sorted(ids.tolist()) for ids in mixed] == [sorted(ids.tolist()) for ids in real]
    assert not torch.equal(mixed[0], real[0])
    assert (model.encode(pad(mixed)) - model.encode(source)).abs().amax(dim=-1)[0] > 1e-3
