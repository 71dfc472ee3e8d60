"""The types of the values that the names of a workflow stand for, where they are certain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args, get_origin, get_type_hints

from victor.graph.yaml.context import load_function
from victor.graph.yaml.definition import NodeDefinition, Scope
from victor.graph.yaml.edges import works_on_state
from victor.graph.yaml.export.expressions import Speaker
from victor.graph.yaml.export.module import Module
from victor.graph.yaml.nodes.agent import AgentNode
from victor.graph.yaml.nodes.compute import ComputeNode
from victor.graph.yaml.nodes.hitl import HumanNode
from victor.graph.yaml.nodes.transform import TransformNode
from victor.graph.yaml.shape import read_shape
from victor.graph.yaml.spec import Loop, Map, Subworkflow

__all__ = ["type_text", "with_loop_bodies", "written_types"]


def with_loop_bodies(scope: Scope) -> list[NodeDefinition]:
    """The nodes of a list, and those of the loops in it, which share its names."""
    found = []
    for node in scope.nodes.values():
        found.append(node)
        if node.body is not None and isinstance(node.spec, Loop):
            found += with_loop_bodies(node.body)
    return found


def written_types(node: NodeDefinition, speaker: Speaker) -> dict[str, Any]:
    """The types of what a node writes, where they are certain."""
    spec = node.spec
    if isinstance(spec, Map):
        return {node.output: list, **({spec.errors: list} if spec.errors else {})}
    if isinstance(spec, Loop):
        return {f"{node.id}_round": int}
    if isinstance(spec, TransformNode):
        if spec.template is not None or spec.template_file is not None:
            return {node.output: str}
        if spec.set is not None and node.common.output is None:
            return {name: speaker.kind(raw) for name, raw in spec.set.items()}
    if isinstance(spec, HumanNode) and spec.fallback == "abort":
        return {
            node.output: {"approval": bool, "confirmation": bool, "choice": str, "review": dict}.get(spec.hitl_type)
        }
    if isinstance(spec, Subworkflow) and not works_on_state(node):
        return {node.output: dict}
    if isinstance(spec, AgentNode) and isinstance(spec.output_schema, Mapping):
        return {node.output: dict} if read_shape(spec.output_schema).get("type") == "object" else {}
    if (
        isinstance(spec, ComputeNode)
        and spec.handler is not None
        and not works_on_state(node)
        and node.context is not None
    ):
        return {node.output: _returned(load_function(spec.handler, node.context))}
    return {}


def _returned(function: Any) -> Any:
    """What a function says it returns, where that is a plain type or a list or mapping."""
    try:
        found = get_type_hints(function).get("return")
    except Exception:  # noqa: BLE001 - annotations may name what is not there at run time; then nothing is known
        return None
    return found if (get_origin(found) or found) in (str, int, float, bool, list, dict) else None


def type_text(kind: Any, module: Module) -> str:
    """A type as an annotation, ``Any`` where it is not known."""
    if kind is None or kind is Any:
        return module.typing("Any")
    origin, inner = get_origin(kind) or kind, get_args(kind)
    if origin in (list, dict):
        value = type_text(inner[-1] if inner else None, module)
        return f"list[{value}]" if origin is list else f"dict[str, {value}]"
    return str(kind.__name__) if kind in (str, int, float, bool) else module.typing("Any")
