"""`types_in` finds the storable classes a schema mentions."""

from __future__ import annotations

import enum
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    NotRequired,
    Optional,
    TypedDict,
    TypeVar,
    Union,
)

import attrs
import pytest

from victor.core.message import Message, ToolCall
from victor.graph.checkpoint.codec import Codec, types_in

if TYPE_CHECKING:
    from nowhere import Invisible

T = TypeVar("T", bound="Bound")


@attrs.frozen
class Bound:
    x: int


@attrs.frozen
class Leaf:
    x: int


@attrs.frozen
class Tree:
    left: Tree | None
    leaf: Optional[Leaf]  # noqa: UP045
    hidden: Invisible | None = None


@dataclass
class Data:
    items: dict[str, list[Tree]]
    kind: Literal["a"] | None = None


@dataclass
class SubData(Data):
    more: Pair | None = None


class Pair(NamedTuple):
    color: Color


class Color(enum.Enum):
    RED = 1


class Mode(enum.Enum):
    ON = 1


@attrs.frozen
class Box(Generic[T]):
    item: T


@attrs.frozen
class BoxOfLeaf(Box[Leaf]):
    pass


Wrapped = NewType("Wrapped", Leaf)


class Base(TypedDict):
    pair: NotRequired[Pair]


class State(Base, total=False):
    messages: Annotated[list[Message], operator.add]
    data: SubData
    mode: Literal[Mode.ON]
    plain: int
    anything: Any
    call: Callable[[Leaf], None]


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (State, {Message, ToolCall, SubData, Tree, Leaf, Pair, Color, Mode}),
        (Tree, {Tree, Leaf}),
        (Union[int, Sequence[Leaf]], {Leaf}),  # noqa: UP007
        (Leaf | None, {Leaf}),
        (Mapping[Color, tuple[Leaf, ...]], {Color, Leaf}),
        (Wrapped, {Leaf}),
        (Box[Leaf], {Box, Leaf, Bound}),
        (BoxOfLeaf, {BoxOfLeaf, Box, Leaf, Bound}),
        (int, set()),
        (Any, set()),
        (dict, set()),
        (enum.Enum, set()),
        (ValueError, set()),
    ],
)
def test_types_in(schema: Any, expected: set[type]) -> None:
    assert types_in(schema) == expected


def test_classes_made_at_run_time() -> None:
    made = attrs.make_class("Made", {"leaf": attrs.field(type=Leaf), "x": attrs.field()})
    assert types_in(made) == {made, Leaf}


def test_local_and_pydantic_classes() -> None:
    pydantic = pytest.importorskip("pydantic", reason="pip install pydantic")

    class Model(pydantic.BaseModel):
        model_config = {"arbitrary_types_allowed": True}
        leaf: Leaf
        pairs: list[Pair] = []

    class Holder(TypedDict):
        model: Model

    holder = Holder.__annotations__
    holder["model"] = Model  # a name local to a function cannot be resolved from its text
    assert types_in(Holder) == {Model, Leaf, Pair, Color}


def test_a_type_alias_of_python_312() -> None:
    typing = pytest.importorskip("typing")
    if not hasattr(typing, "TypeAliasType"):
        pytest.skip("not applicable: TypeAliasType is new in Python 3.12")
    alias = typing.TypeAliasType("alias", list[Leaf])
    assert types_in(alias) == {Leaf}


def test_the_result_is_an_allowlist() -> None:
    codec = Codec(allow=types_in(State))
    value = {"data": SubData({"a": [Tree(None, Leaf(1))]}), "mode": Mode.ON, "pair": Pair(Color.RED)}
    assert codec.decode(codec.encode(value)) == value
