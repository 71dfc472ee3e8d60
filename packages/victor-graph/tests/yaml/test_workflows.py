"""What workflow files do when they run: as they are, as the Python they are exported to, and as the YAML of that."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from victor.core.errors import ConfigurationError, VictorError
from victor.core.models.function import FunctionModel
from victor.core.plugins import get_plugins
from victor.graph.command import Command
from victor.graph.yaml import WorkflowRunError, load_workflow, load_workflows, parse_workflow
from victor.graph.yaml.nodes.hitl import TIMED_OUT, RejectedError


@pytest.fixture(params=["yaml", "python", "round trip"], autouse=True)
def form(request, forms, monkeypatch):
    """Each test is of three forms of the same workflows."""
    if request.param != "yaml":
        forms.again = request.param == "round trip"
        monkeypatch.setitem(globals(), "parse_workflow", forms.parse)
        monkeypatch.setitem(globals(), "load_workflow", forms.load)
    return request.param


def run(
    nodes: str, *, functions: dict[str, Callable[..., Any]] | None = None, top: str = "", **inputs: Any
) -> dict[str, Any]:
    """Run a workflow of these nodes; every input given is declared."""
    declared = json.dumps(dict.fromkeys(inputs, "any"))
    text = f"workflows:\n  w:\n    inputs: {declared}\n{top}    nodes:\n{nodes}"
    return parse_workflow(text, functions=functions or {}).run_sync(inputs)


@pytest.fixture
def model():
    """Registers a model under ``fake:`` that answers by a function of the last message."""
    answers: list[Callable[[Any], Any]] = []
    get_plugins().models.register("fake", lambda name: FunctionModel(lambda request: answers[0](request)), replace=True)
    yield answers
    get_plugins().models.discard("fake")


class TestFlow:
    def test_nodes_run_in_the_order_of_the_list(self):
        out = run(
            "      - {id: a, type: transform, template: A}\n      - {id: b, type: transform, template: '{{ a }}B'}\n"
        )
        assert out == {"a": "A", "b": "AB"}

    def test_next_jumps_and_end_ends(self):
        out = run(
            "      - {id: a, type: transform, template: A, next: c}\n"
            "      - {id: b, type: transform, template: B, next: end}\n"
            "      - {id: c, type: transform, template: C, next: b}\n"
        )
        assert list(out) == ["a", "b", "c"]

    def test_several_next_run_side_by_side(self):
        out = run(
            "      - {id: a, type: transform, template: A, next: [b, c]}\n"
            "      - {id: b, type: transform, template: B, next: end}\n"
            "      - {id: c, type: transform, template: C}\n"
        )
        assert out == {"a": "A", "b": "B", "c": "C"}

    def test_start_node(self):
        out = run(
            "      - {id: a, type: transform, template: A, next: end}\n      - {id: b, type: transform, template: B, next: a}\n",
            top="    start_node: b\n",
        )
        assert out == {"a": "A", "b": "B"}

    @pytest.mark.parametrize(("n", "way"), [(5, "many"), (1, "few")])
    def test_a_condition_chooses(self, n, way):
        nodes = (
            "      - {id: which, type: condition, condition: n > 3, branches: {true: many, false: few}}\n"
            "      - {id: many, type: transform, template: x, next: end}\n"
            "      - {id: few, type: transform, template: x}\n"
        )
        assert list(run(nodes, n=n)) == [way]

    @pytest.mark.parametrize(("kind", "way"), [("a", "one"), ("b", "two"), ("zzz", "other")])
    def test_a_condition_may_have_many_answers_and_a_default(self, kind, way):
        nodes = (
            "      - {id: which, type: condition, condition: kind, branches: {a: one, b: two, default: other}}\n"
            "      - {id: one, type: transform, template: x, next: end}\n"
            "      - {id: two, type: transform, template: x, next: end}\n"
            "      - {id: other, type: transform, template: x}\n"
        )
        assert list(run(nodes, kind=kind)) == [way]

    def test_an_answer_without_a_branch_is_an_error_and_not_a_silent_default(self):
        with pytest.raises(WorkflowRunError, match=r"node 'which': the condition gave 'c'.*branches: a, b"):
            run(
                "      - {id: which, type: condition, condition: kind, branches: {a: x, b: end}}\n"
                "      - {id: x, type: transform, template: x}\n",
                kind="c",
            )

    def test_conditions_may_be_functions(self):
        nodes = (
            "      - {id: which, type: condition, condition: judge, branches: {good: x, default: end}}\n"
            "      - {id: x, type: transform, template: x}\n"
        )
        assert run(nodes, functions={"judge": lambda score: "good" if score > 1 else "bad"}, score=2) == {"x": "x"}
        assert run(nodes, functions={"judge": lambda values: "bad"}, score=2) == {}

    def test_a_cycle_with_a_condition_ends_when_it_says_so(self):
        nodes = (
            "      - {id: up, type: transform, transform: 'n = 1', next: more}\n"
            "      - {id: more, type: compute, handler: bump, inputs: {by: $ctx.n}, output: total}\n"
            "      - {id: done, type: condition, condition: total >= 3, branches: {true: end, false: more}}\n"
        )
        count = iter(range(1, 10))
        assert run(nodes, functions={"bump": lambda by: next(count) * by})["total"] == 3

    def test_too_many_iterations_are_an_error(self):
        nodes = (
            "      - {id: a, type: transform, template: x}\n"
            "      - {id: again, type: condition, condition: a == x, branches: {true: a, false: end}}\n"
        )
        with pytest.raises(VictorError, match="5"):
            run(nodes, top="    max_iterations: 5\n")


class TestParallel:
    NODES = (
        "      - {{id: both, type: parallel, parallel_nodes: [a, b], join_strategy: {strategy}}}\n"
        "      - {{id: a, type: compute, handler: first}}\n"
        "      - {{id: b, type: compute, handler: second}}\n"
        "      - {{id: after, type: transform, template: done}}\n"
    )

    def test_all_runs_at_once_and_waits_for_all(self):
        async def first() -> str:
            await barrier.wait()
            return "A"

        async def second() -> str:
            await barrier.wait()
            return "B"

        barrier = asyncio.Barrier(2)
        out = run(self.NODES.format(strategy="all"), functions={"first": first, "second": second})
        assert out == {"a": "A", "b": "B", "after": "done"}

    @pytest.mark.parametrize("strategy", ["any", "first"])
    def test_the_fastest_wins_and_the_other_is_cancelled(self, strategy):
        cancelled = []

        async def never() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.append(True)

        async def quick() -> str:
            return "B"

        out = run(self.NODES.format(strategy=strategy), functions={"first": never, "second": quick})
        assert out == {"b": "B", "after": "done"}
        assert cancelled == [True]

    def test_any_waits_for_a_success_and_first_does_not(self):
        async def fail() -> None:
            raise ValueError("no")

        async def later() -> str:
            for _ in range(3):
                await asyncio.sleep(0)
            return "B"

        functions = {"first": fail, "second": later}
        assert run(self.NODES.format(strategy="any"), functions=functions)["b"] == "B"
        with pytest.raises(ValueError, match="no"):
            run(self.NODES.format(strategy="first"), functions=functions)
        with pytest.raises(
            WorkflowRunError, match="every one of its nodes failed: a: ValueError: no; b: ValueError: no"
        ):
            run(self.NODES.format(strategy="any"), functions={"first": fail, "second": fail})


class TestMap:
    def test_results_keep_the_order_of_the_items(self):
        async def work(n: int) -> int:
            for _ in range(5 - n):
                await asyncio.sleep(0)
            return n * 10

        nodes = "      - {id: m, type: map, over: $ctx.items, as: n, node: {type: compute, handler: work, inputs: {n: $ctx.n}}, output: out}\n"
        assert run(nodes, functions={"work": work}, items=[3, 1, 4])["out"] == [30, 10, 40]
        assert run(nodes, functions={"work": work}, items=[])["out"] == []

    def test_no_more_run_at_once_than_allowed(self):
        running = most = 0

        async def work() -> None:
            nonlocal running, most
            running += 1
            most = max(most, running)
            for _ in range(3):
                await asyncio.sleep(0)
            running -= 1

        nodes = "      - {id: m, type: map, over: '{{ range(20) }}', max_concurrency: 3, node: {type: compute, handler: work}}\n"
        run(nodes, functions={"work": work})
        assert most == 3

    def test_a_body_of_several_nodes_has_names_of_its_own(self):
        nodes = (
            "      - id: m\n        type: map\n        over: $ctx.items\n        nodes:\n"
            "          - {id: twice, type: transform, set: {double: '{{ item * 2 }}'}}\n"
            "          - {id: big, type: condition, condition: double > k, branches: {true: yes_, false: no_}}\n"
            "          - {id: yes_, type: transform, template: 'big {{ double }}', next: said}\n"
            "          - {id: no_, type: transform, template: 'small', output: yes_}\n"
            "          - {id: said, type: transform, template: '{{ index }}: {{ yes_ }}'}\n"
            "        output: out\n"
        )
        assert run(nodes, items=[1, 5], k=4) == {"out": ["0: small", "1: big 10"]}

    def test_a_failing_item_fails_the_run_or_is_left_out_and_listed(self):
        def work(n: int) -> int:
            return 10 // n

        nodes = "      - {{id: m, type: map, over: $ctx.items, as: n, {more} node: {{type: compute, handler: work, inputs: {{n: $ctx.n}}}}}}\n"
        with pytest.raises(ZeroDivisionError):
            run(nodes.format(more=""), functions={"work": work}, items=[1, 0, 5])
        out = run(nodes.format(more="on_error: skip, errors: bad,"), functions={"work": work}, items=[1, 0, 5])
        assert out["m"] == [10, 2]
        assert out["bad"] == [{"index": 1, "item": 0, "error": "ZeroDivisionError: integer division or modulo by zero"}]

    def test_what_is_no_list_is_refused(self):
        nodes = "      - {id: m, type: map, over: $ctx.items, node: {type: transform, template: x}}\n"
        for wrong in ("abc", {"a": 1}, 3):
            with pytest.raises(WorkflowRunError, match="'over' must give a list"):
                run(nodes, items=wrong)

    def test_a_map_in_a_loop_starts_afresh_each_round(self):
        nodes = (
            "      - id: rounds\n        type: loop\n        until: rounds_round >= 2\n        nodes:\n"
            "          - {id: m, type: map, over: [1, 2], node: {type: transform, template: '{{ item }}-{{ rounds_round }}'}}\n"
        )
        assert run(nodes)["m"] == ["1-2", "2-2"]

    def test_maps_nest(self):
        nodes = (
            "      - id: outer\n        type: map\n        over: [[1, 2], [3]]\n        as: row\n        nodes:\n"
            "          - {id: inner, type: map, over: $ctx.row, as: cell, node: {type: transform, template: '{{ cell }}{{ suffix }}'}}\n"
        )
        assert run(nodes, suffix="!")["outer"] == [["1!", "2!"], ["3!"]]


class TestLoop:
    def test_until_is_asked_after_a_round_and_while_before(self):
        body = "        nodes:\n          - {id: b, type: transform, template: '{{ l_round }}'}\n"
        assert run("      - id: l\n        type: loop\n        until: l_round >= 3\n" + body)["b"] == "3"
        assert run("      - id: l\n        type: loop\n        while: l_round < 3\n" + body)["b"] == "2"
        assert "b" not in run("      - id: l\n        type: loop\n        while: false\n" + body)

    def test_rounds_are_bounded(self):
        nodes = (
            "      - id: l\n        type: loop\n        until: false\n        max_iterations: 4\n        on_limit: {limit}\n"
            "        nodes:\n          - {{id: b, type: transform, template: '{{{{ l_round }}}}'}}\n"
        )
        assert run(nodes.format(limit="continue"))["b"] == "4"
        with pytest.raises(WorkflowRunError, match="not done after 4 rounds"):
            run(nodes.format(limit="fail"))

    def test_what_follows_a_loop_runs_once(self):
        nodes = (
            "      - id: l\n        type: loop\n        until: l_round >= 2\n        next: [x, y]\n"
            "        nodes:\n          - {id: b, type: transform, template: b}\n"
            "      - {id: x, type: transform, template: x, next: end}\n"
            "      - {id: y, type: transform, template: y}\n"
        )
        assert run(nodes) == {"l_round": 2, "b": "b", "x": "x", "y": "y"}


class TestSubworkflow:
    TEXT = """
