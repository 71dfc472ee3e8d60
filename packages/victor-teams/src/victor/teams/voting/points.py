"""What the rules have in common whose winner is the option with the most points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from victor.teams.voting.arithmetic import Number, plain_number
from victor.teams.voting.election import Election
from victor.teams.voting.rule import Count, Settled
from victor.teams.voting.ties import Ties

__all__ = ["best", "count_points", "listed", "settled_points", "standings"]


def best(counts: Mapping[str, Number]) -> list[str]:
    """The options with the most points."""
    most = max(counts.values())
    return [option for option, points in counts.items() if points == most]


def listed(names: Sequence[str]) -> str:
    """Names in a sentence.

    Example:
        >>> listed(["tea", "coffee", "milk"])
        "'tea', 'coffee' and 'milk'"
    """
    quoted = [repr(name) for name in names]
    return quoted[0] if len(quoted) == 1 else ", ".join(quoted[:-1]) + " and " + quoted[-1]


def standings(counts: Mapping[str, Number], most: int = 6) -> str:
    """Counts in a sentence, the highest first."""
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    text = ", ".join(f"{option!r} {plain_number(points)}" for option, points in ordered[:most])
    return text + (f" and {len(ordered) - most} more" if len(ordered) > most else "")


def count_points(counts: Mapping[str, Number], ties: Ties, unit: str) -> Count:
    """The option with the most points wins.

    Args:
        counts: Points of each option.
        ties: Decides between equals.
        unit: What is counted, in the plural: ``"votes"``.
    """
    top = best(counts)
    winner = ties.choose(top, "first place")
    if len(top) > 1:
        why = f"{listed(top)} have {plain_number(counts[winner])} {unit} each"
    else:
        others = [points for option, points in counts.items() if option != winner]
        ahead = f", ahead of {plain_number(max(others))} for the next" if others else ""
        why = f"{winner!r} has the most {unit}, {plain_number(counts[winner])}{ahead}"
    return Count((winner,), counts, why)


def settled_points(
    counts: Mapping[str, Number], election: Election, ties: Ties, *, swing: int, unit: str
) -> Settled | None:
    """Whether the leader stays the leader, exactly.

    Args:
        counts: Points of each option so far.
        election: The poll as it stands.
        ties: Says where a tie would go.
        swing: By how much one ballot of weight 1 can lift an option against the leader.
        unit: What is counted.
    """
    if election.outstanding is None or not election.profile:
        return None
    reach = election.outstanding * swing
    for leader in best(counts):
        lead = counts[leader]
        if all(
            points + reach < lead or (points + reach == lead and ties.favours(leader, option))
            for option, points in counts.items()
            if option != leader
        ):
            return Settled(
                leader,
                f"{leader!r} has {plain_number(lead)} {unit}, and the outstanding ballots can lift no other option "
                f"by more than {plain_number(reach)} against it",
            )
    return None
