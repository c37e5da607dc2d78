"""What ``course.py doctor`` looks at inside the environment; the exit status is the number of problems."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from course_utils.files import CHECKOUT
from course_utils.refusals import Stop, carry_out, damaged, explain, read_json

LOCK = CHECKOUT / "requirements.lock"
REGISTRY = CHECKOUT / "datasets" / "registry.json"
HANGUL = "sudo apt install fonts-nanum, or on Fedora sudo dnf install google-noto-sans-cjk-fonts."
AGAIN = f"Delete {sys.prefix} and run python3 course.py lab."


def main() -> int:
    """Print a line for each thing, with what to do where something is missing; give the number of problems."""
    problems = 0
    for subject, finding, stops, advice in [*look_at_packages(), *look_for_data(), *look_for_hangul()]:
        print(f"{'ok' if not advice else '!!' if stops else ' -'} {subject:15}{finding}")
        if advice:
            print(f"     -> {advice}")
        problems += bool(advice and stops)
    return problems


def look_at_packages() -> Iterator[tuple[str, str, bool, str | None]]:
    """Compare the main packages with the lock, and import torch and dgl as the lectures do."""
    pinned = pins(LOCK.read_text(encoding="utf-8"))
    for name in ("torch", "dgl", "numpy", "scipy", "matplotlib", "jupyterlab"):
        found = installed(name)
        if name not in pinned:
            yield name, found, True, damaged(LOCK, f"it does not name {name}")
            continue
        same = found.split("+")[0] == pinned[name]
        yield name, found, True, None if same else f"The course pins {pinned[name]}. {AGAIN}"
    for name in ("torch", "dgl"):
        words = last_line(f"import {name}; print('works')")
        yield f"import {name}", words, True, None if words == "works" else AGAIN


def pins(lock: str) -> dict[str, str]:
    """Read which version the lock gives each package on this Python; a line that was cut says nothing."""
    requirements = []
    for line in lock.splitlines():
        with contextlib.suppress(InvalidRequirement):
            requirements.append(Requirement(line))
    here = [known for known in requirements if known.marker is None or known.marker.evaluate()]
    return {known.name: str(known.specifier).removeprefix("==") for known in here}


def installed(name: str) -> str:
    """Give the version of a package that is installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "is missing"


def last_line(code: str) -> str:
    """Run a line of code in a process of its own and give the last line it writes, be it an error."""
    command = [sys.executable, "-P", "-c", code]
    process = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    return (process.stdout.strip().splitlines() or [f"no answer, exit status {process.returncode}"])[-1]


def look_for_data() -> Iterator[tuple[str, str, bool, str | None]]:
    """Say which of the public data sets are here, a line each, and name those that are not in one line."""
    own = os.environ.get("COURSE_DATA")
    if own and not os.path.isdir(own):
        yield "COURSE_DATA", own, True, "There is no such folder: correct it, or unset COURSE_DATA."
    cache = Path(os.environ.get("COURSE_CACHE") or CHECKOUT / "datasets" / "cache")
    folders = [cache / "downloads", Path(own or cache)]
    try:
        files = {name: [file["file"] for file in entry["files"]] for name, entry in read_json(REGISTRY).items()}
    except (Stop, OSError, KeyError, TypeError) as error:
        known = explain(error) if isinstance(error, OSError) else str(error) if isinstance(error, Stop) else None
        yield "data", "cannot be looked up", True, known or damaged(REGISTRY, "it lacks what a set needs")
        return
    missing = []
    for name, wanted in files.items():
        there = [any((folder / file).is_file() for folder in folders) for file in wanted]
        if any(there):
            advice = None if all(there) else f"python3 course.py data fetch {name} fetches the rest."
            yield name, f"{sum(there)} of {len(there)} files are here", False, advice
        else:
            missing.append(name)
    if missing:
        advice = "Lectures run without them; they are downloaded when a recorded result is measured again."
        yield "public data", f"not here: {', '.join(missing)}", False, advice


def look_for_hangul() -> Iterator[tuple[str, str, bool, str | None]]:
    """Say whether a face with Hangul is installed, in which the Korean edition and its words in maps are shown."""
    if sys.platform == "darwin":  # each Mac has one
        return
    try:
        listed = subprocess.run(["fc-list", ":lang=ko", "family"], capture_output=True, text=True, errors="replace")
    except OSError:  # no fontconfig, so no browser of this machine: one elsewhere has faces of its own
        return
    faces = sorted({line.split(",")[0] for line in listed.stdout.splitlines() if line})
    advice = None if faces else f"The Korean edition needs one: {HANGUL}"
    yield "Hangul", ", ".join(faces[:3]) or "no face has it", False, advice


if __name__ == "__main__":
    sys.exit(carry_out(main))
