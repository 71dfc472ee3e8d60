"""How a graph runs: states, reducers, edges, joins, sends, commands, loops."""

from __future__ import annotations

import asyncio
import functools
import gc
import operator
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypedDict

import attrs
import msgspec
import pydantic
import pytest

from victor.graph import (
    END,
    START,
    Command,
    EmptyInputError,
    GraphRecursionError,
    InvalidUpdateError,
    IsLastStep,
    Overwrite,
    RemainingSteps,
    RetryPolicy,
    RunnableConfig,
    Runtime,
    Send,
    StateGraph,
    get_config,
    get_runtime,
)


class State(TypedDict, total=False):
    n: int
    log: Annotated[list[str], operator.add]


def says(name: str) -> Callable[[State], State]:
    def node(state: State) -> State:
        return {"log": [name]}

    return node


def chain(*names: str) -> StateGraph[State]:
    graph = StateGraph(State)
    for name in names:
        graph.add_node(name, says(name))
    for start, end in zip((START, *names), (*names, END), strict=False):
        graph.add_edge(start, end)
    return graph


def test_nodes_run_one_after_the_other() -> None:
    assert chain("a", "b", "c").compile().invoke({"n": 1}) == {"n": 1, "log": ["a", "b", "c"]}


async def test_async_runs_the_same() -> None:
    assert await chain("a", "b").compile().ainvoke({}) == {"log": ["a", "b"]}


def test_invoke_runs_async_nodes_with_and_without_a_running_loop() -> None:
    async def inc(state: State) -> State:
        await asyncio.sleep(0)
        return {"n": state["n"] + 1}

    graph = StateGraph(State).add_node(inc).add_edge(START, "inc").compile()
    assert graph.invoke({"n": 1})["n"] == 2

    async def inside() -> Any:
        return graph.invoke({"n": 2})

    assert asyncio.run(inside())["n"] == 3


def test_updates_of_one_superstep_are_applied_in_the_order_of_names() -> None:
    graph = StateGraph(State)
    for name in ("z", "m", "a"):
        graph.add_node(name, says(name)).add_edge(START, name)
    assert graph.compile().invoke({})["log"] == ["a", "m", "z"]


async def test_the_order_does_not_depend_on_who_is_done_first() -> None:
    gates = {name: asyncio.Event() for name in "abc"}

    def waits(name: str, after: str | None) -> Any:
        async def node(state: State) -> State:
            if after:
                await gates[after].wait()
            gates[name].set()
            return {"log": [name]}

        return node

    graph = StateGraph(State)
    for name, after in (("a", "b"), ("b", "c"), ("c", None)):
        graph.add_node(name, waits(name, after)).add_edge(START, name)
    assert (await graph.compile().ainvoke({}))["log"] == ["a", "b", "c"]


def test_a_conflict_names_the_nodes_and_the_key() -> None:
    graph = StateGraph(State)
    for name in ("left", "right"):
        graph.add_node(name, lambda state: dict(n=1)).add_edge(START, name)
    with pytest.raises(InvalidUpdateError, match=r"'n' was written by 'left' and 'right'.*Annotated"):
        graph.compile().invoke({})


def test_an_unknown_key_is_an_error_with_the_near_match() -> None:
    graph = StateGraph(State).add_node("a", lambda state: {"lgo": ["x"]}).add_edge(START, "a").compile()
    with pytest.raises(InvalidUpdateError, match=r"node 'a' wrote key 'lgo'.*'log'"):
        graph.invoke({})
    with pytest.raises(InvalidUpdateError, match=r"input has key 'm'"):
        graph.invoke({"m": 1})


@pytest.mark.parametrize("bad", [5, "text", [1, 2], {"a", "b"}])
def test_what_is_no_update_is_an_error(bad: Any) -> None:
    graph = StateGraph(State).add_node("a", lambda state: bad).add_edge(START, "a").compile()
    with pytest.raises(InvalidUpdateError, match="node 'a' returned"):
        graph.invoke({})


def test_a_reducer_that_fails_names_key_and_node() -> None:
    graph = StateGraph(State).add_node("a", lambda state: {"log": 5}).add_edge(START, "a").compile()
    with pytest.raises(InvalidUpdateError, match=r"'log'.*'a'.*TypeError"):
        graph.invoke({})


