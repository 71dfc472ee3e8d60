"""Marks only pydantic understands: they are obeyed, or refused when the tool is made."""

from __future__ import annotations

from typing import Annotated, Literal

import attrs
import pytest

from victor.core.errors import SchemaError, ToolArgumentsError
from victor.core.tool import as_tool

pydantic = pytest.importorskip("pydantic", reason="pip install pydantic")


def even(value: int) -> int:
    if value % 2:
        raise ValueError("it is odd")
    return value


class Cat(pydantic.BaseModel):
    kind: Literal["cat"]
    lives: int = 9


class Dog(pydantic.BaseModel):
    kind: Literal["dog"]
    walks: str


@attrs.frozen
class Ours:
    x: int


async def test_validators_run():
    def f(
        x: Annotated[int, pydantic.AfterValidator(even)],
        y: Annotated[int, pydantic.BeforeValidator(lambda v: len(v))],
        z: Annotated[str, pydantic.StringConstraints(to_lower=True, min_length=2)],
    ) -> list[object]:
        return [x, y, z]

    tool = as_tool(f)
    assert (await tool.call({"x": 2, "y": "abc", "z": "AB"})).value == [2, 3, "ab"]
    wrong = await tool.call({"x": 3, "y": "abc", "z": "A"})
    assert isinstance(wrong.error, ToolArgumentsError)
    assert "$.x" in wrong.text and "it is odd" in wrong.text and "$.z" in wrong.text
    assert tool.parameters["properties"]["z"]["minLength"] == 2


async def test_a_discriminator_leads_to_the_branch_that_is_meant():
    def f(x: Annotated[Cat | Dog, pydantic.Field(discriminator="kind")]) -> str:
        return type(x).__name__

    tool = as_tool(f)
    assert (await tool.call({"x": {"kind": "dog", "walks": "long"}})).value == "Dog"
    text = (await tool.call({"x": {"kind": "dog", "v": 1}})).text
    assert "walks" in text and "is required" in text and "cat" not in text


async def test_a_plain_field_is_still_ours():
    def f(x: Annotated[int, pydantic.Field(gt=1, description="How many.")] = 3) -> int:
        return x

    tool = as_tool(f)
    assert (await tool.call({})).value == 3
    assert tool.parameters["properties"]["x"]["exclusiveMinimum"] == 1
    assert not (await tool.call({"x": 1})).ok


def test_a_field_for_a_default_is_refused():
    def f(x: int = pydantic.Field(3, gt=1)) -> int:
        return x

    with pytest.raises(SchemaError, match=r"f, parameter 'x': Field\(...\) is no value; write it as Annotated"):
        as_tool(f)


def test_what_pydantic_cannot_check_is_refused():
    def f(x: Annotated[Ours, pydantic.AfterValidator(lambda v: v)]) -> int:
        return 1

    with pytest.raises(SchemaError, match="parameter 'x': pydantic has to check it, and cannot"):
        as_tool(f)
