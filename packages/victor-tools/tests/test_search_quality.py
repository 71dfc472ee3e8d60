"""Search finds the right tool for questions in everyday words; see benchmarks/search_quality."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from victor.core.plugins import set_plugins

_path = Path(__file__).parents[1] / "benchmarks" / "search_quality.py"


def test_search_quality_does_not_get_worse() -> None:
    spec = importlib.util.spec_from_file_location("search_quality", _path)
    assert spec is not None and spec.loader is not None
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    was = set_plugins(None)
    try:
        registry, asked = bench.labelled_registry(), bench.questions()
    finally:
        set_plugins(was)
    assert len(registry) >= 120 and len(asked) >= 150
    found = [[each.name for each in registry.search_tools(question, 5)] for question, _ in asked]
    wanted = [right for _, right in asked]
    assert bench.hits(found, wanted, 1) >= 0.62
    assert bench.hits(found, wanted, 5) >= 0.82
