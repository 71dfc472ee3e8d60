"""What a node can reach besides its state: context, store, stream writer, config; injected or asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Generic, TypedDict, TypeVar

from attrs import evolve, field, frozen

from victor.graph.errors import NodeTimeoutError

if TYPE_CHECKING:
    from victor.graph.tasks import Task

__all__ = [
    "ExecutionInfo",
    "RunControl",
    "RunnableConfig",
    "Runtime",
    "StreamWriter",
    "control_of_run",
    "current_task",
    "get_config",
    "get_runtime",
    "get_store",
    "get_stream_writer",
]

ContextT = TypeVar("ContextT")

StreamWriter = Callable[[Any], None]
"""Sends a value to readers of ``stream_mode="custom"``; does nothing when there are none."""

CURRENT: ContextVar[Task | None] = ContextVar("victor_graph_task", default=None)


class RunnableConfig(TypedDict, total=False):
    """How one run is set up. Only the keys here mean something; others are kept and handed to nodes."""

    configurable: dict[str, Any]
    """``thread_id``, ``checkpoint_id``, ``checkpoint_ns``, and whatever nodes want to read."""
    recursion_limit: int
    """How many supersteps the run may take."""
    max_concurrency: int | None
    """How many nodes may run at once."""
    tags: Sequence[str]
    """Yours; handed to nodes."""
    metadata: Mapping[str, Any]
    """Yours; handed to nodes."""
    run_name: str
    """Yours; handed to nodes."""
    run_id: Any
    """Yours; handed to nodes."""
    callbacks: Any
    """Handlers of LangChain, which nodes hand on to its models."""


class RunControl:
    """Asks a run to stop at the next superstep boundary, from any thread, with its checkpoint saved.

    Make one for each run: ``graph.invoke(x, control=control)``; then ``control.request_drain()`` makes the run raise
    `GraphDrained`.
    """

    __slots__ = ("_reason",)

    def __init__(self) -> None:
        self._reason: str | None = None

    def request_drain(self, reason: str = "shutdown") -> None:
        """Stop after the superstep that runs now."""
        self._reason = reason

    @property
    def drain_requested(self) -> bool:
        """True once asked."""
        return self._reason is not None

    @property
    def drain_reason(self) -> str | None:
        """What `request_drain` was told."""
        return self._reason


@frozen
class ExecutionInfo:
    """Where the node that runs stands.

    Args:
        task_id: Of this execution of the node; the same when it runs again after an interrupt or a crash.
        node: The node's name.
        step: The superstep.
        thread_id: The thread, where there is one.
        checkpoint_id: The checkpoint this superstep started from, where there is one.
        checkpoint_ns: The namespace of the graph the node is in.
        node_attempt: 1 the first time, 2 on the first retry, ...
    """

    task_id: str
    node: str
    step: int
    thread_id: str | None = None
    checkpoint_id: str | None = None
    checkpoint_ns: str = ""
    node_attempt: int = 1


def _nowhere(value: Any) -> None:
    pass


@frozen
class Runtime(Generic[ContextT]):
    """What a node gets as its ``runtime`` parameter.

    Args:
        context: What the caller passed as ``context=``: user id, connections and the like.
        store: The store the graph was compiled with, or None.
        stream_writer: Sends a value to readers of ``stream_mode="custom"``.
        previous: In the functional API, what the thread returned last time.
        control: The run's `RunControl`, or None.
        execution_info: Where the node stands.
    """

    context: ContextT = None  # type: ignore[assignment]
    store: Any = None
    stream_writer: StreamWriter = _nowhere
    previous: Any = None
    control: RunControl | None = None
    execution_info: ExecutionInfo | None = field(default=None)

    @property
    def drain_requested(self) -> bool:
        """True when the run was asked to stop; long work should come to an end."""
        return self.control is not None and self.control.drain_requested

    @property
    def drain_reason(self) -> str | None:
        """Why, where it was."""
        return None if self.control is None else self.control.drain_reason

    def heartbeat(self) -> None:
        """Say that the node is alive; restarts its idle timeout, if it has one."""
        task = CURRENT.get()
        if task is not None:
            task.heartbeat()

    def override(self, **overrides: Any) -> Runtime[ContextT]:
        """A copy with other values."""
        return evolve(self, **overrides)


def current_task() -> Task:
    """The node execution this code runs in.

    Raises:
        RuntimeError: It runs in none.
        NodeTimeoutError: That execution has been given up.
    """
    task = CURRENT.get()
    if task is None:
        raise RuntimeError("this works only inside a node of a running graph")
    if task.abandoned:
        raise NodeTimeoutError(f"node {task.plan.name!r} was given up: its time is over", node=task.plan.name)
    return task


def control_of_run() -> RunControl | None:
    """What asks the run this code is part of to stop; None outside of runs."""
    task = CURRENT.get()
    return None if task is None else task.run.control


def get_runtime(context_schema: type[ContextT] | None = None) -> Runtime[ContextT]:
    """The `Runtime` of the node this code runs in; ``context_schema`` only tells type checkers."""
    return current_task().runtime


def get_config() -> RunnableConfig:
    """The config of the node this code runs in."""
    return current_task().config


def get_store() -> Any:
    """The store of the graph this code runs in, or None."""
    return current_task().run.store


def get_stream_writer() -> StreamWriter:
    """A function that sends a value to readers of ``stream_mode="custom"``."""
    return current_task().stream_writer
