"""A map of weights as a table with coloured cells: there without a script, also where style sheets are stripped."""

import html
from collections.abc import Mapping

from course_utils.palette import ink_on, shade


def number(weight: float | None) -> str:
    """Write a weight in as few signs as a narrow cell has room for: .93, 1, nothing for 0; a dash if masked."""
    if weight is None:
        return "–"
    if weight < 0.005:
        return ""
    return "1" if weight >= 0.995 else f"{weight:.2f}"[1:]


def map_of(data: Mapping) -> tuple[str, str]:
    """Write the first map as a table, and the two widths at which it changes: labels upright, numbers left out."""
    keys, queries = data["keys"], data["queries"]
    longest, side = max(map(len, keys)), min(2 + 0.62 * max(map(len, queries)), 7.5)
    # As widths of the column in em: every label needs a cell of its length, and a number one of 1.75 em.
    flat, numbered = side + len(keys) * (0.6 + 0.56 * longest), side + len(keys) * 1.75
    kind = f"explorer-{len(keys)}-{longest}-{side * 10:.0f}"
    style = (
        f"@container explorer (max-width: {flat:.1f}em) {{ .{kind} .explorer-key > * "
        "{ writing-mode: vertical-rl; transform: rotate(180deg); max-height: 8em; white-space: nowrap; } }"
        f"@container explorer (max-width: {numbered:.1f}em) {{ .{kind} tbody td {{ font-size: 0 !important; }} }}"
    )
    cell = "padding:2px 0;text-align:center;"
    head = "".join(
        f'<th scope="col" class="explorer-key" style="{cell}vertical-align:bottom;overflow-wrap:break-word">'
        f"<bdi>{html.escape(key)}</bdi></th>"
        for key in keys
    )
    body = "".join(
        f'<tr><th scope="row" class="explorer-query" style="padding:2px 6px;text-align:right;overflow-wrap:break-word">'
        f"<bdi>{html.escape(query)}</bdi></th>{''.join(f'<td {_cell(weight)}</td>' for weight in row)}</tr>"
        for query, row in zip(queries, data["maps"][0], strict=True)
    )
    widest = side + len(keys) * min(max(2.6, 0.6 + 0.56 * longest), 5.5)
    return style, (
        f'<table class="explorer-map {kind}" style="table-layout:fixed;width:100%;max-width:{widest:.1f}em;margin:0;'
        f'border-collapse:separate;border-spacing:1px"><colgroup><col style="width:{side:.1f}em"></colgroup>'
        f'<thead style="font-size:0.8em"><tr><td></td>{head}</tr></thead>'
        f'<tbody style="font-size:0.75em">{body}</tbody></table>'
    )


def _cell(weight: float | None) -> str:
    """Write what follows ``<td`` in the map; each cell has its look with it, for viewers that strip style sheets."""
    if weight is None:
        return f'class="explorer-masked" style="border:1px dashed #8a93a0;padding:0;text-align:center">{number(weight)}'
    colour = shade(weight)
    return f'style="background-color:{colour};color:{ink_on(colour)};padding:0;text-align:center">{number(weight)}'
