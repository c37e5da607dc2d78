"""Vocabulary, padding and buckets."""

import pytest
import torch

from course_utils.data.batches import Batch, Vocabulary, bucketed, pad

SENTENCES = [["three", "hundred", "five"], ["five"], ["three", "five", "five", "million"]]


def test_a_vocabulary_gives_back_the_words_it_encoded():
    vocabulary = Vocabulary(SENTENCES)
    for sentence in SENTENCES:
        assert vocabulary.decode(vocabulary.encode(sentence, eos=True)) == sentence


def test_the_end_mark_is_appended_only_when_asked_for():
    vocabulary = Vocabulary(SENTENCES)
    assert vocabulary.encode(["five"]).tolist() == [4]
    assert vocabulary.encode(["five"], eos=True).tolist() == [4, Vocabulary.eos]


def test_words_are_numbered_by_frequency_then_alphabet_whatever_the_order_of_the_corpus():
    expected = ("<pad>", "<bos>", "<eos>", "<unk>", "five", "three", "hundred", "million")
    assert Vocabulary(SENTENCES).words == expected
    assert Vocabulary(reversed(SENTENCES)).words == expected


def test_a_word_that_training_never_saw_becomes_unknown():
    vocabulary = Vocabulary(SENTENCES, min_count=2)
    assert vocabulary.encode(["five", "million", "zebra"]).tolist() == [4, Vocabulary.unk, Vocabulary.unk]


def test_decoding_stops_at_the_end_mark_and_skips_padding():
    vocabulary = Vocabulary(SENTENCES)
    assert vocabulary.decode([1, 4, 0, 5, 2, 4, 4]) == ["five", "three"]


def test_padding_is_marked_and_filled_with_the_pad_number():
    batch = pad([torch.tensor([7, 8, 9]), torch.tensor([5]), torch.tensor([], dtype=torch.long)])
    assert batch.ids.tolist() == [[7, 8, 9], [5, 0, 0], [0, 0, 0]]
    assert batch.mask.tolist() == [[True] * 3, [True, False, False], [False] * 3]
    assert batch.lengths.tolist() == [3, 1, 0]


def test_a_token_that_happens_to_have_the_pad_number_still_counts_as_real():
    assert pad([torch.tensor([0, 0]), torch.tensor([1])]).mask.tolist() == [[True, True], [True, False]]


def test_padding_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one sequence"):
        pad([])


def test_a_batch_of_empty_sequences_has_one_column_of_padding_that_every_network_can_read():
    empty = torch.tensor([], dtype=torch.long)
    batch = pad([empty, empty])
    assert batch.ids.tolist() == [[Vocabulary.pad]] * 2
    assert batch.mask.tolist() == [[False]] * 2
    vectors = torch.nn.Embedding(5, 3)(batch.ids)
    assert torch.isfinite(torch.nn.GRU(3, 2, batch_first=True)(vectors)[0]).all()


def test_a_batch_unpacks_into_ids_and_mask():
    ids, mask = pad([torch.tensor([4, 5])])
    assert isinstance(Batch(ids, mask).lengths, torch.Tensor)


def test_buckets_name_every_sequence_once_and_hold_like_lengths():
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(1, 50, (211,), generator=generator).tolist()
    batches = bucketed(lengths, 16, generator)
    assert sorted(i for batch in batches for i in batch) == list(range(211))
    padding = sum(max(lengths[i] for i in batch) * len(batch) - sum(lengths[i] for i in batch) for batch in batches)
    assert padding < 0.1 * sum(lengths)


def test_a_bucket_of_no_size_is_refused():
    with pytest.raises(ValueError, match="got batch_size = 0"):
        bucketed([3, 1], 0, torch.Generator())


def test_which_equally_long_sequences_share_a_bucket_is_left_to_chance():
    def groups(seed: int) -> set[frozenset[int]]:
        return {frozenset(batch) for batch in bucketed([5] * 40, 4, torch.Generator().manual_seed(seed))}

    assert groups(0) != groups(1)


def test_buckets_are_shuffled_and_repeat_with_the_seed():
    lengths = [3, 1, 2, 3, 1, 2, 3, 1] * 5

    def once(seed: int) -> list[list[int]]:
        return bucketed(lengths, 4, torch.Generator().manual_seed(seed))

    assert once(0) == once(0)
    assert once(0) != once(1)
    first_lengths = [lengths[batch[0]] for batch in once(0)]
    assert first_lengths != sorted(first_lengths)
