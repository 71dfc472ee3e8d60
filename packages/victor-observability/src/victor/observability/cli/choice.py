"""What most commands take: which store, which time, which runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, cast

import typer

from victor.core.errors import ConfigurationError
from victor.observability.moments import read_moment

if TYPE_CHECKING:
    from victor.observability.results import By, Run
    from victor.observability.store.protocol import Side, Store, Where

__all__ = [
    "BY", "AsJson", "Chosen", "Since", "Until", "find_run", "open_chosen", "read_by", "read_range", "read_side",
    "read_where",
]  # fmt: skip

Chosen = Annotated[
    str,
    typer.Option("--store", metavar="URL", help="A file or postgresql://...; that of the settings by default."),
]
"""The option ``--store``."""
Since = Annotated[
    str, typer.Option("--since", metavar="TIME", help="From when: 15m, 2h, 7d ago, today, 2026-11-22T13:00.")
]
"""The option ``--since``."""
Until = Annotated[str, typer.Option("--until", metavar="TIME", help="To when, likewise; now by default.")]
"""The option ``--until``."""
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
"""The option ``--json``."""

BY = ("kind", "name", "agent", "model", "provider", "root")
"""What figures can be broken down by."""


def open_chosen(store: str) -> Store:
    """Open a store that is there: that of ``--store``, or that of the settings.

    Raises:
        StoreError: There is none, or it cannot be read.
    """
    from victor.observability.settings import load_settings
    from victor.observability.store import open_store

    return open_store(store or load_settings().store_url(), create=False)


def read_range(since: str, until: str, now: float | None = None) -> tuple[float | None, float | None]:
    """The range of ``--since`` and ``--until``; None where nothing is said.

    Raises:
        ConfigurationError: One is no moment, or it ends before it begins.
    """
    now = time.time() if now is None else now
    first = read_moment(since, now) if since else None
    last = read_moment(until, now) if until else None
    if first is not None and last is not None and first >= last:
        raise ConfigurationError(f"--since {since} is not before --until {until}")
    return first, last


def read_by(text: str) -> list[By]:
    """``"kind,name"`` as a list.

    Raises:
        ConfigurationError: One is nothing to break down by.
    """
    from victor.core.catalog import near_matches

    words = [word.strip() for word in text.split(",") if word.strip()]
    for word in words:
        if word not in BY:
            near = near_matches(word, BY)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigurationError(f"figures cannot be broken down by {word!r}{hint}; there are: {', '.join(BY)}")
    return cast("list[By]", words)


def read_where(pairs: list[str]) -> Where | None:
    """``["kind=tool.call", "name=a", "name=b"]`` as what to look at alone.

    Raises:
        ConfigurationError: One is not ``key=value``, or its key is unknown.
    """
    found: dict[By, list[str]] = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not sign:
            raise ConfigurationError(f"--where {pair!r} is not key=value, such as name=search")
        keys = read_by(key)
        if len(keys) != 1:
            raise ConfigurationError(f"--where cannot choose by {key!r}")
        found.setdefault(keys[0], []).append(value)
    return found or None


def find_run(store: Store, run: str) -> Run:
    """A run by its id, its beginning, ``last`` or ``last~2`` (the one two before).

    Raises:
        ConfigurationError: There are not so many runs.
        StoreError: None has that id, or several begin so.
    """
    back = _steps_back(run)
    if back is None:
        return store.run(run)[0]
    runs = store.runs(limit=back + 1)
    if len(runs) <= back:
        raise ConfigurationError(f"{run}: {store.place} has {len(runs)} runs" if runs else f"{store.place} has no runs")
    return runs[back]


def read_side(store: Store, text: str) -> Side:
    """One side of a comparison: a run, a range such as ``2h..1h``, or another store's file or URL."""
    from pathlib import Path

    if ".." in text and "/" not in text:
        since, _, until = text.partition("..")
        return read_range(since, until)
    if "://" in text or text.endswith((".db", ".sqlite")) or Path(text).is_file():
        return open_chosen(text)
    return find_run(store, text).run_id


def _steps_back(run: str) -> int | None:
    if run == "last":
        return 0
    word, _, steps = run.partition("~")
    return int(steps) if word == "last" and steps.isdigit() and len(steps) < 7 else None
