"""Write what language models read of the site: ``llms.txt``, ``llms-full.txt``, and every page as Markdown.

``llms.txt`` follows the format of llmstxt.org: a title, a summary, and lists of links with a line on each. The links
lead to the pages as Markdown, which lie beside the HTML (``guides/x.html.md``). ``llms-full.txt`` holds the full text
of what explains (guides, reference, models); of the examples it holds the list, and of the API nothing: these are
many times as long. It says so.

sphinx-llms-txt does the first half. It copies sources as they are, so our pictures and lists of examples, which are
made at build time, would be missing from the text; here they are in it, a picture as Mermaid.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diagram import FENCE, DiagramError, draw
from page_needs import install_line, is_package
from sphinx.util import logging

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence, Set

    from sphinx.application import Sphinx

log = logging.getLogger(__name__)

SUMMARY = (
    "Victor is a framework for agentic AI in Python: agents that use tools, workflows that connect them, teams of "
    "agents, and one stream of events that shows what they do. It comes as separate packages that share the namespace "
    "`victor`: install `victor-core`, `victor-tools`, `victor-graph`, `victor-teams` or `victor-observability`, as "
    "needed. Never `pip install victor`: on the package index, that name belongs to another project. With nothing "
    "configured, a small built-in model answers offline."
)
SECTIONS = {
    "Start": r"index|guides/(?:quickstart|installation|first-.*|observing-a-run)",
    "Guides": r"guides/(?!index).*|models/.*",
    "Reference": r"reference/(?!api/|index).*",
    "Examples": r"examples/.*/(?!index).*",
    "Optional": r"architecture/.*|reference/api/[\w.]+",
}
"""Which page stands in which list of ``llms.txt``; the first that fits."""
LINK = re.compile(r"\]\((?P<path>[\w./-]+)\.(?:md|py|yaml)(?P<anchor>(?:#[\w.-]*)?)\)")
FULL = ("Start", "Guides", "Reference")
MOST_CHARACTERS = 2_000_000
"""So long may ``llms-full.txt`` be: about half a million tokens."""


def keep(app: Sphinx, docname: str, source: list[str]) -> None:
    """Keep a page as Markdown, as it is after the other extensions have filled it."""
    if app.env.doc2path(docname).suffix == ".rst":
        return
    found = vars(app.env).setdefault("llms_pages", {})
    found[docname] = linked(plain(source[0], Path(app.srcdir)), docname, app.env.found_docs)


def linked(page: str, docname: str, pages: Set[str]) -> str:
    """A page whose links to other pages lead to these as Markdown.

    Args:
        page: Its Markdown.
        docname: Its name.
        pages: The names of all pages.

    Example:
        >>> linked("[a](../b/c.py#d), [e](f.txt)", "g/h", {"b/c"})
        '[a](../b/c.html.md#d), [e](f.txt)'
    """

    def link(found: re.Match[str]) -> str:
        path = found["path"]
        root = "../" * docname.count("/") if path.startswith("/") else ""
        path = f"{root}{path.removeprefix('/')}" if root else path.removeprefix("/")
        name = posixpath.normpath(posixpath.join(posixpath.dirname(docname), path))
        return f"]({path}.html.md{found['anchor']})" if name in pages else found[0]

    parts, at = [], 0
    for block in FENCE.finditer(page):
        parts += [LINK.sub(link, page[at : block.start()]), block[0]]
        at = block.end()
    return "".join([*parts, LINK.sub(link, page[at:])])


def plain(page: str, docs: Path) -> str:
    """A page without what only Sphinx understands.

    Args:
        page: Its Markdown.
        docs: The folder of the documentation.
    """
    needs: list[str] = []
    body = page
    if front := re.match(r"---\n(.*?)\n---\n", page, re.DOTALL):
        import yaml

        body = page[front.end() :]
        needs = (yaml.safe_load(front[1]) or {}).get("needs") or []

    def block(found: re.Match[str]) -> str:
        kind, _, argument = found["info"].strip().partition(" ")
        if kind in {"{toctree}", "{eval-rst}"}:
            return ""
        if kind == "{diagram}":
            name = re.search(r"^:name: *(.+)$", found["body"], re.MULTILINE)
            try:
                pictures = draw(argument.strip(), page, docs, name[1].strip() if name else None)
            except DiagramError:  # the directive itself reports it
                return ""
            return f"```mermaid\n{pictures.mermaid.rstrip()}\n```"
        return found[0]

    body = FENCE.sub(block, body)
    body = re.sub(r"^<!--.*?-->\n", "", body, flags=re.MULTILINE | re.DOTALL)
    if any(map(is_package, needs)):
        body = re.sub(
            r"^(# .+\n)", lambda title: f"{title[1]}\nNeeds: `{install_line(needs)}`\n", body, count=1, flags=re.M
        )
    return re.sub(r"\n{3,}", "\n\n", body).strip() + "\n"


def heading(page: str) -> str:
    """The title of a page."""
    found = re.search(r"^# (.+)$", page, re.MULTILINE)
    return found[1].strip() if found else ""


def description(page: str) -> str:
    """The first sentence of a page's first paragraph of prose."""
    _, _, rest = page.partition("\n# ") if not page.startswith("# ") else ("", "", page)
    for paragraph in re.split(r"\n\s*\n", FENCE.sub("", rest))[1:]:
        text = " ".join(paragraph.split())
        if text and not re.match(r"Needs: `|[#|<`:\-]", text):
            text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text)
            return re.split(r"(?<=[.!?])\s", text, maxsplit=1)[0].rstrip(":")
    return ""


