"""How an MCP server is reached: a program that is started, or a URL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

__all__ = ["Transport"]

_ADVICE: Final = {
    401: ": it asks for a token, headers={'Authorization': 'Bearer ...'}, or token = \"$NAME\" in victor.toml",
    403: ": it does not allow that",
    404: ": there is nothing at this path",
    421: ": it does not answer to this name",
}
_SILENCE_S: Final = 300.0  # a stream of news may be quiet for long


class Transport:
    """Makes what the SDK's client connects with, anew for each connection.

    Args:
        target: A URL, or program and arguments.
        env: More environment variables for a program; of ours it gets only what programs need to run.
        folder: Its working directory.
        headers: Sent with each request to a URL.
        timeout_s: Seconds an answer over HTTP may take.

    Attributes:
        refused: The last refusal over HTTP, in words; the SDK does not tell it.
    """

    def __init__(
        self,
        target: str | Sequence[str],
        *,
        env: Mapping[str, str],
        folder: str | None,
        headers: Mapping[str, str],
        timeout_s: float,
    ) -> None:
        self._target = target
        self._env, self._folder, self._headers, self._timeout = dict(env), folder, dict(headers), timeout_s
        self.refused: str = ""

    def __call__(self) -> Any:
        """Make one."""
        self.refused = ""
        return self._web(self._target) if isinstance(self._target, str) else self._program(*self._target)

    def _web(self, url: str) -> Any:
        import httpx2
        from mcp.client.streamable_http import streamable_http_client

        async def note(response: Any) -> None:
            if response.status_code >= 300:
                self.refused = f"HTTP {response.status_code}{_ADVICE.get(response.status_code, '')}"

        web = httpx2.AsyncClient(
            headers=self._headers,
            follow_redirects=False,  # a token is for this server alone
            timeout=httpx2.Timeout(self._timeout, read=max(self._timeout, _SILENCE_S)),
            event_hooks={"response": [note]},
        )
        return streamable_http_client(url, http_client=web)

    def _program(self, command: str, *arguments: str) -> Any:
        from mcp import StdioServerParameters

        from victor.tools.programs.process import clean_environment

        return StdioServerParameters(
            command=command,
            args=list(arguments),
            env=clean_environment(more=self._env),
            cwd=self._folder,
            encoding_error_handler="replace",  # a line that is no UTF-8 is no message, and no reason to hang up
        )
