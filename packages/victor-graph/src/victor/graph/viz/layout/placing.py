"""From an ordered component and the sizes of its texts to places: across, then along, then the routes.

*Across* runs along a layer and *along* follows the arrows, so that one piece of code serves both directions.
"""

from __future__ import annotations

from attrs import define, field

from victor.graph.viz.geometry import Direction
from victor.graph.viz.layout.components import Component
from victor.graph.viz.layout.coordinates import place_across
from victor.graph.viz.layout.layered import BOX, HEADING, LABEL, LEFT, LINE, RIGHT, Layered
from victor.graph.viz.layout.ports import Sides, place_ports, reach
from victor.graph.viz.layout.routing import Wire, route_channel
from victor.graph.viz.ruler import Spacing, TextBlock

__all__ = ["Area", "Placed", "Texts", "place"]


@define
class Texts:
    """Measured texts of a topology, by index.

    Args:
        nodes: Titles, with the size of their box.
        labels: Labels of edges, None where an edge has none.
        headings: Names of clusters.
    """

    nodes: list[TextBlock]
    labels: list[TextBlock | None]
    headings: list[TextBlock]


@define
class Area:
    """A rectangle: from its start, across and along."""

    across: int
    along: int
    wide: int
    long: int


@define
class Placed:
    """One component with all its places; the numbers of things are those of the component.

    Args:
        boxes: Of each node.
        frames: Of each cluster.
        headings: Of each cluster's name.
        routes: Of each edge, from source to target, as (across, along).
        joins: Of each edge, from where it lies on another route.
        labels: Of each edge's label.
        wide: Extent across, from 0.
        long: Extent along, from 0.
    """

    boxes: list[Area] = field(factory=list)
    frames: list[Area] = field(factory=list)
    headings: list[Area] = field(factory=list)
    routes: list[list[tuple[int, int]]] = field(factory=list)
    joins: list[int | None] = field(factory=list)
    labels: list[Area | None] = field(factory=list)
    wide: int = 0
    long: int = 0


def place(
    graph: Layered, sides: Sides, part: Component, texts: Texts, spacing: Spacing, direction: Direction
) -> Placed:
    """Place one component; the graph is left as it is."""
    return _Placing(graph, sides, part, texts, spacing, direction).run()


