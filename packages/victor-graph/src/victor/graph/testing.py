"""Tests for what others build on this package: a suite that any checkpoint store has to pass.

Subclass it in a test module and say how a store is made::

    class TestMyStore(CheckpointerConformance):
        @pytest.fixture
        def store(self, tmp_path):
            with MyStore(tmp_path / "store") as store:
                yield store
"""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, TypedDict

from victor.graph.checkpoint.base import Batch, Chain, Checkpointer, Entry, Head, Note, Settled
from victor.graph.command import START, Command, Send
from victor.graph.errors import CheckpointError, CheckpointNotFoundError, ThreadConflictError
from victor.graph.graph import StateGraph
from victor.graph.interrupts import interrupt

__all__ = ["CheckpointerConformance"]


def _id(number: int) -> str:
    return f"{number:016x}00000000"


def _entry(
    number: int,
    parent: int | None = None,
    base: int | None = None,
    *,
    thread: str = "t",
    namespace: str = "",
    body: bytes = b"b",
) -> Entry:
    base = number if base is None else base
    return Entry(
        thread, namespace, _id(number), None if parent is None else _id(parent), _id(base), number, "loop", body,
        b"whole" if base == number else None,
    )  # fmt: skip


def _note(number: int, task: str, key: str, data: bytes = b"d", *, thread: str = "t", namespace: str = "") -> Note:
    return Note(thread, namespace, _id(number), task, key, data)


def _next(number: int, parent: int | None, *, base: int | None = 1, thread: str = "t") -> Batch:
    """An entry by a writer that takes its parent for the latest."""
    return Batch((_entry(number, parent, base, thread=thread),), based_on=_head(parent, thread=thread))


def _head(number: int | None, *, thread: str = "t", namespace: str = "") -> Head:
    return Head(thread, namespace, None if number is None else _id(number))


def _fails(kind: type[Exception], function: Callable[..., Any], *args: Any) -> Exception:
    try:
        function(*args)
    except kind as error:
        return error
    raise AssertionError(f"{function.__name__} did not raise {kind.__name__}")


def _found(chain: Chain | None) -> Chain:
    assert chain is not None
    return chain


class _State(TypedDict, total=False):
    n: int
    log: Annotated[list[str], operator.add]


def _counter(store: Checkpointer, stop: int = 10) -> Any:
    async def tick(state: _State) -> Any:
        n = state.get("n", 0) + 1
        return Command(update={"n": n, "log": [f"{n}"]}, goto="tick" if n % stop else ())

    return StateGraph(_State).add_node("tick", tick).add_edge(START, "tick").compile(checkpointer=store)


