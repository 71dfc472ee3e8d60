"""The corners of every route, and where routes to one target meet."""

from __future__ import annotations

from attrs import define, field

from victor.graph.viz.layout.areas import Area, Placed
from victor.graph.viz.layout.extents import Extents
from victor.graph.viz.layout.layered import Layered
from victor.graph.viz.layout.routing import Wire
from victor.graph.viz.layout.stacking import Stack
from victor.graph.viz.ruler import Spacing

__all__ = ["Tracer"]


@define
class Tracer:
    """Traces the edges of one component, in their order.

    Args:
        graph: With its segments.
        wires: How each segment passes its channel.
        stacked: Where layers and channels lie.
        spacing: Distances.
        out: Takes the routes; its boxes are read.
        passed: By item where routes meet, where the earliest piece of a route that has been traced begins there.
    """

    graph: Layered
    wires: list[Wire]
    stacked: Stack
    spacing: Spacing
    out: Placed
    passed: dict[int, int] = field(factory=dict)

    def trace(self, edge: int) -> None:
        """Add the route of one edge that is no loop."""
        points, meetings = self._corners(edge)
        if self.graph.flipped[edge]:
            points.reverse()
            meetings = [(item, len(points) - 1 - place) for item, place in reversed(meetings)]
        join = self._meet(points, meetings, -1 if self.graph.flipped[edge] else 1)
        kept = [0]
        for place in range(1, len(points) - 1):
            before, at, after = points[kept[-1]], points[place], points[place + 1]
            if place == join or not (before[0] == at[0] == after[0] or before[1] == at[1] == after[1]):
                kept.append(place)
        kept.append(len(points) - 1)
        self.out.routes[edge] = [points[place] for place in kept]
        self.out.joins[edge] = kept.index(join) if join is not None else None

    def _corners(self, edge: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """All corners from the upper end to the lower; the items where others may meet it, with a point for each."""
        graph, chain = self.graph, self.graph.chains[edge]
        upper, lower = graph.seg_top[chain[0]], graph.seg_bottom[chain[-1]]
        across = self.wires[chain[0]].top
        box = self.out.boxes[upper]
        points = [(across, box.along + box.long)]
        meetings = []
        for segment in chain:
            bottom = graph.seg_bottom[segment]
            first = self.stacked.first_track[graph.layer[bottom] - 1]
            for track, place in self.wires[segment].bends:
                along = first + track * self.spacing.track_gap
                points += ((across, along), (place, along))
                across = place
            if bottom != lower and (len(graph.up[bottom]) > 1 or len(graph.down[bottom]) > 1):
                meetings.append((bottom, len(points)))
                points.append((across, self.stacked.start[graph.layer[bottom]]))
        points.append((across, self.out.boxes[lower].along))
        return points, meetings

    def _meet(self, points: list[tuple[int, int]], meetings: list[tuple[int, int]], way: int) -> int | None:
        """The point from which the route lies on earlier ones, moved to where it first touches them; None for none."""
        join = None
        for item, place in meetings:
            across, along = points[place]
            turned = points[place - 1][1]  # where it turned towards the meeting
            known = self.passed.get(item)
            if known is None or (turned - known) * way < 0:
                self.passed[item] = turned
            if join is None and known is not None:
                join = place
                touch = max(turned * way, known * way) * way + self.spacing.lead * way
                if (along - touch) * way > 0:
                    points[place] = (across, touch)
        return join

    def loops(self, node: int, sizes: Extents) -> None:
        """Add the loops of one node: one below the other, at the far side of its box."""
        out, spacing, loops = self.out, self.spacing, sizes.loops[node]
        box = out.boxes[node]
        side = box.across + box.wide
        along = box.along + (box.long - sum(share for _, share in loops)) // 2
        for edge, share in loops:
            start = along + (share - spacing.loop_span) // 2
            end = start + spacing.loop_span
            far = side + spacing.loop_reach - spacing.line
            out.routes[edge] = [(side, start), (far, start), (far, end), (side, end)]
            wide, long = sizes.labels[edge]
            if wide:
                beside = side + spacing.loop_reach + sizes.loop_label_gap
                out.labels[edge] = Area(beside, along + (share - long) // 2, wide, long)
            along += share
