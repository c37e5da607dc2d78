"""Train lecture 05's Transformer on Multi30k in several processes under ``torchrun``, each with a part of every batch.

``.venv/bin/torchrun --standalone --nproc-per-node 2 -m course_utils.commands.data_parallel --epochs 3``

Every process draws the same batches, computes on its own rows, and the gradients are averaged (DistributedDataParallel,
gloo on processors, nccl on GPUs). The loss is weighted so that their average is the gradient of the whole batch: but
for the dropout, which each process draws for itself, any number of processes trains the same model.
"""

import argparse
import importlib
import io
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from course_utils import notebooks
from course_utils.data.batches import Batch
from course_utils.files import write_atomically
from course_utils.refusals import Stop, carry_out
from course_utils.tasks.translation_benchmark import (
    Corpus,
    Sentences,
    bleu,
    fast_products,
    load_corpus,
    make_batches,
    teacher_forcing_loss,
    translate_all,
)
from course_utils.training import fit, set_seed, warm_up


class Curve(NamedTuple):
    """What training has shown: the mean loss of each epoch over all processes, and real tokens a second of the wall."""

    loss: list[float]
    tokens_per_second: float


def rows_of(batch: Batch, rank: int, processes: int) -> Batch:
    """Take every ``processes``-th sequence from ``rank`` on, and leave out columns that are padding in all of them.

    Where there are fewer sequences than processes, those that have none take the last one, to be weighted by zero.
    """
    rows = slice(rank, None, processes) if rank < len(batch.ids) else slice(-1, None)
    longest = int(batch.mask[rows].sum(dim=1).max())
    return Batch(batch.ids[rows, :longest], batch.mask[rows, :longest])


def share_of_loss(model: nn.Module, batch: tuple[Batch, Batch], rank: int, processes: int) -> Tensor:
    """Compute this process's part of the loss: the mean over the processes is the mean over the batch's real words."""
    mine = [rows_of(part, rank, processes) for part in batch]
    words = int(mine[1].mask.sum()) if rank < len(batch[1].ids) else 0
    return teacher_forcing_loss(model, *mine) * (processes * words / int(batch[1].mask.sum()))


def train_together(corpus: Corpus, model: nn.Module, seed: int, epochs: int, lr: float, warm: float) -> Curve:
    """Train a model, the same in every process of the group, by the recipe of `translation_benchmark.train_on`.

    It ends with its latest weights: no process waits for another to score the validation sentences.
    """
    rank, processes = distributed.get_rank(), distributed.get_world_size()
    together = DistributedDataParallel(model)
    order = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed + 1 + rank)  # the model has been drawn; from here on chance is dropout
    start = time.monotonic()
    with fast_products():
        history = fit(
            together,
            lambda batch: share_of_loss(together, batch, rank, processes),
            lambda: make_batches(corpus.train, order),
            epochs,
            lr=lr,
            schedule=warm_up(warm),
            progress=rank == 0,
        )
    seconds = time.monotonic() - start
    losses = torch.tensor(history.loss)
    distributed.all_reduce(losses)
    tokens = epochs * sum(len(ids) for part in (corpus.train.source, corpus.train.target) for ids in part)
    return Curve((losses / processes).tolist(), tokens / seconds)


def first(sentences: Sentences, number: int | None) -> Sentences:
    """Keep the first sentences of a part; all of them where no number is given."""
    return Sentences(sentences.source[:number], sentences.target[:number], sentences.references[:number])


def run(arguments: argparse.Namespace) -> int:
    """Join the group that torchrun has made, train, and let the first process tell and keep what came out."""
    if "LOCAL_RANK" not in os.environ:
        raise Stop(
            "This is started by torchrun, which makes the processes: "
            ".venv/bin/torchrun --standalone --nproc-per-node 2 -m course_utils.commands.data_parallel"
        )
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if on_gpu else "gloo")
    try:
        of = importlib.import_module(f"{notebooks.__name__}.experiment_05")
        corpus = load_corpus("multi30k")
        part = replace(corpus, train=first(corpus.train, arguments.sentences))
        set_seed(arguments.seed)
        model = of.WideTransformer(len(corpus.source_words), len(corpus.target_words))
        model.to("cuda" if on_gpu else "cpu")
        curve = train_together(
            part, model, arguments.seed, arguments.epochs, of.MULTI30K_RATE, warm=of.MULTI30K_WARM_UP
        )
        if distributed.get_rank() == 0:
            tell(curve, model, corpus, arguments)
    finally:
        distributed.destroy_process_group()
    return 0


def tell(curve: Curve, model: nn.Module, corpus: Corpus, arguments: argparse.Namespace) -> None:
    """Print losses and speed and, where asked, the BLEU of the test sentences; keep the weights where asked."""
    print("loss, by epoch:", *[f"{loss:.4f}" for loss in curve.loss])
    print(f"{curve.tokens_per_second:,.0f} tokens a second, {distributed.get_world_size()} processes")
    if arguments.save:
        weights = io.BytesIO()
        torch.save(model.state_dict(), weights)
        write_atomically(arguments.save, weights.getvalue())
        print(f"The weights are in {arguments.save}.")
    if arguments.bleu:
        score = bleu(translate_all(corpus, model, corpus.test.source), corpus.test.references)
        print(f"BLEU {100 * score:.1f}")


def main(command_line: Sequence[str]) -> int:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(prog="torchrun … -m course_utils.commands.data_parallel", description=__doc__)
    parser.add_argument("--epochs", type=int, default=15, help="passes over the training sentences (15)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sentences", type=int, help="only so many training sentences, as a trial")
    parser.add_argument("--bleu", action="store_true", help="translate the test sentences at the end, and score them")
    parser.add_argument("--save", type=Path, metavar="FILE", help="where the weights go")
    return run(parser.parse_args(command_line))


if __name__ == "__main__":
    sys.exit(carry_out(lambda: main(sys.argv[1:])))
