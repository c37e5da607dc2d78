"""Coauthor CS: people in computer science, the words of their papers, and who writes with whom."""

import numpy as np
import torch
from scipy.sparse import csr_matrix, diags_array

from course_utils.data.node_classification import CitationGraph, both_directions, split_per_class
from course_utils.data.public.registry import DataError, fetch

CLASSES = (
    "bioinformatics",
    "machine_learning",
    "computer_vision",
    "NLP",
    "graphics",
    "networks",
    "security",
    "databases",
    "data_mining",
    "game_theory",
    "HCI",
    "information_theory",
    "medical_informatics",
    "robotics",
    "theoretical_cs",
)


def load_coauthor_cs(progress: bool = True, seed: int = 0) -> CitationGraph:
    """Load 18,333 authors, the keywords of their papers, and the pairs who wrote a paper together.

    Parameters
    ----------
    progress
        Show a progress bar if files must be downloaded.
    seed
        Another seed gives another split; the paper asks for many.

    Returns
    -------
    Features are 6,805 binary words, each row divided by its sum as ``load_cora`` does (``features > 0`` gives the words
    back). 20 authors a class train, 30 a class validate, all others are for the test. An edge joins two authors.

    Raises
    ------
    DataError
        The file cannot be had.

    Notes
    -----
    Read with ``allow_pickle=False``, so nothing in the file is run. The paper's word counts are turned into present or
    absent, as its code does.

    References
    ----------
    Shchur, Mumme, Bojchevski & Günnemann (2018), Pitfalls of Graph Neural Network Evaluation, section 3 and the code
    (gnn-benchmark, train.conf.yaml: 20 training and 30 validation examples a class, the rest for the test).
    """
    (path,) = fetch("coauthor_cs", progress).values()
    try:
        with np.load(path, allow_pickle=False) as arrays:
            words, links = (
                csr_matrix(
                    tuple(arrays[f"{part}_{of}"] for of in ("data", "indices", "indptr")), arrays[f"{part}_shape"]
                )
                for part in ("attr", "adj")
            )
            labels = torch.from_numpy(arrays["labels"].astype(np.int64))
    except ValueError as error:
        raise DataError(f"{path} holds something other than plain arrays: refused") from error

    words = (words > 0).astype(np.float32)
    sources, targets = both_directions(np.stack(links.nonzero()))
    # With one seed the draw is the same: the first 20 of each class train, the next 30 validate.
    train, _, _ = split_per_class(labels, 20, 0, seed)
    shown, _, test = split_per_class(labels, 50, 0, seed)
    return CitationGraph(
        features=csr_matrix(diags_array(1 / words.sum(axis=1).A1) @ words, dtype=np.float32),
        labels=labels,
        sources=sources,
        targets=targets,
        classes=CLASSES,
        train=train,
        val=shown & ~train,
        test=test,
        names=tuple(f"author {node}" for node in range(len(labels))),
    )
