"""Regular expressions that are compiled when they are first used.

Compiling all of this package's expressions takes longer than everything else it does; most requests use a few.
"""

from __future__ import annotations

import re
from typing import Any, cast

__all__ = ["pattern"]


class _Lazy:
    """Becomes the compiled expression, method by method."""

    def __init__(self, source: str, flags: int) -> None:
        self.pattern = source
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(re.compile(self.pattern, self._flags), name)
        setattr(self, name, value)
        return value


def pattern(source: str, flags: int = 0) -> re.Pattern[str]:
    """A regular expression like that of `re.compile`, which costs nothing until it is used.

    Example:
        >>> pattern("a+").findall("caaat")
        ['aaa']
    """
    return cast("re.Pattern[str]", _Lazy(source, flags))
