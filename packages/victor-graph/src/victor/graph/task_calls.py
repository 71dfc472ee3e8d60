"""How tasks of the functional API run: each at once, in a thread or in the event loop, recorded as a durable step."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import ContextVar, copy_context
from hashlib import blake2b
from threading import Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from victor.graph.cache import InMemoryCache
from victor.graph.durable import step
from victor.graph.errors import GraphInterrupt
from victor.graph.isolate import isolate
from victor.graph.runtime import CURRENT, current_task
from victor.graph.timeouts import in_time, in_time_or_left
from victor.graph.within import finish, sealed

if TYPE_CHECKING:
    from victor.graph.cache import Cache
    from victor.graph.functional import TaskFunction
    from victor.graph.tasks import Task

__all__ = ["Group", "TaskFuture", "call"]

T = TypeVar("T")

_THREADS = 32
_GROUP: ContextVar[Group | None] = ContextVar("victor_graph_group", default=None)


class TaskFuture(Future[T]):
    """The result of a task, now or later: call `result`, or ``await`` it in async code."""

    loop: asyncio.AbstractEventLoop | None = None
    heard: bool = False
    """Whether somebody has asked what came of it; who has, may have dealt with an error."""

    def __await__(self) -> Generator[Any, None, T]:
        self.heard = True
        return asyncio.wrap_future(self).__await__()

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """What the task raised, or None, once it has ended; see `result`."""
        self.heard = True
        return super().exception(timeout)

    def result(self, timeout: float | None = None) -> T:
        """What the task returned, once it has.

        Args:
            timeout: Seconds to wait at most.

        Raises:
            RuntimeError: Called in the event loop that the task itself needs: ``await`` it there.
            Exception: Whatever the task raised.
        """
        if self.loop is not None and not self.done() and _running_loop() is self.loop:
            raise RuntimeError("this task runs in this event loop, which must not be held up: await it")
        self.heard = True
        return super().result(timeout)

    def ended(self) -> asyncio.Future[None]:
        """An awaitable of its end, whatever came of it; nobody is told."""
        loop = asyncio.get_running_loop()
        end: asyncio.Future[None] = loop.create_future()

        def wake() -> None:
            if not end.done():
                end.set_result(None)

        self.add_done_callback(lambda _: loop.call_soon_threadsafe(wake))
        return end

    def failure(self) -> BaseException | None:
        """What it has failed with; nobody is told."""
        return super().exception() if self.done() and not self.cancelled() else None


class Group:
    """The tasks that one run of a workflow function has started. All are done, one way or the other, before it ends.

    What a task raised belongs to the function that asks for its result, to catch or to let through. An error of a task
    that nobody asked about fails the function: it would be lost otherwise.
    """

    def __init__(self, owner: Task) -> None:
        self.owner = owner
        self._futures: list[TaskFuture[Any]] = []
        self._works: list[asyncio.Task[Any]] = []
        self._pool: ThreadPoolExecutor | None = None
        self._limit = owner.run.max_concurrency
        self._gate = None if self._limit is None else asyncio.Semaphore(self._limit)

    @classmethod
    def open(cls, owner: Task) -> Group:
        """A group for the tasks of this function, called in its context."""
        group = cls(owner)
        _GROUP.set(group)
        return group

    def in_thread(self, future: TaskFuture[Any], work: Callable[[], None]) -> None:
        """Do work, which fulfils the future, in one of the group's threads."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._limit or _THREADS, thread_name_prefix=f"{self.owner.plan.name} task")
        self._futures.append(future)
        self._pool.submit(work)

    def in_loop(self, future: TaskFuture[Any], work: asyncio.Task[Any]) -> None:
        """Wait for work, which fulfils the future, in the event loop."""
        self._futures.append(future)
        self._works.append(work)

    async def limited(self, work: Awaitable[T]) -> T:
        """Await work when it is its turn."""
        if self._gate is None:
            return await work
        async with self._gate:
            return await work

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and not isinstance(error, GraphInterrupt):
            for future in self._futures:
                future.cancel()  # those that have not begun
        wait(self._futures)
        self._end(error)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and not isinstance(error, GraphInterrupt):
            for future in self._futures:
                future.cancel()
            for work in self._works:
                work.cancel()
        try:
            if self._works:
                await asyncio.wait(self._works)
            if not isinstance(error, asyncio.CancelledError):  # threads cannot be stopped, and are not waited for then
                await asyncio.gather(*[future.ended() for future in self._futures if not future.done()])
        finally:
            self._end(error)

    def _end(self, error: BaseException | None) -> None:
        """Ask all questions of tasks at once; else raise what one failed with if the function has not heard of it."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        if error is not None and not isinstance(error, GraphInterrupt):
            return
        failed = [(future, future.failure()) for future in self._futures]
        errors = [*(failure for _, failure in failed), error]
        asked = {one.id: one for e in errors if isinstance(e, GraphInterrupt) for one in e.interrupts}
        for future, failure in failed:
            if failure is not None and not (isinstance(failure, GraphInterrupt) or future.heard) and error is None:
                raise failure
        if asked:
            raise GraphInterrupt(tuple(asked.values()))


def call(function: TaskFunction[T], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> TaskFuture[T]:
    """Start a task of the node this code runs in."""
    parent = current_task()
    number = parent.count(f"task {function.name}")
    own = parent.again()
    own._id = blake2b(f"{parent.id}/{function.name}/{number}".encode(), digest_size=16).hexdigest()
    own.beat = parent.beat
    future: TaskFuture[T] = TaskFuture()
    group = _GROUP.get()
    direct = group is not None and group.owner is parent
    context = copy_context()
    context.run(CURRENT.set, own)
    attempts = _Attempts(function, own, isolate(args), isolate(dict(kwargs)))
    loop = None if parent.run.blocking else _running_loop()
    if attempts.is_async and loop is not None:
        future.loop = loop
        coroutine = attempts.run_async()
        work = loop.create_task(
            group.limited(coroutine) if group is not None and direct else coroutine, context=context
        )
        _follow(loop, work, future)
        if group is not None and direct:
            group.in_loop(future, work)
        return future

    def work_here() -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            if attempts.is_async:
                future.set_result(context.run(asyncio.run, attempts.run_async()))
            else:
                future.set_result(context.run(sealed, attempts.run))
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits for the task
            future.set_exception(error)

    if group is not None and direct:
        group.in_thread(future, work_here)
    elif loop is not None:
        Thread(target=work_here, name=function.name, daemon=True).start()
    else:
        # Of a task inside a task, whose thread would wait for it anyway; were it to wait for a thread of the same pool,
        # it might wait for ever.
        work_here()
    return future


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _follow(loop: asyncio.AbstractEventLoop, work: asyncio.Task[T], future: TaskFuture[T]) -> None:
    """Makes a future end as an asyncio task does, and cancels the task with the future."""

    def ended(done: asyncio.Task[T]) -> None:
        if done.cancelled():
            future.cancel()
            future.set_running_or_notify_cancel()
        elif future.set_running_or_notify_cancel():
            error = done.exception()
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(done.result())

    def cancel(done: Future[T]) -> None:
        if done.cancelled() and not work.done():
            loop.call_soon_threadsafe(work.cancel)

    work.add_done_callback(ended)
    future.add_done_callback(cancel)


class _Attempts:
    """Calls a task's function as its policies ask, and records what it returned."""

    def __init__(self, function: TaskFunction[Any], own: Task, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.function = function
        self.is_async = inspect.iscoroutinefunction(function.function)
        self._own = own
        self._args = args
        self._kwargs = kwargs
        self._place: tuple[Cache, tuple[str, ...], bytes] | None = None

    def run(self) -> Any:
        """The result: recorded, kept in the cache, or of a call."""
        return self._told(step(self.function.name, self._work))

    async def run_async(self) -> Any:
        """`run` of an async function."""
        return self._told(await step(self.function.name, self._work_async))

    def _work(self) -> Any:
        kept = self._kept()
        while kept is None:
            try:
                kept = (self._called(),)
            except GraphInterrupt:
                raise
            except Exception as error:  # noqa: BLE001 - raised again when no policy covers it
                time.sleep(self._pause_s(error))
            else:
                self._keep(kept)
        return kept[0]

    async def _work_async(self) -> Any:
        kept = self._kept()
        while kept is None:
            try:
                kept = (await self._awaited(),)
            except GraphInterrupt:
                raise
            except Exception as error:  # noqa: BLE001 - raised again when no policy covers it
                await asyncio.sleep(self._pause_s(error))
            else:
                self._keep(kept)
        return kept[0]

    def _call(self) -> Any:
        return self.function.function(*isolate(self._args), **isolate(self._kwargs))

    def _called(self) -> Any:
        policy = self.function.timeout
        if policy is None:
            return self._call()
        own = self._own.again()  # an attempt that is given up must not make the next one look so
        own.attempt, own.steps = self._own.attempt, {self.function.name: 1}
        CURRENT.set(own)
        return finish(in_time_or_left(own, self.function.name, policy, self._call, blocking=True))

    async def _awaited(self) -> Any:
        policy = self.function.timeout
        return await (self._call() if policy is None else in_time(self._own, self.function.name, policy, self._call))

    def _pause_s(self, error: Exception) -> float:
        """How long to wait before the next attempt; raises the error when there is none."""
        own = self._own
        policy = next((one for one in self.function.retry if one.covers(error)), None)
        if policy is None or own.attempt >= policy.max_attempts:
            raise error
        wait_s = policy.wait_s(own.attempt)
        own.attempt += 1
        own.asked, own.nested, own.steps = 0, None, {self.function.name: 1}  # count from the start again
        return wait_s

    def _kept(self) -> tuple[Any] | None:
        policy = self.function.cache_policy
        if policy is None:
            return None
        cache: Cache | None = self._own.run.cache
        if cache is None:
            self.function.own_cache = cache = self.function.own_cache or InMemoryCache()
        key = policy.key_func((self._args, self._kwargs))
        self._place = (cache, ("task", self.function.full_name), key.encode() if isinstance(key, str) else key)
        return cast("tuple[Any] | None", isolate(cache.get(*self._place[1:])))

    def _keep(self, kept: tuple[Any]) -> None:
        if self._place is not None and self.function.cache_policy is not None:
            cache, namespace, key = self._place
            cache.set(namespace, key, isolate(kept), self.function.cache_policy.ttl)

    def _told(self, result: Any) -> Any:
        run = self._own.run
        if run.sink is not None and run.sink.updates:
            run.sink.put(run.namespace_path, "updates", {self.function.name: isolate(result)})
        return result