workflows:
  main:
    inputs: {names: list}
    nodes:
      - {id: all, type: map, over: $ctx.names, as: name, node: {type: workflow, workflow: greet, inputs: {who: $ctx.name}}}
      - {id: one, type: workflow, workflow: greet, inputs: {who: Eve, loud: true}}
    outputs: [all, one]
  greet:
    inputs: {who: string, loud: false}
    outputs: {text: $ctx.text}
    nodes:
      - {id: text, type: transform, template: "Hi {{ who }}{{ '!' if loud }}"}
"""

    def test_another_workflow_as_a_step(self):
        assert parse_workflow(self.TEXT, "main").run_sync(names=["Ann"]) == {
            "all": [{"text": "Hi Ann"}],
            "one": {"text": "Hi Eve!"},
        }

    def test_workflows_and_nodes_of_other_files(self, tmp_path):
        (tmp_path / "lib.yaml").write_text(self.TEXT)
        (tmp_path / "main.yaml").write_text(
            "workflows:\n  w:\n    nodes:\n"
            "      - {id: a, type: workflow, workflow: './lib.yaml#greet', inputs: {who: Bob}}\n"
            "      - {$ref: './lib.yaml#greet/text', output: who2, inputs: {}, id: b, template: '{{ a.text }}?'}\n"
        )
        assert load_workflow(tmp_path / "main.yaml").run_sync() == {"a": {"text": "Hi Bob"}, "who2": "Hi Bob?"}


class TestInputs:
    TEXT = """
