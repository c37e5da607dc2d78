"""Lecture 03: documents: what is asked, our answers, and the mistakes that are known."""

import math
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from course_utils.attention import masked_softmax
from course_utils.exercises import weighing
from course_utils.exercises.exercise import (
    Answer,
    Entry,
    Exercise,
    WrongAnswer,
    primes,
    single_slips,
    table,
    truth_table,
)
from course_utils.exercises.reading import same

# The same document twice

DOCUMENT_TWICE = truth_table(
    (False, True, True, True, True),
    (
        "The sum: nothing in it is divided, so a document of twice the length gets a vector of twice the length.",
        "The mean: its sum doubles, and what else does? What is the mean of 2, 4, 2, 4, and what that of 2, 4?",
        "The maximum: does any number occur that was not there before?",
        "The last state: it stands at another position, but is it another vector? Here a state knows its word alone.",
        "The learned query: each weight is halved, for twice as many words share one. How many words carry each half?",
    ),
    {
        "nothing changes": (
            (True, True, True, True, True),
            "You expect all five to stay. One of them has no division in it: a document of twice the length gets a "
            "vector of twice the length.",
        ),
        "everything changes": (
            (False, False, False, False, False),
            "You expect all five to change. What is the mean of 2, 4, 2, 4, and what that of 2, 4?",
        ),
        "the mean grows": (
            (False, False, True, True, True),
            "You expect the mean to change. Its sum doubles; what else does?",
        ),
        "the last is another": (
            (False, True, True, False, True),
            "You expect the last state to change. It stands at another position, but is it another vector? Here a "
            "state knows its own word alone.",
        ),
        "all averages change": (
            (False, False, True, True, False),
            "You expect both averages, the mean and the learned query, to change, because each weight is halved. It "
            "is, and each word stands there twice.",
        ),
        "the wrong way round": (
            (True, False, False, False, False),
            "Yours is the exact opposite (inverted): True means that the vector stays the same.",
        ),
    },
)


# A query that is learned


def _mask(lengths: Tensor, length: int) -> Tensor:
    return torch.arange(length) < lengths[torch.randperm(len(lengths)), None]


def _draw_masked(lengths: tuple[int, ...] = ()) -> tuple:
    """Draw states and a mask: in each document something is real and something is not, unless lengths are given."""
    batch, length, d_hidden = primes(3)
    if lengths:
        batch, length = len(lengths), max(3, *lengths)
        return torch.randn(batch, length, d_hidden), _mask(torch.tensor(lengths), length)
    some = torch.randint(1, length, (batch,))
    some[:2] = torch.tensor([1, length - 1])
    return torch.randn(batch, length, d_hidden), _mask(some, length)


EMPTY, FULL = (5, 3, 0, 4, 1), (5, 5, 5)


def pool_with_query(
    states: Float[Tensor, "batch length d_hidden"],
    mask: Bool[Tensor, "batch length"],
    W: Float[Tensor, "d_attention d_hidden"],
    b: Float[Tensor, "d_attention"],
    u: Float[Tensor, "d_attention"],
) -> Float[Tensor, "batch d_hidden"]:
    """Pool with the weights softmax(uᵀ tanh(W k + b)) over real positions; an empty document gives zeros."""
    weights = masked_softmax(torch.tanh(states @ W.T + b) @ u, mask)
    return torch.einsum("bl,bld->bd", weights, states)


def _draw_pooling(lengths: tuple[int, ...] = (), scale: float = 1.0) -> tuple:
    states, mask = _draw_masked(lengths)
    d_hidden = states.shape[2]
    d_attention = next(n for n in primes(5) if n not in (d_hidden, *mask.shape))
    W = torch.randn(d_attention, d_hidden) / d_hidden**0.5
    return states, mask, W, torch.randn(d_attention), scale * torch.randn(d_attention) / d_attention**0.5 * 1.5


def _pooled(weights: Tensor, states: Tensor) -> Tensor:
    return torch.einsum("bl,bld->bd", weights, states)


def _pool_by(layer: Answer, squash: Answer, read_out: Answer, weigh: Answer, average: Answer) -> Answer:
    """Pool by a layer, what bends it, what reads it out, weights and an average of one's choice."""

    def pool(states: Tensor, mask: Tensor, W: Tensor, b: Tensor, u: Tensor) -> Tensor:
        scores = read_out(squash(layer(states, W, b)), u)
        return average(weigh(scores, mask), states, mask, torch.tanh(states @ W.T + b))

    return pool


