"""The glossary: read from its table, written as a page of terms, and linked to from wherever a term is used."""

import re
from dataclasses import dataclass

from course_utils.publishing.notebooks import without_comments

ROW = re.compile(
    r"^\| \*\*(?P<term>.+?)\*\* \| (?P<korean>.+?) \| (?P<meaning>.+?) "
    r"\| \[(?P<label>.+?)\]\((?P<page>.+?)\.ipynb#(?P<section>.+?)\) \|$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Term:
    """One row: the names of a term in English and in Korean, what it means, and the section that teaches it."""

    names: tuple[str, ...]
    korean: tuple[str, ...]
    meaning: str
    label: str
    page: str
    section: str


def terms(text: str) -> list[Term]:
    """Read the rows of the glossary's table."""
    return [
        Term(_names(row["term"]), _names(row["korean"]), row["meaning"], row["label"], row["page"], row["section"])
        for row in ROW.finditer(text)
    ]


def _names(written: str) -> tuple[str, ...]:
    """Take ``graph attention network (GAT)`` apart into both names."""
    return tuple(part.strip() for part in re.split(r"[(),]", written) if part.strip())


def as_page(text: str, taught_in: str = "Taught in") -> str:
    """Write the glossary with its table as Sphinx's list of terms, each in both languages an object of its own."""
    before = without_comments(text).partition("\n| ")[0] + "\n"
    entries = []
    taken: set[str] = set()
    for term in terms(text):
        names = [name for name in (*term.names, *term.korean) if name.lower() not in taken]
        taken.update(name.lower() for name in names)
        head = "\n".join(names)
        entries.append(f"{head}\n  {term.meaning}. {taught_in} [{term.label}]({term.page}.ipynb#{term.section})\n")
    return f"{before}```{{glossary}}\n" + "\n".join(entries) + "```\n"
