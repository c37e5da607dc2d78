"""How the tests compare what two computations find, where rounding may decide between equals."""

import torch
from torch import Tensor


def assert_likeliest(words: Tensor, logits: Tensor) -> None:
    """Hold that each word is the likeliest by its logits, or as likely as that but for rounding.

    Parameters
    ----------
    words
        What was chosen, shaped ``(...)``.
    logits
        Shaped ``(..., n_words)``, computed in another way than those by which the words were chosen: their order may
        differ where two are nearly equal, so the largest number is compared and not its place.
    """
    torch.testing.assert_close(logits.gather(-1, words[..., None])[..., 0], logits.amax(dim=-1), rtol=1e-4, atol=1e-4)
