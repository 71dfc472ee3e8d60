"""SVG pictures: well-formed for every text, self-contained, accessible, and true to the geometry."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from victor.core.errors import ConfigurationError
from victor.core.highlights import Highlights
from victor.core.topology import Cluster, Edge, Node, Topology
from victor.graph.viz.layout import lay_out
from victor.graph.viz.ruler import PixelRuler, clean, pixel_width
from victor.graph.viz.svg import describe, render

SVG = "{http://www.w3.org/2000/svg}"
relaxed = settings(
    deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)

STEPS = Topology(
    [
        Node("a", "First", "start"),
        Node("b", "Second", "agent", "in", "Thinks & writes."),
        Node("c", "Third", "condition", "in"),
    ],
    [Edge("a", "b"), Edge("b", "c", "then"), Edge("c", "b", "again", "dashed")],
    [Cluster("in", "Inside")],
    name="Steps <1>",
    description="Three steps.",
)


def classes(document: ET.Element, name: str) -> list[ET.Element]:
    return [element for element in document.iter() if name in element.get("class", "").split()]


@pytest.mark.slow
@given(data=st.data(), direction=st.sampled_from(["TB", "LR"]), theme=st.sampled_from(["auto", "light", "dark"]))
@relaxed
def test_it_is_well_formed_and_complete_for_every_text(data: Any, direction: Any, theme: str, topologies: Any) -> None:
    topology = data.draw(topologies())
    run = Highlights(visited=[node.id for node in topology.nodes[::2]], timings={node.id: 5 for node in topology.nodes})
    document = ET.fromstring(render(topology, direction=direction, theme=theme, highlights=run).encode())
    assert [group.get("data-id") for group in classes(document, "node")] == [
        _attribute(node.id) for node in topology.nodes
    ]
    assert len(classes(document, "edge")) == len(topology.edges)
    assert len(classes(document, "frame")) == len(topology.clusters)
    assert len(classes(document, "label")) == sum(bool(edge.label.strip()) for edge in topology.edges)


def _attribute(text: str) -> str:
    """As XML reads attributes: line breaks are blanks."""
    return clean(text).replace("\n", " ")


def test_it_has_a_title_a_description_and_a_role() -> None:
    document = ET.fromstring(render(STEPS))
    title, description = document.find(f"{SVG}title"), document.find(f"{SVG}desc")
    assert document.get("role") == "img"
    assert title is not None
    assert title.text == "Steps <1>"
    assert description is not None
    assert document.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert description.text == (
        "Three steps. 3 nodes and 3 edges. First leads to Second. Second leads to Third (then). Third leads to Second (again)."
    )
    tooltips = [group.find(f"{SVG}title") for group in classes(document, "node")]
    assert [tooltip.text for tooltip in tooltips if tooltip is not None] == [
        "First",
        "Second: Thinks & writes.",
        "Third",
    ]


def test_nothing_is_fetched_and_nothing_runs() -> None:
    picture = render(STEPS)
    assert "<script" not in picture
    assert "<image" not in picture
    assert "url(" not in picture
    assert "@import" not in picture
    assert set(re.findall(r'https?://[^"\s]+', picture)) == {"http://www.w3.org/2000/svg"}
    assert "href" not in picture


def test_only_auto_asks_the_reader_for_the_theme() -> None:
    auto, light, dark = (render(STEPS, theme=theme) for theme in ("auto", "light", "dark"))
    assert "prefers-color-scheme:dark" in auto
    assert "prefers-color-scheme" not in light + dark
    assert ".paper{fill:#ffffff}" in light
    assert ".paper{fill:#ffffff}" not in dark


def test_two_pictures_in_one_page_do_not_share_rules_or_ids() -> None:
    one, other = render(STEPS, theme="light"), render(STEPS, theme="dark")
    for found in (r'\sid="([^"]+)"', r"\.(v[0-9a-f]{8}) "):
        first, second = set(re.findall(found, one)), set(re.findall(found, other))
        assert first
        assert first.isdisjoint(second)


def test_the_same_topology_gives_the_same_bytes() -> None:
    assert render(STEPS) == render(STEPS)


def test_a_width_scales_the_picture_and_keeps_its_shape() -> None:
    geometry = lay_out(STEPS)
    document = ET.fromstring(render(STEPS, width=2 * geometry.width))
    assert document.get("width") == str(2 * geometry.width)
    assert document.get("height") == str(2 * geometry.height)
    assert document.get("viewBox") == f"0 0 {geometry.width} {geometry.height}"


def test_lines_begin_at_their_source_and_arrowheads_touch_their_target() -> None:
    geometry = lay_out(STEPS)
    boxes = {box.id: box for box in geometry.boxes}
    for group, route in zip(classes(ET.fromstring(render(STEPS)), "edge"), geometry.routes, strict=True):
        line, head = group.findall(f"{SVG}path")
        start = tuple(map(int, re.findall(r"\d+", line.get("d", ""))[:2]))
        tip = tuple(map(int, re.findall(r"\d+", head.get("d", ""))[:2]))
        assert start == route.points[0]
        assert tip == route.points[-1]
        assert tip[1] in (boxes[route.target].y, boxes[route.target].y + boxes[route.target].height)


def test_edges_that_meet_have_one_arrowhead() -> None:
    names = [f"n{n}" for n in range(6)]
    failing = Topology(
        [Node(name) for name in (*names, "end")],
        [
            *(Edge(one, other) for one, other in pairwise(names)),
            *(Edge(name, "end", "", "dashed") for name in names),
        ],
    )
    geometry = lay_out(failing)
    joined = [route for route in geometry.routes if route.joins is not None]
    assert len(joined) == 4  # of five long ones, all but the first
    document = ET.fromstring(render(failing))
    assert len(classes(document, "head")) == len(geometry.routes) - len(joined)
    for route in joined:  # the rest of it lies on a route that was drawn before
        shared = route.points[route.joins or 0 :]
        assert any(
            shared[-1] == other.points[-1] and other.style == route.style for other in geometry.routes[: route.edge]
        )


def test_a_run_is_shown_by_badges_and_said_in_words() -> None:
    run = Highlights(visited=["a"], current="b", failed="x", interrupted="c", timings={"a": 3210})
    document = ET.fromstring(render(STEPS, highlights=run))
    marks = [group.get("class", "").split()[2:] for group in classes(document, "node")]
    assert marks == [["visited"], ["current"], ["interrupted"]]
    assert len(classes(document, "badge")) == 3
    assert [note.text for note in classes(document, "note")] == ["3.2 s"]
    assert describe(STEPS, run).endswith("Current: Second. Interrupted: Third. Visited: First.")


def test_nodes_without_a_mark_step_back_while_others_have_one() -> None:
    document = ET.fromstring(render(STEPS, highlights=Highlights(visited="a")))
    assert [group.get("data-id") for group in classes(document, "dim")] == ["b", "c"]
    assert not classes(ET.fromstring(render(STEPS)), "dim")


def test_titles_fit_their_boxes() -> None:
    texts = [
        "W" * 40,
        "a short one",
        "Zwölf Boxkämpfer jagen Viktor quer über den Sylter Deich",
        "計画" * 30,
        "iiiiii",
        "one\ntwo",
    ]
    geometry = lay_out(Topology([Node(text) for text in texts]))
    for box in geometry.boxes:
        for line in box.lines:
            assert pixel_width(line, PixelRuler.title_size) + PixelRuler.icon + 12 <= box.width


def test_what_is_too_long_ends_in_an_ellipsis_and_stays_in_the_tooltip() -> None:
    long = " ".join(f"word{n}" for n in range(100))
    document = ET.fromstring(render(Topology([Node("a", long)])))
    (node,) = classes(document, "node")
    assert [text.text for text in node.findall(f"{SVG}text")][-1].endswith("…")  # type: ignore[union-attr]
    assert node.findtext(f"{SVG}title") == long


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"theme": "neon"}, "no theme 'neon'; there are: auto, light, dark"),
        ({"direction": "RL"}, "no direction 'RL'; there are: TB, LR"),
        ({"width": 0}, "cannot be 0 wide"),
    ],
)
def test_wrong_arguments_are_told(arguments: dict[str, Any], message: str) -> None:
    from victor.graph.viz import ascii, dot, json_document, mermaid, svg

    for draw in (svg.render, ascii.render, ascii.render_unicode, dot.render, json_document.render, mermaid.render):
        with pytest.raises(ConfigurationError, match=re.escape(message)):
            draw(STEPS, **arguments)


def test_a_kind_or_a_style_nobody_knows_is_told() -> None:
    with pytest.raises(ConfigurationError, match=re.escape("node 'a': no kind 'loop'; there are: start, end, step,")):
        render(Topology([Node("a", kind="loop")]))  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="edge 'a' -> 'a': no style 'wavy'; there are: solid, dashed, dotted"):
        render(Topology([Node("a")], [Edge("a", "a", style="wavy")]))  # type: ignore[arg-type]


def test_an_empty_topology_is_an_empty_picture() -> None:
    document = ET.fromstring(render(Topology([])))
    assert not classes(document, "node")
    assert describe(Topology([])) == "0 nodes and 0 edges."


def test_a_large_graph_is_described_by_numbers_alone() -> None:
    chain = Topology([Node(str(n)) for n in range(100)], [Edge(str(n), str(n + 1)) for n in range(99)])
    assert describe(chain) == "100 nodes and 99 edges."
