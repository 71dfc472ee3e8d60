"""Sequence diagrams, understood by the real parser from npm exactly as they were meant, and the text for terminals."""

from __future__ import annotations

import html
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from victor.core.testing.npm import node_program
from victor.teams.negotiation import Entry, Record, to_mermaid, to_text
from victor.teams.negotiation.sequence import _clean

AWKWARD = [
    "end", "loop", "alt", "par", "note", "as", "participant", "actor", "over", "a;b", "a#b", "a%%b", "#59;", "&amp;", "<br/>", "<script>alert(1)</script>",
    "a->>b: hi", "a: b", "a\nend\nb", "\u2028x", "tab\there", "\u202etxt.exe", "\x00\x1b[31mred", "ünïcödé 日本語 🎉", "  ", "", '"quoted"', "it's", "`x`", "{{}}", "[[]]",
    "Note over a: x", "sequenceDiagram", "autonumber", "rect rgb(0,0,0)", "---", "wrap:text", ":wrap: x", "nowrap: y", "$$x$$", "a+b-c", "\ud800", "x" * 5000, "links a: {}", "create participant",
]  # fmt: skip
Parse = Callable[[list[str]], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def parse() -> Parse:
    """Parses many diagrams in one process."""
    return node_program(Path(__file__).with_name("sequence_parse.mjs"), "mermaid@11", "jsdom@26.1.0")


def shown(text: str) -> str:
    """What a reader sees of a text Mermaid has parsed."""
    text = text.replace("ﬂ°°", "&#").replace("ﬂ°", "&").replace("¶ß", ";")
    return " ".join(html.unescape(text).split())


def visible(text: str, most: int) -> str:
    text = " ".join(_clean(text).split())
    text = text if len(text) <= most else text[: most - 3] + "..."
    return " ".join(text.split())


def check(record: Record, result: dict[str, Any]) -> None:
    assert "error" not in result, result["error"]
    assert [shown(actor["text"]) for actor in result["actors"]] == [
        visible(name, 120 if number == 0 else 60) for number, name in enumerate([record.protocol, *record.parties])
    ]
    texts = [shown(message["text"]) for message in result["messages"]]
    assert texts[0] == visible(record.topic, 120)
    assert texts[1] == "round 1"
    assert len(texts) == 2 + sum(max(1, len(entry.receivers)) for entry in record.entries) + bool(record.outcome)
    ids = {name: f"p{number}" for number, name in enumerate(record.parties, 1)}
    senders = [message["from"] for message in result["messages"][2:] if message["type"] not in (2,)]
    assert senders == [
        ids.get(entry.sender, "t")
        for entry in record.entries
        if entry.sender or entry.receivers
        for _ in (entry.receivers or ("",))
    ]


names = st.text(max_size=12) | st.sampled_from(AWKWARD)


@st.composite
def records(draw: st.DrawFn) -> Record:
    parties = tuple(draw(st.lists(names.filter(lambda name: name != ""), min_size=1, max_size=4, unique=True)))
    entries = draw(
        st.lists(
            st.builds(
                Entry,
                st.just(1),
                st.sampled_from(parties),
                st.just(()) | st.lists(st.sampled_from(parties), min_size=1, max_size=2).map(tuple),
                st.sampled_from(["propose", "vote", "end"]),
                names | st.none() | st.integers() | st.lists(names, max_size=2),
                st.just(""),
                st.just(True),
            ),
            min_size=1,
            max_size=5,
        )
    )
    return Record(
        draw(names),
        {},
        parties,
        draw(names),
        None,
        tuple(entries),
        (),
        {"stop_reason": "x", "explanation": draw(names)},
    )


def awkward_records() -> list[Record]:
    dice = random.Random(3)
    texts = [*AWKWARD, *("".join(dice.choice('"#;%`<>&|[](){}\\:*_-+~ \n@ab') for _ in range(20)) for _ in range(60))]
    return [
        Record(text, {}, tuple(dict.fromkeys([text or "-", "other"])), text, None,
               (Entry(1, text or "-", (), "propose", text), Entry(1, "other", (text or "-",), text, {"a": text}),
                Entry(1, "other", (), "vote", text, "timeout")))
        for text in texts
    ]  # fmt: skip


@pytest.mark.slow
def test_the_real_parser_understands_what_was_meant(parse: Parse) -> None:
    batch: list[Record] = []

    @given(records())
    @settings(deadline=None, max_examples=60, database=None, phases=[Phase.generate])
    def collect(record: Record) -> None:
        batch.append(record)

    collect()
    awkward = awkward_records()
    results = parse([to_mermaid(record) for record in [*batch, *awkward]])
    for record, result in zip(batch, results[: len(batch)], strict=True):
        check(record, result)
    for record, result in zip(awkward, results[len(batch) :], strict=True):
        assert "error" not in result, (record.topic, result["error"])
        assert len(result["actors"]) == 1 + len(record.parties)
        assert len(result["messages"]) == 5
        assert shown(result["messages"][0]["text"]) == visible(record.topic, 120)


def test_a_text_never_holds_control_characters_and_fits() -> None:
    for text in AWKWARD:
        entries = (
            Entry(1, text, (), "propose", text),
            Entry(2, "", (text,), "accept", text),
            Entry(2, "", (), "note", text),
            Entry(2, text, (), "x", text, "error"),
        )
        written = to_text(
            Record("p", {}, (text,), text, None, entries, (), {"stop_reason": "agreement", "explanation": text}),
            width=60,
        )
        assert all(line.isprintable() or "\ud800" in line for line in written.split("\n"))
        assert max(map(len, written.split("\n"))) <= 60
        assert "round 1" in written
        assert "round 2" in written


def test_what_a_picture_shows() -> None:
    record = Record(
        "contract_net", {}, ("ann", "bob"), "paint", None,
        (Entry(1, "manager", (), "cfp", "paint"), Entry(1, "ann", (), "bid", 3, answer=True),
         Entry(1, "bob", (), "bid", "slow", "timeout", True), Entry(1, "manager", ("ann",), "accept", {"price": 3})),
        (), {"stop_reason": "agreement", "explanation": "ann did it"},
    )  # fmt: skip
    assert to_mermaid(record).splitlines() == [
        "sequenceDiagram",
        "  participant t as contract#95;net",
        "  participant p1 as ann",
        "  participant p2 as bob",
        "  participant p3 as manager",
        "  Note over t,p3: paint",
        "  Note over t,p3: round 1",
        "  p3->>t: cfp#58; paint",
        "  p1->>t: bid#58; 3",
        "  p2--xt: bid#58; timeout",
        "  p3->>p1: accept#58; #123;#34;price#34;#58; 3#125;",
        "  Note over t,p3: agreement#58; ann did it",
    ]
    assert to_text(record).splitlines() == [
        "contract_net: paint",
        "ann, bob",
        "",
        "round 1",
        "  manager -> cfp: paint",
        "  ann -> bid: 3",
        "  bob -x bid: timeout",
        '  manager -> ann  accept: {"price": 3}',
        "",
        "agreement: ann did it",
    ]
    assert to_mermaid(Record("p", {}, (), "x", None)).splitlines()[-1] == "  Note over t: x"
