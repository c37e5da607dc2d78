"""The course as a static site, from the notebooks as they are committed: ``python3 course.py site [--open]``.

Nothing is executed and nothing is fetched: the pages are made of the notebooks' stored outputs, the records and the
package's docstrings, and they ask for nothing outside. A link that needs an address (source, Binder) is there only
where the address is known, see ``course_utils.publishing.addresses``.
"""

import argparse
import contextlib
import html
import json
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import nbformat
import yaml
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from sphinx.application import Sphinx
from sphinx.errors import SphinxError
from sphinx.util.docutils import docutils_namespace, patch_docutils

from course_utils.command_line import parse
from course_utils.explorer.stages import STAGES, stage_html
from course_utils.files import (
    CHECKOUT,
    CLAIMS,
    EXPERIMENT_NOTEBOOKS,
    EXPERIMENTS,
    LECTURES,
    NOTEBOOKS,
    PICTURES,
    README,
    START_AND_LECTURES,
)
from course_utils.folders import foreign, manifest, private_folder, put, refuse
from course_utils.languages.catalogues import checked, released
from course_utils.languages.speaking import said, speaker
from course_utils.languages.weave import CODE, change_markup, headings, say_outputs, slug, woven, woven_page
from course_utils.palette import LIGHT
from course_utils.publishing import addresses, claims
from course_utils.publishing.assets import copy_mathjax, write_look
from course_utils.publishing.glossary import as_page as glossary_page
from course_utils.publishing.home import Card, cards, effort, explorer, finding, one_table, question, raw
from course_utils.publishing.lighter import Styles, lighten
from course_utils.publishing.links import NAMES
from course_utils.publishing.notebooks import (
    filled,
    picture_file,
    put_pictures_into_files,
    section,
    table,
    without_comments,
    without_what_passes,
)
from course_utils.publishing.server import serve
from course_utils.publishing.slides import write_decks
from course_utils.refusals import Stop, carry_out, check_folder, read_json, read_notebook, read_text

NAME = "site"
EXERCISES = "exercises"
OF_THE_THEME = (  # what it says in English whatever the language
    *("Link to this heading", "Link to this term", "Link to this definition", "Color mode", "System Settings", "Light"),
    *("Dark", "Search the docs ...", "Show code cell source", "Hide code cell source", "Toggle hidden content", "More"),
    *("Section Navigation", "On this page", "Skip to main content", "Back to top", "Site navigation", "Breadcrumb"),
    *("Home", "previous page", "next page", "Collapse Sidebar", "Expand Sidebar", "Version warning"),
)
SHARED = ("_static", "_images")  # where Sphinx puts what pages of all languages show
OF_A_PAGES_BRANCH = ("CNAME", "LICENSE", "README.md")  # what may be in a folder before the first build, beside .git
FIRST = ("index.html", "objects.inv")  # known before the work: a site that was not built by this command has them
SOURCES = Path(__file__).with_name("site_sources")
CARDS = CHECKOUT / "datasets" / "README.md"


def build(folder: Path, address: str = "", languages: Sequence[str] = ()) -> int:
    """Build the site; a warning is an error, and then the site that was there stays. Gives Sphinx's exit status.

    English is at its root; each language that is released or named has a folder there, and shares what is the same.

    Only what the last build wrote is replaced or removed; all else in the folder stays.

    Raises
    ------
    Stop
        If something is in the way that no build wrote; then nothing was changed.
    """
    folder = check_folder(folder)
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if not manifest(folder, NAME).exists():
            refuse_unless_for_a_site(folder)
        refuse(folder, NAME, foreign(folder, NAME, FIRST))
        with private_folder(folder, NAME) as work:
            pages, status = work / "pages", 0
            names: dict[str, Any] = {}
            codes = ["", *dict.fromkeys([*released(), *languages])]
            for code in codes:
                sources, doctrees = work / f"sources{code}", work / f"doctrees{code}"
                gather(sources, pages / code, address, code, codes, names)
                status = status or make_pages(sources, pages / code, doctrees)
                if status == 0 and len(codes) > 1 and not names:
                    names = read_json(doctrees / NAMES)
            if status == 0:
                finish(pages, address, codes)
                put(pages, folder, NAME)
    finally:
        if is_new:
            with contextlib.suppress(OSError):  # something is in it
                folder.rmdir()
    return status


