"""JSON lines: every record once, whatever happens to the file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from victor.core.errors import ConfigurationError
from victor.observability.exporters import jsonl
from victor.observability.exporters.exporter import ExporterError
from victor.observability.exporters.jsonl import JsonLinesExporter, read_jsonl
from victor.observability.record import Record, Status


def none_broken(file: Path, line: int) -> None:
    raise AssertionError(f"{file}:{line} is broken")


def test_a_line_per_record_without_what_is_empty(ledger: Any, tmp_path: Path) -> None:
    file = tmp_path / "deep" / "metrics.jsonl"
    exporter = JsonLinesExporter(path=str(file))
    exporter.start(ledger)
    ledger.call(seconds=0.25, attributes={"path": "a.py", "when": complex(1, 2)})
    ledger.call("message.sent", "bus", None, agent="", root="")
    ledger.add(Record("agent.run", "a", "1", "2", None, 0, None, Status.OPEN))
    exporter.close()
    exporter.write(ledger.records)
    text = file.read_text()
    assert text.count("\n") == 2
    call, message = read_jsonl(file, broken=none_broken)
    assert call.pop("time").endswith("Z")
    assert call == {
        "kind": "tool.call", "name": "grep", "status": "ok", "duration_s": 0.25, "run_id": f"{1:032x}",
        "span_id": f"{1:016x}", "agent": "coder", "root": "build", "attributes": {"path": "a.py", "when": "(1+2j)"},
    }  # fmt: skip
    assert set(message) == {"time", "kind", "name", "status", "run_id", "span_id"}
    assert oct(file.stat().st_mode & 0o777) == "0o600"


def test_files_are_rotated_by_size_and_read_in_order(ledger: Any, tmp_path: Path) -> None:
    file = tmp_path / "m.jsonl"
    exporter = JsonLinesExporter(path=str(file), max_bytes=2000, backups=3)
    exporter.start(ledger)
    for number in range(60):
        ledger.call(name=f"tool-{number}")
    exporter.close()
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "m.jsonl",
        "m.jsonl.1",
        "m.jsonl.2",
        "m.jsonl.3",
        "m.jsonl.lock",
    ]
    assert all(2000 < (tmp_path / f"m.jsonl.{n}").stat().st_size < 2400 for n in (1, 2, 3))
    names = [one["name"] for one in read_jsonl(file, broken=none_broken)]
    assert names == [f"tool-{number}" for number in range(60)][-len(names) :]
    assert len(names) > 20


def test_without_backups_the_file_begins_anew(ledger: Any, tmp_path: Path) -> None:
    file = tmp_path / "m.jsonl"
    exporter = JsonLinesExporter(path=str(file), max_bytes=500, backups=0)
    exporter.start(ledger)
    for _ in range(20):
        ledger.call()
    exporter.close()
    assert file.stat().st_size <= 800
    assert not (tmp_path / "m.jsonl.1").exists()


def test_a_line_that_was_cut_off_costs_only_itself(
    ledger: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "m.jsonl"
    file.write_bytes(b'{"kind": "tool.call", "name": "whole"}\n{"kind": "tool.call", "na')
    exporter = JsonLinesExporter(path=str(file))
    exporter.start(ledger)
    ledger.call(name="after")
    exporter.close()
    assert [one["name"] for one in read_jsonl(file)] == ["whole", "after"]
    assert f"{file}, line 2, is no JSON" in caplog.text


def test_a_file_that_is_removed_is_made_again(ledger: Any, tmp_path: Path) -> None:
    file = tmp_path / "m.jsonl"
    exporter = JsonLinesExporter(path=str(file), fsync=True)
    exporter.start(ledger)
    ledger.call(name="before")
    file.unlink()
    ledger.call(name="after")
    exporter.close()
    assert [one["name"] for one in read_jsonl(file)] == ["after"]


def test_kinds_can_be_chosen(ledger: Any, tmp_path: Path) -> None:
    file = tmp_path / "m.jsonl"
    exporter = JsonLinesExporter(path=str(file), kinds=["tool.*", "message.sent"])
    exporter.start(ledger)
    ledger.work(60)
    exporter.close()
    assert {one["kind"] for one in read_jsonl(file)} == {"tool.call", "message.sent"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="not applicable: there is no /dev/full")
def test_a_full_disk_is_reported_once_and_counted(
    ledger: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "m.jsonl"
    file.symlink_to("/dev/full")
    exporter = JsonLinesExporter(path=str(file))
    exporter.start(ledger)
    ledger.call()
    ledger.call()
    exporter.close()
    assert exporter.lost == 2
    assert caplog.text.count("No space left on device; records are missing there") == 1


def test_a_path_that_cannot_be_written_is_an_error(ledger: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ExporterError, match=r"cannot write to .*/file/m\.jsonl: "):
        JsonLinesExporter(path=str(tmp_path / "file" / "m.jsonl")).start(ledger)


WRITER = """
import sys
from victor.observability.exporters.jsonl import JsonLinesExporter
from victor.observability.record import Record
exporter = JsonLinesExporter(path=sys.argv[1], max_bytes=20_000, backups=1000)
exporter.start(type("Source", (), {"add_sink": lambda self, sink: lambda: None})())
for number in range(300):
    records = [Record("tool.call", f"{sys.argv[2]}-{number}-{part}", "", "", None, 0, 1) for part in range(5)]
    exporter.write(records)
