"""``victor run``: one prompt, by a scripted model."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import time

import pytest

TOOLS = """
from victor.core import Tool, ToolError

def add(a: int, b: int) -> int:
    "Add two numbers."
    return a + b

def fail(why: str) -> str:
    "Fails."
    raise ToolError(f"no luck: {why}")

def _erase(path: str) -> str:
    return f"erased {path}"

erase = Tool.from_function(_erase, name="erase", description="Erases a file.", requires_approval=True)
"""


@pytest.fixture
def cassette(write):
    """Writes a cassette; returns the name of the model that replays it."""

    def make(*answers, **more):
        write("cassette.json", json.dumps({"version": 1, "answers": list(answers), **more}))
        return "scripted:cassette.json"

    return make


@pytest.fixture
def tools(write):
    return write("some_tools_for_run.py", TOOLS)


def call(name, **arguments):
    return {"tool_calls": [{"name": name, "arguments": arguments}]}


def prompts(done):
    return [message["content"] for message in json.loads(done.out)["messages"] if message["role"] == "user"]


def test_it_prints_the_answer_and_nothing_else(victor, cassette):
    done = victor("run", "hello", "-m", cassette("Hello."))
    assert (done.code, done.out, done.err) == (0, "Hello.\n", "")


def test_the_model_comes_from_settings_too(victor, cassette, monkeypatch):
    monkeypatch.setenv("VICTOR_MODEL", cassette("From the environment."))
    assert victor("run", "hello").out == "From the environment.\n"


def test_a_tool_of_a_file(victor, cassette, tools):
    model = cassette(call("add", a=2, b=3), "5.")
    assert victor("run", "add", "-m", model, "-t", "./some_tools_for_run.py:add").out == "5.\n"


def test_json_is_one_documented_object(victor, cassette, tools):
    model = cassette(call("add", a=2, b=3), {"text": "5.", "usage": {"input_tokens": 9, "output_tokens": 2}})
    done = victor("run", "add", "-m", model, "-t", "some_tools_for_run:add", "-s", "Be brief.", "--json")
    result = json.loads(done.out)
    assert done.err == ""
    assert list(result) == [
        "output", "text", "stop_reason", "usage", "cost_usd", "model", "steps", "tool_calls", "duration_s", "messages",
    ]  # fmt: skip
    assert result["output"] == result["text"] == "5."
    assert result["stop_reason"] == "completed"
    assert result["cost_usd"] is None
    assert (result["steps"], result["tool_calls"]) == (2, 1)
    assert result["usage"]["requests"] == 2
    assert [message["role"] for message in result["messages"]] == ["system", "user", "assistant", "tool", "assistant"]
    assert result["messages"][3]["content"] == "5"


def test_stdin_is_added_to_the_prompt(victor, cassette):
    done = victor("run", "summarize", "-m", cassette("ok"), "--json", stdin="one\ntwo\n")
    assert prompts(done) == ["summarize\n\none\ntwo\n"]


def test_stdin_alone_or_named_by_a_dash_is_the_prompt(victor, cassette):
    for args in (["run"], ["run", "-"]):
        assert prompts(victor(*args, "-m", cassette("ok"), "--json", stdin="do it")) == ["do it"]


def test_files_are_added_each_under_its_name(victor, cassette, write):
    write("a.txt", "aaa")
    write("b.txt", "bbb")
    model = cassette("ok", repeat=True)
    assert prompts(victor("run", "join", "-f", "a.txt", "-m", model, "--json")) == ["join\n\naaa"]
    done = victor("run", "join", "-f", "a.txt", "-f", "b.txt", "-m", model, "--json")
    assert prompts(done) == ["join\n\n[a.txt]\naaa\n\n[b.txt]\nbbb"]
    done = victor("run", "-", "-f", "a.txt", "-m", model, "--json", stdin="zzz")
    assert prompts(done) == ["[stdin]\nzzz\n\n[a.txt]\naaa"]


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["run"], 2, "nothing to do"),
        (["run", "-"], 2, "stdin is empty"),
        (["run", "x", "-f", "none.txt"], 1, "none.txt cannot be read: No such file or directory"),
        (["run", "x", "-f", "binary"], 1, "binary is not a text file"),
        (["run", "x", "-t", "nothing"], 1, "unknown tool 'nothing'"),
        (["run", "x", "-t", "files"], 1, "pip install victor-tools"),
        (["run", "x", "-t", "zzz*"], 1, "no tool is named like 'zzz*'"),
        (["run", "x", "-t", "os:nothing"], 1, "'os' has no 'nothing'"),
        (["run", "x", "-t", "./missing.py:nothing"], 1, "there is no file"),
        (["run", "x", "--schema", "none.json"], 1, "none.json cannot be read"),
        (["run", "x", "--schema", "binary"], 1, "is not JSON"),
        (["run", "x", "--schema", "list.json"], 1, "must be a JSON object"),
        (["run", "x", "--vertical", "nothing"], 1, "unknown vertical 'nothing'"),
        (["run", "x", "--max-cost", "-1"], 1, "command line: 'limits.cost_usd' must be a number above 0"),
        (["run", "x", "--max-steps", "0"], 2, "--max-steps"),
    ],
)
def test_what_is_wrong_is_said_in_words(victor, place, write, args, code, message):
    (place / "binary").write_bytes(b"\xff\x00")
    write("list.json", "[]")
    done = victor(*args)
    assert (done.code, done.out) == (code, "")
    assert message in done.err


def test_stdin_that_is_no_text(real_victor, place, console_script):
    done = subprocess.run([console_script, "run", "x"], input=b"\xff\xfe\xfa", capture_output=True, timeout=60)
    assert done.returncode == 1
    assert b"stdin is not text" in done.stderr


def test_a_schema_shapes_the_output(victor, cassette, write):
    write("town.json", '{"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}')
    done = victor("run", "a town", "--schema", "town.json", "-m", cassette('{"name": "Ulm"}'))
    assert json.loads(done.out) == {"name": "Ulm"}
    done = victor("run", "a town", "--schema", "town.json", "-m", cassette('{"nam": "Ulm"}', repeat=True))
    assert done.code == 1
    assert "name" in done.err


def test_streamed_text_comes_with_notes_on_tools(victor, cassette, tools):
    model = cassette(
        {"text": "Let me add.", **call("add", a=2, b=3)},
        call("fail", why="rain"),
        {"text": "It is\n5.", "chunks": ["It is\n5", "."]},
    )
    done = victor(
        "run", "add", "-m", model, "-t", "some_tools_for_run:add", "-t", "some_tools_for_run:fail", "--stream"
    )
    assert done.out == "Let me add.\nIt is\n5.\n"
    assert '· add {"a":2,"b":3}' in done.err
    assert "warning: fail: no luck: rain" in done.err


def test_a_run_that_meets_a_limit_is_no_success(victor, cassette, tools):
    model = cassette({"text": "Working.", **call("add", a=2, b=3)}, repeat=True)
    args = ["run", "add", "-m", model, "-t", "some_tools_for_run:add", "--max-steps", "1"]
    done = victor(*args)
    assert (done.code, done.out) == (1, "Working.\n")
    assert "Limits.steps" in done.err
    done = victor(*args, "--stream")
    assert (done.code, done.out) == (1, "Working.\n")
    done = victor(*args, "--json")
    assert done.code == 1
    assert json.loads(done.out)["output"] is None
    assert json.loads(done.out)["stop_reason"] == "max_steps"


def test_a_model_that_fails_is_reported(victor, cassette):
    done = victor("run", "x", "-m", cassette({"error": "rate_limit", "message": "too many requests"}))
    assert (done.code, done.out) == (1, "")
    assert "too many requests" in done.err


def erase_model(cassette):
    return cassette(call("erase", path="a"), "done")


def tool_answer(done):
    return next(m["content"] for m in json.loads(done.out)["messages"] if m["role"] == "tool")


def test_tools_that_need_approval(victor, cassette, tools, write):
    args = ["run", "erase it", "-m", erase_model(cassette), "-t", "some_tools_for_run:erase", "--json"]
    done = victor(*args)
    assert "not approved" in tool_answer(done)
    assert "erase was not run: it needs approval and nobody can be asked; --yes approves" in done.err
    assert tool_answer(victor(*args, "--yes")) == "erased a"
    write("victor.toml", 'approve = "never"')
    done = victor(*args)
    assert "not approved" in tool_answer(done)
    assert "the setting approve is 'never'" in done.err
    assert tool_answer(victor(*args, "--yes")) == "erased a"


@pytest.mark.parametrize(("typed", "expected"), [(b"y\n", "erased a"), (b"n\n", "not approved")])
def test_a_person_at_the_terminal_is_asked(place, cassette, tools, console_script, typed, expected):
    terminal, theirs = pty.openpty()
    process = subprocess.Popen(
        [console_script, "run", "erase it", "-m", erase_model(cassette), "-t", "some_tools_for_run:erase", "--json"],
        stdin=theirs,
        stderr=theirs,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(place)},
    )
    os.close(theirs)
    seen = b""
    while b"[y/N] " not in seen:
        seen += os.read(terminal, 1024)
    assert b'Allow erase {"path":"a"}? [y/N] ' in seen
    os.write(terminal, typed)
    out, _ = process.communicate(timeout=60)
    os.close(terminal)
    assert process.returncode == 0
    (answer,) = [m["content"] for m in json.loads(out)["messages"] if m["role"] == "tool"]
    assert expected in answer


def test_tools_of_plugins_by_name_and_pattern(victor, plugin, cassette):
    plugin(
        "sums",
        'from victor.core.hookspecs import hookimpl\n'
        '@hookimpl\n'
        'def victor_register_tools(register):\n'
        '    register("sums.add", "victor_sums:add")\n'
        '    register("sums.sub", "victor_sums:sub")\n'
        'def add(a: int, b: int) -> int:\n    "Add."\n    return a + b\n'
        'def sub(a: int, b: int) -> int:\n    "Subtract."\n    return a - b\n',
    )  # fmt: skip
    model = cassette(call("add", a=2, b=3), "5", repeat=True)
    assert victor("run", "x", "-m", model, "-t", "sums.add").out == "5\n"
    model = cassette(call("sub", a=2, b=3), "-1")
    assert victor("run", "x", "-m", model, "-t", "sums.*").out == "-1\n"


def test_a_vertical_brings_instructions_tools_and_limits(victor, plugin, cassette):
    plugin(
        "clerk",
        'from victor.core.hookspecs import hookimpl\n'
        'from victor.core import Limits, Vertical\n'
        '@hookimpl\n'
        'def victor_register_verticals(register):\n'
        '    register("clerk", Vertical("clerk", instructions="You file.", tools=(add,), limits=Limits(steps=1)))\n'
        'def add(a: int, b: int) -> int:\n    "Add."\n    return a + b\n',
    )  # fmt: skip
    model = cassette(call("add", a=2, b=3), "5", repeat=True)
    done = victor("run", "x", "-m", model, "--vertical", "clerk", "-s", "Be kind.", "--json")
    result = json.loads(done.out)
    assert result["messages"][0]["content"] == "You file.\n\nBe kind."
    assert result["stop_reason"] == "max_steps"
    assert (
        json.loads(victor("run", "x", "-m", model, "--vertical", "clerk", "--max-steps", "3", "--json").out)["output"]
        == "5"
    )


def test_the_offline_model_says_what_it_is(victor):
    done = victor("run", "Summarize in one sentence: Ulm is a town. It lies on the Danube.")
    assert done.code == 0
    assert done.err.startswith("offline model: not a language model")
    assert done.err.count("\n") == 1
    assert victor("run", "Summarize: Ulm is a town.", "--json").err == ""


def test_the_real_program_reads_a_pipe(real_victor, cassette):
    done = real_victor("run", "x", "-m", cassette("ok"), "--json", stdin="piped")
    assert prompts(done) == ["x\n\npiped"]


def test_a_device_on_stdin_has_nothing_to_say(place, cassette, console_script):
    args = [console_script, "run", "x", "-m", cassette("ok"), "--json"]
    done = subprocess.run(args, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    assert [m["content"] for m in json.loads(done.stdout)["messages"]] == ["x", "ok"]


def test_two_tools_of_one_name_are_told_apart_by_the_whole_of_theirs(victor, cassette, write, place):
    write("first_tools.py", TOOLS)
    write("second_tools.py", TOOLS.replace("return a + b", "return a * b"))
    model = cassette(call("first_tools_add", a=2, b=5), call("second_tools_add", a=2, b=5), "Done.")
    done = victor("run", "go", "-m", model, "-t", "first_tools:add", "-t", "second_tools:add", "--json")
    assert done.code == 0
    assert [m["content"] for m in json.loads(done.out)["messages"] if m["role"] == "tool"] == ["7", "10"]
    assert "first_tools:add as first_tools_add, second_tools:add as second_tools_add" in done.err
    assert "-t 'second_tools:add as OTHER'" in done.err


def test_a_tool_is_renamed_on_the_command_line(victor, cassette, write):
    write("third_tools.py", TOOLS)
    model = cassette(call("plus", a=2, b=5), call("add", a=1, b=1), "Done.")
    done = victor("run", "go", "-m", model, "-t", "third_tools:add as plus", "-t", "third_tools:add", "--json")
    assert done.code == 0, done.err
    assert [m["content"] for m in json.loads(done.out)["messages"] if m["role"] == "tool"] == ["7", "2"]


def test_names_that_stay_the_same_say_what_to_type(victor, cassette, write):
    write("fourth_tools.py", TOOLS)
    done = victor("run", "go", "-m", cassette("x"), "-t", "fourth_tools:add as plus", "-t", "fourth_tools:fail as plus")
    assert done.code == 1
    assert "are both named 'plus'" in done.err
    assert "-t 'fourth_tools:fail as OTHER'" in done.err
    done = victor("run", "go", "-m", cassette("x"), "-t", "fourth_tools:add as no good")
    assert (done.code, "no good" in done.err) == (1, True)


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
@pytest.mark.parametrize("arguments", [["run", "hello", "-m"], ["--version"], ["--help"], ["config", "show"]])
def test_a_disk_that_is_full_is_said_in_one_line(console_script, cassette, arguments):
    arguments = [*arguments, cassette("Hello.")] if arguments[-1] == "-m" else arguments
    for unbuffered in ("", "1"):
        env = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [console_script, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, env=env
            )
        assert done.returncode == 1
        assert done.stderr == "error: the output could not be written: No space left on device\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_nothing_at_all_can_be_written(console_script):
    with open("/dev/full", "w") as full:
        done = subprocess.run([console_script, "--version"], stdout=full, stderr=full, timeout=60)
    assert done.returncode == 1


def test_a_closed_stdout(console_script, cassette):
    done = subprocess.run(
        ["sh", "-c", f'"{console_script}" run hello -m {cassette("Hello.")} >&-'],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    assert "bug" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "env", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}]
)
@pytest.mark.parametrize("streamed", [[], ["--stream"]])
def test_an_answer_that_the_terminal_cannot_show(real_victor, cassette, env, streamed):
    done = real_victor("run", "hello", "-m", cassette("Grüße aus Köln."), *streamed, env=env)
    assert done.code == 1
    assert "stdout cannot show '\\xfc\\xdf': its encoding is ascii; set PYTHONUTF8=1" in done.err
    assert "bug" not in done.err
    assert real_victor("run", "hello", "-m", cassette("Hello."), *streamed, env=env).out == "Hello.\n"


BLOCKING = """
import time
def block() -> str:
    "Blocks."
    with open("began", "w") as file:
        file.write("yes")
    time.sleep(600)
