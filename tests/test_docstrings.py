"""Docs: the corpus made from the docstrings of the installed libraries."""

import json
import os
import re
import stat
import subprocess
import sys
from collections import Counter
from importlib.machinery import PathFinder

import numpy as np
import pytest
import torch
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, CountVectorizer
from sklearn.preprocessing import normalize

from course_utils.data.docstrings import corpus, extraction
from course_utils.data.docstrings.corpus import Docs, load_docs
from course_utils.data.docstrings.extraction import (
    GIVEAWAY,
    SUBJECTS,
    Documented,
    OnlyRequired,
    Parsed,
    Resolver,
    mentions,
    select,
    subject_of,
)
from course_utils.data.docstrings.prose import sentences
from course_utils.data.storage import cache_folder, library_versions
from course_utils.drawings import references

NOTHING = re.compile(r"(?!)")


@pytest.fixture(scope="session")
def docs() -> Docs:
    """The corpus of the installed libraries; built once, afterwards from the cache."""
    return load_docs(progress=False)


@pytest.fixture
def tiny_corpus():
    return {
        "names": ["lib.a", "lib.b", "lib.c"],
        "texts": [["one two three", "four five"], ["six seven eight"], ["nine ten"]],
        "labels": [0, 1, 1],
        "classes": ["first", "second"],
        "pairs": [[0, 1], [1, 2]],
    }


# --- the corpus of the locked versions -------------------------------------------------------------------------------


def test_the_locked_versions_give_exactly_these_counts(docs):
    versions = {name: version.partition("+")[0] for name, version in library_versions(corpus.LIBRARIES).items()}
    locked = dict(
        re.findall(r"^([\w-]+)==(\S+)$", (corpus.CHECKOUT / "requirements.lock").read_text(encoding="utf-8"), re.M)
    )
    assert versions == {name: locked[name] for name in versions}, "other versions than locked: other counts"
    assert len(docs) == 3121
    assert len(docs.sources) == 2 * 5546
    assert dict(zip(docs.classes, docs.labels.bincount().tolist(), strict=True)) == {
        "arrays & tensors": 577,
        "graphs": 518,
        "plotting": 311,
        "special functions": 319,
        "statistics": 371,
        "signal & fourier": 227,
        "linear algebra": 187,
        "interpolate & polynomials": 235,
        "neural networks": 151,
        "optimise & integrate": 136,
        "images & space": 89,
    }
    homophily = (docs.labels[docs.sources] == docs.labels[docs.targets]).double().mean()
    assert round(float(homophily), 3) == 0.914


def test_every_document_has_words_of_its_own_and_sentences_of_words(docs):
    texts = [docs.words(i) for i in range(len(docs))]
    assert min(map(len, texts)) >= 12
    assert len(set(texts)) == len(docs)
    assert all(len(sentence) > 2 for document in docs.texts for sentence in document)
    words = {word for text in texts for word in text}
    assert all(word == word.lower() and word.replace("'", "").isalpha() for word in words)


def test_no_text_holds_a_package_name_or_a_part_of_a_labelled_path(docs):
    words = {word for i in range(len(docs)) for word in docs.words(i)}
    libraries = (*corpus.LIBRARIES, "mpmath")
    assert not [word for word in words if any(library in word for library in libraries)]
    assert not words & {part for paths in SUBJECTS.values() for path in paths for part in path.split(".")}
    assert not words & {"np", "plt", "pyplot", "nx", "mpl"}


def test_no_sentence_stands_in_five_documents(docs):
    occurrences = Counter(sentence for document in docs.texts for sentence in set(document))
    assert max(occurrences.values()) < 5


