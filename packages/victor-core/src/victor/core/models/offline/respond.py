"""One answer of the offline model: reads the conversation, then calls a tool, fills a schema or replies."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from victor.core.message import ToolCall
from victor.core.model import ModelRequest, ModelResponse
from victor.core.models.offline.conversation import Conversation, Done, read_conversation
from victor.core.models.offline.dialog import cannot, introduction, list_tools
from victor.core.models.offline.intent import intent_of
from victor.core.models.offline.pattern import pattern
from victor.core.models.offline.prompt import read_prompt
from victor.core.models.offline.reply import Matter, not_found, reply
from victor.core.models.offline.sentences import sentences_of

if TYPE_CHECKING:
    from victor.core.models.offline.plan import Plan
    from victor.core.tool import Tool

__all__ = ["respond"]

_WHOLE_RESULT = 6000  # characters of a tool's result that are worth showing as they are


def respond(request: ModelRequest, today: Callable[[], str]) -> ModelResponse:
    """The answer to a request, without its usage.

    Args:
        request: What the agent sends.
        today: Gives today's date as ISO 8601.
    """
    talk = read_conversation(request.messages)
    plan = _plan(talk, request.tools, today)
    if plan is not None and plan.call is not None:
        call = ToolCall(f"offline_{len(talk.done) + 1}", plan.call.name, plan.call.json)
        note = f"Assuming {' and '.join(plan.call.notes)}." if plan.call.notes else ""
        return ModelResponse(note, (call,), finish_reason="tool_calls", model="offline")
    if request.output is not None:
        content = _structured(talk, request.output.schema)
    else:
        content = _text(talk, plan, request.tools)
    return ModelResponse(content, model="offline")


def _plan(talk: Conversation, tools: Sequence[Tool], today: Callable[[], str]) -> Plan | None:
    task = talk.prompt.task
    if (
        not tools
        or talk.refused
        or not task
        or intent_of(task, material=bool(talk.prompt.material)) in ("greet", "tools")
    ):
        return None
    from victor.core.models.offline.plan import make_plan

    return make_plan(task, tools, talk.done, context=talk.prompt.material, today=today)


def _structured(talk: Conversation, schema: Mapping[str, Any]) -> str:
    from victor.core.models.offline.schema_fill import NotFound, Source, fill

    failed = [made for made in talk.done if made.failed]
    if failed:
        return cannot(_failure(failed[-1]))
    results = "\n\n".join(made.result for made in talk.done)
    material = "\n\n".join(part for part in (talk.prompt.material, results) if part.strip())
    task = "\n".join(part for part in (talk.prompt.task, talk.instructions) if part)
    intent = intent_of(talk.prompt.task, material=bool(material))
    if intent == "generate" and not results:  # filling the form from the request would look like an answer
        return not_found(talk.prompt.task, material, False)
    alone = not material and not _is_only_request(talk)
    if alone:
        material = talk.prompt.task
    try:
        value = fill(schema, Source(material, task, talk.prompt.task))
        if alone and intent == "question" and _says_nothing(value):
            return not_found(talk.prompt.task, "", False)
    except NotFound as error:
        missing = "; ".join(f"{path}: {what}" for path, what in error.problems)
        return cannot(f"The text does not say what the form needs ({missing}).")
    return msgspec.json.encode(value).decode()


def _says_nothing(value: Any) -> bool:
    """Nothing was found: what is there is what a form says where a text says nothing."""
    if isinstance(value, dict):
        return all(_says_nothing(item) for item in value.values())
    return value is None or value is False or value in ("", [])


_ABOUT_A_TEXT = pattern(
    r"\b(?:this|the|following|given|below|above)\b[^.]{0,30}\b(?:text|document|file|article|content|page|message|"
    r"review|email|it)\b",
    re.IGNORECASE,
)


def _is_only_request(talk: Conversation) -> bool:
    """The message asks for work on a text that is missing, such as that of an empty file."""
    said = talk.said.rstrip()
    if said.endswith((":", '"""', "```", "</document>", "</text>")):
        return True
    kind = intent_of(talk.prompt.task, material=True)
    return kind in ("summarize", "keywords", "classify", "title") and bool(_ABOUT_A_TEXT.search(said))


def _text(talk: Conversation, plan: Plan | None, tools: Sequence[Tool]) -> str:
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
    if succeeded and plan is not None:
        return _after_tools(talk, plan, succeeded)
    matter = Matter(task, talk.prompt.material, talk.instructions, talk.history, given=_was_given(talk))
    made = reply(matter) or _from_before(talk)
    if made is not None:
        return made
    if plan is not None and plan.lacking:
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
    name, why = made.call.name, made.result.strip().removeprefix(f"{made.call.name} failed: ")
    return f"The tool {name} failed: {why}"
