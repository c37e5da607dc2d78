"""The site's page of claims: for each its word, effect and interval in a line, and behind it what was measured."""

import html
import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from docutils.nodes import make_id
from nbformat import NotebookNode

from course_utils.evidence.card import COLOURS, SYMBOLS, line_and_rest
from course_utils.evidence.record import records_of
from course_utils.files import EXPERIMENT_NOTEBOOKS, EXPERIMENTS, LECTURES
from course_utils.languages.speaking import said
from course_utils.publishing.home import raw
from course_utils.publishing.lighter import Styles
from course_utils.publishing.notebooks import without_comments
from course_utils.refusals import read_notebook

PLURAL = {"holds": "hold", "does not hold": "do not hold"}
WRITTEN = re.compile(r"<!-- claims: written by .*?<!-- end of claims -->", re.DOTALL)


def page(
    text: str,
    styles: Styles,
    shown: Callable[[str], str],
    notebooks: Mapping[Path, NotebookNode],
) -> tuple[str, Counter[str]]:
    """Give CLAIMS.md as a page, its claims as lines to unfold that can be chosen by their verdict; and count these.

    ``shown`` says in a language what HTML shows, and ``notebooks`` are lectures and experiments in it.
    """
    words: Counter[str] = Counter()
    parts = []
    for lecture, experiment in zip(LECTURES, EXPERIMENT_NOTEBOOKS, strict=True):
        title = notebooks[lecture].cells[0].source.splitlines()[0].lstrip("# ")
        sections = measured_in(experiment, read_notebook(experiment))
        titles = measured_in(experiment, notebooks[experiment])
        lines = []
        for record in records_of(lecture.stem[:2]):
            for claim in record.claims:
                word, line, rest = line_and_rest(record, claim)
                words[word] += 1
                place = f"lectures/{EXPERIMENTS.name}/{experiment.stem}.html#{make_id(sections[record.name])}"
                where = f"{html.escape(titles[record.name].replace('$', ''))}, {record.name}"
                lines.append(
                    f'<details class="claim" data-word="{word}"><summary>{styles.taken_from(line)}</summary>'
                    f'{styles.taken_from(rest)}<p>{said("Measured in")} <a href="{place}">{where}</a>.</p></details>'
                )
        parts.append(f"### [{title}](lectures/{lecture.name})\n\n{raw(shown(''.join(lines)))}")
    listed = raw(shown(choice(words))) + "\n" + "\n".join(parts)
    return without_comments(WRITTEN.sub(lambda _: listed, text)), words


def choice(words: Counter[str]) -> str:
    """Give the choice of a verdict; the style sheet hides what is not chosen, so that no script is needed."""
    known = {"all": said(f"all {words.total()}"), **{word: f"{SYMBOLS[word]} {word} {words[word]}" for word in COLOURS}}
    labels = "".join(
        f'<label><input type="radio" name="verdict" value="{word}"{" checked" if word == "all" else ""}> {says}</label>'
        for word, says in known.items()
    )
    return f'<fieldset class="verdicts"><legend>{said("Show")}</legend>{labels}</fieldset>'


def bar(words: Counter[str]) -> str:
    """Give a bar of how many claims came out how, which leads to the page of claims."""
    parts = "".join(
        f'<span style="flex-grow:{words[word]};background:{colour}">'
        f"{SYMBOLS[word]} {words[word]} {PLURAL.get(word, word)}</span>"
        for word, colour in COLOURS.items()
    )
    return f'<a class="verdict-bar" href="claims.html">{parts}</a>'


def measured_in(experiment: Path, notebook: NotebookNode) -> dict[str, str]:
    """Give the name of each record → the section of the experiment that measures it."""
    found, heading = {}, ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            heading = (re.findall(r"^##+ (.+)$", cell.source, re.MULTILINE) or [heading])[-1]
        else:
            names = re.findall(rf'\bmeasure\(\s*(?:name=)?"({experiment.stem[:2]}_\w+)"', cell.source)
            found.update(dict.fromkeys(names, heading))
    return found
