"""Random graphs: the engine does what a slow and obvious interpreter of the same graph does."""

from __future__ import annotations

import asyncio
import operator
from typing import Annotated, Any, TypedDict

import pytest
from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st

from victor.graph import END, START, Command, GraphRecursionError, InvalidUpdateError, MemorySaver, Send, StateGraph

LIMIT = 30
CALM = 15


class State(TypedDict, total=False):
    log: Annotated[list[str], operator.add]
    total: Annotated[int, operator.add]
    last: str
    best: Annotated[int, max]


@define
class NodeSpec:
    """What a node of a random graph does; a function of how often it ran, so that loops end."""

    name: str
    writes_last: bool
    amount: int
    jump: list[str]
    sends: list[str]
    defer: bool
    is_async: bool
    suspends: bool


@define
class GraphSpec:
    nodes: list[NodeSpec]
    edges: list[tuple[str, str]]
    joins: list[tuple[tuple[str, ...], str]]
    branches: list[tuple[str, list[str]]]


@define
class Counts:
    """How often each node ran, shared by the functions of one run."""

    seen: dict[str, int] = field(factory=dict)


def level(state: Any) -> int:
    """The total a node was given: of the state, or of what was sent to it."""
    return state if isinstance(state, int) else state.get("total", 0)


def behave(spec: NodeSpec, state: Any) -> tuple[dict[str, Any], list[str], list[str]]:
    """What a node writes, where it jumps and to what it sends, for an input."""
    total = level(state)
    writes: dict[str, Any] = {"log": [f"{spec.name}({total})"], "total": spec.amount, "best": total}
    if spec.writes_last:
        writes["last"] = spec.name
    going = total < CALM
    return writes, spec.jump if going else [], spec.sends[: 2 if total < 4 else 1] if going else []


def choose(targets: list[str], state: Any) -> list[str]:
    total = state.get("total", 0)
    return [name for number, name in enumerate(targets) if (total + number) % 3] if total < CALM else []


@st.composite
def specs(draw: st.DrawFn) -> GraphSpec:
    names = [f"n{number}" for number in range(draw(st.integers(1, 6)))]
    draw(st.randoms(use_true_random=False)).shuffle(names)
    name = st.sampled_from(names)
    few = st.lists(name, max_size=2, unique=True)
    nodes = [
        NodeSpec(
            one, draw(st.integers(0, 7)) == 0, draw(st.integers(1, 5)), draw(few) if draw(st.booleans()) else [],
            draw(few) if draw(st.booleans()) else [], draw(st.integers(0, 5)) == 0, draw(st.booleans()), draw(st.booleans()),
        )
        for one in names
    ]  # fmt: skip
    pairs = st.tuples(name, st.sampled_from([*names, END]))
    forward = pairs.filter(lambda pair: pair[1] == END or names.index(pair[0]) < names.index(pair[1]))
    edges = draw(st.lists(forward if draw(st.integers(0, 7)) and len(names) > 1 else pairs, max_size=8, unique=True))
    edges += [(START, one) for one in draw(st.lists(name, min_size=1, max_size=3, unique=True))]
    joins = [
        (tuple(starts), end)
        for starts, end in draw(st.lists(st.tuples(st.lists(name, min_size=2, max_size=3, unique=True), name), max_size=2))
        if len(names) > 1
    ] if len(names) > 1 else []  # fmt: skip
    branches = draw(st.lists(st.tuples(name, st.lists(name, min_size=1, max_size=3, unique=True)), max_size=2))
    return GraphSpec(nodes, edges, list(dict.fromkeys(joins)), branches)


