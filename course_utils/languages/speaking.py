"""Finished sentences in another language: a catalogue's entries are templates, and the one that fits is filled in.

The code that speaks is written in English and knows nothing of languages. What it says is looked up here when it is
said: letter by letter, or with what stands in the holes of an f-string. What fills a hole may be a sentence itself.
"""

import functools
import html
import os
import re
from collections.abc import Mapping, Sequence

from course_utils.languages import package

LANGUAGE = "COURSE_LANGUAGE"  # set for a kernel by ``course.py lab --language``
HOLE = re.compile(r"\$?\{[^{}\n]*\}")
TEXT_NODE = re.compile(r"(?<=>)(?=[^<>]*[^\W\d_]{2})[^<>]+(?:<sub>[^<>]*</sub>[^<>]*)*(?=<)")
NOT_TEXT = re.compile(r"(<style\b.*?</style>|<script\b.*?</script>|<bdi\b.*?</bdi>)", re.DOTALL)
JOINTS = (  # of what a card lists, the outer ones first
    re.compile(r"( − )"),
    re.compile(r"((?:(?<=\d\.\d)|(?<=%)), )"),
    re.compile(r"( (?=\()|(?<=^[✓✗?]) (?:\d+ )?| (?=−?\d[\d.,]*(?:\s%)?$))"),
)
DEEPEST = 4  # sentences within sentences


class Speaker:
    """Says in a language what was said in English."""

    def __init__(self, known: Mapping[str, str]):
        self._whole = {_plain(english): translation for english, translation in known.items()}
        self._templates = []
        for english, translation in known.items():
            literals = [_plain(part, strip=False) for part in HOLE.split(english.strip())]
            holes = HOLE.findall(english)
            of_a_script = any(hole[0] == "$" for hole in holes)
            if re.search(r"[^\W\d_]{2}", "".join(literals)) and not of_a_script:
                self._templates.append((literals, holes, translation))
        self._templates.sort(key=lambda template: -len("".join(template[0])))

    def said(self, text: str, depth: int = 0) -> str:
        """Translate a sentence, or all of it that is known; what is not known stays English."""
        core = text.strip()
        if not re.search(r"[^\W\d_]{2}", core) or depth > DEEPEST:
            return text
        before, after = text[: text.index(core)], text[text.index(core) + len(core) :]
        if _plain(core) in self._whole and not HOLE.search(core):
            return before + self._whole[_plain(core)] + after
        if known := self._listed(core):
            return before + known + after
        plain = _plain(core)
        near = [template for template in self._templates if max(template[0], key=len) in plain]
        for find in (_alone, _opening, _part, _whole):  # what is said, before what is said in it
            for literals, holes, translation in near:
                if found := find(literals, plain):
                    filled = self._filled(translation, holes, found.groups(), depth)
                    rest = [self.said(end, depth) for end in (plain[: found.start()], plain[found.end() :])]
                    return before + rest[0] + filled + rest[1] + after
        return text

    def _listed(self, text: str) -> str | None:
        """Say what a card lists, where each of its words is known."""
        if text in self._whole or not re.search("[a-z]{3}", text):
            return self._whole.get(text, text)
        pieces = next((pieces for joint in JOINTS if len(pieces := joint.split(text)) > 1), [])
        told = [self._listed(piece) for piece in pieces]
        return None if None in told or not told else "".join(map(str, told))

    def _filled(self, translation: str, holes: list[str], groups: tuple[str, ...], depth: int) -> str:
        values = dict(zip(holes, groups, strict=True))

        def value(found: re.Match) -> str:
            text = values.get(found[0], found[0])
            return text if translation[: found.start()].endswith("`") else self.said(text, depth + 1)  # code stays

        return HOLE.sub(value, translation)

    def shown(self, markup: str) -> str:
        """Translate what HTML shows: text, descriptions, and the sentences in its scripts."""
        pieces = NOT_TEXT.split(markup)
        for i, piece in enumerate(pieces):
            if i % 2 == 0:
                piece = TEXT_NODE.sub(lambda found: self._escaped(found[0]), piece)
                pieces[i] = package.ATTRIBUTE.sub(lambda found: f'{found[1]}="{self._escaped(found[2])}"', piece)
            elif piece.startswith("<script>"):
                pieces[i] = package.IN_SCRIPT.sub(
                    self._in_script, package.JOINED.sub("", piece) if self._whole else piece
                )
        return "".join(pieces)

    def _escaped(self, text: str) -> str:
        plain = html.unescape(re.sub("<sub>(.+?)</sub>", _index, text))
        said = self.said(plain)
        return text if said == plain else with_subscripts(html.escape(said)) if "<sub>" in text else html.escape(said)

    def _in_script(self, found: re.Match) -> str:
        text = found[1] if found[1] is not None else found[2]
        said = self._whole.get(_plain(text)) if package.said_in_script(found) else None
        if not said:
            return found[0]
        said = said.replace('"', '\\"') if found[1] is not None else said
        return found[0][0] + text.replace(text.strip(), said) + found[0][-1]


