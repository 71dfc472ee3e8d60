"""Makes a StateGraph of a workflow that was read and checked.

A node that does work becomes one node of the graph. A map becomes three (``id``, ``id:each`` for the items,
``id:join``), a loop one at its head (``id``) and one at its end (``id:again``), a parallel node one that starts its
children and one that joins them (``id:join``).
"""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Callable, Hashable, Mapping
from typing import Annotated, Any, Final, TypedDict
from weakref import WeakKeyDictionary

from attrs import define

from victor.core.events import get_stream
from victor.graph.command import END, START, Overwrite, Send
from victor.graph.errors import GraphInterrupt
from victor.graph.graph import StateGraph
from victor.graph.runtime import RunnableConfig, current_task
from victor.graph.yaml.context import NodeContext, WorkflowRunError, call, load_function, parameters
from victor.graph.yaml.definition import END_NAMES, NodeDefinition, Scope, WorkflowDefinition
from victor.graph.yaml.edges import add_routes, exit_of, groups, interrupts, works_on_state
from victor.graph.yaml.policies import Values, cache_policy, guarded, names_used, retry_policies, timeout_of
from victor.graph.yaml.spec import Condition, Execution, Loop, Map, Parallel, Subworkflow, Top
from victor.graph.yaml.state import new_graph, read_class

__all__ = ["build_graph"]

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
                self.add(node.id, _step(node), node)
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
        self.add(node.id, _nothing)
        self.ask(node.id, _chooser(node), ends)

    def parallel(self, node: NodeDefinition, targets: list[str]) -> None:
        spec: Parallel = node.spec
        children = [node.scope.nodes[id] for id in spec.parallel_nodes]
        if spec.join_strategy != "all":
            self.add(node.id, _race(node, children, self.definition.execution), node)
            self.edges(node.id, targets)
            return
        join = f"{node.id}:join"
        self.add(node.id, _nothing)
        self.add(join, _nothing)
        for child in children:
            self.graph.add_edge(node.id, child.id)
        self.graph.add_edge([f"{c.id}:join" if isinstance(c.spec, Map) else c.id for c in children], join)
        self.edges(join, targets)

    def map(self, node: NodeDefinition, targets: list[str]) -> None:
        each, join, results = f"{node.id}:each", f"{node.id}:join", node.id + _RESULTS
        wanted = names_used(node)

        def items(values: Values) -> list[Any]:
            found = node.compiled["over"].evaluate(values)
            if isinstance(found, (str, bytes, Mapping)) or not hasattr(found, "__iter__"):
                raise WorkflowRunError(
                    f"node {node.id!r}: 'over' must give a list, not {type(found).__name__} {found!r:.60}"
                )
            return list(found)

        async def begin(values: dict[str, Any]) -> dict[str, Any]:
            stream = get_stream()
            if stream.active:
                namespace = current_task().run.namespace
                stream.emit("workflow.map", node.id, {"items": len(items(values)), "namespace": namespace})
            return {results: Overwrite([])}

        def send(values: dict[str, Any]) -> list[Send] | str:
            shared = {name: values[name] for name in wanted if name in values}
            found = items(values)
            return [Send(each, {**shared, node.spec.as_: item, "index": i}) for i, item in enumerate(found)] or join

        async def collect(values: dict[str, Any]) -> dict[str, Any]:
            done = sorted(values.get(results, []), key=lambda result: result[0])
            update: dict[str, Any] = {
                node.output: [value for _, value, error in done if error is None],
                results: Overwrite([]),
            }
            if node.spec.errors:
                found = items(values)
                update[node.spec.errors] = [
                    {"index": index, "item": found[index], "error": error}
                    for index, _, error in done
                    if error is not None
                ]
            return update

        self.add(node.id, begin)
        self.graph.add_node(
            each,
            _each(node, results, self.definition.execution),
            cache_policy=cache_policy(node),
            metadata={"title": node.title, "type": node.common.type, "node": node.id},
        )
        self.add(join, collect)
        self.ask(node.id, send, [each, join])
        self.graph.add_edge(each, join)
        self.edges(join, targets)

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
            self.add(done, _nothing)
            self.edges(done, targets)
        self.ask(node.id, way, {"round": first, "done": done})
        self.ask(again, way, {"round": first, "done": done})


def _own_keys(node: NodeDefinition) -> dict[str, Any]:
    """Keys of the state a node needs for itself."""
    if isinstance(node.spec, Map):
        return {node.id + _RESULTS: Annotated[list, operator.add]}
    return {f"{node.id}:going": Any} if isinstance(node.spec, Loop) else {}


async def _nothing(values: dict[str, Any]) -> dict[str, Any]:
    return {}


def _chooser(node: NodeDefinition) -> Callable[[dict[str, Any]], Any]:
    compiled = node.compiled.get("condition")
    branches = node.spec.branches

    def pick(answer: Any) -> str:
        word = str(answer).lower() if isinstance(answer, bool) else str(answer)
        if word in branches:
            return word
        truth = "true" if answer else "false"
        if truth in branches and "default" not in branches:
            return truth
        if "default" in branches:
            return "default"
        raise WorkflowRunError(
            f"node {node.id!r}: the condition gave {answer!r}, and there is no branch for that; "
            f"branches: {', '.join(branches)}; add default"
        )

    if compiled is not None:
        return lambda values: pick(compiled.evaluate(values))
    context = node.context
    if context is None:
        raise WorkflowRunError(f"node {node.id!r} was not checked")
    function = load_function(str(node.spec.condition), context)

    async def ask(values: dict[str, Any]) -> str:
        wanted = parameters(function)
        known = {name: values[name] for name in wanted if name in values}
        if not known and len(wanted) == 1:
            known = {next(iter(wanted)): dict(values)}
        return pick(await call(function, known))

    return ask


