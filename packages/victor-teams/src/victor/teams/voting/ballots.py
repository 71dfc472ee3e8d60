"""Ballots from files: CSV and JSON, read strictly."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from attrs import frozen

from victor.teams.voting.ballot import Ballot, BallotKind, Spoiled
from victor.teams.voting.errors import VotingError

__all__ = ["BallotFile", "found_options", "read_csv", "read_json"]

_MOST: Final = 10_000


@frozen
class BallotFile:
    """What a file of ballots holds. Nothing is judged yet: that is the poll's, which reports each invalid ballot.

    Args:
        ballots: The ballots, in the order of the file.
        options: The options, where the file states them.
        weights: The weights, where the file states them, as texts.
    """

    ballots: tuple[Ballot, ...]
    options: tuple[str, ...] | None = None
    weights: Mapping[str, str] | None = None


def read_csv(text: str, kind: BallotKind) -> BallotFile:
    r"""Ballots from CSV with a header.

    Either the columns are ``voter`` and ``ballot``, the ballot spelled as in `Ballot` (``tea > coffee``); or they are
    ``voter`` and one for each option, whose cells hold the score, the rank (1 is best, equal numbers are equals, empty
    is unranked), or for choices and approvals 1 or nothing. A column ``weight`` is the voter's weight. Where every cell
    of a voter is empty the voter abstains.

    Args:
        text: The file.
        kind: What the ballots are, as the rule to be used says.

    Raises:
        VotingError: It is no such file; says which line. A row that cannot be read is one invalid ballot, and the
            poll's to report.

    Example:
        >>> read_csv("voter,tea,milk\nann,2,1\nbob,1,\n", "ranking").ballots[0].content
        [['milk'], ['tea']]
    """
    try:
        rows = list(csv.reader(io.StringIO(text), strict=True))
    except csv.Error as error:
        raise VotingError(f"the ballots are no CSV: {error}") from error
    if not rows or not any(rows):
        raise VotingError("the file of ballots is empty; it begins with a line such as 'voter,ballot'")
    header = [name.strip() for name in rows[0]]
    if "voter" not in header:
        raise VotingError(f"line 1: there is no column 'voter'; there are: {', '.join(header)}")
    if len(set(header)) < len(header):
        raise VotingError("line 1: two columns have the same name")
    options = [name for name in header if name not in ("voter", "weight", "ballot")]
    spelled = "ballot" in header
    if spelled and options:
        raise VotingError(
            f"line 1: a column 'ballot' and columns of options ({', '.join(options[:3])}): use one or the other"
        )
    if not spelled and not options:
        raise VotingError("line 1: there is neither a column 'ballot' nor a column for each option")
    ballots: list[Ballot] = []
    weights: dict[str, str] = {}
    for number, row in enumerate(rows[1:], 2):
        if not row:
            continue
        cells = dict(zip(header, (cell.strip() for cell in row), strict=False))
        voter = cells.get("voter", "")
        if not voter:
            raise VotingError(f"line {number}: no voter")
        if len(row) != len(header):
            why = f"line {number}: {len(row)} cells under {len(header)} columns"
            ballots.append(Ballot(voter, Spoiled(why)))
            continue
        if cells.get("weight"):
            weights.setdefault(voter, cells["weight"])
        if spelled:
            ballots.append(Ballot(voter, cells["ballot"] or None))
        else:
            ballots.append(Ballot(voter, _from_cells({option: cells[option] for option in options}, kind, number)))
    return BallotFile(tuple(ballots), tuple(options) or None, weights or None)


def _from_cells(cells: Mapping[str, str], kind: BallotKind, line: int) -> Any:
    """What a row says; `Spoiled` where it cannot be read, for one voter's slip must not stop the count."""
    marked = {option: cell for option, cell in cells.items() if cell}
    if not marked:
        return None
    numbers: dict[str, int] = {}
    for option, cell in marked.items():
        if not cell.removeprefix("-").isdecimal() or not cell.isascii() or len(cell) > 9:
            return Spoiled(f"line {line}, column {option!r}: {cell!r} is no whole number")
        numbers[option] = int(cell)
    if kind == "scores":
        return numbers
    if kind == "ranking":
        return [[option for option in numbers if numbers[option] == rank] for rank in sorted(set(numbers.values()))]
    odd = next((option for option, number in numbers.items() if number not in (0, 1)), None)
    if odd is not None:
        return Spoiled(f"line {line}, column {odd!r}: {numbers[odd]} is neither 1 nor 0")
    chosen = [option for option, number in numbers.items() if number]
    return chosen[0] if kind == "choice" and len(chosen) == 1 else chosen


