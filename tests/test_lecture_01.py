"""Lecture 01: its GRU is PyTorch's, its vector is the last real state, and its loop is the one that `fit` runs."""

from collections import Counter
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_utils.data.batches import Batch, Vocabulary, pad
from course_utils.data.number_words import translate
from course_utils.training import fit, linear_decay, set_seed

from .notebooks import definitions

lecture = definitions("01_sequence_to_sequence")
N_SOURCE, N_TARGET, D_EMBEDDING, D_STATE = 13, 17, 5, 11


def sentences(n_words: int, *lengths: int) -> list[torch.Tensor]:
    return [torch.randint(4, n_words, (length,)) for length in lengths]


def ending(ids: torch.Tensor) -> torch.Tensor:
    return torch.cat([ids, torch.tensor([Vocabulary.eos])])


@pytest.fixture
def model() -> nn.Module:
    set_seed(0)
    return lecture.FixedVector(N_SOURCE, N_TARGET, D_EMBEDDING, D_STATE)


@pytest.fixture
def batch(model) -> tuple[Batch, Batch]:
    return pad(sentences(N_SOURCE, 7, 2, 1)), pad([ending(ids) for ids in sentences(N_TARGET, 3, 6, 1)])


def more_padding(batch: Batch, columns: int) -> Batch:
    return Batch(F.pad(batch.ids, (0, columns)), F.pad(batch.mask, (0, columns)))


def test_a_gru_step_written_from_the_equations_is_a_gru_cell():
    torch.manual_seed(1)
    cell = nn.GRUCell(5, 7)
    inputs, state = torch.randn(3, 5), torch.randn(3, 7)
    torch.testing.assert_close(lecture.gru_step(inputs, state, cell), cell(inputs, state), rtol=0, atol=1e-6)


def test_gru_steps_one_after_the_other_are_a_gru():
    torch.manual_seed(2)
    gru, cell = nn.GRU(5, 7, batch_first=True), nn.GRUCell(5, 7)
    cell.load_state_dict({name.removesuffix("_l0"): weight for name, weight in gru.state_dict().items()})
    inputs, state = torch.randn(3, 11, 5), torch.zeros(3, 7)
    for step, expected in enumerate(gru(inputs)[0].unbind(dim=1)):
        state = lecture.gru_step(inputs[:, step], state, cell)
        torch.testing.assert_close(state, expected, rtol=0, atol=1e-6)


def test_rnn_and_lstm_steps_written_from_the_equations_are_their_layers():
    torch.manual_seed(13)
    rnn, lstm = nn.RNN(5, 7, batch_first=True), nn.LSTM(5, 7, batch_first=True)
    rnn_cell = lecture.with_weights_of(rnn, nn.RNNCell(5, 7))
    lstm_cell = lecture.with_weights_of(lstm, nn.LSTMCell(5, 7))
    bias = rnn_cell.bias_ih + rnn_cell.bias_hh
    inputs, plain, state = torch.randn(3, 11, 5), torch.zeros(3, 7), torch.zeros(3, 7)
    memory = state
    for step in range(11):
        plain = lecture.rnn_step(inputs[:, step], plain, rnn_cell.weight_ih, rnn_cell.weight_hh, bias)
        state, memory = lecture.lstm_step(inputs[:, step], state, memory, lstm_cell)
        torch.testing.assert_close(plain, rnn(inputs)[0][:, step], rtol=0, atol=1e-6)
        torch.testing.assert_close(state, lstm(inputs)[0][:, step], rtol=0, atol=1e-6)
    torch.testing.assert_close(memory, lstm(inputs)[1][1][0], rtol=0, atol=1e-6)


def test_an_open_forget_gate_and_a_shut_input_gate_keep_the_memory_unharmed(monkeypatch):
    torch.manual_seed(17)
    monkeypatch.setattr(lecture, "GATE_BIAS", 100.0)
    lstm = lecture.open_gate(nn.LSTM(5, 7, batch_first=True), lecture.FORGET)
    with torch.no_grad():
        lstm.bias_ih_l0[:7] = -100.0
    state, memory = torch.randn(1, 3, 7), torch.randn(1, 3, 7)
    torch.testing.assert_close(lstm(torch.randn(3, 11, 5), (state, memory))[1][1], memory)


