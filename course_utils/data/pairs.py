"""Parallel sentences in one shape: Multi30k, Tatoeba, and a file of your own."""

import hashlib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

from course_utils.data.public.multi30k import load_multi30k
from course_utils.data.public.registry import fetch
from course_utils.data.text_lines import text_lines

Pairs = tuple[tuple[str, str], ...]

TATOEBA = {"tatoeba_deu": "German", "tatoeba_kor": "Korean"}
NAMES = ("multi30k", *TATOEBA)


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


def read_pairs(path: str | Path, source_language: str, target_language: str) -> TranslationPairs:
    """Read parallel sentences of your own: UTF-8, one pair a line, source and target with a tab between.

    Parameters
    ----------
    path
        The file. It has no header line; a byte order mark and Windows line ends are tolerated.
    source_language, target_language
        What the two columns hold.

    Returns
    -------
    Split by a hash of the source sentence as ``load_pairs`` splits Tatoeba. A sentence keeps its part when you add
    lines to the file.

    Raises
    ------
    ValueError
        A line is not UTF-8, or has not two columns with text in both: the message gives its number. Or the pairs are so
        few that a part gets none.
    """
    path = Path(path)
    pairs = _split(_rows(path.read_bytes(), path, 2), source_language, target_language)
    for part in ("train", "val", "test"):
        if not getattr(pairs, part):
            raise ValueError(
                f"{path}: no pair falls into {part}. One source sentence in twenty goes to val and one to test, by its "
                "hash: a hundred different ones or more are needed."
            )
    return pairs


def _rows(raw: bytes, where: object, n_columns: int) -> list[tuple[str, ...]]:
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
