"""Lecture 01: sequence to sequence: what is asked, our answers, and the mistakes that are known."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from course_utils.data.batches import Vocabulary
from course_utils.exercises.exercise import Answer, Exercise, WrongAnswer, prediction, primes, single_slips

# A two among the weights


def _why_not_a_sixteenth(answer: Any) -> str | None:
    if isinstance(answer, Tensor):
        answer = answer.item() if answer.numel() == 1 and answer.dim() == 0 else answer.tolist()
    if isinstance(answer, str):
        return "This is a string: write the number itself, without quotation marks (1 / 16 is a number in Python)."
    if isinstance(answer, list | tuple):
        return "One number is asked for, without brackets: the one that is on the diagonal twice."
    if isinstance(answer, bool) or not isinstance(answer, int | float):
        return "Expected one number."
    if abs(answer - 1 / 16) < 1e-4:
        return None
    if answer < 0:
        return "No number in U is negative, so neither is any in its powers."
    if answer > 1:
        return (
            "This gradient would explode. A 2 is met on every other step only, and the small number in between: "
            "multiply "
            "U by itself and see what two steps leave."
        )
    if answer > 1 / 16:
        return "Too large: count the steps from the state at T − 4 to the state at T, and what each two of them leave."
    return "Too small: count the steps from the state at T − 4 to the state at T, and what each two of them leave."


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
        "a quarter for each step": (
            1 / 256,
            "A quarter is what two steps leave; you take it for each of the four.",
        ),
        "an eighth for each step": (
            1 / 4096,
            "You take the 1/8 at every step; it is met on every other step only, and the 2 in between.",
        ),
        "five steps": (
            1 / 32,
            "This is one factor too many: the input of T itself is not multiplied at all, that of T − 1 once.",
        ),
        "quarters added": (
            1.0,
            "You add what single steps leave, or take one step for 1; what steps leave is multiplied.",
        ),
        "added": (
            2.0,
            "Steps multiply, they do not add; and the 2 in U is not met on each of them.",
        ),
    },
    _why_not_a_sixteenth,
)


# The last real state


def last_state(
    states: Float[Tensor, "batch length d_hidden"], lengths: Int[Tensor, "batch"]
) -> Float[Tensor, "batch d_hidden"]:
    """Pick the state at the last real position of each sequence."""
    return states[torch.arange(len(states)), lengths - 1]


def _draw_states() -> tuple:
    batch, length, d_hidden = primes(3)
    lengths = torch.randint(2, length, (batch,))
    lengths[0], lengths[1] = length, 1
    return torch.randn(batch, length, d_hidden), lengths[torch.randperm(batch)]


def _draw_short_states(batch: int, length: int) -> tuple:
    return torch.randn(batch, length, 3), torch.full((batch,), length)


def _at(places: Answer) -> Answer:
    """Pick one state of each row, at places computed from (lengths, length of the rectangle)."""

    def pick(states: Tensor, lengths: Tensor) -> Tensor:
        return states[torch.arange(len(states)), places(lengths, states.shape[1])]

    return pick


def _real(states: Tensor, lengths: Tensor) -> Tensor:
    return (torch.arange(states.shape[1]) < lengths[:, None])[..., None]


def _draw_zero_padding() -> tuple:
    states, lengths = _draw_states()
    return states * _real(states, lengths), lengths


def _one_past_the_end(states: Tensor, lengths: Tensor) -> Tensor:
    return states[torch.arange(len(states)), lengths.clamp(max=states.shape[1] - 1)]


LAST_STATE = Exercise(
    last_state,
    _draw_states,
    {
        "every length for every row": WrongAnswer(
            lambda states, lengths: states[:, lengths - 1],
            "A slice in front (`:`) takes every row with every length: (batch, batch, d_hidden). Each row wants its "
            "own "
            "length: two index tensors of the same length take pairs.",
        ),
        "every length of the first row": WrongAnswer(
            lambda states, lengths: states[0, lengths - 1],
            "All states come from the first sentence; each row has its own.",
        ),
        "sorted": WrongAnswer(
            lambda states, lengths: last_state(states, lengths)[lengths.argsort()],
            "Your rows are sorted by length and not put back into their order.",
        ),
        "sorted, longest first": WrongAnswer(
            lambda states, lengths: last_state(states, lengths)[lengths.argsort(descending=True)],
            "Your rows are sorted by length, longest first, and not put back into their order.",
        ),
        "lengths sorted": WrongAnswer(
            lambda states, lengths: last_state(states, lengths.sort().values),
            "The lengths are sorted and the states are not: they no longer belong together.",
        ),
        "counted from the end": WrongAnswer(
            _at(lambda lengths, length: -lengths),
            "A negative index counts from the end of the rectangle: −3 is the third from the end, not the third word.",
        ),
        "middle": WrongAnswer(
            _at(lambda lengths, length: lengths // 2),
            "You take the state in the middle of each sentence: the last one has the index lengths − 1.",
        ),
        "one too far, or nothing": WrongAnswer(
            lambda states, lengths: torch.cat([states, 0 * states[:, :1]], 1)[torch.arange(len(states)), lengths],
            "You are one position too far: a sentence of length 3 has its last word at index 2. (Of the longest "
            "nothing is left.)",
        ),
        "length modulo": WrongAnswer(
            _at(lambda lengths, length: lengths % length),
            "You are one position too far: a sentence of length 3 has its last word at index 2. (% hides the error of "
            "the longest.)",
        ),
        "longest for all": WrongAnswer(
            _at(lambda lengths, length: lengths.max().expand_as(lengths) - 1),
            "You use the longest sentence's length for all; each row has its own.",
        ),
        "between the first and the last": WrongAnswer(
            lambda states, lengths: (states[:, 0] + last_state(states, lengths)) / 2,
            "You average the first state with the last real one; the last alone is kept.",
        ),
        "lengths added up": WrongAnswer(
            lambda states, lengths: states.flatten(0, 1)[lengths.cumsum(0) - 1],
            "You add up the lengths, as if the real states stood one behind the other; each sentence begins a row of "
            "its own, padding included.",
        ),
        "largest real state": WrongAnswer(
            lambda states, lengths: states[
                torch.arange(len(states)), (states.norm(dim=2) * _real(states, lengths)[..., 0]).argmax(1)
            ],
            "You take the real state that is longest as a vector (a norm); the last one is kept.",
        ),
        "shortest for all": WrongAnswer(
            _at(lambda lengths, length: lengths.min().expand_as(lengths) - 1),
            "You use the shortest sentence's length for all; each row has its own.",
        ),
        "mean of the real ones": WrongAnswer(
            lambda states, lengths: (states * _real(states, lengths)).sum(1) / lengths[:, None],
            "You average the real states; exactly one of each sentence, the last, is kept.",
        ),
        "sum of the real ones": WrongAnswer(
            lambda states, lengths: (states * _real(states, lengths)).sum(1),
            "You add up the real states; exactly one of each sentence, the last, is kept.",
        ),
        "largest of the real ones": WrongAnswer(
            lambda states, lengths: states.masked_fill(~_real(states, lengths), -torch.inf).amax(1),
            "You take the maximum of the real states, component by component; the last one is kept as it is.",
        ),
        "maximum": WrongAnswer(
            lambda states, lengths: states.amax(1),
            "You take the maximum over all positions; the last real state is kept as it is.",
        ),
        "length one kept": WrongAnswer(
            lambda states, lengths: last_state(states, lengths)[:, None],
            "The axis of the one position is still there; take it away.",
        ),
        "all real states": WrongAnswer(
            lambda states, lengths: states[_real(states, lengths)[..., 0]],
            "You return all real states of the batch in one list; one of each sentence is kept.",
        ),
        "zeros where short": WrongAnswer(
            lambda states, lengths: (states * _real(states, lengths))[:, -1],
            "You set the padding to zero and take the last column: short sentences get zeros.",
        ),
        "last column": WrongAnswer(
            lambda states, lengths: states[:, -1],
            "You take the last column of the rectangle: in a short sentence that is the state after padding.",
        ),
        "zeros taken for padding": WrongAnswer(
            lambda states, lengths: last_state(states, (states != 0).any(2).sum(1)),
            "You take rows of zeros for the padding. Padding may hold any numbers, and then you take the last column; "
            "it is `lengths` that says where a sentence ends.",
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
    hard={
        "where there is a single sentence": lambda: _draw_short_states(1, 5),
        "where all sentences are one word long": lambda: (torch.randn(3, 5, 2), torch.ones(3, dtype=torch.long)),
        "where there is more than one sentence and no padding": lambda: _draw_short_states(5, 3),
        "where padding is zeros": _draw_zero_padding,
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
    batch, length, d_in, d_state = primes(4)
    return (
        torch.randn(batch, length, d_in),
        torch.randn(d_state, d_in) / d_in**0.5,
        torch.randn(d_state, d_state) / d_state**0.5,
    )


def _draw_single(batch: int, length: int) -> tuple:
    return torch.randn(batch, length, 7), torch.randn(5, 7) / 2, torch.randn(5, 5) / 2


def _rnn_by(walk: Answer, finish: Answer) -> Answer:
    """Make a reader from one step ``walk(word, state, W, U)`` and what becomes of the states (batch, length, d)."""

    def read(inputs: Tensor, W: Tensor, U: Tensor) -> Tensor:
        state, states = torch.zeros(len(inputs), len(U)), []
        for word in inputs.unbind(1):
            state = walk(word, state, W, U)
            states.append(state)
        return finish(torch.stack(states, 1), inputs, W, U)

    return read


def _tanh_step(word: Tensor, state: Tensor, W: Tensor, U: Tensor) -> Tensor:
    return torch.tanh(word @ W.T + state @ U.T)


def _as_it_is(states: Tensor, *_: Tensor) -> Tensor:
    return states


_RNN_SLOTS = (
    (
        _tanh_step,
        {
            "U not transposed": (
                lambda x, h, W, U: torch.tanh(x @ W.T + h @ U),
                "You multiply the state by U the wrong way round (not transposed). It is square, so the shapes fit.",
            ),
            "no tanh": (
                lambda x, h, W, U: x @ W.T + h @ U.T,
                "The sentences are apart now, but the tanh was lost on the way: without it the states can grow with "
                "every step.",
            ),
            "sigmoid": (
                lambda x, h, W, U: torch.sigmoid(x @ W.T + h @ U.T),
                "A sigmoid stands where the tanh belongs.",
            ),
            "ReLU": (lambda x, h, W, U: torch.relu(x @ W.T + h @ U.T), "A ReLU stands where the tanh belongs."),
            "tanh of the word alone": (
                lambda x, h, W, U: torch.tanh(x @ W.T) + h @ U.T,
                "The tanh is around the word alone; word and memory are bent together.",
            ),
            "tanh of the memory alone": (
                lambda x, h, W, U: x @ W.T + torch.tanh(h @ U.T),
                "The tanh is around the memory alone; word and memory are bent together.",
            ),
            "tanh in tanh": (
                lambda x, h, W, U: torch.tanh(x @ W.T + torch.tanh(h @ U.T)),
                "There is a second tanh, around the memory; word and memory are bent once, together.",
            ),
            "both squashed": (
                lambda x, h, W, U: torch.tanh(x @ W.T) + torch.tanh(h @ U.T),
                "Word and memory are squashed apart and then added; add them first.",
            ),
            "half the old state": (
                lambda x, h, W, U: (h + torch.tanh(x @ W.T + h @ U.T)) / 2,
                "You average the old state with the new one (as a gate would); a plain RNN has no gate.",
            ),
            "word multiplied by U": (
                lambda x, h, W, U: torch.tanh((x @ W.T + h) @ U.T),
                "U acts on the word as well; it belongs to the old state alone.",
            ),
            "W twice": (
                lambda x, h, W, U: torch.tanh(2 * (x @ W.T) + h @ U.T),
                "The word counts twice.",
            ),
            "memory halved": (lambda x, h, W, U: torch.tanh(x @ W.T + h @ U.T / 2), "The memory counts by half."),
            "sine": (lambda x, h, W, U: torch.sin(x @ W.T + h @ U.T), "A sine stands where the tanh belongs."),
            "GELU": (
                lambda x, h, W, U: torch.nn.functional.gelu(x @ W.T + h @ U.T),
                "A GELU stands where the tanh belongs.",
            ),
            "hard tanh": (
                lambda x, h, W, U: (x @ W.T + h @ U.T).clamp(-1, 1),
                "The state is clamped to −1 to 1; a tanh bends it.",
            ),
            "length one": (
                lambda x, h, W, U: torch.nn.functional.normalize(torch.tanh(x @ W.T + h @ U.T), dim=1),
                "You bring each state to length one (normalise); it stays as the tanh gives it.",
            ),
            "softmax": (
                lambda x, h, W, U: torch.softmax(x @ W.T + h @ U.T, 1),
                "A softmax stands where the tanh belongs.",
            ),
            "no U": (
                lambda x, h, W, U: torch.tanh(x @ W.T + h),
                "U is missing: the old state comes in as it is.",
            ),
            "state added": (
                lambda x, h, W, U: torch.tanh(x @ W.T + h @ U.T) + h,
                "You add the old state once more, outside the tanh.",
            ),
            "memory subtracted": (lambda x, h, W, U: torch.tanh(x @ W.T - h @ U.T), "You subtract the memory; add it."),
            "memory multiplied": (
                lambda x, h, W, U: torch.tanh((x @ W.T) * (h @ U.T)),
                "You multiply word and memory; they are added.",
            ),
            "mean over the batch": (
                lambda x, h, W, U: torch.tanh(x @ W.T + h.mean(0, keepdim=True) @ U.T),
                "The memory is averaged over the batch: each sentence goes on from its own state.",
            ),
            "memory of the sentence above": (
                lambda x, h, W, U: torch.tanh(x @ W.T + h.roll(1, 0) @ U.T),
                "Each sentence goes on from the state of the one above it in the batch.",
            ),
        },
    ),
    (
        _as_it_is,
        {
            "one step late": (
                lambda s, *_: torch.cat([torch.zeros_like(s[:, :1]), s[:, :-1]], 1),
                "Your states come one step late: the first is h₀ = 0, and the last is missing. Append after the "
                "update.",
            ),
            "h₀ too": (
                lambda s, *_: torch.cat([torch.zeros_like(s[:, :1]), s], 1),
                "h₀ is among your states: there is one too many, at the front.",
            ),
            "last state for all": (
                lambda s, *_: s[:, -1:].expand_as(s),
                "All your states are the last one: one tensor is written over (copy_, in place) and appended each "
                "time.",
            ),
            "last state alone": (lambda s, *_: s[:, -1], "You return the last state alone; all states are asked for."),
            "first word's state missing": (lambda s, *_: s[:, 1:], "The first state is missing."),
            "joined": (
                lambda s, *_: s.flatten(1),
                "The states are joined in one row (cat); they need an axis (stack).",
            ),
            "word order reversed": (
                lambda s, *_: s.flip(1),
                "The states are right, and in the opposite order of time.",
            ),
        },
    ),
)


def _carried_over(inputs: Tensor, W: Tensor, U: Tensor) -> Tensor:
    state, rows = torch.zeros(len(U)), []
    for sentence in inputs:
        states = []
        for word in sentence:
            state = torch.tanh(word @ W.T + state @ U.T)
            states.append(state)
        rows.append(torch.stack(states))
    return torch.stack(rows)


def _added_up(inputs: Tensor, W: Tensor, U: Tensor) -> Tensor:
    memory, states = torch.zeros(len(inputs), len(U)), []
    for word in inputs.unbind(1):
        states.append(_tanh_step(word, memory, W, U))
        memory = memory + states[-1]
    return torch.stack(states, 1)


def _begun_with_ones(inputs: Tensor, W: Tensor, U: Tensor) -> Tensor:
    state, states = torch.ones(len(inputs), len(U)), []
    for word in inputs.unbind(1):
        state = torch.tanh(word @ W.T + state @ U.T)
        states.append(state)
    return torch.stack(states, 1)


def _first_from_word(inputs: Tensor, W: Tensor, U: Tensor) -> Tensor:
    state, states = inputs[:, 0] @ W.T, []
    for word in inputs.unbind(1):
        state = torch.tanh(word @ W.T + state @ U.T)
        states.append(state)
    return torch.stack(states, 1)


def _turned(inputs: Tensor) -> Tensor:
    """Give the axes of batch and length each other's size without moving a number: what a view does."""
    return inputs.reshape(inputs.shape[1], inputs.shape[0], -1)


