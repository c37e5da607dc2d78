"""Slides and a static site, made from the notebooks as they are committed, without a network."""
