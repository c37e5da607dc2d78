"""A sheet to draw on: boxes, arrows, words and formulas, written as plain SVG.

Coordinates are those of the sheet, 960 wide; a page shows it at about 700 pixels, so that `SMALL`, the smallest size of
letters, is 11.7 pixels there.

Light and dark are in the same file, by a media query. A browser answers it for a picture by the ``color-scheme`` of the
page around it, so a drawing follows a theme's switch where the theme sets that property and the system's setting
elsewhere. Each sheet has its own paper: whatever the page's ground is, a drawing can be read.
"""

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from xml.sax.saxutils import escape, quoteattr

from course_utils.palette import DARK, LIGHT

WIDTH = 960
SMALL, TEXT, LARGE = 16, 19, 23  # sizes of letters
SUBSCRIPT = 0.7  # of the size of the letters beside it
STROKE = 1.75
HEAD = 9  # length of an arrow's head

SANS = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
SERIF = '"STIX Two Text", Cambria, Georgia, "Times New Roman", serif'
MONO = 'ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace'

Number = int | float  # the tests hold every argument to its type, and an int is no float there
Point = tuple[Number, Number]


class Drawing:
    """One picture: what it shows in words, and its SVG.

    Parameters
    ----------
    title
        What it is, in a few words.
    description
        What can be seen, in sentences: the text alternative.
    height
        Of the sheet; its width is always `WIDTH`.
    """

    def __init__(self, title: str, description: str, height: int):
        self.title, self.description, self.height = title, description, height
        self._lines: list[str] = []
        self._colours: set[str] = set()
        self._lit = True

    def svg(self) -> str:
        """Give the file's content."""
        ids = [f"{re.sub('[^a-z]+', '-', self.title.lower()).strip('-')}-{part}" for part in ("title", "description")]
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" '
        head += f'width="{WIDTH}" height="{self.height}" role="img" aria-labelledby="{" ".join(ids)}">'
        return "\n".join(
            [
                head,
                f'<title id="{ids[0]}">{escape(self.title)}</title>',
                f'<desc id="{ids[1]}">{escape(self.description)}</desc>',
                self._style(),
                f'<rect class="paper" width="{WIDTH}" height="{self.height}" rx="14"/>',
                *self._lines,
                "</svg>\n",
            ]
        )

    def inline(self) -> str:
        """Give the drawing for a page that colours it: without style and paper, its parts as classes."""
        lines = "".join(self._lines).replace('<g id="', '<g class="part ')
        label = quoteattr(f"{self.title}. {self.description}")
        return f'<svg viewBox="0 0 {WIDTH} {self.height}" role="img" aria-label={label}>{lines}</svg>'

    def _style(self) -> str:
        used = [name for name in LIGHT if name in self._colours | {"paper"}]
        rules = [
            f"text {{ font-family: {SANS}; text-anchor: middle }}",
            f".math {{ font-family: {SERIF} }} .code {{ font-family: {MONO} }}",
            ".variable { font-style: italic } .bold { font-weight: 600 }",
            ".start { text-anchor: start } .end { text-anchor: end }",
            ".path { fill: none; stroke-linecap: round; stroke-linejoin: round } .butt { stroke-linecap: butt }",
        ]
        for colours, wrap in ((LIGHT, "{}"), (DARK, "@media (prefers-color-scheme: dark) {{\n{}\n}}")):
            fills = [
                f".{name} {{ fill: {colours[name]} }} .{name}-stroke {{ stroke: {colours[name]} }}" for name in used
            ]
            rules.append(wrap.format("\n".join(fills)))
        return "<style>\n" + "\n".join(rules) + "\n</style>"

    def _add(self, tag: str, content: str | None = None, **attributes: object) -> None:
        """Write one element; underscores stand for hyphens, and ``class_`` for class."""
        attributes["class_"] = " ".join(map(self._named, str(attributes["class_"]).split()))
        written = "".join(
            f" {name.rstrip('_').replace('_', '-')}={quoteattr(_number(value))}"
            for name, value in attributes.items()
            if value is not None
        )
        self._lines.append(f"<{tag}{written}/>" if content is None else f"<{tag}{written}>{content}</{tag}>")

    def _named(self, name: str) -> str:
        """Give the class for a colour, which is faint in a part that is not lit; other classes as they are."""
        colour = name.removesuffix("-stroke")
        if colour not in LIGHT:
            return name
        seen = colour if self._lit or colour in ("paper", "panel") else "faint"
        self._colours.add(seen)
        return seen + name.removeprefix(colour)

    @contextmanager
    def part(self, name: str, lit: bool = True) -> Iterator[None]:
        """Put what is drawn inside into a group; one that is not lit is shown as a shadow of itself."""
        self._lines.append(f'<g id="{name}">')
        self._lit = lit
        yield
        self._lit = True
        self._lines.append("</g>")

    # Shapes ---------------------------------------------------------------------------------------------------------

    def box(
        self,
        x: Number,
        y: Number,
        width: Number,
        height: Number,
        fill: str = "panel",
        stroke: str | None = "line",
        radius: Number = 9,
        dashed: bool = False,
        strength: Number | None = None,
    ) -> None:
        """Draw a rounded rectangle around the *centre* (x, y); `strength` in [0, 1] fades its fill."""
        self._add(
            "rect",
            x=x - width / 2,
            y=y - height / 2,
            width=width,
            height=height,
            rx=min(radius, height / 2, width / 2),
            class_=f"{fill} {stroke}-stroke" if stroke else fill,
            stroke_width=STROKE if stroke else None,
            stroke_dasharray="5 5" if dashed else None,
            fill_opacity=strength,
        )

    def circle(self, x: Number, y: Number, radius: Number, fill: str = "paper", stroke: str | None = "ink") -> None:
        """Draw a circle."""
        self._add(
            "circle",
            cx=x,
            cy=y,
            r=radius,
            class_=f"{fill} {stroke}-stroke" if stroke else fill,
            stroke_width=STROKE if stroke else None,
        )

    def operator(self, x: Number, y: Number, kind: str, colour: str = "ink", radius: Number = 12) -> None:
        """Draw a small circle with a plus or a times in it."""
        self.circle(x, y, radius, "paper", colour)
        arm = radius * 0.5
        turn = 0 if kind == "+" else math.pi / 4
        for angle in (turn, turn + math.pi / 2):
            dx, dy = arm * math.cos(angle), arm * math.sin(angle)
            self._path(
                f"M{_number(x - dx)} {_number(y - dy)}L{_number(x + dx)} {_number(y + dy)}", colour, STROKE + 0.25
            )

    def vector_blank(self, x: Number, y: Number, n_cells: int) -> None:
        """Draw a vector whose numbers do not matter around the centre (x, y)."""
        cell, height = 24, 34
        left = x - cell * n_cells / 2
        self.box(x, y, cell * n_cells, height, "panel", "ink", 6)
        for place in range(1, n_cells):
            ends = (left + cell * place, y - height / 2), (left + cell * place, y + height / 2)
            self.line(*ends, colour="line", width=1, head=False)

    def bar(self, x: Number, y: Number, width: Number, height: Number, share: Number) -> None:
        """Draw a weight in [0, 1] as a filled part of a track around the centre (x, y), with its number."""
        self.box(x, y, width, height, "paper", None, 5)
        left, filled = x - width / 2, max(width * share, 4)
        self.box(left + filled / 2, y, filled, height, "weight", None, 5)
        inside = share > 0.5
        self.words(
            left + (10 if inside else filled + 8), y, f"{share:.2f}", TEXT, "paper" if inside else "ink", "start"
        )

    def vector(
        self,
        x: Number,
        y: Number,
        numbers: Sequence[Number],
        cell: Number = 32,
        colour: str = "ink",
        digits: int = 0,
    ) -> None:
        """Draw a few numbers side by side, one cell each, around the centre (x, y)."""
        height = 46
        left = x - cell * len(numbers) / 2
        self.box(x, y, cell * len(numbers), height, "paper", colour, 6)
        for place, number in enumerate(numbers):
            if place:
                ends = (left + cell * place, y - height / 2), (left + cell * place, y + height / 2)
                self.line(*ends, colour="line", width=1, head=False)
            self.words(left + cell * (place + 0.5), y, f"{number:.{digits}f}", TEXT, colour)

    def _path(self, d: str, colour: str, width: Number, dashed: bool = False, butt: bool = False) -> None:
        self._add(
            "path",
            d=d,
            class_=f"path {colour}-stroke" + " butt" * butt,
            stroke_width=width,
            stroke_dasharray="5 5" if dashed else None,
        )

    def line(
        self,
        *points: Point,
        colour: str = "ink",
        width: Number = STROKE,
        head: bool = True,
        radius: Number = 14,
        dashed: bool = False,
    ) -> None:
        """Join points by straight lines with rounded corners; with a head, the last point is where its tip is."""
        corners = list(points)
        tip, before = corners[-1], corners[-2]
        if head:
            length = math.dist(tip, before)
            back = (length - HEAD * 0.7) / length
            corners[-1] = (before[0] + (tip[0] - before[0]) * back, before[1] + (tip[1] - before[1]) * back)
        steps = [f"M{_pair(corners[0])}"]
        for last, corner, following in zip(corners, corners[1:], corners[2:], strict=False):
            cut = min(radius, math.dist(last, corner) / 2, math.dist(corner, following) / 2)
            steps.append(
                f"L{_pair(_towards(corner, last, cut))}Q{_pair(corner)} {_pair(_towards(corner, following, cut))}"
            )
        steps.append(f"L{_pair(corners[-1])}")
        self._path("".join(steps), colour, width, dashed)
        if head:
            self._head(tip, math.atan2(tip[1] - before[1], tip[0] - before[0]), colour)

    def curve(self, start: Point, end: Point, colour: str = "ink", width: Number = STROKE) -> None:
        """Draw an S from left to right, level at both ends."""
        reach = (end[0] - start[0]) / 2
        d = f"M{_pair(start)}C{_pair((start[0] + reach, start[1]))} {_pair((end[0] - reach, end[1]))} {_pair(end)}"
        self._path(d, colour, width, butt=True)

    def loop(self, x: Number, y: Number, radius: Number) -> None:
        """Draw an arrow from the left side of a circle around (x, y) back to itself."""
        dx, dy = radius * 0.87, radius * 0.5
        far = x - dx - radius * 1.35
        end = (x - dx - 1, y + dy + 1)
        middle = f"{_pair((far, y - 2 * dy))} {_pair((far, y + 2 * dy))}"
        d = f"M{_pair((x - dx, y - dy))}C{middle} {_pair((end[0] - 4, end[1] + 1))}"
        self._path(d, "ink", 2.25)
        self._head(end, -0.35, "ink")

    def wave(self, x: Number, y: Number, width: Number, height: Number) -> None:
        """Draw one period of a sine around the centre (x, y)."""
        points = [(x + width * (step / 24 - 0.5), y - height * math.sin(step / 12 * math.pi)) for step in range(25)]
        self._path("M" + "L".join(map(_pair, points)), "ink", STROKE)

    def _head(self, tip: Point, angle: Number, colour: str) -> None:
        sides = [
            (tip[0] - HEAD * math.cos(angle + turn), tip[1] - HEAD * math.sin(angle + turn)) for turn in (-0.42, 0.42)
        ]
        self._add("path", d=f"M{_pair(tip)}L{_pair(sides[0])}L{_pair(sides[1])}Z", class_=colour)

    # Words ----------------------------------------------------------------------------------------------------------

    def words(
        self,
        x: Number,
        y: Number,
        text: str,
        size: Number = TEXT,
        colour: str = "ink",
        anchor: str = "middle",
        bold: bool = False,
        code: bool = False,
    ) -> None:
        """Write words whose middle line is at y; a line break in the text starts another line, the block is centred."""
        lines = text.split("\n")
        spacing = size * 1.2
        classes = " ".join(filter(None, (colour, anchor, "bold" if bold else "", "code" if code else "")))
        for number, line in enumerate(lines):
            base = y + size * 0.35 + (number - (len(lines) - 1) / 2) * spacing
            self._add("text", escape(line), x=x, y=base, font_size=size, class_=classes)

    def formula(
        self, x: Number, y: Number, text: str, size: Number = LARGE, colour: str = "ink", anchor: str = "middle"
    ) -> None:
        """Write mathematics whose middle line is at y.

        Letters are italic, ``_`` and ``^`` put the next sign or ``{group}`` below or above, ``[colour|…]`` colours a
        part, and what is in double quotes is upright.
        """
        text = text.replace("-", "−")
        spans, shift = [], 0.0
        for content, place, tint, upright in _tokens(text):
            wanted = {"": 0.0, "_": 0.24 * size, "^": -0.36 * size}[place]
            small = f' font-size="{_number(size * SUBSCRIPT)}"' if place else ""
            moved = f' dy="{_number(wanted - shift)}"' if wanted != shift else ""
            shift = wanted
            for piece in [content] if upright else re.findall(r"[^\W\d_]+|[\W\d_]+", content):
                slanted = piece.isalpha() and not upright
                classes = " ".join(filter(None, ("variable" if slanted else "", self._named(tint) if tint else "")))
                named = f' class="{classes}"' if classes else ""
                spans.append(f"<tspan{named}{small}{moved}>{escape(piece)}</tspan>")
                moved = ""
        self._add("text", "".join(spans), x=x, y=y + size * 0.32, font_size=size, class_=f"math {colour} {anchor}")


