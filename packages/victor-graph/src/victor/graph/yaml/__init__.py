"""Workflows in YAML: read, checked, run, and drawn.

from victor.graph.yaml import load_workflow

workflow = load_workflow("process.yaml")
print(workflow.run_sync(folder="docs"))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from victor.graph.yaml.context import CheckContext, NodeContext, NodeType, WorkflowRunError
    from victor.graph.yaml.problems import Problem, WorkflowFileError
    from victor.graph.yaml.workflow import Workflow, load_workflow, load_workflows, parse_workflow

_MODULE_OF = {
    "CheckContext": "context", "NodeContext": "context", "NodeType": "context", "Problem": "problems",
    "Workflow": "workflow", "WorkflowFileError": "problems", "WorkflowRunError": "context", "load_workflow": "workflow",
    "load_workflows": "workflow", "parse_workflow": "workflow",
}  # fmt: skip

__all__ = [
    "CheckContext", "NodeContext", "NodeType", "Problem", "Workflow", "WorkflowFileError", "WorkflowRunError",
    "load_workflow", "load_workflows", "parse_workflow",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    try:
        module = import_module(f"victor.graph.yaml.{_MODULE_OF[name]}")
    except KeyError:
        raise AttributeError(f"module 'victor.graph.yaml' has no attribute {name!r}") from None
    value = globals()[name] = getattr(module, name)
    return value
