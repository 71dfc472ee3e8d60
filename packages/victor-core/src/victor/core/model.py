"""What a language model is to Victor: something that answers a list of messages.

Implement `Model.request`; override `Model.stream` where the provider can stream. Everything else
(tool calls, validation, limits, retries of tools) is the agent's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import Struct, field
from msgspec.structs import force_setattr

from victor.core.errors import ConfigurationError, UnknownNameError
from victor.core.message import Message, ToolCall, Usage

if TYPE_CHECKING:
    from victor.core.tool import Tool

__all__ = [
    "DEFAULT_MODEL",
    "FinishReason",
    "Model",
    "ModelChunk",
    "ModelRequest",
    "ModelResponse",
    "ModelSettings",
    "OutputSchema",
    "TextDelta",
    "ToolCallDelta",
    "resolve_model",
]

DEFAULT_MODEL: Final = "offline"
"""The model used when nothing is configured: no key, no network, not a language model."""

FinishReason = Literal["stop", "tool_calls", "length", "content_filter", "other"]
"""Why a model stopped."""


class ModelSettings(Struct, frozen=True):
    """Wishes of the caller; a provider ignores none silently: what it cannot do is a `ConfigurationError`.

    Args:
        temperature: Randomness, usually 0 to 2. None leaves the provider's default, as for all here.
        max_tokens: Most tokens of one answer.
        top_p: Nucleus sampling.
        stop: Texts that end the answer.
        seed: For repeatable sampling, where offered.
        timeout_s: Seconds one request may take, retries excluded.
        extra: Passed to the provider as it is.
    """

    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    timeout_s: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if type(self.stop) is not tuple:
            force_setattr(self, "stop", tuple(self.stop))


class OutputSchema(Struct, frozen=True):
    """The shape a final answer must have.

    Args:
        name: Identifier made of letters, digits and underscores.
        schema: JSON Schema with an object at its root.
        description: What the object is.
    """

    name: str
    schema: Mapping[str, Any]
    description: str = ""


class ModelRequest(Struct, frozen=True):
    """One request.

    Args:
        messages: The whole conversation. It grows by appending only; a model may keep what it computed
            for the beginning, and must not change it.
        tools: The tools the model may call (`Tool.name`, `.description`, `.parameters`).
        output: The shape of the final answer, or None for text. The answer's ``content`` is then JSON text.
        settings: Wishes of the caller.
    """

    messages: Sequence[Message]
    tools: Sequence[Tool] = ()
    output: OutputSchema | None = None
    settings: ModelSettings = ModelSettings()


class ModelResponse(Struct, frozen=True):
    """One whole answer.

    Args:
        content: The text, or JSON text when an output shape was asked for.
        tool_calls: The calls the model wants made; then ``content`` is not final.
        usage: Tokens, or None when the provider did not say.
        finish_reason: Why it ended; ``"length"`` means it was cut off.
        model: The model that answered, as the provider names it.
        id: The provider's id of the answer.
        data: What the provider must see again (goes to `Message.data`).
    """

    content: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage | None = None
    finish_reason: FinishReason = "stop"
    model: str = ""
    id: str = ""
    data: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if type(self.tool_calls) is not tuple:
            force_setattr(self, "tool_calls", tuple(self.tool_calls))


class TextDelta(Struct, frozen=True):
    """A piece of the answer's text."""

    text: str


class ToolCallDelta(Struct, frozen=True):
    """A piece of a tool call: ``id`` and ``name`` come with the first, ``arguments`` piecemeal.

    Args:
        index: Which call of the answer it belongs to, from 0.
    """

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


ModelChunk = TextDelta | ToolCallDelta | ModelResponse
"""What a stream yields: pieces, and at the end the whole `ModelResponse`, exactly once."""


class Model(ABC):
    """A model of one provider.

    Attributes:
        provider: Catalog name, such as ``"openai"``.
        name: The provider's name of the model, such as ``"gpt-5-mini"``.

    Example:
        >>> class Parrot(Model):
        ...     provider = "parrot"
        ...     async def request(self, request: ModelRequest) -> ModelResponse:
        ...         return ModelResponse(request.messages[-1].content, usage=Usage(0, 0))
        >>> from victor.core import Agent
        >>> Agent(model=Parrot()).run_sync("hello").output
        'hello'
    """

    provider: str = ""
    name: str = ""

    @abstractmethod
    async def request(self, request: ModelRequest) -> ModelResponse:
        """Answer.

        Raises:
            ModelError: One of its subclasses, when there is no whole answer.
        """

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelChunk]:
        """Answer in pieces; ends with the whole `ModelResponse`. The default makes one piece of `request`."""
        response = await self.request(request)
        if response.content:
            yield TextDelta(response.content)
        yield response

    def cost_usd(self, usage: Usage) -> float | None:
        """US dollars for that usage, or None when the price is unknown. Never 0 for unknown."""
        return None

    async def aclose(self) -> None:
        """Give connections back. The model can not be used afterwards."""

    @property
    def id(self) -> str:
        """``"provider:name"``, by which the model can be named in settings."""
        return f"{self.provider}:{self.name}" if self.name else self.provider


def resolve_model(model: Model | str | None = None) -> Model:
    """The model to use.

    Args:
        model: A model; its name ``"provider:model"`` (or ``"provider"``); or None for the setting ``model``
            (``VICTOR_MODEL``, ``victor.toml``), and the offline model where nothing is set.

    Raises:
        UnknownNameError: No such provider; lists near matches and what to install.
        ConfigurationError: The provider lacks something, such as its SDK or a key.
    """
    if isinstance(model, Model):
        return model
    if model is None:
        from victor.core.settings import load_settings

        model = load_settings().model or DEFAULT_MODEL
    given: object = model
    if not isinstance(given, str) or not given.strip():
        raise ConfigurationError(f"a model is a Model or a name such as 'openai:gpt-5-mini', not {given!r}")
    from victor.core.plugins import get_plugins

    provider, colon, name = given.strip().partition(":")
    try:
        make = get_plugins().models.get(provider)
    except UnknownNameError as error:
        if colon or error.suggestions:
            raise
        # The name of a model alone, as its vendor writes it.
        text = f"{error}. A model is named provider:model, such as openai:gpt-5-mini"
        raise UnknownNameError(text, name=error.name) from None
    made = make(name)
    if not isinstance(made, Model):
        raise ConfigurationError(f"the model provider {provider!r} made a {type(made).__name__}, which is no Model")
    return made
