"""Number words: the text is num2words' own, and the alignment follows from the number."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from num2words import num2words

from course_utils.data import number_words
from course_utils.data.number_words import MAX_DIGITS, load_number_words, spell, translate

LANGUAGES = ("en", "de", "fr", "ko")
# Each token with the positions of the English words that it translates, counted from 0.
BY_HAND = {
    71: {
        "en": "seventy one",
        "de": "ein:1 und:0 siebzig:0",
        "fr": "soixante:0 et:0 onze:0+1",
        "ko": "칠:0 십:0 일:1",
    },
    97: {
        "en": "ninety seven",
        "de": "sieben:1 und:0 neunzig:0",
        "fr": "quatre:0 vingt:0 dix:0 sept:1",
        "ko": "구:0 십:0 칠:1",
    },
    117: {
        "en": "one hundred seventeen",
        "de": "ein:0 hundert:1 siebzehn:2",
        "fr": "cent:0+1 dix:2 sept:2",
        "ko": "백:0+1 십:2 칠:2",
    },
    1001: {
        "en": "one thousand one",
        "de": "ein:0 tausend:1 eins:2",
        "fr": "mille:0+1 un:2",
        "ko": "천:0+1 일:2",
    },
    10_000: {
        "en": "ten thousand",
        "de": "zehn:0 tausend:1",
        "fr": "dix:0 mille:1",
        "ko": "만:0+1",
    },
    345_678: {
        "en": "three hundred forty five thousand six hundred seventy eight",
        "de": "drei:0 hundert:1 fünf:3 und:2 vierzig:2 tausend:4 sechs:5 hundert:6 acht:8 und:7 siebzig:7",
        "fr": "trois:0 cent:1 quarante:2 cinq:3 mille:4 six:5 cent:6 soixante:7 dix:7 huit:8",
        "ko": "삼:0 십:1 사:2 만:2+4 오:3 천:4 육:5 백:6 칠:7 십:7 팔:8",
    },
    1_000_000: {
        "en": "one million",
        "de": "eine:0 Million:1",
        "fr": "un:0 million:1",
        "ko": "백:0+1 만:1",
    },
    10_300_000: {
        "en": "ten million three hundred thousand",
        "de": "zehn:0 Millionen:1 drei:2 hundert:3 tausend:4",
        "fr": "dix:0 millions:1 trois:2 cent:3 mille:4",
        "ko": "천:0 삼:2 십:3 만:3+4",
    },
    100_000_000: {
        "en": "one hundred million",
        "de": "ein:0 hundert:1 Millionen:2",
        "fr": "cent:0+1 millions:2",
        "ko": "일:0 억:1+2",
    },
}
numbers = st.integers(1, MAX_DIGITS).flatmap(lambda length: st.integers(1, 10**length - 1))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    return tmp_path


def joined(number, language):
    return "".join(token.joint + token.text for token in spell(number, language))


@pytest.mark.parametrize("target", ["de", "fr", "ko"])
@pytest.mark.parametrize("number", BY_HAND)
def test_examples_worked_by_hand(number, target):
    pairs = translate([number], target)
    written = " ".join(
        f"{token}:{'+'.join(map(str, sorted(positions)))}"
        for token, positions in zip(pairs.target[0], pairs.alignments[0], strict=True)
    )
    assert " ".join(pairs.source[0]) == BY_HAND[number]["en"]
    assert written == BY_HAND[number][target]


@pytest.mark.parametrize("place", [0, 3, 6])
@pytest.mark.parametrize("language", LANGUAGES)
def test_tokens_put_together_are_what_num2words_writes_for_every_group_of_three_digits(language, place):
    written = range(0, 1000 * 10**place, 10**place)
    assert all(joined(number, language) == num2words(number, lang=language) for number in written)


@pytest.mark.parametrize("language", LANGUAGES)
@given(number=numbers)
def test_tokens_put_together_are_what_num2words_writes_at_any_length(language, number):
    assert joined(number, language) == num2words(number, lang=language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_tokens_put_together_are_what_num2words_writes_where_zeros_and_ones_meet(language):
    sparse = (
        a * 10**i + b * 10**j for a in (1, 2, 71, 80, 101) for b in (0, 1, 11) for i in range(12) for j in range(12)
    )
    assert all(joined(number, language) == num2words(number, lang=language) for number in sparse)


def test_a_num2words_that_writes_otherwise_is_noticed(monkeypatch):
    monkeypatch.setattr(number_words, "num2words", lambda number, lang: "three hundred and forty five")
    with pytest.raises(RuntimeError, match="install that version"):
        spell(345, "en")


@pytest.mark.parametrize("language", LANGUAGES)
@given(number=numbers)
def test_the_tokens_express_every_digit_of_the_number_but_its_zeros(language, number):
    expressed = frozenset().union(*(token.expresses for token in spell(number, language)))
    places = {str(place) for place, digit in enumerate(reversed(str(number))) if digit != "0"}
    assert {thing for thing in expressed if "^" not in thing} == places


@pytest.mark.parametrize("target", ["de", "fr", "ko"])
@given(number=numbers)
def test_every_target_token_has_a_source_and_every_english_digit_word_a_target(target, number):
    pairs = translate([number], target)
    assert len(pairs.alignments[0]) == len(pairs.target[0])
    assert all(pairs.alignments[0])
    used = frozenset().union(*pairs.alignments[0])
    units = {"thousand", "million", "billion", "trillion"} if target == "ko" else set()
    assert {word for position, word in enumerate(pairs.source[0]) if position not in used} <= units


@given(number=numbers)
def test_german_without_und_is_english_in_another_order_word_for_word(number):
    pairs = translate([number], "de")
    heard = [
        (token, min(sources))
        for token, sources in zip(pairs.target[0], pairs.alignments[0], strict=True)
        if token != "und"
    ]
    assert sorted(position for _, position in heard) == list(range(len(pairs.source[0])))
    german = {num2words(n): num2words(n, lang="de") for n in [*range(2, 20), *range(20, 100, 10)]} | {
        "one": "ein",
        "hundred": "hundert",
        "thousand": "tausend",
        "million": "Million",
        "billion": "Milliarde",
        "trillion": "Billion",
    }
    assert all(token.startswith(german[pairs.source[0][position]]) for token, position in heard)


@given(number=numbers)
def test_korean_digits_stand_for_the_english_words_of_the_same_digit(number):
    pairs = translate([number], "ko")
    values = {num2words(n): n for n in [*range(20), *range(20, 100, 10)]}
    for token, sources in zip(pairs.target[0], pairs.alignments[0], strict=True):
        if token in "일이삼사오육칠팔구":
            (position,) = sources
            digit = "일이삼사오육칠팔구".index(token) + 1
            value = values[pairs.source[0][position]]
            assert digit in (value % 10, value // 10)


def test_a_corpus_has_different_numbers_of_every_length_in_equal_parts():
    pairs = load_number_words("de", digits=5, n_pairs=307, seed=3, progress=False)
    lengths = [pairs.digits(i) for i in range(len(pairs))]
    assert len(pairs) == len(set(pairs.numbers)) == 307
    assert [lengths.count(length) for length in (1, 2, 3, 4, 5)] == [9, 74, 74, 75, 75]
    assert lengths[:20] != sorted(lengths[:20])


def test_all_numbers_that_exist_can_be_asked_for():
    pairs = load_number_words("fr", digits=2, n_pairs=99, progress=False)
    assert sorted(pairs.numbers) == list(range(1, 100))


def test_the_parts_of_a_split_share_no_number_and_lose_none():
    pairs = load_number_words("ko", digits=7, n_pairs=211, progress=False)
    train, val, test = pairs.split(seed=5, val=31, test=53)
    assert (len(train), len(val), len(test)) == (127, 31, 53)
    assert sorted(train.numbers + val.numbers + test.numbers) == sorted(pairs.numbers)
    assert pairs.split(seed=5, val=31, test=53)[1] == val
    assert pairs.split(seed=6, val=31, test=53)[1] != val
    assert val == translate(val.numbers, "ko")


def test_the_same_seed_gives_the_same_pairs_and_another_seed_others(cache):
    first = load_number_words(n_pairs=101, seed=7, progress=False)
    for file in cache.iterdir():
        file.unlink()
    assert load_number_words(n_pairs=101, seed=7, progress=False) == first
    assert load_number_words(n_pairs=101, seed=8, progress=False).numbers != first.numbers
    assert first == translate(first.numbers)


def test_a_corpus_is_built_once(monkeypatch):
    first = load_number_words(n_pairs=103, progress=False)
    monkeypatch.setattr(number_words, "spell", None)
    assert load_number_words(n_pairs=103, progress=False) == first


def test_building_shows_a_progress_bar_on_stdout_and_reading_shows_nothing(capsys):
    load_number_words(n_pairs=13)
    shown = capsys.readouterr()
    assert "number words en-de" in shown.out
    assert shown.err == ""
    load_number_words(n_pairs=13)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": "en"}, "'en'.*choose de"),
        ({"target": "nl"}, "'nl'.*choose de"),
        ({"digits": 0}, "digits is 0; choose 1 to 15"),
        ({"digits": 16}, "digits is 16; choose 1 to 15"),
        ({"n_pairs": 0}, "n_pairs is 0"),
        ({"digits": 2, "n_pairs": 100}, "there are 99 numbers"),
    ],
)
def test_what_cannot_be_asked_for_is_said(arguments, message):
    with pytest.raises(ValueError, match=message):
        load_number_words(**arguments)


def test_numbers_and_languages_that_cannot_be_spelled_are_said():
    with pytest.raises(ValueError, match="1 to 15 digits"):
        spell(10**15, "en")
    with pytest.raises(ValueError, match="'it'; choose one of en, de, fr, ko"):
        spell(1, "it")


def test_a_split_that_leaves_nothing_to_train_on_is_refused():
    pairs = translate(random.Random(0).sample(range(1000), 17))
    with pytest.raises(ValueError, match="leave nothing to train on"):
        pairs.split(val=7, test=10)
