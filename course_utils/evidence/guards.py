"""Sentences tied to what they rest on: the HTML comment behind a sentence, and whether it still agrees.

A *guard* is an HTML comment in Markdown. It holds for the sentence before it; several may follow one another, or stand
in one comment with semicolons between them. A table counts as one sentence. They are::

    <!-- 06_cora: GAT > GCN: holds -->                                the verdict of the record's claim
    <!-- 06_coauthor_cs: GAT > MLP in accuracy, few words: holds -->   … where several claims compare these two
    <!-- 02_multi30k: Bahdanau BLEU 35.1 -->                          the mean of a condition
    <!-- 02_multi30k: Bahdanau BLEU 35.1 ± 0.3 -->                    … and its standard deviation over seeds
    <!-- 02_multi30k: Bahdanau − fixed vector BLEU +9.8 -->           the mean of a paired difference
    <!-- 02_multi30k: Bahdanau − fixed vector BLEU +9.8 [+9.2, +10.4] -->   … and its 95 % interval
    <!-- 02_attention_by_length: attention by digits[-1] 99.6 -->    the last point of a curve
    <!-- 01_recall: RNN, rotation recall at 10 4 of 5 -->             seeds that succeed (a claim gives ``success_at``)
    <!-- 06_cora: HEADS = 8 -->                                       a setting that the record keeps
    <!-- printed: 0.42, 0.58 -->             numbers that the nearest code cell with an output prints, above or below
    <!-- printed by 4f2a90c1: 0.42 -->       … that the code cell with this id prints
    <!-- code: 0.8, −0.4 -->                numbers that the nearest code cell, above or below, is written with
    <!-- code of 4f2a90c1: 0.8 -->          … that the code cell with this id is written with
    <!-- cited: 28.4 -->                     a number of somebody else, whose source the sentence names

Conditions and metrics are written as the record writes them. A number agrees when a hundred times what is recorded
(percent, points) rounds to it at the digits it is written with, or, where it has a decimal point or what is recorded is
above 1, when that itself does. Each measured number of a guarded sentence (one with a decimal point, or before %,
points or BLEU) must be named by one of its guards; a verdict's guard names its claim's threshold besides.
"""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from course_utils.evidence.record import Claim, Record, stored
from course_utils.evidence.rule import paired_interval

COMMENT = re.compile(r"<!--\s*(.*?)\s*-->", flags=re.DOTALL)
GUARD = re.compile(r"\d\d_\w+|(printed|code|cited)\b")  # how a comment begins that is meant as a guard
NUMBER = r"[+−-]?\d[\d,]*(?:\.\d+)?"
MEASURED = re.compile(
    rf"(?<![\w.,])({NUMBER})(?=\s*(?:%|per ?cent|points?\b|BLEU))|(?<![\w.,])([+−-]?\d+\.\d+)(?![\w.])"
)
SOURCE = re.compile(r"et al|Table|Figure|[Ss]ection|[Ee]quation|arXiv|doi|\]\(http|\(\d{4}\)")
SENTENCE_END = re.compile(
    r"(?<=[.!?])(?<!al\.)(?<!e\.g\.)(?<!i\.e\.)[*_)\"”]*\s+(?=[A-Z*`\"“\[(])"
    r"|\n\s*(?:[-*+]|\d+\.)\s+|\n\s*\n"
)
CONFIDENCE = re.compile(r"95\s*%(?=(?: confidence)? intervals?\b)")  # says how sure, not what was measured


@dataclass(frozen=True)
class Fault:
    """A sentence that is no longer, or was never, supported by what it names."""

    place: str
    sentence: str
    why: str

    def __str__(self) -> str:
        return f"{self.place}: “{self.sentence}”: {self.why}"


@dataclass
class Guarded:
    """A sentence with the guards behind it."""

    sentence: str
    guards: list[str] = field(default_factory=list)


class GuardError(ValueError):
    """A guard is malformed, names what does not exist, or is not supported."""


