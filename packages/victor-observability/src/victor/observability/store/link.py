"""What the two databases have in common: one transaction that statements can be run in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

__all__ = ["Link", "in_list"]


class Link(Protocol):
    """One transaction. Statements are in the words that SQLite and PostgreSQL share; ``?`` stands for a parameter."""

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All that a query finds."""
        ...

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """How many rows a statement changed."""
        ...

    def many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each row of parameters."""
        ...

    def upsert_runs(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> dict[bytes, int]:
        """Write rows of runs; the number of each by its id."""
        ...

    def upsert_figures(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write rows of figures."""
        ...

    def add_records(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert rows in the order of `RECORD_COLUMNS`."""
        ...


def in_list(values: Sequence[Any]) -> str:
    """``(?, ?, ?)`` for so many values; a list of none is false whatever it is compared with."""
    return f"({', '.join('?' * len(values))})" if values else "(NULL)"
