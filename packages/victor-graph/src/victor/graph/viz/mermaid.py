"""Topologies as Mermaid flowcharts, valid for every id and label."""

from __future__ import annotations

import re

from victor.core.highlights import Highlights
from victor.core.topology import Cluster, Node, Topology
from victor.graph.viz.arguments import check_arguments
from victor.graph.viz.geometry import Direction
from victor.graph.viz.palette import DARK, LIGHT
from victor.graph.viz.ruler import clean

__all__ = ["render"]

_SHAPES = {
    "start": ("([", "])"),
    "end": ("([", "])"),
    "step": ("[", "]"),
    "agent": ("(", ")"),
    "tool": ("[/", "/]"),
    "condition": ("{", "}"),
    "parallel": ("[/", "\\]"),
    "map": ("[\\", "/]"),
    "human": ("[\\", "\\]"),
    "workflow": ("[[", "]]"),
    "team": ("[[", "]]"),
    "data": ("[(", ")]"),
}
_ARROWS = {"solid": "-->", "dashed": "-.->", "dotted": "-.->"}
_PLAIN_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_PLAIN_TEXT = re.compile(r"[A-Za-z][A-Za-z0-9_ ,?!()/]*\Z")
# Entities for whatever means something in Mermaid's text, comments, directives, HTML or Markdown.
_ENTITIES = {code: f"#{code};" for code in map(ord, "\"#&<>`%:;*_~$\\|{}[]@^=+-.'\u00a0\ufb02\u00b0\u00b6\u00df")}
_ENTITIES[ord("\n")] = "<br/>"


def render(
    topology: Topology,
    *,
    highlights: Highlights | None = None,
    theme: str = "auto",
    width: int | None = None,
    direction: Direction = "TB",
) -> str:
    r"""Write a topology as a Mermaid flowchart.

    Args:
        topology: What to write.
        highlights: What a run did: colours of borders, durations below the titles.
        theme: ``"light"`` or ``"dark"`` colour the kinds of nodes; ``"auto"`` leaves colours to the page.
        width: Has no effect; the reader's Mermaid decides.
        direction: ``"TB"`` or ``"LR"``.

    Example:
        >>> from victor.core.topology import Edge, Node, Topology
        >>> print(render(Topology([Node("end"), Node("b", "say \"hi\"")], [Edge("end", "b", "if ok")])))
        flowchart TB
          n_end["end"]
          n_b["say #34;hi#34;"]
          n_end -->|"if ok"| n_b
        <BLANKLINE>
    """
    variant, way = check_arguments(topology, theme, width, direction)
    colors = {"light": LIGHT, "dark": DARK}.get(variant)
    names = _names("n_", [node.id for node in topology.nodes])
    frames = _names("c_", [cluster.id for cluster in topology.clusters])
    lines = [f"flowchart {way}"]
    inside: dict[str | None, list[Node]] = {}
    for node in topology.nodes:
        inside.setdefault(node.cluster, []).append(node)
    below: dict[str | None, list[Cluster]] = {}
    for cluster in topology.clusters:
        below.setdefault(cluster.parent, []).append(cluster)

    def level(cluster: str | None, indent: str) -> None:
        for node in inside.get(cluster, ()):
            opening, closing = _SHAPES[node.kind]
            text = _text(node.title)
            note = highlights.note(node.id) if highlights else ""
            if note:
                text += f"<br/>{_text(note)}"
            lines.append(f'{indent}{names[node.id]}{opening}"{text}"{closing}')
        for child in below.get(cluster, ()):
            lines.append(f'{indent}subgraph {frames[child.id]}["{_text(child.label or child.id)}"]')
            level(child.id, indent + "  ")
            lines.append(f"{indent}end")

    level(None, "  ")
    for edge in topology.edges:
        label = f'|"{_text(edge.label)}"|' if edge.label.strip() else ""
        lines.append(f"  {names[edge.source]} {_ARROWS[edge.style]}{label} {names[edge.target]}")
    if colors:
        for kind in dict.fromkeys(node.kind for node in topology.nodes):
            tint = colors.kinds[kind]
            ink = colors.paper if kind in ("start", "end") else colors.ink
            members = ",".join(names[node.id] for node in topology.nodes if node.kind == kind)
            lines.append(f"  classDef k_{kind} fill:{tint.fill},stroke:{tint.line},color:{ink}")
            lines.append(f"  class {members} k_{kind}")
    if highlights:
        marks = (colors or LIGHT).marks
        for mark, color in marks.items():
            members = ",".join(names[node.id] for node in topology.nodes if highlights.mark(node.id) == mark)
            if members:
                lines.append(f"  classDef m_{mark} stroke:{color},stroke-width:{4 if mark == 'current' else 3}px")
                lines.append(f"  class {members} m_{mark}")
    return "\n".join(lines) + "\n"


def _names(prefix: str, ids: list[str]) -> dict[str, str]:
    """A name for each id that no keyword of Mermaid can be mistaken for: the id where it is plain, else a number."""
    names = {}
    for number, id in enumerate(ids):
        names[id] = prefix + id if _PLAIN_ID.match(id) else f"{prefix}{number}"
    return names


def _text(text: str) -> str:
    """Text for a quoted string of Mermaid."""
    if _PLAIN_TEXT.match(text):
        return text
    text = clean(text)
    return text.translate(_ENTITIES) if text.strip() else "#32;"
