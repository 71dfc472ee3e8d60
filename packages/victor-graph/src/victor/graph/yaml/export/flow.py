"""Nodes that shape the flow: conditions, parallel nodes, races, maps, loops; and edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from victor.graph.yaml.context import load_function
from victor.graph.yaml.definition import END_NAMES, NodeDefinition, Scope
from victor.graph.yaml.edges import exit_of, groups, works_on_state
from victor.graph.yaml.export.expressions import Speaker
from victor.graph.yaml.export.kinds import type_text, with_loop_bodies
from victor.graph.yaml.export.layout import Code, Group, call, literal, quoted, render
from victor.graph.yaml.export.options import errors_matter
from victor.graph.yaml.export.place import Place
from victor.graph.yaml.export.work import WorkWriter, docstring_of, remark_on
from victor.graph.yaml.policies import names_used
from victor.graph.yaml.spec import Condition, Loop, Map, Parallel, Route

__all__ = ["FlowWriter"]


class FlowWriter(WorkWriter):
    """Writes lists of nodes and what leads from one to the other."""

    def scope(self, scope: Scope, place: Place, after: str) -> None:
        """Write a list of nodes; what ends the list goes on to ``after``, an expression."""
        children: dict[str, NodeDefinition] = {}
        for node in scope.nodes.values():
            if isinstance(node.spec, Parallel):
                children.update(dict.fromkeys(node.spec.parallel_nodes, node))
        for node in scope.nodes.values():
            targets = [quoted(one) for one in node.follows] or [after]
            parallel = children.get(node.id)
            racing = parallel is not None and parallel.spec.join_strategy != "all"
            if isinstance(node.spec, Condition):
                self.condition(node, place, after)
            elif isinstance(node.spec, Parallel):
                self.parallel(node, place, targets)
            elif isinstance(node.spec, Map):
                self.map(node, place, [] if parallel is not None else targets)
            elif isinstance(node.spec, Loop):
                self.loop(node, place, targets)
            elif not racing:
                self.work(node, place)
                if parallel is None:
                    self.edges(quoted(node.id), targets, place)
                for route in node.common.routes:
                    self.route(quoted(node.id), route, node.context, place)
            for group in groups(node.common.after):
                ends = literal([exit_of(scope.nodes[one]) for one in group])
                place.lines.append(f"{place.graph}.add_edge({render(ends)}, {quoted(node.id)})")
        for node in scope.nodes.values():  # a race needs its runners
            if isinstance(node.spec, Parallel) and node.spec.join_strategy != "all":
                self.race(node, place, [quoted(one) for one in node.follows] or [after])

    def edges(self, source: str, targets: list[str], place: Place) -> None:
        """Write edges from a node to several."""
        for target in targets:
            if target == "END":
                self.module.graph("END")
            place.lines.append(f"{place.graph}.add_edge({source}, {target})")

    def add(self, name: str, function: str, place: Place, **options: Code | None) -> None:
        """Write the line that adds a node."""
        made = call(f"{place.graph}.add_node", quoted(name), function, **options)
        place.lines.append(render(made))

    def work(self, node: NodeDefinition, place: Place) -> None:
        """Write a node that does work, and add it."""
        function = self.function(node, place)
        common, context = node.common, node.context
        handler = schema = None
        if common.error_handler is not None and context is not None:
            handler = self.module.load(common.error_handler, context, f"node {node.id!r}")
        if works_on_state(node) and node.spec.takes != "state" and context is not None:
            schema = self.module.load(node.spec.takes, context, f"node {node.id!r}")
        metadata = {**common.metadata, **({"title": common.name} if common.name else {})}
        self.add(
            node.id,
            function,
            place,
            defer="True" if common.defer else None,
            input_schema=schema,
            retry_policy=self.retry(node),
            timeout=self.timeout(node),
            cache_policy=self.cache(node, place),
            error_handler=handler,
            destinations=None if common.destinations is None else literal(common.destinations),
            metadata=literal(metadata) if metadata else None,
        )

    def condition(self, node: NodeDefinition, place: Place, after: str) -> None:
        """Write a condition: a node that changes nothing, and the function that says where it leads."""
        spec: Condition = node.spec
        ends = {answer: after if target in END_NAMES else quoted(target) for answer, target in spec.branches.items()}
        name = self.module.name(f"{self.functions[id(node)]}_way")
        is_async, code = self.answer(node, spec, place, ends)
        listed = list(dict.fromkeys(ends.values()))
        if "END" in listed:
            self.module.graph("END")
        head = f"{'async ' if is_async else ''}def {name}(state: {place.private or place.state}) -> str:\n"
        self.module.blocks.append(f"{head}{docstring_of(node)}    return {render(code, 4, 11)}")
        self.add(node.id, self.module.yaml("pass_on"), place)
        place.lines.append(f"{place.graph}.add_conditional_edges({quoted(node.id)}, {name}, [{', '.join(listed)}])")

    def answer(self, node: NodeDefinition, spec: Condition, place: Place, ends: Mapping[str, str]) -> tuple[bool, Code]:
        """The expression that says where a condition leads to."""
        speaker = Speaker(place.names, exact=errors_matter(node, self.definition))
        branches = Group("{", tuple((f"{quoted(answer)}: ", end) for answer, end in ends.items()), "}")
        choose = self.module.yaml
        if "condition" not in node.compiled and node.context is not None:
            name = self.module.load(str(spec.condition), node.context, f"node {node.id!r}")
            is_async, answer, _ = self.applied(load_function(str(spec.condition), node.context), name, place)
            return is_async, call(choose("choose"), quoted(node.id), answer, branches)
        said = speaker.condition(spec.condition)
        if said is not None and said.kind is bool and {"true", "false"} <= set(ends):
            if ends["true"] == ends["false"]:
                return False, ends["true"]
            return False, f"{ends['true']} if {said.at(2)} else {ends['false']}"
        answer = (
            call(f"{self.steps(node, place)}.test", literal(spec.condition), "state") if said is None else said.source
        )
        return False, call(choose("choose"), quoted(node.id), answer, branches)

    def route(self, source: str, route: Route, context: Any, place: Place) -> None:
        """Write a conditional edge by a function of the program."""
        function = self.module.load(route.function, context, f"the route from {source}")
        made: list[tuple[str, Code]] = []
        if isinstance(route.to, list):
            ends = [self.end(one) for one in route.to]
            place.lines.append(f"{place.graph}.add_conditional_edges({source}, {function}, [{', '.join(ends)}])")
            return
        for one, other in (("true", "1"), ("false", "0")):
            if {one, other} <= set(route.to or ()):
                self.module.problems.append(
                    f"the route from {source}: the answers {one} and {other} are the same in Python; "
                    "name them otherwise"
                )
        for answer, target in (route.to or {}).items():
            made += [(f"{key}: ", self.end(target)) for key in _answers(answer)]
        mapping = [Group("{", tuple(made), "}")] if route.to is not None else []
        place.lines.append(render(call(f"{place.graph}.add_conditional_edges", source, function, *mapping)))

    def end(self, target: str) -> str:
        """The expression for the target of an edge."""
        return self.module.graph("END") if target in END_NAMES else quoted(target)

    def parallel(self, node: NodeDefinition, place: Place, targets: list[str]) -> None:
        """Write where nodes side by side part and meet."""
        if node.spec.join_strategy != "all":
            return
        join = f"{node.id}:join"
        nothing = self.module.yaml("pass_on")
        self.add(node.id, nothing, place)
        self.add(join, nothing, place)
        children = [node.scope.nodes[one] for one in node.spec.parallel_nodes]
        for child in children:
            place.lines.append(f"{place.graph}.add_edge({quoted(node.id)}, {quoted(child.id)})")
        ends = literal([exit_of(child) for child in children])
        place.lines.append(f"{place.graph}.add_edge({render(ends)}, {quoted(join)})")
        self.edges(quoted(join), targets, place)

    def race(self, node: NodeDefinition, place: Place, targets: list[str]) -> None:
        """Write nodes of which one wins."""
        children = [node.scope.nodes[one] for one in node.spec.parallel_nodes]
        runners = [(f"{quoted(c.id)}: ", self.guarded(self.function(c, place), c)) for c in children]
        name = self.functions[id(node)]
        made = call(
            f"{self.steps(node, place)}.race",
            quoted(node.id),
            Group("{", tuple(runners), "}"),
            strategy=quoted(node.spec.join_strategy),
        )
        self.module.blocks.append(remark_on(node) + f"{name} = {render(made, 0, len(name) + 3)}")
        self.add(
            node.id,
            name,
            place,
            retry_policy=self.retry(node),
            timeout=self.timeout(node),
            cache_policy=self.cache(node, place),
        )
        self.edges(quoted(node.id), targets, place)

    def map(self, node: NodeDefinition, place: Place, targets: list[str]) -> None:
        """Write a map and add it."""
        spec, name = node.spec, self.functions[id(node)]
        do = self.body(node, place)
        retry = self.retry(node, execution=False)
        made = call(
            f"{self.steps(node, place)}.map",
            quoted(node.id),
            literal(spec.over),
            do,
            item=None if spec.as_ == "item" else quoted(spec.as_),
            uses=literal(names_used(node)) if names_used(node) else None,
            output=None if node.output == node.id else quoted(node.output),
            results=quoted(place.keys[node.id]),
            limit=None if spec.max_concurrency == 8 else repr(spec.max_concurrency),
            on_error=None if spec.on_error == "fail" else quoted(spec.on_error),
            errors=None if spec.errors is None else quoted(spec.errors),
            retry=retry,
            timeout=self.timeout(node, execution=False),
        )
        self.module.blocks.append(remark_on(node) + f"{name} = {render(made, 0, len(name) + 3)}")
        title = {"title": node.common.name} if node.common.name else {}
        metadata = {**node.common.metadata, **title}
        schema = [place.private] if place.private else []
        cache = self.cache(node, place)
        added = call(
            f"{name}.add_to", place.graph, *schema, cache_policy=cache, metadata=literal(metadata) if metadata else None
        )
        place.lines.append(render(added))
        self.edges(quoted(f"{node.id}:join"), targets, place)

    def body(self, node: NodeDefinition, outer: Place) -> Code:
        """Write what a map does for one item; returns the expression of it."""
        body = node.body
        assert body is not None
        last = list(body.nodes.values())[-1]
        alone = len(body.nodes) == 1 and not last.common.cache
        alone = alone and not isinstance(last.spec, (Map, Loop, Condition, Parallel))
        base = self.functions[id(node)]
        kind = self.module.name("".join(part[:1].upper() + part[1:] for part in base.split("_")) + "Item")
        names = [*names_used(node), node.spec.as_, "index"]
        inner = [name for one in with_loop_bodies(body) for name in one.writes]
        every = list(dict.fromkeys([*names, *([] if alone else inner)]))
        place = Place(kind, "", "" if alone else self.module.name(f"{base}_graph"), {})
        place.names = self.item_kinds(node, body, outer, every)
        keys = [] if alone else self.private_keys(body, place, set(every))
        before, self.module.blocks = self.module.blocks, []
        self.item_class(kind, {name: type_text(place.names[name], self.module) for name in every}, keys)
        if alone:
            done = self.guarded(self.function(last, place, raw=True), last)
            place.graph = base
            self.module.blocks = before + self.with_steps(place)
            return done
        self.scope(body, place, "END")
        self.module.typing("Any")
        graph = self.module.graph("StateGraph")
        lines = [f"{place.graph} = {graph}({kind}, name={quoted(node.id + ':body')})", *self.lines(place, [body.start])]
        self.module.blocks.append("\n".join(lines))
        compiled, function = self.module.name(f"{base}_body"), self.module.name(f"{base}_item")
        self.module.blocks.append(f"{compiled} = {place.graph}.compile()")
        self.module.blocks.append(
            f"async def {function}(item: {kind}) -> Any:\n"
            f"    state = await {compiled}.ainvoke(item)\n"
            f"    return state.get({quoted(last.output)})"
        )
        self.module.blocks = before + self.with_steps(place)
        return function

    def loop(self, node: NodeDefinition, place: Place, targets: list[str]) -> None:
        """Write the functions of a loop, its body, and its edges."""
        spec, name = node.spec, self.functions[id(node)]
        assert node.body is not None
        going, rounds = quoted(place.keys[node.id]), quoted(f"{node.id}_round")
        again, way = self.module.name(f"{name}_again"), self.module.name(f"{name}_way")
        kind = place.private or place.state
        speaker = Speaker(place.names, exact=errors_matter(node, self.definition))
        self.module.typing("Any")
        self.module.blocks.append(
            f"def {name}(state: {kind}) -> dict[str, Any]:\n{docstring_of(node)}"
            f"    return {{{rounds}: 1, {going}: True}}"
        )
        lines = [f"def {again}(state: {kind}) -> dict[str, Any]:"]
        if spec.until is not None:
            lines += [f"    if {self.test(spec.until, speaker, node, place)}:", f"        return {{{going}: False}}"]
        lines.append(f"    if state[{rounds}] >= {spec.max_iterations}:")
        if spec.on_limit == "fail":
            error = self.module.yaml("WorkflowRunError")
            said = quoted(f"node {node.id!r}: the loop was not done after {spec.max_iterations} rounds")
            lines.append(f"        raise {error}({said})")
        else:
            lines.append(f"        return {{{going}: False}}")
        lines.append(f"    return {{{rounds}: state[{rounds}] + 1, {going}: True}}")
        self.module.blocks.append("\n".join(lines))
        done = targets[0] if len(targets) == 1 else quoted(f"{node.id}:done")
        if done == "END":
            self.module.graph("END")
        test = f"state[{going}]"
        if spec.while_ is not None:
            test += f" and {self.test(spec.while_, speaker, node, place, rank=4)}"
        self.module.blocks.append(
            f"def {way}(state: {kind}) -> str:\n    return {quoted(node.body.start)} if {test} else {done}"
        )
        self.add(node.id, name, place)
        self.add(f"{node.id}:again", again, place)
        self.scope(node.body, place, quoted(f"{node.id}:again"))
        if len(targets) > 1:
            self.add(f"{node.id}:done", self.module.yaml("pass_on"), place)
            self.edges(done, targets, place)
        for source in (node.id, f"{node.id}:again"):
            ends = f"[{quoted(node.body.start)}, {done}]"
            place.lines.append(f"{place.graph}.add_conditional_edges({quoted(source)}, {way}, {ends})")

    def test(self, raw: Any, speaker: Speaker, node: NodeDefinition, place: Place, *, rank: int = 1) -> str:
        """A condition as an expression, by `Steps` where Python has no words for it."""
        said = speaker.condition(raw)
        if said is not None:
            return said.at(rank)
        return render(call(f"{self.steps(node, place)}.test", literal(raw), "state"))

    def lines(self, place: Place, starts: Sequence[str]) -> list[str]:
        """The lines that fill a graph: nodes, then edges from where it begins."""
        nodes = [line for line in place.lines if ".add_node(" in line or ".add_to(" in line]
        edges = [line for line in place.lines if line not in nodes]
        self.module.graph("START")
        return [*nodes, *(f"{place.graph}.add_edge(START, {quoted(start)})" for start in starts), *edges]


def _answers(answer: str) -> list[str]:
    """The values that an answer of a file stands for."""
    found = [quoted(answer)]
    if answer in ("true", "false", "null"):
        found.append({"true": "True", "false": "False", "null": "None"}[answer])
    elif answer.lstrip("-").isdecimal() and answer.isascii() and str(int(answer)) == answer:
        found.append(answer)
    return found
