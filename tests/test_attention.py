"""`attend` against PyTorch's and DGL's own attention, over random sizes, masks and dtypes."""

import os

os.environ.setdefault("DGLBACKEND", "pytorch")

import dgl
import pytest
import torch
from dgl.nn import GATConv
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from course_utils.attention import (
    AdditiveScore,
    ConcatScore,
    ContextScore,
    GeneralScore,
    GraphScore,
    attend,
    causal_mask,
    dot_score,
    edge_mask,
    last_position_mask,
    masked_softmax,
    padding_mask,
    scaled_dot_score,
    window_mask,
    zero_score,
)

BATCH, HEADS, Q_LEN, K_LEN, D_KEY, D_VALUE, D_QUERY, D_ATTENTION = 2, 3, 5, 7, 11, 13, 17, 19

tolerances = {torch.float32: 2e-6, torch.float64: 1e-13}
sizes = st.integers(1, 9)
dtypes = st.sampled_from([torch.float32, torch.float64])
seeds = st.integers(0, 2**20)
random_cases = settings(max_examples=40)


def draw(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(*shape, dtype=dtype)


@random_cases
@given(batch=sizes, heads=sizes, q_len=sizes, k_len=sizes, d_key=sizes, d_value=sizes, dtype=dtypes, seed=seeds)
def test_attend_equals_pytorchs_scaled_dot_product_attention(batch, heads, q_len, k_len, d_key, d_value, dtype, seed):
    torch.manual_seed(seed)
    query = draw(batch, heads, q_len, d_key, dtype=dtype)
    keys, values = draw(batch, heads, k_len, d_key, dtype=dtype), draw(batch, heads, k_len, d_value, dtype=dtype)
    mask = torch.rand(batch, 1, q_len, k_len) < 0.6
    mask[..., 0] = True  # PyTorch's answer for an empty row depends on its version
    context, weights = attend(query, keys, values, scaled_dot_score, mask)
    expected = F.scaled_dot_product_attention(query, keys, values, attn_mask=mask)
    torch.testing.assert_close(context, expected, atol=tolerances[dtype], rtol=1e-5)
    assert torch.all(weights.masked_select(~mask) == 0)


@random_cases
@given(heads=st.integers(1, 4), d_head=sizes, batch=sizes, q_len=sizes, k_len=sizes, dtype=dtypes, seed=seeds)
def test_attend_with_projections_equals_pytorchs_multihead_attention(heads, d_head, batch, q_len, k_len, dtype, seed):
    torch.manual_seed(seed)
    d_model = heads * d_head
    theirs = nn.MultiheadAttention(d_model, heads, batch_first=True, dtype=dtype).eval()
    nn.init.normal_(theirs.in_proj_bias)
    query, memory = draw(batch, q_len, d_model, dtype=dtype), draw(batch, k_len, d_model, dtype=dtype)
    lengths = torch.randint(1, k_len + 1, (batch,))
    mask = padding_mask(lengths, k_len)

    parts = zip(theirs.in_proj_weight.chunk(3), theirs.in_proj_bias.chunk(3), (query, memory, memory), strict=True)
    q, k, v = (F.linear(x, w, b).unflatten(-1, (heads, d_head)).transpose(1, 2) for w, b, x in parts)
    context, weights = attend(q, k, v, scaled_dot_score, mask[:, None])
    ours = theirs.out_proj(context.transpose(1, 2).flatten(2))

    expected, their_weights = theirs(query, memory, memory, key_padding_mask=~mask[:, 0], average_attn_weights=False)
    torch.testing.assert_close(ours, expected, atol=10 * tolerances[dtype], rtol=1e-5)
    torch.testing.assert_close(weights, their_weights, atol=tolerances[dtype], rtol=1e-5)


@random_cases
@given(
    nodes=st.integers(2, 12), heads=st.integers(1, 4), d_in=sizes, d_head=sizes, edges=st.integers(1, 40), seed=seeds
)
def test_attend_with_the_adjacency_as_mask_equals_dgls_gatconv(nodes, heads, d_in, d_head, edges, seed):
    torch.manual_seed(seed)
    pairs = torch.unique(torch.randint(nodes, (2, edges)), dim=1)  # self-loops by chance; some nodes stay isolated
    graph = dgl.graph((pairs[0], pairs[1]), num_nodes=nodes)
    theirs = GATConv(d_in, d_head, heads, bias=False, allow_zero_in_degree=True)
    features = draw(nodes, d_in)
    expected, their_weights = theirs(graph, features, get_attention=True)

    score = GraphScore(d_head, heads)
    score.a_query.data = theirs.attn_r.data[0]
    score.a_key.data = theirs.attn_l.data[0]
    projected = theirs.fc(features).unflatten(-1, (heads, d_head)).transpose(0, 1)
    context, weights = attend(projected, projected, projected, score, edge_mask(pairs[0], pairs[1], nodes))

    torch.testing.assert_close(context.transpose(0, 1), expected, atol=2e-6, rtol=1e-5)
    torch.testing.assert_close(weights[:, pairs[1], pairs[0]].T, their_weights[..., 0], atol=2e-6, rtol=1e-5)
    isolated = graph.in_degrees() == 0
    assert torch.all(context[:, isolated] == 0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_a_query_with_nothing_to_attend_to_gets_zeros_and_finite_gradients(dtype):
    query = draw(BATCH, Q_LEN, D_KEY, dtype=dtype).requires_grad_()
    keys = draw(BATCH, K_LEN, D_KEY, dtype=dtype).requires_grad_()
    values = draw(BATCH, K_LEN, D_VALUE, dtype=dtype).requires_grad_()
    mask = torch.ones(BATCH, Q_LEN, K_LEN, dtype=torch.bool)
    mask[1, 2] = False
    context, weights = attend(query, keys, values, scaled_dot_score, mask)
    assert torch.all(context[1, 2] == 0)
    assert torch.all(weights[1, 2] == 0)
    torch.testing.assert_close(weights.sum(-1)[0], torch.ones(Q_LEN, dtype=dtype), atol=2e-2, rtol=0)
    context.sum().backward()
    for tensor in (query, keys, values):
        assert torch.isfinite(tensor.grad).all()


def test_a_row_with_nothing_to_attend_to_passes_no_gradient_to_its_scores():
    scores = draw(Q_LEN, K_LEN).requires_grad_()
    mask = torch.ones(Q_LEN, K_LEN, dtype=torch.bool)
    mask[3] = False
    (masked_softmax(scores, mask) * draw(Q_LEN, K_LEN)).sum().backward()
    assert torch.all(scores.grad[3] == 0)
    assert scores.grad[2].abs().sum() > 0


def test_masked_softmax_equals_softmax_over_the_keys_that_are_left():
    scores = draw(Q_LEN, K_LEN)
    keep = torch.tensor([True, False, True, True, False, True, False])
    expected = torch.zeros(Q_LEN, K_LEN)
    expected[:, keep] = scores[:, keep].softmax(-1)
    torch.testing.assert_close(masked_softmax(scores, keep), expected)


def test_without_a_mask_every_key_may_be_attended_to():
    query, keys, values = draw(BATCH, Q_LEN, D_KEY), draw(BATCH, K_LEN, D_KEY), draw(BATCH, K_LEN, D_VALUE)
    context, weights = attend(query, keys, values, scaled_dot_score)
    torch.testing.assert_close(context, F.scaled_dot_product_attention(query, keys, values), atol=2e-6, rtol=1e-5)
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(BATCH, Q_LEN))


def test_masked_softmax_survives_scores_at_the_edge_of_the_number_range():
    scores = torch.tensor([[1e30, -1e30, 3e38]])
    weights = masked_softmax(scores, torch.tensor([True, True, False]))
    torch.testing.assert_close(weights, torch.tensor([[1.0, 0.0, 0.0]]))


def test_attend_does_not_change_its_arguments():
    tensors = [draw(BATCH, Q_LEN, D_KEY), draw(BATCH, K_LEN, D_KEY), draw(BATCH, K_LEN, D_VALUE)]
    before = [tensor.clone() for tensor in tensors]
    attend(*tensors, scaled_dot_score, torch.rand(BATCH, Q_LEN, K_LEN) < 0.5)
    assert all(torch.equal(a, b) for a, b in zip(tensors, before, strict=True))


def test_zero_score_is_mean_pooling_over_the_real_positions():
    lengths = torch.tensor([3, 7])
    values = draw(BATCH, K_LEN, D_VALUE)
    context, _ = attend(draw(BATCH, 1, D_QUERY), values, values, zero_score, padding_mask(lengths, K_LEN))
    expected = torch.stack([values[0, :3].mean(0), values[1].mean(0)])[:, None]
    torch.testing.assert_close(context, expected)


def test_zero_score_with_the_last_position_mask_is_the_last_state():
    lengths = torch.tensor([3, 7])
    values = draw(BATCH, K_LEN, D_VALUE)
    context, _ = attend(draw(BATCH, 1, D_QUERY), values, values, zero_score, last_position_mask(lengths, K_LEN))
    torch.testing.assert_close(context[:, 0], torch.stack([values[0, 2], values[1, 6]]))


def test_luongs_concat_is_bahdanaus_additive_score_with_its_matrix_split():
    concat = ConcatScore(D_QUERY, D_KEY, D_ATTENTION)
    additive = AdditiveScore(D_QUERY, D_KEY, D_ATTENTION)
    additive.project_query.weight.data = concat.project.weight.data[:, :D_QUERY]
    additive.project_keys.weight.data = concat.project.weight.data[:, D_QUERY:]
    additive.reduce.weight.data = concat.reduce.weight.data
    keys, query = draw(BATCH, K_LEN, D_KEY), draw(BATCH, Q_LEN, D_QUERY)
    torch.testing.assert_close(concat(keys, query), additive(keys, query), atol=2e-6, rtol=1e-5)


def test_keys_projected_beforehand_give_the_same_additive_scores():
    at_once = AdditiveScore(D_QUERY, D_KEY, D_ATTENTION)
    beforehand = AdditiveScore(D_QUERY, None, D_ATTENTION)
    beforehand.load_state_dict(at_once.state_dict(), strict=False)
    keys, query = draw(BATCH, K_LEN, D_KEY), draw(BATCH, Q_LEN, D_QUERY)
    torch.testing.assert_close(beforehand(at_once.project_keys(keys), query), at_once(keys, query))


def test_additive_score_is_its_equation_written_as_loops():
    score = AdditiveScore(D_QUERY, D_KEY, D_ATTENTION)
    keys, query = draw(K_LEN, D_KEY), draw(Q_LEN, D_QUERY)
    w, u, v = score.project_query.weight, score.project_keys.weight, score.reduce.weight[0]
    expected = torch.tensor([[(v @ torch.tanh(w @ q + u @ k)).item() for k in keys] for q in query])
    torch.testing.assert_close(score(keys, query), expected, atol=2e-6, rtol=1e-5)


def test_general_score_is_its_equation_written_as_loops():
    score = GeneralScore(D_QUERY, D_KEY)
    keys, query = draw(K_LEN, D_KEY), draw(Q_LEN, D_QUERY)
    expected = torch.tensor([[(q @ score.project_keys.weight @ k).item() for k in keys] for q in query])
    torch.testing.assert_close(score(keys, query), expected, atol=2e-6, rtol=1e-5)


def test_context_score_is_its_equation_written_as_loops():
    score = ContextScore(D_KEY, D_ATTENTION)
    keys = draw(BATCH, K_LEN, D_KEY)
    u, w, b = score.query, score.project_keys.weight, score.project_keys.bias
    expected = torch.tensor([[[(u @ torch.tanh(w @ k + b)).item() for k in document]] for document in keys])
    torch.testing.assert_close(score(keys, score.context(BATCH)), expected, atol=2e-6, rtol=1e-5)


def test_graph_score_is_its_equation_on_the_concatenation():
    score = GraphScore(D_KEY, HEADS)
    keys, query = draw(HEADS, K_LEN, D_KEY), draw(HEADS, Q_LEN, D_KEY)
    a = torch.cat([score.a_query, score.a_key], dim=-1)
    expected = torch.tensor(
        [
            [[F.leaky_relu(a[h] @ torch.cat([q, k]), 0.2).item() for k in keys[h]] for q in query[h]]
            for h in range(HEADS)
        ]
    )
    torch.testing.assert_close(score(keys, query), expected, atol=2e-6, rtol=1e-5)


def test_scaled_dot_scores_keep_their_variance_as_the_width_grows():
    torch.manual_seed(0)
    for d_key in (4, 64, 1024):
        scores = scaled_dot_score(draw(300, d_key), draw(300, d_key))
        assert 0.9 < scores.var().item() < 1.1
        assert scores.var() < 0.5 * dot_score(draw(300, d_key), draw(300, d_key)).var()


def test_causal_mask_hides_exactly_the_future():
    expected = torch.tensor([[1, 0, 0], [1, 1, 0], [1, 1, 1]], dtype=torch.bool)
    assert torch.equal(causal_mask(3), expected)


def test_window_mask_shows_the_neighbours_within_the_radius():
    expected = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 1], [0, 0, 1, 1]], dtype=torch.bool)
    assert torch.equal(window_mask(4, 1), expected)


