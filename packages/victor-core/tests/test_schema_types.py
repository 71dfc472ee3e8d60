"""json_schema and decode, type by type."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import typing
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Generic, Literal, NamedTuple, NewType, TypeVar

import annotated_types
import attrs
import msgspec
import pydantic
import pytest

from victor.core.errors import SchemaError
from victor.core.schema import DecodeProblems, decode, json_schema

T = TypeVar("T")


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Mixed(enum.Enum):
    ONE = 1
    WORD = "word"


@attrs.frozen
class Point:
    """A place on the plane.

    Attributes:
        x: How far right.
    """

    x: int
    y: int = attrs.field(default=0, metadata={"description": "How far up."})
    tags: list[str] = attrs.field(factory=list)
    _secret: str = "s"
    area: int = attrs.field(init=False, default=7)


@dataclasses.dataclass
class Box:
    width: int
    color: Color = Color.RED
    kept: typing.ClassVar[int] = 3

    def __post_init__(self) -> None:
        if self.width < 0:
            raise ValueError("a box cannot be narrower than nothing")


class Town(typing.TypedDict):
    name: str
    people: typing.NotRequired[int]


class Pair(NamedTuple):
    left: int
    right: str = "r"


class Wire(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    node_id: int
    label: str = ""


class Cat(msgspec.Struct, tag="cat"):
    lives: int


class Dog(msgspec.Struct, tag="dog"):
    barks: bool


class User(pydantic.BaseModel):
    """Somebody."""

    name: str = pydantic.Field(min_length=2, description="What they are called.")
    age: int = 3


@attrs.define
class Tree:
    value: int
    children: list[Tree] = attrs.field(factory=list)


@dataclasses.dataclass
class Holder(Generic[T]):
    item: T


@attrs.frozen
class Circle:
    kind: Literal["circle"]
    radius: float


@attrs.frozen
class Square:
    kind: Literal["square"]
    side: float


UserId = NewType("UserId", int)

JSON_FOR = [
    (int, {"type": "integer"}),
    (float, {"type": "number"}),
    (str, {"type": "string"}),
    (bool, {"type": "boolean"}),
    (None, {"type": "null"}),
    (Any, {}),
    (object, {}),
    (bytes, {"type": "string", "contentEncoding": "base64"}),
    (Path, {"type": "string", "format": "path"}),
    (PurePosixPath, {"type": "string", "format": "path"}),
    (dt.datetime, {"type": "string", "format": "date-time"}),
    (dt.date, {"type": "string", "format": "date"}),
    (dt.time, {"type": "string", "format": "time"}),
    (dt.timedelta, {"type": "string", "format": "duration"}),
    (decimal.Decimal, {"type": "string", "format": "decimal"}),
    (uuid.UUID, {"type": "string", "format": "uuid"}),
    (Color, {"type": "string", "enum": ["red", "blue"]}),
    (Level, {"type": "integer", "enum": [1, 2]}),
    (Mixed, {"type": ["integer", "string"], "enum": [1, "word"]}),
    (Literal["b", "a"], {"type": "string", "enum": ["b", "a"]}),
    (Literal["a", None], {"type": ["string", "null"], "enum": ["a", None]}),
    (Literal[True, 1], {"type": ["boolean", "integer"], "enum": [True, 1]}),
    (list, {"type": "array"}),
    (list[int], {"type": "array", "items": {"type": "integer"}}),
    (Sequence[str], {"type": "array", "items": {"type": "string"}}),
    (set[int], {"type": "array", "items": {"type": "integer"}, "uniqueItems": True}),
    (tuple[int, ...], {"type": "array", "items": {"type": "integer"}}),
    (
        tuple[int, str],
        {
            "type": "array",
            "prefixItems": [{"type": "integer"}, {"type": "string"}],
            "items": False,
            "minItems": 2,
            "maxItems": 2,
        },
    ),
    (tuple[()], {"type": "array", "items": False, "minItems": 0, "maxItems": 0}),
    (dict, {"type": "object", "additionalProperties": True}),
    (Mapping[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
    (
        dict[int, str],
        {"type": "object", "propertyNames": {"pattern": "^-?[0-9]+$"}, "additionalProperties": {"type": "string"}},
    ),
    (
        dict[Literal["a", "b"], int],
        {
            "type": "object",
            "propertyNames": {"type": "string", "enum": ["a", "b"]},
            "additionalProperties": {"type": "integer"},
        },
    ),
    (int | None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
    (None | int, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
    (dt.datetime | None, {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}),
    (typing.Union[int, str], {"anyOf": [{"type": "integer"}, {"type": "string"}]}),  # noqa: UP007
    (int | Any, {}),
    (UserId, {"type": "integer"}),
    (Annotated[int, "how many"], {"type": "integer", "description": "how many"}),
    (Annotated[int, msgspec.Meta(ge=1, lt=5)], {"type": "integer", "minimum": 1, "exclusiveMaximum": 5}),
    (Annotated[int, annotated_types.Interval(ge=1, le=9)], {"type": "integer", "minimum": 1, "maximum": 9}),
    (
        Annotated[int, pydantic.Field(gt=1, description="d")],
        {"type": "integer", "exclusiveMinimum": 1, "description": "d"},
    ),
    (Annotated[str, msgspec.Meta(min_length=2, pattern="^a")], {"type": "string", "minLength": 2, "pattern": "^a"}),
    (
        Annotated[list[int], annotated_types.Len(1, 3)],
        {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 3},
    ),
    (Annotated[int, annotated_types.MultipleOf(5)], {"type": "integer", "multipleOf": 5}),
    (Annotated[int | None, msgspec.Meta(ge=1)], {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]}),
    (Annotated[str, msgspec.Meta(examples=["a"])], {"type": "string", "examples": ["a"]}),
    (collections.Counter[str], {"type": "object", "additionalProperties": {"type": "integer"}}),
]


@pytest.mark.parametrize(("kind", "schema"), JSON_FOR, ids=lambda value: str(value)[:40])
def test_schema(kind: Any, schema: dict[str, Any]) -> None:
    assert json_schema(kind) == schema


def test_attrs_class_has_descriptions_defaults_and_constructor_names() -> None:
    assert json_schema(Point) == {
        "type": "object",
        "description": "A place on the plane.",
        "properties": {
            "x": {"type": "integer", "description": "How far right."},
            "y": {"type": "integer", "description": "How far up.", "default": 0},
            "tags": {"type": "array", "items": {"type": "string"}},
            "secret": {"type": "string", "default": "s"},
        },
        "required": ["x"],
        "additionalProperties": False,
    }


def test_dataclass_has_no_generated_description() -> None:
    schema = json_schema(Box)
    assert "description" not in schema
    assert schema["properties"]["color"] == {"type": "string", "enum": ["red", "blue"], "default": "red"}
    assert list(schema["properties"]) == ["width", "color"]


def test_pydantic_model_without_titles() -> None:
    schema = json_schema(User)
    assert "title" not in schema and "title" not in schema["properties"]["name"]
    assert schema["properties"]["name"] == {"type": "string", "minLength": 2, "description": "What they are called."}


def test_a_class_used_once_is_written_in_place_and_twice_goes_to_defs() -> None:
    assert "$defs" not in json_schema(list[Point])
    twice = json_schema(tuple[Point, Point])
    assert twice["prefixItems"] == [{"$ref": "#/$defs/Point"}] * 2
    assert set(twice["$defs"]) == {"Point"}


def test_a_class_that_contains_itself_has_an_object_at_the_root() -> None:
    schema = json_schema(Tree)
    assert schema["type"] == "object"
    assert schema["properties"]["children"]["items"] == {"$ref": "#/$defs/Tree"}
    assert schema["$defs"]["Tree"]["properties"]["value"] == {"type": "integer"}
    tree = decode(Tree, '{"value": 1, "children": [{"value": 2}]}', what="tree")
    assert tree == Tree(1, [Tree(2)])


def test_generic_class() -> None:
    assert json_schema(Holder[int])["properties"]["item"] == {"type": "integer"}
    assert decode(Holder[dt.date], {"item": "2026-01-02"}, what="x") == Holder(dt.date(2026, 1, 2))


RIGHT = [
    (int, "5", 5),
    (int, '"5"', 5),
    (int, "5.0", 5),
    (float, "5", 5.0),
    (float, '"1e3"', 1000.0),
    (bool, '"True"', True),
    (str, '"x"', "x"),
    (bytes, '"YWJj"', b"abc"),
    (Path, '"a/b"', Path("a/b")),
    (Path | None, "null", None),
    (dt.datetime, '"2026-03-01T10:00:00Z"', dt.datetime(2026, 3, 1, 10, tzinfo=dt.UTC)),
    (dt.datetime, '"2026-03-01 10:00"', dt.datetime(2026, 3, 1, 10)),
    (dt.datetime, '"2026-03-01"', dt.datetime(2026, 3, 1)),
    (dt.date, '"2026-03-01T00:00:00"', dt.date(2026, 3, 1)),
    (dt.time, '"10:30"', dt.time(10, 30)),
    (dt.timedelta, '"PT5M"', dt.timedelta(minutes=5)),
    (dt.timedelta, "90", dt.timedelta(seconds=90)),
    (decimal.Decimal, "12.50", decimal.Decimal("12.50")),
    (decimal.Decimal, '"12.50"', decimal.Decimal("12.50")),
    (uuid.UUID, '"00000000-0000-0000-0000-000000000001"', uuid.UUID(int=1)),
    (Color, '"blue"', Color.BLUE),
    (Level, "2", Level.HIGH),
    (Level, '"2"', Level.HIGH),
    (Mixed, '"word"', Mixed.WORD),
    (Literal["a", 1, None], "null", None),
    (list[int], '["1", 2]', [1, 2]),
    (list[str], '"[\\"a\\", \\"b\\"]"', ["a", "b"]),
    (set[int], "[1, 1]", {1}),
    (frozenset[int], "[1]", frozenset({1})),
    (tuple[int, str], '[1, "a"]', (1, "a")),
    (tuple[int, ...], "[1, 2]", (1, 2)),
    (collections.deque[int], "[1]", collections.deque([1])),
    (dict[int, str], '{"1": "a"}', {1: "a"}),
    (dict[dt.date, int], '{"2026-01-02": 3}', {dt.date(2026, 1, 2): 3}),
    (int | str, '"5"', "5"),
    (str | int, "5", 5),
    (float | int, "5", 5),
    (int | None, '"5"', 5),
    (dt.date | str, '"2026-01-02"', dt.date(2026, 1, 2)),
    (dt.date | str, '"soon"', "soon"),
    (Color | str, '"green"', "green"),
    (bytes | str, '"YWJj"', "YWJj"),
    (list[int] | int, "3", 3),
    (Point, '{"x": 1, "secret": "t"}', Point(1, secret="t")),
    (Box, '{"width": 2, "color": "blue"}', Box(2, Color.BLUE)),
    (Town, '{"name": "Ulm"}', {"name": "Ulm"}),
    (Pair, '{"left": 1}', Pair(1)),
    (Pair, '[1, "b"]', Pair(1, "b")),
    (Wire, '{"nodeId": 4}', Wire(4)),
    (Cat | Dog, '{"type": "dog", "barks": true}', Dog(True)),
    (Circle | Square, '{"kind": "square", "side": 2}', Square("square", 2.0)),
    (User, '{"name": "Ann"}', User(name="Ann")),
    (Point | Box, '{"width": 2}', Box(2)),
    (Annotated[int, msgspec.Meta(ge=1)], '"3"', 3),
    (Any, '{"a": [1]}', {"a": [1]}),
    (int, "123456789012345678901234567890", 123456789012345678901234567890),
    (list[int], "```json\n[1]\n```", [1]),
]


@pytest.mark.parametrize(("kind", "text", "value"), RIGHT, ids=lambda value: str(value)[:40])
def test_decode(kind: Any, text: str, value: Any) -> None:
    found = decode(kind, text, what="it")
    assert found == value
    assert type(found) is type(value)


WRONG = [
    (int, "true", "expected an integer, got true"),
    (int, "5.5", "expected an integer, got 5.5"),
    (int, '"five"', "expected an integer, got 'five'"),
    (float, "1e999", "not JSON"),
    (float, '"nan"', "expected a number, got 'nan'"),
    (bool, "1", "expected true or false, got 1"),
    (str, "1", "expected a string, got 1"),
    (Path, "[]", "expected a path, got an array of 0"),
    (dt.date, '"2026-03-01T10:00:00"', "expected a date such as"),
    (dt.datetime, '"2026-13-01"', "expected a date and time"),
    (bytes, '"a"', "expected base64 text"),
    (Color, '"blu"', "must be one of 'red', 'blue', got 'blu'; did you mean 'blue'?"),
    (Literal[1, 2], "true", "must be one of 1, 2, got true"),
    (Literal["on"], '"off"', "must be 'on', got 'off'"),
    (int | str, "null", "expected an integer or a string, got null"),
    (tuple[int, str], "[1]", "expected an array of 2, got an array of 1"),
    (set[Any], "[[1]]", "cannot be a set"),
    (list[int], "{}", "expected an array, got an object"),
    (Annotated[int, msgspec.Meta(ge=1)], "0", "must be at least 1, got 0"),
    (Annotated[str, msgspec.Meta(max_length=1)], '"ab"', "must have at most 1 character, got 'ab'"),
    (Annotated[list[int], msgspec.Meta(min_length=2)], "[1]", "must have at least 2 items, got an array of 1"),
    (Annotated[str, msgspec.Meta(pattern="^a")], '"b"', "must match the pattern ^a"),
    (Annotated[int, annotated_types.MultipleOf(5)], "7", "must be a multiple of 5"),
    (Annotated[str, annotated_types.Predicate(str.isupper)], '"a"', "must satisfy isupper"),
    (Annotated[dt.datetime, msgspec.Meta(tz=True)], '"2026-01-01"', "must have a time zone"),
    (Box, '{"width": -1}', "a box cannot be narrower than nothing"),
    (Wire, '{"node_id": 1}', "did you mean 'nodeId'?"),
    (int, "", "expected an integer, got null"),
    (int, "{", "not JSON"),
    (int, "1" + "0" * 6000, "not JSON"),
    (Any, "[" * 100_000, "nested too deep"),
    (Any, b'"\xff"', "not JSON"),
    (Any, '"\ud800"', "not JSON"),
]


@pytest.mark.parametrize(("kind", "text", "message"), WRONG, ids=lambda value: str(value)[:40])
def test_decode_refuses(kind: Any, text: str, message: str) -> None:
    with pytest.raises(DecodeProblems) as caught:
        decode(kind, text, what="it")
    assert message in str(caught.value)
    assert str(caught.value).startswith("it is not right:\n- $")


def test_all_problems_are_told_at_once_with_their_paths() -> None:
    with pytest.raises(DecodeProblems) as caught:
        decode(dict[str, Point | None], '{"a": {"x": "one", "z": 1}, "b c": {}, "d": 3}', what="the points")
    assert caught.value.problems == (
        ("$.a.x", "expected an integer, got 'one'"),
        ("$.a.z", "is unknown; there are: x, y, tags, secret"),
        ("$['b c'].x", "is required (an integer)"),
        ("$.d", "expected an object, got 3"),
    )


def test_in_a_union_the_member_that_was_meant_tells_its_problems() -> None:
    with pytest.raises(DecodeProblems) as caught:
        decode(Circle | Square, '{"kind": "square", "side": "wide"}', what="the figure")
    assert caught.value.problems == (("$.side", "expected a number, got 'wide'"),)


def test_pydantic_problems_keep_their_paths() -> None:
    with pytest.raises(DecodeProblems) as caught:
        decode(list[User], '[{"name": "A", "age": "x"}, {}]', what="users")
    assert [path for path, _ in caught.value.problems] == ["$[0].name", "$[0].age", "$[1].name"]


def test_values_that_are_right_already_pass() -> None:
    point = Point(1)
    assert decode(Point, point, what="it") is point
    assert decode(list[Color], [Color.RED], what="it") == [Color.RED]


class Plain:
    pass


@pytest.mark.parametrize("kind", [Plain, type, typing.Callable[[int], int], list[Plain], dict[str, Plain], range])
def test_types_without_a_word_in_json_schema(kind: Any) -> None:
    with pytest.raises(SchemaError, match=r"^the answer: JSON Schema has no word for the type|^the answer: "):
        json_schema(kind, name="the answer")


def test_the_error_names_the_field() -> None:
    @attrs.frozen
    class Outer:
        inner: Plain

    with pytest.raises(SchemaError, match=r"Outer\.inner: .*Plain"):
        json_schema(Outer)


def test_deep_recursion_is_refused_and_not_a_crash() -> None:
    text = '{"value": 1, "children": [' * 200 + "]}" * 200
    with pytest.raises(DecodeProblems, match="deep"):
        decode(Tree, text, what="tree")


def test_fields_named_like_secrets_of_python_do_no_harm() -> None:
    @attrs.frozen
    class Odd:
        self_: int
        values: int
        fields: int

    assert decode(Odd, {"self_": 1, "values": 2, "fields": 3}, what="it") == Odd(1, 2, 3)
