"""How a verdict looks: a card for a claim, a forest plot for several, and their twins in Markdown and in plain text.

Cards are HTML with styles in attributes and nothing else: no script, no style sheet, no SVG. So they come through the
sanitiser of JupyterLab, which drops those three in a notebook that is not trusted; their text takes the page's colour,
light or dark, and reflows on a phone; and where a viewer drops the styles too, what remains can still be read.
"""

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from course_utils.evidence.record import Claim, Record, mean_of, unit_of
from course_utils.evidence.rule import Interval, Verdict, in_points
from course_utils.languages.speaking import language, said, speaker, with_subscripts

# Each is dark enough to carry white text, and light enough to be seen as a line on a dark page.
COLOURS = {"holds": "#1f7f4c", "does not hold": "#c23b2e", "unclear": "#8a6510"}
CONTEXT = "#717b8a"  # what is not at issue: the control, zero
BEYOND = "rgba(31,127,76,0.13)"  # where a difference counts
SYMBOLS = {"holds": "✓", "does not hold": "✗", "unclear": "?"}

FONT = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
ROW = "display:flex;flex-wrap:wrap;align-items:center;gap:0 0.9em"
NAME = "flex:1 1 11em;min-width:0;line-height:1.3;padding:0.15em 0"
NUMBERS = "flex:0 0 13em;min-width:0;white-space:nowrap"  # as wide in every row, whatever it holds
TRACK = "flex:1 1 14em;position:relative;height:1.7em;min-width:0"
SENTENCE = "font-size:1.1em;font-weight:600;line-height:1.35;padding:0.45em 0"
QUIET = "opacity:0.8;font-size:0.9em"
SPECK = 1 / 6  # of a line: where the difference at issue, with zero and threshold, takes less, it gets the whole line


@dataclass(frozen=True)
class Shown:
    """What a notebook displays: HTML, with a twin in plain text."""

    markup: str
    text: str

    def _repr_html_(self) -> str:
        return speaker(language()).shown(self.markup)

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Scale:
    """Where differences lie on a line: a fraction of its width, from the smallest bound shown to the largest."""

    low: float
    high: float

    @classmethod
    def over(cls, intervals: Iterable[Interval], marks: Iterable[float]) -> "Scale":
        """Fit all means, finite bounds and marks, with room on both sides."""
        values = [float(value) for interval in intervals for value in interval if np.isfinite(value)] + list(marks)
        room = 0.06 * (max(values) - min(values)) or 0.01
        return cls(min(values) - room, max(values) + room)

    @classmethod
    def around(cls, first: Interval, others: Iterable[Interval], marks: Sequence[float]) -> "Scale":
        """Fit all intervals; where the first, the one at issue, would be a speck among them, fit it and the marks."""
        whole, near = cls.over([first, *others], marks), cls.over([first], marks)
        return near if near.width < SPECK * whole.width else whole

    @property
    def width(self) -> float:
        """How much lies between the two ends."""
        return self.high - self.low

    def percent(self, value: float) -> float:
        """Give the place of a value, between 0 and 100."""
        return float(np.clip(100 * (value - self.low) / (self.high - self.low), 0, 100))


def cards(record: Record, metric: str | None = None) -> Shown:
    """Give one card for each claim of a record, or for those on one metric.

    Raises
    ------
    ValueError
        If no claim is on this metric.
    """
    claims = [claim for claim in record.claims if metric in (None, claim.metric)]
    if not claims:
        known = ", ".join(sorted({claim.metric for claim in record.claims}))
        raise ValueError(f"cards: {record.name} has no claim on {metric!r}; it has claims on {known}.")
    markup = "".join(_card(record, claim, record.verdict(claim)) for claim in claims)
    return Shown(markup, str(replace(record, claims=claims)))


