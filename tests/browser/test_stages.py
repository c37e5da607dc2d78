"""The stages on small pages of their own: what their JavaScript computes, and that a reader can play with them."""

import random
import re

import nbformat
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe

from course_utils.attention import (
    AdditiveScore,
    ContextScore,
    GraphScore,
    attend,
    causal_mask,
    dot_score,
    edge_mask,
    last_position_mask,
    scaled_dot_score,
    window_mask,
    zero_score,
)
from course_utils.data.batches import Vocabulary, pad
from course_utils.data.number_words import translate
from course_utils.explorer.stages import ROWS, SCRIPTS, STAGES, stage_html
from course_utils.explorer.weights import STORED_TRANSFORMER, stored_translators, unpack
from course_utils.notebooks import experiment_05, lecture_01, lecture_02, lecture_05
from course_utils.publishing.slides import make_decks

from .stages import OVERFLOWS, answer, play
from .test_slides import TURN_TO

every_stage = pytest.mark.parametrize("name", STAGES)
every_theme = pytest.mark.parametrize("theme", ["light", "dark"])


def page_of(html, theme="light"):
    look = "background:#14181e;color:#eee" if theme == "dark" else "background:#fff;color:#111"
    return (
        f'<!doctype html><html lang="en" data-theme="{theme}"><meta charset="utf-8"><title>A stage</title>'
        f'<body style="margin:8px;font:16px sans-serif;{look}"><main><h1>A stage</h1>{html}</main></body></html>'
    )


def source_of(*parts):
    return "\n".join((SCRIPTS / f"{part}.js").read_text(encoding="utf-8") for part in parts)


@pytest.fixture
def shown(watch):
    """Give a function that opens a page with a stage."""

    def opened(html, width=1280, theme="light", **options):
        watched = watch(width, 900, **options)
        watched.page.set_content(page_of(html, theme))
        return watched, watched.page.locator(".attention-live")

    return opened


# What is computed ---------------------------------------------------------------------------------------------------


def identity(score, vectors):
    """Give a learned score the identity for each matrix and ones for each vector, as the page has them."""
    with torch.no_grad():
        for parameter in score.parameters():
            square = parameter.ndim == 2 and parameter.shape[0] == parameter.shape[1]
            parameter.copy_(torch.eye(len(parameter)) if square else torch.ones_like(parameter))
    return score


def test_the_equation_in_the_page_is_attend_with_every_score_and_every_mask(watch):
    generator = torch.Generator().manual_seed(0)
    n, width, d_value = 7, 5, 3
    query, keys = torch.randn(2, n, width, generator=generator, dtype=torch.float64)
    values = torch.randn(n, d_value, generator=generator, dtype=torch.float64)
    real = torch.tensor([True, True, False, True, True, True, False])
    sources, targets = torch.tensor([[0, 1, 2, 5, 6, 3], [1, 0, 5, 2, 3, 6]])
    edges = edge_mask(sources, targets, n)
    graph, context = GraphScore(width, 1), ContextScore(width, width)
    scores = {
        "zero": zero_score,
        "dot": dot_score,
        "scaled": scaled_dot_score,
        "additive": identity(AdditiveScore(width, width, width), width).double(),
        "learned": identity(context, width).double(),
        "graph": lambda k, q: identity(graph, width).double()(k[None], q[None])[0],
        "offset": lambda k, q: -(torch.arange(n)[:, None] - torch.arange(n)).abs().double(),
    }
    torch.nn.init.zeros_(context.project_keys.bias)
    masks = {
        "padding": torch.ones(n, n, dtype=torch.bool),
        "last": last_position_mask(torch.tensor([6]), n)[0].expand(n, n),
        "causal": causal_mask(n),
        "window": window_mask(n, 2),
        "edges": edges,
    }
    page = watch().page
    cases = [(score, mask, T) for score in scores for mask in masks for T in (0.3, 1, 4)]
    computed = page.evaluate(
        f"""([cases, query, keys, values, real, edges]) => {{ {source_of("attend")}
            return cases.map(([score, mask, T]) =>
                attend(query, keys, values, SCORES[score], maskOf(mask, real, {{radius: 2, edges}}), T)); }}""",
        [cases, query.tolist(), keys.tolist(), values.tolist(), real.tolist(), edges.tolist()],
    )
    assert set(scores) == set(page.evaluate(f"() => {{ {source_of('attend')} return Object.keys(SCORES); }}"))
    assert set(masks) == set(page.evaluate(f"() => {{ {source_of('attend')} return Object.keys(MASKS); }}"))
    for (score, mask, T), rows in zip(cases, computed, strict=True):
        f, may = scores[score], masks[mask] & real
        expected, weights = attend(query, keys, values, lambda k, q, f=f, T=T: f(k, q) / T, may)
        torch.testing.assert_close(torch.tensor([row["weights"] for row in rows]).double(), weights, atol=1e-4, rtol=0)
        torch.testing.assert_close(torch.tensor([row["context"] for row in rows]).double(), expected, atol=1e-4, rtol=0)


