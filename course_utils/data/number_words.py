"""Numbers written out in English and in German, French or Korean: real parallel text with a known alignment.

The text is what ``num2words`` writes, letter for letter; each pair is checked when it is built. Our own walk over the
digits only says where one token ends and the next begins, and which part of the number each token expresses.

How text becomes tokens
    English, French
        Words. Hyphens, commas and the English *and* ("one hundred and one") only join words, so they are not tokens.
    German
        Morphemes: *drei hundert fünf und vierzig tausend*; *siebzehn* stays whole, as *seventeen* does.
    Korean
        Syllables: 삼 십 사 만.

How tokens are aligned
    A token expresses *digits* and *powers of ten*, and two tokens are aligned if they share one of these. *three* is
    the digit at 10^5 of 345678, *hundred* behind it the power 10^5, *forty* both at once, *thousand* the power 10^3.

    - A word that needs no "one" before it stands for the digit too: French *cent* is aligned to *one* and *hundred*.
    - German *und* and French *et* hang the unit on a ten: they are aligned to the ten word.
    - French 70 to 99: all parts of *quatre-vingt-dix* to *ninety*, *onze* in *soixante et onze* to *seventy* and *one*.
    - Korean groups by 10^4, English by 10^3. 십, 백 and 천 express the power of their own digit, wherever the English
      puts it (*forty*, *hundred*, *thousand*). 만, 억 and 조 express the power of the digit that they follow, and the
      *thousand*, *million*, … that stands over this digit in English.

    Every target token has at least one source token. A source token can be without a target token (*million* in
    *ten million three hundred thousand*, 천삼십만).
"""

import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from num2words import num2words
from tqdm import tqdm

from course_utils.data.storage import cached, library_versions

MAX_DIGITS = 15
RECIPE = 1  # raise it when tokens, alignment or sampling change: caches of older recipes are then ignored


class Token(NamedTuple):
    """A token, what joins it to the one before, and what it expresses: ``"5"`` a digit's place, ``"10^5"`` a power."""

    joint: str
    text: str
    expresses: frozenset[str]


@dataclass(frozen=True)
class NumberWords:
    """Pairs of token sequences that say the same number.

    Attributes
    ----------
    numbers
        The numbers, all different in a corpus from ``load_number_words``.
    source, target
        The tokens of each number in English and in the target language.
    alignments
        ``alignments[i][t]``: the positions in ``source[i]`` that say what ``target[i][t]`` says; never empty.
    """

    numbers: tuple[int, ...]
    source: tuple[tuple[str, ...], ...]
    target: tuple[tuple[str, ...], ...]
    alignments: tuple[tuple[frozenset[int], ...], ...]

    def __len__(self) -> int:
        return len(self.numbers)

    def digits(self, i: int) -> int:
        """Count the decimal digits of number ``i``."""
        return len(str(self.numbers[i]))

    def subset(self, indices: Iterable[int]) -> "NumberWords":
        """Keep the pairs at these positions, in this order."""
        indices = list(indices)
        return NumberWords(
            numbers=tuple(self.numbers[i] for i in indices),
            source=tuple(self.source[i] for i in indices),
            target=tuple(self.target[i] for i in indices),
            alignments=tuple(self.alignments[i] for i in indices),
        )

    def split(self, seed: int = 0, val: int = 1000, test: int = 1500) -> tuple["NumberWords", ...]:
        """Deal the pairs at random into training (all that is left), validation and test.

        As the numbers of a corpus are all different, no two parts share a number.
        """
        if val < 0 or test < 0 or val + test >= len(self):
            raise ValueError(
                f"NumberWords.split: val={val} and test={test} of {len(self)} pairs leave nothing to train on; "
                "choose smaller parts or load more pairs (n_pairs)."
            )
        order = list(range(len(self)))
        random.Random(seed).shuffle(order)
        return self.subset(order[val + test :]), self.subset(order[:val]), self.subset(order[val : val + test])


