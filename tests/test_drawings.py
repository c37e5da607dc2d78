"""The drawings: described, inside their sheet, in the palette's colours, large enough, readable in light and dark."""

import itertools
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
import torch
from torch.nn.functional import leaky_relu

from course_utils.attention import attend, scaled_dot_score
from course_utils.drawings import four_steps, message_on_an_edge, rotation, transformer
from course_utils.drawings.canvas import WIDTH, Drawing
from course_utils.drawings.gallery import DRAWINGS, LIT
from course_utils.files import PICTURES
from course_utils.palette import DARK, LIGHT

SVG = "{http://www.w3.org/2000/svg}"
PAGE = 700  # pixels that a drawing is wide on a page
ROLES = ("query", "key", "value", "weight")
THEMES = pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
every_drawing = pytest.mark.parametrize("name", DRAWINGS)

# Machado, Oliveira and Fernandes (2009), severity 1, for linear RGB; the identity is for who sees all colours.
SIGHT = {
    "all colours": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


@cache
def drawn(name: str) -> ET.Element:
    return ET.fromstring(DRAWINGS[name]().svg())


def parts(colour: str) -> np.ndarray:
    """Take '#rrggbb' apart into three numbers from 0 to 255."""
    return np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)])


def linear(colour: str) -> np.ndarray:
    """Turn '#rrggbb' into linear RGB."""
    encoded = parts(colour) / 255
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def oklab(rgb: np.ndarray) -> np.ndarray:
    """Turn linear RGB into Oklab (Ottosson 2020), in which equal distances look about equal."""
    to_cones = [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566]]
    to_cones.append([0.0883024619, 0.2817188376, 0.6299787005])
    to_lab = [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099]]
    to_lab.append([0.0259040371, 0.7827717662, -0.8086757660])
    return np.array(to_lab) @ np.cbrt(np.array(to_cones) @ np.clip(rgb, 0, 1))


