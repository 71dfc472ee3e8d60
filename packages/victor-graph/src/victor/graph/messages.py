"""Message lists: a reducer that appends, replaces by id and removes."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, TypedDict
from uuid import uuid4

import msgspec
from attrs import evolve, frozen

from victor.core.message import Message, Role, ToolCall
from victor.graph.errors import InvalidUpdateError
from victor.graph.langchain_messages import as_langchain, langchain_message, mentions_langchain

__all__ = ["REMOVE_ALL_MESSAGES", "MessagesState", "RemoveMessage", "add_langchain_messages", "add_messages"]

REMOVE_ALL_MESSAGES: Final = "__remove_all__"
"""``RemoveMessage(REMOVE_ALL_MESSAGES)`` removes all that came before it."""

_ROLES: Final[Mapping[str, Role]] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "tool": "tool",
}
_KEYS: Final = frozenset({"role", "type", "content", "id", "name", "tool_call_id", "tool_calls", "status"})


@frozen
class RemoveMessage:
    """Written to a message list, removes the message with this id.

    Args:
        id: Of the message; `REMOVE_ALL_MESSAGES` for all.
    """

    id: str


def add_messages(left: Any, right: Any) -> list[Any]:
    """The messages of ``left`` with those of ``right`` added: in place of the one with the same id, else at the end.

    Text, ``(role, text)`` pairs and ``{"role": ..., "content": ..., "tool_calls": ...}`` dicts become `Message`; other
    objects stay what they are. What has no id gets one.

    In a program that uses LangChain, a list that holds one of its messages holds only such: what else is added becomes
    one too, and LangChain's ``RemoveMessage`` removes. A key annotated with LangChain's classes, such as
    ``Annotated[list[AnyMessage], add_messages]``, holds them from the first message on.

    Args:
        left: The messages there are.
        right: One message or several.

    Raises:
        InvalidUpdateError: A message to be removed is not there, or something is no message.

    Example:
        >>> old = [Message("user", "hi", id="1")]
        >>> both = add_messages(old, [("assistant", "hello"), Message("user", "hey", id="1")])
        >>> [(one.role, one.content) for one in both]
        [('user', 'hey'), ('assistant', 'hello')]
        >>> add_messages(both, RemoveMessage("1"))[0].content
        'hello'
    """
    old = left if isinstance(left, list) else _several(left)
    new = [_message(one) for one in _several(right)]
    kind = langchain_message()
    if kind is not None and (any(isinstance(one, kind) for one in new) or any(isinstance(one, kind) for one in old)):
        return _added(left, old, list(map(as_langchain, new)), True)
    return _added(left, old, new, False)


def add_langchain_messages(left: Any, right: Any) -> list[Any]:
    """`add_messages` of a list that holds only LangChain's messages."""
    old = left if isinstance(left, list) else _several(left)
    return _added(left, old, [as_langchain(_message(one)) for one in _several(right)], True)


def _added(left: Any, old: Sequence[Any], new: list[Any], foreign: bool) -> list[Any]:
    if foreign and any(isinstance(one, (Message, str, tuple, dict)) for one in old):
        old = [_identified(as_langchain(_message(one))) for one in old]
    elif left is not old or any(_id(one) is None for one in old):
        old = [_identified(_message(one)) for one in old]
    for number in range(len(new) - 1, -1, -1):
        if _removes(new[number]) and _id(new[number]) == REMOVE_ALL_MESSAGES:
            return [_identified(one) for one in new[number + 1 :]]
    if all(_id(one) is None for one in new):
        return [*old, *map(_identified, new)]
    places = {_id(one): number for number, one in enumerate(old)}
    merged: list[Any] = list(old)
    removed: set[Any] = set()
    for one in new:
        id = _id(one)
        place = None if id is None else places.get(id)
        if _removes(one):
            if place is None:
                raise InvalidUpdateError(f"there is no message with id {id!r} to remove")
            removed.add(id)
        elif place is not None:
            merged[place] = one
            removed.discard(id)
        else:
            one = _identified(one)
            places[_id(one)] = len(merged)
            merged.append(one)
    return [one for one in merged if _id(one) not in removed] if removed else merged


def _for_values(annotation: Any) -> Any:
    """The reducer for values of this annotation."""
    return add_langchain_messages if mentions_langchain(annotation) else add_messages


