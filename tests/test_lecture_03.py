"""Lecture 03: its score is the package's, its poolings are what they say, and padding is never read."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.stats import entropy
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from course_utils import attention
from course_utils.attention import AdditiveScore
from course_utils.data.batches import Batch, Vocabulary, pad
from course_utils.data.documents import LabelledDocuments
from course_utils.evidence.record import stored
from course_utils.training import set_seed

from .closeness import assert_likeliest
from .notebooks import definitions, markdown
from .public_sets import needs

LENGTHS = (7, 3, 11, 1, 5)
N_WORDS, N_CLASSES = 23, 13
POOLINGS = ("attention", "mean", "max", "last state")
NETWORKS = ("HAN", *POOLINGS)


@pytest.fixture(scope="module")
def lecture():
    return definitions("03_document_attention")


@pytest.fixture(scope="module")
def experiment():
    return definitions("experiments/03_document_attention")


@pytest.fixture
def documents():
    """Documents of one sentence each."""
    set_seed(0)
    return [[torch.randint(4, N_WORDS, (length,))] for length in LENGTHS]


@pytest.fixture
def boxed(lecture):
    """States of five sequences, 2 * D_HIDDEN wide, and their mask; in the padding stands what must not be read."""
    set_seed(0)
    mask = torch.arange(11) < torch.tensor(LENGTHS)[:, None]
    states = torch.randn(5, 11, 2 * lecture.D_HIDDEN) - 3  # zeros would win a maximum
    return states.masked_fill(~mask[:, :, None], 31.0), mask


def pool_of(lecture, name):
    pools = {"attention": lecture.LearnedQuery(), "mean": lecture.mean_state, "max": lecture.max_state}
    return pools.get(name, lecture.last_state)


def classifier(lecture, pooling, seed=0):
    set_seed(seed)
    model = lecture.DocumentClassifier(N_WORDS, N_CLASSES, pool_of(lecture, pooling)).eval()
    if pooling == "attention":
        with torch.no_grad():  # so that weights differ plainly
            model.read.pool.score.query.mul_(31)
    return model


def hierarchical(lecture, seed=0):
    set_seed(seed)
    model = lecture.HierarchicalAttention(N_WORDS, N_CLASSES).eval()
    with torch.no_grad():  # so that weights differ plainly
        model.words.pool.score.query.mul_(31)
        model.sentences.pool.score.query.mul_(31)
    return model


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
    torch.testing.assert_close(ours(keys, ours.queries(3)), theirs(keys, theirs.queries(3)))
    assert ours.queries(3).shape == (3, 1, 5)


def test_the_score_is_bahdanau_s_for_a_query_that_never_changes(lecture):
    set_seed(0)
    learned, bahdanau = lecture.ContextScore(7, 5), AdditiveScore(3, 7, 5)
    query, keys = torch.randn(1, 1, 3), torch.randn(11, 13, 7)
    with torch.no_grad():
        learned.project_keys.weight.copy_(bahdanau.project_keys.weight)
        learned.project_keys.bias.copy_(bahdanau.project_query(query)[0, 0])
        learned.query.copy_(bahdanau.reduce.weight[0])
    torch.testing.assert_close(learned(keys, learned.queries(11)), bahdanau(keys, query.expand(11, -1, -1)))


def test_the_table_worked_by_hand(lecture):
    states = torch.tensor([[[2.0, 1.0], [0.0, 0.0], [1.0, 0.0]]])
    context, weights = attention.attend(torch.tensor([[[1.0, 2.0]]]), states, states, lecture.hand_score)
    torch.testing.assert_close(weights[0, 0], torch.tensor([0.793, 0.066, 0.141]), atol=5e-4, rtol=0)
    torch.testing.assert_close(context[0, 0], torch.tensor([1.73, 0.79]), atol=5e-3, rtol=0)


def test_the_pooled_mean_is_the_mean_of_the_real_states(lecture, boxed):
    states, mask = boxed
    context, _ = lecture.mean_state(states, mask)
    expected = torch.stack([rows[:length].mean(dim=0) for rows, length in zip(states, LENGTHS, strict=True)])
    torch.testing.assert_close(context[:, 0], expected)


def test_the_maximum_is_torch_s_over_the_real_states(lecture, boxed):
    states, mask = boxed
    top, share = lecture.max_state(states, mask)
    expected = torch.stack([rows[:length].amax(dim=0) for rows, length in zip(states, LENGTHS, strict=True)])
    assert torch.equal(top[:, 0], expected)
    torch.testing.assert_close(share.sum(dim=-1), torch.ones(5, 1))
    assert (share[:, 0][~mask] == 0).all()


def test_no_weights_of_an_average_give_the_maximum_of_the_lecture_s_example(lecture):
    states = torch.tensor([[[2.0, 1.0], [0.0, 0.0], [1.0, 3.0]]])
    top, share = lecture.max_state(states, torch.ones(1, 3, dtype=torch.bool))
    assert top[0, 0].tolist() == [2, 3]
    assert share[0, 0].tolist() == [0.5, 0, 0.5]
    # a direction in which the maximum lies beyond each state, so beyond each of their averages
    assert top.sum() > states.sum(dim=-1).max()


@pytest.mark.parametrize("pooling", POOLINGS)
def test_no_pooling_reads_the_padding(lecture, boxed, pooling):
    states, mask = boxed
    pool = pool_of(lecture, pooling)
    context, weights = pool(states, mask)
    other, other_weights = pool(states.masked_fill(~mask[:, :, None], -17.0), mask)
    torch.testing.assert_close(context, other)
    torch.testing.assert_close(weights, other_weights)
    assert (weights[:, 0][~mask] == 0).all()


@pytest.mark.parametrize("pooling", POOLINGS)
def test_pooling_nothing_gives_the_zero_vector_and_a_finite_gradient(lecture, pooling):
    states = torch.randn(3, 7, 2 * lecture.D_HIDDEN, requires_grad=True)
    context, weights = pool_of(lecture, pooling)(states, torch.zeros(3, 7, dtype=torch.bool))
    assert (context == 0).all()
    assert (weights == 0).all()
    context.sum().backward()
    assert (states.grad == 0).all()


def test_reading_backwards_turns_words_round_and_leaves_padding_behind(lecture):
    mask = torch.arange(5) < torch.tensor([3, 0, 5])[:, None]
    vectors = torch.arange(30.0).reshape(3, 5, 2)
    turned = lecture.backwards(vectors, mask)
    expected = [[2, 1, 0, 3, 4], [0, 1, 2, 3, 4], [4, 3, 2, 1, 0]]
    for row, before, order in zip(turned, vectors, expected, strict=True):
        assert torch.equal(row, before[order])
    assert torch.equal(lecture.backwards(turned, mask), vectors)


def test_reading_in_both_directions_is_torch_s_bidirectional_gru_on_packed_sequences(lecture):
    set_seed(0)
    reader = lecture.ReadAndPool(13, lecture.mean_state)
    trusted = nn.GRU(13, lecture.D_HIDDEN, batch_first=True, bidirectional=True)
    weights = dict(reader.ahead.state_dict())
    weights |= {f"{name}_reverse": w for name, w in reader.back.state_dict().items()}
    trusted.load_state_dict(weights)
    vectors, lengths = torch.randn(5, 11, 13), torch.tensor(LENGTHS)
    mask = torch.arange(11) < lengths[:, None]
    packed = pack_padded_sequence(vectors, lengths, batch_first=True, enforce_sorted=False)
    expected, _ = pad_packed_sequence(trusted(packed)[0], batch_first=True)
    states = reader.states(vectors, mask)
    torch.testing.assert_close(states[mask], expected[mask])


def test_the_last_state_is_what_each_gru_finishes_with(lecture, documents):
    model = classifier(lecture, "last state")
    batch = model.collate(documents)
    context, _ = lecture.last_state(model.read.states(model.embedding(batch.ids), batch.mask), batch.mask)
    for row, (sentence,) in zip(context, documents, strict=True):
        words = model.embedding(sentence)[None]
        finals = [model.read.ahead(words)[1], model.read.back(words.flip(1))[1]]
        torch.testing.assert_close(row[0], torch.cat(finals, dim=-1)[0, 0])


@pytest.mark.parametrize("pooling", POOLINGS)
def test_padding_never_changes_an_answer(lecture, documents, pooling):
    model = classifier(lecture, pooling)
    batch = model.collate(documents)
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
    logits, _ = model(model.collate(documents))
    order = torch.tensor([3, 0, 4, 2, 1])
    torch.testing.assert_close(model(model.collate([documents[i] for i in order]))[0], logits[order])
    alone = torch.cat([model(model.collate([document]))[0] for document in documents])
    torch.testing.assert_close(alone, logits)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_an_empty_document_gets_only_the_bias_and_a_finite_gradient(lecture, documents, pooling):
    model = classifier(lecture, pooling)
    logits, weights = model(model.collate([documents[0], []]))
    assert (weights[1] == 0).all()
    torch.testing.assert_close(logits[1], model.classify.bias)
    logits.square().sum().backward()
    assert all(p.grad is None or torch.isfinite(p.grad).all() for p in model.parameters())


def test_a_flat_model_forgets_where_sentences_end(lecture, documents):
    model, joined = classifier(lecture, "attention"), torch.cat([s for d in documents for s in d])
    whole, _ = model(model.collate([[joined]]))
    cut, _ = model(model.collate([list(joined.split([3, 7, len(joined) - 10]))]))
    torch.testing.assert_close(cut, whole)


def test_the_query_learns(lecture, documents):
    model = classifier(lecture, "attention")
    logits, _ = model(model.collate(documents))
    nn.functional.cross_entropy(logits, torch.arange(5)).backward()
    assert model.read.pool.score.query.grad.abs().sum() > 0


def test_without_order_attention_and_mean_read_a_bag_of_states(lecture):
    set_seed(0)
    states, mask = torch.randn(3, 7, 2 * lecture.D_HIDDEN), torch.ones(3, 7, dtype=torch.bool)
    order = torch.randperm(7)
    for pool in (lecture.LearnedQuery(), lecture.mean_state):
        torch.testing.assert_close(pool(states[:, order], mask)[0], pool(states, mask)[0])


def test_shuffled_weights_keep_their_sizes_and_stay_on_real_words(lecture, experiment, boxed):
    states, mask = boxed
    pool = classifier(lecture, "attention").read.pool
    _, weights = pool(states, mask)
    _, moved = experiment.shuffled(pool, seed=0)(states, mask)
    torch.testing.assert_close(moved.sort(dim=-1).values, weights.sort(dim=-1).values)
    assert (moved[:, 0][~mask] == 0).all()
    assert not torch.allclose(moved, weights)


# The hierarchy


NESTED_LENGTHS = ((5, 3), (7,), (2, 1, 11, 3))  # words of each sentence of each document


@pytest.fixture
def pages():
    set_seed(1)
    return [[torch.randint(4, N_WORDS, (length,)) for length in lengths] for lengths in NESTED_LENGTHS]


def level_by_hand(level, rows):
    """One sequence, without padding: nn.GRU in each direction, then equations 5 to 7 of Yang et al., word for word."""
    ahead, back = level.ahead(rows[None])[0][0], level.back(rows.flip(0)[None])[0][0].flip(0)
    states, score = torch.cat([ahead, back], dim=-1), level.pool.score
    exponentials = torch.stack([torch.exp(torch.tanh(score.project_keys(state)) @ score.query) for state in states])
    weights = exponentials / exponentials.sum()
    return weights @ states, weights


def test_the_hierarchy_is_a_loop_over_documents_and_their_sentences(lecture, pages):
    model = hierarchical(lecture)
    logits, weights = model(model.collate(pages))
    for row, box, document in zip(logits, weights, pages, strict=True):
        read = [level_by_hand(model.words, model.embedding(sentence)) for sentence in document]
        vector, of_sentences = level_by_hand(model.sentences, torch.stack([vector for vector, _ in read]))
        torch.testing.assert_close(row, model.classify(vector))
        for words, (_, of_words), of_sentence in zip(box, read, of_sentences, strict=False):
            torch.testing.assert_close(words[: len(of_words)], of_sentence * of_words)


def test_padding_of_words_and_of_sentences_never_changes_an_answer(lecture, pages):
    model, box = hierarchical(lecture), lecture.pad_documents(pages)
    n_documents, n_sentences, n_words = box.ids.shape
    logits, weights = model(box)
    for filler in (Vocabulary.pad, 17):
        ids = torch.full((n_documents, n_sentences + 3, n_words + 5), filler)
        mask = torch.zeros(ids.shape, dtype=torch.bool)
        ids[:, :n_sentences, :n_words] = torch.where(box.mask, box.ids, filler)
        mask[:, :n_sentences, :n_words] = box.mask
        wider_logits, wider_weights = model(lecture.Pages(ids, mask))
        torch.testing.assert_close(wider_logits, logits)
        torch.testing.assert_close(wider_weights[:, :n_sentences, :n_words], weights)
        assert (wider_weights[~mask] == 0).all()


def test_sentences_without_words_change_nothing_wherever_they_stand(lecture, pages):
    model, nothing = hierarchical(lecture), torch.tensor([], dtype=torch.long)
    logits, _ = model(lecture.pad_documents(pages))
    with_holes = [[nothing, *document[:1], nothing, nothing, *document[1:]] for document in pages]
    torch.testing.assert_close(model(lecture.pad_documents(with_holes))[0], logits)


def test_a_sentence_without_words_is_the_zero_vector(lecture, pages):
    model, box = hierarchical(lecture), lecture.pad_documents(pages)
    vectors, weights = model.sentence_vectors(box)
    without_words = ~box.mask.any(dim=-1)
    assert without_words.any()
    assert (vectors[without_words] == 0).all()
    assert (weights[without_words] == 0).all()


@pytest.mark.parametrize("alone", [True, False])
def test_a_document_without_sentences_gets_only_the_bias_and_a_finite_gradient(lecture, pages, alone):
    model = hierarchical(lecture)
    logits, weights = model(lecture.pad_documents([[]] if alone else [*pages, []]))
    torch.testing.assert_close(logits[-1], model.classify.bias)
    assert (weights[-1] == 0).all()
    logits.square().sum().backward()
    assert all(p.grad is None or torch.isfinite(p.grad).all() for p in model.parameters())


def test_shuffling_both_levels_keeps_zero_where_nothing_is(lecture, experiment, pages):
    model, box = hierarchical(lecture), lecture.pad_documents(pages)
    blind = experiment.shuffled(model.words.pool, seed=0), experiment.shuffled(model.sentences.pool, seed=0)
    _, weights = model(box, blind)
    assert (weights[~box.mask] == 0).all()
    torch.testing.assert_close(weights.sum(dim=(1, 2)), torch.ones(len(pages)))
    assert not torch.allclose(weights, model(box)[1])


def test_hn_ave_gives_every_sentence_the_same_weight_and_within_it_every_word(lecture, experiment, pages):
    corpus = tiny_corpus(lecture)
    set_seed(0)
    model = experiment.build_hierarchy("HN-AVE", corpus).eval()
    documents = [[sentence % len(corpus.vocabulary) for sentence in document] for document in pages]
    _, weights = model(model.collate(documents))
    for box, lengths in zip(weights, NESTED_LENGTHS, strict=True):
        for row, length in zip(box, lengths, strict=False):
            torch.testing.assert_close(row[:length], torch.full((length,), 1 / len(lengths) / length))


def test_the_hierarchies_start_alike_and_the_control_has_as_many_parameters(lecture, experiment):
    corpus, models = tiny_corpus(lecture), {}
    for name in experiment.HIERARCHIES:
        set_seed(0)
        models[name] = experiment.build_hierarchy(name, corpus)
    size = {name: sum(p.numel() for p in model.parameters()) for name, model in models.items()}
    assert size["HAN"] == size["HN-AVE, as many parameters"] > size["HN-AVE"]
    for (name, first), (_, other) in zip(
        models["HAN"].named_parameters(), models["HN-AVE, as many parameters"].named_parameters(), strict=True
    ):
        assert torch.equal(first, other), name
    averaging = models["HN-AVE"].state_dict()
    assert all(torch.equal(averaging[name], models["HAN"].state_dict()[name]) for name in averaging)


# Data, training, prediction


def tiny_corpus(lecture):
    """Class 0 talks of one word, class 1 of another, amid words that say nothing; two sentences a document."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(60) % 2
    words = []
    for label in labels.tolist():
        filler = [f"word{i}" for i in torch.randint(0, 7, (5,), generator=generator)]
        words.append((*filler[:2], ("node", "axis")[label], *filler[2:]))
    vocabulary = Vocabulary(words)
    train, held_out = torch.arange(60).split([43, 17])
    sentences = [[vocabulary.encode(w[:2]), vocabulary.encode(w[2:])] for w in words]
    return lecture.Corpus(words, sentences, labels, train, held_out, held_out, vocabulary)


