"""Translation of a public set, the same for every model: tokens, batches, loss, training, and BLEU at the end.

A model is a module with ``model(source, previous) -> logits``, where ``source`` is a `Batch`, ``previous`` the target
one step late (batch, tgt_len), and the logits have shape (batch, tgt_len, n_target_words); and with
``model.translate(source) -> ids`` (batch, length), which writes word by word, ``<bos>`` left out.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from sacrebleu.metrics import BLEU
from torch import Tensor, nn

from course_utils.data.batches import Batch, Vocabulary, bucketed, pad
from course_utils.data.pairs import Pairs, load_pairs
from course_utils.training import History, device, fit, warm_up

MIN_COUNT = 2  # a word that occurs less often in the training sentences is unknown
BATCH_SIZE = 128
LABEL_SMOOTHING = 0.1
RECIPE = {  # raise the version when tokens, batches, loss or score change: records of older recipes are then stale
    "version": 1,
    "least count of a word": MIN_COUNT,
    "batch size": BATCH_SIZE,
    "label smoothing": LABEL_SMOOTHING,
}


class Sentences(NamedTuple):
    """One part of a set: ``source`` and ``target`` as numbers, and the true translations to be scored against.

    ``target`` ends in ``<eos>``; ``references`` are tokens with spaces between, with no word unknown.
    """

    source: list[Tensor]
    target: list[Tensor]
    references: list[str]


@dataclass(frozen=True)
class Corpus:
    """A set in three parts, with the two vocabularies of its training part."""

    source_words: Vocabulary
    target_words: Vocabulary
    train: Sentences
    val: Sentences
    test: Sentences


def tokenise(text: str) -> list[str]:
    """Cut a lower-cased sentence into words, numbers and single punctuation marks."""
    return re.findall(r"\w+|[^\w\s]", text.lower())


def load_corpus(name: str) -> Corpus:
    """Load a public set of sentence pairs by its name, ``"multi30k"`` for instance, tokenised and numbered."""
    pairs = load_pairs(name)
    return encode_corpus(pairs.train, pairs.val, pairs.test)


def encode_corpus(train: Pairs, val: Pairs, test: Pairs) -> Corpus:
    """Tokenise pairs (source, target) and number their words by the vocabulary of the training pairs alone."""
    tokens = [[(tokenise(source), tokenise(target)) for source, target in part] for part in (train, val, test)]
    sources, targets = zip(*tokens[0], strict=True)
    source_words, target_words = Vocabulary(sources, MIN_COUNT), Vocabulary(targets, MIN_COUNT)
    parts = [
        Sentences(
            [source_words.encode(source) for source, _ in part],
            [target_words.encode(target, eos=True) for _, target in part],
            [" ".join(target) for _, target in part],
        )
        for part in tokens
    ]
    return Corpus(source_words, target_words, *parts)


def train_on(
    corpus: Corpus, model: nn.Module, seed: int, *, epochs: int, lr: float, warm: float, progress: bool = False
) -> History:
    """Train a model by teacher forcing; at the end it holds the weights of the epoch with the best validation BLEU.

    Parameters
    ----------
    corpus
        Only ``train`` and ``val`` are looked at.
    model
        Changed in place, and moved to `course_utils.training.device`.
    seed
        Decides the order of the batches; the caller seeds the model's own numbers.
    epochs
        Passes over the training sentences.
    lr, warm
        Adam's highest learning rate, reached after the fraction ``warm`` of training; from there it falls in a straight
        line to zero.
    progress
        Show a progress bar.
    """
    model.to(device())
    generator = torch.Generator().manual_seed(seed)
    with fast_products():
        return fit(
            model,
            lambda batch: teacher_forcing_loss(model, *batch),
            lambda: make_batches(corpus.train, generator),
            epochs,
            lr=lr,
            schedule=warm_up(warm),
            validate=lambda: bleu(translate_all(corpus, model, corpus.val.source), corpus.val.references),
            progress=progress,
        )


@contextmanager
def fast_products() -> Iterator[None]:
    """Let matrix products round their factors to 16 bits where the processor is faster at that, and undo it after."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def make_batches(sentences: Sentences, generator: torch.Generator) -> list[tuple[Batch, Batch]]:
    """Group sentences with targets of like length, among them sources of like length: batches in random order.

    Notes
    -----
    Targets come first: a recurrent decoder takes as many steps as the longest has words. Sources count in steps of
    three words, which leaves it to chance who shares a batch with whom and still saves a quarter of the padded source.
    """
    pairs = zip(sentences.source, sentences.target, strict=True)
    groups = bucketed([1_000 * len(target) + len(source) // 3 for source, target in pairs], BATCH_SIZE, generator)
    return [(pad([sentences.source[i] for i in g]), pad([sentences.target[i] for i in g])) for g in groups]


def teacher_forcing_loss(model: nn.Module, source: Batch, target: Batch) -> Tensor:
    """Mean cross-entropy of the next word over the real words of a batch, with label smoothing.

    References
    ----------
    Szegedy et al. (2016), section 7; Vaswani et al. (2017), section 5.4.
    """
    source, target = _moved(source, model), _moved(target, model)
    previous = F.pad(target.ids[:, :-1], (1, 0), value=Vocabulary.bos)
    logits = model(source, previous)
    return F.cross_entropy(
        logits.flatten(0, 1), target.ids.flatten(), ignore_index=Vocabulary.pad, label_smoothing=LABEL_SMOOTHING
    )


@torch.no_grad()
def translate_all(corpus: Corpus, model: nn.Module, source: Sequence[Tensor]) -> list[str]:
    """Translate sentences, given as numbers, into tokens with spaces between, in the order given.

    The model is left in evaluation mode, on the device where it is.
    """
    model.eval()
    by_length = sorted(range(len(source)), key=lambda i: len(source[i]))
    written = [""] * len(source)
    for start in range(0, len(source), BATCH_SIZE):
        group = by_length[start : start + BATCH_SIZE]
        batch = _moved(pad([source[i] for i in group]), model)
        ids = model.translate(batch)  # type: ignore[operator] # nn.Module does not know the methods of its children
        for i, sentence in zip(group, ids, strict=True):
            written[i] = " ".join(corpus.target_words.decode(sentence))
    return written


def bleu(translations: Sequence[str], references: Sequence[str]) -> float:
    """Score translations of a whole part by BLEU, a fraction between 0 and 1; both are tokens with spaces between.

    References
    ----------
    Papineni et al. (2002), by sacreBLEU (Post 2018).
    """
    if len(translations) != len(references):
        raise ValueError(
            f"bleu: expected one translation a reference, got {len(translations)} for {len(references)}; "
            "score the part that was translated."
        )
    return _scorer().corpus_score(list(translations), [list(references)]).score / 100


def bleu_scores(
    translations: Sequence[str], sentences: Sentences, edges: Sequence[int]
) -> dict[str, float | list[float]]:
    """Score the translations of a part as a whole, and by the length of their sources.

    Parameters
    ----------
    translations
        One a sentence, tokens with spaces between.
    sentences
        The part that was translated.
    edges
        Bounds of the bins: bin i holds the sources of ``edges[i]`` to ``edges[i + 1] - 1`` words.

    Returns
    -------
    ``"BLEU"``, and ``"BLEU by length"``, one number a bin.

    Raises
    ------
    ValueError
        If a bin holds no sentence, or a sentence has no translation.
    """
    by_length = []
    for low, high in pairwise(edges):
        inside = [i for i, ids in enumerate(sentences.source) if low <= len(ids) < high]
        if not inside:
            raise ValueError(f"bleu_scores: no source has {low} to {high - 1} words; choose other edges.")
        by_length.append(bleu([translations[i] for i in inside], [sentences.references[i] for i in inside]))
    return {"BLEU": bleu(translations, sentences.references), "BLEU by length": by_length}


def bleu_signature() -> str:
    """Say exactly what `bleu` computes, as sacreBLEU writes it: references, case, tokenisation, smoothing, version."""
    scorer = _scorer()
    scorer.corpus_score(["a"], [["a"]])  # it knows the number of references only after a score
    return str(scorer.get_signature())


def _scorer() -> BLEU:
    return BLEU(tokenize="none", force=True)  # our sentences come cut into tokens; force: without a warning about that


def _moved(batch: Batch, model: nn.Module) -> Batch:
    where = next(model.parameters()).device
    return Batch(*(part.to(where) for part in batch))
