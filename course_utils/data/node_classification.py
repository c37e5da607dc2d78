"""One shape for every citation graph of the course: documents as nodes, references as edges."""

from dataclasses import dataclass, replace
from numbers import Integral

import numpy as np
import torch
from jaxtyping import Bool, Int
from scipy.sparse import csr_matrix
from torch import Tensor


@dataclass(frozen=True)
class CitationGraph:
    """Documents, their classes, and who refers to whom.

    Attributes
    ----------
    features
        Sparse, (n_nodes, n_features), float32: which words a document contains.
    labels
        The class of each node, an index into ``classes``.
    sources, targets
        Edge ``e`` goes from ``sources[e]`` to ``targets[e]``. Every reference stands in both directions; there are no
        self-loops (a model that wants them adds them) and no duplicates.
    train, val, test
        Which nodes show their label to training, to model selection, and to the final measure.
    names
        One name a node, for drawings.
    """

    features: csr_matrix
    labels: Int[Tensor, "n_nodes"]
    sources: Int[Tensor, "n_edges"]
    targets: Int[Tensor, "n_edges"]
    classes: tuple[str, ...]
    train: Bool[Tensor, "n_nodes"]
    val: Bool[Tensor, "n_nodes"]
    test: Bool[Tensor, "n_nodes"]
    names: tuple[str, ...]

    @property
    def n_nodes(self) -> int:
        """Number of documents."""
        return len(self.labels)

    def rewired(self, seed: int) -> "CitationGraph":
        """Keep every document and the number of references, but let chance decide who refers to whom.

        The negative control for every claim about the graph: same words, same labels, same degree on one end, edges
        that mean nothing.
        """
        generator = torch.Generator().manual_seed(seed)
        one_way = self.sources < self.targets
        ends = self.targets[one_way]
        shuffled = ends[torch.randperm(len(ends), generator=generator)]
        return self.with_edges(torch.stack([self.sources[one_way], shuffled]))

    def with_edges(self, pairs: Int[Tensor, "2 n_pairs"]) -> "CitationGraph":
        """Replace the references by these pairs, in both directions, without self-loops and duplicates."""
        sources, targets = both_directions(pairs.numpy())
        return replace(self, sources=sources, targets=targets)


def both_directions(pairs: np.ndarray) -> tuple[Tensor, Tensor]:
    """Turn reference pairs, shape (2, n_pairs), into edges in both directions without self-loops and duplicates.

    Returns
    -------
    sources, targets
        Sorted by target, then by source, so that equal graphs have equal tensors.
    """
    pairs = pairs[:, pairs[0] != pairs[1]]
    both = np.concatenate([pairs, pairs[::-1]], axis=1)
    targets, sources = np.unique(both[::-1], axis=1)
    return torch.from_numpy(sources.copy()).long(), torch.from_numpy(targets.copy()).long()


def split_per_class(
    labels: Int[Tensor, "n_nodes"], n_train_per_class: int, n_val: int, seed: int
) -> tuple[Bool[Tensor, "n_nodes"], Bool[Tensor, "n_nodes"], Bool[Tensor, "n_nodes"]]:
    """Draw a split with a fixed number of training labels a class, as the Planetoid split of Cora does.

    Parameters
    ----------
    labels
        The class of each node.
    n_train_per_class
        Training labels per class, one or more; the smallest class must have more nodes than that.
    n_val
        Nodes for model selection, zero or more, drawn from what is left; all others are for the test.

    Returns
    -------
    train, val, test
        Three masks that do not overlap and together cover all nodes.

    Raises
    ------
    ValueError
        The numbers make no split.

    References
    ----------
    Yang, Cohen & Salakhutdinov (2016), Revisiting Semi-Supervised Learning with Graph Embeddings, section 5.
    """
    whole = isinstance(n_train_per_class, int | Integral) and isinstance(n_val, int | Integral)
    if not whole or n_train_per_class < 1 or n_val < 0:
        raise ValueError(
            f"split_per_class: n_train_per_class must be a whole number, one or more, and n_val zero or more, got "
            f"{n_train_per_class} and {n_val}; choose numbers that leave nodes to train on and to test."
        )
    if not isinstance(seed, int | Integral):
        raise ValueError(f"split_per_class: seed must be a whole number, got {seed!r}.")
    if not len(labels):
        raise ValueError("split_per_class: there are no nodes to split; labels is empty.")
    smallest = int(torch.bincount(labels).min())
    if smallest <= n_train_per_class:
        raise ValueError(
            f"split_per_class: the smallest class has {smallest} nodes, but n_train_per_class is "
            f"{n_train_per_class}; choose fewer training labels a class."
        )
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    train = torch.zeros(len(labels), dtype=torch.bool)
    for label in range(int(labels.max()) + 1):
        train[order[labels[order] == label][:n_train_per_class]] = True
    rest = order[~train[order]]
    if len(rest) <= n_val:
        raise ValueError(f"split_per_class: n_val is {n_val}, but only {len(rest)} nodes are left after training.")
    val = torch.zeros_like(train)
    val[rest[:n_val]] = True
    return train, val, ~(train | val)