def test_documents_are_cut_without_losing_a_word_or_a_border(lecture):
    corpus = lecture.prepare(0)
    texts = lecture.load_docs(progress=False).texts
    assert any(len(words) == lecture.MAX_WORDS for words in corpus.words)
    for words, sentences, text in zip(corpus.words, corpus.sentences, texts, strict=True):
        assert words == tuple(word for sentence in text for word in sentence)[: lecture.MAX_WORDS]
        assert torch.equal(torch.cat(sentences), corpus.vocabulary.encode(words))
        assert [len(s) for s in sentences[:-1]] == [len(s) for s in text[: len(sentences) - 1]]
        assert 0 < len(sentences[-1]) <= len(text[len(sentences) - 1])


def test_words_seen_only_outside_the_training_part_stay_unknown(lecture):
    corpus = lecture.prepare(0)
    known = {word for words in lecture.pick(corpus.words, corpus.train) for word in words}
    assert set(corpus.vocabulary.words[4:]) <= known


@pytest.mark.parametrize("name", NETWORKS)
def test_predictions_come_in_the_order_of_the_documents(lecture, pages, name):
    model = hierarchical(lecture) if name == "HAN" else classifier(lecture, name)
    with torch.no_grad():  # so that documents differ plainly
        model.embedding.weight.mul_(31)
        model.classify.bias.sub_(model(model.collate(pages))[0].mean(dim=0))
    classes, weights = lecture.predict(model, pages * 131)  # several batches
    logits, box = model(model.collate(pages))
    assert len(set(logits.argmax(dim=-1).tolist())) > 1
    assert_likeliest(classes, logits.repeat(131, 1))
    assert [len(row) for row in weights] == [sum(lengths) for lengths in NESTED_LENGTHS] * 131
    torch.testing.assert_close(weights[-1], box[2][model.collate(pages).mask[2]])


