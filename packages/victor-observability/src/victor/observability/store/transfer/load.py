"""Lines of an export into a store: all of them in one transaction, or none.

What came from a store before is replaced by what comes from it now, so importing twice is the same as importing once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from victor.observability.aggregate import Key
from victor.observability.record import Record, Status
from victor.observability.sound_text import MOST
from victor.observability.store.cover import DAY, HOUR, MINUTE, MINUTES
from victor.observability.store.errors import StoreError
from victor.observability.store.queries import between
from victor.observability.store.rows import record_row, run_bytes
from victor.observability.store.schema import RUN_COLUMNS
from victor.observability.store.summing import check_sketch
from victor.observability.store.transfer.lines import FORMAT, Counts, FigureLine, Header, Line, RecordLine, RunLine
from victor.observability.store.writing import UPSERT_FIGURE, UPSERT_RUN, reopen_slots

if TYPE_CHECKING:
    from victor.observability.store.link import Link
    from victor.observability.store.names import Names

__all__ = ["Imported", "load"]

_AT_ONCE: Final = 2_000
_DAY_MIN: Final = 1440
_LARGEST: Final = (1 << 63) - 1
_MOMENTS: Final = frozenset({"time_s", "start_ns"})
_SOURCE: Final = RUN_COLUMNS.index("source")
_LEVELS: Final = {"minute": MINUTE, "hour": HOUR, "day": DAY}


class Imported(Struct):
    """What an import brought.

    Args:
        store_id: Of the store that it is from.
        runs: How many runs.
        skipped: How many runs were left out with their records, for the store knew them already, and not from there.
        records: How many operations and points in detail.
        figures: How many rows of figures.
    """

    store_id: str
    runs: int = 0
    skipped: int = 0
    records: int = 0
    figures: int = 0


def load(link: Link, names: Names, header: Header, lines: Iterable[Line | Counts], place: str) -> Imported:
    """Write what an export holds.

    Args:
        link: A transaction of the store.
        names: Of the store.
        header: Of the export.
        lines: The rest of it; what it ends with says how many there must be.
        place: What messages call the export.

    Raises:
        StoreError: It is from this very store, from a newer version, or not whole.
    """
    if header.victor_metrics > FORMAT:
        raise StoreError(
            f"{place}: an export of format {header.victor_metrics}, and this victor-observability reads up to "
            f"{FORMAT}: upgrade it (pip install -U victor-observability)"
        )
    own = link.rows("SELECT value FROM meta WHERE key = 'store_id'")[0][0]
    if own == header.store_id:
        raise StoreError(f"{place}: an export of this very store. Import it into another one")
    into = _Loading(link, names, header, own, place)
    seen, told = Counts(), None
    for line in lines:
        if told is not None:
            raise StoreError(f"{place}: there is more after its end: not an export, or two of them in one file")
        if isinstance(line, Counts):
            told = line
        elif isinstance(line, RunLine):
            seen.runs += 1
            into.run(line)
        elif isinstance(line, RecordLine):
            seen.records += 1
            into.record(line)
        else:
            seen.figures += 1
            into.figure(line)
    if told != seen:
        wanted = "its end is missing" if told is None else f"it says {told} and has {seen}"
        raise StoreError(f"{place}: the export is not whole: {wanted}. Nothing was imported; export again")
    into.finish()
    return into.done


class _Loading:
    def __init__(self, link: Link, names: Names, header: Header, own: str, place: str) -> None:
        self._link = link
        self._names = names
        self._source = header.store_id
        self._own = own
        self._place = place
        self._runs: dict[str, int | None] = {}
        self._records: list[tuple[Any, ...]] = []
        self._figures: list[tuple[Any, ...]] = []
        self._minutes: set[int] = set()
        self.done = Imported(header.store_id)
        for source in header.sources:
            if source != own:
                self._forget(source, header)

    def _forget(self, source: str, header: Header) -> None:
        """Remove the figures that came from a store before, in the days that come now."""
        for level, size in enumerate(MINUTES):
            first, end = (
                None if day is None else day * _DAY_MIN // size for day in (header.since_day, header.until_day)
            )
            text, bounds = between("slot", first, end)
            wanted = f"FROM figure_rows WHERE level = {level} AND source = ?{text}"
            self._minutes |= {
                slot * size for (slot,) in self._link.rows(f"SELECT DISTINCT slot {wanted}", [source, *bounds])
            }
            self._link.run(f"DELETE {wanted}", [source, *bounds])

    def _check(self, line: RunLine | RecordLine | FigureLine) -> None:
        """Counts are counts: one that is none would make every figure wrong that it is added to."""
        for name in line.__struct_fields__:
            value = getattr(line, name)
            if (type(value) is int and not (0 <= value <= _LARGEST) and name not in _MOMENTS) or (
                type(value) is float and not 0 <= value <= MOST
            ):
                raise StoreError(f"{self._place}: {name} is {value!r}: the export is damaged")

    def run(self, line: RunLine) -> None:
        """Add a run, in the place of what is known of it from there."""
        self._check(line)
        run_id = run_bytes(line.run_id)
        source = line.source or self._source
        found = self._link.rows("SELECT run, source FROM run_rows WHERE run_id = ?", (run_id,))
        if found:
            if (found[0][1] or self._own) != source or source == self._own:
                self._runs[line.run_id] = None
                self.done.skipped += 1
                return
            self._link.run("DELETE FROM record_rows WHERE run = ?", found[0][:1])
            self._link.run("DELETE FROM run_rows WHERE run = ?", found[0][:1])
        row = (
            run_id, self._names[line.kind], self._names[line.name], line.start_ns, line.duration_ns,
            int(Status[line.status.upper()]), line.spans, line.model_requests, line.tool_calls, line.errors,
            line.input_tokens, line.output_tokens, line.cost_usd, line.unpriced,
            None if source == self._own else source,
        )  # fmt: skip
        self._runs[line.run_id] = self._link.upsert_runs(UPSERT_RUN, [row])[run_id]
        self.done.runs += 1

    def record(self, line: RecordLine) -> None:
        """Add what is known in detail."""
        self._check(line)
        if line.run_id not in self._runs:
            raise StoreError(f"{self._place}: a record of run {line.run_id}, which is not in it: the export is damaged")
        run = self._runs[line.run_id]
        if run is None:
            return
        record = Record(
            line.kind, line.name, line.run_id, line.span_id, line.parent_id, line.start_ns, line.duration_ns,
            Status[line.status.upper()], line.agent, line.root, line.error_type, line.error_text, line.provider,
            line.model, line.input_tokens, line.output_tokens, line.cache_read_tokens, line.cache_write_tokens,
            line.cost_usd, line.attributes, line.content,
        )  # fmt: skip
        self._records.append(record_row(record, run, self._names))
        self.done.records += 1
        if len(self._records) >= _AT_ONCE:
            self._write()

    def figure(self, line: FigureLine) -> None:
        """Add figures. Those of an hour or day come to its first minute, and are rolled up with the others here."""
        self._check(line)
        try:
            check_sketch(line.sketch, line.timed)
        except ValueError as error:
            raise StoreError(f"{self._place}: figures of {line.name!r}: {error}: the export is damaged") from error
        source = line.source or self._source
        if source == self._own:
            return
        key = Key(line.kind, line.name, line.agent, line.model, line.provider, line.root)
        level = _LEVELS[line.resolution]
        minute = line.time_s // 60
        writer = line.writer or ("" if level == MINUTE else line.resolution)
        self._figures.append(
            (
                MINUTE, minute, self._names.key_number(key), source, writer, line.part, line.count, line.errors,
                line.cancelled, line.timed, line.duration_ns, line.low_ns, line.high_ns, line.input_tokens,
                line.output_tokens, line.cache_read_tokens, line.cache_write_tokens, line.cost_usd, line.unpriced,
                line.cache_hits, line.cache_misses, line.sketch,
            )
        )  # fmt: skip
        self._minutes.add(minute)
        self.done.figures += 1
        if len(self._figures) >= _AT_ONCE:
            self._write()

    def _write(self) -> None:
        if self._records:
            self._link.add_records(self._records)
        if self._figures:
            self._link.upsert_figures(UPSERT_FIGURE, self._figures)
        self._records, self._figures = [], []

    def finish(self) -> None:
        """Write what waits."""
        self._write()
        reopen_slots(self._link, self._minutes)
