"""The tools for the web."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import msgspec
from attrs import frozen

from victor.core.errors import ToolError
from victor.core.tool import ToolCategory
from victor.tools.decorator import tool
from victor.tools.toolkit import Toolkit
from victor.tools.web.client import Answer, WebClient

__all__ = ["Http"]


def _changes_something(arguments: Mapping[str, Any]) -> bool:
    return arguments.get("method", "GET") not in {"GET", "HEAD"}


@frozen
class Http(Toolkit):
    """The web, without a way into the private network the program runs in.

    Args:
        allow_private: Also ask private, loopback and link-local addresses.
        allow_hosts: Only these hosts; ``*`` is a wildcard.
        deny_hosts: Not these hosts; an address, a network (``10.0.0.0/8``) or ``localhost`` is refused under any name.
        trace_hosts: Hosts, with ``*`` as wildcard, that are told which trace a request belongs to, as this machine is.
        max_bytes: Most bytes of an answer.
        max_chars: Most characters returned.
        timeout_s: Seconds a request may take.
    """

    section: ClassVar[str] = "http"

    allow_private: bool = False
    allow_hosts: tuple[str, ...] = ()
    deny_hosts: tuple[str, ...] = ()
    trace_hosts: tuple[str, ...] = ()
    max_bytes: int = 5_000_000
    max_chars: int = 50_000
    timeout_s: float = 30.0

    @property
    def client(self) -> WebClient:
        """What makes the requests."""
        return WebClient(
            allow_private=self.allow_private,
            allow_hosts=self.allow_hosts,
            deny_hosts=self.deny_hosts,
            trace_hosts=self.trace_hosts,
            max_bytes=self.max_bytes,
            timeout_s=self.timeout_s,
        )

    @tool(
        category=ToolCategory.WEB,
        cost_tier="low",
        idempotent=True,
        retries=1,
        keywords=["download", "get", "url", "website", "curl", "internet", "online", "link", "request", "raw"],
    )
    async def fetch(self, url: str, headers: Mapping[str, str] = {}) -> str:
        """Fetch a URL and return its content as text.

        Args:
            url: With http:// or https://.
            headers: More request headers.
        """
        answer = await self.client.request(url, headers=headers)
        return self._shown(answer, _text(answer))

    @tool(
        category=ToolCategory.WEB,
        cost_tier="low",
        requires_approval=_changes_something,
        keywords=["api", "rest", "endpoint", "post", "request", "call", "service", "webhook", "json"],
    )
    async def json(
        self,
        url: str,
        method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET",
        body: Any = None,
        headers: Mapping[str, str] = {},
    ) -> Any:
        """Call a web service that speaks JSON and return what it answers. Anything but GET needs approval.

        Args:
            url: With http:// or https://.
            method: What to do.
            body: What to send, any JSON.
            headers: More request headers.
        """
        try:
            data = b"" if body is None else msgspec.json.encode(body)
        except (UnicodeError, TypeError, ValueError) as error:
            raise ToolError(f"the body cannot be written as JSON: {error}", retry=True) from error
        sent = {"accept": "application/json", **({"content-type": "application/json"} if data else {}), **headers}
        answer = await self.client.request(url, method=method, headers=sent, body=data)
        _accepted(answer)
        if answer.cut:
            raise ToolError(f"{answer.url} answered with more than {self.max_bytes:,} bytes")
        if not answer.body.strip():
            return None
        try:
            return msgspec.json.decode(answer.body)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise ToolError(f"{answer.url} did not answer with JSON: {answer.text[:200]!r}") from error

    @tool(
        category=ToolCategory.WEB,
        cost_tier="low",
        idempotent=True,
        retries=1,
        keywords=[
            "website",
            "article",
            "read",
            "html",
            "markdown",
            "browse",
            "webpage",
            "site",
            "online",
            "url",
            "link",
        ],
    )
    async def page(self, url: str) -> str:
        """Fetch a web page and return its text as Markdown, with headings, lists, tables and links.

        Args:
            url: With http:// or https://.
        """
        from victor.tools.web.markdown import to_markdown

        answer = await self.client.request(
            url, headers={"accept": "text/html, application/xhtml+xml, text/plain;q=0.5"}
        )
        is_page = answer.media_type in {"text/html", "application/xhtml+xml"} or answer.body[
            :200
        ].lstrip().lower().startswith((b"<!doctype html", b"<html"))
        return self._shown(answer, to_markdown(_text(answer), answer.url) if is_page else _text(answer))

    def _shown(self, answer: Answer, text: str) -> str:
        _accepted(answer)
        if len(text) > self.max_chars or answer.cut:
            text = text[: self.max_chars]
            return f"{text}\n[cut after {len(text):,} characters]"
        return text


def _accepted(answer: Answer) -> None:
    if answer.status >= 400:
        raise ToolError(
            f"{answer.url} answered {answer.status}: {answer.text[:300].strip()}", retry=answer.status < 500
        )


def _text(answer: Answer) -> str:
    if b"\0" in answer.body[:8192]:
        raise ToolError(
            f"{answer.url} is no text but {answer.media_type or 'binary data'} of {len(answer.body):,} bytes"
        )
    return answer.text
