"""LangChain's messages, in programs that use them. Nothing of LangChain is imported here: what a program has not
imported it cannot hold, and what it has imported is found in ``sys.modules``.
"""

from __future__ import annotations

import sys
from typing import Any, Final, get_args

import msgspec

from victor.core.message import Message, ToolCall

__all__ = ["as_langchain", "langchain_class", "langchain_message", "mentions_langchain"]

_PACKAGE: Final = "langchain_core.messages"

_STORED: Final = frozenset(
    {
        "AIMessage", "AIMessageChunk", "ChatMessage", "ChatMessageChunk", "FunctionMessage", "FunctionMessageChunk",
        "HumanMessage", "HumanMessageChunk", "RemoveMessage", "SystemMessage", "SystemMessageChunk", "ToolMessage",
        "ToolMessageChunk",
    }
)  # fmt: skip


def langchain_message() -> Any:
    """The base class of LangChain's messages; None in a program that has not imported them."""
    module = sys.modules.get(f"{_PACKAGE}.base")
    return None if module is None else getattr(module, "BaseMessage", None)


def langchain_class(name: str) -> type | None:
    """One of LangChain's own message classes by its stored name, ``module:class``; None for any other name."""
    module, _, attribute = name.partition(":")
    package = sys.modules.get(_PACKAGE)
    if package is None or attribute not in _STORED or not module.startswith(f"{_PACKAGE}."):
        return None
    found = getattr(package, attribute, None)
    return found if isinstance(found, type) and f"{found.__module__}:{found.__qualname__}" == name else None


def mentions_langchain(annotation: Any) -> bool:
    """Whether an annotation names one of LangChain's message classes, as ``list[AnyMessage]`` does."""
    if isinstance(annotation, type) and annotation.__module__.startswith(f"{_PACKAGE}."):
        return True
    return any(mentions_langchain(one) for one in get_args(annotation))


def as_langchain(message: Any) -> Any:
    """A message of Victor's, or what a dict describes, as one of LangChain's; anything else as it is."""
    package = sys.modules[_PACKAGE]
    if isinstance(message, dict):
        return package.convert_to_messages([message])[0]
    if not isinstance(message, Message):
        return message
    about = {"name": message.name, "id": message.id}
    if message.role == "system":
        return package.SystemMessage(message.content, **about)
    if message.role == "user":
        return package.HumanMessage(message.content, **about)
    if message.role == "tool":
        status = "error" if message.is_error else "success"
        return package.ToolMessage(message.content, tool_call_id=message.tool_call_id or "", status=status, **about)
    calls, wrong = [], []
    for call in message.tool_calls:
        arguments = _arguments(call)
        if arguments is None:
            told = {"name": call.name, "args": call.arguments, "id": call.id, "error": "the arguments are no object"}
            wrong.append({**told, "type": "invalid_tool_call"})
        else:
            calls.append({"name": call.name, "args": arguments, "id": call.id, "type": "tool_call"})
    return package.AIMessage(message.content, tool_calls=calls, invalid_tool_calls=wrong, **about)


def _arguments(call: ToolCall) -> dict[str, Any] | None:
    try:
        found = call.parsed()
    except msgspec.DecodeError:
        return None
    return found if isinstance(found, dict) else None
