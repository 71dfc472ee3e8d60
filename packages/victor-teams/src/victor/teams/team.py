"""A team: members, a pattern by which they work together, and what holds for every run.

Example:
    >>> from victor.core import Agent
    >>> from victor.core.testing import ScriptedModel
    >>> writer = Agent("Write.", name="writer", model=ScriptedModel(["Blue river", "Blue river, slow and wide"]))
    >>> critic = Agent("Criticise.", name="critic", model=ScriptedModel(["Too short.", "APPROVED"]))
    >>> team = Team([writer, critic], pattern="round_robin", until=TextMention("APPROVED"))
    >>> result = team.run_sync("A line about the Danube")
    >>> result.stop_reason.value, result.detail, [turn.member for turn in result.turns]
    ('condition', "critic said 'APPROVED'", ['writer', 'critic', 'writer', 'critic'])
"""

from __future__ import annotations

import asyncio
import time
import unicodedata
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from victor.core import event_loop
from victor.core.errors import ConfigurationError, VictorError
from victor.core.events import EventStream, get_stream
from victor.core.limits import RunClock
from victor.teams.errors import JournalError, TeamError
from victor.teams.failure import OnFailure, read_policies
from victor.teams.journal import Begin, Journal
from victor.teams.limits import TeamLimits, least
from victor.teams.member import Ask, Member, as_member, depth_of
from victor.teams.memory import SharedMemory, json_of
from victor.teams.pattern import Pattern, resolve_pattern
from victor.teams.result import StopReason, TeamResult, turns_taken
from victor.teams.scope import Sees, check_scope
from victor.teams.session import Session, Stop, TeamRun
from victor.teams.termination import Condition, TextMention

if TYPE_CHECKING:
    from victor.core.tool import Tool
    from victor.core.topology import Topology
    from victor.teams.team_events import TeamEvent

__all__ = ["Team", "TextMention"]

_DEEPEST = 64
"""Teams in teams; each level is a part of one call stack."""
_NO_NAME = {"Cc", "Cs", "Zl", "Zp"}  # control characters, halves of characters, ends of lines and paragraphs


