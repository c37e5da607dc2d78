"""Experiments 05: what is varied varies alone, counts are right, and the wide model is the lecture's Transformer."""

import random

import pytest
import torch
from torch import nn

from course_utils.attention import AdditiveScore, causal_mask, dot_score, padding_mask, scaled_dot_score
from course_utils.data.batches import Batch, Vocabulary, pad
from course_utils.data.number_words import translate
from course_utils.evidence.record import stored
from course_utils.exercises.catalogue import EXERCISES

from .closeness import assert_likeliest
from .notebooks import definitions
from .test_lecture_05 import (
    by_torch,
    copy_transformer,
    random_source,
    small_transformer,
    some_examples,
    torch_transformer,
)

lecture, experiment = definitions("05_transformer"), definitions("experiments/05_transformer")


def test_random_places_are_the_places_in_order_shuffled_among_the_real_words():
    torch.manual_seed(0)
    mask = padding_mask(torch.tensor([11, 1, 7]), 11)[:, 0]
    drawn = experiment.drawn_at_random(mask)
    assert torch.equal(drawn.sort(dim=1).values, lecture.in_order(mask))
    for places, length in zip(drawn, (11, 1, 7), strict=True):
        assert set(places[:length].tolist()) == set(range(length))
    assert not torch.equal(drawn[0], experiment.drawn_at_random(mask)[0])


def test_greedy_translation_is_right_exactly_if_every_word_is_right_in_one_pass():
    pairs, (english, german), examples = some_examples(67)
    torch.manual_seed(0)
    model = lecture.new_transformer(english, german, lecture.in_order)
    experiment.train_few(model, examples, seed=3, passes=16)
    at_once = experiment.right_in_every_token(model, examples)
    answers = lecture.translations(model, pairs, english, german)
    assert at_once.tolist() == [answer == target for answer, target in zip(answers, pairs.target, strict=True)]
    assert 0 < at_once.sum() < len(pairs), "this test needs right and wrong translations"


def test_the_head_is_chosen_on_the_first_half_and_counted_on_the_second():
    numbers = random.Random(0).sample(range(1_000, 100_000), 43)
    pairs = translate([*numbers, 123_456_789])
    words = Vocabulary(pairs.source), Vocabulary(pairs.target)
    first, second = pairs.subset(range(22)), pairs.subset(range(22, 44))
    another = experiment.of_the_same_length(second)
    disagreed = moved = False
    for seed in range(7):  # the heads of an untrained model are so alike that rounding decides which of them is best
        torch.manual_seed(seed)
        model = lecture.new_transformer(*words, lecture.in_order)
        weights = lecture.cross_weights(model, lecture.encode_pairs(first, *words))
        best = lecture.share_on_partners(weights, first.alignments).argmax().item()
        weights = lecture.cross_weights(model, lecture.encode_pairs(second, *words)).argmax(dim=-1)
        hits, misses = (
            [
                weights[j, head, t].item() in partners
                for i, j in drawn
                for t, partners in enumerate(second.alignments[i])
            ]
            for head, drawn in ((best, [(i, i) for i in another]), (best, another.items()))
        )
        own, others = experiment.best_cross_head(model, pairs, words)
        assert own == pytest.approx(sum(hits) / len(hits))
        assert others == pytest.approx(sum(misses) / len(misses))
        moved |= own != others
        shares = [
            sum(weights[i, head, t].item() in p for i in another for t, p in enumerate(second.alignments[i]))
            for head in range(weights.shape[1])
        ]
        disagreed |= shares[best] < max(shares)
    assert moved, "the weights of another sentence are others"
    assert disagreed, "this test needs halves that disagree"


def test_another_sentence_is_as_long_in_english_no_shorter_in_german_and_never_ones_own():
    pairs = translate([*range(1_000, 1_400, 25), 123_456_789])
    another = experiment.of_the_same_length(pairs)
    assert 2 < len(another) < len(pairs), "this test needs a pair that has no other"
    for i, j in another.items():
        assert i != j
        assert len(pairs.source[i]) == len(pairs.source[j])
        assert len(pairs.target[i]) <= len(pairs.target[j])
    assert any(len(pairs.target[i]) < len(pairs.target[j]) for i, j in another.items())


