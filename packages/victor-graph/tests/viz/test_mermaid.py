"""Mermaid flowcharts, understood by the real parser from npm exactly as they were meant."""

from __future__ import annotations

import html
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings

from victor.core.highlights import Highlights
from victor.core.testing.npm import node_program
from victor.core.topology import Cluster, Edge, Node, Topology
from victor.graph.viz.mermaid import render
from victor.graph.viz.ruler import clean

Parse = Callable[[list[str]], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def parse() -> Parse:
    """Parses many diagrams in one process."""
    return node_program(Path(__file__).with_name("mermaid_parse.mjs"), "mermaid@11", "jsdom@26.1.0")


def shown(text: str) -> str:
    """What a reader sees of a text Mermaid has parsed: its own marks for entities, then HTML."""
    text = text.replace("ﬂ°°", "&#").replace("ﬂ°", "&").replace("¶ß", ";")
    return html.unescape(re.sub(r"<br\s*/?>", "\n", text))


def visible(text: str) -> str:
    """A text as far as HTML shows it: blanks at the ends of lines do not count."""
    return "\n".join(" ".join(line.split()) for line in clean(text).strip().split("\n"))


def check(topology: Topology, result: dict[str, Any]) -> None:
    assert "error" not in result, result["error"]
    assert [visible(shown(node["text"])) for node in sorted(result["nodes"], key=lambda n: n["id"])] == [
        visible(text) for _, text in sorted(zip(names(topology), (node.title for node in topology.nodes), strict=True))
    ]
    ids = dict(zip((node.id for node in topology.nodes), names(topology), strict=True))
    assert [(edge["source"], edge["target"], visible(shown(edge["text"]))) for edge in result["edges"]] == [
        (ids[edge.source], ids[edge.target], visible(edge.label) if edge.label.strip() else "")
        for edge in topology.edges
    ]
    members = {node["id"]: set() for node in result["groups"]}
    for group in result["groups"]:
        members[group["id"]] = set(group["nodes"])
    wanted = []
    for cluster in topology.clusters:
        inside = {ids[node.id] for node in topology.nodes if node.cluster == cluster.id}
        wanted.append((visible(cluster.label or cluster.id), inside))
    nodes = set(ids.values())
    got = [(visible(shown(group["title"])), members[group["id"]] & nodes) for group in result["groups"]]
    assert sorted(got, key=repr) == sorted(wanted, key=repr)


def names(topology: Topology) -> list[str]:
    """The ids in the diagram, read from it."""
    found = re.findall(r"^\s*(n_\w+)(?=[\[({>])", render(topology), re.MULTILINE)
    order = {id: number for number, id in enumerate(in_order(topology))}
    return [found[order[node.id]] for node in topology.nodes]


def in_order(topology: Topology) -> list[str]:
    """Node ids in the order they are written: frame by frame."""
    out: list[str] = []

    def level(cluster: str | None) -> None:
        out.extend(node.id for node in topology.nodes if node.cluster == cluster)
        for child in topology.clusters:
            if child.parent == cluster:
                level(child.id)

    level(None)
    return out


@pytest.mark.slow
def test_the_real_parser_understands_what_was_meant(parse: Parse, topologies: Any) -> None:
    batch: list[Topology] = []

    @given(topologies())
    @settings(deadline=None, max_examples=150, database=None, phases=[Phase.generate])
    def collect(topology: Topology) -> None:
        batch.append(topology)

    collect()
    for topology, result in zip(batch, parse([render(topology) for topology in batch]), strict=True):
        check(topology, result)


@pytest.mark.slow
def test_every_awkward_text_survives(parse: Parse, awkward: list[str]) -> None:
    batch = [
        Topology(
            [Node(text, cluster="frame"), Node("other", text)],
            [Edge(text, "other", text), Edge("other", text, f"to {text}", "dashed")],
            [Cluster("frame", text)],
        )
        for text in awkward
        if text != "other"
    ]
    for topology, result in zip(batch, parse([render(topology, theme="dark") for topology in batch]), strict=True):
        check(topology, result)


@pytest.mark.slow
def test_every_character_of_every_plane_survives(parse: Parse) -> None:
    dice = random.Random(7)
    texts = ["".join(map(chr, range(start, start + 16))) for start in range(0x20, 0x80, 16)]
    texts += ["".join(chr(dice.randrange(0x20, 0xD800)) for _ in range(12)) for _ in range(60)]
    texts += ["".join(dice.choice('"#;%`<>&|[](){}\\:*_-+~ \n@style%%end') for _ in range(20)) for _ in range(200)]
    batch = [Topology([Node("a", text), Node("b")], [Edge("a", "b", text)]) for text in texts]
    for topology, result in zip(batch, parse([render(topology) for topology in batch]), strict=True):
        check(topology, result)


def test_kinds_styles_directions_and_marks_are_what_the_parser_sees(parse: Parse) -> None:
    topology = Topology(
        [Node("start", "START", "start"), Node("which", kind="condition"), Node("db", kind="data")],
        [Edge("start", "which"), Edge("which", "db", "yes", "dashed"), Edge("db", "db", "", "dotted")],
    )
    run = Highlights(visited="start", current="which", timings={"which": 12})
    (result,) = parse([render(topology, direction="LR", theme="light", highlights=run)])
    assert result["direction"] == "LR"
    assert [node["shape"] for node in result["nodes"]] == ["stadium", "diamond", "cylinder"]
    assert [edge["stroke"] for edge in result["edges"]] == ["normal", "dotted", "dotted"]
    assert [node["classes"] for node in result["nodes"]] == [
        ["k_start", "m_visited"],
        ["k_condition", "m_current"],
        ["k_data"],
    ]
    assert shown(result["nodes"][1]["text"]) == "which\n12 ms"


def test_each_kind_has_a_shape_the_parser_knows(parse: Parse, kinds: tuple[str, ...]) -> None:
    topology = Topology([Node(kind, kind=kind) for kind in kinds])
    (result,) = parse([render(topology)])
    assert len(result["nodes"]) == len(kinds)
    assert None not in [node["shape"] for node in result["nodes"]]


def test_plain_ids_stay_readable() -> None:
    text = render(Topology([Node("fetch_page"), Node("a b")], [Edge("fetch_page", "a b", "ok")]))
    assert text == 'flowchart TB\n  n_fetch_page["fetch_page"]\n  n_1["a b"]\n  n_fetch_page -->|"ok"| n_1\n'


def test_an_id_that_looks_like_a_number_of_ours_stays_apart() -> None:
    text = render(Topology([Node("x y"), Node("0"), Node("_0")]))
    assert len(set(re.findall(r"^  (n_\w+)", text, re.MULTILINE))) == 3
