"""Exports come back as they were, whole or not at all, and twice is the same as once."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from victor_test_metrics_happenings import batch, make_run  # type: ignore[import-not-found]

from victor.observability.record import Record, Status
from victor.observability.store import open_store
from victor.observability.store.batch import Batch
from victor.observability.store.errors import StoreError
from victor.observability.store.retention import Retention
from victor.observability.store.sql_store import SqlStore
from victor.observability.store.transfer import Format, export_store, import_store
from victor.observability.store.transfer.lines import KINDS

DAY = 86_400
BASE = 20_000
FORMATS: tuple[Format, ...] = ("jsonl", "csv", "parquet")
KEEP = Retention(records_days=None, runs_days=None, max_bytes=None)


@pytest.fixture(params=FORMATS)
def format(request: pytest.FixtureRequest, kind: str) -> Format:
    if kind == "postgres" and request.param != "jsonl":
        pytest.skip("not applicable: a format is the same whatever the store")
    if request.param == "parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install 'victor-observability[parquet]'")
    found: Format = request.param
    return found


def filled(store: SqlStore) -> SqlStore:
    for day in range(5):
        records = [one for at in range(4) for one in make_run(day * 10 + at, (BASE + day) * DAY + at * 9000)]
        store.write(batch(records, writer=f"w{day}"))
    store.write(batch(make_run(99, (BASE + 5) * DAY, done=False)))
    return store


def answers(store: SqlStore) -> Any:
    runs = store.runs(limit=9999)
    return (
        runs,
        [sorted(store.run_records(run.run_id)[1], key=lambda one: one.span_id) for run in runs],
        store.breakdown(["kind", "name", "agent", "model", "provider", "root"]),
        store.series(3600, by=["kind"]),
        store.errors(),
    )


@pytest.mark.slow
def test_what_was_exported_comes_back_exactly(
    new_store: Callable[..., SqlStore], tmp_path: Path, format: Format
) -> None:
    source = filled(new_store())
    counts = export_store(source, tmp_path / "out", format)
    assert (counts.runs, counts.records) == (21, source.info().records)
    target = new_store()
    done = import_store(target, tmp_path / "out")
    assert (done.runs, done.skipped, done.records, done.figures) == (21, 0, counts.records, counts.figures)
    assert answers(target) == answers(source)
    assert target.check() == []
    assert [file.name for file in tmp_path.iterdir() if not file.name.isdigit()] == ["out"]


@pytest.mark.slow
def test_twice_is_the_same_as_once_and_newer_replaces_older(
    new_store: Callable[..., SqlStore], tmp_path: Path, format: Format
) -> None:
    source, target = filled(new_store()), new_store()
    target.write(batch(make_run(77, BASE * DAY, agent="own"), writer="own"))
    own = target.breakdown(["agent"], where={"agent": "own"})
    export_store(source, tmp_path / "first", format)
    import_store(target, tmp_path / "first")
    once = answers(target)
    import_store(target, tmp_path / "first")
    assert answers(target) == once
    # Rolled up on both sides, and more came in the meantime.
    target.maintain((BASE + 30) * DAY, KEEP)
    source.maintain((BASE + 4) * DAY, KEEP)
    source.write(batch(make_run(99, (BASE + 5) * DAY), writer="w9"))
    source.write(batch(make_run(100, (BASE + 1) * DAY, agent="late"), writer="w9", part=1))
    export_store(source, tmp_path / "second", format)
    for _ in range(2):
        import_store(target, tmp_path / "second")
        assert target.breakdown(["kind", "name"], where={"agent": ["coder", "late"]}) == source.breakdown(
            ["kind", "name"]
        )
        assert {run.run_id for run in target.runs(limit=99)} > {run.run_id for run in source.runs(limit=99)}
        assert target.runs(status=Status.OPEN) == []
        assert target.breakdown(["agent"], where={"agent": "own"}) == own
        target.maintain((BASE + 60) * DAY, KEEP)
    assert target.series(DAY, where={"agent": "late"})[0].totals.count == 5 + 1


def test_only_some_days(new_store: Callable[..., SqlStore], tmp_path: Path) -> None:
    source, target = filled(new_store()), new_store()
    source.maintain((BASE + 30) * DAY, KEEP)
    export_store(source, tmp_path / "out", since=(BASE + 1) * DAY + 5, until=(BASE + 2) * DAY + 5)
    import_store(target, tmp_path / "out")
    assert {run.start_ns // 10**9 // DAY - BASE for run in target.runs()} == {1, 2}
    assert [point.time_s // DAY - BASE for point in target.series(DAY)] == [1, 2]
    assert target.series(DAY) == source.series(DAY)[1:3]


def test_runs_that_are_known_from_elsewhere_are_left_as_they_are(
    new_store: Callable[..., SqlStore], tmp_path: Path
) -> None:
    one, other = new_store(), new_store()
    one.write(batch(make_run(1, BASE * DAY), writer="one"))
    other.write(batch(make_run(1, BASE * DAY)[:2], writer="other"))
    before = other.run("a")
    export_store(one, tmp_path / "out")
    done = import_store(other, tmp_path / "out")
    assert (done.runs, done.skipped, done.records) == (0, 1, 0)
    assert other.run("a") == before
    # There and back: what is one's own is not taken from another.
    third = new_store()
    import_store(third, tmp_path / "out")
    export_store(third, tmp_path / "back")
    done = import_store(one, tmp_path / "back")
    assert (done.runs, done.skipped, done.figures) == (0, 1, 0)
    with pytest.raises(StoreError, match="an export of this very store"):
        import_store(one, tmp_path / "out")


@pytest.mark.slow
def test_any_beginning_of_an_export_is_refused_whole(new_store: Callable[..., SqlStore], tmp_path: Path) -> None:
    source, target = filled(new_store()), new_store()
    target.write(batch(make_run(77, BASE * DAY, agent="own")))
    before = answers(target), target.info().records
    whole = tmp_path / "whole"
    export_store(source, whole)
    data = whole.read_bytes()
    for end in [0, 1, 20, *range(100, len(data), len(data) // 12), len(data) - 1]:
        half = tmp_path / "half"
        half.write_bytes(data[:end])
        with pytest.raises(StoreError, match=r"half"):
            import_store(target, half)
        assert (answers(target), target.info().records) == before
    lines = data.splitlines(keepends=True)
    for wrong in (
        lines[:5] + lines[6:],
        [*lines, *lines],
        [*lines[:3], b"{}\n", *lines[3:]],
        lines[1:],
        [lines[0], lines[-2]],
    ):
        half.write_bytes(b"".join(wrong))
        with pytest.raises(StoreError, match=r"half"):
            import_store(target, half)
        assert (answers(target), target.info().records) == before
    assert target.check() == []


@pytest.mark.parametrize("format", ["csv", "parquet"])
@pytest.mark.parametrize("kind", ["sqlite"])
def test_folders_that_are_not_whole_are_refused(
    kind: str, new_store: Callable[..., SqlStore], tmp_path: Path, format: Format
) -> None:
    if format == "parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install 'victor-observability[parquet]'")
    source, target = filled(new_store()), new_store()
    folder = tmp_path / "out"
    export_store(source, folder, format)
    for file in sorted(folder.iterdir()):
        data = file.read_bytes()
        for half in (None, data[: len(data) // 2]):
            file.unlink()
            if half is not None:
                file.write_bytes(half)
            with pytest.raises(StoreError, match=str(folder)):
                import_store(target, folder)
            assert target.info().runs == target.info().figures == 0
            file.write_bytes(data)
    import_store(target, folder)
    assert answers(target) == answers(source)


def test_damaged_values_are_named_with_their_place(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "a.db")) as source, open_store(str(tmp_path / "b.db")) as target:
        source.write(batch(make_run(1, BASE * DAY)))
        export_store(source, tmp_path / "out", "csv")
        file = tmp_path / "out" / "records.csv"
        text = file.read_text()
        file.write_text(text.replace("tool.call,", "tool.call,extra,", 1))
        with pytest.raises(StoreError, match=r"records\.csv: row 1 is damaged"):
            import_store(target, tmp_path / "out")
        file.write_text(text.replace(",error,", ",broken,").replace(",ok,", ",broken,"))
        with pytest.raises(StoreError, match=r"records\.csv: row 1 is damaged: Invalid enum value 'broken'"):
            import_store(target, tmp_path / "out")
        export_store(source, tmp_path / "lines")
        lines = (tmp_path / "lines").read_bytes()
        (tmp_path / "lines").write_bytes(lines.replace(b'"victor_metrics":1', b'"victor_metrics":2'))
        with pytest.raises(
            StoreError, match="an export of format 2, and this victor-observability reads up to 1: upgrade"
        ):
            import_store(target, tmp_path / "lines")
        (tmp_path / "lines").write_bytes(lines.replace(b'"start_ns":', b'"start_ns":"x', 1))
        with pytest.raises(StoreError, match="lines: line 2 is damaged"):
            import_store(target, tmp_path / "lines")
        with pytest.raises(StoreError, match="cannot be read: No such file"):
            import_store(target, tmp_path / "nothing")
        (tmp_path / "folder").mkdir()
        with pytest.raises(StoreError, match=r"there is no manifest\.json in it"):
            import_store(target, tmp_path / "folder")


def test_an_export_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from victor.observability.store.transfer import unload

    with open_store(str(tmp_path / "a.db")) as store:
        store.write(batch(make_run(1, BASE * DAY)))
        (tmp_path / "there").touch()
        with pytest.raises(StoreError, match="there is something of that name already"):
            export_store(store, tmp_path / "there")
        with pytest.raises(StoreError, match=r"no/out: cannot be written: No such file"):
            export_store(store, tmp_path / "no" / "out")
        with pytest.raises(StoreError, match="exports are jsonl, csv, parquet, not 'xml'"):
            export_store(store, tmp_path / "out", "xml")  # type: ignore[arg-type]

        def fail(*_: Any) -> Any:
            raise StoreError("no")

        before = {*os.listdir(tmp_path)}
        monkeypatch.setattr(unload, "_figures", fail)
        for format in ("jsonl", "csv"):
            with pytest.raises(StoreError, match="no"):
                export_store(store, tmp_path / "out", format)
            assert {*os.listdir(tmp_path)} == before


def test_tables_are_for_other_programs(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: pip install pyarrow")
    import csv

    with open_store(str(tmp_path / "a.db")) as store:
        store.write(batch(make_run(1, BASE * DAY)))
        for format in ("csv", "parquet"):
            export_store(store, tmp_path / format, format)
    for name, type_ in KINDS.items():
        with (tmp_path / "csv" / f"{name}.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        table = arrow.read_table(tmp_path / "parquet" / f"{name}.parquet")
        assert list(rows[0]) == table.column_names == [field.name for field in msgspec.structs.fields(type_)]
        assert len(rows) == table.num_rows > 0
    records = arrow.read_table(tmp_path / "parquet" / "records.parquet")
    assert str(records.schema.field("duration_ns").type) == "int64"
    assert sum(records.column("duration_ns").drop_null().to_pylist()) > 0


texts = st.text(max_size=8).map(lambda text: text.encode("utf-8", "replace").decode().replace("\0", "?"))
numbers = st.one_of(st.none(), st.integers(0, 1 << 62))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(1 << 53), 1 << 53), st.floats(allow_nan=False, allow_infinity=False), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)  # fmt: skip
records = st.builds(
    Record,
    kind=texts, name=texts, run_id=st.integers(0, 3).map(lambda n: f"{n:032x}"),
    span_id=st.integers(0, (1 << 64) - 1).map(lambda n: f"{n:016x}"),
    parent_id=st.one_of(st.none(), st.integers(0, (1 << 64) - 1).map(lambda n: f"{n:016x}")),
    start_ns=st.integers(0, 1 << 62), duration_ns=numbers, status=st.sampled_from(Status), agent=texts, root=texts,
    error_type=texts, error_text=texts, provider=texts, model=texts, input_tokens=numbers, output_tokens=numbers,
    cache_read_tokens=numbers, cache_write_tokens=numbers,
    cost_usd=st.one_of(st.none(), st.floats(0, 1e6)), attributes=st.dictionaries(texts, values, max_size=3),
    content=st.dictionaries(texts, values, max_size=2),
)  # fmt: skip


@pytest.mark.slow
def test_any_record_comes_back_as_it_was(
    kind: str, new_store: Callable[..., SqlStore], tmp_path: Path, format: Format
) -> None:
    examples = int(os.environ.get("VICTOR_TEST_EXAMPLES", "20" if kind == "sqlite" else "4"))
    source, target = new_store(), new_store()

    def in_order(store: SqlStore) -> list[Any]:
        found = [one for run in store.runs(limit=9) for one in store.run_records(run.run_id)[1]]
        return sorted(map(repr, found))

    @settings(max_examples=examples, deadline=None, database=None, phases=[Phase.generate])
    @given(given_records=st.lists(records, max_size=4))
    def hold(given_records: list[Record]) -> None:
        for store in (source, target):
            with store.writing("wipe") as link:
                for table in ("figure_rows", "record_rows", "run_rows"):
                    link.run(f"DELETE FROM {table}")
        source.write(Batch(records=given_records))
        found = [one for run in source.runs(limit=9) for one in source.run_records(run.run_id)[1]]
        ended = {(one.run_id, one.span_id) for one in given_records if one.status is not Status.OPEN}
        kept = [one for one in given_records if one.status is not Status.OPEN or (one.run_id, one.span_id) not in ended]
        assert sorted(map(repr, found)) == sorted(map(repr, kept))
        place = tmp_path / f"{os.urandom(6).hex()}"
        export_store(source, place, format)
        import_store(target, place)
        assert in_order(target) == in_order(source)

    hold()


@pytest.mark.parametrize(
    ("field", "wrong"),
    [("sketch", "AQID"), ("timed", 5), ("count", -1), ("input_tokens", -7), ("cost_usd", -1.0), ("cost_usd", 1e308)],
)
def test_figures_that_would_spoil_all_others_are_refused(tmp_path: Path, field: str, wrong: object) -> None:
    with open_store(str(tmp_path / "a.db")) as source, open_store(str(tmp_path / "b.db")) as target:
        source.write(batch(make_run(1, BASE * DAY)))
        target.write(batch(make_run(2, BASE * DAY)))
        before = target.breakdown(["kind", "name"])
        export_store(source, tmp_path / "lines")
        lines = [json.loads(line) for line in (tmp_path / "lines").read_text().splitlines()]
        figures = next(line["figure"] for line in lines if "figure" in line and line["figure"]["sketch"])
        figures[field] = wrong
        (tmp_path / "lines").write_text("".join(json.dumps(line) + "\n" for line in lines))
        with pytest.raises(StoreError, match="the export is damaged"):
            import_store(target, tmp_path / "lines")
        assert target.breakdown(["kind", "name"]) == before
        assert target.info().runs == 1
