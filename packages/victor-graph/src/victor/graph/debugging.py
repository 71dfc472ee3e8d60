"""Prints what a run does, for ``compile(debug=True)``."""

from __future__ import annotations

from typing import Any

from victor.graph.stream import Sink

__all__ = ["printing_sink"]


def printing_sink() -> Sink:
    """A sink that prints tasks as they begin and end."""
    return Sink(frozenset({"debug"}), _print, lambda: None, subgraphs=True)


def _print(namespace: tuple[str, ...], mode: str, payload: Any) -> None:
    place = "".join(f"{one.partition(':')[0]}/" for one in namespace)
    what = payload["payload"]
    if payload["type"] == "task":
        print(f"[{payload['step']}] {place}{what['name']} <- {what['input']!r}")  # noqa: T201 - asked for
    elif payload["type"] == "task_result":
        print(f"[{payload['step']}] {place}{what['name']} -> {what['error'] or what['result']!r}")  # noqa: T201