def test_overwrite_passes_the_reducer() -> None:
    graph = StateGraph(State)
    graph.add_node("a", says("a")).add_node("b", lambda state: {"log": Overwrite(["new"])}).add_node("c", says("c"))
    for name in "abc":
        graph.add_edge(START, name)
    assert graph.compile().invoke({"log": ["old"]})["log"] == ["new"]
    graph.add_node("d", lambda state: {"log": {"__overwrite__": []}}).add_edge(START, "d")
    with pytest.raises(InvalidUpdateError, match="overwritten twice"):
        graph.compile().invoke({})


def test_a_join_waits_for_all() -> None:
    graph = StateGraph(State)
    for name in ("a", "b", "b2", "c"):
        graph.add_node(name, says(name))
    graph.add_edge(START, "a").add_edge(START, "b").add_edge("b", "b2").add_edge(["a", "b2"], "c")
    assert graph.compile().invoke({})["log"] == ["a", "b", "b2", "c"]


def test_without_a_join_a_node_runs_once_for_each_superstep_that_leads_to_it() -> None:
    graph = StateGraph(State)
    for name in ("a", "b", "b2", "c"):
        graph.add_node(name, says(name))
    graph.add_edge(START, "a").add_edge(START, "b").add_edge("b", "b2").add_edge("a", "c").add_edge("b2", "c")
    assert graph.compile().invoke({})["log"] == ["a", "b", "b2", "c", "c"]


def test_a_join_inside_a_loop_waits_anew() -> None:
    graph = StateGraph(State)
    graph.add_node("a", lambda state: {"n": state.get("n", 0) + 1, "log": ["a"]})
    graph.add_node("b", says("b")).add_node("c", says("c"))
    graph.add_edge(START, "a").add_edge(START, "b").add_edge(["a", "b"], "c")
    graph.add_conditional_edges("c", lambda state: ["a", "b"] if state["n"] < 2 else END)
    assert graph.compile().invoke({})["log"] == ["a", "b", "c"] * 2


def test_a_deferred_node_runs_when_nothing_else_is_left() -> None:
    graph = StateGraph(State)
    for name in ("a", "b", "b2", "b3"):
        graph.add_node(name, says(name))
    graph.add_node("last", says("last"), defer=True)
    graph.add_edge(START, "a").add_edge(START, "b").add_edge("b", "b2").add_edge("b2", "b3")
    graph.add_edge("a", "last").add_edge("b3", "last")
    assert graph.compile().invoke({})["log"] == ["a", "b", "b2", "b3", "last"]


def test_conditional_edges_see_what_their_node_wrote_and_nothing_of_others() -> None:
    seen: list[Any] = []

    def look(state: State) -> str:
        seen.append(dict(state))
        return END

    graph = StateGraph(State).add_node("a", lambda s: {"n": 7, "log": ["a"]}).add_node("b", says("b"))
    graph.add_edge(START, "a").add_edge(START, "b").add_conditional_edges("a", look)
    graph.compile().invoke({"log": ["in"]})
    assert seen == [{"n": 7, "log": ["in", "a"]}]


@pytest.mark.parametrize(
    ("answer", "path_map", "expected"),
    [
        ("b", None, ["b"]),
        (["b", "c"], None, ["b", "c"]),
        (True, {True: "b", False: "c"}, ["b"]),
        (END, None, []),
        ("stop", {"stop": END, "on": "b"}, []),
        ("c", ["b", "c"], ["c"]),
        (Send("b", {}), None, ["b"]),
        ([Send("b", {}), "c", Send("b", {})], None, ["c", "b", "b"]),
        ([], None, []),
    ],
)
def test_answers_of_conditional_edges(answer: Any, path_map: Any, expected: list[str]) -> None:
    graph = StateGraph(State).add_node("a", lambda state: None).add_node("b", says("b")).add_node("c", says("c"))
    graph.add_edge(START, "a").add_conditional_edge("a", lambda state: answer, path_map)
    if path_map is not None:
        graph.add_conditional_edges("b", lambda state: END, {"c": "c", END: END}).add_conditional_edges(
            "c", lambda s: END, {"b": "b", END: END}
        )
    assert graph.compile().invoke({})["log"] == expected


@pytest.mark.parametrize("bad", ["bb", None, 3, Send("bb", {}), Send(END, {})])
def test_an_answer_that_leads_nowhere_is_an_error(bad: Any) -> None:
    graph = StateGraph(State).add_node("a", lambda state: None).add_node("b", says("b")).add_edge(START, "a")

    def choose(state: State) -> Any:
        return bad

    graph.add_conditional_edges("a", choose)
    with pytest.raises(InvalidUpdateError, match=r"'choose' .*'a'"):
        graph.compile().invoke({})


