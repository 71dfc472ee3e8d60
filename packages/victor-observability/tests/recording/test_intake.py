"""From events to what is written: roots, sampling by head and tail, minutes, runs, and clocks that jump."""

from __future__ import annotations

from typing import Any

import pytest

from victor.core.events import Event, Phase
from victor.core.redact import redact
from victor.observability.attributes import CleanAttributes
from victor.observability.cardinality import Folding
from victor.observability.intake import Intake
from victor.observability.metrics import MetricsCollector
from victor.observability.record import Status
from victor.observability.sampling import Budget, RowLimit, SlowRuns

S = 1_000_000_000
MINUTE = 60 * S
LATE, EARLY = "f" * 32, "0" * 31 + "1"  # runs that a head rate below 1 leaves out, and keeps


def intake(head_rate: float = 1.0, rows_per_s: float = 1e6, slow_s: float | None = None) -> Intake:
    return Intake(
        MetricsCollector(), Folding(), CleanAttributes(redact), head_rate=head_rate, budget=Budget(1.0, 0.0),
        limit=RowLimit(rows_per_s, 0.0), slow=SlowRuns(slow_s),
    )  # fmt: skip


def event(
    kind: str, name: str, phase: Phase = "end", *, run: str = EARLY, span: str = "s1", parent: str | None = None,
    at: int = MINUTE, took: int | None = S, error: BaseException | None = None, **attributes: Any,
) -> Event:  # fmt: skip
    took = took if phase == "end" else None
    return Event(kind, phase, name, run, span, parent, at, at, attributes, took, error, str(error or ""))


def a_run(
    run: str, *, calls: int = 3, took: int = S, error: BaseException | None = None, at: int = MINUTE
) -> list[Event]:
    inner = [event("tool.call", "grep", run=run, span=f"t{n}", parent="root", at=at, agent="a") for n in range(calls)]
    if error is not None and inner:
        inner[-1] = event("tool.call", "grep", run=run, span="t", parent="root", at=at, error=error, agent="a")
    return [
        event("workflow.run", "nightly", "start", run=run, span="root", at=at),
        *inner,
        event("workflow.run", "nightly", run=run, span="root", at=at, took=took),
    ]


def write(taken: Intake, store: Any, now_s: float = 0.0) -> None:
    batch = taken.batch()
    if batch is not None:
        store.write(batch)
        taken.written(now_s)


def test_what_happens_in_a_run_has_its_name_as_root(store: Any) -> None:
    taken = intake()
    taken.take(a_run(EARLY), 0.0)
    write(taken, store)
    assert {record.root for record in store.records} == {"nightly"}
    assert {key.root for key in store.figures()} == {"nightly"}
    run = store.runs[EARLY]
    assert (run.kind, run.name, run.status, run.spans, run.tool_calls) == ("workflow.run", "nightly", Status.OK, 3, 3)


def test_a_run_that_is_cut_off_is_known_as_open(store: Any) -> None:
    taken = intake()
    taken.take(a_run(EARLY)[:2], 0.0)
    write(taken, store)
    assert store.runs[EARLY].status is Status.OPEN
    assert [record.status for record in store.records] == [Status.OPEN, Status.OK]
    assert store.count("workflow.run") == 0


def test_a_run_below_an_operation_of_another_process_has_a_name_and_an_end(store: Any) -> None:
    taken = intake()
    taken.take(
        [event("team.run", "t", "start", span="x", parent="far"), event("team.run", "t", span="x", parent="far")], 0
    )
    write(taken, store)
    assert (store.runs[EARLY].name, store.runs[EARLY].status) == ("t", Status.OK)


def test_an_operation_outside_of_any_run_is_counted_and_kept(store: Any) -> None:
    taken = intake()
    taken.take([event("tool.progress", "grep", "point", parent="s1", span="p"), event("tool.call", "grep")], 0.0)
    write(taken, store)
    assert (store.count("tool.call"), store.count("tool.progress"), len(store.records)) == (1, 1, 2)
    assert taken._runs == {}


def test_figures_count_all_and_detail_is_sampled_by_run(store: Any) -> None:
    taken = intake(head_rate=0.5)
    taken.take([*a_run(EARLY), *a_run(LATE)], 0.0)
    write(taken, store)
    assert {record.run_id for record in store.records} == {EARLY}
    assert store.count("tool.call") == 6
    assert store.runs[LATE].tool_calls == 3
    assert (taken.seen, taken.filtered) == (8, 4)


def test_a_run_that_fails_is_kept_from_its_beginning(store: Any) -> None:
    taken = intake(head_rate=0.0)
    events = a_run(LATE, error=ValueError("password=hunter2"))
    for one in events:  # each in a batch of its own: what waits is kept from one to the next
        taken.take([one], 0.0)
        write(taken, store)
    ended = [record for record in store.records if record.status is not Status.OPEN]
    assert [record.kind for record in ended] == ["tool.call"] * 3 + ["workflow.run"]
    assert store.count("tool.call") == 3
    assert taken.filtered == 0