exporter.close()
"""


def test_processes_share_a_file_and_its_rotation(tmp_path: Path) -> None:
    file = tmp_path / "m.jsonl"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(file), name]) for name in "ab"]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    names = [one["name"] for one in read_jsonl(file, broken=none_broken)]
    assert sorted(names) == sorted(f"{who}-{n}-{part}" for who in "ab" for n in range(300) for part in range(5))
    for who in "ab":
        mine = [name for name in names if name.startswith(who)]
        assert mine == [f"{who}-{n}-{part}" for n in range(300) for part in range(5)]


def test_what_was_written_survives_a_kill(tmp_path: Path) -> None:
    file = tmp_path / "m.jsonl"
    program = WRITER.replace("exporter.close()", "import os; os.kill(os.getpid(), 9)")
    done = subprocess.run([sys.executable, "-c", program, str(file), "a"], check=False)
    assert done.returncode == -9
    assert len(list(read_jsonl(file, broken=none_broken))) == 1500


def test_a_relative_path_is_below_victor_toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "victor.toml").write_text("")
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    monkeypatch.delenv("VICTOR_CONFIG", raising=False)
    assert os.path.samefile(JsonLinesExporter().path.parent.parent, tmp_path)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"max_bytes": 0}, "max_bytes must be 1 or more"),
        ({"backups": -1}, "backups must be 0 or more"),
        ({"kinds": "tool.*"}, "kinds must be a list"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        JsonLinesExporter(**settings)


def test_lines_are_json_whatever_is_in_them(ledger: Any, tmp_path: Path) -> None:
    file = tmp_path / "m.jsonl"
    exporter = JsonLinesExporter(path=str(file))
    exporter.start(ledger)
    odd = 'a"b\\c\nd\u2028\x00 日本 \U0001f600'
    ledger.call(name=odd, error_text=odd, attributes={odd: odd, "inf": float("inf")})
    exporter.close()
    (line,) = file.read_bytes().splitlines()
    assert msgspec.json.decode(line)["attributes"][odd] == odd


def test_a_file_that_another_process_rotates_first_is_rotated_once(
    ledger: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "m.jsonl"

    @contextmanager
    def late(lock: Path) -> Iterator[None]:
        """Wait for the lock, while its holder rotates."""
        file.rename(tmp_path / "m.jsonl.1")
        file.write_text('{"name": "of the other one"}\n')
        yield

    monkeypatch.setattr(jsonl, "_locked", late)
    exporter = JsonLinesExporter(path=str(file), max_bytes=10)
    exporter.start(ledger)
    ledger.call(name="mine")
    exporter.close()
    assert [one["name"] for one in read_jsonl(file, broken=none_broken)] == ["mine", "of the other one"]
    assert not (tmp_path / "m.jsonl.2").exists()