def load_number_words(
    target: str = "de", digits: int = 12, n_pairs: int = 20_000, seed: int = 0, progress: bool = True
) -> NumberWords:
    """Load English numbers and their translations, built on first use (some seconds), then read from the cache.

    Parameters
    ----------
    target
        ``"de"`` German morphemes, ``"fr"`` French words, ``"ko"`` Korean syllables.
    digits
        The longest numbers have this many digits, at most 15. Each length from 1 to ``digits`` gets the same number of
        pairs; where fewer numbers of a length exist, all of them are in and the rest goes to the longer ones.
    n_pairs
        How many numbers, all different; zero is left out, since its word occurs in no other number.
    seed
        Decides which numbers are drawn, and their order.
    progress
        Show a progress bar while building.

    Returns
    -------
    The pairs in random order. The first pairs of a corpus are a fair sample of it.

    Raises
    ------
    ValueError
        The language is not known, or the numbers asked for do not exist.
    """
    _known_target(target)
    if not 1 <= digits <= MAX_DIGITS:
        raise ValueError(f"load_number_words: digits is {digits}; choose 1 to {MAX_DIGITS}.")
    if not 1 <= n_pairs < 10**digits:
        raise ValueError(
            f"load_number_words: n_pairs is {n_pairs}, but there are {10**digits - 1} numbers with 1 to {digits} "
            "digits; choose fewer pairs (at least 1) or more digits."
        )
    key = {"target": target, "digits": digits, "n_pairs": n_pairs, "seed": seed, "recipe": RECIPE}
    key |= library_versions(["num2words"])

    def build() -> list:
        pairs = translate(_draw(digits, n_pairs, seed), target, progress)
        alignments = [[sorted(positions) for positions in pair] for pair in pairs.alignments]
        return [pairs.numbers, pairs.source, pairs.target, alignments]

    numbers, source, translation, alignments = cached(f"number-words-en-{target}", key, build)
    return NumberWords(
        tuple(numbers),
        tuple(tuple(map(sys.intern, tokens)) for tokens in source),
        tuple(tuple(map(sys.intern, tokens)) for tokens in translation),
        tuple(tuple(map(frozenset, pair)) for pair in alignments),
    )


def translate(numbers: Sequence[int], target: str = "de", progress: bool = False) -> NumberWords:
    """Write these numbers in English and in the target language, with their alignment."""
    _known_target(target)
    columns: tuple[list, list, list] = ([], [], [])
    for number in tqdm(
        numbers, f"number words en-{target}", disable=not progress, file=sys.stdout, ncols=80, unit="pair"
    ):
        english, other = spell(number, "en"), spell(number, target)
        columns[0].append(tuple(token.text for token in english))
        columns[1].append(tuple(token.text for token in other))
        columns[2].append(align(english, other))
    return NumberWords(tuple(numbers), *map(tuple, columns))


def spell(number: int, language: str) -> list[Token]:
    """Write a number as tokens which, put together, are exactly what num2words writes.

    Parameters
    ----------
    number
        From 0 to 10^15 - 1.
    language
        ``"en"``, ``"de"``, ``"fr"`` or ``"ko"``.
    """
    if language not in _SPELLERS:
        raise ValueError(f"spell: language is {language!r}; choose one of {', '.join(_SPELLERS)}.")
    if not 0 <= number < 10**MAX_DIGITS:
        raise ValueError(f"spell: {number} is out of range; numbers have 1 to {MAX_DIGITS} digits.")
    tokens = list(_SPELLERS[language](number)) if number else [_token("", _word(0, language), "0")]
    written, expected = "".join(token.joint + token.text for token in tokens), num2words(number, lang=language)
    if written != expected:
        raise RuntimeError(
            f"spell: num2words writes {number} as {expected!r}, our tokens say {written!r}. The installed num2words "
            "follows other rules than the one in requirements.lock: install that version."
        )
    return tokens


def align(source: Sequence[Token], target: Sequence[Token]) -> tuple[frozenset[int], ...]:
    """Find, for each target token, the positions of the source tokens that express a part of the same thing."""
    return tuple(
        frozenset(position for position, token in enumerate(source) if token.expresses & wanted.expresses)
        for wanted in target
    )


def _draw(digits: int, n_pairs: int, seed: int) -> list[int]:
    """Draw different numbers, as many of each length as there are to be had, in random order."""
    generator = random.Random(seed)
    numbers: list[int] = []
    for length in range(1, digits + 1):
        existing = range(10 ** (length - 1), 10**length)
        share = (n_pairs - len(numbers)) // (digits - length + 1)
        numbers += generator.sample(existing, min(share, len(existing)))
    generator.shuffle(numbers)
    return numbers


def _known_target(target: str) -> None:
    if target not in _SPELLERS or target == "en":
        raise ValueError(f"The target language is {target!r}; choose de (German), fr (French) or ko (Korean).")


@cache
def _word(number: int, language: str) -> str:
    return num2words(number, lang=language)


def _token(joint: str, text: str, *expresses: str) -> Token:
    return Token(joint, text, frozenset(expresses))


def _power(place: int) -> str:
    return f"10^{place}"