workflows:
  w:
    inputs:
      n: integer
      ratio: {type: number, default: 0.5}
      flag: {type: boolean, default: false}
      tags: {type: list, default: []}
      kind: {type: string, default: a, enum: [a, b]}
      where: {type: path, default: .}
      maybe: {type: string, required: false}
    nodes: [{id: t, type: transform, template: x}]
"""

    def test_texts_are_converted_and_defaults_filled_in(self):
        w = parse_workflow(self.TEXT)
        assert w.read_inputs({"n": "3", "ratio": "2", "flag": "yes", "tags": "a, b", "kind": "b"}) == {
            "n": 3, "ratio": 2.0, "flag": True, "tags": ["a", "b"], "kind": "b", "where": ".", "maybe": None,
        }  # fmt: skip
        assert w.read_inputs({"n": 3.0, "tags": '["x"]'})["tags"] == ["x"]

    def test_everything_wrong_is_told_at_once(self):
        with pytest.raises(ConfigurationError) as caught:
            parse_workflow(self.TEXT).read_inputs(
                {"n": "x", "ratio": "y", "flag": 3, "kind": "c", "tgas": 1, "tags": 3, "where": []}
            )
        text = str(caught.value)
        for part in ("'n' must be a whole number", "'ratio' must be a number", "'flag' must be true or false", "'kind' must be one of",
                     "unknown input 'tgas'; did you mean 'tags'", "'tags' must be a list", "'where' must be a text"):  # fmt: skip
            assert part in text
        with pytest.raises(ConfigurationError, match="the input 'n' is missing"):
            parse_workflow(self.TEXT).read_inputs({})

    def test_files_and_folders_must_be_there(self, tmp_path):
        text = (
            "workflows: {w: {inputs: {f: file, d: folder, o: object}, nodes: [{id: t, type: transform, template: x}]}}"
        )
        (tmp_path / "a").write_text("")
        w = parse_workflow(text)
        assert w.read_inputs({"f": tmp_path / "a", "d": tmp_path, "o": '{"k": 1}'})["o"] == {"k": 1}
        with pytest.raises(ConfigurationError, match=r"must be a file.*must be a folder.*is not JSON"):
            w.read_inputs({"f": tmp_path, "d": tmp_path / "a", "o": "{"})


class TestWork:
    def test_an_agent_gets_goal_and_inputs_and_gives_a_shape(self, model):
        asked = []
        model.append(lambda request: asked.append(request) or '{"title": "T", "tags": ["x"]}')
        out = run(
            "      - id: a\n        role: editor\n        goal: 'Name {{ what }}.'\n        inputs: {text: $ctx.text}\n"
            "        output_schema: {title: string, tags: 'list[string]'}\n",
            top="    model: fake\n", what="it", text="Long text.",
        )  # fmt: skip
        assert out == {"a": {"title": "T", "tags": ["x"]}}
        assert asked[0].messages[0].content == "You are an editor."
        assert asked[0].messages[1].content == "Name it.\n\n<text>\nLong text.\n</text>"

    def test_a_node_may_name_its_own_model_and_wishes(self, model):
        asked = []
        model.append(lambda request: asked.append(request) or "ok")
        run(
            "      - {id: a, goal: x, model: 'fake:b', instructions: 'Be brief, {{ n }}.', llm_config: {temperature: 0.1, stop_sequences: [END]}}\n",
            n=1,
        )
        assert (asked[0].settings.temperature, asked[0].settings.stop) == (0.1, ("END",))
        assert asked[0].messages[0].content.endswith("Be brief, 1.")

    def test_an_agent_that_gives_no_answer_fails_its_node(self, model):
        from victor.core.message import ToolCall
        from victor.core.model import ModelResponse

        count = iter(range(100))
        model.append(lambda request: ModelResponse("", (ToolCall("1", "basename", f'{{"p": "{next(count)}"}}'),)))
        with pytest.raises(WorkflowRunError, match="node 'a': the agent stopped without an answer: max_steps"):
            run("      - {id: a, goal: x, model: fake, tools: ['os.path:basename'], tool_budget: 2}\n")

    def test_long_inputs_are_cut_and_it_is_said(self, model):
        asked = []
        model.append(lambda request: asked.append(request.messages[-1].content) or "ok")
        run("      - {id: a, goal: x, model: fake, inputs: {text: $ctx.text}}\n", text="y" * 30_000)
        assert "[10,000 more characters are left out]" in asked[0]

    def test_compute_calls_functions_with_inputs_or_with_what_they_name(self):
        def join(left: str, right: str = "r", context=None) -> str:
            return f"{left}{right}{context.id}"

        assert run("      - {id: c, type: compute, handler: join, inputs: {left: a}}\n", functions={"join": join}) == {
            "c": "arc"
        }
        assert run("      - {id: c, type: compute, handler: join}\n", functions={"join": join}, left="L") == {
            "c": "Lrc"
        }

    def test_compute_calls_tools(self):
        out = run("      - {id: c, type: compute, tools: ['os.path:basename'], inputs: {p: a/b}}\n")
        assert out == {"c": "b"}
        nodes = "      - {{id: c, type: compute, tools: ['os.path:basename', 'os.path:dirname'], {more} inputs: {{p: a/b}}}}\n"
        for more in ("", "parallel: true,"):
            assert run(nodes.format(more=more))["c"] == {"os.path:basename": "b", "os.path:dirname": "a"}

    def test_a_tool_that_fails_fails_the_node_or_gives_null(self):
        nodes = "      - {{id: c, type: compute, tools: ['os:listdir', 'os.path:basename'], {more} inputs: {{path: /no/such/place, p: a/b}}}}\n"
        with pytest.raises(WorkflowRunError, match=r"node 'c': listdir failed: FileNotFoundError"):
            run(nodes.format(more=""))
        assert run(nodes.format(more="fail_fast: false,"))["c"] == {"os:listdir": None, "os.path:basename": "b"}

    def test_transforms(self, tmp_path):
        assert run("      - {id: t, type: transform, transform: 'status = closed'}\n") == {"status": "closed"}
        out = run("      - {id: t, type: transform, transform: 'copy = ctx.n'}\n", n=[1])
        assert out["copy"] == [1]
        assert run("      - {id: t, type: transform, set: {x: 1, y: '{{ n + 1 }}'}}\n", n=1) == {"x": 1, "y": 2}
        assert run(
            "      - {id: t, type: transform, transform: up}\n", functions={"up": lambda name: name.upper()}, name="a"
        ) == {"t": "A"}
        assert run(
            "      - {id: t, type: transform, transform: all}\n", functions={"all": lambda values: sorted(values)}, q=1
        ) == {"t": ["q"]}
        (tmp_path / "w.yaml").write_text(
            "workflows: {w: {inputs: {n: 1}, nodes: [{id: t, type: transform, template_file: t.j2}]}}"
        )
        (tmp_path / "t.j2").write_text("n is {{ n }}\n")
        assert load_workflow(tmp_path / "w.yaml").run_sync() == {"t": "n is 1\n"}

    def test_functions_beside_the_file_and_of_modules(self, tmp_path):
        (tmp_path / "own.py").write_text("def hi(name):\n    return 'hi ' + name\n")
        (tmp_path / "w.yaml").write_text(
            "workflows: {w: {inputs: {name: string}, nodes: ["
            "{id: a, type: compute, handler: './own.py:hi'}, {id: b, type: compute, handler: 'os.path:basename', inputs: {p: x/y}}]}}"
        )
        assert load_workflow(tmp_path / "w.yaml").run_sync(name="Ann") == {"a": "hi Ann", "b": "y"}

    def test_a_node_is_tried_again(self):
        tries = []

        def flaky() -> str:
            tries.append(1)
            if len(tries) < 3:
                raise ConnectionError("again")
            return "ok"

        nodes = "      - {id: f, type: compute, handler: flaky, retry: {max_attempts: 3, initial_interval: 0.001, jitter: false}}\n"
        assert run(nodes, functions={"flaky": flaky}) == {"f": "ok"}

    def test_a_node_that_takes_too_long_fails(self):
        async def slow() -> None:
            await asyncio.Event().wait()

        with pytest.raises(TimeoutError):
            run("      - {id: s, type: compute, handler: slow, timeout: 0.01}\n", functions={"slow": slow})
        with pytest.raises(TimeoutError):
            run("      - {id: s, type: compute, handler: slow}\n", top="    timeout: 0.01\n", functions={"slow": slow})


class TestPeople:
    def graph(self, node: str):
        text = f"workflows: {{w: {{inputs: {{n: 5}}, nodes: [{{id: ask, type: hitl, {node}}}, {{id: z, type: transform, template: done}}]}}}}"
        return parse_workflow(text).compile("memory:")

    def answer(self, node: str, *answers: Any) -> dict[str, Any]:
        graph = self.graph(node)
        state = graph.invoke({"n": 5}, thread_id="t")
        for answer in answers:
            assert state["__interrupt__"]
            state = graph.invoke(Command(resume=answer), thread_id="t")
        return state

    def test_the_question_says_what_is_needed(self):
        state = self.graph(
            "prompt: 'Pay {{ n }}?', context_keys: [n], hitl_type: choice, choices: [a, b], wait_seconds: 5"
        ).invoke({"n": 5}, thread_id="t")
        assert state["__interrupt__"][0].value == {
            "node": "ask", "type": "choice", "prompt": "Pay 5?", "context": {"n": 5}, "choices": ["a", "b"], "wait_seconds": 5.0,
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("answer", "value"), [("yes", True), (True, True), ({"approved": True}, True), ("OK", True)]
    )
    def test_approval(self, answer, value):
        assert self.answer("prompt: p", answer)["ask"] is value

    def test_a_no_stops_the_run_unless_the_file_says_otherwise(self):
        with pytest.raises(RejectedError, match="not approved"):
            self.answer("prompt: p", "no")
        assert self.answer("prompt: p, on_reject: continue", "no")["ask"] is False

    def test_an_answer_that_cannot_be_used_is_asked_for_again(self):
        state = self.answer("prompt: p", "perhaps")
        assert state["__interrupt__"][0].value["problem"] == "answer yes or no"
        assert self.answer("prompt: p, hitl_type: choice, choices: [bank, cash]", "gold", "2")["ask"] == "cash"

    def test_input_and_review(self):
        assert self.answer("prompt: p, hitl_type: input", "free text")["ask"] == "free text"
        assert self.answer("prompt: p, hitl_type: review", "yes")["ask"] == {"approved": True, "comment": ""}
        assert self.answer("prompt: p, hitl_type: review", "say it shorter")["ask"] == {
            "approved": False,
            "comment": "say it shorter",
        }
        assert self.answer("prompt: p, hitl_type: review", {"approved": False, "comment": "c"})["ask"] == {
            "approved": False,
            "comment": "c",
        }

    def test_when_nobody_answers_in_time_the_fallback_decides(self):
        with pytest.raises(RejectedError, match="nobody answered"):
            self.answer("prompt: p, wait_seconds: 1", TIMED_OUT)
        assert self.answer("prompt: p, fallback: continue", TIMED_OUT)["ask"] is None
        assert self.answer("prompt: p, fallback: default, default_value: x, hitl_type: input", TIMED_OUT)["ask"] == "x"

    def test_running_without_a_record_says_what_to_do(self):
        with pytest.raises(ConfigurationError, match=r"waits for a person at node 'ask'.*checkpointer"):
            parse_workflow("workflows: {w: {nodes: [{id: ask, type: hitl, prompt: p}]}}").run_sync()


def test_a_third_partys_node_type():
    import attrs

    @attrs.frozen
    class Shout:
        text: str
        templates = ("text",)

        async def run(self, context):
            return context.text("text").upper()

    get_plugins().node_types.register("shout", Shout)
    try:
        assert run("      - {id: s, type: shout, text: 'hi {{ name }}'}\n", name="ann") == {"s": "HI ANN"}
        with pytest.raises(VictorError, match="unknown; did you mean 'text'"):
            run("      - {id: s, type: shout, txet: hi}\n")
    finally:
        get_plugins().node_types.discard("shout")


def test_outputs_not_on_the_path_taken_are_null():
    text = """
