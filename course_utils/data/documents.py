"""Documents with a class in one shape: film reviews, sentences, news, and a folder of your own."""

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from course_utils.data.public.movie_reviews import load_movie_reviews
from course_utils.data.public.registry import fetch, is_available
from course_utils.data.splits import deal, deal_by_class
from course_utils.data.text_lines import own_lines, own_path, text_lines

NAMES = ("movie_reviews", "mr", "sst", "ag_news", "nsmc")
FOLDS = "0123456789"
EIGHTY_TEN_TEN = ("test", "val") + 8 * ("train",)
NINETY_FIVE_FIVE = ("val",) + 19 * ("train",)


@dataclass(frozen=True)
class LabelledDocuments:
    """Texts, the class of each, and the part that each belongs to.

    Attributes
    ----------
    texts
        Raw, or tokens with spaces between where the set comes so; sentences are lines where the set has them.
    labels
        The class of each document, an index into ``classes``.
    split
        ``"train"``, ``"val"`` or ``"test"`` for each document; for sets that are judged by cross-validation its fold,
        ``"0"`` to ``"9"``.
    """

    texts: tuple[str, ...]
    labels: tuple[int, ...]
    classes: tuple[str, ...]
    split: tuple[str, ...]


def load_documents(name: str, progress: bool = True) -> LabelledDocuments:
    """Load a public set of labelled documents.

    Parameters
    ----------
    name
        ``"movie_reviews"`` (long reviews, the ten folds of the paper), ``"mr"`` (sentences from reviews, ten folds of
        ours, balanced), ``"sst"`` (SST-2: whole sentences without the neutral ones, the published split), ``"ag_news"``
        (four kinds of news) or ``"nsmc"`` (Korean reviews).
    progress
        Show a progress bar if files must be downloaded.

    Returns
    -------
    Where no validation set is published (AG News, NSMC), one in twenty of the different training texts is for
    validation.

    Raises
    ------
    DataError
        The files cannot be had.
    ValueError
        There are no documents of that name.

    Notes
    -----
    **AG News**: ``"ag_news"`` holds the 7,600 published *test* texts only. Unless the training file is here too
    (``fetch("ag_news_train")``, 29 MB), they are dealt out 80 : 10 : 10 within each class, and results on them cannot
    be compared with published ones. With the training file, all 7,600 are the test, as published. A backslash, which
    stands for a line break there, becomes a space; remains of HTML (``#39;``, ``&lt;``) stay.

    **NSMC and SST-2** keep their published test: some short texts stand both in it and in training, as published
    (counted on the cards in ``datasets/README.md``). NSMC has eight empty documents.

    References
    ----------
    Pang & Lee (2004), A Sentimental Education; (2005), Seeing Stars. Socher et al. (2013), Recursive Deep Models for
    Semantic Compositionality. Zhang, Zhao & LeCun (2015), Character-level Convolutional Networks for Text
    Classification. Park (2016), Naver Sentiment Movie Corpus.
    """
    loaders = dict(zip(NAMES, (_movie_reviews, _mr, _sst, _ag_news, _nsmc), strict=True))
    if name not in loaders:
        raise ValueError(f"There are no labelled documents {name!r}; choose one of {', '.join(NAMES)}.")
    return loaders[name](progress)


def read_documents(folder: str | Path, seed: int = 0) -> LabelledDocuments:
    """Read documents of your own: a folder with one sub-folder per class, each with UTF-8 files ``*.txt``.

    Parameters
    ----------
    folder
        Its sub-folders name the classes; texts may lie in folders within them. What a Mac hides (``.DS_Store``,
        ``._1.txt``, ``__MACOSX``) is passed over. So are files of other kinds; a line says how many.
    seed
        Another seed gives another split.

    Returns
    -------
    In the order of class and file name. Of each class, one in ten different texts is for the test (at least one), one
    in ten for validation (at least one); equal texts are in one part.

    Raises
    ------
    OSError
        A folder or file cannot be read.
    ValueError
        There are not two classes, a class has fewer than three different texts, a text is empty or not UTF-8, or one
        text stands in two classes; the message names the folder or file.
    """
    folder = own_path(folder, "read_documents")
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder; give one that has a sub-folder for each class.")
    classes = tuple(path.name for path in _inside(folder) if path.is_dir())
    if len(classes) < 2:
        raise ValueError(
            f"{folder} needs a sub-folder for each of two classes or more; it has {len(classes)}. Put the texts of "
            "each class into a folder that bears its name."
        )
    labels: dict[Path, int] = {}
    texts: dict[Path, str] = {}
    others = [path for path in _inside(folder) if not path.is_dir()]
    for label, name in enumerate(classes):
        for path in sorted(_files(folder / name, {*(folder / name).resolve().parents})):
            if path.suffix.lower() != ".txt":
                others.append(path)
                continue
            texts[path] = "\n".join(own_lines(path)).strip()
            labels[path] = label
    if others:
        print(f"{folder}: {len(others)} files are no *.txt of a class and were passed over, such as {others[-1]}.")
    _check_own(folder, classes, texts, labels)
    split = deal_by_class(tuple(texts.values()), tuple(labels.values()), EIGHTY_TEN_TEN, seed)
    return LabelledDocuments(tuple(texts.values()), tuple(labels.values()), classes, split)


