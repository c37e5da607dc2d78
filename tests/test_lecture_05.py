"""Lecture 05's Transformer, held against PyTorch's own and against what must never happen."""

import math

import pytest
import torch
from torch import nn

from course_utils.attention import causal_mask, padding_mask
from course_utils.data.batches import Batch, Vocabulary, pad
from course_utils.data.number_words import translate

from .notebooks import definitions

lecture = definitions("05_transformer")


def small_transformer(source_positions):
    torch.manual_seed(5)
    model = lecture.Transformer(23, 29, 12, 3, 19, 2, source_positions)
    return model.eval()


def random_source(lengths):
    return pad([torch.randint(4, 23, (length,)) for length in lengths])


def copy_layer(theirs, ours):
    """Give one of our layers the weights of PyTorch's."""
    lecture.copy_attention(theirs.self_attn, ours.self_attention)
    if hasattr(theirs, "multihead_attn"):
        lecture.copy_attention(theirs.multihead_attn, ours.cross_attention)
    for number, norm in enumerate(ours.norms, start=1):
        with torch.no_grad():  # a fresh LayerNorm is the identity map, and would hide two norms exchanged
            getattr(theirs, f"norm{number}").weight.uniform_(0.5, 1.5)
            getattr(theirs, f"norm{number}").bias.uniform_(-0.5, 0.5)
        norm.load_state_dict(getattr(theirs, f"norm{number}").state_dict())
    ours.feed_forward[0].load_state_dict(theirs.linear1.state_dict())
    ours.feed_forward[2].load_state_dict(theirs.linear2.state_dict())


@pytest.mark.parametrize("seed", range(8))
def test_multi_head_attention_equals_that_of_torch(seed):
    torch.manual_seed(seed)
    n_heads = (1, 2, 3, 5)[seed % 4]
    d_model, batch, q_len, k_len = 7 * n_heads, 3, 11, 13
    theirs = nn.MultiheadAttention(d_model, n_heads, batch_first=True)
    nn.init.normal_(theirs.in_proj_bias)
    nn.init.normal_(theirs.out_proj.bias)
    ours = lecture.MultiHeadAttention(d_model, n_heads)
    lecture.copy_attention(theirs, ours)
    x, memory = torch.randn(batch, q_len, d_model), torch.randn(batch, k_len, d_model)
    mask = padding_mask(torch.randint(1, k_len + 1, (batch,)), k_len)
    expected, expected_weights = theirs(x, memory, memory, key_padding_mask=~mask[:, 0], average_attn_weights=False)
    output, weights = ours(x, memory, mask)
    torch.testing.assert_close(output, expected)
    torch.testing.assert_close(weights, expected_weights)


def test_multi_head_attention_with_a_causal_mask_equals_that_of_torch():
    torch.manual_seed(0)
    theirs = nn.MultiheadAttention(21, 3, batch_first=True)
    ours = lecture.MultiHeadAttention(21, 3)
    lecture.copy_attention(theirs, ours)
    x = torch.randn(5, 11, 21)
    expected, _ = theirs(x, x, x, attn_mask=~causal_mask(11))
    torch.testing.assert_close(ours(x, x, causal_mask(11))[0], expected)


def test_an_empty_sentence_gets_the_output_bias_alone_and_finite_gradients():
    torch.manual_seed(0)
    attention = lecture.MultiHeadAttention(21, 3)
    x = torch.randn(2, 5, 21, requires_grad=True)
    output, weights = attention(x, x, padding_mask(torch.tensor([5, 0]), 5))
    output.square().sum().backward()
    torch.testing.assert_close(output[1], attention.to_output.bias.expand(5, 21))
    assert not weights[1].any()
    assert all(p.grad.isfinite().all() for p in (x, *attention.parameters()))


def test_the_encoder_layer_equals_that_of_torch():
    torch.manual_seed(1)
    theirs = nn.TransformerEncoderLayer(15, 3, 17, dropout=0.0, batch_first=True, norm_first=True)
    ours = lecture.EncoderLayer(15, 3, 17)
    copy_layer(theirs, ours)
    x, mask = torch.randn(5, 7, 15), padding_mask(torch.tensor([7, 1, 3, 5, 2]), 7)
    torch.testing.assert_close(ours(x, mask), theirs(x, src_key_padding_mask=~mask[:, 0]))


def test_the_decoder_layer_equals_that_of_torch():
    torch.manual_seed(1)
    theirs = nn.TransformerDecoderLayer(15, 3, 17, dropout=0.0, batch_first=True, norm_first=True)
    ours = lecture.DecoderLayer(15, 3, 17)
    copy_layer(theirs, ours)
    x, memory = torch.randn(5, 11, 15), torch.randn(5, 7, 15)
    mask = padding_mask(torch.tensor([7, 1, 3, 5, 2]), 7)
    expected = theirs(x, memory, tgt_mask=~causal_mask(11), memory_key_padding_mask=~mask[:, 0])
    torch.testing.assert_close(ours(x, memory, causal_mask(11), mask)[0], expected)


def test_sinusoidal_positions_follow_the_paper_component_by_component():
    positions = lecture.sinusoidal_positions(13, 10)
    for t in range(13):
        for i in range(5):
            angle = t / 10_000 ** (2 * i / 10)
            assert positions[t, 2 * i].item() == pytest.approx(math.sin(angle), abs=1e-5)
            assert positions[t, 2 * i + 1].item() == pytest.approx(math.cos(angle), abs=1e-5)


