"""``victor workflow``: run, check, look at and draw workflows.

Each command is a module of its own, imported when the command is used.
"""

from __future__ import annotations

from typing import Any

__all__ = ["app"]


def __getattr__(name: str) -> Any:
    if name == "app":  # typer is imported only by whoever runs the command
        from victor.graph.cli.main import app

        return app
    raise AttributeError(f"module 'victor.graph.cli' has no attribute {name!r}")
