"""The event listener ``log``."""

from __future__ import annotations

import asyncio
import io
import json
from contextlib import suppress

import pytest

from victor.core.errors import ConfigurationError, ToolError
from victor.core.events import EventStream
from victor.core.log import make_listener
from victor.core.tool import ToolScope, as_tool


def logged(work, **options):
    """The lines, as JSON, of what the work emits."""
    out = io.StringIO()
    stream = EventStream(capture_content=True)
    stream.subscribe(make_listener(format="json", file=out, **options))
    work(stream)
    assert stream.detached == []
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_one_line_per_operation_when_it_ends():
    def work(stream):
        with stream.operation("agent.run", "ann", {"model": "m", "nothing": None, "empty": ""}) as operation:
            stream.emit("state.transition", "s", {"keys": ["a"]})
            operation.set(steps=2)

    point, run = logged(work)
    assert (point["event"], point["name"], point["keys"]) == ("state.transition", "s", ["a"])
    assert "ms" not in point
    assert (run["event"], run["name"], run["model"], run["steps"], run["level"]) == ("agent.run", "ann", "m", 2, "info")
    assert run["ms"] >= 0
    assert run["run"] == point["run"]
    assert {"nothing", "empty"} & set(run) == set()


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (KeyError(99), "KeyError: 99"),
        (StopIteration(3), "StopIteration: 3"),
        (FileNotFoundError(2, "No such file", "a.txt"), "FileNotFoundError: [Errno 2] No such file: 'a.txt'"),
        (IndexError(), "IndexError"),
        (ConfigurationError("no model is set"), "no model is set"),
    ],
)
def test_an_error_whose_text_says_nothing_alone_is_named(error, told):
    def work(stream):
        with suppress(type(error)), stream.operation("graph.node", "n"):
            raise error

    (line,) = logged(work)
    assert line["error"] == told


async def test_where_a_tool_raised_is_told():
    def broken(text: str) -> str:
        return json.loads(text)  # raises in the library, because of this line

    out = io.StringIO()
    stream = EventStream()
    stream.subscribe(make_listener(format="json", file=out))
    await as_tool(broken).call({"text": "{"}, scope=ToolScope(stream=stream))
    line = json.loads(out.getvalue().splitlines()[-1])
    assert line["raised_at"] == f"test_log.py:{broken.__code__.co_firstlineno + 1}"

    def refuse() -> str:
        raise ToolError("not today")

    await as_tool(refuse).call({}, scope=ToolScope(stream=stream))
    assert "raised_at" not in json.loads(out.getvalue().splitlines()[-1])


def test_failures_are_errors_and_secrets_are_hidden():
    def work(stream):
        with suppress(ValueError), stream.operation("tool.call", "t", {"api_key": "hidden"}) as operation:
            operation.capture(arguments={"password": "hidden"})
            raise ValueError("token=hidden")
        with suppress(RuntimeError), stream.operation("tool.call", "t"):
            raise RuntimeError

    first, second = logged(work)
    assert "hidden" not in json.dumps(first)
    assert first["level"] == "error"
    assert first["error"].startswith("ValueError: token=")
    assert second["error"] == "RuntimeError"


def test_cancelled_is_no_error():
    def work(stream):
        with pytest.raises(asyncio.CancelledError), stream.operation("agent.run", "a"):
            raise asyncio.CancelledError

    (line,) = logged(work)
    assert (line["cancelled"], line["level"]) == (True, "info")


def test_only_kinds_that_were_asked_for():
    def work(stream):
        for kind in ("tool.call", "tool.progress", "agent.run"):
            stream.emit(kind)

    assert [line["event"] for line in logged(work, kinds=["tool.*"])] == ["tool.call", "tool.progress"]
    assert [line["event"] for line in logged(work, kinds=["agent.run"])] == ["agent.run"]


def test_text_to_stderr_by_default(capsys):
    stream = EventStream()
    stream.subscribe(make_listener())
    stream.emit("message.sent", "m", {"to": "bob"})
    assert "message.sent" in capsys.readouterr().err


def test_a_file_is_appended_to(tmp_path):
    file = tmp_path / "victor.log"
    for _ in range(2):
        stream = EventStream()
        stream.subscribe(make_listener(format="json", file=str(file)))
        stream.emit("message.sent", "m")
    assert len(file.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "xml"}, "must be 'text' or 'json', not 'xml'"),
        ({"file": "/no/such/folder/x.log"}, "cannot be opened"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ConfigurationError, match=message):
        make_listener(**options)


def test_settings_switch_it_on(tmp_path, monkeypatch):
    from victor.core.listeners import start_listeners

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VICTOR_CONFIG", "")
    monkeypatch.setenv("VICTOR_LISTENERS", "log")
    (tmp_path / "victor.toml").write_text('[listener.log]\nformat = "json"\nfile = "victor.log"\n')
    stream = EventStream()
    assert "log" in start_listeners(stream)
    stream.emit("message.sent", "m")
    assert json.loads((tmp_path / "victor.log").read_text())["event"] == "message.sent"
