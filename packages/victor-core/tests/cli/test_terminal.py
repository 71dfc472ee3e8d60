"""Tables, wrapping, and when color is used."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from victor.core.cli import terminal
from victor.core.cli.terminal import (
    format_table,
    is_terminal,
    note,
    print_table,
    style,
    terminal_width,
    uses_color,
    wrap,
)


class Screen(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def _plain(monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.parametrize(
    ("variables", "wish", "screen", "pipe"),
    [
        ({}, "auto", True, False),
        ({}, "always", True, True),
        ({}, "never", False, False),
        ({"NO_COLOR": "1"}, "always", False, False),
        ({"NO_COLOR": ""}, "auto", True, False),
        ({"FORCE_COLOR": "1"}, "auto", True, True),
        ({"FORCE_COLOR": "1"}, "never", False, False),
        ({"TERM": "dumb"}, "auto", False, False),
    ],
)
def test_when_color_is_used(monkeypatch, variables, wish, screen, pipe):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    before = terminal.set_color(wish)
    try:
        assert uses_color(Screen()) is screen
        assert uses_color(io.StringIO()) is pipe
    finally:
        assert terminal.set_color(before) == wish


def test_what_is_no_terminal():
    assert is_terminal(Screen())
    assert not is_terminal(io.StringIO())
    closed = Screen()
    closed.isatty = lambda: (_ for _ in ()).throw(ValueError("closed"))
    assert not is_terminal(closed)


def test_style():
    assert style("x", "bold", "red", stream=Screen()) == "\x1b[1;31mx\x1b[0m"
    assert style("x", "bold", stream=io.StringIO()) == "x"
    assert style("", "bold", stream=Screen()) == ""
    assert style("x", stream=Screen()) == "x"


def test_width(monkeypatch):
    assert terminal_width(io.StringIO()) == 100
    monkeypatch.setenv("COLUMNS", "42")
    assert terminal_width() == 42
    monkeypatch.setenv("COLUMNS", "wide")
    assert terminal_width(io.StringIO(), default=7) == 7


@given(st.text(st.sampled_from("ab c"), max_size=60), st.integers(3, 20))
def test_wrapping_keeps_every_word_in_order(text, width):
    lines = wrap(text, width, indent=" ")
    assert " ".join(lines).split() == text.split()
    assert all(len(line) <= width or len(line.split()) == 1 for line in lines)


def test_a_table_wraps_its_last_column_only():
    table = format_table([("name", "one two three four five six seven")], width=30)
    assert table == "name  one two three four five\n      six seven"


def test_a_table_in_a_pipe_has_one_line_per_row(capsys):
    print_table([("a\nb", "long " * 60)], header=("x", "y"))
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_an_empty_table_prints_nothing(capsys):
    print_table([])
    assert capsys.readouterr().out == ""


def test_a_table_in_color_is_aligned_as_without(monkeypatch):
    import re

    rows = [("a", "b", "c"), ("aaa", "bbb", "ccc")]
    plain = format_table(rows, header=("x", "y", "z"))
    monkeypatch.setenv("FORCE_COLOR", "1")
    colored = format_table(rows, header=("x", "y", "z"), color="cyan")
    assert "\x1b[36ma  \x1b[0m" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == "\n".join(line for line in plain.splitlines())
    assert format_table([("one",)], header=("x",)).startswith("\x1b[1mx")


def test_notes_go_to_stderr(capsys):
    note("look", kind="warning")
    note("aside")
    assert capsys.readouterr() == ("", "warning: look\naside\n")


def test_notes_stand_where_they_were_written_in_a_file_too():
    program = "from victor.core.cli.terminal import note\nprint('first')\nnote('second')\nprint('third')"
    quiet = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=quiet,
        text=True,
        check=True,
    )
    assert done.stdout == "first\nsecond\nthird\n"
