"""Lecture 03: its score is the package's, its poolings are what they say, and padding is never read."""

import math

import pytest
import torch
from torch import nn

from course_utils import attention
from course_utils.attention import AdditiveScore
from course_utils.checks import masked_mean
from course_utils.data.batches import Batch, Vocabulary, pad
from course_utils.training import set_seed

from .notebooks import definitions

LENGTHS = (7, 3, 11, 1, 5)
N_WORDS, N_CLASSES = 23, 13
POOLINGS = ("attention", "last state", "mean")


@pytest.fixture(scope="module")
def lecture():
    return definitions("03_document_attention")


@pytest.fixture
def documents():
    set_seed(0)
    return [torch.randint(4, N_WORDS, (length,)) for length in LENGTHS]


def classifier(lecture, pooling, seed=0):
    set_seed(seed)
    pools = {"attention": lecture.LearnedQuery(), "last state": lecture.last_state, "mean": lecture.mean_state}
    return lecture.DocumentClassifier(N_WORDS, N_CLASSES, pools[pooling]).eval()


def widened(batch, n_positions, filler=Vocabulary.pad):
    more = (len(batch.ids), n_positions)
    return Batch(
        torch.cat([batch.ids, torch.full(more, filler)], dim=1),
        torch.cat([batch.mask, torch.zeros(more, dtype=torch.bool)], dim=1),
    )


def test_the_score_written_here_is_the_package_s(lecture):
    set_seed(0)
    ours, theirs = lecture.ContextScore(7, 5), attention.ContextScore(7, 5)
    theirs.load_state_dict(ours.state_dict())
    keys = torch.randn(3, 11, 7)
    torch.testing.assert_close(ours(keys, ours.context(3)), theirs(keys, theirs.context(3)))
    assert ours.context(3).shape == (3, 1, 5)


def test_the_score_is_bahdanau_s_for_a_query_that_never_changes(lecture):
    set_seed(0)
    learned, bahdanau = lecture.ContextScore(7, 5), AdditiveScore(3, 7, 5)
    query, keys = torch.randn(1, 1, 3), torch.randn(11, 13, 7)
    with torch.no_grad():
        learned.project_keys.weight.copy_(bahdanau.project_keys.weight)
        learned.project_keys.bias.copy_(bahdanau.project_query(query)[0, 0])
        learned.query.copy_(bahdanau.reduce.weight[0])
    torch.testing.assert_close(learned(keys, learned.context(11)), bahdanau(keys, query.expand(11, -1, -1)))


def test_the_table_worked_by_hand(lecture):
    states = torch.tensor([[[2.0, 1.0], [0.0, 0.0], [1.0, 0.0]]])
    context, weights = attention.attend(torch.tensor([[[1.0, 2.0]]]), states, states, lecture.hand_score)
    torch.testing.assert_close(weights[0, 0], torch.tensor([0.793, 0.066, 0.141]), atol=5e-4, rtol=0)
    torch.testing.assert_close(context[0, 0], torch.tensor([1.73, 0.79]), atol=5e-3, rtol=0)


def test_the_pooled_mean_is_the_mean_of_the_real_states(lecture):
    set_seed(0)
    states, mask = torch.randn(5, 11, 14), torch.arange(11) < torch.tensor(LENGTHS)[:, None]
    context, _ = lecture.mean_state(states, mask)
    expected = torch.stack([rows[:length].mean(dim=0) for rows, length in zip(states, LENGTHS, strict=True)])
    torch.testing.assert_close(context[:, 0], expected)
    torch.testing.assert_close(context[:, 0], masked_mean(states, mask))


def test_the_last_state_is_what_the_gru_finishes_with_in_each_direction(lecture, documents):
    model = classifier(lecture, "last state")
    batch = pad(documents)
    context, _ = lecture.last_state(model.states(batch), batch.mask)
    for row, document in zip(context, documents, strict=True):
        _, finals = model.gru(model.embedding(document)[None])  # (directions, 1, D_HIDDEN)
        torch.testing.assert_close(row[0], finals[:, 0].flatten())


