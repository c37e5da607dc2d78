"""`attend` against PyTorch's and DGL's own attention, over random sizes, masks and dtypes, and against plain loops."""

import inspect
import math
import os

os.environ.setdefault("DGLBACKEND", "pytorch")

import dgl
import numpy as np
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
    context, weights = attend(projected, projected, projected, score, edge_mask(pairs[0], pairs[1], nodes)[None])

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
    torch.testing.assert_close(score(keys, score.queries(BATCH)), expected, atol=2e-6, rtol=1e-5)


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


# What a mask hides.

CASES_PER_EXAMPLE = 25
POISONS = (math.nan, math.inf, -math.inf, "the largest number")
room = {torch.float64: 1e-11, torch.float32: 1e-4, torch.float16: 5e-2, torch.bfloat16: 4e-1}


def poison_of(poison: float | str, dtype: torch.dtype) -> float:
    return torch.finfo(dtype).max if isinstance(poison, str) else poison


def attend_by_hand(query, keys, values, table, mask, upstream):
    """One case, query by query, in float64: softmax(q·k / √d + table) over the keys it sees, and the four gradients."""
    context, weights = np.zeros((len(query), values.shape[1])), np.zeros(mask.shape)
    d_query, d_keys, d_values, d_table = (np.zeros(part.shape) for part in (query, keys, values, table))
    for i, seen in enumerate(mask):
        if not seen.any():
            continue
        scores = keys[seen] @ query[i] / query.shape[1] ** 0.5 + table[i, seen]
        ties = scores == (np.inf if (scores == np.inf).any() else -np.inf)
        raised = ties if ties.all() or np.inf in scores else np.exp(scores - scores.max())
        w = raised / raised.sum()
        weights[i, seen], context[i] = w, w @ values[seen]
        d_weights = values[seen] @ upstream[i]
        d_scores = 0 * w if raised is ties else w * (d_weights - w @ d_weights)
        d_table[i, seen] = d_scores
        d_query[i] = d_scores @ keys[seen] / query.shape[1] ** 0.5
        d_keys[seen] += np.outer(d_scores, query[i]) / query.shape[1] ** 0.5
        d_values[seen] += np.outer(w, upstream[i])
    return context, weights, d_query, d_keys, d_values, d_table


@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    q_len=st.integers(1, 5),
    k_len=st.integers(1, 5),
    d_key=st.integers(1, 5),
    d_value=st.integers(1, 5),
    dtype=st.sampled_from(list(room)),
    poison=st.sampled_from(POISONS),
    one_row=st.booleans(),
    seed=seeds,
)
def test_ten_thousand_random_cases_are_a_loop_over_what_is_seen_whatever_is_hidden(
    q_len, k_len, d_key, d_value, dtype, poison, one_row, seed
):
    torch.manual_seed(seed)
    n = CASES_PER_EXAMPLE
    query, keys, values, upstream = (
        draw(n, *shape, dtype=dtype) for shape in ((q_len, d_key), (k_len, d_key), (k_len, d_value), (q_len, d_value))
    )
    table = torch.tensor([0.0, 0.0, -math.inf, math.inf])[torch.randint(4, (n, q_len, k_len))]
    table = torch.where(torch.rand(n, 1, 1) < 0.5, draw(n, q_len, k_len), table).to(dtype)
    mask = torch.rand(n, 1 if one_row else q_len, k_len) < torch.rand(n, 1, 1)
    poisoned = torch.rand(n, k_len) < 0.3
    if one_row:  # what is hidden is hidden from every query
        mask &= ~poisoned[:, None]
    bad = (mask & poisoned[:, None]).any(dim=-1, keepdim=True)  # queries that see poison; the others must not
    upstream = torch.where(bad, 0.0, upstream)
    by_hand = [
        attend_by_hand(*case)
        for case in zip(
            *(part.double().numpy() for part in (query, keys, values, table)),
            (mask & ~bad).expand(n, q_len, k_len).numpy(),
            upstream.double().numpy(),
            strict=True,
        )
    ]
    context, weights, *gradients = (torch.from_numpy(np.stack(part)) for part in zip(*by_hand, strict=True))

    poison = poison_of(poison, dtype)
    query = query.masked_fill(~mask.any(dim=-1, keepdim=True), poison)
    keys, values = (part.masked_fill(poisoned[..., None], poison) for part in (keys, values))
    table = torch.where(mask, table, poison)
    leaves = [part.requires_grad_() for part in (query, keys, values, table)]
    got = attend(query, keys, values, lambda keys, query: scaled_dot_score(keys, query) + table, mask)
    got[0].backward(upstream)

    seen = ~bad.expand(n, q_len, 1)[..., 0]
    for ours, expected in zip(got, (context, weights), strict=True):
        torch.testing.assert_close(ours[seen].double(), expected[seen], atol=room[dtype], rtol=0)
    for leaf, expected in zip(leaves, gradients, strict=True):
        torch.testing.assert_close(leaf.grad.double(), expected, atol=room[dtype], rtol=room[dtype])
    assert (got[1][~mask.expand_as(table)] == 0).all()
    torch.testing.assert_close(
        got[1].double().sum(dim=-1)[seen],
        mask.any(dim=-1).expand(n, q_len)[seen].double(),
        atol=1e-6 if dtype in tolerances else 2e-2,
        rtol=0,
    )


