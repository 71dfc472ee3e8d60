"""Prints LangGraph's public names and arguments as JSON."""

import importlib
import inspect
import json

from langgraph.graph.state import CompiledStateGraph, StateGraph
from langgraph.runtime import ExecutionInfo, RunControl, Runtime
from langgraph.store.base import BaseStore

MODULES = [
    "graph",
    "types",
    "func",
    "graph.message",
    "config",
    "errors",
    "runtime",
    "prebuilt",
    "store.base",
    "cache.memory",
    "checkpoint.memory",
]


def arguments(one):
    try:
        signature = inspect.signature(one)
    except (TypeError, ValueError):
        return None
    plain = (type(None), bool, int, float, str, tuple)
    return {
        p.name: [
            p.kind.name,
            None if p.default is p.empty else repr(p.default) if isinstance(p.default, plain) else "...",
        ]
        for p in signature.parameters.values()
        if p.name not in ("self", "cls")
    }


def methods(kind):
    found = {}
    for name in dir(kind):
        if name.startswith("_"):
            continue
        value = getattr(kind, name)
        found[name] = arguments(value) if callable(value) else None
    return found


found = {}
for name in MODULES:
    module = importlib.import_module("langgraph." + name)
    names = getattr(module, "__all__", None) or [
        one
        for one in vars(module)
        if not one.startswith("_") and getattr(getattr(module, one), "__module__", "").startswith("langgraph")
    ]
    for one in sorted(names):
        value = getattr(module, one)
        if one in found or not (getattr(value, "__module__", "") or "langgraph").startswith("langgraph"):
            continue
        found[one] = arguments(value) if callable(value) and not inspect.isclass(value) else None
        if inspect.isclass(value) and not one.endswith(("Part", "Payload", "Task")):
            try:
                found[one] = arguments(value)
            except Exception:  # a class without a signature has none
                pass
KINDS = (StateGraph, CompiledStateGraph, BaseStore, Runtime, RunControl, ExecutionInfo)
found["StateGraph"] = arguments(StateGraph)
classes = {kind.__name__: methods(kind) for kind in KINDS}


def rows(table, indent, deeper):
    """JSON with a line for each entry."""
    pad = " " * indent
    lines = [
        f"{pad}{json.dumps(key)}: " + (rows(value, indent + 1, deeper - 1) if deeper else json.dumps(value))
        for key, value in sorted(table.items())
    ]
    return "{\n" + ",\n".join(lines) + "\n" + pad[1:] + "}"


print('{\n "methods": ' + rows(classes, 2, 1) + ',\n "names": ' + rows(found, 2, 0) + "\n}")
