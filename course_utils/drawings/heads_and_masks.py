"""Lecture 05: a width cut into heads, and the triangle that hides what is not written yet."""

from itertools import product

from course_utils.drawings.canvas import LARGE, SMALL, TEXT, Drawing, Number, softmax

N_WORDS, N_HEADS, D_HEAD = 4, 4, 2
CELL = 24
LOOKS_AT = ("the word itself", "the word before", "the first word", "all alike")
READ = ("<bos>", "drei", "hundert", "fünf", "und")
NEXT = ("drei", "hundert", "fünf", "und", "vierzig")


def heads() -> Drawing:
    """Draw how one width is cut into four heads, each with a map of its own, and joined again."""
    drawing = Drawing(
        "One width, cut into four heads",
        "Left, four words are the rows of a table that is eight numbers wide. It is cut into four slices of two "
        "columns. Each slice is a head with its own map of four by four weights, drawn as squares, dark for much: "
        "the first looks at the word itself, the second at the word before, the third at the first word, the fourth "
        "at all alike. Each head gives a slice of two columns; side by side the four slices are as wide as before, "
        "and the matrix W_O mixes them.",
        height=590,
    )
    middle, half = 306, N_HEADS * D_HEAD * CELL / 2
    whole, cut, maps, result, joined = 132, 346, 498, 650, 840
    drawing.formula(whole, 26, "[query|q], [key|K], [value|V]")
    for x, name in ((cut, "cut"), (maps, "weights"), (result, "context"), (joined, "joined")):
        drawing.words(x, 26, name, TEXT, "muted")
    for head in range(N_HEADS):
        y = 110 + head * 131
        inner = middle + (head - 1.5) * CELL
        drawing.curve((whole + half + 6, inner), (cut - CELL - 8, y))
        table(drawing, cut, y, [head])
        drawing.line((cut + CELL + 6, y), (maps - 2 * CELL - 4, y))
        attention_map(drawing, maps, y, head)
        drawing.words(maps, y + 2 * CELL + 16, LOOKS_AT[head], SMALL, "muted")
        drawing.line((maps + 2 * CELL + 4, y), (result - CELL - 4, y))
        table(drawing, result, y, [head])
        drawing.curve((result + CELL + 6, y), (joined - half - 6, inner))
    for x in (whole, joined):
        table(drawing, x, middle, list(range(N_HEADS)))
        drawing.words(x, middle - 74, "width 8", SMALL, "muted")
    drawing.words(whole, middle + 76, "one row per word", SMALL, "muted")
    drawing.formula(joined, middle + 80, '"then "W_O', LARGE)
    return drawing


def table(drawing: Drawing, x: Number, y: Number, of: list[int]) -> None:
    """Draw the columns of some heads around the centre (x, y), one row per word; each head in its own grey."""
    for place, head in enumerate(of):
        for row, column in product(range(N_WORDS), range(D_HEAD)):
            where = (
                x + (place * D_HEAD + column - (len(of) * D_HEAD - 1) / 2) * CELL,
                y + (row - (N_WORDS - 1) / 2) * CELL,
            )
            drawing.box(*where, CELL - 3, CELL - 3, "muted", None, 4, strength=(0.9, 0.35, 0.7, 0.2)[head])


def attention_map(drawing: Drawing, x: Number, y: Number, head: int) -> None:
    """Draw the weights of a head: on the word itself, the word before, the first word, or on all alike."""
    for row in range(N_WORDS):
        favourite = (row, max(row - 1, 0), 0, -1)[head]
        weights = softmax([2.8 * (column == favourite) for column in range(N_WORDS)])
        for column, weight in enumerate(weights):
            where = x + (column - (N_WORDS - 1) / 2) * CELL, y + (row - (N_WORDS - 1) / 2) * CELL
            drawing.box(*where, CELL - 3, CELL - 3, "paper", None, 4)
            drawing.box(*where, CELL - 3, CELL - 3, "weight", None, 4, strength=weight)


def triangle() -> Drawing:
    """Draw the causal mask with the weights of equal scores."""
    drawing = Drawing(
        "The causal triangle",
        "Five queries down, five keys across, both the words start, drei, hundert, fünf, und. A word may look at "
        "itself and at the words before it: the cells below the diagonal and on it are filled, those above are "
        "crossed out. With equal scores each row shares its weight equally: 1; then twice 0.50; three times 0.33; "
        "four times 0.25; five times 0.20. On the right, the next word that each row must predict: drei, hundert, "
        "fünf, und, vierzig. Every row is trained at the same time, and none sees its answer.",
        height=540,
    )
    wide, high, left, top = 96, 74, 190, 118
    for row, (asks, answer) in enumerate(zip(READ, NEXT, strict=True)):
        y = top + high * (row + 0.5)
        drawing.words(left - 20, y, asks, 21, anchor="end")
        drawing.words(left + wide * (row + 0.5), top - 26, asks, TEXT, "key")
        for column in range(len(READ)):
            x = left + wide * (column + 0.5)
            if column > row:
                drawing.box(x, y, wide - 6, high - 6, "panel", None, 8)
                drawing.line((x - 9, y - 9), (x + 9, y + 9), colour="line", head=False)
                drawing.line((x - 9, y + 9), (x + 9, y - 9), colour="line", head=False)
                continue
            weight = 1 / (row + 1)
            drawing.box(x, y, wide - 6, high - 6, "paper", "weight", 8)
            drawing.box(x, y, wide - 6, high - 6, "weight", None, 8, strength=weight)
            drawing.words(x, y, f"{weight:.2f}", TEXT, "paper" if weight == 1 else "ink")
        drawing.line((left + wide * len(READ) + 8, y), (left + wide * len(READ) + 40, y))
        drawing.words(left + wide * len(READ) + 52, y, answer, 21, anchor="start", bold=True)
    drawing.words(left - 20, top - 26, "query", TEXT, "query", "end")
    drawing.words(left + wide * 2.5, 36, "key", TEXT, "key")
    drawing.words(left + wide * 5 + 52, top - 26, "must predict", TEXT, "muted", "start")
    drawing.words(left + wide * 2.5, 514, "shown for equal scores; crossed out: not written yet", TEXT, "muted")
    return drawing