def forest(pairs: Sequence[tuple[Record, Claim]]) -> Shown:
    """Give a forest plot of several claims: each difference to the baseline on one scale, with its own threshold.

    Parameters
    ----------
    pairs
        Each claim with the record that decides it. Claims of very different sizes are better drawn in two plots.
    """
    if not pairs:
        raise ValueError("forest: expected at least one claim with its record, got none.")
    decided = [(claim, record.verdict(claim)) for record, claim in pairs]
    scale = Scale.over((v.over_baseline for _, v in decided), [0.0, *(claim.at_least for claim, _ in decided)])
    rows, lines = [], []
    for claim, result in decided:
        rows.append(
            f'<div style="{ROW};border-top:1px solid rgba(113,123,138,0.35);padding:0.35em 0">'
            f'<div style="{NAME};flex-basis:15em">{_badge(result.word)} {_as_html(claim.says)}</div>'
            f'<div style="{NUMBERS};{QUIET}">{_numbers(result, result.over_baseline)}</div>'
            f"{_track(result.over_baseline, claim, scale, COLOURS[result.word], 'treatment − baseline')}</div>"
        )
        lines.append(f"{SYMBOLS[result.word]} {claim.says} {result.word}: {_in_text(claim, result)[0]}")
    caption = (
        f'<div style="{QUIET};padding-top:0.3em">Treatment − baseline in points with its 95 % interval. '
        "The vertical line is zero; in the tinted part a difference counts.</div>"
    )
    markup = f'<div role="group" style="{FONT};max-width:52em;margin:0.8em 0">{"".join(rows)}{caption}</div>'
    return Shown(markup, "\n".join(lines))


def line_and_rest(record: Record, claim: Claim) -> tuple[str, str, str]:
    """Give a claim for a page of many: its word, its line (sentence, effect, interval) and the rest of its card."""
    result = record.verdict(claim)
    difference = result.over_baseline
    scale = Scale.over([difference], (0.0, claim.at_least))
    line = (
        f'<div role="group" aria-label="Verdict: {result.word}" style="{FONT};{ROW}">'
        f'<div style="{NAME};flex-basis:15em">{_badge(result.word)} {_as_html(_sentence(claim))}</div>'
        f'<div style="{NUMBERS};{QUIET}">{_numbers(result, difference)}</div>'
        f"{_track(difference, claim, scale, COLOURS[result.word], said('effect'))}"
        "</div>"
    )
    measured = _head(record, claim, result, "") + _compared_and_why(record, claim, result)
    rest = f'<div role="group" aria-label="What was measured" style="{FONT}">{measured}</div>'
    return result.word, line, rest


def card_markdown(record: Record, claim: Claim) -> str:
    """Give a card's twin in Markdown: the claim with its word and symbol, the three differences, and the means."""
    result = record.verdict(claim)
    kind = "primary" if claim.primary else "exploratory"
    return with_subscripts(
        f"{SYMBOLS[result.word]} **{result.word}** · {_sentence(claim)}  \n"
        f"{'; '.join(_in_text(claim, result))} · {claim.metric}, {len(record.seeds)} seeds, "
        f"{_asked(claim, result)}, {kind}. {_levels(record, claim)}"
    )


def _sentence(claim: Claim) -> str:
    """Give a claim for a list; there it ends with a full stop, also where its record has none."""
    return claim.says if claim.says.endswith((".", "?", "!")) else f"{claim.says}."


def _card(record: Record, claim: Claim, result: Verdict) -> str:
    says = f'<div style="{SENTENCE}">{_as_html(claim.says)}</div>'
    return (
        f'<div role="group" aria-label="Verdict: {result.word}" style="{FONT};max-width:46em;box-sizing:border-box;'
        "margin:0.9em 0;padding:0.8em 1.1em;border:1px solid rgba(113,123,138,0.45);"
        f'border-left:0.35em solid {COLOURS[result.word]};border-radius:0.4em">'
        f"{_head(record, claim, result, _badge(result.word))}{says}{_compared_and_why(record, claim, result)}</div>"
    )


def _head(record: Record, claim: Claim, result: Verdict, badge: str) -> str:
    kind = "primary claim" if claim.primary else "exploratory claim"
    if claim.primary and result.primaries > 1:
        kind = f"primary claim, one of {result.primaries}"
    return (
        f'<div style="display:flex;flex-wrap:wrap;align-items:center;gap:0.2em 0.8em">{badge}'
        f'<span style="{QUIET}">{kind} · {html.escape(claim.metric)} · {len(record.seeds)} seeds</span></div>'
    )


