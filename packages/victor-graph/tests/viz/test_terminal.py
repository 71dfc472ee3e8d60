"""Pictures made of characters: read back cell by cell, compared with the SVG, held against the terminal's width."""

from __future__ import annotations

import os
import re
import xml.etree.ElementTree as ET
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from victor.core.highlights import Highlights
from victor.core.topology import Cluster, Edge, Node, Topology
from victor.graph.viz import ascii, svg
from victor.graph.viz.cell_ruler import CellRuler
from victor.graph.viz.cells import cell_split, cell_width
from victor.graph.viz.layout import plan
from victor.graph.viz.listing import listing
from victor.graph.viz.ruler import PixelRuler

relaxed = settings(
    deadline=None, max_examples=120, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)

UP, DOWN, LEFT, RIGHT = (0, -1), (0, 1), (-1, 0), (1, 0)
ARMS = {
    **{char: {UP, DOWN} for char in "│┆┊"},
    **{char: {LEFT, RIGHT} for char in "─┄┈"},
    "╭": {DOWN, RIGHT},
    "╮": {DOWN, LEFT},
    "╰": {UP, RIGHT},
    "╯": {UP, LEFT},
    "├": {UP, DOWN, RIGHT},
    "┤": {UP, DOWN, LEFT},
    "┬": {DOWN, LEFT, RIGHT},
    "┴": {UP, LEFT, RIGHT},
}
HEADS = {"▼": DOWN, "▲": UP, "◀": LEFT, "▶": RIGHT}
EXITS = {
    **dict.fromkeys("┬┯╤", DOWN),
    **dict.fromkeys("┴┷╧", UP),
    **dict.fromkeys("├┠╟", RIGHT),
    **dict.fromkeys("┤┨╢", LEFT),
}
BORDERS = {"┌": "─┬┴┐", "┏": "━┯┷┓", "╔": "═╤╧╗"}


class Reading:
    """What a reader sees in a picture made of Unicode characters."""

    def __init__(self, picture: str) -> None:
        self.grid = [cell_split(line) for line in picture.splitlines()]
        self.boxes: dict[str, tuple[int, int, int, int]] = {}
        self.borders: set[tuple[int, int]] = set()
        self.edges: Counter[tuple[str, str]] = Counter()
        self._find_boxes()
        for title in self.boxes:
            self._follow_exits(title)

    def at(self, x: int, y: int) -> str:
        return self.grid[y][x] if 0 <= y < len(self.grid) and 0 <= x < len(self.grid[y]) else " "

    def _find_boxes(self) -> None:
        for y, row in enumerate(self.grid):
            for x, char in enumerate(row):
                border = BORDERS.get(char)
                if border is None or self.at(x + 1, y) not in border:
                    continue
                right = x + 1
                while self.at(right, y) != border[-1]:
                    assert self.at(right, y) in border, "a border is interrupted"
                    right += 1
                bottom = y + 1
                while self.at(x, bottom) not in "└┗╚":
                    bottom += 1
                self.borders |= {(column, line) for column in range(x, right + 1) for line in (y, bottom)}
                self.borders |= {(column, line) for column in (x, right) for line in range(y, bottom + 1)}
                words = " ".join(
                    "".join(self.at(column, line) for column in range(x + 1, right)) for line in range(y + 1, bottom)
                )
                self.boxes[" ".join(words.split())] = (x, y, right, bottom)

    def _follow_exits(self, title: str) -> None:
        x, y, right, bottom = self.boxes[title]
        for column in range(x, right + 1):
            for row in (y, bottom):
                step = EXITS.get(self.at(column, row))
                if step in (UP, DOWN) and step == (UP if row == y else DOWN):
                    self._follow(title, column, row, step)
        for row in range(y + 1, bottom):
            for column in (x, right):
                step = EXITS.get(self.at(column, row))
                if step in (LEFT, RIGHT) and step == (LEFT if column == x else RIGHT):
                    self._follow(title, column, row, step)

    def _follow(self, title: str, x: int, y: int, step: tuple[int, int]) -> None:
        reached = self._walk(x, y, step, set())
        assert len(reached) == 1, f"from {title!r} the eye reaches {reached}"
        self.edges[title, reached.pop()] += 1

    def _walk(self, x: int, y: int, step: tuple[int, int], seen: set[tuple[int, int, tuple[int, int]]]) -> set[str]:
        while (x, y, step) not in seen:
            seen.add((x, y, step))
            x, y = x + step[0], y + step[1]
            char = self.at(x, y)
            if char in HEADS:
                return {self._box_at(x + step[0], y + step[1])} if HEADS[char] == step else set()
            if (x, y) in self.borders:  # here another arrow begins
                return set()
            if char == "┼":
                continue
            arms = ARMS[char]
            back = (-step[0], -step[1])
            assert back in arms, f"the line from {step} ends at {char!r}"
            onward = arms - {back}
            if len(onward) > 1:
                return set().union(*(self._walk(x, y, turn, seen) for turn in onward))
            (step,) = onward
        return set()

    def _box_at(self, x: int, y: int) -> str:
        (title,) = (
            title
            for title, (left, top, right, bottom) in self.boxes.items()
            if left <= x <= right and top <= y <= bottom
        )
        return title


