"""The other built-in tools, as a model uses them."""

from __future__ import annotations

import asyncio
import datetime as dt
import io
import math
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from victor.core.errors import ToolError
from victor.core.tool import Tool
from victor.tools.archive_kit import Archive
from victor.tools.data.edit import parse_place
from victor.tools.data.kit import Data
from victor.tools.human_kit import Human, set_answerer
from victor.tools.math_kit import Math, evaluate
from victor.tools.notes_kit import Notes
from victor.tools.results_kit import Results
from victor.tools.text_kit import Text
from victor.tools.time_kit import Time
from victor.tools.web.markdown import to_markdown


def tools(kit: Any) -> dict[str, Tool]:
    return {made.name.partition("_")[2]: made for made in kit.tools()}


# --- data ---


def test_query_every_format(root: Path, call: Any) -> None:
    (root / "a.json").write_text('{"people": [{"name": "Ann", "age": 41}, {"name": "Ben", "age": 25}]}')
    (root / "a.yaml").write_text("people:\n- {name: Ann, age: 41}\n- {name: Ben, age: 25}\n")
    (root / "a.toml").write_text('[[people]]\nname = "Ann"\nage = 41\n[[people]]\nname = "Ben"\nage = 25\n')
    (root / "a.csv").write_text("name,age\nAnn,41\nBen,25\n")
    (root / "a.tsv").write_text("name\tage\nAnn\t41\n")
    (root / "a.jsonl").write_text('{"name": "Ann"}\n{"name": "Ben"}\n')
    query = tools(Data(root))["query"]
    for name in ("a.json", "a.yaml", "a.toml"):
        assert call(query, path=name, query="people[?age > `30`].name").value == ["Ann"]
        assert call(query, path=name, query="length(people)").value == 2
    assert call(query, path="a.csv", query="[].age").value == ["41", "25"]
    assert call(query, path="a.tsv", query="[0].name").value == "Ann"
    assert call(query, path="a.jsonl", query="[1]").value == {"name": "Ben"}
    assert call(query, text='{"a": 1}').value == {"a": 1}
    assert call(query, text="a: 1\n---\nb: 2\n", format="yaml", query="[1].b").value == 2
    assert "give either path or text" in call(query).text
    assert (
        "format of 'x.bin' is not known" in call(query, path="x.bin").text
        or "there is no 'x.bin'" in call(query, path="x.bin").text
    )
    (root / "bad.yaml").write_text("a: [1\nb: 2\n")
    assert (
        "bad.yaml is not valid YAML" in call(query, path="bad.yaml").text
        and "line" in call(query, path="bad.yaml").text
    )
    many = tools(Data(root, max_items=1))["query"]
    assert "finds 2 items" in call(many, path="a.csv").text


def test_describe(root: Path, call: Any) -> None:
    found = call(tools(Data(root))["describe"], text='{"a": [{"b": 1}], "c": "x", "d": null, "e": true}').value
    assert found == {
        "kind": "object",
        "keys": {
            "a": {
                "kind": "array",
                "length": 1,
                "items": {"kind": "object", "keys": {"b": {"kind": "number", "example": 1}}},
            },
            "c": {"kind": "string", "example": "x"},
            "d": {"kind": "null"},
            "e": {"kind": "boolean", "example": True},
        },
    }


