"""Docs: the docstrings of the scientific libraries, and who refers to whom; a citation network that needs no network.

Nothing of it is shipped: the corpus is read from the libraries installed here, once, and kept in the cache.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from scipy.sparse import csr_matrix
from torch import Tensor
from tqdm import tqdm

from course_utils.data.node_classification import CitationGraph, both_directions, split_per_class
from course_utils.data.storage import cached, library_versions
from course_utils.files import CHECKOUT

LIBRARIES = ("numpy", "scipy", "networkx", "matplotlib", "torch", "sympy")
RECIPE = 2  # to be raised with each change to extraction.py or prose.py that changes what comes out


@dataclass(frozen=True)
class Docs:
    """Docstrings as documents with a subject area, and the references between them.

    Attributes
    ----------
    names
        The public name of the object each document describes, such as ``scipy.signal.hilbert``.
    texts
        Document → sentences → lower-case words. Code, names, mathematics, package names and what many documents share
        word for word are gone.
    labels
        The subject area of each document, an index into ``classes``.
    classes
        Eleven subject areas.
    sources, targets
        Edge ``e`` goes from document ``sources[e]`` to ``targets[e]``. Every reference stands in both directions;
        there are no self-loops and no duplicates.
    """

    names: tuple[str, ...]
    texts: tuple[tuple[tuple[str, ...], ...], ...]
    labels: Int[Tensor, "n_docs"]
    classes: tuple[str, ...]
    sources: Int[Tensor, "n_edges"]
    targets: Int[Tensor, "n_edges"]

    def __len__(self) -> int:
        """Number of documents."""
        return len(self.names)

    def words(self, i: int) -> tuple[str, ...]:
        """All words of document ``i`` in order, without the borders of its sentences."""
        return tuple(word for sentence in self.texts[i] for word in sentence)

    def split(
        self, seed: int, train: float = 0.7, val: float = 0.1
    ) -> tuple[Int[Tensor, "n_train"], Int[Tensor, "n_val"], Int[Tensor, "n_test"]]:
        """Draw a split for document classification with the same share of every subject area in each part.

        Parameters
        ----------
        seed
            Another seed, another split.
        train, val
            Share of documents to learn from and to select models with; all others are for the test.

        Returns
        -------
        train, val, test
            Positions of documents, ascending; no document is in two parts.
        """
        if not (train > 0 and val > 0 and train + val < 1):
            raise ValueError(
                f"Docs.split: train and val are shares above 0 that leave some for the test; got {train} and {val}."
            )
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(seed))
        parts: tuple[list[Tensor], ...] = ([], [], [])
        for label in range(len(self.classes)):
            members = order[self.labels[order] == label]
            ends = (round(train * len(members)), round((train + val) * len(members)))
            for part, chosen in zip(parts, members.tensor_split(ends), strict=True):
                part.append(chosen)
        train_part, val_part, test_part = (torch.cat(part).sort().values for part in parts)
        return train_part, val_part, test_part

    def as_graph(
        self, seed: int, n_features: int = 1433, n_train_per_class: int = 20, n_val: int = 500
    ) -> CitationGraph:
        """Put the corpus into the shape of Cora: which frequent words a document contains, and a split with few labels.

        Parameters
        ----------
        seed
            Decides the split (see ``split_per_class``).
        n_features
            How many words to keep: those in most documents, without scikit-learn's list of stop words; words in
            equally many documents in alphabetical order. Cora has 1433.
        n_train_per_class, n_val
            Labels that training sees in each subject area, and documents for model selection.

        Returns
        -------
        A graph whose feature rows sum to one, except those of documents without any of the words, which are zero.
        """
        # Not at the top of the module: scikit-learn takes a second to import, and not every lecture needs a graph.
        from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

        contents = [set(self.words(i)) - ENGLISH_STOP_WORDS for i in range(len(self))]
        frequency = Counter(word for content in contents for word in content)
        if n_features > len(frequency):
            raise ValueError(f"Docs.as_graph: there are {len(frequency)} words, fewer than n_features={n_features}.")
        frequent = sorted(frequency, key=lambda word: (-frequency[word], word))[:n_features]
        column = {word: position for position, word in enumerate(sorted(frequent))}
        columns = [sorted(column[word] for word in content if word in column) for content in contents]
        sizes = np.array([len(row) for row in columns])
        features = csr_matrix(
            (
                np.repeat(1 / np.maximum(sizes, 1), sizes).astype(np.float32),
                np.concatenate(columns).astype(np.int32),
                np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32),
            ),
            shape=(len(self), n_features),
        )
        train, val, test = split_per_class(self.labels, n_train_per_class, n_val, seed)
        return CitationGraph(
            features=features,
            labels=self.labels,
            sources=self.sources,
            targets=self.targets,
            classes=self.classes,
            train=train,
            val=val,
            test=test,
            names=self.names,
        )


def load_docs(progress: bool = True) -> Docs:
    """Read the corpus from the cache, or make it from the docstrings of the installed libraries.

    Parameters
    ----------
    progress
        Show a bar while the corpus is made (about ten seconds on one core, once per set of library versions).

    Raises
    ------
    ModuleNotFoundError
        If one of the libraries is not installed.
    RuntimeError
        If the docstrings cannot be read; the message ends with what the reading process said.
    """
    try:
        versions = library_versions((*LIBRARIES, "numpydoc"))
    except PackageNotFoundError as error:
        raise ModuleNotFoundError(
            f"load_docs: the corpus is made from the docstrings of {', '.join(LIBRARIES)}, but {error.name} is not "
            "installed; install what requirements.lock lists."
        ) from error
    stored = cached("docs", {"recipe": RECIPE, **versions}, lambda: _extract(progress))
    pairs = np.array(stored["pairs"], dtype=np.int64).reshape(-1, 2).T
    sources, targets = both_directions(pairs)
    return Docs(
        names=tuple(stored["names"]),
        texts=tuple(tuple(tuple(s.split(" ")) for s in document) for document in stored["texts"]),
        labels=torch.tensor(stored["labels"]),
        classes=tuple(stored["classes"]),
        sources=sources,
        targets=targets,
    )


def _extract(progress: bool) -> dict[str, Any]:
    """Run ``extraction`` in a process of its own, so that a notebook keeps its memory, settings and modules."""
    environment = {
        name: value
        for name, value in os.environ.items()
        # These change docstrings, or whether there are any.
        if name not in ("PYTHONOPTIMIZE", "PYTHONWARNINGS", "SCIPY_ARRAY_API")
    }
    environment |= {"MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "course_utils.data.docstrings.extraction"]
    with (
        tempfile.TemporaryFile() as complaints,
        tqdm(
            desc="reading docstrings",
            total=100,
            bar_format="{l_bar}{bar}| {elapsed}<{remaining}",
            ncols=80,
            file=sys.stdout,
            disable=not progress,
        ) as bar,
        subprocess.Popen(
            command,
            cwd=CHECKOUT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            encoding="utf-8",
        ) as process,
    ):
        try:
            corpus = None
            for line in process.stdout or ():
                if not line.endswith("\n"):
                    break  # killed while it wrote
                message = json.loads(line)
                corpus = message.get("corpus")
                bar.update(message.get("percent", 100) - bar.n)
        except BaseException:
            process.kill()
            raise
        if process.wait() != 0 or corpus is None:
            complaints.seek(0)
            last = complaints.read().decode("utf-8", "replace").strip().splitlines()[-8:]
            if process.returncode < 0 and not last:
                raise RuntimeError(
                    f"load_docs: the process that reads the docstrings was ended from outside (signal "
                    f"{-process.returncode}), often because memory is short; close other programs and call again."
                )
            raise RuntimeError(
                f"load_docs: reading the docstrings failed (exit status {process.returncode}). Check the installation "
                "with `python3 course.py doctor`. The reading process said:\n" + "\n".join(last)
            )
    return corpus
