"""Topologies in the DOT language of Graphviz."""

from __future__ import annotations

from victor.core.highlights import Highlights
from victor.core.topology import Cluster, Node, Topology
from victor.graph.viz.arguments import check_arguments
from victor.graph.viz.geometry import Direction
from victor.graph.viz.palette import DARK, LIGHT
from victor.graph.viz.ruler import clean

__all__ = ["render"]

_SHAPES = {
    "start": 'shape=box, style="rounded,filled"',
    "end": 'shape=box, style="rounded,filled", peripheries=2',
    "step": 'shape=box, style="rounded,filled"',
    "agent": 'shape=box, style="rounded,filled"',
    "tool": 'shape=component, style="filled"',
    "condition": 'shape=octagon, style="filled"',
    "parallel": 'shape=parallelogram, style="filled"',
    "map": 'shape=box3d, style="filled"',
    "human": 'shape=house, style="filled"',
    "workflow": 'shape=box, style="rounded,filled", peripheries=2',
    "team": 'shape=box, style="rounded,filled", peripheries=2',
    "data": 'shape=cylinder, style="filled"',
}


def render(
    topology: Topology,
    *,
    highlights: Highlights | None = None,
    theme: str = "auto",
    width: int | None = None,
    direction: Direction = "TB",
) -> str:
    """Write a topology in DOT; the names of its nodes are their ids.

    Args:
        topology: What to write.
        highlights: What a run did: colours of borders, durations below the titles.
        theme: ``"dark"``, or ``"light"`` and ``"auto"``, which are the same here.
        width: Has no effect; Graphviz decides.
        direction: ``"TB"`` or ``"LR"``.

    Example:
        >>> from victor.core.topology import Edge, Node, Topology
        >>> print(render(Topology([Node("a"), Node("b")], [Edge("a", "b", "yes", "dashed")])).splitlines()[-2])
          "a" -> "b" [label="yes", style=dashed]
    """
    variant, way = check_arguments(topology, theme, width, direction)
    colors = DARK if variant == "dark" else LIGHT
    font = 'fontname="Helvetica,Arial,sans-serif"'
    lines = [
        f"digraph {_quote(topology.name or 'graph')} {{",
        f'  graph [rankdir={way}, bgcolor="{colors.paper}", fontcolor="{colors.muted}", {font}, fontsize=12]',
        f'  node [fontcolor="{colors.ink}", {font}, fontsize=13]',
        f'  edge [color="{colors.edge}", fontcolor="{colors.muted}", {font}, fontsize=11, arrowsize=0.8]',
    ]
    inside: dict[str | None, list[Node]] = {}
    for node in topology.nodes:
        inside.setdefault(node.cluster, []).append(node)
    below: dict[str | None, list[Cluster]] = {}
    for cluster in topology.clusters:
        below.setdefault(cluster.parent, []).append(cluster)

    def level(cluster: str | None, indent: str) -> None:
        for node in inside.get(cluster, ()):
            tint, mark = colors.kinds[node.kind], highlights.mark(node.id) if highlights else None
            line, width = (colors.marks[mark], 3) if mark else (tint.line, 1.5)
            note = highlights.note(node.id) if highlights else ""
            title = _label(node.title + (f"\n{note}" if note else ""))
            ink = f', fontcolor="{colors.paper}"' if node.kind in ("start", "end") else ""
            tooltip = f", tooltip={_label(node.description)}" if node.description else ""
            lines.append(
                f"{indent}{_quote(node.id)} [label={title}, {_SHAPES[node.kind]}, "
                f'fillcolor="{tint.fill}", color="{line}", penwidth={width}{ink}{tooltip}]'
            )
        for child in below.get(cluster, ()):
            lines.append(f"{indent}subgraph {_quote('cluster_' + child.id)} {{")
            lines.append(f'{indent}  label={_label(child.label or child.id)}; style=rounded; color="{colors.frame}"')
            level(child.id, indent + "  ")
            lines.append(f"{indent}}}")

    level(None, "  ")
    for edge in topology.edges:
        options = [f"label={_label(edge.label)}"] if edge.label.strip() else []
        options += [f"style={edge.style}"] if edge.style != "solid" else []
        tail = f" [{', '.join(options)}]" if options else ""
        lines.append(f"  {_quote(edge.source)} -> {_quote(edge.target)}{tail}")
    return "\n".join([*lines, "}"]) + "\n"


def _quote(id: str) -> str:
    r"""An id in quotes. Two ids stay two: what cannot be written, and a first ``%``, is spelled out.

    Example:
        >>> print(_quote('say "a"'), _quote("back\\"), _quote("%1"))
        "say \"a\"" "back\\" "\u{25}1"
    """
    out = id.replace("\\", "\\\\").replace('"', '\\"')  # from here on a single backslash is ours
    if not out.isprintable():
        out = "".join(char if char.isprintable() else f"\\u{{{ord(char):x}}}" for char in out)
    if out.startswith("%"):  # Graphviz takes such names for its own
        out = f"\\u{{25}}{out[1:]}"
    return f'"{out}"'


def _label(text: str) -> str:
    """Text as it is to be shown."""
    out = clean(text).replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{out}"'
