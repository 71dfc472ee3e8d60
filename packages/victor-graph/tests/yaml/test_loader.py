"""Everything that is wrong with a file is told, with its place, in one pass; and the same by validate and by run."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from victor.core.errors import VictorError
from victor.core.plugins import set_plugins
from victor.graph.yaml import WorkflowFileError, load_workflow, parse_workflow


def problems(nodes: str, top: str = "", functions: Any = None) -> list[str]:
    """What is said about a workflow of these nodes, without the places."""
    text = f"workflows:\n  w:\n    inputs: {{n: 1, items: []}}\n{top}    nodes:\n{nodes}"
    with pytest.raises(WorkflowFileError) as caught:
        parse_workflow(text, functions=functions)
    return [problem.message for problem in caught.value.problems]


@pytest.fixture
def own_plugins_only(monkeypatch):
    """Only core and this package are there, whatever else is installed."""
    monkeypatch.setenv("VICTOR_LOAD_PLUGINS", "core,graph")
    before = set_plugins(None)
    yield
    set_plugins(before)


@pytest.mark.parametrize(
    ("node", "says"),
    [
        ("{id: a, type: agnet, goal: x}", "unknown node type 'agnet'; did you mean 'agent'?"),
        ("{id: a, type: team, goal: x}", "it comes with victor-teams; pip install victor-teams"),
        ("{id: a, type: agent}", "the key 'goal' is missing"),
        ("{id: a, gaol: x, goal: y}", "the key 'gaol' is unknown; did you mean 'goal'?"),
        ("{type: agent, goal: y}", "the key 'id' is missing"),
        ("{id: '', goal: y}", "id: "),
        ("{id: end, goal: y}", "'end' is reserved; choose another id"),
        ("{id: self, goal: y}", "'self' is reserved; choose another id"),
        ("{id: n, goal: y}", "node 'n' would overwrite the input 'n'; give it another output"),
        ("{id: a, goal: y, tools: [files.raed]}", "unknown tool 'files.raed'"),
        ("{id: a, goal: y, model: 'opnai:x'}", "unknown model provider 'opnai'; did you mean 'openai'?"),
        ("{id: a, goal: y, output_schema: {t: strnig}}", "unknown type 'strnig'"),
        ("{id: a, goal: '{{ nope }}'}", "unknown name 'nope'"),
        ("{id: a, goal: '$ctx.itms'}", "unknown name 'itms'; did you mean 'items'?"),
        ("{id: a, goal: y, inputs: {x: $ctx.nope}}", "unknown name 'nope'"),
        ("{id: a, goal: y, inputs: {x: '$env.VICTOR_NOT_SET_ANYWHERE'}}", "VICTOR_NOT_SET_ANYWHERE is not set"),
        ("{id: a, goal: y, input_mapping: {x: nope}}", "unknown name 'nope'"),
        ("{id: a, goal: y, next: b}", "unknown node 'b'; there are: a, end"),
        ("{id: a, goal: y, timeout: 0}", "timeout: must be more than 0"),
        ("{id: a, goal: y, retry: {max_attempts: 0}}", "retry.max_attempts: "),
        ("{id: a, goal: y, retry: 0}", "retry: "),
        ("{id: a, goal: y, retry: -1}", "retry: "),
        ("{id: a, goal: y, retry: {attempts: 2}}", "is unknown"),
        ("{id: a, goal: y, services: {}}", "'services' is not supported: starting services is not a workflow's task"),
        ("{id: a, goal: y, profile: fast}", "'profile' is not supported: name the model"),
        ("{id: a, goal: y, llm_config: {model_hint: big}}", "'llm_config.model_hint' is not supported: name the model"),
        ("{id: a, goal: y, llm_config: {temprature: 1}}", "is unknown; did you mean 'temperature'?"),
        ("{id: a, type: compute}", "a compute node needs either 'tools' or a 'handler'"),
        ("{id: a, type: compute, handler: nope}", "unknown function 'nope'"),
        ("{id: a, type: compute, handler: 'os.path:nope'}", "'os.path' has no 'nope'"),
        ("{id: a, type: compute, handler: 'os:sep'}", "is a str, not a function"),
        ("{id: a, type: compute, handler: 'no_such_module_x:f'}", "does not import"),
        ("{id: a, type: compute, handler: './x.py:f'}", "there is no file"),
        ("{id: a, type: compute, handler: 'os.path:basename', inputs: {q: 1}}", "has no parameter 'q'; it has: p"),
        ("{id: a, type: compute, handler: 'os.path:basename', inputs: {}}", "needs 'p'; add it to inputs"),
        ("{id: a, type: compute, handler: 'os.path:basename'}", "needs 'p'; add it to inputs"),
        ("{id: a, type: compute, tools: ['os.path:basename'], inputs: {q: 1}}", "the tool 'os.path:basename' has no parameter 'q'"),
        ("{id: a, type: compute, tools: ['os.path:basename']}", "needs 'p'; add it to inputs"),
        ("{id: a, type: compute, tools: [x], constraints: [llm]}", "'constraints' is not supported"),
        ("{id: a, type: transform}", "exactly one of set, template, template_file, transform; there is none"),
        ("{id: a, type: transform, template: x, set: {y: 1}}", "there are set and template"),
        ("{id: a, type: transform, template: '{{ x'}", "the template is wrong in its line 1"),
        ("{id: a, type: transform, transform: 'merge(a, b)'}", "unknown function 'merge(a, b)'"),
        ("{id: a, type: transform, transform: 'x = ctx.nope'}", "unknown name 'nope'"),
        ("{id: a, type: transform, template_file: x.j2}", "needs a workflow that was loaded from a file"),
        ("{id: a, type: hitl}", "the key 'prompt' is missing"),
        ("{id: a, type: hitl, prompt: p, hitl_type: choice}", "'choices' belong to hitl_type: choice"),
        ("{id: a, type: hitl, prompt: p, choices: [x]}", "'choices' belong to hitl_type: choice"),
        ("{id: a, type: hitl, prompt: p, hitl_type: choice, choices: [x], default_value: y}", "'y' is none of the choices: x"),
        ("{id: a, type: hitl, prompt: p, fallback: default}", "needs a default_value"),
        ("{id: a, type: hitl, prompt: p, context_keys: [nope]}", "unknown name 'nope'"),
        ("{id: a, type: hitl, prompt: p, fallback: retry}", "must be one of"),
        ("{id: a, type: condition, condition: n > 1, branches: {true: end}}", "there is no branch for 'false', and no default"),
        ("{id: a, type: condition, condition: n >, branches: {default: end}}", "is no expression"),
        ("{id: a, type: condition, condition: n > 1, branches: {true: x, false: end}}", "unknown node 'x'"),
        ("{id: a, type: condition, condition: n > 1, branches: {}}", "needs at least one branch"),
        ("{id: a, type: condition, condition: 'os:nope', branches: {default: end}}", "'os' has no 'nope'"),
        ("{id: a, type: condition, condition: n > 1, branches: {default: end}, next: end}", "has 'branches', no 'next'"),
        ("{id: a, type: parallel, parallel_nodes: [a]}", "needs at least two nodes"),
        ("{id: a, type: parallel, parallel_nodes: [x, y]}", "unknown node 'x'"),
        ("{id: a, type: parallel, parallel_nodes: [x, y], join_strategy: merge}", "join_strategy: must be one of"),
        ("{id: a, type: map, over: $ctx.items}", "a map needs either 'node' or 'nodes'"),
        ("{id: a, type: map, over: $ctx.nope, node: {type: transform, template: x}}", "unknown name 'nope'"),
        ("{id: a, type: map, over: [], as: 'a b', node: {type: transform, template: x}}", "'a b' is no name for an item"),
        ("{id: a, type: map, over: [], nodes: []}", "there must be at least one node"),
        ("{id: a, type: map, over: [], as: file, node: {type: transform, template: '{{ fiel }}'}}", "unknown name 'fiel'"),
        ("{id: a, type: loop, nodes: [{id: b, goal: x}]}", "a loop needs 'until' or 'while'"),
        ("{id: a, type: loop, until: nope, nodes: [{id: b, goal: x}]}", "unknown name 'nope'"),
        ("{id: a, type: workflow, workflow: nope}", "unknown workflow 'nope'; there are: w"),
        ("{id: a, type: workflow, workflow: './nope.yaml'}", "can be found only from a workflow that was loaded from a file"),
        ("{id: a, type: workflow, workflow: w, inputs: {m: 1}}", "unknown input of workflow 'w': 'm'"),
        ("{$ref: './x.yaml#a'}", "can be found only from a workflow that was loaded from a file"),
        ("{$ref: x}", "$ref takes"),
        ("{$ref: '#nope'}", "has no node 'nope'"),
        ("just text", "expected"),
    ],
)  # fmt: skip
def test_each_mistake_is_told(node, says, own_plugins_only):
    found = problems(f"      - {node}\n")
    assert any(says in message for message in found), found


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "a workflow file is a mapping with the key 'workflows'"),
        ("- a", "a workflow file is a mapping"),
        ("workflows: []", "'workflows' is a mapping of name to workflow"),
        ("workflows: {}", "with at least one"),
        ("workflows: {w: 3}", "expected a mapping with keys, got 3"),
        ("workflows: {w: {}}", "the key 'nodes' is missing"),
        ("workflows: {w: {nodes: []}}", "there must be at least one node"),
        ("workflow: {w: {}}\nworkflows: {w: {nodes: [{id: a, goal: x}]}}", "unknown key 'workflow'; did you mean 'workflows'?"),
        ("workflows: {w: {nodes: [{id: a, goal: x}], schedule: {cron: x}}}", "'schedule' is not supported: there is no scheduler"),
        ("workflows: {w: {nodes: [{id: a, goal: x}], batch_config: {}}}", "'batch_config' is not supported"),
        ("workflows: {w: {nodes: [{id: a, goal: x}], start_node: b}}", "unknown node 'b'"),
        ("workflows: {w: {nodes: [{id: a, goal: x}], inputs: {x: {type: strnig}}}}", "type: must be one of"),
        ("workflows: {w: {nodes: [{id: a, goal: x}], inputs: {'a b': 1}}}", "'a b' is no name for an input"),
        ("workflows: {w: {nodes: [{id: a, goal: x}], inputs: {k: {enum: [a], default: b}}}}", "'b' is none of the values in enum"),
        ("workflows: {w: {nodes: [{id: a, goal: x}], outputs: {o: $ctx.q}}}", "unknown name 'q'"),
        ("workflows: {w: {nodes: [{id: a, goal: x}], outputs: [q]}}", "unknown name 'q'"),
        ("workflows: {w: {nodes: [{id: a, goal: x}], execution: {timout: 3}}}", "is unknown; did you mean 'timeout'?"),
        ("workflows: {w: {nodes: [{id: a, goal: x}, {id: a, goal: y}]}}", "the id 'a' is taken by the node at <text>:1"),
        ("workflows: {w: {nodes: [{id: a, goal: x, next: end}, {id: b, goal: y}]}}", "nothing leads to the node 'b'"),
    ],
)  # fmt: skip
def test_mistakes_of_the_file_as_a_whole(text, says):
    with pytest.raises(WorkflowFileError) as caught:
        parse_workflow(text)
    assert says in str(caught.value)


def test_all_is_told_at_once_in_the_order_of_the_file_with_line_and_column():
    text = (
        "workflows:\n"
        "  w:\n"
        "    inputs: {files: list}\n"
        "    nodes:\n"
        "      - id: a\n"
        "        type: agent\n"
        "        gaol: x\n"
        "      - id: b\n"
        "        type: transform\n"
        '        template: "{{ fils }}"\n'
        "      - {id: c, type: condition, condition: b ==, branches: {true: zz, false: end}}\n"
    )
    with pytest.raises(WorkflowFileError) as caught:
        parse_workflow(text)
    assert str(caught.value).splitlines() == [
        "<text>:5:9: the key 'goal' is missing",
        "<text>:7:9: the key 'gaol' is unknown; did you mean 'goal'?",
        "<text>:10:19: unknown name 'fils'; did you mean 'files'?",
        "<text>:11:45: 'b ==' is no expression: unexpected 'end of template'",
        "<text>:11:68: unknown node 'zz'; there are: b, c, end",
    ]


def test_nodes_side_by_side_must_write_apart():
    nodes = (
        "      - {id: p, type: parallel, parallel_nodes: [a, b]}\n"
        "      - {id: a, type: transform, template: x, output: o}\n"
        "      - {id: b, type: transform, template: x, output: o}\n"
    )
    assert problems(nodes) == ["'a' and 'b' run side by side and both write 'o'; name their outputs apart"]


def test_what_may_not_run_inside_a_parallel_node():
    nodes = (
        "      - {id: p, type: parallel, parallel_nodes: [a, b, c], join_strategy: any}\n"
        "      - {id: a, type: condition, condition: n > 1, branches: {default: end}}\n"
        "      - {id: b, type: map, over: [], node: {type: transform, template: x}}\n"
        "      - {id: c, type: transform, template: x, next: end}\n"
    )
    found = " ".join(problems(nodes))
    assert "'a' is a condition; put it into a workflow of its own" in found
    assert "'b' is a map, which can only be waited for (join_strategy: all)" in found
    assert "'c' runs inside 'p', which says what comes next; remove 'next' here" in found


def test_problems_in_other_files_are_told_with_their_own_place(tmp_path):
    (tmp_path / "lib.yaml").write_text("workflows:\n  l:\n    nodes:\n      - {id: a, gaol: x, goal: y}\n")
    (tmp_path / "main.yaml").write_text(
        "workflows:\n  w:\n    nodes:\n      - {id: s, type: workflow, workflow: './lib.yaml#l'}\n"
        "      - {id: t, type: workflow, workflow: './lib.yaml#m'}\n      - {id: u, type: workflow, workflow: './nope.yaml'}\n"
    )
    with pytest.raises(WorkflowFileError) as caught:
        load_workflow(tmp_path / "main.yaml")
    text = str(caught.value)
    assert "lib.yaml:4:17: the key 'gaol' is unknown" in text
    assert "main.yaml:5:43: unknown workflow 'm'; there are: l" in text
    assert "'./nope.yaml' cannot be used" in text


def test_the_older_dialect_is_read():
    text = """
