"""The lectures as an EPUB 3, made by Sphinx from what the printed book shows: ``python3 course.py book --epub``.

Formulas are MathML, pictures are files, maps stand still, and nothing in it is a script. It needs no browser.
"""

import base64
import hashlib
import html
import re
import shutil
import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from nbformat import NotebookNode
from sphinx.application import Sphinx
from sphinx.builders._epub_base import NavPoint
from sphinx.builders.epub3 import Epub3Builder
from sphinx.errors import SphinxError
from sphinx.writers.html5 import HTML5Translator

from course_utils.files import LECTURES, PICTURES
from course_utils.languages.speaking import said
from course_utils.languages.weave import change_markup
from course_utils.publishing import addresses
from course_utils.publishing.chapters import TITLE, chapter, front_page, style
from course_utils.publishing.notebooks import EMBEDDED, without_comments
from course_utils.publishing.site import citation, make_pages
from course_utils.refusals import Stop

LINK = re.compile(r"\[([^\]]*)\]\(([\w/]+\.ipynb)(?:#[^)]*)?\)")
IN_THE_DARK = re.compile(r"@media \(prefers-color-scheme: dark\) \{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
ACTIVE = re.compile(r"<(script|style)\b.*?</\1>", re.DOTALL)  # a map that stands still has its colours in attributes
UNCLOSED = re.compile(r"<((?:img|br|hr|col|wbr|input)\b[^<>]*?)\s*/?>")
WITHOUT_VALUE = re.compile(r'(<\w+(?: [\w-]+="[^"]*")*) (hidden|open)(?=[ >])')
HEAD_WITHOUT_ROW = re.compile(r"<table>((?:<th>[^<]*</th>)+)")  # as IPython shows a table
NOT_PACKED = re.compile(r"<link[^<>]*/mystnb\.[^<>]*>")  # MyST-NB copies its style sheet when the book is closed
NAMED = re.compile(r"&(?!(?:amp|lt|gt|quot);)[a-zA-Z]\w*;")  # signs that HTML knows by a name, and XML does not
GROUP = r"\{((?:[^{}]|\{[^{}]*\})*)\}"
# What MathJax takes as it is, and what readers of MathML set badly.
AS_DOCUTILS_KNOWS_IT: tuple[tuple[re.Pattern[str], Any], ...] = (
    (re.compile(r"\\big(?=[(\[])"), r"\\bigl"),
    (re.compile(r"\\big(?=[)\]])"), r"\\bigr"),
    (re.compile(r"\\dots\b|…"), r"\\ldots "),
    (re.compile(r"\\t?frac(\d)(\d)"), r"\\frac{\1}{\2}"),
    (re.compile(r"\\textstyle\b"), ""),  # no EPUB lets a group have a size
    (re.compile(rf"\\underbrace{GROUP}_{GROUP}"), r"\\underset{\2}{\\underbrace{\1}}"),
    (re.compile(rf"(\\text{GROUP})|(\w)'"), lambda found: found[1] or rf"{{{found[3]}\prime}}"),  # is up already
    (re.compile(r"\s*&&\s*(\\text)"), r"\\\\ & \\quad \1"),  # a note beside an equation goes below: screens are narrow
    (re.compile(r"(?<=[\w})])\s*(\\(?:cos|ln|log|sin|tanh)\b)"), r"\\,\1"),
    (re.compile(r"(\\(?:cos|ln|log|sin|tanh)\b)\s*(?=\w|\\(?!big))"), r"\1\\,"),
)
READ_BY = """\
  <meta property="schema:accessMode">textual</meta>
    <meta property="schema:accessMode">visual</meta>
    <meta property="schema:accessibilityFeature">alternativeText</meta>
    <meta property="schema:accessibilityFeature">MathML</meta>
    <meta property="schema:accessibilityFeature">tableOfContents</meta>
    <meta property="schema:accessibilityHazard">none</meta>
  </metadata>"""


def make_ebook(lectures: Sequence[Path], language: str = "") -> bytes:
    """Make one EPUB of lectures: a title, contents, the lectures, each with its solutions behind it.

    Raises
    ------
    Stop
        If Sphinx warns of something, which it has told, or a notebook is damaged.
    """
    with tempfile.TemporaryDirectory(prefix="course-book-") as name:
        sources, pages = Path(name) / "sources", Path(name) / "pages"
        gather(lectures, sources, language)
        if make_pages(sources, pages, Path(name) / "doctrees", "epub", settings(lectures, language)):
            raise Stop("The book was not made, as told above; one that was there is as it was.")
        return (pages / "book.epub").read_bytes()


def gather(lectures: Sequence[Path], folder: Path, language: str = "") -> None:
    """Lay out what Sphinx reads."""
    figures = folder / "_static" / "figures"
    figures.mkdir(parents=True)
    (folder / "_static" / "ebook.css").write_text(style("ebook.css"), encoding="utf-8")
    shutil.copytree(PICTURES, folder / PICTURES.name)
    for drawing in (folder / PICTURES.name).glob("*.svg"):
        drawing.write_text(IN_THE_DARK.sub("", drawing.read_text(encoding="utf-8")), encoding="utf-8")
    for path in lectures:
        notebook = as_chapter(chapter(path, language), figures, [path.name for path in lectures])
        nbformat.write(notebook, folder / path.name)
    chapters = "\n".join(path.stem for path in lectures)
    (folder / "index.md").write_text(
        f"{front_page(language)}\n```{{toctree}}\n:hidden:\n\n{chapters}\n```\n", encoding="utf-8"
    )


def as_chapter(notebook: NotebookNode, figures: Path, chapters: Sequence[str]) -> NotebookNode:
    """Change a notebook in place: no guards, figures in files, and links only to chapters that are in the book."""

    def kept(found: re.Match) -> str:
        png = base64.b64decode(found[1])
        file = figures / f"{hashlib.sha256(png).hexdigest()[:16]}.png"
        file.write_bytes(png)
        return f'<img src="_static/figures/{file.name}"'

    def link(found: re.Match) -> str:
        return f"[{found[1]}]({found[2]})" if found[2] in chapters else found[1]

    change_markup(notebook, lambda markup: EMBEDDED.sub(kept, ACTIVE.sub("", markup)))
    for cell in notebook.cells:
        cell.metadata.tags = ["remove-input"] if cell.metadata.pop("transient", None) else []
        if cell.cell_type == "markdown":
            cell.source = LINK.sub(link, without_comments(cell.source))
    return notebook


def settings(lectures: Sequence[Path], language: str = "") -> dict[str, object]:
    """Give Sphinx's settings, with what a library wants to know of a book."""
    told = citation()
    title, author = said(TITLE, language), told["authors"][0]["name"]
    which = "/".join(path.stem for path in lectures if list(lectures) != LECTURES)
    address = addresses.site() or addresses.repository() or TITLE
    return {
        "project": title,
        "author": author,
        "version": str(told["version"]),
        "copyright": said("Text and figures: CC BY 4.0. Code: MIT", language),
        "language": language or "en",
        "extensions": ["myst_nb", "course_utils.publishing.ebook"],
        "nb_execution_mode": "off",
        "myst_enable_extensions": ["dollarmath"],
        "pygments_style": "a11y-high-contrast-light",
        "html_math_renderer": "mathml",
        "html_title": title,
        "html_static_path": ["_static"],
        "html_css_files": ["ebook.css"],
        "html_use_index": False,
        "html_domain_indices": False,
        "epub_basename": "book",
        "epub_contributor": author,
        "epub_description": said("Six lectures on attention as Jupyter notebooks, carried by one function.", language),
        "epub_identifier": uuid.uuid5(uuid.NAMESPACE_URL, f"{address}/{language or 'en'}/{which}").urn,
        "epub_uid": "book-id",
        "epub_show_urls": "no",
        "epub_tocdepth": 2,
        "epub_tocdup": False,
        "epub_tocscope": "includehidden",
    }


class Builder(Epub3Builder):
    """Sphinx's own, with pages that are XML in a language, and a package that tells which of them have formulas."""

    def init(self) -> None:
        """Begin."""
        super().init()
        language = self.config.language
        self.html_tag = self.html_tag.replace("<html", f'<html lang="{language}" xml:lang="{language}"')
        self.guide_titles = {**self.guide_titles, "toc": said("Contents", "" if language == "en" else language)}

    def toc_metadata(self, level: int, navpoints: list[NavPoint]) -> dict[str, Any]:
        """Give what the older table of contents says: the book's identifier, where Sphinx has that of its place."""
        return {**super().toc_metadata(level, navpoints), "uid": self.config.epub_identifier}

    def build_epub(self) -> None:
        """Put pages and package right before they are packed."""
        package = self.outdir / "content.opf"
        items = package.read_text(encoding="utf-8").replace("</metadata>", READ_BY)
        for name in self.files:
            if name.endswith(self.out_suffix):
                page = as_xml((self.outdir / name).read_text(encoding="utf-8"))
                (self.outdir / name).write_text(page, encoding="utf-8")
                if "<math" in page:
                    items = re.sub(rf'(<item [^>]*href="{name}")', r'\1 properties="mathml"', items)
        package.write_text(items, encoding="utf-8")
        super().build_epub()


def as_xml(page: str) -> str:
    """Write a page of HTML as XML."""
    page = UNCLOSED.sub(r"<\1 />", NOT_PACKED.sub("", ACTIVE.sub("", page)))
    page = HEAD_WITHOUT_ROW.sub(r"<table><tr>\1</tr>", WITHOUT_VALUE.sub(r'\1 \2="\2"', page))
    return NAMED.sub(lambda found: html.unescape(found[0]), page)


def mathml(tex: str, displayed: bool) -> str:
    """Write a formula of TeX as MathML, with the TeX as its name.

    Raises
    ------
    SphinxError
        If it holds something that docutils does not know.
    """
    written = tex.strip()
    for pattern, known in AS_DOCUTILS_KNOWS_IT:
        written = pattern.sub(known, written)
    try:
        formula = tex2mathml(written, as_block=displayed)
    except MathError as error:
        raise SphinxError(f"{tex}: {error}") from None
    return formula.replace("<math ", f'<math alttext="{html.escape(tex.strip())}" ', 1)


def parts_of(tex: str) -> list[str]:
    """Cut a formula where it has a wide blank, but for one in an environment."""
    return [tex] if r"\begin" in tex else re.split(r"\\qquad\b", tex)


def visit_math(translator: HTML5Translator, formula: nodes.math) -> None:
    """Write a formula in a line."""
    translator.body.append(mathml(formula.astext(), displayed=False))
    raise nodes.SkipNode


def visit_math_block(translator: HTML5Translator, formula: nodes.math_block) -> None:
    """Write a formula on a line of its own, or on several where it has parts and the screen is narrow."""
    parts = "\n".join(mathml(part, displayed=True) for part in parts_of(formula.astext()))
    translator.body.append(f'<div class="formula">{parts}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx what there is."""
    app.add_builder(Builder, override=True)
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
