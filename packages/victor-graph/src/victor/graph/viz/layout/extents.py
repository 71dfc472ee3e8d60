"""How much room each item needs, across and along, before and after its middle."""

from __future__ import annotations

from attrs import define, field

from victor.graph.viz.layout.areas import Texts
from victor.graph.viz.layout.components import Component
from victor.graph.viz.layout.layered import BOX, HEADING, LABEL, LINE, Layered
from victor.graph.viz.layout.ports import Sides, place_ports
from victor.graph.viz.ruler import Spacing, TextBlock

__all__ = ["Extents", "measure"]


@define
class Extents:
    """Sizes of one component's items.

    Args:
        wide: Of each item, across.
        long: Of each item, along.
        before: Room across each item takes before its middle.
        after: Room across it takes after that, with the loops of a box.
        labels: Size of each edge's label, (0, 0) for none.
        headings: Size of each cluster's name.
        loops: By node, its loops: edge and part of the side it takes.
        loop_label_gap: Between a loop and its label.
        offsets: Place of each port, from its item's middle.
    """

    wide: list[int]
    long: list[int]
    before: list[int]
    after: list[int]
    labels: list[tuple[int, int]]
    headings: list[tuple[int, int]]
    loops: dict[int, list[tuple[int, int]]] = field(factory=dict)
    loop_label_gap: int = 0
    offsets: list[int] = field(factory=list)


def measure(graph: Layered, sides: Sides, part: Component, texts: Texts, spacing: Spacing, down: bool) -> Extents:
    """Sizes of all items; ``down`` where arrows run downwards."""

    def turn(text: TextBlock | None) -> tuple[int, int]:
        if text is None:
            return (0, 0)
        return (text.width, text.height) if down else (text.height, text.width)

    none = [0] * len(graph.kind)
    labels = [turn(texts.labels[number]) for number in part.edges]
    sizes = Extents(
        [*none], [*none], [*none], [*none], labels, [turn(texts.headings[number]) for number in part.frames]
    )
    sizes.loop_label_gap = (1 if down else 0) if spacing.label_beside else 4
    for edge, (source, target) in enumerate(part.ends):
        if source == target:
            between = 0 if spacing.label_beside and down else 2
            sizes.loops.setdefault(source, []).append((edge, max(spacing.loop_pitch, labels[edge][1] + between)))
    for item, kind in enumerate(graph.kind):
        owner = graph.owner[item]
        if kind == BOX and owner >= 0:
            wide, long = turn(texts.nodes[part.nodes[owner]])
            if owner in sizes.loops:
                shares = sum(share for _, share in sizes.loops[owner])
                long = max(long, shares + 2 * max(spacing.line, spacing.corner // 2))
            sizes.wide[item], sizes.long[item] = wide, long
        elif kind == LABEL:
            sizes.wide[item], sizes.long[item] = labels[owner]
        elif kind == HEADING:
            sizes.wide[item], sizes.long[item] = sizes.headings[owner]
        elif kind == LINE:
            sizes.wide[item] = spacing.line
    sizes.offsets = place_ports(sides, len(graph.port_item), sizes.wide, spacing)
    for item in range(len(graph.kind)):
        sizes.before[item], sizes.after[item] = _room(graph, sizes, item, spacing, down)
    return sizes


def _room(graph: Layered, sizes: Extents, item: int, spacing: Spacing, down: bool) -> tuple[int, int]:
    """Room before and after the middle."""
    kind, wide = graph.kind[item], sizes.wide[item]
    if kind == BOX:
        loops = sizes.loops.get(graph.owner[item], ())
        labels = [sizes.labels[edge][0] for edge, _ in loops]
        beside = max((wide + sizes.loop_label_gap for wide in labels if wide), default=0)
        return wide // 2, wide - wide // 2 + (spacing.loop_reach + beside if loops else 0)
    if kind == LABEL and not spacing.label_beside:
        return wide // 2, wide - wide // 2
    if kind == LABEL:
        return (0, spacing.line + 1 + wide) if down else (wide, spacing.line)
    return 0, wide if kind == HEADING else spacing.line
