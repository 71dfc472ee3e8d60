"""Calls, registering, looking up and searching, beside peers where they are installed, in one run.

    python packages/victor-tools/benchmarks/calls.py

Medians of several rounds, in microseconds of processor time, also as a ratio to a floor measured in the same run. Peers
(``pip install pydantic-ai-slim openai-agents langchain-core fastmcp``) are left out where they are missing.
"""

from __future__ import annotations

import asyncio
import gc
import heapq
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from victor.core.ranking import BM25, content_words
from victor.core.tool import Tool, ToolMetadata, as_tool
from victor.tools import UnifiedToolRegistry, tool
from victor.tools.categories import Categories

ARGUMENTS = '{"a": 2, "b": 3}'
ROUNDS = 7


async def per_call(call: Callable[[], Awaitable[Any]], number: int = 5_000) -> float:
    """Median microseconds of awaiting a call."""
    await call()
    rounds = []
    for _ in range(ROUNDS):
        gc.collect()
        began = time.process_time()
        for _ in range(number):
            await call()
        rounds.append((time.process_time() - began) / number * 1e6)
    return statistics.median(rounds)


def per_run(function: Callable[[], Any], number: int) -> float:
    """Median microseconds of a function."""
    rounds = []
    for _ in range(ROUNDS):
        gc.collect()
        began = time.process_time()
        for _ in range(number):
            function()
        rounds.append((time.process_time() - began) / number * 1e6)
    return statistics.median(rounds)


async def plain_add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


async def calls() -> list[tuple[str, float]]:
    plain = as_tool(plain_add)
    guarded = as_tool(
        tool(
            idempotent=True,
            timeout=5,
            retries=2,
            cache_ttl=60,
            rate_limit="100000000/s",
            max_result_chars=10_000,
            register=False,
        )(plain_add)
    )
    del plain_add.__victor_tool__  # type: ignore[attr-defined]
    timed = as_tool(tool(idempotent=True, timeout=5, retries=2, register=False)(plain_add))
    del plain_add.__victor_tool__  # type: ignore[attr-defined]
    missing = as_tool(tool(idempotent=True, timeout=5, retries=2, cache_ttl=60, register=False)(plain_add))
    del plain_add.__victor_tool__  # type: ignore[attr-defined]
    struct = msgspec.defstruct("A", [("a", int), ("b", int)])
    decode = msgspec.json.Decoder(struct).decode
    numbers = iter(range(10**9))

    async def floor() -> int:
        found = decode(ARGUMENTS)
        return await plain_add(found.a, found.b)

    async def unchecked() -> int:
        return await plain_add(**json.loads(ARGUMENTS))

    rows = [
        ("floor: msgspec decode, await the function", await per_call(floor)),
        ("json.loads, await the function, nothing checked", await per_call(unchecked)),
        ("Tool.call: checked, events, errors in words", await per_call(lambda: plain.call(ARGUMENTS))),
        ("  with timeout and retries", await per_call(lambda: timed.call(ARGUMENTS))),
        (
            "  with timeout, retries and a cache that misses",
            await per_call(lambda: missing.call(f'{{"a": 2, "b": {next(numbers)}}}')),
        ),
        ("  with all policies, answered from the cache", await per_call(lambda: guarded.call(ARGUMENTS))),
    ]
    return rows + await peers()


async def peers() -> list[tuple[str, float]]:
    rows: list[tuple[str, float]] = []
    try:
        from langchain_core.tools import StructuredTool

        made = StructuredTool.from_function(coroutine=plain_add, name="add", description="Add.")
        rows.append(
            ("langchain StructuredTool.ainvoke", await per_call(lambda: made.ainvoke(json.loads(ARGUMENTS)), 300))
        )
    except ImportError:
        pass
    try:
        from pydantic_ai.tools import RunContext
        from pydantic_ai.toolsets import FunctionToolset

        toolset = FunctionToolset([plain_add])
        from pydantic_ai.models.test import TestModel
        from pydantic_ai.usage import RunUsage

        context: Any = RunContext(deps=None, model=TestModel(), usage=RunUsage())
        found = (await toolset.get_tools(context))["plain_add"]
        check = found.args_validator.validate_json
        rows.append(
            (
                "pydantic-ai FunctionToolset.call_tool",
                await per_call(lambda: toolset.call_tool("plain_add", check(ARGUMENTS), context, found)),
            )
        )
    except ImportError:
        pass
    try:
        from agents import function_tool
        from agents.tool_context import ToolContext

        agents_tool = function_tool(plain_add)
        agents_context: Any = ToolContext(
            context=None, tool_name="plain_add", tool_call_id="1", tool_arguments=ARGUMENTS
        )
        rows.append(
            (
                "openai-agents on_invoke_tool",
                await per_call(lambda: agents_tool.on_invoke_tool(agents_context, ARGUMENTS)),
            )
        )
    except ImportError:
        pass
    try:
        from fastmcp.tools import Tool as FastTool

        fast = FastTool.from_function(plain_add)
        rows.append(("fastmcp Tool.run", await per_call(lambda: fast.run({"a": 2, "b": 3}), 1000)))
    except ImportError:
        pass
    return rows


