"""The whole course at a glance: one function, six ways to choose its score and its mask."""

import math
from collections.abc import Callable

from course_utils.drawings.canvas import SMALL, Drawing, softmax

N = 8  # queries and keys
CELL = 18
LETTERS = 22
COLUMN, ROW = 320, 300  # what one map takes with all that is written around it
TOP = 62  # of a map in its row
MAPS = (
    # name, lines below the map: the score, the mask
    ("last state", "f = 0", "the last position"),
    ("Bahdanau", 'v^⊤"tanh"(Wq + Uk)', "padding"),
    ("documents", 'u^⊤"tanh"(Wk + b)', "padding"),
    ("convolution", "f(j − i)", "a window"),
    ("Transformer", "q · k / √d_k", "padding, causal"),
    ("graph attention", '"LeakyReLU"(a^⊤"["q‖k"]")', "the graph's edges"),
)
ALIGNED = (0, 1, 3, 2, 4, 6, 5, 7)  # which source word each target word translates
LEARNED = (0.2, 1.6, -1.0, 0.3, 2.4, -0.5, 0.9, 0.0)  # scores of a learned query
EDGES = {(0, 1), (0, 4), (1, 2), (2, 5), (3, 4), (3, 6), (4, 7), (5, 6), (6, 7)}


def weights() -> list[list[list[float | None]]]:
    """Give the six maps, one row per query: a weight per key, None where the mask forbids it."""
    keys = range(N)

    def rows(score: Callable[[int, int], float], allowed: Callable[[int, int], bool]) -> list[list[float | None]]:
        return [_row([score(i, j) if allowed(i, j) else None for j in keys]) for i in keys]

    def mixed(i: int, j: int) -> float:
        return 1.5 * math.sin(2.3 * i + 1.7 * j)

    return [
        rows(lambda i, j: 0.0, lambda i, j: j == N - 1),
        rows(lambda i, j: -2.2 * min(abs(ALIGNED[i] - j), 2), lambda i, j: True),
        [_row(list(LEARNED))],
        rows(lambda i, j: -0.7 * abs(i - j), lambda i, j: abs(i - j) <= 1),
        rows(mixed, lambda i, j: j <= i),
        rows(mixed, lambda i, j: i == j or (i, j) in EDGES or (j, i) in EDGES),
    ]


def _row(scores: list[float | None]) -> list[float | None]:
    shares = iter(softmax([score for score in scores if score is not None]))
    return [None if score is None else next(shares) for score in scores]


def draw() -> Drawing:
    """Draw the six maps in two rows of three."""
    drawing = Drawing(
        "One function, six masks",
        "Six maps of weights, one per lecture; in each, a row is a query, a column is a key, and a stronger colour is "
        "a larger weight. Last state: every query gives all its weight to the last key. Bahdanau: the weights follow "
        "the word order of the two languages and cross where it changes. Documents: a single row, the learned query. "
        "Convolution: a band of three along the diagonal, weighted by the offset alone. Transformer: a triangle, each "
        "position sees itself and what came before. Graph attention: scattered cells, one for each edge. Below each "
        "map are its score and its mask.",
        height=2 * ROW + 36,
    )
    for number, ((name, score, mask), rows) in enumerate(zip(MAPS, weights(), strict=True)):
        x, y = COLUMN * (number % 3 + 0.5), ROW * (number // 3)
        drawing.words(x, y + 40, f"0{number + 1} {name}", LETTERS, bold=True)
        side = CELL * N
        top = y + TOP + (side - CELL * len(rows)) / 2
        for i, row in enumerate(rows):
            for j, weight in enumerate(row):
                cell = (x - side / 2 + CELL * (j + 0.5), top + CELL * (i + 0.5))
                drawing.box(*cell, CELL - 2, CELL - 2, "panel", None, 3)
                if weight is not None:
                    drawing.box(*cell, CELL - 2, CELL - 2, "weight", None, 3, strength=0.12 + 0.88 * weight)
        drawing.formula(x, y + TOP + side + 34, score, LETTERS)
        drawing.words(x, y + TOP + side + 66, mask, SMALL, "muted")
    legend = "Each row is a query, each column a key; the stronger its colour, the larger the weight."
    drawing.words(1.5 * COLUMN, 2 * ROW + 8, legend, SMALL, "muted")
    return drawing


def equation() -> Drawing:
    """Draw the equation of the course: one query, three keys, three values, one answer."""
    drawing = Drawing(
        "One query, three keys, three values",
        "From left to right: a query q is compared with three keys by the score f. A softmax makes three weights of "
        "the scores, drawn as bars; the first is the largest. Each weight says how strongly the value beside it goes "
        "into the sum A, drawn by the width of its line.",
        height=300,
    )
    rows = (108, 186, 264)
    query, key, bar, value, answer = 82, 286, 500, 700, 876
    heads = (
        (query, "the query\nasks", "query"),
        (key, "keys decide\nwho answers", "key"),
        (bar, "softmax:\nweights", "weight"),
        (value, "values are\nthe answers", "value"),
        (answer, "their\naverage", "ink"),
    )
    for x, name, colour in heads:
        drawing.words(x, 36, name, 21, colour)
    drawing.box(query, rows[1], 66, 56, "query_tint", "query")
    drawing.formula(query, rows[1], "q", 28, "query")
    for number, (y, weight) in enumerate(zip(rows, softmax([1.2, 0.2, -0.6]), strict=True), start=1):
        drawing.curve((query + 34, rows[1]), (key - 35, y), "query")
        drawing.box(key, y, 68, 48, "key_tint", "key")
        drawing.formula(key, y, f"k_{number}", 26)
        drawing.line((key + 35, y), (bar - 57, y), colour="key")
        drawing.formula((key + bar) / 2 - 10, y - 17, "f", 22)
        drawing.bar(bar, y, 112, 28, weight)
        drawing.line((bar + 58, y), (value - 35, y), colour="weight")
        drawing.box(value, y, 68, 48, "value_tint", "value")
        drawing.formula(value, y, f"v_{number}", 26, "value")
        drawing.curve((value + 35, y), (answer - 36, rows[1]), "value", 1.5 + 8 * weight)
    drawing.circle(answer, rows[1], 36, "value_tint", "value")
    drawing.formula(answer, rows[1], "A", 28, "value")
    return drawing
