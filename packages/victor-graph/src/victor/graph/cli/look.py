"""``victor workflow threads``, ``history`` and ``state``: what is recorded.

With ``--json``, ``threads`` prints a list of objects with ``thread``, ``workflow``, ``file``, ``status``
(``completed``, ``interrupted``, ``failed``, ``unfinished``, ``unreadable``), ``steps``, ``next``, ``questions``,
``error``, ``checkpoint``, ``created`` and ``updated`` (ISO 8601, UTC); ``history`` one of objects with ``checkpoint``,
``parent``, ``step``, ``source``, ``ran``, ``next``, ``keys`` (what was written) and ``at``, newest first; ``state``
one object with ``thread``, ``workflow``, ``file``, ``checkpoint``, ``step``, ``at``, ``next``, ``questions``,
``errors`` and ``values``.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from victor.core.cli.terminal import is_terminal, note, print_json, print_table, style, terminal_width
from victor.core.errors import ConfigurationError, VictorError
from victor.graph.checkpoint.base import Checkpointer
from victor.graph.checkpoint.codec import Codec
from victor.graph.checkpoint.log import Body, read_body
from victor.graph.cli.records import (
    Record,
    ago,
    base_name,
    find_checkpoint,
    own_keys,
    read_record,
    read_values,
    require_thread,
    shown_file,
    when,
)
from victor.graph.cli.store import open_store
from victor.graph.cli.target import Target, find_target

__all__ = ["history", "recorded_target", "state", "threads"]

Store = Annotated[
    str, typer.Option("--checkpoints", metavar="URL", help="Where runs are recorded.", show_default=False)
]
Thread = Annotated[str, typer.Argument(metavar="THREAD", help="Name of the run; see victor workflow threads.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
File = Annotated[
    str | None,
    typer.Option("--file", metavar="FILE", help="The workflow, where it is no longer where it was recorded."),
]


def threads(
    workflow: Annotated[
        str | None, typer.Argument(metavar="[WORKFLOW]", help="Only runs of this workflow (a name) or file.")
    ] = None,
    status: Annotated[str | None, typer.Option(help="Only runs that stand so: interrupted, failed, ...")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the latest first.")] = 50,
    checkpoints: Store = "",
    as_json: Json = False,
) -> None:
    """List the runs that are recorded: workflow, status, steps, last change."""
    with open_store(checkpoints, create=False) as store:
        found: list[Record] = []
        left_out = 0
        for info in store.threads():
            record = read_record(store, info.thread_id, created=info.created_ns / 1e9)
            if workflow not in (None, record.workflow, record.file, shown_file(record.file)):
                continue
            if status is not None and record.status != status:
                continue
            if len(found) == limit:
                left_out += 1
            else:
                found.append(record)
    if as_json:
        print_json([as_data(record) for record in found])
        return
    if not found:
        print("No runs are recorded." if workflow is None and status is None else "No recorded run fits.")
        return
    rows = [
        (
            record.thread,
            record.workflow or "?",
            record.status,
            str(record.steps),
            ago(record.updated),
            shown_file(record.file),
        )
        for record in found
    ]
    print_table(rows, header=("thread", "workflow", "status", "steps", "changed", "file"))
    if left_out:
        note(f"{left_out} more; --limit shows them.")


def as_data(record: Record) -> dict[str, Any]:
    """A record for machines."""
    return {
        "thread": record.thread,
        "workflow": record.workflow,
        "file": record.file,
        "status": record.status,
        "steps": record.steps,
        "next": list(record.next),
        "questions": [{"id": one.id, "asks": one.value} for one in record.questions],
        "error": record.error or None,
        "checkpoint": record.checkpoint,
        "created": when(record.created),
        "updated": when(record.updated),
    }


def history(
    thread: Thread,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many, the latest first.")] = None,
    checkpoints: Store = "",
    as_json: Json = False,
) -> None:
    """List the checkpoints of a run, the latest first: what ran, what it wrote, what came next."""
    with open_store(checkpoints, create=False) as store:
        require_thread(store, thread)
        rows = []
        for entry in store.entries(thread, limit=limit):
            row: dict[str, Any] = {"checkpoint": entry.id, "parent": entry.parent_id, "step": entry.step}
            try:
                body = read_body(entry, Codec())
                row |= {
                    "source": body.source,
                    "ran": _names(body.ran),
                    "next": _names(body.next),
                    "keys": _written(body),
                }
            except VictorError as error:
                row |= {"source": entry.source, "ran": [], "next": [], "keys": [], "unreadable": str(error)}
            rows.append({**row, "at": when(entry.created_ns / 1e9)})
    if as_json:
        print_json(rows)
        return
    table = [
        (
            str(row["step"]),
            row["checkpoint"][-12:],
            row["at"].partition("T")[2][:12],
            ", ".join(row["ran"]) or {"loop": "start"}.get(row["source"], row["source"]),
            ", ".join(row["next"]) or ("start" if row["source"] == "input" else "end"),
            ", ".join(row["keys"]),
        )
        for row in rows
    ]
    print_table(table, header=("step", "checkpoint", "at", "ran", "next", "wrote"))


def _names(names: Any) -> list[str]:
    """Nodes of the workflow, each once."""
    return list(dict.fromkeys(base_name(name) for name in names if name != "__start__"))


def _written(body: Body) -> list[str]:
    """The keys a checkpoint changed; a workflow's own are left out."""
    codec = Codec()
    found: dict[str, None] = {}
    for changes in body.changes:
        operations = codec.decode(changes)
        at = 0
        while at + 1 < len(operations):
            key, kind = operations[at], operations[at + 1]
            found[str(key)] = None
            at += _LENGTHS.get(kind, 3)
    return list(own_keys(found))


