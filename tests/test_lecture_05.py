"""Lecture 05's Transformer, held against PyTorch's own and against what must never happen."""

import math
from itertools import product

import pytest
import torch
from torch import nn

from course_utils.attention import causal_mask, dot_score, padding_mask, scaled_dot_score
from course_utils.data.batches import Batch, Vocabulary, pad
from course_utils.data.number_words import translate

from .closeness import assert_likeliest
from .notebooks import definitions

lecture = definitions("05_transformer")


def small_transformer(source_positions):
    torch.manual_seed(5)
    model = lecture.Transformer(23, 29, 12, 3, 19, 2, source_positions)
    return model.eval()


def random_source(lengths):
    return pad([torch.randint(4, 23, (length,)) for length in lengths])


def with_other_norms(theirs):
    """A fresh LayerNorm is the identity map, and would hide two norms exchanged."""
    for part in theirs.modules():
        if isinstance(part, nn.LayerNorm):
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.uniform_(part.bias, -0.5, 0.5)
    return theirs


def copy_layer(theirs, ours):
    """Give one of our layers the weights of PyTorch's."""
    lecture.copy_attention(theirs.self_attn, ours.self_attention)
    if isinstance(ours, lecture.DecoderLayer):
        lecture.copy_attention(theirs.multihead_attn, ours.cross_attention)
    for number, norm in enumerate(ours.norms, start=1):
        norm.load_state_dict(getattr(theirs, f"norm{number}").state_dict())
    ours.feed_forward[0].load_state_dict(theirs.linear1.state_dict())
    ours.feed_forward[2].load_state_dict(theirs.linear2.state_dict())


def copy_transformer(theirs, ours):
    """Give our Transformer the weights of an `nn.Transformer`; embeddings and the last projection stay."""
    for stack, copied, norm in (
        (theirs.encoder, ours.encoder, ours.encoder_norm),
        (theirs.decoder, ours.decoder, ours.decoder_norm),
    ):
        norm.load_state_dict(stack.norm.state_dict())
        for their_layer, our_layer in zip(stack.layers, copied, strict=True):
            copy_layer(their_layer, our_layer)


def by_torch(theirs, ours, source, target):
    """What PyTorch's Transformer makes of our embedded words: (batch, tgt_len, n_target)."""
    tgt_len = target.shape[1]
    read = ours.embed_source(source.ids) + ours.places[: source.ids.shape[1]]
    written = ours.embed_target(target) + ours.places[:tgt_len]
    hidden = theirs(
        read,
        written,
        tgt_mask=~causal_mask(tgt_len),
        src_key_padding_mask=~source.mask,
        memory_key_padding_mask=~source.mask,
    )
    return ours.to_words(hidden)


def torch_transformer(d_model, n_heads, d_hidden, n_layers):
    """PyTorch's pre-norm Transformer, with no dropout."""
    sizes = {"dim_feedforward": d_hidden, "dropout": 0.0, "batch_first": True, "norm_first": True}
    layer = nn.TransformerEncoderLayer(d_model, n_heads, **sizes)
    # built by hand, since its shortcut for padded batches does not know pre-norm, and says so in a warning
    encoder = nn.TransformerEncoder(layer, n_layers, nn.LayerNorm(d_model), enable_nested_tensor=False)
    return nn.Transformer(d_model, n_heads, num_decoder_layers=n_layers, custom_encoder=encoder, **sizes)


def some_examples(n):
    pairs = translate(range(1_000, 1_000 + n))
    words = Vocabulary(pairs.source), Vocabulary(pairs.target)
    return pairs, words, lecture.encode_pairs(pairs, *words)


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
    copy_layer(with_other_norms(theirs), ours)
    x, mask = torch.randn(5, 7, 15), padding_mask(torch.tensor([7, 1, 3, 5, 2]), 7)
    torch.testing.assert_close(ours(x, mask), theirs(x, src_key_padding_mask=~mask[:, 0]))


def test_the_decoder_layer_equals_that_of_torch():
    torch.manual_seed(1)
    theirs = nn.TransformerDecoderLayer(15, 3, 17, dropout=0.0, batch_first=True, norm_first=True)
    ours = lecture.DecoderLayer(15, 3, 17)
    copy_layer(with_other_norms(theirs), ours)
    x, memory = torch.randn(5, 11, 15), torch.randn(5, 7, 15)
    mask = padding_mask(torch.tensor([7, 1, 3, 5, 2]), 7)
    expected = theirs(x, memory, tgt_mask=~causal_mask(11), memory_key_padding_mask=~mask[:, 0])
    torch.testing.assert_close(ours(x, memory, causal_mask(11), mask)[0], expected)


