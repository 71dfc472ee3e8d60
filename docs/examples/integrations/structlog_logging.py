"""What agents do in your own log: the same processors, the same format, one line per operation, failures as errors.

A log in another format beside your own is read by nobody. The exporter `structlog` writes through whatever your
program has configured: here JSON lines with the name of the service, as a log collector wants them. Each line has the
id of the run, by which all lines of one question are found. Prompts and answers are not in it. The model is scripted.

Needs: victor-core, victor-observability
Run: python docs/examples/integrations/structlog_logging.py
Prints:
    {"service": "shop", "level": "info", "event": "the shop opens"}
    {"service": "shop", "level": "info", "event": "tool.call", "name": "stock", "agent": "clerk", "status": "ok"}
    {"service": "shop", "level": "error", "event": "tool.call", "name": "stock", "agent": "clerk", "status": "error",
        "error_type": "ToolError"}
    {"service": "shop", "level": "info", "event": "agent.run", "name": "clerk", "agent": "clerk", "status": "ok"}
    runs in the log: 1
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import structlog

from victor.core import Agent
from victor.core.testing import ScriptedModel, call
from victor.observability import current_recorder

SETTINGS = """
[listener.observability]
exporters = ["structlog"]
[metrics.structlog]
kinds = ["agent.run", "tool.call"]
"""
runs: set[str] = set()


def service(logger: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
    """A processor of the program: says which service this is, and here leaves out what differs from run to run."""
    runs.add(event.pop("run_id", event.pop("run", "")))
    kept = {key: event[key] for key in ("level", "event", "name", "agent", "status", "error_type") if key in event}
    return {"service": "shop", **kept}


def stock(product: str) -> int:
    """How many pieces of a product there are."""
    return {"tea": 12}[product]


if __name__ == "__main__":
    os.chdir(tempfile.mkdtemp(prefix="victor-"))  # what is written below goes there
    Path("victor.toml").write_text(SETTINGS, encoding="utf-8")
    structlog.configure(
        processors=[structlog.processors.add_log_level, service, structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
    )
    structlog.get_logger().info("the shop opens")
    script = [[call("stock", product="tea"), call("stock", product="cake")], "Twelve; of cake I know nothing."]
    Agent(name="clerk", tools=[stock], model=ScriptedModel(script)).run_sync("How much is there?")
    if (recorder := current_recorder()) is not None:
        recorder.flush()
    print("runs in the log:", len(runs - {""}))
