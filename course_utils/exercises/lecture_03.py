"""Lecture 03: documents: what is asked, our answers, and the mistakes that are known."""

import math
from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from course_utils.attention import masked_softmax, padding_mask
from course_utils.exercises.exercise import Answer, Exercise, WrongAnswer, prediction

# The same document twice

DOCUMENT_TWICE = prediction(
    (False, True, True, True, True),
    {
        "the softmax halves": (
            (False, True, True, True, False),
            "You expect the learned query to give another vector. Each weight is indeed halved, for twice as many "
            "words share one. But how many words carry each of the halves?",
        ),
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
        "the maximum grows": (
            (False, True, False, True, True),
            "You expect the maximum to change. No number occurs that was not there before.",
        ),
        "the last is another": (
            (False, True, True, False, True),
            "You expect the last state to change. It stands at another position, but is it another vector? Here a "
            "state knows its own word alone.",
        ),
        "all averages change": (
            (False, False, True, True, False),
            "You expect both averages to change, because each weight is halved. It is, and each word stands there "
            "twice.",
        ),
        "the wrong way round": (
            (True, False, False, False, False),
            "Yours is the exact opposite: True means that the vector stays the same.",
        ),
    },
)


# A query that is learned


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


def _draw_masked() -> tuple:
    lengths = torch.tensor([7, 3, 0, 5, 1])[torch.randperm(5)]
    return torch.randn(5, 7, 11), padding_mask(lengths, 7)[:, 0]


def _draw_pooling() -> tuple:
    states, mask = _draw_masked()
    return states, mask, torch.randn(13, 11) / 4, torch.randn(13), torch.randn(13) / 2


def _pool_by(weigh: Answer) -> Answer:
    """Pool with weights that are made in another way from (hidden layer, u, mask)."""

    def pool(states: Tensor, mask: Tensor, W: Tensor, b: Tensor, u: Tensor) -> Tensor:
        return torch.einsum("bl,bld->bd", weigh(torch.tanh(states @ W.T + b), u, mask), states)

    return pool


def _without_tanh(states: Tensor, mask: Tensor, W: Tensor, b: Tensor, u: Tensor) -> Tensor:
    return torch.einsum("bl,bld->bd", masked_softmax((states @ W.T + b) @ u, mask), states)


def _tanh_of_the_score(states: Tensor, mask: Tensor, W: Tensor, b: Tensor, u: Tensor) -> Tensor:
    return torch.einsum("bl,bld->bd", masked_softmax(torch.tanh((states @ W.T + b) @ u), mask), states)


def _averages_what_is_compared(states: Tensor, mask: Tensor, W: Tensor, b: Tensor, u: Tensor) -> Tensor:
    hidden = torch.tanh(states @ W.T + b)
    return torch.einsum("bl,bld->bd", masked_softmax(hidden @ u, mask), hidden)


LEARNED_QUERY = Exercise(
    pool_with_query,
    _draw_pooling,
    {
        "no tanh": WrongAnswer(
            _without_tanh,
            "There is no tanh: the bias then adds the same to every word and drops out, and of W only one direction "
            "is left.",
        ),
        "tanh of the score": WrongAnswer(
            _tanh_of_the_score,
            "You squash the finished score instead of the hidden layer: no score can leave −1 to 1, so no word can "
            "stand out by more than a factor of e².",
        ),
        "no bias": WrongAnswer(
            lambda states, mask, W, b, u: pool_with_query(states, mask, W, 0 * b, u),
            "The bias takes no part. Inside a tanh it matters: it decides where the bend lies.",
        ),
        "no query": WrongAnswer(
            _pool_by(lambda hidden, u, mask: masked_softmax(hidden.sum(-1), mask)),
            "You add up the hidden units: nobody asks. The learned vector u says how much each of them counts.",
        ),
        "padding attended": WrongAnswer(
            _pool_by(lambda hidden, u, mask: (hidden @ u).softmax(-1)),
            "Padding gets weight: the mask is not used, and a document's vector depends on its neighbours in the "
            "batch.",
        ),
        "mask inverted": WrongAnswer(
            lambda states, mask, *a: pool_with_query(states, ~mask, *a),
            "You attend to the padding and leave out the words: True means real.",
        ),
        "masked afterwards": WrongAnswer(
            _pool_by(lambda hidden, u, mask: (hidden @ u).softmax(-1) * mask),
            "You mask after the softmax alone: what padding took is lost, and short documents shrink.",
        ),
        "−∞": WrongAnswer(
            _pool_by(lambda hidden, u, mask: (hidden @ u).masked_fill(~mask, -torch.inf).softmax(-1)),
            "The empty document gives NaN: all its scores are −∞, and the softmax divides zero by zero.",
        ),
        "−1e9": WrongAnswer(
            _pool_by(lambda hidden, u, mask: (hidden @ u).masked_fill(~mask, -1e9).softmax(-1)),
            "The empty document gets the mean of its padding: all its scores are equally low, and equal scores give "
            "equal weights.",
        ),
        "over the batch": WrongAnswer(
            _pool_by(lambda hidden, u, mask: masked_softmax((hidden @ u).T, mask.T).T),
            "Your softmax runs over the batch: documents compete with each other for weight. The words of one document "
            "should.",
        ),
        "what is compared": WrongAnswer(
            _averages_what_is_compared,
            "You average tanh(W k + b), what is compared. The average is taken of the states themselves.",
        ),
    },
)


