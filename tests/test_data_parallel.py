"""Training in several processes: the model of one process, whatever their number, and each token counted once."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import distributed, multiprocessing
from torch.nn import functional as F

from course_utils.commands.data_parallel import first, rows_of, share_of_loss, train_together
from course_utils.data.batches import pad
from course_utils.files import CHECKOUT
from course_utils.tasks import translation_benchmark as benchmark
from course_utils.training import set_seed

from .test_translation_benchmark import WordByWord, dictionary

pytestmark = pytest.mark.thorough

EPOCHS = 3


def corpus():
    """A corpus whose last batch is smaller than the others."""
    pairs = dictionary(n_sentences=307, n_words=23)
    return benchmark.encode_corpus(pairs, pairs[:7], pairs[:7])


class AtRealWords(WordByWord):
    """What it says of a sentence does not depend on who shares a batch with it."""

    def forward(self, source, previous):
        logits = self.table(source.ids) * source.mask[:, :, None]
        return F.pad(logits, (0, 0, 0, previous.shape[1] - source.ids.shape[1]))


def small_model(of):
    set_seed(0)
    return AtRealWords(len(of.source_words), len(of.target_words))


def in_a_group(rank, processes, folder):
    """Join a group on this machine, train, and keep what came out."""
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/group{processes}", rank=rank, world_size=processes
    )
    of = corpus()
    model = small_model(of)
    curve = train_together(of, model, seed=5, epochs=EPOCHS, lr=0.3, warm=0.1)
    torch.save({"loss": curve.loss, "weights": model.table.weight.detach()}, f"{folder}/{processes}-{rank}.pt")
    distributed.destroy_process_group()


def test_three_processes_train_the_model_of_one_on_the_same_curve(tmp_path):
    in_a_group(0, 1, tmp_path)
    multiprocessing.spawn(in_a_group, (3, tmp_path), nprocs=3)
    alone, *others = (torch.load(path) for path in sorted(tmp_path.glob("*.pt")))
    assert len(others) == 3
    assert alone["loss"][-1] < 0.7 * alone["loss"][0]
    for other in others:
        torch.testing.assert_close(other["loss"], alone["loss"], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(other["weights"], alone["weights"], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("processes", [1, 2, 3, 5, 13])
def test_the_mean_of_all_shares_is_the_loss_of_the_whole_batch_and_so_is_its_gradient(processes):
    of = corpus()
    model = small_model(of)
    group = range(11)  # fewer than 13 processes
    batch = tuple(pad([part[i] for i in group]) for part in (of.train.source, of.train.target))
    whole = benchmark.teacher_forcing_loss(model, *batch)
    (expected,) = torch.autograd.grad(whole, [model.table.weight])
    parts = [share_of_loss(model, batch, rank, processes) for rank in range(processes)]
    shared = torch.stack(parts).mean()
    torch.testing.assert_close(shared, whole)
    torch.testing.assert_close(torch.autograd.grad(shared, [model.table.weight])[0], expected)


def test_every_sequence_is_in_one_share_without_columns_that_nobody_needs():
    batch = pad([torch.full((length,), 10 * length) for length in (2, 7, 3, 5, 11)])
    shares = [rows_of(batch, rank, 2) for rank in range(2)]
    assert [share.lengths.tolist() for share in shares] == [[2, 3, 11], [7, 5]]
    assert [share.ids.shape for share in shares] == [(3, 11), (2, 7)]
    assert [share.ids[:, 0].tolist() for share in shares] == [[20, 30, 110], [70, 50]]
    assert rows_of(batch, 6, 7).lengths.tolist() == [11]  # none is left: one that will weigh nothing


def test_the_first_sentences_keep_their_translations():
    train = corpus().train
    few = first(train, 3)
    assert [len(part) for part in few] == [3, 3, 3]
    assert few.references == train.references[:3]
    assert first(train, None) == train


def test_without_torchrun_one_sentence_says_how_to_start_it():
    command = [sys.executable, "-m", "course_utils.commands.data_parallel"]
    ended = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.strip().count("\n") == 0
    assert "torchrun --standalone --nproc-per-node 2" in ended.stderr
    assert Path(sys.executable).with_name("torchrun").exists()
