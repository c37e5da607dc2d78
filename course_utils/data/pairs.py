"""Parallel sentences in one shape: Multi30k, Tatoeba, and a file of your own."""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

from course_utils.data.public.multi30k import load_multi30k
from course_utils.data.public.registry import fetch
from course_utils.data.tables import SEPARATORS, is_number, rows_of
from course_utils.data.text_lines import own_lines, own_path, text_lines

Pairs = tuple[tuple[str, str], ...]

TATOEBA = {"tatoeba_deu": "German", "tatoeba_kor": "Korean"}
NAMES = ("multi30k", *TATOEBA)
# What the two columns are called where a first line names them; beside these, the names of the two languages.
HEADINGS = {"source", "target", "src", "tgt", "trg", "from", "to", "input", "output", "text", "translation", "sentence"}
HEADINGS |= {"en", "eng", "english", "de", "deu", "german", "fr", "fra", "french", "ko", "kor", "korean"}


@dataclass(frozen=True)
class TranslationPairs:
    """Sentences and their translations, raw text, in three parts.

    Attributes
    ----------
    source_language, target_language
        Names in English (``"German"``).
    train, val, test
        Pairs (source, target); tokenising is left to the lesson.
    """

    source_language: str
    target_language: str
    train: Pairs
    val: Pairs
    test: Pairs


def load_pairs(name: str, progress: bool = True) -> TranslationPairs:
    """Load a public set of parallel sentences, translated into English.

    Parameters
    ----------
    name
        ``"multi30k"`` (German; the published split), ``"tatoeba_deu"`` (German) or ``"tatoeba_kor"`` (Korean).
    progress
        Show a progress bar if files must be downloaded.

    Returns
    -------
    Multi30k is split as published; one German sentence is both in train and in val. Tatoeba has no published split:
    ours follows a hash of the source sentence, 90 % train, 5 % val and 5 % test, and each pair stands once. Source
    sentences with the same letters and digits, whatever their case and punctuation, are in one part. An English
    sentence may be in two parts, as the translation of different sentences.

    Raises
    ------
    DataError
        The files cannot be had.
    ValueError
        There are no pairs of that name.

    References
    ----------
    Elliott, Frank, Sima'an & Specia (2016), Multi30K: Multilingual English-German Image Descriptions. Tatoeba
    (tatoeba.org), in the selections of manythings.org/anki.
    """
    if name == "multi30k":
        parts = {part: tuple(pairs) for part, pairs in load_multi30k(progress).items()}
        return TranslationPairs("German", "English", **parts)
    if name not in TATOEBA:
        raise ValueError(f"There are no translation pairs {name!r}; choose one of {', '.join(NAMES)}.")
    paths = fetch(name, progress)
    if name == "tatoeba_deu":
        with ZipFile(paths["deu-eng.zip"]) as archive:
            rows = _rows(archive.read("deu.txt"), "deu.txt", 2)
    else:
        rows = _rows(paths["kor.txt"].read_bytes(), "kor.txt", 3)  # the third column names the authors
    return _split(((foreign, english) for english, foreign, *_ in rows), TATOEBA[name], "English")


def read_pairs(
    path: str | Path, source_language: str, target_language: str, columns: tuple[int, int] | None = None
) -> TranslationPairs:
    """Read parallel sentences of your own: UTF-8, one pair per line, source and target with a tab between.

    Parameters
    ----------
    path
        The file. Empty lines, a header line, a byte order mark and the line ends of Windows are tolerated; without a
        tab in it, semicolons or commas are tried, as a spreadsheet writes them.
    source_language, target_language
        What the two columns hold.
    columns
        Which columns hold source and target, from 1. If it is not given, a file of three or four columns is read by
        its first two columns of text: numbers, and what is the same in each line, are passed over. So the files of
        manythings.org (the third column names the authors) and of Tatoeba (numbers before the sentences) can be read
        as they come. A line says which columns were read.

    Returns
    -------
    Split by a hash of the source sentence as ``load_pairs`` splits Tatoeba. A sentence keeps its part when you add
    lines to the file.

    Raises
    ------
    OSError
        The file cannot be read.
    ValueError
        The file is empty or not UTF-8, or a line has not two columns with text in both: the message gives its number.
        Or the pairs are so few that a part gets none.
    """
    path = own_path(path, "read_pairs")
    separator, rows = _own_rows(path)
    chosen = _columns(path, rows, columns, SEPARATORS[separator])
    headings = HEADINGS | {source_language.casefold(), target_language.casefold()}
    number, first = rows[0]
    if {first[column].casefold() for column in chosen} <= headings and len(rows) > 1:
        print(f"{path}, line {number}: read as a header line, not as a pair.")
        rows = rows[1:]
    pairs = _split((tuple(row[column] for column in chosen) for _, row in rows), source_language, target_language)
    for part in ("train", "val", "test"):
        if not getattr(pairs, part):
            raise ValueError(
                f"{path}: no pair falls into {part}. One source sentence in twenty goes to val and one to test, by its "
                "hash: a hundred different ones or more are needed."
            )
    return pairs


