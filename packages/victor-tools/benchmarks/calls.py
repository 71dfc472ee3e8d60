"""Calls, registering, looking up, searching and importing, beside peers, in one run: what is it, and what was the goal?

    python packages/victor-tools/benchmarks/calls.py

Medians of several rounds, in microseconds of processor time, also as a ratio to a floor measured in the same run. The
peers run with their own Python (``--peers``, or ``VICTOR_BENCH_PEERS_PYTHON``); without it they are left out.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import heapq
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
from _results import record

from victor.core.ranking import BM25, STOP_WORDS, content_words, words
from victor.core.tool import Tool, ToolMetadata, as_tool
from victor.tools import UnifiedToolRegistry, tool
from victor.tools.categories import Categories

ARGUMENTS = '{"a": 2, "b": 3}'
ROUNDS = 7
PLAIN_CALL = "Tool.call: checked, events, errors in words"
GUARDED_CALL = "  with timeout, retries and a cache that misses"


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

    return [
        ("floor: msgspec decode, await the function", await per_call(floor)),
        ("json.loads, await the function, nothing checked", await per_call(unchecked)),
        (PLAIN_CALL, await per_call(lambda: plain.call(ARGUMENTS))),
        ("  with timeout and retries", await per_call(lambda: timed.call(ARGUMENTS))),
        (
            GUARDED_CALL,
            await per_call(lambda: missing.call(f'{{"a": 2, "b": {next(numbers)}}}')),
        ),
        ("  with all policies, answered from the cache", await per_call(lambda: guarded.call(ARGUMENTS))),
    ]


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


def registry_rows() -> tuple[list[tuple[str, float]], dict[str, Any]]:
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
    assert isinstance(big._searchable(), BM25)
    documents = [[made.name, made.description] for made in big]
    telling = [" ".join(word for word in words(each) if word not in STOP_WORDS) for each in asked]
    return rows, {"documents": documents, "questions": telling}


def import_ms(python: str, *codes: str, rounds: int = ROUNDS) -> list[float]:
    """CPU milliseconds of programs over one that does nothing, in turns."""
    taken: dict[str, list[float]] = {code: [] for code in ("pass", *codes)}
    for _ in range(rounds):
        for code, found in taken.items():
            process = subprocess.Popen([python, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                raise SystemExit(f"{code!r} ended with {process.returncode}")
            found.append((usage.ru_utime + usage.ru_stime) * 1e3)
    bare, *others = (statistics.median(found) for found in taken.values())
    return [other - bare for other in others]


LIBRARIES = "import asyncio, attrs, msgspec"
OURS = "from victor.tools import tool"
ONE_TOOL = f"{OURS}\n@tool\ndef f(x: int) -> int: return x"
PEERS = ("pydantic_ai", "openai_agents", "langchain", "fastmcp")


def peers_side(python: str | None, script: str, *arguments: str, given: Any = None) -> Any:
    """What a program of the peers prints; None, and a word about it, where it cannot run."""
    if python is None:
        return None
    command = [python, str(Path(__file__).parent / "peers" / script), *arguments]
    text = None if given is None else json.dumps(given)
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"({script} {' '.join(arguments)} is left out: {done.stderr.strip()[-300:]})", file=sys.stderr)
        return None
    print(done.stderr, end="", file=sys.stderr)
    return json.loads(done.stdout)


def show(title: str, rows: list[tuple[str, float]]) -> None:
    """Figures with their ratio to the first of them."""
    floor = rows[0][1]
    print(f"\n{title:<56}{'':>11}{'ratio':>9}")
    for label, value in rows:
        print(f"{label:<56}{value:>11,.2f}{value / floor:>9,.1f}")


def against_goals(rows: list[tuple[str, float, float, str]]) -> None:
    """What was asked for, what there is, and what it is elsewhere."""
    print(f"\n{'goals':<58}{'goal':>8}{'here':>9}")
    for label, goal, value, unit in rows:
        verdict = "" if value <= goal else f"  {value / goal:.2f} x the goal, in CPU time of this machine"
        print(f"{label:<58}{goal:>8g}{value:>9,.2f} {unit}{verdict}")


def distribution(name: str) -> str:
    """A peer's name without its version."""
    return name.rpartition(" ")[0]


