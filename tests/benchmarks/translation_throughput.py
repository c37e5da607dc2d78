"""How much faster lecture 02 trains its translator than a plain notebook does: target words a second, and the ratio.

Run it from the checkout, about a minute on one core: ``python -m tests.benchmarks.translation_throughput``

All loops train the same `Translator` of the notebook, from the same start, on the same pairs, with the same optimiser:

plain
    What a first notebook writes: keys and vocabulary are projected inside the time loop, and batches are dealt at
    random, so that short sentences are padded to the longest.
plain, bucketed
    The same loop on the notebook's batches of like length: tells how much of the ratio the order of the data makes.
lecture, at random
    The notebook's `batch_loss`, which keeps in its loop only what depends on the decoder's state, on the first loop's
    batches: tells how much the rest makes.
lecture
    The notebook's `batch_loss` on the notebook's `batches`.

The loops take turns in one process on one thread, and seconds are those of the processor, so that other programs on
the machine hardly count; each ratio is within one round, and the median of the ratios is printed. Padding does not
count as words.

Then it tells what an update of the lecture's loop is spent on: how much of a batch is padding; which share of the time
PyTorch's profiler counts for matrix products; and how long an update takes with one sentence instead of a batch, which
has as many operations to start and hardly anything to compute.
"""

import sys
import time

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from course_utils.data.batches import Batch, Vocabulary, pad
from course_utils.data.number_words import NumberWords
from course_utils.training import fit, set_seed
from tests.benchmarks.report import print_ratios
from tests.notebooks import definitions

ROUNDS = 5
PAIRS = 3_200  # fifty batches an epoch

lecture = definitions("02_bahdanau_attention")

Sentences = list[Tensor]


def plain_logits(
    model: nn.Module, source: Batch, previous: Int[Tensor, "batch tgt_len"]
) -> Float[Tensor, "batch tgt_len n_words"]:
    """Score the next word with the lecture's parameters, everything computed anew in every step."""
    states, ends = model.encoder(source)
    state = torch.tanh(model.first_state(ends))
    logits = []
    for t in range(previous.shape[1]):
        projected = model.score.project_query(state)[:, None, :] + model.project_keys(states)
        scores = model.score.reduce(torch.tanh(projected)).squeeze(-1)
        weights = scores.masked_fill(~source.mask, -1e9).softmax(dim=-1)
        context = torch.bmm(weights[:, None, :], states).squeeze(1)
        embedded = model.embedding(previous[:, t])
        state = model.cell(torch.cat([embedded, context], dim=-1), state)
        logits.append(model.to_words(torch.cat([state, embedded, context], dim=-1)))
    return torch.stack(logits, dim=1)


def plain_loss(model: nn.Module, source: Batch, target: Batch) -> Float[Tensor, ""]:
    """Compute the mean loss of the real target words."""
    logits = plain_logits(model, source, lecture.shifted(target))
    return F.cross_entropy(logits.flatten(0, 1), target.ids.flatten(), ignore_index=Vocabulary.pad)


def random_batches(source: Sentences, target: Sentences, generator: torch.Generator) -> list[tuple[Batch, Batch]]:
    """Deal the sentences at random into batches."""
    order = torch.randperm(len(source), generator=generator).tolist()
    groups = [order[i : i + lecture.BATCH_SIZE] for i in range(0, len(order), lecture.BATCH_SIZE)]
    return [(pad([source[i] for i in group]), pad([target[i] for i in group])) for group in groups]


LOOPS = {
    "plain": (plain_loss, random_batches),
    "plain, bucketed": (plain_loss, lecture.batches),
    "lecture, at random": (lecture.batch_loss, random_batches),
    "lecture": (lecture.batch_loss, lecture.batches),
}


def words_per_second(pairs: NumberWords, loop: str, seed: int) -> float:
    """Train a new translator for one epoch; give the real target words it learned from per second of the processor."""
    loss, batches = LOOPS[loop]
    set_seed(seed)
    model = lecture.Translator(Vocabulary(pairs.source), Vocabulary(pairs.target))
    source, target = lecture.encode_pairs(model, pairs)
    generator = torch.Generator().manual_seed(seed)
    start = time.process_time()
    fit(
        model,
        lambda batch: loss(model, *batch),
        lambda: batches(source, target, generator),
        epochs=1,
        lr=lecture.LEARNING_RATE,
        progress=False,
    )
    return sum(map(len, target)) / (time.process_time() - start)


def padding(targets: list[Batch]) -> float:
    """Give the share of the places in these batches that hold no word."""
    return 1 - sum(int(target.mask.sum()) for target in targets) / sum(target.mask.numel() for target in targets)


def seconds(model: nn.Module, batches: list[tuple[Batch, Batch]]) -> float:
    """Take one update with each batch, at a learning rate of 0; give the processor's seconds."""
    start = time.process_time()
    fit(model, lambda batch: lecture.batch_loss(model, *batch), lambda: batches, epochs=1, lr=0.0, progress=False)
    return time.process_time() - start


def print_shares(pairs: NumberWords) -> None:
    """Print what an update is spent on."""
    model = lecture.Translator(Vocabulary(pairs.source), Vocabulary(pairs.target))
    sentences = lecture.encode_pairs(model, pairs)
    grouped, dealt = (deal(*sentences, torch.Generator().manual_seed(0)) for deal in (lecture.batches, random_batches))
    print(f"padding: {padding([t for _, t in grouped]):.1%} of a batch, {padding([t for _, t in dealt]):.1%} at random")
    some = grouped[:8]
    alone = [(pad([s.ids[0][s.mask[0]]]), pad([t.ids[0][t.mask[0]]])) for s, t in some]
    for batches in (some, alone):
        seconds(model, batches)  # a warm-up
    whole, single = (sum(seconds(model, kind) for _ in range(ROUNDS)) for kind in (some, alone))
    print(f"starting operations: with one sentence an update takes {single / whole:.0%} of its time")
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler:
        seconds(model, some)
    times = {event.key: event.self_cpu_time_total for event in profiler.key_averages()}
    products = sum(times.get(f"aten::{name}", 0.0) for name in ("mm", "addmm", "bmm"))
    print(f"matrix products: {products / sum(times.values()):.0%} of an update, by the profiler")


def main() -> None:
    """Run all loops in turn and print their speeds and the median ratios, then what an update is spent on."""
    torch.set_num_threads(1)
    pairs = lecture.load_pairs(0)[0].subset(range(PAIRS))
    speeds = {name: [] for name in LOOPS}
    for seed in tqdm(range(ROUNDS), "rounds", file=sys.stdout, ncols=80):
        for name in LOOPS:
            speeds[name].append(words_per_second(pairs, name, seed))
    print(f"{PAIRS} pairs, batches of {lecture.BATCH_SIZE}, one thread, torch {torch.__version__}")
    print_ratios(speeds, "plain", "{:7.0f} target words a second", "times plain")
    print_shares(pairs)


if __name__ == "__main__":
    main()
