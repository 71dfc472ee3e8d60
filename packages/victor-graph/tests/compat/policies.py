"""Retries, caches and limits on what runs at once."""

import operator
from typing import Annotated, TypedDict

from langgraph.cache.memory import InMemoryCache
from langgraph.graph import START, StateGraph
from langgraph.types import CachePolicy, RetryPolicy


class State(TypedDict, total=False):
    n: int
    seen: Annotated[list, operator.add]


def main():
    attempts = []

    def flaky(state: State):
        attempts.append(1)
        if len(attempts) < 3:
            raise ConnectionError("gone")
        return {"seen": [len(attempts)]}

    retry = RetryPolicy(initial_interval=0.01, jitter=False, max_attempts=4)
    first = StateGraph(State).add_node("flaky", flaky, retry_policy=retry).add_edge(START, "flaky").compile().invoke({})
    runs = []

    def slow(state: State):
        runs.append(state["n"])
        return {"seen": [state["n"]]}

    cached = (
        StateGraph(State)
        .add_node("slow", slow, cache_policy=CachePolicy(ttl=60))
        .add_edge(START, "slow")
        .compile(cache=InMemoryCache())
    )
    return first, [cached.invoke({"n": n}) for n in (1, 1, 2)], runs
