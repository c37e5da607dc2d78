"""Words to numbers, and sequences of different lengths to one rectangle with a mask."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Int
from torch import Tensor


class Vocabulary:
    """Number the words of a corpus, most frequent first.

    The first four numbers are kept: ``pad`` fills short sequences, ``bos`` and ``eos`` mark where a sentence begins and
    ends, ``unk`` stands for every word that is not known. A text that spells one of their signs (``<eos>``) does not
    get their numbers: as words, the four are unknown.

    Parameters
    ----------
    documents
        Token lists of the **training** data; words seen nowhere else must stay unknown.
    min_count
        Words that occur less often become ``unk``.
    """

    pad, bos, eos, unk = range(4)
    special = ("<pad>", "<bos>", "<eos>", "<unk>")

    def __init__(self, documents: Iterable[Sequence[str]], min_count: int = 1):
        counts = Counter(token for document in documents for token in document)
        # ties in alphabetical order: the same corpus gives the same numbers whatever the order of its documents
        known = sorted(
            (t for t, n in counts.items() if n >= min_count and t not in self.special), key=lambda t: (-counts[t], t)
        )
        self.words = (*self.special, *known)
        self._index = {word: i for i, word in enumerate(self.words) if i >= len(self.special)}

    def __len__(self) -> int:
        return len(self.words)

    def encode(self, tokens: Sequence[str], eos: bool = False) -> Int[Tensor, "length"]:
        """Turn tokens into numbers; ``eos=True`` appends the end mark."""
        ids = [self._index.get(token, self.unk) for token in tokens]
        return torch.tensor([*ids, self.eos] if eos else ids, dtype=torch.long)

    def decode(self, ids: Iterable[int] | Tensor) -> list[str]:
        """Turn numbers back into words, up to the first end mark; padding and begin marks are left out."""
        words = []
        for i in ids.tolist() if isinstance(ids, Tensor) else ids:
            if i == self.eos:
                break
            if i not in (self.pad, self.bos):
                words.append(self.words[i])
        return words


class Batch(NamedTuple):
    """Sequences of different lengths in one rectangle.

    ``ids`` holds the tokens, ``mask`` is True where a token is real and False where it is padding.
    """

    ids: Int[Tensor, "batch length"]
    mask: Bool[Tensor, "batch length"]

    @property
    def lengths(self) -> Int[Tensor, "batch"]:
        """Number of real tokens of each sequence."""
        return self.mask.sum(dim=1)


def pad(sequences: Sequence[Int[Tensor, "..."]]) -> Batch:
    """Fill sequences on the right with ``Vocabulary.pad`` up to the longest, and remember which tokens are real.

    Parameters
    ----------
    sequences
        One tensor of token numbers per sequence, ``(length,)``; a sequence may be empty.

    Returns
    -------
    ids and mask, (batch, length), on the device of the sequences. The length is at least 1, so that networks which
    cannot read nothing (recurrent and convolutional ones) also take a batch of empty sequences.

    Raises
    ------
    ValueError
        If there is no sequence.
    """
    if not sequences:
        raise ValueError("pad: expected at least one sequence, got none.")
    device = sequences[0].device
    lengths = torch.tensor([len(sequence) for sequence in sequences], device=device)
    mask = torch.arange(max(1, int(lengths.max())), device=device) < lengths[:, None]
    ids = torch.full(mask.shape, Vocabulary.pad, dtype=torch.long, device=device)
    ids[mask] = torch.cat(list(sequences)).long()
    return Batch(ids, mask)


def bucketed(lengths: Sequence[int], batch_size: int, generator: torch.Generator) -> list[list[int]]:
    """Group sequences of like length into batches, in random order, so that little padding is computed.

    Parameters
    ----------
    lengths
        Length of every sequence.
    batch_size
        Sequences a batch; the last batch may be smaller.
    generator
        Decides the order among equal lengths and the order of the batches.

    Returns
    -------
    Index lists that together name every sequence once.

    Raises
    ------
    ValueError
        If a batch is to hold less than one sequence.
    """
    if batch_size < 1:
        raise ValueError(f"bucketed: a batch must hold at least one sequence, got batch_size = {batch_size}.")
    shuffled = torch.randperm(len(lengths), generator=generator)
    by_length = shuffled[torch.tensor(lengths)[shuffled].argsort(stable=True)].tolist()
    batches = [by_length[i : i + batch_size] for i in range(0, len(by_length), batch_size)]
    return [batches[i] for i in torch.randperm(len(batches), generator=generator).tolist()]
