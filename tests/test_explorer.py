"""The explorer's HTML: what stands in it before any script runs, and that no word breaks it."""

import json
import re
from html.parser import HTMLParser

import pytest
import torch

from course_utils.explorer import explore

QUERIES, KEYS = ["drei", "acht", "</script><b>"], ["three", "a & b", "eight", "<i>", "five"]


def told(shown):
    """Read the data for the script, and each table as rows of text."""
    data = json.loads(re.search(r'<script type="application/json">(.*?)</script>', shown.data)[1])

    class Tables(HTMLParser):
        def __init__(self):
            super().__init__()
            self.tables, self.captions, self.inside = [], [], ""

        def handle_starttag(self, tag, attributes):
            self.inside = tag
            if tag == "table":
                self.tables.append([])
            if tag == "tr":
                self.tables[-1].append([])
            if tag in ("td", "th"):
                self.tables[-1][-1].append("")

        def handle_data(self, text):
            if self.inside in ("td", "th"):
                self.tables[-1][-1][-1] += text
            if self.inside == "caption":
                self.captions.append(text)

    reader = Tables()
    reader.feed(shown.data)
    return data, reader


def weights(*maps, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(*maps, len(QUERIES), len(KEYS), generator=generator).softmax(dim=-1)


def test_each_weight_stands_in_the_table_beside_its_query_and_under_its_key():
    given = weights()
    _, reader = told(explore(given, QUERIES, KEYS, "Who looks where."))
    head, *rows = reader.tables[0]
    assert head == ["", *KEYS]
    assert [row[0] for row in rows] == QUERIES
    assert [row[1:] for row in rows] == [[f"{weight:.2f}" for weight in row] for row in given.tolist()]


def test_each_combination_of_choices_has_its_own_map_in_the_order_of_the_axes():
    given = weights(2, 4)
    choices = {"layer": ["first", "last"], "head": list("abcd")}
    data, reader = told(explore(given, QUERIES, KEYS, "Who looks where.", choices))
    assert reader.captions[:2] == ["layer first, head a", "layer first, head b"]
    assert reader.captions[-1] == "layer last, head d"
    assert torch.allclose(torch.tensor(data["maps"]), given.reshape(8, 3, 5), atol=6e-4)
    assert [choice["name"] for choice in data["choices"]] == ["layer", "head"]


def test_what_the_mask_forbids_is_empty_and_not_zero():
    mask = torch.ones(3, 5, dtype=torch.bool)
    mask[1, 3] = False
    data, reader = told(explore(weights(), QUERIES, KEYS, "Who looks where.", mask=mask))
    assert data["maps"][0][1][3] is None
    assert sum(row.count(None) for row in data["maps"][0]) == 1
    assert reader.tables[0][2][4] == "–"


def test_no_word_can_end_the_script_or_become_an_element():
    shown = explore(weights(), QUERIES, KEYS, 'A "quoted" <b>caption</b>').data
    assert "<b>" not in shown
    assert "<i>" not in shown
    assert shown.count("</script>") == 2
    assert "A &quot;quoted&quot; &lt;b&gt;caption" in shown


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
    ],
)
def test_names_that_do_not_fit_are_answered_with_the_shape_that_would(maps, choices, mask, complaint):
    mask = None if mask is None else torch.ones(mask, dtype=torch.bool)
    with pytest.raises(ValueError, match=complaint):
        explore(weights(*maps), QUERIES, KEYS, "Who looks where.", choices, mask)
