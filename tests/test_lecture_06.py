"""Lecture 06: three ways to graph attention are one, no node reads what it is not connected to, seeds repeat."""

from dataclasses import replace

import dgl
import numpy as np
import pytest
import torch
from dgl.nn import GATConv, GATv2Conv, GraphConv
from scipy.sparse import random as random_sparse
from torch import nn
from torch.nn import functional as F

from course_utils.attention import AdditiveScore, attend, edge_mask
from course_utils.attention import GraphScore as PackageScore
from course_utils.data import sparse_features
from course_utils.data.node_classification import CitationGraph, both_directions, split_per_class
from course_utils.exercises.checks import diagnose
from course_utils.training import set_seed
from tests.notebooks import definitions
from tests.solutions import solutions

D_IN, D_HEAD, N_NODES = 7, 5, 23
SHAPES = [(11, 40, 1, True), (13, 17, 3, False), (53, 300, 8, True), (53, 61, 2, False), (2, 1, 3, False)]


@pytest.fixture(scope="module")
def lecture():
    return definitions("06_graph_attention")


def small_network():
    """A small random network: 97 documents, 11 words, 3 classes."""
    n_nodes, n_words, n_classes = 97, 11, 3
    rng = np.random.default_rng(0)
    labels = torch.arange(n_nodes) % n_classes
    train, val, test = split_per_class(labels, 5, 17, seed=0)
    sources, targets = both_directions(rng.integers(n_nodes, size=(2, 131)))
    return CitationGraph(
        features=random_sparse(n_nodes, n_words, 0.3, format="csr", dtype=np.float32, rng=rng),
        labels=labels,
        sources=sources,
        targets=targets,
        classes=tuple("abc"),
        train=train,
        val=val,
        test=test,
        names=tuple(f"document {i}" for i in range(n_nodes)),
    )


@pytest.fixture
def citations():
    return small_network()


def random_graph(n_nodes, n_edges, self_loops):
    sources, targets = torch.randint(n_nodes, (2, n_edges)).unique(dim=1)
    graph = dgl.remove_self_loop(dgl.graph((sources, targets), num_nodes=n_nodes))
    return dgl.add_self_loop(graph) if self_loops else graph


def a_graph(n_edges=61, self_loops=True, n_nodes=N_NODES):
    set_seed(0)
    return random_graph(n_nodes, n_edges, self_loops)


def test_the_score_of_the_lecture_is_the_one_of_the_package(lecture):
    ours, theirs = lecture.GraphScore(D_HEAD, 3), PackageScore(D_HEAD, 3)
    theirs.load_state_dict(ours.state_dict())
    query, keys = torch.randn(2, 3, 11, D_HEAD), torch.randn(2, 3, 13, D_HEAD)
    torch.testing.assert_close(ours(keys, query), theirs(keys, query))


def test_the_score_is_leaky_relu_of_a_times_query_and_key_side_by_side(lecture):
    score = lecture.GraphScore(D_HEAD, 1)
    query, keys = torch.randn(11, D_HEAD), torch.randn(13, D_HEAD)
    a = torch.cat([score.a_query[0], score.a_key[0]])
    expected = torch.stack([torch.stack([F.leaky_relu(a @ torch.cat([q, k]), 0.2) for k in keys]) for q in query])
    torch.testing.assert_close(score(keys[None], query[None])[0], expected)


def test_the_additive_score_with_tanh_is_bahdanaus(lecture):
    bahdanau = AdditiveScore(d_query=3, d_key=5, d_attention=7)
    query, keys = torch.randn(11, 3), torch.randn(13, 5)
    ours = lecture.additive_score(
        keys,
        query,
        bahdanau.project_query.weight.T,
        bahdanau.project_keys.weight.T,
        bahdanau.reduce.weight[0],
        torch.tanh,
    )
    torch.testing.assert_close(ours, bahdanau(keys, query))


def test_the_additive_score_with_one_hidden_unit_and_leaky_relu_is_gats(lecture):
    gat = lecture.GraphScore(D_HEAD, 1)
    query, keys = torch.randn(11, D_HEAD), torch.randn(13, D_HEAD)
    ours = lecture.additive_score(keys, query, gat.a_query.T, gat.a_key.T, torch.ones(1), nn.LeakyReLU(0.2))
    torch.testing.assert_close(ours, gat(keys[None], query[None])[0])


