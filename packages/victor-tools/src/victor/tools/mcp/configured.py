"""MCP servers that ``victor.toml`` names, each connected when one of its tools is first asked for.

::

    [tools.mcp.fs]
    command = ["npx", "-y", "@modelcontextprotocol/server-filesystem", "."]
    tools = ["read_text_file", "list_directory"]   # agents may name them fs.read_text_file, ...

    [tools.mcp.search]
    url = "https://example.org/mcp"
    token = "$SEARCH_TOKEN"
    approval = "always"
"""

from __future__ import annotations

import atexit
import os
from typing import Any, Literal

from attrs import frozen

from victor.core.errors import ConfigurationError, UnknownNameError
from victor.tools.mcp.client import MCPToolset
from victor.tools.settings import check_tables

__all__ = ["ServerSettings", "configured_servers", "toolset"]


@frozen
class ServerSettings:
    """One table ``[tools.mcp.NAME]``.

    Args:
        command: Program and arguments; or ``url``.
        url: Of a server over HTTP.
        token: Sent as a bearer token; ``$NAME`` takes it from the environment.
        tools: Names that agents and workflows can use, as ``NAME.tool``.
        resources: Two more of them, ``list_resources`` and ``read_resource``.
        env: Environment variables for a command; values ``$NAME`` are taken from ours.
        approval: Which calls need approval.
        timeout_s: Seconds one call may take.
        connect_timeout_s: Seconds connecting may take.
    """

    command: list[str] | str | None = None
    url: str | None = None
    token: str | None = None
    tools: tuple[str, ...] = ()
    resources: bool = False
    env: dict[str, str] | None = None
    approval: Literal["destructive", "always", "never"] = "destructive"
    timeout_s: float = 60.0
    connect_timeout_s: float = 60.0


def configured_servers() -> dict[str, ServerSettings]:
    """The servers the settings name.

    Raises:
        ConfigurationError: A table is wrong; says which key and where.
    """
    from victor.core.schema import DecodeProblems, decode
    from victor.core.settings import load_settings

    settings = load_settings()
    check_tables(settings)
    found: dict[str, ServerSettings] = {}
    for name, table in settings.section("tools.mcp").items():
        key = f"tools.mcp.{name}"
        try:
            found[name] = decode(ServerSettings, table, what=f"[{key}]")
        except DecodeProblems as error:
            lines = [f"{settings.origin(key + path[1:])}: {key}{path[1:]} {text}" for path, text in error.problems]
            raise ConfigurationError("\n".join(lines)) from error
        if (found[name].command is None) == (found[name].url is None):
            raise ConfigurationError(f"{settings.origin(key)}: [{key}] needs either command or url")
    return found


_open: dict[str, tuple[ServerSettings, MCPToolset]] = {}


def toolset(name: str) -> MCPToolset:
    """The tools of a configured server; one connection for the whole program.

    Raises:
        UnknownNameError: No such server is configured.
    """
    servers = configured_servers()
    if name not in servers:
        known = ", ".join(servers) or "none"
        raise UnknownNameError(f"no MCP server {name!r} is configured in [tools.mcp]; there are: {known}", name=name)
    settings = servers[name]
    if name in _open and _open[name][0] == settings:
        return _open[name][1]
    if name in _open:
        _open.pop(name)[1].close()
    elif not _open:
        atexit.register(_close_all)
    target: Any = settings.url if settings.url is not None else settings.command
    token = _from_environment(settings.token, f"tools.mcp.{name}.token")
    made = MCPToolset(
        target,
        name=name,
        resources=settings.resources,
        env={
            key: _from_environment(value, f"tools.mcp.{name}.env") or "" for key, value in (settings.env or {}).items()
        },
        headers={"Authorization": f"Bearer {token}"} if token else {},
        approval=settings.approval,
        timeout_s=settings.timeout_s,
        connect_timeout_s=settings.connect_timeout_s,
    )
    _open[name] = (settings, made)
    return made


def _close_all() -> None:
    while _open:
        _open.popitem()[1][1].close()


def _from_environment(value: str | None, key: str) -> str | None:
    if value is None or not value.startswith("$"):
        return value
    found = os.environ.get(value[1:])
    if found is None:
        raise ConfigurationError(f"{key} is {value}, and that variable is not set")
    return found


class _Tools:
    """Resolves ``victor.tools.mcp.configured:servers.NAME.tool``: a server by attribute, then its tool."""

    def __init__(self, server: str | None = None) -> None:
        self._server = server

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self._server is None:
            return _Tools(name)
        wanted = f"{self._server}_{name}"
        for made in toolset(self._server).tools:
            if made.name == wanted:
                return made
        raise ConfigurationError(f"the MCP server {self._server!r} has no tool {name!r}")


servers: Any = _Tools()
"""Where the catalog's import strings lead."""