_POOL_SLOTS = (
    (
        lambda states, W, b: states @ W.T + b,
        {
            "no bias": (
                lambda states, W, b: states @ W.T,
                "The bias takes no part. Inside a tanh it matters: it decides where the bend lies.",
            ),
            "bias subtracted": (lambda states, W, b: states @ W.T - b, "You subtract the bias; it is added."),
            "layer without W": (
                lambda states, W, b: states @ torch.ones_like(W).T + b,
                "W takes no part: it is as if all its numbers were 1.",
            ),
            "layer scaled by its own width": (
                lambda states, W, b: (states @ W.T + b) / len(b) ** 0.5,
                "You scale what goes into the tanh by √d_attention; the layer is W k + b.",
            ),
            "layer scaled": (
                lambda states, W, b: (states @ W.T + b) / states.shape[-1] ** 0.5,
                "You scale what goes into the tanh by √d; the layer is W k + b.",
            ),
        },
    ),
    (
        torch.tanh,
        {
            "no tanh": (
                lambda h: h,
                "There is no tanh: the bias then adds the same to every word and drops out, and of W only one "
                "direction is left.",
            ),
            **weighing.bends("tanh"),
        },
    ),
    (
        lambda hidden, u: hidden @ u,
        {name: slip for name, slip in weighing.readings("u").items() if name != "units not added up"},  # it is refused
    ),
    (
        masked_softmax,
        {
            **weighing.of_masks(),
            **weighing.of_rows(nothing="the empty document"),
            "over the batch": (
                weighing.along(0),
                "Your softmax runs over the batch: documents compete with each other for weight. The words of one "
                "document should.",
            ),
            "over all documents": (
                lambda s, m: masked_softmax(s.reshape(1, -1), m.reshape(1, -1)).reshape(s.shape),
                "Your softmax runs over all words of all documents at once; each document's weights must sum to one.",
            ),
        },
    ),
    (
        lambda weights, states, mask, hidden: _pooled(weights, states),
        {
            **weighing.adapted(
                weighing.of_averages("states"), lambda f: lambda weights, states, mask, hidden: f(weights, states)
            ),
            "what is compared": (
                lambda weights, states, mask, hidden: _pooled(weights, hidden),
                "You average tanh(W k + b), what is compared. The average is taken of the states themselves.",
            ),
            "weights": (
                lambda weights, states, mask, hidden: weights,
                "You return the weights; the result is the average of the states.",
            ),
            "axis left": (
                lambda weights, states, mask, hidden: _pooled(weights, states)[:, None],
                "The axis of the one query, of length 1, is still there: take it away.",
            ),
        },
    ),
)


def _states_zeroed(states: Tensor, mask: Tensor, W: Tensor, b: Tensor, u: Tensor) -> Tensor:
    states = states * mask[..., None]
    return _pooled((torch.tanh(states @ W.T + b) @ u).softmax(-1), states)


def _u_inside(states: Tensor, mask: Tensor, W: Tensor, b: Tensor, u: Tensor) -> Tensor:
    return _pooled(masked_softmax(torch.tanh((states @ W.T + b) * u).sum(-1), mask), states)


def _tanh_of_the_score(states: Tensor, mask: Tensor, W: Tensor, b: Tensor, u: Tensor) -> Tensor:
    return _pooled(masked_softmax(torch.tanh((states @ W.T + b) @ u), mask), states)


LEARNED_QUERY = Exercise(
    pool_with_query,
    _draw_pooling,
    {
        **single_slips(_pool_by, _POOL_SLOTS),
        "tanh of the score": WrongAnswer(
            _tanh_of_the_score,
            "You squash the finished score instead of the hidden layer: no score can leave −1 to 1, so no word can "
            "stand out by more than a factor of e².",
        ),
        "u inside the tanh": WrongAnswer(
            _u_inside,
            "u is inside the tanh: it should weigh the hidden units after they are bent.",
        ),
        "states zeroed": WrongAnswer(
            _states_zeroed,
            "You set the padded states to zero first and use no mask in the softmax. A state of zeros has a score as "
            "well, from the bias: padding gets weight.",
        ),
    },
    hard={
        "where a document is empty": lambda: _draw_pooling(EMPTY),
        "where no document has padding": lambda: _draw_pooling(FULL),
        "where scores are large": lambda: _draw_pooling(EMPTY, 5.0),
    },
    slots=_POOL_SLOTS,
    assemble=_pool_by,
)


# Which word weighs most?

