"""Lecture 05: the whole Transformer as the lecture's code writes it (each norm before its part), lit part by part.

A sentence is a bundle of lines, one for each word. What a part computes is added to the bundle, which itself runs
straight through. The three attentions differ in two things only, and both are drawn: where q, K and V come from, and
the mask.
"""

from collections.abc import Collection

from course_utils.drawings.canvas import SMALL, TEXT, Drawing, Number

SOURCE = ("three", "hundred", "forty", "five")
TARGET = ("<bos>", "drei", "hundert")
WRITTEN = ("drei", "hundert", "fünf")
PORTS = {"q": "query", "K": "key", "V": "value"}
PARTS = (
    "embeddings",
    "positions",
    "self_attention",
    "feed_forward",
    "masked_attention",
    "cross_attention",
    "decoder_feed_forward",
    "output",
)

WORD = 18  # size of the words that are read and written
LANE = 7  # between the lines of a bundle
ENCODER, DECODER = 214, 526  # where the two bundles run
BOX, TALL, HIGHER = 112, 104, 134
ABOVE = 80  # from a bundle to the bottom of the boxes above it


def draw(lit: Collection[str] = PARTS, shown: str = "") -> Drawing:
    """Draw the model, with the parts named in `lit` in full and the rest as a shadow.

    Parameters
    ----------
    lit
        Some of `PARTS`.
    shown
        What the lit parts are, for title and description; nothing where all are lit.
    """
    unknown = set(lit) - set(PARTS)
    if unknown:
        raise ValueError(f"parts of the Transformer are {', '.join(PARTS)}; got {', '.join(sorted(unknown))}")
    drawing = Drawing(
        "The whole Transformer" + (f", lit: {shown}" if shown else ""),
        (f"Lit are {shown}; the rest is pale. " if shown else "")
        + "Above, the encoder: the words three, hundred, forty, five are embedded, positions are added, and four "
        "lines, one per word, run through N equal layers. In a layer, self-attention (queries, keys and values all "
        "from these lines, every word may ask every word) and then a feed-forward part read the lines through a "
        "norm, and their results are added to the lines. Below, the decoder: start, drei, hundert pass N layers "
        "with three parts: masked self-attention (a word may ask only itself and what precedes it), cross- "
        "attention (queries from the decoder, keys and values from the encoder's result) and a feed-forward part. "
        "A last norm, a linear layer and a softmax give the next word at each position: drei, hundert, fünf.",
        height=600,
    )
    both = {"embeddings", "positions"}
    encoder_lit = bool((both | {"self_attention", "feed_forward"}) & set(lit))
    decoder_lit = bool((both | {"masked_attention", "cross_attention", "decoder_feed_forward", "output"}) & set(lit))

    drawing.box(374, 137, 256, 246, "panel", None, 14)
    drawing.box(528, 438, 380, 276, "panel", None, 14)
    for top, name, does in ((44, "Encoder", "reads the source"), (350, "Decoder", "writes the next word")):
        drawing.words(24, top, name, 26, anchor="start", bold=True)
        drawing.words(24, top + 29, does, SMALL + 1, "muted", "start")
    drawing.words(258, 244, "encoder layer × N", SMALL, "muted", "start")
    drawing.words(350, 558, "decoder layer × N", SMALL, "muted", "start")

    with drawing.part("encoder-stream", encoder_lit):
        for number in range(len(SOURCE)):
            y = ENCODER + lane(number, SOURCE)
            x = 528 - lane(number, SOURCE)
            drawing.line((192, y), (x, y), (x, 264), head=False, colour="muted", radius=26 - lane(number, SOURCE))
    with drawing.part("decoder-stream", decoder_lit):
        for number in range(len(TARGET)):
            y = DECODER + lane(number, TARGET)
            drawing.line((284, y), (784, y), head=False, colour="muted")

    with drawing.part("embeddings", "embeddings" in lit):
        embedding(drawing, 152, ENCODER, SOURCE)
        embedding(drawing, 252, DECODER, TARGET)
    with drawing.part("positions", "positions" in lit):
        for x, y in ((220, ENCODER), (316, DECODER)):
            above = y - 84 + LANE * (y == DECODER)
            drawing.line((x, above + 16), (x, y - 15))
            drawing.operator(x, y, "+", radius=14)
            drawing.box(x, above, 38, 32, "paper", "ink", 7)
            drawing.wave(x, above, 26, 8)
            drawing.words(x - 27, above, "positions", SMALL, anchor="end")

    with drawing.part("self-attention", "self_attention" in lit):
        part(drawing, 312, ENCODER, "self-\nattention", "qKV", mask=(4, 4, False))
    with drawing.part("feed-forward", "feed_forward" in lit):
        part(drawing, 436, ENCODER, "feed-\nforward", n_words=len(SOURCE))
    with drawing.part("masked-attention", "masked_attention" in lit):
        part(drawing, 404, DECODER, "masked\nself-\nattention", "qKV", mask=(3, 3, True), tall=HIGHER)
    with drawing.part("cross-attention", "cross_attention" in lit):
        norm(drawing, 528, 270)
        for x, letter in ((514, "key"), (542, "value")):
            drawing.line((x, 282), (x, DECODER - ABOVE - HIGHER), colour=letter)
        part(drawing, 528, DECODER, "cross-\nattention", "q", mask=(3, 4, False), tall=HIGHER)
        drawing.formula(514, DECODER - ABOVE - 114, "K", 22, "key")
        drawing.formula(542, DECODER - ABOVE - 114, "V", 22, "value")
    with drawing.part("decoder-feed-forward", "decoder_feed_forward" in lit):
        part(drawing, 652, DECODER, "feed-\nforward", n_words=len(TARGET))
    with drawing.part("output", "output" in lit):
        norm(drawing, 749, DECODER)
        drawing.box(819, DECODER, 78, 92, "paper", "ink")
        drawing.words(819, DECODER, "linear,\nsoftmax", SMALL)
        for number, word in enumerate(WRITTEN):
            y = DECODER + (number - 1) * 27
            drawing.line((858, y), (869, y))
            if number == len(WRITTEN) - 1:
                drawing.box(904, y, 66, 27, "ink", None, 6)
                drawing.words(904, y, word, WORD, "paper", bold=True)
            else:
                drawing.words(873, y, word, WORD, anchor="start")
    legend(drawing, 668, 40)
    return drawing


