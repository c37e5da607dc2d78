"""What decks and site show their pages with, copied from installed packages so that no request leaves the machine."""

import logging
import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

from course_utils.palette import DARK, LIGHT

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
# Of MathJax's alphabets the styles in which no formula of the course is set. A page that asks for one of them fails the
# browser tests. Upright letters are there in every alphabet: MathJax looks through all of them for a rare sign.
UNUSED_STYLES = {"Main": {"BoldItalic"}, "Normal": {"Bold", "BoldItalic"}}
UNUSED_ELSEWHERE = {"Bold", "BoldItalic", "Italic"}

# One face for text and one for code, both free to be passed on: Source Sans Pro (OFL 1.1) comes with reveal.js, DejaVu
# Sans Mono with matplotlib. There is no face for Korean: whoever reads it has one, and a whole one weighs megabytes.
TEXT_FACE = "dist/theme/fonts/source-sans-pro"
CODE_FACE = "mpl-data/fonts/ttf"
WEIGHTS = {"regular": "400 normal", "italic": "400 italic", "semibold": "600 normal"}
SIGNS = [*range(0x20, 0x250), *range(0x370, 0x400), *range(0x2010, 0x2600)]  # Latin, Greek, signs and frames


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
            shutil.copytree(source / part, target, dirs_exist_ok=True, ignore=_unused)
        else:
            shutil.copy(source / part, target)
    shutil.copy(Path(__file__).with_name("formulas.js"), folder)


def _unused(folder: str, names: list[str]) -> set[str]:
    """Say which folders of MathJax's alphabets are left out."""
    place = Path(folder)
    if place.parent.name != "STIX-Web":
        return set()
    return set(names) & UNUSED_STYLES.get(place.name, UNUSED_ELSEWHERE)


def write_look(folder: Path) -> None:
    """Write ``look.css`` with the course's colours and faces, the same for decks and site, and the faces beside it."""
    faces = folder / "fonts"
    faces.mkdir(parents=True, exist_ok=True)
    source = _package("sphinx_revealjs") / REVEAL / TEXT_FACE
    shutil.copy(source / "LICENSE", faces / "source-sans-pro-LICENSE")
    rules = []
    for name, weight in WEIGHTS.items():
        _part_of_face(source / f"source-sans-pro-{name}.woff", faces / f"source-sans-pro-{name}.woff", ["kern", "liga"])
        rules.append(_face("Source Sans Pro", weight, f"source-sans-pro-{name}.woff"))
    for name, weight in {"DejaVuSansMono": "400 normal", "DejaVuSansMono-Bold": "700 normal"}.items():
        _part_of_face(_package("matplotlib") / CODE_FACE / f"{name}.ttf", faces / f"{name}.woff", [])
        rules.append(_face("DejaVu Sans Mono", weight, f"{name}.woff"))
    shutil.copy(_package("matplotlib") / CODE_FACE / "LICENSE_DEJAVU", faces / "dejavu-LICENSE")
    for place, colours in ((":root", LIGHT), (':root[data-theme="dark"]', DARK)):
        named = "".join(f" --{name}: {colour};" for name, colour in in_styles(colours).items())
        rules.append(f"{place} {{{named} }}")
    rules.append(
        ':root { --text-face: "Source Sans Pro", system-ui, "Apple SD Gothic Neo", "Malgun Gothic", "Noto Sans KR", '
        'NanumGothic, sans-serif; --code-face: "DejaVu Sans Mono", ui-monospace, Menlo, Consolas, monospace; }'
    )
    rules.append(":lang(ko) { word-break: keep-all; overflow-wrap: break-word; }  /* a line ends between words */")
    (folder / "look.css").write_text("\n".join(rules) + "\n", encoding="utf-8")


def in_styles(colours: Mapping[str, str]) -> dict[str, str]:
    """Give the colours as style sheets name them, with those of links and warnings."""
    named = {name.replace("_", "-"): colour for name, colour in colours.items()}
    return {**named, "accent": colours["weight"], "warning": colours["value"]}


def _face(family: str, weight: str, file: str) -> str:
    number, style = weight.split()
    return (
        f'@font-face {{ font-family: "{family}"; font-weight: {number}; font-style: {style}; font-display: swap; '
        f'src: url("fonts/{file}") format("woff"); }}'
    )


def _part_of_face(source: Path, target: Path, features: list[str]) -> None:
    """Keep the signs of a face that the course is written with, and what sets them side by side."""
    logging.getLogger("fontTools").setLevel(logging.WARNING)
    options = subset.Options(flavor="woff", layout_features=features, hinting=False, notdef_outline=True)
    options.drop_tables += ["FFTM", "webf"]  # a time stamp, and whose tool it came from
    with TTFont(source, recalcTimestamp=False) as face:
        chosen = subset.Subsetter(options)
        chosen.populate(unicodes=SIGNS)
        chosen.subset(face)
        face.flavor = "woff"
        face.save(target)


def _package(name: str) -> Path:
    """Find an installed package's folder without importing it."""
    spec = find_spec(name)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(f"{name} is not installed; delete .venv and run python3 course.py doctor.")
    return Path(spec.submodule_search_locations[0])
