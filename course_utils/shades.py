"""The scale of weights, once for explorer and figures: light is little, dark is much, from 0 to 1."""

from course_utils.palette import LIGHT

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
