"""The exercises of each lecture, with our answers."""
