"""Lecture 05: every word asks and every word answers, and what an encoder without positions makes of a sentence."""

from itertools import product

from course_utils.drawings.canvas import LARGE, SMALL, TEXT, Drawing

WORDS = ("three", "hundred", "five")


def everybody() -> Drawing:
    """Draw three words twice, as those who ask and as those who answer, and a score for every pair."""
    drawing = Drawing(
        "Every word asks, every word answers",
        "The same three words twice, three, hundred and five, one below the other. On the left each word asks: the "
        "matrix W_Q makes its query. On the right each word answers: W_K makes the key by which it is found, and W_V "
        "the value that it gives. A line joins every query with every key, nine in all; those of hundred are bold.",
        height=356,
    )
    asks, query, key, value, answers = 84, 250, 552, 700, 876
    rows = [118 + 76 * place for place in range(len(WORDS))]
    for x, says, colour, formula in (
        (query, "asks", "query", "[query|q] = x W_Q"),
        (key, "is found by", "key", "[key|k] = x W_K"),
        (value, "gives", "value", "[value|v] = x W_V"),
    ):
        drawing.words(x, 26, says, LARGE, colour, bold=True)
        drawing.formula(x, 60, formula, LARGE)
    for asked, answered in product(rows, rows):
        bold = asked == rows[1]
        ends = (query + 34, asked), (key - 34, answered)
        drawing.line(*ends, colour="query" if bold else "line", width=2.75 if bold else 1.25, head=bold)
    for number, (y, word) in enumerate(zip(rows, WORDS, strict=True), start=1):
        for x in asks, answers:
            drawing.box(x, y, 124, 48, "paper", "ink")
            drawing.words(x, y, word, 21)
        drawing.line((asks + 63, y), (query - 34, y), colour="query")
        drawing.line((answers - 63, y - 8), (value + 34, y - 8), colour="value")
        drawing.line(
            (answers - 63, y + 14),
            (value + 58, y + 14),
            (value + 58, y + 33),
            (key, y + 33),
            (key, y + 24),
            colour="key",
        )
        for x, letter, colour in ((query, "q", "query"), (key, "k", "key"), (value, "v", "value")):
            drawing.box(x, y, 64, 46, f"{colour}_tint", colour)
            drawing.formula(x, y, f"{letter}_{number}", LARGE)
    drawing.words((query + key) / 2, 332, "nine scores q · k, one per pair", SMALL, "muted")
    for x in asks, answers:
        drawing.words(x, 332, "the same words", SMALL, "muted")
    return drawing


def bag() -> Drawing:
    """Draw two numbers whose words are the same, and the one answer that both get."""
    drawing = Drawing(
        "Two sentences, one bag, one answer",
        "Left, two sentences: 203 is two hundred three, and 302 is three hundred two. Both fill the same bag, in the "
        "middle, with the words two, three and hundred in no order. From the bag comes one answer, zwei hundert drei, "
        "which is right for 203 and wrong for 302.",
        height=340,
    )
    middle, sack, answer = 168, 566, 832
    for y, number, sentence in ((96, "203", "two hundred three"), (240, "302", "three hundred two")):
        drawing.words(12, y, number, 26, anchor="start", bold=True)
        for place, word in enumerate(sentence.split()):
            drawing.box(128 + 110 * place, y, 104, 48, "paper", "ink")
            drawing.words(128 + 110 * place, y, word, 21)
        drawing.curve((404, y), (sack - 84, middle), "ink", 4)
    drawing.box(sack, middle, 168, 196, "panel", "ink", 56)
    for x, y, word in ((-30, -48, "three"), (26, 4, "hundred"), (-28, 54, "two")):
        drawing.words(sack + x, middle + y, word, 21)
    drawing.line((sack + 86, middle), (answer - 114, middle), width=2.5)
    drawing.box(answer, middle, 226, 56, "ink", None)
    drawing.words(answer, middle, "zwei hundert drei", TEXT, "paper", bold=True)
    drawing.words(answer, middle + 66, "right for 203,\nwrong for 302", TEXT)
    drawing.words(sack, 314, "one bag", TEXT, "muted")
    drawing.words(answer, 314, "one answer", TEXT, "muted")
    return drawing
