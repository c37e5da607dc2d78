"""Turns the package's shape annotations into run-time checks, and finds the course's files."""

from jaxtyping import install_import_hook

install_import_hook("course_utils", "beartype.beartype")
