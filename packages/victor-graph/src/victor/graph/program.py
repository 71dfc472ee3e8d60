"""From a graph to a program: everything checked and looked up once, so that running it looks nothing up.

Nodes become numbers in the order of their names, which is the order in which their updates are applied.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import define, frozen

from victor.graph.channels import MISSING, Channel
from victor.graph.command import END, START
from victor.graph.errors import GraphValidationError
from victor.graph.isolate import CONSTANT
from victor.graph.node import Branch, Node, Signature, read_signature
from victor.graph.schema import ROOT, Schema

if TYPE_CHECKING:
    from victor.graph.cache import CachePolicy
    from victor.graph.compiled import CompiledGraph
    from victor.graph.graph import StateGraph
    from victor.graph.retry import RetryPolicy, TimeoutPolicy

__all__ = ["Join", "Path", "Plan", "Program", "View", "build_program", "near"]


@define(eq=False)
class View:
    """How a state is handed to a function: which keys, filled in by the engine or not, and as which class.

    Args:
        build: Makes the object of its class from the values; None for a plain mapping.
        managed: Keys that the engine fills in, with what it fills in.
        root: Whether the state is one value without keys.
    """

    keys: tuple[str, ...] | None
    """None: all there are."""
    build: Callable[[dict[str, Any]], Any] | None
    managed: dict[str, str]
    root: bool


@define(eq=False)
class Path:
    """A conditional edge, ready to be asked.

    Args:
        name: Of the edge.
        function: What decides.
        wants: Which arguments besides the state it takes.
        is_async: Whether it is to be awaited.
        ends: Answer -> node; None where it answers with nodes.
        view: What it sees of the state.
    """

    name: str
    function: Callable[..., Any]
    wants: tuple[str, ...]
    is_async: bool
    ends: Mapping[Any, str] | None
    view: View


@frozen
class Join:
    """An edge that waits for several nodes.

    Args:
        starts: The nodes that are waited for, as numbers.
        end: The node that follows.
    """

    starts: frozenset[int]
    end: int


@define(eq=False)
class Plan:
    """A node, ready to be run.

    ``plain`` is True when nothing needs care: no retry, timeout, cache or error handler.

    Args:
        name: Of the node.
        rank: Its number.
        call: Its function.
        wants: Which arguments besides the state it takes.
        is_async: Whether it is to be awaited.
        view: What it sees of the state.
        successors: Nodes that follow, as numbers.
        joins: Joins it is waited for in, as numbers.
        paths: Its conditional edges.
        straight: Whether nothing but plain edges leads on from it.
        defer: Whether it runs when nothing else is left to run.
        handler_wants, handler_is_async: The same of its error handler.
        subgraph: The graph that it is, where it is one.
    """

    name: str
    rank: int
    call: Callable[..., Any]
    wants: tuple[str, ...]
    is_async: bool
    view: View
    successors: tuple[int, ...]
    joins: tuple[int, ...]
    paths: tuple[Path, ...]
    straight: bool
    plain: bool
    defer: bool
    retry: tuple[RetryPolicy, ...]
    timeout: TimeoutPolicy | None
    cache: CachePolicy | None
    error_handler: Callable[..., Any] | None
    handler_wants: tuple[str, ...]
    handler_is_async: bool
    subgraph: CompiledGraph | None


@define(eq=False)
class Program:
    """A checked graph in the form the engine runs.

    Args:
        name: Of the graph.
        plans: Its nodes, by number.
        ranks: Their numbers, by name.
        channels: The keys of its state.
        initial: Values that keys have before anything is written.
        initial_open: Those of them that can be changed in place, so that each run needs its own.
        joins: Edges that wait for several nodes.
        start: What runs first.
        input_keys, output_keys, stream_keys: Keys that go in, come out and are streamed; None for all.
        input_is_root, output_is_root: Whether they are one value without keys.
        interrupt_before, interrupt_after: Nodes at which a run stops, as numbers.
        has_deferred, has_cached: Whether a node is deferred, or cached.
    """

    name: str
    plans: tuple[Plan, ...]
    ranks: dict[str, int]
    channels: dict[str, Channel]
    initial: dict[str, Any]
    initial_open: frozenset[str]
    joins: tuple[Join, ...]
    start: Plan
    input_keys: frozenset[str]
    output_keys: tuple[str, ...]
    stream_keys: tuple[str, ...] | None
    input_is_root: bool
    output_is_root: bool
    interrupt_before: frozenset[int]
    interrupt_after: frozenset[int]
    has_deferred: bool
    has_cached: bool
    needs_loop: bool
    """True when something in it is async, so that a loop must run."""


def near(name: str, known: Iterable[str]) -> str:
    """``"; did you mean 'x'?"`` where something like ``name`` is known, else what there is."""
    names = list(known)
    close = difflib.get_close_matches(str(name), names, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    return "; there are: " + ", ".join(map(repr, names[:12])) + (", ..." if len(names) > 12 else "") if names else ""


def build_program(
    graph: StateGraph[Any],
    *,
    interrupt_before: str | Sequence[str] | None,
    interrupt_after: str | Sequence[str] | None,
    name: str,
) -> Program:
    """Checks a graph and flattens it.

    Raises:
        GraphValidationError: With every problem found.
    """
    from victor.graph.check import find_problems

    channels: dict[str, Channel] = {}
    problems: list[str] = []
    for schema in graph.schemas.values():
        _merge(channels, schema, problems)
    signatures = {node.name: _signature(node) for node in graph.nodes.values()}
    handlers = {n.name: read_signature(n.error_handler) for n in graph.nodes.values() if n.error_handler is not None}
    problems += [f"node {name!r}: {signature.problem}" for name, signature in signatures.items() if signature.problem]
    problems += [f"error handler of node {name!r}: {one.problem}" for name, one in handlers.items() if one.problem]
    problems += find_problems(graph, channels)
    for given in (interrupt_before, interrupt_after):
        if given is not None and given != "*":
            for one in [given] if isinstance(given, str) else given:
                if one not in graph.nodes:
                    problems.append(f"cannot interrupt at {one!r}, which is no node{near(one, graph.nodes)}")
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in dict.fromkeys(problems))
        raise GraphValidationError(f"the graph cannot be compiled:\n{lines}", problems=tuple(dict.fromkeys(problems)))

    names = sorted(graph.nodes)
    ranks = {one: rank for rank, one in enumerate(names)}
    views = {key: _view(schema, channels) for key, schema in graph.schemas.items()}
    main = views[graph.state_schema]
    joins = tuple(Join(frozenset(ranks[s] for s in starts), ranks[end]) for starts, end in graph.joins if end != END)
    successors: dict[str, list[int]] = {one: [] for one in (START, *names)}
    for edge_start, edge_end in graph._plain:
        if edge_end != END:
            successors[edge_start].append(ranks[edge_end])
    waiting: dict[int, list[int]] = {}
    for number, join in enumerate(joins):
        for rank in join.starts:
            waiting.setdefault(rank, []).append(number)
    paths: dict[str, list[Path]] = {}
    for branch in graph.branches:
        paths.setdefault(branch.source, []).append(_path(branch, views, main))
    plans = tuple(
        _plan(
            graph.nodes[one], rank, signatures[one], handlers.get(one),
            views.get(graph.nodes[one].input_schema, main) if graph.nodes[one].input_schema is not None else main,
            tuple(sorted(set(successors[one]))), tuple(waiting.get(rank, ())), tuple(paths.get(one, ())),
        )
        for one, rank in ranks.items()
    )  # fmt: skip
    start = _plan(
        Node(START, _nothing), -1, Signature((), False), None, main,
        tuple(sorted(set(successors[START]))), (), tuple(paths.get(START, ())),
    )  # fmt: skip
    initial = {one: value for one, channel in channels.items() if (value := channel.initial()) is not MISSING}
    inputs, outputs = graph.schemas[graph.input_schema], graph.schemas[graph.output_schema]
    return Program(
        name=name,
        plans=plans,
        ranks=ranks,
        channels=channels,
        initial=initial,
        initial_open=frozenset(one for one, value in initial.items() if type(value) not in CONSTANT),
        joins=joins,
        start=start,
        input_keys=frozenset(inputs.channels),
        output_keys=tuple(outputs.channels),
        stream_keys=None if ROOT in channels else tuple(channels),
        input_is_root=inputs.is_root,
        output_is_root=outputs.is_root,
        interrupt_before=_ranks(interrupt_before, ranks),
        interrupt_after=_ranks(interrupt_after, ranks),
        has_deferred=any(plan.defer for plan in plans),
        has_cached=any(plan.cache is not None for plan in plans),
        needs_loop=any(
            plan.is_async or plan.handler_is_async or any(path.is_async for path in plan.paths)
            for plan in (start, *plans)
        ),
    )


def _nothing(state: Any) -> None:
    return None


def _merge(channels: dict[str, Channel], schema: Schema, problems: list[str]) -> None:
    for name, channel in schema.channels.items():
        known = channels.get(name)
        if known is None or (known.reducer is None and channel.reducer is not None):
            channels[name] = channel
        elif channel.reducer is not None and channel.reducer is not known.reducer:
            problems.append(
                f"key {name!r} has two reducers; {schema.name} declares another than the class read before it"
            )


def _signature(node: Node) -> Signature:
    action = node.action
    if node.subgraph is not None:
        return Signature((), node.subgraph.program.needs_loop)
    if callable(action):
        return read_signature(action)
    if hasattr(action, "ainvoke"):
        return Signature((), True)
    if hasattr(action, "invoke"):
        return Signature((), False)
    return Signature((), False, f"{action!r} cannot be called")


def _callable(node: Node) -> Callable[..., Any]:
    action = node.action
    if node.subgraph is not None:
        return _nothing
    call: Callable[..., Any] = action if callable(action) else getattr(action, "ainvoke", None) or action.invoke
    return call


def _view(schema: Schema, channels: Mapping[str, Channel]) -> View:
    keys = None if len(schema.channels) == len(channels) else tuple(schema.channels)
    return View(keys, schema.build, schema.managed, schema.is_root)


def _path(branch: Branch, views: Mapping[Any, View], main: View) -> Path:
    signature = read_signature(branch.path)
    view = main if branch.input_schema is None else views[branch.input_schema]
    return Path(branch.name, branch.path, signature.wants, signature.is_async, branch.ends, view)


def _plan(
    node: Node, rank: int, signature: Signature, handler: Signature | None, view: View,
    successors: tuple[int, ...], joins: tuple[int, ...], paths: tuple[Path, ...],
) -> Plan:  # fmt: skip
    return Plan(
        name=node.name,
        rank=rank,
        call=_callable(node),
        wants=signature.wants,
        is_async=signature.is_async,
        view=view,
        successors=successors,
        joins=joins,
        paths=paths,
        straight=not joins and not paths,
        plain=not node.retry
        and node.timeout is None
        and node.cache is None
        and node.error_handler is None
        and node.subgraph is None,
        defer=node.defer,
        retry=node.retry,
        timeout=node.timeout,
        cache=node.cache,
        error_handler=node.error_handler,
        handler_wants=handler.wants if handler else (),
        handler_is_async=bool(handler and handler.is_async),
        subgraph=node.subgraph,
    )


def _ranks(given: str | Sequence[str] | None, ranks: Mapping[str, int]) -> frozenset[int]:
    if given is None:
        return frozenset()
    if given == "*":
        return frozenset(ranks.values())
    return frozenset(ranks[one] for one in ([given] if isinstance(given, str) else given))
