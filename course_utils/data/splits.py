"""Splits that follow from the texts alone: the same on every machine, and no text in two parts."""

import hashlib
from collections.abc import Iterable, Sequence


def deal(texts: Iterable[str], parts: Sequence[str], seed: int = 0) -> dict[str, str]:
    """Deal out different texts to parts in turn, in an order that depends on the texts and the seed alone.

    Parameters
    ----------
    texts
        Equal texts count once, so no text comes into two parts.
    parts
        One round of the deal: ``"0123456789"`` makes ten folds whose sizes differ by one at most, and
        ``("test", "val", "train", "train")`` gives every fourth text to the test.

    Returns
    -------
    The part of each text.
    """
    order = sorted(set(texts), key=lambda text: hashlib.sha256(f"{seed} {text}".encode()).digest())
    return {text: parts[i % len(parts)] for i, text in enumerate(order)}


def deal_by_class(texts: Sequence[str], labels: Sequence[int], parts: Sequence[str], seed: int = 0) -> tuple[str, ...]:
    """Deal out the texts of each class on their own, so that every part has its share of each.

    Returns
    -------
    The part of each text, in the order of ``texts``. A text that stands in two classes may come into two parts.
    """
    pairs = list(zip(texts, labels, strict=True))
    dealt = {label: deal((text for text, other in pairs if other == label), parts, seed) for label in set(labels)}
    return tuple(dealt[label][text] for text, label in pairs)
