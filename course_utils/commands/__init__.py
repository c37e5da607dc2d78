"""What ``course.py`` runs inside the environment: a module for each command, and the command line they share."""

import atexit
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from course_utils.files import is_alive

LAST_PATIENCE = 30  # seconds for what was asked to end


def do_without_a_home() -> None:
    """Give Jupyter and IPython, which keep files in the home folder, another one where nothing can be written there."""
    try:
        tempfile.TemporaryFile(dir=Path.home()).close()
    except (OSError, RuntimeError):  # read-only, missing, or of a user whom the system does not know
        folder = _folder_of_this_process("home")
        os.environ.setdefault("JUPYTER_RUNTIME_DIR", os.path.join(folder, "jupyter"))
        os.environ.setdefault("IPYTHONDIR", os.path.join(folder, "ipython"))


def keep_progress_apart() -> None:
    """Let what runs from here on neither read nor write the reader's own progress."""
    os.environ["COURSE_PROGRESS"] = os.path.join(_folder_of_this_process("progress"), "progress.json")


def _folder_of_this_process(name: str) -> str:
    """Make a temporary folder that is removed at the end; those of killed processes are removed first."""
    for left in Path(tempfile.gettempdir()).glob(f"course-{name}-*-*"):
        process = left.name.split("-")[2]
        if process.isdecimal() and not is_alive(int(process)):
            shutil.rmtree(left, ignore_errors=True)
    folder = tempfile.mkdtemp(prefix=f"course-{name}-{os.getpid()}-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def end(process: subprocess.Popen, seconds: int = 5) -> None:
    """Let a child, which Ctrl-C reached as well, end in its own way; then ask it to end, and at last force it."""
    for harder, patience in ((process.terminate, seconds), (process.kill, LAST_PATIENCE)):
        try:
            process.wait(timeout=patience)
            return
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            harder()
    process.wait()
