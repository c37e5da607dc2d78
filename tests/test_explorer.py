"""The explorer's HTML: what is on the page before any script runs, and that no word or weight breaks it."""

import itertools
import json
import re
from html.parser import HTMLParser

import pytest
import torch

from course_utils import explorer
from course_utils.explorer import explore, show_document
from course_utils.palette import DARK, LIGHT, ink_on, shade
from course_utils.plotting import WEIGHTS

QUERIES, KEYS = ["drei", "acht", "</script><b>"], ["three", "a & b", "eight", "<i>", "five"]


class Table(HTMLParser):
    """Reads a table as rows of text, and the colour of each cell in its body."""

    def __init__(self):
        super().__init__()
        self.rows, self.colours, self.inside = [], [], False

    def handle_starttag(self, tag, attributes):
        if tag == "tr":
            self.rows.append([])
            self.colours.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.inside = True
            colour = re.search(r"background-color:(#\w+)", dict(attributes).get("style") or "")
            self.colours[-1].append(colour and colour[1])

    def handle_endtag(self, tag):
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, text):
        if self.inside:
            self.rows[-1][-1] += text


def read(shown):
    """Read the data for the script, and the map as a reader without script and style sheet has it."""
    data = json.loads(re.search(r'<script type="application/json">(.*?)</script>', shown.data)[1])
    table = Table()
    table.feed(re.sub(r"<(style|script).*?</\1>", "", shown.data, flags=re.DOTALL))
    return data, table


def weights(*maps, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(*maps, len(QUERIES), len(KEYS), generator=generator).softmax(dim=-1)


def test_without_a_script_each_weight_is_a_number_on_its_colour_beside_its_query_and_under_its_key():
    given = weights()
    _, table = read(explore(given, QUERIES, KEYS, "Who looks where."))
    head, *rows = table.rows
    assert head == ["", *KEYS]
    assert [row[0] for row in rows] == QUERIES
    shown = torch.tensor([[float(cell) for cell in row[1:]] for row in rows])
    assert torch.allclose(shown, given, atol=6e-3)
    assert table.colours[1][1:] == [shade(round(weight, 3)) for weight in given[0].tolist()]


def test_each_combination_of_choices_has_its_map_and_the_first_is_shown_by_name():
    given = weights(2, 4)
    shown = explore(given, QUERIES, KEYS, "Who looks where.", {"layer": ["first", "last"], "head": list("abcd")})
    data, table = read(shown)
    assert torch.allclose(torch.tensor(data["maps"]), given.reshape(8, 3, 5), atol=6e-4)
    assert [choice["name"] for choice in data["choices"]] == ["layer", "head"]
    assert "Shown: layer first, head a." in shown.data
    assert len(table.rows) == 1 + len(QUERIES), "only the first map is written out"


def test_what_the_mask_forbids_is_hatched_and_not_zero_whatever_the_weights_hold_there():
    mask = torch.ones(3, 5, dtype=torch.bool)
    mask[1, 3] = False
    given = weights()
    given[1, 3] = torch.nan
    shown = explore(given, QUERIES, KEYS, "Who looks where.", mask=mask)
    data, table = read(shown)
    assert data["maps"][0][1][3] is None
    assert sum(row.count(None) for row in data["maps"][0]) == 1
    assert table.rows[2][4] == "–"
    assert table.colours[2][4] is None
    assert "may not look" in shown.data
    assert "may not look" not in explore(weights(), QUERIES, KEYS, "Who looks where.").data


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -0.25, 1.5])
def test_what_is_no_weight_is_refused_with_its_place(wrong):
    given = weights()
    given[1, 2] = wrong
    with pytest.raises(ValueError, match=rf"between 0 and 1, got {wrong:g} for query 'acht' and key 'eight'"):
        explore(given, QUERIES, KEYS, "Who looks where.")


def test_the_rounding_of_half_precision_is_no_error():
    given = torch.tensor([[1.0004, -0.0004]])
    assert read(explore(given, ["q"], ["a", "b"], "Rounded."))[0]["maps"] == [[[1, 0]]]


def test_no_word_can_end_the_script_or_become_an_element():
    shown = explore(weights(), QUERIES, KEYS, 'A "quoted" <b>caption</b>').data
    assert "<b>" not in shown
    assert "<i>" not in shown
    assert shown.count("</script>") == 2
    assert "A &quot;quoted&quot; &lt;b&gt;caption" in shown


def test_words_that_could_not_be_seen_or_stored_are_shown_as_signs():
    odd = ["", "  ", "a\nb", "\ud800", "e\u0301", "한국어", "שלום"]
    shown = explore(torch.full((1, 7), 1 / 7), ["?"], odd, "Odd words.")
    assert read(shown)[1].rows[0][1:] == ["(empty)", "␣␣", "a↵b", "?", "e\u0301", "한국어", "שלום"]
    shown.data.encode("utf-8")


