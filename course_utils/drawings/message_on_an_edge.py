"""Lecture 06: the lecture's four documents, and what travels along the edges into one of them."""

from course_utils.drawings.canvas import LARGE, SMALL, TEXT, Drawing, Number, softmax

FEATURES = {"B": (0, 1), "A": (1, 0), "C": (1, 1), "D": (2, 0)}  # in the order of the chain B - A - C - D
ROWS = dict(zip(FEATURES, (142, 234, 326, 418), strict=True))
UP, DOWN = -13, 15
NAMES = "ABCD"
EDGES = ("AB", "AC", "CD")


def project(features: tuple[int, int]) -> tuple[int, int]:
    """Give W h for the lecture's W = [[1, 0], [1, 1]]."""
    first, second = features
    return first, first + second


def score(v: str, u: str) -> Number:
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
        "Four documents in a chain, B, A, C, D, each with two features h. One matrix W projects each to Wh: B 0 1, A "
        "1 1, C 1 2, D 2 2. Document A asks, with its own Wh as the query, and only the documents with an edge into "
        "A answer: B, A itself and C. Their edges carry the scores 0, 1 and 1; a softmax over the edges into A makes "
        "them the weights 0.16, 0.42 and 0.42. Each message is a weight times Wh, and their sum is the new vector of "
        "A, 0.84 and 1.42. D has no edge to A: no score, no weight, no message. Beside it the graph as a mask of "
        "four by four, its row A dark.",
        height=556,
    )
    middle = ROWS["A"]
    node, feature, projected, edge, weight, times, v = 70, 152, 258, 390, 534, 650, 776
    top, bottom = ROWS["B"] - 46, ROWS["D"] + 40

    for x, width, ground in ((edge, 92, "query_tint"), (weight, 148, "weight_tint")):
        drawing.box(x, (top + bottom) / 2, width, bottom - top, ground, None, 12)
    for x, name in ((node, "u"), (feature, "h_u"), (projected, "Wh_u")):
        drawing.formula(x, 26, name, LARGE, "muted")
    for x, name in ((edge, "score"), (weight, "softmax"), (times, "message"), (v, "reduce")):
        drawing.words(x, 26, name, TEXT, "muted")

    # The graph; arrows where an edge leads into A.
    drawing.line((node, ROWS["C"] + 27), (node, ROWS["D"] - 27), head=False, colour="line", width=2.25)
    drawing.line((node, ROWS["B"] + 27), (node, ROWS["A"] - 28), width=2.25)
    drawing.line((node, ROWS["C"] - 27), (node, ROWS["A"] + 28), width=2.25)
    drawing.loop(node, ROWS["A"], 26)

    for u, y in ROWS.items():
        linked = u in weights
        ink = "ink" if linked else "muted"
        drawing.circle(node, y, 26, "paper", ink)
        drawing.words(node, y, u, LARGE, ink, bold=True)
        drawing.vector(feature, y, FEATURES[u], colour=ink)
        drawing.line((feature + 33, y), (projected - 33, y), colour=ink)
        drawing.vector(projected, y, project(FEATURES[u]), colour=ink)
        if not linked:
            drawing.box(edge, y, 62, 32, "query_tint", "muted", dashed=True)
            drawing.words(weight, y, "no edge to A", TEXT, "muted")
            continue
        drawing.line((projected + 33, y + UP), (edge - 32, y + UP), colour="key")
        drawing.box(edge, y + UP, 62, 32, "paper", "line")
        drawing.words(edge, y + UP, f"{score('A', u):g}", TEXT)
        drawing.line((edge + 32, y + UP), (weight - 63, y + UP))
        drawing.bar(weight, y + UP, 122, 26, weights[u])
        drawing.line((projected + 33, y + DOWN), (times - 12, y + DOWN), colour="value", head=False)
        drawing.line((weight + 62, y + UP), (times, y + UP), (times, y + DOWN - 13), colour="weight", radius=10)
        drawing.curve(
            (times, y + DOWN), (v - 26, middle + {"B": -14, "A": 0, "C": 14}[u]), "value", 1.5 + 9 * weights[u]
        )
        drawing.operator(times, y + DOWN, "×", "value")

    drawing.line((v, middle - 34), (v, 76), (edge, 76), (edge, top - 2), colour="query", width=2.25)
    drawing.formula((edge + v) / 2, 58, '[query|"query "Wh_v]')
    drawing.circle(v, middle, 34, "value_tint", "value")
    drawing.words(v, middle, "A", 26, bold=True)
    drawing.formula(v, middle + 54, "v", LARGE, "muted")
    drawing.line((v + 35, middle), (v + 57, middle), colour="value", width=2.25)
    drawing.vector(v + 110, middle, context, 52, colour="value", digits=2)
    drawing.formula(v + 110, middle + 46, "[value|h′_v]")

    y = bottom + 30
    drawing.formula(edge, y, "f([key|Wh_u], [query|Wh_v])", 22)
    drawing.formula(weight, y, "[weight|α_{uv}]")
    drawing.formula(times, y, "[weight|α_{uv}] [value|Wh_u]")
    drawing.formula(v, y, "Σ_u")
    drawing.words(projected + 40, y + 40, "in DGL", SMALL, "muted", "end")
    for x, name in ((edge, "u_add_v"), (weight, "edge_softmax"), (times, "u_mul_e"), (v, "sum")):
        drawing.words(x, y + 40, name, SMALL, "muted", code=True)
    mask(drawing, 888, ROWS["D"] - 26)
    return drawing


def mask(drawing: Drawing, x: Number, y: Number) -> None:
    """Draw the graph as a mask around the centre (x, y): a dark cell is an edge from its column to its row."""
    cell = 22
    for row, v in enumerate(NAMES):
        for column, u in enumerate(NAMES):
            where = x + (column - 1.5) * cell, y + (row - 1.5) * cell
            edge, here = may_attend(v, u), v == "A"
            drawing.box(
                *where, cell - 3, cell - 3, "ink" if edge else "line", None, 3, strength=None if here and edge else 0.4
            )
        drawing.words(x - 2.5 * cell, y + (row - 1.5) * cell, v, SMALL, "ink" if v == "A" else "muted", bold=v == "A")
        drawing.words(x + (row - 1.5) * cell, y - 2.5 * cell, v, SMALL, "muted")
    drawing.words(x, y + 2.7 * cell, "mask", SMALL, "muted")
