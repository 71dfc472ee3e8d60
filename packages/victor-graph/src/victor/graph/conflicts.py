"""Finds writes that are certain to clash: two nodes that always run together and always write the same key.

Only what is certain is reported. A node surely writes a key when its source shows that every ``return`` gives a
dict that is written out with that key; two nodes surely run together when plain edges lead to both from the same
node. All else is found when it happens, by an error that names the nodes.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
import types
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any

from victor.graph.channels import Channel
from victor.graph.command import END

if TYPE_CHECKING:
    from victor.graph.graph import StateGraph

__all__ = ["find_conflicts", "surely_writes"]

_MOST = 64


def find_conflicts(graph: StateGraph[Any], channels: Mapping[str, Channel]) -> list[str]:
    """A line for each certain clash."""
    after: dict[str, list[str]] = {}
    for start, end in graph._plain:
        if end != END and not graph.nodes[end].defer:
            after.setdefault(start, []).append(end)
    known: dict[str, frozenset[str]] = {}
    problems = []
    for start, ends in after.items():
        if not 1 < len(ends) <= _MOST:
            continue
        for name in ends:
            if name not in known:
                known[name] = surely_writes(graph.nodes[name].action)
        for first, second in combinations(sorted(ends), 2):
            for key in sorted(known[first] & known[second]):
                if key in channels and channels[key].reducer is None:
                    problems.append(
                        f"key {key!r} has no reducer, but {first!r} and {second!r} both write it and run together "
                        f"after {start!r}; annotate it: Annotated[..., reducer]"
                    )
    return problems


def surely_writes(action: Any) -> frozenset[str]:
    """The keys that every ``return`` of a function writes; empty where the source does not tell."""
    function = getattr(action, "__func__", action)
    if not isinstance(function, types.FunctionType) or hasattr(function, "__wrapped__"):
        return frozenset()
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError, IndentationError):
        return frozenset()  # no source, or a lambda within a larger expression
    body = tree.body[0] if tree.body else None
    if not isinstance(body, (ast.FunctionDef, ast.AsyncFunctionDef)) or body.name != function.__name__:
        return frozenset()
    if not _always_returns(body.body):
        return frozenset()
    found: frozenset[str] | None = None
    for value in _returns(body):
        if not isinstance(value, ast.Dict):
            return frozenset()
        keys = frozenset(
            key.value for key in value.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)
        )
        found = keys if found is None else found & keys
    return found or frozenset()


def _returns(node: ast.AST) -> Iterator[ast.expr | None]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            continue
        if isinstance(child, ast.Return):
            yield child.value
        else:
            yield from _returns(child)


def _always_returns(body: list[ast.stmt]) -> bool:
    last = body[-1]
    if isinstance(last, (ast.Return, ast.Raise)):
        return True
    if isinstance(last, ast.If):
        return bool(last.orelse) and _always_returns(last.body) and _always_returns(last.orelse)
    if isinstance(last, (ast.With, ast.AsyncWith)):
        return _always_returns(last.body)
    return False
