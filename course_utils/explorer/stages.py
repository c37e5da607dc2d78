"""Attention to play with, in the page: four stages in plain JavaScript, which compute what they show."""

import base64
import html
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from IPython.display import HTML
from torch import Tensor

from course_utils.attention import (
    Score,
    dot_score,
    edge_mask,
    last_position_mask,
    masked_softmax,
    padding_mask,
    scaled_dot_score,
    window_mask,
    zero_score,
)
from course_utils.explorer.maps import map_of
from course_utils.explorer.weights import STORED_TRANSFORMER, stored_translators
from course_utils.files import PICTURES
from course_utils.languages.speaking import language, speaker
from course_utils.palette import DARK, LIGHT, NOTHING, WEIGHT, ink_on, shade

SCRIPTS = Path(__file__).with_name("live")
STAGES = {  # the scripts of each, in their order; a script may have a style of its own beside it
    "equation": ("attend", "stage", "equation"),
    "translator": ("attend", "number_words", "weights", "translator", "stage", "numbers", "translators"),
    "heads": ("attend", "number_words", "weights", "translator", "transformer", "stage", "numbers", "heads"),
    "documents": ("attend", "stage", "documents"),
}
WORDS = ("old", "dog", "bites", "new", "cat", "pad")  # of the equation's stage, as in live/equation.js
GRAPH = ((0, 1), (1, 2), (2, 4), (3, 4))
WIDEST, SHOWN_WIDTH = 64, 4  # of queries and keys

# The scores of live/attend.js: every learned matrix is the identity, every learned vector all ones.
SCORES: dict[str, Score] = {
    "zero": zero_score,
    "dot": dot_score,
    "scaled": scaled_dot_score,
    "additive": lambda keys, query: torch.tanh(query[:, None] + keys[None]).sum(dim=-1),
    "learned": lambda keys, query: dot_score(torch.tanh(keys), query),
    "offset": lambda keys, query: -(torch.arange(len(query))[:, None] - torch.arange(len(keys))).abs().to(keys.dtype),
    "graph": lambda keys, query: torch.nn.functional.leaky_relu(query.sum(-1)[:, None] + keys.sum(-1), 0.2),
}
ROWS = {  # of the course's table: its score, its mask, and how the first picture is called
    "01": ("zero", "last", "The score is 0 and only the last word may be looked at"),
    "02": ("additive", "padding", "The additive score of Bahdanau; padding is hidden"),
    "03": ("learned", "padding", "One learned query for everybody; padding is hidden"),
    "04": ("offset", "window", "The score depends on the place alone; a window is the mask"),
    "05": ("scaled", "padding", "The scaled dot product of the Transformer; padding is hidden"),
    "06": ("graph", "edges", "The score of graph attention; the edges of a graph are the mask"),
}


def stage(name: str, row: str = "05") -> HTML:
    """Show a stage on which a reader plays with attention: what a cell shows when it ends with this call.

    It is the same in JupyterLab, in a deck and on the site, needs no kernel, and is kept with the cell's output. Each
    stage opens with a question, and answers when the reader has guessed. Where no script runs the first state is there
    as a picture with its description.

    Parameters
    ----------
    name
        ``"equation"``: six words with made-up numbers, any score with any mask, temperature, width, hidden keys.
        ``"translator"``: the translators of lectures 01 and 02, with the weights that they learned, on any number of
        up to 12 digits (about 400 kB). ``"heads"``: the Transformer of lecture 05 on any number, with the map of each
        head beside the average of its layer (about 240 kB). ``"documents"``: the four documents of lecture 06, whose
        references can be taken away.
    row
        With which row of the course's table the equation begins, ``"01"`` to ``"06"``.

    Returns
    -------
    An object with ``_repr_html_``. A page that is not a notebook takes `stage_html`.

    Raises
    ------
    ValueError
        If there is no such stage or row.

    Examples
    --------
    >>> from course_utils.explorer import stage
    >>> stage("equation", row="02")  # doctest: +SKIP
    """
    return HTML(speaker(language()).shown(stage_html(name, row)))


def stage_html(name: str, row: str = "05") -> str:
    """Give a stage as HTML, for a page of the site or any other: one ``<figure>`` that carries all it needs.

    It fills the width it is given, from 320 pixels on, follows ``data-theme="dark"`` of an element around it (and
    JupyterLab's theme), and may be there more than once. It has no blank line, so that it may stand in Markdown.

    Raises
    ------
    ValueError
        If there is no such stage or row.
    """
    if name not in STAGES:
        raise ValueError(f"stage: {name!r} is no stage; choose one of {', '.join(STAGES)}.")
    if row not in ROWS:
        raise ValueError(f"stage: {row!r} is no row of the table; choose one of {', '.join(ROWS)}.")
    title, still, data = MAKERS[name](row)
    turn = next(step / 100 for step in range(101) if ink_on(shade(step / 100)) == "#fff")
    data["scale"] = {"ends": [NOTHING, WEIGHT], "turn": turn}
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    styles = [path for part in ("live", *STAGES[name]) if (path := SCRIPTS / f"{part}.css").exists()]
    style = _colours() + "".join(map(_without_blank_lines, styles))
    script = "".join(_without_blank_lines(SCRIPTS / f"{part}.js") for part in STAGES[name])
    return (
        f'<figure class="attention-live live-{name}"><style>{style}</style>'
        f'<figcaption class="live-title">{html.escape(title)}</figcaption>'
        f'<div class="live-still">{still}</div><div class="live-stage" hidden></div>'
        f'<script type="application/json">{text}</script><script>(function () {{\n{script}}})();</script></figure>'
    )


