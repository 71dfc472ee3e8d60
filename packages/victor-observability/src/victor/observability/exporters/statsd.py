"""StatsD over UDP, and what Datadog's dialect of it shares with it.

Every interval what has changed since the last one is sent: counters as what was added (``|c``), gauges as they are
(``|g``), durations as timers (``|ms``). Timers are made from the sketches, so their values are within 1 % of the
measured ones; counts are exact. Nothing is sampled, except that a series of more than ``max_values`` durations in one
interval is represented by so many of them, evenly spread, with a rate (``|@0.1``) that makes up for the others.

UDP says nothing of what is lost. On the same machine, though, the system says at once when nobody listens: what could
not be sent is then part of what is sent next.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Iterator
from typing import Final, Literal, TypeAlias, get_args

from msgspec import Struct

from victor.core.errors import ConfigurationError
from victor.observability.exporters.exporter import ExporterError, Interval, Source
from victor.observability.exporters.series import Changes, Series, read_series
from victor.observability.otel.semconv import check_version

__all__ = ["Datagrams", "Dialect", "Labels", "StatsdExporter", "StatsdLines", "lines_of"]

Labels: TypeAlias = Literal["path", "tags", "off"]
"""Where labels go: into the name, as Graphite has it; behind it, as Datadog has it; nowhere, and series add up."""

_SAFE: Final = re.compile(r"[^A-Za-z0-9_-]+")
_NO_TAG: Final = re.compile(r"[,|#\s\x00-\x1f]+")
_MTU: Final = 1432
"""Bytes of a datagram that passes through any Ethernet in one piece."""


class Dialect(Struct, frozen=True):
    """How lines are written.

    Args:
        labels: Where labels go.
        prefix: Before every name, with its dot.
        duration: The type of durations: ``ms`` counts milliseconds, ``d`` and ``h`` seconds.
        packs: How several values share a line: with their type each (``:1|ms:2|ms``) or one for all (``:1:2|d``).
        tags: Written behind every line.
        max_values: How many durations of one series are sent in one interval at most.
        max_bytes: How long a line may become.
    """

    labels: Labels = "path"
    prefix: str = ""
    duration: Literal["ms", "d", "h"] = "ms"
    packs: Literal["typed", "bare"] = "typed"
    tags: tuple[str, ...] = ()
    max_values: int = 1000
    max_bytes: int = _MTU


def lines_of(change: Series, dialect: Dialect) -> Iterator[bytes]:
    """The lines that tell what was added to a series.

    Example:
        >>> from victor.observability.exporters.names import METRICS
        >>> calls = Series(METRICS["operations"], ("tool.call", "grep", "", "ok"), 3, 3)
        >>> next(lines_of(calls, Dialect()))
        b'victor.operations.tool_call.grep.none.ok:3|c'
        >>> next(lines_of(calls, Dialect(labels="tags")))
        b'victor.operations:3|c|#victor.kind:tool.call,victor.name:grep,victor.status:ok'
    """
    metric = change.metric
    name, tags = _name_and_tags(change, dialect)
    if metric.type == "counter":
        yield f"{name}:{number(change.value)}|c{tags}".encode()
    elif metric.type == "gauge":
        yield f"{name}:{number(change.value)}|g{tags}".encode()
    elif change.durations is None:
        # A histogram without buckets is its sum; how many there were is told by another metric.
        yield f"{name}:{number(change.value)}|c{tags}".encode()
    else:
        scale = 1e-6 if dialect.duration == "ms" else 1e-9
        values = spread(change, dialect.max_values)
        rate = f"|@{len(values) / change.count:.9g}" if len(values) < change.count else ""
        yield from _packed(name, [number(value * scale) for value in values], rate, tags, dialect)


def _packed(name: str, values: list[str], rate: str, tags: str, dialect: Dialect) -> Iterator[bytes]:
    kind = f"|{dialect.duration}{rate}"
    between, end = (f"{kind}:", f"{kind}{tags}") if dialect.packs == "typed" else (":", f"{kind}{tags}")
    room = dialect.max_bytes - len(f"{name}:{end}".encode())
    line: list[str] = []
    used = 0
    for value in values:
        if line and used + len(value) + len(between) > room:
            yield f"{name}:{between.join(line)}{end}".encode()
            line, used = [], 0
        line.append(value)
        used += len(value) + len(between)
    if line:
        yield f"{name}:{between.join(line)}{end}".encode()


def spread(change: Series, limit: int) -> list[float]:
    """At most so many durations in nanoseconds that are distributed as all of them are, in ascending order."""
    sketch = change.durations
    if sketch is None or not sketch.count:
        return []
    wanted = min(sketch.count, limit)
    step = sketch.count / wanted
    ranks = iter([int((at + 0.5) * step) for at in range(wanted)])
    found: list[float] = []
    rank = next(ranks)
    seen = 0
    for value, count in change.values():
        seen += count
        while rank < seen:
            found.append(value)
            following = next(ranks, None)
            if following is None:
                return found
            rank = following
    return found


def number(value: float) -> str:
    """A number as short as it can be without losing what matters; StatsD knows no exponents.

    Example:
        >>> number(12), number(0.1 + 0.2), number(1234567.8), number(2e-7)
        ('12', '0.3', '1234567.8', '0.0000002')
    """
    if value == int(value):
        return str(int(value))
    digits = f"{value:.9f}" if abs(value) < 1 else f"{value:.6f}"
    return digits.rstrip("0").rstrip(".")


def _name_and_tags(change: Series, dialect: Dialect) -> tuple[str, str]:
    metric = change.metric
    name = f"{dialect.prefix}{metric.name}"
    tags = list(dialect.tags)
    if dialect.labels == "path":
        name = ".".join([name, *(_SAFE.sub("_", value) or "none" for value in change.labels)])
    elif dialect.labels == "tags":
        pairs = zip(metric.labels, change.labels, strict=True)
        tags += [f"{label}:{_NO_TAG.sub('_', value)}" for label, value in pairs if value]
    return name, f"|#{','.join(tags)}" if tags else ""


class Datagrams:
    """Sends lines in datagrams, as many in one as fit.

    Args:
        target: A host and a port, or the path of a Unix socket.
        max_bytes: Of one datagram.
    """

    def __init__(self, target: tuple[str, int] | str, max_bytes: int = _MTU) -> None:
        self.target = target
        self.max_bytes = max_bytes
        self._socket: socket.socket | None = None

    def send(self, lines: Iterable[tuple[bytes, Series | None]]) -> Iterator[Series]:
        """Send lines, and say which series are on their way: each with the last of its lines.

        Args:
            lines: Each line, with its series if it is the last one of it.

        Raises:
            ExporterError: The system refuses to send them. Those said to be on their way are.
        """
        parts: list[bytes] = []
        whole: list[Series] = []
        size = 0
        for line, series in lines:
            if parts and size + 1 + len(line) > self.max_bytes:
                self._send(b"\n".join(parts))
                yield from whole
                parts, whole, size = [], [], 0
            parts.append(line)
            size += len(line) + (1 if size else 0)
            if series is not None:
                whole.append(series)
        if parts:
            self._send(b"\n".join(parts))
            yield from whole

    def close(self) -> None:
        """Give the socket back."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, datagram: bytes) -> None:
        try:
            if self._socket is None:
                self._socket = self._connected()
            self._socket.send(datagram)
            # On the same machine the answer that nobody listens is there already.
            refused = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if refused:
                raise OSError(refused, "nobody listens there")
        except OSError as error:
            self.close()
            place = self.target if isinstance(self.target, str) else f"{self.target[0]} port {self.target[1]}"
            raise ExporterError(
                f"cannot send to {place}: {error.strerror or error}; what was counted goes with the next interval"
            ) from error

    def _connected(self) -> socket.socket:
        if isinstance(self.target, str):
            made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            made.settimeout(2)
            address: str | tuple[str, int] = self.target
        else:
            family, _, _, _, found = socket.getaddrinfo(*self.target, type=socket.SOCK_DGRAM)[0]
            made = socket.socket(family, socket.SOCK_DGRAM)
            address = (str(found[0]), int(found[1]))
        try:
            made.connect(address)
        except OSError:
            made.close()
            raise
        return made


