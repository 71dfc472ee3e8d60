"""Parameters of functions: schema, decoding, and errors for a model."""

from __future__ import annotations

import functools
import inspect
import json
import subprocess
import sys
import textwrap
import time
import typing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from victor.core.errors import SchemaError, ToolArgumentsError
from victor.core.schema import decode_object, json_schema, parameters_of
from victor.core.tool import ToolContext, as_tool

if TYPE_CHECKING:
    from fractions import Fraction


def search(
    query: str,
    context: ToolContext,
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 10,
    order: Literal["name", "date"] = "name",
    under: Path | None = None,
) -> list[str]:
    """Search the catalog.

    Longer text for the model.

    Args:
        query: What to look for.
        order: How to sort.
        under: Only below this directory.

    Returns:
        Names.
    """
    return [query]


def test_schema_of_a_function() -> None:
    assert parameters_of(search).schema == {
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "What to look for."},
            "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10},
            "order": {"type": "string", "enum": ["name", "date"], "description": "How to sort.", "default": "name"},
            "under": {
                "anyOf": [{"type": "string", "format": "path"}, {"type": "null"}],
                "description": "Only below this directory.",
            },
        },
        "required": ["query"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    "doc",
    [
        "Add.\n\nParameters\n----------\na : int\n    First number.\nb : int\n    Second.\n",
        "Add.\n\n:param a: First number.\n:param b: Second.\n",
        "Add.\n\nArgs:\n    a (int): First\n        number.\n    b: Second.\n",
    ],
    ids=["numpy", "rest", "google"],
)
def test_descriptions_come_from_any_style_of_docstring(doc: str) -> None:
    def add(a: int, b: int) -> int:
        return a + b

    add.__doc__ = doc
    properties = parameters_of(add).schema["properties"]
    assert properties["a"]["description"] == "First number."
    assert properties["b"]["description"] == "Second."


def test_the_context_parameter_is_left_out_of_the_schema() -> None:
    parameters = parameters_of(search)
    assert parameters.context == "context"
    assert parameters.names == ("query", "limit", "order", "under")

    def optional(x: int, c: ToolContext | None = None) -> None: ...

    assert parameters_of(optional).context == "c"


def test_decode_fills_in_defaults() -> None:
    assert parameters_of(search).decode('{"query": "a"}') == {"query": "a", "limit": 10, "order": "name", "under": None}


def test_decode_takes_bytes_and_mappings() -> None:
    parameters = parameters_of(search)
    for arguments in (
        b'{"query": "a", "under": "x"}',
        {"query": "a", "under": "x"},
        {"query": "a", "under": Path("x")},
    ):
        assert parameters.decode(arguments)["under"] == Path("x")


def test_all_problems_at_once() -> None:
    with pytest.raises(ToolArgumentsError) as caught:
        parameters_of(search).decode('{"qurey": "a", "limit": 1000, "order": "size", "under": 3}')
    assert caught.value.problems == (
        ("$.query", "is required (a string)"),
        ("$.limit", "must be at most 100, got 1000"),
        ("$.order", "must be one of 'name', 'date', got 'size'"),
        ("$.under", "expected a path, got 3"),
        ("$.qurey", "is unknown; did you mean 'query'?"),
    )
    assert str(caught.value).startswith("search: the arguments do not fit:\n- $.query: is required")
    assert caught.value.retry


@pytest.mark.parametrize("text", ["", "  ", "null", "{}"])
def test_nothing_is_no_arguments(text: str) -> None:
    def now() -> str:
        return ""

    assert parameters_of(now).decode(text) == {}
    assert parameters_of(now).schema == {"type": "object", "properties": {}, "additionalProperties": False}


@pytest.mark.parametrize("text", ["[1]", "3", '"query"', "{", '{"query": "a"', "{'query': 'a'}"])
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(ToolArgumentsError, match=r"expected an object|not JSON"):
        parameters_of(search).decode(text)


