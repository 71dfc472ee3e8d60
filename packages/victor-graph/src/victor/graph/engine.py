"""The engine: one run of a program, superstep by superstep.

A superstep takes every node that is due, gives each a copy of the same state, runs them (side by side if they are
several), applies what they wrote in the order of their names, and finds out which nodes are due next. Nothing of a
superstep shows before all of it is done.

The same coroutine serves ``ainvoke`` and ``invoke``. A run with ``blocking`` set never suspends: sync nodes are called
where they are (several at once: in threads), so no event loop is needed and none is started.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from operator import add
from typing import TYPE_CHECKING, Any, Final, Literal

from victor.core.events import EventStream, get_stream
from victor.graph.channels import MISSING, overwritten, reduce
from victor.graph.command import END, START, Command, Send
from victor.graph.errors import (
    EmptyInputError,
    GraphDrained,
    GraphInterrupt,
    GraphRecursionError,
    InvalidUpdateError,
    ResumeError,
)
from victor.graph.interrupts import Interrupt
from victor.graph.isolate import CONSTANT, isolate
from victor.graph.program import Plan, Program, View, near
from victor.graph.retry import timeout_policy
from victor.graph.schema import ROOT
from victor.graph.tasks import Task, collect, execute, follow, state_fields

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from victor.graph.cache import Cache
    from victor.graph.checkpoint.log import Saved
    from victor.graph.checkpoint.recorder import Recorder
    from victor.graph.runtime import RunControl, RunnableConfig
    from victor.graph.stream import Sink

__all__ = ["DEFAULT_RECURSION_LIMIT", "Run", "Status"]

Status = Literal["running", "completed", "interrupted", "failed"]

DEFAULT_RECURSION_LIMIT: Final = 10_000
_THREADS: Final = 32


class Run:
    """One run of a program.

    Args:
        program: What to run.
        config: The caller's config, handed to nodes.
        blocking: Never suspend; see the module's text.
        limit: How many supersteps it may take.
    """

    __slots__ = (
        "_pool", "answers", "blocking", "cache", "config", "context", "control", "events", "interrupt_after", "interrupt_before",
        "interrupts", "joined", "limit", "log", "max_concurrency", "namespace", "namespace_path", "open", "origin", "parent",
        "previous", "program", "ran", "ready", "replaying", "root", "saved", "sends", "sink", "started_at", "status", "step", "steps", "store",
        "tasks", "thread_id", "values", "waiting", "watched",
    )  # fmt: skip

    def __init__(self, program: Program, config: RunnableConfig, *, blocking: bool, limit: int) -> None:
        self.program = program
        self.config = config
        self.blocking = blocking
        self.limit = limit
        self.max_concurrency: int | None = None
        self.parent: Task | None = None
        self.root: Run = self
        self.namespace = ""
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
        self.interrupt_before = program.interrupt_before
        self.interrupt_after = program.interrupt_after
        self.events: EventStream = get_stream()
        self.watched = self.events.active
        self.values: dict[str, Any] = {}
        self.open: set[str] = set()
        self.ready: Sequence[int] = ()
        self.sends: Sequence[Send] = ()
        self.joined: dict[int, set[int]] = {}
        self.waiting: set[int] = set()
        self.ran: Sequence[str] = ()
        self.answers: dict[str, Any] = {}
        self.interrupts: tuple[Interrupt, ...] = ()
        self.status: Status = "running"
        self.origin = ""
        self.step = -2
        self.started_at = 0
        self.replaying = False
        self.steps: dict[tuple[str, str], Any] = {}
        self.tasks: Sequence[Task] = ()
        self._pool: ThreadPoolExecutor | None = None

    # ---------------------------------------------------------------- running

    async def go(self, input: Any) -> None:
        """Run from an input, or go on from where the thread stands, until there is nothing left to do or a question waits.

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
        try:
            if self.log is None:
                if input is None or (isinstance(input, Command) and input.resume is not None):
                    raise EmptyInputError(_NOTHING_TO_RESUME)
                self._fresh()
                await self._enter(input)
            else:
                await self._restore(input)
            self.started_at = self.step
            await self._loop()
        except BaseException:
            self.status = "failed"
            raise
        finally:
            if self._pool is not None:
                self._pool.shutdown(wait=False, cancel_futures=True)
            if self.log is not None:
                await self.log.close(self)

    def _fresh(self) -> None:
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

    async def _superstep(self, tasks: list[Task]) -> bool:
        """Run tasks and apply what they wrote; False when the run stops here."""
        sink = self.sink
        self.tasks = tasks
        if self.saved is not None:
            self.saved.fill(self, tasks)
        if sink is not None:
            sink.starting(self, tasks)
        if len(tasks) == 1:
            await self._one(tasks[0])
        else:
            await self._several(tasks)
        if any(task.interrupts for task in tasks):
            await self._ask(tasks)
            return False
        self._apply(tasks)
        self._advance(tasks)
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

    async def _one(self, task: Task) -> None:
        if task.done or task.interrupts:
            return
        try:
            await execute(task)
        except GraphInterrupt as stop:
            task.interrupts = stop.interrupts or _PAUSED
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
            await self._in_threads(todo)
        elif todo:
            await self._side_by_side(todo)

    async def _side_by_side(self, todo: list[Task]) -> None:
        limit = self.max_concurrency
        if limit is not None and limit < len(todo):
            gate = asyncio.Semaphore(limit)

            async def one(task: Task) -> None:
                async with gate:
                    await self._one(task)

        else:
            one = self._one  # type: ignore[assignment]
        loop = asyncio.get_running_loop()
        running = {loop.create_task(one(task)): task for task in todo}
        keeper = self.log.keeper(self) if self.log is not None else None
        if keeper is not None:
            for future, task in running.items():
                future.add_done_callback(keeper.noting(task))
        try:
            done, pending = await asyncio.wait(running, return_when=asyncio.FIRST_EXCEPTION)
            failed = [future for future in running if future in done and future.exception() is not None]
            if failed:
                await _cancel(pending)
                error = failed[0].exception()
                assert error is not None
                raise error
        except BaseException:
            await _cancel(running)
            raise
        finally:
            if keeper is not None:
                await keeper.finish()

    async def _in_threads(self, todo: list[Task]) -> None:
        if len(todo) < 2 or self.max_concurrency == 1:
            for task in todo:
                await self._one(task)
            return
        from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.max_concurrency or _THREADS, thread_name_prefix=self.program.name)
        from contextvars import copy_context

        running = {self._pool.submit(copy_context().run, finish, self._one(task)): task for task in todo}
        keeper = self.log.keeper(self) if self.log is not None else None
        left = set(running)
        try:
            while left:
                done, left = wait(left, return_when=FIRST_COMPLETED)
                for future in sorted(done, key=lambda one: running[one].plan.rank):
                    error = future.exception()
                    if error is not None:
                        raise error
                if keeper is not None and left:
                    keeper.save([running[one] for one in done])
        except BaseException:
            for other in left:
                other.cancel()
            wait(left)
            raise

    async def update(self, values: Any, as_node: str | None) -> None:
        """Write to the thread as if a node had; see `CompiledGraph.update_state`."""
        log = self.log
        assert log is not None
        chain = await log.read(self)
        if chain is None:
            self._fresh()
        else:
            log.owner = log.load(self, chain).owner
        paused = self.saved is not None and self.saved.paused
        plan = self._author(values, as_node)
        self.step += 1
        if plan is None:
            if values is not None:
                task = Task(self, self.program.start, None)
                collect(task, values)
                self._apply((task,))
            if as_node == END:
                self.ready, self.sends, self.joined, self.waiting = (), (), {}, set()
        else:
            task = Task(self, plan, None)
            collect(task, values)
            for path in plan.paths:
                await follow(task, path, _here)
            self._apply((task,))
            self._advance([task])
        await log.superstep(self, "fork" if values is None and as_node is None else "update")
        if paused:
            await log.pause(self)
        await log.close(self)

    def _author(self, values: Any, as_node: str | None) -> Plan | None:
        """The node an update is by; None for a fork and for an update that ends the run."""
        program = self.program
        if as_node == END or (values is None and as_node is None):
            return None
        if as_node is None:
            names = list(dict.fromkeys(self.ran)) or [START]
            if len(names) > 1 and len(program.plans) > 1:
                raise InvalidUpdateError(
                    f"{', '.join(map(repr, names))} ran last; say which of them the update is by: update_state(..., as_node=...)"
                )
            as_node = names[0]
        if as_node == START:
            return program.start
        if as_node not in program.ranks:
            raise InvalidUpdateError(f"as_node={as_node!r} is no node{near(as_node, program.ranks)}")
        return program.plans[program.ranks[as_node]]

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
            left = self.limit - (self.step - self.started_at)
            state[key] = left if kind == "remaining" else left <= 1
        return state if view.build is None else view.build(state)

    def _advance(self, tasks: list[Task]) -> None:
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

    def _apply(self, tasks: Sequence[Task]) -> None:
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
            for name, value in writes.items() if type(writes) is dict else writes:  # type: ignore[union-attr]
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
            keys = sorted({name for task in tasks for name, _ in _pairs(task)})
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

    async def _enter(self, input: Any, *, again: bool = False) -> None:
        """Apply an input and find out what is due first; ``again`` when the input is stored already."""
        task = Task(self, self.program.start, None)
        if isinstance(input, Command):
            collect(task, input)
        else:
            task.writes = self._input(input)
        self.ready, self.sends, self.joined, self.waiting, self.ran = (), (), {}, set(), ["__start__"]
        if not again:
            self.step += 1
            if self.log is not None:
                self.log.input(self, task)
        self.step += 1
        self._apply((task,))
        for path in self.program.start.paths:
            await follow(task, path, _here)
        if isinstance(input, Command) and (task.targets or task.sends):
            self.ready, self.sends = sorted(set(task.targets or ())), task.sends or ()
        else:
            self._advance([task])
        if self.log is not None:
            await self.log.superstep(self)
        if self.sink is not None:
            await self.sink.stepped(self, (task,))

    def _input(self, input: Any) -> dict[str, Any]:
        program = self.program
        if program.input_is_root:
            return {ROOT: input}
        fields = dict(input) if isinstance(input, Mapping) else state_fields(input)
        if fields is None:
            raise InvalidUpdateError(
                f"graph {program.name!r} takes a dict or an instance of its state class, not {type(input).__name__} {str(input)[:80]!r}"
            )
        for key in fields:
            if key not in program.input_keys:
                raise InvalidUpdateError(
                    f"the input has key {key!r}, which graph {program.name!r} does not take{near(str(key), program.input_keys)}"
                )
        return fields

    # ---------------------------------------------------------------- stopping and going on

    async def _restore(self, input: Any) -> None:
        """Go on from where the thread stands, or begin."""
        log = self.log
        assert log is not None
        chain = await log.read(self)
        if chain is None:
            if input is None or (isinstance(input, Command) and input.resume is not None):
                raise EmptyInputError(f"thread {self.thread_id!r} has nothing to go on with; pass an input")
            self._fresh()
            await self._enter(input)
            return
        body = log.load(self, chain)
        owned = self.parent is not None and body.owner == log.owner
        if log.past:
            await log.fork(self, input)
        if input is None or isinstance(input, Command) or owned:
            if body.input is not None:
                await self._enter(body.input, again=True)
            else:
                await self._answer(input if isinstance(input, Command) and self.parent is None else Command())
        else:
            self.saved = None
            await self._enter(input)

    async def _answer(self, command: Command[Any]) -> None:
        """Take in what came with a resume: answers, an update, a jump."""
        log, saved = self.log, self.saved
        assert log is not None
        notes = []
        if saved is not None:
            if self.parent is None:
                self.answers.update(saved.answers)
            self.steps.update(saved.steps)
        if command.resume is not None:
            given = self._match(command.resume, saved)
            self.answers.update(given)
            notes += [log.note("", f"answer:{id}", value) for id, value in given.items()]
        if command.update is not None or command.goto:
            task = Task(self, self.program.start, None)
            collect(task, Command(update=command.update, goto=command.goto))
            names = [self.program.plans[rank].name for rank in task.targets or ()]
            pairs = [[key, value] for key, value in _pairs(task)]
            stored = [pairs, names, [[sent.node, sent.arg, sent.timeout] for sent in task.sends or ()]]
            number = len(saved.commands) if saved is not None else 0
            notes.append(log.note("", f"command:{number}", stored))
            self._command(stored)
        if notes:
            await log.add_notes(self, notes)

    def _command(self, stored: Sequence[Any]) -> None:
        """Apply an update and a jump that came with a resume."""
        pairs, names, sends = stored
        task = Task(self, self.program.start, None)
        task.writes = [(key, value) for key, value in pairs]
        self._apply((task,))
        ranks = self.program.ranks
        self.ready = sorted({*self.ready, *(ranks[name] for name in names)})
        self.sends = [*self.sends, *(Send(node, arg, timeout=timeout) for node, arg, timeout in sends)]

    def _match(self, resume: Any, saved: Saved | None) -> dict[str, Any]:
        """Which answers go to which questions."""
        pending = saved.open if saved is not None else ()
        ids = [one.id for one in pending]
        if isinstance(resume, Mapping) and resume and any(key in ids for key in resume):
            strange = [key for key in resume if key not in ids]
            if strange:
                raise ResumeError(f"no interrupt waits with id {', '.join(map(repr, strange))}", pending_ids=ids)
            return dict(resume)
        if len(pending) == 1:
            return {ids[0]: resume}
        if pending:
            asked = "; ".join(f"{one.id}: {str(one.value)[:60]}" for one in pending)
            raise ResumeError(
                f"{len(pending)} interrupts wait; say which one is answered: Command(resume={{id: answer}}). They are {asked}",
                pending_ids=ids,
            )
        if saved is not None and saved.paused:
            return {}
        raise ResumeError(
            f"no interrupt of thread {self.thread_id!r} waits for an answer; pass None to go on, or an input"
        )

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


def finish(coroutine: Any) -> Any:
    """Runs a coroutine that never suspends."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    coroutine.close()
    raise RuntimeError("a blocking run suspended; this is a bug in victor-graph")


def _here(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)


def _pairs(task: Task) -> Sequence[tuple[str, Any]]:
    writes = task.writes
    return list(writes.items()) if isinstance(writes, Mapping) else writes


def _conflict(name: str, first: str, second: str) -> InvalidUpdateError:
    who = f"{first!r} and {second!r}" if first != second else f"{first!r} twice"
    return InvalidUpdateError(
        f"key {name!r} was written by {who} in one superstep, and nothing says how to combine that; "
        f"annotate it with a reducer: Annotated[..., reducer]"
    )


async def _cancel(running: Any) -> None:
    for future in running:
        future.cancel()
    if running:
        await asyncio.wait(running)


_NOTHING_TO_RESUME: Final = (
    "there is nothing to go on with: the graph was compiled without a checkpointer, so an input is needed "
    "(compile(checkpointer=...) makes runs that can be resumed)"
)
_PAUSED: Final = (Interrupt(None, ""),)
"""Stands for a subgraph that stopped because it was compiled to: it waits, and asks nothing."""
