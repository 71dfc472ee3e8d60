"""Draws the pictures of docs/architecture/index.md with our own visualizer: ``python scripts/house_pictures.py``.

*house* is read from the code: an arrow is an import that stands in a module of the one package and names the other.
*flow* is what an agent's question goes through, and where what happens is told.
"""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path

from workspace import ROOT, packages

from victor.core.topology import Cluster, Edge, Node, NodeKind, Topology
from victor.graph.viz import svg

FOLDER = ROOT / "docs" / "architecture"
HOLDS: dict[str, tuple[NodeKind, str]] = {
    "core": ("agent", "agents, models, hooks, events"),
    "tools": ("tool", "a registry, tools, policies, MCP"),
    "graph": ("workflow", "engine, checkpoints, YAML, pictures"),
    "teams": ("team", "patterns, messages, votes"),
    "observability": ("data", "recorder, store, exporters"),
}
"""What each package is about, and the shape that stands for it."""


def imported(source: Path) -> set[str]:
    """The packages of ours that the modules below a folder import, also those that are imported when needed."""
    found: set[str] = set()
    for path in source.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            found |= {name.split(".")[1] for name in names if name.startswith("victor.")}
    return found


@cache
def house() -> Topology:
    """The packages, and who imports whom."""
    below = {one.name.removeprefix("victor-"): imported(one.folder / "src") for one in packages()}
    edges = [Edge(name, other) for name, others in below.items() for other in sorted(others - {name})]
    ground = {edge.target for edge in edges}
    nodes = []
    for name in below:
        kind, what = HOLDS.get(name, ("step", ""))
        nodes.append(Node(name, f"victor-{name}\n{what}".rstrip(), kind, "ground" if name in ground else "first"))
    floors = [Cluster("first", "install what is needed"), Cluster("ground", "always there")]
    return Topology(nodes, edges, floors, name="The packages and who imports whom")


def flow() -> Topology:
    """What a question goes through, and where it is told."""
    nodes = [
        Node("caller", "a program, a command, a file", "start"),
        Node("workflow", "workflow\nvictor-graph", "workflow"),
        Node("team", "team\nvictor-teams", "team"),
        Node("agent", "Agent\nthe loop of victor-core", "agent"),
        Node("model", "model\na provider, or offline", "step"),
        Node("tool", "Tool.call\npolicies of victor-tools", "tool"),
        Node("stream", "event stream\nvictor.core.events", "data"),
        Node("listeners", "listeners\nvictor-observability, logs, yours", "end"),
    ]
    edges = [
        Edge("caller", "workflow"), Edge("caller", "team"), Edge("caller", "agent"),
        Edge("workflow", "agent"), Edge("workflow", "team"), Edge("team", "agent"),
        Edge("agent", "model"), Edge("agent", "tool"),
        Edge("workflow", "stream", style="dotted"), Edge("team", "stream", style="dotted"),
        Edge("agent", "stream", style="dotted"), Edge("tool", "stream", style="dotted"),
        Edge("model", "stream", style="dotted"), Edge("stream", "listeners", style="dotted"),
    ]  # fmt: skip
    return Topology(nodes, edges, name="What a question goes through, and where it is told")


def pictures() -> dict[Path, str]:
    """The files, and what is in them."""
    return {
        FOLDER / f"{name}-{theme}.svg": svg.render(topology, theme=theme) + "\n"
        for name, topology in (("house", house()), ("flow", flow()))
        for theme in ("light", "dark")
    }


def main() -> int:
    """Write the pictures."""
    for path, text in pictures().items():
        path.write_text(text, encoding="utf-8")
        print(f"written: {path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
