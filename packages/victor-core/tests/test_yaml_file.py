"""Reading YAML: values by the rules of YAML 1.2, and the place of each."""

from __future__ import annotations

import math
import pickle
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from victor.core.errors import ConfigurationError
from victor.core.yaml_file import Problem, Span, YamlFileError, read_file, read_text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("true", True), ("False", False), ("null", None), ("~", None),
        ("12", 12), ("-3", -3), ("0o17", 15), ("0x1F", 31), ("1.5", 1.5), ("1e3", 1000.0), (".5", 0.5), ("12:30", "12:30"),
        ("2026-01-02", "2026-01-02"), ("'12'", "12"), ('"true"', "true"), ("!!str 12", "12"), (".inf", math.inf),
        ("-.inf", -math.inf), ("[a, 1]", ["a", 1]), ("{a: 1}", {"a": 1}), ("|\n  a\n  b\n", "a\nb\n"), ("", None),
    ],
)  # fmt: skip
def test_scalars(text, value):
    assert read_text(f"x: {text}").value == {"x": value}


def test_every_key_and_value_knows_its_place():
    source = read_text("a:\n  - b: [1, ü]\n    c: x\n")
    assert source.value == {"a": [{"b": [1, "ü"], "c": "x"}]}
    assert source.keys["$.a[0].c"] == Span(3, 5, 21, 22)
    assert source.text[source.values["$.a[0].b[1]"].start : source.values["$.a[0].b[1]"].end] == "ü"
    assert source.problem("$.a[0].c", "m") == Problem("<text>", 3, 8, "m")
    assert source.problem("$.a[0].c", "m", key=True) == Problem("<text>", 3, 5, "m")
    assert source.problem("$.a[0].missing.deep", "m") == Problem("<text>", 2, 5, "m")
    assert source.problem("$.nowhere[3]", "m").line == 1


def test_anchors_aliases_and_merges():
    text = "base: &b {retry: 3, timeout: 5}\nx:\n  <<: *b\n  timeout: 9\ny: *b\nz:\n  <<: [*b, {q: 1}]\n"
    value = read_text(text).value
    assert value["x"] == {"retry": 3, "timeout": 9}
    assert value["y"] == {"retry": 3, "timeout": 5}
    assert value["z"] == {"retry": 3, "timeout": 5, "q": 1}


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("a: 1\nb: 2\na: 3\n", "3:1", "the key 'a' stands twice, first in line 1"),
        ("a: [1, 2\n", "2:1", "not YAML"),
        ('a: "b\nc: 1\n', "3:1", "(it begins at 1:4)"),
        ("x: 1\na: [1, 2\nb: 3\n", "3:2", "(it begins at 2:4)"),
        ("a: b: c\n", "1:5", "not YAML"),
        ("a:\n\tb: 1\n", "2:1", "not YAML: a tab; indent with spaces"),
        (
            "a: !!python/object/apply:os.system [x]\n",
            "1:4",
            "the tag 'python/object/apply:os.system' means nothing here",
        ),
        ("a: !custom x\n", "1:4", "the tag '!custom' means nothing here"),
        ("a: &x [*x]\n", "1:4", "an alias that contains itself"),
        ("? [a, b]\n: c\n", "1:3", "a key must be a text"),
        ("a:\n  <<: 3\n", "2:3", "'<<' takes a mapping"),
        ("a: *nope\n", "1:4", "not YAML"),
        ("\x00", "1:1", "not YAML"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text, place, says):
    with pytest.raises(YamlFileError) as caught:
        read_text(text)
    (problem,) = caught.value.problems
    assert says in problem.message
    assert f"{problem.line}:{problem.column}" == place


@pytest.mark.slow
def test_a_billion_laughs_are_refused():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 8)]
    with pytest.raises(YamlFileError, match="too large"):
        read_text("\n".join(lines))


def test_deep_nesting_is_refused_and_not_a_crash():
    with pytest.raises(YamlFileError):
        read_text("[" * 5000 + "]" * 5000)
    with pytest.raises(YamlFileError, match="larger than"):
        read_text("a: " + "x" * 5_000_001)


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "other.yaml").write_text("a: 1")
    with pytest.raises(YamlFileError, match=r"no such file; in .* there are: other\.yaml"):
        read_file(tmp_path / "missing.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"a: \xff\xfe")
    with pytest.raises(YamlFileError, match="cannot be read"):
        read_file(tmp_path / "latin.yaml")
    (tmp_path / "bom.yaml").write_bytes(b"\xef\xbb\xbfa: 1")
    assert read_file(tmp_path / "bom.yaml").value == {"a": 1}


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    try:
        read_text(text)
    except YamlFileError as error:
        assert error.problems  # noqa: PT017 - either outcome is fine, anything else is not


def test_the_caller_says_which_error_and_it_pickles():
    class TeamFileError(YamlFileError):
        pass

    with pytest.raises(TeamFileError):
        read_text("a: [", error=TeamFileError)
    with pytest.raises(YamlFileError) as caught:
        read_text("a: [")
    assert pickle.loads(pickle.dumps(caught.value)).problems == caught.value.problems


def test_without_pyyaml_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ConfigurationError, match="pip install pyyaml"):
        read_text("a: 1")
