"""A model of your own behind a name, with streaming, usage and a price: `model="faq:opening-hours"`.

Whatever answers a list of messages is a model: a rules engine, an internal gateway, a search index, a small network
on the device. Two methods make it one, a hook gives it a name for settings and the command line, and agents, limits,
cost, events, teams and workflows treat it as any other. This one answers from a list of known questions and says
honestly when none fits.

Needs: victor-core
Run: python docs/examples/agents/advanced/custom_model_provider.py
Prints:
    Behind the house, for two hours. (17 tokens, 0.0001 USD)
    ['On ', 'Sundays ', 'we ', 'are ', 'closed. ']
    no answer: no known question is like 'Do you sell umbrellas?'
    not found: no list 'prices'; there are: opening-hours
    not found: unknown model provider 'fag'; did you mean 'faq'?
    completed
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from victor.core import (
    Agent,
    ConfigurationError,
    Limits,
    Model,
    ModelRequest,
    ModelResponse,
    ModelResponseError,
    TextDelta,
    UnknownNameError,
    Usage,
    hookimpl,
    resolve_model,
)
from victor.core.model import ModelChunk
from victor.core.ranking import BM25
from victor.core.testing import isolated_plugins

LISTS = {
    "opening-hours": {
        "When do you open in the morning?": "We open at nine.",
        "Are you open on Sundays?": "On Sundays we are closed.",
        "Where can I park?": "Behind the house, for two hours.",
    }
}


class FaqModel(Model):
    """Answers with what a list of questions and answers says.

    Args:
        name: Which list.
    """

    provider = "faq"

    def __init__(self, name: str) -> None:
        if name not in LISTS:
            raise ConfigurationError(f"no list {name!r}; there are: {', '.join(LISTS)}")
        self.name = name
        self._index = BM25({question: question for question in LISTS[name]})

    async def request(self, request: ModelRequest) -> ModelResponse:
        question = request.messages[-1].content
        best = self._index.search(question, 1)
        if not best:
            raise ModelResponseError(f"no known question is like {question!r}", provider=self.provider, model=self.name)
        usage = Usage(len(question.split()), 10, requests=1)
        return ModelResponse(LISTS[self.name][best[0][0]], usage=usage, model=self.name)

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelChunk]:
        response = await self.request(request)
        for word in response.content.split(" "):
            yield TextDelta(word + " ")
        yield response

    def cost_usd(self, usage: Usage) -> float:
        return 0.0001  # a question, whatever its length


class Plugin:
    """What a package would register."""

    @hookimpl
    def victor_register_models(self, register: Any) -> None:
        register("faq", FaqModel, help="a list of questions and answers")


async def main() -> None:
    agent = Agent("You answer visitors.", model="faq:opening-hours")
    result = await agent.run("Is it possible to park a car?")
    print(result.output, f"({result.usage.total_tokens} tokens, {result.cost_usd} USD)")
    print([event.text async for event in agent.stream("Sundays?") if isinstance(event, TextDelta)])
    try:
        await agent.run("Do you sell umbrellas?")
    except ModelResponseError as error:
        print("no answer:", error)
    for name in ("faq:prices", "fag:opening-hours"):
        try:
            resolve_model(name)
        except (ConfigurationError, UnknownNameError) as error:
            print("not found:", str(error).splitlines()[0])
    print((await agent.run("Sundays?", limits=Limits(cost_usd=0.01, require_price=True))).stop_reason.value)


if __name__ == "__main__":
    with isolated_plugins(Plugin()):
        asyncio.run(main())
