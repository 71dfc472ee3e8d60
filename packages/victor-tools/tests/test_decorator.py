"""@tool, BaseTool and Toolkit: from a function or class to a tool."""

from __future__ import annotations

import asyncio
import functools
import re
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from victor.core.errors import ConfigurationError, SchemaError
from victor.core.events import EventStream
from victor.core.tool import Tool, ToolScope
from victor.tools import BaseTool, CostTier, ToolContext, ToolMetadata, UnifiedToolRegistry, as_tool, tool, tools_of


@pytest.fixture
def registry() -> UnifiedToolRegistry:
    return UnifiedToolRegistry()


def test_a_decorated_function_stays_a_function(registry: UnifiedToolRegistry) -> None:
    @tool(registry=registry)
    def add(a: int, b: int = 2) -> int:
        """Add."""
        return a + b

    assert add(1) == 3
    assert add(1, 4) == 5
    assert add(a=1, b=1) == 2
    assert add.__name__ == "add"
    assert as_tool(add) is registry.tool("add")


async def test_bare_and_async(registry: UnifiedToolRegistry) -> None:
    @tool
    async def only_here_double(x: float) -> float:
        """Twice as much."""
        return x * 2

    try:
        assert await only_here_double(2) == 4
        made = UnifiedToolRegistry.get_instance().tool("only_here_double")
        assert (await made.call('{"x": 1.5}')).value == 3.0
        assert made.metadata.id == "custom.only_here_double"
    finally:
        UnifiedToolRegistry.get_instance().unregister("custom.only_here_double")


def test_all_that_can_be_said(registry: UnifiedToolRegistry) -> None:
    @tool(
        category="billing",
        cost_tier="high",
        idempotent=True,
        keywords=["invoice"],
        name="bills.find",
        timeout=3,
        retries=2,
        requires_approval=True,
        sequential=True,
        rate_limit="5/s",
        cache_ttl=60,
        max_result_chars=500,
        version="2",
        deprecated="use bills.search",
        registry=registry,
    )
    def find_bills(customer: str) -> str:
        """Find bills."""
        return customer

    metadata = registry.get_tool("bills.find")
    assert metadata == ToolMetadata(
        "bills_find", "Find bills.\n\nDeprecated: use bills.search", category="billing", cost_tier=CostTier.HIGH,
        idempotent=True, keywords=("invoice",), requires_approval=True, sequential=True, timeout_s=3, version="2",
        deprecated="use bills.search",
    )  # fmt: skip
    assert len(registry.tool("bills.find").middleware) == 4


async def test_sync_functions_run_in_named_threads_of_a_bounded_pool() -> None:
    @tool(register=False)
    def where() -> str:
        return threading.current_thread().name

    result = await as_tool(where).call("{}")
    assert result.value.startswith("victor-tool")


async def test_generators_report_progress() -> None:
    @tool(register=False)
    async def counting(to: int) -> AsyncIterator[str]:
        """Count."""
        for number in range(to):
            yield f"at {number}"

    @tool(register=False)
    def counting_sync(to: int) -> Iterator[Any]:
        """Count."""
        yield "half"
        return to

    stream = EventStream()
    stream.capture_content = True
    seen: list[str] = []
    stream.subscribe(lambda event: seen.append(event.content["message"]), kinds=["tool.progress"])
    assert (await as_tool(counting).call('{"to": 2}', scope=ToolScope(stream=stream))).value == "at 1"
    assert (await as_tool(counting_sync).call('{"to": 2}', scope=ToolScope(stream=stream))).value == 2
    assert seen == ["at 0", "at 1", "half"]


async def test_the_context_is_handed_over() -> None:
    @tool(register=False)
    async def who(context: ToolContext, loud: bool = False) -> str:
        return f"{context.deps} {context.call_id} {context.tool.name} {context.logger.name}"

    result = await as_tool(who).call("{}", call_id="c1", scope=ToolScope(deps="ann"))
    assert result.value == "ann c1 who victor.tool.who"


class Strange:
    pass


