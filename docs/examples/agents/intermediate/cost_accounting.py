"""What each customer's runs cost, from your own prices, and a run that stops before it costs too much.

Tokens are not money: the same count differs a hundredfold between models. Prices come from `victor.toml` (here) or
from the package genai-prices; a model without a price costs `None`, never 0, so a sum cannot hide it, and
`require_price` refuses to start. The bill is a listener of events, so the agents know nothing of it. The models are
scripted, with the usage that a provider would report.

Needs: victor-core
Run: python docs/examples/agents/intermediate/cost_accounting.py
Prints:
    ada: 0.072500 USD
    bob: 0.036250 USD
    without a price: {'cleo': 1}
    max_cost: 0.1087 USD in 3 requests
    refused: the price of scripted:brand-new is unknown, and Limits.require_price is set; give it in victor.toml:
        [prices."scripted:brand-new"] input = ..., output = ... (US dollars per million tokens)
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections import defaultdict
from pathlib import Path

from victor.core import Agent, ConfigurationError, Event, Limits, Usage, get_stream
from victor.core.pricing import find_price
from victor.core.testing import ScriptedModel, call

PRICES = """
[prices."scripted:small"]
input = 0.25        # US dollars for a million tokens
output = 2.00
cache_read = 0.025
"""


class Priced(ScriptedModel):
    """A scripted model that costs what the settings say, as the models of providers do."""

    def cost_usd(self, usage: Usage) -> float | None:
        price = find_price(self.provider, self.name)
        return None if price is None else price(usage)


class Bill:
    """Adds up what agents cost; listens to events."""

    def __init__(self) -> None:
        self.usd: dict[str, float] = defaultdict(float)
        self.unknown: dict[str, int] = defaultdict(int)

    def __call__(self, event: Event) -> None:
        cost = event.attributes.get("cost_usd")
        if cost is None:
            self.unknown[event.name] += 1
        else:
            self.usd[event.name] += cost


def look_up(page: int) -> str:
    """Look up a page."""
    return f"page {page}"


async def main() -> None:
    bill = Bill()
    stop = get_stream().subscribe(bill, ["agent.run"], phases=["end"])
    used = Usage(200_000, 10_000, cache_read_tokens=150_000, requests=1)

    for customer, questions in {"ada": 2, "bob": 1}.items():
        model = Priced(["An answer."] * questions, name="small", usage=used)
        agent = Agent(name=customer, model=model)
        for _ in range(questions):
            await agent.run("A question")
    await Agent(name="cleo", model=Priced(["An answer."], name="brand-new", usage=used)).run("A question")
    stop()
    for customer, usd in bill.usd.items():
        print(f"{customer}: {usd:.6f} USD")
    print("without a price:", dict(bill.unknown))

    endless = Priced([call("look_up", page=1), call("look_up", page=2)], repeat=True, name="small", usage=used)
    result = await Agent(tools=[look_up], model=endless).run("Read.", limits=Limits(cost_usd=0.1, repeats=None))
    print(f"{result.stop_reason.value}: {result.cost_usd:.4f} USD in {result.steps} requests")

    try:
        await Agent(model=Priced(["Hm."], name="brand-new")).run("A question", limits=Limits(require_price=True))
    except ConfigurationError as error:
        print("refused:", error)


if __name__ == "__main__":
    os.chdir(tempfile.mkdtemp(prefix="victor-"))  # what is written below goes there
    Path("victor.toml").write_text(PRICES, encoding="utf-8")
    asyncio.run(main())
