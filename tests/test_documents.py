"""Labelled documents: counts, classes, splits and the traps of each set, and a folder of one's own."""

from collections import Counter

import pytest

from course_utils.data import documents as module
from course_utils.data.documents import FOLDS, load_documents, read_documents
from course_utils.data.public.movie_reviews import load_movie_reviews
from course_utils.data.public.registry import is_available
from course_utils.data.splits import deal
from tests.public_sets import needs, sha256
from tests.test_public_sets import card


def parts_of_texts(documents):
    parts = {}
    for text, part in zip(documents.texts, documents.split, strict=True):
        parts.setdefault(text, set()).add(part)
    return parts


def shared(documents):
    return sum(len(parts) > 1 for parts in parts_of_texts(documents).values())


def sizes(documents):
    return Counter(zip(documents.split, documents.labels, strict=True))


def load(name):
    documents = load_documents(name, progress=False)
    assert len(documents.texts) == len(documents.labels) == len(documents.split)
    assert set(documents.labels) == set(range(len(documents.classes)))
    return documents


@needs("movie_reviews")
def test_movie_reviews_have_their_sentences_as_lines_and_their_ten_folds():
    documents, reviews = load("movie_reviews"), load_movie_reviews(progress=False)
    assert sizes(documents) == {(fold, label): 100 for fold in FOLDS for label in (0, 1)}
    assert documents.classes == ("negative", "positive")
    assert tuple(tuple(tuple(line.split()) for line in text.split("\n")) for text in documents.texts) == (
        reviews.documents
    )
    assert shared(documents) == 0


@needs("mr")
def test_mr_is_utf8_in_ten_balanced_folds():
    documents = load("mr")
    assert documents.classes == ("negative", "positive")
    assert Counter(documents.labels) == {0: 5331, 1: 5331}
    assert set(sizes(documents).values()) == {533, 534}
    assert set(documents.split) == set(FOLDS)
    together = "".join(documents.texts)
    assert [together.count(letter) for letter in "éíó–"] == [99, 20, 29, 34]
    assert "Ã" not in together  # as latin-1 there would be 255
    assert "\x96" not in together  # in NLTK's copy a dash is this control character
    assert shared(documents) == 0


@needs("sst")
def test_sst_is_the_published_split_of_whole_sentences_without_neutral_ones():
    documents = load("sst")
    assert Counter(documents.split) == {"train": 6920, "val": 872, "test": 1821}
    assert [sizes(documents)[part, 1] for part in ("train", "val", "test")] == [3610, 444, 909]
    beginning = "4d42d461c130edeab4fc0f52e5d7136e65776681cf6c6f01e1d30e3f9a573320"
    assert sha256(documents.texts[0][:18]) == beginning  # the label is not in the text
    assert documents.labels[0] == 1
    together = "".join(documents.texts)
    assert together.count("château") == 4
    assert "Ã" not in together
    assert shared(documents) == 2  # as published


@needs("ag_news")
@pytest.mark.skipif(is_available("ag_news_train"), reason="the training file is here, so the 7,600 are the test")
def test_the_test_part_of_ag_news_alone_is_split_within_its_four_classes():
    documents = load("ag_news")
    assert documents.classes == ("World", "Sports", "Business", "Sci/Tech")
    numbers = {"train": 1520, "val": 190, "test": 190}
    assert sizes(documents) == {(part, label): number for part, number in numbers.items() for label in range(4)}
    assert shared(documents) == 0


@needs("ag_news")
def test_quotes_and_backslashes_of_ag_news_are_undone():
    documents = load("ag_news")
    (text,) = (text for text in documents.texts if text.startswith("The Race is On: Second Private"))
    assert "A second team of" in text  # in the file second\team, which must not become a tab
    assert documents.classes[documents.labels[documents.texts.index(text)]] == "Sci/Tech"
    together = "\n".join(documents.texts)
    assert "\\" not in together
    assert "\t" not in together
    assert not any('","' in text for text in documents.texts)
    assert any('"' in text for text in documents.texts)


@needs("nsmc")
def test_quotes_in_nsmc_stay_as_they_stand_in_the_file():
    documents = load("nsmc")
    assert documents.classes == ("negative", "positive")
    assert len(documents.texts) == 200_000
    assert sum('"' in text for text in documents.texts) == 623 + 233
    assert sum(text.count('"') for text in documents.texts) == 12_380  # 5_334 if read as quoted CSV
    assert not any("\t" in text or "\n" in text for text in documents.texts)
    assert documents.texts.count("") == 8
    assert documents.texts[-1] != ""
    assert documents.texts[0].startswith("아 더빙.. ")
    assert sizes(documents)["test", 0] == 24_827
    assert sizes(documents)["test", 1] == 25_173
    assert sizes(documents)["train", 1] + sizes(documents)["val", 1] == 74_827
    assert not any({"train", "val"} <= parts for parts in parts_of_texts(documents).values())


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        pytest.param("mr", "45baff56d0f87c8b", marks=needs("mr")),
        pytest.param("nsmc", "0d690f4f6b709a17", marks=needs("nsmc")),
    ],
)
def test_a_split_of_ours_is_the_same_on_every_machine(name, digest):
    assert sha256(" ".join(load(name).split))[:16] == digest


@needs("mr")
def test_the_card_of_mr_tells_what_is_loaded():
    documents = load("mr")
    assert card("MR") == {
        "sentences": len(documents.texts),
        "positive": sum(documents.labels),
        "negative": len(documents.labels) - sum(documents.labels),
        "tokens": sum(len(text.split()) for text in documents.texts),
        "smallest fold": min(Counter(documents.split).values()),
        "largest fold": max(Counter(documents.split).values()),
    }