workflows:
  review:
    description: as the predecessor wrote it
    metadata: {version: "1.0", author: someone}
    max_iterations: 25
    default_node_timeout_seconds: 60
    inputs: {severity: 5, repo: "."}
    nodes:
      - {id: find, role: researcher, goal: "list bugs", tool_budget: 3, output: bugs, timeout_seconds: 30}
      - {id: gate, type: condition, condition: "severity > 3", branches: {"true": ask, "false": done}}
      - {id: ask, type: hitl, hitl_type: approval, prompt: "Fix?", fallback: abort}
      - {id: fan, type: parallel, parallel_nodes: [lint, tests], join_strategy: all, next: [done]}
      - {id: lint, type: compute, handler: check, input_mapping: {path: repo}}
      - {id: tests, type: compute, handler: check, inputs: {path: $ctx.repo}, timeout: 120, output: report}
      - {id: done, type: transform, transform: "status = closed"}
"""
    workflow = parse_workflow(text, functions={"check": lambda path: f"checked {path}"})
    graph = workflow.compile("memory:")
    state = graph.invoke(workflow.read_inputs({"severity": 1}), thread_id="t")
    assert state["status"] == "closed"
    assert "lint" not in state


FRAGMENTS = st.sampled_from(
    ["id", "type", "goal", "nodes", "next", "branches", "condition", "over", "node", "inputs", "output", "true", "false", "end",
     "map", "loop", "agent", "transform", "compute", "hitl", "parallel", "workflow", "template", "set", "$ctx.a", "{{ a }}",
     "{{", "a", "b", "$ref", "until", "prompt", "retry", "tools", "handler", "os.path:basename", "parallel_nodes", "as"],
)  # fmt: skip
VALUES = st.recursive(
    FRAGMENTS | st.integers(-3, 3) | st.booleans() | st.none() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(FRAGMENTS, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.dictionaries(FRAGMENTS, VALUES, max_size=6), max_size=4), st.dictionaries(FRAGMENTS, VALUES, max_size=3)
)
def test_no_file_whatsoever_makes_the_loader_raise_anything_but_its_own_error(nodes, top):
    import json

    try:
        parse_workflow(json.dumps({"workflows": {"w": {**top, "nodes": nodes}}}))
    except VictorError:
        pass


VALID = """
workflows:
  w:
    inputs: {names: [a, b], limit: 2}
    nodes:
      - {id: m, type: map, over: $ctx.names, as: name, node: {type: transform, template: "Hi {{ name }}"}}
      - {id: c, type: condition, condition: m | length > limit, branches: {true: x, false: end}}
      - {id: x, type: transform, set: {y: "{{ limit + 1 }}"}}
