"""Recognizes what a foreign tool is, and makes a tool of it."""

from __future__ import annotations

import warnings
from typing import Any

from victor.core.errors import ConfigurationError
from victor.core.tool import CostTier, Tool, ToolCategory, ToolMetadata, as_tool

__all__ = ["adapt", "from_predecessor"]

_warned: set[str] = set()


def adapt(target: Any, **metadata: Any) -> Tool:
    """A tool from one of LangChain, from victor-ai's classes and functions, or from anything `as_tool` takes.

    Tools of victor-ai work unchanged; once per class or function a `DeprecationWarning` says how to bring them over.

    Args:
        target: The tool.
        **metadata: Fields of `ToolMetadata` to set or replace.

    Raises:
        ConfigurationError: It is no tool that is known here.

    Example:
        >>> class Old:
        ...     name, description = "shout", "Say it loud."
        ...     parameters = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
        ...     async def execute(self, _exec_ctx, **kwargs):
        ...         return kwargs["text"].upper()
        >>> import asyncio, warnings
        >>> with warnings.catch_warnings(action="ignore"):
        ...     made = adapt(Old())
        >>> asyncio.run(made.call('{"text": "hi"}')).text
        'HI'
    """
    if getattr(target, "_is_tool", False) and hasattr(target, "Tool"):  # a function decorated by victor-ai
        inner = target.Tool
        target = inner() if isinstance(inner, type) else inner
    if isinstance(target, Tool) or isinstance(getattr(target, "__victor_tool__", None), Tool):
        return as_tool(target, **metadata)
    if _is_langchain(target):
        return _from_langchain(target, metadata)
    if _is_predecessor(target):
        return from_predecessor(target, **metadata)
    if callable(target) and not isinstance(target, type):
        return as_tool(target, **metadata)
    raise ConfigurationError(
        f"{target!r} is no tool that is known here: neither a Tool or function, nor one of LangChain or victor-ai"
    )


def _is_langchain(target: Any) -> bool:
    return any(base.__module__.startswith("langchain_core.tools") for base in type(target).__mro__)


def _from_langchain(target: Any, metadata: dict[str, Any]) -> Tool:
    schema = target.tool_call_schema
    described = schema if isinstance(schema, dict) else schema.model_json_schema()

    async def call(**arguments: Any) -> Any:
        return await target.ainvoke(arguments)

    given = {"name": target.name, "description": target.description, "source": "langchain", **metadata}
    return Tool(call, ToolMetadata(**given), parameters=_without_titles(described))


def _is_predecessor(target: Any) -> bool:
    return (
        not isinstance(target, type)
        and callable(getattr(target, "execute", None))
        and isinstance(getattr(target, "name", None), str)
        and isinstance(getattr(target, "parameters", None), dict)
    )


def from_predecessor(target: Any, **metadata: Any) -> Tool:
    """A tool from an object with name, description, parameters and execute, as victor-ai has them."""
    from victor.core.errors import ToolError

    _warn_once(type(target))
    old = getattr(target, "metadata", None)
    tier = getattr(getattr(target, "cost_tier", None), "value", getattr(target, "cost_tier", "free"))
    danger = str(getattr(getattr(old, "danger_level", None), "value", getattr(old, "danger_level", ""))).lower()
    given: dict[str, Any] = {
        "name": target.name.replace(".", "_"),
        "description": getattr(target, "description", "") or "",
        "category": getattr(old, "category", None) or ToolCategory.CUSTOM,
        "keywords": tuple(getattr(old, "keywords", None) or ()),
        "cost_tier": tier if str(tier) in {each.value for each in CostTier} and str(tier) != "free" else None,
        "idempotent": bool(getattr(target, "is_idempotent", False)),
        "requires_approval": True if danger in {"high", "critical"} else None,
        "source": "victor-ai",
        **metadata,
    }
    takes_context = _takes_context(target.execute)

    async def call(**arguments: Any) -> Any:
        import inspect

        result = target.execute({}, **arguments) if takes_context else target.execute(**arguments)
        result = await result if inspect.isawaitable(result) else result
        if hasattr(result, "success") and hasattr(result, "output"):
            if not result.success:
                raise ToolError(str(getattr(result, "error", None) or result.output or "the tool failed"), retry=True)
            return result.output
        return result

    return Tool(call, ToolMetadata(**given), parameters=target.parameters)


def _takes_context(function: Any) -> bool:
    import inspect

    parameters = list(inspect.signature(function).parameters.values())
    return (
        bool(parameters)
        and parameters[0].name in {"_exec_ctx", "exec_ctx", "_context"}
        and parameters[0].kind
        in {
            inspect.Parameter.POSITIONAL_ONLY,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
        }
    )


def _warn_once(kind: type) -> None:
    name = f"{kind.__module__}.{kind.__qualname__}"
    if name not in _warned:
        _warned.add(name)
        warnings.warn(
            f"{name} is a tool of the older kind; it works, and `victor tools migrate` brings it over",
            DeprecationWarning,
            stacklevel=4,
        )


def _without_titles(schema: dict[str, Any]) -> dict[str, Any]:
    from victor.core.shapes.records import _untitled

    found: dict[str, Any] = _untitled(schema)
    found.setdefault("type", "object")
    found.setdefault("properties", {})
    return found