def _inside(folder: Path) -> list[Path]:
    """List what is in a folder, without what is hidden or only a Mac put there."""
    try:
        names = sorted(os.listdir(folder))
        (folder / "x").exists()  # the right to list a folder is not yet the right to open what is in it
    except PermissionError as error:
        raise PermissionError(f"Permission denied: '{folder}'; get the right to read this folder.") from error
    return [folder / name for name in names if not name.startswith(".") and name != "__MACOSX"]


def _files(folder: Path, entered: set[Path]) -> Iterator[Path]:
    """Give the files in a folder and in the folders within it; one that links back to itself is entered once."""
    entered.add(folder.resolve())
    for path in _inside(folder):
        if not path.is_dir():
            yield path
        elif path.resolve() not in entered:
            yield from _files(path, entered)


def _check_own(folder: Path, classes: tuple[str, ...], texts: dict[Path, str], labels: dict[Path, int]) -> None:
    first: dict[str, Path] = {}
    for path, text in texts.items():
        if not text:
            raise ValueError(f"{path} is empty; take it out.")
        if labels[first.setdefault(text, path)] != labels[path]:
            raise ValueError(f"{path} holds the same text as {first[text]}, in another class; keep one of them.")
    for label, name in enumerate(classes):
        n_texts = len({text for path, text in texts.items() if labels[path] == label})
        if n_texts < 3:
            raise ValueError(
                f"{folder / name} holds {n_texts} different texts (*.txt); three or more are needed, for train, val "
                "and test."
            )


def _movie_reviews(progress: bool) -> LabelledDocuments:
    reviews = load_movie_reviews(progress)
    texts = tuple("\n".join(map(" ".join, document)) for document in reviews.documents)
    return LabelledDocuments(texts, reviews.labels, ("negative", "positive"), tuple(map(str, reviews.folds)))


def _mr(progress: bool) -> LabelledDocuments:
    paths = fetch("mr", progress)
    texts, labels = [], []
    for label, end in enumerate(("neg", "pos")):
        path = paths[f"rt-polarity.{end}"]
        lines = [line.strip() for line in text_lines(path.read_bytes(), path)]
        texts += lines
        labels += len(lines) * [label]
    split = deal_by_class(tuple(texts), tuple(labels), FOLDS)
    return LabelledDocuments(tuple(texts), tuple(labels), ("negative", "positive"), split)


def _sst(progress: bool) -> LabelledDocuments:
    paths = fetch("sst", progress)
    rows = [
        (line[2:].strip(), int(line[0]), part)
        for part, end in (("train", "train"), ("val", "dev"), ("test", "test"))
        for line in text_lines(paths[f"stsa.binary.{end}"].read_bytes(), end)
    ]
    texts, labels, split = zip(*rows, strict=True)
    return LabelledDocuments(texts, labels, ("negative", "positive"), split)


def _ag_news(progress: bool) -> LabelledDocuments:
    paths = fetch("ag_news", progress)
    classes = tuple(line for line in text_lines(paths["classes.txt"].read_bytes(), "classes.txt") if line)
    texts, labels = _news(paths["test.csv"])
    if not is_available("ag_news_train"):
        return LabelledDocuments(texts, labels, classes, deal_by_class(texts, labels, EIGHTY_TEN_TEN))
    train_texts, train_labels = _news(fetch("ag_news_train", progress)["train.csv"])
    part = deal(train_texts, NINETY_FIVE_FIVE)
    split = (*(part[text] for text in train_texts), *(len(texts) * ("test",)))
    return LabelledDocuments((*train_texts, *texts), (*train_labels, *labels), classes, split)


def _news(path: Path) -> tuple[tuple[str, ...], tuple[int, ...]]:
    rows = list(csv.reader(text_lines(path.read_bytes(), path)))
    texts = tuple(" ".join(f"{title} {description}".replace("\\", " ").split()) for _, title, description in rows)
    return texts, tuple(int(number) - 1 for number, _, _ in rows)


def _nsmc(progress: bool) -> LabelledDocuments:
    paths = fetch("nsmc", progress)
    rows = []
    for part in ("train", "test"):
        lines = text_lines(paths[f"ratings_{part}.txt"].read_bytes(), part)
        # Quotes stay as in the file, as is usual for NSMC: 856 reviews stand in it in quotes, with theirs doubled.
        for _, text, label in csv.reader(lines[1:], delimiter="\t", quoting=csv.QUOTE_NONE):
            rows.append((text, int(label), part))
    dealt = deal((text for text, _, part in rows if part == "train"), NINETY_FIVE_FIVE)
    split = tuple(dealt[text] if part == "train" else part for text, _, part in rows)
    texts, labels, _ = zip(*rows, strict=True)
    return LabelledDocuments(texts, labels, ("negative", "positive"), split)
