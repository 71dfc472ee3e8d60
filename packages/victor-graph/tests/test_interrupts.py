"""Questions that wait for answers, stops the graph was compiled with, and going on."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest

from victor.graph import (
    END,
    START,
    CheckpointError,
    Command,
    EmptyInputError,
    MemorySaver,
    ResumeError,
    Send,
    SqliteSaver,
    StateGraph,
    interrupt,
    step,
)
from victor.graph.checkpoint.base import Checkpointer


class State(TypedDict, total=False):
    n: int
    log: Annotated[list[Any], operator.add]


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Checkpointer]:
    with MemorySaver() if request.param == "memory" else SqliteSaver(tmp_path / "s.db", synchronous="normal") as store:
        yield store


@pytest.fixture(params=["sync", "async"])
def run(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Runs a graph by its sync or its async face."""
    if request.param == "sync":
        return lambda graph, *args, **kwargs: graph.invoke(*args, **kwargs)
    return lambda graph, *args, **kwargs: asyncio.run(graph.ainvoke(*args, **kwargs))


def asks(*questions: str) -> Callable[[State], State]:
    def node(state: State) -> State:
        return {"log": [interrupt(question) for question in questions]}

    return node


def says(text: str) -> Callable[[State], State]:
    return lambda state: {"log": [text]}


def test_a_question_and_its_answer(store: Checkpointer, run: Any) -> None:
    graph = (
        StateGraph(State).add_sequence([("a", says("a")), ("ask", asks("who?")), ("b", says("b"))]).add_edge(START, "a")
    )
    compiled = graph.compile(store)
    first = run(compiled, {"n": 1}, thread_id="t")
    assert first["log"] == ["a"]
    assert [one.value for one in first["__interrupt__"]] == ["who?"]
    assert len(first["__interrupt__"][0].id) == 32
    assert compiled.get_state(thread_id="t").next == ("ask",)
    assert run(compiled, Command(resume="ann"), thread_id="t") == {"n": 1, "log": ["a", "ann", "b"]}
    assert compiled.get_state(thread_id="t").interrupts == ()


def test_asking_again_without_an_answer_asks_the_same(store: Checkpointer, run: Any) -> None:
    graph = StateGraph(State).add_node("ask", asks("who?")).add_edge(START, "ask").compile(store)
    first = run(graph, {}, thread_id="t")["__interrupt__"]
    assert run(graph, None, thread_id="t")["__interrupt__"] == first


def test_several_questions_of_one_node_have_ids_of_their_own(store: Checkpointer, run: Any) -> None:
    graph = StateGraph(State).add_node("ask", asks("1", "2", "3")).add_edge(START, "ask").compile(store)
    ids = set()
    result = run(graph, {}, thread_id="t")
    for answer in "abc":
        (one,) = result["__interrupt__"]
        ids.add(one.id)
        result = run(graph, Command(resume=answer), thread_id="t")
    assert result["log"] == ["a", "b", "c"]
    assert len(ids) == 3


@pytest.mark.parametrize("answer", [None, False, 0, "", {"approved": True}, ["x"], {}])
def test_any_value_can_be_an_answer(store: Checkpointer, run: Any, answer: Any) -> None:
    graph = StateGraph(State).add_node("ask", asks("?")).add_edge(START, "ask").compile(store)
    (one,) = run(graph, {}, thread_id="t")["__interrupt__"]
    assert run(graph, Command(resume={one.id: answer}), thread_id="t")["log"] == [answer]


def parallel(store: Checkpointer) -> Any:
    graph = StateGraph(State)
    for name in "abc":
        graph.add_node(name, asks(f"{name}?")).add_edge(START, name)
    return graph.add_node("end", says("end")).add_edge(["a", "b", "c"], "end").compile(store)


def test_parallel_questions_are_answered_one_by_one_in_any_order(store: Checkpointer, run: Any) -> None:
    graph = parallel(store)
    asked = {one.value: one.id for one in run(graph, {}, thread_id="t")["__interrupt__"]}
    assert list(asked) == ["a?", "b?", "c?"]
    second = run(graph, Command(resume={asked["b?"]: "B"}), thread_id="t")
    assert {one.value: one.id for one in second["__interrupt__"]} == {"a?": asked["a?"], "c?": asked["c?"]}
    assert [one.value for one in graph.get_state(thread_id="t").interrupts] == ["a?", "c?"]
    assert run(graph, Command(resume={asked["c?"]: "C", asked["a?"]: "A"}), thread_id="t")["log"] == [
        "A",
        "B",
        "C",
        "end",
    ]


