"""Graphs of the reader's own: two tables, sparse matrices in an ``.npz``, a networkx or a DGL graph, in one shape."""

import zipfile
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_matrix, issparse
from torch import Tensor

from course_utils.data.node_classification import CitationGraph, both_directions, split_per_class
from course_utils.data.tables import cells_of, is_number, numbers_in, read_table
from course_utils.data.text_lines import open_own

HEADINGS = {"source", "target", "src", "dst", "from", "to", "node", "node1", "node2", "id", "id1", "id2", "u", "v"}
HEADINGS |= {"source_id", "target_id", "cited", "citing", "a", "b"}
MASKS = ("train_mask", "val_mask", "test_mask")
LABELS = ("label", "labels", "class", "y")
FEATURES = ("feat", "features", "x")
LARGEST = float(np.finfo(np.float32).max)
NAMED = {"node_names": np.array([], dtype=str), "class_names": np.array([], dtype=str)}  # what an .npz may name
CSR = ("data", "indices", "indptr", "shape")


@dataclass
class Parts:
    """What every format gives.

    Attributes
    ----------
    names
        One per node.
    labels
        The class of each node, a text or a number, (n_nodes,).
    features
        (n_nodes, n_features), float32.
    pairs
        Positions of nodes, (2, n_pairs).
    masks
        Train, val and test, where the graph brings its split.
    """

    names: tuple[str, ...]
    labels: np.ndarray
    features: csr_matrix
    pairs: np.ndarray
    masks: tuple[np.ndarray, ...] | None = None


def to_graph(
    parts: Parts, where: object, n_train_per_class: int, n_val: int | None, seed: int, class_names: Sequence[str] = ()
) -> CitationGraph:
    """Check what was read, and split it."""
    n_nodes = len(parts.names)
    if parts.labels.shape != (n_nodes,) or parts.features.shape[0] != n_nodes or not parts.features.shape[1]:
        raise ValueError(
            f"{where}: one class and one row of features for each node are needed, but there are {n_nodes} nodes, "
            f"labels of shape {parts.labels.shape} and features of shape {parts.features.shape}."
        )
    if parts.labels.dtype.kind not in "iuU":
        raise ValueError(f"{where}: the classes must be whole numbers or texts, but they are {parts.labels.dtype}.")
    if parts.pairs.size and (parts.pairs.min() < 0 or parts.pairs.max() >= n_nodes):
        raise ValueError(
            f"{where}: the edges name nodes {parts.pairs.min()} to {parts.pairs.max()}, but the nodes are 0 to "
            f"{n_nodes - 1}."
        )
    known, numbers = np.unique(parts.labels, return_inverse=True)
    if class_names and parts.labels.dtype.kind in "iu" and min(known) >= 0 and max(known) < len(class_names):
        classes = tuple(str(class_names[number]) for number in known)
    else:
        classes = tuple(map(str, known))
    labels = torch.from_numpy(numbers.astype(np.int64))
    if parts.masks is None:
        n_val = 30 * len(classes) if n_val is None else n_val
        if n_val < 1:
            raise ValueError(f"read_graph: n_val is {n_val}; one node or more is needed to select a model by.")
        train, val, test = split_per_class(labels, n_train_per_class, n_val, seed)
    else:
        train, val, test = (_mask(mask, name, n_nodes, where) for mask, name in zip(parts.masks, MASKS, strict=True))
        if (train & val | train & test | val & test).any():
            raise ValueError(f"{where}: a node is in two of {', '.join(MASKS)}; each may be in one.")
    sources, targets = both_directions(parts.pairs)
    return CitationGraph(parts.features, labels, sources, targets, classes, train, val, test, parts.names)


def _mask(mask: np.ndarray, name: str, n_nodes: int, where: object) -> Tensor:
    if mask.shape != (n_nodes,) or mask.dtype != bool or not mask.any():
        raise ValueError(
            f"{where}: {name} must say True or False for each of {n_nodes} nodes, True for one or more; it is "
            f"{mask.dtype} of shape {mask.shape}."
        )
    return torch.from_numpy(mask.copy())