# Zeros are not nothing


def pool_real_words(
    states: Float[Tensor, "batch length d_hidden"],
    mask: Bool[Tensor, "batch length"],
    query: Float[Tensor, "d_hidden"],
) -> tuple[Float[Tensor, "batch d_hidden"], Float[Tensor, "batch length"]]:
    """Pool with the weights softmax(states · query) over real positions; an empty document gives zeros."""
    weights = masked_softmax(states @ query, mask)
    return torch.einsum("bl,bld->bd", weights, states), weights


def _draw_zeroed() -> tuple:
    states, mask = _draw_masked()
    return states, mask, torch.randn(11) / 2


def _weigh_by(weigh: Answer) -> Answer:
    """Pool with weights that are made in another way from (scores, mask)."""

    def pool(states: Tensor, mask: Tensor, query: Tensor) -> tuple[Tensor, Tensor]:
        weights = weigh(states @ query, mask)
        return torch.einsum("bl,bld->bd", weights, states), weights

    return pool


def _zeroed(states: Tensor, mask: Tensor, query: Tensor) -> tuple[Tensor, Tensor]:
    states = states * mask[..., None]
    weights = (states @ query).softmax(-1)
    return torch.einsum("bl,bld->bd", weights, states), weights


def _shrunk(states: Tensor, mask: Tensor, query: Tensor) -> tuple[Tensor, Tensor]:
    context, weights = pool_real_words(states, mask, query)
    return context / mask.sum(1, keepdim=True).clamp(min=1), weights


PADDING_ATTENDED = Exercise(
    pool_real_words,
    _draw_zeroed,
    {
        "as shown": WrongAnswer(
            _zeroed,
            "You have kept the fault: a padded state of zeros scores 0, and that is a score like any other. The "
            "shorter the document, the more of its weight goes to nothing.",
        ),
        "scores zeroed": WrongAnswer(
            _weigh_by(lambda scores, mask: (scores * mask).softmax(-1)),
            "You set the scores of padding to 0. A softmax turns 0 into e⁰, which is not nothing: padding still gets "
            "weight, and now brings its states along.",
        ),
        "mask added": WrongAnswer(
            _weigh_by(lambda scores, mask: (scores + mask).softmax(-1)),
            "You add the mask, so that a real word scores 1 higher than padding. It weighs e times as much, no more.",
        ),
        "masked afterwards": WrongAnswer(
            _weigh_by(lambda scores, mask: scores.softmax(-1) * mask),
            "Padding is gone, but what it took is lost: the weights of a short document sum to less than one.",
        ),
        "mask inverted": WrongAnswer(
            _weigh_by(lambda scores, mask: masked_softmax(scores, ~mask)),
            "You attend to the padding and leave out the words: True means real.",
        ),
        "−∞": WrongAnswer(
            _weigh_by(lambda scores, mask: scores.masked_fill(~mask, -torch.inf).softmax(-1)),
            "The empty document gives NaN: all its scores are −∞, and the softmax divides zero by zero.",
        ),
        "−1e9": WrongAnswer(
            _weigh_by(lambda scores, mask: scores.masked_fill(~mask, -1e9).softmax(-1)),
            "The empty document still spends all its weight on padding: its scores are equally low, and equal scores "
            "give equal weights.",
        ),
        "equal weights": WrongAnswer(
            _weigh_by(lambda scores, mask: masked_softmax(0 * scores, mask)),
            "This is the mean of the real words: nobody asks, the query takes no part.",
        ),
        "over the batch": WrongAnswer(
            _weigh_by(lambda scores, mask: masked_softmax(scores.T, mask.T).T),
            "Your softmax runs over the batch: documents compete with each other for weight.",
        ),
        "divided again": WrongAnswer(
            _shrunk,
            "You divide by the number of words as well. The weights sum to one already: what they give is an average.",
        ),
    },
)


