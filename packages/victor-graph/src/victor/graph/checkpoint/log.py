"""What is in a checkpoint, and how a state is read back from a chain of them.

A body holds how the keys changed (`victor.graph.checkpoint.delta`) and what runs next. A snapshot is written when the
bodies since the last one weigh more than it, so a log is at most about three times its new data, however large the
state; and after a couple of thousand bodies in any case, so that reading stays quick.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from attrs import define, evolve, field
from msgspec import DecodeError, Struct, msgpack

from victor.graph.checkpoint.base import Chain, Entry, Note
from victor.graph.checkpoint.codec import Codec
from victor.graph.checkpoint.delta import apply
from victor.graph.command import Send
from victor.graph.errors import CheckpointError
from victor.graph.interrupts import Interrupt
from victor.graph.isolate import isolate

if TYPE_CHECKING:
    from victor.graph.engine import Run
    from victor.graph.tasks import Task

__all__ = [
    "FORMAT",
    "Body",
    "Durability",
    "Saved",
    "compose",
    "dump_result",
    "dump_sends",
    "fold",
    "load_result",
    "load_sends",
    "read_body",
    "read_notes",
    "split_snapshot",
    "unfold",
]

Durability = Literal["sync", "async", "exit"]
"""When checkpoints are written: each before the next superstep starts (``"sync"``), by a thread of their own while the
run goes on (``"async"``), or once when the run ends (``"exit"``)."""


class _Changes(Struct, array_like=True, gc=False):
    """The beginning of a stored body: all that is needed of one on the way to another."""

    form: int
    changes: list[bytes]


class _Stored(_Changes, array_like=True, gc=False):
    """A stored body."""

    ready: list[str]
    joined: list[tuple[str, list[str], list[str]]]
    waiting: list[str]
    ran: list[str]
    owner: str
    more: bytes


S = TypeVar("S", bound=_Changes)

_read_changes: Final = msgpack.Decoder(_Changes).decode
_read_all_changes: Final = msgpack.Decoder(list[_Changes]).decode
_read_stored: Final = msgpack.Decoder(_Stored).decode
_COMPOSED: Final = b"\xc1\xf0"
FORMAT: Final = 1
"""Of the entries of the log."""


@define
class Body:
    """What a checkpoint says besides values.

    Args:
        step: Number of the superstep.
        source: ``"input"``, ``"loop"``, ``"update"`` or ``"fork"``.
        changes: How the keys changed: operations, encoded.
        ready: Names of nodes that are due.
        sends: What was sent to nodes.
        joined: For each join under way (its end and starts), the starts that have arrived.
        waiting: Names of deferred nodes that wait.
        ran: Names of the nodes that ran.
        metadata: The caller's.
        input: Of an input: what was put in.
        owner: Of a subgraph: the task it runs in.
    """

    step: int
    source: str
    changes: list[bytes] = field(factory=list)
    ready: list[str] = field(factory=list)
    sends: list[list[Any]] = field(factory=list)
    joined: list[tuple[str, list[str], list[str]]] = field(factory=list)
    waiting: list[str] = field(factory=list)
    ran: list[str] = field(factory=list)
    metadata: dict[str, Any] = field(factory=dict)
    input: dict[str, Any] | None = None
    owner: str = ""

    @property
    def next(self) -> tuple[str, ...]:
        """Names of the nodes that run next, one for each task."""
        return (*self.ready, *(sent[0] for sent in self.sends))


def read_body(entry: Entry, codec: Codec) -> Body:
    """Decodes an entry's body.

    Raises:
        CheckpointError: It cannot be read; names thread and checkpoint.
    """
    stored = _parsed(entry, _read_stored)
    body = Body(entry.step, entry.source, stored.changes, stored.ready, [], stored.joined, stored.waiting, stored.ran)
    body.owner = stored.owner
    if stored.more:
        body.sends, body.metadata, body.input = _decoded(entry, stored.more, codec.decode_unmigrated)[0]
    return body


def _parsed(entry: Entry, parse: Callable[[bytes], S]) -> S:
    try:
        stored = parse(entry.body)
    except (DecodeError, RecursionError) as error:
        raise CheckpointError(f"checkpoint {entry.id} of thread {entry.thread_id!r} is damaged: {error}") from error
    if stored.form != FORMAT:
        raise CheckpointError(
            f"checkpoint {entry.id} of thread {entry.thread_id!r} was written by a newer victor-graph; upgrade it"
        )
    return stored


Read = Callable[[bytes], Any]
"""Turns stored bytes into values."""


def _decoded(entry: Entry, data: bytes, read: Read) -> Any:
    try:
        return read(data)
    except CheckpointError as error:
        raise type(error)(f"checkpoint {entry.id} of thread {entry.thread_id!r}: {error}") from error


def fold(chain: Chain, codec: Codec) -> tuple[dict[str, Any], Body]:
    """The values at the end of a chain, and the last body.

    A chain of an older version of the state's schema is put together as it was stored, and then migrated as a whole.

    Raises:
        CheckpointError: Something in it cannot be read.
    """
    base = chain.entries[0]
    values, read, older = _begin(base, codec)
    rest = chain.entries[1:]
    quick = _operations(rest, codec) if older is None else None
    for number, entry in enumerate(rest):
        if quick is not None:
            _apply(values, quick[number], entry)
        else:
            _advance(values, _parsed(entry, _read_changes).changes, entry, read)
    return _migrated(values, base, codec, older), read_body(chain.entries[-1], codec)


def unfold(chain: Chain, codec: Codec) -> Iterator[tuple[Entry, dict[str, Any], Body]]:
    """All entries of a chain with their values and bodies, oldest first.

    Raises:
        CheckpointError: Something in it cannot be read.
    """
    base = chain.entries[0]
    values, read, older = _begin(base, codec)
    yield base, _migrated(values, base, codec, older), read_body(base, codec)
    for entry in chain.entries[1:]:
        values = values.copy()
        body = read_body(entry, codec)
        _advance(values, body.changes, entry, read, shared=True)
        yield entry, _migrated(values, base, codec, older), body


def _begin(entry: Entry, codec: Codec) -> tuple[dict[str, Any], Read, int | None]:
    """The values of an entry that has a snapshot, as stored; how to read what follows; its version, if an older one."""
    if entry.snapshot is None:
        raise CheckpointError(f"checkpoint {entry.id} of thread {entry.thread_id!r} has lost its snapshot")
    data, bodies = split_snapshot(entry.snapshot)
    version: int = _decoded(entry, data, codec.version_of)
    older = None if version == codec.version else version
    read: Read = codec.decode if older is None else lambda data: codec.decode_unmigrated(data)[0]
    values = _decoded(entry, data, read)
    if not isinstance(values, dict):
        raise CheckpointError(f"the snapshot of checkpoint {entry.id} of thread {entry.thread_id!r} is damaged")
    for body in bodies:
        _advance(values, _parsed(evolve(entry, body=body), _read_changes).changes, entry, read)
    return values, read, older


def _migrated(values: dict[str, Any], entry: Entry, codec: Codec, older: int | None) -> dict[str, Any]:
    if older is None:
        return values
    migrated: dict[str, Any] = _decoded(entry, b"", lambda _: codec.migrated(isolate(values), older))
    return migrated


def compose(chain: Chain) -> bytes:
    """A snapshot for the last entry of a chain, put together from stored bytes without decoding any of them."""
    data, bodies = split_snapshot(chain.entries[0].snapshot or b"")
    return _COMPOSED + msgpack.encode([data, [*bodies, *(entry.body for entry in chain.entries[1:])]])


def split_snapshot(snapshot: bytes) -> tuple[bytes, list[bytes]]:
    """The encoded values of a snapshot, and the bodies to apply to them (none, but after pruning).

    Raises:
        CheckpointError: It is damaged.
    """
    if not snapshot.startswith(_COMPOSED):
        return snapshot, []
    try:
        data, bodies = msgpack.decode(snapshot[len(_COMPOSED) :], type=tuple[bytes, list[bytes]])
    except DecodeError as error:
        raise CheckpointError(f"a snapshot is damaged: {error}") from error
    return data, bodies


def _operations(entries: Sequence[Entry], codec: Codec) -> list[list[Any]] | None:
    """The operations of each entry, all decoded at once; None where that does not go."""
    whole = b"".join((b"\xdd", len(entries).to_bytes(4, "big"), *(entry.body for entry in entries)))  # as one array
    try:
        stored = _read_all_changes(whole)
        if len(stored) != len(entries) or any(one.form != FORMAT or len(one.changes) != 1 for one in stored):
            return None
        return codec.decode_all([one.changes[0] for one in stored])
    except (DecodeError, RecursionError, CheckpointError):
        return None  # one by one, to say which


def _apply(values: dict[str, Any], operations: list[Any], entry: Entry, *, shared: bool = False) -> None:
    try:
        apply(values, operations, shared=shared)
    except ValueError as error:
        raise CheckpointError(f"checkpoint {entry.id} of thread {entry.thread_id!r} is damaged: {error}") from error


def _advance(
    values: dict[str, Any], changes: Iterable[bytes], entry: Entry, read: Read, *, shared: bool = False
) -> None:
    """Applies changes to values."""
    for data in changes:
        _apply(values, _decoded(entry, data, read), entry, shared=shared)


@define
class Saved:
    """What is known of a superstep that was begun before.

    Args:
        results: By task id: writes, targets and sends of tasks that are done.
        interrupts: By task id: the questions that wait.
        errors: By task id: how it failed.
        steps: By task id and step: what durable steps returned.
        answers: By question id.
        commands: Updates that came with a resume, not yet part of a checkpoint.
        paused: The run stopped here because the graph was compiled to.
        moved: Ids of tasks whose subgraph was updated from outside since, and may have another question, or none.
    """

    results: dict[str, list[Any]] = field(factory=dict)
    interrupts: dict[str, tuple[Interrupt, ...]] = field(factory=dict)
    errors: dict[str, str] = field(factory=dict)
    steps: dict[tuple[str, str], Any] = field(factory=dict)
    answers: dict[str, Any] = field(factory=dict)
    commands: list[list[Any]] = field(factory=list)
    paused: bool = False
    moved: set[str] = field(factory=set)

    @property
    def open(self) -> tuple[Interrupt, ...]:
        """The questions without an answer."""
        found = [one for asked in self.interrupts.values() for one in asked]
        return tuple(one for one in found if one.id not in self.answers)

    @property
    def answerable(self) -> tuple[Interrupt, ...]:
        """The questions without an answer, and those whose node failed with the answer: it can be given anew."""
        return tuple(one for id, asked in self.interrupts.items() for one in asked if self.waits(id, one))

    def waits(self, task_id: str, question: Interrupt) -> bool:
        """Whether a question can be answered."""
        return question.id not in self.answers or task_id in self.errors

    def fill(self, run: Run, tasks: Sequence[Task]) -> None:
        """Mark tasks that are done as done, and those whose questions have no answer yet as waiting."""
        for task in tasks:
            result = self.results.get(task.id)
            if result is not None:
                load_result(task, result)
            else:
                asked = self.interrupts.get(task.id, ())
                if asked and task.id not in self.moved and not any(one.id in run.root.answers for one in asked):
                    task.interrupts = asked


def read_notes(notes: Iterable[Note], codec: Codec) -> Saved:
    """Sorts the notes of an entry."""
    saved = Saved()
    for note in notes:
        kind, _, rest = note.key.partition(":")
        if kind == "paused":
            saved.paused = True
            continue
        value, _ = codec.decode_unmigrated(note.data)
        if kind == "result":
            saved.results[note.task_id] = value
        elif kind == "interrupt":
            saved.interrupts[note.task_id] = tuple(Interrupt(item, id) for item, id in value)
        elif kind == "error":
            if value is not None:
                saved.errors[note.task_id] = value
        elif kind == "moved":
            if value:
                saved.moved.add(note.task_id)
        elif kind == "step":
            saved.steps[note.task_id, rest] = value
        elif kind == "answer":
            saved.answers[rest] = value
        elif kind == "command":
            saved.commands.append(value)
    return saved


def dump_result(task: Task) -> list[Any]:
    """A finished task's results, to be stored."""
    plans = task.run.program.plans
    writes = task.writes
    pairs = [[key, value] for key, value in (writes.items() if isinstance(writes, Mapping) else writes)]
    targets = [plans[rank].name for rank in task.targets or ()]
    return [pairs, targets, dump_sends(task.sends or ())]


def load_result(task: Task, stored: list[Any]) -> None:
    """The opposite of `dump_result`."""
    ranks = task.run.program.ranks
    pairs, targets, sends = stored
    task.writes = [(key, value) for key, value in pairs]
    task.targets = [ranks[name] for name in targets if name in ranks] or None
    task.sends = load_sends(sends) or None
    task.done = True


def dump_sends(sends: Sequence[Send]) -> list[list[Any]]:
    """Sends, to be stored."""
    return [[sent.node, sent.arg, sent.timeout] for sent in sends]


def load_sends(stored: Sequence[Sequence[Any]]) -> list[Send]:
    """The opposite of `dump_sends`."""
    return [Send(node, arg, timeout=timeout) for node, arg, timeout in stored]
