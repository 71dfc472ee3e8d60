"""One run of a team, as its pattern sees it.

A pattern is a plain async function of a `Session`: it asks members (`Session.ask`), several at once
(`Session.ask_all`, `Session.together`), reads what was said (`Session.turns`) and returns the outcome. Everything else
happens here, for every pattern alike: budgets, time, failures, the record, loops, conditions, events.

What ends a run from inside is `Stop`. It is no `Exception`, so that a pattern's ``except Exception`` does not hold it
up.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec.structs import replace

from victor.core.message import Message, Usage
from victor.core.tool import Tool
from victor.teams.acting import in_its_own_task, in_this_task
from victor.teams.answers import fitting_text, taken, told_use
from victor.teams.errors import JournalError, MemberError, TeamError
from victor.teams.limits import TeamLimits
from victor.teams.loops import LoopDetector
from victor.teams.member import Ask, Left, Member, Reply, Waiting, depth_of
from victor.teams.memory import SharedMemory
from victor.teams.quoting import as_said
from victor.teams.result import Question, StopReason, Turn, turns_in
from victor.teams.scope import Sees, read_scope, sees_everything, sees_nothing

if TYPE_CHECKING:
    import random

    from victor.core.events import EventStream
    from victor.core.limits import RunClock
    from victor.teams.failure import OnFailure
    from victor.teams.journal import Journal
    from victor.teams.termination import Watch

__all__ = ["Session", "Stop", "TeamRun"]

T = TypeVar("T")
R = TypeVar("R")


class Stop(BaseException):
    """Ends a run.

    What to do: nothing; the team ends the run and says why in `TeamResult.stop_reason`.

    Args:
        reason: Why.
        detail: In words.
    """

    def __init__(self, reason: StopReason, detail: str = "") -> None:
        super().__init__(reason.value, detail)
        self.reason = reason
        self.detail = detail


class TeamRun:
    """What all sessions of one run share. Made by `Team`.

    Args:
        task: The team's task.
        members: By name, in order.
        policies: What happens when they fail.
        limits: What the run may use.
        journal: Where turns are recorded.
        watch: Looks at every turn; says why the run ends.
        clock: The time limit.
        stream: Where events go.
        deps: For tools and functions.
        answers: What somebody outside answered, by question id.
        sees: What members see where they do not say themselves; None for what the pattern says.
        pattern_sees: What the pattern says where it says nothing in the ask.
        emit: Called with what happens, where the run is streamed.
        own_tools: Tools every agent gets, made for each turn from its `Ask`.
    """

    def __init__(
        self,
        *,
        task: str,
        members: Mapping[str, Member],
        policies: Mapping[str, OnFailure],
        limits: TeamLimits,
        journal: Journal,
        watch: Watch | None,
        clock: RunClock,
        stream: EventStream,
        deps: Any = None,
        answers: Mapping[str, str] | None = None,
        sees: Sees | None = None,
        pattern_sees: str = "all",
        emit: Callable[[str, str, Any], None] | None = None,
        own_tools: Callable[[Ask], Sequence[Tool]] | None = None,
    ) -> None:
        self.task = task
        self.members = members
        self.policies = policies
        self.limits = limits
        self.journal = journal
        self.watch = watch
        self.clock = clock
        self.stream = stream
        self.deps = deps
        self.answers: Mapping[str, str] = answers or {}
        self.sees = sees
        self.pattern_sees = pattern_sees
        self.emit = emit
        self.own_tools = own_tools
        self.loops: LoopDetector | None = None if limits.repeats is None else LoopDetector(limits.repeats)
        self.questions: list[Question] = []
        self.usage: Usage = Usage(0, 0)
        self.cost: float | None = 0.0
        self._tokens = 0
        self._started = 0
        self._scopes: dict[str, Sees] = {}

    def check(self) -> None:
        """Raise `Stop` when there is no room for another turn."""
        limits = self.limits
        if limits.turns is not None and self._started >= limits.turns:
            raise Stop(StopReason.MAX_TURNS, turns_in(limits.turns))
        if limits.tokens is not None and self._tokens >= limits.tokens:
            raise Stop(StopReason.MAX_TOKENS, f"{self._tokens} of {limits.tokens} tokens")
        if limits.cost_usd is not None and self.cost is not None and self.cost >= limits.cost_usd:
            raise Stop(StopReason.MAX_COST, f"{self.cost:.4f} of {limits.cost_usd} US dollars")
        self._started += 1

    def count(self, usage: Usage, cost: float | None, tokens: int, turns: int) -> None:
        """Count what a turn has used, the turns of a subteam included."""
        self._started += turns
        self.usage += usage
        self.cost = None if self.cost is None or cost is None else self.cost + cost
        self._tokens += tokens

    def left(self, share: float) -> Left:
        """What one of the members that work side by side may use."""
        limits = self.limits
        tokens = None if limits.tokens is None else max(1, int((limits.tokens - self._tokens) * share))
        cost = limits.cost_usd
        if cost is not None and self.cost is not None:
            cost = max(1e-9, (cost - self.cost) * share)
        turns = None if limits.turns is None else max(1, int((limits.turns - self._started) * share))
        deadline = self.clock.deadline
        timeout = limits.turn_timeout_s
        if deadline is not None:
            left = max(1e-3, deadline - time.monotonic())
            timeout = left if timeout is None else min(timeout, left)
        return Left(tokens, cost, timeout, turns)

    def scope(self, member: Member, asked: str | Sees | None) -> Sees:
        """What a member sees: what it says itself, else the team, else the pattern."""
        own = getattr(member, "sees", None)
        if own is None:
            own = self.sees or asked or self.pattern_sees
        if callable(own):
            return own
        found = self._scopes.get(own)
        if found is None:
            found = self._scopes[own] = read_scope(own)
        return found

    def joined(self, turn: Turn) -> None:
        """Look at a turn that has come into the run's one order; raise `Stop` when it ends the run."""
        if self.loops is not None and (told := self.loops.saw(turn)):
            raise Stop(StopReason.LOOP, told)
        if self.watch is not None and (told := self.watch(turn)):
            raise Stop(StopReason.CONDITION, told)