def unicode_picture(topology: Topology, direction: Any, tight: bool, wrap_at: int = 24) -> str:
    geometry = plan(topology, direction).place(CellRuler(wrap_at, tight=tight))
    return ascii.draw_geometry(topology, geometry)


@pytest.mark.slow
@given(data=st.data(), direction=st.sampled_from(["TB", "LR"]), tight=st.booleans())
@relaxed
def test_the_nodes_and_edges_can_be_read_back(data: Any, direction: Any, tight: bool, topologies: Any) -> None:
    topology = data.draw(topologies(texts=False))
    reading = Reading(unicode_picture(topology, direction, tight))
    assert sorted(reading.boxes) == sorted(node.id for node in topology.nodes)
    assert reading.edges == Counter((edge.source, edge.target) for edge in topology.edges)


@pytest.mark.slow
@given(data=st.data(), direction=st.sampled_from(["TB", "LR"]))
@relaxed
def test_characters_and_svg_show_the_same(data: Any, direction: Any, topologies: Any) -> None:
    topology = data.draw(topologies(texts=False))
    reading = Reading(unicode_picture(topology, direction, False))
    document = ET.fromstring(svg.render(topology, direction=direction))
    shapes = {group.get("data-id"): group for group in document.iter() if "node" in group.get("class", "").split()}
    edges = Counter(
        (group.get("data-source"), group.get("data-target"))
        for group in document.iter()
        if "edge" in group.get("class", "").split()
    )
    assert set(shapes) == set(reading.boxes)
    assert edges == reading.edges

    # Of two boxes that are connected, the same is first in both pictures.
    boxes = {box.id: box for box in plan(topology, direction).place(PixelRuler()).boxes}
    for one, other in reading.edges:
        left, right = reading.boxes[one], reading.boxes[other]
        if direction == "TB":
            pixels = (boxes[one].y > boxes[other].y) - (boxes[one].y < boxes[other].y)
            cells = (left[1] > right[1]) - (left[1] < right[1])
        else:
            pixels = (boxes[one].x > boxes[other].x) - (boxes[one].x < boxes[other].x)
            cells = (left[0] > right[0]) - (left[0] < right[0])
        assert pixels * cells >= 0, (one, other)


@pytest.mark.slow
@given(data=st.data(), width=st.integers(28, 120), plain=st.booleans(), direction=st.sampled_from(["TB", "LR"]))
@relaxed
def test_it_fits_the_terminal(data: Any, width: int, plain: bool, direction: Any, topologies: Any) -> None:
    topology = data.draw(topologies())
    draw = ascii.render if plain else ascii.render_unicode
    run = Highlights(
        current=[node.id for node in topology.nodes[:2]], timings={node.id: 12.5 for node in topology.nodes}
    )
    picture = draw(topology, width=width, direction=direction, highlights=run)
    assert max(map(cell_width, picture.splitlines())) <= width
    if plain:
        assert picture.isascii()


@pytest.mark.slow
@given(data=st.data(), plain=st.booleans())
@relaxed
def test_a_list_has_every_node_and_every_arrow_once(data: Any, plain: bool, topologies: Any) -> None:
    topology = data.draw(topologies(texts=False))
    assume(topology.nodes)
    seen: list[str] = []
    edges: Counter[tuple[str, str]] = Counter()
    for line in listing(topology, None, 80, ascii=plain).splitlines():
        text = line.lstrip("╎:").lstrip("╎: ")
        if arrow := re.match(r"[├└+`].*?[▶>] (\S+)$", text):
            edges[seen[-1], arrow[1]] += 1
        elif node := re.match(r"[□◇●O<*] (\S+)$", text):
            seen.append(node[1])
        else:
            assert text.startswith(("┌╌ ", ".. ")), line
    assert sorted(seen) == sorted(node.id for node in topology.nodes)
    assert edges == Counter((edge.source, edge.target) for edge in topology.edges)