TWO_LEVELS = table(
    (
        Entry(
            "edges",
            "Multiply each word's weight by that of its sentence, for all six words; which product is the largest?",
            among=("compute", "the", "graph", "return", "edges", "done"),
        ),
        Entry(
            0.24,
            "In the document a word weighs its weight in the sentence times the weight of that sentence.",
            {0.8: "That is the word's weight within its sentence. In the document, its sentence gets only a part."},
        ),
        Entry(
            1.0,
            "The words of a sentence share what their sentence gets, and the sentences share one whole.",
            {3.0: "Each sentence alone has a whole to give away; in the document the three of them share one."},
        ),
    ),
    {
        "within the sentence": (
            ("done", 1.0, 3.0),
            "You read the weights within the sentences. There each sentence has a whole 1 to give away, a sentence of "
            "one word as well. How much of the document does that sentence get?",
        ),
        "the most striking": (
            ("done", 0.2, 1.0),
            "You take the word with the largest weight in its sentence and then multiply. Multiply first, for every "
            "word, and look for the largest afterwards.",
        ),
        "the best of the best sentence": (
            ("graph", 0.2, 1.0),
            "You take the weightiest sentence and its weightiest word. That sentence has to share its weight among "
            "three words; is there a word elsewhere that gets more?",
        ),
        "not multiplied": (
            ("edges", 0.8, 1.0),
            "The word is right, its weight is the one within its sentence. In the document, its sentence gets only a "
            "part.",
        ),
        "added": (
            ("done", 1.2, 6.0),
            "You add the two weights. The document vector is a weighted sum of weighted sums: a state is multiplied by "
            "its weight, and the sum by that of the sentence.",
        ),
        "a total for each sentence": (
            ("edges", 0.24, 3.0),
            "Word and weight are right. Now add up all six products: the words of a sentence share what their sentence "
            "gets, and the sentences share 1.",
        ),
        "averaged": (
            ("edges", 0.24, 1 / 3),
            "Word and weight are right. The total is asked for, not the mean over the three sentences.",
        ),
    },
)


# Delete the top words

Decide = Callable[[list[Tensor]], Tensor]


def decisions_changed(decide: Decide, documents: list[Tensor], weights: list[Tensor], share: float) -> float:
    """Delete the share of each document's words that weigh most; say which part of the documents is decided otherwise.

    Parameters
    ----------
    decide
        Gives the class of each document, (n_documents,).
    documents, weights
        Numbers of the words, and their weights, (n_words,) each.
    share
        Which part of the words goes, rounded up.
    """
    return _changed(decide, documents, [_left(row, share) for row in weights])


def _left(weights: Tensor, share: float) -> Tensor:
    return weights.argsort(descending=True)[math.ceil(share * len(weights)) :].sort().values


def _changed(decide: Decide, documents: list[Tensor], kept: list[Tensor]) -> float:
    shortened = [words[places] for words, places in zip(documents, kept, strict=True)]
    return (decide(shortened) != decide(documents)).float().mean().item()


def _draw_deletion() -> tuple:
    n_classes = primes(1)[0]
    table, turn = torch.randn(31, n_classes), torch.randn(13, n_classes)  # what a word says, and how much of it where

    def decide(documents: list[Tensor]) -> Tensor:
        read = [(table[words] * turn[: len(words)]).sum(dim=0) for words in documents]
        return torch.stack(read).argmax(dim=1)

    lengths = [*primes(4), 4, 8] * (6 + primes(1)[0])  # a quarter, or a half, of some is a whole number of words
    share = (0.125, 0.25, 0.5)[int(torch.randint(3, ()))]
    documents = [torch.randint(31, (n,)) for n in lengths]
    return decide, documents, [torch.rand(n).softmax(dim=0) for n in lengths], share


def _one_document(decide: Decide, documents: list[Tensor], weights: list[Tensor], share: float) -> tuple:
    return decide, documents[:1], weights[:1], share


def _delete_by(keep: Callable[[Tensor, float], Tensor]) -> Answer:
    """Delete in another way: ``keep(weights, share)`` gives the places that are left."""

    def delete(decide: Decide, documents: list[Tensor], weights: list[Tensor], share: float) -> float:
        return _changed(decide, documents, [keep(row, share) for row in weights])

    return delete


def _down_to_a_share_of_the_weight(row: Tensor, share: float) -> Tensor:
    order = row.argsort(descending=True)
    gone = row[order].cumsum(0) - row[order] < share * row.sum()
    return order[~gone].sort().values


def _as_many_in_each(decide: Decide, documents: list[Tensor], weights: list[Tensor], share: float) -> float:
    n_deleted = math.ceil(share * max(map(len, documents)))
    return _changed(decide, documents, [row.argsort(descending=True)[n_deleted:].sort().values for row in weights])


def _draw_counted(least: int, *lengths: int) -> tuple:
    """Make documents whose words weigh the same, and of which only the number of words decides."""

    def decide(documents: list[Tensor]) -> Tensor:
        return torch.tensor([len(words) >= least for words in documents]).long()

    return decide, [torch.arange(n) for n in lengths], [torch.full((n,), 1 / n) for n in lengths], 0.25


