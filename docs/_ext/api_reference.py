"""Write one reference page per public module, so that a new module needs no line anywhere.

A package's face (its ``__init__``, which only passes on what its modules define) becomes a table that leads to the
definitions; a module is described by autodoc. Modules and packages whose name begins with ``_`` are private.
"""

from __future__ import annotations

import importlib
import re
import sys
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, TypeVarTuple

from sphinx.util import logging

if TYPE_CHECKING:
    from pathlib import Path

    from sphinx.application import Sphinx

log = logging.getLogger(__name__)


def modules_of(source: Path) -> list[str]:
    """Dotted names of the public modules below ``src``, packages before what they hold."""
    names = []
    for file in sorted(source.rglob("*.py")):
        parts = list(file.relative_to(source).with_suffix("").parts)
        if parts[-1] == "__init__":
            parts.pop()
        inside_a_package = all((folder / "__init__.py").is_file() for folder in file.parents if source / "victor" in folder.parents)
        if parts and inside_a_package and not any(part.startswith("_") for part in parts):
            names.append(".".join(parts))
    return sorted(names)


def first_sentence(text: str | None) -> str:
    """The first paragraph of a docstring on one line, up to its first full stop."""
    paragraph = " ".join((text or "").strip().partition("\n\n")[0].split())
    return re.split(r"(?<=\.)\s", paragraph, maxsplit=1)[0]


def heading(title: str) -> list[str]:
    """A title in reStructuredText."""
    return [title, "=" * len(title), ""]


def face(module: Any) -> list[str]:
    """The table of a package's public names: each leads to where it is defined."""
    lines = []
    for name in sorted(getattr(module, "__all__", [])):
        value = getattr(module, name)
        home = getattr(value, "__module__", None)
        if name.startswith("_") or not isinstance(home, str) or home == module.__name__ or not home.startswith("victor."):
            continue
        target = f"{home}.{getattr(value, '__qualname__', name)}"
        summary = first_sentence(value.__doc__) if isinstance(value, type) or callable(value) else ""
        lines += [f"   * - :py:obj:`{name} <{target}>`", f"     - {summary}"]
    if not lines:
        return []
    start = f"From ``{module.__name__}`` you can import:"
    return [start, "", ".. list-table::", "   :widths: 30 70", "", *lines, ""]


def page(name: str, below: list[str]) -> str:
    """The page of one module."""
    module = importlib.import_module(name)
    table = face(module) if hasattr(module, "__path__") else []
    # The names of a face are described where they are defined.
    options = ["   :no-members:"] if table else []
    lines = [*heading(name), f".. automodule:: {name}", *options, "", *table]
    if below:
        lines += [".. toctree::", "   :maxdepth: 1", "", *(f"   {each}" for each in below), ""]
    return "\n".join(lines)


def write_pages(app: Sphinx) -> None:
    """Write the pages below ``reference/api``; leave a page alone that would not change, so builds stay quick."""
    folder = app.srcdir / "reference" / "api"
    folder.mkdir(parents=True, exist_ok=True)
    names: list[str] = []
    for source in sorted((app.srcdir.parent / "packages").glob("*/src")):
        names += modules_of(source)
    pages = {}
    for name in names:
        below = [other for other in names if other.rpartition(".")[0] == name]
        try:
            pages[f"{name}.rst"] = page(name, below)
        except Exception as error:  # noqa: BLE001 - whatever a module does on import: say which one, and go on with the rest
            log.warning("%s cannot be described: %s: %s", name, type(error).__name__, error)
    roots = [name for name in names if name.count(".") == 1]
    title = [*heading("API reference"), "One page per module, from its docstrings.", ""]
    pages["index.rst"] = "\n".join([*title, ".. toctree::", "   :maxdepth: 2", "", *(f"   {each}" for each in roots), ""])
    for stale in set(folder.glob("*.rst")) - {folder / each for each in pages}:
        stale.unlink()
    for file, text in pages.items():
        if not (folder / file).is_file() or (folder / file).read_text(encoding="utf-8") != text:
            (folder / file).write_text(text, encoding="utf-8")


def named(target: str, inside: str) -> Any:
    """What a reference names: a dotted path, or a name in the module that uses it or in the faces below that."""
    module, _, name = target.rpartition(".")
    package = ".".join(inside.split(".")[:2])
    for home in (module,) if module else (inside, package, "victor.core"):
        try:
            found = getattr(sys.modules.get(home), name, None)
        except ImportError:  # a face imports on demand; a module that does not import has been reported
            continue
        if found is not None:
            return found
    return None


def resolve(app: Sphinx, env: Any, node: Any, contnode: Any) -> Any:
    """Lead a name from a face to its definition; leave type variables and private names as plain text."""
    target = node.get("reftarget", "")
    if node.get("refdomain") != "py" or not isinstance(target, str):
        return None
    value = named(target, node.get("py:module") or "")
    private = target.startswith("victor.") and target.rpartition(".")[2].startswith("_")
    if private or isinstance(value, (TypeVar, ParamSpec, TypeVarTuple)):
        return contnode
    home = f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', '')}"
    if not home.startswith("victor.") or home == target:
        return None
    return env.domains["py"].resolve_xref(env, node["refdoc"], app.builder, "obj", home, node, contnode)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("builder-inited", write_pages)
    app.connect("missing-reference", resolve)
    return {"version": "1", "parallel_read_safe": True}
