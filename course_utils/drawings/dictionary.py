"""Lecture 02: a Python dictionary is asked twice."""

from course_utils.drawings.canvas import LARGE, Drawing

ENTRIES = {1: 10, 2: 20, 3: 40}  # those of the lecture
BETWEEN = 1.4


def exact() -> Drawing:
    """Draw a query that is equal to a key, and one that slips through between two keys."""
    drawing = Drawing(
        "Two questions to a Python dictionary",
        "Three keys, 1, 2 and 3, one below the other, each with its value beside it: 10, 20 and 40. The query 1 is "
        f"equal to a key and gets that key's value, 10. The query {BETWEEN} is drawn a little lower, where it belongs "
        "between the keys 1 and 2; its dashed arrow passes between them and ends at None.",
        height=292,
    )
    query, key, value, answer = 130, 400, 580, 830
    rows = {number: 86 + 84 * (number - 1) for number in (1, BETWEEN, 2, 3)}
    for x, name in ((query, "query"), (key, "key"), (value, "value")):
        drawing.words(x, 30, name, LARGE, name)
    drawing.words(answer, 30, "answer", LARGE)
    for number, given in ENTRIES.items():
        drawing.box(key, rows[number], 76, 36, "key_tint", "key")
        drawing.words(key, rows[number], f"{number}", LARGE)
        drawing.line((key + 39, rows[number]), (value - 39, rows[number]))
        drawing.box(value, rows[number], 76, 36, "value_tint", "value")
        drawing.words(value, rows[number], f"{given}", LARGE)
    for asked in (1, BETWEEN):
        drawing.box(query, rows[asked], 76, 30, "query_tint", "query")
        drawing.words(query, rows[asked], f"{asked}", LARGE)
    drawing.line((query + 39, rows[1]), (key - 39, rows[1]), colour="query", width=2.25)
    drawing.line((value + 39, rows[1]), (answer - 46, rows[1]), colour="value", width=2.25)
    drawing.words(answer, rows[1], f"{ENTRIES[1]}", LARGE, "value", bold=True)
    drawing.line((query + 39, rows[BETWEEN]), (answer - 46, rows[BETWEEN]), colour="query", dashed=True)
    drawing.words(answer, rows[BETWEEN], "None", LARGE, code=True)
    return drawing
