"""What is asked of a store, answered from its tables in the words that both databases understand."""

# ruff: noqa: S608 - statements are put together from names of this package; values are parameters

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches
from math import floor
from typing import TYPE_CHECKING, Any, Final

from victor.observability.aggregate import Aggregate, Key
from victor.observability.record import Record, Status
from victor.observability.results import Change, ErrorGroup, Group, Point, Run, Span, Totals
from victor.observability.store.cover import DAY, HOUR, MINUTE, MINUTES, Part, Slot, State, cover
from victor.observability.store.errors import StoreError
from victor.observability.store.link import in_list
from victor.observability.store.protocol import Percentiles
from victor.observability.store.rows import record_of_row
from victor.observability.store.schema import FIGURE_COLUMNS, RECORD_COLUMNS, RUN_COLUMNS
from victor.observability.store.summing import Summing

if TYPE_CHECKING:
    from victor.observability.results import By
    from victor.observability.store.link import Link
    from victor.observability.store.names import Names
    from victor.observability.store.protocol import Where

__all__ = [
    "between",
    "breakdown",
    "changes",
    "check_by",
    "errors",
    "grouped",
    "parts_between",
    "percentiles",
    "records_of_rows",
    "run_records",
    "run_totals",
    "runs",
    "series",
    "tail",
    "the_run",
    "tree",
]

_DIMENSIONS: Final = Key._fields
_RUN_ID_DIGITS: Final = 32
_BILLION: Final = 1_000_000_000
_FAR_S: Final = 9_000_000_000
_MANY_SLOTS: Final = 400
_Row = tuple[Any, ...]


def check_by(by: Sequence[str]) -> tuple[int, ...]:
    """Which parts of a key to keep apart.

    Raises:
        StoreError: There is no such dimension.
    """
    if isinstance(by, str):
        by = (by,)
    for name in by:
        _check_dimension(name)
    return tuple(_DIMENSIONS.index(name) for name in by)


def _check_dimension(name: str) -> None:
    if name == "status":
        raise StoreError(
            "figures are not kept apart by status: the errors and cancelled of each group say how many failed and were "
            "cancelled. runs(status=...) lists runs by how they ended"
        )
    if name not in _DIMENSIONS:
        near = get_close_matches(str(name), _DIMENSIONS, 1)
        raise StoreError(
            f"figures are kept apart by {', '.join(_DIMENSIONS)}, not by {name!r}"
            + (f"; did you mean {near[0]!r}?" if near else "")
        )


def _conditions(where: Where | None) -> tuple[str, list[str]]:
    """SQL for what to look at alone, in a table that has the dimensions as numbers of names."""
    text, parameters = "", []
    for name, wanted in (where or {}).items():
        _check_dimension(name)
        values = [wanted] if isinstance(wanted, str) else list(wanted)
        text += f" AND {name} IN (SELECT id FROM names WHERE text IN {in_list(values)})"
        parameters += values
    return text, parameters


# ---------------------------------------------------------------- figures


def figures(
    link: Link, since: float | None, until: float | None, where: Where | None, coarsest: int = DAY
) -> Iterator[tuple[int, list[_Row]]]:
    """Rows that count everything in a range once: minutes per slot, and (slot, key, *FIGURE_COLUMNS) of each."""
    first = None if since is None else floor(max(-_FAR_S, min(_FAR_S, since)) / 60)
    end = None if until is None else -floor(-max(-_FAR_S, min(_FAR_S, until)) / 60)
    only = ""
    if where:
        text, parameters = _conditions(where)
        keys = [row[0] for row in link.rows(f"SELECT id FROM keys WHERE 1 = 1{text}", parameters)]
        if not keys:
            return
        only = f" AND key IN ({', '.join(map(str, keys))})"
    columns = ", ".join(FIGURE_COLUMNS)
    for part in parts_between(link, first, end, coarsest):
        text, bounds = between("slot", part.first, part.end)
        rows = link.rows(f"SELECT slot, key, {columns} FROM figure_rows WHERE level = {part.level}{text}{only}", bounds)
        if rows:
            yield MINUTES[part.level], rows


def parts_between(link: Link, first: int | None, end: int | None, coarsest: int = DAY) -> list[Part]:
    """Which rows of figures count everything from a minute to another once."""
    states: dict[Slot, State] = {}
    for level in (HOUR, DAY):
        size = MINUTES[level]
        text, bounds = between(
            "slot", None if first is None else first // size, None if end is None else end // size + 1
        )
        for slot, state in link.rows(f"SELECT slot, state FROM slots WHERE level = {level}{text}", bounds):
            states[Slot(level, slot)] = State(state)
    return cover(first, end, states, coarsest)


