"""Topologies: what can be drawn, and what is refused with names."""

from __future__ import annotations

import pytest

from victor.core.errors import ConfigurationError
from victor.core.topology import Cluster, Edge, Node, Topology


def test_a_picture_keeps_order_and_finds_nodes():
    picture = Topology(
        [Node("b", "Bee", cluster="in"), Node("a")],
        [Edge("b", "a"), Edge("a", "a", "again", "dashed")],
        [Cluster("out"), Cluster("in", parent="out")],
        name="p",
    )
    assert [node.title for node in picture.nodes] == ["Bee", "a"]
    assert picture.node("b").cluster == "in"
    with pytest.raises(KeyError):
        picture.node("c")


def test_everything_wrong_is_said_at_once():
    with pytest.raises(ConfigurationError) as caught:
        Topology(
            [Node("a"), Node("a"), Node("b", cluster="x")], [Edge("a", "c")], [Cluster("k"), Cluster("k", parent="z")]
        )
    text = str(caught.value)
    for part in (
        "node id stands twice: a",
        "cluster id stands twice: k",
        "no cluster 'x'",
        "no node 'c'",
        "no cluster 'z'",
    ):
        assert part in text


def test_frames_cannot_lie_in_themselves():
    with pytest.raises(ConfigurationError, match="lies in itself"):
        Topology([], [], [Cluster("a", parent="b"), Cluster("b", parent="a")])