def test_set_and_delete_keep_the_rest(root: Path, call: Any) -> None:
    data = tools(Data(root))
    (root / "a.yaml").write_text("# top\nserver:\n  port: 80  # the port\n  hosts: [a, b]\nname: 'x'\n")
    assert call(data["set"], path="a.yaml", place="server.port", value=8080).text == "set server.port in a.yaml"
    assert call(data["set"], path="a.yaml", place="server.hosts[2]", value="c").ok
    text = (root / "a.yaml").read_text()
    assert "# top" in text and "port: 8080 # the port" in text and "name: 'x'" in text and "[a, b, c]" in text
    (root / "a.toml").write_text("# top\n[server]\nport = 80 # the port\n")
    assert call(data["set"], path="a.toml", place="server.port", value=8080).ok
    assert (root / "a.toml").read_text() == "# top\n[server]\nport = 8080 # the port\n"
    assert "TOML has no null" in call(data["set"], path="a.toml", place="server.port", value=None).text
    (root / "a.json").write_text('{"a": {"b": [1, 2]}}')
    assert call(data["set"], path="a.json", place="a.c.d", value={"new": True}).ok
    assert call(data["delete"], path="a.json", place="a.b[0]").ok
    assert call(tools(Data(root))["query"], path="a.json").value == {"a": {"b": [2], "c": {"d": {"new": True}}}}
    (root / "a.csv").write_text("name,age\nAnn,41\n")
    assert call(data["set"], path="a.csv", place="[0].age", value=42).ok
    assert (root / "a.csv").read_text() == "name,age\nAnn,42\n"
    missing = call(data["delete"], path="a.json", place="a.nothing")
    assert missing.text == "there is no a.nothing; there are: b, c"
    assert "it is a list of 1" in call(data["set"], path="a.json", place="a.b[9]", value=1).text
    assert "is no place" in call(data["set"], path="a.json", place="a..[", value=1).text


@given(st.lists(st.from_regex(r"[a-z_]{1,8}", fullmatch=True) | st.integers(-5, 99), min_size=1, max_size=6))
def test_places_are_read_as_they_are_written(steps: list[str | int]) -> None:
    text = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in steps).removeprefix(".")
    assert parse_place(text) == steps


# --- archives ---


def test_archives(root: Path, call: Any) -> None:
    archive = tools(Archive(root))
    with zipfile.ZipFile(root / "a.zip", "w") as out:
        out.writestr("docs/readme.txt", "hello")
        out.writestr("docs/", "")
    with tarfile.open(root / "a.tar.gz", "w:gz") as tar:
        info = tarfile.TarInfo("x/y.txt")
        info.size = 5
        tar.addfile(info, io.BytesIO(b"world"))
    with tarfile.open(root / "a.tar.xz", "w:xz") as tar:
        tar.addfile(info, io.BytesIO(b"world"))
    with tarfile.open(root / "a.tar.bz2", "w:bz2") as tar:
        tar.addfile(info, io.BytesIO(b"world"))
    assert [(e["name"], e["kind"]) for e in call(archive["list"], path="a.zip").value] == [
        ("docs/readme.txt", "file"),
        ("docs/", "folder"),
    ]
    assert call(archive["read"], path="a.zip", member="docs/readme.txt").text == "hello"
    for name in ("a.tar.gz", "a.tar.xz", "a.tar.bz2"):
        assert call(archive["list"], path=name).value[0]["name"] == "x/y.txt"
        assert call(archive["read"], path=name, member="x/y.txt").text == "world"
    assert "is a folder" in call(archive["read"], path="a.zip", member="docs/").text
    short = tools(Archive(root, max_entries=1))
    assert call(short["list"], path="a.zip").value[-1]["kind"] == "note"


# --- text ---


def test_text(call: Any) -> None:
    text = tools(Text())
    assert call(text["count"], text="One two. Three!\nFour").value == {
        "characters": 20,
        "words": 4,
        "lines": 2,
        "sentences": 3,
        "bytes": 20,
    }
    assert call(text["diff"], before="a\nb", after="a\nc").text == "--- before\n+++ after\n@@ -1,2 +1,2 @@\n a\n-b\n+c"
    assert call(text["diff"], before="a", after="a").text == "the texts are the same"
    found = call(text["find"], text="a1\nb2 b3", pattern=r"(?P<letter>[a-z])(\d)", limit=2).value
    assert found == [
        {"text": "a1", "line": 1, "start": 0, "groups": {"letter": "a"}},
        {"text": "b2", "line": 2, "start": 3, "groups": {"letter": "b"}},
    ]
    assert call(text["find"], text="aA", pattern="a", ignore_case=True).value[1]["start"] == 1
    assert call(text["replace"], text="a1 b2", pattern=r"([a-z])(\d)", replacement=r"\2\1").text == "1a 2b"
    assert call(text["replace"], text="a.b", pattern=".", replacement="\\1", literal=True).text == "a\\1b"


# --- time ---


