"""What runs did, as tables for a spreadsheet or a notebook: CSV and Parquet out of the recorded figures.

Somebody asks "which tool fails most, and what did last week cost?", and has a tool for tables. victor-observability
records every run into a file; `victor observability export` (or `export_store`) writes three tables with it, one row
for each run, each operation and each minute's figures. The question itself then takes six lines of any tool; here the
standard library's, and Parquet is read back to show that it holds the same. The model is scripted.

Needs: victor-core, victor-observability[parquet]
Run: python docs/examples/integrations/metrics_to_csv.py
Prints:
    3 runs, 12 operations
    figures.csv manifest.json records.csv runs.csv
    {('stock', 'ok'): 2, ('stock', 'error'): 1}
    Parquet: 12 rows, the same ones: True; ['run_id', 'span_id', 'parent_id', 'kind']
"""

from __future__ import annotations

import csv
import os
import tempfile
from collections import Counter
from pathlib import Path

from victor.core import Agent, ToolError
from victor.core.testing import ScriptedModel, call
from victor.observability import current_recorder, open_store
from victor.observability.store.transfer import export_store


def stock(product: str) -> int:
    """How many pieces of a product there are."""
    if product == "cake":
        raise ToolError("cake is not counted")
    return 12


def work() -> None:
    """Three runs, recorded without a line of code."""
    for product in ("tea", "cake", "honey"):
        script = [call("stock", product=product), f"About {product}."]
        Agent(name="clerk", tools=[stock], model=ScriptedModel(script)).run_sync(f"How much {product}?")
    if (recorder := current_recorder()) is not None:
        recorder.flush()


if __name__ == "__main__":
    os.chdir(tempfile.mkdtemp(prefix="victor-"))  # what is written below goes there
    Path("victor.toml").write_text('[listener.observability]\nstore = "sqlite:figures.db"\n', encoding="utf-8")
    work()
    with open_store("sqlite:figures.db") as store:
        counts = export_store(store, "tables", "csv")
        export_store(store, "tables-parquet", "parquet")
    print(f"{counts.runs} runs, {counts.records} operations")
    print(*sorted(path.name for path in Path("tables").iterdir()))

    with Path("tables/records.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    print(dict(Counter((row["name"], row["status"]) for row in rows if row["kind"] == "tool.call")))

    import pyarrow.parquet

    table = pyarrow.parquet.read_table("tables-parquet/records.parquet")
    print(f"Parquet: {table.num_rows} rows, the same ones: {table.num_rows == len(rows)}; {table.schema.names[:4]}")
