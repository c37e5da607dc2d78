"""Sphinx extension of the site: terms, lectures and papers become links, search lands on sections, pages have cards.

What it knows of the course comes from ``course_site`` in the settings, which ``course_utils.publishing.site`` writes.
"""

import html
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from babel import Locale
from docutils import nodes
from sphinx import addnodes, search
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.osutil import relative_uri

from course_utils.publishing.glossary import Term, terms
from course_utils.publishing.korean import SearchKorean

KEPT = (nodes.reference, nodes.literal, nodes.math, nodes.title, nodes.term, nodes.raw, nodes.FixedTextElement)
LECTURE = re.compile(r"\b((?:lecture|강의) )(0\d)\b", re.IGNORECASE)
PAPER = re.compile(
    r"\b(?:arXiv:\s?(?P<arxiv>\d{4}\.\d{4,5})|doi:\s?(?P<doi>10\.\d{4,}/[^\s,;]*[^\s,;.)]))", re.IGNORECASE
)
LONGEST_DESCRIPTION = 200
AFTER_KOREAN = r"(?![\w-])|(?<=[가-힣])(?=[은는이가을를의에로와과도만])"  # a particle may follow a word
NAMES = "names.json"  # of the sections of every page
logger = logging.getLogger(__name__)


class SameNames(SphinxTransform):
    """Give the sections of a page in another language the names that they have on the English page.

    So links find them, and who changes the language stays in the section.
    """

    default_priority = 5

    def apply(self, **_options: object) -> None:
        """Change the page's tree in place."""
        page = self.env.current_document.docname
        names = self.config.course_site["names"].get(page)
        if names is None:
            return
        sections = [*self.document.findall(nodes.section)]
        if len(names) != len(sections):
            logger.warning("the translation has %s headings, and the English page %s", len(sections), len(names))
            return
        slugs = {}
        for section in sections:
            for name in section["ids"]:
                self.document.ids.pop(name, None)
        for section, (name, slug) in zip(sections, names, strict=True):
            section["ids"] = [name]
            self.document.ids[name] = section
            self.document.nameids.update(dict.fromkeys(section["names"], name))
            if slug:
                section["slug"] = slug
                slugs[slug] = (section.line, name, section[0].astext())
        self.document.myst_slugs = self.env.metadata[page]["myst_slugs"] = slugs


def note_names(app: Sphinx, error: Exception | None) -> None:
    """Write down the names of all sections, for the pages in other languages."""
    if error is None:
        trees = {page: app.env.get_doctree(page) for page in sorted(app.env.found_docs)}
        names = {
            page: [(section["ids"][0], section.get("slug")) for section in tree.findall(nodes.section)]
            for page, tree in trees.items()
        }
        (app.doctreedir / NAMES).write_text(json.dumps(names), encoding="utf-8")


def offer_languages(app: Sphinx, page: str, _template: str, context: dict[str, Any], _tree: object) -> None:
    """Let a page lead to the same page in the other languages."""
    known = app.config.course_site
    paths = {code: f"{code}/{page}.html".lstrip("/") for code in known["languages"]}
    root = "../" * (page.count("/") + bool(known["language"]))
    context["course_languages"] = [
        (code or "en", Locale.parse(code or "en").display_name, f"{root}{path}")
        for code, path in paths.items()
        if code != known["language"]
    ]
    if known["address"]:
        context["metatags"] = context.get("metatags", "") + "".join(
            f'<link rel="alternate" hreflang="{code or "en"}" href="{known["address"]}/{path}">'
            for code, path in paths.items()
            if len(paths) > 1
        )