def test_names_of_one_object_are_one_document(docs):
    assert len(set(docs.names)) == len(docs)
    assert np.arccos is np.acos
    assert [name for name in docs.names if name in ("numpy.acos", "numpy.arccos")] == ["numpy.acos"]
    assert [name for name in docs.names if name.endswith(".pagerank")] == ["networkx.pagerank"]
    assert not {"scipy.stats.Logistic", "scipy.stats.Uniform"} & set(docs.names)


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("numpy.fft.rfft", "signal & fourier"),
        ("torch.fft.rfft", "signal & fourier"),  # compiled code, whose home is torch._C
        ("torch.linalg.eigh", "linear algebra"),
        ("networkx.pagerank", "graphs"),
        ("matplotlib.pyplot.hist", "plotting"),
        ("sympy.besselj", "special functions"),  # its short name does not say so, its home does
        ("scipy.stats.norm", "statistics"),  # an instance
        ("torch.nn.GRU", "neural networks"),
    ],
)
def test_the_subject_area_comes_from_where_an_object_is_defined(docs, name, subject):
    assert docs.classes[docs.labels[docs.names.index(name)]] == subject


def test_the_page_that_lecture_06_draws_refers_to_those_beside_it_and_to_its_own_area_alone(docs):
    page = docs.names.index(references.PAGE)
    read = docs.targets[docs.sources == page]
    assert set(references.SEE_ALSO) <= {docs.names[i] for i in read}
    assert docs.classes[docs.labels[page]] == "signal & fourier"
    assert set(docs.labels[read].tolist()) == {docs.labels[page].item()}


def test_references_stand_in_both_directions_without_loops_and_duplicates(docs):
    edges = list(zip(docs.sources.tolist(), docs.targets.tolist(), strict=True))
    assert len(set(edges)) == len(edges)
    assert {(target, source) for source, target in edges} == set(edges)
    assert all(source != target for source, target in edges)
    assert set(docs.sources.tolist()) == set(range(len(docs)))  # each document has a reference


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("numpy.fft.rfft", "numpy.fft.irfft"),  # See Also, a bare name
        ("scipy.fft.rfft", "scipy.fft.fft"),  # a name in backticks
        ("torch.linalg.eig", "torch.linalg.eigvals"),  # a role
        ("numpy.random.weibull", "scipy.stats.genextreme"),  # across libraries
    ],
)
def test_known_references_are_found(docs, one, other):
    neighbours = docs.sources[docs.targets == docs.names.index(one)]
    assert docs.names.index(other) in neighbours.tolist()


# --- what the lectures ask of it -------------------------------------------------------------------------------------


def test_a_split_gives_every_subject_area_its_share_and_is_repeatable(docs):
    parts = docs.split(seed=3)
    assert torch.equal(torch.cat(parts).sort().values, torch.arange(len(docs)))
    sizes = docs.labels.bincount()
    for part, share in zip(parts, (0.7, 0.1, 0.2), strict=True):
        counts = docs.labels[part].bincount(minlength=len(sizes))
        assert ((counts - share * sizes).abs() <= 1).all()
        assert torch.equal(part, part.sort().values)
    for part, again, other in zip(parts, docs.split(seed=3), docs.split(seed=5), strict=True):
        assert torch.equal(part, again)
        assert not torch.equal(part, other)


@pytest.mark.parametrize(("train", "val"), [(0.9, 0.1), (0.0, 0.1), (0.7, -0.1), (1.2, 0.1)])
def test_a_split_without_a_part_is_refused(docs, train, val):
    with pytest.raises(ValueError, match="shares above 0"):
        docs.split(seed=0, train=train, val=val)


def test_features_are_the_frequent_words_as_scikit_learn_counts_them(docs):
    graph = docs.as_graph(seed=0, n_features=311)
    texts = [docs.words(i) for i in range(len(docs))]
    counter = CountVectorizer(analyzer=lambda text: [w for w in text if w not in ENGLISH_STOP_WORDS], binary=True)
    counts = counter.fit_transform(texts)
    frequency = np.asarray(counts.sum(axis=0)).ravel()
    frequent = np.sort(np.argsort(-frequency, kind="stable")[:311])  # its columns are in alphabetical order, as ours
    expected = normalize(counts[:, frequent].astype(np.float32), norm="l1")
    assert graph.features.dtype == np.float32
    assert graph.features.shape == (len(docs), 311)
    assert abs(graph.features - expected).max() < 1e-7


