"""Makes a text that a regular expression matches, for the common kinds of expressions."""

from __future__ import annotations

import re
import re._constants as ops  # type: ignore[import-not-found, unused-ignore]
import re._parser as parser  # type: ignore[import-not-found, unused-ignore]
from random import Random
from typing import Any, Final

__all__ = ["matching"]

_TRIES: Final = 50
_CATEGORIES: Final = {
    ops.CATEGORY_DIGIT: "0123456789",
    ops.CATEGORY_WORD: "abcdefghijklmnopqrstuvwxyz_",
    ops.CATEGORY_SPACE: " ",
    ops.CATEGORY_NOT_DIGIT: "abcdefghij",
    ops.CATEGORY_NOT_WORD: "-",
    ops.CATEGORY_NOT_SPACE: "abcdefghij",
}
_ANY: Final = "abcdefghijklmnopqrstuvwxyz0123456789 -_.ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def matching(pattern: str, random: Random, least: int, most: float) -> str | None:
    """A text of that length in which the pattern is found, or None when none was found.

    Args:
        pattern: Regular expression; JSON Schema searches it, so it need not match from end to end.
        random: Where choices come from.
        least: Fewest characters.
        most: Most characters.

    Example:
        >>> matching("^[A-Z]{2}-[0-9]{3}$", Random(0), 0, 99) is not None
        True
    """
    try:
        tree, found = parser.parse(pattern), re.compile(pattern)
    except re.error:
        return None
    for extra in range(_TRIES):
        try:
            text = _texts(tree, random, extra // 4, [])
        except NotImplementedError:
            return None
        if len(text) < least and not pattern.endswith("$"):
            text += "a" * (least - len(text))
        if least <= len(text) <= most and found.search(text):
            return text
    return None


def _texts(tree: Any, random: Random, extra: int, groups: list[str]) -> str:
    return "".join(_text(op, argument, random, extra, groups) for op, argument in tree)


def _text(op: Any, argument: Any, random: Random, extra: int, groups: list[str]) -> str:
    if op is ops.LITERAL:
        return chr(argument)
    if op is ops.NOT_LITERAL:
        return next(c for c in _ANY if ord(c) != argument)
    if op is ops.ANY:
        return random.choice(_ANY)
    if op is ops.IN:
        return random.choice(_members(argument))
    if op is ops.CATEGORY:
        return random.choice(_CATEGORIES[argument])
    if op is ops.BRANCH:
        return _texts(random.choice(argument[1]), random, extra, groups)
    if op is ops.SUBPATTERN:
        groups.append(_texts(argument[3], random, extra, groups))
        return groups[-1]
    if op in {ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT}:
        fewest, most, part = argument
        count = min(max(fewest, 1) + extra, int(most))
        return "".join(_texts(part, random, extra, groups) for _ in range(count))
    if op is ops.GROUPREF and argument <= len(groups):
        return str(groups[argument - 1])
    if op is ops.AT or op in {ops.ASSERT, ops.ASSERT_NOT}:
        return ""  # checked in the end
    raise NotImplementedError(op)


def _members(parts: Any) -> str:
    if parts[0][0] is ops.NEGATE:
        taken = _members(parts[1:])
        return "".join(c for c in _ANY if c not in taken) or "~"
    found = []
    for op, argument in parts:
        if op is ops.LITERAL:
            found.append(chr(argument))
        elif op is ops.RANGE:
            low, high = argument
            found.append("".join(chr(c) for c in range(low, min(high, low + 61) + 1)))
        else:
            found.append(_CATEGORIES.get(argument, "a"))
    return "".join(found)
