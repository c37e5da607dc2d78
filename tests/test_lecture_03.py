"""Lecture 03: its score is the package's, its poolings are what they say, and padding is never read."""

import math

import pytest
import torch
from scipy.stats import entropy
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


NESTED_LENGTHS = ((5, 3), (7,), (2, 1, 11, 3))  # words of each sentence of each document


@pytest.fixture
def pages():
    set_seed(1)
    return [[torch.randint(4, N_WORDS, (length,)) for length in lengths] for lengths in NESTED_LENGTHS]


def hierarchical(lecture, seed=0):
    set_seed(seed)
    model = lecture.HierarchicalAttention(N_WORDS, N_CLASSES).eval()
    with torch.no_grad():  # so that weights differ plainly
        model.words.pool.score.query.mul_(31)
        model.sentences.pool.score.query.mul_(31)
    return model


def level_by_hand(level, rows):
    """One sequence, without padding: nn.GRU, then equations 5 to 7 of Yang et al., word for word."""
    states = level.gru(rows[None])[0][0]
    score = level.pool.score
    exponentials = [torch.exp(torch.tanh(score.project_keys(state)) @ score.query) for state in states]
    return sum(e / sum(exponentials) * state for e, state in zip(exponentials, states, strict=True))


def test_the_hierarchy_is_a_loop_over_documents_and_their_sentences(lecture, pages):
    model = hierarchical(lecture)
    logits, _ = model(lecture.pad_documents(pages))
    for row, document in zip(logits, pages, strict=True):
        sentences = torch.stack([level_by_hand(model.words, model.embedding(sentence)) for sentence in document])
        expected = model.classify(level_by_hand(model.sentences, sentences))
        torch.testing.assert_close(row, expected)


def test_a_sentence_s_vector_is_what_the_flat_model_makes_of_it(lecture, pages):
    model, flat = hierarchical(lecture), classifier(lecture, "attention")
    flat.embedding, flat.gru, flat.pool = model.embedding, model.words.gru, model.words.pool
    vectors, weights = model.sentence_vectors(lecture.pad_documents(pages))
    for document, rows, row_weights in zip(pages, vectors, weights, strict=True):
        batch = pad(document)
        context, expected = flat.pool(flat.states(batch), batch.mask)
        torch.testing.assert_close(rows[: len(document)], context[:, 0])
        torch.testing.assert_close(row_weights[: len(document), : expected.shape[-1]], expected[:, 0])


def test_padding_of_words_and_of_sentences_never_changes_an_answer(lecture, pages):
    model, box = hierarchical(lecture), lecture.pad_documents(pages)
    n_documents, n_sentences, n_words = box.ids.shape
    logits, (of_words, of_sentences) = model(box)
    for filler in (Vocabulary.pad, 17):
        ids = torch.full((n_documents, n_sentences + 3, n_words + 5), filler)
        mask = torch.zeros(ids.shape, dtype=torch.bool)
        ids[:, :n_sentences, :n_words] = torch.where(box.mask, box.ids, filler)
        mask[:, :n_sentences, :n_words] = box.mask
        wider_logits, (wider_words, wider_sentences) = model(lecture.Pages(ids, mask))
        torch.testing.assert_close(wider_logits, logits)
        torch.testing.assert_close(wider_words[:, :n_sentences, :n_words], of_words)
        torch.testing.assert_close(wider_sentences[:, :n_sentences], of_sentences)
        assert (wider_words[~mask] == 0).all()
        assert (wider_sentences[~mask.any(dim=-1)] == 0).all()


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
    documents = [[]] if alone else [*pages, []]
    logits, (of_words, of_sentences) = model(lecture.pad_documents(documents))
    assert torch.equal(logits[-1], model.classify.bias)
    assert (of_words[-1] == 0).all()
    assert (of_sentences[-1] == 0).all()
    logits.square().sum().backward()
    assert all(p.grad is None or torch.isfinite(p.grad).all() for p in model.parameters())


