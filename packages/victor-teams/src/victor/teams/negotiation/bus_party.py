"""Parties that live elsewhere: in another task or, with a bus across machines, in another process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import attrs
from attrs import frozen

from victor.teams.negotiation.alternating_offers import Progress
from victor.teams.negotiation.delphi import Feedback
from victor.teams.negotiation.errors import NegotiationError
from victor.teams.negotiation.party import call_party
from victor.teams.negotiation.plain_data import to_plain
from victor.teams.negotiation.result import Proposal, Vote

if TYPE_CHECKING:
    from victor.teams.communication.bus import Bus
    from victor.teams.communication.message import AgentMessage

__all__ = ["BusParty", "serve_party"]

_KINDS: Final = MappingProxyType({kind.__name__: kind for kind in (Proposal, Vote, Progress, Feedback)})
_TAG: Final = "$kind"
_LARGEST: Final = 10_000_000


@frozen
class BusParty:
    """A party that is asked over a bus; `serve_party` answers at the other end.

    It is asked for everything that a party is asked for, except ``refine``: it proposes again instead.

    Args:
        bus: The bus.
        name: The party's name, there and in the negotiation.
        sender: In whose name it is asked.

    Example:
        >>> import asyncio
        >>> from victor.teams.communication import MessageBus
        >>> from victor.teams.negotiation import VotingProtocol
        >>> class Member:
        ...     def vote(self, proposals): return proposals[0].id
        >>> async def main():
        ...     async with MessageBus() as bus:
        ...         for name in ("ann", "bob"):
        ...             await serve_party(bus, name, Member())
        ...         parties = [BusParty(bus, "ann"), BusParty(bus, "bob")]
        ...         return await VotingProtocol().vote(parties, ["tea", "milk"])
        >>> asyncio.run(main()).agreement
        'tea'
    """

    bus: Bus
    name: str
    sender: str = "negotiation"

    async def answer_call(self, what: str, arguments: tuple[Any, ...], hints: Mapping[str, Any] | None) -> Any:
        """Ask over the bus; the negotiation limits the time."""
        content = {"ask": what, "arguments": [_sent(one) for one in arguments], "hints": _sent(dict(hints or {}))}
        response = await self.bus.request(self.sender, self.name, content, timeout=86_400.0)
        return response.content

    def __deepcopy__(self, _: Any) -> BusParty:
        return self


async def serve_party(bus: Bus, name: str, party: Any, *, answer_limit: int = 64_000) -> Callable[[], Awaitable[None]]:
    """Put a party on a bus, where a `BusParty` of that name reaches it.

    Args:
        bus: The bus; the name must not be on it yet.
        name: What the party is called there.
        party: An object with the methods of a party, or an `Agent`.
        answer_limit: Most characters of an answer.

    Returns:
        An async function that ends it and takes the name off the bus.
    """
    await bus.join(name)

    async def handle(message: AgentMessage) -> Any:
        content = message.content
        if not isinstance(content, Mapping) or not isinstance(content.get("ask"), str):
            raise NegotiationError("this party answers questions of a negotiation, and this is none")
        what, arguments = content["ask"], content.get("arguments")
        if what.startswith("_") or not isinstance(arguments, (list, tuple)):
            raise NegotiationError(f"a negotiation asks for no {what!r}")
        hints = _received(content.get("hints"))
        answer = await call_party(party, what, tuple(_received(one) for one in arguments), hints or None)
        return to_plain(answer, limit=answer_limit)

    stop_serving = await bus.serve(name, handle, concurrency=4)

    async def stop() -> None:
        await stop_serving()
        await bus.leave(name)

    return stop


def _sent(value: Any) -> Any:
    """Plain data from which `_received` makes the same objects again."""
    if type(value).__name__ in _KINDS and type(value) is _KINDS[type(value).__name__]:
        fields = {one.name: _sent(getattr(value, one.name)) for one in attrs.fields(type(value))}
        return {_TAG: type(value).__name__, "fields": fields}
    if isinstance(value, Mapping):
        plain = {str(key): _sent(inner) for key, inner in value.items()}
        return {_TAG: "mapping", "fields": plain} if _TAG in plain else plain
    if isinstance(value, tuple):
        return {_TAG: "tuple", "fields": {str(number): _sent(one) for number, one in enumerate(value)}}
    if isinstance(value, list):
        return [_sent(one) for one in value]
    return to_plain(value, limit=_LARGEST)


def _received(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_received(one) for one in value]
    if not isinstance(value, Mapping):
        return value
    if _TAG not in value:
        return {key: _received(inner) for key, inner in value.items()}
    fields = {key: _received(inner) for key, inner in value["fields"].items()}
    kind = value[_TAG]
    if kind == "tuple":
        return tuple(fields.values())
    return fields if kind == "mapping" else _KINDS[kind](**fields)
