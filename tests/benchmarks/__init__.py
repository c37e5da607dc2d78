"""Speed, measured by hand: not part of the test suite."""
