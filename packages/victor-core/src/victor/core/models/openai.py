"""OpenAI, and every server that speaks its Chat Completions protocol: Ollama, vLLM, llama.cpp, LM Studio, OpenRouter.

Needs the vendor's SDK: ``pip install 'victor-core[openai]'``. Example::

    Agent(model="openai:gpt-5-mini")                       # OPENAI_API_KEY
    Agent(model="ollama:qwen3")                            # a server on this machine; no key
    Agent(model=OpenAIModel("my-model", base_url="http://gpu-box:8000/v1"))
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final, cast, get_args

from victor.core.errors import ConfigurationError, ModelError, ModelRequestError
from victor.core.model import ModelChunk, ModelRequest, ModelResponse, TextDelta
from victor.core.models.failures import Endpoint, check_stream, reading
from victor.core.models.http import (
    DEFAULT_RETRIES,
    DEFAULT_TIMEOUT_S,
    HTTPModel,
    http_client,
    require_sdk,
    sdk_timeout,
)
from victor.core.models.openai_wire import (
    OutputForm,
    StreamReader,
    messages_out,
    output_out,
    response_in,
    tools_out,
)

__all__ = ["OpenAIModel", "from_name", "llamacpp", "lmstudio", "ollama", "openrouter", "vllm"]

_OFFICIAL: Final = "https://api.openai.com/v1"
_OPENROUTER: Final = "https://openrouter.ai/api/v1"
_NO_KEY: Final = "none"  # the SDK insists on one, and servers without keys ignore it


class OpenAIModel(HTTPModel):
    """A model behind the Chat Completions protocol.

    Args:
        name: The provider's name of the model.
        base_url: Where the server is; ``OPENAI_BASE_URL``, else OpenAI's own, when left out.
        api_key: The key; ``OPENAI_API_KEY`` when left out. A server of your own may need none.
        organization: OpenAI organization to bill.
        provider: Catalog name, for messages, events and prices.
        max_retries: How often a request that failed for load or transport is sent again.
        timeout_s: Seconds one request may take where `ModelSettings` says nothing.
        backoff_s: Seconds before the first retry where the server does not say.
        headers: Sent with every request.
        output: How an answer is forced into shape. ``"strict"`` falls back to weaker forms, and remembers, when
            a schema or a server does not allow it.
        output_with_tools: The same for requests with tools: some servers cannot force a shape and offer tools at once.
        client: An ``openai.AsyncOpenAI`` to use instead of making one; its owner closes it.
        key_variable: Environment variable of the key.

    Raises:
        ConfigurationError: The SDK or the key is missing.
    """

    def __init__(
        self,
        name: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        organization: str | None = None,
        provider: str = "openai",
        max_retries: int = DEFAULT_RETRIES,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        backoff_s: float = 0.5,
        headers: Mapping[str, str] | None = None,
        output: OutputForm = "strict",
        output_with_tools: OutputForm | None = None,
        client: Any = None,
        key_variable: str = "OPENAI_API_KEY",
    ) -> None:
        for form in (output, output_with_tools or output):
            if form not in get_args(OutputForm):
                raise ConfigurationError(f"output should be one of {', '.join(get_args(OutputForm))}, not {form!r}")
        if client is not None:
            url, key = str(client.base_url), str(client.api_key or "")
        else:
            require_sdk("openai")
            url = (base_url or os.environ.get("OPENAI_BASE_URL") or _OFFICIAL).rstrip("/")
            url = url.removesuffix("/chat/completions")
            key = api_key or os.environ.get(key_variable) or ""
            if not key and url in {_OFFICIAL, _OPENROUTER}:
                raise ConfigurationError(
                    f"{provider}:{name} needs a key: set {key_variable}. A server of your own that needs none is named "
                    "by OPENAI_BASE_URL, or OpenAIModel(..., base_url='http://localhost:8000/v1')"
                )
        hints = _HINTS.get(provider, ("", ""))
        endpoint = Endpoint(provider, name, url, key_variable, *hints, secrets=(key,) if key != _NO_KEY else ())
        super().__init__(
            endpoint,
            max_retries=max_retries,
            timeout_s=timeout_s,
            backoff_s=backoff_s,
            client=client,
            listed_price=url in {_OFFICIAL, _OPENROUTER},
        )
        self._key = key
        self._organization = organization
        self._headers = dict(headers or {})
        self._form: OutputForm = output
        self._form_with_tools: OutputForm = output_with_tools or output
        self._stream_usage = True
        self._limit = "max_completion_tokens" if url == _OFFICIAL else "max_tokens"  # the old name is all some know

    def _make_client(self) -> Any:
        import openai

        return openai.AsyncOpenAI(
            api_key=self._key or _NO_KEY,
            base_url=self.endpoint.base_url,
            organization=self._organization,
            max_retries=0,
            default_headers=self._headers,
            http_client=http_client(openai),
        )

    async def _ask(self, client: Any, request: ModelRequest, timeout_s: float) -> ModelResponse:
        form, body = self._body(request)
        reply = await client.chat.completions.create(**body, timeout=_timeout(timeout_s))
        with reading():
            return response_in(reply, self.provider, form)

    async def _listen(self, client: Any, request: ModelRequest, timeout_s: float) -> AsyncGenerator[ModelChunk, None]:
        form, body = self._body(request)
        if self._stream_usage:
            body["stream_options"] = {"include_usage": True}
        stream = await client.chat.completions.create(**body, stream=True, timeout=_timeout(timeout_s))
        reader = StreamReader(self.provider, form)
        try:
            whole = await check_stream(stream)
            if whole is not None:  # it does not stream, and answered at once
                response = _whole(whole, self.provider, form)
                if response.content:
                    yield TextDelta(response.content)
                yield response
                return
            async for chunk in stream:
                with reading():
                    pieces = list(reader.take(chunk))
                for piece in pieces:
                    yield piece
        finally:
            await stream.close()
        yield reader.response()

    def _body(self, request: ModelRequest) -> tuple[OutputForm | None, dict[str, Any]]:
        settings = request.settings
        body: dict[str, Any] = {"model": self.name}
        form: OutputForm | None = None
        if request.output is not None:
            wanted, form = output_out(request.output, self._form_with_tools if request.tools else self._form)
            if wanted is not None:
                body["response_format"] = wanted
        body["messages"] = messages_out(request, form, self.provider)
        if request.tools:
            body["tools"] = tools_out(request)
        options = {
            "temperature": settings.temperature,
            self._limit: settings.max_tokens,
            "top_p": settings.top_p,
            "stop": list(settings.stop) or None,
            "seed": settings.seed,
            "extra_body": dict(settings.extra) or None,
        }
        body |= {key: value for key, value in options.items() if value is not None}
        return form, body

    def _adapt(self, error: ModelError, request: ModelRequest) -> bool:
        """Send the request again in a form the server knows, when it says which part it does not."""
        if not isinstance(error, ModelRequestError) or error.status not in {400, 404, 415, 422}:
            return False
        text = str(error).lower()
        if "stream_options" in text and self._stream_usage:
            self._stream_usage = False
            return True
        if "max_completion_tokens" in text and self._limit == "max_tokens":
            self._limit = "max_completion_tokens"
            return True
        if request.output is not None and any(word in text for word in _FORMAT_WORDS):
            return self._weaken(bool(request.tools))
        return False

    def _weaken(self, with_tools: bool) -> bool:
        forms = get_args(OutputForm)
        form = self._form_with_tools if with_tools else self._form
        if form == "prompt":
            return False
        weaker = cast("OutputForm", forms[forms.index(form) + 1])
        if with_tools:
            self._form_with_tools = weaker
        else:
            self._form = weaker
        return True


_FORMAT_WORDS: Final = ("response_format", "json_schema", "json_object", "grammar", "structured output", "schema")

_HINTS: Final[Mapping[str, tuple[str, str]]] = {
    "ollama": (
        "start it with 'ollama serve', or set OLLAMA_HOST",
        "fetch it with 'ollama pull NAME', see 'ollama list'",
    ),
    "lmstudio": (
        "start its server ('lms server start'), or set LMSTUDIO_BASE_URL",
        "load it in LM Studio, see 'lms ls'",
    ),
    "vllm": ("start it with 'vllm serve MODEL', or set VLLM_BASE_URL", "it serves the model it was started with"),
    "llamacpp": ("start it with 'llama-server -m FILE', or set LLAMACPP_BASE_URL", ""),
    "openrouter": ("", "see the names on https://openrouter.ai/models"),
}


def _whole(reply: dict[str, Any], provider: str, form: OutputForm | None) -> ModelResponse:
    from openai.types.chat import ChatCompletion

    with reading():
        return response_in(ChatCompletion.construct(**reply), provider, form)


def _timeout(timeout_s: float) -> Any:
    import openai

    return sdk_timeout(openai, timeout_s)


def from_name(name: str) -> OpenAIModel:
    """``openai:NAME``: OpenAI's own servers, or the one ``OPENAI_BASE_URL`` names."""
    return OpenAIModel(name)


