"""Workflows written as functions: tasks side by side, recorded, replayed; what is kept between runs; questions."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import InvalidStateError
from typing import Any

import attrs
import pytest

from victor.graph import START, Command, GraphValidationError, RetryPolicy, StateGraph, interrupt
from victor.graph.cache import CachePolicy, InMemoryCache
from victor.graph.checkpoint.codec import CodecError
from victor.graph.checkpoint.memory import MemorySaver
from victor.graph.functional import TaskFuture, entrypoint, task
from victor.graph.store import InMemoryStore

QUICK = RetryPolicy(initial_interval=0, jitter=False, retry_on=ConnectionError)


@pytest.fixture
def calls() -> list[Any]:
    return []


def answers(output: Any) -> list[Any]:
    return [one.value for one in output["__interrupt__"]]


def test_tasks_run_side_by_side() -> None:
    barrier = threading.Barrier(4, timeout=30)

    @task
    def meet(n: int) -> int:
        barrier.wait()
        return n

    @entrypoint()
    def workflow(count: int) -> list[int]:
        return [future.result() for future in [meet(n) for n in range(count)]]

    assert workflow.invoke(4) == [0, 1, 2, 3]


async def test_async_tasks_run_side_by_side() -> None:
    together = asyncio.Event()
    waiting = 0

    @task
    async def meet(n: int) -> int:
        nonlocal waiting
        waiting += 1
        if waiting == 3:
            together.set()
        await together.wait()
        return n

    @task
    def plain(n: int) -> int:
        return n * 10

    @entrypoint()
    async def workflow(count: int) -> list[int]:
        meeting = await asyncio.gather(*(meet(n) for n in range(count)))
        return [*meeting, await plain(7)]

    assert await asyncio.wait_for(workflow.ainvoke(3), 30) == [0, 1, 2, 70]


async def test_sync_workflows_under_ainvoke_and_async_tasks_in_sync_workflows() -> None:
    @task
    async def later(n: int) -> int:
        await asyncio.sleep(0)
        return n + 1

    @entrypoint()
    def workflow(n: int) -> int:
        return later(n).result() + later(n).result()

    assert await workflow.ainvoke(1) == 4
    assert await asyncio.to_thread(workflow.invoke, 1) == 4


async def test_waiting_for_a_task_in_its_own_loop_is_an_error_not_a_deadlock() -> None:
    @task
    async def later() -> int:
        return 1

    @entrypoint()
    async def workflow(n: int) -> Any:
        future = later()
        with pytest.raises(RuntimeError, match="await it"):
            future.result()
        await future
        return future.result()

    assert await workflow.ainvoke(0) == 1


def test_done_tasks_are_not_done_again_after_a_question(calls: list[Any]) -> None:
    @task
    def work(n: int) -> int:
        calls.append(n)
        return n * 2

    @task
    def ask(text: str) -> Any:
        return interrupt(text)

    @entrypoint(checkpointer=MemorySaver())
    def workflow(n: int) -> list[Any]:
        first = work(n).result()
        both = [work(first), work(first)]
        name = ask("name?").result()
        age = interrupt("age?")
        return [first, [one.result() for one in both], name, age, work(100).result()]

    assert answers(workflow.invoke(1, thread_id="t")) == ["name?"]
    assert answers(workflow.invoke(Command(resume="ann"), thread_id="t")) == ["age?"]
    assert workflow.invoke(Command(resume=7), thread_id="t") == [2, [4, 4], "ann", 7, 200]
    assert sorted(calls) == [1, 2, 2, 100]
    assert workflow.get_state(thread_id="t").values == [2, [4, 4], "ann", 7, 200]
    assert [one.values for one in workflow.get_state_history(thread_id="t")][-1] is None


@pytest.mark.parametrize("is_async", [False, True])
async def test_questions_of_several_tasks_are_asked_at_once(is_async: bool) -> None:
    @task
    async def ask_async(text: str) -> Any:
        return [interrupt(text), interrupt(text + "!")]

    @task
    def ask(text: str) -> Any:
        return [interrupt(text), interrupt(text + "!")]

    @entrypoint(checkpointer=MemorySaver())
    async def workflow_async(n: int) -> Any:
        return await asyncio.gather(ask_async("a"), ask_async("b"))

    @entrypoint(checkpointer=MemorySaver())
    def workflow(n: int) -> Any:
        futures = [ask("a"), ask("b")]
        return [future.result() for future in futures]

    graph = workflow_async if is_async else workflow
    output = await graph.ainvoke(0, thread_id="t")
    assert sorted(answers(output)) == ["a", "b"]
    ids = {one.value: one.id for one in output["__interrupt__"]}
    output = await graph.ainvoke(Command(resume={ids["b"]: 1, ids["a"]: 2}), thread_id="t")
    assert sorted(answers(output)) == ["a!", "b!"]
    ids = {one.value: one.id for one in output["__interrupt__"]}
    assert await graph.ainvoke(Command(resume={ids["b!"]: 3, ids["a!"]: 4}), thread_id="t") == [[2, 4], [1, 3]]


def test_a_failed_run_goes_on_where_it_failed(calls: list[Any]) -> None:
    broken = [True]

    @task
    def charge(amount: int) -> str:
        calls.append(amount)
        return f"paid {amount}"

    @entrypoint(checkpointer=MemorySaver())
    def workflow(amount: int) -> str:
        receipt = charge(amount).result()
        if broken:
            raise ValueError("after the payment")
        return receipt

    with pytest.raises(ValueError, match="after the payment"):
        workflow.invoke(5, thread_id="t")
    broken.clear()
    assert workflow.invoke(None, thread_id="t") == "paid 5"
    assert calls == [5]
    result = workflow.run(6, thread_id="u")
    assert (result.status, result.state) == ("completed", "paid 6")


def test_what_the_thread_keeps() -> None:
    @entrypoint(checkpointer=MemorySaver())
    def adding(n: int, *, previous: int | None = None) -> int:
        return n + (previous or 0)

    assert [adding.invoke(n, thread_id="t") for n in (1, 2, 3)] == [1, 3, 6]
    assert adding.invoke(5, thread_id="other") == 5

    @entrypoint(checkpointer=MemorySaver())
    def saving(n: int, *, previous: Any) -> entrypoint.final[int, str]:
        return entrypoint.final(value=n, save=f"{previous}-{n}")

    assert [saving.invoke(n, thread_id="t") for n in (1, 2)] == [1, 2]
    assert saving.invoke(3, thread_id="t") == 3

    @entrypoint(checkpointer=MemorySaver())
    def showing(n: int, previous: Any, runtime: Any) -> Any:
        assert runtime.previous == previous
        return entrypoint.final(value=previous, save=n)

    assert [showing.invoke(n, thread_id="t") for n in (1, 2, 3)] == [None, 1, 2]


def test_what_a_workflow_can_reach() -> None:
    store = InMemoryStore()

    @entrypoint(store=store)
    def workflow(n: int, *, store: Any, config: Any, context: Any, writer: Any) -> Any:
        writer({"half": n // 2})
        store.put(("n",), "k", {"n": n})
        return [config["configurable"]["user"], context]

    assert workflow.invoke(4, {"configurable": {"user": "ann"}}, context="c") == ["ann", "c"]
    assert store.get(("n",), "k").value == {"n": 4}  # type: ignore[union-attr]
    assert list(workflow.stream(4, {"configurable": {"user": "a"}}, stream_mode="custom")) == [{"half": 2}]


async def test_streams() -> None:
    @task
    def double(n: int) -> int:
        return n * 2

    @entrypoint()
    def workflow(n: int) -> dict[str, int]:
        return {"n": double(n).result()}

    expected = [("updates", {"double": 6}), ("updates", {"workflow": {"n": 6}}), ("values", {"n": 6})]
    assert list(workflow.stream(3, stream_mode=["updates", "values"])) == expected
    assert [part async for part in workflow.astream(3, stream_mode=["updates", "values"])] == expected
    assert workflow.invoke(3, stream_mode="updates") == [{"double": 6}, {"workflow": {"n": 6}}]
    assert await workflow.ainvoke(3, stream_mode="updates") == [{"double": 6}, {"workflow": {"n": 6}}]
    assert await workflow.ainvoke(3, stream_mode="values") == {"n": 6}
    assert (await workflow.arun(3)).state == {"n": 6}
    assert workflow.invoke(3, version="v2").state == {"n": 6}


def test_retries(calls: list[Any]) -> None:
    @task(retry_policy=QUICK, name="flaky")
    def flaky(n: int) -> int:
        calls.append(n)
        if len(calls) < 3:
            raise ConnectionError("not yet")
        return n

    @task(retry_policy=[QUICK])
    def wrong() -> int:
        calls.append("wrong")
        raise ValueError("not covered")

    @entrypoint()
    def workflow(n: int) -> int:
        return flaky(n).result()

    @entrypoint()
    def failing(n: int) -> int:
        return wrong().result()

    assert workflow.invoke(5) == 5
    assert calls == [5, 5, 5]
    with pytest.raises(ValueError, match="not covered"):
        failing.invoke(5)
    assert calls[3:] == ["wrong"]


async def test_async_retries_give_up() -> None:
    attempts = []

    @task(retry_policy=QUICK)
    async def flaky() -> int:
        attempts.append(1)
        raise ConnectionError("never")

    @entrypoint()
    async def workflow(n: int) -> int:
        return await flaky()

    with pytest.raises(ConnectionError, match="never"):
        await workflow.ainvoke(5)
    assert len(attempts) == 3


@pytest.mark.parametrize("cache", [None, InMemoryCache()])
async def test_caching(cache: Any, calls: list[Any]) -> None:
    @task(cache_policy=CachePolicy())
    def slow(n: int, *, by: int = 1) -> list[int]:
        calls.append(n)
        return [n * by]

    @task(cache_policy=CachePolicy(key_func=lambda call: "same"))
    async def aslow(n: int) -> int:
        calls.append("a")
        return n

    @entrypoint(cache=cache)
    async def workflow(n: int) -> Any:
        first = await slow(n, by=2)
        first.append(0)
        return [first, await slow(n, by=2), await slow(n, by=3), await aslow(n), await aslow(n + 1)]

    assert await workflow.ainvoke(2) == [[4, 0], [4], [6], 2, 2]
    assert await workflow.ainvoke(2) == [[4, 0], [4], [6], 2, 2]
    assert calls == [2, 2, "a"]


@pytest.mark.parametrize("limit", [1, 2])
async def test_concurrency_is_bounded(limit: int) -> None:
    running, most = 0, 0
    lock = threading.Lock()

    def enter(change: int) -> None:
        nonlocal running, most
        with lock:
            running += change
            most = max(most, running)

    @task
    def work(n: int) -> int:
        enter(1)
        enter(-1)
        return n

    @task
    async def awork(n: int) -> int:
        enter(1)
        await asyncio.sleep(0)
        enter(-1)
        return n

    @entrypoint()
    def workflow(n: int) -> int:
        return sum(one.result() for one in [work(i) for i in range(n)])

    @entrypoint()
    async def aworkflow(n: int) -> int:
        return sum(await asyncio.gather(*(awork(i) for i in range(n))))

    assert await asyncio.to_thread(workflow.invoke, 20, max_concurrency=limit) == 190
    assert await aworkflow.ainvoke(20, max_concurrency=limit) == 190
    assert most <= limit


def test_tasks_of_tasks_do_not_wait_for_each_other_for_ever() -> None:
    @task
    def fib(n: int) -> int:
        return n if n < 2 else fib(n - 1).result() + fib(n - 2).result()

    @entrypoint()
    def workflow(n: int) -> int:
        return sum(one.result() for one in [fib(n) for _ in range(40)])

    assert workflow.invoke(6) == 320


async def test_async_tasks_of_tasks() -> None:
    @task
    def leaf(n: int) -> int:
        return n + 1

    @task
    async def middle(n: int) -> int:
        return await leaf(n) + await inner(n)

    @task
    async def inner(n: int) -> int:
        return n

    @entrypoint()
    async def workflow(n: int) -> int:
        return sum(await asyncio.gather(*(middle(i) for i in range(n))))

    assert await workflow.ainvoke(3, max_concurrency=1) == 9


def test_tasks_nobody_waited_for_are_waited_for_and_their_errors_raised(calls: list[Any]) -> None:
    @task
    def work(n: int) -> None:
        if n == 3:
            raise ValueError("three")
        calls.append(n)

    @entrypoint()
    def workflow(n: int) -> str:
        for i in range(n):
            work(i)
        return "done"

    assert workflow.invoke(3) == "done"
    assert sorted(calls) == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        workflow.invoke(4)


async def test_a_failed_async_workflow_stops_its_tasks() -> None:
    stopped = []

    @task
    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append(True)

    @entrypoint()
    async def workflow(n: int) -> None:
        endless()
        await asyncio.sleep(0)
        raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        await asyncio.wait_for(workflow.ainvoke(0), 30)
    assert stopped == [True]


async def test_cancelling_a_workflow_cancels_its_tasks_and_cancelling_a_task_only_that() -> None:
    stopped = []
    begun = asyncio.Event()

    @task
    async def endless(n: int) -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            stopped.append(n)

    @entrypoint()
    async def workflow(n: int) -> str:
        first = endless(1)
        await begun.wait()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        await endless(2)
        return "never"

    running = asyncio.create_task(workflow.ainvoke(0))
    await begun.wait()
    while stopped != [1]:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert set(stopped) <= {1, 2}


def test_arguments_and_results_are_copies(calls: list[Any]) -> None:
    @task
    def change(items: list[int]) -> list[int]:
        items.append(1)
        return items

    @entrypoint()
    def workflow(items: list[int]) -> Any:
        mine = [0]
        return [mine, change(mine).result(), change(mine).result()]

    given: list[int] = []
    assert workflow.invoke(given) == [[0], [0, 1], [0, 1]]


@attrs.frozen
class Order:
    number: int


@attrs.frozen
class Receipt:
    order: Order


@attrs.frozen
class Stray:
    x: int


@task
def pay(order: Order) -> Receipt:
    return Receipt(order)


@task
def untyped(order):  # type: ignore[no-untyped-def]
    return Stray(1)


@entrypoint(checkpointer=MemorySaver())
def shop(number: int) -> Receipt:
    receipt = pay(Order(number)).result()
    interrupt("sure?")
    return receipt


@entrypoint(checkpointer=MemorySaver())
def careless(number: int) -> Any:
    return untyped(number).result()


def test_annotated_classes_can_be_recorded() -> None:
    shop.invoke(3, thread_id="t")
    assert shop.invoke(Command(resume=True), thread_id="t") == Receipt(Order(3))
    with pytest.raises(CodecError, match=r"Stray, which is not allowed.*Codec\(allow=\[Stray\]\)"):
        careless.invoke(3, thread_id="t")


def test_tasks_in_nodes_of_a_graph(calls: list[Any]) -> None:
    @task
    def work(n: int) -> int:
        calls.append(n)
        return n * 2

    def node(state: dict[str, Any]) -> dict[str, Any]:
        value = work(state["n"]).result()
        interrupt("?")
        return {"n": value}

    from typing import TypedDict

    class State(TypedDict):
        n: int

    graph = StateGraph(State).add_node("node", node).add_edge(START, "node").compile(checkpointer=MemorySaver())
    graph.invoke({"n": 2}, thread_id="t")
    assert graph.invoke(Command(resume=1), thread_id="t") == {"n": 4}
    assert calls == [2]


async def test_sync_tasks_in_async_nodes_of_a_graph() -> None:
    @task
    def work(n: int) -> int:
        return n * 2

    async def node(state: dict[str, Any]) -> dict[str, Any]:
        return {"n": await work(state["n"])}

    from typing import TypedDict

    class State(TypedDict):
        n: int

    graph = StateGraph(State).add_node("node", node).add_edge(START, "node").compile()
    assert await graph.ainvoke({"n": 2}) == {"n": 4}


def test_workflows_inside_workflows() -> None:
    @task
    def double(n: int) -> int:
        return n * 2

    @entrypoint()
    def inner(n: int) -> int:
        return double(n).result() + 1

    @entrypoint()
    def outer(n: int) -> int:
        return inner.invoke(n) + inner.invoke(n)

    assert outer.invoke(3) == 14


def test_methods_as_tasks() -> None:
    class Shop:
        rate = 3

        @task
        def price(self, n: int) -> int:
            return self.rate * n

    @entrypoint()
    def workflow(n: int) -> int:
        return Shop().price(n).result()

    assert workflow.invoke(2) == 6
    assert Shop.price.name == "price"


def test_mistakes_are_told_at_once() -> None:
    with pytest.raises(GraphValidationError, match=r"write @entrypoint\(\) with parentheses above 'workflow'"):

        @entrypoint  # type: ignore[arg-type]
        def workflow(n: int) -> int:
            return n

    for wrong in (lambda: 1, lambda a, b: 1, lambda config: 1):
        with pytest.raises(GraphValidationError, match="takes one input"):
            entrypoint()(wrong)

    def generator(n: int) -> Any:
        yield n

    with pytest.raises(GraphValidationError, match="is a generator"):
        entrypoint()(generator)
    with pytest.raises(RuntimeError, match="only inside a node"):
        pay(Order(1))


def test_futures_behave_as_those_of_the_standard_library() -> None:
    future: TaskFuture[int] = TaskFuture()
    with pytest.raises(TimeoutError):
        future.result(timeout=0)
    future.set_result(3)
    assert future.result() == 3
    with pytest.raises(InvalidStateError):
        future.set_result(4)


@task
def failing() -> None:
    raise ValueError("from the task")


@task
async def failing_async() -> None:
    raise ValueError("from the task")


def test_a_workflow_catches_what_its_task_raised() -> None:
    @entrypoint()
    def workflow(_: Any) -> str:
        try:
            failing().result()
        except ValueError as error:
            return f"caught: {error}"
        return "nothing raised"

    assert workflow.invoke(1) == "caught: from the task"


async def test_an_async_workflow_catches_what_its_tasks_raised() -> None:
    @entrypoint()
    async def workflow(_: Any) -> list[str]:
        found = await asyncio.gather(failing(), failing_async(), return_exceptions=True)
        try:
            await failing_async()
        except ValueError as error:
            return [*map(repr, found), f"caught: {error}"]
        return []

    error = repr(ValueError("from the task"))
    assert await workflow.ainvoke(1) == [error, error, "caught: from the task"]


def test_a_caught_error_stays_caught_after_a_question() -> None:
    @entrypoint(checkpointer=MemorySaver())
    def workflow(_: Any) -> str:
        try:
            failing().result()
        except ValueError:
            return str(interrupt("and now?"))
        return "nothing raised"

    workflow.invoke(1, thread_id="t")
    assert workflow.invoke(Command(resume="on"), thread_id="t") == "on"


async def test_errors_of_tasks_nobody_asked_about_are_raised_under_ainvoke() -> None:
    @entrypoint()
    async def workflow(_: Any) -> None:
        failing()
        failing_async()

    with pytest.raises(ValueError, match="from the task"):
        await workflow.ainvoke(1)


@task
def exhausted() -> Any:
    return next(iter(()))


async def test_a_task_that_raises_stop_iteration_fails_instead_of_never_ending() -> None:
    @entrypoint()
    async def workflow(_: Any) -> Any:
        return await exhausted()

    with pytest.raises(RuntimeError, match="StopIteration"):
        await asyncio.wait_for(workflow.ainvoke(1), 20)
