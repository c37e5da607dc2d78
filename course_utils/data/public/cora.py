"""Cora, the citation network on which GCN and GAT were first compared, in the Planetoid split."""

import pickle
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_matrix, diags_array, vstack

from course_utils.data.node_classification import CitationGraph, both_directions
from course_utils.data.public.registry import DataError, fetch

# Planetoid numbers the classes and does not name them; the class sizes of the LINQS files tell which is which.
CLASSES = (
    "Theory",
    "Reinforcement_Learning",
    "Genetic_Algorithms",
    "Neural_Networks",
    "Probabilistic_Methods",
    "Case_Based",
    "Rule_Learning",
)


def load_cora(progress: bool = True) -> CitationGraph:
    """Load the 2,708 papers, their words and references, with the split of the GCN and GAT papers.

    Parameters
    ----------
    progress
        Show a progress bar if files must be downloaded.

    Returns
    -------
    Features are the 1,433 binary words, each row divided by its sum as both papers do (``features > 0`` gives the words
    back). 140 nodes train (20 a class), 500 validate, 1,000 test; the labels of the others are not used.

    Raises
    ------
    DataError
        The files cannot be had, or hold something other than plain arrays.

    References
    ----------
    Sen et al. (2008), Collective Classification in Network Data. Yang, Cohen & Salakhutdinov (2016), Revisiting
    Semi-Supervised Learning with Graph Embeddings. Veličković et al. (2018), Graph Attention Networks, section 3.
    """
    paths = fetch("cora", progress)
    allx, tx, ally, ty, neighbours = (
        decode(paths[f"ind.cora.{part}"]) for part in ("allx", "tx", "ally", "ty", "graph")
    )
    test_nodes = np.loadtxt(paths["ind.cora.test.index"], dtype=np.int64)
    n_known, n_nodes = len(ally), len(ally) + len(ty)

    row_of_node = np.arange(n_nodes)
    row_of_node[test_nodes] = n_known + np.arange(len(test_nodes))  # the test rows come in the order of test.index
    words = vstack([_to_sparse(allx), _to_sparse(tx)], format="csr")[row_of_node]
    features = diags_array(1 / words.sum(axis=1).A1) @ words
    labels = np.concatenate([ally, ty])[row_of_node].argmax(axis=1)

    pairs = np.array([(node, other) for node, others in neighbours.items() for other in others]).T
    sources, targets = both_directions(pairs)
    nodes = torch.arange(n_nodes)
    n_train = len(decode(paths["ind.cora.y"]))
    return CitationGraph(
        features=csr_matrix(features, dtype=np.float32),
        labels=torch.from_numpy(labels),
        sources=sources,
        targets=targets,
        classes=CLASSES,
        train=nodes < n_train,
        val=(nodes >= n_train) & (nodes < n_train + 500),
        test=torch.isin(nodes, torch.from_numpy(test_nodes)),
        names=tuple(f"paper {node}" for node in range(n_nodes)),
    )


class _SparseParts:
    """Stands in for the sparse matrix of the file: holds its arrays, does nothing with them."""

    data: np.ndarray
    indices: np.ndarray
    indptr: np.ndarray
    _shape: tuple[int, int]


# Names as Python 2 wrote them; numpy's own array builder is private, but each array names it in __reduce__.
_ADMITTED = {
    ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("scipy.sparse.csr", "csr_matrix"): _SparseParts,
    ("collections", "defaultdict"): defaultdict,
    ("__builtin__", "list"): list,
}


class _ArraysOnly(pickle.Unpickler):
    """Admits the six types that the Planetoid files are made of; a pickle that names anything else runs nothing."""

    def find_class(self, module: str, name: str) -> Any:
        """Return an admitted type, or refuse."""
        if (module, name) not in _ADMITTED:
            raise DataError(f"a Planetoid file asks for {module}.{name}, which plain arrays do not need: refused")
        return _ADMITTED[module, name]


def decode(path: Path) -> Any:
    """Read the arrays in a Planetoid file without letting it run code."""
    with path.open("rb") as file:
        return _ArraysOnly(file, encoding="latin1").load()


def _to_sparse(parts: _SparseParts) -> csr_matrix:
    return csr_matrix((parts.data, parts.indices, parts.indptr), shape=parts._shape)
