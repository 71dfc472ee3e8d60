"""Make the navigation in the sidebar once, not once for each page.

It names all guides, examples and packages, and is the same on every page but for where its links begin and which entry
is the current one. Sphinx and furo would make it anew for each of the more than a thousand pages (most of them modules
and their source), which is two thirds of a build.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from furo.navigation import get_navigation_tree

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sphinx.application import Sphinx

ENTRY = r'<li class="(toctree-l\d+)((?: has-children)?)"><a class="reference internal" href="{}">'


def tree_of(app: Sphinx) -> str:
    """The navigation as the page at the root would have it; made at the first page."""
    found: str | None = vars(app).get("_navigation")
    if found is None:
        builder: Any = app.builder
        toctree = builder._get_local_toctree(
            app.config.root_doc, collapse=False, titles_only=True, maxdepth=-1, includehidden=True
        )
        found = vars(app)["_navigation"] = get_navigation_tree(toctree)
    return found


def parents_of(page: str, includes: Mapping[str, list[str]]) -> list[str]:
    """The pages whose lists lead to a page, from the root.

    Args:
        page: Its name.
        includes: The lists of all pages.

    Example:
        >>> parents_of("guides/teams", {"index": ["guides/index"], "guides/index": ["guides/teams"]})
        ['index', 'guides/index']
    """
    chain: list[str] = []
    while (above := next((name for name, below in includes.items() if page in below), None)) and above not in chain:
        chain.append(above)
        page = above
    return chain[::-1]


def on_page(tree: str, page: str, parents: list[str]) -> str:
    """The navigation as a page shows it: links from there, and the way to it marked and unfolded.

    Args:
        tree: As the page at the root has it.
        page: Its name.
        parents: The pages that lead to it.
    """
    for name in parents:
        entry = re.compile(ENTRY.format(re.escape(f"{name}.html")) + r"(.*?</a><input [^>]*?) class=")
        tree = entry.sub(
            lambda found, name=name: (  # type: ignore[misc]
                f'<li class="{found[1]} current{found[2]}"><a class="reference internal" href="{name}.html">'
                f'{found[3]} checked="" class='
            ),
            tree,
            count=1,
        )
    own = re.compile(ENTRY.format(re.escape(f"{page}.html")))
    tree = own.sub(
        r'<li class="\1 current\2 current-page"><a class="current reference internal" href="#">', tree, count=1
    )
    own_list = re.compile(r'( current has-children current-page">.*?</a><input [^>]*?) class=')
    tree = own_list.sub(r'\1 checked="" class=', tree, count=1)
    return re.sub(r'href="(?![#/]|[a-z]+:)', f'href="{"../" * page.count("/")}', tree)


def leave_out(app: Sphinx, page: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    """Before furo: there is no navigation to make."""
    if app.builder.name == "html":
        context["toctree"] = lambda **_: ""


def put_in(app: Sphinx, page: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    """After furo: the navigation, as this page shows it."""
    if app.builder.name == "html":
        parents = parents_of(page, app.env.toctree_includes)
        context["furo_navigation_tree"] = on_page(tree_of(app), page, parents)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("html-page-context", leave_out, priority=100)
    app.connect("html-page-context", put_in, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
