"""The site's home page: the equation beside a live map of weights, the table with a drawing per row, and the lectures.

Choosing a row or a part needs no script: radio buttons do it, and the style sheet shows what they choose.
"""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from nbformat import NotebookNode
from num2words import num2words

from course_utils.drawings.six_rows import SIX, draw
from course_utils.explorer import explore
from course_utils.explorer.weights import stored_translators
from course_utils.files import README
from course_utils.publishing.notebooks import section
from course_utils.refusals import Damaged, damaged

PARTS = {"all": "all of it", "q": "q", "K": "K", "V": "V", "f": "f", "mask": "mask"}
NUMBERS = {num2words(number): number for number in range(1, 121)}
NUMBER = re.compile(rf"\b(?:{'|'.join(sorted(NUMBERS, key=len, reverse=True))}|\d+)\b")


@dataclass(frozen=True)
class Effort:
    """What a lecture asks for: minutes to read, minutes for its exercises, how many these are, and what comes first."""

    reading: int
    solving: int
    exercises: int
    needs: tuple[str, ...]

    def __str__(self) -> str:
        known = f"needs {' and '.join(self.needs)}" if self.needs else "begin here"
        return f"{self.reading} min to read · {self.solving} min for {self.exercises} exercises · {known}"


def effort(notebook: NotebookNode, name: str) -> Effort:
    """Read what a lecture asks for from its first screen: the cell that names minutes and what one needs.

    Raises
    ------
    ValueError
        If no cell at the beginning names both.
    """
    for cell in notebook.cells[:7]:
        if cell.cell_type == "markdown" and "exercises" in cell.source and re.search("need", cell.source, re.I):
            told = re.search(r"[^\n]*\b(?:minutes|Plan|Reading)\b.*", cell.source, re.DOTALL)
            words = NUMBER.findall(told[0].lower() if told else "")
            found = [number for word in words if (number := NUMBERS.get(word) or int(word)) > 9]
            if len(found) >= 2:
                needs = sorted(set(re.findall(r"\]\((0\d)_", cell.source)) - {name[:2]})
                tasks = sum("exercise" in other.metadata.get("tags", []) for other in notebook.cells)
                return Effort(found[0], found[1], tasks, tuple(needs))
    raise ValueError(
        f"{name}: expected its minutes and what it needs on its first screen, such as 'Plan 50 minutes …'."
    )


def question(notebook: NotebookNode) -> str:
    """Give the question that a lecture opens with."""
    found = re.search(r"\*\*(.+?)\*\*", notebook.cells[0].source, re.DOTALL)
    return " ".join(found[1].split()) if found else ""


def finding(readme: str, path: Path) -> str:
    """Give the sentence with which README tells what a lecture found; README's guards hold its numbers."""
    _, found, told = section(readme, "Six lectures").partition(f"](notebooks/{path.name})\n")
    if not found:
        raise Damaged(damaged(README, f"it does not tell what {path.stem} found"))
    told = re.sub(r"!\[.*?\]\(.*?\)", "", told.partition("\n### ")[0], flags=re.DOTALL)
    return re.split(r"(?<=[.?!]) (?=[A-Z가-힣])", " ".join(told.split()))[0]


def explorer() -> str:
    """Give the map of one number, as the translator of lecture 02 wrote it with the weights that a page carries."""
    first = stored_translators()["first"]
    says = f"{first['number']:,}: how much weight each German word (row) gives to each English word (column)."
    return str(explore(torch.tensor(first["weights"]), first["german"], first["english"], says).data)


def raw(markup: str) -> str:
    """Give HTML as a part of a page of MyST."""
    return f"````{{raw}} html\n{markup}\n````\n"


def formulas(cell: str) -> str:
    """Give a cell of a Markdown table as HTML, with its formulas as MathJax finds them."""
    shown = re.sub(r"\*(.+?)\*", r"<em>\1</em>", html.escape(cell, quote=False))
    return re.sub(r"\$(.+?)\$", r'<span class="math notranslate nohighlight">\\(\1\\)</span>', shown)


def one_table(rows: Sequence[Sequence[str]], pages: Sequence[str]) -> str:
    """Give the course's table with a choice of row and of part, and the drawing of each row; the first is shown.

    Parameters
    ----------
    rows
        Head and six rows, in Markdown.
    pages
        The address of each lecture.
    """
    head, *body = rows
    lines = []
    for number, (row, page) in enumerate(zip(body, pages, strict=True), start=1):
        name, *cells = row
        chosen = " checked" if number == 1 else ""
        choice = f'<input type="radio" name="row" id="row-{number}" value="{number}"{chosen}>'
        link = f'<a href="{page}" aria-label="read lecture {name}">read</a>'
        marked = zip(list(PARTS)[1:], cells, strict=True)
        tds = "".join(f'<td data-part="{part}">{formulas(cell)}</td>' for part, cell in marked)
        lines.append(
            f'<tr data-row="{number}"><th scope="row"><label for="row-{number}">{choice} {html.escape(name)}</label> '
            f"{link}</th>{tds}</tr>"
        )
    titles = "".join(
        f'<th scope="col" data-part="{part}">{formulas(cell)}</th>'
        for part, cell in zip(list(PARTS)[1:], head[1:], strict=True)
    )
    parts = "".join(
        f'<label><input type="radio" name="part" value="{part}"{" checked" if part == "all" else ""}> '
        f"<span>{'<em>' + says + '</em>' if len(says) == 1 else says}</span></label>"
        for part, says in PARTS.items()
    )
    models = "".join(
        f'<figure class="model" data-model="{number}">{draw(row).inline()}'
        f"<figcaption><strong>{row.name}</strong>. {html.escape(row.told)}</figcaption></figure>"
        for number, row in enumerate(SIX, start=1)
    )
    return (
        '<div class="one-table"><div class="rows-scroll"><table class="rows"><caption>Choose a row: its drawing shows '
        "where each part is.</caption>"
        f'<thead><tr><th scope="col">lecture</th>{titles}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'
        f'<div class="models"><fieldset class="parts"><legend>Light</legend>{parts}</fieldset>'
        f'<div aria-live="polite">{models}</div></div></div>'
    )


@dataclass(frozen=True)
class Card:
    """A lecture as it is offered: its page, title, picture, finding and effort."""

    page: str
    title: str
    picture: str
    kind: str
    finding: str
    effort: Effort


def cards(offered: Sequence[Card], level: int = 3) -> str:
    """Give the lectures as cards, their titles as headings of a level."""
    shown = "".join(
        f'<li class="card-lecture"><a href="{card.page}"><img class="{card.kind}" src="{card.picture}" '
        f'alt="The figure that lecture {card.title[:2]} explains" loading="lazy" width="360" height="200">'
        f"<h{level}>{html.escape(card.title)}</h{level}></a><p>{html.escape(card.finding)}</p>"
        f'<p class="effort">{html.escape(str(card.effort))}</p></li>'
        for card in offered
    )
    return f'<ul class="cards-lectures">{shown}</ul>'
