"""Keeps the number of figures small: of a label with more and more values, the later ones become ``other``.

The first values stay apart, those that come when there are too many are counted together. Nothing is lost but the
name, and what was folded is told.

Example:
    >>> folding = Folding(max_names=2)
    >>> [folding(Key("tool.call", name)).name for name in ("a", "b", "c", "a", "d")]
    ['a', 'b', 'other', 'a', 'other']
    >>> folding.folded
    {'name of tool.call': 2}
"""

from __future__ import annotations

import logging
from typing import Final

from victor.observability.aggregate import Key

__all__ = ["OTHER", "Folding"]

OTHER: Final = "other"
"""What values beyond the limit are counted as."""

_REMEMBERED: Final = 20_000
_log = logging.getLogger("victor.observability")


class Folding:
    """Gives for each key the one it is counted under.

    Args:
        max_names: How many values of a label are told apart; names are counted for each kind.
        max_keys: How many keys are told apart in all.

    Attributes:
        folded: For each label that has too many values, how many keys with others have come.
    """

    def __init__(self, max_names: int = 200, max_keys: int = 5_000) -> None:
        self.max_names = max_names
        self.max_keys = max_keys
        self.folded: dict[str, int] = {}
        self._values: dict[str, set[str]] = {}
        self._keys: set[Key] = set()
        self._known: dict[tuple[str, ...], Key] = {}

    def __call__(self, key: tuple[str, str, str, str, str, str]) -> Key:
        """The key to count under: the same one, or one with ``other`` in it."""
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _REMEMBERED:  # only names that are never seen again can fill it
                self._known.clear()
            found = self._known[key] = self._fold(Key(*key))
        return found

    def _fold(self, key: Key) -> Key:
        kind = self._value("kind", key.kind)
        name = self._value(f"name of {kind}", key.name)
        if key.kind == "model.request" and key.name == key.model:
            model = name
        else:
            model = self._value("model", key.model)
        folded = Key(
            kind, name, self._value("agent", key.agent), model, self._value("provider", key.provider),
            self._value("root", key.root),
        )  # fmt: skip
        if folded in self._keys:
            return folded
        if len(self._keys) >= self.max_keys:
            self._count("all labels together")
            return Key(kind, *(OTHER if value else "" for value in folded[1:]))
        self._keys.add(folded)
        return folded

    def _value(self, label: str, value: str) -> str:
        seen = self._values.setdefault(label, set())
        if value in seen or not value:
            return value
        if len(seen) < self.max_names:
            seen.add(value)
            return value
        self._count(label)
        return OTHER

    def _count(self, label: str) -> None:
        if label not in self.folded:
            _log.warning(
                "too many values of %s: from now on new ones are counted as %r. Is there an id or a date in them?",
                label,
                OTHER,
            )
        self.folded[label] = self.folded.get(label, 0) + 1