def _what_is_read(answer: Callable[[tuple], Any], draws: list[tuple]) -> str | None:
    """Listen to what an answer lets the classifier read, and tell where that differs from what should be left."""
    for decide, documents, weights, share in draws:
        heard: list[Tensor] = []

        def listening(given: list[Tensor], decide: Decide = decide, heard: list[Tensor] = heard) -> Tensor:
            heard.extend(words.clone() for words in given)
            return decide(given)

        answer((listening, documents, weights, share))
        n = len(documents)
        halves = ((slice(n), slice(n, None)), (slice(n, None), slice(n)), (slice(0, None, 2), slice(1, None, 2)))
        shortened = next((heard[b] for a, b in halves if len(heard) == 2 * n and same(heard[a], documents)), None)
        if shortened is None:
            return None
        for words, row, found in zip(documents, weights, shortened, strict=True):
            told = _what_is_left(words, _left(row, share), found, share)
            if told:
                return told
    return "What you let `decide` read is right. The mistake is in what you make of the classes."


def _what_is_left(words: Tensor, places: Tensor, found: Tensor, share: float) -> str | None:
    left, gone = words[places], torch.ones(len(words), dtype=torch.bool).index_fill(0, places, False)
    if torch.equal(left, found):
        return None
    if torch.equal(found, words[~torch.isin(words, words[gone])]):
        return (
            "You delete the top-attended words wherever they occur, by their number: more than the share. A word in "
            "another place has a weight of its own; delete places."
        )
    if len(found) != len(left):
        return (
            f"Of {len(words)} words you leave {len(found)} where the share to delete is {share:g}, and {len(left)} "
            "should be left: the share is one of this document's own words, rounded up."
        )
    if torch.equal(left.sort().values, found.sort().values):
        return "The right words are left, in another order than the document's."
    return "The right number of words is left, but not the right words: those go whose weights are largest."


def _replaced(decide: Decide, documents: list[Tensor], weights: list[Tensor], share: float) -> float:
    shortened = [words.clone() for words in documents]
    for words, row in zip(shortened, weights, strict=True):
        words[row.argsort(descending=True)[: math.ceil(share * len(row))]] = 0
    return (decide(shortened) != decide(documents)).float().mean().item()


