"""Graphs by name, Coauthor CS, and two tables of one's own."""

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from course_utils.data import graphs
from course_utils.data.graphs import load_graph, read_graph
from course_utils.data.public import coauthor
from course_utils.data.public.coauthor import load_coauthor_cs
from course_utils.data.public.registry import DataError
from tests.public_sets import needs
from tests.test_public_sets import card


def assert_parts_cover_all_nodes_once(graph):
    assert (graph.train.int() + graph.val.int() + graph.test.int() == 1).all()


@needs("coauthor_cs")
def test_coauthor_cs_is_the_graph_of_its_paper_with_a_drawn_split():
    graph = load_coauthor_cs(progress=False)
    assert graph.features.shape == (18_333, 6805)
    assert graph.features.nnz == 1_092_079
    assert pytest.approx(1) == graph.features.sum(axis=1).A1
    first = graph.features[0].data
    assert first == pytest.approx(1 / len(first))  # the words are present or absent: the file counts up to 105
    assert len(graph.sources) == len(graph.targets) == 2 * 81_894
    assert (graph.sources != graph.targets).all()
    counts = [708, 462, 2050, 429, 1394, 2193, 371, 924, 775, 118, 1444, 2033, 420, 4136, 876]
    assert torch.bincount(graph.labels).tolist() == counts
    assert graph.classes[13] == "robotics"
    assert len(graph.classes) == 15
    assert torch.bincount(graph.labels[graph.train]).tolist() == [20] * 15
    assert torch.bincount(graph.labels[graph.val]).tolist() == [30] * 15
    assert_parts_cover_all_nodes_once(graph)
    same = (graph.labels[graph.sources] == graph.labels[graph.targets]).float().mean().item()
    assert same == pytest.approx(0.808, abs=0.001)


