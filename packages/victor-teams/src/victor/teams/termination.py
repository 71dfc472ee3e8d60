"""Conditions that end a team's run: plain objects that combine with ``&`` and ``|``.

A condition is looked at after every turn. With ``|`` the first that holds ends the run; with ``&`` each must have held
at some turn, not all at the same one.

Example:
    >>> until = TextMention("APPROVED") | MaxTurns(6)
    >>> watch = until.begin()
    >>> from victor.teams.result import Turn
    >>> watch(Turn("0", "critic", "Not yet."))
    ''
    >>> watch(Turn("1", "critic", "APPROVED"))
    "critic said 'APPROVED'"
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from victor.core.errors import ConfigurationError
from victor.teams.result import Turn, turns_taken

__all__ = [
    "Condition", "External", "Handoff", "MaxTokens", "MaxTurns", "Said", "SpokenBy", "TextMention", "Timeout", "When",
]  # fmt: skip

Watch = Callable[[Turn], str]
"""Called with every turn; returns why the run ends, or ``""``."""


class Condition:
    """Ends a run. Subclass it and write `begin`, or use `When` with a function."""

    def begin(self) -> Watch:
        """A watcher for one run, which may keep count."""
        raise NotImplementedError

    def __or__(self, other: Condition) -> Condition:
        return _Any((self, other))

    def __and__(self, other: Condition) -> Condition:
        return _All((self, other))


class _Any(Condition):
    def __init__(self, parts: tuple[Condition, ...]) -> None:
        self.parts = parts

    def begin(self) -> Watch:
        watches = [part.begin() for part in self.parts]

        def watch(turn: Turn) -> str:
            told = [each(turn) for each in watches]  # all of them, so that each sees every turn
            return next(filter(None, told), "")

        return watch

    def __repr__(self) -> str:
        return "(" + " | ".join(map(repr, self.parts)) + ")"


class _All(Condition):
    def __init__(self, parts: tuple[Condition, ...]) -> None:
        self.parts = parts

    def begin(self) -> Watch:
        watches = [part.begin() for part in self.parts]
        held = [""] * len(watches)

        def watch(turn: Turn) -> str:
            for index, each in enumerate(watches):
                held[index] = each(turn) or held[index]
            return " and ".join(held) if all(held) else ""

        return watch

    def __repr__(self) -> str:
        return "(" + " & ".join(map(repr, self.parts)) + ")"


def _positive(what: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise ConfigurationError(f"{what} takes a positive number, not {value!r}")


class MaxTurns(Condition):
    """After this many turns."""

    def __init__(self, turns: int) -> None:
        _positive("MaxTurns", turns)
        self.turns = turns

    def begin(self) -> Watch:
        """See `Condition.begin`."""
        count = 0

        def watch(turn: Turn) -> str:
            nonlocal count
            count += 1
            return turns_taken(count) if count >= self.turns else ""

        return watch

    def __repr__(self) -> str:
        return f"MaxTurns({self.turns})"


class MaxTokens(Condition):
    """When the turns have used this many tokens, as far as providers say."""

    def __init__(self, tokens: int) -> None:
        _positive("MaxTokens", tokens)
        self.tokens = tokens

    def begin(self) -> Watch:
        """See `Condition.begin`."""
        used = 0

        def watch(turn: Turn) -> str:
            nonlocal used
            used += turn.usage.total_tokens or 0
            return f"{used} tokens were used" if used >= self.tokens else ""

        return watch

    def __repr__(self) -> str:
        return f"MaxTokens({self.tokens})"


class Timeout(Condition):
    """At the first turn that ends later than this many seconds after the run began. (`TeamLimits.timeout_s` ends a run
    in the middle of a turn.)
    """

    def __init__(self, seconds: float) -> None:
        _positive("Timeout", seconds)
        self.seconds = seconds

    def begin(self) -> Watch:
        """See `Condition.begin`."""
        began = time.monotonic()
        return lambda turn: f"{self.seconds} s are over" if time.monotonic() - began >= self.seconds else ""

    def __repr__(self) -> str:
        return f"Timeout({self.seconds})"


class TextMention(Condition):
    """When a member says this text, exactly as written.

    Args:
        text: What to look for.
        by: Only in what these members say; everybody by default.
    """

    def __init__(self, text: str, *, by: str | tuple[str, ...] = ()) -> None:
        if not text:
            raise ConfigurationError("TextMention takes a text that is not empty")
        self.text = text
        self.by: tuple[str, ...] = (by,) if isinstance(by, str) else tuple(by)

    def begin(self) -> Watch:
        """See `Condition.begin`."""

        def watch(turn: Turn) -> str:
            said = self.text in turn.text and (not self.by or turn.member in self.by)
            return f"{turn.member} said {self.text!r}" if said else ""

        return watch

    def __repr__(self) -> str:
        return f"TextMention({self.text!r}{f', by={self.by}' if self.by else ''})"


class Said(Condition):
    """When a member says something that this regular expression finds.

    Raises:
        ConfigurationError: It is no regular expression.
    """

    def __init__(self, pattern: str) -> None:
        try:
            self.pattern: re.Pattern[str] = re.compile(pattern)
        except re.error as error:
            raise ConfigurationError(f"Said takes a regular expression; {pattern!r}: {error}") from None

    def begin(self) -> Watch:
        """See `Condition.begin`."""

        def watch(turn: Turn) -> str:
            found = self.pattern.search(turn.text)
            return f"{turn.member} said {found[0]!r}" if found else ""

        return watch

    def __repr__(self) -> str:
        return f"Said({self.pattern.pattern!r})"


class SpokenBy(Condition):
    """When one of these members has had a turn."""

    def __init__(self, *members: str) -> None:
        if not members:
            raise ConfigurationError("SpokenBy takes the names of members")
        self.members = members

    def begin(self) -> Watch:
        """See `Condition.begin`."""
        return lambda turn: f"{turn.member} had a turn" if turn.member in self.members else ""

    def __repr__(self) -> str:
        return f"SpokenBy({', '.join(map(repr, self.members))})"


class Handoff(Condition):
    """When work is passed to this name, which need not be a member: a way out to the host program."""

    def __init__(self, to: str) -> None:
        self.to = to

    def begin(self) -> Watch:
        """See `Condition.begin`."""
        return lambda turn: f"{turn.member} handed over to {self.to}" if turn.handoff == self.to else ""

    def __repr__(self) -> str:
        return f"Handoff({self.to!r})"


class External(Condition):
    """When `set` was called, from any task or thread: a stop button."""

    def __init__(self, reason: str = "stopped from outside") -> None:
        self.reason = reason
        self._set = False

    def set(self) -> None:
        """End the runs that have this condition after the turn they are in."""
        self._set = True

    def begin(self) -> Watch:
        """See `Condition.begin`."""
        return lambda turn: self.reason if self._set else ""

    def __repr__(self) -> str:
        return f"External({self.reason!r})"


class When(Condition):
    """When a function of the turn says so.

    Args:
        function: Gets the turn; True or a text (the reason) ends the run.
    """

    def __init__(self, function: Callable[[Turn], bool | str]) -> None:
        self.function = function

    def begin(self) -> Watch:
        """See `Condition.begin`."""

        def watch(turn: Turn) -> str:
            told = self.function(turn)
            return told if isinstance(told, str) else f"{_name(self.function)} said so" if told else ""

        return watch

    def __repr__(self) -> str:
        return f"When({_name(self.function)})"


def _name(function: Callable[..., object]) -> str:
    return getattr(function, "__name__", repr(function))
