"""Workflow files as Python: what is written, and that it gives the same."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from victor.core.errors import ConfigurationError
from victor.core.plugins import get_plugins
from victor.graph.command import Command
from victor.graph.yaml import ExportError, Steps, export_python, load_object, load_workflow, parse_workflow

ROOT = Path(__file__).parents[4]

PROGRAM = """
from operator import add
from typing import Annotated, TypedDict

from attrs import define


class State(TypedDict, total=False):
    n: int
    log: Annotated[list[str], add]


class In(TypedDict):
    n: int


@define
class Record:
    n: int = 0


def up(state):
    return {"n": state["n"] + 1, "log": ["up"]}


def often(state):
    return state["n"] < 3


def join(left, right="r"):
    return f"{left}{right}"


async def later(left: str) -> dict[str, int]:
    return {"n": len(left)}


def rows() -> list[dict[str, int]]:
    return [{"n": 1}, {"n": 2}]


def whole(values):
    return sorted(values)


def judge(n):
    return "big" if n > 2 else "small"


def context_of(context):
    return context.id


def fail(n):
    raise KeyError("no")


def mend(state, error):
    return {"a": "mended"}


def key(state):
    return str(state["n"])


def open_ended(**more):
    return sorted(more)
"""


@pytest.fixture
def made(tmp_path, forms):
    """Exports a workflow beside the program; gives the text of the module, and the workflow in both forms."""
    (tmp_path / "app.py").write_text(PROGRAM)

    def made(body: str, more: str = ""):
        text = "workflows:\n  w:\n" + textwrap.indent(textwrap.dedent(body).strip("\n"), "    ") + "\n" + more
        (tmp_path / "w.yaml").write_text(text)
        workflow = load_workflow(tmp_path / "w.yaml", "w")
        return export_python(workflow), workflow, forms.python(workflow, tmp_path)

    return made


class TestWords:
    """What is said in Python, and what stays a text of the file."""

    @pytest.mark.parametrize(
        ("expression", "said"),
        [
            ("{{ n + 1 }}", 'state["n"] + 1'),
            ("{{ (n - 1) * (n // 2) / -n }}", '(state["n"] - 1) * (state["n"] // 2) / -state["n"]'),
            ("{{ n - (n - n) }}", 'state["n"] - (state["n"] - state["n"])'),
            ("$ctx.o.a", 'state["o"]["a"]'),
            ("{{ o.a }}", 'state["o"]["a"]'),
            ("$ctx.l[0]", 'state["l"][0]'),
            ("{{ ctx.n }}", 'state["n"]'),
            ("{{ ctx['n'] }}", 'state["n"]'),
            ('Dear {{ s }}, {it\'s} "{{ n }}"', "f\"Dear {state['s']}, {{it's}} \\\"{state['n']}\\\"\""),
            ("{{ s | upper }}{{ n | lower }}", "f\"{str(state['s']).upper()}{str(state['n']).lower()}\""),
            ("{{ l | length }}", 'len(state["l"])'),
            ("{{ 'a' if n > 1 and not b else none }}", '"a" if state["n"] > 1 and not state["b"] else None'),
            ("{{ [n, 1.5, 'x'] }}", '[state["n"], 1.5, "x"]'),
            ("{{ n is none or s is defined }}", 'state["n"] is None or "s" in state'),
            ("{{ n in [1, 2] }}", 'state["n"] in [1, 2]'),
            ("{{ 1 < n <= 3 }}", '1 < state["n"] <= 3'),
            ("plain", '"plain"'),
            ("{# nothing #}", '""'),
            ("{{ s ~ n }}", None),
            ("{{ l | sort }}", None),
            ("{{ o.items }}", None),
            ("{{ s.a }}", None),
            ("{{ n[0] }}", None),
            ("{{ l[n] }}", None),
            ("{{ o.a.b }}", None),
            ("{{ 'x' if n }}", None),
            ("{{ n is divisibleby(2) }}", None),
            ("{{ s | replace('a', 'b') }}", None),
            ("{{ range(3) }}", None),
            ("{{ s }}{{ 'it\\'s' }}", None),
            ("${HOME_OF_NOBODY:-x}", None),
            ("{% for x in l %}{{ x }}{% endfor %}", None),
            ("{{ s }}" + "\n{{ n }}" * 4, None),
        ],
    )
    def test_an_expression(self, made, expression, said):
        import json

        text, workflow, python = made(
            f"""
            inputs: {{n: 4, s: x, l: {{type: list, default: [3, 2]}}, o: {{type: object, default: {{a: 7, items: 1}}}}, b: false}}
            nodes: [{{id: t, type: transform, set: {{y: {json.dumps(expression)}}}}}]
            """
        )
        if said is None:
            assert "t = steps.transform(" in text
        else:
            assert f'    return {{"y": {said}}}\n' in text
        try:
            wanted = workflow.run_sync()
        except Exception:
            with pytest.raises(Exception):  # noqa: B017 - what fails there fails here
                python.run_sync()
        else:
            assert python.run_sync() == wanted

    def test_types_that_are_known_by_what_functions_and_agents_give(self, made):
        text, *_ = made(
            """
            nodes:
              - {id: a, type: compute, handler: "./app.py:rows"}
              - {id: m, type: map, over: $ctx.a, as: row, node: {type: transform, set: {x: $ctx.row.n}}}
              - {id: g, goal: x, output_schema: {kind: [p, q]}, model: offline}
              - {id: t, type: transform, template: "{{ g.kind }}"}
            """
        )
        assert 'return {"x": state["row"]["n"]}' in text
        assert "a: list[dict[str, int]]" in text
        assert "return {\"t\": f\"{state['g']['kind']}\"}" in text

    def test_odd_texts_and_names(self, made):
        long = "word " * 40
        text, workflow, python = made(
            f"""
            nodes:
              - {{id: class, type: transform, template: "a\\\\b\\"\\"\\"c", description: 'Says "x"'}}
              - {{id: my-node, type: transform, set: {{"odd key": 1, "x.y": [.inf, -.inf, null, true]}}}}
              - {{id: list, type: transform, template: "{long}{{{{ class | upper }}}}"}}
              - {{id: state, type: transform, template: "{{% if 1 %}}\\none\\n{{% endif %}}\\ntwo {{{{ list }}}} \\n  three\\n"}}
              - {{id: m, type: map, over: [1], as: it, nodes: [{{id: in-ner, type: transform, template: "{{{{ it }}}}"}}, {{id: z, type: transform, template: "{{{{ ctx['in-ner'] }}}}"}}]}}
            """
        )
        assert python.run_sync() == workflow.run_sync()
        assert "def class_(" in text
        assert max(map(len, text.splitlines())) <= 120


class TestNodes:
    def test_functions_are_called(self, made):
        text, workflow, python = made(
            """
            inputs: {left: L, n: 3, right2: {type: string, default: q}}
            nodes:
              - {id: a, type: compute, handler: "./app.py:join", inputs: {left: "{{ left }}!", right: $ctx.right2}}
              - {id: b, type: compute, handler: "./app.py:join"}
              - {id: c, type: compute, handler: "./app.py:later"}
              - {id: d, type: compute, handler: "os.path:basename", inputs: {p: a/b}}
              - {id: e, type: compute, handler: "./app.py:context_of"}
              - {id: f, type: transform, transform: "./app.py:judge"}
              - {id: g, type: condition, condition: "./app.py:judge", branches: {big: h, default: end}}
              - {id: h, type: transform, template: "{{ c.n }} {{ left | center(5) }}"}
              - {id: i, type: compute, handler: "./app.py:open_ended", inputs: {x: 1, "a-b": 2}}
              - {id: j, type: compute, tools: ["os.path:basename"], inputs: {p: "{{ d ~ 'x' }}"}, output: named}
              - {id: k, type: transform, transform: "copy = ctx.a"}
              - {id: l, type: transform, set: {x: 1}, output: both}
              - {id: r, type: compute, handler: "./app.py:join", inputs: {left: "{{ d ~ 'x' }}"}}
            """
        )
        assert python.run_sync() == workflow.run_sync()
        assert python.run_sync(n=1) == workflow.run_sync(n=1)
        assert '{"a": join(left=f"{state[\'left\']}!", right=state["right2"])}' in text
        assert 'async def c(state: State) -> dict[str, Any]:\n    return {"c": await later(left=state["left"])}' in text
        assert 'e = steps.node("compute", "e", handler="./app.py:context_of")' in text
        assert "from posixpath import" not in text
        assert "from os.path import basename" in text
        assert 'return choose("g", judge(n=state["n"]), {"big": "h", "default": END})' in text

    def test_functions_of_everything(self, made):
        _, workflow, python = made(
            """
            nodes:
              - {id: a, type: transform, transform: "./app.py:whole"}
              - {id: n, type: transform, set: {n: 1}}
              - {id: b, type: transform, transform: "./app.py:judge"}
            """
        )
        assert python.run_sync() == workflow.run_sync() == {"a": [], "n": 1, "b": "small"}

    def test_functions_a_program_registers_need_a_name(self):
        text = "workflows: {w: {nodes: [{id: a, type: compute, handler: f}, {id: b, type: transform, transform: f}, {id: c, type: compute, handler: g}]}}"
        workflow = parse_workflow(text, functions={"f": lambda: 1, "g": lambda context: 1})
        with pytest.raises(ExportError) as caught:
            export_python(workflow)
        assert len(caught.value.problems) == 3
        assert "node 'a': the function 'f' that the program registers: a lambda has no name" in str(caught.value)

    def test_a_graph_in_python_is_no_file(self, made):
        *_, python = made("nodes: [{id: a, type: transform, template: x}]")
        with pytest.raises(ExportError, match="is a graph in Python already"):
            export_python(python)

    def test_a_plugins_node_type(self, made):
        import attrs

        @attrs.frozen
        class Shout:
            text: str
            class_: str = "x"
            templates = ("text",)

            async def run(self, context):
                return context.text("text").upper() + self.class_ + str(context.inputs)

        get_plugins().node_types.register("shout", Shout)
        try:
            text, workflow, python = made(
                "{inputs: {n: 1}, nodes: [{id: s, type: shout, text: 'hi {{ n }}', class: y, inputs: {a: $ctx.n}}]}"
            )
            assert python.run_sync() == workflow.run_sync() == {"s": "HI 1y{'a': 1}"}
            assert 's = steps.node("shout", "s", text="hi {{ n }}", inputs={"a": "$ctx.n"}, **{"class": "y"})' in text
        finally:
            get_plugins().node_types.discard("shout")

    def test_what_a_node_says_besides(self, made):
        text, workflow, python = made(
            """
            inputs: {n: 1}
            max_retries: 2
            default_node_timeout: 9
            nodes:
              - {id: a, name: The first, type: compute, handler: "./app.py:fail", retry: {max_attempts: 2, initial_interval: 0.001, jitter: false, retry_on: "builtins:KeyError"}, error_handler: "./app.py:mend", metadata: {x: 1}, destinations: {b: there}, defer: true}
              - {id: b, type: compute, handler: "./app.py:judge", cache: {ttl: 5, key: "./app.py:key"}, timeout: {run: 3, idle: 2, refresh_on: heartbeat}}
              - {id: c, type: compute, handler: "./app.py:judge", inputs: {n: $ctx.n}, cache: true, retry: [{max_attempts: 2, retry_on: transient}, {retry_on: [builtins:OSError, builtins:KeyError]}]}
              - {id: d, type: transform, template: "{{ n }}", cache: {ttl: 2}, retry: 3}
            """
        )
        assert python.run_sync() == workflow.run_sync()
        first, other = workflow.graph.nodes, python.graph.nodes
        for name, node in first.items():
            assert [(r.max_attempts, r.initial_interval, r.max_interval, r.covers(KeyError())) for r in node.retry] == [
                (r.max_attempts, r.initial_interval, r.max_interval, r.covers(KeyError())) for r in other[name].retry
            ]
            assert (node.timeout, node.defer, node.destinations) == (
                other[name].timeout, other[name].defer, other[name].destinations,
            )  # fmt: skip
            if node.cache is not None:
                assert (node.cache.ttl, node.cache.key_func({"n": 1})) == (
                    other[name].cache.ttl, other[name].cache.key_func({"n": 1}),
                )  # fmt: skip
        assert other["a"].metadata == {"x": 1, "title": "The first"}
        assert "retry_on=may_pass" in text

    @pytest.mark.parametrize("strategy", ["any", "first"])
    def test_races_with_policies(self, made, strategy):
        text, workflow, python = made(
            f"""
            inputs: {{n: 1, left: x}}
            nodes:
              - {{id: both, type: parallel, parallel_nodes: [a, b], join_strategy: {strategy}}}
              - {{id: a, type: compute, handler: "./app.py:judge", timeout: 5, retry: {{max_attempts: 2, initial_interval: 0.001}}}}
              - {{id: b, type: agent, goal: x, model: "nobody:x"}}
            """.replace("agent, goal: x, model: \"nobody:x\"", "compute, handler: './app.py:judge', inputs: {n: 1}")
        )  # fmt: skip
        assert python.run_sync() == workflow.run_sync()
        assert "guarded(" in text

    def test_maps_with_policies_and_caches(self, made):
        _, workflow, python = made(
            """
            inputs: {n: 1}
            nodes:
              - {id: m, name: All of them, type: map, over: [1, 0], as: x, retry: {max_attempts: 2, initial_interval: 0.001, jitter: false}, timeout: 5, cache: true, on_error: skip, errors: bad, node: {type: transform, template: "{{ n / x }}", cache: true}}
              - {id: k, type: map, over: [1, 2], max_concurrency: 2, node: {type: workflow, workflow: other, inputs: {x: $ctx.item}}}
              - {id: p, type: parallel, parallel_nodes: [q, r]}
              - {id: q, type: map, over: [3], node: {type: transform, template: "{{ item }}"}}
              - {id: r, type: transform, template: r}
              - {id: l, type: loop, while: l_round < 3, next: [y, z], nodes: [{id: b, type: transform, template: "{{ l_round }}"}, {id: c, type: condition, condition: true, branches: {true: end, false: end}}]}
              - {id: y, type: transform, template: y, next: end}
              - {id: z, type: transform, template: z}
            """,
            "  other: {inputs: {x: integer}, execution: {timeout: 9, max_iterations: 5}, nodes: [{id: o, type: transform, set: {o: '{{ x * 2 }}'}}]}\n",
        )
        wanted = workflow.run_sync()
        assert python.run_sync() == wanted
        assert wanted["bad"][0]["error"].startswith("ExpressionError")

    def test_workflows_of_other_files(self, tmp_path, forms):
        (tmp_path / "lib").mkdir()
        (tmp_path / "lib" / "own.py").write_text("def hi(name):\n    return 'hi ' + name\n")
        (tmp_path / "lib" / "t.j2").write_text("file {{ a }}")
        (tmp_path / "lib" / "lib.yaml").write_text(
            "workflows: {greet: {inputs: {name: string}, nodes: [{id: a, type: compute, handler: './own.py:hi'}, {id: b, type: transform, template_file: t.j2}]}}"
        )
        (tmp_path / "w.yaml").write_text(
            "workflows: {w: {nodes: [{id: s, type: workflow, workflow: './lib/lib.yaml#greet', inputs: {name: Ann}}, {$ref: './lib/lib.yaml#b', id: r, inputs: {}, output: a}]}}".replace(
                "{$ref: './lib/lib.yaml#b', id: r, inputs: {}, output: a}",
                "{id: a, type: transform, template: '1'}, {$ref: './lib/lib.yaml#b', output: q}",
            )
        )
        workflow = load_workflow(tmp_path / "w.yaml")
        python = forms.python(workflow, tmp_path)
        assert python.run_sync() == workflow.run_sync() == {
            "s": {"a": "hi Ann", "b": "file hi Ann"}, "a": "1", "q": "file 1",
        }  # fmt: skip

    def test_a_workflow_that_runs_itself(self, forms):
        text = """
workflows:
  w:
    inputs: {n: integer}
    outputs: {sum: "{{ n + (rest.sum if rest is defined else 0) }}"}
    nodes:
      - {id: more, type: condition, condition: n > 1, branches: {true: rest, false: stop}}
      - {id: rest, type: workflow, workflow: w, inputs: {n: "{{ n - 1 }}"}, next: end}
      - {id: stop, type: transform, set: {rest: {sum: 0}}}
"""
        assert forms.parse(text).run_sync(n=4) == parse_workflow(text).run_sync(n=4) == {"sum": 10}


class TestStates:
    BODY = """
        {top}
        start_routes: [{{function: "./app.py:often", to: {{true: a, false: end}}}}]
        interrupt_before: [b]
        nodes:
          - {{id: a, type: compute, handler: "./app.py:up", takes: state, routes: [{{function: "./app.py:often", to: {{true: a, false: b, "2": b, "null": end}}}}]}}
          - {{id: b, type: compute, handler: "./app.py:up", takes: "./app.py:State", next: end}}
          - {{id: c, type: workflow, workflow: inner, takes: state, after: [b], routes: [{{function: "./app.py:often", to: [c, end]}}]}}
    """

    @pytest.mark.parametrize(
        "top",
        [
            'state: "./app.py:State"',
            '{state: "./app.py:State", inputs: "./app.py:In", outputs: "./app.py:In"}',
            'state: {n: integer, log: {type: list, reducer: "operator:add"}}',
            '{state: {n: integer, log: {type: list, reducer: "operator:add"}}, inputs: {n: integer}}',
            '{state: {log: {type: list, reducer: "operator:add"}}, inputs: "./app.py:In"}',
        ],
    )
    def test_what_a_state_graph_says(self, made, top):
        lines = top[1:-1] if top.startswith("{") else top
        keys = "\n        ".join(part.strip() for part in _split(lines))
        body = self.BODY.format(top=keys).replace(
            'routes: [{function: "./app.py:often", to: [c, end]}]', "metadata: {k: v}"
        )
        _, workflow, python = made(
            body,
            '  inner: {state: {n: integer, log: {type: list, reducer: "operator:add"}}, nodes: [{id: i, type: transform, set: {log: [inner]}}]}\n',
        )
        for form in (workflow, python):
            graph = form.compile("memory:")
            graph.invoke(form.read_inputs({"n": 1}), form.config("t"))
            state = graph.invoke(Command(resume=None), form.config("t"))
            form.seen = form.read_outputs(state)  # type: ignore[attr-defined]
        assert python.seen == workflow.seen  # type: ignore[attr-defined]
        assert workflow.seen.get("n", 4) == 4  # type: ignore[attr-defined]

    def test_answers_that_python_cannot_tell_apart_are_refused(self, made):
        with pytest.raises(ExportError, match="the answers true and 1 are the same in Python"):
            made(
                """
                state: {n: integer}
                nodes: [{id: a, type: transform, template: x, routes: [{function: "./app.py:often", to: {true: a, "1": end}}]}]
                """
            )

    def test_a_class_with_other_names_beside_it(self, made):
        text, workflow, python = made(
            """
            state: ./app.py:State
            nodes:
              - {id: a, type: compute, handler: "./app.py:up", takes: state}
              - {id: t, type: transform, template: "{{ n }}"}
            """
        )
        assert python.run_sync(n=1) == workflow.run_sync(n=1) == {"n": 2, "log": ["up"], "t": "2"}
        assert "class State(app_State, total=False):" in text

    def test_a_class_that_can_have_no_more_keys_is_refused(self, made):
        with pytest.raises(ExportError, match=r"cannot have more keys \(t\); make it a TypedDict"):
            made("{state: './app.py:Record', nodes: [{id: t, type: transform, template: '{{ n }}'}]}")


def _split(text: str) -> list[str]:
    """Parts between commas outside brackets."""
    parts, depth = [""], 0
    for char in text:
        depth += (char in "{[") - (char in "}]")
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return parts


class TestSteps:
    def test_what_is_wrong_is_told_where_the_step_is_made(self):
        from typing import TypedDict

        class State(TypedDict):
            words: list[str]

        steps = Steps(State)
        with pytest.raises(ConfigurationError, match="node 'a': unknown name 'wrods'; did you mean 'words'"):
            steps.transform("a", template="{{ wrods }}")
        with pytest.raises(ConfigurationError, match="node 'b': .*did you mean 'goal'"):
            steps.node("agent", "b", gaol="x")
        with pytest.raises(ConfigurationError, match="a map is made of nodes and edges"):
            steps.node("map", "c")
        assert steps.transform("t", template="x").__name__ == "t"

    async def test_parts_of_nodes(self, tmp_path):
        (tmp_path / "app.py").write_text(PROGRAM)
        steps = Steps(folder=tmp_path)
        state = {"n": 2, "o": {"a": [1]}}
        assert (steps.text("n {{ n }}", state), steps.value("$ctx.o.a", state), steps.test("n > 1", state)) == (
            "n 2", [1], True,
        )  # fmt: skip
        assert steps.value(["{{ n }}"], state) == [2]
        assert steps.load("./app.py:key")(state) == "2"
        assert steps.key("n")({"n": 1, "x": 1}) == steps.key("n")({"n": 1, "x": 2}) != steps.key("n")({"n": 2})

    def test_functions_of_steps_may_be_sync(self):
        import operator
        from typing import Annotated, Any, TypedDict

        from victor.graph import START, StateGraph

        State = TypedDict("State", {"m": list, "r": Annotated[list, operator.add], "w": Any}, total=False)  # noqa: UP013
        steps = Steps(State)
        graph = StateGraph(State)
        each = steps.map("m", [1, 2], lambda item: item["item"] * 2, results="r", timeout=5)
        each.add_to(graph)
        graph.add_node("race", steps.race("race", {"x": lambda state: {"w": 1}}))
        graph.add_edge(START, "m").add_edge("m:join", "race")
        assert graph.compile().invoke({}) == {"m": [2, 4], "r": [], "w": 1}


def test_the_example_workflow_gives_the_same_report(tmp_path, monkeypatch, forms):
    examples = tmp_path / "examples"
    shutil.copytree(ROOT / "docs" / "examples" / "workflows" / "real_world", examples)
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.md").write_text("# Title\n\nSome words. TODO: mend this.\n")
    (tmp_path / "texts" / "b.txt").write_text("Other words, " * 30)
    monkeypatch.chdir(tmp_path)
    workflow = load_workflow(examples / "document_processing.yaml")
    python = forms.python(workflow, examples)
    back = forms.yaml(python, examples)
    reports = []
    for number, form in enumerate((workflow, python, back)):
        form.run_sync(folder="texts", report=f"report{number}.md")
        reports.append((tmp_path / f"report{number}.md").read_text().replace(f"report{number}", "report"))
    assert reports[0] == reports[1] == reports[2]
    assert "Title" in reports[0]


def test_what_is_written_is_python_that_tools_accept():
    text = export_python(load_workflow(ROOT / "docs/examples/workflows/real_world/document_processing.yaml"))
    ast.parse(text)
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent))
    if ruff is None:
        pytest.skip("pip install ruff")
    done = subprocess.run(
        [ruff, "check", "--isolated", "--line-length=120", "--select=E,F,I,UP,B", "-"],
        input=text, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_without_a_folder_what_stands_beside_the_file_is_found(tmp_path, monkeypatch):
    (tmp_path / "app.py").write_text(PROGRAM)
    (tmp_path / "w.yaml").write_text(
        "workflows: {w: {inputs: {n: 1}, nodes: [{id: a, type: compute, handler: './app.py:judge'}]}}"
    )
    (tmp_path / "out.py").write_text(export_python(load_workflow(tmp_path / "w.yaml")))
    monkeypatch.chdir("/")
    assert load_object(f"{tmp_path}/out.py:workflow").run_sync(n=5) == {"a": "big"}
