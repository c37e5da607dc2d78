"""An attention map to explore: point at a query, or walk with the arrow keys, and see where its weight goes.

The same call works in JupyterLab, in the slides and on the site: it gives plain HTML with a few lines of script, asks
for nothing outside, and holds all weights as a table for those who do not see the map or run no script.
"""

import html
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from IPython.display import HTML
from jaxtyping import Bool, Float
from torch import Tensor

STYLE = Path(__file__).with_name("explorer.css").read_text(encoding="utf-8")
SCRIPT = Path(__file__).with_name("explorer.js").read_text(encoding="utf-8")


def explore(
    weights: Float[Tensor, "*choices q_len k_len"],
    queries: Sequence[str],
    keys: Sequence[str],
    description: str,
    choices: Mapping[str, Sequence[str]] | None = None,
    mask: Bool[Tensor, "..."] | None = None,
) -> HTML:
    """Show a map of weights, and the weights over the keys of the query that the reader points at.

    Parameters
    ----------
    weights
        One row a query; before that one axis for each of the choices.
    queries, keys
        What rows and columns stand for. More than 24 keys are shown as running text.
    description
        What is to be seen, in a sentence: the caption, also read aloud.
    choices
        What there is to choose from, in the order of the axes: ``{"layer": ["1", "2"], "head": ["1", "2", "3", "4"]}``.
    mask
        (queries, keys), True where the query may attend to the key; other places are drawn empty.

    Returns
    -------
    What a cell shows when it ends with this call.

    Raises
    ------
    ValueError
        If weights or mask do not fit the names.
    """
    choices = choices or {}
    expected = (*map(len, choices.values()), len(queries), len(keys))
    if tuple(weights.shape) != expected:
        raise ValueError(
            f"explore: weights must be ({', '.join([*choices, 'queries', 'keys'])}) = {expected} for these names, "
            f"got {tuple(weights.shape)}."
        )
    if mask is not None and tuple(mask.shape) != expected[-2:]:
        raise ValueError(f"explore: mask must be (queries, keys) = {expected[-2:]}, got {tuple(mask.shape)}.")
    maps = weights.reshape(-1, *expected[-2:]).tolist()
    allowed = [[True] * len(keys)] * len(queries) if mask is None else mask.tolist()
    data = {
        "queries": list(queries),
        "keys": list(keys),
        "choices": [{"name": name, "options": list(options)} for name, options in choices.items()],
        "maps": [[_row(*pair) for pair in zip(rows, allowed, strict=True)] for rows in maps],
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    text = text.replace("<", "\\u003c")  # no word may end the script element
    caption = html.escape(description)
    return HTML(
        f'<figure class="attention-explorer"><style>{STYLE}</style><figcaption>{caption}</figcaption>'
        '<div class="explorer-stage"></div>'
        f"<details><summary>All weights as a table</summary>{_tables(data)}</details>"
        f'<script type="application/json">{text}</script><script>{SCRIPT}</script></figure>'
    )


def _row(weights: Sequence[float], allowed: Sequence[bool]) -> list[float | None]:
    return [round(weight, 3) if may else None for weight, may in zip(weights, allowed, strict=True)]


def _tables(data: dict) -> str:
    """Write every map as a table: the text equivalent."""
    head = "".join(f'<th scope="col">{html.escape(key)}</th>' for key in data["keys"])
    named = [[f"{choice['name']} {option}" for option in choice["options"]] for choice in data["choices"]]
    tables = []
    for names, rows in zip(itertools.product(*named), data["maps"], strict=True):
        body = "".join(
            f'<tr><th scope="row">{html.escape(query)}</th>{"".join(map(_cell, row))}</tr>'
            for query, row in zip(data["queries"], rows, strict=True)
        )
        caption = html.escape(", ".join(names) or "weights")
        tables.append(
            f'<div class="explorer-table" tabindex="0" role="region" aria-label="{caption}"><table>'
            f"<caption>{caption}</caption><thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        )
    return "".join(tables)


def _cell(weight: float | None) -> str:
    return "<td>–</td>" if weight is None else f"<td>{weight:.2f}</td>"
