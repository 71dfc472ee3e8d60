"""Values, templates and conditions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from victor.graph.yaml.values import ExpressionError, compile_condition, compile_template, compile_value

CONTEXT = {"a": {"b": [5, {"c-d": "x"}]}, "n": 3, "name": "Ann", "status": "approved", "tags": ["x", "y"], "empty": ""}


def known(name: str) -> str | None:
    return None if name in {*CONTEXT, "later"} else f"unknown name {name!r}"


def value(raw):
    return compile_value(raw, known).evaluate(CONTEXT)


@pytest.mark.parametrize(
    ("raw", "result"),
    [
        ("plain", "plain"), (3, 3), (None, None), (True, True), ([1, "x"], [1, "x"]),
        ("$ctx.a", CONTEXT["a"]), ("$ctx.a.b[0]", 5), ("$ctx.a.b.0", 5), ("  $ctx.n  ", 3), ("$ctx.a.b[1].c-d", "x"),
        ("{{ n + 1 }}", 4), ("{{ tags | length }}", 2), ("{{ ctx.n }}", 3), ("{{ ctx['name'] }}", "Ann"),
        ("Dear $ctx.name, {{ n }}", "Dear Ann, 3"), ("$ctx.name$ctx.n", "Ann3"), ("{{ a }}{{ n }}", "{'b': [5, {'c-d': 'x'}]}3"),
        ({"k": ["$ctx.n", "{{ n * 2 }}"]}, {"k": [3, 6]}), ("{% if n > 2 %}many{% endif %}", "many"),
        ("price: 5$", "price: 5$"), ("$other", "$other"),
    ],
)  # fmt: skip
def test_values(raw, result):
    assert value(raw) == result


def test_a_value_knows_the_names_it_uses():
    assert compile_value({"x": "$ctx.a.b", "y": "{{ n + ctx.status | length }}"}, known).names == {"a", "n", "status"}
    assert compile_value(["x", {"y": 1}], known).constant


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("n > 2", True), ("n > 2 and not (name == 'Bob')", True), ("n == 3 or later", True), ("a.b[0] == 5", True),
        ("'x' in tags", True), ("tags | length > 5", False), ("{{ n > 2 }}", True), ("$ctx.n > 2", True), (True, True),
        ("status == approved", True), ("status != approved", False), ("status in [approved, done]", True), ("status", "approved"),
        ("later is defined", False), ("n is even", False),
    ],
)  # fmt: skip
def test_conditions(text, answer):
    assert compile_condition(text, known).evaluate(CONTEXT) == answer


@pytest.mark.parametrize(
    "text", ["n >", "n > 2 2", "nope", "nope + 1 > 2", "n ==", "(n", "'x", "n | nofilter", "$ctx.nope > 1", "{{ n"]
)
def test_wrong_conditions_are_refused(text):
    with pytest.raises(ExpressionError):
        compile_condition(text, known)


@pytest.mark.parametrize(
    "text", ["{{ nope }}", "{{ n", "{% if n %}", "{% nope %}", "{{ n | nofilter }}", "{{ ctx.nope }}", "$ctx.nope"]
)
def test_wrong_templates_are_refused(text):
    with pytest.raises(ExpressionError):
        compile_template(text, known)
    with pytest.raises(ExpressionError):
        compile_value(text, known)


def test_a_name_without_a_value_is_an_error_that_says_so():
    with pytest.raises(ExpressionError, match="'later' is undefined"):
        value("$ctx.later")
    with pytest.raises(ExpressionError, match="'later' is undefined"):
        value("x {{ later }}")
    with pytest.raises(ExpressionError, match="could not be worked out"):
        value("{{ n.x.y }}")
    with pytest.raises(ExpressionError, match="ZeroDivisionError"):
        value("{{ 1 / (n - 3) }}")


def test_environment_variables(monkeypatch):
    monkeypatch.setenv("VICTOR_TEST_A", "here")
    monkeypatch.delenv("VICTOR_TEST_B", raising=False)
    assert value("$env.VICTOR_TEST_A") == "here"
    assert value("${VICTOR_TEST_A} ${VICTOR_TEST_B:-fallback}") == "here fallback"
    assert value("${VICTOR_TEST_B:-}") == ""
    with pytest.raises(
        ExpressionError, match=r"VICTOR_TEST_B is not set; set it, or write \$\{VICTOR_TEST_B:-a default\}"
    ):
        value("$env.VICTOR_TEST_B")


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__ }}", "{{ name.__class__ }}", "{{ n.__init__ }}", "{{ cycler.__init__.__globals__ }}",
        "{{ ctx.__class__ }}", "{{ tags.append(1) }}", "{{ tags.clear() }}", "{{ ctx.update({}) }}",
        "{{ name.format.__globals__ }}", "{{ '{0.__class__}'.format(n) }}", "{{ ().__class__.__bases__ }}",
        "{{ range(10**9) | list }}",
    ],
)  # fmt: skip
def test_templates_cannot_leave_their_values(text):
    with pytest.raises(ExpressionError):
        value(text)
    assert CONTEXT["tags"] == ["x", "y"]


def test_filters_for_reports():
    assert value("{{ tags | tojson }}") == '["x", "y"]'
    assert compile_value("{{ t | cell }}", lambda name: None).evaluate({"t": "a|b\nc"}) == "a\\|b c"
    assert compile_value("{{ t | basename }}", lambda name: None).evaluate({"t": "x/y.md"}) == "y.md"


@given(st.text(max_size=60))
def test_any_text_compiles_or_is_refused(text):
    for make in (compile_value, compile_template, compile_condition):
        try:
            make(text, known)
        except ExpressionError:
            pass


@pytest.mark.parametrize("name", ["items", "keys", "values", "get", "copy", "pop", "update"])
def test_keys_with_names_of_methods_are_keys(name: str) -> None:
    context = {"d": {name: [1, 2]}}
    assert compile_value(f"{{{{ d.{name} }}}}", lambda _: None).evaluate(context) == [1, 2]
    assert compile_value(f"v={{{{ d.{name} }}}}", lambda _: None).evaluate(context) == "v=[1, 2]"
    assert compile_condition(f"d.{name} == [1, 2]", lambda _: None).evaluate(context) is True


def test_methods_of_mappings_can_be_called_and_only_that() -> None:
    context = {"d": {"items": 1}}
    assert compile_value("{{ d.items() | list }}", lambda _: None).evaluate(context) == [("items", 1)]
    with pytest.raises(ExpressionError, match="has no attribute 'values'"):
        compile_value("{{ d.values }}", lambda _: None).evaluate(context)
