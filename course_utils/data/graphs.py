"""Graphs in one shape: Cora, Coauthor CS, and two tables of your own."""

import csv
import math
from pathlib import Path

import numpy as np
import torch
from scipy.sparse import csr_matrix

from course_utils.data.node_classification import CitationGraph, both_directions, split_per_class
from course_utils.data.public.coauthor import load_coauthor_cs
from course_utils.data.public.cora import load_cora
from course_utils.data.text_lines import text_lines

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
    edges: str | Path, features: str | Path, n_train_per_class: int = 20, n_val: int | None = None, seed: int = 0
) -> CitationGraph:
    """Read a graph of your own from two CSV files: UTF-8, commas between the columns, no header line.

    Parameters
    ----------
    edges
        Two columns: the names of two nodes. Direction, duplicates and loops are lost, as in every ``CitationGraph``.
    features
        One line a node: its name, its class, then one number or more, as many in each line.
    n_train_per_class, n_val, seed
        As for ``split_per_class``; if ``n_val`` is not given, 30 for each class.

    Returns
    -------
    Nodes in the order of the file, classes in alphabetical order, features as they are (not divided by their sum).

    Raises
    ------
    ValueError
        A line is not UTF-8, is ragged, lacks a name or class, holds something that is not a number, names a node twice
        or one that has no features (the message gives its number); or the classes are too small for the split.
    """
    rows = _table(Path(features))
    width = len(rows[0][1])
    names: dict[str, int] = {}
    for number, row in rows:
        where = f"{features}, line {number}"
        if len(row) != width or width < 3:
            raise ValueError(f"{where}: {len(row)} columns; node, class and {max(width - 2, 1)} numbers are needed.")
        if not row[0] or not row[1]:
            raise ValueError(f"{where}: the {'class' if row[0] else 'name'} of the node is missing.")
        if row[0] in names:
            raise ValueError(f"{where}: node {row[0]!r} stands in an earlier line too; keep one of them.")
        names[row[0]] = len(names)
    values = np.array([[_number(text, f"{features}, line {number}") for text in row[2:]] for number, row in rows])
    classes = tuple(sorted({row[1] for _, row in rows}))
    labels = torch.tensor([classes.index(row[1]) for _, row in rows])

    pairs = []
    for number, row in _table(Path(edges)):
        if len(row) != 2:
            raise ValueError(f"{edges}, line {number}: {len(row)} columns; the names of two nodes are needed.")
        for name in row:
            if name not in names:
                raise ValueError(f"{edges}, line {number}: node {name!r} has no line in {features}; add it.")
        pairs.append([names[name] for name in row])
    sources, targets = both_directions(np.array(pairs).T)
    train, val, test = split_per_class(labels, n_train_per_class, 30 * len(classes) if n_val is None else n_val, seed)
    return CitationGraph(
        features=csr_matrix(values, dtype=np.float32),
        labels=labels,
        sources=sources,
        targets=targets,
        classes=classes,
        train=train,
        val=val,
        test=test,
        names=tuple(names),
    )


def _table(path: Path) -> list[tuple[int, list[str]]]:
    """Read the lines of a CSV file with their numbers; empty lines are passed over."""
    reader = csv.reader(text_lines(path.read_bytes(), path))
    rows = [(reader.line_num, [column.strip() for column in row]) for row in reader if row]
    if not rows:
        raise ValueError(f"{path} is empty; one line for each node or edge is needed.")
    return rows


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{where}: {text!r} is not a finite number (there is no header line).")
    return value
