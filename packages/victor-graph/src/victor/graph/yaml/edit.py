r"""Edits of workflow files through an API, as the designer makes them: each is a splice, never a re-dump.

    >>> edit = WorkflowEdit('''\
    ... workflows:
    ...   w:
    ...     nodes:
    ...       - id: a        # the first
    ...         type: transform
    ...         template: A
    ... ''')
    >>> edit.add_node({"id": "b", "type": "transform", "template": "{{ a }}B"})
    >>> edit.rename_node("a", "first")
    >>> print(edit.text, end="")
    workflows:
      w:
        nodes:
          - id: first        # the first
            type: transform
            template: A
            output: a
          - id: b
            type: transform
            template: '{{ a }}B'

Comments, quotes, order, anchors, line breaks and indentation of everything an edit is not about stay as they are. What
is edited need not be right: the file is checked by whoever loads it.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path as FilePath
from typing import Any

from victor.core.catalog import near_matches
from victor.core.errors import ConfigurationError
from victor.graph.yaml.definition import END_NAMES
from victor.graph.yaml.splice import EditError, Path, YamlText, check_editable

__all__ = ["EditError", "WorkflowEdit"]


_QUIET = frozenset({"condition", "parallel"})
"""Types that write no output of their own."""


class WorkflowEdit:
    """One workflow of a file, to be edited.

    Args:
        text: The file's text.
        workflow: Which workflow; may be left out where there is one.

    Raises:
        WorkflowFileError: It is no YAML.
        ConfigurationError: There is no such workflow.
    """

    def __init__(self, text: str, workflow: str | None = None) -> None:
        self._yaml = YamlText(text)
        self.path: FilePath | None = None
        value = self._yaml.value
        table = value.get("workflows") if isinstance(value, dict) else None
        if not isinstance(table, dict) or not table:
            raise ConfigurationError("there is no workflow to edit: the file has no 'workflows'")
        if workflow is None and len(table) > 1:
            raise ConfigurationError(f"the file holds several workflows; choose one: {', '.join(table)}")
        name = next(iter(table)) if workflow is None else workflow
        if name not in table:
            raise ConfigurationError(_unknown("workflow", name, list(table)))
        self.workflow: str = name
        self._base: Path = ("workflows", name)

    @classmethod
    def load(cls, path: str | FilePath, workflow: str | None = None) -> WorkflowEdit:
        """Read a file; `save` writes it back."""
        path = FilePath(path)
        edit = cls(path.read_bytes().decode("utf-8"), workflow)
        edit.path = path
        return edit

    def save(self) -> None:
        """Write the text to the file it was loaded from, whole or not at all.

        Raises:
            ConfigurationError: It was not loaded from a file.
        """
        if self.path is None:
            raise ConfigurationError("this text was not loaded from a file")
        with tempfile.NamedTemporaryFile("wb", dir=self.path.parent, delete=False) as file:
            file.write(self.text.encode("utf-8"))
        new = FilePath(file.name)
        new.chmod(self.path.stat().st_mode)
        new.replace(self.path)

    @property
    def text(self) -> str:
        """The text as it is now."""
        return self._yaml.text

    @property
    def value(self) -> Any:
        """What the whole text says, as plain values."""
        return self._yaml.value

    @property
    def nodes(self) -> list[str]:
        """Ids of the nodes, those in the bodies of maps and loops included."""
        return [id for id, _ in self._all_nodes()]

    # ---------------------------------------------------------------- keys

    def set(self, node: str | None, key: str | Sequence[str | int], value: Any) -> None:
        """Set a key of a node, or of the workflow.

        Args:
            node: Id of the node, None for the workflow.
            key: The key, or the way to it: ``("retry", "max_attempts")``.
            value: What it becomes: a text, number, boolean, None, list or mapping.

        Raises:
            ConfigurationError: It is an id that is taken or reserved.
            EditError: It cannot be done in place.
        """
        check_editable(value)
        if node is not None and _way(key) == ("id",) and value != node:
            self._check_new(value)
        with self._whole():
            self._yaml.set((*self._place(node), *_way(key)), value)

    def unset(self, node: str | None, key: str | Sequence[str | int]) -> None:
        """Remove a key of a node, or of the workflow; a mapping or list that becomes empty goes with it.

        Raises:
            EditError: It is not there, or cannot be removed in place.
        """
        with self._whole():
            self._unset((*self._place(node), *_way(key)), stop=len(self._place(node)))

    def _unset(self, path: Path, stop: int) -> None:
        holder = self._at(path[:-1])
        if len(path) - 1 > stop and isinstance(holder, (dict, list)) and len(holder) == 1:
            self._unset(path[:-1], stop)
        else:
            self._yaml.unset(path)

    # ---------------------------------------------------------------- nodes

    def add_node(self, node: Mapping[str, Any], *, after: str | None = None, before: str | None = None) -> None:
        """Add a node.

        Args:
            node: Its keys; ``id`` must be among them.
            after: Id of the node it stands behind; the last of the workflow where left out.
            before: Id of the node it stands before, in place of ``after``.

        Raises:
            ConfigurationError: The id is missing, taken or reserved.
            EditError: It cannot be done in place.
        """
        check_editable(node)
        id = node.get("id")
        self._check_new(id)
        neighbor = before if before is not None else after
        if neighbor is None:
            items, index = (*self._base, "nodes"), 1_000_000
        else:
            items, index = self._in_list(neighbor)
            index += before is None
        with self._whole():
            self._yaml.insert(items, index, dict(node))

    def remove_node(self, id: str) -> None:
        """Remove a node and what names it: in ``next``, ``routes``, ``after`` and the like.

        The branches of a condition that led to it lead to what came after it, so that no answer goes another way.

        Raises:
            EditError: It is the only one of its list, a branch would not know where to lead, or it cannot be removed in
                place.
        """
        items, index = self._in_list(id)
        if len(self._at(items)) == 1:
            raise EditError(f"{id!r} is the only node of its list; remove what it is in")
        with self._whole():
            for path in reversed(list(self._references(id))):
                if "branches" in path[len(items) :]:
                    self._yaml.set(path, self._follower(id, path[-1]))
                    continue
                self._unset(path, stop=len(path) - (2 if isinstance(path[-1], int) else 1))
            items, index = self._in_list(id)
            self._yaml.unset((*items, index))

    def _follower(self, id: str, answer: Any) -> str:
        """The one node that comes after another, or ``end``."""
        items, index = self._in_list(id)
        nodes = self._at(items)
        node = nodes[index]
        after = node.get("next", ())
        after = [after] if isinstance(after, str) else list(after)
        if not after and "next" not in node and node.get("type") not in _QUIET:
            after = [nodes[index + 1].get("id")] if index + 1 < len(nodes) else ["end"]
        if len(after) != 1 or not isinstance(after[0], str):
            raise EditError(
                f"the branch {answer!r} leads to {id!r}, after which no one node comes: lead it elsewhere first"
            )
        return after[0]

    def _check_new(self, id: Any) -> None:
        """Refuse an id that no new node may have."""
        if not isinstance(id, str) or not id:
            raise ConfigurationError("a node needs an id")
        if id in END_NAMES or id.startswith("__"):
            raise ConfigurationError(f"{id!r} is reserved; choose another id")
        if id in self.nodes:
            raise ConfigurationError(f"there is a node {id!r} already")

    def rename_node(self, id: str, new: str) -> None:
        """Give a node another id, also where ``next``, ``branches``, ``routes``, ``after`` and the like name it.

        Where the node's output goes by its id and something uses it, the output keeps its name (``output: old``).

        Raises:
            ConfigurationError: The new id is taken or reserved.
            EditError: It cannot be done in place.
        """
        path = self._node(id)
        if new != id:
            self._check_new(new)
        with self._whole():
            for reference in self._references(id):
                self._yaml.set(reference, new)
            self._yaml.set((*path, "id"), new)
            node = self._at(path)
            if "output" not in node and node.get("type") not in _QUIET and self._uses(id, path):
                self._yaml.set((*path, "output"), id)

    def move_node(self, id: str, *, after: str | None = None, before: str | None = None) -> None:
        """Put a node elsewhere in its list; comments right above it go with it.

        Args:
            id: The node.
            after: Id of the node it stands behind then.
            before: Id of the node it stands before then, in place of ``after``; with neither it becomes the first.

        Raises:
            EditError: They are not in the same list, or it cannot be done in place.
        """
        items, old = self._in_list(id)
        neighbor = before if before is not None else after
        new = 0
        if neighbor is not None:
            others, index = self._in_list(neighbor)
            if others != items:
                raise EditError(f"{id!r} and {neighbor!r} are not in the same list of nodes")
            new = index + (before is None)
            new -= old < new
        with self._whole():
            self._yaml.move(items, old, new)

    # ---------------------------------------------------------------- edges

    def add_edge(self, source: str, target: str, *, branch: str | None = None) -> None:
        """Add an edge: a target of ``next``, of ``parallel_nodes``, or of a branch.

        Args:
            source: The node it leaves.
            target: The node it enters; ``end`` for the end.
            branch: The answer of a condition it stands for.

        Raises:
            EditError: A condition's edge has no answer, or it cannot be done in place.
        """
        path = self._node(source)
        kind = self._at(path).get("type", "agent")
        if kind == "condition":
            if branch is None:
                raise EditError(f"{source!r} is a condition: say which answer the edge is for")
            self.set(source, ("branches", branch), target)
            return
        if branch is not None:
            raise EditError(f"{source!r} is no condition, so its edges have no answers")
        key = "parallel_nodes" if kind == "parallel" and self._runs_inside(source, target) else "next"
        there = self._at(path).get(key)
        if there is None or (key == "next" and there == []):
            self.set(source, key, target if key == "next" else [target])
        elif isinstance(there, list):
            if target not in there:
                with self._whole():
                    self._yaml.insert((*path, key), len(there), target)
        elif there != target:
            self.set(source, key, [there, target])

    def remove_edge(self, source: str, target: str, *, branch: str | None = None) -> None:
        """Remove an edge. What is left without any goes on to the next node of the list.

        Raises:
            EditError: There is no such edge in the file, or it cannot be removed in place.
        """
        path = self._node(source)
        found = [
            reference
            for reference in self._references(target, ends=True)
            if reference[: len(path)] == path and (branch is None or reference[-1] == branch)
        ]
        if not found:
            raise EditError(f"no edge from {source!r} to {target!r} is written in the file")
        with self._whole():
            reference = found[0]
            self._unset(reference, stop=len(reference) - (2 if isinstance(reference[-1], int) else 1))

    def _runs_inside(self, source: str, target: str) -> bool:
        """Whether a target of a parallel node is one of those it runs, which have no ``next`` of their own."""
        if target not in self.nodes:
            return False
        return "next" not in self._at(self._node(target)) and "next" in self._at(self._node(source))

    # ---------------------------------------------------------------- finding

    def _all_nodes(self) -> Iterator[tuple[str, Path]]:
        yield from _nodes_in(self._at((*self._base, "nodes")), (*self._base, "nodes"))

    def _node(self, id: str) -> Path:
        for name, path in self._all_nodes():
            if name == id:
                return path
        raise ConfigurationError(_unknown("node", id, self.nodes))

    def _place(self, node: str | None) -> Path:
        return self._base if node is None else self._node(node)

    def _in_list(self, id: str) -> tuple[Path, int]:
        path = self._node(id)
        if not isinstance(path[-1], int):
            raise EditError(f"{id!r} is the only node of its map")
        return path[:-1], path[-1]

    def _at(self, path: Path) -> Any:
        value = self._yaml.value
        for key in path:
            value = value[key]
        return value

    def _references(self, id: str, *, ends: bool = False) -> Iterator[Path]:
        """Places that name a node."""
        for _, path in list(self._all_nodes()):
            node = self._at(path)
            for key in ("next", "parallel_nodes", "after", "destinations", "branches", "routes"):
                yield from _naming(id, node.get(key), (*path, key))
        if not ends:
            top = self._at(self._base)
            for key in ("start_node", "start_routes", "interrupt_before", "interrupt_after"):
                yield from _naming(id, top.get(key), (*self._base, key))

    def _uses(self, name: str, but: Path) -> bool:
        """Whether any text of the workflow besides references mentions a name."""
        word = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])")
        expressions = {"condition", "over", "until", "while", "transform", "context_keys", "outputs", "input_mapping"}

        def mentions(value: Any, *, expression: bool = False) -> bool:
            if isinstance(value, dict):
                return any(mentions(item, expression=expression or key in expressions) for key, item in value.items())
            if isinstance(value, list):
                return any(mentions(item, expression=expression) for item in value)
            if not isinstance(value, str) or not (expression or "$ctx." in value or "{{" in value or "{%" in value):
                return False
            return word.search(value) is not None

        return mentions(self._at(self._base)) or any(
            isinstance(node.get("template_file"), str)
            or (isinstance(node.get("handler"), str) and "inputs" not in node)
            for node in (self._at(path) for _, path in self._all_nodes() if path != but)
        )

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """All of an edit, or nothing of it."""
        before = self._yaml.text
        try:
            yield
        except BaseException:
            self._yaml = YamlText(before)
            raise


def _nodes_in(nodes: Any, path: Path) -> Iterator[tuple[str, Path]]:
    for index, node in enumerate(nodes if isinstance(nodes, list) else ()):
        if isinstance(node, dict):
            at = (*path, index)
            yield str(node.get("id", "")), at
            yield from _nodes_in(node.get("nodes"), (*at, "nodes"))
            if isinstance(node.get("node"), dict) and "id" in node["node"]:
                yield str(node["node"]["id"]), (*at, "node")


def _naming(id: str, value: Any, path: Path) -> Iterator[Path]:
    """Places in the value of a key that name a node; those in keys of a mapping of destinations left out."""
    if value == id:
        yield path
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _naming(id, one, (*path, index))
    elif isinstance(value, dict) and path[-1] == "branches":
        yield from ((*path, answer) for answer, one in value.items() if one == id)
    elif isinstance(value, dict) and "to" in value:
        to = value["to"]
        if isinstance(to, dict):
            yield from ((*path, "to", answer) for answer, one in to.items() if one == id)
        else:
            yield from _naming(id, to, (*path, "to"))


def _way(key: str | Sequence[str | int]) -> Path:
    return (key,) if isinstance(key, str) else tuple(key)


def _unknown(what: str, name: str, there: Sequence[str]) -> str:
    near = near_matches(name, there)
    return f"unknown {what} {name!r}; " + (f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(there)}")
