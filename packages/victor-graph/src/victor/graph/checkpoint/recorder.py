"""A run's side of the checkpoint store: what it writes each superstep, and how it finds back to where it was."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from random import getrandbits
from typing import TYPE_CHECKING, Any, Final

from msgspec import msgpack

from victor.graph.channels import MISSING, Channel
from victor.graph.checkpoint.base import Batch, Chain, Checkpointer, Entry, Head, Note, Settled
from victor.graph.checkpoint.codec import Codec
from victor.graph.checkpoint.delta import before_change, difference
from victor.graph.checkpoint.log import (
    FORMAT,
    Body,
    Durability,
    Saved,
    dump_result,
    dump_sends,
    fold,
    load_sends,
    read_notes,
    split_snapshot,
)
from victor.graph.command import Command
from victor.graph.errors import CheckpointError, CheckpointNotFoundError
from victor.graph.isolate import CONSTANT, isolate

if TYPE_CHECKING:
    from victor.graph.checkpoint.keeper import Keeper
    from victor.graph.checkpoint.writer import Writer
    from victor.graph.engine import Run
    from victor.graph.tasks import Task

__all__ = ["Recorder"]

_LONGEST: Final = 2048
_SLACK: Final = 1024

_SETTLED: Final = ("result", "answer", "step", "error", "paused", "command", "moved")


class Recorder:
    """Where a run writes its checkpoints.

    What it writes names the checkpoint it goes on from; the store refuses it with `ThreadConflictError` when somebody
    else has written to the thread meanwhile. A run from a checkpoint of the past is a fork and asks for no such thing.

    Attributes:
        exclusive: Whether it does so.
    """

    def __init__(
        self, store: Checkpointer, codec: Codec, thread_id: str, namespace: str, durability: Durability
    ) -> None:
        self.store = store
        self.codec = codec
        self.thread_id = thread_id
        self.namespace = namespace
        self.durability = durability
        self.tip: str | None = None
        self.parent: str | None = None
        self.wanted: str | None = None
        self.past: bool = False
        self.owner = ""
        self.metadata: dict[str, Any] = {}
        self.exclusive: bool = True
        self._written: str | None = None
        self._stored: str | None = None
        self._failed = False
        self._tip_ns = 0
        self._base = ""
        self._since = 0
        self._weight = 0
        self._count = 0
        self._before: dict[str, Any] = {}
        self._held: list[Entry] = []
        self._held_notes: list[Note] = []
        self._pieces: list[bytes] = []
        self._last: Callable[[], Entry] | None = None
        self._noted: set[str] = set()
        self._writer: Writer | None = None

    async def read(self, run: Run) -> Chain | None:
        """What is needed to go on from the checkpoint the run was asked for, or the latest; None if there is none.

        Raises:
            CheckpointNotFoundError: There is no such checkpoint.
        """
        wanted = self.wanted
        if run.watched and run.events.active:
            attributes = {"thread_id": self.thread_id, "namespace": self.namespace}
            with run.events.operation("checkpoint.restore", run.program.name, attributes):
                chain = await self._read(run, wanted)
        else:
            chain = await self._read(run, wanted)
        if chain is None and wanted is not None:
            raise CheckpointNotFoundError(f"thread {self.thread_id!r} has no checkpoint {wanted!r}")
        return chain

    async def _read(self, run: Run, wanted: str | None) -> Chain | None:
        if run.root.replaying and run.parent is not None:
            self.exclusive = False
            return None  # a subgraph under a checkpoint of the past: what is stored came of the former future
        arguments = (self.thread_id, self.namespace, wanted)
        chain = self.store.chain(*arguments) if run.blocking else await self.store.achain(*arguments)
        if wanted is not None and chain is not None:
            if run.blocking:
                latest = self.store.entries(self.thread_id, self.namespace, limit=1)
            else:
                latest = await asyncio.to_thread(self.store.entries, self.thread_id, self.namespace, limit=1)
            self.past = latest[0].id != chain.entries[-1].id
            if self.past:
                self.exclusive = False
                self._tip_ns = latest[0].created_ns  # what a fork writes is the latest, whatever the clock says
        return chain

    async def fork(self, run: Run, input: Any) -> None:
        """Go on from a checkpoint of the past: what was asked, answered and recorded since is of another future."""
        run.replaying = True
        if isinstance(input, Command) and input.resume is not None:
            return  # it answers, in its own way, what was asked there
        run.saved = Saved(paused=run.saved is not None and run.saved.paused)
        if input is None or isinstance(input, Command):
            await self.superstep(run, "fork")
            run.saved.paused = True

    def load(self, run: Run, chain: Chain) -> Body:
        """Put a run where a chain ends.

        Raises:
            CheckpointError: It cannot be read, or names nodes the graph does not have.
        """
        from victor.graph.resume import apply_command

        values, body = fold(chain, self.codec)
        program = run.program
        last = chain.entries[-1]
        self._resume(chain)
        known = program.channels
        run.values = {name: value for name, value in values.items() if name in known}
        for name, value in program.initial.items():
            if name not in run.values:
                run.values[name] = isolate(value)
        run.open = {name for name, value in run.values.items() if type(value) not in CONSTANT}
        run.step = body.step
        run.origin = last.id
        run.ran = body.ran
        ranks = program.ranks
        lost = [name for name in (*body.next, *body.waiting) if name not in ranks and name != "__start__"]
        if lost:
            raise CheckpointError(
                f"thread {self.thread_id!r} is to go on at {', '.join(map(repr, lost))}, which graph {program.name!r} "
                "no longer has; give it the node again, or move the thread: update_state(config, values, as_node=...)"
            )
        run.ready = sorted(ranks[name] for name in body.ready if name != "__start__")
        run.sends = load_sends(body.sends)
        run.waiting = {ranks[name] for name in body.waiting}
        numbers: dict[tuple[int, frozenset[int]], list[int]] = {}
        for number, join in enumerate(program.joins):  # the same join may be there twice
            numbers.setdefault((join.end, frozenset(join.starts)), []).append(number)
        for end, starts, seen in body.joined:
            left = numbers.get((ranks.get(end, -1), frozenset(ranks.get(name, -1) for name in starts)))
            if left:
                run.joined[left.pop(0)] = {ranks[name] for name in seen}
        saved = read_notes(chain.notes, self.codec)
        self._noting(saved)
        run.saved = saved
        for stored in saved.commands:
            apply_command(run, stored)
        return body

    def _resume(self, chain: Chain) -> None:
        """Go on after a chain."""
        last = chain.entries[-1]
        self.tip = self._written = self._stored = last.id
        self._tip_ns = max(self._tip_ns, last.created_ns)
        self._base = chain.entries[0].id
        data, bodies = split_snapshot(chain.entries[0].snapshot or b"")
        if self.codec.version_of(data) != self.codec.version:
            self._base = ""  # what follows cannot build on values of another version
        self._weight = len(data)
        self._since = sum(map(len, bodies)) + sum(len(entry.body) for entry in chain.entries[1:])
        self._count = len(chain.entries) - 1

    # ---------------------------------------------------------------- supersteps

    def touch(self, channel: Channel, values: dict[str, Any]) -> None:
        """A key is about to change."""
        name = channel.name
        if name not in self._before:
            self._before[name] = before_change(channel, values.get(name, MISSING))

    def input(self, run: Run, task: Task) -> None:
        """Note what was put in, as an entry of its own before the one it leads to."""
        if self.durability == "exit":
            return
        self._held.append(self._entry(run, run.step, "input", [], ["__start__"], input=dict(task.writes)))

    async def superstep(self, run: Run, source: str = "loop") -> None:
        """Write what the superstep that is now complete changed."""
        values = run.values
        operations: list[Any] = []
        for name, old in self._before.items():
            operations += difference(name, old, values[name])
        self._before.clear()
        former = self.tip
        changes = self.codec.encode(operations)
        if self.durability == "exit":
            self._pieces.append(changes)
            self.tip = self._new_id()
            self._last = lambda: self._entry(run, run.step, source, self._pieces, _names(run), id=self.tip)
            run.origin = self.tip or ""
            return
        entry = self._entry(run, run.step, source, [changes], _names(run))
        run.origin = entry.id
        settled: tuple[Settled, ...] = ()
        if self._noted and former is not None:
            settled = (Settled(self.thread_id, self.namespace, former, _SETTLED),)
            self._noted.clear()
        if self._held:
            batch = self.batch((*self._held, entry), (), settled)
            self._held.clear()
        else:
            batch = self.batch((entry,), (), settled)
        await self.write(run, batch)

    def batch(self, entries: tuple[Entry, ...], notes: Iterable[Note] = (), settled: tuple[Settled, ...] = ()) -> Batch:
        """What is written next, based on what was written before."""
        head = Head(self.thread_id, self.namespace, self._stored) if self.exclusive else None
        if entries:
            self._stored = entries[-1].id
        return Batch(entries, tuple(notes), settled, head)

    def _new_id(self) -> str:
        self._tip_ns = max(time.time_ns(), self._tip_ns + 1)
        return f"{self._tip_ns:016x}{getrandbits(32):08x}"

    def _entry(
        self, run: Run, step: int, source: str, changes: list[bytes], ready: list[str], *,
        input: dict[str, Any] | None = None, id: str | None = None,
    ) -> Entry:  # fmt: skip
        parent = self._written
        id = self._new_id() if id is None else id
        sends: list[list[Any]] = []
        joined: list[Any] = []
        waiting: list[str] = []
        if input is None:
            if run.sends:
                sends = dump_sends(run.sends)
            if run.joined:
                joined = _joined(run)
            if run.waiting:
                waiting = [run.program.plans[rank].name for rank in sorted(run.waiting)]
        more = self.codec.encode([sends, self.metadata, input]) if sends or self.metadata or input is not None else b""
        body = msgpack.encode((FORMAT, changes, ready, joined, waiting, run.ran, self.owner, more))
        self._since += len(body)
        self._count += 1
        snapshot = None
        if not self._base or self._since > self._weight + _SLACK or self._count > _LONGEST:
            snapshot = self.codec.encode(run.values)
            self._base, self._weight, self._since, self._count = id, len(snapshot), 0, 0
        self.parent = parent
        self.tip = self._written = id
        return Entry(self.thread_id, self.namespace, id, parent, self._base, step, source, body, snapshot)

    # ---------------------------------------------------------------- notes

    def note(self, task_id: str, key: str, value: Any) -> Note:
        """A note on the present checkpoint."""
        assert self.tip is not None
        self._noted.add(key.partition(":")[0])
        return Note(self.thread_id, self.namespace, self.tip, task_id, key, self.codec.encode(value))

    async def add_notes(self, run: Run, notes: Sequence[Note]) -> None:
        """Write notes."""
        if self.durability == "exit":
            self._held_notes += notes
        elif notes:
            await self.write(run, self.batch((), notes))

    def record(self, task_id: str, key: str, value: Any) -> None:
        """Write a note; durable when it returns, but with durability ``"exit"`` when the run ends. From any thread."""
        note = self.note(task_id, key, value)
        if self.durability == "exit":
            self._held_notes.append(note)
            return
        if self._writer is not None:
            self._writer.flush()  # the note means nothing without its checkpoint
        self.store.write((self.batch((), (note,)),))

    async def arecord(self, task_id: str, key: str, value: Any) -> None:
        """`record` without holding up the event loop."""
        if self._writer is not None:
            await asyncio.to_thread(self.record, task_id, key, value)
        elif self.durability == "exit":
            self.record(task_id, key, value)
        else:
            await self.store.awrite(self.batch((), (self.note(task_id, key, value),)))

    def _noting(self, saved: Saved) -> None:
        """Remember that the present checkpoint has notes, so that they are dropped when its superstep is complete."""
        known = (saved.results, saved.errors, saved.steps, saved.answers, saved.commands, saved.paused, saved.moved)
        if any(known):
            self._noted.add("result")

    async def pause(self, run: Run) -> None:
        """Note that the run stops here because the graph was compiled to."""
        await self.add_notes(run, [self.note("", "paused", True)])

    async def interrupted(self, run: Run, tasks: Sequence[Task]) -> None:
        """Note the questions that wait, and what is done already."""
        notes = [
            self.note(t.id, "interrupt", [[one.value, one.id] for one in t.interrupts if one.id])
            for t in tasks
            if t.interrupts
        ]
        notes += [self.note(task.id, "result", dump_result(task)) for task in tasks if task.done]
        if run.saved is not None:  # what was noted of them before they asked holds no longer
            for task in tasks:
                if task.interrupts and task.id in run.saved.errors:
                    notes.append(self.note(task.id, "error", None))
                if task.interrupts and task.id in run.saved.moved:
                    notes.append(self.note(task.id, "moved", False))
        await self.add_notes(run, [*notes, *self._adopted(run)])

    def _adopted(self, run: Run) -> list[Note]:
        """Which questions took the answer that was given before they were asked."""
        return [self.note("", f"answer:{id}", value) for id, value in run.adopted.items()]

    async def moved(self, run: Run, entry_id: str, task_id: str) -> None:
        """Note that the subgraph of a task that waits was changed from outside."""
        note = Note(self.thread_id, self.namespace, entry_id, task_id, "moved", self.codec.encode(True))
        await self._write(run, Batch((), (note,)))

    # ---------------------------------------------------------------- writing

    def write(self, run: Run, batch: Batch) -> Coroutine[Any, Any, None]:
        """Write a batch, as durably as the run was asked to."""
        return self._reported(run, batch) if run.watched and run.events.active else self._write(run, batch)

    async def _reported(self, run: Run, batch: Batch) -> None:
        attributes = {
            "thread_id": self.thread_id,
            "namespace": self.namespace,
            "step": run.step,
            "durability": self.durability,
        }
        with run.events.operation("checkpoint.save", run.program.name, attributes):
            await self._write(run, batch)

    async def _write(self, run: Run, batch: Batch) -> None:
        try:
            if self.durability == "async" and not self.store.instant:
                if self._writer is None:
                    from victor.graph.checkpoint.writer import Writer

                    self._writer = Writer(self.store)
                if run.blocking:
                    self._writer.put(batch)
                else:
                    await self._writer.aput(batch)
            elif run.blocking:
                self.store.write((batch,))
            else:
                await self.store.awrite(batch)
        except CheckpointError:
            self._failed = True
            raise

    async def close(self, run: Run) -> None:
        """Bring to the store what is not there yet."""
        notes = self._held_notes
        if run.status == "failed" and self.tip is not None:
            notes = [*notes, *self._unfinished(run)]
        entries = tuple(self._held)
        if self._last is not None and self._pieces:
            entries = (*entries, self._last())
        notes = [note for note in notes if note.entry_id == self.tip]
        if (entries or (notes and self._written is not None)) and not self._failed:
            batch = self.batch(entries, notes)
            if run.blocking:
                self.store.write((batch,))
            else:
                await self.store.awrite(batch)
        if self._writer is not None:
            if run.blocking:
                self._writer.close()
            else:
                await asyncio.to_thread(self._writer.close)

    def _unfinished(self, run: Run) -> list[Note]:
        notes = self._adopted(run)
        for task in run.tasks:
            if task.done and len(run.tasks) > 1:
                notes.append(self.note(task.id, "result", dump_result(task)))
            elif task.error is not None:
                notes.append(self.note(task.id, "error", f"{type(task.error).__name__}: {task.error}"))
            elif task.interrupts:
                notes.append(
                    self.note(task.id, "interrupt", [[one.value, one.id] for one in task.interrupts if one.id])
                )
        return notes

    def keeper(self, run: Run) -> Keeper | None:
        """Saves results of a superstep's tasks while others still run; None where that protects from nothing."""
        if self.store.instant or self.durability == "exit":
            return None
        from victor.graph.checkpoint.keeper import Keeper

        return Keeper(self, run)


def _names(run: Run) -> list[str]:
    return [run.program.plans[rank].name for rank in run.ready]


def _joined(run: Run) -> list[list[Any]]:
    plans, joins = run.program.plans, run.program.joins
    return [
        [
            plans[joins[number].end].name,
            sorted(plans[s].name for s in joins[number].starts),
            sorted(plans[s].name for s in seen),
        ]
        for number, seen in sorted(run.joined.items())
    ]
