"""A class on JupyterHub: two learners share one environment and nothing else."""

import contextlib
import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
import yaml
from websocket import ABNF, create_connection

from course_utils.commands.machines import quickest
from course_utils.data.storage import cache_folder
from course_utils.exercises import copies
from course_utils.files import CHECKOUT, RUNS, START
from tests.solutions import exercises, solution_code

HUB = CHECKOUT / ".hub"
PROXY = shutil.which("configurable-http-proxy")
IS_HERE = PROXY and importlib.util.find_spec("jupyterhub") and importlib.util.find_spec("jupyterhub_idle_culler")
WITH_A_HUB = pytest.mark.skipif(
    not IS_HERE and os.environ.get("COURSE_HUB") != "required",  # then its absence is a failure
    reason="JupyterHub or configurable-http-proxy is not installed: see .hub/jupyterhub_config.py",
)
# as https://z2jh.jupyter.org/en/stable/resources/reference.html documents them; below these anything may stand
DOCUMENTED = (
    *("hub.config", "singleuser.image.name", "singleuser.image.tag", "singleuser.cmd", "singleuser.defaultUrl"),
    *("singleuser.extraEnv", "singleuser.storage.capacity", "singleuser.storage.homeMountPath"),
    *("singleuser.memory.guarantee", "singleuser.memory.limit", "singleuser.cpu.guarantee", "singleuser.cpu.limit"),
    *("singleuser.profileList", "cull.enabled", "cull.timeout", "cull.every", "scheduling.userScheduler.enabled"),
)
# of a profile, as https://jupyterhub-kubespawner.readthedocs.io documents profile_list
OF_A_PROFILE = {"display_name", "description", "default", "slug", "kubespawner_override", "profile_options"}
WAIT = 600  # seconds, for a machine that does much else


def megabytes(limit):
    """Read a size as JupyterHub does, whose M and G are powers of two."""
    number, unit = re.fullmatch(r"([\d.]+)([MG])", limit).groups()
    return float(number) * {"M": 1, "G": 1024}[unit]


def configured(name="jupyterhub_config.py"):
    """Execute a configuration, the hub's or that of a learner's server, and give what it sets."""
    from traitlets.config import PyFileConfigLoader

    return PyFileConfigLoader(name, path=str(HUB)).load_config()


# --- what is configured -----------------------------------------------------------------------------------------------


def test_limits_leave_room_for_the_lecture_that_needs_most_and_for_one_left_open():
    peak = max(run["peak_mebibytes"] for run in json.loads(RUNS.read_text(encoding="utf-8")).values())
    spawner = configured().Spawner
    kubernetes = yaml.safe_load((HUB / "zero-to-jupyterhub.yaml").read_text(encoding="utf-8"))["singleuser"]["memory"]
    for guarantee, limit in (
        (spawner.mem_guarantee, spawner.mem_limit),
        (kubernetes["guarantee"], kubernetes["limit"]),
    ):
        assert peak + 100 < megabytes(guarantee) < 1.5 * (peak + 100)
        assert 2 * peak + 100 < megabytes(limit) < 1.5 * (2 * peak + 100)


def test_kubernetes_and_one_machine_tell_a_server_the_same():
    kubernetes = yaml.safe_load((HUB / "zero-to-jupyterhub.yaml").read_text(encoding="utf-8"))
    here = configured().Spawner
    for name in ("DGLBACKEND", "OMP_NUM_THREADS"):
        assert kubernetes["singleuser"]["extraEnv"][name] == here.environment[name]
    assert kubernetes["singleuser"]["defaultUrl"] == here.default_url == f"/lab/tree/{START.name}"
    mine = kubernetes["singleuser"]["storage"]["homeMountPath"]
    for name in ("COURSE_COPIES", "COURSE_PROGRESS"):  # a disk in the image's place would hide the course itself
        assert kubernetes["singleuser"]["extraEnv"][name].startswith(f"{mine}/")
    assert kubernetes["singleuser"]["extraEnv"]["JUPYTER_CONFIG_PATH"].endswith("/.hub")


def test_a_learners_server_has_the_panels_and_the_style_sheet_of_course_py_lab(tmp_path, monkeypatch):
    for name, value in {"COPIES": tmp_path / "mine", "PROGRESS": tmp_path / "progress.json"}.items():
        monkeypatch.setenv(f"COURSE_{name}", str(value))
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(HUB))
    monkeypatch.setattr(copies, "make_copies", list)
    server = configured("jupyter_server_config.py")
    assert [*Path(server.LabApp.workspaces_dir).iterdir()]
    assert server.LabApp.custom_css is True
    (styles,) = server.ServerApp.tornado_settings["static_custom_path"]
    assert (Path(styles) / "custom.css").is_file()


def paths(values, above=""):
    for key, value in values.items():
        path = f"{above}{key}"
        if path in DOCUMENTED or not isinstance(value, dict):
            yield path
        else:
            yield from paths(value, f"{path}.")


