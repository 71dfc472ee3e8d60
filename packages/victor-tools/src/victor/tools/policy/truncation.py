"""Cuts results that are too long for a model, and keeps the whole for whoever asks for the rest."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from victor.core.cut import cut_middle
from victor.core.errors import ToolError
from victor.core.tool import ToolResult, render_result

if TYPE_CHECKING:
    from victor.core.tool import Next, ToolContext

__all__ = ["LongResults", "Truncation", "long_results"]


class LongResults:
    """The whole texts of results that were cut, the oldest dropped first.

    Args:
        most: Most texts kept.
        most_chars: Most characters kept in all.

    Example:
        >>> kept = LongResults()
        >>> name = kept.keep("x" * 10 + "y" * 10)
        >>> kept.read(name, offset=8, limit=4)
        'xxyy'
    """

    def __init__(self, most: int = 64, most_chars: int = 20_000_000) -> None:
        self._most = most
        self._most_chars = most_chars
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._chars = 0
        self._count = 0
        self._lock = Lock()

    def keep(self, text: str) -> str:
        """Keep a text; returns its name, or ``""`` when it is too big to keep at all."""
        if len(text) > self._most_chars:
            return ""
        with self._lock:
            self._count += 1
            name = f"r{self._count}"
            self._texts[name] = text
            self._chars += len(text)
            while len(self._texts) > self._most or self._chars > self._most_chars:
                _, dropped = self._texts.popitem(last=False)
                self._chars -= len(dropped)
        return name

    def read(self, name: str, offset: int = 0, limit: int = 8_000) -> str:
        """A part of a kept text.

        Raises:
            ToolError: It is not kept, or not any more.
        """
        text = self._texts.get(name)
        if text is None:
            have = ", ".join(list(self._texts)[-5:]) or "none"
            raise ToolError(f"no result {name!r} is kept (kept are: {have}); make the call that gave it again")
        return text[offset : offset + limit]

    def size(self, name: str) -> int:
        """Characters of a kept text, 0 when it is not kept."""
        return len(self._texts.get(name, ""))


long_results: Final = LongResults()
"""Where `Truncation` keeps what it cuts, unless given another; ``results.read`` reads from it."""


class Truncation:
    """Middleware that cuts what the model is told; the value itself stays whole.

    Args:
        most: Most characters.
        keep: Where whole texts are kept.
    """

    def __init__(self, most: int, *, keep: LongResults = long_results) -> None:
        self._most = most
        self._keep = keep

    async def __call__(self, context: ToolContext, next_: Next) -> Any:
        """Go on, then cut."""
        try:
            value = await next_(context)
        except ToolError as error:
            if len(str(error)) <= self._most:
                raise
            value = ToolResult(error=error, text=str(error))
        result = value if type(value) is ToolResult else None
        text = result.text if result is not None else render_result(value)
        if len(text) <= self._most:
            return value
        name = self._keep.keep(text)
        how = (
            f'to read them: results_read with ref "{name}" and offset {{start}}'
            if name
            else "too much to keep: ask for less"
        )
        notice = f"[... {{cut}} of {{total}} characters were cut here ({{start}} to {{end}}); {how} ...]"
        context.scope.stream.emit(
            "tools.truncated", context.tool.name, {"call_id": context.call_id, "chars": len(text)}
        )
        shown = cut_middle(text, self._most, notice)
        if result is not None:
            return ToolResult(result.value, error=result.error, text=shown)
        return ToolResult(value, text=shown)
