"""Other machines are played by what they change, and what fails there is named with the way to run it alone."""

import os
import subprocess
import sys

import psutil
import pytest

from course_utils.commands import machines
from course_utils.commands.machines import Outcome, Variation, busy_processes, copied, play, run, settings_of
from course_utils.files import CHECKOUT

KNOWN = {variation.name: variation for variation in [*machines.variations(), machines.short()]}


def test_every_machine_has_a_name_of_its_own_and_the_short_run_is_the_weakest_on_two_threads():
    assert len(KNOWN) == len(machines.variations()) + 1
    environment = KNOWN["short"].environment
    assert environment == {**machines.INSTRUCTIONS["default"], "OMP_NUM_THREADS": "2"}
    assert all((CHECKOUT / path).exists() for variation in KNOWN.values() for path in variation.notebooks)


def test_the_best_machine_is_not_restricted_by_what_the_reader_has_set(monkeypatch, tmp_path):
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    monkeypatch.setenv("MKL_CBWR", "COMPATIBLE")
    assert not settings_of(KNOWN["best-1"], tmp_path).keys() & machines.RESTRICTED
    assert settings_of(KNOWN["avx2-4"], tmp_path)["ATEN_CPU_CAPABILITY"] == "avx2"


def test_pytorch_heeds_the_weakest_machine(tmp_path):
    code = "import torch; print(torch.backends.cpu.get_cpu_capability(), torch.get_num_threads())"
    told = subprocess.check_output([sys.executable, "-c", code], env=settings_of(KNOWN["short"], tmp_path), text=True)
    assert told.split() in (["DEFAULT", "2"], ["NO", "AVX", "2"])


def test_no_file_can_be_written_to_the_home_folder(tmp_path):
    settings = settings_of(KNOWN["home"], tmp_path)
    home = settings["HOME"]
    assert os.path.isdir(home)
    with pytest.raises(OSError, match=r"denied|not permitted|[Rr]ead-only"):
        os.mkdir(os.path.join(home, "folder"))
    assert {"JUPYTER_RUNTIME_DIR", "IPYTHONDIR"} <= settings.keys()


def test_the_copy_holds_the_course_and_nothing_that_was_built(tmp_path):
    if subprocess.run(["git", "rev-parse"], cwd=CHECKOUT, capture_output=True).returncode:
        pytest.skip("not a git checkout")
    folder = copied(tmp_path / "한국어 강의")
    assert (folder / "course.py").read_bytes() == (CHECKOUT / "course.py").read_bytes()
    assert (folder / "notebooks" / "pictures").is_dir()
    assert not (folder / "datasets" / "cache").exists()


def test_busy_processes_end_with_what_they_were_busy_for():
    before = set(psutil.Process().children())
    with busy_processes(2):
        started = set(psutil.Process().children()) - before
        assert all(process.is_running() for process in started)
    assert len(started) == 2
    assert not any(process.is_running() for process in started)


TOY = """
import pytest

def test_right(): pass
def test_wrong(): assert 0.1 + 0.2 == 0.3
@pytest.mark.skip
def test_left_out(): pass
"""


def test_a_report_is_read_and_a_pytest_that_breaks_has_failed(tmp_path):
    (tmp_path / "test_toy.py").write_text(TOY, encoding="utf-8")
    found = run(["test_toy.py"], tmp_path, dict(os.environ), tmp_path / "report.xml")
    assert (found.passed, found.failed, found.skipped) == (1, ("test_toy::test_wrong",), 1)
    found = run(["nothing.py"], tmp_path, dict(os.environ), tmp_path / "other.xml")
    assert found.failed == ("pytest ended with exit status 4",)


def test_a_variation_runs_its_tests_and_its_notebooks_in_its_own_environment(monkeypatch):
    seen = []

    def run_nothing(command, root, environment, report):
        seen.append((command, environment))
        return Outcome(0, (), 0, "")

    monkeypatch.setattr(machines, "run", run_nothing)
    play(Variation("toy", "a toy", {"TZ": "UTC"}, tests="numeric", notebooks=("notebooks/a.ipynb",)), seed=7)
    (tests, environment), (notebooks, _) = seen
    assert tests[-3:] == ["-m", "numeric", "tests"]
    assert notebooks[-1] == "notebooks/a.ipynb"
    assert environment["TZ"] == "UTC"
    seen.clear()
    play(KNOWN["shuffled"], seed=7)
    assert "--random-order-seed=7" in seen[0][0]
    assert len(seen) == 1


@pytest.mark.parametrize(("failed", "status"), [((), 0), (("test_a::test_b",), 1)])
def test_each_machine_has_a_line_and_what_failed_is_named_with_the_way_to_run_it_alone(
    failed, status, monkeypatch, capsys
):
    monkeypatch.setattr(machines, "play", lambda variation, seed: [Outcome(5, failed, 2, "what pytest said")])
    assert machines.main(["avx2-2", "shuffled", "--seed", "7"]) == status
    told = capsys.readouterr().out
    assert told.count(f"5 passed, {len(failed)} failed, 2 skipped") == 2
    assert ("test_a::test_b" in told) == bool(failed)
    assert ("course_utils.commands.machines shuffled --seed 7" in told) == bool(failed)


def test_a_machine_that_is_not_known_is_answered_with_the_list(capsys):
    with pytest.raises(SystemExit):
        machines.main(["pdp-11"])
    assert "default-1, default-2" in capsys.readouterr().err
