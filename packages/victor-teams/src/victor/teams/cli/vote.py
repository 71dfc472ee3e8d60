"""``victor team vote``: ballots in a file, through any rule."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from victor.core.cli.terminal import print_json

__all__ = ["vote"]


def vote(
    ballots: Annotated[
        Path | None, typer.Argument(metavar="[BALLOTS]", help="CSV or JSON; the guide on voting shows the forms.")
    ] = None,
    rule: Annotated[str, typer.Option("-r", "--rule", help="How votes are counted; --rules lists them.")] = "majority",
    settings: Annotated[
        list[str] | None, typer.Option("-s", "--set", metavar="NAME=VALUE", help="A setting of the rule: seats=2.")
    ] = None,
    options: Annotated[str | None, typer.Option(help="What could be voted for, in order: a,b,c.")] = None,
    quorum: Annotated[str | None, typer.Option(help="How many must take part: 10, or 1/2 of --voters.")] = None,
    voters: Annotated[str | None, typer.Option(help="Who may vote: ann,bob,cid.")] = None,
    tie_break: Annotated[
        list[str] | None, typer.Option("--tie-break", help="declared, lot:SEED, chair:NAME, runoff; repeatable.")
    ] = None,
    rules: Annotated[bool, typer.Option("--rules", help="List the rules.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Count ballots. Invalid ones are reported and not counted; exit code 1 where there is no decision."""
    from victor.core.errors import ConfigurationError
    from victor.teams.voting import RULES, make_rule, read_csv, read_json
    from victor.teams.voting import vote as count

    if rules:
        from victor.core.plugins import get_plugins

        protocols = get_plugins().coordination_protocols.names
        for name in (*RULES, *(name[len("voting.") :] for name in protocols if name.startswith("voting."))):
            found = type(make_rule(name))
            print(f"{name:14} {(found.__doc__ or '').strip().splitlines()[0]}")
        return
    if ballots is None:
        raise ConfigurationError("name a file of ballots, CSV or JSON; --rules lists the rules")
    try:
        text = ballots.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{ballots} cannot be read: {error}") from error
    made = make_rule(rule, **_settings(settings or []))
    file = read_json(text) if ballots.suffix == ".json" else read_csv(text, made.kind)
    result = count(
        file, rule=made, options=_names(options), voters=_names(voters), quorum=quorum, tie_break=tie_break or "none"
    )
    if as_json:
        print_json(result.to_dict())
    else:
        print(result)
    if not result.decided:
        raise typer.Exit(1)


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def _settings(given: list[str]) -> dict[str, Any]:
    from victor.core.errors import ConfigurationError
    from victor.core.yaml_file import plain

    made = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals:
            raise ConfigurationError(f"--set takes NAME=VALUE, not {one!r}")
        made[name] = plain(value)
    return made
