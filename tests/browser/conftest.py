"""Chromium for the tests marked ``browser``, and a page that writes down what goes wrong on it."""

import functools
import http.server
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from course_utils.publishing.browser import FLAGS, WANTED, find_browser

CHECKOUT = Path(__file__).resolve().parents[2]
SCREENSHOTS = CHECKOUT / "build" / "screenshots"
PATIENCE = 5 * 60_000  # milliseconds: a busy machine is no error
expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Start a chromium; skip with a reason where there is none, unless one is asked for."""
    wanted = os.environ.get(WANTED, "")
    path = find_browser(wanted)
    if path is None and wanted != "playwright":
        reason = f"no chromium is installed (Debian: apt install chromium); another one can be named in {WANTED}"
        (pytest.fail if wanted else pytest.skip)(f"{reason}, which is {wanted!r}" if wanted else reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


class Watched:
    """A page of the browser, and what went wrong while it was shown."""

    def __init__(self, page: Page):
        self.page = page
        page.context.set_default_timeout(PATIENCE)  # of the windows that it opens, too
        self.problems: list[str] = []
        self.asked: list[tuple[str, str]] = []  # address and kind of each request
        page.on("requestfailed", self._failed)
        page.on("response", self._answered)
        page.on("console", lambda said: said.type == "error" and self.problems.append(f"console: {said.text}"))
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on("request", self._stay_here)

    def _failed(self, request) -> None:
        if request.failure != "net::ERR_ABORTED":  # as what a page still asks for when it is left
            self.problems.append(f"request failed: {request.url}")

    def _answered(self, answer) -> None:
        if answer.status >= 400:
            self.problems.append(f"{answer.status}: {answer.url}")

    def _stay_here(self, request) -> None:
        self.asked.append((request.url, request.resource_type))
        if not request.url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")):
            self.problems.append(f"request to the outside: {request.url}")


@pytest.fixture
def watch(chromium: Browser) -> Iterator[Callable[..., Watched]]:
    """Give a function that opens an empty, watched page with a context of its own."""
    contexts = []

    def opened(width: int = 1280, height: int = 720, **options) -> Watched:
        contexts.append(chromium.new_context(viewport={"width": width, "height": height}, **options))
        return Watched(contexts[-1].new_page())

    yield opened
    for context in contexts:
        context.close()


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_format_and_values) -> None:
        pass


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a page that was closed does not wait for the rest
            super().handle_error(request, client_address)


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[[Path], str]]:
    """Give a function that serves a folder to this machine alone, and gives its address."""
    servers = []

    def served(folder: Path) -> str:
        handler = functools.partial(_Silent, directory=str(folder))
        servers.append(_Server(("127.0.0.1", 0), handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield served
    for server in servers:
        server.shutdown()


def screenshot(page: Page, *names: str) -> None:
    """Keep what is seen as build output."""
    path = SCREENSHOTS.joinpath(*names).with_suffix(".png")
    path.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=path)
