"""The import path tools of victor-ai use for their decorator. New tools: `victor.tools.tool`."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Final

from victor.tools.decorator import tool as _tool

__all__ = ["tool"]

_KEPT: Final = frozenset({
    "name", "cost_tier", "category", "keywords", "timeout", "idempotent", "description", "requires_approval",
    "sequential", "retries", "rate_limit", "cache_ttl", "max_result_chars", "version", "deprecated", "middleware",
})  # fmt: skip
_warned: list[bool] = []


def tool(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """The older decorator: takes all of its options, uses those that mean something here, and warns once.

    ``danger_level`` HIGH or CRITICAL and ``access_mode`` EXECUTE ask for approval; READONLY means idempotent.
    """
    if not _warned:
        _warned.append(True)
        warnings.warn(
            "victor.tools.decorators.tool is now victor.tools.tool; `victor tools migrate` rewrites it",
            DeprecationWarning,
            stacklevel=2,
        )

    def word(name: str) -> str:
        value = options.get(name)
        return str(getattr(value, "name", value)).upper()

    given = {key: value for key, value in options.items() if key in _KEPT and value is not None}
    given["keywords"] = [
        *(options.get("keywords") or ()),
        *(options.get("mandatory_keywords") or ()),
        *(options.get("aliases") or ()),
    ]
    if word("danger_level") in {"HIGH", "CRITICAL"} or word("access_mode") == "EXECUTE":
        given["requires_approval"] = True
    if word("access_mode") == "READONLY" or word("execution_category") == "READ_ONLY":
        given.setdefault("idempotent", True)
    decorate = _tool(**given)
    return decorate if function is None else decorate(function)
