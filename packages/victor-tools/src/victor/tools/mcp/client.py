"""The tools of an MCP server, for our agents."""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import Future
from threading import Lock, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from victor.core.errors import ConfigurationError, ToolError, ToolTimeoutError
from victor.core.tool import Tool, ToolMetadata, ToolResult
from victor.tools.policy.policy import Policy

if TYPE_CHECKING:
    from mcp import Client
    from mcp.types import CallToolResult
    from mcp.types import Tool as RemoteTool

__all__ = ["Approval", "MCPToolset"]

T = TypeVar("T")

Approval = Literal["destructive", "always", "never"]
"""Which calls need approval: those a server does not call harmless, all, or none."""

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_-]+")


class MCPToolset:
    """The tools of one MCP server.

    The connection lives in a thread of its own, so the tools work from any event loop, and from several one after
    the other (as with `Agent.run_sync`). A connection that breaks is made anew at the next call; a call that was
    under way is made again only if the server calls its tool read-only.

    A server's names, descriptions and hints are its own words: use servers you trust, or ``approval="always"``.

    Args:
        server: A command line (``"npx -y @modelcontextprotocol/server-filesystem ."``), a list of arguments, or a URL.
        name: By which it is known in metadata and errors.
        prefix: Put before each tool's name; ``name`` and an underscore by default.
        only: Only these of its tools, by the server's names.
        env: More environment variables for a command; of ours it gets only what programs need to run.
        folder: Working directory of a command.
        headers: Sent with each request to a URL, such as an ``Authorization``.
        approval: Which calls need approval.
        timeout_s: Seconds one call may take.
        connect_timeout_s: Seconds connecting may take.
        max_result_chars: Longer results are cut.

    Example:
        With a server at hand::

            with MCPToolset("npx -y @modelcontextprotocol/server-filesystem .", name="fs") as fs:
                agent = Agent(tools=fs.tools)
    """

    def __init__(
        self,
        server: str | Sequence[str],
        *,
        name: str = "",
        prefix: str | None = None,
        only: Iterable[str] | None = None,
        env: Mapping[str, str] | None = None,
        folder: str | None = None,
        headers: Mapping[str, str] | None = None,
        approval: Approval = "destructive",
        timeout_s: float = 60.0,
        connect_timeout_s: float = 60.0,
        max_result_chars: int = 100_000,
    ) -> None:
        self._is_url = isinstance(server, str) and server.startswith(("http://", "https://"))
        self._target: Any = server if self._is_url else shlex.split(server) if isinstance(server, str) else [*server]
        if not self._target:
            raise ConfigurationError(
                "an MCP server is a command line, a list of arguments, or a URL; this one is empty"
            )
        self.name = name or ("server" if self._is_url else _UNSAFE.sub("_", self._target[0].rpartition("/")[2]))
        self._prefix = _UNSAFE.sub("_", self.name) + "_" if prefix is None else prefix
        self._only = None if only is None else frozenset(only)
        self._env, self._folder, self._headers = dict(env or {}), folder, dict(headers or {})
        self._approval = approval
        self._timeout, self._connect_timeout = timeout_s, connect_timeout_s
        self._policy = Policy(max_result_chars=max_result_chars)
        self._lock = Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: Thread | None = None
        self._connection: _Connection | None = None
        self._tools: list[Tool] | None = None

    # --- for the program ---

    @property
    def tools(self) -> list[Tool]:
        """Its tools; connects at the first question.

        Raises:
            ConfigurationError: The server cannot be started or reached.
        """
        if self._tools is None:
            self._tools = self._run(self._list()).result()
        return list(self._tools)

    async def list_tools(self) -> list[Tool]:
        """Its tools, without blocking the event loop.

        Raises:
            ConfigurationError: The server cannot be started or reached.
        """
        if self._tools is None:
            self._tools = await asyncio.wrap_future(self._run(self._list()))
        return list(self._tools)

    def refresh(self) -> list[Tool]:
        """Ask the server again what tools it has."""
        self._tools = None
        return self.tools

    def close(self) -> None:
        """End the connection and, of a command, the server. The next call connects anew."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(self._disconnect(), loop).result(timeout=30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=30)
        loop.close()

    def __enter__(self) -> MCPToolset:
        self.tools  # noqa: B018 - connects
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> MCPToolset:
        await self.list_tools()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.close)

    # --- in the thread of the connection ---

    def _run(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = Thread(target=self._loop.run_forever, name=f"victor-mcp-{self.name}", daemon=True)
                self._thread.start()
            return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _connected(self) -> Client:
        if self._connection is None or not self._connection.is_open:
            await self._disconnect()
            connection = _Connection(self._transport, self.name, self._timeout)
            await connection.open(self._connect_timeout)
            self._connection = connection
        return self._connection.client

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    def _transport(self) -> Any:
        if self._is_url:
            if not self._headers:
                return self._target
            import httpx2
            from mcp.client.streamable_http import streamable_http_client

            return streamable_http_client(
                self._target,
                http_client=httpx2.AsyncClient(headers=self._headers, follow_redirects=False, timeout=self._timeout),
            )
        from mcp import StdioServerParameters

        from victor.tools.programs.process import clean_environment

        command, *arguments = self._target
        return StdioServerParameters(
            command=command, args=arguments, env=clean_environment(more=self._env), cwd=self._folder
        )

    async def _list(self) -> list[Tool]:
        client = await self._connected()
        found: list[RemoteTool] = []
        cursor: str | None = None
        for _ in range(100):
            page = await asyncio.wait_for(client.list_tools(cursor=cursor), self._timeout)
            found.extend(page.tools)
            cursor = page.next_cursor
            if not cursor:
                break
        missing = (self._only or frozenset()) - {remote.name for remote in found}
        if missing:
            has = ", ".join(sorted(remote.name for remote in found))
            raise ConfigurationError(
                f"the MCP server {self.name!r} has no tool {', '.join(sorted(missing))}; it has: {has}"
            )
        made: dict[str, Tool] = {}
        for remote in found:
            if self._only is None or remote.name in self._only:
                tool = self._tool(remote, made)
                made[tool.name] = tool
        return list(made.values())

    def _tool(self, remote: RemoteTool, taken: Mapping[str, Tool]) -> Tool:
        hints = remote.annotations
        read_only = bool(hints and hints.read_only_hint)
        harmless = read_only or (hints is not None and hints.destructive_hint is False)
        name = _UNSAFE.sub("_", self._prefix + remote.name)[:64]
        number = 2
        while name in taken:
            name, number = f"{name[:60]}_{number}", number + 1
        metadata = ToolMetadata(
            name,
            remote.description or remote.title or "",
            category="mcp",
            idempotent=read_only or bool(hints and hints.idempotent_hint),
            # None: what the server calls harmless may still need approval by the category's own rule.
            requires_approval={"always": True, "never": False}.get(self._approval, None if harmless else True),
            source=f"mcp:{self.name}",
        )

        async def call(**arguments: Any) -> ToolResult:
            return await asyncio.wrap_future(self._run(self._call(remote.name, arguments, read_only)))

        return Tool(call, metadata, parameters=remote.input_schema, middleware=self._policy.build())

    async def _call(self, name: str, arguments: dict[str, Any], read_only: bool) -> ToolResult:
        from mcp import MCPError

        for last in (False, True):
            try:
                client = await self._connected()
            except ConfigurationError as error:
                raise ToolError(str(error)) from error
            try:
                result = await asyncio.wait_for(client.call_tool(name, arguments), self._timeout)
            except TimeoutError:
                raise ToolTimeoutError(
                    f"{name} of the MCP server {self.name!r} did not answer within {self._timeout:g} s"
                ) from None
            except MCPError as error:
                if self._connection is not None and self._connection.is_open and not _is_lost(error):
                    raise ToolError(f"{name}: {error}", retry=True) from error
                failure: Exception = error
            except Exception as error:  # noqa: BLE001 - whatever a broken connection makes of a call
                failure = error
            else:
                return _result(result)
            await self._disconnect()
            if last or not read_only:
                unsure = "" if read_only else "; whether the call had an effect is not known"
                reason = str(failure) or type(failure).__name__
                raise ToolError(f"the connection to the MCP server {self.name!r} broke ({reason}){unsure}") from failure
        raise AssertionError("unreachable")


class _Connection:
    """A client that is opened and closed by one task, as its SDK demands, and used by any."""

    def __init__(self, transport: Any, name: str, timeout_s: float) -> None:
        self._make = transport
        self._name = name
        self._timeout = timeout_s
        self._stop = asyncio.Event()
        self._ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None
        self.client: Client

    @property
    def is_open(self) -> bool:
        """Whether it was opened and has not ended since."""
        return self._task is not None and not self._task.done() and self._ready.done()

    async def open(self, timeout_s: float) -> None:
        self._task = asyncio.get_running_loop().create_task(self._hold())
        try:
            self.client = await asyncio.wait_for(asyncio.shield(self._ready), timeout_s)
        except TimeoutError:
            await self.close()
            raise ConfigurationError(f"the MCP server {self._name!r} did not answer within {timeout_s:g} s") from None

    async def close(self) -> None:
        self._stop.set()
        if self._task is not None:
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
            async with Client(self._make(), read_timeout_seconds=self._timeout) as client:
                self._ready.set_result(client)
                await self._stop.wait()
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


def _reason(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _is_lost(error: Exception) -> bool:
    return "connection closed" in str(error).lower()


def _result(result: CallToolResult) -> ToolResult:
    parts: list[str] = []
    for block in result.content:
        kind = getattr(block, "type", "")
        if kind == "text":
            parts.append(block.text)  # type: ignore[union-attr]
        elif kind in {"image", "audio"}:
            parts.append(f"[{kind} {block.mime_type}, {len(block.data) * 3 // 4:,} bytes]")  # type: ignore[union-attr]
        elif kind == "resource_link":
            parts.append(f"[resource {block.uri}]")  # type: ignore[union-attr]
        elif kind == "resource":
            inner = block.resource  # type: ignore[union-attr]
            parts.append(getattr(inner, "text", None) or f"[resource {inner.uri}]")
    text = "\n".join(parts)
    if result.is_error:
        raise ToolError(text or "the server reports a failure without a word", retry=True)
    value = result.structured_content if result.structured_content is not None else text
    return ToolResult(value, text=text or None)