@pytest.fixture(scope="module")
def numbers():
    """Draw 2,000 numbers, of all lengths alike."""
    generator = random.Random(3)
    return translate([generator.randrange(10 ** (i % 12), 10 ** (i % 12 + 1)) for i in range(2_000)])


def test_the_page_writes_numbers_as_the_corpus_does(watch, numbers):
    written = watch().page.evaluate(
        f"(numbers) => {{ {source_of('number_words')} return numbers.map((n) => [english(n), german(n)]); }}",
        numbers.numbers,
    )
    for number, (english, german), source, target in zip(
        numbers.numbers, written, numbers.source, numbers.target, strict=True
    ):
        assert (english, german) == ([*source], [*target]), number


def restored(name):
    """Load the committed weights into the lecture's own class."""
    source_words, target_words, parameters = unpack(stored_translators())[name]
    if name == "translator":
        vocabularies = words_of(source_words), words_of(target_words)
        model = lecture_02.Translator(*vocabularies)
    else:
        sizes = len(source_words), len(target_words)
        model = lecture_01.FixedVector(*sizes, lecture_01.D_EMBEDDING, lecture_01.D_STATE)
    model.load_state_dict(parameters)
    return model.double().eval(), words_of(source_words), words_of(target_words)


def words_of(words):
    vocabulary = Vocabulary([])
    vocabulary.words = tuple(words)
    vocabulary._index = {word: i for i, word in enumerate(words) if i >= len(Vocabulary.special)}
    return vocabulary


@torch.no_grad()
def said_by_pytorch(name, pairs):
    """Decode greedily with the lecture's model; give words, and each step's weights and state."""
    model, source_words, target_words = restored(name)
    source = pad([source_words.encode(words) for words in pairs.source])
    word = torch.full((len(pairs),), Vocabulary.bos)
    if name == "translator":
        memory, state = model.read(source)
    else:
        context = model.encode(source)
        state = context.transpose(0, 1)
    ids, weights, states = [], [], []
    for _ in range(lecture_02.MAX_WORDS):
        if name == "translator":
            state, seen, looked = model.step(model.embedding(word), state, memory, model.score)
            logits = model.to_words(seen)
            states.append(state)
            weights.append(looked)
        else:
            logits, state = model.decode(context, state, word[:, None])
            logits = logits[:, 0]
            states.append(state[0])
        word = logits.argmax(dim=-1)
        ids.append(word)
    words = [target_words.decode(row) for row in torch.stack(ids, dim=1)]
    return words, weights and torch.stack(weights, dim=1), torch.stack(states, dim=1)


