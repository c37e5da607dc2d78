"""A learner's server on a JupyterHub: copies of the lectures and progress in the learner's home, as the course looks.

``COURSE_COPIES`` and ``COURSE_PROGRESS`` name other places, ``COURSE_CACHE`` another folder of built corpora.
"""

import os
from pathlib import Path

from course_utils.commands.lab import OUT_OF_SIGHT, look
from course_utils.exercises.copies import copies_folder, make_copies

c = get_config()

os.environ.setdefault("COURSE_COPIES", str(Path.home() / "my_notebooks"))
os.environ.setdefault("COURSE_PROGRESS", str(Path.home() / "progress.json"))
make_copies()
for name, value in look(copies_folder() / ".course" / "layout").items():  # as course.py lab shows them
    owner, setting = name.split(".")
    c[owner][setting] = value
c.ServerApp.root_dir = str(copies_folder())
c.ContentsManager.hide_globs = OUT_OF_SIGHT
c.MappingKernelManager.cull_idle_timeout = 1800  # a kernel that is left open keeps its memory
