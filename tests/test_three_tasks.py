"""Three tasks, one score: wrong scores are refused with a reason, and what is learned depends on the score alone."""

import ast
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from course_utils.attention import dot_score, scaled_dot_score, zero_score
from course_utils.data.batches import pad
from course_utils.data.node_classification import CitationGraph, both_directions, split_per_class
from course_utils.tasks import three_tasks
from course_utils.tasks.three_tasks import DocumentReader, GraphReader, Translator, neighbour_table, try_score
from course_utils.training import set_seed


@pytest.fixture
def quick(monkeypatch):
    """Replace the three trainings by something that remembers how it was called."""
    called = []
    for name in ("translation", "documents", "graph"):

        def task(score, seed, name=name):
            called.append((name, score, seed, torch.rand(1).item()))
            return 0.5

        monkeypatch.setattr(three_tasks, name, task)
    return called


@pytest.fixture
def citations():
    """A small random network: 29 documents, 11 words, 3 classes; document 0 refers to all others."""
    rng = np.random.default_rng(0)
    labels = torch.arange(29) % 3
    train, val, test = split_per_class(labels, 2, 5, seed=0)
    pairs = np.concatenate([np.stack([np.zeros(28, dtype=int), np.arange(1, 29)]), rng.integers(29, size=(2, 17))], 1)
    sources, targets = both_directions(pairs)
    features = csr_matrix(rng.random((29, 11)) * (rng.random((29, 11)) < 0.4), dtype=np.float32)
    return CitationGraph(
        features, labels, sources, targets, tuple("abc"), train, val, test, tuple(f"document {i}" for i in range(29))
    )


def test_every_task_gets_the_score_and_the_seed_and_starts_from_the_same_seed(quick):
    assert try_score(dot_score, seed=3, progress=False) == {"translation": 0.5, "documents": 0.5, "graph": 0.5}
    assert [call[0] for call in quick] == ["translation", "documents", "graph"]
    assert all(call[1:3] == (dot_score, 3) for call in quick)
    assert len({call[3] for call in quick}) == 1


def test_a_sentence_without_words_is_translated_and_leaves_its_neighbour_as_it_was():
    set_seed(0)
    model, words, empty = Translator(11, 13, dot_score, 8), torch.tensor([5, 6, 7]), torch.tensor([], dtype=torch.long)
    both, alone = pad([words, empty]), pad([words])
    previous = torch.ones(2, 3, dtype=torch.long)
    logits, _ = model(model.encode(both), both, previous)
    expected, _ = model(model.encode(alone), alone, previous[:1])
    assert torch.isfinite(logits).all()
    torch.testing.assert_close(logits[:1], expected)
    assert torch.isfinite(model(model.encode(pad([empty])), pad([empty]), previous[:1])[0]).all()


def test_an_unsolved_exercise_is_not_an_error(quick, capsys):
    def unsolved(keys, query):
        raise NotImplementedError

    assert try_score(unsolved) == {}
    assert "not attempted yet" in capsys.readouterr().out
    assert not quick


@pytest.mark.parametrize(
    ("score", "reason"),
    [
        (lambda keys, query: keys @ query.mT, "must have shape"),
        (lambda keys, query: (query @ keys.mT).sum(-1), "must have shape"),
        (lambda keys, query: 1.0, "must have shape"),
        (lambda keys, query: torch.log(query @ keys.mT), "not finite"),
    ],
)
def test_a_score_of_the_wrong_kind_is_refused_before_anything_is_trained(quick, score, reason):
    with pytest.raises(ValueError, match=reason):
        try_score(score, progress=False)
    assert not quick


def test_the_translator_does_not_see_padding(quick):
    set_seed(0)
    model = Translator(17, 13, scaled_dot_score, width=6)
    short, long = torch.randint(4, 17, (3,)), torch.randint(4, 17, (7,))
    previous = torch.randint(1, 13, (1, 5))
    alone, together = pad([short]), pad([short, long])
    logits, _ = model(model.encode(alone), alone, previous)
    beside, _ = model(model.encode(together), together, previous.expand(2, -1))
    torch.testing.assert_close(beside[:1], logits)


def test_the_next_word_does_not_depend_on_the_words_after_it():
    set_seed(0)
    model, source = Translator(17, 13, scaled_dot_score, width=6), pad([torch.randint(4, 17, (7,))])
    previous = torch.randint(1, 13, (1, 5))
    changed = previous.clone()
    changed[0, 3] = 0
    before, after = (model(model.encode(source), source, words)[0] for words in (previous, changed))
    torch.testing.assert_close(after[:, :3], before[:, :3], rtol=0, atol=0)
    assert (after[:, 3] != before[:, 3]).any()


def test_all_that_the_decoder_knows_of_the_source_passes_through_the_values():
    set_seed(0)
    model = Translator(17, 13, zero_score, width=6)
    previous = torch.randint(1, 13, (1, 5))
    one, other = (pad([torch.randint(4, 17, (7,))]) for _ in range(2))
    nothing = torch.zeros(1, 7, 6)
    torch.testing.assert_close(model(nothing, one, previous)[0], model(nothing, other, previous)[0])


def test_a_document_is_read_without_its_padding_and_by_its_mean_where_the_score_is_zero():
    set_seed(0)
    model = DocumentReader(17, 5, zero_score, width=6).eval()
    short, long = torch.randint(4, 17, (3,)), torch.randint(4, 17, (7,))
    classes = model(pad([short, long]))
    torch.testing.assert_close(classes[0], model.to_classes(model.embedding(short).mean(dim=0)))


def test_each_node_stands_first_in_its_own_row_and_real_entries_are_its_neighbours(citations):
    neighbours, mask = neighbour_table(citations, most=7)
    assert neighbours.shape == mask.shape == (29, 7)
    for node in range(29):
        mine = set(citations.sources[citations.targets == node].tolist())
        row = neighbours[node][mask[node]].tolist()
        assert row[0] == node
        assert len(set(row)) == len(row) == min(7, 1 + len(mine))
        assert set(row[1:]) <= mine


def test_a_node_reads_its_neighbours_and_nobody_else(citations):
    set_seed(0)
    alone = citations.with_edges(torch.tensor([[0], [4]]))  # empty places of the table are filled with node 0
    table = neighbour_table(alone, most=5)
    model = GraphReader(11, 3, scaled_dot_score, width=6).eval()

    def classes(features):
        parts = (features.indices, features.indptr, features.data)
        return model(tuple(torch.from_numpy(part) for part in parts), *table)

    changed = citations.features.copy()
    changed.data[changed.indptr[0] : changed.indptr[1]] += 1
    moved = (classes(changed) - classes(citations.features)).abs().sum(dim=1) > 1e-6
    assert moved.nonzero()[:, 0].tolist() == [0, 4]


def test_the_features_of_the_graph_are_a_sparse_product(citations):
    set_seed(0)
    model = GraphReader(11, 3, zero_score, width=6).eval()
    features = citations.features
    hidden = model.project(*(torch.from_numpy(part) for part in (features.indices, features.indptr, features.data)))
    torch.testing.assert_close(hidden, torch.from_numpy(features.toarray()) @ model.project.weight)


def test_the_module_builds_on_attention_data_and_training_alone():
    tree = ast.parse(Path(three_tasks.__file__).read_text(encoding="utf-8"))
    used = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    ours = {module for module in used if module.startswith("course_utils")}
    allowed = ("course_utils.attention", "course_utils.training", "course_utils.data.")
    assert all(module.startswith(allowed) for module in ours)