@pytest.mark.parametrize("name", ["translator", "fixed_vector"])
def test_the_page_says_what_the_lecture_says_with_the_same_weights_and_states(name, watch, numbers):
    translator = {"translator": "translateLookingBack", "fixed_vector": "translateThroughOneVector"}[name]
    parts = source_of("attend", "weights", "translator")
    said = watch().page.evaluate(
        f"""async ([stored, sources, looked]) => {{ {parts}
            const model = (await unpack(stored)).{name};
            return sources.map((words, i) => {{
                const said = {translator}(model, words);
                return i < looked ? said : said.map(({{ word }}) => ({{ word }}));
            }}); }}""",
        [stored_translators(), numbers.source, 60],
    )
    words, weights, states = said_by_pytorch(name, numbers)
    assert [[step["word"] for step in steps] for steps in said] == words
    right = sum([*target] == written for target, written in zip(numbers.target, words, strict=True))
    assert 0.6 < right / len(numbers) < 1, "both models are trained, and neither is perfect"
    for i, steps in enumerate(said[:60]):
        for step, t in zip(steps, range(len(steps)), strict=True):
            assert torch.allclose(torch.tensor(step["state"]).double(), states[i, t], atol=1e-4)
            if name == "translator":
                real = len(numbers.source[i])
                assert torch.allclose(torch.tensor(step["weights"]).double(), weights[i, t, :real], atol=1e-4)


@pytest.fixture(scope="module")
def heads():
    """Load the committed weights into lecture 05's own class: the model, its English words and its German ones."""
    stored = unpack(stored_translators(STORED_TRANSFORMER), STORED_TRANSFORMER)["transformer"]
    words = words_of(stored.source_words), words_of(stored.target_words)
    model = lecture_05.new_transformer(*words, lecture_05.in_order)
    model.load_state_dict({**stored.parameters, "places": model.places})
    return model.double().eval(), *words


def read_by_heads(watch, sources, looked):
    """Let the page translate; of the first ones give all that it computed, of the others the words."""
    parts = source_of("attend", "weights", "translator", "transformer")
    return watch().page.evaluate(
        f"""async ([stored, sources, looked]) => {{ {parts}
            const model = (await unpack(stored)).transformer;
            return sources.map((words, i) => {{
                const {{ encoder, memory, said }} = translateByHeads(model, words);
                return i < looked ? {{ encoder, memory, said }} : {{ said: said.map(({{ word }}) => ({{ word }})) }};
            }}); }}""",
        [stored_translators(STORED_TRANSFORMER), sources, looked],
    )


def close(found, expected):
    return torch.allclose(torch.tensor(found, dtype=torch.float64), expected, atol=1e-4, rtol=0)


def test_the_page_s_transformer_is_the_lecture_s_in_words_states_and_the_weights_of_every_head(watch, numbers, heads):
    model, english, german = heads
    read = read_by_heads(watch, numbers.source, 60)
    words = lecture_05.translations(model, numbers, english, german)
    assert [tuple(step["word"] for step in seen["said"]) for seen in read] == words
    assert sum(map(tuple.__eq__, words, numbers.target)) > 0.95 * len(numbers), "it is trained"
    states = []
    model.decoder_norm.register_forward_hook(lambda _part, _inputs, output: states.append(output[0]))
    for seen, source, written in zip(read[:60], numbers.source, words, strict=False):
        source, target = pad([english.encode(source)]), pad([german.encode(written, eos=True)])
        expected = {name: found[0] for name, found in experiment_05.weights_of_heads(model, source, target).items()}
        with torch.no_grad():
            assert close(seen["memory"], model.encode(source)[0])
        for layer in range(lecture_05.N_LAYERS):
            assert close(seen["encoder"][layer], expected[f"encoder.{layer}.self_attention"])
        for t, step in enumerate(seen["said"]):
            assert close(step["state"]["seen"], states[-1][t])
            for layer in range(lecture_05.N_LAYERS):
                past = expected[f"decoder.{layer}.self_attention"][:, t]
                assert close(step["weights"]["decoder"][layer], past[:, : t + 1])
                assert not past[:, t + 1 :].any(), "nothing is left for what has not been written"
                assert close(step["weights"]["cross"][layer], expected[f"decoder.{layer}.cross_attention"][:, t])


# What is shown ------------------------------------------------------------------------------------------------------


def body(table):
    rows = table.locator("tbody.live-map tr:not([hidden])" if "live" in table.get_attribute("class") else "tbody tr")
    return rows.evaluate_all("rows => rows.map(row => [...row.querySelectorAll('td')].map(cell => cell.textContent))")


