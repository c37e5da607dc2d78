"""Lecture 06: a document and what it refers to, and how the score of GAT compares with Bahdanau's."""

from course_utils.drawings.canvas import LARGE, SMALL, TEXT, Drawing, Number

PAGE = "scipy.signal.check_NOLA"  # drawn without their packages, which would give the area away
SEE_ALSO = {  # with the lines that the page has beside them
    "scipy.signal.check_COLA": "Check whether the Constant\nOverLap Add (COLA)\nconstraint is met",
    "scipy.signal.stft": "Short Time Fourier Transform",
    "scipy.signal.istft": "Inverse Short Time Fourier\nTransform",
}


def one_document() -> Drawing:
    """Draw a page whose first line leaves its area open, and the three pages that it refers to."""
    drawing = Drawing(
        "One document and what it refers to",
        "Left, the page of check_NOLA, which checks whether the nonzero overlap add constraint is met; its area is "
        "open. Three arrows lead from it to the pages that it refers to: check_COLA, another such constraint; stft, "
        "the short time Fourier transform; and istft, its inverse.",
        height=362,
    )
    middle, page, referred = 184, 214, 740
    drawing.box(page, middle, 380, 176, "panel", "ink", 14)
    drawing.words(page, middle - 56, called(PAGE), LARGE, bold=True, code=True)
    drawing.words(page, middle + 2, "Check whether the Nonzero\nOverlap Add (NOLA)\nconstraint is met.", TEXT)
    drawing.words(page, middle + 62, "which area?", TEXT, bold=True)
    for y, (name, says) in zip((68, middle, 300), SEE_ALSO.items(), strict=True):
        drawing.curve((page + 190, middle), (referred - 192, y), "ink", 2.25)
        drawing.line((referred - 194, y), (referred - 184, y))
        drawing.box(referred, y, 366, 104, "paper", "ink", 14)
        drawing.words(referred, y - (36 if says.count("\n") > 1 else 28), called(name), TEXT, bold=True, code=True)
        drawing.words(referred, y + 14, says, TEXT, "muted")
    drawing.words((page + referred) / 2, 30, "See also", SMALL, "muted")
    return drawing


def called(name: str) -> str:
    """Give a name without its package."""
    return name.rpartition(".")[2]


def one_unit() -> Drawing:
    """Draw Bahdanau's score with four hidden units beside the score of GAT, which has one."""
    drawing = Drawing(
        "Many hidden units, or one",
        "Two small networks side by side, each from a query and a key to one score. Left, Bahdanau: query and key both "
        "reach four hidden units, each of which adds them and bends the sum with a tanh; the vector v adds the four "
        "up. Right, GAT: query and key reach a single unit, which bends their sum with a LeakyReLU and is the score.",
        height=350,
    )
    middle, rows = 160, [70, 130, 190, 250]
    for left, name, units, formula in (
        (0, "Bahdanau: many units", rows, 'v^⊤ "tanh"([query|Wq] + [key|Uk])'),
        (480, "GAT: one unit", [middle], '"LeakyReLU"([query|a_q^⊤q] + [key|a_k^⊤k])'),
    ):
        drawing.words(left + 240, 24, name, LARGE, bold=True)
        hidden, score = left + 224, left + 412
        for y in units:
            for colour, start in (("query", 104), ("key", 216)):
                drawing.line((left + 97, start), (hidden - 27, y), colour=colour, width=2.25)
            drawing.line((hidden + 27, y), (score - 43, middle), width=2.25)
            unit(drawing, hidden, y, smooth=len(units) > 1)
        for letter, colour, y in (("q", "query", 104), ("k", "key", 216)):
            drawing.box(left + 64, y, 64, 48, f"{colour}_tint", colour)
            drawing.formula(left + 64, y, letter, 26)
        drawing.box(score, middle, 84, 52, "ink", None)
        drawing.words(score, middle, "score", TEXT, "paper", bold=True)
        drawing.formula(left + 240, 318, formula, 26)
    drawing.line((480, 20), (480, 334), colour="line", head=False, dashed=True)
    return drawing


def unit(drawing: Drawing, x: Number, y: Number, smooth: bool) -> None:
    """Draw a hidden unit with its bend, that of a tanh or that of a LeakyReLU."""
    drawing.circle(x, y, 26, "panel", "ink")
    if smooth:
        drawing.line(
            (x - 20, y + 13), (x - 7, y + 11), (x + 7, y - 11), (x + 20, y - 13), head=False, radius=9, width=2.5
        )
    else:
        drawing.line((x - 20, y + 6), (x, y + 2), (x + 17, y - 17), head=False, radius=1, width=2.5)
