"""Where the course is published: from ``[project.urls]`` in pyproject.toml, else from git's ``origin``, never invented.

Without either there is no address, and no page has a link that would need one.
"""

import re
import subprocess
import tomllib
from pathlib import Path
from urllib.parse import quote

from course_utils.files import CHECKOUT

REMOTE = re.compile(
    r"(?:https://(?:[^@/]+@)?(?P<web>[^@/:]+)(?::443)?/|ssh://(?:[^@/]+@)?(?P<ssh>[^@/:]+)(?::\d+)?/|"
    r"(?:[^@/:]+@)(?P<scp>[^@/:]+):/?)(?P<path>[\w.~-]+(?:/[\w.~-]+?)+?)(?:\.git)?/?"
)
HOSTS = ("github.com", "gitlab.com", "codeberg.org")


def repository(checkout: Path = CHECKOUT) -> str:
    """Give the address of the repository's page, such as ``https://github.com/OWNER/NAME``; empty if there is none.

    ``Repository`` under ``[project.urls]`` in pyproject.toml goes first. An origin that is a folder, or a host without
    a web page that we know, is no address.
    """
    given = setting("Repository", checkout)
    return _page_of(given or _origin(checkout)) or given.removesuffix(".git")


def site(checkout: Path = CHECKOUT) -> str:
    """Give the address of the published site, ``Homepage`` under ``[project.urls]``; empty if there is none."""
    return setting("Homepage", checkout)


def source(page: str, path: str) -> str:
    """Give the address of a file in a repository; empty if the repository has none."""
    return f"{page}/blob/HEAD/{quote(path)}" if page else ""


def binder(page: str, path: str) -> str:
    """Give the address at which Binder opens a file of a repository; empty for a host that Binder is not asked for."""
    found = re.fullmatch(r"https://github\.com/([^/]+/[^/]+)", page)
    return f"https://mybinder.org/v2/gh/{found[1]}/HEAD?labpath={quote(path, safe='')}" if found else ""


def setting(name: str, checkout: Path = CHECKOUT) -> str:
    """Give an address that pyproject.toml sets; empty if it sets none."""
    with (checkout / "pyproject.toml").open("rb") as file:
        urls = tomllib.load(file)["project"].get("urls", {})
    return str(urls.get(name, "")).rstrip("/")


def _origin(checkout: Path) -> str:
    try:
        asked = ["git", "-C", str(checkout), "config", "--get", "remote.origin.url"]
        return subprocess.run(asked, capture_output=True, text=True, check=False, timeout=20).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _page_of(origin: str) -> str:
    """Give the web page of a remote at GitHub, GitLab or Codeberg, without a user's name or key in it."""
    found = REMOTE.fullmatch(origin)
    host = (found["web"] or found["ssh"] or found["scp"]).lower() if found else ""
    return f"https://{host}/{found['path']}" if found and host in HOSTS else ""
