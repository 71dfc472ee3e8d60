"""What a recorded run did, laid over the picture of its workflow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from victor.core.errors import VictorError
from victor.core.highlights import Highlights
from victor.graph.checkpoint.base import Checkpointer, Entry
from victor.graph.checkpoint.codec import Codec
from victor.graph.checkpoint.log import read_body, read_notes
from victor.graph.cli.records import base_name

if TYPE_CHECKING:
    from victor.graph.cli.target import Target

__all__ = ["FORKED", "highlights_of"]

FORKED: Final = "forked"
"""Key of the note on the checkpoint where a forked run begins."""
_OUTSIDE: Final = frozenset({"update", "fork"})


def highlights_of(target: Target, store: Checkpointer, thread: str) -> Highlights:
    """Marks for the nodes of a run: visited, failed, interrupted, and those that would run next.

    A node's time is that of the supersteps it ran in, summed up: nodes that ran side by side share it, and what a
    person took to answer counts too. What ran first after a fork, or after values were changed, has none: when it
    began is not recorded. Checkpoints that were pruned tell nothing.

    Args:
        target: What was run.
        store: Where.
        thread: Which run.
    """
    compiled = target.compile(store)
    codec = compiled.codec
    visited: set[str] = set()
    timings: dict[str, float] = {}
    for namespace in store.namespaces(thread):
        prefix = _prefix(target, namespace)
        if prefix is None:
            continue
        entries = store.entries(thread, namespace)
        began = {entry.id: entry.created_ns for entry in entries if not _idle_after(store, entry)}
        for entry in entries:
            try:
                ran = read_body(entry, codec).ran
            except VictorError:  # written by another version of the graph: what the rest tells is shown
                continue
            ids = {_id(target, prefix, name) for name in ran if not name.startswith("__")}
            visited |= ids
            if entry.parent_id in began and entry.source not in _OUTSIDE:
                for id in ids:
                    timings[id] = timings.get(id, 0.0) + (entry.created_ns - began[entry.parent_id]) / 1e6
    visited |= _only_items(target, visited)
    failed, waiting, following = _open_ends(target, store, thread, codec)
    return Highlights(
        current=following - failed - waiting, visited=visited, failed=failed, interrupted=waiting, timings=timings
    )


def _idle_after(store: Checkpointer, entry: Entry) -> bool:
    """Whether the run stood still after a checkpoint until somebody had it go on."""
    if entry.source in _OUTSIDE or entry.namespace:
        return entry.source in _OUTSIDE
    return any(note.key == FORKED for note in store.notes(entry.thread_id, entry.namespace, entry.id))


def _only_items(target: Target, visited: set[str]) -> set[str]:
    """The bodies of visited maps that are a single node, which runs without checkpoints of its own."""
    if target.workflow is None or not target.of_file:
        return set()
    bodies = (node.body for node in target.workflow.definition.scope.every() if node.id in visited)
    return {next(iter(body.nodes)) for body in bodies if body is not None and len(body.nodes) == 1}


def _open_ends(target: Target, store: Checkpointer, thread: str, codec: Codec) -> tuple[set[str], set[str], set[str]]:
    """Nodes that failed, wait, and run next, by the latest checkpoints."""
    failed: set[str] = set()
    waiting: set[str] = set()
    following: set[str] = set()
    tip = store.entries(thread, limit=1)[0]
    saved = read_notes(store.notes(thread, "", tip.id), codec)
    snapshot = target.compile(store).get_state(thread_id=thread)
    for task in snapshot.tasks:
        if task.name.startswith("__"):
            continue
        id = _id(target, "", task.name)
        if task.error is not None:
            failed.add(id)
        elif task.interrupts:
            waiting.add(id)
            waiting |= _asking(one.value for one in task.interrupts)
        elif task.result is None:
            following.add(id)
    if saved.open:
        waiting |= _asking(one.value for one in saved.open)
    return failed, waiting, following


def _asking(questions: Iterable[object]) -> set[str]:
    """The human nodes that ask, also inside the body of a map."""
    return {str(question["node"]) for question in questions if isinstance(question, dict) and "node" in question}


def _prefix(target: Target, namespace: str) -> str | None:
    """What comes before the ids of a namespace's nodes in the picture; None where they are not in it."""
    names = [part.rpartition(":")[0] or part for part in namespace.split("|")] if namespace else []
    if target.workflow is None or not target.of_file:
        return "".join(f"{name}:" for name in names)
    kinds = {node.id: node.common.type for node in target.workflow.definition.scope.every()}
    return None if any(kinds.get(base_name(name)) == "workflow" for name in names) else ""


def _id(target: Target, prefix: str, name: str) -> str:
    return prefix + (base_name(name) if target.of_file else name)
