"""structlog: lines as the host program has them, and JSON on stderr where it has said nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import structlog

from victor.core.errors import ConfigurationError
from victor.observability.exporters.structlog import StructlogExporter
from victor.observability.record import Record, Status


@pytest.fixture(autouse=True)
def _as_configured() -> Iterator[None]:
    before = structlog.get_config() if structlog.is_configured() else None
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()
    if before is not None:
        structlog.configure(**before)


def test_lines_go_through_the_hosts_configuration(ledger: Any) -> None:
    seen: list[dict[str, Any]] = []

    def keep(logger: Any, method: str, event: Any) -> Any:
        seen.append({**event, "method": method})
        raise structlog.DropEvent

    structlog.configure(processors=[keep])
    exporter = StructlogExporter()
    exporter.start(ledger)
    ledger.call(seconds=0.25)
    ledger.call(status=Status.ERROR, error_type="ValueError", error_text="no")
    ledger.call(status=Status.CANCELLED)
    ledger.add(Record("agent.run", "a", "1", "2", None, 0, None, Status.OPEN))
    exporter.close()
    ledger.call()
    assert [one["method"] for one in seen] == ["info", "error", "warning"]
    assert (seen[0]["event"], seen[0]["name"], seen[0]["duration_s"]) == ("tool.call", "grep", 0.25)
    assert (seen[1]["error_type"], seen[1]["error_text"]) == ("ValueError", "no")


def test_the_hosts_level_and_our_kinds_choose(ledger: Any) -> None:
    out: list[str] = []

    class Logger:
        def msg(self, text: str) -> None:
            out.append(text)

        debug = info = warning = error = msg

    structlog.configure(
        processors=[structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(30),
        logger_factory=lambda *args: Logger(),
    )
    exporter = StructlogExporter(level="info", kinds=["tool.*"])
    exporter.start(ledger)
    ledger.call()
    ledger.call("agent.run", status=Status.ERROR)
    ledger.call(status=Status.ERROR)
    exporter.close()
    assert [msgspec.json.decode(line)["status"] for line in out] == ["error"]


def test_where_nothing_is_configured_lines_are_json_on_stderr(ledger: Any, capsys: pytest.CaptureFixture[str]) -> None:
    exporter = StructlogExporter(level="debug")
    exporter.start(ledger)
    ledger.call(seconds=0.25, attributes={"event": "x", "level": 3})
    exporter.close()
    out, err = capsys.readouterr()
    assert out == ""
    line = msgspec.json.decode(err)
    assert (line["event"], line["level"], line["attributes"]) == ("tool.call", "debug", {"event": "x", "level": 3})


def test_a_processor_that_fails_is_reported_once(ledger: Any, caplog: pytest.LogCaptureFixture) -> None:
    def broken(logger: Any, method: str, event: Any) -> Any:
        raise KeyError("missing")

    structlog.configure(processors=[broken])
    exporter = StructlogExporter()
    exporter.start(ledger)
    ledger.call()
    ledger.call()
    exporter.close()
    assert caplog.text.count("the exporter 'structlog' cannot log: KeyError: 'missing'") == 1


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="level is 'debug', 'info' or 'warning', not 'loud'"):
        StructlogExporter(level="loud")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="kinds must be a list"):
        StructlogExporter(kinds="tool.*")
