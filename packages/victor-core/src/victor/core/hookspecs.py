"""Every hook of Victor, on one page.

A plugin is a module that implements some of these, named in the entry-point group ``victor``::

    [project.entry-points.victor]
    weather = "victor_weather.plugin"

Each hook is called once, when plugins are loaded, with a ``register`` callback. A target is an object or
an import string ``"package.module:attribute"``; import strings are resolved at first use, so a plugin
module should import nothing but ``hookimpl``::

    from victor.core import hookimpl

    @hookimpl
    def victor_register_tools(register):
        register("forecast", "victor_weather.tools:forecast", help="weather of the next days")

Hooks run at load time only; what happens at run time is told by the event stream (`victor.core.events`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

import pluggy

if TYPE_CHECKING:
    from collections.abc import Callable

    from victor.core.tool import Tool

__all__ = ["Register", "RegisterListener", "RegisterTool", "hookimpl", "hookspec"]

hookspec: Final[pluggy.HookspecMarker] = pluggy.HookspecMarker("victor")
"""Marks a function of this module as the specification of a hook."""
hookimpl: Final[pluggy.HookimplMarker] = pluggy.HookimplMarker("victor")
"""Marks a function of a plugin as the implementation of the hook of the same name."""


class Register(Protocol):
    """The callback most hooks receive."""

    def __call__(self, name: str, target: Any, *, help: str = "", replace: bool = False) -> None:
        """Register ``target`` (an object or an import string) under ``name``."""


class RegisterTool(Protocol):
    """The callback of `victor_register_tools`: the name may be left out for tools and functions."""

    def __call__(
        self, name: str | Callable[..., Any], target: Any = None, *, help: str = "", replace: bool = False
    ) -> None:
        """Register a tool by name and target, or a tool or function alone."""


class RegisterListener(Protocol):
    """The callback of `victor_register_listeners`."""

    def __call__(self, name: str, target: Any, *, help: str = "", replace: bool = False, enabled: bool = False) -> None:
        """Register a listener factory; ``enabled`` says whether it is on by default."""


@hookspec
def victor_register_tools(register: RegisterTool) -> None:
    """Tools that agents and workflows can name: `Tool` objects, functions that become tools, or import strings.

    Example: ``register("files.read", "victor.tools.files:read_file", help="read a text file")``
    """


@hookspec
def victor_adjust_tool(tool: Tool) -> Tool | None:
    """Change any tool before an agent or a workflow uses it, or when it is first looked up by name: return another,
    or None to leave it as it is. Asked once about each tool, whoever made it, functions of the program included.

    Example: ``return tool.with_(requires_approval=True) if tool.metadata.category == "billing" else None``
    """


@hookspec
def victor_register_models(register: Register) -> None:
    """Model providers: callables that take what follows the colon in ``"provider:model"`` and return a `Model`.

    Example: ``register("openai", "victor.core.models.openai:OpenAIModel", help="OpenAI-compatible servers")``
    """


@hookspec
def victor_register_metrics(register: Register) -> None:
    """Metrics exporters: callables that take their settings section as keyword arguments.

    Example: ``register("prometheus", "victor.observability.prometheus:exporter", help="scrape endpoint")``
    """


@hookspec
def victor_register_visualizers(register: Register) -> None:
    """Renderers: callables ``(topology, *, highlights=None, theme="auto", width=None, direction="TB") -> str | bytes``.

    ``highlights`` says what a run did, where one is shown (`victor.core.highlights.Highlights`).

    Example: ``register("mermaid", "victor.graph.viz.mermaid:render", help="text for Markdown")``
    """


@hookspec
def victor_register_coordination_protocols(register: Register) -> None:
    """Ways for the members of a team to work together.

    Example: ``register("debate", "victor.teams.patterns.debate:Debate", help="argue, then judge")``
    """


@hookspec
def victor_register_node_types(register: Register) -> None:
    """Node types that workflow files and the designer can use.

    Example: ``register("team", "victor.teams.node:TeamNode", help="a team as one step")``
    """


@hookspec
def victor_register_checkpointers(register: Register) -> None:
    """Checkpoint stores by URL scheme: callables that take the whole URL.

    Example: ``register("sqlite", "victor.graph.checkpoint.sqlite:from_url", help="one file")``
    """


@hookspec
def victor_register_executors(register: Register) -> None:
    """Where workflow runs take place.

    Example: ``register("dbos", "victor.graph.executors.dbos:DBOSExecutor", help="durable queues")``
    """


@hookspec
def victor_register_verticals(register: Register) -> None:
    """Domain bundles: `Vertical` objects, or import strings of them.

    Example: ``register("coding", "victor_coding:VERTICAL", help="read, write and test code")``
    """


@hookspec
def victor_register_commands(register: Register) -> None:
    """Commands of the ``victor`` program: Typer apps (or functions), best given as import strings.

    Example: ``register("workflow", "victor.graph.cli:app", help="run, check and draw workflows")``
    """


@hookspec
def victor_register_listeners(register: RegisterListener) -> None:
    """Event listeners that settings switch on: callables that take their settings section (``[listener.NAME]``) as
    keyword arguments and return a listener ``(Event) -> None``. An object with a method ``listen_to(stream)``
    subscribes itself to what it wants; None stands for nothing to listen for.

    With ``enabled=True`` it is on unless the setting ``listeners`` names it with a minus sign (``["-log"]``).

    Example: ``register("log", "victor_log:make_listener", help="one line per operation")``
    """
