"""What a compiled graph can do besides running: batches, descriptions, variants, updates in bulk."""

from __future__ import annotations

import asyncio
import operator
import threading
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from attrs import define

from victor.core.errors import SchemaError
from victor.graph import (
    END,
    START,
    CachePolicy,
    GraphValidationError,
    InvalidUpdateError,
    MemorySaver,
    NodeTimeoutError,
    RetryPolicy,
    StateGraph,
    StateUpdate,
    TimeoutPolicy,
    entrypoint,
    get_runtime,
    interrupt,
    step,
    task,
)


class State(TypedDict, total=False):
    n: int
    log: Annotated[list[Any], operator.add]


def double(state: State) -> State:
    if state["n"] < 0:
        raise ValueError(f"negative: {state['n']}")
    return {"n": state["n"] * 2}


def one(node: Any = double, schema: Any = State, **options: Any) -> Any:
    return StateGraph(schema).add_node("node", node).add_edge(START, "node").compile(**options)


class TestBatches:
    def test_outputs_come_in_the_order_of_the_inputs(self) -> None:
        inputs = [{"n": n} for n in range(40)]
        assert [out["n"] for out in one().batch(inputs)] == list(range(0, 80, 2))
        assert [out["n"] for out in asyncio.run(one().abatch(inputs))] == list(range(0, 80, 2))
        assert one().batch([]) == asyncio.run(one().abatch([])) == []

    def test_a_config_for_each(self) -> None:
        graph = one(checkpointer=MemorySaver())
        configs: Any = [{"configurable": {"thread_id": str(n)}} for n in range(2)]
        graph.batch([{"n": 1}, {"n": 2}], configs)
        assert [graph.get_state(config).values["n"] for config in configs] == [2, 4]
        with pytest.raises(GraphValidationError, match="2 configs for 1 inputs"):
            graph.batch([{"n": 1}], configs)

    def test_errors_are_raised_or_returned(self) -> None:
        inputs = [{"n": 1}, {"n": -1}]
        with pytest.raises(ValueError, match="negative"):
            one().batch(inputs)
        with pytest.raises(ValueError, match="negative"):
            asyncio.run(one().abatch(inputs))
        for outputs in (
            one().batch(inputs, return_exceptions=True),
            asyncio.run(one().abatch(inputs, return_exceptions=True)),
        ):
            assert outputs[0]["n"] == 2
            assert isinstance(outputs[1], ValueError)

    def test_they_run_side_by_side_up_to_the_limit(self) -> None:
        most, now, lock, two = 0, 0, threading.Lock(), threading.Barrier(2)

        def node(state: State) -> None:
            nonlocal most, now
            with lock:
                now += 1
                most = max(most, now)
            two.wait(60)  # only passes when two are here at once
            with lock:
                now -= 1

        one(node).batch([{"n": n} for n in range(6)], {"max_concurrency": 2})
        assert most == 2

    async def test_async_ones_too(self) -> None:
        now = most = 0

        async def node(state: State) -> None:
            nonlocal now, most
            now += 1
            most = max(most, now)
            await asyncio.sleep(0)
            now -= 1

        await one(node).abatch([{"n": n} for n in range(9)], {"max_concurrency": 3})
        assert most == 3

    def test_as_they_end(self) -> None:
        second_was_told = threading.Event()

        def node(state: State) -> State:
            if state["n"] == 0:
                assert second_was_told.wait(60)
            return {}

        told = []
        for number, _ in one(node).batch_as_completed([{"n": 0}, {"n": 1}]):
            told.append(number)
            second_was_told.set()
        assert told == [1, 0]

        async def later() -> list[int]:
            return [number async for number, _ in one().abatch_as_completed([{"n": 0}, {"n": 1}])]

        assert sorted(asyncio.run(later())) == [0, 1]


