"""Shapes made of other shapes: lists, tuples, mappings, unions, and types that contain themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from victor.core.shapes.base import FAILED, Definitions, Problems, Schema, Shape, Void, shown

__all__ = ["Mapped", "Many", "OneOf", "Recursive", "Row", "key_path", "parsed_text"]


def key_path(path: str, key: Any) -> str:
    """The JSON path of a key of an object.

    Example:
        >>> key_path("$", "limit"), key_path("$", "two words")
        ('$.limit', "$['two words']")
    """
    text = str(key)
    return f"{path}.{text}" if text.isidentifier() else f"{path}[{text[:80]!r}]"


def parsed_text(value: Any, kinds: tuple[type, ...], lenient: bool) -> Any:
    """An array or object that a model wrote as a string of JSON, parsed."""
    if lenient and isinstance(value, str) and value.strip()[:1] in ("[", "{"):
        try:
            found = msgspec.json.decode(value)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return value
        if isinstance(found, kinds):
            return found
    return value


class Many(Shape):
    """An array of any length."""

    def __init__(self, item: Shape, make: Callable[[list[Any]], Any], fast: Any, *, unique: bool = False) -> None:
        self.item = item
        self.make = make
        self.fast = fast
        self.unique = unique
        self.noun = "an array"

    def count(self, definitions: Definitions) -> None:
        """As `Shape.count`."""
        self.item.count(definitions)

    def schema(self, definitions: Definitions) -> Schema:
        """JSON Schema, as `Shape.schema`."""
        items = self.item.schema(definitions)
        return {
            "type": "array",
            **({"items": items} if items else {}),
            **({"uniqueItems": True} if self.unique else {}),
        }

    def convert(self, value: Any, path: str, problems: Problems, lenient: bool) -> Any:
        """The value or `FAILED`, as `Shape.convert`."""
        value = parsed_text(value, (list,), lenient)
        if not isinstance(value, (list, tuple, set, frozenset)):
            return self.wrong(value, path, problems)
        before = len(problems)
        item = self.item
        out = [item.convert(each, f"{path}[{number}]", problems, lenient) for number, each in enumerate(value)]
        if len(problems) > before:
            return FAILED
        try:
            return self.make(out)
        except TypeError as error:  # members of a set that cannot be hashed
            problems.append((path, f"cannot be a set: {error}"))
            return FAILED


class Row(Shape):
    """An array of fixed length, each place with its own shape."""

    def __init__(self, items: list[Shape]) -> None:
        self.items = items
        fasts = tuple(item.fast for item in items)
        self.fast: Any = None if None in fasts else tuple[fasts] if fasts else tuple[()]  # type: ignore[valid-type]
        self.noun: str = f"an array of {len(items)}"

    def count(self, definitions: Definitions) -> None:
        """As `Shape.count`."""
        for item in self.items:
            item.count(definitions)

    def schema(self, definitions: Definitions) -> Schema:
        """JSON Schema, as `Shape.schema`."""
        length = len(self.items)
        items = [item.schema(definitions) for item in self.items]
        return {
            "type": "array",
            **({"prefixItems": items} if items else {}),
            "items": False,
            "minItems": length,
            "maxItems": length,
        }

    def convert(self, value: Any, path: str, problems: Problems, lenient: bool) -> Any:
        """The value or `FAILED`, as `Shape.convert`."""
        value = parsed_text(value, (list,), lenient)
        if not isinstance(value, (list, tuple)) or len(value) != len(self.items):
            return self.wrong(value, path, problems)
        before = len(problems)
        pairs = enumerate(zip(self.items, value, strict=True))
        out = tuple(item.convert(each, f"{path}[{number}]", problems, lenient) for number, (item, each) in pairs)
        return FAILED if len(problems) > before else out


class Mapped(Shape):
    """An object with any keys."""

    noun = "an object"

    def __init__(self, key: Shape, value: Shape, make: Callable[[dict[Any, Any]], Any], fast: Any) -> None:
        self.key = key
        self.value = value
        self.make = make
        self.fast = fast

    def count(self, definitions: Definitions) -> None:
        """As `Shape.count`."""
        self.value.count(definitions)

    def schema(self, definitions: Definitions) -> Schema:
        """JSON Schema, as `Shape.schema`."""
        out: Schema = {"type": "object"}
        names = self.key.schema(definitions)
        if names.get("type") == "integer":
            out["propertyNames"] = {"pattern": "^-?[0-9]+$"}
        elif set(names) - {"type"}:
            out["propertyNames"] = names
        values = self.value.schema(definitions)
        return {**out, "additionalProperties": values or True}

    def convert(self, value: Any, path: str, problems: Problems, lenient: bool) -> Any:
        """The value or `FAILED`, as `Shape.convert`."""
        value = parsed_text(value, (dict,), lenient)
        if not isinstance(value, dict):
            return self.wrong(value, path, problems)
        before = len(problems)
        out = {}
        for key, each in value.items():
            at = key_path(path, key)
            # JSON has text keys only, so a number as key is no leniency.
            out_key = self.key.convert(key, f"{at} (key)", problems, True)
            out_value = self.value.convert(each, at, problems, lenient)
            if out_key is not FAILED:
                out[out_key] = out_value
        return FAILED if len(problems) > before else self.make(out)


class OneOf(Shape):
    """A union. Members that fit without leniency win over those that fit with it."""

    def __init__(self, members: list[Shape], fast: Any) -> None:
        self.members: list[Shape] = sorted(members, key=lambda member: member.rank)
        self.written = members
        self.fast = fast
        self.noun: str = " or ".join(dict.fromkeys(m.noun for m in members if not isinstance(m, Void)))

    def count(self, definitions: Definitions) -> None:
        """As `Shape.count`."""
        for member in self.written:
            member.count(definitions)

    def schema(self, definitions: Definitions) -> Schema:
        """JSON Schema, as `Shape.schema`."""
        branches: list[Schema] = []
        for member in sorted(self.written, key=lambda member: isinstance(member, Void)):
            branch = member.schema(definitions)
            if not branch:
                return {}
            if branch not in branches:
                branches.append(branch)
        return branches[0] if len(branches) == 1 else {"anyOf": branches}

    def convert(self, value: Any, path: str, problems: Problems, lenient: bool) -> Any:
        """The value or `FAILED`, as `Shape.convert`."""
        tries: list[tuple[Shape, Problems]] = []
        for be_lenient in (False, True) if lenient else (False,):
            tries = []
            for member in self.members:
                found: Problems = []
                out = member.convert(value, path, found, be_lenient)
                if out is not FAILED:
                    return out
                tries.append((member, found))
        problems.extend(self._telling(value, path, tries))
        return FAILED

    def _telling(self, value: Any, path: str, tries: list[tuple[Shape, Problems]]) -> Problems:
        """The problems of the member that was meant, or that none of them fits."""
        members = [(member, found) for member, found in tries if not isinstance(member, Void)]
        meant = [
            found for _, found in members if not any(at == path and text.startswith("expected ") for at, text in found)
        ]
        if len(members) == 1 and value is not None and meant:
            return meant[0]
        tagged = [found for found in meant if not any(_is_tag(at, text, path) for at, text in found)]
        if len(tagged) == 1:
            return tagged[0]
        if meant and isinstance(value, (dict, list)):
            return min(meant, key=len)
        return [(path, f"expected {self.noun}, got {shown(value)}")]


def _is_tag(at: str, text: str, path: str) -> bool:
    """Whether a problem is that of a field whose fixed value tells the members of a union apart."""
    return text.startswith("must be ") and at.count(".") == path.count(".") + 1


class Recursive(Shape):
    """A type that contains itself, by reference; also holds its place while it is being made."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.target: Shape | None = None
        self.noun = "a value"

    @property
    def _target(self) -> Shape:
        assert self.target is not None, f"{self.name} is still being made"
        return self.target

    def count(self, definitions: Definitions) -> None:
        """As `Shape.count`."""
        seen = definitions.uses.get(id(self), 0)
        definitions.uses[id(self)] = seen + 1
        if not seen:
            self._target.count(definitions)

    def schema(self, definitions: Definitions) -> Schema:
        """JSON Schema, as `Shape.schema`."""
        new = id(self) not in definitions.names
        name = definitions.name_for(id(self), self.name)
        if new:
            definitions.schemas[name] = {}  # holds the place, so that the order is that of first use
            definitions.schemas[name] = self._target.schema(definitions)
        return {"$ref": f"#/$defs/{name}"}

    def convert(self, value: Any, path: str, problems: Problems, lenient: bool) -> Any:
        """The value or `FAILED`, as `Shape.convert`."""
        if path.count(".") + path.count("[") > _DEEPEST:
            problems.append((path[:60] + "...", f"is nested more than {_DEEPEST} deep"))
            return FAILED
        return self._target.convert(value, path, problems, lenient)


_DEEPEST = 100
