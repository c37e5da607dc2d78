"""Records and verdicts: what is measured decides, and nothing half-made replaces it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from course_utils.evidence import record as records
from course_utils.evidence.measure import measure
from course_utils.evidence.record import Claim, Record
from course_utils.evidence.verdict import judge, paired_interval, verdict

CLAIM = Claim(says="a beats b", metric="accuracy", treatment="a", baseline="b", control="c", at_least=0.05)


def record(a, b, c, **changes) -> Record:
    values = {name: {"accuracy": list(v)} for name, v in {"a": a, "b": b, "c": c}.items()}
    fields = {
        "name": "99_test", "claims": [CLAIM], "seeds": list(range(len(a))), "values": values, "settings": {},
        "fingerprint": "", "seconds": [1.0] * len(a), "made": "2026-01-01", "machine": "", "versions": {},
    }  # fmt: skip
    return Record(**{**fields, **changes})


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "RECORDS", tmp_path)
    monkeypatch.delenv("COURSE_EVIDENCE", raising=False)
    monkeypatch.delenv("COURSE_EVIDENCE_QUICK", raising=False)
    monkeypatch.delenv("COURSE_DEVICE", raising=False)
    return tmp_path


def results(seed):
    return {"a": {"accuracy": 0.9 + seed / 1000}, "b": {"accuracy": 0.5}, "c": {"accuracy": 0.5, "curve": [1, 2]}}


@pytest.mark.parametrize(
    ("a", "b", "c", "word"),
    [
        ([0.9, 0.91, 0.92], [0.5, 0.5, 0.51], [0.5, 0.5, 0.5], "holds"),
        ([0.52, 0.521, 0.52], [0.5, 0.5, 0.5], [0.5, 0.5, 0.5], "does not hold"),
        ([0.9, 0.5, 0.7], [0.5, 0.5, 0.5], [0.5, 0.5, 0.5], "unclear"),
        ([0.3, 0.31, 0.3], [0.5, 0.5, 0.5], [0.5, 0.5, 0.5], "does not hold"),
        ([0.9, 0.91, 0.92], [0.5, 0.5, 0.51], [0.9, 0.9, 0.91], "does not hold"),
        ([0.56, 0.55, 0.56], [0.5, 0.5, 0.5], [0.5, 0.5, 0.5], "unclear"),
    ],
    ids=["clear", "too small", "noisy", "backwards", "control shows it too", "at the margin"],
)
def test_the_verdict_follows_from_the_interval_the_margin_and_the_control(a, b, c, word):
    assert verdict(record(a, b, c), CLAIM).word == word


def test_the_interval_is_students_t_on_paired_seeds():
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.8, 0.1, 11), rng.normal(0.7, 0.1, 11)
    expected = stats.ttest_rel(a, b).confidence_interval(0.95)
    mean, low, high = paired_interval(a - b)
    assert mean == pytest.approx(np.mean(a) - np.mean(b))
    assert (low, high) == pytest.approx((expected.low, expected.high))


def test_pairing_takes_out_what_a_seed_does_to_both():
    luck = np.array([0.0, 0.3, 0.1, 0.5])
    assert verdict(record(luck + 0.2, luck, luck), CLAIM).word == "holds"


def test_the_printed_sentence_names_conditions_difference_control_and_verdict(capsys):
    judge(record([0.9, 0.91, 0.92], [0.5, 0.5, 0.5], [0.49, 0.5, 0.5]))
    said = capsys.readouterr().out
    assert "a beats b" in said
    assert "91.0 ± 1.0 %" in said
    assert "+41.0 points, 95 % interval +38.5 to +43.5; more than 5.0 was asked" in said
    assert "b (baseline)" in said
    assert "c (control)" in said
    assert "Verdict: holds." in said


def test_a_difference_that_rounds_to_zero_has_no_minus(capsys):
    judge(record([0.4999, 0.4999, 0.4999], [0.5, 0.5, 0.5], [0.4998, 0.4998, 0.4998]))
    said = capsys.readouterr().out
    assert "a − b: +0.0 points, 95 % interval +0.0 to +0.0" in said
    assert "c − b: +0.0 points" in said


def test_one_seed_of_a_quick_look_leaves_the_claim_unclear(capsys, recwarn):
    judge(record([0.9], [0.5], [0.5]))
    said = capsys.readouterr().out
    assert "90.0 %" in said
    assert "Verdict: unclear." in said
    assert not recwarn.list


def test_a_claim_that_does_not_hold_is_printed_all_the_same(capsys):
    judge(record([0.5, 0.5, 0.5], [0.5, 0.5, 0.5], [0.5, 0.5, 0.5]))
    assert "Verdict: does not hold." in capsys.readouterr().out


def test_measure_makes_a_record_when_asked_and_reads_it_afterwards(monkeypatch):
    calls = []

    def counted(seed):
        calls.append(seed)
        return results(seed)

    monkeypatch.setenv("COURSE_EVIDENCE", "99_other,99_test")
    made = measure("99_test", counted, range(3), [CLAIM])
    monkeypatch.delenv("COURSE_EVIDENCE")
    read = measure("99_test", counted, range(3), [CLAIM])
    assert calls == [0, 1, 2]
    assert made == read
    assert read.of("a", "accuracy").tolist() == [0.9, 0.901, 0.902]
    assert read.of("c", "curve").shape == (3, 2)


def interrupt_at_the_second_seed():
    """Measure up to the second seed; give the experiment, which goes on from now, and the seeds it was called with."""
    calls = []

    def interrupted(seed):
        calls.append(seed)
        if calls == [0, 1]:
            raise KeyboardInterrupt
        return results(seed)

    with pytest.raises(KeyboardInterrupt):
        measure("99_test", interrupted, range(3), [CLAIM], rerun=True)
    return interrupted, calls


def test_an_interrupted_measurement_goes_on_where_it_stopped(folder):
    interrupted, calls = interrupt_at_the_second_seed()
    assert not (folder / "99_test.json").exists()
    measure("99_test", interrupted, range(3), [CLAIM], rerun=True)
    assert calls == [0, 1, 1, 2]
    assert not any((folder / "partial").iterdir())


def test_seeds_of_an_interrupted_measurement_do_not_count_for_another_device(monkeypatch):
    interrupted, calls = interrupt_at_the_second_seed()
    monkeypatch.setenv("COURSE_DEVICE", "cuda:0")
    measure("99_test", interrupted, range(3), [CLAIM], rerun=True)
    assert calls == [0, 1, 0, 1, 2]


@pytest.mark.parametrize(
    ("now", "word"),
    [
        ([0.81, 0.82, 0.83], "agree"),  # one standard deviation apart, which is 0.01
        ([0.822, 0.832, 0.842], "differ"),
        ([0.809, 0.829, 0.849], "agree"),  # the larger standard deviation counts, 0.02
        ([0.772, 0.792, 0.812], "agree"),
        ([0.768, 0.788, 0.808], "differ"),
    ],
)
def test_a_record_that_is_measured_again_is_printed_beside_the_one_it_replaces(now, word, folder, capsys):
    old = record([0.80, 0.81, 0.82], [0.5, 0.5, 0.5], [0.5, 0.5, 0.5], machine="abacus")
    old.values["c"]["curve"] = [[1, 2]] * 3  # curves are left out
    old.write(folder / "99_test.json")
    made = measure(
        "99_test", lambda seed: results(seed) | {"a": {"accuracy": now[seed]}}, range(3), [CLAIM], rerun=True
    )
    said = capsys.readouterr().out
    assert "before: 3 seeds, 2026-01-01, abacus; the experiment was changed since" in said
    assert f"now:    3 seeds, {made.made}, {made.machine}\n" in said
    assert f"a, accuracy: before 0.81 ± 0.01, now {np.mean(now):.4g} ± {np.std(now, ddof=1):.2g}: {word}" in said
    assert "b, accuracy: before 0.5 ± 0, now 0.5 ± 0: agree" in said
    assert "curve" not in said
    assert Record.read(folder / "99_test.json") == made


@pytest.mark.parametrize(("value", "word"), [(0.8991, "agree"), (0.8989, "differ")])
def test_a_quick_look_may_be_two_standard_deviations_from_the_record(value, word, monkeypatch, capsys):
    measure("99_test", results, range(3), [CLAIM], rerun=True)
    assert "before" not in capsys.readouterr().out  # there was no record yet
    monkeypatch.setenv("COURSE_EVIDENCE_QUICK", "1")
    measure("99_test", lambda seed: results(seed) | {"a": {"accuracy": value}}, range(3), [CLAIM], rerun=True)
    assert f"a, accuracy: before 0.901 ± 0.001, now {value} ± 0: {word}" in capsys.readouterr().out


def test_a_damaged_record_does_not_cost_the_new_one(folder):
    (folder / "99_test.json").write_text('{"name": "99_te')
    made = measure("99_test", results, range(3), [CLAIM], rerun=True)
    assert Record.read(folder / "99_test.json") == made


def test_a_quick_look_does_not_replace_a_whole_record(monkeypatch, folder):
    measure("99_test", results, range(3), [CLAIM], rerun=True)
    before = (folder / "99_test.json").read_text()
    monkeypatch.setenv("COURSE_EVIDENCE_QUICK", "1")
    quick = measure("99_test", results, range(4), [CLAIM], rerun=True)
    assert quick.seeds == [0]
    assert (folder / "99_test.json").read_text() == before


def test_a_missing_record_says_how_to_make_it():
    with pytest.raises(FileNotFoundError, match=r"python3 course\.py evidence 99_test"):
        measure("99_test", results, range(3), [CLAIM])


def test_a_damaged_record_says_so_and_is_left_alone(folder):
    (folder / "99_test.json").write_text('{"name": "99_te')
    with pytest.raises(ValueError, match=r"99_test\.json cannot be read"):
        measure("99_test", results, range(3), [CLAIM])
    assert (folder / "99_test.json").read_text() == '{"name": "99_te'


def test_an_experiment_that_changed_since_is_told(capsys):
    measure("99_test", results, range(3), [CLAIM], rerun=True)
    capsys.readouterr()
    measure("99_test", results, range(3), [CLAIM])
    assert "differs" not in capsys.readouterr().out
    measure("99_test", lambda seed: results(seed), range(3), [CLAIM])
    assert "differs from the one that was recorded" in capsys.readouterr().out


def test_a_second_claim_on_the_same_metric_lists_only_what_it_compares(capsys):
    first = record([0.9, 0.9, 0.9], [0.5, 0.5, 0.5], [0.5, 0.5, 0.5])
    values = first.values | {"d": {"accuracy": [0.7, 0.7, 0.7]}}
    judge(replace(first, values=values, claims=[CLAIM, CLAIM]))
    whole, short = capsys.readouterr().out.split("\n\n")
    assert "  d " in whole
    assert "  d " not in short
    assert all(f"  {name} " in short for name in "abc")


def test_one_seed_is_not_a_measurement():
    with pytest.raises(ValueError, match="at least three seeds, got 2"):
        measure("99_test", results, range(2), [CLAIM])


def test_results_without_the_control_are_refused(folder):
    with pytest.raises(ValueError, match="needs 'accuracy' for 'c'"):
        measure("99_test", lambda seed: {"a": {"accuracy": 1}, "b": {"accuracy": 1}}, range(3), [CLAIM], rerun=True)
    assert not (folder / "99_test.json").exists()


def test_a_record_survives_the_round_trip_through_its_file(folder):
    first = record([0.9, 0.91, 0.92], [0.5, 0.5, 0.5], [0.49, 0.5, 0.5], settings={"STEPS": 7})
    first.write(folder / "99_test.json")
    assert Record.read(folder / "99_test.json") == first
    assert json.loads((folder / "99_test.json").read_text())["settings"] == {"STEPS": 7}
