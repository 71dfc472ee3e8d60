"""Strict schemas allow nothing that the original forbids, as far as the dialect can tell."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from victor.core.models.sample import sample
from victor.core.models.strict_schema import strict_schema
from victor.core.schema import decode, json_schema

OBJECT = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}


@attrs.frozen
class Leaf:
    name: str
    size: int = 3
    note: str | None = None


@attrs.frozen
class Tree:
    leaves: list[Leaf]
    kind: Leaf | int
    left: Tree | None = None


@pytest.mark.parametrize("made_for", [Leaf, Tree])
@pytest.mark.parametrize("require_all", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_what_fits_the_strict_form_fits_the_type(made_for, require_all, seed):
    strict = strict_schema(json_schema(made_for), require_all=require_all, limits=True)
    assert strict is not None
    value = sample(strict, seed=seed)
    assert isinstance(decode(made_for, value, what="value"), made_for)


def objects(at: Any) -> Any:
    if isinstance(at, dict):
        if "properties" in at:
            yield at
        for value in at.values():
            yield from objects(value)
    elif isinstance(at, list):
        for value in at:
            yield from objects(value)


def test_every_object_is_closed_and_whole():
    strict = strict_schema(json_schema(Tree), require_all=True, limits=True)
    found = list(objects(strict))
    assert len(found) >= 2
    for one in found:
        assert one["additionalProperties"] is False
        assert set(one["required"]) == set(one["properties"])


schemas = st.recursive(
    st.sampled_from([{"type": "string", "minLength": 2}, {"type": "integer", "minimum": 0}, {"enum": ["a", "b"]}]),
    lambda inner: (
        st.builds(lambda s: {"type": "array", "items": s}, inner)
        | st.builds(lambda s: {"anyOf": [s, {"type": "null"}]}, inner)
        | st.builds(
            lambda parts, few: {
                "type": "object",
                "properties": {f"p{n}": part for n, part in enumerate(parts)},
                "required": [f"p{n}" for n in range(min(few, len(parts)))],
            },
            st.lists(inner, min_size=1, max_size=3),
            st.integers(0, 3),
        )
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(schemas)
def test_the_original_is_left_alone(schema):
    whole = {"type": "object", "properties": {"x": schema}, "required": []}
    before = repr(whole)
    assert strict_schema(whole, require_all=True, limits=False) is not None
    assert repr(whole) == before


@pytest.mark.parametrize(
    "part",
    [
        {"type": "object"},
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "object", "properties": {"a": {}}, "additionalProperties": True},
        {"allOf": [OBJECT]},
        {"type": "array"},
        {"type": "array", "prefixItems": [{"type": "string"}]},
        {},
        True,
        {"description": "anything"},
    ],
)
def test_what_has_no_strict_form(part):
    assert strict_schema({"type": "object", "properties": {"x": part}}, require_all=True, limits=True) is None


def test_a_root_that_is_no_object():
    assert strict_schema({"type": "string"}, require_all=True, limits=True) is None
    assert strict_schema({"anyOf": [OBJECT]}, require_all=True, limits=True) is None


def test_details():
    schema = {
        "type": "object",
        "title": "T",
        "properties": {
            "when": {"type": "string", "format": "date", "title": "When", "examples": ["x"], "minLength": 3},
            "odd": {"type": "string", "format": "color"},
            "some": {"oneOf": [{"type": "string"}, {"type": "null"}], "default": None, "description": "A thing."},
            "many": {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 1},
            "ref": {"$ref": "#/$defs/a", "description": "beside", "default": 1},
        },
        "required": ["when"],
        "$defs": {"a": OBJECT},
    }
    strict = strict_schema(schema, require_all=True, limits=True)
    assert strict["properties"] == {
        "when": {"type": "string", "format": "date"},
        "odd": {"type": "string"},
        "some": {"anyOf": [{"type": "string"}, {"type": "null"}], "description": "A thing. Usually null."},
        "many": {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 1},
        "ref": {"$ref": "#/$defs/a"},
    }
    loose = strict_schema(schema, require_all=False, limits=False)
    assert loose["properties"]["many"] == {"type": "array", "items": {"type": "integer"}}
    assert loose["required"] == ["when"]
