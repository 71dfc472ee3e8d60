"""What a team sees of whoever works in it: an agent, a function, a person, another team.

A member gets an `Ask` and gives a `Reply`. Anything with a ``name``, a ``description`` and ``async act(ask)`` can be
one.

Example:
    >>> import asyncio
    >>> def shout(ask: Ask) -> str:
    ...     return ask.text.upper()
    >>> reply = asyncio.run(as_member(shout).act(Ask("a task", "hello")))
    >>> reply.text
    'HELLO'
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from msgspec import Struct

from victor.core.agent import Agent
from victor.core.errors import ConfigurationError
from victor.core.limits import Limits
from victor.core.message import Message, Usage
from victor.core.result import RunResult, StopReason
from victor.teams.answers import decoded
from victor.teams.errors import MemberError
from victor.teams.limits import least
from victor.teams.memory import MemoryView

if TYPE_CHECKING:
    from victor.core.events import EventStream
    from victor.core.tool import Tool
    from victor.teams.journal import Journal
    from victor.teams.result import Question

_SLIPS = 5
"""How often a person is asked for one answer, by a function that may not be one who learns."""
_SHOWN = 200

__all__ = ["AgentMember", "Ask", "FunctionMember", "Human", "Left", "Member", "Reply", "Waiting", "as_member"]


class Reply(Struct):
    """What a member answers.

    Args:
        text: In words.
        data: As a value, where a form was asked for.
        handoff: The member it passes the work to.
        usage: Tokens; a count is None when the provider did not say.
        cost_usd: US dollars, or None when the price is unknown.
        tokens: What counts against the limit where the usage is unknown: an estimate.
        turns: Turns of its own that a team has taken.
    """

    text: str = ""
    data: Any = None
    handoff: str | None = None
    usage: Usage = Usage(0, 0)
    cost_usd: float | None = 0.0
    tokens: int | None = None
    turns: int = 0


class Left(Struct, frozen=True):
    """What is left of a team's budget for one turn; None where there is no limit.

    Args:
        tokens: Input and output tokens.
        cost_usd: US dollars.
        timeout_s: Seconds.
        turns: Turns, for a member that is a team.
    """

    tokens: int | None = None
    cost_usd: float | None = None
    timeout_s: float | None = None
    turns: int | None = None


class Ask:
    """What a member is asked.

    Args:
        task: The team's task.
        text: What is wanted now.
        history: What it may see of the conversation, as a model sees it: its own words are the assistant's.
        output_type: The form of the answer; ``str`` for plain text.
        tools: What it gets for this turn beside its own.
        limits: What it may use at most; None for the member's own limits.
        memory: The shared memory as it may read and change it.
        deps: What the host program gave the run.
        journal: Where a subteam records its turns.
        answers: What somebody outside answered, by the id of the question.
        stream: Where events go; None for the default one.

    Attributes:
        handoff: Set by a tool that passes the work on.
    """

    __slots__ = (
        "answers", "deps", "handoff", "history", "journal", "limits", "memory", "output_type", "stream", "task", "text",
        "tools",
    )  # fmt: skip

    def __init__(
        self,
        task: str,
        text: str = "",
        *,
        history: Sequence[Message] = (),
        output_type: Any = str,
        tools: Sequence[Tool] = (),
        limits: Left | None = None,
        memory: MemoryView | None = None,
        deps: Any = None,
        journal: Journal | None = None,
        answers: Mapping[str, str] | None = None,
        stream: EventStream | None = None,
    ) -> None:
        self.task: str = task
        self.text: str = text
        self.history: Sequence[Message] = history
        self.output_type: Any = output_type
        self.tools: Sequence[Tool] = tools
        self.limits: Left | None = limits
        self.memory: MemoryView = MemoryView({}) if memory is None else memory
        self.deps: Any = deps
        self.journal: Journal | None = journal
        self.answers: Mapping[str, str] = answers or {}
        self.stream: EventStream | None = stream
        self.handoff: str | None = None

    @property
    def answer(self) -> str | None:
        """What somebody outside answered to this very turn, or None."""
        return None if self.journal is None else self.answers.get(self.journal.place)


class Waiting(Exception):
    """Raised by a member that has no answer yet: the run ends with WAITING and can go on when there is one.

    What to do: raise it in a member of your own that needs an answer; who runs the team gives it with ``answers``.

    Args:
        prompt: What is asked.
        questions: Of a team: the questions of its members.
        spent: What the turn has used so far.
    """

    def __init__(self, prompt: str, *, questions: Sequence[Question] = (), spent: Reply | None = None) -> None:
        super().__init__(prompt)
        self.prompt = prompt
        self.questions: tuple[Question, ...] = tuple(questions)
        self.spent = spent


@runtime_checkable
class Member(Protocol):
    """Whoever works in a team.

    Attributes:
        name: Unique in the team.
        description: What it is good at, for members that choose.
    """

    name: str
    description: str

    async def act(self, ask: Ask) -> Reply:
        """Take a turn.

        Raises:
            Waiting: There is no answer yet.
            MemberError: There will be none.
        """


class AgentMember:
    """An agent as a member.

    Args:
        agent: The agent; it is not changed.
        name: Another name than the agent's.
        sees: What it sees of the others, instead of what the pattern says.
    """

    def __init__(self, agent: Agent[Any], *, name: str = "", sees: Any = None) -> None:
        self.agent = agent
        self.name: str = name or agent.name
        self.description: str = agent.description or _first_line(agent.instructions)
        self.sees = sees
        self._forms: dict[int, tuple[Any, Agent[Any]]] = {}  # the type keeps its id from being used again

    punctual = True
    """Keeps to the time in `Ask.limits` by itself."""

    async def act(self, ask: Ask) -> Reply:
        """Run the agent once."""
        agent = self._formed(ask)
        text = ask.text
        result: RunResult[Any]
        try:
            result = await agent.run(text, history=ask.history, deps=ask.deps, limits=self._limits(ask))
        except Exception as error:
            failed = MemberError(f"{type(error).__name__}: {error}", member=self.name)
            partial: RunResult[Any] | None = getattr(error, "result", None)
            failed.spent = None if partial is None else _spent(partial)
            raise failed from error
        if result.stop_reason is not StopReason.COMPLETED:
            if result.stop_reason is StopReason.TIMEOUT and ask.limits is not None:
                raise MemberError(f"no answer within {ask.limits.timeout_s:.4g} s", member=self.name)
            stopped = MemberError(f"it stopped without an answer: {result.stop_reason.value}", member=self.name)
            stopped.spent = _spent(result)
            raise stopped
        data = None if ask.output_type is str and agent.output.schema is None else result.found
        words = result.found if isinstance(result.found, str) else result.text
        return Reply(words, data, ask.handoff, result.usage, result.cost_usd, result.tokens)

    def _formed(self, ask: Ask) -> Agent[Any]:
        """The agent with the answer's form and the tools of this turn."""
        agent = self.agent
        if ask.output_type is not str:
            form = self._forms.get(id(ask.output_type))
            if form is None:
                form = self._forms[id(ask.output_type)] = (ask.output_type, agent.with_(output_type=ask.output_type))
            agent = form[1]
        if ask.tools:
            agent = agent.with_(tools=ask.tools)
        return agent

    def _limits(self, ask: Ask) -> Limits | None:
        """The agent's own limits, and no more than the team has left."""
        own, left = self.agent.limits, ask.limits
        if left is None:
            return own
        from msgspec.structs import replace

        return replace(
            own,
            tokens=least(own.tokens, left.tokens),
            cost_usd=least(own.cost_usd, left.cost_usd),
            timeout_s=least(own.timeout_s, left.timeout_s),
        )


