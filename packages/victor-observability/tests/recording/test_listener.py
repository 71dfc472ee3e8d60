"""The listener: recording is on once the package is installed, off by one setting, and survives how programs end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from victor.core.events import EventStream, using_stream
from victor.core.listeners import start_listeners
from victor.core.testing import isolated_plugins
from victor.observability.listener import current_recorder, make_listener
from victor.observability.recorder import Recorder
from victor.observability.store import open_store

PROGRAM = """
from victor.core import Agent
from victor.core.testing import ScriptedModel, call

def add(a: int, b: int) -> int:
    "Add two numbers."
    return a + b

def run():
    return Agent(name="adder", tools=[add], model=ScriptedModel([call("add", a=2, b=3), "5"])).run_sync("2 + 3?")

if __name__ == "__main__":
    assert run().output == "5"
"""


def environment(**variables: str) -> dict[str, str]:
    """That of a program that is not under pytest."""
    taken = {name: value for name, value in os.environ.items() if not name.startswith(("VICTOR_", "COV_", "PYTEST_"))}
    return taken | {"VICTOR_CONFIG": "", "VICTOR_LOAD_PLUGINS": "core,observability"} | variables


def run(folder: Path, code: str, *, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
    (folder / "program.py").write_text(code)
    return subprocess.run(
        [sys.executable, "program.py"], cwd=folder, env=environment(**variables), capture_output=True, text=True,
        timeout=60, check=check,
    )  # fmt: skip


def counts(folder: Path) -> dict[str, int]:
    with open_store(f"sqlite:{folder}/.victor/metrics.db", read_only=True) as store:
        return {group.by[0]: group.totals.count for group in store.breakdown(["kind"])}


def test_a_program_is_recorded_without_a_line_of_code(tmp_path: Path) -> None:
    done = run(tmp_path, PROGRAM)
    assert done.stderr == ""
    assert counts(tmp_path) == {"agent.run": 1, "model.request": 2, "tool.call": 1}
    with open_store(f"sqlite:{tmp_path}/.victor/metrics.db", read_only=True) as store:
        (found,) = store.runs()
        whole, (root,) = store.run(found.run_id)
    assert (whole.name, whole.model_requests, whole.tool_calls, whole.unpriced) == ("adder", 2, 1, 2)
    assert [span.kind for span in root.children] == ["model.request", "tool.call", "model.request"]


def test_one_setting_turns_it_off(tmp_path: Path) -> None:
    (tmp_path / "victor.toml").write_text('listeners = ["-observability"]\n')
    run(tmp_path, PROGRAM)
    assert not (tmp_path / ".victor").exists()


def test_importing_writes_nothing(tmp_path: Path) -> None:
    run(tmp_path, "from victor.core.events import get_stream\nassert get_stream().active\n")
    assert not (tmp_path / ".victor").exists()


def test_prices_of_settings_are_what_a_run_cost(tmp_path: Path) -> None:
    (tmp_path / "victor.toml").write_text('[prices."bench:m"]\ninput = 1.0\noutput = 10.0\n')
    run(
        tmp_path,
        """
from victor.core import Agent, Model, ModelResponse, Usage
from victor.core.pricing import find_price

class Bench(Model):
    provider = "bench"

    def __init__(self, name):
        self.name = name
        self.cost_usd = find_price("bench", name, listed=False) or super().cost_usd

    async def request(self, request):
        return ModelResponse("done", usage=Usage(1_000_000, 100_000))

for name in ("m", "another"):
    Agent(name=name, model=Bench(name)).run_sync("go")
