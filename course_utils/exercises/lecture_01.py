"""Lecture 01: sequence to sequence: what is asked, our answers, and the mistakes that are known."""

from collections import Counter
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from course_utils.exercises.exercise import Answer, Exercise, WrongAnswer, prediction

# A two among the weights

GRADIENT_LEFT = prediction(
    1 / 16,
    {
        "the largest entry": (
            16.0,
            "You took the largest number in U to the power 4. A 2 is met only on every other step, and the small "
            "number in between: multiply U by itself and see.",
        ),
        "the diagonal": (
            0.0,
            "You took the diagonal of U to the power 4. A power of a matrix is not the power of its entries: what "
            "does U times U have on its diagonal?",
        ),
        "one step": (
            0.5,
            "This is the spectral radius itself, the factor of a single step on average. There are four steps.",
        ),
        "two steps": (0.25, "This is what two steps leave. There are four."),
        "three steps": (
            0.125,
            "This is one factor of the spectral radius too few, or the small number in U alone. From the state at T − "
            "4 to the state at T it is four steps.",
        ),
        "five steps": (
            1 / 32,
            "This is one factor too many: the input of T itself is not multiplied at all, that of T − 1 once.",
        ),
        "added": (
            2.0,
            "Steps multiply, they do not add; and the 2 in U is not met on each of them.",
        ),
    },
)


# The last real state


def last_state(
    states: Float[Tensor, "batch length d_hidden"], lengths: Int[Tensor, "batch"]
) -> Float[Tensor, "batch d_hidden"]:
    """Pick the state at the last real position of each sequence."""
    return states[torch.arange(len(states)), lengths - 1]


def _draw_states() -> tuple:
    return torch.randn(5, 7, 11), torch.tensor([7, 3, 1, 5, 2])[torch.randperm(5)]


def _one_past_the_end(states: Tensor, lengths: Tensor) -> Tensor:
    return states[torch.arange(len(states)), lengths.clamp(max=states.shape[1] - 1)]


LAST_STATE = Exercise(
    last_state,
    _draw_states,
    {
        "last column": WrongAnswer(
            lambda states, lengths: states[:, -1],
            "You take the last column of the rectangle: in a short sentence that is the state after padding.",
        ),
        "one past the end": WrongAnswer(
            _one_past_the_end,
            "You are one position too far: a sentence of length 3 has its last word at index 2.",
        ),
        "one before the end": WrongAnswer(
            lambda states, lengths: states[torch.arange(len(states)), (lengths - 2).clamp(min=0)],
            "You are one position too early: the last word of each sentence has not been read yet.",
        ),
        "first state": WrongAnswer(
            lambda states, lengths: states[:, 0],
            "You take the first state: a forward network has read only one word there.",
        ),
        "mean": WrongAnswer(
            lambda states, lengths: states.mean(1),
            "You average all states; here exactly one state of each sentence is kept.",
        ),
        "same length for all": WrongAnswer(
            lambda states, lengths: states[:, int(lengths[0]) - 1],
            "You use the first sentence's length for all of them; each row has its own.",
        ),
    },
)


# Two sentences that a bag of pairs cannot tell apart

WORDS = ("cats", "dogs", "birds", "see")


def _why_told_apart(sentences: Any) -> str | None:
    is_pair = isinstance(sentences, tuple | list) and len(sentences) == 2
    if not is_pair or not all(isinstance(sentence, str) for sentence in sentences):
        return 'Expected a tuple of two strings, such as ("cats see", "see dogs").'
    first, second = (sentence.casefold().split() for sentence in sentences)
    unknown = [word for word in first + second if word not in WORDS]
    if unknown:
        return f"{unknown[0]!r} is not among the words {', '.join(WORDS)} (no commas or full stops, please)."
    if first == second:
        return "The two sentences are the same: there is nothing to tell apart."
    words, pairs = (_counted_differently(of(first), of(second)) for of in (list, _neighbours))
    if words:
        return f"A bag of words tells them apart: {words!r} does not occur equally often in both."
    if pairs:
        return f"A bag of words is fooled, a bag of pairs is not: {pairs!r} does not occur equally often in both."
    return None


