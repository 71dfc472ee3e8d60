"""What the benchmark programs measured, as data: told by `record`, kept by ``hatch run bench --save``.

A program tells every figure that is worth keeping, beside what it prints. Where nobody collects (a program started by
hand), telling does nothing. What is kept of a program is one small file in ``docs/reference/benchmarks/``, a line per
figure, from which `benchmark_page` makes the tables of the page.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "reference" / "benchmarks"
VARIABLE = "VICTOR_BENCH_RESULTS"
"""Names the file that figures are added to while a program runs."""

Figure = float | list[float]
"""A number, or the lowest and the highest of several runs."""


def record(name: str, what: str, value: Figure, unit: str, **known: Any) -> None:
    """Tell a figure to whoever collects; the arguments are those of `as_row`."""
    if target := os.environ.get(VARIABLE):
        with Path(target).open("a", encoding="utf-8") as file:
            file.write(json.dumps(as_row(name, what, value, unit, **known)) + "\n")


def as_row(
    name: str,
    what: str,
    value: Figure,
    unit: str,
    *,
    goal: float | None = None,
    more: bool = False,
    floor: float | None = None,
    floor_name: str = "",
    peers: Mapping[str, Figure] | None = None,
    note: str = "",
) -> dict[str, Any]:
    """A figure as it is kept: without what is not known, four digits of each number, and the ratio to the floor.

    Args:
        name: Short and unique within the program: what the page and a later run know the figure by.
        what: The work, in words for the page.
        value: What it took.
        unit: ``us``, ``ms``, ``x`` (a ratio), ``B``, ``MB``, ``/s``, or empty.
        goal: What was aimed at.
        more: Whether more is better.
        floor: The least that such work can take, measured in the same run, in the same unit.
        floor_name: What that is.
        peers: The same work by others, by the name of their distribution.
        note: What must be known to read the figure.
    """
    row: dict[str, Any] = {"name": name, "what": what, "value": short(value), "unit": unit}
    if goal is not None:
        row["goal"] = goal
    if more:
        row["more"] = True
    if floor is not None:
        row |= {"floor": short(floor), "floor_name": floor_name}
        if isinstance(value, int | float) and floor:
            row["ratio"] = short(value / floor)
    if peers:
        row["peers"] = {peer: short(figure) for peer, figure in peers.items()}
    if note:
        row["note"] = note
    return row


def short(value: Figure) -> Figure:
    """Four digits, and all of a whole number: what follows is noise."""
    if isinstance(value, list):
        return [float(short(one)) for one in value]  # type: ignore[arg-type]
    if not value or not math.isfinite(value):
        return value
    return round(value, max(0, 3 - math.floor(math.log10(abs(value)))))


def file_of(program: Path) -> Path:
    """Where the figures of a program are kept: ``graph-engine.json`` for ``engine.py`` of victor-graph."""
    return FOLDER / f"{program.parents[1].name.removeprefix('victor-')}-{program.stem}.json"


def read(path: Path) -> dict[str, Any]:
    """A file of figures: ``program``, ``conditions`` and ``rows``."""
    held: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    names = [row["name"] for row in held["rows"]]
    if len(set(names)) != len(names):
        raise SystemExit(f"{path}: a name stands twice: {sorted({n for n in names if names.count(n) > 1})}")
    return held


def read_all(folder: Path = FOLDER) -> dict[str, dict[str, Any]]:
    """All files of figures, by their name without ``.json``."""
    return {path.stem: read(path) for path in sorted(folder.glob("*.json"))}


def write(path: Path, program: str, conditions: Mapping[str, Any], rows: list[dict[str, Any]]) -> None:
    """Keep figures, a line each, so that a change of one is a change of one line."""
    lines = ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in rows)
    text = (
        f'{{\n "program": {json.dumps(program)},\n'
        f' "conditions": {json.dumps(conditions, ensure_ascii=False)},\n "rows": [\n{lines}\n ]\n}}\n'
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def keep(program: Path, told: list[dict[str, Any]], conditions: Mapping[str, Any], *, drop: bool = False) -> str:
    """Keep what a program told, in place of what is kept of it.

    A figure that is kept and was not measured this time (a server that is not installed here, say) would be lost: then
    nothing is kept, unless ``drop`` says so.

    Of the versions in ``conditions`` those are kept that the figures speak of.

    Returns:
        What was done, in one line.
    """
    path = file_of(program)
    if not told:
        return f"{program.name} told no figures, nothing is kept of it"
    if path.is_file() and not drop:
        before = read(path)["rows"]
        lost = [row["name"] for row in before if row["name"] not in {one["name"] for one in told}]
        now = {row["name"]: row.get("peers", {}) for row in told}
        lost += [f"{row['name']} of {peer}" for row in before for peer in row.get("peers", {}) if
                 row["name"] in now and peer not in now[row["name"]]]  # fmt: skip
        if lost:
            return f"NOT kept: this run did not measure {', '.join(lost)}; --drop keeps it all the same"
    spoken_of = {program.parents[1].name, *(peer for row in told for peer in row.get("peers", {}))}
    spoken_of.update(re.findall(r"`([\w-]+)`", json.dumps(told)))
    versions = {name: number for name, number in conditions.get("versions", {}).items() if name in spoken_of}
    write(path, program.relative_to(ROOT).as_posix(), {**conditions, "versions": versions}, told)
    return f"kept in {path.relative_to(ROOT).as_posix()}"
