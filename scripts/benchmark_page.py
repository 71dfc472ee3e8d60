"""Makes the tables and pictures of docs/reference/benchmarks.md from the figures that are kept beside it.

Between the lines ``<!-- figures: WHAT -->`` and ``<!-- end of figures -->`` the page is written by this program, all
else by people. WHAT is ``overview``, ``table NAME`` or ``chart AREA``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmark_results import FOLDER, Figure, read_all

PAGE = FOLDER.parent / "benchmarks.md"
MARKED = re.compile(r"(?P<head><!-- figures: (?P<what>[^>]*?) -->\n).*?(?P<tail><!-- end of figures -->)", re.S)

OVERVIEW = (
    ("One step of a workflow", "graph-engine", "superstep"),
    ("One step that is on the disk before the next begins", "graph-checkpoints", "durable_full_invoke"),
    ("500 steps that add 500 bytes each: size of the checkpoints", "graph-checkpoints", "growth_mb"),
    ("One step of an agent: a model's answer and a tool call", "core-agent_loop", "loop_100"),
    ("One call of a tool, checked, from JSON text", "tools-calls", "call"),
    ("Finding a tool among 10,000 by words", "tools-calls", "search"),
    ("A question and its answer between two agents", "teams-messages", "request"),
    ("A turn of an agent in a team, after 200 turns", "teams-messages", "turn_200"),
    ("What recording adds to a tool call", "observability-calls", "recording"),
    ("Percentiles over ten million operations", "observability-store", "questions_sqlite"),
)
"""What is asked most, and where its figure is."""

CHARTS: dict[str, tuple[tuple[str, str], ...]] = {
    "core": (("core-agent_loop", "loop_100"), ("core-models", "openai_stream")),
    "graph": (
        ("graph-engine", "superstep"),
        ("graph-engine", "invoke"),
        ("graph-engine", "fan_out"),
        ("graph-checkpoints", "growth_mb"),
    ),
    "tools": (("tools-calls", "call"), ("tools-calls", "search"), ("tools-calls", "register")),
    "teams": (("teams-messages", "request"), ("teams-messages", "delivery"), ("teams-messages", "turn_200")),
    "observability": (("observability-calls", "recording"), ("observability-sketch", "insert")),
}
"""The pictures, and the figures that are drawn in each."""


def number(value: float) -> str:
    """As many digits as are worth reading."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def shown(value: Figure, unit: str) -> str:
    """A figure with its unit."""
    text = " to ".join(number(one) for one in value) if isinstance(value, list) else number(value)
    return f"{text}{unit}" if unit.startswith("/") else f"{text} {unit}".rstrip()


def middle(value: Figure) -> float:
    """One number for a ratio."""
    return sum(value) / len(value) if isinstance(value, list) else value


def met(row: dict[str, Any]) -> bool:
    """Whether the goal is met, by the worst of several runs."""
    if "goal" not in row:
        return False
    values = row["value"] if isinstance(row["value"], list) else [row["value"]]
    return bool(min(values) >= row["goal"]) if row.get("more") else bool(max(values) <= row["goal"])


def measured(row: dict[str, Any]) -> str:
    """Our own figure; bold where it meets its goal."""
    text = shown(row["value"], row["unit"])
    return f"**{text}**" if met(row) else text


def times(value: Figure, base: Figure) -> str:
    """How many times the one is of the other."""
    return f"{number(middle(value) / middle(base))} x" if middle(base) else "-"


def peer_name(peer: str, held: dict[str, Any]) -> str:
    """A peer with its version."""
    version = held["conditions"].get("versions", {}).get(peer, "")
    return f"{peer} {version}".rstrip()


def table(held: dict[str, Any]) -> str:
    """All figures of a program, under which conditions, and how to repeat them."""
    rows = held["rows"]
    peers = list(dict.fromkeys(peer for row in rows for peer in row.get("peers", {})))
    ours = Path(held["program"]).parts[1]
    columns: list[tuple[str, Callable[[dict[str, Any]], str]]] = [
        ("work", lambda row: row["what"]),
        ("goal", lambda row: shown(row["goal"], row["unit"]) if "goal" in row else ""),
        (ours, measured),
        ("floor", lambda row: f"{shown(row['floor'], row['unit'])} ({row['floor_name']})" if "floor" in row else ""),
        ("over the floor", lambda row: times(row["value"], row["floor"]) if "floor" in row else ""),
    ]
    for peer in peers:

        def of_peer(row: dict[str, Any], peer: str = peer) -> str:
            found = row.get("peers", {}).get(peer)
            return "" if found is None else shown(found, row["unit"])

        columns.append((peer_name(peer, held), of_peer))
    columns = [(head, cell) for head, cell in columns if head in ("work", ours) or any(cell(row) for row in rows)]
    lines = [bar(head for head, _ in columns), bar("---" if at == 0 else "--:" for at in range(len(columns)))]
    lines += [bar(cell(row) or "-" for _, cell in columns) for row in rows]
    notes = [f"- {row['what']}: {row['note']}" for row in rows if "note" in row]
    return "\n\n".join(["\n".join(lines), *(["\n".join(notes)] if notes else []), conditions(held)])


def bar(cells: Iterable[str]) -> str:
    """A line of a table."""
    return f"| {' | '.join(cells)} |"


def command(program: str) -> str:
    """How a program is run again."""
    path = Path(program)
    return f"hatch run bench {path.parts[1].removeprefix('victor-')} -k {path.stem}"


