"""Members in other processes: they take their turns over the bus.

`serve_member` puts a member on a bus under an address; `RemoteMember` is what stands for it in a team elsewhere. What
travels is plain data: the task, what is asked, what the member may see, the form of the answer as JSON Schema, and what
is left of the budget. Over NATS several workers may serve one address; each turn goes to one of them.

Example:
    >>> import asyncio
    >>> from victor.teams import Sequential, Team
    >>> from victor.teams.communication import MessageBus
    >>> def shout(ask):
    ...     return ask.text.upper()
    >>> async def main():
    ...     async with MessageBus() as bus:
    ...         await serve_member(bus, shout)
    ...         await bus.join("team")
    ...         team = Team([RemoteMember("shout", bus)], Sequential())
    ...         return (await team.run("hello")).output
    >>> asyncio.run(main())
    'HELLO'
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from victor.core.message import Message, Usage
from victor.teams.errors import MemberError
from victor.teams.member import Ask, Left, Reply, as_member
from victor.teams.memory import MemoryView

if TYPE_CHECKING:
    from victor.teams.communication.bus import Bus
    from victor.teams.communication.message import AgentMessage

__all__ = ["RemoteMember", "serve_member"]


class _Asked(Struct, omit_defaults=True):
    task: str
    text: str
    history: list[Message] = []
    form: dict[str, Any] | None = None
    limits: Left | None = None
    memory: dict[str, Any] = {}


class _Answered(Struct, omit_defaults=True):
    text: str = ""
    data: Any = None
    handoff: str | None = None
    usage: Usage = Usage(0, 0)
    cost_usd: float | None = 0.0
    tokens: int | None = None
    turns: int = 0
    memory: dict[str, Any] = {}
    failed: str = ""


class RemoteMember:
    """A member that acts in another process.

    Args:
        name: Its name in the team.
        bus: The bus on which it is served.
        address: Its name on the bus; its name in the team by default.
        sender: The name under which the team asks; it must be on the bus.
        description: What it is good at.
        timeout_s: Seconds to wait for an answer; the time that is left of the turn where that is less.
        retries: How often it is asked again. The request keeps its id, so that a worker that has it does not act twice.
        sees: What it sees of the others, instead of what the pattern says.
    """

    def __init__(
        self,
        name: str,
        bus: Bus,
        *,
        address: str = "",
        sender: str = "team",
        description: str = "",
        timeout_s: float = 300.0,
        retries: int = 0,
        sees: Any = None,
    ) -> None:
        self.name = name
        self.description = description or "works in another process"
        self.sees = sees
        self._bus = bus
        self._address = address or name
        self._sender = sender
        self._timeout = timeout_s
        self._retries = retries

    async def act(self, ask: Ask) -> Reply:
        """Ask it over the bus."""
        from victor.teams.communication.errors import BusError

        if ask.tools:
            names = ", ".join(tool.name for tool in ask.tools)
            raise MemberError(f"tools of a turn cannot be sent to another process: {names}", member=self.name)
        timeout = self._timeout
        if ask.limits is not None and ask.limits.timeout_s is not None:
            timeout = min(timeout, ask.limits.timeout_s)
        asked = _Asked(
            ask.task, ask.text, list(ask.history), _form(ask.output_type), ask.limits, dict(ask.memory.items())
        )  # fmt: skip
        try:
            response = await self._bus.request(
                self._sender, self._address, msgspec.to_builtins(asked), timeout=timeout, retries=self._retries
            )
        except BusError as error:
            raise MemberError(str(error), member=self.name) from error
        try:
            answered = msgspec.convert(response.content, _Answered)
        except msgspec.ValidationError as error:
            raise MemberError(f"its answer is none of a member: {error}", member=self.name) from error
        reply = Reply(
            answered.text, answered.data, answered.handoff, answered.usage, answered.cost_usd, answered.tokens,
            answered.turns,
        )  # fmt: skip
        if answered.failed:
            failure = MemberError(answered.failed, member=self.name)
            failure.spent = reply
            raise failure
        for key, value in answered.memory.items():
            if value is None:
                del ask.memory[key]
            else:
                ask.memory[key] = value
        if ask.output_type is not str:
            reply.data = self._decoded(ask.output_type, answered.data)
        return reply

    def _decoded(self, form: Any, data: Any) -> Any:
        from collections.abc import Mapping

        from victor.core.schema import DecodeProblems, decode

        if isinstance(form, Mapping):
            return data
        try:
            return decode(form, msgspec.json.encode(data), what="the answer")
        except DecodeProblems as error:
            raise MemberError(f"its answer does not have the required form: {error}", member=self.name) from error


async def serve_member(bus: Bus, who: Any, *, address: str = "", concurrency: int = 4) -> Callable[[], Awaitable[None]]:
    """Let a member take turns over a bus from now on.

    Args:
        bus: The bus.
        who: An agent, a function, a team, a `Human` with ``ask``, or whatever `as_member` takes.
        address: Its name on the bus; its own name by default.
        concurrency: Turns at once.

    Returns:
        An async function that ends it, once the turns that are being taken are done.

    Raises:
        ConfigurationError: It is no member.
        BusError: The bus does not take it.
    """
    member = as_member(who)
    name = address or member.name
    if name not in bus.members:
        await bus.join(name)

    async def take_turn(message: AgentMessage) -> Any:
        asked = msgspec.convert(message.content, _Asked)
        memory = MemoryView(asked.memory)
        ask = Ask(
            asked.task, asked.text, history=asked.history, output_type=str if asked.form is None else asked.form,
            limits=asked.limits, memory=memory,
        )  # fmt: skip
        try:
            reply = await member.act(ask)
        except MemberError as error:
            spent = error.spent if isinstance(error.spent, Reply) else Reply()
            return msgspec.to_builtins(
                _Answered(usage=spent.usage, cost_usd=spent.cost_usd, tokens=spent.tokens, failed=str(error))
            )
        answered = _Answered(
            reply.text, reply.data, reply.handoff, reply.usage, reply.cost_usd, reply.tokens, reply.turns,
            memory.changes,
        )  # fmt: skip
        return msgspec.to_builtins(answered, enc_hook=str)

    return await bus.serve(name, take_turn, concurrency=concurrency)


def _form(output_type: Any) -> dict[str, Any] | None:
    """The form of an answer as JSON Schema, as it travels."""
    if output_type is str:
        return None
    from collections.abc import Mapping

    if isinstance(output_type, Mapping):
        return dict(output_type)
    from victor.core.schema import json_schema

    return json_schema(output_type)
