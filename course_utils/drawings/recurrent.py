"""Lecture 01: the unrolled network, two cells with gates, the encoder-decoder, and what its decoder reads."""

import math
from itertools import pairwise

from course_utils.drawings.canvas import LARGE, SMALL, TEXT, Drawing, Number

WORD = 21  # size of the words that are read and written


def unrolled() -> Drawing:
    """Draw the lecture's reading of "three thousand five", with its numbers."""
    drawing = Drawing(
        "A recurrent network, unrolled",
        "Three steps, one below the other. Each takes the vector x of its word (three 1 0, thousand 1 1, five 0 1) "
        "and the state h of the step before, starting from 0 0, and gives the next state: 0.76 0, then 0.88 0.76, "
        "then 0.41 0.88. The same matrices W and U are used at every step; only the state travels from one step to "
        "the next.",
        height=510,
    )
    rows, pitch = (190, 310, 430), 120
    read, step, state = 246, 484, 764
    drawing.words(112, 26, "word", TEXT, "muted")
    drawing.formula(read, 26, "x_t", LARGE, "muted")
    drawing.words(step, 26, "the same W and U at every step", TEXT, "muted")
    drawing.formula(state, 26, "h_t", LARGE, "muted")
    drawing.box(step, 310, 288, 356, "panel", None, 14)
    h: tuple[float, ...] = (0.0, 0.0)
    drawing.vector(state, rows[0] - pitch, h, 62, colour="muted", digits=2)
    drawing.formula(state + 80, rows[0] - pitch, "h_0", LARGE, "muted", "start")
    for number, (y, word, x) in enumerate(
        zip(rows, ("three", "thousand", "five"), ((1, 0), (1, 1), (0, 1)), strict=True), start=1
    ):
        drawing.words(162, y, word, WORD, anchor="end")
        drawing.line((172, y), (read - 34, y))
        drawing.vector(read, y, x)
        drawing.line((read + 33, y), (step - 125, y))
        drawing.line((state, y - pitch + 24), (state, y - 66), (step, y - 66), (step, y - 29))
        drawing.box(step, y, 248, 54, "paper", "ink")
        drawing.formula(step, y, '"tanh"(W x_t + U h_{t-1})', 22)
        h = tuple(math.tanh(new + old / 2) for new, old in zip(x, h, strict=True))
        drawing.line((step + 125, y), (state - 63, y))
        drawing.vector(state, y, h, 62, digits=2)
        drawing.formula(state + 80, y, f"h_{number}", anchor="start")
    drawing.words(state, rows[-1] + 46, "the state after 3005", TEXT, "muted")
    return drawing


def one_vector() -> Drawing:
    """Draw encoder and decoder as lecture 02 does, with one vector in place of the weights."""
    drawing = Drawing(
        "One vector between encoder and decoder",
        "Down the left side an encoder reads the English words three, hundred, forty, five, one state h after the "
        "other. Only the last state, h4, goes on: it is the one vector c, and the decoder's first state s0. On the "
        "right, the decoder reads c at each step, together with the word before: it begins with a start sign and "
        "writes drei, hundert, fünf, und, vierzig and an end sign. The states h1 to h3 are not used. Whatever the "
        "decoder is to know about the sentence has to pass through c.",
        height=616,
    )
    rows, steps = (198, 290, 382, 474), range(146, 542, 78)
    middle = 336
    h, c, state, word = 178, 452, 694, 860
    for x, name in ((h, "encoder"), (c, "one vector"), (state, "decoder")):
        drawing.words(x, 26, name, TEXT, "muted")
    drawing.box(c, middle, 150, 420, "value_tint", None, 12)
    for number, (name, y) in enumerate(zip(("three", "hundred", "forty", "five"), rows, strict=True), start=1):
        last = number == len(rows)
        drawing.words(118, y, name, WORD, anchor="end")
        drawing.line((123, y), (141, y))
        drawing.box(h, y, 72, 54, "paper", "ink")
        drawing.formula(h, y, f"h_{number}")
        if not last:
            drawing.line((h + 37, y), (h + 78, y), colour="line", head=False, dashed=True)
            drawing.words(h + 88, y, "unused", SMALL, "muted", "start")
    for above, below in pairwise(rows):
        drawing.line((h, above + 28), (h, below - 28))
    drawing.words(c, 162, "everything\npasses here", SMALL + 1, "muted")
    drawing.line((h + 37, rows[-1]), (c, rows[-1]), (c, middle + 37), colour="value", width=3.5, radius=24)
    start = state - 46, steps[0] - 72
    for x, y in (start, *((state, y) for y in steps)):
        drawing.curve((c + 32, middle), (x - 46, y), "value")
        drawing.line((x - 47, y), (x - 37, y), colour="value")
    drawing.box(*start, 72, 42, "paper", "value")
    drawing.formula(*start, "s_0")
    drawing.line((state - 20, steps[0] - 50), (state - 20, steps[0] - 25))
    drawing.circle(c, middle, 36, "paper", "value")
    drawing.formula(c, middle, "c", 28, "value")
    words = ("<bos>", "drei", "hundert", "fünf", "und", "vierzig", "<eos>")
    drawing.words(word, steps[0] - 78, words[0], WORD, "muted")
    for number, (name, y) in enumerate(zip(words[1:], steps, strict=True), start=1):
        drawing.line((word, y - 62), (word, y - 42), (state + 16, y - 42), (state + 16, y - 25), radius=10)
        drawing.box(state, y, 72, 48, "paper", "ink")
        drawing.formula(state, y, f"s_{number}")
        drawing.line((state + 37, y), (word - 48, y))
        drawing.words(word, y, name, WORD, "muted" if name == words[-1] else "ink")
        if number < len(steps):
            drawing.line((state - 20, y + 25), (state - 20, y + 53))
    drawing.formula(c - 40, 590, "[value|c] = h_4 = s_0")
    drawing.formula(state + 84, 590, 's_t = "GRU(["y_{t-1} ‖ [value|c]"]", s_{t-1})')
    return drawing


