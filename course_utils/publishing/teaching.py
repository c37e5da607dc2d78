"""What a speaker asks and what the class will answer, from the page for those who teach, for the notes of decks."""

import re
from dataclasses import dataclass
from pathlib import Path

from course_utils.refusals import read_text

PAGE = Path(__file__).with_name("site_sources") / "teaching.md"


@dataclass(frozen=True)
class Asked:
    """For one lecture: section → questions to ask in it, and exercise → mistakes that it will bring out."""

    questions: dict[str, list[str]]
    mistakes: dict[str, list[str]]


def asked_in(number: str) -> Asked:
    """Read what the page says of a lecture, named by its number; nothing for a notebook that it does not know."""
    plan = re.search(rf"^### {number} · .*?(?=^##|\Z)", read_text(PAGE), flags=re.MULTILINE | re.DOTALL)
    asked = Asked({}, {})
    for question, section in _marked(plan[0] if plan else "", "Ask"):
        asked.questions.setdefault(section, []).append(question)
    for mistake, known in _marked(plan[0] if plan else "", "Expect"):
        words = mistake.removeprefix("and ").rstrip(",.")
        asked.mistakes.setdefault(known.partition(":")[0], []).append(words)
    return asked


def _marked(plan: str, label: str) -> list[tuple[str, str]]:
    """Give each part of a line with the comment behind it."""
    (line,) = re.findall(rf"\*\*{label}:\*\* (.*)", plan) or [""]
    return re.findall(r"\s*(.+?) <!-- (.+?) -->", line)