class TestBulkUpdates:
    def graph(self) -> Any:
        def says(name: str) -> Any:
            return lambda state: {"log": [name]}

        graph: Any = StateGraph(State)
        for name in "abc":
            graph.add_node(name, says(name))
        return graph.add_edge(START, "a").add_edge("a", "b").add_edge(["a", "b"], "c").compile(MemorySaver())

    def test_supersteps_of_several_updates(self) -> None:
        graph, config = self.graph(), {"configurable": {"thread_id": "t"}}
        last = graph.bulk_update_state(
            config,
            [
                [StateUpdate({"n": 1}, START)],
                [StateUpdate({"log": ["x"]}, "b"), StateUpdate({"log": ["y"]}, "a")],
                [({"log": ["z"]}, "c")],
            ],
        )
        history = list(graph.get_state_history(config))
        assert [(one.values["log"], one.next) for one in history] == [
            (["x", "y", "z"], ()), (["x", "y"], ("b", "c")), ([], ("a",)),
        ]  # fmt: skip
        assert history[0].config == last
        assert {one.metadata["source"] for one in history} == {"update"}

    async def test_async(self) -> None:
        graph, config = self.graph(), {"configurable": {"thread_id": "t"}}
        await graph.abulk_update_state(config, [[StateUpdate({"log": ["x"]}, "a")], [StateUpdate(None, END)]])
        assert graph.get_state(config).next == ()

    @pytest.mark.parametrize("wrong", [[], [[]], [[StateUpdate({})], []]])
    def test_nothing_to_write(self, wrong: Any) -> None:
        with pytest.raises(GraphValidationError, match="at least one"):
            self.graph().bulk_update_state({"configurable": {"thread_id": "t"}}, wrong)

    @pytest.mark.parametrize("as_node", [None, END])
    def test_each_of_several_names_its_node(self, as_node: str | None) -> None:
        graph, config = self.graph(), {"configurable": {"thread_id": "t"}}
        with pytest.raises(InvalidUpdateError, match="as_node"):
            graph.bulk_update_state(config, [[StateUpdate({}, "a"), StateUpdate({}, as_node)]])
        assert graph.get_state(config).values == {}


class TestDescriptions:
    def test_json_schemas(self) -> None:
        @define
        class Context:
            user: str

        class Input(TypedDict):
            n: int

        graph: Any = StateGraph(State, Context, input_schema=Input).add_node("a", double).add_edge(START, "a").compile()
        assert graph.get_input_jsonschema()["required"] == ["n"]
        assert graph.get_input_jsonschema()["title"] == "Input"
        assert set(graph.get_output_jsonschema()["properties"]) == {"n", "log"}
        assert graph.get_context_jsonschema()["properties"] == {"user": {"type": "string"}}
        assert one().get_context_jsonschema() is None
        assert graph.context_schema is Context

    def test_a_class_that_has_none(self) -> None:
        class Odd(TypedDict):
            lock: threading.Event

        with pytest.raises(SchemaError, match="lock"):
            one(lambda state: None, Odd).get_input_jsonschema()

    def test_pictures(self, tmp_path: Path) -> None:
        pytest.importorskip("resvg_py")
        drawing = one().get_graph()
        target = tmp_path / "graph.png"
        assert drawing.draw_mermaid_png(output_file_path=str(target))[:4] == target.read_bytes()[:4] == b"\x89PNG"
        drawing.draw_svg(str(tmp_path / "graph.svg"))
        assert (tmp_path / "graph.svg").read_text().startswith("<svg")
        assert "<svg" in one()._repr_mimebundle_()["image/svg+xml"]
        assert "<svg" in drawing._repr_mimebundle_()["image/svg+xml"]

    async def test_async_faces(self) -> None:
        inner = one()
        graph = StateGraph(State).add_node("sub", inner).add_edge(START, "sub").compile(name="outer")
        assert [name async for name, _ in graph.aget_subgraphs()] == ["sub"]
        assert "sub" in (await graph.aget_graph()).nodes
        assert (graph.get_name(), graph.get_name("!"), graph.get_name(name="x")) == ("outer", "outer!", "x")

    def test_a_graph_that_a_node_calls_is_a_subgraph(self) -> None:
        def asks(state: State) -> State:
            return {"log": [interrupt("?")]}

        inner = one(asks)
        graph = one(lambda state: inner.invoke(state), checkpointer=MemorySaver())
        assert [name for name, _ in graph.get_subgraphs()] == ["node"]
        graph.invoke({"n": 1}, thread_id="t")
        (waiting,) = graph.get_state(thread_id="t", subgraphs=True).tasks
        assert waiting.state.next == ("node",)
        assert graph.get_state(waiting.state.config).values == {"n": 1, "log": []}
        unused = one(lambda state: inner and None, checkpointer=MemorySaver())
        unused.invoke({"n": 1}, thread_id="t")
        assert [task.state for found in unused.get_state_history(thread_id="t") for task in found.tasks] == [None, None]

    def test_one_subgraph_of_many(self) -> None:
        leaf = one()
        middle: Any = StateGraph(State).add_node("leaf", leaf).add_node("other", one()).add_edge(START, "leaf")
        middle = middle.add_edge("leaf", "other").compile()
        graph = StateGraph(State).add_node("middle", middle).add_edge(START, "middle").compile()
        assert list(graph.get_subgraphs(namespace="middle", recurse=True)) == [("middle", middle)]
        assert list(graph.get_subgraphs(namespace="middle|leaf", recurse=True)) == [("middle|leaf", leaf)]