def test_heads_with_one_average_use_the_mean_of_the_weights_that_they_would_have_had():
    torch.manual_seed(0)
    attention = lecture.MultiHeadAttention(21, 3)
    x, memory, mask = torch.randn(2, 5, 21), torch.randn(2, 7, 21), padding_mask(torch.tensor([7, 4]), 7)
    _, weights = attention(x, memory, mask)
    alone = lecture.MultiHeadAttention(21, 1)
    expected, one = alone(x, memory, mask)
    for part in experiment.with_one_average(nn.ModuleList([attention, alone])):
        assert type(part) is experiment.OneAverage
    output, shared = attention(x, memory, mask)
    torch.testing.assert_close(shared, weights.mean(dim=1, keepdim=True).expand(2, 3, 5, 7))
    values = attention.to_values(memory)  # with the same weights for all heads no split is needed
    torch.testing.assert_close(output, attention.to_output(shared[:, 0] @ values))
    torch.testing.assert_close(alone(x, memory, mask), (expected, one))  # the mean of one head is that head


def test_without_the_scale_the_model_is_the_one_with_the_plain_dot_product(monkeypatch):
    _, (english, german), examples = some_examples(7)
    source, target = lecture.as_batch(examples)

    def started(*settings):
        torch.manual_seed(0)
        model = lecture.Transformer(len(english), len(german), lecture.D_MODEL, 2, 19, 2)
        experiment.start_with(model, 2, *settings)
        return model.decode(target.ids, model.encode(source), source.mask)[0]

    scaled, not_scaled = started(True, 1.0), started(False, 1.0)
    saturated = started(True, (lecture.D_MODEL / 2) ** 0.5)
    torch.testing.assert_close(saturated, not_scaled)  # the control starts from the same numbers
    assert not torch.allclose(scaled, not_scaled, atol=0.01)
    monkeypatch.setattr(lecture, "scaled_dot_score", dot_score)
    torch.testing.assert_close(started(True, 1.0), not_scaled)


def test_queries_and_keys_start_with_variance_one_unless_pytorchs_own_start_is_asked_for():
    x = nn.functional.layer_norm(torch.randn(5_000, 64), [64])
    for gain, variance in ((1.0, 1), (None, 1 / 3)):
        torch.manual_seed(0)
        model = lecture.Transformer(23, 29, 64, 1, 19, 2)
        experiment.start_with(model, 1, True, gain)
        for projection in (model.encoder[0].self_attention.to_query, model.decoder[1].cross_attention.to_keys):
            assert (projection(x) - projection.bias).var().item() == pytest.approx(variance, rel=0.1)


def test_the_learning_rates_are_those_that_did_best_in_the_trials():
    tried = stored("05_scale_rates")
    for (name, *_), factor in zip(experiment.SCALES, experiment.SCALE_FACTORS, strict=True):
        if name not in experiment.TUNED:
            assert factor == 1
            continue
        mean = {f: tried.of(name, f"exact match at {f} times").mean() for f in experiment.TRIED_FACTORS}
        assert factor == max(mean, key=mean.get), name
    raced = stored("05_race_rates")
    for name, rate in zip(experiment.RACERS, experiment.RACE_RATES, strict=True):
        mean = {r: raced.of(name, f"updates at {r}").mean() for r in experiment.TRIED_RATES}
        assert mean[rate] == min(mean.values()), name
    for trial, measured in ((tried, stored("05_scale")), (raced, stored("05_race"))):
        assert not set(trial.seeds) & set(measured.seeds)


def test_with_f_0_all_words_are_looked_at_alike_within_a_sentence_and_not_across():
    _, words, examples = some_examples(7)
    model = experiment.racer("Transformer, f = 0", words, 0)
    source, target = lecture.as_batch(examples)
    for name, weights in experiment.weights_of_heads(model, source, target).items():
        equal = torch.isclose(weights, 1 / (weights > 0).sum(dim=-1, keepdim=True), atol=1e-5) | (weights == 0)
        assert bool(equal.all()) == name.endswith("self_attention"), name