add_messages.changes_nothing_in_place = True  # type: ignore[attr-defined]
add_messages.for_values = _for_values  # type: ignore[attr-defined]
add_langchain_messages.changes_nothing_in_place = True  # type: ignore[attr-defined]


class MessagesState(TypedDict):
    """A state that is a list of messages."""

    messages: Annotated[list[Any], add_messages]


def _several(value: Any) -> Sequence[Any]:
    if value is None:
        return ()
    if isinstance(value, list):
        return value
    if isinstance(value, tuple) and not (len(value) == 2 and isinstance(value[0], str) and value[0] in _ROLES):
        return value
    return (value,)


def _message(value: Any) -> Any:
    if isinstance(value, str):
        return Message("user", value)
    if isinstance(value, (tuple, list)):
        if len(value) == 2 and value[0] in _ROLES and isinstance(value[1], str):
            return Message(_ROLES[value[0]], value[1])
        raise InvalidUpdateError(f"{value!r} is no message; a pair is (role, text), with a role of {', '.join(_ROLES)}")
    if isinstance(value, dict) and (found := _of_dict(value)) is not None:
        return found
    if value is None or isinstance(value, (bool, int, float, bytes)):
        raise InvalidUpdateError(f"{value!r} is no message")
    return value


def _of_dict(value: dict[str, Any]) -> Any:
    """The message a dict describes, in the form of a provider or of LangChain; None where a message cannot hold it."""
    said = {key: one for key, one in value.items() if one or key == "content"}  # ``"refusal": None`` and the like
    text = _text(said.get("content"))
    kind = said.get("role") or said.get("type") or ""
    if kind == "remove" and said.keys() <= {"role", "type", "content", "id"}:
        return RemoveMessage(str(said.get("id")))
    if text is None or not said.keys() <= _KEYS or not ("content" in said or "tool_calls" in said):
        return None
    role = _ROLES.get(kind)
    if role is None:
        raise InvalidUpdateError(f"{value!r} is no message; its role is not one of {', '.join(_ROLES)}")
    calls = [_tool_call(one) for one in said.get("tool_calls", ())]
    more: dict[str, Any] = {key: said.get(key) for key in ("tool_call_id", "name", "id")}
    return Message(role, text, calls, is_error=said.get("status") == "error", **more)


def _text(content: Any) -> str | None:
    """The text of a message's content, also where it is a list of blocks; None where something in it is no text."""
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        return None
    texts: list[str] = []
    for one in content:
        text = one.get("text") if isinstance(one, dict) and one.get("type") == "text" else one
        if not isinstance(text, str):
            return None
        texts.append(text)
    return "".join(texts)


def _tool_call(value: Any) -> ToolCall:
    """A tool call, from ``{"name", "args", "id"}`` or from a provider's ``{"id", "function": {...}}``.

    Raises:
        InvalidUpdateError: It is none.
    """
    if isinstance(value, ToolCall):
        return value
    told = value.get("function", value) if isinstance(value, Mapping) else {}
    name, arguments = told.get("name"), told.get("arguments", told.get("args"))
    if not isinstance(name, str):
        raise InvalidUpdateError(f'{value!r} is no tool call; it needs {{"name": ..., "args": {{...}}, "id": ...}}')
    if not isinstance(arguments, str):
        arguments = msgspec.json.encode(arguments or {}, enc_hook=str).decode()
    return ToolCall(str(value.get("id") or f"call_{uuid4().hex}"), name, arguments)


def _removes(value: Any) -> bool:
    return isinstance(value, RemoveMessage) or getattr(value, "type", None) == "remove"


def _id(value: Any) -> str | None:
    return value.get("id") if isinstance(value, dict) else getattr(value, "id", None)


def _identified(value: Any) -> Any:
    """The message with an id."""
    if _id(value) is not None:
        return value
    id = str(uuid4())
    if isinstance(value, Message):
        return evolve(value, id=id)
    if isinstance(value, dict):
        return {**value, "id": id}
    if hasattr(value, "id"):
        value = copy.copy(value)
        try:
            value.id = id
        except Exception:  # noqa: BLE001 - a foreign class that allows no id keeps none, and is always appended
            return value
    return value
