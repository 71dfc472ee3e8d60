"""One execution of one node: calling it with what it wants, as carefully as its policies ask, and reading its answer."""

from __future__ import annotations

import asyncio
import functools
import inspect
import threading
import time
import types
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from concurrent.futures import Future
from contextvars import Context, copy_context
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from attrs import evolve

from victor.graph.channels import MISSING, overwritten, reduce
from victor.graph.command import END, Command, Send, destinations_of
from victor.graph.errors import GraphInterrupt, InvalidUpdateError, NodeTimeoutError, ParentCommand
from victor.graph.isolate import CONSTANT, isolate
from victor.graph.node import NodeError
from victor.graph.program import Path, Plan, near
from victor.graph.retry import TimeoutPolicy
from victor.graph.runtime import CURRENT, ExecutionInfo, RunnableConfig, Runtime, StreamWriter
from victor.graph.schema import ROOT

if TYPE_CHECKING:
    from victor.graph.engine import Run
    from victor.graph.interrupts import Interrupt

__all__ = ["Task", "block_on", "collect", "execute", "follow"]

Writes = Mapping[str, Any] | list[tuple[str, Any]]
_NO_WRITES: dict[str, Any] = {}


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
        done: True when it is finished and its results are in the above.
        error: What it failed with.
        result: What the node returned, for streams.
    """

    __slots__ = (
        "_id", "_runtime", "asked", "attempt", "beat", "done", "error", "index", "input", "interrupts", "nested", "plan", "result",
        "run", "sends", "steps", "targets", "timeout", "writes",
    )  # fmt: skip

    def __init__(self, run: Run, plan: Plan, input: Any, index: int = 0) -> None:
        self.run = run
        self.plan = plan
        self.input = input
        self.index = index
        self._id: str | None = None
        self._runtime: Runtime[Any] | None = None
        self.writes: Writes = _NO_WRITES
        self.targets: list[int] | None = None
        self.sends: list[Send] | None = None
        self.interrupts: tuple[Interrupt, ...] = ()
        self.done = False
        self.asked = 0
        self.attempt = 1
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
            run = self.run
            text = f"{run.namespace}|{run.origin}|{run.step}|{self.plan.name}|{self.index}"
            self._id = blake2b(text.encode(), digest_size=16).hexdigest()
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
            "langgraph_checkpoint_ns": self.namespace,
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
        if self.beat is not None and not (self.timeout and self.timeout.refresh_on == "heartbeat"):
            self.beat()
        sink = self.run.sink
        if sink is not None and sink.custom:
            sink.put(self.run.namespace_path, "custom", isolate(value))

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


async def execute(task: Task) -> None:
    """Run a task to its end: call the node, read its answer, ask its conditional edges.

    Runs in a copy of the context, so context variables a node sets are its own.

    Raises:
        GraphInterrupt: It waits for an answer.
        ParentCommand: It commands the graph around this one.
        Exception: Whatever the node raised.
    """
    plan = task.plan
    run = task.run
    context = copy_context()
    enter = context.run
    enter(CURRENT.set, task)
    try:
        if plan.plain and task.timeout is None and not run.watched:
            given = task.injected(plan.wants) if plan.wants else _NO_WRITES
            if plan.is_async:
                result = await _within(plan.call(task.input, **given), enter)
            elif run.blocking:
                result = enter(plan.call, task.input, **given)
            else:
                call = functools.partial(enter, plan.call, task.input, **given)
                result = await asyncio.get_running_loop().run_in_executor(None, call)
            if type(result) is not dict and inspect.isawaitable(result):
                result = block_on(result, context) if run.blocking else await _within(_awaited(result), enter)
        else:
            result = await _within(_carefully(task, run), enter)
    except ParentCommand as up:
        command = up.command
        if command.graph not in (Command.PARENT, run.program.name):
            raise
        result = evolve(command, graph=None)
    task.result = result
    collect(task, result)
    for path in plan.paths:
        await follow(task, path, enter)
    task.done = True


@types.coroutine
def _within(coroutine: Any, enter: Callable[..., Any]) -> Generator[Any, Any, Any]:
    """Awaits a coroutine each step of which runs in another context."""
    if not hasattr(coroutine, "send"):
        coroutine = _awaited(coroutine)
    try:
        waiting = enter(coroutine.send, None)
        while True:
            try:
                answer = yield waiting
            except GeneratorExit:
                enter(coroutine.close)
                raise
            except BaseException as error:  # noqa: BLE001 - passed on to the coroutine, cancellation included
                waiting = enter(coroutine.throw, error)
            else:
                waiting = enter(coroutine.send, answer)
    except StopIteration as stop:
        return stop.value


async def _awaited(value: Awaitable[Any]) -> Any:
    return await value


def block_on(awaitable: Awaitable[Any], context: Context) -> Any:
    """Waits for an awaitable where no event loop is at work for us: in one of its own, in another thread if need be."""
    coroutine = _awaited(awaitable)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return context.copy().run(asyncio.run, coroutine)
    answer: Future[Any] = Future()
    threading.Thread(target=_fulfil, args=(answer, context.copy().run, asyncio.run, coroutine), daemon=True).start()
    return answer.result()


def _fulfil(answer: Future[Any], function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    try:
        answer.set_result(function(*args, **kwargs))
    except BaseException as error:  # noqa: BLE001 - handed to whoever waits for the answer
        answer.set_exception(error)


async def _carefully(task: Task, run: Run) -> Any:
    """Calls the node as its policies ask; already in its context."""
    plan = task.plan
    events = run.events
    if not events.active:
        return await _cached(task, run)
    attributes = {"step": run.step + 1, "namespace": run.namespace, "thread_id": run.thread_id, "task_id": task.id}
    with events.operation("workflow.node", plan.name, attributes) as operation:
        if events.capture_content:
            operation.capture(input=task.input)
        result = await _cached(task, run)
        operation.set(attempts=task.attempt)
        if events.capture_content:
            operation.capture(output=result)
        return result


async def _cached(task: Task, run: Run) -> Any:
    policy = task.plan.cache
    if policy is None:
        return await _handled(task, run)
    key = policy.key_func(task.input)
    key = key.encode() if isinstance(key, str) else key
    namespace = (run.program.name, task.plan.name)
    kept = run.cache.get(namespace, key)
    if kept is not None:
        return isolate(kept[0])
    result = await _handled(task, run)
    run.cache.set(namespace, key, (isolate(result),), policy.ttl)
    return result


async def _handled(task: Task, run: Run) -> Any:
    handler = task.plan.error_handler
    if handler is None:
        return await _retried(task, run)
    original = isolate(task.input)
    try:
        return await _retried(task, run)
    except Exception as error:
        if isinstance(error, (GraphInterrupt, ParentCommand)):
            raise
        given = task.injected(task.plan.handler_wants)
        if "error" in task.plan.handler_wants:
            given["error"] = NodeError(task.plan.name, error)
        result = handler(original, **given)
        return await result if inspect.isawaitable(result) else result


async def _retried(task: Task, run: Run) -> Any:
    policies = task.plan.retry
    if not policies:
        return await _timed(task, run)
    current = task
    while True:
        original = isolate(task.input)
        try:
            return await _timed(current, run)
        except (GraphInterrupt, ParentCommand):
            raise
        except Exception as error:
            policy = next((one for one in policies if one.covers(error)), None)
            if policy is None or current.attempt >= policy.max_attempts:
                raise
            wait_s = policy.wait_s(current.attempt)
        if run.blocking:
            time.sleep(wait_s)
        else:
            await asyncio.sleep(wait_s)
        task.input = original
        current = task.again()
        current.attempt = task.attempt = task.attempt + 1
        CURRENT.set(current)


async def _timed(task: Task, run: Run) -> Any:
    policy = task.timeout
    plan = task.plan
    if policy is None:
        return await _called(task, run)
    if not plan.is_async and plan.subgraph is None:
        return await _abandonable(task, run, policy)
    if run.blocking:
        return await _called(task, run)  # a subgraph of sync nodes: each node minds its own timeout
    loop = asyncio.get_running_loop()
    began = loop.time()
    run_s, idle_s = policy.run_s, policy.idle_s
    until = None if run_s is None else began + run_s
    try:
        async with asyncio.timeout_at(_sooner(until, None if idle_s is None else began + idle_s)) as timer:
            if idle_s is not None:

                def beat() -> None:
                    loop.call_soon_threadsafe(lambda: timer.reschedule(_sooner(until, loop.time() + idle_s)))

                task.beat = beat
            return await _called(task, run)
    except TimeoutError:
        if not timer.expired():
            raise
        raise _too_late(task, policy, run_s is not None and loop.time() >= began + run_s) from None


def _sooner(a: float | None, b: float | None) -> float | None:
    return b if a is None else a if b is None else min(a, b)


def _too_late(task: Task, policy: TimeoutPolicy, whole: bool) -> NodeTimeoutError:
    limit = (policy.run_s if whole else policy.idle_s) or 0.0
    what = "did not finish within" if whole else "gave no sign of life for"
    return NodeTimeoutError(f"node {task.plan.name!r} {what} {limit:g} s", node=task.plan.name, timeout_s=limit)


async def _abandonable(task: Task, run: Run, policy: TimeoutPolicy) -> Any:
    """Calls a sync node in a thread of its own, which is left to itself when the time is up.

    A thread cannot be stopped: what it still does has no effect on the run, and it does not keep the process alive.
    """
    answer: Future[Any] = Future()
    call = functools.partial(task.plan.call, task.input, **task.injected(task.plan.wants))
    signs = [time.monotonic()]
    if policy.idle_s is not None:
        task.beat = lambda: signs.__setitem__(0, time.monotonic())
    threading.Thread(target=_fulfil, args=(answer, copy_context().run, call), name=task.plan.name, daemon=True).start()
    began = signs[0]
    run_s, idle_s = policy.run_s, policy.idle_s
    while True:
        until = _sooner(None if run_s is None else began + run_s, None if idle_s is None else signs[0] + idle_s)
        assert until is not None
        left = until - time.monotonic()
        if left <= 0:
            raise _too_late(task, policy, run_s is not None and time.monotonic() >= began + run_s)
        if run.blocking:
            try:
                return answer.result(left)
            except TimeoutError:
                if answer.done():
                    raise
        else:
            done, _ = await asyncio.wait({asyncio.wrap_future(answer)}, timeout=left)
            if done:
                return done.pop().result()


async def _called(task: Task, run: Run) -> Any:
    plan = task.plan
    if plan.subgraph is not None:
        return await plan.subgraph.run_nested(task, task.input)
    given = task.injected(plan.wants) if plan.wants else _NO_WRITES
    if plan.is_async:
        return await plan.call(task.input, **given)
    if run.blocking:
        result = plan.call(task.input, **given)
        return block_on(result, copy_context()) if inspect.isawaitable(result) else result
    call = functools.partial(copy_context().run, plan.call, task.input, **given)
    result = await asyncio.get_running_loop().run_in_executor(None, call)
    return await result if inspect.isawaitable(result) else result


def collect(task: Task, result: Any) -> None:
    """Reads what a node returned into the task's writes, targets and sends.

    Raises:
        InvalidUpdateError: It is nothing a node may return.
        ParentCommand: It commands the graph around this one.
    """
    if result is None:
        return
    root = ROOT in task.run.program.channels
    if type(result) is dict and not root:
        task.writes = result
    elif isinstance(result, Command):
        _command(task, result)
    elif isinstance(result, (list, tuple)) and any(isinstance(one, Command) for one in result):
        for one in result:
            if isinstance(one, Command):
                _command(task, one)
            else:
                _add(task, _pairs(task, one))
    elif root:
        task.writes = [(ROOT, result)]
    elif isinstance(result, (list, tuple)) and result and all(isinstance(one, dict) for one in result):
        for one in result:
            _add(task, _pairs(task, one))
    else:
        task.writes = _pairs(task, result)


def _command(task: Task, command: Command[Any]) -> None:
    if command.graph is not None:
        if task.run.parent is None:
            raise InvalidUpdateError(
                f"node {task.plan.name!r} commands graph {command.graph!r}, but this graph runs inside no other"
            )
        raise ParentCommand(command)
    if command.update is not None:
        _add(task, _pairs(task, command.update))
    for one in destinations_of(command.goto):
        _go(task, one, "Command(goto=...)")


def _add(task: Task, pairs: list[tuple[str, Any]]) -> None:
    task.writes = pairs if task.writes is _NO_WRITES else [*_items(task.writes), *pairs]


def _items(writes: Writes) -> list[tuple[str, Any]]:
    return list(writes.items()) if isinstance(writes, Mapping) else writes


def _pairs(task: Task, update: Any) -> list[tuple[str, Any]]:
    """An update as pairs of key and value."""
    if ROOT in task.run.program.channels:
        return [(ROOT, update)]
    if isinstance(update, Mapping):
        return list(update.items())
    if isinstance(update, (list, tuple)) and all(
        isinstance(o, tuple) and len(o) == 2 and isinstance(o[0], str) for o in update
    ):
        return list(update)
    fields = state_fields(update)
    if fields is None:
        raise InvalidUpdateError(
            f"node {task.plan.name!r} returned {type(update).__name__} {str(update)[:80]!r}; "
            "a node returns a dict of updates, a Command, or None"
        )
    return list(fields.items())


def state_fields(value: Any) -> dict[str, Any] | None:
    """What an instance of a state class sets, or None for any other value.

    Fields of a pydantic model that were not set, and fields of other classes that are None, count as not written.
    """
    if isinstance(value, type):
        return None
    kind = type(value)
    if hasattr(kind, "model_fields"):
        return {name: getattr(value, name) for name in value.model_fields_set if name in kind.model_fields}
    if hasattr(kind, "__attrs_attrs__"):
        names = [one.name for one in kind.__attrs_attrs__]
    elif hasattr(kind, "__dataclass_fields__"):
        names = list(kind.__dataclass_fields__)
    elif hasattr(kind, "__struct_fields__"):
        names = list(kind.__struct_fields__)
    else:
        return None
    return {name: item for name in names if (item := getattr(value, name, None)) is not None}


async def follow(task: Task, path: Path, enter: Callable[..., Any]) -> None:
    """Ask a conditional edge where to go.

    Raises:
        InvalidUpdateError: Its answer is no place to go.
    """
    run = task.run
    state = run.view(path.view, _after(task) if task.writes else None)
    given = task.injected(path.wants) if path.wants else _NO_WRITES
    if path.is_async:
        answer = await _within(path.function(state, **given), enter)
    else:
        answer = enter(path.function, state, **given)
        if inspect.isawaitable(answer):
            answer = block_on(answer, copy_context()) if run.blocking else await _within(_awaited(answer), enter)
    where = f"the conditional edge {path.name!r} after {task.plan.name!r}"
    for one in answer if isinstance(answer, (list, tuple, set, frozenset)) else (answer,):
        if path.ends is not None and not isinstance(one, Send):
            try:
                one = path.ends[one]
            except (KeyError, TypeError):
                raise InvalidUpdateError(
                    f"{where} answered {one!r}, which its path_map does not have{near(one, map(str, path.ends))}"
                ) from None
        _go(task, one, where)


def _after(task: Task) -> dict[str, Any]:
    """The values a task's own writes make, on a copy: what its conditional edges see."""
    run = task.run
    changed: dict[str, Any] = {}
    for name, value in _items(task.writes):
        channel = run.program.channels.get(name)
        if channel is None:
            raise run.unknown_key(task, name)
        plain = overwritten(value)
        if plain is not MISSING:
            changed[name] = isolate(plain)
        elif channel.reducer is None:
            changed[name] = isolate(value)
        else:
            old = changed.get(name, MISSING)
            if old is MISSING:
                old = isolate(run.values.get(name, MISSING))
            changed[name] = reduce(channel, old, isolate(value), task.plan.name)
    return changed


def _go(task: Task, target: Any, where: str) -> None:
    run = task.run
    if isinstance(target, Send):
        if target.node not in run.program.ranks:
            hint = "; nothing can be sent to END" if target.node == END else near(target.node, run.program.ranks)
            raise InvalidUpdateError(
                f"{where} (node {task.plan.name!r}) sends to {target.node!r}, which is no node{hint}"
            )
        sent = (
            target if type(target.arg) in CONSTANT else Send(target.node, isolate(target.arg), timeout=target.timeout)
        )
        if task.sends is None:
            task.sends = [sent]
        else:
            task.sends.append(sent)
        return
    if target == END:
        return
    rank = run.program.ranks.get(target) if isinstance(target, str) else None
    if rank is None:
        raise InvalidUpdateError(
            f"{where} (node {task.plan.name!r}) leads to {target!r}, which is no node{near(str(target), run.program.ranks)}"
        )
    if task.targets is None:
        task.targets = [rank]
    else:
        task.targets.append(rank)
