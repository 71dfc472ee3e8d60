"""Anthropic's Messages protocol: Victor's messages in, its content blocks out, whole or streamed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

import msgspec

from victor.core.message import Message, ToolCall, Usage
from victor.core.model import FinishReason, ModelRequest, ModelResponse, OutputSchema, TextDelta, ToolCallDelta
from victor.core.models.failures import CutOffError, NoAnswerError, page_says
from victor.core.models.openai_wire import valid_arguments
from victor.core.models.strict_schema import strict_schema

__all__ = ["OutputForm", "StreamReader", "conversation_out", "output_out", "response_in", "tools_out"]

OutputForm: TypeAlias = Literal["native", "tool"]
"""How an answer is forced into shape: by the API's structured outputs, or as the arguments of a made-up tool."""

_FINISH: Final[Mapping[str, FinishReason]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}
_CACHED: Final = {"type": "ephemeral"}
_ID: Final = re.compile(r"[^A-Za-z0-9_-]")
_KEPT: Final = frozenset({"thinking", "redacted_thinking"})


def conversation_out(request: ModelRequest, *, cache: bool) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The system blocks and the messages as the protocol has them.

    Neighbours of one role become one message, so the results of parallel calls stand together as the API wants.

    Args:
        request: What is asked.
        cache: Mark what the next request will begin with: instructions, what the last request ended with, and
            the end of this one.
    """
    system: list[dict[str, Any]] = []
    turns: list[dict[str, Any]] = []
    for message in request.messages:
        if message.role == "system" and not turns:
            if message.content:
                system.append({"type": "text", "text": message.content})
            continue
        role = "assistant" if message.role == "assistant" else "user"
        blocks = _blocks_out(message)
        if not blocks:
            continue
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"].extend(blocks)
        else:
            turns.append({"role": role, "content": blocks})
    if not turns:  # the API wants a user's turn
        turns.append({"role": "user", "content": [_text("(no text)")]})
    if cache:
        if system:
            system[-1]["cache_control"] = _CACHED
        for turn in [turn for turn in turns if turn["role"] == "user"][-2:]:
            last = turn["content"][-1]
            turn["content"][-1] = {**last, "cache_control": _CACHED}
    return system, turns


def _blocks_out(message: Message) -> list[dict[str, Any]]:
    if message.role == "tool":
        result: dict[str, Any] = {"type": "tool_result", "tool_use_id": _id(message.tool_call_id or "")}
        if message.content:
            result["content"] = message.content
        if message.is_error:
            result["is_error"] = True
        return [result]
    if message.role == "assistant":
        kept = ((message.data or {}).get("anthropic") or {}).get("content")
        if kept and _same(kept, message):
            return [dict(block) for block in kept]  # thinking is signed, and must come back as it was
        blocks = [_text(message.content)] if message.content.strip() else []
        return blocks + [
            {
                "type": "tool_use",
                "id": _id(call.id),
                "name": call.name,
                "input": msgspec.json.decode(valid_arguments(call)),
            }
            for call in message.tool_calls
        ]
    if not message.content.strip():
        return [_text("(no text)")] if message.role == "user" else []
    said = f"{message.name}: {message.content}" if message.name else message.content
    return [_text(f"<system>\n{said}\n</system>" if message.role == "system" else said)]


def _same(kept: Sequence[Mapping[str, Any]], message: Message) -> bool:
    """Whether nobody edited the message since these blocks came."""
    text = "".join(block["text"] for block in kept if block.get("type") == "text")
    calls = [block["id"] for block in kept if block.get("type") == "tool_use"]
    return text == message.content and calls == [call.id for call in message.tool_calls]


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _id(id: str) -> str:
    return _ID.sub("_", id) or "_"


def tools_out(request: ModelRequest, *, cache: bool) -> list[dict[str, Any]]:
    """The tools as the protocol has them."""
    made: list[dict[str, Any]] = [
        {"name": tool.name, "description": tool.description, "input_schema": dict(tool.parameters)}
        for tool in request.tools
    ]
    if made and cache:
        made[-1]["cache_control"] = _CACHED
    return made


def output_out(output: OutputSchema, form: OutputForm) -> tuple[dict[str, Any], OutputForm]:
    """What to send to get an answer of that shape, and the form it really has.

    In the form ``"native"`` that is an ``output_config``; in ``"tool"`` a tool, whose arguments are the answer.
    """
    schema = strict_schema(output.schema, require_all=False, limits=False) if form == "native" else None
    if schema is not None:
        return {"format": {"type": "json_schema", "schema": schema}}, "native"
    told = output.description or "The final answer."
    return {
        "name": output.name,
        "description": f"{told} Call this, once, to give your final answer.",
        "input_schema": dict(output.schema),
    }, "tool"


class _Reader:
    """Content blocks, as plain dicts, into a response."""

    def __init__(self, answer_tool: str | None) -> None:
        self.blocks: list[dict[str, Any]] = []
        self._answer_tool = answer_tool

    def response(self, *, stop: str | None, usage: Usage | None, model: str, id: str) -> ModelResponse:
        calls, texts, answer = list[ToolCall](), list[str](), None
        for block in self.blocks:
            if block["type"] == "text":
                texts.append(block["text"])
            elif block["type"] == "tool_use":
                arguments = block.get("raw")
                if arguments is None:
                    arguments = msgspec.json.encode(block["input"]).decode()
                if block["name"] == self._answer_tool:
                    answer = arguments
                else:
                    calls.append(ToolCall(block["id"], block["name"], arguments or "{}"))
        content = "".join(texts)
        reason = _FINISH.get(stop or "", "other")
        if answer is not None and not calls:  # with other calls beside it the answer came too early
            content, reason = answer, "length" if reason == "length" else "stop"
        elif calls and reason in {"stop", "other"}:
            reason = "tool_calls"
        elif reason == "tool_calls" and not calls:
            reason = "stop"
        data = None
        if any(block["type"] in _KEPT for block in self.blocks) and answer is None and not self._broken():
            data = {"anthropic": {"content": [_plain(block) for block in self.blocks]}}
        return ModelResponse(content, tuple(calls), usage, reason, model, id, data)

    def _broken(self) -> bool:
        return any(
            block["type"] == "tool_use" and not isinstance(_plain(block)["input"], dict) for block in self.blocks
        )


def _plain(block: Mapping[str, Any]) -> dict[str, Any]:
    if "raw" not in block:
        return dict(block)
    plain = {key: value for key, value in block.items() if key != "raw"}
    try:
        plain["input"] = msgspec.json.decode(block["raw"] or "{}")
    except msgspec.DecodeError:
        plain["input"] = None
    return plain


def response_in(reply: Any, answer_tool: str | None) -> ModelResponse:
    """The answer in a whole reply.

    Raises:
        NoAnswerError: There is none.
    """
    content = getattr(reply, "content", None)
    if not isinstance(content, list):
        raise NoAnswerError(page_says(reply) if isinstance(reply, str) else "a reply without content")
    reader = _Reader(answer_tool)
    reader.blocks = [_block(block) for block in content]
    return reader.response(
        stop=getattr(reply, "stop_reason", None),
        usage=_usage_in(_counts(getattr(reply, "usage", None))),
        model=getattr(reply, "model", None) or "",
        id=getattr(reply, "id", None) or "",
    )


def _block(block: Any) -> dict[str, Any]:
    return dict(block) if isinstance(block, Mapping) else block.model_dump(mode="json", exclude_none=True)


class StreamReader:
    """Reads the events of a streamed reply.

    Args:
        answer_tool: Name of the tool whose arguments are the answer, if there is one.
    """

    def __init__(self, answer_tool: str | None) -> None:
        self._reader = _Reader(answer_tool)
        self._answer_tool = answer_tool
        self._at: dict[int, int] = {}  # the block's index -> where it stands here
        self._calls: dict[int, int] = {}  # the block's index -> number of the tool call
        self._counts: dict[str, int] = {}
        self._stop: str | None = None
        self._ended = False
        self._model = self._id = ""

    def take(self, event: Any) -> Iterator[TextDelta | ToolCallDelta]:
        """What an event adds to the answer."""
        kind = event.type
        if kind == "message_start":
            self._model = getattr(event.message, "model", None) or ""
            self._id = getattr(event.message, "id", None) or ""
            self._counts |= _counts(getattr(event.message, "usage", None))
        elif kind == "content_block_start":
            yield from self._begin(event.index, _block(event.content_block))
        elif kind == "content_block_delta" and event.index in self._at:
            yield from self._go_on(event.index, event.delta)
        elif kind == "message_delta":
            self._stop = event.delta.stop_reason or self._stop
            self._counts |= _counts(getattr(event, "usage", None))
        elif kind == "message_stop":
            self._ended = True

    def response(self) -> ModelResponse:
        """The whole answer.

        Raises:
            CutOffError: The end of it did not come.
        """
        if not self._ended:
            raise CutOffError("the stream ended without message_stop")
        return self._reader.response(stop=self._stop, usage=_usage_in(self._counts), model=self._model, id=self._id)

    def _begin(self, index: int, block: dict[str, Any]) -> Iterator[TextDelta | ToolCallDelta]:
        self._at[index] = len(self._reader.blocks)
        self._reader.blocks.append(block)
        if block["type"] == "tool_use":
            block["raw"] = "" if not block.get("input") else msgspec.json.encode(block["input"]).decode()
            if block["name"] != self._answer_tool:
                self._calls[index] = len(self._calls)
                yield ToolCallDelta(self._calls[index], block["id"], block["name"], block["raw"])
        elif block["type"] == "text" and block.get("text"):
            yield TextDelta(block["text"])

    def _go_on(self, index: int, delta: Any) -> Iterator[TextDelta | ToolCallDelta]:
        block = self._reader.blocks[self._at[index]]
        if delta.type == "text_delta":
            block["text"] = block.get("text", "") + delta.text
            yield TextDelta(delta.text)
        elif delta.type == "input_json_delta" and delta.partial_json:
            block["raw"] = block.get("raw", "") + delta.partial_json
            if index in self._calls:
                yield ToolCallDelta(self._calls[index], arguments=delta.partial_json)
            else:
                yield TextDelta(delta.partial_json)
        elif delta.type == "thinking_delta":
            block["thinking"] = block.get("thinking", "") + delta.thinking
        elif delta.type == "signature_delta":
            block["signature"] = block.get("signature", "") + delta.signature


def _counts(usage: Any) -> dict[str, int]:
    names = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    found = {name: getattr(usage, name, None) for name in names}
    return {name: count for name, count in found.items() if isinstance(count, int)}


def _usage_in(counts: Mapping[str, int]) -> Usage | None:
    if "input_tokens" not in counts or "output_tokens" not in counts:
        return None
    read, written = counts.get("cache_read_input_tokens", 0), counts.get("cache_creation_input_tokens", 0)
    return Usage(counts["input_tokens"] + read + written, counts["output_tokens"], read, written, requests=1)
