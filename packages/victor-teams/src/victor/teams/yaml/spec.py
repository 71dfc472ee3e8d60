"""What may stand in a team file. The published JSON Schema is made from these classes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from attrs import field, frozen

__all__ = ["LimitsSpec", "MemberSpec", "OnFailureSpec", "TeamFile", "TeamSpec", "UntilSpec"]

Positive = Annotated[float, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Name = Annotated[str, msgspec.Meta(min_length=1)]
MemberType = Literal["agent", "human", "function", "team"]


def key(help: str, default: Any = None, **options: Any) -> Any:
    """A field with its description; ``required=True`` leaves it without a default."""
    metadata = {"description": help}
    if options.pop("required", False):
        return field(metadata=metadata)
    if isinstance(default, (list, dict)):
        return field(factory=type(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@frozen
class MemberSpec:
    """One member."""

    name: Name = key("unique in the team", required=True)
    type: MemberType = key("what it is", "agent")
    description: str = key("what it is good at; other members choose by it", "")
    instructions: str = key("of an agent: what it is told first", "")
    model: str | None = key("of an agent: provider:name; the setting where left out")
    tools: list[str] = key("of an agent: names of tools it may call", [])
    temperature: Annotated[float, msgspec.Meta(ge=0)] | None = key("of an agent: randomness, 0 to 2")
    max_steps: Count | None = key("of an agent: requests to its model in one turn at most")
    function: str | None = key("of a function: package.module:function, or ./file.py:function beside this file")
    team: str | None = key("of a team: the name of another team in this file")
    sees: str | None = key("what it sees of the others: all, own, none, last:3, from:ann,bob")
    remote: bool = key("it acts in another process, which victor team worker serves", False)
    idempotent: bool = key("of a remote member: false where a turn must not be taken twice when its worker dies", True)


@frozen
class UntilSpec:
    """When a run ends; several keys: whichever comes first."""

    max_turns: Count | None = key("after this many turns")
    max_tokens: Count | None = key("when this many tokens were used")
    timeout_s: Positive | None = key("at the end of the turn in which these seconds are over")
    text_mention: str | None = key("when somebody says this text")
    by: str | list[str] | None = key("for text_mention: only these members")
    said: str | None = key("when somebody says what this regular expression finds")
    spoken_by: str | list[str] | None = key("when one of these members has had a turn")
    handoff: str | None = key("when work is handed over to this name")
    all: list[UntilSpec] | None = key("when each of these has held")


@frozen
class LimitsSpec:
    """What a run may use at most. Null stands for no limit."""

    turns: Count | None = key("turns of members", 200)
    tokens: Count | None = key("tokens of all turns", 1_000_000)
    cost_usd: Positive | None = key("US dollars", 5.0)
    timeout_s: Positive | None = key("seconds of the whole run", 1800.0)
    turn_timeout_s: Positive | None = key("seconds of one turn", 300.0)
    repeats: Annotated[int, msgspec.Meta(ge=2)] | None = key("how often a member may repeat itself", 3)
    parallel: Count = key("members that work side by side", 16)
    turn_chars: Count | None = key("characters of one answer", 100_000)


@frozen
class OnFailureSpec:
    """What happens when a member fails."""

    then: Literal["fail", "skip", "replace"] = key("end the run, go on without it, or let another act", "fail")
    retries: Annotated[int, msgspec.Meta(ge=0)] = key("how often it is asked again before that", 0)
    backoff_s: Annotated[float, msgspec.Meta(ge=0)] = key("seconds before the first retry, doubled each time", 0.5)
    stand_in: str = key("for replace: the member that acts", "")


@frozen
class TeamSpec:
    """A team."""

    members: Annotated[list[MemberSpec], msgspec.Meta(min_length=1)] = key("who is in it, in order", required=True)
    description: str = key("what it is good at", "")
    pattern: str | dict[str, Any] = key(
        "how they work together: a name, or type: name with its settings", "round_robin"
    )
    until: UntilSpec | None = key("when a run ends")
    limits: LimitsSpec | None = key("what a run may use at most")
    on_failure: Literal["fail", "skip"] | dict[str, Literal["fail", "skip"] | OnFailureSpec] = key(
        "what happens when a member fails: for all, or by name ('*' for the others)", "fail"
    )
    sees: str | None = key("what members see of each other, instead of what the pattern says")
    memory: dict[str, Any] = key("what they know together at the start", {})
    memory_tools: bool = key("give agents the tools remember and recall", False)
    seed: int = key("for chance in patterns", 0)


@frozen
class TeamFile:
    """A file with teams."""

    teams: Annotated[dict[str, TeamSpec], msgspec.Meta(min_length=1)] = key("the teams by name", required=True)
