"""What an experiment claims and what came out of it, as kept in a file: read without torch."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from course_utils.evidence.rule import LEVEL, Verdict, decide, in_points
from course_utils.files import EXPERIMENTS, write_atomically

RECORDS = EXPERIMENTS / "records"

Results = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Claim:
    """A sentence that an experiment can prove wrong.

    Attributes
    ----------
    says
        The claim, in one sentence.
    metric
        What is compared, higher is better, a fraction between 0 and 1.
    treatment, baseline
        The condition that the claim praises, and what it is compared with.
    control
        A placebo that could have worked: the claim holds only where the treatment beats it too. For a claim of *no
        loss* (``at_least`` below zero) a small loss made on purpose, which the experiment must notice.
    at_least
        The smallest difference that counts, in the metric's unit.
    primary
        Whether it is one of the lecture's one to three primary claims, fixed before measuring and corrected together
        for their number; every other claim is exploratory.
    floor
        A condition that is broken by construction. It shows where the scale begins, and decides nothing.
    success_at
        Where the outcome has two humps (a seed learns the task or does not): the value from which a seed counts as a
        success. Then successes are compared, and ``at_least`` stays 0.
    """

    says: str
    metric: str
    treatment: str
    baseline: str
    control: str
    at_least: float = 0.0
    primary: bool = False
    floor: str | None = None
    success_at: float | None = None

    def __post_init__(self) -> None:
        """Refuse a claim whose two ways of counting contradict each other."""
        if self.success_at is not None and self.at_least:
            raise ValueError(
                f"Claim {self.says!r}: with success_at, seeds that succeed are compared, so that at_least must stay 0; "
                f"got {self.at_least}."
            )

    @property
    def compared(self) -> tuple[str, ...]:
        """The conditions that it needs."""
        return (self.treatment, self.baseline, self.control, *([self.floor] if self.floor else []))


@dataclass(frozen=True)
class Record:
    """What one experiment measured, seed by seed, and the claims it decides.

    Attributes
    ----------
    name
        Also the file's name; begins with the lecture's number.
    values
        Condition → metric → one value a seed (a number, or a list where the experiment returned a curve).
    settings
        The constants that the experiment read, and the recipe of each data set that it loaded.
    fingerprint
        Hash of the experiment's source, of everything it calls in its notebook, and of the settings.
    seconds
        How long the processor worked on each seed.
    """

    name: str
    claims: list[Claim]
    seeds: list[int]
    values: dict[str, dict[str, list]]
    settings: dict[str, Any]
    fingerprint: str
    seconds: list[float]
    made: str
    machine: str
    versions: dict[str, str]

    @classmethod
    def read(cls, path: Path) -> "Record":
        """Read a record from its file."""
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            record = cls(**{**stored, "claims": [Claim(**claim) for claim in stored["claims"]]})
            record._check_values()
            return record
        except FileNotFoundError:
            raise FileNotFoundError(
                f"No record named {path.stem!r} in {path.parent.name}/. Make it: python3 course.py evidence {path.stem}"
            ) from None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ValueError(
                f"The record {path.name} cannot be read ({error}). Take it from the repository again, or remake it: "
                f"python3 course.py evidence {path.stem}"
            ) from error

    def _check_values(self) -> None:
        """Refuse values that are no numbers, and conditions with more or fewer values than there are seeds."""
        for condition, metrics in self.values.items():
            for metric in metrics:
                if (n_values := len(self.of(condition, metric))) != len(self.seeds):
                    raise ValueError(f"{condition}, {metric}: {n_values} values for {len(self.seeds)} seeds")

    def write(self, path: Path) -> None:
        """Write the record; an older one stays whole until the new one is."""
        claims = [  # what a claim leaves at its default came later than the older files, and does not stand in them
            {key: value for key, value in asdict(claim).items() if value is not None and value is not False}
            for claim in self.claims
        ]
        text = json.dumps(asdict(self) | {"claims": claims}, indent=1, ensure_ascii=False)
        flat = re.sub(r"\[[^][{}\"]*\]", lambda numbers: " ".join(numbers[0].split()), text)  # one list, one line
        write_atomically(path, f"{flat}\n".encode())

    def of(self, condition: str, metric: str) -> np.ndarray:
        """Give the values of one condition, shape (n_seeds,), or (n_seeds, length) for curves."""
        if metric not in self.values.get(condition, {}):
            has = {name: sorted(metrics) for name, metrics in self.values.items()}
            raise KeyError(f"Record {self.name} has no {metric!r} for {condition!r}; it has {has}.")
        return np.array(self.values[condition][metric], dtype=float)

    def verdict(self, claim: Claim, folder: Path | None = None) -> Verdict:
        """Decide a claim; a primary one together with the primary claims of the other records in the folder."""
        if not claim.primary:
            return self._decide(claim)
        others = [record._decide(other).p for record, other in self._primaries(folder) if other != claim]
        return self._decide(claim, others)

    def _primaries(self, folder: Path | None) -> list[tuple["Record", Claim]]:
        """Give every primary claim of this record's lecture, with the record that decides it.

        Of this record the values count, and all claims of the stored one: a lecture may show only some of them.
        """
        records = {record.name: record for record in records_of(self.name[:2], folder)}
        own = dict.fromkeys([*self.claims, *(records[self.name].claims if self.name in records else [])])
        records[self.name] = replace(self, claims=list(own))
        return [(record, claim) for record in records.values() for claim in record.claims if claim.primary]

    def _decide(self, claim: Claim, other_primaries: Sequence[float] | None = None) -> Verdict:
        names = (claim.treatment, claim.baseline, claim.control)
        treatment, baseline, control = (self.of(name, claim.metric) for name in names)
        return decide(treatment, baseline, control, claim.at_least, claim.success_at, other_primaries)

    def __str__(self) -> str:
        """Tell each claim: its conditions, its three differences, its verdict.

        The first claim on a metric lists every condition that was measured, a later one only those it compares.
        """
        told: set[str] = set()
        blocks = []
        for claim in self.claims:
            blocks.append(self._told(claim, everything=claim.metric not in told))
            told.add(claim.metric)
        return "\n\n".join(blocks)

    def _told(self, claim: Claim, everything: bool) -> str:
        result = self.verdict(claim)
        role = {claim.baseline: " (baseline)", claim.control: " (control)", claim.floor: " (floor)"}
        measured = [
            name
            for name, metrics in self.values.items()
            if claim.metric in metrics and (everything or name in claim.compared)
        ]
        width = max(len(name + role.get(name, "")) for name in measured)
        lines = [
            f"Claim ({'primary' if claim.primary else 'exploratory'}): {claim.says}",
            f"{claim.metric}, mean ± standard deviation over {len(self.seeds)} seeds:",
        ]
        for name in measured:
            lines.append(
                f"  {name + role.get(name, ''):{width}} {_mean_and_spread(self.of(name, claim.metric), claim.metric)}"
            )
        lines += _comparisons(claim, result)
        if result.adjusted is not None:
            lines.append(
                f"p = {result.adjusted:.2g}, one-sided, corrected for {result.primaries} primary claims (Holm); "
                f"below {LEVEL:g} was asked"
            )
        return "\n".join([*lines, f"Verdict: {result.word}. {result.why}"])


def _mean_and_spread(values: np.ndarray, metric: str) -> str:
    spread = f" ± {100 * values.std(ddof=1):.1f}" if len(values) > 1 else ""
    return f"{mean_of(values):>6}{spread}{unit_of(metric)}"


def _comparisons(claim: Claim, result: Verdict) -> list[str]:
    """Say the three differences, one per line, in points; of successes, in how many seeds."""
    names = (claim.treatment, claim.baseline, claim.control)
    if result.successes is not None:
        counts = zip(names, result.successes, strict=True)
        return [f"{name}: success in {count} of {result.n_seeds} seeds" for name, count in counts]
    differences = (
        (claim.treatment, claim.baseline, result.over_baseline),
        (claim.treatment, claim.control, result.over_control),
        (claim.control, claim.baseline, result.control_over_baseline),
    )
    lines = []
    for one, other, interval in differences:
        mean, low, high = interval.points(result.digits)
        lines.append(f"{one} − {other}: {mean} points, 95 % interval {low} to {high}")
    asked = f"; more than {in_points(claim.at_least)} asked"
    return [lines[0] + asked, lines[1] + asked, lines[2]]


def mean_of(values: np.ndarray) -> str:
    """Give a mean as it is printed, a hundred times itself, rounded once the noise of adding floats is taken out."""
    return f"{round(100 * float(values.mean()), 9):z.1f}".replace("-", "−")


def unit_of(metric: str) -> str:
    """Say what stands behind a level: BLEU is no percentage."""
    return "" if metric == "BLEU" else " %"


def record_path(name: str) -> Path:
    """Say where the record of this name is kept."""
    return RECORDS / f"{name}.json"


def stored(name: str) -> Record:
    """Read the record of this name: what another lecture measured."""
    return Record.read(record_path(name))


def records_of(lecture: str, folder: Path | None = None) -> list[Record]:
    """Read all records of a lecture, named by its number, in the order of their names."""
    return [Record.read(path) for path in sorted((folder or RECORDS).glob(f"{lecture}_*.json"))]
