"""``victor team list``, ``validate``, ``visualize``, ``replay`` and ``schema``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from victor.core.cli.terminal import is_terminal, note, print_json, print_table, printable, style, terminal_width
from victor.core.errors import ConfigurationError, VictorError
from victor.teams.cli.run import RUNS, find_team
from victor.teams.team import Team

if TYPE_CHECKING:
    from victor.core.highlights import Highlights

__all__ = ["list_teams", "replay", "schema", "validate", "visualize"]


def list_teams(
    folder: Annotated[Path, typer.Argument(metavar="[FOLDER]", help="Where to look.")] = Path(),
    patterns: Annotated[bool, typer.Option("--patterns", help="List the patterns instead.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the teams in files here, or the patterns there are."""
    if patterns:
        from victor.core.plugins import get_plugins

        entries = list(get_plugins().coordination_protocols)
        # Plugins add voting rules to the same catalog (`victor.teams.voting`); no team can work by one.
        rules = [entry for entry in entries if entry.name.startswith("voting.")]
        shown = [entry for entry in entries if entry not in rules]
        if as_json:
            print_json([{"name": entry.name, "help": entry.help, "plugin": entry.plugin} for entry in shown])
            return
        print_table([(e.name, e.help, e.plugin) for e in shown], header=("pattern", "what happens", "from"))
        if rules:
            note(f"{len(rules)} more are voting rules: victor team vote --rules")
        return
    from victor.teams.yaml.load import iter_files, load_teams

    if not folder.is_dir():
        raise ConfigurationError(f"there is no folder {folder}")
    found: list[tuple[str, Team]] = []
    broken: list[dict[str, str]] = []
    for path in iter_files(folder):
        try:
            teams = load_teams(path)
        except VictorError as error:
            broken.append({"file": str(path), "error": str(error)})
            continue
        found += [(f"{path}#{name}", team) for name, team in teams.items()]
    if as_json:
        rows = [
            {"team": place, "pattern": t.pattern_name, "members": list(t.members), "description": t.description}
            for place, t in found
        ]
        print_json({"teams": rows, "broken": broken})
        return
    if found:
        lines = [(place, team.pattern_name, ", ".join(team.members)) for place, team in found]
        print_table(lines, header=("team", "pattern", "members"))
    elif not broken:
        print(f"there are no team files in {folder.resolve()} or one folder below")
    for one in broken:
        note(f"{one['file']} cannot be used: {one['error'].splitlines()[0]}", kind="warning")


def validate(files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Team files.")]) -> None:
    """Check team files; tells everything that is wrong, with line and column."""
    from victor.teams.yaml.load import TeamFileError, load_teams

    wrong = 0
    for path in files:
        try:
            teams = load_teams(path)
        except TeamFileError as error:
            wrong += len(error.problems)
            print(error)
        else:
            print(f"{path}: {', '.join(teams)}: {style('good', 'green')}")
    if wrong:
        raise typer.Exit(1)


def visualize(
    file: Annotated[str, typer.Argument(metavar="FILE", help="file.yaml, file.yaml#team, or module:team.")],
    name: Annotated[str | None, typer.Option("-t", "--team", help="Which team of the file.")] = None,
    format: Annotated[
        str | None, typer.Option("-f", "--format", help="A visualizer: mermaid, svg, unicode, ...")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write to a file.")] = None,
    run: Annotated[
        str | None,
        typer.Option("--run", metavar="RUN", help="Show what this run did: its journal, or a name in .victor/teams."),
    ] = None,
) -> None:
    """Draw a team. The formats come from other packages, such as victor-graph; without one it is told as text."""
    from victor.core.plugins import get_plugins

    team = find_team(file, name)
    picture = team.topology()
    highlights, rows = (None, []) if run is None else _what_ran(team, run)
    visualizers = get_plugins().visualizers
    if format is None and output is not None:
        format = {"mmd": "mermaid", "md": "mermaid", "txt": "unicode"}.get(output.suffix[1:], output.suffix[1:])
    if format is None and "unicode" in visualizers:
        format = "unicode"
    if format is None:
        for edge in picture.edges:
            print(f"{edge.source} -> {edge.target}" + (f"  ({edge.label})" if edge.label else ""))
        if rows:
            print()
            print_table(rows, header=("member", "in this run", "time"))
        return
    drawn = visualizers.get(format)(picture, highlights=highlights, width=terminal_width() if is_terminal() else None)
    if output is not None:
        output.write_bytes(drawn if isinstance(drawn, bytes) else drawn.encode())
        print(f"written to {output}")
    elif isinstance(drawn, bytes):
        if is_terminal():
            raise ConfigurationError(f"{format} is no text; write it to a file with -o")
        sys.stdout.buffer.write(drawn)
    else:
        print(drawn.rstrip("\n"))


def _what_ran(team: Team, run: str) -> tuple[Highlights, list[tuple[str, str, str]]]:
    """What a recorded run of this team did, for its picture and for a table."""
    from victor.teams.cli.overlay import highlights_of, rows_of, shares_of
    from victor.teams.journal import Journal

    path = Path(run)
    if not path.is_file():
        path = RUNS / (run if run.endswith(".jsonl") else f"{run}.jsonl")
    if not path.is_file():
        known = [each.stem for each in sorted(RUNS.glob("*.jsonl"), reverse=True)][:5]
        there = f"; the last in {RUNS}: {', '.join(known)}" if known else ""
        raise ConfigurationError(f"there is no recorded run {run!r}{there}")
    record = Journal(path)
    try:
        if record.begun is None:
            raise ConfigurationError(f"{path} holds no run")
        if record.begun.team != team.name:
            raise ConfigurationError(f"{path} is a run of the team {record.begun.team!r}, not of {team.name!r}")
        return highlights_of(team, record), rows_of(shares_of(team, record))
    finally:
        record.close()


def replay(
    journal: Annotated[Path, typer.Argument(metavar="JOURNAL", help="The file that recorded a run.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show a recorded run again, turn by turn."""
    from victor.teams.journal import Journal

    if not journal.is_file():
        raise ConfigurationError(f"there is no file {journal}")
    record = Journal(journal)
    try:
        if as_json:
            print_json(record.dump())
            return
        if record.begun is None:
            raise ConfigurationError(f"{journal} holds no run")
        head = f"{style(printable(record.begun.team), 'bold')} ({record.begun.pattern})"
        print(f"{head}: {printable(record.begun.task)}\n")
        for key, turn in record.turns.items():
            said = f"failed: {turn.error}" if turn.error else turn.text
            print(f"{style(key, 'dim')} {style(printable(turn.member), 'bold', 'cyan')}: {printable(said)}\n")
        end = record.ended or record.stopped
        told = "" if end is None else f"{end.stop_reason.value}{': ' + end.detail if end.detail else ''}"
        if record.ended is None:
            told = f"{told}; it can go on" if told else "it has not ended"
        print(told)
    finally:
        record.close()


def schema(output: Annotated[Path | None, typer.Option("-o", "--output", help="Write to a file.")] = None) -> None:
    """Print the JSON Schema of team files, by which editors complete and check them."""
    from victor.teams.yaml.schema import SCHEMA_FILE

    text = SCHEMA_FILE.read_text(encoding="utf-8")
    if output is None:
        print(text.rstrip("\n"))
    else:
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"{output} cannot be written: {error.strerror or error}") from error
        print(f"written to {output}")