@pytest.mark.parametrize("name", ["attention", "HAN"])
def test_training_repeats_with_its_seed_and_finds_the_telling_word(lecture, monkeypatch, name):
    monkeypatch.setattr(lecture, "EPOCHS", 7)
    monkeypatch.setattr(lecture, "BATCH_SIZE", 7)
    corpus = tiny_corpus(lecture)
    first, second = (lecture.train(corpus, name, seed=5) for _ in range(2))
    for ours, again in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(ours, again)
    assert lecture.accuracy(first, corpus, corpus.test) == 1
    _, weights = lecture.predict(first, corpus.sentences)
    assert torch.stack([row[2] for row in weights]).mean() > 1 / 6


def test_counting_words_finds_the_telling_word_unless_the_labels_are_shuffled(lecture, experiment):
    corpus = tiny_corpus(lecture)
    test, labels = lecture.pick(corpus.words, corpus.test), corpus.labels[corpus.test].numpy()
    assert lecture.train_tfidf(corpus).score(test, labels) == 1
    blind = experiment.with_shuffled_labels(corpus, seed=0)
    assert torch.equal(blind.labels.sort().values, corpus.labels.sort().values)
    assert lecture.train_tfidf(blind).score(test, labels) < 0.9


def test_all_poolings_start_from_the_same_weights_and_all_networks_see_the_same_batches(lecture, monkeypatch):
    corpus, embeddings, orders = tiny_corpus(lecture), [], []

    def look(model, batch_loss, batches, *args, **kwargs):
        embeddings.append(model.embedding.weight.clone())
        orders.append([labels.tolist() for _, labels in batches()])

    monkeypatch.setattr(lecture, "fit", look)
    for name in (*POOLINGS, "HAN"):
        lecture.train(corpus, name, seed=5)
    assert all(torch.equal(embedding, embeddings[0]) for embedding in embeddings[:-1])
    assert all(order == orders[0] for order in orders)


