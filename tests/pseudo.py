"""A language that nobody speaks: English with every word marked and 40 % longer, as a translation might be."""

import re
from collections.abc import Iterator

from course_utils.languages.catalogues import KEPT, SAID_IN_TAGS, messages, update

CODE = "eo"  # Esperanto's code, since tools know it; no catalogue of this language is in the course
MARK = "ŝ"
WORD = re.compile(r"(?<!&)(?<!\\)\b[^\W\d_]{2,}\b")


def pseudo(text: str) -> str:
    """Give a text in the language: what a translation keeps is kept, and every other word ends in marks."""
    return "".join(piece if is_kept else WORD.sub(_longer, piece) for is_kept, piece in _pieces(text, KEPT))


def _longer(found: re.Match) -> str:
    return found[0] + MARK * max(1, round(0.4 * len(found[0])))


def _pieces(text: str, patterns: tuple[re.Pattern, ...]) -> Iterator[tuple[bool, str]]:
    """Cut a text where the first pattern finds something, and what is between with the others."""
    if not patterns:
        yield False, text
        return
    done = 0
    for found in patterns[0].finditer(text):
        yield from _pieces(text[done : found.start()], patterns[1:])
        yield True, SAID_IN_TAGS.sub(lambda said: f'{said[1]}="{pseudo(said[0].split(chr(34))[1])}"', found[0])
        done = found.end()
    yield from _pieces(text[done:], patterns[1:])


def translate(name: str) -> None:
    """Write the catalogue of this name in the language."""
    update(CODE, name, {message.name: pseudo(message.english) for message in messages(name)})