class _Placing:
    def __init__(
        self, graph: Layered, sides: Sides, part: Component, texts: Texts, spacing: Spacing, direction: Direction
    ) -> None:
        self.graph = graph
        self.sides = sides
        self.part = part
        self.spacing = spacing
        self.down = direction == "TB"
        count = len(graph.kind)
        self.wide = [0] * count  # of each item, across
        self.long = [0] * count
        self.before = [0] * count  # room before its middle
        self.after = [0] * count
        self.labels = [self._turn(texts.labels[number]) for number in part.edges]
        self.headings = [self._turn(texts.headings[number]) for number in part.frames]
        self.nodes = [self._turn(texts.nodes[number]) for number in part.nodes]
        self.loops: dict[int, list[tuple[int, int]]] = {}  # by node: edge and its share of the side
        self.out = Placed()

    def _turn(self, text: TextBlock | None) -> tuple[int, int]:
        """Its size across and along."""
        if text is None:
            return (0, 0)
        return (text.width, text.height) if self.down else (text.height, text.width)

    def run(self) -> Placed:
        """All stages, one after the other."""
        self._measure()
        graph, spacing = self.graph, self.spacing
        heading_room = 0
        if not self.down and not spacing.heading_on_border:
            heading_room = max((wide for wide, _ in self.headings), default=0)
        self.middle = place_across(
            graph, self.before, self.after, self.offsets, self.sides.favourite, spacing, heading_room
        )
        self._tighten_frames(heading_room)
        self._straighten()
        self._route()
        self._stack()
        self._draw()
        return self.out

    # -- sizes -----------------------------------------------------------------------------------------------------

    def _measure(self) -> None:
        graph, spacing = self.graph, self.spacing
        for edge, (source, target) in enumerate(self.part.ends):
            if source == target:
                between = 0 if spacing.label_beside and self.down else 2
                share = max(spacing.loop_pitch, self.labels[edge][1] + between)
                self.loops.setdefault(source, []).append((edge, share))
        for item, kind in enumerate(graph.kind):
            owner = graph.owner[item]
            if kind == BOX and owner >= 0:
                wide, long = self.nodes[owner]
                shares = sum(share for _, share in self.loops.get(owner, ()))
                if shares:
                    long = max(long, shares + 2 * max(spacing.line, spacing.corner // 2))
                self.wide[item], self.long[item] = wide, long
            elif kind == LABEL:
                self.wide[item], self.long[item] = self.labels[owner]
            elif kind == HEADING:
                self.wide[item], self.long[item] = self.headings[owner]
            elif kind == LINE:
                self.wide[item] = spacing.line
        self.offsets = place_ports(self.sides, len(graph.port_item), self.wide, spacing)
        for item, kind in enumerate(graph.kind):
            wide = self.wide[item]
            if kind == BOX:
                self.before[item], self.after[item] = wide // 2, wide - wide // 2
                loops = self.loops.get(graph.owner[item], ())
                if loops:
                    self.after[item] += spacing.loop_reach + max(self._loop_label_room(edge) for edge, _ in loops)
            elif kind == LABEL and not spacing.label_beside:
                self.before[item], self.after[item] = wide // 2, wide - wide // 2
            elif kind == LABEL and self.down:
                self.before[item], self.after[item] = 0, spacing.line + 1 + wide
            elif kind == LABEL:
                self.before[item], self.after[item] = wide, spacing.line
            elif kind == HEADING:
                self.before[item], self.after[item] = 0, wide
            else:
                self.before[item], self.after[item] = 0, spacing.line

    def _loop_label_room(self, edge: int) -> int:
        wide = self.labels[edge][0]
        return wide + self._loop_label_gap() if wide else 0

    def _loop_label_gap(self) -> int:
        return (1 if self.down else 0) if self.spacing.label_beside else 4

    # -- across ----------------------------------------------------------------------------------------------------

    def _tighten_frames(self, heading_room: int) -> None:
        """Draw each frame as close around its contents as it goes, the heading at its left."""
        graph, spacing, middle = self.graph, self.spacing, self.middle
        clusters = graph.clusters
        place_in_layer = {}
        for layer in graph.layers if clusters.parent else ():
            place_in_layer.update((item, place) for place, item in enumerate(layer))
        for cluster in reversed(range(len(clusters.parent))):
            starts, ends = [], []
            heading = clusters.heading[cluster]
            pad = spacing.frame_pad
            for left, right in zip(clusters.left[cluster], clusters.right[cluster], strict=True):
                layer = graph.layers[graph.layer[left]]
                contents = layer[place_in_layer[left] + 1 : place_in_layer[right]]
                if contents and contents[0] == heading:
                    contents = contents[1:]
                    after = contents[0] if contents else right
                    gap = spacing.line_gap if contents else pad
                    if contents and graph.kind[after] == LEFT:
                        gap = spacing.frame_gap
                    starts.append(middle[after] - self.before[after] - gap - self.wide[heading] - pad)
                contents = [item for item in contents if graph.kind[item] != LINE or graph.owner[item] >= 0]
                if contents:
                    starts.append(middle[contents[0]] - self.before[contents[0]] - pad - heading_room)
                    ends.append(middle[contents[-1]] + self.after[contents[-1]] + pad)
            start = min(starts) - spacing.line
            end = max(ends)
            if heading >= 0:
                middle[heading] = start + spacing.line + pad
                end = max(end, middle[heading] + self.wide[heading] + pad)
            for item in clusters.left[cluster]:
                middle[item] = start
            for item in clusters.right[cluster]:
                middle[item] = end

    def _straighten(self) -> None:
        """Move the end of an arrow along its box where that takes a small kink out of it."""
        graph, spacing, offsets = self.graph, self.spacing, self.offsets
        used: dict[int, int] = {}
        for ports in (graph.seg_top_port, graph.seg_bottom_port):
            for port in ports:
                used[port] = used.get(port, 0) + 1
        for segment, (top, bottom) in enumerate(zip(graph.seg_top, graph.seg_bottom, strict=True)):
            top_port, bottom_port = graph.seg_top_port[segment], graph.seg_bottom_port[segment]
            kink = self.middle[top] + offsets[top_port] - self.middle[bottom] - offsets[bottom_port]
            if kink == 0 or abs(kink) > spacing.snap:
                continue
            for side, item, port, move in (
                (self.sides.top, bottom, bottom_port, kink),
                (self.sides.bottom, top, top_port, -kink),
            ):
                if graph.kind[item] == BOX and used[port] == 1 and self._may_move(side[item], item, port, move):
                    offsets[port] += move
                    break

    def _may_move(self, ports: list[int], item: int, port: int, move: int) -> bool:
        wanted = self.offsets[port] + move
        room_left, room_right = reach(self.wide[item], self.spacing)
        if not -room_left <= wanted <= room_right:
            return False
        place = ports.index(port)
        return (place == 0 or wanted - self.offsets[ports[place - 1]] >= self.spacing.port_min) and (
            place == len(ports) - 1 or self.offsets[ports[place + 1]] - wanted >= self.spacing.port_min
        )

    # -- along -----------------------------------------------------------------------------------------------------

    def _route(self) -> None:
        """Tracks of every channel, numbered by the layer above it."""
        graph, spacing, middle, offsets = self.graph, self.spacing, self.middle, self.offsets
        self.wires: list[Wire] = [
            Wire(middle[top] + offsets[top_port], middle[bottom] + offsets[bottom_port], top_port, bottom_port)
            for top, bottom, top_port, bottom_port in zip(
                graph.seg_top, graph.seg_bottom, graph.seg_top_port, graph.seg_bottom_port, strict=True
            )
        ]
        self.tracks: list[int] = []
        apart = max(2 * spacing.line, spacing.line_gap)
        for layer in graph.layers:
            wires = [self.wires[segment] for item in layer for segment in graph.down[item]]
            used = {middle[item] for item in layer if graph.kind[item] in (LEFT, RIGHT)}
            self.tracks.append(route_channel(wires, used, apart))

    def _stack(self) -> None:
        """Where each layer and each track lies along the arrows."""
        graph, spacing, clusters = self.graph, self.spacing, self.graph.clusters
        layers = graph.layers
        self.thick = [max([self.long[item] for item in layer], default=0) for layer in layers]
        top_level, bottom_level = [1] * len(clusters.parent), [1] * len(clusters.parent)
        tops, bottoms = [0] * len(layers), [0] * len(layers)
        for cluster in reversed(range(len(clusters.parent))):
            parent, top, bottom = clusters.parent[cluster], clusters.top[cluster], clusters.bottom[cluster]
            if parent >= 0 and clusters.top[parent] == top:
                top_level[parent] = max(top_level[parent], top_level[cluster] + 1)
            if parent >= 0 and clusters.bottom[parent] == bottom:
                bottom_level[parent] = max(bottom_level[parent], bottom_level[cluster] + 1)
            tops[top] = max(tops[top], top_level[cluster])
            bottoms[bottom] = max(bottoms[bottom], bottom_level[cluster])
            if not self.down:
                self.thick[top] = max(self.thick[top], self.headings[cluster][1])
        top_step = spacing.frame_step
        if self.down:
            top_step = 0 if spacing.heading_on_border else spacing.heading_pad
        arrows_up, arrows_down = self._arrowheads()
        kinds = [{graph.kind[item] for item in layer} for layer in layers]
        at = tops[0] * top_step + arrows_down[0]
        self.start, self.first_track = [], []
        for number, kind in enumerate(kinds):
            self.start.append(at)
            at += self.thick[number]
            below = kinds[number + 1] if number + 1 < len(layers) else set()
            tracks = self.tracks[number]
            width = 2 * spacing.lead + (tracks - 1) * spacing.track_gap + spacing.line if tracks else 0
            head = arrows_up[number] + bottoms[number] * spacing.frame_step
            tail = 0
            if below:
                head += spacing.frame_clear if bottoms[number] else 0
                tail = tops[number + 1] * top_step + arrows_down[number + 1]
                tail += spacing.frame_clear if tops[number + 1] else 0
            least = 0 if not below else spacing.box_channel if BOX in kind and BOX in below else spacing.text_channel
            spare = max(0, least - head - width - tail)
            self.first_track.append(at + head + spare // 2 + spacing.lead)
            at += head + width + tail + spare
        self.out.long = at
        self.out.frames = [Area(0, 0, 0, 0) for _ in clusters.parent]
        self.out.headings = [Area(0, 0, 0, 0) for _ in clusters.parent]
        for cluster, (wide, long) in enumerate(self.headings):
            top, bottom = clusters.top[cluster], clusters.bottom[cluster]
            left, right = self.middle[clusters.left[cluster][0]], self.middle[clusters.right[cluster][0]]
            start = self.start[top] - arrows_down[top] - top_level[cluster] * top_step
            end = (
                self.start[bottom] + self.thick[bottom] + arrows_up[bottom] + bottom_level[cluster] * spacing.frame_step
            )
            self.out.frames[cluster] = Area(left, start, right + spacing.line - left, end - start)
            if self.down:
                self.out.headings[cluster] = Area(self.middle[clusters.heading[cluster]], self.start[top], wide, long)
            else:
                inset = 2 if spacing.heading_on_border else spacing.frame_pad
                self.out.headings[cluster] = Area(left + spacing.heading_pad, start + inset, wide, long)

    def _arrowheads(self) -> tuple[list[int], list[int]]:
        """Room for the heads of arrows that end at the lower, and at the upper side of each layer's boxes."""
        graph = self.graph
        up, down = [0] * (len(graph.layers) + 1), [0] * (len(graph.layers) + 1)
        for edge, chain in enumerate(graph.chains):
            if not chain:
                continue
            if graph.flipped[edge]:
                up[graph.layer[graph.seg_top[chain[0]]]] = self.spacing.arrow
            else:
                down[graph.layer[graph.seg_bottom[chain[-1]]]] = self.spacing.arrow
        return up, down

    # -- drawing ---------------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        graph, out, spacing = self.graph, self.out, self.spacing
        for item in range(len(self.nodes)):  # the first items are the nodes
            long, layer = self.long[item], graph.layer[item]
            along = self.start[layer] + (self.thick[layer] - long) // 2
            out.boxes.append(Area(self.middle[item] - self.before[item], along, self.wide[item], long))
        out.labels = [None] * len(graph.chains)
        for item, kind in enumerate(graph.kind):
            if kind == LABEL:
                layer, long = graph.layer[item], self.long[item]
                across = self.middle[item] - self.before[item]
                if spacing.label_beside and self.down:
                    across += spacing.line + 1
                along = self.start[layer] + (self.thick[layer] - long) // 2
                out.labels[graph.owner[item]] = Area(across, along, self.wide[item], long)
        passed: dict[int, int] = {}
        for edge, chain in enumerate(graph.chains):
            out.routes.append([])
            out.joins.append(None)
            if chain:
                self._draw_route(edge, chain, passed)
        for node, loops in self.loops.items():
            self._draw_loops(node, loops)
        starts = [area.across for area in (*out.boxes, *out.frames)]
        starts += [area.across for area in out.labels if area]
        starts += [across for route in out.routes for across, _ in route]
        low = min(starts, default=0)
        ends = [area.across + area.wide for area in (*out.boxes, *out.frames, *(area for area in out.labels if area))]
        ends += [across + spacing.line for route in out.routes for across, _ in route]
        out.wide = max(ends, default=0) - low
        for area in (*out.boxes, *out.frames, *out.headings, *(area for area in out.labels if area)):
            area.across -= low
        out.routes = [[(across - low, along) for across, along in route] for route in out.routes]

    def _draw_route(self, edge: int, chain: list[int], passed: dict[int, int]) -> None:
        """The corners of one edge, and where it joins an earlier one."""
        graph, out, spacing = self.graph, self.out, self.spacing
        upper, lower = graph.seg_top[chain[0]], graph.seg_bottom[chain[-1]]
        across = self.wires[chain[0]].top
        box = out.boxes[upper]
        points = [(across, box.along + box.long)]
        meetings: list[tuple[int, int]] = []  # items where routes may meet, and the point that stands for each
        for segment in chain:
            bottom = graph.seg_bottom[segment]
            first = self.first_track[graph.layer[graph.seg_top[segment]]]
            for track, place in self.wires[segment].bends:
                along = first + track * spacing.track_gap
                points += ((across, along), (place, along))
                across = place
            if bottom != lower and (len(graph.up[bottom]) > 1 or len(graph.down[bottom]) > 1):
                meetings.append((bottom, len(points)))
                points.append((across, self.start[graph.layer[bottom]]))
        points.append((across, out.boxes[lower].along))
        if graph.flipped[edge]:
            points.reverse()
            meetings = [(item, len(points) - 1 - place) for item, place in reversed(meetings)]
        join = None
        for item, place in meetings:
            before = points[place - 1][1]  # where this route turned towards the meeting
            if join is None and item in passed:
                join, known = place, passed[item]
                turn = spacing.lead if graph.flipped[edge] else -spacing.lead
                if (before - known) * (points[place][1] - before) >= 0:
                    known = before
                if abs(points[place][1] - known) > abs(turn):
                    points[place] = (points[place][0], known - turn)
            passed.setdefault(item, before)
        kept = [0]
        for place in range(1, len(points) - 1):
            (one, two), (three, four), (five, six) = points[kept[-1]], points[place], points[place + 1]
            if place == join or not (one == three == five or two == four == six):
                kept.append(place)
        kept.append(len(points) - 1)
        out.routes[edge] = [points[place] for place in kept]
        out.joins[edge] = kept.index(join) if join is not None else None

    def _draw_loops(self, node: int, loops: list[tuple[int, int]]) -> None:
        """Loops stand one below the other at the far side of their box."""
        out, spacing = self.out, self.spacing
        box = out.boxes[node]
        side = box.across + box.wide
        along = box.along + (box.long - sum(share for _, share in loops)) // 2
        for edge, share in loops:
            start = along + (share - spacing.loop_span) // 2
            end = start + spacing.loop_span
            far = side + spacing.loop_reach - spacing.line
            out.routes[edge] = [(side, start), (far, start), (far, end), (side, end)]
            wide, long = self.labels[edge]
            if wide:
                middle = along + (share - long) // 2
                out.labels[edge] = Area(side + spacing.loop_reach + self._loop_label_gap(), middle, wide, long)
            along += share
