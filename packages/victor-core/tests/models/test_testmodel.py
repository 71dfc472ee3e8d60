"""The test model calls tools with arguments they accept; what it makes up fits the schema it was made for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from random import Random
from typing import Annotated, Any, Literal, TypedDict
from uuid import UUID

import msgspec
import pytest
from attrs import define
from hypothesis import given, settings
from hypothesis import strategies as st

from victor.core import Agent
from victor.core.errors import ConfigurationError
from victor.core.message import Message
from victor.core.model import ModelRequest, ModelResponse, resolve_model
from victor.core.models.pattern import matching
from victor.core.models.sample import sample
from victor.core.models.test import TestModel, from_name
from victor.core.schema import json_schema


class Color(Enum):
    RED = "red"
    BLUE = "blue"


@define
class Town:
    name: Annotated[str, msgspec.Meta(min_length=12)]
    founded: date
    twin: Town | None = None


class Options(TypedDict, total=False):
    loud: bool


@dataclass
class Visit:
    town: Town
    colors: list[Color]
    kind: Literal["short", "long"]
    people: Annotated[int, msgspec.Meta(gt=3, le=7)]
    share: Annotated[float, msgspec.Meta(ge=0, lt=1)]
    options: Options
    at: datetime
    id: UUID
    notes: dict[str, int]
    code: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}-[0-9]+$")]


TYPES = [Visit, Town, list[Town], dict[str, Visit], tuple[int, str], Literal[1, 2], Color | None, bool | None]


@pytest.mark.parametrize("made_for", TYPES)
@pytest.mark.parametrize("optional", [False, True])
def test_made_up_values_fit_their_type(made_for, optional):
    schema = json_schema(made_for)
    for seed in range(20):
        value = sample(schema, seed=seed, all_properties=optional)
        msgspec.convert(value, made_for)  # raises when it does not fit
        assert value == sample(schema, seed=seed, all_properties=optional)


def test_seeds_differ():
    schema = json_schema(Visit)
    assert len({str(sample(schema, seed=seed)) for seed in range(10)}) > 3


@given(st.integers(-50, 50), st.integers(0, 40), st.integers(1, 9), st.integers(0, 99))
@settings(max_examples=200, deadline=None)
def test_bounds_of_numbers_are_kept(low, span, of, seed):
    high = low + span
    inside = sample({"type": "integer", "minimum": low, "maximum": high}, seed=seed)
    assert low <= inside <= high
    assert low < sample({"type": "number", "exclusiveMinimum": low, "exclusiveMaximum": high + 1}, seed=seed) < high + 1
    assert sample({"type": "integer", "exclusiveMinimum": low}, seed=seed) > low
    assert sample({"type": "integer", "maximum": low}, seed=seed) <= low
    multiple = sample({"type": "integer", "minimum": low, "multipleOf": of}, seed=seed)
    assert multiple >= low
    assert multiple % of == 0


@settings(deadline=None)
@given(st.integers(0, 60), st.integers(0, 20), st.integers(0, 99))
def test_lengths_are_kept(least, span, seed):
    assert (
        least
        <= len(sample({"type": "string", "minLength": least, "maxLength": least + span}, seed=seed))
        <= least + span
    )
    size = min(least, 5)
    items = sample(
        {"type": "array", "items": {"type": "string", "minLength": 9}, "minItems": size, "uniqueItems": True}, seed=seed
    )
    assert len(items) >= size
    assert len(set(items)) == len(items)


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[A-Z]{2}-[0-9]{3,5}$", r"^\d{4}-\d{2}$", r"^(red|green)?\w+@[a-z.]+$", r"^[^abc]+$", r"^(a|b)\1$", r".+x.*",
        r"\bword\b", r"^(?:https?://)\S+$", r"^.{8,}$", r"^a*?b++$",
    ],
)  # fmt: skip
def test_patterns_are_met(pattern):
    for seed in range(10):
        text = matching(pattern, Random(seed), 0, 50)
        assert text is not None
        assert re.search(pattern, text)


def test_patterns_that_cannot_be_met_and_those_with_lengths():
    assert matching("(", Random(0), 0, 9) is None
    assert matching("^a$", Random(0), 5, 9) is None
    assert matching("a(?<=b)", Random(0), 0, 9) is None
    assert matching("(?(1)a|b)", Random(0), 0, 9) is None
    assert len(matching("^ab", Random(0), 6, 9)) == 6
    assert len(matching("^a+$", Random(0), 6, 9)) >= 6


@pytest.mark.parametrize(
    ("schema", "check"),
    [
        ({}, lambda v: isinstance(v, str)),
        ({"const": 5}, lambda v: v == 5),
        ({"properties": {"a": {"type": "null"}}, "required": ["a", "b"]}, lambda v: v["a"] is None and "b" in v),
        ({"prefixItems": [{"const": 1}, {"const": 2}], "items": False}, lambda v: v == [1, 2]),
        ({"minimum": 3, "maximum": 3}, lambda v: v == 3),
        ({"type": ["null", "integer"]}, lambda v: isinstance(v, int)),
        ({"type": "object", "minProperties": 2, "additionalProperties": {"type": "integer"}}, lambda v: len(v) == 2),
        ({"allOf": [{"properties": {"a": {"const": 1}}, "required": ["a"]}, {"$ref": "#/$defs/b"}],
          "$defs": {"b": {"properties": {"b": {"const": 2}}, "required": ["b"]}}}, lambda v: v == {"a": 1, "b": 2}),
        ({"anyOf": [False, {"const": 4}]}, lambda v: v == 4),
        ({"type": "number", "multipleOf": 0.5, "minimum": 1}, lambda v: v == 1.0),
    ],
)  # fmt: skip
def test_odd_schemas(schema, check):
    assert check(sample(schema))


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "string", "minLength": 5, "maxLength": 2}, r"\$: minLength 5 is more"),
        ({"type": "array", "minItems": 5, "maxItems": 2}, "minItems 5 is more"),
        ({"type": "integer", "minimum": 5, "maximum": 2}, "no whole number"),
        ({"type": "number", "minimum": 5, "maximum": 2}, "no number"),
        ({"type": "number", "minimum": 5, "maximum": 6, "multipleOf": 7}, "no number"),
        ({"type": "thing"}, "type 'thing' is not known"),
        ({"$ref": "#/$defs/none"}, "leads nowhere"),
        ({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}, "without an end"),
        ({"type": "object", "properties": {"a": False}, "required": ["a"]}, r"\$\.a: nothing fits False"),
        ({"anyOf": []}, "nothing to choose"),
        ({"type": "array", "items": {"const": 1}, "minItems": 2, "uniqueItems": True}, "no 2 different items"),
        ({"type": "string", "pattern": "("}, "no text for the pattern"),
    ],
)
def test_what_cannot_be_made_is_said(schema, said):
    with pytest.raises(ConfigurationError, match=said):
        sample(schema)


def test_every_tool_is_called_once_and_then_it_answers():
    seen: list[Any] = []

    def visit(town: str, people: Annotated[int, msgspec.Meta(ge=10)] = 10) -> str:
        "Visit."
        seen.append((town, people))
        return f"{people} in {town}"

    def fail(reason: Literal["rain", "snow"]) -> str:
        "Fail."
        raise ValueError(reason)

    model = TestModel(optional=True)
    result = Agent("Try.", tools=[visit, fail], model=model).run_sync("go")
    assert len(seen) == 1
    assert seen[0][1] >= 10
    assert result.output.startswith(f"called visit: {seen[0][1]} in {seen[0][0]}; called fail: ")
    assert result.tool_calls == 2
    assert [len(request.messages) for request in model.requests] == [2, 5]


def test_it_fills_an_output_type():
    assert isinstance(Agent(model=TestModel(), output_type=Town).run_sync("go").output, Town)
    given_ = {"name": "Ulm an der Donau", "founded": "0854-07-22"}
    assert Agent(model=TestModel(output=given_), output_type=Town).run_sync("go").output.founded == date(854, 7, 22)
    assert Agent(model=TestModel(text="Fine.")).run_sync("go").output == "Fine."
    assert Agent(model=TestModel()).run_sync("go").output == "no tool was called"


async def test_chosen_tools_and_a_second_prompt():
    def a() -> str:
        "A."
        return "a" * 100

    def b() -> str:
        "B."
        return "b"

    agent = Agent(tools=[a, b], model=TestModel(tools=["a"]))
    result = await agent.run("go")
    assert result.output == "called a: " + "a" * 59 + "…"
    again = await agent.run("again", history=result.messages)
    assert again.tool_calls == 1  # once for each prompt
    with pytest.raises(ConfigurationError, match="no tool 'c' to call; there are: a, b"):
        await Agent(tools=[a, b], model=TestModel(tools=["c"])).run("go")
    with pytest.raises(ConfigurationError, match="list of names"):
        TestModel(tools="a")


async def test_streams_and_names():
    request = ModelRequest([Message.user("x")])
    chunks = [chunk async for chunk in TestModel(text="to be").stream(request)]
    assert isinstance(chunks[-1], ModelResponse)
    assert len(chunks) == 3
    assert isinstance(resolve_model("test:3"), TestModel)
    with pytest.raises(ConfigurationError, match="should be 'test', or 'test:SEED'"):
        from_name("many")
