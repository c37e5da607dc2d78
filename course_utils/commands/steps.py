"""One step of the installation: a line that tells how far it is, a file for all that is said, and why it failed.

Read by ``course.py`` before there is an environment: standard library only, no syntax newer than Python 3.7, ASCII.
"""

import contextlib
import os
import re
import runpy
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

LOG = "install.log"  # in the environment's folder
ENDS_INSTALLS = re.compile(  # settings of pip for other purposes, with which no environment can be filled
    "PIP_(USER|TARGET|PREFIX|ROOT|REQUIRE_VIRTUALENV|REQUIRE_HASHES|NO_DEPS|NO_BINARY|DRY_RUN|IGNORE_INSTALLED|PYTHON"
    "|PYTHON_VERSION|PLATFORM|ABI|IMPLEMENTATION|CONSTRAINT|BUILD_CONSTRAINT|QUIET|LOG|REPORT)$"
)
TELLING = re.compile(r"error|fail|no such|cannot|could not|denied|refused", re.IGNORECASE)
ADVICE = runpy.run_path(str(Path(__file__).with_name("advice.py")))


def run(step, command, prefix, lock, root):
    """Run one step; give None, or the message that says why it failed and what to do."""
    log, start, complaints = prefix / LOG, time.monotonic(), []
    settings = {name: value for name, value in os.environ.items() if not ENDS_INSTALLS.match(name)}
    settings["PIP_USER"] = "0"  # also where pip's own file says otherwise
    line = Line(step, start)
    line.show("...")
    done = threading.Event()
    with open(str(log), "a", encoding="utf-8", errors="replace") as said:
        before = said.tell()
        said.write("$ " + " ".join(command) + "\n")
        said.flush()
        with subprocess.Popen(
            command, cwd=str(root), env=settings, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.PIPE
        ) as process:
            follow = (line, prefix, log, before, len(lock.read_text(encoding="utf-8").splitlines()), done)
            watch = threading.Thread(target=tell, args=follow, daemon=True)
            watch.start()
            try:
                for raw in process.stderr or ():
                    complaints.append(raw.decode("utf-8", "replace"))
                    said.write(complaints[-1])
                    said.flush()
            except BaseException:
                process.terminate()
                raise
            finally:
                done.set()
                watch.join()
    if process.returncode:
        line.end("failed")
        return why("".join(complaints), command, settings, step, log, before, root)
    line.end("done after %.0f s" % (time.monotonic() - start))
    return None


def why(complaint, command, settings, step, log, before, root):
    """Explain a failure in a sentence, or else with the lines of the log that tell most."""
    if shutil.disk_usage(str(root)).free < 50e6:
        complaint = "No space left\n" + complaint  # venv does not pass on why it failed
    if "No matching distribution" in complaint and command[1:3] == ["-m", "pip"]:
        listing = [command[0], "-m", "pip", "config", "list"]
        listed = subprocess.run(listing, env=settings, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        elsewhere = ADVICE["of_settings"](complaint, listed.decode("utf-8", "replace"))
        if elsewhere:
            return elsewhere
    known = ADVICE["explain"](complaint, root)
    if known:
        return known
    lines = [text.rstrip() for text in read_from(log, before).splitlines()[1:] if text.strip()]
    words = "\n".join(([text for text in lines if TELLING.search(text)] or lines)[-10:])
    return "%s\n\n%s failed, as told above (all of it is in %s). Run the same command again." % (words, step[6:], log)


def read_from(log, before):
    """Give what was written to the log since."""
    with open(str(log), encoding="utf-8", errors="replace") as file:
        file.seek(before)
        return file.read()


def tell(line, prefix, log, before, total, done):
    """Say now and then how many packages are collected or there, because pip may be silent for minutes."""
    at_the_start = count(prefix)
    while not done.wait(1 if line.rewrites else 5):
        said = read_from(log, before)
        installing = "Installing collected packages" in said
        number = count(prefix) if installing else at_the_start + said.count("\nCollecting ")
        if number > at_the_start:
            doing = "installed" if installing else "collected"
            line.show("%d of %d packages %s" % (min(number, total), total, doing), last_download(said))


def count(prefix):
    """Count the packages that are in an environment."""
    return len(list(prefix.glob("lib/python3.*/site-packages/*.dist-info")))


def last_download(said):
    """Name what is being downloaded, with its size, where pip has said so last."""
    found = re.findall(r"^ *(Downloading|Using cached|Collecting|Installing) (?:\S*/)?(.*)$", said, re.MULTILINE)
    return "%s, " % found[-1][1] if found and found[-1][0] == "Downloading" else ""


class Line:
    """The line of a step: a terminal shows it anew each second, a file gets a new line where something has changed."""

    def __init__(self, step, start):
        self.step, self.start, self.shown = step, start, None
        self.rewrites = sys.stdout is not None and sys.stdout.isatty()

    def show(self, state, detail=""):
        """Show how far it is."""
        seconds = "%s%.0f s" % (detail, time.monotonic() - self.start)
        if self.rewrites:
            self._write("\r" + self._fitted("%s: %s, %s" % (self.step, state, seconds)))
        elif state != self.shown:
            self._write("%s ...\n" % self.step if self.shown is None else "      %s, %s\n" % (state, seconds))
        self.shown = state

    def end(self, state):
        """Show how it ended, and leave the line."""
        self._write("\r%s\n" % self._fitted("%s: %s" % (self.step, state)) if self.rewrites else "      %s\n" % state)

    @staticmethod
    def _fitted(text):
        width = shutil.get_terminal_size().columns - 1
        return text[:width].ljust(width)

    def _write(self, text):
        if threading.current_thread() is threading.main_thread():
            print(text, end="", flush=True)
        else:
            with contextlib.suppress(OSError, ValueError):  # the main thread will meet it, too
                print(text, end="", flush=True)
