"""What ``course.py`` runs inside the environment: a module for each command, and the command line they share."""

import atexit
import os
import shutil
import subprocess
import tempfile


def keep_progress_apart() -> None:
    """Let what runs from here on neither read nor write the reader's own progress."""
    folder = os.path.join(tempfile.gettempdir(), f"course-{os.getpid()}")
    os.environ["COURSE_PROGRESS"] = os.path.join(folder, "progress.json")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)


def end(process: subprocess.Popen, seconds: int = 5) -> None:
    """Let a child, which Ctrl-C reached as well, end in its own way; after some seconds, end it."""
    try:
        process.wait(timeout=seconds)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        process.terminate()
        process.wait()
