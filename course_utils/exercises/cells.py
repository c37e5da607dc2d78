"""Notices in a notebook when the newest cell that defines an answer has failed.

Python then still has what an older cell defined under the same name. An answer that nobody sees on the screen any more
must not be praised, nor blamed.
"""

import re
import sys
from typing import Any

DEFINES = re.compile(
    r"^(?:(?:async\s+)?def|class)[ \t]+(\w+)|^(\w+(?:[ \t]*,[ \t]*\w+)*)[ \t]*(?::[^=\n]+)?=(?!=)", flags=re.MULTILINE
)
NOTHING = object()


class Watch:
    """Hears from IPython when a cell begins and ends, and keeps the names that a failed cell should have defined."""

    def __init__(self, shell: Any):
        self._shell = shell
        self._running: list[tuple[Any, dict[str, Any]]] = []  # a cell may run another
        self._failed: dict[str, str] = {}
        shell.events.register("pre_run_cell", self._begin)
        shell.events.register("post_run_cell", self._end)

    def _begin(self, info: Any) -> None:
        names = self._shell.user_ns
        self._running.append((info, {name: names.get(name, NOTHING) for name in defined(info.raw_cell)}))

    def _end(self, result: Any) -> None:
        while self._running and result is not None:
            info, before = self._running.pop()
            if info is result.info:
                break
        else:
            return  # it began before we listened
        error = result.error_before_exec or result.error_in_exec
        for name, old in before.items():
            if error is None or self._shell.user_ns.get(name, NOTHING) is not old:
                self._failed.pop(name, None)
            else:
                self._failed[name] = _told(error)

    def failure(self, exercise: str) -> str | None:
        """Say why the answer that the running cell hands over is an older one; None where it is the newest."""
        if not self._running:
            return None
        info, before = self._running[-1]
        handed = re.search(rf"""check\(\s*["']{exercise}["']\s*,\s*(?:answer\s*=\s*)?(\w+)\s*[,)]""", info.raw_cell)
        if handed is None or handed[1] not in self._failed:
            return None
        name = handed[1]
        if name in before and self._shell.user_ns.get(name, NOTHING) is not before[name]:
            return None  # the cell of the check has just defined it
        return (
            f"The newest cell that defines `{name}` has failed ({self._failed[name]}), and Python still has what an "
            "older one defined. Mend that cell, run it, and check again."
        )


def defined(source: str) -> set[str]:
    """Name what the lines of a cell define that are not indented, also where they cannot be read as Python."""
    names: set[str] = set()
    for found in DEFINES.finditer(source):
        names |= set(re.findall(r"\w+", found[1] or found[2]))
    return names


def _told(error: BaseException) -> str:
    text = " ".join(str(getattr(error, "msg", None) or error).split())[:150]
    kind = type(error).__name__
    if isinstance(error, SyntaxError) and error.lineno:
        return f"{kind} in line {error.lineno}: {text}"
    return f"{kind}: {text}" if text else kind


def watch() -> Watch | None:
    """Begin to listen, where this is a notebook."""
    interactive = sys.modules.get("IPython")
    shell = interactive and interactive.get_ipython()
    return Watch(shell) if shell else None
