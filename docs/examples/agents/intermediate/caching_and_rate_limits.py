"""A slow and expensive service behind a tool: equal questions are asked once, others no faster than the service allows.

Models ask the same thing again, and many agents ask at once. Both belong to the tool, not to the prompt: results of
an idempotent tool are kept for a while (`cache_ttl`), calls wait their turn (`rate_limit`, shared by all agents of
the process), long results are cut with a way to the rest (`max_result_chars`), and a call has its own time limit. A
hit in the cache costs no place in the rate limit. The models are scripted.

Needs: victor-core, victor-tools
Run: python docs/examples/agents/intermediate/caching_and_rate_limits.py
Prints:
    60 calls of 30 agents, 31 of them asked the service
    for 'tea' it was asked 1 time
    the others waited for their turn: True
    the model was shown: tea: line 0 about tea; line 1 about tea; line 2 about tea; line 3 about tea; line 4 about tea;
        line 5 about tea; line 6 about tea; li
    [... 3694 of 3894 characters were cut here (133 to 3827); to read them: results_read with ref "r1" and offset 133
        ...] ...
"""

from __future__ import annotations

import asyncio
import time

from victor.core import Agent
from victor.core.testing import ScriptedModel, call
from victor.tools import tool

asked: list[str] = []


@tool(idempotent=True, cache_ttl=300, rate_limit="20/s", timeout=2, max_result_chars=200)
async def encyclopedia(word: str) -> str:
    """Look up a word in an encyclopedia."""
    asked.append(word)
    return f"{word}: " + " ".join(f"line {number} about {word};" for number in range(200))


def agent(*words: str) -> Agent[str]:
    """An agent that looks up these words, one after the other."""
    return Agent(
        tools=[encyclopedia], model=ScriptedModel([*(call("encyclopedia", word=word) for word in words), "Read."])
    )


async def main() -> None:
    began = time.monotonic()
    results = await asyncio.gather(*(agent("tea", f"word {number}").run("Read up on it.") for number in range(30)))
    took = time.monotonic() - began
    calls = sum(result.tool_calls for result in results)
    print(f"{calls} calls of 30 agents, {len(asked)} of them asked the service")
    print("for 'tea' it was asked", asked.count("tea"), "time")
    print("the others waited for their turn:", took > 0.4)  # 20 at once, the rest at 20 a second

    shown = next(message.content for message in results[0].messages if message.role == "tool")
    print(f"the model was shown: {shown[: shown.index(']') + 1]} ...")


if __name__ == "__main__":
    asyncio.run(main())