def test_the_recurrent_twin_ignores_padding_and_does_not_see_the_future():
    torch.manual_seed(0)
    twin = experiment.RecurrentTwin(23, 29, 14, 2).eval()
    source, target = random_source([7, 5, 1]), torch.randint(4, 29, (3, 11))
    logits, weights = twin.decode(target, twin.encode(source), source.mask)
    filled = Batch(source.ids.masked_fill(~source.mask, 17), source.mask)
    torch.testing.assert_close(twin.decode(target, twin.encode(filled), source.mask)[0], logits)
    assert not (weights * ~source.mask[:, None, None]).any()
    changed = target.clone()
    changed[:, 6:] = (changed[:, 6:] + 1) % 29
    after, _ = twin.decode(changed, twin.encode(source), source.mask)
    torch.testing.assert_close(after[:, :6], logits[:, :6])
    assert not torch.allclose(after[:, 6], logits[:, 6])


def test_the_recurrent_twin_is_as_large_as_the_transformer():
    _, (english, german), _ = some_examples(67)
    models = (
        lecture.new_transformer(english, german, lecture.in_order),
        experiment.RecurrentTwin(len(english), len(german), experiment.TWIN_WIDTH, lecture.N_LAYERS),
    )
    ours, twin = (sum(parameter.numel() for parameter in model.parameters()) for model in models)
    assert twin == pytest.approx(ours, rel=0.03)


def test_heads_change_the_split_and_not_the_number_of_parameters():
    counts = {
        sum(p.numel() for p in lecture.MultiHeadAttention(lecture.D_MODEL, heads).parameters())
        for _, heads, _ in experiment.HEADS
    }
    assert len(counts) == 1


def test_kept_memory_counts_each_piece_once():
    x = torch.randn(11, 13, requires_grad=True)
    assert experiment.kept_megabytes(lambda: (x * x).sum()) == 11 * 13 * 4 / 1e6
    twice = experiment.kept_megabytes(lambda: (x.exp() * x).sum())  # exp keeps its result, the product both factors
    assert twice == 2 * 11 * 13 * 4 / 1e6


def test_the_dot_keeps_one_number_a_pair_and_the_additive_score_a_hidden_layer():
    n, d = 37, 11
    dot, additive = (
        1e6 / 4 * experiment.kept_megabytes(experiment.self_attention(n, d, score))
        for score in (scaled_dot_score, AdditiveScore(d, d, d))
    )
    assert dot == pytest.approx(n * n + 3 * n * d, rel=0.01)
    assert n * n * d < additive < 2 * n * n * d


def test_the_target_is_reached_at_the_first_check_that_reaches_it():
    target = experiment.RACE_TARGET
    found = experiment.until_target([0.2, target, 0.1, 1.0], [2.0, 3.0, 5.0, 7.0])
    assert found["updates to 95 %"] == 2 * experiment.RACE_STEPS
    assert found["seconds to 95 %"] == 5.0
    assert found["seconds per pass"] == 17.0 / experiment.RACE_PASSES
    assert experiment.until_target([0.2, 0.3], [2.0, 3.0])["seconds to 95 %"] == 5.0


def test_a_race_trains_on_every_batch_and_checks_after_each_stretch(monkeypatch):
    _, (english, german), examples = some_examples(149)
    monkeypatch.setattr(experiment, "RACE_STEPS", 2)
    monkeypatch.setattr(experiment, "RACE_PASSES", 2)
    trained = []
    counted = lecture.teacher_forcing_loss
    monkeypatch.setattr(
        experiment, "teacher_forcing_loss", lambda *given: (trained.append(len(given[1].ids)), counted(*given))[1]
    )
    torch.manual_seed(0)
    model = lecture.new_transformer(english, german, lecture.in_order)
    scores, worked = experiment.race(model, examples, examples, 3, 6e-3)
    assert sum(trained) == 2 * 149
    assert len(trained) == 6
    assert len(scores) == len(worked) == 3
    assert min(worked) > 0