def test_what_cannot_be_described_is_an_error_at_decoration(registry: UnifiedToolRegistry) -> None:
    with pytest.raises(SchemaError, match="bad, parameter 'thing'"):

        @tool(registry=registry)
        def bad(thing: Strange) -> None: ...

    assert len(registry) == 0

    with pytest.raises(SchemaError, match="method, parameter 'thing'"):

        class Kit:
            @tool
            def method(self, thing: Strange) -> None: ...


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"retries": 1}, "retries needs idempotent=True"),
        ({"cache_ttl": 5}, "cache_ttl needs idempotent=True"),
        ({"cache_ttl": -1, "idempotent": True}, "cache_ttl must be positive"),
        ({"rate_limit": "often"}, "write it as '10/s'"),
        ({"timeout": 0}, "timeout_s must be positive"),
        ({"cost_tier": "cheap"}, "cost_tier 'cheap': it is one of 'free', 'low', 'medium', 'high'"),
        ({"keywords": "word"}, "keywords must be a list"),
        ({"max_result_chars": 10}, "at least 200"),
        ({"retries": -1}, "not be negative"),
        ({"name": "two words"}, "use letters, digits"),
    ],
)
def test_wrong_options(options: dict[str, Any], message: str) -> None:
    def f(x: int) -> int:
        return x

    with pytest.raises(ConfigurationError, match=message):
        tool(**options, register=False)(f)


def test_classes_and_lambdas_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="@tool takes a function"):
        tool(Strange)  # type: ignore[type-var]
    with pytest.raises(ConfigurationError, match="a lambda has no name"):
        tool(lambda: 1)


class Lamp:
    def __init__(self) -> None:
        self.on = False

    @tool(category="home", keywords=["light"])
    def switch(self, on: bool) -> str:
        """Switch the lamp."""
        self.on = on
        return "on" if on else "off"

    @tool(name="state", idempotent=True)
    async def get(self) -> bool:
        """Whether it is on."""
        return self.on


async def test_methods_share_the_state_of_their_object() -> None:
    lamp, other = Lamp(), Lamp()
    switch, state = tools_of(lamp, prefix="lamp.")
    assert [switch.name, state.name] == ["lamp_switch", "lamp_state"]
    assert (await switch.call('{"on": "true"}')).value == "on"
    assert (await state.call("")).value is True
    assert other.on is False
    assert lamp.switch(False) == "off"


def test_a_subclass_keeps_and_takes_away_tools() -> None:
    class Better(Lamp):
        def switch(self, on: bool, slowly: bool = False) -> str:
            return "slow" if slowly else super().switch(on)

        get = None  # type: ignore[assignment]

    (only,) = tools_of(Better())
    assert set(only.parameters["properties"]) == {"on", "slowly"}


def test_tools_of_needs_an_object_with_tools() -> None:
    with pytest.raises(ConfigurationError, match=r"need an object: tools_of\(Lamp"):
        tools_of(Lamp)
    with pytest.raises(ConfigurationError, match="no method of Strange is marked"):
        tools_of(Strange())


class Counter(BaseTool):
    metadata = ToolMetadata("count_up", "Count up.", category="maths")

    def __init__(self) -> None:
        self.total = 0

    async def execute(self, step: int = 1) -> int:  # type: ignore[override]
        self.total += step
        return self.total


class Computed(BaseTool):
    parameters = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}

    @property
    def metadata(self) -> ToolMetadata:
        return ToolMetadata("computed", idempotent=True)

    def execute(self, **arguments: Any) -> Any:
        return arguments


async def test_base_tool(registry: UnifiedToolRegistry) -> None:
    counter = Counter()
    made = registry.register(counter)
    assert registry.register(counter) is made
    assert (await made.call('{"step": 4}')).value == 4
    assert (await made.call("{}")).value == 5
    computed = registry.register(Computed())
    assert (await computed.call('{"x": "3"}')).value == {"x": 3}
    assert not (await computed.call("{}")).ok
    assert Computed().is_idempotent and not counter.is_idempotent


def test_a_base_tool_without_metadata_is_told() -> None:
    class Empty(BaseTool):
        metadata = "no"  # type: ignore[assignment]

        def execute(self) -> None: ...

    with pytest.raises(ConfigurationError, match=r"Empty.metadata must be a ToolMetadata"):
        as_tool(Empty())


