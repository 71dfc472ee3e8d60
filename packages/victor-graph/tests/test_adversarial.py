"""Programs that try to break promises: what is mutated, what is swallowed, what is odd but allowed."""

from __future__ import annotations

import asyncio
import dataclasses
import operator
from collections.abc import Callable
from typing import Annotated, Any, TypedDict

import pytest

from victor.graph import START, Command, MemorySaver, Overwrite, StateGraph, interrupt


class State(TypedDict, total=False):
    n: int
    log: Annotated[list[Any], operator.add]


def chain(schema: Any = State, /, **nodes: Callable[..., Any]) -> Any:
    return StateGraph(schema).add_sequence(list(nodes.items())).add_edge(START, next(iter(nodes)))


def test_questions_and_answers_are_copies() -> None:
    question, answer = {"choices": [1]}, [1]

    def ask(state: State) -> State:
        given = interrupt(question)
        given.append(2)
        return {"log": given}

    graph = chain(ask=ask).compile(MemorySaver())
    graph.invoke({}, thread_id="t")["__interrupt__"][0].value["choices"].append(9)
    assert question == {"choices": [1]}
    assert graph.get_state(thread_id="t").interrupts[0].value == {"choices": [1]}
    assert graph.invoke(Command(resume=answer), thread_id="t") == {"log": [1, 2]}
    assert answer == [1]


@pytest.mark.parametrize("durability", ["sync", "exit"])
def test_an_input_can_overwrite_what_a_thread_has(durability: str) -> None:
    graph = chain(a=lambda state: {"log": ["a"]}).compile(MemorySaver())
    graph.invoke({"log": ["old"]}, thread_id="t")
    assert graph.invoke({"log": Overwrite(["new"])}, thread_id="t", durability=durability) == {"log": ["new", "a"]}
    graph.update_state(None, {"log": Overwrite([])}, thread_id="t")
    assert graph.get_state(thread_id="t").values == {"log": []}


def test_an_overwrite_waits_for_an_answer_beside_it() -> None:
    graph: Any = StateGraph(State).add_node("a", lambda state: {"log": Overwrite(["a"])})
    graph.add_node("b", lambda state: {"n": interrupt("?")}).add_edge(START, "a").add_edge(START, "b")
    graph = graph.compile(MemorySaver())
    graph.invoke({"log": ["old"]}, thread_id="t")
    assert graph.invoke(Command(resume=3), thread_id="t") == {"log": ["a"], "n": 3}


class TestSwallowedCancellations:
    @staticmethod
    def graph(began: asyncio.Event) -> Any:
        async def swallows(state: State) -> State:
            try:
                began.set()
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                pass
            return {"n": 1}

        async def later(state: State) -> State:
            await asyncio.sleep(0)
            return {"log": ["later"]}

        return chain(swallows=swallows, later=later).compile(MemorySaver())

    async def test_the_run_stops_all_the_same(self) -> None:
        began = asyncio.Event()
        graph = self.graph(began)
        run = asyncio.create_task(graph.ainvoke({}, thread_id="t"))
        await began.wait()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        state = graph.get_state(thread_id="t")
        assert (state.values, state.next) == ({"n": 1, "log": []}, ("later",))
        assert await graph.ainvoke(None, thread_id="t") == {"n": 1, "log": ["later"]}

    async def test_a_time_limit_around_it_holds(self) -> None:
        graph = self.graph(asyncio.Event())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await graph.ainvoke({}, thread_id="t")

    async def test_time_limits_inside_are_no_cancellation(self) -> None:
        async def patient(state: State) -> State:
            try:
                async with asyncio.timeout(0.01):
                    await asyncio.Event().wait()
            except TimeoutError:
                return {"n": 1}
            return {}

        async def later(state: State) -> State:
            await asyncio.sleep(0)
            return {"log": ["later"]}

        assert await chain(patient=patient, later=later).compile().ainvoke({}) == {"n": 1, "log": ["later"]}

    async def test_a_run_in_the_cleanup_of_something_cancelled_goes_to_its_end(self) -> None:
        async def node(state: State) -> State:
            await asyncio.sleep(0)
            return {"n": 1}

        graph, outputs, began = chain(node=node).compile(), [], asyncio.Event()

        async def work() -> None:
            try:
                began.set()
                await asyncio.Event().wait()
            finally:
                outputs.append(await graph.ainvoke({}))

        task = asyncio.create_task(work())
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert outputs == [{"n": 1, "log": []}]


def test_a_state_that_cannot_be_made_says_what_it_lacks() -> None:
    @dataclasses.dataclass
    class Strict:
        a: int
        b: str

    with pytest.raises(TypeError, match="'b'") as caught:
        chain(Strict, node=lambda state: {"b": "x"}).compile().invoke({"a": 1})
    assert "making the state out of 'a'" in caught.value.__notes__[0]


def test_graphs_in_graphs_in_graphs() -> None:
    graph = chain(node=lambda state: {"n": state["n"] + 1}).compile()
    for _ in range(25):
        graph = chain(inner=graph).compile()
    assert graph.invoke({"n": 0})["n"] == 1