def test_opening_a_gate_opens_the_update_gate_of_a_gru_and_the_output_gate_of_an_lstm(monkeypatch):
    torch.manual_seed(19)
    monkeypatch.setattr(lecture, "GATE_BIAS", 100.0)
    gru = lecture.open_gate(nn.GRU(5, 7, batch_first=True), lecture.UPDATE)
    state, inputs = torch.randn(1, 3, 7), torch.randn(3, 11, 5)
    torch.testing.assert_close(gru(inputs, state)[1], state)
    states, (_, memory) = lecture.open_gate(nn.LSTM(5, 7, batch_first=True), lecture.OUTPUT)(inputs)
    torch.testing.assert_close(states[:, -1], memory[0].tanh())


@pytest.mark.parametrize("radius", [0.9, 1.0, 1.1])
def test_the_gradient_of_a_linear_recurrence_is_a_power_of_its_spectral_radius(radius):
    torch.manual_seed(23)
    read = lecture.plain_reader(radius, nn.Identity())
    found = lecture.by_distance(lecture.input_gradient(read, torch.randn(3, 51, lecture.N_UNITS)))
    expected = [radius**d for d in lecture.DISTANCES]
    assert [10**power for power in found["log10 norm"]] == pytest.approx(expected, rel=1e-3)
    assert float(found["gradient kept"]) == pytest.approx(min(expected[-1], 1 / expected[-1]), rel=1e-3)


def test_the_gradient_is_that_of_the_last_state_in_any_direction_and_leaves_the_inputs_alone():
    torch.manual_seed(29)
    inputs = torch.randn(3, 51, lecture.N_UNITS)
    gradient = lecture.input_gradient(lambda x: 7 * x[:, -1] + x[:, 0], inputs)
    norms = gradient.norm(dim=-1)
    torch.testing.assert_close(norms[:, [0, 1, -1]], torch.tensor([1.0, 0.0, 7.0]).expand(3, -1))
    assert not inputs.requires_grad


