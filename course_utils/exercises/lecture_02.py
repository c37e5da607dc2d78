"""Lecture 02: Bahdanau attention: what is asked, our answers, and the mistakes that are known."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from course_utils.attention import attend, dot_score, masked_softmax, zero_score
from course_utils.exercises import weighing
from course_utils.exercises.exercise import Answer, Exercise, WrongAnswer, prediction, primes, single_slips
from course_utils.exercises.reading import equal

# A dictionary, half as warm


def _why_not_fourteen(answer: object) -> str | None:
    if isinstance(answer, torch.Tensor) and answer.numel() == 1 and answer.dim() == 0:
        answer = answer.item()
    if isinstance(answer, str | list | tuple | torch.Tensor) or answer is None:
        return "Write one number alone: no string, no brackets."
    if isinstance(answer, bool) or not isinstance(answer, int | float):
        return "Expected a number: the answer of the dictionary."
    if abs(answer - 14) < 0.02:
        return None
    if not 6 <= answer <= 30:
        return "An average of 6, 12 and 30 lies between 6 and 30: do your weights sum to one?"
    if answer < 12:
        return (
            "The colder, the nearer to the value of the nearest key, 12, and from above: 30 pulls more than 6 does, so "
            "no temperature gives less than 12. Are your weights the same on both sides, and do they sum to one?"
        )
    if answer > 15:
        return "This is on the wrong side of 15: it goes towards the plain mean, 16, and that is warmer, not colder."
    return (
        "The right side, but another amount. By which factor does the similarity drop with each unit of distance, when "
        "T is halved? Then divide by the sum of all three."
    )


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
            "Too large: this is the plain mean, an infinite temperature, or what a doubled one gives, rounded. A "
            "smaller T divides the distance by less, so a neighbour is less similar.",
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
        "an eighth": (
            13.2,
            "A neighbour gets an eighth as much as the key itself in yours: one factor too many. Each unit of distance "
            "halved the similarity before; at half the temperature it does so twice.",
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
    _why_not_fourteen,
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


def _draw_additive(scale: float = 1.0) -> tuple:
    k_len, q_len, d_attention, d_key, d_query = primes(5)
    W, U = torch.randn(d_attention, d_query) / d_query**0.5, torch.randn(d_attention, d_key) / d_key**0.5
    return scale * torch.randn(k_len, d_key), scale * torch.randn(q_len, d_query), W, U, torch.randn(d_attention)


def _hidden(keys: Tensor, query: Tensor, W: Tensor, U: Tensor) -> Tensor:
    return (query @ W.T)[:, None, :] + (keys @ U.T)[None, :, :]


def _additive(meet: Answer, squash: Answer, read_out: Answer, finish: Answer) -> Answer:
    """Make a score from how two parts meet, what bends them, what reads the units out, and what comes last."""

    def score(keys: Tensor, query: Tensor, W: Tensor, U: Tensor, v: Tensor) -> Tensor:
        q, k = (query @ W.T)[:, None, :], (keys @ U.T)[None, :, :]
        return finish(read_out(squash(meet(q, k), v), v), len(query), len(keys))

    return score


_ADDITIVE_SLOTS = (
    (lambda q, k: q + k, weighing.meetings(torch.tanh, "tanh")),
    (
        lambda h, v: h.tanh(),
        {
            **weighing.adapted(weighing.bends("tanh"), lambda f: lambda h, v: f(h)),
            "v inside": (
                lambda h, v: (h * v).tanh() / v,
                "v is inside the tanh: it should weigh the hidden units after they are bent.",
            ),
            "v inside and outside": (lambda h, v: (h * v).tanh(), "v is used twice, inside the tanh and outside."),
        },
    ),
    (lambda h, v: h @ v, weighing.readings("v")),
    (
        lambda scores, q_len, k_len: scores,
        {
            "softmax over the queries": (
                lambda scores, q_len, k_len: scores.softmax(0),
                "These are weights, and over the queries (the wrong axis): the scores before any softmax are asked "
                "for.",
            ),
            "reshaped": (
                lambda scores, q_len, k_len: scores.T.reshape(q_len, k_len),
                "Your table is (k_len, q_len), brought into shape by view or reshape: that does not transpose it.",
            ),
            "not added up over pairs": (
                lambda scores, q_len, k_len: scores.flatten(),
                "Your scores are right but flattened: one row per query, one column per key.",
            ),
            "sigmoid of the score": (
                lambda scores, q_len, k_len: scores.sigmoid(),
                "A sigmoid of the finished score is too many.",
            ),
            "summed over the queries": (
                lambda scores, q_len, k_len: scores.sum(0),
                "You add up over the queries: each has scores of its own.",
            ),
        },
    ),
)


ADDITIVE_SCORE = Exercise(
    additive_score,
    _draw_additive,
    {
        **single_slips(_additive, _ADDITIVE_SLOTS),
        "no tanh": WrongAnswer(
            lambda keys, query, W, U, v: _hidden(keys, query, W, U) @ v,
            "There is no tanh between the two layers: without it the query adds the same number to every key's "
            "score, the softmax takes it out again, and the weights no longer depend on what was asked.",
        ),
        "softmax already": WrongAnswer(
            lambda *a: additive_score(*a).softmax(-1),
            "These are weights, not scores: the softmax comes afterwards, in attend.",
        ),
        "dot product": WrongAnswer(
            lambda keys, query, W, U, v: (query @ W.T) @ (keys @ U.T).T,
            "This is a dot product of the two parts; the additive score adds them, bends the sum and weighs it by v.",
        ),
        "dot product of squashed parts": WrongAnswer(
            lambda keys, query, W, U, v: torch.tanh(query @ W.T) @ torch.tanh(keys @ U.T).T,
            "You squash each part and take their dot product; the additive score adds them, bends the sum and weighs "
            "it by v.",
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
    hard={
        "where keys and queries are large": lambda: _draw_additive(300.0),
        "where there is one query and one key": lambda: (
            *(torch.randn(1, n) for n in (5, 7)),
            *(torch.randn(3, n) for n in (7, 5)),
            torch.randn(3),
        ),
    },
    slots=_ADDITIVE_SLOTS,
    assemble=_additive,
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
    src_len, d_key = sorted(primes(2))  # the other way round, the code that is shown would fail
    batch, d_state = primes(2)
    d_embedding = int(torch.randint(2, 5, ()))
    W = torch.randn(d_key, d_embedding + d_state) / (d_key * (d_embedding + d_state)) ** 0.5
    return (
        torch.randn(batch, d_embedding),
        torch.randn(batch, d_state),
        1.5 * torch.randn(batch, src_len, d_key),
        W,
    )


def _draw_one_word() -> tuple:
    embedded, state, states, W = _draw_look()
    return embedded[:1], state[:1], states[:1, :1], W


def _draw_long_source() -> tuple:
    return torch.randn(3, 2), torch.randn(3, 5), 3 * torch.randn(3, 7, 5), torch.randn(5, 7)


def _look_scores(embedded: Tensor, state: Tensor, states: Tensor, W: Tensor) -> Tensor:
    return torch.einsum("bkd,bd->bk", states, torch.cat([embedded, state], 1) @ W.T)


def _averaged(weights: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
    return torch.einsum("bk,bkd->bd", weights, states), weights


def _look(ask: Answer, compare: Answer, weigh: Answer, finish: Answer) -> Answer:
    """Make a look from how it asks, compares, weighs and averages."""

    def look(embedded: Tensor, state: Tensor, states: Tensor, W: Tensor) -> tuple[Tensor, Tensor]:
        question = ask(embedded, state) @ W.T
        weights = weigh(compare(states, question))
        return finish(weights, states, question)

    return look


def _weighed_sum(weights: Tensor, states: Tensor) -> Tensor:
    return torch.einsum("bk,bkd->bd", weights, states)


_LOOK_SLOTS = (
    (
        lambda embedded, state: torch.cat([embedded, state], 1),
        {
            "the state left out": (
                lambda embedded, state: torch.cat([embedded, 0 * state], 1),
                "The decoder's state takes no part in your question; only the previous word asks.",
            ),
            "squashed question": (
                lambda embedded, state: torch.cat([embedded, state], 1).tanh(),
                "You put a tanh around the question; the score is kᵀ W q, without one.",
            ),
        },
    ),
    (
        lambda states, question: torch.einsum("bkd,bd->bk", states, question),
        {
            "scaled": (
                lambda states, question: torch.einsum("bkd,bd->bk", states, question) / states.shape[2] ** 0.5,
                "You divide the scores by √d_key: that scale belongs to another score. Here it is kᵀ W q.",
            ),
            "mean for sum": (
                lambda states, question: (states * question[:, None]).mean(2),
                "You take the mean over the components (divide by d_key); an inner product is their sum.",
            ),
            "question of length one": (
                lambda states, question: torch.einsum("bkd,bd->bk", states, F.normalize(question, dim=1)),
                "You bring the question W q to length one; it is compared as it is.",
            ),
            "states of length one": (
                lambda states, question: torch.einsum("bkd,bd->bk", F.normalize(states, dim=2), question),
                "You bring the states to length one before the comparison; they are compared as they are.",
            ),
            "question by ReLU": (
                lambda states, question: torch.einsum("bkd,bd->bk", states, question.relu()),
                "You put a ReLU around W q; the score is kᵀ W q, without one.",
            ),
            "all questions of the batch": (
                lambda states, question: torch.einsum("bkd,cd->bk", states, question),
                "You ask the questions of all sentences at once and add up: each sentence has its own.",
            ),
            "squashed after W": (
                lambda states, question: torch.einsum("bkd,bd->bk", states, question.tanh()),
                "You put a tanh around W q; the score is kᵀ W q, without one.",
            ),
            "squashed keys": (
                lambda states, question: torch.einsum("bkd,bd->bk", states.tanh(), question),
                "You put a tanh around the keys; the score is kᵀ W q, without one.",
            ),
            "cosine": (
                lambda states, question: F.cosine_similarity(states, question[:, None], dim=2),
                "You compare directions alone (a cosine, normalised to length one); the score is the plain inner "
                "product.",
            ),
            "distance": (
                lambda states, question: -(states - question[:, None]).norm(dim=2),
                "You score by the distance; the score is the inner product kᵀ W q.",
            ),
            "keys alone": (
                lambda states, question: states.sum(2),
                "The scores come from the keys alone: nobody asks, the question takes no part.",
            ),
            "first question for all": (
                lambda states, question: torch.einsum("bkd,d->bk", states, question[0]),
                "The first sentence's question is asked of all sentences of the batch.",
            ),
            "first sentence's keys": (
                lambda states, question: torch.einsum("kd,bd->bk", states[0], question),
                "All questions are asked of the first sentence's states; each sentence has its own.",
            ),
        },
    ),
    (
        lambda scores: scores.softmax(1),
        {
            **weighing.of_softmax(),
            "axis of length one": (
                torch.ones_like,
                "All your weights are 1: your softmax runs over an axis of length one.",
            ),
            "over everything": (
                lambda scores: scores.flatten().softmax(0).view_as(scores),
                "Your softmax runs over the whole batch at once; each sentence's weights must sum to one.",
            ),
        },
    ),
    (
        lambda weights, states, question: (_weighed_sum(weights, states), weights),
        {
            **weighing.adapted(
                weighing.of_averages("states"),
                lambda f: lambda weights, states, question: (f(weights, states), weights),
            ),
            "scores returned": (
                lambda weights, states, question: (
                    _weighed_sum(weights, states),
                    torch.einsum("bkd,bd->bk", states, question),
                ),
                "The context is right, but you return the scores in place of the weights (before the softmax).",
            ),
            "context of questions": (
                lambda weights, states, question: (question, weights),
                "Your context is the question W q itself; the average is taken of the states.",
            ),
            "axis left": (
                lambda weights, states, question: (_weighed_sum(weights, states)[:, None], weights[:, None]),
                "The axis of the one query, of length 1, is still there: take it away from both results.",
            ),
        },
    ),
)


def _blind(embedded: Tensor, state: Tensor, states: Tensor, W: Tensor) -> tuple[Tensor, Tensor]:
    scores = torch.cat([embedded, state], 1) @ W.T
    return _averaged(scores[:, : states.shape[1]].softmax(1), states)


def _states_added_up(embedded: Tensor, state: Tensor, states: Tensor, W: Tensor) -> tuple[Tensor, Tensor]:
    return states.sum(1), _look_scores(embedded, state, states, W).softmax(1)


BLIND_LOOK = Exercise(
    look_at_source,
    _draw_look,
    {
        **single_slips(_look, _LOOK_SLOTS),
        "as shown": WrongAnswer(
            _blind,
            "You have kept the fault: the scores come from the question alone, no encoder state takes part. Two source "
            "sentences get the same weights, so where the decoder looks is a habit and not an answer.",
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
        "added up": WrongAnswer(
            _states_added_up,
            "Your weights are right, and your context does not use them: it is the plain sum of the states.",
        ),
    },
    hard={
        "where a sentence is longer than a key": _draw_long_source,
        "where there is a single sentence of one word": _draw_one_word,
    },
    slots=_LOOK_SLOTS,
    assemble=_look,
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


def _draw_rows(lengths: Tensor | None = None, scale: float = 1.0) -> tuple:
    batch, q_len, k_len, d_key, d_value = primes(5)
    if lengths is None:  # in each sentence something is real and something is not
        lengths = torch.randint(1, k_len, (batch,))
        lengths[0] = k_len - 1
    else:
        batch, k_len = len(lengths), int(lengths.max())
    mask = torch.arange(k_len) < lengths[:, None]
    query = scale * torch.randn(batch, q_len, d_key) / d_key**0.25
    return query, torch.randn(batch, k_len, d_key) / d_key**0.25, torch.randn(batch, k_len, d_value), mask


def _attend_by(score: Answer, weigh: Answer, finish: Answer) -> Answer:
    """Attend with a score, weights and an average of one's choice."""

    def attend_wrongly(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        scores = score(query, keys)
        return finish(weigh(scores, mask[:, None]), values, scores)

    return attend_wrongly


_ROW_SLOTS = (
    (
        lambda query, keys: query @ keys.mT,
        {
            "reshaped": (
                lambda query, keys: (keys @ query.mT).reshape(*query.shape[:2], keys.shape[1]),
                "You bring (k_len, q_len) scores into shape by view or reshape: that does not transpose them.",
            ),
            "queries of length one": (
                lambda query, keys: F.normalize(query, dim=-1) @ keys.mT,
                "You bring the queries to length one; they come in as they are.",
            ),
            "scaled by d": (
                lambda query, keys: query @ keys.mT / keys.shape[-1],
                "You divide the scores by d_key (a mean for a sum): here the score is the unscaled dot product.",
            ),
            "scaled": (
                lambda query, keys: query @ keys.mT / keys.shape[-1] ** 0.5,
                "You also divided the scores by √d. That is another score; here only the fault is to be mended.",
            ),
            "multiplied by √d": (
                lambda query, keys: query @ keys.mT * keys.shape[-1] ** 0.5,
                "You multiply the scores by √d: here the score is the unscaled dot product.",
            ),
            "cosine": (
                lambda query, keys: F.normalize(query, dim=-1) @ F.normalize(keys, dim=-1).mT,
                "You compare directions alone (a cosine, normalised): the score is the plain dot product.",
            ),
        },
    ),
    (
        masked_softmax,
        {
            **weighing.of_masks(),
            **weighing.of_rows(nothing="the sentence without words"),
            "over the queries, masked again": (
                lambda s, m: s.masked_fill(~m, -1e9).softmax(1),
                "You have kept the fault: your softmax runs over the queries, and hidden columns are uniform.",
            ),
        },
    ),
    (
        lambda weights, values, scores: (weights @ values, weights),
        {
            **weighing.adapted(
                weighing.of_averages_by_query(),
                lambda f: lambda weights, values, scores: (f(weights, values[:, None]), weights),
            ),
            "context for weights": (
                lambda weights, values, scores: (weights @ values, weights @ values),
                "You return the context twice: the second result should be the weights.",
            ),
            "context of unmasked weights": (
                lambda weights, values, scores: (scores.softmax(-1) @ values, weights),
                "Your weights are right, but your context is averaged with unmasked ones: padding takes part in it.",
            ),
            "scores for weights": (
                lambda weights, values, scores: (weights @ values, scores),
                "The context is right, but you return the scores in place of the weights (before the softmax).",
            ),
            "unmasked weights": (
                lambda weights, values, scores: (weights @ values, scores.softmax(-1)),
                "The context is right, but the weights that you return are unmasked.",
            ),
            "weighted mean": (
                lambda weights, values, scores: (weights @ values / values.shape[1], weights),
                "You divide the context by the number of keys (mean for sum); the weights sum to one already.",
            ),
        },
    ),
)


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


def _turned(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    context, weights = attend_in_rows(query, keys, values, mask)
    return context, weights.mT


SOFTMAX_AXIS = Exercise(
    attend_in_rows,
    _draw_rows,
    {
        **single_slips(_attend_by, _ROW_SLOTS),
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
        "turned": WrongAnswer(
            _turned,
            "The context is right, but the weights are handed out with one row a key: expected (batch, q_len, k_len).",
        ),
    },
    hard={
        "where a sentence has no words": lambda: _draw_rows(torch.tensor([7, 4, 0])[torch.randperm(3)]),
        "where no sentence has padding": lambda: _draw_rows(torch.full((3,), 5)),
        "where scores are large": lambda: _draw_rows(torch.tensor([7, 3, 5, 0]), 5.0),
    },
    slots=_ROW_SLOTS,
    assemble=_attend_by,
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
    context, weights = _look_with(state, states, score, mask)
    return cell(torch.cat([word, context], dim=1), state), weights


def _look_with(state: Tensor, states: Tensor, score: Score, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """Ask once: context (batch, d_key) and weights (batch, src_len)."""
    context, weights = attend(state[:, None], states, states, score, None if mask is None else mask[:, None])
    assert weights is not None  # as above
    return context[:, 0], weights[:, 0]


def _draw_step(lengths: Tensor | None = None) -> tuple:
    src_len, d_word, d_key, d_state, batch = primes(5)
    if lengths is None:  # one sentence is full and one is empty
        lengths = torch.randint(src_len + 1, (batch,))
        lengths[:3] = torch.tensor([src_len, (src_len + 1) // 2, 0])
        lengths = lengths[torch.randperm(batch)]
    else:
        batch, src_len = len(lengths), int(lengths.max())
    mask = torch.arange(src_len) < lengths[:, None]
    bilinear, gru = torch.randn(d_state, d_key) / 6, torch.nn.GRUCell(d_word + d_key, d_state)

    def score(keys: Tensor, query: Tensor) -> Tensor:  # functions, which a copy of the arguments leaves as they are
        return query @ bilinear @ keys.mT

    def cell(inputs: Tensor, state: Tensor) -> Tensor:
        return gru(inputs, state).detach()

    word, state, states = torch.randn(batch, d_word), torch.randn(batch, d_state), torch.randn(batch, src_len, d_key)
    return word, state, states, mask, score, cell


def _step_with(look: Answer) -> Answer:
    """Make a step that finds its context and its weights in another way."""

    def step(word: Tensor, state: Tensor, states: Tensor, mask: Tensor, score: Score, cell: Cell) -> tuple:
        context, weights = look(state, states, score, mask)
        return cell(torch.cat([word, context], dim=1), state), weights

    return step


def _step_into(update: Answer) -> Answer:
    """Make a step that looks rightly and updates in another way."""

    def step(word: Tensor, state: Tensor, states: Tensor, mask: Tensor, score: Score, cell: Cell) -> tuple:
        context, weights = _look_with(state, states, score, mask)
        return update(word, state, context, cell), weights

    return step


def _asks_after(word: Tensor, state: Tensor, states: Tensor, mask: Tensor, score: Score, cell: Cell) -> tuple:
    new, _ = decoder_step(word, state, states, mask, score, cell)
    return new, _look_with(new, states, score, mask)[1]


def _keeps_its_state(word: Tensor, state: Tensor, states: Tensor, mask: Tensor, score: Score, cell: Cell) -> tuple:
    new, weights = decoder_step(word, state, states, mask, score, cell)
    return torch.where(mask.any(1, keepdim=True), new, state), weights


def _weighed_by(weigh: Answer) -> Answer:
    """Look with weights of one's own: ``weigh(scores, mask)``."""

    def look(state: Tensor, states: Tensor, score: Score, mask: Tensor) -> tuple[Tensor, Tensor]:
        return _averaged(weigh(score(states, state[:, None])[:, 0], mask).to(states.dtype), states)

    return look


def _one_state_alone(state: Tensor, states: Tensor, score: Score, mask: Tensor) -> tuple[Tensor, Tensor]:
    best = score(states, state[:, None])[:, 0].masked_fill(~mask, -torch.inf).argmax(1)
    return _averaged(F.one_hot(best, states.shape[1]) * mask.to(states.dtype), states)


def _what_is_asked(answer: Callable[[tuple], Any], draws: list[tuple]) -> str | None:
    """Listen to what a step hands to ``score`` and ``cell``, and tell the first thing that is not right."""
    for word, state, states, mask, score, cell in draws:
        asked: list[tuple[Tensor, Tensor]] = []
        fed: list[tuple[Tensor, Tensor]] = []

        def scoring(keys: Tensor, query: Tensor, score: Score = score, asked: list = asked) -> Tensor:
            asked.append((keys, query))
            return score(keys, query)

        def updating(inputs: Tensor, state: Tensor, cell: Cell = cell, fed: list = fed) -> Tensor:
            fed.append((inputs, state))
            return cell(inputs, state)

        answer((word, state, states, mask, scoring, updating))
        for _, query in asked:
            if query.numel() == state.numel() and not equal(state, query.reshape(state.shape)):
                return (
                    "The query that you hand to `score` is not the old state: the decoder asks with s_{i-1}, as it "
                    "came in."
                )
        if sum(len(inputs) for inputs, _ in fed) == 2 * len(word):
            return "You call the cell twice: one step of the decoder is one step of the cell."
        for inputs, before in fed:
            if before.shape == state.shape and not equal(state, before):
                return "The state that you hand to `cell` is not the old one: it updates s_{i-1}, as it came in."
            if len(inputs) == len(word) and not equal(word, inputs[:, : word.shape[1]]):
                return "What you hand to `cell` does not begin with the word: its inputs are [word ‖ context]."
    return None


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
            _step_with(lambda state, states, score, mask: _look_with(state, states, score, None)),
            "Padding gets weight: the mask is not used.",
        ),
        "mask inverted": WrongAnswer(
            _step_with(lambda state, states, score, mask: _look_with(state, states, score, ~mask)),
            "You attend to the padding and leave out the words: True means real.",
        ),
        **{
            name: WrongAnswer(_step_with(_weighed_by(weigh)), told)
            for name, (weigh, told) in {
                **weighing.of_masks(),
                **weighing.of_rows(nothing="the sentence without words"),
                "masked twice, the first time inverted": (
                    lambda s, m: s.masked_fill(m, torch.finfo(s.dtype).min).softmax(-1) * m,
                    "The mask is used twice, the first time inverted: words get the very low score, and padding is "
                    "taken out afterwards. Where there is padding, nothing is left; elsewhere all weights are equal.",
                ),
                "over the batch": (
                    weighing.along(0),
                    "Your softmax runs over the batch: sentences compete with each other for weight.",
                ),
            }.items()
            if name not in ("mask inverted", "mask forgotten", "equal weights", "best alone")
        },
        **{
            f"scores {name}": WrongAnswer(_step_with(_weighed_by(lambda s, m, f=f: masked_softmax(f(s), m))), told)
            for name, (f, told) in {
                "of another size": (lambda s: 2 * s, "You double the scores; `score` gives them as they should be."),
                "halved": (lambda s: s / 2, "You halve the scores; `score` gives them as they should be."),
            }.items()
        },
        **{
            f"context: {name}": WrongAnswer(
                _step_with(
                    lambda *given, f=f: (lambda weights: (f(weights, given[1]), weights))(_look_with(*given)[1])
                ),
                told,
            )
            for name, (f, told) in weighing.of_averages("states").items()
            if name != "not added up"
        },
        "context for weights": WrongAnswer(
            lambda word, state, states, mask, score, cell: (
                decoder_step(word, state, states, mask, score, cell)[0],
                _look_with(state, states, score, mask)[0],
            ),
            "You return the context as the second result; the weights are asked for.",
        ),
        **{
            f"cell fed with {what}": WrongAnswer(_step_into(update), f"The cell is fed with {what}.")
            for what, update in {
                "twice the context": lambda word, state, c, cell: cell(torch.cat([word, 2 * c], 1), state),
                "half the context": lambda word, state, c, cell: cell(torch.cat([word, c / 2], 1), state),
                "a squashed context (tanh)": lambda word, state, c, cell: cell(torch.cat([word, c.tanh()], 1), state),
                "a squashed word (tanh)": lambda word, state, c, cell: cell(torch.cat([word.tanh(), c], 1), state),
                "a squashed state (tanh)": lambda word, state, c, cell: cell(torch.cat([word, c], 1), state.tanh()),
                "squashed inputs (tanh)": lambda word, state, c, cell: cell(torch.cat([word, c], 1).tanh(), state),
            }.items()
        },
        "one state alone": WrongAnswer(
            _step_with(_one_state_alone),
            "You take the best encoder state alone. That is a dictionary: it has no gradient, so nothing could learn "
            "where to look.",
        ),
        "the mean": WrongAnswer(
            _step_with(lambda state, states, score, mask: _look_with(state, states, zero_score, mask)),
            "Every state gets the same weight, whatever is asked: the score is not used.",
        ),
        "first state asks": WrongAnswer(
            _step_with(lambda state, *others: _look_with(state[:1].expand_as(state), *others)),
            "Every sentence is asked with the state of the first one. Where does the new axis of the query belong, in "
            "front of the batch or behind it?",
        ),
        "padded states zeroed": WrongAnswer(
            _step_with(lambda state, states, score, mask: _look_with(state, states * mask[..., None], score, None)),
            "You set the padded states to zero and use no mask in the softmax. A state of zeros has a score as well, "
            "0, so padding gets weight.",
        ),
        "state kept without words": WrongAnswer(
            _keeps_its_state,
            "A sentence without words keeps its old state in yours. Its context is zeros, but the cell reads the word "
            "all the same.",
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
        "context for state": WrongAnswer(
            _step_into(lambda word, state, context, cell: context),
            "You return the context in place of the new state: the cell is not used.",
        ),
        "state added": WrongAnswer(
            _step_into(lambda word, state, context, cell: state + cell(torch.cat([word, context], dim=1), state)),
            "You add the old state to the new one (a residual). The cell has mixed the two already.",
        ),
        "squashed": WrongAnswer(
            _step_into(lambda word, state, context, cell: cell(torch.cat([word, context], dim=1), state).tanh()),
            "You put a tanh around the new state; what the cell gives is the new state.",
        ),
        "twice": WrongAnswer(
            _step_into(
                lambda word, state, context, cell: (lambda inputs: cell(inputs, cell(inputs, state)))(
                    torch.cat([word, context], dim=1)
                )
            ),
            "You call the cell twice: one step of the decoder is one step of the cell.",
        ),
        "mean of the real states": WrongAnswer(
            _step_with(
                lambda state, states, score, mask: (
                    (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True).clamp(min=1),
                    _look_with(state, states, score, mask)[1],
                )
            ),
            "Your context does not use the weights: it is the mean of the real states.",
        ),
        "axis left": WrongAnswer(
            lambda *given: (decoder_step(*given)[0], decoder_step(*given)[1][:, None]),
            "The axis of the one query, of length 1, is still there in the weights: take it away.",
        ),
        "weights of all states": WrongAnswer(
            _step_with(lambda s, k, f, m: (_look_with(s, k, f, m)[0], _look_with(s, k, f, None)[1])),
            "The new state is right, but the weights that you return are unmasked.",
        ),
        "context of unmasked weights": WrongAnswer(
            _step_with(lambda s, k, f, m: (_look_with(s, k, f, None)[0], _look_with(s, k, f, m)[1])),
            "Your weights are right, but the context is averaged with unmasked ones: padding takes part in it.",
        ),
        "old state": WrongAnswer(
            _step_into(lambda word, state, context, cell: state),
            "You hand over the old state: what the cell returned is lost.",
        ),
    },
    hard={
        "where there is a single sentence": lambda: _draw_step(torch.tensor([5])),
        "where the source is one word long": lambda: _draw_step(torch.tensor([1, 0, 1])),
    },
    overhears=_what_is_asked,
)


# An entry that nobody can look up


def unreachable_key(keys: Float[Tensor, "k_len d_key"]) -> Float[Tensor, "d_key"]:
    """Give a new key that scores highest for no query: any point between the others, here their mean."""
    return keys.mean(dim=0)


def _draw_keys() -> tuple:
    d_key = primes(1, (3, 5))[0]
    return (torch.randn(primes(1, (2, 3, 4, 7))[0], d_key) + 3,)


def _draw_corners() -> tuple:
    return (torch.cat([torch.zeros(1, 3), torch.eye(3)]),)


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
    mixture = _why_no_average(key.detach().double(), keys.double())
    if mixture:
        return mixture
    numbers = ", ".join(f"{number:.2f}" for number in query)
    mine, best = query @ key.double(), (keys.double() @ query).max()
    return (
        f"The query ({numbers}) scores your key {mine:.2f} and the best of the others {best:.2f}: it can be looked up."
    )


def _why_no_average(key: Tensor, keys: Tensor) -> str | None:
    """Say by which weights a key is made of the others, where that is so in one way only."""
    shares = torch.linalg.lstsq(keys.T, key).solution
    if len(keys) > keys.shape[1] or not torch.allclose(shares @ keys, key, atol=1e-4):
        return None
    if (shares.abs() > 1e-4).sum() == 1:
        return (
            f"Your key is {shares[shares.abs().argmax()]:.2g} times a given one: shorter or longer on the same line, "
            "it is not between the keys, and some query finds it."
        )
    numbers = ", ".join(f"{share:.2f}" for share in shares)
    return (
        f"Your key is a sum of the given ones with the weights {numbers}, together {shares.sum():.2f}. It is between "
        "them only if no weight is negative and all sum to one; else some query finds it."
    )


UNREACHABLE_KEY = Exercise(
    unreachable_key,
    _draw_keys,
    {
        "middle of the extremes": WrongAnswer(
            lambda keys: (keys.amax(0) + keys.amin(0)) / 2,
            "You took the middle between the smallest and the largest of each column. That is the centre of a box "
            "around "
            "the keys, and the box has corners where no key is: a query can find it there.",
        ),
        "median": WrongAnswer(
            lambda keys: keys.median(0).values,
            "You took the median of each column. Made column by column, it need not lie between the keys.",
        ),
        "difference": WrongAnswer(
            lambda keys: keys[0] - keys[1],
            "You subtracted one key from another: the difference is a direction, not a point between them.",
        ),
        "product": WrongAnswer(
            lambda keys: keys.prod(0),
            "You multiplied the keys: their product can be longer than any of them.",
        ),
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
    hard={"where the keys are the origin and the three unit vectors": _draw_corners},
)

EXERCISES: dict[str, Exercise] = {
    "02_soft_dictionary": SOFT_DICTIONARY,
    "02_additive_score": ADDITIVE_SCORE,
    "02_softmax_axis": SOFTMAX_AXIS,
    "02_decoder_step": DECODER_STEP,
    "02_blind_look": BLIND_LOOK,
    "02_unreachable_key": UNREACHABLE_KEY,
}
