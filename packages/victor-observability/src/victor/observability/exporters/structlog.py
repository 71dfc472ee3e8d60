"""structlog: a line per operation, the way the host program writes its log.

Where the program has configured structlog, its processors, its level and its output are used. Where it has not, lines
are JSON on stderr: structlog's own default would mix colored text into what the program prints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, Literal, get_args

from victor.core.errors import ConfigurationError
from victor.observability.exporters.exporter import Source, log
from victor.observability.exporters.fields import fields_of
from victor.observability.exporters.kinds import kinds_of, wanted
from victor.observability.record import Record, Status

__all__ = ["Level", "StructlogExporter"]

Level = Literal["debug", "info", "warning"]
"""How loud a line is."""

_STATUS: Final = {Status.ERROR: "error", Status.CANCELLED: "warning"}


class StructlogExporter:
    """Settings ``[metrics.structlog]``.

    Lines are written on the recorder's thread, a moment after the event; what the program has bound with
    ``structlog.contextvars`` is not seen there.

    Args:
        logger: Name of the logger, for programs that tell loggers apart by name.
        level: Of what went well; what failed is an ``error``, what was cancelled a ``warning``.
        kinds: Which kinds of events to log, ``"tool.*"`` for a family; all of them where it is left out.

    Raises:
        ConfigurationError: A setting is not one of those allowed.
    """

    def __init__(self, *, logger: str = "victor", level: Level = "info", kinds: Iterable[str] | None = None) -> None:
        if level not in get_args(Level):
            raise ConfigurationError(f"[metrics.structlog] level is 'debug', 'info' or 'warning', not {level!r}")
        self._name, self._level = logger, level
        self._kinds = kinds_of(kinds, "structlog")
        self._stop: Callable[[], None] | None = None
        self._reported = False

    def start(self, recorder: Source) -> None:
        """Begin to log."""
        import structlog  # noqa: F401 - missing now rather than on the recorder's thread

        self._stop = recorder.add_sink(self.write)

    def write(self, records: list[Record]) -> None:
        """Log records. A processor of the host's that fails is reported once."""
        logger = self._logger()
        for record in records:
            if record.status is Status.OPEN or not wanted(self._kinds, record.kind):
                continue
            fields = fields_of(record)
            kind = fields.pop("kind")
            try:
                getattr(logger, _STATUS.get(record.status, self._level))(kind, **fields)
            except Exception as error:  # noqa: BLE001 - what the host's processors raise
                if not self._reported:
                    log.warning("the exporter 'structlog' cannot log: %s: %s", type(error).__name__, error)
                self._reported = True

    def close(self) -> None:
        """Log nothing more."""
        if self._stop is not None:
            self._stop()

    def _logger(self) -> Any:
        import structlog

        if structlog.is_configured():
            return structlog.get_logger(self._name)
        import sys

        return structlog.wrap_logger(
            structlog.PrintLogger(sys.stderr),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.JSONRenderer(default=str),
            ],
            wrapper_class=structlog.BoundLogger,
        )
