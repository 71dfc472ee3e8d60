"""The JSON of a topology and its geometry."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from victor.core.highlights import Highlights
from victor.core.topology import Cluster, Edge, Node, Topology
from victor.graph.viz.json_document import render
from victor.graph.viz.layout import lay_out


@given(data=st.data())
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_the_topology_can_be_made_again_from_it(data: Any, topologies: Any) -> None:
    topology = data.draw(topologies())
    document = json.loads(render(topology))
    again = Topology(
        [
            Node(n["id"], n["label"], n["kind"], n["cluster"], n["description"], n["attributes"])
            for n in document["nodes"]
        ],
        [Edge(e["source"], e["target"], e["label"], e["style"]) for e in document["edges"]],
        [Cluster(c["id"], c["label"], c["parent"]) for c in document["clusters"]],
    )
    assert [(node.id, node.title, node.kind, node.cluster) for node in again.nodes] == [
        (node.id, node.title, node.kind, node.cluster) for node in topology.nodes
    ]
    assert again.edges == topology.edges
    assert {cluster.id: cluster.parent for cluster in again.clusters} == {c.id: c.parent for c in topology.clusters}


def test_the_geometry_is_the_one_all_pictures_share() -> None:
    topology = Topology([Node("a", cluster="f"), Node("b")], [Edge("a", "b", "go")], [Cluster("f", "Frame")], name="n")
    document, geometry = json.loads(render(topology, direction="LR")), lay_out(topology, direction="LR")
    assert (document["width"], document["height"]) == (geometry.width, geometry.height)
    assert document["nodes"][1]["box"]["x"] == geometry.boxes[1].x
    assert document["edges"][0]["points"] == [list(point) for point in geometry.routes[0].points]
    assert document["edges"][0]["label_box"]["lines"] == ["go"]
    assert document["clusters"][0]["heading_box"]["lines"] == ["Frame"]
    assert document["version"] == 1


def test_attributes_and_runs_are_told() -> None:
    topology = Topology([Node("a", attributes={"model": "x", "odd": {1, 2}.__class__}), Node("b")])
    run = Highlights(failed="a", timings={"a": 1.5})
    nodes = json.loads(render(topology, highlights=run))["nodes"]
    assert nodes[0]["attributes"] == {"model": "x", "odd": "<class 'set'>"}
    assert [(node["mark"], node["duration_ms"]) for node in nodes] == [("failed", 1.5), (None, None)]
    assert "mark" not in json.loads(render(topology))["nodes"][0]
