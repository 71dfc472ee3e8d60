"""Asking the person at the terminal."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import pytest

from victor.tools.human_kit import Human


class Keyboard(io.StringIO):
    """What somebody types."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def human(monkeypatch: pytest.MonkeyPatch) -> Any:
    tools = {made.name: made for made in Human().tools()}

    def ask(name: str, typed: str, **arguments: Any) -> Any:
        monkeypatch.setattr("sys.stdin", Keyboard(typed))
        return asyncio.run(tools[name].call(arguments))

    return ask


def test_a_free_answer(human: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert human("human_ask", "  blue \n", question="Which color?").text == "blue"
    assert "Which color?" in capsys.readouterr().err


def test_choosing_by_number_or_beginning(human: Any, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["red", "green", "grey"]
    assert human("human_ask", "2\n", question="Which?", options=options).text == "green"
    assert human("human_ask", "\n4\ngr\nR\n", question="Which?", options=options).text == "red"
    told = capsys.readouterr().err
    assert "  3. grey" in told and told.count("Please choose from 1 to 3.") == 3
    assert human("human_confirm", "y\n", question="Sure?").value is True
    assert human("human_confirm", "n\n", question="Sure?").value is False


def test_no_answer_is_no_yes(human: Any) -> None:
    gone = human("human_confirm", "", question="Sure?")
    assert not gone.ok and gone.text == "the person gave no answer"


def test_a_question_cannot_draw_over_the_terminal(human: Any, capsys: pytest.CaptureFixture[str]) -> None:
    question = "Delete?\x1b[2J\x1b[1;1H\r\u202eyes\u202c" + "x" * 100_000
    human("human_ask", "no\n", question=question, options=["no\x1b[8m", "yes"])
    told = capsys.readouterr().err
    assert "\x1b" not in told and "\r" not in told and "\u202e" not in told and len(told) < 10_000
