"""An attention map to explore: point at a query or a key, or walk with the arrow keys, and see where the weight goes.

The map is a table with coloured cells, written here, so that it is there where no script runs: in a notebook that
JupyterLab does not trust, in viewers that strip scripts and styles (the numbers remain), on paper. The style makes it
fit its column, the script lets it answer; both ask for nothing outside.

`stage` goes further: there the page itself computes, and the reader moves what it computes with.
"""

import html
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from IPython.display import HTML, display
from jaxtyping import Bool, Float
from torch import Tensor

from course_utils.explorer.maps import map_of, number
from course_utils.explorer.stages import stage, stage_html
from course_utils.languages.speaking import language, speaker
from course_utils.palette import NOTHING, WEIGHT, ink_on, shade

__all__ = ["explore", "show_document", "stage", "stage_html"]

STYLE = Path(__file__).with_name("explorer.css").read_text(encoding="utf-8")
SCRIPT = Path(__file__).with_name("explorer.js").read_text(encoding="utf-8")
MOST_COLUMNS = 24
ROUNDING = 1e-3  # how far a softmax in half precision may leave 0 to 1
_VISIBLE = str.maketrans({" ": "␣", "\n": "↵", "\r": "↵", "\t": "⇥"})


def explore(
    weights: Float[Tensor, "*choices q_len k_len"],
    queries: Sequence[str],
    keys: Sequence[str],
    description: str,
    choices: Mapping[str, Sequence[str]] | None = None,
    mask: Bool[Tensor, "..."] | None = None,
) -> HTML:
    """Show a map of weights that answers: where a query looks, and who looks at a key.

    Parameters
    ----------
    weights
        Between 0 and 1, one row per query; before that one axis for each of the choices.
    queries, keys
        What rows and columns are called. More than 24 keys are shown as running text, shaded relative to the largest
        weight of all rows.
    description
        What is to be seen, in a sentence: the caption.
    choices
        What there is to choose from, in the order of the axes: ``{"layer": ["1", "2"], "head": ["1", "2", "3", "4"]}``.
        Without a script the first of each is shown.
    mask
        (queries, keys), True where the query may attend to the key; other places are hatched, and whatever the weights
        hold there (NaN, for example) is ignored.

    Returns
    -------
    What a cell shows when it ends with this call.

    Raises
    ------
    ValueError
        If weights or mask do not fit the names, or a weight that is shown is not a number between 0 and 1.
    """
    choices = choices or {}
    expected = (*map(len, choices.values()), len(queries), len(keys))
    if 0 in expected:
        raise ValueError(f"explore: expected at least one name on each axis, got {expected} names; name what is shown.")
    if tuple(weights.shape) != expected:
        raise ValueError(
            f"explore: weights must be ({', '.join([*choices, 'queries', 'keys'])}) = {expected} for these names, "
            f"got {tuple(weights.shape)}."
        )
    if mask is not None and tuple(mask.shape) != expected[-2:]:
        raise ValueError(f"explore: mask must be (queries, keys) = {expected[-2:]}, got {tuple(mask.shape)}.")
    allowed = [[True] * len(keys)] * len(queries) if mask is None else mask.tolist()
    data: dict[str, Any] = {
        "queries": [_label(query) for query in queries],
        "keys": [_label(key) for key in keys],
        "choices": [{"name": name, "options": [*map(str, options)]} for name, options in choices.items()],
        "maps": [
            [
                [_checked(weight, seen, query, key) for weight, seen, key in zip(row, may, keys, strict=True)]
                for row, may, query in zip(rows, allowed, queries, strict=True)
            ]
            for rows in weights.reshape(-1, *expected[-2:]).tolist()
        ],
    }
    if choices:  # the script colours the other maps, with the same scale
        turn = next(step / 100 for step in range(101) if ink_on(shade(step / 100)) == "#fff")
        data["scale"] = {"ends": [NOTHING, WEIGHT], "turn": turn}
    masked = any(None in row for row in data["maps"][0])
    running = len(keys) > MOST_COLUMNS
    own_style, shown = ("", _text(data)) if running else map_of(data)
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    text = text.replace("<", "\\u003c")  # no word may end the script element
    markup = (
        f'<figure class="attention-explorer"><style>{STYLE}{own_style}</style>'
        f"<figcaption>{html.escape(description)}</figcaption>{_first(data['choices'])}"
        f'<div class="explorer-stage">{shown}</div><p class="explorer-told"></p>{_legend(running, masked)}'
        f'<script type="application/json">{text}</script><script>{SCRIPT}</script></figure>'
    )
    return HTML(speaker(language()).shown(markup))


def _checked(weight: float, may: bool, query: str, key: str) -> float | None:
    """Give a weight as it is stored, None where the mask forbids it; refuse what is no weight."""
    if not may:
        return None
    if not (math.isfinite(weight) and -ROUNDING <= weight <= 1 + ROUNDING):
        raise ValueError(
            f"explore: expected weights between 0 and 1, got {weight:g} for query {query!r} and key {key!r}; "
            "pass what softmax gives, and a mask for the places that have no weight."
        )
    return round(min(max(weight, 0.0), 1.0), 3)


