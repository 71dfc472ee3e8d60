"""One connection to an MCP server: opened and closed by one task, as its SDK demands, and used by any."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from victor.core.errors import ConfigurationError

if TYPE_CHECKING:
    from mcp import Client

__all__ = ["Connection", "is_lost"]

_log: Final = logging.getLogger("victor.tools.mcp")
_GARBAGE: Final = "Failed to parse JSONRPC message from server"
_LONGEST_PAUSE_S: Final = 60.0


class Connection:
    """A client of the SDK, in a task of its own. Made inside an event loop.

    Args:
        transport: Makes what `mcp.Client` is given.
        name: Of the server, for errors.
        timeout_s: Seconds one answer may take.
        on_change: Called when the server says that its tools have changed.
    """

    def __init__(
        self, transport: Callable[[], Any], name: str, timeout_s: float, on_change: Callable[[], None]
    ) -> None:
        self._make = transport
        self._name = name
        self._timeout = timeout_s
        self._on_change = on_change
        self._stop = asyncio.Event()
        self._ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._ready.add_done_callback(_seen)  # whoever waited for it may have gone
        self._task: asyncio.Task[None] | None = None
        self._complained = False
        self.client: Client

    @property
    def is_open(self) -> bool:
        """Whether it was opened and has not ended since."""
        if self._task is None or self._task.done() or not self._ready.done():
            return False
        # The SDK has no public word for a server that has gone while nothing was asked of it.
        dispatcher = getattr(self.client.session, "_dispatcher", None)
        return not getattr(dispatcher, "_closed", False)

    async def open(self, timeout_s: float) -> None:
        """Connect.

        Raises:
            ConfigurationError: The server cannot be started or reached, or says nothing in time.
        """
        self._task = asyncio.get_running_loop().create_task(self._hold())
        try:
            self.client = await asyncio.wait_for(asyncio.shield(self._ready), timeout_s)
        except TimeoutError:
            await self.close()
            raise ConfigurationError(f"the MCP server {self._name!r} did not answer within {timeout_s:g} s") from None
        except asyncio.CancelledError:
            await self.close()
            raise

    async def close(self) -> None:
        """Disconnect; a server that was started for this ends."""
        self._stop.set()
        if self._task is not None:
            if not self._ready.done():  # still shaking hands, which knows of no stop
                self._task.cancel()
            done, _ = await asyncio.wait([self._task], timeout=10)
            if not done:
                self._task.cancel()
                await asyncio.wait([self._task], timeout=10)

    async def _hold(self) -> None:
        try:
            try:
                from mcp import Client
            except ImportError as error:
                raise ConfigurationError("MCP needs: pip install 'victor-tools[mcp]'") from error
            _quiet()
            # Without the SDK's cache: `refresh` is to ask the server.
            options: dict[str, Any] = {"message_handler": self._heard, "cache": None}
            async with Client(self._make(), read_timeout_seconds=self._timeout, **options) as client:
                self._ready.set_result(client)
                listening = asyncio.create_task(self._listen(client))
                try:
                    await self._stop.wait()
                finally:
                    listening.cancel()
                    await asyncio.gather(listening, return_exceptions=True)
        except ConfigurationError as error:
            if not self._ready.done():
                self._ready.set_exception(error)
        except BaseException as error:  # whatever the transport raises, also in groups
            if not self._ready.done():
                told = ConfigurationError(
                    f"the MCP server {self._name!r} cannot be started or reached: {_reason(error)}"
                )
                told.__cause__ = error
                self._ready.set_exception(told)
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise

    async def _heard(self, message: Any) -> None:
        """What a server says unasked, on connections of the protocol before 2026-07-28; and what is no message."""
        if isinstance(message, Exception):
            if not self._complained:
                self._complained = True
                _log.warning(
                    "the MCP server %r writes to its standard output what is no message; it is ignored: %s",
                    self._name,
                    str(message)[:300],
                )
        elif type(message).__name__ == "ToolListChangedNotification":
            self._on_change()

    async def _listen(self, client: Client) -> None:
        """The same on newer connections, where such news are asked for."""
        from mcp.client.subscriptions import ListenNotSupportedError

        changes = client.server_capabilities.tools
        if changes is None or not changes.list_changed:
            return
        pause = 1.0
        while True:
            try:
                async with client.listen(tools_list_changed=True) as news:
                    pause = 1.0
                    async for _ in news:
                        self._on_change()
            except ListenNotSupportedError:
                return
            except Exception as error:  # noqa: BLE001 - news are a convenience; calls go on without them
                _log.debug("news of the MCP server %r ended: %s", self._name, _reason(error))
            if not self.is_open:
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)
            self._on_change()  # what was missed meanwhile


def _seen(done: asyncio.Future[Any]) -> None:
    if not done.cancelled():
        done.exception()


class _NoGarbage(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return record.msg != _GARBAGE


def _quiet() -> None:
    """Servers that print a greeting are common; the SDK logs a traceback for each line, `Connection` says it once."""
    log = logging.getLogger("mcp.client.stdio")
    if not any(isinstance(each, _NoGarbage) for each in log.filters):
        log.addFilter(_NoGarbage())


def _reason(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def is_lost(error: Exception) -> bool:
    """Whether an error of the SDK means that the connection is gone."""
    from mcp.types import CONNECTION_CLOSED

    return getattr(error, "code", None) == CONNECTION_CLOSED
