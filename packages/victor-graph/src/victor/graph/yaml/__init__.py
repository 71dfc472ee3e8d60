"""Workflows in YAML: read, checked, run, and drawn.

from victor.graph.yaml import load_workflow

workflow = load_workflow("process.yaml")
print(workflow.run_sync(folder="docs"))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from victor.graph.yaml.choices import apply, choose, given, pass_on
    from victor.graph.yaml.context import CheckContext, NodeContext, NodeType, WorkflowRunError, load_object
    from victor.graph.yaml.export import ExportError, export_python, export_yaml
    from victor.graph.yaml.policies import guarded, may_pass
    from victor.graph.yaml.problems import Problem, WorkflowFileError
    from victor.graph.yaml.spec import Input
    from victor.graph.yaml.steps import Step, Steps
    from victor.graph.yaml.workflow import Workflow, load_workflow, load_workflows, parse_workflow

_MODULE_OF = {
    "CheckContext": "context", "ExportError": "export", "Input": "spec", "NodeContext": "context",
    "NodeType": "context", "Problem": "problems", "Step": "steps", "Steps": "steps", "Workflow": "workflow",
    "WorkflowFileError": "problems", "WorkflowRunError": "context", "apply": "choices", "choose": "choices",
    "export_python": "export", "export_yaml": "export", "given": "choices", "guarded": "policies",
    "load_object": "context", "load_workflow": "workflow", "load_workflows": "workflow", "may_pass": "policies",
    "parse_workflow": "workflow", "pass_on": "choices",
}  # fmt: skip

__all__ = [
    "CheckContext", "ExportError", "Input", "NodeContext", "NodeType", "Problem", "Step", "Steps", "Workflow",
    "WorkflowFileError", "WorkflowRunError", "apply", "choose", "export_python", "export_yaml", "given", "guarded",
    "load_object", "load_workflow", "load_workflows", "may_pass", "parse_workflow", "pass_on",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    try:
        module = import_module(f"victor.graph.yaml.{_MODULE_OF[name]}")
    except KeyError:
        raise AttributeError(f"module 'victor.graph.yaml' has no attribute {name!r}") from None
    value = globals()[name] = getattr(module, name)
    return value
