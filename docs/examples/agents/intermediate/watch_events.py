"""What an agent does, as it does it: a progress line for people and a record for machines, with secrets taken out.

Everything that happens is an event; listeners watch, the program stays as it is, and a listener that fails cannot
break a run. Contents (prompts, arguments, answers) travel only if you ask, and pass a redactor that knows keys,
tokens and passwords; add the words that are secret in your house. When you want the record kept and queried without
writing this, see victor-observability. The model is scripted.

Needs: victor-core
Run: python docs/examples/agents/intermediate/watch_events.py
Prints:
    ... model.request scripted
    ... tool.call send
    ... model.request scripted
    ... agent.run reporter
    tool.call send {"url": "https://[redacted]@example.org/in", "api_key": "[redacted]"} sent; receipt of project
        [redacted]
    all of one run: True
    switched off: ["broken: KeyError('oops')"]
"""

from __future__ import annotations

import json

from victor.core import Agent, Event, EventStream
from victor.core.redact import Redactor
from victor.core.testing import ScriptedModel, call


def send(url: str, api_key: str) -> str:
    """Send a report."""
    return "sent; receipt of project Nightingale"


def progress(event: Event) -> None:
    """For people: one line when something ends."""
    print(f"... {event.kind} {event.name}".rstrip())


def broken(event: Event) -> None:
    """A listener with a bug: it is switched off, which a log tells, and the run goes on."""
    raise KeyError("oops")


if __name__ == "__main__":
    records: list[dict[str, object]] = []

    def record(event: Event) -> None:
        """For machines: what happened in which run, with contents."""
        records.append({"kind": event.kind, "name": event.name, "run": event.run_id, **event.content})

    stream = EventStream(capture_content=True, redactor=Redactor(values=["Nightingale"]))
    stream.subscribe(progress, ["tool.call", "model.request", "agent.run"], phases=["end"])
    stream.subscribe(record, ["tool.call"], phases=["end"])
    stream.subscribe(broken, ["tool.call"])

    script = [call("send", url="https://ada:pa55word@example.org/in", api_key="sk-live-0123456789abcdef"), "Done."]
    Agent(tools=[send], model=ScriptedModel(script), stream=stream, name="reporter").run_sync("Send the report.")

    for entry in records:
        print(entry["kind"], entry["name"], json.dumps(entry["arguments"]), entry["result"])
    print("all of one run:", len({entry["run"] for entry in records}) == 1)
    print("switched off:", [f"{listener.__name__}: {error!r}" for listener, error in stream.detached])