class StatsdLines:
    """What every interval sends; StatsD and DogStatsD differ in their dialect and socket only.

    Args:
        name: Of the exporter.
        dialect: How lines are written.
        datagrams: Where to.
        interval_s: Seconds between sendings.
        semconv: The version of OpenTelemetry's GenAI conventions.
    """

    def __init__(self, name: str, dialect: Dialect, datagrams: Datagrams, interval_s: float, semconv: str) -> None:
        self._dialect, self._datagrams = dialect, datagrams
        self._version = check_version(semconv)
        self._changes = Changes()
        self._interval = Interval(name, self.send, interval_s, self._forked)
        self._recorder: Source | None = None

    def start(self, recorder: Source) -> None:
        """Begin to send.

        Raises:
            ExporterError: There are no threads here.
        """
        self._recorder = recorder
        self._interval.start()

    def close(self) -> None:
        """Send what is left, and end."""
        self._interval.close()
        self._datagrams.close()

    def send(self) -> None:
        """Send what has changed since it was last sent.

        Raises:
            ExporterError: The system refuses to send it.
        """
        if self._recorder is None:
            return
        for series in self._datagrams.send(self._lines(read_series(self._recorder, self._version))):
            self._changes.sent(series)

    def _forked(self) -> None:
        self._changes = Changes()
        self._datagrams.close()

    def _lines(self, series: list[Series]) -> Iterator[tuple[bytes, Series | None]]:
        for change, one in self._changes.since_sent(series):
            lines = list(lines_of(change, self._dialect))
            for at, line in enumerate(lines):
                yield line, one if at == len(lines) - 1 else None


class StatsdExporter(StatsdLines):
    """Settings ``[metrics.statsd]``.

    Args:
        host: Where StatsD listens.
        port: The same.
        prefix: Before every name, such as ``"prod."``.
        labels: ``"path"``: into the name, each label a part of it, ``none`` where it is empty. ``"tags"``: behind it,
            as Datadog, Telegraf and newer StatsD read them. ``"off"``: left out; series are added up.
        interval_s: Seconds between sendings; StatsD's own flush interval serves well.
        max_values: How many durations of one series are sent in one interval at most.
        semconv: The version of OpenTelemetry's GenAI conventions: ``"1.41"``, ``"next"`` or ``"both"``.

    Raises:
        ConfigurationError: A setting is not one of those allowed.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 8125,
        prefix: str = "",
        labels: Labels = "path",
        interval_s: float = 10,
        max_values: int = 1000,
        semconv: str = "1.41",
    ) -> None:
        if labels not in get_args(Labels):
            raise ConfigurationError(f"[metrics.statsd] labels is 'path', 'tags' or 'off', not {labels!r}")
        check_max_values(max_values, "statsd")
        dialect = Dialect(labels=labels, prefix=prefix, max_values=max_values)
        super().__init__("statsd", dialect, Datagrams((host, port)), interval_s, semconv)


def check_max_values(value: int, exporter: str) -> None:
    """Refuse what is no number of values.

    Raises:
        ConfigurationError: It is below 1.
    """
    if type(value) is not int or value < 1:
        raise ConfigurationError(f"[metrics.{exporter}] max_values must be 1 or more, not {value!r}")
