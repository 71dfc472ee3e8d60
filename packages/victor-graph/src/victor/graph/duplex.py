"""One run told to two readers: its own, and that of the run around it or the one that prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from victor.graph.stream import Sink

__all__ = ["duplex"]


def duplex(own: Sink, other: Sink, depth: int) -> Sink:
    """A sink that tells two others what each of them wants. Only the first sets the pace.

    Args:
        own: The run's own reader.
        other: The other.
        depth: How many parts the run's own namespace has.
    """

    def put(namespace: tuple[str, ...], mode: str, payload: Any) -> None:
        for sink in (own, other):
            if mode in sink.modes and (sink.subgraphs or len(namespace) <= depth):
                sink.put(namespace, mode, _only(sink.keys, mode, payload))

    return Sink(own.modes | other.modes, put, own.pace, subgraphs=own.subgraphs or other.subgraphs)


def _only(keys: Sequence[str] | None, mode: str, payload: Any) -> Any:
    """A payload with those keys of the state that a reader wants."""
    if keys is None or not isinstance(payload, dict):
        return payload
    if mode == "values":
        return {key: value for key, value in payload.items() if key in keys or key == "__interrupt__"}
    if mode == "updates":
        return {
            node: {key: value for key, value in told.items() if key in keys} if isinstance(told, dict) else told
            for node, told in payload.items()
        }
    return payload