""",
    )
    with open_store(f"sqlite:{tmp_path}/.victor/metrics.db", read_only=True) as store:
        found = {group.by[0]: group.totals for group in store.breakdown(["model"], where={"kind": "model.request"})}
    assert (found["m"].cost_usd, found["m"].unpriced, found["m"].input_tokens) == (2.0, 0, 1_000_000)
    assert (found["another"].cost_usd, found["another"].unpriced) == (None, 1)


def test_under_pytest_it_is_on_where_a_store_is_named(tmp_path: Path) -> None:
    assert "PYTEST_VERSION" in os.environ
    assert make_listener() is None
    recorder = make_listener(store=f"sqlite:{tmp_path}/m.db")
    assert isinstance(recorder, Recorder)
    assert current_recorder() is recorder
    recorder.close()
    assert current_recorder() is None


def test_a_wrong_setting_is_told_and_the_program_runs(tmp_path: Path) -> None:
    (tmp_path / "victor.toml").write_text("[listener.observability]\nhead_rat = 0.1\n")
    done = run(tmp_path, PROGRAM)
    assert "did you mean 'head_rate'?" in done.stderr


def test_a_store_that_cannot_be_made_is_told_once_and_the_program_runs(tmp_path: Path) -> None:
    (tmp_path / ".victor").write_text("a file where a folder should be")
    done = run(tmp_path, PROGRAM)
    assert done.stderr.count("cannot be written") == 1


def test_a_killed_program_loses_the_last_interval_at_most(tmp_path: Path) -> None:
    """All that happened before the last pause is there; the run that was cut off is there as open."""
    code = """
import os, sys, time
from victor.core.events import get_stream
stream = get_stream()
with stream.operation("workflow.run", "nightly"):
    for number in range(100):
        with stream.operation("tool.call", "before"):
            pass
    time.sleep(2.0)
    for number in range(100):
        with stream.operation("tool.call", "after"):
            pass
    print("now", flush=True)
    time.sleep(60)
"""
    (tmp_path / "program.py").write_text(code)
    process = subprocess.Popen(
        [sys.executable, "program.py"], cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "now\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with open_store(f"sqlite:{tmp_path}/.victor/metrics.db") as store:
        found = {group.by[0]: group.totals.count for group in store.breakdown(["name"])}
        (cut,) = store.runs()
    assert found["before"] == 100
    assert found.get("after", 0) in range(101)
    assert (cut.kind, cut.name, cut.status.name, cut.duration_ns) == ("workflow.run", "nightly", "OPEN", None)
    assert cut.tool_calls == found["before"] + found.get("after", 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "end",
    ["sys.exit(3)", "raise ValueError('x')", "os.kill(os.getpid(), signal.SIGINT)", "pass"],
    ids=["exit", "exception", "interrupt", "end"],
)
def test_however_a_program_ends_by_itself_nothing_is_lost(tmp_path: Path, end: str) -> None:
    code = f"""
import os, signal, sys, threading
from victor.core.events import get_stream
stream = get_stream()
def work():
    for number in range(500):
        with stream.operation("tool.call", "x"):
            pass
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
{end}
"""
    run(tmp_path, code, check=False)
    assert counts(tmp_path) == {"tool.call": 2000}


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_child_processes_are_recorded_too(tmp_path: Path, method: str) -> None:
    code = f"""
import multiprocessing
from program import run
from victor.core.events import get_stream

def work(number):
    assert run().output == "5"

if __name__ == "__main__":
    stream = get_stream()
    with stream.operation("workflow.run", "parent"):
        context = multiprocessing.get_context("{method}")
        children = [context.Process(target=work, args=(number,)) for number in range(3)]
        for child in children:
            child.start()
        for child in children:
            child.join()
            assert child.exitcode == 0
"""
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "main.py").write_text(code)
    subprocess.run([sys.executable, "main.py"], cwd=tmp_path, env=environment(), timeout=60, check=True)
    assert counts(tmp_path) == {"agent.run": 3, "model.request": 6, "tool.call": 3, "workflow.run": 1}


@pytest.mark.skipif(sys.platform == "win32", reason="not applicable: files have no limit here")
def test_a_disk_that_is_full_for_a_while_loses_nothing(tmp_path: Path) -> None:
    code = """
import resource
from victor.core.events import get_stream
from victor.observability import current_recorder

stream, recorder = get_stream(), current_recorder()

def calls(name):
    for number in range(500):
        with stream.operation("tool.call", name):
            pass

calls("before")
assert recorder.flush()
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
for _ in range(4):
    calls("while it is full")
    full = not recorder.flush()
assert full and recorder.own()["failed_writes"], recorder.own()
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
calls("after")
assert recorder.flush(), recorder.problem
"""
    done = run(tmp_path, code)
    assert done.stderr.count("cannot be written") == 1
    assert done.stderr.count("can be written again") == 1
    with open_store(f"sqlite:{tmp_path}/.victor/metrics.db") as store:
        found = {group.by[0]: group.totals.count for group in store.breakdown(["name"])}
        assert found == {"before": 500, "while it is full": 2000, "after": 500}
        assert store.info().records == 3000
        assert not store.check()


def test_two_programs_write_at_once(tmp_path: Path) -> None:
    code = """