_LENGTHS = {0: 3, 1: 5, 2: 4, 3: 3}  # of an operation, by its kind; see victor.graph.checkpoint.delta


def state(
    thread: Thread,
    checkpoint: Annotated[
        str | None, typer.Option(metavar="ID", help="Which: an id, the end of one, or a step; the latest if left out.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="Print only this value, in full.")] = None,
    file: File = None,
    checkpoints: Store = "",
    as_json: Json = False,
) -> None:
    """Show what a run knows: its values, what runs next, what it waits for."""
    with open_store(checkpoints, create=False) as store:
        require_thread(store, thread)
        record = read_record(store, thread)
        entry = find_checkpoint(store, thread, checkpoint)
        values, body, saved = read_values(store, entry, codec_of(record, file))
        if body.input is not None:
            values = {**values, **body.input}
    shown = own_keys(values)
    if key is not None:
        _print_one(shown, key, as_json=as_json)
        return
    latest = entry.id == record.checkpoint
    following = _names(body.next)
    if as_json:
        print_json(
            {
                "thread": thread,
                "workflow": record.workflow,
                "file": record.file,
                "checkpoint": entry.id,
                "step": entry.step,
                "at": when(entry.created_ns / 1e9),
                "next": following,
                "questions": [{"id": one.id, "asks": one.value} for one in saved.open],
                "errors": list(saved.errors.values()),
                "values": shown,
            }
        )
        return
    what = f" of {record.workflow}" if record.workflow else ""
    status = record.status if latest else "an earlier checkpoint"
    print(f"{style(thread, 'bold')}: run{what}, {status}, step {entry.step}, {ago(entry.created_ns / 1e9)}")
    if record.file:
        print(style(f"{shown_file(record.file)}  checkpoint {entry.id}", "dim"))
    width = terminal_width() if is_terminal() else 160
    _print_values(shown, width)
    if following:
        print(f"\n{style('next', 'bold')}: {', '.join(following)}")
    for one in saved.open:
        question = one.value if isinstance(one.value, dict) else {"prompt": one.value}
        print(f"{style('waits', 'yellow')}: {question.get('node', one.id)}: {question.get('prompt')}")
    for text in saved.errors.values():
        print(f"{style('failed', 'red')}: {text}")
    if latest and record.status != "completed" and record.file:
        print(style(f"go on: victor workflow run {_place(record)} --thread {thread} --resume", "dim"))


def _print_one(values: dict[str, Any], key: str, *, as_json: bool) -> None:
    if key not in values:
        raise ConfigurationError(f"there is no value {key!r}; there are: {', '.join(values) or 'none'}")
    if isinstance(values[key], str) and not as_json:
        print(values[key].rstrip("\n"))
    else:
        print_json(values[key])


def _print_values(values: dict[str, Any], width: int) -> None:
    import msgspec

    wide = max((len(name) for name in values), default=0)
    for name, value in values.items():
        text = value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()
        line = " ".join(text.split())
        room = max(20, width - wide - 2)
        more = f" ... ({len(text):,} characters)"
        if len(line) > room:
            line = line[: max(10, room - len(more))] + style(more, "dim")
        print(f"{style(name.ljust(wide), 'cyan')}  {line}")


def _place(record: Record) -> str:
    """What to type to name the workflow of a run."""
    file = shown_file(record.file)
    return f"{file}#{record.workflow}" if file.endswith((".yaml", ".yml")) else file


def recorded_target(record: Record, file: str | None = None) -> Target:
    """The workflow that a run belongs to.

    Args:
        record: The run.
        file: Where it is, in place of where it was recorded.

    Raises:
        ConfigurationError: It is not known where it is, or not there any more.
    """
    place = file or (record.file and _place(record))
    if not place:
        raise ConfigurationError(
            f"run {record.thread!r} does not say which workflow it belongs to; name it with --file"
        )
    return find_target(place)


def codec_of(record: Record, file: str | None) -> Codec:
    """What reads a run's values; without the program it belongs to, values of its own classes cannot be read."""
    if not file and (not record.file or record.file.endswith((".yaml", ".yml"))):
        return Codec()
    try:
        return recorded_target(record, file).compile(None).codec
    except VictorError as error:
        if file:
            raise
        note(f"{shown_file(record.file)} cannot be read, so values of its classes cannot be shown: {error}")
        return Codec()


def require_store(store: Checkpointer | None) -> Checkpointer:
    """The store, where there must be one.

    Raises:
        ConfigurationError: ``--checkpoints none`` was given.
    """
    if store is None:
        raise ConfigurationError("--checkpoints none means that nothing is recorded; leave it out")
    return store
