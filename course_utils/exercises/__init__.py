"""Exercises that name the mistake: what is asked, how an answer is checked, a reader's progress, a class's marks."""
