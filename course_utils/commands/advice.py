"""What the launcher tells a reader in whose way something stands: each sentence says what to do.

Read by ``course.py`` before there is an environment: standard library only, no syntax newer than Python 3.7, ASCII.
"""

import re

MACHINES = (
    "The course runs on Linux (x86_64 or aarch64, glibc), on Macs with Apple silicon and macOS 14 or newer, and on "
    "Windows inside WSL (in PowerShell: wsl --install; then clone the course in its Ubuntu and start it there)."
)
WAYS = (
    "install Python 3.11 or 3.12 with its venv module (Debian 12: sudo apt install python3.11-venv, Ubuntu 24.04: sudo "
    "apt install python3.12-venv, macOS: brew install python@3.11), or use conda (conda env create -f environment.yml "
    "&& conda activate attention-course), then run the same command again."
)
NO_WAY = (
    "The course needs Python 3.11 or 3.12; this is Python {version} ({path}), and without pip and ensurepip it cannot "
    "fetch one: install the one package that has them (Debian, Ubuntu: sudo apt install python3-venv, Fedora: sudo dnf "
    "install python3-pip) and run the same command again."
)
TOO_OLD = "The course needs Python 3.11 or 3.12; this is Python {version} ({path}), too old to fetch one: " + WAYS
DAMAGED = "A file of the course is missing or damaged: take it from the repository again (git checkout -- .)."
FAILURES = (  # what a failed step says -> what the reader should know; the first that fits is shown
    (r"Errno (2|20|21)\D.*(requirements\.lock|pyproject\.toml|course_utils)", DAMAGED),
    (
        r"Errno (17|20|21)\D",
        "Something else is in the place of a file or folder of the course: move it away and run the command again.",
    ),
    (
        r"Errno 28|Errno 122|os error 28|No space left|[Qq]uota exceeded",
        "The disk is full. The environment takes 1.6 GB (5.8 GB where PyTorch brings its libraries for NVIDIA cards), "
        "in this folder and for a while in the folder for temporary files; make room and run the same command again.",
    ),
    (
        r"Errno 27|os error 27|File too large",
        "This shell limits the size of files (ulimit -f), and packages are larger: lift the limit (ulimit -f "
        "unlimited, or a new terminal) and run the same command again.",
    ),
    (
        r"Errno 30|Errno 13|os error 30|os error 13|Read-only file system|[Pp]ermission denied",
        "This folder cannot be written to ({root}). Copy the course to a folder of your own and run it there.",
    ),
    (
        r"python-build-standalone|[Nn]o interpreter found|[Nn]o download found",
        "uv is here, but its download of Python 3.11 from github.com did not come through on this network: " + WAYS,
    ),
    (
        r"NewConnectionError|NameResolution|ConnectTimeout|ReadTimeout|ProxyError|Network is unreachable|SSLError"
        r"|Temporary failure in name resolution|dns error|error sending request",
        "The package index cannot be reached, so the environment is not finished. Connect to the internet (in a "
        "company network: set HTTPS_PROXY, PIP_CERT) and run the same command again; what was downloaded is kept.",
    ),
    (r"No matching distribution|not a supported wheel", "A package has no build for this machine. " + MACHINES),
)
LOOKS_ELSEWHERE = (
    "pip is told to look for packages elsewhere ({settings}), and {package} is not there. Unset that, or put the "
    "packages of requirements.lock there, and run the same command again."
)
OUTPUT_FULL = "What the output goes to takes no more (a full disk?): make room and run the same command again."


def explain(complaint, root):
    """Turn the words of a failed step into one sentence, or None where they are not known."""
    for pattern, sentence in FAILURES:
        if re.search(pattern, complaint):
            return sentence.format(root=root)
    return None


def of_settings(complaint, listed):
    """Say that pip's own settings, as ``pip config list`` gives them, keep it from the package index; else None."""
    missing = re.search(r"No matching distribution found for (\S+)", complaint)
    found = re.findall(r"^(:env:)?\S*?\b(no-index|index-url|find-links)=", listed, re.MULTILINE)
    if not missing or not found:
        return None
    names = ["PIP_" + key.upper().replace("-", "_") if env else key + " in pip.conf" for env, key in found]
    return LOOKS_ELSEWHERE.format(settings=", ".join(names), package=missing.group(1))