STEPS = Topology(
    [
        Node("start", "START", "start"),
        Node("draft", "Draft", "agent"),
        Node("ok", "Good?", "condition"),
        Node("end", "END", "end"),
    ],
    [
        Edge("start", "draft"),
        Edge("draft", "ok"),
        Edge("ok", "draft", "no", "dashed"),
        Edge("ok", "end", "yes", "dashed"),
    ],
)


def test_a_loop_of_a_writer_and_a_critic() -> None:
    assert ascii.render_unicode(STEPS, width=80) == (
        """\
┏━━━━━━━┓
┃ START ┃
┗━━━┯━━━┛
    │
    ▼
┌───────┐
│ Draft │
└───┬───┘
    │ ▲
    │ ┆ no
    ▼ ┆
┌─────┴─┐
< Good? >
└───┬───┘
    ┆ yes
    ▼
 ┏━━━━━┓
 ┃ END ┃
 ┗━━━━━┛
"""
    )


def test_plain_ascii_is_the_same_picture() -> None:
    lines = ascii.render(STEPS, width=80).splitlines()
    assert lines[:4] == ["+-------+", "| START |", "+---+---+", "    |"]
    assert [len(line) for line in lines] == [len(line) for line in ascii.render_unicode(STEPS, width=80).splitlines()]


def test_marks_and_durations_stand_below_the_titles() -> None:
    run = Highlights(visited=["start", "draft"], current="ok", failed="end", timings={"draft": 1500})
    picture = ascii.render_unicode(STEPS, width=80, highlights=run)
    assert "│  Draft  │\n│ ✓ 1.5 s │\n" in picture
    assert "│   ▶   │" in picture
    assert "✗" in picture
    plain = ascii.render(STEPS, width=80, highlights=run)
    assert "+ 1.5 s" in plain
    assert plain.isascii()
    listed = listing(STEPS, run, 40)
    assert "□ Draft  ✓ 1.5 s\n" in listed


def test_titles_are_wrapped_before_the_picture_becomes_a_list() -> None:
    wide = Topology(
        [Node("a"), *(Node(f"w{n}", f"summarise document number {n}") for n in range(4))],
        [Edge("a", f"w{n}") for n in range(4)],
    )
    narrow = ascii.render_unicode(wide, width=80)
    assert "┌" in narrow
    assert "│  number 3 │" in narrow
    assert "│ summarise document number 3 │" not in narrow
    listed = ascii.render_unicode(wide, width=30)
    assert listed.startswith("□ #1 a\n  ├─▶ #2 summarise document…\n")


def test_a_picture_that_is_too_wide_from_left_to_right_is_turned() -> None:
    chain = Topology([Node(f"step {n}") for n in range(8)], [Edge(f"step {n}", f"step {n + 1}") for n in range(7)])
    assert ascii.render_unicode(chain, width=200, direction="LR").count("\n") == 3
    assert ascii.render_unicode(chain, width=60, direction="LR") == ascii.render_unicode(chain, width=60)


def test_the_width_is_the_terminals_where_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    fan = Topology(
        [Node("a"), *(Node(f"worker {n}") for n in range(12))], [Edge("a", f"worker {n}") for n in range(12)]
    )
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((300, 24)))
    assert "┌" in ascii.render_unicode(fan)
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((40, 24)))
    assert "┌" not in ascii.render_unicode(fan)


def test_a_frame_in_a_list_says_its_name_and_holds_its_members() -> None:
    framed = Topology(
        [Node("a"), Node("b", cluster="in"), Node("c", cluster="in")],
        [Edge("a", "b"), Edge("b", "c", "next")],
        [Cluster("out", "Outer"), Cluster("in", "Inner", "out"), Cluster("none", "Empty")],
    )
    assert listing(framed, None, 40) == (
        "□ a\n  └─▶ b\n┌╌ Outer\n╎ ┌╌ Inner\n╎ ╎ □ b\n╎ ╎   └─ next ─▶ c\n╎ ╎ □ c\n┌╌ Empty\n"
    )


def test_titles_that_look_alike_in_a_list_are_numbered() -> None:
    twins = Topology([Node("x", "same"), Node("y", "same")], [Edge("x", "y")])
    assert listing(twins, None, 40) == "□ #1 same\n  └─▶ #2 same\n□ #2 same\n"


def test_an_empty_topology_says_so() -> None:
    assert ascii.render_unicode(Topology([]), width=80) == "(empty)\n"


def test_wide_characters_take_two_columns() -> None:
    picture = ascii.render_unicode(Topology([Node("計画"), Node("do")], [Edge("計画", "do")]), width=40)
    assert len({cell_width(line) for line in picture.splitlines()[:3]}) == 1
    assert "計画" in picture
