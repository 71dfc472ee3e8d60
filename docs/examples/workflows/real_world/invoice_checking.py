"""The functions of ``invoice_checking.yaml``: find invoices, and compare what they say with what was ordered."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def find(folder: str) -> list[dict[str, str]]:
    """The invoices of a folder, by name."""
    return [{"name": file.stem, "text": file.read_text("utf-8")} for file in sorted((HERE / folder).glob("*.txt"))]


def compare(name: str, invoice: dict[str, Any], folder: str) -> str:
    """What there is to say about an invoice."""
    with (HERE / folder / "purchase_orders.csv").open(encoding="utf-8", newline="") as lines:
        orders = {int(row["order"]): row for row in csv.DictReader(lines)}
    order = orders.get(invoice["order"])
    total = Decimal(str(invoice["total"])).quantize(Decimal("0.01"))
    if order is None:
        return f"{name}: stop, there is no order {invoice['order']}"
    if order["supplier"] != invoice["supplier"]:
        return f"{name}: stop, order {invoice['order']} was given to {order['supplier']}"
    if total != Decimal(order["eur"]):
        return f"{name}: stop, {total} EUR are asked for {order['eur']} EUR that were agreed"
    return f"{name}: pay {total} EUR"
