"""Path patterns: ``*`` within a name, ``**`` across directories, ``?`` and ``[abc]``."""

from __future__ import annotations

import re
from collections.abc import Callable

from victor.core.errors import ToolError

__all__ = ["compile_glob"]


def compile_glob(pattern: str) -> Callable[[str], bool]:
    """A test for relative paths with ``/``. A pattern without a slash is tried on the last part alone.

    Stars next to each other count as one, and no path can take the test more than a moment.

    Raises:
        ToolError: The pattern is absolute, goes up, or is no pattern.

    Example:
        >>> fits = compile_glob("src/**/*.py")
        >>> fits("src/a.py"), fits("src/b/c/a.py"), fits("a.py")
        (True, True, False)
    """
    if not pattern or len(pattern) > 500:
        raise ToolError("the pattern must have 1 to 500 characters", retry=True)
    if pattern.startswith(("/", "~")) or "\\" in pattern or ".." in pattern.split("/"):
        raise ToolError(f"the pattern {pattern!r} must be relative, without '..' and with '/'", retry=True)
    parts = pattern.removeprefix("./").split("/")
    matchers = [None if part == "**" else _part(part, pattern) for part in parts]
    if len(matchers) == 1:
        only = matchers[0]
        return lambda path: only is None or only.fullmatch(path.rpartition("/")[2]) is not None
    return lambda path: _fits(matchers, path.split("/"))


def _fits(matchers: list[re.Pattern[str] | None], parts: list[str]) -> bool:
    """Whether parts fit, a None standing for any number of them. Takes time in proportion to both lengths."""
    reachable = {0}
    for matcher in matchers:
        if matcher is None:
            reachable = set(range(min(reachable), len(parts) + 1)) if reachable else set()
        else:
            reachable = {at + 1 for at in reachable if at < len(parts) and matcher.fullmatch(parts[at])}
    return len(parts) in reachable


def _part(part: str, pattern: str) -> re.Pattern[str]:
    out, at = "", 0
    while at < len(part):
        char = part[at]
        if char == "*":
            # possessive where nothing follows that the star could have taken too much of
            out += "" if out.endswith("[^/]*") else "[^/]*"
        elif char == "?":
            out += "[^/]"
        elif char == "[" and "]" in part[at + 2 :]:
            end = part.index("]", at + 2)
            inner = part[at + 1 : end]
            negated = inner[0] in "!^"
            out += f"[{'^' if negated else ''}{_class(inner[1:] if negated else inner)}]"
            at = end
        else:
            out += re.escape(char)
        at += 1
    if out.count("[^/]*") > 8:
        raise ToolError(f"the pattern {pattern!r} has too many stars in one name", retry=True)
    try:
        return re.compile(out)
    except re.error as error:
        raise ToolError(f"the pattern {pattern!r} is wrong: {error}", retry=True) from error


def _class(inner: str) -> str:
    return inner.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
