"""Makes a StateGraph of a workflow that was read and checked.

A node that does work becomes one node of the graph. A map becomes three (``id``, ``id:each`` for the items,
``id:join``), a loop one at its head (``id``) and one at its end (``id:again``), a parallel node one that starts its
children and one that joins them (``id:join``).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final

from attrs import define

from victor.graph.command import END, START
from victor.graph.graph import StateGraph
from victor.graph.yaml.choices import apply, branch_of, named_condition, pass_on
from victor.graph.yaml.context import NodeContext, WorkflowRunError, load_function
from victor.graph.yaml.definition import END_NAMES, NodeDefinition, Scope, WorkflowDefinition
from victor.graph.yaml.edges import add_routes, exit_of, groups, interrupts, works_on_state
from victor.graph.yaml.inside import run_inside
from victor.graph.yaml.maps import Each
from victor.graph.yaml.policies import Values, cache_policy, guarded_node, names_used, retry_policies, timeout_of
from victor.graph.yaml.races import Race
from victor.graph.yaml.spec import Condition, Execution, Loop, Map, Parallel, Subworkflow, Top
from victor.graph.yaml.state import new_graph, read_class, typed_dict

if TYPE_CHECKING:
    from victor.graph.compiled import CompiledGraph

__all__ = ["build_graph", "step_of", "work_of"]

_RESULTS: Final = ":results"


def build_graph(definition: WorkflowDefinition) -> StateGraph[Any]:
    """The graph of a workflow.

    Its state has a key for each input and each output, and a few of its own with a colon in their names.
    """
    keys: dict[str, Any] = dict.fromkeys(definition.names, Any)
    for node in definition.scope.every():
        keys.update(_own_keys(node))
    graph, view = new_graph(definition.state, keys, definition.name)
    builder = _Builder(graph, definition, view)
    builder.scope(definition.scope, after=END)
    builder.edges(START, definition.starts)
    nodes = definition.scope.nodes
    for node in nodes.values():
        for group in groups(node.common.after):
            graph.add_edge([exit_of(nodes[id]) for id in group], node.id)
    add_routes(graph, START, definition.top.start_routes, definition.context, {})
    return graph


@define(eq=False)
class _Builder:
    graph: StateGraph[Any]
    definition: WorkflowDefinition
    view: Any = None  # the class that nodes of the file get, where that is not the state's

    def scope(self, scope: Scope, after: str) -> None:
        """Add a list of nodes; what ends the list goes on to ``after``."""
        children = {
            id for node in scope.nodes.values() if isinstance(node.spec, Parallel) for id in node.spec.parallel_nodes
        }
        for node in scope.nodes.values():
            targets = [after] if not node.follows else node.follows
            if isinstance(node.spec, Condition):
                self.condition(node, after)
            elif isinstance(node.spec, Parallel):
                self.parallel(node, targets)
            elif isinstance(node.spec, Map):
                self.map(node, [] if node.id in children else targets)
            elif isinstance(node.spec, Loop):
                self.loop(node, targets)
            elif node.id not in children or self._waits_for_all(node):
                self.add(node.id, step_of(node), node)
                if node.id not in children:
                    self.edges(node.id, targets)
                if node.common.routes and node.context is not None:
                    add_routes(self.graph, node.id, node.common.routes, node.context, {})

    def _waits_for_all(self, child: NodeDefinition) -> bool:
        return any(
            isinstance(node.spec, Parallel)
            and child.id in node.spec.parallel_nodes
            and node.spec.join_strategy == "all"
            for node in child.scope.nodes.values()
        )

    def edges(self, source: str, targets: list[str]) -> None:
        for target in targets:
            self.graph.add_edge(source, target)

    def add(self, name: str, function: Any, node: NodeDefinition | None = None) -> None:
        """Add a node, with what the file says of retries, timeouts and caching."""
        if node is None:
            self.graph.add_node(name, function, input_schema=self.view)
            return
        common, execution = node.common, self.definition.execution
        view, handler = self.view, None
        if works_on_state(node):
            view = None
            if node.spec.takes != "state" and node.context is not None:
                view = read_class(node.spec.takes, node.context.folder)
        if common.error_handler is not None and node.context is not None:
            handler = load_function(common.error_handler, node.context)
        self.graph.add_node(
            name,
            function,
            defer=common.defer,
            input_schema=view,
            retry_policy=retry_policies(node, execution) or None,
            timeout=timeout_of(node, execution),
            cache_policy=cache_policy(node),
            error_handler=handler,
            destinations=common.destinations,
            metadata={**common.metadata, "title": node.title, "type": common.type, "node": node.id},
        )

    def ask(self, source: str, path: Callable[..., Any], ends: Mapping[Hashable, str] | list[str]) -> None:
        """Add a conditional edge whose function gets what nodes of the file get."""
        self.graph.add_conditional_edges(source, path, ends)
        self.graph.branches[-1].input_schema = self.view

    def condition(self, node: NodeDefinition, after: str) -> None:
        spec: Condition = node.spec
        ends: dict[Hashable, str] = {
            answer: after if target in END_NAMES else target for answer, target in spec.branches.items()
        }
        self.add(node.id, pass_on)
        self.ask(node.id, _chooser(node), ends)

    def parallel(self, node: NodeDefinition, targets: list[str]) -> None:
        spec: Parallel = node.spec
        children = [node.scope.nodes[id] for id in spec.parallel_nodes]
        if spec.join_strategy != "all":
            self.add(node.id, _race(node, children, self.definition.execution), node)
            self.edges(node.id, targets)
            return
        join = f"{node.id}:join"
        self.add(node.id, pass_on)
        self.add(join, pass_on)
        for child in children:
            self.graph.add_edge(node.id, child.id)
        self.graph.add_edge([f"{c.id}:join" if isinstance(c.spec, Map) else c.id for c in children], join)
        self.edges(join, targets)

    def map(self, node: NodeDefinition, targets: list[str]) -> None:
        each = Each(
            id=node.id,
            over=node.compiled["over"].evaluate,
            do=_item_work(node, self.definition.execution),
            item=node.spec.as_,
            uses=tuple(names_used(node)),
            output=node.output,
            results=node.id + _RESULTS,
            limit=node.spec.max_concurrency,
            on_error=node.spec.on_error,
            errors=node.spec.errors,
        )
        about = {"title": node.title, "type": node.common.type, "node": node.id}
        each.add_to(self.graph, self.view, cache_policy=cache_policy(node), metadata={**node.common.metadata, **about})
        self.edges(f"{node.id}:join", targets)

    def loop(self, node: NodeDefinition, targets: list[str]) -> None:
        spec: Loop = node.spec
        if node.body is None:
            return
        again, rounds, going = f"{node.id}:again", f"{node.id}_round", f"{node.id}:going"
        first = node.body.start
        until, while_ = node.compiled.get("until"), node.compiled.get("while")

        async def begin(values: dict[str, Any]) -> dict[str, Any]:
            return {rounds: 1, going: True}

        async def judge(values: dict[str, Any]) -> dict[str, Any]:
            if until is not None and until.evaluate(values):
                return {going: False}
            if values[rounds] >= spec.max_iterations:
                if spec.on_limit == "fail":
                    raise WorkflowRunError(
                        f"node {node.id!r}: the loop was not done after {spec.max_iterations} rounds"
                    )
                return {going: False}
            return {rounds: values[rounds] + 1, going: True}

        def way(values: dict[str, Any]) -> str:
            return "round" if values[going] and (while_ is None or while_.evaluate(values)) else "done"

        self.add(node.id, begin)
        self.add(again, judge)
        self.scope(node.body, after=again)
        done = targets[0] if len(targets) == 1 else f"{node.id}:done"
        if len(targets) > 1:
            self.add(done, pass_on)
            self.edges(done, targets)
        self.ask(node.id, way, {"round": first, "done": done})
        self.ask(again, way, {"round": first, "done": done})


def _own_keys(node: NodeDefinition) -> dict[str, Any]:
    """Keys of the state a node needs for itself."""
    if isinstance(node.spec, Map):
        return {node.id + _RESULTS: Annotated[list, operator.add]}
    return {f"{node.id}:going": Any} if isinstance(node.spec, Loop) else {}


def _chooser(node: NodeDefinition) -> Callable[[dict[str, Any]], Any]:
    compiled = node.compiled.get("condition")
    branches = node.spec.branches

    def pick(answer: Any) -> str:
        return branch_of(node.id, answer, branches)

    if compiled is not None:

        def choose(values: dict[str, Any]) -> str:
            with named_condition(node.id):
                return pick(compiled.evaluate(values))

        return choose
    context = node.context
    if context is None:
        raise WorkflowRunError(f"node {node.id!r} was not checked")
    function = load_function(str(node.spec.condition), context)

    async def ask(values: dict[str, Any]) -> str:
        with named_condition(node.id):
            return pick(await apply(function, values))

    return ask


def step_of(node: NodeDefinition) -> Callable[[dict[str, Any]], Any]:
    """The function of a node that does work."""
    if works_on_state(node) and isinstance(node.spec, Subworkflow) and node.target is not None:
        return build_graph(node.target).compile(name=node.target.name, **interrupts(node.target))  # type: ignore[return-value]
    if works_on_state(node) and node.context is not None:
        return load_function(node.spec.handler, node.context)
    work = work_of(node)
    writes = frozenset(node.writes)
    spreads = bool(getattr(node.spec, "writes", ()))

    async def step(values: dict[str, Any]) -> dict[str, Any]:
        result = await work(values)
        if spreads and isinstance(result, dict) and set(result) <= writes:
            if node.common.output is not None and node.output not in result:
                return {**result, node.output: result}
            return result
        return {node.output: result}

    return step


def work_of(node: NodeDefinition) -> Callable[[Values], Any]:
    """What a node works out, from the values it can see."""
    if isinstance(node.spec, Subworkflow):
        return _subworkflow(node)
    context = node.context
    if context is None:
        raise WorkflowRunError(f"node {node.id!r} was not checked")
    inputs, compiled, spec = node.inputs, node.compiled, node.spec

    async def work(values: Values) -> Any:
        given = inputs.evaluate(values) if inputs is not None else {}
        return await spec.run(NodeContext(node.id, values, given, context, compiled))

    return work


def _subworkflow(node: NodeDefinition) -> Callable[[Values], Any]:
    target = node.target
    if target is None:
        raise WorkflowRunError(f"node {node.id!r} was not checked")
    compiled: list[CompiledGraph] = []

    async def work(values: Values) -> Any:
        if not compiled:  # at first use: a workflow may run itself
            compiled.append(build_graph(target).compile(**interrupts(target)))
        given = node.inputs.evaluate(values) if node.inputs is not None else {}
        return await run_inside(target, compiled[0], given)

    return work


def _item_work(node: NodeDefinition, execution: Execution) -> Callable[[Values], Any]:
    """What a map does for one item; a failing item is tried again before it is skipped."""
    body = node.body
    if body is None or not body.nodes:
        raise WorkflowRunError(f"node {node.id!r} has no body")
    last = list(body.nodes.values())[-1]
    alone = (
        len(body.nodes) == 1 and not isinstance(last.spec, (Map, Loop, Condition, Parallel)) and not last.common.cache
    )
    work = guarded_node(work_of(last), last, execution) if alone else _chain(node, body, last, execution)
    return guarded_node(work, node, None)


def _chain(node: NodeDefinition, body: Scope, last: NodeDefinition, execution: Execution) -> Callable[[Values], Any]:
    """The body of a map as a graph of its own."""
    keys: dict[str, Any] = dict.fromkeys([*names_used(node), node.spec.as_, "index"], Any)
    for inner in body.every():
        keys.update(dict.fromkeys(inner.writes, Any))
        keys.update(_own_keys(inner))
    graph: StateGraph[Any] = StateGraph(typed_dict("Item", keys), name=f"{node.id}:body")
    definition = WorkflowDefinition(f"{node.id}:body", Top([]), node.source, node.path, scope=body, execution=execution)
    _Builder(graph, definition).scope(body, after=END)
    graph.add_edge(START, body.start)
    compiled = graph.compile()

    async def work(values: Values) -> Any:
        state = await compiled.ainvoke(dict(values))
        return state.get(last.output)

    return work


def _race(node: NodeDefinition, children: list[NodeDefinition], execution: Execution) -> Race:
    """Runs children side by side until one is done (``first``) or succeeds (``any``); cancels the others."""
    runners = {child.id: guarded_node(step_of(child), child, execution) for child in children}
    return Race(node.id, runners, node.spec.join_strategy)
