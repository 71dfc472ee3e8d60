"""The offline model as the rest of Victor sees it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable

from victor.core.errors import ConfigurationError
from victor.core.message import Usage
from victor.core.model import Model, ModelChunk, ModelRequest, ModelResponse, TextDelta, ToolCallDelta
from victor.core.models.offline.pattern import pattern
from victor.core.models.offline.tokens import cut_tokens, usage_of

__all__ = ["OfflineModel", "from_name"]

_PIECES = pattern(r".*?(?:[.!?\u2026][\"')\]\u201d]*\s+|\n+|[\u3002\uff01\uff1f]|\Z)", re.DOTALL)


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
        >>> request = ModelRequest([Message.user("Summarize in one sentence: The pump moves heat. It is old.")])
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
        # What does the work is imported by the first request: choosing the model must cost nothing.
        from victor.core.models.offline.respond import respond

        return _within(request, respond(request, self._today))

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
