"""Lecture 06's sampled training on a graph whose features do not fit the memory given.

``python -m tests.benchmarks.features_on_disk sampled`` reads from the disk what each batch needs (a NumPy memmap);
``… whole`` reads all of it, as training on the whole graph must. ``--mebibytes`` limits what either may take beside
what is loaded before (``ulimit -d``; Linux alone), ``--nodes`` and ``--features`` say how large the graph is.

The graph is made up: seven classes, four of five edges within a class, and noisy features to some of which a class
adds half a standard deviation.
"""

import argparse
import ctypes
import re
import resource
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from torch.nn import functional as F

from course_utils.training import fit, set_seed
from tests.notebooks import definitions

lecture = definitions("06_graph_attention")
CLASSES = 7
DEGREE = 5
SIGNAL = 0.5  # what a class adds to its own features, in standard deviations
LABELLED = 700
STEP = 10_000  # nodes whose features are made at a time


def make_graph(folder: Path, n_nodes: int, n_features: int, seed: int) -> SimpleNamespace:
    """Make a graph; its features go to a file, piece by piece, and are read from there."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(CLASSES, size=n_nodes)
    path = folder / "features.npy"
    written = np.lib.format.open_memmap(path, "w+", np.float32, (n_nodes, n_features))
    for start in range(0, n_nodes, STEP):
        some = labels[start : start + STEP]
        noise = rng.standard_normal((len(some), n_features), np.float32)
        written[start : start + STEP] = noise + SIGNAL * (np.arange(n_features) % CLASSES == some[:, None])
    written.flush()
    of_class = [np.flatnonzero(labels == one) for one in range(CLASSES)]
    targets = np.repeat(np.arange(n_nodes), DEGREE)
    alike = np.concatenate([rng.choice(of_class[label], DEGREE) for label in labels])
    sources = np.where(rng.random(len(targets)) < 0.8, alike, rng.integers(n_nodes, size=len(targets)))
    order = torch.from_numpy(rng.permutation(n_nodes))
    train, test = (torch.zeros(n_nodes, dtype=torch.bool) for _ in range(2))
    train[order[:LABELLED]] = test[order[LABELLED : 2 * LABELLED]] = True
    return SimpleNamespace(
        n_nodes=n_nodes,
        features=np.load(path, mmap_mode="r"),
        labels=torch.from_numpy(labels),
        sources=torch.from_numpy(sources),
        targets=torch.from_numpy(targets),
        train=train,
        test=test,
    )


def limit_memory(mebibytes: int) -> None:
    """Let this process take no more than so much beside what it holds; what it has freed goes back to the system."""
    ctypes.CDLL(None).malloc_trim(0)
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    found = re.search(r"VmData:\s+(\d+) kB", status)
    assert found, "Linux alone tells what a process has taken"
    limit = (int(found[1]) << 10) + (mebibytes << 20)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def train_sampled(graph: SimpleNamespace, epochs: int) -> float:
    """Train on batches of sampled neighbours, whose features are read when they are needed; give the test accuracy."""
    model = lecture.gat(graph.features.shape[1], CLASSES)

    def run(batch):
        inputs, outputs, blocks = batch
        return model(blocks, torch.from_numpy(graph.features[inputs.numpy()]))[0], graph.labels[outputs]

    batches = lecture.sampled_batches(graph, lecture.FAN_OUT)
    fit(model, lambda batch: F.cross_entropy(*run(batch)), batches, epochs, lr=lecture.LEARNING_RATE, progress=False)
    graph.train[:] = graph.test
    model.eval()
    with torch.no_grad():
        found = [run(batch) for batch in batches()]
    return torch.cat([logits.argmax(1) == labels for logits, labels in found]).float().mean().item()


def train_whole(graph: SimpleNamespace, epochs: int) -> float:
    """Train as the lecture does, on all nodes at once; give the test accuracy."""
    features, graphs = torch.from_numpy(np.array(graph.features)), 2 * [lecture.as_dgl(graph)]
    model = lecture.gat(features.shape[1], CLASSES)

    def accuracy(nodes):
        return (model(graphs, features)[0].argmax(1) == graph.labels)[nodes].float().mean().item()

    def loss(_):
        return F.cross_entropy(model(graphs, features)[0][graph.train], graph.labels[graph.train])

    fit(model, loss, lambda: [None], epochs, lr=lecture.LEARNING_RATE, progress=False)
    model.eval()
    with torch.no_grad():
        return accuracy(graph.test)


def main() -> None:
    """Train one way, and say what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("how", choices=("sampled", "whole"))
    parser.add_argument("--mebibytes", type=int)
    parser.add_argument("--nodes", type=int, default=400_000)
    parser.add_argument("--features", type=int, default=512)
    parser.add_argument("--epochs", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        set_seed(0)
        graph = make_graph(Path(folder), arguments.nodes, arguments.features, 0)
        size = graph.features.nbytes / (1 << 20)
        if arguments.mebibytes:
            limit_memory(arguments.mebibytes)
        start = time.process_time()
        try:
            accuracy = (train_sampled if arguments.how == "sampled" else train_whole)(graph, arguments.epochs)
        except (MemoryError, RuntimeError) as error:
            raise SystemExit(f"{size:.0f} MiB of features do not fit: {error}") from None
        print(f"{arguments.how}: {size:.0f} MiB of features, accuracy {accuracy:.2f}", end="")
        print(f", {time.process_time() - start:.0f} s of one processor")


if __name__ == "__main__":
    main()
