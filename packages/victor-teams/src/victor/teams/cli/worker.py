"""``victor team worker``: members of a team in a process of their own."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from victor.core.cli.terminal import note
from victor.core.errors import ConfigurationError
from victor.teams.cli.run import find_team

if TYPE_CHECKING:
    from victor.teams.team import Team

__all__ = ["address_of", "remote_team", "worker"]


def worker(
    file: Annotated[str, typer.Argument(metavar="FILE", help="file.yaml, file.yaml#team, or module:team.")],
    name: Annotated[str | None, typer.Option("-t", "--team", help="Which team of the file.")] = None,
    member: Annotated[
        list[str] | None, typer.Option("-m", "--member", help="Whom to serve; all but people by default; repeatable.")
    ] = None,
    bus: Annotated[str | None, typer.Option(help="nats://host:port; VICTOR_BUS by default.")] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Turns of a member at once.")] = 4,
) -> None:
    """Serve members of a team over a bus, until Ctrl-C. Several workers may serve the same members."""
    team = find_team(file, name)
    names = member or [each for each in team.members if not getattr(team.members[each], "patient", False)]
    for each in names:
        if each not in team.members:
            raise ConfigurationError(f"the team {team.name!r} has no member {each!r}: {', '.join(team.members)}")
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(team, names, bus, concurrency))


async def _serve(team: Team, names: list[str], url: str | None, concurrency: int) -> None:
    from victor.teams.remote import serve_member

    stop = asyncio.Event()
    with suppress(NotImplementedError):
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    bus = _across_machines(url)
    try:
        ends = [
            await serve_member(bus, team.members[name], address=address_of(team, name), concurrency=concurrency)
            for name in names
        ]
        note(f"serving {', '.join(names)} of team {team.name}; Ctrl-C ends it")
        await stop.wait()
        for end in ends:
            await end()
    finally:
        await bus.close()


async def remote_team(team: Team, url: str | None, names: list[str]) -> tuple[Team, Any]:
    """The same team with members that act elsewhere, and the bus to be closed afterwards.

    Args:
        team: The team; it is not changed.
        url: Of the bus.
        names: Who acts elsewhere; everybody but people where it is empty.
    """
    from copy import copy

    from victor.teams.remote import RemoteMember

    bus = _across_machines(url)
    sender = f"{team.name}/team"
    await bus.join(sender)
    elsewhere = names or [name for name in team.members if not getattr(team.members[name], "patient", False)]
    changed = copy(team)
    changed.members = dict(team.members)
    for name in elsewhere:
        if name not in changed.members:
            raise ConfigurationError(f"the team {team.name!r} has no member {name!r}: {', '.join(team.members)}")
        member = team.members[name]
        changed.members[name] = RemoteMember(
            name, bus, address=address_of(team, name), sender=sender, description=member.description, retries=2,
            sees=getattr(member, "sees", None),
        )  # fmt: skip
    return changed, bus


def address_of(team: Team, member: str) -> str:
    """The name of a member on the bus."""
    return f"{team.name}/{member}"


def _across_machines(url: str | None) -> Any:
    from victor.teams.communication.bus import open_bus
    from victor.teams.communication.message_bus import MessageBus

    bus = open_bus(url)
    if isinstance(bus, MessageBus):
        raise ConfigurationError("members in other processes need a bus across machines: --bus nats://host:4222")
    return bus
