"""Sphinx set-up: pages in Markdown, the API reference from the docstrings, no network."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "_ext"))

project = "Victor"
author = "The Victor contributors"
copyright = f"2026, {author}"
html_title = "Victor"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "api_reference",
]
exclude_patterns = ["_ext", "examples"]
html_theme = "furo"
html_static_path: list[str] = []
html_theme_options = {"navigation_with_keys": True}
html_show_sourcelink = False

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist", "substitution"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
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
# An annotation that only type checkers import is a bare name to autodoc; two modules may have one such name.
suppress_warnings = ["ref.python"]
nitpick_ignore_regex = [(r"py:.*", r"(?!victor\.).*")]
