"""Puts the pieces of a streamed answer together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import define, field

from victor.core.message import ToolCall, Usage
from victor.core.model import FinishReason, ModelResponse, TextDelta, ToolCallDelta

__all__ = ["Assembly"]


@define
class _Call:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(factory=list)


class Assembly:
    """Collects `TextDelta` and `ToolCallDelta` pieces.

    Example:
        >>> assembly = Assembly()
        >>> pieces = [TextDelta("I "), TextDelta("see."), ToolCallDelta(0, "c1", "add"), ToolCallDelta(0)]
        >>> for piece in pieces:
        ...     assembly.add(piece)
        >>> assembly.response().content, assembly.response().tool_calls
        ('I see.', (ToolCall(id='c1', name='add', arguments='{}'),))
    """

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._calls: dict[int, _Call] = {}

    def add(self, piece: TextDelta | ToolCallDelta) -> None:
        """Take the next piece."""
        if isinstance(piece, TextDelta):
            self._texts.append(piece.text)
            return
        made = self._calls.get(piece.index)
        if made is None:
            made = self._calls[piece.index] = _Call()
        made.id = made.id or piece.id
        made.name = made.name or piece.name
        if piece.arguments:
            made.arguments.append(piece.arguments)

    @property
    def empty(self) -> bool:
        """True when there is neither text nor a tool call."""
        return not self._calls and not any(self._texts)

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._texts)

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls so far, in the order they were begun."""
        return tuple(ToolCall(c.id, c.name, "".join(c.arguments) or "{}") for c in self._calls.values())

    def response(
        self,
        *,
        usage: Usage | None = None,
        finish_reason: FinishReason | None = None,
        model: str = "",
        id: str = "",
        data: Mapping[str, Any] | None = None,
    ) -> ModelResponse:
        """The whole answer; without a reason given it ended for the tool calls in it, or because it was done."""
        calls = self.tool_calls
        reason = finish_reason or ("tool_calls" if calls else "stop")
        return ModelResponse(self.text, calls, usage, reason, model, id, data)
