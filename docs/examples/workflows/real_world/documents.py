"""What the document-processing workflow does without a model: find files, read them, save the report."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

OPEN = re.compile(r"\b(TODO|FIXME|TBD|XXX)\b|^\s*[-*] \[ \]", re.MULTILINE)
MOST = 1_000_000  # characters of one document


def _depth(path: Path) -> tuple[int, Path]:
    return len(path.parts), path  # what lies at the top usually says what the folder is about


def find(folder: str, pattern: str, most: int = 200) -> list[dict[str, Any]]:
    """Files below a folder that fit one of the globs, hidden ones left out, at most ``most``."""
    root = Path(folder)
    found = set()
    for glob in re.split(r"[,\s]+", pattern.strip()):
        for path in root.glob(glob) if glob else ():
            inside = path.relative_to(root)
            if path.is_file() and not any(part.startswith((".", "_build")) for part in inside.parts):
                found.add(path)
    if most < 1:
        raise ValueError(f"'most' must be at least 1, not {most}")
    left_out = max(0, len(found) - most)
    return [
        {"path": path.as_posix(), "bytes": path.stat().st_size, "left_out": left_out}
        for path in sorted(found, key=_depth)[:most]
    ]


def read(path: str) -> dict[str, Any]:
    """One document: its title, its text, how many words it has, and the lines that are marked as open."""
    data = Path(path).read_bytes()
    if b"\0" in data[:8192]:
        raise ValueError("this is no text")
    whole = data.decode("utf-8-sig", errors="replace")
    text = whole[:MOST]
    heading = re.search(r"^#\s+(.+)$", text, re.MULTILINE) or re.search(r"^(\S.*)\n[=~*-]{3,}$", text, re.MULTILINE)
    title = heading[1].strip(" #`") if heading else Path(path).stem.replace("-", " ").replace("_", " ")
    lines = [line.strip(" -*#>").removeprefix("[ ] ") for line in text.splitlines() if OPEN.search(line)]
    return {"title": title, "text": text, "words": len(whole.split()), "open": lines[:5]}


def save(path: str, text: str, documents: list[Any]) -> str:
    """Write the report whole or not at all, and say what was written."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=target.parent, delete=False) as file:
        file.write(text)
    Path(file.name).replace(target)
    return f"{len(documents)} documents are described in {path}."