def _first_linear(inputs: Tensor, W: Tensor, U: Tensor) -> Tensor:
    state = inputs[:, 0] @ W.T
    states = [state]
    for word in inputs[:, 1:].unbind(1):
        state = _tanh_step(word, state, W, U)
        states.append(state)
    return torch.stack(states, 1)


MIXED_BATCH = Exercise(
    read_batch,
    _draw_inputs,
    {
        **single_slips(_rnn_by, _RNN_SLOTS),
        "first word twice": WrongAnswer(
            lambda inputs, W, U: read_batch(torch.cat([inputs[:, :1], inputs], dim=1), W, U)[:, 1:],
            "The first word is read twice: the state before it is h₀ = 0, and not yet made from a word.",
        ),
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
        "carried over": WrongAnswer(
            _carried_over,
            "The state is carried over from one sentence to the next: each begins with h₀ = 0. Reset it.",
        ),
        "memories added up": WrongAnswer(
            _added_up,
            "You add up the states of all words before; a state goes on from the last one alone.",
        ),
        "tanh at the end": WrongAnswer(
            lambda inputs, W, U: torch.tanh(_rnn_by(lambda x, h, W, U: x @ W.T + h @ U.T, _as_it_is)(inputs, W, U)),
            "Your tanh comes once, over the finished states; it belongs into each step, and the next starts from it.",
        ),
        "begun with ones": WrongAnswer(
            _begun_with_ones,
            "Your sentences begin with a state of ones; h₀ is zero.",
        ),
        "first word as it is": WrongAnswer(
            _first_linear,
            "The first state has no tanh: h₀ is zero, and the first word goes through the same line as all others.",
        ),
        "begun with the first word": WrongAnswer(
            _first_from_word,
            "Your first state has read the first word already; h₀ is zero.",
        ),
    },
    hard={
        "where there is a single sentence": lambda: _draw_single(1, 5),
        "where sentences are one word long": lambda: _draw_single(3, 1),
        "where there are as many sentences as words": lambda: _draw_single(3, 3),
    },
    gradient_of=("inputs",),
    slots=_RNN_SLOTS,
    assemble=_rnn_by,
)


