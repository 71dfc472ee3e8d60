"""What the layout promises, on random topologies and on some of the shapes that matter."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from victor.core.topology import Cluster, Edge, Node, Topology
from victor.graph.viz.cell_ruler import CellRuler
from victor.graph.viz.layout import lay_out

directions = st.sampled_from(["TB", "LR"])
relaxed = settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


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
