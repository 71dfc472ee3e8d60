"""Plain, async and generator functions as tools, and what a model is told when its arguments are wrong.

The body of a tool decides its kind: a plain function runs in a thread, an async one in the event loop, and a
generator reports progress with each `yield`. Parameters may be classes and choices. The second half calls the tool as
a careless model would: all mistakes are named at once, so that one more request mends them.

Needs: victor-core
Run: python docs/examples/agents/basic/tool_kinds.py
Prints:
    ToolResult(11.2)
    ToolResult('order c1: fetch 5.0 kg for Bonn')
       progress: 1 of 2: Ulm
       progress: 2 of 2: Bonn
    ToolResult('2 parcels sent')
    ok: False
    price: the arguments do not fit:
    - $.parcel.kilograms: must be at most 30, got 200.0
    - $.spede: is unknown; did you mean 'speed'?
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from attrs import frozen

from victor.core import Event, ToolContext, as_tool, get_stream


@frozen
class Parcel:
    """What is sent.

    Args:
        to: Name of the town.
        kilograms: Weight, at most 30.
    """

    to: str
    kilograms: Annotated[float, msgspec.Meta(gt=0, le=30)]


def price(parcel: Parcel, speed: Literal["normal", "express"] = "normal") -> float:
    """Say what it costs to send a parcel, in EUR."""
    return round((4 + 0.8 * parcel.kilograms) * (2 if speed == "express" else 1), 2)


async def pick_up(parcel: Parcel, context: ToolContext) -> str:
    """Order that a parcel is fetched. `context` is not shown to the model; it tells which call this is."""
    await asyncio.sleep(0)  # a request to the courier
    return f"order {context.call_id}: fetch {parcel.kilograms} kg for {parcel.to}"


def send_all(parcels: list[Parcel]) -> Iterator[str]:
    """Send many parcels; tells after each how far it is."""
    for number, parcel in enumerate(parcels, 1):
        yield f"{number} of {len(parcels)}: {parcel.to}"
    return f"{len(parcels)} parcels sent"


def show(event: Event) -> None:
    """What a progress bar would do."""
    print("   progress:", event.content["message"])


async def main() -> None:
    stream = get_stream()
    stream.capture_content = True  # messages of progress are contents
    with stream.listening(show, ["tool.progress"]):
        print(await as_tool(price).call('{"parcel": {"to": "Ulm", "kilograms": 2}, "speed": "express"}'))
        print(await as_tool(pick_up).call({"parcel": {"to": "Bonn", "kilograms": "5"}}, call_id="c1"))
        print(
            await as_tool(send_all).call({"parcels": [{"to": "Ulm", "kilograms": 2}, {"to": "Bonn", "kilograms": 5}]})
        )
    wrong = await as_tool(price).call('{"parcel": {"to": "Ulm", "kilograms": 200}, "spede": "express"}')
    print("ok:", wrong.ok)
    print(wrong.text)


if __name__ == "__main__":
    asyncio.run(main())
