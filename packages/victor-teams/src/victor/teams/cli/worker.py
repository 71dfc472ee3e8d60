"""``victor team worker``: members of teams in a process of their own.

Exit codes: 0 stopped by Ctrl-C or SIGTERM, 1 it could not begin, 2 wrong usage.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from victor.core import event_loop
from victor.core.cli.terminal import note, style
from victor.core.errors import ConfigurationError

if TYPE_CHECKING:
    from victor.teams.remote import RemoteMember, ServedTurn
    from victor.teams.team import Team

__all__ = ["bus_for", "remote_members", "worker"]


def worker(
    file: Annotated[str, typer.Argument(metavar="FILE", help="file.yaml, file.yaml#team, or module:team.")],
    name: Annotated[str | None, typer.Option("-t", "--team", help="Only this team of the file.")] = None,
    member: Annotated[
        list[str] | None,
        typer.Option(
            "-m", "--member", metavar="NAME",
            help="Whom to serve, as member or team/member; repeatable. By default those with remote: true.",
        ),
    ] = None,
    bus: Annotated[
        str | None, typer.Option(metavar="URL", help="nats://host:port; VICTOR_BUS by default.")
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, metavar="N", help="Turns of each member at once.")] = 4,
    ack_wait: Annotated[
        float,
        typer.Option(
            min=0.5, metavar="SECONDS",
            help="After so long without a sign of life a worker counts as dead. The same for all that serve a member.",
        ),
    ] = 10.0,
    grace: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="How long turns may go on after Ctrl-C or SIGTERM.")
    ] = 30.0,
) -> None:  # fmt: skip
    """Serve members of teams over a bus. Several workers may serve the same ones; a turn whose worker dies goes to
    another. Ctrl-C or SIGTERM: the turns in hand are finished, or given back.
    """
    url = _address(bus)
    served = _served(file, name, member or [])
    event_loop.run(_serve(served, url, concurrency, ack_wait, grace))


def remote_members(team: Team) -> Iterator[RemoteMember]:
    """The members that act elsewhere, those of teams inside the team too."""
    from victor.teams.remote import RemoteMember
    from victor.teams.subteam import SubTeam

    for member in team.members.values():
        if isinstance(member, RemoteMember):
            yield member
        elif isinstance(member, SubTeam):
            yield from remote_members(member.team)


def bus_for(team: Team, url: str | None, patience_s: float) -> str | None:
    """The address of the bus that a team needs; None where it needs none.

    Args:
        team: Its remote members are told how long they may have no worker.
        url: What was given.
        patience_s: Seconds.

    Raises:
        ConfigurationError: It needs one, and there is none.
    """
    remote = [member for member in remote_members(team) if member.bus is None]
    if not remote:
        return None
    for member in remote:
        member.patience_s = patience_s
    try:
        return _address(url)
    except ConfigurationError as error:
        names = ", ".join(member.name for member in remote)
        raise ConfigurationError(f"{error}; in other processes act: {names}") from None


def _address(url: str | None) -> str:
    url = url or os.environ.get("VICTOR_BUS") or ""
    if not url.startswith(("nats://", "tls://")):
        given = f", not {url.partition(':')[0]!r}" if url else ""
        raise ConfigurationError(
            f"members in other processes need a bus that reaches them: --bus nats://host:port or VICTOR_BUS{given}"
        )
    return url


class _Wanted:
    """Which members of a file act here: all, or those that were named."""

    def __init__(self, names: list[str]) -> None:
        self.names = names

    def __contains__(self, address: object) -> bool:
        return not self.names or address in self.names or str(address).partition("/")[2] in self.names


def _served(file: str, name: str | None, names: list[str]) -> dict[str, Any]:
    """The members to serve, by their address.

    Raises:
        ConfigurationError: There are none, or not those that were named.
    """
    teams = _teams(file, name, _Wanted(names))
    everybody = {f"{team}/{each}": one for team, its in teams.items() for each, one in its.members.items()}
    wanted = _Wanted(names)
    if names:
        served = {address: member for address, member in everybody.items() if address in wanted}
        missing = [each for each in names if not any(each in {a, a.partition("/")[2]} for a in everybody)]
        if missing:
            raise ConfigurationError(f"{file} has no member {', '.join(missing)}; it has: {', '.join(everybody)}")
    else:
        served = {address: member for address, member in everybody.items() if getattr(member, "address", "")}
        if not served:
            raise ConfigurationError(
                f"no member in {file} has 'remote: true'; name whom to serve with --member: {', '.join(everybody)}"
            )
    from victor.teams.remote import RemoteMember

    for address, member in served.items():
        if isinstance(member, RemoteMember):
            raise ConfigurationError(f"{address} is a RemoteMember itself, which acts elsewhere; it cannot be served")
    return served


def _teams(file: str, name: str | None, here: _Wanted) -> Mapping[str, Team]:
    path, _, part = file.partition("#")
    name = name or part or None
    if not path.endswith((".yaml", ".yml")):
        from victor.teams.cli.run import find_team

        team = find_team(file, name)
        return {team.name: team}
    from victor.teams.yaml.load import load_teams

    teams = load_teams(Path(path), here=here)
    if name is None:
        return teams
    if name not in teams:
        raise ConfigurationError(f"{path} has no team {name!r}; it has: {', '.join(teams)}")
    return {name: teams[name]}


async def _serve(served: Mapping[str, Any], url: str, concurrency: int, ack_wait: float, grace: float) -> None:
    from victor.teams.communication.bus import open_bus
    from victor.teams.remote import serve_member

    taken = 0

    def on_turn(address: str) -> Any:
        def told(turn: ServedTurn) -> None:
            nonlocal taken
            taken += 1
            asked = " ".join(turn.prompt.split())
            asked = asked if len(asked) <= 60 else asked[:57] + "..."
            tokens = f", {turn.usage.total_tokens:,} tokens" if turn.usage.total_tokens else ""
            if turn.error:
                came = style(f"failed after {turn.duration_s:.1f} s: {turn.error[:500]}", "red")
            else:
                came = f"answered in {turn.duration_s:.1f} s{tokens}"
            print(f"{style(address, 'bold', 'cyan')}: {asked!r} {came}", flush=True)

        return told

    asked = asyncio.Queue[None]()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked.put_nowait, None)
    bus = open_bus(url, ack_wait_s=ack_wait)
    try:
        ends = [
            await serve_member(bus, member, address=address, concurrency=concurrency, on_turn=on_turn(address))
            for address, member in served.items()
        ]
        shown = url.rpartition("@")[2].removeprefix("nats://")
        print(f"serving {', '.join(served)} on {shown}; Ctrl-C ends it", flush=True)
        await asked.get()
        note(
            f"stopping: turns in hand are finished within {grace:g} s, or given back; Ctrl-C again gives them back now"
        )
        stopping = asyncio.gather(*(end(grace) for end in ends))
        again = asyncio.create_task(asked.get())
        either: set[asyncio.Future[Any]] = {stopping, again}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not stopping.done():
            await asyncio.gather(*(end(0) for end in ends))
        again.cancel()
        await stopping
    finally:
        await bus.close()
    print(f"stopped; turns taken: {taken}", flush=True)
