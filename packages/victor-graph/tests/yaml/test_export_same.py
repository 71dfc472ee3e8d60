"""Exports do what they were made from: the same questions, the same state, the same number of steps.

``VICTOR_EXPORT_EXAMPLES`` sets how many random workflows and graphs are tried.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from victor.core.errors import VictorError
from victor.graph.command import Command
from victor.graph.errors import GraphValidationError
from victor.graph.yaml import Workflow, load_object, parse_workflow
from victor.graph.yaml.render import pairs_block

EXAMPLES = int(os.environ.get("VICTOR_EXPORT_EXAMPLES", "8"))
OFTEN = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES < 100,
    phases=[phase for phase in Phase if phase is not Phase.shrink or EXAMPLES < 100],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
ROOT = Path(__file__).parents[4]


def outcome(workflow: Workflow, inputs: dict[str, Any], answers: tuple[Any, ...] = ()) -> dict[str, Any]:
    """All of a run that is to be the same."""
    graph = workflow.compile("memory:")
    config = workflow.config("t")
    questions = []
    try:
        result = graph.invoke(workflow.read_inputs(inputs), config, version="v2")
        steps = result.steps
        for answer in answers:
            if not result.interrupts:
                break
            questions.append(sorted(repr(one.value) for one in result.interrupts))
            resume = {one.id: answer for one in result.interrupts}
            result = graph.invoke(Command(resume=resume), config, version="v2")
            steps += result.steps
    except Exception as error:  # what fails must fail in the other form too
        return {"failed": True, "questions": questions, "how": type(error).__name__ == "GraphRecursionError"}
    names = set(workflow.definition.names)
    return {
        "failed": False,
        "status": result.status,
        "questions": questions,
        "state": {name: value for name, value in result.state.items() if name in names},
        "outputs": workflow.read_outputs(result.state) if result.status == "completed" else None,
        "steps": steps,
    }


def alike(text: str, forms: Any, *runs: dict[str, Any], answers: tuple[Any, ...] = ()) -> list[dict[str, Any]]:
    """Run a workflow as its file says, as Python, and as YAML of that; all must be the same. Returns what they gave."""
    first = parse_workflow(text, "w")
    python = forms.python(parse_workflow(text, "w"), forms.folder)
    again = forms.yaml(python, forms.folder)
    back = forms.yaml(forms.python(parse_workflow(text, "w"), forms.folder), forms.folder)
    found = []
    for inputs in runs:
        wanted = outcome(first, inputs, answers)
        assert outcome(python, inputs, answers) == wanted
        assert outcome(again, inputs, answers) == wanted
        assert outcome(back, inputs, answers) == wanted
        found.append(wanted)
    return found


# -------------------------------------------------------------------- random workflow files

NUMBERS = ("a", "b", "n")


def expressions(names: tuple[str, ...]) -> st.SearchStrategy[str]:
    name = st.sampled_from(names)
    small = st.integers(-3, 9).map(str)
    leaf = st.one_of(name, small)
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["+", "-", "*"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
            st.tuples(inner, inner, leaf).map(lambda t: f"({t[0]} if {t[2]} > 2 else {t[1]})"),
            inner.map(lambda one: f"({one} | abs)"),
        ),
        max_leaves=4,
    )


def conditions(names: tuple[str, ...]) -> st.SearchStrategy[str]:
    plain = st.tuples(
        expressions(names), st.sampled_from([">", "<", "==", "!=", ">=", "in"]), st.sampled_from(names)
    ).map(lambda t: f"{t[0]} {t[1]} {'[1, 2, 3]' if t[1] == 'in' else t[2]}")
    return st.recursive(
        plain,
        lambda inner: st.one_of(
            inner.map(lambda one: f"not ({one})"),
            st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"{t[0]} {t[1]} {t[2]}"),
        ),
        max_leaves=3,
    )


@st.composite
def sums(draw: st.DrawFn, id: str, names: tuple[str, ...], output: str) -> dict[str, Any]:
    """A node that works out a number."""
    return {"id": id, "type": "transform", "set": {output: "{{ " + draw(expressions(names)) + " }}"}}


@st.composite
def workflows(draw: st.DrawFn) -> str:
    nodes: list[dict[str, Any]] = [draw(sums("first", ("n",), "a")), draw(sums("second", ("n", "a"), "b"))]
    names = NUMBERS
    kinds = draw(
        st.lists(
            st.sampled_from(
                ["sum", "text", "condition", "parallel", "map", "loop", "workflow", "hitl", "several", "jump"]
            ),
            min_size=1,
            max_size=5,
        )
    )
    for number, kind in enumerate(kinds):
        id = f"k{number}" if draw(st.booleans()) else f"k-{number}"
        one: dict[str, Any] = {"id": id, "type": kind}
        more: list[dict[str, Any]] = []
        if kind == "sum":
            one = draw(sums(id, names, draw(st.sampled_from(["a", "b"]))))
        elif kind == "text":
            filled = draw(st.lists(st.one_of(st.sampled_from(["x { ", "it's ", '"q" ', "\n", "{{ n }}", "$ctx.a "]),
                                             expressions(names).map(lambda e: "{{ " + e + " }}")), min_size=1, max_size=4))  # fmt: skip
            one = {"id": id, "type": "transform", "template": "".join(filled)}
        elif kind == "condition":
            one["condition"] = draw(conditions(names))
            one["branches"] = {"true": f"{id}y", "false": f"{id}n"}
            more = [{**draw(sums(f"{id}y", names, "a")), "next": f"{id}z"}, draw(sums(f"{id}n", names, "b")),
                    draw(sums(f"{id}z", names, "a"))]  # fmt: skip
        elif kind == "jump":
            one = {"id": id, "type": "condition", "condition": draw(expressions(names)),
                   "branches": {"1": "end", "2": f"{id}x", "default": f"{id}x"}}  # fmt: skip
            more = [draw(sums(f"{id}x", names, "b"))]
        elif kind == "parallel":
            one.update(parallel_nodes=[f"{id}p", f"{id}q"])
            more = [draw(sums(f"{id}p", names, f"p{number}")), draw(sums(f"{id}q", names, f"q{number}"))]
        elif kind == "several":
            one = {**draw(sums(id, names, "a")), "next": [f"{id}s", f"{id}t"]}
            more = [
                {**draw(sums(f"{id}s", names, f"s{number}")), "next": "end"},
                draw(sums(f"{id}t", names, f"t{number}")),
            ]
        elif kind == "map":
            inner = ("n", "item", "index") if draw(st.booleans()) else ("n", "a", "item")
            bodies = [draw(sums(f"{id}m", inner, "m"))]
            if draw(st.booleans()):
                bodies.append(draw(sums(f"{id}o", (*inner, "m"), "o")))
            body = {"nodes": bodies} if len(bodies) > 1 or draw(st.booleans()) else {"node": bodies[0]}
            one.update(over=draw(st.sampled_from(["{{ range(3) }}", "{{ [a, b] }}", "$ctx.list"])), **body)
            if draw(st.booleans()):
                one.update(on_error="skip", errors=f"wrong{number}", retry=draw(st.sampled_from([1, 2])))
            one["output"] = f"out{number}"
        elif kind == "loop":
            rounds = f"{id.replace('-', '_')}_round" if "-" not in id else None
            test = draw(conditions(names)) if rounds is None else f"{rounds} >= {draw(st.integers(1, 3))}"
            one.update({draw(st.sampled_from(["until", "while"])): test}, max_iterations=draw(st.integers(1, 3)),
                       on_limit=draw(st.sampled_from(["continue", "continue", "fail"])),
                       nodes=[draw(sums(f"{id}l", names, "a"))])  # fmt: skip
        elif kind == "workflow":
            one.update(workflow="other", inputs={"x": "{{ a + 1 }}"}, output=f"sub{number}")
        elif kind == "hitl":
            one.update(prompt="{{ a }}?", hitl_type=draw(st.sampled_from(["input", "approval", "review"])),
                       context_keys=["b"], on_reject="continue", output=f"said{number}")  # fmt: skip
        nodes += [one, *more]
    nodes.append({"id": "last", "type": "transform", "template": "{{ a }} {{ b }}"})
    top: dict[str, Any] = {"inputs": {"n": "integer", "list": {"type": "list", "default": [1, 2]}}}
    if draw(st.booleans()):
        top["outputs"] = draw(st.sampled_from([["a", "b"], {"sum": "{{ a + b }}", "n": "$ctx.n"}]))
    if draw(st.booleans()):
        top["max_retries"] = 1
    other = {"inputs": {"x": 1}, "outputs": ["y"], "nodes": [draw(sums("y1", ("x",), "y"))]}
    return pairs_block({"workflows": {"w": {**top, "nodes": nodes}, "other": other}}, 0, step=2, dash=2, newline="\n")


@pytest.mark.slow
@given(
    workflows(), st.integers(-2, 4), st.sampled_from([("yes",) * 5, ("no",) * 5, ("perhaps", "yes", "yes", "no", "1")])
)
@OFTEN
def test_random_files_are_the_same_in_python_and_back(forms, text, n, answers):
    alike(text, forms, {"n": n}, answers=answers)


# -------------------------------------------------------------------- random graphs

GRAPH = """
from __future__ import annotations

