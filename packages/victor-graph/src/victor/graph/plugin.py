"""What victor-graph contributes to Victor, by the same hooks as any plugin."""

from __future__ import annotations

from victor.core.hookspecs import Register, hookimpl

__all__ = [
    "victor_register_checkpointers",
    "victor_register_commands",
    "victor_register_node_types",
    "victor_register_visualizers",
]

_PICTURES = {
    "mermaid": "text for Markdown",
    "dot": "text for Graphviz",
    "unicode": "boxes for a terminal",
    "ascii": "the same with plain characters",
    "svg": "a picture, light and dark",
    "png": "the same picture as pixels; needs victor-graph[png]",
    "json": "nodes, edges and where they are drawn",
}


@hookimpl
def victor_register_node_types(register: Register) -> None:
    """The node types of workflow files that do work (condition, parallel, map, loop and workflow shape the flow)."""
    at = "victor.graph.yaml.nodes."
    register("agent", at + "agent:AgentNode", help="an agent does the step")
    register("compute", at + "compute:ComputeNode", help="tools or a function do it")
    register("transform", at + "transform:TransformNode", help="works out values, fills in a template")
    register("hitl", at + "hitl:HumanNode", help="a person is asked")


@hookimpl
def victor_register_visualizers(register: Register) -> None:
    """Renderers of topologies."""
    from victor.graph.viz.renderers import RENDERERS

    for name, target in RENDERERS.items():
        register(name, target, help=_PICTURES.get(name, ""))


@hookimpl
def victor_register_checkpointers(register: Register) -> None:
    """Where runs of graphs are recorded, by URL scheme."""
    at = "victor.graph.checkpoint."
    register("memory", at + "memory:from_url", help="in this process")
    register("sqlite", at + "sqlite:from_url", help="one file")
    register("postgres", at + "postgres:from_url", help="a PostgreSQL server; needs victor-graph[postgres]")
    register("postgresql", at + "postgres:from_url", help="the same")


@hookimpl
def victor_register_commands(register: Register) -> None:
    """The command of this package."""
    register("workflow", "victor.graph.cli:app", help="run, check and draw workflows")
