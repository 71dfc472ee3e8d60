"""What a sketch costs: to insert a value, to merge, to write and read; beside ddsketch and a Python list.

Figures are the lowest of many short turns, CPU time of the thread in microseconds.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable

from _results import record

from victor.observability.sketch import Sketch


def turn(work: Callable[[], object], times: int) -> float:
    """CPU microseconds for each of so many times."""
    began = time.thread_time_ns()
    work()
    return (time.thread_time_ns() - began) / times / 1000


def main(turns: int, count: int) -> None:
    """Measure and print."""
    draw = random.Random(1)
    values = [int(draw.lognormvariate(14, 1.5)) for _ in range(count)]
    whole = Sketch(values)
    data = whole.to_bytes()

    def insert(make: Callable[[], Callable[[int], object]]) -> Callable[[], object]:
        def work() -> None:
            add = make()
            for value in values:
                add(value)

        return work

    variants: dict[str, tuple[Callable[[], object], int]] = {
        "insert": (insert(lambda: Sketch().add), count),
        "insert into a list": (insert(lambda: list[int]().append), count),
        f"merge ({len(whole.buckets)} buckets)": (lambda: Sketch().merge(whole), 1),
        "write": (whole.to_bytes, 1),
        f"read ({len(data)} bytes)": (lambda: Sketch.from_bytes(data), 1),
        "three quantiles": (lambda: whole.quantiles((0.5, 0.95, 0.99)), 1),
    }
    try:
        from ddsketch import DDSketch
    except ImportError:
        print("(ddsketch is left out: it is not installed)")
    else:
        variants["insert into ddsketch"] = (insert(lambda: DDSketch(0.01).add), count)
    lowest: dict[str, float] = {}
    for _ in range(turns):
        for name, (work, times) in variants.items():
            took = turn(work, times)
            lowest[name] = min(lowest.get(name, took), took)
    for name, took in lowest.items():
        print(f"{name:<28}{took:>10.3f} us" + ("   goal: 0.5" if name == "insert" else ""))
    peer = lowest.get("insert into ddsketch")
    peers = {} if peer is None else {"ddsketch": peer}
    listed = lowest["insert into a list"]
    record(
        "insert",
        "one value into a sketch",
        lowest["insert"],
        "us",
        goal=0.5,
        floor=listed,
        floor_name="a list",
        peers=peers,
    )
    if peer is not None:
        print(f"insert over ddsketch's: {lowest['insert'] / peer:.2f}x")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=60)
    parser.add_argument("--count", type=int, default=2_000)
    options = parser.parse_args()
    main(options.turns, options.count)