def test_every_value_for_kubernetes_has_a_key_that_the_chart_documents():
    values = yaml.safe_load((HUB / "zero-to-jupyterhub.yaml").read_text(encoding="utf-8"))
    assert sorted(paths(values)) == sorted(DOCUMENTED)
    profiles = values["singleuser"]["profileList"]
    assert all(set(profile) <= OF_A_PROFILE for profile in profiles)
    assert [profile.get("default") for profile in profiles].count(True) == 1
    for profile in profiles:
        for name, value in profile.get("kubespawner_override", {}).items():
            assert name in ("mem_guarantee", "mem_limit", "cpu_limit")
            assert isinstance(value, int) or megabytes(value)


def test_repo2docker_plans_an_image_in_which_the_course_is_installed(monkeypatch):
    buildpacks = pytest.importorskip("repo2docker.buildpacks", reason="repo2docker is not installed: see .hub")
    monkeypatch.chdir(CHECKOUT)
    pack = buildpacks.CondaBuildPack("docker.io/library/buildpack-deps:jammy")
    pack.platform = "linux/amd64"
    assert pack.detect()
    plan = pack.render({"NB_UID": "1000"})
    steps = [
        "COPY --chown=1000:1000 src/ ${REPO_DIR}/",  # before the environment, which installs what lies there
        'env update -p ${NB_PYTHON_PREFIX} --file ".binder/environment.yml"',
        "RUN ./.binder/postBuild",
        'ENV R2D_ENTRYPOINT="${REPO_DIR}/.binder/start"',
    ]
    places = [plan.find(step) for step in steps]
    assert min(places) > 0
    assert places == sorted(places)
    assert pack.python_version == "3.11"


# --- two learners -----------------------------------------------------------------------------------------------------


class Learner:
    """Somebody who logs in with a browser, and runs cells."""

    def __init__(self, hub, name):
        self.hub, self.name = hub, name
        self.session = requests.Session()
        page = self.session.get(f"{hub}/hub/login", timeout=WAIT)
        form = {"username": name, "password": "of the class", "_xsrf": self.session.cookies.get("_xsrf")}
        page = self.session.post(f"{hub}/hub/login?next=/hub/home", data=form, timeout=WAIT)
        assert f"{name}" in page.text, page.text
        self.server = f"{hub}/user/{name}"

    def start(self):
        self.session.get(f"{self.hub}/hub/spawn/{self.name}", timeout=WAIT)
        deadline = time.monotonic() + WAIT
        while True:
            page = self.session.get(f"{self.server}/lab", timeout=WAIT)  # it brings the cookies of this server
            if page.ok and page.url.startswith(f"{self.server}/lab"):
                return
            assert time.monotonic() < deadline, page.text[:2000]
            time.sleep(2)

    def home(self):
        return self.session.get(f"{self.hub}/hub/home", timeout=WAIT).text

    def post(self, path, **body):
        mine = f"/user/{self.name}"
        crumbs = [c.value for c in self.session.cookies if c.name == "_xsrf" and c.path.startswith(mine)]
        answer = self.session.post(f"{self.server}/{path}", json=body, headers={"X-XSRFToken": crumbs[0]}, timeout=WAIT)
        assert answer.ok, answer.text
        return answer.json()

    def notebook(self, name):
        return self.session.get(f"{self.server}/api/contents/{name}", timeout=WAIT).json()["content"]

    def run(self, cells):
        """Run cells in a kernel of the learner's server, and give what they print."""
        kernel = self.post("api/kernels")["id"]
        address = f"{self.server}/api/kernels/{kernel}/channels".replace("http", "ws", 1)
        request = requests.Request("GET", f"{self.server}/").prepare()
        cookie = requests.cookies.get_cookie_header(self.session.cookies, request)
        channel = create_connection(address, cookie=cookie, timeout=WAIT)
        printed = []
        for source in cells:
            asked = uuid.uuid4().hex
            header = {
                "msg_id": asked,
                "msg_type": "execute_request",
                "session": asked,
                "username": "",
                "version": "5.3",
            }
            content = {"code": source, "silent": False}
            message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
            channel.send(json.dumps(message))
            deadline = time.monotonic() + WAIT
            while True:
                frame, text = channel.recv_data(control_frame=True)  # pings, too: they would keep recv waiting for ever
                assert time.monotonic() < deadline, f"no answer to {source!r}"
                if frame != ABNF.OPCODE_TEXT:
                    continue
                reply = json.loads(text)
                assert reply["content"].get("execution_state") not in ("restarting", "dead"), "the kernel has died"
                if reply["parent_header"].get("msg_id") != asked:
                    continue
                if reply["msg_type"] == "stream":
                    printed.append(reply["content"]["text"])
                if reply["msg_type"] == "error":
                    raise AssertionError("\n".join(reply["content"]["traceback"]))
                if reply["msg_type"] == "status" and reply["content"]["execution_state"] == "idle":
                    break
        channel.close()
        return "".join(printed)


