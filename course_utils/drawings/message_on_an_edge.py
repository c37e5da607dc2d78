"""Lecture 06: the lecture's four documents, and what travels along the edges into one of them."""

from course_utils.drawings.canvas import LARGE, SMALL, TEXT, Drawing, softmax

FEATURES = {"B": (0, 1), "A": (1, 0), "C": (1, 1), "D": (2, 0)}  # in the order of the chain B - A - C - D
ROWS = dict(zip(FEATURES, (132, 228, 324, 420), strict=True))
UP, DOWN = -13, 15
NAMES = "ABCD"
EDGES = ("AB", "AC", "CD")


def project(features: tuple[int, int]) -> tuple[int, int]:
    """Give W h for the lecture's W = [[1, 1], [0, 1]], one node per row."""
    first, second = features
    return first, first + second


def score(v: str, u: str) -> float:
    """Give the lecture's score for the edge from u to v, LeakyReLU(a_q·Wh_v + a_k·Wh_u)."""
    query, key = project(FEATURES[v]), project(FEATURES[u])
    together = (query[0] - query[1]) + key[0]
    return together if together > 0 else 0.2 * together


def may_attend(v: str, u: str) -> bool:
    """Say whether the graph has an edge from u to v; every document sees itself."""
    return u == v or "".join(sorted(u + v)) in EDGES


def draw() -> Drawing:
    """Draw the edges into document A."""
    sources = [u for u in FEATURES if may_attend("A", u)]
    weights = dict(zip(sources, softmax([score("A", u) for u in sources]), strict=True))
    context = [sum(weights[u] * project(FEATURES[u])[side] for u in sources) for side in (0, 1)]

    drawing = Drawing(
        "A message along an edge",
        "Four documents in a chain, B, A, C, D, each with two features h. One matrix W projects each to Wh: B 0 1, A 1 1, "
        "C 1 2, D 2 2. Document A asks, with its own Wh as the query, and only the documents with an edge into A answer: "
        "B, A itself and C. Their edges carry the scores 0, 1 and 1; a softmax over A's incoming edges makes them the "
        "weights 0.16, 0.42 and 0.42. Each message is a weight times Wh, and their sum is A's new vector, 0.84 and 1.42. "
        "D has no edge to A: no score, no weight, no message. Beside it the same as a mask of four by four, with the row "
        "of A outlined.",
        height=586,
    )
    middle = (ROWS["B"] + ROWS["C"]) / 2
    node, feature, projected, edge, weight, times, v = 56, 140, 248, 382, 528, 648, 778
    top, bottom = ROWS["B"] - 48, ROWS["D"] + 46

    for x, width, ground in ((edge, 96, "query_tint"), (weight, 152, "weight_tint")):
        drawing.box(x, (top + bottom) / 2, width, bottom - top, ground, None, 12)
    for x, name in ((node, "node u"), (feature, "features"), (edge, "score"), (weight, "softmax"), (v, "node v")):
        drawing.words(x, 28, name, TEXT, "muted")

    for above, below in zip(FEATURES, list(FEATURES)[1:], strict=False):
        drawing.line((node, ROWS[above] + 26), (node, ROWS[below] - 26), head=False, colour="line", width=3)
    for u, y in ROWS.items():
        linked = u in weights
        ink = "ink" if linked else "muted"
        drawing.circle(node, y, 26, "panel", ink)
        drawing.words(node, y, u, LARGE, ink, bold=True)
        drawing.line((node + 27, y), (feature - 33, y), colour="line", head=False)
        drawing.vector(feature, y, FEATURES[u], colour=ink)
        drawing.line((feature + 33, y), (projected - 33, y), colour=ink)
        drawing.vector(projected, y, project(FEATURES[u]), colour=ink)
        if not linked:
            drawing.line((projected + 33, y), (edge - 36, y), colour="line", head=False, dashed=True)
            drawing.words((edge + weight) / 2 - 6, y, "no edge to A", TEXT, "muted")
            continue
        drawing.line((projected + 33, y + UP + 4), (edge - 32, y + UP), colour="key")
        drawing.box(edge, y + UP, 62, 32, "paper", "line")
        drawing.words(edge, y + UP, f"{score('A', u):g}", TEXT)
        drawing.line((edge + 32, y + UP), (weight - 63, y + UP))
        drawing.bar(weight, y + UP, 122, 26, weights[u])
        drawing.line((projected + 33, y + DOWN - 4), (times - 12, y + DOWN), colour="value", head=False)
        drawing.line((weight + 62, y + UP), (times, y + UP), (times, y + DOWN - 13), colour="weight", radius=10)
        drawing.curve((times, y + DOWN), (v - 30, middle), "value", 1.5 + 9 * weights[u])
        drawing.operator(times, y + DOWN, "×", "value")

    drawing.line((v, middle - 36), (v, 70), (edge, 70), (edge, top - 2), colour="query", width=2.25)
    drawing.formula((edge + v) / 2 + 8, 51, "[query|\"query \"Wh_v]")
    drawing.circle(v, middle, 34, "value_tint", "value")
    drawing.words(v, middle, "A", 26, bold=True)
    drawing.line((v + 35, middle), (v + 66, middle), colour="value", width=2.25)
    drawing.vector(v + 108, middle, context, 40, colour="value", digits=2)
    drawing.formula(v + 108, middle + 50, "[value|h'_v]")

    y = bottom + 34
    drawing.formula((feature + projected) / 2, y, "W h_u", LARGE)
    drawing.formula(edge, y, "f([key|Wh_u], [query|Wh_v])", 22)
    drawing.formula(weight, y, "[weight|α_{uv}]", LARGE)
    drawing.formula(times + 60, y, "Σ_u [weight|α_{uv}] [value|Wh_u]", LARGE)
    for x, name in ((edge, "apply_edges"), (weight, "edge_softmax"), (times + 60, "u_mul_e, sum")):
        drawing.words(x, y + 38, name, SMALL, "muted", code=True)
    mask(drawing, 884, ROWS["D"] - 14)
    return drawing


def mask(drawing: Drawing, x: float, y: float) -> None:
    """Draw the graph as a mask around the centre (x, y): a filled cell is an edge from the column's u to the row's v."""
    cell = 22
    for row, v in enumerate(NAMES):
        for column, u in enumerate(NAMES):
            where = x + (column - 1.5) * cell, y + (row - 1.5) * cell
            drawing.box(*where, cell - 3, cell - 3, "ink" if may_attend(v, u) else "panel", None, 3, strength=1 if v == "A" else 0.45)
        drawing.words(x - 2.5 * cell, y + (row - 1.5) * cell, v, SMALL, "ink" if v == "A" else "muted", bold=v == "A")
        drawing.words(x + (row - 1.5) * cell, y - 2.5 * cell, v, SMALL, "muted")
    drawing.words(x, y + 2.7 * cell, "mask", SMALL, "muted")
