"""Lecture 03: words make sentences, sentences make a document, and at both levels a learned query asks."""

from course_utils.drawings.canvas import LARGE, SMALL, TEXT, Drawing, Number, softmax

SENTENCES = (("filter", "the", "signal"), ("use", "a", "window"), ("see", "also", "plot"))
WORD_SCORES = ((1.6, -1.2, 2.0), (0.4, -1.0, 1.9), (-0.4, -0.6, 0.7))  # invented: words that tell have more
SENTENCE_SCORES = (1.5, 0.6, -1.1)


def hierarchy() -> Drawing:
    """Draw the hierarchical attention network on three sentences of three words."""
    drawing = Drawing(
        "Attention in two levels: words, then sentences",
        "Three sentences of three words: filter the signal; use a window; see also plot. A bidirectional GRU gives "
        "each word a state. A learned query asks the words of each sentence, and their weights, drawn as bars, make "
        "one vector s per sentence: most of it from filter, signal, window and plot. A second bidirectional GRU reads "
        "the sentence vectors and gives each sentence a state g; a second learned query asks these states, and their "
        "weighted sum is the vector v of the document, from which its class is read. The weight of a word in the "
        "document is its own weight times that of its sentence.",
        height=592,
    )
    pitch, gap, top = 47, 14, 108
    centre = top + 4 * pitch + gap
    h, word_bar, sentence, reread, sentence_bar, document = 158, 292, 438, 534, 664, 788
    for x, name in ((h, "words"), ((sentence + reread) / 2, "sentences"), (document, "document")):
        drawing.words(x, 26, name, TEXT, "muted")
    for x, name in ((word_bar, "u_w"), (sentence_bar, "u_s")):
        drawing.box(x, centre, 132, 472, "weight_tint", None, 12)
        drawing.formula(x, 26, f'[query|"query "{name}]')
        drawing.line((x, 44), (x, 66), colour="query", width=2.25)
    for number, (words, scores, share) in enumerate(zip(SENTENCES, WORD_SCORES, softmax(SENTENCE_SCORES), strict=True)):
        first = top + number * (3 * pitch + gap)
        middle = first + pitch
        for place, (word, weight) in enumerate(zip(words, softmax(scores), strict=True)):
            y = first + place * pitch
            drawing.words(104, y, word, 20, anchor="end")
            drawing.line((109, y), (127, y))
            drawing.box(h, y, 60, 30, "paper", "ink")
            drawing.formula(h, y - 1, f"h_{{{number + 1}{place + 1}}}", 22)
            drawing.line((h + 31, y), (word_bar - 57, y), colour="key")
            drawing.bar(word_bar, y, 112, 26, weight)
            drawing.curve((word_bar + 58, y), (sentence - 29, middle), "value", 1.5 + 8 * weight)
            if place:
                both_ways(drawing, h, y - pitch + 16, y - 16)
        drawing.box(sentence, middle, 56, 50, "value_tint", "value")
        drawing.formula(sentence, middle, f"s_{number + 1}", LARGE, "value")
        drawing.line((sentence + 29, middle), (reread - 29, middle))
        drawing.box(reread, middle, 56, 50, "paper", "ink")
        drawing.formula(reread, middle, f"g_{number + 1}", LARGE)
        drawing.line((reread + 29, middle), (sentence_bar - 57, middle), colour="key")
        drawing.bar(sentence_bar, middle, 112, 26, share)
        drawing.curve((sentence_bar + 58, middle), (document - 34, centre), "value", 1.5 + 8 * share)
        if number:
            both_ways(drawing, reread, middle - 3 * pitch - gap + 26, middle - 26)
    drawing.circle(document, centre, 36, "value_tint", "value")
    drawing.formula(document, centre, "v", 28, "value")
    drawing.line((document + 37, centre), (document + 56, centre))
    drawing.box(document + 109, centre, 104, 46, "ink", None)
    drawing.words(document + 109, centre, "signals", TEXT, "paper", bold=True)
    drawing.words(document + 109, centre + 48, "its class", SMALL, "muted")
    drawing.words(h, 568, "GRU within a sentence", SMALL, "muted")
    drawing.words(reread - 20, 568, "GRU over sentences", SMALL, "muted")
    return drawing


def both_ways(drawing: Drawing, x: Number, top: Number, bottom: Number) -> None:
    """Draw the two directions of a bidirectional network between two of its states."""
    drawing.line((x - 10, top), (x - 10, bottom), colour="muted")
    drawing.line((x + 10, bottom), (x + 10, top), colour="muted")
