"""The explorer on small pages of its own: at every width, with and without a script, in the dark, and for axe."""

import re

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe

from course_utils.explorer import explore

from .explorer import OVERFLOWS, walk_through

ODD = [
    "",
    "  ",
    "<eos>",
    "</script><b>",
    "Donaudampfschifffahrtsgesellschaft",
    "e\u0301",
    "한국어",
    "שלום",
    "🙂",
    "a\nb",
]


def weights(*shape):
    return (3 * torch.randn(*shape, generator=torch.Generator().manual_seed(0))).softmax(dim=-1)


def shown(name):
    if name == "few":
        return explore(weights(2, 3), ["der", "Hund"], ["the", "dog", "barks"], "Few keys.")
    if name == "odd":
        choices = {"layer": ["1", "2"], "head": ["1", "2", "3"]}
        causal = torch.ones(10, 10, dtype=torch.bool).tril()
        return explore(weights(2, 3, 10, 10), ODD, ODD, "Odd words.", choices, causal)
    if name == "many":
        return explore(weights(5, 24), list("abcde"), [f"a-long-key-{i}" for i in range(24)], "As many keys as fit.")
    return explore(weights(3, 60), ["HAN", "attention", "mean"], [f"word{i}" for i in range(60)], "A running text.")


every_explorer = pytest.mark.parametrize("name", ["few", "odd", "many", "text"])


def page_of(html, theme="light"):
    look = "background:#14181e;color:#eee" if theme == "dark" else "background:#fff;color:#111"
    return (
        f'<!doctype html><html lang="en" data-theme="{theme}"><meta charset="utf-8"><title>Explorer</title>'
        f'<body style="margin:8px;font:16px sans-serif;{look}"><main><h1>Explorer</h1>{html}</main></body></html>'
    )


@every_explorer
@pytest.mark.parametrize("width", [320, 390, 704, 1280, 1920])
@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_no_column_is_cut_at_any_width(name, width, script, watch):
    watched = watch(width, 900, java_script_enabled=script)
    watched.page.set_content(page_of(shown(name).data))
    assert watched.page.locator(".attention-explorer").evaluate(OVERFLOWS) == []
    assert watched.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for cell in watched.page.locator(".explorer-map tr").last.locator("th, td").all():
        box = cell.bounding_box()
        assert box["width"] >= 5
        assert box["x"] + box["width"] <= width
    assert not watched.problems


@every_explorer
def test_it_answers_to_keyboard_and_mouse(name, watch):
    watched = watch()
    watched.page.set_content(page_of(shown(name).data))
    walk_through(watched.page.locator(".attention-explorer"))
    assert not watched.problems


@pytest.mark.parametrize("name", ["few", "odd", "many"])
def test_the_map_remains_where_scripts_style_sheets_and_roles_are_stripped(name, watch):
    watched = watch(704, 900)
    bare = re.sub(r"<(style|script).*?</\1>", "", shown(name).data, flags=re.DOTALL)
    watched.page.set_content(page_of(bare))
    assert watched.page.locator(".attention-explorer").evaluate(OVERFLOWS) == []
    colours = watched.page.locator(".explorer-map tbody td:not(.explorer-masked)").evaluate_all(
        "cells => cells.map(cell => getComputedStyle(cell).backgroundColor)"
    )
    assert len(set(colours)) > 2
    assert "rgba(0, 0, 0, 0)" not in colours


def test_another_map_has_the_colours_and_numbers_that_python_would_write(watch):
    given = weights(2, 4, 5)
    names = list("abcd"), list("vwxyz")
    look = "cells => cells.map(cell => [cell.textContent, getComputedStyle(cell).backgroundColor, cell.style.color])"
    seen = []
    for html in (explore(given, *names, "Both.", {"head": ["1", "2"]}), explore(given[1], *names, "The second.")):
        watched = watch()
        watched.page.set_content(page_of(html.data))
        for select in watched.page.get_by_role("combobox").all():
            select.select_option(index=1)
        seen.append(watched.page.locator(".explorer-map tbody td").evaluate_all(look))
    for ours, theirs in zip(*seen, strict=True):
        assert (ours[0], ours[2] in ("#000", "rgb(0, 0, 0)")) == (theirs[0], theirs[2] in ("#000", "rgb(0, 0, 0)"))
        pairs = zip(re.findall(r"\d+", ours[1]), re.findall(r"\d+", theirs[1]), strict=True)
        assert all(abs(int(a) - int(b)) <= 1 for a, b in pairs)


@every_explorer
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(name, theme, watch):
    watched = watch(704, 900)
    watched.page.set_content(page_of(shown(name).data, theme))
    found = Axe().run(watched.page, options={"resultTypes": ["violations"]}).response["violations"]
    assert not [(rule["id"], [node["html"][:120] for node in rule["nodes"]][:3]) for rule in found]
