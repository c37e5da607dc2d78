"""JupyterLab shows what each lecture stores, and runs one to its end; that each runs is the notebooks' own test."""

import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from course_utils.files import LECTURES, NOTEBOOKS
from course_utils.publishing.notebooks import read_runs

from .conftest import screenshot
from .explorer import EXPLORED, walk_through
from .stages import STAGED, play

MINUTES = 8
# JupyterLab asks for a picture at the page's own address before it resolves that to the file's, and breaks it off
EXPECTED = r"favicon|request failed: .*/lab/tree/.*pictures/"
RUN_ALL = """async () => {
  const lab = window.jupyterapp;
  await lab.restored;
  const panel = lab.shell.currentWidget;
  await panel.context.ready;
  await panel.sessionContext.ready;
  await lab.commands.execute("notebook:run-all-cells");
}"""
LOOK = """() => {
  const cells = [...window.jupyterapp.shell.currentWidget.content.model.cells];
  const code = cells.filter(cell => cell.type === "code" && cell.sharedModel.source.trim());
  const plain = output => output.toJSON ? output.toJSON() : output;
  const outputs = code.flatMap(cell => cell.sharedModel.outputs.map(plain));
  return {
    shown: cells.flatMap((cell, index) => cell.type === "code" && cell.sharedModel.outputs.length ? [index] : []),
    notRun: code.filter(cell => cell.executionCount === null).length,
    errors: outputs.filter(output => output.output_type === "error").map(output => `${output.ename}: ${output.evalue}`),
    explorer: cells.findIndex(cell => cell.type === "code" && /^explore\\(/m.test(cell.sharedModel.source)),
    stages: cells.flatMap((cell, i) => cell.type === "code" && /^stage\\(/m.test(cell.sharedModel.source) ? [i] : []),
  };
}"""
SCROLL_TO = """async (indices) => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  for (const index of indices) {
    await notebook.scrollToItem(index);
    notebook.activeCellIndex = index;
  }
}"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Start JupyterLab on a copy of the notebooks, for this machine alone and with a token; give address and token."""
    root = tmp_path_factory.mktemp("lab")
    shutil.copytree(NOTEBOOKS, root / "notebooks")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    command = [sys.executable, "-m", "jupyterlab", "--ip=127.0.0.1", f"--port={port}", "--no-browser", "--allow-root"]
    command += [f"--ServerApp.root_dir={root}", f"--IdentityProvider.token={token}"]
    command += ["--LabApp.expose_app_in_browser=True"]
    settings = {"JUPYTER_PREFER_ENV_PATH": "1", "DGLBACKEND": "pytorch", "OMP_NUM_THREADS": "1"}
    settings["COURSE_PROGRESS"] = str(root / "progress.json")
    settings["JUPYTER_CONFIG_DIR"] = settings["JUPYTER_DATA_DIR"] = str(root / "jupyter")  # nobody's own workspace
    lectures = [root / "notebooks" / path.name for path in LECTURES]
    sign = [sys.executable, "-m", "nbformat.sign", *lectures]  # as course.py lab does
    subprocess.run(sign, env={**os.environ, **settings}, check=True, capture_output=True)
    with open(root / "log.txt", "w", encoding="utf-8") as log:
        process = subprocess.Popen(command, cwd=root, env={**os.environ, **settings}, stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}"
            wait_until_it_answers(f"{address}/api?token={token}", process)
            yield address, token
        finally:
            process.terminate()
            process.wait(timeout=MINUTES * 60)  # it ends a kernel for each lecture that was opened


def wait_until_it_answers(url, process):
    deadline = time.monotonic() + MINUTES * 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "JupyterLab ended"
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            time.sleep(0.5)
    pytest.fail("JupyterLab does not answer")


LONGEST_LINE = """() => {
  // of all lines of prose that are drawn: the most characters on one of them
  const lengths = [...document.querySelectorAll(".jp-MarkdownOutput p")].flatMap(paragraph => {
    const range = document.createRange(), lines = new Map();
    const walker = document.createTreeWalker(paragraph, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      if (walker.currentNode.parentElement.closest("mjx-container, table")) continue;
      for (let i = 0; i < walker.currentNode.length; i++) {
        range.setStart(walker.currentNode, i);
        range.setEnd(walker.currentNode, i + 1);
        const top = Math.round(range.getBoundingClientRect().bottom / 12);
        lines.set(top, (lines.get(top) || 0) + 1);
      }
    }
    return [...lines.values()];
  });
  return Math.max(...lengths);
}"""
SIZES = "parts => parts.map(part => getComputedStyle(part).fontSize + getComputedStyle(part).textAlign)"


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """Open the course as a newcomer does, with ``course.py lab``, and give the address that it tells."""
    home = tmp_path_factory.mktemp("home")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "course_utils.commands", "lab", "--no-browser", f"--port={port}"]
    settings = {"COURSE_COPIES": home / "mine", "COURSE_PROGRESS": home / "progress.json", "OMP_NUM_THREADS": "1"}
    settings |= {"JUPYTER_CONFIG_DIR": home / "config", "JUPYTER_DATA_DIR": home / "data", "DGLBACKEND": "pytorch"}
    settings["JUPYTER_PREFER_ENV_PATH"] = "1"
    log = home / "log.txt"
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            command, env={**os.environ, **{k: str(v) for k, v in settings.items()}}, stdout=file, stderr=file
        )
        try:
            told = None
            while told is None:
                assert process.poll() is None, log.read_text(encoding="utf-8")
                time.sleep(0.5)
                told = re.search(r"http://127\.0\.0\.1:\d+/lab/tree/\S+\?token=\w+", log.read_text(encoding="utf-8"))
            yield told[0], home
        finally:
            process.terminate()
            process.wait()


