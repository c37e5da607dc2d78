"""The translation benchmark: what could make its BLEU wrong without any error."""

from dataclasses import replace

import pytest
import sacrebleu
import torch
from torch import nn
from torch.nn import functional as F

from course_utils.data.batches import Vocabulary, pad
from course_utils.tasks import translation_benchmark as benchmark

from .public_sets import needs, sha256

TRAIN = (
    ("Ein Hund läuft.", "A dog runs."),
    ("Ein Hund läuft!", "A dog runs!"),
    ("Ein Mann schläft.", "A man sleeps."),
)
VAL = (("Ein Pferd läuft.", "A horse runs."),) * 2
TEST = (("Ein Hund schläft.", "A dog sleeps."),)


class WordByWord(nn.Module):
    """A model that gives source word i as target word i: enough to learn a dictionary."""

    def __init__(self, n_source, n_target):
        super().__init__()
        self.table = nn.Embedding(n_source, n_target)

    def forward(self, source, previous):
        return F.pad(self.table(source.ids), (0, 0, 0, previous.shape[1] - source.ids.shape[1]))

    def translate(self, source):
        assert not self.training
        return self.table(source.ids).argmax(dim=-1).masked_fill(~source.mask, Vocabulary.eos)


class Fixed(nn.Module):
    """Gives the logits it was made with, and keeps what it was asked."""

    def __init__(self, logits):
        super().__init__()
        self.logits = nn.Parameter(logits)

    def forward(self, source, previous):
        self.asked = source, previous
        return self.logits


def dictionary(n_sentences, n_words):
    """A language of numbered words and its translation, word by word."""
    generator = torch.Generator().manual_seed(1)
    lengths = torch.randint(2, 7, (n_sentences,), generator=generator).tolist()
    sentences = [torch.randint(n_words, (length,), generator=generator).tolist() for length in lengths]
    return tuple((" ".join(f"de{i}" for i in s), " ".join(f"en{i}" for i in s)) for s in sentences)


def test_tokens_are_lower_cased_words_and_single_marks():
    text = "Zwei Männer, 2-mal: „grün-weiß“ (it's)!"
    assert benchmark.tokenise(text) == [
        *("zwei", "männer", ",", "2", "-", "mal", ":", "„", "grün", "-", "weiß", "“", "(", "it", "'", "s", ")", "!")
    ]


def test_words_outside_the_training_sentences_and_rare_ones_are_unknown_but_stay_in_the_references():
    corpus = benchmark.encode_corpus(TRAIN, VAL, TEST)
    assert set(corpus.source_words.words) == {*Vocabulary.special, "ein", "hund", "läuft", "."}
    assert set(corpus.target_words.words) == {*Vocabulary.special, "a", "dog", "runs", "."}
    assert (corpus.val.source[0] == Vocabulary.unk).tolist() == [False, True, False, False]
    assert corpus.test.references == ["a dog sleeps ."]
    assert corpus.target_words.decode(corpus.test.target[0]) == ["a", "dog", "<unk>", "."]
    assert corpus.test.target[0][-1] == Vocabulary.eos


def test_batches_hold_each_pair_once_and_together():
    corpus = benchmark.encode_corpus(dictionary(300, 11), dictionary(3, 11), dictionary(3, 11))
    batches = benchmark.make_batches(corpus.train, torch.Generator().manual_seed(3))
    assert [len(source.ids) for source, _ in batches].count(benchmark.BATCH_SIZE) == 2
    seen = []
    for source, target in batches:
        assert target.lengths.max() - target.lengths.min() <= 3  # targets of like length
        for german, english in zip(source.ids, target.ids, strict=True):
            german = corpus.source_words.decode(german)
            assert [word.replace("de", "en") for word in german] == corpus.target_words.decode(english)
            seen.append(" ".join(german))
    assert sorted(seen) == sorted(source for source, _ in dictionary(300, 11))


def test_among_targets_of_like_length_sources_of_like_length_share_a_batch_but_not_always_the_same():
    generator = torch.Generator().manual_seed(5)
    ids = [torch.full((int(n),), i) for i, n in enumerate(torch.randint(3, 30, (1_100,), generator=generator))]
    sevens = [torch.ones(7, dtype=torch.long)] * 1_100

    def batches(source, target):
        return benchmark.make_batches(benchmark.Sentences(source, target, []), generator)

    for varied in ([source for source, _ in batches(ids, sevens)], [target for _, target in batches(sevens, ids)]):
        assert max(int(batch.lengths.max() - batch.lengths.min()) for batch in varied) <= 8
    targets = [target.lengths for _, target in batches(ids, [i[: len(i) % 11 + 1] for i in reversed(ids)])]
    assert max(int(lengths.max() - lengths.min()) for lengths in targets) <= 3
    members = [{frozenset(source.ids[:, 0].tolist()) for source, _ in batches(ids, sevens)} for _ in range(2)]
    assert not members[0] & members[1]


def test_the_loss_is_smoothed_cross_entropy_over_real_words_alone():
    torch.manual_seed(0)
    source, target = pad([torch.tensor([5, 6])] * 2), pad([torch.tensor([7, 4, 2]), torch.tensor([6, 9, 5, 8, 2])])
    model = Fixed(torch.randn(2, 5, 11))
    log_p = model.logits.detach().log_softmax(dim=-1)
    true = log_p.gather(-1, target.ids[..., None])[..., 0]
    smooth = (1 - benchmark.LABEL_SMOOTHING) * true + benchmark.LABEL_SMOOTHING * log_p.mean(dim=-1)
    loss = benchmark.teacher_forcing_loss(model, source, target)
    torch.testing.assert_close(loss.detach(), -smooth[target.mask].mean())
    loss.backward()
    assert not model.logits.grad[~target.mask].any()
    assert model.logits.grad[target.mask].any(dim=-1).all()