def test_the_maximum_is_torch_s_over_the_real_states(lecture):
    set_seed(0)
    states, mask = torch.randn(5, 11, 14) - 3, torch.arange(11) < torch.tensor(LENGTHS)[:, None]  # zeros would win
    top, share = lecture.max_state(states, mask)
    expected = torch.stack([rows[:length].amax(dim=0) for rows, length in zip(states, LENGTHS, strict=True)])
    assert torch.equal(top[:, 0], expected)
    torch.testing.assert_close(share.sum(dim=-1), torch.ones(5, 1))
    assert (share[:, 0][~mask] == 0).all()


def test_a_maximum_over_nothing_is_zero_and_its_gradient_finite(lecture):
    states = torch.randn(3, 7, 5, requires_grad=True)
    top, share = lecture.max_state(states, torch.zeros(3, 7, dtype=torch.bool))
    assert (top == 0).all()
    assert (share == 0).all()
    top.sum().backward()
    assert (states.grad == 0).all()


def test_no_weights_of_an_average_give_the_maximum_of_the_lecture_s_example(lecture):
    states = torch.tensor([[[2.0, 1.0], [0.0, 0.0], [1.0, 3.0]]])
    top, _ = lecture.max_state(states, torch.ones(1, 3, dtype=torch.bool))
    # a direction in which the maximum lies beyond each state, so beyond each of their averages
    assert top.sum() > states.sum(dim=-1).max()


def test_sentences_put_back_their_borders_without_losing_a_word(lecture):
    corpus = lecture.prepare(0)
    nested = lecture.in_sentences(corpus)
    texts = lecture.load_docs(progress=False).texts
    for flat, sentences, text in zip(corpus.sequences, nested.sequences, texts, strict=True):
        assert torch.equal(torch.cat(sentences), flat)
        assert [len(s) for s in sentences[:-1]] == [len(s) for s in text[: len(sentences) - 1]]
        assert 0 < len(sentences[-1]) <= len(text[len(sentences) - 1])


