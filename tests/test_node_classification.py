"""Citation graphs: edges in both directions, honest splits, and the rewired control."""

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from course_utils.data.node_classification import CitationGraph, both_directions, split_per_class

N_NODES, N_FEATURES, N_CLASSES = 97, 13, 5


@pytest.fixture
def graph() -> CitationGraph:
    rng = np.random.default_rng(0)
    labels = torch.from_numpy(rng.integers(N_CLASSES, size=N_NODES))
    sources, targets = both_directions(rng.integers(N_NODES, size=(2, 211)))
    train, val, test = split_per_class(labels, 7, 19, seed=0)
    return CitationGraph(
        features=csr_matrix(rng.random((N_NODES, N_FEATURES), dtype=np.float32)),
        labels=labels,
        sources=sources,
        targets=targets,
        classes=tuple("abcde"),
        train=train,
        val=val,
        test=test,
        names=tuple(map(str, range(N_NODES))),
    )


def edges(graph: CitationGraph) -> set[tuple[int, int]]:
    return set(zip(graph.sources.tolist(), graph.targets.tolist(), strict=True))


def test_edges_stand_in_both_directions_without_loops_or_duplicates():
    sources, targets = both_directions(np.array([[0, 1, 1, 2, 3], [1, 0, 2, 2, 1]]))
    pairs = list(zip(sources.tolist(), targets.tolist(), strict=True))
    assert pairs == [(1, 0), (0, 1), (2, 1), (3, 1), (1, 2), (1, 3)]


def test_the_order_of_the_pairs_does_not_change_the_graph():
    pairs = np.array([[0, 5, 2, 7], [3, 1, 4, 6]])
    ours, shuffled = both_directions(pairs), both_directions(pairs[::-1, [2, 0, 3, 1]])
    assert all(torch.equal(a, b) for a, b in zip(ours, shuffled, strict=True))


def test_rewiring_keeps_documents_and_changes_who_refers_to_whom(graph):
    rewired = graph.rewired(seed=0)
    assert torch.equal(rewired.labels, graph.labels)
    assert rewired.features is graph.features
    assert len(edges(rewired) & edges(graph)) < 0.2 * len(edges(graph))
    assert 0.9 * len(edges(graph)) < len(edges(rewired)) <= len(edges(graph))
    assert edges(rewired) == {(target, source) for source, target in edges(rewired)}
    assert not torch.equal(graph.rewired(seed=1).sources, rewired.sources)
    assert torch.equal(graph.rewired(seed=0).sources, rewired.sources)


def test_a_split_gives_each_class_its_labels_and_shares_no_node(graph):
    assert torch.bincount(graph.labels[graph.train]).tolist() == [7] * N_CLASSES
    assert int(graph.val.sum()) == 19
    assert torch.all(graph.train.int() + graph.val.int() + graph.test.int() == 1)


def test_another_seed_gives_another_split(graph):
    assert not torch.equal(split_per_class(graph.labels, 7, 19, seed=1)[0], graph.train)
    assert torch.equal(split_per_class(graph.labels, 7, 19, seed=0)[0], graph.train)


def test_a_class_too_small_for_the_split_is_named(graph):
    with pytest.raises(ValueError, match=r"smallest class has .* n_train_per_class is 60"):
        split_per_class(graph.labels, 60, 1, seed=0)


def test_too_many_validation_nodes_are_refused(graph):
    with pytest.raises(ValueError, match="only 62 nodes are left"):
        split_per_class(graph.labels, 7, 62, seed=0)
