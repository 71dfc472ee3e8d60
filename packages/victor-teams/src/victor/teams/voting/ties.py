"""How a tie is decided: by a rule the caller stated, or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol

from attrs import frozen

from victor.core.catalog import near_matches
from victor.teams.voting.election import Election
from victor.teams.voting.errors import VotingError
from victor.teams.voting.pairwise import preferences

__all__ = ["Chair", "Declared", "Lot", "RunOff", "TieBreak", "TieBroken", "Ties", "Undecided", "read_tie_breaks"]


class TieBreak(Protocol):
    """Orders options that are equal by the rule itself."""

    @property
    def spec(self) -> str:
        """The text it can be written as: ``"lot:7"``."""

    def groups(self, tied: Sequence[str], election: Election) -> list[list[str]]:
        """The tied options, best first; those it cannot tell apart stay together."""

    def certain(self, first: str, second: str, election: Election) -> bool:
        """Whether ``first`` stands before ``second`` whatever ballots are still to come."""


@frozen
class Declared:
    """Options stand in the order in which the poll lists them, the first one best."""

    spec = "declared"

    def groups(self, tied: Sequence[str], election: Election) -> list[list[str]]:
        """See `TieBreak.groups`."""
        return [[option] for option in election.options if option in tied]

    def certain(self, first: str, second: str, election: Election) -> bool:
        """See `TieBreak.certain`."""
        return election.options.index(first) < election.options.index(second)


@frozen
class Lot:
    """Options stand in an order drawn from a seed: the same seed and names give the same order everywhere.

    Args:
        seed: Anything written down before the vote.
    """

    seed: str | int

    @property
    def spec(self) -> str:
        """The text it can be written as."""
        return f"lot:{self.seed}"

    def _drawn(self, option: str) -> bytes:
        return hashlib.sha256(f"{self.seed}\0{option}".encode("utf-8", "surrogatepass")).digest()

    def groups(self, tied: Sequence[str], election: Election) -> list[list[str]]:
        """See `TieBreak.groups`."""
        return [[option] for option in sorted(tied, key=self._drawn)]

    def certain(self, first: str, second: str, election: Election) -> bool:
        """See `TieBreak.certain`."""
        return self._drawn(first) < self._drawn(second)


@frozen
class Chair:
    """What the chair's own ballot prefers; it counts in the vote as well, and has to be in.

    Args:
        voter: Who the chair is.
    """

    voter: str

    @property
    def spec(self) -> str:
        """The text it can be written as."""
        return f"chair:{self.voter}"

    def groups(self, tied: Sequence[str], election: Election) -> list[list[str]]:
        """See `TieBreak.groups`."""
        content = election.ballots.get(self.voter)
        if content is None:
            return [list(tied)]
        ordered = [[option for option in group if option in tied] for group in preferences(election, content)]
        return [group for group in ordered if group]

    def certain(self, first: str, second: str, election: Election) -> bool:
        """See `TieBreak.certain`."""
        return self.groups([first, second], election)[0] == [first]


@frozen
class RunOff:
    """The ballots are counted again for the tied options alone, each against each other one.

    This uses what rankings and scores say beyond the count that was tied. A ballot that names one option, or approves
    of some, says no more the second time: then the tie remains, and `Poll.runoff` makes the second poll.
    """

    spec = "runoff"

    def groups(self, tied: Sequence[str], election: Election) -> list[list[str]]:
        """See `TieBreak.groups`."""
        from victor.teams.voting.pairwise import Pairwise

        table = Pairwise.of(election)
        wins = {one: sum(table.beats(one, other) for other in tied if other != one) for one in tied}
        return [[one for one in tied if wins[one] == level] for level in sorted(set(wins.values()), reverse=True)]

    def certain(self, first: str, second: str, election: Election) -> bool:
        """See `TieBreak.certain`."""
        return False


@frozen
class TieBroken:
    """A tie that was decided.

    Args:
        where: Of what it was: ``"first place"``, ``"elimination in round 2"``.
        tied: The options that were equal.
        chosen: The one that was taken.
        by: The rule that decided, such as ``"lot:7"``.
    """

    where: str
    tied: tuple[str, ...]
    chosen: str
    by: str


class Undecided(Exception):  # noqa: N818 - control flow within a count, never seen by callers
    """A tie that no stated rule decides.

    What to do: nothing; the vote ends as not decided, and its result names the tie. State a ``tie_break`` to have it
    decided.
    """

    def __init__(self, where: str, tied: Sequence[str]) -> None:
        super().__init__(where)
        self.where = where
        self.tied: tuple[str, ...] = tuple(tied)


class Ties:
    """Decides the ties of one count, and remembers them.

    Args:
        rules: The stated rules; each is asked for what the ones before it left open.
        election: The ballots.

    Attributes:
        broken: What was decided so far.
    """

    def __init__(self, rules: Sequence[TieBreak], election: Election) -> None:
        self._rules = rules
        self._election = election
        self.broken: list[TieBroken] = []

    def choose(self, tied: Sequence[str], where: str) -> str:
        """The best of options that are equal; without noise where there is only one.

        Raises:
            Undecided: No stated rule tells them apart.
        """
        return self._take(tied, where, 0)

    def drop(self, tied: Sequence[str], where: str) -> str:
        """The worst of options that are equal, to be eliminated.

        Raises:
            Undecided: No stated rule tells them apart.
        """
        return self._take(tied, where, -1)

    def favours(self, first: str, second: str) -> bool:
        """Whether a tie of these two would go to the first, whatever ballots are still to come."""
        for rule in self._rules:
            if rule.certain(first, second, self._election):
                return True
            # The next rule is asked only where this one will certainly have no opinion.
            voted = isinstance(rule, Chair) and rule.voter in self._election.ballots
            if not voted or len(rule.groups([first, second], self._election)) > 1:
                return False
        return False

    def _take(self, tied: Sequence[str], where: str, end: int) -> str:
        left, used = list(tied), ""
        for rule in self._rules:
            if len(left) == 1:
                break
            groups = rule.groups(left, self._election)
            if len(groups) > 1:
                used = f"{used}, {rule.spec}" if used else rule.spec
            left = groups[end]
        if len(left) > 1:
            raise Undecided(where, left)
        if len(tied) > 1:
            self.broken.append(TieBroken(where, tuple(tied), left[0], used))
        return left[0]


_NAMES: Final[dict[str, Callable[[], TieBreak]]] = {"declared": Declared, "runoff": RunOff}


def read_tie_breaks(given: Any) -> tuple[TieBreak, ...]:
    """The tie-break rules of a poll.

    Args:
        given: ``"none"``, ``"declared"``, ``"lot:SEED"``, ``"chair:NAME"``, ``"runoff"``, an object, or a list of
            these, asked one after the other.

    Raises:
        VotingError: There is no such rule.

    Example:
        >>> read_tie_breaks(["runoff", "lot:7"])
        (RunOff(), Lot(seed='7'))
    """
    if given is None or (isinstance(given, str) and given == "none"):
        return ()
    if isinstance(given, str):
        name, colon, value = given.partition(":")
        if name == "lot" and value:
            return (Lot(value),)
        if name == "chair" and value:
            return (Chair(value),)
        if name in _NAMES and not colon:
            return (_NAMES[name](),)
        if name in ("lot", "chair"):
            what = "a seed: 'lot:7'" if name == "lot" else "a voter: 'chair:ann'"
            raise VotingError(f"the tie-break rule {name!r} needs {what}")
        known = ["none", *_NAMES, "lot:SEED", "chair:NAME"]
        near = near_matches(name, ["none", *_NAMES, "lot", "chair"], most=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise VotingError(f"unknown tie-break rule {given!r}; {hint}there are: {', '.join(known)}")
    if isinstance(given, Iterable):
        return tuple(rule for one in given for rule in read_tie_breaks(one))
    if callable(getattr(given, "groups", None)) and callable(getattr(given, "certain", None)):
        return (given,)
    raise VotingError(
        f"a tie-break rule is a text such as 'lot:7' or an object with groups() and certain(), not {given!r}"
    )
