"""Pictures of teams, drawn by any visualizer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise

from victor.core.topology import Cluster, Edge, Node, NodeKind, Topology
from victor.teams.member import Human, Member
from victor.teams.subteam import SubTeam

__all__ = ["node_of", "row", "star", "with_subteams"]


def node_of(member: Member) -> Node:
    """The box of a member."""
    kind: NodeKind = "human" if isinstance(member, Human) else "team" if isinstance(member, SubTeam) else "agent"
    return Node(member.name, kind=kind, description=member.description)


def row(members: Mapping[str, Member], *, back: bool = False) -> Topology:
    """One after the other; with ``back``, and from the last to the first again."""
    names = list(members)
    edges = [Edge(a, b) for a, b in pairwise(names)]
    if back and len(names) > 1:
        edges.append(Edge(names[-1], names[0], "again"))
    return Topology([node_of(member) for member in members.values()], edges)


def star(members: Mapping[str, Member], centre: str, *, label: str = "", back: str = "") -> Topology:
    """One in the middle that everybody works with."""
    others = [name for name in members if name != centre]
    edges = [Edge(centre, name, label) for name in others] + [Edge(name, centre, back, "dashed") for name in others]
    return Topology([node_of(member) for member in members.values()], edges)


def fan(members: Mapping[str, Member], last: Iterable[Node] = ()) -> Topology:
    """All side by side, from a start to what comes after."""
    after = list(last) or [Node("end", kind="end")]
    start = Node("start", kind="start")
    edges = [Edge("start", name) for name in members] + [Edge(name, after[0].id) for name in members]
    edges += [Edge(a.id, b.id) for a, b in pairwise(after)]
    return Topology([start, *(node_of(member) for member in members.values()), *after], edges)


def with_subteams(picture: Topology, members: Mapping[str, Member], name: str) -> Topology:
    """The same picture with the teams inside the team opened up, each in a frame of its own."""
    nodes, edges, clusters = list(picture.nodes), list(picture.edges), list(picture.clusters)
    for member in members.values():
        if not isinstance(member, SubTeam):
            continue
        inner = member.team.topology()
        prefix = f"{member.name}/"
        clusters.append(Cluster(prefix, member.name))
        clusters += [Cluster(prefix + c.id, c.label or c.id, prefix + c.parent if c.parent else prefix)
                     for c in inner.clusters]  # fmt: skip
        nodes += [
            Node(
                prefix + n.id, n.title, n.kind, prefix + n.cluster if n.cluster else prefix, n.description, n.attributes
            )
            for n in inner.nodes
        ]
        edges += [Edge(prefix + e.source, prefix + e.target, e.label, e.style) for e in inner.edges]
        if inner.nodes:
            edges.append(Edge(member.name, prefix + inner.nodes[0].id, "", "dotted"))
    return Topology(nodes, edges, clusters, name=name, description=picture.description)
