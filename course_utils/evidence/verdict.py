"""What a record says about its claims: the verdict on one of them, or all of them shown."""

from pathlib import Path

from IPython.display import display

from course_utils.evidence.card import cards
from course_utils.evidence.record import Claim, Record
from course_utils.evidence.rule import Verdict


def verdict(record: Record, claim: Claim, folder: Path | None = None) -> Verdict:
    """Decide a claim from its record; a primary one together with the lecture's other primary claims.

    Parameters
    ----------
    record
        Where treatment, baseline and control were measured.
    claim
        Usually one of ``record.claims``.
    folder
        Where the lecture's other records lie; the course's records by default.

    See Also
    --------
    course_utils.evidence.rule.decide : the rule.
    """
    return record.verdict(claim, folder)


def judge(record: Record, metric: str | None = None) -> None:
    """Show what a record says about each of its claims, or about those on one metric, as cards.

    ``print(record)`` gives the numbers as a block.
    """
    display(cards(record, metric))
