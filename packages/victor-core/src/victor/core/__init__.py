"""The minimal core of Victor: agents, models, tools, hooks and events.

Everything public is here, imported when it is first used::

    from victor.core import Agent

    agent = Agent("Answer briefly.", tools=[my_function])
    print(agent.run_sync("...").output)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from victor.core.agent import Agent
    from victor.core.catalog import Catalog, Entry
    from victor.core.chat import Chat
    from victor.core.errors import (
        ConfigurationError,
        IncompleteRunError,
        ModelAuthenticationError,
        ModelConnectionError,
        ModelError,
        ModelRateLimitError,
        ModelRequestError,
        ModelResponseError,
        OutputError,
        PluginError,
        SchemaError,
        ToolApprovalError,
        ToolArgumentsError,
        ToolError,
        ToolNotFoundError,
        ToolTimeoutError,
        UnknownNameError,
        VictorError,
    )
    from victor.core.events import Event, EventStream, get_stream, set_stream
    from victor.core.hookspecs import hookimpl
    from victor.core.limits import Limits
    from victor.core.message import Message, ToolCall, Usage
    from victor.core.model import (
        Model,
        ModelRequest,
        ModelResponse,
        ModelSettings,
        ToolCallDelta,
        resolve_model,
    )
    from victor.core.plugins import Plugins, get_plugins
    from victor.core.result import RunResult, StopReason
    from victor.core.run_events import AnswerRejected, RunEvent, RunFinished, TextDelta, ToolFinished, ToolStarted
    from victor.core.settings import Settings, load_settings
    from victor.core.tool import CostTier, Tool, ToolCategory, ToolContext, ToolMetadata, ToolResult, as_tool
    from victor.core.topology import Cluster, Edge, Node, Topology
    from victor.core.vertical import Vertical

__version__ = "0.1.0"

_HOME = {
    "agent": ["Agent"],
    "catalog": ["Catalog", "Entry"],
    "chat": ["Chat"],
    "errors": [
        "ConfigurationError", "IncompleteRunError", "ModelAuthenticationError", "ModelConnectionError", "ModelError",
        "ModelRateLimitError", "ModelRequestError", "ModelResponseError", "OutputError", "PluginError", "SchemaError",
        "ToolApprovalError", "ToolArgumentsError", "ToolError", "ToolNotFoundError", "ToolTimeoutError",
        "UnknownNameError", "VictorError",
    ],
    "events": ["Event", "EventStream", "get_stream", "set_stream"],
    "hookspecs": ["hookimpl"],
    "limits": ["Limits"],
    "message": ["Message", "ToolCall", "Usage"],
    "model": ["Model", "ModelRequest", "ModelResponse", "ModelSettings", "ToolCallDelta", "resolve_model"],
    "plugins": ["Plugins", "get_plugins"],
    "result": ["RunResult", "StopReason"],
    "run_events": ["AnswerRejected", "RunEvent", "RunFinished", "TextDelta", "ToolFinished", "ToolStarted"],
    "settings": ["Settings", "load_settings"],
    "tool": ["CostTier", "Tool", "ToolCategory", "ToolContext", "ToolMetadata", "ToolResult", "as_tool"],
    "topology": ["Cluster", "Edge", "Node", "Topology"],
    "vertical": ["Vertical"],
}  # fmt: skip
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "Agent", "AnswerRejected", "Catalog", "Chat", "Cluster", "ConfigurationError", "CostTier", "Edge", "Entry",
    "Event", "EventStream", "IncompleteRunError", "Limits", "Message", "Model", "ModelAuthenticationError",
    "ModelConnectionError", "ModelError", "ModelRateLimitError", "ModelRequest", "ModelRequestError",
    "ModelResponse", "ModelResponseError", "ModelSettings", "Node", "OutputError", "PluginError", "Plugins",
    "RunEvent", "RunFinished", "RunResult", "SchemaError", "Settings", "StopReason", "TextDelta", "Tool",
    "ToolApprovalError", "ToolArgumentsError", "ToolCall", "ToolCallDelta", "ToolCategory", "ToolContext",
    "ToolError", "ToolFinished", "ToolMetadata", "ToolNotFoundError", "ToolResult", "ToolStarted",
    "ToolTimeoutError", "Topology", "UnknownNameError", "Usage", "Vertical", "VictorError", "as_tool",
    "get_plugins", "get_stream", "hookimpl", "load_settings", "resolve_model", "set_stream",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    try:
        module = import_module(f"victor.core.{_MODULE_OF[name]}")
    except KeyError:
        raise AttributeError(f"module 'victor.core' has no attribute {name!r}") from None
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