def _step(node: NodeDefinition) -> Callable[[dict[str, Any]], Any]:
    """The function of a node that does work."""
    if works_on_state(node) and isinstance(node.spec, Subworkflow) and node.target is not None:
        return build_graph(node.target).compile(name=node.target.name, **interrupts(node.target))  # type: ignore[return-value]
    if works_on_state(node) and node.context is not None:
        return load_function(node.spec.handler, node.context)
    work = _work(node)
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


def _work(node: NodeDefinition) -> Callable[[Values], Any]:
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
    from victor.graph.yaml.inputs import read_inputs, read_outputs

    compiled: list[Any] = []

    async def work(values: Values) -> Any:
        if not compiled:  # at first use: a workflow may run itself
            compiled.append(build_graph(target).compile(**interrupts(target)))
        given = node.inputs.evaluate(values) if node.inputs is not None else {}
        bounds: RunnableConfig = {}
        if target.execution.max_iterations is not None:
            bounds["recursion_limit"] = target.execution.max_iterations
        try:
            async with asyncio.timeout(target.execution.timeout) as deadline:
                state = await compiled[0].ainvoke(read_inputs(target, given), bounds)
        except TimeoutError as error:
            if not deadline.expired():
                raise
            limit = f"{target.execution.timeout:g} s"
            raise WorkflowRunError(
                f"node {node.id!r}: workflow {target.name!r} did not finish within {limit}"
            ) from error
        return read_outputs(target, state)

    return work


def _each(node: NodeDefinition, results: str, execution: Execution) -> Callable[[dict[str, Any]], Any]:
    """Runs the body of a map for one item; at most ``max_concurrency`` at once in this process.

    A timeout counts from when the item's turn has come, and a failing item is tried again before it is skipped.
    """
    body = node.body
    if body is None or not body.nodes:
        raise WorkflowRunError(f"node {node.id!r} has no body")
    last = list(body.nodes.values())[-1]
    alone = (
        len(body.nodes) == 1 and not isinstance(last.spec, (Map, Loop, Condition, Parallel)) and not last.common.cache
    )
    work = guarded(_work(last), last, execution) if alone else _chain(node, body, last, execution)
    tried = guarded(work, node, None)
    room: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()

    async def each(values: dict[str, Any]) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        if loop not in room:
            room[loop] = asyncio.Semaphore(node.spec.max_concurrency)
        async with room[loop]:
            if node.spec.on_error == "fail":
                return {results: [(values["index"], await tried(values), None)]}
            try:
                return {results: [(values["index"], await tried(values), None)]}
            except GraphInterrupt:
                raise
            except Exception as error:  # noqa: BLE001 - the file says to go on; the failure is kept and counted
                return {results: [(values["index"], None, f"{type(error).__name__}: {error}")]}

    return each


def _chain(node: NodeDefinition, body: Scope, last: NodeDefinition, execution: Execution) -> Callable[[Values], Any]:
    """The body of a map as a graph of its own."""
    keys: dict[str, Any] = dict.fromkeys([*names_used(node), node.spec.as_, "index"], Any)
    for inner in body.every():
        keys.update(dict.fromkeys(inner.writes, Any))
        keys.update(_own_keys(inner))
    graph: StateGraph[Any] = StateGraph(TypedDict("Item", keys, total=False), name=f"{node.id}:body")  # type: ignore[operator]
    definition = WorkflowDefinition(f"{node.id}:body", Top([]), node.source, node.path, scope=body, execution=execution)
    _Builder(graph, definition).scope(body, after=END)
    graph.add_edge(START, body.start)
    compiled = graph.compile()

    async def work(values: Values) -> Any:
        state = await compiled.ainvoke(dict(values))
        return state.get(last.output)

    return work


def _race(
    node: NodeDefinition, children: list[NodeDefinition], execution: Execution
) -> Callable[[dict[str, Any]], Any]:
    """Runs children side by side until one is done (``first``) or succeeds (``any``); cancels the others."""
    steps = {child.id: guarded(_step(child), child, execution) for child in children}
    wait_for_success = node.spec.join_strategy == "any"

    async def race(values: dict[str, Any]) -> dict[str, Any]:
        tasks = {asyncio.create_task(step(values)): id for id, step in steps.items()}
        failures: list[str] = []
        try:
            pending = set(tasks)
            while pending:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in sorted(done, key=lambda task: list(steps).index(tasks[task])):
                    error = task.exception()
                    if error is None or not wait_for_success:
                        update: dict[str, Any] = task.result()
                        return update
                    failures.append(f"{tasks[task]}: {type(error).__name__}: {error}")
            raise WorkflowRunError(f"node {node.id!r}: every one of its nodes failed: " + "; ".join(failures))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    return race
