"""Claude models of Anthropic, by the Messages protocol.

Needs the vendor's SDK: ``pip install 'victor-core[anthropic]'``. Example::

    Agent(model="anthropic:claude-sonnet-4-5")             # ANTHROPIC_API_KEY

To let a model think first, pass what the API wants; its thinking is handed back to it as it was::

    ModelSettings(extra={"thinking": {"type": "enabled", "budget_tokens": 4000}}, max_tokens=8000)
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final, get_args

from victor.core.errors import ConfigurationError, ModelError, ModelRequestError
from victor.core.model import ModelChunk, ModelRequest, ModelResponse, TextDelta
from victor.core.models.anthropic_wire import (
    OutputForm,
    StreamReader,
    conversation_out,
    output_out,
    response_in,
    tools_out,
)
from victor.core.models.failures import Endpoint, check_stream, reading
from victor.core.models.http import (
    DEFAULT_RETRIES,
    DEFAULT_TIMEOUT_S,
    HTTPModel,
    http_client,
    require_sdk,
    sdk_timeout,
)

__all__ = ["AnthropicModel", "from_name"]

_OFFICIAL: Final = "https://api.anthropic.com"


class AnthropicModel(HTTPModel):
    """A Claude model.

    Args:
        name: Anthropic's name of the model.
        base_url: Where the server is; ``ANTHROPIC_BASE_URL``, else Anthropic's own, when left out.
        api_key: The key; ``ANTHROPIC_API_KEY`` when left out.
        max_tokens: Most tokens of one answer where `ModelSettings` says nothing; the API wants a number.
        cache: Let the provider keep what the next request begins with, at a tenth of the price of reading it again.
        max_retries: How often a request that failed for load or transport is sent again.
        timeout_s: Seconds one request may take where `ModelSettings` says nothing.
        backoff_s: Seconds before the first retry where the server does not say.
        headers: Sent with every request.
        output: How an answer is forced into shape; ``"native"`` falls back to ``"tool"``, and remembers, where a
            schema or a model does not allow it.
        client: An ``anthropic.AsyncAnthropic`` to use instead of making one; its owner closes it.

    Raises:
        ConfigurationError: The SDK or the key is missing.
    """

    def __init__(
        self,
        name: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        max_tokens: int = 8192,
        cache: bool = True,
        max_retries: int = DEFAULT_RETRIES,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        backoff_s: float = 0.5,
        headers: Mapping[str, str] | None = None,
        output: OutputForm = "native",
        client: Any = None,
    ) -> None:
        if output not in get_args(OutputForm):
            raise ConfigurationError(f"output should be one of {', '.join(get_args(OutputForm))}, not {output!r}")
        if client is not None:
            url, key = str(client.base_url), str(client.api_key or "")
        else:
            require_sdk("anthropic")
            url = (base_url or os.environ.get("ANTHROPIC_BASE_URL") or _OFFICIAL).rstrip("/")
            url = url.removesuffix("/messages").removesuffix("/v1")  # the SDK appends both
            key = api_key or os.environ.get("ANTHROPIC_API_KEY") or ""
            if not key:
                raise ConfigurationError(
                    f"anthropic:{name} needs a key: set ANTHROPIC_API_KEY, or pass api_key= to AnthropicModel"
                )
        super().__init__(
            Endpoint("anthropic", name, url, "ANTHROPIC_API_KEY", secrets=(key,)),
            max_retries=max_retries,
            timeout_s=timeout_s,
            backoff_s=backoff_s,
            client=client,
            listed_price=url == _OFFICIAL,
        )
        self._key = key
        self._max_tokens = max_tokens
        self._cache = cache
        self._headers = dict(headers or {})
        self._form: OutputForm = output

    def _make_client(self) -> Any:
        import anthropic

        return anthropic.AsyncAnthropic(
            api_key=self._key,
            base_url=self.endpoint.base_url,
            max_retries=0,
            default_headers=self._headers,
            http_client=http_client(anthropic),
        )

    async def _ask(self, client: Any, request: ModelRequest, timeout_s: float) -> ModelResponse:
        answer_tool, body = self._body(request)
        reply = await client.messages.create(**body, timeout=_timeout(timeout_s))
        with reading():
            return response_in(reply, answer_tool)

    async def _listen(self, client: Any, request: ModelRequest, timeout_s: float) -> AsyncGenerator[ModelChunk, None]:
        answer_tool, body = self._body(request)
        stream = await client.messages.create(**body, stream=True, timeout=_timeout(timeout_s))
        reader = StreamReader(answer_tool)
        try:
            whole = await check_stream(stream)
            if whole is not None:  # it does not stream, and answered at once
                response = _whole(whole, answer_tool)
                if response.content:
                    yield TextDelta(response.content)
                yield response
                return
            async for event in stream:
                with reading():
                    pieces = list(reader.take(event))
                for piece in pieces:
                    yield piece
        finally:
            await stream.close()
        yield reader.response()

    def _body(self, request: ModelRequest) -> tuple[str | None, dict[str, Any]]:
        settings = request.settings
        if settings.seed is not None:
            raise ConfigurationError(f"{self.id}: Anthropic's API has no seed; leave ModelSettings.seed out")
        system, messages = conversation_out(request, cache=self._cache)
        tools = tools_out(request, cache=self._cache and not system)
        body: dict[str, Any] = {
            "model": self.name,
            "max_tokens": settings.max_tokens or self._max_tokens,
            "messages": messages,
        }
        # what not every version of the SDK has an argument for
        in_body: dict[str, Any] = {"temperature": settings.temperature, "top_p": settings.top_p}
        in_body = {key: value for key, value in in_body.items() if value is not None}
        answer_tool = None
        if request.output is not None:
            wanted, form = output_out(request.output, self._form)
            if form == "native":
                in_body["output_config"] = wanted
            else:
                answer_tool = request.output.name
                thinks = (settings.extra.get("thinking") or {}).get("type", "disabled") != "disabled"
                # one of the tools must be called, and this is one; while it thinks the API lets nobody insist
                body["tool_choice"] = {"type": "auto" if thinks else "any"}
                tools.append(wanted)
        options = {
            "system": system or None,
            "tools": tools or None,
            "stop_sequences": list(settings.stop) or None,
            "extra_body": {**in_body, **settings.extra} or None,
        }
        body |= {key: value for key, value in options.items() if value is not None}
        return answer_tool, body

    def _adapt(self, error: ModelError, request: ModelRequest) -> bool:
        """Ask for the shape of the answer by a tool, where the model has no structured outputs."""
        if request.output is None or self._form == "tool" or not isinstance(error, ModelRequestError):
            return False
        text = str(error).lower()
        if error.status == 400 and any(
            word in text for word in ("output_config", "output_format", "structured", "schema")
        ):
            self._form = "tool"
            return True
        return False


def _whole(reply: dict[str, Any], answer_tool: str | None) -> ModelResponse:
    from anthropic.types import Message

    with reading():
        return response_in(Message.construct(**reply), answer_tool)


def _timeout(timeout_s: float) -> Any:
    import anthropic

    return sdk_timeout(anthropic, timeout_s)


def from_name(name: str) -> AnthropicModel:
    """``anthropic:NAME``."""
    return AnthropicModel(name)