def faults_of_notebook(path: Path) -> list[Fault]:
    """Name each guarded sentence of a notebook that is not supported."""
    cells = nbformat.read(path, as_version=4).cells
    faults = []
    for number, cell in enumerate(cells):
        if cell.cell_type == "markdown":
            place = f"{path.name}, cell {number} ({cell.get('id', 'no id')})"
            faults += faults_of_text(cell.source, place, cells, number)
    return faults


def faults_of_text(text: str, place: str, cells: Sequence = (), number: int = 0) -> list[Fault]:
    """Name each guarded sentence of a Markdown text that is not supported.

    Parameters
    ----------
    text
        Markdown.
    place
        Where it is found, for the message.
    cells, number
        The notebook's cells and which of them this is; a page outside of notebooks has none.
    """
    faults = []
    for guarded in guarded_sentences(text):
        named: set[str] = set()
        for guard in guarded.guards:
            try:
                named |= _check(guard, guarded.sentence, cells, number)
            except GuardError as error:
                named |= _numbers(guard)  # told once is enough
                faults.append(Fault(place, guarded.sentence, str(error)))
        for loose in sorted(measured_numbers(guarded.sentence) - named):
            faults.append(Fault(place, guarded.sentence, f"no guard names {loose}"))
    return faults


def guarded_sentences(text: str) -> list[Guarded]:
    """Give each sentence that has guards, in order, with all of them."""
    return _read(text)[0]


def unguarded_numbers(text: str) -> list[str]:
    """Give each sentence with a measured number that has no guard and names no source; code does not count."""
    sentences = [" ".join(part.split()) for rest in _read(text)[1] for part in _split(rest)]
    return [sentence for sentence in sentences if measured_numbers(sentence) and not SOURCE.search(sentence)]


def _read(text: str) -> tuple[list[Guarded], list[str]]:
    """Give the guarded sentences of a text, and what is left of it without them."""
    text = re.sub(r"```.*?```", " ", text, flags=re.DOTALL)
    found: list[Guarded] = []
    left: list[str] = []
    end = 0
    for comment in COMMENT.finditer(text):
        if not GUARD.match(comment[1]):
            continue
        before = COMMENT.sub("", text[end : comment.start()])
        end = comment.end()
        if before.strip() or not found:
            *others, sentence = [part for part in _split(before) if part.strip()] or [""]
            left += others
            found.append(Guarded(" ".join(sentence.split())))
        found[-1].guards += [guard.strip() for guard in comment[1].split(";")]
    return found, [*left, COMMENT.sub("", text[end:])]


def measured_numbers(sentence: str) -> set[str]:
    """Give the measured numbers of a sentence, without their signs."""
    plain = re.sub(r"\$[^$]*\$|`[^`]*`|\]\([^)]*\)|<[^>]+>", " ", CONFIDENCE.sub(" ", sentence))
    return {_bare(one or other) for one, other in MEASURED.findall(plain)}


def _split(text: str) -> list[str]:
    """Cut a text at the ends of sentences, paragraphs, items of lists and rows of tables."""
    return SENTENCE_END.split(f"\n{text}")