def test_the_diagonal_is_right_where_both_languages_go_side_by_side():
    assert experiment.diagonal(translate([11, 12, 20, 30])) == 1  # only the second half is counted
    assert experiment.diagonal(translate([11, 12, 25, 47])) == pytest.approx(0.0)


def test_the_same_seed_trains_the_same_model():
    pairs = translate(range(100, 228))
    runs = [lecture.train_transformer(experiment.drawn_at_random, pairs, 3, progress=False) for _ in range(2)]
    (first, losses), (second, _) = runs
    assert len(losses) == 2 * lecture.EPOCHS  # 128 pairs are two batches
    for name, weight in first.state_dict().items():
        assert weight.isfinite().all(), name
        assert torch.equal(weight, second.state_dict()[name]), name


def wide_transformer():
    torch.manual_seed(5)
    return experiment.WideTransformer(23, 29).eval()


def test_the_wide_transformer_is_the_lectures_own_between_embeddings_and_words():
    ours = wide_transformer()
    sizes = (experiment.WIDE, experiment.WIDE_HEADS, experiment.WIDE_HIDDEN, experiment.WIDE_LAYERS)
    theirs = torch_transformer(*sizes).eval()
    plain = lecture.Transformer(23, 29, *sizes).eval()
    copy_transformer(theirs, plain)
    for name, part in plain.named_modules():
        if isinstance(part, nn.LayerNorm):
            ours.get_submodule(name).load_state_dict(part.state_dict())
        elif isinstance(part, nn.Linear) and name != "to_words":
            inside = f"{name}.0" if name.endswith("to_output") else name
            ours.get_submodule(inside).load_state_dict(part.state_dict())
    source, previous = random_source([7, 4, 2]), torch.randint(4, 29, (3, 5))
    expected = by_torch(theirs, ours, source, previous)
    torch.testing.assert_close(ours(source, previous), expected, atol=1e-4, rtol=1e-4)


def test_the_wide_transformer_hides_padding_and_future():
    model = wide_transformer()
    source, previous = random_source([7, 4, 2]), torch.randint(4, 29, (3, 5))
    logits = model(source, previous)
    for i, length in enumerate((7, 4, 2)):
        alone = model(pad([source.ids[i, :length]]), previous[i : i + 1])
        torch.testing.assert_close(logits[i : i + 1], alone, atol=1e-4, rtol=1e-4)
    changed = previous.clone()
    changed[:, 3:] = 4
    torch.testing.assert_close(model(source, changed)[:, :3], logits[:, :3], atol=1e-5, rtol=1e-4)


def test_each_part_of_the_wide_transformer_is_dropped_from_in_training_alone():
    model = wide_transformer()
    dropouts = [part for part in model.modules() if isinstance(part, nn.Dropout)]
    assert len(dropouts) == 2 + experiment.WIDE_LAYERS * (2 + 3)  # embeddings; parts of a layer in either stack
    source, previous = random_source([7, 4, 2]), torch.randint(4, 29, (3, 5))
    torch.testing.assert_close(model(source, previous), model(source, previous))
    model.train()
    assert not torch.allclose(model(source, previous), model(source, previous), atol=1e-3)


def test_the_wide_transformer_reads_and_scores_target_words_with_one_matrix():
    model = wide_transformer()
    assert model.to_words.weight is model.embed_target[0].weight
    ids = torch.arange(4, 29)[None]
    torch.testing.assert_close(model.embed_target(ids)[0], 16 * model.to_words.weight[4:])


def test_no_source_of_multi30k_is_longer_than_the_places():
    model = wide_transformer()
    assert model.places.shape == (experiment.MAX_PLACES, experiment.WIDE)
    assert "places" in dict(model.named_buffers())  # so that it moves with the model
    torch.testing.assert_close(model.places[:32], lecture.sinusoidal_positions(32, experiment.WIDE))
    with pytest.raises(ValueError, match="longer than its 64 places"):
        model(random_source([65]), torch.randint(4, 29, (1, 5)))
    model(random_source([46]), torch.randint(4, 29, (1, 5)))