class _Rows:
    """Collects rows of numbers and keeps what is not zero, so that a wide table takes little memory."""

    def __init__(self):
        self.data, self.columns, self.ends = array("f"), array("i"), [0]

    def add(self, row: np.ndarray) -> bool:
        """Add what is not zero in a row; tell whether it is finite, also in the 32 bits in which networks compute."""
        with np.errstate(over="ignore"):
            row = row.astype(np.float32)
        columns = np.flatnonzero(row)
        values = row[columns]
        self.data.frombytes(values.tobytes())
        self.columns.frombytes(columns.astype(np.int32).tobytes())
        self.ends.append(len(self.data))
        return bool(np.isfinite(values).all())

    def matrix(self, width: int) -> csr_matrix:
        """Give all rows as a sparse matrix, float32."""
        data, columns = np.frombuffer(self.data, dtype=np.float32), np.frombuffer(self.columns, dtype=np.int32)
        return csr_matrix((data, columns, self.ends), shape=(len(self.ends) - 1, width))


def from_tables(edges: Path, nodes: Path) -> Parts:
    """Read two CSV files, as ``read_graph`` tells."""
    names, labels, features = _nodes(nodes)
    separator, uncut = read_table(edges, 2, "one line for each edge")
    cut = ((number, cells_of(row, separator)) for number, row in uncut)
    number, first = next(cut)
    rows = chain([(number, first)], cut)
    first = [cell.strip() for cell in first]
    if len(first) > 1 and {cell.casefold() for cell in first[:2]} <= HEADINGS and not set(first[:2]) & set(names):
        print(f"{edges}, line {number}: read as a header line, not as an edge.")
        next(rows)
    pairs = array("q")
    weighted = False
    for number, row in rows:
        row = _without_empty_end([cell.strip() for cell in row])
        if not pairs:
            weighted = len(row) == 3 and is_number(row[2])
            if weighted:
                print(f"{edges}: column 3 (weights?) is not used; every edge counts alike.")
        if len(row) != 2 + weighted or (weighted and not is_number(row[2])):
            raise ValueError(
                f"{edges}, line {number}: {len(row)} columns; the names of two nodes are needed"
                f"{' and a number, as in the first line' * weighted}, with a comma, semicolon or tab between."
            )
        for name in row[:2]:
            if name not in names:
                raise ValueError(
                    f"{edges}, line {number}: node {name!r} has no line in {nodes}; add it, or take this line out"
                    f"{' if it is a header line' * (not pairs)}."
                )
            pairs.append(names[name])
    if not pairs:
        raise ValueError(f"{edges} holds nothing but a header line; one line for each edge is needed.")
    return Parts(tuple(names), labels, features, np.array(pairs, dtype=np.int64).reshape(-1, 2).T)


def _nodes(path: Path) -> tuple[dict[str, int], np.ndarray, csr_matrix]:
    separator, rows = read_table(path, 3, "one line for each node")
    begins, uncut = next(rows)
    first = cells_of(uncut, separator)
    if len(first) > 2 and not any(map(is_number, first[1:])):
        print(f"{path}, line {begins}: read as a header line, not as a node.")
        begins, uncut = next(rows, (begins, []))
        if not uncut:
            raise ValueError(f"{path} holds nothing but a header line; one line for each node is needed.")
        first = cells_of(uncut, separator)
    surplus = len(first) - len(_without_empty_end(first))  # a spreadsheet ends each line with empty columns
    width = len(first) - surplus
    first = first[:width]
    class_is_last = width > 2 and is_number(first[1]) and not is_number(first[-1])  # so Cora's own file has it
    names: dict[str, int] = {}
    labels: list[str] = []
    features = _Rows()
    for number, row in chain([(begins, uncut)], rows):
        where = f"{path}, line {number}"
        n_columns, name, label, numbers = _node(_without(row, surplus, separator), separator, class_is_last)
        if n_columns != width or width < 3:
            raise ValueError(
                f"{where}: {n_columns} columns; node, class and {max(width - 2, 1)} numbers are needed, with a comma, "
                "semicolon or tab between."
            )
        if not name or not label:
            raise ValueError(f"{where}: the {'class' if name else 'name'} of the node is missing.")
        if name in names:
            raise ValueError(f"{where}: node {name!r} stands in an earlier line too; keep one of them.")
        names[name] = len(names)
        labels.append(label)
        values = numbers_in(numbers, separator)
        if not features.add(values):
            wrong = numbers.split("\n")[np.flatnonzero(~(np.abs(values) <= LARGEST))[0]].strip()
            why = "in 32 bits, in which networks compute" if is_number(wrong) else "(there is no header line)"
            raise ValueError(f"{where}: {wrong!r} is not a finite number {why}; correct it.")
    return names, np.array(labels), features.matrix(width - 2)


def _without_empty_end(row: list[str]) -> list[str]:
    while len(row) > 2 and not row[-1].strip():
        row = row[:-1]
    return row