class Session:
    """A run, or one of the branches that go on side by side in it.

    Attributes:
        task: The team's task.
        members: Their names, in order.
        turns: What was said, as far as this branch can see it.
        memory: What the members know together. Patterns read it; members change it in their turns.
        state: For the pattern's own notes while it runs; made anew on resume, as the pattern runs again.
    """

    def __init__(
        self, run: TeamRun, turns: list[Turn], memory: SharedMemory, prefix: str = "", share: float = 1.0
    ) -> None:
        self.run = run
        self.turns = turns
        self.memory = memory
        self.state: dict[str, Any] = {}
        self._prefix = prefix
        self._share = share
        self._asked = 0
        self._said: list[Message | None] = []  # the turns as everybody but the speaker sees them
        self._views: dict[str, tuple[list[Message], int]] = {}
        self._random: random.Random | None = None

    @property
    def task(self) -> str:
        """The team's task."""
        return self.run.task

    @property
    def members(self) -> list[str]:
        """The names of the members, in order."""
        return list(self.run.members)

    def member(self, name: str) -> Member:
        """The member of that name.

        Raises:
            TeamError: There is none.
        """
        try:
            return self.run.members[name]
        except KeyError:
            from victor.core.catalog import near_matches

            near = near_matches(name, self.run.members)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise TeamError(f"the team has no member {name!r}{hint} members: {', '.join(self.run.members)}") from None

    @property
    def random(self) -> random.Random:
        """Random numbers that are the same again when the run is resumed."""
        if self._random is None:
            from random import Random

            begun = self.run.journal.begun
            self._random = Random(f"{0 if begun is None else begun.seed}/{self._prefix}")  # noqa: S311 - chance, not secrecy
        return self._random

    @property
    def last(self) -> Turn | None:
        """The last turn in which a member answered, or None."""
        return next((turn for turn in reversed(self.turns) if not turn.error), None)

    async def ask(
        self,
        member: str,
        text: str = "",
        *,
        output_type: Any = str,
        sees: str | Sees | None = None,
        tools: Sequence[Tool | Callable[[Ask], Tool]] = (),
    ) -> Turn:
        """Give a member its turn.

        Args:
            member: Its name.
            text: What is wanted of it; the task itself by default.
            output_type: The form of the answer, which `Turn.data` then holds.
            sees: What it sees of the others (see `victor.teams.scope`), unless the team or the member says.
            tools: What an agent gets for this turn beside its own tools, or functions that make it from the `Ask`.

        Returns:
            The turn. Where the member failed and the team's policy is to go on, ``turn.error`` says why.

        Raises:
            TeamError: There is no such member.
            JournalError: The run is resumed, and asks something else than it did.
        """
        run = self.run
        who = self.member(member)
        key = f"{self._prefix}{self._asked}"
        self._asked += 1
        prompt = text or run.task
        run.check()
        turn = run.journal.get(key)
        if turn is None:
            turn = await self._take(key, who, prompt, output_type, sees, tools)
            run.journal.record(turn)
        else:
            turn = self._again(turn, key, member, prompt, output_type)
            run.count(turn.usage, turn.cost_usd, turn.usage.total_tokens or 0, run.journal.inside(key))
        self.memory.apply(turn.memory)
        self._join(turn)
        return turn

    async def ask_all(
        self,
        members: Iterable[str],
        text: str | Callable[[str], str] = "",
        *,
        output_type: Any = str,
        sees: str | Sees | None = None,
    ) -> list[Turn]:
        """Give several members their turn at once; none sees what the others say meanwhile.

        Args:
            members: Their names.
            text: What is wanted, or a function of the name that says it.
            output_type: The form of the answers.
            sees: What they see of what was said before.

        Returns:
            Their turns, in the order of the names.
        """

        async def one(branch: Session, name: str) -> Turn:
            wanted = text(name) if callable(text) else text
            return await branch.ask(name, wanted, output_type=output_type, sees=sees)

        return await self.together(one, members)

    async def together(self, work: Callable[[Session, T], Awaitable[R]], items: Iterable[T]) -> list[R]:
        """Do work side by side, each piece in a branch of its own.

        A branch sees what was said before, and its own turns; when all are done their turns follow in the order of the
        items, whichever was done first.

        Args:
            work: Called with a branch and an item.
            items: One branch for each.

        Returns:
            What the calls returned, in the order of the items.
        """
        things = list(items)
        key = f"{self._prefix}{self._asked}"
        self._asked += 1
        if not things:
            return []
        share = self._share / min(len(things), self.run.limits.parallel)
        seen = len(self.turns)
        branches = [
            Session(self.run, list(self.turns), self.memory.copy(), f"{key}.{index}.", share)
            for index in range(len(things))
        ]
        stopped: Stop | None = None
        results: list[R] = []
        try:
            results = await _side_by_side(
                [_bind(work, branch, thing) for branch, thing in zip(branches, things, strict=True)],
                self.run.limits.parallel,
            )
        except Stop as stop:
            stopped = stop
        finally:  # what was said counts, however the rest ended
            for branch in branches:
                for turn in branch.turns[seen:]:
                    self.memory.apply(turn.memory)
                    self.turns.append(turn)
        if not self._prefix:
            for turn in self.turns[seen:]:
                self.run.joined(turn)
        if stopped is not None:
            raise stopped
        return results

    def _join(self, turn: Turn) -> None:
        self.turns.append(turn)
        if not self._prefix:
            self.run.joined(turn)

    def _again(self, turn: Turn, key: str, member: str, prompt: str, output_type: Any) -> Turn:
        """A recorded turn, once it is sure that it is the one that is asked for."""
        if turn.member != member or turn.prompt != prompt:
            raise JournalError(
                f"the run cannot be resumed: turn {key} was {turn.member!r} asked {turn.prompt!r:.200}, and now it is "
                f"{member!r} asked {prompt!r:.200}. The team was changed, or its pattern does not do the same twice "
                "(use Session.random for chance)"
            )
        turn = replace(turn, key=key)
        if output_type is str or turn.data is None or turn.error or isinstance(output_type, Mapping):
            return turn
        import msgspec

        from victor.core.schema import DecodeProblems, decode

        try:
            return replace(turn, data=decode(output_type, msgspec.json.encode(turn.data), what="the record"))
        except DecodeProblems as error:
            raise JournalError(
                f"the run cannot be resumed: the answer of {member!r} in turn {key} is recorded in another form than "
                f"is asked for now: {error}"
            ) from error

    async def _take(
        self, key: str, who: Member, prompt: str, output_type: Any, sees: str | Sees | None, tools: Sequence[Any]
    ) -> Turn:
        run = self.run
        began = time.perf_counter()
        if run.emit is not None:
            run.emit("started", key, (who.name, prompt))
        with run.stream.operation("team.turn", who.name, {"key": key}) as operation:
            operation.capture(prompt=prompt)
            attempt = _Attempt(self, key, who, prompt, output_type, sees, tools)
            error = await attempt.until_answered()
            turn = Turn(
                key=key,
                member=who.name,
                text=attempt.text,
                data=attempt.data,
                prompt=prompt,
                handoff=attempt.handoff,
                usage=attempt.usage,
                cost_usd=attempt.cost,
                duration_s=time.perf_counter() - began,
                attempts=attempt.count,
                stand_in=attempt.stand_in,
                error=error,
                memory=attempt.changes,
                sender_note=attempt.note,
            )
            if operation.recording:
                operation.set(
                    attempts=turn.attempts, stand_in=turn.stand_in, skipped=bool(error), cost_usd=turn.cost_usd,
                    input_tokens=turn.usage.input_tokens, output_tokens=turn.usage.output_tokens,
                )  # fmt: skip
                operation.capture(output=turn.text)
        if turn.handoff is not None:
            run.stream.emit("team.handoff", who.name, {"to": turn.handoff})
        if run.emit is not None:
            run.emit("finished", key, turn)
        return turn

    def _history(self, who: Member, prompt: str, sees: str | Sees | None) -> list[Message]:
        run = self.run
        scope = run.scope(who, sees)
        if sees_nothing(scope):
            return []
        start = [] if prompt == run.task else [Message("user", run.task)]
        if not sees_everything(scope):
            visible = scope(who.name, self.turns)
            return start + [one for turn in visible if (one := _as_message(turn, who.name)) is not None]
        said = self._said
        for turn in self.turns[len(said) :]:
            said.append(_as_message(turn, ""))
        messages, known = self._views.get(who.name, ([], 0))
        for turn, heard in zip(self.turns[known:], said[known:], strict=True):
            if heard is not None:
                messages.append(Message("assistant", turn.text) if turn.member == who.name else heard)
        self._views[who.name] = (messages, len(self.turns))
        return start + messages