def finish(pages: Path, address: str, codes: Sequence[str] = ("",)) -> None:
    """Add what Sphinx does not make, and take away what no reader needs."""
    for marks in pages.rglob(".buildinfo"):
        marks.unlink()  # for the next build into the same pages, which is none
    shutil.rmtree(pages / "jupyter_execute", ignore_errors=True)  # myst-nb leaves it beside a folder of pages
    if not (pages / "lectures").is_dir():
        return
    for code in codes:
        if code:
            share(pages, pages / code)
            translate_theme(pages / code, code)
        write_decks(LECTURES, pages / code / "slides", shared=pages / "_static", language=code)
    lighten(pages)
    home = html.escape(f"{address}/")
    lost = read_text(SOURCES / "not_found.html").replace("HOME", home)
    (pages / "404.html").write_text(lost, encoding="utf-8")
    if address:
        found = sorted(str(page.relative_to(pages)) for page in pages.rglob("*.html"))
        shown = [page for page in found if Path(page).name not in ("404.html", "search.html", "genindex.html")]
        lines = [f"<url><loc>{html.escape(f'{address}/{page}')}</loc></url>" for page in shown]
        lines = ['<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">', *lines, "</urlset>\n"]
        (pages / "sitemap.xml").write_text("\n".join(lines), encoding="utf-8")


def share(pages: Path, others: Path) -> None:
    """Let the pages of another language use the files of the English ones where they are the same."""
    same = set()
    for folder in SHARED:
        for file in [path for path in (others / folder).rglob("*") if path.is_file()]:
            name = file.relative_to(others)
            if (pages / name).is_file() and (pages / name).read_bytes() == file.read_bytes():
                file.unlink()
                same.add(name.as_posix())
    place = re.compile(rf'(["\'(,]\s*)(?:\.\./)*((?:{"|".join(SHARED)})/[^"\'?#)\s]+)')
    for page in others.rglob("*.html"):
        up = "../" * (len(page.relative_to(pages).parts) - 1)

        def shared(found: re.Match, up: str = up) -> str:
            return f"{found[1]}{up}{found[2]}" if found[2] in same else found[0]

        page.write_text(place.sub(shared, page.read_text(encoding="utf-8")), encoding="utf-8")


def translate_theme(pages: Path, language: str) -> None:
    """Say in a language what the theme says on each page in English."""
    words = re.compile(rf'(?<=[>"])(\s*)({"|".join(map(re.escape, OF_THE_THEME))})(?=\s*[<"])')
    for page in pages.rglob("*.html"):
        text = words.sub(lambda found: found[1] + said(found[2], language), page.read_text(encoding="utf-8"))
        page.write_text(text, encoding="utf-8")


def make_pages(
    sources: Path, pages: Path, doctrees: Path, builder: str = "html", settings: dict[str, Any] | None = None
) -> int:
    """Run Sphinx and give its exit status; Ctrl-C and what the system refuses come through as they are.

    Settings are those of ``conf.py`` in the sources, unless they are given.
    """
    try:
        with patch_docutils(sources), docutils_namespace():
            options: dict[str, Any] = {"status": None, "warning": sys.stderr, "warningiserror": True, "parallel": 2}
            app = Sphinx(sources, None if settings else sources, pages, doctrees, builder, settings, **options)
            app.build()
            return app.statuscode
    except SphinxError as error:
        print(f"{error.category}: {error}", file=sys.stderr)
        return 2


