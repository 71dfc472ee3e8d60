"""Properties of calls: any function, any arguments, any JSON."""

from __future__ import annotations

import asyncio
import inspect
import json
from typing import Any, Literal

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from victor.core.errors import ToolArgumentsError
from victor.tools import as_tool, tool

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
KINDS: list[tuple[Any, Any]] = [
    (int, st.integers()),
    (float, st.floats(allow_nan=False, allow_infinity=False)),
    (str, TEXT),
    (bool, st.booleans()),
    (list[str], st.lists(TEXT, max_size=4)),
    (dict[str, int], st.dictionaries(TEXT, st.integers(), max_size=4)),
    (int | None, st.none() | st.integers()),
    (Literal["a", "b"], st.sampled_from(["a", "b"])),
    (list[dict[str, bool]], st.lists(st.dictionaries(TEXT, st.booleans(), max_size=2), max_size=3)),
]


@st.composite
def functions(draw: st.DrawFn) -> tuple[Any, dict[str, Any]]:
    chosen = draw(st.lists(st.sampled_from(KINDS), max_size=4))
    parameters = [
        inspect.Parameter(f"p{n}", inspect.Parameter.KEYWORD_ONLY, annotation=kind)
        for n, (kind, _) in enumerate(chosen)
    ]
    arguments = {f"p{n}": draw(values) for n, (_, values) in enumerate(chosen)}

    async def echo(**given: Any) -> Any:
        return given

    echo.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return tool(name="echo", register=False)(echo), arguments


@settings(deadline=None)
@given(functions())
def test_arguments_arrive_as_they_were_sent(case: tuple[Any, dict[str, Any]]) -> None:
    function, arguments = case
    made = as_tool(function)
    assert set(made.parameters["properties"]) == set(arguments)
    result = asyncio.run(made.call(msgspec.json.encode(arguments)))
    assert result.ok and result.value == arguments


@settings(deadline=None)
@given(functions(), st.recursive(st.none() | st.booleans() | st.integers() | TEXT, lambda x: st.lists(x, max_size=3) | st.dictionaries(TEXT | st.sampled_from(["p0", "p1"]), x, max_size=3), max_leaves=8))  # fmt: skip
def test_any_json_is_called_right_or_refused_in_words(case: tuple[Any, dict[str, Any]], value: Any) -> None:
    made = as_tool(case[0])
    result = asyncio.run(made.call(json.dumps(value)))
    if result.ok:
        assert set(result.value) == set(case[1])
    else:
        assert isinstance(result.error, ToolArgumentsError) and result.error.problems
