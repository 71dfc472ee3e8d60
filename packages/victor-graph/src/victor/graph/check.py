"""Finds what is wrong with a graph, all of it, before it runs."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from victor.graph.channels import Channel
from victor.graph.command import END, START

if TYPE_CHECKING:
    from victor.graph.graph import StateGraph
    from victor.graph.node import Node

__all__ = ["find_problems", "may_jump"]


def find_problems(graph: StateGraph[Any], channels: Mapping[str, Channel]) -> list[str]:
    """A line for each thing that is wrong with the edges; empty when nothing is."""
    from victor.graph.program import near

    nodes = graph.nodes
    problems: list[str] = []
    if not nodes:
        return ["it has no nodes; add_node(...) first"]

    def known(name: str, where: str) -> bool:
        if name in nodes or name == END:
            return True
        problems.append(f"{where} {name!r}, which is no node{near(name, nodes)}")
        return False

    forward: dict[str, set[str]] = {name: set() for name in (START, *nodes)}
    for start, end in graph._plain:
        if (start == START or known(start, f"the edge to {end!r} starts at")) and known(
            end, f"the edge from {start!r} ends at"
        ):
            forward[start].add(end)
    for starts, end in graph.joins:
        fine = [known(start, f"the edge to {end!r} waits for") for start in starts]
        if known(end, f"the edge from {', '.join(map(repr, starts))} ends at") and all(fine):
            for start in starts:
                forward[start].add(end)
    anywhere: set[str] = set()
    for branch in graph.branches:
        if branch.source != START and not known(branch.source, f"the conditional edge {branch.name!r} starts at"):
            continue
        if branch.ends is None:
            anywhere.add(branch.source)
        for answer, end in (branch.ends or {}).items():
            if known(
                end, f"answer {answer!r} of the conditional edge {branch.name!r} after {branch.source!r} leads to"
            ):
                forward[branch.source].add(end)
    for node in nodes.values():
        for end in node.destinations or ():
            if known(end, f"node {node.name!r} says it may jump to"):
                forward[node.name].add(end)
    if not forward[START] and START not in anywhere:
        problems.append("nothing leads from START to a node; add_edge(START, ...) says where to begin")
    elif not problems:
        problems += _unreachable(nodes, forward, anywhere)
        if not problems:
            from victor.graph.conflicts import find_conflicts

            problems += find_conflicts(graph, channels)
    return problems


def _unreachable(nodes: Mapping[str, Node], forward: Mapping[str, set[str]], anywhere: set[str]) -> list[str]:
    reached: set[str] = set()
    ahead = [START]
    while ahead:
        at = ahead.pop()
        if at not in reached:
            reached.add(at)
            ahead.extend(forward.get(at, ()))
    lost = [name for name in nodes if name not in reached]
    if not lost or reached & anywhere:
        return []
    if any(nodes[n].destinations is None and may_jump(nodes[n].action) for n in reached if n in nodes):
        return []
    return [
        f"node {name!r} can never run: no edge leads to it (if a Command or Send does, say so with "
        "destinations=... or path_map=...)"
        for name in lost
    ]


def may_jump(action: Any) -> bool:
    """Whether a node could return a `Command` or `Send`, as far as its code tells; True where it does not tell."""
    subgraph = getattr(action, "program", None)
    if subgraph is not None:
        return any(plan.subgraph is not None or may_jump(plan.call) for plan in subgraph.plans)
    function = getattr(action, "__func__", action)
    function = getattr(function, "func", function)
    if not isinstance(function, types.FunctionType):
        call = getattr(type(function), "__call__", None)  # noqa: B004 - the function itself is wanted
        if not isinstance(call, types.FunctionType):
            return not isinstance(action, types.BuiltinFunctionType)
        function = call
    return _mentions(function, set())


def _mentions(function: types.FunctionType, seen: set[types.CodeType]) -> bool:
    from victor.graph.command import Command

    if function.__code__ in seen:
        return False
    names: set[str] = set()
    for code in _codes(function.__code__):
        seen.add(code)
        names.update(code.co_names)
    if names & {"Command", "goto"}:
        return True
    cells = [cell.cell_contents for cell in function.__closure__ or () if _filled(cell)]
    for value in [*(function.__globals__.get(name) for name in names), *cells]:
        if value is Command or isinstance(value, Command):
            return True
        if isinstance(value, types.FunctionType) and _mentions(value, seen):
            return True
    return False


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _filled(cell: types.CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - raises when empty
    except ValueError:
        return False
    return True
