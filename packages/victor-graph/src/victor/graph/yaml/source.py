"""Reads workflow files: `victor.core.yaml_file`, with the error of workflow files."""

from __future__ import annotations

from pathlib import Path

from victor.core import yaml_file
from victor.core.yaml_file import Source, Span, plain
from victor.graph.yaml.problems import WorkflowFileError

__all__ = ["Source", "Span", "plain", "read_file", "read_text"]


def read_file(path: str | Path) -> Source:
    """Read a file.

    Raises:
        WorkflowFileError: It is missing, no UTF-8, or no YAML.
    """
    return yaml_file.read_file(path, error=WorkflowFileError)


def read_text(text: str, *, name: str = "<text>") -> Source:
    """Read a text.

    Raises:
        WorkflowFileError: It is no YAML, or a key stands twice.
    """
    return yaml_file.read_text(text, name=name, error=WorkflowFileError)
