"""``victor workflow fork`` and ``prune``.

With ``--json``, ``fork`` prints ``thread``, ``checkpoint``, ``from`` (``thread`` and ``checkpoint``) and ``next``;
``prune`` prints ``removed`` (checkpoints), ``runs`` (whole runs removed) and ``dry_run``.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import typer

from victor.core.catalog import near_matches
from victor.core.cli.terminal import is_terminal, note, print_json
from victor.core.errors import ConfigurationError
from victor.graph.checkpoint.base import Batch, Checkpointer, Entry, Note
from victor.graph.cli.look import Json, Store, Thread, recorded_target
from victor.graph.cli.overlay import FORKED
from victor.graph.cli.records import base_name, find_checkpoint, read_record, require_thread, shown_file
from victor.graph.cli.store import open_store

if TYPE_CHECKING:
    from victor.graph.cli.target import Target

__all__ = ["fork", "prune"]

_UNITS: Final = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}
_AGE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d|w)")


def fork(
    thread: Thread,
    name: Annotated[str, typer.Option("--as", metavar="NEW", help="Name of the new run.")],
    checkpoint: Annotated[
        str | None, typer.Option(metavar="ID", help="Where it leaves the old one; its latest if left out.")
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a value, as if the node had written it; repeatable."),
    ] = None,
    node: Annotated[
        str | None, typer.Option(metavar="NODE", help="The node the changes are by; the one that ran last if left out.")
    ] = None,
    file: Annotated[
        str | None, typer.Option("--file", metavar="FILE", help="The workflow, where it is no longer where it was.")
    ] = None,
    checkpoints: Store = "",
    as_json: Json = False,
) -> None:
    """Begin a new run at a checkpoint of another, with other values if wanted; the old one stays as it is."""
    with open_store(checkpoints, create=False) as store:
        require_thread(store, thread)
        record = read_record(store, thread)
        target = recorded_target(record, file)
        entry = find_checkpoint(store, thread, checkpoint)
        changes = _changes(target, values or [])
        store.copy_thread(thread, name)
        try:
            _forget_after(store, name, entry)
            compiled = target.compile(store)
            by = node or _author(target, compiled, store, name, entry) if changes else node
            config: Any = {"configurable": {"thread_id": name}, "metadata": target.metadata()}
            if changes or node is not None:
                compiled.update_state(config, changes or None, by)
            following = list(dict.fromkeys(base_name(one) for one in compiled.get_state(thread_id=name).next))
            tip = store.entries(name, limit=1)[0].id
            store.write([Batch(notes=(Note(name, "", tip, "", FORKED, compiled.codec.encode(True)),))])
        except BaseException:
            store.delete_thread(name)
            raise
    if as_json:
        print_json(
            {
                "thread": name,
                "checkpoint": tip,
                "from": {"thread": thread, "checkpoint": entry.id},
                "next": [one for one in following if one != "__start__"],
            }
        )
        return
    print(f"{name}: begins after step {entry.step} of {thread}")
    place = shown_file(file or record.file)
    if target.of_file and "#" not in place:
        place += f"#{target.name}"
    note(f"Go on: victor workflow run {place} --thread {name} --resume")


def _changes(target: Target, pairs: Sequence[str]) -> dict[str, Any]:
    """Values from ``key=value`` pairs: JSON where it is JSON, else a YAML scalar."""
    from victor.graph.yaml.source import plain

    known = target.keys()
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key:
            raise ConfigurationError(f"a value is given as key=value, not {pair!r}")
        if key not in known:
            near = near_matches(key, known)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"
            raise ConfigurationError(f"{target.name} has no value {key!r}; {hint}")
        if text[:1] in {"{", "[", '"'}:
            try:
                found[key] = msgspec.json.decode(text)
            except msgspec.DecodeError as error:
                raise ConfigurationError(f"the value of {key!r} is not JSON: {error}") from error
        else:
            found[key] = plain(text)
    return found


def _author(target: Target, compiled: Any, store: Checkpointer, thread: str, entry: Entry) -> str | None:
    """The node a change is by: who ran last, or at the very start the input; None leaves it to the graph."""
    from victor.graph.checkpoint.log import read_body

    body = read_body(entry, compiled.codec)
    if body.input is not None or (not body.ran and entry.step < 0):
        return "__start__"
    ran = list(dict.fromkeys(body.ran))
    if len(ran) > 1:
        shown = ", ".join(dict.fromkeys(base_name(name) for name in ran))
        raise ConfigurationError(f"several nodes ran last ({shown}): say with --node which of them the change is by")
    return ran[0] if ran else None


def _forget_after(store: Checkpointer, thread: str, entry: Entry) -> None:
    """Remove from a copied run what came after a checkpoint, so that its history is the path that led to it."""
    for namespace in store.namespaces(thread):
        late = [one.id for one in store.entries(thread, namespace) if one.id > entry.id]
        if late:
            store.rewrite(thread, namespace, remove=late)


def prune(
    keep_last: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Keep the latest N checkpoints of each run.")
    ] = None,
    older_than: Annotated[
        str | None, typer.Option(metavar="AGE", help="Remove what is older: 30min, 12h, 7d, 2w.")
    ] = None,
    thread: Annotated[str | None, typer.Option(help="Only this run.")] = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="Remove whole runs: that of --thread, or those unchanged for --older-than.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")] = False,
    checkpoints: Store = "",
    as_json: Json = False,
) -> None:
    """Remove old checkpoints; the latest of each run stays, and what stays can still be read and resumed."""
    age = None if older_than is None else parse_age(older_than)
    if whole and keep_last is not None:
        raise ConfigurationError("--whole removes all of a run, --keep-last all but a part; choose one of them")
    if whole and thread is None and age is None:
        raise ConfigurationError("--whole needs --thread or --older-than, which say which runs to remove")
    if not whole and keep_last is None and age is None:
        raise ConfigurationError("say what to remove: --keep-last, --older-than, or --whole with --thread")
    with open_store(checkpoints, create=False) as store:
        if thread is not None:
            require_thread(store, thread)
        runs = _whole_runs(store, thread, age) if whole else []
        options: dict[str, Any] = {"thread_id": thread, "keep_last": keep_last, "older_than": age}
        count = sum(len(store.entries(one)) for one in runs) if whole else _would_prune(store, options)
        what = _said(count, runs, whole=whole)
        if not dry_run and count and not yes:
            _ask(what, as_json=as_json)
        if not dry_run and count:
            if whole:
                for one in runs:
                    store.delete_thread(one)
            else:
                count = store.prune(**options)
    if as_json:
        print_json({"removed": count, "runs": runs, "dry_run": dry_run})
    elif not count:
        print("There is nothing to remove.")
    else:
        print(f"{'Would remove' if dry_run else 'Removed'} {what}.")


def _said(count: int, runs: list[str], *, whole: bool) -> str:
    checkpoints = f"{count:,} checkpoint{'s' if count != 1 else ''}"
    if not whole:
        return checkpoints
    names = ", ".join(runs[:5]) + (", ..." if len(runs) > 5 else "")
    return f"{len(runs)} run{'s' if len(runs) != 1 else ''} ({names}) with {checkpoints}"


def _whole_runs(store: Checkpointer, thread: str | None, age: float | None) -> list[str]:
    oldest = None if age is None else time.time_ns() - int(age * 1e9)
    return [
        info.thread_id
        for info in store.threads()
        if thread in (None, info.thread_id) and (oldest is None or info.updated_ns < oldest)
    ]


def _would_prune(store: Checkpointer, options: dict[str, Any]) -> int:
    from victor.graph.checkpoint.retention import prune as count

    return count(_Untouched(store), **options)  # type: ignore[arg-type]


class _Untouched:
    """A store that is read and never written."""

    def __init__(self, store: Checkpointer) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def rewrite(self, *args: Any, **options: Any) -> None:
        """Does nothing."""


def _ask(what: str, *, as_json: bool) -> None:
    if as_json or not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        raise ConfigurationError(f"this would remove {what} for good; --yes does it, --dry-run only tells")
    print(f"Remove {what} for good? [yes/no] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        note("Nothing was removed.")
        raise typer.Exit(1)


def parse_age(text: str) -> float:
    """Seconds from such as ``30min``, ``12h``, ``7d``.

    Raises:
        ConfigurationError: It is none of these.

    Example:
        >>> parse_age("7d")
        604800.0
    """
    match = _AGE.fullmatch(text.strip())
    if match is None:
        raise ConfigurationError(f"an age is a number with a unit, such as 30min, 12h, 7d or 2w, not {text!r}")
    return float(match[1]) * _UNITS[match[2]]
