"""Docs, a citation network that needs no network: read from the docstrings of the installed libraries."""
