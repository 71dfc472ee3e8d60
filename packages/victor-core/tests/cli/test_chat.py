"""``victor chat``: line by line from a pipe, and in a terminal."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess

import pytest

TOOLS = """
import asyncio

def add(a: int, b: int) -> int:
    "Add two numbers."
    return a + b

def block() -> str:
    "Blocks."
    import time
    time.sleep(600)

async def dawdle() -> str:
    "Takes for ever."
    await asyncio.Event().wait()
"""


@pytest.fixture
def cassette(write):
    def make(*answers, name="cassette.json", **more):
        write(name, json.dumps({"version": 1, "answers": list(answers), **more}))
        return f"scripted:{name}"

    return make


def lines(*said):
    return "".join(f"{line}\n" for line in said)


def test_each_line_is_answered_and_remembered(victor, cassette, place):
    done = victor(
        "chat", "-m", cassette("One.", "Two."), "-s", "Count.", stdin=lines("first", "", "second", "/save talk.json")
    )
    assert (done.code, done.out) == (0, "One.\nTwo.\n")
    assert done.err == "5 messages written to talk.json\n"
    saved = json.loads((place / "talk.json").read_text())
    assert [(m["role"], m["content"]) for m in saved] == [
        ("system", "Count."), ("user", "first"), ("assistant", "One."), ("user", "second"), ("assistant", "Two."),
    ]  # fmt: skip


def test_a_saved_conversation_goes_on(victor, cassette, place):
    victor("chat", "-m", cassette("One."), stdin=lines("first", "/save talk.json"))
    model = cassette({"text": "Two.", "match": {"messages": 3}}, repeat=True)
    assert victor("chat", "-m", model, "--load", "talk.json", stdin="second\n").out == "Two.\n"
    done = victor("chat", "-m", model, stdin=lines("/load talk.json", "second"))
    assert (done.out, done.err) == ("Two.\n", "2 messages read from talk.json\n")


def test_clear_forgets(victor, cassette):
    model = cassette({"text": "ok", "match": {"messages": 1}}, repeat=True)
    done = victor("chat", "-m", model, stdin=lines("first", "/clear", "second"))
    assert (done.code, done.out, done.err) == (0, "ok\nok\n", "forgotten\n")


def test_exit_ends_it(victor, cassette):
    assert victor("chat", "-m", cassette("One."), stdin=lines("/exit", "never said")).out == ""
    assert victor("chat", "-m", cassette("One."), stdin=lines("/quit", "never said")).out == ""


def test_help_lists_every_command(victor, cassette):
    out = victor("chat", "-m", cassette("One."), stdin="/help\n").out
    for command in ("/help", "/model", "/tools", "/save", "/load", "/clear", "/exit"):
        assert command in out


def test_the_model_can_be_shown_and_changed_in_the_middle(victor, cassette):
    first = cassette("One.", name="first.json")
    second = cassette({"text": "Two.", "match": {"messages": 3}}, name="second.json")
    done = victor("chat", "-m", first, stdin=lines("/model", "hello", f"/model {second}", "again"))
    assert done.code == 0
    assert done.out.splitlines()[1:2] == ["One."]
    assert done.out.splitlines()[-1] == "Two."
    assert "first.json" in done.out.splitlines()[0]


def test_tools_can_be_listed_and_added(victor, cassette, write):
    write("some_tools_for_chat.py", TOOLS)
    model = cassette({"tool_calls": [{"name": "add", "arguments": {"a": 2, "b": 3}}]}, "5")
    add = "/tools some_tools_for_chat:add"
    done = victor("chat", "-m", model, stdin=lines("/tools", add, add, "sum"))
    assert done.out == "add  Add two numbers.\nadd  Add two numbers.\n5\n"
    assert done.err.startswith("no tools; /tools NAME adds one")
    assert '· add {"a":2,"b":3}' in done.err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("/hepl", "no command /hepl; did you mean /help?"),
        ("/zzz", "no command /zzz; /help lists them"),
        ("/save", "/save needs a file name"),
        ("/save no/such/folder", "cannot be written"),
        ("/load", "/load needs a file name"),
        ("/load nothing.json", "nothing.json cannot be read"),
        ("/load bad.json", "not a list of messages"),
        ("/model nothing:x", "unknown model provider 'nothing'"),
        ("/tools nothing", "unknown tool 'nothing'"),
    ],
)
def test_what_fails_is_reported_and_the_chat_goes_on(victor, cassette, write, line, message):
    write("bad.json", "{}")
    done = victor("chat", "-m", cassette("Still here."), stdin=lines(line, "hello"))
    assert message in done.err
    assert done.out == "Still here.\n"
    assert done.code == 1


def test_a_model_that_fails_does_not_end_the_chat(victor, cassette):
    model = cassette({"error": "response", "message": "overloaded"}, "Better now.")
    done = victor("chat", "-m", model, stdin=lines("hello", "again"))
    assert (done.code, done.out) == (1, "Better now.\n")
    assert "overloaded" in done.err


def test_a_limit_is_reported(victor, cassette, write):
    write("some_tools_for_chat.py", TOOLS)
    model = cassette({"tool_calls": [{"name": "add", "arguments": {"a": 2, "b": 3}}]}, repeat=True)
    done = victor("chat", "-m", model, "-t", "some_tools_for_chat:add", "--max-steps", "1", stdin="sum\n")
    assert done.code == 1
    assert "Limits.steps" in done.err


class Terminal:
    """The program in a terminal, with somebody who types."""

    def __init__(self, args, env):
        self.master, theirs = pty.openpty()
        self.process = subprocess.Popen(
            args,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=env,
            start_new_session=True,
            preexec_fn=_own_terminal,
        )
        os.close(theirs)
        self.seen = ""

    def until(self, text, *, press=""):
        """Read until the text was shown; a key is pressed for it, as often as a person would.

        Python's input() does not notice a Ctrl-C that arrives in the moment between a key and its next wait.
        """
        self.type(press)
        tries = 30
        while text not in self.seen:
            try:
                if not select.select([self.master], [], [], 1.0)[0] and tries:
                    tries -= 1
                    self.type(press)
                    continue
                piece = os.read(self.master, 4096).decode() if tries else ""
            except OSError:  # the program has ended
                piece = ""
            if not piece:
                self.process.kill()
                raise AssertionError(f"{text!r} was not shown, only: {self.seen!r}")
            self.seen += piece
        shown, _, self.seen = self.seen.partition(text)
        return shown

    def type(self, text):
        os.write(self.master, text.encode())

    def close(self):
        code = self.process.wait(timeout=60)
        os.close(self.master)
        return code


def _own_terminal():
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_in_a_terminal(place, cassette, write, console_script, tmp_path):
    write("some_tools_for_chat.py", TOOLS)
    model = cassette({"tool_calls": [{"name": "dawdle", "arguments": {}}]}, "Back again.")
    env = {**os.environ, "TERM": "dumb", "PYTHONPATH": str(place)}
    terminal = Terminal([console_script, "chat", "-m", model, "-t", "some_tools_for_chat:dawdle"], env)
    terminal.until("/help lists commands, Ctrl-D leaves")
    terminal.until("> ")
    terminal.type("wait\n")
    terminal.until("· dawdle {}")
    terminal.until("(stopped)", press="\x03")
    terminal.until("> ")
    terminal.type("half a line")
    terminal.until("half a line")
    terminal.until("(/exit or Ctrl-D leaves)", press="\x03")
    terminal.until("> ")
    terminal.type("hello\n")
    terminal.until("Back again.")
    terminal.until("> ")
    terminal.type("\x04")
    assert terminal.close() == 0
    assert "hello" in (tmp_path / "state" / "victor" / "chat_history").read_text().splitlines()


def test_a_history_that_cannot_be_kept_is_said(place, cassette, console_script, tmp_path):
    (tmp_path / "state").write_text("in the way")
    terminal = Terminal([console_script, "chat", "-m", cassette("One.")], {**os.environ, "TERM": "dumb"})
    terminal.until("> ")
    terminal.type("/exit\n")
    terminal.until("the history was not kept")
    assert terminal.close() == 0


def test_ctrl_c_brings_the_prompt_back_while_a_tool_blocks_and_leaving_waits_for_nothing(
    place, cassette, write, console_script
):
    write("some_tools_for_chat.py", TOOLS)
    model = cassette({"tool_calls": [{"name": "block", "arguments": {}}]}, "Back again.")
    env = {**os.environ, "TERM": "dumb", "PYTHONPATH": str(place)}
    terminal = Terminal([console_script, "chat", "-m", model, "-t", "some_tools_for_chat:block"], env)
    terminal.until("> ")
    terminal.type("wait\n")
    terminal.until("· block {}")
    terminal.until("(stopped)", press="\x03")
    terminal.until("still running, and ended with this process: block (")
    terminal.until("> ")
    terminal.type("hello\n")
    terminal.until("Back again.")
    terminal.until("> ")
    terminal.type("\x04")
    assert terminal.close() == 0


def test_tools_are_renamed_in_a_chat(victor, cassette, write):
    write("more_tools_for_chat.py", TOOLS)
    done = victor(
        "chat", "-m", cassette(), stdin=lines("/tools more_tools_for_chat:add as plus more_tools_for_chat:add")
    )
    assert done.code == 0, done.err
    assert [line.split()[0] for line in done.out.splitlines()] == ["plus", "add"]