def refuse_unless_for_a_site(folder: Path) -> None:
    """Stop where a folder, in which no site was built before, is used for something else."""
    others = [path.name for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    others = [name for name in others if name not in OF_A_PAGES_BRANCH]
    if others:
        raise Stop(
            f"{folder} holds something else than a site built by this command ({', '.join(others[:3])}); nothing was "
            "written. Name an empty or a new folder with --to, or move away what is there."
        )


def gather(
    folder: Path,
    pages: Path,
    address: str = "",
    language: str = "",
    languages: Sequence[str] = ("",),
    names: Mapping[str, Any] | None = None,
) -> None:
    """Lay out what Sphinx reads, and in ``pages`` what it does not: pages of our own, notebooks, decks, data cards.

    ``names`` are those of the sections of the English pages, which the pages in another language have as well.
    """
    readme = woven_page(read_text(README), language, headings=False)
    glossary = woven_page(read_text(SOURCES / "glossary.md"), language)
    rows = table(readme)
    shutil.copytree(SOURCES, folder, ignore=shutil.ignore_patterns("not_found.html"))
    static = folder / "_static"
    copy_mathjax(static / "mathjax")
    write_look(static)
    (static / "models.css").write_text(colours_of_models(), encoding="utf-8")
    shutil.copytree(PICTURES, folder / "lectures" / "pictures")
    for kind in (EXPERIMENTS.name, EXERCISES):
        (folder / "lectures" / kind).mkdir()
    english = {path: read_notebook(path) for path in (*START_AND_LECTURES, *EXPERIMENT_NOTEBOOKS)}
    notebooks = {path: woven(notebook, path, language, anchors=False) for path, notebook in english.items()}
    repository = addresses.repository()
    offered, descriptions, pictures, styles = [], {}, {}, Styles()
    for path, notebook in notebooks.items():
        name = str(path.relative_to(NOTEBOOKS).with_suffix(""))
        page = as_page(notebook, name.replace("/", "-"))
        say_outputs(page, language)
        up = "../" * (1 + name.count("/"))
        put_pictures_into_files(page, static / "figures", f"{up}_static/figures", lazy=True)
        change_markup(page, styles.taken_from)
        links = actions(path, up, repository, language)
        told = ""
        if path not in EXPERIMENT_NOTEBOOKS:
            write_without_outputs(woven(english[path], path, language), pages / "notebooks" / path.name)
        if path in LECTURES:
            asked = effort(english[path], path.name)
            told = said(str(asked), language)
            file, kind = picture_file((PICTURES / f"{path.stem}.png").read_bytes(), static / "figures")
            picture = f"_static/figures/{file}"
            offered.append(
                Card(f"lectures/{path.stem}.html", title_of(page), picture, kind, finding(readme, path), asked)
            )
            descriptions[f"lectures/{name}"] = question(notebook)
            pictures[f"lectures/{name}"] = picture
            tasks = exercises(page, path, english[path], language)
            nbformat.write(tasks, folder / "lectures" / EXERCISES / path.name)
        add_below_title(page, bar(links, told, language))
        nbformat.write(page, folder / "lectures" / path.relative_to(NOTEBOOKS))
    text = woven_page(read_text(CLAIMS), language)
    claims_page, words = claims.page(text, styles, speaker(language).shown, notebooks)
    (folder / "claims.md").write_text(claims_page, encoding="utf-8")
    (static / "cards.css").write_text(styles.sheet(), encoding="utf-8")
    came_out = {
        "the aims": section(readme, "What you will be able to do"),
        "the verdicts": raw(speaker(language).shown(claims.bar(words))),
    }
    write_pages(folder, rows, glossary, offered, came_out, repository, language)
    known = {
        "address": address,
        "glossary": glossary,
        "lectures": {path.stem[:2]: f"lectures/{path.stem}" for path in LECTURES},
        "descriptions": descriptions,
        "description": said("Six lectures on attention as Jupyter notebooks, carried by one function.", language),
        "title": said("Attention in six lectures", language),
        "project": said("Attention, from sequence to sequence to graphs", language),
        "licences": said("Text and figures: CC BY 4.0. Code: MIT", language),
        "language": language,
        "languages": languages,
        "names": names or {},
        "pictures": {"index": offered[1].picture, **pictures},
        "authors": citation()["authors"][0]["name"],
    }
    (folder / "course.json").write_text(json.dumps(known), encoding="utf-8")


def write_pages(
    folder: Path,
    rows: Sequence[Sequence[str]],
    glossary: str,
    offered: Sequence[Card],
    told: Mapping[str, str],
    repository: str,
    language: str = "",
) -> None:
    """Write the pages that are no notebooks."""

    def spoken(markup: str) -> str:
        return raw(speaker(language).shown(markup))

    ways = [
        (offered[0].page, said("Read lecture 01", language), "main"),
        ("play.html", said("Play with it", language), ""),
        ("using.html", said("Run it on your laptop", language), ""),
        ("teaching.html", said("Teach with it", language), ""),
    ]
    if repository:
        ways.append((repository, said("Source", language), ""))
    parts = {
        "ways in": spoken(f'<p class="ways">{"".join(map(link, ways))}</p>'),
        "explorer": spoken(explorer()),
        "stage": spoken(stage_html("equation", "02")),
        "the table": spoken(one_table(rows, [card.page for card in offered])),
        "the cards": spoken(cards(offered)),
        **told,
    }
    stages = {f"stage {name}": spoken(stage_html(name, "02")) for name in STAGES}
    for name, marked in (("index.md", parts), ("play.md", stages)):
        (folder / name).write_text(filled(woven_page(read_text(folder / name), language), marked), encoding="utf-8")
    for name in ("using.md", "teaching.md", "beyond.md"):
        (folder / name).write_text(woven_page(read_text(folder / name), language), encoding="utf-8")
    data = in_english(read_text(CARDS), said("The data of this course", language), language)
    (folder / "data.md").write_text(data, encoding="utf-8")
    reference = in_english(read_text(folder / "reference.md"), said("Reference", language), language)
    (folder / "reference.md").write_text(reference, encoding="utf-8")
    (folder / "glossary.md").write_text(glossary_page(glossary, said("Taught in", language)), encoding="utf-8")
    (folder / "cite.md").write_text(cite(repository, language), encoding="utf-8")
    here = [replace(card, page=card.page.removeprefix("lectures/"), picture=f"../{card.picture}") for card in offered]
    lists = {
        "": (said("The lectures", language), spoken(cards(here, level=2)), START_AND_LECTURES),
        EXERCISES: (
            said("Exercises", language),
            said("The exercises of each lecture, with hints in two steps and a solution, folded.", language),
            LECTURES,
        ),
        EXPERIMENTS.name: (
            said("Experiments", language),
            said("How the claims of each lecture were measured.", language),
            EXPERIMENT_NOTEBOOKS,
        ),
    }
    for kind, (title, text, paths) in lists.items():
        hidden = "" if kind else ":hidden:\n"
        names = "\n".join(path.stem for path in paths)
        page = f"# {title}\n\n{text}\n\n```{{toctree}}\n{hidden}:maxdepth: 1\n\n{names}\n```\n"
        (folder / "lectures" / kind / "index.md").write_text(page, encoding="utf-8")


def as_page(notebook: NotebookNode, name: str) -> NotebookNode:
    """Give a copy as it is read on a page: without guards, its displayed equations numbered, by a name of its own."""
    notebook = deepcopy(notebook)
    without_what_passes(notebook)
    equations = 0

    def numbered(match: re.Match) -> str:
        nonlocal equations
        equations += 1
        return f"{match[0]} (equation-{name}-{equations})"

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            source = without_comments(cell.source)
            cell.source = re.sub(r"^\$\$.+?\$\$$", numbered, source, flags=re.DOTALL | re.MULTILINE)
    return notebook


def exercises(page: NotebookNode, path: Path, english: NotebookNode | None = None, language: str = "") -> NotebookNode:
    """Move what one works with (stub, hints, solution) from a lecture's page to one of its own, and link the two.

    The question stays in the lecture, beside the idea that it practises, and is repeated on the new page. The check is
    left out of both: it has nothing to say on a page.
    """
    cells = [
        new_markdown_cell(
            f"# {path.stem[:2]} · {said('Exercises', language)}\n\n"
            + said(f"From [{title_of(page)}](../{path.name}).", language)
        )
    ]
    titles = {cell.id: heading_of(cell) for cell in (english or page).cells}
    gone: list[NotebookNode] = []
    for place, stub in enumerate(page.cells):
        if "exercise" not in tags(stub):
            continue
        first = next(at for at in range(place, -1, -1) if heading_of(page.cells[at]))
        behind = list(takewhile(lambda cell: "exercise" not in tags(cell), page.cells[place + 1 :]))
        parts = [cell for cell in behind if tags(cell) & {"hints", "solution"}]
        heading = titles[page.cells[first].id]
        for cell in (*page.cells[first:place], stub, *parts):
            again = deepcopy(cell)
            for output in again.get("outputs", []):
                if "text/html" in output.get("data", {}):
                    output.data["text/html"] = output.data["text/html"].replace('src="../', 'src="../../')
            if cell.cell_type == "markdown":
                again.source = from_below(cell.source, path)
            cells.append(again)
        upto = max((at for at, cell in enumerate(behind, start=1) if tags(cell) & {"hints", "solution"}), default=0)
        gone += page.cells[place : place + upto + 1]
        stub.cell_type, stub.source = (
            "markdown",
            f"[{said('Stub, hints and solution', language)}]({EXERCISES}/{path.name}#{slug(heading)})",
        )
        for key in ("outputs", "execution_count"):
            stub.pop(key, None)
        gone.remove(stub)
    page.cells = [cell for cell in page.cells if not any(cell is other for other in gone)]
    return nbformat.v4.new_notebook(cells=cells, metadata=page.metadata)


def heading_of(cell: NotebookNode) -> str:
    """Give the first heading in a cell below the title's level, empty if it has none."""
    found = headings(cell.source) if cell.cell_type == "markdown" else iter(())
    return next((title for level, title in found if level > 1), "")


def tags(cell: NotebookNode) -> set[str]:
    """Give a cell's tags."""
    return set(cell.metadata.get("tags", []))


def from_below(source: str, path: Path) -> str:
    """Give text of a lecture as it is read a folder further down, below a title: its links lead to the same places."""
    pieces = re.split(rf"({CODE.pattern})", source, flags=CODE.flags)
    for at in range(0, len(pieces), 2):  # between code, in which such signs mean something else
        text = re.sub(r'(\]\(|src=")(?!\w+:|#)', r"\1../", re.sub(r"^#+ ", "## ", pieces[at], flags=re.MULTILINE))
        pieces[at] = re.sub(r"\]\(#", f"](../{path.name}#", text)
    return "".join(pieces)


def title_of(page: NotebookNode) -> str:
    """Give a notebook's title, the heading of its first cell."""
    return page.cells[0].source.splitlines()[0].lstrip("# ")


def write_without_outputs(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook for those who take it away: to run, so without outputs."""
    notebook = deepcopy(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


Link = tuple[str, str, str]  # address, words, class


def actions(path: Path, up: str, repository: str, language: str = "") -> list[Link]:
    """Give what can be done with a notebook; what needs an address is there only where it is known."""
    in_checkout = str(path.relative_to(CHECKOUT))
    lecture = path.stem if path in LECTURES else ""
    found = [
        ("" if path in EXPERIMENT_NOTEBOOKS else f"{up}notebooks/{path.name}", said("Download", language), "download"),
        (addresses.binder(repository, in_checkout), "Binder", ""),
        (lecture and f"{up}slides/{lecture}.html", said("Slides", language), ""),
        (lecture and f"{EXERCISES}/{lecture}.html", said("Exercises", language), ""),
        (lecture and f"{EXPERIMENTS.name}/{lecture}.html", said("Experiment", language), ""),
        ("" if path not in EXPERIMENT_NOTEBOOKS else f"../{path.stem}.html", said("Lecture", language), ""),
        (addresses.source(repository, in_checkout), said("Source", language), ""),
        (f"{up}cite.html", said("Cite", language), ""),
    ]
    return [entry for entry in found if entry[0]]


def link(entry: Link) -> str:
    """Give a link as HTML; one of the class ``download`` is saved and not shown."""
    address, words, kind = entry
    return f'<a href="{address}"{" download" if kind == "download" else ""} class="action {kind}">{words}</a> '


def bar(links: Sequence[Link], told: str, language: str = "") -> str:
    """Give the line below a title: what the lecture asks for, and what can be done with it."""
    effort_line = f'<p class="effort">{told}</p>' if told else ""
    printed = f'<button type="button" class="action pst-js-only" onclick="print()">{said("Print", language)}</button>'
    label = said("This notebook", language)
    return f'{effort_line}<nav class="actions" aria-label="{label}">{"".join(map(link, links))}{printed}</nav>'


def add_below_title(page: NotebookNode, markup: str) -> None:
    """Put HTML between a page's title and its text."""
    title, _, rest = page.cells[0].source.partition("\n")
    page.cells[0].source = f"{title}\n\n{raw(markup)}\n{rest}"


def citation() -> dict[str, Any]:
    """Read CITATION.cff."""
    return yaml.safe_load(read_text(CHECKOUT / "CITATION.cff"))


def in_english(page: str, title: str, language: str) -> str:
    """Give a page, which is there in English only, with its title in a language and a line that says so."""
    note = f"\n*{said('This page is in English.', language)}*\n" if language else ""
    return f"# {title}\n{note}{page.partition(chr(10))[2]}"


def cite(repository: str, language: str = "") -> str:
    """Write how to cite the course, in words and for BibTeX, from CITATION.cff."""
    told = citation()
    authors = " and ".join(author["name"] for author in told["authors"])
    fields = {"title": f"{{{told['title']}}}", "author": f"{{{authors}}}", "version": str(told["version"])}
    if repository:
        fields["url"] = repository
    lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
    where = f" {repository}" if repository else ""
    licences = said(
        "Text and figures are under [CC BY 4.0](https://creativecommons.org/licenses/by/4.0/), code is under the MIT "
        "licence. The [data sets](data.md) have licences of their own.",
        language,
    )
    return (
        f"# {said('Cite', language)}\n\n{authors}: *{told['title']}*. Version {told['version']}.{where}\n\n"
        f"```bibtex\n@software{{attention_course,\n{lines}\n}}\n```\n\n"
        f"{licences}\n"
    )


def colours_of_models() -> str:
    """Give the rules that colour the drawings of the table's rows, in light and dark."""
    rules = [
        f".model .{name} {{ fill: var(--{name.replace('_', '-')}) }} "
        f".model .{name}-stroke {{ stroke: var(--{name.replace('_', '-')}) }}"
        for name in LIGHT
    ]
    return "\n".join(rules) + "\n"


def main(command_line: Sequence[str]) -> int:
    """Run ``course.py site`` with the rest of its command line; give the exit status."""
    return run(parse(["site", *command_line]))


def run(arguments: argparse.Namespace) -> int:
    """Build the site, and show it; give the exit status."""
    language = checked(arguments.language)
    status = build(arguments.to, arguments.address.rstrip("/") or addresses.site(), [language] if language else [])
    if status:
        print("The site was not built, as told above; one that was there is as it was.", file=sys.stderr)
        return status
    print(arguments.to / "index.html", flush=True)
    if arguments.open:
        serve(arguments.to, "index.html")
    return 0


if __name__ == "__main__":
    sys.exit(carry_out(lambda: main(sys.argv[1:])))
