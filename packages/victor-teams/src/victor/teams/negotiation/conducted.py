"""What every protocol of this package can do: be held within limits, recorded, and replayed without anybody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import attrs
from attrs import define, field

from victor.core import event_loop
from victor.core.events import EventStream, get_stream
from victor.teams.negotiation.errors import NegotiationError
from victor.teams.negotiation.party import name_parties
from victor.teams.negotiation.plain_data import to_plain
from victor.teams.negotiation.record import Record
from victor.teams.negotiation.result import NegotiationResult, Outcome
from victor.teams.negotiation.table import Table

__all__ = ["Conducted", "at_least", "described", "seconds", "sync"]


def seconds(_: Any, attribute: Any, value: Any) -> None:
    """Validate a time limit."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0):
        raise NegotiationError(f"{attribute.name} is a number of seconds above 0, or None for no limit, not {value!r}")


def at_least(least: int) -> Any:
    """Validate a whole number."""

    def check(_: Any, attribute: Any, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise NegotiationError(f"{attribute.name} is a whole number of at least {least}, not {value!r}")

    return check


@define(kw_only=True)
class Conducted:
    """The common part of the protocols.

    Args:
        timeout_s: Seconds a party has for one answer; who does not answer is left out of that step, and reported.
        deadline_s: Seconds the whole negotiation has; None for no limit.
        answer_limit: Most characters of an answer.
        stream: The event stream; None for the default one.
    """

    protocol: ClassVar[str]
    least_parties: ClassVar[int] = 1

    timeout_s: float | None = field(default=120.0, validator=seconds)
    deadline_s: float | None = field(default=900.0, validator=seconds)
    answer_limit: int = field(default=64_000, validator=at_least(1))
    stream: EventStream | None = None

    async def conduct(self, table: Table, topic: Any, context: Any) -> Outcome:
        """Hold the negotiation at a table."""
        raise NotImplementedError

    def settings(self) -> dict[str, Any]:
        """How it is set up, as plain data, for the record."""
        return {
            one.name: described(getattr(self, one.name))
            for one in attrs.fields(type(self))
            if one.name != "stream" and getattr(self, one.name) != one.default
        }

    async def replay(self, record: Record) -> NegotiationResult:
        """Hold a recorded negotiation again; the record answers in place of the parties.

        Raises:
            NegotiationError: The record is of another protocol, or does not fit these settings.
        """
        if record.protocol != self.protocol:
            raise NegotiationError(f"this is the record of {record.protocol!r}, not of {self.protocol!r}")
        roles = dict.fromkeys(record.settings.get("roles", ()))
        return await self._hold(dict.fromkeys(record.parties), roles, record.topic, record.context, record)

    async def _begin(
        self,
        parties: Iterable[Any],
        topic: Any,
        context: Any,
        *,
        least: int | None = None,
        roles: Mapping[str, Any] | None = None,
    ) -> NegotiationResult:
        named = name_parties(parties)
        least = self.least_parties if least is None else least
        if len(named) < least:
            raise NegotiationError(f"{self.protocol} needs at least {least} parties, not {len(named)}")
        topic = to_plain(topic, limit=10_000_000, what="the topic")
        context = to_plain(context, limit=10_000_000, what="the context")
        given = {role: one for role, one in (roles or {}).items() if one is not None}
        return await self._hold(named, given, topic, context, None)

    async def _hold(
        self, parties: Mapping[str, Any], roles: Mapping[str, Any], topic: Any, context: Any, replay: Record | None
    ) -> NegotiationResult:
        stream = self.stream or get_stream()
        table = Table(
            parties,
            stream=EventStream() if replay is not None else stream,
            name=self.protocol,
            timeout_s=self.timeout_s,
            deadline_s=self.deadline_s,
            answer_limit=self.answer_limit,
            replay=replay,
        )
        for role, one in roles.items():
            table.seat(role, one)
        outcome = await self.conduct(table, topic, context)
        record = Record(
            self.protocol,
            {**self.settings(), **({"roles": list(roles)} if roles else {})},
            table.members,
            topic,
            context,
            tuple(table.entries),
            tuple(table.expired),
            {
                "stop_reason": outcome.stop_reason.value,
                "explanation": outcome.explanation,
                "agreement": to_plain(outcome.agreement, limit=100_000_000),
                "rounds": outcome.rounds or table.round,
                "resolved_by": outcome.resolved_by,
                "details": to_plain(outcome.details, limit=100_000_000),
                "problems": to_plain(table.problems, limit=100_000_000),
            },
        )
        return NegotiationResult(
            stop_reason=outcome.stop_reason,
            explanation=outcome.explanation,
            agreement=outcome.agreement,
            rounds=outcome.rounds or table.round,
            resolved_by=outcome.resolved_by,
            proposal=outcome.proposal,
            proposals=outcome.proposals,
            votes=outcome.votes,
            details=outcome.details,
            problems=tuple(table.problems),
            record=record,
        )


def described(value: Any) -> Any:
    """A setting as plain data: rules and resolutions know how, the rest is plain already."""
    from victor.teams.voting.registry import describe_rule
    from victor.teams.voting.rule import Rule

    as_setting = getattr(value, "as_setting", None)
    if callable(as_setting):
        return to_plain(as_setting(), limit=1_000_000, what="a setting")
    spec = getattr(value, "spec", None)
    if isinstance(spec, str):
        return spec
    if isinstance(value, Rule):
        return describe_rule(value)
    if isinstance(value, (list, tuple)):
        return [described(one) for one in value]
    return to_plain(value, limit=1_000_000, what="a setting")


def sync(work: Any) -> NegotiationResult:
    """Run a negotiation where there is no event loop."""
    if event_loop.is_running():
        work.close()
        raise NegotiationError(
            "negotiate_sync was called inside a running event loop; write 'await ....negotiate(...)' there"
        )
    result: NegotiationResult = event_loop.run(work)
    return result
