"""Experiments 06: baselines and variants are what they are called, what is deleted or sampled is what was meant."""

from dataclasses import replace
from types import SimpleNamespace

import dgl
import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix
from torch import nn
from torch.nn import functional as F

from course_utils.training import set_seed
from tests.notebooks import definitions
from tests.test_lecture_06 import D_IN, N_NODES, a_graph, small_network


@pytest.fixture(scope="module")
def lecture():
    return definitions("06_graph_attention")


@pytest.fixture(scope="module")
def experiment():
    return definitions("experiments/06_graph_attention")


@pytest.fixture
def citations():
    return small_network()


def test_without_score_every_key_weighs_the_same_and_stays_so(lecture, experiment, citations):
    model = lecture.train(experiment.gat_without_score, citations, 0, 3)
    graph = lecture.as_dgl(citations)
    _, weights = lecture.predict(model, citations)
    uniform = 1 / graph.in_degrees()[graph.edges()[1]]
    for layer_weights in weights:
        torch.testing.assert_close(layer_weights, uniform[:, None, None].expand_as(layer_weights))


def test_the_relative_entropy_is_one_for_uniform_and_zero_for_certain_weights(lecture, experiment):
    graph = a_graph()
    sources, targets = graph.edges()
    uniform = (1 / graph.in_degrees()[targets])[:, None, None].expand(-1, 3, 1)
    certain = (sources == targets).float()[:, None, None].expand(-1, 3, 1)
    assert experiment.relative_entropy(graph, uniform) == pytest.approx(1, abs=1e-5)
    assert experiment.relative_entropy(graph, certain) == pytest.approx(0, abs=1e-5)


def test_dgls_network_is_the_same_function_as_ours(lecture, experiment):
    graph, ours = a_graph(), lecture.gat(D_IN, 3).eval()
    theirs = experiment.DglNetwork(D_IN, 3).eval()
    for layer, twin in ((ours.first, theirs.first), (ours.last, theirs.last)):
        score = layer.mix.score
        nn.init.normal_(layer.bias)
        copied = {"fc.weight": layer.W.T, "attn_l": score.a_key[None], "attn_r": score.a_query[None]}
        twin.load_state_dict(copied | {"bias": layer.bias.flatten()})
    features = torch.randn(N_NODES, D_IN)
    torch.testing.assert_close(theirs([graph, graph], features)[0], ours([graph, graph], features)[0])


def test_label_propagation_approaches_its_closed_form(experiment, citations):
    degree = torch.bincount(citations.targets, minlength=97) + 1.0
    spread = torch.eye(97)
    spread[citations.targets, citations.sources] = 1
    spread = spread / (degree[:, None] * degree[None, :]).sqrt()
    known = F.one_hot(citations.labels, 3) * citations.train[:, None].float()
    expected = 0.1 * torch.linalg.solve(torch.eye(97) - 0.9 * spread, known)
    torch.testing.assert_close(experiment.propagate(citations), expected, rtol=0, atol=1e-4)


def test_label_propagation_and_tfidf_never_see_a_test_label(experiment, citations):
    hidden = citations.labels.clone()
    hidden[citations.test] = 0
    torch.testing.assert_close(experiment.propagate(replace(citations, labels=hidden)), experiment.propagate(citations))
    words = SimpleNamespace(words=lambda i: ("abc"[citations.labels[i]], "same"))
    assert experiment.tfidf_accuracy(words, citations) == 1
    blind = SimpleNamespace(words=lambda i: ("unseen",) if citations.test[i] else words.words(i))
    assert experiment.tfidf_accuracy(blind, citations) < 0.6


def test_tfidf_takes_the_strength_that_is_best_on_the_validation_documents(experiment, citations, monkeypatch):
    n_val = int(citations.val.sum())

    class Judged:
        def __init__(self, C, max_iter):
            self.strength = C

        def fit(self, *_):
            return self

        def score(self, _, labels):
            return {0.1: 0.1, 1: 0.2, 10: 0.9, 100: 0.5}[self.strength] if len(labels) == n_val else self.strength

    assert n_val != int(citations.test.sum())
    monkeypatch.setattr(experiment, "LogisticRegression", Judged)
    words = SimpleNamespace(words=lambda i: ("same",))
    assert experiment.tfidf_accuracy(words, citations) == 10


