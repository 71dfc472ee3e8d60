"""What the store says of a run: which workflow it belongs to, how far it came, what it waits for."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from attrs import frozen

from victor.core.catalog import near_matches
from victor.core.errors import ConfigurationError, VictorError
from victor.graph.checkpoint.base import Chain, Checkpointer, Entry
from victor.graph.checkpoint.codec import Codec
from victor.graph.checkpoint.log import Body, Saved, fold, read_body, read_notes
from victor.graph.interrupts import Interrupt

__all__ = ["Record", "ago", "find_checkpoint", "own_keys", "read_record", "require_thread", "shown_file", "when"]

Status = Literal["completed", "interrupted", "failed", "unfinished", "unreadable"]
"""``unfinished``: it runs now, or was stopped or killed between two steps."""

_INNER: Final = (":each", ":join", ":again", ":done")


@frozen
class Record:
    """One run, as its latest checkpoint tells.

    Args:
        thread: Its name.
        workflow: The workflow or graph it ran, where that was recorded.
        file: Where that is: a file, or ``module:graph``.
        status: How it stands.
        steps: Supersteps taken.
        next: Nodes that run next.
        questions: What it waits for.
        error: Why it failed.
        checkpoint: Id of the latest checkpoint.
        created: When it began, in seconds since 1970.
        updated: When it last changed.
    """

    thread: str
    workflow: str
    file: str
    status: Status
    steps: int
    next: tuple[str, ...]
    questions: tuple[Interrupt, ...]
    error: str
    checkpoint: str
    created: float
    updated: float


def read_record(
    store: Checkpointer, thread: str, codec: Codec | None = None, *, created: float | None = None
) -> Record:
    """How a run stands.

    Args:
        store: Where it is recorded.
        thread: Its name; must exist.
        codec: Of the graph; the plain one reads all but values of classes.
        created: When it began, where that is known.
    """
    codec = codec or Codec()
    entries = store.entries(thread, limit=1)
    if not entries:
        raise ConfigurationError(f"there is no run {thread!r}")
    entry = entries[0]
    began = created if created is not None else store.entries(thread)[-1].created_ns / 1e9
    metadata: dict[str, Any] = {}
    try:
        body = read_body(entry, codec)
        metadata = body.metadata
        saved = read_notes(store.notes(thread, "", entry.id), codec)
    except VictorError as error:
        updated = entry.created_ns / 1e9
        return Record(thread, "", "", "unreadable", max(entry.step, 0), (), (), str(error), entry.id, began, updated)
    return Record(
        thread=thread,
        workflow=str(metadata.get("workflow", "")),
        file=str(metadata.get("file", "")),
        status=_status(body, saved),
        steps=max(entry.step, 0),
        next=tuple(dict.fromkeys(base_name(name) for name in body.next)),
        questions=saved.open,
        error="; ".join(dict.fromkeys(str(text) for text in saved.errors.values())),
        checkpoint=entry.id,
        created=began,
        updated=entry.created_ns / 1e9,
    )


def _status(body: Body, saved: Saved) -> Status:
    if saved.open or saved.paused:
        return "interrupted"
    if saved.errors:
        return "failed"
    return "unfinished" if body.next or body.waiting or body.input is not None else "completed"


def base_name(name: str) -> str:
    """The node of the workflow file that a node of its graph belongs to.

    Example:
        >>> base_name("digest:each"), base_name("write")
        ('digest', 'write')
    """
    for ending in _INNER:
        name = name.removesuffix(ending)
    return name


def require_thread(store: Checkpointer, thread: str) -> None:
    """Say which runs there are when one is asked for that is not there.

    Raises:
        ConfigurationError: There is no such run.
    """
    if store.entries(thread, limit=1):
        return
    there = [info.thread_id for info in store.threads()]
    near = near_matches(thread, there)
    hint = f"did you mean {near[0]!r}?" if near else "victor workflow threads lists them"
    raise ConfigurationError(f"there is no run {thread!r}; {hint}")


def find_checkpoint(store: Checkpointer, thread: str, checkpoint: str | None) -> Entry:
    """A checkpoint of a run, by its id, the number of its step, or an end of its id; the latest for None.

    Raises:
        ConfigurationError: There is none, or several.
    """
    entries = store.entries(thread)
    if checkpoint is None:
        return entries[0]
    wanted = [entry for entry in entries if entry.id == checkpoint]
    if not wanted and checkpoint.lstrip("-").isdigit():  # before ends of ids: many an id ends in a 0
        wanted = [entry for entry in entries if entry.step == int(checkpoint)]
    if not wanted and len(checkpoint) >= 6:  # a shorter end is likely to be another's too
        wanted = [entry for entry in entries if entry.id.endswith(checkpoint)]
    if len(wanted) != 1:
        several = f"{len(wanted)} checkpoints end in {checkpoint!r}"
        what = several if wanted else f"there is no checkpoint {checkpoint!r}"
        raise ConfigurationError(f"run {thread!r}: {what}; see victor workflow history {thread}")
    return wanted[0]


def read_values(store: Checkpointer, entry: Entry, codec: Codec) -> tuple[dict[str, Any], Body, Saved]:
    """The values of a checkpoint, what it says besides, and its notes."""
    chain = store.chain(entry.thread_id, entry.namespace, entry.id)
    if chain is None:
        raise ConfigurationError(f"checkpoint {entry.id} was removed meanwhile")
    values, body = fold(Chain(chain.entries, chain.notes), codec)
    return values, body, read_notes(chain.notes, codec)


def own_keys(values: dict[str, Any]) -> dict[str, Any]:
    """Values without those a workflow keeps for itself, which have a colon in their names."""
    return {name: value for name, value in values.items() if ":" not in name}


def shown_file(file: str) -> str:
    """A file relative to the working directory where it lies below it."""
    path, colon, attribute = file.partition(":") if file.partition(":")[0].endswith(".py") else (file, "", "")
    try:
        path = str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        pass
    return path + colon + attribute


def when(seconds: float) -> str:
    """A time as ISO 8601, UTC.

    Example:
        >>> when(0)
        '1970-01-01T00:00:00+00:00'
    """
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def ago(seconds: float) -> str:
    """How long ago, for people."""
    passed = max(0.0, time.time() - seconds)
    for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if passed >= size:
            return f"{passed / size:.0f} {name} ago"
    return f"{passed:.0f} s ago"
