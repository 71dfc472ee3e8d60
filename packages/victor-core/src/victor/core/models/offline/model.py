"""The offline model itself: reads the conversation, then calls a tool, fills a schema or replies."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from victor.core.errors import ConfigurationError
from victor.core.message import ToolCall, Usage
from victor.core.model import Model, ModelChunk, ModelRequest, ModelResponse, TextDelta, ToolCallDelta
from victor.core.models.offline.conversation import Conversation, Done, read_conversation
from victor.core.models.offline.dialog import cannot, introduction, list_tools
from victor.core.models.offline.intent import intent_of
from victor.core.models.offline.plan import Plan, make_plan
from victor.core.models.offline.reply import Matter, not_found, reply
from victor.core.models.offline.schema_fill import NotFound, Source, fill
from victor.core.models.offline.sentences import sentences_of
from victor.core.models.offline.tokens import cut_tokens, usage_of

if TYPE_CHECKING:
    from victor.core.tool import Tool

__all__ = ["OfflineModel", "from_name"]

_PIECES = re.compile(r".*?(?:[.!?\u2026][\"')\]\u201d]*\s+|\n+|[\u3002\uff01\uff1f]|\Z)", re.DOTALL)
_WHOLE_RESULT = 6000  # characters of a tool's result that are worth showing as they are


class OfflineModel(Model):
    """A model without weights, key or network, that answers by fixed rules, the same every time.

    It calls tools whose arguments stand in the request, summarises, finds and sorts what a text says, and fills
    output schemas from it. It quotes; it writes no sentences of its own about a subject. When it cannot help, it
    says that it is not a language model and how to configure one.

    Sampling settings have no effect, because nothing is sampled.

    Args:
        today: Gives today's date as ISO 8601, for "yesterday" and the like; the default asks the system's clock.

    Example:
        >>> import asyncio
        >>> from victor.core.message import Message
        >>> request = ModelRequest([Message.user("Summarise in one sentence: The pump moves heat. It is old.")])
        >>> asyncio.run(OfflineModel().request(request)).content
        'The pump moves heat.'
    """

    provider = "offline"

    def __init__(self, *, today: Callable[[], str] | None = None) -> None:
        self._today = today or _today

    async def request(self, request: ModelRequest) -> ModelResponse:
        if request.settings.extra:
            names = ", ".join(sorted(map(str, request.settings.extra)))
            raise ConfigurationError(f"the offline model has no settings of its own; remove from `extra`: {names}")
        response = self._respond(request)
        return _within(request, response)

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelChunk]:
        response = await self.request(request)
        for piece in _PIECES.findall(response.content):
            if piece:
                yield TextDelta(piece)
        for index, call in enumerate(response.tool_calls):
            yield ToolCallDelta(index, call.id, call.name, call.arguments)
        yield response

    def cost_usd(self, usage: Usage) -> float | None:
        """Nothing: it runs on this machine, without a provider."""
        return 0.0

    def _respond(self, request: ModelRequest) -> ModelResponse:
        talk = read_conversation(request.messages)
        plan = self._plan(talk, request)
        if plan.call is not None:
            call = ToolCall(f"offline_{len(talk.done) + 1}", plan.call.name, plan.call.json)
            note = f"Assuming {' and '.join(plan.call.notes)}." if plan.call.notes else ""
            return ModelResponse(note, (call,), finish_reason="tool_calls", model=self.id)
        content = _structured(talk, request) if request.output is not None else _text(talk, plan, request.tools)
        return ModelResponse(content, model=self.id)

    def _plan(self, talk: Conversation, request: ModelRequest) -> Plan:
        task = talk.prompt.task
        if not request.tools or talk.refused or not task or intent_of(task, material=bool(talk.prompt.material)) in ("greet", "tools"):
            return Plan(None, (task,) if task else ())
        return make_plan(task, request.tools, talk.done, context=talk.prompt.material, today=self._today)


def from_name(name: str) -> OfflineModel:
    """Make the model for the catalog.

    Args:
        name: What follows ``offline:``; there is only one, so nothing may.

    Raises:
        ConfigurationError: A name was given.
    """
    if name:
        raise ConfigurationError(f"there is only one offline model: write 'offline', not 'offline:{name}'")
    return OfflineModel()


def _today() -> str:
    import time

    return time.strftime("%Y-%m-%d")


def _within(request: ModelRequest, response: ModelResponse) -> ModelResponse:
    """The response with its usage, cut where the settings say so."""
    content, reason = response.content, response.finish_reason
    for stop in request.settings.stop:
        if stop and stop in content:
            content = content[: content.index(stop)]
    limit = request.settings.max_tokens
    if limit is not None and not response.tool_calls:
        cut = cut_tokens(content, limit)
        if cut != content:
            content, reason = cut, "length"
    usage = usage_of(request.messages, content + "".join(call.arguments for call in response.tool_calls))
    return ModelResponse(content, response.tool_calls, usage, reason, response.model)


def _structured(talk: Conversation, request: ModelRequest) -> str:
    assert request.output is not None
    failed = [made for made in talk.done if made.failed]
    if failed:
        return cannot(_failure(failed[-1]))
    if talk.refused:
        return cannot("I still cannot fill the form that was asked for: the text does not say what it needs.")
    results = "\n\n".join(made.result for made in talk.done)
    material = "\n\n".join(part for part in (talk.prompt.material, results) if part.strip())
    task = "\n".join(part for part in (talk.prompt.task, talk.instructions) if part)
    if not material and not _is_only_request(talk):
        material = talk.prompt.task
    try:
        value = fill(request.output.schema, Source(material, task))
    except NotFound as error:
        missing = "; ".join(f"{path}: {what}" for path, what in error.problems)
        return cannot(f"The text does not say what the form needs ({missing}).")
    return msgspec.json.encode(value).decode()


def _is_only_request(talk: Conversation) -> bool:
    """The message asks for work on a text that is missing, such as that of an empty file."""
    return intent_of(talk.prompt.task, material=True) in ("summarize", "keywords", "classify", "title") and talk.said.rstrip().endswith(
        (":", ">", '"""', "```")
    )