class FunctionMember:
    """A function as a member: gets the `Ask`, returns a text, a value, or a `Reply`; may be async.

    Args:
        function: The function. A plain one runs in a thread, so that one that blocks holds up nobody else; when its
            time is over it is left behind there. An async one must not block.
        name: Another name than the function's.
        description: Instead of the first line of its docstring.
        sees: What it sees of the others, instead of what the pattern says.
    """

    def __init__(
        self, function: Callable[[Ask], Any], *, name: str = "", description: str = "", sees: Any = None
    ) -> None:
        self.function = function
        own = getattr(function, "__name__", type(function).__name__)
        self.name: str = name or ("function" if own == "<lambda>" else own)
        self.description: str = description or _first_line(inspect.getdoc(function) or "")
        self.sees = sees

    async def act(self, ask: Ask) -> Reply:
        """Call the function."""
        if inspect.iscoroutinefunction(self.function):
            value = await self.function(ask)
        else:
            from victor.core.worker_threads import in_thread, start

            value = await in_thread(start(lambda: _called(self.function, ask), self.name))
        if inspect.isawaitable(value):
            value = await value
        if isinstance(value, Reply):
            return value
        if isinstance(value, str):
            return Reply(value, value if ask.output_type is not str else None)
        import msgspec

        try:
            words = msgspec.json.encode(value).decode()
        except (TypeError, ValueError, OverflowError, RecursionError):
            words = str(value)
        return Reply(words, value)


