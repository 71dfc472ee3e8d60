"""Turns a model's final answer into a value of the type the caller asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar, cast

import msgspec

from victor.core.errors import ToolArgumentsError
from victor.core.model import OutputSchema

__all__ = ["Output"]

T = TypeVar("T")

_FENCE: Final = re.compile(r"```(?:json)?\s*\n(.*?)\n?```", re.DOTALL)
_NO_IDENTIFIER: Final = re.compile(r"[^A-Za-z0-9_]+")


class Output(Generic[T]):
    """How answers of one type are asked for and read.

    Providers want an object at the root, so a type that is none (a list, a Literal, an Enum, a number)
    travels as ``{"value": ...}``; the caller never sees that.

    Args:
        type_: What the caller asked for; ``str`` takes the text as it is. A mapping is a JSON Schema: the answer is
            then plain data, checked against the schema's outermost level.

    Raises:
        SchemaError: The type cannot be described as JSON Schema.

    Example:
        >>> Output(list[int]).decode('{"value": [1, 2]}')
        [1, 2]
    """

    def __init__(self, type_: Any) -> None:
        self.type = type_
        self.schema: OutputSchema | None = None
        self._wrapped = False
        if type_ is str:
            return
        if isinstance(type_, Mapping):
            schema = dict(type_)
            name = str(schema.get("title") or "output")
        else:
            from victor.core.schema import json_schema

            name = getattr(type_, "__name__", "") or "output"
            schema = json_schema(type_)
        if schema.get("type") != "object":
            self._wrapped = True
            definitions = schema.pop("$defs", None)
            schema = {
                "type": "object",
                "properties": {"value": schema},
                "required": ["value"],
                "additionalProperties": False,
            }
            if definitions:
                schema["$defs"] = definitions
        name = _NO_IDENTIFIER.sub("_", name).strip("_")[:64] or "output"
        self.schema = OutputSchema(name, schema, str(schema.get("description", "")))

    def decode(self, text: str) -> T:
        """The value a final answer stands for.

        Raises:
            DecodeProblems: It does not fit the type; ``problems`` lists everything that is wrong.
        """
        if self.schema is None:
            return cast("T", text)
        from victor.core.schema import DecodeProblems, decode, decode_object

        try:
            value = msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            fenced = _FENCE.search(text)
            inner = fenced[1] if fenced else text[text.find("{") : text.rfind("}") + 1]
            try:
                value = msgspec.json.decode(inner)
            except msgspec.DecodeError:
                if not self._wrapped:
                    raise DecodeProblems(f"the answer is not JSON: {error}", problems=(("$", str(error)),)) from error
                value = text.strip()  # a bare word, as a small model answers a Literal
        if isinstance(self.type, Mapping) and not self._wrapped:
            try:
                return cast("T", decode_object(self.schema.name, self.schema.schema, value))
            except ToolArgumentsError as error:
                raise DecodeProblems(str(error), problems=error.problems) from error
        if self._wrapped and isinstance(value, dict) and set(value) == {"value"}:
            value = value["value"]
        if isinstance(self.type, Mapping):
            return cast("T", value)
        return cast("T", decode(self.type, msgspec.json.encode(value), what="the answer"))
