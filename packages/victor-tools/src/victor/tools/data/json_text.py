"""Changes one value inside of a JSON text and leaves every other character: order, spaces, digits of numbers."""

from __future__ import annotations

import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, Final

from attrs import frozen

__all__ = ["removed", "replaced"]

_DECODER: Final = json.JSONDecoder()
_SPACE: Final = re.compile(r"[ \t\r\n]*")


@frozen
class _Entry:
    """A member of an object or an element of a list: where it begins (with its key), where its value does, and ends."""

    key: str | int
    start: int
    value: int
    end: int


def replaced(text: str, steps: list[str | int], value: Any) -> str | None:
    """The text with one value put in place of another, or added; None if there is nothing to put it in.

    Args:
        text: JSON that can be parsed, with an object or a list at its root.
        steps: Keys and indices that lead to the value.
        value: The new one.

    Raises:
        ValueError: A key on the way is there twice.

    Example:
        >>> replaced('{"a": [1.10, {"b": null}],  "c": 2}', ["a", 1, "b"], True)
        '{"a": [1.10, {"b": true}],  "c": 2}'
    """
    at = _skip(text, 0)
    for number, step in enumerate(steps):
        entries = _entries(text, at)
        found = _find(entries, step)
        if found is None:
            rest: Any = value
            for key in reversed(steps[number + 1 :]):
                if not isinstance(key, str):
                    return None
                rest = {key: rest}
            return _added(text, at, entries, step, rest)
        if number == len(steps) - 1:
            return text[: found.value] + _written(text, found.value, value) + text[found.end :]
        at = found.value
    return None


def removed(text: str, steps: list[str | int]) -> str | None:
    """The text without one value; None if it is not there.

    Raises:
        ValueError: A key on the way is there twice.

    Example:
        >>> removed('{"a": 1, "b": 2}', ["b"]), removed("[1, 2, 3]", [0])
        ('{"a": 1}', '[2, 3]')
    """
    at = _skip(text, 0)
    for number, step in enumerate(steps):
        entries = _entries(text, at)
        found = _find(entries, step)
        if found is None:
            return None
        if number < len(steps) - 1:
            at = found.value
            continue
        place = entries.index(found)
        if place + 1 < len(entries):  # up to the next one
            return text[: found.start] + text[entries[place + 1].start :]
        if place:  # with the comma before it
            return text[: entries[place - 1].end] + text[found.end :]
        return text[: at + 1] + text[_skip(text, found.end) :]
    return None


def _entries(text: str, at: int) -> list[_Entry]:
    """What an object or a list that begins there holds; nothing for any other value."""
    out: list[_Entry] = []
    if text[at] not in "{[":
        return out
    is_object = text[at] == "{"
    at = _skip(text, at + 1)
    while text[at] not in "}]":
        start, key = at, len(out)
        named: str | int = key
        if is_object:
            named, at = scanstring(text, at + 1)
            at = _skip(text, _skip(text, at) + 1)  # the colon
        _, end = _DECODER.raw_decode(text, at)
        out.append(_Entry(named, start, at, end))
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return out


def _find(entries: list[_Entry], step: str | int) -> _Entry | None:
    if isinstance(step, int) and step < 0:
        step += len(entries)
    found = [entry for entry in entries if entry.key == step]
    if len(found) > 1:
        raise ValueError(f"the key {step!r} is there {len(found)} times")
    return found[0] if found else None


def _added(text: str, at: int, entries: list[_Entry], step: str | int, value: Any) -> str | None:
    is_object = text[at] == "{"
    if is_object != isinstance(step, str) or (not is_object and (text[at] != "[" or step != len(entries))):
        return None
    name = json.dumps(step, ensure_ascii=False) + ": " if is_object else ""
    if not entries:
        return text[: at + 1] + name + _written(text, at, value) + text[_skip(text, at + 1) :]
    last = entries[-1]
    before = text[entries[-2].end : last.start] if len(entries) > 1 else "," + text[at + 1 : last.start]
    between = before if "\n" in before or len(entries) > 1 else ", "
    return text[: last.end] + between + name + _written(text, last.start, value) + text[last.end :]


def _written(text: str, at: int, value: Any) -> str:
    """A value as text; over several lines where the document is, as far to the right as its line."""
    if "\n" not in text.strip() or not isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    line = text[text.rfind("\n", 0, at) + 1 : at]
    margin = line[: len(line) - len(line.lstrip())]
    unit = re.search(r"\n([ \t]+)\S", text)
    return json.dumps(value, ensure_ascii=False, indent=unit[1] if unit else 2).replace("\n", "\n" + margin)


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found is not None else at
