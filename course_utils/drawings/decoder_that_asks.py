"""Lecture 02: the decoder looks back at the states of the encoder before it writes the next word."""

from itertools import pairwise

from course_utils.drawings.canvas import LARGE, SMALL, TEXT, Drawing, Number, softmax

SOURCE = ("three", "hundred", "forty", "five")
ROWS = (142, 234, 326, 418)
WORD = 21  # size of the words that are read and written
UP, DOWN = -12, 15  # the two tracks of a row: keys above, values below


def writes_fuenf() -> Drawing:
    """Draw the third step: "fünf" is about to be written, and the decoder looks at "five"."""
    return _step(
        Drawing(
            "The decoder that asks",
            "Down the left side the English words three, hundred, forty, five, each with the state h of a "
            "bidirectional encoder. The decoder's state s2, which has just written the German word hundert, is the "
            "query: it is scored against each of the four states, giving −0.5, 0.2, 1.5 and 3.9. A softmax turns the "
            "scores into the weights 0.01, 0.02, 0.08 and 0.89, drawn as bars. Each state is multiplied by its "
            "weight and their sum is the context c3, nearly all of it from five. From the context, s2 and the word "
            "hundert comes the next state s3, which writes fünf: five, although forty stands before it in English.",
            height=530,
        ),
        step=3,
        scores=(-0.5, 0.2, 1.5, 3.9),
        words=("hundert", "fünf", "und …"),
    )


def writes_vierzig() -> Drawing:
    """Draw the fifth step: "vierzig" is about to be written, and the decoder looks back at "forty"."""
    return _step(
        Drawing(
            "The decoder that asks, two steps later",
            "The same drawing two steps later. The four English words and their states are the same; the query is "
            "now s4, which has just written und. The scores are −0.4, 0.3, 4.2 and 1.3, the weights 0.01, 0.02, 0.92 "
            "and 0.05: nearly all of the context c5 comes from forty, one row above five. The next state s5 writes "
            "vierzig, and the sentence ends.",
            height=530,
        ),
        step=5,
        scores=(-0.4, 0.3, 4.2, 1.3),
        words=("und", "vierzig", "<eos>"),
    )


def _step(drawing: Drawing, step: int, scores: tuple[Number, ...], words: tuple[str, str, str]) -> Drawing:
    """Draw one step of the decoder; the scores are invented so that it looks where the trained one does."""
    weights = softmax(scores)
    before, now, after = words
    middle = (ROWS[0] + ROWS[-1]) / 2
    h, score, weight, times, context, state, word = 172, 306, 448, 566, 654, 764, 868

    # Bands behind the columns in which all rows meet.
    drawing.box(score, middle + 2, 92, 370, "query_tint", None, 12)
    drawing.box(weight, middle + 2, 148, 370, "weight_tint", None, 12)
    for x, name in ((h, "encoder"), (score, "score"), (weight, "softmax"), (context, "context"), (state, "decoder")):
        drawing.words(x, 26, name, TEXT, "muted")

    # Encoder: words, states, one chain down and one up.
    for number, (name, y) in enumerate(zip(SOURCE, ROWS, strict=True), start=1):
        drawing.words(112, y, name, WORD, anchor="end")
        drawing.line((117, y), (135, y))
        drawing.box(h, y, 72, 54, "paper", "ink")
        drawing.formula(h, y, f"h_{number}")
    for above, below in pairwise(ROWS):
        drawing.line((h - 18, above + 28), (h - 18, below - 28), colour="muted")
        drawing.line((h + 18, below - 28), (h + 18, above + 28), colour="muted")

    # Each row: key to the score, score to the weight, value times weight, sum.
    for y, value, share in zip(ROWS, scores, weights, strict=True):
        drawing.line((h + 37, y + UP), (score - 32, y + UP), colour="key")
        drawing.box(score, y + UP, 62, 32, "paper", "line")
        drawing.words(score, y + UP, f"{value:.1f}".replace("-", "−"), TEXT)
        drawing.line((score + 32, y + UP), (weight - 63, y + UP))
        drawing.bar(weight, y + UP, 122, 26, share)
        drawing.line((h + 37, y + DOWN), (times - 12, y + DOWN), colour="value", head=False)
        drawing.line((weight + 62, y + UP), (times, y + UP), (times, y + DOWN - 13), colour="weight", radius=10)
        drawing.curve((times, y + DOWN), (context, middle), "value", 1.5 + 9 * share)
        drawing.operator(times, y + DOWN, "×", "value")

    # Decoder: the query above, the context from the left, the next word.
    drawing.line((state, ROWS[0] - 28), (state, 76), (score, 76), (score, middle - 184), colour="query", width=2.25)
    drawing.formula((score + state) / 2, 58, f'[query|"query "s_{step - 1}]')
    drawing.box(state, ROWS[0], 72, 54, "query_tint", "query")
    drawing.formula(state, ROWS[0], f"s_{step - 1}", colour="query")
    drawing.circle(context, middle, 32, "value_tint", "value")
    drawing.formula(context, middle, f"c_{step}", colour="value")
    drawing.line((context + 33, middle), (state - 37, middle), colour="value", width=2.25)
    drawing.box(state, middle, 72, 54, "paper", "ink")
    drawing.formula(state, middle, f"s_{step}")
    drawing.line((state - 12, ROWS[0] + 28), (state - 12, middle - 28))
    drawing.line((state + 37, ROWS[0]), (word - 48, ROWS[0]))
    drawing.words(word, ROWS[0], before, WORD)
    drawing.line((word, ROWS[0] + 20), (word, 196), (state + 16, 196), (state + 16, middle - 28))
    drawing.line((state + 37, middle), (word - 48, middle))
    drawing.box(word, middle, 90, 40, "ink", None)
    drawing.words(word, middle, now, WORD, "paper", bold=True)

    # What comes after.
    drawing.line((state, middle + 28), (state, ROWS[-1] - 28), colour="line")
    drawing.box(state, ROWS[-1], 72, 54, "paper", "line", dashed=True)
    drawing.formula(state, ROWS[-1], f"s_{step + 1}", colour="muted")
    drawing.line((state + 37, ROWS[-1]), (word - 48, ROWS[-1]), colour="line")
    drawing.words(word, ROWS[-1], after, WORD, "muted")

    drawing.words(h - 8, 494, "bidirectional GRU", SMALL, "muted")
    drawing.formula(score, 494, f"f([key|h_j], [query|s_{step - 1}])", 22)
    drawing.formula(weight, 494, "[weight|α_j]", LARGE)
    drawing.formula(context, 494, f"[value|c_{step}] = Σ_j [weight|α_j] [value|h_j]", LARGE)
    return drawing
