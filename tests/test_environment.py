"""One environment, told four times: lock, environment.yml, pyproject, and what is installed agree."""

import re
import tomllib
from importlib.metadata import distribution, version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

import course

ROOT = Path(__file__).resolve().parents[1]
LINES = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
PINNED = dict(line.split("==") for line in LINES)
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
BINDER = yaml.safe_load((ROOT / ".binder" / "environment.yml").read_text(encoding="utf-8"))
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8"))
DIRECT = [
    *PYPROJECT["build-system"]["requires"],
    *PYPROJECT["project"]["dependencies"],
    *PYPROJECT["project"]["optional-dependencies"]["dev"],
]
LINUX = {"platform_system": "Linux", "sys_platform": "linux", "os_name": "posix", "platform_machine": "x86_64"}


@pytest.mark.parametrize("line", LINES)
def test_each_line_of_the_lock_is_one_name_and_one_public_version(line):
    # no +cpu, no path, no address of an index: it must mean the same everywhere
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*==[0-9]+(\.[0-9]+)*(\.?(a|b|rc|post)[0-9]+)?", line)


def test_the_lock_is_sorted_and_names_nothing_twice():
    names = [line.split("==")[0] for line in LINES]
    assert names == sorted(set(names))


@pytest.mark.parametrize("dependency", DIRECT)
def test_what_pyproject_asks_for_is_pinned_in_the_lock_and_fits(dependency):
    requirement = Requirement(dependency)
    assert requirement.specifier.contains(PINNED[canonicalize_name(requirement.name)])


@pytest.mark.parametrize("name", PINNED)
def test_what_is_installed_is_what_the_lock_says(name):
    assert Version(version(name)).public == PINNED[name]


@pytest.mark.parametrize("name", [name for name in PINNED if name != "torch"])  # its GPU libraries differ by machine
def test_what_a_locked_package_needs_on_linux_is_locked_too(name):
    for requirement in map(Requirement, distribution(name).requires or []):
        if requirement.marker is None or requirement.marker.evaluate({**LINUX, "extra": ""}):
            assert requirement.specifier.contains(PINNED[canonicalize_name(requirement.name)])


def test_conda_users_get_the_same_python_the_lock_and_the_course_itself():
    python, pip, through_pip = CONDA["dependencies"]
    assert pip == "pip"
    assert through_pip == {"pip": ["-r requirements.lock", "-e ."]}
    assert re.fullmatch(r"python=3\.11", python)


def test_binder_gets_the_same_environment_from_its_own_folder():
    seen_from_above = yaml.safe_load((ROOT / "environment.yml").read_text().replace("requirements", "../requirements"))
    seen_from_above["dependencies"][-1]["pip"][-1] = "-e .."
    assert seen_from_above == BINDER


def test_the_launcher_knows_the_conda_environment_by_its_name():
    assert CONDA["name"] == course.CONDA_NAME


def test_every_file_asks_for_the_same_python():
    asked = SpecifierSet(PYPROJECT["project"]["requires-python"])
    assert asked.contains("3.11.0")
    assert asked.contains("3.11.99")
    assert not asked.contains("3.10.99")
    assert not asked.contains("3.12.0")
    assert "python=3.11" in CONDA["dependencies"]
    assert WORKFLOW["jobs"]["test"]["steps"][1]["with"]["python-version"] == "3.11"


def test_every_package_folder_is_installed():
    folders = {path.parent for path in (ROOT / "course_utils").rglob("__init__.py")}
    named = {".".join(folder.relative_to(ROOT).parts) for folder in folders}
    assert set(PYPROJECT["tool"]["setuptools"]["packages"]) == named


def test_the_workflow_runs_the_readers_command_and_nothing_else():
    (job,) = WORKFLOW["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == ["python3 course.py test"]
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert set(WORKFLOW[True]) == {"push", "pull_request", "schedule"}  # YAML reads the key `on` as a yes
    assert job["timeout-minutes"] == 60


def test_the_citation_names_this_version_and_only_what_the_format_knows():
    assert CITATION["cff-version"] == "1.2.0"
    assert CITATION["version"] == PYPROJECT["project"]["version"]
    assert set(CITATION) >= {"message", "title", "authors"}
    known = {"cff-version", "message", "title", "authors", "abstract", "type", "version", "license", "keywords"}
    assert set(CITATION) <= known
    assert all(set(author) == {"name"} for author in CITATION["authors"])


def test_the_changelog_begins_with_this_version():
    first = re.search(r"^## (\S+),", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)[1]
    assert Version(PYPROJECT["project"]["version"]).base_version == first


def test_the_hooks_for_contributors_need_no_network_and_run_what_the_lock_pins():
    (local,) = HOOKS["repos"]
    assert local["repo"] == "local"
    for hook in local["hooks"]:
        assert hook["language"] == "system"
        python, option, module, *_ = hook["entry"].split()
        assert (python, option) == (".venv/bin/python", "-m")
        assert module in PINNED