def ollama(name: str) -> OpenAIModel:
    """``ollama:NAME``: an Ollama server, at ``OLLAMA_HOST`` or on this machine."""
    host = os.environ.get("OLLAMA_HOST", "").strip().rstrip("/").replace("0.0.0.0", "127.0.0.1")  # noqa: S104
    if host and "://" not in host:
        host = f"http://{host}"
    if host.startswith("http://") and ":" not in host.removeprefix("http://").rpartition("]")[2]:
        host = f"{host}:11434"
    url = os.environ.get("OLLAMA_BASE_URL") or (f"{host}/v1" if host else "http://127.0.0.1:11434/v1")
    return _local("ollama", name, url, output_with_tools="prompt")


def openrouter(name: str) -> OpenAIModel:
    """``openrouter:VENDOR/NAME``: models of many vendors; ``OPENROUTER_API_KEY``."""
    url = os.environ.get("OPENROUTER_BASE_URL") or _OPENROUTER
    return OpenAIModel(name, base_url=url, provider="openrouter", key_variable="OPENROUTER_API_KEY")


def lmstudio(name: str) -> OpenAIModel:
    """``lmstudio:NAME``: LM Studio's server on this machine, or at ``LMSTUDIO_BASE_URL``."""
    return _local("lmstudio", name, os.environ.get("LMSTUDIO_BASE_URL") or "http://127.0.0.1:1234/v1")


def vllm(name: str) -> OpenAIModel:
    """``vllm:NAME``: a vLLM server on this machine, or at ``VLLM_BASE_URL``."""
    return _local("vllm", name, os.environ.get("VLLM_BASE_URL") or "http://127.0.0.1:8000/v1")


def llamacpp(name: str) -> OpenAIModel:
    """``llamacpp:`` (any name: it serves the model it was started with), here or at ``LLAMACPP_BASE_URL``."""
    url = os.environ.get("LLAMACPP_BASE_URL") or "http://127.0.0.1:8080/v1"
    return _local("llamacpp", name or "default", url, output_with_tools="prompt")


def _local(provider: str, name: str, url: str, **options: Any) -> OpenAIModel:
    variable = f"{provider.upper()}_API_KEY"
    key = os.environ.get(variable) or _NO_KEY  # never OPENAI_API_KEY: it is not this server's
    return OpenAIModel(name, base_url=url, api_key=key, provider=provider, key_variable=variable, **options)
