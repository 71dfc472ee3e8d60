"""What a scripted model or a function may answer, made into a `ModelResponse` and into the pieces of a stream.

Example:
    >>> as_response(call("add", a=1, b=2)).tool_calls[0].arguments
    '{"a":1,"b":2}'
    >>> as_response({"total": 3}).content
    '{"total":3}'
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec
from msgspec.structs import replace

from victor.core.errors import ConfigurationError
from victor.core.message import ToolCall
from victor.core.model import ModelChunk, ModelRequest, ModelResponse, TextDelta, ToolCallDelta

__all__ = ["Answer", "as_response", "call", "pieces", "with_ids"]

_Told: TypeAlias = str | Mapping[str, Any] | ToolCall | Sequence[str | ToolCall] | ModelResponse
_Raised: TypeAlias = BaseException | type[BaseException]

Answer: TypeAlias = "_Told | _Raised | Callable[[ModelRequest], Answer | Awaitable[Answer]]"
"""A text; a mapping (becomes JSON text); tool calls, with or without text; a whole response; an error to raise;
or a function of the request that returns any of these."""

_WORDS: Final = re.compile(r"\S+\s*|\s+")
_PIECE: Final = 12


def call(name: str, /, **arguments: Any) -> ToolCall:
    """A tool call, for scripts. Its id is filled in when it is used.

    Example:
        >>> call("search", query="tea")
        ToolCall(id='', name='search', arguments='{"query":"tea"}')
    """
    return ToolCall("", name, msgspec.json.encode(arguments).decode())


def as_response(answer: Any, *, model: str = "") -> ModelResponse:
    """The response an answer stands for.

    Args:
        answer: Any `Answer` but an error or a function.
        model: Name of the model, for responses that do not tell.

    Raises:
        ConfigurationError: It is not an answer; says what one may be.
    """
    if isinstance(answer, ModelResponse):
        return answer
    if isinstance(answer, str):
        return ModelResponse(answer, model=model)
    if isinstance(answer, ToolCall):
        return ModelResponse("", (answer,), finish_reason="tool_calls", model=model)
    if isinstance(answer, Mapping):
        return ModelResponse(msgspec.json.encode(answer).decode(), model=model)
    if isinstance(answer, Iterable) and not isinstance(answer, (bytes, bytearray)):
        parts = list(answer)
        if parts and all(isinstance(part, (str, ToolCall)) for part in parts):
            calls = tuple(part for part in parts if isinstance(part, ToolCall))
            text = "".join(part for part in parts if isinstance(part, str))
            return ModelResponse(text, calls, finish_reason="tool_calls" if calls else "stop", model=model)
    raise ConfigurationError(
        f"not an answer of a model: {answer!r}; give a text, a mapping (sent as JSON text), a ToolCall, "
        "a list of ToolCalls and texts, a ModelResponse, an exception, or a function that returns one of these"
    )


def with_ids(response: ModelResponse, first: int) -> ModelResponse:
    """The response with an id in every tool call: ``call_<first>``, ``call_<first + 1>``, ..."""
    calls = tuple(
        tool_call if tool_call.id else ToolCall(f"call_{number}", tool_call.name, tool_call.arguments)
        for number, tool_call in enumerate(response.tool_calls, first)
    )
    return replace(response, tool_calls=calls)


def pieces(response: ModelResponse, chunks: Sequence[str] | None = None) -> Iterator[ModelChunk]:
    """A response as a provider would stream it: its text word by word, then each tool call piecemeal, then the whole.

    Args:
        response: The whole answer.
        chunks: How its text is cut; word by word when left out.

    Example:
        >>> [piece.text for piece in pieces(ModelResponse("to be"), None) if isinstance(piece, TextDelta)]
        ['to ', 'be']
    """
    for text in _WORDS.findall(response.content) if chunks is None else chunks:
        yield TextDelta(text)
    for index, tool_call in enumerate(response.tool_calls):
        yield ToolCallDelta(index, tool_call.id, tool_call.name)
        for start in range(0, len(tool_call.arguments), _PIECE):
            yield ToolCallDelta(index, arguments=tool_call.arguments[start : start + _PIECE])
    yield response
