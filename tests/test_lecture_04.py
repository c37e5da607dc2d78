"""Lecture 04's networks: what they can hear is what the formula says, and padding and the future stay silent."""

import pytest
import torch
from torch.nn import functional as F

from course_utils.attention import attend, window_mask
from course_utils.checks import receptive_field
from course_utils.data.batches import Batch

from .notebooks import definitions

BATCH, LENGTH, D_MODEL, N_WORDS, N_CLASSES, N_FILTERS = 3, 23, 37, 31, 7, 11


@pytest.fixture(scope="module")
def lecture():
    return definitions("04_convolution_limits")


@pytest.fixture
def textcnn(lecture):
    torch.manual_seed(0)
    return lecture.TextCNN(N_WORDS, N_CLASSES, d_model=D_MODEL, n_filters=N_FILTERS).eval()


def batch(ids: torch.Tensor, lengths: list[int]) -> Batch:
    return Batch(ids, torch.arange(ids.shape[1]) < torch.tensor(lengths)[:, None])


@pytest.mark.parametrize(("width", "dilations"), [(3, (1, 1)), (5, (1, 3)), (2, (1, 2, 4)), (7, (1,)), (3, (2, 2))])
def test_the_last_word_hears_as_many_positions_as_the_formula_says(lecture, width, dilations):
    torch.manual_seed(0)
    stack = lecture.CausalConvolutions(D_MODEL, width, dilations)
    heard = lecture.heard_by_last(stack, LENGTH, D_MODEL)
    field = receptive_field(width, list(dilations))
    inside = {LENGTH - 1 - step for step in range(field)}
    assert heard.count("#") <= field
    assert heard[LENGTH - field] == "#"
    assert {i for i, mark in enumerate(heard) if mark == "#"} <= inside


@pytest.mark.parametrize("name", ["convolution, width 3", "convolution, dilated", "recurrent"])
def test_no_output_of_a_causal_network_depends_on_a_later_word(lecture, name):
    torch.manual_seed(0)
    network = lecture.networks()[name]
    before = torch.randn(BATCH, LENGTH, lecture.D_MODEL)
    after = before.clone()
    after[:, 17:] += 1
    assert torch.equal(network(before)[:, :17], network(after)[:, :17])
    assert not torch.allclose(network(before)[:, 17:], network(after)[:, 17:])


def test_the_control_reaches_exactly_as_far_as_the_baseline(lecture):
    torch.manual_seed(0)
    networks = lecture.networks()
    control = lecture.heard_by_last(networks["attention, same reach"], LENGTH, lecture.D_MODEL)
    baseline = lecture.heard_by_last(networks["convolution, width 3"], LENGTH, lecture.D_MODEL)
    assert control == baseline
    assert baseline.count("#") == lecture.REACH + 1
    assert lecture.heard_by_last(networks["attention"], LENGTH, lecture.D_MODEL) == "#" * LENGTH


@pytest.mark.parametrize(("kernel_size", "dilated"), [(3, False), (5, False), (3, True), (2, True)])
def test_the_layers_counted_are_enough_and_one_fewer_is_not(lecture, kernel_size, dilated):
    for distance in (1, 7, 26, 100):
        layers = lecture.layers_needed(distance, kernel_size, dilated)
        dilations = [kernel_size**layer if dilated else 1 for layer in range(layers)]
        assert receptive_field(kernel_size, dilations) > distance
        assert receptive_field(kernel_size, dilations[:-1]) <= distance


def test_a_positive_kernel_that_sums_to_one_is_attention_by_offset(lecture):
    values = torch.randn(LENGTH, D_MODEL)
    context, _ = attend(values, values, values, lecture.offset_score, window_mask(LENGTH, 1))
    kernel = torch.tensor([0.25, 0.5, 0.25]).expand(D_MODEL, 1, 3)
    convolved = F.conv1d(values.T, kernel, groups=D_MODEL).T
    torch.testing.assert_close(context[1:-1], convolved)


def test_padding_never_changes_what_textcnn_answers(textcnn):
    ids = torch.randint(4, N_WORDS, (BATCH, LENGTH))
    lengths = [LENGTH, 13, 1]
    expected = textcnn(batch(ids, lengths))
    longer = torch.cat([ids, torch.randint(4, N_WORDS, (BATCH, 6))], dim=1)
    torch.testing.assert_close(textcnn(batch(longer, lengths)), expected)
    other = torch.where(batch(ids, lengths).mask, ids, torch.randint(4, N_WORDS, ids.shape))
    torch.testing.assert_close(textcnn(batch(other, lengths)), expected)
    alone = textcnn(batch(ids[1:2, :13], [13]))
    torch.testing.assert_close(alone[0], expected[1])


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


def test_a_document_without_words_gets_a_finite_answer(textcnn):
    assert torch.isfinite(textcnn(batch(torch.zeros(1, 5, dtype=torch.long), [0]))).all()


def test_marked_sentences_say_nothing_but_by_both_ends(lecture):
    lecture.running_text = torch.randint(4, N_WORDS, (997,))
    lecture.vocabulary = range(N_WORDS)
    generator = torch.Generator().manual_seed(0)
    ids, same = lecture.marked_sentences(4000, 9, generator)
    assert ids.shape == (4000, 10)
    assert torch.equal(ids[:, 0] == ids[:, -1], same == 1)
    assert (ids[:, 0] >= N_WORDS).all()
    assert (ids[:, -1] >= N_WORDS).all()
    assert (ids[:, 1:-1] < N_WORDS).all()
    for end in (0, -1):  # one end alone tells nothing: each marker is followed by "same" half of the time
        for marker in range(lecture.N_MARKERS):
            chosen = same[ids[:, end] == N_WORDS + marker].float()
            assert abs(chosen.mean() - 0.5) < 0.06
            assert len(chosen) > 800
    assert lecture.running_text.max() < N_WORDS, "the text was written into"
