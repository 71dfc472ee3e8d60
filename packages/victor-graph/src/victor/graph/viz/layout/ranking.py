"""Which way each edge runs in the picture, and the rank of each node along the arrows."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["backward_edges", "rank"]


def backward_edges(count: int, edges: Sequence[tuple[int, int]], starts: Sequence[int]) -> list[bool]:
    """For each edge whether it closes a cycle; turning these around leaves none.

    A depth-first search from the starts finds the edges that lead back to a node on the current path, which are the
    ones people call loops. Edges from a node to itself are not turned.

    Args:
        count: Number of nodes.
        edges: Pairs of nodes.
        starts: Nodes to search from first; after these come nodes nothing leads to, then the others.

    Example:
        >>> backward_edges(3, [(0, 1), (1, 2), (2, 0)], [0])
        [False, False, True]
    """
    out: list[list[int]] = [[] for _ in range(count)]
    entered = [False] * count
    for number, (source, target) in enumerate(edges):
        if source != target:
            out[source].append(number)
            entered[target] = True
    backward = [False] * len(edges)
    state = bytearray(count)  # 0 new, 1 on the path, 2 done
    for root in (*starts, *(node for node in range(count) if not entered[node]), *range(count)):
        if state[root]:
            continue
        state[root] = 1
        path = [(root, iter(out[root]))]
        while path:
            node, rest = path[-1]
            for number in rest:
                target = edges[number][1]
                if state[target] == 1:
                    backward[number] = True
                elif not state[target]:
                    state[target] = 1
                    path.append((target, iter(out[target])))
                    break
            else:
                state[node] = 2
                path.pop()
    return backward


def rank(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """A rank for each node of a graph without cycles, so that edges lead to higher ones and are short.

    Longest paths first; then whole groups of nodes joined by shortest edges move while that shortens more edges than it
    stretches, the idea of the tight trees of Gansner, Koutsofios, North, Vo: "A Technique for Drawing Directed Graphs",
    IEEE TSE 19 (1993), without its simplex.

    Args:
        count: Number of nodes.
        edges: Pairs of nodes, from lower to higher rank.

    Example:
        >>> rank(4, [(0, 1), (1, 2), (3, 2)])
        [0, 1, 2, 1]
    """
    out: list[list[int]] = [[] for _ in range(count)]
    missing = [0] * count
    for source, target in edges:
        out[source].append(target)
        missing[target] += 1
    ranks = [0] * count
    ready = [node for node in range(count) if not missing[node]]
    for node in ready:  # grows while it is walked
        below = ranks[node] + 1
        for target in out[node]:
            if ranks[target] < below:
                ranks[target] = below
            missing[target] -= 1
            if not missing[target]:
                ready.append(target)
    for _ in range(20):
        if not _tighten(ranks, edges):
            break
    lowest = min(ranks, default=0)
    return [value - lowest for value in ranks]


def _tighten(ranks: list[int], edges: Sequence[tuple[int, int]]) -> bool:
    """Move each group once, if that helps; whether any moved."""
    group = list(range(len(ranks)))

    def find(node: int) -> int:
        while group[node] != node:
            group[node] = group[group[node]]
            node = group[node]
        return node

    loose = []
    for source, target in edges:
        if ranks[target] - ranks[source] == 1:
            group[find(source)] = find(target)
        else:
            loose.append((source, target))
    leaving: dict[int, list[tuple[int, int]]] = {}
    entering: dict[int, list[tuple[int, int]]] = {}
    for source, target in loose:
        one, other = find(source), find(target)
        if one != other:
            leaving.setdefault(one, []).append((source, target))
            entering.setdefault(other, []).append((source, target))
    members: dict[int, list[int]] = {}
    if leaving:
        for node in range(len(ranks)):
            members.setdefault(find(node), []).append(node)
    moved = False
    for root in sorted({*leaving, *entering}):
        after, before = leaving.get(root, []), entering.get(root, [])
        if len(after) == len(before):
            continue
        edge_list, sign = (after, 1) if len(after) > len(before) else (before, -1)
        step = min(ranks[target] - ranks[source] for source, target in edge_list) - 1
        if step:
            moved = True
            for node in members[root]:
                ranks[node] += sign * step
    return moved
