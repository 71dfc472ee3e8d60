"""Captured contents in the form of the GenAI conventions: messages with a role and parts, as JSON.

Contents are on spans only where somebody asked for them; they were redacted when the event was made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from victor.core.cut import cut_middle

__all__ = ["content_attributes"]

_INPUT: Final = "gen_ai.input.messages"
_OUTPUT: Final = "gen_ai.output.messages"
_SYSTEM: Final = "gen_ai.system_instructions"
_SPEECH: Final = frozenset({"agent.run", "team.run", "team.turn"})


def content_attributes(
    kind: str, content: Mapping[str, Any], given: Mapping[str, Any], most: int
) -> Iterator[tuple[str, str]]:
    """The contents of an event as attributes of a span.

    Args:
        kind: Of the event.
        content: What it captured.
        given: Its attributes, for the reason why the model stopped.
        most: Characters that one text may have; of a longer one the middle is cut.

    Example:
        >>> dict(content_attributes("agent.run", {"prompt": "Hello"}, {}, 100))
        {'gen_ai.input.messages': '[{"role":"user","parts":[{"type":"text","content":"Hello"}]}]'}
    """
    if kind == "model.request":
        yield from _request(content, given, most)
    elif kind == "tool.call":
        for name, key in (("arguments", "gen_ai.tool.call.arguments"), ("result", "gen_ai.tool.call.result")):
            if name in content:
                yield key, _text(content[name], most)
    elif kind in _SPEECH:
        if "prompt" in content:
            yield _INPUT, _json([_message("user", content["prompt"], most)])
        if "output" in content:
            yield _OUTPUT, _json([{**_message("assistant", content["output"], most), "finish_reason": "stop"}])
    else:
        for name, value in content.items():
            yield f"victor.{name}", _text(value, most)


def _request(content: Mapping[str, Any], given: Mapping[str, Any], most: int) -> Iterator[tuple[str, str]]:
    messages: Sequence[Mapping[str, Any]] = content.get("messages") or ()
    system = [_part(message.get("content"), most) for message in messages if message.get("role") == "system"]
    if system:
        yield _SYSTEM, _json(system)
    said = [_read(message, most) for message in messages if message.get("role") != "system"]
    if said:
        yield _INPUT, _json(said)
    if "output" in content:
        answer = _message("assistant", content["output"], most)
        yield _OUTPUT, _json([{**answer, "finish_reason": str(given.get("finish_reason") or "stop")}])


def _read(message: Mapping[str, Any], most: int) -> dict[str, Any]:
    role = str(message.get("role", "user"))
    if role == "tool":
        return {
            "role": role,
            "parts": [{"type": "tool_call_response", "response": _text(message.get("content"), most)}],
        }
    parts = [_part(message["content"], most)] if message.get("content") else []
    for call in message.get("tool_calls") or ():
        parts.append({"type": "tool_call", "name": call["name"], "arguments": _text(call["arguments"], most)})
    return {"role": role, "parts": parts}


def _message(role: str, text: Any, most: int) -> dict[str, Any]:
    return {"role": role, "parts": [_part(text, most)]}


def _part(text: Any, most: int) -> dict[str, Any]:
    return {"type": "text", "content": _text(text, most)}


def _text(value: Any, most: int) -> str:
    return cut_middle(value if isinstance(value, str) else _json(value), most)


def _json(value: Any) -> str:
    try:
        return msgspec.json.encode(value, enc_hook=str).decode()
    except (TypeError, ValueError, RecursionError):  # keys that JSON has not, or a value that holds itself
        return msgspec.json.encode(str(value)).decode()
