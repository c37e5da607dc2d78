"""Real data for every lecture: some needs no network, the rest comes through a hash-checked registry."""
