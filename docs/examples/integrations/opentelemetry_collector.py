"""Spans of agent runs in your OpenTelemetry collector, below the span of the request that caused them.

A run belongs into the trace of the web request or job it was made for; otherwise nobody finds it. The integration
sends spans by OTLP, named by the GenAI conventions, and takes part in a trace of the host program. The collector here
is a small HTTP server that prints what arrives, as a tree; prompts and answers are not in it unless you ask. The
model is scripted.

Needs: victor-core, victor-observability[otlp]
Run: python docs/examples/integrations/opentelemetry_collector.py
Prints:
    GET /stock
      invoke_agent clerk agent.name=clerk
        chat scripted agent.name=clerk request.model=scripted
        execute_tool stock agent.name=clerk tool.name=stock
        execute_tool stock error.type=ToolError agent.name=clerk tool.name=stock ERROR
        chat scripted agent.name=clerk request.model=scripted
    one trace: True
    prompts in it: False
"""

from __future__ import annotations

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from victor.core import Agent
from victor.core.testing import ScriptedModel, call
from victor.observability.otel import OpenTelemetryIntegration

spans: list[Any] = []


class Collector(BaseHTTPRequestHandler):
    """Receives OTLP over HTTP."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                spans.extend(scope.spans)
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def show(parent: bytes = b"", depth: int = 0) -> None:
    """The spans below one, in the order they began."""
    for span in sorted(spans, key=lambda each: each.start_time_unix_nano):
        if span.parent_span_id == parent:
            attributes = {item.key: item.value.string_value or item.value.int_value for item in span.attributes}
            told = [f"{key.removeprefix('gen_ai.')}={attributes[key]}" for key in sorted(attributes) if key in SHOWN]
            print("  " * depth + span.name, *told, "ERROR" if span.status.code == 2 else "")
            show(span.span_id, depth + 1)


SHOWN = {"gen_ai.agent.name", "gen_ai.tool.name", "gen_ai.request.model", "gen_ai.usage.input_tokens", "error.type"}


def stock(product: str) -> int:
    """How many pieces of a product there are."""
    return {"tea": 12}[product]


if __name__ == "__main__":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    collector = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    # The host program's own tracing, as it has it already:
    provider = TracerProvider(resource=Resource({"service.name": "shop"}))
    exporter = OTLPSpanExporter(f"http://127.0.0.1:{collector.server_port}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))

    script = [[call("stock", product="tea"), call("stock", product="cake")], "Twelve; of cake I know nothing."]
    agent = Agent("You keep the stock.", name="clerk", tools=[stock], model=ScriptedModel(script))
    tracer = provider.get_tracer("web")
    with OpenTelemetryIntegration(tracer_provider=provider), tracer.start_as_current_span("GET /stock"):
        agent.run_sync("How much is there?")
    provider.shutdown()
    collector.shutdown()
    show()
    print("one trace:", len({span.trace_id for span in spans}) == 1)
    print("prompts in it:", any(b"How much" in span.SerializeToString() for span in spans))
