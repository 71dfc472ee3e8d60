"""What ``Annotated[...]`` adds to a type: bounds, lengths, patterns and a description.

Understood are `msgspec.Meta`, the marks of ``annotated_types`` (by their attributes, so it need not be
installed), pydantic's ``Field``, ``Doc``, and plain text as a description.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec
from attrs import define, field

from victor.core.shapes.base import FAILED, Definitions, Problems, Schema, Shape, shown

__all__ = ["Constraints", "Narrowed"]

_BOUNDS: Final = {
    "ge": ("minimum", "must be at least"),
    "gt": ("exclusiveMinimum", "must be more than"),
    "le": ("maximum", "must be at most"),
    "lt": ("exclusiveMaximum", "must be less than"),
}
_OPTIONS: Final = (*_BOUNDS, "multiple_of", "min_length", "max_length", "pattern")
_LENGTHS: Final = {
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
}
_UNITS: Final = {str: "character", bytes: "byte", dict: "key"}


@define
class Constraints:
    """What is asked of a value beyond its type.

    Args:
        values: By the names `msgspec.Meta` has: ge, gt, le, lt, multiple_of, min_length, max_length, pattern, tz.
        predicates: Functions that must hold.
        description: What the value is.
        examples: Sample values.
        extra: More keys for the schema.
    """

    values: dict[str, Any] = field(factory=dict)
    predicates: list[Callable[[Any], bool]] = field(factory=list)
    description: str = ""
    examples: list[Any] = field(factory=list)
    extra: Schema = field(factory=dict)

    @classmethod
    def of(cls, marks: Iterable[Any]) -> Constraints:
        """Those of the arguments of an ``Annotated``; what is unknown is ignored, as Python asks of us."""
        found = cls()
        for mark in marks:
            found._add(mark)
        return found

    def _add(self, mark: Any) -> None:
        if isinstance(mark, str):
            self.description = self.description or mark
            return
        if isinstance(getattr(mark, "documentation", None), str):  # typing_extensions.Doc
            self.description = self.description or mark.documentation
            return
        if isinstance(mark, type):
            return
        for name in (*_OPTIONS, "tz"):
            value = getattr(mark, name, None)
            if value is not None and not callable(value):
                self.values[name] = value
        if isinstance(mark, msgspec.Meta):
            self.extra.update(mark.extra_json_schema or {})
        elif type(mark).__module__ == "annotated_types" and type(mark).__name__ in {"Predicate", "Not"}:
            test = mark.func
            self.predicates.append((lambda v: not test(v)) if type(mark).__name__ == "Not" else test)
        for inner in getattr(mark, "metadata", None) or ():  # pydantic's Field keeps its marks in a list
            self._add(inner)
        if isinstance(getattr(mark, "description", None), str):
            self.description = self.description or mark.description
        examples = getattr(mark, "examples", None)
        if isinstance(examples, list) and not self.examples:
            self.examples = examples

    @property
    def binding(self) -> bool:
        """True when some values are refused."""
        return bool(self.values or self.predicates)

    def narrow(self, schema: Schema) -> Schema:
        """The schema with these constraints written in."""
        out = self._bounds(schema)
        if self.description:
            out["description"] = self.description
        if self.examples:
            out["examples"] = self.examples
        out.update(self.extra)
        return out

    def _bounds(self, schema: Schema) -> Schema:
        if "anyOf" in schema:
            return {**schema, "anyOf": [self._bounds(branch) for branch in schema["anyOf"]]}
        out, kind, values = dict(schema), schema.get("type"), self.values
        if kind in {"integer", "number"}:
            out.update({key: values[name] for name, (key, _) in _BOUNDS.items() if _is_number(values.get(name))})
            if "multiple_of" in values:
                out["multipleOf"] = values["multiple_of"]
        if kind in _LENGTHS:
            shortest, longest = _LENGTHS[kind]
            if values.get("min_length"):
                out[shortest] = values["min_length"]
            if "max_length" in values:
                out[longest] = values["max_length"]
        if kind == "string" and "pattern" in values:
            out["pattern"] = getattr(values["pattern"], "pattern", values["pattern"])
        return out

    def check(self, value: Any, path: str, problems: Problems) -> bool:
        """Whether a value meets them; adds to ``problems`` what it does not."""
        before = len(problems)
        for name, limit in self.values.items():
            try:
                text = _broken(name, limit, value)
            except TypeError:  # a bound that has no meaning for this member of a union
                continue
            if text:
                problems.append((path, f"{text}, got {shown(value)}"))
        for predicate in self.predicates:
            if not predicate(value):
                name = getattr(predicate, "__name__", "predicate")
                problems.append((path, f"must satisfy {name}, got {shown(value)}"))
        return len(problems) == before

    def fast(self, inner: Any) -> Any:
        """A type msgspec decodes with these constraints, or None where it cannot."""
        numbers = [v for name, v in self.values.items() if name in (*_BOUNDS, "multiple_of")]
        if inner is None or self.predicates or not all(map(_is_number, numbers)):
            return None
        if not self.values:
            return inner
        values = {name: getattr(v, "pattern", v) if name == "pattern" else v for name, v in self.values.items()}
        return _annotated(inner, msgspec.Meta(**values))


class Narrowed(Shape):
    """A shape with constraints."""

    def __init__(self, inner: Shape, constraints: Constraints) -> None:
        self.inner = inner
        self.constraints = constraints
        self.noun: str = inner.noun
        self.rank: int = inner.rank
        self.fast: Any = constraints.fast(inner.fast)

    def count(self, definitions: Definitions) -> None:
        """As `Shape.count`."""
        self.inner.count(definitions)

    def schema(self, definitions: Definitions) -> Schema:
        """JSON Schema, as `Shape.schema`."""
        return self.constraints.narrow(self.inner.schema(definitions))

    def convert(self, value: Any, path: str, problems: Problems, lenient: bool) -> Any:
        """The value or `FAILED`, as `Shape.convert`."""
        out = self.inner.convert(value, path, problems, lenient)
        if out is FAILED or out is None or not self.constraints.binding:
            return out
        return out if self.constraints.check(out, path, problems) else FAILED


def _broken(name: str, limit: Any, value: Any) -> str:
    """What the value must be, if it is not."""
    fine = True
    text = ""
    if name in _BOUNDS:
        fine = {"ge": value >= limit, "gt": value > limit, "le": value <= limit, "lt": value < limit}[name]
        text = f"{_BOUNDS[name][1]} {limit}"
    elif name == "multiple_of":
        fine, text = value % limit == 0, f"must be a multiple of {limit}"
    elif name in {"min_length", "max_length"}:
        kind: Any = type(value)
        unit = _UNITS.get(kind, "item") + ("" if limit == 1 else "s")
        fine = len(value) >= limit if name == "min_length" else len(value) <= limit
        text = f"must have at {'least' if name == 'min_length' else 'most'} {limit} {unit}"
    elif name == "pattern":
        pattern = getattr(limit, "pattern", limit)
        fine, text = re.search(pattern, value) is not None, f"must match the pattern {pattern}"
    elif name == "tz":
        fine = (getattr(value, "tzinfo", None) is not None) is bool(limit)
        text = "must have a time zone, such as 'Z'" if limit else "must have no time zone"
    return "" if fine else text


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _annotated(inner: Any, meta: msgspec.Meta) -> Any:
    from typing import Annotated

    return Annotated[inner, meta]
