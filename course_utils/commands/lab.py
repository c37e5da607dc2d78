"""``course.py lab``: the course in JupyterLab, for this machine alone and with a token."""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from jupyter_server.serverapp import list_running_servers
from jupyterlab_server.workspaces_handler import WorkspacesManager

from course_utils.commands import end
from course_utils.exercises import copies
from course_utils.files import CHECKOUT, EXPERIMENT_NOTEBOOKS, START, START_AND_LECTURES
from course_utils.languages.speaking import LANGUAGE
from course_utils.refusals import Stop

SECONDS_TO_START = 120
LOOK = Path(__file__).with_name("jupyterlab")  # how JupyterLab looks in the course, and in the course alone
OUT_OF_SIGHT = ["*.json", "records", "set_aside", "__pycache__", "*.pyc", "*~", "*.egg-info", "build", "tests"]
FIRST_LAYOUT = {  # as JupyterLab stores one: the contents of the open lecture beside it
    "data": {
        "layout-restorer:data": {
            "main": {"dock": None},
            "left": {
                "collapsed": False,
                "visible": True,
                "current": "@jupyterlab/toc:plugin",
                "widgets": ["filebrowser", "jp-running-sessions", "@jupyterlab/toc:plugin"],
            },
            "right": {"collapsed": True, "visible": True, "widgets": []},
            "relativeSizes": [0.22, 0.78, 0],
        }
    },
    "metadata": {"id": "default"},
}
FOUR_LINES = """The course is open at:  {address}
{browser}
To end it:              press Ctrl-C here; save your notebooks first.
What the server says:   {log}"""


def run(arguments: argparse.Namespace) -> int:
    """Start JupyterLab and, on a terminal, say in four lines what a reader needs; give the exit status."""
    page, root = START, CHECKOUT
    if arguments.edit:
        for notebook in (*START_AND_LECTURES, *EXPERIMENT_NOTEBOOKS):
            copies.trust(notebook, notebook)
    else:
        os.environ[LANGUAGE] = copies.language(arguments.language)  # what checks say, too
        told = copies.news(copies.make_copies())
        print(told, end="\n" * bool(told))
        page = copies.copy_of(START)
        root = CHECKOUT if page.is_relative_to(CHECKOUT) else copies.copies_folder()
    os.chdir(CHECKOUT)
    command = lab_command(root, page, arguments.port, arguments.no_browser)
    settings = look(copies.copies_folder() / ".course" / ("layout_to_edit" if arguments.edit else "layout"))
    command += [f"--{name}={value}" for name, value in settings.items()]
    command += [] if arguments.edit else [f"--ContentsManager.hide_globs={OUT_OF_SIGHT}"]
    if sys.stdout is None or not sys.stdout.isatty():  # a service, or a file: there the server's own log belongs
        os.execv(command[0], command)
    return serve(command, page.relative_to(root).as_posix(), arguments.no_browser)


def lab_command(root: Path, page: Path, port: int | None, no_browser: bool) -> list[str]:
    """Give JupyterLab's command line: this machine only, token on, one page open, files from a root folder on."""
    command = [sys.executable, "-m", "jupyterlab", "--ip=127.0.0.1", f"--ServerApp.root_dir={root}"]
    command += [f"--LabApp.default_url=/lab/tree/{page.relative_to(root).as_posix()}"]
    # The browser gets the address, not a file that leads there: one outside WSL, or in a snap, cannot see that file.
    command += ["--ServerApp.use_redirect_file=False"]
    # a port that was asked for is meant: a tunnel or a bookmark leads there and not to the next one
    command += [f"--port={port}", "--ServerApp.port_retries=0"] if port else []
    command += ["--no-browser"] if no_browser else []
    return command + (["--allow-root"] if os.geteuid() == 0 else [])  # with token and loopback it is safe


def look(layouts: Path) -> dict[str, Any]:
    """Give the settings, and set the environment, with which JupyterLab looks as the course means it to.

    JupyterLab reads the settings in ``labconfig`` as defaults, which the reader's own settings outdo. Which panels and
    notebooks are open is kept in a folder of the course, so that the reader's other work keeps its own layout.
    """
    others = os.environ.get("JUPYTER_CONFIG_PATH")
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join([str(LOOK), *([others] if others else [])])
    layout = WorkspacesManager(str(layouts))
    try:
        known = layout.load("default")["data"]
    except (ValueError, KeyError, TypeError):  # damaged: begin anew
        known = None
    if not known:
        layout.save("default", json.dumps(FIRST_LAYOUT))
    return {
        "LabApp.workspaces_dir": str(layouts),
        "LabApp.custom_css": True,
        "ServerApp.tornado_settings": {"static_custom_path": [str(LOOK / "custom")]},
    }


def serve(command: list[str], page: str, no_browser: bool) -> int:
    """Run the server until Ctrl-C with its log in a file, which is kept where something went wrong."""
    # Closing the window ends the course as well; the server, in a session of its own, would not notice.
    signal.signal(signal.SIGHUP, signal.default_int_handler)
    descriptor, name = tempfile.mkstemp(prefix="course-lab-", suffix=".log")
    log = Path(name)
    with open(descriptor, "wb") as file:
        # a session of its own: Ctrl-C would make the server ask back on a terminal that does not show its questions
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True)
        try:
            print("Starting JupyterLab ...", end="\r", flush=True)  # the first of the four lines takes its place
            address = wait_for_address(server, page, log)
            browser = "Without a browser:      copy this address into one on this machine."
            if not no_browser:
                browser = "If no browser opens it: copy this address into one on this machine."
            print(FOUR_LINES.format(address=address, browser=browser, log=log), flush=True)
            status = server.wait()
        except KeyboardInterrupt:
            server.terminate()
            end(server, 30)
            log.unlink()
            print("\nThe course is closed.")
            return 0
        except BaseException:
            server.terminate()
            end(server)
            raise
    if status:
        raise Stop(f"JupyterLab ended, exit status {status}. Its last words, the rest is in {log}:\n{last_words(log)}")
    log.unlink()
    return 0


def wait_for_address(server: subprocess.Popen, page: str, log: Path) -> str:
    """Wait until the server has noted where it listens, and give the address with its token."""
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and server.poll() is None:
        for noted in list_running_servers():
            if noted["pid"] == server.pid:
                return f"{noted['url']}lab/tree/{page}?token={noted['token']}"
        time.sleep(0.2)
    raise Stop(f"JupyterLab did not start. Its last words, the rest is in {log}:\n{last_words(log)}")


def last_words(log: Path) -> str:
    """Give the last lines of a log, without what only informs."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join([line for line in lines if not line.startswith("[I ")][-15:])