@pytest.mark.parametrize("pooling", POOLINGS)
def test_padding_never_changes_an_answer(lecture, documents, pooling):
    model, batch = classifier(lecture, pooling), pad(documents)
    logits, weights = model(batch)
    for filler in (Vocabulary.pad, 17):  # whatever stands in the padding
        wider_logits, wider_weights = model(widened(batch, 13, filler))
        torch.testing.assert_close(wider_logits, logits)
        torch.testing.assert_close(wider_weights[:, : weights.shape[1]], weights)
        assert (wider_weights[:, weights.shape[1] :] == 0).all()
    assert (weights[~batch.mask] == 0).all()


@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_document_s_answer_does_not_depend_on_its_neighbours_in_the_batch(lecture, documents, pooling):
    model = classifier(lecture, pooling)
    logits, _ = model(pad(documents))
    order = torch.tensor([3, 0, 4, 2, 1])
    torch.testing.assert_close(model(pad([documents[i] for i in order]))[0], logits[order])
    alone = torch.cat([model(pad([document]))[0] for document in documents])
    torch.testing.assert_close(alone, logits)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_an_empty_document_gets_the_zero_vector_and_a_finite_gradient(lecture, documents, pooling):
    model = classifier(lecture, pooling)
    batch = pad([documents[0], torch.tensor([], dtype=torch.long)])
    context, weights = model.pool(model.states(batch), batch.mask)
    assert (context[1] == 0).all()
    assert (weights[1] == 0).all()
    logits, _ = model(batch)
    torch.testing.assert_close(logits[1], model.classify.bias)
    logits.square().sum().backward()
    assert all(p.grad is None or torch.isfinite(p.grad).all() for p in model.parameters())


def test_the_query_learns(lecture, documents):
    model = classifier(lecture, "attention")
    logits, _ = model(pad(documents))
    nn.functional.cross_entropy(logits, torch.arange(5)).backward()
    assert model.pool.score.query.grad.abs().sum() > 0


def test_without_order_attention_and_mean_read_a_bag_of_states(lecture):
    set_seed(0)
    states, mask = torch.randn(3, 7, 2 * lecture.D_HIDDEN), torch.ones(3, 7, dtype=torch.bool)
    order = torch.randperm(7)
    for pool in (lecture.LearnedQuery(), lecture.mean_state):
        torch.testing.assert_close(pool(states[:, order], mask)[0], pool(states, mask)[0])


def test_shuffled_weights_keep_their_sizes_and_stay_on_real_words(lecture, documents):
    model, batch = classifier(lecture, "attention"), pad(documents)
    states = model.states(batch) * 5  # so that weights differ plainly
    _, weights = model.pool(states, batch.mask)
    _, moved = lecture.shuffled(model.pool, seed=0)(states, batch.mask)
    torch.testing.assert_close(moved.sort(dim=-1).values, weights.sort(dim=-1).values)
    assert (moved[:, 0][~batch.mask] == 0).all()
    assert not torch.allclose(moved, weights)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_predictions_come_in_the_order_of_the_documents(lecture, documents, pooling):
    model = classifier(lecture, pooling)
    many = documents * 31  # several batches
    classes, weights = lecture.predict(model, many)
    torch.testing.assert_close(classes, model(pad(documents))[0].argmax(dim=-1).repeat(31))
    assert [len(row) for row in weights] == [*LENGTHS] * 31