def test_a_graph_has_the_shape_and_the_split_of_cora(docs):
    graph = docs.as_graph(seed=2)
    assert graph.features.shape == (len(docs), 1433)
    sums = np.asarray(graph.features.sum(axis=1)).ravel()
    assert np.all((abs(sums - 1) < 1e-5) | (sums == 0))
    assert torch.equal(docs.labels[graph.train].bincount(), torch.full((11,), 20))
    assert int(graph.val.sum()) == 500
    assert (graph.train.int() + graph.val.int() + graph.test.int() == 1).all()
    assert torch.equal(graph.sources, docs.sources)
    assert torch.equal(graph.targets, docs.targets)
    assert graph.names == docs.names


def test_more_features_than_words_are_refused(docs):
    with pytest.raises(ValueError, match="fewer than n_features=1000003"):
        docs.as_graph(seed=0, n_features=1_000_003)


# --- cache, child process, errors ------------------------------------------------------------------------------------


def test_a_fresh_process_with_another_hash_seed_writes_the_same_bytes(docs, tmp_path):
    code = (
        "import sys; from course_utils.data.docstrings.corpus import load_docs; load_docs();"
        "print([name for name in ('networkx', 'matplotlib.pyplot', 'scipy.stats') if name in sys.modules])"
    )
    environment = {**os.environ, "COURSE_CACHE": str(tmp_path), "PYTHONHASHSEED": "4321", "PYTHONOPTIMIZE": "2"}
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert "reading docstrings: 100%" in ran.stdout
    assert ran.stdout.endswith("[]\n"), "the libraries were read in the calling process"
    assert ran.stderr == ""
    (fresh,) = tmp_path.glob("docs-*.json")
    assert fresh.read_bytes() == (cache_folder() / fresh.name).read_bytes()


def test_a_damaged_cache_is_built_anew(tiny_corpus, tmp_path, monkeypatch):
    built = []
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.setattr(corpus, "_extract", lambda progress: built.append(1) or tiny_corpus)
    first = load_docs()
    assert first.texts[0] == (("one", "two", "three"), ("four", "five"))
    assert first.words(0) == ("one", "two", "three", "four", "five")
    assert list(zip(first.sources.tolist(), first.targets.tolist(), strict=True)) == [(1, 0), (0, 1), (2, 1), (1, 2)]
    load_docs()
    assert len(built) == 1
    (path,) = tmp_path.glob("docs-*.json")
    path.write_bytes(path.read_bytes().replace(b"eight", b"ninth"))
    again = load_docs()
    assert len(built) == 2
    assert again.texts == first.texts


def test_another_version_or_recipe_is_another_corpus(tiny_corpus, tmp_path, monkeypatch):
    built = []
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.setattr(corpus, "_extract", lambda progress: built.append(1) or tiny_corpus)
    load_docs()
    monkeypatch.setattr(corpus, "RECIPE", corpus.RECIPE + 1)
    load_docs()
    monkeypatch.setattr(corpus, "library_versions", lambda names: dict.fromkeys(names, "0.0.1"))
    load_docs()
    assert len(built) == 3


def test_a_library_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr(corpus, "LIBRARIES", ("numpy", "no-such-library"))
    with pytest.raises(ModuleNotFoundError, match=r"no-such-library is not installed; install what requirements"):
        load_docs()


@pytest.fixture
def reading_process(tmp_path, monkeypatch):
    """Stands in for the Python that reads the docstrings."""

    def replace_by(script: str) -> None:
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(corpus.sys, "executable", str(path))
        monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))

    return replace_by


@pytest.mark.parametrize(
    "script",
    [
        "echo 'ImportError: numpy is broken' >&2; exit 3",
        """printf '{"corpus": {"na'; echo 'ImportError: numpy is broken' >&2; kill -9 $$""",
        "echo 'ImportError: numpy is broken' >&2",
    ],
    ids=["fails", "is killed while it writes", "says nothing"],
)
def test_a_failure_while_reading_is_told_and_nothing_is_stored(script, reading_process, tmp_path):
    reading_process(script)
    with pytest.raises(RuntimeError, match=r"(?s)reading the docstrings failed.*doctor.*numpy is broken"):
        load_docs(progress=False)
    assert not (tmp_path / "cache").exists()


