"""When a claim holds: three intervals, the smallest difference that counts, and a correction for several claims."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from course_utils.languages.speaking import said

CONFIDENCE = 0.95
LEVEL = (1 - CONFIDENCE) / 2  # one-sided: an interval of 95 % leaves 2.5 % on either side
FEWEST_SEEDS = 3


class Interval(NamedTuple):
    """A mean difference and its 95 % interval; one seed bounds nothing, and its bounds are infinite."""

    mean: float
    low: float
    high: float

    def points(self, digits: int = 1) -> tuple[str, str, str]:
        """Give mean and bounds as they are printed: in points, with their signs."""
        mean, low, high = (f"{100 * value:+z.{digits}f}".replace("-", "−") for value in self)
        return mean, low, high


@dataclass(frozen=True)
class Verdict:
    """What a record says about a claim.

    Attributes
    ----------
    word
        *holds*, *does not hold* or *unclear*.
    why
        What decided, in one sentence.
    over_baseline, over_control, control_over_baseline
        Treatment − baseline, treatment − control, and control − baseline, over paired seeds. Of outcomes that are told
        as successes: the difference of the rates, without bounds.
    at_least
        The smallest difference that counts.
    n_seeds
        How many seeds were measured.
    p
        One-sided p-value of the claim: of the two comparisons, with the baseline and with the control, the larger.
    primaries
        How many primary claims the lecture has; 0 where the claim is exploratory.
    adjusted
        ``p`` after Holm's correction for the lecture's primary claims; None where the claim is exploratory.
    successes
        In how many seeds treatment, baseline and control succeeded; None where means are compared.
    """

    word: str
    why: str
    over_baseline: Interval
    over_control: Interval
    control_over_baseline: Interval
    at_least: float
    n_seeds: int
    p: float
    primaries: int = 0
    adjusted: float | None = None
    successes: tuple[int, int, int] | None = None

    @property
    def digits(self) -> int:
        """How many digits show on which side of ``at_least`` each bound lies: +0.04 is above 0, and +0.0 is not."""
        bounds = {bound for interval in (self.over_baseline, self.over_control) for bound in interval[1:]}
        for digits in (1, 2):
            if all(bound == self.at_least or round(100 * (bound - self.at_least), digits) for bound in bounds):
                return digits
        return 3

    @property
    def difference(self) -> float:
        """The mean of treatment − baseline."""
        return self.over_baseline.mean

    @property
    def low(self) -> float:
        """The lower bound of treatment − baseline."""
        return self.over_baseline.low

    @property
    def high(self) -> float:
        """The upper bound of treatment − baseline."""
        return self.over_baseline.high

    @property
    def control(self) -> float:
        """The mean of control − baseline."""
        return self.control_over_baseline.mean


def decide(
    treatment: np.ndarray,
    baseline: np.ndarray,
    control: np.ndarray,
    at_least: float = 0.0,
    success_at: float | None = None,
    other_primaries: Sequence[float] | None = None,
) -> Verdict:
    """Decide a claim from the values of its three conditions, one value per seed.

    It *holds* where the intervals of treatment − baseline and of treatment − control both lie wholly above
    ``at_least``, and that of control − baseline lies wholly below it. The last is not asked where ``at_least`` is zero:
    the interval of a placebo that does nothing lies around zero. It *does not hold* where the interval of treatment −
    baseline, or of treatment − control, lies wholly below ``at_least``. Else it is *unclear*, as it is with fewer than
    three seeds.

    Where ``at_least`` is negative ("no loss of more than a point"), the control is a loss made on purpose. That its
    interval must lie wholly below ``at_least`` then means that the experiment notices such a loss.

    Parameters
    ----------
    treatment, baseline, control
        Shape (n_seeds,), paired.
    at_least
        The smallest difference that counts.
    success_at
        Where given, a seed succeeds when its value reaches it, and the numbers of successes are compared by Fisher's
        exact test instead of the means: for outcomes that have two humps, of which mean and interval say nothing.
    other_primaries
        The p-values of the lecture's other primary claims. Where given, the claim is primary, and *holds* asks besides
        that it be significant after Holm's correction for all of them.
    """
    n_seeds = len(treatment)
    pairs = ((treatment, baseline), (treatment, control), (control, baseline))
    if success_at is None:
        over_baseline, over_control, of_control = (paired_interval(one - other) for one, other in pairs)
        p = max(_p_value(one - other - at_least) for one, other in pairs[:2])
        successes = None
        word, why = _by_intervals(over_baseline, over_control, of_control, at_least)
    else:
        a, b, c = (int((values >= success_at).sum()) for values in (treatment, baseline, control))
        over_baseline, over_control, of_control = (
            Interval(one / n_seeds - other / n_seeds, -np.inf, np.inf) for one, other in ((a, b), (a, c), (c, b))
        )
        p = max(_fisher(a, count, n_seeds) for count in (b, c))
        successes = (a, b, c)
        word, why = _by_successes(successes, n_seeds)
    primaries, adjusted = 0, None
    if other_primaries is not None:
        primaries, adjusted = 1 + len(other_primaries), holm([p, *other_primaries])[0]
        if word == "holds" and not adjusted < LEVEL:
            word, why = "unclear", f"It would hold alone, but not among {primaries} primary claims."
    if not np.isfinite(np.concatenate([treatment, baseline, control])).all():
        word, why = "unclear", "A seed has no value."
    elif n_seeds < FEWEST_SEEDS:
        word, why = "unclear", f"Fewer than {FEWEST_SEEDS} seeds decide nothing."
    return Verdict(
        word, why, over_baseline, over_control, of_control, at_least, n_seeds, p, primaries, adjusted, successes
    )


def _by_intervals(
    over_baseline: Interval, over_control: Interval, control: Interval, at_least: float
) -> tuple[str, str]:
    asked = said("zero") if at_least == 0 else f"the threshold of {in_points(at_least)}"
    if over_baseline.high <= at_least:  # an exact tie at the threshold is no more than it either
        return "does not hold", f"The difference to the baseline lies wholly below {asked}."
    if over_control.high <= at_least:
        return "does not hold", f"The difference to the control lies wholly below {asked}."
    if at_least > 0 and not control.high < at_least:
        return "unclear", f"The interval of the control reaches {asked}."
    if at_least < 0 and not control.high < at_least:
        return "unclear", "The experiment does not notice the loss that its control makes on purpose."
    if not over_baseline.low > at_least:
        return "unclear", f"The difference to the baseline may lie on either side of {asked}."
    if not over_control.low > at_least:
        return "unclear", f"The difference to the control may lie on either side of {asked}."
    if at_least < 0:
        return "holds", (
            f"Both differences, to the baseline and to the control, lie wholly above {asked}, "
            "and the loss made on purpose is noticed."
        )
    return "holds", f"Both differences, to the baseline and to the control, lie wholly above {asked}."


def _by_successes(successes: tuple[int, int, int], n_seeds: int) -> tuple[str, str]:
    for count, name in zip(successes[1:], ("baseline", "control"), strict=True):
        if _fisher(count, successes[0], n_seeds) < LEVEL:
            return "does not hold", f"It succeeds in fewer seeds than the {name} (Fisher's exact test)."
    for count, name in zip(successes[1:], ("baseline", "control"), strict=True):
        if not _fisher(successes[0], count, n_seeds) < LEVEL:
            return "unclear", f"So many more successes than the {name}'s may be chance (Fisher's exact test)."
    return "holds", "More successes than baseline and control, beyond chance (Fisher's exact test)."


def in_points(fraction: float) -> str:
    """Give a threshold in words: *1 point*, *−0.5 points*."""
    number = f"{100 * fraction:g}".replace("-", "−")
    return f"{number} point" if number in ("1", "−1") else f"{number} points"


def paired_interval(differences: np.ndarray) -> Interval:
    """Give the mean of paired differences and its 95 % interval by Student's t; one seed alone bounds nothing.

    Values are recorded with five digits. Rounding at the ninth takes out what subtraction adds to them, so that a
    difference of exactly five points is not more than five points.
    """
    mean = float(np.mean(differences))
    if len(differences) < 2:
        return Interval(round(mean, 9), -np.inf, np.inf)
    from scipy import stats  # here: it loads for seconds, and a lecture's first cell need not wait for it

    half = float(stats.t.ppf(1 - LEVEL, len(differences) - 1) * stats.sem(differences))
    return Interval(round(mean, 9), round(mean - half, 9), round(mean + half, 9))


def _p_value(shifted: np.ndarray) -> float:
    """Give the one-sided p-value of the paired t-test that the mean of shifted differences is above zero."""
    if len(shifted) < 2:
        return 1.0
    mean, low, high = paired_interval(shifted)
    if low == high:  # every seed says the same: no spread to divide by
        return 0.0 if mean > 0 else 1.0
    from scipy import stats

    return float(stats.ttest_1samp(shifted, 0.0, alternative="greater").pvalue)


def _fisher(more: int, fewer: int, n_seeds: int) -> float:
    """Give the one-sided p-value that the first of two conditions succeeds more often than the second."""
    from scipy import stats

    table = [[more, n_seeds - more], [fewer, n_seeds - fewer]]
    return float(stats.fisher_exact(table, alternative="greater").pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for their number by Holm's step-down method, in the order given.

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics, 6(2).
    """
    order = np.argsort(p_values)
    stepped = (len(p_values) - np.arange(len(p_values))) * np.asarray(p_values, dtype=float)[order]
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return adjusted.tolist()