class TestVariants:
    def test_copies(self) -> None:
        graph = one()
        saver = MemorySaver()
        other = graph.copy({"checkpointer": saver, "name": "other"})
        other.invoke({"n": 1}, thread_id="t")
        assert (other.name, other.get_state(thread_id="t").values["n"]) == ("other", 2)
        assert (graph.checkpointer, graph.name) == (None, "graph")
        with pytest.raises(GraphValidationError, match="'stores'.*'store'"):
            graph.copy({"stores": 1})

    def test_bound_settings_can_be_read(self) -> None:
        assert one().with_config({"recursion_limit": 3}, tags=["a"]).config == {"recursion_limit": 3, "tags": ["a"]}

    async def test_forgetting_cached_results(self) -> None:
        ran: list[int] = []

        def node(state: State) -> None:
            ran.append(state["n"])

        graph: Any = (
            StateGraph(State).add_node("node", node, cache_policy=CachePolicy()).add_edge(START, "node").compile()
        )
        graph.clear_cache()
        for _ in range(2):
            graph.invoke({"n": 1})
        graph.clear_cache(["node"])
        graph.invoke({"n": 1})
        await graph.aclear_cache("node")
        graph.invoke({"n": 1})
        assert ran == [1, 1, 1]
        assert graph.cache is not None
        with pytest.raises(GraphValidationError, match="'nod'.*'node'"):
            graph.clear_cache("nod")

    def test_validate(self) -> None:
        graph: Any = StateGraph(State).add_node("a", double)
        with pytest.raises(GraphValidationError, match="entry|START"):
            graph.validate()
        assert graph.add_edge(START, "a").validate() is graph
        with pytest.raises(GraphValidationError, match="'b'"):
            graph.validate(["b"])

    def test_printing_besides(self, capsys: pytest.CaptureFixture[str]) -> None:
        graph = one(lambda state: {"log": ["x"]})
        assert graph.invoke({"n": 1}, print_mode=["updates", "values"]) == {"n": 1, "log": ["x"]}
        assert capsys.readouterr().out.splitlines() == [
            "[values] {'n': 1, 'log': []}", "[updates] {'node': {'log': ['x']}}", "[values] {'n': 1, 'log': ['x']}",
        ]  # fmt: skip
        assert list(graph.stream({"n": 1}, print_mode="updates", stream_mode="values"))[-1] == {"n": 1, "log": ["x"]}
        assert capsys.readouterr().out == "[updates] {'node': {'log': ['x']}}\n"
        assert len(list(graph.stream({"n": 1}, debug=True))) == 1
        assert "[1] node -> {'log': ['x']}" in capsys.readouterr().out


class TestTimeoutsOfTasks:
    def test_sync_tasks_are_left_to_themselves(self) -> None:
        release, ended, tries = threading.Event(), threading.Event(), list[int]()

        @task(
            timeout=0.5,
            retry_policy=RetryPolicy(max_attempts=2, initial_interval=0, jitter=False, retry_on=TimeoutError),
        )
        def hangs(n: int) -> int:
            tries.append(n)
            if len(tries) == 1:
                release.wait(10)
                try:
                    step("late", tries.append, 99)
                finally:
                    ended.set()
            return n

        @entrypoint()
        def workflow(n: int) -> Any:
            return hangs(n).result()

        assert workflow.invoke(3) == 3
        release.set()
        assert ended.wait(10)
        assert tries == [3, 3]

    async def test_async_tasks_are_cancelled(self) -> None:
        ended: list[str] = []

        @task(timeout=TimeoutPolicy(run_timeout=0.05))
        async def hangs() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append("cancelled")

        @entrypoint()
        async def workflow(n: int) -> Any:
            return await hangs()

        with pytest.raises(NodeTimeoutError, match="'hangs' did not finish within 0.05 s"):
            await workflow.ainvoke(1)
        assert ended == ["cancelled"]

    async def test_signs_of_life(self) -> None:
        @task(timeout=TimeoutPolicy(idle_timeout=0.7))
        async def busy() -> str:
            for _ in range(10):
                await asyncio.sleep(0.08)
                get_runtime().heartbeat()
            return "done"

        @entrypoint()
        async def workflow(n: int) -> Any:
            return await busy()

        assert await workflow.ainvoke(1) == "done"