def _without(row: str | list[str], surplus: int, separator: str) -> str | list[str]:
    """Leave out the empty columns at the end of a row, where it has as many as the first one."""
    if not surplus:
        return row
    if isinstance(row, str):
        return row.removesuffix(separator * surplus)
    return row if any(map(str.strip, row[-surplus:])) else row[:-surplus]


def _node(row: str | list[str], separator: str, class_is_last: bool) -> tuple[int, str, str, str]:
    """Give the number of columns of a row, its node, its class, and all other columns, each on a line."""
    if isinstance(row, list):
        label, values = (row[-1], row[1:-1]) if class_is_last else (row[min(1, len(row) - 1)], row[2:])
        return len(row), row[0].strip(), label.strip(), "\n".join(cell.replace("\n", " ") for cell in values)
    name, _, rest = row.partition(separator)
    label, _, numbers = reversed(rest.rpartition(separator)) if class_is_last else rest.partition(separator)
    return row.count(separator) + 1, name.strip(), label.strip(), numbers.replace(separator, "\n")


def from_npz(path: Path) -> tuple[Parts, tuple[str, ...]]:
    """Read sparse matrices in the layout of Coauthor's file, without running anything in it; give class names too."""
    with open_own(path) as file:
        if not zipfile.is_zipfile(file):
            raise ValueError(f"{path} is damaged or no .npz file; write it again with numpy.savez.")
        file.seek(0)
        try:
            with np.load(file, allow_pickle=False) as stored:
                arrays = {name: _array(stored, name, path) for name in stored.files}
        except (zipfile.BadZipFile, AttributeError, EOFError, OSError) as error:
            raise ValueError(
                f"{path} is damaged or no .npz file ({error}); write it again with numpy.savez."
            ) from error
    wanted = [*(f"{part}_{of}" for part in ("adj", "attr") for of in CSR), "labels"]
    if lacking := [name for name in wanted if name not in arrays]:
        raise ValueError(
            f"{path} lacks {', '.join(lacking)}; it holds {', '.join(arrays) or 'nothing'}. A graph in an .npz file "
            "needs two CSR matrices, adj (the edges) and attr (the features), and labels."
        )
    links, features = (_csr(arrays, part, path) for part in ("adj", "attr"))
    if links.shape[0] != links.shape[1]:
        raise ValueError(f"{path}: adj must have as many rows as columns, but its shape is {links.shape}.")
    numbered = np.char.add("node ", np.arange(links.shape[0]).astype(str))
    names, classes = (_texts(arrays.get(name, plain), name, path) for name, plain in NAMED.items())
    names = names or tuple(map(str, numbered))
    if classes and arrays["labels"].dtype.kind in "iu" and arrays["labels"].max(initial=0) >= len(classes):
        raise ValueError(
            f"{path}: class_names names {len(classes)} classes, but labels go up to {arrays['labels'].max()}, counted "
            "from 0; name them all, or none."
        )
    masks = tuple(arrays[name] for name in MASKS) if all(name in arrays for name in MASKS) else None
    return Parts(names, arrays["labels"], features, np.stack(links.nonzero()), masks), classes


def _texts(array: np.ndarray, name: str, path: Path) -> tuple[str, ...]:
    texts = tuple(map(str, array)) if array.ndim == 1 else ()
    if array.ndim != 1 or len(set(texts)) < len(texts):
        raise ValueError(f"{path}: {name} must be a list of texts, no two of them alike; its shape is {array.shape}.")
    return texts


def _array(stored: Any, name: str, path: Path) -> np.ndarray:
    try:
        return stored[name]
    except ValueError as error:
        raise ValueError(
            f"{path}: {name} cannot be read as a plain array ({error}), so it was refused: a pickle can run code; save "
            "numbers, or texts of dtype str."
        ) from error


def _csr(arrays: dict[str, np.ndarray], part: str, path: Path) -> csr_matrix:
    data, indices, indptr, shape = (arrays[f"{part}_{of}"] for of in CSR)
    if shape.dtype.kind not in "iu":
        raise ValueError(f"{path}: {part}_shape must be two whole numbers, but they are {shape.dtype}.")
    try:
        matrix = csr_matrix((data, indices, indptr), shape=tuple(map(int, shape)))
        matrix.check_format(full_check=True)
        return _finite(matrix, f"{path}: {part}")
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: the four arrays of {part} make no sparse matrix ({error}).") from error


