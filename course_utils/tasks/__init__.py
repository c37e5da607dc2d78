"""Whole tasks that several notebooks train on, where the task is not what they teach."""
