"""The functions of ``multi_stage_pipeline.yaml``: read, check, sum up and write orders."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

Row = dict[str, str]


def read(file: str) -> list[Row]:
    """The rows of a CSV file that lies beside this module."""
    with (Path(__file__).parent / file).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def wrong(row: Row, known: set[str]) -> str:
    """What is wrong with a row, or nothing."""
    if not row["customer"]:
        return "no customer"
    if row["order"] in known:
        return "order is there twice"
    try:
        date.fromisoformat(row["day"])
        return "" if int(row["quantity"]) > 0 and Decimal(row["price"]) >= 0 else "quantity or price is below zero"
    except (ValueError, InvalidOperation):
        return "day, quantity or price cannot be read"


def check(rows: list[Row]) -> dict[str, list[Any]]:
    """Rows that can be used, and the others with the reason."""
    good: list[Row] = []
    bad: list[Row] = []
    known: set[str] = set()
    for row in rows:
        if problem := wrong(row, known):
            bad.append({**row, "problem": problem})
        else:
            good.append(row)
            known.add(row["order"])
    return {"good": good, "bad": bad}


def totals(orders: list[Row]) -> dict[str, str]:
    """EUR by customer."""
    sums: dict[str, Decimal] = {}
    for row in orders:
        sums[row["customer"]] = sums.get(row["customer"], Decimal()) + int(row["quantity"]) * Decimal(row["price"])
    return {customer: str(amount) for customer, amount in sorted(sums.items())}


def save(totals: dict[str, str], rejected: list[Row]) -> str:
    """Write totals.csv and rejected.csv into the current folder."""
    with Path("totals.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([("customer", "eur"), *totals.items()])
    with Path("rejected.csv").open("w", encoding="utf-8", newline="") as file:
        lines = [(row["order"], row["problem"]) for row in rejected]
        csv.writer(file, lineterminator="\n").writerows([("order", "problem"), *lines])
    return "totals.csv, rejected.csv"