def _own_rows(path: Path) -> tuple[str, list[tuple[int, list[str]]]]:
    """Give the separator that the file uses, and the columns of each line that holds text, with its number."""
    lines = list(own_lines(path))
    filled = [line for line in lines if line.strip()]
    if not filled:
        raise ValueError(f"{path} is empty; one pair of sentences per line is needed, with a tab between.")
    separator = "\t"
    if not any("\t" in line for line in filled):
        separator = next((sign for sign in ";," if all(sign in line for line in filled)), "\t")
    if separator == "\t":  # quotes in it are those of the sentences
        rows = [(number, line.split("\t")) for number, line in enumerate(lines, start=1) if line.strip()]
    else:
        rows = list(rows_of(lines, separator, path))
    rows = [(number, [column.strip() for column in row]) for number, row in rows]
    for _, row in rows:
        while len(row) > 2 and not row[-1]:  # a spreadsheet fills up short lines
            row.pop()
    if all(len(row) == 1 for _, row in rows):
        raise ValueError(
            f"{path}, line {rows[0][0]}: 2 columns of text with a tab between are needed, but 1 of 1 columns hold "
            "text. No line has a tab, nor has every line a semicolon or a comma: save the file as tab-separated text."
        )
    return separator, rows


def _columns(
    path: Path, rows: Sequence[tuple[int, list[str]]], asked: tuple[int, int] | None, separator: str
) -> tuple[int, int]:
    """Choose the columns of source and target, from 0, and refuse a line that has no text in them, or too many."""
    widths = Counter(len(row) for _, row in rows)
    width = max(widths, key=lambda n: (widths[n], -n))
    if asked is not None:
        whole = all(isinstance(column, int) for column in asked)
        if not whole or len(asked) != 2 or min(asked) < 1 or asked[0] == asked[1]:
            raise ValueError(f"read_pairs: columns is {asked}; name two different ones, counted from 1.")
        if max(asked) > width:
            raise ValueError(f"read_pairs: columns is {asked}, but {path} has {width} columns; name two of them.")
        chosen = (asked[0] - 1, asked[1] - 1)
    elif width in (3, 4):
        chosen = _columns_of_text(path, [row for _, row in rows if len(row) == width])
        print(
            f"{path}: of {width} columns, {chosen[0] + 1} and {chosen[1] + 1} are read as source and target; "
            "columns=(…, …) chooses others."
        )
    elif width > 4:
        raise ValueError(f"{path} has {width} columns; say which two hold source and target: columns=(1, 2).")
    else:
        chosen = (0, 1)
    for number, row in rows:
        if max(chosen) >= len(row) or not all(row[column] for column in chosen) or len(row) > max(width, 2):
            raise ValueError(
                f"{path}, line {number}: {max(width, 2)} columns of text with {separator} between are needed, but "
                f"{sum(map(bool, row))} of {len(row)} columns hold text. Take the line out or complete it."
            )
    return chosen


def _columns_of_text(path: Path, rows: Sequence[list[str]]) -> tuple[int, int]:
    said = rows[1:] or rows  # without a header line, if there is one
    of_text = [
        column
        for column, cells in enumerate(zip(*said, strict=True))
        if not all(map(is_number, cells)) and (len(set(cells)) > 1 or len(said) == 1)
    ]
    if len(of_text) < 2:
        raise ValueError(
            f"{path} has {len(rows[0])} columns, but {len(of_text)} of text that differs from line to line; two are "
            "needed: name source and target by columns=(…, …)."
        )
    return of_text[0], of_text[1]


def _rows(raw: bytes, where: object, n_columns: int) -> list[tuple[str, ...]]:
    """Cut the lines of a public file into columns."""
    rows = []
    for number, line in enumerate(text_lines(raw, where), start=1):
        row = tuple(column.strip() for column in line.split("\t"))
        if len(row) != n_columns or not all(row):
            filled = sum(map(bool, row))
            raise ValueError(
                f"{where}, line {number}: {n_columns} columns of text with a tab between are needed, but {filled} of "
                f"{len(row)} columns hold text. Take the line out or complete it."
            )
        rows.append(row)
    return rows


def _split(pairs: Iterable[tuple[str, ...]], source_language: str, target_language: str) -> TranslationPairs:
    parts: dict[str, list[tuple[str, str]]] = {"train": [], "val": [], "test": []}
    for source, target in dict.fromkeys(pairs):
        parts[_part(source)].append((source, target))
    return TranslationPairs(source_language, target_language, **{part: tuple(rows) for part, rows in parts.items()})


def _part(source: str) -> str:
    """Choose the part of a source sentence by its letters and digits."""
    letters = "".join(filter(str.isalnum, unicodedata.normalize("NFKC", source).casefold()))
    percent = int.from_bytes(hashlib.sha256(letters.encode()).digest()[:8]) % 100
    return "val" if percent < 5 else "test" if percent < 10 else "train"