def cosine_score(keys, query):  # 0 / 0 at a padded key of zeros
    return (keys / keys.norm(dim=-1, keepdim=True) @ query.mT).mT


SCORES = {
    "zero": zero_score,
    "dot": dot_score,
    "scaled dot": scaled_dot_score,
    "general": GeneralScore(D_KEY, D_KEY),
    "additive": AdditiveScore(D_KEY, D_KEY, D_ATTENTION),
    "additive, keys projected": AdditiveScore(D_KEY, None, D_KEY),
    "concat": ConcatScore(D_KEY, D_KEY, D_ATTENTION),
    "context": ContextScore(D_KEY, D_KEY),
    "graph": GraphScore(D_KEY, HEADS),
    "cosine": cosine_score,
}


def result_and_gradients(query, keys, values, score, mask, counted):
    """Give the counted rows, and through them the gradients of query, keys, values and the score's parameters."""
    leaves = [part.clone().requires_grad_() for part in (query, keys, values)]
    leaves += score.parameters() if isinstance(score, nn.Module) else []
    context, weights = attend(*leaves[:3], score, mask)
    loss = context[..., counted, :].sin().sum() + weights[..., counted, :].square().sum()
    gradients = torch.autograd.grad(loss, leaves, allow_unused=True, materialize_grads=True)
    return context[..., counted, :], weights[..., counted, :], *gradients


@pytest.mark.parametrize("hidden_by", ["padding", "the future"])
@pytest.mark.parametrize("poison", [*POISONS, 0.0])
@pytest.mark.parametrize("score", SCORES.values(), ids=SCORES)
def test_whatever_is_hidden_the_result_and_all_gradients_are_as_if_it_were_not_there(score, poison, hidden_by):
    torch.manual_seed(0)
    query, keys = draw(BATCH, HEADS, K_LEN, D_KEY), draw(BATCH, HEADS, K_LEN, D_KEY)
    values, left = draw(BATCH, HEADS, K_LEN, D_VALUE), 4
    counted = slice(0, left)
    if hidden_by == "padding":
        mask = padding_mask(torch.full((BATCH,), left), K_LEN)[:, None]
    else:
        mask = causal_mask(K_LEN).expand(1, 1, K_LEN, K_LEN)
    cut = [part[..., :left, :] for part in (query, keys, values)]
    expected = result_and_gradients(*cut, score, mask[..., : min(left, mask.shape[-2]), :left], counted)

    for part in (keys, values) if hidden_by == "padding" else (query, keys, values):
        part[..., left:, :] = poison_of(poison, part.dtype)
    context, weights, *gradients = result_and_gradients(query, keys, values, score, mask, counted)
    torch.testing.assert_close(context, expected[0])
    torch.testing.assert_close(weights[..., :left], expected[1])
    assert (weights[..., left:] == 0).all()
    for place, (ours, theirs) in enumerate(zip(gradients, expected[2:], strict=True)):
        if place < 3:
            assert (ours[..., left:, :] == 0).all()
            ours = ours[..., :left, :]
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("poison", POISONS)
def test_padding_full_of_poison_that_also_asks_leaves_the_real_rows_alone(poison):
    x = draw(BATCH, K_LEN, D_KEY)
    real = padding_mask(torch.tensor([4, 0]), K_LEN)[:, 0]
    x[~real] = poison_of(poison, x.dtype)
    for mask in (real[:, None, :], real[:, :, None] & real[:, None, :]):
        x = x.detach().requires_grad_()
        context, weights = attend(x, x, x, scaled_dot_score, mask)
        context[real].sum().backward()
        assert torch.isfinite(context[real]).all()
        assert torch.isfinite(x.grad).all()
        assert x.grad[0, :4].abs().sum() > 0
        assert (weights[1] == 0).all()