class Links(SphinxPostTransform):
    """Link in the text of a page: each glossary term once, every other lecture, every bare DOI or arXiv number."""

    default_priority = 200

    def run(self, **_options: object) -> None:
        """Change the page's tree in place."""
        known = self.config.course_site
        page = self.env.current_document.docname
        glossary = terms(known["glossary"])
        if page.startswith("lectures/"):
            self._index(page, glossary)
            for code in self.document.findall(nodes.literal_block):
                code["classes"].append("no-search")  # a search for softmax should find its section, not its calls
        if page in ("glossary", "index"):
            return
        korean = self.config.course_site["language"] == "ko"
        names = {name.lower(): (name, term) for term in glossary for name in (term.korean if korean else term.names)}
        longest_first = sorted(names, key=len, reverse=True)
        behind = AFTER_KOREAN if korean else r"(s?)(?![\w-])"
        words = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, longest_first))})(?:{behind})", re.IGNORECASE)
        met: set[Term] = set()
        is_lecture = page.startswith("lectures/") and not page.endswith("index")
        for text in [*self.document.findall(nodes.Text)]:
            if any(isinstance(above, KEPT) for above in _above(text)):
                continue
            pieces: list[nodes.Node] = [nodes.Text(text.astext())]
            pieces = _split(pieces, LECTURE, lambda found: self._lecture(page, found))
            pieces = _split(pieces, PAPER, _paper)
            if is_lecture:
                pieces = _split(pieces, words, lambda found: self._term(page, *names[found[1].lower()], found, met))
            if any(not isinstance(piece, nodes.Text) for piece in pieces):
                text.parent.replace(text, pieces)

    def _lecture(self, page: str, found: re.Match) -> nodes.Node | None:
        target = self.config.course_site["lectures"].get(found[2])
        if target is None or page.rpartition("/")[2] == target.rpartition("/")[2]:
            return None
        return self._reference(page, target, found[0])

    def _term(self, page: str, name: str, term: Term, found: re.Match, met: set[Term]) -> nodes.Node | None:
        if term in met or (name.isupper() and found[1] != name):
            return None
        met.add(term)
        place = self.env.domains.standard_domain.objects.get(("term", term.names[0]))
        if place is None:
            return None
        link = self._reference(page, f"{place[0]}#{place[1]}", found[0])
        link["classes"].append("term")
        link["reftitle"] = term.meaning
        return link

    def _reference(self, page: str, target: str, text: str) -> nodes.reference:
        name, hash_sign, anchor = target.partition("#")
        address = relative_uri(f"{page}.html", f"{name}.html") + hash_sign + anchor
        return nodes.reference("", text, internal=True, refuri=address)

    def _index(self, page: str, glossary: list[Term]) -> None:
        """Enter each term that this page teaches into the index of the search, with its section as the place."""
        sections = dict(_sections(self.document))
        for term in glossary:
            if term.page == page and term.section in sections:
                named = [*term.names, *term.korean]
                entries = [("single", name, sections[term.section], "main", None) for name in named]
                self.document.insert(0, addnodes.index("", entries=entries))


def _sections(document: nodes.document) -> Iterator[tuple[str, str]]:
    """Give the name of each section in a link, as GitHub would make it, and its place on the page."""
    for section in document.findall(nodes.section):
        yield section.get("slug") or section["ids"][0], section["ids"][0]


def _above(node: nodes.Node) -> Iterator[nodes.Node]:
    while node.parent is not None:
        node = node.parent
        yield node


def _split(pieces: list[nodes.Node], pattern: re.Pattern, make: Any) -> list[nodes.Node]:
    """Replace what a pattern finds in pieces of text by the node that is made of it; None leaves it as it is."""
    result: list[nodes.Node] = []
    for piece in pieces:
        if not isinstance(piece, nodes.Text):
            result.append(piece)
            continue
        text, done = piece.astext(), 0
        for found in pattern.finditer(text):
            made = make(found)
            if made is not None:
                result += [nodes.Text(text[done : found.start()])] if found.start() > done else []
                result.append(made)
                done = found.end()
        result += [nodes.Text(text[done:])] if done < len(text) else []
    return result


def _paper(found: re.Match) -> nodes.Node:
    address = f"https://arxiv.org/abs/{found['arxiv']}" if found["arxiv"] else f"https://doi.org/{found['doi']}"
    return nodes.reference("", found[0], refuri=address)


def describe(app: Sphinx, page: str, _template: str, context: dict[str, Any], tree: nodes.document | None) -> None:
    """Give a page its description and its card, and let its pictures wait until they are near."""
    body = context.get("body")
    if not body:
        return
    context["body"] = re.sub(r"<img (?![^>]*\bloading=)", '<img loading="lazy" ', body)
    context["body"] = re.sub(r'(<dt id="term-[^"]*")>(?=[가-힣])', r'\1 lang="ko">', context["body"])
    known = app.config.course_site
    description = known["descriptions"].get(page) or _first_paragraph(tree) or known["description"]
    card: Mapping[str, str] = {
        "og:title": re.sub("<.*?>", "", context.get("title", "")),
        "og:description": description,
        "og:type": "article",
        "og:site_name": app.config.html_title,
    }
    lines = [f'<meta name="description" content="{html.escape(description)}">']
    if known["address"]:
        picture = known["pictures"].get(page, known["pictures"]["index"])
        card = {**card, "og:url": f"{app.config.html_baseurl}{page}.html", "og:image": f"{known['address']}/{picture}"}
        lines.append('<meta name="twitter:card" content="summary_large_image">')
    lines += [f'<meta property="{name}" content="{html.escape(html.unescape(value))}">' for name, value in card.items()]
    context["metatags"] = context.get("metatags", "") + "\n".join(lines)


def _first_paragraph(tree: nodes.document | None) -> str:
    for paragraph in [] if tree is None else tree.findall(nodes.paragraph):
        text = " ".join(paragraph.astext().split())
        if len(text) > 40 and not next(paragraph.findall(nodes.math), None):
            return text if len(text) <= LONGEST_DESCRIPTION else text[:LONGEST_DESCRIPTION].rpartition(" ")[0] + " …"
    return ""


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx what there is."""
    app.add_config_value("course_site", {}, "env")
    app.add_post_transform(Links)
    search.languages.setdefault("ko", SearchKorean)
    app.add_transform(SameNames)
    app.connect("html-page-context", describe)
    app.connect("html-page-context", offer_languages)
    app.connect("build-finished", note_names)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
