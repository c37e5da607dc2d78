"""What ``course.py`` runs inside the environment: a module for each command, and the command line they share."""

import atexit
import os
import shutil
import subprocess
import tempfile
from pathlib import Path


def do_without_a_home() -> None:
    """Give Jupyter and IPython, which keep files in the home folder, another one where nothing can be written there."""
    try:
        tempfile.TemporaryFile(dir=Path.home()).close()
    except (OSError, RuntimeError):  # read-only, missing, or of a user whom the system does not know
        folder = tempfile.mkdtemp(prefix="course-home-")
        os.environ.setdefault("JUPYTER_RUNTIME_DIR", os.path.join(folder, "jupyter"))
        os.environ.setdefault("IPYTHONDIR", os.path.join(folder, "ipython"))


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
