"""What a run tells while it runs: the stream modes, and the pipes that carry them to the reader.

The reader sets the pace: after each superstep the run waits until all it told has been read and more is asked for.
So a reader that stops has stopped the run at that point, and nothing piles up.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from victor.graph.errors import GraphValidationError
from victor.graph.isolate import isolate
from victor.graph.runtime import CURRENT
from victor.graph.words import MessageChunk, Words

if TYPE_CHECKING:
    from victor.graph.engine import Run
    from victor.graph.interrupts import Interrupt
    from victor.graph.tasks import Task

__all__ = ["MODES", "AsyncPipe", "Part", "Sink", "StreamMode", "ThreadPipe", "check_modes", "emit_message", "shape"]

StreamMode = Literal["values", "updates", "messages", "custom", "tasks", "checkpoints", "debug"]
"""What is told: the whole state after each superstep; what each node wrote; messages piece by piece; what nodes send
with a stream writer; tasks as they begin and end; checkpoints; tasks and checkpoints with times."""

MODES: Final = frozenset({"values", "updates", "messages", "custom", "tasks", "checkpoints", "debug"})
"""What a run can stream."""

Part = tuple[tuple[str, ...], str, Any]
"""The namespace, the mode, and what is told."""

INTERRUPT: Final = "__interrupt__"


def check_modes(modes: str | Iterable[str]) -> frozenset[str]:
    """The modes as a set.

    Raises:
        GraphValidationError: One of them is none.
    """
    found = frozenset([modes] if isinstance(modes, str) else modes)
    for mode in sorted(found - MODES):
        from victor.graph.program import near

        raise GraphValidationError(f"there is no stream mode {mode!r}{near(mode, sorted(MODES))}")
    return found


def emit_message(chunk: Any, metadata: Mapping[str, Any] | None = None) -> None:
    """Tell readers of ``stream_mode="messages"`` a piece of a message; does nothing where there are none.

    Agents that run inside nodes do this by themselves.

    Args:
        chunk: A `Message`, or a piece of its text, which becomes a `MessageChunk` of an assistant.
        metadata: Added to what is said about where it comes from.
    """
    task = CURRENT.get()
    if task is None or task.abandoned:
        return
    task.sign()
    sink = task.run.sink
    if sink is not None and sink.messages:
        sink.message(task, MessageChunk("assistant", chunk) if isinstance(chunk, str) else chunk, metadata)


class Sink:
    """Tells what happens in a run, in the modes asked for.

    Args:
        modes: Which.
        put: Takes each part.
        pace: Awaited after each superstep.
        subgraphs: Tell what happens in subgraphs too.
        keys: Only these keys of the state; None for all.
    """

    __slots__ = (
        "checkpoints",
        "custom",
        "debug",
        "keys",
        "messages",
        "modes",
        "pace",
        "put",
        "subgraphs",
        "tasks",
        "updates",
        "values",
        "words",
    )

    def __init__(
        self,
        modes: frozenset[str],
        put: Callable[[tuple[str, ...], str, Any], None],
        pace: Callable[[], Any],
        *,
        subgraphs: bool = False,
        keys: Sequence[str] | None = None,
    ) -> None:
        self.modes: frozenset[str] = modes
        self.put: Callable[[tuple[str, ...], str, Any], None] = put
        self.pace: Callable[[], Any] = pace
        self.subgraphs: bool = subgraphs
        self.keys: Sequence[str] | None = keys
        self.values: bool = "values" in modes
        self.updates: bool = "updates" in modes
        self.messages: bool = "messages" in modes
        self.custom: bool = "custom" in modes
        self.tasks: bool = "tasks" in modes
        self.checkpoints: bool = "checkpoints" in modes
        self.debug: bool = "debug" in modes
        self.words: Words = Words()

    def nested(self) -> Sink | None:
        """The sink of a graph inside this one."""
        if not self.subgraphs:
            return None
        inner = Sink(self.modes, self.put, self.pace, subgraphs=True)
        inner.words = self.words
        return inner

    def starting(self, run: Run, tasks: Sequence[Task]) -> None:
        """Tasks are about to run."""
        if self.messages:
            for task in tasks:
                self.words.known(task.input)
        if not (self.tasks or self.debug):
            return
        for task in tasks:
            payload = {
                "id": task.id,
                "name": task.plan.name,
                "input": isolate(task.input),
                "triggers": (f"branch:to:{task.plan.name}" if task.index == 0 else "__pregel_push",),
            }
            self._tell(run, "tasks", "task", run.step + 1, payload)

    def finished(self, run: Run, task: Task) -> None:
        """A task is done, or waits."""
        if self.messages and task.done:
            for message in self.words.new(task):
                self.message(task, message, None)
        if self.updates and task.done:
            told = _told(task)
            if self.keys is not None and isinstance(told, dict):
                told = {key: value for key, value in told.items() if key in self.keys}
            self.put(run.namespace_path, "updates", {task.plan.name: told})
        if self.tasks or self.debug:
            payload = {
                "id": task.id,
                "name": task.plan.name,
                "error": None,
                "result": isolate(dict(task.writes)),
                "interrupts": [{"value": one.value, "id": one.id} for one in task.interrupts if one.id],
            }
            self._tell(run, "tasks", "task_result", run.step + 1, payload)

    def failed(self, run: Run, task: Task, error: Exception) -> None:
        """A task failed."""
        if self.tasks or self.debug:
            payload = {"id": task.id, "name": task.plan.name, "error": repr(error), "result": {}, "interrupts": []}
            self._tell(run, "tasks", "task_result", run.step + 1, payload)

    def going_on(self, run: Run) -> None:
        """A run goes on from where its thread stands."""
        if self.values:
            self.put(run.namespace_path, "values", self._state(run))

    async def stepped(self, run: Run, tasks: Sequence[Task]) -> None:
        """A superstep is complete."""
        if self.values and (run.ran[:1] == ["__start__"] or any(task.writes for task in tasks)):
            self.put(run.namespace_path, "values", self._state(run))
        if self.checkpoints or self.debug:
            self._tell(run, "checkpoints", "checkpoint", run.step, self._checkpoint(run))
        paced = self.pace()
        if paced is not None:
            await paced

    async def asking(self, run: Run, interrupts: Sequence[Interrupt]) -> None:
        """The run stops and waits."""
        if self.updates:
            self.put(run.namespace_path, "updates", {INTERRUPT: tuple(interrupts)})
        if self.values and interrupts:
            state = self._state(run)
            self.put(
                run.namespace_path,
                "values",
                {**state, INTERRUPT: tuple(interrupts)} if isinstance(state, dict) else state,
            )

    def message(self, task: Task, chunk: Any, metadata: Mapping[str, Any] | None) -> None:
        """A message, or a piece of one."""
        self.words.known(chunk)
        self.put(task.run.namespace_path, "messages", (isolate(chunk), {**task.config["metadata"], **(metadata or {})}))

    def _state(self, run: Run) -> Any:
        return isolate(run.output(self.keys if self.keys is not None else run.program.stream_keys))

    def _checkpoint(self, run: Run) -> dict[str, Any]:
        from victor.graph.snapshot import config_of

        log = run.log
        plans = run.program.plans
        names = [plans[rank].name for rank in run.ready] + [sent.node for sent in run.sends]
        return {
            "config": None if log is None else config_of(log.thread_id, log.namespace, log.tip),
            "parent_config": None
            if log is None or log.parent is None
            else config_of(log.thread_id, log.namespace, log.parent),
            "values": self._state(run),
            "metadata": {"source": "loop", "step": run.step, **(log.metadata if log is not None else {})},
            "next": names,
            "tasks": [
                {"id": task.id, "name": task.plan.name, "interrupts": (), "state": None} for task in run.due_bare()
            ],
        }

    def _tell(self, run: Run, mode: str, kind: str, step: int, payload: dict[str, Any]) -> None:
        if mode in self.modes:
            self.put(run.namespace_path, mode, payload)
        if self.debug:
            now = datetime.now(UTC).isoformat()
            self.put(run.namespace_path, "debug", {"step": step, "timestamp": now, "type": kind, "payload": payload})


def _told(task: Task) -> Any:
    """What a node wrote, as readers of ``updates`` see it."""
    from victor.graph.schema import ROOT

    writes = task.writes
    if isinstance(writes, Mapping):
        return isolate(dict(writes)) or None
    keys = [key for key, _ in writes]
    if keys == [ROOT]:
        return isolate(writes[0][1])
    if len(set(keys)) == len(keys):
        return isolate(dict(writes)) or None
    rows: list[dict[str, Any]] = []
    for key, value in writes:
        if not rows or key in rows[-1]:
            rows.append({})
        rows[-1][key] = isolate(value)
    return rows


def shape(part: Part, *, several: bool, subgraphs: bool, version: str = "v1") -> Any:
    """A part as the reader gets it."""
    namespace, mode, payload = part
    if version == "v2":
        whole: dict[str, Any] = {"type": mode, "ns": namespace, "data": payload}
        if mode == "values":
            asked = payload.get(INTERRUPT, ()) if isinstance(payload, dict) else ()
            whole["interrupts"] = tuple(asked)
            if asked:
                whole["data"] = {key: value for key, value in payload.items() if key != INTERRUPT}
        return whole
    if several:
        return (namespace, mode, payload) if subgraphs else (mode, payload)
    return (namespace, payload) if subgraphs else payload


class AsyncPipe:
    """From a run to a reader in the same event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._parts: deque[Part] = deque()
        self._filled = asyncio.Event()
        self._wanted = asyncio.Event()
        self._ended = False

    def put(self, namespace: tuple[str, ...], mode: str, payload: Any) -> None:
        """Hand over a part; from any thread."""
        self._parts.append((namespace, mode, payload))
        if threading.get_ident() == self._thread:
            self._filled.set()
        else:
            self._loop.call_soon_threadsafe(self._filled.set)

    async def pace(self) -> None:
        """Wait until all has been read and more is wanted; a graph that a node runs in another thread does not wait."""
        if self._parts and threading.get_ident() == self._thread:
            self._wanted.clear()
            await self._wanted.wait()

    def end(self, *_: Any) -> None:
        """There will be no more."""
        self._ended = True
        self._filled.set()

    async def get(self) -> Part | None:
        """The next part; None when there are no more."""
        while True:
            if self._parts:
                return self._parts.popleft()
            if self._ended:
                return None
            self._wanted.set()
            self._filled.clear()
            if not self._parts:
                await self._filled.wait()


class ThreadPipe:
    """From a run in another thread to a reader."""

    def __init__(self) -> None:
        self._parts: deque[Part] = deque()
        self._changed = threading.Condition()
        self._wanted = False
        self._ended = False
        self._left = False

    def put(self, namespace: tuple[str, ...], mode: str, payload: Any) -> None:
        """Hand over a part; from any thread."""
        with self._changed:
            self._parts.append((namespace, mode, payload))
            self._changed.notify_all()

    def pace(self) -> None:
        """Wait until all has been read and more is wanted.

        Raises:
            asyncio.CancelledError: The reader has left.
        """
        with self._changed:
            if self._parts:
                self._wanted = False
                while not (self._wanted or self._left):
                    self._changed.wait()
            if self._left:
                raise asyncio.CancelledError

    def end(self) -> None:
        """There will be no more."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def leave(self) -> None:
        """The reader reads no more."""
        with self._changed:
            self._left = True
            self._changed.notify_all()

    def get(self) -> Part | None:
        """The next part; None when there are no more."""
        with self._changed:
            while not self._parts:
                if self._ended:
                    return None
                self._wanted = True
                self._changed.notify_all()
                self._changed.wait()
            return self._parts.popleft()
