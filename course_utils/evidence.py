"""Claims, the records that decide them, and the sentence that is drawn: no measured number is ever typed.

``measure`` gives the stored record of an experiment, or makes it; ``judge`` prints what it says about each claim.
"""

import datetime
import json
import os
import platform
import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats
from tqdm import tqdm

from course_utils.files import NOTEBOOKS, write_atomically
from course_utils.fingerprint import fingerprint, settings_of

RECORDS = NOTEBOOKS / "evidence"
RECORDED_VERSIONS = ("torch", "dgl", "numpy", "scipy", "scikit-learn")

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
        A condition in which the effect must vanish. Where it does not, the claim does not hold.
    at_least
        The smallest difference that counts, in the metric's unit.
    """

    says: str
    metric: str
    treatment: str
    baseline: str
    control: str
    at_least: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """What a record says about its claim.

    ``difference`` is the mean of treatment − baseline over paired seeds, ``low`` and ``high`` bound it at 95 %
    (Student's t), ``control`` is the mean of control − baseline; ``word`` is *holds*, *does not hold* or *unclear*.
    """

    word: str
    difference: float
    low: float
    high: float
    control: float
    control_fails: bool


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
            return cls(**{**stored, "claims": [Claim(**claim) for claim in stored["claims"]]})
        except FileNotFoundError:
            raise FileNotFoundError(
                f"No record named {path.stem!r} in {path.parent.name}/. Make it: python3 course.py evidence {path.stem}"
            ) from None
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(
                f"The record {path.name} cannot be read ({error}). Take it from the repository again, or remake it: "
                f"python3 course.py evidence {path.stem}"
            ) from error

    def write(self, path: Path) -> None:
        """Write the record; an older one stays whole until the new one is."""
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False)
        flat = re.sub(r"\[[^][{}\"]*\]", lambda numbers: " ".join(numbers[0].split()), text)  # one list, one line
        write_atomically(path, f"{flat}\n".encode())

    def of(self, condition: str, metric: str) -> np.ndarray:
        """Give the values of one condition, shape (n_seeds,), or (n_seeds, length) for curves."""
        if metric not in self.values.get(condition, {}):
            has = {name: sorted(metrics) for name, metrics in self.values.items()}
            raise KeyError(f"Record {self.name} has no {metric!r} for {condition!r}; it has {has}.")
        return np.array(self.values[condition][metric], dtype=float)


def stored(name: str) -> Record:
    """Read the record of this name: what another lecture measured."""
    return Record.read(RECORDS / f"{name}.json")


def measure(
    name: str,
    experiment: Callable[[int], Results],
    seeds: Iterable[int],
    claims: Sequence[Claim],
    rerun: bool = False,
) -> Record:
    """Give the stored record of an experiment; make it when asked to.

    Parameters
    ----------
    name
        The record's name; begins with the lecture's number.
    experiment
        ``experiment(seed)`` runs every condition with this seed and returns condition → {metric: number, or a list of
        numbers for a curve}.
    seeds
        At least three.
    claims
        What the experiment decides.
    rerun
        Measure now. ``python3 course.py evidence NAME`` does the same from a fresh kernel.

    Returns
    -------
    The record. When the experiment was changed since, a line says so. A new record is first printed beside the one it
    replaces: whether each value agrees within the spread of the seeds.

    Raises
    ------
    FileNotFoundError
        If there is no record and none was asked for.
    ValueError
        If fewer than three seeds are given, or the results lack what a claim compares.
    """
    seeds, claims = list(seeds), list(claims)
    if len(seeds) < 3:
        raise ValueError(f"measure: expected at least three seeds, got {len(seeds)}: one run says nothing of chance.")
    asked = os.environ.get("COURSE_EVIDENCE", "")
    if rerun or asked == "all" or name in asked.split(","):
        return _run(name, experiment, seeds, claims)
    record = stored(name)
    if (record.fingerprint, record.claims, record.seeds) != (fingerprint(experiment), claims, seeds):
        print(
            "Note: this experiment differs from the one that was recorded; what follows speaks of the recorded one.\n"
            f"To measure yours: measure(..., rerun=True), or python3 course.py evidence {name}"
        )
    return record


def _run(name: str, experiment: Callable[[int], Results], seeds: list[int], claims: list[Claim]) -> Record:
    quick = os.environ.get("COURSE_EVIDENCE_QUICK") == "1"
    code = fingerprint(experiment)
    device = os.environ.get("COURSE_DEVICE", "cpu").replace(":", "")
    partial = RECORDS / "partial" / f"{name}-{code[:12]}-{device}.json"  # no record mixes two devices
    done = _read_partial(partial)
    for seed in tqdm(seeds[:1] if quick else seeds, desc=name, file=sys.stdout, ncols=80):
        if str(seed) in done:
            continue
        start = time.process_time()
        results = {condition: dict(metrics) for condition, metrics in experiment(seed).items()}
        _check_results(claims, results)
        done[str(seed)] = {"results": _rounded(results), "seconds": round(time.process_time() - start, 1)}
        write_atomically(partial, json.dumps(done).encode())
    measured = [seed for seed in seeds if str(seed) in done]
    runs = [done[str(seed)] for seed in measured]
    record = Record(
        name=name,
        claims=claims,
        seeds=measured,
        values={
            condition: {metric: [run["results"][condition][metric] for run in runs] for metric in metrics}
            for condition, metrics in runs[0]["results"].items()
        },
        settings=settings_of(experiment),
        fingerprint=code,
        seconds=[run["seconds"] for run in runs],
        made=datetime.date.today().isoformat(),
        machine=_machine(),
        versions={package: version(package).split("+")[0] for package in RECORDED_VERSIONS},
    )
    _compare_with_stored(record)
    if len(measured) == len(seeds):  # a quick look never replaces a whole record
        record.write(RECORDS / f"{name}.json")
        partial.unlink()
    return record


def _machine() -> str:
    import torch  # here, since whoever only reads records does without it

    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    if torch.cuda.is_available() and torch.cuda.max_memory_allocated():  # what ran on it says so, not what was asked
        return f"{machine}, {torch.cuda.get_device_name()}"
    return machine


def _compare_with_stored(now: Record) -> None:
    """Print the stored values beside those just measured, and whether they agree within the spread of the seeds."""
    try:
        before = stored(now.name)
    except (FileNotFoundError, ValueError):
        return
    changed = "" if before.fingerprint == now.fingerprint else "; the experiment was changed since"
    lines = [
        f"{now.name}, mean ± standard deviation over seeds",
        f"  before: {len(before.seeds)} seeds, {before.made}, {before.machine}{changed}",
        f"  now:    {len(now.seeds)} seeds, {now.made}, {now.machine}",
    ]
    for condition, metrics in now.values.items():
        for metric in metrics:
            if metric in before.values.get(condition, {}):
                lines += _agreement(f"{condition}, {metric}", before.of(condition, metric), now.of(condition, metric))
    print("\n".join(lines))


def _agreement(what: str, before: np.ndarray, now: np.ndarray) -> list[str]:
    """Say whether two means are no further apart than the larger standard deviation; curves are left out.

    A quick look is one run, and one run in three is further from the mean than that: it has twice the room.
    """
    if before.ndim > 1:
        return []
    spreads = [float(values.std(ddof=1)) if len(values) > 1 else 0.0 for values in (before, now)]
    apart = abs(float(now.mean()) - float(before.mean()))
    room = max(spreads) * (2 if len(now) == 1 else 1) + 1e-5  # values are kept to five digits
    word = "agree" if apart <= room else "differ"
    told = [f"{values.mean():.4g} ± {spread:.2g}" for values, spread in zip((before, now), spreads, strict=True)]
    return [f"  {what}: before {told[0]}, now {told[1]}: {word}"]


def _read_partial(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _check_results(claims: Sequence[Claim], results: Results) -> None:
    for claim in claims:
        for condition in (claim.treatment, claim.baseline, claim.control):
            if claim.metric not in results.get(condition, {}):
                has = {name: sorted(metrics) for name, metrics in results.items()}
                raise ValueError(
                    f"measure: the claim needs {claim.metric!r} for {condition!r}; the experiment gave {has}."
                )


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _rounded(inner) for name, inner in value.items()}
    if isinstance(value, Sequence | np.ndarray):
        return [_rounded(inner) for inner in value]
    return round(float(value), 5)


def verdict(record: Record, claim: Claim) -> Verdict:
    """Decide a claim from its record.

    It *holds* where the whole interval of the difference lies above ``at_least`` and the control shows no such effect;
    it *does not hold* where the whole interval lies below, or the control shows the effect too; else it is *unclear*.
    """
    baseline = record.of(claim.baseline, claim.metric)
    mean, low, high = paired_interval(record.of(claim.treatment, claim.metric) - baseline)
    control_mean, control_low, _ = paired_interval(record.of(claim.control, claim.metric) - baseline)
    control_fails = not control_low > claim.at_least
    if not control_fails or high <= claim.at_least:
        word = "does not hold"
    elif low > claim.at_least:
        word = "holds"
    else:
        word = "unclear"
    return Verdict(word, mean, low, high, control_mean, control_fails)


def paired_interval(differences: np.ndarray) -> tuple[float, float, float]:
    """Give the mean of paired differences and its 95 % interval by Student's t; one seed alone bounds nothing."""
    mean = float(np.mean(differences))
    if len(differences) < 2:
        return mean, -np.inf, np.inf
    half = float(stats.t.ppf(0.975, len(differences) - 1) * stats.sem(differences))
    return mean, mean - half, mean + half


def judge(record: Record) -> None:
    """Print what a record says about each of its claims: the conditions, the difference, the verdict.

    The first claim on a metric lists every condition that was measured, a later one only those it compares.
    """
    shown = set()
    sentences = []
    for claim in record.claims:
        sentences.append(_sentence(record, claim, everything=claim.metric not in shown))
        shown.add(claim.metric)
    print("\n\n".join(sentences))


def _sentence(record: Record, claim: Claim, everything: bool) -> str:
    result = verdict(record, claim)
    role = {claim.baseline: " (baseline)", claim.control: " (control)"}
    compared = (claim.treatment, claim.baseline, claim.control)
    measured = [
        name for name, metrics in record.values.items() if claim.metric in metrics and (everything or name in compared)
    ]
    width = max(len(name + role.get(name, "")) for name in measured)
    lines = [f"Claim: {claim.says}", f"{claim.metric}, mean ± standard deviation over {len(record.seeds)} seeds:"]
    for name in measured:
        percent = 100 * record.of(name, claim.metric)
        spread = f" ± {percent.std(ddof=1):.1f}" if len(percent) > 1 else ""
        lines.append(f"  {name + role.get(name, ''):{width}} {percent.mean():6.1f}{spread} %")
    control = (
        "no such effect, as it should be" if result.control_fails else "the effect is there too: it proves nothing"
    )
    lines += [
        f"{claim.treatment} − {claim.baseline}: {100 * result.difference:+z.1f} points, 95 % interval "
        f"{100 * result.low:+z.1f} to {100 * result.high:+z.1f}; more than {100 * claim.at_least:.1f} was asked",
        f"{claim.control} − {claim.baseline}: {100 * result.control:+z.1f} points: {control}",
        f"Verdict: {result.word}.",
    ]
    return "\n".join(lines)