def test_random_places_are_the_places_in_order_shuffled_among_the_real_words():
    torch.manual_seed(0)
    mask = padding_mask(torch.tensor([11, 1, 7]), 11)[:, 0]
    drawn = lecture.drawn_at_random(mask)
    assert torch.equal(drawn.sort(dim=1).values, lecture.in_order(mask))
    for places, length in zip(drawn, (11, 1, 7), strict=True):
        assert set(places[:length].tolist()) == set(range(length))
    assert not torch.equal(drawn[0], lecture.drawn_at_random(mask)[0])


def test_a_later_target_word_never_changes_an_earlier_output():
    model = small_transformer(lecture.in_order)
    source = random_source([7, 5, 3])
    memory = model.encode(source)
    target = torch.randint(4, 29, (3, 11))
    before, _ = model.decode(target, memory, source.mask)
    for t in range(1, 11):
        changed = target.clone()
        changed[:, t:] = (changed[:, t:] + 1) % 29
        after, _ = model.decode(changed, memory, source.mask)
        assert torch.equal(after[:, :t], before[:, :t])
        assert not torch.equal(after[:, t], before[:, t])


def test_padding_never_changes_an_output():
    model = small_transformer(lecture.in_order)
    source = random_source([7, 5, 1])
    filled = source.ids.masked_fill(~source.mask, 17)
    target = torch.randint(4, 29, (3, 11))
    logits, _ = model.decode(target, model.encode(source), source.mask)
    with_other_padding = Batch(filled, source.mask)
    torch.testing.assert_close(
        model.decode(target, model.encode(with_other_padding), source.mask)[0], logits, rtol=0, atol=0
    )
    for i, length in enumerate((7, 5, 1)):
        alone = pad([source.ids[i, :length]])
        expected, _ = model.decode(target[i : i + 1], model.encode(alone), alone.mask)
        torch.testing.assert_close(logits[i : i + 1], expected, rtol=1e-4, atol=1e-5)


def test_without_source_positions_no_order_of_the_source_changes_an_output():
    source = random_source([7])
    shuffled = Batch(source.ids[:, [3, 6, 0, 5, 2, 4, 1]], source.mask)
    assert not torch.equal(source.ids, shuffled.ids)
    target = torch.randint(4, 29, (1, 11))
    for positions, same in ((None, True), (lecture.in_order, False)):
        model = small_transformer(positions)
        first, _ = model.decode(target, model.encode(source), source.mask)
        second, _ = model.decode(target, model.encode(shuffled), shuffled.mask)
        assert torch.allclose(first, second, rtol=0, atol=1e-5) == same


def test_the_loss_counts_each_real_target_token_once():
    model = small_transformer(lecture.in_order)
    sources = [torch.randint(4, 23, (n,)) for n in (7, 5, 3)]
    targets = [torch.randint(4, 29, (n,)) for n in (2, 11, 5)]
    together = lecture.teacher_forcing_loss(model, pad(sources), pad(targets))
    alone = [
        lecture.teacher_forcing_loss(model, pad([s]), pad([t])) * len(t) for s, t in zip(sources, targets, strict=True)
    ]
    torch.testing.assert_close(together, sum(alone) / sum(map(len, targets)))


def test_greedy_decoding_takes_the_best_next_token_until_every_sentence_has_ended():
    model = small_transformer(lecture.in_order)
    nn.init.normal_(model.to_words.weight)  # so that the words chosen differ
    model.to_words.bias.data[Vocabulary.eos] += 5
    source = random_source([7, 5, 1, 3, 6])
    chosen = lecture.translate_greedily(model, source)
    shifted = torch.cat([torch.full((5, 1), Vocabulary.bos), chosen[:, :-1]], dim=1)
    logits, _ = model.decode(shifted, model.encode(source), source.mask)
    assert torch.equal(logits.argmax(dim=-1), chosen)
    ends = [row.tolist().index(Vocabulary.eos) for row in chosen]
    assert len(set(ends)) > 1, "this test needs sentences that end at different steps"
    assert max(ends) == chosen.shape[1] - 1


def test_greedy_decoding_in_a_batch_chooses_what_each_sentence_alone_would():
    model = small_transformer(lecture.in_order)
    source = random_source([7, 5, 1])
    together = lecture.translate_greedily(model, source)
    vocabulary = Vocabulary([[str(i) for i in range(25)]])
    for i, length in enumerate((7, 5, 1)):
        alone = lecture.translate_greedily(model, pad([source.ids[i, :length]]))
        assert vocabulary.decode(alone[0]) == vocabulary.decode(together[i])


def test_the_decoder_is_told_its_places():
    model = small_transformer(None)
    source = random_source([7])
    logits, _ = model.decode(torch.full((1, 5), 11), model.encode(source), source.mask)
    assert not torch.allclose(logits[:, 0], logits[:, 4], atol=1e-2)


def test_the_agreement_of_a_head_that_follows_the_alignment_is_one():
    pairs = translate([345, 12, 78])
    longest = max(map(len, pairs.source)), max(map(len, pairs.target))
    weights = torch.zeros(3, 2, 5, longest[1], longest[0])
    for i, alignment in enumerate(pairs.alignments):
        for t, partners in enumerate(alignment):
            weights[i, 1, 3, t, min(partners)] = 1
            weights[i, 0, 2, t, min(set(range(longest[0])) - partners)] = 1
    agreement = lecture.alignment_agreement(weights, pairs)
    assert agreement.shape == (2, 5)
    assert agreement[1, 3] == 1
    assert agreement[0, 2] == 0


def test_the_same_seed_trains_the_same_model():
    pairs = translate(range(100, 228))
    first, second = (lecture.train_transformer(lecture.drawn_at_random, pairs, 3, progress=False) for _ in range(2))
    for name, weight in first.state_dict().items():
        assert weight.isfinite().all(), name
        assert torch.equal(weight, second.state_dict()[name]), name
