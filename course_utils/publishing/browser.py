"""Chromium: where it is found, and how it is started."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

from course_utils.refusals import Stop

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# The path of another chromium or Chrome; "playwright" for the one that `playwright install chromium` fetched;
# "required" for one in the usual places (then tests fail where there is none, instead of being skipped).
WANTED = "COURSE_BROWSER"
USUAL = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
FLAGS = (
    "--no-sandbox",  # continuous integration runs as root; only pages of ours are shown
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def find_browser(wanted: str) -> str | None:
    """Find the browser that is asked for, or else one in the usual places; None leaves it to Playwright."""
    if wanted == "playwright":
        return None
    names = USUAL if wanted in ("", "required") else (wanted,)
    return next(filter(None, map(shutil.which, names)), None)


@contextlib.contextmanager
def started() -> Iterator["Browser | None"]:
    """Start a Chromium and end it afterwards; None where there is none.

    Raises
    ------
    Stop
        If there is one and it does not start.
    """
    wanted = os.environ.get(WANTED, "")
    path = find_browser(wanted)
    if path is None and wanted != "playwright":
        yield None
        return
    from playwright.sync_api import Error, sync_playwright  # the rest of the course does without it

    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        except Error as error:
            told = str(error).strip().splitlines()[0]
            raise Stop(
                f"{path or 'The browser of Playwright'} does not start ({told}): name another in {WANTED}."
            ) from None
        try:
            yield browser
        finally:
            browser.close()
