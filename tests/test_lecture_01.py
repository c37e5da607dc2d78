"""Lecture 01: its GRU is PyTorch's, its vector is the last real state, and its loop is the one that `fit` runs."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_utils.data.batches import Batch, Vocabulary, pad
from course_utils.data.number_words import translate
from course_utils.training import fit, linear_decay, set_seed

from . import copying
from .copying import D_EMBEDDING, D_STATE, N_SOURCE, N_TARGET, batches_of
from .notebooks import definitions

lecture = definitions("01_sequence_to_sequence")


@pytest.fixture
def model() -> nn.Module:
    return copying.untrained()[0]


@pytest.fixture
def batch() -> tuple[Batch, Batch]:
    return copying.untrained()[1]


@pytest.fixture(scope="module")
def half_learned() -> tuple[nn.Module, Batch, Batch]:
    return copying.half_learned()


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

    assert torch.equal(trained(2), trained(2))  # the same operations on the same shapes
    assert not torch.equal(trained(2), trained(3))


def test_a_greedy_translation_is_right_exactly_when_every_forced_word_is(half_learned):
    model, source, target = half_learned
    exact = lecture.exact_match(model, source, target)
    forced = lecture.right_words(model, source, target)
    assert 0.1 < exact.float().mean() < 0.9, "a model that is always right or always wrong shows nothing"
    # greedy words are computed one by one, forced ones all at once: where two words are nearly equal, either may win
    best, second = model(source, lecture.shift_right(target.ids)).topk(2).values.unbind(dim=-1)
    clear = ((best - second > 1e-4) | ~target.mask).all(dim=1)
    assert clear.float().mean() > 0.9
    assert torch.equal(exact[clear], (forced.sum(dim=1) == target.lengths)[clear])


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


def test_wrong_words_are_marked_and_what_follows_a_missing_or_needless_word_is_not():
    assert lecture.marked(["drei", "und", "vierzig"], ["fünf", "und", "vierzig"]) == "[drei] und vierzig"
    assert (
        lecture.marked(["drei", "hundert", "und", "vierzig"], ["drei", "und", "vierzig"])
        == "drei [hundert] und vierzig"
    )
    assert lecture.marked(["drei", "vierzig"], ["drei", "und", "vierzig"]) == "drei [–] vierzig"
    assert lecture.marked(["vier", "und"], ["vier"]) == "vier [und]"
    assert lecture.marked([], ["vier"]) == "[–]"


def test_test_numbers_are_never_trained_on(monkeypatch):
    monkeypatch.setattr(lecture, "load_number_words", lambda *_, **__: translate(range(1000, 1211)))
    monkeypatch.setattr(lecture, "TEST_NUMBERS", 37)
    train, test = lecture.load_pairs(seed=1)
    assert (len(train), len(test)) == (174, 37)
    assert not set(train.numbers) & set(test.numbers)
    assert lecture.load_pairs(seed=1)[1] == test
    assert lecture.load_pairs(seed=2)[1] != test