@pytest.mark.parametrize(("n_nodes", "n_edges", "n_heads", "self_loops"), SHAPES)
def test_mask_edges_and_gatconv_give_the_same_context(lecture, n_nodes, n_edges, n_heads, self_loops):
    for seed in range(5):
        set_seed(seed)
        graph = random_graph(n_nodes, n_edges, self_loops)
        masked, edgewise, dgls = lecture.three_ways(graph, n_heads)
        torch.testing.assert_close(edgewise, masked, rtol=1e-5, atol=2e-6)
        torch.testing.assert_close(dgls, masked, rtol=1e-5, atol=2e-6)


def test_mask_and_edges_give_the_same_weights_and_gradients(lecture):
    graph = a_graph()
    values = torch.randn(N_NODES, 3, D_HEAD, dtype=torch.float64, requires_grad=True)
    edgewise = lecture.EdgeAttention(D_HEAD, 3).double()
    masked, table = lecture.by_mask(graph, values, edgewise.score)
    context, weights = edgewise(graph, values)
    sources, targets = graph.edges()
    torch.testing.assert_close(weights[:, :, 0], table[:, targets, sources].T)
    wanted = [values, *edgewise.parameters()]
    direction = torch.randn_like(context)
    ours = torch.autograd.grad((context * direction).sum(), wanted)
    for found, expected in zip(ours, torch.autograd.grad((masked * direction).sum(), wanted), strict=True):
        torch.testing.assert_close(found, expected)


def test_an_isolated_node_gets_zeros_and_finite_gradients_from_mask_and_edges(lecture):
    graph = dgl.graph(([0, 1], [1, 0]), num_nodes=5)
    edgewise = lecture.EdgeAttention(D_HEAD, 3)
    for compute in (edgewise, lambda graph, values: lecture.by_mask(graph, values, edgewise.score)):
        values = torch.randn(5, 3, D_HEAD, requires_grad=True)
        context, _ = compute(graph, values)
        assert (context[2:] == 0).all()
        assert (context[:2] != 0).any()
        context.square().sum().backward()
        assert values.grad.isfinite().all()


def test_exchanging_the_halves_of_a_changes_gatconv(lecture):
    graph, features, W = a_graph(), torch.randn(N_NODES, D_IN), torch.randn(D_IN, 3 * D_HEAD)
    score = lecture.GraphScore(D_HEAD, 3)
    right = lecture.by_dgl(graph, features, W, score)
    score.a_query, score.a_key = score.a_key, score.a_query
    assert (lecture.by_dgl(graph, features, W, score) - right).abs().max() > 0.1


def test_a_node_reads_along_edges_from_source_to_target_only(lecture):
    graph = dgl.graph(([0], [1]), num_nodes=3)  # node 1 may read node 0, and nobody else anything
    values = torch.randn(3, 2, D_HEAD)
    edgewise = lecture.EdgeAttention(D_HEAD, 2)
    context, _ = edgewise(graph, values)
    torch.testing.assert_close(context[1], values[0])
    assert (context[[0, 2]] == 0).all()


def test_nothing_reaches_a_node_from_further_than_two_layers_can_carry(lecture):
    path = torch.arange(6)
    graph = dgl.add_self_loop(dgl.graph((path[:-1], path[1:])))
    network = lecture.gat(D_IN, 3).eval()
    features = torch.randn(6, D_IN)
    changed = features.clone()
    changed[0] += 1
    before, after = network([graph, graph], features)[0], network([graph, graph], changed)[0]
    torch.testing.assert_close(after[3:], before[3:], rtol=0, atol=0)
    assert (after[2] != before[2]).any()


def test_renumbering_the_nodes_renumbers_the_result(lecture):
    graph, network = a_graph(), lecture.gat(D_IN, 3).eval()
    features, order = torch.randn(N_NODES, D_IN), torch.randperm(N_NODES)
    sources, targets = graph.edges()
    place = order.argsort()
    renumbered = dgl.graph((place[sources], place[targets]), num_nodes=N_NODES)
    torch.testing.assert_close(
        network([renumbered, renumbered], features[order])[0], network([graph, graph], features)[0][order]
    )


