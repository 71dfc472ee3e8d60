"""Tells whether a request is the one an answer was written for, and in words when it is not."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from victor.core.errors import ConfigurationError
from victor.core.model import ModelRequest
from victor.core.redact import redact

__all__ = ["Match", "check_match", "describe_request", "mismatch"]

Match: TypeAlias = "str | re.Pattern[str] | Callable[[ModelRequest], bool] | Mapping[str, Any]"
"""A text or pattern that the last message must contain; a function; or a mapping with any of ``messages`` (how
many), ``role`` and ``last`` (of the last message, the whole text), ``contains`` (part of it), ``tools`` (names)."""

_KEYS: Final = ("messages", "role", "last", "contains", "tools")
_SHOWN: Final = 200


def check_match(match: Any) -> None:
    """Refuse what is no `Match`.

    Raises:
        ConfigurationError: Says what one may be, or which key is unknown.
    """
    if isinstance(match, Mapping):
        unknown = sorted(set(match) - set(_KEYS))
        if unknown:
            raise ConfigurationError(f"match: unknown key {unknown[0]!r}; there are: {', '.join(_KEYS)}")
    elif not (isinstance(match, (str, re.Pattern)) or callable(match)):
        raise ConfigurationError(f"match: a text, a pattern, a function or a mapping, not {match!r}")


def describe_request(request: ModelRequest) -> dict[str, Any]:
    """The mapping that matches this request and those like it; secrets are redacted."""
    found: dict[str, Any] = {"messages": len(request.messages)}
    if request.messages:
        last = request.messages[-1]
        found |= {"role": last.role, "last": redact.text(last.content)}
    if request.tools:
        found["tools"] = sorted(tool.name for tool in request.tools)
    return found


def mismatch(match: Any, request: ModelRequest) -> str:
    """Why the request is not the expected one, or ``""`` when it is."""
    last = request.messages[-1].content if request.messages else ""
    if isinstance(match, str):
        return "" if match in last else f"the last message should contain {match!r}, and is {_shown(last)}"
    if isinstance(match, re.Pattern):
        return "" if match.search(last) else f"the last message should match {match.pattern!r}, and is {_shown(last)}"
    if isinstance(match, Mapping):
        actual = describe_request(request)
        for key, expected in match.items():
            if key == "contains":
                if str(expected) not in actual.get("last", ""):
                    return f"the last message should contain {expected!r}, and is {_shown(actual.get('last', ''))}"
            elif key == "tools":
                if sorted(expected) != actual.get("tools", []):
                    return f"tools should be {sorted(expected)}, and are {actual.get('tools', [])}"
            elif actual.get(key) != expected:
                return f"{key} should be {_shown(expected)}, and is {_shown(actual.get(key))}"
        return ""
    return "" if match(request) else f"{getattr(match, '__name__', 'the match function')} said no"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
