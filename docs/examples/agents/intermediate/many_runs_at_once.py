"""A hundred letters sorted at the same time by one agent, and one failure that stays alone.

An agent holds no state of a run, so one object serves all of them. What you would write wrong without this: `gather`
without a bound (the provider refuses), without `return_exceptions` (one failure loses ninety-nine answers), and
results in the order they came instead of the order of the letters. The model here is the offline one, with a moment
in which others may run, as there is in every real request.

Needs: victor-core
Run: python docs/examples/agents/intermediate/many_runs_at_once.py
Prints:
    {'bug': 33, 'feature': 33, 'question': 33}
    in order: ['bug', 'feature', 'question']
    failed: ["'broken connection': the connection broke"]
    at most at once: 25
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Literal

from victor.core import Agent, ModelConnectionError, ModelRequest, ModelResponse, resolve_model
from victor.core.testing import FunctionModel

LETTERS = [
    "The app crashes with an error when I save.",
    "Please add a dark theme, I would like that feature.",
    "How can I change my password?",
] * 33 + ["broken connection"]
Kind = Literal["bug", "feature", "question"]
running = most = 0


async def slow(request: ModelRequest) -> ModelResponse:
    """The offline model; it lets others run while it is asked, and one request fails."""
    global running, most
    running += 1
    most = max(most, running)
    try:
        await asyncio.sleep(0)
        if "broken" in request.messages[-1].content:
            raise ModelConnectionError("the connection broke")
        return await resolve_model("offline").request(request)
    finally:
        running -= 1


async def main() -> None:
    agent: Agent[Kind] = Agent("Sort letters of customers.", model=FunctionModel(slow), output_type=Kind)
    at_once = asyncio.Semaphore(25)

    async def sort(letter: str) -> Kind:
        async with at_once:
            return (await agent.run(letter)).output

    answers = await asyncio.gather(*map(sort, LETTERS), return_exceptions=True)

    failed = [
        f"{letter!r}: {answer}"
        for letter, answer in zip(LETTERS, answers, strict=True)
        if isinstance(answer, Exception)
    ]
    print(dict(Counter(answer for answer in answers if isinstance(answer, str))))
    print("in order:", answers[:3])
    print("failed:", failed)
    print("at most at once:", most)


if __name__ == "__main__":
    asyncio.run(main())