DELETE_TOP = Exercise(
    decisions_changed,
    _draw_deletion,
    {
        "one always left": WrongAnswer(
            _delete_by(
                lambda row, share: (
                    row.argsort(descending=True)[min(math.ceil(share * len(row)), len(row) - 1) :].sort().values
                )
            ),
            "You always leave a word. Rounded up, the share of a document of one word is that word, and `decide` is "
            "to read a document without any.",
        ),
        "equals go too": WrongAnswer(
            _delete_by(
                lambda row, share: (row < row.sort(descending=True).values[math.ceil(share * len(row)) - 1]).nonzero()[
                    :, 0
                ]
            ),
            "You compare with the weight of the last word that goes: words that weigh the same as that one go too, "
            "more than the share. Delete so many places.",
        ),
        "equals stay": WrongAnswer(
            _delete_by(
                lambda row, share: (
                    row <= [*row.sort(descending=True).values, row.min() - 1][math.ceil(share * len(row))]
                ).nonzero()[:, 0]
            ),
            "You compare with the weight of the first word that stays: words that weigh the same as that one stay "
            "too, and less than the share goes. Delete so many places.",
        ),
        "the least": WrongAnswer(
            _delete_by(lambda row, share: row.argsort()[math.ceil(share * len(row)) :].sort().values),
            "You delete the words with the smallest weights. Which way does your sort run?",
        ),
        "kept instead": WrongAnswer(
            _delete_by(
                lambda row, share: row.argsort(descending=True)[: math.ceil(share * len(row))].sort().values,
            ),
            "You keep the words that should go: this is the other test, in which only the top words are read.",
        ),
        "another order": WrongAnswer(
            _delete_by(lambda row, share: row.argsort(descending=True)[math.ceil(share * len(row)) :]),
            "The right words are left, but in the order of their weights. A network that reads word after word then "
            "meets another text: put what is left back into the order of the document.",
        ),
        "rounded down": WrongAnswer(
            _delete_by(lambda row, share: row.argsort(descending=True)[int(share * len(row)) :].sort().values),
            "You round down, so that the shortest documents lose nothing and cannot change.",
        ),
        "still the same": WrongAnswer(
            lambda *a: 1 - decisions_changed(*a),
            "This is the share of documents that are decided as before; the others are asked for.",
        ),
        "a number of documents": WrongAnswer(
            lambda decide, documents, *a: decisions_changed(decide, documents, *a) * len(documents),
            "You count documents. Divide by how many there are: a share is asked for.",
        ),
        "difference of classes": WrongAnswer(
            lambda decide, documents, weights, share: (
                (decide([w[_left(row, share)] for w, row in zip(documents, weights, strict=True)]) - decide(documents))
                .abs()
                .float()
                .mean()
            ),
            "You average how far apart the class numbers are; a class is another one or it is not.",
        ),
        "in percent": WrongAnswer(
            lambda *a: 100 * decisions_changed(*a), "You return percent; a number from 0 to 1 is asked for."
        ),
        "turned round": WrongAnswer(
            _delete_by(lambda row, share: _left(row, share).flip(0)),
            "What is left is in the opposite order; it should keep that of the document.",
        ),
        "in order of rising weight": WrongAnswer(
            _delete_by(lambda row, share: row.argsort()[: len(row) - math.ceil(share * len(row))]),
            "The right words are left, but in the order of their weights, lightest first; they should keep that of the "
            "document.",
        ),
        "any": WrongAnswer(
            lambda *a: float(decisions_changed(*a) > 0),
            "You ask whether any decision has changed; how large a share of them?",
        ),
        "the first document": WrongAnswer(
            lambda decide, documents, weights, share: decisions_changed(decide, documents[:1], weights[:1], share),
            "You look at the first document alone; all of them count.",
        ),
        "rounded to the nearest": WrongAnswer(
            _delete_by(lambda row, share: row.argsort(descending=True)[round(share * len(row)) :].sort().values),
            "You round to the nearest whole number; round up, so that something goes in every document.",
        ),
        "one more": WrongAnswer(
            _delete_by(lambda row, share: row.argsort(descending=True)[int(share * len(row)) + 1 :].sort().values),
            "You always delete one word more than the whole number below: where the share is a whole number of words "
            "already, that is one too many.",
        ),
        "one word": WrongAnswer(
            _delete_by(lambda row, share: row.argsort(descending=True)[1:].sort().values),
            "You delete one word of each document, the top one; the share says how many.",
        ),
        "first words": WrongAnswer(
            _delete_by(lambda row, share: torch.arange(math.ceil(share * len(row)), len(row))),
            "You delete the first words of each document: the weights take no part.",
        ),
        "last words": WrongAnswer(
            _delete_by(lambda row, share: torch.arange(len(row) - math.ceil(share * len(row)))),
            "You delete the last words of each document: the weights take no part.",
        ),
        "nothing deleted": WrongAnswer(
            lambda *a: 0.0, "Nothing changes in yours: are the shortened documents read, or the same ones twice?"
        ),
        "above the mean": WrongAnswer(
            _delete_by(lambda row, share: (row <= row.mean()).nonzero()[:, 0]),
            "You delete every word that weighs more than the mean: how many go must follow from the share.",
        ),
        "a share of the weight": WrongAnswer(
            _delete_by(_down_to_a_share_of_the_weight),
            "You delete words until a share of the *weight* is gone; the share counts words.",
        ),
        "the share is kept": WrongAnswer(
            lambda decide, documents, weights, share: decisions_changed(decide, documents, weights, 1 - share),
            "You keep the share and delete the rest; the share is what goes.",
        ),
        "for each document": WrongAnswer(
            lambda decide, documents, weights, share: (
                decide([w[_left(row, share)] for w, row in zip(documents, weights, strict=True)]) != decide(documents)
            ),
            "You return True and False for each document; their share, one number, is asked for.",
        ),
        "as many in each": WrongAnswer(
            _as_many_in_each,
            "You delete the same number of words from each document. Short ones then lose nearly everything; each "
            "should lose the share of its own length.",
        ),
        "a threshold": WrongAnswer(
            _delete_by(lambda row, share: (row <= share).nonzero()[:, 0]),
            "You delete every word whose weight is larger than the share. The share counts words; it is no weight.",
        ),
        "replaced": WrongAnswer(
            _replaced,
            "You write another word in place of each deleted one. A text with a strange word in it is another text; "
            "take the word out.",
        ),
    },
    hard={
        "where one document is judged": lambda: _one_document(*_draw_deletion()),
        "where words weigh the same": lambda: _draw_counted(4, 8, 4),
        "where a document is one word long": lambda: _draw_counted(1, 1, 4, 8),
    },
    overhears=_what_is_read,
)


# Other weights, the same document


def _with_ones(states: Tensor) -> Tensor:
    return torch.cat([states, torch.ones(len(states), 1)], dim=1).T


def _along(weights: Tensor, equations: Tensor, how_far: Callable[[Tensor], Tensor]) -> Tensor:
    """Change the weights along what the equations do not notice; ``how_far`` chooses among the steps to a zero."""
    change = torch.linalg.svd(equations).Vh[-1]
    falling = change < 0
    return weights + how_far(weights[falling] / -change[falling]) * change


def other_weights(
    states: Float[Tensor, "n_words d_hidden"], weights: Float[Tensor, "n_words"]
) -> Float[Tensor, "n_words"]:
    """Change the weights along what sum and average do not notice, until the first of them is zero."""
    return _along(weights, _with_ones(states), torch.min)