def between(column: str, first: int | None, end: int | None) -> tuple[str, list[int]]:
    """SQL for a column between two bounds, of which None is none."""
    text, parameters = "", []
    if first is not None:
        text += f" AND {column} >= ?"
        parameters.append(first)
    if end is not None:
        text += f" AND {column} < ?"
        parameters.append(end)
    return text, parameters


def grouped(
    link: Link,
    names: Names,
    by: Sequence[By],
    since: float | None = None,
    until: float | None = None,
    where: Where | None = None,
) -> dict[tuple[str, ...], Aggregate]:
    """The figures of each group."""
    parts = check_by(by)
    found: dict[tuple[str, ...], Summing] = {}
    of_key: dict[int, Summing] = {}
    for _, rows in figures(link, since, until, where):
        keys = names.learn_keys(link, {row[1] for row in rows})
        for row in rows:
            figures_of = of_key.get(row[1])
            if figures_of is None:
                key = keys[row[1]]
                group = tuple(key[part] for part in parts)
                figures_of = of_key[row[1]] = found.setdefault(group, Summing())
            figures_of.add(row[2:])
    return {group: one.total() for group, one in found.items()}


def _ordered(groups: dict[tuple[str, ...], Aggregate]) -> list[tuple[tuple[str, ...], Aggregate]]:
    return sorted(groups.items(), key=lambda item: (-item[1].count, item[0]))


def breakdown(
    link: Link, names: Names, by: Sequence[By], since: float | None, until: float | None, where: Where | None
) -> list[Group]:
    """As `Store.breakdown`."""
    return [Group(group, one.totals()) for group, one in _ordered(grouped(link, names, by, since, until, where))]


def percentiles(
    link: Link,
    names: Names,
    qs: Sequence[float],
    by: Sequence[By],
    since: float | None,
    until: float | None,
    where: Where | None,
) -> list[Percentiles]:
    """As `Store.percentiles`."""
    for q in qs:
        if not 0 <= q <= 1:
            raise StoreError(f"a percentile is asked for as a number from 0 to 1, such as 0.95, not {q!r}")
    return [
        Percentiles(group, tuple(None if ns is None else ns / _BILLION for ns in one.durations.quantiles(qs)))
        for group, one in _ordered(grouped(link, names, by, since, until, where))
    ]


def series(
    link: Link,
    names: Names,
    step_s: int,
    by: Sequence[By],
    since: float | None,
    until: float | None,
    where: Where | None,
) -> list[Point]:
    """As `Store.series`."""
    if step_s < 60 or step_s % 60 or step_s != int(step_s):
        raise StoreError(f"a step is a whole number of minutes, such as 60 or 3600 seconds, not {step_s!r}")
    step = int(step_s) // 60
    coarsest = next(level for level in (DAY, HOUR, MINUTE) if step % MINUTES[level] == 0)
    parts = check_by(by)
    found: dict[tuple[int, tuple[str, ...]], Summing] = {}
    for size, rows in figures(link, since, until, where, coarsest):
        keys = names.learn_keys(link, {row[1] for row in rows})
        of_row: dict[tuple[int, int], Summing] = {}
        for row in rows:
            figures_of = of_row.get(row[:2])
            if figures_of is None:
                key = keys[row[1]]
                place = row[0] * size // step, tuple(key[part] for part in parts)
                figures_of = of_row[row[:2]] = found.setdefault(place, Summing())
            figures_of.add(row[2:])
    return [Point(at * step * 60, group, found[at, group].total().totals()) for at, group in sorted(found)]


def changes(before: dict[tuple[str, ...], Aggregate], after: dict[tuple[str, ...], Aggregate]) -> list[Change]:
    """As `Store.compare`."""

    def totals(side: dict[tuple[str, ...], Aggregate], group: tuple[str, ...]) -> Totals | None:
        return side[group].totals() if group in side else None

    return [Change(group, totals(before, group), totals(after, group)) for group in sorted({*before, *after})]


# ---------------------------------------------------------------- runs

_RUN: Final = "run, " + ", ".join(RUN_COLUMNS[:-1])