def test_an_answer_to_several_questions_must_say_which(store: Checkpointer, run: Any) -> None:
    graph = parallel(store)
    asked = [one.id for one in run(graph, {}, thread_id="t")["__interrupt__"]]
    with pytest.raises(ResumeError, match="3 interrupts wait") as caught:
        run(graph, Command(resume="x"), thread_id="t")
    assert sorted(caught.value.pending_ids) == sorted(asked)
    with pytest.raises(ResumeError, match="no interrupt waits with id 'f00'"):
        run(graph, Command(resume={asked[0]: 1, "f00": 2}), thread_id="t")
    assert len(graph.get_state(thread_id="t").interrupts) == 3


def test_an_answer_nobody_asked_for(store: Checkpointer, run: Any) -> None:
    graph = StateGraph(State).add_node("a", says("a")).add_edge(START, "a").compile(store)
    with pytest.raises(EmptyInputError):
        run(graph, Command(resume="x"), thread_id="t")
    run(graph, {}, thread_id="t")
    with pytest.raises(ResumeError, match="no interrupt"):
        run(graph, Command(resume="x"), thread_id="t")


def test_who_was_not_answered_does_not_run_again(store: Checkpointer, run: Any) -> None:
    runs: list[str] = []

    def node(name: str) -> Any:
        def inner(state: State) -> State:
            runs.append(name)
            return {"log": [interrupt(name)]}

        return inner

    graph = (
        StateGraph(State)
        .add_node("a", node("a"))
        .add_node("b", node("b"))
        .add_edge(START, "a")
        .add_edge(START, "b")
        .compile(store)
    )
    asked = {one.value: one.id for one in run(graph, {}, thread_id="t")["__interrupt__"]}
    run(graph, Command(resume={asked["a"]: 1}), thread_id="t")
    assert sorted(runs) == ["a", "a", "b"]
    run(graph, Command(resume={asked["b"]: 2}), thread_id="t")
    assert sorted(runs) == ["a", "a", "b", "b"]


def test_who_was_done_does_not_run_again(store: Checkpointer, run: Any) -> None:
    runs: list[str] = []

    def work(state: State) -> State:
        runs.append("work")
        return {"log": ["work"]}

    graph = (
        StateGraph(State)
        .add_node(work)
        .add_node("ask", asks("?"))
        .add_edge(START, "work")
        .add_edge(START, "ask")
        .compile(store)
    )
    run(graph, {}, thread_id="t")
    state = graph.get_state(thread_id="t")
    assert state.next == ("ask",)
    assert {task.name: task.result for task in state.tasks} == {"ask": None, "work": {"log": ["work"]}}
    assert run(graph, Command(resume="x"), thread_id="t")["log"] == ["x", "work"]
    assert runs == ["work"]


def test_what_a_step_did_is_not_done_twice(store: Checkpointer, run: Any) -> None:
    done: list[str] = []

    def effect(what: str) -> str:
        done.append(what)
        return what.upper()

    def node(state: State) -> State:
        first = [step("charge", effect, "one"), step("charge", effect, "two")]
        answer = interrupt("sure?")
        return {"log": [*first, answer, step("mail", effect, "three")]}

    graph = StateGraph(State).add_node(node).add_edge(START, "node").compile(store)
    run(graph, {}, thread_id="t")
    assert done == ["one", "two"]
    assert run(graph, Command(resume="yes"), thread_id="t")["log"] == ["ONE", "TWO", "yes", "THREE"]
    assert done == ["one", "two", "three"]


def test_async_steps(store: Checkpointer) -> None:
    done: list[str] = []

    async def effect(what: str) -> list[str]:
        await asyncio.sleep(0)
        done.append(what)
        return [what]

    async def node(state: State) -> State:
        first = await step("a", effect, "one")
        first.append("changed afterwards")
        return {"log": [*first, interrupt("?")]}

    graph = StateGraph(State).add_node(node).add_edge(START, "node").compile(store)
    asyncio.run(graph.ainvoke({}, thread_id="t"))
    assert asyncio.run(graph.ainvoke(Command(resume="x"), thread_id="t"))["log"] == ["one", "changed afterwards", "x"]
    assert done == ["one"]


def test_a_node_that_failed_after_a_step_goes_on_after_it(store: Checkpointer, run: Any) -> None:
    done: list[str] = []
    broken = True

    def node(state: State) -> State:
        step("effect", lambda: done.append("effect"))
        if broken:
            raise OSError("no network")
        return {"log": ["fine"]}

    graph = StateGraph(State).add_node(node).add_edge(START, "node").compile(store)
    with pytest.raises(OSError, match="no network"):
        run(graph, {}, thread_id="t")
    task = graph.get_state(thread_id="t").tasks[0]
    assert task.error == "OSError: no network"
    broken = False
    assert run(graph, None, thread_id="t")["log"] == ["fine"]
    assert done == ["effect"]


