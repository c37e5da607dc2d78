"""The course in other languages: what is translated, what survives a translation, and that none can be stale."""

import linecache
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
import torch

from course_utils.evidence.card import line_and_rest
from course_utils.evidence.record import records_of
from course_utils.exercises import cells, checks, copies, kinds, praise, reading, repair, weighing
from course_utils.exercises.catalogue import EXERCISES
from course_utils.exercises.checks import NOT_ATTEMPTED
from course_utils.exercises.classroom import SPEAKS_OF_SOLUTIONS, handout, language_of
from course_utils.exercises.copies import copy_of, make_copies
from course_utils.exercises.tables import Row, feedback
from course_utils.files import EXPERIMENT_NOTEBOOKS, LECTURES, NOTEBOOKS, README, START_AND_LECTURES
from course_utils.languages import catalogues, package, weave
from course_utils.languages.__main__ import main
from course_utils.languages.catalogues import COURSE, exported, imported, lost, messages, open_messages, read, update
from course_utils.languages.speaking import LANGUAGE, Speaker, said, speaker
from course_utils.languages.weave import headings, slug, unique, woven
from course_utils.publishing import glossary, readme
from course_utils.publishing.korean import SearchKorean
from course_utils.publishing.readme import translated
from course_utils.publishing.site import SOURCES
from course_utils.publishing.slides import make_decks
from course_utils.publishing.teaching import asked_in
from course_utils.refusals import Stop, read_notebook
from tests.pseudo import CODE, MARK, pseudo, translate

EVERY = [*START_AND_LECTURES, *EXPERIMENT_NOTEBOOKS]
LECTURE = START_AND_LECTURES[2]
NAME = catalogues.name_of(LECTURE)
TRANSLATED = [(language, name) for language in catalogues.languages() for name in catalogues.names()]


@pytest.fixture
def apart(tmp_path, monkeypatch) -> Iterator[Path]:
    """Keep catalogues in a folder of the test."""
    monkeypatch.setattr(catalogues, "LANGUAGES", tmp_path / "languages")
    speaker.cache_clear()
    yield tmp_path / "languages"
    speaker.cache_clear()


