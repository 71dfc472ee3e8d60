"""Message lists: a reducer that appends, replaces by id and removes."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, TypedDict
from uuid import uuid4

from attrs import evolve, frozen

from victor.core.message import Message, Role
from victor.graph.errors import InvalidUpdateError

__all__ = ["REMOVE_ALL_MESSAGES", "MessagesState", "RemoveMessage", "add_messages"]

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
_KEYS: Final = frozenset({"role", "type", "content", "id", "name", "tool_call_id"})


@frozen
class RemoveMessage:
    """Written to a message list, removes the message with this id.

    Args:
        id: Of the message; `REMOVE_ALL_MESSAGES` for all.
    """

    id: str


def add_messages(left: Any, right: Any) -> list[Any]:
    """The messages of ``left`` with those of ``right`` added: in place of the one with the same id, else at the end.

    Text, ``(role, text)`` pairs and ``{"role": ..., "content": ...}`` dicts become `Message`; other objects stay
    what they are. What has no id gets one.

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
    if left is not old or any(_id(one) is None for one in old):
        old = [_identified(_message(one)) for one in old]
    new = [_message(one) for one in _several(right)]
    for number in range(len(new) - 1, -1, -1):
        if isinstance(new[number], RemoveMessage) and new[number].id == REMOVE_ALL_MESSAGES:
            return [_identified(one) for one in new[number + 1 :]]
    if all(_id(one) is None for one in new):
        return [*old, *map(_identified, new)]
    places = {_id(one): number for number, one in enumerate(old)}
    merged: list[Any] = list(old)
    removed: set[Any] = set()
    for one in new:
        id = _id(one)
        place = None if id is None else places.get(id)
        if isinstance(one, RemoveMessage):
            if place is None:
                raise InvalidUpdateError(f"there is no message with id {one.id!r} to remove")
            removed.add(id)
        elif place is not None:
            merged[place] = one
            removed.discard(id)
        else:
            one = _identified(one)
            places[_id(one)] = len(merged)
            merged.append(one)
    return [one for one in merged if _id(one) not in removed] if removed else merged


add_messages.changes_nothing_in_place = True  # type: ignore[attr-defined]


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
    if isinstance(value, dict) and value.keys() <= _KEYS and isinstance(value.get("content"), str):
        role = _ROLES.get(value.get("role") or value.get("type") or "")
        if role is None:
            raise InvalidUpdateError(f"{value!r} is no message; its role is not one of {', '.join(_ROLES)}")
        more: dict[str, Any] = {key: value.get(key) for key in ("tool_call_id", "name", "id")}
        return Message(role, value["content"], **more)
    if value is None or isinstance(value, (bool, int, float, bytes)):
        raise InvalidUpdateError(f"{value!r} is no message")
    return value


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