def test_edge_mask_lets_the_target_see_the_source_and_not_the_other_way():
    mask = edge_mask(torch.tensor([0]), torch.tensor([2]), 3)
    assert mask[2, 0]
    assert mask.sum() == 1


def test_padding_mask_shows_as_many_keys_as_the_sentence_is_long():
    mask = padding_mask(torch.tensor([0, 2, 3]), 3)
    assert mask.shape == (3, 1, 3)
    assert mask[:, 0].sum(dim=1).tolist() == [0, 2, 3]
    assert mask[1, 0].tolist() == [True, True, False]


def test_a_score_of_the_wrong_shape_is_refused_with_what_was_expected():
    query, keys = draw(BATCH, Q_LEN, D_KEY), draw(BATCH, K_LEN, D_KEY)
    with pytest.raises(ValueError, match=r"\(q_len, k_len\) = \(5, 7\).*\(2, 7, 5\)"):
        attend(query, keys, keys, lambda keys, query: keys @ query.transpose(-2, -1))


def test_a_mask_that_does_not_fit_is_refused_with_both_shapes():
    query, keys = draw(BATCH, Q_LEN, D_KEY), draw(BATCH, K_LEN, D_KEY)
    with pytest.raises(ValueError, match=r"mask has shape \(2, 7\).*\(2, 5, 7\)"):
        attend(query, keys, keys, scaled_dot_score, torch.ones(BATCH, K_LEN, dtype=torch.bool))


def test_shape_annotations_are_checked_at_run_time():
    with pytest.raises(Exception, match=r"(?s)keys.*type hint|Type-check"):
        scaled_dot_score(draw(K_LEN, D_KEY), draw(Q_LEN, D_KEY + 1))