class CheckpointerConformance:
    """What any `Checkpointer` does. Subclasses give a fixture ``store`` with an empty one."""

    def test_an_unknown_thread_has_nothing(self, store: Checkpointer) -> None:
        assert store.chain("t") is None
        assert store.entries("t") == []
        assert store.notes("t", "", _id(1)) == []
        assert store.namespaces("t") == []
        assert store.threads() == []
        store.delete_thread("t")

    def test_a_chain_runs_from_the_nearest_snapshot(self, store: Checkpointer) -> None:
        store.write(
            [Batch(entries=(_entry(1), _entry(2, 1, 1), _entry(3, 2), _entry(4, 3, 3, body=b"four"), _entry(5, 4, 3)))]
        )
        chain = _found(store.chain("t"))
        assert [one.id for one in chain.entries] == [_id(3), _id(4), _id(5)]
        assert chain.entries[0].snapshot == b"whole"
        assert chain.entries[1].body == b"four"
        assert [one.parent_id for one in chain.entries] == [_id(2), _id(3), _id(4)]
        assert [one.step for one in chain.entries] == [3, 4, 5]
        older = _found(store.chain("t", "", _id(2)))
        assert [one.id for one in older.entries] == [_id(1), _id(2)]
        assert store.chain("t", "", _id(9)) is None

    def test_a_fork_does_not_see_its_siblings(self, store: Checkpointer) -> None:
        store.write([Batch(entries=(_entry(1), _entry(2, 1, 1), _entry(3, 2, 1), _entry(4, 1, 1), _entry(5, 4, 1)))])
        assert [one.id for one in _found(store.chain("t")).entries] == [_id(1), _id(4), _id(5)]
        assert [one.id for one in _found(store.chain("t", "", _id(3))).entries] == [_id(1), _id(2), _id(3)]

    def test_the_latest_has_the_greatest_id_whenever_it_was_written(self, store: Checkpointer) -> None:
        store.write([Batch(entries=(_entry(5),))])
        store.write([Batch(entries=(_entry(2),))])
        assert _found(store.chain("t")).entries[-1].id == _id(5)

    def test_namespaces_and_threads_are_apart(self, store: Checkpointer) -> None:
        store.write(
            [
                Batch(
                    entries=(
                        _entry(1),
                        _entry(2, thread="u"),
                        _entry(3, namespace="a:1"),
                        _entry(4, namespace="a:1|b:2"),
                    )
                )
            ]
        )
        assert _found(store.chain("t")).entries[-1].id == _id(1)
        assert _found(store.chain("u")).entries[-1].id == _id(2)
        assert _found(store.chain("t", "a:1")).entries[-1].id == _id(3)
        assert store.namespaces("t") == ["", "a:1", "a:1|b:2"]
        assert [(one.thread_id, one.entries) for one in store.threads()] == [("t", 3), ("u", 1)]
        assert [one.thread_id for one in store.threads(limit=1)] == ["t"]
        first = store.threads()[0]
        assert (first.created_ns, first.updated_ns) == (1, 4)

    def test_entries_are_listed_newest_first_without_snapshots(self, store: Checkpointer) -> None:
        store.write([Batch(entries=tuple(_entry(n, n - 1 or None) for n in range(1, 6)))])
        assert [one.step for one in store.entries("t")] == [5, 4, 3, 2, 1]
        assert [one.step for one in store.entries("t", limit=2)] == [5, 4]
        assert [one.step for one in store.entries("t", before=_id(3))] == [2, 1]
        assert all(one.snapshot is None and one.body == b"b" for one in store.entries("t"))

    def test_an_entry_written_again_is_replaced(self, store: Checkpointer) -> None:
        store.write([Batch(entries=(_entry(1, body=b"old"),))])
        store.write([Batch(entries=(_entry(1, body=b"new"),))])
        assert [one.body for one in _found(store.chain("t")).entries] == [b"new"]

    def test_notes_are_replaced_read_with_their_entry_and_settled(self, store: Checkpointer) -> None:
        store.write([Batch(entries=(_entry(1),), notes=(_note(1, "b", "result"), _note(1, "a", "step:x:0", b"old")))])
        store.write(
            [Batch(notes=(_note(1, "a", "step:x:0", b"new"), _note(1, "a", "interrupt"), _note(1, "", "answer:q")))]
        )
        found = _found(store.chain("t")).notes
        assert [(one.task_id, one.key) for one in found] == [
            ("", "answer:q"),
            ("a", "interrupt"),
            ("a", "step:x:0"),
            ("b", "result"),
        ]
        assert [one.data for one in found if one.key.startswith("step")] == [b"new"]
        assert list(found) == store.notes("t", "", _id(1))
        store.write([Batch(settled=(Settled("t", "", _id(1)),))])
        assert [one.key for one in store.notes("t", "", _id(1))] == ["interrupt"]

    def test_settling_goes_by_whole_keys_and_prefixes_and_comes_first_in_a_batch(self, store: Checkpointer) -> None:
        store.write(
            [Batch(entries=(_entry(1), _entry(2, 1, 1)), notes=(_note(1, "a", "steps"), _note(2, "a", "step:x:0")))]
        )
        store.write([Batch(settled=(Settled("t", "", _id(1), ("step",)),), notes=(_note(1, "a", "step:y:0"),))])
        assert [one.key for one in store.notes("t", "", _id(1))] == ["step:y:0", "steps"]
        assert [one.key for one in store.notes("t", "", _id(2))] == ["step:x:0"]

    def test_empty_and_large_bytes_and_any_text_survive(self, store: Checkpointer) -> None:
        large = bytes(range(256)) * 20_000
        thread = "thread with spaces, 'quotes', % and \u00e9\u4e2d\U0001f600"
        store.write(
            [
                Batch(
                    entries=(_entry(1, thread=thread, body=large),),
                    notes=(_note(1, "t%_", "k:'%", b"", thread=thread),),
                )
            ]
        )
        chain = _found(store.chain(thread))
        assert chain.entries[0].body == large
        assert [(one.task_id, one.key, one.data) for one in chain.notes] == [("t%_", "k:'%", b"")]

    def test_deleting_a_thread_leaves_the_others(self, store: Checkpointer) -> None:
        for thread in ("t", "u"):
            store.write([Batch(entries=(_entry(1, thread=thread),), notes=(_note(1, "a", "result", thread=thread),))])
        store.delete_thread("t")
        assert store.chain("t") is None
        assert store.notes("t", "", _id(1)) == []
        assert [one.thread_id for one in store.threads()] == ["u"]
        assert len(_found(store.chain("u")).notes) == 1
        store.write([Batch(entries=(_entry(2),))])
        assert [one.id for one in store.entries("t")] == [_id(2)]

    def test_a_copied_thread_goes_its_own_way(self, store: Checkpointer) -> None:
        store.write(
            [
                Batch(
                    entries=(_entry(1), _entry(2, 1, 1), _entry(1, namespace="a:1")),
                    notes=(_note(2, "a", "interrupt"),),
                )
            ]
        )
        store.copy_thread("t", "u")
        store.write([Batch(entries=(_entry(3, 2, 1),))])
        assert [one.id for one in _found(store.chain("u")).entries] == [_id(1), _id(2)]
        assert [one.key for one in _found(store.chain("u")).notes] == ["interrupt"]
        assert all(one.thread_id == "u" for one in _found(store.chain("u")).entries)
        assert store.namespaces("u") == ["", "a:1"]
        _fails(CheckpointNotFoundError, store.copy_thread, "nobody", "v")
        _fails(CheckpointError, store.copy_thread, "t", "u")

    def test_rewriting_removes_and_replaces(self, store: Checkpointer) -> None:
        store.write([Batch(entries=(_entry(1), _entry(2, 1, 1), _entry(3, 2, 1)), notes=(_note(1, "a", "interrupt"),))])
        store.rewrite("t", "", remove=[_id(1), _id(2)], replace=[_entry(3)])
        chain = _found(store.chain("t"))
        assert [one.id for one in chain.entries] == [_id(3)]
        assert chain.entries[0].snapshot == b"whole"
        assert store.notes("t", "", _id(1)) == []

    def test_who_is_not_based_on_the_latest_is_refused_and_writes_nothing(self, store: Checkpointer) -> None:
        store.write([_next(1, None)])
        store.write([_next(2, 1)])
        notes = (_note(1, "a", "result"),)
        late = Batch((_entry(3, 1, 1),), notes, (Settled("t", "", _id(2)),), _head(1))
        store.write([Batch(notes=(_note(2, "b", "result"),), based_on=_head(2))])
        error = _fails(ThreadConflictError, store.write, [late])
        assert isinstance(error, ThreadConflictError)
        assert (error.thread_id, error.namespace, error.expected, error.found) == ("t", "", _id(1), _id(2))
        assert "'t' was changed by another run" in str(error)
        _fails(ThreadConflictError, store.write, [_next(4, None)])
        _fails(ThreadConflictError, store.write, [Batch(notes=notes, based_on=_head(1))])
        assert [one.step for one in store.entries("t")] == [2, 1]
        assert store.notes("t", "", _id(1)) == []
        assert [one.task_id for one in store.notes("t", "", _id(2))] == ["b"]
        store.write([_next(3, 2)])
        assert [one.step for one in store.entries("t")] == [3, 2, 1]

    def test_a_batch_may_be_based_on_those_before_it_and_be_written_again(self, store: Checkpointer) -> None:
        batches = [_next(1, None), _next(2, 1), Batch(notes=(_note(2, "a", "result"),), based_on=_head(2)), _next(3, 2)]
        store.write(batches)
        store.write(batches[-1:])  # as when the answer to the first time was lost
        assert [one.step for one in store.entries("t")] == [3, 2, 1]
        _fails(ThreadConflictError, store.write, [_next(4, 3), _next(5, 3)])
        _fails(ThreadConflictError, store.write, [_next(1, None, thread="new"), _next(4, 2)])
        assert [one.step for one in store.entries("t")] == [3, 2, 1]
        assert store.chain("new") is None

    def test_a_fork_is_written_whatever_the_latest_is(self, store: Checkpointer) -> None:
        store.write([Batch((_entry(1), _entry(2, 1, 1)))])
        store.write([Batch((_entry(3, 1, 1),))])
        _fails(ThreadConflictError, store.write, [_next(4, 2)])
        store.write([_next(4, 3)])
        assert [one.step for one in _found(store.chain("t")).entries] == [1, 3, 4]

    def test_logs_are_compared_each_for_itself(self, store: Checkpointer) -> None:
        store.write([_next(1, None), _next(1, None, thread="u")])
        inner = Batch((_entry(5, namespace="a:1"),), based_on=_head(None, namespace="a:1"))
        store.write([_next(2, 1), inner, _next(3, 1, thread="u")])
        error = _fails(ThreadConflictError, store.write, [_next(4, 2), inner, _next(9, 2, thread="u")])
        assert isinstance(error, ThreadConflictError)
        assert error.thread_id == "u"
        assert [one.step for one in store.entries("t")] == [2, 1]

    def test_what_is_deleted_or_removed_is_no_base(self, store: Checkpointer) -> None:
        store.write([_next(1, None), _next(2, 1)])
        store.copy_thread("t", "u")
        store.delete_thread("t")
        error = _fails(ThreadConflictError, store.write, [_next(3, 2)])
        assert "deleted?" in str(error)
        store.write([_next(4, None, base=4)])
        store.write([_next(3, 2, thread="u")])
        store.rewrite("u", "", remove=[_id(1)], replace=[_entry(2, None, 2, thread="u")])
        store.write([_next(5, 3, base=2, thread="u")])
        store.rewrite("u", "", remove=[_id(2), _id(3), _id(5)])
        store.write([_next(6, None, base=6, thread="u")])
        assert [one.step for one in store.entries("u")] == [6]

    def test_of_many_writers_with_one_base_one_is_heard(self, store: Checkpointer) -> None:
        store.write([_next(1, None)])
        latest = 1
        for first in range(2, 42, 10):

            def attempt(number: int, base: int = latest) -> int:
                try:
                    store.write([_next(number, base)])
                except ThreadConflictError:
                    return 0
                return number

            with ThreadPoolExecutor(10) as pool:
                heard = [one for one in pool.map(attempt, range(first, first + 10)) if one]
            assert len(heard) == 1
            latest = heard[0]
        assert len(store.entries("t")) == 5

    async def test_of_two_runs_on_one_thread_one_is_told(self, store: Checkpointer) -> None:
        began, go_on = asyncio.Event(), asyncio.Event()

        async def tick(state: _State) -> Any:
            if state["n"] == 100:
                began.set()
                await go_on.wait()
            return Command(update={"n": state["n"] + 1}, goto=() if state["n"] % 10 == 9 else "tick")

        quick: Any = StateGraph(_State).add_node("tick", tick).add_edge(START, "tick").compile(checkpointer=store)
        run = asyncio.create_task(quick.ainvoke({"n": 100}, thread_id="t"))
        await began.wait()
        latest = quick.get_state(thread_id="t").config  # named, so that this process does not keep the runs apart
        assert (await quick.ainvoke({"n": 5}, latest))["n"] == 10
        go_on.set()
        told = (await asyncio.gather(run, return_exceptions=True))[0]
        assert isinstance(told, ThreadConflictError)
        assert quick.get_state(thread_id="t").values["n"] == 10
        past = [one.config for one in quick.get_state_history(thread_id="t") if one.values.get("n") == 7]
        forks = await asyncio.gather(*(quick.ainvoke(None, past[0]) for _ in range(3)))  # ask for no place at the head
        assert [one["n"] for one in forks] == [10, 10, 10]
        assert (await quick.ainvoke({"n": 8}, thread_id="t"))["n"] == 10

    def test_what_is_pruned_under_a_run_stays_readable(self, store: Checkpointer) -> None:
        store.write([_next(1, None), _next(2, 1), _next(3, 2)])
        store.rewrite("t", "", remove=[_id(1)], replace=[_entry(2, None, 2), _entry(3, 2, 2)])
        store.write([_next(4, 3)])  # by a run that knows nothing of it: based on 1
        chain = _found(store.chain("t"))
        assert [one.id for one in chain.entries] == [_id(2), _id(3), _id(4)]
        assert chain.entries[0].snapshot == b"whole"

    async def test_pruning_and_copying_while_a_run_is_at_work(self, store: Checkpointer) -> None:
        async def tick(state: _State) -> Any:
            n = state["n"] + 1
            if n % 10 == 5:
                await asyncio.to_thread(store.prune, thread_id="t", keep_last=1)
                await asyncio.to_thread(store.copy_thread, "t", f"copy{n}")
            return Command(update={"n": n, "log": [f"{n}"]}, goto="tick" if n < 60 else ())

        graph: Any = StateGraph(_State).add_node("tick", tick).add_edge(START, "tick").compile(checkpointer=store)
        assert (await graph.ainvoke({"n": 0}, thread_id="t"))["n"] == 60
        for thread, n in (("t", 60), *((f"copy{n}", n - 1) for n in range(5, 60, 10))):
            history = list(graph.get_state_history(thread_id=thread))
            assert history[0].values == {"n": n, "log": [str(one) for one in range(1, n + 1)]}
            assert (await graph.ainvoke({"n": 57}, thread_id=thread))["n"] == 60

    def test_many_threads_write_at_once_and_nothing_is_lost(self, store: Checkpointer) -> None:
        def work(number: int) -> None:
            thread = f"t{number}"
            for step in range(1, 11):
                notes = (_note(step, "a", "result", thread=thread),)
                store.write([Batch(entries=(_entry(step, step - 1 or None, 1, thread=thread),), notes=notes)])
                assert _found(store.chain(thread)).entries[-1].id == _id(step)

        with ThreadPoolExecutor(50) as pool:
            list(pool.map(work, range(50)))
        assert len(store.threads()) == 50
        assert all(one.entries == 10 for one in store.threads())

    async def test_many_tasks_write_at_once_and_nothing_is_lost(self, store: Checkpointer) -> None:
        async def work(number: int) -> None:
            thread = f"t{number}"
            for step in range(1, 6):
                await store.awrite(Batch(entries=(_entry(step, step - 1 or None, 1, thread=thread),)))
                assert _found(await store.achain(thread)).entries[-1].id == _id(step)

        await asyncio.gather(*(work(number) for number in range(50)))
        assert all(one.entries == 5 for one in store.threads())
        assert len(store.threads()) == 50

    def test_a_closed_store_says_so(self, store: Checkpointer) -> None:
        store.write([Batch(entries=(_entry(1),))])
        store.close()
        store.close()
        _fails(CheckpointError, store.chain, "t")
        _fails(CheckpointError, store.write, [Batch(entries=(_entry(2, 1, 1),))])

    async def test_a_graph_runs_is_read_back_and_forked(self, store: Checkpointer) -> None:
        graph = _counter(store)
        assert (await graph.ainvoke({"n": 0}, thread_id="t"))["n"] == 10
        states = list(graph.get_state_history(thread_id="t"))
        assert [one.values.get("n") for one in states] == [10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, None]
        assert all(len(one.values["log"]) == (one.values.get("n") or 0) for one in states)
        assert (await graph.ainvoke(None, states[4].config))["log"] == [str(n) for n in range(1, 11)]
        assert (await graph.ainvoke({"n": 17}, thread_id="t", durability="async"))["n"] == 20
        assert (await graph.ainvoke({"n": 28}, thread_id="t", durability="exit"))["n"] == 30
        assert graph.get_state(thread_id="t").values["log"] == [str(n) for n in (*range(1, 11), 18, 19, 20, 29, 30)]

    async def test_questions_wait_in_the_store_and_are_answered_one_by_one(self, store: Checkpointer) -> None:
        def ask(number: int) -> Any:
            return {"log": [interrupt(f"question {number}")]}

        def fan(state: _State) -> list[Send]:
            return [Send("ask", number) for number in range(3)]

        graph = (
            StateGraph(_State)
            .add_node("ask", ask)
            .add_conditional_edges(START, fan, ["ask"])
            .compile(checkpointer=store)
        )
        result = await graph.arun({}, thread_id="t")
        assert [one.value for one in result.interrupts] == ["question 0", "question 1", "question 2"]
        for number, one in enumerate(result.interrupts):
            state = graph.get_state(thread_id="t")
            assert [question.value for question in state.interrupts] == [f"question {n}" for n in range(number, 3)]
            result = await graph.arun(Command(resume={one.id: f"answer {number}"}), thread_id="t")
        assert result.status == "completed"
        assert result.state["log"] == ["answer 0", "answer 1", "answer 2"]

    async def test_pruning_keeps_what_stays_readable(self, store: Checkpointer) -> None:
        graph = _counter(store, stop=100)
        await graph.ainvoke({"n": 0}, thread_id="t")
        await graph.ainvoke({"n": 0, "log": ["again"]}, thread_id="t")
        before = {
            one.config["configurable"]["checkpoint_id"]: one.values for one in graph.get_state_history(thread_id="t")
        }
        assert store.prune(keep_last=30) == len(before) - 30
        after = {
            one.config["configurable"]["checkpoint_id"]: one.values for one in graph.get_state_history(thread_id="t")
        }
        assert after == {id: before[id] for id in sorted(before)[-30:]}
        assert store.prune(keep_last=1) == 29
        assert (await graph.ainvoke({"n": 98}, thread_id="t"))["n"] == 100
        assert store.prune(older_than=3600) == 0
        assert store.prune(older_than=0, thread_id="t") > 0
        assert len(store.entries("t")) == 1
        assert graph.get_state(thread_id="t").values["n"] == 100
