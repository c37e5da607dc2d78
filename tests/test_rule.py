"""When a claim holds: the three intervals, the control, ties, successes, and the correction for several claims."""

import numpy as np
import pytest
from scipy import stats

from course_utils.evidence import record as records
from course_utils.evidence.record import Claim, Record
from course_utils.evidence.rule import decide, holm, paired_interval
from course_utils.evidence.verdict import verdict


def spread(mean: float, half: float = 0.0, n_seeds: int = 3) -> np.ndarray:
    """Give values with this mean whose distances from it sum to zero."""
    return mean + half * np.linspace(-1, 1, n_seeds)


def word(treatment, baseline, control, **rule) -> str:
    return decide(np.array(treatment), np.array(baseline), np.array(control), **rule).word


FLAT = spread(0.5)


@pytest.mark.parametrize(
    ("a", "b", "c", "expected"),
    [
        (spread(0.91, 0.01), FLAT, FLAT, "holds"),
        (spread(0.52, 0.01), FLAT, FLAT, "does not hold"),
        (spread(0.30, 0.01), FLAT, FLAT, "does not hold"),
        (spread(0.70, 0.20), FLAT, FLAT, "unclear"),
        (spread(0.91, 0.01), FLAT, spread(0.90, 0.005), "does not hold"),  # the placebo does almost as much
        (spread(0.91, 0.01), FLAT, spread(0.95), "does not hold"),  # the placebo does more
        (spread(0.91, 0.01), FLAT, spread(0.70), "unclear"),  # the placebo has the effect, and less of it
        (spread(0.91, 0.01), FLAT, spread(0.52, 0.03), "unclear"),  # the placebo may have it
        (spread(0.91, 0.01), FLAT, spread(0.10, 0.01), "holds"),
        (spread(0.91, 0.01), FLAT, spread(0.10, 0.40), "unclear"),
        (spread(0.52, 0.01), FLAT, spread(0.70), "does not hold"),
    ],
)
def test_the_verdict_follows_from_three_intervals_and_the_smallest_difference_that_counts(a, b, c, expected):
    assert word(a, b, c, at_least=0.05) == expected


def test_without_a_smallest_difference_the_placebo_may_lie_around_zero_and_must_still_be_beaten():
    treatment = spread(0.60, 0.01)
    assert word(treatment, FLAT, spread(0.50, 0.03)) == "holds"
    assert word(treatment, FLAT, spread(0.59, 0.03)) == "unclear"
    assert word(treatment, FLAT, treatment) == "does not hold"  # the placebo is the treatment


def test_no_loss_holds_only_where_the_experiment_notices_a_loss_made_on_purpose():
    treatment, noticed, missed = spread(0.501, 0.002), spread(0.47, 0.002), spread(0.489, 0.01)
    assert word(treatment, FLAT, noticed, at_least=-0.01) == "holds"
    assert decide(*map(np.array, (treatment, FLAT, noticed)), at_least=-0.01).why.endswith("on purpose is noticed.")
    assert word(treatment, FLAT, missed, at_least=-0.01) == "unclear"
    assert word(spread(0.47, 0.002), FLAT, noticed, at_least=-0.01) == "does not hold"


@pytest.mark.parametrize("at_least", [0.0, 0.05, 0.15, -0.01])
def test_a_difference_of_exactly_the_threshold_in_every_seed_is_not_more_than_it(at_least):
    baseline = np.array([0.5, 0.55, 0.6, 0.65, 0.7])
    assert word(baseline + at_least, baseline, np.zeros(5), at_least=at_least) == "does not hold"
    assert word(baseline + at_least + 0.001, baseline, np.zeros(5), at_least=at_least) == "holds"


@pytest.mark.parametrize("at_least", [0.05, -0.05])
def test_a_control_that_lies_exactly_on_the_threshold_reaches_it(at_least):
    assert word(spread(0.9), FLAT, FLAT + at_least, at_least=at_least) == "unclear"


@pytest.mark.parametrize("n_seeds", [1, 2])
def test_fewer_than_three_seeds_decide_nothing(n_seeds):
    high, low = np.full(n_seeds, 0.9), np.full(n_seeds, 0.1)
    assert word(high, low, low) == "unclear"
    assert word(low, high, low) == "unclear"
    assert word(high, low, low, success_at=0.5) == "unclear"


@pytest.mark.parametrize("place", range(3))
def test_a_seed_without_a_value_leaves_the_claim_unclear(place):
    values = [spread(0.9), FLAT.copy(), FLAT.copy()]
    values[place][1] = np.nan
    for rule in ({}, {"success_at": 0.7}, {"other_primaries": [0.001]}):
        result = decide(*values, **rule)
        assert (result.word, result.why) == ("unclear", "A seed has no value.")


def test_all_three_intervals_are_students_t_on_paired_seeds():
    rng = np.random.default_rng(0)
    a, b, c = (rng.normal(mean, 0.1, 11) for mean in (0.8, 0.7, 0.6))
    result = decide(a, b, c)
    told = (result.over_baseline, result.over_control, result.control_over_baseline)
    for interval, (one, other) in zip(told, ((a, b), (a, c), (c, b)), strict=True):
        expected = stats.ttest_rel(one, other).confidence_interval(0.95)
        assert interval == pytest.approx((np.mean(one) - np.mean(other), expected.low, expected.high))


def test_the_p_value_is_the_larger_of_both_one_sided_t_tests_on_shifted_differences():
    rng = np.random.default_rng(1)
    a, b, c = (rng.normal(mean, 0.1, 7) for mean in (0.8, 0.5, 0.6))
    expected = [stats.ttest_rel(a - 0.05, other, alternative="greater").pvalue for other in (b, c)]
    assert decide(a, b, c, 0.05).p == pytest.approx(max(expected))
    assert expected[0] < expected[1]