def test_more_than_24_keys_are_running_text_for_every_query_with_a_folded_table():
    keys = [f"w{i}" for i in range(29)]
    given = torch.rand(3, 29, generator=torch.Generator().manual_seed(0)).softmax(dim=-1)
    shown = explore(given, QUERIES, keys, "A long text.")
    _, table = read(shown)
    assert table.rows[0] == ["", *QUERIES]
    assert [row[0] for row in table.rows[1:]] == keys
    assert torch.allclose(
        torch.tensor([[float(cell) for cell in row[1:]] for row in table.rows[1:]]), given.T, atol=6e-3
    )
    assert shown.data.count('class="explorer-row"') == 3
    assert f"background-color:{shade(1.0)}" in shown.data, "the largest weight of a row is the darkest"
    assert "the largest of all rows" in shown.data


def test_rows_of_running_text_share_one_scale_so_that_equal_weights_stay_light():
    keys = [f"w{i}" for i in range(29)]
    peaked = torch.full((29,), 0.1 / 28).index_fill(0, torch.tensor([4]), 0.9)
    shown = explore(torch.stack([peaked, torch.full((29,), 1 / 29)]), ["peaked", "even"], keys, "A long text.").data
    first, second = re.findall(r'<p class="explorer-text".*?</p>', shown)
    assert first.count("background-color") == 1
    assert second.count("background-color") == 0


def test_weights_that_need_a_gradient_are_shown_and_left_alone():
    given = weights().requires_grad_()
    explore(given, QUERIES, KEYS, "Who looks where.")
    assert given.requires_grad


@pytest.mark.parametrize(
    ("maps", "choices", "mask", "complaint"),
    [
        ((), {"head": ["1"]}, None, r"\(head, queries, keys\) = \(1, 3, 5\) for these names, got \(3, 5\)"),
        ((2,), None, None, r"\(queries, keys\) = \(3, 5\) for these names, got \(2, 3, 5\)"),
        ((), None, (5, 3), r"mask must be \(queries, keys\) = \(3, 5\), got \(5, 3\)"),
        ((), {"head": []}, None, r"at least one name on each axis, got \(0, 3, 5\)"),
    ],
)
def test_names_that_do_not_fit_are_answered_with_the_shape_that_would(maps, choices, mask, complaint):
    mask = None if mask is None else torch.ones(mask, dtype=torch.bool)
    with pytest.raises(ValueError, match=complaint):
        explore(weights(*maps), QUERIES, KEYS, "Who looks where.", choices, mask)


def luminance(colour):
    colour = "#" + "".join(2 * c for c in colour[1:]) if len(colour) == 4 else colour
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_more_weight_is_darker_and_its_number_is_legible_on_it():
    colours = [shade(step / 1000) for step in range(1001)]
    lights = [luminance(colour) for colour in colours]
    assert all(after <= before for before, after in itertools.pairwise(lights))
    assert lights[0] > 0.85
    assert lights[-1] < 0.1
    for colour in colours:
        dark, light = sorted([luminance(colour), luminance(ink_on(colour))])
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_figures_and_explorer_colour_a_weight_alike():
    for weight in (0.0, 0.25, 0.5, 1.0):
        ours = [int(shade(weight)[i : i + 2], 16) for i in (1, 3, 5)]
        assert ours == pytest.approx([255 * channel for channel in WEIGHTS(weight)[:3]], abs=2)


def test_queries_and_keys_have_the_course_s_colours_in_light_and_dark():
    colours = re.findall(r"--(query|key): (#\w+);", explorer.STYLE)
    assert colours == [(name, ground[name]) for ground in (LIGHT, DARK) for name in ("query", "key")]


def test_a_coloured_document_says_in_words_what_it_shows_in_colours(monkeypatch):
    shown = []
    monkeypatch.setattr(explorer, "display", lambda data, raw: shown.append(data))
    show_document([("sort", "<the>"), ("list",)], torch.tensor([0.48, 0.12, 0.4]))
    assert shown[0]["text/plain"].splitlines() == ["weight 0.60: sort (0.80) <the> (0.20)", "weight 0.40: list (1.00)"]
    for word in ("weight <b>0.60</b>", "sort</span><sub>0.80</sub>", "&lt;the&gt;", "list</span><sub>1.00</sub>"):
        assert word in shown[0]["text/html"]
    assert shade(0.8) in shown[0]["text/html"]


def test_a_document_with_fewer_weights_than_words_is_refused():
    with pytest.raises(ValueError, match="one weight for each of 3 words, got \\(2,\\)"):
        show_document([("sort", "the"), ("list",)], torch.tensor([0.5, 0.5]))
