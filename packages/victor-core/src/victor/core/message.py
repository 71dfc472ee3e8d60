"""Messages: what is said between a person, a model and tools. Immutable, and plain enough to store.

Example:
    >>> Message.user("What is 2 + 2?").content
    'What is 2 + 2?'
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, overload

import msgspec
from attrs import field, frozen
from msgspec import Struct

from victor.core.errors import ConfigurationError

__all__ = ["Message", "Role", "ToolCall", "Usage", "dump_messages", "load_messages"]

Role = Literal["system", "user", "assistant", "tool"]
"""Who speaks."""


@frozen
class ToolCall:
    """A model's wish to call a tool.

    Args:
        id: The provider's id of this call; the answer names it.
        name: Which tool.
        arguments: JSON text exactly as the model wrote it, which need not be valid.
    """

    id: str
    name: str
    arguments: str = "{}"

    def parsed(self) -> Any:
        """The arguments as Python values.

        Raises:
            msgspec.DecodeError: The text is not JSON.
        """
        return msgspec.json.decode(self.arguments or "{}")


def _tuple_of_calls(calls: Iterable[ToolCall]) -> tuple[ToolCall, ...]:
    return tuple(calls)


@frozen
class Message:
    """One message.

    Args:
        role: Who speaks.
        content: The text.
        tool_calls: Of an assistant: the calls it wants made.
        tool_call_id: Of a tool: the call it answers.
        name: Of a tool: its name; of others: optional name of the speaker.
        is_error: Of a tool: the text tells a failure.
        id: Optional identity, by which a message list replaces rather than appends.
        data: What a provider needs to see again as it was (signatures of reasoning and the like), by provider.
    """

    role: Role
    content: str = ""
    tool_calls: tuple[ToolCall, ...] = field(default=(), converter=_tuple_of_calls)
    tool_call_id: str | None = None
    name: str | None = None
    is_error: bool = False
    id: str | None = None
    data: Mapping[str, Any] | None = field(default=None, hash=False)

    @classmethod
    def system(cls, content: str) -> Message:
        """Instructions to the model."""
        return cls("system", content)

    @classmethod
    def user(cls, content: str, *, name: str | None = None) -> Message:
        """What a person says."""
        return cls("user", content, name=name)

    @classmethod
    def assistant(cls, content: str = "", tool_calls: Sequence[ToolCall] = ()) -> Message:
        """What a model says, with the tool calls it wants."""
        return cls("assistant", content, tuple(tool_calls))

    @classmethod
    def tool(cls, call: ToolCall, content: str, *, is_error: bool = False) -> Message:
        """The answer to a tool call."""
        return cls("tool", content, (), call.id, call.name, is_error)


class Usage(Struct, frozen=True):
    """Tokens used. ``None`` means the provider did not say, and adding to unknown gives unknown.

    Args:
        input_tokens: Tokens read, cached ones included.
        output_tokens: Tokens written, reasoning included.
        cache_read_tokens: Part of the input that came from the provider's cache.
        cache_write_tokens: Part of the input that was written to it.
        reasoning_tokens: Part of the output that is hidden reasoning.
        requests: Requests made to the model.

    Example:
        >>> (Usage(10, 2, requests=1) + Usage(5, 1, requests=1)).total_tokens
        18
        >>> (Usage(10, 2) + Usage(None, None)).total_tokens is None
        True
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    requests: int = 0

    @property
    def total_tokens(self) -> int | None:
        """Input and output together, or None when either is unknown."""
        if self.input_tokens is None or self.output_tokens is None:
            return None
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            _plus(self.input_tokens, other.input_tokens),
            _plus(self.output_tokens, other.output_tokens),
            self.cache_read_tokens + other.cache_read_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            self.requests + other.requests,
        )


def _plus(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else a + b


@overload
def dump_messages(messages: Sequence[Message]) -> bytes: ...
@overload
def dump_messages(messages: Sequence[Message], *, indent: int) -> bytes: ...
def dump_messages(messages: Sequence[Message], *, indent: int | None = None) -> bytes:
    """Messages as JSON, to be read back by `load_messages`.

    Example:
        >>> load_messages(dump_messages([Message.user("hi")])) == [Message.user("hi")]
        True
    """
    data = msgspec.json.encode(list(messages))
    return data if indent is None else msgspec.json.format(data, indent=indent)


def load_messages(data: bytes | str) -> list[Message]:
    """Messages from JSON.

    Raises:
        ConfigurationError: It is not a list of messages; says where.
    """
    try:
        return msgspec.json.decode(data, type=list[Message])
    except msgspec.DecodeError as error:
        raise ConfigurationError(f"not a list of messages: {error}") from error