def _check(guard: str, sentence: str, cells: Sequence, number: int) -> set[str]:
    """Give the numbers that a guard names, or raise GuardError saying why it does not support its sentence."""
    head, colon, rest = guard.partition(":")
    head, rest = head.strip(), rest.strip()
    if not colon or not rest:
        raise GuardError(f"the guard {guard!r} is malformed: expected 'record: what it says'")
    if head == "cited":
        if not SOURCE.search(sentence):
            raise GuardError(f"the guard {guard!r} cites a number, but the sentence names no source")
        return _numbers(rest)
    if tied := re.fullmatch(r"printed(?: by (\S+))?|code(?: of (\S+))?", head):
        return _check_cell(guard, rest, _text_near(guard, cells, number, tied[1] or tied[2]))
    if not re.fullmatch(r"\d\d_\w+", head):
        raise GuardError(
            f"the guard {guard!r} is malformed: {head!r} is neither a record nor one of 'printed', 'code' and 'cited'"
        )
    try:
        record = stored(head)
    except (FileNotFoundError, ValueError) as error:
        raise GuardError(str(error)) from error
    rest = rest.replace(" - ", " − ")
    if setting := re.fullmatch(r"([A-Z][A-Z0-9_]*) = (.+)", rest):
        return _check_setting(record, setting[1], setting[2])
    if verdict := re.fullmatch(r"(.+ > .+): *([\w ]+)", rest):
        return _check_verdict(record, verdict[1].strip(), verdict[2].strip())
    return _check_number(record, guard, rest)


def _check_verdict(record: Record, compared: str, word: str) -> set[str]:
    claims = [claim for claim in record.claims if compared in _names_of(claim)]
    if len(claims) != 1:
        known = "; ".join(sorted(f"{c.treatment} > {c.baseline} in {c.metric}" for c in record.claims))
        what = "no claim" if not claims else f"{len(claims)} claims"
        raise GuardError(f"{record.name} has {what} {compared!r}; it has: {known}")
    says = record.verdict(claims[0])
    if says.word != word:
        raise GuardError(f"{record.name} says {compared}: {says.word}, not {word!r}. {says.why}")
    return {f"{100 * claims[0].at_least:g}".lstrip("-"), f"{100 * claims[0].at_least:.1f}".lstrip("-")}


def _names_of(claim: Claim) -> tuple[str, str]:
    return f"{claim.treatment} > {claim.baseline}", f"{claim.treatment} > {claim.baseline} in {claim.metric}"


def _check_setting(record: Record, name: str, value: str) -> set[str]:
    if name not in record.settings:
        raise GuardError(f"{record.name} keeps no setting {name!r}; it keeps {', '.join(sorted(record.settings))}")
    if str(record.settings[name]) != value:
        raise GuardError(f"{record.name} says {name} = {record.settings[name]}, not {value}")
    return _numbers(value)


def _check_number(record: Record, guard: str, rest: str) -> set[str]:
    """Compare a mean, a difference or a count with what the record holds."""
    form = re.fullmatch(
        rf"(?P<what>.+?) (?:(?P<count>\d+) of (?P<seeds>\d+)|(?P<mean>{NUMBER})(?: ?%| points?)?"
        rf"(?: ?± ?(?P<spread>{NUMBER})| \[(?P<low>{NUMBER}), ?(?P<high>{NUMBER})\])?)",
        rest,
    )
    if not form:
        raise GuardError(f"the guard {guard!r} is malformed: expected a verdict, a setting, or a number at its end")
    values, metric = _values(record, form["what"])
    if form["count"] is not None:
        return _check_count(record, form["what"], values, metric, form["count"], form["seeds"])
    mean, low, high = paired_interval(values)
    told = {"mean": mean, "spread": float(values.std(ddof=1)), "low": low, "high": high}
    for part, value in told.items():
        written = form[part]
        if written is not None and not _agrees_with_recorded(written, value):
            digits = len(written.partition(".")[2])
            raise GuardError(
                f"{record.name} says {form['what']}, {part}: {100 * value:.{digits}f} (as a fraction {value:.4g}), "
                f"not {written}"
            )
    return {_bare(form[part]) for part in told if form[part] is not None}


