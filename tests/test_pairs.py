"""Parallel sentences: what the public sets hold, a split that shares no source sentence, and a file of one's own."""

import hashlib
from zipfile import ZipFile

import pytest

from course_utils.data import pairs as module
from course_utils.data.pairs import load_pairs, read_pairs
from tests.public_sets import needs
from tests.test_public_sets import card

PARTS = ("train", "val", "test")
OWN = [(f"Satz Nummer {i}.", f"sentence number {i}") for i in range(211)]


def letters(sentence):
    return "".join(filter(str.isalnum, sentence.casefold()))


def sources(pairs):
    return [{letters(source) for source, _ in getattr(pairs, part)} for part in PARTS]


def assert_no_source_is_in_two_parts(pairs):
    train, val, test = sources(pairs)
    assert len(train) + len(val) + len(test) == len(train | val | test)


def in_two_parts(pairs, column):
    sides = [{pair[column] for pair in getattr(pairs, part)} for part in PARTS]
    return sum(map(len, sides)) - len(set.union(*sides))


def write(folder, lines, name="own.tsv"):
    path = folder / name
    path.write_bytes(b"".join(line if isinstance(line, bytes) else f"{line}\n".encode() for line in lines))
    return path


@needs("multi30k")
def test_multi30k_is_german_to_english_in_the_published_split():
    pairs = load_pairs("multi30k", progress=False)
    assert (pairs.source_language, pairs.target_language) == ("German", "English")
    assert [len(getattr(pairs, part)) for part in PARTS] == [29_000, 1014, 1000]
    assert pairs.train[0][0].startswith("Zwei junge weiße Männer")
    assert pairs.train[0][1].startswith("Two young")
    assert in_two_parts(pairs, column=0) == 1  # as published


@needs("tatoeba_deu")
def test_german_tatoeba_keeps_its_characters_and_shares_no_source_sentence():
    pairs = load_pairs("tatoeba_deu", progress=False)
    assert (pairs.source_language, pairs.target_language) == ("German", "English")
    assert pairs.train[0] == ("Hallo!", "Hi.")
    every = [pair for part in PARTS for pair in getattr(pairs, part)]
    assert len(every) == len(set(every)) == 169_159  # of 169,197 lines
    german = "".join(source for source, _ in every)
    assert [german.count(letter) for letter in "äöüßÄÖÜ\u00a0\u202f"] == [
        21823,
        18197,
        30906,
        10694,
        333,
        137,
        433,
        412,
        17,
    ]
    assert "Ã" not in german
    assert_no_source_is_in_two_parts(pairs)
    assert load_pairs("tatoeba_deu", progress=False) == pairs


@needs("tatoeba_kor")
def test_korean_tatoeba_is_korean_to_english_without_the_column_of_authors():
    pairs = load_pairs("tatoeba_kor", progress=False)
    assert (pairs.source_language, pairs.target_language) == ("Korean", "English")
    assert pairs.train[0] == ("가.", "Go.")
    every = [pair for part in PARTS for pair in getattr(pairs, part)]
    assert len(every) == len(set(every)) == 3833
    assert sum("가" <= letter <= "힣" for source, _ in every for letter in source) == 42_042
    assert not any("tatoeba" in target.lower() for _, target in every)
    assert_no_source_is_in_two_parts(pairs)


@needs("tatoeba_kor")
def test_the_split_is_the_same_on_every_machine():
    test = "\n".join(source for source, _ in load_pairs("tatoeba_kor", progress=False).test)
    assert hashlib.sha256(test.encode()).hexdigest()[:16] == "64c037dcfeab8cae"


