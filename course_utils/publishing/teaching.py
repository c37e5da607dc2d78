"""What a speaker asks and what the class will answer, from the page for those who teach, for the notes of decks."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from course_utils.languages.weave import woven_page
from course_utils.refusals import read_text

PAGE = Path(__file__).with_name("site_sources") / "teaching.md"


@dataclass(frozen=True)
class Asked:
    """For one lecture: section → questions to ask in it, and exercise → mistakes that it will bring out."""

    questions: dict[str, list[str]]
    mistakes: dict[str, list[str]]


def asked_in(number: str, language: str = "") -> Asked:
    """Read what the page says of a lecture, named by its number; nothing for a notebook that it does not know.

    Questions and mistakes are in a language; sections and exercises have their English names.
    """
    asked, plan = Asked({}, {}), _plan(number, "")
    lines = [*zip(plan, _plan(number, language) if language else plan, strict=True)]
    for question, section in _marked("Ask", lines):
        asked.questions.setdefault(section, []).append(question)
    for mistake, known in _marked("Expect", lines):
        words = mistake.removeprefix("and ").rstrip(",.")
        asked.mistakes.setdefault(known.partition(":")[0], []).append(words)
    return asked


def _marked(label: str, lines: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Give each part of a line with the comment behind it; the line is found by its label in English."""
    for english, line in lines:
        if english.startswith(f"- **{label}:** "):
            return re.findall(r"\s*(.+?) <!-- (.+?) -->", line.partition(":** ")[2])
    return []


def _plan(number: str, language: str) -> list[str]:
    page = woven_page(read_text(PAGE), language, headings=False)
    found = re.search(rf"^### {number} · .*?(?=^##|\Z)", page, flags=re.MULTILINE | re.DOTALL)
    return found[0].splitlines() if found else []
