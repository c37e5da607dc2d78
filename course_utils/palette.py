"""The course's colours, once: drawings, figures, the explorer and the cards take them from here. Imports nothing.

A colour means something. ``query``, ``key``, ``value`` and ``weight`` keep theirs through all six lectures; everything
else is ink, grey or paper. The four differ in lightness as well as in hue, so that they stay apart for readers with a
colour-vision deficiency (``tests/test_drawings.py`` measures that), and each is dark (or light) enough to be read as
text on its ground. A weight is shown by strength: little is faint, much is full.
"""

LIGHT = {
    "paper": "#ffffff",  # the ground
    "panel": "#f3f5f8",  # a quiet area on the ground
    "line": "#b9c1cc",  # outlines, hairlines
    "faint": "#ccd4de",  # what is not lit
    "muted": "#566070",  # second voice: captions, what is not at issue
    "ink": "#1b2330",  # first voice: text, arrows
    "query": "#2a44b4",
    "key": "#177e70",
    "value": "#b8500f",
    "weight": "#7d0f72",
    "query_tint": "#e3e9fb",  # the same four as grounds
    "key_tint": "#dcf1ec",
    "value_tint": "#fdf1e8",
    "weight_tint": "#f6e3f3",
}

DARK = {
    "paper": "#14181e",
    "panel": "#1e242d",
    "line": "#4a5564",
    "faint": "#3b4654",
    "muted": "#a6b0bd",
    "ink": "#f4f6f9",
    "query": "#6b9dff",
    "key": "#78e2a8",
    "value": "#f08a55",
    "weight": "#f3b3fb",
    "query_tint": "#1b2747",
    "key_tint": "#15322d",
    "value_tint": "#37251b",
    "weight_tint": "#35223d",
}

# The scale of weights, for explorer and figures: light is little, dark is much, from 0 to 1.
WEIGHT = LIGHT["weight"]  # 1: the colour of weights in every drawing
NOTHING = "#f7eff6"  # 0: pale, and yet not the paper, so that a place without weight is still a place


def shade(weight: float) -> str:
    """Give the colour of a weight between 0 and 1, as ``#rrggbb``."""
    ends = zip(_channels(NOTHING), _channels(WEIGHT), strict=True)
    return "#" + "".join(f"{round(low + (high - low) * weight):02x}" for low, high in ends)


def ink_on(colour: str) -> str:
    """Give black or white, whichever can be read on a colour (WCAG 2.2 asks for a contrast of 4.5)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (c / 255 for c in _channels(colour))]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000" if luminance > 0.179 else "#fff"  # at 0.179 both have a contrast of 4.58


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