def _draw_weights() -> tuple:
    """Draw more words than a state has numbers, by two at least, and weights that are all far from zero."""
    d_hidden, n_words = primes(1, (3, 5))[0], primes(1, (7, 11, 13))[0]
    return torch.randn(n_words, d_hidden), (0.7 * torch.randn(n_words)).softmax(0)


def _draw_one_change() -> tuple:
    """Draw as few words as allowed, so that a single change, up to its size, keeps the vector."""
    return torch.randn(7, 5), (0.7 * torch.randn(7)).softmax(0)


def _why_not_other_weights(other: Tensor, states: Tensor, weights: Tensor) -> str | None:
    if other.shape != weights.shape:
        raise ValueError
    if not other.isfinite().all():
        return "Your weights hold NaN or an infinite number."
    other, states, weights = other.double(), states.double(), weights.double()
    if other.min() < -1e-4 and other.sum().abs() < 1e-3:
        return "Your numbers sum to 0: they are a change of the weights, and not yet the weights that are changed."
    if other.min() < -1e-4:
        return f"One of your weights is {other.min():.3f}; the weights of an average are never negative."
    change, equations = other - weights, _with_ones(states)
    noticed = equations.T @ (equations @ change)
    size = noticed @ change / (change @ change).clamp(min=1e-12)
    if size > 1e-3 and (noticed - size * change).norm() < 1e-2 * noticed.norm():
        return (
            f"Your change is a singular vector of the equations whose value is {size**0.5:.2g} and not 0, so sum and "
            "average notice it. What they do not notice is behind those (did you ask for a reduced decomposition?)."
        )
    if (other.sum() - 1).abs() > 1e-3:
        return f"Your weights sum to {other.sum():.3f}; those of an average sum to one."
    before, after = weights @ states, other @ states
    gap, times = (after - before).norm(), after @ before / (before @ before)
    if gap > 1e-3 and (after - times * before).norm() < 1e-4:
        return (
            f"Your document vector is {times:.3f} times the old one: the change kept it, and a division by the sum "
            "moved it. That the weights sum to one must be one of the equations."
        )
    if gap > 1e-3 and torch.allclose(other.sort().values, weights.sort().values, atol=1e-5):
        return "You deal the same weights to other words: the vector moves, and nobody has lost all."
    kept = other > 1e-6
    if gap > 1e-3 and not kept.all() and torch.allclose(other[kept], weights[kept] / weights[kept].sum(), atol=1e-5):
        return (
            "You take all weight from a word and share it out among the others. Then the vector moves towards them: "
            "which of them should get how much, so that it stays?"
        )
    if gap > 1e-3:
        return f"With your weights the document vector is {gap:.3f} away from where it was; it must not move."
    if other.min() > 1e-4:
        return f"The smallest of your weights is {other.min():.3f}; one word at least must have lost all of its weight."
    return None


def _without(weights: Tensor, place: Tensor) -> Tensor:
    left = weights.index_fill(0, place, 0.0)
    return left / left.sum()


