"""Tracks for the pieces of lines that run across, in the channel between two layers.

Lines of different routes may cross at right angles and do nothing else: no two lie on each other, touch at a corner
or share a track where they would seem to be one. Tracks are dealt as in the left-edge method of channel routing
(Hashimoto, Stevens: "Wire Routing by Optimizing Channel Assignment within Large Apertures", DAC 1971) with the order of
Sander: "Layout of Directed Hypergraphs with Orthogonal Hyperedges", GD 2003; vertical conflicts that form a cycle are
cut by a dogleg (Deutsch: "A Dogleg Channel Router", DAC 1976).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable
from heapq import heappop, heappush

from attrs import define, field

__all__ = ["Wire", "route_channel"]

Bend = tuple[int, int]
"""``(track, place)``: on reaching the track, run along it to that place."""


@define
class Wire:
    """One line through the channel, from a place at its upper to a place at its lower border.

    Args:
        top: Place at the upper border.
        bottom: Place at the lower border.
        top_port: Wires with the same upper port are one line there.
        bottom_port: Wires with the same lower port are one line there.
        bends: Filled in: none where it runs straight.
    """

    top: int
    bottom: int
    top_port: int
    bottom_port: int
    bends: list[Bend] = field(factory=list)


@define
class _Net:
    """Wires that share a track."""

    group: tuple[str, int]
    wires: list[Wire]
    tops: set[int]
    bottoms: set[int]
    track: int = 0
    after: list[_Net] = field(factory=list)
    waiting: int = 0
    least: int = 1
    upper: _Net | None = None  # of a dogleg, the part above

    @property
    def low(self) -> int:
        return min(*self.tops, *self.bottoms)

    @property
    def high(self) -> int:
        return max(*self.tops, *self.bottoms)


def route_channel(wires: list[Wire], used: Iterable[int], apart: int) -> int:
    """Give each wire its bends; returns the number of tracks.

    Args:
        wires: All that pass the channel.
        used: Places where something else runs through it.
        apart: Least distance of two lines on one track.

    Example:
        >>> straight, one, other = Wire(0, 0, 1, 2), Wire(4, 9, 3, 4), Wire(6, 12, 5, 6)
        >>> route_channel([straight, one, other], (), 1)
        2
        >>> straight.bends, one.bends, other.bends
        ([], [(1, 9)], [(0, 12)])
    """
    nets = _nets(wires)
    if not nets:
        return 0
    taken = {*used, *(wire.top for wire in wires), *(wire.bottom for wire in wires)}
    above: dict[int, list[_Net]] = {}
    for net in nets:
        for place in net.bottoms:
            above.setdefault(place, []).append(net)
    for net in nets:
        for place in net.tops:
            for other in above.get(place, ()):
                if other.group != net.group:
                    net.after.append(other)
                    other.waiting += 1
    rightwards = sorted((net for net in nets if max(net.bottoms) > min(net.tops)), key=lambda net: -net.high)
    leftwards = sorted((net for net in nets if max(net.bottoms) <= min(net.tops)), key=lambda net: net.low)
    skyline = _Skyline(apart)
    for net in _in_order([*rightwards, *leftwards], taken, apart):
        net.track = skyline.drop(net.low, net.high, net.least)
        for other in net.after:
            other.least = max(other.least, net.track + 2)  # corners of two lines never stand on each other
    for net in nets:
        _bend(net)
    return skyline.tallest


def _nets(wires: list[Wire]) -> list[_Net]:
    tops = Counter(wire.top_port for wire in wires)
    bottoms = Counter(wire.bottom_port for wire in wires)
    nets: dict[tuple[tuple[str, int], bool], _Net] = {}
    for number, wire in enumerate(wires):
        if wire.top == wire.bottom:
            continue
        if bottoms[wire.bottom_port] > 1:
            group = ("bottom", wire.bottom_port)
        elif tops[wire.top_port] > 1:
            group = ("top", wire.top_port)
        else:
            group = ("wire", number)
        net = nets.setdefault((group, wire.bottom > wire.top), _Net(group, [], set(), set()))
        net.wires.append(wire)
        net.tops.add(wire.top)
        net.bottoms.add(wire.bottom)
    return list(nets.values())


def _in_order(nets: list[_Net], taken: set[int], apart: int) -> Iterable[_Net]:
    """The nets in the given order as far as conflicts allow; a cycle of these is cut by a dogleg."""
    ranks = {id(net): rank for rank, net in enumerate(nets)}
    ready = [rank for rank, net in enumerate(nets) if not net.waiting]
    done = [False] * len(nets)
    left = len(nets)
    while left:
        if ready:
            rank = heappop(ready)
            net, done[rank], left = nets[rank], True, left - 1
        else:
            held = (net for net, finished in zip(nets, done, strict=True) if not finished and net.upper is None)
            net = _cut(next(held), taken, apart)
        yield net
        for other in net.after:
            other.waiting -= 1
            if not other.waiting:
                heappush(ready, ranks[id(other)])


def _cut(net: _Net, taken: set[int], apart: int) -> _Net:
    """Make the net the lower part of a dogleg and return the upper part, which nothing has to wait for."""
    middle = (net.low + net.high) // 2
    step = max(1, apart // 2)
    for distance in range((len(taken) + 2) * 2 * step):
        for place in (middle + distance, middle - distance):
            if all(near not in taken for near in range(place - step + 1, place + step)):
                taken.add(place)
                net.upper = _Net(net.group, net.wires, net.tops, {place}, after=[*net.after, net])
                net.tops, net.after, net.waiting = {place}, [], net.waiting + 1
                return net.upper
    raise AssertionError("so many places cannot all be taken")


def _bend(net: _Net) -> None:
    for wire in net.wires:
        if net.upper is not None:
            (place,) = net.tops
            wire.bends.append((net.upper.track - 1, place))
        wire.bends.append((net.track - 1, wire.bottom))


class _Skyline:
    """How many tracks are taken at each place."""

    def __init__(self, apart: int) -> None:
        self.apart = apart
        self.tallest = 0
        self.starts: list[float] = [float("-inf")]
        self.levels = [0]

    def drop(self, low: int, high: int, least: int) -> int:
        """Put a piece below all that were dropped on its range; returns its track, from 1."""
        end = high + self.apart
        first = bisect_right(self.starts, low) - 1
        last = bisect_left(self.starts, end)
        level = max(max(self.levels[first:last]) + 1, least)
        tail = self.levels[last - 1]
        if self.starts[first] < low:
            first += 1
        if last < len(self.starts) and self.starts[last] == end:
            self.starts[first:last], self.levels[first:last] = [low], [level]
        else:
            self.starts[first:last], self.levels[first:last] = [low, end], [level, tail]
        self.tallest = max(self.tallest, level)
        return level
