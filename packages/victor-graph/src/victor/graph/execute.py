"""Calls a node, as carefully as its policies ask: events, cache, error handler, retries, timeouts."""

from __future__ import annotations

import asyncio
import functools
import inspect
import time
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from attrs import evolve

from victor.graph.command import Command
from victor.graph.errors import GraphDrained, GraphInterrupt, ParentCommand
from victor.graph.isolate import isolate
from victor.graph.node import NodeError
from victor.graph.retry import TimeoutPolicy
from victor.graph.runtime import CURRENT
from victor.graph.tasks import NO_WRITES, Task
from victor.graph.timeouts import in_time, in_time_or_left
from victor.graph.updates import collect, follow
from victor.graph.within import awaited, block_on, finish, in_thread, within

if TYPE_CHECKING:
    from victor.graph.engine import Run

__all__ = ["execute"]


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
            given = task.injected(plan.wants) if plan.wants else NO_WRITES
            if plan.is_async:
                result = await within(plan.call(task.input, **given), enter)
            elif run.blocking:
                result = enter(plan.call, task.input, **given)
            else:
                call = functools.partial(enter, plan.call, task.input, **given)
                result = await in_thread(call, run.control)
            if type(result) is not dict and inspect.isawaitable(result):
                result = block_on(result, context) if run.blocking else await within(awaited(result), enter)
        else:
            result = await within(_carefully(task, run), enter)
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
        leaving: BaseException | None = None
        try:
            result = await _cached(task, run)
        except (GraphInterrupt, ParentCommand) as error:
            leaving = error  # nothing went wrong: the event ends without an error
        operation.set(attempts=task.attempt)
        if isinstance(leaving, GraphInterrupt):
            operation.set(interrupted=True)  # or whoever listens would take it for done
        if leaving is None and events.capture_content:
            operation.capture(output=result)
    if leaving is not None:
        raise leaving
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
        if isinstance(error, GraphDrained):
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
        except GraphDrained:
            raise
        except Exception as error:
            policy = next((one for one in policies if one.covers(error)), None)
            if policy is None or current.attempt >= policy.max_attempts:
                raise
            wait_s = policy.wait_s(current.attempt)
            if run.watched and run.events.active:
                tried = {"attempt": current.attempt, "delay_s": wait_s, "error": type(error).__name__}
                run.events.emit("workflow.retry", task.plan.name, {**tried, "namespace": run.namespace})
        if run.blocking:
            time.sleep(wait_s)  # noqa: ASYNC251 - there is no event loop to hold up
        else:
            await asyncio.sleep(wait_s)
        task.input = original
        current = task.again()
        current.attempt = task.attempt = task.attempt + 1
        CURRENT.set(current)


async def _timed(task: Task, run: Run) -> Any:
    policy = task.timeout
    if policy is None:
        return await _called(task, run)
    if policy.idle_s is None or policy.refresh_on == "heartbeat":
        return await _limited(task, run, policy)
    from victor.graph.words import listening

    return await listening(_limited(task, run, policy))  # what agents say is a sign of life


async def _limited(task: Task, run: Run, policy: TimeoutPolicy) -> Any:
    plan = task.plan
    if not run.blocking and (plan.is_async or plan.subgraph is not None):
        return await in_time(task, plan.name, policy, lambda: _called(task, run))
    if plan.subgraph is not None:
        call = functools.partial(finish, plan.subgraph.run_nested(task, task.input))
    else:
        call = functools.partial(plan.call, task.input, **task.injected(plan.wants))
    return await in_time_or_left(task, plan.name, policy, call, blocking=run.blocking)


async def _called(task: Task, run: Run) -> Any:
    plan = task.plan
    if plan.subgraph is not None:
        return await plan.subgraph.run_nested(task, task.input)
    given = task.injected(plan.wants) if plan.wants else NO_WRITES
    if plan.is_async:
        return await plan.call(task.input, **given)
    if run.blocking:
        result = plan.call(task.input, **given)
        return block_on(result, copy_context()) if inspect.isawaitable(result) else result
    call = functools.partial(copy_context().run, plan.call, task.input, **given)
    result = await in_thread(call, run.control)
    return await result if inspect.isawaitable(result) else result
