"""Cut the prose of a docstring into sentences of plain words: no code, names, mathematics, tables or markup."""

import re
import unicodedata
from collections.abc import Iterable, Iterator

Sentence = tuple[str, ...]

# Sphinx's boxes hold prose, every other directive (math, plot, code, versionadded) goes with what is indented under it.
BOX = re.compile(r"\.\. (?:note|warning|important|tip|hint|attention|caution)::\s*(.*)")
# Headings in Google style: a block of arguments, examples and so on, again with what is indented under it.
BLOCK = re.compile(
    r"\**(arg(ument)?s|keyword arg(ument)?s|returns?|raises|yields|examples?|shape|attributes|variables|inputs?"
    r"|outputs?|parameters|see also|references?|usage|call signatures?|signature)\s*:{1,2}\**$",
    re.IGNORECASE,
)
BULLET = re.compile(r"([-*+•]|\(?\d+[.)]|\(?[a-z]\)|#\.) +")
TABLE = re.compile(r"[=+|\-\s]{3,}$|\||\+-")
NOT_PROSE = re.compile(r"(from \w[\w.]* )?import \w|:[\w ]+:( |$)")
HOLE = "\N{OBJECT REPLACEMENT CHARACTER}"  # stands where something was taken out, so that a sentence may begin with it
TAKEN_OUT = [
    re.compile(pattern)
    for pattern in (
        r"\$\$.+?\$\$|\$[^$]+\$",  # mathematics
        r":[\w:+-]+:`[^`]*`",  # roles
        r"``.+?``|`[^`]+`_{0,2}",  # literals, links, names in backticks
        r"\|\w+\|_?|\[[\w-]+\]_?",  # substitutions, citations
        r"(?:https?|ftp)://\S+|www\.\S+|\bdoi:\S+",
        r"(?<!\w)\*{1,2}\w+\*{1,2}(?!\w)",  # *parameter*
    )
]
ABBREVIATION = re.compile(
    r"\b(?:e\.\s?g|i\.\s?e|i\.i\.d|w\.r\.t|a\.k\.a|et al|cf|vs|resp|eqs?|figs?|sec|dr|no|pp|approx|etc)\.(?=\W)",
    re.IGNORECASE,
)
SENTENCE_END = re.compile(r"(?<=[.!?;:])[\"')]*\s+(?=[^a-z])")
CODE = [
    re.compile(pattern)
    for pattern in (
        r"\b[\w.]+\((?!s\))[^()]*\)",  # calls, but not "value(s)"
        r"\b\w+(?:\.\w+)+\b",  # dotted names
        r"\w*_\w*",  # snake_case
        r"\b\w+\s?=\s?\S+",  # assignments
        r"\b\w*[a-z][A-Z]\w*\b",  # camelCase
        r"\b\w*\d\w*\b",
    )
]
WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")


def prose_lines(lines: Iterable[str]) -> Iterator[str]:
    """Pass on lines of prose without indentation, and an empty line for each block that is left out."""
    left_out_deeper_than = None
    for line in lines:
        content = line.strip()
        indent = len(line) - len(line.lstrip())
        if content and left_out_deeper_than is not None:
            if indent > left_out_deeper_than:
                continue
            left_out_deeper_than = None
        box = BOX.match(content)
        if box:
            yield ""
            yield box[1]
        elif content.startswith("..") or BLOCK.match(content):
            left_out_deeper_than = indent
            yield ""
        elif content.endswith("::"):
            left_out_deeper_than = indent
            yield content[:-2] + "."
        else:
            yield content


def paragraphs(lines: Iterable[str]) -> Iterator[list[str]]:
    """Group lines between empty lines; a list item is a paragraph too."""
    paragraph: list[str] = []
    for line in (*lines, ""):
        bullet = BULLET.match(line)
        if bullet or not line:
            if paragraph:
                yield paragraph
            paragraph = []
        if line:
            paragraph.append(line[bullet.end() :] if bullet else line)


def sentences(lines: Iterable[str], unwanted: re.Pattern[str]) -> list[Sentence]:
    """Cut prose into sentences of lower-case words, leaving out words that ``unwanted`` matches in full.

    What is left of a sentence must have three words.
    """
    result = []
    for paragraph in paragraphs(prose_lines(lines)):
        if any(line.startswith((">>>", "...")) or TABLE.match(line) for line in paragraph):
            continue
        text = " ".join(line for line in paragraph if not NOT_PROSE.match(line))
        for pattern in TAKEN_OUT:
            text = pattern.sub(HOLE, text)
        text = re.sub(r"'s\b", "", ABBREVIATION.sub(" ", text.replace("’", "'")))
        for pattern in CODE:
            text = pattern.sub(HOLE, text)
        for sentence in SENTENCE_END.split(unicodedata.normalize("NFC", text)):
            words = [word for word in WORD.findall(sentence.lower()) if len(word) > 1 or word == "a"]
            words = [word for word in words if not unwanted.fullmatch(word)]
            if len(words) > 2:
                result.append(tuple(words))
    return result
