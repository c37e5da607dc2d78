"""Lecture 03: words make sentences, sentences make a document, and at both levels a learned query asks."""

from course_utils.drawings.canvas import LARGE, SMALL, TEXT, Drawing, Number, softmax

SENTENCES = (("filter", "the", "signal"), ("use", "a", "window"), ("see", "also", "plot"))
WORD_SCORES = ((1.62, -1.2, 2.0), (0.42, -1.0, 1.9), (-0.4, -0.6, 0.7))  # invented: words that tell have more
SENTENCE_SCORES = (1.5, 0.6, -1.1)


def hierarchy() -> Drawing:
    """Draw the hierarchical attention network on three sentences of three words."""
    drawing = Drawing(
        "Attention in two levels: words, then sentences",
        "Three sentences of three words: filter the signal; use a window; see also plot. A bidirectional GRU gives "
        "each word a state. A learned query asks the words of each sentence, and their weights, drawn as bars, make "
        "one vector s per sentence: most of it from filter, signal, window and plot. A second bidirectional GRU reads "
        "the sentence vectors and gives each sentence a state g; a second learned query asks these states, and their "
        "weighted sum is the vector of the document, from which its class is read. The weight of a word in the "
        "document is its own weight times that of its sentence.",
        height=592,
    )
    pitch, gap, top = 47, 14, 108
    centre = top + 4 * pitch + gap
    h, word_bar, sentence, reread, sentence_bar, document = 158, 292, 438, 534, 664, 800
    for x, name in ((h, "words"), ((sentence + reread) / 2, "sentences")):
        drawing.words(x, 26, name, TEXT, "muted")
    for x, name in ((word_bar, "u_{word}"), (sentence_bar, "u_{sentence}")):
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
        drawing.curve((sentence_bar + 58, middle), (document - 47, centre), "value", 1.5 + 8 * share)
        if number:
            both_ways(drawing, reread, middle - 3 * pitch - gap + 26, middle - 26)
    drawing.box(document, centre, 92, 50, "value_tint", "value")
    drawing.words(document, centre, "document", SMALL, "value")
    drawing.line((document + 47, centre), (document + 63, centre))
    drawing.box(document + 108, centre, 88, 46, "ink", None)
    drawing.words(document + 108, centre, "signals", TEXT, "paper", bold=True)
    drawing.words(document + 108, centre + 48, "its class", SMALL, "muted")
    drawing.words(h, 568, "GRU within a sentence", SMALL, "muted")
    drawing.words(reread - 20, 568, "GRU over sentences", SMALL, "muted")
    return drawing


def both_ways(drawing: Drawing, x: Number, top: Number, bottom: Number) -> None:
    """Draw the two directions of a bidirectional network between two of its states."""
    drawing.line((x - 10, top), (x - 10, bottom), colour="muted")
    drawing.line((x + 10, bottom), (x + 10, top), colour="muted")


def who_asks() -> Drawing:
    """Draw a decoder, which asks anew at every step, beside one learned query, which asks every document the same."""
    drawing = Drawing(
        "A query that is computed beside one that is learned",
        "Left, translation: the decoder's states are three queries, q1, q2 and q3, and each looks at other source "
        "words, drawn by the width of its lines. Right, documents: there is no decoder, and one learned query u asks "
        "all three documents the same; in each it finds other words, drawn by the strength of their colour.",
        height=374,
    )
    drawing.words(240, 30, "translation", LARGE, bold=True)
    drawing.words(240, 64, "a new query for each word", TEXT, "query")
    drawing.words(720, 30, "documents", LARGE, bold=True)
    drawing.words(720, 64, "one learned query for all", TEXT, "query")
    drawing.line((480, 20), (480, 354), colour="line", head=False)
    rows, sources = (130, 215, 300), (116, 182, 248, 314)
    for number, (y, scores) in enumerate(zip(rows, ((2, 0, -1, -1), (-1, 0, 0.5, 2.5), (-1, 0, 2.5, 0)), strict=True)):
        drawing.box(110, y, 66, 50, "query_tint", "query")
        drawing.formula(110, y, f"q_{number + 1}", LARGE, "query")
        if number:
            drawing.line((110, rows[number - 1] + 26), (110, y - 26))
        for source, weight in zip(sources, softmax(scores), strict=True):
            drawing.curve((144, y), (337, source), "query", 0.75 + 5 * weight)
    for number, y in enumerate(sources, start=1):
        drawing.box(370, y, 66, 44, "key_tint", "key")
        drawing.formula(370, y, f"h_{number}", LARGE)
    drawing.box(574, rows[1], 66, 50, "query_tint", "query")
    drawing.formula(574, rows[1], "u", 28, "query")
    words_of_rows = ((2.0, 0.0, -1.0, 0.0), (-1.0, 1.5, 0.0, 1.5), (0.0, -1.0, -1.0, 2.0))
    for y, of_row in zip(rows, words_of_rows, strict=True):
        drawing.curve((608, rows[1]), (681, y), "query", 2.25)
        drawing.box(790, y, 216, 60, "panel", "key")
        for place, weight in enumerate(softmax(of_row)):
            drawing.box(715 + 50 * place, y, 42, 38, "paper", None, 5)
            drawing.box(715 + 50 * place, y, 42, 38, "weight", None, 5, strength=0.08 + 0.92 * weight)
    return drawing


def areas() -> Drawing:
    """Draw the same document as a rectangle, in which the area of a word is its weight."""
    shares = softmax(SENTENCE_SCORES)
    of_words = [softmax(scores) for scores in WORD_SCORES]
    drawing = Drawing(
        "A word's weight in the document is an area",
        "A rectangle with one row per sentence, as high as the sentence's weight; each row is cut into its words, as "
        "wide as their weights in the sentence. So a word's area is its weight in the document. The word plot has "
        "more of its sentence than signal has of its own, but its row is thin, and so its area is small.",
        height=476,
    )
    left, width, tall = 96, 470, 372
    top = 84.0
    drawing.words(left + width / 2, 28, "width: the word's weight in its sentence", TEXT, "muted")
    drawing.words(left + width / 2, 56, "height: the sentence's weight", TEXT, "muted")
    drawing.words(left + width + 18, 56, "area: weight in the document", TEXT, "weight", "start", bold=True)
    for words, weights, share in zip(SENTENCES, of_words, shares, strict=True):
        height, at = share * tall, float(left)
        middle = top + height / 2
        drawing.words(left - 12, middle, f"{share:.2f}", TEXT, "muted", "end")
        for word, weight in zip(words, weights, strict=True):
            drawing.box(at + weight * width / 2, middle, weight * width, height, "weight_tint", "weight", 3)
            if weight * width > 80:
                drawing.words(at + weight * width / 2, middle, word, SMALL if height < 30 else LARGE)
            at += weight * width
        word, weight = words[-1], weights[-1]
        product = f"{word}: {share:.2f} × {weight:.2f} = {share * weight:.2f}"
        drawing.words(left + width + 18, middle, product, TEXT, "ink", "start")
        top += height
    return drawing
