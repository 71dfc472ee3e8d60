"""The same search with other engines; started by ../calls.py with the peers' own Python.

Reads ``{"documents": [[name, description], ...], "questions": [...]}`` from standard input, the questions without words
that carry no subject (most engines here would look all of these up, and every tool holds some); prints a list of
``{"name": ..., "build_ms": ..., "p50_us": ...}``, in CPU time. An engine that is not installed is left out.
"""

from __future__ import annotations

import json
import re
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

Engine = tuple[str, Callable[[str], Any]]
Documents = list[list[str]]
LIMIT = 10


def words(text: str) -> list[str]:
    """Words in lower case."""
    return re.findall(r"[a-z0-9]+", text.lower())


def rank_bm25(documents: Documents) -> Engine:
    """Every document scored at every question, in numpy."""
    from rank_bm25 import BM25Okapi

    index: Any = BM25Okapi([words(" ".join(parts)) for parts in documents])
    numbers = list(range(len(documents)))
    return f"rank-bm25 {version('rank-bm25')}", lambda question: index.get_top_n(words(question), numbers, n=LIMIT)


def fts5(documents: Documents) -> Engine:
    """SQLite's full-text index, in memory, with Porter's stemmer."""
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE tools USING fts5(name, description, tokenize='porter unicode61')")
    db.executemany("INSERT INTO tools VALUES (?, ?)", documents)
    query = f"SELECT rowid FROM tools WHERE tools MATCH ? ORDER BY rank LIMIT {LIMIT}"
    return (
        f"SQLite FTS5 {sqlite3.sqlite_version}",
        lambda question: db.execute(query, (" OR ".join(words(question)),)).fetchall(),
    )


def tantivy(documents: Documents) -> Engine:
    """A search library in Rust, in memory, with stemming."""
    import tantivy as t

    builder = t.SchemaBuilder()
    for field in ("name", "description"):
        builder.add_text_field(field, stored=False, tokenizer_name="en_stem")
    index = t.Index(builder.build())
    writer = index.writer()
    for name, description in documents:
        writer.add_document(t.Document(name=[name.replace("_", " ")], description=[description]))
    writer.commit()
    index.reload()
    searcher = index.searcher()

    def search(question: str) -> Any:
        return searcher.search(index.parse_query(" ".join(words(question)), ["name", "description"]), LIMIT)

    return f"tantivy {version('tantivy')}", search


def pydantic_ai(documents: Documents) -> Engine:
    """Its own keyword search, which reads every tool at every question."""
    from pydantic_ai.tools import ToolDefinition
    from pydantic_ai.toolsets._tool_search import keywords_search_fn

    tools = [ToolDefinition(name=name, description=description) for name, description in documents]
    context: Any = None
    return (
        f"pydantic-ai-slim {version('pydantic-ai-slim')}",
        lambda question: keywords_search_fn(context, [question], tools),
    )


def main() -> None:
    """Measure and print."""
    given = json.load(sys.stdin)
    rows = []
    for make in (pydantic_ai, rank_bm25, fts5, tantivy):
        began = time.process_time()
        try:
            name, search = make(given["documents"])
        except ImportError as error:
            print(f"({make.__name__} is left out: {error})", file=sys.stderr)
            continue
        build_ms = (time.process_time() - began) * 1e3
        if not search(given["questions"][0]):
            raise SystemExit(f"{name} finds nothing")
        taken = []
        for question in given["questions"]:
            began = time.process_time()
            search(question)
            taken.append((time.process_time() - began) * 1e6)
        rows.append({"name": name, "build_ms": build_ms, "p50_us": statistics.median(taken)})
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
