"""The engine: one run of a program, superstep by superstep.

A superstep takes every node that is due, gives each a copy of the same state, runs them (side by side if they are
several), applies what they wrote in the order of their names, and finds out which nodes are due next. Nothing of a
superstep shows before all of it is done.

The same coroutine serves ``ainvoke`` and ``invoke``. A run with ``blocking`` set never suspends: sync nodes are called
where they are (several at once: in threads), so no event loop is needed and none is started.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import add
from typing import TYPE_CHECKING, Any, Final, Literal

from victor.core.events import EventStream, get_stream
from victor.graph.busy import hold, release
from victor.graph.channels import MISSING, overwritten, reduce
from victor.graph.command import Send
from victor.graph.errors import (
    CheckpointError,
    GraphDrained,
    GraphInterrupt,
    GraphRecursionError,
    InvalidUpdateError,
    NodeCancelledError,
    NodeTimeoutError,
)
from victor.graph.execute import execute
from victor.graph.interrupts import Interrupt
from victor.graph.isolate import CONSTANT, isolate
from victor.graph.parallel import in_threads, side_by_side
from victor.graph.program import Program, View, near
from victor.graph.resume import begin
from victor.graph.retry import timeout_policy
from victor.graph.schema import ROOT
from victor.graph.tasks import Task, pairs

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from victor.graph.cache import Cache
    from victor.graph.checkpoint.log import Saved
    from victor.graph.checkpoint.recorder import Recorder
    from victor.graph.runtime import RunControl, RunnableConfig
    from victor.graph.stream import Sink

__all__ = ["DEFAULT_RECURSION_LIMIT", "Run", "Status"]

Status = Literal["running", "completed", "interrupted", "failed"]
"""What has become of a run."""

DEFAULT_RECURSION_LIMIT: Final = 10_000
"""How many supersteps a run may take."""
_BREATH: Final = 31


class Run:
    """One run of a program.

    Args:
        program: What to run.
        config: The caller's config, handed to nodes.
        blocking: Never suspend; see the module's text.
        limit: How many supersteps it may take.
    """

    __slots__ = (
        "adopted",
        "answers",
        "blocking",
        "cache",
        "config",
        "context",
        "control",
        "entered",
        "events",
        "interrupt_after",
        "interrupt_before",
        "interrupts",
        "joined",
        "limit",
        "log",
        "max_concurrency",
        "namespace",
        "namespace_path",
        "open",
        "origin",
        "parent",
        "pool",
        "previous",
        "program",
        "ran",
        "ready",
        "replaying",
        "root",
        "saved",
        "sends",
        "sink",
        "started_at",
        "status",
        "step",
        "steps",
        "store",
        "tasks",
        "thread_id",
        "values",
        "waiting",
        "watched",
    )

    def __init__(self, program: Program, config: RunnableConfig, *, blocking: bool, limit: int) -> None:
        self.program: Program = program
        self.config: RunnableConfig = config
        self.blocking: bool = blocking
        self.limit: int = limit
        self.max_concurrency: int | None = None
        self.parent: Task | None = None
        self.root: Run = self
        self.namespace: str = ""
        self.namespace_path: tuple[str, ...] = ()
        self.thread_id: str | None = None
        self.context: Any = None
        self.store: Any = None
        self.cache: Cache = None  # type: ignore[assignment]
        self.previous: Any = None
        self.control: RunControl | None = None
        self.sink: Sink | None = None
        self.log: Recorder | None = None
        self.saved: Saved | None = None
        self.interrupt_before: frozenset[int] = program.interrupt_before
        self.interrupt_after: frozenset[int] = program.interrupt_after
        self.events: EventStream = get_stream()
        self.watched: bool = self.events.active
        self.values: dict[str, Any] = {}
        self.open: set[str] = set()
        self.ready: Sequence[int] = ()
        self.sends: Sequence[Send] = ()
        self.joined: dict[int, set[int]] = {}
        self.waiting: set[int] = set()
        self.ran: Sequence[str] = ()
        self.answers: dict[str, Any] = {}
        self.adopted: dict[str, Any] = {}
        self.interrupts: tuple[Interrupt, ...] = ()
        self.status: Status = "running"
        self.origin: str = ""
        self.step: int = -2
        self.started_at: int = 0
        self.entered: bool = False  # an input counts as one of the steps that nodes see as left
        self.replaying: bool = False
        self.steps: dict[tuple[str, str], Any] = {}
        self.tasks: Sequence[Task] = ()
        self.pool: ThreadPoolExecutor | None = None

    # ---------------------------------------------------------------- running

    async def go(self, input: Any) -> None:
        """Run from an input, or go on from where the thread stands, until nothing is left to do or a question waits.

        Raises:
            GraphRecursionError: It took too many supersteps.
            GraphDrained: It was asked to stop.
            Exception: Whatever a node raised.
        """
        if not self.watched:
            await self._go(input)
            return
        attributes = {"thread_id": self.thread_id, "namespace": self.namespace}
        with self.events.operation("workflow.run", self.program.name, attributes) as operation:
            await self._go(input)
            operation.set(status=self.status, steps=self.step - self.started_at)

    async def _go(self, input: Any) -> None:
        if self.log is not None and self.parent is None and self.log.wanted is None:
            await hold(self)
            try:
                await self._held(input)
            finally:
                release(self)
        else:
            await self._held(input)

    async def _held(self, input: Any) -> None:
        try:
            await begin(self, input)
            self.started_at = self.step
            await self._loop()
        except BaseException as error:
            self.status = "failed"
            try:
                await self._close()
            except CheckpointError as second:
                error.add_note(f"what was done until then could not be stored: {second}")
            raise
        await self._close()

    async def _close(self) -> None:
        if self.pool is not None:
            self.pool.shutdown(wait=False, cancel_futures=True)
        if self.log is not None:
            await self.log.close(self)

    def fresh(self) -> None:
        """Begin with the values that keys have before anything was written."""
        program = self.program
        values = program.initial.copy()
        for name in program.initial_open:
            values[name] = isolate(values[name])
        self.values = values
        self.open = set(program.initial_open)
        self.origin = self.namespace

    async def _loop(self) -> None:
        skip_pause = self.saved is not None and self.saved.paused
        while True:
            tasks = self._due()
            if not tasks:
                self.status = "completed"
                return
            if self.step - self.started_at >= self.limit:
                raise GraphRecursionError(
                    f"graph {self.program.name!r} took {self.limit} supersteps and is not done (next: "
                    f"{', '.join(sorted({t.plan.name for t in tasks}))}); if that is no endless loop, raise the limit: "
                    f'config={{"recursion_limit": {self.limit * 2}}}'
                )
            if self.parent is not None:
                self.parent.heartbeat()
                if self.parent.abandoned:
                    raise NodeTimeoutError(f"graph {self.program.name!r} was given up: its time is over")
            if self.control is not None and self.control.drain_requested:
                raise GraphDrained(self.control.drain_reason or "shutdown")
            if self.interrupt_before and not skip_pause and any(t.plan.rank in self.interrupt_before for t in tasks):
                await self._pause(tasks)
                return
            skip_pause = False
            if self.watched and self.events.active:
                attributes = {"step": self.step + 1, "nodes": [t.plan.name for t in tasks], "namespace": self.namespace}
                with self.events.operation("workflow.step", self.program.name, attributes):
                    going = await self._superstep(tasks)
            else:
                going = await self._superstep(tasks)
            if not going:
                return
            if self.step & _BREATH == 0 and not self.blocking:
                await asyncio.sleep(0)  # nodes that never wait must not keep others, or a cancellation, waiting

    async def _superstep(self, tasks: list[Task]) -> bool:
        """Run tasks and apply what they wrote; False when the run stops here."""
        sink = self.sink
        self.tasks = tasks
        if self.saved is not None:
            self.saved.fill(self, tasks)
        if sink is not None:
            sink.starting(self, tasks)
        if len(tasks) == 1:
            await self.one(tasks[0])
            asks = bool(tasks[0].interrupts)
        else:
            await self._several(tasks)
            asks = any(task.interrupts for task in tasks)
        if asks:
            await self._ask(tasks)
            return False
        self.apply(tasks)
        self.advance(tasks)
        self.step += 1
        self.saved = None
        self.tasks = ()
        if self.log is not None:
            await self.log.superstep(self)
        if sink is not None:
            await sink.stepped(self, tasks)
        if self.interrupt_after and any(task.plan.rank in self.interrupt_after for task in tasks):
            due = self._due()
            if due:
                await self._pause(due)
                return False
        return True

    async def one(self, task: Task) -> None:
        """Execute a task; an interrupt is kept on it, for the end of the superstep."""
        if task.done or task.interrupts:
            return
        try:
            await execute(task)
        except GraphInterrupt as stop:
            task.interrupts = stop.interrupts or _PAUSED
        except BaseExceptionGroup as group:
            asked, others = group.split(GraphInterrupt)
            if asked is None or others is not None:
                task.error = group if isinstance(group, Exception) else None
                raise
            task.interrupts = tuple(_questions(asked)) or _PAUSED
        except GraphDrained:
            raise
        except asyncio.CancelledError as error:
            if self.blocking or _is_cancelled():
                raise
            raise NodeCancelledError(
                f"node {task.plan.name!r} was cancelled from within: something in it raised CancelledError"
            ) from error
        except Exception as error:
            task.error = error
            if self.sink is not None:
                self.sink.failed(self, task, error)
            raise
        if self.sink is not None:
            self.sink.finished(self, task)

    async def _several(self, tasks: list[Task]) -> None:
        todo = [task for task in tasks if not (task.done or task.interrupts)]
        if self.blocking:
            await in_threads(self, todo)
        elif todo:
            await side_by_side(self, todo)

    # ---------------------------------------------------------------- what is due

    def _due(self) -> list[Task]:
        plans = self.program.plans
        tasks = [Task(self, plan, self.view(plan.view)) for plan in [plans[rank] for rank in self.ready]]
        if self.sends:
            ranks = self.program.ranks
            for number, sent in enumerate(self.sends, 1):
                task = Task(self, plans[ranks[sent.node]], isolate(sent.arg), number)
                if sent.timeout is not None:
                    task.timeout = timeout_policy(sent.timeout)
                tasks.append(task)
        return tasks

    def due_bare(self) -> list[Task]:
        """The tasks that are due, without their inputs."""
        plans, ranks = self.program.plans, self.program.ranks
        tasks = [Task(self, plans[rank], None) for rank in self.ready]
        return tasks + [Task(self, plans[ranks[sent.node]], None, number) for number, sent in enumerate(self.sends, 1)]

    def view(self, view: View, changed: Mapping[str, Any] | None = None) -> Any:
        """The state as a function is given it: copied, restricted to its keys, as an instance of its class."""
        values = self.values
        if changed:
            values = {**values, **changed}
        state = values.copy() if view.keys is None else {key: values[key] for key in view.keys if key in values}
        for name in self.open:
            if name in state:
                state[name] = isolate(state[name])
        for name in changed or ():
            if name in state:
                state[name] = isolate(state[name])
        if view.root:
            return state.get(ROOT)
        for key, kind in view.managed.items():
            left = self.limit - (self.step - self.started_at) - self.entered
            state[key] = left if kind == "remaining" else left <= 1
        return state if view.build is None else _built(view.build, state)

    def advance(self, tasks: list[Task]) -> None:
        """Find out what is due after these tasks."""
        program = self.program
        self.ran = [task.plan.name for task in tasks]
        if len(tasks) == 1 and not program.has_deferred:
            task = tasks[0]
            if task.plan.straight and task.targets is None and task.sends is None:
                self.ready = task.plan.successors
                self.sends = ()
                return
        ready: set[int] = set()
        sends: list[Send] = []
        arrived: set[int] = set()
        for task in tasks:
            plan = task.plan
            ready.update(plan.successors)
            if task.targets is not None:
                ready.update(task.targets)
            if task.sends is not None:
                sends += task.sends
            if plan.joins:
                for number in plan.joins:
                    self.joined.setdefault(number, set()).add(plan.rank)
                arrived.update(plan.joins)
        for number in arrived:
            if self.joined[number] == program.joins[number].starts:
                del self.joined[number]
                ready.add(program.joins[number].end)
        if program.has_deferred:
            self.waiting |= {rank for rank in ready if program.plans[rank].defer}
            ready -= self.waiting
            if not ready and not sends:
                ready, self.waiting = self.waiting, set()
        self.ready = sorted(ready)
        self.sends = sends

    # ---------------------------------------------------------------- writing

    def apply(self, tasks: Sequence[Task]) -> None:
        """Apply what tasks wrote, in order."""
        channels = self.program.channels
        values = self.values.copy()
        opened = self.open.copy()
        log = self.log
        writers: dict[str, str] = {}
        replaced: set[str] = set()
        grown: dict[str, list[Any]] = {}  # lists made in this superstep, which nobody else has seen
        for task in tasks:
            writes = task.writes
            for name, value in pairs(writes) if type(writes) is not dict else writes.items():
                channel = channels.get(name)
                if channel is None:
                    raise self.unknown_key(task, name)
                constant = type(value) in CONSTANT
                if not constant:
                    value = isolate(value)
                if log is not None:
                    log.touch(channel, values)
                plain = MISSING if constant else overwritten(value)
                if channel.reducer is None:
                    if name in writers:
                        raise _conflict(name, writers[name], task.plan.name)
                    writers[name] = task.plan.name
                    if plain is not MISSING:
                        value = plain
                    values[name] = value
                elif plain is not MISSING:
                    if name in replaced:
                        raise InvalidUpdateError(
                            f"key {name!r} was overwritten twice in one superstep, last by {task.plan.name!r}"
                        )
                    replaced.add(name)
                    grown.pop(name, None)
                    values[name] = value = plain
                elif name in replaced:
                    continue
                elif name in grown and type(value) is list:
                    grown[name] += value
                    continue
                else:
                    values[name] = value = reduce(channel, values.get(name, MISSING), value, task.plan.name)
                    if channel.reducer is add and type(value) is list:
                        grown[name] = value
                if type(value) in CONSTANT:
                    opened.discard(name)
                else:
                    opened.add(name)
        self.values, self.open = values, opened
        if self.watched and self.events.active:
            keys = sorted({name for task in tasks for name, _ in pairs(task.writes)})
            if keys:
                self.events.emit(
                    "state.transition",
                    self.program.name,
                    {"step": self.step + 1, "keys": keys, "namespace": self.namespace},
                )

    def unknown_key(self, task: Task, name: Any) -> InvalidUpdateError:
        """The error for a write to a key the state does not have."""
        who = "the input has" if task.plan.rank < 0 else f"node {task.plan.name!r} wrote"
        return InvalidUpdateError(
            f"{who} key {name!r}, which the state does not have{near(str(name), self.program.channels)}"
        )

    # ---------------------------------------------------------------- stopping and going on

    async def _pause(self, tasks: Sequence[Task]) -> None:
        """Stop before tasks, because the graph was compiled to."""
        self.status = "interrupted"
        if self.log is not None:
            await self.log.pause(self)
        if self.sink is not None:
            await self.sink.asking(self, ())

    async def _ask(self, tasks: Sequence[Task]) -> None:
        """Stop because tasks wait for answers."""
        self.status = "interrupted"
        self.interrupts = tuple(one for task in tasks for one in task.interrupts if one.id)
        if self.watched and self.events.active:
            for task in tasks:
                for one in task.interrupts:
                    self.events.emit(
                        "workflow.interrupt",
                        task.plan.name,
                        {"id": one.id, "step": self.step + 1, "namespace": self.namespace},
                    )
        if self.log is not None:
            await self.log.interrupted(self, tasks)
        if self.sink is not None:
            await self.sink.asking(self, self.interrupts)

    @property
    def checkpoint_id(self) -> str | None:
        """The checkpoint the superstep started from."""
        return None if self.log is None else self.log.tip

    def output(self, keys: Sequence[str] | None = None) -> Any:
        """What the caller gets back."""
        values = self.values
        if keys is None:
            if self.program.output_is_root:
                return values.get(ROOT)
            keys = self.program.output_keys
        return {key: values[key] for key in keys if key in values}


def _built(build: Callable[[dict[str, Any]], Any], state: dict[str, Any]) -> Any:
    """The state as an instance of its class."""
    try:
        return build(state)
    except Exception as error:
        error.add_note(
            f"while making the state out of {', '.join(map(repr, state)) or 'nothing'}: what its class requires must "
            "be in the input or have a default"
        )
        raise


def _questions(group: BaseExceptionGroup[Any]) -> Iterator[Interrupt]:
    """All that is asked in a group of `GraphInterrupt`."""
    for one in group.exceptions:
        if isinstance(one, BaseExceptionGroup):
            yield from _questions(one)
        else:
            yield from one.interrupts


def _is_cancelled() -> bool:
    """Whether somebody has cancelled the asyncio task this runs in."""
    current = asyncio.current_task()
    return current is None or current.cancelling() > 0


def _conflict(name: str, first: str, second: str) -> InvalidUpdateError:
    who = f"{first!r} and {second!r}" if first != second else f"{first!r} twice"
    return InvalidUpdateError(
        f"key {name!r} was written by {who} in one superstep, and nothing says how to combine that; "
        f"annotate it with a reducer: Annotated[..., reducer]"
    )


_PAUSED: Final = (Interrupt(None, ""),)
"""Stands for a subgraph that stopped because it was compiled to: it waits, and asks nothing."""
