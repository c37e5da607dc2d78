"""Lecture 01: how much room the one vector has, and how the experiment makes it smaller."""

import math

from course_utils.drawings.canvas import LARGE, TEXT, Drawing

NUMBERS, BITS, DIGITS = 128, 32, 12  # of the state, of each of its numbers, of the number to be written


def bits() -> Drawing:
    """Draw the state as a grid with one cell per number, and fill what a number of twelve digits needs."""
    needed, columns = DIGITS * math.log2(10), 16
    drawing = Drawing(
        "A number of twelve digits in the state",
        f"A grid of {NUMBERS} cells, one for each number of the state, each of {BITS} bits: {NUMBERS * BITS:,} bits. "
        f"A number of {DIGITS} digits needs {needed:.0f} bits: the first cell is filled, and a quarter of the second. "
        "All other cells are empty.",
        height=344,
    )
    pitch, line, left, top = 52, 30, 64, 96
    drawing.words(left, 30, f"{DIGITS} digits: {needed:.0f} bits", LARGE, "value", "start", bold=True)
    drawing.line((left + 40, 46), (left + 40, top - 6), colour="value", width=2.25)
    state = f"the state: {NUMBERS} numbers of {BITS} bits, {NUMBERS * BITS:,} bits"
    drawing.words(left + columns * pitch, 30, state, LARGE, "muted", "end")
    for number in range(NUMBERS):
        row, column = divmod(number, columns)
        x, y, width = left + pitch * (column + 0.5), top + line * (row + 0.5), pitch - 8
        drawing.box(x, y, width, line - 7, "panel", "line", 4)
        share = min(needed / BITS - number, 1)
        if share > 0:
            drawing.box(x - width * (1 - share) / 2, y, width * share, line - 7, "value", None, 4)
    return drawing


def squeeze() -> Drawing:
    """Draw the two matrices between encoder and decoder."""
    drawing = Drawing(
        "The vector, squeezed between encoder and decoder",
        "On the left the encoder with its last state h of 128 entries, drawn as a tall column. The matrix S narrows "
        "it to a short column of r entries, and the matrix E widens these to the 128 entries c that the decoder "
        "expects. Encoder and decoder stay as they are; only r changes.",
        height=288,
    )
    middle, tall, short = 126, 220, 52
    encoder, last, small, vector, decoder = 92, 262, 480, 698, 868
    for x, name in ((encoder, "encoder"), (decoder, "decoder")):
        drawing.box(x, middle, 136, 62, "paper", "ink")
        drawing.words(x, middle, name, LARGE)
    drawing.line((encoder + 69, middle), (last - 27, middle))
    drawing.line((vector + 26, middle), (decoder - 69, middle))
    for way in (-1, 1):
        edge, waist = middle + way * tall / 2, middle + way * short / 2
        for outer, inner in ((last + 26, small - 26), (vector - 26, small + 26)):
            drawing.line((outer, edge), (inner, waist), colour="value", head=False)
    for x, height, name in ((last, tall, "h_n"), (small, short, "Sh_n"), (vector, tall, "c")):
        drawing.box(x, middle, 52, height, "value_tint", "value")
        drawing.formula(x, middle, name, 26 if height == tall else 22, "value")
    drawing.formula((last + small) / 2, middle, "S", 28)
    drawing.formula((small + vector) / 2, middle, "E", 28)
    for x in (last, vector):
        drawing.words(x, 266, "128 entries", TEXT, "muted")
    drawing.words(small, 266, "r entries", TEXT, "value", bold=True)
    return drawing
