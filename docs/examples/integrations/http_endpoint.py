"""An agent behind an HTTP address: answers as JSON, or as a stream of server-sent events for a chat window.

What a service needs beyond the call: a limit on how large a request may be, an answer for each way a run can end (a
result, a limit that was met, a provider that is away) with a status a client can act on, and a run that stops when
the browser goes away. It is written with the standard library; the two functions `answer` and `stream` are what you
would put into your own framework. The client below meets all of these but the last. The model is scripted by the
question.

Needs: victor-core
Run: python docs/examples/integrations/http_endpoint.py
Prints:
    200 {"answer": "On Sundays we are closed.", "tokens": null, "steps": 2}
    503 {"error": "ModelConnectionError", "retry_after_s": null}
    422 {"error": "max_steps"}
    400 {"error": "send {\\"question\\": \\"...\\"}"}
    413 {"error": "at most 2000 bytes"}
    data: "opening_hours"
    data: "On "
    data: "Sundays "
    data: "we "
    data: "are "
    data: "closed."
    data: "completed"
"""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import aclosing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from victor.core import Agent, Limits, ModelConnectionError, ModelError, RunFinished, TextDelta, ToolStarted
from victor.core.testing import ScriptedModel, call

MOST_BYTES = 2_000


def opening_hours(day: str) -> str:
    """When the shop is open on a day."""
    return "closed" if day.lower() == "sunday" else "9 to 18"


def agent(question: str) -> Agent[str]:
    """The agent; scripted by the question, so that each way a run can end is seen."""
    hours = call("opening_hours", day="Sunday")
    scripts = {"away": [ModelConnectionError("the provider is away")], "endless": [hours] * 9}
    script = scripts.get(question, [hours, "On Sundays we are closed."])
    return Agent("Answer visitors.", tools=[opening_hours], model=ScriptedModel(script), limits=Limits(steps=3))


def answer(question: str) -> tuple[int, dict[str, Any]]:
    """One answer, and the status it is sent with."""
    try:
        result = agent(question).run_sync(question)
    except ModelError as error:
        return 503, {"error": type(error).__name__, "retry_after_s": error.retry_after_s}
    if not result.completed:
        return 422, {"error": result.stop_reason.value}
    return 200, {"answer": result.output, "tokens": result.usage.total_tokens, "steps": result.steps}


async def stream(question: str, send: Any) -> None:
    """Pieces as they come; ends the run when `send` fails because nobody reads any more."""
    async with aclosing(agent(question).stream(question)) as events:
        async for event in events:
            match event:
                case ToolStarted(tool_call):
                    send("tool", tool_call.name)
                case TextDelta(text):
                    send("text", text)
                case RunFinished(result):
                    send("end", result.stop_reason.value)


class Handler(BaseHTTPRequestHandler):
    """`POST /ask` and `POST /stream`, each with `{"question": ...}`."""

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(min(length, 10 * MOST_BYTES))  # a client that is not read hears no answer
        if length > MOST_BYTES:
            return self._send(413, {"error": f"at most {MOST_BYTES} bytes"})
        try:
            question = json.loads(body)["question"]
        except (ValueError, KeyError, TypeError):
            return self._send(400, {"error": 'send {"question": "..."}'})
        if self.path == "/ask":
            return self._send(*answer(question))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        return asyncio.run(stream(question, self._event))

    def _event(self, kind: str, data: str) -> None:
        self.wfile.write(f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode())
        self.wfile.flush()

    def _send(self, status: int, data: dict[str, Any]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(data).encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def post(path: str, body: bytes) -> str:
    """What a client sees: status and body."""
    try:
        with urlopen(Request(f"http://127.0.0.1:{server.server_port}{path}", body)) as reply:
            return f"{reply.status} {reply.read().decode()}"
    except HTTPError as error:
        return f"{error.code} {error.read().decode()}"


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for question in ("Are you open on Sunday?", "away", "endless"):
        print(post("/ask", json.dumps({"question": question}).encode()))
    print(post("/ask", b"hello"))
    print(post("/ask", b"x" * 3000))
    for line in post("/stream", b'{"question": "Are you open on Sunday?"}').splitlines():
        if line.startswith("data"):
            print(line)
    server.shutdown()
