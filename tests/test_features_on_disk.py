"""Sampled training needs the features of one batch; training on the whole graph needs all of them."""

import re
import subprocess
import sys

import pytest

from course_utils.files import CHECKOUT

pytestmark = pytest.mark.thorough

GRAPH = ("--nodes", "60000", "--features", "512")  # 117 MiB of features


def trained(how, *options):
    command = [sys.executable, "-m", "tests.benchmarks.features_on_disk", how, *GRAPH, *options]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=600)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits what a process takes (ulimit -d)")
def test_sampled_training_learns_in_memory_in_which_the_whole_graph_does_not_fit():
    sampled = trained("sampled", "--mebibytes", "100")
    assert sampled.returncode == 0, sampled.stderr
    assert float(re.search(r"accuracy ([\d.]+)", sampled.stdout)[1]) > 3 / 7  # chance is 1 / 7
    whole = trained("whole", "--mebibytes", "100", "--epochs", "1")
    assert whole.returncode == 1
    assert "117 MiB of features do not fit: Unable to allocate" in whole.stderr  # at once, and not inside of a library
    assert trained("whole", "--epochs", "1").returncode == 0  # it was the limit, and nothing else