def teaching() -> Drawing:
    """Draw what the decoder reads while it is trained, and what it reads when it translates."""
    drawing = Drawing(
        "Teacher forcing beside free running",
        "Twice the same decoder, four steps from top to bottom; at each it reads a word and says one. Its first word "
        "is wrong both times: vier instead of fünf. On the left, in training, it nevertheless reads the right words, "
        "bos, fünf, und, vierzig, and says und, vierzig, eos. On the right, when it translates, it reads what it said "
        "itself, vier, and goes on with und, fünfzig, eos: one mistake has led to another.",
        height=496,
    )
    rows = (138, 234, 330, 426)
    right_words = ("fünf", "und", "vierzig", "<eos>")
    ways = (
        ("training: teacher forcing", "reads right words", ("vier", "und", "vierzig", "<eos>")),
        ("translating: free running", "reads its own words", ("vier", "und", "fünfzig", "<eos>")),
    )
    for left, (name, reading, said) in zip((0, 480), ways, strict=True):
        read, state, say = left + 102, left + 252, left + 398
        free = left > 0
        drawing.words(left + 240, 28, name, LARGE, bold=True)
        drawing.words(read, 76, reading, SMALL, "muted")
        drawing.words(say, 76, "says", SMALL, "muted")
        if not free:
            drawing.box(read, 282, 124, 358, "panel", None, 12)
        given = ("<bos>", *(said if free else right_words))
        for number, y in enumerate(rows):
            drawing.words(read, y, given[number], WORD)
            drawing.line((read + 50, y), (state - 37, y))
            drawing.box(state, y, 72, 54, "paper", "ink")
            drawing.formula(state, y, f"s_{number + 1}")
            drawing.line((state + 37, y), (say - 52, y))
            if said[number] != right_words[number]:
                drawing.box(say, y, 100, 40, "paper", "ink", dashed=True)
            drawing.words(say, y, said[number], WORD)
            if number == len(rows) - 1:
                continue
            drawing.line((state, y + 28), (state, y + 68))
            if free:
                drawing.line((say, y + 22), (say, y + 48), (read, y + 48), (read, y + 78))
    drawing.line((480, 50), (480, 470), colour="line", head=False)
    drawing.words(480, 482, "a dashed frame marks a wrong word", SMALL, "muted")
    return drawing


def gate(drawing: Drawing, x: Number, y: Number, name: str, side: Number, width: Number = 74) -> None:
    """Draw a times sign on a line, with the gate that multiplies there above (side < 0) or below it."""
    drawing.line((x, y + side), (x, y + math.copysign(13, side)), colour="weight")
    drawing.box(x, y + side, width, 38, "weight_tint", "weight", 19)
    drawing.formula(x, y + side, name, LARGE, "weight")
    drawing.operator(x, y, "×", "weight", 13)


