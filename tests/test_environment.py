"""One environment, told four times: lock, environment.yml, pyproject, and what is installed agree."""

import re
import sys
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
PYTHONS = ("3.11", "3.12")
LOCKED = [Requirement(line) for line in LINES]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
BINDER = yaml.safe_load((ROOT / ".binder" / "environment.yml").read_text(encoding="utf-8"))
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8"))
DIRECT = [
    *PYPROJECT["build-system"]["requires"],
    *PYPROJECT["project"]["dependencies"],
    *(name for extra in PYPROJECT["project"]["optional-dependencies"].values() for name in extra),
]


def fits(requirement: Requirement, **environment: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate(environment)


def pins(python: str) -> dict[str, str]:
    """Give name → version of what the lock holds for one Python."""
    return {
        known.name: str(known.specifier).removeprefix("==") for known in LOCKED if fits(known, python_version=python)
    }


PINNED = pins(f"{sys.version_info[0]}.{sys.version_info[1]}")
LINUX = {"platform_system": "Linux", "sys_platform": "linux", "os_name": "posix", "platform_machine": "x86_64"}


@pytest.mark.parametrize("line", LINES)
def test_each_line_of_the_lock_is_one_name_and_one_public_version(line):
    # no +cpu, no path, no address of an index: it must mean the same everywhere
    assert re.fullmatch(
        r"[a-z0-9]+(-[a-z0-9]+)*==[0-9]+(\.[0-9]+)*(\.?(a|b|rc|post)[0-9]+)?( ; python_version (<|>=) \"3\.12\")?", line
    )


def test_the_lock_is_sorted_and_names_nothing_twice():
    names = [known.name for known in LOCKED]
    assert names == sorted(names)
    for python in PYTHONS:
        here = [known.name for known in LOCKED if fits(known, python_version=python)]
        assert len(here) == len(set(here))


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("dependency", DIRECT)
def test_what_pyproject_asks_for_is_pinned_in_the_lock_and_fits(dependency, python):
    requirement = Requirement(dependency)
    if fits(requirement, python_version=python):
        assert requirement.specifier.contains(pins(python)[canonicalize_name(requirement.name)])


def test_each_python_has_the_one_dgl_that_is_built_for_it():
    assert [pins(python)["dgl"] for python in PYTHONS] == ["1.1.3", "2.1.0"]
    assert {"pandas", "torchdata"} == pins("3.12").keys() - pins("3.11").keys()


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
    seen_from_above = yaml.safe_load(
        (ROOT / "environment.yml").read_text(encoding="utf-8").replace("requirements", "../requirements")
    )
    seen_from_above["dependencies"][-1]["pip"][-1] = "-e .."
    without_card = f"--extra-index-url {course.CPU_WHEELS}"  # as course.py chooses it where there is none
    seen_from_above["dependencies"][-1]["pip"].insert(0, without_card)
    assert seen_from_above == BINDER


def test_the_launcher_knows_the_conda_environment_by_its_name():
    assert CONDA["name"] == course.CONDA_NAME


def test_every_file_asks_for_the_same_pythons():
    asked = SpecifierSet(PYPROJECT["project"]["requires-python"])
    tried = ["3.10.99", "3.11.0", "3.11.99", "3.12.0", "3.12.99", "3.13.0"]
    assert [asked.contains(version) for version in tried] == [False, True, True, True, True, False]
    assert tuple("{}.{}".format(*version) for version in course.PYTHONS) == PYTHONS
    assert "python=3.11" in CONDA["dependencies"]
    assert {runs_on["python"] for runs_on in machines()} == set(PYTHONS)


def machines() -> list[dict[str, str]]:
    """Give the machines of the workflow, each with its Python."""
    matrix = WORKFLOW["jobs"]["test"]["strategy"]["matrix"]
    product = [{"machine": machine, "python": python} for machine in matrix["machine"] for python in matrix["python"]]
    return [*product, *matrix["include"]]


def test_every_package_folder_is_installed():
    folders = {path.parent for path in (ROOT / "course_utils").rglob("__init__.py")}
    named = {".".join(folder.relative_to(ROOT).parts) for folder in folders}
    assert set(PYPROJECT["tool"]["setuptools"]["packages"]) == named


def test_the_workflow_runs_every_test_on_each_kind_of_machine_that_the_course_supports():
    job = WORKFLOW["jobs"]["test"]
    assert {runs_on["machine"] for runs_on in machines()} == {"ubuntu-latest", "ubuntu-24.04-arm", "macos-14"}
    assert job["runs-on"] == "${{ matrix.machine }}"
    assert job["steps"][-1] == {"run": "python3 course.py test --all"}
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


def test_the_workflow_has_a_browser_whose_absence_is_a_failure():
    job = WORKFLOW["jobs"]["test"]
    commands = [step.get("run", "") for step in job["steps"]]
    install = ".venv/bin/python -m playwright install --with-deps chromium"
    assert job["env"] == {"COURSE_BROWSER": "playwright"}
    assert commands.index(install) < commands.index("python3 course.py test --all")
    assert any("fonts-nanum" in command for command in commands)  # the course shows Korean


def test_the_workflow_keeps_packages_and_browser_until_the_lock_changes():
    for job in WORKFLOW["jobs"].values():
        python = next(step["with"] for step in job["steps"] if "setup-python" in step.get("uses", ""))
        assert (python["cache"], python["cache-dependency-path"]) == ("pip", "requirements.lock")
    kept = next(step["with"] for step in WORKFLOW["jobs"]["test"]["steps"] if "actions/cache" in step.get("uses", ""))
    assert "hashFiles('requirements.lock')" in kept["key"]


def test_the_site_is_published_where_a_fork_switches_that_on_and_only_after_the_tests():
    job = WORKFLOW["jobs"]["pages"]
    assert "vars.PUBLISH_PAGES == 'true'" in job["if"]
    assert "default_branch" in job["if"]
    assert job["needs"] == "test"
    assert job["permissions"] == {"pages": "write", "id-token": "write", "contents": "read"}
    assert {"run": 'python3 course.py site --address "${{ steps.pages.outputs.base_url }}"'} in job["steps"]
    assert {"id": "pages", "uses": "actions/configure-pages@v5"} in job["steps"]
    assert [step["uses"].split("@")[0] for step in job["steps"][-2:]] == [
        "actions/upload-pages-artifact",
        "actions/deploy-pages",
    ]
    assert job["steps"][-2]["with"] == {"path": "build/site"}