@needs("sst")
def test_the_card_of_sst_tells_what_is_loaded():
    documents = load("sst")
    assert card("SST-2") == {f"{part} sentences": number for part, number in Counter(documents.split).items()} | {
        "sentences in two parts": shared(documents),
        "tokens": sum(len(text.split()) for text in documents.texts),
    }


@needs("ag_news")
@pytest.mark.skipif(is_available("ag_news_train"), reason="the card counts the test file alone")
def test_the_card_of_ag_news_tells_what_is_loaded():
    documents = load("ag_news")
    counts = Counter(documents.labels)
    assert card("AG News") == {f"{part} texts": number for part, number in Counter(documents.split).items()} | {
        name: counts[label] for label, name in enumerate(documents.classes)
    }


@needs("nsmc")
def test_the_card_of_nsmc_tells_what_is_loaded():
    documents = load("nsmc")
    parts = parts_of_texts(documents)
    assert card("NSMC") == {f"{part} reviews": number for part, number in Counter(documents.split).items()} | {
        "positive": sum(documents.labels),
        "negative": len(documents.labels) - sum(documents.labels),
        "empty reviews": documents.texts.count(""),
        "test reviews whose text is in train or val": sum(
            part == "test" and len(parts[text]) > 1 for text, part in zip(documents.texts, documents.split, strict=True)
        ),
    }


def test_with_its_training_file_ag_news_has_the_published_test(tmp_path, monkeypatch):
    def rows(of, n):
        return "".join(f'"{i % 4 + 1}","{of} {i}","say ""{i}"" in\\two lines"\n' for i in range(n))

    (tmp_path / "train.csv").write_text(rows("train", 97), encoding="utf-8")
    (tmp_path / "test.csv").write_text(rows("test", 13), encoding="utf-8")
    (tmp_path / "classes.txt").write_text("World\nSports\nBusiness\nSci/Tech\n\n", encoding="utf-8")
    monkeypatch.setattr(module, "fetch", lambda *_: {path.name: path for path in tmp_path.iterdir()})
    monkeypatch.setattr(module, "is_available", lambda _: True)
    documents = load("ag_news")
    assert documents.texts[0] == 'train 0 say "0" in two lines'
    assert documents.classes == ("World", "Sports", "Business", "Sci/Tech")
    assert Counter(documents.split) == {"train": 92, "val": 5, "test": 13}
    assert documents.split[97:] == 13 * ("test",)
    assert all(text.startswith("test") for text in documents.texts[97:])
    assert documents.labels[:5] == (0, 1, 2, 3, 0)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match="'imdb'; choose one of movie_reviews, mr, sst, ag_news, nsmc"):
        load_documents("imdb")


def test_a_deal_gives_equal_shares_and_depends_on_texts_and_seed_alone():
    texts = [f"text {i}" for i in range(103)]
    folds = deal(texts, FOLDS)
    assert sorted(Counter(folds.values()).values()) == 7 * [10] + 3 * [11]
    assert deal([*reversed(texts), *texts], FOLDS) == folds
    assert deal(texts, FOLDS, seed=1) != folds


@pytest.fixture
def folder(tmp_path):
    """Three classes of 11, 13 and 17 texts of our own."""
    for name, number in (("poems", 11), ("recipes", 13), ("letters", 17)):
        (tmp_path / name).mkdir()
        for i in range(number):
            (tmp_path / name / f"{i:02}.txt").write_text(f"one of the {name}, süß\nnumber {i}\n", encoding="utf-8")
    (tmp_path / "poems" / "notes.md").write_text("not a document", encoding="utf-8")
    (tmp_path / "README.txt").write_text("not a class", encoding="utf-8")
    return tmp_path


def test_a_folder_of_ones_own_is_split_within_each_class(folder):
    documents = read_documents(folder)
    assert documents.classes == ("letters", "poems", "recipes")
    assert Counter(documents.labels) == {0: 17, 1: 11, 2: 13}
    assert documents.texts[0] == "one of the letters, süß\nnumber 0"
    for label in range(3):
        assert {part for part, other in sizes(documents) if other == label} == {"train", "val", "test"}
        assert sizes(documents)["train", label] > sizes(documents)["test", label]
    assert read_documents(folder) == documents
    assert read_documents(folder, seed=1).split != documents.split


def test_equal_texts_of_ones_own_are_in_one_part_even_as_windows_writes_them(folder):
    for path in sorted((folder / "poems").glob("*.txt")):
        content = b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n")
        (folder / "poems" / f"copy of {path.name}").write_bytes(content)
    documents = read_documents(folder)
    assert len(documents.texts) == 11 + 11 + 13 + 17
    assert len(set(documents.texts)) == 11 + 13 + 17
    assert shared(documents) == 0


def test_wrong_folders_of_ones_own_are_said(folder):
    with pytest.raises(ValueError, match="missing is not a folder; give one that has a sub-folder for each class"):
        read_documents(folder / "missing")
    with pytest.raises(ValueError, match="needs a sub-folder for each of two classes or more; it has 0"):
        read_documents(folder / "poems")
    (folder / "essays").mkdir()
    with pytest.raises(ValueError, match="essays holds 0 different texts"):
        read_documents(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b" \n", r"99\.txt is empty; take it out"),
        ("eins\nsüß".encode("latin-1"), r"99\.txt, line 2: byte 2 is not UTF-8"),
        ("one of the letters, süß\nnumber 3\n".encode(), r"99\.txt holds the same text as .*03\.txt, in another class"),
    ],
)
def test_a_wrong_text_of_ones_own_is_named(content, message, folder):
    (folder / "poems" / "99.txt").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_documents(folder)