def test_an_interval_above_the_threshold_and_a_p_value_below_the_level_are_one_thing():
    rng = np.random.default_rng(2)
    for _ in range(50):
        a, b = rng.normal(0.6, 0.1, 5), rng.normal(0.5, 0.1, 5)
        assert (paired_interval(a - b).low > 0) == (decide(a, b, b).p < 0.025)


def test_pairing_takes_out_what_a_seed_does_to_both():
    luck = np.array([0.0, 0.3, 0.1, 0.5])
    assert word(luck + 0.2, luck, luck, at_least=0.05) == "holds"


@pytest.mark.parametrize(
    ("a", "b", "c", "expected"),
    [
        ([1, 1, 1, 0.2, 1], [0.2] * 5, [0.3] * 5, "holds"),  # 4 of 5 against none: p = 5 / 210
        ([1, 1, 0.1, 0.2, 1], [0.2] * 5, [0.3] * 5, "unclear"),  # 3 of 5: p = 10 / 120
        ([1] * 5, [0.2] * 5, [0.3, 1, 1, 0.3, 0.3], "unclear"),  # the control learns in two
        ([0.1] * 5, [1] * 5, [0.3] * 5, "does not hold"),
        ([0.1] * 5, [0.3] * 5, [1] * 5, "does not hold"),
        ([0.1] * 5, [0.3] * 5, [0.2] * 5, "unclear"),
    ],
)
def test_an_outcome_with_two_humps_is_decided_by_the_number_of_seeds_that_succeed(a, b, c, expected):
    assert word(a, b, c, success_at=0.9) == expected


def test_successes_are_counted_from_the_threshold_on_and_compared_by_fishers_exact_test():
    result = decide(np.array([0.9, 1, 1, 0.89, 1]), np.zeros(5), np.array([0, 0, 0, 0, 1]), success_at=0.9)
    assert result.successes == (4, 0, 1)
    assert result.difference == pytest.approx(0.8)
    assert result.p == pytest.approx(stats.fisher_exact([[4, 1], [1, 4]], alternative="greater").pvalue)


def test_a_claim_told_by_successes_has_no_smallest_difference():
    with pytest.raises(ValueError, match=r"at_least must stay 0; got 0\.1"):
        Claim("a beats b", "accuracy", "a", "b", "c", at_least=0.1, success_at=0.9)


def test_holms_correction_is_the_one_of_its_paper():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.02]) == pytest.approx([0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_a_primary_claim_must_stay_significant_among_the_other_primary_claims():
    borderline = spread(0.5, 0.08, 5) + 0.09
    alone = decide(borderline, spread(0.5, n_seeds=5), spread(0.5, n_seeds=5), other_primaries=[])
    assert 0.0125 < alone.p < 0.025
    assert (alone.word, alone.primaries, alone.adjusted) == ("holds", 1, alone.p)
    among = decide(borderline, spread(0.5, n_seeds=5), spread(0.5, n_seeds=5), other_primaries=[0.5])
    assert (among.word, among.primaries) == ("unclear", 2)
    assert among.adjusted == pytest.approx(2 * among.p)
    after = decide(borderline, spread(0.5, n_seeds=5), spread(0.5, n_seeds=5), other_primaries=[0.001])
    assert after.word == "holds"  # step down: the smallest was tested at half the level, this one at the whole


def primary(name: str, says: str = "a beats b", values: tuple = (), folder=None, primary: bool = True) -> Record:
    claim = Claim(says, "accuracy", "a", "b", "c", primary=primary)
    measured = {key: {"accuracy": list(numbers)} for key, numbers in zip("abc", values, strict=True)}
    made = Record(name, [claim], list(range(len(values[0]))), measured, {}, "", [], "", "", {})
    made.write(folder / f"{name}.json")
    return made


def test_the_primary_claims_of_all_records_of_a_lecture_are_corrected_together(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "RECORDS", tmp_path)
    strong = (spread(0.9, 0.01, 5), spread(0.5, n_seeds=5), spread(0.5, n_seeds=5))
    noisy = (spread(0.55, 0.5, 5), spread(0.5, n_seeds=5), spread(0.5, n_seeds=5))
    first = primary("99_first", "first", strong, tmp_path)
    primary("99_second", "second", noisy, tmp_path)
    primary("99_third", "third", noisy, tmp_path, primary=False)
    primary("98_other", "other", noisy, tmp_path)
    result = verdict(first, first.claims[0])
    assert (result.word, result.primaries) == ("holds", 2)
    assert result.adjusted == pytest.approx(2 * result.p)


def test_showing_one_of_two_primary_claims_does_not_make_their_number_smaller(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "RECORDS", tmp_path)
    strong = (spread(0.9, 0.01, 5), spread(0.5, n_seeds=5), spread(0.5, n_seeds=5))
    first = primary("99_first", "first", strong, tmp_path)
    second = Claim("second", "accuracy", "a", "c", "b", primary=True)
    whole = Record(**{**vars(first), "claims": [*first.claims, second]})
    whole.write(tmp_path / "99_first.json")
    for shown in ([second], [first.claims[0]], whole.claims):
        part = Record(**{**vars(first), "claims": shown})
        assert verdict(part, shown[0]).primaries == 2


def test_an_exploratory_claim_is_not_corrected(tmp_path):
    strong = (spread(0.9, 0.01, 5), spread(0.5, n_seeds=5), spread(0.5, n_seeds=5))
    made = primary("99_first", "first", strong, tmp_path, primary=False)
    result = verdict(made, made.claims[0], tmp_path)
    assert (result.primaries, result.adjusted) == (0, None)