def tell(
    of: dict[str, float], others: list[Any], engines: list[Any], imported: float, imports: dict[str, float]
) -> None:
    """The figures for the page; of a peer that can be called in several ways, the way that does most."""
    called = {distribution(each["name"]): max(each["calls"].values()) for each in others}
    made = {distribution(each["name"]): each["register_us"] for each in others}
    found = {distribution(each["name"]): each["p50_us"] for each in engines}
    floor = "floor: msgspec decode, await the function"
    what = "call of an async tool with two arguments, from JSON text"
    record(
        "call", what, of[PLAIN_CALL], "us", goal=5, floor=of[floor], floor_name="msgspec and an `await`", peers=called
    )
    record("guarded", "the same with timeout, retries and a cache that misses", of[GUARDED_CALL], "us", goal=20)
    looked = of["get_tool by id among 10,000"]
    record(
        "get", "get by id among 10,000", looked, "us", goal=0.3, floor=of["dict.get among 10,000"], floor_name="a dict"
    )
    searched = of["search_tools among 10,000, p50"]
    record("search", "search among 10,000, median of the questions", searched, "us", goal=400, peers=found)
    record(
        "register", "register one tool", of["register one tool (signature read, checked)"], "us", goal=150, peers=made
    )
    shares = {distribution(name): times for name, times in imports.items()}
    record("import", "import, over `import asyncio, attrs, msgspec`", imported, "x", goal=1.5, peers=shares)


def main(python: str | None) -> None:
    """Measure and print."""
    if python is None:
        print("(peers are left out: VICTOR_BENCH_PEERS_PYTHON is not set)", file=sys.stderr)
    others = [found for name in PEERS if (found := peers_side(python, "tools.py", name)) is not None]
    call = asyncio.run(calls())
    called = [(f"{each['name']} {label}", us) for each in others for label, us in each["calls"].items()]
    show("one call of a 2-argument async tool, us", call + called)
    registry, search = registry_rows()
    made = [(f"register: {each['name']}", each["register_us"]) for each in others]
    engines = peers_side(python, "search.py", given=search) or []
    found = [(f"search: {each['name']} (built in {each['build_ms']:,.0f} ms)", each["p50_us"]) for each in engines]
    show("registry of 10,000, us", [*registry[:1], *made, *registry[1:], *found])
    floor, ours, one = import_ms(sys.executable, LIBRARIES, OURS, ONE_TOOL)
    rows = [(LIBRARIES, floor), (OURS, ours), ("  and one tool made", one)]
    if python is not None:
        imported = import_ms(python, *(each["import"] for each in others), rounds=3)
        rows += [(each["import"], ms) for each, ms in zip(others, imported, strict=True)]
    show("import, ms of CPU time", rows)
    of = dict(call) | dict(registry)
    imports = (
        {each["name"]: ms / floor for each, ms in zip(others, imported, strict=True)} if python is not None else {}
    )
    tell(of, others, engines, ours / floor, imports)
    against_goals(
        [
            ("call from JSON text, validated, events, nobody listens", 5, of[PLAIN_CALL], "us"),
            ("the same with timeout, cache miss, retry configured", 20, of[GUARDED_CALL], "us"),
            ("get by id with 10,000 tools", 0.3, of["get_tool by id among 10,000"], "us"),
            ("search, 10,000 tools, p50", 400, of["search_tools among 10,000, p50"], "us"),
            ("register one tool", 150, registry[0][1], "us"),
            ("import, as a multiple of asyncio, attrs and msgspec", 1.5, ours / floor, "x"),
        ]
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--peers", default=os.environ.get("VICTOR_BENCH_PEERS_PYTHON"), help="their Python")
    main(parser.parse_args().peers)
