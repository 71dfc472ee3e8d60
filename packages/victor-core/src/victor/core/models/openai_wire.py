"""The Chat Completions protocol: Victor's messages in, its answers out, whole or streamed.

OpenAI's own servers and the many that follow them (Ollama, vLLM, llama.cpp, LM Studio, OpenRouter) differ in
small things; reading is lenient where they do, and strict where an answer might be mistaken for a whole one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, TypeAlias
from uuid import uuid4

import msgspec

from victor.core.message import Message, ToolCall, Usage
from victor.core.model import FinishReason, ModelRequest, ModelResponse, OutputSchema, TextDelta, ToolCallDelta
from victor.core.models.assembly import Assembly
from victor.core.models.failures import CutOffError, NoAnswerError, page_says
from victor.core.models.strict_schema import strict_schema

__all__ = [
    "OutputForm",
    "StreamReader",
    "messages_out",
    "output_out",
    "response_in",
    "text_of",
    "tools_out",
    "valid_arguments",
]

OutputForm: TypeAlias = Literal["strict", "schema", "json", "prompt"]
"""How an answer is forced into shape: a strict schema, any schema, JSON of any shape, or by asking nicely."""

_FINISH: Final[Mapping[str, FinishReason]] = {
    "stop": "stop",
    "eos": "stop",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "length": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
}
_SPEAKER: Final = re.compile(r"[^A-Za-z0-9_-]+")
_FENCED: Final = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)
_KEPT: Final = ("reasoning_content", "reasoning_details")


def messages_out(request: ModelRequest, form: OutputForm | None, provider: str) -> list[dict[str, Any]]:
    """The conversation as the protocol has it."""
    made = [_message_out(message, provider) for message in request.messages]
    if request.output is not None and form in {"json", "prompt"}:
        asked = _asked_in_words(request.output)
        if made and made[0]["role"] == "system":
            made[0] = {**made[0], "content": f"{made[0]['content']}\n\n{asked}"}
        else:
            made.insert(0, {"role": "system", "content": asked})
    return made


def _message_out(message: Message, provider: str) -> dict[str, Any]:
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.tool_call_id, "content": message.content}
    made: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.name:
        made["name"] = _SPEAKER.sub("_", message.name)[:64]
    if message.tool_calls:
        made["content"] = message.content or None
        made["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": valid_arguments(call)}}
            for call in message.tool_calls
        ]
    if message.data:
        kept = message.data.get(provider) or {}
        if "reasoning_details" in kept:
            made["reasoning_details"] = kept["reasoning_details"]
        elif "reasoning_content" in kept and message.tool_calls:  # wanted back only between calls and their results
            made["reasoning_content"] = kept["reasoning_content"]
    return made


def valid_arguments(call: ToolCall) -> str:
    """The arguments as the text of a JSON object: what the model wrote, or that it wrote something else.

    Servers that parse the history refuse a conversation with broken arguments in it for ever after.
    """
    try:
        if isinstance(call.parsed(), dict):
            return call.arguments or "{}"
    except msgspec.DecodeError:
        pass
    return msgspec.json.encode({"malformed_arguments": call.arguments}).decode()


def tools_out(request: ModelRequest) -> list[dict[str, Any]]:
    """The tools as the protocol has them."""
    return [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)},
        }
        for tool in request.tools
    ]


def output_out(output: OutputSchema, form: OutputForm) -> tuple[dict[str, Any] | None, OutputForm]:
    """What to send as ``response_format``, and the form it really has: not every schema has a strict one."""
    if form == "prompt":
        return None, form
    if form == "json":
        return {"type": "json_object"}, form
    strict = strict_schema(output.schema, require_all=True, limits=True) if form == "strict" else None
    wanted: dict[str, Any] = {
        "name": output.name,
        "schema": strict or dict(output.schema),
        "strict": strict is not None,
    }
    if output.description:
        wanted["description"] = output.description
    return {"type": "json_schema", "json_schema": wanted}, "schema" if strict is None else "strict"


def _asked_in_words(output: OutputSchema) -> str:
    schema = msgspec.json.encode(output.schema).decode()
    return (
        "When you give your final answer, write one JSON object that fits this JSON Schema, and nothing else: "
        f"no explanation, no code fence.\n{schema}"
    )


def response_in(reply: Any, provider: str, form: OutputForm | None) -> ModelResponse:
    """The answer in a whole reply.

    Raises:
        NoAnswerError: There is none.
    """
    choices = getattr(reply, "choices", None)
    if not choices:
        raise NoAnswerError(_what_is_wrong(reply))
    choice = choices[0]
    message = getattr(choice, "message", None)
    if message is None:
        raise NoAnswerError("a choice without a message")
    assembly = Assembly()
    if text := text_of(getattr(message, "content", None)):
        assembly.add(TextDelta(text))
    for index, call in enumerate(getattr(message, "tool_calls", None) or ()):
        function = getattr(call, "function", None)
        if function is None:
            raise NoAnswerError(f"a tool call that is no function: {getattr(call, 'type', '?')}")
        assembly.add(
            ToolCallDelta(index, getattr(call, "id", None) or _new_id(), function.name or "", _arguments(function))
        )
    kept = {key: value for key in _KEPT if (value := getattr(message, key, None))}
    return _response(
        assembly,
        finish=getattr(choice, "finish_reason", None) or "stop",
        refusal=getattr(message, "refusal", None) or "",
        usage=_usage_in(getattr(reply, "usage", None)),
        model=getattr(reply, "model", None) or "",
        id=getattr(reply, "id", None) or "",
        kept=kept,
        provider=provider,
        form=form,
    )


def text_of(content: Any) -> str:
    """The text of a message's content: a text, or a list of parts, of which only those of the answer count.

    Example:
        >>> text_of([{"type": "thinking", "thinking": "..."}, {"type": "text", "text": "Ulm"}, "."])
        'Ulm.'
    """
    if isinstance(content, str):
        return content
    texts: list[str] = []
    for part in content if isinstance(content, (list, tuple)) else ():
        kind = _part(part, "type") or "text"
        text = part if isinstance(part, str) else _part(part, "text") if kind in {"text", "output_text"} else None
        if isinstance(text, str):
            texts.append(text)
    return "".join(texts)


def _part(part: Any, name: str) -> Any:
    return part.get(name) if isinstance(part, Mapping) else getattr(part, name, None)


def _arguments(function: Any) -> str:
    """The arguments as text; some servers send them as an object."""
    given = getattr(function, "arguments", None)
    if given is None or isinstance(given, str):
        return given or ""
    return msgspec.json.encode(given).decode()


class _Begun:
    """A tool call of which a part has come."""

    __slots__ = ("arguments", "id", "made_up", "name", "number")

    def __init__(self, number: int, id: str, name: str) -> None:
        self.number = number
        self.id = id or _new_id()
        self.made_up = not id
        self.name = name
        self.arguments = ""

    def whole(self) -> bool:
        """True when its arguments are an object to the end."""
        try:
            return isinstance(msgspec.json.decode(self.arguments), dict)
        except msgspec.DecodeError:
            return False


class StreamReader:
    """Reads the chunks of a streamed reply.

    Args:
        provider: Whose ``data`` is kept.
        form: How the answer was asked for.
    """

    def __init__(self, provider: str, form: OutputForm | None) -> None:
        self._provider = provider
        self._form = form
        self._assembly = Assembly()
        self._slots: dict[int, _Begun] = {}  # by the server's index
        self._calls = 0
        self._finish = ""
        self._refusal = ""
        self._usage: Usage | None = None
        self._model = self._id = ""
        self._reasoning: list[str] = []
        self._details: list[Any] = []

    def take(self, chunk: Any) -> Iterator[TextDelta | ToolCallDelta]:
        """What a chunk adds to the answer."""
        self._model = getattr(chunk, "model", None) or self._model
        self._id = getattr(chunk, "id", None) or self._id
        self._usage = _usage_in(getattr(chunk, "usage", None)) or self._usage
        for choice in (getattr(chunk, "choices", None) or ())[:1]:
            if isinstance(choice, str):
                raise NoAnswerError("a choice that is no object")
            self._finish = getattr(choice, "finish_reason", None) or self._finish
            delta = getattr(choice, "delta", None)
            if delta is None:
                continue
            self._refusal += getattr(delta, "refusal", None) or ""
            if isinstance(thought := getattr(delta, "reasoning_content", None), str):
                self._reasoning.append(thought)
            self._details.extend(getattr(delta, "reasoning_details", None) or ())
            if text := text_of(getattr(delta, "content", None)):
                yield self._add(TextDelta(text))
            for call in getattr(delta, "tool_calls", None) or ():
                yield self._add(self._call(call))

    def response(self) -> ModelResponse:
        """The whole answer.

        Raises:
            CutOffError: The end of it did not come.
        """
        if not self._finish:
            raise CutOffError("the stream ended without a finish_reason")
        kept: dict[str, Any] = {}
        if self._reasoning:
            kept["reasoning_content"] = "".join(self._reasoning)
        if self._details:
            kept["reasoning_details"] = self._details
        return _response(
            self._assembly,
            finish=self._finish,
            refusal=self._refusal,
            usage=self._usage,
            model=self._model,
            id=self._id,
            kept=kept,
            provider=self._provider,
            form=self._form,
        )

    def _add(self, piece: TextDelta | ToolCallDelta) -> TextDelta | ToolCallDelta:
        self._assembly.add(piece)
        return piece

    def _call(self, call: Any) -> ToolCallDelta:
        index = getattr(call, "index", None)
        slot = index if isinstance(index, int) else int(index) if isinstance(index, str) and index.isdigit() else 0
        begun = self._slots.get(slot)
        function = getattr(call, "function", None)
        id, name, arguments = (
            getattr(call, "id", None) or "",
            getattr(function, "name", None) or "",
            _arguments(function),
        )
        if begun is None or self._is_next(begun, id, name, numbered=index is not None):
            begun = self._slots[slot] = _Begun(self._calls, id, name)
            self._calls += 1
            begun.arguments = arguments
            return ToolCallDelta(begun.number, begun.id, name, arguments)
        late = "" if begun.name else name
        begun.name = begun.name or name
        begun.arguments += arguments
        return ToolCallDelta(begun.number, name=late, arguments=arguments)

    def _is_next(self, begun: _Begun, id: str, name: str, *, numbered: bool) -> bool:
        """Whether a piece begins another call: some servers send every call under one index, or without any."""
        if id:
            return id != begun.id and not (begun.made_up and not name)
        return bool(name) and not numbered and bool(begun.name) and begun.whole()


def _response(
    assembly: Assembly,
    *,
    finish: str,
    refusal: str,
    usage: Usage | None,
    model: str,
    id: str,
    kept: Mapping[str, Any],
    provider: str,
    form: OutputForm | None,
) -> ModelResponse:
    reason: FinishReason = _FINISH.get(finish, "other")
    if assembly.tool_calls and reason in {"stop", "other"}:
        reason = "tool_calls"
    elif reason == "tool_calls" and not assembly.tool_calls:
        reason = "stop"
    content = assembly.text
    if refusal and not content:
        content, reason = refusal, "content_filter"
    if form in {"json", "prompt"} and (fenced := _FENCED.match(content)):
        content = fenced[1]
    return ModelResponse(
        content, assembly.tool_calls, usage, reason, model, id, {provider: dict(kept)} if kept else None
    )


def _usage_in(usage: Any) -> Usage | None:
    if not isinstance(getattr(usage, "prompt_tokens", None), int):
        return None
    read = getattr(usage, "prompt_tokens_details", None)
    wrote = getattr(usage, "completion_tokens_details", None)
    return Usage(
        usage.prompt_tokens,
        _count(usage, "completion_tokens"),
        _count(read, "cached_tokens") or _count(usage, "prompt_cache_hit_tokens"),
        _count(read, "cache_write_tokens"),
        _count(wrote, "reasoning_tokens"),
        requests=1,
    )


def _count(part: Any, name: str) -> int:
    value = part.get(name) if isinstance(part, Mapping) else getattr(part, name, None)
    return value if isinstance(value, int) else 0


def _what_is_wrong(reply: Any) -> str:
    error = getattr(reply, "error", None)
    if error:  # some gateways tell errors with HTTP 200
        return str(error.get("message") or error) if isinstance(error, Mapping) else str(error)
    if isinstance(reply, str):
        return page_says(reply)
    return "a reply without choices"


def _new_id() -> str:
    return f"call_{uuid4().hex[:24]}"
