"""DOT, read by the real Graphviz."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from typing import Any

import pytest
from hypothesis import Phase, given, settings

from victor.core.highlights import Highlights
from victor.core.topology import Cluster, Edge, Node, Topology
from victor.graph.viz.dot import _quote, render

STEPS = Topology(
    [Node("a", "First", "start"), Node("b", "Second", cluster="in", description='It "thinks".')],
    [Edge("a", "b", "go", "dashed")],
    [Cluster("out"), Cluster("in", "Inside", "out")],
    name="Steps",
)


@pytest.fixture(scope="module")
def dot() -> str:
    program = shutil.which("dot")
    if program is None:
        pytest.skip("Graphviz is not installed: apt-get install graphviz")
    return program


def read(dot: str, text: str) -> dict[str, Any]:
    """Let Graphviz parse a graph and say what it understood."""
    done = subprocess.run([dot, "-Tdot_json"], input=text, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    graph: dict[str, Any] = json.loads(done.stdout, strict=False)
    return graph


@pytest.mark.slow
def test_graphviz_understands_every_text(dot: str, topologies: Any) -> None:
    batch: list[Topology] = []

    @given(topologies())
    @settings(deadline=None, max_examples=60, database=None, phases=[Phase.generate])
    def collect(topology: Topology) -> None:
        batch.append(topology)

    collect()
    for topology in batch:
        graph = read(dot, render(topology))
        objects = graph.get("objects", [])
        names = {thing["_gvid"]: thing["name"] for thing in objects}
        written = {node.id: _quote(node.id)[1:-1].replace('\\"', '"') for node in topology.nodes}
        assert sorted(thing["name"] for thing in objects if "shape" in thing) == sorted(written.values())
        assert sum("shape" not in thing for thing in objects) == len(topology.clusters)
        assert Counter((names[edge["tail"]], names[edge["head"]]) for edge in graph.get("edges", [])) == Counter(
            (written[edge.source], written[edge.target]) for edge in topology.edges
        )
        frames = {
            thing["name"]: {names[node] for node in thing.get("nodes", ())} for thing in objects if "shape" not in thing
        }
        for cluster in topology.clusters:
            members = {written[node.id] for node in topology.nodes if node.cluster == cluster.id}
            assert members <= frames[f"cluster_{cluster.id}"]


def test_graphviz_sees_labels_styles_and_clusters(dot: str) -> None:
    graph = read(dot, render(STEPS, direction="LR"))
    things = {thing["name"]: thing for thing in graph["objects"]}
    assert graph["rankdir"] == "LR"
    assert set(things) == {"cluster_out", "cluster_in", "a", "b"}
    assert things["cluster_in"]["label"] == "Inside"
    assert things["a"]["label"] == "First"
    assert things["b"]["tooltip"] in ('It "thinks".', 'It \\"thinks\\".')
    (edge,) = graph["edges"]
    assert (edge["label"], edge["style"]) == ("go", "dashed")


def test_graphviz_draws_it(dot: str) -> None:
    run = Highlights(visited="a", timings={"a": 12})
    done = subprocess.run(
        [dot, "-Tsvg"],
        input=render(STEPS, theme="dark", highlights=run),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "12 ms" in done.stdout
    assert "#4ade80" in done.stdout
    assert done.stderr == ""


def test_two_ids_stay_two(dot: str) -> None:
    ids = [
        "a",
        'a"',
        "a\\",
        "a\n",
        "a\x00",
        "a\x01",
        "a ",
        "\ud800",
        "\ufffd",
        "\\u0",
        "a\\u0",
        "%",
        "%1",
        "\x0251",
        "\\u{25}1",
        "\\u25",
        "&amp;",
        "&",
    ]
    topology = Topology([Node(id) for id in ids], [Edge(one, other) for one in ids for other in ids])
    graph = read(dot, render(topology))
    assert len(graph["objects"]) == len(ids)
    assert Counter((edge["tail"], edge["head"]) for edge in graph["edges"]).most_common(1)[0][1] == 1
