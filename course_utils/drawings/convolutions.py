"""Lecture 04: windows and their reach, ways through a sentence, two markers, a dictionary, a scan, Kim's network."""

from collections.abc import Sequence
from itertools import pairwise, product

from course_utils.drawings.canvas import LARGE, SMALL, TEXT, Drawing, Number, softmax

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
        "5 slide along them; the first window of width 3, not a good, is outlined. Each filter gives one answer per "
        "word, where its window begins; behind the last word it runs over zeros. The answers are drawn as a column "
        "of which the strongest is dark. Only that one, the maximum over the sentence, is kept. The kept numbers of "
        "all filters together go through a linear layer and give the class.",
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
        answers = [0.12 + 0.1 * ((place + number) % 3) for place in range(len(WORDS))]
        answers[first] = 1.0
        for y, strength in zip(rows, answers, strict=True):
            drawing.box(column, y, 40, 34, "paper", "line", 6)
            drawing.box(column, y, 40, 34, "value", None, 6, strength=strength)
        drawing.words(column, 64, f"width {width}", SMALL, "muted")
        target = middle + (number - 1) * 58
        below = rows[first] + pitch / 2  # between two rows, so that it runs behind no other answer
        drawing.line((column, rows[first] + 18), (column, below), (566, below), colour="value", width=2.25, head=False)
        drawing.curve((566, below), (700 - 24, target), "value", 2.25)
        drawing.box(700, target, 46, 46, "value", "value", 6)
    drawing.box(x, rows[1], 116, 3 * pitch - 8, "weight_tint", "weight", 10, strength=0)
    drawing.line((x + 59, rows[0]), (340 - 21, rows[0]), colour="weight")
    drawing.words(x, rows[-1] + 36, "then zeros", SMALL, "muted")
    drawing.line((734, middle), (802, middle))
    drawing.formula(766, middle - 24, "W", LARGE)
    drawing.words(700, rows[-1] - 24, "one filter of each width is drawn;\nthe network has many", SMALL, "muted")
    drawing.box(864, middle, 122, 48, "ink", None)
    drawing.words(864, middle, "negative", TEXT, "paper", bold=True)
    return drawing


N_WORDS = 7  # in the drawing of paths