def test_the_wide_transformer_translates_into_what_teacher_forcing_finds_likeliest():
    model = wide_transformer()
    model.to_words = nn.Linear(experiment.WIDE, 29)  # with the shared matrix, an untrained model repeats what it reads
    source = random_source([7, 4, 2])
    words = model.translate(source)
    assert (words[:, 1:] != words[:, :-1]).any(dim=1).all()
    previous = torch.cat([torch.full((3, 1), Vocabulary.bos), words[:, :-1]], dim=1)
    assert_likeliest(words, model(source, previous))


def test_shuffled_sources_keep_their_words_and_their_last_one():
    source = [torch.arange(length) for length in (1, 2, 5, 11, 13)]
    shuffled = experiment.words_shuffled(source, torch.Generator().manual_seed(0))
    assert [ids.sort().values.tolist() for ids in shuffled] == [ids.tolist() for ids in source]
    assert [int(ids[-1]) for ids in shuffled] == [0, 1, 4, 10, 12]
    assert not torch.equal(shuffled[-1], source[-1])


def test_another_sentence_is_never_ones_own_and_each_is_used_once():
    lengths = [5, 3, 11, 7, 3, 13, 5, 2]
    source = [torch.full((length,), i) for i, length in enumerate(lengths)]
    another = [int(ids[0]) for ids in experiment.of_another_sentence(source)]
    assert sorted(another) == list(range(8))
    assert all(i != j for i, j in enumerate(another))
    assert sum(abs(lengths[i] - lengths[j]) for i, j in enumerate(another)) <= 2 * (13 - 2)


def test_the_experiments_02_and_05_cut_the_lengths_of_sources_alike():
    assert tuple(stored("02_multi30k").settings["SOURCE_LENGTHS"]) == experiment.SOURCE_LENGTHS


def test_the_weights_of_all_heads_are_those_that_the_model_used():
    model = small_transformer(lecture.in_order)
    source, target = random_source([7, 5]), pad([torch.randint(4, 29, (n,)) for n in (11, 3)])
    seen = experiment.weights_of_heads(model, source, target)
    names = [f"encoder.{i}.self_attention" for i in (0, 1)]
    names += [f"decoder.{i}.{kind}_attention" for i in (0, 1) for kind in ("self", "cross")]
    assert sorted(seen) == sorted(names)
    shifted = torch.cat([torch.full((2, 1), Vocabulary.bos), target.ids[:, :-1]], dim=1)
    _, cross = model.decode(shifted, model.encode(source), source.mask)
    for i in (0, 1):
        torch.testing.assert_close(seen[f"decoder.{i}.cross_attention"], cross[:, i])
    assert not any(part._forward_hooks for part in model.modules()), "the hooks stay behind"


def test_rotations_in_a_model_are_those_of_the_exercise_in_each_head():
    torch.manual_seed(0)
    x = torch.randn(3, 7, 2 * 10)
    turn = 10_000 ** (-torch.arange(0, 10, 2) / 10)
    turned = experiment.Rotate(2)(x)
    for row in range(3):
        for head in (slice(0, 10), slice(10, 20)):
            expected = EXERCISES["05_rotate"].reference(x[row, :, head], turn)
            torch.testing.assert_close(turned[row, :, head], expected, atol=1e-5, rtol=1e-5)


