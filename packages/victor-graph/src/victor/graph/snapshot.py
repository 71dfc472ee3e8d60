"""`StateSnapshot`: a checkpoint as its reader sees it, and how the stored log becomes one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from attrs import frozen

from victor.graph.channels import MISSING
from victor.graph.checkpoint.base import Chain, Checkpointer, Entry
from victor.graph.checkpoint.log import Body, Saved, load_sends, read_notes, unfold
from victor.graph.described import graph_in
from victor.graph.engine import Run
from victor.graph.errors import CheckpointNotFoundError
from victor.graph.interrupts import Interrupt
from victor.graph.isolate import isolate
from victor.graph.runtime import RunnableConfig
from victor.graph.schema import ROOT
from victor.graph.tasks import Task, task_id

if TYPE_CHECKING:
    from victor.graph.checkpoint.codec import Codec
    from victor.graph.compiled import CompiledGraph

__all__ = ["GraphTask", "StateSnapshot", "config_of", "history", "snapshot"]


@frozen
class GraphTask:
    """A node that runs next, or ran, in a `StateSnapshot`.

    Args:
        id: The same when it runs again.
        name: The node.
        path: How it came to run: by an edge, or as which of the sends.
        error: How it failed, if it did.
        interrupts: The questions it waits with.
        state: Of a subgraph: its own snapshot, or the config to get it with.
        result: What it wrote, if it is done and others of its superstep are not.
    """

    id: str
    name: str
    path: tuple[str | int, ...]
    error: str | None = None
    interrupts: tuple[Interrupt, ...] = ()
    state: Any = None
    result: Any = None


@frozen
class StateSnapshot:
    """The state of a thread at a checkpoint.

    Args:
        values: The keys and their values.
        next: Names of the nodes that run next, one for each task.
        config: Names this checkpoint; pass it to run, read or fork from here.
        metadata: ``source``, ``step``, and the caller's.
        created_at: When, as ISO 8601.
        parent_config: Names the checkpoint before.
        tasks: What runs next.
        interrupts: The questions that wait.
    """

    values: Any
    next: tuple[str, ...]
    config: RunnableConfig
    metadata: Mapping[str, Any] | None
    created_at: str | None
    parent_config: RunnableConfig | None
    tasks: tuple[GraphTask, ...]
    interrupts: tuple[Interrupt, ...]


def config_of(thread_id: str, namespace: str, id: str | None) -> RunnableConfig:
    """The config that names a checkpoint."""
    configurable = {"thread_id": thread_id, "checkpoint_ns": namespace}
    if id is not None:
        configurable["checkpoint_id"] = id
    return {"configurable": configurable}


def empty(thread_id: str, namespace: str) -> StateSnapshot:
    """The snapshot of a thread that has no checkpoint."""
    return StateSnapshot({}, (), config_of(thread_id, namespace, None), None, None, None, (), ())


def snapshot(
    graph: CompiledGraph, store: Checkpointer, codec: Codec, chain: Chain, values: dict[str, Any], body: Body, *,
    latest: bool, subgraphs: bool = False,
) -> StateSnapshot:  # fmt: skip
    """A checkpoint as its reader sees it."""
    entry = chain.entries[-1]
    saved = read_notes(chain.notes, codec)
    tasks = tuple(_tasks(graph, store, entry, body, saved, latest=latest, subgraphs=subgraphs))
    return StateSnapshot(
        values=_shown(graph, values),
        next=tuple(task.name for task in tasks if task.result is None or task.name == "__start__"),
        config=config_of(entry.thread_id, entry.namespace, entry.id),
        metadata={"source": body.source, "step": body.step, "parents": {}, **body.metadata},
        created_at=datetime.fromtimestamp(entry.created_ns / 1e9, UTC).isoformat(),
        parent_config=None if entry.parent_id is None else config_of(entry.thread_id, entry.namespace, entry.parent_id),
        tasks=tasks,
        interrupts=tuple(one for task in tasks for one in task.interrupts),
    )


def _shown(graph: CompiledGraph, values: dict[str, Any]) -> Any:
    channels = graph.program.channels
    if ROOT in channels:
        return isolate(values.get(ROOT))
    shown = {}
    for name, channel in channels.items():
        value = values[name] if name in values else channel.initial()
        if value is not MISSING:
            shown[name] = isolate(value)
    return shown


def _tasks(
    graph: CompiledGraph, store: Checkpointer, entry: Entry, body: Body, saved: Saved, *, latest: bool, subgraphs: bool
) -> Iterator[GraphTask]:
    run = Run(graph.program, {}, blocking=True, limit=1)
    run.namespace, run.thread_id, run.origin, run.step = entry.namespace, entry.thread_id, entry.id, body.step
    if body.input is not None:
        yield GraphTask(
            Task(run, graph.program.start, None).id, "__start__", ("__pregel_pull", "__start__"), result=body.input
        )
        return
    ranks, plans = graph.program.ranks, graph.program.plans
    due: list[tuple[str, Any, int, tuple[str | int, ...]]] = [
        (name, None, 0, ("__pregel_pull", name)) for name in body.ready
    ]
    for number, sent in enumerate(load_sends(body.sends), 1):
        due.append((sent.node, sent.arg, number, ("__pregel_push", number - 1)))
    for name, arg, index, path in due:
        id = task_id(run, name, index)
        stored = saved.results.get(id)
        asked = saved.interrupts.get(id, ())
        if latest:
            asked = tuple(one for one in asked if saved.waits(id, one))
        gone = name not in ranks  # the thread waits for it all the same: to go on without it would be an error
        yield GraphTask(
            id, name, path,
            f"graph {graph.name!r} has no node {name!r} any more" if gone else saved.errors.get(id),
            tuple(one for one in asked if one.id),
            None if gone else _inside(Task(run, plans[ranks[name]], arg, index), entry, store, subgraphs=subgraphs),
            None if stored is None else dict(stored[0]),
        )  # fmt: skip


def _inside(task: Task, entry: Entry, store: Checkpointer, *, subgraphs: bool) -> Any:
    inner = graph_in(task.plan)
    if inner is None or inner.checkpointer is False:
        return None
    namespace = inner.namespace_in(task)
    config = config_of(entry.thread_id, namespace, None)
    if task.plan.subgraph is None and namespace not in store.namespaces(entry.thread_id):
        return None  # its function names a graph, but has not called it
    if not subgraphs:
        return config if namespace in store.namespaces(entry.thread_id) else None
    return inner.snapshot_from(store, entry.thread_id, namespace, subgraphs=True)


def history(
    graph: CompiledGraph,
    store: Checkpointer,
    codec: Codec,
    thread_id: str,
    namespace: str,
    *,
    filter: Mapping[str, Any] | None,
    before: str | None,
    limit: int | None,
) -> Iterator[StateSnapshot]:
    """Snapshots of a namespace, newest first.

    Values are put together segment by segment, from each snapshot on, so a long history costs about as much as
    it has new data.
    """
    entries = store.entries(thread_id, namespace, before=before)
    latest = store.entries(thread_id, namespace, limit=1)
    latest_id = latest[0].id if latest else ""
    known: dict[str, tuple[dict[str, Any], Body]] = {}
    given = 0
    for entry in entries:
        if limit is not None and given >= limit:
            return
        if entry.id not in known:
            known = _segment(store, codec, entry)
        values, body = known[entry.id]
        metadata = {"source": body.source, "step": body.step, **body.metadata}
        if filter and any(metadata.get(key, MISSING) != value for key, value in filter.items()):
            continue
        given += 1
        notes = tuple(store.notes(thread_id, namespace, entry.id))
        yield snapshot(graph, store, codec, Chain((entry,), notes), values, body, latest=entry.id == latest_id)


def _segment(store: Checkpointer, codec: Codec, entry: Entry) -> dict[str, tuple[dict[str, Any], Body]]:
    """The values of an entry and of those before it, back to the nearest snapshot."""
    chain = store.chain(entry.thread_id, entry.namespace, entry.id)
    if chain is None:
        raise CheckpointNotFoundError(f"checkpoint {entry.id} of thread {entry.thread_id!r} was removed meanwhile")
    return {one.id: (values, body) for one, values, body in unfold(chain, codec)}
