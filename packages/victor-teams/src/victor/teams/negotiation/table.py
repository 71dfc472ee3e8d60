"""The negotiating table: asks parties within limits, keeps what they say, and contains what they do wrong."""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import frozen

from victor.teams.negotiation.errors import NegotiationError
from victor.teams.negotiation.party import call_party
from victor.teams.negotiation.plain_data import to_plain
from victor.teams.negotiation.record import Entry, PartyProblem, Record

if TYPE_CHECKING:
    from victor.core.events import EventStream, Operation

__all__ = ["Answer", "Table"]


@frozen
class Answer:
    """What a party answered.

    Args:
        value: The answer as plain data.
        failure: Why there is none; ``""`` when there is.
    """

    value: Any = None
    failure: str = ""


@frozen
class _Failure(Exception):  # noqa: N818 - how a failed call comes back
    kind: str
    text: str


_ABANDONED: set[asyncio.Task[Any]] = set()
"""Calls that were given up: asyncio itself keeps no reference to a task."""


@frozen
class _Past:
    """The answers of a record, to be given again: who was asked what, and the how-manyth time."""

    answers: Mapping[tuple[str, str, int], Entry]
    expired: frozenset[int]

    @classmethod
    def of(cls, record: Record) -> _Past:
        counts: dict[tuple[str, str], int] = {}
        answers: dict[tuple[str, str, int], Entry] = {}
        for entry in record.entries:
            if entry.answer:
                key = (entry.sender, entry.what)
                counts[key] = counts.get(key, 0) + 1
                answers[(*key, counts[key])] = entry
        return cls(answers, frozenset(record.expired))