# Measuring


def test_each_document_is_counted_in_the_group_of_its_length(lecture, experiment):
    lengths = (39, 40, 89, 90, 120)
    corpus = tiny_corpus(lecture)._replace(words=[("word",) * n for n in lengths], test=torch.arange(5))
    result = experiment.by_length(torch.tensor([True, True, False, False, False]), corpus)
    assert result["accuracy by length"] == [1, 0.5, 0]
    assert result["accuracy, 90 words or more"] == 0
    assert result["accuracy"] == pytest.approx(0.4)


def test_random_borders_keep_the_words_and_the_number_of_sentences(lecture, experiment, pages):
    corpus = tiny_corpus(lecture)._replace(sentences=pages * 7)
    moved = experiment.with_random_borders(corpus, seed=0).sentences
    again = experiment.with_random_borders(corpus, seed=0).sentences
    for before, after, same in zip(corpus.sentences, moved, again, strict=True):
        assert torch.equal(torch.cat(after), torch.cat(before))
        assert len(after) == len(before)
        assert all(len(sentence) for sentence in after)
        assert [len(s) for s in after] == [len(s) for s in same]
    assert any([len(s) for s in a] != [len(s) for s in b] for a, b in zip(corpus.sentences, moved, strict=True))


def test_variants_are_trained_as_the_lecture_trains(lecture, experiment, monkeypatch):
    monkeypatch.setattr(lecture, "EPOCHS", 2)
    monkeypatch.setattr(experiment, "EPOCHS", 2)
    monkeypatch.setattr(lecture, "BATCH_SIZE", 7)
    monkeypatch.setattr(experiment, "BATCH_SIZE", 7)
    corpus = tiny_corpus(lecture)
    for name in ("attention", "HAN"):
        ours = experiment.train_variant(corpus, lecture.build, name, seed=5)
        for one, other in zip(ours.parameters(), lecture.train(corpus, name, seed=5).parameters(), strict=True):
            torch.testing.assert_close(one, other)


def test_variants_start_from_the_numbers_of_the_network_that_they_change(lecture, experiment):
    corpus = tiny_corpus(lecture)

    def built(build, name):
        set_seed(5)
        return build(name, corpus).state_dict()

    whole = built(lecture.build, "attention")
    for name in experiment.VARIANTS:
        weights = built(experiment.build_variant, name)
        assert weights.keys() <= whole.keys()
        assert all(torch.equal(weights[key], whole[key]) for key in weights)
        if name == "mean, as many parameters":
            assert weights.keys() == whole.keys()


def test_the_control_averages_its_layer_over_the_real_words_and_learns_with_all_its_parameters(
    lecture, experiment, boxed
):
    states, mask = boxed
    pool = experiment.MeanOfLayer(lecture.ContextScore(2 * lecture.D_HIDDEN, lecture.D_ATTENTION))
    context, weights = pool(states, mask)
    for row, each, rows, length in zip(context, weights, states, LENGTHS, strict=True):
        layer = [k + pool.score.query * torch.tanh(pool.score.project_keys(k)) for k in rows[:length]]
        torch.testing.assert_close(row[0], torch.stack(layer).mean(dim=0))
        torch.testing.assert_close(each[0, :length], torch.full((length,), 1 / length))
        assert (each[0, length:] == 0).all()
    context.sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in pool.parameters())


def test_a_frozen_query_stays_where_it_was_while_its_projection_learns(lecture, experiment, monkeypatch):
    monkeypatch.setattr(experiment, "EPOCHS", 1)
    corpus, name = tiny_corpus(lecture), "attention, query frozen"
    set_seed(5)
    start = experiment.build_variant(name, corpus).read.pool.score.state_dict()
    after = experiment.train_variant(corpus, experiment.build_variant, name, seed=5).read.pool.score.state_dict()
    assert torch.equal(after["query"], start["query"])
    assert not torch.allclose(after["project_keys.weight"], start["project_keys.weight"])


