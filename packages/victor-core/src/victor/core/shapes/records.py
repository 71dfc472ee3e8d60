"""Shapes of classes with named fields: attrs, dataclasses, TypedDict, NamedTuple, Struct and pydantic models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec
from attrs import frozen

from victor.core.errors import SchemaError
from victor.core.shapes.base import FAILED, Definitions, Problems, Schema, Shape
from victor.core.shapes.containers import key_path, parsed_text

__all__ = ["MISSING", "Field", "PydanticMarked", "PydanticModel", "Record", "is_for_pydantic", "unknown_name"]

MISSING: Final = object()
"""The default of a field that has none."""


@frozen
class Field:
    """One field.

    Args:
        name: In JSON.
        shape: Of its value.
        required: Whether it must be there.
        description: What it is.
        default: For the schema, or `MISSING`.
        keyword: How the constructor calls it, if not by its name.
    """

    name: str
    shape: Shape
    required: bool = True
    description: str = ""
    default: Any = MISSING
    keyword: str = ""

    def schema(self, definitions: Definitions, description: str = "") -> Schema:
        """Its schema with description and default."""
        out = self.shape.schema(definitions)
        text = self.description or out.get("description", "") or description
        if text:
            out = {**out, "description": text}
        if self.default is not MISSING and self.default is not None:
            try:
                out = {**out, "default": msgspec.to_builtins(self.default, enc_hook=_plain)}
            except (TypeError, ValueError, msgspec.MsgspecError):
                pass
        return out


def _plain(value: Any) -> Any:
    from pathlib import PurePath

    if isinstance(value, PurePath):
        return str(value)
    raise TypeError(type(value).__name__)


class Record(Shape):
    """An object with named fields and no others.

    Args:
        kind: The class.
        make: Called with the values by keyword.
        closed: Unknown fields are an error (as they are for all but Structs that allow them).
    """

    noun = "an object"

    def __init__(self, kind: Any, make: Callable[..., Any], *, fast: Any = None, closed: bool = True) -> None:
        self.kind = kind
        self.make = make
        self.fast = fast
        self.closed = closed
        self.fields: list[Field] = []
        self.describe: Callable[[], tuple[str, Mapping[str, str]]] | None = None
        self.instance: type | None = kind if isinstance(kind, type) and make is kind else None
        self.positional = False

    def count(self, definitions: Definitions) -> None:
        """As `Shape.count`."""
        seen = definitions.uses.get(id(self), 0)
        definitions.uses[id(self)] = seen + 1
        if not seen:
            for field in self.fields:
                field.shape.count(definitions)

    def schema(self, definitions: Definitions) -> Schema:
        """JSON Schema, as `Shape.schema`."""
        if definitions.uses.get(id(self), 0) < 2:
            return self.body(definitions)
        new = id(self) not in definitions.names
        name = definitions.name_for(id(self), getattr(self.kind, "__name__", "Object"))
        if new:
            definitions.schemas[name] = {}  # holds the place, so that the order is that of first use
            definitions.schemas[name] = self.body(definitions)
        return {"$ref": f"#/$defs/{name}"}

    def body(self, definitions: Definitions) -> Schema:
        """The schema in full."""
        text, descriptions = self.describe() if self.describe is not None else ("", {})
        out: Schema = {"type": "object"}
        if text:
            out["description"] = text
        out["properties"] = {f.name: f.schema(definitions, descriptions.get(f.name, "")) for f in self.fields}
        required = [f.name for f in self.fields if f.required]
        if required:
            out["required"] = required
        if self.closed:
            out["additionalProperties"] = False
        return out

    def convert(self, value: Any, path: str, problems: Problems, lenient: bool) -> Any:
        """The value or `FAILED`, as `Shape.convert`."""
        if self.instance is not None and isinstance(value, self.instance):
            return value
        value = parsed_text(value, (dict,), lenient)
        if self.positional and isinstance(value, (list, tuple)) and len(value) <= len(self.fields):
            value = {field.name: each for field, each in zip(self.fields, value, strict=False)}
        if not isinstance(value, dict):
            return self.wrong(value, path, problems)
        values = self.values(value, path, problems, lenient)
        if values is None:
            return FAILED
        try:
            return self.make(**values)
        except (ValueError, TypeError) as error:  # a validator, or __post_init__
            problems.append((path, str(error) or f"is no valid {getattr(self.kind, '__name__', 'value')}"))
            return FAILED

    def values(self, value: dict[Any, Any], path: str, problems: Problems, lenient: bool) -> dict[str, Any] | None:
        """The fields' values by keyword, or None after adding to ``problems``."""
        before = len(problems)
        out: dict[str, Any] = {}
        for field in self.fields:
            if field.name in value:
                out[field.keyword or field.name] = field.shape.convert(
                    value[field.name], key_path(path, field.name), problems, lenient
                )
            elif field.required:
                what = f": {field.description}" if field.description else ""
                problems.append((key_path(path, field.name), f"is required ({field.shape.noun}){what}"))
        if self.closed:
            names = [field.name for field in self.fields]
            for key in value:
                if key not in names:
                    problems.append((key_path(path, key), unknown_name(str(key), names)))
        return None if len(problems) > before else out