def _groups(number: int, width: int) -> Iterator[tuple[int, int]]:
    """Cut a number into groups of ``width`` digits: (group, place of its last digit), zeros left out, highest first."""
    for place in range((MAX_DIGITS - 1) // width * width, -1, -width):
        group = number // 10**place % 10**width
        if group:
            yield group, place


def _english(number: int) -> Iterator[Token]:
    joint = ""
    for group, place in _groups(number, 3):
        hundreds, rest = divmod(group, 100)
        tens, units = divmod(rest, 10)
        if joint and place == 0 and not hundreds:
            joint = " and "
        if hundreds:
            yield _token(joint, _word(hundreds, "en"), str(place + 2))
            yield _token(" ", "hundred", _power(place + 2))
            joint = " and "
        if tens == 1:
            unit = [str(place)] if units else []
            yield _token(joint, _word(rest, "en"), str(place + 1), _power(place + 1), *unit)
        elif tens:
            yield _token(joint, _word(10 * tens, "en"), str(place + 1), _power(place + 1))
            joint = "-"
        if units and tens != 1:
            yield _token(joint, _word(units, "en"), str(place))
        if place:
            yield _token(" ", ("thousand", "million", "billion", "trillion")[place // 3 - 1], _power(place))
        joint = ", "


def _german(number: int) -> Iterator[Token]:
    joint = ""
    for group, place in _groups(number, 3):
        hundreds, rest = divmod(group, 100)
        tens, units = divmod(rest, 10)
        if hundreds:
            yield _token(joint, "ein" if hundreds == 1 else _word(hundreds, "de"), str(place + 2))
            yield _token("", "hundert", _power(place + 2))
            joint = ""
        if tens == 1:
            unit = [str(place)] if units else []
            yield _token(joint, _word(rest, "de"), str(place + 1), *unit)
        elif units:
            one = "ein" if tens or (group == 1 and place == 3) else "eine" if group == 1 and place else "eins"
            yield _token(joint, one if units == 1 else _word(units, "de"), str(place))
            joint = ""
        if tens > 1:
            if units:
                yield _token("", "und", str(place + 1))
            yield _token(joint, _word(10 * tens, "de"), str(place + 1))
        if place == 3:
            yield _token("", "tausend", _power(place))
        elif place:
            magnitude = ("Million", "Milliarde", "Billion")[place // 3 - 2]
            plural = "" if group == 1 else "n" if magnitude.endswith("e") else "en"
            yield _token(" ", magnitude + plural, _power(place))
        joint = "" if place == 3 else " "


def _french(number: int) -> Iterator[Token]:
    joint = ""
    for group, place in _groups(number, 3):
        if group == 1 and place == 3:
            yield _token(joint, "mille", str(place), _power(place))
        else:
            for token in _french_group(group, place):
                yield token._replace(joint=joint) if joint else token
                joint = ""
            if place == 3:
                yield _token(" ", "mille", _power(place))
            elif place:
                magnitude = ("million", "milliard", "billion")[place // 3 - 2]
                yield _token(" ", magnitude + "s" * (group > 1), _power(place))
        joint = " "


def _french_group(group: int, place: int) -> Iterator[Token]:
    """Write 1 to 999; *cents* and *vingts* at its end carry an s, except before *mille*."""
    hundreds, rest = divmod(group, 100)
    unit, ten = str(place), str(place + 1)
    joint = ""
    if hundreds > 1:
        yield _token("", _word(hundreds, "fr"), str(place + 2))
        yield _token(" ", "cent" if rest or place == 3 else "cents", _power(place + 2))
        joint = " "
    elif hundreds:
        yield _token("", "cent", str(place + 2), _power(place + 2))
        joint = " "
    base = 80 if rest >= 80 else 10 * min(rest // 10, 6) if rest >= 20 else 0
    rest -= base
    if base == 80:
        yield _token(joint, "quatre", ten)
        yield _token("-", "vingt" if rest or place == 3 else "vingts", ten)
        joint = "-"
    elif base:
        yield _token(joint, _word(base, "fr"), ten)
        joint = "-"
        if rest in (1, 11):
            yield _token(" ", "et", ten)
            joint = " "
    if rest in (10, 17, 18, 19):
        yield _token(joint, _word(10, "fr"), ten)
        joint, rest = "-", rest - 10
    if rest:
        yield _token(joint, _word(rest, "fr"), unit, *[ten] * (rest > 10))


def _korean(number: int) -> Iterator[Token]:
    joint = ""
    for group, group_place in _groups(number, 4):
        for offset in (3, 2, 1, 0):
            digit = group // 10**offset % 10
            if not digit:
                continue
            place = group_place + offset
            bare = digit == 1 and (offset > 0 or (group == 1 and group_place == 4))
            if not bare:
                yield _token(joint, _word(digit, "ko"), str(place))
                joint = ""
            if offset:
                yield _token(joint, "십백천"[offset - 1], _power(place), *[str(place)] * bare)
                joint = ""
        if group_place:
            digit_too = [str(place)] * (group == 1 and group_place == 4)
            magnitude = "만억조"[group_place // 4 - 1]
            yield _token(joint, magnitude, _power(place), _power(place // 3 * 3), *digit_too)
        joint = " "


_SPELLERS = {"en": _english, "de": _german, "fr": _french, "ko": _korean}