@pytest.mark.parametrize("name", ["embeddings, learned query", "embeddings, mean"])
def test_without_a_gru_a_document_is_the_pool_of_its_embeddings(lecture, experiment, name):
    corpus = tiny_corpus(lecture)
    set_seed(5)
    model = experiment.build_variant(name, corpus).eval()
    document = corpus.sentences[0]
    words = model.embedding(torch.cat(document))
    weights = torch.full((len(words),), 1 / len(words))
    if "query" in name:
        weights = model.read.pool.score(words[None], model.read.pool.score.queries(1))[0, 0].softmax(dim=0)
    logits, shown = model(model.collate([document]))
    torch.testing.assert_close(shown[0], weights)
    torch.testing.assert_close(logits[0], model.classify(weights @ words))
    assert not [part for part in model.modules() if isinstance(part, nn.GRU)]


def test_counting_with_the_networks_vocabulary_reads_what_they_read(lecture, experiment):
    corpus = tiny_corpus(lecture)
    unknown = [[torch.full((3,), Vocabulary.unk), torch.tensor([4, 5])], *corpus.sentences[1:]]
    known = experiment.with_known_words(corpus._replace(sentences=unknown))
    assert known.words[0] == (Vocabulary.unk,) * 3 + (4, 5)
    test, labels = lecture.pick(known.words, corpus.test), corpus.labels[corpus.test].numpy()
    assert lecture.train_tfidf(known).score(test, labels) == 1


def test_every_pooling_is_scored_on_the_true_labels(lecture, experiment, monkeypatch):
    for module in (lecture, experiment):
        monkeypatch.setattr(module, "EPOCHS", 1)
        monkeypatch.setattr(module, "BATCH_SIZE", 7)
    corpus = tiny_corpus(lecture)
    corpus = corpus._replace(test=corpus.test[:11])
    monkeypatch.setattr(experiment, "prepare", lambda seed: corpus)
    results = experiment.compare_poolings(5)
    counted = {"TF-IDF", "TF-IDF, same vocabulary", "TF-IDF, labels shuffled"}
    assert set(results) == {*experiment.POOLINGS, *experiment.VARIANTS, "attention, weights shuffled"} | counted
    for name in experiment.POOLINGS:
        model = lecture.train(corpus, name, seed=5)
        assert results[name]["accuracy"] == pytest.approx(lecture.accuracy(model, corpus, corpus.test))
    for name in experiment.VARIANTS:
        model = experiment.train_variant(corpus, experiment.build_variant, name, seed=5)
        assert results[name]["accuracy"] == pytest.approx(lecture.accuracy(model, corpus, corpus.test))
    assert results["TF-IDF"]["accuracy"] == results["TF-IDF, same vocabulary"]["accuracy"] == 1


def test_concentration_is_zero_for_equal_weights_one_for_a_single_word_and_scipy_s_between(experiment):
    assert experiment.concentration([torch.full((7,), 1 / 7)]) == pytest.approx(0, abs=1e-6)
    assert experiment.concentration([torch.tensor([0.0, 1.0, 0.0]), torch.ones(1)]) == pytest.approx(1)
    weights = torch.rand(11).softmax(dim=0)
    expected = 1 - entropy(weights.numpy(), base=11)
    assert experiment.concentration([weights]) == pytest.approx(expected, abs=1e-5)


def test_weight_on_content_words_leaves_out_function_words(experiment):
    documents = [("the", "matrix", "of", "a", "graph"), ("which", "node")]
    weights = [torch.tensor([0.1, 0.2, 0.3, 0.1, 0.3]), torch.tensor([0.4, 0.6])]
    assert experiment.on_content(weights, documents) == pytest.approx((0.5 + 0.6) / 2)


@pytest.mark.parametrize("share", [0.05, 0.1, 0.5])
def test_deleting_takes_the_first_of_the_ranking_and_keeps_the_order_of_both_parts(experiment, share):
    weights = torch.randperm(17, generator=torch.Generator().manual_seed(0)) / 17
    (ranking,) = experiment.descending([weights])
    gone, kept = experiment.cut(ranking, share)
    assert len(gone) == math.ceil(share * 17)
    assert sorted([*gone.tolist(), *kept.tolist()]) == list(range(17))
    assert (kept.diff() > 0).all()
    assert (gone.diff() > 0).all()
    assert weights[kept].max() < weights[gone].min()


def untrained(lecture, corpus, seed):
    set_seed(seed)
    model = lecture.build("attention", corpus).eval()
    with torch.no_grad():  # so that words differ plainly
        model.embedding.weight.mul_(31)
        model.read.pool.score.query.mul_(31)
    return model


def some_rankings(lecture, experiment, seed):
    corpus = tiny_corpus(lecture)
    models = [untrained(lecture, corpus, start) for start in (7, 8, 9)]
    torch.seed()  # rankings have a generator of their own
    return experiment.rankings(models, corpus, seed), models, corpus


def test_every_ranking_names_each_word_once_and_begins_with_what_it_is_named_after(lecture, experiment):
    ranked, models, corpus = some_rankings(lecture, experiment, seed=3)
    assert set(experiment.CURVES) <= set(ranked)
    assert all(len(ranking) == len(corpus.test) for ranking in ranked.values())
    for ranking in ranked.values():
        assert all(sorted(row.tolist()) == list(range(6)) for row in ranking)
    test = lecture.pick(corpus.sentences, corpus.test)
    for name, model in zip(("top-attended", "twin's", "another twin's"), models, strict=True):
        weights = lecture.predict(model, test)[1]
        assert all(w[row[0]] == w.max() for row, w in zip(ranked[name], weights, strict=True))
    for top, least in zip(ranked["top-attended"], ranked["least-attended"], strict=True):
        assert torch.equal(top, least.flip(0))


@pytest.mark.parametrize("name", ["random", "as rare"])
def test_opponents_repeat_with_the_seed_and_differ_between_draws(lecture, experiment, name):
    (first, *_), (again, *_) = (some_rankings(lecture, experiment, seed=3) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first[name], again[name], strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(first[name], first[f"{name} again"], strict=True))


