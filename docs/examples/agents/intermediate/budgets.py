"""A run that would go on for ever is stopped, by steps, tokens or a call that repeats itself; its work is kept.

A loop that asks a model again and again costs money until somebody looks. Every limit is on by default (200 requests,
a million tokens, 5 dollars, 15 minutes, 5 equal calls); this sets small ones and shows what a program sees of each.
The stop is no exception: `stop_reason` tells it, `messages` hold the work, and with them the run can go on with a new
budget. The models are scripted to go round in circles.

Needs: victor-core
Run: python docs/examples/agents/intermediate/budgets.py
Prints:
    max_steps: 4 requests, 480 tokens
    max_tokens: 3 requests, 360 tokens
    loop: the model was told: (This is call number 3 of status with the same arguments and the same result. Use what you
        have, or do something else.)
    no output: the run has no output: it made the same tool call again and again with the same result (Limits.repeats),
        after 3 steps and 3 tool calls; its messages are in result.messages
    went on: Read 2 pages; both are text. (8 messages)
"""

from __future__ import annotations

from victor.core import Agent, IncompleteRunError, Limits, Usage
from victor.core.testing import ScriptedModel, call

pages = iter(range(1, 1000))


def next_page() -> str:
    """Read the next page."""
    return f"text of page {next(pages)}"


def status() -> str:
    """How far the job is."""
    return "still running"


if __name__ == "__main__":
    endless = ScriptedModel([call("next_page")], repeat=True, usage=Usage(100, 20, requests=1))
    agent = Agent("Read.", tools=[next_page], model=endless)
    for limits in (Limits(steps=4), Limits(tokens=300)):
        result = agent.run_sync("Read everything.", limits=limits)
        print(f"{result.stop_reason.value}: {result.steps} requests, {result.usage.total_tokens} tokens")

    waiting = Agent(
        "Wait.", tools=[status], model=ScriptedModel([call("status")], repeat=True), limits=Limits(repeats=3)
    )
    result = waiting.run_sync("Tell me when the job is done.")
    print(f"{result.stop_reason.value}: the model was told: {result.messages[-1].content.splitlines()[-1]}")

    try:
        print(result.output)
    except IncompleteRunError as error:
        print("no output:", error)

    ending = ScriptedModel(["Read 2 pages; both are text."])
    result = agent.run_sync("Read everything.", limits=Limits(steps=2))
    more = agent.run_sync("Say what you have so far.", history=result.messages, model=ending)
    print("went on:", more.output, f"({len(more.messages)} messages)")
