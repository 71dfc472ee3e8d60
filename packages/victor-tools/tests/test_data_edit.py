"""Changing one value of a file and nothing else."""

from __future__ import annotations

import sys

import pytest

from victor.core.errors import ToolError
from victor.tools.data.edit import REMOVED, change, parse_place
from victor.tools.data.formats import format_of, parse, write


def test_places() -> None:
    assert parse_place("servers[0].name") == ["servers", 0, "name"]
    assert parse_place("a['b.c'].d") == ["a", "b.c", "d"]
    for wrong in ("", "a..b", "a[", "a[x]", "[", "a b["):
        with pytest.raises(ToolError, match="write it like"):
            parse_place(wrong)


@pytest.mark.parametrize(
    ("text", "place", "value", "after"),
    [
        ('{"a": {"b": 1}}', "a.b", 2, {"a": {"b": 2}}),
        ('{"a": {}}', "a.new.deep", [1], {"a": {"new": {"deep": [1]}}}),
        ('{"a": [1]}', "a[1]", 2, {"a": [1, 2]}),
        ('{"a": [1, 2]}', "a[0]", REMOVED, {"a": [2]}),
        ('{"a": {"b": 1, "c": 2}}', "a.b", REMOVED, {"a": {"c": 2}}),
    ],
)
def test_json(text: str, place: str, value: object, after: object) -> None:
    assert parse(change(text, "json", place, value, "x.json"), "json") == after


@pytest.mark.parametrize(
    ("text", "place", "value", "message"),
    [
        ('{"a": {"b": 1}}', "a.c", REMOVED, r"there is no a\.c; there are: b"),
        ('{"a": {}}', "a.b.c", REMOVED, r"there is no a\.b; there are: no keys"),
        ('{"a": [1]}', "a[7]", 1, r"there is no a\[7\]; it is a list of 1"),
        ('{"a": [1]}', "a.b", 1, r"there is no a\.b; it is a list of 1"),
        ('{"a": 5}', "a.b", 1, r"there is no a\.b; what is there is 5"),
        ("{", "a", 1, r"x is not valid JSON"),
    ],
)
def test_places_that_are_not_there(text: str, place: str, value: object, message: str) -> None:
    with pytest.raises(ToolError, match=message):
        change(text, "json", place, value, "x")


def test_comments_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "# about\nport: 80  # low\nhosts: [a, b]\n"
    pytest.importorskip("ruamel.yaml", reason="pip install 'victor-tools[data]'")
    assert change(text, "yaml", "port", 8080, "x") == "# about\nport: 8080 # low\nhosts: [a, b]\n"
    monkeypatch.setitem(sys.modules, "ruamel.yaml", None)
    with pytest.raises(ToolError, match=r"comments, which would be lost; pip install 'victor-tools\[data\]'"):
        change(text, "yaml", "port", 8080, "x")
    assert change("port: 80\n", "yaml", "port", 8080, "x") == "port: 8080\n"
    assert change("a: 1\nb: 2\n", "yaml", "a", REMOVED, "x") == "b: 2\n"


def test_toml(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tomlkit", reason="pip install 'victor-tools[data]'")
    text = "# about\n[server]\nport = 80 # low\n"
    assert change(text, "toml", "server.port", 8080, "x") == "# about\n[server]\nport = 8080 # low\n"
    with pytest.raises(ToolError, match=r"there is no \[0\]; there are: server"):
        change(text, "toml", "[0].port", 1, "x")
    with pytest.raises(ToolError, match="TOML has no null"):
        change(text, "toml", "server.port", None, "x")
    monkeypatch.setitem(sys.modules, "tomlkit", None)
    with pytest.raises(ToolError, match=r"pip install 'victor-tools\[data\]'"):
        change(text, "toml", "server.port", 8080, "x")


def test_other_formats_go_there_and_back() -> None:
    rows = [{"a": "1", "b": "x,y"}, {"a": "2", "b": ""}]
    for kind in ("csv", "tsv", "jsonl", "yaml", "json"):
        assert parse(write(rows, kind), kind) == rows
    assert change("a,b\n1,2\n", "csv", "[0].b", "3", "x") == "a,b\n1,3\n"
    for value, kind in ((5, "csv"), ([1], "tsv"), (5, "jsonl"), ([object()], "yaml")):
        with pytest.raises(ToolError, match="cannot be written as"):
            write(value, kind)
    assert format_of("x.YML") == "yaml" and format_of("noname", "csv") == "csv"
    with pytest.raises(ToolError, match=r"the format of 'x\.exe' is not known"):
        format_of("x.exe")
    with pytest.raises(ToolError, match=r"not valid YAML: .* in line 2"):
        parse("a: [1\nb: 2\n", "yaml")
    assert parse("a: 1\n---\nb: 2\n", "yaml") == [{"a": 1}, {"b": 2}]