def test_an_answer_the_path_map_does_not_have() -> None:
    graph = StateGraph(State).add_node("a", lambda state: None).add_edge(START, "a")
    graph.add_conditional_edges("a", lambda state: "yess", {"yes": END})
    with pytest.raises(InvalidUpdateError, match=r"'yess'.*'yes'"):
        graph.compile().invoke({})


def test_async_conditional_edges_and_conditional_entry() -> None:
    async def choose(state: State) -> Literal["b", "__end__"]:
        await asyncio.sleep(0)
        return "b"

    graph = StateGraph(State).add_node("b", says("b")).set_conditional_entry_point(choose).set_finish_point("b")
    assert graph.compile().invoke({})["log"] == ["b"]


def test_map_reduce_by_send_keeps_the_order_sent() -> None:
    class Reduce(TypedDict, total=False):
        items: list[int]
        squares: Annotated[list[int], operator.add]
        total: int

    graph = StateGraph(Reduce)
    graph.add_node("square", lambda number: {"squares": [number * number]})
    graph.add_node("sum", lambda state: {"total": sum(state["squares"])})
    graph.add_conditional_edges(START, lambda state: [Send("square", n) for n in state["items"]], ["square"])
    graph.add_edge("square", "sum")
    result = graph.compile().invoke({"items": [3, 1, 2]})
    assert (result["squares"], result["total"]) == ([9, 1, 4], 14)


def test_commands_update_and_jump() -> None:
    def a(state: State) -> Command[Literal["c"]]:
        return Command(update={"n": 1, "log": ["a"]}, goto="c")

    graph = StateGraph(State).add_node(a).add_node("b", says("b")).add_node("c", says("c"))
    graph.add_edge(START, "a").add_edge("a", "b")
    assert graph.compile().invoke({}) == {"n": 1, "log": ["a", "b", "c"]}


def test_several_commands_and_sends_in_one() -> None:
    def a(state: State) -> Any:
        return [Command(update={"n": 1}, goto=[Send("b", {}), "c"]), {"log": ["a"]}, Command(goto=Send("b", {}))]

    graph = StateGraph(State).add_node(a).add_node("b", says("b")).add_node("c", says("c")).add_edge(START, "a")
    assert graph.compile().invoke({})["log"] == ["a", "c", "b", "b"]


def test_a_loop_ends_at_the_recursion_limit() -> None:
    runs: list[int] = []

    def tick(state: State) -> State:
        runs.append(1)
        return {}

    graph = StateGraph(State).add_node(tick).add_edge(START, "tick").add_edge("tick", "tick").compile()
    with pytest.raises(GraphRecursionError, match=r"3 supersteps.*'?tick"):
        graph.invoke({}, {"recursion_limit": 3})
    assert len(runs) == 3
    with pytest.raises(RecursionError):
        graph.invoke({}, recursion_limit=5)
    assert chain("a", "b", "c").compile().invoke({}, {"recursion_limit": 3})["log"] == ["a", "b", "c"]


def test_nodes_can_see_how_many_steps_are_left() -> None:
    class Counted(TypedDict, total=False):
        left: RemainingSteps
        last: IsLastStep
        seen: Annotated[list[Any], operator.add]

    graph = StateGraph(Counted).add_node("look", lambda state: {"seen": [(state["left"], state["last"])]})
    graph.add_edge(START, "look").add_conditional_edges("look", lambda state: END if state["last"] else "look")
    assert graph.compile().invoke({}, {"recursion_limit": 4})["seen"] == [(3, False), (2, False), (1, True)]


@dataclass
class Data:
    n: int = 0
    log: Annotated[list[str], operator.add] = field(default_factory=list)


@attrs.define
class Attrs:
    n: int = 0
    log: Annotated[list[str], operator.add] = attrs.field(factory=list)


class Pydantic(pydantic.BaseModel):
    n: int = 0
    log: Annotated[list[str], operator.add] = []


class Struct(msgspec.Struct):
    n: int = 0
    log: Annotated[list[str], operator.add] = msgspec.field(default_factory=list)


