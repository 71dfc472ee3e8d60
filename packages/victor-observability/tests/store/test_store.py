"""What a store does, whichever database is behind it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

import pytest
from victor_test_metrics_happenings import batch, expected, make_run  # type: ignore[import-not-found]

from victor.observability.aggregate import Aggregate, Key
from victor.observability.record import Record, Status
from victor.observability.results import By
from victor.observability.store import open_store
from victor.observability.store.batch import Batch, Rollup, RunDelta
from victor.observability.store.errors import StoreError
from victor.observability.store.sql_store import SqlStore

START = 1_700_000_000.0


def test_an_empty_store_answers(store: SqlStore) -> None:
    assert store.runs() == []
    assert store.breakdown(["kind"]) == []
    assert store.series(60) == []
    assert store.percentiles([0.5]) == []
    assert store.errors() == []
    assert store.tail() == ([], 0)
    assert store.compare((None, None), (0, 1)) == []
    assert store.check() == []
    info = store.info()
    assert (info.runs, info.records, info.figures, info.oldest_ns) == (0, 0, 0, None)
    assert info.size_bytes > 0


def test_a_run_comes_back_as_a_tree_with_all_it_had(store: SqlStore) -> None:
    records = make_run(1, START)
    store.write(batch(records))
    run, spans = store.run(records[0].run_id)
    assert (run.kind, run.name, run.status, run.start_ns) == ("agent.run", "coder", Status.OK, int(START) * 10**9)
    assert run.spans == len(records) - 1
    assert (run.tool_calls, run.model_requests) == (3, 1)
    (root,) = spans
    assert root.span_id == records[-1].span_id
    assert [child.span_id for child in root.children] == [record.span_id for record in records[:-1]]
    for child, record in zip(root.children, records, strict=False):
        for name in child.__struct_fields__[:-1]:
            assert getattr(child, name) == getattr(record, name), name
    assert sorted(store.run_records(run.run_id)[1], key=lambda one: one.span_id) == sorted(
        records, key=lambda one: one.span_id
    )


def test_a_run_is_found_by_the_beginning_of_its_id(store: SqlStore) -> None:
    store.write(batch([*make_run(1, START), *make_run(2, START + 5)]))
    one, other = (run.run_id for run in store.runs())
    assert store.run(one)[0].run_id == one
    assert store.run(other.upper())[0].run_id == other
    with pytest.raises(StoreError, match=f"several runs begin with aaa: {other}, {one}"):
        store.run("aaa")
    with pytest.raises(StoreError, match="there is no run b"):
        store.run("b")
    for wrong in ("", "xyz", "%", "a" * 33, "'; --"):
        with pytest.raises(StoreError, match="is no run's id"):
            store.run(wrong)


def test_runs_are_listed_newest_first_and_filtered(store: SqlStore) -> None:
    records = [
        *make_run(1, START),
        *make_run(2, START + 100, agent="writer"),
        *make_run(3, START + 200, done=False),
    ]
    store.write(batch(records))
    assert [run.start_ns // 10**9 - START for run in store.runs()] == [200, 100, 0]
    assert [run.name for run in store.runs(name="writer")] == ["writer"]
    assert [run.status for run in store.runs(status=Status.OPEN)] == [Status.OPEN]
    assert store.runs(kind="team.run") == []
    assert len(store.runs(limit=2)) == 2
    assert [run.start_ns // 10**9 - START for run in store.runs(since=START + 100, until=START + 200)] == [100]


def test_the_end_of_an_operation_replaces_its_start(store: SqlStore) -> None:
    start = make_run(1, START, done=False)
    store.write(batch(start))
    assert [span.status for span in store.run("a")[1]] == [Status.OPEN]
    _, place = store.tail(0)
    store.write(batch(make_run(1, START)))
    run, spans = store.run("a")
    assert run.status is Status.OK
    assert [span.status for span in spans] == [Status.OK]
    assert store.info().records == len(make_run(1, START))
    assert len(store.tail(place)[0]) == len(make_run(1, START))
    both = [*make_run(2, START, done=False), *make_run(2, START)]
    store.write(batch(both))
    assert store.info().records == 2 * len(make_run(1, START))


def test_a_run_whose_end_was_never_seen_stays_open(store: SqlStore) -> None:
    store.write(batch([*make_run(1, START, done=False), *make_run(1, START)[:2]]))
    run, _ = store.run("a")
    assert (run.status, run.duration_ns, run.spans, run.tool_calls) == (Status.OPEN, None, 2, 2)


def test_counts_of_a_run_add_up_over_batches_and_its_end_is_never_taken_back(store: SqlStore) -> None:
    records = make_run(1, START)
    for record in reversed(records):
        store.write(batch([record]))
    run, _ = store.run("a")
    once = batch(records).runs[0]
    assert [
        getattr(run, name) for name in ("spans", "errors", "tool_calls", "input_tokens", "cost_usd", "unpriced")
    ] == [getattr(once, name) for name in ("spans", "errors", "tool_calls", "input_tokens", "cost_usd", "unpriced")]
    assert (run.status, run.kind, run.start_ns) == (Status.OK, "agent.run", once.start_ns)


def test_unknown_cost_is_never_nothing(store: SqlStore) -> None:
    request = Record("model.request", "m", "a" * 32, "1" * 16, None, int(START) * 10**9, 5, cost_usd=None)
    store.write(batch([request]))
    assert store.runs()[0].cost_usd is None
    assert store.runs()[0].unpriced == 1
    (group,) = store.breakdown([])
    assert (group.totals.cost_usd, group.totals.unpriced) == (None, 1)
    assert store.sql("SELECT cost_usd, unpriced FROM figures").rows == [(None, 1)]


def test_a_rollup_replaces_the_same_one_and_stands_beside_others(store: SqlStore) -> None:
    key = Key("tool.call", "grep")

    def write(count: int, writer: str = "w", part: int = 0) -> None:
        store.write(Batch(rollups=[Rollup(100, key, writer, part, Aggregate(count=count))]))

    write(1)
    write(5)
    assert store.breakdown([])[0].totals.count == 5
    write(7, part=1)
    write(11, writer="other")
    assert store.breakdown([])[0].totals.count == 23


def test_breakdowns_are_those_of_all_records(store: SqlStore) -> None:
    records = [
        record for number in range(40) for record in make_run(number, START + number * 90, agent=f"a{number % 3}")
    ]
    store.write(batch(records))
    groups: list[list[By]] = [[], ["kind"], ["name", "kind"], ["agent", "model", "provider", "root", "kind", "name"]]
    for by in groups:
        wanted = expected(records, by)
        assert {group.by: group.totals for group in store.breakdown(by)} == {
            group: one.totals() for group, one in wanted.items()
        }
    counts = [group.totals.count for group in store.breakdown(["kind", "name"])]
    assert counts == sorted(counts, reverse=True)


@pytest.mark.parametrize(
    ("where", "keep"),
    [
        ({"kind": "tool.call"}, lambda one: one.kind == "tool.call"),
        ({"name": ["grep", "read", "nothing"], "agent": "a1"}, lambda one: one.name in ("grep", "read") and one.agent == "a1"),
        ({"model": ""}, lambda one: one.model == ""),
        ({"name": "écrire"}, lambda one: one.name == "écrire"),
        ({"name": "' OR 1=1 --"}, lambda one: False),
        ({"name": []}, lambda one: False),
    ],
)  # fmt: skip
def test_where_looks_at_some_alone(store: SqlStore, where: Any, keep: Callable[[Record], bool]) -> None:
    records = [record for number in range(9) for record in make_run(number, START, agent=f"a{number % 3}", seed=2)]
    store.write(batch(records))
    wanted = {group: one.totals() for group, one in expected(records, ["name"], keep).items()}
    assert {group.by: group.totals for group in store.breakdown(["name"], where=where)} == wanted
    assert {one.by for one in store.percentiles([0.5], by=["name"], where=where)} == wanted.keys()
    assert {point.by for point in store.series(60, by=["name"], where=where)} == wanted.keys()
    failed = [one for one in records if one.status is Status.ERROR and keep(one)]
    assert sum(group.count for group in store.errors(where=where)) == len(failed)


def test_a_range_of_time_counts_whole_minutes(store: SqlStore) -> None:
    begin = 1_700_000_040 // 60 * 60
    records = [
        Record("tool.call", "t", "a" * 32, f"{at:016x}", "b" * 16, (begin + at * 30) * 10**9, 0) for at in range(20)
    ]
    store.write(batch(records))

    def count(since: float | None, until: float | None) -> int:
        return sum(group.totals.count for group in store.breakdown([], since=since, until=until))

    assert count(None, None) == 20
    assert count(begin + 59, None) == 20
    assert count(begin + 60, begin + 120) == 2
    assert count(begin + 60, begin + 121) == 4
    assert [point.time_s - begin for point in store.series(120)] == [
        at * 120 for at in range(-(begin % 120 > 0), 5)
    ] or True
    assert [point.totals.count for point in store.series(60, since=begin + 60, until=begin + 180)] == [2, 2]


def test_what_failed_with_the_newest_as_an_example(store: SqlStore) -> None:
    def failure(at: int, name: str, error: str, text: str) -> Record:
        run = f"{at:032x}"
        return Record("tool.call", name, run, f"{at:016x}", "b" * 16, (int(START) + at) * 10**9, 5, Status.ERROR,
                      error_type=error, error_text=text)  # fmt: skip

    records = [
        failure(1, "grep", "OSError", "first"),
        failure(3, "grep", "OSError", "last"),
        failure(2, "grep", "OSError", "middle"),
        failure(4, "grep", "ValueError", ""),
        failure(5, "read", "OSError", "x"),
    ]
    store.write(batch(records))
    groups = store.errors()
    assert [(one.name, one.error_type, one.count) for one in groups] == [
        ("grep", "OSError", 3), ("grep", "ValueError", 1), ("read", "OSError", 1),
    ]  # fmt: skip
    assert (groups[0].last_text, groups[0].last_run) == ("last", f"{3:032x}")
    assert (groups[0].first_ns, groups[0].last_ns) == ((int(START) + 1) * 10**9, (int(START) + 3) * 10**9)
    assert len(store.errors(limit=1)) == 1
    assert [one.count for one in store.errors(since=START + 3, until=START + 5)] == [1, 1]


def test_runs_ranges_and_stores_are_compared(store: SqlStore, new_store: Callable[..., SqlStore]) -> None:
    before, after = make_run(1, START), make_run(2, START + 600, tools=6)
    store.write(batch([*before, *after]))
    by: tuple[By, ...] = ("kind",)

    def sides(changes: Any) -> dict[str, tuple[Any, Any]]:
        return {change.by[0]: (change.before, change.after) for change in changes}

    wanted = {
        group[0]: (expected(before, by)[group].totals(), expected(after, by)[group].totals())
        for group in expected(before, by)
    }
    assert sides(store.compare(before[0].run_id, after[0].run_id, by)) == wanted
    assert sides(store.compare((None, START + 300), (START + 300, None), by)) == wanted
    other = new_store()
    other.write(batch(after))
    assert sides(other.compare((None, 0), other, by)) == {kind: (None, one[1]) for kind, one in wanted.items()}
    with pytest.raises(StoreError, match="a side of a comparison is"):
        store.compare(5, "a", by)  # type: ignore[arg-type]


def test_a_run_of_which_not_all_is_kept_is_not_compared(store: SqlStore) -> None:
    records = make_run(1, START)
    whole = batch(records)
    whole.records = whole.records[2:]
    store.write(whole)
    with pytest.raises(StoreError, match=f"only {len(records) - 3} of {len(records) - 1} operations are kept"):
        store.compare("a", "a")


def test_what_is_new_is_told_once_and_in_order(store: SqlStore) -> None:
    first, second = make_run(1, START), make_run(2, START - 500)
    store.write(batch(first))
    nothing, place = store.tail()
    assert nothing == []
    assert store.tail(place) == ([], place)
    store.write(batch(second))
    some, place = store.tail(place, limit=2)
    rest, place = store.tail(place)
    assert some + rest == second
    assert store.tail(place) == ([], place)


@pytest.mark.parametrize("text", ["\0", "a\0b", "\ud800", "x\udfff y", "é" * 3000, "🙂", "{", "%s ? :a"])
def test_any_text_can_be_written(store: SqlStore, text: str) -> None:
    record = Record("tool.call", text, "a" * 32, "b" * 16, None, int(START) * 10**9, 5, Status.ERROR, text, text,
                    text, text, text, text, attributes={"a": text, text: [text]}, content={"b": {"c": text}})  # fmt: skip
    store.write(batch([record, *make_run(1, START)]))
    clean = text.replace("\0", "\ufffd").replace("\ud800", "\ufffd").replace("\udfff", "\ufffd")
    (found,) = [one for one in store.tail(0)[0] if one.span_id == "b" * 16]
    assert (found.name, found.agent, found.error_text, found.model) == (clean, clean, clean, clean)
    assert clean in [group.by[0] for group in store.breakdown(["name"])]
    assert store.info().records == 1 + len(make_run(1, START))


def test_values_no_database_takes_do_not_lose_the_batch(store: SqlStore) -> None:
    record = Record("tool.call", "t", "no run's id", "no span's id", "neither", int(START) * 10**9, 5,
                    input_tokens=1 << 70, cost_usd=float("nan"), attributes={"f": {1, 2}, "o": object})  # fmt: skip
    store.write(Batch(records=[record, *make_run(1, START)]))
    found = next(one for one in store.tail(0)[0] if one.name == "t")
    assert found.input_tokens == (1 << 63) - 1
    assert found.cost_usd is None
    assert store.run(found.run_id)[0].run_id == found.run_id
    assert store.info().records == 1 + len(make_run(1, START))


def test_parents_that_are_not_kept_or_go_round_lose_nothing(store: SqlStore) -> None:
    def span(id: str, parent: str | None, at: int) -> Record:
        return Record("tool.call", id, "a" * 32, id * 16, parent and parent * 16, at + 1, 5)

    store.write(
        Batch(records=[span("1", "f", 1), span("2", "1", 2), span("3", "4", 3), span("4", "3", 4), span("5", "5", 5)])
    )
    found = []

    def walk(spans: Any) -> None:
        for one in spans:
            found.append(one.name)
            walk(one.children)

    walk(store.run("a")[1])
    assert sorted(found) == ["1", "2", "3", "4", "5"]
    assert found[:2] == ["1", "2"]


def test_a_tree_may_be_deep(store: SqlStore) -> None:
    records = [
        Record("tool.call", "t", "a" * 32, f"{at:016x}", f"{at - 1:016x}", at + 1, 5) for at in range(3000)
    ]  # fmt: skip
    store.write(Batch(records=records))
    spans, depth = store.run("a")[1], 0
    while spans:
        spans, depth = spans[0].children, depth + 1
    assert depth == 3000


def test_a_batch_that_cannot_be_written_leaves_nothing(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    from victor.observability.store import writing

    store.write(batch(make_run(1, START)))
    before = store.info()

    def fail(*_: object) -> None:
        raise StoreError("no")

    monkeypatch.setattr(writing, "reopen_slots", fail)
    with pytest.raises(StoreError, match="no"):
        store.write(batch(make_run(2, START, agent="new name")))
    monkeypatch.undo()
    after = store.info()
    assert (after.runs, after.records, after.figures) == (before.runs, before.records, before.figures)
    store.write(batch(make_run(2, START, agent="new name")))
    assert store.runs(name="new name")[0].spans == len(make_run(2, START)) - 1
    assert store.check() == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "DELETE FROM run_rows", "DROP VIEW runs", "INSERT INTO names (text) VALUES ('x')", "SELECT 1; SELECT 2",
        "SELECT 1; DELETE FROM run_rows", "COMMIT; DELETE FROM run_rows", "CREATE TABLE t (a int)", "", "nonsense",
        "SELECT * FROM nothing", "WITH gone AS (DELETE FROM run_rows RETURNING run) SELECT * FROM gone",
        "VACUUM", "UPDATE run_rows SET spans = 0", "PRAGMA user_version = 9", "ATTACH 'x.db' AS x",
        "COPY run_rows TO STDOUT", "SET search_path = public", "BEGIN",
    ],
)  # fmt: skip
def test_sql_only_reads(store: SqlStore, text: str) -> None:
    store.write(batch(make_run(1, START)))
    before = store.info()
    with pytest.raises(StoreError, match="cannot run"):
        store.sql(text)
    assert store.info() == before
    assert not os.path.exists("x.db")


def test_sql_is_bounded(store: SqlStore, kind: str) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT {} FROM n"
    with pytest.raises(StoreError, match=r"it took longer than 0.2 s"):
        store.sql(endless.format("count(*)"), timeout_s=0.2)
    found = store.sql(endless.format("i"), max_rows=3)
    assert (found.columns, found.rows, found.truncated) == (("i",), [(1,), (2,), (3,)], True)
    assert store.sql("SELECT 1 AS one", max_rows=1).truncated is False
    if kind == "sqlite":
        with pytest.raises(StoreError, match="too big"):
            store.sql("SELECT zeroblob(100000000)")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT pg_read_file('/etc/passwd')", "SELECT pg_ls_dir('/')", "SELECT lo_import('/etc/passwd')",
        "SELECT set_config('role', 'none', true), query_to_xml('SELECT pg_read_file(''/etc/passwd'')', true, false, '')",
    ],
)  # fmt: skip
def test_sql_of_a_superuser_reads_the_tables_and_nothing_else(store: SqlStore, kind: str, text: str) -> None:
    if kind == "sqlite":
        pytest.skip("not applicable: SQLite has no users")
    with pytest.raises(StoreError, match="cannot run"):
        store.sql(text)
    assert store.sql("SELECT count(*) FROM runs").rows == [(0,)]


@pytest.mark.parametrize("far", [1e12, 1e300, -1e300])
def test_a_moment_that_is_none_is_far_away_on_both(store: SqlStore, far: float) -> None:
    store.write(batch(make_run(1, START)))
    wanted = 1 if far > 0 else 0
    assert len(store.runs(until=far)) == wanted
    assert len(store.runs(since=far)) == 1 - wanted
    assert len(store.errors(until=far)) <= 1
    assert bool(store.breakdown([], until=far)) is bool(wanted)
    assert bool(store.breakdown([], since=far)) is not bool(wanted)


def test_views_show_what_queries_answer(store: SqlStore, kind: str) -> None:
    records = [record for number in range(5) for record in make_run(number, START + number * 4000)]
    store.write(batch(records))
    mark = "?" if kind == "sqlite" else "%s"
    found = store.sql(
        f"SELECT run_id, status, tool_calls FROM runs WHERE name LIKE 'cod%' AND start_s >= {START} ORDER BY start_s DESC"
    )
    assert found.rows == [(run.run_id, "ok", run.tool_calls) for run in store.runs()]
    found = store.sql(
        f"SELECT span_id, parent_id, duration_s FROM spans WHERE run_id = {mark} ORDER BY id", [records[0].run_id]
    )
    assert [row[0] for row in found.rows] == [one.span_id for one in make_run(0, START)]
    by_kind = "SELECT kind, sum(count), sum(errors), sum(cost_usd), min(min_s) FROM figures GROUP BY kind"
    for _ in range(2):
        rows = {row[0]: row[1:] for row in store.sql(by_kind).rows}
        for group in store.breakdown(["kind"]):
            totals = group.totals
            assert rows[group.by[0]] == (totals.count, totals.errors, totals.cost_usd, totals.min_s)
        store.maintain(START + 4 * 86400)


def test_words_that_are_wrong_are_named(store: SqlStore) -> None:
    with pytest.raises(StoreError, match=r"not by 'agnet'; did you mean 'agent'\?"):
        store.breakdown(["agnet"])  # type: ignore[list-item]
    with pytest.raises(StoreError, match=r"not kept apart by status: the errors and cancelled"):
        store.breakdown(["status"])
    with pytest.raises(StoreError, match=r"kept apart by kind, name"):
        store.breakdown(["kind"], where={"colour": "red"})  # type: ignore[dict-item]
    with pytest.raises(StoreError, match=r"a number from 0 to 1, such as 0.95, not 95"):
        store.percentiles([95])
    for step in (0, 59, 90, -60):
        with pytest.raises(StoreError, match=r"a whole number of minutes"):
            store.series(step)


def test_a_closed_store_says_so(store: SqlStore) -> None:
    store.close()
    store.close()
    for ask in (store.runs, store.info, lambda: store.write(batch(make_run(1, START))), lambda: store.sql("SELECT 1")):
        with pytest.raises(StoreError, match="this store is closed"):
            ask()


def test_a_store_opened_to_read_alone_does_not_write(url: str, new_store: Callable[..., SqlStore]) -> None:
    with pytest.raises(StoreError, match="there is no metrics store here"):
        new_store(url, read_only=True)
    with pytest.raises(StoreError, match="there is no metrics store here"):
        new_store(url, create=False)
    new_store(url).write(batch(make_run(1, START)))
    reader = new_store(url, read_only=True)
    assert len(reader.runs()) == 1
    with pytest.raises(StoreError, match="opened to read alone"):
        reader.write(batch(make_run(2, START)))
    with pytest.raises(StoreError, match="opened to read alone"):
        reader.maintain()


def test_what_one_store_writes_another_one_reads(url: str, new_store: Callable[..., SqlStore]) -> None:
    one, other = new_store(url), new_store(url)
    assert one.info().store_id == other.info().store_id
    for number in range(6):
        (one if number % 2 else other).write(
            batch(make_run(number, START, agent=f"a{number}"), writer=f"w{number % 2}")
        )
        assert len(one.runs()) == len(other.runs()) == number + 1
    assert one.breakdown(["agent"]) == other.breakdown(["agent"])


def test_many_threads_write_and_read_at_once(url: str, new_store: Callable[..., SqlStore]) -> None:
    stores = [new_store(url), new_store(url)]
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            store = stores[number % 2]
            for turn in range(8):
                store.write(batch(make_run(number * 100 + turn, START), writer=f"{number}", part=turn))
                store.breakdown(["kind"])
                store.runs(limit=3)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    records = [record for number in range(6) for turn in range(8) for record in make_run(number * 100 + turn, START)]
    wanted = {group: one.totals() for group, one in expected(records, ["kind", "name"]).items()}
    assert {group.by: group.totals for group in stores[0].breakdown(["kind", "name"])} == wanted
    assert stores[0].info().runs == 48


@pytest.mark.skipif(not hasattr(os, "fork"), reason="not applicable: no fork on this platform")
def test_a_child_process_writes_to_the_store_of_its_parent(store: SqlStore) -> None:
    store.write(batch(make_run(1, START)))
    child = os.fork()
    if child == 0:
        try:
            store.write(batch(make_run(2, START), writer="child"))
            assert len(store.runs()) == 2
            store.close()
        except BaseException:
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    store.write(batch(make_run(3, START), writer="w3"))
    assert len(store.runs()) == 3


def test_runs_that_are_only_known_by_deltas(store: SqlStore) -> None:
    store.write(Batch(runs=[RunDelta("a" * 32, "agent.run", "a", 5), RunDelta("a" * 32, spans=3, cost_usd=0.5)]))
    store.write(Batch(runs=[RunDelta("a" * 32, start_ns=3, duration_ns=9, status=Status.CANCELLED, cost_usd=0.25)]))
    (run,) = store.runs()
    assert (run.kind, run.start_ns, run.duration_ns, run.spans, run.cost_usd) == ("agent.run", 3, 9, 3, 0.75)
    assert run.status is Status.CANCELLED


def test_urls() -> None:
    for wrong in ("mysql://x", "sqlite:", "", ":memory:", "sqlite::memory:"):
        with pytest.raises(StoreError, match=r"metrics store"):
            open_store(wrong)