def test_a_step_outside_a_node() -> None:
    with pytest.raises(RuntimeError, match="inside a node"):
        step("x", print)
    with pytest.raises(RuntimeError, match="inside a node"):
        interrupt("x")


def test_stops_before_and_after(store: Checkpointer, run: Any) -> None:
    graph = StateGraph(State).add_sequence([("a", says("a")), ("b", says("b")), ("c", says("c"))]).add_edge(START, "a")
    compiled = graph.compile(store, interrupt_before=["b"], interrupt_after=["b"])
    assert run(compiled, {}, thread_id="t") == {"log": ["a"]}
    assert compiled.get_state(thread_id="t").next == ("b",)
    assert run(compiled, None, thread_id="t") == {"log": ["a", "b"]}
    assert compiled.get_state(thread_id="t").next == ("c",)
    assert run(compiled, Command(resume="anything"), thread_id="t") == {"log": ["a", "b", "c"]}
    assert compiled.run({}, thread_id="u").status == "interrupted"
    assert run(compiled, {}, thread_id="v", interrupt_before=[], interrupt_after="*") == {"log": ["a"]}


def test_a_stop_before_is_not_passed_by_a_run_that_died_before_it(store: Checkpointer) -> None:
    """Resuming with None passes a stop that was reached, not one that was never announced."""
    graph = StateGraph(State).add_sequence([("a", says("a")), ("b", says("b"))]).add_edge(START, "a")
    graph.compile(store, interrupt_after=["a"]).invoke({}, thread_id="t")
    store.rewrite("t", "")
    for note in store.notes("t", "", store.entries("t")[0].id):
        assert note.key == "paused"
    from victor.graph.checkpoint.base import Batch, Settled

    store.write([Batch(settled=(Settled("t", "", store.entries("t")[0].id),))])  # as if it had died in between
    strict = graph.compile(store, interrupt_before=["b"])
    assert strict.invoke(None, thread_id="t") == {"log": ["a"]}
    assert strict.invoke(None, thread_id="t") == {"log": ["a", "b"]}


def test_changing_the_state_while_it_is_stopped(store: Checkpointer, run: Any) -> None:
    graph = (
        StateGraph(State)
        .add_sequence([("a", says("a")), ("b", says("b"))])
        .add_edge(START, "a")
        .compile(store, interrupt_before=["b"])
    )
    run(graph, {}, thread_id="t")
    graph.update_state({"configurable": {"thread_id": "t"}}, {"log": ["edited"]})
    assert graph.get_state(thread_id="t").next == ("b",)
    assert run(graph, None, thread_id="t") == {"log": ["a", "edited", "b"]}


def test_an_update_and_a_jump_may_come_with_the_answer(store: Checkpointer, run: Any) -> None:
    graph = StateGraph(State).add_node("ask", asks("1", "2")).add_node("extra", says("extra")).add_edge(START, "ask")
    graph.add_conditional_edges("ask", lambda state: END, {"extra": "extra", END: END})
    compiled = graph.compile(store)
    run(compiled, {}, thread_id="t")
    again = run(compiled, Command(resume="a", update={"n": 5}, goto="extra"), thread_id="t")
    assert again["n"] == 5
    assert [one.value for one in again["__interrupt__"]] == ["2"]
    assert run(compiled, Command(resume="b"), thread_id="t") == {"n": 5, "log": ["a", "b", "extra"]}


def test_a_new_input_drops_the_question(store: Checkpointer, run: Any) -> None:
    graph = (
        StateGraph(State)
        .add_node("ask", lambda s: {"log": [interrupt("?")]} if s["n"] == 1 else None)
        .add_edge(START, "ask")
        .compile(store)
    )
    assert "__interrupt__" in run(graph, {"n": 1}, thread_id="t")
    assert run(graph, {"n": 2, "log": ["new"]}, thread_id="t") == {"n": 2, "log": ["new"]}
    assert graph.get_state(thread_id="t").interrupts == ()


def test_questions_of_sends(store: Checkpointer, run: Any) -> None:
    graph = StateGraph(State).add_node("ask", lambda n: {"log": [(n, interrupt(f"q{n}"))]})
    graph.add_conditional_edges(START, lambda s: [Send("ask", n) for n in range(3)], ["ask"])
    compiled = graph.compile(store)
    asked = run(compiled, {}, thread_id="t")["__interrupt__"]
    result = run(compiled, Command(resume={one.id: one.value.upper() for one in asked}), thread_id="t")
    assert result["log"] == [(0, "Q0"), (1, "Q1"), (2, "Q2")]


