"""The one path every tool call takes."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

import attrs
import pytest

from victor.core import worker_threads
from victor.core.errors import (
    ConfigurationError,
    SchemaError,
    ToolApprovalError,
    ToolArgumentsError,
    ToolError,
    ToolTimeoutError,
)
from victor.core.events import EventStream
from victor.core.limits import RunClock
from victor.core.redact import MARK
from victor.core.tool import CostTier, Tool, ToolContext, ToolMetadata, ToolResult, ToolScope, as_tool, render_result


@pytest.fixture
def scope() -> ToolScope:
    return ToolScope(agent="tester", run_id="r1", stream=EventStream())


def add(a: int, b: int = 1) -> int:
    """Add two numbers.

    Args:
        a: The first.
        b: The second.
    """
    return a + b


async def test_a_function_becomes_a_tool_with_schema_and_description(scope):
    tool = as_tool(add)
    assert (tool.name, tool.description, tool.metadata.id) == ("add", "Add two numbers.", "custom.add")
    assert tool.parameters["type"] == "object"
    assert tool.parameters["required"] == ["a"]
    assert tool.parameters["properties"]["b"] == {"type": "integer", "description": "The second.", "default": 1}
    result = await tool.call('{"a": 2}', scope=scope)
    assert (result.value, result.text, result.ok) == (3, "3", True)
    assert (await tool.call({"a": 2, "b": 5}, scope=scope)).value == 7
    assert (await tool.call(b'{"a": 2}', scope=scope)).value == 3


async def test_all_argument_errors_come_back_at_once_and_the_model_may_try_again(scope):
    result = await as_tool(add).call('{"b": [], "c": 1}', scope=scope)
    assert isinstance(result.error, ToolArgumentsError)
    assert result.error.retry
    for word in ("a", "b", "c"):
        assert f"$.{word}" in result.text
    assert len(result.error.problems) == 3


@pytest.mark.parametrize("text", ["{", "[]", "3", '"a"', "null", ""])
async def test_arguments_that_are_no_object_are_an_argument_error(scope, text):
    result = await as_tool(add).call(text, scope=scope)
    assert isinstance(result.error, ToolArgumentsError), result


async def test_what_a_tool_raises_becomes_words_for_the_model(scope):
    def fail() -> None:
        raise KeyError("nothing here")

    def refuse() -> None:
        raise ToolError("no such town; known: Ulm", retry=True)

    failed = await as_tool(fail).call("{}", scope=scope)
    assert failed.text == "fail failed: KeyError: 'nothing here'"
    assert failed.error is not None
    assert not failed.error.retry
    assert isinstance(failed.error.__cause__, KeyError)
    refused = await as_tool(refuse).call("{}", scope=scope)
    assert refused.text == "no such town; known: Ulm"
    assert refused.error is not None
    assert refused.error.retry


async def test_async_tools_run_in_the_loop_and_sync_tools_in_a_thread_with_the_context(scope):
    variable: ContextVar[str] = ContextVar("variable")
    variable.set("kept")

    async def here() -> bool:
        return threading.current_thread() is threading.main_thread()

    def there() -> list[object]:
        return [threading.current_thread() is threading.main_thread(), variable.get()]

    assert (await as_tool(here).call("{}", scope=scope)).value is True
    assert (await as_tool(there).call("{}", scope=scope)).value == [False, "kept"]


async def test_a_sync_tool_may_return_an_awaitable(scope):
    async def inner() -> str:
        return "awaited"

    assert (await as_tool(lambda: inner(), name="outer").call("{}", scope=scope)).value == "awaited"


async def test_an_executor_of_ones_own(scope):
    with ThreadPoolExecutor(1, thread_name_prefix="mine") as pool:
        tool = as_tool(lambda: threading.current_thread().name, name="where", executor=pool)
        assert (await tool.call("{}", scope=scope)).value.startswith("mine")


async def test_generators_report_progress_and_end_with_their_value(scope):
    def counting() -> Iterator[str]:
        yield "one"
        yield "two"
        return "done counting"

    async def streaming() -> AsyncIterator[int]:
        for number in range(3):
            yield number

    heard = []
    scope.stream.capture_content = True
    scope.stream.subscribe(heard.append, ["tool.progress"])
    assert (await as_tool(counting).call("{}", scope=scope, call_id="c1")).value == "done counting"
    assert (await as_tool(streaming).call("{}", scope=scope)).value == 2
    assert [event.content["message"] for event in heard] == ["one", "two", "0", "1", "2"]
    assert heard[0].attributes["call_id"] == "c1"


async def test_a_tool_that_asks_for_the_context_gets_it_outside_the_schema(scope):
    def who(context: ToolContext, loud: bool = False) -> str:
        context.progress("asking", done=1, total=2)
        context.logger.debug("asked")
        return f"{context.scope.agent} {context.run_id} {context.call_id} {context.deps} {context.remaining_s}"

    scope.deps = "deps"
    tool = as_tool(who)
    assert set(tool.parameters["properties"]) == {"loud"}
    assert (await tool.call("{}", scope=scope, call_id="c9")).value == "tester r1 c9 deps None"


async def test_the_context_knows_the_time_left(scope):
    def left(context: ToolContext) -> float | None:
        return context.remaining_s

    scope.clock = RunClock(60.0)
    async with scope.clock.running():
        value = (await as_tool(left).call("{}", scope=scope)).value
    assert 59 < value <= 60


async def test_a_timeout_ends_one_call_and_says_so(scope):
    async def slow() -> None:
        await asyncio.Event().wait()

    result = await as_tool(slow, timeout_s=0.01).call("{}", scope=scope)
    assert isinstance(result.error, ToolTimeoutError)
    assert result.text == "slow did not finish within 0.01 s"


async def test_a_tools_own_timeout_error_is_not_taken_for_the_deadline(scope):
    async def own() -> None:
        raise TimeoutError("the database did")

    result = await as_tool(own, timeout_s=30).call("{}", scope=scope)
    assert result.text == "own failed: TimeoutError: the database did"


async def test_cancellation_passes_through(scope):
    started = asyncio.Event()

    async def wait() -> None:
        started.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(as_tool(wait).call("{}", scope=scope))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


class TestApproval:
    tool = as_tool(lambda path: f"removed {path}", name="remove", parameters={}, requires_approval=True)

    async def test_without_anybody_to_ask_the_call_is_not_made(self, scope):
        result = await self.tool.call({"path": "a"}, scope=scope)
        assert isinstance(result.error, ToolApprovalError)
        assert "nobody can be asked" in result.text

    async def test_a_sync_or_async_answer_decides_this_one_call(self, scope):
        asked = []
        scope.approve = lambda context: asked.append(context.arguments) or True
        assert (await self.tool.call({"path": "a"}, scope=scope)).value == "removed a"
        assert asked == [{"path": "a"}]

        async def deny(context: ToolContext) -> bool:
            return False

        scope.approve = deny
        result = await self.tool.call({"path": "a"}, scope=scope)
        assert result.text == "remove was not approved; this call was not made"

    async def test_a_timed_out_approval_denies_the_call(self, scope):
        async def never(context: ToolContext) -> bool:
            await asyncio.Event().wait()
            return True

        scope.approve, scope.approval_timeout_s = never, 0.01
        result = await self.tool.call({"path": "a"}, scope=scope)
        assert "was not approved within 0.01 s" in result.text
        assert isinstance(result.error, ToolApprovalError)

    async def test_a_timeout_inside_the_approver_is_a_failure_of_its_own(self, scope):
        async def broken(context: ToolContext) -> bool:
            raise TimeoutError("chat server")

        scope.approve = broken
        assert "TimeoutError: chat server" in (await self.tool.call({"path": "a"}, scope=scope)).text

    async def test_waiting_counts_neither_against_the_tools_timeout_nor_the_runs(self, scope):
        def slowly(context: ToolContext) -> bool:
            time.sleep(0.7)
            return True

        scope.approve = slowly
        scope.clock = RunClock(0.6)
        async with scope.clock.running():
            assert (await self.tool.with_(timeout_s=0.6).call({"path": "a"}, scope=scope)).ok

    async def test_a_function_of_the_arguments_may_say_whether_approval_is_needed(self, scope):
        tool = self.tool.with_(requires_approval=lambda arguments: arguments["path"] == "precious")
        assert (await tool.call({"path": "junk"}, scope=scope)).ok
        assert not (await tool.call({"path": "precious"}, scope=scope)).ok

    async def test_bad_arguments_are_told_before_anybody_is_asked(self, scope):
        asked = []
        scope.approve = lambda context: asked.append(1) or True
        await as_tool(add, requires_approval=True).call("{}", scope=scope)
        assert asked == []


async def test_middleware_wraps_the_call_the_first_outermost(scope):
    order = []

    def layer(name):
        async def around(context, call_next):
            order.append(f"{name} in")
            value = await call_next(context)
            order.append(f"{name} out")
            return value + 1

        return around

    tool = as_tool(add, middleware=(layer("a"), layer("b")))
    assert (await tool.call({"a": 1}, scope=scope)).value == 4
    assert order == ["a in", "b in", "b out", "a out"]


async def test_middleware_may_change_arguments_call_again_or_answer_itself(scope):
    async def twice(context, call_next):
        context.arguments = {"a": 10}
        await call_next(context)
        context.attempt += 1
        return ToolResult(await call_next(context), text=f"attempt {context.attempt}")

    result = await as_tool(add, middleware=(twice,)).call({"a": 1}, scope=scope)
    assert (result.value, result.text) == (11, "attempt 2")


async def test_events_tell_of_a_call_and_of_its_failure(scope):
    events = []
    scope.stream.subscribe(events.append, ["tool.call"])
    await as_tool(add).call('{"a": 1}', call_id="c1", scope=scope)
    await as_tool(add).call("{}", scope=scope)
    assert [(event.phase, bool(event.error)) for event in events] == [
        ("start", False), ("end", False), ("start", False), ("end", True),
    ]  # fmt: skip
    assert events[1].attributes["call_id"] == "c1"
    assert events[1].content == {}
    assert events[3].attributes["retry"] is True


async def test_captured_arguments_are_redacted_by_name(scope):
    events = []
    scope.stream.capture_content = True
    scope.stream.subscribe(events.append, ["tool.call"])
    tool = as_tool(lambda **keys: "ok", name="login", parameters={})
    await tool.call('{"password": "hunter2", "user": "ann"}', scope=scope)
    await tool.call({"password": "hunter2"}, scope=scope)
    await tool.call("password=hunter2 {", scope=scope)
    await tool.call(b"{", scope=scope)
    assert events[1].content["arguments"] == {"password": MARK, "user": "ann"}
    assert "hunter2" not in str([event.content for event in events])


async def test_a_tool_with_a_given_schema_checks_what_the_schema_says(scope):
    schema = {
        "type": "object",
        "properties": {"town": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["town"],
        "additionalProperties": False,
    }
    tool = Tool(lambda **keys: keys, ToolMetadata("forecast"), parameters=schema)
    assert (await tool.call('{"town": "Ulm"}', scope=scope)).value == {"town": "Ulm"}
    result = await tool.call('{"days": "x", "nights": 2}', scope=scope)
    assert "town" in result.text
    assert "nights" in result.text
    assert isinstance(result.error, ToolArgumentsError)


def test_what_is_no_tool_is_refused():
    for target in (3, "files.read", int, None):
        with pytest.raises(ConfigurationError, match="a tool is a function or a Tool"):
            as_tool(target)
    with pytest.raises(ConfigurationError, match="lambda has no name"):
        as_tool(lambda: 1)


@pytest.mark.parametrize("name", ["", "with space", "dot.ted", "ümlaut", "x" * 65])
def test_names_no_provider_takes_are_refused(name):
    with pytest.raises(ConfigurationError, match="letters, digits"):
        ToolMetadata(name)


def test_metadata_is_checked():
    assert ToolMetadata("a", cost_tier="high").cost_tier is CostTier.HIGH
    with pytest.raises(ConfigurationError, match="timeout_s must be positive"):
        ToolMetadata("a", timeout_s=0)


def test_a_parameter_that_cannot_be_described_is_named():
    def odd(when: threading.Lock) -> None: ...

    with pytest.raises(SchemaError, match=r"odd.*when"):
        as_tool(odd)


def test_a_decorated_object_brings_its_tool():
    tool = as_tool(add)

    class Decorated:
        __victor_tool__ = tool

    assert as_tool(Decorated()) is tool
    assert as_tool(tool) is tool
    renamed = as_tool(tool, name="plus", keywords=["sum"])
    assert (renamed.name, renamed.metadata.keywords, tool.name) == ("plus", ("sum",), "add")
    assert repr(renamed) == "Tool('custom.plus')"


def test_results_in_words():
    @attrs.frozen
    class Town:
        name: str
        people: int

    class Model:
        def model_dump(self, mode: str) -> dict[str, int]:
            return {"a": 1}

    assert render_result("as it is") == "as it is"
    assert render_result(None) == "done"
    assert render_result(Town("Ulm", 128)) == '{"name":"Ulm","people":128}'
    assert render_result({"x": Model()}) == '{"x":{"a":1}}'
    assert render_result({1: {2}}) == '{"1":[2]}'
    assert render_result(1 + 2j) == '"(1+2j)"'
    loop: list[object] = []
    loop.append(loop)
    assert render_result(loop) == "[[...]]"
    assert repr(ToolResult(1)) == "ToolResult(1)"
    assert "ToolError" in repr(ToolResult(error=ToolError("x"), text="x"))


async def test_where_threads_are_missing_sync_tools_run_in_place(scope, monkeypatch):
    def no_thread(self):
        raise RuntimeError("can't start new thread")

    tool = as_tool(lambda: threading.current_thread() is threading.main_thread(), name="where")
    with monkeypatch.context() as patched:
        patched.setattr(worker_threads, "_pool", None)  # none is left over from before
        patched.setattr(threading.Thread, "start", no_thread)
        assert (await tool.call("{}", scope=scope)).value is True
    monkeypatch.setattr("sys.platform", "emscripten")
    assert (await tool.call("{}", scope=scope)).value is True


async def test_other_runtime_errors_of_an_executor_are_told(scope):
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    result = await as_tool(add, executor=pool).call({"a": 1}, scope=scope)
    assert "cannot schedule new futures" in result.text


async def test_nothing_a_tool_raises_ends_the_run_or_hangs_it(scope):
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("in str")

    def exhausted() -> None:
        next(iter(()))

    def leave() -> None:
        raise SystemExit(2)

    async def mute() -> None:
        raise Mute

    async def inner_cancelled() -> None:
        raise asyncio.CancelledError("inner task")

    for function, said in (
        (exhausted, "StopIteration"),
        (leave, "SystemExit"),
        (mute, "Mute"),
        (inner_cancelled, "inner task"),
    ):
        async with asyncio.timeout(5):
            result = await as_tool(function).call("{}", scope=scope)
        assert not result.ok
        assert said in result.text


async def test_only_true_is_leave_to_go_ahead(scope):
    for answer in ("no", "yes", 1, [False]):
        scope.approve = lambda context, answer=answer: answer
        result = await TestApproval.tool.call({"path": "a"}, scope=scope)
        assert isinstance(result.error, ToolApprovalError)


async def test_arguments_of_the_wrong_kind_are_never_a_failure_of_the_tool(scope):
    import datetime as dt
    import decimal
    import uuid

    def at(when: dt.datetime, day: dt.date, time: dt.time, took: dt.timedelta, price: decimal.Decimal, id: uuid.UUID):
        return "called"

    tool = as_tool(at)
    for value in (5, None, [], {}, 1e308, True, "", "x", "9" * 5000, "1e999999999", "\ud800", "\x00"):
        result = await tool.call(dict.fromkeys(tool.parameters["properties"], value), scope=scope)
        assert isinstance(result.error, ToolArgumentsError), (value, result.text)


async def test_texts_that_cannot_be_sent_are_refused_as_arguments_and_written_out_in_results(scope):
    result = await as_tool(lambda text: text, name="echo", parameters={}).call({"text": "a\udcffb"}, scope=scope)
    assert result.text == "a\\udcffb" and result.value == "a\udcffb"

    def echo(text: str) -> str:
        return text

    refused = await as_tool(echo).call({"text": "a\udcffb"}, scope=scope)
    assert isinstance(refused.error, ToolArgumentsError) and "$.text: character 1 is half of one" in refused.text
    assert (await as_tool(echo).call({"text": "é🎉"}, scope=scope)).text == "é🎉"


async def test_errors_are_cut_for_the_model(scope):
    def fail(length: int) -> None:
        raise ToolError("x" * length)

    result = await as_tool(fail).call({"length": 1_000_000}, scope=scope)
    assert len(result.text) < 21_000 and "characters were cut" in result.text and len(str(result.error)) == 1_000_000