@pytest.mark.parametrize("share", [0.05, 0.1, 0.5])
def test_deleting_takes_the_first_of_the_ranking_and_keeps_the_order_of_the_rest(lecture, share):
    sequence, weights = torch.arange(100, 117), torch.randperm(17, generator=torch.Generator().manual_seed(0)) / 17
    for name, (ranking,) in lecture.rankings([weights], seed=0).items():
        left = lecture.without(sequence, ranking, share)
        n_deleted = math.ceil(share * 17)
        assert len(left) == 17 - n_deleted
        assert (left.diff() > 0).all()
        kept = weights[left - 100]
        if name == "top-attended deleted":
            assert kept.max() <= weights.topk(n_deleted).values.min()
        if name == "least-attended deleted":
            assert kept.min() >= weights.topk(n_deleted, largest=False).values.max()


def test_two_random_rankings_differ_and_repeat_with_the_seed(lecture):
    first, again = (lecture.rankings([torch.rand(53)], seed=3) for _ in range(2))
    assert not torch.equal(first["random deleted"][0], first["random deleted again"][0])
    assert torch.equal(first["random deleted"][0], again["random deleted"][0])


def tiny_corpus(lecture):
    """Class 0 talks of one word, class 1 of another, amid words that say nothing."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(60) % 2
    documents = []
    for label in labels.tolist():
        filler = [f"word{i}" for i in torch.randint(0, 7, (5,), generator=generator)]
        documents.append((*filler[:2], ("node", "axis")[label], *filler[2:]))
    vocabulary = Vocabulary(documents)
    train, held_out = torch.arange(60).split([43, 17])
    sequences = [vocabulary.encode(words) for words in documents]
    return lecture.Corpus(documents, sequences, labels, train, held_out, held_out, vocabulary)


def test_training_repeats_with_its_seed_and_finds_the_telling_word(lecture, monkeypatch):
    monkeypatch.setattr(lecture, "EPOCHS", 13)
    corpus = tiny_corpus(lecture)
    first, second = (lecture.train(corpus, "attention", seed=5) for _ in range(2))
    for ours, again in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(ours, again)
    assert lecture.accuracy(first, corpus, corpus.test) == 1
    tfidf = lecture.train_tfidf(corpus)
    assert tfidf.score(lecture.texts_of(corpus, corpus.test), corpus.labels[corpus.test].numpy()) == 1


def test_all_poolings_start_from_the_same_weights_and_see_the_same_batches(lecture, monkeypatch):
    corpus, seen = tiny_corpus(lecture), {}

    def look(model, batch_loss, batches, *args, **kwargs):
        seen[model.pool] = (model.embedding.weight.clone(), [labels.tolist() for _, labels in batches()])

    monkeypatch.setattr(lecture, "fit", look)
    for pooling in POOLINGS:
        lecture.train(corpus, pooling, seed=5)
    (embedding, order), *others = seen.values()
    assert len(others) == 2
    for other_embedding, other_order in others:
        assert torch.equal(embedding, other_embedding)
        assert order == other_order


def test_deleting_the_telling_word_is_missed_by_both_models_and_deleting_others_by_none(lecture):
    corpus = tiny_corpus(lecture)
    telling = torch.tensor([0.1, 0.1, 0.4, 0.1, 0.2, 0.1])  # the third word of each document

    class Oracle(nn.Module):
        def forward(self, batch, pool=None):
            node, axis = (corpus.vocabulary.encode([word])[0] for word in ("node", "axis"))
            found = torch.stack([(batch.ids == word).any(dim=1) for word in (node, axis)], dim=1)
            return found.float(), telling[: batch.ids.shape[1]].expand(batch.ids.shape)

    results = lecture.deletion_test(Oracle(), lecture.train_tfidf(corpus), corpus, seed=0)
    axis_documents = corpus.labels[corpus.test].float().mean().item()  # without its word each looks like class 0
    assert results["top-attended deleted"]["accuracy lost"] == pytest.approx(axis_documents)
    assert results["least-attended deleted"]["accuracy lost"] == 0
    assert results["TF-IDF, top-attended deleted"]["accuracy lost"] > 0.2
    assert len(results["random deleted"]["accuracy lost by share"]) == len(lecture.SHARES)