"""


def test_ctrl_c_brings_the_prompt_back_although_a_tool_blocks(console_script, cassette, write, place):
    write("blocking_tools.py", BLOCKING)
    model = cassette(call("block"), "never")
    process = subprocess.Popen(
        [console_script, "run", "go", "-m", model, "-t", "blocking_tools:block"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    until = time.monotonic() + 30
    while not (place / "began").exists():
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, "")
    assert re.search(r"warning: still running, and ended with this process: block \(\d+ s\)", err)
    assert "Traceback" not in err


def test_a_prompt_without_quotes_is_told(victor):
    done = victor("run", "Where", "is", "order", "17")
    assert done.code == 2
    assert 'put the prompt in quotes: victor run "Where is order 17"' in done.err


def test_debug_shows_the_traceback_of_a_tools_own_error(victor, write):
    write(
        "shop.py",
        'def order_status(order: int) -> str:\n    "The status of an order."\n    return {1: "sent"}[order]\n',
    )
    args = ("run", "-t", "./shop.py:order_status", "What is the status of order 99?")
    assert "Traceback" not in victor(*args).err
    done = victor("--debug", *args)
    assert "debug: the tool order_status failed:\nTraceback (most recent call last):" in done.err
    assert 'shop.py", line 3, in order_status' in done.err
