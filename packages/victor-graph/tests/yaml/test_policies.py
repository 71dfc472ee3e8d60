"""Retries, timeouts, caches and bounds of workflow files, wherever a node runs; people inside maps; events."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from victor.core.errors import ConfigurationError
from victor.core.models.function import FunctionModel
from victor.core.plugins import get_plugins
from victor.core.testing.events import capture_events
from victor.core.tool import Tool
from victor.graph.checkpoint.memory import MemorySaver
from victor.graph.command import Command
from victor.graph.yaml import WorkflowFileError, WorkflowRunError, parse_workflow


def flow(nodes: str, *, functions: Any = None, top: str = "", **inputs: Any) -> Any:
    declared = json.dumps(dict.fromkeys(inputs, "any"))
    text = f"workflows:\n  w:\n    inputs: {declared}\n{top}    nodes:\n{nodes}"
    return parse_workflow(text, functions=functions or {})


class Flaky:
    """Fails a few times, each time for each argument."""

    def __init__(self, failures: int, error: type[Exception] = ValueError) -> None:
        self.failures = failures
        self.error = error
        self.calls: dict[Any, int] = {}

    def __call__(self, x: Any = None) -> Any:
        self.calls[x] = self.calls.get(x, 0) + 1
        if self.calls[x] <= self.failures:
            raise self.error(f"attempt {self.calls[x]}")
        return x


FAST = "{max_attempts: 3, initial_interval: 0.001, jitter: false}"


class TestRetries:
    @pytest.mark.parametrize(
        "nodes",
        [
            "      - {id: a, type: compute, handler: f, inputs: {x: 1}, retry: %s}\n",
            "      - {id: a, type: map, over: [1], retry: %s, node: {type: compute, handler: f, inputs: {x: $ctx.item}}}\n",
            "      - {id: a, type: map, over: [1], node: {type: compute, handler: f, inputs: {x: $ctx.item}, retry: %s}}\n",
            "      - {id: a, type: map, over: [1], on_error: skip, node: {type: compute, handler: f, inputs: {x: $ctx.item}, retry: %s}}\n",
            "      - {id: a, type: map, over: [1], on_error: skip, retry: %s, node: {type: compute, handler: f, inputs: {x: $ctx.item}}}\n",
            "      - {id: a, type: map, over: [1], nodes: [{id: b, type: compute, handler: f, inputs: {x: $ctx.item}, retry: %s}]}\n",
            "      - {id: p, type: parallel, parallel_nodes: [a, b], join_strategy: any}\n"
            "      - {id: a, type: compute, handler: f, inputs: {x: 1}, retry: %s}\n"
            "      - {id: b, type: compute, handler: never}\n",
        ],
    )
    def test_are_made_wherever_a_node_runs(self, nodes):
        async def never() -> None:
            await asyncio.Event().wait()

        flaky = Flaky(2)
        out = flow(nodes % FAST, functions={"f": flaky, "never": never}).run_sync()
        assert flaky.calls == {1: 3}
        assert out["a"] in (1, [1])

    def test_end(self):
        flaky = Flaky(3)
        with pytest.raises(ValueError, match="attempt 3"):
            flow(
                f"      - {{id: a, type: compute, handler: f, inputs: {{x: 1}}, retry: {FAST}}}\n",
                functions={"f": flaky},
            ).run_sync()

    def test_a_mistake_of_the_file_is_not_tried_again(self):
        flaky = Flaky(1, ConfigurationError)
        with pytest.raises(ConfigurationError, match="attempt 1"):
            flow(
                f"      - {{id: a, type: compute, handler: f, inputs: {{x: 1}}, retry: {FAST}}}\n",
                functions={"f": flaky},
            ).run_sync()

    def test_by_default_only_for_errors_that_may_pass(self):
        lost = Flaky(1, ConnectionError)
        node = "      - {id: a, type: map, over: [1], node: {type: compute, handler: f, inputs: {x: $ctx.item}}}\n"
        assert flow(node, functions={"f": lost}, top="    max_retries: 1\n").run_sync() == {"a": [1]}
        with pytest.raises(ValueError, match="attempt 1"):
            flow(node, functions={"f": Flaky(1)}, top="    max_retries: 1\n").run_sync()


class TestTimeouts:
    def test_of_items_count_from_their_turn(self):
        async def nap(x: int) -> int:
            await asyncio.sleep(0.05)
            return x

        node = "      - {id: a, type: map, over: '{{ range(8) | list }}', max_concurrency: 1, timeout: 0.25, node: {type: compute, handler: f, inputs: {x: $ctx.item}}}\n"
        assert flow(node, functions={"f": nap}).run_sync() == {"a": list(range(8))}

    @pytest.mark.parametrize("where", ["timeout: 0.02, node: {", "node: {timeout: 0.02, "])
    def test_say_which_node(self, where):
        async def never(x: int) -> None:
            await asyncio.Event().wait()

        node = (
            f"      - {{id: a, type: map, over: [1], {where}type: compute, handler: f, inputs: {{x: $ctx.item}}}}}}\n"
        )
        with pytest.raises(WorkflowRunError, match=r"node 'a(_item)?' did not finish within 0.02 s"):
            flow(node, functions={"f": never}).run_sync()

    def test_of_a_subworkflow(self):
        text = (
            "workflows:\n  outer:\n    nodes: [{id: s, type: workflow, workflow: inner}]\n"
            "  inner:\n    timeout: 0.02\n    nodes: [{id: a, type: compute, handler: f}]\n"
        )

        async def never() -> None:
            await asyncio.Event().wait()

        with pytest.raises(WorkflowRunError, match="workflow 'inner' did not finish within 0.02 s"):
            parse_workflow(text, "outer", functions={"f": never}).run_sync()


class TestCaches:
    def test_go_by_what_the_node_reads(self):
        calls: list[Any] = []
        nodes = (
            "      - id: l\n        type: loop\n        until: l_round >= 4\n        nodes:\n"
            "          - {id: a, type: compute, handler: f, inputs: {x: '{{ l_round % 2 }}'}, cache: true}\n"
        )
        flow(nodes, functions={"f": lambda x: calls.append(x)}).run_sync()
        assert sorted(calls) == [0, 1]

    @pytest.mark.parametrize("where", ["cache: true, node: {", "node: {cache: true, "])
    def test_of_items(self, where):
        calls: list[Any] = []
        node = f"      - {{id: a, type: map, over: [1, 2, 1], max_concurrency: 1, {where}type: compute, handler: f, inputs: {{x: $ctx.item}}}}}}\n"
        assert flow(node, functions={"f": lambda x: calls.append(x) or x}).run_sync() == {"a": [1, 2, 1]}
        assert len(calls) <= 3
        if "node: {cache" in where:
            assert calls == [1, 2]


def test_no_more_nodes_run_at_once_than_the_workflow_allows():
    now, most = 0, 0

    async def work() -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1

    nodes = "      - {id: p, type: parallel, parallel_nodes: [a, b, c, d]}\n" + "".join(
        f"      - {{id: {id}, type: compute, handler: f}}\n" for id in "abcd"
    )
    flow(nodes, functions={"f": work}, top="    execution: {max_concurrency: 2}\n").run_sync()
    assert most == 2


class TestPeople:
    NODES = (
        "      - id: each\n        type: map\n        over: [a, b, c]\n        nodes:\n"
        "          - {id: before, type: compute, handler: f, inputs: {x: $ctx.item}}\n"
        "          - {id: ask, type: hitl, hitl_type: input, prompt: 'Name for {{ item }}?'}\n"
        "          - {id: said, type: transform, template: '{{ item }}={{ ask }}'}\n"
    )

    @pytest.mark.parametrize("on_error", ["fail", "skip"])
    async def test_are_asked_for_each_item_and_answer_one_by_one(self, on_error):
        calls: list[str] = []
        nodes = self.NODES.replace("type: map", f"type: map\n        on_error: {on_error}")
        compiled = flow(nodes, functions={"f": lambda x: calls.append(x)}).compile(MemorySaver())
        result = await compiled.arun({}, thread_id="t")
        assert [one.value["prompt"] for one in result.interrupts] == ["Name for a?", "Name for b?", "Name for c?"]
        by_prompt = {one.value["prompt"]: one.id for one in result.interrupts}
        result = await compiled.arun(Command(resume={by_prompt["Name for b?"]: "Bob"}), thread_id="t")
        assert result.status == "interrupted"
        rest = {one.id: one.value["prompt"][9].upper() for one in result.interrupts}
        result = await compiled.arun(Command(resume=rest), thread_id="t")
        assert (result.status, result.state["each"]) == ("completed", ["a=A", "b=Bob", "c=C"])
        assert sorted(calls) == ["a", "b", "c"], "what was done before the questions is not done again"

    async def test_in_a_single_node_body(self):
        nodes = "      - {id: each, type: map, over: [a, b], node: {type: hitl, prompt: 'Ship {{ item }}?'}}\n"
        compiled = flow(nodes).compile(MemorySaver())
        result = await compiled.arun({}, thread_id="t")
        answers = {one.id: "yes" for one in result.interrupts}
        assert len(answers) == 2
        assert (await compiled.arun(Command(resume=answers), thread_id="t")).state["each"] == [True, True]

    def test_do_not_race(self):
        nodes = (
            "      - {id: p, type: parallel, parallel_nodes: [a, b], join_strategy: first}\n"
            "      - {id: a, type: hitl, prompt: x}\n      - {id: b, type: transform, template: x}\n"
        )
        with pytest.raises(WorkflowFileError, match="'a' asks a person, who can only be waited for"):
            flow(nodes)

    def test_nor_do_caches(self):
        nodes = (
            "      - {id: p, type: parallel, parallel_nodes: [a, b], join_strategy: first}\n"
            "      - {id: a, type: transform, template: x, cache: true}\n      - {id: b, type: transform, template: x}\n"
        )
        with pytest.raises(WorkflowFileError, match="remove its 'cache'"):
            flow(nodes)


def test_events_nest_from_the_run_down_to_the_tool_call():
    def double(n: int) -> int:
        """Twice a number.

        Args:
            n: The number.
        """
        return 2 * n

    asked: list[int] = []

    def answer(request: Any) -> Any:
        from victor.core.message import ToolCall

        asked.append(1)
        return ToolCall("1", "double", '{"n": 4}') if len(asked) == 1 else "8"

    plugins = get_plugins()
    plugins.models.register("fake", lambda name: FunctionModel(answer), replace=True)
    plugins.tools.register("double", Tool.from_function(double), replace=True)
    try:
        nodes = (
            "      - {id: s, type: workflow, workflow: inner}\n"
            "  inner:\n    nodes:\n"
            "      - {id: think, goal: Double 4, tools: [double], model: 'fake:x'}\n"
        )
        workflow = parse_workflow(f"workflows:\n  outer:\n    nodes:\n{nodes}", "outer")
        with capture_events() as events:
            assert workflow.run_sync() == {"s": {"think": "8"}}
    finally:
        plugins.models.discard("fake")
        plugins.tools.discard("double")
    starts = {event.span_id: event for event in events if event.phase == "start"}
    (tool,) = [event for event in starts.values() if event.kind == "tool.call"]
    chain = []
    at: Any = tool
    while at is not None:
        chain.append((at.kind, at.name))
        at = starts.get(at.parent_id)
    kinds = [kind for kind, _ in chain if kind != "workflow.step"]
    assert kinds == ["tool.call", "agent.run", "workflow.node", "workflow.run", "workflow.node", "workflow.run"], chain
    assert [name for kind, name in chain if kind == "workflow.node"] == ["think", "s"]
