"""How the benchmarks tell what they measured: each contender's median, and its ratio to the one it stands beside."""

import statistics
from collections.abc import Mapping, Sequence


def print_ratios(measured: Mapping[str, Sequence[float]], beside: str, unit: str, compared: str) -> None:
    """Print one line a contender; each ratio is within one round, and the median of the ratios counts.

    Parameters
    ----------
    measured
        Contender → one value a round, all taken in the same rounds.
    beside
        The contender that the others are compared with.
    unit, compared
        The format of the median, ``"{:6.1f} ms an epoch"``, and what follows a ratio, ``"times plain"``.
    """
    width = max(map(len, measured))
    for name, values in measured.items():
        ratios = [value / other for value, other in zip(values, measured[beside], strict=True)]
        print(
            f"{name:{width}} {unit.format(statistics.median(values))}, "
            f"{statistics.median(ratios):.2f} {compared} ({min(ratios):.2f} to {max(ratios):.2f})"
        )
