"""What choosing a team costs: 200 candidates for 12 requirements exactly, 5,000 for 20 with HiGHS, both greedily.

Figures are medians of CPU time in milliseconds over pools that are all different: each candidate has two to five of the
capabilities, some better than others, and a price of its own. The floor is one look at every requirement of every
candidate. How much dearer the greedy choice is than the best is told beside it. HiGHS comes with SciPy; where that is
not installed, its row is left out.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable
from importlib.util import find_spec

from _results import record

from victor.teams.dynamic import Candidate, DynamicTeam, Formation, Task
from victor.teams.dynamic.cover import Method

SIZES = ((200, 12, "exact", 10.0), (5_000, 20, "solver", 400.0))


def pool_of(count: int, capabilities: int, seed: int) -> tuple[list[Candidate], Task]:
    """A pool, and a task that needs all of the capabilities at half of the best proficiency."""
    dice = random.Random(f"{count}/{capabilities}/{seed}")
    names = [f"capability {number}" for number in range(capabilities)]
    pool = [
        Candidate(
            f"candidate {number}",
            {name: round(dice.uniform(0.3, 1.0), 2) for name in dice.sample(names, dice.randint(2, 5))},
            cost=round(dice.uniform(1.0, 10.0), 2),
        )
        for number in range(count)
    ]
    return pool, Task("all of it", dict.fromkeys(names, 0.5))


def measure(work: Callable[[], Formation]) -> tuple[float, Formation]:
    """CPU milliseconds of one run, and what came of it."""
    began = time.process_time()
    made = work()
    return (time.process_time() - began) * 1000, made


def look(pool: list[Candidate], task: Task) -> float:
    """The floor: CPU milliseconds of one look at every requirement of every candidate."""
    began = time.process_time()
    found = sum(need.met_by(candidate) for candidate in pool for need in task.requirements)
    took = (time.process_time() - began) * 1000
    if not found:
        raise RuntimeError("nobody can do anything")
    return took


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pools", type=int, default=9, help="pools of which the median is taken")
    options = parser.parse_known_args()[0]
    print(f"{'choose a team, ms of CPU time':<34}{'median':>9}{'most':>9}{'goal':>7}{'x floor':>9}")
    for count, capabilities, best, goal in SIZES:
        samples: dict[str, list[float]] = {"floor": [], best: [], "greedy": []}
        dearer: list[float] = []
        methods: tuple[Method, ...] = ("exact" if best == "exact" else "solver", "greedy")
        if best == "solver" and find_spec("scipy") is None:
            print(f"{f'{count:,} x {capabilities}, HiGHS':<34} left out: pip install 'victor-teams[solver]'")
            methods = ("greedy",)
        for seed in range(options.pools + 1):
            pool, task = pool_of(count, capabilities, seed)
            costs = {}
            floor = look(pool, task)
            for method in methods:
                team = DynamicTeam(pool, method=method)
                took, made = measure(lambda team=team, task=task: team.form(task))  # type: ignore[misc]
                if made.method != method or (method != "greedy" and not made.optimal):
                    raise RuntimeError(f"{method} was asked for, and {made.method} answered")
                costs[method] = made.cost
                if seed:  # the first of all imports the solver
                    samples[method].append(took)
            if seed:
                samples["floor"].append(floor)
                if len(costs) == 2:
                    dearer.append(costs["greedy"] / costs[methods[0]] - 1)
        floor = statistics.median(samples["floor"])
        for method in methods:
            took = statistics.median(samples[method])
            name = {"solver": "HiGHS", "exact": "exactly"}.get(method, method)
            aim = f"{goal:.0f}" if method == best else "-"
            line = f"{f'{count:,} x {capabilities}, {name}':<34}{took:9.2f}{max(samples[method]):9.2f}{aim:>7}"
            line += f"{took / floor:9.1f}"
            if method == "greedy" and dearer:
                line += f"   dearer than the best by {100 * statistics.median(dearer):.1f} % ({100 * max(dearer):.1f})"
            print(line)
            if method == best or count > 1000:
                note = f"at most {max(samples[method]):.0f} ms"
                if method == "greedy" and dearer:
                    note = f"dearer than the best team by {100 * statistics.median(dearer):.0f} % in the median"
                what = f"a team of {count:,} candidates for {capabilities} requirements, {name}, median"
                known = goal if method == best else None
                record(method, what, took, "ms", goal=known, floor=floor, floor_name="one look at all", note=note)


if __name__ == "__main__":
    main()