def test_time(call: Any) -> None:
    time = tools(Time())
    now = call(time["now"], zone="Europe/Berlin").value
    assert now["zone"] == "Europe/Berlin" and abs(now["unix"] - dt.datetime.now().timestamp()) < 60
    tokyo = call(time["convert"], when="2026-03-01T15:00", from_zone="Europe/Berlin", to_zone="Asia/Tokyo").value
    assert tokyo["iso"] == "2026-03-01T23:00:00+09:00" and tokyo["weekday"] == "Sunday"
    assert call(time["add"], when="2026-01-31", months=1).value["iso"] == "2026-02-28T00:00:00"
    assert (
        call(time["add"], when="2024-02-29T12:00:00Z", years=1, hours=-12).value["iso"] == "2025-02-28T00:00:00+00:00"
    )
    between = call(time["between"], start="2026-01-01", end="2026-03-01T12:30").value
    assert between == {"days": 59, "seconds": 5142600.0, "weekdays": 42, "text": "59 days, 12 hours, 30 minutes"}
    back = call(time["between"], start="2026-03-01", end="2026-01-01").value
    assert back["days"] == -59 and back["text"] == "minus 59 days" and back["weekdays"] == -42
    assert "did you mean Europe/Berlin" in call(time["now"], zone="Europe/Berln").text
    assert not call(time["now"], zone="../../etc/passwd").ok
    assert "outside of the years" in call(time["add"], when="2026-01-01", years=9000).text
    assert not call(time["add"], when="2026-01-01", days=10**12).ok


@given(st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)), st.integers(0, 400))
def test_weekdays_are_counted_as_one_by_one(start: dt.date, days: int) -> None:
    from victor.tools.time_kit import _weekdays

    end = start + dt.timedelta(days=days)
    assert _weekdays(start, end) == sum((start + dt.timedelta(days=n)).weekday() < 5 for n in range(days))


# --- maths ---


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 2 * 3", 7), ("(1 + 2) * 3", 9), ("2^10", 1024), ("7 // 2 + 7 % 2", 4), ("-3 ** 2", -9), ("15% of 80", 12),
        ("50 + 10%", 50.1), ("1,000 * 2", 2000), ("sqrt(16) + pi - pi", 4), ("max(1, 2, 3)", 3), ("factorial(5)", 120),
        ("comb(5, 2)", 10), ("round(2.567, 1)", 2.6), ("3 < 4 <= 4", True), ("1e3", 1000), ("mean(1, 2, 3)", 2), ("sum(1, 2)", 3),
        ("2 \u00d7 3 \u00f7 4", 1.5), ("log(e)", 1), ("gcd(12, 18)", 6), ("hypot(3, 4)", 5), ("0.1 + 0.2", 0.30000000000000004),
    ],
)  # fmt: skip
def test_evaluate(expression: str, value: float) -> None:
    assert evaluate(expression) == pytest.approx(value)


@given(
    st.recursive(
        st.integers(0, 999).map(str),
        lambda e: st.tuples(e, st.sampled_from("+-*"), e).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
    )
)
def test_evaluate_agrees_with_python(expression: str) -> None:
    assert evaluate(expression) == eval(expression)


@given(st.text(max_size=40))
def test_evaluate_of_anything_gives_a_number_or_a_tool_error(text: str) -> None:
    try:
        value = evaluate(text)
    except ToolError:
        return
    assert isinstance(value, (int, float, bool))


def test_statistics(call: Any) -> None:
    found = call(tools(Math())["statistics"], numbers=[1, 2, 3, 4]).value
    assert found["mean"] == 2.5 and found["median"] == 2.5 and found["deviation"] == pytest.approx(math.sqrt(5 / 3))
    assert call(tools(Math())["statistics"], numbers=[5]).value["first_quartile"] == 5
    assert "at least 1 item" in call(tools(Math())["statistics"], numbers=[]).text


# --- notes, results, people ---


def test_notes(call: Any) -> None:
    notes = tools(Notes(max_notes=2, max_chars=20))
    assert call(notes["write"], title="a", text="one").text == "kept 'a' (3 characters)"
    assert call(notes["write"], title="a", text="two", append=True).ok
    assert call(notes["read"], title="a").text == "one\ntwo"
    assert call(notes["write"], title="b", text="x").ok
    assert "2 notes already" in call(notes["write"], title="c", text="x").text
    assert "at most 20 characters" in call(notes["write"], title="a", text="x" * 21).text
    assert [n["title"] for n in call(notes["list"], search="TWO").value] == ["a"]
    assert "there is no note 'bb'" in call(notes["read"], title="bb").text
    assert call(tools(Notes())["list"]).value == []  # every object has notes of its own