def test_a_slow_run_is_kept_and_a_fast_one_is_not(store: Any) -> None:
    taken = intake(head_rate=0.0, slow_s=10)
    taken.take([*a_run(LATE, took=10 * S), *a_run(EARLY, took=9 * S)], 0.0)
    write(taken, store)
    assert {record.run_id for record in store.records} == {LATE}
    assert len(store.records) == 4


def test_what_waits_for_the_end_of_a_run_is_bounded(store: Any) -> None:
    taken = intake(head_rate=0.0, slow_s=10)
    taken.take(a_run(LATE, calls=5_000, took=10 * S), 0.0)
    write(taken, store)
    assert len(store.records) == 1_000
    assert taken.filtered == 4_001
    assert store.count("tool.call") == 5_000


def test_errors_and_runs_are_kept_where_rows_are_limited(store: Any) -> None:
    taken = intake(rows_per_s=1)
    taken.take(a_run(EARLY, calls=100, error=ValueError("x")), 0.0)
    write(taken, store)
    kinds = [(record.kind, record.status) for record in store.records]
    assert kinds.count(("tool.call", Status.OK)) == 10
    assert ("tool.call", Status.ERROR) in kinds
    assert ("workflow.run", Status.OK) in kinds
    assert taken.filtered == 89


def test_a_long_run_is_thinned_while_the_budget_is_exceeded() -> None:
    taken = intake()
    taken._budget.factor = 0.25
    taken._runs[EARLY] = taken._unknown(event("x", "x", parent="p"))  # type: ignore[arg-type]
    calls = [
        event("tool.call", "grep", span=f"{n * 0x9E3779B97F4A7C15 % 2**64:016x}", parent="root") for n in range(3000)
    ]
    kept = taken.take(calls, 0.0)
    assert 1_400 < len(kept) < 1_600  # the first 1,000, and a quarter of the others


def test_minutes_are_those_of_the_end_and_written_in_full(store: Any) -> None:
    taken = intake()
    taken.take([event("log", "x", "point", at=MINUTE - 1), event("log", "x", "point", at=MINUTE)], 0.0)
    write(taken, store)
    taken.take([event("log", "x", "point", at=MINUTE)], 0.0)
    write(taken, store)
    assert sorted((at[0], figures.count) for at, figures in store.rollups.items()) == [(0, 1), (1, 2)]


def test_a_clock_that_is_set_back_replaces_nothing(store: Any) -> None:
    taken = intake()
    for round_ in range(3):  # an hour passes, then the clock is an hour back, and so on
        for minute in range(100, 160):
            now_s = (round_ * 60 + minute) * 60.0
            taken.take([event("log", "x", "point", at=minute * MINUTE) for _ in range(5)], now_s)
            write(taken, store, now_s)
    assert store.count("log") == 3 * 60 * 5
    assert len({at[3] for at in store.rollups}) > 1


def test_minutes_that_are_over_are_let_go(store: Any) -> None:
    taken = intake()
    for minute in range(500):
        taken.take([event("log", "x", "point", at=minute * MINUTE)], minute * 60.0)
        write(taken, store, minute * 60.0)
    assert len(taken._cells) < 10
    assert store.count("log") == 500


@pytest.mark.parametrize("failing", [1, 10])
def test_what_could_not_be_written_is_written_once(store: Any, failing: int) -> None:
    taken = intake()
    for at in range(failing):
        taken.take(a_run(f"{at:032x}"), 0.0)
        assert taken.batch()  # and the store fails
    write(taken, store)
    write(taken, store)
    assert store.count("tool.call") == 3 * failing
    assert sum(run.tool_calls for run in store.runs.values()) == 3 * failing
    assert taken.batch() is None


def test_a_store_that_never_comes_back_costs_bounded_memory() -> None:
    taken = intake(rows_per_s=1e9)
    for at in range(60):
        taken.take([event("log", "x", "point", run=f"{at:016x}{n:016x}") for n in range(1000)], 0.0)
    assert taken.unwritten == 50_000
    assert len(taken._deltas) <= 50_000
    assert taken.lost >= 20_000
    batch = taken.batch()
    assert batch is not None
    assert sum(rollup.aggregate.count for rollup in batch.rollups) == 60_000  # figures are exact all the same


def test_runs_that_never_end_cost_bounded_memory() -> None:
    taken = intake(head_rate=0.0)
    for at in range(12_000):
        taken.take([event("agent.run", "a", "start", run=f"{at:032x}", span="r")], 0.0)
    assert len(taken._runs) == 10_000


def test_what_waits_in_many_runs_is_bounded_and_let_go(store: Any) -> None:
    taken = intake(head_rate=0.0, slow_s=10)
    runs = [f"{at:032x}" for at in range(100)]
    for run in runs:
        taken.take(a_run(run, calls=900)[:-1], 0.0)
    assert taken._waiting == 50_000
    assert sum(len(run.waiting or ()) for run in taken._runs.values()) == 50_000
    for at, run in enumerate(runs):
        taken.take([event("workflow.run", "nightly", run=run, span="root", took=20 * S if at % 2 else S)], 0.0)
    assert taken._waiting == 0
    write(taken, store)
    assert store.count("tool.call") == 90_000
    kept = [record for record in store.records if record.status is Status.OK]
    assert len(kept) + taken.filtered == taken.seen == 90_100
    assert len({record.run_id for record in kept}) == 50