def unknown_name(key: str, names: list[str]) -> str:
    """What to say of a name that is none of ``names``."""
    from victor.core.catalog import near_matches

    near = near_matches(key[:100], names, most=1)
    if near:
        return f"is unknown; did you mean {near[0]!r}?"
    return "is unknown; there are: " + ", ".join(names) if names else "is unknown; nothing is expected here"


class PydanticModel(Shape):
    """A pydantic model or dataclass: schema, validation and messages are pydantic's."""

    noun = "an object"

    def __init__(self, kind: Any) -> None:
        self.kind = kind
        self._adapter: Any = None

    @property
    def adapter(self) -> Any:
        """Pydantic's own view of the type."""
        if self._adapter is None:
            from pydantic import TypeAdapter

            self._adapter = TypeAdapter(self.kind)
        return self._adapter

    def schema(self, definitions: Definitions) -> Schema:
        """JSON Schema, as `Shape.schema`."""
        out: Schema = self.adapter.json_schema(ref_template="#/$defs/{model}")
        for name, definition in out.pop("$defs", {}).items():
            definitions.schemas.setdefault(name, _untitled(definition))
        untitled: Schema = _untitled(out)
        return untitled

    def convert(self, value: Any, path: str, problems: Problems, lenient: bool) -> Any:
        """The value or `FAILED`, as `Shape.convert`."""
        from pydantic import ValidationError

        try:
            return self.adapter.validate_python(self._given(value, lenient), strict=None)
        except ValidationError as error:
            for each in error.errors(include_url=False, include_context=False, include_input=False):
                at = path
                for part in each["loc"]:
                    at = f"{at}[{part}]" if isinstance(part, int) else key_path(at, part)
                text = str(each["msg"])
                problems.append((at, "is required" if each["type"] == "missing" else text[:1].lower() + text[1:]))
            return FAILED

    def _given(self, value: Any, lenient: bool) -> Any:
        return parsed_text(value, (dict,), lenient)


class PydanticMarked(PydanticModel):
    """An ``Annotated`` type with marks only pydantic understands: validators, discriminators, changes of text.

    Raises:
        SchemaError: Pydantic does not know the type that is marked.
    """

    noun = "a value"

    def __init__(self, kind: Any) -> None:
        super().__init__(kind)
        from pydantic.errors import PydanticUserError

        try:
            self.schema(Definitions())
        except (PydanticUserError, TypeError) as error:
            reason = str(error).partition("\n")[0]
            raise SchemaError(f"pydantic has to check it, and cannot: {reason}") from error

    def _given(self, value: Any, lenient: bool) -> Any:
        return value


def is_for_pydantic(marks: Iterable[Any]) -> bool:
    """Whether some of the arguments of an ``Annotated`` mean something that only pydantic can do."""
    for mark in marks:
        kind = mark if isinstance(mark, type) else type(mark)
        if kind.__module__.partition(".")[0] != "pydantic":
            continue
        if kind.__name__ != "FieldInfo":
            return True
        if mark.discriminator is not None or is_for_pydantic(m for m in mark.metadata if type(m).__name__[:1] != "_"):
            return True
    return False


def _untitled(schema: Any) -> Any:
    """Without pydantic's titles, which only repeat names."""
    if isinstance(schema, list):
        return [_untitled(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    out = {}
    for key, value in schema.items():
        if key in {"properties", "$defs", "patternProperties"} and isinstance(value, dict):
            out[key] = {name: _untitled(each) for name, each in value.items()}
        elif key in {"default", "const", "enum", "examples"}:
            out[key] = value
        elif not (key == "title" and isinstance(value, str)):
            out[key] = _untitled(value)
    return out