def test_gradient_times_input_adds_up_to_what_the_logit_gains_when_all_embeddings_grow(lecture, experiment, documents):
    model = classifier(lecture, "attention").double()
    with torch.no_grad():
        model.embedding.weight.mul_(7)
    scores = experiment.gradient_times_input(model, documents)
    step = 1e-5
    for row, (sentence,) in zip(scores, documents, strict=True):
        assert len(row) == len(sentence)
        words, mask = model.embedding(sentence)[None], torch.ones(1, len(sentence), dtype=torch.bool)
        more, less = (model.classify(model.read(words * (1 + s), mask)[0])[0] for s in (step, -step))
        decided = model.classify(model.read(words, mask)[0])[0].argmax()
        torch.testing.assert_close(row.sum(), (more - less)[decided] / (2 * step), atol=1e-5, rtol=1e-3)


def test_leaving_one_word_out_costs_the_decided_class_what_its_document_without_the_word_says(
    lecture, experiment, documents
):
    model = classifier(lecture, "attention")
    scores = experiment.leave_one_out(model, [sentence for (sentence,) in documents])
    for row, (sentence,) in zip(scores, documents, strict=True):
        whole = model(model.collate([[sentence]]))[0].softmax(dim=-1)[0]
        for i, lost in enumerate(row):
            rest = torch.cat([sentence[:i], sentence[i + 1 :]])
            left = model(model.collate([[rest]]))[0].softmax(dim=-1)[0]
            torch.testing.assert_close(lost, whole.max() - left[whole.argmax()], atol=1e-5, rtol=1e-3)


def test_opponents_are_as_rare_as_the_deleted_words_and_never_copies_of_them(experiment, monkeypatch):
    monkeypatch.setattr(experiment, "NEAREST", 1)
    sequence = torch.tensor([10, 4, 5, 10, 11, 6, 7, 8, 9, 12, 13])  # word 10 stands at 0 and 3
    frequency = torch.tensor([0.0] * 4 + [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.01, 0.03, 0.3, 0.001])
    ranking = torch.tensor([0, 2, 1, 3, 4, 5, 6, 7, 8, 9, 10])
    result = experiment.matched(sequence, ranking, frequency, torch.Generator().manual_seed(0))
    assert sorted(result.tolist()) == list(range(11))
    assert result[:2].tolist() == [4, 1]  # 0.03 for 0.01, nearer than 0.001 as a ratio; 0.9 for 0.8


def test_document_frequency_counts_documents_not_words(lecture, experiment):
    corpus = tiny_corpus(lecture)
    frequency = experiment.document_frequency(corpus)
    for word in ("node", "word3"):
        holding = sum(word in corpus.words[i] for i in corpus.train.tolist())
        assert frequency[corpus.vocabulary.encode([word])[0]] == pytest.approx(holding / len(corpus.train))


def test_the_telling_word_is_missed_when_it_is_deleted_and_enough_when_it_is_kept(lecture, experiment, monkeypatch):
    corpus = tiny_corpus(lecture)
    node, axis = (corpus.vocabulary.encode([word])[0] for word in ("node", "axis"))

    class Oracle(nn.Module):
        def collate(self, documents):
            return pad([torch.cat(sentences) for sentences in documents])

        def forward(self, batch, pool=None):
            found = torch.stack([(batch.ids == word).any(dim=1) for word in (node, axis)], dim=1)
            return found.float(), batch.mask.float()

    orders = {
        "top-attended": [2, 0, 1, 3, 4, 5],  # the third word of each document tells
        "least-attended": [0, 1, 3, 4, 5, 2],
        "random": [1, 2, 0, 3, 4, 5],
    }
    monkeypatch.setattr(experiment, "CURVES", tuple(orders))
    ranked = {name: [torch.tensor(order)] * len(corpus.test) for name, order in orders.items()}
    tfidf = lecture.train_tfidf(corpus)
    results = experiment.deletion_test(Oracle(), tfidf, corpus, ranked)
    axis_documents = corpus.labels[corpus.test].float().mean().item()  # without its word each looks like class 0
    sure = math.e / (1 + math.e)  # the probability that its word gives a class
    top, least = results["top-attended"], results["least-attended"]
    assert top["decisions changed"] == pytest.approx(axis_documents)
    assert top["probability lost"] == pytest.approx(sure - 0.5)
    assert (top["decisions kept"], top["probability lost, others deleted"]) == pytest.approx((1, 0))
    assert (least["decisions changed"], least["probability lost"]) == pytest.approx((0, 0))
    assert least["decisions kept"] == pytest.approx(1 - axis_documents)
    assert least["probability lost, others deleted"] == pytest.approx(sure - 0.5)
    test = lecture.pick(corpus.words, corpus.test)
    changed = (tfidf.predict([words[:2] + words[3:] for words in test]) != tfidf.predict(test)).mean()
    assert 0.2 < changed < 1
    assert top["decisions of TF-IDF changed"] == pytest.approx(changed)
    assert least["decisions of TF-IDF changed"] == 0
    for name, shared in [("top-attended", 1), ("least-attended", 0), ("random", 0)]:
        assert results[name]["shared with its own"] == shared
    n_words = [math.ceil(share * 6) for share in experiment.SHARES]
    assert results["random"]["decisions changed by share"] == pytest.approx(
        [axis_documents if n > 1 else 0 for n in n_words]
    )
    assert results["random"]["decisions kept by share"] == pytest.approx(
        [1 if n > 1 else 1 - axis_documents for n in n_words]
    )
    frequency = experiment.document_frequency(corpus)
    first = torch.stack([torch.cat(corpus.sentences[i])[0] for i in corpus.test])
    assert least["document frequency"] == pytest.approx(frequency[first].mean().item())


# Film reviews, long and Korean


def folded_reviews(per_fold=3):
    """Reviews of two sentences that tell their fold and class, three of each class in each fold."""
    rows = [(fold, label, i) for label in (0, 1) for fold in range(10) for i in range(per_fold)]
    texts = tuple(f"plot plot{fold} of{i}\nverdict{label} fold{fold} end" for fold, label, i in rows)
    folds = tuple(str(fold) for fold, _, _ in rows)
    return LabelledDocuments(texts, tuple(label for _, label, _ in rows), ("negative", "positive"), folds)


