"""What tests on public sets share: they are skipped where a set is not here, and keep no text of it."""

import hashlib

import pytest

from course_utils.data.public.registry import is_available


def needs(name: str) -> pytest.MarkDecorator:
    """Skip a test where this public set is not here."""
    return pytest.mark.skipif(
        not is_available(name), reason=f"{name} is not here: set COURSE_DATA=folder, or fetch it once"
    )


def sha256(text: str) -> str:
    """Hash a text, so that a test can pin it, to the letter, without quoting it."""
    return hashlib.sha256(text.encode()).hexdigest()
