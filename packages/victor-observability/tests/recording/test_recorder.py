"""The recorder: exact under threads and tasks, alive when stores fail, and gone without loss at the end."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from victor.core.events import EventStream
from victor.observability.recorder import Recorder
from victor.observability.settings import Settings
from victor.observability.store import open_store

Start = Callable[..., tuple[EventStream, Recorder]]


@pytest.fixture
def start(store: Any) -> Iterator[Start]:
    """Starts a recorder of a new stream, with the store in memory unless another is given."""
    made: list[Recorder] = []

    def begin(opened: Callable[[], Any] | None = None, **settings: Any) -> tuple[EventStream, Recorder]:
        stream = EventStream()
        settings = {"interval_ms": 20.0, "rows_per_s": 1e9, "overhead": 1.0, **settings}
        recorder = Recorder(opened or (lambda: store), Settings(**settings))
        recorder.listen_to(stream)
        made.append(recorder)
        return stream, recorder

    yield begin
    for recorder in made:
        recorder.close()


def call(stream: EventStream, name: str = "grep") -> None:
    with stream.operation("tool.call", name, {"agent": "a"}):
        pass


def test_everything_is_written_without_being_asked(start: Start, store: Any) -> None:
    stream, recorder = start()
    written = threading.Event()
    recorder.add_sink(lambda records: written.set())
    call(stream)
    assert written.wait(10)
    assert recorder.flush()
    assert store.count("tool.call") == 1


def test_nothing_is_done_before_the_first_event(start: Start, store: Any) -> None:
    _, recorder = start()
    assert recorder._thread is None
    assert recorder.flush()
    assert store.writes == 0


def test_a_hundred_threads_are_counted_exactly(start: Start, store: Any) -> None:
    stream, recorder = start()
    ready = threading.Barrier(100)

    def work(number: int) -> None:
        ready.wait()
        with stream.operation("agent.run", f"a{number % 10}"):
            for _ in range(200):
                call(stream, f"t{number % 10}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert recorder.flush(60)
    assert recorder.own()["dropped"] == 0
    assert store.count("tool.call") == 20_000
    assert store.count("agent.run") == 100
    assert {tool: totals.count for tool, totals in recorder.metrics.by("tool").items()} == {
        f"t{number}": 2_000 for number in range(10)
    }
    assert sum(run.tool_calls for run in store.runs.values()) == 20_000
    assert len([record for record in store.records if record.kind == "tool.call"]) == 20_000


@pytest.mark.slow
async def test_ten_thousand_tasks_are_counted_exactly(start: Start, store: Any) -> None:
    stream, recorder = start()
    gate = asyncio.Event()

    async def work(number: int) -> None:
        await gate.wait()
        async with stream.operation("agent.run", "a"):
            await asyncio.sleep(0)
            call(stream)

    tasks = [asyncio.create_task(work(number)) for number in range(10_000)]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(*tasks)
    assert await asyncio.to_thread(recorder.flush, 60)
    assert (store.count("tool.call"), store.count("agent.run")) == (10_000, 10_000)
    assert len(store.runs) == 10_000
    assert all(run.tool_calls == 1 and run.spans == 1 for run in store.runs.values())
    assert recorder.metrics.metrics().successful_runs == 10_000


def test_a_full_queue_drops_detail_says_how_much_and_counts_exactly(start: Start, store: Any) -> None:
    stream, recorder = start(queue=10, interval_ms=60_000.0)
    with stream.operation("agent.run", "a"):
        for _ in range(25):
            call(stream)
        with pytest.raises(ValueError, match="x"), stream.operation("tool.call", "grep"):
            raise ValueError("x")
        with stream.operation("model.request", "m", {"input_tokens": 7, "cost_usd": 0.5, "model": "m"}):
            pass
    assert recorder.flush()
    own = recorder.own()
    assert (own["seen"], own["dropped"]) == (28, 17)
    assert (store.count("tool.call"), store.count("agent.run")) == (26, 1)
    kinds = [(record.kind, record.status.name) for record in store.records]
    assert kinds.count(("tool.call", "OK")) == 9
    assert ("tool.call", "ERROR") in kinds
    assert ("agent.run", "OK") in kinds
    (run,) = store.runs.values()
    assert (run.kind, run.tool_calls, run.errors, run.spans, run.input_tokens) == ("agent.run", 26, 1, 27, 7)
    metrics = recorder.metrics.metrics()
    assert (metrics.llm_cost_usd, metrics.events_emitted) == (0.5, 28)


def test_a_hundred_threads_are_counted_exactly_when_they_are_too_fast(start: Start, store: Any) -> None:
    stream, recorder = start(queue=100)
    ready = threading.Barrier(100)

    def work() -> None:
        ready.wait()
        for _ in range(100):
            call(stream)

    threads = [threading.Thread(target=work) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert recorder.flush(60)
    assert store.count("tool.call") == 10_000
    assert recorder.own()["seen"] == 10_000
    assert len([record for record in store.records if record.kind == "tool.call"]) == 10_000 - recorder.dropped


def test_a_store_that_fails_is_told_once_and_loses_nothing(
    start: Start, store: Any, caplog: pytest.LogCaptureFixture
) -> None:
    stream, recorder = start()
    store.fail = lambda: OSError("No space left on device, password=hunter2")
    with caplog.at_level(logging.WARNING, "victor.observability"):
        for _ in range(5):
            call(stream)
            assert not recorder.flush()
    assert len(caplog.records) == 1
    assert "No space left" in recorder.problem
    assert "hunter2" not in caplog.text + recorder.problem
    assert recorder.own()["unwritten"] == 5
    store.fail = lambda: None
    assert recorder.flush()
    assert "can be written again" in caplog.text
    assert store.count("tool.call") == 5
    assert len(store.records) == 5
    assert (recorder.own()["failed_writes"], recorder.problem, recorder.own()["written"]) == (0, "", 5)


def test_it_tries_again_by_itself(start: Start, store: Any) -> None:
    stream, recorder = start()
    tried: list[float] = []
    back = threading.Event()

    def fail() -> Exception | None:
        tried.append(time.monotonic())
        if len(tried) >= 3:
            back.set()
            return None
        return OSError("locked")

    store.fail = fail
    call(stream)
    assert back.wait(20)
    assert recorder.flush()
    assert store.count("tool.call") == 1
    assert tried[2] - tried[1] > tried[1] - tried[0] >= 0.2  # longer and longer


def test_a_store_that_cannot_be_opened_is_opened_later(start: Start, store: Any) -> None:
    broken = [True]

    def opened() -> Any:
        if broken[0]:
            raise PermissionError("read-only file system")
        return store

    stream, recorder = start(opened)
    call(stream)
    assert not recorder.flush()
    broken[0] = False
    assert recorder.flush()
    assert store.count("tool.call") == 1


def test_a_locked_sqlite_file_stops_nothing(start: Start, tmp_path: Any) -> None:
    url = f"sqlite:{tmp_path}/m.db"
    with open_store(url):
        pass

    def opened() -> Any:
        from victor.observability.store.sqlite import SqliteStore

        return SqliteStore(tmp_path / "m.db", busy_s=0.05)

    stream, recorder = start(opened)
    other = sqlite3.connect(tmp_path / "m.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    for _ in range(10):
        call(stream)
    assert not recorder.flush()
    other.execute("COMMIT")
    other.close()
    assert recorder.flush()
    recorder.close()
    with open_store(url) as store:
        (group,) = store.breakdown(["kind"])
        assert (group.by, group.totals.count) == (("tool.call",), 10)


def test_a_sink_gets_what_is_kept_and_one_that_fails_gets_no_more(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    stream, recorder = start()
    seen: list[str] = []

    def broken(records: list[Any]) -> None:
        raise ValueError("x")

    recorder.add_sink(broken)
    remove = recorder.add_sink(lambda records: seen.extend(record.name for record in records))
    for name in ("a", "b"):
        call(stream, name)
        recorder.flush()
    remove()
    call(stream, "c")
    recorder.flush()
    assert seen == ["a", "b"]
    assert caplog.text.count("gets no more records") == 1


def test_what_goes_wrong_inside_is_told_and_recording_goes_on(
    start: Start, store: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stream, recorder = start()
    take = recorder._intake.take
    monkeypatch.setattr(recorder._intake, "take", lambda *_: 1 / 0)
    call(stream)
    recorder.flush()
    call(stream)
    recorder.flush()
    assert caplog.text.count("recording failed") == 1
    monkeypatch.setattr(recorder._intake, "take", take)
    call(stream)
    assert recorder.flush()
    assert store.count("tool.call") == 1


def test_where_there_are_no_threads_it_is_written_when_a_run_ends(
    start: Start, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none)
    stream, recorder = start()
    with stream.operation("agent.run", "a"):
        call(stream)
        assert store.writes == 0
    assert (store.count("tool.call"), store.count("agent.run")) == (1, 1)
    with stream.operation("agent.run", "a"):
        pass
    assert store.count("agent.run") == 2
    assert recorder.flush()


def test_closing_writes_what_is_left_and_ends(start: Start, store: Any) -> None:
    stream, recorder = start(interval_ms=60_000.0)
    call(stream)
    recorder.close()
    recorder.close()
    call(stream)
    assert store.count("tool.call") == 1
    assert store.closed
    assert not stream.active
    assert recorder._thread is not None
    assert not recorder._thread.is_alive()


def test_closing_while_the_store_fails_says_what_is_lost(
    start: Start, store: Any, caplog: pytest.LogCaptureFixture
) -> None:
    stream, recorder = start()
    store.fail = lambda: OSError("gone")
    call(stream)
    recorder.close()
    assert "are not written (1 rows): OSError: gone" in caplog.text


def test_a_flush_that_takes_too_long_says_so(start: Start, store: Any) -> None:
    stream, recorder = start()
    go_on, began = threading.Event(), threading.Event()

    def slow() -> None:
        began.set()
        go_on.wait(20)

    store.fail = slow
    call(stream)
    assert began.wait(10)
    assert not recorder.flush(0.01)
    go_on.set()
    assert recorder.flush(20)


def test_without_a_store_there_are_figures(start: Start) -> None:
    stream = EventStream()
    recorder = Recorder(None, Settings(interval_ms=10.0))
    recorder.listen_to(stream)
    call(stream)
    assert recorder.flush()
    assert recorder.metrics.metrics(agent="a").tool_calls == {"grep": 1}
    assert recorder.own()["unwritten"] == 0
    recorder.close()


def test_a_snapshot_has_the_recorders_own_figures(start: Start) -> None:
    stream, recorder = start()
    call(stream)
    recorder.flush()
    snapshot = recorder.snapshot()
    assert [(key.name, aggregate.count) for key, aggregate in snapshot.groups] == [("grep", 1)]
    own = snapshot.own
    assert own["seen"] == own["written"] == 1
    assert own["overhead"] > 0
    assert 0 < own["overhead_part"] < 1
    assert own["head_rate"] == 1.0


def test_it_takes_less_detail_while_it_takes_too_much_time(start: Start, store: Any) -> None:
    stream, recorder = start(overhead=0.0001)
    recorder._budget._credit_s = 0.0
    recorder._budget._changed_s = -1e9
    for _ in range(200):
        call(stream)
    recorder.flush()
    assert recorder.own()["head_rate"] == 0.5
    for _ in range(2_000):
        call(stream)
    recorder.flush()
    assert recorder.own()["filtered"] > 500
    assert store.count("tool.call") == 2_200


def test_tidying_up_that_fails_is_told(start: Start, store: Any, caplog: pytest.LogCaptureFixture) -> None:
    stream, recorder = start()
    store.maintain = lambda: 1 / 0
    call(stream)
    recorder.flush()
    recorder._maintain_s = 0.0
    assert recorder.flush()
    assert "could not be tidied up: division by zero" in caplog.text


def test_exporters_run_as_long_as_the_recorder(
    start: Start, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("VICTOR_CONFIG", "")
    monkeypatch.setenv("VICTOR_METRICS__JSONL__PATH", str(tmp_path / "lines.jsonl"))
    stream, recorder = start()
    recorder.start_exporters(["jsonl"])
    call(stream)
    recorder.close()
    assert '"grep"' in (tmp_path / "lines.jsonl").read_text()

    class Broken:
        def close(self) -> None:
            raise ValueError("x")

    _, other = start()
    other._exporters = (Broken(),)
    other.close()
    assert "could not be closed" in caplog.text


def test_it_is_a_listener_itself(start: Start, store: Any) -> None:
    stream = EventStream()
    recorder = Recorder(lambda: store)
    stream.subscribe(recorder, phases=["end"])
    call(stream)
    assert recorder.flush()
    assert store.count("tool.call") == 1
    recorder.close()
    call(stream)  # still subscribed, and not recorded any more
    assert store.count("tool.call") == 1
    assert recorder.own()["queue"] == 0


def test_tidying_up_happens_now_and_then(start: Start, store: Any) -> None:
    stream, recorder = start()
    call(stream)
    recorder.flush()
    recorder._maintain_s = 0.0
    recorder.flush()
    recorder.flush()
    assert store.maintained == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="not applicable: no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_after_a_fork_both_count_their_own(start: Start, tmp_path: Any) -> None:
    url = f"sqlite:{tmp_path}/m.db"
    stream, recorder = start(lambda: open_store(url), interval_ms=60_000.0)
    call(stream, "both")
    recorder.flush()
    call(stream, "parent")  # on the queue when the child is made, which must not write it
    child = os.fork()
    if child == 0:
        code = 1
        try:
            for _ in range(3):
                call(stream, "child")
            code = 0 if recorder.flush(20) and recorder.own()["seen"] == 3 else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    call(stream, "parent")
    recorder.close()
    with open_store(url) as opened:
        found = {group.by[0]: group.totals.count for group in opened.breakdown(["name"])}
    assert found == {"both": 1, "parent": 2, "child": 3}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="not applicable: no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_forks_in_the_middle_of_writing_do_not_hang(start: Start, tmp_path: Any) -> None:
    url = f"sqlite:{tmp_path}/m.db"
    stream, recorder = start(lambda: open_store(url), interval_ms=0.1)
    children = int(os.environ.get("VICTOR_TEST_FORKS", "20"))
    for _ in range(children):
        for _ in range(200):
            call(stream, "parent")
        child = os.fork()
        if child == 0:
            call(stream, "child")
            os._exit(0 if recorder.flush(30) else 2)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
    recorder.close()
    with open_store(url) as opened:
        found = {group.by[0]: group.totals.count for group in opened.breakdown(["name"])}
    assert found == {"parent": 200 * children, "child": children}


def test_a_clock_that_is_set_back_changes_no_count(start: Start, store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from victor.core import events

    now = [1_700_000_000 * 10**9]
    monkeypatch.setattr(events, "time_ns", lambda: now[0])
    stream, recorder = start()
    for step in (0, 3600, -7200, 60, 86_400, -86_400):
        now[0] += step * 10**9
        for _ in range(5):
            call(stream)
        recorder.flush()
    assert store.count("tool.call") == 30
    assert recorder.metrics.by("tool", window_s=60)["grep"].count == 30
    assert all(record.duration_ns is not None and record.duration_ns >= 0 for record in store.records)