from victor.core.events import get_stream
stream = get_stream()
for number in range(500):
    with stream.operation("agent.run", "a"):
        with stream.operation("tool.call", "x"):
            pass
"""
    (tmp_path / "program.py").write_text(code)
    several = [subprocess.Popen([sys.executable, "program.py"], cwd=tmp_path, env=environment()) for _ in range(2)]
    assert [process.wait(60) for process in several] == [0, 0]
    assert counts(tmp_path) == {"agent.run": 1000, "tool.call": 1000}


def test_planted_secrets_are_nowhere_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "victor.toml").write_text("capture_content = true\n")
    run(
        tmp_path,
        """
from victor.core import Agent
from victor.core.testing import ScriptedModel, call
from victor.core.events import get_stream

def fetch(url: str, headers: dict[str, str], api_key: str) -> str:
    "Fetch a page."
    raise OSError(f"cannot open {url}: Authorization: Bearer pl4nted-secret-in-error")

arguments = {"url": "https://ann:pl4nted-secret-in-url@example.org/?token=pl4nted-secret-in-query",
             "headers": {"X-Auth-Token": "pl4nted-secret-in-header"}, "api_key": "pl4nted-secret-in-argument"}
model = ScriptedModel([call("fetch", **arguments), "password=pl4nted-secret-in-answer"])
Agent(name="a", tools=[fetch], model=model).run_sync("log in with password=pl4nted-secret-in-prompt")
stream = get_stream()
stream.emit("log", "x", {"dsn": "postgresql://u:pl4nted-secret-in-attribute@h/db"})
try:
    with stream.operation("tool.call", "y", {"argv": ["curl", "-u", "ann:pl4nted-secret-in-command"]}):
        raise ValueError("AWS_SECRET_ACCESS_KEY=pl4nted-secret-in-exception")
except ValueError:
    pass
""",
    )
    assert counts(tmp_path)["tool.call"] == 2
    for file in (tmp_path / ".victor").iterdir():
        assert b"pl4nted" not in file.read_bytes(), file


def test_recording_imports_nothing_heavy() -> None:
    code = """
import sys
from victor.core.events import get_stream
with get_stream().operation("agent.run", "a"):
    pass
sys.stderr.write(" ".join(sorted({name.partition(".")[0] for name in sys.modules})))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True,
        env=environment(VICTOR_LISTENER__OBSERVABILITY__STORE="none"),
    )  # fmt: skip
    heavy = {"numpy", "opentelemetry", "prometheus_client", "psycopg", "pydantic", "sqlite3", "structlog", "typer"}
    assert set(done.stderr.split()) & heavy == set()
    assert "victor" in done.stderr


def test_a_listener_may_subscribe_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    from victor.core.hookspecs import hookimpl

    heard: list[Any] = []

    class Mine:
        def listen_to(self, stream: EventStream) -> None:
            stream.subscribe(heard.append, phases=["end"])

    class Plugin:
        @hookimpl
        def victor_register_listeners(self, register: Any) -> None:
            register("mine", Mine, enabled=True)

    monkeypatch.setenv("VICTOR_CONFIG", "")
    with isolated_plugins(Plugin()):
        stream = EventStream()
        assert "mine" in start_listeners(stream)
        with using_stream(stream), stream.operation("tool.call", "x"):
            pass
    assert [event.phase for event in heard] == ["end"]


def test_the_face_has_what_it_says_and_nothing_else() -> None:
    import victor.observability as face

    assert all(getattr(face, name) is not None for name in face.__all__)
    assert set(face.__all__) <= set(dir(face))
    with pytest.raises(AttributeError, match="no attribute 'Recorders'"):
        face.Recorders


def test_exporters_of_the_settings_are_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VICTOR_CONFIG", "")
    monkeypatch.setenv("VICTOR_METRICS__JSONL__PATH", str(tmp_path / "lines.jsonl"))
    recorder = make_listener(store="none", exporters=["jsonl"])
    assert recorder is not None
    stream = EventStream()
    recorder.listen_to(stream)
    with stream.operation("tool.call", "grep"):
        pass
    recorder.close()
    assert '"grep"' in (tmp_path / "lines.jsonl").read_text()