class Table:
    """One negotiation while it is held.

    Args:
        parties: Who takes part, by name.
        stream: Where rounds and votes are reported.
        name: What the negotiation is called in events.
        timeout_s: Seconds a party has for one answer.
        deadline_s: Seconds the whole negotiation has; None for no limit.
        answer_limit: Most characters of an answer.
        replay: A record that answers instead of the parties.

    Attributes:
        parties: Whoever can be asked, by name.
        members: Who takes part.
        roles: Names of those who have a role, such as the mediator.
        round: The round that is held.
        problems: What parties did wrong so far.
        entries: What was said so far.
        expired: At which looks at the clock the time was up.
    """

    def __init__(
        self,
        parties: Mapping[str, Any],
        *,
        stream: EventStream,
        name: str,
        timeout_s: float | None,
        deadline_s: float | None,
        answer_limit: int,
        replay: Record | None = None,
    ) -> None:
        self.parties = dict(parties)
        self.members = tuple(parties)
        self.roles: dict[str, str] = {}
        self.stream = stream
        self.name = name
        self.round = 0
        self.problems: list[PartyProblem] = []
        self.entries: list[Entry] = []
        self.expired: list[int] = []
        self._timeout_s = timeout_s
        self._answer_limit = answer_limit
        self._ends = None if deadline_s is None else time.monotonic() + deadline_s
        self._looks = 0
        self._past = None if replay is None else _Past.of(replay)
        self._asked: dict[tuple[str, str], int] = {}

    def begin_round(self) -> Operation:
        """Begin the next round; enter what this returns with ``with``."""
        self.round += 1
        return self.stream.operation("negotiation.round", self.name, {"round": self.round, "protocol": self.name})

    def out_of_time(self) -> bool:
        """Whether the deadline is over. In a replay, whether it was."""
        self._looks += 1
        if self._past is not None:
            over = self._looks in self._past.expired
        else:
            over = self._ends is not None and time.monotonic() >= self._ends
        if over:
            self.expired.append(self._looks)
        return over

    @property
    def replaying(self) -> bool:
        """Whether a record answers in place of the parties."""
        return self._past is not None

    def will_answer(self, name: str, what: str) -> bool:
        """In a replay, whether the record has one more answer of this party to this."""
        count = self._asked.get((name, what), 0) + 1
        return self._past is not None and (name, what, count) in self._past.answers

    def seat(self, name: str, party: Any) -> str:
        """Let somebody be asked who is no member, such as a mediator; returns the name it got."""
        role = name
        while name in self.parties:
            name = f"{name} (called in)"
        self.parties[name] = party
        self.roles[role] = name
        return name

    def tell(self, what: str, content: Any, *, sender: str = "", receivers: Sequence[str] = ()) -> None:
        """Note something the protocol says."""
        self.entries.append(Entry(self.round, sender, tuple(receivers), what, content))

    def report(self, party: str, what: str, kind: str, text: str) -> None:
        """Note what a party did wrong."""
        self.problems.append(PartyProblem(party, self.round, what, kind, text))

    async def ask(
        self, party: str, what: str, *arguments: Any, timeout_s: float | None = None, patient: bool = False
    ) -> Answer:
        """Ask one party; see `ask_all`."""
        answers = await self.ask_all([party], what, lambda _: arguments, timeout_s=timeout_s, patient=patient)
        return answers[party]

    async def ask_all(
        self,
        parties: Iterable[str],
        what: str,
        arguments: Callable[[str], tuple[Any, ...]],
        *,
        timeout_s: float | None = None,
        patient: bool = False,
    ) -> dict[str, Answer]:
        """Ask several parties at once. Every one of them is in the result; failures are reported, never raised.

        Args:
            parties: Whom.
            what: For what: the name of the method.
            arguments: What each one gets; it gets a copy, so nothing it does to them has an effect.
            timeout_s: Seconds they have, instead of the usual ones.
            patient: Do not end at the deadline of the negotiation.
        """
        names = list(parties)
        if self._past is not None:
            given = {name: self._remembered(self._past, name, what) for name in names}
        else:
            given = await self._asked_live(names, what, arguments, timeout_s or self._timeout_s, patient)
        answers: dict[str, Answer] = {}
        for name, (value, failure) in given.items():
            if failure is None:
                self.entries.append(Entry(self.round, name, (), what, value, answer=True))
                answers[name] = Answer(copy.deepcopy(value))
            else:
                self.entries.append(Entry(self.round, name, (), what, failure.text, failure.kind, answer=True))
                self.report(name, what, failure.kind, failure.text)
                answers[name] = Answer(failure=failure.kind)
        return answers

    def _remembered(self, past: _Past, name: str, what: str) -> tuple[Any, _Failure | None]:
        count = self._asked[name, what] = self._asked.get((name, what), 0) + 1
        entry = past.answers.get((name, what, count))
        if entry is None:
            raise NegotiationError(
                f"the record does not fit this protocol: {name!r} was not asked {count} times for {what!r}"
            )
        if entry.failure:
            return None, _Failure(entry.failure, str(entry.content))
        return copy.deepcopy(entry.content), None

    async def _asked_live(
        self, names: list[str], what: str, arguments: Callable[[str], tuple[Any, ...]], timeout_s: float | None,
        patient: bool,
    ) -> dict[str, tuple[Any, _Failure | None]]:  # fmt: skip
        left = None if self._ends is None or patient else max(0.0, self._ends - time.monotonic())
        by_deadline = left is not None and (timeout_s is None or left < timeout_s)
        tasks = {
            name: asyncio.create_task(self._called(name, what, copy.deepcopy(arguments(name))), name=f"{name}: {what}")
            for name in names
        }
        try:
            if tasks:
                await asyncio.wait(tasks.values(), timeout=left if by_deadline else timeout_s)
        finally:
            for task in tasks.values():
                if not task.done():
                    # Not awaited: a party that ignores its cancellation must not hold up the others.
                    _ABANDONED.add(task)
                    task.add_done_callback(_forget)
                    task.cancel()
        if by_deadline:
            late = _Failure("deadline", "the time of the negotiation was up before it answered")
        else:
            late = _Failure("timeout", f"no answer within {timeout_s:g} s" if timeout_s is not None else "no answer")
        return {name: self._found(task) if task.done() else (None, late) for name, task in tasks.items()}

    async def _called(self, name: str, what: str, arguments: tuple[Any, ...]) -> Any:
        try:
            value = await call_party(self.parties[name], what, arguments)
        except NotImplementedError as error:
            raise _Failure("unable", str(error) or "it cannot do this") from error
        except (Exception, SystemExit) as error:
            text = self.stream.redactor.text(f"{type(error).__name__}: {error}"[:2000])
            raise _Failure("error", text if len(text) <= 500 else text[:497] + "...") from error
        try:
            return to_plain(value, limit=self._answer_limit)
        except NegotiationError as error:
            raise _Failure("too_large" if "more than" in str(error) else "invalid", str(error)) from error
        except Exception as error:  # a hostile object: whatever it does when it is looked at
            raise _Failure("invalid", f"the answer cannot be read: {type(error).__name__}") from error

    def _found(self, task: asyncio.Task[Any]) -> tuple[Any, _Failure | None]:
        if task.cancelled():
            return None, _Failure("error", "it cancelled itself")
        error = task.exception()
        if error is None:
            return task.result(), None
        if isinstance(error, _Failure):
            return None, error
        raise error


def _forget(task: asyncio.Task[Any]) -> None:
    _ABANDONED.discard(task)
    if not task.cancelled():
        task.exception()  # read, so that asyncio does not report it a second time
