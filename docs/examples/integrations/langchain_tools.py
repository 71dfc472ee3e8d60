"""Tools written for LangChain in an agent of Victor, unchanged, and Victor's tools as schemas for other SDKs.

Nobody rewrites working tools to try a framework. `adapt` takes a LangChain tool with its name, description and
pydantic arguments, and calls it by its own `ainvoke`; an error it raises reaches the model as one of any tool does.
The other way, `to_schema` describes a tool as OpenAI, Anthropic or MCP want it, for a program that calls those SDKs
itself.

Needs: victor-core, victor-tools, langchain-core
Run: python docs/examples/integrations/langchain_tools.py
Prints:
    answer: 38 EUR to Ulm by train
    error: fare: the arguments do not fit:
    - $.by: must be one of 'train', 'bus', got 'boat'
    error: fare failed: ValueError: no fares to Rome
    {"name": "holidays", "description": "Public holidays of a year.", "input_schema": {"type": "object", "properties":
        {"year": {"type": "integer"}}, "required": ["year"], "additionalProperties": false}}
"""

from __future__ import annotations

import json
from typing import Literal

from langchain_core.tools import tool
from pydantic import BaseModel, Field

from victor.core import Agent, as_tool
from victor.core.testing import ScriptedModel, call
from victor.tools.bridges.adapt import adapt
from victor.tools.bridges.schemas import to_schema


class Trip(BaseModel):
    """What the LangChain tool asks for."""

    to: str = Field(description="Name of the town")
    by: Literal["train", "bus"] = "train"
    people: int = Field(1, ge=1, le=9)


@tool(args_schema=Trip)
def fare(to: str, by: str = "train", people: int = 1) -> str:
    """The price of a trip."""
    if to != "Ulm":
        raise ValueError(f"no fares to {to}")
    return f"{people * (19 if by == 'train' else 9)} EUR to {to} by {by}"


def holidays(year: int) -> list[str]:
    """Public holidays of a year."""
    return [f"{year}-12-25"]


SCRIPT = [
    [call("fare", to="Ulm", people=2), call("fare", to="Ulm", by="boat"), call("fare", to="Rome")],
    "38 EUR by train; there is no boat, and no fare to Rome.",
]

if __name__ == "__main__":
    agent = Agent("Help travellers.", tools=[adapt(fare, category="travel")], model=ScriptedModel(SCRIPT))
    for message in agent.run_sync("What does it cost?").messages:
        if message.role == "tool":
            print("error:" if message.is_error else "answer:", message.content)
    print(json.dumps(to_schema(as_tool(holidays), "anthropic")))