def test_progress_goes_to_standard_output_and_only_when_asked(tiny_corpus, reading_process, capsys, tmp_path):
    answer = json.dumps({"corpus": tiny_corpus})
    reading_process(f"""echo '{{"percent": 40}}'; echo '{answer}'""")
    assert load_docs(progress=False).names == ("lib.a", "lib.b", "lib.c")
    assert capsys.readouterr() == ("", "")
    for path in (tmp_path / "cache").iterdir():
        path.unlink()
    load_docs()
    shown = capsys.readouterr()
    assert "reading docstrings: 100%" in shown.out
    assert shown.err == ""


# --- reading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prose", "words"),
    [
        ("Compute the fast ``numpy`` transform.", "compute the fast transform"),
        ("A link to `this text <https://a.org/b>`_ and https://c.org/d?e is gone.", "a link to and is gone"),
        ("See :func:`~numpy.fft.fft`, :ref:`label <x>` and `rfft` for more.", "see and for more"),
        ("Where :math:`x^2` is $y_2$ and also $$z$$.", "where is and also"),
        ("Call foo(x, y) or numpy.fft.fft or np.pad or snake_case first.", "call or or or first"),
        ("All the element(s) with axis=0 of a DiGraph or conv2d stay.", "all the element s with of a or stay"),
        ("The *data* and **kw** are given [1]_ or [Knuth75]_.", "the and are given or"),
        ("Pad along numpy-like arrays with SciPy and matplotlibrc.", "pad along like arrays with and"),
        ("The node's Erdős–Rényi graph doesn’t change.", "the node erdős rényi graph doesn't change"),
        ("Compute the discrete Fourier transform of n points.", "compute the discrete fourier transform of points"),
    ],
)
def test_nothing_but_plain_words_is_left_of_a_sentence(prose, words):
    expected = [word for word in words.split() if len(word) > 1 or word == "a"]
    assert sentences([prose], GIVEAWAY) == [tuple(expected)]


@pytest.mark.parametrize(
    "block",
    [
        ">>> an example of code",
        ".. math::\n\n    some words of formula",
        ".. versionadded:: 1.0\n    words on this version",
        "Args:\n    data: some words on it\n\n    and some more words",
        "Example::\n\n    run with some words",
        "import numpy as np with words",
        "from scipy import something with words",
        "===== =====\nwords in a table\n===== =====",
        "| words in a table |",
        ":Alias on this platform: `int` and some words",
        "only two",
    ],
)
def test_blocks_that_are_not_prose_leave_no_sentence(block):
    lines = ["First there is this.", "", *block.split("\n"), "", "Then there is that."]
    assert sentences(lines, NOTHING) == [("first", "there", "is", "this"), ("then", "there", "is", "that")]


def test_boxes_lists_and_what_introduces_code_are_prose():
    lines = [
        *(".. note:: Mind the gap here.", ""),
        *("- one item of three", "- another item", "  over lines", ""),
        *("Write it like this::", "", "    not this but code"),
    ]
    assert sentences(lines, NOTHING) == [
        ("mind", "the", "gap", "here"),
        ("one", "item", "of", "three"),
        ("another", "item", "over", "lines"),
        ("write", "it", "like", "this"),
    ]


def test_sentences_end_at_full_stops_but_not_after_abbreviations():
    text = "Sorts, e.g. by size, as Knuth et al. did. `axis` comes later. Why is this so? Nobody can say."
    found = sentences([text], NOTHING)
    assert [" ".join(sentence) for sentence in found] == [
        "sorts by size as knuth did",
        "why is this so",
        "nobody can say",
    ]


@pytest.mark.parametrize(
    ("modules", "subject"),
    [
        (["numpy"], "arrays & tensors"),
        (["numpy.f2py"], None),  # of numpy itself only the top-level names
        (["scipy.sparse.csgraph._tools"], "graphs"),  # not linear algebra: the longest entry counts
        (["torch", "torch.nn.functional"], "neural networks"),
        (["matplotlib.tri"], "plotting"),
        (["elsewhere"], None),
    ],
)
def test_the_longest_fitting_entry_of_the_hand_map_counts(modules, subject):
    assert subject_of(modules) == subject