# A loss that leaves padding out


def masked_loss(
    logits: Float[Tensor, "batch tgt_len n_words"],
    target: Int[Tensor, "batch tgt_len"],
    mask: Bool[Tensor, "batch tgt_len"],
) -> Float[Tensor, ""]:
    """Average the cross-entropy, in nats, over the real words of a padded batch."""
    return _surprise(logits, target)[mask].mean()


def _surprise(logits: Tensor, target: Tensor) -> Tensor:
    """Give −log p of each target word, padding included."""
    return -logits.log_softmax(-1).gather(-1, target[..., None])[..., 0]


def _draw_padded_batch(given: tuple[int, ...] = ()) -> tuple:
    (batch, length), (n_words,) = primes(2, (3, 5, 7)), primes(1, (11, 13))
    lengths = torch.randint(2, length, (batch,))
    lengths[0] = length
    if given:
        lengths, length = torch.tensor(given), max(given)
        batch = len(lengths)
    mask = torch.arange(length) < lengths[torch.randperm(batch), None]
    target = torch.randint(Vocabulary.unk + 1, n_words, (batch, length)).masked_fill(~mask, Vocabulary.pad)
    return 2 * torch.randn(batch, length, n_words), target, mask


def _draw_filled_batch() -> tuple:
    logits, target, mask = _draw_padded_batch()
    return logits, torch.where(mask, target, torch.randint(logits.shape[-1], target.shape)), mask


