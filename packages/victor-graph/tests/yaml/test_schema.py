"""The JSON Schema of workflow files: it is what is published, and it agrees with the loader."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from attrs import frozen

import victor.graph.plugin
from victor.core.testing.plugins import isolated_plugins
from victor.graph.yaml.loader import load_definitions
from victor.graph.yaml.problems import WorkflowFileError
from victor.graph.yaml.schema import SCHEMA_FILE, build_schema, render_schema
from victor.graph.yaml.source import read_file, read_text

SCHEMA = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
CHECK = jsonschema.Draft7Validator(SCHEMA)
EXAMPLES = sorted(
    path
    for path in (Path(__file__).parents[4] / "docs" / "examples").rglob("*.y*ml")
    # The published schema knows the node types of this package alone.
    if "workflows:" in (text := path.read_text(encoding="utf-8")) and "type: team" not in text
)


def errors(text: str) -> list[str]:
    return [error.message for error in CHECK.iter_errors(read_text(text).value)]


def test_the_published_schema_is_the_one_the_classes_make():
    with isolated_plugins(victor.graph.plugin):
        made = render_schema()
    if made != SCHEMA_FILE.read_text(encoding="utf-8"):
        pytest.fail(f"{SCHEMA_FILE} is out of date: run  victor workflow schema -o {SCHEMA_FILE}")


def test_it_is_a_schema():
    jsonschema.Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_fit(path):
    assert [error.message for error in CHECK.iter_errors(read_file(path).value)] == []


def test_every_key_is_described():
    missing = [
        f"{name}.{key}"
        for name, definition in SCHEMA["$defs"].items()
        for key, body in definition.get("properties", {}).items()
        if not body.get("description") and "$ref" not in body
    ]
    assert missing == []


def test_node_types_of_plugins_are_in_it():
    @frozen
    class Shout:
        """Says something loud."""

        text: str

        async def run(self, context):
            return context.text("text").upper()

    made = build_schema({"shout": Shout})
    assert made["$defs"]["node_shout"]["required"] == ["text"]
    assert made["$defs"]["node"]["properties"]["type"]["enum"] == ["shout"]


def workflow(node: str, top: str = "") -> str:
    return f"workflows: {{w: {{{top} nodes: [{node}]}}}}"


GOOD = [
    workflow("{id: a, goal: x}"),
    workflow("{id: a, goal: x, tools: [], retry: 3, timeout: 1.5, llm_config: {temperature: 0}}"),
    workflow("{id: a, goal: x, retry: {max_attempts: 2, jitter: false}, cache: {ttl: 5}}"),
    workflow("{id: a, goal: x, output_schema: {title: string, kind: [a, b]}}"),
    workflow("{id: a, type: transform, set: {x: 1}}"),
    workflow("{id: a, type: transform, template: x, next: end}"),
    workflow("{id: a, type: hitl, prompt: x, hitl_type: choice, choices: [a, b]}"),
    workflow("{id: a, type: condition, condition: n > 1, branches: {true: end, false: end}}", "inputs: {n: 1},"),
    workflow("{id: a, type: map, over: [1], node: {type: transform, template: x}}"),
    workflow("{id: a, type: map, over: [1], as: x, nodes: [{id: b, type: transform, template: x}]}"),
    workflow("{id: a, type: loop, until: b == x, nodes: [{id: b, type: transform, template: x}]}"),
    workflow("{id: a, type: transform, template: x}", "inputs: {n: integer, m: {type: list, default: []}, o: hello},"),
    workflow("{id: a, type: transform, template: x}", "outputs: [a], execution: {max_concurrency: 3},"),
    workflow("{id: a, type: transform, template: x, name:, description: d}").replace("name:,", ""),
]
BAD = [
    "workflows: {}",
    "{}",
    "workflow: {}",
    workflow("{goal: x}"),
    workflow("{id: a}"),
    workflow("{id: a, goal: x, gaol: y}"),
    workflow("{id: a, type: agnt, goal: x}"),
    workflow("{id: a, type: transform, template: x, prompt: y}"),
    workflow("{id: a, goal: x, timeout: -1}"),
    workflow("{id: a, goal: x, retry: {attempts: 3}}"),
    workflow("{id: a, goal: x, constraints: [llm]}"),
    workflow("{id: a, type: hitl, prompt: x, hitl_type: vote}"),
    workflow("{id: a, type: condition, condition: 'true'}"),
    workflow("{id: a, type: parallel, parallel_nodes: b}"),
    workflow("{id: a, type: map, over: [1], node: {type: transform, tmplate: x}}"),
    workflow("{id: a, type: loop, until: x, nodes: [{type: transform, template: x}]}"),
    workflow("{id: a, goal: x}", "inputs: {n: {typ: integer}},"),
    workflow("{id: a, goal: x}", "schedule: {cron: x},"),
    workflow("{id: a, goal: x}", "nods: [],"),
]


@pytest.mark.parametrize("text", GOOD)
def test_both_take_what_is_right(text):
    assert errors(text) == []
    load_definitions(read_text(text))


@pytest.mark.parametrize("text", BAD)
def test_both_refuse_what_is_wrong(text):
    assert errors(text)
    with pytest.raises(WorkflowFileError):
        load_definitions(read_text(text))


def test_references_are_left_to_the_loader():
    assert errors(workflow("{$ref: './other.yaml#b', goal: another}")) == []
