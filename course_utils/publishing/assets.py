"""What decks and site show their pages with, copied from installed packages so that no request leaves the machine."""

import shutil
from importlib.util import find_spec
from pathlib import Path

REVEAL = "_static/revealjs"  # in sphinx_revealjs
MATHJAX = "static/components/MathJax"  # in nbclassic
MATHJAX_PARTS = (  # TeX in, SVG out: formulas are outlines, so they need no fonts and follow the text's colour
    "MathJax.js",
    "extensions/tex2jax.js",
    "extensions/MathEvents.js",
    "extensions/TeX",
    "jax/element",
    "jax/input/TeX",
    "jax/output/SVG",
)


def copy_reveal(folder: Path) -> None:
    """Copy reveal.js and its window for the speaker."""
    source = _package("sphinx_revealjs") / REVEAL
    folder.mkdir(parents=True, exist_ok=True)
    for part in ("dist/reveal.js", "dist/reveal.css", "dist/reset.css", "plugin/notes/notes.js"):
        shutil.copy(source / part, folder)


def copy_mathjax(folder: Path) -> None:
    """Copy the parts of MathJax that turn TeX into SVG, and a script that names the formulas."""
    source = _package("nbclassic") / MATHJAX
    for part in MATHJAX_PARTS:
        target = folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if (source / part).is_dir():
            shutil.copytree(source / part, target, dirs_exist_ok=True)
        else:
            shutil.copy(source / part, target)
    shutil.copy(Path(__file__).with_name("formulas.js"), folder)


def _package(name: str) -> Path:
    """Find an installed package's folder without importing it."""
    spec = find_spec(name)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(f"{name} is not installed; delete .venv and run python3 course.py doctor.")
    return Path(spec.submodule_search_locations[0])
