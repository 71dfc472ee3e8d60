"""Everything in a store, or in some days of it, as lines of an export."""

# ruff: noqa: S608 - statements are put together from names of this package; values are parameters

from __future__ import annotations

import time
from collections.abc import Iterator
from math import ceil, floor
from typing import TYPE_CHECKING, Any, Final

from victor.observability.record import Record, Status
from victor.observability.store import queries
from victor.observability.store.cover import MINUTES
from victor.observability.store.link import in_list
from victor.observability.store.retention import DAY_S
from victor.observability.store.schema import FIGURE_COLUMNS, RECORD_COLUMNS, RUN_COLUMNS
from victor.observability.store.transfer.lines import FORMAT, FigureLine, Header, Line, RecordLine, RunLine

if TYPE_CHECKING:
    from victor.observability.store.link import Link
    from victor.observability.store.names import Names

__all__ = ["header_of", "lines_of"]

_DAY_NS: Final = DAY_S * 1_000_000_000
_DAY_MIN: Final = 1440
_RUNS_AT_ONCE: Final = 100
_RESOLUTIONS: Final = ("minute", "hour", "day")


def header_of(link: Link, since: float | None, until: float | None) -> Header:
    """The header for what happened in a range, which is widened to whole days.

    Args:
        link: Of the store.
        since: Seconds since 1970, or None.
        until: Seconds since 1970, or None.
    """
    store_id = link.rows("SELECT value FROM meta WHERE key = 'store_id'")[0][0]
    others = [source for (source,) in link.rows("SELECT DISTINCT source FROM figure_rows WHERE source <> ''")]
    return Header(
        FORMAT,
        store_id,
        sorted({store_id, *others}),
        None if since is None else floor(since / DAY_S),
        None if until is None else ceil(until / DAY_S),
        time.time(),
    )


def lines_of(link: Link, names: Names, header: Header) -> Iterator[Line]:
    """Runs that began in the days of a header, their records, and the figures of the days."""
    first, end = header.since_day, header.until_day
    yield from _runs(link, names, *(None if day is None else day * _DAY_NS for day in (first, end)))
    yield from _figures(link, names, *(None if day is None else day * _DAY_MIN for day in (first, end)))


def _runs(link: Link, names: Names, first: int | None, end: int | None) -> Iterator[Line]:
    text, bounds = queries.between("start_ns", first, end)
    ids = {run: bytes(id).hex() for run, id in link.rows(f"SELECT run, run_id FROM run_rows WHERE 1 = 1{text}", bounds)}
    numbers = sorted(ids)
    pieces = [numbers[at : at + _RUNS_AT_ONCE] for at in range(0, len(numbers), _RUNS_AT_ONCE)]
    for some in pieces:
        rows = link.rows(
            f"SELECT {', '.join(RUN_COLUMNS)} FROM run_rows WHERE run IN {in_list(some)} ORDER BY run", some
        )
        texts = names.learn(link, {number for row in rows for number in row[1:3]})
        for id, kind, name, start_ns, duration_ns, status, *rest, source in rows:
            run_id, who = bytes(id).hex(), (texts[kind], texts[name])
            yield RunLine(run_id, *who, start_ns, duration_ns, _ended(status), *rest, source or "")  # type: ignore[call-arg]
    for some in pieces:
        rows = link.rows(
            f"SELECT {', '.join(RECORD_COLUMNS)} FROM record_rows WHERE run IN {in_list(some)} ORDER BY run, id", some
        )
        for record in queries.records_of_rows(link, names, rows, ids):
            yield _record_line(record)


def _ended(status: int) -> Any:
    return Status(status).name.lower()


def _record_line(record: Record) -> RecordLine:
    return RecordLine(
        record.run_id, record.span_id, record.parent_id, record.kind, record.name, record.agent, record.root,
        record.start_ns, record.duration_ns, _ended(record.status), record.error_type, record.error_text,
        record.provider, record.model, record.input_tokens, record.output_tokens, record.cache_read_tokens,
        record.cache_write_tokens, record.cost_usd, record.attributes, record.content,
    )  # fmt: skip


def _figures(link: Link, names: Names, first: int | None, end: int | None) -> Iterator[Line]:
    columns = ", ".join(("slot", "key", "source", "writer", "part", *FIGURE_COLUMNS))
    for part in queries.parts_between(link, first, end):
        text, bounds = queries.between("slot", part.first, part.end)
        wanted = f"SELECT {columns} FROM figure_rows WHERE level = {part.level}{text}"
        rows = link.rows(f"{wanted} ORDER BY slot, key, source, writer, part", bounds)
        keys = names.learn_keys(link, {row[1] for row in rows})
        for slot, key, source, writer, number, *figures, sketch in rows:
            begin = (_RESOLUTIONS[part.level], slot * MINUTES[part.level] * 60)
            yield FigureLine(*begin, *keys[key], source, writer, number, *figures, bytes(sketch))  # type: ignore[call-arg,arg-type]