workflows:
  w:
    inputs: {n: 1}
    outputs: {a: $ctx.x, b: "{{ n + 1 }}"}
    nodes:
      - {id: c, type: condition, condition: n > 5, branches: {true: x, false: end}}
      - {id: x, type: transform, template: x}
"""
    assert parse_workflow(text).run_sync() == {"a": None, "b": 2}


def test_choosing_among_several(tmp_path):
    text = "workflows: {a: {nodes: [{id: x, type: transform, template: A}]}, b: {nodes: [{id: y, type: transform, template: B}]}}"
    with pytest.raises(ConfigurationError, match="choose one: a, b"):
        parse_workflow(text)
    with pytest.raises(VictorError, match="unknown workflow 'c'"):
        parse_workflow(text, "c")
    (tmp_path / "w.yaml").write_text(text)
    assert load_workflow(f"{tmp_path}/w.yaml#b").run_sync() == {"y": "B"}
    assert list(load_workflows(tmp_path / "w.yaml")) == ["a", "b"]
    assert repr(load_workflow(tmp_path / "w.yaml", "a")) == "Workflow('a', nodes=['x'])"


def test_runs_go_on_after_a_crash_from_the_last_whole_step():
    """The failing node runs again; those before it do not."""
    calls = []

    def work(name: str) -> str:
        calls.append(name)
        if name == "b" and calls.count("b") == 1:
            raise RuntimeError("power cut")
        return name

    text = """
workflows:
  w:
    nodes:
      - {id: a, type: compute, handler: work, inputs: {name: a}}
      - {id: b, type: compute, handler: work, inputs: {name: b}}
"""
    graph = parse_workflow(text, functions={"work": work}).compile("memory:")
    with pytest.raises(RuntimeError):
        graph.invoke({}, thread_id="t")
    assert graph.invoke(None, thread_id="t") == {"a": "a", "b": "b"}
    assert calls == ["a", "b", "b"]


@pytest.mark.parametrize(("n", "came"), [(1, "low"), (9, "high")])
def test_yes_and_no_are_branches_of_a_yes_or_no_question(n, came):
    flow = parse_workflow("""
workflows:
  w:
    inputs: {n: integer}
    nodes:
      - {id: is, type: condition, condition: n > 5, branches: {yes: high, no: low}}
      - {id: high, type: transform, template: high, output: came, next: end}
      - {id: low, type: transform, template: low, output: came}
""")
    assert flow.compile().invoke({"n": n})["came"] == came