def test_clipping_shortens_each_sentence_as_pytorch_does_and_never_turns_a_gradient():
    torch.manual_seed(31)
    gradient = torch.randn(3, 11, 5) * torch.tensor([1e-3, 1.0, 1e3])[:, None, None]
    found = lecture.clipped(gradient)
    for before, after in zip(gradient, found, strict=True):
        parameter = nn.Parameter(torch.zeros(11, 5))
        parameter.grad = before.clone()
        nn.utils.clip_grad_norm_([parameter], lecture.CLIP_NORM)
        torch.testing.assert_close(after, parameter.grad, rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(F.cosine_similarity(found.flatten(1), gradient.flatten(1)), torch.ones(3))
    assert torch.equal(found[0], gradient[0])  # multiplied by 1, which rounds nothing


def test_the_symbol_to_recall_is_shown_once_at_the_given_distance():
    torch.manual_seed(37)
    symbols, answers = lecture.recall_batch(53, 11)
    assert symbols.shape == (53, 12)
    assert torch.equal(symbols[:, 0], answers)
    assert (symbols[:, 1:] >= lecture.N_SYMBOLS).all()
    assert symbols.max() < 2 * lecture.N_SYMBOLS
    assert set(answers.tolist()) == set(range(lecture.N_SYMBOLS))


def test_recall_is_learned_at_a_short_distance_and_not_from_permuted_answers(monkeypatch):
    monkeypatch.setattr(lecture, "RECALL_STEPS", 61)
    assert lecture.recall(3, 2, nn.GRU, lecture.UPDATE) > 0.9
    guessed = lecture.recall(3, 2, nn.GRU, lecture.UPDATE, permuted=True)
    assert guessed < 0.4
    assert lecture.recall(3, 2, nn.GRU, lecture.UPDATE, permuted=True) == guessed


def test_a_rotating_rnn_starts_with_a_rotation_and_is_an_rnn_in_all_else():
    torch.manual_seed(53)
    plain = nn.RNN(5, 7, batch_first=True)
    torch.manual_seed(53)
    rotating = lecture.rotating_rnn(5, 7, batch_first=True)
    torch.testing.assert_close(rotating.weight_hh_l0 @ rotating.weight_hh_l0.T, torch.eye(7))
    small = lecture.rotating_rnn(5, 7, radius=0.3).weight_hh_l0
    torch.testing.assert_close(small @ small.T, 0.09 * torch.eye(7))
    assert type(rotating) is nn.RNN
    assert rotating.batch_first
    for name, weight in plain.state_dict().items():
        assert torch.equal(rotating.state_dict()[name], weight) == (name != "weight_hh_l0"), name


def test_an_update_gate_at_one_keeps_the_state_unharmed():
    torch.manual_seed(3)
    cell = nn.GRUCell(5, 7)
    with torch.no_grad():
        cell.bias_ih[7:14] = 100.0
    state = torch.randn(3, 7)
    torch.testing.assert_close(lecture.gru_step(torch.randn(3, 5), state, cell), state)


def test_the_vector_is_the_final_state_of_a_packed_gru(model, batch):
    source, _ = batch
    packed = nn.utils.rnn.pack_padded_sequence(
        model.embed_source(source.ids), source.lengths, batch_first=True, enforce_sorted=False
    )
    final = model.encoder(packed)[1]  # (1, batch, d_state)
    torch.testing.assert_close(model.encode(source), final.transpose(0, 1), rtol=0, atol=1e-6)


def test_padding_never_changes_an_output(model, batch):
    source, target = batch
    words = lecture.shift_right(target.ids)
    wider = more_padding(source, 3)
    wider.ids[~wider.mask] = 5  # whatever stands there
    torch.testing.assert_close(model(wider, words), model(source, words), rtol=0, atol=1e-6)
    padded = lecture.batch_loss(model, (wider, more_padding(target, 2)))
    torch.testing.assert_close(padded, lecture.batch_loss(model, batch), rtol=0, atol=1e-6)


def test_a_sentence_does_not_depend_on_its_neighbours_in_the_batch(model, batch):
    source, target = batch
    words = lecture.shift_right(target.ids)
    alone = model(pad([source.ids[1, :2]]), words[1:2])
    torch.testing.assert_close(alone[0], model(source, words)[1], rtol=0, atol=1e-6)


def test_the_loss_is_the_cross_entropy_without_padding(model, batch):
    source, target = batch
    logits = model(source, lecture.shift_right(target.ids))
    expected = F.cross_entropy(logits.flatten(0, 1), target.ids.flatten(), ignore_index=Vocabulary.pad)
    torch.testing.assert_close(lecture.batch_loss(model, batch), expected)


def test_no_word_sees_itself_or_its_future(model, batch):
    source, target = batch
    logits = model(source, lecture.shift_right(target.ids))
    for place in range(target.ids.shape[1]):
        changed = target.ids.clone()
        changed[:, place] = (changed[:, place] + 1) % N_TARGET
        after = model(source, lecture.shift_right(changed))
        torch.testing.assert_close(after[:, : place + 1], logits[:, : place + 1], rtol=0, atol=1e-6)
        if place + 1 < target.ids.shape[1]:
            assert not torch.allclose(after[:, place + 1], logits[:, place + 1], rtol=0, atol=1e-5)


def test_the_vector_is_read_at_every_step_and_not_only_through_the_state(model, batch):
    source, target = batch
    context = model.encode(source)
    state, words = context.transpose(0, 1), lecture.shift_right(target.ids)
    ours, _ = model.decode(context, state, words)
    others, _ = model.decode(context.flip(0), state, words)
    assert ((ours - others).abs().amax(dim=-1) > 1e-6)[[0, 2]].all()  # the middle sentence keeps its vector


def test_every_weight_gets_a_finite_gradient(model, batch):
    lecture.batch_loss(model, batch).backward()
    for name, weight in model.named_parameters():
        assert torch.isfinite(weight.grad).all(), name
        assert weight.grad.abs().sum() > 0, name


def batches_of(seed: int):
    """Make batches like the lecture's, on a task small enough to be half learned in a second: copy the words."""
    torch.manual_seed(seed)
    source = sentences(N_SOURCE, *[1, 2, 3, 5] * 53)
    target = [ending(ids) for ids in source]
    return partial(lecture.make_batches, source, target, torch.Generator().manual_seed(seed))


def test_fit_ends_at_the_weights_of_the_loop_written_in_full(model, monkeypatch):
    monkeypatch.setattr(lecture, "BATCH_SIZE", 31)
    monkeypatch.setattr(lecture, "CLIP_NORM", 0.1)  # so small that it matters here
    start = {name: weight.clone() for name, weight in model.state_dict().items()}
    lecture.train(model, batches_of(5), epochs=3, learning_rate=4e-2, progress=False)
    other = lecture.FixedVector(N_SOURCE, N_TARGET, D_EMBEDDING, D_STATE)
    other.load_state_dict(start)
    fit(
        other,
        partial(lecture.batch_loss, other),
        batches_of(5),
        epochs=3,
        lr=4e-2,
        schedule=linear_decay,
        clip_norm=lecture.CLIP_NORM,
        progress=False,
    )
    for name, weight in other.state_dict().items():
        torch.testing.assert_close(weight, model.state_dict()[name], rtol=0, atol=1e-4, msg=name)
        assert not torch.allclose(weight, start[name], rtol=0, atol=1e-3), name
    assert not model.training
    assert not other.training


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    def trained(seed: int) -> torch.Tensor:
        set_seed(seed)
        model = lecture.FixedVector(N_SOURCE, N_TARGET, D_EMBEDDING, D_STATE)
        lecture.train(model, batches_of(seed), epochs=1, learning_rate=1e-2, progress=False)
        return nn.utils.parameters_to_vector(model.parameters())

    assert torch.equal(trained(2), trained(2))
    assert not torch.equal(trained(2), trained(3))


@pytest.fixture(scope="module")
def half_learned() -> tuple[nn.Module, Batch, Batch]:
    set_seed(0)
    model = lecture.FixedVector(N_SOURCE, N_SOURCE, 19, 23)
    lecture.train(model, batches_of(7), epochs=20, learning_rate=3e-2, progress=False)
    source = sentences(N_SOURCE, *[1, 2, 3, 5] * 29)
    return model, pad(source), pad([ending(ids) for ids in source])


def test_a_greedy_translation_is_right_exactly_when_every_forced_word_is(half_learned):
    model, source, target = half_learned
    exact = lecture.exact_match(model, source, target)
    forced = lecture.right_words(model, source, target)
    assert 0.1 < exact.float().mean() < 0.9, "a model that is always right or always wrong shows nothing"
    assert torch.equal(exact, forced.sum(dim=1) == target.lengths)


def test_a_beam_of_width_one_is_greedy_and_a_wide_one_finds_the_most_probable_sentence(half_learned):
    model, source, _ = half_learned
    contexts, greedy = model.encode(source).detach(), lecture.translate(model, source, 7)
    for context, said in zip(contexts[:11], greedy[:11], strict=True):
        step = lecture.next_word(model, context[None])
        found, _ = lecture.beam_search(step, context[None], 1, 7)
        assert found == said[: len(found)].tolist()
        assert found[-1] == Vocabulary.eos or len(found) == 7
    _, one = lecture.beam_search(step, context[None], 1, 2)
    _, all_of_them = lecture.beam_search(step, context[None], N_SOURCE, 2)
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
    forced, free = lecture.guided(model, source, words, ~mine), lecture.guided(model, source, words, mine)
    torch.testing.assert_close(forced, model(source, words), rtol=0, atol=1e-5)
    assert torch.equal(free.argmax(dim=-1), lecture.translate(model, source, target.ids.shape[1]))
    mixed = torch.arange(words.shape[1]) > 2  # the teacher leaves after the third word
    torch.testing.assert_close(lecture.guided(model, source, words, mixed.expand_as(mine))[:, :3], forced[:, :3])


def test_a_pupil_reads_own_words_in_the_share_it_is_given_and_only_while_training(half_learned):
    taught, source, target = half_learned
    pupil = lecture.Pupil(N_SOURCE, N_SOURCE, 19, 23)
    pupil.load_state_dict(taught.state_dict())
    words = lecture.shift_right(target.ids)
    forced, free = taught(source, words), lecture.guided(taught, source, words, torch.ones_like(target.mask))
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
    model = lecture.FalseTeacher(N_SOURCE, N_TARGET, D_EMBEDDING, D_STATE)
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


def test_the_first_mistake_is_where_a_translation_leaves_the_right_one(half_learned):
    model, source, target = half_learned
    wrong, place, words = lecture.first_mistakes(model, source, target)
    said = lecture.translate(model, source, target.ids.shape[1])
    assert 0 < wrong.sum() < len(said)
    for i, ids in enumerate(target.ids):
        n, at = int(target.lengths[i]), int(place[i])
        if said[i, :n].equal(ids[:n]):
            assert not wrong[i]
            continue
        assert said[i, :at].equal(ids[:at])
        assert wrong[i] == (said[i, at] != Vocabulary.eos)
        own, right, other = (words[name][i] for name in ("own mistake", "mistake put right", "another wrong word"))
        assert (own, right) == (said[i, at], ids[at])
        assert len({int(own), int(right), int(other)}) == 3
        assert own != right


def test_going_on_from_an_own_mistake_is_the_free_translation_and_only_later_words_count(half_learned, monkeypatch):
    model, source, target = half_learned
    monkeypatch.setattr(lecture, "AFTER", 2)
    wrong, place, words = lecture.first_mistakes(model, source, target)
    steps = torch.arange(target.ids.shape[1])
    later = wrong & target.mask & (steps > place)
    said = lecture.translate(model, source, target.ids.shape[1])
    found = lecture.go_on(model, source, target, wrong, place, words["own mistake"])
    common = [Counter(said[i, later[i]].tolist()) & Counter(target.ids[i, later[i]].tolist()) for i in range(len(said))]
    expected = sum(counter.total() for counter in common) / int(later.sum())
    assert float(found["found after the mistake"]) == pytest.approx(expected)
    second = later & (steps == place + 2)
    expected = (said == target.ids)[second].float().mean()
    assert float(found["right by words after"][1]) == pytest.approx(float(expected))
    helped = lecture.go_on(model, source, target, wrong, place, words["mistake put right"])
    forced = (lecture.right_words(model, source, target) & wrong).float()
    first = later & (steps == place + 1)
    assert float(helped["right by words after"][0]) == pytest.approx(float(forced[first].mean()))
    assert len(helped["right by words after"]) == 2


def test_words_are_scored_by_place_with_right_words_before_and_with_own(half_learned, monkeypatch):
    model, source, target = half_learned
    monkeypatch.setattr(lecture, "PLACES", 3)
    found = lecture.by_place(model, source, target)
    forced, free = found["right words before"], found["own words before"]
    assert float(forced["by place"][0]) == float(free["by place"][0])  # nothing was said yet
    right = lecture.right_words(model, source, target)
    assert float(forced["word accuracy"]) == pytest.approx(int(right.sum()) / int(target.lengths.sum()))
    long = target.lengths > 2
    assert float(forced["by place"][2]) == pytest.approx(float(right[long, 2].float().mean()))
    assert float(free["word accuracy"]) < float(forced["word accuracy"])


def test_a_search_of_width_one_translates_exactly_what_greedy_does(half_learned):
    model, source, target = half_learned
    few = Batch(source.ids[:23], source.mask[:23]), Batch(target.ids[:23], target.mask[:23])
    exact = lecture.exact_match(model, *few).float().mean()
    one, three = lecture.searched(model, *few, 1), lecture.searched(model, *few, 3)
    assert one["exact match, longest"] == pytest.approx(float(exact))
    assert three["log-probability"] > one["log-probability"]


def test_all_teachings_are_as_many_updates_on_the_same_batches(monkeypatch):
    monkeypatch.setattr(lecture, "load_number_words", lambda *_, **__: translate([*range(60, 267), 10**11]))
    monkeypatch.setattr(lecture, "FORCING_TESTS", 37)
    monkeypatch.setattr(lecture, "FORCING_DIGITS", 3)
    seen = []

    def watched(model, batch):
        seen.append((model.own, batch[0].ids.sum().item()))
        return batch_loss(model, batch)

    batch_loss = lecture.batch_loss
    monkeypatch.setattr(lecture, "batch_loss", watched)
    for _, shares in lecture.TEACHINGS:
        model, test, long = lecture.taught(2, lecture.Pupil, shares)
        assert (len(test[0].ids), model.training) == (37, False)
        assert 0 < len(long[0].ids) < 37
    runs = [seen[i : i + len(seen) // 3] for i in range(0, len(seen), len(seen) // 3)]
    assert {tuple(words for _, words in run) for run in runs} == {tuple(words for _, words in runs[0])}
    assert [tuple(dict.fromkeys(own for own, _ in run)) for run in runs] == [(0.0,), (0.0, 0.5, 1.0), (1.0,)]


def test_a_translation_is_scored_up_to_its_end_mark_as_a_whole(half_learned):
    model, source, target = half_learned
    said = lecture.translate(model, source, 13)
    assert said.shape == (len(source.ids), 13)
    vocabulary = Vocabulary([])
    vocabulary.words = tuple(map(str, range(N_SOURCE)))
    right = [vocabulary.decode(a) == vocabulary.decode(b) for a, b in zip(said, target.ids, strict=True)]
    assert torch.equal(lecture.exact_match(model, source, target), torch.tensor(right))


def test_padding_is_never_counted_as_a_right_word(model, batch):
    with torch.no_grad():
        model.to_words.bias[Vocabulary.pad] = 100.0  # a model that says nothing but padding
    assert not lecture.right_words(model, *batch).any()


def test_every_pair_is_in_exactly_one_batch_of_an_epoch(monkeypatch):
    monkeypatch.setattr(lecture, "BATCH_SIZE", 31)
    batches = batches_of(11)
    first, second = batches(), batches()
    assert sum(len(source.ids) for source, _ in first) == 212
    for source, target in first:
        assert torch.equal(source.lengths + 1, target.lengths)
    assert not all(torch.equal(a.ids, b.ids) for (a, _), (b, _) in zip(first, second, strict=True))


def test_the_curves_of_a_run_are_counted_by_number_of_digits():
    digits = torch.tensor([n for n in lecture.DIGIT_COUNTS for _ in range(2)])
    words = digits + 1
    right = words.clone()
    right[digits == 12] -= torch.tensor([0, 4])
    curves = lecture.curves(digits, words, right, (right == words).float())
    assert [float(x) for x in curves["by digits"]] == [1.0] * 9 + [0.5]
    assert [float(x) for x in curves["word accuracy by digits"]] == pytest.approx([1.0] * 9 + [22 / 26])
    assert [float(x) for x in curves["words by digits"]] == [n + 1 for n in lecture.DIGIT_COUNTS]
    assert float(curves["word accuracy, short"]) == 1.0


def test_wrong_words_are_marked_where_they_stand():
    assert lecture.marked(["drei", "und", "vierzig"], ["fünf", "und", "vierzig"]) == "[drei] und vierzig"
    assert lecture.marked(["vier", "und"], ["vier"]) == "vier [und]"
    assert lecture.marked(["vier"], ["vier", "und"]) == "vier"


def test_a_bag_of_words_is_the_mean_of_the_real_embeddings_in_any_order(batch):
    set_seed(41)
    model = lecture.BagOfWords(N_SOURCE, N_TARGET, D_STATE, D_STATE)
    source, _ = batch
    expected = torch.stack([model.embed_source(ids[real]).mean(0) for ids, real in zip(*source, strict=True)])
    torch.testing.assert_close(model.encode(source)[:, 0], expected, rtol=0, atol=1e-6)
    real = [ids[mask] for ids, mask in zip(*source, strict=True)]
    mixed = pad(lecture.shuffled(real, torch.Generator().manual_seed(43)))
    torch.testing.assert_close(model.encode(mixed), model.encode(source), rtol=0, atol=1e-6)


def test_order_reaches_the_vector_of_a_gru_and_shuffling_keeps_the_words(model, batch):
    source, _ = batch
    real = [ids[mask] for ids, mask in zip(*source, strict=True)]
    mixed = lecture.shuffled(real, torch.Generator().manual_seed(43))
    assert [sorted(ids.tolist()) for ids in mixed] == [sorted(ids.tolist()) for ids in real]
    assert not torch.equal(mixed[0], real[0])
    assert (model.encode(pad(mixed)) - model.encode(source)).abs().amax(dim=-1)[0] > 1e-3


def test_test_numbers_are_never_trained_on(monkeypatch):
    monkeypatch.setattr(lecture, "load_number_words", lambda *_, **__: translate(range(1000, 1211)))
    monkeypatch.setattr(lecture, "TEST_NUMBERS", 37)
    train, test = lecture.load_pairs(seed=1)
    assert (len(train), len(test)) == (174, 37)
    assert not set(train.numbers) & set(test.numbers)
    assert lecture.load_pairs(seed=1)[1] == test
    assert lecture.load_pairs(seed=2)[1] != test
