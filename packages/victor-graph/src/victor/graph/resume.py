"""How a run begins: with an input, where its thread stands, or with an update from outside."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from victor.graph.busy import hold, release
from victor.graph.command import END, START, Command
from victor.graph.errors import EmptyInputError, InvalidUpdateError, ResumeError
from victor.graph.interrupts import NEXT
from victor.graph.program import Plan, near
from victor.graph.schema import ROOT
from victor.graph.tasks import Task
from victor.graph.updates import collect, follow, state_fields

if TYPE_CHECKING:
    from victor.graph.checkpoint.log import Saved
    from victor.graph.checkpoint.recorder import Recorder
    from victor.graph.engine import Run
    from victor.graph.interrupts import Interrupt

__all__ = ["apply_command", "begin", "update"]

_NOTHING_TO_RESUME: Final = (
    "there is nothing to go on with: the graph was compiled without a checkpointer, so an input is needed "
    "(compile(checkpointer=...) makes runs that can be resumed)"
)


async def begin(run: Run, input: Any) -> None:
    """Take in what a run was given; afterwards its first tasks are due.

    Raises:
        EmptyInputError: There is nothing to run.
        ResumeError: An answer fits no question that waits.
        InvalidUpdateError: The input is nothing the state can take.
    """
    if run.log is not None:
        await _restore(run, input)
        return
    if input is None or (isinstance(input, Command) and input.resume is not None):
        raise EmptyInputError(_NOTHING_TO_RESUME)
    run.fresh()
    await enter(run, input)


async def enter(run: Run, input: Any, *, again: bool = False) -> None:
    """Apply an input and find out what is due first; ``again`` when the input is stored already."""
    task = Task(run, run.program.start, None)
    if isinstance(input, Command):
        collect(task, input)
    else:
        task.writes = _input(run, input)
    run.ready, run.sends, run.joined, run.waiting, run.ran = (), (), {}, set(), ["__start__"]
    if not again:
        run.step += 1
        if run.log is not None:
            run.log.input(run, task)
    run.step += 1
    run.started_at, run.entered = run.step, True
    run.apply((task,))
    for path in run.program.start.paths:
        await follow(task, path, _here)
    if isinstance(input, Command) and (task.targets or task.sends):
        run.ready, run.sends = sorted(set(task.targets or ())), task.sends or ()
    else:
        run.advance([task])
    if run.log is not None:
        await run.log.superstep(run)
    if run.sink is not None:
        await run.sink.stepped(run, (task,))


def _input(run: Run, input: Any) -> dict[str, Any]:
    program = run.program
    if program.input_is_root:
        return {ROOT: input}
    fields = dict(input) if isinstance(input, Mapping) else state_fields(input)
    if fields is None:
        raise InvalidUpdateError(
            f"graph {program.name!r} takes a dict or an instance of its state class, not {type(input).__name__} "
            f"{str(input)[:80]!r}"
        )
    for key in fields:
        if key not in program.input_keys:
            raise InvalidUpdateError(
                f"the input has key {key!r}, which graph {program.name!r} does not take"
                f"{near(str(key), program.input_keys)}"
            )
    return fields


async def _restore(run: Run, input: Any) -> None:
    """Go on from where the thread stands, or begin."""
    log = run.log
    assert log is not None
    chain = await log.read(run)
    if chain is None:
        if input is None or (isinstance(input, Command) and input.resume is not None):
            raise EmptyInputError(f"thread {run.thread_id!r} has nothing to go on with; pass an input")
        run.fresh()
        await enter(run, input)
        return
    body = log.load(run, chain)
    owned = run.parent is not None and body.owner == log.owner
    if log.past:
        await log.fork(run, input)
    if input is None or isinstance(input, Command) or owned:
        if body.input is not None:
            await enter(run, body.input, again=True)
        else:
            await _answer(run, input if isinstance(input, Command) and run.parent is None else Command())
            if run.sink is not None:
                run.sink.going_on(run)
    else:
        run.saved = None
        await enter(run, input)


async def _answer(run: Run, command: Command[Any]) -> None:
    """Take in what came with a resume: answers, an update, a jump."""
    from victor.graph.checkpoint.log import dump_result

    log, saved = run.log, run.saved
    assert log is not None
    notes = []
    if saved is not None:
        if run.parent is None:
            run.answers.update(saved.answers)
        run.steps.update(saved.steps)
    if command.resume is not None:
        given = await _match(run, command.resume, saved)
        run.answers.update(given)
        notes += [log.note("", f"answer:{id}", value) for id, value in given.items() if id is not NEXT]
    if command.update is not None or command.goto:
        task = Task(run, run.program.start, None)
        collect(task, Command(update=command.update, goto=command.goto))
        stored = dump_result(task)
        number = len(saved.commands) if saved is not None else 0
        notes.append(log.note("", f"command:{number}", stored))
        apply_command(run, stored)
    if notes:
        await log.add_notes(run, notes)


def apply_command(run: Run, stored: list[Any]) -> None:
    """Apply an update and a jump that came with a resume."""
    from victor.graph.checkpoint.log import load_result

    task = Task(run, run.program.start, None)
    load_result(task, stored)
    run.apply((task,))
    run.ready = sorted({*run.ready, *(task.targets or ())})
    run.sends = [*run.sends, *(task.sends or ())]


async def _match(run: Run, resume: Any, saved: Saved | None) -> dict[str, Any]:
    """Which answers go to which questions.

    Where an update from outside has moved the thread, or a subgraph in it, on since a question was asked, that very
    question will not be asked again: the answer to it is for the next one.
    """
    pending = saved.answerable if saved is not None else ()
    if saved is not None and len(saved.open) == 1 and not isinstance(resume, Mapping):
        pending = saved.open
    moved: Sequence[Interrupt] = ()
    if saved is not None and saved.moved:
        moved = [one for task_id in saved.moved for one in saved.interrupts.get(task_id, ())]
    elif not pending:
        moved = await _asked_before(run)
    ids = list(dict.fromkeys(one.id for one in (*pending, *moved)))
    gone = {one.id for one in moved}
    if isinstance(resume, Mapping) and resume and any(key in ids for key in resume):
        strange = [key for key in resume if key not in ids]
        if strange:
            raise ResumeError(f"no interrupt waits with id {', '.join(map(repr, strange))}", pending_ids=ids)
        if len(gone.intersection(resume)) < 2:
            return {NEXT if key in gone else key: answer for key, answer in resume.items()}
    elif len(ids) == 1:
        return {NEXT if ids[0] in gone else ids[0]: resume}
    elif pending:
        asked = "; ".join(f"{one.id}: {str(one.value)[:60]}" for one in pending)
        raise ResumeError(
            f"{len(pending)} interrupts wait; say which one is answered: Command(resume={{id: answer}}). "
            f"They are {asked}",
            pending_ids=ids,
        )
    if moved:
        raise ResumeError(
            f"thread {run.thread_id!r} was updated since {len(gone)} questions were asked, so it is not clear which of "
            "them will be asked again; pass None to go on and be asked",
            pending_ids=ids,
        )
    if saved is not None and saved.paused:
        return {}
    raise ResumeError(f"no interrupt of thread {run.thread_id!r} waits for an answer; pass None to go on, or an input")


async def _asked_before(run: Run) -> Sequence[Interrupt]:
    """The questions that waited where updates from outside have moved the thread on since."""
    from victor.graph.checkpoint.log import read_notes

    log = run.log
    assert log is not None
    id = log.tip
    while id is not None:
        place = (log.thread_id, log.namespace, id)
        chain = log.store.chain(*place) if run.blocking else await log.store.achain(*place)
        if chain is None:
            return ()
        if id != log.tip and (waiting := read_notes(chain.notes, log.codec).open):
            return waiting
        entry = chain.entries[-1]
        id = entry.parent_id if entry.source in ("update", "fork") else None
    return ()


async def update(run: Run, updates: Sequence[tuple[Any, str | None]]) -> None:
    """Write one superstep to the thread as if nodes had; see `CompiledGraph.bulk_update_state`.

    Args:
        run: A run whose log names the thread.
        updates: Values, and the node they are by; applied in this order.
    """
    log = run.log
    assert log is not None
    if log.wanted is not None:
        await _update(run, log, updates)
        return
    await hold(run)
    try:
        await _update(run, log, updates)
    finally:
        release(run)


async def _update(run: Run, log: Recorder, updates: Sequence[tuple[Any, str | None]]) -> None:
    chain = await log.read(run)
    if chain is None:
        run.fresh()
    else:
        log.owner = log.load(run, chain).owner
    paused = run.saved is not None and run.saved.paused
    source = "update"
    if len(updates) > 1:
        tasks = [await _written(run, _one_of_several(run, as_node), values) for values, as_node in updates]
        run.step += 1
        run.apply(tasks)
        run.advance(tasks)
    else:
        values, as_node = updates[0]
        plan = _author(run, values, as_node)
        if plan is not None:
            task = await _written(run, plan, values)
            run.step += 1
            run.apply((task,))
            run.advance([task])
        else:
            run.step += 1
            if values is not None:
                task = Task(run, run.program.start, None)
                collect(task, values)
                run.apply((task,))
            if as_node == END:
                run.ready, run.sends, run.joined, run.waiting = (), (), {}, set()
            if values is None and as_node is None:
                source = "fork"
    await log.superstep(run, source)
    if paused:
        await log.pause(run)
    await log.close(run)
    await _tell_around(run, log)


async def _tell_around(run: Run, log: Recorder) -> None:
    """An update of a subgraph that is under way: the tasks around it that wait for it have to run to see it."""
    from victor.graph.checkpoint.recorder import Recorder

    parts = log.namespace.split("|") if log.namespace else []
    for depth, part in enumerate(parts):
        task_id = part.split(":")[1] if ":" in part else log.owner if depth == len(parts) - 1 else ""
        around = Recorder(log.store, log.codec, log.thread_id, "|".join(parts[:depth]), "sync")
        place = (around.thread_id, around.namespace)
        if run.blocking:
            latest = log.store.entries(*place, limit=1)
        else:
            latest = await asyncio.to_thread(log.store.entries, *place, limit=1)
        if task_id and latest:
            await around.moved(run, latest[0].id, task_id)


async def _written(run: Run, plan: Plan, values: Any) -> Task:
    """A task as if it had run and written values."""
    task = Task(run, plan, None)
    collect(task, values)
    for path in plan.paths:
        await follow(task, path, _here)
    return task


def _one_of_several(run: Run, as_node: str | None) -> Plan:
    if as_node is None or as_node == END:
        raise InvalidUpdateError("each of several updates of one superstep must say which node it is by: as_node=...")
    plan = _author(run, {}, as_node)
    assert plan is not None
    return plan


def _author(run: Run, values: Any, as_node: str | None) -> Plan | None:
    """The node an update is by; None for a fork and for an update that ends the run."""
    program = run.program
    if as_node == END or (values is None and as_node is None):
        return None
    if as_node is None:
        names = list(dict.fromkeys(run.ran)) or [START]
        if len(names) > 1 and len(program.plans) > 1:
            raise InvalidUpdateError(
                f"{', '.join(map(repr, names))} ran last; say which of them the update is by: "
                "update_state(..., as_node=...)"
            )
        as_node = names[0]
    if as_node == START:
        return program.start
    if as_node not in program.ranks:
        raise InvalidUpdateError(f"as_node={as_node!r} is no node{near(as_node, program.ranks)}")
    return program.plans[program.ranks[as_node]]


def _here(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)