def test_without_a_checkpointer_a_question_is_told_and_cannot_be_answered(run: Any) -> None:
    graph = StateGraph(State).add_node("ask", asks("?")).add_edge(START, "ask").compile()
    assert [one.value for one in run(graph, {})["__interrupt__"]] == ["?"]
    with pytest.raises(EmptyInputError, match="checkpointer"):
        run(graph, Command(resume=1))


def test_an_answer_to_a_question_of_the_past_makes_another_future(store: Checkpointer, run: Any) -> None:
    graph = (
        StateGraph(State)
        .add_node("ask", asks("?"))
        .add_node("end", says("end"))
        .add_edge(START, "ask")
        .add_edge("ask", "end")
        .compile(store)
    )
    run(graph, {}, thread_id="t")
    past = graph.get_state(thread_id="t").config
    assert run(graph, Command(resume="one"), thread_id="t")["log"] == ["one", "end"]
    assert [one.value for one in graph.get_state(past).interrupts] == ["?"]
    assert run(graph, Command(resume="two"), past)["log"] == ["two", "end"]
    assert graph.get_state(thread_id="t").values["log"] == ["two", "end"]


def test_going_on_from_the_past_asks_again(store: Checkpointer, run: Any) -> None:
    graph = StateGraph(State).add_sequence([("a", says("a")), ("ask", asks("?"))]).add_edge(START, "a").compile(store)
    run(graph, {}, thread_id="t")
    past = graph.get_state(thread_id="t").config
    run(graph, Command(resume="one"), thread_id="t")
    assert [one.value for one in run(graph, None, past)["__interrupt__"]] == ["?"]
    assert run(graph, Command(resume="two"), thread_id="t")["log"] == ["a", "two"]


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
def test_questions_with_every_durability(store: Checkpointer, run: Any, durability: str) -> None:
    graph = (
        StateGraph(State)
        .add_sequence([("a", says("a")), ("ask", asks("1", "2")), ("b", says("b"))])
        .add_edge(START, "a")
        .compile(store)
    )
    run(graph, {}, thread_id="t", durability=durability)
    run(graph, Command(resume="x"), thread_id="t", durability=durability)
    assert run(graph, Command(resume="y"), thread_id="t", durability=durability)["log"] == ["a", "x", "y", "b"]


def test_a_node_that_catches_all_exceptions_still_asks(store: Checkpointer, run: Any) -> None:
    def node(state: State) -> State:
        try:
            return {"log": [interrupt("?")]}
        except Exception as error:
            return {"log": [repr(error)]}

    graph = StateGraph(State).add_node(node).add_edge(START, "node").compile(store)
    assert [one.value for one in run(graph, {}, thread_id="t")["__interrupt__"]] == ["?"]
    assert run(graph, Command(resume="x"), thread_id="t")["log"] == ["x"]


def test_questions_asked_side_by_side_inside_a_node(store: Checkpointer) -> None:
    async def ask(question: str) -> Any:
        return interrupt(question)

    async def node(state: State) -> State:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(ask(question)) for question in ("a?", "b?")]
        return {"log": [task.result() for task in tasks]}

    graph = StateGraph(State).add_node(node).add_edge(START, "node").compile(store)
    asked = asyncio.run(graph.ainvoke({}, thread_id="t"))["__interrupt__"]
    assert [one.value for one in asked] == ["a?", "b?"]
    answers = {one.id: one.value.upper() for one in asked}
    assert asyncio.run(graph.ainvoke(Command(resume=answers), thread_id="t"))["log"] == ["A?", "B?"]


