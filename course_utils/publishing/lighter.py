"""What makes the site light: styles of cards are written once, and pages carry nothing that has no effect."""

import hashlib
import json
import re
from pathlib import Path

STYLE = re.compile(r' style="([^"]+)"')
PLACE = re.compile(r"(?:left|right|width|padding):.*%")  # on a line: no two elements have the same
WITHOUT_COLOUR = re.compile(r'<span class="(?:n|nn|o|p|w)">([^<]*)</span>')  # Pygments: names and signs
SEARCH_TOOLS = re.compile(r'\s*<script src="[^"]*(?:searchtools|language_data|searchindex)\.js[^"]*"></script>')
ICON_SCRIPT = re.compile(r'\s*<script defer src="[^"]*fontawesome\.js[^"]*"></script>')  # icons come as a face, too
ICON = re.compile(r'(?<=[}/])((?:\.fa-[\w-]+,?)+)\{--fa:"[^}]*\}')
DATA = re.compile(r'<script type="application/json">([^<]{100000,})</script>')  # what two translators learned
WRITTEN = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)  # of stages and maps: the same on many pages
LONG = 2000  # signs, from which on it pays to keep a script or a style in a file of its own
UNUSED = (
    "scripts/fontawesome.js",
    "scripts/fontawesome.js.LICENSE.txt",
    "vendor/fontawesome/webfonts/fa-brands-400.woff2",
    "webpack-macros.html",
)


class Styles:
    """Styles in attributes, as notebooks need them, taken into a style sheet, where each is written once."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def taken_from(self, markup: str) -> str:
        """Give the HTML of cards with classes for styles; other HTML is given as it is."""
        if not markup.startswith('<div role="group"'):
            return markup
        return STYLE.sub(self._named, markup)

    def _named(self, found: re.Match) -> str:
        parts = found[1].split(";")
        kept = ";".join(part for part in parts if PLACE.match(part))
        style = ";".join(part for part in parts if not PLACE.match(part))
        name = self._names.setdefault(style, f"card-{len(self._names)}")
        return f' class="{name}"' + (f' style="{kept}"' if kept else "")

    def sheet(self) -> str:
        """Write what was taken."""
        return "".join(f".bd-article .{name} {{ {style} }}\n" for style, name in self._names.items())


def lighten(pages: Path) -> None:
    """Take out of a site's pages, scripts and style sheets what no reader sees."""
    static = pages / "_static"
    for debugging in pages.rglob("*.map"):
        debugging.unlink()
    for name in UNUSED:
        (static / name).unlink(missing_ok=True)
    icons: set[str] = set()
    for path in pages.rglob("*.html"):
        page = ICON_SCRIPT.sub("", path.read_text(encoding="utf-8"))
        if path.name != "search.html":  # on other pages its form is enough
            page = SEARCH_TOOLS.sub("", page)
        up = "../" * (len(path.relative_to(pages).parts) - 1)
        page = _with_data_in_files(page, up, static)
        icons |= {f".{name}" for name in re.findall(r"\bfa-[\w-]+", page)}
        path.write_text(WITHOUT_COLOUR.sub(r"\1", page), encoding="utf-8")
    for path in (static / "styles").glob("*.css"):
        rules = path.read_text(encoding="utf-8")
        rules = ICON.sub(lambda found: found[0] if icons & {*found[1].split(",")} else "", rules)
        path.write_text(rules, encoding="utf-8")


def _with_data_in_files(page: str, up: str, folder: Path) -> str:
    """Keep long scripts and styles of a page in files named by their content, large data in scripts that put it back.

    The folder is below up.
    """

    def kept(content: str, kind: str) -> str:
        name = f"{hashlib.sha256(content.encode()).hexdigest()[:16]}.{kind}"
        (folder / name).write_text(content, encoding="utf-8")
        return f"{up}{folder.name}/{name}"

    def put_back(found: re.Match) -> str:
        script = f'document.currentScript.insertAdjacentHTML("beforebegin", {json.dumps(found[0])});\n'
        return f'<script src="{kept(script, "js")}"></script>'

    def asked_for(found: re.Match) -> str:
        if len(found[2]) < LONG:
            return found[0]
        if found[1] == "script":
            return f'<script src="{kept(found[2], "js")}"></script>'
        return f'<link rel="stylesheet" href="{kept(found[2], "css")}">'

    return WRITTEN.sub(asked_for, DATA.sub(put_back, page))
