"""The functions of ``python_functions.yaml``: plain Python, importable and testable without any workflow."""

from __future__ import annotations

import csv
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path


def rates(file: str) -> dict[str, str]:
    """What one euro is in each currency, by a CSV file that lies beside this module."""
    with (Path(__file__).parent / file).open(encoding="utf-8", newline="") as lines:
        return {row["currency"]: row["per_eur"] for row in csv.DictReader(lines)}


def convert(amount: float, currency: str, table: dict[str, str]) -> str:
    """An amount in euros as an amount in a currency, rounded to cents.

    Raises:
        ValueError: The table does not have the currency.
    """
    if currency not in table:
        raise ValueError(f"no rate for {currency!r}; there are: {', '.join(table)}")
    exact = Decimal(str(amount)) * Decimal(table[currency])
    return f"{exact.quantize(Decimal('0.01'), ROUND_HALF_UP)} {currency}"