def test_default_objects_are_those_of_the_function() -> None:
    marker = ["x"]

    def f(a: list[str] = marker, b: object = search) -> None: ...

    found = parameters_of(f).decode("{}")
    assert found["a"] is marker and found["b"] is search


def test_methods_callables_partials_and_wrapped_functions() -> None:
    class Greeter:
        def greet(self, name: str, *, loud: bool = False) -> str:
            return name

        def __call__(self, name: str) -> str:
            """Greet.

            Args:
                name: Whom.
            """
            return name

        @classmethod
        def make(cls, name: str) -> Greeter:
            return cls()

    @functools.wraps(search)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return search(*args, **kwargs)

    assert parameters_of(Greeter().greet).decode('{"name": "a", "loud": true}') == {"name": "a", "loud": True}
    assert parameters_of(Greeter.make).names == ("name",)
    assert parameters_of(Greeter()).schema["properties"]["name"]["description"] == "Whom."
    assert parameters_of(wrapped).names == ("query", "limit", "order", "under")
    bound = functools.partial(search, limit=5)
    assert parameters_of(bound).decode('{"query": "q"}')["limit"] == 5


def test_positional_only_parameters_are_named() -> None:
    def f(a: int, /, b: int) -> int:
        return a - b

    parameters = parameters_of(f)
    assert parameters.positional == ("a",)
    assert parameters.decode('{"a": 1, "b": 2}') == {"a": 1, "b": 2}


def test_unannotated_parameters_take_anything_or_the_kind_of_their_default() -> None:
    def f(a, b=3, c=None):  # type: ignore[no-untyped-def]
        return a

    assert parameters_of(f).schema["properties"] == {"a": {}, "b": {"type": "integer", "default": 3}, "c": {}}


def test_implicit_optional() -> None:
    def f(a: int = None) -> None: ...  # type: ignore[assignment]  # noqa: RUF013

    assert parameters_of(f).decode('{"a": null}') == {"a": None}


def test_types_made_inside_the_enclosing_function_are_found() -> None:
    @attrs.frozen
    class Local:
        x: int

    @attrs.frozen
    class Outer:
        inner: Local

    def f(a: Local, b: list[Outer]) -> None: ...

    assert parameters_of(f).decode('{"a": {"x": 1}, "b": [{"inner": {"x": 2}}]}') == {
        "a": Local(1),
        "b": [Outer(Local(2))],
    }


class Strange:
    pass


def test_what_cannot_be_described_names_function_and_parameter() -> None:
    def f(good: int, bad: dict[str, Strange]) -> None: ...

    with pytest.raises(SchemaError, match=r"^f, parameter 'bad': JSON Schema has no word for the type Strange"):
        parameters_of(f)


def test_star_parameters_are_refused() -> None:
    def f(*args: int) -> None: ...
    def g(**options: int) -> None: ...

    with pytest.raises(SchemaError, match=r"f: \*args has no names"):
        parameters_of(f)
    with pytest.raises(SchemaError, match=r"g: \*\*options has no names"):
        parameters_of(g)


def test_a_name_imported_for_type_checkers_only_is_explained() -> None:
    def f(a: Fraction) -> None: ...

    with pytest.raises(SchemaError, match=r"f, parameter 'a': the annotation 'Fraction' .*outside of TYPE_CHECKING"):
        parameters_of(f)


def test_only_one_context() -> None:
    def f(a: ToolContext, b: ToolContext) -> None: ...

    with pytest.raises(SchemaError, match="only one parameter"):
        parameters_of(f)


def test_a_builtin_without_signature_is_refused() -> None:
    with pytest.raises(SchemaError, match="its signature cannot be read"):
        parameters_of(dict)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="PEP 695 needs Python 3.12")
def test_type_statement_and_generic_functions() -> None:  # pragma: no cover
    scope: dict[str, Any] = {}
    exec(
        textwrap.dedent(
            """
            type Json = dict[str, Json] | list[Json] | str | int | None
            type Pair[T] = tuple[T, T]
            def f[T: int](a: T, b: Json, c: Pair[int]) -> None: ...
            """
        ),
        scope,
    )
    parameters = parameters_of(scope["f"])
    assert parameters.schema["properties"]["a"] == {"type": "integer"}
    assert parameters.decode('{"a": 1, "b": {"x": [1, null]}, "c": [1, 2]}')["b"] == {"x": [1, None]}