OTHER_WEIGHTS = Exercise(
    other_weights,
    _draw_weights,
    {
        "unchanged": WrongAnswer(
            lambda states, weights: weights, "These are the given weights; one word at least must lose all of its own."
        ),
        "equal": WrongAnswer(
            lambda states, weights: torch.full_like(weights, 1 / len(weights)),
            "You give all words the same weight. That is mean pooling, and its vector is another one.",
        ),
        "the least taken away": WrongAnswer(
            lambda states, weights: _without(weights, weights.argmin()),
            "You take its weight from the lightest word and share it among all others. Then the vector moves towards "
            "them: which of them should get how much, so that it stays?",
        ),
        "the top taken away": WrongAnswer(
            lambda states, weights: _without(weights, weights.argmax()),
            "You take its weight from the heaviest word and share it among all others. Then the vector moves towards "
            "them: which of them should get how much, so that it stays?",
        ),
        "zeroed only": WrongAnswer(
            lambda states, weights: weights.index_fill(0, weights.argmin(), 0.0),
            "You set one weight to zero and leave the others: what it had is missing in the sum.",
        ),
        "turned round": WrongAnswer(
            lambda states, weights: weights.flip(0),
            "You deal the same weights to other words: the vector moves, and nobody has lost all.",
        ),
        "the best alone": WrongAnswer(
            lambda states, weights: torch.nn.functional.one_hot(weights.argmax(), len(weights)).float(),
            "You give all weight to one word. Then the document vector is that word's state.",
        ),
        "exchanged": WrongAnswer(
            lambda states, weights: weights.sort().values,
            "You sort the weights: the vector moves, and nobody has lost all.",
        ),
        "nobody": WrongAnswer(
            lambda states, weights: torch.zeros_like(weights),
            "No word has any weight: the average of nothing is no average. The sum must stay one.",
        ),
        "sum forgotten": WrongAnswer(
            lambda states, weights: _along(weights, states.T, torch.min),
            "The vector has stayed, and one word has lost all, but your weights do not sum to one any more. There is "
            "one more equation than a state has numbers.",
        ),
        "average forgotten": WrongAnswer(
            lambda states, weights: _along(weights, torch.ones(1, len(weights)), torch.min),
            "You change the weights so that their sum stays. The average of the states must stay as well.",
        ),
        "too far": WrongAnswer(
            lambda states, weights: _along(weights, _with_ones(states), torch.max),
            "Your direction is right, but you go too far: some weights are below zero. Stop when the first gets there.",
        ),
        "half way": WrongAnswer(
            lambda states, weights: _along(weights, _with_ones(states), lambda steps: steps.min() / 2),
            "Your direction is right, but you stop too early: go on until a word has nothing left.",
        ),
        "the smallest norm": WrongAnswer(
            lambda states, weights: torch.linalg.pinv(_with_ones(states)) @ (_with_ones(states) @ weights),
            "You solve for the weights with the smallest squares. The equations hold, but nothing in them makes a "
            "weight zero, and nothing keeps one from being negative. How far from the given weights may you go?",
        ),
        "the change alone": WrongAnswer(
            lambda states, weights: torch.linalg.svd(_with_ones(states)).Vh[-1],
            "This is a change that the equations do not notice. Add a multiple of it to the given weights.",
        ),
        "negative ones cut off": WrongAnswer(
            lambda states, weights: _along(weights, _with_ones(states), torch.max).clamp(min=0),
            "You go too far and set what is negative to zero. What was cut off is missing in sum and average.",
        ),
    },
    fault=_why_not_other_weights,
    hard={"where there are as few words as allowed": _draw_one_change},
)


# A document that the query cannot read


def indifferent_states(
    states: Float[Tensor, "n_words d_hidden"], query: Float[Tensor, "d_hidden"]
) -> Float[Tensor, "n_words d_hidden"]:
    """Take out of each state what the query sees of it, so that all scores are equal."""
    return states - (states @ query)[:, None] * query / (query @ query)


def _draw_two_words() -> tuple:
    states, query = _draw_document()
    return states[:2], query


def _draw_document() -> tuple:
    """Make states that stay apart when what the query sees is taken out; of many in a plane, two would often meet."""
    d_hidden = primes(1, (5, 7, 11, 13))[0]
    n_words = primes(1, [n for n in (3, 5, 7, 11) if n != d_hidden])[0]
    while True:
        states, query = torch.randn(n_words, d_hidden), 1.5 * torch.randn(d_hidden)
        if torch.pdist(indifferent_states(states, query)).min() > 0.3:
            return states, query


def _why_not_indifferent(changed: Tensor, states: Tensor, query: Tensor) -> str | None:
    if changed.shape != states.shape:
        raise ValueError
    if not changed.isfinite().all():
        return "Your states hold NaN or an infinite number."
    distances = torch.pdist(changed)
    if distances.min() < 0.1:
        return f"Two of your states are only {distances.min():.2f} apart; no two may be nearer than 0.1."
    changed, query = changed.double(), query.double()
    scores = changed @ query
    weights = scores.softmax(0)
    gap = (weights @ changed - changed.mean(0)).norm()
    spread = (changed - changed.mean(0)).norm(dim=1).max()
    if gap < 1e-3 * max(1.0, float(spread)):  # states that were divided by a small score are far apart
        return None
    before = states.double() @ query
    told = _what_became_of_the_scores(scores, before, float(query @ query))
    if told:
        return told
    return (
        f"The weights run from {weights.min():.3f} to {weights.max():.3f}, and the context is {gap:.3f} away from the "
        "mean of your states."
    )


def _what_became_of_the_scores(scores: Tensor, before: Tensor, length_squared: float) -> str | None:
    """Say by what the scores differ from those of the given states, where that is one thing for all words."""
    if torch.allclose(scores - scores.mean(), before - before.mean(), atol=1e-3):
        return (
            "All scores are what they were, but for one number that is added to all of them. The softmax does not "
            "notice that: "
            "the weights are unchanged. The *differences* between the scores must go."
        )
    if torch.allclose(scores.sort().values, before.sort().values, atol=1e-3):
        return "Your scores are the old ones in another order: moving words leaves what the query sees in them."
    factor = float((scores @ before) / (before @ before))
    if not torch.allclose(scores, factor * before, atol=1e-3):
        return None
    if factor < 0:
        return (
            f"Your scores are {factor:.3g} times the old ones: turned round, the query prefers what it liked least; it "
            "should have no preference, so all scores must be equal."
        )
    if factor > 1:
        return (
            f"Your scores are {factor:.3g} times the old ones: what the query sees was added instead of taken away "
            "(the sign is the wrong way round)."
        )
    return (
        f"Your scores are {factor:.3g} times the old ones; they should all be equal, 0 for instance. You move along "
        "the query, but not by the right amount: mind its length, which comes in twice."
    )