def korean_reviews():
    """Reviews in which 31, 5 and 13 are for training, validation and test; class 1 likes, class 0 does not."""
    nouns, particles = ("영화", "음악", "배우", "이야기", "결말"), ("가", "는", "를", "도")
    rows = [(part, i) for part, n in (("train", 31), ("val", 5), ("test", 13)) for i in range(n)]
    texts = [f"{nouns[i % 5]}{particles[i % 4]} {('싫다', '좋다')[i % 2]}{'!' * (i % 3)} {part}" for part, i in rows]
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0)).tolist()  # parts need no order
    rows, texts = [rows[i] for i in order], [texts[i] for i in order]
    split, labels = tuple(part for part, _ in rows), tuple(i % 2 for _, i in rows)
    return LabelledDocuments(tuple(texts), labels, ("negative", "positive"), split)


@pytest.fixture
def korean(experiment, monkeypatch):
    monkeypatch.setattr(experiment, "load_documents", lambda name, progress: korean_reviews())
    monkeypatch.setattr(experiment, "N_TRAIN", 17)
    monkeypatch.setattr(experiment, "N_PIECES", 50)
    return experiment


@pytest.mark.parametrize("n_words", [1, 3, 7, 11, 17, 23, math.inf])
def test_the_end_of_a_review_is_its_last_words_with_their_borders(experiment, n_words):
    words = [str(i) for i in range(19)]
    text = [tuple(words[:5]), tuple(words[5:7]), (), tuple(words[7:18]), tuple(words[18:])]
    kept = experiment.ending(text, n_words)
    assert [word for sentence in kept for word in sentence] == words[-min(n_words, 19) :]
    assert all(kept)
    for sentence, whole in zip(kept[::-1], [text[4], text[3], text[1], text[0]], strict=False):
        assert sentence == whole[-len(sentence) :]
    assert [len(s) for s in kept[1:]] == [len(s) for s in text if s][len(text) - 1 - len(kept[1:]) :]


@pytest.mark.parametrize("seed", [0, 3, 8, 9, 12])
def test_a_seed_gives_one_fold_to_the_test_the_next_to_validation_and_eight_to_training(
    lecture, experiment, monkeypatch, seed
):
    monkeypatch.setattr(experiment, "load_documents", lambda name, progress: folded_reviews())
    corpus = experiment.prepare_reviews(seed, 4)
    for rows, expected in [
        (corpus.test, {seed % 10}),
        (corpus.val, {(seed + 1) % 10}),
        (corpus.train, set(range(10)) - {seed % 10, (seed + 1) % 10}),
    ]:
        told = lecture.pick(corpus.words, rows.tolist())
        assert {words[2] for words in told} == {f"fold{fold}" for fold in expected}
        assert [words[1] for words in told] == [f"verdict{label}" for label in corpus.labels[rows].tolist()]
    assert len(torch.cat([corpus.train, corpus.val, corpus.test]).unique()) == len(corpus.words) == 60
    assert not {f"fold{seed % 10}", f"fold{(seed + 1) % 10}"} & set(corpus.vocabulary.words)
    assert [len(sentence) for sentence in corpus.sentences[0]] == [1, 3]


def test_pieces_are_learned_from_the_drawn_training_reviews_alone(korean, monkeypatch):
    learn, heard = korean.learn_subwords, []
    monkeypatch.setattr(korean, "learn_subwords", lambda texts, n: heard.append(texts) or learn(texts, n))
    reviews = korean_reviews()
    training = {text for text, part in zip(reviews.texts, reviews.split, strict=True) if part == "train"}
    drawn = []
    for seed in (0, 1):
        korean.prepare_nsmc(seed, subwords=True)
        assert len(heard[seed]) == 17
        drawn.append(set(heard[seed]))
        assert drawn[seed] <= training
    assert drawn[0] != drawn[1]


@pytest.mark.parametrize("subwords", [True, False])
def test_korean_reviews_keep_their_parts_and_their_labels(korean, subwords):
    corpus = korean.prepare_nsmc(3, subwords)
    for name, size in (("train", 17), ("val", 5), ("test", 13)):
        rows = getattr(corpus, name).tolist()
        assert len(rows) == size
        for words, label in zip(korean.pick(corpus.words, rows), corpus.labels[rows].tolist(), strict=True):
            text = "".join(words).replace("▁", "")
            assert name in text
            assert ("싫다", "좋다")[label] in text
    assert len(corpus.words) == 35
    known = {word for words in korean.pick(corpus.words, corpus.train.tolist()) for word in words}
    assert set(corpus.vocabulary.words[4:]) <= known


def test_learning_pieces_twice_gives_the_same_pieces_and_a_new_form_shows_its_noun(experiment):
    texts = korean_reviews().texts
    first, again = (experiment.learn_subwords(texts, 50) for _ in range(2))
    assert [first(text) for text in texts] == [again(text) for text in texts]
    new = first("영화만")
    assert "".join(new) == "▁영화만"
    assert new[0] == "▁영화"
    assert first("") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("good", ["good"]),
        ("good... but long!? no", ["good...", " but long!?", " no"]),
        ("!!! ", ["!!!"]),
        ("so~good", ["so~", "good"]),
    ],
)
def test_a_phrase_ends_after_a_run_of_punctuation(experiment, text, expected):
    assert experiment.phrases(text) == expected


def test_with_one_sentence_the_hierarchy_is_flat_attention_and_its_second_query_learns_nothing(lecture):
    model, sentence = hierarchical(lecture), torch.arange(4, 11)
    box = model.collate([[sentence]])
    logits, weights = model(box)
    _, of_words = model.sentence_vectors(box)
    torch.testing.assert_close(weights, of_words)
    nn.functional.cross_entropy(logits, torch.tensor([1])).backward()
    assert model.words.pool.score.query.grad.abs().sum() > 0
    assert model.sentences.pool.score.query.grad.abs().max() < 1e-6