def test_importing_is_light() -> None:
    code = "import sys, victor.core.schema; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "pydantic" not in out and "docstring_parser" not in out


# --- properties -------------------------------------------------------------------------------------------------

KINDS: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (int, st.integers()),
    (float, st.floats(allow_nan=False, allow_infinity=False)),
    (str, st.text(st.characters(exclude_categories=["Cs"]))),
    (bool, st.booleans()),
    (list[int], st.lists(st.integers())),
    (dict[str, bool], st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.booleans())),
    (int | None, st.none() | st.integers()),
    (str | int, st.integers() | st.text(st.characters(exclude_categories=["Cs"]))),
    (Literal["a", 1, None], st.sampled_from(["a", 1, None])),
    (tuple[int, str], st.tuples(st.integers(), st.text(st.characters(exclude_categories=["Cs"])))),
    (set[int], st.sets(st.integers())),
]


@st.composite
def calls(draw: st.DrawFn) -> tuple[Any, dict[str, Any]]:
    """A function with parameters of any supported kind, and arguments for it."""
    chosen = draw(st.lists(st.sampled_from(KINDS), max_size=5))
    parameters, arguments = [], {}
    for number, (kind, values) in enumerate(chosen):
        name = f"p{number}"
        default = draw(values) if draw(st.booleans()) else inspect.Parameter.empty
        parameters.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind))
        if default is inspect.Parameter.empty or draw(st.booleans()):
            arguments[name] = draw(values)

    def function(**kwargs: Any) -> dict[str, Any]:
        return kwargs

    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return function, arguments