def _run(row: _Row, texts: dict[int, str]) -> Run:
    _, run_id, kind, name, start_ns, duration_ns, status, *rest = row
    return Run(bytes(run_id).hex(), texts[kind], texts[name], start_ns, duration_ns, Status(status), *rest)


def runs(
    link: Link,
    names: Names,
    *,
    since: float | None,
    until: float | None,
    kind: str | None,
    name: str | None,
    status: Status | None,
    limit: int,
) -> list[Run]:
    """As `Store.runs`."""
    text, parameters = between("start_ns", _ns(since), _ns(until))
    for column, wanted in (("kind", kind), ("name", name)):
        if wanted is not None:
            text += f" AND {column} IN (SELECT id FROM names WHERE text = ?)"
            parameters.append(wanted)  # type: ignore[arg-type]
    if status is not None:
        text += " AND status = ?"
        parameters.append(int(status))
    rows = link.rows(
        f"SELECT {_RUN} FROM run_rows WHERE 1 = 1{text} ORDER BY start_ns DESC, run_id LIMIT ?",
        (*parameters, max(0, limit)),
    )
    texts = names.learn(link, {number for row in rows for number in row[2:4]})
    return [_run(row, texts) for row in rows]


def _ns(seconds: float | None) -> int | None:
    # A moment that no database can hold, as one in milliseconds, is after all others, or before them.
    return None if seconds is None else round(max(-_FAR_S, min(_FAR_S, seconds)) * _BILLION)


def the_run(link: Link, names: Names, run_id: str, place: str) -> tuple[int, Run]:
    """The number of a run, and the run, by the beginning of its id.

    Raises:
        StoreError: None has it, or several have.
    """
    wanted = run_id.strip().lower()
    if not wanted or len(wanted) > _RUN_ID_DIGITS or not all(digit in "0123456789abcdef" for digit in wanted):
        raise StoreError(f"{run_id!r} is no run's id: it has up to {_RUN_ID_DIGITS} digits of 0-9 and a-f")
    low, high = (bytes.fromhex(wanted.ljust(_RUN_ID_DIGITS, fill)) for fill in "0f")
    rows = link.rows(f"SELECT {_RUN} FROM run_rows WHERE run_id BETWEEN ? AND ? ORDER BY run_id LIMIT 4", (low, high))
    if not rows:
        raise StoreError(f"{place}: there is no run {run_id}; perhaps it is too old to be kept, or in another store")
    if len(rows) > 1:
        some = ", ".join(bytes(row[1]).hex() for row in rows[:3])
        raise StoreError(f"{place}: several runs begin with {run_id}: {some}{', ...' if len(rows) > 3 else ''}")
    return rows[0][0], _run(rows[0], names.learn(link, rows[0][2:4]))


_RECORD: Final = ", ".join(RECORD_COLUMNS)
_NAMES_OF_RECORD: Final = tuple(
    RECORD_COLUMNS.index(name) for name in ("kind", "name", "agent", "root", "error_type", "provider", "model")
)


def records_of_rows(link: Link, names: Names, rows: Sequence[_Row], run_ids: dict[int, str]) -> list[Record]:
    """Records of rows in the order of `RECORD_COLUMNS`."""
    texts = names.learn(link, {row[at] for row in rows for at in _NAMES_OF_RECORD})
    return [record_of_row(run_ids[row[0]], row, texts) for row in rows]


def run_records(link: Link, names: Names, number: int, run_id: str) -> list[Record]:
    """What is kept in detail of a run, in the order things began."""
    rows = link.rows(f"SELECT {_RECORD} FROM record_rows WHERE run = ? ORDER BY start_ns, id", (number,))
    return records_of_rows(link, names, rows, {number: run_id})


def run_totals(run: Run, records: Sequence[Record], by: Sequence[By], place: str) -> dict[tuple[str, ...], Aggregate]:
    """The figures of a run, from its records.

    Raises:
        StoreError: Not all of them were kept.
    """
    parts = check_by(by)
    kept = sum(record.status is not Status.OPEN and record.parent_id is not None for record in records)
    if kept < run.spans:
        raise StoreError(
            f"{place}: of run {run.run_id} only {kept} of {run.spans} operations are kept in detail, so its figures "
            "would be wrong. Compare ranges of time instead, or keep more: sampling and retention are settings"
        )
    found: dict[tuple[str, ...], Aggregate] = {}
    for record in records:
        if record.status is not Status.OPEN:
            key = Key.of(record)
            found.setdefault(tuple(key[part] for part in parts), Aggregate()).add(record)
    return found


