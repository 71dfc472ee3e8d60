"""Ballots, and the strict reading of what voters write."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal, TypeAlias, cast

from attrs import field, frozen

from victor.core.catalog import near_matches
from victor.teams.voting.errors import BallotError, VotingError

__all__ = ["Ballot", "BallotForm", "BallotKind", "Content", "Ranking"]

BallotKind = Literal["choice", "approval", "ranking", "scores"]
"""What a voter says."""
Ranking: TypeAlias = tuple[tuple[str, ...], ...]
"""Groups of options, best first; options of one group are equal."""
Content: TypeAlias = str | frozenset[str] | Ranking | tuple[int, ...]
"""A ballot as it is counted: the option, the approved ones, the ranking, or a score for each option in order."""

_LONGEST: Final = 1_000_000
_WHOLE: Final = re.compile(r"-?\d{1,9}\Z", re.ASCII)


@frozen
class Ballot:
    """What one voter says.

    Args:
        voter: Who it is; each voter has one ballot.
        content: For a *choice* the option; for an *approval* a list of options; for a *ranking* a list of options,
            best first, where a list within the list stands for equals; for *scores* a mapping from option to whole
            number. A text that spells one of these (``"tea"``, ``"tea > coffee = milk"``, JSON) works, too. None
            abstains.
        reason: Why, in the voter's words. It is kept, and does not count.

    Example:
        >>> Ballot("ann", ["tea", ["coffee", "milk"]], "I am British")
        Ballot(voter='ann', content=['tea', ['coffee', 'milk']], reason='I am British')
    """

    voter: str
    content: Any = None
    reason: str = ""


@frozen
class Spoiled:
    """What stands in a file for a ballot that cannot be read; the poll reports it as invalid.

    Args:
        why: What is wrong, and where.
    """

    why: str


def _as_tuple(options: Iterable[str]) -> tuple[str, ...]:
    return tuple(options)


def _unique(_: Any, __: Any, options: tuple[Any, ...]) -> None:
    if not options:
        raise VotingError("a poll needs at least one option")
    for option in options:
        if not isinstance(option, str) or not option.strip():
            raise VotingError(f"an option must be a text that is not blank, not {option!r}")
    if len(set(options)) < len(options):
        twice = next(option for number, option in enumerate(options) if option in options[:number])
        raise VotingError(f"the option {twice!r} is listed twice")


@frozen
class BallotForm:
    """What a ballot may say in one poll.

    Args:
        kind: Which kind of ballot.
        options: What can be voted for.
        lowest: Least score.
        highest: Greatest score.
        equals: Whether a ranking may put options on the same rank.
        partial: Whether options without a score get the lowest one; without this such a ballot is invalid.

    Raises:
        VotingError: There is no option, or one is there twice, or the scores have no range.

    Example:
        >>> form = BallotForm("ranking", ("tea", "coffee", "milk"))
        >>> form.read("tea > milk")
        (('tea',), ('milk',))
        >>> form.read(["tee", "milk"])
        Traceback (most recent call last):
        ...
        victor.teams.voting.errors.BallotError: 'tee' is not on the ballot; did it mean 'tea'? There are: 'tea', ...
    """

    kind: BallotKind
    options: tuple[str, ...] = field(converter=_as_tuple, validator=_unique)
    lowest: int = 0
    highest: int = 5
    equals: bool = True
    partial: bool = False
    _place: dict[str, int] = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        if not self.lowest < self.highest:
            raise VotingError(f"scores need a range: lowest {self.lowest} is not below highest {self.highest}")
        object.__setattr__(self, "_place", {option: place for place, option in enumerate(self.options)})

    def read(self, content: Any) -> Content | None:
        """What a ballot says, in the form it is counted in; None when it abstains.

        Nothing is guessed: an unknown option, an option that is there twice or a score outside the range makes the
        ballot invalid. An object with the field ``choice``, ``approval``, ``ranking`` or ``scores``, as `schema`
        asks models for, is read as well.

        Args:
            content: As in `Ballot`.

        Raises:
            BallotError: It is invalid; the text says why, in words the voter can act on.
        """
        if isinstance(content, Spoiled):
            raise BallotError(content.why)
        if isinstance(content, str):
            content = self._spelt(content)
        if isinstance(content, Mapping):
            content = self._unwrapped(content)
        if content is None:
            return None
        return _READERS[self.kind](self, content)

    def plain(self, content: Content | None) -> Any:
        """The same as plain data, which `read` accepts."""
        if isinstance(content, frozenset):
            return [option for option in self.options if option in content]
        if isinstance(content, tuple):
            if self.kind == "scores":
                return dict(zip(self.options, content, strict=True))
            return [group[0] if len(group) == 1 else list(group) for group in cast("Ranking", content)]
        return content

    def schema(self) -> dict[str, Any]:
        """JSON Schema of a ballot, for asking a model for one.

        Example:
            >>> BallotForm("choice", ("tea", "coffee")).schema()["properties"]["choice"]["enum"]
            ['tea', 'coffee', None]
        """
        options = list(self.options)
        one = {"type": "string", "enum": options}
        what: dict[str, Any]
        if self.kind == "choice":
            what = {"enum": [*options, None], "description": "your choice, or null to abstain"}
        elif self.kind == "approval":
            what = {"type": ["array", "null"], "items": one, "description": "all you approve of, or null to abstain"}
        elif self.kind == "ranking":
            what = {"type": ["array", "null"], "items": one, "description": "best first, or null to abstain"}
        else:
            score = {"type": "integer", "minimum": self.lowest, "maximum": self.highest}
            what = {
                "type": ["object", "null"],
                "properties": dict.fromkeys(options, score),
                "required": [] if self.partial else options,
                "additionalProperties": False,
                "description": f"a score from {self.lowest} to {self.highest} for each option, or null to abstain",
            }
        return {
            "title": "ballot",
            "type": "object",
            "properties": {self.kind: what, "reason": {"type": "string", "description": "why, in one sentence"}},
            "required": [self.kind],
            "additionalProperties": False,
        }

    def _spelt(self, text: str) -> Any:
        """Plain data from a text: an option, JSON, or the short forms."""
        if len(text) > _LONGEST:
            raise BallotError(f"the ballot has {len(text):,} characters, and at most {_LONGEST:,} are read")
        stripped = text.strip()
        if self.kind == "choice" and (text in self._place or stripped in self._place):
            return text if text in self._place else stripped
        if not stripped:
            raise BallotError("the ballot is empty; null abstains")
        if stripped[0] in '[{"' or stripped == "null":
            try:
                return json.loads(stripped, object_pairs_hook=_no_twins)
            except (ValueError, RecursionError) as error:
                if isinstance(error, BallotError):
                    raise
                raise BallotError(f"the ballot looks like JSON and is none: {error}") from None
        if self.kind == "choice":
            return stripped
        signs = {"ranking": ">=", "approval": ";", "scores": ";="}[self.kind]
        if any(sign in option for option in self.options for sign in signs):
            raise BallotError(
                f"options of this poll contain {' or '.join(map(repr, signs))}, so write the ballot as JSON"
            )
        if self.kind == "ranking":
            return [[option.strip() for option in group.split("=")] for group in stripped.split(">")]
        if self.kind == "approval":
            return [option.strip() for option in stripped.split(";")]
        scores: dict[str, Any] = {}
        for part in stripped.split(";"):
            option, sign, score = (piece.strip() for piece in part.partition("="))
            if not sign or not _WHOLE.match(score):
                raise BallotError(f"{part.strip()!r} is no score; write 'option=3; other=5', or JSON")
            if option in scores:
                raise BallotError(f"{option!r} has two scores")
            scores[option] = int(score)
        return scores

    def _unwrapped(self, data: Mapping[Any, Any]) -> Any:
        if self.kind == "scores" and ("scores" in self._place or "scores" not in data):
            return data
        if self.kind in data:
            extra = [key for key in data if key not in (self.kind, "reason")]
            if extra:
                raise BallotError(f"the ballot has fields nobody asked for: {', '.join(map(repr, extra[:5]))}")
            inner = data[self.kind]
            return self._spelt(inner) if isinstance(inner, str) else inner
        raise BallotError(
            f"the ballot has no field {self.kind!r}; it has {', '.join(repr(key) for key in list(data)[:5]) or 'none'}"
        )

    def _option(self, value: Any) -> str:
        if not isinstance(value, str):
            raise BallotError(f"an option is a text, not {_short(value)}")
        if value in self._place:
            return value
        near = near_matches(value[:100], self.options, most=1)
        hint = f"; did it mean {near[0]!r}?" if near else "."
        shown = ", ".join(map(repr, self.options[:8])) + (", ..." if len(self.options) > 8 else "")
        raise BallotError(f"{_short(value)} is not on the ballot{hint} There are: {shown}")

    def _several(self, value: Any, what: str) -> list[Any]:
        if isinstance(value, (list, tuple, set, frozenset)):
            if len(value) > len(self.options):
                raise BallotError(f"{what} lists {len(value)} options, and there are {len(self.options)}")
            return list(value)
        raise BallotError(f"{what} is a list of options, not {_short(value)}")

    def _read_choice(self, value: Any) -> Content:
        if isinstance(value, (list, tuple, set, frozenset)):
            raise BallotError(f"the ballot names {len(value)} options where one is to be chosen")
        return self._option(value)

    def _read_approval(self, value: Any) -> Content:
        approved = [self._option(option) for option in self._several(value, "an approval")]
        if len(set(approved)) < len(approved):
            raise BallotError(f"{_twin(approved)!r} is approved twice")
        return frozenset(approved)

    def _read_ranking(self, value: Any) -> Content:
        place, groups, seen = self._place, [], 0
        ranked: set[str] = set()
        for group in self._several(value, "a ranking"):
            if isinstance(group, str):
                members: tuple[str, ...] = (group if group in place else self._option(group),)
            else:
                members = tuple(self._option(option) for option in self._several(group, "a rank"))
                if not members:
                    raise BallotError("a rank without options")
                if len(members) > 1:
                    if not self.equals:
                        raise BallotError(
                            f"{members[0]!r} and {members[1]!r} share a rank, which this rule cannot count"
                        )
                    members = tuple(sorted(members, key=lambda option: place[option]))
            groups.append(members)
            ranked.update(members)
            seen += len(members)
        if not seen:
            raise BallotError("the ranking is empty; null abstains")
        if len(ranked) < seen:
            raise BallotError(f"{_twin([option for group in groups for option in group])!r} is ranked twice")
        return tuple(groups)

    def _read_scores(self, value: Any) -> Content:
        if not isinstance(value, Mapping):
            raise BallotError(f"scores are an object from option to score, not {_short(value)}")
        for option, score in value.items():
            self._option(option)
            if isinstance(score, bool) or not isinstance(score, int):
                raise BallotError(f"the score of {option!r} is a whole number, not {_short(score)}")
            if not self.lowest <= score <= self.highest:
                raise BallotError(
                    f"the score of {option!r} is {_short(score)}, and goes from {self.lowest} to {self.highest}"
                )
        missing = [option for option in self.options if option not in value]
        if missing and not self.partial:
            raise BallotError(
                f"no score for {', '.join(map(repr, missing[:5]))}; score every option, or let the rule take partial "
                "ballots (partial=True)"
            )
        return tuple(value.get(option, self.lowest) for option in self.options)


_READERS: Final[dict[str, Callable[[BallotForm, Any], Content]]] = {
    "choice": BallotForm._read_choice,
    "approval": BallotForm._read_approval,
    "ranking": BallotForm._read_ranking,
    "scores": BallotForm._read_scores,
}


def _twin(values: list[str]) -> str:
    return next(value for number, value in enumerate(values) if value in values[:number])


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        raise BallotError(f"{_twin([key for key, _ in pairs])!r} is in the ballot twice")
    return data


def _short(value: Any) -> str:
    """A value for a message, whatever its size."""
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else value[:57] + "...")
    if value is None or isinstance(value, (bool, float)):
        return json.dumps(value) if value is None or isinstance(value, bool) else repr(value)
    if isinstance(value, int):
        return str(value) if abs(value) < 10**18 else "a huge number"
    return {"dict": "an object", "list": "a list", "tuple": "a list"}.get(type(value).__name__, type(value).__name__)
