"""Published numbers beside ours: what was reproduced, what came out below or above, and the likely reason."""

from dataclasses import dataclass
from pathlib import Path

from course_utils.evidence.record import RECORDS, Record
from course_utils.files import EXPERIMENTS
from course_utils.refusals import Damaged, damaged, read_json

PUBLISHED = EXPERIMENTS / "published.json"


@dataclass(frozen=True)
class Published:
    """A number that was published, and where ours is recorded.

    Attributes
    ----------
    record, condition, metric
        Where ours stands.
    model
        What was measured, on what.
    value, spread
        As printed, a fraction between 0 and 1, and its standard deviation, None where the paper gives none.
    source
        Paper and table, or series and notebook.
    reason
        Why ours may differ; shown where it does.
    """

    record: str
    condition: str
    metric: str
    model: str
    value: float
    spread: float | None
    source: str
    reason: str


def compare(published: Published, record: Record) -> tuple[str, float]:
    """Say whether a published number was reproduced.

    Returns
    -------
    verdict
        *reproduced* where our mean lies within the paper's standard deviation of its value (where the paper gives none:
        within that of our seeds), else *below* or *above*.
    difference
        Our mean minus the published value.
    """
    ours = record.of(published.condition, published.metric)
    difference = float(ours.mean()) - published.value
    spread = float(ours.std(ddof=1)) if published.spread is None else published.spread
    if abs(difference) <= spread:
        return "reproduced", difference
    return ("above" if difference > 0 else "below"), difference


def papers_table(published: Path = PUBLISHED, records: Path = RECORDS) -> str:
    """Write each published number beside ours as one Markdown table."""
    rows = ["| what | published | here | verdict | source |", "|---|---|---|---|---|"]
    for number in _numbers(published):
        printed, here, word, difference, reason = _beside(number, Record.read(records / f"{number.record}.json"))
        verdict = ", ".join(filter(None, (f"**{word}** ({difference.replace('-', '−')})", reason)))
        rows.append(f"| {number.model} | {printed} | {here} | {verdict} | {number.source} |")
    return "\n".join(rows)


def beside_papers(*records: Record, published: Path = PUBLISHED) -> None:
    """Print every published number that one of the records stands beside, ours, and the verdict.

    Raises
    ------
    ValueError
        If nothing was published beside one of the records.
    """
    numbers = _numbers(published)
    lines = []
    for record in records:
        beside = [number for number in numbers if number.record == record.name]
        if not beside:
            known = ", ".join(sorted({number.record for number in numbers}))
            raise ValueError(f"{published.name} has no number beside {record.name}; it has some beside {known}.")
        for number in beside:
            printed, here, word, difference, reason = _beside(number, record)
            lines.append(f"{number.model}: published {printed} ({number.source})")
            lines += [f"  {line}" for line in (f"here {here}: {word} ({difference})", reason) if line]
    print("\n".join(lines))


def _numbers(published: Path) -> list[Published]:
    try:
        return [Published(**entry) for entry in read_json(published, list)]
    except TypeError as error:
        raise Damaged(damaged(published, error)) from error


def _beside(number: Published, record: Record) -> tuple[str, str, str, str, str]:
    """Give, as they are printed: the published number, ours, the verdict, the difference, and the reason if needed."""
    ours = 100 * record.of(number.condition, number.metric)
    word, difference = compare(number, record)
    printed = f"{100 * number.value:.1f}" + (f" ± {100 * number.spread:.1f}" if number.spread is not None else "")
    here = f"{ours.mean():.1f} ± {ours.std(ddof=1):.1f} over {len(record.seeds)} seeds"
    reason = "" if word == "reproduced" else f"likely because {number.reason}"
    return printed, here, word, f"{100 * difference:+z.1f}", reason
