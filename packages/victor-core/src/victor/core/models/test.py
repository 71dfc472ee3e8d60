"""A model that needs no script: it calls every tool once with made-up arguments, and then answers.

It finds what breaks when a tool is really called, an output type really filled: use it to try an agent's wiring.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, Final

import msgspec

from victor.core.errors import ConfigurationError
from victor.core.message import Message, ToolCall, Usage
from victor.core.model import Model, ModelChunk, ModelRequest, ModelResponse
from victor.core.models.answers import pieces
from victor.core.models.sample import sample

__all__ = ["TestModel", "from_name"]

_SHOWN: Final = 60


class TestModel(Model):
    """Calls every tool once, with arguments that fit its schema, side by side; then answers with what came back.

    Args:
        tools: Names of the tools to call; None for all.
        text: The final answer, when no ``output_type`` asks for a shape.
        output: The final answer when one does; made up from the schema when left out.
        seed: Another one makes up other values.
        optional: Give optional arguments too.

    Attributes:
        requests: Every request it was asked, with the messages as they were then.

    Example:
        >>> from victor.core import Agent
        >>> def population(town: str) -> int:
        ...     "How many people live in a town."
        ...     return 128_000
        >>> Agent(model=TestModel(), tools=[population]).run_sync("Ulm?").output
        'called population: 128000'
    """

    __test__ = False  # pytest: not a test class
    provider = "test"

    def __init__(
        self,
        *,
        tools: Collection[str] | None = None,
        text: str | None = None,
        output: Mapping[str, Any] | None = None,
        seed: int = 0,
        optional: bool = False,
    ) -> None:
        if isinstance(tools, str):
            raise ConfigurationError(f"tools should be a list of names, such as [{tools!r}]")
        self.requests: list[ModelRequest] = []
        self._tools = None if tools is None else frozenset(tools)
        self._text = text
        self._output = output
        self._seed = seed
        self._optional = optional

    async def request(self, request: ModelRequest) -> ModelResponse:
        """Call what was not called yet since the user spoke, or answer.

        Raises:
            ConfigurationError: A tool to be called is not there, or nothing fits a schema.
        """
        self.requests.append(ModelRequest(tuple(request.messages), request.tools, request.output, request.settings))
        now = _since_user(request.messages)
        called = {call.name for message in now for call in message.tool_calls}
        wanted = [tool for tool in request.tools if self._tools is None or tool.name in self._tools]
        missing = sorted((self._tools or frozenset()) - {tool.name for tool in request.tools})
        if missing:
            there = ", ".join(tool.name for tool in request.tools) or "none"
            raise ConfigurationError(f"TestModel: no tool {missing[0]!r} to call; there are: {there}")
        calls = [tool for tool in wanted if tool.name not in called]
        usage = Usage(sum(len(message.content.split()) for message in request.messages), 1, requests=1)
        if calls:
            first = sum(len(message.tool_calls) for message in request.messages) + 1
            made = tuple(
                ToolCall(f"call_{number}", tool.name, self._made_up(tool.parameters))
                for number, tool in enumerate(calls, first)
            )
            return ModelResponse("", made, usage, "tool_calls", "test")
        return ModelResponse(self._answer(request, now), (), usage, "stop", "test")

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelChunk]:
        """The same, in pieces."""
        for piece in pieces(await self.request(request)):
            yield piece

    def _answer(self, request: ModelRequest, now: Sequence[Message]) -> str:
        if request.output is not None:
            if self._output is not None:
                return msgspec.json.encode(self._output).decode()
            return self._made_up(request.output.schema)
        if self._text is not None:
            return self._text
        results = [f"called {message.name}: {_short(message.content)}" for message in now if message.role == "tool"]
        return "; ".join(results) or "no tool was called"

    def _made_up(self, schema: Mapping[str, Any]) -> str:
        return msgspec.json.encode(sample(schema, seed=self._seed, all_properties=self._optional)).decode()


def from_name(name: str) -> TestModel:
    """``test`` or ``test:SEED``.

    Raises:
        ConfigurationError: The seed is not a whole number.
    """
    try:
        return TestModel(seed=int(name or 0))
    except ValueError:
        raise ConfigurationError(
            f"the model 'test:{name}' should be 'test', or 'test:SEED' with a whole number"
        ) from None


def _since_user(messages: Sequence[Message]) -> list[Message]:
    last = max((index for index, message in enumerate(messages) if message.role == "user"), default=-1)
    return list(messages[last + 1 :])


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
