"""The stages before a browser shows them: what is refused, what is stored, and that a page can carry them."""

import json
import re

import pytest
import torch

from course_utils.attention import AdditiveScore, ContextScore, GraphScore
from course_utils.commands import explorer_weights
from course_utils.commands.explorer_weights import OF_LECTURE, SETTINGS, lecture
from course_utils.explorer import stage, stage_html
from course_utils.explorer.stages import SCORES, SCRIPTS, STAGES
from course_utils.explorer.weights import STORED, STORED_TRANSFORMER, Weights, pack, stored_translators, unpack

MODEL = Weights(
    ["<pad>", "one"],
    ["<pad>", "eins", "zwei"],
    {
        "wide.weight": torch.randn(5, 7, generator=torch.Generator().manual_seed(0)),
        "bias": torch.randn(11, generator=torch.Generator().manual_seed(1)),
        "nothing.weight": torch.zeros(2, 3),
    },
)


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_is_one_figure_that_asks_for_nothing_outside(name):
    shown = stage(name)._repr_html_()
    assert shown == stage_html(name)
    assert shown.startswith("<figure")
    assert shown.endswith("</figure>")
    assert shown.count("<script") == shown.count("</script>") == 2
    assert "\n\n" not in shown, "Markdown would take it to end there"
    outside = re.findall(r"""https?://[^\s"'<]+|@import|src="(?!data:)[^"]*|\bfetch\(|XMLHttpRequest""", shown)
    assert set(outside) <= {"http://www.w3.org/2000/svg"}, "a name of SVG, which nobody opens"


@pytest.mark.parametrize(
    ("name", "row", "complaint"),
    [
        ("equations", "05", "'equations' is no stage; choose one of equation, translator, heads, documents"),
        ("equation", "07", "'07' is no row of the table; choose one of 01, 02, 03, 04, 05, 06"),
    ],
)
def test_what_does_not_exist_is_refused_with_what_does(name, row, complaint):
    with pytest.raises(ValueError, match=complaint):
        stage(name, row)


@pytest.mark.parametrize(
    ("row", "asking"),
    [
        ("01", "s0 s1 s2 s3 s4 s5"),
        ("02", "s0 s1 s2 s3 s4 s5"),
        ("03", "u u u u u u"),
        ("05", "old dog bites new cat pad"),
    ],
)
def test_the_rows_of_the_first_picture_are_named_after_who_asks(row, asking):
    still = stage_html("equation", row).partition('<div class="live-stage"')[0]
    assert re.findall(r'<th scope="row".*?<bdi>(.*?)</bdi>', still) == asking.split()


def test_the_numbers_of_the_equation_are_written_as_they_are_meant_with_one_decimal():
    data = json.loads(re.search(r'<script type="application/json">(.*?)</script>', stage_html("equation"))[1])
    assert all(len(vector) == 64 for vector in data["queries"] + data["keys"])
    assert all(number == round(number, 1) for vector in data["queries"] for number in vector)
    assert len(json.dumps(data)) < 6_000


def test_the_scores_of_the_first_picture_are_the_course_s_with_identities_and_ones():
    query, keys = torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(0))
    additive, context, graph = AdditiveScore(7, 7, 7), ContextScore(7, 7), GraphScore(7, 1)
    with torch.no_grad():
        for parameter in (additive.project_query.weight, additive.project_keys.weight, context.project_keys.weight):
            parameter.copy_(torch.eye(7))
        for parameter in (additive.reduce.weight, graph.a_query, graph.a_key):
            parameter.fill_(1)
        context.project_keys.bias.zero_()
        torch.testing.assert_close(SCORES["additive"](keys, query), additive(keys, query))
        torch.testing.assert_close(SCORES["learned"](keys, query), context(keys, query))
        torch.testing.assert_close(SCORES["graph"](keys, query), graph(keys[None], query[None])[0])