def free_ports(number):
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@pytest.fixture
def hub(request, tmp_path):
    """Start JupyterHub with the course's configuration, for users that this system need not know."""
    port, hub_port, proxy_port = free_ports(3)
    config = tmp_path / "config.py"
    python_path = os.pathsep.join([str(CHECKOUT), os.environ.get("PYTHONPATH", "")])
    config.write_text(
        f"load_subconfig({str(HUB / 'jupyterhub_config.py')!r})\n"
        f"c.JupyterHub.bind_url = 'http://127.0.0.1:{port}'\nc.JupyterHub.hub_port = {hub_port}\n"
        "c.JupyterHub.authenticator_class = 'dummy'\nc.DummyAuthenticator.password = 'of the class'\n"
        "c.JupyterHub.spawner_class = 'simple'\n"
        f"c.SimpleLocalProcessSpawner.home_dir_template = {str(tmp_path / 'home')!r} + '/{{username}}'\n"
        f"c.ConfigurableHTTPProxy.command = [{PROXY!r}]\n"
        f"c.ConfigurableHTTPProxy.api_url = 'http://127.0.0.1:{proxy_port}'\n"
        f"c.Spawner.environment['PYTHONPATH'] = {python_path!r}\n"
        f"c.Spawner.start_timeout = c.Spawner.http_timeout = {WAIT}\nc.Spawner.args = ['--allow-root']\n"
        f"c.JupyterHub.services[0]['command'][-1:] = {getattr(request, 'param', ['--timeout=3600'])}\n",
        encoding="utf-8",
    )
    log = tmp_path / "hub.log"
    command = [sys.executable, "-m", "jupyterhub", "--config", str(config)]
    with log.open("wb") as file:
        process = subprocess.Popen(command, cwd=tmp_path, stdout=file, stderr=file)
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + WAIT
        while True:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            try:
                if requests.get(f"{address}/hub/health", timeout=5).ok:
                    break
            except requests.RequestException:
                time.sleep(0.2)
        yield address
    finally:
        process.terminate()  # it stops the learners' servers, the proxy and the culler
        process.wait(WAIT)


@pytest.mark.thorough
@WITH_A_HUB
def test_two_learners_run_a_lecture_at_once_solve_an_exercise_and_see_only_their_own_progress(hub, tmp_path):
    lecture = Path(quickest()[0])
    first = exercises(lecture.stem)[0]
    answers = {"ada": solution_code(first), "bert": f"def {first.answer}(*arguments):\n    return 0"}
    with ThreadPoolExecutor(2) as pool:
        learners = list(pool.map(lambda name: Learner(hub, name), answers))
        list(pool.map(Learner.start, learners))

        def learn(learner):
            cells = [cell for cell in learner.notebook(lecture.name)["cells"] if cell["cell_type"] == "code"]
            assert first.stub.id in [cell["id"] for cell in cells]
            sources = [answers[learner.name] if cell["id"] == first.stub.id else cell["source"] for cell in cells]
            return learner.run([*sources, WHERE])

        told = dict(zip(answers, pool.map(learn, learners), strict=True))
    for name in answers:
        home = tmp_path / "home" / name
        assert f"course {CHECKOUT} cache {cache_folder()} copies {home / 'my_notebooks'}" in told[name]
        assert (home / "my_notebooks" / lecture.name).is_file()
        progress = json.loads((home / "progress.json").read_text(encoding="utf-8"))["exercises"]
        solved = {exercise for exercise, attempts in progress.items() if attempts["solved"]}
        assert first.exercise in progress
        assert solved == ({first.exercise} if name == "ada" else set())
    assert learners[1].session.get(f"{hub}/user/ada/api/contents", timeout=WAIT).status_code in (403, 404)


WHERE = """
from course_utils.data.storage import cache_folder
from course_utils.exercises.copies import copies_folder
from course_utils.files import CHECKOUT
print(f"course {CHECKOUT} cache {cache_folder()} copies {copies_folder()}")
"""


@pytest.mark.thorough
@WITH_A_HUB
@pytest.mark.parametrize("hub", [["--timeout=2", "--cull-every=1"]], indirect=True)
def test_a_server_that_nobody_uses_is_stopped_and_what_was_written_stays(hub, tmp_path):
    learner = Learner(hub, "ada")
    learner.session.get(f"{hub}/hub/spawn/ada", timeout=WAIT)
    log, deadline = tmp_path / "hub.log", time.monotonic() + WAIT
    while "Culling server" not in log.read_text(encoding="utf-8") or "Stop My Server" in learner.home():
        assert time.monotonic() < deadline
        time.sleep(2)
    assert (tmp_path / "home" / "ada" / "my_notebooks" / START.name).is_file()
