"""What ``customer_support.yaml`` knows about orders. A shop would ask its database here."""

from __future__ import annotations

from typing import Any

ORDERS = {
    1001: {"number": 1001, "item": "lamp", "eur": 49.0, "state": "arrived on 3 May"},
    1002: {"number": 1002, "item": "kettle", "eur": 35.0, "state": "on its way, arrives on Friday"},
    1003: {"number": 1003, "item": "spoon", "eur": 4.0, "state": "arrived on 2 May"},
}


def find(number: int | None) -> dict[str, Any] | None:
    """The order, or None where there is none of that number."""
    return ORDERS.get(number) if number else None


def pay_back(order: dict[str, Any]) -> str:
    """Pay an order back."""
    return f"{order['eur']} EUR for the {order['item']} are on their way back to you."