def _mean_of_sentences(logits: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    surprise = _surprise(logits, target) * mask
    return (surprise.sum(1) / mask.sum(1)).mean()


def _but_the_last(mask: Tensor) -> Tensor:
    return mask & torch.cat([mask[:, 1:], torch.zeros_like(mask[:, :1])], 1)


def _normalised_along(axis: int) -> Answer:
    """Make a loss whose softmax runs along another axis."""

    def loss(logits: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        return -logits.log_softmax(axis).gather(-1, target[..., None])[..., 0][mask].mean()

    return loss


MASKED_LOSS = Exercise(
    masked_loss,
    _draw_padded_batch,
    {
        "padding counted": WrongAnswer(
            lambda logits, target, mask: _surprise(logits, target).mean(),
            "Padding counts as words in your mean: the model would be praised for predicting padding, which is easy.",
        ),
        "divided by all places": WrongAnswer(
            lambda logits, target, mask: (_surprise(logits, target) * mask).mean(),
            "Padding adds nothing to your sum, but you still divide by its places: a batch with more padding would "
            "seem to be better translated.",
        ),
        "divided by one more": WrongAnswer(
            lambda logits, target, mask: (_surprise(logits, target) * mask).sum() / (mask.sum() + 1),
            "You divide by one more than there are words.",
        ),
        "a mean of means": WrongAnswer(
            _mean_of_sentences,
            "You average each sentence and then the sentences, so that a word of a short sentence weighs more. Every "
            "real word of the batch should weigh the same.",
        ),
        "a sum": WrongAnswer(
            lambda logits, target, mask: _surprise(logits, target)[mask].sum(),
            "This is the sum over the words, so a batch with longer sentences would take larger steps. Average.",
        ),
        "per sentence": WrongAnswer(
            lambda logits, target, mask: _surprise(logits, target)[mask].sum() / len(target),
            "You divide the sum by the number of sentences; the loss is asked per word.",
        ),
        "only padding": WrongAnswer(
            lambda logits, target, mask: _surprise(logits, target)[~mask].mean(),
            "Your mask is the wrong way round: True means a real word, and you average over the padding.",
        ),
        "sign": WrongAnswer(
            lambda logits, target, mask: -masked_loss(logits, target, mask),
            "The sign is lost: this is the mean log-probability. It is to rise, but an optimiser makes things fall.",
        ),
        "not normalised": WrongAnswer(
            lambda logits, target, mask: -logits.gather(-1, target[..., None])[..., 0][mask].mean(),
            "You take the logits for log-probabilities. Without the softmax a model could raise all of them at once.",
        ),
        "softmax twice": WrongAnswer(
            lambda logits, target, mask: masked_loss(logits.softmax(-1), target, mask),
            "You apply softmax twice: cross_entropy and log_softmax expect plain logits.",
        ),
        "first sentence": WrongAnswer(
            lambda logits, target, mask: masked_loss(logits[:1], target[:1], mask[:1]),
            "You look at the first sentence of the batch alone.",
        ),
        "binary": WrongAnswer(
            lambda logits, target, mask: torch.nn.functional.binary_cross_entropy_with_logits(
                logits[mask], torch.nn.functional.one_hot(target[mask], logits.shape[-1]).to(logits.dtype)
            ),
            "This is a binary cross-entropy: a yes or no for each word of the vocabulary. Here words compete in one "
            "softmax.",
        ),
        "sum of the sentences' means": WrongAnswer(
            lambda logits, target, mask: _mean_of_sentences(logits, target, mask) * len(target),
            "You average each sentence and add the sentences up; every real word of the batch should weigh the same.",
        ),
        "mean of the sentences' sums": WrongAnswer(
            lambda logits, target, mask: (_surprise(logits, target) * mask).sum(1).square().mean().sqrt(),
            "You take a root mean square over the sentences; the mean over the words is asked for.",
        ),
        "log of the softmax's mean over the places": WrongAnswer(
            lambda logits, target, mask: _surprise(logits.mean(1, keepdim=True).expand_as(logits), target)[mask].mean(),
            "You average the logits over the places of a sentence; each place has its own.",
        ),
        "padded logits zeroed": WrongAnswer(
            lambda logits, target, mask: _surprise(logits * mask[..., None], target).mean(),
            "You set the logits of padding to zero, which is a guess like any other (all words equally likely), and "
            "padding still counts in the mean.",
        ),
        "targets zeroed": WrongAnswer(
            lambda logits, target, mask: _surprise(logits, target * mask).mean(),
            "You set the targets of padding to 0, and padding still counts in the mean.",
        ),
        "mean of the log of a mean": WrongAnswer(
            lambda logits, target, mask: -_surprise(logits, target).neg().exp()[mask].mean().log(),
            "You average the probabilities and then take the logarithm; take the logarithm of each, then average.",
        ),
        "binary logarithm": WrongAnswer(
            lambda logits, target, mask: masked_loss(logits, target, mask) / torch.tensor(2.0).log(),
            "Your logarithm has base 2; log without a base is the natural one.",
        ),
        "perplexity": WrongAnswer(
            lambda logits, target, mask: masked_loss(logits, target, mask).exp(),
            "This is the exponential of the loss, the perplexity.",
        ),
        "sum over the vocabulary": WrongAnswer(
            lambda logits, target, mask: -logits.log_softmax(-1)[mask].mean(),
            "You average −log p over all words of the vocabulary; only that of the right word counts.",
        ),
        "best word": WrongAnswer(
            lambda logits, target, mask: -logits.log_softmax(-1).amax(-1)[mask].mean(),
            "You take −log p of the most probable word; that of the right word, `target`, is asked for.",
        ),
        "squared error": WrongAnswer(
            lambda logits, target, mask: (1 - _surprise(logits, target).neg().exp())[mask].square().mean(),
            "This is a squared error of the probability; −log p is asked for.",
        ),
        "plain probability": WrongAnswer(
            lambda logits, target, mask: -_surprise(logits, target).neg().exp()[mask].mean(),
            "You average the probabilities themselves: there is no logarithm.",
        ),
        "median": WrongAnswer(
            lambda logits, target, mask: _surprise(logits, target)[mask].median(),
            "You take the median over the words; the mean is asked for.",
        ),
        "last word left out": WrongAnswer(
            lambda logits, target, mask: _surprise(logits, target)[_but_the_last(mask)].mean(),
            "The last real word of each sentence is left out: it is predicted like every other.",
        ),
        "first word left out": WrongAnswer(
            lambda logits, target, mask: _surprise(logits, target)[:, 1:][mask[:, 1:]].mean(),
            "The first word of each sentence is left out: it is predicted like every other.",
        ),
        "padding by its number": WrongAnswer(
            lambda logits, target, mask: masked_loss(logits, target, target != Vocabulary.pad),
            "You take the places where `target` is 0 for the padding. Our batches happen to be filled so; it is `mask` "
            "that says which words are real.",
        ),
        "shifted": WrongAnswer(
            lambda logits, target, mask: _surprise(logits[:, :-1], target[:, 1:])[mask[:, 1:]].mean(),
            "You compare each place's logits with the word after it. Logits and targets stand at the same places "
            "here; nothing needs to be shifted.",
        ),
        "probability": WrongAnswer(
            lambda logits, target, mask: 1 - _surprise(logits, target).neg().exp()[mask].mean(),
            "This is one minus the mean probability. The product of probabilities becomes a sum only by the logarithm.",
        ),
        "softmax over places": WrongAnswer(
            _normalised_along(1),
            "Your softmax runs over the places of a sentence: the words of one place must compete with each other.",
        ),
        "softmax over sentences": WrongAnswer(
            _normalised_along(0),
            "Your softmax runs over the sentences of the batch: the words of one place must compete with each other.",
        ),
    },
    hard={
        "where there is a single sentence": lambda: _draw_padded_batch((5,)),
        "where there is a single word": lambda: _draw_padded_batch((1,)),
        "where there is no padding": lambda: _draw_padded_batch((4, 4, 4)),
        "where a sentence has no words": lambda: _draw_padded_batch((0, 5, 3)),
        "where padding is filled with other words": _draw_filled_batch,
    },
    gradient_of=("logits",),
    needs_gradient=True,
)


# Greedy decoding

Step = Callable[[Any, Tensor], tuple[Tensor, Tensor]]  # a word may be an int, or a tensor with one id


def greedy(step: Step, state: Float[Tensor, "d_state"], max_words: int) -> list[int]:
    """Take the most probable word at each step, until the end mark or ``max_words``; the end mark is kept."""
    return _decode(step, state, max_words)


def _decode(
    step: Step,
    state: Tensor,
    max_words: int,
    first: int = Vocabulary.bos,
    choose: Callable[[Tensor], Tensor] = torch.argmax,
    stop: int | None = Vocabulary.eos,
) -> list[int]:
    word = first
    said: list[int] = []
    while len(said) < max_words and not (said and word == stop):
        logits, state = step(word, state)
        word = int(choose(logits))
        said.append(word)
    return said


def _without_repeats(step: Step, state: Tensor, max_words: int) -> list[int]:
    said: list[int] = []

    def another(word: Any, state: Tensor) -> tuple[Tensor, Tensor]:
        logits, state = step(word, state)
        said.extend([] if word == Vocabulary.bos else [word])
        return logits.index_fill(0, torch.tensor(said, dtype=torch.long), -torch.inf), state

    return greedy(another, state, max_words)


def _reads_twice(step: Step) -> Step:
    return lambda word, state: step(word, step(word, state)[1])


def _never_again(step: Step) -> Step:
    def another(word: Any, state: Tensor) -> tuple[Tensor, Tensor]:
        logits, state = step(word, state)
        return logits.index_fill(0, torch.tensor(int(word)), -torch.inf), state

    return another


def _draw_stutter() -> tuple:
    step, state, _ = _draw_decoder()
    logits, first = step(Vocabulary.bos, state)
    word = int(logits.argmax())

    def stutters(read: Any, before: Tensor, step: Step = step) -> tuple[Tensor, Tensor]:
        logits, after = step(read, before)
        again = int(read) == word and (before - first).abs().max() < 1e-4
        return (logits.index_fill(0, torch.tensor(word), 99.0) if again else logits), after

    return stutters, state, 7


def _draw_silent() -> tuple:
    step, state, _ = _draw_decoder()

    def says_nothing(word: Any, state: Tensor, step: Step = step) -> tuple[Tensor, Tensor]:
        logits, state = step(word, state)
        return logits.index_fill(0, torch.tensor(Vocabulary.eos), 99.0), state

    return says_nothing, state, 7


def _draw_decoder() -> tuple:
    """Make a decoder that ends by itself after a while, and let it or stop it before."""
    while True:
        n_words, d = primes(2, (7, 11, 13))
        embeddings, words = torch.randn(n_words, d), torch.randn(n_words, d)
        w, u, state = torch.randn(d, d) / 2, torch.randn(d, d) / 2, torch.randn(d)

        def step(word: Any, state: Tensor, embeddings=embeddings, words=words, w=w, u=u) -> tuple[Tensor, Tensor]:
            state = torch.tanh(w @ embeddings[int(word)] + u @ state)
            return words @ state, state

        said = greedy(step, state, 11)
        if 5 <= len(said) < 11 and len(set(said)) >= 5:
            return step, state, (11, len(said) - 2)[int(torch.randint(2, ()))]


def _state_kept(step: Step, state: Tensor, max_words: int) -> list[int]:
    return greedy(lambda word, _: (step(word, state)[0], state), state, max_words)


def _always_from(word: int) -> Answer:
    """Make a decoder that never reads what it has said."""
    return lambda step, state, max_words: greedy(lambda _, state: step(word, state), state, max_words)


def _place_fed(step: Step, state: Tensor, max_words: int) -> list[int]:
    said: list[int] = []
    for place in range(max_words):
        logits, state = step(place, state)
        said.append(int(logits.argmax()))
        if said[-1] == Vocabulary.eos:
            break
    return said


def _reads_other(step: Step) -> Step:
    def other(word: Any, state: Tensor) -> tuple[Tensor, Tensor]:
        logits, after = step(word, state)
        if int(word) == Vocabulary.bos:  # the first word is read rightly
            return logits, after
        return step((int(word) + 1) % len(logits), state)

    return other


def _logits_said(step: Step, state: Tensor, max_words: int) -> list[float]:
    words, largest = [Vocabulary.bos, *greedy(step, state, max_words)], []
    for word in words[:-1]:
        logits, state = step(word, state)
        largest.append(float(logits.max()))
    return largest


def _what_is_read(answer: Callable[[tuple], Any], draws: list[tuple]) -> str | None:
    """Listen to what goes into ``step`` and tell the first thing that is not what came out of it."""
    for step, state, max_words in draws:
        read: list[tuple[int, Tensor]] = []
        given: list[tuple[Tensor, Tensor]] = []

        def stepping(word: Any, state: Tensor, step: Step = step, read: list = read, given: list = given) -> tuple:
            read.append((int(word), state))
            given.append(step(word, state))
            return given[-1]

        answer((stepping, state, max_words))
        if not read or read[0][0] != Vocabulary.bos:
            return f"The first word that you hand to `step` is {read[0][0]}, not the begin mark." if read else None
        for place, ((word, before), (logits, after)) in enumerate(zip(read[1:], given, strict=False), start=2):
            if word != int(logits.argmax()):
                return (
                    f"In call {place} of `step` you hand it word {word}: it reads the word that was said just before, "
                    f"which is {int(logits.argmax())}."
                )
            if not torch.equal(before, after):
                return f"In call {place} of `step` you do not hand it the state that it gave you just before."
    return None


GREEDY = Exercise(
    greedy,
    _draw_decoder,
    {
        "begin mark kept": WrongAnswer(
            lambda step, state, max_words: [Vocabulary.bos, *greedy(step, state, max_words)],
            "The begin mark is in your result. It is read, never said.",
        ),
        "end mark dropped": WrongAnswer(
            lambda step, state, max_words: [i for i in greedy(step, state, max_words) if i != Vocabulary.eos],
            "Your sentences are right, but their end mark is missing: it is a prediction like every other, and to say "
            "it too early is a mistake.",
        ),
        "the second": WrongAnswer(
            lambda step, state, max_words: _decode(
                step, state, max_words, choose=lambda logits: logits.topk(2).indices[1]
            ),
            "You take the second most probable word; the most probable one is asked for.",
        ),
        "largest in size": WrongAnswer(
            lambda step, state, max_words: _decode(step, state, max_words, choose=lambda logits: logits.abs().argmax()),
            "You take the logit that is largest in size, be it negative; the largest is asked for.",
        ),
        "end mark invented": WrongAnswer(
            lambda step, state, max_words: [
                *(i for i in greedy(step, state, max_words) if i != Vocabulary.eos),
                Vocabulary.eos,
            ],
            "You end every sentence with an end mark, also where `max_words` has cut it off before the decoder said "
            "one.",
        ),
        "stops at the begin mark": WrongAnswer(
            lambda step, state, max_words: _decode(step, state, max_words, stop=Vocabulary.bos),
            "You stop at the begin mark instead of the end mark, Vocabulary.eos.",
        ),
        "stops at padding": WrongAnswer(
            lambda step, state, max_words: _decode(step, state, max_words, stop=Vocabulary.pad),
            "You stop at padding instead of the end mark, Vocabulary.eos.",
        ),
        "another word is read": WrongAnswer(
            lambda step, state, max_words: greedy(_reads_other(step), state, max_words),
            "The decoder reads another word than the one it has just said: is something added to its id?",
        ),
        "the state begins anew": WrongAnswer(
            lambda step, state, max_words: greedy(lambda word, s: step(word, 0 * s), state, max_words),
            "The decoder starts from a state of zeros at every step.",
        ),
        "max_words ignored": WrongAnswer(
            lambda step, state, max_words: _decode(step, state, 200),
            "You go on until the end mark, however long that takes: `max_words` is not used.",
        ),
        "logits returned": WrongAnswer(
            _logits_said,
            "You return the largest logits; the ids of the words that have them are asked for (argmax).",
        ),
        "begin mark in place of the first word": WrongAnswer(
            lambda step, state, max_words: [Vocabulary.bos, *greedy(step, state, max_words)][:max_words],
            "The begin mark is in your result and counts as a word. It is read, never said.",
        ),
        "never stops": WrongAnswer(
            lambda step, state, max_words: _decode(step, state, max_words, stop=None),
            "You go on after the end mark. What a model says then was never trained.",
        ),
        "the first state again": WrongAnswer(
            _state_kept,
            "You call step with the first state again and again, so that the decoder forgets what it has said before "
            "the last word.",
        ),
        "never reads its own words": WrongAnswer(
            _always_from(Vocabulary.bos),
            "The decoder reads the begin mark at every step. Nobody else is there to read it the next word: it must "
            "read the one that it has just said.",
        ),
        "the place is read": WrongAnswer(
            _place_fed,
            "You hand over the number of the step instead of the word that was said.",
        ),
        "the least probable": WrongAnswer(
            lambda step, state, max_words: _decode(step, state, max_words, choose=torch.argmin),
            "You take the word with the smallest logit, the least probable one.",
        ),
        "begins with the end mark": WrongAnswer(
            lambda step, state, max_words: _decode(step, state, max_words, first=Vocabulary.eos),
            "The first word that you hand over is the end mark. The decoder was trained to begin after Vocabulary.bos.",
        ),
        "begins with padding": WrongAnswer(
            lambda step, state, max_words: _decode(step, state, max_words, first=Vocabulary.pad),
            "The first word that you hand over is 0, which is padding. The decoder was trained to begin after "
            "Vocabulary.bos.",
        ),
        "one word too few": WrongAnswer(
            lambda step, state, max_words: greedy(step, state, max_words - 1),
            "You stop one word before max_words: does your count begin with the begin mark?",
        ),
        "one word too many": WrongAnswer(
            lambda step, state, max_words: greedy(step, state, max_words + 1),
            "You say one word more than max_words allows.",
        ),
        "the last word alone": WrongAnswer(
            lambda step, state, max_words: greedy(step, state, max_words)[-1:],
            "You return the last word alone; keep all of them.",
        ),
        "never twice in a row": WrongAnswer(
            lambda step, state, max_words: greedy(_never_again(step), state, max_words),
            "You never say a word twice in a row. The most probable word is taken, whatever was said before.",
        ),
        "never a word twice": WrongAnswer(
            _without_repeats,
            "You never say a word twice. The most probable word is taken, whatever was said before.",
        ),
        "two steps for a word": WrongAnswer(
            lambda step, state, max_words: greedy(_reads_twice(step), state, max_words),
            "The decoder reads each word twice: call step once for a word, and take logits and state from that call.",
        ),
    },
    hard={
        "where one word is allowed": lambda: (*_draw_decoder()[:2], 1),
        "where the first word is the end mark": _draw_silent,
        "where one word is said twice in a row": _draw_stutter,
    },
    overhears=_what_is_read,
)

EXERCISES: dict[str, Exercise] = {
    "01_pairs_of_words": PAIRS_OF_WORDS,
    "01_last_state": LAST_STATE,
    "01_mixed_batch": MIXED_BATCH,
    "01_masked_loss": MASKED_LOSS,
    "01_greedy": GREEDY,
    "01_gradient_left": GRADIENT_LEFT,
}
