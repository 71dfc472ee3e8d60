"""Figures of your agents on a page that Prometheus scrapes, switched on by settings alone.

The program says nothing about metrics: victor-observability counts what agents, tools and models do, and serves it.
Below the page is fetched as Prometheus would fetch it, with the token it needs, and the figures an alert would look
at are picked out: calls by their outcome, and how often a tool was timed. The tool that fails is in there. The model
is scripted.

Needs: victor-core, victor-observability
Run: python docs/examples/integrations/prometheus_scrape.py
Prints:
    another token: 401 Unauthorized
    gen_ai_execute_tool_duration_seconds_count{gen_ai_agent_name="clerk",gen_ai_tool_name="stock"} 6.0
    victor_operations_total{gen_ai_agent_name="clerk",victor_kind="agent.run",victor_name="clerk",victor_status="ok"}
        3.0
    victor_operations_total{gen_ai_agent_name="clerk",victor_kind="model.request",victor_name="scripted",victor_status="ok"}
        6.0
    victor_operations_total{gen_ai_agent_name="clerk",victor_kind="tool.call",victor_name="stock",victor_status="error"}
        3.0
    victor_operations_total{gen_ai_agent_name="clerk",victor_kind="tool.call",victor_name="stock",victor_status="ok"}
        3.0
"""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from victor.core import Agent, ToolError
from victor.core.testing import ScriptedModel, call
from victor.observability import current_recorder

SETTINGS = """
[listener.observability]
exporters = ["prometheus"]
[metrics.prometheus]
port = {port}
token = "scrape-me"
"""


def stock(product: str) -> int:
    """How many pieces of a product there are."""
    if product == "cake":
        raise ToolError("cake is not counted")
    return 12


def scrape(port: int, token: str) -> str:
    """What Prometheus does every fifteen seconds."""
    request = Request(f"http://127.0.0.1:{port}/metrics", headers={"Authorization": f"Bearer {token}"})
    with urlopen(request) as page:
        return page.read().decode()


if __name__ == "__main__":
    os.chdir(tempfile.mkdtemp(prefix="victor-"))  # what is written below goes there
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    Path("victor.toml").write_text(SETTINGS.format(port=port), encoding="utf-8")

    script = [[call("stock", product="tea"), call("stock", product="cake")], "Twelve; cake nobody counts."]
    for _ in range(3):
        clerk = Agent("You keep the stock.", name="clerk", tools=[stock], model=ScriptedModel(script))
        clerk.run_sync("How much is there?")
    if (recorder := current_recorder()) is not None:
        recorder.flush()  # a moment later it is there by itself

    try:
        scrape(port, "guessed")
    except HTTPError as error:
        print("another token:", error.code, error.reason)
    wanted = ("victor_operations_total", "gen_ai_execute_tool_duration_seconds_count")
    for line in scrape(port, "scrape-me").splitlines():
        if line.startswith(wanted):
            print(line)
