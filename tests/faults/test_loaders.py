"""Faults in data that readers bring: what each loader must say, in one sentence, and that the data are as they were.

A fault is one row of ``FAULTS``. ``pairs`` reads a.tsv, ``documents`` the folder texts, ``tables`` e.csv and n.csv,
``npz`` and ``graph`` a graph in one file or one object.
"""

import gzip
import re
from collections.abc import Callable
from dataclasses import dataclass
from inspect import unwrap  # in tests, every argument's type is checked before the call
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from course_utils.data.documents import read_documents
from course_utils.data.graphs import load_graph, read_graph
from course_utils.data.pairs import load_pairs, read_pairs
from course_utils.data.public.registry import DataError
from tests.faults.place import REFUSED, UNREADABLE, Place

pytestmark = pytest.mark.thorough

PAIRS = [f"Satz {i}.\tsentence {i}" for i in range(211)]
TEXTS = {f"{name}/{i}.txt": f"text {i} of class {name}" for name in "ab" for i in range(8)}
NODES = [f"n{i},{'rot' if i % 2 else 'grün'},{i},{i / 8},-1" for i in range(13)]
EDGES = ["n0,n1", "n1,n0", "n5,n3"]


@dataclass(frozen=True)
class Fault:
    """A row: what goes wrong, how the data are read, what must be said, and what is brought."""

    name: str
    read: Callable[[Path, Any], object]
    says: str
    brought: Any = None


def pairs(folder: Path, content: Any, **how: Any) -> object:
    """Read a file of sentence pairs."""
    (folder / "a.tsv").write_bytes(content if isinstance(content, bytes) else "\n".join(content).encode())
    return read_pairs(folder / "a.tsv", "German", "English", **how)


def documents(folder: Path, changes: dict[str, str | bytes]) -> object:
    """Read a folder of texts, some of which are changed."""
    for name, text in {**TEXTS, **changes}.items():
        path = folder / "texts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_documents(folder / "texts")


def tables(folder: Path, changes: dict[str, Any]) -> object:
    """Read a graph from two tables."""
    brought = {"edges": EDGES, "nodes": NODES, "n_train_per_class": 2, "n_val": 3, "seed": 0} | changes
    for name, key in (("e.csv", "edges"), ("n.csv", "nodes")):
        lines = brought.pop(key)
        (folder / name).write_bytes(lines if isinstance(lines, bytes) else "\n".join(lines).encode())
    return read_graph(folder / "e.csv", folder / "n.csv", **brought)


def npz(folder: Path, changes: dict[str, Any]) -> object:
    """Read a graph from an .npz file."""
    links = csr_matrix((np.ones(3), ([0, 1, 2], [1, 2, 3])), shape=(13, 13))
    features = csr_matrix(np.arange(1.0, 27).reshape(13, 2))
    stored = {"labels": np.arange(13) % 2}
    for part, matrix in (("adj", links), ("attr", features)):
        stored |= {f"{part}_{of}": np.asarray(getattr(matrix, of)) for of in ("data", "indices", "indptr", "shape")}
    np.savez(folder / "g.npz", **(stored | changes))
    return read_graph(folder / "g.npz", n_train_per_class=2, n_val=3)


def graph(_folder: Path, attributes: dict[str, Any]) -> object:
    """Read a networkx graph, one of whose nodes has other attributes."""
    made = nx.Graph([(0, 1), (1, 2)])
    for node in range(13):
        made.add_node(node, label=node % 2, features=[node, 1.0])
    made.nodes[2].update(attributes)
    return read_graph(made, n_train_per_class=2, n_val=3)


def dgl(_folder: Path, changes: dict[str, Any]) -> object:
    """Read what looks like a DGL graph."""

    class Graph:
        ndata = {"label": torch.arange(13) % 2, "feat": torch.rand(13, 2)} | changes

        def edges(self):
            return torch.tensor([0, 1]), torch.tensor([1, 2])

    return read_graph(Graph(), n_train_per_class=2, n_val=3)


def changed(line: str) -> dict[str, Any]:
    """Put another line in the place of the eighth node."""
    return {"nodes": [*NODES[:7], line, *NODES[8:]]}