def _compared_and_why(record: Record, claim: Claim, result: Verdict) -> str:
    body = _differences(claim, result) if result.successes is None else _successes(claim, result, result.successes)
    why = _as_html(f"{result.why} {_levels(record, claim)}").replace(" %", "\u00a0%")  # no line begins with a sign
    foot = f'<div style="{QUIET};line-height:1.45;padding-top:0.5em">{why}'
    if result.adjusted is not None:
        foot += f" p = {result.adjusted:.2g} (one-sided, Holm)."
    return f"{body}{foot}</div>"


def _badge(word: str) -> str:
    return (
        f'<span style="display:inline-block;background-color:{COLOURS[word]};color:#ffffff;border-radius:0.3em;'
        f'padding:0.1em 0.6em;font-weight:600;font-size:0.95em;white-space:nowrap">{SYMBOLS[word]} {word}</span>'
    )


def _differences(claim: Claim, result: Verdict) -> str:
    compared = _compared(claim, result)
    (_, first), *others = compared
    scale = Scale.around(first, [interval for _, interval in others], (0.0, claim.at_least))
    rows = []
    for (name, interval), colour in zip(compared, (COLOURS[result.word],) * 2 + (CONTEXT,), strict=True):
        rows.append(
            f'<div style="{ROW}"><div style="{NAME}">{_as_html(name)}</div>'
            f'<div style="{NUMBERS}">{_numbers(result, interval)}</div>'
            f"{_track(interval, claim, scale, colour, name)}</div>"
        )
    return f'<div style="font-size:0.95em">{"".join(rows)}{_axis(claim, scale)}</div>'


def _axis(claim: Claim, scale: Scale) -> str:
    """Name zero and the threshold below the tracks, on the side where the other is not."""
    zero, threshold = scale.percent(0.0), scale.percent(claim.at_least)
    counts = f"more than {in_points(claim.at_least)}" if claim.at_least else said("above 0")
    if claim.at_least < 0:
        counts = f"loses less than {in_points(-claim.at_least)}"
    # in the flow, so that on a narrow track it is broken into lines and does not reach past the end; where little room
    # is left behind the threshold, it ends where the track does, and points there
    side, arrow = (f"padding:0 0 0 {threshold:.1f}%", "") if threshold < 60 else ("text-align:right", "<span>→</span>")
    labels = f'<div style="{side};line-height:1.3"><span style="padding:0 0.2em">{counts}</span>{arrow}</div>'
    if claim.at_least > 0 and threshold < 60 and zero > 4:
        labels += f'<span style="position:absolute;top:0;right:{100 - zero:.1f}%;padding:0 0.2em">0</span>'
    return (
        f'<div style="{ROW}"><div style="{NAME}"></div><div style="{NUMBERS}"></div>'
        f'<div style="{TRACK};height:auto"><div style="{QUIET};position:relative">{labels}</div></div></div>'
    )


def _track(interval: Interval, claim: Claim, scale: Scale, colour: str, name: str) -> str:
    """Draw where differences count, zero, and one interval with its mean; an arrow if it lies beyond the scale."""
    threshold, zero, mean = scale.percent(claim.at_least), scale.percent(0.0), scale.percent(interval.mean)
    parts = [
        f"left:{threshold:.1f}%;right:0;top:0;bottom:0;background-color:{BEYOND};"
        f"border-left:2px dotted {COLOURS['holds']}",
        f"left:{zero:.1f}%;top:0;bottom:0;border-left:1px solid {CONTEXT}",
    ]
    outside = ""
    if interval.high < scale.low or interval.low > scale.high:
        end, arrow = ("left", "◂") if interval.high < scale.low else ("right", "▸")
        outside = (
            f'<span style="position:absolute;{end}:0;color:{colour};font-size:1.4em;line-height:1.2em">{arrow}</span>'
        )
    elif np.isfinite(interval.low) and np.isfinite(interval.high):
        low, high = scale.percent(interval.low), scale.percent(interval.high)
        parts.append(
            f"left:{low:.1f}%;width:{high - low:.1f}%;top:50%;height:4px;margin-top:-2px;border-radius:2px;"
            f"background-color:{colour}"
        )
    if np.isfinite(interval.mean) and not outside:
        parts.append(
            f"left:{mean:.1f}%;top:50%;width:11px;height:11px;margin-top:-5.5px;margin-left:-5.5px;border-radius:6px;"
            f"background-color:{colour}"
        )
    drawn = "".join(f'<div style="position:absolute;{style}"></div>' for style in parts) + outside
    side = said("across")
    if not interval.low <= claim.at_least <= interval.high:
        side = said("above") if interval.low > claim.at_least else said("below")
    label = html.escape(f"{name}: the interval lies {side} the threshold of {in_points(claim.at_least)}")
    return f'<div role="img" aria-label="{label}" style="{TRACK}">{drawn}</div>'