def test_a_tool_is_three_lines() -> None:
    @attrs.frozen
    class Order:
        item: str
        count: int = 1

    @tool(register=False)
    def place(order: Order, where: Path = Path(".")) -> str:
        """Place an order."""
        return order.item

    made = as_tool(place)
    assert isinstance(made, Tool)
    result = asyncio.run(made.call('{"order": {"item": "tea", "cuont": 2}}'))
    assert result.text.splitlines()[1] == "- $.order.cuont: is unknown; did you mean 'count'?"


def test_importing_the_decorator_is_light() -> None:
    code = (
        "import sys\nbefore = set(sys.modules)\nfrom victor.tools import tool\n"
        "@tool\ndef f(x: int) -> int:\n    'd'\n    return x\n"
        "bad = {'yaml', 'httpx2', 'httpcore2', 'mcp', 'pydantic', 'regex', 'jmespath', 'typer', 'structlog', "
        "'docstring_parser', 'sqlite3'}\n"
        "print(sorted(bad & set(sys.modules) - before))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


async def asks(arguments: Any) -> bool:
    return True


@pytest.mark.parametrize(
    "wrong",
    [
        {"requires_approval": "yes"}, {"requires_approval": 1}, {"requires_approval": asks}, {"idempotent": "no"}, {"retries": 1.5, "idempotent": True},
        {"retries": True, "idempotent": True}, {"middleware": [1]}, {"timeout": float("nan")}, {"timeout": "5"}, {"timeout": True}, {"timeout": 0}, {"name": ""},
        {"name": 5}, {"category": ""}, {"category": "A b"}, {"category": "a.b"}, {"category": None}, {"keywords": [1]}, {"keywords": [""]}, {"description": 5},
        {"deprecated": True}, {"version": 1}, {"sequential": "x"}, {"rate_limit": 5}, {"cache_ttl": "1", "idempotent": True},
        {"max_result_chars": "500"}, {"cost_tier": "cheap"},
    ],
    ids=lambda wrong: re.sub(r" at 0x\w+", "", str(wrong)),
)  # fmt: skip
def test_options_that_cannot_be_are_told_at_decoration(wrong: dict[str, Any]) -> None:
    (name, value), *_ = wrong.items()
    with pytest.raises(ConfigurationError) as raised:

        @tool(register=False, **wrong)
        def f(x: int) -> int:
            return x

    assert name.removeprefix("cost_") in str(raised.value) and (
        repr(value) in str(raised.value) or name in {"middleware", "keywords"}
    )


class Callable_:
    def __call__(self, x: int) -> int:
        return x

    def method(self, x: int) -> int:
        return x


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (functools.partial(int, "1"), "functools.partial.* has no name to be called by; pass name="),
        (Callable_(), "has no name to be called by; pass name="),
        (Callable_().method, "cannot carry the mark of @tool: give it to as_tool"),
        (len, "cannot carry the mark of @tool"),
        (lambda x: x, "a lambda has no name"),
        (classmethod(lambda cls: 1), "@classmethod goes above @tool: swap the two lines"),
        (staticmethod(lambda: 1), "@staticmethod goes above @tool: swap the two lines"),
    ],
    ids=["partial", "object", "method", "builtin", "lambda", "classmethod", "staticmethod"],
)
def test_what_cannot_be_decorated_is_told_what_to_do(target: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        tool(register=False)(target)


def test_a_class_method_of_a_toolkit_is_a_tool() -> None:
    class Counter:
        made = 0

        @classmethod
        @tool(register=False)
        def count(cls, by: int) -> int:
            """Count."""
            cls.made += by
            return cls.made

    (made,) = tools_of(Counter())
    assert asyncio.run(made.call({"by": 2})).value == 2 == Counter.made
    assert Counter.count(1) == 3


def test_a_class_whose_parameter_cannot_be_described_is_named() -> None:
    class Odd(BaseTool):
        metadata = ToolMetadata("odd")

        def execute(self, x: threading.Lock) -> int:
            return 1

    with pytest.raises(SchemaError, match=r"Odd\.execute, parameter 'x'"):
        Odd().__victor_tool__
