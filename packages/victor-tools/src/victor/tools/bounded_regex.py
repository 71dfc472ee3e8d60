"""Regular expressions that give up when they take too long, instead of for ever."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from victor.core.errors import ToolError

__all__ = ["BoundedRegex"]


class BoundedRegex:
    """A regular expression with a time limit for all its uses together.

    Python's own ``re`` cannot be interrupted; the ``regex`` package can.

    Args:
        pattern: The expression, in Python's syntax.
        ignore_case: Upper and lower case are the same.
        literal: The pattern is plain text.
        multiline: ``^`` and ``$`` match at every line.
        dot_all: ``.`` matches line ends too.
        seconds: Time for all its uses.

    Raises:
        ToolError: The pattern is wrong.

    Example:
        >>> BoundedRegex(r"^(a|b|ab)*?(c|d)$", seconds=0.05).search("ab" * 5000 + "x")
        Traceback (most recent call last):
        ...
        victor.core.errors.ToolError: the pattern '^(a|b|ab)*?(c|d)$' took more than 0.05 s; make it simpler ...
    """

    def __init__(
        self, pattern: str, *, ignore_case: bool = False, literal: bool = False, multiline: bool = False,
        dot_all: bool = False, seconds: float = 2.0,
    ) -> None:  # fmt: skip
        import regex

        if len(pattern) > 2_000:
            raise ToolError(f"the pattern has {len(pattern):,} characters; at most 2,000 are allowed", retry=True)
        flags = (regex.IGNORECASE if ignore_case else 0) | (regex.MULTILINE if multiline else 0)
        flags |= regex.DOTALL if dot_all else 0
        self.pattern = pattern
        self._seconds = seconds
        self._ends = time.monotonic() + seconds
        try:
            self._compiled: Any = regex.compile(regex.escape(pattern) if literal else pattern, flags | regex.V0)
        except (regex.error, OverflowError, RecursionError, MemoryError) as error:
            raise ToolError(f"the pattern {pattern[:200]!r} is wrong: {error}", retry=True) from error

    def search(self, text: str) -> Any:
        """The first match, or None.

        Raises:
            ToolError: The time is up.
        """
        try:
            return self._compiled.search(text, timeout=self._left())
        except TimeoutError:
            raise self._late() from None
        except MemoryError:
            raise self._huge() from None

    def finditer(self, text: str) -> Iterator[Any]:
        """All matches.

        Raises:
            ToolError: The time is up.
        """
        try:
            yield from self._compiled.finditer(text, timeout=self._left())
        except TimeoutError:
            raise self._late() from None
        except MemoryError:
            raise self._huge() from None

    def sub(self, replacement: str, text: str, count: int = 0) -> tuple[str, int]:
        """The text with matches replaced, and how many.

        Raises:
            ToolError: The time is up, or the replacement is wrong.
        """
        import regex

        try:
            changed, number = self._compiled.subn(replacement, text, count=count, timeout=self._left())
        except TimeoutError:
            raise self._late() from None
        except MemoryError:
            raise self._huge() from None
        except (regex.error, IndexError) as error:
            raise ToolError(f"the replacement {replacement[:200]!r} is wrong: {error}", retry=True) from error
        return str(changed), int(number)

    def _left(self) -> float:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise self._late()
        return left

    def _huge(self) -> ToolError:
        return ToolError(
            f"the pattern {self.pattern[:200]!r} needs more memory than there is; make it simpler", retry=True
        )

    def _late(self) -> ToolError:
        return ToolError(
            f"the pattern {self.pattern[:200]!r} took more than {self._seconds:g} s; make it simpler "
            "(no repeats inside of repeats)",
            retry=True,
        )
