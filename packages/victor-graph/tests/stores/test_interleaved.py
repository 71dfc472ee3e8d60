"""Fifty threads of work interleaved on one store: no lock errors, no lost writes."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest

from victor.graph import END, START, StateGraph
from victor.graph.checkpoint.base import Checkpointer
from victor.graph.checkpoint.postgres import PostgresSaver
from victor.graph.checkpoint.sqlite import SqliteSaver
from victor.graph.durable import step

STEPS = 12


class State(TypedDict):
    name: str
    done: Annotated[list[int], operator.add]


def compiled(store: Checkpointer) -> Any:
    def work(state: State) -> dict[str, Any]:
        return {"done": [step("work", lambda: len(state["done"]))]}

    builder = StateGraph(State)
    builder.add_node("work", work)
    builder.add_edge(START, "work")
    builder.add_conditional_edges("work", lambda state: END if len(state["done"]) >= STEPS else "work", [END, "work"])
    return builder.compile(checkpointer=store)


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Checkpointer]:
    if request.param == "sqlite":
        with SqliteSaver(tmp_path / "runs.db") as store:
            yield store
    else:
        with PostgresSaver(request.getfixturevalue("postgres_url"), patience_s=60) as store:
            yield store


def check(graph: Any, name: str) -> None:
    history = list(graph.get_state_history(thread_id=name))
    assert history[0].values == {"name": name, "done": list(range(STEPS))}
    assert len(history) == STEPS + 2  # the input, and the step from START


@pytest.mark.slow
def test_fifty_threads(store: Checkpointer) -> None:
    graph = compiled(store)
    names = [f"thread-{number}" for number in range(50)]
    with ThreadPoolExecutor(50) as pool:
        results = list(pool.map(lambda name: graph.invoke({"name": name, "done": []}, thread_id=name), names))
    assert [(one["name"], one["done"]) for one in results] == [(name, list(range(STEPS))) for name in names]
    for name in names[::7]:
        check(graph, name)
    assert sorted(one.thread_id for one in store.threads()) == sorted(names)


@pytest.mark.slow
@pytest.mark.parametrize("durability", ["sync", "async"])
async def test_fifty_coroutines(store: Checkpointer, durability: str) -> None:
    graph = compiled(store)
    names = [f"thread-{number}" for number in range(50)]
    runs = (graph.ainvoke({"name": name, "done": []}, thread_id=name, durability=durability) for name in names)
    results = await asyncio.gather(*runs)
    assert all(one["done"] == list(range(STEPS)) for one in results)
    for name in names[::7]:
        await asyncio.to_thread(check, graph, name)
