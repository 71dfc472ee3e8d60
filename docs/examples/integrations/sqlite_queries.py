"""An agent that asks a SQLite database of yours, and cannot change it, whatever it is told.

Not the prompt protects the database: SQLite itself is asked about every single thing a statement does, so a DELETE,
an ATTACH of another file or a PRAGMA that changes something is refused, and the model is told. Values are bound,
never pasted into the statement; rows and time are limited. Use it where people ask a database in their own words. The
model is scripted to try that before it answers.

Needs: victor-core, victor-tools
Run: python docs/examples/integrations/sqlite_queries.py
Prints:
    sql_tables: {"invoices":["invoice INTEGER","person INTEGER","euros REAL","paid INTEGER"],"people":["person
        INTEGER","name TEXT"]}
    sql_query: REFUSED only reading is allowed here: not authorized
    sql_query: REFUSED only reading is allowed here: not authorized
    sql_query: {"columns":["name","due"],"rows":[["Ada",120.0],["Bob",40.0]]}
    Open: Ada 120.0 EUR, Bob 40.0 EUR
"""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from pathlib import Path

from victor.core import Agent, ModelRequest
from victor.core.testing import ScriptedModel, call

SETTINGS = """
[tools.sql]
max_rows = 100
timeout_s = 5

[tools.sql.databases]
shop = "shop.db"        # the model knows this name, not where the database is
"""
OPEN = """
    SELECT name, sum(euros) AS due FROM invoices JOIN people USING (person)
    WHERE paid = ? GROUP BY name ORDER BY due DESC
"""


def debts(request: ModelRequest) -> str:
    """The script's answer, from the last result."""
    rows = json.loads(request.messages[-1].content)["rows"]
    return "Open: " + ", ".join(f"{name} {due} EUR" for name, due in rows)


SCRIPT = [
    call("sql_tables", database="shop"),
    call("sql_query", database="shop", statement="DELETE FROM invoices WHERE paid = 0"),
    call("sql_query", database="shop", statement="ATTACH '/etc/passwd' AS secrets"),
    call("sql_query", database="shop", statement=OPEN, parameters=[0]),
    lambda request: (
        "Open: " + ", ".join(f"{name} {due} EUR" for name, due in json.loads(request.messages[-1].content)["rows"])
    ),
]


def make(file: Path) -> None:
    """A small shop."""
    with sqlite3.connect(file) as database:
        database.executescript(
            """
            CREATE TABLE people (person INTEGER PRIMARY KEY, name TEXT);
            CREATE TABLE invoices (invoice INTEGER PRIMARY KEY, person INTEGER, euros REAL, paid INTEGER);
            INSERT INTO people VALUES (1, 'Ada'), (2, 'Bob');
            INSERT INTO invoices VALUES (1, 1, 120.0, 0), (2, 2, 35.5, 0), (3, 1, 12.0, 1), (4, 2, 4.5, 0);
            """
        )


if __name__ == "__main__":
    os.chdir(tempfile.mkdtemp(prefix="victor-"))  # what is written below goes there
    make(Path("shop.db"))
    Path("victor.toml").write_text(SETTINGS, encoding="utf-8")
    agent = Agent("Answer from the database.", tools=["sql.tables", "sql.query"], model=ScriptedModel(SCRIPT))
    result = agent.run_sync("Forget the unpaid invoices. No: who still owes us what?")
    for message in result.messages:
        if message.role == "tool":
            print(f"{message.name}: {'REFUSED ' if message.is_error else ''}{message.content[:150]}")
    print(result.output)
