"""What the document-processing workflow does without a model: find files, read them, save the report."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

OPEN = re.compile(r"\b(TODO|FIXME|TBD|XXX)\b|^\s*[-*] \[ \]", re.MULTILINE)
MOST = 1_000_000  # characters of one document
LINE = 300  # characters of a line that is quoted
TITLE = 120


def _depth(path: Path) -> tuple[int, Path]:
    return len(path.parts), path  # what lies at the top usually says what the folder is about


def shown(path: str) -> str:
    """A file's name as text of a report: on one line, in UTF-8, and with nothing in it that Markdown would obey."""
    text = os.fsencode(path).decode("utf-8", "replace")
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return re.sub(r"([\\`*_\[\]<>#])", r"\\\1", text)


def shortened(text: str, most: int) -> str:
    """The text on one line, cut where it is too long."""
    text = " ".join(text[: 4 * most].split())
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


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
        {
            "path": name,
            "shown": shown(name),
            "link": quote(os.fsencode(name)),  # names may hold spaces, brackets, even line breaks
            "bytes": path.stat().st_size,
            "left_out": left_out,
        }
        for path in sorted(found, key=_depth)[:most]
        for name in [path.as_posix()]
    ]


def read(path: str) -> dict[str, Any]:
    """One document: its title, its text, how many words it has, and the lines that are marked as open."""
    data = Path(path).read_bytes()
    if b"\0" in data[:8192]:
        raise ValueError("this is no text")
    whole = data.decode("utf-8-sig", errors="replace")
    text = whole[:MOST]
    heading = re.search(r"^#\s+(.+)$", text, re.MULTILINE) or re.search(r"^(\S.*)\n[=~*-]{3,}$", text, re.MULTILINE)
    stem = shown(Path(path).stem).replace("\\_", " ").replace("-", " ")
    title = shortened(heading[1].strip(" #`") if heading else stem, TITLE)
    marked = (line for line in text.splitlines() if OPEN.search(line))
    lines = [_open_line(line) for line, _ in zip(marked, range(5), strict=False)]
    if not text.strip():
        text = "This file is empty."  # what an agent can say of it, too
    return {"title": title, "text": text, "words": len(whole.split()), "open": lines}


def _open_line(line: str) -> str:
    """What is marked as open, and as much around it as helps."""
    found = OPEN.search(line)
    at = max(0, found.start() - LINE // 3) if found and len(line) > LINE else 0
    return shortened(line[at:].strip(" -*#>").removeprefix("[ ] "), LINE)


def save(path: str, text: str, documents: list[Any]) -> str:
    """Write the report whole or not at all, and say what was written."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=target.parent, delete=False) as file:
        file.write(text)
    Path(file.name).replace(target)
    return f"{len(documents)} documents are described in {path}."