@given(calls())
def test_any_signature_round_trips(call: tuple[Any, dict[str, Any]]) -> None:
    function, arguments = call
    parameters = parameters_of(function)
    text = msgspec.json.encode(arguments)
    found = parameters.decode(text)
    for name, value in arguments.items():
        assert found[name] == value and type(found[name]) is type(value)
    assert set(found) == set(inspect.signature(function).parameters)
    # The path that collects problems means the same as the fast one.
    assert parameters._slow(text) == found
    json.dumps(parameters.schema)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8) | st.sampled_from(["p0", "p1"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(calls(), JSON)
def test_any_json_is_refused_with_a_typed_error_or_decoded(call: tuple[Any, dict[str, Any]], value: Any) -> None:
    function, _ = call
    parameters = parameters_of(function)
    try:
        found = parameters.decode(json.dumps(value))
    except ToolArgumentsError as error:
        assert error.problems  # noqa: PT017
    else:
        assert set(found) == set(parameters.names)


@given(calls(), st.binary(max_size=60) | st.text(max_size=60))
def test_any_bytes_are_refused_with_a_typed_error_or_decoded(call: tuple[Any, dict[str, Any]], data: Any) -> None:
    parameters = parameters_of(call[0])
    try:
        parameters.decode(data)
    except ToolArgumentsError as error:
        assert error.problems  # noqa: PT017


# --- schemas that came from outside -------------------------------------------------------------------------------

GIVEN = {
    "type": "object",
    "properties": {
        "path": {"type": "string", "minLength": 1},
        "depth": {"type": "integer", "minimum": 0},
        "mode": {"enum": ["fast", "slow"]},
        "items": {"type": "array", "items": {"$ref": "#/$defs/item"}},
        "either": {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": "^x"}]},
        "version": {"const": 2},
    },
    "required": ["path"],
    "additionalProperties": False,
    "$defs": {"item": {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}},
}


def test_arguments_are_checked_against_a_given_schema() -> None:
    found = decode_object(
        "remote",
        GIVEN,
        '{"path": "a", "depth": "3", "items": [{"id": 1.0, "more": true}], "either": "xy", "version": 2}',
    )
    assert found == {"path": "a", "depth": 3, "items": [{"id": 1, "more": True}], "either": "xy", "version": 2}
    with pytest.raises(ToolArgumentsError) as caught:
        decode_object(
            "remote", GIVEN, '{"pth": 1, "depth": -1, "mode": "fst", "items": [{}], "either": true, "version": 3}'
        )
    assert [path for path, _ in caught.value.problems] == [
        "$.pth", "$.depth", "$.mode", "$.items[0].id", "$.either", "$.version", "$.path",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "schema", [{}, {"type": "object"}, {"properties": 3}, {"type": "widget"}, {"$ref": "http://x"}]
)
def test_odd_schemas_let_arguments_through(schema: dict[str, Any]) -> None:
    assert decode_object("remote", schema, '{"a": 1}') == {"a": 1}


@given(JSON)
def test_a_given_schema_never_raises_anything_else(value: Any) -> None:
    try:
        decode_object("remote", GIVEN, json.dumps(value))
    except ToolArgumentsError as error:
        assert error.problems  # noqa: PT017


def test_our_own_schemas_mean_the_same_when_they_come_from_outside() -> None:
    schema = json_schema(typing.TypedDict("T", {"a": int, "b": list[str]}))
    assert decode_object("x", schema, '{"a": 1, "b": ["c"]}') == {"a": 1, "b": ["c"]}
    with pytest.raises(ToolArgumentsError):
        decode_object("x", schema, '{"a": 1, "b": [2]}')


@pytest.mark.parametrize("is_async", [False, True])
async def test_a_tool_passes_positional_only_arguments_by_position(is_async: bool) -> None:
    def minus(a: int, /, b: int, *, times: int = 1) -> int:
        return (a - b) * times

    async def later(a: int, /, b: int, *, times: int = 1) -> int:
        return (a - b) * times

    made = as_tool(later if is_async else minus, name="minus")
    assert (await made.call('{"b": 1, "a": 3, "times": 2}')).value == 4
    assert (await made.call('{"a": 3}')).text.startswith("minus: the arguments do not fit")


@pytest.mark.slow
@pytest.mark.parametrize(
    "schema",
    [
        {"$defs": {"x": {"anyOf": [{"$ref": "#/$defs/x"}] * 50}}, "properties": {"a": {"$ref": "#/$defs/x"}}},
        {"$defs": {"x": {"allOf": [{"$ref": "#/$defs/x"}] * 50}}, "properties": {"a": {"$ref": "#/$defs/x"}}},
        {"$defs": {"x": {"$ref": "#/$defs/x"}}, "properties": {"a": {"$ref": "#/$defs/x"}}},
        {"properties": {"a": {"pattern": "^(a+)+$"}}},
        {"properties": {"a": {"pattern": "^(a|aa)*?$"}}},
        {"properties": {"a": {"pattern": "a*a*a*a*a*a*a*a*b"}}},
        {"properties": {"a": {"pattern": "["}}},
        {"properties": {"a": {"pattern": ["no"], "minLength": "x", "multipleOf": 0, "enum": "aaa", "type": 5}}},
        {"properties": [], "required": [{}, 5], "allOf": 5, "anyOf": {}, "items": 5},
        {"properties": {"a": 5, "b": None}, "additionalProperties": "no"},
    ],
)
def test_schemas_of_strangers_take_bounded_time_and_raise_nothing_odd(schema):
    began = time.process_time()
    for value in ("a" * 40 + "!", 7, [7]):
        try:
            decode_object("remote", schema, {"a": value})
        except ToolArgumentsError:
            pass
    assert time.process_time() - began < 10


def test_patterns_of_strangers_are_checked_where_that_is_quick():
    schema = {"properties": {"day": {"pattern": r"^\d{4}-\d{2}$"}, "size": {"multipleOf": 5, "minimum": 5}}}
    assert decode_object("remote", schema, {"day": "2026-11", "size": 10})["size"] == 10
    with pytest.raises(ToolArgumentsError, match="day") as caught:
        decode_object("remote", schema, {"day": "November", "size": 3})
    assert "size" in str(caught.value)
