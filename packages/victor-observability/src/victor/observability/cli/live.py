"""``victor observability tail``: what happens, as it is written."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from victor.core.cli.terminal import style
from victor.observability.cli.choice import Chosen, open_chosen
from victor.observability.cli.runs import plain_data
from victor.observability.record import Record, Status
from victor.observability.shown import amount, clock, cost, duration, plain
from victor.observability.timeline import SHORT_KINDS

__all__ = ["line", "tail"]


def tail(
    kind: Annotated[
        list[str] | None, typer.Option("--kind", help="Only these kinds; tool.* stands for a family.")
    ] = None,
    errors: Annotated[bool, typer.Option("--errors", help="Only what failed.")] = False,
    every: Annotated[float, typer.Option(min=0.05, help="Seconds between two looks.")] = 0.3,
    seconds: Annotated[float | None, typer.Option("--for", min=0, help="End after so many seconds.")] = None,
    store: Chosen = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """Print what is recorded from now on, by any process that writes to this store, until Ctrl-C."""
    import msgspec

    end = None if seconds is None else time.monotonic() + seconds
    with open_chosen(store) as opened:
        _, after = opened.tail(limit=1)
        while True:
            records, after = opened.tail(after)
            for record in records:
                if _wanted(record, kind, errors=errors):
                    text = msgspec.json.encode(plain_data(record), enc_hook=str).decode() if as_json else line(record)
                    print(text, flush=True)
            left = every if end is None else min(every, end - time.monotonic())
            if left <= 0:
                return
            if not records:
                time.sleep(left)


def line(record: Record) -> str:
    """A record in one line."""
    parts = [
        clock(record.end_ns)[11:],
        record.run_id[:8],
        plain(f"{SHORT_KINDS.get(record.kind, record.kind)} {record.name}"),
    ]
    if record.agent and record.agent != record.name:
        parts.append(plain(f"({record.agent})"))
    if record.status is Status.OPEN:
        parts.append("began")
    elif record.duration_ns is not None:
        parts.append(duration(record.duration_ns))
    if record.input_tokens is not None or record.output_tokens is not None:
        parts.append(f"{amount(record.input_tokens)} in {amount(record.output_tokens)} out")
    if record.cost_usd is not None:
        parts.append(cost(record.cost_usd))
    if record.status is Status.CANCELLED:
        return style(" ".join([*parts, "cancelled"]), "yellow")
    if record.status is Status.ERROR:
        return style(" ".join([*parts, plain(f"{record.error_type}: {record.error_text}")]), "red")
    return " ".join(parts)


def _wanted(record: Record, kinds: list[str] | None, *, errors: bool) -> bool:
    if errors and record.status is not Status.ERROR:
        return False
    return not kinds or any(
        record.kind == kind or (kind.endswith(".*") and record.kind.startswith(kind[:-1])) for kind in kinds
    )
