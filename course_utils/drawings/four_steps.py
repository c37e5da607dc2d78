"""Lecture 05: self-attention on three words of two numbers, with all the numbers that the lecture works out."""

import math
from collections.abc import Sequence

from course_utils.drawings.canvas import LARGE, SMALL, TEXT, Drawing, Number, softmax

X = ((1, 0), (0, 1), (1, 1))  # one row per word
W_QUERY = ((1, 0), (0, 2))
W_KEY = ((0, 1), (1, 0))
W_VALUE = ((10, 0), (0, 1))
CELL, HIGH = 54, 44
Matrix = Sequence[Sequence[Number]]


def product(left: Matrix, right: Matrix) -> Matrix:
    """Multiply two small matrices."""
    return [
        [sum(a * b for a, b in zip(row, column, strict=True)) for column in zip(*right, strict=True)] for row in left
    ]


def draw() -> Drawing:
    """Draw X, its three projections, scores, weights and context, the first word's row in bold."""
    drawing = Drawing(
        "Self-attention in four steps, with its numbers",
        "Seven small matrices from left to right. X has one row per word: 1 0, 0 1, 1 1. Three matrices make queries, "
        "keys and values of it. Queries times keys, transposed, are the scores, three by three; the first row is 0 1 "
        "1. Divided by the root of two, a softmax makes each row weights that sum to one: the first is 0.20 0.40 0.40. "
        "Weights times values are the context, one row per word: 5.99 0.80, then 8.92 0.55, then 8.60 0.72. The row of "
        "the first word is bold in each matrix that has a row for who asks.",
        height=584,
    )
    query, keys, values = (product(X, matrix) for matrix in (W_QUERY, W_KEY, W_VALUE))
    scores = product(query, list(zip(*keys, strict=True)))
    weights = [softmax([score / math.sqrt(2) for score in row]) for row in scores]
    context = product(weights, values)

    words, projected, scored, weighed, summed = 84, 290, 492, 724, 886
    above, middle, below = 118, 304, 490
    for y, matrix, letter, colour, name in (
        (above, query, "Q", "query", "queries"),
        (middle, keys, "K", "key", "keys"),
        (below, values, "V", "value", "values"),
    ):
        drawing.curve((words + CELL + 4, middle), (projected - CELL - 12, y), colour, 2.25)
        drawing.line((projected - CELL - 14, y), (projected - CELL - 4, y), colour=colour)
        drawing.formula(projected - CELL - 42, y + (26 if letter == "V" else -26), f"W_{letter}", LARGE, colour)
        table(drawing, projected, y, matrix, colour, bold=letter == "Q")
        drawing.words(projected, y - 84, name, TEXT, colour)
    table(drawing, words, middle, X, "ink", bold=True)
    drawing.formula(words, middle - 84, "X")
    drawing.words(words, middle + 94, "one row\nper word", SMALL, "muted")

    lane = (above + middle) / 2
    drawing.line((projected + CELL + 4, above), (scored, above), (scored, lane - 70), colour="query", radius=20)
    drawing.line((projected + CELL + 4, middle), (scored, middle), (scored, lane + 70), colour="key", radius=20)
    table(drawing, scored, lane, scores, "ink", bold=True)
    drawing.formula(scored + 36, above - 22, "[query|Q] [key|K]^⊤", LARGE, anchor="start")
    drawing.words(scored + 36, above + 8, "scores", TEXT, "muted", "start")
    drawing.line((scored + 1.5 * CELL + 4, lane), (weighed - 1.5 * CELL - 4, lane))
    drawing.formula((scored + weighed) / 2, lane - 24, '"÷"√2')
    drawing.words((scored + weighed) / 2, lane + 22, "softmax", SMALL)
    table(drawing, weighed, lane, weights, "weight", bold=True, digits=2)
    drawing.words(weighed, lane - 84, "weights", TEXT, "weight")

    drawing.line((weighed, lane + 70), (weighed, below - 14), (summed - CELL - 14, below - 14), colour="weight")
    drawing.line((projected + CELL + 4, below + 14), (summed - CELL - 14, below + 14), colour="value")
    table(drawing, summed - 4, below, context, "value", bold=True, digits=2)
    drawing.words(summed - 4, below - 84, "context", TEXT, "value")
    drawing.formula(580, below + 56, '"softmax"([query|Q] [key|K]^⊤ / √2) [value|V]')
    return drawing


def table(
    drawing: Drawing, x: Number, y: Number, matrix: Matrix, colour: str, bold: bool = False, digits: int = 0
) -> None:
    """Draw a matrix around the centre (x, y), one box per number; weights are filled by how much they are."""
    columns = len(matrix[0])
    for row, numbers in enumerate(matrix):
        for column, number in enumerate(numbers):
            where = (x + (column - (columns - 1) / 2) * CELL, y + (row - (len(matrix) - 1) / 2) * HIGH)
            ground = "paper" if colour in ("ink", "weight") else f"{colour}_tint"
            drawing.box(*where, CELL - 4, HIGH - 4, ground, colour, 6)
            if colour == "weight":
                drawing.box(*where, CELL - 4, HIGH - 4, colour, None, 6, strength=0.8 * number)
            drawing.words(*where, f"{number:.{digits}f}", 17 if digits else TEXT, bold=bold and row == 0)
