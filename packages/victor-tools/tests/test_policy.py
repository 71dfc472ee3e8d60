"""What surrounds a call: retries, rate limits, cache, truncation, threads."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from victor.core.cut import cut_middle
from victor.core.errors import ConfigurationError, ToolError, ToolTimeoutError
from victor.core.events import EventStream
from victor.core.tool import Tool, ToolContext, ToolMetadata, ToolResult, ToolScope, as_tool
from victor.tools import Policy, UnifiedToolRegistry, tool
from victor.tools.policy.cache import ResultCache
from victor.tools.policy.rate_limit import RateLimit, parse_rate
from victor.tools.policy.retry import Retry, is_transient
from victor.tools.policy.truncation import LongResults, Truncation


def make(function: Any, *middleware: Any, **metadata: Any) -> Tool:
    return Tool(function, ToolMetadata("t", **metadata), middleware=middleware)


def listening() -> tuple[ToolScope, list[str]]:
    stream, seen = EventStream(), []
    stream.subscribe(lambda event: seen.append(event.kind), kinds=["tools.*"])
    return ToolScope(stream=stream), seen


async def no_sleep(seconds: float) -> None:
    assert seconds >= 0


# --- retries ---


@pytest.mark.parametrize("error", [ConnectionResetError("x"), TimeoutError(), ToolTimeoutError("t")])
async def test_transient_failures_are_tried_again(error: Exception) -> None:
    attempts: list[int] = []

    async def flaky(context: ToolContext) -> str:
        attempts.append(context.attempt)
        if len(attempts) < 3:
            raise error
        return "done"

    scope, seen = listening()
    assert (await make(flaky, Retry(2, sleep=no_sleep)).call("{}", scope=scope)).value == "done"
    assert attempts == [1, 2, 3]
    assert seen == ["tools.retry", "tools.retry"]


@pytest.mark.parametrize("error", [ValueError("x"), ToolError("no such city", retry=True), KeyError("k")])
async def test_answers_and_mistakes_are_not(error: Exception) -> None:
    attempts = 0

    async def wrong() -> str:
        nonlocal attempts
        attempts += 1
        raise error

    assert not (await make(wrong, Retry(3, sleep=no_sleep)).call("{}")).ok
    assert attempts == 1


async def test_after_the_last_attempt_the_failure_is_told() -> None:
    async def down() -> str:
        raise ConnectionRefusedError("nobody there")

    result = await make(down, Retry(2, sleep=no_sleep)).call("{}")
    assert result.text == "t failed: ConnectionRefusedError: nobody there"


def test_an_error_can_say_that_it_passes() -> None:
    error = ToolError("busy")
    assert not is_transient(error)
    error.transient = True  # type: ignore[attr-defined]
    assert is_transient(error)

    import httpx2

    assert is_transient(httpx2.ConnectError("x"))


async def test_a_timeout_counts_for_each_attempt() -> None:
    attempts = 0

    async def slow() -> str:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            await asyncio.Event().wait()
        return "second"

    assert (await make(slow, Retry(1, sleep=no_sleep), timeout_s=0.3).call("{}")).value == "second"


# --- rate limit ---


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@given(st.integers(1, 20), st.floats(0.1, 100), st.lists(st.floats(0, 5), min_size=1, max_size=80))
def test_never_more_calls_in_a_period_than_allowed(calls: int, period: float, pauses: list[float]) -> None:
    clock = Clock()
    limit = RateLimit(calls, period, longest_wait_s=0, clock=clock)
    passed: list[float] = []
    for pause in pauses:
        clock.now += pause
        if limit.reserve() == 0:
            passed.append(clock.now)
    # A full burst at once, and from then on one per step: at most 2 * calls - 1 in any window of one period.
    for start in passed:
        inside = [t for t in passed if start <= t < start + period * (1 - 1e-9)]
        assert len(inside) <= 2 * calls
    assert len(passed) <= calls + (passed[-1] - passed[0]) / (period / calls) + 1e-6 + 1


def test_a_burst_then_waiting() -> None:
    clock = Clock()
    limit = RateLimit(2, 1.0, clock=clock)
    assert limit.reserve() == 0
    assert limit.reserve() == 0
    assert limit.reserve() == pytest.approx(0.5)
    clock.now += 10
    assert limit.reserve() == 0


async def test_too_long_a_wait_is_refused_and_told() -> None:
    def hello() -> str:
        return "hi"

    limited = make(hello, RateLimit(1, 3600.0))
    assert (await limited.call("{}")).ok
    scope, seen = listening()
    result = await limited.call("{}", scope=scope)
    assert result.text.startswith("t is called too often; try again in 3")
    assert seen == ["tools.rate_limited"]


@pytest.mark.parametrize("text", ["", "5", "x/s", "0/s", "5/fortnight", "5/0s", "-1/s"])
def test_rates_that_are_none(text: str) -> None:
    with pytest.raises(ConfigurationError, match="write it as '10/s'"):
        parse_rate(text)


# --- cache ---


async def test_equal_calls_are_answered_from_memory_until_they_expire() -> None:
    clock, calls = Clock(), []

    async def look_up(name: str, tags: list[str] = []) -> dict[str, Any]:  # noqa: B006
        calls.append(name)
        return {"name": name, "tags": tags}

    cache = ResultCache(10, clock=clock)
    made = make(look_up, cache)
    scope, seen = listening()
    first = await made.call('{"name": "a"}', scope=scope)
    second = await made.call('{"tags": [], "name": "a"}', scope=scope)
    assert first.value == second.value and seen == ["tools.cache_hit"]
    second.value["name"] = "changed by whoever got it"
    assert (await made.call('{"name": "a"}')).value["name"] == "a"
    await made.call('{"name": "b"}')
    assert calls == ["a", "b"]
    clock.now += 11
    await made.call('{"name": "a"}')
    assert calls == ["a", "b", "a"]
    cache.clear()
    assert len(cache) == 0


async def test_the_cache_is_bounded_and_the_least_used_goes() -> None:
    calls: list[int] = []

    async def square(x: int) -> int:
        calls.append(x)
        return x * x

    cache = ResultCache(10, size=2)
    made = make(square, cache)
    for x in (1, 2, 1, 3, 1, 2):
        await made.call({"x": x})
    assert calls == [1, 2, 3, 2]
    assert len(cache) == 2


async def test_failures_and_other_hosts_are_not_mixed_up() -> None:
    calls = 0

    async def sometimes(context: ToolContext) -> str:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ToolError("not yet")
        return str(context.deps)

    made = make(sometimes, ResultCache(10))
    assert not (await made.call("{}")).ok
    assert (await made.call("{}", scope=ToolScope(deps="ann"))).value == "ann"
    assert (await made.call("{}", scope=ToolScope(deps="ben"))).value == "ben"
    assert (await made.call("{}", scope=ToolScope(deps=["cannot be compared"]))).ok
    assert calls == 4


# --- truncation ---


async def test_long_results_are_cut_and_the_rest_can_be_had() -> None:
    text = "\n".join(f"line {number}" for number in range(1000))

    async def long() -> str:
        return text

    keep = LongResults()
    scope, seen = listening()
    result = await make(long, Truncation(500, keep=keep)).call("{}", scope=scope)
    assert result.value == text  # a program gets all of it
    assert len(result.text) < 700
    assert result.text.startswith("line 0\n") and result.text.endswith("line 999")
    assert 'results_read with ref "r1" and offset' in result.text
    offset = int(result.text.partition("offset ")[2].partition(" ")[0])
    assert (result.text.partition("\n[...")[0] + keep.read("r1", offset, 10)) == text[: offset + 10]
    assert seen == ["tools.truncated"]


@given(st.text(min_size=300, max_size=2000), st.integers(200, 290))
def test_cutting_keeps_beginning_and_end(text: str, most: int) -> None:
    cut = cut_middle(text, most, "[{cut} cut, {start} to {end} of {total}]")
    head, _, _rest = cut.partition("\n[")
    assert len(cut) <= most + 60
    assert text.startswith(head) or "[" in text
    assert cut.endswith(text[-10:])


async def test_short_results_and_errors_pass_as_they_are() -> None:
    async def short() -> ToolResult:
        return ToolResult({"a": 1}, text="one")

    assert (await make(short, Truncation(200)).call("{}")).text == "one"


def test_kept_results_are_bounded() -> None:
    keep = LongResults(most=2, most_chars=100)
    first = keep.keep("a" * 40)
    keep.keep("b" * 40)
    third = keep.keep("c" * 40)
    assert keep.keep("d" * 101) == ""
    assert keep.size(first) == 0 and keep.size(third) == 40
    with pytest.raises(ToolError, match="no result 'r1' is kept"):
        keep.read(first)


# --- together ---


async def test_everything_together() -> None:
    calls = 0

    @tool(idempotent=True, retries=1, cache_ttl=60, rate_limit="100/s", max_result_chars=300, timeout=5, register=False)
    async def fetch(key: str) -> str:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ConnectionError("once")
        return key * 200

    made = as_tool(fetch)
    first, second = await made.call('{"key": "ab"}'), await made.call('{"key": "ab"}')
    assert calls == 2
    assert first.value == second.value == "ab" * 200
    assert "were cut here" in first.text


async def test_a_long_error_is_cut_as_well() -> None:
    @tool(max_result_chars=200, registry=UnifiedToolRegistry())
    def fails(length: int) -> str:
        raise ToolError("E" * length, retry=True)

    result = await as_tool(fails).call({"length": 100_000})
    assert result.error is not None and result.error.retry
    assert len(result.text) < 500 and "were cut here" in result.text
    assert (await as_tool(fails).call({"length": 100})).text == "E" * 100


def test_each_policy_makes_layers_of_its_own() -> None:
    policy = Policy(cache_ttl_s=1, rate_limit="1/s")
    assert all(a is not b for a, b in zip(policy.build(), policy.build(), strict=True))


async def test_tools_that_hang_starve_nobody_and_waiting_for_a_thread_is_not_their_own_time() -> None:
    release = threading.Event()

    @tool(registry=UnifiedToolRegistry(), timeout=0.2)
    def hang() -> None:
        release.wait(30)

    @tool(registry=UnifiedToolRegistry(), timeout=0.5)
    def quick(x: int) -> int:
        return x

    @tool(registry=UnifiedToolRegistry())
    def patient(x: int) -> int:
        return x

    stuck = [asyncio.create_task(as_tool(hang).call("{}")) for _ in range(64)]
    await asyncio.sleep(0)
    try:
        answers = await asyncio.wait_for(
            asyncio.gather(*(as_tool(each).call({"x": 1}) for each in (quick, patient))), 20
        )
        assert [answer.text for answer in answers] == ["1", "1"]
        assert {result.text for result in await asyncio.gather(*stuck)} == {"hang did not finish within 0.2 s"}
    finally:
        release.set()
