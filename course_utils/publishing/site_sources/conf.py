"""Sphinx's settings for the course's site: offline, light and dark, lectures with their stored outputs."""

import json
from pathlib import Path

course_site = json.loads(Path(__file__).with_name("course.json").read_text(encoding="utf-8"))

project = course_site["project"]
author = course_site["authors"]
copyright = f"{author}. {course_site['licences']}"
language = course_site["language"] or "en"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_copybutton",
    "course_utils.publishing.links",
]
nb_execution_mode = "off"  # pages show what is committed
nb_render_markdown_format = "myst"
myst_enable_extensions = ["dollarmath", "amsmath", "deflist", "colon_fence"]
myst_heading_anchors = 3
numpydoc_show_class_members = False
autodoc_typehints = "none"  # numpydoc's sections say it
autodoc_preserve_defaults = True  # as the source writes them: no path of the machine that builds

html_theme = "pydata_sphinx_theme"
html_title = course_site["title"]
html_favicon = "_static/mark.svg"
templates_path = ["_templates"]
html_static_path = ["_static"]
html_css_files = ["look.css", "models.css", "cards.css", "site.css"]
html_js_files = ["mathjax/formulas.js", ("table.js", {"defer": "defer"})]
html_search_scorer = str(Path(__file__).with_name("_static") / "scorer.js")
html_baseurl = "/".join([*filter(None, (course_site["address"], course_site["language"])), ""]) * bool(
    course_site["address"]
)
html_show_search_summary = False  # else each search loads every page that it names
html_show_sphinx = False
html_context = {"default_mode": "auto"}
html_show_sourcelink = False
html_copy_source = False  # half of the site's weight, and nothing links to it
html_sidebars = {
    name: [] for name in ("index", "using", "claims", "data", "glossary", "reference", "cite", "search", "genindex")
}
html_theme_options = {
    "logo": {"text": course_site["title"]},
    "header_links_before_dropdown": 5,
    "navbar_end": [*(["languages"] if len(course_site["languages"]) > 1 else []), "theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": {"**": ["page-toc"], "index": []},
    "show_prev_next": True,
    "show_toc_level": 1,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}

mathjax_path = "mathjax/MathJax.js"
mathjax2_config = {
    "jax": ["input/TeX", "output/SVG"],
    "extensions": ["tex2jax.js"],
    "messageStyle": "none",
    "showMathMenu": False,
    "TeX": {"extensions": ["AMSmath.js", "AMSsymbols.js"]},
    "SVG": {"font": "STIX-Web", "linebreaks": {"automatic": True}},
    "tex2jax": {"inlineMath": [["\\(", "\\)"]], "displayMath": [["\\[", "\\]"]], "processClass": "math"},
}