@needs("coauthor_cs")
def test_the_seed_of_coauthor_cs_draws_its_split_and_nothing_else():
    graph, again, other = (load_graph("coauthor_cs", progress=False, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(graph.train, again.train)
    assert torch.equal(graph.val, again.val)
    assert not torch.equal(graph.train, other.train)
    assert torch.equal(graph.labels, other.labels)
    assert torch.equal(graph.sources, other.sources)


@needs("coauthor_cs")
def test_the_card_of_coauthor_cs_tells_what_is_loaded():
    graph = load_coauthor_cs(progress=False)
    sizes = torch.bincount(graph.labels).tolist()
    assert card("Coauthor CS") == {
        "authors": graph.n_nodes,
        "pairs who wrote together": len(graph.sources) / 2,
        "words": graph.features.shape[1],
        "training authors": int(graph.train.sum()),
        "validation authors": int(graph.val.sum()),
        "test authors": int(graph.test.sum()),
    } | {name.replace("_", " "): size for name, size in zip(graph.classes, sizes, strict=True)}


def write_npz(path, labels, **others):
    """Write a small graph in the layout of gnn-benchmark: one direction of each edge, counts for features."""
    rng = np.random.default_rng(0)
    n_nodes = len(labels)
    words = csr_matrix(rng.integers(0, 4, size=(n_nodes, 7)) + np.eye(n_nodes, 7, dtype=int) + (np.arange(7) == 3))
    links = csr_matrix(np.triu(rng.random((n_nodes, n_nodes)) < 0.01))
    arrays = {
        f"{part}_{of}": getattr(matrix, of)
        for part, matrix in (("attr", words), ("adj", links))
        for of in ("data", "indices", "indptr", "shape")
    }
    np.savez(path, labels=labels, **arrays, **others)
    return words, links


def test_the_file_of_the_authors_is_read_without_its_pickled_class_names(tmp_path, monkeypatch):
    labels = np.repeat(np.arange(3), 53)
    words, links = write_npz(tmp_path / "graph.npz", labels, class_names=np.array(["pickled"], dtype=object))
    monkeypatch.setattr(coauthor, "fetch", lambda *_: {"graph.npz": tmp_path / "graph.npz"})
    graph = load_coauthor_cs(progress=False)
    assert graph.labels.tolist() == labels.tolist()
    assert ((graph.features > 0) != (words > 0)).nnz == 0
    one_way = {(a, b) for a, b in zip(*links.nonzero(), strict=True) if a != b}
    assert set(zip(graph.sources.tolist(), graph.targets.tolist(), strict=True)) == one_way | {
        (b, a) for a, b in one_way
    }


def test_pickled_labels_are_refused(tmp_path, monkeypatch):
    write_npz(tmp_path / "graph.npz", np.array([*np.repeat(np.arange(3), 53)], dtype=object))
    monkeypatch.setattr(coauthor, "fetch", lambda *_: {"graph.npz": tmp_path / "graph.npz"})
    with pytest.raises(DataError, match=r"graph\.npz holds something other than plain arrays: refused"):
        load_coauthor_cs(progress=False)


def test_a_graph_is_loaded_by_name(tmp_path, monkeypatch):
    graph, asked = read(tmp_path), []
    monkeypatch.setattr(graphs, "load_cora", lambda *how: asked.append(("cora", *how)) or graph)
    monkeypatch.setattr(graphs, "load_coauthor_cs", lambda *how: asked.append(("cs", *how)) or graph)
    assert load_graph("cora", progress=False) is load_graph("coauthor_cs", progress=False, seed=7) is graph
    assert asked == [("cora", False), ("cs", False, 7)]
    with pytest.raises(ValueError, match="'pubmed'; choose one of cora, coauthor_cs"):
        load_graph("pubmed")
    with pytest.raises(ValueError, match="Cora has one split and no seed, but seed is 3"):
        load_graph("cora", seed=3)


NODES = [f"Knoten {i},{'rot' if i % 2 else 'grün'},{i},{i / 8},-1" for i in range(13)]
EDGES = ["Knoten 0,Knoten 1", "Knoten 1,Knoten 0", "Knoten 2,Knoten 2", "Knoten 5,Knoten 3"]


def read(folder, edges=EDGES, nodes=NODES, n_train_per_class=2, n_val=3, **others):
    for name, lines in (("edges.csv", edges), ("nodes.csv", nodes)):
        (folder / name).write_bytes(
            b"".join(line if isinstance(line, bytes) else f"{line}\n".encode() for line in lines)
        )
    return read_graph(folder / "edges.csv", folder / "nodes.csv", n_train_per_class, n_val, **others)


def test_a_graph_of_ones_own_is_read_from_two_tables(tmp_path):
    graph = read(tmp_path)
    assert graph.classes == ("grün", "rot")
    assert graph.labels.tolist() == [i % 2 for i in range(13)]
    assert graph.names[12] == "Knoten 12"
    assert graph.features.toarray().tolist() == [[i, i / 8, -1] for i in range(13)]
    pairs = set(zip(graph.sources.tolist(), graph.targets.tolist(), strict=True))
    assert pairs == {(0, 1), (1, 0), (3, 5), (5, 3)}
    assert [int(part.sum()) for part in (graph.train, graph.val, graph.test)] == [4, 3, 6]
    assert torch.bincount(graph.labels[graph.train]).tolist() == [2, 2]
    assert_parts_cover_all_nodes_once(graph)
    assert torch.equal(read(tmp_path).train, graph.train)
    assert not torch.equal(read(tmp_path, seed=1).val, graph.val)


def test_the_usual_split_of_ones_own_is_20_and_30_a_class(tmp_path):
    nodes = [f"{i},{i % 2},1" for i in range(211)]
    (tmp_path / "n.csv").write_text("\n".join(nodes), encoding="utf-8")
    (tmp_path / "e.csv").write_text("1,2\n", encoding="utf-8")
    graph = read_graph(tmp_path / "e.csv", tmp_path / "n.csv")
    assert [int(part.sum()) for part in (graph.train, graph.val, graph.test)] == [40, 60, 111]


def test_spreadsheets_write_byte_order_marks_quotes_and_windows_line_ends(tmp_path):
    nodes = [b"\xef\xbb\xbf", *(f'"Knoten, {line[7:]}\r'.replace(",r", '",r').replace(",g", '",g') for line in NODES)]
    graph = read(tmp_path, ['"Knoten, 0","Knoten, 1"\r', "\r"], nodes)
    assert graph.names[:2] == ("Knoten, 0", "Knoten, 1")
    assert graph.sources.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Knoten 99,,1,2,3", r"line 8: the class of the node is missing"),
        (",rot,1,2,3", r"line 8: the name of the node is missing"),
        ("Knoten 99,rot,1,2", r"line 8: 4 columns; node, class and 3 numbers are needed"),
        ("Knoten 99,rot,1,2,3,4", r"line 8: 6 columns; node, class and 3 numbers are needed"),
        ("Knoten 3,rot,1,2,3", r"line 8: node 'Knoten 3' stands in an earlier line too"),
        ("Knoten 99,rot,1,zwei,3", r"line 8: 'zwei' is not a finite number \(there is no header line\)"),
        ("Knoten 99,rot,1,nan,3", r"line 8: 'nan' is not a finite number"),
        ("Knoten 99,grün,1,2,3\n".encode("latin-1"), r"line 8: byte 13 is not UTF-8"),
    ],
)
def test_a_wrong_line_of_features_is_named_by_its_number(line, message, tmp_path):
    with pytest.raises(ValueError, match=rf"nodes\.csv, {message}"):
        read(tmp_path, nodes=[*NODES[:7], line, *NODES[7:]])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Knoten 1,Knoten 99", r"line 3: node 'Knoten 99' has no line in .*nodes\.csv; add it"),
        ("Knoten 1", r"line 3: 1 columns; the names of two nodes are needed"),
        ("Knoten 1,Knoten 2,0.5", r"line 3: 3 columns; the names of two nodes are needed"),
    ],
)
def test_a_wrong_edge_is_named_by_its_number(line, message, tmp_path):
    with pytest.raises(ValueError, match=rf"edges\.csv, {message}"):
        read(tmp_path, edges=[*EDGES[:2], line, *EDGES[2:]])


def test_empty_tables_and_small_classes_are_said(tmp_path):
    with pytest.raises(ValueError, match=r"nodes\.csv is empty"):
        read(tmp_path, nodes=[])
    with pytest.raises(ValueError, match=r"edges\.csv is empty"):
        read(tmp_path, edges=[])
    with pytest.raises(ValueError, match=r"nodes\.csv, line 1: 2 columns; node, class and 1 numbers are needed"):
        read(tmp_path, nodes=["a,rot", "b,rot"])
    with pytest.raises(ValueError, match="the smallest class has 6 nodes, but n_train_per_class is 20"):
        read(tmp_path, n_train_per_class=20)