def test_the_gat_network_is_two_gatconv_layers(lecture):
    graph, network = a_graph(), lecture.gat(D_IN, 3).eval()
    features = torch.randn(N_NODES, D_IN)
    nn.init.normal_(network.first.bias)
    nn.init.normal_(network.last.bias)
    hidden = features
    for layer in (network.first, network.last):
        score = layer.mix.score
        n_heads, d_head = score.a_query.shape
        twin = GATConv(len(layer.W), d_head, n_heads)
        twin.load_state_dict(
            {
                "fc.weight": layer.W.T,
                "attn_l": score.a_key[None],
                "attn_r": score.a_query[None],
                "bias": layer.bias.flatten(),
            }
        )
        context = twin(graph, hidden)
        hidden = F.elu(context.flatten(1))
    torch.testing.assert_close(network([graph, graph], features)[0], context.mean(1))


def test_the_gcn_network_is_two_graphconv_layers(lecture):
    graph = dgl.add_self_loop(dgl.to_bidirected(a_graph(self_loops=False)))
    network = lecture.gcn(D_IN, 3).eval()
    features = torch.randn(N_NODES, D_IN)
    hidden = features
    for layer in (network.first, network.last):
        twin = GraphConv(*layer.W.shape, norm="both", bias=False)
        twin.weight.data = layer.W.data
        context = twin(graph, hidden)
        hidden = F.elu(context)
    torch.testing.assert_close(network([graph, graph], features)[0], context)


def test_the_mlp_never_looks_at_the_graph(lecture, citations):
    model = lecture.mlp(11, 3).eval()
    torch.testing.assert_close(
        lecture.predict(model, citations)[0], lecture.predict(model, citations.rewired(1))[0], rtol=0, atol=0
    )


def test_the_network_reads_sparse_features_as_it_reads_dense_ones(lecture, citations):
    graph, network = lecture.as_dgl(citations), lecture.gat(11, 3).eval()
    dense = torch.from_numpy(citations.features.toarray())
    torch.testing.assert_close(
        network(2 * [graph], lecture.SparseFeatures(citations.features))[0], network(2 * [graph], dense)[0]
    )


def test_training_drops_features_hidden_units_and_weights(lecture, citations, monkeypatch):
    dropped = []

    def remember(values, rate, training):
        dropped.append((tuple(values.shape), rate, training))
        return values

    monkeypatch.setattr(lecture, "drop", remember)  # of the weights
    monkeypatch.setattr(sparse_features, "drop", remember)  # of features and hidden units
    graph, features = lecture.as_dgl(citations), lecture.SparseFeatures(citations.features)
    lecture.gat(11, 3).train()(2 * [graph], features)
    n_edges = graph.num_edges()
    shapes = [(citations.features.nnz,), (n_edges, 8, 1), (97, 64), (n_edges, 1, 1)]
    assert dropped == [(shape, 0.6, True) for shape in shapes]


def test_the_same_seed_gives_the_same_network_and_another_seed_another(lecture, citations):
    first, again, other = (lecture.train(lecture.gat, citations, seed, 3) for seed in (0, 0, 1))
    assert torch.equal(first.first.W, again.first.W)
    assert torch.equal(first.last.mix.score.a_key, again.last.mix.score.a_key)
    assert not torch.equal(first.first.W, other.first.W)


def test_training_sees_no_label_of_a_test_document(lecture, citations):
    hidden = citations.labels.clone()
    hidden[citations.test] = 0
    blind = replace(citations, labels=hidden)
    ours, theirs = (lecture.train(lecture.gat, graph, 0, 3) for graph in (citations, blind))
    torch.testing.assert_close(ours.first.W, theirs.first.W)


def test_a_full_mask_turns_graph_attention_into_plain_self_attention(lecture):
    everyone = torch.cartesian_prod(torch.arange(11), torch.arange(11)).T
    score, values = lecture.GraphScore(D_HEAD, 3), torch.randn(3, 11, D_HEAD)
    masked, _ = attend(values, values, values, score, edge_mask(*everyone, 11)[None])
    unmasked, _ = attend(values, values, values, score)
    torch.testing.assert_close(masked, unmasked)


def test_gatv2_scores_as_dgls_layer_does(lecture):
    graph, features = a_graph(), torch.randn(N_NODES, D_IN)
    theirs = GATv2Conv(D_IN, D_HEAD, 3, bias=False)
    score = lecture.DynamicScore(D_HEAD, 3)
    score.a.data = theirs.attn.data[0]
    query, keys = (
        (features @ side.weight.T).unflatten(1, (3, D_HEAD)).transpose(0, 1) for side in (theirs.fc_dst, theirs.fc_src)
    )
    context, _ = attend(query, keys, keys, score, edge_mask(*graph.edges(), N_NODES)[None])
    torch.testing.assert_close(context.transpose(0, 1), theirs(graph, features))