def test_packed_weights_come_back_within_half_a_step():
    kept = unpack(json.loads(json.dumps(pack({"model": MODEL}, {"model": 0.2}))))["model"]
    assert kept[:2] == MODEL[:2]
    wide, given = kept.parameters["wide.weight"], MODEL.parameters["wide.weight"]
    step = 0.2 * given.std().item()
    assert (wide - given).abs().max() <= 0.501 * step
    assert (wide - given).abs().max() > 0.2 * step, "rounded to this step, and not to a finer one"
    torch.testing.assert_close(kept.parameters["bias"].float(), MODEL.parameters["bias"], atol=1e-4, rtol=0)
    assert not kept.parameters["nothing.weight"].any()


def test_a_matrix_with_an_entry_far_out_gets_larger_steps_and_loses_nothing_of_that_entry():
    matrix = torch.randn(40, 50, generator=torch.Generator().manual_seed(0))
    matrix[3, 5] = -60.0
    kept = unpack(pack({"model": Weights([], [], {"matrix": matrix})}, {"model": 0.1}))["model"].parameters["matrix"]
    assert kept[3, 5].item() == pytest.approx(-60, rel=1e-4)
    assert (kept - matrix).abs().max() <= 0.51 * 60 / 127


def test_numbers_that_were_changed_are_refused():
    packed = pack({"model": MODEL}, {"model": 0.2})
    packed["numbers"] = packed["numbers"][:-8] + "AAAAAAA="
    for file in (STORED, STORED_TRANSFORMER):
        with pytest.raises(ValueError, match=rf"have the sha256 .*, expected .*; take {file.name} from the repository"):
            unpack(packed, file)


def test_a_parameter_with_three_axes_is_refused():
    with pytest.raises(ValueError, match=r"kernel has the shape \(2, 3, 5\); expected one axis or two"):
        pack({"model": Weights([], [], {"kernel": torch.zeros(2, 3, 5)})}, {"model": 0.2})


COMMITTED = {STORED: {"translator": 17_000, "fixed_vector": 17_000}, STORED_TRANSFORMER: {"transformer": 17_500}}


@pytest.mark.parametrize("file", COMMITTED, ids=lambda file: file.stem)
def test_the_committed_translators_are_small_whole_and_say_how_they_were_made(file):
    assert file.stat().st_size < 400_000
    stored = stored_translators(file)
    models = unpack(stored, file)  # compares the sha256
    assert set(models) == set(COMMITTED[file])
    for name, model in models.items():
        made = stored["made"][name]
        assert made["seed"] == 0
        assert made["trained_on"] == COMMITTED[file][name]
        assert {"epochs", "learning_rate", "batch_size", "step"} <= set(made)
        assert model.source_words[:4] == ["<pad>", "<bos>", "<eos>", "<unk>"]


@pytest.mark.parametrize(("file", "name"), [(file, name) for file, names in COMMITTED.items() for name in names])
def test_rounding_costs_at_most_half_a_point_of_exact_match(file, name):
    counted = stored_translators(file)["exact_match"]
    assert counted["numbers"] >= 10_000
    assert counted[name]["trained"] - counted[name]["rounded"] <= 0.5


@pytest.mark.parametrize(("file", "name"), [(file, name) for file, names in COMMITTED.items() for name in names])
def test_a_committed_translator_was_trained_with_the_settings_that_its_lecture_has_today(file, name):
    made = stored_translators(file)["made"][name]
    today = lecture(OF_LECTURE[name])
    assert made["lecture"] == OF_LECTURE[name]
    for setting in SETTINGS[name]:
        assert made[setting.lower()] == getattr(today, setting), f"train it again: {explorer_weights.__doc__}"


def test_all_stages_together_add_less_than_a_megabyte_to_a_page():
    assert sum(len(stage_html(name).encode()) for name in STAGES) < 1e6


def test_what_the_page_computes_is_short_enough_to_be_read():
    lines = {
        part: sum(bool(line.strip()) for line in (SCRIPTS / f"{part}.js").read_text(encoding="utf-8").splitlines())
        for part in ("attend", "translator", "transformer", "weights", "number_words")
    }
    assert sum(lines.values()) < 300, lines
    for path in SCRIPTS.glob("*.js"):
        assert max(map(len, path.read_text(encoding="utf-8").splitlines())) <= 120, path.name
