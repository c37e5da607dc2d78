"""Give the stored record of an experiment, or make it: seed by seed, resumable, never half-written."""

import datetime
import hashlib
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from course_utils.evidence.fingerprint import fingerprint, reads_a_clock, settings_of
from course_utils.evidence.record import Claim, Record, Results, record_path, stored
from course_utils.evidence.spread import RECORDED_VERSIONS, Engine, engine
from course_utils.files import alone, clear_traces, write_atomically


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
    replaces: whether each value agrees within the spread of the seeds. Where another process measures the same record,
    this one waits, says so, and takes the record that the other has made.

    Raises
    ------
    FileNotFoundError
        If there is no record and none was asked for.
    OSError
        If the record could not be written; nothing was measured then.
    ValueError
        If fewer than three seeds are given, or the results lack what a claim compares.
    """
    seeds, claims = list(seeds), list(claims)
    if len(seeds) < 3:
        raise ValueError(f"measure: expected at least three seeds, got {len(seeds)}: one run says nothing of chance.")
    asked = os.environ.get("COURSE_EVIDENCE", "")
    if rerun or name in asked.split(","):
        with engine(one_by_one=reads_a_clock(experiment)) as spread:
            return _measured_alone(name, experiment, seeds, claims, spread)
    record = stored(name)
    if (record.fingerprint, record.claims, record.seeds) != (fingerprint(experiment), claims, seeds):
        print(
            "Note: this experiment differs from the one that was recorded; what follows speaks of the recorded one.\n"
            f"To measure yours: measure(..., rerun=True), or python3 course.py evidence {name}"
        )
    return record


def _measured_alone(
    name: str, experiment: Callable[[int], Results], seeds: list[int], claims: list[Claim], spread: Engine
) -> Record:
    """Measure, unless another process does so already: then wait, and take the record that it has made."""
    code = fingerprint(experiment)
    kind = hashlib.sha256(json.dumps(spread.place, sort_keys=True).encode()).hexdigest()
    device = spread.place["device"].replace(":", "")
    path = record_path(name)
    # no record mixes two devices, processors or versions of a package
    kept = path.parent / "partial" / f"{name}-{code[:12]}-{device}-{kind[:6]}.json"
    for file in (path, kept):  # better now than after hours
        if file.is_dir():
            raise IsADirectoryError(f"{file} is a folder, but what is measured is kept in a file there; remove it.")
    before = _stamp(path)
    with alone(kept, f"Another window is measuring {name}; waiting until it is done ...") as waited:
        clear_traces(kept.parent, f"{name}-*.json")
        if waited and _stamp(path) != before:
            made = stored(name)
            if (made.fingerprint, made.claims, made.seeds) == (code, claims, seeds):
                return made
        return _run(name, experiment, seeds, claims, kept, code, spread)


def _stamp(path: Path) -> tuple[int, int] | None:
    """Tell one version of a file from the next."""
    return (path.stat().st_mtime_ns, path.stat().st_ino) if path.exists() else None


def _run(
    name: str,
    experiment: Callable[[int], Results],
    seeds: list[int],
    claims: list[Claim],
    kept: Path,
    code: str,
    spread: Engine,
) -> Record:
    asked = seeds[:1] if os.environ.get("COURSE_EVIDENCE_QUICK") == "1" else seeds
    done = _read_partial(kept, claims)
    waiting = [seed for seed in asked if str(seed) not in done]
    task = partial(measure_seed, experiment, claims)
    with tqdm(desc=name, total=len(asked), initial=len(asked) - len(waiting), file=sys.stdout, ncols=80) as progress:
        for seed, run in spread.run(task, waiting):
            done[str(seed)] = run
            write_atomically(kept, json.dumps(done).encode())
            progress.update()
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
        machine=runs[0]["machine"],
        versions={package: spread.place[package] for package in RECORDED_VERSIONS},
    )
    _compare_with_stored(record)
    if len(measured) == len(seeds):  # a quick look never replaces a whole record
        record.write(record_path(name))
        kept.unlink(missing_ok=True)
    return record


def measure_seed(experiment: Callable[[int], Results], claims: Sequence[Claim], seed: int) -> dict[str, Any]:
    """Run an experiment with one seed, wherever that is: what it measured, the processor's seconds, and the machine."""
    start = time.process_time()
    results = {condition: dict(metrics) for condition, metrics in experiment(seed).items()}
    _check_results(claims, results)
    return {
        "results": _rounded(results),
        "seconds": round(time.process_time() - start, 1),
        "machine": _machine(),
    }


def _machine() -> str:
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    torch = sys.modules.get("torch")  # where nothing has loaded it, nothing ran on a card
    if (
        torch and torch.cuda.is_available() and torch.cuda.max_memory_allocated()
    ):  # what ran on it says so, not what was asked
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


def _read_partial(path: Path, claims: Sequence[Claim]) -> dict[str, Any]:
    """Read seed → results and seconds of a measurement that was interrupted; a damaged file counts for nothing."""
    try:
        done = json.loads(path.read_text(encoding="utf-8"))
        for run in done.values():
            _check_results(claims, run["results"])
            _rounded(run["results"])
            float(run["seconds"])
            str(run["machine"])
        shapes = {
            json.dumps({c: sorted(m) for c, m in run["results"].items()}, sort_keys=True) for run in done.values()
        }
        if len(shapes) > 1:
            raise ValueError("its seeds do not have the same conditions and metrics")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        print(f"The seeds measured so far, {path}, cannot be used ({error!r}); all seeds are measured from the start.")
        return {}
    return done


def _check_results(claims: Sequence[Claim], results: Results) -> None:
    for claim in claims:
        for condition in claim.compared:
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
