"""Which values a search's ``filter`` lets through."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, Final

__all__ = ["check_filter", "passes"]


def _ordered(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], bool]:
    def test(have: Any, want: Any) -> bool:
        try:
            return have is not None and bool(compare(have, want))
        except TypeError:  # 5 < "a": no order, so no match
            return False

    return test


_TESTS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "$eq": lambda have, want: bool(have == want),
    "$ne": lambda have, want: bool(have != want),
    "$gt": _ordered(operator.gt),
    "$gte": _ordered(operator.ge),
    "$lt": _ordered(operator.lt),
    "$lte": _ordered(operator.le),
    "$in": lambda have, want: have in list(want),
    "$nin": lambda have, want: have not in list(want),
}


def check_filter(wanted: Mapping[str, Any] | None) -> None:
    """Raises ValueError when a filter has an operator that does not exist."""
    for field, want in (wanted or {}).items():
        if not isinstance(want, Mapping):
            continue
        for name in want:
            if isinstance(name, str) and name.startswith("$") and name not in _TESTS:
                near = get_close_matches(name, _TESTS, 1, 0.75)
                hint = f"; did you mean {near[0]}?" if near else "."
                raise ValueError(
                    f"filter on {field!r}: there is no operator {name!r}{hint} There are: {', '.join(_TESTS)}"
                )


def passes(value: Mapping[str, Any], wanted: Mapping[str, Any] | None) -> bool:
    """Whether a value has what a filter wants.

    Args:
        value: A stored value.
        wanted: For each field (``"a.b"`` is ``value["a"]["b"]``) the value it must equal, a mapping of operators
            (``{"$gte": 3}``), or a mapping that the field's own mapping must pass.

    Example:
        >>> passes({"age": 7, "kind": "cat"}, {"kind": "cat", "age": {"$gt": 5, "$lte": 7}})
        True
    """
    return all(_fits(_at(value, field), want) for field, want in (wanted or {}).items())


def _at(value: Any, field: str) -> Any:
    if isinstance(value, Mapping) and field in value:
        return value[field]
    for name in field.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return None
        value = value[name]
    return value


def _fits(have: Any, want: Any) -> bool:
    if not isinstance(want, Mapping):
        return bool(have == want)
    operators = {name for name in want if isinstance(name, str) and name.startswith("$")}
    if any(not _TESTS[name](have, want[name]) for name in operators):
        return False
    rest = {name: one for name, one in want.items() if name not in operators}
    if not rest:
        return bool(operators) or have == {}
    return isinstance(have, Mapping) and passes(have, rest)
