"""Our tools, for MCP clients: over standard input and output, or over HTTP with a token."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, MutableMapping
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING, Any

from victor.core.errors import ConfigurationError
from victor.core.tool import Approve, Tool, ToolScope

if TYPE_CHECKING:
    from mcp.server import Server

    from victor.core.events import Event

__all__ = ["build_server", "http_app", "new_token", "offered", "serve_http", "serve_stdio"]

_App = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]


def build_server(tools: Iterable[Tool], *, name: str = "victor", approve: Approve | None = None) -> Server[Any]:
    """An MCP server with these tools. Each call goes the way of any other: validation, approval, policies, events.

    Args:
        tools: What it offers, except those that `offered` leaves out.
        name: As clients see it.
        approve: Asked for calls that need approval; None denies them, and says so to whoever called.

    Raises:
        ConfigurationError: The SDK is not installed.
    """
    try:
        import mcp.types as types
        from mcp.server import Server
    except ImportError as error:
        raise ConfigurationError("serving over MCP needs: pip install 'victor-tools[mcp]'") from error
    from victor.core.plugins import get_plugins

    plugins = get_plugins()  # tools have the defaults of their categories, as in an agent
    by_name = {made.name: made for made in offered([plugins.tool(each) for each in tools], approve)}
    listed = [_described(made, types) for made in by_name.values()]
    numbers = count(1)

    async def list_tools(context: Any, parameters: Any) -> Any:
        return types.ListToolsResult(tools=listed)

    async def call_tool(context: Any, parameters: types.CallToolRequestParams) -> Any:
        made = by_name.get(parameters.name)
        if made is None:
            from victor.core.catalog import near_matches

            near = near_matches(parameters.name, by_name)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            return _answer(types, f"there is no tool {parameters.name[:200]!r}{hint}", None, is_error=True)
        scope = ToolScope(agent=f"mcp:{name}", approve=approve)
        call_id = f"{name}-{next(numbers)}"
        async with _progress(context, scope, call_id):
            result = await made.call(parameters.arguments or {}, call_id=call_id, scope=scope)
        return _answer(types, result.text, result.value, is_error=not result.ok)

    from victor.tools import __version__

    return Server(name, version=__version__, on_list_tools=list_tools, on_call_tool=call_tool)


def offered(tools: Iterable[Tool], approve: Approve | None) -> list[Tool]:
    """The tools a server offers: all, or without anybody to ask those that do not always need approval.

    One that needs it for some calls, as its arguments tell, is offered; such calls are denied then.
    """
    return [made for made in tools if approve is not None or made.metadata.requires_approval is not True]


@asynccontextmanager
async def _progress(context: Any, scope: ToolScope, call_id: str) -> AsyncIterator[None]:
    """Tells the client how far its call is, if it asked for that."""
    if (getattr(context, "meta", None) or {}).get("progress_token") is None:
        yield
        return
    loop, sending = asyncio.get_running_loop(), set[asyncio.Task[None]]()
    count_up = count(1)

    async def send(done: float | None, total: float | None, message: str) -> None:
        with suppress(Exception):  # a client that has gone is no reason to end the call
            await context.session.report_progress(next(count_up) if done is None else done, total, message or None)

    def start(event: Event) -> None:
        message = (event.content or {}).get("message") or ""
        task = loop.create_task(send(event.attributes.get("done"), event.attributes.get("total"), message))
        sending.add(task)
        task.add_done_callback(sending.discard)

    def heard(event: Event) -> None:
        if event.attributes.get("call_id") == call_id:
            loop.call_soon_threadsafe(start, event)

    with scope.stream.listening(heard, kinds=["tool.progress"]):
        yield
    await asyncio.sleep(0)  # what was reported last is on its way, and must leave before the answer
    await asyncio.gather(*sending)


def _described(made: Tool, types: Any) -> Any:
    metadata = made.metadata
    hints = types.ToolAnnotations(
        idempotent_hint=metadata.idempotent,
        read_only_hint=metadata.idempotent and metadata.requires_approval is False,
        destructive_hint=metadata.requires_approval is not False,
        open_world_hint=metadata.category == "web",
    )
    return types.Tool(name=made.name, description=made.description, input_schema=made.parameters, annotations=hints)


def _answer(types: Any, text: str, value: Any, *, is_error: bool) -> Any:
    structured = value if isinstance(value, dict) and not is_error and _is_plain(value) else None
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=text)], structured_content=structured, is_error=is_error
    )


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_plain(each) for key, each in value.items())
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, (str, int, float, bool))


async def serve_stdio(server: Server[Any]) -> None:
    """Serve whoever started this program, until they hang up."""
    from mcp.server.stdio import stdio_server

    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


def new_token() -> str:
    """A token nobody can guess."""
    return secrets.token_urlsafe(24)


def http_app(server: Server[Any], *, host: str = "127.0.0.1", token: str | None) -> _App:
    """An ASGI application that serves at ``/mcp``.

    Args:
        server: What to serve.
        host: Where it will listen; requests that name another host are refused.
        token: What clients must send as ``Authorization: Bearer``; None asks for none.

    Raises:
        ConfigurationError: Other machines could reach it and there is no token.
    """
    if token is None and host not in {"127.0.0.1", "::1", "localhost"}:
        raise ConfigurationError(f"serving on {host} without a token would let anybody call these tools; set one")
    app: _App = server.streamable_http_app(host=host)
    if token is None:
        return app
    expected = f"Bearer {token}".encode()

    async def guarded(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            given = next((value for key, value in scope["headers"] if key == b"authorization"), b"")
            if not secrets.compare_digest(given, expected):
                headers = [(b"www-authenticate", b"Bearer"), (b"content-type", b"text/plain")]
                await send({"type": "http.response.start", "status": 401, "headers": headers})
                await send({"type": "http.response.body", "body": b"a token is needed\n"})
                return
        await app(scope, receive, send)

    return guarded


async def serve_http(
    server: Server[Any],
    *,
    host: str = "127.0.0.1",
    port: int = 8848,
    token: str | None,
    ready: Callable[[int], None] | None = None,
) -> None:
    """Serve over streamable HTTP until cancelled.

    Args:
        server: What to serve.
        host: Where to listen.
        port: Where to listen; 0 for any that is free.
        token: See `http_app`.
        ready: Called with the port once it listens.
    """
    import socket

    try:
        import uvicorn
    except ImportError as error:
        raise ConfigurationError("serving over HTTP needs: pip install 'victor-tools[mcp]'") from error
    app = http_app(server, host=host, token=token)
    try:
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {host}, port {port}: {error.strerror or error}; "
            "end what listens there, or choose another port (0 for any that is free)"
        ) from error
    running = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="on"))
    try:
        if ready is not None:
            ready(listener.getsockname()[1])
        await running.serve([listener])
    except asyncio.CancelledError:
        running.should_exit = True
        raise
    finally:
        listener.close()
