"""The rows of the course's table, each drawn in the same way: where q, K, V, f and the mask are in that model.

The parts are named ``q``, ``K``, ``V``, ``f`` and ``mask``, so that a page can light one of them in all six. The scores
are invented; the weights and the names of what is averaged follow from them.
"""

from dataclasses import dataclass
from itertools import pairwise

from course_utils.drawings.canvas import LARGE, SMALL, TEXT, Drawing, softmax

HEIGHT = 470
ROWS = (152, 218, 284, 350, 416)
WORD, KEY, SCORE, MASK, WEIGHT, VALUE, CONTEXT = 148, 246, 392, 538, 656, 782, 906
HEADS = 96
QUERY = 40


@dataclass(frozen=True)
class Row:
    """What differs from row to row: words, the names of keys and values, scores, and who may be looked at."""

    name: str
    words: tuple[str, ...]
    source: str  # of the query
    query: str
    keys: str
    values: str
    score: str
    scores: tuple[str | float, ...]
    allowed: tuple[bool, ...]
    mask: str
    chain: str = ""  # how the keys are made: "", "down", "both" or "graph"
    asking: int | None = None  # the row whose own word asks
    told: str = ""


SIX = (
    Row(
        name="01 sequence to sequence",
        words=("three", "hundred", "forty", "five", "thousand"),
        source="decoder state",
        query="s",
        keys="h_#",
        values="h_#",
        score="f = 0",
        scores=(0.0,) * 5,
        allowed=(False, False, False, False, True),
        mask="last only",
        chain="down",
        told="Every score is 0, and the mask leaves the last position only: the decoder gets the last state, whatever "
        "it asks.",
    ),
    Row(
        name="02 Bahdanau",
        words=("three", "hundred", "forty", "five", "<pad>"),
        source="decoder state",
        query="s_{i-1}",
        keys="h_#",
        values="h_#",
        score='v^⊤"tanh"(Wq + Uk)',
        scores=(-0.5, 0.2, 1.5, 3.9, 0.4),
        allowed=(True, True, True, True, False),
        mask="padding",
        chain="both",
        told="Before each word the decoder asks all encoder states. A small network scores them, and padding gets no "
        "weight.",
    ),
    Row(
        name="03 documents",
        words=("sorts", "an", "array", "<pad>", "<pad>"),
        source="a learned vector",
        query="u",
        keys="h_#",
        values="h_#",
        score='u^⊤"tanh"(Wk + b)',
        scores=(2.1, -0.8, 1.2, 0.3, 0.3),
        allowed=(True, True, True, False, False),
        mask="padding",
        chain="both",
        told="A classifier writes nothing, so nobody asks. The query is a learned vector, the same for all documents.",
    ),
    Row(
        name="04 convolution",
        words=("j = 1", "j = 2", "i = 3", "j = 4", "j = 5"),
        source="position i",
        query="i",
        keys="#",
        values="Vx_#",
        score="f(j - i)",
        scores=(-0.7, 0.5, 1.2, 0.5, -0.7),
        allowed=(False, True, True, True, False),
        mask="window",
        asking=2,
        told="The score knows how far away a word is and never what it says. The mask is a window around position i.",
    ),
    Row(
        name="05 Transformer",
        words=("<bos>", "drei", "hundert", "fünf", "und"),
        source="the word itself",
        query="W_Q x_3",
        keys="W_K x_#",
        values="W_V x_#",
        score="q · k / √d_k",
        scores=(0.1, 1.9, 0.8, 1.1, 0.3),
        allowed=(True, True, True, False, False),
        mask="causal",
        asking=2,
        told="Every word asks, every word answers: query, key and value are three projections of it. A triangle hides "
        "the future.",
    ),
    Row(
        name="06 graph attention",
        words=("node 1", "node 2", "node 3", "node 4", "node 5"),
        source="the node itself",
        query="Wh_3",
        keys="Wh_#",
        values="Wh_#",
        score='"LeakyReLU"(a^⊤"["q‖k"]")',
        scores=(1.4, 0.6, 0.9, -0.2, 0.5),
        allowed=(True, False, True, True, False),
        mask="edges",
        chain="graph",
        asking=2,
        told="A node asks its neighbours and itself. The mask is the graph: where there is no edge there is no weight.",
    ),
)


def weights(row: Row) -> list[float]:
    """Give the weights of a row: softmax over what is allowed, 0 elsewhere."""
    shares = iter(softmax([float(score) for score, may in zip(row.scores, row.allowed, strict=True) if may]))
    return [next(shares) if may else 0.0 for may in row.allowed]


