"""What a record says about its claims: the verdict, and the words in which it is told."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from course_utils.evidence.record import Claim, Record


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