def test_half_of_the_neighbours_go_the_first_in_order_and_never_the_self_loop(lecture, experiment):
    set_seed(0)
    graph = a_graph()
    order_by = torch.randn(graph.num_edges())
    sources, targets = graph.edges()
    left = set(zip(*(end.tolist() for end in experiment.without_half(graph, order_by).edges()), strict=True))
    for node in range(N_NODES):
        mine = [(order_by[e].item(), sources[e].item()) for e in (targets == node).nonzero()[:, 0].tolist()]
        mine = sorted((pair for pair in mine if pair[1] != node), reverse=True)
        stay = {source for _, source in mine[len(mine) // 2 :]} | {node}
        assert {source for source, target in left if target == node} == stay


def test_the_share_of_weight_on_chosen_edges_leaves_self_loops_out(experiment):
    graph = dgl.graph(([0, 1, 2, 3], [0, 0, 0, 0]), num_nodes=4)
    weights, chosen = torch.tensor([0.5, 0.3, 0.1, 0.1]), torch.tensor([1.0, 1, 0, 1])
    assert experiment.share_of(chosen, graph, weights)[0].item() == pytest.approx(0.8)


def test_equal_weights_keep_everything_but_the_score(lecture, experiment, citations):
    model = lecture.train(lecture.gat, citations, 0, 3)
    equal = experiment.with_equal_weights(model, citations)
    assert torch.equal(equal.first.W, model.first.W)
    assert torch.equal(equal.last.bias, model.last.bias)
    graph = lecture.as_dgl(citations)
    uniform = 1 / graph.in_degrees()[graph.edges()[1]]
    for weights in lecture.predict(equal, citations)[1]:
        torch.testing.assert_close(weights, uniform[:, None, None].expand_as(weights))


def test_deletion_orders_do_what_their_names_say(experiment):
    weights, same = [torch.rand(31), torch.rand(31)], (torch.rand(31) < 0.5).float()
    lengths = [torch.rand(31), torch.rand(31)]
    orders = experiment.orders_of_deletion(weights, lengths, same)
    for layer in range(2):
        assert torch.equal(orders["top-attended"][layer], weights[layer])
        assert torch.equal(orders["longest values"][layer], lengths[layer])
        assert torch.equal(orders["least-attended"][layer].argsort(), (-weights[layer]).argsort())
        shuffled = orders["top of shuffled weights"][layer]
        assert torch.equal(shuffled.sort().values, weights[layer].sort().values)
        assert not torch.equal(shuffled, weights[layer])
        assert orders["own area"][layer][same == 1].min() > orders["own area"][layer][same == 0].max()


def test_the_length_of_a_value_is_that_of_what_each_layer_mixes(lecture, experiment, citations):
    model = lecture.train(lecture.gat, citations, 0, 3)
    graph, features = lecture.as_dgl(citations), lecture.SparseFeatures(citations.features)
    before = experiment.lengths_of_values(model, graph, features)
    assert [length.shape for length in before] == [(citations.n_nodes,)] * 2
    words = torch.from_numpy(citations.features.toarray())
    torch.testing.assert_close(before[0], (words @ model.first.W).norm(dim=1))
    with torch.no_grad():
        model.last.W *= 2
    after = experiment.lengths_of_values(model, graph, features)
    torch.testing.assert_close(after[0], before[0])
    torch.testing.assert_close(after[1], 2 * before[1])
    assert not model.first.mix._forward_pre_hooks


def test_deleting_nothing_costs_nothing_and_all_costs_come_from_the_same_documents(
    lecture, experiment, citations, monkeypatch
):
    model = lecture.train(experiment.gat_without_score, citations, 0, 3)
    monkeypatch.setattr(experiment, "without_half", lambda graph, order_by: graph)
    for name, metrics in experiment.deletion(model, citations, 0).items():
        if "weight on own area" not in metrics:
            assert metrics == {
                "accuracy lost": pytest.approx(0, abs=1e-6),
                "confidence lost": pytest.approx(0, abs=1e-6),
            }, name


def test_a_lookup_that_knows_where_to_look_is_right_and_wrong_without_the_top_key(lecture, experiment):
    class Oracle:
        def __call__(self, entries, score=None, mask=None):
            n = lecture.N_ENTRIES
            scores = 50 * torch.eye(n).expand(len(entries), 1, n, n)
            scores = scores if score is None else score(None, None)
            weights = scores.masked_fill(~mask, -100) if mask is not None else scores
            weights = weights.softmax(-1)
            return (weights[:, 0] @ F.one_hot(entries, n).float()), weights

        def score(self, keys, query):
            return 50 * torch.eye(lecture.N_ENTRIES)[None, None]

    got = experiment.measure_lookup(Oracle(), lecture.dictionaries(61))
    assert got["accuracy"] == got["keys that some query prefers"] == 1
    assert got["accuracy, weights moved"] == 0
    assert got["accuracy without the top key"] < 0.2
    assert got["accuracy without a random key"] == pytest.approx(0.9, abs=0.05)


def test_half_of_the_labels_is_half_of_each_class_and_nothing_else_changes(experiment, citations):
    halved = experiment.with_half_of_the_labels(citations)
    assert not (halved.train & ~citations.train).any()
    before, after = (graph.labels[graph.train].bincount() for graph in (citations, halved))
    assert torch.equal(before, torch.full_like(before, 5))  # per class, as drawn
    assert ((after == 2) | (after == 3)).all()
    assert int(after.sum()) == (int(before.sum()) + 1) // 2
    for kept in ("labels", "val", "test", "sources", "targets"):
        assert getattr(halved, kept) is getattr(citations, kept)


@pytest.fixture
def one_thread():
    """Compute on one thread: on more, DGL's samplers draw as the threads happen to meet."""
    torch_had, dgl_had = torch.get_num_threads(), dgl.utils.get_num_threads()
    torch.set_num_threads(1)
    dgl.utils.set_num_threads(1)
    yield
    torch.set_num_threads(torch_had)
    dgl.utils.set_num_threads(dgl_had)


@pytest.mark.usefixtures("one_thread")
def test_the_same_seed_draws_the_same_neighbours(lecture, experiment, citations, monkeypatch):
    monkeypatch.setattr(experiment, "FAN_OUT", 2)
    first, again, other = (experiment.train_sampled(citations, seed, 2).first.W for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_memory_counts_each_piece_once_and_the_sample_needs_no_more_than_the_whole(lecture, experiment, citations):
    tensor = torch.randn(1000, requires_grad=True)
    assert experiment.kept_megabytes(lambda: (tensor * tensor).sum()) == pytest.approx(0.004)
    whole, sampled = experiment.memory_of(lecture.gat(11, 3), citations)
    assert 0 < sampled < whole


def test_no_constant_answer_beats_the_best_single_answer_and_ties_do_not_fool_it(lecture, experiment, citations):
    labels = torch.zeros(97, dtype=torch.long)
    labels[citations.train], labels[citations.val] = torch.arange(15) % 3, torch.arange(17) % 3  # both are balanced
    labels[citations.test] = torch.arange(65).clamp(max=40) // 20  # class 2 is the largest, and only in the test
    graph = replace(citations, labels=labels)
    tested = labels[citations.test]
    shares = [(tested == label).float().mean().item() for label in range(3)]
    assert experiment.best_single_answer(graph) == pytest.approx(max(shares))
    assert experiment.majority_accuracy(graph) == pytest.approx(shares[0])  # the trap that the lecture tells of
    assert shares[0] < max(shares)


def test_quarters_by_words_ask_test_nodes_only_and_change_nothing_else(experiment, citations):
    parts = experiment.by_words(citations)
    words = torch.from_numpy(citations.features.getnnz(axis=1))
    few, many = (parts[f"accuracy, {size} words"].test for size in ("few", "many"))
    assert torch.equal(parts["accuracy"].test, citations.test)
    for asked in (few, many):
        assert not (asked & ~citations.test).any()
        assert asked.sum() >= citations.test.sum() / 4
    assert words[few].max() <= words[citations.test & ~few].min()
    assert words[many].min() >= words[citations.test & ~many].max()
    assert not (few & many).any()
    for part in parts.values():
        assert torch.equal(part.train, citations.train)
        assert torch.equal(part.val, citations.val)
        assert part.features is citations.features


def test_the_quarters_are_those_of_the_test_whatever_the_other_nodes_hold(experiment, citations):
    features = citations.features.toarray()
    features[~citations.test.numpy()] = 1  # training and validation nodes hold every word
    crowded = experiment.by_words(replace(citations, features=csr_matrix(features)))
    for name, part in experiment.by_words(citations).items():
        assert torch.equal(part.test, crowded[name].test)


def test_the_coauthor_experiment_draws_one_split_a_seed_and_gives_other_edges_to_the_control_alone(
    lecture, experiment, citations, monkeypatch
):
    asked, trained = [], []

    def load(progress, seed):
        asked.append((progress, seed))
        return citations

    def train(build, graph, seed, epochs):
        trained.append((build, graph, seed, epochs))
        return build(*(graph.features.shape[1], len(graph.classes))).eval()

    monkeypatch.setattr(experiment, "load_coauthor_cs", load)
    monkeypatch.setattr(experiment, "train", train)
    results = experiment.coauthor_experiment(7)
    assert asked == [(False, 7)]
    assert {(seed, epochs) for _, _, seed, epochs in trained} == {(7, experiment.CS_EPOCHS)}
    builds = [lecture.mlp, lecture.gcn, experiment.gat_without_score, lecture.gat, lecture.gat]
    assert [build for build, *_ in trained] == builds
    assert all(graph is citations for _, graph, *_ in trained[:4])
    control = trained[4][1]
    assert torch.equal(control.sources, experiment.of_similar_words(citations).sources)
    assert not torch.equal(control.sources, citations.sources)
    for kept in ("labels", "train", "val", "test"):
        assert torch.equal(getattr(control, kept), getattr(citations, kept))
    for claim in experiment.CS_CLAIMS:
        for condition in (claim.treatment, claim.baseline, claim.control):
            assert 0 <= results[condition][claim.metric] <= 1


def test_each_accuracy_of_the_coauthor_experiment_is_that_of_its_own_network(
    lecture, experiment, citations, monkeypatch
):
    monkeypatch.setattr(experiment, "load_coauthor_cs", lambda progress, seed: citations)
    monkeypatch.setattr(experiment, "CS_EPOCHS", 3)
    results = experiment.coauthor_experiment(7)
    for name, graph in {"GAT": citations, experiment.SIMILAR: experiment.of_similar_words(citations)}.items():
        logits, _ = lecture.predict(lecture.train(lecture.gat, graph, 7, 3), graph)
        right = (logits.argmax(dim=-1) == citations.labels).float()
        assert results[name]["accuracy"] == pytest.approx(right[citations.test].mean().item())
        few = experiment.by_words(citations)["accuracy, few words"].test
        assert results[name]["accuracy, few words"] == pytest.approx(right[few].mean().item())
    same = citations.labels[citations.sources] == citations.labels[citations.targets]
    assert results["the network itself"]["edges within a class"] == pytest.approx(same.float().mean().item())


def test_shuffled_weights_stay_with_their_node_and_change_places(lecture, experiment):
    set_seed(0)
    graph = a_graph()
    targets = graph.edges()[1]
    weights = torch.randn(graph.num_edges(), 3, 1)
    shuffled = experiment.shuffled_per_target(weights, targets)
    for node in range(N_NODES):
        mine = targets == node
        torch.testing.assert_close(shuffled[mine].sort(dim=0).values, weights[mine].sort(dim=0).values)
    assert (shuffled != weights).any(dim=2).float().mean() > 0.3


def test_a_network_with_shuffled_weights_is_the_same_where_all_are_equal(lecture, experiment, citations):
    model = lecture.train(experiment.gat_without_score, citations, 0, 3)
    shuffled = experiment.with_shuffled_weights(model)
    torch.testing.assert_close(lecture.predict(shuffled, citations)[0], lecture.predict(model, citations)[0])
    model = lecture.train(lecture.gat, citations, 0, 3)
    nn.init.normal_(model.last.mix.score.a_key, std=9)
    shuffled = experiment.with_shuffled_weights(model)
    assert not torch.allclose(lecture.predict(shuffled, citations)[0], lecture.predict(model, citations)[0])


def test_hidden_documents_are_gone_with_all_their_references_and_nothing_else_is(experiment, citations):
    hidden = experiment.half_of_the_test(citations, 0)
    assert hidden.sum() == citations.test.sum() // 2
    assert not (hidden & ~citations.test).any()
    rest = experiment.without(citations, hidden)
    names = [name for name, gone in zip(citations.names, hidden.tolist(), strict=True) if not gone]
    assert list(rest.names) == names
    assert int(rest.train.sum()) == int(citations.train.sum())
    assert int(rest.val.sum()) == int(citations.val.sum())

    def references(graph):
        ends = zip(graph.sources.tolist(), graph.targets.tolist(), strict=True)
        return {(graph.names[a], graph.names[b]) for a, b in ends}

    kept = {(a, b) for a, b in references(citations) if a in set(names) and b in set(names)}
    assert references(rest) == kept
    row = names.index(rest.names[-1])
    expected = citations.features[citations.names.index(rest.names[-1])]
    assert (rest.features[row] != expected).nnz == 0


def test_half_of_the_references_is_half_of_them_in_both_directions(experiment, citations):
    halved = experiment.with_half_of_the_references(citations, 0)
    assert len(halved.sources) == 2 * (len(citations.sources) // 4)
    known = set(zip(citations.sources.tolist(), citations.targets.tolist(), strict=True))
    assert set(zip(halved.sources.tolist(), halved.targets.tolist(), strict=True)) < known


def test_the_unseen_documents_are_asked_in_the_whole_graph_and_trained_without(
    lecture, experiment, citations, monkeypatch
):
    trained = []
    real = lecture.train

    def train(build, graph, seed, epochs):
        trained.append(graph)
        return real(build, graph, seed, 3)

    monkeypatch.setattr(experiment, "train", train)
    model = real(lecture.gat, citations, 0, 3)
    got = experiment.unseen_documents(model, citations, 0)
    hidden = experiment.half_of_the_test(citations, 0)
    assert [graph.n_nodes for graph in trained] == [97 - int(hidden.sum())]
    seen = lecture.test_accuracy(model, replace(citations, test=hidden))
    assert got["GAT"][experiment.UNSEEN] == pytest.approx(seen)
    assert len(got) == 3


def test_the_papers_rule_gives_accuracy_and_minus_loss(experiment):
    logits = torch.tensor([[2.0, 0.0], [0.0, 1.0], [3.0, 0.0]])
    accuracy, minus_loss = experiment.by_accuracy_and_loss(logits, torch.tensor([0, 1, 1]))
    assert accuracy == pytest.approx(2 / 3)
    assert minus_loss == pytest.approx(-F.cross_entropy(logits, torch.tensor([0, 1, 1])).item())


def test_edges_between_similar_words_join_each_node_to_those_most_like_it(experiment, citations):
    alike = experiment.of_similar_words(citations)
    words = citations.features.toarray()
    words /= np.linalg.norm(words, axis=1, keepdims=True).clip(1e-9)
    likeness = words @ words.T
    np.fill_diagonal(likeness, -1)
    degree = citations.targets.bincount(minlength=97).tolist()
    chosen = set()
    for node, n_edges in enumerate(degree):
        wanted = (n_edges + 1) // 2
        last = np.sort(likeness[node])[::-1][wanted - 1] if wanted else 2
        mine = set(alike.sources[alike.targets == node].tolist())
        assert mine >= {other for other in range(97) if likeness[node, other] > last + 1e-6}
        chosen |= {(node, other) for other in mine if likeness[node, other] > last - 1e-6}
    both = set(zip(alike.sources.tolist(), alike.targets.tolist(), strict=True))
    assert all((a, b) in chosen or (b, a) in chosen for a, b in both), "nobody is joined who was not chosen"
    assert len(both) == pytest.approx(len(citations.sources), rel=0.4)


def test_training_until_patience_ends_counts_its_epochs_and_keeps_the_rule(lecture, experiment, citations, monkeypatch):
    monkeypatch.setattr(experiment, "PAPER_EPOCHS", 11)
    got = experiment.until_patience_ends(citations, 3, experiment.by_accuracy_and_loss)
    model = lecture.train(lecture.gat, citations, 3, 11, select=experiment.by_accuracy_and_loss)
    assert got == {"accuracy": pytest.approx(lecture.test_accuracy(model, citations)), "epochs": 11}


def test_costs_are_told_for_every_size_and_for_small_graphs_together(experiment, monkeypatch):
    monkeypatch.setattr(experiment, "layer_seconds", lambda compute, n: n**2 / 1e6)
    got = experiment.cost_experiment(0)
    assert got["mask"]["growth per node"] == pytest.approx(0.75)
    assert got["mask, four graphs"]["growth per node"] == pytest.approx(0)
    assert len(got["edges"]["milliseconds"]) == len(experiment.N_OF_NODES)
