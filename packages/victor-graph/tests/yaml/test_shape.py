"""The short notation for answers."""

from __future__ import annotations

import pytest

from victor.core.errors import ConfigurationError
from victor.graph.yaml.shape import read_shape


@pytest.mark.parametrize(
    ("shape", "schema"),
    [
        ("string", {"type": "string"}),
        ("int", {"type": "integer"}),
        ("list", {"type": "array"}),
        ("list[number]", {"type": "array", "items": {"type": "number"}}),
        ("list[list[bool]]", {"type": "array", "items": {"type": "array", "items": {"type": "boolean"}}}),
        ("string?", {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        (["a", "b"], {"type": "string", "enum": ["a", "b"]}),
        ([1, 2], {"type": "integer", "enum": [1, 2]}),
        ([True, "maybe"], {"enum": [True, "maybe"]}),
        ({"type": "object", "properties": {}}, {"type": "object", "properties": {}}),
        ({"type": "array", "items": {"type": "string"}}, {"type": "array", "items": {"type": "string"}}),
    ],
)
def test_shapes(shape, schema):
    assert read_shape(shape) == schema


def test_objects_need_all_their_fields_and_no_more():
    assert read_shape({"type": "string", "inner": {"n": "integer"}}) == {
        "type": "object",
        "properties": {
            "type": {"type": "string"},
            "inner": {
                "type": "object",
                "properties": {"n": {"type": "integer"}},
                "required": ["n"],
                "additionalProperties": False,
            },
        },
        "required": ["type", "inner"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize("shape", ["strnig", "list[x]", {}, [], [{}], 3, None, {"a": 1.5}])
def test_what_means_nothing_is_refused(shape):
    with pytest.raises(ConfigurationError):
        read_shape(shape)
