"""Sphinx set-up: pages in Markdown, the API reference from the docstrings, no network."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "_ext"))

from victor.graph.viz.palette import DARK, LIGHT, Colors  # noqa: E402 - after the path of our extensions

project = "Victor"
author = "The Victor contributors"
copyright = f"2026, {author}"
html_title = "Victor"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "api_reference",
    "reference_pages",
    "page_needs",
    "diagram",
    "example_pages",
    "llms_text",
    "navigation",
]
# An example is a page as it stands: example_pages makes Markdown of it, and leaves out the files that are no examples.
source_suffix = {".md": "markdown", ".rst": "restructuredtext", ".py": "markdown", ".yaml": "markdown"}
exclude_patterns = ["_*", "conf.py", "**/__pycache__"]
templates_path = ["_templates"]


def furo_colors(colors: Colors) -> dict[str, str]:
    """The palette of the diagrams, as the variables of the theme."""
    agent, step = colors.kinds["agent"], colors.kinds["step"]
    return {
        "color-brand-primary": agent.line,
        "color-brand-content": agent.line,
        "color-brand-visited": colors.kinds["team"].line,
        "color-background-primary": colors.paper,
        "color-foreground-primary": colors.ink,
        "color-foreground-secondary": colors.muted,
        "color-foreground-muted": colors.muted,
        "color-background-secondary": step.fill,
        "color-sidebar-background": step.fill,
        "color-sidebar-search-background": colors.paper,
        "color-background-hover": agent.fill,
        "color-background-border": colors.frame,
        "color-sidebar-background-border": colors.frame,
        "color-inline-code-background": step.fill,
        "color-api-name": agent.line,
        "color-api-pre-name": colors.muted,
        "color-highlight-on-target": colors.kinds["condition"].fill,
    }


html_theme = "furo"
html_static_path = ["_static"]
html_favicon = "_static/favicon.svg"
html_css_files = ["site.css"]
html_js_files = [("versions.js", {"defer": "defer"})]
html_theme_options = {
    "navigation_with_keys": True,
    "light_logo": "logo.svg",
    "dark_logo": "logo.svg",
    "light_css_variables": furo_colors(LIGHT),
    "dark_css_variables": furo_colors(DARK),
}
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/versions.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}
html_show_sourcelink = False
html_copy_source = False
pygments_style = "friendly"
pygments_dark_style = "github-dark"

copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True
# `bash` blocks have no prompt and are copied as they are; of a console session the commands alone.
copybutton_exclude = ".linenos, .go"

myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence", "deflist", "fieldlist", "substitution"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
# In the signature, where an editor shows them too. sphinx-autodoc-typehints would evaluate every annotation again (the
# API reference is most of the time of a build), to write what stands in the signature once more below it.
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
# "Attributes:" become fields of the class, so that an attribute with a docstring of its own is not described twice.
napoleon_use_ivar = True
napoleon_use_rtype = False

# `Name` in a docstring leads to what it names, where the reference has it.
default_role = "py:obj"

# Every reference to a name of ours must resolve. Those to other libraries stay plain text: their inventories are
# on the network, and the documentation builds without one.
nitpicky = True
# An annotation that only type checkers import is a bare name to autodoc; two modules may have one such name. And pages
# show files that are broken on purpose, which no lexer reads.
suppress_warnings = ["ref.python", "misc.highlighting_failure"]
nitpick_ignore_regex = [(r"py:.*", r"(?!victor\.).*")]
