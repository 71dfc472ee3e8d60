"""What models that are asked over HTTP share: retries, deadlines, typed errors, one client per event loop, prices."""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from importlib.util import find_spec
from random import random
from types import ModuleType
from typing import Any, Final

from victor.core.errors import ConfigurationError, ModelError
from victor.core.events import current_stream
from victor.core.message import Usage
from victor.core.model import Model, ModelChunk, ModelRequest, ModelResponse, TextDelta, ToolCallDelta
from victor.core.models.clients import LoopClients
from victor.core.models.failures import CutOffError, Endpoint, Failure, failure_of
from victor.core.models.guard import check_allowed
from victor.core.pricing import PriceOf, find_price

__all__ = ["DEFAULT_RETRIES", "DEFAULT_TIMEOUT_S", "HTTPModel", "http_client", "require_sdk"]

DEFAULT_RETRIES: Final = 3
"""How often a request is tried again."""
DEFAULT_TIMEOUT_S: Final = 600.0
"""Seconds one request may take."""
_CONNECT_S: Final = 10.0
_LONGEST_WAIT_S: Final = 60.0
_LONGEST_BACKOFF_S: Final = 8.0
_ADAPTATIONS: Final = 6


class HTTPModel(Model):
    """A model behind a vendor's SDK. Subclasses say how to ask and how to read; everything around that is here.

    Args:
        endpoint: Whom is asked.
        max_retries: How often a request that failed for load or transport is sent again.
        timeout_s: Seconds one request may take, retries excluded, where `ModelSettings` says nothing.
        backoff_s: Seconds before the first retry, doubled for each further one, where the provider says nothing.
        client: A client of the SDK to use for everything; its owner closes it.
        listed_price: Whether a public price list knows this server.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        max_retries: int,
        timeout_s: float,
        backoff_s: float,
        client: Any,
        listed_price: bool,
    ) -> None:
        if not endpoint.model:
            raise ConfigurationError(f"name a model of {endpoint.provider}, such as '{endpoint.provider}:NAME'")
        if max_retries < 0 or timeout_s <= 0 or backoff_s < 0:
            raise ConfigurationError("max_retries and backoff_s must not be negative, and timeout_s must be positive")
        self.provider: str = endpoint.provider
        self.name: str = endpoint.model
        self.endpoint = endpoint
        self._max_retries = max_retries
        self._timeout_s = timeout_s
        self._backoff_s = backoff_s
        self._given = client
        self._clients: LoopClients[Any] = LoopClients(self._make_client, lambda made: made.close())
        self._closed = False
        self._listed_price = listed_price
        self._price: PriceOf | None = None
        self._price_known = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, base_url={self.endpoint.clean(self.endpoint.base_url)!r})"

    @abstractmethod
    def _make_client(self) -> Any:
        """A new client of the SDK, which must not retry by itself."""

    @abstractmethod
    async def _ask(self, client: Any, request: ModelRequest, timeout_s: float) -> ModelResponse:
        """Send, and read the whole answer."""

    @abstractmethod
    def _listen(self, client: Any, request: ModelRequest, timeout_s: float) -> AsyncGenerator[ModelChunk, None]:
        """Send, and read the answer as it comes; raises `CutOffError` when it ends too early."""

    def _adapt(self, error: ModelError, request: ModelRequest) -> bool:
        """Whether a rejected request should be sent once more in another form, remembered from now on."""
        return False

    async def request(self, request: ModelRequest) -> ModelResponse:
        """Answer.

        Raises:
            ModelError: One of its subclasses, after the retries.
        """
        attempts = _Attempts(self, request)
        while True:
            try:
                client = await self._client()
                async with asyncio.timeout(attempts.timeout_s):
                    return await self._ask(client, request, attempts.timeout_s)
            except Exception as error:  # noqa: BLE001 - becomes a typed error, or is raised again as it is
                await attempts.failed(failure_of(error, self.endpoint, timeout_s=attempts.timeout_s), error)

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelChunk]:
        """Answer in pieces. A failure before the first piece is retried; after it, it is raised.

        Raises:
            ModelError: One of its subclasses; `ModelConnectionError` when the stream is cut.
        """
        attempts = _Attempts(self, request)
        while True:
            pieces, left = 0, attempts.timeout_s
            client = await self._client()
            async with aclosing(self._listen(client, request, attempts.timeout_s)) as chunks:
                while True:
                    try:
                        began = time.monotonic()
                        async with asyncio.timeout(left):
                            chunk = await _next(chunks)
                        left -= time.monotonic() - began  # what the reader does in between is not the provider's time
                    except Exception as error:  # noqa: BLE001 - as above
                        failure = failure_of(error, self.endpoint, timeout_s=attempts.timeout_s, pieces=pieces)
                        cause = error
                        break
                    yield chunk
                    if isinstance(chunk, ModelResponse):
                        return
                    pieces += isinstance(chunk, (TextDelta, ToolCallDelta))
            if pieces:
                raise failure.error from cause
            await attempts.failed(failure, cause)

    def cost_usd(self, usage: Usage) -> float | None:
        """US dollars for that usage: by the settings, else by an installed price list, else None."""
        if not self._price_known:
            self._price = find_price(self.provider, self.name, listed=self._listed_price)
            self._price_known = True
        return None if self._price is None else self._price(usage)

    async def aclose(self) -> None:
        """Close the connections of the running event loop. The model can not be used afterwards."""
        self._closed = True
        await self._clients.aclose()

    async def _client(self) -> Any:
        check_allowed(self.provider, self.name)
        if self._closed:
            raise ConfigurationError(f"{self.id}: the model was closed, and can not be used afterwards")
        return self._given if self._given is not None else await self._clients.get()


class _Attempts:
    """Counts the tries of one request, waits between them, and gives up."""

    def __init__(self, model: HTTPModel, request: ModelRequest) -> None:
        self.timeout_s = request.settings.timeout_s or model._timeout_s
        self._model = model
        self._request = request
        self._failed = 0
        self._adapted = 0

    async def failed(self, failure: Failure, cause: Exception) -> None:
        """Return when the request should be sent again; raise the error otherwise."""
        model, error = self._model, failure.error
        if self._adapted < _ADAPTATIONS and model._adapt(error, self._request):
            self._adapted += 1
            return
        if not failure.retry or self._failed >= model._max_retries:
            raise error from cause
        wait = error.retry_after_s
        if wait is not None and wait > _LONGEST_WAIT_S:
            raise error from cause
        if wait is None:
            wait = min(model._backoff_s * 2**self._failed, _LONGEST_BACKOFF_S) * (0.75 + random() / 4)  # noqa: S311
        self._failed += 1
        current_stream().emit(
            "model.retry",
            model.name,
            {
                "provider": model.provider,
                "model": model.name,
                "attempt": self._failed,
                "delay_s": wait,
                "status": error.status,
                "reason": type(error).__name__,
            },
        )
        await asyncio.sleep(wait)


async def _next(chunks: AsyncGenerator[ModelChunk, None]) -> ModelChunk:
    try:
        return await anext(chunks)
    except StopAsyncIteration:
        raise CutOffError("the stream ended") from None


def require_sdk(module: str) -> None:
    """Say what to install when a vendor's SDK is missing, without importing it.

    Raises:
        ConfigurationError: It is missing.
    """
    try:
        found = find_spec(module) is not None
    except ValueError:  # somebody put a stand-in without a spec into sys.modules
        found = True
    if not found:
        raise ConfigurationError(f"this model needs the package {module!r}; pip install 'victor-core[{module}]'")


_tls: dict[
    str, Any
] = {}  # by HTTP library: making a TLS context takes 30 ms, and each event loop has a client of its own


def http_client(sdk: ModuleType) -> Any:
    """An HTTP client as that SDK would make it, sharing one TLS context; None leaves the making to the SDK."""
    import sys

    default = getattr(sdk, "DefaultAsyncHttpxClient", None)
    if not isinstance(default, type):
        return None
    library = default.__mro__[1].__module__.partition(".")[0]
    make = getattr(sys.modules.get(library), "create_ssl_context", None)
    if make is None:
        return None
    if library not in _tls:
        _tls[library] = make()
    return default(verify=_tls[library])


def sdk_timeout(sdk: Any, timeout_s: float) -> Any:
    """The SDK's own timeouts: they only bound a single wait; the deadline of a request is kept outside."""
    return sdk.Timeout(timeout_s, connect=min(timeout_s, _CONNECT_S))
