"""How much faster lecture 06 trains graph attention than DGL's layers do: milliseconds an epoch, and the ratio.

Run it from the checkout, about a minute on one core: ``python -m tests.benchmarks.gat_epoch``. It needs Cora, which is
downloaded once; ``COURSE_DATA=folder`` reads it from a folder of yours.

Both networks are the paper's: 8 heads of 8 units, then one head, dropout 0.6 on inputs and weights, ELU, Adam with
0.005 and a weight decay of 5e-4; an epoch is one forward pass, one backward pass and one step on the whole graph.

GATConv, dense
    Two layers of ``dgl.nn.GATConv`` on the dense feature matrix.
lecture, sparse
    The notebook's `Network`: dropout on the stored features alone, a sparse product, and attention along the edges.
lecture, dense
    The same on the dense matrix: tells how much of the ratio the sparse product makes.

The networks take turns in one process on one thread, and seconds are those of the processor, so that other programs on
the machine hardly count; each ratio is within one round, and the median of the ratios is printed.
"""

import sys
import time

import torch
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm

from course_utils.data.node_classification import CitationGraph
from course_utils.data.public.cora import load_cora
from course_utils.training import fit, set_seed
from tests.benchmarks.report import print_ratios
from tests.notebooks import definitions

ROUNDS = 5
EPOCHS = 20

lecture, experiment = definitions("06_graph_attention"), definitions("experiments/06_graph_attention")


def milliseconds(model: nn.Module, features: object, citations: CitationGraph) -> float:
    """Train for some epochs after two to warm up; give milliseconds of the processor an epoch."""
    graphs = 2 * [lecture.as_dgl(citations)]

    def loss(_: None) -> torch.Tensor:
        logits, _ = model(graphs, features)
        return F.cross_entropy(logits[citations.train], citations.labels[citations.train])

    def run(epochs: int) -> float:
        start = time.process_time()
        fit(
            model,
            loss,
            lambda: [None],
            epochs,
            lr=lecture.LEARNING_RATE,
            weight_decay=lecture.WEIGHT_DECAY,
            clip_norm=None,
            progress=False,
        )
        return 1000 * (time.process_time() - start) / epochs

    run(2)
    return run(EPOCHS)


def main() -> None:
    """Run all networks in turn and print their milliseconds and the median ratios."""
    torch.set_num_threads(1)
    cora = load_cora()
    dense = torch.from_numpy(cora.features.toarray())
    networks = {
        "GATConv, dense": (experiment.DglNetwork, dense),
        "lecture, sparse": (lecture.gat, lecture.SparseFeatures(cora.features)),
        "lecture, dense": (lecture.gat, dense),
    }
    spent = {name: [] for name in networks}
    for seed in tqdm(range(ROUNDS), "rounds", file=sys.stdout, ncols=80):
        for name, (build, features) in networks.items():
            set_seed(seed)
            model = build(cora.features.shape[1], len(cora.classes))
            spent[name].append(milliseconds(model, features, cora))
    print(f"Cora, {EPOCHS} epochs a round, one thread, torch {torch.__version__}")
    print_ratios(spent, "GATConv, dense", "{:6.1f} ms an epoch", "of GATConv's time")


if __name__ == "__main__":
    main()
