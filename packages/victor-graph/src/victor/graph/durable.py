"""`step`: what a node did is not done twice."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from victor.graph.isolate import isolate
from victor.graph.runtime import current_task

if TYPE_CHECKING:
    from victor.graph.engine import Run
    from victor.graph.tasks import Task

__all__ = ["step"]

P = ParamSpec("P")
T = TypeVar("T")


@overload
def step(name: str, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]: ...
@overload
def step(name: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T: ...
def step(name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function inside a node, and record what it returned before going on.

    When the node runs again after an interrupt, an error or a crash, the function is not called again: `step` returns
    what was recorded. So what a node does to the world belongs in steps; the rest of it may run any number of times.

    What is recorded belongs to this execution of the node, to the name, and to how often it was used before in it.
    Calls that run side by side in one node should have different names. A function that raised is called again. If
    the process dies after the function returned and before the record is stored, it is called again too: what must
    happen exactly once needs a key by which the other side can tell, made in a step of its own.

    Args:
        name: Says what it is, as in ``"charge card"``.
        function: What to call; sync or async.
        *args: Its arguments.
        **kwargs: Its arguments.

    Returns:
        What it returned; of an async function, an awaitable of it.

    Raises:
        RuntimeError: Called outside a node.
    """
    task = current_task()
    if task.steps is None:
        task.steps = {}
    number = task.steps.get(name, 0)
    task.steps[name] = number + 1
    key = f"{name}:{number}"
    run = task.run
    while run.log is None and run.parent is not None:
        run = run.parent.run
    place = (task.id, key)
    if place in run.steps:
        known = isolate(run.steps[place])
        return _given(known) if inspect.iscoroutinefunction(function) else known
    value = function(*args, **kwargs)
    if inspect.isawaitable(value):
        return _awaited(value, task, run, place)
    _remember(task, run, place, value)
    if run.log is not None:
        run.log.record(place[0], f"step:{key}", value)
    return value


async def _given(value: Any) -> Any:
    return value


async def _awaited(awaitable: Awaitable[Any], task: Task, run: Run, place: tuple[str, str]) -> Any:
    value = await awaitable
    _remember(task, run, place, value)
    if run.log is not None:
        if run.blocking:
            run.log.record(place[0], f"step:{place[1]}", value)
        else:
            await run.log.arecord(place[0], f"step:{place[1]}", value)
    return value


def _remember(task: Task, run: Run, place: tuple[str, str], value: Any) -> None:
    run.steps[place] = isolate(value)
    task.heartbeat()