def test_a_query_that_sees_something_not_finite_says_so():
    keys = draw(1, 3, D_KEY)
    values = keys.clone()
    values[0, 1] = math.nan
    context, weights = attend(keys, keys, values, scaled_dot_score, causal_mask(3)[None])
    assert torch.isfinite(context[0, 0]).all()
    assert context[0, 1:].isnan().all()
    assert torch.isfinite(weights).all()


def test_rows_sum_to_one_also_where_the_score_says_infinity():
    scores = torch.tensor([[-math.inf] * 3, [-math.inf, 0, 0], [math.inf, 0, math.inf], [torch.finfo().min] * 3])
    mask = torch.tensor([[True, True, False]] * 4)
    expected = torch.tensor([[0.5, 0.5, 0], [0, 1, 0], [1, 0, 0], [0.5, 0.5, 0]])
    torch.testing.assert_close(masked_softmax(scores, mask), expected)
    torch.testing.assert_close(masked_softmax(scores).sum(dim=-1), torch.ones(4))


def test_a_score_that_is_no_number_spoils_its_own_row_and_no_other():
    scores = torch.tensor([[math.nan, 0.0, 0.0], [0.0, 0.0, math.nan]], requires_grad=True)
    weights = masked_softmax(scores, torch.tensor([[True, True, False]] * 2))
    assert weights[0, :2].isnan().all()
    assert weights[0, 2] == 0
    assert weights[1].tolist() == [0.5, 0.5, 0]
    weights[1].square().sum().backward()
    assert torch.isfinite(scores.grad[1]).all()


@random_cases
@given(batch=sizes, heads=sizes, q_len=sizes, k_len=sizes, d_key=sizes, dtype=dtypes, one_row=st.booleans(), seed=seeds)
def test_without_weights_the_context_and_its_gradients_are_the_same(
    batch, heads, q_len, k_len, d_key, dtype, one_row, seed
):
    torch.manual_seed(seed)
    query, keys, values = (draw(batch, heads, n, d_key, dtype=dtype) for n in (q_len, k_len, k_len))
    mask = torch.rand(batch, 1, 1 if one_row else q_len, k_len) < 0.6
    upstream, outcomes = draw(batch, heads, q_len, d_key, dtype=dtype), []
    for need_weights in (True, False):
        leaves = [part.clone().requires_grad_() for part in (query, keys, values)]
        context, weights = attend(*leaves, scaled_dot_score, mask, need_weights=need_weights)
        assert (weights is None) is not need_weights
        outcomes.append([context, *torch.autograd.grad(context, leaves, upstream)])
    for with_weights, without in zip(*outcomes, strict=True):
        torch.testing.assert_close(without, with_weights, atol=20 * tolerances[dtype], rtol=1e-4)


@pytest.mark.parametrize("poison", POISONS)
def test_without_weights_hidden_entries_stay_hidden(poison):
    query, keys, values = draw(BATCH, K_LEN, D_KEY), draw(BATCH, K_LEN, D_KEY), draw(BATCH, K_LEN, D_VALUE)
    keys[:, 4:] = values[:, 4:] = poison_of(poison, keys.dtype)
    query.requires_grad_()
    context, _ = attend(query, keys, values, scaled_dot_score, causal_mask(K_LEN)[None], need_weights=False)
    expected, _ = attend(query[:, :4], keys[:, :4], values[:, :4], scaled_dot_score, causal_mask(4)[None])
    torch.testing.assert_close(context[:, :4], expected)
    context[:, :4].sum().backward()
    assert torch.isfinite(query.grad).all()


def nearly_causal(seen: tuple[int, int], hidden: tuple[int, int]) -> torch.Tensor:
    mask = causal_mask(K_LEN)
    mask[seen], mask[hidden] = True, False
    return mask


