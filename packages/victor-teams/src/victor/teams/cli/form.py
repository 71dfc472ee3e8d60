"""``victor team form``: a pool and a task in, a team out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from attrs import field, frozen

from victor.core.cli.terminal import print_json

__all__ = ["form"]


@frozen
class _Candidate:
    name: str
    capabilities: dict[str, float] | list[str]
    cost: float = 1.0
    load: float = 0.0


@frozen
class _Pool:
    pool: list[_Candidate]


@frozen
class _Task:
    requirements: dict[str, float] | list[str]
    description: str = "the task"
    team_size: int | None = None
    roles: dict[str, dict[str, float] | list[str]] = field(factory=dict)


def form(
    pool: Annotated[
        Path, typer.Argument(metavar="POOL", help="YAML or JSON: pool: [{name, capabilities, cost, load}]")
    ],
    task: Annotated[
        Path, typer.Argument(metavar="TASK", help="YAML or JSON: requirements, description, team_size, roles")
    ],
    method: Annotated[str, typer.Option(help="auto, exact, solver or greedy.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Choose the cheapest team of a pool that can do a task."""
    from victor.core.errors import ConfigurationError
    from victor.teams.dynamic import Candidate, DynamicTeam, Task, assign_roles

    if method not in {"auto", "exact", "solver", "greedy"}:
        raise ConfigurationError(f"--method is auto, exact, solver or greedy, not {method!r}")
    people = _read(pool, _Pool)
    wanted = _read(task, _Task)
    team = DynamicTeam([Candidate(c.name, c.capabilities, c.cost, c.load) for c in people.pool], method=method)  # type: ignore[arg-type]
    made = team.form(Task(wanted.description, wanted.requirements), wanted.team_size)
    roles = assign_roles(made.members, wanted.roles) if wanted.roles else None
    if as_json:
        print_json({
            "members": made.names, "cost": made.cost, "optimal": made.optimal, "gap": made.gap, "method": made.method,
            "covered_by": {name: list(who) for name, who in made.covered_by.items()},
            "roles": None if roles is None else dict(roles.roles),
        })  # fmt: skip
        return
    print(made)
    if roles is not None:
        for role, name in roles.roles.items():
            print(f"  {role}: {name} ({roles.fitness[role]:.2f})")


def _read(path: Path, form: Any) -> Any:
    from victor.core.schema import DecodeProblems, decode
    from victor.core.yaml_file import YamlFileError, read_file

    source = read_file(path)
    try:
        return decode(form, msgspec.json.encode(source.value), what="the file")
    except DecodeProblems as error:
        raise YamlFileError(
            source.problem(at, f"{at.rpartition('.')[2]!r} {text}", key="unknown" in text)
            for at, text in error.problems
        ) from None
