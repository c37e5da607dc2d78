"""The course in other languages: one catalogue of messages per notebook, so that a translation can never be stale."""
