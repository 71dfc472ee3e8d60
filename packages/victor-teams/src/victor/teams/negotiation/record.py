"""The record of a negotiation: everything that was said, as plain data that can be kept, drawn and replayed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from attrs import asdict, field, frozen

from victor.teams.negotiation.errors import NegotiationError

__all__ = ["Entry", "PartyProblem", "Record"]

_VERSION: Final = 1


@frozen
class Entry:
    """One thing that was said, or not said.

    Args:
        round: In which round, from 1; 0 before the first.
        sender: Whose it is; ``""`` for the protocol itself.
        receivers: Whom it goes to; empty for everybody.
        what: ``"propose"``, ``"vote"``, ``"respond"``, ``"bid"``, ...
        content: What was said, plain data.
        failure: Why there is no answer (``"timeout"``, ``"error"``, ``"too_large"``, ``"deadline"``, ``"unable"``);
            the content is then a text about it.
        answer: Whether it answers a question of the protocol; replaying gives these answers again.
    """

    round: int
    sender: str
    receivers: tuple[str, ...]
    what: str
    content: Any = None
    failure: str = ""
    answer: bool = False


@frozen
class PartyProblem:
    """Something a party did wrong, or did not do. It was left out, and the negotiation went on.

    Args:
        party: Whose it is.
        round: In which round.
        what: What it was asked for.
        kind: ``"timeout"``, ``"error"``, ``"too_large"``, ``"unable"``, ``"deadline"``, ``"invalid"``, ...
        text: What was wrong.
    """

    party: str
    round: int
    what: str
    kind: str
    text: str

    def __str__(self) -> str:
        return f"round {self.round}, {self.party}, {self.what}: {self.text}"


@frozen
class Record:
    """A whole negotiation.

    Args:
        protocol: Its name, such as ``"proposals"``.
        settings: How it was set up, plain data.
        parties: Who took part.
        topic: What it was about.
        context: What the parties were given.
        entries: What was said, in order.
        expired: At which of the protocol's looks at the clock the deadline was over.
        outcome: What it came to.

    Example:
        >>> record = Record("proposals", {}, ("ann", "bob"), "lunch", None, (Entry(1, "ann", (), "propose", "soup"),))
        >>> Record.from_json(record.to_json()) == record
        True
    """

    protocol: str
    settings: Mapping[str, Any]
    parties: tuple[str, ...]
    topic: Any
    context: Any
    entries: tuple[Entry, ...] = ()
    expired: tuple[int, ...] = ()
    outcome: Mapping[str, Any] = field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        return {"version": _VERSION, **asdict(self, value_serializer=_listed)}

    def to_json(self, *, indent: int | None = None) -> str:
        """The same as JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=indent)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Record:
        """Read what `to_dict` wrote.

        Raises:
            NegotiationError: It is no record, or of a version this one cannot read.
        """
        try:
            if data["version"] != _VERSION:
                raise NegotiationError(f"the record is of version {data['version']!r}, and version {_VERSION} is read")
            entries = tuple(Entry(**{**entry, "receivers": tuple(entry["receivers"])}) for entry in data["entries"])
            rest = {name: data[name] for name in ("protocol", "settings", "topic", "context", "outcome")}
            return cls(parties=tuple(data["parties"]), entries=entries, expired=tuple(data["expired"]), **rest)
        except (KeyError, TypeError) as error:
            raise NegotiationError(f"this is no record of a negotiation: {type(error).__name__}: {error}") from error

    @classmethod
    def from_json(cls, text: str) -> Record:
        """Read what `to_json` wrote.

        Raises:
            NegotiationError: As in `from_dict`.
        """
        try:
            data = json.loads(text)
        except ValueError as error:
            raise NegotiationError(f"the record is no JSON: {error}") from error
        return cls.from_dict(data)


def _listed(_: Any, __: Any, value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
