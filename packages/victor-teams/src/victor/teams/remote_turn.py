"""A turn as it travels between processes: plain data, both ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from victor.core.message import Message, Usage
from victor.core.tool import Tool
from victor.teams.errors import MemberError
from victor.teams.journal import Journal
from victor.teams.member import Ask, Left, Reply, Waiting
from victor.teams.memory import MemoryView
from victor.teams.result import Question, Turn

__all__ = ["Answered", "Asked", "answered_by", "ask_of", "asked_of", "reply_of"]

_HERE = "turn"
"""The turn's place in the journal that the worker works with; the team puts its own key in its stead."""


class _HandOver(Struct):
    to: list[str]
    description: str


class Asked(Struct, omit_defaults=True):
    """An `Ask` on its way to a worker.

    Args:
        memory_tools: Whether the turn brings the tools of the shared memory.
        hand_over: Whom it may hand over to, where it may.
        recorded: Turns of a team that takes this one, from the record.
    """

    task: str
    text: str
    history: list[Message] = []
    form: dict[str, Any] | None = None
    limits: Left | None = None
    memory: dict[str, Any] = {}
    memory_tools: bool = False
    hand_over: _HandOver | None = None
    answers: dict[str, str] = {}
    recorded: list[Turn] = []


class Answered(Struct, omit_defaults=True):
    """A `Reply` on its way back, or why there is none.

    Args:
        memory: What the turn wrote to the shared memory.
        recorded: Turns of a team that took this one, for the record.
        failed: Why there is no reply.
        waiting: What is asked, where an answer from outside is needed.
        questions: The same of a team's members.
    """

    text: str = ""
    data: Any = None
    handoff: str | None = None
    usage: Usage = Usage(0, 0)
    cost_usd: float | None = 0.0
    tokens: int | None = None
    turns: int = 0
    memory: dict[str, Any] = {}
    recorded: list[Turn] = []
    failed: str = ""
    waiting: str = ""
    questions: list[Question] = []


def asked_of(ask: Ask, member: str) -> Asked:
    """What travels to the worker.

    Raises:
        MemberError: The turn brings tools that can run only in its own process.
    """
    asked = Asked(
        ask.task, ask.text, list(ask.history), _form(ask.output_type), ask.limits, dict(ask.memory.items())
    )  # fmt: skip
    for tool in ask.tools:
        home = getattr(tool.function, "__module__", "")
        if home == "victor.teams.memory_tools":
            asked.memory_tools = True
        elif home == "victor.teams.patterns.swarm":
            asked.hand_over = _HandOver(list(tool.parameters["properties"]["to"]["enum"]), tool.description)
        else:
            raise MemberError(f"the tool {tool.name!r} of this turn cannot run in another process", member=member)
    journal = ask.journal
    if journal is not None and journal.place:
        below = f"{journal.place}/"
        asked.answers = {
            _HERE + key.removeprefix(journal.place): text
            for key, text in ask.answers.items()
            if key == journal.place or key.startswith(below)
        }
        asked.recorded = [
            replace(turn, key=key.removeprefix(below)) for key, turn in journal.turns.items() if key.startswith(below)
        ]
    return asked


def ask_of(asked: Asked, timeout_s: float | None, deps: Any) -> Ask:
    """What the member is asked, at the worker.

    Args:
        asked: What came.
        timeout_s: Seconds that are left.
        deps: For tools and functions there.
    """
    limits = asked.limits
    if timeout_s is not None:
        limits = Left(timeout_s=timeout_s) if limits is None else replace(limits, timeout_s=timeout_s)
    journal = Journal().child(_HERE)
    for turn in asked.recorded:
        journal.record(turn)
    ask = Ask(
        asked.task, asked.text, history=asked.history, output_type=str if asked.form is None else asked.form,
        limits=limits, memory=MemoryView(asked.memory), deps=deps, journal=journal, answers=asked.answers,
    )  # fmt: skip
    tools: list[Tool] = []
    if asked.hand_over is not None:
        from victor.teams.patterns.swarm import HandOver

        made = HandOver(dict.fromkeys(asked.hand_over.to, ""))(ask)
        tools.append(made.with_(description=asked.hand_over.description))
    if asked.memory_tools:
        from victor.teams.memory_tools import memory_tools

        tools += memory_tools(ask.memory)
    ask.tools = tools
    return ask


def answered_by(outcome: Reply | Exception, ask: Ask, known: int) -> Answered:
    """What travels back.

    Args:
        outcome: What the member answered or raised.
        ask: What it was asked.
        known: How many turns below its own were recorded before.
    """
    spent = outcome if isinstance(outcome, Reply) else getattr(outcome, "spent", None)
    reply = spent if isinstance(spent, Reply) else Reply()
    answered = Answered(
        usage=reply.usage, cost_usd=reply.cost_usd, tokens=reply.tokens, turns=reply.turns
    )  # fmt: skip
    if ask.journal is not None:
        new = list(ask.journal.turns.values())[known:]
        answered.recorded = [replace(turn, key=turn.key.removeprefix(f"{_HERE}/")) for turn in new]
    if isinstance(outcome, Reply):
        answered.text, answered.data, answered.handoff = outcome.text, outcome.data, outcome.handoff
        answered.memory = ask.memory.changes
    elif isinstance(outcome, Waiting):
        answered.waiting = outcome.prompt or "?"
        answered.questions = [replace(each, id=each.id.removeprefix(_HERE)) for each in outcome.questions]
    elif isinstance(outcome, MemberError):
        answered.failed = str(outcome) or "it failed"
    else:
        answered.failed = f"{type(outcome).__name__}: {outcome}"
    return answered


def reply_of(content: Any, ask: Ask, member: str) -> Reply:
    """The reply from what came back.

    Raises:
        Waiting: The member waits for somebody outside.
        MemberError: It failed, or what came back is no answer.
    """
    try:
        answered = msgspec.convert(content, Answered)
    except msgspec.ValidationError as error:
        raise MemberError(f"what came back is no answer of a member: {error}", member=member) from error
    reply = Reply(
        answered.text, None, answered.handoff, answered.usage, answered.cost_usd, answered.tokens, answered.turns
    )  # fmt: skip
    if ask.journal is not None:
        for turn in answered.recorded:
            ask.journal.record(turn)
    if answered.waiting:
        place = "" if ask.journal is None else ask.journal.place
        questions = [replace(each, id=place + each.id) for each in answered.questions]
        raise Waiting(answered.waiting, questions=questions, spent=reply)
    try:
        if answered.failed:
            raise MemberError(answered.failed, member=member)
        reply.data = _decoded(ask.output_type, answered.data, member)
    except MemberError as failure:
        failure.spent = reply
        raise
    for key, value in answered.memory.items():
        if value is not None:
            ask.memory[key] = value
        elif key in ask.memory:
            del ask.memory[key]
    return reply


def _decoded(form: Any, data: Any, member: str) -> Any:
    """The value in the form that was asked for; as it came where that is a schema, or nothing was asked for."""
    if form is str or isinstance(form, Mapping):
        return data
    from victor.core.schema import DecodeProblems, decode

    try:
        return decode(form, msgspec.json.encode(data), what="the answer")
    except DecodeProblems as error:
        raise MemberError(f"the answer does not have the required form: {error}", member=member) from error


def _form(output_type: Any) -> dict[str, Any] | None:
    """The form of an answer as JSON Schema; None for plain text."""
    if output_type is str:
        return None
    if isinstance(output_type, Mapping):
        return dict(output_type)
    from victor.core.schema import json_schema

    return json_schema(output_type)
