"""A Python module that is being written: its imports, its names, and what stands in it."""

from __future__ import annotations

import builtins
import keyword
import os
import re
from pathlib import Path
from typing import Any, Final

from attrs import define, field

from victor.graph.yaml.context import CheckContext
from victor.graph.yaml.export.imports import NotImportableError, import_string
from victor.graph.yaml.export.layout import call, quoted, render

__all__ = ["Module", "identifier"]

_RESERVED: Final = frozenset({*dir(builtins), *keyword.kwlist, *keyword.softkwlist, "state", "annotations"})


def identifier(text: str) -> str:
    """A name made of any text.

    Example:
        >>> identifier("my-node:each"), identifier("2nd"), identifier("")
        ('my_node_each', '_2nd', '_')
    """
    name = re.sub(r"\W+", "_", text)
    return f"_{name}" if not name or name[0].isdigit() else name


@define
class Module:
    """What a module is made of.

    Args:
        folder: Where its file is to stand.
        title: Its docstring.
        problems: What cannot be written.
        blocks: Its parts below the imports, in order.
    """

    folder: Path
    title: str
    problems: list[str] = field(factory=list)
    blocks: list[str] = field(factory=list)
    _imports: dict[str, set[tuple[str, str]]] = field(factory=dict)
    _loaded: dict[tuple[str, str], str] = field(factory=dict)
    _folders: dict[str, str] = field(factory=dict)
    _loads: list[str] = field(factory=list)
    _taken: set[str] = field(factory=set)

    def name(self, wanted: str) -> str:
        """A name nothing else in the module has, as near as possible to the one wanted."""
        name = identifier(wanted)
        while name in self._taken or name in _RESERVED:
            name += "_"
        self._taken.add(name)
        return name

    def imports(self, module: str, name: str) -> str:
        """Import a name of ours; returns it."""
        self._taken.add(name)
        self._imports.setdefault(module, set()).add((name, name))
        return name

    def graph(self, name: str) -> str:
        """A name of `victor.graph`."""
        return self.imports("victor.graph", name)

    def yaml(self, name: str) -> str:
        """A name of `victor.graph.yaml`."""
        return self.imports("victor.graph.yaml", name)

    def typing(self, name: str) -> str:
        """A name of `typing`."""
        return self.imports("typing", name)

    def folder_of(self, folder: Path | None) -> str:
        """The expression for a folder, relative to the module's own."""
        self.imports("pathlib", "Path")
        way = os.path.relpath((folder or Path()).resolve(), self.folder.resolve()).replace(os.sep, "/")
        if way not in self._folders:
            self._folders[way] = self.name("FOLDER" if way == "." else f"FOLDER_{identifier(way).strip('_').upper()}")
        return self._folders[way]

    def load(self, name: str, context: CheckContext, where: str) -> str:
        """A function or class that a file names; returns the expression that stands for it."""
        if name in context.functions:
            try:
                name = import_string(context.functions[name], self.folder)
            except NotImportableError as error:
                self.problems.append(f"{where}: the function {name!r} that the program registers: {error}")
                return "None"
            context = CheckContext(context.known, self.folder)
        place, _, attribute = name.partition(":")
        first, dot, rest = attribute.partition(".")
        if place.endswith(".py"):
            folder = self.folder_of(context.folder)
            if (place, name) not in self._loaded:
                plain = self.name(
                    attribute if identifier(attribute) not in self._taken else f"{Path(place).stem}_{attribute}"
                )
                self._loaded[place, name] = plain
                load = call(self.yaml("load_object"), quoted(name), folder)
                self._loads.append(f"{plain} = {render(load, 0, len(plain) + 3)}")
            return self._loaded[place, name]
        if (place, first) not in self._loaded:
            alias = self.name(
                first if first not in self._taken and first not in _RESERVED else f"{place.rpartition('.')[2]}_{first}"
            )
            self._loaded[place, first] = alias
            self._imports.setdefault(place, set()).add((first, alias))
        return self._loaded[place, first] + dot + rest

    def text(self) -> str:
        """The whole module."""
        head = [_docstring(self.title), "from __future__ import annotations"]
        standard = {m for m in self._imports if m in ("operator", "pathlib", "typing")}
        ours = {m for m in self._imports if m.split(".")[0] == "victor"}
        for group in (standard, set(self._imports) - standard - ours, ours):
            if group:
                head.append("\n".join(_import(module, self._imports[module]) for module in sorted(group)))
        constants = [f"{name} = {_path(way)}" for way, name in self._folders.items()]
        parts = ["\n".join(part) for part in (constants, self._loads) if part]
        text = "\n\n".join([*head, *parts])
        former = ""
        for block in self.blocks:
            big = block.startswith(("def ", "async def ", "class ")) or former.startswith(
                ("def ", "async def ", "class ")
            )
            text += ("\n\n\n" if big or not former else "\n\n") + block
            former = block
        return text + "\n"


def _docstring(text: str) -> str:
    safe = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return f'"""{safe}"""' if not safe.endswith('"') else f'"""{safe} """'


def _path(way: str) -> str:
    return "Path(__file__).parent" if way == "." else f"Path(__file__).parent / {quoted(way)}"


def _import(module: str, names: set[tuple[str, str]]) -> str:
    listed = [name if name == alias else f"{name} as {alias}" for name, alias in sorted(names, key=_import_order)]
    line = f"from {module} import {', '.join(listed)}"
    if len(line) <= 110:
        return line
    return f"from {module} import (\n" + "".join(f"    {one},\n" for one in listed) + ")"


def _import_order(pair: tuple[str, str]) -> tuple[int, str]:
    name = pair[0]
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2), name


def comment(text: Any) -> str:
    """A text on one line."""
    return " ".join(str(text).split())
