"""Workflows for Victor: a StateGraph in Python or YAML, durable and fast.

Everything public is here, and nothing is loaded before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from victor.graph.cache import CachePolicy as CachePolicy
    from victor.graph.cache import InMemoryCache as InMemoryCache
    from victor.graph.checkpoint.base import Checkpointer as Checkpointer
    from victor.graph.checkpoint.log import Durability as Durability
    from victor.graph.checkpoint.memory import InMemorySaver as InMemorySaver
    from victor.graph.checkpoint.memory import MemorySaver as MemorySaver
    from victor.graph.checkpoint.sqlite import SqliteSaver as SqliteSaver
    from victor.graph.checkpoint.urls import open_checkpointer as open_checkpointer
    from victor.graph.command import END as END
    from victor.graph.command import START as START
    from victor.graph.command import Command as Command
    from victor.graph.command import Overwrite as Overwrite
    from victor.graph.command import Send as Send
    from victor.graph.compiled import CompiledGraph as CompiledGraph
    from victor.graph.durable import step as step
    from victor.graph.errors import CheckpointError as CheckpointError
    from victor.graph.errors import CheckpointNotFoundError as CheckpointNotFoundError
    from victor.graph.errors import EmptyInputError as EmptyInputError
    from victor.graph.errors import GraphDrained as GraphDrained
    from victor.graph.errors import GraphError as GraphError
    from victor.graph.errors import GraphInterrupt as GraphInterrupt
    from victor.graph.errors import GraphRecursionError as GraphRecursionError
    from victor.graph.errors import GraphValidationError as GraphValidationError
    from victor.graph.errors import InvalidUpdateError as InvalidUpdateError
    from victor.graph.errors import NodeTimeoutError as NodeTimeoutError
    from victor.graph.errors import ResumeError as ResumeError
    from victor.graph.errors import StoreVersionError as StoreVersionError
    from victor.graph.graph import StateGraph as StateGraph
    from victor.graph.interrupts import Interrupt as Interrupt
    from victor.graph.interrupts import interrupt as interrupt
    from victor.graph.messages import REMOVE_ALL_MESSAGES as REMOVE_ALL_MESSAGES
    from victor.graph.messages import MessagesState as MessagesState
    from victor.graph.messages import RemoveMessage as RemoveMessage
    from victor.graph.messages import add_messages as add_messages
    from victor.graph.node import NodeError as NodeError
    from victor.graph.result import RunResult as RunResult
    from victor.graph.retry import RetryPolicy as RetryPolicy
    from victor.graph.retry import TimeoutPolicy as TimeoutPolicy
    from victor.graph.runtime import RunControl as RunControl
    from victor.graph.runtime import RunnableConfig as RunnableConfig
    from victor.graph.runtime import Runtime as Runtime
    from victor.graph.runtime import StreamWriter as StreamWriter
    from victor.graph.runtime import get_config as get_config
    from victor.graph.runtime import get_runtime as get_runtime
    from victor.graph.runtime import get_store as get_store
    from victor.graph.runtime import get_stream_writer as get_stream_writer
    from victor.graph.schema import IsLastStep as IsLastStep
    from victor.graph.schema import RemainingSteps as RemainingSteps
    from victor.graph.snapshot import StateSnapshot as StateSnapshot
    from victor.graph.stream import StreamMode as StreamMode
    from victor.graph.stream import emit_message as emit_message

__version__ = "0.1.0"

_PLACES = {
    "cache": ("CachePolicy", "InMemoryCache"),
    "command": ("END", "START", "Command", "Overwrite", "Send"),
    "compiled": ("CompiledGraph",),
    "durable": ("step",),
    "errors": (
        "CheckpointError", "CheckpointNotFoundError", "EmptyInputError", "GraphDrained", "GraphError", "GraphInterrupt",
        "GraphRecursionError", "GraphValidationError", "InvalidUpdateError", "NodeTimeoutError", "ResumeError",
        "StoreVersionError",
    ),
    "graph": ("StateGraph",),
    "interrupts": ("Interrupt", "interrupt"),
    "messages": ("REMOVE_ALL_MESSAGES", "MessagesState", "RemoveMessage", "add_messages"),
    "node": ("NodeError",),
    "result": ("RunResult",),
    "retry": ("RetryPolicy", "TimeoutPolicy"),
    "runtime": (
        "RunControl", "RunnableConfig", "Runtime", "StreamWriter", "get_config", "get_runtime", "get_store",
        "get_stream_writer",
    ),
    "schema": ("IsLastStep", "RemainingSteps"),
    "snapshot": ("StateSnapshot",),
    "stream": ("StreamMode", "emit_message"),
    "checkpoint.base": ("Checkpointer",),
    "checkpoint.log": ("Durability",),
    "checkpoint.memory": ("InMemorySaver", "MemorySaver"),
    "checkpoint.sqlite": ("SqliteSaver",),
    "checkpoint.urls": ("open_checkpointer",),
}  # fmt: skip
_MODULES = {name: module for module, names in _PLACES.items() for name in names}

__all__ = sorted(_MODULES)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module 'victor.graph' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"victor.graph.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