@pytest.fixture(scope="module")
def everywhere(tmp_path_factory) -> Iterator[Path]:
    """Translate all of the course into the language that nobody speaks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalogues, "LANGUAGES", tmp_path_factory.mktemp("languages"))
        for name in catalogues.names():
            translate(name)
        speaker.cache_clear()
        yield catalogues.LANGUAGES
    speaker.cache_clear()


# what is translated, in every language that there is


@pytest.mark.parametrize(("language", "name"), TRANSLATED)
def test_formulas_code_links_tags_guards_and_numbers_survive_a_translation(language, name):
    told = [
        f"{key}: {what}"
        for key, entry in read(language, name).items()
        if entry.translation and not entry.fuzzy
        for what in lost(entry.english, entry.translation)
    ]
    assert not told, f"{catalogues.path_of(language, name)}: {told}"


@pytest.mark.parametrize("language", catalogues.released())
def test_a_released_language_lacks_no_message_and_has_none_of_an_earlier_english(language):
    lacking = [f"{name}: {message.context}" for name in catalogues.names() for message in open_messages(language, name)]
    assert not lacking, f"translate these, or take {language} out of {catalogues.RELEASED.name}: {lacking}"


@pytest.mark.parametrize("language", catalogues.released())
def test_a_handout_in_a_released_language_does_not_speak_of_solutions(language):
    told = {ours: said(ours, language) for ours in SPEAKS_OF_SOLUTIONS}
    for path in START_AND_LECTURES:
        cells = read_notebook(path).cells
        for before, after in zip(cells, woven(read_notebook(path), path, language).cells, strict=True):
            for ours, theirs in told.items():
                assert before.cell_type != "markdown" or (ours in before.source) == (theirs in after.source)


@pytest.mark.parametrize("language", catalogues.released())
def test_readme_is_there_in_a_released_language(language):
    path = README.with_suffix(f".{language}.md")
    assert path.read_text(encoding="utf-8") == translated(README.read_text(encoding="utf-8"))[path]


# terms

NOT_SAID = {  # English term → Korean words for it that the course does not use, since it uses the glossary's first
    "attention": "주의 (메커니즘|기반|집중|가중치)|주의력|(자기|교차|다중) 주의|어탠션|어텐숀",
    "query": "질의(?!응답)",
    "value": "밸류",
    "score": "스코어",
    "context vector": "컨텍스트",
    "hidden state": "은닉상태|(숨은|숨겨진|히든) ?상태|히든 스테이트",
    "encoder": "부호기|엔코더",
    "decoder": "복호기|복호화기",
    "embedding": "임배딩|매립",
    "mask": "마스킹",
    "softmax": "소프트 맥스",
    "gradient": "그래디언트|그라디언트|그레이디언트|구배|경사도",
    "vanishing gradient": "기울기 (소멸|사라짐)|(소실|소멸)되는 기울기",
    "exploding gradient": "기울기 폭발",
    "self-attention": "셀프어텐션|자기 ?어텐션",
    "cross-attention": "크로스어텐션|교차 ?어텐션",
    "multi-head attention": "멀티헤드|다중 헤드|멀티 어텐션",
    "layer normalisation": "(레이어|계층) 정규화",
    "residual connection": "잔여 연결|잔차연결|스킵 연결",
    "positional encoding": "위치 부호화|포지셔널",
    "causal mask": "인과적 마스크|인과성 마스크",
    "teacher forcing": "티처 포싱|교사강요|교사 강제",
    "exposure bias": "노출 (바이어스|편중)",
    "beam search": "빔 서치|빔서치",
    "warm-up": "워밍업|워밍 업",
    "sequence to sequence": "시퀀스 투 시퀀스|시퀀스 대 시퀀스",
    "bag of words": "단어 가방|단어가방",
    "convolution": "컨볼루션|콘볼루션",
    "dilated convolution": "(확장|딜레이티드) 합성곱",
    "receptive field": "수용장|수용영역|감수 영역",
    "edge": "엣지|에지(?!만)",
    "node": "정점",
    "homophily": "동질성|유유상종",
    "permutation equivariance": "동변성",
    "baseline": "베이스라인|기준 모델|기저선",
    "control": "통제군|통제 집단",
    "seed": "씨앗",
    "vocabulary": "단어장",
}


@pytest.mark.parametrize("name", catalogues.names())
def test_a_term_is_said_in_one_way(name):
    told = [
        f"{key}: {found[0]!r} for {term}"
        for key, entry in read("ko", name).items()
        if not key.startswith("glossary-")
        for term, words in NOT_SAID.items()
        for found in re.finditer(words, entry.translation)
    ]
    assert not told


def test_where_the_english_says_a_term_the_korean_says_the_word_of_the_glossary():
    known = glossary.terms((SOURCES / "glossary.md").read_text(encoding="utf-8"))
    said_otherwise = {term.names[0]: [] for term in known}
    for name in catalogues.names():
        for key, entry in read("ko", name).items():
            english = catalogues.without_kept(entry.english)
            for term in known if entry.translation and not entry.fuzzy and not key.startswith("glossary-") else []:
                spoken_of = [word for word in term.names if re.search(rf"(?<![\w-]){word}s?(?![\w-])", english)]
                if spoken_of and not any(word in entry.translation for word in (*spoken_of, *term.korean)):
                    said_otherwise[term.names[0]].append(f"{name}: {key}")
    assert len(said_otherwise) > 50
    assert not {term: places for term, places in said_otherwise.items() if len(places) > 2}  # a sentence may do without


def test_the_glossary_has_the_same_korean_words_in_both_languages():
    rows = [entry for entry in read("ko", COURSE).values() if re.match(r"\| \*\*.*ipynb#", entry.english)]
    assert len(rows) > 50
    for entry in rows:
        words = [text.split(" | ")[1].split(" (")[0] for text in (entry.english, entry.translation)]
        assert words[0] == words[1]


# catalogues


def test_a_message_is_named_by_its_cell_and_the_heading_above_it():
    cells = {cell.id: cell.source for cell in read_notebook(LECTURE).cells}
    listed = messages(NAME)
    assert len(listed) > 60
    assert len({message.name for message in listed}) == len(listed)
    for message in listed:
        assert cells[message.name] == message.english
        assert message.context.startswith(f"{message.name} · {message.place}")
    assert "#" not in {message.place[:1] for message in listed}, "a comment in a solution's code is no heading"


def test_a_catalogue_is_the_same_file_each_time_and_comes_back_from_it(apart):
    translate(NAME)
    path = catalogues.path_of(CODE, NAME)
    before = path.read_bytes()
    update(CODE, NAME)
    assert path.read_bytes() == before
    assert {key: entry.translation for key, entry in read(CODE, NAME).items()} == {
        message.name: pseudo(message.english) for message in messages(NAME)
    }


def _changed(monkeypatch, word: str = "changed") -> catalogues.Message:
    """Change the English of one message, as an edited cell does."""
    listed = messages(NAME)
    new = catalogues.Message(listed[3].name, listed[3].place, f"{listed[3].english} It has {word}.")
    monkeypatch.setattr(catalogues, "messages", lambda name: (*listed[:3], new, *listed[4:]))
    return new


def test_a_translation_of_an_earlier_english_is_kept_for_the_translator_and_never_shown(apart, monkeypatch):
    translate(NAME)
    new = _changed(monkeypatch)
    notebook = read_notebook(LECTURE)
    place = next(i for i, cell in enumerate(notebook.cells) if cell.id == new.name)
    notebook.cells[place].source = new.english

    def shown() -> str:
        return woven(notebook, LECTURE, CODE).cells[place].source

    assert open_messages(CODE, NAME) == [new]
    assert shown().startswith(new.english)
    assert "untranslated" in shown()
    update(CODE, NAME)
    entry = read(CODE, NAME)[new.name]
    assert entry.fuzzy
    assert entry.english == new.english, "as gettext has it: the English of today, marked as fuzzy"
    assert MARK in entry.translation
    assert shown().startswith(new.english)
    assert open_messages(CODE, NAME) == [new]
    update(CODE, NAME, {new.name: pseudo(new.english)})
    assert shown().endswith(pseudo("It has changed."))
    assert not open_messages(CODE, NAME)


def test_a_cell_with_another_id_keeps_its_translation(apart, monkeypatch):
    translate(NAME)
    first, *others = messages(NAME)
    moved = catalogues.Message("another-id", first.place, first.english)
    monkeypatch.setattr(catalogues, "messages", lambda name: (*others, moved))
    update(CODE, NAME)
    assert not open_messages(CODE, NAME)


def test_a_translator_needs_a_plain_text_alone(apart, capsys, tmp_path):
    assert main(["export", CODE, NAME]) == 0
    text = capsys.readouterr().out
    listed = messages(NAME)
    first = listed[0]
    translated = text.replace(first.english, pseudo(first.english))
    (tmp_path / "back.txt").write_text(translated, encoding="utf-8")
    assert main(["import", CODE, NAME, str(tmp_path / "back.txt")]) == 0
    assert open_messages(CODE, NAME) == list(listed[1:])
    assert main(["status", CODE, NAME]) == 0
    assert f"1 of {len(listed)} translated" in capsys.readouterr().out
    assert f"{first.name} " not in "".join(exported(CODE, NAME, only_open=True))


def test_a_name_stays_as_it_is(apart):
    name = next(message for message in messages(COURSE) if message.english == "Bahdanau")
    assert imported(CODE, COURSE, f"%%% {name.name} {name.mark} · x\n=\n") == []
    assert read(CODE, COURSE)[name.name].translation == "Bahdanau"
    assert name not in open_messages(CODE, COURSE)


def test_a_text_of_an_earlier_english_is_not_taken_and_a_lost_formula_is_named(apart, monkeypatch):
    before = "".join(exported(CODE, NAME))
    new = _changed(monkeypatch)
    assert any(new.name in line and "has changed" in line for line in imported(CODE, NAME, before))
    formula = next(message for message in messages(NAME) if "$" in message.english)
    text = f"%%% {formula.name} {formula.mark} · x\n{formula.english.replace('$', '')} Ŝ\n"
    assert any("lacks '$" in line for line in imported(CODE, NAME, text))
    for line in ("%%% nowhere 12345678 · x", "%%% nowhere"):
        with pytest.raises(Stop, match="no message 'nowhere'"):
            imported(CODE, NAME, f"{line}\nŜ\n")


@pytest.mark.parametrize(
    ("english", "translation", "told"),
    [
        ("It is $x_1$.", "Ĝi estas $x_2$.", "lacks '$x_1$'"),
        ("See `mask`.", "Vidu maskon.", "lacks '`mask`'"),
        ("[here](01.ipynb#a)", "[tie](01.ipynb#b)", "lacks '(01.ipynb#a)'"),
        ("It is 0.43. <!-- printed: 0.43 -->", "Ĝi estas 0.43.", "lacks '<!-- printed: 0.43 -->'"),
        ("## Exercise 5 · Greedy", "## Ekzerco 6 · Avida", "lacks the number 5"),
        ("## Heading", "### Titolo", "has other headings"),
        ("<details>A</details>", "<details>A", "lacks '</details>'"),
        ("```python\nx\n```", "```python\ny\n```", "lacks '```python\\nx\\n```'"),
        ("Found {x}.", "Trovita.", "lacks '{x}'"),
        ("It is **it**.", "그것은 **어텐션(it)**입니다.", "shows the stars of"),
        ("It is five.", "Ĝi estas `5`.", "has '`5`' too many"),
    ],
)
def test_what_a_translation_lost_is_named(english, translation, told):
    assert any(line.startswith(told) for line in lost(english, translation))


def test_words_alone_may_change():
    english = '![A map](a.png) <img src="b.png" alt="A map"> costs $5. # no heading'
    assert lost("**It** is $x$.", "**그것**은 값$x$이고 **그것**(it)은 *맞다.* 끝") == []
    assert lost(english, '![Mapo](a.png) <img src="b.png" alt="Mapo"> kostas $5. # neniu titolo, 3') == []


# weaving


@pytest.mark.thorough
@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.stem)
def test_code_outputs_and_names_of_cells_are_the_english_ones_byte_for_byte(path, everywhere):
    english = read_notebook(path)
    translated = woven(english, path, CODE)
    assert english == read_notebook(path)
    for before, after in zip(english.cells, translated.cells, strict=True):
        assert {**before, "source": ""} == {**after, "source": ""}
        assert before.cell_type == "markdown" or before.source == after.source
        if before.cell_type == "markdown" and catalogues.says_something(before.source):
            assert MARK in after.source
    nbformat.validate(translated)


@pytest.mark.thorough
def test_text_is_forty_per_cent_longer_in_the_language_that_nobody_speaks(everywhere):
    words = [word for message in messages(NAME) for word in re.findall(r"[a-z]{5,}", message.english)]
    assert sum(map(len, map(pseudo, words))) > 1.35 * sum(map(len, words))


@pytest.mark.thorough
def test_links_to_sections_land_in_the_same_section(everywhere):
    links, anchors = [], {}
    for path in EVERY:
        taken: dict[str, int] = {}
        anchors[path] = set()
        for before, after in zip(read_notebook(path).cells, woven(read_notebook(path), path, CODE).cells, strict=True):
            if before.cell_type == "markdown":
                names = [(level, unique(slug(title), taken)) for level, title in headings(before.source)]
                found = re.findall(r'<a id="([^"]+)"></a>\n\n(#+) ', after.source)
                assert [(len(marks), name) for name, marks in found] == [pair for pair in names if pair[0] > 1]
                anchors[path] |= {name for name, _ in found}
                links += [(path, *link) for link in re.findall(r"\]\(([^()#:]*)#([^()]+)\)", after.source)]
    for path, page, anchor in links:
        assert anchor in anchors[(path.parent / page).resolve() if page else path], (path.name, page, anchor)


def test_english_stays_as_it_is():
    notebook = read_notebook(LECTURE)
    assert woven(notebook, LECTURE, "") == notebook
    assert weave.woven_page("## One", "") == "## One"


@pytest.mark.thorough
def test_a_page_is_translated_block_by_block(everywhere):
    page = package.PAGES[0].read_text(encoding="utf-8")
    translated = weave.woven_page(page, CODE)
    assert translated.count("\n") == page.count("\n")
    assert f"{pseudo('Lectures')} <lectures/index>" in translated
    assert "<!-- the table -->" in translated
    assert pseudo("## Six lectures") in translated


# sentences

SPOKEN = Speaker(
    {
        "Expected {0}, found {name}.": "{name} anstataŭ {0}!",
        "the mean of {name}": "meznombro de {name}",
        "not yet. {sentence}": "ankoraŭ ne. {sentence}",
        "Look again.": "Rigardu.",
        "values": "valoroj",
        "You said: ${option}.": "Vi diris: ${option}.",
        "mean": "meznombro",
        "mean, once more": "meznombro, denove",
        "(control)": "(kontrolo)",
        "right": "ĝusta",
        "One sentence in two lines.": "Unu frazo.",
        "See `{name}`.": "Vidu `{name}`.",
        "one of {number}": "unu el {number} diroj",
        "{kind} · {number} seeds": "{kind} · semoj {number}",
    }
)


@pytest.mark.parametrize(
    ("english", "translation"),
    [
        ("Expected 3, found x.", "x anstataŭ 3!"),
        (
            "not yet. Expected the mean of values, found 2. Look again.",
            "ankoraŭ ne. 2 anstataŭ meznombro de valoroj! Rigardu.",
        ),
        ("Look\nagain.", "Rigardu."),
        ("GAT − mean", "GAT − meznombro"),
        ("mean 8.5 %, mean, once more (control) 8.4 %", "meznombro 8.5 %, meznombro, denove (kontrolo) 8.4 %"),
        ("mean − nobody's", "mean − nobody's"),
        ("See `values`.", "Vidu `values`."),
        ("Expected 3, found 0.5.", "0.5 anstataŭ 3!"),
        ("something else", "something else"),
        ("one of 2 · 5 seeds", "unu el 2 diroj · semoj 5"),
        ("", ""),
    ],
)
def test_a_finished_sentence_is_said_by_the_template_that_fits(english, translation):
    assert SPOKEN.said(english) == translation


def test_html_is_translated_where_it_is_read():
    markup = (
        '<p title="Look again." class="values">values<b>3</b></p><script>say(`You said: ${option}.`, "values")</script>'
    )
    expected = (
        '<p title="Rigardu." class="values">valoroj<b>3</b></p><script>say(`Vi diris: ${option}.`, "values")</script>'
    )
    assert SPOKEN.shown(markup) == expected


def test_in_scripts_a_sentence_may_have_several_lines_and_a_word_alone_is_marked():
    script = '<script>one(spoken("right"), "right", "One sentence "\n    + "in two lines.");</script>'
    assert [*package.in_script(script)] == ["right", "One sentence in two lines."]
    assert SPOKEN.shown(script) == '<script>one(spoken("ĝusta"), "right", "Unu frazo.");</script>'


def test_an_index_below_the_line_is_a_part_of_its_sentence():
    speaker = Speaker({"It asks with s_i and not with s_{i-1}.": "Ne s_{i-1}, sed s_i."})
    markup = "<p>It asks with s<sub>i</sub> and not with s<sub>i−1</sub>.</p>"
    assert speaker.shown(markup) == "<p>Ne s<sub>i−1</sub>, sed s<sub>i</sub>.</p>"


@pytest.mark.thorough
def test_every_word_of_every_card_is_said_in_another_language(everywhere):
    silent = set()
    for path in LECTURES:
        for record in records_of(path.stem[:2]):
            for claim in record.claims:
                shown = speaker(CODE).shown("".join(line_and_rest(record, claim)[1:]))
                for text in re.findall(r'>([^<>]+)<|aria-label="([^"]*)"', re.sub("</?sub>", "", shown)):
                    silent |= {
                        word
                        for word in re.findall(r"\b[^\W\d_]*[a-z]{3}[^\W\d_]*\b", "".join(text))
                        if MARK not in word
                    }
    assert not silent


def _unmarked(text: str) -> list[str]:
    """Give the English words of a sentence that are not marked: names, code and what was computed left out."""
    bare = re.sub(r"`[^`]*`|'[^']*'|\"[^\"]*\"|\([^()]*\)|\b\w+[._]\w+|\w*\d\w*", " ", text)
    return [word for word in re.findall(r"[^\W\d_]{3,}", bare) if MARK not in word and word not in NAMES]


NAMES = {  # of functions and things in code, which stay as they are
    *("softmax", "tanh", "tensor", "GELU", "ELU", "int", "LeakyReLU", "SiLU", "ReLU", "None", "NaN", "True", "False"),
}


@pytest.mark.thorough
def test_every_message_of_the_checks_is_said_in_another_language(everywhere):
    speak, told, axes = speaker(CODE), set(), {"Look"}
    for exercise in EXERCISES.values():
        told |= {f"not yet. {wrong.message}" for wrong in exercise.wrong_answers.values()}
        if exercise.asks_for == "function":
            draws, hard = checks._draws(exercise)
            axes |= {word for name, named in kinds.parameters(exercise) for word in (name, *named)}
            told |= {sentence for _, sentence in kinds.of_arguments(exercise, draws[0])}
            told |= {f"not yet. Right for ordinary arguments, but not {what}. Look." for what in hard}
    told |= {sentence for _, sentence in kinds.of_results()}
    assert len(told) > 1500
    silent = {text: left for text in sorted(told) if (left := {*_unmarked(speak.said(text))} - axes)}
    assert not silent, list(silent.items())[:20]


def _slips(file: str) -> list[str]:
    """Give all that is said of one slip in a function; where its file is not to be found, lines have numbers alone."""
    if file:
        linecache.cache[file] = len(SOURCE), None, SOURCE.splitlines(keepends=True), file
    made: dict = {}
    exec(compile(SOURCE, file or "nowhere", "exec"), made)
    return [sentence for _, sentence in repair._changes(made["f"].__code__)]


def _related(change, name: str = "01_last_state") -> str | None:
    """Say how results are related to the right ones, of which a change of (result, first argument) makes them."""
    exercise = EXERCISES[name]
    draws, _ = checks._draws(exercise)
    expected = [exercise.reference(*draw) for draw in draws]
    return kinds.relation(expected, [change(e, d[0]) for e, d in zip(expected, draws, strict=True)], draws, exercise)


SOURCE = """def f(x, keys, mask):
    y = x.sum(1) - keys * 0.5 if len(x) < 12 else x.T.permute(1, 0)
    return -y.mean(-1, keepdim=True) * ~mask