def test_a_store_that_fails_while_an_error_is_noted_does_not_hide_the_error(
    store: Checkpointer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def node(state: State) -> None:
        def full(batches: Any) -> None:
            raise CheckpointError("disk full")

        monkeypatch.setattr(store, "write", full)
        raise ValueError("the real one")

    graph = StateGraph(State).add_node(node).add_edge(START, "node").compile(store)
    with pytest.raises(ValueError, match="the real one") as caught:
        graph.invoke({}, thread_id="t")
    assert "disk full" in caught.value.__notes__[0]


def asked(output: Any) -> list[Any]:
    return [one.value for one in output["__interrupt__"]]


def test_an_answer_after_an_update_goes_to_the_question_asked_anew(store: Checkpointer, run: Any) -> None:
    def review(state: State) -> State:
        return {"log": [(interrupt("good?"), interrupt("sure?"), state["n"])]}

    graph = StateGraph(State).add_node("draft", lambda state: {"n": 1}).add_node(review)
    graph.add_edge(START, "draft").add_edge("draft", "review")
    app = graph.compile(store)
    [question] = run(app, {}, thread_id="t")["__interrupt__"]
    app.update_state(None, {"n": 42}, thread_id="t")
    assert asked(run(app, Command(resume={question.id: "good"}), thread_id="t")) == ["sure?"]
    assert run(app, Command(resume="sure"), thread_id="t") == {"n": 42, "log": [("good", "sure", 42)]}
    with pytest.raises(ResumeError, match="no interrupt"):
        run(app, Command(resume="again"), thread_id="t")


def test_after_an_update_of_a_thread_that_asked_nothing_there_is_nothing_to_answer(store: Checkpointer) -> None:
    app = StateGraph(State).add_node("a", says("a")).add_edge(START, "a").compile(store)
    app.invoke({}, thread_id="t")
    app.update_state(None, {"n": 1}, as_node=START, thread_id="t")
    with pytest.raises(ResumeError, match="no interrupt"):
        app.invoke(Command(resume="yes"), thread_id="t")


def test_which_of_several_questions_is_asked_anew_after_an_update_must_be_asked_for(store: Checkpointer) -> None:
    graph = StateGraph(State).add_node("first", says("x"))
    for name in ("a", "b"):
        graph.add_node(name, asks(name)).add_edge("first", name)
    app = graph.add_edge(START, "first").compile(store)
    app.invoke({}, thread_id="t")
    app.update_state(None, {"n": 1}, as_node="first", thread_id="t")
    with pytest.raises(ResumeError, match="pass None to go on and be asked"):
        app.invoke(Command(resume="yes"), thread_id="t")
    assert sorted(asked(app.invoke(None, thread_id="t"))) == ["a", "b"]


@pytest.fixture
def nested(store: Checkpointer) -> Any:
    inner = StateGraph(State).add_node("s1", says("s1")).add_node("s2", asks("q"))
    inner.add_edge(START, "s1").add_edge("s1", "s2")
    middle = StateGraph(State).add_node("inner", inner.compile()).add_edge(START, "inner")
    return StateGraph(State).add_node("middle", middle.compile()).add_edge(START, "middle").compile(store)


def innermost(app: Any) -> Any:
    return app.get_state(thread_id="t", subgraphs=True).tasks[0].state.tasks[0].state.config


def test_a_subgraph_that_waits_can_be_updated_and_then_answered(nested: Any, run: Any) -> None:
    run(nested, {}, thread_id="t")
    nested.update_state(innermost(nested), {"log": ["patched"]})
    assert [one.value for one in nested.get_state(thread_id="t").interrupts] == ["q"]
    assert run(nested, Command(resume="A"), thread_id="t")["log"] == ["s1", "patched", "A"]


def test_a_subgraph_that_waits_can_be_moved_past_its_question(nested: Any, run: Any) -> None:
    run(nested, {}, thread_id="t")
    nested.update_state(innermost(nested), {"log": ["skipped"]}, as_node="s2")
    assert run(nested, None, thread_id="t")["log"] == ["s1", "skipped"]


def test_a_subgraph_that_was_updated_asks_again_when_nobody_answers(nested: Any, run: Any) -> None:
    run(nested, {}, thread_id="t")
    nested.update_state(innermost(nested), {"log": ["patched"]})
    assert asked(run(nested, None, thread_id="t")) == ["q"]
    assert run(nested, Command(resume="A"), thread_id="t")["log"] == ["s1", "patched", "A"]


def test_a_question_whose_node_failed_can_be_answered_anew(store: Checkpointer, run: Any) -> None:
    def careful(state: State) -> State:
        if (answer := interrupt("which?")) == "bad":
            raise ValueError("not that one")
        return {"log": [answer, interrupt("and then?")]}

    app = StateGraph(State).add_node(careful).add_edge(START, "careful").compile(store)
    run(app, {}, thread_id="t")
    for _ in range(2):
        with pytest.raises(ValueError, match="not that one"):
            run(app, Command(resume="bad"), thread_id="t")
        assert [one.value for one in app.get_state(thread_id="t").interrupts] == ["which?"]
    with pytest.raises(ValueError, match="not that one"):
        run(app, None, thread_id="t")  # without another answer it is the same again
    assert asked(run(app, Command(resume="good"), thread_id="t")) == ["and then?"]
    assert [one.value for one in app.get_state(thread_id="t").interrupts] == ["and then?"]
    assert run(app, Command(resume="home"), thread_id="t")["log"] == ["good", "home"]
