"""What the package itself says to readers: pages of the site, what checks say, and sentences marked by ``said``."""

import ast
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from course_utils.files import CHECKOUT, CLAIMS, EXPERIMENTS, README
from course_utils.refusals import read_json, read_text

PACKAGE = CHECKOUT / "course_utils"
PAGES = [
    PACKAGE / "publishing" / "site_sources" / f"{name}.md" for name in ("index", "play", "using", "teaching", "beyond")
]
PAGES += [PACKAGE / "publishing" / "site_sources" / "glossary.md", README, CLAIMS]
PAGES += [PACKAGE / "publishing" / "book_sources" / "front.md"]
FROM_RECORDS = ("✓", "✗", "?", "| ")  # how blocks of CLAIMS.md begin whose numbers are written from the records
ALL_SAID = ("exercises", "explorer", "home", "six_rows", "card", "rule")  # rooms and files with sentences for readers
SAID = (
    "SPEAKS_OF_SOLUTIONS",
    "KEYS",
    "SYMBOLS",
    "PLURAL",
    "RESULTS",
    "OF_THE_THEME",
    "WHICH_AXIS",
    "WHICH_END",
    "HOW_MOVED",
    "REDUCTIONS",
    "ORDINALS",
    "OPENING_ORDINALS",
)  # constants that are handed to said
TITLES = re.compile(r"^(.+) <(\S+)>$", re.MULTILINE)  # of pages, in a list of them
UNSAID = (
    "answering",
    "catalogue",
    "cells_",
    "classroom",
    "copies",
    "plain",
    "progress",
    "returned",
    "exercise_",
    "tables",
)
OF_A_CLAIM = ("says", "metric", "treatment", "baseline", "control", "floor")
IN_CODE = (ast.Compare, ast.Subscript, ast.Raise, ast.Lambda)  # where a text is no sentence
NO_SENTENCE = re.compile(r"[a-z-]+:\S|`{4}|\(function|@container|class=")  # a style, or what stands around HTML
WORDS = re.compile(
    r"[^\W\d_]{3,} \{|\} [^\W\d_]{3,}|[^\W\d_]{3,}[,;:.]? \W*[^\W\d_]+|[^\W\d_]+[,;:.]? \W*[^\W\d_]{3,}"
    r"|^[A-Z][a-z]+-[a-z]{3,}$"
)
LABEL = re.compile(
    r"(?!Arrow|Home$|End$|Escape$)(?:\W )?[A-Z][a-z]{2,}[.?]?( [A-Z])?"
)  # in a script: one word that is shown
ATTRIBUTE = re.compile(r'\b(alt|title|aria-label)="([^"]*)"')
IN_SCRIPT = re.compile(r'(?:"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`)')
NO_LABEL = re.compile(r"(className: |matches\(|querySelector\w*\(|addEventListener\()$")
SPOKEN = re.compile(r"\bspoken\($")  # in a script: behind it a word that is shown
JOINED = re.compile(r"([\"`])\n\s*\+ \1")  # in a script: where a sentence goes on in the next line


def texts() -> Iterator[tuple[str, str, str]]:
    """Give each text of the package once: its name, where it stands, and the English."""
    met = set()
    for place, text in _found():
        if text not in met:
            met.add(text)
            yield f"{Path(place).stem.replace(' ', '-')}-{hashlib.sha256(text.encode()).hexdigest()[:8]}", place, text


def _found() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for title, _ in TITLES.findall(read_text(page)):
            yield page.relative_to(CHECKOUT).as_posix(), title
        for block in blocks(read_text(page)):
            if page == CLAIMS and block.startswith(FROM_RECORDS) and re.search(r"\d|--", block):
                continue
            if re.search(r"[^\W\d_]{2}", re.sub(r"^(```|:::).*?^\1\S*$|<!--.*?-->", "", block, flags=re.S | re.M)):
                yield page.relative_to(CHECKOUT).as_posix(), block
    for path in sorted(EXPERIMENTS.glob("records/*.json")):
        for claim in read_json(path).get("claims", ()):
            said = [claim[key] for key in OF_A_CLAIM if claim.get(key)]
            yield from ((f"claims of {path.stem[:2]}", text) for text in said if re.search("[a-z]{3}", text))
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE).parts[0]
        for text in sentences(read_text(path), {room, path.stem} & {*ALL_SAID} and path.stem not in UNSAID):
            yield path.relative_to(PACKAGE).as_posix(), text
    for path in sorted({*PACKAGE.glob("explorer/**/*.js")} - {PACKAGE / "explorer" / "live" / "number_words.js"}):
        for text in in_script(read_text(path)):
            yield path.relative_to(PACKAGE).as_posix(), text


