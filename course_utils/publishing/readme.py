"""What README and CLAIMS.md take from lectures and records: ``python -m course_utils.publishing.readme`` writes it.

CLAIMS.md's claims, comparisons, minutes and memory come from the records. In README the titles, the pictures and their
descriptions come from the lectures; its findings are written by hand, each with its guard.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from course_utils.evidence.card import card_markdown
from course_utils.evidence.papers import papers_table
from course_utils.evidence.record import RECORDS, Claim, Record
from course_utils.files import CLAIMS, LECTURES, NOTEBOOKS, PICTURES, README, RUNS, START, write_atomically
from course_utils.languages.catalogues import released
from course_utils.languages.weave import woven_page
from course_utils.publishing import addresses
from course_utils.publishing.notebooks import picture, read_runs
from course_utils.refusals import carry_out, check_file, read_notebook


def claims_list(folder: Path = RECORDS) -> str:
    """Write all claims and what came out, a heading per lecture, as Markdown, from the records alone."""
    titles = {path.stem[:2]: title(path) for path in LECTURES}
    parts, lecture = [], None
    for record in _records(folder):
        if record.name[:2] != lecture:
            lecture = record.name[:2]
            parts.append(f"### {titles.get(lecture, lecture)}")
        parts += [claim_lines(record, claim) for claim in record.claims]
    return "\n\n".join(parts)


def _records(folder: Path) -> list[Record]:
    return [Record.read(path) for path in sorted(folder.glob("*.json"))]


def claim_lines(record: Record, claim: Claim) -> str:
    """Write one claim as its card's twin in Markdown, with the record's name."""
    return f"{card_markdown(record, claim)} *{record.name}*"


def title(notebook: Path) -> str:
    """Give a lecture's title, the heading of its first cell."""
    return read_notebook(notebook).cells[0].source.splitlines()[0].lstrip("# ")


def signature(notebook: Path) -> tuple[str, str, bytes]:
    """Give a lecture's title, and the description and picture (PNG) of its signature figure."""
    marked = [cell for cell in read_notebook(notebook).cells if "signature" in cell.metadata.get("tags", [])]
    pictures = [found for cell in marked for output in cell["outputs"] if (found := picture(output))]
    if len(pictures) != 1:
        raise ValueError(f"{notebook.name}: expected one figure tagged 'signature', found {len(pictures)}.")
    return title(notebook), *pictures[0]


def with_lectures(text: str, notebooks: Sequence[Path] = LECTURES) -> str:
    """Give README's text with each lecture's title in its heading, and the description beside its picture."""
    for path in notebooks:
        heading, description, _ = signature(path)
        file = f"(notebooks/{PICTURES.name}/{path.stem}.png)"
        for pattern, line in (
            (rf"^### \[.*\]\(notebooks/{path.name}\)$", f"### [{heading}](notebooks/{path.name})"),
            (rf"^!\[.*\]{re.escape(file)}$", f"![{description}]{file}"),
        ):
            found = re.findall(pattern, text, flags=re.MULTILINE)
            if len(found) != 1:
                raise ValueError(f"README.md: expected once, as a line of its own: {line[:70]} …")
            text = text.replace(found[0], line)
    return text


def with_badges(text: str, repository: str) -> str:
    """Give README's text with badges below its title where the repository is at GitHub, and without them elsewhere."""
    title, _, rest = text.partition("\n")
    rest = re.sub(r"\A\n\[!\[.*\n", "", rest)
    binder = addresses.binder(repository, f"{NOTEBOOKS.name}/{START.name}")
    tests = f"{repository}/actions/workflows/test.yml"
    badges = f"\n[![tests]({tests}/badge.svg)]({tests}) [![Binder](https://mybinder.org/badge_logo.svg)]({binder})\n"
    return f"{title}\n{badges if binder else ''}{rest}"


def runs_table(path: Path = RUNS) -> str:
    """Write what each lecture's last clean run took: the whole process, its libraries included."""
    runs = read_runs(path)
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
        raise ValueError(f"CLAIMS.md: expected the marks {begin!r} and {end!r} once each.")
    return f"{text.split(begin)[0]}{begin}\n\n{content}\n\n{end}{text.split(end)[1]}"


def with_claims(text: str) -> str:
    """Give CLAIMS.md's text with everything that is written from the records."""
    parts = {"claims": claims_list(), "papers": papers_table(), "records": records_table(), "runs": runs_table()}
    for name, content in parts.items():
        text = between(text, name, content)
    return text


def translated(readme: str) -> dict[Path, str]:
    """Give README in each language that is released: ``README.ko.md``."""
    return {README.with_suffix(f".{code}.md"): woven_page(readme, code) for code in released()}


def main() -> int:
    """Write the pictures, README and CLAIMS.md, all made before the first is written; give the exit status."""
    made = {PICTURES / f"{path.stem}.png": signature(path)[2] for path in LECTURES}
    written = with_lectures(README.read_text(encoding="utf-8"))
    made[README] = with_badges(written, addresses.setting("Repository")).encode()
    made[CLAIMS] = with_claims(CLAIMS.read_text(encoding="utf-8")).encode()
    made |= {path: text.encode() for path, text in translated(made[README].decode()).items()}
    for path in made:
        check_file(path)
    for path, content in made.items():
        write_atomically(path, content)
    return 0


if __name__ == "__main__":
    sys.exit(carry_out(main))