def test_with_rotations_a_score_depends_on_the_distance_alone():
    _, words, _ = some_examples(7)
    torch.manual_seed(0)
    attention = experiment.with_positions("rotary", *words).encoder[0].self_attention
    same = torch.randn(1, 1, lecture.D_MODEL).expand(1, 11, -1)  # eleven times the same word
    query, keys = attention.split(attention.to_query(same)), attention.split(attention.to_keys(same))
    scores = query @ keys.mT
    for shift in range(-10, 11):
        along = scores.diagonal(shift, -2, -1)
        torch.testing.assert_close(along, along[..., :1].expand_as(along), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("kind", "knows"), [("sinusoidal", True), ("learned", True), ("rotary", True), ("none", False)]
)
def test_the_four_kinds_of_positions_change_the_encoder_alone_and_one_of_them_tells_nothing(kind, knows):
    _, (english, german), examples = some_examples(7)
    torch.manual_seed(0)
    model = experiment.with_positions(kind, english, german).eval()
    source, target = lecture.as_batch(examples)
    order = [1, 0, *range(2, source.ids.shape[1])]
    shuffled = Batch(source.ids[:, order], source.mask)
    assert source.mask[:, :2].all()
    difference = (model.encode(shuffled) - model.encode(source)[:, order]).abs().amax()
    assert (difference > 1e-3) == knows
    twin = lecture.new_transformer(english, german, None)
    assert {n: p.shape for n, p in model.decoder.named_parameters()} == {
        n: p.shape for n, p in twin.decoder.named_parameters()
    }
    model.decode(target.ids, model.encode(source), source.mask)


def test_learned_places_are_as_large_as_sines_and_one_for_each_place():
    torch.manual_seed(0)
    places = experiment.LearnedPositions(32, 64)
    assert places.table.var().item() == pytest.approx(
        lecture.sinusoidal_positions(32, 64).square().mean().item(), rel=0.1
    )
    torch.testing.assert_close(places(torch.zeros(3, 7, 64)), places.table[:7].expand(3, 7, 64))
    with pytest.raises(ValueError, match="longer than its 32 places"):
        places(torch.zeros(1, 33, 64))


def test_pairs_are_kept_by_the_number_of_their_english_words():
    pairs = translate([7, 45, 345, 5_000_000])
    assert experiment.of_length(pairs, 2, 3).numbers == (45, 5_000_000)


def test_what_is_removed_is_removed_and_nothing_else():
    _, words, examples = some_examples(7)
    source, target = lecture.as_batch(examples)

    def made(part):
        torch.manual_seed(0)
        return experiment.without(part, *words)

    def logits(model):
        return model.decode(target.ids, model.encode(source), source.mask)[0]

    whole = made("")
    torch.manual_seed(0)
    torch.testing.assert_close(logits(whole), logits(lecture.new_transformer(*words, lecture.in_order)))
    without_sums = made("residual")
    without_sums.load_state_dict(whole.state_dict())
    layer, plain = without_sums.encoder[0], whole.encoder[0]
    x, mask = torch.randn(3, 7, lecture.D_MODEL), padding_mask(torch.tensor([7, 5, 2]), 7)
    normed = plain.norms[0](x)
    attended = plain.self_attention(normed, normed, mask)[0]
    torch.testing.assert_close(layer(x, mask), plain.feed_forward(plain.norms[1](attended)))
    memory, past = torch.randn(3, 5, lecture.D_MODEL), causal_mask(7)
    read = padding_mask(torch.tensor([5, 3, 1]), 5)
    layer, plain = without_sums.decoder[0], whole.decoder[0]
    normed = plain.norms[0](x)
    attended = plain.self_attention(normed, normed, past)[0]
    asked = plain.cross_attention(plain.norms[1](attended), memory, read)[0]
    torch.testing.assert_close(layer(x, memory, past, read)[0], plain.feed_forward(plain.norms[2](asked)))
    for part, kind in (("LayerNorm", nn.LayerNorm), ("feed-forward", nn.ReLU)):
        model = made(part)
        assert not any(isinstance(module, kind) for module in model.modules())
        assert logits(model).isfinite().all()
        assert not torch.allclose(logits(model), logits(whole), atol=0.01)


def test_pytorchs_own_attention_keeps_no_table_of_weights():
    n, d = 512, 64
    table, none = (
        experiment.kept_megabytes(experiment.self_attention(n, d, score)) for score in (scaled_dot_score, None)
    )
    assert none < 1e-6 * 4 * n * n < table