# Which word weighs most?

TWO_LEVELS = prediction(
    ("edges", 0.24, 1.0),
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
    table, turn = torch.randn(31, 5), torch.randn(13, 5)  # what a word says, and how much of it at which place

    def decide(documents: list[Tensor]) -> Tensor:
        read = [(table[words] * turn[: len(words)]).sum(dim=0) for words in documents]
        return torch.stack(read).argmax(dim=1)

    lengths = [3, 5, 7, 11, 13] * 9
    documents = [torch.randint(31, (n,)) for n in lengths]
    return decide, documents, [torch.rand(n).softmax(dim=0) for n in lengths], 0.25


def _delete_by(keep: Callable[[Tensor, float], Tensor]) -> Answer:
    """Delete in another way: ``keep(weights, share)`` gives the places that are left."""

    def delete(decide: Decide, documents: list[Tensor], weights: list[Tensor], share: float) -> float:
        return _changed(decide, documents, [keep(row, share) for row in weights])

    return delete


def _as_many_in_each(decide: Decide, documents: list[Tensor], weights: list[Tensor], share: float) -> float:
    n_deleted = math.ceil(share * max(map(len, documents)))
    return _changed(decide, documents, [row.argsort(descending=True)[n_deleted:].sort().values for row in weights])


def _replaced(decide: Decide, documents: list[Tensor], weights: list[Tensor], share: float) -> float:
    shortened = [words.clone() for words in documents]
    for words, row in zip(shortened, weights, strict=True):
        words[row.argsort(descending=True)[: math.ceil(share * len(row))]] = 0
    return (decide(shortened) != decide(documents)).float().mean().item()


DELETE_TOP = Exercise(
    decisions_changed,
    _draw_deletion,
    {
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
)


# A document that the query cannot read


def indifferent_states(
    states: Float[Tensor, "n_words d_hidden"], query: Float[Tensor, "d_hidden"]
) -> Float[Tensor, "n_words d_hidden"]:
    """Take out of each state what the query sees of it, so that all scores are equal."""
    return states - (states @ query)[:, None] * query / (query @ query)


def _draw_document() -> tuple:
    return torch.randn(5, 7), 1.5 * torch.randn(7)


def _why_not_indifferent(changed: Tensor, states: Tensor, query: Tensor) -> str | None:
    if changed.shape != states.shape:
        raise ValueError
    if not changed.isfinite().all():
        return "Your states hold NaN or an infinite number."
    distances = torch.pdist(changed)
    if distances.min() < 0.1:
        return f"Two of your states are only {distances.min():.2f} apart; no two may be nearer than 0.1."
    weights = (changed @ query).softmax(0)
    gap = (weights @ changed - changed.mean(0)).norm()
    if gap < 1e-3:
        return None
    return (
        f"The weights run from {weights.min():.3f} to {weights.max():.3f}, and the context is {gap:.3f} away from the "
        "mean of your states."
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
        "another order": WrongAnswer(
            lambda states, query: states.flip(0),
            "You put the words into another order. An average does not know an order: weights move along with their "
            "states.",
        ),
    },
    fault=_why_not_indifferent,
)

EXERCISES: dict[str, Exercise] = {
    "03_document_twice": DOCUMENT_TWICE,
    "03_learned_query": LEARNED_QUERY,
    "03_padding_attended": PADDING_ATTENDED,
    "03_two_levels": TWO_LEVELS,
    "03_delete_top": DELETE_TOP,
    "03_indifferent_query": INDIFFERENT,
}
