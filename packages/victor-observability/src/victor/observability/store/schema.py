"""The tables and views of a store, in SQLite and PostgreSQL; docs/reference/metrics-store.md describes them.

Tables end in ``_rows`` and are made to be small: texts are numbers that stand for a row of ``names``, ids are 64-bit
integers and 16-byte blobs. What people query are the views: ``runs``, ``spans`` and ``figures``.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "APPLICATION_ID",
    "FIGURE_COLUMNS",
    "FIGURE_KEY",
    "MIGRATIONS",
    "POSTGRES",
    "RECORD_COLUMNS",
    "RUN_COLUMNS",
    "SQLITE",
    "VERSION",
]

VERSION: Final = 1
"""Of the tables. A store of another version is migrated by `MIGRATIONS`, or refused when it is newer."""

APPLICATION_ID: Final = 0x56634D74
"""How an SQLite file says that it is one of these."""

RECORD_COLUMNS: Final = (
    "run", "span", "parent", "kind", "name", "agent", "root", "start_ns", "duration_ns", "status", "error_type",
    "error_text", "provider", "model", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens",
    "cost_usd", "attributes", "content",
)  # fmt: skip
"""The columns of records, in order."""

RUN_COLUMNS: Final = (
    "run_id", "kind", "name", "start_ns", "duration_ns", "status", "spans", "model_requests", "tool_calls", "errors",
    "input_tokens", "output_tokens", "cost_usd", "unpriced", "source",
)  # fmt: skip
"""The columns of runs, in order."""

FIGURE_KEY: Final = ("level", "slot", "key", "source", "writer", "part")
"""Those of them that tell figures apart."""

FIGURE_COLUMNS: Final = (
    "count", "errors", "cancelled", "timed", "duration_ns", "low_ns", "high_ns", "input_tokens", "output_tokens",
    "cache_read_tokens", "cache_write_tokens", "cost_usd", "unpriced", "cache_hits", "cache_misses", "sketch",
)  # fmt: skip
"""The columns of figures, in order."""

_TABLES: Final = """
CREATE TABLE meta (key {text} PRIMARY KEY, value {text} NOT NULL);
CREATE TABLE names (id {identity}, text {text} NOT NULL UNIQUE);
CREATE TABLE keys (
    id {identity},
    kind {int} NOT NULL, name {int} NOT NULL, agent {int} NOT NULL,
    model {int} NOT NULL, provider {int} NOT NULL, root {int} NOT NULL,
    UNIQUE (kind, name, agent, model, provider, root)
);
CREATE TABLE run_rows (
    run {identity},
    run_id {bytes} NOT NULL UNIQUE,
    kind {int} NOT NULL, name {int} NOT NULL,
    start_ns {int} NOT NULL, duration_ns {int}, status {int} NOT NULL,
    spans {int} NOT NULL, model_requests {int} NOT NULL, tool_calls {int} NOT NULL, errors {int} NOT NULL,
    input_tokens {int} NOT NULL, output_tokens {int} NOT NULL, cost_usd {real}, unpriced {int} NOT NULL,
    source {text}
);
CREATE INDEX run_rows_by_start ON run_rows (start_ns);
CREATE TABLE record_rows (
    id {record_id},
    run {int} NOT NULL, span {int} NOT NULL, parent {int},
    kind {int} NOT NULL, name {int} NOT NULL, agent {int} NOT NULL, root {int} NOT NULL,
    start_ns {int} NOT NULL, duration_ns {int}, status {int} NOT NULL,
    error_type {int} NOT NULL, error_text {text}, provider {int} NOT NULL, model {int} NOT NULL,
    input_tokens {int}, output_tokens {int}, cache_read_tokens {int}, cache_write_tokens {int}, cost_usd {real},
    attributes {text}, content {text}
){partitioned};
CREATE INDEX record_rows_by_run ON record_rows (run);
CREATE INDEX record_rows_failed ON record_rows (start_ns) WHERE status = 1;
CREATE INDEX record_rows_open ON record_rows (run, span) WHERE status = 3;
{record_index};
CREATE TABLE figure_rows (
    level {int} NOT NULL, slot {int} NOT NULL, key {int} NOT NULL,
    source {text} NOT NULL, writer {text} NOT NULL, part {int} NOT NULL,
    count {int} NOT NULL, errors {int} NOT NULL, cancelled {int} NOT NULL,
    timed {int} NOT NULL, duration_ns {int} NOT NULL, low_ns {int} NOT NULL, high_ns {int} NOT NULL,
    input_tokens {int} NOT NULL, output_tokens {int} NOT NULL,
    cache_read_tokens {int} NOT NULL, cache_write_tokens {int} NOT NULL,
    cost_usd {real}, unpriced {int} NOT NULL, cache_hits {int} NOT NULL, cache_misses {int} NOT NULL,
    sketch {bytes} NOT NULL,
    PRIMARY KEY (level, slot, key, source, writer, part)
){clustered};
CREATE TABLE slots (
    level {int} NOT NULL, slot {int} NOT NULL, state {int} NOT NULL, PRIMARY KEY (level, slot)
){clustered};
CREATE VIEW runs AS
SELECT {hex_run} AS run_id, k.text AS kind, n.text AS name, {run_started} AS started, r.start_ns / {e9} AS start_s,
    r.duration_ns / {e9} AS duration_s, {run_status} AS status, r.spans, r.model_requests, r.tool_calls, r.errors,
    r.input_tokens, r.output_tokens, r.cost_usd, r.unpriced, r.source
