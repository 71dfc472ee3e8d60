"""Workflows from one form into the other: YAML to Python, and a StateGraph in Python to YAML."""

from __future__ import annotations

from victor.graph.yaml.export.problems import ExportError
from victor.graph.yaml.export.to_python import export_python
from victor.graph.yaml.export.to_yaml import export_yaml

__all__ = ["ExportError", "export_python", "export_yaml"]
