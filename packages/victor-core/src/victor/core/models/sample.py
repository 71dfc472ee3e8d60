"""Makes values that fit a JSON Schema, the same ones each time: arguments for tools nobody has to think up.

Example:
    >>> schema = {"type": "object", "properties": {"town": {"type": "string", "minLength": 3}}, "required": ["town"]}
    >>> sorted(sample(schema))
    ['town']
    >>> sample(schema, seed=7) == sample(schema, seed=7)
    True
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final

from victor.core.errors import ConfigurationError

__all__ = ["sample"]

_DEPTH: Final = 16
_WORDS: Final = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "haven", "inlet", "juniper")
_FORMATS: Final[Mapping[str, str]] = {
    "date-time": "2024-05-17T09:30:00Z",
    "date": "2024-05-17",
    "time": "09:30:00Z",
    "duration": "PT1H30M",
    "email": "ann@example.org",
    "hostname": "example.org",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.org/a",
    "url": "https://example.org/a",
    "uuid": "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    "byte": "dGVh",
    "base64": "dGVh",
    "decimal": "1.5",
    "regex": "a+",
}


def sample(schema: Mapping[str, Any], *, seed: int = 0, all_properties: bool = False) -> Any:
    """A value that fits the schema.

    Args:
        schema: JSON Schema.
        seed: Another one gives other values.
        all_properties: Fill properties that are not required too.

    Raises:
        ConfigurationError: No value can be made: bounds that contradict each other, a pattern too odd, a shape that
            has no end; names the place.
    """
    return _Maker(schema, Random(seed), all_properties).make(schema, "$", 0)  # noqa: S311 - not for secrets


class _Maker:
    def __init__(self, root: Mapping[str, Any], random: Random, all_properties: bool) -> None:
        self._root = root
        self._random = random
        self._all = all_properties
        self._kinds: dict[str, Callable[[Mapping[str, Any], str, int], Any]] = {
            "string": self._string,
            "integer": self._integer,
            "number": self._number,
            "boolean": lambda schema, path, depth: self._random.random() < 0.5,
            "null": lambda schema, path, depth: None,
            "array": self._array,
            "object": self._object,
        }

    def make(self, schema: Any, path: str, depth: int) -> Any:
        if schema is True or schema == {}:
            return self._random.choice(_WORDS)
        if not isinstance(schema, Mapping):
            raise _cannot(path, f"nothing fits {schema!r}")
        if depth > _DEPTH:
            raise _cannot(path, "the schema refers to itself without an end")
        if "$ref" in schema:
            return self.make(self._target(schema["$ref"], path), path, depth + 1)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._random.choice(schema["enum"])
        for key in ("anyOf", "oneOf"):
            if key in schema:
                return self._first(schema[key], path, depth)
        if "allOf" in schema:
            return self.make(self._merged(schema, path), path, depth + 1)
        kind = schema.get("type") or _guess(schema)
        if isinstance(kind, Sequence) and not isinstance(kind, str):
            kind = next((k for k in kind if k != "null"), "null")
        maker = self._kinds.get(kind)
        if maker is None:
            raise _cannot(path, f"type {kind!r} is not known")
        return maker(schema, path, depth)

    def _first(self, options: Sequence[Any], path: str, depth: int) -> Any:
        """The first option that works out; one that is not null is preferred, where the depth allows it."""
        ordered = sorted(options, key=lambda option: (option == {"type": "null"}) != (depth > _DEPTH // 2))
        problem: ConfigurationError | None = None
        for option in ordered:
            try:
                return self.make(option, path, depth + 1)
            except ConfigurationError as error:
                problem = problem or error
        raise problem or _cannot(path, "there is nothing to choose from")

    def _target(self, ref: str, path: str) -> Any:
        at: Any = self._root
        for part in ref.removeprefix("#").split("/"):
            if part:
                part = part.replace("~1", "/").replace("~0", "~")
                if not isinstance(at, Mapping) or part not in at:
                    raise _cannot(path, f"{ref!r} leads nowhere")
                at = at[part]
        return at

    def _merged(self, schema: Mapping[str, Any], path: str) -> dict[str, Any]:
        merged = {key: value for key, value in schema.items() if key != "allOf"}
        for part in schema["allOf"]:
            part = self._target(part["$ref"], path) if "$ref" in part else part
            for key, value in part.items():
                if key == "properties":
                    merged[key] = {**merged.get(key, {}), **value}
                elif key == "required":
                    merged[key] = [*merged.get(key, ()), *value]
                else:
                    merged.setdefault(key, value)
        return merged

    def _string(self, schema: Mapping[str, Any], path: str, depth: int) -> str:
        least, most = schema.get("minLength", 0), schema.get("maxLength", math.inf)
        if least > most:
            raise _cannot(path, f"minLength {least} is more than maxLength {most}")
        if "pattern" in schema:
            from victor.core.models.pattern import matching

            text = matching(schema["pattern"], self._random, least, most)
            if text is None:
                raise _cannot(path, f"no text for the pattern {schema['pattern']!r} was found")
            return text
        text = _FORMATS.get(schema.get("format", ""), "") or self._random.choice(_WORDS)
        while len(text) < least:
            text += f" {self._random.choice(_WORDS)}"
        return text if len(text) <= most else text[: int(most)]

    def _bounds(self, schema: Mapping[str, Any], step: float) -> tuple[float, float]:
        low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
        above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
        if above is not None and above is not False:
            low = max(low, above + step)
        if below is not None and below is not False:
            high = min(high, below - step)
        if low == -math.inf:
            low = min(1, high)
        return low, high

    def _integer(self, schema: Mapping[str, Any], path: str, depth: int) -> int:
        low, high = self._bounds(schema, 1)
        of = schema.get("multipleOf", 1)
        first = math.ceil(low / of)
        last = first + 9 if high == math.inf else min(math.floor(high / of), first + 9)
        if first > last:
            raise _cannot(path, "no whole number fits its bounds")
        return int(self._random.randint(first, last) * of)

    def _number(self, schema: Mapping[str, Any], path: str, depth: int) -> float:
        of = schema.get("multipleOf")
        low, high = self._bounds(schema, of or 0)
        made = low if of is None else math.ceil(low / of) * of
        if made > high:
            raise _cannot(path, "no number fits its bounds")
        if of is not None:
            return float(made)
        high = min(high, low + 9)
        middle = low + (high - low) * (0.25 + self._random.random() / 2)
        return round(middle, 2) if low < round(middle, 2) < high else middle

    def _array(self, schema: Mapping[str, Any], path: str, depth: int) -> list[Any]:
        made = [self.make(part, f"{path}[{n}]", depth + 1) for n, part in enumerate(schema.get("prefixItems", ()))]
        least, most = schema.get("minItems", 0), schema.get("maxItems", math.inf)
        if least > most:
            raise _cannot(path, f"minItems {least} is more than maxItems {most}")
        items = schema.get("items", True)
        wanted = max(least, min(1, most) if depth < _DEPTH // 2 else 0, len(made))
        tries = 0
        while len(made) < wanted and items is not False:
            value = self.make(items, f"{path}[{len(made)}]", depth + 1)
            if schema.get("uniqueItems") and value in made:
                tries += 1
                if tries > 100:
                    raise _cannot(path, f"no {least} different items were found")
                continue
            made.append(value)
        return made

    def _object(self, schema: Mapping[str, Any], path: str, depth: int) -> dict[str, Any]:
        properties, required = schema.get("properties", {}), list(schema.get("required", ()))
        names = [name for name in properties if name in required or (self._all and depth < _DEPTH // 2)]
        names += [name for name in required if name not in properties]
        rest = schema.get("additionalProperties", True)
        made = {name: self.make(properties.get(name, rest), f"{path}.{name}", depth + 1) for name in names}
        for word in _WORDS:
            if len(made) >= schema.get("minProperties", 0):
                break
            if word not in made and word not in properties:
                made[word] = self.make(rest, f"{path}.{word}", depth + 1)
        return made


def _guess(schema: Mapping[str, Any]) -> str:
    if "properties" in schema or "required" in schema or "additionalProperties" in schema:
        return "object"
    if "items" in schema or "prefixItems" in schema:
        return "array"
    if any(key in schema for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")):
        return "number"
    return "string"


def _cannot(path: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"no value can be made for {path}: {why}")