def test_the_whole_transformer_equals_that_of_torch():
    torch.manual_seed(1)
    theirs = with_other_norms(torch_transformer(14, 2, 17, 3))
    ours = lecture.Transformer(23, 29, 14, 2, 17, 3)
    copy_transformer(theirs, ours)
    source, target = random_source([7, 1, 3, 5, 2]), torch.randint(4, 29, (5, 11))
    logits, _ = ours.decode(target, ours.encode(source), source.mask)
    torch.testing.assert_close(logits, by_torch(theirs, ours, source, target))


def test_the_score_variance_is_d_k_and_the_gradient_is_the_trace_of_the_softmax_jacobian():
    variance, largest, gradient = lecture.saturation(13, dot_score)
    assert variance == pytest.approx(13, rel=0.05)
    generator = torch.Generator().manual_seed(0)
    query, keys = (torch.randn(5_000, n, 13, generator=generator) for n in (1, 10))
    scores = dot_score(keys, query)[:, 0].requires_grad_()
    weights = scores.softmax(dim=-1)
    own = [torch.autograd.grad(weights[:, i].sum(), scores, retain_graph=True)[0][:, i] for i in range(10)]
    assert gradient == pytest.approx(sum(own).mean().item(), abs=1e-5)
    assert largest == pytest.approx(weights.amax(dim=-1).mean().item(), abs=1e-6)
    assert lecture.saturation(13, scaled_dot_score)[0] == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("positions", [None, "in_order"])
def test_shuffling_the_source_shuffles_the_encoder_exactly_unless_places_are_told(positions):
    model = small_transformer(positions and lecture.in_order).double()
    source = random_source([7])
    order = [3, 6, 0, 5, 2, 4, 1]
    shuffled = Batch(source.ids[:, order], source.mask)
    difference = (model.encode(shuffled) - model.encode(source)[:, order]).abs().max()
    assert (difference < 1e-12) == (positions is None)


def test_sinusoidal_positions_follow_the_paper_component_by_component():
    positions = lecture.sinusoidal_positions(13, 10)
    for t in range(13):
        for i in range(5):
            angle = t / 10_000 ** (2 * i / 10)
            assert positions[t, 2 * i].item() == pytest.approx(math.sin(angle), abs=1e-5)
            assert positions[t, 2 * i + 1].item() == pytest.approx(math.cos(angle), abs=1e-5)


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
        torch.testing.assert_close(after[:, :t], before[:, :t])
        assert not torch.isclose(after[:, t], before[:, t]).all(dim=-1).any()


def test_padding_never_changes_an_output():
    model = small_transformer(lecture.in_order)
    source = random_source([7, 5, 1])
    filled = source.ids.masked_fill(~source.mask, 17)
    target = torch.randint(4, 29, (3, 11))
    logits, _ = model.decode(target, model.encode(source), source.mask)
    with_other_padding = Batch(filled, source.mask)
    torch.testing.assert_close(
        model.decode(target, model.encode(with_other_padding), source.mask)[0], logits, rtol=1e-4, atol=1e-5
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
    assert_likeliest(chosen, logits)
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


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: lecture.MultiHeadAttention(20, 3), "a width of 20 cannot be cut into 3 equal heads"),
        (lambda: lecture.sinusoidal_positions(5, 7), "a width of 7 cannot be cut into pairs"),
        (lambda: lecture.Transformer(23, 29, 12, 5, 19, 2), "a width of 12 cannot be cut into 5 equal heads"),
        (lambda: lecture.Transformer(23, 29, 15, 3, 19, 2), "a width of 15 cannot be cut into pairs"),
    ],
)
def test_sizes_that_do_not_fit_are_refused_in_one_sentence_when_the_model_is_built(build, sentence):
    with pytest.raises(ValueError, match=sentence):
        build()


