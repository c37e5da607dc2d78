"""README, slides and a static site, made from the notebooks and records as they are committed, without a network."""
