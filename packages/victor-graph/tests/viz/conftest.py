"""Random topologies, and what must hold for every geometry."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, pairwise

import pytest
from hypothesis import strategies as st

from victor.core.topology import Cluster, Edge, Node, Topology
from victor.graph.viz.geometry import Box, Frame, Geometry, Point, Route, TextBox

KINDS = (
    "start", "end", "step", "agent", "tool", "condition", "parallel", "map", "human", "workflow", "team", "data",
)  # fmt: skip

AWKWARD = [
    *("end", "graph", "subgraph", "%% note", "%%{init: {}}%%", "a\"b'c", "[x](y)", "`code`", "**bold**", "a\nb", "\r"),
    *(
        "<b>&amp;",
        "<script>",
        "#35;",
        "#quot;",
        "style x:#f00;",
        "classDef a:#b;",
        "1. one",
        "- item",
        "\\N \\",
        "{}",
        "|",
    ),
    *("😀 👩‍🚀", "שלום", "مرحبا", "計画を立てる", "e\u0301te\u0301", "\u200b", "\ud800", "\x00", "tab\there", " ", ""),
]

ids = st.one_of(
    st.text(alphabet="abcdefgh", min_size=1, max_size=6),
    st.sampled_from(AWKWARD),
    st.text(max_size=12),
)
labels = st.one_of(
    st.just(""), st.just(""), st.sampled_from(["yes", "no", "try again later", *AWKWARD]), st.text(max_size=60)
)


@st.composite
def _topologies(draw: st.DrawFn, max_nodes: int = 14, clusters: bool = True, texts: bool = True) -> Topology:
    """Cycles, loops, several edges between the same nodes, nested and empty frames, parts that are not connected."""
    count = draw(st.integers(0, max_nodes))
    if texts:
        names = draw(st.lists(ids, min_size=count, max_size=count, unique=True))
        titles = draw(st.lists(labels, min_size=count, max_size=count))
    else:
        names, titles = [f"n{number}" for number in range(count)], [""] * count
    frames: list[Cluster] = []
    if clusters:
        for number in range(draw(st.integers(0, 4))):
            parent = draw(st.sampled_from([None, *(frame.id for frame in frames)]))
            frames.append(Cluster(f"c{number}", draw(labels) if texts else "", parent))
    homes = [None, *(frame.id for frame in frames)]
    nodes = [
        Node(name, title, draw(st.sampled_from(KINDS)), draw(st.sampled_from(homes)))
        for name, title in zip(names, titles, strict=True)
    ]
    edges: list[Edge] = []
    if nodes:
        edges = draw(
            st.lists(
                st.builds(
                    Edge,
                    st.sampled_from(names),
                    st.sampled_from(names),
                    labels if texts else st.sampled_from(["", "yes", "no way"]),
                    st.sampled_from(["solid", "dashed", "dotted"]),
                ),
                max_size=2 * count + 3,
            )
        )
    return Topology(nodes, edges, frames, name=draw(labels) if texts else "")


@pytest.fixture(scope="session")
def topologies() -> Callable[..., st.SearchStrategy[Topology]]:
    return _topologies


@pytest.fixture(scope="session")
def awkward() -> list[str]:
    """Texts that mean something to one of the formats, or are hard to write or to measure."""
    return AWKWARD


@pytest.fixture(scope="session")
def kinds() -> tuple[str, ...]:
    """All kinds of nodes."""
    return KINDS


Area = Box | Frame | TextBox


def overlap(one: Area, other: Area) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def inside(inner: Area, outer: Area) -> bool:
    return (
        outer.x <= inner.x
        and inner.x + inner.width <= outer.x + outer.width
        and outer.y <= inner.y
        and inner.y + inner.height <= outer.y + outer.height
    )


def _line(route: Route, thickness: int) -> list[TextBox]:
    """The pieces of a route as areas; of no thickness where they are lines."""
    pieces = []
    for (x, y), (to_x, to_y) in pairwise(route.points):
        left, top = min(x, to_x), min(y, to_y)
        wide, high = abs(to_x - x), abs(to_y - y)
        pieces.append(TextBox(left, top, wide or thickness, high or thickness, ()))
    return pieces


def _crosses(piece: TextBox, area: Area) -> bool:
    return (
        piece.x < area.x + area.width
        and area.x < piece.x + piece.width
        and piece.y < area.y + area.height
        and area.y < piece.y + piece.height
    )


def _check(topology: Topology, geometry: Geometry, thickness: int = 0) -> None:
    boxes = {box.id: box for box in geometry.boxes}
    frames = {frame.id: frame for frame in geometry.frames}
    texts = [route.label for route in geometry.routes if route.label] + [frame.heading for frame in geometry.frames]
    assert [box.id for box in geometry.boxes] == [node.id for node in topology.nodes]
    assert [(route.source, route.target) for route in geometry.routes] == [(e.source, e.target) for e in topology.edges]
    assert sorted(frames) == sorted(cluster.id for cluster in topology.clusters)
    for thing in (*geometry.boxes, *geometry.frames, *texts):
        assert min(thing.x, thing.y) >= 0, thing
        assert thing.x + thing.width <= geometry.width and thing.y + thing.height <= geometry.height, thing
    for one, other in combinations([*geometry.boxes, *texts], 2):
        assert not overlap(one, other), (one, other)

    members: dict[str, set[str]] = {id: set() for id in frames}
    for node in topology.nodes:
        home = node.cluster
        while home is not None:
            members[home].add(node.id)
            home = frames[home].parent
    for id, frame in frames.items():
        for box in geometry.boxes:
            assert inside(box, frame) if box.id in members[id] else not overlap(box, frame), (frame, box)
        assert inside(frame.heading, frame)
        if frame.parent is not None:
            assert inside(frame, frames[frame.parent])
    for one, other in combinations(geometry.frames, 2):
        if overlap(one, other):
            around = _ancestors(other.id, frames) if one.depth < other.depth else _ancestors(one.id, frames)
            assert one.id in around or other.id in around, (one, other)
    for text in texts:
        for frame in geometry.frames:
            assert inside(text, frame) or not overlap(text, frame), (text, frame)

    for route in geometry.routes:
        _check_ends(route, boxes[route.source], boxes[route.target])
        for piece in _line(route, thickness):
            assert min(piece.width, piece.height) == thickness, route
            assert piece.x >= 0 and piece.x + piece.width <= geometry.width, route
            assert piece.y >= 0 and piece.y + piece.height <= geometry.height, route
            for box in geometry.boxes:
                assert not _crosses(piece, box), (route, box)
            for text in texts:
                assert text is route.label or not _crosses(piece, text), (route, text)
    for one, other in combinations(geometry.routes, 2):
        if (one.target, one.style) != (other.target, other.style):
            _check_apart(one, other, thickness)


def _ancestors(id: str, frames: dict[str, Frame]) -> set[str]:
    out = set()
    parent = frames[id].parent
    while parent is not None:
        out.add(parent)
        parent = frames[parent].parent
    return out


def _check_ends(route: Route, source: Box, target: Box) -> None:
    for (x, y), box in ((route.points[0], source), (route.points[-1], target)):
        upright = y in (box.y, box.y + box.height) and box.x < x < box.x + box.width
        sideways = x in (box.x, box.x + box.width) and box.y < y < box.y + box.height
        assert upright or sideways, (route, box)


def _check_apart(one: Route, other: Route, thickness: int) -> None:
    """Routes may cross at right angles; they do not lie on each other and do not touch at a corner.

    In cells the first point is the cell below a box's border, where the line comes from: it may be crossed there.
    """
    for first, second in ((one, other), (other, one)):
        for x, y in _corners(first)[thickness:]:
            for (from_x, from_y), (to_x, to_y) in pairwise(second.points):
                on = min(from_x, to_x) <= x <= max(from_x, to_x) and min(from_y, to_y) <= y <= max(from_y, to_y)
                assert not on, (first, second)


def _corners(route: Route) -> list[Point]:
    """Its points without those where it runs straight on."""
    points = route.points
    turns = [
        at
        for before, at, after in zip(points, points[1:], points[2:], strict=False)
        if not (before[0] == at[0] == after[0] or before[1] == at[1] == after[1])
    ]
    return [points[0], *turns, points[-1]]


@pytest.fixture(scope="session")
def check_geometry() -> Callable[..., None]:
    return _check
