"""Reads what a node returned, and asks its conditional edges where to go."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping
from contextvars import copy_context
from typing import Any

from victor.graph.channels import MISSING, overwritten, reduce
from victor.graph.command import END, Command, Send, destinations_of
from victor.graph.errors import InvalidUpdateError, ParentCommand
from victor.graph.isolate import CONSTANT, isolate
from victor.graph.program import Path, near
from victor.graph.schema import ROOT
from victor.graph.tasks import NO_WRITES, Task, pairs
from victor.graph.within import awaited, block_on, within

__all__ = ["collect", "follow", "state_fields"]


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


def _add(task: Task, more: list[tuple[str, Any]]) -> None:
    task.writes = more if task.writes is NO_WRITES else [*pairs(task.writes), *more]


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

    A field counts as not written when it is None and None is its default.
    """
    kind = type(value)
    defaults = None if isinstance(value, type) else _defaults(kind)  # type: ignore[arg-type]
    if defaults is None:
        return None
    chosen = getattr(value, "model_fields_set", ())
    found = {}
    for name, default in defaults.items():
        item = getattr(value, name, None)
        if item is not None or default is not None or name in chosen:
            found[name] = item
    return found


@functools.lru_cache(512)
def _defaults(kind: type) -> dict[str, Any] | None:
    """The fields of a data class with their defaults; None for any other class."""
    if hasattr(kind, "model_fields"):
        return {name: one.default for name, one in kind.model_fields.items()}
    if hasattr(kind, "__attrs_attrs__"):
        return {one.name: one.default for one in kind.__attrs_attrs__ if one.init}
    if dataclasses.is_dataclass(kind):
        return {one.name: one.default for one in dataclasses.fields(kind) if one.init}
    if hasattr(kind, "__struct_fields__"):
        import msgspec

        return {one.name: one.default for one in msgspec.structs.fields(kind)}
    return None


async def follow(task: Task, path: Path, enter: Callable[..., Any]) -> None:
    """Ask a conditional edge where to go.

    Raises:
        InvalidUpdateError: Its answer is no place to go.
    """
    run = task.run
    state = run.view(path.view, _after(task) if task.writes else None)
    given = task.injected(path.wants) if path.wants else NO_WRITES
    if path.is_async:
        answer = await within(path.function(state, **given), enter)
    else:
        answer = enter(path.function, state, **given)
        if inspect.isawaitable(answer):
            answer = block_on(answer, copy_context()) if run.blocking else await within(awaited(answer), enter)
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
    for name, value in pairs(task.writes):
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
            f"{where} (node {task.plan.name!r}) leads to {target!r}, which is no node"
            f"{near(str(target), run.program.ranks)}"
        )
    if task.targets is None:
        task.targets = [rank]
    else:
        task.targets.append(rank)
