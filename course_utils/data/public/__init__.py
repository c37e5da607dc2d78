"""Public data sets, each downloaded once, checked by hash, and read without executing anything in it."""