def test_gat_ranks_the_keys_alike_for_every_query_and_gatv2_does_not(lecture):
    set_seed(0)
    query, keys = torch.randn(3, 11, D_HEAD), torch.randn(3, 13, D_HEAD)
    ranking = lecture.GraphScore(D_HEAD, 3)(keys, query).argsort(dim=-1)
    assert (ranking == ranking[:, :1]).all()
    ranking = lecture.DynamicScore(D_HEAD, 3)(keys, query).argsort(dim=-1)
    assert (ranking != ranking[:, :1]).any()


def test_each_dictionary_holds_every_value_once(lecture):
    entries = lecture.dictionaries(7)
    assert entries.shape == (7, lecture.N_ENTRIES)
    assert torch.equal(entries.sort(dim=1).values, torch.arange(lecture.N_ENTRIES).expand(7, -1))


def test_every_labelled_node_is_dealt_once_an_epoch_with_at_most_fan_out_neighbours(lecture, citations):
    batches = lecture.sampled_batches(citations, 2)()
    dealt = torch.cat([outputs for _, outputs, _ in batches])
    assert torch.equal(dealt.sort().values, citations.train.nonzero()[:, 0])
    for inputs, outputs, (first, last) in batches:
        assert torch.equal(first.srcdata[dgl.NID], inputs)
        assert torch.equal(last.dstdata[dgl.NID], outputs)
        assert max(first.in_degrees().max(), last.in_degrees().max()) == 2


def test_blocks_with_all_neighbours_give_what_the_whole_graph_gives(lecture, citations):
    model = lecture.gat(11, 3).eval()
    whole = lecture.predict(model, citations)[0]
    for inputs, outputs, blocks in lecture.sampled_batches(citations, -1)():
        part, _ = model(blocks, lecture.SparseFeatures(citations.features[inputs.numpy()]))
        torch.testing.assert_close(part, whole[outputs])


def test_the_rule_of_the_paper_can_select_and_the_loss_does_so_by_itself(lecture, citations, monkeypatch):
    seen = []

    def fit(model, loss, batches, epochs, **options):
        seen.append(options["validate"]())

    monkeypatch.setattr(lecture, "fit", fit)
    lecture.train(lecture.gat, citations, 0, 3)
    lecture.train(lecture.gat, citations, 0, 3, select=lambda logits, labels: (len(logits), len(labels)))
    assert seen[0] < 0
    assert seen[1] == (17, 17), "only validation documents select"


def test_the_solution_in_update_all_is_gatconv_and_a_mean(lecture):
    code, answer = solutions("06_graph_attention")["06_update_all"]
    namespace = dict(vars(lecture))
    exec(code, namespace)
    graph, values, score = a_graph(self_loops=False), torch.randn(N_NODES, D_HEAD), lecture.GraphScore(D_HEAD, 1)
    sources, targets = graph.edges()
    mean, context = namespace[answer](sources, targets, N_NODES, values, score.a_query[0], score.a_key[0])
    torch.testing.assert_close(context, lecture.by_dgl(graph, values, torch.eye(D_HEAD), score)[:, 0])
    degree = graph.in_degrees()[:, None]
    torch.testing.assert_close(mean, graph.adj_external().to_dense().T @ values / degree.clamp_min(1))


def test_a_softmax_over_the_wrong_axis_of_the_mailbox_is_recognised(lecture):
    code, answer = solutions("06_graph_attention")["06_update_all"]
    assert "softmax(dim=1)" in code
    for axis, told in ((1, "correct."), (0, "messages of different nodes compete")):
        namespace = dict(vars(lecture))
        exec(code.replace("softmax(dim=1)", f"softmax(dim={axis})"), namespace)
        assert told in diagnose("06_update_all", namespace[answer])


def test_references_are_drawn_as_the_table_says(lecture):
    docs = replace(small_network(), labels=torch.arange(97) % 11, classes=tuple("abcdefghijk"))
    partner = torch.tensor([1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 10])
    paired = lecture.with_references(docs, torch.eye(11)[partner])
    assert torch.equal(partner[docs.labels[paired.sources]], docs.labels[paired.targets])
    within = lecture.with_references(docs, lecture.staying(1.0))
    assert torch.equal(docs.labels[within.targets], docs.labels[within.sources])
    assert lecture.staying(0.9).sum(dim=1).tolist() == pytest.approx([1] * 11)
    assert lecture.staying(0.9).diagonal().tolist() == pytest.approx([0.9] * 11)