def _values(record: Record, what: str) -> tuple:
    """Give the values of *condition metric*, or of *condition − condition metric*, and the metric; *metric[-1]* is the
    last point of a curve.
    """
    if point := re.fullmatch(r"(.+)\[(-?\d+)\]", what):
        curves, metric = _values(record, point[1])
        if curves.ndim < 2 or not -curves.shape[1] <= int(point[2]) < curves.shape[1]:
            raise GuardError(f"{record.name} has no point {point[2]} in {point[1]!r}")
        return curves[:, int(point[2])], metric
    has = {f"{name} {metric}": (name, metric) for name, metrics in record.values.items() for metric in metrics}
    if what in has:
        return record.of(*has[what]), has[what][1]
    for text, (name, metric) in has.items():
        for other, metrics in record.values.items():
            if metric in metrics and what == f"{other} − {text}":
                return record.of(other, metric) - record.of(name, metric), metric
    raise GuardError(f"{record.name} has no {what!r}; it has: {'; '.join(sorted(has))}")


def _check_count(record: Record, what: str, values, metric: str, count: str, seeds: str) -> set[str]:
    limits = {claim.success_at for claim in record.claims if claim.metric == metric and claim.success_at is not None}
    if len(limits) != 1:
        raise GuardError(f"{record.name}: no claim on {metric!r} says from which value on a seed succeeds (success_at)")
    got = f"{int((values >= limits.pop()).sum())} of {len(values)}"
    if got != f"{count} of {seeds}":
        raise GuardError(f"{record.name} says {what}: {got}, not {count} of {seeds}")
    return {count, seeds}


def _check_cell(guard: str, rest: str, text: str) -> set[str]:
    if not re.fullmatch(rf"{NUMBER}(, {NUMBER})*", rest):
        raise GuardError(f"the guard {guard!r} is malformed: expected numbers with a comma and a space between them")
    shown = [float(number) for number in re.findall(r"(?<![\w.])-?\d+(?:\.\d*)?(?:e[+-]?\d+)?", text.replace("−", "-"))]
    exactly = guard.startswith("code")  # what is printed may be rounded, what is given may not
    for written in rest.split(", "):
        if not any(_agrees(written, value, exactly) for value in shown):
            raise GuardError(f"{written} is not in what the cell {'is written with' if exactly else 'prints'}")
    return _numbers(rest)


def _text_near(guard: str, cells: Sequence, number: int, cell_id: str | None) -> str:
    """Give what the named code cell prints (or says), or what the nearest ones above and below do."""
    text_of = _source_of if guard.startswith("code") else _output_of
    if cell_id is not None:
        texts = [text_of(cell) for cell in cells if cell.get("id") == cell_id]
        if not texts:
            raise GuardError(f"the guard {guard!r} names a cell that does not exist")
        return texts[0]
    above = next((text for cell in reversed(cells[:number]) if (text := text_of(cell))), "")
    below = next((text for cell in cells[number + 1 :] if (text := text_of(cell))), "")
    if not above and not below:
        raise GuardError(f"the guard {guard!r} has no code cell that it could mean")
    return f"{above}\n{below}"


def _source_of(cell) -> str:
    return cell.source if cell.cell_type == "code" else ""


def _output_of(cell) -> str:
    parts = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        parts.append(output.get("text", "") or data.get("text/plain", ""))
        parts.append(html.unescape(re.sub(r"<[^>]*>", " ", data.get("text/html", ""))))
    return "\n".join(part for part in parts if part.strip())


def _agrees_with_recorded(written: str, value: float) -> bool:
    as_it_is = "." in written or abs(value) > 1  # a plain 0 is no rounding of a fraction
    return _agrees(written, 100 * value) or (as_it_is and _agrees(written, value))


def _agrees(written: str, value: float, exactly: bool = False) -> bool:
    """Say whether a value rounds to a number at the digits with which that is written; an unsigned one has no side."""
    digits = len(written.partition(".")[2])
    number = float(written.replace(",", "").replace("−", "-"))
    if written[0] not in "+−-":
        value = abs(value)
    return abs(value - number) <= (0 if exactly else 0.5 * 10**-digits) + 1e-9


def _bare(number: str) -> str:
    return number.replace(",", "").lstrip("+−-")


def _numbers(text: str) -> set[str]:
    return {_bare(number) for number in re.findall(NUMBER, text)}