"""
MADE_OF_PIECES = {  # what is said with words in its holes, or with sentences behind each other
    "how many are wrong, and which number is too large": lambda: [
        checks.diagnose(name, value)
        for name, values in {
            "04_layers_needed": [(9, 9), (99, 99), (25, 99), (25.5, 3)],
            "04_pairs_in_a_state": [(1, 64, 1), (99, 99, 2048)],
            "05_base_model": [(1, 1, 44_040_192, 1), (1_048_576, 9_999_999, 99_999_999, 1_024)],
        }.items()
        for value in values
    ],
    "which entry has another form": lambda: [
        checks.diagnose("06_good_advice", tuple(7 if i == place else "GAT" for i in range(3))) for place in range(3)
    ],
    "between what to choose": lambda: [checks.diagnose("06_good_advice", ("GAT", "x", "GAT"))],
    "another function": lambda: [told for right in ("tanh", "LeakyReLU") for _, told in weighing.bends(right).values()],
    "what was done along an axis": lambda: [told for _, told in kinds.of_results()],
    "what the result is": lambda: [
        _related(lambda right, states, r=r: r(states, 1)) for r in kinds.REDUCTIONS.values()
    ],
    "what was added": lambda: [
        *(_related(lambda right, states, r=r: right + r(states, 1)) for r in kinds.REDUCTIONS.values()),
        _related(lambda right, states: right - states.amax(1)),
        _related(lambda right, states: (right + states.mean(1)) / 2),
    ],
    "several results": lambda: [
        _related(lambda right, x: (-right[0], 2 * right[1], *right[2:]), "05_cached_step"),
        _related(lambda right, x: (-right[0], *(part.sin() + 7 for part in right[1:])), "05_cached_step"),
    ],
    "one slip in a line": lambda: [*_slips(""), *_slips("slips.py")],
    "one slip, and what was raised": lambda: [
        f"{told} ({checks._raised(ValueError('3'), (torch.ones(2), len))})" for told in _slips("slips.py")
    ],
    "in which line a cell failed": lambda: [
        "The newest cell that defines `f` has failed "
        f"({cells._told(SyntaxError('`)`', ('a', 3, 1, 'x')))}), and Python still has what an older one defined. "
        "Mend that cell, run it, and check again."
    ],
    "what was raised by which arguments": lambda: [checks._raised(ValueError("3"), (torch.ones(2), len, 3))],
    "what is expected": lambda: [
        *(f"Expected {reading.kind(value)}, found 3." for value in ((1, 2), [1, 2], torch.ones(2), 3)),
        *(reading.difference(torch.ones(2), kind([torch.ones(2)])) for kind in (list, tuple)),
    ],
    "a size that is no axis": lambda: [
        f"Every number is right but for one factor: yours are 1/{size} times what they should be."
        for exercise in EXERCISES.values()
        if exercise.asks_for == "function"
        for size in kinds._sizes(exercise, checks._draws(exercise)[0][0])
    ],
    "what comes next": lambda: [
        *(point for points in praise.POINTS.values() for point in points),
        *(praise._next_lecture(name[:2]) for name in EXERCISES),
    ],
}


@pytest.mark.thorough
@pytest.mark.parametrize("what", MADE_OF_PIECES)
def test_no_word_of_a_sentence_that_is_made_of_pieces_stays_english(what, everywhere):
    told = [sentence for sentence in MADE_OF_PIECES[what]() if sentence]
    silent = {text: left for text in told if (left := [*_english(speaker(CODE).said(text))])}
    assert not silent, list(silent.items())[:5]


def _english(text: str) -> Iterator[str]:
    """Give the words that are not marked, in brackets too: names, code and what is quoted left out."""
    bare = re.sub(r"`[^`]*`|'[^']*'|\"[^\"]*\"|\b\w+[._]\w+|\w*\d\w*", " ", text)
    functions = [exercise for exercise in EXERCISES.values() if exercise.asks_for == "function"]
    listed = [parameter for exercise in functions for parameter in kinds.parameters(exercise)]
    names = {*NAMES, "len", "ValueError", "SyntaxError", "GRU", "GAT"} | {
        word for name, axes in listed for word in (name, *axes)
    }
    return (word for word in re.findall(r"[^\W\d_]{2,}", bare) if MARK not in word and word not in names)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("01_last_state", lambda states, lengths: states[:, -1]),
        ("01_last_state", lambda states, lengths: states[:, 0, :1]),
        ("01_last_state", lambda states, lengths: 1 / 0),
        ("01_last_state", lambda states, lengths: states.add_(1)),
        ("01_last_state", 3),
        ("02_soft_dictionary", "14"),
        ("02_soft_dictionary", 99),
        ("03_learned_query", lambda *arguments: None),
    ],
)
def test_a_check_answers_in_the_language_of_the_process(name, answer, everywhere, monkeypatch, capsys):
    monkeypatch.setenv(LANGUAGE, CODE)
    checks.check(name, answer)
    printed = capsys.readouterr().out.removeprefix(f"{name}: ").strip()
    assert MARK in printed
    assert not [word for word in _unmarked(printed) if word not in ("ZeroDivisionError", "division", "zero")]


# commands


def test_copies_are_made_in_a_language_that_is_remembered_and_change_it_with_every_answer(
    everywhere, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("COURSE_COPIES", str(tmp_path / "copies"))
    monkeypatch.setattr(copies, "START_AND_LECTURES", [LECTURE])
    monkeypatch.setattr(copies, "EXPERIMENT_NOTEBOOKS", [])
    assert make_copies() == []
    mine = copy_of(LECTURE)
    mine.write_text(mine.read_text(encoding="utf-8").replace("raise NotImplementedError", "return 7"), encoding="utf-8")
    assert copies.language(CODE) == CODE
    assert copies.language() == CODE
    assert make_copies() == []
    told = capsys.readouterr().out
    assert "5 answers and" in told
    assert "look at your answer again" not in told
    text = mine.read_text(encoding="utf-8")
    assert MARK in text
    assert "return 7" in text
    assert make_copies() == []
    assert capsys.readouterr().out == ""
    assert copies.language("en") == ""
    make_copies()
    text = mine.read_text(encoding="utf-8")
    assert MARK not in text
    assert "return 7" in text


def test_a_language_that_is_not_there_is_refused_and_not_remembered(apart, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_COPIES", str(tmp_path / "copies"))
    with pytest.raises(Stop, match="'tlh'; there are en"):
        copies.language("tlh")
    assert copies.language() == ""


@pytest.mark.thorough
def test_a_handout_is_translated_and_has_no_solutions(everywhere, tmp_path):
    for path in handout(tmp_path / "handout", CODE):
        cells = nbformat.read(path, as_version=4).cells
        assert not [cell for cell in cells if "solution" in cell.metadata.get("tags", [])]
        assert all(pseudo(ours) not in cell.source for cell in cells for ours in SPEAKS_OF_SOLUTIONS)
        assert MARK in cells[0].source


@pytest.mark.thorough
def test_a_deck_is_translated_with_its_agenda_and_notes(everywhere, tmp_path):
    (page,) = make_decks([LECTURE], tmp_path, language=CODE)
    text = page.read_text(encoding="utf-8")
    assert f'<html lang="{CODE}">' in text
    title = next(title for cell in read_notebook(LECTURE).cells[:1] for _, title in headings(cell.source))
    assert f"<title>{pseudo(title)}</title>" in text
    assert pseudo("The way through") in text
    assert pseudo("speaker") in text
    assert f"<strong>{pseudo('Ask:')}</strong>" in text
    (question, *_), *_ = asked_in(LECTURE.stem[:2], CODE).questions.values()
    assert MARK in question
    assert question in text


@pytest.mark.thorough
def test_who_answers_in_another_language_reads_what_the_check_says_in_it(everywhere, tmp_path):
    path = handout(tmp_path, CODE)[2]
    assert language_of(path) == CODE
    rows = [Row("kim.ipynb", "01_a", "correct", "", 0.1), Row("kim.ipynb", "01_b", "not yet", NOT_ATTEMPTED, 0.1)]
    told = feedback(rows, language_of(path)).replace("kim.ipynb", "")
    assert told.count(MARK) > 5
    assert not [word for word in re.findall(r"[a-z]{3,}", told) if word not in pseudo(told)]
    path.write_text(path.read_text(encoding="utf-8").replace(f'"language": "{CODE}"', '"language": ["no"]'))
    assert language_of(path) == ""


def test_readme_is_translated_for_released_languages_alone(everywhere, monkeypatch):
    text = README.read_text(encoding="utf-8")
    assert translated(text).keys() == {README.with_suffix(f".{code}.md") for code in catalogues.released()}
    monkeypatch.setattr(readme, "released", lambda: [CODE])
    assert pseudo("## One table") in translated(text)[README.with_suffix(f".{CODE}.md")]


def test_no_catalogue_of_the_tests_language_is_in_the_course():
    assert not (NOTEBOOKS / "languages" / CODE).exists()
    assert COURSE in catalogues.names()


@pytest.mark.parametrize(
    ("word", "stem"),
    [
        *((f"어텐션{particle}", "어텐션") for particle in ("", "은", "을", "의", "에서는", "으로", "입니다")),
        *(("정의", "정의"), ("가중치가", "가중치"), ("GRU는", "gru"), ("디코더", "디코더"), ("gradients", "gradients")),
    ],
)
def test_a_korean_word_is_found_whichever_particle_follows(word, stem):
    assert SearchKorean({}).stem(word) == stem
