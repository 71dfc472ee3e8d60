"""What counting costs: Schulze with 1,000 ballots of 20 options beside votelib, and every other rule.

Figures are medians of CPU time in milliseconds. The ballots are all different, the worst case; *counting* starts from
ballots that were read, *reading* is the strict check of each one. votelib, where it is installed, counts the same
ballots in the same run. The floor is one pass over the ballots that looks at each place of each ballot.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable
from typing import Any

from _results import record

from victor.teams.voting import RULES, Poll, make_rule

OPTIONS = [f"option {number}" for number in range(20)]
GOAL_MS = 50.0


def rankings(count: int) -> list[tuple[str, ...]]:
    """Complete rankings, no two the same."""
    dice = random.Random(count)
    return [tuple(dice.sample(OPTIONS, len(OPTIONS))) for _ in range(count)]


def measure(work: Callable[[], object], rounds: int) -> float:
    """Median CPU milliseconds."""
    samples = []
    for _ in range(rounds + 1):
        began = time.process_time()
        work()
        samples.append((time.process_time() - began) * 1000)
    return statistics.median(samples[1:])


def content(kind: str, ranking: tuple[str, ...]) -> Any:
    """The ranking as a ballot of another kind."""
    if kind == "choice":
        return ranking[0]
    if kind == "approval":
        return list(ranking[:5])
    if kind == "scores":
        return {option: max(0, 5 - place) for place, option in enumerate(ranking)}
    return list(ranking)


def filled(rule: Any, ballots: list[tuple[str, ...]]) -> Poll:
    """A poll with these ballots cast."""
    kind = make_rule(rule).kind
    poll = Poll(OPTIONS, rule=rule, weights={"0": 1}, tie_break="declared")
    poll.cast_all({str(number): content(kind, ranking) for number, ranking in enumerate(ballots)})
    return poll


def votelib_schulze(ballots: list[tuple[str, ...]]) -> tuple[Callable[[], Any], str]:
    """The same count by votelib, or the reason why not."""
    try:
        import votelib.convert
        import votelib.evaluate.condorcet
    except ImportError:
        return (lambda: None), "votelib is not installed: pip install votelib"
    votes = dict.fromkeys(ballots, 1)
    converter = votelib.convert.RankedToCondorcetVotes()
    evaluator = votelib.evaluate.condorcet.Schulze()
    return (lambda: evaluator.evaluate(converter.convert(votes), 1)), ""


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9, help="measurements of which the median is taken")
    parser.add_argument("--ballots", type=int, default=1000)
    given = parser.parse_known_args()[0]
    ballots = rankings(given.ballots)
    floor = measure(lambda: sum(len(option) for ranking in ballots for option in ranking), given.rounds)
    poll = filled("schulze", ballots)
    counting = measure(poll.count, given.rounds)
    both = measure(lambda: filled("schulze", ballots).count(), given.rounds)
    print(f"Schulze, {given.ballots:,} ballots x {len(OPTIONS)} options")
    print(f"  {'one look at each place (floor)':<34}{floor:9.2f} ms")
    print(f"  {'counting':<34}{counting:9.2f} ms   {counting / floor:7.1f} x the floor")
    print(
        f"  {'reading and counting':<34}{both:9.2f} ms   goal {GOAL_MS:.0f}: {'met' if both <= GOAL_MS else 'NOT met'}"
    )
    work, missing = votelib_schulze(ballots)
    peers: dict[str, float] = {}
    if missing:
        print(f"  {missing}")
    else:
        theirs = measure(work, max(1, given.rounds // 3))
        peers["votelib"] = theirs
        same = work()[0] == poll.count().winner
        print(f"  {'votelib, counting':<34}{theirs:9.2f} ms   {theirs / counting:7.1f} x ours; same winner: {same}")
    what = f"Schulze, {given.ballots:,} ballots of {len(OPTIONS)} options, read and counted"
    counts = "votelib counts alone, its ballots are read already"
    record(
        "schulze", what, both, "ms", goal=GOAL_MS, floor=floor, floor_name="one look at each", peers=peers, note=counts
    )
    print(f"\nOther rules, counting {given.ballots:,} ballots x {len(OPTIONS)} options")
    for name in sorted(RULES):
        rule: Any = {"rule": name, "seats": 5} if name == "stv" else name
        other = filled(rule, ballots)
        print(f"  {name:<34}{measure(other.count, given.rounds):9.2f} ms")


if __name__ == "__main__":
    main()
