"""What README shows of the lectures, written from them: ``python -m course_utils.publishing.readme``.

The claims come from the records, the pictures and their descriptions from the notebooks' signature figures.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from course_utils.evidence.papers import papers_table
from course_utils.evidence.record import RECORDS, Claim, Record
from course_utils.evidence.verdict import verdict
from course_utils.files import LECTURES, PICTURES, README, RUNS, write_atomically
from course_utils.publishing.notebooks import picture


def claims_table(folder: Path = RECORDS) -> str:
    """Write all claims and verdicts as one Markdown table, from the records alone."""
    rows = ["| lecture | claim | measured | control | verdict |", "|---|---|---|---|---|"]
    rows += [_row(record, claim) for record in _records(folder) for claim in record.claims]
    return "\n".join(rows)


def _records(folder: Path) -> list[Record]:
    return [Record.read(path) for path in sorted(folder.glob("*.json"))]


def _row(record: Record, claim: Claim) -> str:
    result = verdict(record, claim)

    def mean(condition: str) -> str:
        return f"{condition} {100 * record.of(condition, claim.metric).mean():.1f} %"

    measured = (
        f"{claim.metric}: {mean(claim.treatment)}, {mean(claim.baseline)}; difference {100 * result.difference:+z.1f} "
        f"[{100 * result.low:+z.1f}, {100 * result.high:+z.1f}] points over {len(record.seeds)} seeds, "
        f"more than {100 * claim.at_least:.1f} asked"
    )
    return f"| {record.name[:2]} | {claim.says} | {measured} | {mean(claim.control)} | **{result.word}** |"


def signature(notebook: Path) -> tuple[str, str, bytes]:
    """Give a lecture's title, and the description and picture (PNG) of its signature figure."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    title = "".join(cells[0]["source"]).splitlines()[0].lstrip("# ")
    marked = [cell for cell in cells if "signature" in cell["metadata"].get("tags", [])]
    pictures = [found for cell in marked for output in cell["outputs"] if (found := picture(output))]
    if len(pictures) != 1:
        raise ValueError(f"{notebook.name}: expected one figure tagged 'signature', found {len(pictures)}.")
    return title, *pictures[0]


def lectures(notebooks: Sequence[Path] = LECTURES) -> str:
    """Write one heading, link and picture a lecture."""
    parts = []
    for path in notebooks:
        title, description, _ = signature(path)
        parts.append(
            f"### [{title}](notebooks/{path.name})\n\n![{description}](notebooks/{PICTURES.name}/{path.stem}.png)"
        )
    return "\n\n".join(parts)


def runs_table(path: Path = RUNS) -> str:
    """Write what each lecture's last clean run took: the whole process, its libraries included."""
    runs = json.loads(path.read_text(encoding="utf-8"))
    rows = ["| lecture | seconds, one thread | most memory, MiB |", "|---|---|---|"]
    for name, run in sorted(runs.items()):
        memory = run["peak_mebibytes"]
        rows.append(f"| {name} | {run['seconds']} | {'not measured' if memory is None else f'{memory:,}'} |")
    return "\n".join(rows)


def records_table(folder: Path = RECORDS) -> str:
    """Write how long the processor worked on each record, and what to ask for to do it again."""
    records = _records(folder)
    rows = ["| record | seeds | minutes |", "|---|---|---|"]
    rows += [f"| {record.name} | {len(record.seeds)} | {sum(record.seconds) / 60:.1f} |" for record in records]
    hours = sum(sum(record.seconds) for record in records) / 3600
    return "\n".join([*rows, f"| all | | {60 * hours:.0f} ({hours:.1f} hours) |"])


def between(text: str, name: str, content: str) -> str:
    """Put content between the two marks of this name in a text."""
    begin, end = f"<!-- {name}: written by python -m course_utils.publishing.readme -->", f"<!-- end of {name} -->"
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"README.md: expected the marks {begin!r} and {end!r} once each.")
    return f"{text.split(begin)[0]}{begin}\n{content}\n{end}{text.split(end)[1]}"


def written(text: str) -> str:
    """Give README's text with everything that is written from the lectures."""
    parts = {
        "lectures": lectures(),
        "claims": claims_table(),
        "papers": papers_table(),
        "records": records_table(),
        "runs": runs_table(),
    }
    for name, content in parts.items():
        text = between(text, name, content)
    return text


if __name__ == "__main__":
    for path in LECTURES:
        write_atomically(PICTURES / f"{path.stem}.png", signature(path)[2])
    write_atomically(README, written(README.read_text(encoding="utf-8")).encode())