FAULTS = [
    # pairs
    Fault(
        "no name of a file",
        lambda folder, _: unwrap(read_pairs)(None, "German", "English"),
        "read_pairs: name a file or folder",
    ),
    Fault(
        "a name in bytes",
        lambda folder, _: unwrap(read_pairs)(b"a.tsv", "German", "English"),
        "read_pairs: name a file or folder",
    ),
    Fault(
        "a missing file",
        lambda folder, _: read_pairs(folder / "x", "German", "English"),
        "No such file.*correct the name",
    ),
    Fault("a folder", lambda folder, _: read_pairs(folder, "German", "English"), "is a folder, but a file is needed"),
    Fault("pairs in a gzip archive", pairs, "a gzip archive.*unpack", gzip.compress("\n".join(PAIRS).encode())),
    Fault("pairs in a document of Excel", pairs, "an Excel or Word document.*export", b"PK\x03\x04" + bytes(99)),
    Fault("a picture for pairs", pairs, "line 1: byte 1 is not UTF-8", b"\x89PNG\r\n\x1a\n" + bytes(range(256))),
    Fault("pairs with spaces for a tab", pairs, "No line has a tab", [line.replace("\t", "    ") for line in PAIRS]),
    Fault("pairs of empty lines", pairs, "is empty; one pair", ["", " ", ""]),
    Fault("pairs all alike", pairs, "no pair falls into val.*a hundred different ones", ["a\tb"] * 211),
    Fault("pairs in UTF-16", pairs, "UTF-16.*iconv", "\n".join(PAIRS).encode("utf-16")),
    Fault(
        "a line of pairs in a Czech Windows encoding",
        pairs,
        "line 212: .*1250.*iconv",
        "\n".join([*PAIRS, ""]).encode() + "žluťoučký kůň\thorse".encode("cp1250"),
    ),
    *(
        Fault(f"columns that are {wrong!r}", lambda folder, how: pairs(folder, PAIRS, columns=how), "columns is", wrong)
        for wrong in ((0, 1), (1, 1), (1, 9))
    ),
    # documents
    Fault(
        "no name of a folder", lambda folder, _: unwrap(read_documents)(None), "read_documents: name a file or folder"
    ),
    Fault("a file for a folder of texts", lambda folder, _: read_documents(__file__), "is not a folder; give one"),
    Fault("a text of spaces", documents, "s.txt is empty; take it out", {"a/s.txt": "  \n "}),
    Fault("a text in UTF-16", documents, "u.txt, line 1.*UTF-16", {"a/u.txt": "hello".encode("utf-16")}),
    Fault("a text in two classes", documents, "a/0.txt.*b/x.txt|b/x.txt.*a/0.txt", {"b/x.txt": TEXTS["a/0.txt"]}),
    Fault("a class of one text", documents, "c holds 1 different text", {"c/0.txt": "alone"}),
    # tables
    Fault("a node without a number", tables, "line 8: '' is not a finite number", changed("n7,rot,,1,2")),
    Fault("a node with NA", tables, "line 8: 'NA' is not a finite number", changed("n7,rot,NA,1,2")),
    Fault("a node with percents", tables, "line 8: '5%' is not a finite number", changed("n7,rot,5%,1,2")),
    Fault("a node with a thousands separator", tables, "line 8: 6 columns", changed("n7,rot,1,000,1,2")),
    Fault("a node with two points", tables, "line 8: '1.2.3' is not a finite number", changed("n7,rot,1.2.3,1,2")),
    Fault("a node of another width", tables, "line 8: 4 columns; node, class and 3", changed("n7,rot,1,2")),
    Fault("a node whose name is missing", tables, "line 8: the name of the node is missing", changed(",rot,1,2,3")),
    Fault("a node named twice", tables, "line 8: node 'n1' stands in an earlier line", changed("n1,rot,1,2,3")),
    Fault("bars between columns", tables, "1 columns.*comma", {"nodes": [line.replace(",", "|") for line in NODES]}),
    Fault("an edge with a kind", tables, "line 1: 3 columns; the names", {"edges": ["n0,n1,cites"]}),
    Fault("an edge to nowhere", tables, "line 2: node 'x' has no line", {"edges": ["n0,n1", "n0,x"]}),
    Fault("no edges", tables, "e.csv is empty", {"edges": []}),
    Fault(
        "no training labels", tables, "n_train_per_class must be a whole number, one or more", {"n_train_per_class": 0}
    ),
    Fault("a negative number of nodes to validate", tables, "n_val is -5; one node or more", {"n_val": -5}),
    Fault("more training labels than nodes", tables, "smallest class has 6 nodes", {"n_train_per_class": 20}),
    Fault("one table alone", lambda folder, _: read_graph(folder / "own" / "mine.txt"), "is one file; give two tables"),
    Fault("no graph at all", lambda folder, _: read_graph(None), "got NoneType, expected the path"),
    # one file
    Fault("labels with halves", npz, "whole numbers or texts", {"labels": np.full(13, 0.5)}),
    Fault("labels of one node fewer", npz, "one class and one row", {"labels": np.arange(12) % 2}),
    Fault("labels in a pickle", npz, "a pickle can run code", {"labels": np.array([{}] * 13)}),
    Fault("an edge to node −1", npz, "adj make no sparse matrix", {"adj_indices": np.array([-1, 2, 3])}),
    Fault("a size of 40.5", npz, "adj_shape must be two whole numbers", {"adj_shape": np.array([40.5, 40.5])}),
    Fault("a size of a trillion", npz, "adj make no sparse matrix", {"adj_shape": np.array([10**12, 10**12])}),
    Fault("complex features", npz, "real numbers", {"attr_data": np.full(26, 1j)}),
    Fault("features that are text", npz, "attr", {"attr_data": np.array(["a"] * 26)}),
    Fault("features that are infinite", npz, "row 0 holds a number that is not finite", {"attr_data": [np.inf] * 26}),
    Fault("fewer class names than classes", npz, "names 1 classes, but labels go up to 1", {"class_names": ["a"]}),
    Fault("a class name alone", npz, "class_names must be a list of texts", {"class_names": "a"}),
    Fault("nodes of one name", npz, "node_names must be .* no two of them alike", {"node_names": ["a"] * 13}),
    Fault(
        "masks of numbers",
        npz,
        "train_mask must say True or False",
        dict.fromkeys(("train_mask", "val_mask", "test_mask"), np.ones(13, dtype=int)),
    ),
    # one object
    Fault("a node without a class", graph, "node 2 .* label is None", {"label": None}),
    Fault("a node with rows of features", graph, "node 2 .*no row of numbers", {"features": [[1, 2], [3]]}),
    Fault("a node with text for features", graph, "node 2 .*no row of numbers", {"features": "ab"}),
    Fault("a node with one feature more", graph, "node 2 .*has 3 features", {"features": [1, 2, 3]}),
    Fault("a node with NaN", graph, "node 2 .*not finite", {"features": [1, float("nan")]}),
    Fault("complex features of DGL", dgl, "real numbers", {"feat": torch.ones(13, 2, dtype=torch.complex64)}),
    Fault("flat features of DGL", dgl, r"must be \(n_nodes, n_features\)", {"feat": torch.rand(13)}),
    Fault("features of DGL without width", dgl, "one class and one row", {"feat": torch.rand(13, 0)}),
    Fault("classes of DGL with halves", dgl, "whole numbers or texts", {"label": torch.rand(13)}),
    # public sets
    Fault("an unknown graph", lambda folder, _: load_graph("corra"), "There is no graph 'corra'; choose one"),
    Fault("unknown pairs", lambda folder, _: load_pairs("multi30"), "There are no translation pairs 'multi30'; choose"),
]