def _tokens(text: str) -> Iterator[tuple[str, str, str, bool]]:
    """Take a formula apart: content, place ('', '_' or '^'), colour ('' for none), upright."""
    pattern = r"\[(\w+)\||(\])|([_^])\{([^}]*)\}|([_^])(.)|\"([^\"]*)\"|([^\[\]_^\"]+)"
    tint = ""
    for opened, closed, place, group, place_one, one, upright, plain in re.findall(pattern, text):
        if opened:
            tint = opened
        elif closed:
            tint = ""
        elif place or place_one:
            yield group or one, place or place_one, tint, False
        else:
            yield upright or plain, "", tint, bool(upright)


def _number(value: object) -> str:
    """Write a number without needless digits, anything else as it is."""
    return f"{round(value, 2):g}" if isinstance(value, float) else str(value)


def _pair(point: Point) -> str:
    return f"{_number(float(point[0]))} {_number(float(point[1]))}"


def _towards(start: Point, end: Point, distance: Number) -> Point:
    share = distance / (math.dist(start, end) or 1)
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def softmax(scores: Sequence[Number]) -> list[Number]:
    """Give the weights of some scores, so that the numbers in a drawing are computed and not typed."""
    powers = [math.exp(score) for score in scores]
    return [power / sum(powers) for power in powers]
