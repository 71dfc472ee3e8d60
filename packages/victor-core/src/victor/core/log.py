"""The event listener ``log``: one structlog line per operation, for people or machines.

It is off unless asked for: ``victor --verbose``, or ``listeners = ["log"]`` in ``victor.toml`` with its own table::

    [listener.log]
    format = "json"        # or "text"
    file = "victor.log"    # stderr where it is left out
    kinds = ["tool.call", "model.request"]
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from traceback import walk_tb
from typing import TYPE_CHECKING, Any, Final, Literal, TextIO

from victor.core.errors import ConfigurationError, VictorError
from victor.core.redact import redact

if TYPE_CHECKING:
    from victor.core.events import Event, Listener

__all__ = ["make_listener"]

_CAPTURED: Final = 2000
_STANDARD: Final = str(Path(linecache.__file__).parent)


def make_listener(
    *,
    format: Literal["text", "json"] = "text",
    file: str | TextIO | None = None,
    kinds: Iterable[str] | None = None,
) -> Listener:
    """A listener that writes a line when an operation ends or something happens; starts are left out.

    Args:
        format: ``"text"`` for people, ``"json"`` for machines, one object per line.
        file: A path to append to, or an open stream; stderr where it is left out.
        kinds: Event kinds to log, ``"tool.*"`` for a family; all of them where it is left out.

    Raises:
        ConfigurationError: The format is none of the two, or the file cannot be opened.

    Example:
        >>> from victor.core.events import EventStream
        >>> stream = EventStream()
        >>> stop = stream.subscribe(make_listener(format="json", file=sys.stdout, kinds=["tool.*"]))
        >>> with stream.operation("tool.call", "add", {"api_key": "abc"}):
        ...     pass
        {"name": "add", "run": "...", "ms": ..., "api_key": "[redacted]", "event": "tool.call", "level": "info", ...}
    """
    import structlog

    if format not in ("text", "json"):
        raise ConfigurationError(f"listener 'log': format must be 'text' or 'json', not {format!r}")
    out = _open(file)
    wanted = None if kinds is None else tuple(kinds)
    renderer: Any = (
        structlog.processors.JSONRenderer(default=str)
        if format == "json"
        else structlog.dev.ConsoleRenderer(colors=_colors(out), pad_event_to=16, sort_keys=False)
    )
    logger = structlog.wrap_logger(
        structlog.PrintLogger(out),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper("iso" if format == "json" else "%H:%M:%S", utc=format == "json"),
            renderer,
        ],
        wrapper_class=structlog.BoundLogger,
    )

    def listen(event: Event) -> None:
        if event.phase == "start" or not _wanted(event.kind, wanted):
            return
        values = _values(event)
        if event.error is not None and not event.cancelled:
            if place := _place(event.error):
                values["raised_at"] = place
            logger.error(event.kind, **values, error=_told(event.error, event.error_text))
        else:
            logger.info(event.kind, **values)

    return listen


def _told(error: BaseException, text: str) -> str:
    """Victor's own errors are sentences; of others the text may be no more than the key that is missing."""
    if text and isinstance(error, VictorError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _place(error: BaseException) -> str:
    """The file and line that raised what is no error of ours, libraries left out; ``""`` where that is unknown."""
    while isinstance(error, VictorError) and error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, VictorError):
        return ""
    place = ""
    for frame, line in walk_tb(error.__traceback__):
        file = frame.f_code.co_filename
        if not file.startswith(("<", _STANDARD)) and "site-packages" not in file and "dist-packages" not in file:
            place = f"{Path(file).name}:{line}"
    return place


def _wanted(kind: str, kinds: tuple[str, ...] | None) -> bool:
    return kinds is None or any(kind == k or (k.endswith(".*") and kind.startswith(k[:-1])) for k in kinds)


def _values(event: Event) -> dict[str, Any]:
    values: dict[str, Any] = {"name": event.name, "run": event.run_id[:8]}
    if event.duration_ns is not None:
        values["ms"] = round(event.duration_ns / 1e6, 1)
    if event.cancelled:
        values["cancelled"] = True
    attributes: Mapping[str, Any] = redact(event.attributes)
    values.update(
        (key, value) for key, value in attributes.items() if value not in (None, "") and key not in ("event", "level")
    )
    values.update((key, str(value)[:_CAPTURED]) for key, value in event.content.items())
    return values


def _open(file: str | TextIO | None) -> TextIO:
    if file is None:
        return sys.stderr
    if not isinstance(file, str):
        return file
    try:
        return Path(file).expanduser().open("a", encoding="utf-8", buffering=1)
    except OSError as error:
        raise ConfigurationError(f"listener 'log': {file!r} cannot be opened: {error}") from error


def _colors(out: TextIO) -> bool:
    from victor.core.cli.terminal import uses_color

    return uses_color(out)