def _neighbours(words: list[str]) -> list[str]:
    return [f"{words[i]} {words[i + 1]}" for i in range(len(words) - 1)]


def _counted_differently(first: list[str], second: list[str]) -> str | None:
    a, b = Counter(first), Counter(second)
    return next((item for item in [*first, *second] if a[item] != b[item]), None)


PAIRS_OF_WORDS = Exercise(
    lambda: ("cats see dogs see birds see cats", "cats see birds see dogs see cats"),
    tuple,
    {
        "turned round": WrongAnswer(
            lambda: ("cats see dogs", "dogs see cats"),
            "Turning the sentence round keeps its words and changes its pairs: nothing stands in front of 'cats' in "
            "the first, and 'see' does in the second. You need a longer sentence.",
        ),
        "nearly": WrongAnswer(
            lambda: ("cats see dogs see birds", "cats see birds see dogs"),
            "Close: all pairs but one. 'dogs see' is in the first alone, because the second ends with its dogs. How "
            "must both sentences end for every animal to be followed by the same words?",
        ),
        "the same": WrongAnswer(
            lambda: ("cats see dogs", "cats see dogs"),
            "You wrote one sentence twice. Of course no model can tell these apart, nor could anybody.",
        ),
        "other words": WrongAnswer(
            lambda: ("cats see dogs", "cats see birds"),
            "Already their words differ, so a plain bag of words tells them apart.",
        ),
        "the lecture's example": WrongAnswer(
            lambda: ("three thousand five", "five thousand three"),
            "These are the sentences of the lecture. They fool a bag of words, but not a bag of pairs, and the words "
            "to be used are others.",
        ),
        "another number of times": WrongAnswer(
            lambda: ("cats see see dogs", "cats see dogs"),
            "The same set of words is not enough: a bag counts how often each one occurs.",
        ),
        "nothing": WrongAnswer(
            lambda: ("", ""),
            "Two empty sentences are the same sentence.",
        ),
    },
    asks_for="value",
    fault=_why_told_apart,
)


# The GRU as it was published


def paper_gru_step(
    inputs: Float[Tensor, "batch d_in"],
    state: Float[Tensor, "batch d_state"],
    W: Float[Tensor, "3*d_state d_in"],
    U: Float[Tensor, "3*d_state d_state"],
    b: Float[Tensor, "3*d_state"],
) -> Float[Tensor, "batch d_state"]:
    """Compute one step of the GRU of Cho et al. (2014), whose reset gate acts on the old state before U does."""
    reset, update, word_n, U_n = _gates(inputs, state, W, U, b)
    candidate = torch.tanh(word_n + (reset * state) @ U_n.T)
    return (1 - update) * candidate + update * state