def test_the_loop_for_any_box_trains_as_the_loop_for_words_does(lecture, monkeypatch):
    monkeypatch.setattr(lecture, "EPOCHS", 3)
    corpus = tiny_corpus(lecture)
    cut = [[row[: 3 + i % 4] for i, row in enumerate(rows)] for rows in (corpus.documents, corpus.sequences)]
    corpus = corpus._replace(documents=cut[0], sequences=cut[1])  # of different lengths
    expected = lecture.train(corpus, "last state", seed=5)
    set_seed(5)
    lecture.LearnedQuery()  # train draws its numbers first
    model = lecture.DocumentClassifier(*lecture.sizes_of(corpus), lecture.last_state)
    lecture.train_any(model, corpus, pad, seed=5)
    for ours, theirs in zip(model.parameters(), expected.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    classes, _ = lecture.predict(model, [corpus.sequences[i] for i in corpus.test])
    assert torch.equal(lecture.classes_of(model, corpus, corpus.test, pad), classes)


def in_halves(corpus):
    return corpus._replace(sequences=[[sequence[:2], sequence[2:]] for sequence in corpus.sequences])


def test_the_hierarchy_repeats_with_its_seed_and_finds_the_telling_word(lecture, monkeypatch):
    monkeypatch.setattr(lecture, "EPOCHS", 13)
    corpus = in_halves(tiny_corpus(lecture))
    first, second = (lecture.train_han(corpus, seed=5) for _ in range(2))
    for ours, again in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(ours, again)
    classes = lecture.classes_of(first, corpus, corpus.test, lecture.pad_documents)
    assert torch.equal(classes, corpus.labels[corpus.test])


def test_weights_are_read_in_the_order_of_documents_sentences_and_words(lecture, pages):
    model, positions = hierarchical(lecture), torch.tensor([2, 0])
    corpus = tiny_corpus(lecture)._replace(sequences=pages)
    words, sentences = lecture.reading(model, corpus, positions)
    assert [[len(row) for row in document] for document in words] == [list(NESTED_LENGTHS[i]) for i in (2, 0)]
    for document, row in zip(words, sentences, strict=True):
        assert len(row) == len(document)
        torch.testing.assert_close(row.sum(), torch.tensor(1.0))
        torch.testing.assert_close(torch.stack([w.sum() for w in document]), torch.ones(len(document)))
    _, (alone, _) = model(lecture.pad_documents([pages[0]]))
    torch.testing.assert_close(words[1][1], alone[0, 1, :3])


def test_shuffling_both_levels_keeps_zero_where_nothing_is(lecture, pages):
    model, box = hierarchical(lecture), lecture.pad_documents(pages)
    blind = lecture.shuffled(model.words.pool, seed=0), lecture.shuffled(model.sentences.pool, seed=0)
    _, (of_words, of_sentences) = model(box, blind)
    assert (of_words[~box.mask] == 0).all()
    torch.testing.assert_close(of_sentences.sum(dim=-1), torch.ones(len(pages)))
    assert not torch.allclose(of_words, model(box)[1][0])


def test_concentration_is_zero_for_equal_weights_one_for_a_single_word_and_scipy_s_between(lecture):
    assert lecture.concentration([torch.full((7,), 1 / 7)]) == pytest.approx(0, abs=1e-6)
    assert lecture.concentration([torch.tensor([0.0, 1.0, 0.0]), torch.ones(1)]) == pytest.approx(1)
    weights = torch.rand(11).softmax(dim=0)
    expected = 1 - entropy(weights.numpy(), base=11)
    assert lecture.concentration([weights]) == pytest.approx(expected, abs=1e-5)


def test_weight_on_content_words_leaves_out_function_words(lecture):
    documents = [("the", "matrix", "of", "a", "graph"), ("which", "node")]
    weights = [torch.tensor([0.1, 0.2, 0.3, 0.1, 0.3]), torch.tensor([0.4, 0.6])]
    assert lecture.on_content(weights, documents) == pytest.approx((0.5 + 0.6) / 2)


def test_each_document_is_counted_in_the_group_of_its_length(lecture):
    corpus = tiny_corpus(lecture)
    lengths = (39, 40, 89, 90, 120)
    corpus = corpus._replace(documents=[("word",) * n for n in lengths], test=torch.arange(5))
    result = lecture.by_length(torch.tensor([True, True, False, False, False]), corpus)
    assert result["accuracy by length"] == [1, 0.5, 0]
    assert result["accuracy, 90 words or more"] == 0
    assert result["accuracy"] == pytest.approx(0.4)


def test_opponents_are_as_rare_as_the_deleted_words_and_never_copies_of_them(lecture, monkeypatch):
    monkeypatch.setattr(lecture, "NEAREST", 1)
    sequence = torch.tensor([10, 4, 5, 10, 11, 6, 7, 8, 9, 12, 13])  # word 10 stands at 0 and 3
    frequency = torch.tensor([0.0] * 4 + [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.01, 0.03, 0.3, 0.001])
    ranking = torch.tensor([0, 2, 1, 3, 4, 5, 6, 7, 8, 9, 10])
    result = lecture.matched(sequence, ranking, frequency, torch.Generator().manual_seed(0))
    assert sorted(result.tolist()) == list(range(11))
    assert result[:2].tolist() == [4, 1]  # 0.03 for 0.01, nearer than 0.001 as a ratio; 0.9 for 0.8


def test_opponents_repeat_with_the_seed_and_differ_between_draws(lecture):
    corpus = tiny_corpus(lecture)
    sequences = [torch.randperm(8).repeat(3)[:23] + 4 for _ in range(17)]
    weights = [torch.rand(23) for _ in range(17)]
    first, again = (lecture.rankings_with_matched(corpus, sequences, weights, seed=3) for _ in range(2))
    pairs = zip(first["as rare deleted"], again["as rare deleted"], strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    draws = zip(first["as rare deleted"], first["as rare deleted again"], strict=True)
    assert any(not torch.equal(a, b) for a, b in draws)


def test_document_frequency_counts_documents_not_words(lecture):
    corpus = tiny_corpus(lecture)
    frequency = lecture.document_frequency(corpus)
    for word in ("node", "word3"):
        holding = sum(word in corpus.documents[i] for i in corpus.train.tolist())
        assert frequency[corpus.vocabulary.encode([word])[0]] == pytest.approx(holding / len(corpus.train))
