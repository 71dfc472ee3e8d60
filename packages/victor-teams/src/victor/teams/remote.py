"""Members in other processes: they take their turns over a bus.

`serve_member` lets a member act for teams elsewhere; `RemoteMember` is what stands for it there. What travels is plain
data: the task, what is asked, what the member may see, the form of the answer as JSON Schema, the shared memory, what
is left of the budget; and back the answer, what it has used, or why there is none. The ``deps`` of a run do not travel:
a worker has its own.

Over NATS several processes may serve one member. Each turn is stored, goes to one of them, and goes to another when
that one dies.

Example:
    >>> import asyncio
    >>> from victor.teams import Sequential, Team
    >>> from victor.teams.communication import MessageBus
    >>> def shout(ask):
    ...     return ask.text.upper()
    >>> async def main():
    ...     async with MessageBus() as bus:
    ...         await serve_member(bus, shout)
    ...         team = Team([RemoteMember("shout", bus)], Sequential())
    ...         return (await team.run("hello")).output
    >>> asyncio.run(main())
    'HELLO'
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from victor.core.message import Usage
from victor.teams.acting import in_its_own_task
from victor.teams.errors import MemberError
from victor.teams.limits import least
from victor.teams.member import Ask, Member, Reply, as_member, depth_of
from victor.teams.remote_turn import Asked, answered_by, ask_of, asked_of, reply_of

if TYPE_CHECKING:
    from victor.teams.communication.bus import Bus, StopServing
    from victor.teams.communication.message import AgentMessage

__all__ = ["RemoteMember", "ServedTurn", "serve_member"]


class RemoteMember:
    """Stands for a member that acts in another process.

    Args:
        name: Its name in the team.
        bus: The bus on which it is served, or its address; ``VICTOR_BUS`` where left out. A bus that is given by its
            address is opened for each turn.
        address: Its name on the bus; its name in the team by default.
        description: What it is good at.
        sees: What it sees of the others, instead of what the pattern says.
        timeout_s: Seconds of a turn, where the team has no lower limit.
        patience_s: Seconds for which nobody may serve it: then it has failed.
        sender: Who asks, for the record of the bus.
    """

    def __init__(
        self,
        name: str,
        bus: Bus | str | None = None,
        *,
        address: str = "",
        description: str = "",
        sees: Any = None,
        timeout_s: float | None = None,
        patience_s: float = 10.0,
        sender: str = "team",
    ) -> None:
        self.name = name
        self.bus = bus
        self.address: str = address or name
        self.description = description
        self.sees = sees
        self.patience_s = patience_s
        self._timeout = timeout_s
        self._sender = sender

    punctual = True
    """Keeps to the time in `Ask.limits` by itself."""

    async def act(self, ask: Ask) -> Reply:
        """Ask it over the bus."""
        from victor.teams.communication.errors import BusError, NobodyServesError, RequestTimeoutError

        asked = msgspec.to_builtins(asked_of(ask, self.name))
        timeout = self._timeout if ask.limits is None else least(self._timeout, ask.limits.timeout_s)
        try:
            async with _opened(self.bus) as bus:
                response = await bus.delegate(
                    self._sender, self.address, asked, timeout=timeout, patience_s=self.patience_s
                )
        except NobodyServesError as error:
            raise MemberError(f"{error}. A worker serves it: victor team worker FILE", member=self.name) from error
        except RequestTimeoutError as error:
            raise MemberError(f"no answer within {timeout:.4g} s", member=self.name) from error
        except BusError as error:
            raise MemberError(str(error), member=self.name) from error
        return reply_of(response.content, ask, self.name)

    def __repr__(self) -> str:
        return f"RemoteMember({self.name!r}, address={self.address!r})"


class ServedTurn(Struct, frozen=True):
    """A turn that was taken for a team elsewhere.

    Args:
        member: Who took it.
        prompt: What was asked.
        text: What was answered, or ``""``.
        error: Why there is no answer, or ``""``.
        usage: Tokens.
        duration_s: Seconds.
    """

    member: str
    prompt: str
    text: str = ""
    error: str = ""
    usage: Usage = Usage(0, 0)
    duration_s: float = 0.0


async def serve_member(
    bus: Bus,
    who: Any,
    *,
    address: str = "",
    concurrency: int = 4,
    idempotent: bool | None = None,
    deps: Any = None,
    on_turn: Callable[[ServedTurn], None] | None = None,
) -> StopServing:
    """Let a member take turns over a bus from now on.

    Args:
        bus: The bus.
        who: An agent, a function, a team, a `Human`, or whatever `as_member` takes.
        address: Its name on the bus; its own name by default.
        concurrency: Turns at once.
        idempotent: False where a turn must not be taken twice: when its worker dies in the middle it has failed, and is
            not given to another. None for what the member says by an attribute of that name, else True.
        deps: For its tools.
        on_turn: Called with each turn that was taken.

    Returns:
        An async function that ends it, once the turns in hand are done; with ``grace_s`` what is not done after that
        time is given back.

    Raises:
        ConfigurationError: It is no member.
        BusError: The bus does not take it.
    """
    member = as_member(who)
    name = address or member.name
    twice = bool(getattr(member, "idempotent", True)) if idempotent is None else idempotent
    if name not in bus.members:
        await bus.join(name)

    async def take_turn(message: AgentMessage) -> Any:
        asked = msgspec.convert(message.content, Asked)
        ask = ask_of(asked, message.metadata.get("timeout_s"), deps)
        began = time.perf_counter()
        try:
            outcome: Reply | Exception = await _in_time(member, ask)
        except Exception as error:  # noqa: BLE001 - told to the team
            outcome = error
        answered = answered_by(outcome, ask, len(asked.recorded))
        if on_turn is not None:
            why = answered.failed or (f"waits: {answered.waiting}" if answered.waiting else "")
            on_turn(
                ServedTurn(
                    member.name, ask.text or ask.task, answered.text, why, answered.usage, time.perf_counter() - began
                )
            )
        return msgspec.to_builtins(answered, enc_hook=_plain)

    return await bus.serve(name, take_turn, concurrency=concurrency, idempotent=twice)


async def _in_time(member: Member, ask: Ask) -> Reply:
    seconds = None if ask.limits is None else ask.limits.timeout_s
    reply: Any = await in_its_own_task(partial(member.act, ask), member.name, seconds, depth_of(member))
    if not isinstance(reply, Reply):
        raise MemberError(f"act() returned a {type(reply).__name__}, not a Reply", member=member.name)
    return reply


@asynccontextmanager
async def _opened(bus: Bus | str | None) -> AsyncIterator[Bus]:
    """The bus, opened for as long as it is needed where there is only an address."""
    if bus is not None and not isinstance(bus, str):
        yield bus
        return
    from victor.teams.communication.bus import open_bus
    from victor.teams.communication.errors import BusError
    from victor.teams.communication.message_bus import MessageBus

    made = open_bus(bus)
    if isinstance(made, MessageBus):
        raise BusError(
            "it acts in another process, and there is no bus to reach it by: set VICTOR_BUS=nats://host:port"
        )
    try:
        yield made
    finally:
        await made.close()


def _plain(value: Any) -> Any:
    dump = getattr(value, "model_dump", None)
    return dump(mode="json") if dump is not None else str(value)
