"""The negotiating table: asks parties within limits, keeps what they say, and contains what they do wrong."""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

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


_Given: TypeAlias = "tuple[Any, _Failure | None]"
_NOT_NEEDED: Final = _Failure("not_needed", "the result was certain before it answered")
_ABANDONED: Final[set[asyncio.Task[Any]]] = set()
"""Calls that were given up: asyncio itself keeps no reference to a task."""


@frozen
class _Past:
    """The answers of a record, to be given again: who was asked what, and the how-manyth time."""

    answers: Mapping[tuple[str, str, int], Entry]
    places: Mapping[int, int]
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
        places = {id(entry): place for place, entry in enumerate(record.entries)}
        return cls(answers, places, frozenset(record.expired))


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
        self.parties: dict[str, Any] = dict(parties)
        self.members: tuple[str, ...] = tuple(parties)
        self.roles: dict[str, str] = {}
        self.stream = stream
        self.name = name
        self.round: int = 0
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
        hints: Mapping[str, Any] | None = None,
        each: Callable[[str, Answer], bool] | None = None,
    ) -> dict[str, Answer]:
        """Ask several parties at once. Every one of them is in the result; failures are reported, never raised.

        Args:
            parties: Whom.
            what: For what: the name of the method.
            arguments: What each one gets; it gets a copy, so nothing it does to them has an effect.
            timeout_s: Seconds they have, instead of the usual ones.
            patient: Do not end at the deadline of the negotiation.
            hints: What an `Agent` is told besides: ``"topic"``, ``"context"``, and the ``"schema"`` of its answer.
            each: Called with each answer as it comes, and the name of who gave it; with True nobody is waited for
                any more. The answers are then in the order in which they came.
        """
        names = list(parties)
        if self._past is not None:
            given = self._remembered(self._past, names, what, each)
        else:
            wait_s = timeout_s or self._timeout_s
            given = await self._asked_live(names, what, arguments, wait_s, patient, hints, each)
        answers: dict[str, Answer] = {}
        for name, (value, failure) in given.items():
            if failure is None:
                self.entries.append(Entry(self.round, name, (), what, value, answer=True))
                answers[name] = Answer(copy.deepcopy(value))
            else:
                self.entries.append(Entry(self.round, name, (), what, failure.text, failure.kind, answer=True))
                if failure.kind != _NOT_NEEDED.kind:
                    self.report(name, what, failure.kind, failure.text)
                answers[name] = Answer(failure=failure.kind)
        return answers

    def _remembered(
        self, past: _Past, names: list[str], what: str, each: Callable[[str, Answer], bool] | None
    ) -> dict[str, _Given]:
        entries: dict[str, Entry] = {}
        for name in names:
            count = self._asked[name, what] = self._asked.get((name, what), 0) + 1
            entry = past.answers.get((name, what, count))
            if entry is None:
                raise NegotiationError(
                    f"the record does not fit this protocol: {name!r} was not asked {count} times for {what!r}"
                )
            entries[name] = entry
        if each is not None:
            names = sorted(names, key=lambda name: past.places[id(entries[name])])
        given: dict[str, _Given] = {}
        for name in names:
            entry = entries[name]
            failure = _Failure(entry.failure, str(entry.content)) if entry.failure else None
            given[name] = None if failure else copy.deepcopy(entry.content), failure
            if each is not None and entry.failure not in ("timeout", "deadline", _NOT_NEEDED.kind):
                each(name, _answer(given[name]))
        return given

    async def _asked_live(
        self, names: list[str], what: str, arguments: Callable[[str], tuple[Any, ...]], timeout_s: float | None,
        patient: bool, hints: Mapping[str, Any] | None, each: Callable[[str, Answer], bool] | None,
    ) -> dict[str, _Given]:  # fmt: skip
        left = None if self._ends is None or patient else max(0.0, self._ends - time.monotonic())
        by_deadline = left is not None and (timeout_s is None or left < timeout_s)
        wait_s = left if by_deadline else timeout_s
        ends = None if wait_s is None else time.monotonic() + wait_s
        tasks = {
            name: asyncio.create_task(self._called(name, what, copy.deepcopy(arguments(name)), hints)) for name in names
        }
        given: dict[str, _Given] = {}
        if by_deadline:
            late = _Failure("deadline", "the time of the negotiation was up before it answered")
        else:
            late = _Failure("timeout", f"no answer within {timeout_s:g} s" if timeout_s is not None else "no answer")
        waiting = set(tasks.values())
        try:
            while waiting:
                done, waiting = await asyncio.wait(
                    waiting,
                    timeout=None if ends is None else max(0.0, ends - time.monotonic()),
                    return_when=asyncio.ALL_COMPLETED if each is None else asyncio.FIRST_COMPLETED,
                )
                if each is None or not done:
                    break
                for name in [name for name, task in tasks.items() if task in done]:
                    given[name] = self._found(tasks[name])
                    if each(name, _answer(given[name])):
                        late = _NOT_NEEDED
                if late is _NOT_NEEDED:
                    break
        finally:
            for task in tasks.values():
                if not task.done():
                    # Not awaited: a party that ignores its cancellation must not hold up the others.
                    _ABANDONED.add(task)
                    task.add_done_callback(_forget)
                    task.cancel()
        for name, task in tasks.items():
            if name not in given:
                given[name] = self._found(task) if each is None and task.done() else (None, late)
        return given

    async def _called(self, name: str, what: str, arguments: tuple[Any, ...], hints: Mapping[str, Any] | None) -> Any:
        try:
            value = await call_party(self.parties[name], what, arguments, hints)
        except NotImplementedError as error:
            raise _Failure("unable", str(error) or "it cannot do this") from error
        except (Exception, SystemExit) as error:
            raise _Failure("error", self._described(error)) from error
        try:
            return to_plain(value, limit=self._answer_limit)
        except NegotiationError as error:
            raise _Failure("too_large" if "more than" in str(error) else "invalid", str(error)) from error
        except Exception as error:  # a hostile object: whatever it does when it is looked at
            raise _Failure("invalid", f"the answer cannot be read: {type(error).__name__}") from error

    def _described(self, error: BaseException) -> str:
        try:
            text = f"{type(error).__name__}: {error}"
        except Exception:  # noqa: BLE001 - an error that cannot be printed
            text = type(error).__name__
        text = self.stream.redactor.text(text[:2000])
        return text if len(text) <= 500 else text[:497] + "..."

    def _found(self, task: asyncio.Task[Any]) -> _Given:
        if task.cancelled():
            return None, _Failure("error", "it cancelled itself")
        error = task.exception()
        if error is None:
            return task.result(), None
        if isinstance(error, _Failure):
            return None, error
        raise error


def _answer(given: _Given) -> Answer:
    value, failure = given
    return Answer(copy.deepcopy(value)) if failure is None else Answer(failure=failure.kind)


def _forget(task: asyncio.Task[Any]) -> None:
    _ABANDONED.discard(task)
    if not task.cancelled():
        task.exception()  # read, so that asyncio does not report it a second time