def contrast(one: str, other: str) -> float:
    """Give the contrast ratio of WCAG 2 between two colours."""
    light, dark = sorted((float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def colour_of(element: ET.Element) -> str | None:
    """Give the name of the colour with which an element is filled."""
    return next((name for name in element.get("class", "").split() if name in LIGHT), None)


def ground(root: ET.Element, text: ET.Element, colours: dict[str, str]) -> str:
    """Give the colour that lies under the beginning of a text: boxes and circles before it, faded ones blended."""
    x, y = float(text.get("x")), float(text.get("y")) - 0.3 * float(text.get("font-size"))
    x += {"start": 3, "end": -3}.get(next((c for c in text.get("class").split() if c in ("start", "end")), ""), 0)
    under = np.zeros(3)
    for element in itertools.takewhile(lambda element: element is not text, root.iter()):
        at = {key: float(element.get(key, 0)) for key in ("x", "y", "width", "height", "cx", "cy", "r")}
        if element.tag == SVG + "rect":
            covered = at["x"] <= x <= at["x"] + at["width"] and at["y"] <= y <= at["y"] + at["height"]
        else:
            covered = element.tag == SVG + "circle" and (x - at["cx"]) ** 2 + (y - at["cy"]) ** 2 <= at["r"] ** 2
        if covered:
            share = float(element.get("fill-opacity", 1))
            under = (1 - share) * under + share * parts(colours[colour_of(element)])
    return "#{:02x}{:02x}{:02x}".format(*under.round().astype(int))


def extents(root: ET.Element) -> Iterator[tuple[str, float, float, float, float]]:
    """Give name, left, top, right and bottom of whatever is drawn, lines with half their width."""
    for element in root.iter():
        half = float(element.get("stroke-width", 0)) / 2
        get = {key: float(element.get(key, 0)) for key in ("x", "y", "width", "height", "cx", "cy", "r", "font-size")}
        if element.tag == SVG + "rect":
            left, top, right, bottom = get["x"], get["y"], get["x"] + get["width"], get["y"] + get["height"]
        elif element.tag == SVG + "circle":
            left, right, top, bottom = (
                get["cx"] - get["r"],
                get["cx"] + get["r"],
                get["cy"] - get["r"],
                get["cy"] + get["r"],
            )
        elif element.tag == SVG + "path":
            numbers = [float(number) for number in re.findall(r"-?[\d.]+", element.get("d"))]
            left, right, top, bottom = min(numbers[::2]), max(numbers[::2]), min(numbers[1::2]), max(numbers[1::2])
        elif element.tag == SVG + "text":
            # 0.66 em per sign is more than any of the usual faces needs for words
            long = 0.66 * sum(
                float(part.get("font-size", get["font-size"])) * len(part.text or "") for part in (element, *element)
            )
            share = (
                0 if "start" in element.get("class").split() else 1 if "end" in element.get("class").split() else 0.5
            )
            left, right = get["x"] - share * long, get["x"] + (1 - share) * long
            top, bottom = get["y"] - 0.8 * get["font-size"], get["y"] + 0.3 * get["font-size"]
        else:
            continue
        name = "".join(element.itertext()) or element.get("d") or str(element.attrib)
        yield name, left - half, top - half, right + half, bottom + half


@every_drawing
def test_a_committed_drawing_is_what_the_code_draws(name):
    path = PICTURES / f"{name}.svg"
    written = path.read_text(encoding="utf-8") if path.exists() else ""
    assert written == DRAWINGS[name]().svg(), "run: python -m course_utils.drawings"


def test_there_is_no_drawing_without_code():
    assert {path.stem for path in PICTURES.glob("*.svg")} == set(DRAWINGS)


@every_drawing
def test_a_drawing_says_in_words_what_it_shows(name):
    root = drawn(name)
    title, description = root.find(SVG + "title"), root.find(SVG + "desc")
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert 2 <= len(title.text.split()) <= 12
    assert len(description.text.split()) >= 25


@every_drawing
def test_numbers_in_the_description_are_those_of_the_drawing(name):
    root = drawn(name)
    written = {"".join(text.itertext()) for text in root.iter(SVG + "text")}
    said = re.findall(r"−?\d+\.\d+", root.find(SVG + "desc").text)
    assert set(said) <= written


def test_the_message_on_an_edge_carries_what_attend_computes():
    names = list(message_on_an_edge.FEATURES)
    values = torch.tensor([message_on_an_edge.project(message_on_an_edge.FEATURES[u]) for u in names]).float()
    query = values[[names.index("A")]]
    mask = torch.tensor([[message_on_an_edge.may_attend("A", u) for u in names]])

    def score(keys, query):  # the lecture's a_q = (1, -1), a_k = (1, 0)
        return leaky_relu(query @ torch.tensor([[1.0], [-1]]) + (keys @ torch.tensor([[1.0], [0]])).mT, 0.2)

    context, weights = attend(query, values, values, score, mask)
    written = ["".join(text.itertext()) for text in drawn("06_message_on_an_edge").iter(SVG + "text")]
    for number in [*weights[mask].tolist(), *context[0].tolist()]:
        assert f"{number:.2f}" in written


def test_the_four_steps_show_what_attend_computes():
    x, *matrices = (
        torch.tensor(matrix).float()
        for matrix in (four_steps.X, four_steps.W_QUERY, four_steps.W_KEY, four_steps.W_VALUE)
    )
    query, keys, values = (x @ matrix for matrix in matrices)
    context, weights = attend(query, keys, values, scaled_dot_score)
    written = ["".join(text.itertext()) for text in drawn("05_four_steps").iter(SVG + "text")]
    wanted = [f"{number:.0f}" for matrix in (x, query, keys, values, query @ keys.mT) for number in matrix.flatten()]
    wanted += [f"{number:.2f}" for number in [*weights.flatten(), *context.flatten()]]
    assert sorted(number for number in written if number.replace(".", "").isdecimal()) == sorted(wanted)


def test_the_rotation_turns_both_pairs_of_hands_by_the_same_angle():
    def angles(colour):
        paths = [
            path.get("d")
            for path in drawn("05_rotation").iter(SVG + "path")
            if path.get("class") == f"path {colour}-stroke" and float(path.get("stroke-width")) == 3
        ]
        ends = [[float(number) for number in re.findall(r"-?[\d.]+", path)] for path in paths]
        return [np.arctan2(y0 - y1, x1 - x0) for x0, y0, x1, y1 in ends]

    def turned(first, second):
        return (np.array(angles(second)) - np.array(angles(first))) % (2 * np.pi)

    early, late = turned("muted", "ink")
    assert early == pytest.approx(rotation.SHIFT * rotation.SPEED, abs=0.01)
    assert late == pytest.approx(early, abs=0.01)
    early, late = turned("query", "key")
    assert late == pytest.approx(early, abs=0.01)


def test_no_two_drawings_share_their_words_or_an_id():
    for find in ((lambda root: root.find(SVG + "desc").text), (lambda root: root.get("aria-labelledby"))):
        assert len({find(drawn(name)) for name in DRAWINGS}) == len(DRAWINGS)


@every_drawing
def test_a_drawing_stays_inside_its_sheet(name):
    root = drawn(name)
    _, _, width, height = map(float, root.get("viewBox").split())
    assert width == WIDTH
    outside = [what for what, *where in extents(root) if not _inside(where, width, height)]
    assert not outside


def _inside(where: list, width: float, height: float) -> bool:
    left, top, right, bottom = where
    return left >= 0 and top >= 0 and right <= width and bottom <= height


@every_drawing
def test_no_letters_are_below_eleven_pixels_on_a_page(name):
    root = drawn(name)
    sizes = [float(element.get("font-size")) for element in root.iter() if element.get("font-size")]
    assert sizes
    assert min(sizes) * PAGE / WIDTH >= 11


@every_drawing
def test_a_drawing_uses_only_colours_of_the_palette(name):
    root = drawn(name)
    style = root.find(SVG + "style").text
    light, dark = style.split("@media (prefers-color-scheme: dark)")
    for rules, colours in ((light, LIGHT), (dark, DARK)):
        filled = dict(re.findall(r"\.(\w+) \{ fill: (#\w+) \}", rules))
        stroked = dict(re.findall(r"\.(\w+)-stroke \{ stroke: (#\w+) \}", rules))
        assert filled == stroked == {name: colours[name] for name in filled}
    for element in root.iter():
        assert not {"fill", "stroke", "style"} & set(element.attrib)
        if element.tag in (SVG + "rect", SVG + "circle", SVG + "path", SVG + "text"):
            named = {part.removesuffix("-stroke") for part in element.get("class").split()} & set(LIGHT)
            assert named <= set(filled)
            assert named, f"{element.attrib} has no colour and would be black"


@THEMES
@every_drawing
def test_words_stand_out_from_what_is_under_them(name, colours):
    root = drawn(name)
    for text in root.iter(SVG + "text"):
        for part in (text, *text):
            ink, under = colours[colour_of(part) or colour_of(text)], ground(root, text, colours)
            if colours["faint"] not in (ink, under):  # what is not lit is not there to be read
                assert contrast(ink, under) >= 4.5, ("".join(text.itertext()), ink, under)


@THEMES
@pytest.mark.parametrize("sight", SIGHT)
def test_query_key_value_and_weight_stay_apart_for_every_sight(colours, sight):
    seen = {role: oklab(np.array(SIGHT[sight]) @ linear(colours[role])) for role in ROLES}
    for one, other in itertools.combinations(ROLES, 2):
        assert np.linalg.norm(seen[one] - seen[other]) >= 0.08, (one, other)


def test_light_and_dark_name_the_same_colours():
    assert list(LIGHT) == list(DARK)
    assert {f"{role}_tint" for role in ROLES} < set(LIGHT)


def test_what_is_not_lit_is_faint_and_what_is_lit_is_not():
    drawing = ET.fromstring(transformer.draw({"feed_forward"}, "the feed-forward part").svg())
    groups = {group.get("id"): group for group in drawing.iter(SVG + "g")}
    for name, group in groups.items():
        inked = {colour_of(text) for text in group.iter(SVG + "text")}
        if group.find(SVG + "text") is not None:
            assert inked == {"ink"} if name == "feed-forward" else inked <= {"faint", "paper"}, name


def test_each_part_of_the_transformer_is_lit_in_a_drawing():
    assert {part for parts, _ in LIT.values() for part in parts} == set(transformer.PARTS)


@pytest.mark.parametrize(
    ("name", "roles"),
    [
        ("05_bag", set()),
        ("05_rotation", {"query", "key"}),
        ("05_transformer", {"query", "key", "value"}),
        ("06_one_document", set()),
        ("06_one_unit", {"query", "key"}),
    ],
)
def test_no_role_lends_its_colour_to_anything_else(name, roles):
    used = re.findall(r"\.(\w+) \{ fill:", drawn(name).find(SVG + "style").text)
    assert {colour.removesuffix("_tint") for colour in used} & set(ROLES) == roles


def test_a_part_that_the_transformer_has_not_is_named():
    with pytest.raises(ValueError, match="got convolution"):
        transformer.draw({"convolution"})


def test_a_formula_is_set_with_its_subscripts_and_colours():
    drawing = Drawing("Two words", "Nothing.", 100)
    drawing.formula(50, 50, '[query|"query "s_{i-1}] = x^2')
    text = ET.fromstring(drawing.svg()).find(SVG + "text")
    spans = [(span.text, span.get("class"), span.get("font-size") is not None) for span in text]
    assert spans[:4] == [
        ("query ", "query", False),
        ("s", "variable query", False),
        ("i", "variable query", True),
        ("−1", "query", True),
    ]
    assert sum(float(span.get("dy", 0)) for span in text) == pytest.approx(-0.36 * 23, abs=0.02)
