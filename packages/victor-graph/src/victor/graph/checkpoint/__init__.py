"""Where runs are recorded, and how: stores, their protocol, and the codec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from victor.graph.checkpoint.base import Checkpointer as Checkpointer
    from victor.graph.checkpoint.codec import Codec as Codec
    from victor.graph.checkpoint.memory import InMemorySaver as InMemorySaver
    from victor.graph.checkpoint.memory import MemorySaver as MemorySaver
    from victor.graph.checkpoint.postgres import PostgresSaver as PostgresSaver
    from victor.graph.checkpoint.sqlite import SqliteSaver as SqliteSaver
    from victor.graph.checkpoint.urls import open_checkpointer as open_checkpointer

__all__ = [
    "Checkpointer",
    "Codec",
    "InMemorySaver",
    "MemorySaver",
    "PostgresSaver",
    "SqliteSaver",
    "open_checkpointer",
]

_MODULES = {
    "Checkpointer": "base",
    "Codec": "codec",
    "InMemorySaver": "memory",
    "MemorySaver": "memory",
    "PostgresSaver": "postgres",
    "SqliteSaver": "sqlite",
    "open_checkpointer": "urls",
}


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module 'victor.graph.checkpoint' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"victor.graph.checkpoint.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