"""


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32))
def test_mutated_files_are_read_or_refused(seed):
    chance = random.Random(seed)
    text = list(VALID)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(text))
        what = chance.random()
        if what < 0.4:
            del text[at : at + chance.randint(1, 5)]
        elif what < 0.8:
            text.insert(at, chance.choice(list("{}[]:,'\"$|>&*!%- \n\tabc0\u00e9")))
        else:
            text[at:at] = text[at : at + chance.randint(1, 20)]
    try:
        parse_workflow("".join(text))
    except VictorError:
        pass


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("{type: integer, default: abc}", "the default must be a value of type integer, not the text 'abc'"),
        ("{type: integer, default: '5'}", "the default must be a value of type integer, not the text '5'"),
        ("{type: integer, default: 1.5}", "the default must be a whole number, not 1.5"),
        ("{type: number, default: true}", "the default must be a number, not True"),
        ("{type: boolean, default: 1}", "the default must be true or false, not 1"),
        ("{type: list, default: abc}", "the default must be a value of type list, not the text 'abc'"),
        ("{type: object, default: [1]}", "the default must be an object, not [1]"),
        ("{type: string, default: [1]}", "the default must be a text, not [1]"),
        ("{type: string, enum: [a], default: b}", "'b' is none of the values in enum"),
    ],
)
def test_defaults_of_inputs_are_of_their_type(spec: str, says: str) -> None:
    with pytest.raises(WorkflowFileError) as caught:
        parse_workflow(f"workflows: {{w: {{inputs: {{x: {spec}}}, nodes: [{{id: a, type: transform, template: t}}]}}}}")
    assert [problem.message for problem in caught.value.problems] == [says]


@pytest.mark.parametrize("spec", ["{type: integer, default: null}", "{type: file, default: later.txt}", "7", "[a]"])
def test_defaults_that_are_right(spec: str) -> None:
    parse_workflow(f"workflows: {{w: {{inputs: {{x: {spec}}}, nodes: [{{id: a, type: transform, template: t}}]}}}}")


def test_what_is_no_node_hides_no_other_mistake() -> None:
    found = problems(
        "      - {id: a, type: transfrom, template: x}\n      - just text\n      - {id: b, goal: '{{ nope }}'}\n"
    )
    assert any("'transfrom'" in message for message in found)
    assert any("expected a mapping with keys" in message for message in found)
    assert any("unknown name 'nope'" in message for message in found)
    assert len(found) == 3


def test_nodes_that_shape_the_flow_have_no_output() -> None:
    nodes = """\
      - {id: p, type: parallel, parallel_nodes: [x, y], join_strategy: any, output: winner}
      - {id: x, type: transform, template: x}
      - {id: y, type: transform, template: y}
"""
    assert problems(nodes) == [
        "a parallel has no output of its own: what its nodes give is kept under their names",
    ]
