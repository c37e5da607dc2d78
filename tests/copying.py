"""Small translators of lecture 01, and a task that they half learn in a second: to copy the words."""

from functools import partial

import torch
from torch import nn

from course_utils.data.batches import Batch, Vocabulary, pad
from course_utils.training import set_seed

from .notebooks import definitions

lecture = definitions("01_sequence_to_sequence")
N_SOURCE, N_TARGET, D_EMBEDDING, D_STATE = 13, 17, 5, 11


def sentences(n_words: int, *lengths: int) -> list[torch.Tensor]:
    """Draw sentences of these lengths, as word ids."""
    return [torch.randint(4, n_words, (length,)) for length in lengths]


def ending(ids: torch.Tensor) -> torch.Tensor:
    """Put the end mark behind a sentence."""
    return torch.cat([ids, torch.tensor([Vocabulary.eos])])


def untrained() -> tuple[nn.Module, tuple[Batch, Batch]]:
    """Make a translator and a batch of three sentences, source and target."""
    set_seed(0)
    model = lecture.FixedVector(N_SOURCE, N_TARGET, D_EMBEDDING, D_STATE)
    return model, (pad(sentences(N_SOURCE, 7, 2, 1)), pad([ending(ids) for ids in sentences(N_TARGET, 3, 6, 1)]))


def batches_of(seed: int):
    """Make batches like the lecture's, of sentences whose translation are the same words."""
    torch.manual_seed(seed)
    source = sentences(N_SOURCE, *[1, 2, 3, 5] * 53)
    target = [ending(ids) for ids in source]
    return partial(lecture.make_batches, source, target, torch.Generator().manual_seed(seed))


def half_learned() -> tuple[nn.Module, Batch, Batch]:
    """Train a translator until it is sometimes right and sometimes wrong; give it with sentences it has not seen."""
    set_seed(0)
    model = lecture.FixedVector(N_SOURCE, N_SOURCE, 19, 23)
    lecture.train(model, batches_of(7), epochs=20, learning_rate=3e-2, progress=False)
    source = sentences(N_SOURCE, *[1, 2, 3, 5] * 29)
    return model, pad(source), pad([ending(ids) for ids in source])
