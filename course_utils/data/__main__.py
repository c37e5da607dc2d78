"""The course's data from the command line: ``python3 course.py data build|list|fetch|verify``."""

import argparse
import sys
from collections.abc import Sequence

from course_utils.command_line import parse
from course_utils.data.docstrings.corpus import load_docs
from course_utils.data.number_words import load_number_words
from course_utils.data.public.registry import DataError, datasets, entry, fetch, place, state
from course_utils.data.storage import NOT_KEPT, cache_folder


def build(_arguments: argparse.Namespace) -> int:
    """Build the corpora that need no network, so that lessons and tests find them ready."""
    pairs = load_number_words()
    print(f"number words: {len(pairs):,} pairs, English and German, {_where('number-words')}")
    docs = load_docs()
    print(f"docs: {len(docs):,} documents, {len(docs.sources) // 2:,} references, {_where('docs')}")
    return 1 if NOT_KEPT else 0


def _where(name: str) -> str:
    return "not kept" if any(lost.startswith(name) for lost in NOT_KEPT) else f"ready in {cache_folder()}"


def show(arguments: argparse.Namespace) -> int:
    """List the public sets: size, where they lie, licence, and what the course does without them."""
    for name in arguments.names or datasets():
        known = entry(name)
        found = [place(file["file"]) for file in known["files"]]
        here = [path for path in found if path is not None]
        size = sum(file["bytes"] for file in known["files"]) / 1e6
        places = sorted({str(path.parent) for path in here})
        where = f"in {', '.join(places)}" if places else "not here"
        print(f"{name:<16}{size:8.1f} MB   {len(here)} of {len(found)} files, {where}")
        print(f"                {known['about']}")
        print(f"                licence: {known['licence']}")
        print(f"                {known['without']}\n")
    return 0


def get(arguments: argparse.Namespace) -> int:
    """Fetch sets, all if none is named; what one of them lacks stops no other."""
    failed = 0
    for name in arguments.names or datasets():
        try:
            paths = fetch(name, offline=arguments.offline)
        except DataError as error:
            failed += 1
            print(error, file=sys.stderr)
        else:
            places = sorted({str(path.parent) for path in paths.values()})
            print(f"{name}: {len(paths)} files, each with the right sha256, in {' and '.join(places)}")
    return 1 if failed else 0


def verify(arguments: argparse.Namespace) -> int:
    """Compare every file with its sha256; a damaged file fails, and a missing one if its set was named."""
    failed = 0
    for name in arguments.names or datasets():
        states = state(name)
        counts = {word: list(states.values()).count(word) for word in ("intact", "damaged", "missing")}
        print(f"{name:<16}" + ", ".join(f"{count} {word}" for word, count in counts.items() if count))
        for file, word in states.items():
            if word == "damaged":
                print(f"                {file} is not the file in the registry: remove it, then fetch {name}")
        failed += bool(counts["damaged"] or (counts["missing"] and arguments.names))
    return 1 if failed else 0


def main(command_line: Sequence[str]) -> int:
    """Run ``course.py data`` with the rest of its command line; give the exit status."""
    return run(parse(["data", *command_line]))


def run(arguments: argparse.Namespace) -> int:
    """Run one command on the data; give the exit status."""
    try:
        return {"build": build, "list": show, "fetch": get, "verify": verify}[arguments.what](arguments)
    except DataError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped; what has come is kept, and the same command goes on.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
