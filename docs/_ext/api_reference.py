"""Write one reference page per public module, so that a new module needs no line anywhere.

The pages exist only while Sphinx runs: a folder of documentation that somebody reads holds what people wrote.

A package's face (its ``__init__``, which only passes on what its modules define) becomes a table that leads to the
definitions; a module is described by autodoc. Modules and packages whose name begins with ``_`` are private.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, TypeVarTuple

from sphinx.domains.python import PythonDomain
from sphinx.util import logging

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

log = logging.getLogger(__name__)


def modules_of(source: Path) -> list[str]:
    """Dotted names of the public modules below ``src``, packages before what they hold."""
    names = []
    for file in sorted(source.rglob("*.py")):
        parts = list(file.relative_to(source).with_suffix("").parts)
        if parts[-1] == "__init__":
            parts.pop()
        inside_a_package = all(
            (folder / "__init__.py").is_file() for folder in file.parents if source / "victor" in folder.parents
        )
        if parts and inside_a_package and not any(part.startswith("_") for part in parts):
            names.append(".".join(parts))
    return sorted(names)


def import_for_types(name: str) -> None:
    """Run a module's imports under ``if TYPE_CHECKING:``, so that autodoc knows what its annotations name."""
    module = sys.modules[name]
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    for block in tree.body:
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test):
            for line in block.body:
                with contextlib.suppress(ImportError):
                    exec(ast.unparse(line), vars(module))


def first_sentence(text: str | None) -> str:
    """The first paragraph of a docstring on one line, up to its first full stop."""
    paragraph = " ".join((text or "").strip().partition("\n\n")[0].split())
    return re.split(r"(?<=\.)\s", paragraph, maxsplit=1)[0]


def heading(title: str) -> list[str]:
    """A title in reStructuredText."""
    return [title, "=" * len(title), ""]


def face(module: Any) -> list[tuple[str, str]]:
    """A package's public names, as references to where they are defined, with their first sentences."""
    rows = []
    for name in sorted(getattr(module, "__all__", [])):
        value = getattr(module, name)
        home = getattr(value, "__module__", None)
        if (
            name.startswith("_")
            or not isinstance(home, str)
            or home == module.__name__
            or not home.startswith("victor.")
        ):
            continue
        summary = first_sentence(value.__doc__) if isinstance(value, type) or callable(value) else ""
        rows.append((f":py:obj:`{name} <{home}.{getattr(value, '__qualname__', name)}>`", summary))
    return rows


def table(rows: list[tuple[str, str]]) -> list[str]:
    """A table of references and what is said of them."""
    lines = [".. list-table::", "   :widths: 30 70", ""]
    for reference, summary in rows:
        lines += [f"   * - {reference}", f"     - {summary}"]
    return [*lines, ""]


def page(name: str, modules: list[str]) -> str:
    """The page of one module; that of a package lists what can be imported from it, and its modules."""
    module = importlib.import_module(name)
    root = ".".join(name.split(".")[:2])
    lines = [*heading(name), f".. automodule:: {name}"]
    if name != root:
        # Hundreds of modules would drown the navigation, and slow the build: the package's page leads here.
        lines = [":orphan:", "", *heading(name), f"*Part of* :doc:`{root}`.", "", f".. automodule:: {name}"]
    if hasattr(module, "__path__"):
        # The names of a face are described where they are defined.
        lines += ["   :ignore-module-all:", ""]
        if names := face(module):
            lines += [f"From ``{name}`` you can import:", "", *table(names)]
    if modules:
        rows = [(f":doc:`{each}`", first_sentence(importlib.import_module(each).__doc__)) for each in modules]
        lines += ["Its modules:", "", *table(rows)]
    return "\n".join([*lines, ""])


def write_pages(app: Sphinx) -> None:
    """Write the pages below ``reference/api``."""
    folder = app.srcdir / "reference" / "api"
    folder.mkdir(parents=True, exist_ok=True)
    names: list[str] = []
    for source in sorted((app.srcdir.parent / "packages").glob("*/src")):
        names += modules_of(source)
    pages = {}
    for name in list(names):
        try:
            importlib.import_module(name)
        except Exception as error:  # noqa: BLE001 - whatever a module does on import: say which one, and go on
            log.warning("%s cannot be described: %s: %s", name, type(error).__name__, error)
            names.remove(name)
    for name in names:
        import_for_types(name)
    for name in names:
        pages[f"{name}.rst"] = page(name, [other for other in names if other.startswith(f"{name}.")])
    roots = [name for name in names if name.count(".") == 1]
    title = [*heading("API reference"), "One page per module, from its docstrings.", ""]
    pages["index.rst"] = "\n".join(
        [*title, ".. toctree::", "   :maxdepth: 2", "", *(f"   {each}" for each in roots), ""]
    )
    for file, text in pages.items():
        (folder / file).write_text(text, encoding="utf-8")
        # As old as what it describes, so that Sphinx reads again only what changed.
        if described := getattr(sys.modules.get(file.removesuffix(".rst")), "__file__", None):
            os.utime(folder / file, ns=(Path(described).stat().st_mtime_ns,) * 2)


def remove_pages(app: Sphinx, _error: Exception | None) -> None:
    """Take the pages away again."""
    shutil.rmtree(app.srcdir / "reference" / "api", ignore_errors=True)


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
    """Lead a name from a face to its definition; leave type variables and what is not public as plain text."""
    target = node.get("reftarget", "")
    if node.get("refdomain") != "py" or not isinstance(target, str):
        return None
    value = named(target, node.get("py:module") or "")
    module, _, name = target.rpartition(".")
    public = getattr(sys.modules.get(module), "__all__", [name])
    private = module.startswith("victor.") and (name.startswith("_") or name not in public)
    if private and value is None and module in sys.modules:
        return None  # there is no such name: Sphinx reports it
    if private or isinstance(value, (TypeVar, ParamSpec, TypeVarTuple)):
        return contnode
    home = f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', '')}"
    if not home.startswith("victor.") or home == target:
        return None
    return env.domains["py"].resolve_xref(env, node["refdoc"], app.builder, "obj", home, node, contnode)


class IndexedPythonDomain(PythonDomain):
    """Sphinx compares each name of an annotation with that of every object; most (``str``, ``Any``) are no object."""

    _last_names: tuple[int, frozenset[str]] = (0, frozenset())

    def find_obj(
        self,
        env: BuildEnvironment,
        modname: str | None,
        classname: str | None,
        name: str,
        type: str | None,
        searchmode: int = 0,
    ) -> list[tuple[str, Any]]:
        """As Sphinx does, after a look at whether any object has that last name."""
        if self._last_names[0] != len(self.objects):
            self._last_names = len(self.objects), frozenset(known.rpartition(".")[2] for known in self.objects)
        if searchmode == 1 and name.removesuffix("()").rpartition(".")[2] not in self._last_names[1]:
            return []
        return super().find_obj(env, modname, classname, name, type, searchmode)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_domain(IndexedPythonDomain, override=True)
    app.connect("builder-inited", write_pages)
    app.connect("missing-reference", resolve)
    app.connect("build-finished", remove_pages)
    return {"version": "1", "parallel_read_safe": True}