@pytest.mark.parametrize("kind", [Data, Attrs, Pydantic, Struct])
def test_states_of_any_data_class(kind: Any) -> None:
    def first(state: Any) -> Any:
        assert isinstance(state, kind)
        return {"n": state.n + 1, "log": ["first"]}

    def second(state: Any) -> Any:
        return kind(n=state.n + 1, log=["second"])

    graph = StateGraph(kind).add_sequence([first, second]).add_edge(START, "first").compile()
    assert graph.invoke({"n": 1}) == {"n": 3, "log": ["first", "second"]}
    assert graph.invoke(kind(n=5)) == {"n": 7, "log": ["first", "second"]}


def test_a_pydantic_state_is_checked_where_it_is_handed_out() -> None:
    graph = StateGraph(Pydantic).add_node("a", lambda state: None).add_edge(START, "a").compile()
    with pytest.raises(pydantic.ValidationError):
        graph.invoke({"n": "many"})


def test_a_state_of_one_value() -> None:
    graph = StateGraph(Annotated[list, operator.add]).add_node("a", lambda state: [len(state)])
    graph.add_node("b", lambda state: [sum(state)]).add_edge(START, "a").add_edge("a", "b")
    assert graph.compile().invoke([4, 5]) == [4, 5, 2, 11]


def test_input_output_and_private_schemas() -> None:
    class Input(TypedDict):
        question: str

    class Output(TypedDict):
        answer: str

    class Whole(Input, Output):
        pass

    class Private(TypedDict):
        secret: str

    def think(state: Input) -> Private:
        return {"secret": state["question"].upper()}

    def answer(state: Private) -> Output:
        assert set(state) == {"secret"}
        return {"answer": state["secret"] + "!"}

    def check(state: Whole) -> None:
        assert set(state) == {"question", "answer"}

    graph = StateGraph(Whole, input_schema=Input, output_schema=Output)
    graph.add_node("think", think, input_schema=Input).add_node("answer", answer, input_schema=Private).add_node(check)
    graph.add_edge(START, "think").add_edge("think", "answer").add_edge("answer", "check")
    compiled = graph.compile()
    assert compiled.invoke({"question": "why"}) == {"answer": "WHY!"}
    with pytest.raises(InvalidUpdateError, match="does not take"):
        compiled.invoke({"answer": "x"})


def test_what_nodes_can_be_given() -> None:
    seen: dict[str, Any] = {}

    @dataclass
    class Context:
        user: str

    def by_config(state: State, config: RunnableConfig) -> None:
        seen["config"] = config["configurable"]["extra"]

    async def by_runtime(state: State, runtime: Runtime[Context]) -> None:
        assert runtime.context is not None
        seen["runtime"] = (runtime.context.user, runtime.store, runtime.execution_info and runtime.execution_info.node)

    def by_names(state: State, *, context: Any, store: Any, writer: Any) -> None:
        writer("ignored: nobody listens")
        seen["names"] = (context.user, store)

    def by_asking(state: State) -> None:
        seen["asking"] = (get_config()["configurable"]["extra"], get_runtime(Context).context.user)

    class Method:
        def run(self, state: State, runtime: Runtime[Context]) -> None:
            seen["method"] = runtime.context.user

    def partly(prefix: str, state: State, config: RunnableConfig) -> None:
        seen["partial"] = prefix + config["configurable"]["extra"]

    graph = StateGraph(State, context_schema=Context)
    graph.add_sequence(
        [
            by_config,
            by_runtime,
            by_names,
            by_asking,
            ("method", Method().run),
            ("partial", functools.partial(partly, "p")),
        ]
    )
    graph.add_edge(START, "by_config")
    store = object()
    graph.compile(store=store).invoke({}, {"configurable": {"extra": "x"}}, context={"user": "ann"})
    assert seen == {
        "config": "x", "runtime": ("ann", store, "by_runtime"), "names": ("ann", store), "asking": ("x", "ann"), "method": "ann",
        "partial": "px",
    }  # fmt: skip


def test_an_object_with_invoke_can_be_a_node() -> None:
    class Runnable:
        name = "runnable"

        def invoke(self, state: State) -> State:
            return {"log": ["ran"]}

    graph = StateGraph(State).add_node("a", Runnable()).add_edge(START, "a").compile()
    assert graph.invoke({})["log"] == ["ran"]


def test_without_an_input_there_is_nothing_to_run() -> None:
    with pytest.raises(EmptyInputError, match="checkpointer"):
        chain("a").compile().invoke(None)
    with pytest.raises(EmptyInputError):
        chain("a").compile().invoke(Command(resume=1))