@pytest.mark.parametrize("row", ROWS)
def test_the_picture_without_a_script_shows_the_weights_that_the_stage_begins_with(row, shown):
    html = stage_html("equation", row)
    _, still = shown(html, java_script_enabled=False)
    _, live = shown(html)
    drawn, computed = body(still.locator(".explorer-map")), body(live.locator(".live-table"))
    asking = still.locator(".explorer-query").all_inner_texts()
    assert asking == live.locator(".live-table tbody.live-map tr:not([hidden]) th").all_inner_texts()
    assert len(drawn) == len(computed) == 6
    for ours, theirs in zip(drawn, computed, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            assert (one == "–") == (other == "–")
            assert one == "–" or float(one or 0) == pytest.approx(float(other), abs=0.011)


@every_stage
@pytest.mark.parametrize("stripped", [False, True], ids=["no script", "stripped"])
def test_without_a_script_the_first_state_is_a_picture_with_its_description(name, stripped, shown):
    html = stage_html(name)
    if stripped:  # as JupyterLab does where it does not trust
        html = re.sub(r"<(style|script).*?</\1>", "", html, flags=re.DOTALL)
    watched, figure = shown(html, 704, java_script_enabled=False)
    assert figure.locator(".live-stage").inner_text().strip() == ""
    picture = figure.locator(".live-still :is(table, img)")
    assert picture.bounding_box()["height"] > 120
    assert len(figure.locator(".live-still p").first.inner_text()) > 60
    if picture.evaluate("part => part.tagName") == "IMG":
        assert len(picture.get_attribute("alt")) > 200
        assert picture.evaluate("image => image.naturalWidth") > 0
    else:
        colours = picture.locator("tbody td").evaluate_all("cells => cells.map(cell => cell.style.backgroundColor)")
        assert len(set(colours)) > 4
    assert not watched.problems


@every_stage
def test_a_reader_guesses_and_plays_by_keyboard_and_no_request_leaves_the_page(name, shown):
    watched, figure = shown(stage_html(name))
    watched.page.evaluate("""() => { window.turned = []; document.addEventListener("keydown", (event) => {
        if (event.key.startsWith("Arrow") || event.key === " ") turned.push(event.target.outerHTML); }); }""")
    play(figure)
    assert not watched.page.evaluate("turned"), "a deck would have turned its page"
    assert not watched.problems


@every_stage
def test_the_answer_is_not_there_before_the_guess(name, shown):
    _, figure = shown(stage_html(name))
    answers = figure.locator(".live-answers button")
    answers.first.wait_for()
    told = figure.locator(".live-told").inner_text() if figure.locator(".live-told").is_visible() else ""
    assert "before" not in told
    assert not figure.locator(".live-small:visible").count()
    for button in figure.locator(".live-table button").all():
        button.click()
    assert answers.count() > 2, "nothing but a guess gives the answer away"
    assert (figure.locator(".live-told").inner_text() if told else "") == told


def test_the_question_of_the_translator_is_answered_by_the_weights(shown):
    first = stored_translators()["first"]
    row = first["weights"][first["german"].index(first["ask"])]
    best = row.index(max(row))
    for i, verdict in ((best, "✓ Right"), (0 if best else 1, "✗ Not quite")):
        _, figure = shown(stage_html("translator"))
        figure.locator(".live-answers button").nth(i).click()
        said = figure.locator(".live-verdict").inner_text()
        assert said.startswith(verdict)
        assert f"{first['english'][best]} {max(row):.2f}" in said


def test_the_question_about_the_heads_is_answered_by_the_weights_that_are_shown(shown, heads):
    model, english, german = heads
    first = stored_translators(STORED_TRANSFORMER)["first"]
    pair = translate([first["number"]])
    asked = pair.target[0].index(first["ask"])
    (partner,) = pair.alignments[0][asked]
    maps = lecture_05.cross_weights(model, lecture_05.encode_pairs(pair, english, german))[0]
    best = maps.unflatten(0, (lecture_05.N_LAYERS, -1))[first["layer"], :, asked].max(dim=-1)
    right = (best.indices == partner).sum().item()
    for i in range(5):
        _, figure = shown(stage_html("heads"))
        assert pair.source[0][partner] in figure.locator(".live-question p").inner_text()
        figure.locator(".live-answers button").nth(i).click()
        said = figure.locator(".live-verdict").inner_text()
        assert said.startswith("✓ Right" if i == right else "✗ Not quite")
        for head, (weight, place) in enumerate(zip(*best, strict=True), start=1):
            assert re.search(rf"ead {head} (looks most )?at {pair.source[0][place]} {weight:.2f}", said)


def choose(figure, group, option):
    figure.get_by_role("group", name=group, exact=True).get_by_role("button", name=option).click()


def map_shown(figure, number):
    """Read a map: its rows of numbers, None where nothing may be looked at."""
    rows = figure.locator(".live-small").nth(number).locator("tbody tr").all()
    texts = [row.locator("td").all_text_contents() for row in rows]
    return [[None if text == "–" else float(text) for text in row] for row in texts]


@pytest.mark.parametrize("attention", ["Cross-attention", "Encoder", "Decoder"])
def test_each_row_of_a_head_sums_to_one_and_beside_it_is_the_average_of_the_four(attention, shown):
    _, figure = shown(stage_html("heads"))
    answer(figure)
    choose(figure, "Attention", attention)
    maps = []
    for head in "1234":
        choose(figure, "Head", head)
        assert f"head {head}" in figure.locator(".live-small caption").first.inner_text()
        maps.append(map_shown(figure, 0))
    n = len(maps[0])
    assert len({str(rows) for rows in maps}) == 4, "four heads, four maps"
    for i, row in enumerate(map_shown(figure, 1)):
        seen = i + 1 if attention == "Decoder" else len(row)
        for rows in maps:
            assert sum(rows[i][:seen]) == pytest.approx(1, abs=0.005 * seen + 1e-9)
            assert rows[i][seen:] == [None] * (len(row) - seen), "the future"
        means = [sum(rows[i][j] for rows in maps) / 4 for j in range(seen)]
        assert row[:seen] == pytest.approx(means, abs=0.0101)
    stored = stored_translators(STORED_TRANSFORMER)["first"]
    assert n == len(stored["english" if attention == "Encoder" else "german"])
    tops = figure.locator(".live-small").first.locator("thead th").all_text_contents()
    assert tops == (["<bos>", *stored["german"][:-1]] if attention == "Decoder" else stored["english"])


def test_the_arrow_keys_choose_a_head_and_walk_through_the_rows_and_what_changed_is_said(shown):
    watched, figure = shown(stage_html("heads"))
    answer(figure)
    told, keyboard = figure.locator(".live-told"), watched.page.keyboard
    group = figure.get_by_role("group", name="Head", exact=True)
    group.get_by_role("button", name="1").focus()
    for head in "2341":
        keyboard.press("ArrowRight")
        assert group.locator('[aria-pressed="true"]').inner_text() == head
        assert group.get_by_role("button", name=head).evaluate("button => button === document.activeElement")
        assert f"head {head}. " in told.inner_text()
    figure.locator(".live-small tbody button").first.focus()
    words = stored_translators(STORED_TRANSFORMER)["first"]["german"]
    for text in words[1:]:
        keyboard.press("ArrowDown")
        assert f"Before {text} is written, this head looks at" in told.inner_text()
    assert told.get_attribute("aria-live") == "polite"


def test_the_picture_of_the_heads_without_a_script_shows_the_map_that_the_stage_begins_with(shown):
    html = stage_html("heads")
    _, still = shown(html, java_script_enabled=False)
    _, live = shown(html)
    answer(live)
    drawn = [[float(text or 0) for text in row] for row in body(still.locator(".explorer-map"))]
    for ours, theirs in zip(drawn, map_shown(live, 0), strict=True):
        assert ours == pytest.approx(theirs, abs=0.011)


def test_a_reference_that_is_taken_away_leaves_its_weight_to_the_others_in_proportion(shown):
    _, figure = shown(stage_html("documents"))
    table = figure.locator(".live-table")
    before = body(table)[0]
    figure.locator(".live-answers button").nth(1).click()
    assert "✓" in figure.locator(".live-verdict").inner_text()
    assert body(table)[0] == ["0.73", "0.27", "–", "–"]
    assert "The 0.42 of C went" in figure.locator(".live-told").inner_text()
    figure.get_by_role("button", name="A–C").click()
    assert body(table)[0] == before == ["0.42", "0.16", "0.42", "–"]
    figure.locator("tbody.live-map td").nth(3).click()
    assert body(table)[0][3] != "–"
    assert body(table)[3][0] != "–", "a reference is read in both directions"


def test_a_hidden_key_loses_its_column_and_the_other_weights_grow_by_one_factor(shown):
    _, figure = shown(stage_html("equation", "02"))
    answer(figure)
    table = figure.locator(".live-table")
    before = body(table)[0]
    figure.get_by_role("button", name="hide dog").click()
    after = body(table)[0]
    assert after[1] == "–"
    kept = [float(before[j]) / (1 - float(before[1])) for j in (0, 2, 3, 4)]
    assert [float(after[j]) for j in (0, 2, 3, 4)] == pytest.approx(kept, abs=0.02)
    assert "dog is hidden from everybody" in figure.locator(".live-told").inner_text()


def test_the_row_says_a_mix_that_is_no_row_and_offers_none_to_choose(shown):
    _, figure = shown(stage_html("equation", "05"))
    answer(figure)
    row, score, mask = (figure.get_by_role("combobox", name=name) for name in ("Row of", "Score", "Mask"))
    assert row.locator("option:disabled").evaluate_all("options => options.map(o => o.value)") == ["own"]
    mask.select_option("window")
    assert row.input_value() == "own"
    score.select_option("offset")
    assert row.input_value() == "04"


def test_numbers_of_every_length_are_tried_and_counted(shown):
    watched, figure = shown(stage_html("translator"))
    answer(figure)
    figure.get_by_role("button", name="Try ten of each length").click()
    watched.page.wait_for_function("!document.querySelector('.live-count button').disabled")
    counted = figure.get_by_role("img", name="Numbers translated without an error").get_attribute("aria-label")
    tries = {
        int(n): [int(a), int(b), int(of)]
        for n, a, b, of in re.findall(r"(\d+) digits: looks back (\d+) of \d+, one vector (\d+) of (\d+)", counted)
    }
    assert sorted(tries) == list(range(1, 13))
    assert sum(of for *_, of in tries.values()) == 121
    assert tries[12][0] > tries[12][1], "at twelve digits the one vector has broken"
    assert "Of 121 numbers" in figure.locator(".live-told").inner_text()


def test_what_is_shown_can_be_played_with_while_numbers_are_counted_and_stays(shown):
    watched, figure = shown(stage_html("translator"))
    answer(figure)
    while_it_counts = watched.page.evaluate("""async () => {
        const figure = document.querySelector(".attention-live");
        const [many, field] = [figure.querySelector(".live-count button"), figure.querySelector("input")];
        const seen = [], slice = () => new Promise((done) => setTimeout(done));
        let clock = 0;
        performance.now = () => (clock += 20); // a slice has one number or two, however fast the machine is
        many.click();
        for (let at = 0; many.disabled; at++, await slice()) {
            const rows = [...figure.querySelectorAll(".live-small tbody tr")];
            rows.at(-1 - (at % rows.length)).dispatchEvent(new PointerEvent("pointerenter"));
            seen.push(figure.querySelector(".live-told").textContent);
            if (at === 0) {
                field.value = "4017";
                field.dispatchEvent(new InputEvent("input", { bubbles: true }));
                field.dispatchEvent(new FocusEvent("blur"));
            }
        }
        return seen;
    }""")
    assert len(while_it_counts) > 10
    before = [re.match(r"Before it writes (\w+), it looks at \w+ \d\.\d\d", said)[1] for said in while_it_counts]
    assert before[0] == "siebzig", "the last word of the first number"
    assert set(before[1:]) == {"vier", "tausend", "siebzehn"}
    assert not watched.problems
    assert "Of 122 numbers" in figure.locator(".live-told").inner_text()
    assert figure.get_by_role("textbox").input_value() == "4,017"
    assert figure.locator(".live-source .live-chips").inner_text().split()[0].startswith("four")
    assert "Before it writes " in figure.locator(".live-told").inner_text()


def test_a_number_for_which_the_decoder_says_nothing_is_told_as_that(shown):
    decode = "return decodeGreedily(step, first, model.target_words, most);"
    html = stage_html("translator")
    assert html.count(decode) == 1
    watched, figure = shown(html.replace(decode, f"if (words.length === 1) return []; {decode}"))
    answer(figure)
    field, told = figure.get_by_role("textbox"), figure.locator(".live-told")
    field.fill("7")
    assert "looking back is wrong" in told.inner_text()
    assert "It writes nothing." in told.inner_text()
    figure.get_by_role("button", name="Try ten of each length").click()
    watched.page.wait_for_function("!document.querySelector('.live-count button').disabled")
    assert "It writes nothing." in told.inner_text()
    field.fill("21")
    assert "Before it writes" in told.inner_text()
    assert not watched.problems


def test_a_wrong_word_is_marked_by_more_than_colour_and_the_right_ones_are_given(shown):
    watched, figure = shown(stage_html("translator"))
    answer(figure)
    field = figure.get_by_role("textbox")
    generator = random.Random(5)
    for _ in range(40):
        field.fill(str(generator.randrange(10**11, 10**12)))
        if figure.locator(".live-vector .live-wrong").count():
            break
    wrong = figure.locator(".live-vector .live-wrong").first
    assert wrong.evaluate("part => getComputedStyle(part).textDecorationStyle") == "wavy"
    assert "✗ wrong" in figure.locator(".live-vector").inner_text()
    assert figure.get_by_text("Right would be:").is_visible()
    assert not watched.problems


@pytest.mark.parametrize("name", ["translator", "heads"])
@pytest.mark.parametrize(
    ("typed", "answered"),
    [
        ("", "Type a number from 1 to 999,999,999,999."),
        ("0", "Type a number from 1 to 999,999,999,999."),
        ("none", "“n” is not a digit. Type a whole number from 1 to 999,999,999,999."),
        ("3.14", "“.” is not a digit."),
        ("1e3", "“e” is not a digit."),
        ("-5", "“-” is not a digit."),
        ("1,234,567,890,123", "That number has 13 digits. Type a number from 1 to 999,999,999,999."),
        ("12 3,4", "1,234, 4 digits: "),
        ("0000000000021", "21, 2 digits: "),
    ],
)
def test_what_is_no_number_is_answered_with_what_is_wrong_and_commas_and_blanks_are_fine(typed, answered, name, shown):
    _, figure = shown(stage_html(name))
    answer(figure)
    field = figure.get_by_role("textbox")
    field.fill(typed)
    assert answered in figure.locator(".live-told").inner_text()
    assert "digits: " in answered or field.input_value() == typed, "what is wrong stays there to be mended"


def test_a_number_counts_once_it_is_meant_and_not_with_each_key(shown):
    watched, figure = shown(stage_html("translator"))
    answer(figure)
    counted = watched.page.evaluate_handle("""() => {
        const figure = document.querySelector(".attention-live"), field = figure.querySelector("input");
        const chart = figure.querySelector(".live-chart");
        return {
            tries: () => [...chart.getAttribute("aria-label").matchAll(/(\\d+) digits: /g)].map((at) => Number(at[1])),
            types: (...texts) => texts.forEach((text) => {
                field.value = text;
                field.dispatchEvent(new InputEvent("input", { bubbles: true }));
            }),
            leaves: () => field.dispatchEvent(new FocusEvent("blur")),
        };
    }""")
    assert counted.evaluate("c => c.tries()") == [6], "the first number"
    assert counted.evaluate("c => { c.types('1', '12', '123', '1,234'); return c.tries(); }") == [6]
    assert counted.evaluate("c => { c.types('123', '1,234'); c.leaves(); return c.tries(); }") == [4, 6]
    assert counted.evaluate("c => { c.types('12,345', '1,234'); c.leaves(); return c.tries(); }") == [4, 6]
    assert counted.evaluate("c => { c.types('1', '12', '12x'); return c.tries(); }") == [4, 6]
    assert counted.evaluate("c => { c.types('3', '34', '345'); return c.tries(); }") == [4, 6]
    watched.page.wait_for_function("counted => counted.tries().join() === '3,4,6'", arg=counted)
    figure.get_by_role("button", name="One digit more").click()
    figure.get_by_role("button", name="Another one as long").click()
    assert "4 digits: looks back" in figure.locator(".live-chart").get_attribute("aria-label")
    assert re.search(r"4 digits: looks back \d of 3,", figure.locator(".live-chart").get_attribute("aria-label"))


def test_two_stages_on_one_page_do_not_disturb_each_other(shown):
    watched, figures = shown(stage_html("equation") + stage_html("documents") + stage_html("equation", "02"))
    answer(figures.nth(2))
    assert figures.nth(0).locator("fieldset:disabled").count() == 1
    assert figures.nth(1).locator("fieldset:disabled").count() == 1
    assert not watched.problems


@pytest.fixture(scope="module")
def deck(serve, tmp_path_factory):
    """Make a deck with a slide for each stage, as a lecture would; give its address."""
    folder = tmp_path_factory.mktemp("stages")
    cells = [nbformat.v4.new_markdown_cell("# Stages", metadata={"slideshow": {"slide_type": "slide"}})]
    for name in STAGES:
        title = nbformat.v4.new_markdown_cell(f"## The {name}", metadata={"slideshow": {"slide_type": "slide"}})
        output = nbformat.v4.new_output("execute_result", {"text/html": stage_html(name)}, execution_count=1)
        look = {"slideshow": {"slide_type": "-"}, "tags": ["hide-input"]}
        cells += [title, nbformat.v4.new_code_cell(f'stage("{name}")', outputs=[output], metadata=look)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "02_stages.ipynb")
    make_decks([folder / "02_stages.ipynb"], folder)
    return f"{serve(folder)}/02_stages.html"


def test_on_a_slide_a_stage_fits_and_its_keys_turn_no_page(deck, watch):
    watched = watch(1280, 720)
    watched.page.goto(deck)
    watched.page.wait_for_function("window.Reveal && Reveal.isReady()")
    for figure in watched.page.locator(".attention-live").all():
        number, _ = figure.evaluate(TURN_TO)
        answer(figure)
        if figure.get_by_role("textbox").count():
            figure.get_by_role("textbox").fill("777777777777")
        for slider in figure.get_by_role("slider").all():
            if slider.is_visible():
                slider.press("ArrowRight")
        figure.locator("button:visible").last.press(" ")
        assert watched.page.evaluate("Reveal.getIndices().h") == number
        high, wide = watched.page.evaluate(
            "() => { const slide = Reveal.getCurrentSlide(); return [slide.scrollHeight, slide.scrollWidth]; }"
        )
        assert (high <= 720, wide <= 1280) == (True, True), (number, high, wide)
    assert not watched.problems


@every_stage
@pytest.mark.parametrize("width", [320, 390, 704, 1280])
def test_nothing_is_cut_at_any_width(name, width, shown):
    watched, figure = shown(stage_html(name), width)
    answer(figure)
    if figure.get_by_role("textbox").count():
        figure.get_by_role("textbox").fill("777777777777")
    assert watched.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert figure.evaluate(OVERFLOWS) == []


@every_stage
@every_theme
def test_axe_finds_nothing(name, theme, shown):
    watched, figure = shown(stage_html(name), 704, theme)
    figure.locator(".live-answers").wait_for()
    for guessed in (False, True):
        if guessed:
            answer(figure)
        found = Axe().run(watched.page, options={"resultTypes": ["violations"]}).response["violations"]
        assert not [(rule["id"], [node["html"][:160] for node in rule["nodes"]][:3]) for rule in found]