def test_no_two_rows_have_one_name():
    names = [fault.name for fault in FAULTS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_in_a_readers_data_is_one_sentence(fault, place, recwarn):
    before = (place.own / "mine.txt").read_bytes()
    with pytest.raises((ValueError, OSError, DataError)) as error:
        fault.read(place.folder, fault.brought)
    told = str(error.value)
    assert re.search(fault.says, told), told
    assert "\n" not in told
    assert (place.own / "mine.txt").read_bytes() == before
    assert not recwarn.list


READERS = {
    "pairs": (
        lambda folder: pairs(folder, PAIRS),
        lambda folder: read_pairs(folder / "a.tsv", "German", "English"),
        "a.tsv",
    ),
    "documents": (
        lambda folder: documents(folder, {}),
        lambda folder: read_documents(folder / "texts"),
        "texts/a/3.txt",
    ),
    "tables": (
        lambda folder: tables(folder, {}),
        lambda folder: read_graph(folder / "e.csv", folder / "n.csv"),
        "n.csv",
    ),
    "npz": (lambda folder: npz(folder, {}), lambda folder: read_graph(folder / "g.npz"), "g.npz"),
}


@pytest.mark.parametrize("kind", READERS)
def test_a_file_of_another_user_is_named_by_every_reader(kind, place: Place):
    make, read, file = READERS[kind]
    make(place.folder)
    UNREADABLE.add(str(place.folder / file))
    with pytest.raises(PermissionError, match=f"Permission denied: '.*{file}'; get the right to read it"):
        read(place.folder)


@pytest.mark.parametrize("kind", READERS)
def test_reading_needs_no_right_to_write(kind, place: Place):
    make, read, _ = READERS[kind]
    make(place.folder)
    REFUSED[str(place.folder)] = 30
    if kind in ("pairs", "documents"):
        assert read(place.folder)
    else:
        with pytest.raises(ValueError, match="smallest class has 6 nodes"):  # the numbers of labels are not given here
            read(place.folder)


def test_empty_columns_at_the_end_of_all_lines_are_passed_over(place: Place):
    plain = tables(place.folder, {})
    for sign, quote in ((",", ""), (";", ""), (",", '"')):
        nodes, edges = (
            [sign.join(f"{quote}{cell}{quote}" for cell in line.split(",")) + sign * n for line in lines]
            for lines, n in ((NODES, 2), (EDGES, 3))
        )
        padded = tables(place.folder, {"nodes": nodes, "edges": edges})
        assert padded.features.toarray().tolist() == plain.features.toarray().tolist()
        assert torch.equal(padded.sources, plain.sources)


def test_features_of_16_bits_and_with_a_gradient_are_read(place: Place):
    numbers = torch.arange(26.0).reshape(13, 2)
    for features in (numbers.bfloat16(), numbers.half(), numbers.clone().requires_grad_()):
        assert dgl(place.folder, {"feat": features}).features.toarray().tolist() == numbers.tolist()
    row = torch.tensor([2.0, 1.0], requires_grad=True)
    assert graph(place.folder, {"features": row}).features[2].toarray().tolist() == [[2.0, 1.0]]
