"""Graphs in one shape: Cora, Coauthor CS, and a graph of your own."""

from pathlib import Path
from typing import Any

from course_utils.data.node_classification import CitationGraph
from course_utils.data.own_graphs import from_npz, from_object, from_tables, to_graph
from course_utils.data.public.coauthor import load_coauthor_cs
from course_utils.data.public.cora import load_cora

NAMES = ("cora", "coauthor_cs")


def load_graph(name: str, progress: bool = True, seed: int = 0) -> CitationGraph:
    """Load a public graph.

    Parameters
    ----------
    name
        ``"cora"`` (papers and references) or ``"coauthor_cs"`` (authors and who writes with whom).
    progress
        Show a progress bar if files must be downloaded.
    seed
        Draws the split of Coauthor CS. Cora has one split, that of its papers: any seed but 0 is an error.

    Raises
    ------
    DataError
        The files cannot be had.
    ValueError
        There is no graph of that name, or Cora is asked for with a seed.
    """
    if name == "coauthor_cs":
        return load_coauthor_cs(progress, seed)
    if name != "cora":
        raise ValueError(f"There is no graph {name!r}; choose one of {', '.join(NAMES)}.")
    if seed != 0:
        raise ValueError(f"load_graph: Cora has one split and no seed, but seed is {seed}; draw with split_per_class.")
    return load_cora(progress)


def read_graph(
    edges: Any, features: str | Path | None = None, n_train_per_class: int = 20, n_val: int | None = None, seed: int = 0
) -> CitationGraph:
    """Read a graph of your own: two tables, an ``.npz`` file, a networkx graph or a DGL graph.

    Parameters
    ----------
    edges
        The path of a CSV file, UTF-8, with commas, semicolons or tabs between its two columns, the names of two nodes.
        Direction, duplicates and loops are lost, as in every ``CitationGraph``; so is a third column of weights.

        Or, without ``features``, the whole graph: the path of an ``.npz`` file with two sparse matrices in CSR form,
        ``adj_data``, ``adj_indices``, ``adj_indptr``, ``adj_shape`` (the edges) and ``attr_…`` (the features), and
        ``labels``; ``class_names`` and ``node_names`` if you like. Or a graph of networkx or DGL, whose nodes have a
        ``label`` and ``features`` (DGL: ``feat``).
    features
        The path of a CSV file with one line per node: its name, its class, then one number or more, as many in each
        line. The class may also be the last column.
    n_train_per_class, n_val, seed
        As for ``split_per_class``; if ``n_val`` is not given, 30 for each class. Not used where the graph brings
        ``train_mask``, ``val_mask`` and ``test_mask``.

    Returns
    -------
    Nodes in the order of the file, classes in alphabetical order, features as they are (not divided by their sum).

    Raises
    ------
    OSError
        A file cannot be read.
    ValueError
        A line is not UTF-8, is ragged, lacks a name or class, holds something that is not a finite number of 32 bits,
        leaves a quote open, names a node twice or one that has no features (the message gives its number); an array is
        missing or a pickle; or the classes are too small for the split.
    """
    if not isinstance(edges, str | Path):
        return to_graph(from_object(edges), "read_graph", n_train_per_class, n_val, seed)
    if features is not None:
        return to_graph(from_tables(Path(edges), Path(features)), features, n_train_per_class, n_val, seed)
    if Path(edges).suffix.lower() != ".npz":
        raise ValueError(
            f"read_graph: {edges} is one file; give two tables, read_graph(edges, features), an .npz file, or a graph "
            "that networkx or DGL has read."
        )
    parts, class_names = from_npz(Path(edges))
    return to_graph(parts, edges, n_train_per_class, n_val, seed, class_names)
