"""Turns what a vendor's SDK raises into the errors of Victor: typed, readable, and without keys."""

from __future__ import annotations

import email.utils
import json
import math
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from attrs import frozen

from victor.core.errors import (
    ModelAuthenticationError,
    ModelConnectionError,
    ModelError,
    ModelRateLimitError,
    ModelRequestError,
    ModelResponseError,
    VictorError,
)
from victor.core.redact import MARK, redact

__all__ = [
    "CutOffError",
    "Endpoint",
    "Failure",
    "NoAnswerError",
    "check_stream",
    "failure_of",
    "page_says",
    "reading",
    "retry_after",
]

_DETAIL: Final = 500
_TIMEOUTS: Final = frozenset({"APITimeoutError", "ReadTimeout", "WriteTimeout", "PoolTimeout"})
_LOCAL: Final = ("://localhost", "://127.", "://[::1]", "://0.0.0.0")
_TOO_LONG: Final = (
    "context_length_exceeded", "maximum context length", "prompt is too long", "context window",
    "exceeds the available context", "exceed_context_size",
)  # fmt: skip
_QUOTA: Final = ("insufficient_quota", "exceeded your current quota", "credit balance is too low", "billing")
_KINDS: Final = {
    "overloaded_error": 529,
    "rate_limit_error": 429,
    "authentication_error": 401,
    "permission_error": 403,
    "invalid_request_error": 400,
}  # how a provider names, inside a stream, what would have been a status
_HTTP_LIBRARIES: Final = frozenset({"httpx", "httpx2", "httpcore", "httpcore2", "anyio", "h11", "ssl"})


class CutOffError(Exception):
    """A stream ended, in good order for HTTP, before the answer was whole.

    What to do: nothing; the model turns it into a `ModelConnectionError`.
    """


class NoAnswerError(Exception):
    """A reply that is no answer of a model; the text tells what is wrong with it.

    What to do: nothing; the model turns it into a `ModelResponseError`.
    """


