"""Fetches over HTTP: every connection is checked at the moment it is made, every answer has a limit."""

from __future__ import annotations

import asyncio
import socket
import zlib
from collections.abc import AsyncIterator, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from victor.core.errors import ToolError
from victor.core.trace_context import TRACEPARENT, traceparent
from victor.tools.web.address import is_denied, is_public, is_this_machine

if TYPE_CHECKING:
    import httpcore2

__all__ = ["Answer", "WebClient"]

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_FORBIDDEN: Final = frozenset(
    {
        "host",
        "connection",
        "content-length",
        "transfer-encoding",
        "upgrade",
        "proxy-authorization",
        "te",
        "trailer",
        "keep-alive",
        "proxy-connection",
    }
)
_TOKEN: Final = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


@frozen
class Answer:
    """An answer from the web.

    Args:
        url: Where it came from in the end.
        status: HTTP status.
        headers: Lower case name -> value.
        body: The content, decompressed.
        cut: Whether there was more than may be read.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    cut: bool = False

    @property
    def media_type(self) -> str:
        """Such as ``"text/html"``."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """The content as text, by its declared character set, else UTF-8."""
        declared = self.headers.get("content-type", "").lower().partition("charset=")[2].partition(";")[0].strip(" \"'")
        try:
            return self.body.decode(declared or "utf-8", "replace")
        except LookupError:
            return self.body.decode("utf-8", "replace")


class WebClient:
    """Makes requests to public addresses only.

    The host name is resolved here, each address it has is checked, and the connection goes to the address that was
    checked: a name that answers differently the second time (DNS rebinding) gains nothing. Redirects are followed
    here too, each as strictly as the first request. Environment variables for proxies are not read.

    Args:
        allow_private: Also connect to private and loopback addresses.
        allow_hosts: Only these hosts, with ``*`` as wildcard; empty for any.
        deny_hosts: Not these hosts; an address, a network (``10.0.0.0/8``) or ``localhost`` is refused under any name.
        trace_hosts: Hosts, with ``*`` as wildcard, that are told which trace a request is a part of (``traceparent``).
            This machine itself is always told, nobody else: what a stranger is sent should say nothing about us.
        max_bytes: Most bytes of an answer, after decompression.
        timeout_s: Seconds a request may take, redirects included.
        resolve: Host and port to addresses; for tests.
    """

    def __init__(
        self, *, allow_private: bool = False, allow_hosts: Iterable[str] = (), deny_hosts: Iterable[str] = (),
        trace_hosts: Iterable[str] = (), max_bytes: int = 5_000_000, timeout_s: float = 30.0, resolve: Any = None,
    ) -> None:  # fmt: skip
        self._private = allow_private
        self._allow = tuple(host.lower() for host in allow_hosts)
        self._deny = tuple(host.lower() for host in deny_hosts)
        self._traced = tuple(host.lower() for host in trace_hosts)
        self._max = max_bytes
        self._timeout = timeout_s
        self._resolve = resolve or _resolve

    async def request(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        redirects: int = 5,
    ) -> Answer:
        """One request, with its redirects.

        Raises:
            ToolError: The address is refused or cannot be reached, or the answer is none; the text says which.
        """
        import httpcore2

        sent = {
            "user-agent": "victor-tools",
            "accept": "*/*",
            "accept-encoding": "gzip, deflate",
            **_checked(headers or {}),
        }
        try:
            async with asyncio.timeout(self._timeout):
                for _ in range(redirects + 1):
                    answer = await self._one(url, method, sent, body)
                    target = answer.headers.get("location")
                    if answer.status not in _REDIRECTS or not target:
                        return answer
                    before, url = url, _joined(url, target)
                    if _origin(before) != _origin(url):
                        sent = {name: value for name, value in sent.items() if name not in {"authorization", "cookie"}}
                        if before.startswith("https:") and url.startswith("http:"):
                            raise ToolError(f"{before} redirects from https to http ({url}); refused")
                    if answer.status == 303 or (answer.status in {301, 302} and method == "POST"):
                        method, body = "GET", b""
        except TimeoutError:
            raise ToolError(f"{url} did not answer within {self._timeout:g} s", retry=True) from None
        except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException, OSError) as error:
            raise _transient(
                ToolError(f"{url} cannot be reached: {str(error) or type(error).__name__}", retry=True)
            ) from error
        raise ToolError(f"{url}: more than {redirects} redirects")

    def check(self, url: str) -> tuple[str, int]:
        """Host and port of a URL that may be asked for.

        Raises:
            ToolError: It may not.
        """
        parsed = _parsed(url)
        if parsed.scheme not in {"http", "https"}:
            raise ToolError(f"{url[:200]!r}: only http and https can be fetched", retry=True)
        host = parsed.host.rstrip(".").lower()
        if not host:
            raise ToolError(f"{url[:200]!r} names no host", retry=True)
        if parsed.userinfo:
            raise ToolError("a URL with a user name or password in it is refused")
        if any(fnmatchcase(host, pattern) for pattern in self._deny):
            raise ToolError(f"{host} may not be asked (deny_hosts)")
        if self._allow and not any(fnmatchcase(host, pattern) for pattern in self._allow):
            raise ToolError(f"{host} may not be asked; allowed are: {', '.join(self._allow)}")
        port = parsed.port or (443 if parsed.scheme == "https" else 80)
        if not self._private and port < 1024 and port not in {80, 443}:
            raise ToolError(f"port {port} is no port of the web; refused")
        return host, port

    async def _one(self, url: str, method: str, headers: Mapping[str, str], body: bytes) -> Answer:
        import httpcore2

        host, _ = self.check(url)
        parsed = _parsed(url)
        request_headers = [
            (b"host", parsed.netloc),
            *((k.encode(), v.encode("latin-1", "replace")) for k, v in headers.items()),
        ]
        if TRACEPARENT not in headers and self._is_traced(host) and (header := traceparent()) is not None:
            request_headers.append((TRACEPARENT.encode(), header.encode()))
        if body:
            request_headers.append((b"content-length", str(len(body)).encode()))
        pool = httpcore2.AsyncConnectionPool(network_backend=self._backend(), max_connections=1)
        target = httpcore2.URL(scheme=parsed.scheme, host=parsed.raw_host, port=parsed.port, target=parsed.raw_path)
        limits = {"timeout": {"connect": 10.0, "read": self._timeout, "write": self._timeout, "pool": 10.0}}
        async with (
            pool,
            pool.stream(method, target, headers=request_headers, content=body or None, extensions=limits) as response,
        ):
            known = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in response.headers}
            content, cut = await _read(response.aiter_stream(), known.get("content-encoding", ""), self._max)
            return Answer(url, response.status, known, content, cut)

    def _is_traced(self, host: str) -> bool:
        return is_this_machine(host) or any(fnmatchcase(host, pattern) for pattern in self._traced)

    def _backend(self) -> httpcore2.AsyncNetworkBackend:
        import httpcore2

        inner = httpcore2.AnyIOBackend()
        resolve, private, denied = self._resolve, self._private, self._deny

        class Guarded(httpcore2.AsyncNetworkBackend):
            """Connects to the address that was checked, not to a name."""

            async def connect_tcp(
                self, host: str, port: int, *args: Any, **kwargs: Any
            ) -> httpcore2.AsyncNetworkStream:
                addresses = await resolve(host, port)
                if not private:
                    refused = [address for address in addresses if not is_public(address)]
                    if refused:
                        raise ToolError(
                            f"{host} is {refused[0]}, which is no public address; refused "
                            "(setting allow_private of [tools.http])"
                        )
                for address in addresses:
                    pattern = is_denied(address, denied)
                    if pattern is not None:
                        raise ToolError(f"{host} is {address}, which may not be asked (deny_hosts: {pattern})")
                error: Exception = OSError(f"{host} has no address")
                for address in addresses[:4]:
                    try:
                        return await inner.connect_tcp(address, port, *args, **kwargs)
                    except (httpcore2.NetworkError, httpcore2.TimeoutException) as problem:
                        error = problem
                raise error

            async def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore2.AsyncNetworkStream:
                raise ToolError("sockets of this machine are refused")

            async def sleep(self, seconds: float) -> None:
                await inner.sleep(seconds)

        return Guarded()


async def _resolve(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise ToolError(f"there is no host {host!r}: {error}", retry=True) from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


async def _read(stream: AsyncIterator[bytes], encoding: str, most: int) -> tuple[bytes, bool]:
    """The content up to a limit that counts after decompression, so that no small answer becomes a huge one."""
    encodings = [part.strip().lower() for part in encoding.split(",") if part.strip() not in {"", "identity"}]
    if len(encodings) > 1 or (encodings and encodings[0] not in {"gzip", "x-gzip", "deflate"}):
        raise ToolError(f"the answer is compressed in a way that is not understood: {encoding[:60]}")
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32) if encodings else None
    out = bytearray()
    try:
        async for chunk in stream:
            out += chunk if unpacker is None else unpacker.decompress(chunk, most - len(out) + 1)
            if len(out) > most:
                return bytes(out[:most]), True
    except zlib.error as error:
        raise ToolError(f"the answer cannot be decompressed: {error}") from error
    return bytes(out), False


def _parsed(url: str) -> Any:
    import httpx2

    try:
        if any(ord(char) < 33 or ord(char) == 127 for char in url):
            raise ValueError("it contains spaces or control characters")
        return httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError, TypeError, UnicodeError) as error:
        raise ToolError(f"{url[:200]!r} is no URL: {error}", retry=True) from error


def _joined(url: str, target: str) -> str:
    import httpx2

    try:
        return str(httpx2.URL(url).join(target))
    except (httpx2.InvalidURL, ValueError, UnicodeError) as error:
        raise ToolError(f"{url} redirects to {target[:200]!r}, which is no URL") from error


def _origin(url: str) -> tuple[str, str, int | None]:
    parsed = _parsed(url)
    return (parsed.scheme, parsed.host, parsed.port)


def _checked(headers: Mapping[str, str]) -> dict[str, str]:
    out: dict[str, str] = {}
    for name, value in headers.items():
        if not name or not set(name) <= _TOKEN or any(ord(char) < 32 and char != "\t" for char in value):
            raise ToolError(f"{name[:60]!r} is no header, or its value has line ends in it", retry=True)
        if name.lower() in _FORBIDDEN:
            raise ToolError(f"the header {name!r} cannot be set", retry=True)
        out[name.lower()] = value
    return out


def _transient(error: ToolError) -> ToolError:
    error.transient = True  # type: ignore[attr-defined]
    return error