import operator
from typing import Annotated, Literal, TypedDict

from attrs import define, field

from victor.graph import END, START, CachePolicy, Command, RetryPolicy, Send, StateGraph


{state}


def level(state) -> int:
    return state if isinstance(state, int) else state["total"] if isinstance(state, dict) else state.total


{functions}


def build():
    graph = StateGraph(State, name="random")
{build}
    return graph
"""

STATES = {
    "TypedDict": """class State(TypedDict, total=False):
    log: Annotated[list[str], operator.add]
    total: Annotated[int, operator.add]
    last: str""",
    "attrs": """@define
class State:
    log: Annotated[list[str], operator.add] = field(factory=list)
    total: Annotated[int, operator.add] = 0
    last: str = \"\"""",
}


@st.composite
def programs(draw: st.DrawFn) -> str:
    """A module with a random graph: joins, jumps, sends, branches, deferred nodes, policies, a subgraph."""
    names = [f"n{number}" for number in range(draw(st.integers(1, 5)))]
    kind = draw(st.sampled_from(sorted(STATES)))
    name = st.sampled_from(names)
    functions, build = [], []
    for one in names:
        jump = draw(st.sampled_from(["", "", "", f', goto=[Send("{draw(name)}", 3)]', f', goto="{draw(name)}"']))
        amount = draw(st.integers(1, 4))
        writes = (
            f'{{"log": [f"{one}({{level(state)}})"], "total": {amount}'
            + (', "last": "x"' if draw(st.integers(0, 9)) == 0 else "")
            + "}"
        )
        back = f"Command(update={writes}{jump if jump else ''}) if level(state) < 12 else {writes}" if jump else writes
        functions.append(f"{'async ' if draw(st.booleans()) else ''}def {one}(state: State):\n    return {back}")
        options = draw(st.sampled_from(["", "", ", defer=True", ", timeout=30", ", cache_policy=CachePolicy(ttl=60)",
                                        ", retry_policy=RetryPolicy(max_attempts=2, retry_on=(KeyError, OSError))",
                                        ', metadata={"title": "A title", "x": [1]}']))  # fmt: skip
        build.append(f'graph.add_node("{one}", {one}{options})')
    for start in draw(st.lists(name, min_size=1, max_size=2, unique=True)):
        build.append(f'graph.add_edge(START, "{start}")')
    forward = [(a, b) for i, a in enumerate(names) for b in [*names[i + 1 :], "END"]]
    for start, end in draw(st.lists(st.sampled_from(forward), max_size=6, unique=True)):
        build.append(f'graph.add_edge("{start}", {end if end == "END" else repr(end)})')
    if len(names) > 1:
        for starts, end in draw(
            st.lists(st.tuples(st.lists(name, min_size=2, max_size=3, unique=True), name), max_size=2)
        ):
            build.append(f"graph.add_edge({starts!r}, {end!r})")
    for number, source in enumerate(draw(st.lists(st.sampled_from([*names, "START"]), max_size=2))):
        targets = draw(st.lists(name, min_size=1, max_size=2, unique=True))
        functions.append(
            f"def way{number}(state: State):\n    if level(state) > 12:\n        return []\n"
            f"    return [name for i, name in enumerate({targets!r}) if (level(state) + i) % 3]"
        )
        where = source if source == "START" else repr(source)
        build.append(
            f"graph.add_conditional_edges({where}, way{number}{draw(st.sampled_from(['', f', {targets!r}']))})"
        )
    if draw(st.booleans()):
        build.append('inner = StateGraph(State, name="inner").add_node("n0", n0).add_edge(START, "n0")')
        build.append('graph.add_node("sub", inner.compile(name="inner"))')
        build.append(f'graph.add_edge("{draw(name)}", "sub")')
    build = [f"    {line}" for line in build]
    return GRAPH.format(state=STATES[kind], functions="\n\n\n".join(functions), build="\n".join(build))


def result_of(graph: Any, limit: int = 25) -> Any:
    try:
        result = graph.invoke({"total": 0, "log": []}, {"recursion_limit": limit}, version="v2")
    except VictorError as error:
        return type(error).__name__
    return result.state, result.status, type(result.error).__name__, result.steps


@given(programs())
@OFTEN
def test_random_graphs_are_the_same_in_yaml(forms, text):
    file = forms.folder / f"random_{len(list(forms.folder.iterdir()))}.py"
    file.write_text(text)
    graph = load_object(f"{file.name}:build", forms.folder)()
    try:
        graph.compile()
    except GraphValidationError:
        return
    workflow = forms.yaml(graph, forms.folder, "random")
    wanted = result_of(graph.compile())
    assert result_of(workflow.compile()) == wanted
    python = forms.python(workflow, forms.folder)
    assert result_of(python.compile()) == wanted
    assert result_of(forms.yaml(python, forms.folder).compile()) == wanted
