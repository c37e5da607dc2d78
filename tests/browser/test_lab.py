"""JupyterLab, as ``course.py lab`` starts it, runs each lecture to its end."""

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

from .conftest import screenshot
from .explorer import EXPLORED, walk_through

MINUTES = 8
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
    notRun: code.filter(cell => cell.executionCount === null).length,
    errors: outputs.filter(output => output.output_type === "error").map(output => `${output.ename}: ${output.evalue}`),
    explorer: cells.findIndex(cell => cell.type === "code" && /^explore\\(/m.test(cell.sharedModel.source)),
  };
}"""
SCROLL_TO = """async (index) => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  await notebook.scrollToItem(index);
  notebook.activeCellIndex = index;
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
    with open(root / "log.txt", "w", encoding="utf-8") as log:
        process = subprocess.Popen(command, cwd=root, env={**os.environ, **settings}, stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}"
            wait_until_it_answers(f"{address}/api?token={token}", process)
            yield address, token
        finally:
            process.terminate()
            process.wait(timeout=30)


def wait_until_it_answers(url, process):
    for _ in range(120):
        assert process.poll() is None, "JupyterLab ended"
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            time.sleep(0.5)
    pytest.fail("JupyterLab does not answer")


@pytest.mark.parametrize("name", [path.stem for path in LECTURES])
def test_jupyterlab_runs_a_lecture_to_its_end_without_a_console_error(name, lab, watch):
    address, token = lab
    watched = watch(1280, 900)
    page = watched.page
    page.set_default_timeout(MINUTES * 60_000)
    page.goto(f"{address}/lab/tree/notebooks/{name}.ipynb?token={token}&reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.evaluate(RUN_ALL)
    seen = page.evaluate(LOOK)
    assert not seen["errors"]
    assert seen["notRun"] == 0
    assert (seen["explorer"] >= 0) == name.startswith(EXPLORED)
    if seen["explorer"] >= 0:
        page.evaluate(SCROLL_TO, seen["explorer"])
        walk_through(page.locator(".jp-Notebook .attention-explorer").first)
    screenshot(page, "lab", name)
    # JupyterLab asks for a picture at the page's own address before it resolves that to the file's, and breaks it off
    expected = r"favicon|request failed: .*/lab/tree/.*/pictures/"
    assert not [said for said in watched.problems if not re.search(expected, said)]
