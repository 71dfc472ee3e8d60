"""Letters become records: an answer has a type, and a number that the letter does not name is an error.

`output_type` takes attrs classes, dataclasses, TypedDict, pydantic models, Literal, Enum and lists of them; the
answer arrives as that type, validated. What to learn here is the last case: a required number which is not in the
text raises `OutputError`; nothing is made up to fill the form.

Needs: victor-core
Run: python docs/examples/agents/basic/structured_output.py
Prints:
    Ada Lovelace owes 1250.5 by 2026-03-03
      1 x analytical engine, hire of at 1200.0
      101 x punched cards at 0.5
    sum of the rows is the total: True
    Ticket(kind='bug', sentiment='negative')
    OutputError: agent 'agent': no usable answer from offline in 3 attempts. It said: The text does not say what
        the form needs (due_date: date; total: number). ...
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from attrs import frozen

from victor.core import Agent, OutputError

INVOICE = """# Invoice 2026-17

Customer: Ada Lovelace
Due date: 3 March 2026
Total: 1,250.50 EUR

| item | quantity | price |
|---|---|---|
| analytical engine, hire of | 1 | 1,200.00 |
| punched cards | 101 | 0.50 |
"""
COMPLAINT = "The engine stops when I add two negative numbers, and shows an error. I am very disappointed."


@frozen
class Item:
    """A row of an invoice."""

    item: str
    quantity: int
    price: float


@frozen
class Invoice:
    """An invoice; what is optional may be missing."""

    customer: str
    due_date: date
    total: float
    items: list[Item]
    discount: float | None = None


@dataclass
class Ticket:
    """What the support desk needs to know about a letter."""

    kind: Literal["bug", "feature", "question"]
    sentiment: Literal["positive", "neutral", "negative"]


if __name__ == "__main__":
    invoice = Agent(output_type=Invoice).run_sync(INVOICE).output
    print(invoice.customer, "owes", invoice.total, "by", invoice.due_date.isoformat())
    for item in invoice.items:
        print(f"  {item.quantity} x {item.item} at {item.price}")
    print("sum of the rows is the total:", sum(item.quantity * item.price for item in invoice.items) == invoice.total)

    print(Agent(output_type=Ticket).run_sync(COMPLAINT).output)

    try:
        Agent(output_type=Invoice).run_sync(COMPLAINT)
    except OutputError as error:
        print("OutputError:", str(error).splitlines()[0])