def draw(row: Row) -> Drawing:
    """Draw a row of the table at work on five words."""
    shares = weights(row)
    most = row.words[shares.index(max(shares))]
    drawing = Drawing(row.name, f"{row.told} Here most of the weight, {max(shares):.2f}, is on {most}.", HEIGHT)
    _query(drawing, row)
    middle = (ROWS[0] + ROWS[-1]) / 2
    with drawing.part("K"):
        drawing.formula(KEY, HEADS, "K", LARGE, "key")
        _chain(drawing, row)
        for number, (word, y) in enumerate(zip(row.words, ROWS, strict=True), start=1):
            if number - 1 != row.asking:
                drawing.words(WORD, y, word, TEXT, "ink", "end")
            drawing.line((WORD + 8, y), (KEY - 46, y), colour="muted")
            drawing.box(KEY, y, 88, 44, "key_tint", "key")
            drawing.formula(KEY, y, row.keys.replace("#", str(number)), LARGE, "key")
            drawing.line((KEY + 45, y), (SCORE - 42, y), colour="key")
    with drawing.part("f"):
        drawing.formula(SCORE, HEADS, row.score, 20, "ink")
        for score, y in zip(row.scores, ROWS, strict=True):
            drawing.box(SCORE, y, 80, 40, "paper", "ink")
            drawing.words(SCORE, y, f"{score:.1f}".replace("-", "−"), TEXT)
    with drawing.part("mask"):
        drawing.words(MASK, HEADS, row.mask, TEXT, "ink")
        for may, y in zip(row.allowed, ROWS, strict=True):
            drawing.line((SCORE + 41, y), (MASK - 16 if not may else WEIGHT - 63, y), colour="ink" if may else "muted")
            if not may:
                drawing.operator(MASK, y, "×", "ink", 14)
    with drawing.part("weights"):
        drawing.words(WEIGHT, HEADS, "softmax", TEXT, "weight")
        for share, y in zip(shares, ROWS, strict=True):
            drawing.bar(WEIGHT, y, 122, 28, share)
    with drawing.part("V"):
        drawing.formula(VALUE, HEADS, "V", LARGE, "value")
        for number, (share, y) in enumerate(zip(shares, ROWS, strict=True), start=1):
            drawing.box(VALUE, y, 88, 44, "value_tint", "value")
            drawing.formula(VALUE, y, row.values.replace("#", str(number)), LARGE, "value")
            if share:
                drawing.curve((VALUE + 45, y), (CONTEXT - 34, middle), "value", 1.2 + 7 * share)
    with drawing.part("sum"):
        for share, y in zip(shares, ROWS, strict=True):
            if share:
                drawing.line((WEIGHT + 62, y), (VALUE - 46, y), colour="weight", head=False)
        drawing.circle(CONTEXT, middle, 34, "paper", "ink")
        drawing.formula(CONTEXT, middle, "A", LARGE)
        drawing.words(CONTEXT, middle + 58, "context", SMALL, "muted")
    return drawing


def _query(drawing: Drawing, row: Row) -> None:
    """Draw where the query comes from: a box above the scores, and the word that asks where it is one of the words."""
    with drawing.part("q"):
        drawing.box(SCORE, QUERY, 96, 46, "query_tint", "query")
        drawing.formula(SCORE, QUERY, row.query, LARGE, "query")
        drawing.words(SCORE + 60, QUERY, f"q: {row.source}", TEXT, "query", "start")
        drawing.line((SCORE, QUERY + 24), (SCORE, HEADS - 16), colour="query")
        if row.asking is not None:
            y = ROWS[row.asking]
            drawing.box(WORD - 44, y, 104, 40, "query_tint", "query")
            drawing.words(WORD, y, row.words[row.asking], TEXT, "query", "end")
            drawing.line((WORD - 96, y), (20, y), (20, QUERY), (SCORE - 50, QUERY), colour="query")


def _chain(drawing: Drawing, row: Row) -> None:
    """Draw how the keys are connected: by a recurrent network, one way or both, or by the edges of a graph."""
    for above, below in pairwise(ROWS):
        if row.chain == "down":
            drawing.line((KEY, above + 23), (KEY, below - 23), colour="muted")
        elif row.chain == "both":
            drawing.line((KEY - 14, above + 23), (KEY - 14, below - 23), colour="muted")
            drawing.line((KEY + 14, below - 23), (KEY + 14, above + 23), colour="muted")
    if row.chain == "graph" and row.asking is not None:
        for number, may in enumerate(row.allowed):
            if may and number != row.asking:
                x, start, end = WORD - 112, ROWS[row.asking], ROWS[number]
                drawing.line((WORD - 96, start), (x, start), (x, end), (WORD - 66, end), colour="ink", head=False)