def _text(talk: Conversation, plan: Plan, tools: Sequence[Tool]) -> str:
    task = talk.prompt.task
    failed = [made for made in talk.done if made.failed]
    succeeded = [made for made in talk.done if not made.failed]
    if failed and talk.done[-1].failed:
        told = _failure(talk.done[-1])
        return f"{told}\n\n{_results(succeeded)}" if succeeded else told
    kind = intent_of(task, material=bool(talk.prompt.material or talk.done))
    if kind == "greet" and not talk.done:
        return introduction(tools)
    if kind == "tools" and not talk.done:
        return list_tools(tools)
    if succeeded:
        return _after_tools(talk, plan, succeeded)
    matter = Matter(task, talk.prompt.material, talk.instructions, talk.history, given=_was_given(talk))
    made = reply(matter) or _from_before(talk)
    if made is not None:
        return made
    if plan.lacking:
        name, missing = plan.lacking[0]
        what = " and ".join(f"`{argument}`" for argument in missing)
        return cannot(f"The tool {name} fits, but it needs {what}, which I did not find in the request.")
    return not_found(task, talk.prompt.material, bool(tools))


def _was_given(talk: Conversation) -> bool:
    """A text was meant to be there: the request ends where it should begin."""
    return not talk.prompt.material and talk.said.rstrip().endswith((":", '"""', "```", "</document>", "</text>"))


def _from_before(talk: Conversation) -> str | None:
    """Work on a text that was given earlier in the conversation."""
    if talk.prompt.material or intent_of(talk.prompt.task, material=True) not in (
        "summarize", "keywords", "classify", "extract", "title", "count", "question",
    ):  # fmt: skip
        return None
    from victor.core.models.offline.prompt import read_prompt

    for said in talk.history:
        material = read_prompt(said).material or (said if len(said.split()) > 40 else "")
        if material:
            return reply(Matter(talk.prompt.task, material, talk.instructions))
    return None


def _after_tools(talk: Conversation, plan: Plan, succeeded: Sequence[Done]) -> str:
    results = "\n\n".join(made.result for made in succeeded)
    for clause in reversed(plan.rest):
        made = reply(Matter(clause, results, talk.instructions))
        if made is not None:
            return made
    kind = intent_of(talk.prompt.task, material=True)
    if kind in ("summarize", "keywords", "classify", "extract", "title", "count") and len(results) > 200:
        made = reply(Matter(talk.prompt.task, results, talk.instructions))
        if made is not None:
            return made
    if kind == "question" and _is_prose(results):
        made = reply(Matter(talk.prompt.task, results, talk.instructions))
        if made is not None:
            return made
    told = _results(succeeded[-1:] if plan.fed else succeeded)
    if plan.notes:
        told += f"\n\n({'; '.join(plan.notes)}.)"
    if plan.lacking:
        name, missing = plan.lacking[0]
        told += f"\n\nI did not call {name}: I found no {' and no '.join(f'`{argument}`' for argument in missing)}."
    return told


def _is_prose(text: str) -> bool:
    return not text.lstrip().startswith(("{", "[", "<")) and len(text) > 60 and len(sentences_of(text)) > 1


def _results(done: Sequence[Done]) -> str:
    if len(done) == 1:
        return _shown(done[0].result)
    names = [made.call.name for made in done]
    labels = names if len(set(names)) == len(names) else [_label_of(made) for made in done]
    parts = [(label, _shown(made.result)) for label, made in zip(labels, done, strict=True)]
    return "\n".join(f"{label}:\n{text}\n" if "\n" in text else f"{label}: {text}" for label, text in parts).rstrip()


def _label_of(made: Done) -> str:
    """What tells two calls of one tool apart: their arguments."""
    try:
        arguments = made.call.parsed()
    except msgspec.DecodeError:
        return made.call.name
    told = ", ".join(str(value) for value in arguments.values()) if isinstance(arguments, dict) else ""
    return told if told and len(told) <= 80 else made.call.name


def _shown(result: str) -> str:
    result = result.strip() or "(nothing)"
    if len(result) <= _WHOLE_RESULT:
        return result
    return f"{result[:_WHOLE_RESULT]}\n[{len(result) - _WHOLE_RESULT:,} more characters]"


def _failure(made: Done) -> str:
    return f"The tool {made.call.name} failed: {made.result.strip()}"
