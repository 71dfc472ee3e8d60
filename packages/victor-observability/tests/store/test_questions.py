"""Any question about any records, beside the plainest answer: a loop over all of them."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from victor_test_metrics_happenings import batch, expected  # type: ignore[import-not-found]

from victor.observability.record import Record, Status
from victor.observability.results import By, Totals
from victor.observability.store.sql_store import SqlStore

START = 1_700_000_000 // 3600 * 3600
SECOND = 10**9
DIMENSIONS: tuple[By, ...] = ("kind", "name", "agent", "model", "provider", "root")


@st.composite
def happened(draw: st.DrawFn) -> list[Record]:
    """Up to twelve ends and points of up to three runs, within three hours."""
    made = []
    for number in range(draw(st.integers(0, 12))):
        kind = draw(st.sampled_from(["tool.call", "model.request", "agent.run", "state.transition"]))
        failed = draw(st.sampled_from([Status.OK, Status.OK, Status.ERROR, Status.CANCELLED]))
        request = kind == "model.request"
        made.append(
            Record(
                kind, draw(st.sampled_from("ab")), f"{draw(st.integers(1, 3)):032x}", f"{number + 1:016x}",
                None if kind == "agent.run" else "f" * 16, (START + draw(st.integers(0, 10_000))) * SECOND + number,
                None if kind == "state.transition" else draw(st.integers(0, 5000 * SECOND)), failed,
                draw(st.sampled_from(["", "x", "y"])), draw(st.sampled_from(["r", "s"])),
                draw(st.sampled_from(["E", "F"])) if failed is Status.ERROR else "", f"text {number}",
                "p" if request else "", draw(st.sampled_from(["m", "n"])) if request else "",
                draw(st.one_of(st.none(), st.integers(0, 99))) if request else None,
                draw(st.one_of(st.none(), st.integers(0, 99))) if request else None,
                draw(st.one_of(st.none(), st.integers(0, 3))) if request else None, None,
                draw(st.one_of(st.none(), st.integers(0, 64))) if request else None,
            )
        )  # fmt: skip
    return made


ranges = st.tuples(st.one_of(st.none(), st.integers(-60, 15_000)), st.one_of(st.none(), st.integers(-60, 15_000)))
wheres = st.dictionaries(
    st.sampled_from(DIMENSIONS),
    st.lists(st.sampled_from(["a", "x", "", "tool.call", "model.request", "r", "m"])),
    max_size=2,
)


def same(found: Totals, wanted: Totals) -> None:
    for name in Totals.__struct_fields__:
        one, other = getattr(found, name), getattr(wanted, name)
        assert one == other or one == pytest.approx(other, rel=1e-9), name


def ask(store: SqlStore, records: list[Record], by: list[By], where: Any, bounds: Any) -> None:
    since, until = (None if one is None else float(START + one) for one in bounds)

    def fits(one: Record) -> bool:
        return all(getattr(one, name) in values for name, values in where.items())

    def in_minutes(one: Record) -> bool:
        minute = one.end_ns // SECOND // 60 * 60
        return (since is None or minute >= since // 60 * 60) and (until is None or minute < until)

    wanted = expected(records, by, lambda one: fits(one) and in_minutes(one))
    found = store.breakdown(by, since=since, until=until, where=where)
    assert {group.by for group in found} == wanted.keys()
    for group in found:
        same(group.totals, wanted[group.by].totals())
    for each in store.percentiles([0, 0.5, 1], by=by, since=since, until=until, where=where):
        quantiles = wanted[each.by].durations.quantiles([0, 0.5, 1])
        assert each.values == tuple(None if ns is None else ns / 1e9 for ns in quantiles)
    for point in store.series(600, by=by, since=since, until=until, where=where):
        step = expected(
            records, by, lambda one, at=point.time_s: fits(one) and in_minutes(one) and one.end_ns // SECOND // 600 * 600 == at
        )  # fmt: skip
        same(point.totals, step[point.by].totals())

    failed = [
        one
        for one in records
        if one.status is Status.ERROR
        and fits(one)
        and (since is None or one.start_ns >= since * SECOND)
        and (until is None or one.start_ns < until * SECOND)
    ]
    groups: dict[tuple[str, str, str], list[Record]] = {}
    for one in sorted(failed, key=lambda one: one.start_ns):
        groups.setdefault((one.kind, one.name, one.error_type), []).append(one)
    assert {
        (group.kind, group.name, group.error_type): (
            group.count,
            group.first_ns,
            group.last_ns,
            group.last_text,
            group.last_run,
        )
        for group in store.errors(since=since, until=until, where=where)
    } == {
        place: (len(some), some[0].start_ns, some[-1].start_ns, some[-1].error_text, some[-1].run_id)
        for place, some in groups.items()
    }

    runs: dict[str, list[Record]] = {}
    for one in records:
        runs.setdefault(one.run_id, []).append(one)
    for run in store.runs():
        some = runs.pop(run.run_id)
        assert run.spans == sum(one.parent_id is not None for one in some)
        assert run.tool_calls == sum(one.kind == "tool.call" for one in some)
        assert run.errors == sum(one.status is Status.ERROR for one in some)
        assert run.input_tokens == sum(one.input_tokens or 0 for one in some)
        assert sorted(store.run_records(run.run_id)[1], key=lambda one: one.span_id) == sorted(
            some, key=lambda one: one.span_id
        )
    assert not runs
    assert store.tail(0)[0] == records


@pytest.mark.slow
def test_any_question_about_anything_that_happened(store: SqlStore, kind: str) -> None:
    examples = int(os.environ.get("VICTOR_TEST_EXAMPLES", "25" if kind == "sqlite" else "4"))

    @settings(max_examples=examples, deadline=None, database=None, phases=[Phase.generate])
    @given(
        records=happened(),
        by=st.lists(st.sampled_from(DIMENSIONS), unique=True, max_size=3),
        where=wheres,
        bounds=ranges,
        cut=st.integers(0, 12),
    )
    def hold(records: list[Record], by: list[By], where: Any, bounds: Any, cut: int) -> None:
        with store.writing("wipe") as link:
            for table in ("figure_rows", "slots", "record_rows", "run_rows"):
                link.run(f"DELETE FROM {table}")
        for part, some in enumerate((records[:cut], records[cut:])):
            store.write(batch(some, part=part))
        place = store.tail(0)[0]
        assert len(place) == len(records)
        ask(store, records, by, where, bounds)
        store.maintain((START + 30 * 3600), None)
        ask(store, records, by, where, bounds)

    hold()