FROM run_rows r JOIN names k ON k.id = r.kind JOIN names n ON n.id = r.name;
CREATE VIEW spans AS
SELECT s.id, {hex_run} AS run_id, {hex_span} AS span_id, {hex_parent} AS parent_id,
    k.text AS kind, n.text AS name, a.text AS agent, o.text AS root,
    {span_started} AS started, s.start_ns / {e9} AS start_s,
    s.duration_ns / {e9} AS duration_s, {span_status} AS status,
    e.text AS error_type, coalesce(s.error_text, '') AS error_text, p.text AS provider, m.text AS model,
    s.input_tokens, s.output_tokens, s.cache_read_tokens, s.cache_write_tokens, s.cost_usd,
    coalesce(s.attributes, '{{}}') AS attributes, coalesce(s.content, '{{}}') AS content
FROM record_rows s JOIN run_rows r ON r.run = s.run
JOIN names k ON k.id = s.kind JOIN names n ON n.id = s.name JOIN names a ON a.id = s.agent
JOIN names o ON o.id = s.root JOIN names e ON e.id = s.error_type JOIN names p ON p.id = s.provider
JOIN names m ON m.id = s.model;
CREATE VIEW figures AS
SELECT CASE f.level WHEN 0 THEN 'minute' WHEN 1 THEN 'hour' ELSE 'day' END AS resolution,
    f.slot * CASE f.level WHEN 0 THEN 60 WHEN 1 THEN 3600 ELSE 86400 END AS time_s,
    k.text AS kind, n.text AS name, a.text AS agent, m.text AS model, p.text AS provider, o.text AS root,
    f.count, f.errors, f.cancelled, f.duration_ns / {e9} AS duration_s,
    CASE WHEN f.timed > 0 THEN f.low_ns / {e9} END AS min_s, CASE WHEN f.timed > 0 THEN f.high_ns / {e9} END AS max_s,
    f.input_tokens, f.output_tokens, f.cache_read_tokens, f.cache_write_tokens, f.cost_usd, f.unpriced,
    f.cache_hits, f.cache_misses, f.source
FROM figure_rows f JOIN keys c ON c.id = f.key
JOIN names k ON k.id = c.kind JOIN names n ON n.id = c.name JOIN names a ON a.id = c.agent
JOIN names m ON m.id = c.model JOIN names p ON p.id = c.provider JOIN names o ON o.id = c.root
LEFT JOIN slots h ON h.level = 1 AND h.slot = CASE f.level WHEN 0 THEN f.slot / 60 WHEN 1 THEN f.slot END
LEFT JOIN slots d
    ON d.level = 2 AND d.slot = CASE f.level WHEN 0 THEN f.slot / 1440 WHEN 1 THEN f.slot / 24 ELSE f.slot END
WHERE CASE f.level
    WHEN 0 THEN coalesce(d.state, 0) = 2 OR (d.state IS NULL AND coalesce(h.state, 0) <> 1)
    WHEN 1 THEN d.state IS NULL AND h.state IS NOT NULL
    ELSE d.state IS NOT NULL END;
INSERT INTO names (id, text) VALUES (0, '')
"""

_STATUS: Final = (
    "CASE {} WHEN 0 THEN 'ok' WHEN 1 THEN 'error' WHEN 2 THEN 'cancelled' ELSE 'open' END"  # as Status says
)


def _tables(**words: str) -> tuple[str, ...]:
    text = _TABLES.format(run_status=_STATUS.format("r.status"), span_status=_STATUS.format("s.status"), **words)
    return tuple(part.strip() for part in text.split(";") if part.strip())


_SQLITE_TIME: Final = "strftime('%Y-%m-%dT%H:%M:%fZ', {} / 1e9, 'unixepoch')"

SQLITE: Final = _tables(
    e9="1e9",
    int="INTEGER",
    real="REAL",
    text="TEXT",
    bytes="BLOB",
    identity="INTEGER PRIMARY KEY",
    record_id="INTEGER PRIMARY KEY",
    partitioned="",
    clustered=" WITHOUT ROWID",
    record_index="CREATE INDEX record_rows_by_hour ON record_rows (start_ns / 3600000000000)",
    hex_run="lower(hex(r.run_id))",
    hex_span="printf('%016x', s.span)",
    hex_parent="CASE WHEN s.parent IS NOT NULL THEN printf('%016x', s.parent) END",
    run_started=_SQLITE_TIME.format("r.start_ns"),
    span_started=_SQLITE_TIME.format("s.start_ns"),
)
"""What makes the tables in an SQLite file, statement by statement."""

POSTGRES: Final = (
    "CREATE SEQUENCE record_ids",
    *_tables(
        e9="1e9::float8",
        int="bigint",
        real="double precision",
        text="text",
        bytes="bytea",
        identity="bigint PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY",
        record_id="bigint NOT NULL DEFAULT nextval('record_ids')",
        partitioned=" PARTITION BY RANGE (start_ns)",
        clustered="",
        record_index="CREATE INDEX record_rows_by_id ON record_rows USING brin (id)",
        hex_run="encode(r.run_id, 'hex')",
        hex_span="lpad(to_hex(s.span), 16, '0')",
        hex_parent="lpad(to_hex(s.parent), 16, '0')",
        run_started="to_timestamp(r.start_ns / 1e9)",
        span_started="to_timestamp(s.start_ns / 1e9)",
    ),
    "CREATE TABLE record_rows_rest PARTITION OF record_rows DEFAULT",
)
"""What makes the tables in a schema of PostgreSQL, statement by statement."""

MIGRATIONS: Final[dict[int, dict[str, tuple[str, ...]]]] = {}
"""Version -> statements for ``"sqlite"`` and ``"postgres"`` that make the next version of it."""