def _label(word: str) -> str:
    """Give a word as it is shown: what could not be seen becomes a sign, and half a surrogate cannot be stored."""
    word = str(word)
    word = (
        word.translate(_VISIBLE) if not word.strip() else " ".join(word.translate({10: "↵", 13: "↵", 9: "⇥"}).split())
    )
    return word.encode("utf-8", "replace").decode("utf-8") or "(empty)"


def _first(choices: Sequence[Mapping]) -> str:
    if not choices:
        return ""
    names = ", ".join(f"{choice['name']} {choice['options'][0]}" for choice in choices)
    return f'<p class="explorer-choices">Shown: {html.escape(names)}.</p>'


def _text(data: Mapping) -> str:
    """Write the first map as running text, once per query, and as a folded table with one row per key."""
    blocks = []
    most = max(weight or 0.0 for row in data["maps"][0] for weight in row) or 1.0  # one scale: an even row stays light
    for query, row in zip(data["queries"], data["maps"][0], strict=True):
        words = " ".join(_word(key, weight, most) for key, weight in zip(data["keys"], row, strict=True))
        blocks.append(
            f'<div class="explorer-row"><b class="explorer-query"><bdi>{html.escape(query)}</bdi></b>'
            f'<p class="explorer-text" style="overflow-wrap:break-word">{words}</p></div>'
        )
    head = "".join(f'<th scope="col">{html.escape(query)}</th>' for query in data["queries"])
    body = "".join(
        f'<tr><th scope="row">{html.escape(key)}</th>{"".join(f"<td>{number(weight)}</td>" for weight in column)}</tr>'
        for key, *column in zip(data["keys"], *data["maps"][0], strict=True)
    )
    return (
        f'{"".join(blocks)}<details class="explorer-details"><summary>All weights as a table</summary>'
        f'<div class="explorer-table"><table><thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table></div>'
        "</details>"
    )


def _word(key: str, weight: float | None, most: float) -> str:
    if weight is None:
        return f'<bdi class="explorer-masked" style="border:1px dashed #8a93a0">{html.escape(key)}</bdi>'
    if weight < 0.05 * most:  # as good as unshaded: most words of a long text, and most of its bytes
        return f"<bdi>{html.escape(key)}</bdi>"
    colour = shade(weight / most)
    return f'<bdi style="background-color:{colour};color:{ink_on(colour)};padding:1px 3px">{html.escape(key)}</bdi>'


def _legend(running: bool, masked: bool) -> str:
    swatches = "".join(
        f'<span style="background-color:{shade(step / 8)};padding:0 0.45em">&nbsp;</span>' for step in range(9)
    )
    ends = ("0", "the largest of all rows") if running else ("0", "1")
    hatched = (
        ' &ensp; <span class="explorer-masked" style="border:1px dashed #8a93a0;padding:0 0.5em">–</span> may not look'
        if masked
        else ""
    )
    return f'<p class="explorer-legend" style="font-size:0.85em">weight {ends[0]} {swatches} {ends[1]}{hatched}</p>'


def show_document(sentences: Sequence[Sequence[str]], weights: Float[Tensor, "n_words"]) -> None:
    """Show a document with its words coloured by weight, and with a bar before each sentence for the sentence's own.

    A word's colour tells its weight *within its sentence*; a tenth or more is also written beside it, so that nothing
    depends on colour.

    Parameters
    ----------
    sentences
        The words of each sentence.
    weights
        Each word's weight in the whole document, in order.

    Raises
    ------
    ValueError
        If there are not as many weights as words.
    """
    lengths = [len(words) for words in sentences]
    if weights.shape != (sum(lengths),):
        raise ValueError(
            f"show_document: expected one weight for each of {sum(lengths)} words, got {tuple(weights.shape)}."
        )
    rows, plain = [], []
    for words, row in zip(sentences, weights.split(lengths), strict=True):
        whole = row.sum().item()
        within = (row / max(whole, 1e-9)).tolist()
        coloured = " ".join(map(_coloured_word, words, within))
        bar = f'<span style="display:inline-block;height:0.8em;width:{100 * whole:.0f}%;background:{WEIGHT}"></span>'
        rows.append(
            '<div style="display:flex;gap:0.5em;margin:0.4em 0;line-height:1.6">'
            f'<div style="flex:0 0 6.6em;white-space:nowrap">weight <b>{whole:.2f}</b><br>{bar}</div>'
            f'<p style="flex:1;margin:0">{coloured}</p></div>'
        )
        named = (f"{word} ({w:.2f})" if w >= 0.1 else word for word, w in zip(words, within, strict=True))
        plain.append(f"weight {whole:.2f}: {' '.join(named)}")
    display({"text/html": "".join(rows), "text/plain": "\n".join(plain)}, raw=True)


def _coloured_word(word: str, weight: float) -> str:
    ground = shade(weight) if weight >= 0.02 else "transparent"
    ink = f";color:{ink_on(ground)}" if weight >= 0.02 else ""
    number = f"<sub>{weight:.2f}</sub>" if weight >= 0.1 else ""
    style = f"background-color:{ground}{ink};border-radius:3px;padding:1px 3px"
    return f'<span style="{style}">{html.escape(word)}</span>{number}'
