"""What pictures cost: layout, SVG, terminal pictures, Mermaid, DOT and JSON of 100 and of 1,000 nodes.

Figures are medians of CPU time in milliseconds; the floor is ``json.dumps`` of the same topology as plain values. Two
shapes are drawn: a *workflow* (steps, branches, joins, a few loops, some labels) and a *tangle* (as many nodes
with a quarter as many edges again between any two, so that most edges are long).
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable

import attrs
from _results import record

from victor.core.topology import Edge, Node, NodeKind, Topology
from victor.graph.viz import ascii, dot, json_document, mermaid, svg
from victor.graph.viz.layout import lay_out

KINDS: tuple[NodeKind, ...] = ("step", "agent", "tool", "condition")


def workflow(count: int) -> Topology:
    """Steps one after the other, one to four of them side by side, with labels, joins and loops."""
    dice = random.Random(count)
    nodes, edges, last = [Node("start", "START", "start")], [], ["start"]
    while len(nodes) < count - 1:
        row = [f"n{len(nodes) + i}" for i in range(min(dice.choice([1, 1, 1, 2, 3, 4]), count - 1 - len(nodes)))]
        nodes += [Node(id, f"step {id[1:]}", dice.choice(KINDS)) for id in row]
        edges += [Edge(dice.choice(last), id, dice.choice(["", "", "yes"])) for id in row]
        left = {edge.source for edge in edges}
        edges += [Edge(id, dice.choice(row)) for id in last if id not in left]
        if dice.random() < 0.1 and len(nodes) > 12:
            edges.append(Edge(row[0], nodes[-dice.randrange(3, 12)].id, "retry", "dashed"))
        last = row
    return Topology([*nodes, Node("end", "END", "end")], [*edges, *(Edge(id, "end") for id in last)], name="workflow")


def tangle(count: int) -> Topology:
    """A tree of steps, and edges between any two of them."""
    dice = random.Random(count)
    ids = [f"n{i}" for i in range(count)]
    edges = [Edge(ids[dice.randrange(max(0, i - 5), i)], ids[i], dice.choice(["", "", "ok"])) for i in range(1, count)]
    edges += [Edge(*dice.sample(ids, 2)) for _ in range(count // 4)]
    return Topology([Node(id) for id in ids], edges, name="tangle")


def measure(work: Callable[[], object], rounds: int) -> float:
    """Median CPU milliseconds."""
    samples = []
    for _ in range(rounds + 1):
        began = time.process_time()
        work()
        samples.append((time.process_time() - began) * 1000)
    return statistics.median(samples[1:])


def main() -> None:
    """Print a table for each shape and size."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9, help="measurements of which the median is taken")
    rounds = parser.parse_known_args()[0].rounds
    for make, count, limits in (
        (workflow, 100, {"layout + SVG": 50.0}),
        (workflow, 1000, {"layout + SVG": 2000.0, "Mermaid": 10.0}),
        (tangle, 100, {"layout + SVG": 50.0}),
        (tangle, 1000, {"layout + SVG": 2000.0, "Mermaid": 10.0}),
    ):
        topology = make(count)
        plain = attrs.asdict(topology, filter=lambda field, _: not field.name.startswith("_"))
        works: dict[str, Callable[[], object]] = {
            "json.dumps (floor)": lambda plain=plain: json.dumps(plain),  # type: ignore[misc]
            "Mermaid": lambda topology=topology: mermaid.render(topology),  # type: ignore[misc]
            "DOT": lambda topology=topology: dot.render(topology),  # type: ignore[misc]
            "layout": lambda topology=topology: lay_out(topology),  # type: ignore[misc]
            "layout + SVG": lambda topology=topology: svg.render(topology),  # type: ignore[misc]
            "layout + JSON": lambda topology=topology: json_document.render(topology),  # type: ignore[misc]
            "Unicode, 120 columns": lambda topology=topology: ascii.render_unicode(topology, width=120),  # type: ignore[misc]
        }
        print(f"\n{topology.name}: {len(topology.nodes):,} nodes, {len(topology.edges):,} edges")
        print(f"{'':22}{'ms':>10}{'x floor':>10}{'goal, ms':>10}")
        floor = 0.0
        for name, work in works.items():
            taken = measure(work, rounds if count < 1000 else max(3, rounds // 3))
            floor = floor or taken
            goal = f"{limits[name]:,.0f}" if name in limits else ""
            print(f"{name:22}{taken:>10.2f}{taken / floor:>10.0f}{goal:>10}")
            if name in limits or name == "Mermaid":
                key = "svg" if "SVG" in name else "mermaid"
                words = "layout and SVG" if key == "svg" else name
                what = f"{words} of a {topology.name} of {count:,} nodes"
                record(f"{key}_{topology.name}_{count}", what, taken, "ms", goal=limits.get(name))


if __name__ == "__main__":
    main()
