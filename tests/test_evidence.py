"""Records and verdicts: what is measured decides, and nothing half-made replaces it."""

import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from course_utils.evidence import record as records
from course_utils.evidence.measure import measure
from course_utils.evidence.record import Claim, Record

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


def test_the_printed_block_names_conditions_the_three_differences_and_the_verdict():
    said = str(record([0.9, 0.91, 0.92], [0.5, 0.5, 0.5], [0.49, 0.5, 0.5]))
    assert said.startswith("Claim (exploratory): a beats b\n")
    assert "91.0 ± 1.0 %" in said
    assert "a − b: +41.0 points, 95 % interval +38.5 to +43.5; more than 5 points asked\n" in said
    assert "a − c: +41.3 points, 95 % interval +39.9 to +42.8; more than 5 points asked\n" in said
    assert "c − b: −0.3 points, 95 % interval −1.8 to +1.1\n" in said
    assert "b (baseline)" in said
    assert "c (control)" in said
    assert "Verdict: holds. Both differences" in said


def test_the_floor_is_printed_and_decides_nothing():
    floored = replace(record([0.9, 0.91, 0.92], [0.5] * 3, [0.5] * 3), claims=[replace(CLAIM, floor="d")])
    floored.values["d"] = {"accuracy": [0.99, 0.99, 0.99]}
    assert "d (floor)" in str(floored)
    assert "Verdict: holds." in str(floored)


def test_successes_are_printed_as_counts_and_not_as_a_difference_of_means():
    claim = replace(CLAIM, at_least=0.0, success_at=0.9)
    said = str(record([1, 1, 0.2, 0.9, 1], [0.2, 0.1, 0.3, 0.89, 0.2], [0, 0, 0, 0, 0], claims=[claim]))
    assert "a: success in 4 of 5 seeds\nb: success in 0 of 5 seeds\nc: success in 0 of 5 seeds\nVerdict: holds." in said
    assert "points" not in said


def test_a_difference_that_rounds_to_zero_has_no_minus():
    said = str(record([0.4999999] * 3, [0.5] * 3, [0.4999998] * 3))
    assert "a − b: +0.0 points, 95 % interval +0.0 to +0.0" in said
    assert "c − b: +0.0 points" in said


def test_a_bound_that_lies_just_above_zero_is_printed_with_enough_digits_to_show_it():
    claim = replace(CLAIM, at_least=0.0)
    said = str(record([0.5005, 0.5007, 0.5006], [0.5] * 3, [0.5] * 3, claims=[claim]))
    assert "a − b: +0.06 points, 95 % interval +0.04 to +0.08; more than 0 points asked" in said


def test_one_seed_of_a_quick_look_leaves_the_claim_unclear(recwarn):
    said = str(record([0.9], [0.5], [0.5]))
    assert "90.0 %" in said
    assert "Verdict: unclear. Fewer than 3 seeds" in said
    assert not recwarn.list


def test_a_claim_that_does_not_hold_is_printed_all_the_same():
    assert "Verdict: does not hold." in str(record([0.5, 0.5, 0.5], [0.5, 0.5, 0.5], [0.5, 0.5, 0.5]))


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


def test_of_two_who_measure_one_record_at_once_the_second_waits_and_takes_the_record(folder, capsys):
    begun, go_on, calls = threading.Event(), threading.Event(), []

    def slow(seed):
        calls.append(seed)
        begun.set()
        go_on.wait(60)
        return results(seed)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(measure, "99_test", slow, range(3), [CLAIM], rerun=True)
        assert begun.wait(60)
        second = pool.submit(measure, "99_test", slow, range(3), [CLAIM], rerun=True)
        while "Another window is measuring 99_test; waiting until it is done" not in capsys.readouterr().out:
            assert not second.done()
            time.sleep(0.01)
        go_on.set()
        assert first.result() == second.result() == Record.read(folder / "99_test.json")
    assert calls == [0, 1, 2]
    assert not list((folder / "partial").glob("*"))


def partial_file(folder):
    """Interrupt a measurement after its first seed; give the file in which the seed is kept, and how to go on."""
    interrupted, calls = interrupt_at_the_second_seed()
    (file,) = (folder / "partial").iterdir()
    return file, interrupted, calls


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-5],
        lambda text: "",
        lambda text: "[1, 2]",
        lambda text: '"text"',
        lambda text: "null",
        lambda text: text.replace("results", "result"),
        lambda text: text.replace("0.9", '"x"', 1),
        lambda text: text.replace("seconds", "second"),
        lambda text: text.replace("accuracy", "accuracies"),
        lambda text: text[:-1] + ', "1": {"results": {"a": {"accuracy": 1}}, "seconds": 1}}',
        lambda text: 100_000 * "[",
        lambda text: "\0\0\0",
    ],
)
def test_a_damaged_file_of_measured_seeds_is_named_and_counts_for_nothing(damage, folder, capsys):
    file, experiment, calls = partial_file(folder)
    file.write_text(damage(file.read_text()))
    made = measure("99_test", experiment, range(3), [CLAIM], rerun=True)
    said = capsys.readouterr().out
    assert f"The seeds measured so far, {file}, cannot be used (" in said
    assert "all seeds are measured from the start." in said
    assert calls == [0, 1, 0, 1, 2]
    assert made == Record.read(folder / "99_test.json")
    assert not any((folder / "partial").iterdir())