@contextmanager
def reading() -> Iterator[None]:
    """Around what takes a reply apart: one that is built otherwise than the protocol says is no answer."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise NoAnswerError(f"{type(error).__name__}: {error}") from error


def page_says(text: str) -> str:
    """What a page that is no answer has to say, in a few words.

    Example:
        >>> page_says("<!doctype html><html><head><title>Sign in</title></head><body>...</body></html>")
        "an HTML page titled 'Sign in'"
    """
    text = text.strip()
    if not text:
        return "an empty reply"
    if text[:1] == "<":
        title = re.search(r"<title[^>]{0,200}>\s*([^<]{1,200}?)\s*</title>", text[:20_000], re.IGNORECASE)
        shown = " ".join(re.sub(r"<[^<>]{0,500}>", " ", text[:5000]).split())[:200]
        return f"an HTML page titled {title[1]!r}" if title else f"an HTML page: {shown}"
    return text[:200]


async def check_stream(stream: Any) -> Any:
    """None when a server streams as it was asked to; else the JSON it sent instead.

    Raises:
        NoAnswerError: It sent something else, such as a page for people.
    """
    response = getattr(stream, "response", None)
    kind = str(getattr(response, "headers", {}).get("content-type", "")).partition(";")[0].strip().lower()
    if response is None or kind in {"", "text/event-stream", "text/plain", "application/octet-stream"}:
        return None
    body = (await response.aread()).decode("utf-8", "replace")
    try:
        found = json.loads(body)
    except ValueError:
        raise NoAnswerError(page_says(body)) from None
    error = found.get("error") if isinstance(found, dict) else None
    if error or not isinstance(found, dict):
        told = error.get("message") if isinstance(error, dict) else error
        raise NoAnswerError(str(told or error or page_says(body)))
    return found


@frozen
class Endpoint:
    """Whom a model asks, for error messages.

    Args:
        provider: Catalog name.
        model: Name of the model.
        base_url: Where requests go.
        key_variable: Environment variable of the key.
        url_hint: What to do when it cannot be reached.
        model_hint: What to do when it does not know the model.
        secrets: Texts that must not appear anywhere.
    """

    provider: str
    model: str
    base_url: str
    key_variable: str
    url_hint: str = ""
    model_hint: str = ""
    secrets: tuple[str, ...] = ()

    @property
    def local(self) -> bool:
        """True when it is this machine."""
        return any(part in self.base_url for part in _LOCAL)

    def clean(self, text: str) -> str:
        """The text without secrets, on one line and not too long."""
        for secret in self.secrets:
            if len(secret) > 3:
                text = text.replace(secret, MARK)
        text = " ".join(redact.text(text).split())
        return text if len(text) <= _DETAIL else text[: _DETAIL - 1] + "…"


@frozen
class Failure:
    """What went wrong, in Victor's words.

    Args:
        error: To be raised.
        retry: Whether the same request may succeed when sent again.
    """

    error: ModelError
    retry: bool


def failure_of(error: Exception, endpoint: Endpoint, *, timeout_s: float, pieces: int = 0) -> Failure:
    """The failure an exception of an SDK, of its HTTP library or of a parser stands for.

    Args:
        error: What was raised.
        endpoint: Whom was asked.
        timeout_s: How long a request may take.
        pieces: How many pieces of a stream had come before.

    Raises:
        VictorError: The exception has one as its cause (a test that forbids the network, say): raised as it is.
        Exception: It is none of these, so it is a bug, and is raised as it is.
    """
    if isinstance(error, ModelError):
        return Failure(error, retry=False)
    causes = _chain(error)
    for cause in causes:
        if isinstance(cause, VictorError):
            raise cause
    who = f"{endpoint.provider}:{endpoint.model}"
    url = endpoint.clean(endpoint.base_url)
    status = getattr(error, "status_code", None)
    if _timed_out(causes):
        text = (
            f"{who}: no whole answer from {url} within {timeout_s:g} s; raise ModelSettings(timeout_s=...) "
            "or ask for a shorter answer"
        )
        return _failure(ModelConnectionError, text, endpoint, retry=True)
    if isinstance(status, int) and any(base.__name__ == "APIStatusError" for base in type(error).__mro__):
        return _status_failure(error, status, endpoint, who)
    if (
        isinstance(error, (NoAnswerError, json.JSONDecodeError, UnicodeDecodeError))
        or "ValidationError" in type(error).__name__
    ):
        detail = endpoint.clean(str(error))
        text = f"{who}: {url} sent something that is not an answer: {detail}; is base_url right?"
        return _failure(ModelResponseError, text, endpoint, retry=True)
    if isinstance(error, CutOffError) or (pieces and _from_network(error)):
        text = (
            f"{who}: the connection to {url} broke before the answer was whole ({_reason(causes, endpoint)}); "
            "what had come was discarded; ask again"
        )
        return _failure(ModelConnectionError, text, endpoint, retry=True)
    if type(error).__name__ == "APIError":  # an error told inside a stream, with no HTTP status of its own
        return _told_in_stream(error, endpoint, who)
    if _from_network(error):
        refused = any(isinstance(cause, ConnectionRefusedError) for cause in causes)
        hint = (
            _certificate_hint(causes)
            or _proxy_hint(endpoint.base_url)
            or endpoint.url_hint
            or ("is the server running?" if endpoint.local else "check the network and base_url")
        )
        text = f"{who}: {url} cannot be reached ({_reason(causes, endpoint)}); {hint}"
        return _failure(ModelConnectionError, text, endpoint, retry=not (refused and endpoint.local))
    raise error


def retry_after(headers: Mapping[str, str] | None) -> float | None:
    """Seconds the server asks to wait, from ``retry-after-ms`` or ``retry-after`` (seconds or a date, RFC 9110).

    A date is read against the server's own clock where it tells it, since ours may be wrong.

    Example:
        >>> retry_after({"retry-after": "2"}), retry_after({"retry-after-ms": "250"}), retry_after({})
        (2.0, 0.25, None)
        >>> retry_after({"retry-after": "Sun, 06 Nov 1994 08:49:37 GMT", "date": "Sun, 06 Nov 1994 08:49:30 GMT"})
        7.0
    """
    if headers is None:
        return None
    for header, divisor in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        text = headers.get(header)
        if not text:
            continue
        try:
            seconds = float(text) / divisor
        except ValueError:
            until = _moment(text)
            if until is None:
                continue
            now = _moment(headers.get("date") or "")
            seconds = until - (time.time() if now is None else now)
        if math.isfinite(seconds):
            return max(seconds, 0.0)
    return None


def _moment(text: str) -> float | None:
    """Seconds since the epoch, from a date as HTTP or as ISO 8601 has it."""
    date = email.utils.parsedate_tz(text)
    try:
        if date is not None:
            return float(email.utils.mktime_tz(date))
        moment = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _status_failure(error: Exception, status: int, endpoint: Endpoint, who: str) -> Failure:
    headers = getattr(getattr(error, "response", None), "headers", None)
    detail = endpoint.clean(_detail(error)) or "no reason given"
    told = f"{detail} {json.dumps(getattr(error, 'body', None), default=str)}".lower()
    wait = retry_after(headers)
    advice = (headers or {}).get("x-should-retry")
    if status >= 400:
        start = f"{who}: {detail} (HTTP {status})"
    else:  # told inside a stream that had begun well
        start = f"{who}: the provider failed while it answered: {detail}"
        status = next((code for kind, code in _KINDS.items() if f'"{kind}"' in told), 500)
    url = endpoint.clean(endpoint.base_url)
    spent = any(word in told for word in _QUOTA)
    hint, retry = "the provider rejected the request", advice == "true"
    kind: type[ModelError] = ModelRequestError
    if status in {401, 403}:
        kind, hint = ModelAuthenticationError, f"{url} refused the key: check {endpoint.key_variable}"
    elif spent:
        kind = ModelRateLimitError if status == 429 else ModelRequestError
        hint = "the account has no credit left"
    elif status in {429, 529}:
        kind, retry = ModelRateLimitError, advice != "false"
        hint = "ask less often, or another model" if wait is None else f"the provider asks to wait {wait:g} s"
    elif status >= 500 or status in {408, 409}:
        kind, retry, hint = ModelResponseError, advice != "false", "the provider failed: try again later"
    elif any(word in told for word in _TOO_LONG):
        hint = "the conversation is longer than this model can read: shorten it, or take a model that reads more"
    elif status == 404:
        hint = endpoint.model_hint or f"check the model's name, and that {url} is right"
    return _failure(kind, f"{start}; {hint}", endpoint, status, wait, retry=retry)


def _told_in_stream(error: Exception, endpoint: Endpoint, who: str) -> Failure:
    code = str(getattr(error, "code", "") or "")
    if code.isdigit() and int(code) >= 400:
        return _status_failure(error, int(code), endpoint, who)
    detail = endpoint.clean(_detail(error))
    text = f"{who}: the provider failed while it answered: {detail}; try again later"
    return _failure(ModelResponseError, text, endpoint, retry=True)


def _failure(
    kind: type[ModelError],
    text: str,
    endpoint: Endpoint,
    status: int | None = None,
    retry_after_s: float | None = None,
    *,
    retry: bool,
) -> Failure:
    error = kind(text, provider=endpoint.provider, model=endpoint.model, status=status, retry_after_s=retry_after_s)
    return Failure(error, retry)


def _detail(error: Exception) -> str:
    """The provider's own words: they stand in different places of the body from server to server."""
    body = getattr(error, "body", None)
    for _ in range(3):
        if not isinstance(body, Mapping):
            break
        body = next(
            (body[key] for key in ("error", "message", "detail") if body.get(key)), json.dumps(dict(body), default=str)
        )
    if body is None or body == "":
        return str(getattr(error, "message", "") or error)
    return body if isinstance(body, str) else json.dumps(body, default=str)