def _finite(features: Any, where: object) -> csr_matrix:
    """Make features a sparse matrix of 32 bits, or say which node has a value that is not finite."""
    if features.dtype.kind not in "biuf":
        raise ValueError(f"{where} must hold real numbers, but they are {features.dtype}.")
    with np.errstate(over="ignore"):
        matrix = csr_matrix(features).astype(np.float32)
    wrong = np.flatnonzero(~np.isfinite(matrix.data))
    if len(wrong):
        node = int(np.searchsorted(matrix.indptr, wrong[0], side="right")) - 1
        raise ValueError(f"{where}: row {node} holds a number that is not finite in 32 bits; correct it.")
    matrix.eliminate_zeros()
    return matrix


def from_object(graph: Any) -> Parts:
    """Take a graph of networkx or DGL; neither library is imported here."""
    if hasattr(graph, "ndata"):
        return _from_dgl(graph)
    if hasattr(graph, "nodes") and hasattr(graph, "edges") and hasattr(graph, "adj"):
        return _from_networkx(graph)
    raise ValueError(
        f"read_graph: got {type(graph).__name__}, expected the path of a table or .npz file, a networkx or a DGL graph."
    )


def _from_dgl(graph: Any) -> Parts:
    if len(getattr(graph, "ntypes", ["_"])) > 1 or len(getattr(graph, "etypes", ["_"])) > 1:
        raise ValueError(
            "read_graph: a DGL graph with one kind of node and of edge is needed; dgl.to_homogeneous makes it."
        )
    data = graph.ndata
    label, features = (_first(keys, data, "read_graph: ndata of the DGL graph") for keys in (LABELS, FEATURES))
    matrix = _numpy(data[features])
    if matrix.ndim != 2:
        raise ValueError(f"read_graph: ndata[{features!r}] must be (n_nodes, n_features), but is {matrix.shape}.")
    masks = tuple(data[name].cpu().numpy().astype(bool) for name in MASKS) if all(m in data for m in MASKS) else None
    pairs = np.stack([end.cpu().numpy() for end in graph.edges()]).astype(np.int64)
    names = tuple(f"node {node}" for node in range(len(matrix)))
    return Parts(names, _numpy(data[label]), _finite(matrix, f"read_graph: ndata[{features!r}]"), pairs, masks)


def _numpy(tensor: Tensor) -> np.ndarray:
    """Give a tensor's numbers, those of 16 bits in 32, since NumPy does not know all of their kinds."""
    tensor = tensor.detach().cpu()
    return (tensor.float() if tensor.is_floating_point() and tensor.element_size() < 4 else tensor).numpy()


def _from_networkx(graph: Any) -> Parts:
    position = {node: number for number, node in enumerate(graph.nodes)}
    if not position:
        raise ValueError("read_graph: the networkx graph is empty; nodes with a label and features are needed.")
    rows, labels, width = _Rows(), [], 0
    for node, data in graph.nodes(data=True):
        where = f"read_graph: node {node!r} of the networkx graph"
        label, features = (_first(keys, data, where) for keys in (LABELS, FEATURES))
        if data[label] is None:
            raise ValueError(f"{where}: its {label} is None; give it a class, or take it out.")
        labels.append(data[label])
        row: Any = _numpy(data[features]) if isinstance(data[features], Tensor) else data[features]
        try:
            values = np.asarray(row.toarray() if issparse(row) else row, dtype=float).reshape(-1)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{where}: its {features} are no row of numbers ({error}).") from error
        if len(labels) == 1:
            width = len(values)
        if len(values) != width:
            raise ValueError(f"{where} has {len(values)} features, but the nodes before it have {width}.")
        if not rows.add(values):
            raise ValueError(f"{where}: its {features} hold a number that is not finite in 32 bits; correct it.")
    pairs = np.array([(position[a], position[b]) for a, b in graph.edges()], dtype=np.int64).reshape(-1, 2).T
    return Parts(tuple(map(str, position)), _plain(labels), rows.matrix(width), pairs)


def _plain(labels: list[Any]) -> np.ndarray:
    """Keep whole numbers as numbers; everything else is named by its text."""
    whole = all(isinstance(label, int | np.integer) and not isinstance(label, bool) for label in labels)
    return np.array(labels if whole else list(map(str, labels)))


def _first(keys: Iterable[str], data: Any, where: str) -> str:
    found = next((key for key in keys if key in data), None)
    if found is None:
        raise ValueError(f"{where} has none of {', '.join(keys)}; it has {', '.join(map(str, data)) or 'nothing'}.")
    return found
