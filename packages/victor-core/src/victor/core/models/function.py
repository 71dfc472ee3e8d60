"""A model made of a Python function: for tests, for rules that need no language model, for routing to others."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias, cast

from victor.core.errors import ConfigurationError
from victor.core.model import Model, ModelChunk, ModelRequest, ModelResponse, TextDelta, ToolCallDelta
from victor.core.models.answers import Answer, as_response, pieces, with_ids
from victor.core.models.assembly import Assembly

__all__ = ["FunctionModel", "StreamFunction"]

StreamFunction: TypeAlias = "Callable[[ModelRequest], AsyncIterator[str | ModelChunk]]"
"""An async generator function that yields pieces: texts, `TextDelta`, `ToolCallDelta`, and perhaps the whole
`ModelResponse` at the end (it is put together from the pieces when left out)."""


class FunctionModel(Model):
    """Answers with what a function returns.

    Args:
        function: Takes the `ModelRequest`; returns an `Answer` (text, mapping, tool calls, `ModelResponse`) or raises.
            May be async. An async generator function is a `StreamFunction`.
        stream: A `StreamFunction` used for streaming, beside ``function`` for whole answers.
        name: Name of the model; the function's own when left out.

    Example:
        >>> import asyncio
        >>> from victor.core.message import Message
        >>> model = FunctionModel(lambda request: request.messages[-1].content.upper(), name="shout")
        >>> asyncio.run(model.request(ModelRequest([Message.user("hello")]))).content
        'HELLO'
    """

    provider = "function"

    def __init__(
        self,
        function: Callable[[ModelRequest], Answer | Awaitable[Answer]] | StreamFunction,
        *,
        stream: StreamFunction | None = None,
        name: str = "",
    ) -> None:
        if not callable(function):
            raise ConfigurationError(f"FunctionModel needs a function of the request, not {function!r}")
        self.name: str = name or getattr(function, "__name__", type(function).__name__)
        self._function: Callable[[ModelRequest], Any] = function
        self._stream = stream
        if stream is None and _is_generator(function):
            self._stream = cast("StreamFunction", function)
        self._streams_only = self._stream is function
        self._calls = 0

    async def request(self, request: ModelRequest) -> ModelResponse:
        """Answer with what the function returns."""
        if not self._streams_only:
            return await self._whole(request)
        response: ModelResponse | None = None
        async for chunk in self.stream(request):
            if isinstance(chunk, ModelResponse):
                response = chunk
        return cast("ModelResponse", response)

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelChunk]:
        """Answer with what the stream function yields, or with the whole answer cut in pieces."""
        if self._stream is None:
            for piece in pieces(await self._whole(request)):
                yield piece
            return
        assembly = Assembly()
        whole: ModelResponse | None = None
        generator: Any = self._stream(request)
        try:
            async for item in generator:
                piece = TextDelta(item) if isinstance(item, str) else item
                if whole is not None:
                    raise ConfigurationError(f"{self.id}: the stream function went on after its ModelResponse")
                if isinstance(piece, ModelResponse):
                    whole = piece
                elif isinstance(piece, (TextDelta, ToolCallDelta)):
                    assembly.add(piece)
                    yield piece
                else:
                    raise ConfigurationError(
                        f"{self.id}: a stream function yields texts, TextDelta, ToolCallDelta or a ModelResponse, "
                        f"not {item!r}"
                    )
        finally:
            if hasattr(generator, "aclose"):
                await generator.aclose()
        yield self._with_ids(whole if whole is not None else assembly.response(model=self.name))

    async def _whole(self, request: ModelRequest) -> ModelResponse:
        answer = self._function(request)
        if inspect.isawaitable(answer):
            answer = await answer
        if isinstance(answer, BaseException):
            raise answer
        return self._with_ids(as_response(answer, model=self.name))

    def _with_ids(self, response: ModelResponse) -> ModelResponse:
        if all(tool_call.id for tool_call in response.tool_calls):
            return response
        response = with_ids(response, self._calls + 1)
        self._calls += len(response.tool_calls)
        return response


def _is_generator(function: Any) -> bool:
    return inspect.isasyncgenfunction(function) or inspect.isasyncgenfunction(getattr(function, "__call__", None))  # noqa: B004
