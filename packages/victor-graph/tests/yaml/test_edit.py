"""Edits are splices: what they are about changes, every other byte stays, and the file says what was wanted."""

from __future__ import annotations

import random
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from victor.core.errors import ConfigurationError
from victor.graph.yaml.edit import EditError, WorkflowEdit
from victor.graph.yaml.loader import load_definitions
from victor.graph.yaml.problems import WorkflowFileError
from victor.graph.yaml.render import render_block, render_flow, render_scalar
from victor.graph.yaml.source import read_text
from victor.graph.yaml.splice import YamlText, _same

BLOCK = """\
# A file with everything in it.
%TAG ! tag:x,2000:
---
workflows:

  # the first one
  review:   # does it
    description: 'Reviews: "things"'
    inputs: {repo: string, depth: {type: integer, default: 3}}   # flow
    metadata: &meta
      author: Ann        # who
      tags:
      - x
      - y

    nodes:
      # finds
      - id: find     # the finder
        role: researcher
        goal: |
          List the bugs
            of {{ repo }}.

        tools: [ ]
        retry:
          max_attempts: 2   # twice

      # decides
      - id: gate
        type: condition
        condition: "find | length > 3"
        branches: {"true": fan, false: 'done'}

      - {id: fan, type: parallel, parallel_nodes: [lint, tests], next: [done]}
      - {id: lint, type: transform, template: lint}
      -   id: tests
          type: transform
          template: >-
            folded
            text
      - id: each
        type: map
        over: [1, 2]
        nodes:
          - {id: inner, type: transform, template: x}
          - id: inner2
            type: transform
            template: y

      # the end
      - id: done
        type: transform
        transform: status = closed
    outputs:
      status: $ctx.status
# trailing comment
""".replace("%TAG ! tag:x,2000:\n---\n", "")

COMPACT = (
    "workflows: {w: {nodes: [{id: a, type: transform, template: A}, {id: b, type: transform, template: '{{ a }}'}]}}"
)
INDENTLESS = "workflows:\n    w:\n        nodes:\n        - id: a\n          type: transform\n          template: A\n        - type: transform\n          id: b\n          template: B\n"
ANCHORS = """\
workflows:
  w:
    nodes:
      - &base
        id: a
        type: transform
        template: &text "hello"
      - <<: *base
        id: b
      - id: c
        type: transform
        template: *text
"""
FILES = {"block": BLOCK, "compact": COMPACT, "indentless": INDENTLESS, "crlf": BLOCK.replace("\n", "\r\n"), "bom": "\ufeff" + INDENTLESS,
         "tabs": INDENTLESS.replace("template: A\n", "template: A\t# tab\n").rstrip("\n"), "anchors": ANCHORS}  # fmt: skip