class Human:
    """A person as a member.

    Args:
        name: How the team calls the person.
        ask: Asks the person and returns what was said; gets the `Ask`, may be async. Without it, or when it returns
            None, the run ends with `StopReason.WAITING` and goes on with ``team.run(answers={...})``.
        description: What the person is good at.
        sees: What is shown, instead of what the pattern says.
    """

    def __init__(
        self,
        name: str = "human",
        ask: Callable[[Ask], str | Awaitable[str | None] | None] | None = None,
        *,
        description: str = "a person",
        sees: Any = None,
    ) -> None:
        self.name = name
        self.description = description
        self.sees = sees
        self._ask = ask

    patient = True
    """Its waiting counts against no time limit."""

    async def act(self, ask: Ask) -> Reply:
        """Ask the person, or wait. An answer that does not have the form that is needed is asked for again."""
        wanted = ask.text
        answer: Any = ask.answer
        for last in (*[False] * (_SLIPS - 1), True):
            if answer is None and self._ask is not None:
                answer = self._ask(ask)
                if inspect.isawaitable(answer):
                    answer = await answer
            if answer is None:
                raise Waiting(ask.text)
            answer = str(answer)
            if ask.output_type is str:
                return Reply(answer)
            try:
                return Reply(answer, decoded(ask.output_type, answer, "the answer", self.name))
            except MemberError as slip:
                if last:
                    raise
                ask.text = f"{wanted}\n\n{answer[:_SHOWN]!r} cannot be used: {slip}\n{_example(ask.output_type)}"
                answer = None
        raise AssertionError("the last try returns or raises")


def depth_of(member: Member) -> int:
    """How many levels of teams there are in a member; 0 for one that is no team."""
    depth = getattr(getattr(member, "team", None), "depth", 0)
    return depth if isinstance(depth, int) else 0


def as_member(who: Any) -> Member:
    """A member from an agent, a function, a team, or what is one already.

    Raises:
        ConfigurationError: It is none of these.
    """
    if isinstance(who, Agent):
        return AgentMember(who)
    from victor.teams.team import Team

    if isinstance(who, Team):
        from victor.teams.subteam import SubTeam

        return SubTeam(who)
    if not isinstance(who, type) and isinstance(who, Member):
        return who
    if callable(who) and not isinstance(who, type):
        return FunctionMember(who)
    raise ConfigurationError(
        f"a member is an Agent, a Team, a function, a Human or something with name, description and act, "
        f"not {type(who).__name__} {who!r:.80}"
    )


def _called(function: Callable[[Ask], Any], ask: Ask) -> Any:
    try:
        return function(ask)
    except StopIteration as error:  # which no future can carry
        raise RuntimeError(f"StopIteration: {error}") from error


def _example(form: Any) -> str:
    """What an answer has to look like, for people."""
    import json

    from victor.core.output import Output

    output: Output[Any] = Output(form)
    schema: Any = {} if output.schema is None else output.schema.schema
    words = schema.get("properties", {}).get("value", {}).get("enum")
    if words:
        return f"Answer with one of: {', '.join(map(str, words))}"
    return f"Answer with JSON of this schema: {json.dumps(schema)}"


def _spent(result: RunResult[Any]) -> Reply:
    return Reply(usage=result.usage, cost_usd=result.cost_usd, tokens=result.tokens)


def _first_line(text: Any) -> str:
    return text.strip().partition("\n")[0] if isinstance(text, str) else ""
