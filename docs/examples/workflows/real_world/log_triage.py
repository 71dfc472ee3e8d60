"""The functions of ``log_triage.yaml``: read a log, and count what is the same."""

from __future__ import annotations

import re
from typing import Any

LINE = re.compile(r"(?P<time>\S+) (?P<level>[A-Z]+) +(?P<part>\w+) +(?P<what>.*)")
LEVELS = ["FATAL", "ERROR", "WARN"]  # the worst first


def parse(text: str) -> list[dict[str, str]]:
    """The entries of a log that are worth a look."""
    found = (LINE.match(line) for line in text.splitlines())
    return [entry.groupdict() for entry in found if entry and entry["level"] in LEVELS]


def group(entries: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Entries that say the same, counted; the worst first, then the most frequent."""
    counted: dict[tuple[str, str], int] = {}
    for entry in entries:
        what = re.sub(r"\b(\w+)=(\"[^\"]*\"|\S+)", "", entry["what"])  # what differs from entry to entry
        key = (entry["level"], f"{entry['part']} {' '.join(what.split())}")
        counted[key] = counted.get(key, 0) + 1
    order = sorted(counted, key=lambda key: (LEVELS.index(key[0]), -counted[key]))
    return [{"level": level, "what": what, "times": counted[level, what]} for level, what in order]