def test_a_sentence_longer_than_the_places_is_refused_and_a_larger_model_takes_it():
    torch.manual_seed(0)
    model = lecture.Transformer(23, 29, 12, 3, 19, 2, max_length=7)
    fits, longer = random_source([7, 5]), random_source([8, 5])
    memory = model.encode(fits)
    with pytest.raises(ValueError, match="8 tokens is longer than its 7 places; build it with max_length=8"):
        model.encode(longer)
    with pytest.raises(ValueError, match="11 tokens is longer than its 7 places"):
        model.decode(torch.randint(4, 29, (2, 11)), memory, fits.mask)
    lecture.Transformer(23, 29, 12, 3, 19, 2, max_length=8).encode(longer)


def test_without_source_places_a_sentence_of_any_length_is_read():
    model = lecture.Transformer(23, 29, 12, 3, 19, 2, None, max_length=7)
    assert model.encode(random_source([11])).shape == (1, 11, 12)


def test_masks_and_places_are_made_where_the_sentences_are(monkeypatch):
    asked = []
    monkeypatch.setattr(lecture, "causal_mask", lambda length, device: asked.append(device) or causal_mask(length))
    model, source = small_transformer(lecture.in_order), random_source([7, 5])
    model.decode(torch.randint(4, 29, (2, 11)), model.encode(source), source.mask)
    assert asked == [source.ids.device]
    there = torch.empty(2, 7, dtype=torch.bool, device="meta")
    assert lecture.in_order(there).device.type == "meta"


def test_padding_filled_with_nan_reaches_no_real_word_of_the_encoder_or_the_decoder():
    model, source = small_transformer(lecture.in_order), random_source([7, 4])
    with torch.no_grad():
        model.embed_source.weight[0] = math.nan  # the number of the padding
    assert not source.ids[1, 4:].any()
    memory = model.encode(source)
    assert memory[source.mask].isfinite().all()
    logits, _ = model.decode(torch.randint(4, 29, (2, 5)), memory, source.mask)
    assert logits.isfinite().all()


def test_a_shift_of_the_places_is_a_rotation_of_each_clock_hand():
    places = lecture.sinusoidal_positions(17, 10).double().unflatten(1, (-1, 2))  # (place, hand, sine and cosine)
    speeds = 10_000 ** (-torch.arange(0, 10, 2).double() / 10)
    for k in (1, 5):
        for hand, angle in enumerate((k * speeds).tolist()):
            turn = torch.tensor([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
            torch.testing.assert_close(places[k:, hand], places[:-k, hand] @ turn.double().T, atol=1e-5, rtol=0)


def test_the_ceiling_of_a_bag_is_what_counting_the_bags_of_all_numbers_gives():
    written = translate(range(100, 1000)).source
    assert lecture.bag_ceiling(3) == pytest.approx(len(set(map(frozen_bag, written))) / 900)
    below = [(), *translate(range(1, 1000)).source]  # what follows thousand, from 000 to 999
    for digits, tops in ((4, below[1:10]), (5, below[10:100])):
        bags = {frozen_bag((*top, "thousand", *rest)) for top, rest in product(tops, below)}
        assert lecture.bag_ceiling(digits) == pytest.approx(len(bags) / (len(tops) * 1000))


def frozen_bag(words):
    return tuple(sorted(words))


def test_the_weights_shown_are_the_cross_attention_that_the_model_used():
    _, (english, german), examples = some_examples(11)
    torch.manual_seed(0)
    model = lecture.new_transformer(english, german, lecture.in_order)
    weights = lecture.cross_weights(model, examples)
    source, target = lecture.as_batch(examples)
    shifted = torch.cat([torch.full((11, 1), Vocabulary.bos), target.ids[:, :-1]], dim=1)
    _, maps = model.decode(shifted, model.encode(source), source.mask)
    for layer in range(lecture.N_LAYERS):
        for head in range(lecture.N_HEADS):
            torch.testing.assert_close(weights[:, layer * lecture.N_HEADS + head], maps[:, layer, head])


def test_the_share_on_partners_counts_the_largest_weight_of_every_aligned_token():
    weights = torch.zeros(2, 3, 5, 7)  # (batch, heads, tgt_len, src_len)
    weights[:, 0, :, 4] = 1
    weights[:, 1, :, 2] = 1
    weights[0, 2, :, 4], weights[1, 2, :, 2] = 1, 1
    alignments = [[frozenset({4}), frozenset({4, 1}), frozenset({0})], [frozenset({2})]]
    torch.testing.assert_close(lecture.share_on_partners(weights, alignments), torch.tensor([0.5, 0.25, 0.75]))
