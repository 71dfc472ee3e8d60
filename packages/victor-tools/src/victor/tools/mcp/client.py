"""The tools of an MCP server, for our agents."""

from __future__ import annotations

import asyncio
import logging
import shlex
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from threading import Lock, Thread, current_thread
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, get_args

from victor.core.cut import cut_middle
from victor.core.errors import ConfigurationError, ToolError, ToolTimeoutError
from victor.core.tool import Tool, ToolContext, ToolMetadata, ToolResult
from victor.tools.mcp.connection import Connection, is_lost
from victor.tools.mcp.remote import MOST_TOOLS, chosen, problem_of, result_of, safe_name, schema_of
from victor.tools.mcp.transport import Transport
from victor.tools.plain_text import plain
from victor.tools.policy.policy import Policy

if TYPE_CHECKING:
    from mcp import Client
    from mcp.shared.dispatcher import ProgressFnT
    from mcp.types import Tool as RemoteTool

__all__ = ["Approval", "MCPToolset"]

T = TypeVar("T")

Approval = Literal["destructive", "always", "never"]
"""Which calls need approval: those a server does not call harmless, all, or none."""

_APPROVALS: Final = get_args(Approval)
_log: Final = logging.getLogger("victor.tools.mcp")
_ERROR_CHARS: Final = 10_000
_PAGES: Final = 100