class _Attempt:
    """Asks a member until it answers or its team's policy has come to an end."""

    def __init__(
        self, session: Session, key: str, who: Member, prompt: str, output_type: Any, sees: Any, tools: Sequence[Any]
    ) -> None:
        self.session = session
        self.key = key
        self.who = who
        self.prompt = prompt
        self.output_type = output_type
        self.sees = sees
        self.tools = tools
        self.count = 0
        self.usage = Usage(0, 0)
        self.cost: float | None = 0.0
        self.stand_in = ""
        self.text = ""
        self.data: Any = None
        self.handoff: str | None = None
        self.note = ""
        self.changes: Mapping[str, Any] = {}

    async def until_answered(self) -> str:
        """Why there is no answer, or ``""`` where there is one."""
        policy = self.session.run.policies[self.who.name]
        who, tried = self.who, 0
        while True:
            self.count += 1
            tried += 1
            try:
                await self._once(who)
                return ""
            except Waiting as waiting:
                if isinstance(waiting.spent, Reply):
                    self._spent(waiting.spent)
                place = self.session.run.journal.full(self.key)
                self.session.run.questions.extend(waiting.questions or [Question(place, who.name, waiting.prompt)])
                what = waiting.prompt if waiting.questions else f"{who.name} is asked: {waiting.prompt}"
                raise Stop(StopReason.WAITING, what) from None
            except Exception as error:  # noqa: BLE001 - what a member raises is the member's failure, told below
                failure = self._failed(who, error)
            if tried <= policy.retries:
                await asyncio.sleep(policy.backoff_s * 2 ** (tried - 1))
            elif policy.then == "replace" and who is self.who:
                who, tried = self.session.member(policy.stand_in), 0
                self.stand_in = who.name
            elif policy.then == "skip":
                return failure
            else:
                raise Stop(StopReason.MEMBER_FAILED, f"{who.name}: {failure}")

    async def _once(self, who: Member) -> None:
        session, run = self.session, self.session.run
        view = session.memory.view(run.limits.turn_chars)
        ask = Ask(
            run.task,
            self.prompt,
            history=session._history(who, self.prompt, self.sees),
            output_type=self.output_type,
            limits=run.left(session._share),
            memory=view,
            deps=run.deps,
            journal=run.journal.child(self.key),
            answers=run.answers,
            stream=run.stream,
        )
        if self.tools or run.own_tools is not None:
            made = [item if isinstance(item, Tool) else item(ask) for item in self.tools]
            ask.tools = made if run.own_tools is None else [*made, *run.own_tools(ask)]
        reply: Any = await self._acted(who, ask)
        if not isinstance(reply, Reply):
            raise MemberError(f"act() returned a {type(reply).__name__}, not a Reply", member=who.name)
        if wrong := self._spent(reply):
            raise MemberError(wrong, member=who.name)
        changes = view.changes
        self.text, self.data, self.handoff, self.note = taken(
            reply, self.output_type, who.name, run.limits.turn_chars
        )  # fmt: skip
        self.changes = changes

    async def _acted(self, who: Member, ask: Ask) -> Any:
        """Let it act; where the run is streamed, its words go out as they come."""
        run = self.session.run
        work: Callable[[], Awaitable[Any]] = partial(who.act, ask)
        if run.emit is not None:
            work = partial(self._heard, who, ask, run.emit)
        if getattr(who, "patient", False):
            with run.clock.paused():
                return await in_this_task(work, who.name)
        if getattr(who, "punctual", False):
            return await in_this_task(work, who.name)
        return await in_its_own_task(work, who.name, run.limits.turn_timeout_s, depth_of(who))

    async def _heard(self, who: Member, ask: Ask, tell: Callable[[str, str, Any], None]) -> Reply:
        from victor.core.run_events import tap_runs

        with tap_runs(lambda event: tell("words", self.key, (who.name, event))):
            return await who.act(ask)

    def _spent(self, reply: Reply) -> str:
        """Count what was used; returns what is wrong with what it says, or ``""``."""
        usage, cost, tokens, turns, wrong = told_use(reply)
        self.usage += usage
        self.cost = None if self.cost is None or cost is None else self.cost + cost
        self.session.run.count(usage, cost, tokens, turns)
        return wrong

    def _failed(self, who: Member, error: Exception) -> str:
        if isinstance(error, MemberError):
            wrong = self._spent(error.spent) if isinstance(error.spent, Reply) else ""
            told = f"{error}; {wrong}" if wrong else str(error)
        else:
            told = f"{type(error).__name__}: {error}"
        return fitting_text(told, self.session.run.limits.turn_chars, "the error")[0]