def test_unknown_counts_the_words_of_the_test_that_training_does_not_know(lecture, experiment):
    corpus = tiny_corpus(lecture)
    strange = [torch.tensor([4, Vocabulary.unk, 5]), torch.tensor([], dtype=torch.long), torch.tensor([6, 4])]
    corpus = corpus._replace(sentences=[strange, [], [torch.full((31,), Vocabulary.unk)]], test=torch.tensor([0, 1]))
    assert experiment.unknown(corpus)["unknown in the test"] == pytest.approx(1 / 5)


def test_the_comparison_scores_every_condition_on_the_true_labels_of_the_test(lecture, experiment, monkeypatch):
    monkeypatch.setattr(lecture, "EPOCHS", 1)
    monkeypatch.setattr(lecture, "BATCH_SIZE", 7)
    corpus = tiny_corpus(lecture)
    corpus = corpus._replace(test=corpus.test[:11])
    results = experiment.compare_models(corpus, seed=5)
    blind = ("attention, weights shuffled", "HAN, weights shuffled")
    assert set(results) == {*NETWORKS, *blind, "TF-IDF", "TF-IDF, labels shuffled"}
    for name in NETWORKS:
        model = lecture.train(corpus, name, seed=5)
        assert results[name]["accuracy"] == lecture.accuracy(model, corpus, corpus.test)
    assert results["TF-IDF"]["accuracy"] == 1
    wrong = corpus._replace(labels=1 - corpus.labels)  # taught the opposite, judged by the truth
    assert experiment.by_counts(wrong, corpus)["accuracy"] == 0


def test_only_tf_idf_reads_whole_reviews(experiment, monkeypatch):
    monkeypatch.setattr(experiment, "load_documents", lambda name, progress: folded_reviews())
    monkeypatch.setattr(experiment, "REVIEW_WORDS", 4)
    networks, counted = [], []
    model = SimpleNamespace(read=SimpleNamespace(pool=None))
    monkeypatch.setattr(experiment, "train", lambda corpus, name, seed: networks.append(corpus) or model)
    monkeypatch.setattr(experiment, "train_variant", lambda corpus, *_: networks.append(corpus) or model)
    monkeypatch.setattr(experiment, "shuffled", lambda pool, seed: pool)
    monkeypatch.setattr(experiment, "predict", lambda model, test, *pool: (torch.zeros(len(test)), None))
    monkeypatch.setattr(experiment, "by_counts", lambda taught, corpus: counted.append((taught, corpus)))
    assert {"attention", "mean", "TF-IDF", "TF-IDF, whole reviews"} < set(experiment.compare_on_reviews(2))
    assert all({len(words) for words in corpus.words} == {4} for corpus in networks)
    read = [[{len(words) for words in corpus.words} for corpus in pair] for pair in counted]
    assert read == [[{4}, {4}], [{6}, {6}]]


def test_whole_words_and_pieces_are_counted_and_missed_each_on_its_own_texts(korean, monkeypatch):
    monkeypatch.setattr(korean, "compare_models", lambda corpus, seed: {"TF-IDF": korean.by_counts(corpus, corpus)})
    monkeypatch.setattr(
        korean, "by_counts", lambda taught, corpus: {"sizes": [len(c.vocabulary) for c in (taught, corpus)]}
    )
    results = korean.compare_on_nsmc(0)
    corpora = [korean.prepare_nsmc(0, subwords) for subwords in (True, False)]
    expected = [{"sizes": 2 * [len(corpus.vocabulary)]} | korean.unknown(corpus) for corpus in corpora]
    assert results == dict(zip(("TF-IDF", "TF-IDF, whole words"), expected, strict=True))
    assert expected[0]["sizes"] != expected[1]["sizes"]
    assert expected[0]["unknown in the test"] != expected[1]["unknown in the test"]


@needs("movie_reviews")
def test_the_tested_fold_has_a_hundred_reviews_of_each_class_and_no_review_is_longer_than_its_cut(experiment):
    corpus = experiment.prepare_reviews(3, experiment.REVIEW_WORDS)
    assert torch.bincount(corpus.labels[corpus.test]).tolist() == [100, 100]
    assert [len(part) for part in (corpus.train, corpus.val, corpus.test)] == [1600, 200, 200]
    assert max(map(len, corpus.words)) == experiment.REVIEW_WORDS
    assert sum(len(words) == experiment.REVIEW_WORDS for words in corpus.words) > 1800


def corrected(differences: np.ndarray, ratio: float) -> np.ndarray:
    """Give the bounds of a mean over splits that overlap (Nadeau & Bengio 2003); ratio: tested to trained on."""
    n_seeds = len(differences)
    half = stats.t.ppf(0.975, n_seeds - 1) * differences.std(ddof=1) * math.sqrt(1 / n_seeds + ratio)
    return differences.mean() + np.array([-half, half])


ON_DOCS = ("03_document_models", "03_deletion", "03_hierarchy")
TESTED_TO_TRAINED = 623 / 2185


def test_two_verdicts_on_docs_do_not_survive_that_its_splits_overlap():
    changed = set()
    for record in map(stored, ON_DOCS):
        for claim in record.claims:
            word = record.verdict(claim).word
            values = [record.of(name, claim.metric) for name in (claim.treatment, claim.baseline, claim.control)]
            (low, high), (low_over, high_over) = (
                corrected(values[0] - other, TESTED_TO_TRAINED) for other in values[1:]
            )
            holds, fails = min(low, low_over) > claim.at_least, min(high, high_over) < claim.at_least
            if (word == "holds" and not holds) or (word == "does not hold" and not fails):
                changed.add((record.name, claim.treatment, claim.baseline))
    assert changed == {("03_deletion", "top-attended", "twin's"), ("03_hierarchy", "HAN", "attention")}


def test_overlap_widens_the_intervals_on_docs_by_the_factors_that_lecture_and_experiment_tell():
    seeds = sorted(len(stored(name).seeds) for name in ON_DOCS)
    assert seeds == [5, 10, 20]
    five, ten, twenty = (f"{math.sqrt(1 + n_seeds * TESTED_TO_TRAINED):.1f} times" for n_seeds in seeds)
    taught, measured = (" ".join(markdown(f"{folder}03_document_attention").split()) for folder in ("", "experiments/"))
    assert f"are {five.removesuffix(' times')} to {twenty} as wide" in taught
    assert f"are {five} as wide for five seeds, {ten} for ten and {twenty} for twenty" in measured
