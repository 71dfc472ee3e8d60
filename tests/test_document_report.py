"""The README's workflow on a folder as people have them: empty files, odd names, lines without end."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote_to_bytes

import pytest

EXAMPLE = Path(__file__).parents[1] / "docs/examples/workflows/real_world"
BODY = "The pump moves heat from the ground to the house. It needs power. Heating costs fall by half in a year of use."


@pytest.fixture
def documents() -> ModuleType:
    spec = importlib.util.spec_from_file_location("documents_of_the_example", EXAMPLE / "documents.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "docs"
    made.mkdir()
    (made / "empty.md").write_text("")
    (made / "blank.txt").write_text("  \n\n")
    (made / "with space (1).md").write_text(f"# A title\n\n{BODY}\n")
    (made / "pi|pe.md").write_text(f"{BODY}\n\n- [ ] TODO do | it\n")
    (made / "titled.md").write_text(f"# Either | or {'x' * 300}\n\n{BODY}\n")
    (made / "new\nline `tick`.md").write_text(BODY)
    (made / "long.txt").write_text(f"{BODY} TODO mend this. " * 4000)
    (made / "word.txt").write_text("x" * 300_000)
    (made / "binary.txt").write_bytes(b"\0\1")
    Path(os.fsdecode(os.fsencode(made) + b"/latin\xe9.md")).write_bytes(BODY.encode())
    return made


def test_files_of_any_name_have_a_link_and_a_name_to_show(documents: ModuleType, folder: Path) -> None:
    found = documents.find(str(folder), "**/*.md, **/*.txt")
    assert len(found) == 10
    for file in found:
        assert os.path.exists(unquote_to_bytes(file["link"]))
        assert not set(file["link"]) & set(" ()|\n<>")
        file["shown"].encode()
        assert "\n" not in file["shown"]


def test_what_is_quoted_of_a_document_is_short_and_on_one_line(documents: ModuleType, folder: Path) -> None:
    for file in documents.find(str(folder), "*.md,*.txt"):
        if file["path"].endswith("binary.txt"):
            with pytest.raises(ValueError, match="no text"):
                documents.read(file["path"])
            continue
        read = documents.read(file["path"])
        for text in (read["title"], *read["open"]):
            assert len(text) <= 300
            assert "\n" not in text
        assert read["text"].strip()
    long = documents.read(str(folder / "long.txt"))
    assert "TODO mend this" in long["open"][0]


def test_the_report_on_such_a_folder(folder: Path, tmp_path: Path) -> None:
    victor = shutil.which("victor", path=str(Path(sys.executable).parent))
    assert victor is not None
    env = {name: value for name, value in os.environ.items() if not name.startswith("VICTOR_")}
    done = subprocess.run(
        [victor, "workflow", "run", str(EXAMPLE / "document_processing.yaml"), "--input", "folder=docs"],
        cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "document-report.md").read_text("utf-8")
    rows = [line for line in report.splitlines() if line.startswith("| [")]
    assert len(rows) == 6
    assert all(row.replace("\\|", "").count("|") == 6 for row in rows)
    assert "| [A title](docs/with%20space%20%281%29.md) |" in report
    assert "2 are empty: docs/blank.txt, docs/empty.md." in report
    assert "1 more has fewer than 20 words: docs/word.txt." in report
    assert "- docs/binary.txt: ValueError: this is no text" in report
    assert max(map(len, report.splitlines())) < 2000
