"""What is translated, message by message, and the gettext catalogues in ``notebooks/languages`` that hold it.

A message is a whole Markdown cell, or a block or a sentence of the package. Its context names it (a cell by its id) and
the heading it stands under. English is the source: a translation belongs to one English text, letter by letter, and
where that has changed it is no longer shown. Poedit and Weblate read and write these files.
"""

import datetime
import functools
import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import PoFileError, read_po, write_po

from course_utils.files import EXPERIMENT_NOTEBOOKS, NOTEBOOKS, START_AND_LECTURES, write_atomically
from course_utils.languages import package
from course_utils.refusals import Damaged, Stop, damaged, read_notebook, read_text

LANGUAGES = NOTEBOOKS / "languages"
RELEASED = LANGUAGES / "released.txt"
COURSE = "course"  # the catalogue of what is in no notebook
STAYS = "="  # the translation of what is the same in the language, such as a name
BETWEEN = " · "  # in a context, between the message's name and the heading above it
MADE = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)  # in each head, so that equal catalogues are equal files
HEAD = "# {language} translation of the attention course: {name}.\n# Text: CC BY 4.0."

KEPT = (  # what a translation must keep, in this order: what one of them has found, the next does not see
    re.compile(r"<!--.*?-->", re.DOTALL),  # guards
    re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE),
    re.compile(r"\$\$.+?\$\$(?: \([\w-]+\))?", re.DOTALL),
    re.compile(r"^:::+[^\n]*$", re.MULTILINE),  # boxes of the site's pages
    re.compile(r"`[^`]+`"),
    re.compile(r"(?<![\\$A-Za-z0-9])\$(?![ {])[^$]+?(?<! )\$(?!\d)"),
    re.compile(r"</?[a-zA-Z][^<>]*>"),  # tags, without what their attributes say to readers
    re.compile(r"(?<=\])\([^()\s]*(?:\([^()]*\)[^()\s]*)*\)"),  # where links and pictures lead
    re.compile(r"https?://[^\s)>]+"),
    re.compile(r"\$?\{[^{}\n]*\}"),  # holes of a sentence
)
CODE = KEPT[1]
SAID_IN_TAGS = re.compile(r'\b(alt|title|aria-label)="[^"]*"')
UNCLOSED = re.compile(
    r"(?<![*\w])(\*+)[^*\s][^*\n]*[^\w\s*]\1(?=[^\W_])"
)  # punctuation within, a letter behind: shown as stars
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True)
class Message:
    """A text to translate: its name, which stays when the text changes, where it stands, and the English."""

    name: str
    place: str
    english: str

    @property
    def context(self) -> str:
        """Name the message in a catalogue."""
        return f"{self.name}{BETWEEN}{self.place}" if self.place else self.name

    @property
    def mark(self) -> str:
        """Stand for the English text in a few characters."""
        return hashlib.sha256(self.english.encode()).hexdigest()[:8]


@dataclass(frozen=True)
class Entry:
    """A translation as a catalogue holds it, and the English text that it belongs to."""

    english: str
    translation: str
    fuzzy: bool = False


# what there is to translate


def names() -> list[str]:
    """Name the catalogues: one for each notebook, and one for the package."""
    return [*(name_of(path) for path in (*START_AND_LECTURES, *EXPERIMENT_NOTEBOOKS)), COURSE]


def name_of(notebook: Path) -> str:
    """Name a notebook's catalogue: ``experiments/01_sequence_to_sequence``."""
    return notebook.relative_to(NOTEBOOKS).with_suffix("").as_posix()


@functools.cache
def messages(name: str) -> tuple[Message, ...]:
    """List what one catalogue translates, in the order in which it is read."""
    if name == COURSE:
        return tuple(Message(*found) for found in package.texts() if says_something(found[2]))
    found, heading = [], ""
    for cell in read_notebook(NOTEBOOKS / f"{name}.ipynb").cells:
        if cell.cell_type == "markdown":
            heading = next(iter(re.findall(r"^#+ (.+)$", CODE.sub("", cell.source), re.MULTILINE)), heading)
            if says_something(cell.source):
                found.append(Message(cell.id, heading, cell.source))
    return tuple(found)


def says_something(text: str) -> bool:
    """Tell whether a text has a word that could be translated."""
    return bool(re.search(r"[^\W\d_]{2}", without_kept(text)))


def without_kept(text: str) -> str:
    """Leave out what a translation keeps."""
    for pattern in KEPT:
        text = pattern.sub(lambda found: " ".join(SAID_IN_TAGS.findall(found[0]) and [found[0]]), text)
    return text


def kept(text: str) -> Counter[str]:
    """Count what a translation must keep: formulas, code, where links lead, tags, guards, holes."""
    counted: Counter[str] = Counter()
    for pattern in KEPT:
        counted.update(SAID_IN_TAGS.sub("", found[0]) for found in pattern.finditer(text))
        text = pattern.sub(" ", text)
    return counted


def numbers(text: str) -> Counter[str]:
    """Count the numbers in a text's words."""
    for pattern in KEPT:
        text = pattern.sub(" ", text)
    return Counter(NUMBER.findall(text))


def lost(english: str, translation: str) -> list[str]:
    """Say what a translation has lost or added; numbers written as figures may be added."""
    before, after = kept(english), kept(translation)
    told = [f"lacks {thing!r}" for thing in (before - after).elements()]
    told += [f"has {thing!r} too many" for thing in (after - before).elements()]
    told += [f"lacks the number {number}" for number in (numbers(english) - numbers(translation)).elements()]
    told += [f"shows the stars of {found[0]!r}" for found in UNCLOSED.finditer(CODE.sub("", translation))]
    levels = [re.findall(r"^#+ ", CODE.sub("", text), re.MULTILINE) for text in (english, translation)]
    return told if levels[0] == levels[1] else [*told, "has other headings"]