def lane(number: int, words: tuple[str, ...]) -> Number:
    """Give where the line of a word runs, measured from the middle of its bundle."""
    return (number - (len(words) - 1) / 2) * LANE


def embedding(drawing: Drawing, x: Number, y: Number, words: tuple[str, ...]) -> None:
    """Draw the words and the table that makes vectors of them."""
    for number, word in enumerate(words):
        row = y + (number - (len(words) - 1) / 2) * 27
        drawing.words(x - 58, row, word, WORD, anchor="end")
        drawing.line((x - 53, row), (x - 39, row))
    drawing.box(x, y, 76, 27 * len(words) + 11, "paper", "ink")
    drawing.words(x, y, "embed", TEXT)


def norm(drawing: Drawing, x: Number, y: Number) -> None:
    """Draw a layer norm around the centre (x, y)."""
    drawing.box(x, y, 56, 26, "paper", "muted", 13)
    drawing.words(x, y - 1, "norm", SMALL)


def part(
    drawing: Drawing,
    x: Number,
    stream: Number,
    name: str,
    asks: str = "",
    mask: tuple[int, int, bool] | None = None,
    n_words: int = 0,
    tall: Number = TALL,
) -> None:
    """Draw one part above its bundle: a norm on the way up, a plus where the result is added.

    `asks` are those of q, K and V that come from the bundle; a part without a mask works on each of `n_words` alone.
    """
    bottom = stream - ABOVE
    read, back = x - 20, x + 34
    drawing.box(read, stream, 5, 27, "ink", None, 2.5)
    drawing.line((read, stream - 12), (read, stream - 27), head=False)
    entries = [(read + (place - (len(asks) - 1) / 2) * 21, letter) for place, letter in enumerate(asks)]
    for port, letter in entries or [(read, "")]:
        drawing.line((port, stream - 44), (port, bottom + 1), colour=PORTS.get(letter, "ink"))
    norm(drawing, read, stream - 40)
    drawing.box(x, bottom - tall / 2, BOX, tall, "paper", "ink")
    for port, letter in entries:
        drawing.formula(port, bottom - 18, letter, 20, PORTS[letter])
    drawing.words(x, bottom - 72 - 12 * (name.count("\n") - 1), name, 18, bold=True)
    drawing.line((back, bottom), (back, stream - 15))
    drawing.operator(back, stream, "+", radius=14)
    for row in range(n_words):  # every word by itself
        drawing.box(x, bottom - 28 + 9 * (row - (n_words - 1) / 2), 44, 5, "line", None, 2.5)
    if mask:
        grid(drawing, back - 1, bottom - 26, mask)


def grid(drawing: Drawing, x: Number, y: Number, mask: tuple[int, int, bool]) -> None:
    """Draw who may ask whom around the centre (x, y): queries down, keys across; with a triangle, none looks ahead."""
    rows, columns, triangle = mask
    cell = 8.5
    for row in range(rows):
        for column in range(columns):
            allowed = not triangle or column <= row
            where = x + (column - (columns - 1) / 2) * cell, y + (row - (rows - 1) / 2) * cell
            drawing.box(
                *where, cell - 2, cell - 2, "ink" if allowed else "line", None, 2, strength=None if allowed else 0.5
            )


def legend(drawing: Drawing, x: Number, y: Number) -> None:
    """Say what the signs are."""
    for number, (letter, word) in enumerate((("q", "queries"), ("K", "keys"), ("V", "values"))):
        colour = PORTS[letter]
        drawing.formula(x, y + 32 * number, letter, 22, colour)
        drawing.words(x + 28, y + 32 * number, word, SMALL + 1, colour, "start")
    grid(drawing, x, y + 96, (3, 3, True))
    drawing.words(x + 28, y + 96, "mask (pale: hidden)", SMALL + 1, "ink", "start")
    for number in range(4):
        drawing.line((x - 15, y + 128 + lane(number, SOURCE)), (x + 15, y + 128 + lane(number, SOURCE)),
                     head=False, colour="muted")  # fmt: skip
    drawing.words(x + 28, y + 128, "one line per word", SMALL + 1, "ink", "start")
    drawing.operator(x, y + 162, "+", radius=13)
    drawing.words(x + 28, y + 162, "the result is added", SMALL + 1, "ink", "start")
    norm(drawing, x, y + 198)
    drawing.words(x + 40, y + 198, "layer norm (pre-norm)", SMALL + 1, "ink", "start")