@pytest.mark.parametrize(
    "mask",
    [
        causal_mask(K_LEN),
        causal_mask(K_LEN).T,
        nearly_causal(seen=(0, 1), hidden=(1, 0)),
        nearly_causal(seen=(0, 0), hidden=(K_LEN - 1, 0)),
        nearly_causal(seen=(0, K_LEN - 1), hidden=(0, 0)),
        causal_mask(K_LEN)[:-1],
    ],
    ids=["causal", "the other way round", "two exchanged", "one hidden", "one from the future", "a row fewer"],
)
@pytest.mark.parametrize("shape", [(2,), (2, 3)], ids=["batch", "batch and heads"])
def test_without_weights_only_a_causal_mask_is_taken_for_one(mask, shape):
    query, keys, values = draw(*shape, len(mask), D_KEY), draw(*shape, K_LEN, D_KEY), draw(*shape, K_LEN, D_VALUE)
    with_weights, _ = attend(query, keys, values, scaled_dot_score, mask[None])
    without, _ = attend(query, keys, values, scaled_dot_score, mask[None], need_weights=False)
    torch.testing.assert_close(without, with_weights)


def test_without_weights_any_other_score_is_still_the_score():
    query, keys, values = draw(BATCH, Q_LEN, D_KEY), draw(BATCH, K_LEN, D_KEY), draw(BATCH, K_LEN, D_VALUE)
    context, _ = attend(query, keys, values, dot_score)
    torch.testing.assert_close(attend(query, keys, values, dot_score, need_weights=False)[0], context)


# What is refused.


def test_a_score_of_the_wrong_shape_is_refused_with_what_was_expected():
    query, keys = draw(BATCH, Q_LEN, D_KEY), draw(BATCH, K_LEN, D_KEY)
    with pytest.raises(ValueError, match=r"\(q_len, k_len\) = \(5, 7\).*\(2, 7, 5\)"):
        attend(query, keys, keys, lambda keys, query: keys @ query.transpose(-2, -1))
    with pytest.raises(ValueError, match=r"after the batch axes \(2,\), but gave \(5, 7\)"):
        attend(query, keys, keys, lambda keys, query: dot_score(keys, query)[0])
    with pytest.raises(ValueError, match=r"score\(keys, query\) must hold floating-point numbers, got int64"):
        attend(query, keys, keys, lambda keys, query: dot_score(keys, query).long())


def test_a_mask_that_does_not_fit_is_refused_with_both_shapes():
    query, keys = draw(BATCH, Q_LEN, D_KEY), draw(BATCH, K_LEN, D_KEY)
    with pytest.raises(ValueError, match=r"mask has shape \(2, 7\).*\(2, 5, 7\)"):
        attend(query, keys, keys, scaled_dot_score, torch.ones(BATCH, K_LEN, dtype=torch.bool))
    with pytest.raises(ValueError, match=r"mask has shape \(4,\), which does not broadcast.*\(5, 7\)"):
        masked_softmax(draw(5, 7), torch.ones(4, dtype=torch.bool))


@pytest.mark.parametrize(
    ("batch", "mask"),
    [((3,), (3, 7)), ((3,), (7,)), ((3,), ()), ((4, 4), (4, 1, 7)), ((4, 4), (4, 7)), ((2,), (1, 1, 3, 7))],
)
def test_a_mask_without_one_of_its_axes_is_refused_although_it_would_broadcast(batch, mask):
    query, keys = draw(*batch, 3, D_KEY), draw(*batch, 7, D_KEY)
    with pytest.raises(ValueError, match=r"needs all axes.*mask\[None\].*mask\[:, None, :\]"):
        attend(query, keys, keys, scaled_dot_score, torch.ones(mask, dtype=torch.bool))


@pytest.mark.parametrize("shape", [(1, Q_LEN, K_LEN), (1, 1, Q_LEN, K_LEN), (BATCH, 1, 1, K_LEN), (1, HEADS, Q_LEN, 1)])
def test_an_axis_of_size_one_is_for_all(shape):
    query, keys = draw(BATCH, HEADS, Q_LEN, D_KEY), draw(BATCH, HEADS, K_LEN, D_KEY)
    mask = torch.rand(shape) < 0.6
    context, _ = attend(query, keys, keys, scaled_dot_score, mask)
    expected, _ = attend(query, keys, keys, scaled_dot_score, mask.expand(BATCH, HEADS, Q_LEN, K_LEN))
    torch.testing.assert_close(context, expected)


@pytest.mark.parametrize("kind", [torch.int64, torch.uint8, torch.float32, torch.float16])
def test_a_mask_that_is_not_boolean_is_refused_with_what_to_write(kind):
    keys, mask = draw(BATCH, K_LEN, D_KEY), torch.ones(BATCH, 1, K_LEN, dtype=kind)
    with pytest.raises(ValueError, match=rf"boolean.*got {str(kind)[6:]}; write mask\.bool\(\).*mask == 0"):
        attend(keys, keys, keys, scaled_dot_score, mask)
    with pytest.raises(ValueError, match="boolean"):
        masked_softmax(dot_score(keys, keys), mask)