def gru() -> Drawing:
    """Draw a GRU cell as the lecture's equations have it."""
    drawing = Drawing(
        "A GRU cell",
        "Along the top, the old state h runs straight to the new one: multiplied by the update gate z, then added "
        "to. Below, the candidate n is made: the old state, through a matrix and multiplied by the reset gate r, and "
        "the word x go through a tanh; n is multiplied by 1 minus z and added to the line above. Both gates are "
        "sigmoids of x and the old state. Where z is near 1 the old state stays and nothing is updated. The four "
        "equations are written below, without biases.",
        height=540,
    )
    top, low = 106, 250
    drawing.box(505, 178, 640, 324, "panel", None, 14)
    state(drawing, 90, top, "h_{t-1}")
    state(drawing, 890, top, "h_t")
    drawing.line((129, top), (851, top), width=3.5)
    drawing.line((90, top + 29), (90, low), (424, low))
    gate(drawing, 290, low, "r_t", 58)
    gate(drawing, 560, top, "z_t", -54)
    drawing.box(486, low, 118, 54, "paper", "ink")
    drawing.words(486, low, "tanh", TEXT)
    drawing.line((486, 376), (486, low + 29))
    drawing.formula(486, 392, "W_n x_t")
    drawing.formula(234, low - 22, "U_n h_{t-1}")
    drawing.line((546, low), (700, low), (700, top + 15))
    drawing.formula(583, low - 22, "n_t")
    gate(drawing, 640, low, "1 − z_t", 58, 102)
    drawing.operator(700, top, "+", radius=15)
    drawing.words(606, top - 54, "near 1: the old state stays", SMALL, "muted", "start")
    drawing.formula(206, 444, "[weight|r_t] = σ(W_r x_t + U_r h_{t-1})", 22, anchor="start")
    drawing.formula(206, 484, "[weight|z_t] = σ(W_z x_t + U_z h_{t-1})", 22, anchor="start")
    drawing.formula(506, 444, 'n_t = "tanh"(W_n x_t + [weight|r_t] ⊙ U_n h_{t-1})', 22, anchor="start")
    drawing.formula(506, 484, "h_t = (1 - [weight|z_t]) ⊙ n_t + [weight|z_t] ⊙ h_{t-1}", 22, anchor="start")
    drawing.words(505, 520, "biases are left out", SMALL, "muted")
    return drawing


def lstm() -> Drawing:
    """Draw an LSTM cell as the lecture's equations have it."""
    drawing = Drawing(
        "An LSTM cell",
        "Along the top, the memory c runs straight from left to right: multiplied by the forget gate f, then added "
        "to. Below, the candidate g is made of the word x and the old state h by a tanh; multiplied by the input "
        "gate i it is added to the memory. On the right the new memory, through a tanh and multiplied by the output "
        "gate o, becomes the new state h. The three gates are sigmoids of x and the old state. The equations are "
        "written below, without biases.",
        height=540,
    )
    top, low = 106, 250
    drawing.box(505, 178, 640, 324, "panel", None, 14)
    state(drawing, 90, top, "c_{t-1}")
    state(drawing, 890, top, "c_t")
    state(drawing, 90, low, "h_{t-1}")
    state(drawing, 890, low, "h_t")
    drawing.line((129, top), (851, top), width=3.5)
    gate(drawing, 320, top, "f_t", -54)
    drawing.line((129, low), (259, low))
    drawing.box(320, low, 118, 54, "paper", "ink")
    drawing.words(320, low, "tanh", TEXT)
    drawing.line((320, 376), (320, low + 29))
    drawing.formula(320, 392, "x_t")
    drawing.line((380, low), (540, low), (540, top + 15))
    drawing.formula(418, low - 22, "g_t")
    gate(drawing, 474, low, "i_t", 58)
    drawing.operator(540, top, "+", radius=15)
    drawing.line((660, top), (660, (top + low) / 2 - 20))
    drawing.line((660, (top + low) / 2 + 19), (660, low), (851, low))
    drawing.box(660, (top + low) / 2, 74, 38, "paper", "ink")
    drawing.words(660, (top + low) / 2, "tanh", TEXT)
    gate(drawing, 740, low, "o_t", 58)
    drawing.words(366, top - 54, "near 1: the memory stays", SMALL, "muted", "start")
    drawing.formula(176, 444, "[weight|f_t], [weight|i_t], [weight|o_t] = σ(W x_t + U h_{t-1})", 22, anchor="start")
    drawing.formula(176, 484, 'g_t = "tanh"(W_g x_t + U_g h_{t-1})', 22, anchor="start")
    drawing.words(505, 520, "each gate has a W and a U of its own; biases are left out", SMALL, "muted")
    drawing.formula(546, 444, "c_t = [weight|f_t] ⊙ c_{t-1} + [weight|i_t] ⊙ g_t", 22, anchor="start")
    drawing.formula(546, 484, 'h_t = [weight|o_t] ⊙ "tanh"(c_t)', 22, anchor="start")
    return drawing


def state(drawing: Drawing, x: Number, y: Number, name: str) -> None:
    """Draw a state that comes into a cell or leaves it."""
    drawing.box(x, y, 76, 56, "paper", "ink")
    drawing.formula(x, y, name)
