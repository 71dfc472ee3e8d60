"""A topology as a list: each node with its arrows below it. Fits any width."""

from __future__ import annotations

from victor.core.highlights import Highlights
from victor.core.topology import Topology
from victor.graph.viz.cell_ruler import CellRuler, plain_text
from victor.graph.viz.cells import cell_width
from victor.graph.viz.ruler import clean, wrap

__all__ = ["listing"]

_SIGNS = {"start": "●", "end": "●", "condition": "◇"}
_ASCII = str.maketrans("●◇□├└─┄┈▶╎┌╌", "O<*++--->:..")
_LINES = {"solid": "─", "dashed": "┄", "dotted": "┈"}


def listing(topology: Topology, highlights: Highlights | None, width: int, *, ascii: bool = False) -> str:
    """List the nodes in the order of their declaration, frames in one piece, with the arrows that leave each.

    Args:
        topology: What to list.
        highlights: What a run did.
        width: Columns there are; below 24 the list may be wider.
        ascii: Write ASCII only.

    Example:
        >>> from victor.core.topology import Edge, Node, Topology
        >>> print(listing(Topology([Node("a"), Node("b")], [Edge("a", "b", "next"), Edge("b", "a")]), None, 40))
        □ a
          └─ next ─▶ b
        □ b
          └─▶ a
        <BLANKLINE>
    """
    return _Listing(topology, highlights, max(width, 24), ascii).run()


class _Listing:
    def __init__(self, topology: Topology, highlights: Highlights | None, width: int, ascii: bool) -> None:
        self.topology = topology
        self.highlights = highlights
        self.width = width
        self.ascii = ascii
        self.ruler = CellRuler(ascii=ascii)
        self.out: list[str] = []
        # A node is " □ name  note", an arrow "   ├─ label ─▶ name"; names get what labels and notes leave.
        free = self.width - 2 * self._depth(None)
        labels = max((cell_width(clean(edge.label)) for edge in topology.edges if edge.label.strip()), default=-3)
        notes = max((cell_width(self._note(node.id)) for node in topology.nodes), default=0)
        room = max(8, min(free - 9 - min(labels, 16), free - 4 - notes))
        self.label_room = max(4, free - 9 - room)
        self.names = self._names(room)
        self.leaving: dict[str, list[int]] = {}
        for number, edge in enumerate(topology.edges):
            self.leaving.setdefault(edge.source, []).append(number)

    def _depth(self, cluster: str | None) -> int:
        return max(
            (1 + self._depth(child.id) for child in self.topology.clusters if child.parent == cluster), default=0
        )

    def _names(self, room: int) -> dict[str, str]:
        """A name for each node that is its alone; numbered where the titles are not different enough."""
        names = {node.id: self._short(node.title, room) for node in self.topology.nodes}
        if len(set(names.values())) == len(names) and all(name.strip() for name in names.values()):
            return names
        digits = len(str(len(names)))
        return {
            node.id: f"#{number:0{digits}d} {self._short(node.title, max(2, room - digits - 2))}".rstrip()
            for number, node in enumerate(self.topology.nodes, 1)
        }

    def _short(self, text: str, room: int) -> str:
        text = " ".join(clean(text).split())
        if self.ascii:
            return wrap(plain_text(text), room, 1, len, "~")[0]
        return wrap(text, room, 1, cell_width)[0]

    def run(self) -> str:
        self._level(None, "")
        return "".join(line.rstrip() + "\n" for line in self.out)

    def _level(self, cluster: str | None, indent: str) -> None:
        """The nodes of one frame, and the frames in it, each where its first node is declared."""
        order = {node.id: number for number, node in enumerate(self.topology.nodes)}
        entries: list[tuple[int, str, bool]] = [
            (order[node.id], node.id, False) for node in self.topology.nodes if node.cluster == cluster
        ]
        entries += [
            (self._first(child.id, order), child.id, True)
            for child in self.topology.clusters
            if child.parent == cluster
        ]
        for _, id, framed in sorted(entries, key=lambda entry: entry[0]):
            if framed:
                self._frame(id, indent)
            else:
                self._node(id, indent)

    def _first(self, cluster: str, order: dict[str, int]) -> int:
        inside = [order[node.id] for node in self.topology.nodes if node.cluster == cluster]
        inside += [self._first(child.id, order) for child in self.topology.clusters if child.parent == cluster]
        return min(inside, default=len(order))

    def _frame(self, id: str, indent: str) -> None:
        cluster = next(cluster for cluster in self.topology.clusters if cluster.id == id)
        heading = self._short(cluster.label or cluster.id, self.width - len(indent) - 4)
        self.out.append(indent + self._signs("┌╌ ") + heading)
        self._level(id, indent + self._signs("╎ "))

    def _node(self, id: str, indent: str) -> None:
        node, note = self.topology.node(id), self._note(id)
        name = self.names[id] + (f"  {note}" if note else "")
        self.out.append(f"{indent}{self._signs(_SIGNS.get(node.kind, '□'))} {name}")
        edges = self.leaving.get(id, [])
        for number in edges:
            edge = self.topology.edges[number]
            line = _LINES[edge.style]
            corner = "└" if number == edges[-1] else "├"
            label = self._short(edge.label, self.label_room) if edge.label.strip() else ""
            if label:
                arrow = self._signs(f"{corner}{line} ") + label + self._signs(f" {line}▶")
            else:
                arrow = self._signs(f"{corner}{line}▶")
            self.out.append(f"{indent}  {arrow} {self.names[edge.target]}")

    def _note(self, id: str) -> str:
        if not self.highlights:
            return ""
        return self.ruler.note(self.highlights.mark(id), self.highlights.note(id))

    def _signs(self, text: str) -> str:
        return text.translate(_ASCII) if self.ascii else text
