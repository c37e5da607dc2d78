"""Cora, Multi30k and movie reviews: what is in them, and that a pickle from the network runs nothing."""

import os
import pickle
import re
from statistics import median

import pytest
import torch

from course_utils.data.docstrings.corpus import load_docs
from course_utils.data.number_words import load_number_words
from course_utils.data.public.cora import decode, load_cora
from course_utils.data.public.movie_reviews import load_movie_reviews
from course_utils.data.public.multi30k import load_multi30k
from course_utils.data.public.registry import DataError
from course_utils.files import CHECKOUT

from .public_sets import needs, sha256


def card(heading):
    """Read the counts out of a card in datasets/README.md: the rows of its table, as name → numbers."""
    text = (CHECKOUT / "datasets" / "README.md").read_text(encoding="utf-8")
    (section,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    rows = re.findall(r"^\| ([^|]+?) \| ([\d,. ]+?) \|$", section, re.MULTILINE)
    return {name: float(count.replace(",", "")) for name, count in rows}


@needs("cora")
def test_cora_is_the_planetoid_cora():
    graph = load_cora(progress=False)
    assert graph.features.shape == (2708, 1433)
    assert torch.bincount(graph.labels).tolist() == [351, 217, 418, 818, 426, 298, 180]
    assert len(graph.sources) == len(graph.targets) == 2 * 5278
    assert (graph.sources != graph.targets).all()
    assert [int(part.sum()) for part in (graph.train, graph.val, graph.test)] == [140, 500, 1000]
    assert not (graph.train & graph.val | graph.train & graph.test | graph.val & graph.test).any()
    assert torch.bincount(graph.labels[graph.train]).tolist() == [20] * 7
    assert pytest.approx(1) == graph.features.sum(axis=1).A1
    assert len(graph.names) == 2708


@needs("cora")
def test_the_test_rows_of_cora_stand_at_their_nodes():
    graph = load_cora(progress=False)
    same = (graph.labels[graph.sources] == graph.labels[graph.targets]).float()
    both_tested = graph.test[graph.sources] & graph.test[graph.targets]
    assert same.mean().item() == pytest.approx(0.81, abs=0.001)
    assert same[both_tested].mean() > 0.8  # about 0.19 if the rows stay in the order of the file
    shared = graph.features[graph.sources.numpy()].multiply(graph.features[graph.targets.numpy()]).sum(axis=1).A1
    assert (shared[both_tested] > 0).mean() > 0.85  # about 0.59


@needs("multi30k")
def test_multi30k_has_its_sentence_pairs():
    splits = load_multi30k(progress=False)
    assert {split: len(pairs) for split, pairs in splits.items()} == {"train": 29_000, "val": 1014, "test": 1000}
    assert [sha256(sentence) for sentence in splits["train"][0]] == [
        "959d04244933d8bf6d1eac0b9c52bca6ae2514b430b90c56e37c7dafd17b4129",
        "1998c3aede6d8d5b5d0b1f512f0cfcf838e0931b3502fe335b1cd980c619a309",
    ]
    first = "cac471d7c7fe38a1f493b75a000893ba569304d72f0a44332fad590370f67c3d"
    assert sha256(splits["test"][0][1]) == first
    assert all(german and english for pairs in splits.values() for german, english in pairs)


@needs("movie_reviews")
def test_movie_reviews_are_sentences_in_ten_balanced_folds():
    reviews = load_movie_reviews(progress=False)
    assert len(reviews.documents) == len(reviews.labels) == len(reviews.folds) == 2000
    pairs = list(zip(reviews.labels, reviews.folds, strict=True))
    assert all(pairs.count((label, fold)) == 100 for label in (0, 1) for fold in range(10))
    assert sum(map(len, reviews.documents)) == 64_720
    assert sum(len(sentence) for document in reviews.documents for sentence in document) == 1_492_681
    assert " ".join(reviews.documents[0][1]) == "they get into an accident ."
    assert reviews.labels[0] == 0


class Malicious:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_malicious_pickle_is_refused_and_runs_nothing(tmp_path, protocol):
    marker, file = tmp_path / "marker", tmp_path / "ind.cora.x"
    file.write_bytes(pickle.dumps(Malicious(marker), protocol))
    with pytest.raises(DataError, match=r"\.mkdir, which plain arrays do not need: refused"):
        decode(file)
    assert not marker.exists()
    pickle.loads(file.read_bytes())
    assert marker.exists()  # the pickle would have done it


@pytest.mark.parametrize(
    "name",
    [
        "builtins eval",
        "__builtin__ eval",
        "numpy load",
        "numpy core.multiarray._reconstruct",
        "functools partial",
        "os system",
    ],
)
def test_every_name_but_the_six_is_refused(tmp_path, name):
    file = tmp_path / "ind.cora.x"
    file.write_bytes(f"c{name.replace(' ', chr(10))}\n.".encode())
    with pytest.raises(DataError, match="refused"):
        decode(file)


def test_the_card_of_the_number_words_tells_what_is_loaded():
    pairs = load_number_words(progress=False)
    train, val, test = pairs.split()
    assert card("Number words") == {
        "pairs": len(pairs),
        "training pairs": len(train),
        "validation pairs": len(val),
        "test pairs": len(test),
        "longest English sequence": max(map(len, pairs.source)),
        "longest German sequence": max(map(len, pairs.target)),
        "different English words": len({token for tokens in pairs.source for token in tokens}),
        "different German morphemes": len({token for tokens in pairs.target for token in tokens}),
    }


def test_the_card_of_the_docs_tells_what_is_loaded():
    docs = load_docs(progress=False)
    sizes = torch.bincount(docs.labels).tolist()
    assert card("Docs") == {
        "documents": len(docs),
        "references, either direction counted once": len(docs.sources) / 2,
        "median words in a document": median(len(docs.words(i)) for i in range(len(docs))),
        "median sentences in a document": median(map(len, docs.texts)),
    } | dict(zip(docs.classes, sizes, strict=True))


@needs("cora")
def test_the_card_of_cora_tells_what_is_loaded():
    graph = load_cora(progress=False)
    sizes = torch.bincount(graph.labels).tolist()
    assert card("Cora") == {
        "papers": graph.n_nodes,
        "references, either direction counted once": len(graph.sources) / 2,
        "words": graph.features.shape[1],
        "training papers": int(graph.train.sum()),
        "validation papers": int(graph.val.sum()),
        "test papers": int(graph.test.sum()),
    } | {name.replace("_", " "): size for name, size in zip(graph.classes, sizes, strict=True)}


@needs("multi30k")
def test_the_card_of_multi30k_tells_what_is_loaded():
    splits = load_multi30k(progress=False)
    assert card("Multi30k") == {f"{split} pairs": len(pairs) for split, pairs in splits.items()}


@needs("movie_reviews")
def test_the_card_of_movie_reviews_tells_what_is_loaded():
    reviews = load_movie_reviews(progress=False)
    assert card("Movie reviews") == {
        "reviews": len(reviews.documents),
        "positive": sum(reviews.labels),
        "negative": len(reviews.labels) - sum(reviews.labels),
        "sentences": sum(map(len, reviews.documents)),
        "tokens": sum(len(sentence) for document in reviews.documents for sentence in document),
    }
