"""What the package itself says to readers."""

from collections.abc import Iterator


def texts() -> Iterator[tuple[str, str, str]]:
    """Give each text of the package: its name, where it stands, and the English."""
    yield from ()
