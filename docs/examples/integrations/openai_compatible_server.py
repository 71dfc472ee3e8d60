"""An agent with a model server of your own, of any kind that speaks OpenAI's Chat Completions protocol.

Local models, gateways and most hosted ones speak it. Only the address changes: `OPENAI_BASE_URL` and `openai:NAME` in
settings, or `OpenAIModel(..., base_url=...)` in code. To show what goes over the wire, the server here is fifty lines
of the standard library: it is overloaded at first (and asked again), wants a tool called, and streams its answer.
Nothing is downloaded and no key leaves the machine.

Needs: victor-core[openai]
Run: python docs/examples/integrations/openai_compatible_server.py
Prints:
      POST /v1/chat/completions: tiny, last is of user, 1 tool
      asked again after 429
      POST /v1/chat/completions: tiny, last is of user, 1 tool
      POST /v1/chat/completions: tiny, last is of tool, 1 tool
    Take an umbrella: rain in Ulm.
    2 answers, 56 tokens
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from victor.core import Agent, Event, RunFinished, TextDelta, get_stream


class Server(BaseHTTPRequestHandler):
    """The model: asks for the weather, then talks about it."""

    seen = 0

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Server.seen += 1
        last = body["messages"][-1]
        print(f"  POST {self.path}: {body['model']}, last is of {last['role']}, {len(body['tools'])} tool")
        if Server.seen == 1:
            self._refuse(429, "too many requests")
            return
        if last["role"] == "user":
            function = {"name": "forecast", "arguments": '{"town": "Ulm"}'}
            deltas = [{"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": function}]}]
        else:
            deltas = [{"content": word + " "} for word in f"Take an umbrella: {last['content']}.".split()]
        self._stream(deltas, "tool_calls" if last["role"] == "user" else "stop")

    def _stream(self, deltas: list[dict[str, Any]], reason: str) -> None:
        chunk = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "tiny"}
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        parts = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
        parts.append({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
        parts.append({"choices": [], "usage": {"prompt_tokens": 20, "completion_tokens": 8, "total_tokens": 28}})
        for part in parts:
            self.wfile.write(f"data: {json.dumps(chunk | part)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")

    def _refuse(self, status: int, message: str) -> None:
        content = json.dumps({"error": {"message": message}}).encode()
        self.send_response(status)
        self.send_header("Retry-After", "0")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def forecast(town: str) -> str:
    """The weather of tomorrow."""
    return f"rain in {town}"


def told(event: Event) -> None:
    """That a request is made again."""
    print("  asked again after", event.attributes["status"])


async def main() -> None:
    agent = Agent("Help people to dress.", tools=[forecast], model="openai:tiny")
    with get_stream().listening(told, ["model.retry"]):
        async for event in agent.stream("What do I need in Ulm?"):
            match event:
                case TextDelta(text):
                    print(text, end="", flush=True)
                case RunFinished(result):
                    print(f"\n{result.usage.requests} answers, {result.usage.total_tokens} tokens")


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ["OPENAI_BASE_URL"] = f"http://127.0.0.1:{server.server_port}/v1"
    asyncio.run(main())
    server.shutdown()