def _as_message(turn: Turn, member: str) -> Message | None:
    """A turn as the model of a member sees it: its own words are the assistant's."""
    if turn.error or not turn.text:
        return None
    if turn.member == member:
        return Message("assistant", turn.text)
    return Message("user", as_said(turn.member, turn.text))


async def _bind(work: Callable[[Session, T], Awaitable[R]], branch: Session, item: T) -> R:
    return await work(branch, item)


async def _side_by_side(works: Sequence[Any], most: int) -> list[Any]:
    """Run coroutines, a bounded number at once. The first that ends badly ends the others, except that those go on
    while one only waits for somebody outside: what they do is wanted in any case.
    """
    room = asyncio.Semaphore(most)

    async def one(work: Any) -> Any:
        async with room:
            return await work

    tasks = [asyncio.create_task(one(work)) for work in works]
    try:
        pending = set(tasks)
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_EXCEPTION)
            if any(_fatal(task) for task in done):
                break
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for work in works:
            work.close()  # those that had not begun
    failures = [task.exception() for task in tasks if not task.cancelled() and task.exception() is not None]
    failures.sort(key=lambda error: isinstance(error, Stop) and error.reason is StopReason.WAITING)
    if failures and failures[0] is not None:
        raise failures[0]
    return [task.result() for task in tasks]


def _fatal(task: asyncio.Task[Any]) -> bool:
    if task.cancelled():
        return False
    error = task.exception()
    return error is not None and not (isinstance(error, Stop) and error.reason is StopReason.WAITING)
