"""Figures of a CSV file, worked out by SQL and never by the model.

A language model that adds up a column is wrong now and then, and nobody notices. Here the file becomes a table of an
SQLite database, the model writes statements, and every figure of the answer comes out of a tool: the answer's type
asks for the statement beside each figure, so that a reader can check it. The statements are scripted; a mistake in
one of them (there is no column `amount`) shows how the error brings the model back on its way.

Needs: victor-core, victor-tools
Run: python docs/examples/agents/intermediate/data_analysis_agent.py
Prints:
    10 rows
    a statement failed: the database says: no such column: amount
    turnover of Kiel, EUR: 221.2
        SELECT town, round(sum(pieces * price), 2) AS turnover FROM orders GROUP BY town ORDER BY turnover DESC
    tea's part of the turnover, %: 66.9
        SELECT round(100.0 * sum(pieces * price) / (SELECT sum(pieces * price) FROM orders), 1) FROM orders WHERE
        product = ?
"""

from __future__ import annotations

import csv
import json
import os
import sqlite3
import tempfile
from pathlib import Path

from attrs import frozen

from victor.core import Agent, ModelRequest
from victor.core.testing import ScriptedModel, call
from victor.tools import tools_of
from victor.tools.data.sql import Sql

CSV = Path(__file__).parent / "texts" / "orders.csv"
BY_TOWN = "SELECT town, round(sum(pieces * price), 2) AS turnover FROM orders GROUP BY town ORDER BY turnover DESC"
ALL = "SELECT sum(pieces * price) FROM orders"
SHARE = f"SELECT round(100.0 * sum(pieces * price) / ({ALL}), 1) FROM orders WHERE product = ?"


@frozen
class Figure:
    """A figure and where it comes from."""

    what: str
    value: float
    statement: str


def load(file: Path, database: Path) -> int:
    """Put a CSV file into a table of the same columns; returns how many rows there are."""
    rows = list(csv.DictReader(file.open(encoding="utf-8", newline="")))
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE orders (day TEXT, town TEXT, product TEXT, pieces INTEGER, price REAL)")
        connection.executemany("INSERT INTO orders VALUES (:day, :town, :product, :pieces, :price)", rows)
    return len(rows)


def figures(request: ModelRequest) -> object:
    """The answer of the script: what the last two results say."""
    towns, tea = (json.loads(message.content)["rows"] for message in request.messages[-2:])
    return [
        {"what": f"turnover of {towns[0][0]}, EUR", "value": towns[0][1], "statement": BY_TOWN},
        {"what": "tea's part of the turnover, %", "value": tea[0][0], "statement": SHARE},
    ]


SCRIPT = [
    call("sql_tables", database="orders.db"),
    call("sql_query", database="orders.db", statement="SELECT town, sum(amount) FROM orders GROUP BY town"),
    [
        call("sql_query", database="orders.db", statement=BY_TOWN),
        call("sql_query", database="orders.db", statement=SHARE, parameters=["tea"]),
    ],
    lambda request: json.dumps({"value": figures(request)}),
]

if __name__ == "__main__":
    os.chdir(tempfile.mkdtemp(prefix="victor-"))  # what is written below goes there
    print(load(CSV, Path("orders.db")), "rows")
    analyst = Agent(
        "Answer with figures, each with the SQL statement it came from.",
        tools=tools_of(Sql(Path.cwd()), prefix="sql_")[:2],  # query and tables; they can only read
        model=ScriptedModel(SCRIPT),
        output_type=list[Figure],
    )
    result = analyst.run_sync("Which town brings most, and how much of the turnover is tea?")
    for message in result.messages:
        if message.is_error:
            print("a statement failed:", message.content)
    for figure in result.output:
        print(f"{figure.what}: {figure.value}\n    {figure.statement}")