class Team:
    """Members and how they work together. Holds nothing of a run but the last one's record: `save_state`.

    Args:
        members: Agents, teams, functions, `Human`, or whatever has ``name``, ``description`` and ``act``. In order.
        pattern: How they work together: a name (``"debate"``), or a pattern with its settings (``Debate(rounds=3)``).
        name: For events, and when the team is a member of another.
        description: What it is good at.
        until: Ends a run: ``MaxTurns(6) | TextMention("APPROVED")``. See `victor.teams.termination`.
        limits: What a run may use at most; on by default.
        on_failure: What happens when a member fails: ``"fail"``, ``"skip"``, an `OnFailure`, or a mapping by name.
        sees: What members see of each other, instead of what the pattern says. See `victor.teams.scope`.
        memory: What the members know together at the start of a run: names and values that JSON can hold. Each run
            works on a copy.
        memory_tools: Give agents the tools ``remember`` and ``recall`` for the shared memory.
        seed: For chance in patterns: the same seed and answers give the same run.
        stream: The event stream; None for the default one.

    Raises:
        ConfigurationError: Two members of one name, no members, or the pattern lacks somebody, all of it at once; or a
            name that cannot be one, a scope that means nothing, teams in teams more than 64 deep.
        UnknownNameError: There is no such pattern.
    """

    def __init__(
        self,
        members: Iterable[Any],
        pattern: str | Pattern | type[Pattern] = "round_robin",
        *,
        name: str = "team",
        description: str = "",
        until: Condition | None = None,
        limits: TeamLimits | None = None,
        on_failure: str | OnFailure | Mapping[str, Any] = "fail",
        sees: str | Sees | None = None,
        memory: Mapping[str, Any] | None = None,
        memory_tools: bool = False,
        seed: int = 0,
        stream: EventStream | None = None,
    ) -> None:
        self.name: str = _good_name(name, "a team")
        self.description = description
        self.members: dict[str, Member] = _named(members, name)
        self.pattern: Pattern = resolve_pattern(pattern)
        self.pattern_name: str = _name_of(pattern, self.pattern)
        self.until = until
        self.limits: TeamLimits = limits or TeamLimits()
        self.on_failure: dict[str, OnFailure] = read_policies(on_failure, self.members)
        self.sees: Sees | None = None if sees is None else _scope(sees, self.members, f"team {name!r}")
        for each in self.members.values():
            if (own := getattr(each, "sees", None)) is not None:
                _scope(own, self.members, f"team {name!r}, member {each.name!r}")
        self.depth: int = 1 + max((depth_of(each) for each in self.members.values()), default=0)
        if self.depth > _DEEPEST:
            raise ConfigurationError(
                f"team {name!r}: teams in teams are {self.depth} deep; a team takes at most {_DEEPEST} levels"
            )
        self.memory: dict[str, Any] = _start_memory(memory, name)
        self.memory_tools = memory_tools
        self.seed = seed
        self._stream = stream
        self._journal: Journal | None = None
        if until is not None and not isinstance(until, Condition):
            raise ConfigurationError(f"until takes a condition such as MaxTurns(6), not {until!r}")
        problems = list(self.pattern.check(self.members))
        if problems:
            raise ConfigurationError(f"team {name!r}, pattern {self.pattern_name!r}: " + "; ".join(problems))

    async def run(
        self,
        task: str | None = None,
        *,
        deps: Any = None,
        limits: TeamLimits | None = None,
        journal: str | Path | None = None,
        answers: Mapping[str, str] | None = None,
    ) -> TeamResult:
        """Let the team work on a task, or go on with a run that was broken off.

        Args:
            task: What is to be done; None to go on with what `load_state` brought or the journal holds.
            deps: For the tools of agents.
            limits: Instead of the team's own.
            journal: A file that records every turn. Where it holds turns of this run already, the run goes on from
                there; where it holds a whole run, that run's result is returned and nobody is asked.
            answers: What somebody outside said to the questions of a run that waits, by `Question.id`.

        Returns:
            The result, whatever ended the run: read ``result.output``, or see ``result.stop_reason``.

        Raises:
            ConfigurationError: There is no task, or there are answers to questions that the run does not ask.
            JournalError: The journal cannot be read, or belongs to another run.
        """
        return await self._execute(task, deps, limits, journal, answers, None)

    def run_sync(
        self,
        task: str | None = None,
        *,
        deps: Any = None,
        limits: TeamLimits | None = None,
        journal: str | Path | None = None,
        answers: Mapping[str, str] | None = None,
    ) -> TeamResult:
        """The same as `run`, for programs without an event loop.

        Raises:
            ConfigurationError: Called where an event loop runs; there, ``await team.run(...)``.
        """
        event_loop.refuse_inside("run_sync", "team.run")
        return event_loop.run(self.run(task, deps=deps, limits=limits, journal=journal, answers=answers))

    async def stream(
        self,
        task: str | None = None,
        *,
        deps: Any = None,
        limits: TeamLimits | None = None,
        journal: str | Path | None = None,
        answers: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[TeamEvent, None]:
        """The same as `run`, piece by piece. The last event is `TeamFinished`, with the result.

        The run goes on in a task of its own. Leaving the loop early cancels it; what was recorded stays. In long-lived
        programs wrap the iterator in `contextlib.aclosing`.
        """
        from victor.teams.team_events import TeamFinished, event_of

        queue: asyncio.Queue[TeamEvent | BaseException] = asyncio.Queue()

        def emit(what: str, key: str, about: Any) -> None:
            event = event_of(what, key, about)
            if event is not None:
                queue.put_nowait(event)

        async def work() -> None:
            try:
                result = await self._execute(task, deps, limits, journal, answers, emit)
                queue.put_nowait(TeamFinished(result))
            except Exception as error:  # noqa: BLE001 - raised again where the events are read
                queue.put_nowait(error)

        running = asyncio.create_task(work(), name=f"victor team {self.name}")
        try:
            while True:
                event = await queue.get()
                if isinstance(event, BaseException):
                    raise event
                yield event
                if isinstance(event, TeamFinished):
                    return
        finally:
            if not running.done():
                running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    def save_state(self) -> dict[str, Any]:
        """The record of the last run (also of one that goes on), as plain data for `load_state`.

        Raises:
            TeamError: There was no run.
        """
        if self._journal is None:
            raise TeamError(f"the team {self.name!r} has not run, so there is no state to save")
        return self._journal.dump()

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take over a saved record: the next ``run()`` goes on with it.

        Raises:
            JournalError: It is no such record.
        """
        self._journal = Journal.load(state)
        self._resume = True

    _resume = False

    def topology(self) -> Topology:
        """A picture of the team, its subteams opened up, for any visualizer."""
        from victor.teams.picture import with_subteams

        return with_subteams(self.pattern.topology(self.members), self.members, self.name)

    async def run_inside(self, ask: Ask, task: str) -> TeamResult:
        """Run as a member of another team, with what is left of its budget, in its journal."""
        left = ask.limits
        limits = self.limits
        if left is not None:
            limits = replace(
                limits,
                turns=least(limits.turns, left.turns),
                tokens=least(limits.tokens, left.tokens),
                cost_usd=least(limits.cost_usd, left.cost_usd),
                timeout_s=least(limits.timeout_s, left.timeout_s),
            )
        journal = Journal() if ask.journal is None else ask.journal
        return await self._run(task, journal, limits, ask.deps, ask.answers, None, ask.stream)

    async def _execute(
        self,
        task: str | None,
        deps: Any,
        limits: TeamLimits | None,
        path: str | Path | None,
        answers: Mapping[str, str] | None,
        emit: Callable[[str, str, Any], None] | None,
    ) -> TeamResult:
        if path is not None:
            journal = Journal(path)
        elif self._journal is not None and (self._resume or task is None):
            journal = self._journal
        else:
            journal = Journal()
        self._resume = False
        self._journal = journal
        try:
            if task is None:
                task = None if journal.begun is None else journal.begun.task
            if not task:
                raise ConfigurationError(
                    f"the team {self.name!r} has no task: give one, or go on with a run by load_state or a journal"
                )
            _check_text(task, f"the task of the team {self.name!r}")
            _check_answers(answers, journal)
            result = await self._run(task, journal, limits or self.limits, deps, answers, emit, None)
            _tell_unasked(answers, journal, result)
            return result
        finally:
            journal.close()

    async def _run(
        self,
        task: str,
        journal: Journal,
        limits: TeamLimits,
        deps: Any,
        answers: Mapping[str, str] | None,
        emit: Callable[[str, str, Any], None] | None,
        stream: EventStream | None,
    ) -> TeamResult:
        began = time.perf_counter()
        journal.begin(Begin(self.name, self.pattern_name, list(self.members), task, self.seed))
        if journal.ended is not None:
            return _recorded(journal, self)
        stream = self._stream or stream or get_stream()
        clock = RunClock(limits.timeout_s)
        run = TeamRun(
            task=task,
            members=self.members,
            policies=self.on_failure,
            limits=limits,
            journal=journal,
            watch=None if self.until is None else self.until.begin(),
            clock=clock,
            stream=stream,
            deps=deps,
            answers=answers,
            sees=self.sees,
            pattern_sees=self.pattern.sees,
            emit=emit,
            own_tools=_memory_tools if self.memory_tools else None,
        )
        session = Session(run, [], SharedMemory(deepcopy(self.memory)))
        attributes = {"pattern": self.pattern_name, "members": len(self.members)}
        with stream.operation("team.run", self.name, attributes) as operation:
            operation.capture(prompt=task)
            reason, detail, found = _answered(session, *await self._to_the_end(session, clock))
            result = TeamResult(
                stop_reason=reason,
                turns=session.turns,
                detail=detail,
                usage=run.usage,
                cost_usd=run.cost,
                team=self.name,
                pattern=self.pattern_name,
                run_id=operation.span.run_id,
                duration_s=time.perf_counter() - began,
                memory=deepcopy(dict(session.memory)),
                questions=run.questions,
                found=found,
            )
            operation.set(
                stop_reason=reason.value, turns=len(session.turns), cost_usd=run.cost,
                input_tokens=run.usage.input_tokens, output_tokens=run.usage.output_tokens,
            )  # fmt: skip
            journal.end(result)
            return result

    async def _to_the_end(self, session: Session, clock: RunClock) -> tuple[StopReason, str, Any]:
        try:
            async with clock.running():
                found = await self.pattern.run(session)
            return StopReason.COMPLETED, "", found
        except Stop as stop:
            if stop.reason is StopReason.CONDITION:
                return stop.reason, stop.detail, self.pattern.conclude(session)
            return stop.reason, stop.detail, None
        except TimeoutError as error:
            if clock.expired:
                return StopReason.TIMEOUT, turns_taken(len(session.turns)), None
            return StopReason.ERROR, f"{type(error).__name__}: {error}", None
        except JournalError:
            raise
        except VictorError as error:  # says what was wrong; where it was raised is of no use to anybody
            return StopReason.ERROR, f"{type(error).__name__}: {error}", None
        except Exception as error:
            import logging

            logging.getLogger("victor.teams").exception(
                "the pattern %r of team %r failed", self.pattern_name, self.name
            )
            return StopReason.ERROR, f"{type(error).__name__}: {error}", None

    def __repr__(self) -> str:
        return f"Team({self.name!r}, {self.pattern_name!r}, [{', '.join(self.members)}])"


def _named(members: Iterable[Any], team: str) -> dict[str, Member]:
    if isinstance(members, (str, Mapping)):
        raise ConfigurationError(f"members must be a list of agents, teams or functions, not {type(members).__name__}")
    if not isinstance(members, Iterable):
        raise ConfigurationError(
            f"members must be a list, not one {type(members).__name__}: Team([first, second]) or Team([only])"
        )
    found: dict[str, Member] = {}
    twice: list[str] = []
    for who in members:
        member = as_member(who)
        if not member.name or not isinstance(member.name, str):
            raise ConfigurationError(f"team {team!r}: a member has no name: {who!r:.80}")
        _good_name(member.name, f"team {team!r}: a member")
        if member.name in found:
            twice.append(member.name)
        found[member.name] = member
    if twice:
        raise ConfigurationError(
            f"team {team!r}: members must have different names; twice there is: {', '.join(sorted({*twice}))}. "
            "Give each agent a name: Agent(..., name='writer')"
        )
    if not found:
        raise ConfigurationError(f"team {team!r} has no members")
    return found


def _good_name(name: Any, whose: str) -> str:
    """A name that can stand at the beginning of a line."""
    if not isinstance(name, str) or not name.strip():
        raise ConfigurationError(f"{whose} needs a name that is a text and not empty, not {name!r:.100}")
    if not name.isprintable() and any(unicodedata.category(each) in _NO_NAME for each in name):
        raise ConfigurationError(
            f"{whose} has the name {name!r:.100}; a name holds no line breaks and no control characters"
        )
    return name


def _scope(given: Any, members: Iterable[str], whose: str) -> Sees:
    try:
        return check_scope(given, members)
    except ConfigurationError as error:
        raise ConfigurationError(f"{whose}: sees: {error}") from None


def _start_memory(given: Mapping[str, Any] | None, team: str) -> dict[str, Any]:
    try:
        return {key: msgspec.json.decode(json_of(key, value)) for key, value in (given or {}).items()}
    except TeamError as error:
        raise ConfigurationError(f"team {team!r}: {error}") from None


def _check_text(text: Any, what: str) -> None:
    if not isinstance(text, str):
        raise ConfigurationError(f"{what} is a text, not {type(text).__name__}")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ConfigurationError(
                f"{what} holds half a character at {error.start} ({text[error.start]!r}); "
                "mend it with text.encode('utf-8', 'replace').decode()"
            ) from None


def _check_answers(answers: Mapping[Any, Any] | None, journal: Journal) -> None:
    """Refuse what answers no question, where it is known what is asked."""
    if not answers:
        return
    for id, text in answers.items():
        if not isinstance(id, str) or not isinstance(text, str):
            raise ConfigurationError(f"answers are texts by the id of the question, not {id!r:.50}: {text!r:.50}")
    waits = journal.waits_for
    if waits is None and journal.ended is None:
        return  # this will be told at the end
    unknown = answers.keys() - journal.turns.keys() - {question.id for question in waits or ()}
    if unknown:
        asked = ", ".join(f"{question.id!r} ({question.member})" for question in waits or ()) or "nobody"
        raise ConfigurationError(
            f"there is no question {', '.join(map(repr, sorted(unknown)))}; the run waits for: {asked}"
        )


def _tell_unasked(answers: Mapping[str, str] | None, journal: Journal, result: TeamResult) -> None:
    if not answers:
        return
    unasked = answers.keys() - journal.turns.keys() - {question.id for question in result.questions}
    if unasked and result.stop_reason in {*_WHOLE, StopReason.WAITING}:
        import logging

        logging.getLogger("victor.teams").warning(
            "team %r: nobody asked the questions %s, so their answers were not used",
            result.team, ", ".join(map(repr, sorted(unasked))),
        )  # fmt: skip


_WHOLE = {StopReason.COMPLETED, StopReason.CONDITION}


def _answered(session: Session, reason: StopReason, detail: str, found: Any) -> tuple[StopReason, str, Any]:
    """How the run ended; without any member's answer there is none of the team, whatever its pattern says."""
    if reason not in _WHOLE or any(not turn.error for turn in session.turns):
        return reason, detail, found
    failures = "; ".join(f"{turn.member}: {turn.error}" for turn in session.turns[:10])
    return StopReason.NO_ANSWER, failures or "nobody was asked", None


def _name_of(given: Any, pattern: Pattern) -> str:
    if isinstance(given, str):
        return given
    return pattern.name or type(pattern).__name__


def _recorded(journal: Journal, team: Team) -> TeamResult:
    """The result of a run that is whole in the journal."""
    from victor.core.message import Usage

    ended = journal.ended
    assert ended is not None
    turns = [turn for key, turn in journal.turns.items() if "/" not in key]
    usage, cost = Usage(0, 0), 0.0
    unknown = False
    memory = SharedMemory(deepcopy(team.memory))
    for turn in turns:
        usage += turn.usage
        unknown = unknown or turn.cost_usd is None
        cost += turn.cost_usd or 0.0
        memory.apply(turn.memory)
    return TeamResult(
        ended.stop_reason, turns, ended.detail, usage, None if unknown else cost, team.name, team.pattern_name,
        memory=deepcopy(dict(memory)), found=ended.found,
    )  # fmt: skip


def _memory_tools(ask: Ask) -> Sequence[Tool]:
    from victor.teams.memory_tools import memory_tools

    return memory_tools(ask.memory)