def test_the_model_is_shown_the_words_before_the_one_it_must_predict():
    source, target = pad([torch.tensor([5, 6])] * 2), pad([torch.tensor([7, 4, 2]), torch.tensor([6, 9, 5, 8, 2])])
    model = Fixed(torch.randn(2, 5, 11))
    benchmark.teacher_forcing_loss(model, source, target)
    assert model.asked[1][1].tolist() == [Vocabulary.bos, 6, 9, 5, 8]
    assert model.asked[1][0, :3].tolist() == [Vocabulary.bos, 7, 4]


def test_translations_come_in_the_order_of_the_sentences_and_end_at_the_end_mark():
    pairs = dictionary(2 * benchmark.BATCH_SIZE + 17, 11)
    corpus = benchmark.encode_corpus(pairs, pairs[:3], pairs[:3])
    model = WordByWord(len(corpus.source_words), len(corpus.target_words))
    with torch.no_grad():
        model.table.weight.zero_()
        for i, word in enumerate(corpus.source_words.words[4:], start=4):
            model.table.weight[i, corpus.target_words.words.index(word.replace("de", "en"))] = 1
    model.train()
    translations = benchmark.translate_all(corpus, model, corpus.train.source)
    assert translations == [target for _, target in pairs]


def test_bleu_is_that_of_sacrebleu_on_the_tokens_as_they_are():
    references = ["a man , who sleeps , sits on a horse .", "two dogs run over the green grass .", "a <unk> sings"]
    translations = ["a man who sleeps sits on the horse .", "two dogs run over green grass .", "a bird sings"]
    expected = sacrebleu.corpus_bleu(translations, [references], tokenize="none", force=True).score
    assert benchmark.bleu(translations, references) == pytest.approx(expected / 100)
    assert 0.1 < expected / 100 < 0.9
    assert benchmark.bleu(references, references) == pytest.approx(1)
    assert benchmark.bleu_signature().startswith("nrefs:1|case:mixed|eff:no|tok:none|smooth:exp|version:")


def test_a_missing_translation_is_an_error_and_not_a_shift():
    with pytest.raises(ValueError, match="got 1 for 2"):
        benchmark.bleu(["a dog runs ."], ["a dog runs .", "a man sleeps ."])


def test_scores_by_length_put_each_sentence_into_the_bin_of_its_source():
    lengths = (3, 4, 5, 6, 7, 8)
    references = [" ".join(f"{n} {i}" for i in range(6)) for n in lengths]
    sentences = benchmark.Sentences([torch.arange(n) for n in lengths], [], references)
    right_below_six = [text if n < 6 else "x" for n, text in zip(lengths, references, strict=True)]
    right_from_six = ["x" if n < 6 else text for n, text in zip(lengths, references, strict=True)]
    scores = benchmark.bleu_scores(right_below_six, sentences, (3, 6, 9))
    assert scores["BLEU by length"] == [pytest.approx(1), pytest.approx(0, abs=1e-3)]
    others = benchmark.bleu_scores(right_from_six, sentences, (3, 6, 9))
    assert others["BLEU by length"] == [pytest.approx(0, abs=1e-3), pytest.approx(1)]
    assert scores["BLEU"] == pytest.approx(benchmark.bleu(right_below_six, references))
    with pytest.raises(ValueError, match="no source has 9 to 19 words"):
        benchmark.bleu_scores(references, sentences, (3, 9, 20))


def test_training_learns_a_dictionary_without_looking_at_the_test_part():
    corpus = benchmark.encode_corpus(dictionary(500, 7), dictionary(20, 7), dictionary(20, 7))
    unreadable = benchmark.Sentences([torch.tensor([999])], [torch.tensor([999])], ["?"])
    blind = replace(corpus, test=unreadable)
    torch.manual_seed(0)
    model = WordByWord(len(corpus.source_words), len(corpus.target_words))
    history = benchmark.train_on(blind, model, 0, epochs=15, lr=0.3, warm=0.1)
    assert history.best_epoch == history.score.index(max(history.score))
    translations = benchmark.translate_all(corpus, model, corpus.test.source)
    assert benchmark.bleu(translations, corpus.test.references) == pytest.approx(1)


def test_a_seed_repeats_a_training_run():
    corpus = benchmark.encode_corpus(dictionary(500, 7), dictionary(20, 7), dictionary(20, 7))

    def trained(seed):
        torch.manual_seed(0)
        model = WordByWord(len(corpus.source_words), len(corpus.target_words))
        benchmark.train_on(corpus, model, seed, epochs=2, lr=0.1, warm=0.1)
        return model.table.weight

    assert torch.equal(trained(1), trained(1))  # the same operations on the same shapes
    assert not torch.equal(trained(1), trained(2))


def test_matrix_products_are_fast_only_inside_training():
    before = torch.get_float32_matmul_precision()

    def inside():
        assert torch.get_float32_matmul_precision() == "medium"
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"), benchmark.fast_products():
        inside()
    assert torch.get_float32_matmul_precision() == before


@needs("multi30k")
def test_multi30k_has_its_sentences_and_words():
    corpus = benchmark.load_corpus("multi30k")
    assert [len(part.source) for part in (corpus.train, corpus.val, corpus.test)] == [29_000, 1_014, 1_000]
    assert (len(corpus.source_words), len(corpus.target_words)) == (7_882, 5_898)
    first = "1f90c021c61b1d21852ada26a18e94c04ea552e4d1a959d54457122b2d1de79b"
    assert sha256(corpus.test.references[0]) == first
