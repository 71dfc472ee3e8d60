"""``victor observability status``, ``prune``, ``doctor``, ``export`` and ``import``."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from victor.observability.record import Record

DAY_S = 86_400


@pytest.fixture
def two(fill: Callable[..., None], a_run: Callable[..., list[Record]]) -> None:
    """Two runs: one of forty days ago, one of a minute ago."""
    fill(a_run(1, ago_s=40 * DAY_S), a_run(2, ago_s=60))


def test_status(victor: Callable[..., str], two: None) -> None:
    lines = dict(line.split("  ", 1) for line in victor("status").splitlines())
    assert re.fullmatch(r"2, the newest \d+ min ago", lines["runs"].strip())
    assert lines["kept in detail"].strip() == "8 operations and points"
    assert lines["last day: cost"].strip() == "$0.50"
    data = json.loads(victor("status", "--json"))
    assert data["store"]["runs"] == 2
    assert data["last_day"]["tool.call"]["count"] == 1


def test_what_is_too_old_is_removed_and_figures_stay(victor: Callable[..., str], two: None) -> None:
    assert "Removed 4 operations and points and 1 runs" in victor("prune", "--older-than", "30d")
    assert len(json.loads(victor("runs", "--json"))) == 1
    (tools,) = json.loads(victor("query", "--json", "--where", "kind=tool.call"))
    assert tools["count"] == 2
    assert "is no size" in victor("prune", "--max-size", "small", code=1)


def test_export_and_import(victor: Callable[..., str], two: None) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install 'victor-observability[parquet]'")
    before = json.loads(victor("query", "--json"))
    for name in ("all.jsonl", "all.csv", "all.parquet"):
        assert "2 runs, 8 operations and points" in victor("export", name)
        assert "2 runs, 8 operations and points" in victor("import", name, "--store", f"from-{name}.db")
        assert json.loads(victor("query", "--json", "--store", f"from-{name}.db")) == before
    assert "something of that name" in victor("export", "all.jsonl", code=1)


def test_what_cannot_be_exported_or_imported_is_said(victor: Callable[..., str], two: None, folder: Path) -> None:
    assert "where to?" in victor("export", code=1)
    assert "which format? Say --format jsonl, csv, parquet" in victor("export", "all.zip", code=1)
    assert "belong to --otlp" in victor("export", "a.jsonl", "--again", code=1)
    assert "writes no file" in victor("export", "a.jsonl", "--otlp", code=1)
    assert "there is no gone.jsonl" in victor("import", "gone.jsonl", code=1)
    (folder / "half.jsonl").write_bytes(b'{"what"')
    victor("import", "half.jsonl", code=1)
    assert len(json.loads(victor("runs", "--json"))) == 2


def test_runs_are_sent_to_a_receiver_once(victor: Callable[..., str], two: None, otlp_receiver, folder: Path) -> None:
    assert "8 spans of 2 runs" in victor("export", "--otlp", otlp_receiver.http)
    assert "2 runs were sent there before" in victor("export", "--otlp", otlp_receiver.http)
    assert "4 spans of 1 runs" in victor("export", "--otlp", otlp_receiver.http, "--again", "--run", "last")


def test_doctor_finds_nothing(victor: Callable[..., str], two: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VICTOR_LISTENERS")
    shown = victor("doctor")
    assert "PROBLEM" not in shown
    assert "recording: on" in shown


def test_doctor_finds_what_is_wrong(
    victor: Callable[..., str], two: None, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "PROBLEM  recording: nothing is recorded" in victor("doctor", code=1)
    monkeypatch.delenv("VICTOR_LISTENERS")
    with sqlite3.connect(folder / ".victor" / "metrics.db") as broken:
        pages = broken.execute("PRAGMA page_size").fetchone()[0]
    broken.close()
    with (folder / ".victor" / "metrics.db").open("r+b") as file:
        file.seek(pages)
        file.write(b"\xff" * pages)
    assert "PROBLEM  store" in victor("doctor", code=1)
    monkeypatch.setenv("VICTOR_LISTENER__OBSERVABILITY__HEAD_RATE", "7")
    assert "PROBLEM  settings: [listener.observability] head_rate" in victor("doctor", code=1)
