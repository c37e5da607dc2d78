"""What ``course.py`` runs inside the environment: a module for each command, and the command line they share."""

import os
import subprocess
import tempfile


class Stop(Exception):
    """Ends a command with one message for the reader."""


def keep_progress_apart() -> None:
    """Let what runs from here on neither read nor write the reader's own progress."""
    os.environ["COURSE_PROGRESS"] = os.path.join(tempfile.gettempdir(), f"course-{os.getpid()}", "progress.json")


def end(process: subprocess.Popen, seconds: int = 5) -> None:
    """Let a child, which Ctrl-C reached as well, end in its own way; after some seconds, end it."""
    try:
        process.wait(timeout=seconds)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        process.terminate()
        process.wait()