unchecked = inspect.unwrap(attend)  # as lessons run it: without the tests' checks of its annotations


def test_a_mask_of_numpy_is_refused():
    keys = draw(BATCH, K_LEN, D_KEY)
    with pytest.raises(ValueError, match=r"boolean tensor.*got ndarray"):
        unchecked(keys, keys, keys, scaled_dot_score, np.ones((BATCH, 1, K_LEN), dtype=bool))


@pytest.mark.parametrize("name", ["query", "keys", "values"])
def test_what_is_not_a_tensor_of_floating_point_numbers_is_refused_by_its_name(name):
    given_ = {"query": draw(3, 5), "keys": draw(3, 5), "values": draw(3, 5), "score": dot_score}
    with pytest.raises(ValueError, match=rf"{name} must hold floating-point numbers, got int64; write {name}\.float"):
        attend(**{**given_, name: torch.arange(15).view(3, 5)})
    with pytest.raises(ValueError, match=rf"{name} must be a tensor, got list; use torch\.as_tensor\({name}\)"):
        unchecked(**{**given_, name: [[1.0, 2.0]]})
    with pytest.raises(ValueError, match=rf"{name} must have shape \(\*batch, length, width\), got \(5,\)"):
        unchecked(**{**given_, name: draw(5)})
    with pytest.raises(ValueError, match=rf"one dtype, got.*{name} in float64.*\.to\(query\.dtype\)"):
        attend(**{**given_, name: draw(3, 5).double()})
    with pytest.raises(ValueError, match=rf"one device, got.*{name} on meta.*\.to\(query\.device\)"):
        attend(**{**given_, name: draw(3, 5).to("meta")})
    with pytest.raises(ValueError, match=rf"the same batch axes.*{name} \(2, 3, 5\)"):
        unchecked(**{**given_, name: draw(2, 3, 5)})


def test_keys_without_a_value_and_widths_that_differ_are_refused():
    with pytest.raises(ValueError, match=r"one value per key.*keys \(3, 5\), values \(2, 5\)"):
        unchecked(draw(3, 5), draw(3, 5), draw(2, 5), dot_score)
    with pytest.raises(ValueError, match="same width, got 4 and 5"):
        inspect.unwrap(dot_score)(draw(3, 5), draw(3, 4))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: causal_mask(0), "causal_mask: the length must be 1 or more, got 0"),
        (lambda: window_mask(-3, 1), "window_mask: the length must be 1 or more, got -3"),
        (lambda: window_mask(3, -1), "radius must be 0 or more, got -1"),
        (lambda: padding_mask(torch.tensor([2, 4]), 3), "k_len = 3 keys needs lengths from 0 to 3, got 2 to 4"),
        (lambda: last_position_mask(torch.tensor([-1, 2]), 3), "lengths from 0 to 3, got -1 to 2"),
        (
            lambda: edge_mask(torch.tensor([0, 3]), torch.tensor([1, 1]), 3),
            "sources must name nodes from 0 to 2, got 0",
        ),
        (lambda: edge_mask(torch.tensor([0, 1]), torch.tensor([-1, 1]), 3), "targets must name nodes from 0 to 2"),
        (lambda: inspect.unwrap(edge_mask)(torch.tensor([0, 1]), torch.tensor([1]), 3), "a source and a target, got 2"),
    ],
)
def test_a_mask_of_a_size_that_cannot_be_is_refused_when_it_is_made(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_masks_are_made_where_their_input_is_and_attend_follows():
    lengths, x = torch.tensor([3, 2], device="meta"), draw(2, 3, D_KEY).to("meta")
    masks = [
        padding_mask(lengths, 3),
        last_position_mask(lengths, 3),
        causal_mask(3, x.device)[None],
        window_mask(3, 1, x.device)[None],
    ]
    for mask in masks:
        for need_weights in (True, False):
            assert attend(x, x, x, scaled_dot_score, mask, need_weights)[0].is_meta
    assert edge_mask(lengths, lengths, 7).is_meta
    with pytest.raises(ValueError, match=r"mask is on cpu and the query on meta; make it there"):
        attend(x, x, x, scaled_dot_score, causal_mask(3)[None])


def test_shape_annotations_are_checked_at_run_time():
    with pytest.raises(Exception, match=r"(?s)keys.*type hint|Type-check"):
        scaled_dot_score(draw(K_LEN, D_KEY), draw(Q_LEN, D_KEY + 1))