def test_the_name_shown_is_the_shortest_one_above_the_objects_home():
    patch = Documented("text", "matplotlib.patches", ["matplotlib.text.Patch", "matplotlib.patches.Patch"])
    patch.settle()
    assert patch.name == "matplotlib.patches.Patch"
    gelu = Documented("text", "torch._C._nn", ["torch.nn.functional.gelu"])
    gelu.settle()
    assert (gelu.name, gelu.subject) == ("torch.nn.functional.gelu", "neural networks")


def documented(name: str, text: str = "text") -> Documented:
    document = Documented(text, name.rpartition(".")[0], [name])
    document.settle()
    return document


def test_a_name_is_looked_up_from_where_it_is_mentioned():
    names = ["scipy.fft.fft", "numpy.fft.fft", "numpy.fft.ifft", "numpy.pad", "scipy.signal.welch", "torch.welch"]
    names += ["numpy.ma.pad", "numpy.ma.hypot"]
    resolve = Resolver([documented(name) for name in names])
    ifft, welch, torch_welch = 2, 4, 5
    assert resolve("numpy.pad", welch) == 3  # its full path
    assert resolve("fft", ifft) == 1  # the same module
    assert resolve("pad", ifft) == 3  # a package above it
    assert resolve("pad", 7) == 6  # the nearest first
    assert resolve("fft.fft", ifft) == 1  # the same package
    assert resolve("fft", welch) == 0  # the only one in its library
    assert resolve("fft.ifft", welch) == 2  # a dotted name may leave its library
    assert resolve("ifft", welch) is None  # a bare one may not
    assert resolve("fft.fft", torch_welch) is None  # two could be meant
    assert resolve("no.such", welch) is None


def test_see_also_roles_and_backticks_are_mentions_but_variables_are_not():
    text = """Do it as `other` and :func:`~lib.role` do, with `values` and `x`, ``literal``.

    Parameters
    ----------
    values : array
        With :class:`Kind`.

    See Also
    --------
    first, :func:`~second.third`
    fourth : as `fifth`
    """
    document = documented("lib.it", extraction.inspect.cleandoc(text))
    found = mentions(document, Parsed(document.text))
    assert found == ["first", "second.third", "fourth", "lib.role", "Kind", "second.third", "other", "fifth"]
    document = documented("torch.it", "Takes `other` like `torch.that` and :func:`this`.")
    assert mentions(document, Parsed(document.text)) == ["this", "torch.that"]


def test_only_documents_that_can_be_learned_from_are_kept(monkeypatch):
    monkeypatch.setattr(extraction, "MIN_CLASS", 4)
    letters = "abcdefghijkl"

    def text(i: int, n_words: int = 12) -> list[tuple[str, ...]]:
        return [tuple(f"{letters[i]}{letter}" for letter in letters[:n_words]), ("said", "by", "five")]

    names = [f"numpy.{letter}" for letter in letters[:9]] + ["scipy.stats.a", "scipy.stats.b", "elsewhere.a"]
    documents = [documented(name) for name in names]
    texts = [text(i) for i in range(12)]
    texts[3] = text(2)  # the same as one before
    texts[4] = text(4, n_words=11)
    # 0–1, 1–2, 5–6 are kept; 3, 4 and 11 are not kept themselves, 7 has only these; 9–10 is a small class,
    # and 8 has only that.
    references = {(0, 1), (1, 2), (2, 3), (3, 7), (4, 7), (7, 11), (5, 6), (8, 9), (9, 10)}
    kept = select(documents, texts, references)
    assert kept["names"] == [f"numpy.{letters[i]}" for i in (0, 1, 2, 5, 6)]
    assert kept["texts"][1] == [" ".join(text(1)[0])]
    assert kept["classes"] == ["arrays & tensors"]
    assert kept["labels"] == [0] * 5
    assert kept["pairs"] == [[0, 1], [1, 2], [3, 4]]


def test_optional_packages_look_as_if_they_were_not_installed():
    assert PathFinder.find_spec("pytest") is not None
    assert OnlyRequired.find_spec("pytest") is None
    assert OnlyRequired.find_spec("numpy") is not None
    assert OnlyRequired.find_spec("json") is not None