def tree(records: Sequence[Record]) -> tuple[Span, ...]:
    """Records as a tree, in the order given; those whose parent is not kept stand at the top."""
    places = {record.span_id: at for at, record in reversed([*enumerate(records)])}
    below: list[list[int]] = [[] for _ in records]
    above: list[int | None] = []
    top: list[int] = []
    for at, record in enumerate(records):
        parent = places.get(record.parent_id or "")
        parent = None if parent == at else parent
        above.append(parent)
        (top if parent is None else below[parent]).append(at)
    order: list[int] = []
    seen = [False] * len(records)
    waiting = list(top)
    begin = 0
    while True:
        while waiting:
            at = waiting.pop()
            if not seen[at]:
                seen[at] = True
                order.append(at)
                waiting += below[at]
        while begin < len(records) and seen[begin]:
            begin += 1
        if begin == len(records):
            break
        # A ring of parents, which no recorder writes: it is cut open at its first.
        parent = above[begin]
        assert parent is not None
        below[parent].remove(begin)
        top.append(begin)
        waiting.append(begin)
    spans: dict[int, Span] = {}
    for at in reversed(order):
        spans[at] = _span(records[at], tuple(spans[one] for one in below[at]))
    return tuple(spans[at] for at in sorted(top))


def _span(record: Record, children: tuple[Span, ...]) -> Span:
    return Span(
        record.kind, record.name, record.span_id, record.parent_id, record.start_ns, record.duration_ns, record.status,
        record.agent, record.error_type, record.error_text, record.provider, record.model, record.input_tokens,
        record.output_tokens, record.cost_usd, record.attributes, children,
    )  # fmt: skip


# ---------------------------------------------------------------- records


def errors(
    link: Link, names: Names, since: float | None, until: float | None, where: Where | None, limit: int
) -> list[ErrorGroup]:
    """As `Store.errors`."""
    failed = f"status = {int(Status.ERROR)}"
    text, bounds = between("start_ns", _ns(since), _ns(until))
    conditions, values = _conditions(where)
    rows = link.rows(
        "SELECT kind, name, error_type, count(*), min(start_ns), max(start_ns) FROM record_rows "
        f"WHERE {failed}{text}{conditions} GROUP BY kind, name, error_type",
        [*bounds, *values],
    )
    texts = names.learn(link, {number for row in rows for number in row[:3]})
    ordered = sorted(rows, key=lambda row: (-row[3], *(texts[number] for number in row[:3])))
    found = []
    for kind, name, error_type, count, first_ns, last_ns in ordered[: max(0, limit)]:
        # The newest, and of several in the same nanosecond the one written last.
        run, error_text = link.rows(
            f"SELECT run, error_text FROM record_rows WHERE {failed} AND start_ns = ? AND kind = ? AND name = ? "
            f"AND error_type = ?{conditions} ORDER BY id DESC LIMIT 1",
            (last_ns, kind, name, error_type, *values),
        )[0]
        run_id = link.rows("SELECT run_id FROM run_rows WHERE run = ?", (run,))
        last_run = bytes(run_id[0][0]).hex() if run_id else ""
        place = (texts[kind], texts[name], texts[error_type])
        found.append(ErrorGroup(*place, count, first_ns, last_ns, error_text or "", last_run))
    return found


def tail(link: Link, names: Names, after: int | None, limit: int) -> tuple[list[Record], int]:
    """As `Store.tail`."""
    last = link.rows("SELECT max(id) FROM record_rows")[0][0] or 0
    if after is None or limit <= 0:
        return [], last if after is None else after
    if last < after:  # all that was there is gone, and numbers began again
        after = 0
    rows = link.rows(f"SELECT id, {_RECORD} FROM record_rows WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
    if not rows:
        return [], after
    run_ids: dict[int, str] = {}
    for some in _pieces(sorted({row[1] for row in rows})):
        found = link.rows(f"SELECT run, run_id FROM run_rows WHERE run IN {in_list(some)}", some)
        run_ids |= {number: bytes(run_id).hex() for number, run_id in found}
    return records_of_rows(link, names, [row[1:] for row in rows if row[1] in run_ids], run_ids), rows[-1][0]


def _pieces(numbers: Collection[int]) -> Iterator[list[int]]:
    ordered = list(numbers)
    return (ordered[at : at + _MANY_SLOTS] for at in range(0, len(ordered), _MANY_SLOTS))
