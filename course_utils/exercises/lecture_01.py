"""Lecture 01: sequence to sequence: what is asked, our answers, and the mistakes that are known."""

from collections import Counter
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

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
        "five steps": (
            1 / 32,
            "This is one factor too many: the input of T itself is not multiplied at all, that of T − 1 once.",
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
        "length modulo": WrongAnswer(
            _at(lambda lengths, length: lengths % length),
            "You are one position too far: a sentence of length 3 has its last word at index 2. (% hides the error of "
            "the longest.)",
        ),
        "longest for all": WrongAnswer(
            _at(lambda lengths, length: lengths.max().expand_as(lengths) - 1),
            "You use the longest sentence's length for all; each row has its own.",
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


def _draw_gru(scale: float = 1.0) -> tuple:
    batch, d_in, d_state = primes(3)
    W, U = torch.randn(3 * d_state, d_in) / d_in**0.5, torch.randn(3 * d_state, d_state) / d_state**0.5
    return torch.randn(batch, d_in), scale * torch.randn(batch, d_state), scale * W, U, torch.randn(3 * d_state)


def _step_by(arrange: Answer, gate: Answer, remember: Answer, bend: Answer, combine: Answer) -> Answer:
    """Make a step from how the blocks are arranged, gated, remembered, bent and combined."""

    def step(inputs: Tensor, state: Tensor, W: Tensor, U: Tensor, b: Tensor) -> Tensor:
        word, (U_r, U_z, U_n) = arrange(inputs, W, U, b)
        reset, update = gate(word[0] + state @ U_r.T), gate(word[1] + state @ U_z.T)
        candidate = bend(remember(word[2], reset, state, U_n))
        return combine(candidate, update, state, reset)

    return step


def _arranged(
    order: tuple = (0, 1, 2),
    bias: tuple = (1, 1, 1),
    turned: tuple = (0, 0, 0),
    W_of: tuple = (0, 1, 2),
    U_of: tuple = (0, 1, 2),
) -> Answer:
    """Cut W, U and b in blocks, in an order, with a factor for each bias and some blocks of U transposed.

    ``W_of`` and ``U_of`` name the block that each line uses, or None where it uses none.
    """

    def arrange(inputs: Tensor, W: Tensor, U: Tensor, b: Tensor) -> tuple[list, list]:
        W_blocks, U_blocks = (
            [0 * x[: len(x) // 3] if i is None else x.chunk(3)[i] for i in of] for x, of in ((W, W_of), (U, U_of))
        )
        words = [(inputs @ w.T + f * c) for w, c, f in zip(W_blocks, b.chunk(3), bias, strict=True)]
        blocks = [u.T if t else u for u, t in zip(U_blocks, turned, strict=True)]
        return [words[i] for i in order], [blocks[i] for i in order]

    return arrange


_LINES = ("the reset gate", "the update gate", "the candidate")
_GRU_SLOTS = (
    (
        _arranged(),
        {
            **{
                f"no bias in {line}": (
                    _arranged(bias=tuple(float(j != i) for j in range(3))),
                    f"The bias is missing in one line: {line}.",
                )
                for i, line in enumerate(_LINES)
            },
            **{
                f"no {what} in {line}": (
                    _arranged(**{block: tuple(None if j == i else j for j in range(3))}),
                    f"In one line {what} does not come in: {line}.",
                )
                for i, line in enumerate(_LINES)
                for what, block in (("the word", "W_of"), ("the old state", "U_of"))
                if (what, i) != ("the old state", 2)  # listed below
            },
            **{
                f"{block[0]} of {other} in {line}": (
                    _arranged(**{block: tuple(k if j == i else j for j in range(3))}),
                    f"One block of {block[0]} is used twice: {line} uses that of {other}.",
                )
                for i, line in enumerate(_LINES)
                for k, other in enumerate(_LINES)
                for block in ("W_of", "U_of")
                if i != k
            },
            "bias in the candidate alone": (
                _arranged(bias=(0, 0, 1)),
                "The bias is missing in both gates.",
            ),
            "bias in the gates alone": (_arranged(bias=(1, 1, 2)), "The bias of the candidate is added twice."),
            "bias twice": (_arranged(bias=(2, 2, 2)), "The bias is added twice in each line."),
            "bias twice in the gates": (_arranged(bias=(2, 2, 1)), "The bias is added twice in the gates."),
            **{
                f"U not transposed in {line}": (
                    _arranged(turned=tuple(int(j == i) for j in range(3))),
                    f"One block of U is not transposed as it should be: that of {line}. It is square, so the shapes "
                    f"fit.",
                )
                for i, line in enumerate(_LINES)
            },
            "U not transposed in the gates": (
                _arranged(turned=(1, 1, 0)),
                "The blocks of U are not transposed in the gates. They are square, so the shapes fit.",
            ),
            "U not transposed": (
                _arranged(turned=(1, 1, 1)),
                "You multiply the state by the blocks of U the wrong way round (not transposed). They are square, so "
                "the "
                "shapes fit: a row of U belongs to a number of the new state, a column to one of the old.",
            ),
            "gates exchanged": (
                _arranged((1, 0, 2)),
                "Reset and update gate are exchanged: the blocks of W, U and b stand in the order reset, update, "
                "candidate.",
            ),
            "order r, n, z": (
                _arranged((0, 2, 1)),
                "Update gate and candidate are exchanged: the blocks stand in the order reset, update, candidate.",
            ),
            "order n, z, r": (
                _arranged((2, 1, 0)),
                "The blocks are taken in the opposite order; it is reset, update, candidate.",
            ),
            "order z, n, r": (
                _arranged((1, 2, 0)),
                "The blocks are taken in another order; it is reset, update, candidate.",
            ),
            "order n, r, z": (
                _arranged((2, 0, 1)),
                "The blocks are taken in the order candidate, reset, update; it is reset, update, candidate.",
            ),
        },
    ),
    (
        torch.sigmoid,
        {
            "gates by tanh": (
                torch.tanh,
                "Your gates are squashed by tanh. A gate is a share between 0 and 1; below zero it would turn signs "
                "round.",
            ),
            "gates not squashed": (lambda g: g, "Your gates are not squashed: the sigmoid is missing."),
            "gates by ReLU": (torch.relu, "Your gates are squashed by a ReLU; a gate is a share between 0 and 1."),
            "hard sigmoid": (
                torch.nn.functional.hardsigmoid,
                "Your gates are squashed by a hard sigmoid; the sigmoid itself is asked for.",
            ),
            "gates by softmax": (
                lambda g: g.softmax(-1),
                "Your gates are squashed by a softmax over the state; each number has a gate of its own (sigmoid).",
            ),
            "gates inverted": (lambda g: torch.sigmoid(-g), "The sign inside your gates is wrong: open is closed."),
        },
    ),
    (
        lambda word, r, h, U_n: word + (r * h) @ U_n.T,
        {
            "as PyTorch does": (
                lambda word, r, h, U_n: word + r * (h @ U_n.T),
                "Your reset gate acts after the matrix, as in PyTorch and in the lecture. In the paper it closes off "
                "parts of the old state before they are mixed.",
            ),
            "no reset": (
                lambda word, r, h, U_n: word + h @ U_n.T,
                "The reset gate takes no part: your candidate always sees the whole old state and can never start "
                "afresh.",
            ),
            "reset of everything": (
                lambda word, r, h, U_n: r * (word + h @ U_n.T),
                "Your reset gate closes off the word as well. Only the memory is to be forgotten; the word has just "
                "arrived.",
            ),
            "reset of the word": (
                lambda word, r, h, U_n: r * word + h @ U_n.T,
                "Your reset gate closes off the word in place of the memory.",
            ),
            "reset inverted": (
                lambda word, r, h, U_n: word + ((1 - r) * h) @ U_n.T,
                "Your reset gate is the wrong way round: 1 − r in place of r.",
            ),
            "reset added": (
                lambda word, r, h, U_n: word + (r + h) @ U_n.T,
                "You add the reset gate to the state; it multiplies.",
            ),
            "no memory": (
                lambda word, r, h, U_n: word + 0 * h,
                "Your candidate sees the word alone: the old state does not come in.",
            ),
            "no word": (
                lambda word, r, h, U_n: (r * h) @ U_n.T,
                "Your candidate sees the old state alone: the word does not come in.",
            ),
        },
    ),
    (
        torch.tanh,
        {
            "candidate by sigmoid": (
                torch.sigmoid,
                "Your candidate is squashed by a sigmoid and can never be negative; only gates lie between 0 and 1.",
            ),
            "candidate without tanh": (lambda n: n, "Your candidate is not squashed: the tanh is missing."),
            "candidate by ReLU": (torch.relu, "Your candidate is squashed by a ReLU; it should be a tanh."),
        },
    ),
    (
        lambda n, z, h, r: (1 - z) * n + z * h,
        {
            "update the wrong way round": (
                lambda n, z, h, r: z * n + (1 - z) * h,
                "Your update gate is the wrong way round: with z = 1 the old state is to be kept. A learner of weights "
                "could live with that, given weights cannot.",
            ),
            "what is kept is reset too": (
                lambda n, z, h, r: (1 - z) * n + z * r * h,
                "You keep the reset state. The reset gate belongs to the candidate; what the update gate keeps, it "
                "keeps unharmed.",
            ),
            "only the candidate": (
                lambda n, z, h, r: n,
                "You return the candidate. The update gate has not decided yet how much of the old state stays.",
            ),
            "no 1 − z": (
                lambda n, z, h, r: n + z * h,
                "The factor 1 − z of the candidate is missing: what is kept and what is new should be two shares of "
                "one.",
            ),
            "z for both": (
                lambda n, z, h, r: z * (n + h),
                "Both are multiplied by z: the candidate should get 1 − z.",
            ),
            "1 − z for both": (
                lambda n, z, h, r: (1 - z) * (n + h),
                "Both are multiplied by 1 − z: the old state should get z.",
            ),
            "nothing kept": (
                lambda n, z, h, r: (1 - z) * n,
                "The old state is missing in the last line: z ⊙ h is not added.",
            ),
            "old state whole": (
                lambda n, z, h, r: (1 - z) * n + h,
                "The old state is added whole: z should decide how much of it stays.",
            ),
            "subtracted": (lambda n, z, h, r: (1 - z) * n - z * h, "You subtract the old state in the last line."),
            "reset decides": (
                lambda n, z, h, r: (1 - r) * n + r * h,
                "The reset gate decides what stays in your last line; that is the update gate's part.",
            ),
            "tanh of everything": (
                lambda n, z, h, r: ((1 - z) * n + z * h).tanh(),
                "You put a tanh around the new state; only the candidate has one.",
            ),
            "mean of both": (
                lambda n, z, h, r: (n + h) / 2,
                "You take the mean of candidate and old state: the update gate takes no part.",
            ),
        },
    ),
)


def _other_gate_resets(inputs: Tensor, state: Tensor, W: Tensor, U: Tensor, b: Tensor) -> Tensor:
    _, update, word_n, U_n = _gates(inputs, state, W, U, b)
    return (1 - update) * torch.tanh(word_n + (update * state) @ U_n.T) + update * state


def _gates_of_reset_state(inputs: Tensor, state: Tensor, W: Tensor, U: Tensor, b: Tensor) -> Tensor:
    reset, _, word_n, U_n = _gates(inputs, state, W, U, b)
    _, update, _, _ = _gates(inputs, reset * state, W, U, b)
    return (1 - update) * torch.tanh(word_n + (reset * state) @ U_n.T) + update * state


GRU_OF_2014 = Exercise(
    paper_gru_step,
    _draw_gru,
    {
        **single_slips(_step_by, _GRU_SLOTS),
        "update gate resets": WrongAnswer(
            _other_gate_resets,
            "In the candidate the state is multiplied by the update gate; that is the reset gate's part.",
        ),
        "gates of the reset state": WrongAnswer(
            _gates_of_reset_state,
            "Your update gate sees the state after the reset; both gates see the old state as it is.",
        ),
        "no bias": WrongAnswer(
            lambda inputs, state, W, U, b: paper_gru_step(inputs, state, W, U, 0 * b),
            "The bias takes no part. It decides, among other things, whether a gate is open when nothing speaks for or "
            "against it.",
        ),
    },
    hard={"where gates are wide open or shut": lambda: _draw_gru(5.0)},
    slots=_GRU_SLOTS,
    assemble=_step_by,
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


MIXED_BATCH = Exercise(
    read_batch,
    _draw_inputs,
    {
        **single_slips(_rnn_by, _RNN_SLOTS),
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
        "begun with ones": WrongAnswer(
            _begun_with_ones,
            "Your sentences begin with a state of ones; h₀ is zero.",
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


# One step of a beam


def beam_step(
    totals: Float[Tensor, "width"], log_p: Float[Tensor, "width n_words"]
) -> tuple[Float[Tensor, "width"], Int[Tensor, "width"], Int[Tensor, "width"]]:
    """Give the totals of the best longer beginnings, best first, and for each its old beam and its new word."""
    best, place = (totals[:, None] + log_p).flatten().topk(len(totals))
    return best, place // log_p.shape[1], place % log_p.shape[1]


def _draw_beams() -> tuple:
    width, n_words = sorted(primes(2))
    totals = -2 * torch.rand(width).sort().values
    return totals[torch.randperm(width)], (1.5 * torch.randn(width, n_words)).log_softmax(-1)


def _draw_one_beam_wins() -> tuple:
    """Draw a first beam so good, and so sure of nothing, that all winners come from it; the last is the worst."""
    return torch.tensor([-0.1, -30.0, -40.0]), (0.1 * torch.randn(3, 7)).log_softmax(-1)


def _draw_few_words() -> tuple:
    return -2 * torch.rand(5).sort().values, torch.randn(5, 2).log_softmax(-1)


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


def _then(change: Answer) -> Answer:
    """Do something to the three results of a right step."""
    return lambda totals, log_p: change(*beam_step(totals, log_p), totals, log_p)


def _greedy_sorted(totals: Tensor, log_p: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    best, word = (totals[:, None] + log_p).max(1)
    best, order = best.sort(descending=True)
    return best, order, word[order]


def _one_too_many(totals: Tensor, log_p: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    best, place = (totals[:, None] + log_p).flatten().topk(len(totals) + 1)
    return best, place // log_p.shape[1], place % log_p.shape[1]


def _table_transposed(totals: Tensor, log_p: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    best, place = (totals[:, None] + log_p).T.flatten().topk(len(totals))
    return best, place // log_p.shape[1], place % log_p.shape[1]


BEAM_STEP = Exercise(
    beam_step,
    _draw_beams,
    {
        "greedy, sorted": WrongAnswer(
            _greedy_sorted,
            "Each beam is made longer by its own best word alone, and then they are sorted: nothing competes. Two "
            "winners "
            "may come from the same beginning.",
        ),
        "unsorted": WrongAnswer(
            _then(lambda best, beam, word, *_: tuple(t[(beam * 1000 + word).argsort()] for t in (best, beam, word))),
            "These are the right winners, but unsorted: the best should come first.",
        ),
        "worst first": WrongAnswer(
            _then(lambda best, beam, word, *_: (best.flip(0), beam.flip(0), word.flip(0))),
            "These are the right winners in the opposite order: the best should come first.",
        ),
        "table transposed": WrongAnswer(
            _table_transposed,
            "Your table is transposed, (n_words, width), before it is flattened: a place is then split up wrongly.",
        ),
        "true division": WrongAnswer(
            lambda totals, log_p: (
                beam_step(totals, log_p)[0],
                (totals[:, None] + log_p).flatten().topk(len(totals))[1] / log_p.shape[1],
                beam_step(totals, log_p)[2],
            ),
            "Which beginning it was is a whole number: `/` gives fractions. You need the whole division, `//`.",
        ),
        "normalised over everything": WrongAnswer(
            _beam_by(lambda totals, log_p: (totals + log_p).flatten().log_softmax(0).view_as(log_p)),
            "The order is right, but you normalise the whole table (log_softmax): totals stay sums of logarithms.",
        ),
        "probabilities": WrongAnswer(
            _beam_by(lambda totals, log_p: (totals + log_p).exp()),
            "The order is right, but the totals are probabilities (exp); they should stay logarithms.",
        ),
        "old totals alone": WrongAnswer(
            _then(lambda best, beam, word, totals, log_p: (totals[beam], beam, word)),
            "Beam and word are right, but you return the old totals: those of the longer beginnings are asked for.",
        ),
        "new words' part alone": WrongAnswer(
            _then(lambda best, beam, word, totals, log_p: (log_p[beam, word], beam, word)),
            "Beam and word are right, but you return the new words' log-probabilities alone, without the old totals.",
        ),
        "place for the word": WrongAnswer(
            _then(lambda best, beam, word, totals, log_p: (best, beam, beam * log_p.shape[1] + word)),
            "Your word is the place in the flattened table: what remains after the whole division (%) is the word.",
        ),
        "place for the beam": WrongAnswer(
            _then(lambda best, beam, word, totals, log_p: (best, beam * log_p.shape[1] + word, word)),
            "Your beam is the place in the flattened table: how often does n_words go into it (//)?",
        ),
        "one beam too many": WrongAnswer(
            _one_too_many,
            "You keep one winner too many: as many as there were beginnings.",
        ),
        "best of all": WrongAnswer(
            _then(lambda best, beam, word, *_: (best[:1], beam[:1], word[:1])),
            "You keep the best one alone; as many as there were beginnings are kept.",
        ),
        "smallest per word": WrongAnswer(
            lambda totals, log_p: beam_step(-totals, log_p),
            "The sign of the totals is wrong: they are log-probabilities, and are added.",
        ),
        "not accumulated": WrongAnswer(
            _beam_by(lambda totals, log_p: 0 * totals + log_p),
            "You compare the new words alone, or normalise each row again (log_softmax), which takes the old totals "
            "out. "
            "A likely word behind an unlikely beginning makes an unlikely sentence: the old totals belong to it.",
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
    hard={
        "where all winners come from one beginning": _draw_one_beam_wins,
        "where there are fewer words than beginnings": _draw_few_words,
        "where there is one beginning": lambda: (torch.tensor([-1.0]), torch.randn(1, 5).log_softmax(-1)),
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