def _chain(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in chain and len(chain) < 10:
        chain.append(at)
        at = at.__cause__ or at.__context__
    return chain


def _timed_out(causes: list[BaseException]) -> bool:
    """A deadline passed while a server was at work; not reaching it in time is another matter."""
    if any(type(cause).__name__ == "ConnectTimeout" for cause in causes):
        return False
    return any(
        (isinstance(cause, TimeoutError) and cause.errno is None) or type(cause).__name__ in _TIMEOUTS
        for cause in causes
    )


def _reason(causes: list[BaseException], endpoint: Endpoint) -> str:
    for cause in reversed(causes):
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
    text = next((str(cause) for cause in causes[1:] if str(cause)), str(causes[0]))
    return endpoint.clean(text) or type(causes[0]).__name__


def _certificate_hint(causes: list[BaseException]) -> str:
    if not any("CERTIFICATE_VERIFY_FAILED" in str(cause) for cause in causes):
        return ""
    return "if your network has a certificate authority of its own, set SSL_CERT_FILE to the file with its certificate"


def _proxy_hint(url: str) -> str:
    """What to do where a variable sends requests to a server through a proxy. Its address may hold a password."""
    from urllib.request import proxy_bypass  # only where something went wrong: it is slow to import

    parts = urlsplit(url)
    host = parts.hostname or ""
    if not host or proxy_bypass(host):
        return ""
    names = [name for scheme in (parts.scheme, "all") for name in (f"{scheme}_proxy", f"{scheme}_proxy".upper())]
    for name in names:
        if os.environ.get(name):
            return f"requests go through the proxy that {name} names: check it, or add {host} to NO_PROXY"
    return ""


def _from_network(error: BaseException) -> bool:
    if isinstance(error, OSError) or type(error).__name__ == "APIConnectionError":
        return True
    return type(error).__module__.partition(".")[0] in _HTTP_LIBRARIES