def with_subscripts(text: str) -> str:
    """Set ``s_i`` and ``s_{i-1}``, as claims write them, with their index below the line."""
    return re.sub(r"_(?:\{([^}]*)\}|(\w))", lambda m: f"<sub>{(m[1] or m[2]).replace('-', '−')}</sub>", text)


def _index(found: re.Match) -> str:
    """Write an index below the line as claims do."""
    index = found[1].replace("−", "-")
    return f"_{index}" if len(index) == 1 else f"_{{{index}}}"


def _plain(text: str, strip: bool = True) -> str:
    """Give a text as it is compared: blanks and line ends are the same."""
    text = re.sub(r"\s+", " ", text)
    return text.strip() if strip else text


def _whole(literals: Sequence[str], text: str) -> re.Match | None:
    """Take all of a text for one sentence, unless a hole at its end would swallow the rest of a list."""
    found = _compiled(tuple(literals)).fullmatch(text)
    swallows = (
        found
        and len(literals) > 1
        and not literals[-1]
        and " · " in found[len(literals) - 1]
        and " · " not in "".join(literals)
    )
    return None if swallows else found


def _alone(literals: Sequence[str], text: str) -> re.Match | None:
    """Take a text for one sentence, unless a hole would hold a part of it and a part of the next."""
    found = _whole(literals, text)
    for before, value, after in zip(literals, found.groups() if found else (), literals[1:], strict=False):
        ends = re.search(r"[.?!:)]\W*$", value) or re.match(r"[.?!:]", after)
        begins = re.search(r"(^|[.?!] )$" if after else r"(^|[.?!:] )$", before)
        if re.search(r"[.?!] \S", value) and not (ends and begins):
            return None
    return found


def _opening(literals: Sequence[str], text: str) -> re.Match | None:
    """Find a sentence that begins within a text, and whose last hole holds all that follows."""
    if not literals[0] or literals[-1] or len(literals) < 3 or not re.search(r"[.?!:] $", literals[-2]):
        return None
    found = _compiled(tuple(literals), to_the_end=True).search(text)
    if found is None or not re.search(r"[.?!:)] $", text[: found.start()]):
        return None
    return None if any(re.search(r"[.?!] \S", value) for value in found.groups()[:-1]) else found


def _part(literals: Sequence[str], text: str) -> re.Match | None:
    """Find a sentence in a text; one that begins or ends with a hole could be anywhere."""
    is_known = literals[0] and literals[-1] and " " in "".join(literals).strip()  # a word alone may mean anything
    found = _compiled(tuple(literals)).search(text) if is_known else None
    if found and len(literals) == 1 and found[0][-1] not in ".?!:;,":  # some words: only where a sentence could be
        is_apart = re.search(r"(^|[.:;,?!] |[(\[])$", text[: found.start()]) and re.match(
            r"$|[.:;,?!)\]]", text[found.end() :]
        )
        found = found if is_apart else None
    cuts = found and [text[end - 1 : end + 1] for end in found.span() if 0 < end < len(text)]
    return None if cuts and any(re.fullmatch(r"\w\w", cut) for cut in cuts) else found


@functools.cache
def _compiled(literals: tuple[str, ...], to_the_end: bool = False) -> re.Pattern:
    no_end = r"(?![\w.,\]])"  # behind a point within a number or code
    ends = (re.escape(literal) + no_end * (literal == ".") for literal in literals)
    return re.compile("(.*?)".join(ends) + r"\Z" * to_the_end, re.DOTALL)


def language() -> str:
    """Name the language of this process; empty for English."""
    return os.environ.get(LANGUAGE, "")


@functools.cache
def speaker(code: str) -> Speaker:
    """Give the speaker of a language, from its catalogue of the package; that of English changes nothing."""
    if not code:
        return Speaker({})
    from course_utils.languages.catalogues import COURSE, translations  # here, since lessons import this, and need none

    return Speaker(translations(code, COURSE))


def said(text: str, code: str | None = None) -> str:
    """Say a sentence in a language, or that of this process."""
    return speaker(language() if code is None else code).said(text)
