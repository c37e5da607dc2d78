"""JupyterHub for a class on one machine: everybody shares one environment, and works on copies of their own.

    python3 course.py data build    # the environment and the corpora, once, as an administrator
    .venv/bin/python -m pip install -r .hub/requirements.txt
    npm install --global configurable-http-proxy
    .venv/bin/jupyterhub --config .hub/jupyterhub_config.py

Learners are users of the system, who may read the course's folder and not write there. What a learner's server does is
in jupyter_server_config.py, beside this file.
"""

import importlib.util
import json
import sys
from pathlib import Path

c = get_config()

COURSE = Path(__file__).resolve().parents[1]
RUNS = json.loads((COURSE / "notebooks" / "experiments" / "runs.json").read_text(encoding="utf-8"))
LECTURE = max(run["peak_mebibytes"] for run in RUNS.values())  # MiB, of the kernel that needs most
SERVER = 200  # MiB that a learner's JupyterLab takes beside its kernels
IDLE = 3600  # seconds after which a server that nobody uses is stopped; copies and progress stay

c.JupyterHub.bind_url = "http://127.0.0.1:8000"  # put a server with a certificate in front of it
c.Authenticator.allow_all = True  # whoever has an account on this machine
c.Spawner.cmd = [str(Path(sys.executable).with_name("jupyterhub-singleuser"))]
c.Spawner.default_url = "/lab/tree/00_start_here.ipynb"
c.Spawner.environment = {
    "DGLBACKEND": "pytorch",
    "OMP_NUM_THREADS": "1",  # what course.py sets at home: the numbers as they are committed, and one core per learner
    "JUPYTER_CONFIG_PATH": str(COURSE / ".hub"),
}
if importlib.util.find_spec("systemdspawner"):  # the spawner that JupyterHub brings sets no limits
    c.JupyterHub.spawner_class = "systemdspawner.SystemdSpawner"
c.Spawner.mem_guarantee = f"{SERVER + LECTURE}M"
c.Spawner.mem_limit = f"{SERVER + 2 * LECTURE}M"  # a second lecture is open, and its kernel keeps its memory
c.Spawner.cpu_limit = 1

c.JupyterHub.load_roles = [
    {
        "name": "cull-idle",
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": ["cull-idle"],
    }
]
c.JupyterHub.services = [
    {"name": "cull-idle", "command": [sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={IDLE}"]}
]