class MCPToolset:
    """The tools of one MCP server.

    The connection lives in a thread of its own, so the tools work from any event loop, and from several one after
    the other (as with `Agent.run_sync`). A connection that breaks is made anew at the next call; a call that was
    under way is made again only if the server calls its tool read-only. A call that is cancelled here, or takes too
    long, is cancelled at the server; what it tells of its progress becomes events.

    A server's names, descriptions and hints are its own words, which models read as they read yours: use servers you
    trust, or ``approval="always"``, and see what they say with ``victor tools show``. Texts are bounded and freed of
    characters nobody sees; tools no provider would accept are left out, and `problems` tells why. Of a server's other
    offers, resources can be had as tools, and there is nothing for prompts, sampling and elicitation.

    Args:
        server: A command line (``"npx -y @modelcontextprotocol/server-filesystem ."``), a list of arguments, or a URL.
        name: By which it is known in metadata and errors.
        prefix: Put before each tool's name; ``name`` and an underscore by default.
        only: Only these of its tools, by the server's names.
        resources: Two more tools, ``list_resources`` and ``read_resource``, for what else the server has to read.
        env: More environment variables for a command; of ours it gets only what programs need to run.
        folder: Working directory of a command.
        headers: Sent with each request to a URL, such as an ``Authorization``.
        approval: Which calls need approval.
        timeout_s: Seconds one call may take.
        connect_timeout_s: Seconds connecting may take.
        max_result_chars: Longer results are cut.

    Attributes:
        problems: What is wrong with tools that are left out, a line each.

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
        resources: bool = False,
        env: Mapping[str, str] | None = None,
        folder: str | None = None,
        headers: Mapping[str, str] | None = None,
        approval: Approval = "destructive",
        timeout_s: float = 60.0,
        connect_timeout_s: float = 60.0,
        max_result_chars: int = 100_000,
    ) -> None:
        if approval not in _APPROVALS:
            meant = "; True is approval='always'" if str(approval) == "True" else ""
            words = ", ".join(map(repr, _APPROVALS))
            raise ConfigurationError(f"approval of an MCP server is one of {words}, not {approval!r}{meant}")
        is_url = isinstance(server, str) and server.startswith(("http://", "https://"))
        try:
            target: Any = server if is_url else shlex.split(server) if isinstance(server, str) else [*server]
        except ValueError as error:
            raise ConfigurationError(f"the command line of an MCP server cannot be read ({error}): {server}") from error
        if not target:
            raise ConfigurationError(
                "an MCP server is a command line, a list of arguments, or a URL; this one is empty"
            )
        self.name: str = name or ("server" if is_url else safe_name(target[0].rpartition("/")[2]))
        self._prefix = safe_name(self.name) + "_" if prefix is None else prefix
        self._only = None if only is None else frozenset(only)
        self._resources = resources
        self._transport = Transport(target, env=env or {}, folder=folder, headers=headers or {}, timeout_s=timeout_s)
        self._approval = approval
        self._timeout, self._connect_timeout = timeout_s, connect_timeout_s
        self._policy = Policy(max_result_chars=max_result_chars)
        self._lock = Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: Thread | None = None
        self._connection: Connection | None = None
        self._tools: list[Tool] | None = None
        self._connecting: asyncio.Lock
        self._ended = False  # by the end of a with block
        self._changes = 0  # how often the server has said that its tools changed
        self._relisting: asyncio.Task[None] | None = None
        self._listeners: tuple[Callable[[list[Tool]], object], ...] = ()
        self.problems: tuple[str, ...] = ()

    # --- for the program ---

    @property
    def tools(self) -> list[Tool]:
        """Its tools; connects at the first question, and asks again after the server said that they have changed.

        Raises:
            ConfigurationError: The server cannot be started or reached, or lists nonsense.
        """
        tools = self._tools
        if tools is None:
            if current_thread() is self._thread:
                raise ConfigurationError(
                    "the connection's own thread cannot wait for the tools; take those it is given"
                )
            tools = self._run(self._list()).result()
        return list(tools)

    async def list_tools(self) -> list[Tool]:
        """Its tools, without blocking the event loop.

        Raises:
            ConfigurationError: The server cannot be started or reached, or lists nonsense.
        """
        tools = self._tools
        if tools is None:
            tools = await asyncio.wrap_future(self._run(self._list()))
        return list(tools)

    def refresh(self) -> list[Tool]:
        """Ask the server again what tools it has."""
        self._tools = None
        return self.tools

    def on_change(self, listener: Callable[[list[Tool]], object]) -> Callable[[], None]:
        """Call ``listener`` with the new tools whenever the server says they have changed, in the connection's thread.

        An agent keeps the tools it was made with: make a new one from the new list. Returns a function that ends it.
        """
        self._listeners = (*self._listeners, listener)

        def stop() -> None:
            self._listeners = tuple(each for each in self._listeners if each is not listener)

        return stop

    def close(self) -> None:
        """End the connection and, of a command, the server. The next call connects anew, but not after the end of a
        ``with`` block: what outlives the block is told that it is closed.
        """
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
        self._ended = False
        self.tools  # noqa: B018 - connects
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended = True
        self.close()

    async def __aenter__(self) -> MCPToolset:
        self._ended = False
        await self.list_tools()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended = True
        await asyncio.to_thread(self.close)

    # --- in the thread of the connection ---

    def _run(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        with self._lock:
            if self._ended:
                work.close()
                raise ConfigurationError(
                    f"the connection to the MCP server {self.name!r} is closed: its with block ended"
                )
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._connecting = asyncio.Lock()
                self._thread = Thread(target=self._loop.run_forever, name=f"victor-mcp-{self.name}", daemon=True)
                self._thread.start()
            return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _connected(self) -> Client:
        async with self._connecting:  # many calls at once after a loss make one new connection
            if self._connection is None or not self._connection.is_open:
                await self._disconnect()
                connection = Connection(self._transport, self.name, self._timeout, self._stale)
                try:
                    await connection.open(self._connect_timeout)
                except ConfigurationError as error:
                    if not self._transport.refused:
                        raise
                    raise ConfigurationError(f"{error} ({self._transport.refused})") from error
                self._connection = connection
            return self._connection.client

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    def _stale(self) -> None:
        """The server says its tools have changed."""
        self._changes += 1
        self._tools = None
        if self._listeners and (self._relisting is None or self._relisting.done()):
            self._relisting = asyncio.get_running_loop().create_task(self._tell())

    async def _tell(self) -> None:
        told = -1
        while told != self._changes:
            told = self._changes
            try:
                tools = await self._list()
            except ConfigurationError as error:
                _log.warning("%s", error)
                return
            for listener in self._listeners:
                try:
                    listener(list(tools))
                except Exception:  # noqa: BLE001 - a listener of the program; reported, and the others are told
                    _log.exception("a listener to changes of the MCP server %r failed", self.name)

    async def _list(self) -> list[Tool]:
        changes = self._changes
        client = await self._connected()
        found = await self._listed(client)
        missing = (self._only or frozenset()) - {remote.name for remote in found}
        if missing:
            has = ", ".join(sorted(plain(remote.name, 100) for remote in found[:50]))
            raise ConfigurationError(
                f"the MCP server {self.name!r} has no tool {', '.join(sorted(missing))}; it has: {has}"
            )
        taken, problems = chosen(found, self._only)
        made: dict[str, Tool] = {}
        for remote in taken:
            schema = schema_of(remote)
            problem = problem_of(remote, schema)
            if problem:
                problems.append(f"the tool {plain(remote.name, 100)!r} {problem}; it is left out")
            else:
                tool = self._tool(remote, schema, made)
                made[tool.name] = tool
        if self._resources:
            from victor.tools.mcp.resources import resource_tools

            for tool in resource_tools(self._ask_from_anywhere, prefix=self._prefix, source=f"mcp:{self.name}"):
                made.setdefault(tool.name, tool)
        for problem in problems:
            if problem not in self.problems:
                _log.warning("the MCP server %r: %s", self.name, problem)
        self.problems = tuple(problems)
        tools = list(made.values())
        if changes == self._changes:
            self._tools = tools
        return tools

    async def _listed(self, client: Client) -> list[RemoteTool]:
        found: list[RemoteTool] = []
        cursor: str | None = None
        seen: set[str] = set()
        try:
            for _ in range(_PAGES):
                page = await asyncio.wait_for(client.list_tools(cursor=cursor), self._timeout)
                found.extend(page.tools)
                cursor = page.next_cursor
                if not cursor or cursor in seen or len(found) > MOST_TOOLS:
                    break
                seen.add(cursor)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".removesuffix(": ")
            raise ConfigurationError(
                f"the MCP server {self.name!r} does not list its tools properly: {cut_middle(reason, 2_000)}"
            ) from error
        return found

    def _tool(self, remote: RemoteTool, schema: dict[str, Any], taken: Mapping[str, Tool]) -> Tool:
        hints = remote.annotations
        read_only = bool(hints and hints.read_only_hint)
        harmless = read_only or (hints is not None and hints.destructive_hint is False)
        name = safe_name(self._prefix + remote.name)[:64]
        number = 2
        while name in taken:
            name, number = f"{name[:60]}_{number}", number + 1
        metadata = ToolMetadata(
            name,
            plain(remote.description or remote.title or ""),
            category="mcp",
            idempotent=read_only or bool(hints and hints.idempotent_hint),
            # None: what the server calls harmless may still need approval by the category's own rule.
            requires_approval=_approval_of(self._approval, harmless=harmless),
            source=f"mcp:{self.name}",
        )

        async def call(victor_context: ToolContext, **arguments: Any) -> ToolResult:
            progress = _forwarded(victor_context) if victor_context.scope.stream.active else None
            try:
                answer = self._run(self._call(remote.name, arguments, read_only, progress))
            except ConfigurationError as error:
                raise ToolError(str(error)) from error
            return await asyncio.wrap_future(answer)

        return Tool(call, metadata, parameters=schema, middleware=self._policy.build())

    async def _call(
        self, name: str, arguments: dict[str, Any], read_only: bool, progress: ProgressFnT | None
    ) -> ToolResult:
        async def ask(client: Client) -> ToolResult:
            try:
                result = await client.call_tool(name, arguments, progress_callback=progress)
            except RuntimeError as error:  # what the SDK makes of an answer that breaks the server's own promises
                raise ToolError(f"{name}: {_told(error)}") from error
            return result_of(result, name)

        return await self._ask(ask, name, again=read_only)

    async def _ask_from_anywhere(self, ask: Callable[[Any], Any], what: str) -> Any:
        try:
            answer = self._run(self._ask(ask, what))
        except ConfigurationError as error:
            raise ToolError(str(error)) from error
        return await asyncio.wrap_future(answer)

    async def _ask(self, ask: Callable[[Client], Coroutine[Any, Any, T]], what: str, *, again: bool = True) -> T:
        """Ask something of the server; once more on a new connection if that is harmless and the first one broke.

        Raises:
            ToolError: There is no answer, or it is an error.
        """
        from mcp import MCPError

        for last in (False, True):
            try:
                client = await self._connected()
            except ConfigurationError as error:
                raise ToolError(str(error)) from error
            try:
                return await asyncio.wait_for(ask(client), self._timeout)
            except ToolError:
                raise
            except TimeoutError:
                raise ToolTimeoutError(
                    f"{what} of the MCP server {self.name!r} did not answer within {self._timeout:g} s"
                ) from None
            except MCPError as error:
                if self._connection is not None and self._connection.is_open and not is_lost(error):
                    raise ToolError(f"{what}: {_told(error)}", retry=True) from error
                failure: Exception = error
            except Exception as error:  # noqa: BLE001 - whatever a broken connection makes of a call
                failure = error
            if self._connection is not None and self._connection.client is client:
                await self._disconnect()
            if last or not again:
                unsure = "" if again else "; whether the call had an effect is not known"
                reason = _told(failure) or type(failure).__name__
                raise ToolError(f"the connection to the MCP server {self.name!r} broke ({reason}){unsure}") from failure
        raise AssertionError("unreachable")


def _approval_of(approval: Approval, *, harmless: bool) -> bool | None:
    """Whether a tool needs approval; None leaves it to the category."""
    if approval == "never":
        return False
    return None if approval == "destructive" and harmless else True


def _told(error: Exception) -> str:
    return cut_middle(str(error), _ERROR_CHARS)


def _forwarded(context: ToolContext) -> ProgressFnT:
    """Turns what a server tells of a call's progress into events, in the loop and the span of the call.

    What comes faster than that loop can take it is dropped.
    """
    loop, span = asyncio.get_running_loop(), copy_context()
    waiting: list[None] = []

    def tell(done: float, total: float | None, message: str) -> None:
        waiting.clear()
        context.progress(message, done=done, total=total)

    async def forward(progress: float, total: float | None, message: str | None) -> None:
        if not waiting:
            waiting.append(None)
            with suppress(RuntimeError):  # that loop has ended
                loop.call_soon_threadsafe(partial(tell, progress, total, plain(message or "", 1_000)), context=span)

    return forward