def paths() -> Drawing:
    """Draw the way from the first word to the output at the last: by convolutions, by a GRU, by attention."""
    drawing = Drawing(
        "Three ways from the first word to the last",
        "Three panels, each with seven words along the bottom. Left, convolutions of width three: the first word "
        "reaches the output at the last word through three layers, two words further in each. Middle, a GRU: each "
        "word goes into a state, and the first word is handed on from state to state, seven steps in all. Right, "
        "attention: every word is joined to the output at the last word directly, the first one too, in one step.",
        height=470,
    )
    bottom, top, pitch = 340, 100, 40
    for middle, name, steps in (
        (164, "convolutions, width 3", "3 steps, one per layer"),
        (480, "GRU", "7 steps, one per word"),
        (796, "attention", "1 step"),
    ):
        drawing.words(middle, 30, name, TEXT, bold=True)
        drawing.words(middle, bottom + 84, steps, TEXT)
        drawing.words(middle - 3 * pitch, bottom + 42, "first", SMALL, "muted")
        drawing.words(middle + 3 * pitch, bottom + 42, "last", SMALL, "muted")
    places = [pitch * (place - N_WORDS // 2) for place in range(N_WORDS)]
    _path_of_convolutions(drawing, [164 + place for place in places], bottom, top)
    _path_of_a_gru(drawing, [480 + place for place in places], bottom, (bottom + top) / 2)
    _path_of_attention(drawing, [796 + place for place in places], bottom, top)
    return drawing


def _nodes(drawing: Drawing, columns: Sequence[Number], y: Number, marked: set[int]) -> None:
    """Draw a row of positions; those on the way are filled."""
    for place, x in enumerate(columns):
        on_the_way = place in marked
        drawing.circle(x, y, 12, "value_tint" if on_the_way else "paper", "value" if on_the_way else "line")


def _path_of_convolutions(drawing: Drawing, columns: Sequence[Number], bottom: Number, top: Number) -> None:
    layers = N_WORDS // 2  # each reaches two words further
    rows = [bottom + (top - bottom) * layer / layers for layer in range(layers + 1)]
    for layer in range(layers):
        for place, tap in product(range(N_WORDS), range(3)):
            if place >= max(tap, 2 * (layer + 1)):  # what leads to the last output
                ends = (columns[place - tap], rows[layer] - 13), (columns[place], rows[layer + 1] + 13)
                drawing.line(*ends, colour="line", width=1, head=False)
        ends = (columns[2 * layer], rows[layer] - 13), (columns[2 * layer + 2], rows[layer + 1] + 13)
        drawing.line(*ends, colour="value", width=3.5)
    for layer, y in enumerate(rows):
        _nodes(drawing, columns, y, {2 * layer})


def _path_of_a_gru(drawing: Drawing, columns: Sequence[Number], bottom: Number, y: Number) -> None:
    for place, x in enumerate(columns):
        first = place == 0
        ends = (x, bottom - 13), (x, y + 13)
        drawing.line(*ends, colour="value" if first else "line", width=3.5 if first else 1, head=first)
    for left, right in pairwise(columns):
        drawing.line((left + 13, y), (right - 13, y), colour="value", width=3.5)
    _nodes(drawing, columns, bottom, {0})
    _nodes(drawing, columns, y, set(range(len(columns))))


def _path_of_attention(drawing: Drawing, columns: Sequence[Number], bottom: Number, top: Number) -> None:
    for x in columns[1:]:
        drawing.line((x, bottom - 13), (columns[-1], top + 13), colour="line", width=1, head=False)
    drawing.line((columns[0], bottom - 13), (columns[-1] - 9, top + 11), colour="value", width=3.5)
    _nodes(drawing, columns, bottom, {0})
    drawing.circle(columns[-1], top, 12, "value_tint", "value")


def markers() -> Drawing:
    """Draw what the task of two markers asks, and a stack whose field ends before the first of them."""
    drawing = Drawing(
        "Two markers decide, and one is out of reach",
        "Three sentences of six words; the first and the last word of each are markers, drawn dark, five words apart. "
        "From red to green, the answer is different. From blue to blue, it is the same. In the third, from grey to "
        "green, a shaded field covers only the last three words: the output at the last word does not hear the first "
        "marker and must guess.",
        height=334,
    )
    pitch, left = 122, 78
    columns = [left + pitch * place for place in range(6)]
    ends = columns[0], columns[-1]
    drawing.words(sum(ends) / 2, 22, "5 words apart", TEXT, "muted")
    drawing.line((ends[0], 62), (ends[0], 42), (ends[1], 42), (ends[1], 62), colour="muted", head=False)
    drawing.box(columns[4], 246, 3 * pitch + 4, 76, "panel", "muted", 14)
    for y, sentence, answer in (
        (92, "red the removal of edges green", "different"),
        (158, "blue using a bit ascii blue", "the same"),
        (246, "grey given axis masked entries green", "a guess"),
    ):
        for x, word in zip(columns, sentence.split(), strict=True):
            marker = x in ends
            drawing.box(x, y, 104, 48, "ink" if marker else "paper", None if marker else "line")
            drawing.words(x, y, word, TEXT, "paper" if marker else "ink", bold=marker)
        drawing.line((ends[1] + 66, y), (ends[1] + 96, y))
        drawing.words(ends[1] + 106, y, answer, LARGE, anchor="start", bold=True)
    drawing.words(columns[4], 308, "all that a field of three words hears", TEXT, "muted")
    return drawing


MARKERS = ("red", "green", "blue", "grey")


def pooling() -> Drawing:
    """Draw four filters, one per marker, and the largest answer of each: on equal markers, and on different ones."""
    drawing = Drawing(
        "The largest answer of four filters",
        "Two panels, each with a sentence of four words across and four filters, for red, green, blue and grey, one "
        "below the other. A filter answers 1 at its marker and 0 elsewhere, and its maximum is kept in a column on the "
        "right. Left, blue using ascii blue: the filter for blue answers twice, and its maximum is 1, so one of four "
        "has fired. Right, red the edges green: two of four have fired.",
        height=344,
    )
    for left, sentence, says in (
        (0, "blue using ascii blue", "one filter fired: the same"),
        (480, "red the edges green", "two filters fired: different"),
    ):
        columns = [left + 138 + 70 * place for place in range(4)]
        largest = left + 430
        drawing.words(sum(columns) / 4, 24, "answers, word by word", SMALL, "muted")
        drawing.words(largest, 24, "maximum", SMALL, "muted")
        for x, word in zip(columns, sentence.split(), strict=True):
            drawing.words(x, 68, word, TEXT, bold=word in MARKERS)
        for row, marker in enumerate(MARKERS):
            y = 110 + 48 * row
            fires = [word == marker for word in sentence.split()]
            drawing.words(left + 92, y, marker, TEXT, anchor="end")
            drawing.line((columns[-1] + 30, y), (largest - 31, y), colour="value" if any(fires) else "line")
            for x, fired in zip([*columns, largest], [*fires, any(fires)], strict=True):
                drawing.box(x, y, 56, 38, "value" if fired else "paper", "value" if fired else "line")
                drawing.words(x, y, f"{fired:d}", TEXT, "paper" if fired else "muted", bold=fired)
        drawing.words(left + 262, 312, says, LARGE, bold=True)
    drawing.line((480, 20), (480, 326), colour="line", head=False, dashed=True)
    return drawing


def scan() -> Drawing:
    """Draw eight steps of a GRU beside the three rounds of a parallel scan."""
    drawing = Drawing(
        "Eight steps in a chain, or three rounds at once",
        "Two panels with eight words along the bottom. Left, a GRU: each state waits for the one before it, eight "
        "steps in a chain. Right, a linear recurrence as a parallel scan: in the first round each place is combined "
        "with the one before it, in the second with the one two before, in the third with the one four before. After "
        "three rounds every place has heard all words before it; the ways to the last place are in colour.",
        height=366,
    )
    n_words, rounds, bottom, top = 8, 3, 262, 76
    for middle, name, steps in ((192, "GRU", "8 steps"), (694, "linear recurrence", "3 rounds")):
        drawing.words(middle, 28, name, TEXT, bold=True)
        drawing.words(middle, bottom + 78, steps, LARGE, bold=True)
    chain = [56 + 39 * place for place in range(n_words)]
    columns = [484 + 60 * place for place in range(n_words)]
    for x in chain[0], columns[0]:
        drawing.words(x, bottom + 38, "first", SMALL, "muted")
    for x in chain[-1], columns[-1]:
        drawing.words(x, bottom + 38, "last", SMALL, "muted")
    _path_of_a_gru(drawing, chain, bottom, (bottom + top) / 2)
    rows = [bottom + (top - bottom) * level / rounds for level in range(rounds + 1)]
    heard = [set(range(n_words - 1, -1, -(2**level))) for level in range(rounds + 1)]  # on the way to the last place
    for level, (low, high) in enumerate(pairwise(rows)):
        drawing.words(columns[0] - 34, (low + high) / 2, f"round {level + 1}", SMALL, "muted", "end")
        for place, back in product(range(n_words), (0, 2**level)):
            on_the_way = place in heard[level + 1]
            if place >= back and (back or on_the_way):
                ends = (columns[place - back], low - 13), (columns[place], high + 13)
                drawing.line(
                    *ends, colour="value" if on_the_way else "line", width=3 if on_the_way else 1, head=on_the_way
                )
    for y, marked in zip(rows, heard, strict=True):
        _nodes(drawing, columns, y, marked)
    return drawing


ENTRIES = (("red", 1), ("blue", 4), ("grey", 2), ("green", 3))
SCORES = (0, 4, 0, 0)  # invented


def recall() -> Drawing:
    """Draw a dictionary and a question, and what three networks keep of the dictionary."""
    drawing = Drawing(
        "What is left of a dictionary when the question comes",
        "Three panels, each with the same four pairs, one below the other: red 1, blue 4, grey 2, green 3, and the "
        "question blue at the bottom. Left, equal weights: all pairs, key and value together, flow equally into one "
        "mean, which the question meets. Middle, a GRU: a state takes in one pair after the other, and the question "
        "meets the last state. Right, attention: the question meets the weights. It gives most weight to blue, whose "
        "value 4 is the answer.",
        height=450,
    )
    rows = [112 + 62 * place for place in range(len(ENTRIES))]
    middle, asked, lefts = sum(rows) / len(rows), 400, (40, 360, 680)
    for left, name, says in zip(
        lefts,
        ("equal weights", "GRU", "attention"),
        ("one mean of pairs,\nwhatever is asked", "one state, which must hold all", "the question chooses among all"),
        strict=True,
    ):
        drawing.words(left + 120, 24, name, TEXT, bold=True)
        drawing.words(left + 120, 58, says, SMALL, "muted")
        for y, (key, value) in zip(rows, ENTRIES, strict=True):
            drawing.box(left + 72, y, 144, 54, "panel", "line", 12)  # a pair becomes one vector
            drawing.box(left + 50, y, 84, 42, "key_tint", "key")
            drawing.words(left + 50, y, key, TEXT)
            drawing.box(left + 116, y, 40, 42, "value_tint", "value")
            drawing.words(left + 116, y, str(value), TEXT)
        drawing.box(left + 50, asked, 84, 42, "query_tint", "query")
        drawing.words(left + 50, asked, "blue?", TEXT)
    even, state, found = (left + 216 for left in lefts)
    for y, weight in zip(rows, softmax(SCORES), strict=True):
        drawing.curve((lefts[0] + 146, y), (even - 36, middle), "weight", 1.5 + 9 / len(rows))
        drawing.curve((lefts[2] + 146, y), (found - 36, middle), "weight", 1.5 + 9 * weight)
        drawing.line((lefts[1] + 146, y), (state - 26, y))
        drawing.circle(state, y, 24)
    for y, after in pairwise(rows):
        drawing.line((state, y + 25), (state, after - 25), width=2.5)
    drawing.formula(state, rows[-1], "h_4")
    for x, says in ((even, "mean"), (found, "4")):
        drawing.box(x, middle, 70, 52, "value_tint", "value")
        drawing.words(x, middle, says, TEXT)
    for left, x, end in (
        (lefts[0], even, middle + 28),
        (lefts[1], state, rows[-1] + 26),
        (lefts[2], found - 30, middle + 28),
    ):
        drawing.line((left + 93, asked), (x, asked), (x, end), colour="query")
    return drawing