def test_a_folder_in_the_place_of_a_file_is_said_before_anything_is_measured(folder):
    file, experiment, calls = partial_file(folder)
    file.unlink()
    file.mkdir()
    with pytest.raises(IsADirectoryError, match=r"99_test-.*\.json is a folder, .*; remove it"):
        measure("99_test", experiment, range(3), [CLAIM], rerun=True)
    file.rmdir()
    (folder / "99_test.json").mkdir()
    with pytest.raises(IsADirectoryError, match=r"99_test\.json is a folder, .*; remove it"):
        measure("99_test", experiment, range(3), [CLAIM], rerun=True)
    assert calls == [0, 1]


def test_a_file_of_measured_seeds_that_is_deleted_meanwhile_costs_no_record(folder, monkeypatch):
    def write_and_delete(record, path):
        write(record, path)
        for file in (folder / "partial").glob("*.json"):
            file.unlink()

    write = Record.write
    monkeypatch.setattr(Record, "write", write_and_delete)
    assert measure("99_test", results, range(3), [CLAIM], rerun=True) == Record.read(folder / "99_test.json")


def test_what_a_killed_measurement_left_is_cleared(folder):
    killed = subprocess.Popen([sys.executable, "-c", ""])
    killed.wait()
    (folder / "partial").mkdir()
    traces = [folder / f".99_test.json.{killed.pid}", folder / "partial" / f".99_test-abc-cpu.json.{killed.pid}"]
    for trace in traces:
        trace.write_text("{")
    measure("99_test", results, range(3), [CLAIM], rerun=True)
    assert not any(trace.exists() for trace in traces)


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda stored: stored["values"]["a"].update(accuracy=[0.9, "x", 0.9]), "could not convert .* 'x'"),
        (lambda stored: stored["values"]["a"].update(accuracy=[0.9]), "a, accuracy: 1 values for 3 seeds"),
        (lambda stored: stored.update(values=[1]), "values|items"),
        (lambda stored: stored.update(seeds=3), "seeds|len"),
    ],
)  # fmt: skip
def test_a_record_whose_values_are_damaged_is_named(damage, why, folder):
    measure("99_test", results, range(3), [CLAIM], rerun=True)
    stored = json.loads((folder / "99_test.json").read_text())
    damage(stored)
    (folder / "99_test.json").write_text(json.dumps(stored))
    with pytest.raises(ValueError, match=rf"(?s)The record 99_test\.json cannot be read \(.*({why}).*evidence 99_test"):
        measure("99_test", results, range(3), [CLAIM])


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
    (folder / "99_test.json").write_text('{"name": "99_te', encoding="utf-8")
    made = measure("99_test", results, range(3), [CLAIM], rerun=True)
    assert Record.read(folder / "99_test.json") == made


def test_a_quick_look_does_not_replace_a_whole_record(monkeypatch, folder):
    measure("99_test", results, range(3), [CLAIM], rerun=True)
    before = (folder / "99_test.json").read_text(encoding="utf-8")
    monkeypatch.setenv("COURSE_EVIDENCE_QUICK", "1")
    quick = measure("99_test", results, range(4), [CLAIM], rerun=True)
    assert quick.seeds == [0]
    assert (folder / "99_test.json").read_text(encoding="utf-8") == before


def test_a_missing_record_says_how_to_make_it():
    with pytest.raises(FileNotFoundError, match=r"python3 course\.py evidence 99_test"):
        measure("99_test", results, range(3), [CLAIM])


def test_a_damaged_record_says_so_and_is_left_alone(folder):
    (folder / "99_test.json").write_text('{"name": "99_te', encoding="utf-8")
    with pytest.raises(ValueError, match=r"99_test\.json cannot be read"):
        measure("99_test", results, range(3), [CLAIM])
    assert (folder / "99_test.json").read_text(encoding="utf-8") == '{"name": "99_te'


def test_an_experiment_that_changed_since_is_told(capsys):
    measure("99_test", results, range(3), [CLAIM], rerun=True)
    capsys.readouterr()
    measure("99_test", results, range(3), [CLAIM])
    assert "differs" not in capsys.readouterr().out
    measure("99_test", lambda seed: results(seed), range(3), [CLAIM])
    assert "differs from the one that was recorded" in capsys.readouterr().out


def test_a_second_claim_on_the_same_metric_lists_only_what_it_compares():
    first = record([0.9, 0.9, 0.9], [0.5, 0.5, 0.5], [0.5, 0.5, 0.5])
    values = first.values | {"d": {"accuracy": [0.7, 0.7, 0.7]}}
    whole, short = str(replace(first, values=values, claims=[CLAIM, CLAIM])).split("\n\n")
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
    assert json.loads((folder / "99_test.json").read_text(encoding="utf-8"))["settings"] == {"STEPS": 7}


def test_a_claim_of_an_older_file_is_read_and_written_as_it_was(folder):
    record([0.9], [0.5], [0.5]).write(folder / "99_test.json")
    (claim,) = json.loads((folder / "99_test.json").read_text(encoding="utf-8"))["claims"]
    assert claim == {
        "says": "a beats b", "metric": "accuracy", "treatment": "a", "baseline": "b", "control": "c", "at_least": 0.05
    }  # fmt: skip


def test_what_a_claim_says_besides_survives_the_round_trip(folder):
    full = replace(CLAIM, at_least=0.0, primary=True, floor="c", success_at=0.0)
    first = record([0.9], [0.5], [0.5], claims=[full])
    first.write(folder / "99_test.json")
    assert Record.read(folder / "99_test.json").claims == [full]


def test_results_without_the_floor_are_refused():
    with pytest.raises(ValueError, match="needs 'accuracy' for 'd'"):
        measure("99_test", results, range(3), [replace(CLAIM, floor="d")], rerun=True)