def _gates(inputs: Tensor, state: Tensor, W: Tensor, U: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    word_r, word_z, word_n = (inputs @ W.T + b).chunk(3, dim=-1)
    U_r, U_z, U_n = U.chunk(3)
    return torch.sigmoid(word_r + state @ U_r.T), torch.sigmoid(word_z + state @ U_z.T), word_n, U_n


def _draw_gru() -> tuple:
    return torch.randn(5, 7), torch.randn(5, 11), torch.randn(33, 7) / 2, torch.randn(33, 11) / 3, torch.randn(33)


def _step(combine: Answer) -> Answer:
    """Make a step that combines (reset, update, word_n, U_n, state) in another way."""
    return lambda inputs, state, W, U, b: combine(*_gates(inputs, state, W, U, b), state)


def _candidate(reset: Tensor, word_n: Tensor, U_n: Tensor, state: Tensor) -> Tensor:
    return torch.tanh(word_n + (reset * state) @ U_n.T)


def _gates_exchanged(inputs: Tensor, state: Tensor, W: Tensor, U: Tensor, b: Tensor) -> Tensor:
    update, reset, word_n, U_n = _gates(inputs, state, W, U, b)
    return (1 - update) * _candidate(reset, word_n, U_n, state) + update * state


def _gates_by_tanh(inputs: Tensor, state: Tensor, W: Tensor, U: Tensor, b: Tensor) -> Tensor:
    word_r, word_z, word_n = (inputs @ W.T + b).chunk(3, dim=-1)
    U_r, U_z, U_n = U.chunk(3)
    reset, update = torch.tanh(word_r + state @ U_r.T), torch.tanh(word_z + state @ U_z.T)
    return (1 - update) * _candidate(reset, word_n, U_n, state) + update * state


GRU_OF_2014 = Exercise(
    paper_gru_step,
    _draw_gru,
    {
        "as PyTorch does": WrongAnswer(
            _step(lambda r, z, word, U_n, h: (1 - z) * torch.tanh(word + r * (h @ U_n.T)) + z * h),
            "Your reset gate acts after the matrix, as in PyTorch and in the lecture. In the paper it closes off "
            "parts of the old state before they are mixed.",
        ),
        "update the wrong way round": WrongAnswer(
            _step(lambda r, z, word, U_n, h: z * _candidate(r, word, U_n, h) + (1 - z) * h),
            "Your update gate is the wrong way round: with z = 1 the old state is to be kept. A learner of weights "
            "could live with that, given weights cannot.",
        ),
        "no reset": WrongAnswer(
            _step(lambda r, z, word, U_n, h: (1 - z) * _candidate(torch.ones_like(r), word, U_n, h) + z * h),
            "The reset gate takes no part: your candidate always sees the whole old state and can never start afresh.",
        ),
        "reset of everything": WrongAnswer(
            _step(lambda r, z, word, U_n, h: (1 - z) * torch.tanh(r * (word + h @ U_n.T)) + z * h),
            "Your reset gate closes off the word as well. Only the memory is to be forgotten; the word has just "
            "arrived.",
        ),
        "what is kept is reset too": WrongAnswer(
            _step(lambda r, z, word, U_n, h: (1 - z) * _candidate(r, word, U_n, h) + z * r * h),
            "You keep the reset state. The reset gate belongs to the candidate; what the update gate keeps, it keeps "
            "unharmed.",
        ),
        "candidate by sigmoid": WrongAnswer(
            _step(
                lambda r, z, word, U_n, h: (1 - z) * torch.sigmoid(word + (r * h) @ U_n.T) + z * h,
            ),
            "Your candidate is squashed by a sigmoid and can never be negative; only gates lie between 0 and 1.",
        ),
        "gates by tanh": WrongAnswer(
            _gates_by_tanh,
            "Your gates are squashed by tanh. A gate is a share between 0 and 1; below zero it would turn signs round.",
        ),
        "gates exchanged": WrongAnswer(
            _gates_exchanged,
            "Reset and update gate are exchanged: the blocks of W, U and b stand in the order reset, update, "
            "candidate.",
        ),
        "only the candidate": WrongAnswer(
            _step(lambda r, z, word, U_n, h: _candidate(r, word, U_n, h)),
            "You return the candidate. The update gate has not decided yet how much of the old state stays.",
        ),
        "no bias": WrongAnswer(
            lambda inputs, state, W, U, b: paper_gru_step(inputs, state, W, U, 0 * b),
            "The bias takes no part. It decides, among other things, whether a gate is open when nothing speaks for or "
            "against it.",
        ),
        "U not transposed": WrongAnswer(
            lambda inputs, state, W, U, b: paper_gru_step(
                inputs, state, W, torch.cat([part.T for part in U.chunk(3)]), b
            ),
            "You multiply the state by the blocks of U the wrong way round. They are square, so the shapes fit: a row "
            "of U belongs to a number of the new state, a column to one of the old.",
        ),
    },
)


# Sentences that read each other


def read_batch(
    inputs: Float[Tensor, "batch length d_in"], W: Float[Tensor, "d_state d_in"], U: Float[Tensor, "d_state d_state"]
) -> Float[Tensor, "batch length d_state"]:
    """Give all states of the RNN h_t = tanh(W x_t + U h_{t−1}), h_0 = 0, for each sentence of a batch on its own."""
    return _over_time(inputs.transpose(0, 1), W, U).transpose(0, 1)


def _over_time(by_step: Tensor, W: Tensor, U: Tensor) -> Tensor:
    """Walk over the first axis; (n_steps, n_rows, d_in) → (n_steps, n_rows, d_state)."""
    state, states = torch.zeros(by_step.shape[1], len(U)), []
    for word in by_step:
        state = torch.tanh(word @ W.T + state @ U.T)
        states.append(state)
    return torch.stack(states)


def _draw_inputs() -> tuple:
    return torch.randn(3, 5, 7), torch.randn(11, 7) / 3, torch.randn(11, 11) / 3


def _turned(inputs: Tensor) -> Tensor:
    """Give the axes of batch and length each other's size without moving a number: what a view does."""
    return inputs.reshape(inputs.shape[1], inputs.shape[0], -1)


def _without_tanh(inputs: Tensor, W: Tensor, U: Tensor) -> Tensor:
    state, states = torch.zeros(len(inputs), len(U)), []
    for word in inputs.unbind(1):
        state = word @ W.T + state @ U.T
        states.append(state)
    return torch.stack(states, 1)


MIXED_BATCH = Exercise(
    read_batch,
    _draw_inputs,
    {
        "as shown": WrongAnswer(
            lambda inputs, W, U: _turned(_over_time(_turned(inputs), W, U)),
            "You have kept the fault: a view gives the numbers another shape and leaves them in the same order, so a "
            "word is read as the successor of another sentence's word.",
        ),
        "the way in mended": WrongAnswer(
            lambda inputs, W, U: _turned(_over_time(inputs.transpose(0, 1), W, U)),
            "You mended one of two places: the sentences are read rightly now, and mixed on the way out.",
        ),
        "the way out mended": WrongAnswer(
            lambda inputs, W, U: _over_time(_turned(inputs), W, U).transpose(0, 1),
            "You mended one of two places: the way out is right, but words of other sentences are mixed in on the way "
            "in.",
        ),
        "time first": WrongAnswer(
            lambda inputs, W, U: _over_time(inputs.transpose(0, 1), W, U),
            "All states are right, but they come out as (length, batch, d_state); expected (batch, length, d_state).",
        ),
        "over the sentences": WrongAnswer(
            _over_time,
            "You walk over the batch as if it were time: every sentence goes on from the state of the one above it. "
            "nn.RNN does this where batch_first=True is forgotten.",
        ),
        "no memory": WrongAnswer(
            lambda inputs, W, U: torch.tanh(inputs @ W.T),
            "No sentence is mixed with another now, because nothing is remembered at all: each state must go on from "
            "the one before it.",
        ),
        "backwards": WrongAnswer(
            lambda inputs, W, U: read_batch(inputs.flip(1), W, U).flip(1),
            "You read each sentence from its end: state 1 knows all words, and the last one only its own.",
        ),
        "no tanh": WrongAnswer(
            _without_tanh,
            "The sentences are apart now, but the tanh was lost on the way: without it the states can grow with every "
            "step.",
        ),
    },
)


# One step of a beam


def beam_step(
    totals: Float[Tensor, "width"], log_p: Float[Tensor, "width n_words"]
) -> tuple[Float[Tensor, "width"], Int[Tensor, "width"], Int[Tensor, "width"]]:
    """Give the totals of the best longer beginnings, best first, and for each its old beam and its new word."""
    best, place = (totals[:, None] + log_p).flatten().topk(len(totals))
    return best, place // log_p.shape[1], place % log_p.shape[1]


def _draw_beams() -> tuple:
    return -2 * torch.rand(5).sort().values, (1.5 * torch.randn(5, 13)).log_softmax(-1)


def _beam_by(join: Answer) -> Answer:
    """Make a step that joins the totals (width, 1) and the log-probabilities in another way."""

    def step(totals: Tensor, log_p: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        best, place = join(totals[:, None], log_p).flatten().topk(len(totals))
        return best, place // log_p.shape[1], place % log_p.shape[1]

    return step


def _best_of_each(totals: Tensor, log_p: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    best, word = (totals[:, None] + log_p).max(1)
    return best, torch.arange(len(totals)), word


def _best_beam_alone(totals: Tensor, log_p: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    beam = totals.argmax()
    best, word = (totals[beam] + log_p[beam]).topk(len(totals))
    return best, beam.expand(len(totals)), word


def _exchanged(totals: Tensor, log_p: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    best, beam, word = beam_step(totals, log_p)
    return best, word, beam


def _counted_by_width(totals: Tensor, log_p: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    best, place = (totals[:, None] + log_p).flatten().topk(len(totals))
    return best, place // len(totals), place % len(totals)


def _worst(totals: Tensor, log_p: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    best, place = (totals[:, None] + log_p).flatten().topk(len(totals), largest=False)
    return best, place // log_p.shape[1], place % log_p.shape[1]


def _one_total_for_all(totals: Tensor, log_p: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    best, beam, word = beam_step(torch.zeros_like(totals), log_p)
    return best + totals, beam, word


BEAM_STEP = Exercise(
    beam_step,
    _draw_beams,
    {
        "not accumulated": WrongAnswer(
            _beam_by(lambda totals, log_p: 0 * totals + log_p),
            "You compare the new words alone. A likely word behind an unlikely beginning makes an unlikely sentence: "
            "the old totals belong to it.",
        ),
        "accumulated too late": WrongAnswer(
            _one_total_for_all,
            "You choose by the new words alone and add the totals afterwards, to places that may belong to other "
            "beams.",
        ),
        "best of each beam": WrongAnswer(
            _best_of_each,
            "You make each beam longer by its own best word, so nothing ever competes: that is greedy decoding, "
            "several times side by side.",
        ),
        "the best beam alone": WrongAnswer(
            _best_beam_alone,
            "Only the best beginning is made longer, so after one step all beams share it. The others were kept "
            "because they might still win.",
        ),
        "multiplied": WrongAnswer(
            _beam_by(lambda totals, log_p: totals * log_p),
            "You multiply logarithms. Probabilities multiply; what do their logarithms do? The product of two large "
            "negative numbers is large and positive, and the worst sentence wins.",
        ),
        "a probability added": WrongAnswer(
            _beam_by(lambda totals, log_p: totals + log_p.exp()),
            "You add a probability to a logarithm. Both must be of one kind.",
        ),
        "averaged": WrongAnswer(
            _beam_by(lambda totals, log_p: (totals + log_p) / 2),
            "Your order is right, but the totals are halved: they are sums of logarithms, not means.",
        ),
        "beam and word exchanged": WrongAnswer(
            _exchanged,
            "The totals are right; the second and the third result have changed places.",
        ),
        "counted by the width": WrongAnswer(
            _counted_by_width,
            "The totals are right, but a place in the flattened table is split up by the wrong number: how many places "
            "does one beam take up?",
        ),
        "the worst": WrongAnswer(
            _worst,
            "You keep the smallest totals. A logarithm of a probability is negative, and nearer to zero is better.",
        ),
    },
)

EXERCISES: dict[str, Exercise] = {
    "01_pairs_of_words": PAIRS_OF_WORDS,
    "01_last_state": LAST_STATE,
    "01_mixed_batch": MIXED_BATCH,
    "01_beam_step": BEAM_STEP,
    "01_gradient_left": GRADIENT_LEFT,
    "01_gru_of_2014": GRU_OF_2014,
}
