"""Lecture 04: a window that slides, how far stacks of windows reach, and Kim's network for text."""

from itertools import product

from course_utils.drawings.canvas import LARGE, SMALL, TEXT, Drawing

WORDS = ("not", "a", "good", "film", "but", "a", "short", "one")
KERNEL = (0.25, 0.5, 0.25)  # invented


def window() -> Drawing:
    """Draw one kernel of width three at two positions of a sentence."""
    drawing = Drawing(
        "A window that slides along the sentence",
        "Eight words, one below the other: not a good film but a short one. The output at good is a weighted sum of "
        "a, good and film; the output at short is a weighted sum of a, short and one, with the same three weights in "
        "the same order. The weights depend only on how far a word is from the middle, not on what it says; words "
        "outside the window have no part in it.",
        height=560,
    )
    pitch, top = 60, 84
    word, x, chip, out = 144, 196, 326, 620
    rows = [top + pitch * place for place in range(len(WORDS))]
    drawing.formula(x, 26, "x_j", LARGE, "muted")
    drawing.words(chip, 26, "kernel", TEXT, "muted")
    drawing.formula(out, 26, "y_i", LARGE, "muted")
    for middle in (2, 6):
        drawing.box(352, rows[middle], 640, 3 * pitch - 8, "weight_tint", None, 14)
    for place, (y, name) in enumerate(zip(rows, WORDS, strict=True)):
        seen = place in (2, 6)
        drawing.words(word, y, name, 21, anchor="end")
        drawing.box(x, y, 60, 40, "paper", "ink")
        if seen:
            for offset, weight, letter in zip((-1, 0, 1), KERNEL, ("a_{-1}", "a_0", "a_1"), strict=True):
                start = rows[place + offset]
                drawing.line((x + 31, start), (chip - 39, start), colour="value", head=False)
                drawing.curve((chip + 39, start), (out - 30, y), "value", 1.5 + 9 * weight)
                drawing.box(chip, start, 78, 34, "paper", "weight", 17)
                drawing.formula(chip, start, letter, LARGE, "weight")
        drawing.box(out, y, 60, 40, "value_tint" if seen else "paper", "value" if seen else "line", dashed=not seen)
    drawing.formula(out + 70, rows[2], "y_i = Σ_j [weight|a_{j-i}] [value|V x_j]", LARGE, anchor="start")
    drawing.words(out + 70, rows[6], "the same three\nweights, moved", TEXT, "muted", "start")
    return drawing


def pyramids() -> Drawing:
    """Draw how far back the last position sees: three plain layers, and two of which one is dilated."""
    drawing = Drawing(
        "How far a stack of windows reaches",
        "Two stacks of causal convolutions of width three over nine positions, the last at the bottom. Left, three "
        "layers without gaps, nine weights per channel: the last output depends on the last seven positions. Right, "
        "two layers, the second with dilation three, six weights: the last output depends on all nine.",
        height=540,
    )
    n, pitch, top = 9, 46, 96
    rows = [top + pitch * place for place in range(n)]
    for left, step, dilations, says in ((70, 118, (1, 1, 1), "7 positions"), (560, 150, (1, 3), "9 positions")):
        columns = [left + step * layer for layer in range(len(dilations) + 1)]
        reached = {n - 1}
        levels = [reached]
        for dilation in reversed(dilations):
            reached = {place - dilation * tap for place, tap in product(reached, range(3)) if place >= dilation * tap}
            levels.append(reached)
        levels.reverse()
        for layer, dilation in enumerate(dilations):
            for place, tap in product(levels[layer + 1], range(3)):
                if place >= dilation * tap:
                    start = (columns[layer] + 13, rows[place - dilation * tap])
                    drawing.curve(start, (columns[layer + 1] - 13, rows[place]), "value", 2)
            drawing.words((columns[layer] + columns[layer + 1]) / 2, 58, f"dilation {dilation}", SMALL, "muted")
        for layer, x in enumerate(columns):
            for place, y in enumerate(rows):
                seen = place in levels[layer]
                last = layer == len(dilations) and seen
                drawing.circle(
                    x,
                    y,
                    12,
                    "ink" if last else "value_tint" if seen else "paper",
                    "ink" if last else "value" if seen else "line",
                )
        drawing.words((columns[0] + columns[-1]) / 2, 24, f"{says} for {3 * len(dilations)} weights", TEXT, bold=True)
        drawing.words(columns[0], rows[-1] + 38, "input", SMALL, "muted")
        drawing.words(columns[-1], rows[-1] + 38, "output", SMALL, "muted")
    return drawing


def text_cnn() -> Drawing:
    """Draw Kim's TextCNN: windows of three widths, the largest answer of each filter, a linear layer."""
    drawing = Drawing(
        "TextCNN: the strongest answer of each filter",
        "Eight words, one below the other, each embedded: not a good film but a short one. Filters of width 3, 4 and "
        "5 slide along them; the first position of width 3, not a good, is outlined. Each filter gives one answer "
        "per position, drawn as a column of which the strongest is dark. Only that one, the maximum over the "
        "sentence, is kept. The kept numbers of all filters together go through a linear layer and give the class.",
        height=560,
    )
    pitch, top = 58, 92
    rows = [top + pitch * place for place in range(len(WORDS))]
    word, x = 100, 182
    drawing.words(word - 30, 26, "words", TEXT, "muted")
    drawing.words(x, 26, "embed", TEXT, "muted")
    drawing.words(430, 26, "filters slide", TEXT, "muted")
    drawing.words(700, 26, "maximum", TEXT, "muted")
    drawing.words(876, 26, "class", TEXT, "muted")
    middle = (rows[0] + rows[-1]) / 2
    drawing.box(700, middle, 66, 182, "panel", None, 12)
    for y, name in zip(rows, WORDS, strict=True):
        drawing.words(word + 10, y, name, 21, anchor="end")
        drawing.vector_blank(x, y, 4)
    for number, (width, first) in enumerate(((3, 0), (4, 2), (5, 3))):
        column = 340 + 92 * number
        positions = len(WORDS) - width + 1
        answers = [0.12 + 0.1 * ((3 * place + number) % 3) for place in range(positions)]
        answers[first] = 1.0
        where = [rows[0] + pitch * (place + (width - 1) / 2) for place in range(positions)]
        for centre, strength in zip(where, answers, strict=True):
            drawing.box(column, centre, 40, 34, "paper", "line", 6)
            drawing.box(column, centre, 40, 34, "value", None, 6, strength=strength)
        drawing.words(column, 64, f"width {width}", SMALL, "muted")
        target = middle + (number - 1) * 58
        drawing.line((column + 21, where[first]), (566, where[first]), colour="value", width=2.25, head=False)
        drawing.curve((566, where[first]), (700 - 24, target), "value", 2.25)
        drawing.box(700, target, 46, 46, "value", "value", 6)
    drawing.box(x, rows[1], 116, 3 * pitch - 8, "weight_tint", "weight", 10, strength=0)
    drawing.line((x + 59, rows[1]), (340 - 21, rows[1]), colour="weight")
    drawing.line((734, middle), (802, middle))
    drawing.formula(766, middle - 24, "W", LARGE)
    drawing.words(700, rows[-1] - 24, "one filter of each width is drawn;\nthe network has many", SMALL, "muted")
    drawing.box(864, middle, 122, 48, "ink", None)
    drawing.words(864, middle, "negative", TEXT, "paper", bold=True)
    return drawing
