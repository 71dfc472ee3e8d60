"""Minutes become hours and days, and nothing is lost, counted twice or less exact than before."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from victor_test_metrics_happenings import batch, expected, make_run  # type: ignore[import-not-found]

from victor.core.errors import ConfigurationError
from victor.observability.aggregate import Aggregate, Key
from victor.observability.sketch import Sketch
from victor.observability.store.batch import Batch, Rollup
from victor.observability.store.retention import Retention
from victor.observability.store.sql_store import SqlStore

DAY = 86_400
BASE = 20_000  # a day since 1970
KEYS = [Key("tool.call", "grep", "a"), Key("tool.call", "read", "b"), Key("model.request", "m", "a", "gpt", "openai")]
KEEP = Retention(records_days=None, runs_days=None, max_bytes=None)

writes = st.tuples(
    st.just("write"),
    st.integers(0, 4 * 1440 - 1),  # the minute
    st.sampled_from(range(len(KEYS))),
    st.lists(st.integers(0, 10**11), min_size=1, max_size=5),
    st.one_of(st.none(), st.integers(0, 64)),  # cost in 64ths, which add up exactly
)
upkeep = st.tuples(
    st.just("maintain"), st.integers(0, 8 * 24), st.sampled_from([0.1, 1, 2]), st.sampled_from([2, 3]), st.just(0)
)


def exact(values: list[int], q: float) -> int:
    return sorted(values)[max(math.ceil(q * len(values) - 1e-9) - 1, 0)]


def wipe(store: SqlStore) -> None:
    with store.writing("wipe") as link:
        for table in ("figure_rows", "slots", "record_rows", "run_rows"):
            link.run(f"DELETE FROM {table}")


def check(store: SqlStore, written: dict[tuple[int, int], list[tuple[list[int], int | None]]], cut: int) -> None:
    for by, part in (([], slice(0, 0)), (["name"], slice(1, 2)), (["kind", "agent"], slice(0, 3, 2))):
        durations: dict[Any, list[int]] = {}
        costs: dict[Any, list[int]] = {}
        for (_, key), some in written.items():
            for values, cost in some:
                durations.setdefault(KEYS[key][part], []).extend(values)
                costs.setdefault(KEYS[key][part], []).extend([] if cost is None else [cost])
        groups = {group.by: group.totals for group in store.breakdown(by)}  # type: ignore[arg-type]
        assert groups.keys() == durations.keys()
        for group, totals in groups.items():
            values = durations[group]
            assert totals.count == len(values)
            assert totals.duration_s == pytest.approx(sum(values) / 1e9, rel=1e-12)
            assert (totals.min_s, totals.max_s) == (min(values) / 1e9, max(values) / 1e9)
            assert totals.cost_usd == (sum(costs[group]) / 64 if costs[group] else None)
        for found in store.percentiles([0, 0.25, 0.5, 0.95, 1], by=by):  # type: ignore[arg-type]
            for q, value in zip([0, 0.25, 0.5, 0.95, 1], found.values, strict=True):
                assert value is not None
                wanted = exact(durations[found.by], q) / 1e9
                assert abs(value - wanted) <= 0.01 * wanted + 1e-12
    total = sum(len(values) for some in written.values() for values, _ in some)
    for step in (60, 300, 3600, 7200, DAY):
        points = store.series(step)
        assert sum(point.totals.count for point in points) == total
        assert [point.time_s for point in points] == sorted({point.time_s for point in points})
        assert all(point.time_s % step == 0 for point in points)
    middle = (BASE * 1440 + cut) * 60
    parts = [store.breakdown([], until=middle), store.breakdown([], since=middle)]
    assert sum(group.totals.count for some in parts for group in some) == total
    for day in range(4):
        begin = (BASE + day) * DAY
        wanted = sum(
            len(values) for (minute, _), some in written.items() if minute // 1440 == day for values, _ in some
        )
        assert sum(one.totals.count for one in store.breakdown([], since=begin, until=begin + DAY)) == wanted
    assert (store.sql("SELECT sum(count) FROM figures").rows[0][0] or 0) == total


@pytest.mark.slow
def test_whatever_comes_late_and_whenever_it_is_maintained(store: SqlStore, kind: str) -> None:
    examples = int(os.environ.get("VICTOR_TEST_EXAMPLES", "20" if kind == "sqlite" else "3"))

    @settings(max_examples=examples, deadline=None, database=None)
    @given(actions=st.lists(st.one_of(writes, writes, upkeep), max_size=25), cut=st.integers(0, 4 * 1440))
    def hold(actions: list[Any], cut: int) -> None:
        wipe(store)
        written_and_maintained(store, actions, cut)

    hold()


def written_and_maintained(store: SqlStore, actions: list[Any], cut: int) -> None:
    written: dict[tuple[int, int], list[tuple[list[int], int | None]]] = {}
    for number, (what, *details) in enumerate(actions):
        if what == "write":
            minute, key, values, cost = details
            for end in range(1, len(values) + 1):  # it grows within its minute, and each time replaces what was there
                aggregate = Aggregate(len(values[:end]), durations=Sketch(values[:end]))
                aggregate.cost_usd = None if cost is None else cost / 64
                store.write(
                    Batch(rollups=[Rollup(BASE * 1440 + minute, KEYS[key], f"w{number % 3}", number, aggregate)])
                )
            written.setdefault((minute, key), []).append((values, cost))
        else:
            hours, minutes_days, hours_days, _ = details
            keep = Retention(
                records_days=None, runs_days=None, max_bytes=None, minutes_days=minutes_days, hours_days=hours_days
            )
            store.maintain(BASE * DAY + hours * 3600, keep)
    check(store, written, cut)
    store.maintain((BASE + 30) * DAY, Retention(records_days=None, runs_days=None, hours_days=5, max_bytes=None))
    check(store, written, cut)
    levels = {row[0] for row in store.sql("SELECT DISTINCT level FROM figure_rows").rows}
    assert levels <= {2}


@pytest.mark.slow
def test_both_kinds_of_copies_are_used_and_the_result_is_the_same(store: SqlStore) -> None:
    """The hours and days that are only copies make queries read fewer rows, and change nothing they answer."""
    records = [record for at in range(0, 3 * DAY, 1800) for record in make_run(at, BASE * DAY + at)]
    store.write(batch(records))
    before = store.breakdown(["kind", "name"]), store.series(3600, by=["kind"]), store.series(DAY)
    done = store.maintain((BASE + 3) * DAY + 3600, KEEP)
    assert (done.hours, done.days) == (72, 3)
    assert done.problems == []
    assert (store.breakdown(["kind", "name"]), store.series(3600, by=["kind"]), store.series(DAY)) == before
    again = store.maintain((BASE + 3) * DAY + 3600, KEEP)
    assert (again.hours, again.days, again.figures) == (0, 0, 0)
    # By the minute, for as long as minutes are kept.
    recent = store.series(60, since=(BASE + 2) * DAY)
    assert {point.time_s % 3600 for point in recent} == {0, 1800}
    assert all(point.time_s % 3600 == 0 for point in store.series(60, until=(BASE + 1) * DAY))


def test_nothing_is_summed_up_before_it_is_over(store: SqlStore) -> None:
    store.write(batch(make_run(1, BASE * DAY)))
    assert store.maintain(BASE * DAY + 3600 + 30, KEEP).hours == 0
    assert store.maintain(BASE * DAY + 3600 + 150, KEEP).hours == 1
    assert store.maintain(BASE * DAY + 3600 + 150, KEEP).days == 0


def test_detail_and_runs_go_by_whole_days(store: SqlStore) -> None:
    records = [record for day in range(20) for record in make_run(day, (BASE + day) * DAY + 40_000)]
    store.write(batch(records))
    wanted = store.breakdown(["kind"])
    done = store.maintain((BASE + 20) * DAY + 5, Retention(records_days=3, runs_days=7, max_bytes=None))
    assert {one.start_ns // 10**9 // DAY - BASE for one in store.tail(0)[0]} == {17, 18, 19}
    assert {run.start_ns // 10**9 // DAY - BASE for run in store.runs()} == set(range(13, 20))
    assert done.records == 17 * len(make_run(1, 0))
    assert done.runs == 13
    assert store.breakdown(["kind"]) == wanted
    assert store.run(store.runs()[-1].run_id)[1] == ()
    assert store.check() == []


def test_a_run_goes_only_after_its_detail(store: SqlStore) -> None:
    records = make_run(1, BASE * DAY, tools=5, gap_s=DAY)
    store.write(batch(records))
    store.maintain((BASE + 10) * DAY, Retention(records_days=8, runs_days=8, max_bytes=None))
    assert [run.spans for run in store.runs()] == [len(records) - 1]
    assert store.check() == []


def test_old_days_go_when_that_is_wanted(store: SqlStore) -> None:
    store.write(batch([record for day in range(20) for record in make_run(day, (BASE + day) * DAY + 40_000)]))
    keep = Retention(records_days=1, runs_days=1, minutes_days=1, hours_days=2, days_days=5, max_bytes=None)
    store.maintain((BASE + 20) * DAY, keep)
    assert [point.time_s // DAY - BASE for point in store.series(DAY)] == [15, 16, 17, 18, 19]


@pytest.mark.slow
def test_a_store_that_is_too_large_loses_its_oldest_detail_first(store: SqlStore) -> None:
    day = int(time.time()) // DAY - 5
    records = [
        record for number in range(300) for record in make_run(number, (day + number / 75) * DAY, tools=20, gap_s=0.1)
    ]
    store.write(batch(records))
    figures = store.breakdown(["kind"])
    size = store.used_bytes()
    keep = Retention(minutes_days=60, max_bytes=size * 0.7)
    done = store.maintain((day + 4) * DAY, keep)
    assert done.problems == []
    assert store.used_bytes() <= size * 0.7
    left = {row[0] for row in store.sql("SELECT DISTINCT run_id FROM spans").rows}
    assert 0 < len(left) < 300
    newest = store.runs(limit=9999)[: len(left)]
    assert left == {run.run_id for run in newest}
    assert store.breakdown(["kind"]) == figures
    done = store.maintain((day + 4) * DAY, Retention(minutes_days=60, max_bytes=1))
    assert store.info().records == store.info().runs == 0
    assert "the figures alone take" in done.problems[0]
    assert store.breakdown(["kind"]) == figures


def test_what_is_kept_is_checked() -> None:
    with pytest.raises(ConfigurationError, match="records_days keeps for ever, and runs_days only for 90"):
        Retention(records_days=None)
    with pytest.raises(ConfigurationError, match="minutes_days keeps for 100 days, and hours_days only for 90"):
        Retention(minutes_days=100)
    for wrong in (0, -1):
        with pytest.raises(ConfigurationError, match="runs_days is a number above 0, or None"):
            Retention(runs_days=wrong)


def test_two_maintain_at_once(url: str, new_store: Callable[..., SqlStore]) -> None:
    import threading

    stores = [new_store(url) for _ in range(3)]
    records = [record for at in range(0, 2 * DAY, 3600) for record in make_run(at, BASE * DAY + at)]
    stores[0].write(batch(records))
    failures: list[BaseException] = []

    def work(store: SqlStore) -> None:
        try:
            store.maintain((BASE + 10) * DAY, KEEP)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    wanted = {group: one.totals() for group, one in expected(records, ["kind"]).items()}
    assert {group.by: group.totals for group in stores[0].breakdown(["kind"])} == wanted