def interpret(spec: GraphSpec) -> Any:
    """The obvious way: sets of names, one thing after the other."""
    nodes = {node.name: node for node in spec.nodes}
    state: dict[str, Any] = {"log": [], "total": 0, "best": 0}
    due = {end for start, end in spec.edges if start == START}
    sends: list[tuple[str, int]] = []
    joined: dict[Any, set[str]] = {}
    waiting: set[str] = set()
    waiting |= {name for name in due if nodes[name].defer}
    due -= waiting
    if not due and waiting:
        due, waiting = waiting, set()
    for _ in range(LIMIT + 1):
        tasks: list[tuple[NodeSpec, Any]] = [(nodes[name], dict(state)) for name in sorted(due)]
        tasks += [(nodes[name], argument) for name, argument in sends]
        if not tasks:
            return state
        if _ == LIMIT:
            return "too many steps"
        due, sends, arrived = set(), [], []
        writers: list[str] = []
        results = []
        for node, given_state in tasks:
            writes, jumps, sent = behave(node, given_state)
            due.update(jumps)
            sends += [(name, level(given_state) + node.amount) for name in sent]
            after = dict(state)
            for key, value in writes.items():
                after[key] = value if key == "last" else max(after[key], value) if key == "best" else after[key] + value
            for source, targets in spec.branches:
                if source == node.name:
                    due.update(choose(targets, after))
            due.update(end for start, end in spec.edges if start == node.name and end != END)
            arrived += [join for join in spec.joins if node.name in join[0]]
            for join in arrived:
                if node.name in join[0]:
                    joined.setdefault(join, set()).add(node.name)
            results.append((node, writes))
        for node, writes in results:
            for key, value in writes.items():
                if key == "last":
                    writers.append(node.name)
                    state[key] = value
                else:
                    state[key] = max(state[key], value) if key == "best" else state[key] + value
        if len(writers) > 1:
            return "conflict"
        for join in list(joined):
            if joined[join] == set(join[0]):
                del joined[join]
                due.add(join[1])
        waiting |= {name for name in due if nodes[name].defer}
        due -= waiting
        if not due and not sends and waiting:
            due, waiting = waiting, set()
    raise AssertionError


def build(spec: GraphSpec, checkpointer: Any = None) -> Any:
    graph = StateGraph(State)
    for node in spec.nodes:

        def act(state: Any, node: NodeSpec = node) -> Any:
            writes, jumps, sends = behave(node, state)
            return Command(update=writes, goto=[*jumps, *(Send(name, level(state) + node.amount) for name in sends)])

        async def aact(state: Any, node: NodeSpec = node) -> Any:
            if node.suspends:
                await asyncio.sleep(0)
            writes, jumps, sends = behave(node, state)
            return Command(update=writes, goto=[*jumps, *(Send(name, level(state) + node.amount) for name in sends)])

        graph.add_node(node.name, aact if node.is_async else act, defer=node.defer)
    for start, end in spec.edges:
        graph.add_edge(start, end)
    for starts, end in spec.joins:
        graph.add_edge(list(starts), end)
    for source, targets in spec.branches:

        def path(state: Any, targets: list[str] = targets) -> list[str]:
            return choose(targets, state)

        graph.add_conditional_edges(source, path)
    return graph.compile(checkpointer)


def outcome(run: Any) -> Any:
    try:
        return run()
    except GraphRecursionError:
        return "too many steps"
    except InvalidUpdateError:
        return "conflict"


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(specs())
def test_the_engine_does_what_the_obvious_interpreter_does(spec: GraphSpec) -> None:
    expected = interpret(spec)
    graph = build(spec)
    assert outcome(lambda: graph.invoke({}, recursion_limit=LIMIT)) == expected
    assert outcome(lambda: asyncio.run(graph.ainvoke({}, recursion_limit=LIMIT, max_concurrency=2))) == expected


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(specs(), st.sampled_from(["sync", "async", "exit"]))
def test_stopping_after_every_superstep_and_going_on_comes_to_the_same(spec: GraphSpec, durability: str) -> None:
    expected = interpret(spec)
    graph = build(spec, MemorySaver())

    def by_steps() -> Any:
        result = graph.run({}, thread_id="t", durability=durability, interrupt_after="*")
        for _ in range(LIMIT):
            if result.status != "interrupted":
                break
            assert graph.get_state(thread_id="t").next
            result = graph.run(None, thread_id="t", durability=durability, interrupt_after="*")
        return result.unwrap() if result.status != "interrupted" else "too many steps"

    got = outcome(by_steps)
    if expected != "too many steps":
        assert got == expected
        if isinstance(expected, dict):
            stored = [one.values for one in graph.get_state_history(thread_id="t")]
            assert stored[0] == expected
            if durability == "sync":
                assert [len(values["log"]) for values in stored] == sorted(
                    (len(values["log"]) for values in stored), reverse=True
                )
