"""``victor team run``.

``--json`` prints one object and nothing else on stdout: ``team``, ``pattern``, ``stop_reason``, ``detail``, ``output``
(null where there is none), ``questions`` (``id``, ``member``, ``prompt``), ``turns``, ``usage``, ``cost_usd``,
``journal``.

Exit codes: 0 there is an answer, 1 there is none, 2 wrong usage, 3 it waits for somebody, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from victor.core import event_loop
from victor.core.catalog import near_matches
from victor.core.cli.terminal import is_terminal, note, print_json, printable, style
from victor.core.errors import ConfigurationError
from victor.teams.cli.shown import plain, summary
from victor.teams.cli.worker import bus_for, remote_members
from victor.teams.result import Question, StopReason, TeamResult
from victor.teams.team import Team

__all__ = ["RUNS", "find_team", "run"]

RUNS: Final = Path(".victor", "teams")
"""Where runs are recorded that name no file."""
_WAITING: Final = 3


def run(
    file: Annotated[str, typer.Argument(metavar="FILE", help="file.yaml, file.yaml#team, or module:team.")],
    task: Annotated[
        str | None, typer.Argument(metavar="[TASK]", help="What is to be done; '-' reads it from stdin.")
    ] = None,
    name: Annotated[str | None, typer.Option("-t", "--team", help="Which team of the file.")] = None,
    journal: Annotated[
        Path | None, typer.Option(help="File that records the run; .victor/teams/... where left out.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run that --journal holds.")] = False,
    answer: Annotated[
        list[str] | None, typer.Option("-a", "--answer", metavar="[ID=]TEXT", help="Answer to a question; repeatable.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("-m", "--model", metavar="NAME", help="Model of the agents that name none.")
    ] = None,
    bus: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where remote members are reached: nats://host:port; VICTOR_BUS by default."),
    ] = None,
    patience: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="How long a remote member may have no worker.")
    ] = 10.0,
    max_turns: Annotated[int | None, typer.Option(min=1, help="Turns at most.")] = None,
    max_cost: Annotated[float | None, typer.Option(help="US dollars at most.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print the answer alone.")] = False,
) -> None:
    """Let a team work on a task and show what its members say."""
    if model is not None:
        os.environ["VICTOR_MODEL"] = model
    if resume and journal is None:
        raise ConfigurationError("--resume goes with --journal, which names the file of the run to go on with")
    if resume and journal is not None and not journal.is_file():
        raise ConfigurationError(_no_journal(journal))
    if not resume and task is None:
        raise ConfigurationError("what shall the team do? victor team run FILE 'the task'")
    if not resume and journal is not None and journal.exists() and journal.stat().st_size:
        raise ConfigurationError(f"{journal} holds a run already; go on with it by --resume, or name another file")
    if task == "-":
        task = sys.stdin.read()
    team = find_team(file, name)
    path = journal or RUNS / f"{team.name}-{time.strftime('%Y%m%d-%H%M%S')}-{os.urandom(2).hex()}.jsonl"
    url = bus_for(team, bus, patience)
    limits = _limits(team, max_turns, max_cost)
    answers = _answers(answer or [], path if resume else None)
    talk = not (quiet or as_json)
    try:
        result = event_loop.run(_run(team, task, path, limits, answers, talk, url))
        while result.stop_reason is StopReason.WAITING and not as_json and is_terminal(sys.stdin):
            answers.update(_ask(result))
            result = event_loop.run(_run(team, None, path, limits, answers, talk, url))
    except KeyboardInterrupt:
        note(f"stopped; go on with: victor team run {file} --resume --journal {path}")
        raise typer.Exit(130) from None
    if as_json:
        print_json({**plain(result), "journal": str(path)})
    else:
        _print(result, file, path, quiet)
    if not result.completed:
        raise typer.Exit(_WAITING if result.stop_reason is StopReason.WAITING else 1)


def find_team(file: str, name: str | None = None) -> Team:
    """The team a command names: in a YAML file, or in Python as ``module:team``.

    Raises:
        ConfigurationError: What is there is no team.
    """
    from victor.core.import_strings import load_object, look_here
    from victor.teams.yaml.load import load_team

    place = file.partition("#")[0]
    if place.endswith((".yaml", ".yml")):
        return load_team(file, name)
    if file.endswith(".py") and Path(file).is_file():
        raise ConfigurationError(f"which team of {file}? write {file}:team, where 'team' is its name in that file")
    if ":" not in file:
        raise ConfigurationError(f"{file!r} is neither a YAML file nor module:team")
    look_here()
    found = load_object(file)
    if callable(found) and not isinstance(found, Team):
        found = found()
    if not isinstance(found, Team):
        raise ConfigurationError(f"{file!r} is of type {type(found).__name__}, not a Team")
    return found


def _no_journal(journal: Path) -> str:
    if journal.exists():
        return f"--journal {journal} is no file"
    there = [path.name for path in sorted(journal.parent.glob("*.jsonl"))]
    near = near_matches(journal.name, there)
    hint = f"; did you mean {journal.with_name(near[0])}?" if near else ""
    return f"there is no file {journal}, so no run to go on with{hint}"


def _limits(team: Team, max_turns: int | None, max_cost: float | None) -> Any:
    from msgspec.structs import replace

    limits = team.limits
    if max_turns is not None:
        limits = replace(limits, turns=max_turns)
    return limits if max_cost is None else replace(limits, cost_usd=max_cost)


def _answers(given: list[str], journal: Path | None) -> dict[str, str]:
    answers = {}
    waiting: list[Question] | None = None
    for one in given:
        id, equals, text = one.partition("=")
        if not equals:
            waiting = _waiting(journal) if waiting is None else waiting
            if len(waiting) != 1 or len(given) != 1:
                raise ConfigurationError(_which_question(one, waiting))
            id, text = waiting[0].id, one
        answers[id] = text
    return answers


def _waiting(journal: Path | None) -> list[Question]:
    """The questions that a recorded run waits for."""
    from victor.teams.journal import Journal

    if journal is None:
        return []
    recorded = Journal(journal)
    recorded.close()
    return recorded.waits_for or []


def _which_question(given: str, waiting: list[Question]) -> str:
    """Why a text without an id does not do, and which ids there are."""
    said = f"--answer takes ID=TEXT, not {given!r}; ID says which question is answered"
    if not waiting:
        return f"{said}: the run prints it when it waits, and no question is known to wait now"
    asked = "; ".join(f"{one.id}=... is for {one.member}: {one.prompt:.60}" for one in waiting)
    return f"{said}: {asked}"


async def _run(
    team: Team, task: str | None, path: Path, limits: Any, answers: dict[str, str], talk: bool, url: str | None
) -> TeamResult:
    if url is None:
        return await _followed(team, task, path, limits, answers, talk)
    from victor.teams.communication.bus import open_bus

    bus = open_bus(url)
    remote = [member for member in remote_members(team) if member.bus is None]
    for member in remote:
        member.bus = bus
    try:
        return await _followed(team, task, path, limits, answers, talk)
    finally:
        for member in remote:
            member.bus = None
        await bus.close()


async def _followed(
    team: Team, task: str | None, path: Path, limits: Any, answers: dict[str, str], talk: bool
) -> TeamResult:
    from victor.teams.team_events import TeamFinished, TurnFinished

    async for event in team.stream(task, journal=path, limits=limits, answers=answers):
        if isinstance(event, TurnFinished) and talk:
            turn = event.turn
            if turn.error:
                print(style(printable(f"{turn.member} failed: {turn.error}"), "red"))
            else:
                print(f"{style(printable(turn.member), 'bold', 'cyan')}: {printable(turn.text)}\n")
        elif isinstance(event, TeamFinished):
            return event.result
    raise AssertionError("a stream ends with TeamFinished")


def _ask(result: TeamResult) -> dict[str, str]:
    answers = {}
    for question in result.questions:
        print(f"{style(printable(question.member), 'bold', 'yellow')} is asked: {printable(question.prompt)}")
        try:
            answers[question.id] = input("> ")
        except EOFError:
            raise KeyboardInterrupt from None
    return answers


def _print(result: TeamResult, file: str, path: Path, quiet: bool) -> None:
    sys.stdout.flush()  # what was said stands before what is noted about it, also where both go into one file
    if result.completed:
        answer = printable(str(result.output if isinstance(result.output, str) else plain(result)["output"]))
        if quiet:
            print(answer)
        else:
            print(style("Answer", "bold"))
            print(answer)
            print(flush=True)
            note(summary(result))
        return
    note(summary(result), kind="" if result.stop_reason is StopReason.WAITING else "error")
    if result.stop_reason is StopReason.WAITING:
        for question in result.questions:
            print(printable(f"{question.member} is asked: {question.prompt}"))
            print(f"  victor team run {file} --resume --journal {path} --answer {question.id}='...'")
    elif path.exists():
        note(f"go on after mending: victor team run {file} --resume --journal {path}")