def test_the_course_opens_with_its_contents_beside_prose_that_can_be_read(opened, watch):
    address, home = opened
    watched = watch(1440, 900)
    page = watched.page
    page.set_default_timeout(MINUTES * 60_000)
    page.goto(address)
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    contents = page.locator(".jp-TableOfContents .jp-tocItem-content:visible")
    contents.filter(has_text="Six lectures, one function").wait_for()
    page.locator(".jp-Notebook .jp-MarkdownOutput table").first.wait_for()
    assert len(set(page.locator(".jp-MarkdownOutput").locator("p, td").evaluate_all(SIZES))) == 1
    assert 60 <= page.evaluate(LONGEST_LINE) <= 90  # fonts differ between machines
    page.locator('[data-id="filebrowser"]').click()
    page.locator(".jp-DirListing-itemText", has_text="00_start_here.ipynb").wait_for()
    files = page.locator(".jp-DirListing-item").all_inner_texts()
    assert len(files) == 9  # the page we are on, six lectures, experiments and pictures
    page.locator(".jp-DirListing-item", has_text="experiments").dblclick()
    page.locator(".jp-DirListing-item", has_text="00_start_here.ipynb").wait_for(state="detached")  # it is not in there
    page.locator(".jp-DirListing-itemText", has_text="01_sequence_to_sequence.ipynb").wait_for()
    assert all(name.endswith(".ipynb") for name in page.locator(".jp-DirListing-itemText").all_inner_texts())
    screenshot(page, "lab", "opened")
    assert not [said for said in watched.problems if not re.search(EXPECTED, said)]
    assert [path.name for path in (home / "config").rglob("*") if path.is_file() and path.name != "migrated"] == []


def opened_in(lab, watch, name):
    address, token = lab
    watched = watch(1280, 900)
    watched.page.set_default_timeout(MINUTES * 60_000)
    watched.page.goto(f"{address}/lab/tree/notebooks/{name}.ipynb?token={token}&reset")
    watched.page.wait_for_selector(".jp-Notebook .jp-Cell")
    return watched


@pytest.mark.parametrize("name", [path.stem for path in LECTURES])
def test_jupyterlab_shows_all_that_a_lecture_stores_without_a_console_error(name, lab, watch):
    watched = opened_in(lab, watch, name)
    page = watched.page
    page.wait_for_function("window.jupyterapp?.shell.currentWidget?.content?.model?.cells?.length > 50")
    seen = page.evaluate(LOOK)
    assert not seen["errors"]
    assert len(seen["shown"]) > 10
    page.evaluate(SCROLL_TO, seen["shown"])
    assert (seen["explorer"] >= 0) == name.startswith(EXPLORED)
    if seen["explorer"] >= 0:
        page.evaluate(SCROLL_TO, [seen["explorer"]])
        walk_through(page.locator(".jp-Notebook .attention-explorer").first)
    assert bool(seen["stages"]) == (name in STAGED)
    for index in seen["stages"]:
        page.evaluate(SCROLL_TO, [index])
        play(page.locator(".jp-Notebook .jp-Cell.jp-mod-active .attention-live"))
    screenshot(page, "lab", name)
    assert not [said for said in watched.problems if not re.search(EXPECTED, said)]


def test_jupyterlab_runs_a_lecture_to_its_end_without_a_console_error(lab, watch):
    name = min(EXPLORED, key=lambda lecture: read_runs()[lecture]["seconds"])
    watched = opened_in(lab, watch, name)
    page = watched.page
    page.evaluate(RUN_ALL)
    seen = page.evaluate(LOOK)
    assert not seen["errors"]
    assert seen["notRun"] == 0
    page.evaluate(SCROLL_TO, [seen["explorer"]])
    walk_through(page.locator(".jp-Notebook .attention-explorer").first)
    screenshot(page, "lab", f"{name} after a run")
    assert not [said for said in watched.problems if not re.search(EXPECTED, said)]