def section(docname: str) -> str | None:
    """In which list of ``llms.txt`` a page stands."""
    return next((name for name, pattern in SECTIONS.items() if re.fullmatch(pattern, docname)), None)


def index_text(titles: dict[str, list[tuple[str, str, str]]]) -> str:
    """``llms.txt``.

    Args:
        titles: Of each section: title, address and description of its pages.
    """
    parts = [
        "# Victor",
        f"> {SUMMARY}",
        "Code blocks of these pages are executed in continuous integration and their output is compared, but for those "
        "that need a key, an interactive terminal or a library of somebody else, which say so. "
        "[llms-full.txt](llms-full.txt) holds the text of all guides and of the reference in one file.",
    ]
    for name, rows in titles.items():
        if rows:
            links = [f"- [{title}]({address})" + (f": {told}" if told else "") for title, address, told in rows]
            parts.append(f"## {name}\n\n" + "\n".join(links))
    return "\n\n".join(parts) + "\n"


def in_order(app: Sphinx) -> Iterator[str]:
    """All pages, as the navigation has them; those that are not in it last."""
    seen: set[str] = set()
    waiting = [app.config.root_doc]
    while waiting:
        page = waiting.pop(0)
        if page not in seen:
            seen.add(page)
            yield page
            waiting = [*app.env.toctree_includes.get(page, []), *waiting]
    yield from sorted(app.env.found_docs - seen)


def merge(app: Sphinx, env: Any, docnames: Sequence[str], other: Any) -> None:
    """What another process has read."""
    mine, theirs = vars(env).setdefault("llms_pages", {}), vars(other).get("llms_pages", {})
    mine.update({name: theirs[name] for name in docnames if name in theirs})


def forget(app: Sphinx, env: Any, docname: str) -> None:
    """A page is read again, or is gone."""
    vars(env).setdefault("llms_pages", {}).pop(docname, None)


def write(app: Sphinx, error: Exception | None) -> None:
    """Write the files into the folder of the site."""
    if error is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    pages: dict[str, str] = vars(app.env).get("llms_pages", {})
    lists: dict[str, list[tuple[str, str, str]]] = {name: [] for name in SECTIONS}
    full: list[str] = []
    for docname in in_order(app):
        name = section(docname)
        if docname in pages:
            (site / f"{docname}.html.md").write_text(pages[docname], encoding="utf-8")
        if name is None or docname not in app.env.titles:
            continue
        if docname in pages:
            row = (heading(pages[docname]), f"{docname}.html.md", description(pages[docname]))
        elif docname.count(".") > 1:  # modules: the page of their package leads to them
            continue
        else:
            row = (app.env.titles[docname].astext(), f"{docname}.html", "")
        lists[name].append(row)
        if name in FULL and docname in pages:
            full.append(f"<!-- {docname} -->\n\n{pages[docname]}")
    (site / "llms.txt").write_text(index_text(lists), encoding="utf-8")
    examples = "\n".join(f"- {title} ({address}): {told}" for title, address, told in lists["Examples"])
    head = (
        f"# Victor: guides and reference, in full\n\n> {SUMMARY}\n\nThis file holds the text of {len(full)} pages: "
        "every guide and the reference. The API reference of all modules and the source of the examples are not in "
        "it, as they are many times as long: llms.txt leads to them, and the list of examples is at the end."
    )
    text = "\n\n---\n\n".join([head, *full, f"# Examples\n\n{examples}\n"])
    if len(text) > MOST_CHARACTERS:
        log.warning("llms-full.txt has %s characters, more than %s: leave out more", len(text), MOST_CHARACTERS)
    (site / "llms-full.txt").write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("source-read", keep, priority=900)
    app.connect("env-merge-info", merge)
    app.connect("env-purge-doc", forget)
    app.connect("build-finished", write)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
