"""The record of a run: every turn that was taken, so that a run that was broken off goes on where it was.

A team is resumed by running its pattern again from the start. Each time it asks a member, the journal answers in the
member's place as long as it has that turn; so no pattern needs code for resuming, and no turn is taken twice. That
needs patterns to be deterministic: what they ask depends only on what was answered (and `Session.random`).

A journal in a file is JSON, a line a record, written and flushed to disk before the turn counts. A last line that was
torn by a crash is dropped.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import msgspec
from msgspec import Struct

from victor.teams.answers import plain
from victor.teams.errors import JournalError
from victor.teams.result import Question, StopReason, TeamResult, Turn

__all__ = ["Begin", "Journal"]

_VERSION = 1
_FIRST = b'{"type":"begin",'
"""How a journal's first line begins; with anything else a file is somebody's, and is left alone."""


class Begin(Struct, frozen=True, tag="begin"):
    """The first record: which run this is.

    Args:
        team, pattern, members: Of the team.
        task: What it was given to do.
        seed: For chance in patterns.
        version: Of the form of the record.
    """

    team: str
    pattern: str
    members: list[str]
    task: str
    seed: int
    version: int = _VERSION


class _Taken(Struct, frozen=True, tag="turn"):
    turn: Turn


class _Ended(Struct, frozen=True, tag="end"):
    stop_reason: StopReason
    detail: str = ""
    found: Any = None


class _Stopped(Struct, frozen=True, tag="stop"):
    """How far it came; the run can go on."""

    stop_reason: StopReason
    detail: str = ""
    questions: list[Question] = []


_Record = Begin | _Taken | _Ended | _Stopped

_encoder = msgspec.json.Encoder(enc_hook=plain)
_decoder = msgspec.json.Decoder(_Record)


class Journal:
    """Turns by their key, in memory and, where a path is given, in a file.

    Args:
        path: The file, made where it is missing; None keeps everything in memory.

    Attributes:
        begun: Which run this is; None where nothing is recorded.
        ended: How the run ended, where it is whole.
        stopped: Why it does not go on by itself, where it can go on: a limit, a failure, a question.
        turns: By their key.

    Raises:
        JournalError: The file is no journal, or another process writes it.

    Example:
        >>> journal = Journal()
        >>> journal.record(Turn("0", "ann", "Hello."))
        >>> journal.get("0").text
        'Hello.'
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self.begun: Begin | None = None
        self.ended: _Ended | None = None
        self.stopped: _Stopped | None = None
        self.turns: dict[str, Turn] = {}
        self._prefix = ""
        self._file: IO[bytes] | None = None
        if path is not None:
            self._open(Path(path))

    def get(self, key: str) -> Turn | None:
        """The turn recorded under this key, or None."""
        return self.turns.get(self._prefix + key)

    def record(self, turn: Turn) -> None:
        """Record a turn; when this returns it is on disk.

        Raises:
            OSError: It could not be written.
        """
        if self._prefix:
            turn = msgspec.structs.replace(turn, key=self._prefix + turn.key)
        if self._file is not None:
            self._write(_Taken(turn))
        self.turns[turn.key] = turn
        self.stopped = None

    def child(self, key: str) -> Journal:
        """The same journal as a subteam sees it, whose turns have keys below ``key``."""
        child = Journal()
        child.turns = self.turns
        child._file = self._file
        child._prefix = f"{self._prefix}{key}/"
        child.begun = self.begun
        return child

    def inside(self, key: str) -> int:
        """How many turns of subteams are recorded below the turn of this key."""
        below = f"{self._prefix}{key}/"
        return sum(1 for each in self.turns if each.startswith(below))

    def full(self, key: str) -> str:
        """The key as the whole run knows it."""
        return self._prefix + key

    @property
    def place(self) -> str:
        """The key of the turn that this part of the journal belongs to; ``""`` for the whole."""
        return self._prefix.rstrip("/")

    @property
    def nested(self) -> bool:
        """True for a subteam's part of a journal."""
        return bool(self._prefix)

    def begin(self, begin: Begin) -> None:
        """Record which run this is, or check that it is the one that is recorded.

        Raises:
            JournalError: It belongs to another team, pattern or task; says what differs.
        """
        if self._prefix:
            return
        if self.begun is None:
            self.begun = begin
            if self._file is not None:
                self._write(begin)
            return
        for name in ("team", "pattern", "members", "task"):
            was, now = getattr(self.begun, name), getattr(begin, name)
            if was != now:
                raise JournalError(
                    f"this journal belongs to another run: its {name} was {was!r:.200}, now it is {now!r:.200}; "
                    "go on with the same team and task, or use another journal"
                )

    @property
    def waits_for(self) -> list[Question] | None:
        """The questions that the run waits for; None when it does not wait."""
        stopped = self.stopped
        return stopped.questions if stopped is not None and stopped.stop_reason is StopReason.WAITING else None

    def end(self, result: TeamResult) -> None:
        """Record how the run ended. A run that waits, or met a limit, can still go on, so that is no end."""
        if self._prefix:
            return
        record: _Ended | _Stopped
        if result.completed:
            record = self.ended = _Ended(result.stop_reason, result.detail, result.found)
        else:
            record = self.stopped = _Stopped(result.stop_reason, result.detail, result.questions)
        if self._file is not None:
            self._write(record)

    def dump(self) -> dict[str, Any]:
        """Everything as plain data, for `load`."""
        records: list[_Record] = [*([self.begun] if self.begun else []), *map(_Taken, self.turns.values())]
        if self.ended is not None:
            records.append(self.ended)
        elif self.stopped is not None:
            records.append(self.stopped)
        return {"version": _VERSION, "records": [msgspec.json.decode(_encoder.encode(record)) for record in records]}

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Journal:
        """A journal in memory from what `dump` gave.

        Raises:
            JournalError: It is nothing of that kind, or of a later version.
        """
        given: Any = data
        if not isinstance(given, Mapping) or not isinstance(given.get("records"), list):
            raise JournalError("this is no saved state of a team: it has no list 'records'")
        if data.get("version") != _VERSION:
            raise JournalError(f"the saved state is of version {data.get('version')!r}; this program reads {_VERSION}")
        journal = cls()
        for index, record in enumerate(data["records"]):
            try:
                journal._take(msgspec.convert(record, _Record))
            except msgspec.ValidationError as error:
                raise JournalError(f"the saved state cannot be used: records[{index}]: {error}") from error
        return journal

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None and not self._prefix:
            self._file.close()
            self._file = None

    def _open(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(path, "a+b", opener=_for_its_owner)  # noqa: SIM115 - Path.open takes no opener
        except OSError as error:
            raise JournalError(f"the journal {path} cannot be opened: {error.strerror or error}") from error
        try:
            _lock(self._file, path)
            self._read(path, self._file)
        except BaseException:
            self._file.close()
            raise

    def _read(self, path: Path, file: IO[bytes]) -> None:
        file.seek(0)
        data = file.read()
        whole = data.rfind(b"\n") + 1
        for number, line in enumerate(data[:whole].splitlines(), 1):
            try:
                self._take(_decoder.decode(line))
            except msgspec.MsgspecError as error:
                raise JournalError(f"{path}:{number}: this is no record of a team's run: {error}") from error
            if number == 1 and self.begun is None:
                raise JournalError(f"{path}:1: a journal begins with the record 'begin'")
        if self.begun is not None and self.begun.version != _VERSION:
            raise JournalError(f"{path} is of version {self.begun.version}; this program reads {_VERSION}")
        if whole < len(data):  # a line that a crash has torn: the turn was not recorded
            if not whole and not (data.startswith(_FIRST) or _FIRST.startswith(data)):
                raise JournalError(f"{path}:1: this is no record of a team's run; use another file")
            file.truncate(whole)

    def _take(self, record: _Record) -> None:
        if isinstance(record, Begin):
            self.begun = record
        elif isinstance(record, _Taken):
            self.turns[record.turn.key] = record.turn
            self.stopped = None
        elif isinstance(record, _Stopped):
            self.stopped = record
        else:
            self.ended = record

    def _write(self, record: _Record) -> None:
        file = self._file
        if file is None:
            return
        start = file.seek(0, os.SEEK_END)
        try:
            file.write(_encoder.encode(record) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            file.truncate(start)  # half a line must not stand before the next
            raise


def _for_its_owner(path: str, flags: int) -> int:
    """A new file is for its owner alone: it holds all that was said."""
    return os.open(path, flags, 0o600)


def _lock(file: IO[bytes], path: Path) -> None:
    try:
        import fcntl
    except ImportError:  # no such locks on this platform
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise JournalError(f"another run is writing the journal {path}; wait for it, or use another file") from None