def numbers_of_the_equation() -> tuple[Tensor, Tensor]:
    """Make up the queries and keys of the equation's stage, one for each of its six words, 64 numbers each."""
    generator = torch.Generator().manual_seed(0)
    queries, keys = torch.randn(2, len(WORDS), WIDEST, generator=generator).mul(15).round().div(10)
    return queries, keys


def _equation(row: str) -> tuple[str, str, dict[str, Any]]:
    score, mask_name, says = ROWS[row]
    queries, keys = numbers_of_the_equation()
    n, real = len(WORDS), len(WORDS) - 1
    sources, targets = torch.tensor([*GRAPH, *((j, i) for i, j in GRAPH), *((i, i) for i in range(real))]).T
    masks = {
        "padding": torch.ones(n, n, dtype=torch.bool),
        "last": last_position_mask(torch.tensor([real]), n)[0].expand(n, n),
        "window": window_mask(n, 1),
        "edges": edge_mask(sources, targets, n),
    }
    mask = masks[mask_name] & padding_mask(torch.tensor([real]), n)[0]
    asked, answering = queries[:, :SHOWN_WIDTH], keys[:, :SHOWN_WIDTH]
    if score == "learned":
        asked = asked[1].expand_as(asked)
    weights = masked_softmax(SCORES[score](answering, asked), mask)
    still = _still(weights, _asking(row), WORDS, f"{says}. Each row asks, each column answers.", mask)
    data = {"row": row, "queries": queries.tolist(), "keys": keys.tolist()}
    return "The equation, live: any score with any mask", still, _rounded(data)


def _asking(row: str) -> Sequence[str]:
    """Name who asks: a decoder's states, one learned query, or the words themselves, as in live/equation.js."""
    if row in ("01", "02"):
        return [f"s{step}" for step in range(len(WORDS))]
    return ["u"] * len(WORDS) if row == "03" else WORDS


def _translator(_row: str) -> tuple[str, str, dict[str, Any]]:
    stored = stored_translators()
    first = stored["first"]
    says = (
        f"{first['number']:,} in German, as the decoder of lecture 02 wrote it, one word per row. Each column is an "
        "English word, and a dark place says that the decoder looked there before it wrote the word."
    )
    still = _still(torch.tensor(first["weights"]), first["german"], first["english"], says)
    packed = {name: stored[name] for name in ("models", "numbers")}
    data = {"stored": packed, "first": {name: first[name] for name in ("number", "ask")}}
    return "The translators of lectures 01 and 02, live", still, data


def _heads(_row: str) -> tuple[str, str, dict[str, Any]]:
    stored = stored_translators(STORED_TRANSFORMER)
    first = stored["first"]
    says = (
        f"{first['number']:,} in German, as the Transformer of lecture 05 wrote it, one word per row. Each column is "
        f"an English word, and a dark place says that head {first['head'] + 1} of the cross-attention in layer "
        f"{first['layer'] + 1} looked there before the word was written."
    )
    still = _still(torch.tensor(first["weights"]), first["german"], first["english"], says)
    data = {
        "stored": {name: stored[name] for name in ("models", "numbers")},
        "first": {name: first[name] for name in ("number", "ask", "layer", "head")},
        "trainedOn": stored["made"]["transformer"]["trained_on"],
    }
    return "The Transformer of lecture 05, live: one head at a time", still, data


def _documents(_row: str) -> tuple[str, str, dict[str, Any]]:
    drawing = (PICTURES / "06_message_on_an_edge.svg").read_text(encoding="utf-8")
    description = html.unescape(drawing.partition("<desc")[2].partition(">")[2].partition("</desc>")[0])
    source = base64.b64encode(drawing.encode("utf-8")).decode("ascii")
    still = (
        f'<img src="data:image/svg+xml;base64,{source}" alt="{html.escape(description)}" style="width:100%">'
        "<p>Four documents and their references: A reads itself, B and C, with the weights 0.42, 0.16 and 0.42.</p>"
    )
    return "Four documents, live: take a reference away", still, {}


MAKERS: dict[str, Callable[[str], tuple[str, str, dict[str, Any]]]] = {
    "equation": _equation,
    "translator": _translator,
    "heads": _heads,
    "documents": _documents,
}


def _still(
    weights: Tensor, queries: Sequence[str], keys: Sequence[str], description: str, mask: Tensor | None = None
) -> str:
    """Draw the first state as a table of coloured cells with its description."""
    allowed = torch.ones_like(weights, dtype=torch.bool) if mask is None else mask
    shown = [
        [weight if may else None for weight, may in zip(*row, strict=True)]
        for row in zip(weights.tolist(), allowed.tolist(), strict=True)
    ]
    style, table = map_of({"queries": queries, "keys": keys, "maps": [shown]})
    return f"<style>{style}</style><p>{html.escape(description)}</p>{table}"


def _rounded(data: Mapping[str, Any]) -> dict[str, Any]:
    """Write tenths as tenths: a float of 32 bits would be written with sixteen digits."""
    return json.loads(json.dumps(data), parse_float=lambda text: round(float(text), 1))


def _without_blank_lines(path: Path) -> str:
    """Read a file without its blank lines, at which Markdown would take HTML to end."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return "".join(f"{line}\n" for line in lines if line.strip())


def _colours() -> str:
    """Write the course's colours as properties, for light and for dark."""
    light, dark = (
        "".join(f"--{name.replace('_', '-')}:{colour};" for name, colour in colours.items())
        for colours in (LIGHT, DARK)
    )
    in_the_dark = ':is([data-theme="dark"],[data-jp-theme-light="false"],.vscode-dark) .attention-live'
    return (
        f".attention-live{{{light}--one:#0b5c97;--two:#b34e00}}\n{in_the_dark}{{{dark}--one:#7cc0f2;--two:#ffa05c}}\n"
    )