def test_an_unknown_option_is_an_error() -> None:
    with pytest.raises(TypeError, match="thread_id"):
        chain("a").compile().invoke({}, threadid="x")


def test_results_say_what_came_of_it() -> None:
    good = chain("a").compile().run({})
    assert (good.status, good.state, good.steps, good.error) == ("completed", {"log": ["a"]}, 1, None)
    assert good.unwrap() == {"log": ["a"]}
    bad = (
        StateGraph(State)
        .add_node("a", says("a"))
        .add_node("b", lambda state: {"n": 1 // 0})
        .add_edge(START, "a")
        .add_edge("a", "b")
    )
    failed = bad.compile().run({})
    assert (failed.status, failed.state) == ("failed", {"log": ["a"]})
    assert isinstance(failed.error, ZeroDivisionError)
    with pytest.raises(ZeroDivisionError):
        failed.unwrap()


async def test_context_variables_a_node_sets_are_its_own() -> None:
    from contextvars import ContextVar

    variable: ContextVar[str] = ContextVar("variable", default="outside")
    seen: list[str] = []

    async def sets(state: State) -> None:
        variable.set("inside")
        await asyncio.sleep(0)
        seen.append(variable.get())

    async def looks(state: State) -> None:
        seen.append(variable.get())

    graph = StateGraph(State).add_sequence([sets, looks]).add_edge(START, "sets").compile()
    await graph.ainvoke({})
    assert seen == ["inside", "outside"]
    assert variable.get() == "outside"


async def test_at_most_so_many_nodes_run_at_once() -> None:
    running = most = 0

    async def work(number: int) -> State:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return {}

    def fan(state: State) -> list[Send]:
        return [Send("work", n) for n in range(20)]

    graph = StateGraph(State).add_node("work", work).add_conditional_edges(START, fan, ["work"]).compile()
    await graph.ainvoke({}, {"max_concurrency": 3})
    assert most == 3


def test_sync_nodes_of_one_superstep_run_side_by_side() -> None:
    import threading

    meeting = threading.Barrier(3, timeout=10)

    def meet(state: State) -> None:
        meeting.wait()

    graph = StateGraph(State)
    for name in "abc":
        graph.add_node(name, meet).add_edge(START, name)
    graph.compile().invoke({})
    asyncio.run(graph.compile().ainvoke({}))


async def test_sync_nodes_do_not_hold_up_the_event_loop() -> None:
    import threading

    seen = threading.Event()

    def waits(state: State) -> State:
        assert seen.wait(10)
        return {"log": ["done"]}

    graph = StateGraph(State).add_node(waits).add_edge(START, "waits").compile()
    run = asyncio.create_task(graph.ainvoke({}))
    await asyncio.sleep(0)
    seen.set()  # would never be reached if the node ran here
    assert (await run)["log"] == ["done"]


def exhausted(state: State) -> Any:
    return next(iter(()))


async def exhausted_async(state: State) -> Any:
    return next(iter(()))


@pytest.mark.parametrize("node", [exhausted, exhausted_async])
@pytest.mark.parametrize("options", [{}, {"timeout": 30}, {"retry_policy": RetryPolicy(max_attempts=1)}])
async def test_a_node_that_raises_stop_iteration_fails_instead_of_never_ending(
    node: Any, options: dict[str, Any]
) -> None:
    app = StateGraph(State).add_node("f", node, **options).add_edge(START, "f").compile()
    with pytest.raises(RuntimeError, match="StopIteration"):
        await asyncio.wait_for(app.ainvoke({}), 20)
    with pytest.raises(RuntimeError, match="StopIteration"):
        async for _ in app.astream({}):
            pass
    with pytest.raises(RuntimeError, match="StopIteration"):
        await asyncio.to_thread(app.invoke, {})


def test_nodes_that_have_not_begun_when_another_fails_are_dropped_without_a_warning(
    recwarn: pytest.WarningsRecorder,
) -> None:
    def fail(state: State) -> None:
        raise ValueError("at once")

    graph = StateGraph(State).add_node("fail", fail).add_edge(START, "fail")
    for name in "abcdefgh":
        graph.add_node(name, lambda state: time.sleep(0.02))
        graph.add_edge(START, name)
    with pytest.raises(ValueError, match="at once"):
        graph.compile().invoke({}, max_concurrency=2)
    gc.collect()
    assert [str(one.message) for one in recwarn] == []
