"""What the layout promises, on random topologies and on some of the shapes that matter."""

from __future__ import annotations

import random
from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from victor.core.highlights import Highlights
from victor.core.topology import Cluster, Edge, Node, Topology
from victor.graph.viz.cell_ruler import CellRuler
from victor.graph.viz.layout import lay_out, plan
from victor.graph.viz.ruler import PixelRuler

directions = st.sampled_from(["TB", "LR"])
relaxed = settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@pytest.mark.slow
@given(data=st.data(), direction=directions)
@relaxed
def test_nothing_overlaps_in_pixels(data: Any, direction: Any, topologies: Any, check_geometry: Any) -> None:
    topology = data.draw(topologies())
    check_geometry(topology, lay_out(topology, direction=direction))


@given(data=st.data(), direction=directions, wrap_at=st.integers(4, 24), tight=st.booleans())
@relaxed
def test_nothing_overlaps_in_cells(
    data: Any, direction: Any, wrap_at: int, tight: bool, topologies: Any, check_geometry: Any
) -> None:
    topology = data.draw(topologies())
    geometry = lay_out(topology, ruler=CellRuler(wrap_at, tight=tight), direction=direction)
    check_geometry(topology, geometry, thickness=1)


def tangle(seed: int, nodes: int, edges: int, clusters: int = 0) -> Topology:
    """A random graph, larger than hypothesis likes to make."""
    dice = random.Random(seed)
    frames = [
        Cluster(f"c{n}", parent=f"c{dice.randrange(n)}" if n and dice.random() < 0.5 else None) for n in range(clusters)
    ]
    homes = [None, *(frame.id for frame in frames)]
    names = [f"n{n}" for n in range(nodes)]
    return Topology(
        [Node(name, cluster=dice.choice(homes)) for name in names],
        [
            Edge(dice.choice(names), dice.choice(names), dice.choice(["", "", "yes"]), dice.choice(["solid", "dashed"]))
            for _ in range(edges)
        ],
        frames,
    )


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("direction", ["TB", "LR"])
def test_nothing_overlaps_in_tangles(seed: int, direction: Any, check_geometry: Any) -> None:
    topology = tangle(seed, 30, 10 + 6 * seed, clusters=seed % 5)
    check_geometry(topology, lay_out(topology, direction=direction))
    check_geometry(topology, lay_out(topology, ruler=CellRuler(tight=bool(seed % 2)), direction=direction), thickness=1)


def test_the_same_topology_is_laid_out_the_same_way() -> None:
    assert lay_out(tangle(5, 40, 70, 4)) == lay_out(tangle(5, 40, 70, 4))


def chain(*names: str) -> Topology:
    return Topology([Node(name) for name in names], [Edge(one, other) for one, other in pairwise(names)])


def crossings(topology: Topology) -> int:
    """Pairs of routes that cross."""
    count = 0
    for one, other in combinations(lay_out(topology).routes, 2):
        for (ax, ay), (bx, by) in pairwise(one.points):
            for (cx, cy), (dx, dy) in pairwise(other.points):
                if ax == bx and cy == dy:
                    count += min(cx, dx) < ax < max(cx, dx) and min(ay, by) < cy < max(ay, by)
                elif ay == by and cx == dx:
                    count += min(ax, bx) < cx < max(ax, bx) and min(cy, dy) < ay < max(cy, dy)
    return count


@pytest.mark.parametrize("direction", ["TB", "LR"])
def test_a_chain_is_one_straight_line(direction: Any) -> None:
    geometry = lay_out(chain("a", "a longer title", "b", "one more"), direction=direction)
    assert [len(route.points) for route in geometry.routes] == [2, 2, 2]
    across = 0 if direction == "TB" else 1
    assert len({point[across] for route in geometry.routes for point in route.points}) == 1


def test_arrows_run_in_the_direction_that_was_asked_for() -> None:
    for direction, axis in (("TB", 1), ("LR", 0)):
        for route in lay_out(chain("a", "b", "c"), direction=direction).routes:  # type: ignore[arg-type]
            assert route.points[-1][axis] > route.points[0][axis]


def test_the_start_is_at_the_top_even_if_something_leads_back_to_it() -> None:
    ring = Topology([Node("b"), Node("a", kind="start")], [Edge("b", "a"), Edge("a", "b")])
    boxes = {box.id: box for box in lay_out(ring).boxes}
    assert boxes["a"].y < boxes["b"].y


def test_a_way_back_does_not_bend_the_way_forward() -> None:
    steps = chain("draft", "critic", "good?", "send")
    again = Topology(steps.nodes, [*steps.edges, Edge("good?", "draft", "try again")])
    *forward, back = lay_out(again).routes
    assert [len(route.points) for route in forward] == [2, 2, 2]
    assert back.points[-1][1] < back.points[0][1]
    assert back.label is not None


def test_a_fork_stands_in_the_middle_above_its_branches() -> None:
    fork = Topology([Node("if"), Node("one"), Node("two")], [Edge("if", "one", "yes"), Edge("if", "two", "no")])
    top, left, right = (box.x + box.width / 2 for box in lay_out(fork).boxes)
    assert abs(top - (left + right) / 2) <= 1


