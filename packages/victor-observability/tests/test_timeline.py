"""A run as a tree of lines."""

from __future__ import annotations

from typing import Any

from victor.observability.record import Status
from victor.observability.results import Span
from victor.observability.timeline import render

MS = 1_000_000


def span(kind: str, name: str, start: int, took: int | None, *children: Span, **fields: Any) -> Span:
    values: dict[str, Any] = {
        "span_id": f"{start:016x}", "parent_id": None, "status": Status.OK, "agent": "", "error_type": "",
        "error_text": "", "provider": "", "model": "", "input_tokens": None, "output_tokens": None, "cost_usd": None,
        "attributes": {}, **fields,
    }  # fmt: skip
    duration = None if took is None else took * MS
    return Span(kind=kind, name=name, start_ns=start * MS, duration_ns=duration, children=children, **values)


def test_a_run_with_everything() -> None:
    failed = span(
        "tool.call", "fetch", 60, 30, status=Status.ERROR, error_type="ToolError", error_text="no\nanswer"
    )  # fmt: skip
    request = span("model.request", "gpt", 0, 50, input_tokens=1200, output_tokens=80, cost_usd=0.0021)
    local = span("model.request", "llama", 50, 5, input_tokens=None, output_tokens=None)
    agent = span("agent.run", "clerk", 0, 100, request, local, failed, span("message.sent", "bus", 95, None))
    assert render([agent], bar=10) == "\n".join(
        [
            "agent clerk         [==========]  100 ms",
            "├─ model gpt        [=====     ]  50 ms  1,200 in 80 out  $0.0021",
            "├─ model llama      [     =    ]  5 ms  unpriced",
            "├─ tool fetch       [      === ]  30 ms  ToolError: no answer",
            "└─ message.sent bus [         .]",
        ]
    )


def test_deep_trees_are_cut_and_say_what_is_below() -> None:
    tree = span("workflow.run", "w", 0, 9, span("workflow.node", "a", 0, 9, span("agent.run", "b", 0, 9)))
    assert render([tree], bar=0, depth=2) == "workflow w            9 ms\n└─ node a (+1 below)  9 ms"


def test_many_points_of_one_kind_are_one_line() -> None:
    sent = [span("message.sent", "bus", at, None) for at in range(200)]
    tree = span("team.run", "t", 0, 200, *sent[:150], span("team.turn", "ada", 150, 10), *sent[150:153])
    shown = render([tree], bar=0).split("\n")
    assert shown[1] == "├─ message.sent bus x 150"
    assert len(shown) == 6
    assert "message.sent" not in render([tree], points=False)


def test_what_has_not_ended_is_open_to_the_end() -> None:
    tree = span("workflow.run", "w", 0, None, span("workflow.node", "a", 0, 10), status=Status.OPEN)
    first, second = render([tree], bar=10).split("\n")
    assert first == "workflow w [>>>>>>>>>>]  not ended"
    assert second == "└─ node a  [==========]  10 ms"


def test_nobody_commands_the_terminal_by_a_name() -> None:
    shown = render([span("tool.call", "a\x1b[2J\nb", 0, 1, status=Status.ERROR, error_text="\x07x", error_type="E")])
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "\n" not in shown


def test_no_line_is_longer_than_the_terminal() -> None:
    wide = span("tool.call", "x" * 300, 0, 1, status=Status.ERROR, error_type="E", error_text="y" * 300)
    assert all(len(line) <= 80 for line in render([span("agent.run", "a", 0, 1, wide)], width=80).split("\n"))


def test_lines_are_painted_by_how_they_ended() -> None:
    colors = []

    def paint(text: str, color: str) -> str:
        colors.append(color)
        return text

    render(
        [
            span("tool.call", "a", 0, 1),
            span("tool.call", "b", 0, 1, status=Status.ERROR),
            span("tool.call", "c", 0, 1, status=Status.CANCELLED),
            span("log", "d", 0, None),
        ],
        paint=paint,
    )
    assert colors == ["red", "yellow", "dim"]


def test_of_nothing_there_is_nothing_to_show() -> None:
    assert render([]) == ""