def changed(before: str, after: str) -> tuple[str, str]:
    """The whole lines in which two texts differ, from the first to the last."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return "".join(old[start : len(old) - end]), "".join(new[start : len(new) - end])


def edited(text: str, *calls: tuple[str, ...] | Any, workflow: str | None = None) -> str:
    edit = WorkflowEdit(text, workflow)
    for name, *arguments in calls:
        options = (
            arguments.pop()
            if arguments and isinstance(arguments[-1], dict) and name.endswith(("edge", "move_node"))
            else {}
        )
        getattr(edit, name)(*arguments, **options)
    return edit.text


class TestKeys:
    @pytest.mark.parametrize(
        ("call", "old", "new"),
        [
            (("find", "role", "editor"), "        role: researcher\n", "        role: editor\n"),
            (("find", ("retry", "max_attempts"), 5), "          max_attempts: 2   # twice\n", "          max_attempts: 5   # twice\n"),
            (("find", ("retry", "jitter"), False), "", "          jitter: false\n"),
            (("find", "tools", ["files.read"]), "        tools: [ ]\n", "        tools: [files.read]\n"),
            (("find", "timeout", 2.5), "", "        timeout: 2.5\n"),
            (("gate", "condition", "find"), '        condition: "find | length > 3"\n', '        condition: "find"\n'),
            (("lint", "template", "a, b"), "      - {id: lint, type: transform, template: lint}\n", "      - {id: lint, type: transform, template: 'a, b'}\n"),
            (("lint", "timeout", 1), "      - {id: lint, type: transform, template: lint}\n", "      - {id: lint, type: transform, template: lint, timeout: 1}\n"),
            (("inner", "template", "z"), "          - {id: inner, type: transform, template: x}\n", "          - {id: inner, type: transform, template: z}\n"),
            ((None, "description", "It's"), "    description: 'Reviews: \"things\"'\n", "    description: 'It''s'\n"),
            ((None, "model", "openai:gpt"), "", "    model: openai:gpt\n"),
            ((None, ("inputs", "depth", "default"), 4), "    inputs: {repo: string, depth: {type: integer, default: 3}}   # flow\n", "    inputs: {repo: string, depth: {type: integer, default: 4}}   # flow\n"),
            ((None, ("metadata", "author"), "Bob"), "      author: Ann        # who\n", "      author: Bob        # who\n"),
            ((None, ("metadata", "tags"), ["x", "z", "y"]), "", "      - z\n"),
            ((None, ("outputs", "count"), "$ctx.n"), "", "      count: $ctx.n\n"),
            (("done", "transform", "two\nlines\n"), "        transform: status = closed\n", "        transform: |\n          two\n          lines\n"),
            (("tests", "template", "plain"), "          template: >-\n            folded\n            text\n", "          template: plain\n"),
            (("find", "goal", "one line"), "        goal: |\n          List the bugs\n            of {{ repo }}.\n", "        goal: one line\n"),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("newline", ["\n", "\r\n"])
    def test_setting_one_changes_its_line_alone(self, call, old, new, newline):
        text = BLOCK.replace("\n", newline)
        after = edited(text, ("set", *call))
        assert changed(text, after) == (old.replace("\n", newline), new.replace("\n", newline))

    def test_a_mapping_is_changed_key_by_key(self):
        after = edited(BLOCK, ("set", "find", "retry", {"max_attempts": 2, "jitter": True}))
        assert changed(BLOCK, after) == ("", "          jitter: true\n")

    def test_a_mapping_becomes_something_else_and_back(self):
        three = edited(BLOCK, ("set", "find", "retry", 3))
        assert "        retry: 3   # twice\n\n      # decides" in three, "the comment stays"
        again = edited(three, ("set", "find", "retry", {"max_attempts": 2}))
        assert "        retry:\n          max_attempts: 2   # twice\n\n      # decides" in again

    @pytest.mark.parametrize(
        ("call", "gone"),
        [
            (("find", "role"), "        role: researcher\n"),
            (("find", "retry"), "        retry:\n          max_attempts: 2   # twice\n"),
            (("find", ("retry", "max_attempts")), "        retry:\n          max_attempts: 2   # twice\n"),
            (("find", "goal"), "        goal: |\n          List the bugs\n            of {{ repo }}.\n"),
            ((None, "outputs"), "    outputs:\n      status: $ctx.status\n"),
            ((None, ("metadata", "tags", 1)), "      - y\n"),
        ],
    )
    def test_removing_one_takes_its_lines(self, call, gone):
        after = edited(BLOCK, ("unset", *call))
        assert changed(BLOCK, after) == (gone, "")

    def test_removing_in_brackets_takes_the_comma_too(self):
        assert "- {id: fan, type: parallel, parallel_nodes: [lint, tests]}\n" in edited(BLOCK, ("unset", "fan", "next"))
        assert "- {type: transform, template: lint}\n" in edited(BLOCK, ("unset", "lint", "id"))
        assert "inputs: {depth: {type: integer, default: 3}}   # flow" in edited(
            BLOCK, ("unset", None, ("inputs", "repo"))
        )

    def test_the_first_key_of_an_item(self):
        assert edited(INDENTLESS, ("unset", "b", "type")).endswith("        - id: b\n          template: B\n")

    def test_missing_parents_are_made(self):
        after = edited(COMPACT, ("set", "a", ("retry", "max_attempts"), 2))
        assert "{id: a, type: transform, template: A, retry: {max_attempts: 2}}" in after
        after = edited(INDENTLESS, ("set", "a", ("retry", "max_attempts"), 2))
        assert "          template: A\n          retry:\n              max_attempts: 2\n" in after, (
            "four columns, as elsewhere"
        )

    def test_what_has_no_value_gets_one(self):
        text = INDENTLESS.replace("template: A", "template:")
        assert edited(text, ("set", "a", "template", "x")) == INDENTLESS.replace("template: A", "template: x")

    @pytest.mark.parametrize(
        ("call", "says"),
        [
            (("set", "nobody", "goal", "x"), "unknown node 'nobody'"),
            (("set", "fnd", "goal", "x"), "did you mean 'find'?"),
            (("unset", "find", "prompt"), "there is no workflows.review.nodes[0].prompt to remove"),
            (("set", "find", ("tools", 3), "x"), "there is no"),
            (("set", "find", ("goal", "deeper"), "x"), "there is no"),
            (("set", "find", "goal", object()), "cannot hold a object"),
        ],
    )
    def test_what_cannot_be_is_refused(self, call, says):
        with pytest.raises((EditError, ConfigurationError), match=None) as caught:
            edited(BLOCK, call)
        assert says in str(caught.value)


class TestNodes:
    NEW = {"id": "new", "type": "transform", "template": "two\nlines\n"}

    def test_added_at_the_end_in_the_style_of_the_file(self):
        after = edited(BLOCK, ("add_node", self.NEW))
        assert changed(BLOCK, after) == (
            "",
            "\n      - id: new\n        type: transform\n        template: |\n          two\n          lines\n",
        )

    def test_added_behind_and_before_another(self):
        edit = WorkflowEdit(INDENTLESS)
        edit.add_node({"id": "x", "type": "transform", "template": "X"}, after="a")
        edit.add_node({"id": "y", "type": "transform", "template": "Y"}, before="a")
        assert edit.nodes == ["y", "a", "x", "b"]
        assert edit.text.startswith("workflows:\n    w:\n        nodes:\n        - id: y\n          type: transform\n")

    def test_added_in_brackets_and_in_bodies(self):
        after = edited(COMPACT, ("add_node", {"id": "c", "goal": "x, y"}))
        assert after == COMPACT.replace("'{{ a }}'}]", "'{{ a }}'}, {id: c, goal: 'x, y'}]")
        edit = WorkflowEdit(BLOCK)
        edit.add_node(self.NEW, after="inner2")
        assert "            template: y\n          - id: new\n            type: transform\n" in edit.text

    @pytest.mark.parametrize("newline", ["\n", "\r\n"])
    def test_removed_with_what_names_it(self, newline):
        text = BLOCK.replace("\n", newline)
        after = edited(text, ("remove_node", "tests"))
        assert "id: fan, type: parallel, parallel_nodes: [lint], next: [done]}" in after
        assert "folded" not in after
        assert after.count("# ") == text.count("# ")
        without = edited(text, ("remove_node", "done"))
        assert "branches: {\"true\": fan, false: 'end'}" in without, "what led to it leads to what came after it"
        assert "parallel_nodes: [lint, tests]}" in without
        assert "# the end" in without

    def test_the_last_of_a_list_stays(self):
        edit = WorkflowEdit(BLOCK)
        edit.remove_node("inner")
        with pytest.raises(EditError, match="the only node of its list"):
            edit.remove_node("inner2")

    def test_renamed_everywhere(self):
        after = edited(BLOCK, ("rename_node", "done", "finish"))
        old, new = changed(BLOCK, after)
        assert "branches: {\"true\": fan, false: 'finish'}" in new
        assert "next: [finish]" in new
        assert "- id: finish\n" in new
        assert len(old.splitlines()) == len(new.splitlines())

    def test_renamed_keeps_its_output_where_something_uses_it(self):
        after = edited(BLOCK, ("rename_node", "find", "search"))
        assert "- id: search     # the finder\n" in after
        assert "          max_attempts: 2   # twice\n        output: find\n" in after
        assert "output" not in edited(BLOCK, ("rename_node", "lint", "check")).replace("outputs", "")

    def test_moved_with_the_comments_above_it(self):
        after = edited(BLOCK, ("move_node", "gate", {"before": "find"}))
        assert after.index("# decides\n      - id: gate") < after.index("# finds\n      - id: find     # the finder")
        assert sorted(after.splitlines()) == sorted(BLOCK.splitlines())
        edit = WorkflowEdit(after)
        edit.move_node("gate", after="find")
        assert edit.text == BLOCK, "and back"

    def test_moved_to_the_front_and_in_brackets(self):
        assert WorkflowEdit(edited(BLOCK, ("move_node", "done"))).nodes[0] == "done"
        after = edited(COMPACT, ("move_node", "b", {"before": "a"}))
        assert (
            after
            == "workflows: {w: {nodes: [{id: b, type: transform, template: '{{ a }}'}, {id: a, type: transform, template: A}]}}"
        )

    @pytest.mark.parametrize(
        ("call", "says"),
        [
            (("add_node", {"id": "find"}), "there is a node 'find' already"),
            (("add_node", {"goal": "x"}), "a node needs an id"),
            (("rename_node", "find", "done"), "there is a node 'done' already"),
            (("move_node", "find", {"after": "inner"}), "not in the same list"),
            (("remove_node", "nobody"), "unknown node"),
        ],
    )
    def test_what_cannot_be_is_refused(self, call, says):
        edit = WorkflowEdit(BLOCK)
        with pytest.raises((EditError, ConfigurationError)) as caught:
            name, *arguments = call
            options = arguments.pop() if name == "move_node" else {}
            getattr(edit, name)(*arguments, **options)
        assert says in str(caught.value)
        assert edit.text == BLOCK


class TestEdges:
    @pytest.mark.parametrize(
        ("calls", "new"),
        [
            ([("add_edge", "find", "done")], "        next: done\n"),
            ([("add_edge", "find", "done"), ("add_edge", "find", "gate")], "        next: [done, gate]\n"),
            ([("add_edge", "find", "end"), ("remove_edge", "find", "end")], ""),
            (
                [("add_edge", "find", "a"), ("add_edge", "find", "b"), ("remove_edge", "find", "a")],
                "        next: [b]\n",
            ),
        ],
    )
    def test_next(self, calls, new):
        assert changed(BLOCK, edited(BLOCK, *calls)) == ("", new)

    def test_branches(self):
        after = edited(BLOCK, ("add_edge", "gate", "each", {"branch": "maybe"}))
        assert "branches: {\"true\": fan, false: 'done', maybe: each}\n" in after
        after = edited(BLOCK, ("add_edge", "gate", "each", {"branch": "false"}))
        assert "branches: {\"true\": fan, false: 'each'}\n" in after
        after = edited(BLOCK, ("remove_edge", "gate", "fan"))
        assert "branches: {false: 'done'}\n" in after

    def test_parallel_nodes(self):
        after = edited(BLOCK, ("add_edge", "fan", "find"))
        assert "parallel_nodes: [lint, tests, find], next: [done]" in after
        assert "parallel_nodes: [tests], next: [done]" in edited(BLOCK, ("remove_edge", "fan", "lint"))

    @pytest.mark.parametrize(
        ("call", "says"),
        [
            (("add_edge", "gate", "fan"), "which answer"),
            (("add_edge", "find", "fan", {"branch": "true"}), "is no condition"),
            (("remove_edge", "find", "done"), "no edge from 'find' to 'done' is written"),
        ],
    )
    def test_what_cannot_be_is_refused(self, call, says):
        with pytest.raises(EditError, match=says):
            edited(BLOCK, call)


class TestAnchors:
    def test_what_is_behind_an_alias_is_refused_and_nothing_changes(self):
        edit = WorkflowEdit(ANCHORS)
        for path, says in (
            ((None, ("nodes", 2, "template"), "x"), "is the alias *text"),
            (("a", "template", "x"), "other values would change"),
        ):
            with pytest.raises(EditError) as caught:
                edit.set(*path)
            assert says in str(caught.value)
            assert edit.text == ANCHORS

    def test_what_is_merged_in_is_overridden_but_not_removed(self):
        after = edited(ANCHORS, ("set", "b", "template", "mine"))
        assert changed(ANCHORS, after) == ("", "        template: mine\n")
        with pytest.raises(EditError, match="comes in by a merge"):
            edited(ANCHORS, ("unset", "b", "type"))

    def test_an_anchor_stays_where_its_value_changes(self):
        text = INDENTLESS.replace("template: A", "template: &text 'hello'  # greeting")
        assert edited(text, ("set", "a", "template", "bye")) == text.replace("hello", "bye")


def test_files_are_written_whole_with_their_line_breaks(tmp_path):
    path = tmp_path / "w.yaml"
    path.write_bytes(FILES["crlf"].encode())
    edit = WorkflowEdit.load(path)
    edit.set("find", "role", "editor")
    edit.save()
    assert path.read_bytes() == FILES["crlf"].replace("role: researcher", "role: editor").encode()
    assert [p.name for p in tmp_path.iterdir()] == ["w.yaml"]
    with pytest.raises(ConfigurationError, match="was not loaded from a file"):
        WorkflowEdit(COMPACT).save()


@pytest.mark.parametrize(
    ("text", "workflow", "says"),
    [
        ("a: 1", None, "no 'workflows'"),
        ("workflows: {a: {}, b: {}}", None, "choose one: a, b"),
        (COMPACT, "v", "unknown workflow"),
    ],
)
def test_there_must_be_a_workflow(text, workflow, says):
    with pytest.raises(ConfigurationError, match=says):
        WorkflowEdit(text, workflow)


def test_a_text_that_is_no_yaml():
    with pytest.raises(WorkflowFileError):
        WorkflowEdit("a: [")


# ---------------------------------------------------------------- properties

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    ["yes", "no", "null", "12", "1e3", "0x1f", "a: b", "a #b", "- x", "{a}", "[", "'", '"', "a\nb", "a\n\nb\n", "\n", " x", "x ",
     "|", ">", "!x", "&x", "*x", "%x", "@x", "`x", "---", "...", "a\tb", "\u2028", "\x85", "é", "😀", "1:30", "2020-01-01", "<<", "=", "~",
     "a\r\nb", "?", "? x", ": x", "x:", "-", "a, b", "a]", "#x"]
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8) | st.sampled_from(
    ["true", "yes", "a b", "1", "a:b", "#", "- a"]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS.filter(lambda k: k != "<<"), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.slow
@given(VALUES)
@settings(max_examples=150)
@example("a:")
@example("-")
def test_what_is_written_is_read_back(value):
    for text in (
        f"key:{render_block(value, 0)}\n",
        f"key: {render_flow(value)}\n",
        f"- - key:{render_block(value, 4)}\n",
    ):
        found = read_text(text).value
        found = found["key"] if isinstance(found, dict) else found[0][0]["key"]
        assert _same(found, value), text


@given(TEXTS)
def test_quoted_texts_are_read_back(text):
    for style in ("", "'", '"'):
        assert read_text(f"a: [{render_scalar(text, flow=True, style=style)}]").value == {"a": [text]}
        assert read_text(f"a: {render_scalar(text, style=style)}").value == {"a": text}


def paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path]
    if isinstance(value, dict):
        for key, item in value.items():
            found += paths(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += paths(item, (*path, index))
    return found


@pytest.mark.slow
@given(
    st.sampled_from(sorted(FILES)),
    st.randoms(use_true_random=False),
    VALUES,
    st.sampled_from(["set", "add", "unset", "insert", "move"]),
)
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_random_changes_say_what_was_wanted_and_touch_nothing_else(name, chance, value, kind):
    before = FILES[name]
    text = YamlText(before)
    every = [path for path in paths(text.value) if len(path) > 1]
    path = chance.choice(every)
    wanted = deepcopy(text.value)
    holder: Any = wanted
    for key in path[:-1]:
        holder = holder[key]
    there = holder[path[-1]]
    try:
        if kind == "set":
            holder[path[-1]] = value
            text.set(path, value)
        elif kind == "add" and isinstance(there, dict):
            there["added"] = value
            text.set((*path, "added"), value)
        elif kind == "insert" and isinstance(there, list):
            index = chance.randint(0, len(there))
            there.insert(index, value)
            text.insert(path, index, value)
        elif kind == "move" and isinstance(there, list) and len(there) > 1:
            old, new = chance.sample(range(len(there)), 2)
            there.insert(new, there.pop(old))
            text.move(path, old, new)
        elif kind == "unset":
            del holder[path[-1]]
            text.unset(path)
        else:
            return
    except EditError:
        assert text.text == before, "what is refused leaves the text alone"
        return
    assert _same(read_text(text.text.removeprefix("\ufeff")).value, wanted)
    old, new = changed(before, text.text)
    kept = before.splitlines(keepends=True)
    assert len(old.splitlines()) < len(kept) or name == "compact" or path[:2] == ("workflows", path[1])
    if kind in {"set", "add", "insert"} and there is not None and not isinstance(there, (dict, list)):
        comments = [line for line in old.splitlines() if line.lstrip().startswith("#")]
        assert not comments, "a scalar's neighbors are not touched"
    if "\r\n" in before:
        assert text.text.count("\n") == text.text.count("\r\n")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40))
def test_a_session_of_edits_keeps_every_comment_and_stays_loadable(seed):
    chance = random.Random(seed)
    edit = WorkflowEdit(FILES[chance.choice(["block", "crlf"])])
    comments = [line.strip() for line in BLOCK.splitlines() if line.strip().startswith("#")]
    for step in range(12):
        ids = edit.nodes
        move = chance.choice(["add", "rename", "set", "edge", "move", "unset"])
        id = chance.choice(ids)
        try:
            if move == "add":
                edit.add_node(
                    {"id": f"n{step}", "type": "transform", "template": chance.choice(["x", "a\nb\n", "{{ 1 }}"])},
                    after=id,
                )
            elif move == "rename":
                edit.rename_node(id, f"{id}_r")
            elif move == "set":
                edit.set(id, "description", chance.choice(["one", "two\nlines", "it's: 'x'", "# no comment"]))
            elif move == "edge":
                edit.add_edge(id, chance.choice(ids), branch=chance.choice([None, "true", "other"]))
            elif move == "move":
                edit.move_node(id, before=chance.choice(ids))
            else:
                edit.unset(id, chance.choice(["description", "retry", "next"]))
        except (EditError, ConfigurationError):
            continue
        for comment in comments:
            assert comment in edit.text
    said = _problems(edit.text)
    assert not any("not YAML" in text for text in said)


def _problems(text: str) -> list[str]:
    try:
        load_definitions(read_text(text))
    except WorkflowFileError as error:
        return [problem.message for problem in error.problems]
    return []


BRANCHES = """\
workflows:
  w:
    nodes:
      - {id: c, type: condition, condition: true, branches: {true: d, default: e}}
      - {id: d, type: transform, template: d}
      - {id: e, type: transform, template: e}
      - {id: f, type: transform, template: f}
"""


def test_a_branch_to_a_node_that_is_removed_leads_to_what_came_after_it() -> None:
    edit = WorkflowEdit(BRANCHES.replace("template: d}", "template: d, next: f}"))
    edit.remove_node("d")
    assert "branches: {true: f, default: e}" in edit.text
    edit.remove_node("f")
    assert "branches: {true: end, default: e}" in edit.text
    several = WorkflowEdit(BRANCHES.replace("template: d}", "template: d, next: [e, f]}"))
    with pytest.raises(EditError, match="the branch 'true' leads to 'd', after which no one node comes"):
        several.remove_node("d")


@pytest.mark.parametrize(
    ("id", "says"), [("end", "reserved"), ("__x", "reserved"), ("e", "already"), ("", "needs an id")]
)
def test_ids_that_no_node_may_get(id: str, says: str) -> None:
    edit = WorkflowEdit(BRANCHES)
    for change in (
        lambda: edit.rename_node("d", id),
        lambda: edit.set("d", "id", id),
        lambda: edit.add_node({"id": id, "type": "transform", "template": "x"}),
    ):
        with pytest.raises(ConfigurationError, match=says):
            change()
    assert edit.text == BRANCHES