def test_trees_ladders_and_diamonds_have_no_crossings() -> None:
    tree = Topology([Node(str(n)) for n in range(31)], [Edge(str((n - 1) // 2), str(n)) for n in range(1, 31)])
    ladder = Topology(
        [Node(f"{side}{n}") for n in range(6) for side in "lr"],
        [Edge(f"{side}{n}", f"{side}{n + 1}") for n in range(5) for side in "lr"]
        + [Edge(f"l{n}", f"r{n + 1}") for n in range(5)],
    )
    diamond = Topology(
        [Node(str(n)) for n in range(8)],
        [edge for n in range(1, 7) for edge in (Edge("0", str(n), f"way {n}"), Edge(str(n), "7"))],
    )
    assert [crossings(topology) for topology in (tree, ladder, diamond)] == [0, 0, 0]


def test_long_edges_to_one_target_share_a_line_and_its_arrowhead() -> None:
    steps = chain("a", "b", "c", "d", "end")
    failing = Topology(steps.nodes, [*steps.edges, *(Edge(id, "end", "", "dashed") for id in "abc")])
    routes = lay_out(failing).routes[4:]
    assert len({route.points[-1] for route in routes}) == 1
    assert [route.joins is None for route in routes] == [True, False, False]
    assert len({route.points[0] for route in routes}) == 3


def test_a_hub_stays_as_narrow_as_its_title() -> None:
    many = [f"worker {n}" for n in range(30)]
    fan_in = Topology([*map(Node, many), Node("join")], [Edge(id, "join") for id in many])
    few = Topology([*map(Node, many[:3]), Node("join")], [Edge(id, "join") for id in many[:3]])
    assert lay_out(fan_in).boxes[-1].width == lay_out(few).boxes[-1].width
    assert len({route.points[-1] for route in lay_out(few).routes}) == 3


def test_a_box_grows_for_the_arrows_that_leave_it(check_geometry: Any) -> None:
    many = [f"worker {n}" for n in range(30)]
    fan_out = Topology([Node("split"), *map(Node, many)], [Edge("split", id) for id in many])
    geometry = lay_out(fan_out)
    assert geometry.boxes[0].width > lay_out(chain("split", "x")).boxes[0].width
    check_geometry(fan_out, geometry)


def test_loops_stand_beside_their_box_one_below_the_other(check_geometry: Any) -> None:
    loops = Topology(
        [Node("a"), Node("b")], [Edge("a", "a", "one"), Edge("a", "a"), Edge("a", "a", "two\nlines"), Edge("a", "b")]
    )
    geometry = lay_out(loops)
    check_geometry(loops, geometry)
    (box, _), levels = geometry.boxes, [route.points[0][1] for route in geometry.routes[:3]]
    assert levels == sorted(levels)
    assert all(x >= box.x + box.width for route in geometry.routes[:3] for x, _ in route.points)


def test_what_is_not_connected_stands_beside_each_other_and_wraps() -> None:
    alone = Topology([Node(f"node {n}") for n in range(12)])
    geometry = lay_out(alone)
    assert 1 < len({box.y for box in geometry.boxes}) < 12
    narrow = plan(alone).place(CellRuler(), width=30)
    assert narrow.width <= 30


def test_nodes_of_a_frame_that_nothing_touches_stand_in_a_grid() -> None:
    tools = Topology([Node(f"tool {n}", cluster="box") for n in range(9)], clusters=[Cluster("box")])
    for direction in ("TB", "LR"):
        boxes = lay_out(tools, direction=direction).boxes  # type: ignore[arg-type]
        columns, rows = {box.x for box in boxes}, {box.y for box in boxes}
        assert len(columns) * len(rows) in (9, 10)
        assert len(columns) > 1
        assert len(rows) > 1


def test_an_empty_frame_is_drawn(check_geometry: Any) -> None:
    empty = Topology([Node("a")], clusters=[Cluster("out"), Cluster("in", "A long heading of an empty frame", "out")])
    geometry = lay_out(empty)
    check_geometry(empty, geometry)
    assert [(frame.id, frame.depth, frame.parent) for frame in geometry.frames] == [("out", 0, None), ("in", 1, "out")]


def test_a_node_between_two_of_a_frame_stays_outside_of_it(check_geometry: Any) -> None:
    through = Topology(
        [Node("in 1", cluster="f"), Node("outside"), Node("in 2", cluster="f")],
        [Edge("in 1", "outside"), Edge("outside", "in 2")],
        [Cluster("f")],
    )
    for direction in ("TB", "LR"):
        check_geometry(through, lay_out(through, direction=direction))  # type: ignore[arg-type]


def test_a_duration_makes_room_for_itself() -> None:
    steps = chain("a", "b")
    plain, timed = lay_out(steps), lay_out(steps, highlights=Highlights(timings={"a": 5}))
    assert timed.boxes[0].height > plain.boxes[0].height
    assert timed.boxes[0].note == "5 ms"
    assert timed.boxes[1].height == plain.boxes[1].height


def test_pictures_in_pixels_and_cells_have_the_same_order() -> None:
    planned = plan(tangle(3, 25, 60))
    pixels, cells = planned.place(PixelRuler()), planned.place(CellRuler())
    rows = [{} for _ in range(2)]  # type: list[dict[int, list[tuple[int, str]]]]
    for part, geometry in zip(rows, (pixels, cells), strict=True):
        for box in geometry.boxes:
            part.setdefault(box.y + box.height // 2, []).append((box.x, box.id))
    assert len(planned.parts) == 1
    assert len(rows[0]) > 3
    assert [[id for _, id in sorted(row)] for _, row in sorted(rows[0].items())] == [
        [id for _, id in sorted(row)] for _, row in sorted(rows[1].items())
    ]
