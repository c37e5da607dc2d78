"""Lecture 05: going further by some words turns a hand by one angle, and rotary positions turn query and key."""

import math

from course_utils.drawings.canvas import LARGE, TEXT, Drawing, Number, Point

SPEED = 0.4  # angle from one position to the next
SHIFT = 2
STARTS = 1, 4  # the same shift from two positions
QUERY_AT, KEY_AT = 0.35, 1.0  # the angles of query and key before they are turned
RADIUS = 84


def draw() -> Drawing:
    """Draw four clocks: one shift from two positions, and one pair of query and key at two positions."""
    early, late = ((start, start + SHIFT) for start in STARTS)
    drawing = Drawing(
        "A shift is a rotation",
        f"Four clocks, each with two hands. Left, positions as sines: a hand at position {early[0]} and again at "
        f"{early[1]}; then at {late[0]} and at {late[1]}. Both times the shift by {SHIFT} words turns it by the same "
        f"angle, marked by an arc. Right, rotary positions: a query and a key, each turned by its own position, "
        f"{early[0]} and {early[1]} on one clock, {late[0]} and {late[1]} on the other. The second clock is the first "
        "one turned as a whole, so that the angle between query and key, and with it the score, is the same.",
        height=352,
    )
    drawing.words(240, 28, "sines: a hand moves on", TEXT, "muted")
    drawing.words(720, 28, "rotary: query and key are turned", TEXT, "muted")
    for x, (first, second) in ((130, early), (350, late)):
        clock(drawing, x, (SPEED * first, "muted", f"{first}"), (SPEED * second, "ink", f"{second}"))
        drawing.formula(x, 284, f'"from "t = {first}" to "t = {second}', TEXT)
    for x, (first, second) in ((610, early), (830, late)):
        turned = QUERY_AT + SPEED * first, KEY_AT + SPEED * second
        clock(drawing, x, (turned[0], "query", "q"), (turned[1], "key", "k"))
        drawing.formula(x, 284, f'[query|q]" at "{first}", "[key|k]" at "{second}', TEXT)
    drawing.formula(240, 320, f'{SHIFT}" words turn it by "{SHIFT}ω, "wherever it is"', TEXT)
    drawing.formula(720, 320, '"the angle between them is the same"', TEXT)
    drawing.line((480, 60), (480, 320), colour="line", head=False, dashed=True)
    return drawing


def clock(drawing: Drawing, x: Number, *hands: tuple[Number, str, str]) -> None:
    """Draw a circle with two hands, each with its angle, colour and name, and an arc from the first to the second."""
    y = 164
    drawing.circle(x, y, RADIUS, "panel", "line")
    for angle, colour, name in hands:
        drawing.line((x, y), at(x, y, angle, RADIUS), colour=colour, width=3)
        drawing.formula(*at(x, y, angle, RADIUS + 17), name, LARGE, colour)
    start, end = (angle for angle, *_ in hands)
    arc = [at(x, y, start + (end - start) * step / 16, 0.5 * RADIUS) for step in range(17)]
    drawing.line(*arc, colour="ink", width=2, radius=1)
    drawing.circle(x, y, 4, "ink", None)


def at(x: Number, y: Number, angle: Number, radius: Number) -> Point:
    """Give the point at an angle from the right, against the clock; a sheet's y points down."""
    return x + radius * math.cos(angle), y - radius * math.sin(angle)
