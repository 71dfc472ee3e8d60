"""Workflows for Victor: a StateGraph in Python or YAML, durable and fast.

Everything public is here, and nothing is loaded before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from victor.graph.cache import CachePolicy as CachePolicy
    from victor.graph.cache import InMemoryCache as InMemoryCache
    from victor.graph.command import END as END
    from victor.graph.command import START as START
    from victor.graph.command import Command as Command
    from victor.graph.command import Overwrite as Overwrite
    from victor.graph.command import Send as Send
    from victor.graph.compiled import CompiledGraph as CompiledGraph
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
    from victor.graph.node import NodeError as NodeError
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

__version__ = "0.1.0"

_PLACES = {
    "cache": ("CachePolicy", "InMemoryCache"),
    "command": ("END", "START", "Command", "Overwrite", "Send"),
    "compiled": ("CompiledGraph",),
    "errors": (
        "CheckpointError", "CheckpointNotFoundError", "EmptyInputError", "GraphDrained", "GraphError", "GraphInterrupt",
        "GraphRecursionError", "GraphValidationError", "InvalidUpdateError", "NodeTimeoutError", "ResumeError",
        "StoreVersionError",
    ),
    "graph": ("StateGraph",),
    "interrupts": ("Interrupt", "interrupt"),
    "node": ("NodeError",),
    "retry": ("RetryPolicy", "TimeoutPolicy"),
    "runtime": (
        "RunControl", "RunnableConfig", "Runtime", "StreamWriter", "get_config", "get_runtime", "get_store",
        "get_stream_writer",
    ),
    "schema": ("IsLastStep", "RemainingSteps"),
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