def _successes(claim: Claim, result: Verdict, counts: tuple[int, int, int]) -> str:
    names = (claim.treatment, claim.baseline, claim.control)
    colours = (COLOURS[result.word], CONTEXT, CONTEXT)
    rows = []
    roles = ("", said(" (baseline)"), said(" (control)"))
    for name, role, count, colour in zip(names, roles, counts, colours, strict=True):
        dots = "".join(
            f'<span style="display:inline-block;width:0.75em;height:0.75em;margin-right:0.3em;border-radius:1em;'
            f'border:2px solid {colour};background-color:{colour if seed < count else "transparent"}"></span>'
            for seed in range(result.n_seeds)
        )
        told = f"{count} of {result.n_seeds} seeds"
        rows.append(
            f'<div style="{ROW};padding:0.15em 0"><div style="{NAME}">{_as_html(name + role)}</div>'
            f'<div style="{NUMBERS};flex-basis:6em">{told}</div>'
            f'<div role="img" aria-label="{told} succeed" style="flex:2 1 15em;line-height:1">{dots}</div></div>'
        )
    return f'<div style="font-size:0.95em">{"".join(rows)}</div>'


def _compared(claim: Claim, result: Verdict) -> list[tuple[str, Interval]]:
    return [
        (f"{claim.treatment} − {claim.baseline}", result.over_baseline),
        (f"{claim.treatment} − {claim.control}", result.over_control),
        (f"{claim.control} − {claim.baseline}", result.control_over_baseline),
    ]


def _numbers(result: Verdict, interval: Interval) -> str:
    if result.successes is not None:
        return f"{result.successes[0]} of {result.n_seeds} against {result.successes[1]}"
    mean, low, high = interval.points(result.digits)
    return f"<b>{mean}</b> [{low}, {high}]" if np.isfinite(interval.low) else f"<b>{mean}</b>"


def _in_text(claim: Claim, result: Verdict) -> list[str]:
    """Say what was compared: three differences, or three counts of seeds."""
    if result.successes is not None:
        names = (claim.treatment, claim.baseline, claim.control)
        counts = zip(names, result.successes, strict=True)
        return [f"{name}: {count} of {result.n_seeds} seeds" for name, count in counts]
    told = []
    for name, interval in _compared(claim, result):
        mean, low, high = interval.points(result.digits)
        told.append(f"{name}: {mean} [{low}, {high}]" if np.isfinite(interval.low) else f"{name}: {mean}")
    return told


def _asked(claim: Claim, result: Verdict) -> str:
    return "more successes asked" if result.successes is not None else f"more than {in_points(claim.at_least)} asked"


def _levels(record: Record, claim: Claim) -> str:
    """Give the level of each condition, the floor included."""
    role = {claim.control: f" {said('(control)')}", claim.floor: f" {said('(floor)')}"}
    means = {name: mean_of(record.of(name, claim.metric)) for name in dict.fromkeys(claim.compared)}
    told = [f"{name}{role.get(name, '')} {mean}{unit_of(claim.metric)}" for name, mean in means.items()]
    return said(f"Means: {', '.join(told)}.")


def _as_html(text: str) -> str:
    return with_subscripts(html.escape(text))
