"""Workflows for Victor: a StateGraph in Python or YAML, durable and fast.

Everything public is here, and nothing is loaded before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from victor.graph.cache import Cache as BaseCache
    from victor.graph.cache import CachePolicy as CachePolicy
    from victor.graph.cache import InMemoryCache as InMemoryCache
    from victor.graph.checkpoint.base import Checkpointer as BaseCheckpointSaver
    from victor.graph.checkpoint.base import Checkpointer as Checkpointer
    from victor.graph.checkpoint.codec import Codec as Codec
    from victor.graph.checkpoint.codec import CodecError as CodecError
    from victor.graph.checkpoint.codec import types_in as types_in
    from victor.graph.checkpoint.log import Durability as Durability
    from victor.graph.checkpoint.memory import InMemorySaver as InMemorySaver
    from victor.graph.checkpoint.memory import MemorySaver as MemorySaver
    from victor.graph.checkpoint.postgres import PostgresSaver as PostgresSaver
    from victor.graph.checkpoint.sqlite import SqliteSaver as SqliteSaver
    from victor.graph.checkpoint.urls import open_checkpointer as open_checkpointer
    from victor.graph.command import END as END
    from victor.graph.command import START as START
    from victor.graph.command import All as All
    from victor.graph.command import Command as Command
    from victor.graph.command import Overwrite as Overwrite
    from victor.graph.command import Send as Send
    from victor.graph.command import StateUpdate as StateUpdate
    from victor.graph.compiled import CompiledGraph as CompiledGraph
    from victor.graph.compiled import CompiledGraph as CompiledStateGraph
    from victor.graph.durable import step as step
    from victor.graph.errors import CheckpointError as CheckpointError
    from victor.graph.errors import CheckpointNotFoundError as CheckpointNotFoundError
    from victor.graph.errors import EmptyInputError as EmptyInputError
    from victor.graph.errors import GraphBubbleUp as GraphBubbleUp
    from victor.graph.errors import GraphDrained as GraphDrained
    from victor.graph.errors import GraphError as GraphError
    from victor.graph.errors import GraphInterrupt as GraphInterrupt
    from victor.graph.errors import GraphRecursionError as GraphRecursionError
    from victor.graph.errors import GraphValidationError as GraphValidationError
    from victor.graph.errors import InvalidUpdateError as InvalidUpdateError
    from victor.graph.errors import NodeCancelledError as NodeCancelledError
    from victor.graph.errors import NodeTimeoutError as NodeTimeoutError
    from victor.graph.errors import ParentCommand as ParentCommand
    from victor.graph.errors import ResumeError as ResumeError
    from victor.graph.errors import ResumeError as UnknownInterruptError
    from victor.graph.errors import StoreVersionError as StoreVersionError
    from victor.graph.errors import ThreadBusyError as ThreadBusyError
    from victor.graph.errors import ThreadConflictError as ThreadConflictError
    from victor.graph.functional import entrypoint as entrypoint
    from victor.graph.functional import task as task
    from victor.graph.graph import StateGraph as StateGraph
    from victor.graph.interrupts import Interrupt as Interrupt
    from victor.graph.interrupts import interrupt as interrupt
    from victor.graph.messages import REMOVE_ALL_MESSAGES as REMOVE_ALL_MESSAGES
    from victor.graph.messages import MessagesState as MessagesState
    from victor.graph.messages import RemoveMessage as RemoveMessage
    from victor.graph.messages import add_messages as add_messages
    from victor.graph.node import NodeError as NodeError
    from victor.graph.result import RunResult as GraphOutput
    from victor.graph.result import RunResult as RunResult
    from victor.graph.retry import RetryPolicy as RetryPolicy
    from victor.graph.retry import TimeoutPolicy as TimeoutPolicy
    from victor.graph.runtime import ExecutionInfo as ExecutionInfo
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
    from victor.graph.snapshot import GraphTask as PregelTask
    from victor.graph.snapshot import StateSnapshot as StateSnapshot
    from victor.graph.store import BaseStore as BaseStore
    from victor.graph.store import InMemoryStore as InMemoryStore
    from victor.graph.store import PostgresStore as PostgresStore
    from victor.graph.store import SqliteStore as SqliteStore
    from victor.graph.store import Store as Store
    from victor.graph.store import StoreError as StoreError
    from victor.graph.store import open_store as open_store
    from victor.graph.stream import StreamMode as StreamMode
    from victor.graph.stream import emit_message as emit_message
    from victor.graph.viz import StateGraphVisualizer as StateGraphVisualizer
    from victor.graph.words import MessageChunk as MessageChunk
    from victor.graph.yaml import load_workflow as load_workflow
    from victor.graph.yaml import load_workflows as load_workflows

__version__ = "0.1.0"

__all__ = [
    "All",
    "BaseCache",
    "BaseCheckpointSaver",
    "BaseStore",
    "CachePolicy",
    "CheckpointError",
    "CheckpointNotFoundError",
    "Checkpointer",
    "Codec",
    "CodecError",
    "Command",
    "CompiledGraph",
    "CompiledStateGraph",
    "Durability",
    "END",
    "EmptyInputError",
    "ExecutionInfo",
    "GraphBubbleUp",
    "GraphDrained",
    "GraphError",
    "GraphInterrupt",
    "GraphOutput",
    "GraphRecursionError",
    "GraphValidationError",
    "InMemoryCache",
    "InMemorySaver",
    "InMemoryStore",
    "Interrupt",
    "InvalidUpdateError",
    "IsLastStep",
    "MemorySaver",
    "MessageChunk",
    "MessagesState",
    "NodeCancelledError",
    "NodeError",
    "NodeTimeoutError",
    "Overwrite",
    "ParentCommand",
    "PostgresSaver",
    "PostgresStore",
    "PregelTask",
    "REMOVE_ALL_MESSAGES",
    "RemainingSteps",
    "RemoveMessage",
    "ResumeError",
    "RetryPolicy",
    "RunControl",
    "RunResult",
    "RunnableConfig",
    "Runtime",
    "START",
    "Send",
    "SqliteSaver",
    "SqliteStore",
    "StateGraph",
    "StateGraphVisualizer",
    "StateSnapshot",
    "StateUpdate",
    "Store",
    "StoreError",
    "StoreVersionError",
    "StreamMode",
    "StreamWriter",
    "ThreadBusyError",
    "ThreadConflictError",
    "TimeoutPolicy",
    "UnknownInterruptError",
    "add_messages",
    "emit_message",
    "entrypoint",
    "get_config",
    "get_runtime",
    "get_store",
    "get_stream_writer",
    "interrupt",
    "load_workflow",
    "load_workflows",
    "open_checkpointer",
    "open_store",
    "step",
    "task",
    "types_in",
]

_MODULES = {
    "ThreadConflictError": "errors",
    "ThreadBusyError": "errors",
    "ExecutionInfo": "runtime",
    "ParentCommand": "errors",
    "BaseCache": "cache:Cache",
    "UnknownInterruptError": "errors:ResumeError",
    "BaseCheckpointSaver": "checkpoint.base:Checkpointer",
    "CompiledStateGraph": "compiled:CompiledGraph",
    "PregelTask": "snapshot:GraphTask",
    "GraphOutput": "result:RunResult",
    "BaseStore": "store",
    "GraphBubbleUp": "errors",
    "StateUpdate": "command",
    "All": "command",
    "CachePolicy": "cache",
    "InMemoryCache": "cache",
    "Checkpointer": "checkpoint.base",
    "Durability": "checkpoint.log",
    "InMemorySaver": "checkpoint.memory",
    "MemorySaver": "checkpoint.memory",
    "PostgresSaver": "checkpoint.postgres",
    "SqliteSaver": "checkpoint.sqlite",
    "open_checkpointer": "checkpoint.urls",
    "END": "command",
    "START": "command",
    "Command": "command",
    "Overwrite": "command",
    "Send": "command",
    "CompiledGraph": "compiled",
    "step": "durable",
    "CheckpointError": "errors",
    "CheckpointNotFoundError": "errors",
    "EmptyInputError": "errors",
    "GraphDrained": "errors",
    "GraphError": "errors",
    "GraphInterrupt": "errors",
    "GraphRecursionError": "errors",
    "GraphValidationError": "errors",
    "InvalidUpdateError": "errors",
    "NodeCancelledError": "errors",
    "NodeTimeoutError": "errors",
    "ResumeError": "errors",
    "StoreVersionError": "errors",
    "entrypoint": "functional",
    "task": "functional",
    "StateGraph": "graph",
    "Interrupt": "interrupts",
    "interrupt": "interrupts",
    "REMOVE_ALL_MESSAGES": "messages",
    "MessagesState": "messages",
    "RemoveMessage": "messages",
    "add_messages": "messages",
    "NodeError": "node",
    "RunResult": "result",
    "RetryPolicy": "retry",
    "TimeoutPolicy": "retry",
    "RunControl": "runtime",
    "RunnableConfig": "runtime",
    "Runtime": "runtime",
    "StreamWriter": "runtime",
    "get_config": "runtime",
    "get_runtime": "runtime",
    "get_store": "runtime",
    "get_stream_writer": "runtime",
    "IsLastStep": "schema",
    "RemainingSteps": "schema",
    "StateSnapshot": "snapshot",
    "InMemoryStore": "store",
    "SqliteStore": "store",
    "Store": "store",
    "StreamMode": "stream",
    "emit_message": "stream",
    "StateGraphVisualizer": "viz",
    "MessageChunk": "words",
    "load_workflow": "yaml",
    "load_workflows": "yaml",
    "Codec": "checkpoint.codec",
    "CodecError": "checkpoint.codec",
    "types_in": "checkpoint.codec",
    "PostgresStore": "store",
    "open_store": "store",
    "StoreError": "store",
}


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module 'victor.graph' has no attribute {name!r}")
    from importlib import import_module

    place, _, own = module.partition(":")
    value = getattr(import_module(f"victor.graph.{place}"), own or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
