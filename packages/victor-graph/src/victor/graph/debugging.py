"""Prints what a run does, for ``compile(debug=True)`` and ``print_mode=...``."""

from __future__ import annotations

from typing import Any

from victor.graph.stream import Sink

__all__ = ["printing_sink"]


def printing_sink(modes: frozenset[str]) -> Sink:
    """A sink that prints: of ``"debug"`` tasks as they begin and end, of other modes the parts as they are."""
    return Sink(modes, _print, lambda: None, subgraphs=True)


def _print(namespace: tuple[str, ...], mode: str, payload: Any) -> None:
    place = "".join(f"{one.partition(':')[0]}/" for one in namespace)
    if mode != "debug":
        print(f"[{mode}] {place}{' ' if place else ''}{payload!r}")  # noqa: T201 - asked for
        return
    what = payload["payload"]
    if payload["type"] == "task":
        print(f"[{payload['step']}] {place}{what['name']} <- {what['input']!r}")  # noqa: T201 - asked for
    elif payload["type"] == "task_result":
        print(f"[{payload['step']}] {place}{what['name']} -> {what['error'] or what['result']!r}")  # noqa: T201
