"""What an experiment claims and what came out of it, as kept in a file: read without torch."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

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


def record_path(name: str) -> Path:
    """Say where the record of this name is kept."""
    return RECORDS / f"{name}.json"


def stored(name: str) -> Record:
    """Read the record of this name: what another lecture measured."""
    return Record.read(record_path(name))
