"""Lecture 02: Bahdanau attention: what is asked, our answers, and the mistakes that are known."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from course_utils.attention import attend, dot_score, padding_mask, scaled_dot_score, zero_score
from course_utils.exercises.exercise import Answer, Exercise, WrongAnswer, prediction

# A dictionary, half as warm

SOFT_DICTIONARY = prediction(
    14.0,
    {
        "the old temperature": (
            15.0,
            "This is the answer before: the temperature was halved since, and with it the similarities changed.",
        ),
        "the dictionary's": (
            12.0,
            "This is what temperature 0 would give, the value of the nearest key alone. Half a temperature is not "
            "none: the two neighbours still answer, only less.",
        ),
        "the mean": (
            16.0,
            "This is the plain mean, which all keys would give at an infinite temperature. Less warmth goes the other "
            "way.",
        ),
        "warmer": (
            (6 * 2**-0.5 + 12 + 30 * 2**-0.5) / (1 + 2 * 2**-0.5),
            "You doubled the temperature. The distance is divided by T, so a smaller T makes a neighbour less similar.",
        ),
        "not normalised": (
            21.0,
            "You added up similarity × value. The similarities do not sum to one: what must happen to them first?",
        ),
        "divided by the number of keys": (
            7.0,
            "You divided by how many keys there are. Weights must sum to one, so what has to be divided by is not a "
            "count.",
        ),
        "half the answer": (
            7.5,
            "You halved the answer. The temperature acts on the scores, before the softmax; an average of 6, 12 and "
            "30 in which 12 counts most cannot be so small.",
        ),
        "squared weights": (
            5.25,
            "You squared the old weights, a good thought, but they no longer sum to one.",
        ),
        "the keys": (
            2.0,
            "You averaged the keys. They only decide the weights; what is averaged are the values.",
        ),
        "another query": (
            174 / 21,
            "You took the distances to the key 1. The query is 2: which key has distance 0 now?",
        ),
    },
)


# Score all pairs at once


def additive_score(
    keys: Float[Tensor, "k_len d_key"],
    query: Float[Tensor, "q_len d_query"],
    W: Float[Tensor, "d_attention d_query"],
    U: Float[Tensor, "d_attention d_key"],
    v: Float[Tensor, "d_attention"],
) -> Float[Tensor, "q_len k_len"]:
    """Score each key against each query: vᵀ tanh(W q + U k)."""
    return torch.tanh((query @ W.T)[:, None, :] + (keys @ U.T)[None, :, :]) @ v


def _draw_additive() -> tuple:
    return torch.randn(7, 11), torch.randn(5, 13), torch.randn(3, 13) / 3, torch.randn(3, 11) / 3, torch.randn(3)


def _hidden(keys: Tensor, query: Tensor, W: Tensor, U: Tensor) -> Tensor:
    return (query @ W.T)[:, None, :] + (keys @ U.T)[None, :, :]


ADDITIVE_SCORE = Exercise(
    additive_score,
    _draw_additive,
    {
        "no tanh": WrongAnswer(
            lambda keys, query, W, U, v: _hidden(keys, query, W, U) @ v,
            "There is no tanh between the two layers: without it the query adds the same number to every key's "
            "score, the softmax takes it out again, and the weights no longer depend on what was asked.",
        ),
        "no v": WrongAnswer(
            lambda keys, query, W, U, v: torch.tanh(_hidden(keys, query, W, U)).sum(-1),
            "You add up the hidden units with equal weight; the learned vector v decides how much each counts.",
        ),
        "softmax already": WrongAnswer(
            lambda *a: additive_score(*a).softmax(-1),
            "These are weights, not scores: the softmax comes afterwards, in attend.",
        ),
        "difference": WrongAnswer(
            lambda keys, query, W, U, v: torch.tanh((query @ W.T)[:, None] - (keys @ U.T)[None]) @ v,
            "You subtract the key's part from the query's part; the score adds them.",
        ),
        "tanh of each part": WrongAnswer(
            lambda keys, query, W, U, v: (torch.tanh(query @ W.T)[:, None] + torch.tanh(keys @ U.T)[None]) @ v,
            "You squash the two parts before adding them, so they never meet inside the tanh: the query again adds "
            "the same number to every key's score.",
        ),
        "tanh at the end": WrongAnswer(
            lambda keys, query, W, U, v: torch.tanh(_hidden(keys, query, W, U) @ v),
            "You squash the finished score. It then stays between −1 and 1, and for all queries the keys come out in "
            "the same order: inside, nothing was bent.",
        ),
        "transposed": WrongAnswer(
            lambda *a: additive_score(*a).T,
            "Rows and columns are exchanged: one row a query, one column a key.",
        ),
    },
)


# Two sentences, one map


def look_at_source(
    embedded: Float[Tensor, "batch d_embedding"],
    state: Float[Tensor, "batch d_state"],
    states: Float[Tensor, "batch src_len d_key"],
    W: Float[Tensor, "d_key d_question"],
) -> tuple[Float[Tensor, "batch d_key"], Float[Tensor, "batch src_len"]]:
    """Ask with [embedded ‖ state], score kᵀ W q against every encoder state, and average the states."""
    question = torch.cat([embedded, state], dim=1) @ W.T
    context, weights = attend(question[:, None], states, states, dot_score)
    assert weights is not None  # as they are where need_weights is left at True
    return context[:, 0], weights[:, 0]


def _draw_look() -> tuple:
    return torch.randn(3, 2), torch.randn(3, 11), torch.randn(3, 5, 7), torch.randn(7, 13) / 6


def _look_scores(embedded: Tensor, state: Tensor, states: Tensor, W: Tensor) -> Tensor:
    return torch.einsum("bkd,bd->bk", states, torch.cat([embedded, state], 1) @ W.T)


def _averaged(weights: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
    return torch.einsum("bk,bkd->bd", weights, states), weights


def _blind(embedded: Tensor, state: Tensor, states: Tensor, W: Tensor) -> tuple[Tensor, Tensor]:
    scores = torch.cat([embedded, state], 1) @ W.T
    return _averaged(scores[:, : states.shape[1]].softmax(1), states)


def _states_added_up(embedded: Tensor, state: Tensor, states: Tensor, W: Tensor) -> tuple[Tensor, Tensor]:
    return states.sum(1), _look_scores(embedded, state, states, W).softmax(1)


def _one_word_alone(embedded: Tensor, state: Tensor, states: Tensor, W: Tensor) -> tuple[Tensor, Tensor]:
    best = _look_scores(embedded, state, states, W).argmax(1)
    return _averaged(F.one_hot(best, states.shape[1]).to(states.dtype), states)


BLIND_LOOK = Exercise(
    look_at_source,
    _draw_look,
    {
        "as shown": WrongAnswer(
            _blind,
            "You have kept the fault: the scores come from the question alone, no encoder state takes part. Two source "
            "sentences get the same weights, so where the decoder looks is a habit and not an answer.",
        ),
        "uniform": WrongAnswer(
            lambda embedded, state, states, W: _averaged(torch.full(states.shape[:2], 1 / states.shape[1]), states),
            "All your weights are equal: every state was given the same score, which is the mean (f = 0). A score must "
            "differ from one source word to the next.",
        ),
        "exchanged": WrongAnswer(
            lambda embedded, state, states, W: look_at_source(state, embedded, states, W),
            "State and previous word have changed places in the question: the columns of W that were learned for one "
            "now meet the other. Shapes do not notice.",
        ),
        "the word left out": WrongAnswer(
            lambda embedded, state, states, W: look_at_source(0 * embedded, state, states, W),
            "The previous word takes no part in your question; only the state asks.",
        ),
        "over the batch": WrongAnswer(
            lambda *a: _averaged(_look_scores(*a).softmax(0), a[2]),
            "Your softmax runs over the batch: sentences that have nothing to do with each other compete for weight. "
            "Each row must sum to one.",
        ),
        "scores as weights": WrongAnswer(
            lambda *a: _averaged(_look_scores(*a), a[2]),
            "You average with the scores themselves. They may be negative and sum to anything; what turns them into "
            "weights?",
        ),
        "added up": WrongAnswer(
            _states_added_up,
            "Your weights are right, and your context does not use them: it is the plain sum of the states.",
        ),
        "one word alone": WrongAnswer(
            _one_word_alone,
            "You take the best source word alone. That is a dictionary: it has no gradient, so nothing could learn "
            "where to look.",
        ),
    },
)


# Columns that sum to one


def attend_in_rows(
    query: Float[Tensor, "batch q_len d_key"],
    keys: Float[Tensor, "batch k_len d_key"],
    values: Float[Tensor, "batch k_len d_value"],
    mask: Bool[Tensor, "batch k_len"],
) -> tuple[Float[Tensor, "batch q_len d_value"], Float[Tensor, "batch q_len k_len"]]:
    """Attend with the dot score; mask is True at real keys, and a sentence without any gives zeros."""
    context, weights = attend(query, keys, values, dot_score, mask[:, None])
    assert weights is not None  # as above
    return context, weights


def _draw_rows() -> tuple:
    lengths = torch.tensor([7, 4, 0])[torch.randperm(3)]
    return torch.randn(3, 5, 11) / 2, torch.randn(3, 7, 11), torch.randn(3, 7, 13), padding_mask(lengths, 7)[:, 0]


def _softmax_over(dim: int | tuple[int, int]) -> Answer:
    """Normalise the map (batch, q_len, k_len) over another axis, or over two of them together."""

    def attend_wrongly(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        scores = (query @ keys.mT).masked_fill(~mask[:, None], torch.finfo(query.dtype).min)
        if isinstance(dim, int):
            weights = scores.softmax(dim)
        else:
            weights = scores.flatten(*dim).softmax(-1).unflatten(-1, scores.shape[1:])
        weights = weights * mask[:, None]
        return weights @ values, weights

    return attend_wrongly


def _fill_alone(number: float) -> Answer:
    def attend_wrongly(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        weights = (query @ keys.mT).masked_fill(~mask[:, None], number).softmax(-1)
        return weights @ values, weights

    return attend_wrongly


def _masked_afterwards(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    weights = (query @ keys.mT).softmax(-1) * mask[:, None]
    return weights @ values, weights


def _turned(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    context, weights = attend_in_rows(query, keys, values, mask)
    return context, weights.mT


SOFTMAX_AXIS = Exercise(
    attend_in_rows,
    _draw_rows,
    {
        "as shown": WrongAnswer(
            _softmax_over(1),
            "You have kept the fault: each key still shares itself out among the queries. A question must share its "
            "attention out among the keys, whoever else asks.",
        ),
        "over the batch": WrongAnswer(
            _softmax_over(0),
            "Your softmax runs over the batch: a sentence's weights depend on its neighbours in the batch.",
        ),
        "over the whole map": WrongAnswer(
            _softmax_over((1, 2)),
            "You normalise the whole map of a sentence at once: all queries together get a total of one, and each of "
            "them only a part.",
        ),
        "mask inverted": WrongAnswer(
            lambda query, keys, values, mask: attend_in_rows(query, keys, values, ~mask),
            "You attend to the padding and leave out the words: True means real.",
        ),
        "mask forgotten": WrongAnswer(
            lambda query, keys, values, mask: attend(query, keys, values, dot_score),
            "On the way the mask was lost: padding gets weight.",
        ),
        "masked afterwards": WrongAnswer(
            _masked_afterwards,
            "You mask after the softmax alone: what padding took is missing, and the rows of a short sentence sum to "
            "less than one.",
        ),
        "−1e9 alone": WrongAnswer(
            _fill_alone(-1e9),
            "The sentence without words averages over its padding: where all scores are equally low, a softmax is "
            "uniform. Its weights must be zero.",
        ),
        "−∞": WrongAnswer(
            _fill_alone(-torch.inf),
            "The sentence without words gives NaN: zero divided by zero, and from there it spreads into every "
            "parameter.",
        ),
        "scaled": WrongAnswer(
            lambda query, keys, values, mask: attend(query, keys, values, scaled_dot_score, mask[:, None]),
            "You also divided the scores by √d. That is another score; here only the fault is to be mended.",
        ),
        "turned": WrongAnswer(
            _turned,
            "The context is right, but the weights are handed out with one row a key: expected (batch, q_len, k_len).",
        ),
    },
)


# One step of the decoder

Score = Callable[[Tensor, Tensor], Tensor]
Cell = Callable[[Tensor, Tensor], Tensor]


def decoder_step(
    word: Float[Tensor, "batch d_word"],
    state: Float[Tensor, "batch d_state"],
    states: Float[Tensor, "batch src_len d_key"],
    mask: Bool[Tensor, "batch src_len"],
    score: Score,
    cell: Cell,
) -> tuple[Float[Tensor, "batch d_state"], Float[Tensor, "batch src_len"]]:
    """Ask with the old state, then update it with [word ‖ context]; give the new state and the weights."""
    context, weights = _look(state, states, score, mask)
    return cell(torch.cat([word, context], dim=1), state), weights


def _look(state: Tensor, states: Tensor, score: Score, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """Ask once: context (batch, d_key) and weights (batch, src_len)."""
    context, weights = attend(state[:, None], states, states, score, None if mask is None else mask[:, None])
    assert weights is not None  # as above
    return context[:, 0], weights[:, 0]


def _draw_step() -> tuple:
    mask = torch.arange(5) < torch.tensor([5, 3, 0])[torch.randperm(3), None]
    bilinear, gru = torch.randn(11, 7) / 6, torch.nn.GRUCell(9, 11)

    def score(keys: Tensor, query: Tensor) -> Tensor:  # functions, which a copy of the arguments leaves as they are
        return query @ bilinear @ keys.mT

    def cell(inputs: Tensor, state: Tensor) -> Tensor:
        return gru(inputs, state).detach()

    return torch.randn(3, 2), torch.randn(3, 11), torch.randn(3, 5, 7), mask, score, cell


def _step_with(look: Answer) -> Answer:
    """Make a step that finds its context and its weights in another way."""

    def step(word: Tensor, state: Tensor, states: Tensor, mask: Tensor, score: Score, cell: Cell) -> tuple:
        context, weights = look(state, states, score, mask)
        return cell(torch.cat([word, context], dim=1), state), weights

    return step


def _step_into(update: Answer) -> Answer:
    """Make a step that looks rightly and updates in another way."""

    def step(word: Tensor, state: Tensor, states: Tensor, mask: Tensor, score: Score, cell: Cell) -> tuple:
        context, weights = _look(state, states, score, mask)
        return update(word, state, context, cell), weights

    return step


def _asks_after(word: Tensor, state: Tensor, states: Tensor, mask: Tensor, score: Score, cell: Cell) -> tuple:
    new, _ = decoder_step(word, state, states, mask, score, cell)
    return new, _look(new, states, score, mask)[1]


def _softmax_after(change: Answer, dim: int = 1) -> Answer:
    """Look with scores that were changed, and a softmax over another axis."""

    def look(state: Tensor, states: Tensor, score: Score, mask: Tensor) -> tuple[Tensor, Tensor]:
        weights = change(score(states, state[:, None])[:, 0], mask).softmax(dim)
        return _averaged(weights, states)

    return look


def _one_state_alone(state: Tensor, states: Tensor, score: Score, mask: Tensor) -> tuple[Tensor, Tensor]:
    best = score(states, state[:, None])[:, 0].masked_fill(~mask, -torch.inf).argmax(1)
    return _averaged(F.one_hot(best, states.shape[1]) * mask.to(states.dtype), states)


DECODER_STEP = Exercise(
    decoder_step,
    _draw_step,
    {
        "asks after": WrongAnswer(
            _asks_after,
            "Your weights belong to the new state. Bahdanau's decoder asks with the old one, s_{i-1}, and the context "
            "of that question is what the new state is made from.",
        ),
        "mask forgotten": WrongAnswer(
            _step_with(lambda state, states, score, mask: _look(state, states, score, None)),
            "Padding gets weight: the mask is not used.",
        ),
        "mask inverted": WrongAnswer(
            _step_with(lambda state, states, score, mask: _look(state, states, score, ~mask)),
            "You attend to the padding and leave out the words: True means real.",
        ),
        "scores of padding zero": WrongAnswer(
            _step_with(_softmax_after(lambda scores, mask: scores * mask)),
            "You set the scores of padding to zero. To a softmax zero is a score like any other, so padding still gets "
            "weight.",
        ),
        "−1e9 alone": WrongAnswer(
            _step_with(_softmax_after(lambda scores, mask: scores.masked_fill(~mask, -1e9))),
            "The sentence without words averages over its padding: where all scores are equally low, a softmax is "
            "uniform. Its weights and its context must be zero.",
        ),
        "−∞": WrongAnswer(
            _step_with(_softmax_after(lambda scores, mask: scores.masked_fill(~mask, -torch.inf))),
            "The sentence without words gives NaN: zero divided by zero. Its weights and its context must be zero.",
        ),
        "one state alone": WrongAnswer(
            _step_with(_one_state_alone),
            "You take the best encoder state alone. That is a dictionary: it has no gradient, so nothing could learn "
            "where to look.",
        ),
        "the mean": WrongAnswer(
            _step_with(lambda state, states, score, mask: _look(state, states, zero_score, mask)),
            "Every state gets the same weight, whatever is asked: the score is not used.",
        ),
        "context first": WrongAnswer(
            _step_into(lambda word, state, context, cell: cell(torch.cat([context, word], dim=1), state)),
            "Word and context have changed places in the input of the cell: its columns for one now meet the other. "
            "Shapes do not notice.",
        ),
        "no context": WrongAnswer(
            _step_into(lambda word, state, context, cell: cell(torch.cat([word, 0 * context], dim=1), state)),
            "The context does not reach the cell: your decoder asks, and then writes without having listened.",
        ),
        "no word": WrongAnswer(
            _step_into(lambda word, state, context, cell: cell(torch.cat([0 * word, context], dim=1), state)),
            "The previous word does not reach the cell.",
        ),
        "no memory": WrongAnswer(
            _step_into(lambda word, state, context, cell: cell(torch.cat([word, context], dim=1), 0 * state)),
            "The cell updates a state of zeros, so your decoder forgets at every step what it has written.",
        ),
        "old state": WrongAnswer(
            _step_into(lambda word, state, context, cell: state),
            "You hand over the old state: what the cell returned is lost.",
        ),
    },
)


# An entry that nobody can look up


def unreachable_key(keys: Float[Tensor, "k_len d_key"]) -> Float[Tensor, "d_key"]:
    """Give a new key that scores highest for no query: any point between the others, here their mean."""
    return keys.mean(dim=0)


def _draw_keys() -> tuple:
    return (torch.randn(7, 3) + 3,)


def _query_that_finds(key: Tensor, keys: Tensor) -> Tensor | None:
    """Find a query that scores the key above all others, or None where it lies between them.

    Gilbert's algorithm: walk to the point of the keys' convex hull that is nearest to the key.
    """
    others = (keys - key).double()
    nearest = others[0]
    for _ in range(500):
        corner = others[(others @ nearest).argmin()]
        if corner @ nearest > 1e-6:  # all others lie on one side
            return -nearest / nearest.norm()
        way = nearest - corner
        nearest = nearest - way * (nearest @ way / (way @ way).clamp(min=1e-12)).clamp(0, 1)
    return None


def _why_reachable(key: Tensor, keys: Tensor) -> str | None:
    if key.shape != keys.shape[1:]:
        raise ValueError
    if not key.isfinite().all():
        return "Your key holds NaN or an infinite number."
    if (keys - key).norm(dim=1).min() < 1e-3:
        return "Your key is a copy of one that is there; make a new one."
    query = _query_that_finds(key.detach(), keys)
    if query is None:
        return None
    numbers = ", ".join(f"{number:.2f}" for number in query)
    mine, best = query @ key.double(), (keys.double() @ query).max()
    return (
        f"The query ({numbers}) scores your key {mine:.2f} and the best of the others {best:.2f}: it can be looked up."
    )


UNREACHABLE_KEY = Exercise(
    unreachable_key,
    _draw_keys,
    {
        "zeros": WrongAnswer(
            lambda keys: torch.zeros(keys.shape[1]),
            "The zero vector scores 0 for every query. Is there no query for which all others score less than 0?",
        ),
        "a copy": WrongAnswer(
            lambda keys: keys[0],
            "This is one of the given keys: the two always score the same, but it is not a new one.",
        ),
        "the sum": WrongAnswer(
            lambda keys: keys.sum(0),
            "The sum is far longer than any of the keys, and a query in its direction scores it highest. The dot score "
            "likes long keys.",
        ),
        "the longest, longer": WrongAnswer(
            lambda keys: 2 * keys[keys.norm(dim=1).argmax()],
            "You made the longest key longer still: a query in its direction now finds yours. Think of a place that is "
            "outdone from every side.",
        ),
        "largest in each place": WrongAnswer(
            lambda keys: keys.max(0).values,
            "You took the largest number of each column: for a query of positive numbers nothing can score higher.",
        ),
        "smallest in each place": WrongAnswer(
            lambda keys: keys.min(0).values,
            "You took the smallest number of each column. A query may hold negative numbers too, and then the smallest "
            "score highest.",
        ),
        "a short one": WrongAnswer(
            lambda keys: F.normalize(keys.mean(0), dim=0),
            "Your key points the way of the others and is shorter than they are. A query in the opposite direction "
            "gives all negative scores, and the shortest key has the best of them.",
        ),
        "the opposite": WrongAnswer(
            lambda keys: -keys.mean(0),
            "You put the key opposite the others: a query in that direction finds it at once.",
        ),
    },
    fault=_why_reachable,
)

EXERCISES: dict[str, Exercise] = {
    "02_soft_dictionary": SOFT_DICTIONARY,
    "02_additive_score": ADDITIVE_SCORE,
    "02_softmax_axis": SOFTMAX_AXIS,
    "02_decoder_step": DECODER_STEP,
    "02_blind_look": BLIND_LOOK,
    "02_unreachable_key": UNREACHABLE_KEY,
}