def test_the_rest_of_a_cut_result(call: Any) -> None:
    from victor.tools.policy.truncation import long_results

    ref = long_results.keep("x" * 100 + "y" * 100)
    read = tools(Results())["read"]
    assert (
        call(read, ref=ref, offset=90, limit=20).text
        == "x" * 10 + "y" * 10 + "\n[characters 90 to 110 of 200; go on with offset=110]"
    )
    assert call(read, ref=ref, offset=190).text == "y" * 10
    assert "no result 'r0' is kept" in call(read, ref="r0").text


def test_people_are_asked(call: Any) -> None:
    human = tools(Human())
    asked: list[tuple[str, tuple[str, ...]]] = []

    async def answer(question: str, options: Any) -> str:
        asked.append((question, tuple(options)))
        return "yes"

    was = set_answerer(answer)
    try:
        assert call(human["ask"], question="Which?", options=["yes", "maybe"]).text == "yes"
        assert call(human["confirm"], question="Sure?").value is True
        set_answerer(lambda question, options: "no")
        assert call(human["confirm"], question="Sure?").value is False
        assert asked == [("Which?", ("yes", "maybe")), ("Sure?", ("yes", "no"))]
    finally:
        set_answerer(was)
    assert "nobody can be asked here" in asyncio.run(human["ask"].call({"question": "x"})).text


# --- Markdown ---


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        ("<h2>A</h2><p>b</p><p>c</p>", "## A\n\nb\n\nc"),
        ("a<br>b", "a\nb"),
        ("<ol><li>x<li>y</ol>", "1. x\n2. y"),
        ("<ul><li>a<ul><li>b</ul><li>c</ul>", "- a\n  - b\n- c"),
        ("<a href='/x'>go</a> <a href='javascript:1'>no</a>", "[go](http://s.org/x) no"),
        ("<b></b><i>x</i><code>y</code>", "*x*`y`"),
        ("<blockquote>q</blockquote>", "> q"),
        ("<img alt='a cat' src=x>", "![a cat]"),
        ("<pre>a  b\n  c</pre>", "```\na  b\n  c\n```"),
        ("<nav>menu</nav><script>x</script><style>y</style><form>z</form>main<footer>f</footer>", "main\n\nf"),
        ("<p hidden>no</p><p>yes</p>", "yes"),
        ("<hr>x", "---\n\nx"),
        ("&lt;b&gt; &amp; &eacute;", "<b> & é"),
        ("<table><tr><td>a|b</td></tr></table>", "| a\\|b |\n| --- |"),
        ("", ""),
    ],
)  # fmt: skip
def test_markdown(html: str, markdown: str) -> None:
    assert to_markdown(html, "http://s.org/") == markdown


@given(st.text(alphabet="<>/abp \"'=&;!-trdhli123\n", max_size=120))
def test_markdown_of_anything_is_text(html: str) -> None:
    assert isinstance(to_markdown(html, "http://s.org/"), str)


@pytest.mark.parametrize(
    ("expression", "told"),
    [("1e308 * 10", "bigger than any number"), ("min(1,000, 5)", "write 1000, not 1,000"), ("1e400", "bigger than any number"), ("exp(1000)", "no value|bigger")],
)  # fmt: skip
def test_what_has_no_number_is_told(expression: str, told: str) -> None:
    with pytest.raises(ToolError, match=told):
        evaluate(expression)


def test_numbers_with_commas_and_pairs() -> None:
    assert evaluate("1,000 + 1") == 1001
    assert evaluate("max(1,500)") == 500


def test_statistics_of_numbers_too_big_to_add_up(call: Any) -> None:
    from victor.tools.math_kit import Math

    made = next(t for t in Math().tools() if t.name == "math_statistics")
    assert call(made, numbers=[1e308, 1e308]).text == "the numbers are too big to add up"