def blocks(page: str) -> Iterator[str]:
    """Cut a page of Markdown at its blank lines; code stays whole, and each row of a table is one."""
    for block in re.findall(r"(?:^```.*?^```$|[^\n]+)(?:\n(?!\n|```)[^\n]+)*", page, re.DOTALL | re.MULTILINE):
        yield from block.split("\n") if block.startswith("|") else [block]


def sentences(source: str, all_said: object = True) -> Iterator[str]:
    """Give the sentences of a module in their order, f-strings with their holes: all, or only those in ``said(…)``."""
    tree = ast.parse(source)
    skipped: set[ast.AST] = set()
    found: list[tuple[int, int, str]] = []
    marked: set[ast.AST] = set()
    pieces: set[ast.AST] = set()
    words: set[ast.AST | None] = set()  # which fill holes
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):  # a docstring
            skipped.add(node.value)
        if isinstance(node, IN_CODE):
            skipped |= set(ast.walk(node))
        if isinstance(node, ast.JoinedStr):  # what stands between its holes, and how they are filled
            parts = [getattr(part, "format_spec", part) for part in node.values]
            pieces |= {piece for part in parts if part for piece in ast.walk(part)}
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            skipped |= {key for key, value in pairs if key and isinstance(value, ast.Tuple)} - marked
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            marked |= {
                inner for target in targets if getattr(target, "id", "") in SAID for inner in ast.walk(node.value)
            }
        if isinstance(node, ast.arguments):
            words |= {*node.defaults, *node.kw_defaults}
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is(node.func.value, "weighing"):
            words |= set(node.args) | {keyword.value for keyword in node.keywords}
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "said":
            marked |= {inner for inner in ast.walk(node) if inner is not node.func}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.JoinedStr | ast.Constant)
            and node not in pieces
            and (node in marked or (all_said and node not in skipped))
        ):
            whole = _written(node)
            one_word = node in marked or node in words or "<" in whole
            for text in _shown(whole):
                bare = re.sub(r"\{[^}]*\}|&\w+;", "{}", text)
                if WORDS.search(bare) or (one_word and re.search(r"[^\W\d_]{3}", bare)):
                    found.append((node.lineno, node.col_offset, text))
    yield from (text for *_, text in sorted(found))


def _shown(text: str) -> Iterator[str]:
    """Take HTML apart into what it shows and what its attributes say; other text is one piece."""
    if NO_SENTENCE.match(text):
        return
    if not re.search(r"</\w|<\w+ \w+=", text) or "</kbd>" in text:
        yield text.strip()
        return
    yield from (said for _, said in ATTRIBUTE.findall(text))
    pieces = re.split(r"<[^<>]*>?|[^<>]*>", re.sub(r"=\"[^\"]*\"", "", text))
    yield from (piece.strip() for piece in pieces if not NO_SENTENCE.match(piece))


def _is(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _written(node: ast.JoinedStr | ast.Constant) -> str:
    """Write an f-string with a name in each hole, or a number where what fills it has no name."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    text = ""
    for number, value in enumerate(node.values):
        if isinstance(value, ast.FormattedValue):
            text += f"{{{value.value.id if isinstance(value.value, ast.Name) else number}}}"
        elif isinstance(value, ast.Constant):
            text += str(value.value)
    return text


def in_script(source: str) -> Iterator[str]:
    """Give the sentences of a script, without quotation marks."""
    source = JOINED.sub("", re.sub(r"^\s*//.*$|(?<=[;{,]) //.*$", "", source, flags=re.MULTILINE))
    for found in IN_SCRIPT.finditer(source):
        if text := said_in_script(found):
            yield text


def said_in_script(found: re.Match) -> str:
    """Give a text of a script if it is for readers, else nothing."""
    text = (found[1] or found[2] or "").strip()
    shown = WORDS.search(re.sub(r"\$\{[^}]*\}|<[^>]*>", "", text)) or LABEL.fullmatch(text)
    no_label = "=>" in text or NO_LABEL.search(found.string, 0, found.start())
    return text if (shown and not no_label) or SPOKEN.search(found.string, 0, found.start()) else ""
