"""One execution of one node: what it is given, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from victor.graph.command import Send
from victor.graph.isolate import isolate
from victor.graph.program import Plan
from victor.graph.retry import TimeoutPolicy
from victor.graph.runtime import ExecutionInfo, RunnableConfig, Runtime, StreamWriter

if TYPE_CHECKING:
    from victor.graph.engine import Run
    from victor.graph.interrupts import Interrupt

__all__ = ["NO_WRITES", "Task", "Writes", "pairs", "task_id"]

Writes = Mapping[str, Any] | list[tuple[str, Any]]
"""What was written, in order: a dict, or pairs where a key can come twice."""

NO_WRITES: Final[dict[str, Any]] = {}
"""What a task has written before it ends."""


def pairs(writes: Writes) -> list[tuple[str, Any]]:
    """Writes as pairs of key and value."""
    return list(writes.items()) if isinstance(writes, Mapping) else writes


def task_id(run: Run, node: str, index: int) -> str:
    """The id of what runs next in a node: the same when it runs again from the same checkpoint."""
    text = f"{run.namespace}|{run.origin}|{run.step}|{node}|{index}"
    return blake2b(text.encode(), digest_size=16).hexdigest()


class Task:
    """One execution of one node.

    Attributes:
        run: The run it belongs to.
        plan: The node.
        input: What the node gets.
        index: 0 for a node that edges lead to; else the number of the `Send` that started it, from 1.
        writes: What it wrote, as keys and values.
        targets: Nodes it jumps to, by rank.
        sends: What it sends.
        interrupts: The questions it waits with.
        abandoned: True when its time was up and what it still does must have no effect.
        done: True when it is finished and its results are in the above.
        error: What it failed with.
        result: What the node returned, for streams.
    """

    __slots__ = (
        "_id",
        "_runtime",
        "abandoned",
        "asked",
        "attempt",
        "beat",
        "done",
        "error",
        "index",
        "input",
        "interrupts",
        "nested",
        "plan",
        "result",
        "run",
        "sends",
        "steps",
        "targets",
        "timeout",
        "writes",
    )

    def __init__(self, run: Run, plan: Plan, input: Any, index: int = 0) -> None:
        self.run: Run = run
        self.plan: Plan = plan
        self.input: Any = input
        self.index: int = index
        self._id: str | None = None
        self._runtime: Runtime[Any] | None = None
        self.writes: Writes = NO_WRITES
        self.targets: list[int] | None = None
        self.sends: list[Send] | None = None
        self.interrupts: tuple[Interrupt, ...] = ()
        self.done: bool = False
        self.abandoned: bool = False
        self.asked: int = 0
        self.attempt: int = 1
        self.error: Exception | None = None
        self.result: Any = None
        self.steps: dict[str, int] | None = None
        self.nested: dict[str, int] | None = None
        self.timeout: TimeoutPolicy | None = plan.timeout
        self.beat: Callable[[], None] | None = None

    @property
    def id(self) -> str:
        """The same when the node runs again from the same checkpoint."""
        if self._id is None:
            self._id = task_id(self.run, self.plan.name, self.index)
        return self._id

    @property
    def namespace(self) -> str:
        """Of graphs that run inside this node."""
        own = f"{self.plan.name}:{self.id}"
        return f"{self.run.namespace}|{own}" if self.run.namespace else own

    @property
    def config(self) -> RunnableConfig:
        """The run's config, with where this task stands."""
        run = self.run
        configurable = {**run.config.get("configurable", {}), "checkpoint_ns": self.namespace}
        if run.thread_id is not None:
            configurable["thread_id"] = run.thread_id
        metadata = {
            **run.config.get("metadata", {}),
            "langgraph_step": run.step + 1,
            "langgraph_node": self.plan.name,
            "langgraph_triggers": (f"branch:to:{self.plan.name}" if self.index == 0 else "__pregel_push",),
            "langgraph_path": ("__pregel_pull", self.plan.name)
            if self.index == 0
            else ("__pregel_push", self.index - 1),
            "langgraph_checkpoint_ns": self.namespace,
            "checkpoint_ns": self.namespace,
            "node": self.plan.name,
            "step": run.step + 1,
            "thread_id": run.thread_id,
        }
        return {**run.config, "configurable": configurable, "metadata": metadata, "recursion_limit": run.limit}

    @property
    def runtime(self) -> Runtime[Any]:
        """What is injected as ``runtime``."""
        if self._runtime is None:
            run = self.run
            info = ExecutionInfo(
                self.id, self.plan.name, run.step + 1, run.thread_id, run.checkpoint_id, run.namespace, self.attempt
            )
            self._runtime = Runtime(run.context, run.store, self.stream_writer, run.previous, run.control, info)
        return self._runtime

    @property
    def stream_writer(self) -> StreamWriter:
        """Sends to readers of ``stream_mode="custom"``."""
        return self._write_custom

    def _write_custom(self, value: Any) -> None:
        if self.abandoned:
            return
        self.sign()
        sink = self.run.sink
        if sink is not None and sink.custom:
            sink.put(self.run.namespace_path, "custom", isolate(value))

    def sign(self) -> None:
        """Something was done: restart the idle timeout, unless only heartbeats count."""
        if self.beat is not None and not (self.timeout and self.timeout.refresh_on == "heartbeat"):
            self.beat()

    def heartbeat(self) -> None:
        """Restart the idle timeout."""
        if self.beat is not None:
            self.beat()

    def count(self, name: str) -> int:
        """How many graphs of that name have run inside this task before."""
        if self.nested is None:
            self.nested = {}
        number = self.nested.get(name, 0)
        self.nested[name] = number + 1
        return number

    def again(self) -> Task:
        """The same task, about to be tried once more."""
        other = Task(self.run, self.plan, self.input, self.index)
        other._id = self._id
        other.timeout = self.timeout
        return other

    def injected(self, wants: Sequence[str]) -> dict[str, Any]:
        """The keyword arguments a function wants."""
        given: dict[str, Any] = {}
        for want in wants:
            if want == "config":
                given[want] = self.config
            elif want == "runtime":
                given[want] = self.runtime
            elif want == "writer":
                given[want] = self.stream_writer
            elif want != "error":
                given[want] = getattr(self.run, want)
        return given
