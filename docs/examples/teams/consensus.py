"""What caused the outage? Three who each know one log propose and vote: `consensus`.

Each member has a tool that reads a log nobody else sees. First all propose a cause, each from its own log; then all
vote, each for the proposal its log speaks for most. Two thirds must agree, exactly; else the run ends with
`no_decision`.

Needs: victor-core, victor-teams
Run: python docs/examples/teams/consensus.py
Prints:
    web: 14:02 Requests are slow; the cause may be the many visitors.

    database: 14:01 The cause is a full disk: no table can be written.

    network: 14:03 No packet was lost, so the cause is not the network.

    web: P2

    database: P2

    network: P2
    -- completed: 14:01 The cause is a full disk: no table can be written.
"""

from __future__ import annotations

from textwrap import dedent

from victor.core import Agent
from victor.teams import Team

LOGS = {
    "web": """
        14:02 Requests are slow; the cause may be the many visitors.
        14:04 Alert: the disk is full, no table can be written.
        14:09 The disk is still full.
        """,
    "database": """
        13:58 The disk has 1 percent left.
        14:01 The cause is a full disk: no table can be written.
        14:10 The disk is full.
        """,
    "network": """
        14:00 All links are up.
        14:03 No packet was lost, so the cause is not the network.
        14:05 The database reports a full disk; no table can be written.
        """,
}


def witness(name: str) -> Agent[str]:
    """An agent that can read one log."""

    def read_log() -> str:
        """Read the log, which may tell the cause."""
        return dedent(LOGS[name])

    return Agent("You look for what a log says.", name=name, tools=[read_log])


if __name__ == "__main__":
    team = Team([witness(name) for name in LOGS], "consensus")
    result = team.run_sync("Read the log, then tell: what was the cause?")
    print(result.transcript())
    print(f"-- {result.stop_reason.value}: {result.found}")
