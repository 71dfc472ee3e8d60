"""Say below the title of a page which packages it needs: ``needs: [victor-core, victor-graph]`` in its front matter.

The line is a shell block like any other, so that it can be copied. A page that says nothing is reported, and so is a
package or an extra that does not exist.
"""

from __future__ import annotations

import json
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.util import logging

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sphinx.application import Sphinx

log = logging.getLogger(__name__)

WITHOUT = re.compile(r"reference/api/|examples/")
"""Pages that are generated: the API reference, and examples, which have a header of their own."""


@cache
def distributions(folder: Path) -> dict[str, frozenset[str]]:
    """The packages of the workspace, and the extras of each."""
    found = {}
    for file in sorted(folder.glob("*/pyproject.toml")):
        project = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
        found[project["name"]] = frozenset(project.get("optional-dependencies", {}))
    return found


def problems(needs: Sequence[str], known: dict[str, frozenset[str]]) -> list[str]:
    """What is wrong with a list of packages.

    Args:
        needs: ``victor-core``, ``victor-graph[postgres]``.
        known: The packages there are, and their extras.
    """
    found = []
    for need in needs:
        name, _, rest = need.partition("[")
        extras = {extra.strip() for extra in rest.removesuffix("]").split(",")} if rest else set()
        if name.startswith("victor-") and name not in known:
            found.append(f"there is no package {name!r}")
        elif missing := extras - known.get(name, frozenset(extras)):
            found.append(f"{name} has no extra {', '.join(sorted(missing))}")
    return found


def install_line(needs: Sequence[str]) -> str:
    """The line that installs the packages among them.

    Example:
        >>> install_line(["victor-core", "victor-graph[png]", "git"])
        "pip install victor-core 'victor-graph[png]'"
    """
    return "pip install " + " ".join(f"'{need}'" if "[" in need else need for need in needs if is_package(need))


def is_package(need: str) -> bool:
    """Whether it is one of our packages; anything else, such as a program, is told in words."""
    return need.startswith("victor-")


def needs_node(needs: Sequence[str]) -> nodes.Node:
    """The line below the title."""
    parts: list[nodes.Node] = [nodes.inline("", "Needs", classes=["needs-label"])]
    if any(map(is_package, needs)):
        text = install_line(needs)
        parts.append(nodes.literal_block(text, text, language="bash", classes=["install-line"]))
    if others := [need for need in needs if not is_package(need)]:
        parts.append(nodes.inline("", ("and " if parts[1:] else "") + ", ".join(others)))
    return nodes.container("", *parts, classes=["needs"])


def show(app: Sphinx, document: nodes.document) -> None:
    """Put the line below the title; report a page that does not say what it needs."""
    page = app.env.docname
    given = app.env.metadata[page].get("needs")
    if given is None:
        if not WITHOUT.match(page):
            log.warning("front matter is missing: which packages does it need? (`needs: []` where none)", location=page)
        return
    needs = read(given)
    for problem in problems(needs, distributions(app.srcdir.parent / "packages")):
        log.warning("needs: %s", problem, location=page)
    title = next(document.findall(nodes.title), None)
    if needs and title is not None and title.parent is not None:
        title.parent.insert(title.parent.index(title) + 1, needs_node(needs))


def read(given: str) -> list[str]:
    """The list, from what the parser made of it: JSON."""
    value = json.loads(given)
    return [str(need) for need in value] if isinstance(value, list) else [str(value)]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("doctree-read", show)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
