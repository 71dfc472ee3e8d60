"""How a batch is written, in the words that both databases understand."""

# ruff: noqa: S608 - statements are put together from names of this package; values are parameters

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from victor.observability.record import RUN_KINDS, Status
from victor.observability.store.cover import DAY, HOUR, MINUTE, MINUTES, State
from victor.observability.store.link import in_list
from victor.observability.store.rows import (
    careful_row,
    figure_row,
    merged_deltas,
    record_row,
    run_bytes,
    run_row,
    span_int,
)
from victor.observability.store.schema import FIGURE_COLUMNS, FIGURE_KEY, RUN_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from victor.observability.store.batch import Batch
    from victor.observability.store.link import Link
    from victor.observability.store.names import Names

__all__ = ["UPSERT_FIGURE", "UPSERT_RUN", "reopen_slots", "write_batch"]

_SUMS: Final = ("spans", "model_requests", "tool_calls", "errors", "input_tokens", "output_tokens", "unpriced")

_ASKED_AT_ONCE: Final = 100

UPSERT_RUN: Final = f"""
INSERT INTO run_rows ({", ".join(RUN_COLUMNS)}) VALUES {in_list(RUN_COLUMNS)}
ON CONFLICT (run_id) DO UPDATE SET
    kind = CASE excluded.kind WHEN 0 THEN run_rows.kind ELSE excluded.kind END,
    name = CASE excluded.name WHEN 0 THEN run_rows.name ELSE excluded.name END,
    start_ns = CASE WHEN run_rows.start_ns = 0 OR (excluded.start_ns > 0 AND excluded.start_ns < run_rows.start_ns)
        THEN excluded.start_ns ELSE run_rows.start_ns END,
    duration_ns = coalesce(excluded.duration_ns, run_rows.duration_ns),
    status = CASE excluded.status WHEN 3 THEN run_rows.status ELSE excluded.status END,
    {", ".join(f"{name} = run_rows.{name} + excluded.{name}" for name in _SUMS)},
    cost_usd = CASE WHEN excluded.cost_usd IS NULL THEN run_rows.cost_usd
        ELSE coalesce(run_rows.cost_usd, 0) + excluded.cost_usd END
"""
"""Writes a run, or more of it."""

UPSERT_FIGURE: Final = f"""
INSERT INTO figure_rows ({", ".join((*FIGURE_KEY, *FIGURE_COLUMNS))}) VALUES {in_list((*FIGURE_KEY, *FIGURE_COLUMNS))}
ON CONFLICT ({", ".join(FIGURE_KEY)}) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in FIGURE_COLUMNS)}
"""
"""Adds a figure to what is there."""


def write_batch(link: Link, batch: Batch, names: Names, *, careful: bool = False) -> None:
    """Write a batch.

    Args:
        link: A transaction.
        batch: What to write.
        names: Of this store.
        careful: Whether to write only what every database takes, after one has refused the batch as it is.
    """
    runs = {}
    if batch.runs or batch.records:
        deltas = merged_deltas(batch.runs, batch.records)
        runs = link.upsert_runs(UPSERT_RUN, [run_row(run_id, delta, names) for run_id, delta in deltas.items()])
    if batch.records:
        _write_records(link, batch, names, runs, careful=careful)
    if batch.rollups:
        figures = {
            (MINUTE, one.minute, names.key_number(one.key), "", one.writer, one.part): one for one in batch.rollups
        }
        link.upsert_figures(UPSERT_FIGURE, [(*place, *figure_row(one.aggregate)) for place, one in figures.items()])
        reopen_slots(link, {one.minute for one in batch.rollups})


def _write_records(link: Link, batch: Batch, names: Names, runs: dict[bytes, int], *, careful: bool) -> None:
    numbers: dict[str, int] = {}
    rows: list[tuple[Any, ...]] = []
    ended: dict[tuple[int, int], None] = {}
    for record in batch.records:
        run_id = record.run_id
        run = numbers.get(run_id)
        if run is None:
            run = numbers[run_id] = runs[run_bytes(run_id)]
        rows.append(record_row(record, run, names))
        if record.kind in RUN_KINDS and record.status is not Status.OPEN:
            ended[run, span_int(record.span_id)] = None
    if ended:
        rows = [row for row in rows if row[9] != Status.OPEN or (row[0], row[1]) not in ended]
    if careful:
        rows = [careful_row(row) for row in rows]
    link.add_records(rows)
    if ended:  # after the new rows: SQLite would give the number of the last row to the next one, and tail() miss it
        link.many(f"DELETE FROM record_rows WHERE run = ? AND span = ? AND status = {int(Status.OPEN)}", list(ended))


def reopen_slots(link: Link, minutes: Iterable[int]) -> None:
    """Figures were written late into hours and days that have been summed up: they are to be summed up again."""
    touched = sorted({(level, minute // MINUTES[level]) for minute in {*minutes} for level in (HOUR, DAY)})
    for at in range(0, len(touched), _ASKED_AT_ONCE):
        some = touched[at : at + _ASKED_AT_ONCE]
        either = " OR ".join(f"level = {level} AND slot = {slot}" for level, slot in some)
        cached = f"SELECT level, slot FROM slots WHERE state = {int(State.CACHED)} AND ({either})"
        for place in link.rows(cached):
            link.run("DELETE FROM slots WHERE level = ? AND slot = ?", place)
            link.run("DELETE FROM figure_rows WHERE level = ? AND slot = ?", place)