def read_json(text: str) -> BallotFile:
    """Ballots from JSON: an object ``{"options": [...], "ballots": ..., "weights": {...}}``, or the ballots alone.

    Ballots are an object from voter to what the voter says, or a list of objects with ``voter`` and ``ballot``. In
    the list a voter may turn up twice, to be reported by the poll; in an object that is an error.

    Args:
        text: The file.

    Raises:
        VotingError: It is no such file.

    Example:
        >>> read_json('{"ballots": [{"voter": "ann", "ballot": ["tea", "milk"]}]}').ballots
        (Ballot(voter='ann', content=['tea', 'milk'], reason=''),)
    """
    try:
        data = json.loads(text, object_pairs_hook=_no_twins)
    except (ValueError, RecursionError) as error:
        if isinstance(error, VotingError):
            raise
        raise VotingError(f"the ballots are no JSON: {error}") from None
    options = weights = None
    if isinstance(data, dict) and isinstance(data.get("ballots"), (dict, list)):
        strange = [key for key in data if key not in ("options", "ballots", "weights")]
        if strange:
            raise VotingError(f"the file has {', '.join(map(repr, strange[:5]))} beside options, ballots and weights")
        options, weights, data = data.get("options"), data.get("weights"), data["ballots"]
    if options is not None and not (isinstance(options, list) and all(isinstance(name, str) for name in options)):
        raise VotingError("'options' is a list of texts")
    if weights is not None and not isinstance(weights, dict):
        raise VotingError("'weights' is an object from voter to weight")
    if isinstance(data, dict):
        ballots = [Ballot(voter, content) for voter, content in data.items()]
    elif isinstance(data, list):
        ballots = [_from_object(number, one) for number, one in enumerate(data, 1)]
    else:
        raise VotingError(
            "the ballots are an object from voter to ballot, or a list of objects with 'voter' and 'ballot'"
        )
    return BallotFile(tuple(ballots), None if options is None else tuple(options), weights)


def _from_object(number: int, data: Any) -> Ballot:
    if not isinstance(data, dict) or not isinstance(data.get("voter"), str) or "ballot" not in data:
        raise VotingError(f"ballot {number} is no object with 'voter' and 'ballot'")
    strange = [key for key in data if key not in ("voter", "ballot", "reason")]
    if strange or not isinstance(data.get("reason", ""), str):
        raise VotingError(f"ballot {number} has more than 'voter', 'ballot' and a text as 'reason'")
    return Ballot(data["voter"], data["ballot"], data.get("reason", ""))


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        names = [name for name, _ in pairs]
        twin = next(name for name in names if names.count(name) > 1)
        raise VotingError(f"{twin!r} is there twice in one object; a list of ballots can hold two of one voter")
    return data


def found_options(ballots: Iterable[Ballot], kind: BallotKind) -> tuple[str, ...]:
    """The options that ballots name, sorted, for a vote that states none.

    Example:
        >>> found_options([Ballot("ann", "tea > milk"), Ballot("bob", ["soup"])], "ranking")
        ('milk', 'soup', 'tea')
    """
    found: set[str] = set()
    for ballot in ballots:
        _collect(ballot.content, kind, found)
    return tuple(sorted(found)[:_MOST])


def _collect(content: Any, kind: BallotKind, found: set[str]) -> None:
    if isinstance(content, str):
        text = content.strip()
        if text[:1] in ("[", "{", '"'):
            try:
                _collect(json.loads(text), kind, found)
            except (ValueError, RecursionError):
                pass  # no ballot of any poll: it is reported when it is cast
            return
        parts = [text]
        if kind == "ranking":
            parts = text.replace("=", ">").split(">")
        elif kind != "choice":
            parts = [part.partition("=")[0] if kind == "scores" else part for part in text.split(";")]
        found.update(part.strip() for part in parts if part.strip())
    elif isinstance(content, Mapping):
        if kind in content and kind != "scores":
            _collect(content[kind], kind, found)
        elif kind == "scores":
            inner = content.get("scores")
            found.update(key for key in (inner if isinstance(inner, Mapping) else content) if isinstance(key, str))
    elif isinstance(content, (list, tuple, set, frozenset)):
        for group in content:
            for option in group if isinstance(group, (list, tuple)) else [group]:
                if isinstance(option, str) and option.strip():
                    found.add(option)