# what is translated


def path_of(language: str, name: str) -> Path:
    """Say where a catalogue is."""
    return LANGUAGES / language / f"{name}.po"


def languages() -> list[str]:
    """Name the languages that have a catalogue."""
    return sorted(path.name for path in LANGUAGES.iterdir() if path.is_dir()) if LANGUAGES.is_dir() else []


def checked(language: str) -> str:
    """Give the code of a language as it is used within: empty for English.

    Raises
    ------
    Stop
        If there is no catalogue of this language.
    """
    if language not in ("", "en", *languages()):
        raise Stop(
            f"The course is not there in the language {language!r}; there are {', '.join(['en', *languages()])}."
        )
    return "" if language == "en" else language


def released() -> list[str]:
    """Name the languages of which every message has to be translated."""
    lines = read_text(RELEASED).splitlines() if RELEASED.exists() else []
    return [word for line in lines if (word := line.partition("#")[0].strip())]


def read(language: str, name: str) -> dict[str, Entry]:
    """Read a catalogue: the name of a message, and its entry; empty if there is no such catalogue.

    Raises
    ------
    Damaged
        If the file is no catalogue.
    """
    path = path_of(language, name)
    if not path.exists():
        return {}
    try:
        catalogue = read_po(io.BytesIO(path.read_bytes()), abort_invalid=True)
    except (PoFileError, ValueError) as error:
        raise Damaged(damaged(path, error)) from None
    return {
        (message.context or "").split(BETWEEN)[0]: Entry(str(message.id), str(message.string or ""), message.fuzzy)
        for message in catalogue
        if message.id
    }


def translations(language: str, name: str) -> dict[str, str]:
    """Give what may be shown: an English text, and its translation."""
    entries = read(language, name).values()
    return {entry.english: entry.translation for entry in entries if entry.translation and not entry.fuzzy}


def open_messages(language: str, name: str) -> list[Message]:
    """List the messages that have no translation of the English text as it is now."""
    there = read(language, name)
    shown = {key for key, entry in there.items() if entry.translation and not entry.fuzzy}
    return [
        message
        for message in messages(name)
        if message.name not in shown or there[message.name].english != message.english
    ]


def update(language: str, name: str, given: Mapping[str, str] | None = None) -> None:
    """Bring a catalogue up to the English of today, with translations that are given by the names of their messages.

    A translation whose English has changed stays, marked as fuzzy. A text that has only moved keeps its translation.
    """
    old, given = read(language, name), given or {}
    by_text = {entry.english: entry for entry in old.values() if entry.translation}
    catalogue = Catalog(language, project="attention-course", creation_date=MADE, revision_date=MADE, fuzzy=False)
    catalogue.header_comment = HEAD.format(language=language, name=name)
    for message in messages(name):
        entry = old.get(message.name, Entry("", ""))
        if entry.english != message.english:
            entry = by_text.get(message.english) or Entry(message.english, entry.translation, bool(entry.translation))
        if message.name in given:
            entry = Entry(message.english, given[message.name])
        flags = ["fuzzy"] if entry.fuzzy else []
        added = catalogue.add(message.english, entry.translation, flags=flags, context=message.context)
        added.flags -= {"python-format", "python-brace-format"}  # a per cent sign in prose is none
    written = io.BytesIO()
    write_po(written, catalogue, width=0)
    path = path_of(language, name)
    if not path.exists() or path.read_bytes() != written.getvalue():
        write_atomically(path, written.getvalue())


# a plain text for translators


def exported(language: str, name: str, only_open: bool = False) -> Iterator[str]:
    """Give a catalogue as text: a line ``%%% name mark · heading`` for each message, and its text below.

    The text is the translation where there is one of the English of today, else the English; a translation of an
    earlier English follows below ``%%% -``, which is not read back.
    """
    there = read(language, name)
    still_open = set(open_messages(language, name))
    for message in messages(name):
        entry = there.get(message.name)
        if message in still_open:
            yield f"%%% {message.name} {message.mark}{BETWEEN}{message.place}\n{message.english}\n\n"
            if entry and entry.translation:
                yield f"%%% - the translation of an earlier English\n{entry.translation}\n\n"
        elif entry and not only_open:
            yield f"%%% {message.name} {message.mark}{BETWEEN}{message.place}\n{entry.translation}\n\n"


def imported(language: str, name: str, text: str) -> list[str]:
    """Take translations from such a text into a catalogue; a block that is still English is left out, ``=`` keeps it.

    Returns
    -------
    What is to be looked at: translations that lost a formula, a link or the like. They are in the catalogue, and the
    tests fail until they are mended. A block whose English has changed since is named and left out.

    Raises
    ------
    Stop
        If a block belongs to no message.
    """
    known = {message.name: message for message in messages(name)}
    given, told = {}, []
    for head, block in re.findall(r"^%%% (?!- )([^\n]*)\n(.*?)(?=^%%% |\Z)", text, re.DOTALL | re.MULTILINE):
        key, _, mark = head.split(BETWEEN)[0].strip().rpartition(" ")
        message, translation = known.get(key), block.strip("\n")
        if message is None:
            raise Stop(f"{name} has no message {key or head!r}: nothing was taken. Keep the lines that begin with %%%.")
        if mark != message.mark:
            told.append(f"{key}: its English has changed since the export, so it was left out.")
        elif translation == STAYS:
            given[key] = message.english
        elif translation and translation != message.english.strip("\n"):
            given[key] = translation
            told += [f"{key}: {what}" for what in lost(message.english, translation)]
    update(language, name, given)
    return told