INDIFFERENT = Exercise(
    indifferent_states,
    _draw_document,
    {
        "unchanged": WrongAnswer(
            lambda states, query: states,
            "These are the given states, for which the query has a clear preference.",
        ),
        "all alike": WrongAnswer(
            lambda states, query: states.mean(0).expand_as(states),
            "Your states are all the same vector: then every average is that vector. The question asks for states that "
            "differ.",
        ),
        "zeros": WrongAnswer(
            lambda states, query: 0 * states,
            "With zeros alone all scores are equal, but so are the states; they have to differ.",
        ),
        "shrunk": WrongAnswer(
            lambda states, query: states / 1000,
            "You made the states so small that all scores are nearly 0. They are also nearly the same: no two may be "
            "nearer than 0.1.",
        ),
        "centred": WrongAnswer(
            lambda states, query: states - states.mean(0),
            "You subtract the mean from every state. That shifts all scores by one number, and the softmax does not "
            "notice: the weights are what they were.",
        ),
        "length one": WrongAnswer(
            lambda states, query: torch.nn.functional.normalize(states, dim=1),
            "You gave all states the same length. The score also depends on the angle to the query.",
        ),
        "what the query sees": WrongAnswer(
            lambda states, query: states - indifferent_states(states, query),
            "You kept what the query sees of each state and removed the rest: this is just what it prefers by.",
        ),
        "not divided": WrongAnswer(
            lambda states, query: states - (states @ query)[:, None] * query,
            "You subtract along the right direction, but too much: the query is not of length one. Work out the score "
            "of one of your states.",
        ),
        "divided once": WrongAnswer(
            lambda states, query: states - (states @ query)[:, None] * query / query.norm(),
            "You subtract along the right direction, but not the right amount: the length of the query comes in "
            "twice, once in the score and once in the direction.",
        ),
        "wrong sign": WrongAnswer(
            lambda states, query: states + (states @ query)[:, None] * query / (query @ query),
            "The sign is the wrong way round: you add what the query sees once more, and it prefers all the more.",
        ),
        "mean score removed": WrongAnswer(
            lambda states, query: states - (states @ query).mean() * query / (query @ query),
            "You take the mean score away from every word. That shifts all scores by one number, which the softmax "
            "does not notice.",
        ),
        "from every component": WrongAnswer(
            lambda states, query: states - ((states @ query) - (states @ query).mean())[:, None],
            "You subtract a score from every component of a state. That changes its score by the score times the sum "
            "of the query; subtract along the query.",
        ),
        "the score from every component": WrongAnswer(
            lambda states, query: states - (states @ query)[:, None],
            "You subtract the whole score from every component of a state; subtract along the query, and so much that "
            "nothing of the score is left.",
        ),
        "one component zeroed": WrongAnswer(
            lambda states, query: states.index_fill(1, query.abs().argmax(), 0.0),
            "You set the component to zero in which the query is largest. It also asks about the other components.",
        ),
        "first component zeroed": WrongAnswer(
            lambda states, query: states.index_fill(1, torch.tensor(0), 0.0),
            "You set one component to zero. The query asks about the other components as well.",
        ),
        "query subtracted": WrongAnswer(
            lambda states, query: states - query,
            "You subtract the query itself from each state: that shifts all scores by one number, which the softmax "
            "does not notice.",
        ),
        "only the query": WrongAnswer(
            lambda states, query: query.expand_as(states),
            "All your states are the query itself: the same vector. They have to differ.",
        ),
        "divided by the states": WrongAnswer(
            lambda states, query: states - (states @ query)[:, None] * query / (states * states).sum(1, keepdim=True),
            "You divide by the squared length of each state; the length of the query is what comes in.",
        ),
        "another order": WrongAnswer(
            lambda states, query: states.flip(0),
            "You put the words into another order. An average does not know an order: weights move along with their "
            "states.",
        ),
    },
    fault=_why_not_indifferent,
    hard={"where there are two words": _draw_two_words},
)

EXERCISES: dict[str, Exercise] = {
    "03_document_twice": DOCUMENT_TWICE,
    "03_learned_query": LEARNED_QUERY,
    "03_two_levels": TWO_LEVELS,
    "03_delete_top": DELETE_TOP,
    "03_other_weights": OTHER_WEIGHTS,
    "03_indifferent_query": INDIFFERENT,
}