WORDS = "read write list delete copy move send fetch convert resize merge split count sort search".split()
THINGS = "file mail image video table page record ticket order invoice branch container bucket log metric note".split()


def big_registry(count: int) -> UnifiedToolRegistry:
    registry = UnifiedToolRegistry(categories=Categories({}, {}))
    for number in range(count):
        verb, thing = WORDS[number % len(WORDS)], THINGS[number // len(WORDS) % len(THINGS)]
        metadata = ToolMetadata(
            f"{verb}_{thing}_{number}", f"{verb.title()} one {thing} of kind {number % 97} in place {number % 31}.",
            category=f"c{number % 40}", keywords=(verb, thing, f"k{number % 500}"),
        )  # fmt: skip
        registry.register(
            Tool(print, metadata, parameters={"type": "object", "properties": {"target": {"type": "string"}}})
        )
    return registry


def p50(function: Callable[[str], Any], questions: list[str]) -> float:
    """Median microseconds of one question after the other."""
    singles = []
    for question in questions:
        began = time.process_time()
        function(question)
        singles.append((time.process_time() - began) * 1e6)
    return statistics.median(singles)


def inverted_index(registry: UnifiedToolRegistry) -> Callable[[str], list[tuple[int, float]]]:
    """Every posting of every term of a question added up, then the best chosen."""
    index = registry._searchable()
    postings = {term: list(index._weigh(term)[0].items()) for term in list(index._postings)}

    def search(question: str) -> list[tuple[int, float]]:
        scores: dict[int, float] = {}
        for term in content_words(question):
            for number, impact in postings.get(term, ()):
                scores[number] = scores.get(number, 0.0) + impact
        return heapq.nlargest(10, scores.items(), key=lambda pair: pair[1])

    return search


def registry_rows() -> list[tuple[str, float]]:
    def fresh() -> None:
        def function(path: str, limit: int = 10) -> str:
            """Find something."""
            return path

        registry.register(function, replace=True)

    registry = UnifiedToolRegistry(categories=Categories({}, {}))
    rows = [("register one tool (signature read, checked)", per_run(fresh, 300))]
    big = big_registry(10_000)
    lookup = dict.fromkeys(big.ids)
    middle = big.ids[5_000]
    rows.append(("dict.get among 10,000", per_run(lambda: lookup.get(middle), 200_000)))
    rows.append(("get_tool by id among 10,000", per_run(lambda: big.get_tool(middle), 200_000)))
    began = time.process_time()
    big.search_tools("warm up")
    print(f"building the search index of 10,000 tools: {(time.process_time() - began) * 1e3:,.0f} ms")
    asked = [f"{WORDS[n % 15]} a {THINGS[n * 7 % 16]} of kind {n % 97}" for n in range(300)]
    rows.append(("search_tools among 10,000, p50 of first answers", p50(big.search_tools, asked)))
    rows.append(("search_tools among 10,000, p50", p50(big.search_tools, asked)))
    plain = inverted_index(big)
    rows.append(("  the same index as a textbook has it, p50", p50(plain, asked)))
    some = big.ids[:2_000]
    rows.append(("  dict.get, 2,000 times, p50", p50(lambda _: [lookup.get(each) for each in some], asked)))
    queue = iter(asked * 1000)
    rows.append(("search_tools among 10,000, questions repeated", per_run(lambda: big.search_tools(next(queue)), 100)))
    texts = [f"{t.name} {t.description}".lower().split() for t in big]

    def rescan(question: str) -> list[int]:
        words = set(question.split())
        return sorted(range(len(texts)), key=lambda n: -len(words & set(texts[n])))[:10]

    rows.append(("  peers' way: scan every tool at each question", per_run(lambda: rescan(next(queue)), 2)))
    assert isinstance(big._searchable(), BM25)
    return rows


def imports() -> list[tuple[str, float]]:
    def milliseconds(code: str) -> float:
        rounds = []
        for _ in range(7):
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
            rounds.append((time.perf_counter() - began) * 1e3)
        return min(rounds)

    bare = milliseconds("pass")
    floor = milliseconds("import asyncio, attrs, msgspec") - bare
    ours = milliseconds("from victor.tools import tool\n@tool\ndef f(x: int) -> int: return x") - bare
    return [("import asyncio, attrs, msgspec (ms)", floor), ("from victor.tools import tool, one tool made (ms)", ours)]


def show(title: str, rows: list[tuple[str, float]]) -> None:
    floor = rows[0][1]
    print(f"\n{title:<56}{'':>11}{'ratio':>9}")
    for label, value in rows:
        print(f"{label:<56}{value:>11,.2f}{value / floor:>9,.1f}")


def main() -> None:
    show("one call of a 2-argument async tool, us", asyncio.run(calls()))
    show("registry, us", registry_rows())
    show("import", imports())


if __name__ == "__main__":
    main()