def conditions(held: dict[str, Any]) -> str:
    """When and where it was measured."""
    known = held["conditions"]
    ours = Path(held["program"]).parts[1]
    version = known.get("versions", {}).get(ours)
    what = f"{ours} {version}, " if version else ""
    text = f"*Measured on {known['date']}: {what}Python {known['python']}, {known['cores']} cores"
    if load := known.get("load"):
        words = shown(load, "") if isinstance(load, list) else number(load)
        text += f", load {words}"
        if max(load if isinstance(load, list) else [load]) > 1.5:  # the program itself is one
            text += " (other work went on: compare ratios)"
    text += ". "
    if note := known.get("note"):
        text += f"{note} "
    return f"{text}Again: `{command(held['program'])}`.*"


def overview(kept: dict[str, dict[str, Any]]) -> str:
    """What is asked most, in a table; what is not measured is left out."""
    lines = ["| question | Victor | beside it | again |", "|---|--:|---|---|"]
    for question, file, name in OVERVIEW:
        held = kept.get(file)
        row = next((row for row in held["rows"] if row["name"] == name), None) if held else None
        if held is None or row is None:
            continue
        beside = [
            f"{peer_name(peer, held)}: {shown(value, row['unit'])} ({times(value, row['value'])})"
            for peer, value in row.get("peers", {}).items()
        ]
        if "floor" in row and not beside:
            beside = [f"{row['floor_name']}: {shown(row['floor'], row['unit'])}"]
        if not beside and row["unit"] == "x":
            beside = [row["what"]]
        if not beside and "goal" in row:
            beside = [f"goal: {shown(row['goal'], row['unit'])}"]
        if "note" in row:
            beside.append(f"*{row['note']}*")
        lines.append(f"| {question} | {measured(row)} | {'<br>'.join(beside)} | `{command(held['program'])}` |")
    return "\n".join(lines)


def chart(area: str, kept: dict[str, dict[str, Any]]) -> str:
    """A picture of bars: Victor's, the floor's and the peers', a group for each figure, each group to its own scale."""
    from victor.observability.report.plots import COLORS, escape

    left, right, width = 250, 150, 720
    parts: list[str] = []
    top = 4
    for file, name in CHARTS[area]:
        held = kept.get(file)
        row = next((row for row in held["rows"] if row["name"] == name), None) if held else None
        if held is None or row is None:
            continue
        bars = [(Path(held["program"]).parts[1], row["value"], COLORS[0])]
        if "floor" in row:
            bars.append((f"floor: {row['floor_name']}", row["floor"], COLORS[2]))
        bars += [(peer_name(peer, held), value, COLORS[-1]) for peer, value in row.get("peers", {}).items()]
        if len(bars) == 1:
            continue
        most = max(middle(value) for _, value, _ in bars)
        parts.append(f'<text x="4" y="{top + 13}" class="h">{escape(plain_words(row["what"]))}</text>')
        top += 22
        for label, value, color in bars:
            figure = escape(shown(value, row["unit"]))
            length = max(middle(value) / most * (width - left - right), 1)
            cut = label if len(label) <= 38 else f"{label[:37]}…"
            parts += [
                f'<text x="{left - 8}" y="{top + 12}" text-anchor="end" class="t">{escape(plain_words(cut))}</text>',
                f'<rect x="{left}" y="{top}" width="{length:.1f}" height="15" rx="2" fill="{color}"/>',
                f'<text x="{left + length + 6:.1f}" y="{top + 12}" class="t">{figure}</text>',
            ]
            top += 20
        top += 12
    style = ".t{font:11px system-ui,sans-serif;fill:#777}.h{font:600 12px system-ui,sans-serif;fill:#777}"
    title = f"victor-{area} beside floors and peers; shorter is faster or smaller"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {top}" width="{width}" height="{top}" '
        f'role="img"><title>{title}</title><style>{style}</style>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def plain_words(text: str) -> str:
    """Without the marks of Markdown."""
    return text.replace("`", "")


def made(what: str, kept: dict[str, dict[str, Any]]) -> str:
    """What stands between two marks of the page."""
    kind, _, name = what.partition(" ")
    if kind == "overview":
        return overview(kept)
    if kind == "table" and name in kept:
        return table(kept[name])
    if kind == "chart" and name in CHARTS:
        return f"![victor-{name} beside floors and peers; the figures are in the tables](benchmarks/{name}.svg)"
    known = ["overview", *(f"table {one}" for one in kept), *(f"chart {one}" for one in CHARTS)]
    raise SystemExit(f"{PAGE.name}: no figures {what!r}; there are: {', '.join(known)}")


def pictures(kept: dict[str, dict[str, Any]]) -> dict[Path, str]:
    """The files of the pictures, and what is in them."""
    return {FOLDER / f"{area}.svg": chart(area, kept) for area in CHARTS}


def rendered(text: str, kept: dict[str, dict[str, Any]]) -> str:
    """The page, with what the figures say now."""
    return MARKED.sub(lambda found: f"{found['head']}\n{made(found['what'], kept)}\n\n{found['tail']}", text)


def files(page: Path = PAGE) -> dict[Path, str]:
    """Everything that is made from the figures: the page and its pictures."""
    kept = read_all()
    return {page: rendered(page.read_text(encoding="utf-8"), kept), **pictures(kept)}


def main(arguments: Sequence[str]) -> int:
    """Write the page and its pictures; with ``--check`` only say whether they are as the figures say."""
    wanted = files()
    stale = [path for path, text in wanted.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    if "--check" in arguments:
        for path in stale:
            print(f"{path.name} is not what the figures give: python scripts/benchmarks.py page")
        return 1 if stale else 0
    for path in stale:
        path.write_text(wanted[path], encoding="utf-8")
        print(f"written: {path.name}")
    return 0