@pytest.mark.parametrize(
    ("name", "heading"),
    [
        pytest.param(name, heading, marks=needs(name))
        for name, heading in [("tatoeba_deu", "Tatoeba German"), ("tatoeba_kor", "Tatoeba Korean")]
    ],
)
def test_the_cards_of_tatoeba_tell_what_is_loaded(name, heading):
    pairs = load_pairs(name, progress=False)
    assert card(heading) == {f"{part} pairs": len(getattr(pairs, part)) for part in PARTS} | {
        f"different {pairs.source_language} sentences": len(
            {pair[0] for part in PARTS for pair in getattr(pairs, part)}
        ),
        "different English sentences": len({pair[1] for part in PARTS for pair in getattr(pairs, part)}),
        f"{pairs.source_language} sentences in two parts": in_two_parts(pairs, column=0),
        "English sentences in two parts": len(english_in_two_parts(pairs)),
    }


def english_in_two_parts(pairs):
    train, val, test = ({target for _, target in getattr(pairs, part)} for part in PARTS)
    return train & val | train & test | val & test


@pytest.mark.parametrize("name", ["tatoeba_deu", "tatoeba_kor"])
def test_tatoeba_files_are_read_with_each_pair_once(name, tmp_path, monkeypatch):
    end = "\tCC-BY 2.0 somebody" if name == "tatoeba_kor" else ""
    text = "".join(f"{english}\t{foreign}{end}\n" for foreign, english in [*OWN, OWN[0]]).encode()
    (tmp_path / "kor.txt").write_bytes(text)
    with ZipFile(tmp_path / "deu-eng.zip", "w") as archive:
        archive.writestr("deu.txt", text)
    monkeypatch.setattr(module, "fetch", lambda *_: {path.name: path for path in tmp_path.iterdir()})
    pairs = load_pairs(name, progress=False)
    assert sorted(pairs.train + pairs.val + pairs.test) == sorted(OWN)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match="'tatoeba'; choose one of multi30k, tatoeba_deu, tatoeba_kor"):
        load_pairs("tatoeba")


def test_ones_own_pairs_are_split_by_source_and_keep_their_part(tmp_path):
    lines = [f"{source}\t{target}" for source, target in OWN]
    again = [f"{source.upper()}!\tanother translation of {target}" for source, target in OWN]
    pairs = read_pairs(write(tmp_path, lines), "German", "English")
    assert sorted(pairs.train + pairs.val + pairs.test) == sorted(OWN)
    assert (pairs.source_language, pairs.target_language) == ("German", "English")
    assert len(pairs.train) > 0.8 * len(OWN)
    more = read_pairs(write(tmp_path, again + lines), "German", "English")
    assert sources(more) == sources(pairs)
    assert len(more.train) == 2 * len(pairs.train)


def test_a_byte_order_mark_windows_line_ends_and_other_line_separators_do_no_harm(tmp_path):
    lines = [f"{source}\u2028weiter\u00a0so\t{target}" for source, target in OWN]
    plain = read_pairs(write(tmp_path, lines), "German", "English")
    windows = write(tmp_path, [b"\xef\xbb\xbf", *(f"{line}\r" for line in lines)], "windows.tsv")
    assert read_pairs(windows, "German", "English") == plain
    assert "Satz Nummer 0.\u2028weiter\u00a0so" in {source for source, _ in plain.train + plain.val + plain.test}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"kein Tabulator\n", r"line 8: 2 columns of text .*, but 1 of 1 columns hold text"),
        (b"eins\ttwo\tdrei\n", r"line 8: .* but 3 of 3 columns hold text"),
        (b"eins\t \n", r"line 8: .* but 1 of 2 columns hold text"),
        ("schöne\tpretty\n".encode("latin-1"), r"line 8: byte 4 is not UTF-8; save the file as UTF-8"),
    ],
)
def test_a_wrong_line_is_named_by_its_number(line, message, tmp_path):
    lines = [f"{source}\t{target}" for source, target in OWN]
    with pytest.raises(ValueError, match=rf"own\.tsv, {message}"):
        read_pairs(write(tmp_path, [*lines[:7], line, *lines[7:]]), "German", "English")


def test_too_few_pairs_for_three_parts_are_said(tmp_path):
    with pytest.raises(ValueError, match=r"no pair falls into val.*a hundred different ones or more are needed"):
        read_pairs(write(tmp_path, ["eins\tone"]), "German", "English")
